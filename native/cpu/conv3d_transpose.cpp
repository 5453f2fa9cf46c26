#include "conv3d_transpose.h"

#include <algorithm>
#include <cstring>

namespace framecast {

namespace {

constexpr size_t grain = 4096;

ConvolutionShape with_taps(ConvolutionShape shape, int taps) {
    shape.in *= taps;
    return shape;
}

}  // namespace

Conv3dTranspose::Conv3dTranspose(Device &device, const ConvolutionShape &shape, int kernel_time,
        const char *activation, int frames, int batch, bool training, bool input_gradient, const float *kernel,
        const float *bias, float *kernel_gradient, float *bias_gradient)
    : device_(device), shape_(shape), taps_(kernel_time),
      convolution_(device, with_taps(shape, kernel_time), "transposed convolution"),
      activation_(activation_named(activation)), kernel_(kernel), bias_(bias), kernel_gradient_(kernel_gradient),
      bias_gradient_(bias_gradient), packed_(shape.weights_size() * kernel_time),
      packed_gradient_(training ? packed_.size() : 0),
      tap_outputs_(device, size_t(frames) * batch * shape.input_size() * kernel_time * sizeof(float)),
      y_(device, size_t(frames) * batch * shape.input_size() * sizeof(float)),
      x_operand_(device, size_t(frames) * batch * shape.output_size()),
      tap_operand_(device, training ? size_t(frames) * batch * shape.input_size() * kernel_time : 0) {
    if (training && input_gradient) {
        dx_ = std::make_unique<Memory>(device, size_t(frames) * batch * shape.output_size() * sizeof(float));
    }
}

template <typename Copy>
void Conv3dTranspose::each_run(Copy copy) const {
    const size_t run = size_t(shape_.in) * shape_.out, places = size_t(shape_.kernel_height) * shape_.kernel_width;
    for (size_t k = 0; k < size_t(taps_); k++) {
        for (size_t place = 0; place < places; place++) {
            copy((k * places + place) * run, (place * taps_ + taps_ - 1 - k) * run, run);
        }
    }
}

template <typename Body>
void Conv3dTranspose::each_tap(Body body) const {
    const size_t frame = size_t(batch_) * shape_.height;
    parallel_for(frames_ * frame, std::max<size_t>(1, grain / shape_.width), [&](size_t begin, size_t end) {
        for (size_t row = begin; row < end; row++) {
            for (int k = 0; k < taps_; k++) {
                const int64_t t = static_cast<int64_t>(row / frame) + k - taps_ / 2;
                if (t >= 0 && t < frames_) {
                    body(row, t * frame + row % frame, k);
                }
            }
        }
    });
}

float *Conv3dTranspose::forward(const float *x, int frames, int batch) {
    device_.enter();
    x_ = x;
    frames_ = frames;
    batch_ = batch;
    each_run([&](size_t from, size_t to, size_t run) {
        std::memcpy(&packed_[to], kernel_ + from, run * sizeof(float));
    });
    convolution_.set_weights(packed_.data());
    const void *operand = x_operand_.convert(x, 0, images() * shape_.output_size());
    convolution_.backward_data(images(), operand, tap_outputs_.floats());

    const size_t out = shape_.in, width = shape_.width, n = images() * shape_.input_size();
    timed(device_.profile(), "sum of taps", double(taps_) * n, 4.0 * (taps_ + 1) * n, [&] {
        parallel_for(n / out, grain, [&](size_t begin, size_t end) {
            for (size_t pixel = begin; pixel < end; pixel++) {
                std::memcpy(y_.floats() + pixel * out, bias_, out * sizeof(float));
            }
        });
        each_tap([&](size_t row, size_t source, int k) {
            passes().add_strided(tap_outputs_.floats() + (source * width * taps_ + k) * out, taps_ * out,
                    y_.floats() + row * width * out, width, out);
        });
        parallel_for(n, grain * 16, [&](size_t begin, size_t end) {
            passes().activate(activation_, y_.floats() + begin, end - begin);
        });
    });
    return y_.floats();
}

float *Conv3dTranspose::backward(float *dy) {
    device_.enter();
    const size_t out = shape_.in, width = shape_.width, n = images() * shape_.input_size();
    timed(device_.profile(), "gradient of the activation", n, 12.0 * n, [&] {
        parallel_for(n, grain * 16, [&](size_t begin, size_t end) {
            passes().activate_backward(activation_, y_.floats() + begin, dy + begin, end - begin);
        });
    });
    std::vector<double> bias;
    timed(device_.profile(), "gradient of the bias", n, 4.0 * n, [&] {
        bias = parallel_sum(n / out, grain, 2 * out, [&](size_t begin, size_t end, double *sum) {
            passes().moments(dy + begin * out, end - begin, out, sum, sum + out);
        });
    });
    for (size_t k = 0; k < out; k++) {
        bias_gradient_[k] = static_cast<float>(bias[k]);
    }
    // Each contribution that was added to an output has that output's gradient; the others have zero.
    timed(device_.profile(), "gradients of taps", 0, 4.0 * (taps_ + 1) * n, [&] {
        std::memset(tap_outputs_.floats(), 0, n * taps_ * sizeof(float));
        each_tap([&](size_t row, size_t target, int k) {
            passes().scatter_strided(dy + row * width * out,
                    tap_outputs_.floats() + (target * width * taps_ + k) * out, taps_ * out, width, out);
        });
    });
    const void *operand = tap_operand_.convert(tap_outputs_.floats(), 0, n * taps_);
    convolution_.backward_weights(images(), operand, x_operand_.at(x_, 0), packed_gradient_.data(), nullptr);
    each_run([&](size_t to, size_t from, size_t run) {
        std::memcpy(kernel_gradient_ + to, &packed_gradient_[from], run * sizeof(float));
    });
    if (!dx_) {
        return nullptr;
    }
    convolution_.forward(images(), operand, nullptr, dx_->floats());
    return dx_->floats();
}

}  // namespace framecast
