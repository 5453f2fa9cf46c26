// Copies that only change where values lie.
//
//   interleaveGates     Keras's weights (rows, 4, filters), or a bias with one row, to (rows, filters, 4)
//   deinterleaveGates   and back. The Keras side may begin anywhere, the interleaved one at a multiple of 16 bytes
//   spaceToDepth        images (height, width, channels) to (height/block, width/block, block*block*channels): pixel
//                       (y*block + i, x*block + j), channel c, goes to channel (i*block + j)*channels + c of (y, x)
//   depthToSpace        and back
//
// Launch: block 256; gates: grid ceil(rows * filters / 256), a thread the four of a unit. Patches: grid ceil(n /
// 256), a thread one value, or, of the kernels ending in 4, which take channels * block in fours, four. Bound by
// bytes: 8 a value. A unit's gates are read, or written, along the units, and so in whole sectors on both sides.

extern "C" __global__ void __launch_bounds__(256) interleaveGates(const float *from, float4 *to, long long n,
        int filters) {
    const long long u = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (u >= n) return;
    const float *p = from + u / filters * 4 * filters + u % filters;
    to[u] = make_float4(p[0], p[filters], p[2 * filters], p[3 * filters]);
}

extern "C" __global__ void __launch_bounds__(256) deinterleaveGates(const float4 *from, float *to, long long n,
        int filters) {
    const long long u = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (u >= n) return;
    const float4 v = from[u];
    float *p = to + u / filters * 4 * filters + u % filters;
    p[0] = v.x;
    p[filters] = v.y;
    p[2 * filters] = v.z;
    p[3 * filters] = v.w;
}

// Where on the space side the i-th value of the depth side lies. Runs of block*channels values, `run`, lie together
// on both; an image is `across` of them wide. Both directions go along the depth side: a warp's values are then whole
// runs next to one another in a few rows of pixels, where along a row of pixels they would be single runs far apart.
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

// n and run in values of the kernel: floats, or fours of them.
#define PATCH_KERNELS(NAME, VALUE)                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) spaceToDepth##NAME(const VALUE *from, VALUE *to, long long n,    \
            int block, int run, int across) { spaceToDepth(from, to, n, block, run, across); }                         \
    extern "C" __global__ void __launch_bounds__(256) depthToSpace##NAME(const VALUE *from, VALUE *to, long long n,    \
            int block, int run, int across) { depthToSpace(from, to, n, block, run, across); }
PATCH_KERNELS(4, float4)
PATCH_KERNELS(1, float)
