#include "conv3d.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace framecast {

namespace {

constexpr size_t grain = 4096;

// Two vectors of channels: a convolution with more output channels fills vectors without taps as channels.
constexpr int few_channels = 32;

}  // namespace

std::vector<Conv3d::Tap> Conv3d::channel_taps(const ConvolutionShape &shape, int kernel_time) {
    const bool all =
            shape.plain() && kernel_time * shape.kernel_height * shape.kernel_width * shape.out <= few_channels;
    const int heights = all ? shape.kernel_height : 1, widths = all ? shape.kernel_width : 1;
    std::vector<Tap> taps;
    for (int t = 0; t < kernel_time; t++) {
        for (int i = 0; i < heights; i++) {
            for (int j = 0; j < widths; j++) {
                taps.push_back({t - (kernel_time - 1) / 2, i - (heights - 1) / 2, j - (widths - 1) / 2});
            }
        }
    }
    return taps;
}

ConvolutionShape Conv3d::with_taps(ConvolutionShape shape, const std::vector<Tap> &taps, int kernel_time) {
    if (taps.size() > size_t(kernel_time)) {
        shape.kernel_height = shape.kernel_width = 1;
    }
    shape.out *= taps.size();
    return shape;
}

Conv3d::Conv3d(Device &device, const ConvolutionShape &shape, int kernel_time, const char *activation, int frames,
        int batch, bool training, bool input_gradient, const float *kernel, const float *bias, float *kernel_gradient,
        float *bias_gradient)
    : device_(device), shape_(shape), taps_(channel_taps(shape, kernel_time)),
      convolution_(device, with_taps(shape, taps_, kernel_time), "convolution"),
      activation_(activation_named(activation)), kernel_(kernel), bias_(bias),
      kernel_gradient_(kernel_gradient), bias_gradient_(bias_gradient), packed_(shape.weights_size() * kernel_time),
      packed_gradient_(training ? packed_.size() : 0),
      tap_outputs_(device, size_t(frames) * batch * shape.output_size() * taps_.size() * sizeof(float)),
      y_(device, size_t(frames) * batch * shape.output_size() * sizeof(float)),
      x_operand_(device, size_t(frames) * batch * shape.input_size()),
      dy_operand_(device, training ? size_t(frames) * batch * shape.output_size() * taps_.size() : 0) {
    if (training && input_gradient) {
        dx_ = std::make_unique<Memory>(device, size_t(frames) * batch * shape.input_size() * sizeof(float));
    }
}

const void *Conv3d::convert(OperandBuffer &buffer, const float *values, size_t n) {
    if (device_.fp32()) {
        return buffer.convert(values, 0, n);  // the values themselves
    }
    const void *operands = nullptr;
    timed(device_.profile(), "operands", 0, (4.0 + device_.operand_bytes()) * n,
            [&] { operands = buffer.convert(values, 0, n); });
    return operands;
}

float *Conv3d::forward(const float *x, int frames, int batch) {
    device_.enter();
    x_ = x;
    frames_ = frames;
    batch_ = batch;
    const size_t out = shape_.out, tap_size = packed_.size() / taps_.size();
    for (size_t k = 0; k < taps_.size(); k++) {
        passes().scatter_strided(kernel_ + k * tap_size, &packed_[k * out], taps_.size() * out, tap_size / out, out);
    }
    convolution_.set_weights(packed_.data());
    const void *operand = convert(x_operand_, x, size_t(frames) * batch * shape_.input_size());
    convolution_.forward(frames * batch, operand, nullptr, tap_outputs_.floats());

    const size_t rows = size_t(frames) * batch * height();
    const double n = double(rows) * width() * out;
    timed(device_.profile(), "sum of taps", taps_.size() * n, 4 * (taps_.size() + 1) * n, [&] {
        parallel_for(rows, std::max<size_t>(1, grain / width()), [&](size_t begin, size_t end) {
            for (size_t row = begin; row < end; row++) {
                sum_taps(row, y_.floats() + row * width() * out);
            }
            passes().activate(activation_, y_.floats() + begin * width() * out, (end - begin) * width() * out);
        });
    });
    return y_.floats();
}

int64_t Conv3d::row_at(int64_t row, int frames, int rows) const {
    const int64_t image = row / height(), frame = image / batch_ + frames, y = row % height() + rows;
    const bool inside = frame >= 0 && frame < frames_ && y >= 0 && y < static_cast<int64_t>(height());
    return inside ? (image + int64_t(frames) * batch_) * height() + y : -1;
}

void Conv3d::sum_taps(size_t row, float *y) const {
    const size_t out = shape_.out, stride = taps_.size() * out;
    for (size_t x = 0; x < width(); x++) {
        std::memcpy(y + x * out, bias_, out * sizeof(float));
    }
    for (size_t k = 0; k < taps_.size(); k++) {
        const int64_t source = row_at(row, taps_[k].frames, taps_[k].rows);
        const int shift = taps_[k].columns, columns = static_cast<int>(width()) - std::abs(shift);
        if (source >= 0 && columns > 0) {
            passes().add_strided(
                    tap_outputs_.floats() + (source * width() + std::max(shift, 0)) * stride + k * out, stride,
                    y + std::max(-shift, 0) * out, columns, out);
        }
    }
}

// Each contribution that was added to an output has that output's gradient; the others have zero.
void Conv3d::spread_taps(size_t row, const float *dy) const {
    const size_t out = shape_.out, stride = taps_.size() * out;
    float *taps = tap_outputs_.floats() + row * width() * stride;
    std::memset(taps, 0, width() * stride * sizeof(float));
    for (size_t k = 0; k < taps_.size(); k++) {
        const int64_t target = row_at(row, -taps_[k].frames, -taps_[k].rows);
        const int shift = taps_[k].columns, columns = static_cast<int>(width()) - std::abs(shift);
        if (target >= 0 && columns > 0) {
            passes().scatter_strided(dy + (target * width() + std::max(-shift, 0)) * out,
                    taps + std::max(shift, 0) * stride + k * out, stride, columns, out);
        }
    }
}

float *Conv3d::backward(float *dy) {
    device_.enter();
    const size_t out = shape_.out;
    const size_t pixels = size_t(batch_) * shape_.out_height() * shape_.out_width();
    const size_t n = frames_ * pixels * out;
    timed(device_.profile(), "gradient of the activation", n, 12.0 * n, [&] {
        parallel_for(n, grain * 16, [&](size_t begin, size_t end) {
            passes().activate_backward(activation_, y_.floats() + begin, dy + begin, end - begin);
        });
    });
    const auto part = [&](size_t begin, size_t end, double *sum) {
        passes().moments(dy + begin * out, end - begin, shape_.out, sum, sum + out);
    };
    std::vector<double> bias;
    timed(device_.profile(), "gradient of the bias", n, 4.0 * n,
            [&] { bias = parallel_sum(frames_ * pixels, grain, 2 * out, part); });
    for (size_t k = 0; k < out; k++) {
        bias_gradient_[k] = static_cast<float>(bias[k]);
    }
    timed(device_.profile(), "gradients of taps", 0, 4.0 * (taps_.size() + 1) * n, [&] {
        const size_t rows = size_t(frames_) * batch_ * height();
        parallel_for(rows, std::max<size_t>(1, grain / width()), [&](size_t begin, size_t end) {
            for (size_t row = begin; row < end; row++) {
                spread_taps(row, dy);
            }
        });
    });
    const void *operand = convert(dy_operand_, tap_outputs_.floats(), n * taps_.size());
    convolution_.backward_weights(frames_ * batch_, x_operand_.at(x_, 0), operand, packed_gradient_.data(), nullptr);
    const size_t tap_size = packed_.size() / taps_.size();
    for (size_t k = 0; k < taps_.size(); k++) {
        for (size_t row = 0; row < tap_size / out; row++) {
            std::memcpy(kernel_gradient_ + k * tap_size + row * out,
                    &packed_gradient_[(row * taps_.size() + k) * out], out * sizeof(float));
        }
    }
    if (!dx_) {
        return nullptr;
    }
    convolution_.backward_data(frames_ * batch_, operand, dx_->floats());
    return dx_->floats();
}

}  // namespace framecast
