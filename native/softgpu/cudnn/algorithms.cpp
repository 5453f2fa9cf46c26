// Which algorithms support which convolutions: the tables in cuDNN's documentation of cudnnConvolutionForward,
// cudnnConvolutionBackwardData and cudnnConvolutionBackwardFilter.

#include "cudnn/convolution.h"

namespace softgpu::cudnn {

const std::vector<Algorithm> &algorithms(Direction direction) {
    using enum Algorithm::Family;
    using W = Algorithm::Workspace;
    using enum Algorithm::Ability;
    constexpr auto det = CUDNN_DETERMINISTIC, non = CUDNN_NON_DETERMINISTIC;
    constexpr int everything = DILATION | VOLUMES | NHWC_FILTER | DOUBLE | BFLOAT16 | TENSOR_CORES;
    static const std::vector<Algorithm> forward = {
        {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, gemm, W::indices, det, everything},
        {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, gemm, W::none, det, DILATION | VOLUMES | NHWC_FILTER | DOUBLE},
        {CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED, winograd_nonfused, W::transforms, det, BFLOAT16 | TENSOR_CORES},
        {CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, winograd, W::none, det, 0},
        {CUDNN_CONVOLUTION_FWD_ALGO_GEMM, gemm, W::columns, det, DOUBLE},
        {CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING, fft_tiling, W::transforms, det, VOLUMES | DOUBLE},
        {CUDNN_CONVOLUTION_FWD_ALGO_FFT, fft, W::transforms, det, 0},
        {CUDNN_CONVOLUTION_FWD_ALGO_DIRECT, none, W::none, det, 0},
    };
    static const std::vector<Algorithm> backward_data = {
        {CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, gemm, W::indices, det, everything},
        {CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, gemm, W::none, non, DILATION | VOLUMES | NHWC_FILTER | DOUBLE},
        {CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED, winograd_nonfused, W::transforms, det,
         BFLOAT16 | TENSOR_CORES},
        {CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD, winograd, W::none, det, 0},
        {CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING, fft_tiling, W::transforms, det, VOLUMES | DOUBLE},
        {CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT, fft, W::transforms, det, 0},
    };
    static const std::vector<Algorithm> backward_filter = {
        {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, gemm, W::indices, det, everything},
        {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, gemm, W::none, non, DILATION | VOLUMES | NHWC_FILTER | DOUBLE},
        {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3, gemm, W::columns, non, VOLUMES | DOUBLE},
        {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED, winograd_nonfused, W::transforms, det,
         BFLOAT16 | TENSOR_CORES},
        {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING, fft_tiling, W::transforms, det, DOUBLE},
        {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, fft, W::transforms, det, 0},
        {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD, none, W::none, det, 0},
    };
    return direction == Direction::forward         ? forward
           : direction == Direction::backward_data ? backward_data
                                                   : backward_filter;
}

namespace {

bool spatially_packed(const Strided &s) {
    int64_t stride = 1;
    for (int i = s.rank - 1; i >= 2; stride *= s.dims[i--])
        if (s.dims[i] > 1 && s.strides[i] != stride) return false;
    return true;
}

// Channels fastest, then the last axis up to the first spatial one; packed, except for the stride between images.
bool channels_last_packed(const Strided &s) {
    if (s.dims[1] > 1 && s.strides[1] != 1) return false;
    int64_t stride = s.dims[1];
    for (int i = s.rank - 1; i >= 2; stride *= s.dims[i--])
        if (s.dims[i] > 1 && s.strides[i] != stride) return false;
    return true;
}

}  // namespace

const char *Algorithm::unable(const Convolution &c) const {
    const auto every_axis = [&](auto condition) {
        for (int i = 0; i < c.rank; ++i)
            if (!condition(c.axes[i])) return false;
        return true;
    };
    using Axis = Convolution::Axis;
    if (family == Family::none) return "cuDNN never implemented it";
    if (c.rank == 3 && !(abilities & VOLUMES)) return "it is for 4-dimensional tensors";
    if (c.x.type == Number::f64 && !(abilities & DOUBLE)) return "it is not for doubles";
    if (c.x.type == Number::bf16 && !(abilities & BFLOAT16)) return "it is not for bfloat16";
    if (c.nhwc_filter && !(abilities & NHWC_FILTER)) return "it is not for filters in NHWC format";
    if (c.nhwc_filter && !(channels_last_packed(c.x) && channels_last_packed(c.y)))
        return "filters in NHWC format need tensors in NHWC format, packed but for the images";
    if (!(abilities & DILATION) && !every_axis([](const Axis &a) { return a.dilation == 1; }))
        return "it does not dilate";
    if (family == Family::gemm) return nullptr;
    if (!every_axis([](const Axis &a) { return a.stride == 1; })) return "it is for stride 1";
    if (family == Family::winograd && !every_axis([](const Axis &a) { return a.window == 3; }))
        return "it is for windows of 3x3";
    if (family == Family::winograd_nonfused && !every_axis([](const Axis &a) { return a.window == 3; }) &&
        !every_axis([](const Axis &a) { return a.window == 5; }))
        return "it is for windows of 3x3 and 5x5";
    if (family == Family::winograd || family == Family::winograd_nonfused) return nullptr;
    if (!spatially_packed(c.x) || !spatially_packed(c.y))
        return "it is for tensors in NCHW format, packed within a channel";
    if (!every_axis([](const Axis &a) { return a.window > a.pad; })) return "it is for windows longer than the padding";
    if (family == Family::fft && !every_axis([](const Axis &a) { return a.in + 2 * a.pad <= 256; }))
        return "it is for at most 256 elements of a spatial dimension with its padding";
    if (family == Family::fft_tiling && !every_axis([](const Axis &a) { return a.window <= 32; }))
        return "it is for windows of at most 32";
    return nullptr;
}

// The documentation's "Legacy API" lists the algorithms. With filters in NHWC it wants channels in whole vectors of 16
// bytes, 8 halves; in NCHW cuDNN pads them itself.
bool Algorithm::fits_tensor_cores(const Convolution &c) const {
    if (!(abilities & TENSOR_CORES) || c.x.type == Number::f64) return false;
    const int64_t vector = TENSOR_VECTOR_BYTES / size(c.x.type);
    return !c.nhwc_filter || (c.c % vector == 0 && c.k % vector == 0);
}

cudnnMathType_t Algorithm::math(const Convolution &c) const {
    if (c.math == CUDNN_FMA_MATH || fits_tensor_cores(c)) return c.math;
    return CUDNN_DEFAULT_MATH;
}

size_t Algorithm::workspace_bytes(const Convolution &c) const {
    constexpr size_t ALIGN = 256;
    size_t bytes = 0;
    switch (workspace) {
        case Workspace::none: break;
        case Workspace::indices: bytes = 4 * c.taps() * c.outputs(); break;
        case Workspace::columns: bytes = size(c.x.type) * c.c * c.groups * c.taps() * c.outputs(); break;
        case Workspace::transforms: bytes = 4 * (c.x.count() + c.w.count() + c.y.count()); break;
    }
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

const Algorithm &algorithm(Direction direction, int number, const Convolution &convolution) {
    for (const Algorithm &a : algorithms(direction)) {
        if (a.number != number) continue;
        const char *why = a.unable(convolution);
        supported(why == nullptr, "algorithm " + std::to_string(number) + ": " + (why ? why : ""));
        return a;
    }
    throw Refusal{CUDNN_STATUS_BAD_PARAM, "there is no algorithm " + std::to_string(number)};
}

Workspace workspace(void *address, size_t bytes, const Algorithm &algorithm, const Convolution &convolution) {
    const size_t needed = algorithm.workspace_bytes(convolution);
    require(bytes >= needed, "algorithm " + std::to_string(algorithm.number) + " needs a workspace of " +
                                 std::to_string(needed) + " bytes, it got " + std::to_string(bytes),
            CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
    if (bytes > 0) require_pointer(address, "workspace");
    constexpr uint64_t ALIGN = 16;
    const uint64_t at = reinterpret_cast<uint64_t>(address);
    require(bytes == 0 || at % ALIGN == 0, "the workspace is not aligned to 16 bytes",
            CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
    return {at, bytes, needed};
}

}  // namespace softgpu::cudnn
