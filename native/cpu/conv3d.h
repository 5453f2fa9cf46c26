// A convolution over time, height and width with `same` zero padding in all three.
//
//   y_t = activation(bias + sum over k of conv(x_{t + k - before}, kernel_k))      before = (kernel_time - 1)/2
//
// Time-major frames make it one 2-D convolution: all kernel_time taps are computed at once as channels, (frames,
// batch, height, width, taps, out), and a pass adds up the taps of the frames that belong together. The taps that
// fall off the ends of the video are the price, 2 of 3*frames; few output channels, which would leave vector lanes
// idle, are the gain.
#pragma once

#include <memory>
#include <vector>

#include "convolution.h"
#include "operands.h"

namespace framecast {

class Conv3d {
  public:
    // `shape` is that of one tap: its `out` are the layer's output channels. The kernel is (time, height, width, in,
    // out).
    Conv3d(Device &device, const ConvolutionShape &shape, int kernel_time, int activation, int frames, int batch,
            bool training, bool input_gradient, const float *kernel, const float *bias, float *kernel_gradient,
            float *bias_gradient);

    float *forward(const float *x, int frames, int batch);
    // Overwrites dy. Returns the gradient of x, or null if not asked for.
    float *backward(float *dy);

  private:
    int before() const { return (taps_ - 1) / 2; }
    const void *convert(OperandBuffer &buffer, const float *values, size_t n);

    Device &device_;
    const ConvolutionShape shape_;
    const int taps_;
    Convolution convolution_;
    const Activation activation_;
    const float *kernel_, *bias_;
    float *kernel_gradient_, *bias_gradient_;
    std::vector<float> packed_, packed_gradient_;  // (height, width, in, time, out)
    Memory tap_outputs_;                           // and their gradient
    Memory y_;
    OperandBuffer x_operand_, dy_operand_;
    std::unique_ptr<Memory> dx_;
    const float *x_ = nullptr;
    int frames_ = 0, batch_ = 0;
};

}  // namespace framecast
