// Elementwise passes over arrays of n values: a grid-stride loop of float4 accesses, and a scalar loop for the tail.
// Any grid of any block will do.
#pragma once

// How many float4 to take: none where one of the arrays is not aligned to 16 bytes, as a slice may not be; then the
// scalar loop takes all.
template <class... Pointer> __device__ long long vectorCount(long long n, Pointer... arrays) {
    return ((... | (unsigned long long)arrays) & 15) == 0 ? n / 4 : 0;
}

// The grid-stride loop: for (i = gridThread(); i < count; i += gridStride()).
__device__ __forceinline__ long long gridThread() { return (long long)blockIdx.x * blockDim.x + threadIdx.x; }
__device__ __forceinline__ long long gridStride() { return (long long)gridDim.x * blockDim.x; }

__device__ __forceinline__ float4 &asFloat4(float *p, long long i) { return reinterpret_cast<float4 *>(p)[i]; }
__device__ __forceinline__ const float4 &asFloat4(const float *p, long long i) {
    return reinterpret_cast<const float4 *>(p)[i];
}
