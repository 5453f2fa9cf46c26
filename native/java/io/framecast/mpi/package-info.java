/** Not API: the binding of native/mpi, which calls the machine's MPI. */
package io.framecast.mpi;
