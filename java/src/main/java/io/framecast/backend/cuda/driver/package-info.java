/**
 * Not API: CUDA's driver as objects (devices, memory, modules, kernels and graphs), with errors as exceptions. It knows
 * nothing of neural networks.
 */
package io.framecast.backend.cuda.driver;
