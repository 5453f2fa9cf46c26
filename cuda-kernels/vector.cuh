// N floats that one access moves: 4, 8 or 16 bytes, at an address that is a multiple of that.
#pragma once

template <int N> struct Vector {
    static_assert(N == 1 || N == 2 || N == 4, "widths of loads and stores");
    float v[N];

    static __device__ __forceinline__ Vector load(const float *from) {
        Vector vector;
        vector.set(from);
        return vector;
    }

    // Zeros where it is not valid: then nothing is read. Set in place: with `vector = load(from)` NVRTC 12.9 computes
    // the addresses in shared memory within the main loops of convolutions, which then need up to 16 registers more.
    static __device__ __forceinline__ Vector loadIf(const float *from, bool valid) {
        Vector vector = {};
        if (valid) vector.set(from);
        return vector;
    }

    __device__ __forceinline__ void store(float *to) const {
        if constexpr (N == 4)
            *reinterpret_cast<float4 *>(to) = make_float4(v[0], v[1], v[2], v[3]);
        else if constexpr (N == 2)
            *reinterpret_cast<float2 *>(to) = make_float2(v[0], v[1]);
        else
            *to = v[0];
    }

private:
    __device__ __forceinline__ void set(const float *from) {
        if constexpr (N == 4) {
            const float4 all = *reinterpret_cast<const float4 *>(from);
            v[0] = all.x, v[1] = all.y, v[2] = all.z, v[3] = all.w;
        } else if constexpr (N == 2) {
            const float2 all = *reinterpret_cast<const float2 *>(from);
            v[0] = all.x, v[1] = all.y;
        } else {
            v[0] = *from;
        }
    }
};
