// Everything that is not a convolution: passes over memory. Each call is the work of one thread on a range.
//
// passes.cpp is compiled once for AVX2 and once for AVX-512; passes() returns the table for this processor. All are
// bound by memory bandwidth, except for the exponentials of the gates.
#pragma once

#include <cstddef>
#include <cstdint>

#include "enums.h"

namespace framecast {

// Where a pass also writes its result as operands of convolutions. In float32 nowhere: they are the result itself.
struct OperandTarget {
    Operands operands = Operands::F32;
    void *values = nullptr;
};

struct Passes {
    // Gates, cell and output of `cells` cells (positions of a frame) with `filters` hidden units each.
    //   z        in: (cells, gate_count, filters), gate inputs i, f, g, o; out: the activated gates
    //   c_before (cells, filters), or null at the first frame, where it is zero
    //   c, h     out: (cells, filters); c may be c_before
    //   h_operands  out: h as operands
    void (*gates_forward)(size_t cells, int filters, Activation activation, Activation recurrent, float *z,
            const float *c_before, float *c, float *h, OperandTarget h_operands);
    // Its gradient.
    //   gates    in: the activated gates; out, in float32: the gradient of z
    //   dy       (cells, filters): the gradient of h from the layer above
    //   dh       (cells, filters): the gradient of h from the frame after, or null at the last frame
    //   dc       (cells, filters): in: the gradient of c from the frame after, not read if `last`;
    //            out: the gradient of c of the frame before
    //   dz_operands  out: (cells, gate_count, filters): the gradient of z as operands, except in float32
    void (*gates_backward)(size_t cells, int filters, Activation activation, Activation recurrent, float *gates,
            const float *c_before, const float *c, const float *dy, const float *dh, float *dc, bool last,
            OperandTarget dz_operands);

    // x = activation(x); dy *= activation'(x), computed from y = activation(x).
    void (*activate)(Activation activation, float *x, size_t n);
    void (*activate_backward)(Activation activation, const float *y, float *dy, size_t n);

    // Adds the sums over rows of x and of x*x, (rows, channels), to `sum` and `square`.
    void (*moments)(const float *x, size_t rows, int channels, double *sum, double *square);
    // Adds the sums over rows of dy and dy*x to `sum` and `product`.
    void (*moments_backward)(const float *x, const float *dy, size_t rows, int channels, double *sum, double *product);
    // The softmax of each column of x (rows, columns), in place, and the gradient of its input: from y, the softmax,
    // and dy, which it overwrites.
    void (*softmax)(float *x, int rows, int columns);
    void (*softmax_backward)(const float *y, float *dy, int rows, int columns);

    // y = (x - center)*scale + shift, per channel. In the form x*scale + shift', digits would cancel where the mean is
    // much larger than the deviation.
    void (*affine)(const float *x, const float *center, const float *scale, const float *shift, float *y, size_t rows,
            int channels);
    // dy = dy*a + (x - center)*b + c, per channel.
    void (*affine_backward)(const float *x, const float *center, const float *a, const float *b, const float *c,
            float *dy, size_t rows, int channels);

    // y (rows, channels) += x, whose row r begins at x + r*stride.
    void (*add_strided)(const float *x, size_t stride, float *y, size_t rows, int channels);
    // y = x (rows, channels), where row r of y begins at y + r*stride.
    void (*scatter_strided)(const float *x, float *y, size_t stride, size_t rows, int channels);

    // The sum of the losses of n elements; the gradient, times `scale`, goes to `gradient` unless null.
    // Binary cross-entropy of sigmoid(logit): max(x,0) - x*t + log(1 + exp(-|x|)); gradient sigmoid(x) - t.
    double (*bce_logits)(const float *logits, const float *targets, size_t n, float scale, float *gradient);
    // Binary cross-entropy of probabilities, clipped to [1e-7, 1 - 1e-7] as Keras does.
    double (*bce)(const float *outputs, const float *targets, size_t n, float scale, float *gradient);
    double (*squared_error)(const float *outputs, const float *targets, size_t n, float scale, float *gradient);

    // One step of Adam on n parameters. The caller computes 1 - beta in float64: in float32 it would lose digits.
    void (*adam)(float *p, const float *g, float *m, float *v, size_t n, float alpha, float one_minus_beta1,
            float one_minus_beta2, float epsilon);

    // y += (x - y)*rate; with a rate of 1, exactly y = x.
    void (*blend)(const float *x, float *y, size_t n, float rate);
    // The sum of the squares of x.
    double (*squares)(const float *x, size_t n);
    // x *= factor.
    void (*scale)(float *x, size_t n, float factor);

    // To bfloat16 and to the nearest bfloat16 value in float32, ties to even.
    void (*to_bf16)(const float *x, uint16_t *y, size_t n);
    void (*round_bf16)(const float *x, float *y, size_t n);
};

const Passes &passes();

}  // namespace framecast
