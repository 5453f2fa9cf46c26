// The convolutions of a layer over all its frames at once: forward, backward data, backward weights, in NHWC.
//
//   forward            y[p, o]     = sum over taps t and channels i of x[p at t, i] * w[t, i, o]
//                                    + bias[o] where there is one + y[p, o] to accumulate
//   backward data      dx[q, i]    = sum over t and o of dy[the p for which q is p at t, o] * w[t, i, o]
//                                    + dx[q, i] to accumulate
//   backward weights   dw[t, i, o] = sum over p of x[p at t, i] * dy[p, o]; in splits, each a range of pixels p
//
// p: (image, y, x) of the output; q: of the input; t: (kernel row, kernel column). How they become matrix products,
// what bounds them, and the macros that give a layer's shape, are told in convolution.cuh.
//
// Launch: grid (tiles of rows * tiles of columns, splits), block a tile's threads. Rows and columns are forward's
// output pixels and channels, backward data's input pixels and channels, backward weights' taps * inputs and outputs.
// Tiles are given as FORWARD_TILE, DATA_TILE and WEIGHTS_TILE: rows, columns, step, and a thread's rows and columns.
#include "convolution/iterators.cuh"

using Forward = Tile<FORWARD_TILE>;
using Data = Tile<DATA_TILE>;
using Weights = Tile<WEIGHTS_TILE>;

extern "C" __global__ void __launch_bounds__(Forward::THREADS, Forward::BLOCKS) convolutionForward(
        const float *x, const float *w, const float *bias, float *y, int accumulate, int images) {
    using T = Forward;
    constexpr int K = TAPS * INPUTS;
    __shared__ __align__(16) Shared<T, OUTPUTS> shared;
    float sum[T::HIGH][T::WIDE] = {};
    multiply<T>(PixelsAtTaps<T, ToInput>(x, images, firstRow<T, OUTPUTS>()),
                Rows<T, K % T::STEP == 0>(w, firstColumn<T, OUTPUTS>()), length<T, K>(), shared.operands, sum);
    store<T, OUTPUTS>(y, images * OUT_PIXELS, bias, accumulate, shared, sum);
}

extern "C" __global__ void __launch_bounds__(Data::THREADS, Data::BLOCKS) convolutionBackwardData(
        const float *dy, const float *w, float *dx, int accumulate, int images) {
    using T = Data;
    constexpr int K = TAPS * OUTPUTS;
    __shared__ __align__(16) Shared<T, INPUTS> shared;
    float sum[T::HIGH][T::WIDE] = {};
    multiply<T>(PixelsAtTaps<T, ToOutput>(dy, images, firstRow<T, INPUTS>()),
                ExchangedWeights<T>(w, firstColumn<T, INPUTS>()), length<T, K>(), shared.operands, sum);
    store<T, INPUTS>(dx, images * PIXELS, nullptr, accumulate, shared, sum);
}

// Each split makes sums of its own, dw (splits, TAPS * INPUTS, OUTPUTS), for a reduction to add in order.
extern "C" __global__ void __launch_bounds__(Weights::THREADS, Weights::BLOCKS) convolutionBackwardWeights(
        const float *x, const float *dy, float *dw, int split, int images) {
    using T = Weights;
    const int begin = blockIdx.y * split;
    __shared__ __align__(16) Shared<T, OUTPUTS> shared;
    float sum[T::HIGH][T::WIDE] = {};
    multiply<T>(InputOfTap<T>(x, begin, firstRow<T, OUTPUTS>()),
                Rows<T, false>(dy + (size_t)begin * OUTPUTS, firstColumn<T, OUTPUTS>()),
                min(split, images * OUT_PIXELS - begin), shared.operands, sum);
    store<T, OUTPUTS>(dw + (size_t)blockIdx.y * TAPS * INPUTS * OUTPUTS, TAPS * INPUTS, nullptr, false, shared, sum);
}
