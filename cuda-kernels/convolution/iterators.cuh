// Tile iterators: the operands A (M x K) and B (K x N) of the implicit matrix products, read from the tensors in place.
//
//                      A                                      B
//   forward            Im2colIterator<ForwardMapping>         RowMajorIterator: w
//   backward data      Im2colIterator<BackwardDataMapping>    TransposedFilterIterator: w
//   backward weights   TransposedIm2colIterator: x            RowMajorIterator: dy
//
// An iterator has a Map (thread_map.cuh), and for iteration i of the map access(i, kLeft) in the current tile, where so
// many k are left from the tile's first on. advance() goes on by Tile::K.
#pragma once
#include "convolution/mixed_radix.cuh"
#include "convolution/shape.cuh"
#include "convolution/thread_map.cuh"
#include "convolution/tile.cuh"

namespace convolution {

// Map::VECTOR elements. Not valid: they are zeros, and `from` must not be read.
struct Access {
    const float *from;
    bool valid;
};

// Forward: from an output pixel and a tap of the kernel to the pixel of x.
struct ForwardMapping {
    static constexpr int CHANNELS = INPUTS, ALIGNMENT = INPUT_ALIGNMENT, SOURCE_PIXELS = PIXELS, N = OUTPUTS;
    using Pixel = MixedRadix<OUT_HEIGHT, OUT_WIDTH>;   // image, row, column

    static __device__ int row(const Pixel &pixel) { return pixel.middle * STRIDE_HEIGHT - PAD_TOP; }
    static __device__ int column(const Pixel &pixel) { return pixel.low * STRIDE_WIDTH - PAD_LEFT; }

    // The source pixel within its image; -1 for padding.
    static __device__ int source(int row, int column, int tapRow, int tapColumn) {
        const int y = row + tapRow * DILATION_HEIGHT, x = column + tapColumn * DILATION_WIDTH;
        return (unsigned)y < HEIGHT && (unsigned)x < WIDTH ? y * WIDTH + x : -1;
    }
};

// Backward data: from an input pixel and a tap to the pixel of dy to which the tap carried it.
struct BackwardDataMapping {
    static constexpr int CHANNELS = OUTPUTS, ALIGNMENT = OUTPUT_ALIGNMENT, SOURCE_PIXELS = OUT_PIXELS, N = INPUTS;
    using Pixel = MixedRadix<HEIGHT, WIDTH>;

    static __device__ int row(const Pixel &pixel) { return pixel.middle + PAD_TOP; }
    static __device__ int column(const Pixel &pixel) { return pixel.low + PAD_LEFT; }

    // -1 where there is none. Negative coordinates become large unsigned numbers, and so are outside as well.
    static __device__ int source(int row, int column, int tapRow, int tapColumn) {
        const unsigned y = row - tapRow * DILATION_HEIGHT, x = column - tapColumn * DILATION_WIDTH;
        const bool inside = y % STRIDE_HEIGHT == 0 && x % STRIDE_WIDTH == 0 && y / STRIDE_HEIGHT < OUT_HEIGHT &&
                            x / STRIDE_WIDTH < OUT_WIDTH;
        return inside ? (int)(y / STRIDE_HEIGHT * OUT_WIDTH + x / STRIDE_WIDTH) : -1;
    }
};

// Operand A of forward and backward data: the im2col matrix of x or dy. Row m is a pixel (image, row, column), column k
// is (kernel row, kernel column, channel).
template <class Tile, class Mapping> class Im2colIterator {
    // If channels are a multiple of the tile's K, a tile has one tap, which stays for some tiles: `k` is the tile's.
    // Else it is the thread's.
    static constexpr bool ONE_TAP = Mapping::CHANNELS % Tile::K == 0;

public:
    using Map = ThreadMap<Tile::THREADS, Tile::M, Tile::K, Mapping::ALIGNMENT, true>;

    __device__ Im2colIterator(const float *images, int imageCount, int m)
            : from(images + (size_t)imageOf(m) * IMAGE), imageCount(imageCount), m(m + Map::mn(0)),
              k(ONE_TAP ? 0 : Map::contiguous()) {
        findSources();
    }
    __device__ Access access(int i, int) const { return {from + (offset[i] + k.low), offset[i] >= 0}; }
    __device__ void advance() {
        if (k.template add<Tile::K>() || !ONE_TAP) findSources();
    }

private:
    static constexpr int IMAGE = Mapping::SOURCE_PIXELS * Mapping::CHANNELS;

    static __device__ int imageOf(int m) { return typename Mapping::Pixel(m).high; }

    __device__ void findSources() {
        int m = this->m;
        // The compiler would keep all that does not depend on k in registers. Where sources are found seldom, or of
        // many pixels, computing it again is better: there are no registers to spare.
        if constexpr (ONE_TAP || Map::ITERATIONS > 4) asm volatile("" : "+r"(m));
        const int first = imageOf(tileRow<Tile, Mapping::N>());
#pragma unroll
        for (int i = 0; i < Map::ITERATIONS; i++) {
            const typename Mapping::Pixel pixel(m + Map::mn(i) - Map::mn(0));
            const int source = Mapping::source(Mapping::row(pixel), Mapping::column(pixel), k.high, k.middle);
            const bool inside = source >= 0 && pixel.high < imageCount && (ONE_TAP || k.high < KERNEL_HEIGHT);
            offset[i] = inside ? (pixel.high - first) * IMAGE + source * Mapping::CHANNELS +
                                 (ONE_TAP ? Map::contiguous() : 0) : -1;
        }
    }

    const float *from;            // the image of the tile's first pixel
    int imageCount, m;
    int offset[Map::ITERATIONS];  // of each source pixel from there on; -1: zeros
    MixedRadix<KERNEL_WIDTH, Mapping::CHANNELS> k;
};

// Operand B of forward, w, and of backward weights, dy: a row-major matrix (K, OUTPUTS), from its first row on. No
// bounds check along k if K is a multiple of the tile's K.
template <class Tile, bool K_MULTIPLE> class RowMajorIterator {
public:
    using Map = ThreadMap<Tile::THREADS, Tile::N, Tile::K, OUTPUT_ALIGNMENT, false>;

    __device__ RowMajorIterator(const float *matrix, int n)
            : from(matrix + Map::k(0) * OUTPUTS + n + Map::mn(0)),
              inside(OUTPUTS % Tile::N == 0 || n + Map::mn(0) < OUTPUTS) {}
    __device__ Access access(int i, int kLeft) const {
        return {from + (Map::k(i) - Map::k(0)) * OUTPUTS, inside && (K_MULTIPLE || Map::k(i) < kLeft)};
    }
    __device__ void advance() { from += Tile::K * OUTPUTS; }

private:
    const float *from;
    bool inside;
};

// Operand B of backward data: w with its channels transposed. Row k is (tap, output channel), column n an input
// channel.
template <class Tile> class TransposedFilterIterator {
    static constexpr bool K_MULTIPLE = OUTPUTS % Tile::K == 0;

public:
    using Map = ThreadMap<Tile::THREADS, Tile::N, Tile::K, OUTPUT_ALIGNMENT, true>;

    __device__ TransposedFilterIterator(const float *w, int n) : n(n), k(Map::contiguous()) {
        from = w + (size_t)(k.high * INPUTS + n + Map::mn(0)) * OUTPUTS + k.low;
    }
    __device__ Access access(int i, int) const {
        return {from + (Map::mn(i) - Map::mn(0)) * OUTPUTS,
                (INPUTS % Tile::N == 0 || n + Map::mn(i) < INPUTS) && (K_MULTIPLE || k.high < TAPS)};
    }
    __device__ void advance() {
        from += Tile::K;
        const int tap = k.high;
        if (k.template add<Tile::K>()) from += (k.high - tap) * (INPUTS - 1) * OUTPUTS;
    }

private:
    int n;
    MixedRadix<1, OUTPUTS> k;
    const float *from;
};

// Operand A of backward weights: the im2col matrix of x transposed. Row m is (kernel row, kernel column, channel),
// column k an output pixel.
template <class Tile> class TransposedIm2colIterator {
public:
    // With scalar accesses, neighbouring lanes take neighbouring pixels: the taps of one pixel may be far apart.
    static constexpr bool K_CONTIGUOUS = INPUT_ALIGNMENT == 1;
    using Map = ThreadMap<Tile::THREADS, Tile::M, Tile::K, INPUT_ALIGNMENT, K_CONTIGUOUS>;

    __device__ TransposedIm2colIterator(const float *x, int k, int m) : from(x) {
#pragma unroll
        for (int i = 0; i < HELD_TAPS; i++) {
            const MixedRadix<KERNEL_WIDTH, INPUTS> tap(m + Map::mn(i));
            const int y = tap.high * DILATION_HEIGHT - PAD_TOP, x = tap.middle * DILATION_WIDTH - PAD_LEFT;
            row[i] = tap.high < KERNEL_HEIGHT ? y : OUTSIDE;
            column[i] = x;
            offset[i] = (y * WIDTH + x) * INPUTS + tap.low;
        }
#pragma unroll
        for (int i = 0; i < HELD_PIXELS; i++) pixel[i] = MixedRadix<OUT_HEIGHT, OUT_WIDTH>(k + Map::k(i));
    }
    __device__ Access access(int i, int kLeft) const {
        const int p = i % HELD_PIXELS, t = i % HELD_TAPS;
        const int y = pixel[p].middle * STRIDE_HEIGHT, x = pixel[p].low * STRIDE_WIDTH;
        const bool inside = (unsigned)(y + row[t]) < HEIGHT && (unsigned)(x + column[t]) < WIDTH && Map::k(i) < kLeft;
        return {from + (size_t)pixel[p].high * (PIXELS * INPUTS) + ((y * WIDTH + x) * INPUTS + offset[t]), inside};
    }
    __device__ void advance() {
#pragma unroll
        for (int i = 0; i < HELD_PIXELS; i++) pixel[i].template add<Tile::K>();
    }

private:
    // What differs between iterations of the map: the tap if K_CONTIGUOUS, else the pixel.
    static constexpr int HELD_TAPS = K_CONTIGUOUS ? Map::ITERATIONS : 1;
    static constexpr int HELD_PIXELS = K_CONTIGUOUS ? 1 : Map::ITERATIONS;
    // A row that stays outside of the image whatever pixel is added.
    static constexpr int OUTSIDE = -(1 << 30);

    const float *from;
    // Of a tap relative to an output pixel's origin in x; the offset in values.
    int row[HELD_TAPS], column[HELD_TAPS], offset[HELD_TAPS];
    MixedRadix<OUT_HEIGHT, OUT_WIDTH> pixel[HELD_PIXELS];
};

}
