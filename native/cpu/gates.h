// Gates, cell and output of a run of hidden units, and their gradient. See convlstm.h for the definition.
// Only for files that are compiled once for each instruction set (see dispatch.cpp).
#pragma once

#include "activations.h"
#include "gate_count.h"

namespace framecast {
namespace FRAMECAST_ISA {
namespace {

// The most units of a run backward, whose temporaries stay in the first cache.
constexpr size_t run_units = 256;

// i, f, g, o: the gates' inputs come in, the activated gates go out. c_before may be c, or null where it is zero.
inline void gates_run(Activation activation, Activation recurrent, size_t n, float *i, float *f, float *g, float *o,
        const float *c_before, float *c, float *h) {
    activate(recurrent, i, n);
    activate(recurrent, f, n);
    activate(activation, g, n);
    activate(recurrent, o, n);
    if (c_before) {
        for (size_t k = 0; k < n; k++) {
            c[k] = f[k] * c_before[k] + i[k] * g[k];
        }
    } else {
        for (size_t k = 0; k < n; k++) {
            c[k] = i[k] * g[k];
        }
    }
    std::memcpy(h, c, n * sizeof(float));
    activate(activation, h, n);
    for (size_t k = 0; k < n; k++) {
        h[k] *= o[k];
    }
}

// From the activated gates, c of the frame and the one before (null where zero) and the gradient dh of h; dc comes in,
// unless at the `last` frame, from the frame after, and goes out for the frame before. With a = activation(c):
//
//   do = dh*a        dc += dh*o*activation'(c)
//   di = dc*g        df = dc*c_before        dg = dc*i        dc_before = dc*f
//
// each of do, di, df, dg then times the derivative of its own activation: the gradients of the gates' inputs.
inline void gates_backward_run(Activation activation, Activation recurrent, size_t n, const float *i, const float *f,
        const float *g, const float *o, const float *c_before, const float *c, bool last, const float *dh, float *dc,
        float *di, float *df, float *dg, float *dout) {
    float a[run_units], from_h[run_units];
    std::memcpy(a, c, n * sizeof(float));
    activate(activation, a, n);
    for (size_t k = 0; k < n; k++) {
        dout[k] = dh[k] * a[k];
        from_h[k] = dh[k] * o[k];
    }
    activate_backward(activation, a, from_h, n);
    for (size_t k = 0; k < n; k++) {
        const float gradient = last ? from_h[k] : dc[k] + from_h[k];
        di[k] = gradient * g[k];
        df[k] = c_before ? gradient * c_before[k] : 0.0f;
        dg[k] = gradient * i[k];
        dc[k] = gradient * f[k];
    }
    activate_backward(recurrent, i, di, n);
    activate_backward(recurrent, f, df, n);
    activate_backward(activation, g, dg, n);
    activate_backward(recurrent, o, dout, n);
}

}  // namespace
}  // namespace FRAMECAST_ISA
}  // namespace framecast
