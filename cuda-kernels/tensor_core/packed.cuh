// The sizes of packed weights, a matrix (columns, depth) contiguous along its depth, the k of the product; and the
// order of its columns.
#pragma once

namespace tensor_core {

// k in a multiple of 128 bytes, the longest step; the rest is zeros.
template <class Storage> __device__ constexpr int packedDepth(int k) {
    constexpr int STEP = 128 / sizeof(Storage);
    return (k + STEP - 1) / STEP * STEP;
}
// Columns in whole pairs of fragments; the rest is zeros.
__device__ constexpr int packedColumns(int n) { return (n + 15) / 16 * 16; }

// The column of the product that column n is: of 16, those of two neighbouring fragments are exchanged.
__device__ constexpr int fragmentColumn(int n) {
    return n / 16 * 16 + n % 8 / 2 * 4 + n % 16 / 8 * 2 + n % 2;
}

// The columns of the gates of so many filters, in groups of 16 units.
__device__ constexpr int gateColumns(int filters) { return (filters + 15) / 16 * 64; }
// The unit and the gate of column n: of four pairs of fragments, pair p has in a thread's columns the gates of its p-th
// unit.
__device__ constexpr int gateUnit(int n) { return n / 64 * 16 + n % 8 / 2 * 4 + n % 64 / 16; }
__device__ constexpr int gateOf(int n) { return n % 16 / 8 * 2 + n % 2; }

}
