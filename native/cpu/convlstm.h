// A ConvLSTM layer over whole sequences, and frame by frame for rollout.
//
//   z_t = conv(x_t, kernel) + bias + conv(h_{t-1}, recurrent)       i, f, g, o: four blocks of z's channels
//   c_t = rec(f)*c_{t-1} + rec(i)*act(g)
//   h_t = rec(o)*act(c_t)
//
// Sequences are time-major, channels last: (frames, batch, height, width, channels). There are two ways to compute it:
// DirectConvLstm serves every layer, WinogradConvLstm the usual ones, and faster on most machines.
#pragma once

namespace framecast {

class ConvLstm {
  public:
    virtual ~ConvLstm() = default;

    // h of all frames, from a zero state. Valid until the next call. For backward x must stay as it is until then.
    virtual float *forward(const float *x, int frames, int batch) = 0;

    // From the gradient of h, fills the parameters' gradients; returns the gradient of x, or null if not asked for.
    virtual float *backward(const float *dy) = 0;

    // Forgets the carried state, and reads the parameters anew.
    virtual void begin() = 0;
    // h of `frames` further frames, from the carried state; afterwards the state is that after the first `commit`.
    virtual float *step(const float *x, int frames, int batch, int commit) = 0;
};

}  // namespace framecast
