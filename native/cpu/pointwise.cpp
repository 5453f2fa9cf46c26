#include "pointwise.h"

#include <cmath>
#include <cstring>

#include "parallel.h"
#include "passes.h"

namespace framecast {

namespace {

constexpr size_t grain = 1 << 15;

}  // namespace

SpaceToDepth::SpaceToDepth(Device &device, int images, int height, int width, int channels, int block, bool inverse,
        bool input_gradient)
    : device_(device), height_(height), width_(width), channels_(channels), block_(block), inverse_(inverse),
      y_(device, size_t(images) * height * width * channels * sizeof(float)) {
    if (input_gradient) {
        dx_ = std::make_unique<Memory>(device, y_.bytes());
    }
}

float *SpaceToDepth::forward(const float *x, int images) {
    device_.enter();
    images_ = images;
    move(x, y_.floats(), !inverse_);
    return y_.floats();
}

float *SpaceToDepth::backward(const float *dy) {
    if (!dx_) {
        return nullptr;
    }
    device_.enter();
    move(dy, dx_->floats(), inverse_);
    return dx_->floats();
}

// A run of block*channels values is contiguous on both sides.
void SpaceToDepth::move(const float *from, float *to, bool to_depth) const {
    const size_t run = size_t(block_) * channels_, across = width_ / block_;
    timed(device_.profile(), "patches", 0, 8.0 * images_ * height_ * width_ * channels_, [&] {
        parallel_for(size_t(images_) * height_, 16, [&](size_t begin, size_t end) {
            for (size_t row = begin; row < end; row++) {
                const size_t space = row * width_ * channels_;
                const size_t depth = (row / block_ * across * block_ + row % block_) * run;
                for (size_t x = 0; x < across; x++) {
                    const size_t s = space + x * run, d = depth + x * block_ * run;
                    std::memcpy(to + (to_depth ? d : s), from + (to_depth ? s : d), run * sizeof(float));
                }
            }
        });
    });
}

double loss(Device &device, const char *kind_name, const float *outputs, const float *targets, int64_t size,
        double weight, float *gradient) {
    device.enter();
    const LossKind kind = loss_named(kind_name);
    const auto scale = static_cast<float>(weight / size);
    const auto pass = kind == LossKind::BINARY_CROSSENTROPY_FROM_LOGITS ? passes().bce_logits
            : kind == LossKind::BINARY_CROSSENTROPY                     ? passes().bce
                                                                        : passes().squared_error;
    const auto part = [&](size_t begin, size_t end, double *total) {
        *total = pass(outputs + begin, targets + begin, end - begin, scale, gradient ? gradient + begin : nullptr);
    };
    // Operations of the formula in passes.h (an exponential or logarithm counts as one) and of the sum; then those of
    // the gradient.
    const bool square = kind == LossKind::MEAN_SQUARED_ERROR;
    const double operations = (square ? 3 : 8) + (gradient ? square ? 1 : 3 : 0);
    std::vector<double> sum;
    timed(device.profile(), "loss", operations * size, (gradient ? 12.0 : 8.0) * size,
            [&] { sum = parallel_sum(size, grain, 1, part); });
    return sum[0] / size;
}

void adam(Device &device, float *parameters, const float *gradients, float *m, float *v, int64_t size, double alpha,
        double beta1, double beta2, double epsilon) {
    device.enter();
    // Three operations for m, four for v, five for p; four arrays are read and three written.
    timed(device.profile(), "Adam", 12.0 * size, 28.0 * size, [&] {
        parallel_for(size, grain, [&](size_t begin, size_t end) {
            passes().adam(parameters + begin, gradients + begin, m + begin, v + begin, end - begin,
                    static_cast<float>(alpha), static_cast<float>(1 - beta1), static_cast<float>(1 - beta2),
                    static_cast<float>(epsilon));
        });
    });
}

void clip(Device &device, float *gradients, int64_t size, double norm) {
    device.enter();
    timed(device.profile(), "clip", 3.0 * size, 4.0 * size, [&] {
        const auto squares = parallel_sum(size, grain, 1, [&](size_t begin, size_t end, double *total) {
            *total = passes().squares(gradients + begin, end - begin);
        });
        const double now = std::sqrt(squares[0]);
        // Gradients that are not finite stay so: the training then stops with a message.
        if (!(now <= norm)) {
            parallel_for(size, grain, [&](size_t begin, size_t end) {
                passes().scale(gradients + begin, end - begin, static_cast<float>(norm / now));
            });
        }
    });
}

void blend(Device &device, const float *x, float *y, int64_t size, const float *rates, int rows) {
    device.enter();
    const size_t row = size / rows;
    timed(device.profile(), "blend", 3.0 * size, 12.0 * size, [&] {
        for (int r = 0; r < rows; r++) {
            parallel_for(row, grain, [&](size_t begin, size_t end) {
                passes().blend(x + r * row + begin, y + r * row + begin, end - begin, rates[r]);
            });
        }
    });
}

}  // namespace framecast
