/**
 * Not API: two-dimensional convolutions. The interface of a {@linkplain
 * io.framecast.backend.cuda.convolution.ConvolutionFamily family} of them, and the family of this project's float32
 * kernels.
 */
package io.framecast.backend.cuda.convolution;
