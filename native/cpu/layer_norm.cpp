#include "layer_norm.h"

#include <cmath>

#include "parallel.h"

namespace framecast {

namespace {

// Rows of a part, and so the order of the sums of gradients; independent of the number of threads.
size_t grain(int channels) { return std::max<size_t>(1, (1 << 14) / channels); }

struct Statistics {
    double mean = 0, r;

    Statistics(const float *x, int channels, double epsilon) {
        for (int c = 0; c < channels; c++) {
            mean += x[c];
        }
        mean /= channels;
        double square = 0;
        for (int c = 0; c < channels; c++) {
            square += (x[c] - mean) * (x[c] - mean);
        }
        r = 1 / std::sqrt(square / channels + epsilon);
    }
};

}  // namespace

void layer_norm(Device &device, const float *x, const float *gamma, const float *beta, float *y, int64_t rows,
        int channels, double epsilon) {
    device.enter();
    const double n = double(rows) * channels;
    timed(device.profile(), "layer normalisation", 8 * n, 8 * n, [&] {
        parallel_for(rows, grain(channels), [&](size_t begin, size_t end) {
            for (size_t at = begin * channels; at < end * channels; at += channels) {
                const Statistics s(x + at, channels, epsilon);
                for (int c = 0; c < channels; c++) {
                    y[at + c] = static_cast<float>((x[at + c] - s.mean) * s.r * gamma[c] + beta[c]);
                }
            }
        });
    });
}

// With xhat = (x - mean)*r and g = gamma*dy:
//   dgamma = sum over rows of dy*xhat    dbeta = sum over rows of dy
//   dx = r*(g - mean(g) - xhat*mean(g*xhat))    with means over the channels of a row
void layer_norm_backward(Device &device, const float *x, const float *gamma, float *dy, float *gamma_gradient,
        float *beta_gradient, int64_t rows, int channels, double epsilon) {
    device.enter();
    const double n = double(rows) * channels;
    std::vector<double> sums;
    timed(device.profile(), "gradient of layer normalisation", 20 * n, 12 * n, [&] {
        sums = parallel_sum(rows, grain(channels), 2 * channels, [&](size_t begin, size_t end, double *sum) {
            for (size_t at = begin * channels; at < end * channels; at += channels) {
                const Statistics s(x + at, channels, epsilon);
                double mean = 0, product = 0;
                for (int c = 0; c < channels; c++) {
                    const double xhat = (x[at + c] - s.mean) * s.r, g = double(gamma[c]) * dy[at + c];
                    sum[c] += dy[at + c] * xhat;
                    sum[channels + c] += dy[at + c];
                    mean += g;
                    product += g * xhat;
                }
                mean /= channels;
                product /= channels;
                for (int c = 0; c < channels; c++) {
                    const double xhat = (x[at + c] - s.mean) * s.r, g = double(gamma[c]) * dy[at + c];
                    dy[at + c] = static_cast<float>(s.r * (g - mean - xhat * product));
                }
            }
        });
    });
    for (int c = 0; c < channels; c++) {
        gamma_gradient[c] = static_cast<float>(sums[c]);
        beta_gradient[c] = static_cast<float>(sums[channels + c]);
    }
}

}  // namespace framecast
