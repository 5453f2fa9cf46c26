#include "muon.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include <oneapi/dnnl/dnnl_debug.h>

namespace framecast {

namespace {

constexpr int iterations = 5;
constexpr float a = 3.4445f, b = -4.7750f, c = 2.0315f;

// C (m, n) = alpha*op(A)*op(B) + beta*C, all dense and row by row; op transposes where asked for.
void product(bool transpose_a, bool transpose_b, int m, int n, int depth, float alpha, const float *left,
        const float *right, float beta, float *out) {
    const dnnl_status_t status = dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, depth, alpha, left,
            transpose_a ? m : depth, right, transpose_b ? depth : n, beta, out, n);
    if (status != dnnl_success) {
        throw std::runtime_error("oneDNN: the product of matrices failed with status " + std::to_string(status) + " ("
                + dnnl_status2str(status) + ")");
    }
}

}  // namespace

Muon::Muon(Device &device, double momentum) : device_(device), one_minus_momentum_(static_cast<float>(1 - momentum)) {}

void Muon::add(int64_t offset, int rows, int columns, int pitch) {
    const Matrix matrix{offset, rows, columns, pitch};
    const auto work = [](const Matrix &m) { return m.size() * m.shorter(); };
    matrices_.insert(std::upper_bound(matrices_.begin(), matrices_.end(), matrix,
            [&](const Matrix &one, const Matrix &other) { return work(one) > work(other); }), matrix);
    values_ += double(matrix.size());
    const double shorter = matrix.shorter();
    operations_ += iterations * (4.0 * matrix.size() * shorter + 2.0 * shorter * shorter * shorter);
    scratch_values_ = std::max(scratch_values_,
            2 * matrix.size() + 2 * int64_t(matrix.shorter()) * matrix.shorter());
}

void Muon::update(float *parameters, const float *gradients, float *momentum, double rate) {
    device_.enter();
    if (!scratch_) {
        scratch_ = std::make_unique<Memory>(device_, device_.threads() * scratch_values_ * sizeof(float));
    }
    std::exception_ptr failure;
    // Three arrays are read, and two written.
    timed(device_.profile(), "Muon", operations_, 20.0 * values_, [&] {
        // Each thread takes the next matrix; a matrix's result does not depend on the thread.
#pragma omp parallel for schedule(dynamic)
        for (size_t k = 0; k < matrices_.size(); k++) {
            try {
                update(matrices_[k], parameters, gradients, momentum, static_cast<float>(rate),
                        scratch_->floats() + omp_get_thread_num() * scratch_values_);
            } catch (...) {
#pragma omp critical
                failure = std::current_exception();
            }
        }
    });
    if (failure) {
        std::rethrow_exception(failure);
    }
}

void Muon::update(const Matrix &matrix, float *parameters, const float *gradients, float *momentum, float rate,
        float *scratch) const {
    const int rows = matrix.rows, columns = matrix.columns, shorter = matrix.shorter();
    float *x = scratch, *next = x + matrix.size(), *s = next + matrix.size(), *polynomial = s + shorter * shorter;
    double squares = 0;
    for (int row = 0; row < rows; row++) {
        const int64_t at = matrix.offset + int64_t(row) * matrix.pitch;
        const float *g = gradients + at;
        float *m = momentum + at, *u = x + int64_t(row) * columns;
        double sum = 0;
        for (int k = 0; k < columns; k++) {
            m[k] += (g[k] - m[k]) * one_minus_momentum_;
            u[k] = m[k] + (g[k] - m[k]) * one_minus_momentum_;
            sum += double(u[k]) * u[k];
        }
        squares += sum;
    }
    const float scale = static_cast<float>(1 / std::max(std::sqrt(squares), 1e-7));
    for (int64_t k = 0; k < matrix.size(); k++) {
        x[k] *= scale;
    }
    // The products with the shorter side: X*X^T*X = (X*X^T)*X = X*(X^T*X).
    const bool wide = rows < columns;
    for (int k = 0; k < iterations; k++) {
        product(!wide, wide, shorter, shorter, wide ? columns : rows, 1, x, x, 0, s);
        std::copy(s, s + shorter * shorter, polynomial);
        product(false, false, shorter, shorter, shorter, c, s, s, b, polynomial);
        std::copy(x, x + matrix.size(), next);
        if (wide) {
            product(false, false, rows, columns, shorter, 1, polynomial, x, a, next);
        } else {
            product(false, false, rows, columns, shorter, 1, x, polynomial, a, next);
        }
        std::swap(x, next);
    }
    const float step = rate * 0.2f * std::sqrt(static_cast<float>(std::max(rows, columns)));
    for (int row = 0; row < rows; row++) {
        float *p = parameters + matrix.offset + int64_t(row) * matrix.pitch;
        for (int k = 0; k < columns; k++) {
            p[k] -= step * x[int64_t(row) * columns + k];
        }
    }
}

}  // namespace framecast
