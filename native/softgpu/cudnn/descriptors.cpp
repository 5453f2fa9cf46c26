// Descriptors of tensors, filters, convolutions and activations.

#include <algorithm>
#include <climits>

#include "cudnn/api.h"

using namespace softgpu;
using namespace softgpu::cudnn;

namespace {

void require_dims(const int *dims, int rank) {
    require_pointer(dims, "dimensions");
    int64_t count = 1;
    for (int i = 0; i < rank; ++i) {
        require(dims[i] > 0, "dimension " + std::to_string(i) + " is " + std::to_string(dims[i]));
        supported(count <= INT_MAX / dims[i], "more than 2^31 elements", CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
        count *= dims[i];
    }
}

void require_format(cudnnTensorFormat_t format) {
    require(format >= CUDNN_TENSOR_NCHW && format <= CUDNN_TENSOR_NCHW_VECT_C, "there is no such tensor format");
    supported(format != CUDNN_TENSOR_NCHW_VECT_C, "CUDNN_TENSOR_NCHW_VECT_C is for 8-bit integers only");
}

void set_tensor(cudnnTensorDescriptor_t descriptor, cudnnDataType_t type, int rank, const int *dims,
                const int *strides) {
    cudnnTensorStruct &tensor = live(descriptor, "descriptor");
    number(type);
    require_dims(dims, rank);
    require_pointer(strides, "strides");
    cudnnTensorStruct set{type, rank};
    std::copy_n(dims, rank, set.dims);
    std::copy_n(strides, rank, set.strides);
    for (int i = 0; i < rank; ++i)
        require(strides[i] > 0, "stride " + std::to_string(i) + " is " + std::to_string(strides[i]));
    supported(layout(set).end_byte() / size(number(type)) <= INT_MAX, "strides reach over 2^31 elements",
              CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
    tensor = set;
}

// Packed strides, in the axis order of the format.
void set_tensor(cudnnTensorDescriptor_t descriptor, cudnnTensorFormat_t format, cudnnDataType_t type, int rank,
                const int *dims) {
    require_format(format);
    require_dims(dims, rank);
    cudnnFilterStruct shape{type, format, rank, {}};
    std::copy_n(dims, rank, shape.dims);
    const Strided s = layout(shape);
    int strides[CUDNN_DIM_MAX];
    std::copy_n(s.strides, rank, strides);
    set_tensor(descriptor, type, rank, dims, strides);
}

void set_filter(cudnnFilterDescriptor_t descriptor, cudnnDataType_t type, cudnnTensorFormat_t format, int rank,
                const int *dims) {
    cudnnFilterStruct &filter = live(descriptor, "descriptor");
    number(type);
    require_format(format);
    require_dims(dims, rank);
    cudnnFilterStruct set{type, format, rank, {}};
    std::copy_n(dims, rank, set.dims);
    filter = set;
}

void set_convolution(cudnnConvolutionDescriptor_t descriptor, int rank, const int *pad, const int *stride,
                     const int *dilation, cudnnConvolutionMode_t mode, cudnnDataType_t compute) {
    cudnnConvolutionStruct &convolution = live(descriptor, "descriptor");
    require_pointer(pad, "padding");
    require_pointer(stride, "stride");
    require_pointer(dilation, "dilation");
    require(mode == CUDNN_CONVOLUTION || mode == CUDNN_CROSS_CORRELATION, "there is no such convolution mode");
    number(compute);
    for (int i = 0; i < rank; ++i) {
        require(pad[i] >= 0, "padding is negative");
        require(stride[i] > 0, "stride is not positive");
        require(dilation[i] > 0, "dilation is not positive");
    }
    convolution.mode = mode;
    convolution.compute = compute;
    convolution.rank = rank;
    std::copy_n(pad, rank, convolution.pad);
    std::copy_n(stride, rank, convolution.stride);
    std::copy_n(dilation, rank, convolution.dilation);
}

// Helpers for the results of the Get functions.
template <class T, class V> void give(T *to, V value, const char *what) {
    require_pointer(to, what);
    *to = static_cast<T>(value);
}
void give(int *to, const int *values, int count, const char *what) {
    require_pointer(to, what);
    std::copy_n(values, count, to);
}

}  // namespace

CUDNN_API cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t *descriptor) {
    return create(__func__, descriptor);
}
CUDNN_API cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor) {
    return destroy(__func__, descriptor);
}

CUDNN_API cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t descriptor, cudnnTensorFormat_t format,
                                                   cudnnDataType_t type, int n, int c, int h, int w) {
    return guarded(__func__, [&] {
        const int dims[] = {n, c, h, w};
        set_tensor(descriptor, format, type, 4, dims);
    });
}

CUDNN_API cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t descriptor, cudnnDataType_t type, int n,
                                                     int c, int h, int w, int n_stride, int c_stride, int h_stride,
                                                     int w_stride) {
    return guarded(__func__, [&] {
        const int dims[] = {n, c, h, w}, strides[] = {n_stride, c_stride, h_stride, w_stride};
        set_tensor(descriptor, type, 4, dims, strides);
    });
}

CUDNN_API cudnnStatus_t cudnnGetTensor4dDescriptor(cudnnTensorDescriptor_t descriptor, cudnnDataType_t *type, int *n,
                                                   int *c, int *h, int *w, int *n_stride, int *c_stride, int *h_stride,
                                                   int *w_stride) {
    return guarded(__func__, [&] {
        const cudnnTensorStruct &tensor = ready(descriptor, "descriptor");
        require(tensor.rank == 4, "the tensor does not have 4 dimensions");
        give(type, tensor.type, "data type");
        int *const dims[] = {n, c, h, w}, *const strides[] = {n_stride, c_stride, h_stride, w_stride};
        for (int i = 0; i < 4; ++i) {
            give(dims[i], tensor.dims[i], "dimension");
            give(strides[i], tensor.strides[i], "stride");
        }
    });
}

CUDNN_API cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t descriptor, cudnnDataType_t type, int rank,
                                                   const int *dims, const int *strides) {
    return guarded(__func__, [&] {
        supported(rank >= 3 && rank <= CUDNN_DIM_MAX, "tensors have 3 to 8 dimensions");
        set_tensor(descriptor, type, rank, dims, strides);
    });
}

CUDNN_API cudnnStatus_t cudnnSetTensorNdDescriptorEx(cudnnTensorDescriptor_t descriptor, cudnnTensorFormat_t format,
                                                     cudnnDataType_t type, int rank, const int *dims) {
    return guarded(__func__, [&] {
        supported(rank >= 3 && rank <= CUDNN_DIM_MAX, "tensors have 3 to 8 dimensions");
        set_tensor(descriptor, format, type, rank, dims);
    });
}

CUDNN_API cudnnStatus_t cudnnGetTensorNdDescriptor(cudnnTensorDescriptor_t descriptor, int requested,
                                                   cudnnDataType_t *type, int *rank, int *dims, int *strides) {
    return guarded(__func__, [&] {
        const cudnnTensorStruct &tensor = ready(descriptor, "descriptor");
        require(requested > 0 && requested <= CUDNN_DIM_MAX, "requested number of dimensions is not 1 to 8");
        give(type, tensor.type, "data type");
        give(rank, tensor.rank, "number of dimensions");
        give(dims, tensor.dims, std::min(requested, tensor.rank), "dimensions");
        give(strides, tensor.strides, std::min(requested, tensor.rank), "strides");
    });
}

CUDNN_API cudnnStatus_t cudnnGetTensorSizeInBytes(cudnnTensorDescriptor_t descriptor, size_t *bytes) {
    return guarded(__func__, [&] { give(bytes, layout(ready(descriptor, "descriptor")).end_byte(), "size"); });
}

CUDNN_API cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t *descriptor) {
    return create(__func__, descriptor);
}
CUDNN_API cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t descriptor) {
    return destroy(__func__, descriptor);
}

CUDNN_API cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t descriptor, cudnnDataType_t type,
                                                   cudnnTensorFormat_t format, int k, int c, int h, int w) {
    return guarded(__func__, [&] {
        const int dims[] = {k, c, h, w};
        set_filter(descriptor, type, format, 4, dims);
    });
}

CUDNN_API cudnnStatus_t cudnnGetFilter4dDescriptor(cudnnFilterDescriptor_t descriptor, cudnnDataType_t *type,
                                                   cudnnTensorFormat_t *format, int *k, int *c, int *h, int *w) {
    return guarded(__func__, [&] {
        const cudnnFilterStruct &filter = ready(descriptor, "descriptor");
        require(filter.rank == 4, "the filter does not have 4 dimensions");
        give(type, filter.type, "data type");
        give(format, filter.format, "format");
        int *const dims[] = {k, c, h, w};
        for (int i = 0; i < 4; ++i) give(dims[i], filter.dims[i], "dimension");
    });
}

CUDNN_API cudnnStatus_t cudnnSetFilterNdDescriptor(cudnnFilterDescriptor_t descriptor, cudnnDataType_t type,
                                                   cudnnTensorFormat_t format, int rank, const int *dims) {
    return guarded(__func__, [&] {
        supported(rank >= 3 && rank <= CUDNN_DIM_MAX, "filters have 3 to 8 dimensions");
        set_filter(descriptor, type, format, rank, dims);
    });
}

CUDNN_API cudnnStatus_t cudnnGetFilterNdDescriptor(cudnnFilterDescriptor_t descriptor, int requested,
                                                   cudnnDataType_t *type, cudnnTensorFormat_t *format, int *rank,
                                                   int *dims) {
    return guarded(__func__, [&] {
        const cudnnFilterStruct &filter = ready(descriptor, "descriptor");
        require(requested > 0 && requested <= CUDNN_DIM_MAX, "requested number of dimensions is not 1 to 8");
        give(type, filter.type, "data type");
        give(format, filter.format, "format");
        give(rank, filter.rank, "number of dimensions");
        give(dims, filter.dims, std::min(requested, filter.rank), "dimensions");
    });
}

CUDNN_API cudnnStatus_t cudnnGetFilterSizeInBytes(cudnnFilterDescriptor_t descriptor, size_t *bytes) {
    return guarded(__func__, [&] { give(bytes, layout(ready(descriptor, "descriptor")).end_byte(), "size"); });
}

CUDNN_API cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t *descriptor) {
    return create(__func__, descriptor);
}
CUDNN_API cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t descriptor) {
    return destroy(__func__, descriptor);
}

CUDNN_API cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t descriptor, int pad_h, int pad_w,
                                                        int stride_h, int stride_w, int dilation_h, int dilation_w,
                                                        cudnnConvolutionMode_t mode, cudnnDataType_t compute) {
    return guarded(__func__, [&] {
        const int pad[] = {pad_h, pad_w}, stride[] = {stride_h, stride_w}, dilation[] = {dilation_h, dilation_w};
        set_convolution(descriptor, 2, pad, stride, dilation, mode, compute);
    });
}

CUDNN_API cudnnStatus_t cudnnGetConvolution2dDescriptor(cudnnConvolutionDescriptor_t descriptor, int *pad_h, int *pad_w,
                                                        int *stride_h, int *stride_w, int *dilation_h, int *dilation_w,
                                                        cudnnConvolutionMode_t *mode, cudnnDataType_t *compute) {
    return guarded(__func__, [&] {
        const cudnnConvolutionStruct &c = ready(descriptor, "descriptor");
        require(c.rank == 2, "the convolution does not have 2 dimensions");
        int *const pad[] = {pad_h, pad_w}, *const stride[] = {stride_h, stride_w};
        int *const dilation[] = {dilation_h, dilation_w};
        for (int i = 0; i < 2; ++i) {
            give(pad[i], c.pad[i], "padding");
            give(stride[i], c.stride[i], "stride");
            give(dilation[i], c.dilation[i], "dilation");
        }
        give(mode, c.mode, "mode");
        give(compute, c.compute, "compute type");
    });
}

CUDNN_API cudnnStatus_t cudnnSetConvolutionNdDescriptor(cudnnConvolutionDescriptor_t descriptor, int rank,
                                                        const int *pad, const int *stride, const int *dilation,
                                                        cudnnConvolutionMode_t mode, cudnnDataType_t compute) {
    return guarded(__func__, [&] {
        require(rank > 0, "the number of dimensions is not positive");
        supported(rank <= CUDNN_DIM_MAX - 2, "convolutions have no more than 6 dimensions");
        set_convolution(descriptor, rank, pad, stride, dilation, mode, compute);
    });
}

CUDNN_API cudnnStatus_t cudnnGetConvolutionNdDescriptor(cudnnConvolutionDescriptor_t descriptor, int requested,
                                                        int *rank, int *pad, int *stride, int *dilation,
                                                        cudnnConvolutionMode_t *mode, cudnnDataType_t *compute) {
    return guarded(__func__, [&] {
        const cudnnConvolutionStruct &c = ready(descriptor, "descriptor");
        require(requested >= 0, "requested number of dimensions is negative");
        supported(requested <= CUDNN_DIM_MAX - 2, "convolutions have no more than 6 dimensions");
        const int count = std::min(requested, c.rank);
        give(rank, c.rank, "number of dimensions");
        give(pad, c.pad, count, "padding");
        give(stride, c.stride, count, "stride");
        give(dilation, c.dilation, count, "dilation");
        give(mode, c.mode, "mode");
        give(compute, c.compute, "compute type");
    });
}

CUDNN_API cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t descriptor, int groups) {
    return guarded(__func__, [&] {
        require(groups > 0, "the group count is not positive");
        live(descriptor, "descriptor").groups = groups;
    });
}
CUDNN_API cudnnStatus_t cudnnGetConvolutionGroupCount(cudnnConvolutionDescriptor_t descriptor, int *groups) {
    return guarded(__func__, [&] { give(groups, live(descriptor, "descriptor").groups, "group count"); });
}

CUDNN_API cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t descriptor, cudnnMathType_t math) {
    return guarded(__func__, [&] {
        require(math >= CUDNN_DEFAULT_MATH && math <= CUDNN_FMA_MATH, "there is no such math type");
        live(descriptor, "descriptor").math = math;
    });
}
CUDNN_API cudnnStatus_t cudnnGetConvolutionMathType(cudnnConvolutionDescriptor_t descriptor, cudnnMathType_t *math) {
    return guarded(__func__, [&] { give(math, live(descriptor, "descriptor").math, "math type"); });
}

CUDNN_API cudnnStatus_t cudnnSetConvolutionReorderType(cudnnConvolutionDescriptor_t descriptor,
                                                       cudnnReorderType_t reorder) {
    return guarded(__func__, [&] {
        require(reorder == CUDNN_DEFAULT_REORDER || reorder == CUDNN_NO_REORDER, "there is no such reorder type");
        live(descriptor, "descriptor").reorder = reorder;
    });
}
CUDNN_API cudnnStatus_t cudnnGetConvolutionReorderType(cudnnConvolutionDescriptor_t descriptor,
                                                       cudnnReorderType_t *reorder) {
    return guarded(__func__, [&] { give(reorder, live(descriptor, "descriptor").reorder, "reorder type"); });
}

CUDNN_API cudnnStatus_t cudnnCreateActivationDescriptor(cudnnActivationDescriptor_t *descriptor) {
    return create(__func__, descriptor);
}
CUDNN_API cudnnStatus_t cudnnDestroyActivationDescriptor(cudnnActivationDescriptor_t descriptor) {
    return destroy(__func__, descriptor);
}

CUDNN_API cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t descriptor, cudnnActivationMode_t mode,
                                                     cudnnNanPropagation_t nan, double coefficient) {
    return guarded(__func__, [&] {
        cudnnActivationStruct &activation = live(descriptor, "descriptor");
        require(mode >= CUDNN_ACTIVATION_SIGMOID && mode <= CUDNN_ACTIVATION_SWISH, "there is no such activation");
        require(nan == CUDNN_NOT_PROPAGATE_NAN || nan == CUDNN_PROPAGATE_NAN, "there is no such NaN propagation");
        activation.set = true;
        activation.mode = mode;
        activation.nan = nan;
        activation.coefficient = coefficient;
    });
}

CUDNN_API cudnnStatus_t cudnnGetActivationDescriptor(cudnnActivationDescriptor_t descriptor,
                                                     cudnnActivationMode_t *mode, cudnnNanPropagation_t *nan,
                                                     double *coefficient) {
    return guarded(__func__, [&] {
        const cudnnActivationStruct &activation = live(descriptor, "descriptor");
        require(activation.set, "the descriptor was created and never set");
        give(mode, activation.mode, "mode");
        give(nan, activation.nan, "NaN propagation");
        give(coefficient, activation.coefficient, "coefficient");
    });
}

CUDNN_API cudnnStatus_t cudnnSetActivationDescriptorSwishBeta(cudnnActivationDescriptor_t descriptor, double beta) {
    return guarded(__func__, [&] { live(descriptor, "descriptor").swish_beta = beta; });
}
CUDNN_API cudnnStatus_t cudnnGetActivationDescriptorSwishBeta(cudnnActivationDescriptor_t descriptor, double *beta) {
    return guarded(__func__, [&] { give(beta, live(descriptor, "descriptor").swish_beta, "swish beta"); });
}
