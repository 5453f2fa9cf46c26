// Which chunks of 16 bytes of an operand's tile each thread copies.
#pragma once

namespace tensor_core {

// Of ROWS rows of ROW_BYTES: neighbouring threads take neighbouring chunks, and a thread the same chunk of several
// rows, which have the same swizzle: it repeats after PERIOD rows (shared_tile.cuh).
template <int THREADS, int ROWS, int ROW_BYTES, int PERIOD> struct ChunkMap {
    static constexpr int CHUNKS = ROW_BYTES / 16, ALL = ROWS * CHUNKS;
    static constexpr int ITERATIONS = (ALL + THREADS - 1) / THREADS;
    // From one of a thread's rows to the next.
    static constexpr int STRIDE = THREADS / CHUNKS;
    static_assert(THREADS % CHUNKS == 0 && (ITERATIONS == 1 || STRIDE % PERIOD == 0), "one chunk and one swizzle");

    static __device__ __forceinline__ bool active(int i) {
        return ALL % THREADS == 0 || (int)threadIdx.x + i * THREADS < ALL;
    }
    static __device__ __forceinline__ int chunk() { return threadIdx.x % CHUNKS; }
    static __device__ __forceinline__ int row(int i) { return threadIdx.x / CHUNKS + i * STRIDE; }
};

}
