/**
 * Two-dimensional convolutions: the interface of a {@linkplain
 * io.framecast.backend.cuda.convolution.ConvolutionFamily family} of them, and the family of this project's float32
 * kernels. Not part of the API.
 */
package io.framecast.backend.cuda.convolution;
