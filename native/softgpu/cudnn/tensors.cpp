// Elementwise work on tensors, and the gradient of a bias.

#include "cudnn/api.h"

namespace softgpu::cudnn {
namespace {

// to = alpha * from + beta * to; `from` is broadcast along axes where it has one element.
struct BlendJob {
    const char *function;
    Operand from, to;
    Blend blend;
    int run() const {
        if (int error = from.check(function, "input", true)) return error;
        if (int error = to.check(function, "output", blend.beta != 0)) return error;
        std::vector<double> values = from.read();
        to.blend(values, blend.alpha, blend.beta);
        return 0;
    }
};

struct FillJob {
    const char *function;
    Operand to;
    double value;
    int run() const {
        if (int error = to.check(function, "tensor", false)) return error;
        to.write(std::vector<double>(to.layout.count(), value));
        return 0;
    }
};

struct ScaleJob {
    const char *function;
    Operand to;
    double factor;
    int run() const {
        if (int error = to.check(function, "tensor", true)) return error;
        std::vector<double> values = to.read();
        to.blend(values, factor, 0);
        return 0;
    }
};

struct BiasGradientJob {
    const char *function;
    Operand dy, db;
    Blend blend;
    int run() const {
        if (int error = dy.check(function, "dy", true)) return error;
        if (int error = db.check(function, "db", blend.beta != 0)) return error;
        const std::vector<double> values = dy.read();
        const int64_t channels = db.layout.count(), images = dy.layout.dims[0];
        const int64_t positions = dy.layout.count() / images / channels;
        std::vector<double> sums(channels);
        const double *v = values.data();
        for (int64_t n = 0; n < images; ++n)
            for (int64_t c = 0; c < channels; ++c)
                for (int64_t i = 0; i < positions; ++i) sums[c] += *v++;
        db.blend(sums, blend.alpha, blend.beta);
        return 0;
    }
};

}  // namespace
}  // namespace softgpu::cudnn

using namespace softgpu;
using namespace softgpu::cudnn;

CUDNN_API cudnnStatus_t cudnnAddTensor(cudnnHandle_t handle, const void *alpha,
                                       const cudnnTensorDescriptor_t a_descriptor, const void *a, const void *beta,
                                       const cudnnTensorDescriptor_t c_descriptor, void *c) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        BlendJob job{function, operand(a_descriptor, a, "a"), operand(c_descriptor, c, "c"), {}};
        Strided &from = job.from.layout;
        const Strided &to = job.to.layout;
        supported(from.type == to.type, "the tensors have different data types", CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
        supported(from.rank == to.rank && to.rank <= 5, "the tensors have different numbers of dimensions, or over 5",
                  CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
        require_writable(job.to, "c");
        require_apart(job.from, job.to, "a and c");
        job.blend = blend(alpha, beta, to.type);
        for (int i = 0; i < to.rank; ++i) {
            if (from.dims[i] == to.dims[i]) continue;
            supported(from.dims[i] == 1, "dimension " + std::to_string(i) + " of a is neither c's nor 1",
                      CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
            from.dims[i] = to.dims[i];
            from.strides[i] = 0;
        }
        launch(context, function, job);
    });
}

CUDNN_API cudnnStatus_t cudnnTransformTensor(cudnnHandle_t handle, const void *alpha,
                                             const cudnnTensorDescriptor_t x_descriptor, const void *x,
                                             const void *beta, const cudnnTensorDescriptor_t y_descriptor, void *y) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        BlendJob job{function, operand(x_descriptor, x, "x"), operand(y_descriptor, y, "y"), {}};
        require_same_shape(job.from, job.to, "x and y");
        require_same_type(job.from, job.to, "x and y");
        require_writable(job.to, "y");
        require_apart(job.from, job.to, "x and y");
        job.blend = blend(alpha, beta, job.to.layout.type);
        launch(context, function, job);
    });
}

// The value has the type of the tensor.
CUDNN_API cudnnStatus_t cudnnSetTensor(cudnnHandle_t handle, const cudnnTensorDescriptor_t y_descriptor, void *y,
                                       const void *value_pointer) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        FillJob job{function, operand(y_descriptor, y, "y"), 0};
        require_writable(job.to, "y");
        require_pointer(value_pointer, "value");
        dispatch(job.to.layout.type, [&](auto type) {
            job.value = value(*static_cast<const decltype(type) *>(value_pointer));
        });
        launch(context, function, job);
    });
}

CUDNN_API cudnnStatus_t cudnnScaleTensor(cudnnHandle_t handle, const cudnnTensorDescriptor_t y_descriptor, void *y,
                                         const void *alpha) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        ScaleJob job{function, operand(y_descriptor, y, "y"), 0};
        require_writable(job.to, "y");
        job.factor = factor(alpha, job.to.layout.type, "alpha");
        launch(context, function, job);
    });
}

CUDNN_API cudnnStatus_t cudnnConvolutionBackwardBias(cudnnHandle_t handle, const void *alpha,
                                                     const cudnnTensorDescriptor_t dy_descriptor, const void *dy,
                                                     const void *beta, const cudnnTensorDescriptor_t db_descriptor,
                                                     void *db) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        BiasGradientJob job{function, operand(dy_descriptor, dy, "dy"), operand(db_descriptor, db, "db"), {}};
        require_same_type(job.dy, job.db, "dy and db");
        const Strided &from = job.dy.layout, &to = job.db.layout;
        require(to.rank == from.rank && to.dims[1] == from.dims[1] && to.count() == to.dims[1],
                "db is not one number for each channel of dy", CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
        require_writable(job.db, "db");
        require_apart(job.dy, job.db, "dy and db");
        job.blend = blend(alpha, beta, to.type);
        launch(context, function, job);
    });
}
