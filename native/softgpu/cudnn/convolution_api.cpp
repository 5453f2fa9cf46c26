// The convolution functions of the API, and the queries for algorithms.

#include <algorithm>

#include "cudnn/convolution.h"

using namespace softgpu;
using namespace softgpu::cudnn;

namespace {

// The result of a query, one entry per algorithm: first those that support the convolution.
std::vector<cudnnAlgoPerf_t> performances(Direction direction, const Convolution &convolution, bool timed) {
    std::vector<cudnnAlgoPerf_t> list;
    float time = 0;
    for (const Algorithm &a : algorithms(direction)) {
        const bool able = a.unable(convolution) == nullptr;
        list.push_back({a.number,
                        able ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED,
                        able &&timed ? time += 0.125f : -1,
                        able ? a.workspace_bytes(convolution) : 0,
                        a.determinism,
                        a.math(convolution),
                        {}});
    }
    std::stable_partition(list.begin(), list.end(),
                          [](const cudnnAlgoPerf_t &p) { return p.status == CUDNN_STATUS_SUCCESS; });
    return list;
}

void give(const std::vector<cudnnAlgoPerf_t> &list, int requested, int *returned, cudnnAlgoPerf_t *to) {
    require_pointer(returned, "returnedAlgoCount");
    require_pointer(to, "perfResults");
    require(requested > 0, "requestedAlgoCount is not positive");
    *returned = std::min(requested, static_cast<int>(list.size()));
    std::copy_n(list.begin(), *returned, to);
}

cudnnStatus_t count(const char *function, cudnnHandle_t handle, Direction direction, int *to) {
    return guarded(function, [&] {
        live(handle);
        require_pointer(to, "count");
        *to = static_cast<int>(algorithms(direction).size());
    });
}

cudnnStatus_t query(const char *function, Direction direction, cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                    cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t y,
                    bool timed, int requested, int *returned, cudnnAlgoPerf_t *to) {
    return guarded(function, [&] {
        live(handle);
        give(performances(direction, Convolution(x, w, convolution, y), timed), requested, returned, to);
    });
}

// cuDNN's search overwrites the caller's result with arbitrary values: here with NaN.
struct ScribbleJob {
    const char *function;
    Operand x, w, y;
    Direction direction;
    int run() const {
        if (int error = x.check(function, "input", direction != Direction::backward_data)) return error;
        if (int error = w.check(function, "filter", direction != Direction::backward_filter)) return error;
        if (int error = y.check(function, "output", direction != Direction::forward)) return error;
        const Operand &result = direction == Direction::forward         ? y
                                : direction == Direction::backward_data ? x
                                                                        : w;
        result.write(std::vector<double>(result.layout.count(), NAN));
        return 0;
    }
};

cudnnStatus_t search(const char *function, Direction direction, cudnnHandle_t handle,
                     cudnnTensorDescriptor_t x_descriptor, const void *x, cudnnFilterDescriptor_t w_descriptor,
                     const void *w, cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t y_descriptor,
                     const void *y, int requested, int *returned, cudnnAlgoPerf_t *to, void *workspace,
                     size_t workspace_bytes) {
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        const Convolution c(x_descriptor, w_descriptor, convolution, y_descriptor);
        if (workspace_bytes > 0) require_pointer(workspace, "workspace");
        const ScribbleJob job{function, operand(c.x, x, "input"), operand(c.w, w, "filter"), operand(c.y, y, "output"),
                              direction};
        std::vector<cudnnAlgoPerf_t> list = performances(direction, c, true);
        for (cudnnAlgoPerf_t &p : list)
            if (p.memory > workspace_bytes) p.status = CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED, p.time = -1;
        std::stable_partition(list.begin(), list.end(),
                              [](const cudnnAlgoPerf_t &p) { return p.status == CUDNN_STATUS_SUCCESS; });
        give(list, requested, returned, to);
        launch(context, function, job);
    });
}

cudnnStatus_t workspace_size(const char *function, Direction direction, cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                             cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t convolution,
                             cudnnTensorDescriptor_t y, int number, size_t *bytes) {
    return guarded(function, [&] {
        live(handle);
        require_pointer(bytes, "size");
        const Convolution c(x, w, convolution, y);
        *bytes = algorithm(direction, number, c).workspace_bytes(c);
    });
}

// All three directions, named as in forward: `x` is the input of forward, or its gradient.
ConvolutionJob job(const char *function, Direction direction, const cudnnTensorStruct *x_descriptor, const void *x,
                   const cudnnFilterStruct *w_descriptor, const void *w, const cudnnConvolutionStruct *descriptor,
                   const cudnnTensorStruct *y_descriptor, const void *y, int number, void *workspace_address,
                   size_t workspace_bytes) {
    const Convolution c(x_descriptor, w_descriptor, descriptor, y_descriptor);
    const Algorithm &a = algorithm(direction, number, c);
    ConvolutionJob job{function, direction, c, operand(c.x, x, "input"), operand(c.w, w, "filter"),
                       operand(c.y, y, "output"), workspace(workspace_address, workspace_bytes, a, c), {1, 0}, {}};
    const Operand *const operands[] = {&job.x, &job.w, &job.y};
    if (!a.fits_tensor_cores(c)) {
        job.convolution.rounding = Rounding::exact;
    } else if (c.nhwc_filter && (c.math == CUDNN_TENSOR_OP_MATH || c.math == CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION)) {
        for (const Operand *o : operands)
            supported(o->address % TENSOR_VECTOR_BYTES == 0,
                      "tensor cores and filters in NHWC format need arrays aligned to 16 bytes");
    }
    const Operand *const result = direction == Direction::forward         ? &job.y
                                  : direction == Direction::backward_data ? &job.x
                                                                          : &job.w;
    require_writable(*result, "the result");
    Operand scratch{job.workspace.address, Strided{}};
    scratch.layout.append((workspace_bytes + 3) / 4, 1);
    for (const Operand *o : operands) {
        if (o != result) require_apart(*o, *result, "an operand and the result");
        if (workspace_bytes > 0) require_apart(*o, scratch, "an operand and the workspace");
    }
    return job;
}

cudnnStatus_t convolve(const char *function, Direction direction, cudnnHandle_t handle, const void *alpha,
                       const void *beta, const cudnnTensorStruct *x_descriptor, const void *x,
                       const cudnnFilterStruct *w_descriptor, const void *w, const cudnnConvolutionStruct *descriptor,
                       const cudnnTensorStruct *y_descriptor, const void *y, int number, void *workspace,
                       size_t bytes) {
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        ConvolutionJob j = job(function, direction, x_descriptor, x, w_descriptor, w, descriptor, y_descriptor, y,
                               number, workspace, bytes);
        j.blend = blend(alpha, beta, j.convolution.x.type);
        launch(context, function, j);
    });
}

}  // namespace

CUDNN_API cudnnStatus_t cudnnGetConvolutionNdForwardOutputDim(const cudnnConvolutionDescriptor_t convolution,
                                                              const cudnnTensorDescriptor_t x,
                                                              const cudnnFilterDescriptor_t w, int rank, int *dims) {
    return guarded(__func__, [&] {
        const Convolution c(x, w, convolution);
        require_pointer(dims, "dimensions");
        require(rank == c.rank + 2, "the number of dimensions asked for is not the input's");
        dims[0] = static_cast<int>(c.n);
        dims[1] = static_cast<int>(c.k * c.groups);
        for (int i = 0; i < c.rank; ++i) dims[2 + i] = static_cast<int>(c.axes[i].out);
    });
}

CUDNN_API cudnnStatus_t cudnnGetConvolution2dForwardOutputDim(const cudnnConvolutionDescriptor_t convolution,
                                                              const cudnnTensorDescriptor_t x,
                                                              const cudnnFilterDescriptor_t w, int *n, int *c, int *h,
                                                              int *out_w) {
    return guarded(__func__, [&] {
        const Convolution sizes(x, w, convolution);
        require(sizes.rank == 2, "the convolution does not have 2 dimensions");
        const int64_t dims[] = {sizes.n, sizes.k * sizes.groups, sizes.axes[0].out, sizes.axes[1].out};
        int *const to[] = {n, c, h, out_w};
        for (int i = 0; i < 4; ++i) {
            require_pointer(to[i], "dimension");
            *to[i] = static_cast<int>(dims[i]);
        }
    });
}

CUDNN_API cudnnStatus_t cudnnGetConvolutionForwardAlgorithmMaxCount(cudnnHandle_t handle, int *to) {
    return count(__func__, handle, Direction::forward, to);
}
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithmMaxCount(cudnnHandle_t handle, int *to) {
    return count(__func__, handle, Direction::backward_data, to);
}
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithmMaxCount(cudnnHandle_t handle, int *to) {
    return count(__func__, handle, Direction::backward_filter, to);
}

CUDNN_API cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnFilterDescriptor_t w,
    const cudnnConvolutionDescriptor_t convolution, const cudnnTensorDescriptor_t y, int requested, int *returned,
    cudnnAlgoPerf_t *to) {
    return query(__func__, Direction::forward, handle, x, w, convolution, y, false, requested, returned, to);
}
CUDNN_API cudnnStatus_t cudnnFindConvolutionForwardAlgorithm(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnFilterDescriptor_t w,
    const cudnnConvolutionDescriptor_t convolution, const cudnnTensorDescriptor_t y, int requested, int *returned,
    cudnnAlgoPerf_t *to) {
    return query(__func__, Direction::forward, handle, x, w, convolution, y, true, requested, returned, to);
}
CUDNN_API cudnnStatus_t cudnnFindConvolutionForwardAlgorithmEx(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x_descriptor, const void *x,
    const cudnnFilterDescriptor_t w_descriptor, const void *w, const cudnnConvolutionDescriptor_t convolution,
    const cudnnTensorDescriptor_t y_descriptor, void *y, int requested, int *returned, cudnnAlgoPerf_t *to,
    void *workspace, size_t bytes) {
    return search(__func__, Direction::forward, handle, x_descriptor, x, w_descriptor, w, convolution, y_descriptor, y,
                  requested, returned, to, workspace, bytes);
}

CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(
    cudnnHandle_t handle, const cudnnFilterDescriptor_t w, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t convolution, const cudnnTensorDescriptor_t dx, int requested, int *returned,
    cudnnAlgoPerf_t *to) {
    return query(__func__, Direction::backward_data, handle, dx, w, convolution, dy, false, requested, returned, to);
}
CUDNN_API cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithm(
    cudnnHandle_t handle, const cudnnFilterDescriptor_t w, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t convolution, const cudnnTensorDescriptor_t dx, int requested, int *returned,
    cudnnAlgoPerf_t *to) {
    return query(__func__, Direction::backward_data, handle, dx, w, convolution, dy, true, requested, returned, to);
}
CUDNN_API cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithmEx(
    cudnnHandle_t handle, const cudnnFilterDescriptor_t w_descriptor, const void *w,
    const cudnnTensorDescriptor_t dy_descriptor, const void *dy, const cudnnConvolutionDescriptor_t convolution,
    const cudnnTensorDescriptor_t dx_descriptor, void *dx, int requested, int *returned, cudnnAlgoPerf_t *to,
    void *workspace, size_t bytes) {
    return search(__func__, Direction::backward_data, handle, dx_descriptor, dx, w_descriptor, w, convolution,
                  dy_descriptor, dy, requested, returned, to, workspace, bytes);
}

CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t convolution, const cudnnFilterDescriptor_t dw, int requested, int *returned,
    cudnnAlgoPerf_t *to) {
    return query(__func__, Direction::backward_filter, handle, x, dw, convolution, dy, false, requested, returned, to);
}
CUDNN_API cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithm(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t convolution, const cudnnFilterDescriptor_t dw, int requested, int *returned,
    cudnnAlgoPerf_t *to) {
    return query(__func__, Direction::backward_filter, handle, x, dw, convolution, dy, true, requested, returned, to);
}
CUDNN_API cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithmEx(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x_descriptor, const void *x,
    const cudnnTensorDescriptor_t dy_descriptor, const void *dy, const cudnnConvolutionDescriptor_t convolution,
    const cudnnFilterDescriptor_t dw_descriptor, void *dw, int requested, int *returned, cudnnAlgoPerf_t *to,
    void *workspace, size_t bytes) {
    return search(__func__, Direction::backward_filter, handle, x_descriptor, x, dw_descriptor, dw, convolution,
                  dy_descriptor, dy, requested, returned, to, workspace, bytes);
}

CUDNN_API cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnFilterDescriptor_t w,
    const cudnnConvolutionDescriptor_t convolution, const cudnnTensorDescriptor_t y, int number, size_t *bytes) {
    return workspace_size(__func__, Direction::forward, handle, x, w, convolution, y, number, bytes);
}
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(
    cudnnHandle_t handle, const cudnnFilterDescriptor_t w, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t convolution, const cudnnTensorDescriptor_t dx, int number, size_t *bytes) {
    return workspace_size(__func__, Direction::backward_data, handle, dx, w, convolution, dy, number, bytes);
}
CUDNN_API cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t convolution, const cudnnFilterDescriptor_t dw, int number, size_t *bytes) {
    return workspace_size(__func__, Direction::backward_filter, handle, x, dw, convolution, dy, number, bytes);
}

CUDNN_API cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha,
                                                const cudnnTensorDescriptor_t x_descriptor, const void *x,
                                                const cudnnFilterDescriptor_t w_descriptor, const void *w,
                                                const cudnnConvolutionDescriptor_t convolution, int algorithm,
                                                void *workspace, size_t bytes, const void *beta,
                                                const cudnnTensorDescriptor_t y_descriptor, void *y) {
    return convolve(__func__, Direction::forward, handle, alpha, beta, x_descriptor, x, w_descriptor, w, convolution,
                    y_descriptor, y, algorithm, workspace, bytes);
}

CUDNN_API cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void *alpha,
                                                     const cudnnFilterDescriptor_t w_descriptor, const void *w,
                                                     const cudnnTensorDescriptor_t dy_descriptor, const void *dy,
                                                     const cudnnConvolutionDescriptor_t convolution, int algorithm,
                                                     void *workspace, size_t bytes, const void *beta,
                                                     const cudnnTensorDescriptor_t dx_descriptor, void *dx) {
    return convolve(__func__, Direction::backward_data, handle, alpha, beta, dx_descriptor, dx, w_descriptor, w,
                    convolution, dy_descriptor, dy, algorithm, workspace, bytes);
}

CUDNN_API cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void *alpha,
                                                       const cudnnTensorDescriptor_t x_descriptor, const void *x,
                                                       const cudnnTensorDescriptor_t dy_descriptor, const void *dy,
                                                       const cudnnConvolutionDescriptor_t convolution, int algorithm,
                                                       void *workspace, size_t bytes, const void *beta,
                                                       const cudnnFilterDescriptor_t dw_descriptor, void *dw) {
    return convolve(__func__, Direction::backward_filter, handle, alpha, beta, x_descriptor, x, dw_descriptor, dw,
                    convolution, dy_descriptor, dy, algorithm, workspace, bytes);
}

CUDNN_API cudnnStatus_t cudnnConvolutionBiasActivationForward(
    cudnnHandle_t handle, const void *alpha1, const cudnnTensorDescriptor_t x_descriptor, const void *x,
    const cudnnFilterDescriptor_t w_descriptor, const void *w, const cudnnConvolutionDescriptor_t convolution,
    int algorithm, void *workspace, size_t bytes, const void *alpha2, const cudnnTensorDescriptor_t z_descriptor,
    const void *z, const cudnnTensorDescriptor_t bias_descriptor, const void *bias,
    const cudnnActivationDescriptor_t activation, const cudnnTensorDescriptor_t y_descriptor, void *y) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        ConvolutionJob j = job(function, Direction::forward, x_descriptor, x, w_descriptor, w, convolution,
                               y_descriptor, y, algorithm, workspace, bytes);
        const Number type = j.convolution.x.type;
        j.blend.alpha = factor(alpha1, type, "alpha1");

        const cudnnActivationStruct &act = live(activation, "activation descriptor");
        require(act.set, "the activation descriptor was created and never set");
        supported(act.mode == CUDNN_ACTIVATION_RELU || act.mode == CUDNN_ACTIVATION_IDENTITY,
                  "the activation can only be RELU or IDENTITY");
        supported(
            act.mode != CUDNN_ACTIVATION_IDENTITY || algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
            "the activation IDENTITY is for CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM only");

        ConvolutionJob::Epilogue &e = j.epilogue;
        e = {true, act.mode == CUDNN_ACTIVATION_RELU, act.nan == CUDNN_PROPAGATE_NAN, factor(alpha2, type, "alpha2"),
             operand(z_descriptor, z, "z"), operand(bias_descriptor, bias, "bias")};
        require_same_shape(e.z, j.y, "z and the output");
        require_same_type(e.z, j.y, "z and the output");
        require(std::equal(e.z.layout.strides, e.z.layout.strides + e.z.layout.rank, j.y.layout.strides),
                "z and the output have different strides");
        require(e.z.address == j.y.address || !e.z.overlaps(j.y), "z and the output overlap without being the same");
        require_same_type(e.bias, j.y, "the bias and the output");
        require(e.bias.layout.rank == j.y.layout.rank && e.bias.layout.dims[1] == j.y.layout.dims[1] &&
                    e.bias.layout.count() == j.y.layout.dims[1],
                "the bias is not one number for each channel of the output", CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
        require_apart(e.bias, j.y, "the bias and the output");
        launch(context, function, j);
    });
}
