// Operand A of forward and backward data: the im2col matrix of x or dy, read in place, in chunks of 16 bytes along k.
// Row m is a pixel (image, row, column), column k is (channels of a block, kernel row, kernel column, channel); a block
// is a step of the main loop if channels fill whole ones, else all channels. So the pixels around a tile are read for
// all taps before other channels are: all but the first read of each comes from the L1 cache.
//
// A mapping (mappings.cuh) says where a pixel's tap is in the source. Where that is linear in the tap, a thread keeps
// for each of its rows where the first tap is, and a bit for each tap whether it is inside the image: a step of k costs
// two additions and a shift a row. Else, as in backward data of strides, it finds the source again for each tap.
#pragma once
#include "convolution/mixed_radix.cuh"
#include "tensor_core/chunk_map.cuh"
#include "tensor_core/mma.cuh"
#include "tensor_core/packed.cuh"

namespace tensor_core {

__device__ constexpr long long distance(int step) { return step < 0 ? -step : step; }

// The bits of the taps, each times 16; a step reaches up to 7 taps beyond the last.
template <bool LONG> struct TapBits {
    using Type = unsigned;
};
template <> struct TapBits<true> {
    using Type = unsigned long long;
};

// The thread's place in the matrix. The mapping is given with each call, so that one matrix can follow another.
template <class T, class Tile> class Im2col {
    static constexpr int STEP = Tile::STEP_BYTES / sizeof(T), CHUNK = 16 / sizeof(T);
    static constexpr int TAPS = KERNEL_HEIGHT * KERNEL_WIDTH;
    using Bits = typename TapBits<(TAPS > 25)>::Type;

    // How far the last tap is from the first one, in bytes.
    template <class Mapping> static constexpr long long REACH =
            ((KERNEL_HEIGHT - 1LL) * distance(Mapping::ROW_STEP) * Mapping::SOURCE_WIDTH
             + (KERNEL_WIDTH - 1LL) * distance(Mapping::COLUMN_STEP)) * Mapping::CHANNELS * (int)sizeof(T);
    // Offsets have 32 bits: half of their range for this, half for the images of the tile.
    template <class Mapping> static constexpr bool MASKED =
            Mapping::LINEAR && TAPS <= 57 && REACH<Mapping> < (1 << 30);
    // A step has the same tap for all its channels.
    template <class Mapping> static constexpr bool ONE_TAP = Mapping::CHANNELS % STEP == 0;
    template <class Mapping> static constexpr int IMAGE = Mapping::SOURCE_PIXELS * Mapping::CHANNELS;

public:
    using Map = ChunkMap<Tile::THREADS, Tile::M, Tile::STEP_BYTES, 8>;

    // From the first k on. m: the tile's first row.
    template <class Mapping> __device__ __forceinline__ void start(const T *images, int imageCount, int m) {
        this->m = m;
        this->imageCount = imageCount;
        const convolution::MixedRadix<KERNEL_WIDTH, Mapping::CHANNELS> k(ONE_TAP<Mapping> ? 0 : Map::chunk() * CHUNK);
        tapRow = k.high, tapColumn = k.middle, channel = k.low;
        images += (size_t)typename Mapping::Pixel(m).high * IMAGE<Mapping>;
        if (ONE_TAP<Mapping>) images += Map::chunk() * CHUNK;
        first = reinterpret_cast<const char *>(images);
        if constexpr (MASKED<Mapping>) findOrigins<Mapping>();
        findTap<Mapping>();
    }
    // Goes on by a step.
    template <class Mapping> __device__ __forceinline__ void advance() {
        if constexpr (ONE_TAP<Mapping>) {
            tapColumn++;
            if (tapColumn == KERNEL_WIDTH) tapColumn = 0, tapRow++;
            if (tapRow == KERNEL_HEIGHT) tapRow = 0, channel += STEP;
        } else {
            convolution::MixedRadix<KERNEL_WIDTH, Mapping::CHANNELS> k(tapRow, tapColumn, channel);
            k.template add<STEP>();
            tapRow = k.high, tapColumn = k.middle, channel = k.low;
        }
        findTap<Mapping>();
    }
    // Where the chunk of the thread's i-th row is, and how many of its bytes are read: 16 or 0.
    __device__ __forceinline__ const void *source(int i) const { return from + origin[i]; }
    __device__ __forceinline__ unsigned bytes(int i) const { return (unsigned)(inside[i] >> tap) & 16; }

private:
    template <class Mapping> __device__ __forceinline__ void findOrigins() {
        const int firstImage = typename Mapping::Pixel(m).high;
#pragma unroll
        for (int i = 0; i < Map::ITERATIONS; i++) {
            const typename Mapping::Pixel pixel(m + Map::row(i));
            const int row = Mapping::row(pixel), column = Mapping::column(pixel);
            const int source = row * Mapping::SOURCE_WIDTH + column;
            origin[i] = ((pixel.high - firstImage) * Mapping::SOURCE_PIXELS + source)
                        * (Mapping::CHANNELS * (int)sizeof(T));
            Bits columns = 0, taps = 0;
#pragma unroll
            for (int c = 0; c < KERNEL_WIDTH; c++)
                if ((unsigned)(column + c * Mapping::COLUMN_STEP) < Mapping::SOURCE_WIDTH) columns |= (Bits)16 << c;
#pragma unroll
            for (int r = 0; r < KERNEL_HEIGHT; r++)
                if ((unsigned)(row + r * Mapping::ROW_STEP) < Mapping::SOURCE_HEIGHT)
                    taps |= columns << r * KERNEL_WIDTH;
            inside[i] = pixel.high < imageCount ? taps : 0;
        }
    }

    template <class Mapping> __device__ __forceinline__ void findTap() {
        if constexpr (MASKED<Mapping>) {
            tap = beyond<Mapping>() ? TAPS : tapRow * KERNEL_WIDTH + tapColumn;
            const int pixels = tapRow * (Mapping::ROW_STEP * Mapping::SOURCE_WIDTH) + tapColumn * Mapping::COLUMN_STEP;
            from = first + (pixels * Mapping::CHANNELS + channel) * (int)sizeof(T);
        } else {
            // Computed again for each tap: there are no registers to keep what does not depend on it.
            int row = m;
            asm volatile("" : "+r"(row));
            const int firstImage = typename Mapping::Pixel(row).high;
            tap = 0;
            from = first + channel * sizeof(T);
#pragma unroll
            for (int i = 0; i < Map::ITERATIONS; i++) {
                const typename Mapping::Pixel pixel(row + Map::row(i));
                const int source = sourceOf<Mapping>(Mapping::row(pixel), Mapping::column(pixel));
                origin[i] = ((pixel.high - firstImage) * Mapping::SOURCE_PIXELS + source)
                            * (Mapping::CHANNELS * (int)sizeof(T));
                inside[i] = source >= 0 && pixel.high < imageCount && !beyond<Mapping>() ? 16 : 0;
            }
        }
    }

    // Whether k is beyond the last one, which packed weights may be.
    template <class Mapping> __device__ __forceinline__ bool beyond() const {
        constexpr int K = TAPS * Mapping::CHANNELS;
        return packedDepth<T>(K) != K && (ONE_TAP<Mapping> ? channel >= Mapping::CHANNELS : tapRow >= KERNEL_HEIGHT);
    }

    // The source pixel of the current tap within its image; -1: padding.
    template <class Mapping> __device__ __forceinline__ int sourceOf(int row, int column) const {
        if constexpr (Mapping::LINEAR) {
            const int y = row + tapRow * Mapping::ROW_STEP, x = column + tapColumn * Mapping::COLUMN_STEP;
            return (unsigned)y < Mapping::SOURCE_HEIGHT && (unsigned)x < Mapping::SOURCE_WIDTH
                           ? y * Mapping::SOURCE_WIDTH + x : -1;
        } else {
            return Mapping::source(row, column, tapRow, tapColumn);
        }
    }

    const char *first;             // the image of the tile's first pixel
    const char *from;              // the same, of the tap and channel
    int m, imageCount;
    int tapRow, tapColumn, channel;
    int tap;                       // which of the bits says whether a row's chunk is inside
    int origin[Map::ITERATIONS];   // of each row, in bytes
    Bits inside[Map::ITERATIONS];
};

template <class T, class Tile, class Mapping> class Im2colIterator {
public:
    static constexpr bool REUSED = true;
    using Map = typename Im2col<T, Tile>::Map;

    __device__ __forceinline__ Im2colIterator(const T *images, int imageCount, int m) {
        matrix.template start<Mapping>(images, imageCount, m);
    }
    __device__ __forceinline__ const void *source(int i) const { return matrix.source(i); }
    __device__ __forceinline__ unsigned bytes(int i) const { return matrix.bytes(i); }
    __device__ __forceinline__ void advance() { matrix.template advance<Mapping>(); }

private:
    Im2col<T, Tile> matrix;
};

// Two matrices side by side: so many steps of the first, then the second.
template <class T, class Tile, class First, class Second> class PairedIm2colIterator {
public:
    static constexpr bool REUSED = true;
    using Map = typename Im2col<T, Tile>::Map;

    __device__ __forceinline__ PairedIm2colIterator(const T *first, const T *second, int steps, int imageCount, int m)
            : second(second), steps(steps), imageCount(imageCount), m(m) {
        matrix.template start<First>(first, imageCount, m);
    }
    __device__ __forceinline__ const void *source(int i) const { return matrix.source(i); }
    __device__ __forceinline__ unsigned bytes(int i) const { return matrix.bytes(i); }
    __device__ __forceinline__ void advance() {
        if (--steps > 0)
            matrix.template advance<First>();
        else if (steps == 0)
            matrix.template start<Second>(second, imageCount, m);
        else
            matrix.template advance<Second>();
    }

private:
    Im2col<T, Tile> matrix;
    const T *second;
    int steps, imageCount, m;
};

}
