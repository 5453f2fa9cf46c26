// The main loop on CUDA cores: float multiply-adds, two stages of shared memory. The next tiles of A and B are on their
// way from global memory to registers while the current ones are multiplied; one barrier a step of K.
//
// Another main loop (tensor cores, copies past the registers) takes its place if it has SharedStorage, Accumulators and
// run(). Iterators return accesses and do not make them.
#pragma once
#include "convolution/accumulators.cuh"
#include "convolution/iterators.cuh"
#include "vector.cuh"

namespace convolution {

// A thread's part of an operand's tile, in registers between global and shared memory.
template <class Iterator> struct LoadFragment {
    using Map = typename Iterator::Map;
    Vector<Map::VECTOR> vectors[Map::ITERATIONS];

    // kLeft: how much of k is left, from the tile's first on.
    __device__ void load(const Iterator &iterator, int kLeft) {
#pragma unroll
        for (int i = 0; i < Map::ITERATIONS; i++)
            if (Map::active(i)) {
                const Access access = iterator.access(i, kLeft);
                vectors[i] = Vector<Map::VECTOR>::loadIf(access.from, access.valid);
            }
    }

    // To a stage of shared memory, in which mn is contiguous: transposed if the operand is contiguous along k.
    template <int STRIDE> __device__ void store(float (*stage)[STRIDE]) const {
#pragma unroll
        for (int i = 0; i < Map::ITERATIONS; i++) {
            if (!Map::active(i)) continue;
            if constexpr (Map::K_CONTIGUOUS) {
#pragma unroll
                for (int e = 0; e < Map::VECTOR; e++) stage[Map::k(i) + e][Map::mn(i)] = vectors[i].v[e];
            } else {
                vectors[i].store(&stage[Map::k(i)][Map::mn(i)]);
            }
        }
    }
};

template <class Tile, class IteratorA, class IteratorB> struct SimtMainloop {
    using Accumulators = convolution::Accumulators<Tile>;

    static constexpr int STAGES = 2;
    // Of a row in shared memory, so that transposed stores have no bank conflicts.
    static constexpr int PADDING = 4;

    struct SharedStorage {
        float a[STAGES][Tile::K][Tile::M + PADDING], b[STAGES][Tile::K][Tile::N + PADDING];
    };

    // accumulators += A * B over so many k, at least one.
    static __device__ __forceinline__ void run(IteratorA a, IteratorB b, int kLeft, SharedStorage &shared,
            Accumulators &accumulators) {
        LoadFragment<IteratorA> nextA;
        LoadFragment<IteratorB> nextB;
        nextA.load(a, kLeft);
        nextB.load(b, kLeft);
        const auto step = [&](int stage) {
            nextA.store(shared.a[stage]);
            nextB.store(shared.b[stage]);
            __syncthreads();
            kLeft -= Tile::K;
            if (kLeft > 0) {
                a.advance();
                b.advance();
                nextA.load(a, kLeft);
                nextB.load(b, kLeft);
            }
#pragma unroll
            for (int k = 0; k < Tile::K; k++) {
                float fragmentA[Tile::THREAD_M], fragmentB[Tile::THREAD_N];
#pragma unroll
                for (int i = 0; i < Tile::THREAD_M; i += 4)
                    *reinterpret_cast<float4 *>(&fragmentA[i]) =
                            *reinterpret_cast<const float4 *>(&shared.a[stage][k][Accumulators::row(i)]);
#pragma unroll
                for (int j = 0; j < Tile::THREAD_N; j += 4)
                    *reinterpret_cast<float4 *>(&fragmentB[j]) =
                            *reinterpret_cast<const float4 *>(&shared.b[stage][k][Accumulators::column(j)]);
#pragma unroll
                for (int i = 0; i < Tile::THREAD_M; i++)
#pragma unroll
                    for (int j = 0; j < Tile::THREAD_N; j++)
                        accumulators.sum[i][j] += fragmentA[i] * fragmentB[j];
            }
            return kLeft > 0;
        };
        while (step(0) && step(1)) {}
    }
};

// The length K of a product, hidden from the compiler where it is short: it would unroll the whole loop, with all its
// loads at the beginning.
template <class Tile, int K> __device__ __forceinline__ int productLength() {
    int k = K;
    if constexpr (K <= 4 * Tile::K) asm volatile("" : "+r"(k));
    return k;
}

}
