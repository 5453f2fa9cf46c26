// The sizes of a convolution, and its three directions as loops.
//
// Operands are copied to channels-last arrays: [image][position][group][channel], and [group][tap] followed by a matrix
// of the channels. So the innermost loop always runs over channels. Products are summed in double and rounded once.

#include "cudnn/convolution.h"

#include <numeric>

#include "libraries/device.h"

namespace softgpu::cudnn {

Convolution::Convolution(const cudnnTensorStruct *x_descriptor, const cudnnFilterStruct *w_descriptor,
                         const cudnnConvolutionStruct *descriptor) {
    const cudnnTensorStruct &xd = ready(x_descriptor, "tensor descriptor of the input");
    const cudnnFilterStruct &wd = ready(w_descriptor, "filter descriptor");
    const cudnnConvolutionStruct &d = ready(descriptor, "convolution descriptor");
    x = layout(xd);
    w = layout(wd);
    rank = d.rank;
    require(x.rank == w.rank, "input and filter have different numbers of dimensions");
    require(x.rank == rank + 2, "the convolution has " + std::to_string(rank) + " dimensions, the input " +
                                    std::to_string(x.rank) + " with its images and channels");
    supported(rank == 2 || rank == 3, "tensors of convolutions have 4 or 5 dimensions",
              CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
    require(x.type == w.type, "input and filter have different data types");
    supported(x.type != Number::bf16 || has_tf32_and_bfloat16(),
              "bfloat16 is for compute capability 8.0 and later", CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
    supported(number(d.compute) == (x.type == Number::f64 ? Number::f64 : Number::f32),
              "float, half and bfloat16 are computed with in float, double in double",
              CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
    groups = d.groups;
    require(x.dims[1] == w.dims[1] * groups,
            "the input has " + std::to_string(x.dims[1]) + " channels, the filter " + std::to_string(w.dims[1]) +
                " in each of " + std::to_string(groups) + " groups", CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    require(w.dims[0] % groups == 0, "the filter's outputs do not divide among the groups",
            CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    n = x.dims[0];
    c = w.dims[1];
    k = w.dims[0] / groups;
    for (int i = 0; i < rank; ++i) {
        Axis &a = axes[i] = {x.dims[2 + i], 0, w.dims[2 + i], d.pad[i], d.stride[i], d.dilation[i]};
        const int64_t reach = (a.window - 1) * a.dilation + 1, padded = a.in + 2 * a.pad;
        require(reach <= padded, "the window reaches over " + std::to_string(reach) +
                                     " elements of spatial dimension " + std::to_string(i) + ", the input has " +
                                     std::to_string(padded) + " with its padding");
        a.out = (padded - reach) / a.stride + 1;
    }
    flipped = d.mode == CUDNN_CONVOLUTION;
    nhwc_filter = wd.format == CUDNN_TENSOR_NHWC;
    math = d.math;
    // From compute capability 8.0 on, tensor cores multiply floats as TF32, unless the math type is CUDNN_FMA_MATH.
    if (x.type == Number::f32 && math == CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION)
        rounding = Rounding::f16;
    else if (x.type == Number::f32 && math != CUDNN_FMA_MATH && has_tf32_and_bfloat16())
        rounding = Rounding::tf32;
}

Convolution::Convolution(const cudnnTensorStruct *x_descriptor, const cudnnFilterStruct *w_descriptor,
                         const cudnnConvolutionStruct *descriptor, const cudnnTensorStruct *y_descriptor)
    : Convolution(x_descriptor, w_descriptor, descriptor) {
    y = layout(ready(y_descriptor, "tensor descriptor of the output"));
    require(y.rank == x.rank, "input and output have different numbers of dimensions");
    require(y.type == x.type, "input and output have different data types");
    require(y.dims[0] == n, "input and output have different numbers of images", CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    require(y.dims[1] == k * groups, "the output's channels are not the filter's outputs",
            CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    for (int i = 0; i < rank; ++i)
        supported(y.dims[2 + i] == axes[i].out,
                  "spatial dimension " + std::to_string(i) + " of the output is " + std::to_string(y.dims[2 + i]) +
                      ", it should be " + std::to_string(axes[i].out), CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
}

namespace {

// For each tap and each output position, the input position, or -1 in the padding.
std::vector<int32_t> meetings(const Convolution &c) {
    std::vector<int32_t> table;
    table.reserve(c.taps() * c.outputs());
    const auto coordinates = [&](int64_t index, int64_t Convolution::Axis::*extent, int64_t *to) {
        for (int i = c.rank - 1; i >= 0; --i) {
            to[i] = index % (c.axes[i].*extent);
            index /= c.axes[i].*extent;
        }
    };
    for (int64_t t = 0; t < c.taps(); ++t) {
        int64_t tap[CUDNN_DIM_MAX], out[CUDNN_DIM_MAX];
        coordinates(t, &Convolution::Axis::window, tap);
        for (int64_t o = 0; o < c.outputs(); ++o) {
            coordinates(o, &Convolution::Axis::out, out);
            int64_t at = 0;
            for (int i = 0; i < c.rank && at >= 0; ++i) {
                const Convolution::Axis &a = c.axes[i];
                const int64_t step = c.flipped ? a.window - 1 - tap[i] : tap[i];
                const int64_t in = out[i] * a.stride - a.pad + step * a.dilation;
                at = in >= 0 && in < a.in ? at * a.in + in : -1;
            }
            table.push_back(static_cast<int32_t>(at));
        }
    }
    return table;
}

// Calls f(channels of an input position, matrix of the tap, channels of an output position) for all combinations.
template <class X, class W, class Y, class F> void for_each_meeting(const Convolution &c, X *x, W *w, Y *y, F f) {
    const std::vector<int32_t> table = meetings(c);
    const int64_t taps = c.taps(), inputs = c.inputs(), outputs = c.outputs();
    for (int64_t g = 0; g < c.groups; ++g)
        for (int64_t t = 0; t < taps; ++t)
            for (int64_t n = 0; n < c.n; ++n)
                for (int64_t o = 0; o < outputs; ++o) {
                    const int64_t i = table[t * outputs + o];
                    if (i < 0) continue;
                    f(x + ((n * inputs + i) * c.groups + g) * c.c, w + (g * taps + t) * c.c * c.k,
                      y + ((n * outputs + o) * c.groups + g) * c.k);
                }
}

// to[j] += row[i] * matrix[i][j]
void add_product(double *__restrict to, const double *__restrict row, const double *__restrict matrix, int64_t rows,
                 int64_t columns) {
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) to[j] += row[i] * matrix[i * columns + j];
}

// matrix[i][j] += column[i] * row[j]
void add_outer(double *__restrict matrix, const double *__restrict column, const double *__restrict row, int64_t rows,
               int64_t columns) {
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) matrix[i * columns + j] += column[i] * row[j];
}

Operand channels_last(const Operand &tensor) {
    std::vector<int> order(tensor.layout.rank);
    std::iota(order.begin() + 1, order.end() - 1, 2);
    order.back() = 1;
    return tensor.permuted(order);
}

// [group][tap][c][k], or [group][tap][k][c].
Operand by_tap(const Operand &filter, const Convolution &c, bool k_last) {
    const Strided &w = filter.layout;
    Strided split{w.type};
    split.append(c.groups, w.strides[0] * c.k);
    for (int i = 0; i < c.rank; ++i) split.append(w.dims[2 + i], w.strides[2 + i]);
    const auto append_k = [&] { split.append(c.k, w.strides[0]); };
    if (!k_last) append_k();
    split.append(c.c, w.strides[1]);
    if (k_last) append_k();
    return {filter.address, split};
}

std::vector<double> multiplicand(const Operand &operand, Rounding rounding) {
    std::vector<double> values = operand.read();
    if (rounding != Rounding::exact)
        for (double &v : values) v = tensor_operand(v, rounding);
    return values;
}

}  // namespace

int ConvolutionJob::check_operands() const {
    const auto is_read = [&](Direction written) { return direction != written || blend.beta != 0; };
    if (int error = x.check(function, "input", is_read(Direction::backward_data))) return error;
    if (int error = w.check(function, "filter", is_read(Direction::backward_filter))) return error;
    if (int error = y.check(function, "output", is_read(Direction::forward))) return error;
    if (epilogue.present) {
        if (int error = epilogue.bias.check(function, "bias", true)) return error;
        if (int error = epilogue.z.check(function, "z", epilogue.z_factor != 0)) return error;
    }
    if (workspace.given == 0) return 0;
    return softgpu_check_range((std::string(function) + ": workspace").c_str(), workspace.address, workspace.given, 0);
}

// Adds z and bias, and activates.
void ConvolutionJob::finish(std::vector<double> &result) const {
    const std::vector<double> bias = epilogue.bias.read();
    std::vector<double> z;
    if (epilogue.z_factor != 0) z = channels_last(epilogue.z).read();
    for (size_t i = 0; i < result.size(); ++i) {
        double v = blend.alpha * result[i] + bias[i % bias.size()];
        if (!z.empty()) v += epilogue.z_factor * z[i];
        if (epilogue.relu && !(v > 0) && !(epilogue.propagate_nan && std::isnan(v))) v = 0;
        result[i] = v;
    }
}

int ConvolutionJob::run() const {
    if (int error = check_operands()) return error;
    if (workspace.needed > 0) {
        // All bits set is a NaN in every type: a program cannot rely on old contents of the workspace.
        memset(reinterpret_cast<void *>(workspace.address), 0xff, workspace.needed);
        softgpu_mark_written(workspace.address, workspace.needed);
    }

    const Convolution &c = convolution;
    const Operand xs = channels_last(x), ys = channels_last(y);
    switch (direction) {
        case Direction::forward: {
            const auto in = multiplicand(xs, c.rounding), filter = multiplicand(by_tap(w, c, true), c.rounding);
            std::vector<double> out(ys.layout.count());
            for_each_meeting(
                c, in.data(), filter.data(), out.data(),
                [&](const double *in, const double *m, double *out) { add_product(out, in, m, c.c, c.k); });
            if (epilogue.present) {
                finish(out);
                ys.write(out);
            } else {
                ys.blend(out, blend.alpha, blend.beta);
            }
            return 0;
        }
        case Direction::backward_data: {
            const auto out = multiplicand(ys, c.rounding), filter = multiplicand(by_tap(w, c, false), c.rounding);
            std::vector<double> in(xs.layout.count());
            for_each_meeting(
                c, in.data(), filter.data(), out.data(),
                [&](double *in, const double *m, const double *out) { add_product(in, out, m, c.k, c.c); });
            xs.blend(in, blend.alpha, blend.beta);
            return 0;
        }
        case Direction::backward_filter: {
            const auto in = multiplicand(xs, c.rounding), out = multiplicand(ys, c.rounding);
            const Operand ws = by_tap(w, c, true);
            std::vector<double> filter(ws.layout.count());
            for_each_meeting(c, in.data(), filter.data(), out.data(),
                             [&](const double *in, double *m, const double *out) { add_outer(m, in, out, c.c, c.k); });
            ws.blend(filter, blend.alpha, blend.beta);
            return 0;
        }
    }
    return 0;
}

}  // namespace softgpu::cudnn
