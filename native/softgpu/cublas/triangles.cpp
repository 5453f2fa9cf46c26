// Products with triangular and symmetric matrices, solutions of triangular systems, and updates of rank 1 and 2, for
// float and double. Sums are accumulated in double.
#include "cublas/triangle.h"

namespace softgpu::cublas {
namespace {

// sum over j of a[i][j] * x[j]
std::vector<double> product(const std::vector<double> &a, const std::vector<double> &x) {
    std::vector<double> y(x.size());
    for (size_t i = 0; i < y.size(); ++i)
        for (size_t j = 0; j < x.size(); ++j) y[i] += a[i * x.size() + j] * x[j];
    return y;
}

std::vector<double> transpose(const std::vector<double> &a, int64_t n) {
    std::vector<double> t(a.size());
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j) t[j * n + i] = a[i * n + j];
    return t;
}

// Solves a * x = b in place, with a triangular.
void solve(const std::vector<double> &a, bool upper, double *x, int64_t n) {
    for (int64_t step = 0; step < n; ++step) {
        const int64_t i = upper ? n - 1 - step : step;
        const int64_t from = upper ? i + 1 : 0, to = upper ? n : i;
        for (int64_t j = from; j < to; ++j) x[i] -= a[i * n + j] * x[j];
        x[i] /= a[i * n + i];
    }
}

// x = op(A) * x, or the solution of op(A) * y = x in x
struct TriangularJob {
    const char *function;
    bool solves, transposed;
    Triangle a;
    Operand x;
    int run() const {
        if (int error = a.check(function, true)) return error;
        if (int error = x.check(function, "x", true)) return error;
        std::vector<double> matrix = a.read(Triangle::Other::zero), values = x.read();
        if (transposed) matrix = transpose(matrix, a.n);
        if (solves) solve(matrix, a.upper != transposed, values.data(), a.n);
        else values = product(matrix, values);
        x.write(values);
        return 0;
    }
};

template <class T>
cublasStatus_t triangular(const char *function, cublasHandle_t handle, bool solves, cublasFillMode_t fill,
                          cublasOperation_t operation, cublasDiagType_t diagonal, int64_t n, const T *a, int64_t lda,
                          T *x, int64_t incx) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        const bool transposed = is_transposed(operation);
        require_triangle(n, lda, fill, diagonal);
        if (n == 0) return;
        launch(context, function, TriangularJob{function, solves, transposed, triangle(a, n, lda, fill, diagonal),
                                                vector(x, n, incx, "x")});
    });
}

// op(A) * X = alpha * B or X * op(A) = alpha * B, with X in B
struct TrsmJob {
    const char *function;
    bool left, transposed;
    Factor alpha;
    Triangle a;
    Operand b;      // as [system][unknown]
    int run() const {
        double factor;
        if (int error = alpha.read(function, "alpha", factor)) return error;
        if (int error = b.check(function, "B", factor != 0)) return error;
        std::vector<double> values(b.layout.count());
        if (factor != 0) {
            if (int error = a.check(function, true)) return error;
            std::vector<double> matrix = a.read(Triangle::Other::zero);
            const bool flipped = transposed == left;    // X * A = B is A' * X' = B'
            if (flipped) matrix = transpose(matrix, a.n);
            values = b.read();
            for (double &v : values) v *= factor;
            for (int64_t at = 0; at < b.layout.count(); at += a.n) solve(matrix, a.upper != flipped, &values[at], a.n);
        }
        b.write(values);
        return 0;
    }
};

template <class T>
cublasStatus_t trsm(const char *function, cublasHandle_t handle, cublasSideMode_t side, cublasFillMode_t fill,
                    cublasOperation_t operation, cublasDiagType_t diagonal, int64_t m, int64_t n, const T *alpha,
                    const T *a, int64_t lda, T *b, int64_t ldb) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        const bool transposed = is_transposed(operation), left = side == CUBLAS_SIDE_LEFT;
        require(left || side == CUBLAS_SIDE_RIGHT, "A is on the left or on the right side");
        require(m >= 0 && n >= 0, "a size is negative");
        require_triangle(left ? m : n, lda, fill, diagonal);
        require_ld(ldb, m, "B");
        const Factor factor_of_b = factor(context, alpha, NUMBER<T>, "alpha");
        if (m == 0 || n == 0) return;
        launch(context, function,
               TrsmJob{function, left, transposed, factor_of_b, triangle(a, left ? m : n, lda, fill, diagonal),
                       matrix(b, m, n, ldb, !left, "B")});
    });
}

// y = alpha * A * x + beta * y, with A symmetric
struct SymvJob {
    const char *function;
    Factor alpha, beta;
    Triangle a;
    Operand x, y;
    int run() const {
        double factor, old_factor;
        if (int error = alpha.read(function, "alpha", factor)) return error;
        if (int error = beta.read(function, "beta", old_factor)) return error;
        if (int error = y.check(function, "y", old_factor != 0)) return error;
        std::vector<double> sums(a.n);
        if (factor != 0) {
            if (int error = a.check(function, true)) return error;
            if (int error = x.check(function, "x", true)) return error;
            sums = product(a.read(Triangle::Other::mirror), x.read());
        }
        y.blend(sums, factor, old_factor);
        return 0;
    }
};

template <class T>
cublasStatus_t symv(const char *function, cublasHandle_t handle, cublasFillMode_t fill, int64_t n, const T *alpha,
                    const T *a, int64_t lda, const T *x, int64_t incx, const T *beta, T *y, int64_t incy) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        require_triangle(n, lda, fill, CUBLAS_DIAG_NON_UNIT);
        const Factor factors[] = {factor(context, alpha, NUMBER<T>, "alpha"), factor(context, beta, NUMBER<T>, "beta")};
        if (n == 0) return;
        launch(context, function, SymvJob{function, factors[0], factors[1],
                                          triangle(a, n, lda, fill, CUBLAS_DIAG_NON_UNIT), vector(x, n, incx, "x"),
                                          vector(y, n, incy, "y")});
    });
}

// A = alpha * x * x' + A, or A = alpha * (x * y' + y * x') + A, with A symmetric
struct SyrJob {
    const char *function;
    bool second;            // there is a y
    Factor alpha;
    Operand x, y;
    Triangle a;
    int run() const {
        double factor;
        if (int error = alpha.read(function, "alpha", factor)) return error;
        if (factor == 0) return 0;
        if (int error = a.check(function, true)) return error;
        if (int error = x.check(function, "x", true)) return error;
        if (int error = y.check(function, "y", true)) return error;
        const std::vector<double> xs = x.read(), ys = y.read();
        for (int64_t j = 0; j < a.n; ++j) {
            const Operand column = a.column(j);
            std::vector<double> sums(column.layout.count());
            for (size_t at = 0; at < sums.size(); ++at) {
                const int64_t i = a.first(j) + static_cast<int64_t>(at);
                sums[at] = second ? xs[i] * ys[j] + ys[i] * xs[j] : xs[i] * xs[j];
            }
            column.blend(sums, factor, 1);
        }
        return 0;
    }
};

template <class T>
cublasStatus_t syr(const char *function, cublasHandle_t handle, bool second, cublasFillMode_t fill, int64_t n,
                   const T *alpha, const T *x, int64_t incx, const T *y, int64_t incy, T *a, int64_t lda) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        require_triangle(n, lda, fill, CUBLAS_DIAG_NON_UNIT);
        const Factor factor_of_product = factor(context, alpha, NUMBER<T>, "alpha");
        if (n == 0) return;
        launch(context, function, SyrJob{function, second, factor_of_product, vector(x, n, incx, "x"),
                                         vector(y, n, incy, "y"), triangle(a, n, lda, fill, CUBLAS_DIAG_NON_UNIT)});
    });
}

// A = alpha * x * y' + A
struct GerJob {
    const char *function;
    Factor alpha;
    Operand x, y, a;        // a is [element of y][element of x]
    int run() const {
        double factor;
        if (int error = alpha.read(function, "alpha", factor)) return error;
        if (factor == 0) return 0;
        if (int error = a.check(function, "A", true)) return error;
        if (int error = x.check(function, "x", true)) return error;
        if (int error = y.check(function, "y", true)) return error;
        const std::vector<double> xs = x.read(), ys = y.read();
        std::vector<double> products;
        products.reserve(xs.size() * ys.size());
        for (const double yj : ys)
            for (const double xi : xs) products.push_back(xi * yj);
        a.blend(products, factor, 1);
        return 0;
    }
};

template <class T>
cublasStatus_t ger(const char *function, cublasHandle_t handle, int64_t m, int64_t n, const T *alpha, const T *x,
                   int64_t incx, const T *y, int64_t incy, T *a, int64_t lda) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        require(m >= 0 && n >= 0, "a size is negative");
        require_ld(lda, m, "A");
        const Factor factor_of_product = factor(context, alpha, NUMBER<T>, "alpha");
        if (m == 0 || n == 0) return;
        launch(context, function, GerJob{function, factor_of_product, vector(x, m, incx, "x"), vector(y, n, incy, "y"),
                                         matrix(a, m, n, lda, false, "A")});
    });
}

}  // namespace
}  // namespace softgpu::cublas

using namespace softgpu::cublas;

#define FUNCTIONS "cublas/triangles.inc"
#include "cublas/each_type.inc"
