// Passes over rows of n values, each element by itself: in fours of 16 bytes, and what is left one by one. Any grid
// of any block will do; each thread takes every (grid * block)-th four.
#pragma once

// How many fours to take: none where one of the arrays does not begin at a multiple of 16 bytes, as a slice may not.
template <class... Pointer> __device__ long long fours(long long n, Pointer... arrays) {
    return ((... | (unsigned long long)arrays) & 15) == 0 ? n / 4 : 0;
}

__device__ __forceinline__ long long firstIndex() { return (long long)blockIdx.x * blockDim.x + threadIdx.x; }
__device__ __forceinline__ long long indexStep() { return (long long)gridDim.x * blockDim.x; }

__device__ __forceinline__ float4 &fourAt(float *p, long long i) { return reinterpret_cast<float4 *>(p)[i]; }
__device__ __forceinline__ const float4 &fourAt(const float *p, long long i) {
    return reinterpret_cast<const float4 *>(p)[i];
}
