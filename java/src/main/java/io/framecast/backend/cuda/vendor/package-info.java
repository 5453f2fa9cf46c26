/** Not API: the family of convolutions by NVIDIA's libraries, cuDNN and cuBLAS. */
package io.framecast.backend.cuda.vendor;
