/**
 * CUDA through JCuda: the driver, be it NVIDIA's or the software device's, and NVRTC, which compiles kernels. Nothing
 * here is loaded or fetched before it is used.
 */
package io.framecast.backend.cuda;
