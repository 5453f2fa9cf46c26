// One triangle of a square matrix: of a triangular or a symmetric one. The other triangle is neither read nor written.
#pragma once

#include "cublas/operands.h"

namespace softgpu::cublas {

struct Triangle {
    uint64_t address = 0;
    Number type = Number::f32;
    int64_t n = 0, ld = 0;
    bool upper = false;
    bool unit = false;      // the diagonal is 1 and not read

    // The part of a column that is in the triangle: n of its rows, from `first` on.
    int64_t first(int64_t column) const { return upper ? 0 : column + unit; }
    Operand column(int64_t j) const {
        Operand o{address + static_cast<uint64_t>(j * ld + first(j)) * size(type), Strided{type}};
        o.layout.append(upper ? j + 1 - unit : n - j - unit, 1);
        return o;
    }
    int check(const char *function, bool read) const {
        for (int64_t j = 0; j < n; ++j)
            if (int error = column(j).check(function, "A", read)) return error;
        return 0;
    }
    // The matrix by rows: zero in the other triangle, or its mirror image.
    enum class Other { zero, mirror };
    std::vector<double> read(Other other) const {
        std::vector<double> a(n * n);
        for (int64_t j = 0; j < n; ++j) {
            const std::vector<double> values = column(j).read();
            for (size_t i = 0; i < values.size(); ++i) {
                a[(first(j) + i) * n + j] = values[i];
                if (other == Other::mirror) a[j * n + first(j) + i] = values[i];
            }
            if (unit) a[j * n + j] = 1;
        }
        return a;
    }
};

template <class T>
Triangle triangle(const T *a, int64_t n, int64_t ld, cublasFillMode_t fill, cublasDiagType_t diagonal) {
    require_aligned(a, NUMBER<T>, "A");
    return {reinterpret_cast<uint64_t>(a), NUMBER<T>, n, ld, fill == CUBLAS_FILL_MODE_UPPER,
            diagonal == CUBLAS_DIAG_UNIT};
}

inline void require_triangle(int64_t n, int64_t ld, cublasFillMode_t fill, cublasDiagType_t diagonal) {
    require(fill == CUBLAS_FILL_MODE_LOWER || fill == CUBLAS_FILL_MODE_UPPER, "A is the lower or the upper triangle");
    require(diagonal == CUBLAS_DIAG_NON_UNIT || diagonal == CUBLAS_DIAG_UNIT, "there is no such kind of diagonal");
    require(n >= 0, "a size is negative");
    require_ld(ld, n, "A");
}

}  // namespace softgpu::cublas
