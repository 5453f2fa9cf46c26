// The gradient of the input of a convolution over time, height and width, as a layer:
//
//   y_t = activation(bias + sum over k of transposed conv(x_{t - k + before}, kernel_k))
//   before = (kernel_time - 1)/2
//
// Computed as one 2-D transposed convolution (oneDNN's backward data) over all frames, whose output channels are
// (taps in time, out). Then a pass adds the contributions to each output, as in conv3d.h. Taps are in reverse order in
// these channels, so that tap k of frame t + k - after belongs to frame t, with after = kernel_time/2.
#pragma once

#include <memory>
#include <vector>

#include "convolution.h"
#include "operands.h"

namespace framecast {

class Conv3dTranspose {
  public:
    // `shape` is that of the convolution that is transposed, for one tap in time: its `in` are the layer's output
    // channels, its `out` the layer's input channels. The kernel is (time, height, width, in, out). `activation` is the
    // name of one of Activation.
    Conv3dTranspose(Device &device, const ConvolutionShape &shape, int kernel_time, const char *activation, int frames,
            int batch, bool training, bool input_gradient, const float *kernel, const float *bias,
            float *kernel_gradient, float *bias_gradient);

    float *forward(const float *x, int frames, int batch);
    // Overwrites dy. Returns the gradient of x, or null if not asked for.
    float *backward(float *dy);

  private:
    // Calls copy(in the kernel, in the convolution's weights) for runs of in*out values.
    template <typename Copy> void each_run(Copy copy) const;
    // Calls body(y's row, tap's row, tap) for rows of pixels, numbered over all frames, that a tap in time relates.
    template <typename Body> void each_tap(Body body) const;
    size_t images() const { return size_t(frames_) * batch_; }

    Device &device_;
    const ConvolutionShape shape_;
    const int taps_;
    Convolution convolution_;
    const Activation activation_;
    const float *kernel_, *bias_;
    float *kernel_gradient_, *bias_gradient_;
    std::vector<float> packed_, packed_gradient_;  // in convolution_'s layout
    Memory tap_outputs_;                           // and their gradient
    Memory y_;
    OperandBuffer x_operand_, tap_operand_;
    std::unique_ptr<Memory> dx_;
    const float *x_ = nullptr;
    int frames_ = 0, batch_ = 0;
};

}  // namespace framecast
