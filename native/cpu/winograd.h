// Winograd's short convolutions: m outputs of a correlation with r taps from n = m + r - 1 products instead of m*r.
//
// Inputs d (n) and taps g (r) are taken as polynomials and evaluated at n points; the values are multiplied point by
// point; the products are transformed back. With a matrix for each step, whose row i belongs to point a_i (the last to
// infinity),
//
//   y = A^T ((G g) * (B d))        A (n, m): a_i^j      G (n, r): a_i^j / prod over j != i of (a_i - a_j)
//                                  B (n, n): row i the coefficients of prod over j != i of (x - a_j)
//
// In two dimensions each is applied to rows and columns. Products at different points are independent: over many tiles
// and channels there is one matrix product for each point. The gradients are the transposes of the same three
// transforms, and cost the same: dM = A dy, dd = B^T (dM * (G g)), dg = G^T (dM * (B d)).
//
// See A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, arXiv:1509.09308.
//
// Points come in pairs: 0, then +a and -a, then infinity. The rows of such a pair agree in the even columns and
// differ in sign in the odd ones, which halves the multiplications of a transform.
#pragma once

#include "vectors.h"

namespace framecast {
namespace FRAMECAST_ISA {
namespace {

// Row i belongs to the i-th point.
template <int rows, int columns>
struct Matrix {
    float at[rows][columns];
};

template <int m_, int r_>
struct Winograd {
    static constexpr int m = m_, r = r_, n = m + r - 1;
    static_assert(n == 1 || n == 6 || n == 8, "the points are chosen for these");
    // The first n - 1 of 0, 1, -1, 2, -2, 1/2, -1/2.
    static constexpr double point(int i) {
        constexpr double magnitudes[] = {1, 2, 0.5};
        return i == 0 ? 0 : (i % 2 ? 1 : -1) * magnitudes[(i - 1) / 2];
    }

    static constexpr Matrix<n, m> output() { return powers<m>(false); }
    static constexpr Matrix<n, r> taps() { return powers<r>(true); }

    static constexpr Matrix<n, n> input() {
        Matrix<n, n> matrix{};
        for (int i = 0; i < n; i++) {
            double coefficients[n + 1] = {1};
            int degree = 0;
            for (int j = 0; j < n - 1; j++) {
                if (j == i) {
                    continue;
                }
                // times (x - point(j))
                degree++;
                for (int k = degree; k > 0; k--) {
                    coefficients[k] = coefficients[k - 1] - point(j) * coefficients[k];
                }
                coefficients[0] *= -point(j);
            }
            for (int k = 0; k < n; k++) {
                matrix.at[i][k] = static_cast<float>(coefficients[k]);
            }
        }
        return matrix;
    }

  private:
    template <int length>
    static constexpr Matrix<n, length> powers(bool normalised) {
        Matrix<n, length> matrix{};
        for (int i = 0; i < n - 1; i++) {
            double value = 1;
            for (int j = 0; normalised && j < n - 1; j++) {
                value /= j == i ? 1 : point(i) - point(j);
            }
            for (int k = 0; k < length; k++, value *= point(i)) {
                matrix.at[i][k] = static_cast<float>(value);
            }
        }
        matrix.at[n - 1][length - 1] = 1;
        return matrix;
    }
};

// The matrices as types: their entries are then compile-time constants of the transforms.
template <typename W>
struct Input {
    static constexpr int length = W::n;
    static constexpr auto matrix = W::input();
};
template <typename W>
struct Taps {
    static constexpr int length = W::r;
    static constexpr auto matrix = W::taps();
};
template <typename W>
struct Output {
    static constexpr int length = W::m;
    static constexpr auto matrix = W::output();
};

// sum += factor * x, without multiplications by 0, 1 or -1. `empty`: nothing was added to sum before.
template <typename Vec>
inline __attribute__((always_inline)) void add_term(Vec &sum, bool &empty, float factor, Vec x) {
    if (factor == 0) {
        return;
    }
    const Vec term = factor == 1 ? x : factor * x;
    sum = empty ? term : factor == 1 ? sum + x : factor == -1 ? sum - x : sum + factor * x;
    empty = false;
}

// y = T x: the values at all points.
template <typename T, int n>
inline __attribute__((always_inline)) void expand(const Vector *x, Vector *y) {
    constexpr auto matrix = T::matrix;
    constexpr int length = T::length;
#pragma GCC unroll 8
    for (int i = 0; i < n; i += n - 1 ? n - 1 : 1) {
        Vector sum = {};
        bool empty = true;
#pragma GCC unroll 8
        for (int j = 0; j < length; j++) {
            add_term(sum, empty, matrix.at[i][j], x[j]);
        }
        y[i] = sum;
    }
#pragma GCC unroll 4
    for (int i = 1; i + 1 < n; i += 2) {
        Vector even = {}, odd = {};
        bool no_even = true, no_odd = true;
#pragma GCC unroll 8
        for (int j = 0; j < length; j++) {
            if (j % 2 == 0) {
                add_term(even, no_even, matrix.at[i][j], x[j]);
            } else {
                add_term(odd, no_odd, matrix.at[i][j], x[j]);
            }
        }
        y[i] = even + odd;
        y[i + 1] = even - odd;
    }
}

// x = T^T y: the transpose of expand.
template <typename T, int n>
inline __attribute__((always_inline)) void gather(const Vector *y, Vector *x) {
    constexpr auto matrix = T::matrix;
    constexpr int length = T::length;
    Vector sums[n / 2 + 1], differences[n / 2 + 1];
#pragma GCC unroll 4
    for (int i = 1; i + 1 < n; i += 2) {
        sums[i / 2] = y[i] + y[i + 1];
        differences[i / 2] = y[i] - y[i + 1];
    }
#pragma GCC unroll 8
    for (int j = 0; j < length; j++) {
        Vector sum = {};
        bool empty = true;
        add_term(sum, empty, matrix.at[0][j], y[0]);
#pragma GCC unroll 4
        for (int i = 1; i + 1 < n; i += 2) {
            add_term(sum, empty, matrix.at[i][j], j % 2 == 0 ? sums[i / 2] : differences[i / 2]);
        }
        if (n > 1) {
            add_term(sum, empty, matrix.at[n - 1][j], y[n - 1]);
        }
        x[j] = sum;
    }
}

// Applies expand or gather to the columns, then the rows, from (in, in) to (out, out): from(k) loads element k,
// to(k, value) stores it.
template <int in, int out, typename Transform, typename From, typename To>
inline __attribute__((always_inline)) void transform_tile(Transform transform, From from, To to) {
    Vector half[out * in];
#pragma GCC unroll 1
    for (int column = 0; column < in; column++) {
        Vector x[in], y[out];
#pragma GCC unroll 8
        for (int row = 0; row < in; row++) {
            x[row] = from(row * in + column);
        }
        transform(x, y);
#pragma GCC unroll 8
        for (int row = 0; row < out; row++) {
            half[row * in + column] = y[row];
        }
    }
#pragma GCC unroll 1
    for (int row = 0; row < out; row++) {
        Vector y[out];
        transform(half + row * in, y);
#pragma GCC unroll 8
        for (int column = 0; column < out; column++) {
            to(row * out + column, y[column]);
        }
    }
}

template <typename T, int n, typename From, typename To>
inline __attribute__((always_inline)) void expand_tile(From from, To to) {
    transform_tile<T::length, n>([](const Vector *x, Vector *y) { expand<T, n>(x, y); }, from, to);
}

template <typename T, int n, typename From, typename To>
inline __attribute__((always_inline)) void gather_tile(From from, To to) {
    transform_tile<n, T::length>([](const Vector *y, Vector *x) { gather<T, n>(y, x); }, from, to);
}

}  // namespace
}  // namespace FRAMECAST_ISA
}  // namespace framecast
