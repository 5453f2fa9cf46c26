// Batch normalisation over frames, batch, height and width, per channel:
//   y = gamma*(x - mean)/sqrt(variance + epsilon) + beta
// with the statistics of the batch (biased variance) in training, the moving averages in inference.
//
// Training reads x twice and writes y once; backward reads x and dy twice and writes the gradient of x over dy.
#pragma once

#include <vector>

#include "device.h"

namespace framecast {

class BatchNorm {
  public:
    // For up to `rows` positions of `channels` values. The moving averages are updated by forward in training.
    BatchNorm(Device &device, int64_t rows, int channels, double epsilon, double momentum, const float *gamma,
            const float *beta, float *moving_mean, float *moving_variance, float *gamma_gradient,
            float *beta_gradient);

    // Sums x and its squares over `rows` rows per channel, (2, channels): the statistics of forward. The caller may add
    // the sums of other rows to them.
    double *sums(const float *x, int64_t rows);
    // With the statistics of sums(), which are those of `count` rows; with the moving averages if that is 0.
    float *forward(const float *x, int64_t rows, int64_t count);
    // After a forward with statistics. Computes the gradients of beta and gamma, of these rows, and returns them in
    // float64, (2, channels). The caller may add those of the other rows.
    double *gradient_sums(const float *dy);
    // After gradient_sums(). Overwrites dy by the gradient of x, and returns it.
    float *backward(float *dy);

  private:
    double values() const { return double(rows_) * channels_; }

    Device &device_;
    const int channels_;
    const double epsilon_, momentum_;
    const float *gamma_, *beta_;
    float *moving_mean_, *moving_variance_, *gamma_gradient_, *beta_gradient_;
    Memory y_;
    const float *x_ = nullptr;
    int64_t rows_ = 0, count_ = 0;
    std::vector<double> sums_, mean_, inverse_deviation_;
    std::vector<float> center_;  // the mean, rounded
};

}  // namespace framecast
