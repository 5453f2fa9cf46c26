/** Not API: the convolutions in bfloat16 and tf32 on tensor cores, cuda-kernels/tensor_core_*.cu. */
package io.framecast.backend.cuda.tensorcore;
