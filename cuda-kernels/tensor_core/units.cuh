// Four consecutive channels of a pixel, as a thread of tensor cores holds them.
#pragma once
#include "vector.cuh"

namespace tensor_core {

struct Units {
    float v[4];

    // From rows of CHANNELS: one access if that is a multiple of 4. Else, and without CHANNELS, value by value; `count`
    // of them or all are there, the others are zeros. `Streamed` values are used once, and the L2 cache had better keep
    // others.
    template <int CHANNELS = 1> static __device__ __forceinline__ Units load(const float *from, int count) {
        Units units;
        if constexpr (CHANNELS % 4 == 0) {
            const float4 all = *reinterpret_cast<const float4 *>(from);
            units.v[0] = all.x, units.v[1] = all.y, units.v[2] = all.z, units.v[3] = all.w;
        } else {
#pragma unroll
            for (int u = 0; u < 4; u++) units.v[u] = u < count ? from[u] : 0;
        }
        return units;
    }

    template <int CHANNELS> static __device__ __forceinline__ Units loadStreamed(const float *from, int count) {
        if constexpr (CHANNELS % 4 != 0) return load<CHANNELS>(from, count);
        Units units;
        asm("ld.global.cs.v4.f32 {%0, %1, %2, %3}, [%4];"
            : "=f"(units.v[0]), "=f"(units.v[1]), "=f"(units.v[2]), "=f"(units.v[3]) : "l"(from));
        return units;
    }

    template <int CHANNELS> __device__ __forceinline__ void storeStreamed(float *to, int count) const {
        if constexpr (CHANNELS % 4 != 0)
            store<CHANNELS>(to, count);
        else
            asm volatile("st.global.cs.v4.f32 [%0], {%1, %2, %3, %4};"
                         :: "l"(to), "f"(v[0]), "f"(v[1]), "f"(v[2]), "f"(v[3]) : "memory");
    }

    template <int CHANNELS> __device__ __forceinline__ void store(float *to, int count) const {
        if constexpr (CHANNELS % 4 == 0) {
            *reinterpret_cast<float4 *>(to) = make_float4(v[0], v[1], v[2], v[3]);
        } else {
#pragma unroll
            for (int u = 0; u < 4; u++)
                if (u < count) to[u] = v[u];
        }
    }

    // Rounded to an operand.
    template <class Operand, int CHANNELS>
    __device__ __forceinline__ void storeRounded(typename Operand::Storage *to, int count) const {
        if constexpr (CHANNELS % 4 == 0) {
            alignas(16) typename Operand::Storage rounded[4];
#pragma unroll
            for (int u = 0; u < 4; u++) rounded[u] = Operand::round(v[u]);
            if constexpr (sizeof(rounded) == 8)
                *reinterpret_cast<uint2 *>(to) = *reinterpret_cast<const uint2 *>(rounded);
            else
                *reinterpret_cast<uint4 *>(to) = *reinterpret_cast<const uint4 *>(rounded);
        } else {
#pragma unroll
            for (int u = 0; u < 4; u++)
                if (u < count) to[u] = Operand::round(v[u]);
        }
    }
};

}
