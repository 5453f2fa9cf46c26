/**
 * Not API: from the project's CUDA sources to machine code or PTX: NVRTC, how to find or fetch it, and the cache of
 * compiled kernels.
 */
package io.framecast.backend.cuda.compiler;
