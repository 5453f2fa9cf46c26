// An operand's tile in shared memory, in chunks of 16 bytes. Chunks are swizzled: a warp that copies whole rows, and
// one that loads fragments, both meet all 32 banks.
#pragma once

namespace tensor_core {

// Rows of m or n, contiguous along k: ROW_BYTES is 64 or 128. ldmatrix reads the same chunk of 8 consecutive rows.
template <int ROWS, int ROW_BYTES_> struct RowTile {
    static constexpr int ROW_BYTES = ROW_BYTES_, CHUNKS = ROW_BYTES / 16, BYTES = ROWS * ROW_BYTES;
    static_assert(CHUNKS == 4 || CHUNKS == 8, "rows of half the banks, or of all");

    // The offset in bytes of a chunk. Two rows of 64 bytes lie side by side in the banks, so that every second row has
    // the same swizzle as the one before it.
    static __device__ __forceinline__ int offset(int row, int chunk) {
        const int swizzle = CHUNKS == 8 ? row & 7 : row >> 1 & 3;
        return row * ROW_BYTES + ((chunk ^ swizzle) << 4);
    }
};

// Rows of k, contiguous along m or n: at least 128 bytes. Transposing ldmatrix reads the same chunk of 8 consecutive
// rows; loads of 4 bytes read two neighbouring chunks of 4 consecutive rows.
template <int ROWS, int ROW_BYTES_, int VALUE_BYTES> struct ColumnTile {
    static constexpr int ROW_BYTES = ROW_BYTES_, CHUNKS = ROW_BYTES / 16, BYTES = ROWS * ROW_BYTES;
    static_assert(CHUNKS % 8 == 0, "rows of all banks");

    static __device__ __forceinline__ int offset(int row, int chunk) {
        const int swizzle = VALUE_BYTES == 2 ? row & 7 : (row & 3) << 1;
        return row * ROW_BYTES + ((chunk ^ swizzle) << 4);
    }
};

}
