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
      beta_gradient_(beta_gradient), y_(device, size_t(rows) * channels * sizeof(float)), sums_(2 * size_t(channels)),
      mean_(channels), inverse_deviation_(channels), center_(channels) {}

double *BatchNorm::sums(const float *x, int64_t rows) {
    device_.enter();
    const size_t channels = channels_;
    const auto part = [&](size_t begin, size_t end, double *sum) {
        passes().moments(x + begin * channels, end - begin, channels_, sum, sum + channels);
    };
    // Operations and bytes of a sum and a sum of squares.
    timed(device_.profile(), "statistics", 3.0 * rows * channels, 4.0 * rows * channels,
            [&] { sums_ = parallel_sum(rows, grain(channels_), 2 * channels, part); });
    return sums_.data();
}

float *BatchNorm::forward(const float *x, int64_t rows, int64_t count) {
    device_.enter();
    x_ = x;
    rows_ = rows;
    count_ = count;
    const size_t channels = channels_;
    if (count > 0) {
        // variance = mean(x^2) - mean(x)^2, in float64: the cancellation error is far below the precision of float32
        // input.
        for (size_t k = 0; k < channels; k++) {
            const double mean = sums_[k] / count;
            const double variance = std::max(0.0, sums_[channels + k] / count - mean * mean);
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
double *BatchNorm::gradient_sums(const float *dy) {
    device_.enter();
    const size_t channels = channels_;
    const auto part = [&](size_t begin, size_t end, double *sum) {
        passes().moments_backward(x_ + begin * channels, dy + begin * channels, end - begin, channels_, sum,
                sum + channels);
    };
    // Operations and bytes of a sum and a sum of products.
    timed(device_.profile(), "gradient statistics", 3 * values(), 8 * values(),
            [&] { sums_ = parallel_sum(rows_, grain(channels_), 2 * channels, part); });
    for (size_t k = 0; k < channels; k++) {
        double &dgamma = sums_[channels + k];
        dgamma = (dgamma - mean_[k] * sums_[k]) * inverse_deviation_[k];
        beta_gradient_[k] = static_cast<float>(sums_[k]);
        gamma_gradient_[k] = static_cast<float>(dgamma);
    }
    return sums_.data();
}

//   dx = gamma*r*(dy - dbeta/n - xhat*dgamma/n)    which is a*dy + b*(x - center) + c with constants per channel;
// n counts the rows of the statistics, and dbeta and dgamma are sums over them.
float *BatchNorm::backward(float *dy) {
    device_.enter();
    const size_t channels = channels_;
    std::vector<float> a(channels), b(channels), c(channels);
    for (size_t k = 0; k < channels; k++) {
        const double r = inverse_deviation_[k];
        const double scale = gamma_[k] * r;
        const double slope = -scale * r * sums_[channels + k] / count_;
        a[k] = static_cast<float>(scale);
        b[k] = static_cast<float>(slope);
        c[k] = static_cast<float>(-scale * sums_[k] / count_ - slope * (mean_[k] - center_[k]));
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
