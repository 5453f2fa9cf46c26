// The tile of a matrix product that a block computes with tensor cores, and what each thread of it accumulates.
#pragma once

namespace tensor_core {

// A tile of M x N, in steps of STEP_BYTES of k (64 or 128). Each warp has WARP_M x WARP_N of it; WARPS_K warps share
// that, each with its part of every step (sliced K): more warps to hide latency where few rows and columns are a
// warp's. STAGES tiles of the operands are in shared memory. MIN_BLOCKS of a multiprocessor, for __launch_bounds__.
template <int M_, int N_, int STEP_BYTES_, int WARP_M_, int WARP_N_, int WARPS_K_, int STAGES_, int MIN_BLOCKS_>
struct TensorTile {
    static constexpr int M = M_, N = N_, STEP_BYTES = STEP_BYTES_, WARP_M = WARP_M_, WARP_N = WARP_N_,
                         WARPS_K = WARPS_K_, STAGES = STAGES_, MIN_BLOCKS = MIN_BLOCKS_;
    static constexpr int WARPS_M = M / WARP_M, WARPS_N = N / WARP_N;
    static constexpr int WARPS = WARPS_M * WARPS_N * WARPS_K, THREADS = 32 * WARPS;
    static_assert(M % WARP_M == 0 && N % WARP_N == 0 && WARP_M % 16 == 0 && WARP_N % 16 == 0, "whole fragments");
    static_assert(STEP_BYTES / 32 % WARPS_K == 0, "each warp has a part of each step");

    static __device__ __forceinline__ int warp() { return threadIdx.x / 32; }
    static __device__ __forceinline__ int warpRow() { return warp() / WARPS_N % WARPS_M * WARP_M; }
    static __device__ __forceinline__ int warpColumn() { return warp() % WARPS_N * WARP_N; }
    static __device__ __forceinline__ int slice() { return WARPS_K == 1 ? 0 : warp() / (WARPS_N * WARPS_M); }
};

// The sums of a thread: of each fragment of 16 x 8, lane 4 g + t has columns 2 t and 2 t + 1 of rows g and g + 8 (PTX
// manual). If EXCHANGED, the columns of two neighbouring fragments are exchanged, so that a thread has four consecutive
// ones: column 4 t + q of 16 is column 2 t + q % 2 of fragment q / 2. Operand B has its columns in this order (see
// operands.cu).
template <class Tile_, bool EXCHANGED> struct TensorAccumulators {
    using Tile = Tile_;
    static constexpr int VECTOR = EXCHANGED ? 4 : 2;
    static constexpr int ROWS = Tile::WARP_M / 8, COLUMNS = Tile::WARP_N / 4;
    static constexpr int FRAGMENTS_M = Tile::WARP_M / 16, FRAGMENTS_N = Tile::WARP_N / 8;
    static constexpr int ROW_GROUPS = FRAGMENTS_M;

    float fragment[FRAGMENTS_M][FRAGMENTS_N][4] = {};

    // The value in the thread's i-th row and j-th column; VECTOR columns from a multiple of it on are consecutive.
    __device__ __forceinline__ float value(int i, int j) const {
        return fragment[i / 2][j / 2][i % 2 * 2 + j % 2];
    }
    // Whether the thread has the sums of its i-th row: those of all slices are added in one of them.
    static __device__ __forceinline__ bool owns(int i) {
        return Tile::WARPS_K == 1 || i / 2 % Tile::WARPS_K == Tile::slice();
    }

    static __device__ __forceinline__ int row(int i) {
        return Tile::warpRow() + i / 2 * 16 + i % 2 * 8 + threadIdx.x % 32 / 4;
    }
    // As in convolution/accumulators.cuh; a group is a row of fragments.
    static __device__ __forceinline__ int stagedRow(int i) {
        return Tile::warpRow() / Tile::WARP_M * 16 + i * 8 + threadIdx.x % 32 / 4;
    }
    static __device__ __forceinline__ int rowOfStaged(int group, int staged) {
        return staged / 16 * Tile::WARP_M + group * 16 + staged % 16;
    }
    static __device__ __forceinline__ int column(int j) {
        return Tile::warpColumn() + j / VECTOR * (4 * VECTOR) + threadIdx.x % 4 * VECTOR + j % VECTOR;
    }

    // Adds the slices' sums of each row of fragments in the slice that owns it, in their order. `shared`: M * N floats,
    // which no thread reads any more. Each lane's four values are one access, lanes side by side.
    __device__ __forceinline__ void addSlices(float4 *shared) {
        if constexpr (Tile::WARPS_K > 1) {
            constexpr int LANES = 32 * Tile::WARPS_M * Tile::WARPS_N;
            static_assert(Tile::WARPS_K == 2, "one other slice");
            const int lane = threadIdx.x % LANES;
#pragma unroll
            for (int i = 0; i < FRAGMENTS_M; i++)
#pragma unroll
                for (int j = 0; j < FRAGMENTS_N; j++)
                    if (!owns(2 * i)) {
                        const float (&f)[4] = fragment[i][j];
                        shared[(i * FRAGMENTS_N + j) * LANES + lane] = make_float4(f[0], f[1], f[2], f[3]);
                    }
            __syncthreads();
#pragma unroll
            for (int i = 0; i < FRAGMENTS_M; i++)
#pragma unroll
                for (int j = 0; j < FRAGMENTS_N; j++)
                    if (owns(2 * i)) {
                        const float4 other = shared[(i * FRAGMENTS_N + j) * LANES + lane];
                        float (&f)[4] = fragment[i][j];
                        f[0] += other.x, f[1] += other.y, f[2] += other.z, f[3] += other.w;
                    }
        }
    }
};

}
