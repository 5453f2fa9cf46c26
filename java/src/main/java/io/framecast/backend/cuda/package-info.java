/**
 * Not API: the CUDA backend, {@link io.framecast.backend.cuda.CudaBackend}, computes networks on NVIDIA's GPUs or on
 * the software device. It is opened by {@link io.framecast.device.Backends}. Each of the packages below it depends only on
 * those after it: layer, vendor, convolution, launch, compiler, driver, library. Nothing is loaded or fetched before it
 * is used.
 */
package io.framecast.backend.cuda;
