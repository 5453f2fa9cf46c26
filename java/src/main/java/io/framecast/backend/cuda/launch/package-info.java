/** Not API: what ops share, which is their kernels, grids and device memory. */
package io.framecast.backend.cuda.launch;
