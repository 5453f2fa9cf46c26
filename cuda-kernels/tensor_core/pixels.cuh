// The operands of backward weights, in chunks of 16 bytes along channels. Their k is an output pixel: A is the im2col
// matrix of x transposed, B is dy.
#pragma once
#include "convolution/mixed_radix.cuh"
#include "convolution/shape.cuh"
#include "tensor_core/chunk_map.cuh"

namespace tensor_core {

// Operand A. Row m is (kernel row, kernel column, channel).
template <class T, class Tile> class TransposedIm2colIterator {
    static constexpr int STEP = Tile::STEP_BYTES / sizeof(T), CHUNK = 16 / sizeof(T);
    static constexpr int IMAGE = convolution::PIXELS * PADDED_INPUTS;

public:
    // The same pixels for each tap of the tile.
    static constexpr bool REUSED = true;
    using Map = ChunkMap<Tile::THREADS, STEP, Tile::M * sizeof(T), sizeof(T) == 2 ? 8 : 4>;

    // The pixels from `begin` on, before `end`. m: the tile's first row.
    __device__ __forceinline__ TransposedIm2colIterator(const T *x, int begin, int end, int m) : left(end - begin) {
        const convolution::MixedRadix<KERNEL_WIDTH, PADDED_INPUTS> tap(m + Map::chunk() * CHUNK);
        row = tap.high < KERNEL_HEIGHT ? tap.high * DILATION_HEIGHT - PAD_TOP : OUTSIDE;
        column = tap.middle * DILATION_WIDTH - PAD_LEFT;
        from = x + tap.low;
#pragma unroll
        for (int i = 0; i < Map::ITERATIONS; i++) pixel[i] = Pixel(begin + Map::row(i));
    }
    __device__ __forceinline__ const T *source(int i) const {
        const int y = pixel[i].middle * STRIDE_HEIGHT + row, x = pixel[i].low * STRIDE_WIDTH + column;
        return from + ((long long)pixel[i].high * IMAGE + (y * WIDTH + x) * PADDED_INPUTS);
    }
    __device__ __forceinline__ unsigned bytes(int i) const {
        const int y = pixel[i].middle * STRIDE_HEIGHT + row, x = pixel[i].low * STRIDE_WIDTH + column;
        return (unsigned)y < HEIGHT && (unsigned)x < WIDTH && Map::row(i) < left ? 16 : 0;
    }
    __device__ __forceinline__ void advance() {
        left -= STEP;
#pragma unroll
        for (int i = 0; i < Map::ITERATIONS; i++) pixel[i].template add<STEP>();
    }

private:
    using Pixel = convolution::MixedRadix<OUT_HEIGHT, OUT_WIDTH>;   // image, row, column
    // A row that stays outside of the image whatever pixel is added.
    static constexpr int OUTSIDE = -(1 << 20);

    const T *from;              // the channels of the chunk in the first pixel
    int left;                   // pixels
    int row, column;            // of the tap, relative to an output pixel's place in x
    Pixel pixel[Map::ITERATIONS];
};

// Operand B: dy (K, PADDED_OUTPUTS).
template <class T, class Tile> class PixelIterator {
    static constexpr int STEP = Tile::STEP_BYTES / sizeof(T), CHUNK = 16 / sizeof(T);

public:
    static constexpr bool REUSED = false;
    using Map = ChunkMap<Tile::THREADS, STEP, Tile::N * sizeof(T), sizeof(T) == 2 ? 8 : 4>;

    // n: the tile's first column.
    __device__ __forceinline__ PixelIterator(const T *dy, int begin, int end, int n)
            : from(dy + (size_t)(begin + Map::row(0)) * PADDED_OUTPUTS + n + Map::chunk() * CHUNK),
              left(n + Map::chunk() * CHUNK < PADDED_OUTPUTS ? end - begin : 0) {}
    __device__ __forceinline__ const T *source(int i) const { return from + i * Map::STRIDE * PADDED_OUTPUTS; }
    __device__ __forceinline__ unsigned bytes(int i) const { return Map::row(i) < left ? 16 : 0; }
    __device__ __forceinline__ void advance() {
        left -= STEP;
        from += STEP * PADDED_OUTPUTS;
    }

private:
    const T *from;
    int left;          // pixels; none for a chunk of no channels
};

}
