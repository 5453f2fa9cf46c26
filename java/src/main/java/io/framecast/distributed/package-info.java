/**
 * Processes that train together: those that MPI's launcher (mpirun, srun) has started.
 */
package io.framecast.distributed;
