// A convolution over time, height and width; in time with stride 1 and `same` zero padding.
//
//   y_t = activation(bias + sum over k of conv(x_{t + k - before}, kernel_k))      before = (kernel_time - 1)/2
//
// Computed as one 2-D convolution over all frames, with separate output channels for the contribution of each tap:
// (frames, batch, height, width, taps, out). Then a pass adds the contributions to each output. With few output
// channels, all taps (time, height, width) become channels, unless there are strides or dilation, or no padding: the
// convolution is then a matrix product with enough columns to fill vectors. Otherwise only the taps in time do.
// Contributions to positions outside the video are computed but not used.
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
            int batch, bool training, bool input_gradient, const float *kernel, const float *bias,
            float *kernel_gradient, float *bias_gradient);

    float *forward(const float *x, int frames, int batch);
    // Overwrites dy. Returns the gradient of x, or null if not asked for.
    float *backward(float *dy);

  private:
    // A tap that became a channel: the offset from the position that it adds to, to the one that it reads.
    struct Tap {
        int frames, rows, columns;
    };
    static std::vector<Tap> channel_taps(const ConvolutionShape &shape, int kernel_time);
    static ConvolutionShape with_taps(ConvolutionShape shape, const std::vector<Tap> &taps, int kernel_time);

    // The row of pixels, (frame*batch + video)*height + row, shifted by this many frames and rows; -1 if outside the
    // video.
    int64_t row_at(int64_t row, int frames, int rows) const;
    // Of the outputs.
    size_t height() const { return shape_.out_height(); }
    size_t width() const { return shape_.out_width(); }
    // Adds the taps' contributions to a row of y; the gradient of that.
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
    std::vector<float> packed_, packed_gradient_;  // in convolution_'s layout, taps as channels
    Memory tap_outputs_;                           // and their gradient
    Memory y_;
    OperandBuffer x_operand_, dy_operand_;
    std::unique_ptr<Memory> dx_;
    const float *x_ = nullptr;
    int frames_ = 0, batch_ = 0;
};

}  // namespace framecast
