// Copies that permute.
//
//   interleaveGates   Keras's weights (rows, GATES, filters), or a bias with one row, to (rows, filters, GATES); see
//                     gates.cuh. `from` may have any alignment, `to` is aligned to 16 bytes
//   spaceToDepth      images (height, width, channels) to (height/block, width/block, block*block*channels): pixel
//                     (y*block + i, x*block + j), channel c, goes to channel (i*block + j)*channels + c of (y, x)
//   depthToSpace      the inverse
//
// Launch: block 256. interleaveGates: grid ceil(n / 256), a thread a unit, n = rows * filters. The others: grid ceil(n
// / 256), a thread one value, or a float4 in the kernels ending in 4, for channels * block a multiple of 4. Bound by
// bytes: 8 a value. All accesses are coalesced; of the gates, a warp reads each gate of consecutive units.
#include "gates.cuh"

extern "C" __global__ void __launch_bounds__(256) interleaveGates(const float *from, float4 *to, long long n,
        int filters) {
    const long long u = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (u >= n) return;
    const float *p = from + kerasIndex(u, filters);
    to[u] = make_float4(p[0], p[filters], p[2 * filters], p[3 * filters]);
}

// The index on the space side of the i-th value of the depth side. `run`, block*channels, consecutive values on one
// side are consecutive on the other; `across` runs are a row of pixels. Threads are numbered along the depth side in
// both directions: a warp then accesses whole runs, adjacent in a few rows of pixels. Numbered along the space side,
// its runs on the depth side would be far apart.
__device__ long long spaceIndex(long long i, int block, int run, int across) {
    const long long piece = i / run, patch = piece / block;
    const long long row = patch / across * block + piece % block;
    return (row * across + patch % across) * run + i % run;
}

template <class Value>
__device__ void spaceToDepth(const Value *from, Value *to, long long n, int block, int run, int across) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) to[i] = from[spaceIndex(i, block, run, across)];
}

template <class Value>
__device__ void depthToSpace(const Value *from, Value *to, long long n, int block, int run, int across) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) to[spaceIndex(i, block, run, across)] = from[i];
}

// n and run count VALUEs.
#define PATCH_KERNELS(NAME, VALUE)                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) spaceToDepth##NAME(const VALUE *from, VALUE *to, long long n,    \
            int block, int run, int across) { spaceToDepth(from, to, n, block, run, across); }                         \
    extern "C" __global__ void __launch_bounds__(256) depthToSpace##NAME(const VALUE *from, VALUE *to, long long n,    \
            int block, int run, int across) { depthToSpace(from, to, n, block, run, across); }
PATCH_KERNELS(4, float4)
PATCH_KERNELS(1, float)
