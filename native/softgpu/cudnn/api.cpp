#include "cudnn/api.h"

namespace softgpu::cudnn {

Number number(cudnnDataType_t type) {
    switch (type) {
        case CUDNN_DATA_FLOAT: return Number::f32;
        case CUDNN_DATA_DOUBLE: return Number::f64;
        case CUDNN_DATA_HALF: return Number::f16;
        case CUDNN_DATA_BFLOAT16: return Number::bf16;
    }
    constexpr int TYPES = 15;   // indexed by cudnnDataType_t, including the integers and the 8-bit floats
    const std::string text = "data type " + std::to_string(type);
    require(type >= 0 && type < TYPES, text + " does not exist");
    throw Refusal{CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, text + " is not provided"};
}

Strided layout(const cudnnTensorStruct &tensor) {
    Strided s{number(tensor.type)};
    for (int i = 0; i < tensor.rank; ++i) s.append(tensor.dims[i], tensor.strides[i]);
    return s;
}

Strided layout(const cudnnFilterStruct &filter) {
    Strided s{number(filter.type)};
    for (int i = 0; i < filter.rank; ++i) s.append(filter.dims[i], 0);
    int64_t stride = 1;
    const auto pack = [&](int axis) {
        s.strides[axis] = stride;
        stride *= filter.dims[axis];
    };
    if (filter.format == CUDNN_TENSOR_NHWC) pack(1);            // K R S C
    for (int i = filter.rank - 1; i >= 2; --i) pack(i);
    if (filter.format == CUDNN_TENSOR_NCHW) pack(1);            // K C R S
    pack(0);
    return s;
}

Operand operand(const Strided &layout, const void *address, const char *what) {
    require_pointer(address, what);
    const Operand o{reinterpret_cast<uint64_t>(address), layout};
    require(o.address % size(layout.type) == 0, std::string(what) + " is not aligned to its elements' size",
            CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
    return o;
}

void require_writable(const Operand &operand, const char *what) {
    supported(!operand.layout.overlaps_itself(), std::string(what) + " has strides that put two elements at one place",
              CUDNN_STATUS_NOT_SUPPORTED_LAYOUT);
}

void require_apart(const Operand &a, const Operand &b, const char *what) {
    require(!a.overlaps(b), std::string(what) + " overlap in memory");
}

void require_same_shape(const Operand &a, const Operand &b, const char *what) {
    require(a.layout.same_dims(b.layout), std::string(what) + " have different dimensions",
            CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
}

void require_same_type(const Operand &a, const Operand &b, const char *what) {
    require(a.layout.type == b.layout.type, std::string(what) + " have different data types");
}

double factor(const void *pointer, Number type, const char *what) {
    require_pointer(pointer, what);
    if (type == Number::f64) return *static_cast<const double *>(pointer);
    return *static_cast<const float *>(pointer);
}

}  // namespace softgpu::cudnn
