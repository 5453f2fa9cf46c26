// Convolution in NHWC as an implicit matrix product (implicit GEMM): the im2col matrix is never stored.
//
//   forward            y (M, N)  = A * B    A: im2col of x (M, K)      B: w (K, N)
//                      M: output pixels (image, y, x)      N: output channels   K: (tap, input channel)
//   backward data      dx (M, N) = A * B    A: im2col of dy (M, K)     B: w, channels transposed (K, N)
//                      M: input pixels                     N: input channels    K: (tap, output channel)
//   backward weights   dw (M, N) = A * B    A: im2col of x, transposed (M, K)   B: dy (K, N)
//                      M: (tap, input channel)             N: output channels   K: output pixels
//
// tap: (kernel row, kernel column). A block computes a tile of M x N: iterators (iterators.cuh) say where the operands'
// elements are, the main loop (simt_mainloop.cuh) multiplies, the epilogue (epilogue.cuh) stores. Accesses take 16
// bytes where channels are a multiple of 4, else 4.
//
// Bound by operations where there are many channels: for each k a tile reads M + N values for M * N multiply-adds, 51
// to 64 to a value in tiles of 64 accumulators a thread, where 16 values from shared memory serve 64. Counted from 64
// to 256 channels: 80 to 86 of 100 instructions are multiply-adds, with 12 to 16 of them to a byte; all accesses are
// coalesced, without bank conflicts. A 1 x 1 kernel has 4 to 10 to a byte.
//
// Bound by bytes where there are few. With one or three channels a warp reads parts of some taps and pixels, and uses
// about half of each sector: in a frame of 64 x 64 that costs 0.9 of 7.7 MB from 1 channel forward, and 0.5 of 2.3 MB
// from the gradient of 3 backward; nearly all else is what is written. These parts overlap and come from L1: the whole
// frame has 16 and 48 KiB.
#pragma once
#include "convolution/epilogue.cuh"
#include "convolution/iterators.cuh"
#include "convolution/simt_mainloop.cuh"

namespace convolution {

// What a block needs of shared memory, for the main loop and then for the epilogue.
template <class Mainloop, class Epilogue> union SharedStorage {
    typename Mainloop::SharedStorage mainloop;
    typename Epilogue::SharedStorage epilogue;
};

}
