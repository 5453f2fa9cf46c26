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
// Launch: grid (tiles of rows * tiles of columns, splits), block 256; tiles are 128 x 128. Rows and columns are
// forward's output pixels and channels, backward data's input pixels and channels, backward weights' taps * inputs and
// outputs.
#include "convolution.cuh"

extern "C" __global__ void __launch_bounds__(256, 2) convolutionForward(
        const float *x, const float *w, const float *bias, float *y, int accumulate, int images) {
    float sum[8][8] = {};
    multiply(InputOfPixel(x, images, firstRow<OUTPUTS>() + place<InputOfPixel>()),
             Rows(w, TAPS * INPUTS, firstColumn<OUTPUTS>() + place<Rows>()), 0, TAPS * INPUTS, sum);
    store<OUTPUTS>(y, images * OUT_PIXELS, bias, accumulate, sum);
}

extern "C" __global__ void __launch_bounds__(256, 2) convolutionBackwardData(
        const float *dy, const float *w, float *dx, int accumulate, int images) {
    float sum[8][8] = {};
    multiply(OutputOfPixel(dy, images, firstRow<INPUTS>() + place<OutputOfPixel>()),
             ExchangedWeights(w, firstColumn<INPUTS>() + place<ExchangedWeights>()), 0, TAPS * OUTPUTS, sum);
    store<INPUTS>(dx, images * PIXELS, nullptr, accumulate, sum);
}

// Each split makes sums of its own, dw (splits, TAPS * INPUTS, OUTPUTS), for a reduction to add in order.
extern "C" __global__ void __launch_bounds__(256, 2) convolutionBackwardWeights(
        const float *x, const float *dy, float *dw, int split, int images) {
    float sum[8][8] = {};
    const int begin = blockIdx.y * split, end = min(begin + split, images * OUT_PIXELS);
    multiply(InputOfTap(x, images, firstRow<OUTPUTS>() + place<InputOfTap>()),
             Rows(dy, end, firstColumn<OUTPUTS>() + place<Rows>()), begin, end, sum);
    store<OUTPUTS>(dw + (size_t)blockIdx.y * TAPS * INPUTS * OUTPUTS, TAPS * INPUTS, nullptr, false, sum);
}
