// Pooling.

#include <algorithm>
#include <cmath>

#include "cudnn/api.h"

namespace softgpu::cudnn {
namespace {

constexpr int MOST_AXES = CUDNN_DIM_MAX - 2;

struct PoolingJob {
    const char *function;
    cudnnPoolingStruct pooling;
    Operand x, y;
    Blend blend;

    bool averages() const {
        return pooling.mode == CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING ||
               pooling.mode == CUDNN_POOLING_AVERAGE_COUNT_EXCLUDE_PADDING;
    }
    double larger(double a, double b) const {
        if (std::isnan(b)) return pooling.nan == CUDNN_PROPAGATE_NAN ? b : a;
        return std::isnan(a) || a > b ? a : b;
    }

    int run() const {
        if (int error = x.check(function, "x", true)) return error;
        if (int error = y.check(function, "y", blend.beta != 0)) return error;
        const std::vector<double> in = x.read();
        std::vector<double> out;
        int64_t plane = 1;
        for (int i = 0; i < pooling.rank; ++i) plane *= x.layout.dims[2 + i];
        int64_t at[MOST_AXES] = {};
        for (size_t first = 0; first < in.size(); first += plane) outputs(in.data() + first, 0, at, out);
        y.blend(out, blend.alpha, blend.beta);
        return 0;
    }

    // All outputs of a plane, whose positions on the axes before `axis` are chosen.
    void outputs(const double *plane, int axis, int64_t *at, std::vector<double> &out) const {
        if (axis == pooling.rank) {
            out.push_back(pooled(plane, at));
            return;
        }
        for (at[axis] = 0; at[axis] < y.layout.dims[2 + axis]; ++at[axis]) outputs(plane, axis + 1, at, out);
    }

    double pooled(const double *plane, const int64_t *at) const {
        double result = averages() ? 0 : -INFINITY;
        int64_t inside = 0;
        visit(plane, at, 0, 0, [&](double value) {
            result = averages() ? result + value : larger(result, value);
            ++inside;
        });
        if (!averages()) return result;
        int64_t window = 1;
        for (int i = 0; i < pooling.rank; ++i) window *= pooling.window[i];
        return result / (pooling.mode == CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING ? window : inside);
    }

    // Calls f with each element of the window that is in the input.
    template <class F> void visit(const double *plane, const int64_t *at, int axis, int64_t offset, const F &f) const {
        if (axis == pooling.rank) return f(plane[offset]);
        const int64_t size = x.layout.dims[2 + axis], first = at[axis] * pooling.stride[axis] - pooling.pad[axis];
        for (int64_t i = std::max<int64_t>(first, 0); i < std::min(first + pooling.window[axis], size); ++i)
            visit(plane, at, axis + 1, offset * size + i, f);
    }
};

void set(cudnnPoolingDescriptor_t descriptor, cudnnPoolingMode_t mode, cudnnNanPropagation_t nan, int rank,
         const int *window, const int *pad, const int *stride) {
    cudnnPoolingStruct &pooling = live(descriptor, "descriptor");
    require(mode >= CUDNN_POOLING_MAX && mode <= CUDNN_POOLING_MAX_DETERMINISTIC, "there is no such pooling mode");
    require(nan == CUDNN_NOT_PROPAGATE_NAN || nan == CUDNN_PROPAGATE_NAN, "there is no such propagation of NaN");
    require(rank > 0, "the number of dimensions is not positive");
    supported(rank <= MOST_AXES, "pooling has no more than 6 dimensions");
    require_pointer(window, "window");
    require_pointer(pad, "padding");
    require_pointer(stride, "stride");
    cudnnPoolingStruct made{mode, nan, rank, {}, {}, {}};
    for (int i = 0; i < rank; ++i) {
        require(window[i] > 0, "the window is not positive");
        require(pad[i] >= 0 && pad[i] < window[i], "padding is negative, or not smaller than the window");
        require(stride[i] > 0, "stride is not positive");
        made.window[i] = window[i];
        made.pad[i] = pad[i];
        made.stride[i] = stride[i];
    }
    pooling = made;
}

std::vector<int> output_dims(const cudnnPoolingStruct &pooling, const cudnnTensorStruct &x) {
    require(x.rank == pooling.rank + 2, "the input does not have 2 dimensions more than the pooling",
            CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    std::vector<int> dims(x.dims, x.dims + x.rank);
    for (int i = 0; i < pooling.rank; ++i) {
        const int room = x.dims[2 + i] + 2 * pooling.pad[i] - pooling.window[i];
        require(room >= 0, "the window is larger than the input with its padding");
        dims[2 + i] = 1 + room / pooling.stride[i];
    }
    return dims;
}

}  // namespace
}  // namespace softgpu::cudnn

using namespace softgpu;
using namespace softgpu::cudnn;

CUDNN_API cudnnStatus_t cudnnCreatePoolingDescriptor(cudnnPoolingDescriptor_t *descriptor) {
    return create(__func__, descriptor);
}
CUDNN_API cudnnStatus_t cudnnDestroyPoolingDescriptor(cudnnPoolingDescriptor_t descriptor) {
    return destroy(__func__, descriptor);
}

CUDNN_API cudnnStatus_t cudnnSetPoolingNdDescriptor(cudnnPoolingDescriptor_t descriptor, cudnnPoolingMode_t mode,
                                                    cudnnNanPropagation_t nan, int rank, const int *window,
                                                    const int *pad, const int *stride) {
    return guarded(__func__, [&] { set(descriptor, mode, nan, rank, window, pad, stride); });
}

CUDNN_API cudnnStatus_t cudnnSetPooling2dDescriptor(cudnnPoolingDescriptor_t descriptor, cudnnPoolingMode_t mode,
                                                    cudnnNanPropagation_t nan, int window_h, int window_w, int pad_h,
                                                    int pad_w, int stride_h, int stride_w) {
    return guarded(__func__, [&] {
        const int window[] = {window_h, window_w}, pad[] = {pad_h, pad_w}, stride[] = {stride_h, stride_w};
        set(descriptor, mode, nan, 2, window, pad, stride);
    });
}

CUDNN_API cudnnStatus_t cudnnGetPoolingNdForwardOutputDim(const cudnnPoolingDescriptor_t descriptor,
                                                          const cudnnTensorDescriptor_t x, int rank, int *dims) {
    return guarded(__func__, [&] {
        const std::vector<int> out = output_dims(ready(descriptor, "descriptor"), ready(x, "x"));
        require(rank == static_cast<int>(out.size()), "the number of dimensions asked for is not the input's");
        require_pointer(dims, "dimensions");
        std::ranges::copy(out, dims);
    });
}

CUDNN_API cudnnStatus_t cudnnGetPooling2dForwardOutputDim(const cudnnPoolingDescriptor_t descriptor,
                                                          const cudnnTensorDescriptor_t x, int *n, int *c, int *h,
                                                          int *w) {
    return guarded(__func__, [&] {
        const std::vector<int> out = output_dims(ready(descriptor, "descriptor"), ready(x, "x"));
        require(out.size() == 4, "the input does not have 4 dimensions");
        int *const to[] = {n, c, h, w};
        for (int i = 0; i < 4; ++i) {
            require_pointer(to[i], "dimension");
            *to[i] = out[i];
        }
    });
}

CUDNN_API cudnnStatus_t cudnnPoolingForward(cudnnHandle_t handle, const cudnnPoolingDescriptor_t descriptor,
                                            const void *alpha, const cudnnTensorDescriptor_t x_descriptor,
                                            const void *x, const void *beta,
                                            const cudnnTensorDescriptor_t y_descriptor, void *y) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        PoolingJob job{function, ready(descriptor, "pooling descriptor"), operand(x_descriptor, x, "x"),
                       operand(y_descriptor, y, "y"), {}};
        const std::vector<int> dims = output_dims(job.pooling, *x_descriptor);
        require(job.y.layout.rank == static_cast<int>(dims.size()) &&
                    std::equal(dims.begin(), dims.end(), job.y.layout.dims),
                "y does not have the dimensions of the result", CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
        require_same_type(job.x, job.y, "x and y");
        require_writable(job.y, "y");
        require_apart(job.x, job.y, "x and y");
        job.blend = blend(alpha, beta, job.y.layout.type);
        launch(context, function, job);
    });
}
