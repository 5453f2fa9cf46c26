// A ConvLSTM layer over whole sequences, and frame by frame for rollout.
//
//   z_t = conv(x_t, kernel) + bias + conv(h_{t-1}, recurrent)       i, f, g, o: four blocks of z's channels
//   c_t = rec(f)*c_{t-1} + rec(i)*act(g)
//   h_t = rec(o)*act(c_t)
//
// Sequences are time-major, channels last: (frames, batch, height, width, channels). Two classes compute it:
// DirectConvLstm any layer, WinogradConvLstm the usual ones, and faster on most machines.
#pragma once

#include "convolution_shape.h"
#include "enums.h"
#include "gate_count.h"

namespace framecast {

// What a ConvLSTM is made for. The caller owns the parameters and their gradients, which are read and written at each
// call.
struct ConvLstmPlan {
    ConvolutionShape input;         // the input convolution, with gate_count*filters out
    Activation activation, recurrent_activation;
    int frames, batch;              // the most at once
    bool training;                  // keep what backward needs
    bool input_gradient;            // in training: backward returns the gradient of x
    const float *kernel, *recurrent_kernel, *bias;
    float *kernel_gradient, *recurrent_kernel_gradient, *bias_gradient;    // null when not training

    void set_activations(const char *name, const char *recurrent_name) {
        activation = activation_named(name);
        recurrent_activation = activation_named(recurrent_name);
    }

    int filters() const { return input.out / gate_count; }
};

class ConvLstm {
  public:
    virtual ~ConvLstm() = default;

    // h of all frames, from a zero state. Valid until the next call. Until then x must not change: backward reads it.
    virtual float *forward(const float *x, int frames, int batch) = 0;

    // From the gradient of h, fills the parameters' gradients; returns the gradient of x, or null if not asked for.
    virtual float *backward(const float *dy) = 0;

    // Resets the carried state to zero, and reads the current parameters.
    virtual void begin() = 0;
    // h of `frames` further frames, from the carried state. The new state is the one after the first `commit` frames.
    virtual float *step(const float *x, int frames, int batch, int commit) = 0;
};

}  // namespace framecast
