// Convolution in NHWC as implicit matrix multiplication: no image is ever unrolled into columns in memory.
//
//   forward           y[m, n]  = sum over k of x[pixel of m at the tap of k, channel of k] * w[k, n]
//                     m: (image, y, x) of the output; n: output channel; k: (kernel row, column, input channel)
//   backward data     dx[m, n] = sum over k of dy[pixel of m at tap of k, channel of k] * w[tap of k, n, channel of k]
//                     m: (image, y, x) of the input; n: input channel; k: (kernel row, column, output channel)
//   backward weights  dw[m, n] = sum over k of x[pixel k at the tap of m, channel of m] * dy[k, n]
//                     m: (kernel row, column, input channel); n: output channel; k: (image, y, x) of the output
//
// One tiled matrix product serves all three; only where the elements of its two matrices lie differs. A block of 256
// threads makes a tile of 128 x 128, each thread 8 x 8 of it in registers, as four quarters of 4 x 4 that lie 64 apart,
// so that the lanes of a warp read consecutive words of shared memory. Per step of 8 in k a thread fetches four values
// of either matrix from device memory while it multiplies those of the step before: two buffers, one barrier a step.
// Fetches are of 16 bytes where channels come in fours, else of 4.
//
// A layer's shape is given when this is compiled, so that finding a tap costs no division and few registers:
//   HEIGHT, WIDTH, INPUTS               of x
//   OUT_HEIGHT, OUT_WIDTH, OUTPUTS      of y
//   KERNEL_HEIGHT, KERNEL_WIDTH, STRIDE_HEIGHT, STRIDE_WIDTH, DILATION_HEIGHT, DILATION_WIDTH, PAD_TOP, PAD_LEFT
//
// Bound by operations: a step moves 8 KiB and does 128*128*8 multiply-adds; of a thread's, 16 values from shared memory
// serve 64.
#pragma once

constexpr int TAPS = KERNEL_HEIGHT * KERNEL_WIDTH, PIXELS = HEIGHT * WIDTH, OUT_PIXELS = OUT_HEIGHT * OUT_WIDTH;
constexpr bool INPUTS_IN_FOURS = INPUTS % 4 == 0, OUTPUTS_IN_FOURS = OUTPUTS % 4 == 0;

constexpr int TILE = 128, STEP = 8, HALF = TILE / 2;
constexpr int ROW = TILE + 4;       // in shared memory: padded, so that transposed stores take no bank twice

struct Four {
    float v[4];
};

// base[at(i)] for i of 0 to 3, which lie in a row if IN_A_ROW; zero where at says -1.
template <bool IN_A_ROW, class At> __device__ __forceinline__ Four fetch(const float *base, At at) {
    Four f = {};
    if constexpr (IN_A_ROW) {
        if (const int offset = at(0); offset >= 0)
            *reinterpret_cast<float4 *>(&f) = *reinterpret_cast<const float4 *>(base + offset);
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (const int offset = at(i); offset >= 0) f.v[i] = base[offset];
    }
    return f;
}

// Each matrix of a product is a class. One that is fetched ALONG_K is made for one place of its long axis, m or n, and
// get(k) gives four values from k on; another is made for the first of four places, and get(k) gives these four at k.

// Forward's left matrix: x at the taps of output pixel m.
class InputOfPixel {
    const float *image;
    int row, column;
    bool inside;

public:
    static constexpr bool ALONG_K = true;
    __device__ InputOfPixel(const float *x, int images, int m) {
        const int n = m / OUT_PIXELS, pixel = m % OUT_PIXELS;
        inside = n < images;
        image = x + (size_t)n * PIXELS * INPUTS;
        row = pixel / OUT_WIDTH * STRIDE_HEIGHT - PAD_TOP;
        column = pixel % OUT_WIDTH * STRIDE_WIDTH - PAD_LEFT;
    }
    __device__ Four get(int first) const {
        return fetch<INPUTS_IN_FOURS>(image, [=](int i) {
            const int k = first + i, tap = k / INPUTS;
            const int y = row + tap / KERNEL_WIDTH * DILATION_HEIGHT, x = column + tap % KERNEL_WIDTH * DILATION_WIDTH;
            const bool ok = inside && tap < TAPS && (unsigned)y < HEIGHT && (unsigned)x < WIDTH;
            return ok ? (y * WIDTH + x) * INPUTS + k % INPUTS : -1;
        });
    }
};

// Backward data's left matrix: dy of the output pixels that input pixel m went into.
class OutputOfPixel {
    const float *image;
    int row, column;
    bool inside;

public:
    static constexpr bool ALONG_K = true;
    __device__ OutputOfPixel(const float *dy, int images, int m) {
        const int n = m / PIXELS, pixel = m % PIXELS;
        inside = n < images;
        image = dy + (size_t)n * OUT_PIXELS * OUTPUTS;
        row = pixel / WIDTH + PAD_TOP;
        column = pixel % WIDTH + PAD_LEFT;
    }
    __device__ Four get(int first) const {
        return fetch<OUTPUTS_IN_FOURS>(image, [=](int i) {
            const int k = first + i, tap = k / OUTPUTS;
            const int y = row - tap / KERNEL_WIDTH * DILATION_HEIGHT, x = column - tap % KERNEL_WIDTH * DILATION_WIDTH;
            const int oy = y / STRIDE_HEIGHT, ox = x / STRIDE_WIDTH;
            const bool ok = inside && tap < TAPS && y >= 0 && x >= 0 && y % STRIDE_HEIGHT == 0 &&
                            x % STRIDE_WIDTH == 0 && oy < OUT_HEIGHT && ox < OUT_WIDTH;
            return ok ? (oy * OUT_WIDTH + ox) * OUTPUTS + k % OUTPUTS : -1;
        });
    }
};

// Right matrices of forward, w, and of backward weights, dy: (rows, OUTPUTS), as it lies.
class Rows {
    const float *matrix;
    int rows, n;

public:
    static constexpr bool ALONG_K = false;
    __device__ Rows(const float *matrix, int rows, int n) : matrix(matrix + n), rows(rows), n(n) {}
    __device__ Four get(int k) const {
        return fetch<OUTPUTS_IN_FOURS>(matrix + (size_t)k * OUTPUTS,
                                       [=](int i) { return k < rows && n + i < OUTPUTS ? i : -1; });
    }
};

// Backward data's right matrix: w with its channels exchanged, w[tap of k, n, channel of k].
class ExchangedWeights {
    const float *row;
    bool inside;

public:
    static constexpr bool ALONG_K = true;
    __device__ ExchangedWeights(const float *w, int n) : row(w + (size_t)n * OUTPUTS), inside(n < INPUTS) {}
    __device__ Four get(int first) const {
        return fetch<OUTPUTS_IN_FOURS>(row, [=](int i) {
            const int k = first + i, tap = k / OUTPUTS;
            return inside && tap < TAPS ? tap * INPUTS * OUTPUTS + k % OUTPUTS : -1;
        });
    }
};

// Backward weights' left matrix: x at the tap and channel m of output pixel k.
class InputOfTap {
    const float *x;
    int images, first;

public:
    static constexpr bool ALONG_K = false;
    __device__ InputOfTap(const float *x, int images, int m) : x(x), images(images), first(m) {}
    __device__ Four get(int k) const {
        const int n = k / OUT_PIXELS, pixel = k % OUT_PIXELS;
        // Behind the last image all rows are outside: told here, that takes no register for each of four taps.
        const int y0 = n < images ? pixel / OUT_WIDTH * STRIDE_HEIGHT - PAD_TOP : -(1 << 30);
        const int x0 = pixel % OUT_WIDTH * STRIDE_WIDTH - PAD_LEFT;
        return fetch<INPUTS_IN_FOURS>(x + (size_t)n * PIXELS * INPUTS, [=](int i) {
            const int m = first + i, tap = m / INPUTS;
            const int y = y0 + tap / KERNEL_WIDTH * DILATION_HEIGHT, x = x0 + tap % KERNEL_WIDTH * DILATION_WIDTH;
            const bool ok = tap < TAPS && (unsigned)y < HEIGHT && (unsigned)x < WIDTH;
            return ok ? (y * WIDTH + x) * INPUTS + m % INPUTS : -1;
        });
    }
};

// The place of the long axis, and of k within a step, that a thread fetches: ALONG_K two threads share a place, four of
// k each; else 32 threads fetch a row of 128.
template <class Matrix> __device__ int place() { return Matrix::ALONG_K ? threadIdx.x / 2 : threadIdx.x % 32 * 4; }
template <class Matrix> __device__ int step() { return Matrix::ALONG_K ? threadIdx.x % 2 * 4 : threadIdx.x / 32; }

template <class Matrix> __device__ void put(float (*to)[ROW], const Four &f) {
    if constexpr (Matrix::ALONG_K) {
#pragma unroll
        for (int i = 0; i < 4; i++) to[step<Matrix>() + i][place<Matrix>()] = f.v[i];
    } else {
        *reinterpret_cast<float4 *>(&to[step<Matrix>()][place<Matrix>()]) = *reinterpret_cast<const float4 *>(&f);
    }
}

// The first row and column of the block's tile, of a product with so many columns. Tiles of the same rows are
// neighbours, so that what they share of the long matrix is still in the cache.
template <int COLUMNS> __device__ int firstRow() { return blockIdx.x / ((COLUMNS + TILE - 1) / TILE) * TILE; }
template <int COLUMNS> __device__ int firstColumn() { return blockIdx.x % ((COLUMNS + TILE - 1) / TILE) * TILE; }

// The rows and columns that a thread holds in sum[8][8].
template <int COLUMNS> __device__ int tileRow(int i) {
    return firstRow<COLUMNS>() + i / 4 * HALF + threadIdx.x / 16 * 4 + i % 4;
}
template <int COLUMNS> __device__ int tileColumn(int j) {
    return firstColumn<COLUMNS>() + j / 4 * HALF + threadIdx.x % 16 * 4 + j % 4;
}

// sum = left * right over k in [begin, end).
template <class Left, class Right>
__device__ void multiply(const Left &left, const Right &right, int begin, int end, float (&sum)[8][8]) {
    __shared__ __align__(16) float a[2][STEP][ROW], b[2][STEP][ROW];
    const int row = threadIdx.x / 16 * 4, column = threadIdx.x % 16 * 4;
    Four nextA = left.get(begin + step<Left>()), nextB = right.get(begin + step<Right>());
    int buffer = 0;
    for (int k = begin; k < end; k += STEP, buffer ^= 1) {
        put<Left>(a[buffer], nextA);
        put<Right>(b[buffer], nextB);
        __syncthreads();
        if (k + STEP < end) {
            nextA = left.get(k + STEP + step<Left>());
            nextB = right.get(k + STEP + step<Right>());
        }
        // No more at once: fetching ahead for all eight takes so many registers that one block would fill a
        // multiprocessor.
#pragma unroll 2
        for (int s = 0; s < STEP; s++) {
            float x[8], y[8];
#pragma unroll
            for (int h = 0; h < 2; h++) {
                *reinterpret_cast<float4 *>(&x[4 * h]) =
                    *reinterpret_cast<const float4 *>(&a[buffer][s][h * HALF + row]);
                *reinterpret_cast<float4 *>(&y[4 * h]) =
                    *reinterpret_cast<const float4 *>(&b[buffer][s][h * HALF + column]);
            }
#pragma unroll
            for (int i = 0; i < 8; i++)
#pragma unroll
                for (int j = 0; j < 8; j++) sum[i][j] += x[i] * y[j];
        }
    }
}

// One store of 16 bytes; a plain assignment the compiler may take apart again, and a warp's four would be scattered.
__device__ __forceinline__ void store16(float *to, float4 v) {
    asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};"
                 :: "l"(to), "f"(v.x), "f"(v.y), "f"(v.z), "f"(v.w) : "memory");
}

// y (rows, COLUMNS) = sum, or y += sum; with the bias of each column if there is one.
template <int COLUMNS>
__device__ void store(float *y, int rows, const float *bias, bool accumulate, const float (&sum)[8][8]) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const int m = tileRow<COLUMNS>(i);
        if (m >= rows) continue;
#pragma unroll
        for (int j = 0; j < 8; j += 4) {
            const int n = tileColumn<COLUMNS>(j);
            if (n >= COLUMNS) continue;
            float *to = y + (size_t)m * COLUMNS + n;
            if constexpr (COLUMNS % 4 == 0) {
                float4 v = {sum[i][j], sum[i][j + 1], sum[i][j + 2], sum[i][j + 3]};
                if (bias) {
                    const float4 b = *reinterpret_cast<const float4 *>(bias + n);
                    v.x += b.x, v.y += b.y, v.z += b.z, v.w += b.w;
                }
                if (accumulate) {
                    const float4 old = *reinterpret_cast<const float4 *>(to);
                    v.x += old.x, v.y += old.y, v.z += old.z, v.w += old.w;
                }
                store16(to, v);
            } else {
#pragma unroll
                for (int e = 0; e < 4; e++)
                    if (n + e < COLUMNS) to[e] = sum[i][j + e] + (bias ? bias[n + e] : 0) + (accumulate ? to[e] : 0);
            }
        }
    }
}
