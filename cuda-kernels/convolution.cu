// The convolutions of a layer over all its frames at once: forward, backward data, backward weights.
//
//   forward            y[p, o]     = sum over taps t and input channels i of x[p at t, i] * w[t, i, o]
//                                    + bias[o], if not null, + y[p, o] if `accumulate`
//   backward data      dx[q, i]    = sum over t and o of dy[the p for which q is p at t, o] * w[t, i, o]
//                                    + dx[q, i] if `accumulate`
//   backward weights   dw[t, i, o] = sum over p of x[p at t, i] * dy[p, o]; split-K: each split sums a range of p
//
// Layout: x and y NHWC, w (kernel row, kernel column, input channel, output channel). p: (image, y, x) of the output;
// q: of the input; t: (kernel row, kernel column).
//
// Compiled for a layer's shape (convolution/shape.cuh), and the tile of each product as FORWARD_TILE, DATA_TILE and
// WEIGHTS_TILE: M, N, K of the block, M and N of a thread (convolution/tile.cuh).
// Launch: grid (tiles of M * tiles of N, splits), block a tile's threads. Bound by operations, or by bytes where there
// are few channels: see convolution/implicit_gemm.cuh.
#include "convolution/implicit_gemm.cuh"

using namespace convolution;

using Forward = Tile<FORWARD_TILE>;
using Data = Tile<DATA_TILE>;
using Weights = Tile<WEIGHTS_TILE>;

extern "C" __global__ void __launch_bounds__(Forward::THREADS, Forward::MIN_BLOCKS) convolutionForward(
        const float *x, const float *w, const float *bias, float *y, int accumulate, int images) {
    constexpr int N = OUTPUTS, K = TAPS * INPUTS;
    using A = Im2colIterator<Forward, ForwardMapping>;
    using B = RowMajorIterator<Forward, K % Forward::K == 0>;
    using Mainloop = SimtMainloop<Forward, A, B>;
    using Output = Epilogue<Mainloop::Accumulators, N>;
    __shared__ __align__(16) SharedStorage<Mainloop, Output> shared;
    Mainloop::Accumulators sum;
    Mainloop::run(A(x, images, tileRow<Forward, N>()), B(w, tileColumn<Forward, N>()), productLength<Forward, K>(),
            shared.mainloop, sum);
    Output::store(y, images * OUT_PIXELS, bias, accumulate, shared.epilogue, sum);
}

extern "C" __global__ void __launch_bounds__(Data::THREADS, Data::MIN_BLOCKS) convolutionBackwardData(
        const float *dy, const float *w, float *dx, int accumulate, int images) {
    constexpr int N = INPUTS, K = TAPS * OUTPUTS;
    using A = Im2colIterator<Data, BackwardDataMapping>;
    using B = TransposedFilterIterator<Data>;
    using Mainloop = SimtMainloop<Data, A, B>;
    using Output = Epilogue<Mainloop::Accumulators, N>;
    __shared__ __align__(16) SharedStorage<Mainloop, Output> shared;
    Mainloop::Accumulators sum;
    Mainloop::run(A(dy, images, tileRow<Data, N>()), B(w, tileColumn<Data, N>()), productLength<Data, K>(),
            shared.mainloop, sum);
    Output::store(dx, images * PIXELS, nullptr, accumulate, shared.epilogue, sum);
}

// A split is `split` output pixels. dw (splits, TAPS * INPUTS, OUTPUTS): the sums of each split, which reduce.cu adds
// in their order.
extern "C" __global__ void __launch_bounds__(Weights::THREADS, Weights::MIN_BLOCKS) convolutionBackwardWeights(
        const float *x, const float *dy, float *dw, int split, int images) {
    constexpr int M = TAPS * INPUTS, N = OUTPUTS;
    using A = TransposedIm2colIterator<Weights>;
    using B = RowMajorIterator<Weights, false>;
    using Mainloop = SimtMainloop<Weights, A, B>;
    using Output = Epilogue<Mainloop::Accumulators, N>;
    const int begin = blockIdx.y * split;
    __shared__ __align__(16) SharedStorage<Mainloop, Output> shared;
    Mainloop::Accumulators sum;
    Mainloop::run(A(x, begin, tileRow<Weights, N>()), B(dy + (size_t)begin * N, tileColumn<Weights, N>()),
            min(split, images * OUT_PIXELS - begin), shared.mainloop, sum);
    Output::store(dw + (size_t)blockIdx.y * M * N, M, nullptr, false, shared.epilogue, sum);
}
