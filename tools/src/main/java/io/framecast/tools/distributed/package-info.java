/** The processes that mpirun or srun has started. */
package io.framecast.tools.distributed;
