#include "conv3d.h"

#include <cstring>

namespace framecast {

namespace {

constexpr size_t grain = 4096;

ConvolutionShape with_taps(ConvolutionShape shape, int taps) {
    shape.out *= taps;
    return shape;
}

}  // namespace

Conv3d::Conv3d(Device &device, const ConvolutionShape &shape, int kernel_time, int activation, int frames, int batch,
        bool training, bool input_gradient, const float *kernel, const float *bias, float *kernel_gradient,
        float *bias_gradient)
    : device_(device), shape_(shape), taps_(kernel_time), convolution_(device, with_taps(shape, kernel_time), "convolution"),
      activation_(static_cast<Activation>(activation)), kernel_(kernel), bias_(bias),
      kernel_gradient_(kernel_gradient), bias_gradient_(bias_gradient), packed_(shape.weights_size() * kernel_time),
      packed_gradient_(training ? packed_.size() : 0),
      tap_outputs_(device, size_t(frames) * batch * shape.output_size() * kernel_time * sizeof(float)),
      y_(device, size_t(frames) * batch * shape.output_size() * sizeof(float)),
      x_operand_(device, size_t(frames) * batch * shape.input_size()),
      dy_operand_(device, training ? size_t(frames) * batch * shape.output_size() * kernel_time : 0) {
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
    const size_t rows = shape_.weights_size() / shape_.out, out = shape_.out;
    for (int k = 0; k < taps_; k++) {
        passes().scatter_strided(kernel_ + k * shape_.weights_size(), &packed_[k * out], taps_ * out, rows, out);
    }
    convolution_.set_weights(packed_.data());
    const void *operand = convert(x_operand_, x, size_t(frames) * batch * shape_.input_size());
    convolution_.forward(frames * batch, operand, nullptr, tap_outputs_.floats());

    const size_t pixels = size_t(batch) * shape_.out_height() * shape_.out_width();
    // A sum of the taps and the bias; the taps that fall off the ends are read by none, which is little.
    const double n = double(frames) * pixels * out;
    timed(device_.profile(), "sum of taps", taps_ * n, 4 * (taps_ + 1) * n, [&] {
        for (int t = 0; t < frames; t++) {
            parallel_for(pixels, grain, [&](size_t begin, size_t end) {
                float *y = y_.floats() + (t * pixels + begin) * out;
                const auto tap = [&](int k) {
                    return tap_outputs_.floats() + (((t + k - before()) * pixels + begin) * taps_ + k) * out;
                };
                // The middle tap is inside the video always.
                passes().copy_strided(tap(before()), taps_ * out, bias_, y, end - begin, shape_.out);
                for (int k = 0; k < taps_; k++) {
                    const int source = t + k - before();
                    if (k != before() && source >= 0 && source < frames) {
                        passes().add_strided(tap(k), taps_ * out, y, end - begin, shape_.out);
                    }
                }
                passes().activate(activation_, y, (end - begin) * out);
            });
        }
    });
    return y_.floats();
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
    // Tap k of frame t went into y at frame t - k + before.
    timed(device_.profile(), "gradients of taps", 0, 4.0 * (taps_ + 1) * n, [&] {
        for (int t = 0; t < frames_; t++) {
            parallel_for(pixels, grain, [&](size_t begin, size_t end) {
                for (int k = 0; k < taps_; k++) {
                    float *target = tap_outputs_.floats() + ((t * pixels + begin) * taps_ + k) * out;
                    const int from = t - k + before();
                    if (from >= 0 && from < frames_) {
                        passes().scatter_strided(dy + (from * pixels + begin) * out, target, taps_ * out, end - begin,
                                shape_.out);
                    } else {
                        for (size_t row = 0; row < end - begin; row++) {
                            std::memset(target + row * taps_ * out, 0, out * sizeof(float));
                        }
                    }
                }
            });
        }
    });
    const void *operand = convert(dy_operand_, tap_outputs_.floats(), n * taps_);
    convolution_.backward_weights(frames_ * batch_, x_operand_.at(x_, 0), operand, packed_gradient_.data(), nullptr);
    const size_t rows = shape_.weights_size() / out;
    for (int k = 0; k < taps_; k++) {
        for (size_t row = 0; row < rows; row++) {
            std::memcpy(kernel_gradient_ + k * shape_.weights_size() + row * out,
                    &packed_gradient_[(row * taps_ + k) * out], out * sizeof(float));
        }
    }
    if (!dx_) {
        return nullptr;
    }
    convolution_.backward_data(frames_ * batch_, operand, dx_->floats());
    return dx_->floats();
}

}  // namespace framecast
