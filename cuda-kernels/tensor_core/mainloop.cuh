// The main loop on tensor cores: STAGES tiles of both operands are in shared memory or on their way there, copied past
// the registers; a warp loads fragments and multiplies. One barrier a step of k: the stage that is filled after it was
// read before it.
//
// Fragments (fragments.cuh) says how the operands lie in shared memory and multiplies a stage. An iterator has a Map of
// the thread's chunks (chunk_map.cuh), and of its i-th one in the current step: source(i), the address, and bytes(i),
// 16 or 0 for zeros, where the address is not read. advance() goes on by a step. REUSED: the block reads most of it
// again.
#pragma once
#include "tensor_core/fragments.cuh"

namespace tensor_core {

template <class Fragments, class Tile, class IteratorA, class IteratorB> struct TensorMainloop {
    using Accumulators = typename Fragments::Accumulators;
    using TileA = typename Fragments::TileA;
    using TileB = typename Fragments::TileB;

    static constexpr int STAGE_BYTES = TileA::BYTES + TileB::BYTES;
    static_assert(Tile::WARPS_K == 1 || Tile::STAGES * STAGE_BYTES >= 4 * Tile::M * Tile::N, "space to add slices");

    // accumulators += A * B over so many steps, 0 or more; each row's sums are then in the slice that owns it. When it
    // returns all copies are done, and no warp reads shared memory any more.
    static __device__ __forceinline__ void run(IteratorA a, IteratorB b, int steps, unsigned char *shared,
            Accumulators &accumulators) {
        const unsigned first = sharedAddress(shared);
        const Fragments fragments;
        const auto fill = [&](unsigned stage) {
            copy<TileA>(a, stage);
            copy<TileB>(b, stage + TileA::BYTES);
            a.advance();
            b.advance();
        };
#pragma unroll
        for (int stage = 0; stage < Tile::STAGES - 1; stage++) {
            if (stage < steps) fill(first + stage * STAGE_BYTES);
            commitCopies();
        }
        const unsigned end = first + Tile::STAGES * STAGE_BYTES;
        unsigned read = first, write = end - STAGE_BYTES;
        for (int step = 0; step < steps; step++) {
            waitForCopies<Tile::STAGES - 2>();
            __syncthreads();
            if (step + Tile::STAGES - 1 < steps) fill(write);
            commitCopies();
            fragments.multiply(read, accumulators);
            write = read;
            read = read + STAGE_BYTES == end ? first : read + STAGE_BYTES;
        }
        waitForCopies<0>();
        __syncthreads();
        accumulators.addSlices(reinterpret_cast<float4 *>(shared));
    }

private:
    template <class SharedTile, class Iterator>
    static __device__ __forceinline__ void copy(const Iterator &iterator, unsigned tile) {
        using Map = typename Iterator::Map;
        const unsigned to = tile + SharedTile::offset(Map::row(0), Map::chunk());
#pragma unroll
        for (int i = 0; i < Map::ITERATIONS; i++)
            if (Map::active(i))
                copyAsync<Iterator::REUSED>(to + i * Map::STRIDE * SharedTile::ROW_BYTES, iterator.source(i),
                        iterator.bytes(i));
    }
};

}
