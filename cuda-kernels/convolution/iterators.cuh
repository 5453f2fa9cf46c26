// Convolution in NHWC as implicit matrix multiplication: no image is ever unrolled into columns in memory.
//
//   forward           y[m, n]  = sum over k of x[pixel of m at the tap of k, channel of k] * w[k, n]
//                     m: (image, y, x) of the output; n: output channel; k: (kernel row, column, input channel)
//   backward data     dx[m, n] = sum over k of dy[pixel of m at tap of k, channel of k] * w[tap of k, n, channel of k]
//                     m: (image, y, x) of the input; n: input channel; k: (kernel row, column, output channel)
//   backward weights  dw[m, n] = sum over k of x[pixel k at the tap of m, channel of m] * dy[k, n]
//                     m: (kernel row, column, input channel); n: output channel; k: (image, y, x) of the output
//
// One tiled matrix product serves all three; only where the elements of its two matrices lie differs. A block makes a
// tile of the product, each thread a part of the tile in registers. Per step in k a thread fetches a few values of
// either matrix from device memory while it multiplies those of the step before: two buffers in shared memory, one
// barrier a step. Fetches are of up to 16 bytes where channels come in fours, else of 4.
//
// Bound by operations where there are many channels: for each k a tile reads ROWS + COLUMNS values for ROWS * COLUMNS
// multiply-adds, 51 to 64 to a value in tiles of 64 sums a thread, where 16 values from shared memory serve 64. Counted
// from 64 to 256 channels: 80 to 86 of 100 instructions are multiply-adds, with 12 to 16 of them to a byte; all of the
// sectors moved is asked for, and nothing waits for a bank. A 1 x 1 kernel has 4 to 10 to a byte.
//
// Few channels are bound by bytes. Of a pixel's one or three a warp fetches pieces of some taps and some pixels, and
// about half of each sector is asked for: in a frame of 64 x 64 that costs 0.9 of 7.7 MB from 1 channel forward, and
// 0.5 of 2.3 MB from the gradient of 3 backward; nearly all else is what is written. These pieces overlap and come from
// the nearest cache: the whole frame has 16 and 48 KiB.
//
// A layer's shape is given when this is compiled, so that finding a tap costs no division and few registers:
//   HEIGHT, WIDTH, INPUTS               of x
//   OUT_HEIGHT, OUT_WIDTH, OUTPUTS      of y
//   KERNEL_HEIGHT, KERNEL_WIDTH, STRIDE_HEIGHT, STRIDE_WIDTH, DILATION_HEIGHT, DILATION_WIDTH, PAD_TOP, PAD_LEFT
#pragma once

constexpr int TAPS = KERNEL_HEIGHT * KERNEL_WIDTH, PIXELS = HEIGHT * WIDTH, OUT_PIXELS = OUT_HEIGHT * OUT_WIDTH;
// How many values of a pixel lie together at a multiple of their size.
constexpr int INPUTS_TOGETHER = INPUTS % 4 == 0 ? 4 : 1, OUTPUTS_TOGETHER = OUTPUTS % 4 == 0 ? 4 : 1;

// The part of a product that a block makes, ROWS x COLUMNS, with STEP of k at a time. A thread makes HIGH x WIDE of it,
// in groups of 4 x 4 that lie ROWS / (HIGH / 4) rows and COLUMNS / (WIDE / 4) columns apart: so the lanes of a warp
// read consecutive words of shared memory.
template <int ROWS_, int COLUMNS_, int STEP_, int HIGH_, int WIDE_> struct Tile {
    static constexpr int ROWS = ROWS_, COLUMNS = COLUMNS_, STEP = STEP_, HIGH = HIGH_, WIDE = WIDE_;
    static constexpr int ROW_GROUPS = HIGH / 4, COLUMN_GROUPS = WIDE / 4;
    static constexpr int ACROSS = COLUMNS / WIDE, THREADS = ROWS / HIGH * ACROSS;
    // Of a multiprocessor; a thread then has 128 registers.
    static constexpr int BLOCKS = THREADS > 64 ? 512 / THREADS : 7;    // of 64 threads, what 64 KiB hold

    // A warp's threads form a rectangle, for which the two matrices' values are read at once.
    static constexpr int WARP_ACROSS = ACROSS < 8 ? ACROSS : 8, WARP_DOWN = 32 / WARP_ACROSS;

    static __device__ int threadRow() {
        return threadIdx.x / 32 / (ACROSS / WARP_ACROSS) * WARP_DOWN + threadIdx.x % 32 / WARP_ACROSS;
    }
    static __device__ int threadColumn() {
        return threadIdx.x / 32 % (ACROSS / WARP_ACROSS) * WARP_ACROSS + threadIdx.x % WARP_ACROSS;
    }

    // Where the thread's i-th row, j-th column lie in the tile.
    static __device__ int row(int i) { return i / 4 * (ROWS / ROW_GROUPS) + threadRow() * 4 + i % 4; }
    static __device__ int column(int j) { return j / 4 * (COLUMNS / COLUMN_GROUPS) + threadColumn() * 4 + j % 4; }
};

// Where the block's tile lies in a product with so many columns. Tiles of the same rows are neighbours, so that what
// they share of the long matrix is still in the cache.
template <class Tile, int COLUMNS> __device__ int firstRow() {
    return blockIdx.x / ((COLUMNS + Tile::COLUMNS - 1) / Tile::COLUMNS) * Tile::ROWS;
}
template <class Tile, int COLUMNS> __device__ int firstColumn() {
    return blockIdx.x % ((COLUMNS + Tile::COLUMNS - 1) / Tile::COLUMNS) * Tile::COLUMNS;
}

// A number with three digits, high, middle below MIDDLE, and low below LOW, that counts without dividing.
template <int MIDDLE, int LOW> struct Digits {
    int high, middle, low;

    __device__ explicit Digits(int value = 0)
            : high(value / LOW / MIDDLE), middle(value / LOW % MIDDLE), low(value % LOW) {}

    // Returns whether more than the low digit has changed.
    template <int N> __device__ __forceinline__ bool add() {
        constexpr int LOWS = N % LOW, MIDDLES = N / LOW % MIDDLE, HIGHS = N / LOW / MIDDLE;
        low += LOWS;
        const bool over = LOWS != 0 && low >= LOW;
        if (over) low -= LOW;
        if (N < LOW && !over) return false;
        middle += MIDDLES + over;
        const bool overMiddle = middle >= MIDDLE;
        if (overMiddle) middle -= MIDDLE;
        high += HIGHS + overMiddle;
        return true;
    }
};

// What one access moves.
template <int N> struct Values {
    float v[N] = {};

    __device__ __forceinline__ void load(const float *from) {
        if constexpr (N == 4) {
            const float4 all = *reinterpret_cast<const float4 *>(from);
            v[0] = all.x, v[1] = all.y, v[2] = all.z, v[3] = all.w;
        } else if constexpr (N == 2) {
            const float2 all = *reinterpret_cast<const float2 *>(from);
            v[0] = all.x, v[1] = all.y;
        } else {
            v[0] = *from;
        }
    }
    __device__ __forceinline__ void store(float *to) const {
        if constexpr (N == 4)
            *reinterpret_cast<float4 *>(to) = make_float4(v[0], v[1], v[2], v[3]);
        else if constexpr (N == 2)
            *reinterpret_cast<float2 *>(to) = make_float2(v[0], v[1]);
        else
            *to = v[0];
    }
};

template <int N> __device__ __forceinline__ Values<N> fetch(const float *from, bool inside) {
    Values<N> values;
    if (inside) values.load(from);
    return values;
}

// How the threads of a block divide among them what is fetched of a matrix in a step, LENGTH places of its long axis,
// m or n, with STEP of k each: in rounds, and in each of them every thread VECTOR values that lie together in memory,
// along k if K_FIRST, else along the long axis; so do neighbouring threads'. TOGETHER is how many values always do.
template <int THREADS, int LENGTH, int STEP, int TOGETHER, bool K_FIRST> struct Share {
    static constexpr int EACH = (LENGTH * STEP + THREADS - 1) / THREADS;
    static constexpr int VECTOR = EACH < TOGETHER ? EACH : TOGETHER, COUNT = LENGTH * STEP / VECTOR;
    static constexpr int ROUNDS = (COUNT + THREADS - 1) / THREADS;
    static constexpr int IN_A_ROW = (K_FIRST ? STEP : LENGTH) / VECTOR;
    static_assert(THREADS % IN_A_ROW == 0, "a thread's place within a row is the same in all rounds");

    // Whether a thread has any in this round.
    static __device__ bool any(int round) {
        return COUNT % THREADS == 0 || threadIdx.x + round * THREADS < COUNT;
    }
    static __device__ int along() { return threadIdx.x % IN_A_ROW * VECTOR; }
    static __device__ int across(int round) { return threadIdx.x / IN_A_ROW + round * (THREADS / IN_A_ROW); }
    static __device__ int place(int round) { return K_FIRST ? across(round) : along(); }
    static __device__ int k(int round) { return K_FIRST ? along() : across(round); }

    template <int ROW> static __device__ void put(float (*to)[ROW], int round, const Values<VECTOR> &values) {
        if (!any(round)) return;
        if constexpr (K_FIRST) {
#pragma unroll
            for (int i = 0; i < VECTOR; i++) to[k(round) + i][place(round)] = values.v[i];
        } else {
            values.store(&to[k(round)][place(round)]);
        }
    }
};

// A row or column of pixels that is outside whatever tap is added.
constexpr int OUTSIDE = -(1 << 30);

// From output pixels, by the taps of the kernel, to pixels of x.
struct ToInput {
    static constexpr int COLUMNS = OUTPUTS, CHANNELS = INPUTS, TOGETHER = INPUTS_TOGETHER, TO_PIXELS = PIXELS;
    using From = Digits<OUT_HEIGHT, OUT_WIDTH>;   // image, row, column

    static __device__ int row(const From &pixel) { return pixel.middle * STRIDE_HEIGHT - PAD_TOP; }
    static __device__ int column(const From &pixel) { return pixel.low * STRIDE_WIDTH - PAD_LEFT; }

    // The pixel within its image; -1 if it is outside.
    static __device__ int pixel(int row, int column, int tapRow, int tapColumn) {
        const int y = row + tapRow * DILATION_HEIGHT, x = column + tapColumn * DILATION_WIDTH;
        return (unsigned)y < HEIGHT && (unsigned)x < WIDTH ? y * WIDTH + x : -1;
    }
};

// From input pixels to those pixels of y that they went into by a tap.
struct ToOutput {
    static constexpr int COLUMNS = INPUTS, CHANNELS = OUTPUTS, TOGETHER = OUTPUTS_TOGETHER, TO_PIXELS = OUT_PIXELS;
    using From = Digits<HEIGHT, WIDTH>;

    static __device__ int row(const From &pixel) { return pixel.middle + PAD_TOP; }
    static __device__ int column(const From &pixel) { return pixel.low + PAD_LEFT; }

    // What is negative is a large number without its sign, and outside as well.
    static __device__ int pixel(int row, int column, int tapRow, int tapColumn) {
        const unsigned y = row - tapRow * DILATION_HEIGHT, x = column - tapColumn * DILATION_WIDTH;
        const bool inside = y % STRIDE_HEIGHT == 0 && x % STRIDE_WIDTH == 0 && y / STRIDE_HEIGHT < OUT_HEIGHT &&
                            x / STRIDE_WIDTH < OUT_WIDTH;
        return inside ? (int)(y / STRIDE_HEIGHT * OUT_WIDTH + x / STRIDE_WIDTH) : -1;
    }
};

// Each matrix of a product is a class, which says how it is shared among the threads, gives what a thread fetches in a
// round of the current step, where so many k are left, and goes on to the next step.

// Left matrices of forward, x at the taps of output pixels from m on, and of backward data, dy of the output pixels
// that input pixels from m on went into.
template <class Tile, class Way> class PixelsAtTaps {
    // Then all threads are at the same tap, which lasts for some steps, and k is the step's, else the thread's.
    static constexpr bool IN_STEPS = Way::CHANNELS % Tile::STEP == 0;

public:
    using Part = Share<Tile::THREADS, Tile::ROWS, Tile::STEP, Way::TOGETHER, true>;

    __device__ PixelsAtTaps(const float *pixels, int images, int m)
            : from(pixels + (size_t)first(m) * IMAGE), images(images), m(m + Part::place(0)),
              k(IN_STEPS ? 0 : Part::along()) {
        find();
    }
    __device__ Values<Part::VECTOR> get(int r, int) const {
        return fetch<Part::VECTOR>(from + (at[r] + k.low), at[r] >= 0);
    }
    __device__ void advance() {
        if (k.template add<Tile::STEP>() || !IN_STEPS) find();
    }

private:
    static constexpr int IMAGE = Way::TO_PIXELS * Way::CHANNELS;

    static __device__ int first(int m) { return typename Way::From(m).high; }

    __device__ void find() {
        int m = this->m;
        // The compiler would keep all that does not depend on k. For a tap that lasts, or of many pixels, it is better
        // found anew: there are no registers to spare.
        if constexpr (IN_STEPS || Part::ROUNDS > 4) asm volatile("" : "+r"(m));
        const int first = this->first(firstRow<Tile, Way::COLUMNS>());
#pragma unroll
        for (int r = 0; r < Part::ROUNDS; r++) {
            const typename Way::From pixel(m + Part::place(r) - Part::place(0));
            const int to = Way::pixel(Way::row(pixel), Way::column(pixel), k.high, k.middle);
            const bool inside = to >= 0 && pixel.high < images && (IN_STEPS || k.high < KERNEL_HEIGHT);
            at[r] = inside ? (pixel.high - first) * IMAGE + to * Way::CHANNELS + (IN_STEPS ? Part::along() : 0) : -1;
        }
    }

    const float *from;         // the image of the tile's first pixel
    int images, m;
    int at[Part::ROUNDS];      // where each pixel's tap is, from there on; -1: outside
    Digits<KERNEL_WIDTH, Way::CHANNELS> k;
};

// Right matrices of forward, w, and of backward weights, dy: rows of OUTPUTS as they lie, which begin with the step's
// first k; whole steps of them if IN_STEPS.
template <class Tile, bool IN_STEPS> class Rows {
public:
    using Part = Share<Tile::THREADS, Tile::COLUMNS, Tile::STEP, OUTPUTS_TOGETHER, false>;

    __device__ Rows(const float *matrix, int n)
            : from(matrix + Part::k(0) * OUTPUTS + n + Part::place(0)),
              inside(OUTPUTS % Tile::COLUMNS == 0 || n + Part::place(0) < OUTPUTS) {}
    __device__ Values<Part::VECTOR> get(int r, int left) const {
        return fetch<Part::VECTOR>(from + (Part::k(r) - Part::k(0)) * OUTPUTS,
                inside && (IN_STEPS || Part::k(r) < left));
    }
    __device__ void advance() { from += Tile::STEP * OUTPUTS; }

private:
    const float *from;
    bool inside;
};

// Backward data's right matrix: w with its channels exchanged, w[tap of k, n, channel of k].
template <class Tile> class ExchangedWeights {
    static constexpr bool IN_STEPS = OUTPUTS % Tile::STEP == 0;

public:
    using Part = Share<Tile::THREADS, Tile::COLUMNS, Tile::STEP, OUTPUTS_TOGETHER, true>;

    __device__ ExchangedWeights(const float *w, int n) : n(n), k(Part::along()) {
        from = w + (size_t)(k.high * INPUTS + n + Part::place(0)) * OUTPUTS + k.low;
    }
    __device__ Values<Part::VECTOR> get(int r, int) const {
        const int columns = Part::place(r) - Part::place(0);
        return fetch<Part::VECTOR>(from + columns * OUTPUTS,
                (INPUTS % Tile::COLUMNS == 0 || n + Part::place(r) < INPUTS) && (IN_STEPS || k.high < TAPS));
    }
    __device__ void advance() {
        from += Tile::STEP;
        const int tap = k.high;
        if (k.template add<Tile::STEP>()) from += (k.high - tap) * (INPUTS - 1) * OUTPUTS;
    }

private:
    int n;
    Digits<1, OUTPUTS> k;
    const float *from;
};

// Backward weights' left matrix: x at the taps and channels from m on, of the output pixels from k on.
template <class Tile> class InputOfTap {
public:
    // With single values, neighbouring lanes take neighbouring pixels: those of a channel may be far apart.
    static constexpr bool K_FIRST = INPUTS_TOGETHER == 1;
    using Part = Share<Tile::THREADS, Tile::ROWS, Tile::STEP, INPUTS_TOGETHER, K_FIRST>;

    __device__ InputOfTap(const float *x, int k, int m) : from(x) {
#pragma unroll
        for (int r = 0; r < TAPS_HELD; r++) {
            const Digits<KERNEL_WIDTH, INPUTS> tap(m + Part::place(r));
            const int y = tap.high * DILATION_HEIGHT - PAD_TOP, x = tap.middle * DILATION_WIDTH - PAD_LEFT;
            row[r] = tap.high < KERNEL_HEIGHT ? y : OUTSIDE;
            column[r] = x;
            at[r] = (y * WIDTH + x) * INPUTS + tap.low;
        }
#pragma unroll
        for (int r = 0; r < PIXELS_HELD; r++) pixel[r] = Digits<OUT_HEIGHT, OUT_WIDTH>(k + Part::k(r));
    }
    __device__ Values<Part::VECTOR> get(int r, int left) const {
        const int p = r % PIXELS_HELD, t = r % TAPS_HELD;
        const int y = pixel[p].middle * STRIDE_HEIGHT, x = pixel[p].low * STRIDE_WIDTH;
        const bool inside = (unsigned)(y + row[t]) < HEIGHT && (unsigned)(x + column[t]) < WIDTH &&
                            Part::k(r) < left;
        return fetch<Part::VECTOR>(
                from + (size_t)pixel[p].high * (PIXELS * INPUTS) + ((y * WIDTH + x) * INPUTS + at[t]), inside);
    }
    __device__ void advance() {
#pragma unroll
        for (int r = 0; r < PIXELS_HELD; r++) pixel[r].template add<Tile::STEP>();
    }

private:
    // What differs between rounds: with K_FIRST the tap, else the pixel.
    static constexpr int TAPS_HELD = K_FIRST ? Part::ROUNDS : 1, PIXELS_HELD = K_FIRST ? 1 : Part::ROUNDS;

    const float *from;
    int row[TAPS_HELD], column[TAPS_HELD], at[TAPS_HELD];   // from an output pixel's first tap: at, in values
    Digits<OUT_HEIGHT, OUT_WIDTH> pixel[PIXELS_HELD];
};

// What a thread holds of a matrix between fetching it and putting it into shared memory.
template <class Matrix> struct Fetched {
    using Part = typename Matrix::Part;
    Values<Part::VECTOR> values[Part::ROUNDS];

    __device__ void get(const Matrix &matrix, int left) {
#pragma unroll
        for (int r = 0; r < Part::ROUNDS; r++)
            if (Part::any(r)) values[r] = matrix.get(r, left);
    }
    template <int ROW> __device__ void put(float (*to)[ROW]) const {
#pragma unroll
        for (int r = 0; r < Part::ROUNDS; r++) Part::put(to, r, values[r]);
    }
};

// Parts of both matrices in shared memory, two of each. Padded, so that what is transposed on its way here takes no
// bank twice.
template <class Tile> struct Operands {
    float a[2][Tile::STEP][Tile::ROWS + 4], b[2][Tile::STEP][Tile::COLUMNS + 4];
};

// What a block that stores its results needs of shared memory: first for operands, then, where columns do not come in
// fours, for results, a group of rows at a time.
template <class Tile, int COLUMNS> union Shared {
    static constexpr int GROUP = Tile::ROWS / Tile::ROW_GROUPS;
    static constexpr int WIDEST = COLUMNS < Tile::COLUMNS ? COLUMNS : Tile::COLUMNS;

    Operands<Tile> operands;
    float results[COLUMNS % 4 == 0 ? 1 : GROUP * WIDEST];
};

// K, in a way that the compiler does not write out a short product whole, with all its fetches at once.
template <class Tile, int K> __device__ __forceinline__ int length() {
    int k = K;
    if constexpr (K <= 4 * Tile::STEP) asm volatile("" : "+r"(k));
    return k;
}

// sum = a * b over so many k, at least one.
template <class Tile, class A, class B>
__device__ __forceinline__ void multiply(A a, B b, int left, Operands<Tile> &shared,
        float (&sum)[Tile::HIGH][Tile::WIDE]) {
    Fetched<A> nextA;
    Fetched<B> nextB;
    nextA.get(a, left);
    nextB.get(b, left);
    const auto step = [&](int buffer) {
        nextA.put(shared.a[buffer]);
        nextB.put(shared.b[buffer]);
        __syncthreads();
        left -= Tile::STEP;
        if (left > 0) {
            a.advance();
            b.advance();
            nextA.get(a, left);
            nextB.get(b, left);
        }
#pragma unroll
        for (int s = 0; s < Tile::STEP; s++) {
            float x[Tile::HIGH], y[Tile::WIDE];
#pragma unroll
            for (int i = 0; i < Tile::HIGH; i += 4)
                *reinterpret_cast<float4 *>(&x[i]) =
                        *reinterpret_cast<const float4 *>(&shared.a[buffer][s][Tile::row(i)]);
#pragma unroll
            for (int j = 0; j < Tile::WIDE; j += 4)
                *reinterpret_cast<float4 *>(&y[j]) =
                        *reinterpret_cast<const float4 *>(&shared.b[buffer][s][Tile::column(j)]);
#pragma unroll
            for (int i = 0; i < Tile::HIGH; i++)
#pragma unroll
                for (int j = 0; j < Tile::WIDE; j++) sum[i][j] += x[i] * y[j];
        }
        return left > 0;
    };
    while (step(0) && step(1)) {}
}

// One store of 16 bytes; a plain assignment the compiler may take apart again, and a warp's four would be scattered.
__device__ __forceinline__ void store16(float *to, float4 v) {
    asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};"
                 :: "l"(to), "f"(v.x), "f"(v.y), "f"(v.z), "f"(v.w) : "memory");
}

// y (rows, COLUMNS) = sum, or y += sum; with the bias of each column if there is one.
template <class Tile, int COLUMNS>
__device__ __forceinline__ void store(float *y, int rows, const float *bias, bool accumulate,
        Shared<Tile, COLUMNS> &shared, const float (&sum)[Tile::HIGH][Tile::WIDE]) {
    const int row = firstRow<Tile, COLUMNS>(), column = firstColumn<Tile, COLUMNS>();
    if constexpr (COLUMNS % 4 == 0) {
        float4 b[Tile::COLUMN_GROUPS];
        if (bias) {
#pragma unroll
            for (int j = 0; j < Tile::WIDE; j += 4)
                if (const int n = column + Tile::column(j); n < COLUMNS)
                    b[j / 4] = *reinterpret_cast<const float4 *>(bias + n);
        }
#pragma unroll
        for (int i = 0; i < Tile::HIGH; i++) {
            const int m = row + Tile::row(i);
            if (m >= rows) continue;
#pragma unroll
            for (int j = 0; j < Tile::WIDE; j += 4) {
                const int n = column + Tile::column(j);
                if (COLUMNS % Tile::COLUMNS != 0 && n >= COLUMNS) continue;
                float *to = y + (size_t)m * COLUMNS + n;
                float4 v = {sum[i][j], sum[i][j + 1], sum[i][j + 2], sum[i][j + 3]};
                if (bias) v.x += b[j / 4].x, v.y += b[j / 4].y, v.z += b[j / 4].z, v.w += b[j / 4].w;
                if (accumulate) {
                    const float4 old = *reinterpret_cast<const float4 *>(to);
                    v.x += old.x, v.y += old.y, v.z += old.z, v.w += old.w;
                }
                store16(to, v);
            }
        }
    } else {
        // By way of shared memory, so that neighbouring lanes write neighbouring values.
        constexpr int GROUP = Shared<Tile, COLUMNS>::GROUP;
        const int width = COLUMNS <= Tile::COLUMNS ? COLUMNS : min(COLUMNS - column, Tile::COLUMNS);
#pragma unroll
        for (int g = 0; g < Tile::ROW_GROUPS; g++) {
            __syncthreads();
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < Tile::WIDE; j++)
                    if (Tile::column(j) < width)
                        shared.results[Tile::row(i) * width + Tile::column(j)] = sum[4 * g + i][j];
            __syncthreads();
            const int first = row + g * GROUP, count = min(GROUP, rows - first) * width;
            for (int i = threadIdx.x; i < count; i += Tile::THREADS) {
                const int n = column + i % width;
                float *to = y + (size_t)(first + i / width) * COLUMNS + n;
                *to = shared.results[i] + (bias ? bias[n] : 0) + (accumulate ? *to : 0);
            }
        }
    }
}
