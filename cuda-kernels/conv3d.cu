// The time axis of a Conv3D. A 2-D convolution of each frame (convolution.cu) makes what the frame gives to each of
// those around it, all taps of the time axis as channels: taps (frames, n, KERNEL_FRAMES, FILTERS), n = batch * pixels.
//
//   packTaps      kernel (KERNEL_FRAMES, rows, FILTERS) to that convolution's weights (rows, KERNEL_FRAMES, FILTERS)
//   unpackTaps    and the gradient of these back; rows = kernel height * width * inputs
//   combineTaps   y[t, p, o] = act(bias[o] + sum over k of taps[t + k - BEFORE, p, k, o]), of frames that there are
//   spreadTaps    its gradient: dtaps[t, p, k, o] = dy[t - k + BEFORE, p, o], zero where there is no such frame
//
// combineTaps and spreadTaps go through all frames of some positions (p, o), a thread a position, and keep the last
// KERNEL_FRAMES of them in registers, so that each value is read and written once. Where filters are few, a thread's taps
// lie far from its neighbours': then a block's, which are one run, are moved whole through shared memory.
//
// Compiled for KERNEL_FRAMES and FILTERS.
// Launch: block 256. packTaps, unpackTaps: grid ceil(values / 256). The others: grid ceil(n * FILTERS / POSITIONS).
// Bound by bytes: 8 a value of the weights, 4 a tap and 4 an output.
#include "activations.cuh"

constexpr int THREADS = 256, BEFORE = (KERNEL_FRAMES - 1) / 2, AFTER = KERNEL_FRAMES / 2;

// A run of 8 filters is a sector of 32 bytes.
constexpr bool STAGED = FILTERS < 8;
constexpr int POSITIONS = STAGED ? THREADS / FILTERS * FILTERS : THREADS;
constexpr int STAGE = STAGED ? POSITIONS * KERNEL_FRAMES : 1;

// Where a weight (rows, KERNEL_FRAMES, FILTERS) is in the kernel.
__device__ long long kernelIndex(long long i, long long rows) {
    const long long row = i / (KERNEL_FRAMES * FILTERS), k = i / FILTERS % KERNEL_FRAMES;
    return (k * rows + row) * FILTERS + i % FILTERS;
}

extern "C" __global__ void __launch_bounds__(256) packTaps(const float *kernel, float *w, long long rows) {
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i < rows * KERNEL_FRAMES * FILTERS) w[i] = kernel[kernelIndex(i, rows)];
}

extern "C" __global__ void __launch_bounds__(256) unpackTaps(const float *w, float *kernel, long long rows) {
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i < rows * KERNEL_FRAMES * FILTERS) kernel[kernelIndex(i, rows)] = w[i];
}

// The block's positions in a frame, of all = n * FILTERS.
struct Positions {
    long long all, first;
    int here;               // how many the block has
    bool inside;            // whether the thread has one

    __device__ explicit Positions(long long n) : all(n * FILTERS), first((long long)blockIdx.x * POSITIONS) {
        here = min((long long)POSITIONS, all - first);
        inside = threadIdx.x < here;
    }
    __device__ long long own() const { return first + threadIdx.x; }
    // Of a thread's tap k, from the first of the block's.
    __device__ int tap(int k) const {
        return (threadIdx.x / FILTERS * KERNEL_FRAMES + k) * FILTERS + threadIdx.x % FILTERS;
    }
    // The same in the frame, where positions do not begin with a pixel.
    __device__ long long tapInFrame(int k) const {
        return (own() / FILTERS * KERNEL_FRAMES + k) * FILTERS + own() % FILTERS;
    }
};

extern "C" __global__ void __launch_bounds__(256) combineTaps(const float *taps, const float *bias, float *y, int frames,
        long long n, int activation) {
    __shared__ float stage[STAGE];
    const Positions at(n);
    const float shift = at.inside ? bias[at.own() % FILTERS] : 0;
    float sum[KERNEL_FRAMES] = {};      // of the outputs from frame s - AFTER on
    for (int s = 0; s < frames + AFTER; s++) {
        if (s < frames) {
            const float *frame = taps + s * at.all * KERNEL_FRAMES;
            if constexpr (STAGED) {
                for (int i = threadIdx.x; i < at.here * KERNEL_FRAMES; i += THREADS)
                    stage[i] = frame[at.first * KERNEL_FRAMES + i];
                __syncthreads();
            }
            if (at.inside)
#pragma unroll
                for (int k = 0; k < KERNEL_FRAMES; k++)
                    sum[KERNEL_FRAMES - 1 - k] += STAGED ? stage[at.tap(k)] : frame[at.tapInFrame(k)];
            if constexpr (STAGED) __syncthreads();
        }
        if (at.inside && s >= AFTER) y[(s - AFTER) * at.all + at.own()] = activate(activation, sum[0] + shift);
#pragma unroll
        for (int j = 0; j + 1 < KERNEL_FRAMES; j++) sum[j] = sum[j + 1];
        sum[KERNEL_FRAMES - 1] = 0;
    }
}

extern "C" __global__ void __launch_bounds__(256) spreadTaps(const float *dy, float *dtaps, int frames, long long n) {
    __shared__ float stage[STAGE];
    const Positions at(n);
    float window[KERNEL_FRAMES] = {};   // dy of the frames from t - AFTER on
    for (int s = 0; s < frames + BEFORE; s++) {
#pragma unroll
        for (int j = 0; j + 1 < KERNEL_FRAMES; j++) window[j] = window[j + 1];
        window[KERNEL_FRAMES - 1] = at.inside && s < frames ? dy[s * at.all + at.own()] : 0;
        const int t = s - BEFORE;
        if (t < 0) continue;
        float *frame = dtaps + t * at.all * KERNEL_FRAMES;
        if (at.inside)
#pragma unroll
            for (int k = 0; k < KERNEL_FRAMES; k++)
                (STAGED ? stage[at.tap(k)] : frame[at.tapInFrame(k)]) = window[KERNEL_FRAMES - 1 - k];
        if constexpr (STAGED) {
            __syncthreads();
            for (int i = threadIdx.x; i < at.here * KERNEL_FRAMES; i += THREADS)
                frame[at.first * KERNEL_FRAMES + i] = stage[i];
            __syncthreads();
        }
    }
}
