/**
 * What ops share: their kernels, grids and device memory. Not part of the API.
 */
package io.framecast.backend.cuda.launch;
