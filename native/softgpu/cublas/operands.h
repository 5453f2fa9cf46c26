// The vectors and matrices of BLAS as operands, for float and double.
#pragma once

#include <type_traits>

#include "cublas/api.h"

namespace softgpu::cublas {

template <class T> constexpr Number NUMBER = std::is_same_v<T, double> ? Number::f64 : Number::f32;

// In BLAS a vector with a negative increment begins at its last element in memory.
template <class T>
Operand vector(const T *x, int64_t n, int64_t increment, const char *what) {
    require_aligned(x, NUMBER<T>, what);
    require(increment != 0, std::string(what) + " has an increment of 0");
    Strided s{NUMBER<T>};
    s.append(n, increment);
    const int64_t first = increment < 0 ? (1 - n) * increment : 0;
    return {reinterpret_cast<uint64_t>(x) + first * sizeof(T), s};
}

// A column-major matrix as [column][row], or transposed as [row][column].
template <class T>
Operand matrix(const T *a, int64_t rows, int64_t columns, int64_t ld, bool transposed, const char *what) {
    require_aligned(a, NUMBER<T>, what);
    Strided s{NUMBER<T>};
    s.append(columns, ld);
    s.append(rows, 1);
    const Operand o{reinterpret_cast<uint64_t>(a), s};
    return transposed ? o.permuted({1, 0}) : o;
}

inline void require_ld(int64_t ld, int64_t rows, const char *what) {
    require(ld >= std::max<int64_t>(1, rows), std::string(what) + " has a leading dimension smaller than its rows");
}

inline bool is_transposed(cublasOperation_t operation) {
    require(operation >= CUBLAS_OP_N && operation <= CUBLAS_OP_C, "there is no such operation on a matrix");
    return operation != CUBLAS_OP_N;
}

}  // namespace softgpu::cublas
