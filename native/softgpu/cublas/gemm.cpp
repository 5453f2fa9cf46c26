#include "cublas/gemm.h"

#include <memory>

#include "libraries/device.h"

namespace softgpu::cublas {

namespace {

// The elements of a matrix, or of its transpose, with the index along `columns` slowest.
Strided elements(const Matrices &matrix, bool transposed) {
    Strided s{matrix.type};
    if (transposed) {
        s.append(matrix.rows, 1);
        s.append(matrix.columns, matrix.ld);
    } else {
        s.append(matrix.columns, matrix.ld);
        s.append(matrix.rows, 1);
    }
    return s;
}

// The address of each matrix of the batch.
int addresses(const Matrices &matrices, int64_t batch, const std::string &what, std::vector<uint64_t> &to) {
    to.resize(batch);
    if (matrices.by_pointers) {
        const std::string name = what + "'s addresses";
        const size_t bytes = batch * sizeof(uint64_t);
        if (int error = softgpu_check_range(name.c_str(), matrices.address, bytes, 1)) return error;
        memcpy(to.data(), reinterpret_cast<const void *>(matrices.address), bytes);
    } else {
        for (int64_t i = 0; i < batch; ++i) to[i] = matrices.address + i * matrices.distance * size(matrices.type);
    }
    return 0;
}

// Four numbers in a register; and what a step of the product takes: a tile of c of ROWS by COLUMNS in registers, while
// it goes through DEPTH values of p in a panel of PANEL rows of a, which is packed for it and stays in cache.
using Four = double __attribute__((vector_size(32), aligned(8)));
constexpr int64_t ROWS = 8, COLUMNS = 4, DEPTH = 256, PANEL = 128;

// Adds to `columns` columns of a tile of c, which has up to ROWS rows.
template <int columns>
void add_tile(const double *packed, const double *b, int64_t k, double *c, int64_t m, int64_t depth, int64_t rows) {
    Four sums[columns][2] = {};
    for (int j = 0; j < columns; ++j) memcpy(sums[j], c + j * m, rows * sizeof *c);
    for (int64_t p = 0; p < depth; ++p, packed += ROWS) {
        const Four low = *reinterpret_cast<const Four *>(packed), high = *reinterpret_cast<const Four *>(packed + 4);
        for (int j = 0; j < columns; ++j) {
            sums[j][0] += low * b[j * k + p];
            sums[j][1] += high * b[j * k + p];
        }
    }
    for (int j = 0; j < columns; ++j) memcpy(c + j * m, sums[j], rows * sizeof *c);
}

// packed[i / ROWS][p][i % ROWS] = a[p][i]
void pack(const double *a, int64_t m, int64_t rows, int64_t depth, double *packed) {
    for (int64_t i = 0; i < rows; i += ROWS)
        for (int64_t p = 0; p < depth; ++p)
            for (int64_t r = 0; r < ROWS; ++r) *packed++ = i + r < rows ? a[p * m + i + r] : 0;
}

// c[j][i] += sum over p of a[p][i] * b[j][p], added in the order of p.
void multiply(const double *a, const double *b, double *c, int64_t m, int64_t n, int64_t k) {
    const auto packed = std::make_unique_for_overwrite<double[]>((std::min(m, PANEL) + ROWS) * std::min(k, DEPTH));
    for (int64_t p = 0; p < k; p += DEPTH) {
        const int64_t depth = std::min(DEPTH, k - p);
        for (int64_t panel = 0; panel < m; panel += PANEL) {
            const int64_t end = std::min(m, panel + PANEL);
            pack(a + p * m + panel, m, end - panel, depth, packed.get());
            for (int64_t j = 0; j < n; j += COLUMNS)
                for (int64_t i = panel; i < end; i += ROWS) {
                    const auto add =
                        n - j == 1 ? add_tile<1> : n - j == 2 ? add_tile<2> : n - j == 3 ? add_tile<3> : add_tile<4>;
                    add(packed.get() + (i - panel) * depth, b + j * k + p, k, c + j * m + i, m, depth,
                        std::min(ROWS, end - i));
                }
        }
    }
}

void multiply_in_halves(const double *a, const double *b, double *c, int64_t m, int64_t n, int64_t k) {
    for (int64_t j = 0; j < n; ++j)
        for (int64_t p = 0; p < k; ++p)
            for (int64_t i = 0; i < m; ++i) {
                double &sum = c[j * m + i];
                sum = value(rounded<Half>(sum + a[p * m + i] * b[j * k + p]));
            }
}

std::vector<double> multiplicand(const Operand &operand, Rounding rounding) {
    std::vector<double> values = operand.read();
    if (rounding != Rounding::exact)
        for (double &v : values) v = tensor_operand(v, rounding);
    return values;
}

}  // namespace

int GemmJob::run() const {
    double factor, old_factor;
    if (int error = alpha.read(function, "alpha", factor)) return error;
    if (int error = beta.read(function, "beta", old_factor)) return error;
    // As in BLAS, A and B are not read if alpha or k is 0, and C is not read if beta is 0.
    const bool product = factor != 0 && k > 0;

    const std::string name = function;
    std::vector<uint64_t> as, bs, cs;
    if (product) {
        if (int error = addresses(a, batch, name + ": A", as)) return error;
        if (int error = addresses(b, batch, name + ": B", bs)) return error;
    }
    if (int error = addresses(c, batch, name + ": C", cs)) return error;
    const Strided a_layout = elements(a, transpose_a), b_layout = elements(b, transpose_b),
                  c_layout = elements(c, false);
    for (int64_t i = 0; i < batch; ++i) {
        if (product) {
            if (int error = Operand{as[i], a_layout}.check(function, "A", true)) return error;
            if (int error = Operand{bs[i], b_layout}.check(function, "B", true)) return error;
        }
        if (int error = Operand{cs[i], c_layout}.check(function, "C", old_factor != 0)) return error;
    }

    for (int64_t i = 0; i < batch; ++i) {
        std::vector<double> values(m * n);
        if (product) {
            const auto left = multiplicand({as[i], a_layout}, rounding),
                       right = multiplicand({bs[i], b_layout}, rounding);
            (half_sums ? multiply_in_halves : multiply)(left.data(), right.data(), values.data(), m, n, k);
        }
        Operand{cs[i], c_layout}.blend(values, factor, old_factor);
    }
    return 0;
}

namespace {

// The types of A and B, and of C, that a compute type allows: the real floating-point ones in the documentation of
// cublasGemmEx.
struct Combination {
    cublasComputeType_t compute;
    cudaDataType ab, c;
};
constexpr Combination COMBINATIONS[] = {
    {CUBLAS_COMPUTE_16F, CUDA_R_16F, CUDA_R_16F},
    {CUBLAS_COMPUTE_32F, CUDA_R_16BF, CUDA_R_16BF},
    {CUBLAS_COMPUTE_32F, CUDA_R_16F, CUDA_R_16F},
    {CUBLAS_COMPUTE_32F, CUDA_R_16BF, CUDA_R_32F},
    {CUBLAS_COMPUTE_32F, CUDA_R_16F, CUDA_R_32F},
    {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F},
    {CUBLAS_COMPUTE_32F_FAST_16F, CUDA_R_32F, CUDA_R_32F},
    {CUBLAS_COMPUTE_32F_FAST_16BF, CUDA_R_32F, CUDA_R_32F},
    {CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_32F, CUDA_R_32F},
    {CUBLAS_COMPUTE_64F, CUDA_R_64F, CUDA_R_64F},
};

cublasComputeType_t without_pedantic(cublasComputeType_t compute) {
    switch (compute) {
        case CUBLAS_COMPUTE_16F_PEDANTIC: return CUBLAS_COMPUTE_16F;
        case CUBLAS_COMPUTE_32F_PEDANTIC: return CUBLAS_COMPUTE_32F;
        case CUBLAS_COMPUTE_64F_PEDANTIC: return CUBLAS_COMPUTE_64F;
        default: return compute;
    }
}

Number number(cudaDataType type) {
    switch (type) {
        case CUDA_R_64F: return Number::f64;
        case CUDA_R_16F: return Number::f16;
        case CUDA_R_16BF: return Number::bf16;
        default: return Number::f32;
    }
}

// The type of alpha and beta.
Number scale_type(cublasComputeType_t compute) {
    compute = without_pedantic(compute);
    return compute == CUBLAS_COMPUTE_16F ? Number::f16 : compute == CUBLAS_COMPUTE_64F ? Number::f64 : Number::f32;
}

Rounding rounding(const cublasContext &context, const GemmCall &call) {
    switch (call.compute) {
        case CUBLAS_COMPUTE_32F_FAST_16F: return Rounding::f16;
        case CUBLAS_COMPUTE_32F_FAST_16BF: return Rounding::bf16;
        case CUBLAS_COMPUTE_32F_FAST_TF32: return has_tf32_and_bfloat16() ? Rounding::tf32 : Rounding::exact;
        default: break;
    }
    const int mode = context.math_mode & ~CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
    const bool tf32 =
        mode == CUBLAS_TF32_TENSOR_OP_MATH && call.compute == CUBLAS_COMPUTE_32F && call.a.type == CUDA_R_32F;
    return tf32 && has_tf32_and_bfloat16() ? Rounding::tf32 : Rounding::exact;
}

bool valid(cublasOperation_t operation) { return operation >= CUBLAS_OP_N && operation <= CUBLAS_OP_C; }

}  // namespace

cublasStatus_t gemm(const char *function, cublasHandle_t handle, const GemmCall &call) {
    return guarded(function, [&] {
        const cublasContext &context = live(handle);
        require(valid(call.transpose_a) && valid(call.transpose_b), "there is no such operation on a matrix");
        const int algorithm = call.algorithm;
        require((algorithm >= CUBLAS_GEMM_DEFAULT && algorithm <= CUBLAS_GEMM_ALGO23) ||
                    (algorithm >= CUBLAS_GEMM_DEFAULT_TENSOR_OP && algorithm <= CUBLAS_GEMM_ALGO15_TENSOR_OP),
                "there is no such algorithm");
        bool listed = false;
        for (const Combination &c : COMBINATIONS)
            listed |= c.compute == without_pedantic(call.compute) && c.ab == call.a.type && c.ab == call.b.type &&
                      c.c == call.c.type;
        require(listed,
                "compute type " + std::to_string(call.compute) + " with data types " + std::to_string(call.a.type) +
                    ", " + std::to_string(call.b.type) + " and " + std::to_string(call.c.type) +
                    " is not supported, or not provided",
                CUBLAS_STATUS_NOT_SUPPORTED);
        require(call.m >= 0 && call.n >= 0 && call.k >= 0, "a size is negative");
        require(call.batch >= 0, "the batch count is negative");

        GemmJob job{};
        job.function = function;
        job.transpose_a = call.transpose_a != CUBLAS_OP_N;
        job.transpose_b = call.transpose_b != CUBLAS_OP_N;
        job.m = call.m;
        job.n = call.n;
        job.k = call.k;
        job.batch = call.batch;
        const auto matrices = [&](const auto &given, int64_t rows, int64_t columns, const char *what) {
            require(given.ld >= std::max<int64_t>(1, rows), std::string(what) + " has a leading dimension of " +
                                                                std::to_string(given.ld) + " and " +
                                                                std::to_string(rows) + " rows");
            return Matrices{reinterpret_cast<uint64_t>(given.address), call.by_pointers, given.distance,
                            number(given.type), rows, columns, given.ld};
        };
        job.a = job.transpose_a ? matrices(call.a, call.k, call.m, "A") : matrices(call.a, call.m, call.k, "A");
        job.b = job.transpose_b ? matrices(call.b, call.n, call.k, "B") : matrices(call.b, call.k, call.n, "B");
        job.c = matrices(call.c, call.m, call.n, "C");
        job.alpha = factor(context, call.alpha, scale_type(call.compute), "alpha");
        job.beta = factor(context, call.beta, scale_type(call.compute), "beta");
        job.rounding = rounding(context, call);
        job.half_sums = without_pedantic(call.compute) == CUBLAS_COMPUTE_16F;
        if (call.m == 0 || call.n == 0 || call.batch == 0) return;

        const auto place = [&](const Matrices &m, const char *what) {
            require_aligned(reinterpret_cast<const void *>(m.address), m.by_pointers ? Number::f64 : m.type, what);
        };
        if (call.k > 0 && !(job.alpha.known() && job.alpha.host == 0)) {
            place(job.a, "A");
            place(job.b, "B");
        }
        place(job.c, "C");
        if (!call.by_pointers) {
            Strided all = elements(job.c, false);
            all.append(call.batch, call.c.distance);
            require(call.batch == 1 || !all.overlaps_itself(), "matrices of the batch of C overlap");
        }
        launch(context, function, job);
    });
}

}  // namespace softgpu::cublas
