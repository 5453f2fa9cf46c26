// The types of values in memory: of tensor cores' operands, and float.
#pragma once

namespace tensor_core {

struct BFloat16 {
    using Storage = unsigned short;

    // To the nearest, ties to even.
    static __device__ __forceinline__ Storage round(float value) {
        Storage rounded;
        asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(rounded) : "f"(value));
        return rounded;
    }
    static __device__ __forceinline__ float value(Storage stored) { return __uint_as_float((unsigned)stored << 16); }
};

// Float32 in memory, rounded to tf32: the lowest 13 bits are zero.
struct Tf32 {
    using Storage = float;

    // To the nearest, ties away from zero.
    static __device__ __forceinline__ Storage round(float value) {
        unsigned rounded;
        asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(value));
        return __uint_as_float(rounded);
    }
    static __device__ __forceinline__ float value(Storage stored) { return stored; }
};

struct Float32 {
    using Storage = float;

    static __device__ __forceinline__ Storage round(float value) { return value; }
    static __device__ __forceinline__ float value(Storage stored) { return stored; }
};

}
