// See passes.h. FRAMECAST_ISA names the instruction set this copy is compiled for.
#include "passes.h"

#include <cmath>
#include <cstring>

#include "gates.h"

namespace framecast {
namespace FRAMECAST_ISA {

namespace {

// To nearest, ties to even: add 0x7fff and the lowest bit that is kept, then truncate. NaN stays NaN.
inline uint32_t rounded_bits(float x) {
    const auto bits = static_cast<uint32_t>(to_bits(x));
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
    return x != x ? (bits & 0xffff0000u) | 0x400000u : rounded;
}

void to_bf16(const float *x, uint16_t *y, size_t n) {
    for (size_t k = 0; k < n; k++) {
        y[k] = static_cast<uint16_t>(rounded_bits(x[k]) >> 16);
    }
}

void round_bf16(const float *x, float *y, size_t n) {
    for (size_t k = 0; k < n; k++) {
        y[k] = from_bits(static_cast<int32_t>(rounded_bits(x[k])));
    }
}

// Writes n values as operands, from element `at` on.
inline void to_operands(const float *x, OperandTarget target, size_t at, size_t n) {
    switch (target.operands) {
        case Operands::F32: break;
        case Operands::BF16: to_bf16(x, static_cast<uint16_t *>(target.values) + at, n); break;
        case Operands::ROUNDED: round_bf16(x, static_cast<float *>(target.values) + at, n); break;
    }
}

void gates_forward(size_t cells, int filters, Activation activation, Activation recurrent, float *z,
        const float *c_before, float *c, float *h, OperandTarget h_operands) {
    const size_t n = filters;
    for (size_t cell = 0; cell < cells; cell++) {
        const size_t at = cell * n;
        float *i = z + gate_count * at;
        gates_run(activation, recurrent, n, i, i + n, i + 2 * n, i + 3 * n, c_before ? c_before + at : nullptr, c + at,
                h + at);
        to_operands(h + at, h_operands, at, n);
    }
}

void gates_backward(size_t cells, int filters, Activation activation, Activation recurrent, float *gates,
        const float *c_before, const float *c, const float *dy, const float *dh, float *dc, bool last,
        OperandTarget dz_operands) {
    float gradient[run_units], d[gate_count][run_units];
    const size_t filters_ = filters;
    for (size_t cell = 0; cell < cells; cell++) {
        for (size_t first = 0; first < filters_; first += run_units) {
            const size_t n = filters_ - first < run_units ? filters_ - first : run_units;
            const size_t at = cell * filters_ + first;
            float *i = gates + cell * gate_count * filters_ + first;
            float *f = i + filters_, *g = f + filters_, *o = g + filters_;
            for (size_t k = 0; k < n; k++) {
                gradient[k] = dh ? dy[at + k] + dh[at + k] : dy[at + k];
            }
            gates_backward_run(activation, recurrent, n, i, f, g, o, c_before ? c_before + at : nullptr, c + at, last,
                    gradient, dc + at, d[0], d[1], d[2], d[3]);
            for (int gate = 0; gate < gate_count; gate++) {
                if (dz_operands.operands == Operands::F32) {
                    std::memcpy(i + gate * filters_, d[gate], n * sizeof(float));
                } else {
                    to_operands(d[gate], dz_operands, (cell * gate_count + gate) * filters_ + first, n);
                }
            }
        }
    }
}

void moments(const float *x, size_t rows, int channels, double *sum, double *square) {
    for (size_t r = 0; r < rows; r++, x += channels) {
        for (int k = 0; k < channels; k++) {
            const double v = x[k];
            sum[k] += v;
            square[k] += v * v;
        }
    }
}

void moments_backward(const float *x, const float *dy, size_t rows, int channels, double *sum, double *product) {
    for (size_t r = 0; r < rows; r++, x += channels, dy += channels) {
        for (int k = 0; k < channels; k++) {
            const double d = dy[k];
            sum[k] += d;
            product[k] += d * x[k];
        }
    }
}

// Columns of softmax at a time.
constexpr int softmax_columns = 64;

void softmax(float *x, int rows, int columns) {
    for (int first = 0; first < columns; first += softmax_columns) {
        const int n = columns - first < softmax_columns ? columns - first : softmax_columns;
        float most[softmax_columns], sum[softmax_columns] = {};
        std::memcpy(most, x + first, n * sizeof(float));
        for (int r = 1; r < rows; r++) {
            const float *row = x + size_t(r) * columns + first;
            for (int k = 0; k < n; k++) {
                most[k] = row[k] > most[k] ? row[k] : most[k];
            }
        }
        for (int r = 0; r < rows; r++) {
            float *row = x + size_t(r) * columns + first;
            for (int k = 0; k < n; k++) {
                row[k] = exp_f32(row[k] - most[k]);
                sum[k] += row[k];
            }
        }
        for (int r = 0; r < rows; r++) {
            float *row = x + size_t(r) * columns + first;
            for (int k = 0; k < n; k++) {
                row[k] /= sum[k];
            }
        }
    }
}

void softmax_backward(const float *y, float *dy, int rows, int columns) {
    for (int first = 0; first < columns; first += softmax_columns) {
        const int n = columns - first < softmax_columns ? columns - first : softmax_columns;
        float product[softmax_columns] = {};
        for (int r = 0; r < rows; r++) {
            const size_t at = size_t(r) * columns + first;
            for (int k = 0; k < n; k++) {
                product[k] += y[at + k] * dy[at + k];
            }
        }
        for (int r = 0; r < rows; r++) {
            const size_t at = size_t(r) * columns + first;
            for (int k = 0; k < n; k++) {
                dy[at + k] = y[at + k] * (dy[at + k] - product[k]);
            }
        }
    }
}

void affine(const float *x, const float *center, const float *scale, const float *shift, float *y, size_t rows,
        int channels) {
    for (size_t r = 0; r < rows; r++, x += channels, y += channels) {
        for (int k = 0; k < channels; k++) {
            y[k] = (x[k] - center[k]) * scale[k] + shift[k];
        }
    }
}

void affine_backward(const float *x, const float *center, const float *a, const float *b, const float *c, float *dy,
        size_t rows, int channels) {
    for (size_t r = 0; r < rows; r++, x += channels, dy += channels) {
        for (int k = 0; k < channels; k++) {
            dy[k] = dy[k] * a[k] + (x[k] - center[k]) * b[k] + c[k];
        }
    }
}

void add_strided(const float *x, size_t stride, float *y, size_t rows, int channels) {
    for (size_t r = 0; r < rows; r++, x += stride, y += channels) {
        for (int k = 0; k < channels; k++) {
            y[k] += x[k];
        }
    }
}

void scatter_strided(const float *x, float *y, size_t stride, size_t rows, int channels) {
    for (size_t r = 0; r < rows; r++, x += channels, y += stride) {
        for (int k = 0; k < channels; k++) {
            y[k] = x[k];
        }
    }
}

// The sum of n terms: in float32 over short runs, in float64 over the runs. The order is fixed, and the error does not
// grow with n.
template <typename Term>
inline double sum_of(size_t n, Term term) {
    constexpr size_t run = 16, lanes = 32;
    double total = 0;
    size_t k = 0;
    for (; k + run * lanes <= n; k += run * lanes) {
        float partial[lanes] = {};
        for (size_t r = 0; r < run; r++) {
            for (size_t lane = 0; lane < lanes; lane++) {
                partial[lane] += term(k + r * lanes + lane);
            }
        }
        for (size_t lane = 0; lane < lanes; lane++) {
            total += partial[lane];
        }
    }
    for (; k < n; k++) {
        total += term(k);
    }
    return total;
}

double bce_logits(const float *logits, const float *targets, size_t n, float scale, float *gradient) {
    if (gradient) {
        for (size_t k = 0; k < n; k++) {
            gradient[k] = (sigmoid_f32(logits[k]) - targets[k]) * scale;
        }
    }
    return sum_of(n, [=](size_t k) {
        const float x = logits[k];
        return (x < 0.0f ? 0.0f : x) - x * targets[k] + log1p_f32(exp_f32(-std::fabs(x)));
    });
}

double bce(const float *outputs, const float *targets, size_t n, float scale, float *gradient) {
    // Rarely used: networks that end in a sigmoid are trained on logits.
    const float low = 1e-7f, high = 1.0f - 1e-7f;
    double total = 0;
    for (size_t k = 0; k < n; k++) {
        const float y = outputs[k], t = targets[k];
        const float p = y < low ? low : y > high ? high : y;
        total -= t * std::log(static_cast<double>(p)) + (1 - t) * std::log1p(-static_cast<double>(p));
        if (gradient) {
            gradient[k] = p == y ? (p - t) / (p * (1.0f - p)) * scale : 0.0f;
        }
    }
    return total;
}

double squared_error(const float *outputs, const float *targets, size_t n, float scale, float *gradient) {
    if (gradient) {
        for (size_t k = 0; k < n; k++) {
            gradient[k] = 2.0f * (outputs[k] - targets[k]) * scale;
        }
    }
    return sum_of(n, [=](size_t k) {
        const float e = outputs[k] - targets[k];
        return e * e;
    });
}

void adam(float *p, const float *g, float *m, float *v, size_t n, float alpha, float one_minus_beta1,
        float one_minus_beta2, float epsilon) {
    for (size_t k = 0; k < n; k++) {
        m[k] += (g[k] - m[k]) * one_minus_beta1;
        v[k] += (g[k] * g[k] - v[k]) * one_minus_beta2;
        p[k] -= alpha * m[k] / (std::sqrt(v[k]) + epsilon);
    }
}

void blend(const float *x, float *y, size_t n, float rate) {
    if (rate == 1.0f) {
        std::memcpy(y, x, n * sizeof(float));
        return;
    }
    for (size_t k = 0; k < n; k++) {
        y[k] += (x[k] - y[k]) * rate;
    }
}

double squares(const float *x, size_t n) {
    // In float64 throughout: squares of float32 values may be beyond its range.
    constexpr size_t lanes = 8;
    double partial[lanes] = {}, total = 0;
    size_t k = 0;
    for (; k + lanes <= n; k += lanes) {
        for (size_t lane = 0; lane < lanes; lane++) {
            partial[lane] += static_cast<double>(x[k + lane]) * x[k + lane];
        }
    }
    for (; k < n; k++) {
        total += static_cast<double>(x[k]) * x[k];
    }
    for (const double lane : partial) {
        total += lane;
    }
    return total;
}

void scale(float *x, size_t n, float factor) {
    for (size_t k = 0; k < n; k++) {
        x[k] *= factor;
    }
}

}  // namespace

extern const Passes table;
const Passes table{gates_forward, gates_backward, activate, activate_backward, moments, moments_backward, softmax,
        softmax_backward, affine, affine_backward, add_strided, scatter_strided, bce_logits, bce, squared_error, adam,
        blend, squares, scale, to_bf16, round_bf16};

}  // namespace FRAMECAST_ISA
}  // namespace framecast
