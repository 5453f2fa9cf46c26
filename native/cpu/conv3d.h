// A convolution over time, height and width with `same` zero padding in all three.
//
//   y_t = activation(bias + sum over k of conv(x_{t + k - before}, kernel_k))      before = (kernel_time - 1)/2
//
// Time-major frames make it one 2-D convolution: taps are computed at once as channels, (frames, batch, height, width,
// taps, out), and a pass adds up those that belong together. Which taps become channels depends on how many output
// channels there are. If few, all of them (time, height, width): the convolution is then a matrix product, where vector
// lanes would be idle otherwise. If many, those of time. The taps that fall off the ends are the price.
#pragma once

#include <memory>
#include <vector>

#include "convolution.h"
#include "operands.h"

namespace framecast {

class Conv3d {
  public:
    // `shape` is that of one tap: its `out` are the layer's output channels. The kernel is (time, height, width, in,
    // out). `activation` is the name of one of Activation.
    Conv3d(Device &device, const ConvolutionShape &shape, int kernel_time, const char *activation, int frames,
            int batch, bool training, bool input_gradient, const float *kernel, const float *bias, float *kernel_gradient,
            float *bias_gradient);

    float *forward(const float *x, int frames, int batch);
    // Overwrites dy. Returns the gradient of x, or null if not asked for.
    float *backward(float *dy);

  private:
    // A tap that became a channel, by what it reads relative to the position it adds to.
    struct Tap {
        int frames, rows, columns;
    };
    static std::vector<Tap> channel_taps(const ConvolutionShape &shape, int kernel_time);
    static ConvolutionShape with_taps(ConvolutionShape shape, const std::vector<Tap> &taps, int kernel_time);

    // The row of pixels (frame*batch + video)*height + row that lies so many frames and rows on, or -1 if none does.
    int64_t row_at(int64_t row, int frames, int rows) const;
    size_t height() const { return shape_.height; }
    size_t width() const { return shape_.width; }
    // Adds up what the tap made of each row of y, and the reverse.
    void sum_taps(size_t row, float *y) const;
    void spread_taps(size_t row, const float *dy) const;
    const void *convert(OperandBuffer &buffer, const float *values, size_t n);

    Device &device_;
    const ConvolutionShape shape_;
    const std::vector<Tap> taps_;
    Convolution convolution_;
    const Activation activation_;
    const float *kernel_, *bias_;
    float *kernel_gradient_, *bias_gradient_;
    std::vector<float> packed_, packed_gradient_;  // as convolution_ has them: the channel taps inside
    Memory tap_outputs_;                           // and their gradient
    Memory y_;
    OperandBuffer x_operand_, dy_operand_;
    std::unique_ptr<Memory> dx_;
    const float *x_ = nullptr;
    int frames_ = 0, batch_ = 0;
};

}  // namespace framecast
