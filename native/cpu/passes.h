// The passes over memory that are not convolutions, each over a range that one thread takes.
//
// passes.cpp is compiled once for AVX2 and once for AVX-512; passes() gives the table for the
// processor at hand. All of them are bound by memory bandwidth, but for the exponentials of the gates.
#pragma once

#include <cstddef>
#include <cstdint>

#include "enums.h"

namespace framecast {

// Where a pass also writes its result as operands, or nowhere in float32: there they are the values themselves.
struct OperandTarget {
    Operands operands = Operands::F32;
    void *values = nullptr;
};

struct Passes {
    // Gates, cell and output of `cells` cells (positions of a frame) with `filters` hidden units each.
    //   z        in: (cells, 4, filters), gate inputs i, f, g, o; out: the activated gates
    //   c_before (cells, filters), or null at the first frame, where it is zero
    //   c, h     out: (cells, filters); c may be c_before
    //   h_operands  out: h once more
    void (*gates_forward)(size_t cells, int filters, Activation activation, Activation recurrent, float *z,
            const float *c_before, float *c, float *h, OperandTarget h_operands);
    // Its gradient.
    //   gates    in: the activated gates; out, in float32: the gradient of z
    //   dy       (cells, filters): the gradient of h from the layer above
    //   dh       (cells, filters): the gradient of h from the frame after, or null at the last frame
    //   dc       (cells, filters): in: the gradient of c from the frame after, unread where `last`;
    //            out: that for the frame before
    //   dz_operands  out: (cells, 4, filters): the gradient of z, unless in float32
    void (*gates_backward)(size_t cells, int filters, Activation activation, Activation recurrent, float *gates,
            const float *c_before, const float *c, const float *dy, const float *dh, float *dc, bool last,
            OperandTarget dz_operands);

    // x = activation(x), and dy *= activation'(x) told from y = activation(x).
    void (*activate)(Activation activation, float *x, size_t n);
    void (*activate_backward)(Activation activation, const float *y, float *dy, size_t n);

    // Adds the sums over rows of x and of x*x, (rows, channels), to `sum` and `square`.
    void (*moments)(const float *x, size_t rows, int channels, double *sum, double *square);
    // Adds the sums over rows of dy and dy*x to `sum` and `product`.
    void (*moments_backward)(const float *x, const float *dy, size_t rows, int channels, double *sum, double *product);
    // y = (x - center)*scale + shift, per channel. Where the mean is large beside the deviation, x*scale and the mean
    // times scale would be large numbers whose difference is small.
    void (*affine)(const float *x, const float *center, const float *scale, const float *shift, float *y, size_t rows,
            int channels);
    // dy = dy*a + (x - center)*b + c, per channel.
    void (*affine_backward)(const float *x, const float *center, const float *a, const float *b, const float *c,
            float *dy, size_t rows, int channels);

    // y (rows, channels) += x, where row r of x begins at x + r*stride.
    void (*add_strided)(const float *x, size_t stride, float *y, size_t rows, int channels);
    // Row r of y, which begins at y + r*stride, = x (rows, channels).
    void (*scatter_strided)(const float *x, float *y, size_t stride, size_t rows, int channels);

    // The sum of the losses of n elements; the gradient, times `scale`, goes to `gradient` unless null.
    // Binary cross-entropy of sigmoid(logit): max(x,0) - x*t + log(1 + exp(-|x|)); gradient sigmoid(x) - t.
    double (*bce_logits)(const float *logits, const float *targets, size_t n, float scale, float *gradient);
    // Binary cross-entropy of probabilities, clipped to [1e-7, 1 - 1e-7] as Keras does.
    double (*bce)(const float *outputs, const float *targets, size_t n, float scale, float *gradient);
    double (*squared_error)(const float *outputs, const float *targets, size_t n, float scale, float *gradient);

    // One step of Adam on n parameters. 1 - beta comes from outside: in float32 it would lose digits of 0.001.
    void (*adam)(float *p, const float *g, float *m, float *v, size_t n, float alpha, float one_minus_beta1,
            float one_minus_beta2, float epsilon);

    // To bfloat16 and to the nearest bfloat16 value in float32, ties to even.
    void (*to_bf16)(const float *x, uint16_t *y, size_t n);
    void (*round_bf16)(const float *x, float *y, size_t n);
};

const Passes &passes();

}  // namespace framecast
