#include "batch_norm.h"

#include <cmath>

#include "parallel.h"
#include "passes.h"

namespace framecast {

namespace {

// Rows of a part. Independent of the number of threads, so that the sums are, too.
size_t grain(int channels) { return std::max<size_t>(64, (1 << 17) / channels); }

}  // namespace

BatchNorm::BatchNorm(Device &device, int64_t rows, int channels, double epsilon, double momentum, const float *gamma,
        const float *beta, float *moving_mean, float *moving_variance, float *gamma_gradient, float *beta_gradient)
    : device_(device), channels_(channels), epsilon_(epsilon), momentum_(momentum), gamma_(gamma), beta_(beta),
      moving_mean_(moving_mean), moving_variance_(moving_variance), gamma_gradient_(gamma_gradient),
      beta_gradient_(beta_gradient), y_(device, size_t(rows) * channels * sizeof(float)), mean_(channels),
      inverse_deviation_(channels), center_(channels) {}

float *BatchNorm::forward(const float *x, int64_t rows, bool training) {
    device_.enter();
    x_ = x;
    rows_ = rows;
    const size_t channels = channels_;
    if (training) {
        // variance = mean(x^2) - mean(x)^2, in float64: the cancellation error is far below the precision of float32
        // input.
        const auto part = [&](size_t begin, size_t end, double *sum) {
            passes().moments(x + begin * channels, end - begin, channels_, sum, sum + channels);
        };
        std::vector<double> sums;
        // Operations and bytes of a sum and a sum of squares.
        timed(device_.profile(), "statistics", 3 * values(), 4 * values(),
                [&] { sums = parallel_sum(rows, grain(channels_), 2 * channels, part); });
        for (size_t k = 0; k < channels; k++) {
            const double mean = sums[k] / rows;
            const double variance = std::max(0.0, sums[channels + k] / rows - mean * mean);
            mean_[k] = mean;
            inverse_deviation_[k] = 1 / std::sqrt(variance + epsilon_);
            moving_mean_[k] = static_cast<float>(moving_mean_[k] * momentum_ + mean * (1 - momentum_));
            moving_variance_[k] = static_cast<float>(moving_variance_[k] * momentum_ + variance * (1 - momentum_));
        }
    } else {
        for (size_t k = 0; k < channels; k++) {
            mean_[k] = moving_mean_[k];
            inverse_deviation_[k] = 1 / std::sqrt(moving_variance_[k] + epsilon_);
        }
    }
    std::vector<float> scale(channels), shift(channels);
    for (size_t k = 0; k < channels; k++) {
        const double s = gamma_[k] * inverse_deviation_[k];
        center_[k] = static_cast<float>(mean_[k]);
        scale[k] = static_cast<float>(s);
        shift[k] = static_cast<float>(beta_[k] - (mean_[k] - center_[k]) * s);
    }
    timed(device_.profile(), "normalisation", 3 * values(), 8 * values(), [&] {
        parallel_for(rows, grain(channels_), [&](size_t begin, size_t end) {
            passes().affine(x + begin * channels, center_.data(), scale.data(), shift.data(),
                    y_.floats() + begin * channels, end - begin, channels_);
        });
    });
    return y_.floats();
}

// With xhat = (x - mean)*r:   dgamma = sum(dy*xhat)   dbeta = sum(dy)
//   dx = gamma*r*(dy - dbeta/n - xhat*dgamma/n)    which is a*dy + b*(x - center) + c with constants per channel.
float *BatchNorm::backward(float *dy) {
    device_.enter();
    const size_t channels = channels_;
    const auto part = [&](size_t begin, size_t end, double *sum) {
        passes().moments_backward(x_ + begin * channels, dy + begin * channels, end - begin, channels_, sum,
                sum + channels);
    };
    std::vector<double> sums;
    // Operations and bytes of a sum and a sum of products.
    timed(device_.profile(), "gradient statistics", 3 * values(), 8 * values(),
            [&] { sums = parallel_sum(rows_, grain(channels_), 2 * channels, part); });
    std::vector<float> a(channels), b(channels), c(channels);
    for (size_t k = 0; k < channels; k++) {
        const double r = inverse_deviation_[k];
        const double dbeta = sums[k];
        const double dgamma = (sums[channels + k] - mean_[k] * dbeta) * r;
        beta_gradient_[k] = static_cast<float>(dbeta);
        gamma_gradient_[k] = static_cast<float>(dgamma);
        const double scale = gamma_[k] * r;
        const double slope = -scale * r * dgamma / rows_;
        a[k] = static_cast<float>(scale);
        b[k] = static_cast<float>(slope);
        c[k] = static_cast<float>(-scale * dbeta / rows_ - slope * (mean_[k] - center_[k]));
    }
    timed(device_.profile(), "gradient", 5 * values(), 12 * values(), [&] {
        parallel_for(rows_, grain(channels_), [&](size_t begin, size_t end) {
            passes().affine_backward(x_ + begin * channels, center_.data(), a.data(), b.data(), c.data(),
                    dy + begin * channels, end - begin, channels_);
        });
    });
    return dy;
}

}  // namespace framecast
