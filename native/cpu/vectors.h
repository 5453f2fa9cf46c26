// Float32 vectors of the instruction set's width, as GCC vector types. Only for files that are compiled once for each
// instruction set (see dispatch.cpp).
#pragma once

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

// Whether any value is not zero. By builtins: immintrin.h takes a while to compile.
inline bool any(Vector x) {
#ifdef __AVX512F__
    constexpr int not_equal = 4, all = -1, current_rounding = 4;
    return __builtin_ia32_cmpps512_mask(x, Vector{}, not_equal, all, current_rounding);
#else
    return __builtin_ia32_movmskps256(reinterpret_cast<Vector>(x != Vector{}));
#endif
}

// To the nearest bfloat16 value, ties to even: add 0x7fff and the lowest bit that is kept, then truncate. NaN stays
// NaN.
inline Vector to_nearest_bf16(Vector x) {
    const Words bits = reinterpret_cast<Words>(x);
    const Words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & static_cast<int32_t>(0xffff0000);
    return x != x ? x : reinterpret_cast<Vector>(rounded);
}

}  // namespace
}  // namespace FRAMECAST_ISA
}  // namespace framecast
