// Which elements of an operand's tile each thread moves from global to shared memory. It does not depend on how a main
// loop multiplies: that is accumulators.cuh's subject.
#pragma once

namespace convolution {

// The thread map of a tile of MN x K (MN: rows of A or columns of B). A thread makes ITERATIONS accesses of VECTOR
// elements, consecutive along k if K_CONTIGUOUS, else along mn; so are the accesses of neighbouring threads. ALIGNMENT
// is the widest access that memory allows.
template <int THREADS, int MN, int K, int ALIGNMENT, bool K_CONTIGUOUS_> struct ThreadMap {
    static constexpr bool K_CONTIGUOUS = K_CONTIGUOUS_;
    static constexpr int ELEMENTS = (MN * K + THREADS - 1) / THREADS;    // of a thread
    static constexpr int VECTOR = ELEMENTS < ALIGNMENT ? ELEMENTS : ALIGNMENT;
    static constexpr int ACCESSES = MN * K / VECTOR;                     // of the block
    static constexpr int ITERATIONS = (ACCESSES + THREADS - 1) / THREADS;
    static constexpr int ROW_ACCESSES = (K_CONTIGUOUS ? K : MN) / VECTOR;
    static_assert(THREADS % ROW_ACCESSES == 0, "a thread's contiguous coordinate is the same in all iterations");

    // Whether the thread has an access in this iteration; only in the last one some may have none.
    static __device__ bool active(int iteration) {
        return ACCESSES % THREADS == 0 || threadIdx.x + iteration * THREADS < ACCESSES;
    }

    static __device__ int contiguous() { return threadIdx.x % ROW_ACCESSES * VECTOR; }
    static __device__ int strided(int iteration) {
        return threadIdx.x / ROW_ACCESSES + iteration * (THREADS / ROW_ACCESSES);
    }

    // The coordinates of an access within the tile.
    static __device__ int mn(int iteration) { return K_CONTIGUOUS ? strided(iteration) : contiguous(); }
    static __device__ int k(int iteration) { return K_CONTIGUOUS ? contiguous() : strided(iteration); }
};

}
