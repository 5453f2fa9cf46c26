// Batch normalisation. Tensors are read in groups that share their statistics: all values of a channel, or one element
// of all images. The members of a group are contiguous.

#include <cmath>

#include "cudnn/api.h"

namespace softgpu::cudnn {
namespace {

struct Grouping {
    int64_t groups, members;
    std::vector<int> order;     // order of the axes: the group's first

    Grouping(cudnnBatchNormMode_t mode, const Strided &x) {
        order = {1};
        if (mode == CUDNN_BATCHNORM_PER_ACTIVATION)
            for (int i = 2; i < x.rank; ++i) order.push_back(i);
        groups = x.permuted(order).count();
        members = x.count() / groups;
        order.push_back(0);
        for (int i = static_cast<int>(order.size()); i < x.rank; ++i) order.push_back(i);
    }
};

struct Statistics {
    double mean, variance;      // of the group's members; biased

    explicit Statistics(const double *x, int64_t n) : mean(0), variance(0) {
        for (int64_t i = 0; i < n; ++i) mean += x[i];
        mean /= n;
        for (int64_t i = 0; i < n; ++i) variance += (x[i] - mean) * (x[i] - mean);
        variance /= n;
    }
};

double inverse_deviation(double variance, double epsilon) { return 1 / std::sqrt(variance + epsilon); }

// An Operand with address 0 was omitted by the caller.
bool given(const Operand &o) { return o.address != 0; }

struct TrainingJob {
    const char *function;
    cudnnBatchNormMode_t mode;
    Operand x, y, scale, bias, running_mean, running_variance, saved_mean, saved_inverse;
    double average, epsilon;
    Blend blend;

    int run() const {
        if (int error = x.check(function, "x", true)) return error;
        if (int error = y.check(function, "y", blend.beta != 0)) return error;
        if (int error = scale.check(function, "scale", true)) return error;
        if (int error = bias.check(function, "bias", true)) return error;
        for (const auto &[o, what] :
             {std::pair(&running_mean, "running mean"), {&running_variance, "running variance"}})
            if (given(*o))
                if (int error = o->check(function, what, true)) return error;
        for (const auto &[o, what] : {std::pair(&saved_mean, "saved mean"), {&saved_inverse, "saved inverse variance"}})
            if (given(*o))
                if (int error = o->check(function, what, false)) return error;

        const Grouping grouping(mode, x.layout);
        std::vector<double> values = x.permuted(grouping.order).read();
        const std::vector<double> factors = scale.read(), offsets = bias.read();
        std::vector<double> means, unbiased, inverses;
        double *v = values.data();
        for (int64_t g = 0; g < grouping.groups; ++g, v += grouping.members) {
            const Statistics s(v, grouping.members);
            const double inverse = inverse_deviation(s.variance, epsilon);
            means.push_back(s.mean);
            inverses.push_back(inverse);
            unbiased.push_back(s.variance * grouping.members / std::max<int64_t>(grouping.members - 1, 1));
            for (int64_t i = 0; i < grouping.members; ++i)
                v[i] = factors[g] * ((v[i] - s.mean) * inverse) + offsets[g];
        }
        y.permuted(grouping.order).blend(values, blend.alpha, blend.beta);
        if (given(saved_mean)) {
            saved_mean.write(means);
            saved_inverse.write(inverses);
        }
        if (given(running_mean)) {
            running_mean.blend(means, average, 1 - average);
            running_variance.blend(unbiased, average, 1 - average);
        }
        return 0;
    }
};

struct InferenceJob {
    const char *function;
    cudnnBatchNormMode_t mode;
    Operand x, y, scale, bias, mean, variance;
    double epsilon;
    Blend blend;

    int run() const {
        if (int error = x.check(function, "x", true)) return error;
        if (int error = y.check(function, "y", blend.beta != 0)) return error;
        for (const auto &[o, what] : {std::pair(&scale, "scale"), {&bias, "bias"}, {&mean, "estimated mean"},
                                      {&variance, "estimated variance"}})
            if (int error = o->check(function, what, true)) return error;

        const Grouping grouping(mode, x.layout);
        std::vector<double> values = x.permuted(grouping.order).read();
        const std::vector<double> factors = scale.read(), offsets = bias.read(), means = mean.read(),
                                  variances = variance.read();
        double *v = values.data();
        for (int64_t g = 0; g < grouping.groups; ++g, v += grouping.members) {
            const double inverse = inverse_deviation(variances[g], epsilon);
            for (int64_t i = 0; i < grouping.members; ++i)
                v[i] = factors[g] * ((v[i] - means[g]) * inverse) + offsets[g];
        }
        y.permuted(grouping.order).blend(values, blend.alpha, blend.beta);
        return 0;
    }
};

struct BackwardJob {
    const char *function;
    cudnnBatchNormMode_t mode;
    Operand x, dy, dx, scale, d_scale, d_bias, saved_mean, saved_inverse;
    double epsilon;
    Blend data_blend, parameter_blend;

    int run() const {
        if (int error = x.check(function, "x", true)) return error;
        if (int error = dy.check(function, "dy", true)) return error;
        if (int error = dx.check(function, "dx", data_blend.beta != 0)) return error;
        if (int error = scale.check(function, "scale", true)) return error;
        for (const auto &[o, what] : {std::pair(&d_scale, "gradient of scale"), {&d_bias, "gradient of bias"}})
            if (int error = o->check(function, what, parameter_blend.beta != 0)) return error;
        for (const auto &[o, what] : {std::pair(&saved_mean, "saved mean"), {&saved_inverse, "saved inverse variance"}})
            if (given(*o))
                if (int error = o->check(function, what, true)) return error;

        const Grouping grouping(mode, x.layout);
        const std::vector<double> xs = x.permuted(grouping.order).read(), factors = scale.read();
        std::vector<double> gradients = dy.permuted(grouping.order).read(), means, inverses;
        if (given(saved_mean)) {
            means = saved_mean.read();
            inverses = saved_inverse.read();
        }
        std::vector<double> of_scale, of_bias;
        const double *v = xs.data();
        double *d = gradients.data();
        for (int64_t g = 0; g < grouping.groups; ++g, v += grouping.members, d += grouping.members) {
            if (!given(saved_mean)) {
                const Statistics s(v, grouping.members);
                means.push_back(s.mean);
                inverses.push_back(inverse_deviation(s.variance, epsilon));
            }
            const double mean = means[g], inverse = inverses[g];
            double sum = 0, product = 0;    // sum of dy; sum of dy times the normalised x
            for (int64_t i = 0; i < grouping.members; ++i) {
                sum += d[i];
                product += d[i] * (v[i] - mean) * inverse;
            }
            of_scale.push_back(product);
            of_bias.push_back(sum);
            for (int64_t i = 0; i < grouping.members; ++i)
                d[i] = factors[g] * inverse *
                       (d[i] - sum / grouping.members - (v[i] - mean) * inverse * product / grouping.members);
        }
        dx.permuted(grouping.order).blend(gradients, data_blend.alpha, data_blend.beta);
        d_scale.blend(of_scale, parameter_blend.alpha, parameter_blend.beta);
        d_bias.blend(of_bias, parameter_blend.alpha, parameter_blend.beta);
        return 0;
    }
};

void require_mode(cudnnBatchNormMode_t mode) {
    require(mode >= CUDNN_BATCHNORM_PER_ACTIVATION && mode <= CUDNN_BATCHNORM_SPATIAL_PERSISTENT,
            "there is no such batch normalisation mode");
}

// The layout of the parameters of a tensor: 1 x C x 1..., or 1 x C x H..., packed. Of float, or double for double
// tensors.
cudnnTensorStruct parameters_of(const cudnnTensorStruct &x, cudnnBatchNormMode_t mode) {
    require_mode(mode);
    supported(x.rank == 4 || x.rank == 5, "batch normalisation is for 4 and 5 dimensions",
              CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
    cudnnTensorStruct p{x.type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT, x.rank, {}, {}};
    int stride = 1;
    for (int i = x.rank - 1; i >= 0; --i) {
        p.dims[i] = i == 1 || (i > 1 && mode == CUDNN_BATCHNORM_PER_ACTIVATION) ? x.dims[i] : 1;
        p.strides[i] = stride;
        stride *= p.dims[i];
    }
    return p;
}

// Checks the descriptor of the parameters against x's; returns their layout.
Strided parameters(const cudnnTensorStruct *descriptor, const cudnnTensorStruct *x, cudnnBatchNormMode_t mode) {
    const Strided p = layout(ready(descriptor, "descriptor of the parameters"));
    const Strided expected = layout(parameters_of(*x, mode));
    require(p.same_dims(expected),
            "the parameters' dimensions do not fit x and the mode; see cudnnDeriveBNTensorDescriptor",
            CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    require(p.type == expected.type, "the parameters are float, or double for double tensors");
    return p;
}

void require_epsilon(double epsilon) {
    constexpr double CUDNN_BN_MIN_EPSILON = 0;
    require(epsilon >= CUDNN_BN_MIN_EPSILON, "epsilon is below CUDNN_BN_MIN_EPSILON");
}

// Checks that either both pointers are given or neither.
std::pair<Operand, Operand> both_or_neither(const Strided &p, const void *a, const char *a_name, const void *b,
                                            const char *b_name) {
    require((a == nullptr) == (b == nullptr), std::string(a_name) + " and " + b_name + ": one is null, the other not");
    if (a == nullptr) return {};
    return {operand(p, a, a_name), operand(p, b, b_name)};
}

void require_result(const Operand &x, const Operand &y, const char *what) {
    require_same_shape(x, y, what);
    require_same_type(x, y, what);
    require_writable(y, what);
}

}  // namespace
}  // namespace softgpu::cudnn

using namespace softgpu;
using namespace softgpu::cudnn;

CUDNN_API cudnnStatus_t cudnnDeriveBNTensorDescriptor(cudnnTensorDescriptor_t derived, const cudnnTensorDescriptor_t x,
                                                      cudnnBatchNormMode_t mode) {
    return guarded(__func__, [&] {
        live(derived, "derived descriptor");
        *derived = parameters_of(ready(x, "descriptor of x"), mode);
    });
}

CUDNN_API cudnnStatus_t cudnnBatchNormalizationForwardTraining(
    cudnnHandle_t handle, cudnnBatchNormMode_t mode, const void *alpha, const void *beta,
    const cudnnTensorDescriptor_t x_descriptor, const void *x, const cudnnTensorDescriptor_t y_descriptor, void *y,
    const cudnnTensorDescriptor_t parameter_descriptor, const void *scale, const void *bias, double average,
    void *running_mean, void *running_variance, double epsilon, void *saved_mean, void *saved_inverse) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        TrainingJob job{};
        job.function = function;
        job.mode = mode;
        job.x = operand(x_descriptor, x, "x");
        job.y = operand(y_descriptor, y, "y");
        require_result(job.x, job.y, "x and y");
        const Strided p = parameters(parameter_descriptor, x_descriptor, mode);
        job.scale = operand(p, scale, "scale");
        job.bias = operand(p, bias, "bias");
        std::tie(job.running_mean, job.running_variance) =
            both_or_neither(p, running_mean, "running mean", running_variance, "running variance");
        std::tie(job.saved_mean, job.saved_inverse) =
            both_or_neither(p, saved_mean, "saved mean", saved_inverse, "saved inverse variance");
        require_epsilon(epsilon);
        require(average >= 0 && average <= 1, "the factor of the moving average is not in 0 to 1");
        job.average = average;
        job.epsilon = epsilon;
        job.blend = blend(alpha, beta, job.x.layout.type);
        launch(context, function, job);
    });
}

CUDNN_API cudnnStatus_t cudnnBatchNormalizationForwardInference(
    cudnnHandle_t handle, cudnnBatchNormMode_t mode, const void *alpha, const void *beta,
    const cudnnTensorDescriptor_t x_descriptor, const void *x, const cudnnTensorDescriptor_t y_descriptor, void *y,
    const cudnnTensorDescriptor_t parameter_descriptor, const void *scale, const void *bias, const void *mean,
    const void *variance, double epsilon) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        InferenceJob job{function, mode, operand(x_descriptor, x, "x"), operand(y_descriptor, y, "y"), {}, {}, {}, {},
                         epsilon, {}};
        require_result(job.x, job.y, "x and y");
        const Strided p = parameters(parameter_descriptor, x_descriptor, mode);
        job.scale = operand(p, scale, "scale");
        job.bias = operand(p, bias, "bias");
        job.mean = operand(p, mean, "estimated mean");
        job.variance = operand(p, variance, "estimated variance");
        require_epsilon(epsilon);
        job.blend = blend(alpha, beta, job.x.layout.type);
        launch(context, function, job);
    });
}

CUDNN_API cudnnStatus_t cudnnBatchNormalizationBackward(
    cudnnHandle_t handle, cudnnBatchNormMode_t mode, const void *alpha_data, const void *beta_data,
    const void *alpha_parameters, const void *beta_parameters, const cudnnTensorDescriptor_t x_descriptor,
    const void *x, const cudnnTensorDescriptor_t dy_descriptor, const void *dy,
    const cudnnTensorDescriptor_t dx_descriptor, void *dx, const cudnnTensorDescriptor_t parameter_descriptor,
    const void *scale, void *d_scale, void *d_bias, double epsilon, const void *saved_mean, const void *saved_inverse) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        BackwardJob job{};
        job.function = function;
        job.mode = mode;
        job.x = operand(x_descriptor, x, "x");
        job.dy = operand(dy_descriptor, dy, "dy");
        job.dx = operand(dx_descriptor, dx, "dx");
        require_result(job.x, job.dx, "x and dx");
        require_result(job.dy, job.dx, "dy and dx");
        const Strided p = parameters(parameter_descriptor, x_descriptor, mode);
        job.scale = operand(p, scale, "scale");
        job.d_scale = operand(p, d_scale, "gradient of scale");
        job.d_bias = operand(p, d_bias, "gradient of bias");
        std::tie(job.saved_mean, job.saved_inverse) =
            both_or_neither(p, saved_mean, "saved mean", saved_inverse, "saved inverse variance");
        require_epsilon(epsilon);
        job.epsilon = epsilon;
        job.data_blend = blend(alpha_data, beta_data, job.x.layout.type);
        job.parameter_blend = blend(alpha_parameters, beta_parameters, job.x.layout.type);
        launch(context, function, job);
    });
}
