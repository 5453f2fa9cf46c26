// Swaps and rotations of two vectors, and the index of a vector's element of largest or smallest magnitude.
#include "cublas/operands.h"

namespace softgpu::cublas {
namespace {

// x = c * x + s * y and y = c * y - s * x; a swap is neither: it keeps all bits.
struct RotationJob {
    const char *function;
    bool swaps;
    Factor c, s;
    Operand x, y;
    int run() const {
        double cosine, sine;
        if (int error = c.read(function, "c", cosine)) return error;
        if (int error = s.read(function, "s", sine)) return error;
        if (int error = x.check(function, "x", true)) return error;
        if (int error = y.check(function, "y", true)) return error;
        std::vector<double> xs = x.read(), ys = y.read();
        for (size_t i = 0; i < xs.size(); ++i) {
            const double a = xs[i], b = ys[i];
            xs[i] = swaps ? b : cosine * a + sine * b;
            ys[i] = swaps ? a : cosine * b - sine * a;
        }
        x.write(xs);
        y.write(ys);
        return 0;
    }
};

template <class T>
cublasStatus_t swap(const char *function, cublasHandle_t handle, int64_t n, T *x, int64_t incx, T *y, int64_t incy) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        if (n <= 0) return;
        launch(context, function,
               RotationJob{function, true, {}, {}, vector(x, n, incx, "x"), vector(y, n, incy, "y")});
    });
}

template <class T>
cublasStatus_t rot(const char *function, cublasHandle_t handle, int64_t n, T *x, int64_t incx, T *y, int64_t incy,
                   const T *c, const T *s) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        const Factor factors[] = {factor(context, c, NUMBER<T>, "c"), factor(context, s, NUMBER<T>, "s")};
        if (n <= 0) return;
        launch(context, function, RotationJob{function, false, factors[0], factors[1], vector(x, n, incx, "x"),
                                              vector(y, n, incy, "y")});
    });
}

// The first element counts as 1; no element is 0.
template <class Index> struct ExtremeJob {
    const char *function;
    bool largest;
    Operand x;
    uint64_t result;
    bool on_device;
    int run() const {
        if (int error = x.check(function, "x", true)) return error;
        if (on_device)
            if (int error = softgpu_check_range((std::string(function) + ": result").c_str(), result, sizeof(Index), 0))
                return error;
        const std::vector<double> xs = x.read();
        const auto less = [](double a, double b) { return std::abs(a) < std::abs(b); };
        const auto at = largest ? std::ranges::max_element(xs, less) : std::ranges::min_element(xs, less);
        const Index index = xs.empty() ? 0 : static_cast<Index>(at - xs.begin() + 1);
        memcpy(reinterpret_cast<void *>(result), &index, sizeof index);
        if (on_device) softgpu_mark_written(result, sizeof index);
        return 0;
    }
};

template <class T, class Index>
cublasStatus_t extreme(const char *function, cublasHandle_t handle, bool largest, int64_t n, const T *x, int64_t incx,
                       Index *result) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        require_pointer(result, "result");
        const bool on_device = context.pointer_mode == CUBLAS_POINTER_MODE_DEVICE;
        ExtremeJob<Index> job{function, largest, {}, reinterpret_cast<uint64_t>(result), on_device};
        job.x.layout.append(0, 1);
        if (n > 0 && incx > 0) job.x = vector(x, n, incx, "x");
        launch(context, function, job);
        if (!on_device) synchronize(context);
    });
}

}  // namespace
}  // namespace softgpu::cublas

using namespace softgpu::cublas;

#define FUNCTIONS "cublas/rotations.inc"
#include "cublas/each_type.inc"
