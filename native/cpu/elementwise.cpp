#include "elementwise.h"

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

#include "parallel.h"

namespace framecast {

namespace {

constexpr size_t grain = 1 << 14;

constexpr float selu_alpha = 1.6732632423543772f, selu_scale = 1.0507009873554805f;
constexpr float inverse_root_2 = 0.70710678f, inverse_root_2_pi = 0.39894228f;

// Clipped, with NaN kept.
float clip(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

// Where e^-x overflows the result is 0, as it should be.
float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

// The distribution and the density of a normal variable.
float normal_distribution(float x) { return 0.5f * std::erfc(-x * inverse_root_2); }
float normal_density(float x) { return inverse_root_2_pi * std::exp(-0.5f * x * x); }

// Calls body(f, derivative) with the two functions of that name, so that the loops over values are made for each.
template <typename Body>
void with_function(const char *name, float alpha, float beta, Body body) {
    const auto is = [&](const char *other) { return std::strcmp(name, other) == 0; };
    if (is("LINEAR")) {
        body([](float x) { return x; }, [](float) { return 1.0f; });
    } else if (is("RELU")) {
        body([](float x) { return x < 0 ? 0 : x; }, [](float x) { return x > 0 ? 1.0f : 0.0f; });
    } else if (is("RELU6")) {
        body([](float x) { return clip(x, 0, 6); }, [](float x) { return x > 0 && x < 6 ? 1.0f : 0.0f; });
    } else if (is("ELU")) {
        body([](float x) { return x > 0 ? x : std::expm1(x); }, [](float x) { return x > 0 ? 1.0f : std::exp(x); });
    } else if (is("SELU")) {
        body([](float x) { return selu_scale * (x > 0 ? x : selu_alpha * std::expm1(x)); },
                [](float x) { return selu_scale * (x > 0 ? 1 : selu_alpha * std::exp(x)); });
    } else if (is("SILU")) {
        body([](float x) { return x * sigmoid(x); },
                [](float x) { return sigmoid(x) * (1 + x * (1 - sigmoid(x))); });
    } else if (is("GELU")) {
        body([](float x) { return x * normal_distribution(x); },
                [](float x) { return normal_distribution(x) + x * normal_density(x); });
    } else if (is("SOFTPLUS")) {
        body([](float x) { return (x < 0 ? 0 : x) + std::log1p(std::exp(-std::fabs(x))); },
                [](float x) { return sigmoid(x); });
    } else if (is("SIGMOID")) {
        body([](float x) { return sigmoid(x); }, [](float x) { return sigmoid(x) * (1 - sigmoid(x)); });
    } else if (is("HARD_SIGMOID")) {
        body([](float x) { return clip(x * (1.0f / 6) + 0.5f, 0, 1); },
                [](float x) { return x > -3 && x < 3 ? 1.0f / 6 : 0.0f; });
    } else if (is("HARD_SIGMOID_KERAS2")) {
        body([](float x) { return clip(x * 0.2f + 0.5f, 0, 1); },
                [](float x) { return x > -2.5f && x < 2.5f ? 0.2f : 0.0f; });
    } else if (is("TANH")) {
        body([](float x) { return std::tanh(x); }, [](float x) { return 1 - std::tanh(x) * std::tanh(x); });
    } else if (is("EXPONENTIAL")) {
        body([](float x) { return std::exp(x); }, [](float x) { return std::exp(x); });
    } else if (is("LEAKY_RELU")) {
        body([=](float x) { return x > 0 ? x : alpha * x; }, [=](float x) { return x > 0 ? 1.0f : alpha; });
    } else if (is("RESCALING")) {
        body([=](float x) { return alpha * x + beta; }, [=](float) { return alpha; });
    } else {
        throw std::invalid_argument(std::string("there is no function ") + name);
    }
}

}  // namespace

void elementwise(Device &device, const char *function, float alpha, float beta, const float *x, float *y,
        int64_t size) {
    device.enter();
    with_function(function, alpha, beta, [&](auto f, auto) {
        timed(device.profile(), "function", size, 8.0 * size, [&] {
            parallel_for(size, grain, [&](size_t begin, size_t end) {
                for (size_t k = begin; k < end; k++) {
                    y[k] = f(x[k]);
                }
            });
        });
    });
}

void elementwise_backward(Device &device, const char *function, float alpha, const float *x, float *dy,
        int64_t size) {
    device.enter();
    with_function(function, alpha, 0, [&](auto, auto derivative) {
        timed(device.profile(), "gradient of the function", 2.0 * size, 12.0 * size, [&] {
            parallel_for(size, grain, [&](size_t begin, size_t end) {
                for (size_t k = begin; k < end; k++) {
                    dy[k] *= derivative(x[k]);
                }
            });
        });
    });
}

}  // namespace framecast
