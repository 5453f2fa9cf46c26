// Operands for NVIDIA's libraries: rows of floats, packed as bfloat16 or float with zeros after them, so that a row is
// a multiple of 16 bytes: their tensor cores need that of channels, which are last here. And results back to floats.
//
//   packBFloat16    to (rows, pitch) = from (rows, columns); the further columns are zero
//   packFloat       the same; nothing is rounded
//   unpackBFloat16  to (rows, columns) = from (rows, pitch) + bias (columns), or to += both; bias may be null
//   unpackFloat     the same
//
// To bfloat16 is rounded to nearest, ties to even, and a NaN stays a NaN, all by one instruction for two values; from
// it is a shift, which is exact.
//
// Launch: as in column_reduction.cuh for `pitch` columns, a multiple of 4. A thread moves 4 values of a row: 16 bytes
// of floats, in one access where columns are a multiple of 4, and 8 or 16 of packed values. Arrays are aligned to 16
// bytes. Bound by bytes: 6 a value in bfloat16, 8 in float, 4 more where it is added to `to`.
#include "column_reduction.cuh"

namespace {

using Four = Vector<4>;

struct Float {
    using Packed = float4;
    static __device__ __forceinline__ Packed pack(const Four &x) { return make_float4(x.v[0], x.v[1], x.v[2], x.v[3]); }
    static __device__ __forceinline__ Four unpack(const Packed &p) { return {p.x, p.y, p.z, p.w}; }
};

#if __CUDA_ARCH__ >= 800    // GPUs before it have no such conversion, and no tensor cores for bfloat16.
struct BFloat16 {
    using Packed = uint2;

    static __device__ __forceinline__ Packed pack(const Four &x) {
        return make_uint2(pair(x.v[0], x.v[1]), pair(x.v[2], x.v[3]));
    }
    static __device__ __forceinline__ Four unpack(const Packed &p) {
        return {__uint_as_float(p.x << 16), __uint_as_float(p.x & 0xffff0000), __uint_as_float(p.y << 16),
                __uint_as_float(p.y & 0xffff0000)};
    }

private:
    // The first value is at the lower address.
    static __device__ __forceinline__ unsigned pair(float first, float second) {
        unsigned both;
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(second), "f"(first));
        return both;
    }
};
#endif

// The values of 4 columns of a row; zeros for those that it does not have.
__device__ __forceinline__ Four loadFour(const float *row, int column, int columns) {
    if (columns % 4 == 0) return Four::loadIf(row + column, column < columns);
    Four four;
#pragma unroll
    for (int j = 0; j < 4; j++) four.v[j] = column + j < columns ? row[column + j] : 0;
    return four;
}

__device__ __forceinline__ void storeFour(const Four &four, float *row, int column, int columns) {
    if (columns % 4 == 0) {
        four.store(row + column);
        return;
    }
#pragma unroll
    for (int j = 0; j < 4; j++)
        if (column + j < columns) row[column + j] = four.v[j];
}

template <class Type>
__device__ void pack(const float *from, typename Type::Packed *to, int rows, int columns, int pitch) {
    const ColumnMap<4> map(pitch);
    // Rows of floats end with at most 3 zeros: then every thread has something to load.
    if (sizeof(*to) == sizeof(Four)) __builtin_assume(map.column < columns);
    map.eachRow(rows, [&](int r) {
        to[((size_t)r * pitch + map.column) / 4] =
                Type::pack(loadFour(from + (size_t)r * columns, map.column, columns));
    });
}

template <class Type>
__device__ void unpack(const typename Type::Packed *from, const float *bias, float *to, int rows, int columns,
        int pitch, int accumulate) {
    const ColumnMap<4> map(pitch);
    if (map.column >= columns) return;
    Four addend = {};
    if (bias) addend = loadFour(bias, map.column, columns);
    map.eachRow(rows, [&](int r) {
        Four four = Type::unpack(from[((size_t)r * pitch + map.column) / 4]);
        float *row = to + (size_t)r * columns;
#pragma unroll
        for (int j = 0; j < 4; j++) four.v[j] += addend.v[j];
        if (accumulate) {
            const Four old = loadFour(row, map.column, columns);
#pragma unroll
            for (int j = 0; j < 4; j++) four.v[j] += old.v[j];
        }
        storeFour(four, row, map.column, columns);
    });
}

}  // namespace

extern "C" __global__ void __launch_bounds__(256) packFloat(const float *from, float4 *to, int rows, int columns,
        int pitch) {
    pack<Float>(from, to, rows, columns, pitch);
}

extern "C" __global__ void __launch_bounds__(256) unpackFloat(const float4 *from, const float *bias, float *to,
        int rows, int columns, int pitch, int accumulate) {
    unpack<Float>(from, bias, to, rows, columns, pitch, accumulate);
}

#if __CUDA_ARCH__ >= 800
extern "C" __global__ void __launch_bounds__(256) packBFloat16(const float *from, uint2 *to, int rows, int columns,
        int pitch) {
    pack<BFloat16>(from, to, rows, columns, pitch);
}

extern "C" __global__ void __launch_bounds__(256) unpackBFloat16(const uint2 *from, const float *bias, float *to,
        int rows, int columns, int pitch, int accumulate) {
    unpack<BFloat16>(from, bias, to, rows, columns, pitch, accumulate);
}
#endif
