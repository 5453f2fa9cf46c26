// Convolutions: their sizes, the algorithms that support them, and their execution.
#pragma once

#include <vector>

#include "cudnn/api.h"

namespace softgpu::cudnn {

enum class Direction : uint8_t { forward, backward_data, backward_filter };

// The sizes of a convolution and the layouts of its operands. Plain data, since it is copied into streams.
struct Convolution {
    int rank = 0;                   // spatial dimensions: 2 or 3
    int64_t groups = 1;
    int64_t n = 0, c = 0, k = 0;    // images; channels in and out of one group
    struct Axis {
        int64_t in, out, window, pad, stride, dilation;
    } axes[CUDNN_DIM_MAX - 2] = {};
    bool flipped = false;           // CUDNN_CONVOLUTION: the window is flipped
    bool nhwc_filter = false;
    Rounding rounding = Rounding::exact;    // of floats on tensor cores, if the algorithm runs there
    cudnnMathType_t math = CUDNN_DEFAULT_MATH;
    Strided x, w, y;

    int64_t product(int64_t Axis::*extent) const {
        int64_t p = 1;
        for (int i = 0; i < rank; ++i) p *= axes[i].*extent;
        return p;
    }
    int64_t inputs() const { return product(&Axis::in); }
    int64_t outputs() const { return product(&Axis::out); }
    int64_t taps() const { return product(&Axis::window); }

    // Throws Refusal if the descriptors do not match.
    Convolution(const cudnnTensorStruct *x, const cudnnFilterStruct *w, const cudnnConvolutionStruct *convolution);
    Convolution(const cudnnTensorStruct *x, const cudnnFilterStruct *w, const cudnnConvolutionStruct *convolution,
                const cudnnTensorStruct *y);
    Convolution() = default;
};

// With filters in NHWC, tensor cores want channels and addresses that are multiples of this.
constexpr int TENSOR_VECTOR_BYTES = 16;

// The documented properties of an algorithm. Here all algorithms compute the same numbers, but each asks for a
// workspace that its name suggests.
struct Algorithm {
    enum class Family : uint8_t { none, gemm, fft, fft_tiling, winograd, winograd_nonfused };
    enum class Workspace : uint8_t { none, indices, columns, transforms };
    enum Ability : uint8_t { DILATION = 1, VOLUMES = 2, NHWC_FILTER = 4, DOUBLE = 8, BFLOAT16 = 16, TENSOR_CORES = 32 };
    int number;
    Family family;
    Workspace workspace;
    cudnnDeterminism_t determinism;
    int abilities;

    // Why it does not support a convolution; empty if it does.
    const char *unable(const Convolution &convolution) const;
    // Whether it can run on tensor cores, if the math type permits them.
    bool fits_tensor_cores(const Convolution &convolution) const;
    // The math type that queries report: CUDNN_TENSOR_OP_MATH or _ALLOW_CONVERSION only if it was asked for, and the
    // algorithm runs on tensor cores.
    cudnnMathType_t math(const Convolution &convolution) const;
    size_t workspace_bytes(const Convolution &convolution) const;
};

// In the order in which the queries recommend them.
const std::vector<Algorithm> &algorithms(Direction direction);
// The algorithm with this number. Throws Refusal if it does not support the convolution.
const Algorithm &algorithm(Direction direction, int number, const Convolution &convolution);

// The workspace of an algorithm.
struct Workspace {
    uint64_t address;
    size_t given, needed;
};
Workspace workspace(void *address, size_t bytes, const Algorithm &algorithm, const Convolution &convolution);

struct ConvolutionJob {
    const char *function;
    Direction direction;
    Convolution convolution;
    Operand x, w, y;
    Workspace workspace;
    Blend blend;
    // The additional operations of cudnnConvolutionBiasActivationForward.
    struct Epilogue {
        bool present = false, relu = false, propagate_nan = false;
        double z_factor = 0;
        Operand z, bias;
    } epilogue;

    int run() const;

private:
    int check_operands() const;
    void finish(std::vector<double> &result) const;
};

}  // namespace softgpu::cudnn
