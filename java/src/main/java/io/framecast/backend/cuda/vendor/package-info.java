/**
 * The family of convolutions by NVIDIA's libraries, cuDNN and cuBLAS. Not part of the API.
 */
package io.framecast.backend.cuda.vendor;
