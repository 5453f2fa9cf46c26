/**
 * CUDA through JCuda: the driver, be it NVIDIA's or the software device's, a device with its memory and kernels, and
 * NVRTC, which compiles them. Nothing here is loaded or fetched before it is used.
 */
package io.framecast.backend.cuda;
