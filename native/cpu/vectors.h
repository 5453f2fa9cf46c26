// Vectors of float32 as wide as the instruction set a file is compiled for, by the compiler's own vector types.
// Only for files that are compiled once for each instruction set (see dispatch.cpp).
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace framecast {
namespace FRAMECAST_ISA {
namespace {

#ifdef __AVX512F__
constexpr int lanes = 16;
#else
constexpr int lanes = 8;
#endif

typedef float Vector __attribute__((vector_size(lanes * 4)));
typedef int32_t Words __attribute__((vector_size(lanes * 4)));
typedef float Unaligned __attribute__((vector_size(lanes * 4), aligned(4), may_alias));

inline Vector load(const float *from) { return *reinterpret_cast<const Unaligned *>(from); }
inline void store(float *to, Vector value) { *reinterpret_cast<Unaligned *>(to) = value; }

// The first n values, and zeros.
inline Vector load_some(const float *from, int n) {
    Vector value = {};
    for (int k = 0; k < n; k++) {
        value[k] = from[k];
    }
    return value;
}

// Whether any value is not zero.
inline bool any(Vector x) {
#ifdef __AVX512F__
    return _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NEQ_UQ);
#else
    return _mm256_movemask_ps(_mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_NEQ_UQ));
#endif
}

// To the nearest bfloat16 value, ties to even: adding 0x7fff and the lowest kept bit, then cutting. A NaN stays one.
inline Vector to_nearest_bf16(Vector x) {
    const Words bits = reinterpret_cast<Words>(x);
    const Words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & static_cast<int32_t>(0xffff0000);
    return x != x ? x : reinterpret_cast<Vector>(rounded);
}

}  // namespace
}  // namespace FRAMECAST_ISA
}  // namespace framecast
