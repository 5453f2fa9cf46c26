/**
 * The CUDA backend: {@link io.framecast.backend.cuda.CudaBackend} computes networks on NVIDIA's GPUs, or on the
 * software device. The packages below it are not part of the API; each depends only on those after it: layer, vendor,
 * convolution, launch, compiler, driver, library. Nothing is loaded or fetched before it is used.
 */
package io.framecast.backend.cuda;
