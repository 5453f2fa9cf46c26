/** Not API: what the CUDA backends of several processes compute together, by NCCL or through the memory of the host. */
package io.framecast.backend.cuda.collective;
