// Softmax, and local response normalisation across channels.

#include <algorithm>
#include <cmath>

#include "cudnn/api.h"

namespace softgpu::cudnn {
namespace {

// Lines of `count` elements that are `distance` apart, in a tensor in index order.
template <class F> void for_each_line(std::vector<double> &values, int64_t count, int64_t distance, const F &f) {
    std::vector<double> line(count);
    for (size_t block = 0; block < values.size(); block += count * distance)
        for (int64_t first = 0; first < distance; ++first) {
            double *const at = values.data() + block + first;
            for (int64_t i = 0; i < count; ++i) line[i] = at[i * distance];
            f(line);
            for (int64_t i = 0; i < count; ++i) at[i * distance] = line[i];
        }
}

int64_t positions(const Strided &s) { return s.count() / s.dims[0] / s.dims[1]; }

struct SoftmaxJob {
    const char *function;
    bool stable, logarithm, by_channel;
    Operand x, y;
    Blend blend;
    int run() const {
        if (int error = x.check(function, "x", true)) return error;
        if (int error = y.check(function, "y", blend.beta != 0)) return error;
        std::vector<double> values = x.read();
        const int64_t places = by_channel ? positions(x.layout) : 1;
        for_each_line(values, x.layout.count() / x.layout.dims[0] / places, places, [&](std::vector<double> &line) {
            const double top = stable ? *std::ranges::max_element(line) : 0;
            double sum = 0;
            for (const double v : line) sum += std::exp(v - top);
            for (double &v : line) v = logarithm ? v - top - std::log(sum) : std::exp(v - top) / sum;
        });
        y.blend(values, blend.alpha, blend.beta);
        return 0;
    }
};

struct LrnJob {
    const char *function;
    cudnnLRNStruct lrn;
    Operand x, y;
    Blend blend;
    int run() const {
        if (int error = x.check(function, "x", true)) return error;
        if (int error = y.check(function, "y", blend.beta != 0)) return error;
        std::vector<double> values = x.read();
        const int64_t before = (lrn.channels - 1) / 2, after = lrn.channels - 1 - before;
        for_each_line(values, x.layout.dims[1], positions(x.layout), [&](std::vector<double> &line) {
            const std::vector<double> old = line;
            const auto channels = static_cast<int64_t>(line.size());
            for (int64_t c = 0; c < channels; ++c) {
                double sum = 0;
                for (int64_t i = std::max<int64_t>(0, c - before); i <= std::min(channels - 1, c + after); ++i)
                    sum += old[i] * old[i];
                line[c] *= std::pow(lrn.k + lrn.alpha / lrn.channels * sum, -lrn.beta);
            }
        });
        y.blend(values, blend.alpha, blend.beta);
        return 0;
    }
};

template <class Job>
void run(cudnnHandle_t handle, Job &job, const void *alpha, const void *beta) {
    const cudnnContext &context = live(handle);
    require_same_shape(job.x, job.y, "x and y");
    require_same_type(job.x, job.y, "x and y");
    require_writable(job.y, "y");
    require_in_place_or_apart(job.x, job.y, "x and y");
    job.blend = blend(alpha, beta, job.y.layout.type);
    launch(context, job.function, job);
}

}  // namespace
}  // namespace softgpu::cudnn

using namespace softgpu;
using namespace softgpu::cudnn;

CUDNN_API cudnnStatus_t cudnnSoftmaxForward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm,
                                            cudnnSoftmaxMode_t mode, const void *alpha,
                                            const cudnnTensorDescriptor_t x_descriptor, const void *x, const void *beta,
                                            const cudnnTensorDescriptor_t y_descriptor, void *y) {
    const char *const function = __func__;
    return guarded(function, [&] {
        require(algorithm >= CUDNN_SOFTMAX_FAST && algorithm <= CUDNN_SOFTMAX_LOG, "there is no such algorithm");
        require(mode == CUDNN_SOFTMAX_MODE_INSTANCE || mode == CUDNN_SOFTMAX_MODE_CHANNEL, "there is no such mode");
        SoftmaxJob job{function,
                       algorithm != CUDNN_SOFTMAX_FAST,
                       algorithm == CUDNN_SOFTMAX_LOG,
                       mode == CUDNN_SOFTMAX_MODE_CHANNEL,
                       operand(x_descriptor, x, "x"),
                       operand(y_descriptor, y, "y"),
                       {}};
        run(handle, job, alpha, beta);
    });
}

CUDNN_API cudnnStatus_t cudnnCreateLRNDescriptor(cudnnLRNDescriptor_t *descriptor) {
    return create(__func__, descriptor);
}
CUDNN_API cudnnStatus_t cudnnDestroyLRNDescriptor(cudnnLRNDescriptor_t descriptor) {
    return destroy(__func__, descriptor);
}

CUDNN_API cudnnStatus_t cudnnSetLRNDescriptor(cudnnLRNDescriptor_t descriptor, unsigned channels, double alpha,
                                              double beta, double k) {
    return guarded(__func__, [&] {
        cudnnLRNStruct &lrn = live(descriptor, "descriptor");
        require(channels >= 1 && channels <= 16, "the window is of 1 to 16 channels");
        require(k >= 1e-5 && beta >= 0.01, "k is below 1e-5, or beta below 0.01");
        lrn = {channels, alpha, beta, k};
    });
}

CUDNN_API cudnnStatus_t cudnnLRNCrossChannelForward(cudnnHandle_t handle, cudnnLRNDescriptor_t descriptor,
                                                    cudnnLRNMode_t mode, const void *alpha,
                                                    const cudnnTensorDescriptor_t x_descriptor, const void *x,
                                                    const void *beta, const cudnnTensorDescriptor_t y_descriptor,
                                                    void *y) {
    const char *const function = __func__;
    return guarded(function, [&] {
        require(mode == CUDNN_LRN_CROSS_CHANNEL_DIM1, "there is no such mode");
        LrnJob job{function, live(descriptor, "descriptor"), operand(x_descriptor, x, "x"),
                   operand(y_descriptor, y, "y"), {}};
        run(handle, job, alpha, beta);
    });
}
