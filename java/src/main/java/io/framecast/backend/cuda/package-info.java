/**
 * CUDA through JCuda. {@link io.framecast.backend.cuda.CudaBackend} computes networks with this project's kernels, or
 * with cuDNN's and cuBLAS's convolutions. Below it are the driver, be it NVIDIA's or the software device's, a device
 * with its memory, kernels and graphs, and NVRTC, which compiles the kernels. Nothing here is loaded or fetched before
 * it is used.
 */
package io.framecast.backend.cuda;
