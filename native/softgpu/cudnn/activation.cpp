// Activations and their gradients.

#include <algorithm>
#include <cmath>

#include "cudnn/api.h"

namespace softgpu::cudnn {
namespace {

struct Activation {
    cudnnActivationMode_t mode;
    bool propagate_nan;
    double coefficient, swish_beta;

    static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

    double operator()(double x) const {
        switch (mode) {
            case CUDNN_ACTIVATION_SIGMOID: return sigmoid(x);
            case CUDNN_ACTIVATION_RELU: return clip(x, INFINITY);
            case CUDNN_ACTIVATION_TANH: return std::tanh(x);
            case CUDNN_ACTIVATION_CLIPPED_RELU: return clip(x, coefficient);
            case CUDNN_ACTIVATION_ELU: return x > 0 ? x : coefficient * std::expm1(x);
            case CUDNN_ACTIVATION_SWISH: return x * sigmoid(swish_beta * x);
            case CUDNN_ACTIVATION_IDENTITY: break;
        }
        return x;
    }

    double slope(double x, double y) const {
        switch (mode) {
            case CUDNN_ACTIVATION_SIGMOID: return y * (1 - y);
            case CUDNN_ACTIVATION_RELU: return x > 0;
            case CUDNN_ACTIVATION_TANH: return 1 - y * y;
            case CUDNN_ACTIVATION_CLIPPED_RELU: return x > 0 && x < coefficient;
            case CUDNN_ACTIVATION_ELU: return x > 0 ? 1 : y + coefficient;
            case CUDNN_ACTIVATION_SWISH: {
                const double s = sigmoid(swish_beta * x);
                return s + swish_beta * x * s * (1 - s);
            }
            case CUDNN_ACTIVATION_IDENTITY: break;
        }
        return 1;
    }

private:
    double clip(double x, double top) const {
        if (std::isnan(x)) return propagate_nan ? x : 0;
        return std::clamp(x, 0.0, top);
    }
};

struct ForwardJob {
    const char *function;
    Activation activation;
    Operand x, y;
    Blend blend;
    int run() const {
        if (int error = x.check(function, "x", true)) return error;
        if (int error = y.check(function, "y", blend.beta != 0)) return error;
        std::vector<double> values = x.read();
        for (double &v : values) v = activation(v);
        y.blend(values, blend.alpha, blend.beta);
        return 0;
    }
};

struct BackwardJob {
    const char *function;
    Activation activation;
    Operand y, dy, x, dx;
    Blend blend;
    int run() const {
        if (int error = y.check(function, "y", true)) return error;
        if (int error = dy.check(function, "dy", true)) return error;
        if (int error = x.check(function, "x", true)) return error;
        if (int error = dx.check(function, "dx", blend.beta != 0)) return error;
        const std::vector<double> ys = y.read(), xs = x.read();
        std::vector<double> values = dy.read();
        for (size_t i = 0; i < values.size(); ++i) values[i] *= activation.slope(xs[i], ys[i]);
        dx.blend(values, blend.alpha, blend.beta);
        return 0;
    }
};

Activation activation(cudnnActivationDescriptor_t descriptor) {
    const cudnnActivationStruct &a = live(descriptor, "activation descriptor");
    require(a.set, "the activation descriptor was created and never set");
    require(a.mode != CUDNN_ACTIVATION_IDENTITY,
            "CUDNN_ACTIVATION_IDENTITY is for cudnnConvolutionBiasActivationForward only");
    return {a.mode, a.nan == CUDNN_PROPAGATE_NAN, a.coefficient, a.swish_beta};
}

}  // namespace
}  // namespace softgpu::cudnn

using namespace softgpu;
using namespace softgpu::cudnn;

CUDNN_API cudnnStatus_t cudnnActivationForward(cudnnHandle_t handle, cudnnActivationDescriptor_t descriptor,
                                               const void *alpha, const cudnnTensorDescriptor_t x_descriptor,
                                               const void *x, const void *beta,
                                               const cudnnTensorDescriptor_t y_descriptor, void *y) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        ForwardJob job{
            function, activation(descriptor), operand(x_descriptor, x, "x"), operand(y_descriptor, y, "y"), {}};
        require_same_shape(job.x, job.y, "x and y");
        require_same_type(job.x, job.y, "x and y");
        require_writable(job.y, "y");
        require_in_place_or_apart(job.x, job.y, "x and y");
        job.blend = blend(alpha, beta, job.y.layout.type);
        launch(context, function, job);
    });
}

CUDNN_API cudnnStatus_t cudnnActivationBackward(cudnnHandle_t handle, cudnnActivationDescriptor_t descriptor,
                                                const void *alpha, const cudnnTensorDescriptor_t y_descriptor,
                                                const void *y, const cudnnTensorDescriptor_t dy_descriptor,
                                                const void *dy, const cudnnTensorDescriptor_t x_descriptor,
                                                const void *x, const void *beta,
                                                const cudnnTensorDescriptor_t dx_descriptor, void *dx) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        BackwardJob job{function,
                        activation(descriptor),
                        operand(y_descriptor, y, "y"),
                        operand(dy_descriptor, dy, "dy"),
                        operand(x_descriptor, x, "x"),
                        operand(dx_descriptor, dx, "dx"),
                        {}};
        for (const auto &[from, what] : {std::pair(&job.y, "y and dx"), {&job.dy, "dy and dx"}, {&job.x, "x and dx"}}) {
            require_same_shape(*from, job.dx, what);
            require_same_type(*from, job.dx, what);
            require_in_place_or_apart(*from, job.dx, what);
        }
        require_writable(job.dx, "dx");
        job.blend = blend(alpha, beta, job.dx.layout.type);
        launch(context, function, job);
    });
}
