// Vector operations, matrix-vector products, and matrix sums, for float and double. Sums are accumulated in double.

#include "cublas/operands.h"

namespace softgpu::cublas {
namespace {

// y = alpha * x + beta * y
struct AxpbyJob {
    const char *function;
    Factor alpha, beta;
    Operand x, y;
    int run() const {
        double a, b;
        if (int error = alpha.read(function, "alpha", a)) return error;
        if (int error = beta.read(function, "beta", b)) return error;
        if (int error = x.check(function, "x", true)) return error;
        if (int error = y.check(function, "y", b != 0)) return error;
        std::vector<double> values = x.read();
        y.blend(values, a, b);
        return 0;
    }
};

enum class Reduction { dot, nrm2, asum };

template <class T> struct ReductionJob {
    const char *function;
    Reduction reduction;
    Operand x, y;
    uint64_t result;
    bool result_on_device;
    int run() const {
        if (int error = x.check(function, "x", true)) return error;
        if (int error = y.check(function, "y", true)) return error;
        const Operand to{result, Strided{NUMBER<T>}};
        if (result_on_device)
            if (int error = to.check(function, "result", false)) return error;
        const std::vector<double> xs = x.read(), ys = y.read();
        double sum = 0;
        for (size_t i = 0; i < xs.size(); ++i) sum += reduction == Reduction::asum ? std::abs(xs[i]) : xs[i] * ys[i];
        const T value = static_cast<T>(reduction == Reduction::nrm2 ? std::sqrt(sum) : sum);
        memcpy(reinterpret_cast<void *>(result), &value, sizeof value);
        if (result_on_device) to.mark_written();
        return 0;
    }
};

template <class T>
cublasStatus_t reduce(const char *function, cublasHandle_t handle, Reduction reduction, int64_t n, const T *x,
                      int64_t incx, const T *y, int64_t incy, T *result) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        require_pointer(result, "result");
        const bool on_device = context.pointer_mode == CUBLAS_POINTER_MODE_DEVICE;
        if (on_device) require_aligned(result, NUMBER<T>, "result");
        ReductionJob<T> job{function, reduction, {}, {}, reinterpret_cast<uint64_t>(result), on_device};
        job.x.layout.append(0, 1);
        job.y = job.x;
        if (n > 0 && (reduction == Reduction::dot || incx > 0)) {
            job.x = vector(x, n, incx, "x");
            job.y = vector(y, n, incy, "y");
        }
        launch(context, function, job);
        if (!on_device) synchronize(context);
    });
}

template <class T>
cublasStatus_t axpy(const char *function, cublasHandle_t handle, int64_t n, const T *alpha, const T *x, int64_t incx,
                    T *y, int64_t incy) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        const Factor a = factor(context, alpha, NUMBER<T>, "alpha");
        if (n <= 0) return;
        launch(context, function, AxpbyJob{function, a, {{}, 1}, vector(x, n, incx, "x"), vector(y, n, incy, "y")});
    });
}

template <class T>
cublasStatus_t copy(const char *function, cublasHandle_t handle, int64_t n, const T *x, int64_t incx, T *y,
                    int64_t incy) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        if (n <= 0) return;
        launch(context, function,
               AxpbyJob{function, {{}, 1}, {{}, 0}, vector(x, n, incx, "x"), vector(y, n, incy, "y")});
    });
}

template <class T>
cublasStatus_t scal(const char *function, cublasHandle_t handle, int64_t n, const T *alpha, T *x, int64_t incx) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        const Factor a = factor(context, alpha, NUMBER<T>, "alpha");
        if (n <= 0 || incx <= 0) return;
        const Operand o = vector(x, n, incx, "x");
        launch(context, function, AxpbyJob{function, a, {{}, 0}, o, o});
    });
}

struct GemvJob {
    const char *function;
    Factor alpha, beta;
    Operand a, x, y;        // a is [elements of y][elements of x]
    int run() const {
        double factor, old_factor;
        if (int error = alpha.read(function, "alpha", factor)) return error;
        if (int error = beta.read(function, "beta", old_factor)) return error;
        if (int error = y.check(function, "y", old_factor != 0)) return error;
        std::vector<double> sums(y.layout.count());
        if (factor != 0) {
            if (int error = a.check(function, "A", true)) return error;
            if (int error = x.check(function, "x", true)) return error;
            const std::vector<double> matrix = a.read(), vector = x.read();
            for (size_t i = 0; i < sums.size(); ++i)
                for (size_t j = 0; j < vector.size(); ++j) sums[i] += matrix[i * vector.size() + j] * vector[j];
        }
        y.blend(sums, factor, old_factor);
        return 0;
    }
};

template <class T>
cublasStatus_t gemv(const char *function, cublasHandle_t handle, cublasOperation_t transpose, int64_t m, int64_t n,
                    const T *alpha, const T *a, int64_t lda, const T *x, int64_t incx, const T *beta, T *y,
                    int64_t incy) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        const bool transposed = is_transposed(transpose);
        require(m >= 0 && n >= 0, "a size is negative");
        require_ld(lda, m, "A");
        const Factor factors[] = {factor(context, alpha, NUMBER<T>, "alpha"), factor(context, beta, NUMBER<T>, "beta")};
        if (m == 0 || n == 0) return;
        launch(context, function,
               GemvJob{function, factors[0], factors[1], matrix(a, m, n, lda, !transposed, "A"),
                       vector(x, transposed ? m : n, incx, "x"), vector(y, transposed ? n : m, incy, "y")});
    });
}

struct GeamJob {
    const char *function;
    Factor alpha, beta;
    Operand a, b, c;
    int run() const {
        double a_factor, b_factor;
        if (int error = alpha.read(function, "alpha", a_factor)) return error;
        if (int error = beta.read(function, "beta", b_factor)) return error;
        if (int error = c.check(function, "C", false)) return error;
        std::vector<double> sums(c.layout.count());
        const auto add = [&](const Operand &o, const char *what, double factor) {
            if (factor == 0) return 0;
            if (int error = o.check(function, what, true)) return error;
            const std::vector<double> values = o.read();
            for (size_t i = 0; i < sums.size(); ++i) sums[i] += factor * values[i];
            return 0;
        };
        if (int error = add(a, "A", a_factor)) return error;
        if (int error = add(b, "B", b_factor)) return error;
        c.write(sums);
        return 0;
    }
};

template <class T>
cublasStatus_t geam(const char *function, cublasHandle_t handle, cublasOperation_t transpose_a,
                    cublasOperation_t transpose_b, int64_t m, int64_t n, const T *alpha, const T *a, int64_t lda,
                    const T *beta, const T *b, int64_t ldb, T *c, int64_t ldc) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        const bool ta = is_transposed(transpose_a), tb = is_transposed(transpose_b);
        require(m >= 0 && n >= 0, "a size is negative");
        require_ld(lda, ta ? n : m, "A");
        require_ld(ldb, tb ? n : m, "B");
        require_ld(ldc, m, "C");
        const Factor factors[] = {factor(context, alpha, NUMBER<T>, "alpha"), factor(context, beta, NUMBER<T>, "beta")};
        if (m == 0 || n == 0) return;
        GeamJob job{function, factors[0], factors[1], {}, {}, matrix(c, m, n, ldc, false, "C")};
        // A matrix whose factor is 0 on the host may be a null pointer.
        const auto summand = [&](const T *x, int64_t ld, bool transposed, const Factor &f, const char *what) {
            if (f.known() && f.host == 0) return Operand{};
            const Operand o = matrix(x, transposed ? n : m, transposed ? m : n, ld, transposed, what);
            const bool in_place = o.address == job.c.address && ld == ldc && !transposed;
            require(in_place || !o.overlaps(job.c), std::string(what) + " and C overlap without being the same");
            return o;
        };
        job.a = summand(a, lda, ta, factors[0], "A");
        job.b = summand(b, ldb, tb, factors[1], "B");
        launch(context, function, job);
    });
}

}  // namespace
}  // namespace softgpu::cublas

using namespace softgpu::cublas;

#define Int int
#define NAME(name) name
#include "cublas/vectors.inc"
#undef Int
#undef NAME
#define Int int64_t
#define NAME(name) name##_64
#include "cublas/vectors.inc"
#undef Int
#undef NAME
