// The time axis of a three-dimensional convolution. A convolution of each frame (convolution.cu) does height and width;
// its output channels are the products of all taps in time with all filters: taps (frames, pixels, TAPS, FILTERS).
//
//   packTaps      the parameter (TAPS, rows, COLUMNS) to the convolution's weights (rows, TAPS, COLUMNS). Rows: (kernel
//                 row, column, input channel), and COLUMNS = FILTERS; of a transposed convolution rows: (kernel row,
//                 column), and a column for each filter and input channel
//   unpackTaps    the inverse, for the gradient. The parameter may have any alignment
//   combineTaps   y[t, p, o] = act(bias[o] + sum over k of taps[t + k - BEFORE, p, k, o])
//   spreadTaps    its gradient: dtaps[t, p, k, o] = dy[t - k + BEFORE, p, o]; dy has the activation's derivative in it
//                 (activations.cu)
//
// Padding "same": TAPS - 1 frames of zeros, BEFORE = (TAPS - 1) / 2 of them at the beginning. p: (image, y, x). A
// transposed convolution has its taps in time REVERSED, and with them the padding.
//
// A thread takes one (pixel, filter) and loops over the frames, with a window of TAPS of them in registers: each value
// is read or written once. With few filters a warp's accesses to one tap would be strided and use parts of many
// sectors: then a block stages the taps of all its values, which are contiguous, in shared memory.
//
// Compiled for TAPS, FILTERS, COLUMNS, REVERSED (0 or 1), and RUN, the number of values of a frame that a block takes:
// THREADS, or a multiple of FILTERS.
// Launch: pack and unpack grid ceil(TAPS * rows * COLUMNS / 256), block 256; combine and spread grid
// ceil(pixels * FILTERS / RUN), block THREADS. Bound by bytes: 8 a value packed, 4 * (TAPS + 1) a value of y.
#include "activations.cuh"

constexpr int BEFORE = REVERSED ? TAPS / 2 : (TAPS - 1) / 2, THREADS = 128;
constexpr bool STAGED = FILTERS % 8 != 0 && RUN % FILTERS == 0;

// The index in the parameter of w's i-th value.
__device__ long long parameterIndex(long long i, int rows) {
    const int column = i % COLUMNS, tap = i / COLUMNS % TAPS;
    const long long row = i / COLUMNS / TAPS;
    return ((REVERSED ? TAPS - 1 - tap : tap) * (long long)rows + row) * COLUMNS + column;
}

extern "C" __global__ void __launch_bounds__(256) packTaps(const float *parameter, float *w, int rows) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < (long long)TAPS * rows * COLUMNS) w[i] = parameter[parameterIndex(i, rows)];
}

extern "C" __global__ void __launch_bounds__(256) unpackTaps(const float *w, float *parameter, int rows) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < (long long)TAPS * rows * COLUMNS) parameter[parameterIndex(i, rows)] = w[i];
}

// The taps in a frame of the block's values of y.
class Run {
    float *const shared;      // if staged, RUN * TAPS
    const long long first;    // of the block's values
    const int count;          // of them
    const long long tap;      // the thread's first one: index within the run if staged, else within the frame

    static __device__ long long firstTap(long long value) {
        return value / FILTERS * (TAPS * FILTERS) + value % FILTERS;
    }

public:
    const long long value;    // the thread's, within y's frame
    const bool any;           // whether the thread has one

    __device__ Run(float *shared, long long size)
            : shared(shared), first((long long)blockIdx.x * RUN), count((int)min((long long)RUN, size - first)),
              tap(firstTap(STAGED ? threadIdx.x : first + threadIdx.x)), value(first + threadIdx.x),
              any(threadIdx.x < count) {}

    __device__ void read(const float *frame, float (&values)[TAPS]) const {
        if constexpr (STAGED) {
            __syncthreads();
#pragma unroll
            for (int j = threadIdx.x; j < RUN * TAPS; j += THREADS)
                if (j < count * TAPS) shared[j] = frame[first * TAPS + j];
            __syncthreads();
        }
#pragma unroll
        for (int k = 0; k < TAPS; k++)
            if (any) values[k] = (STAGED ? shared : frame)[tap + k * FILTERS];
    }

    __device__ void write(float *frame, const float (&values)[TAPS]) const {
        if constexpr (STAGED) __syncthreads();
#pragma unroll
        for (int k = 0; k < TAPS; k++)
            if (any) (STAGED ? shared : frame)[tap + k * FILTERS] = values[k];
        if constexpr (STAGED) {
            __syncthreads();
#pragma unroll
            for (int j = threadIdx.x; j < RUN * TAPS; j += THREADS)
                if (j < count * TAPS) frame[first * TAPS + j] = shared[j];
        }
    }
};

extern "C" __global__ void __launch_bounds__(THREADS) combineTaps(const float *taps, const float *bias, float *y,
        int frames, int pixels, int activation) {
    __shared__ float shared[STAGED ? RUN * TAPS : 1];
    const long long size = (long long)pixels * FILTERS;
    const Run run(shared, size);
    const float b = bias[run.value % FILTERS];
    // sums[k] accumulates y's frame s - k + BEFORE, to which frame s adds its k-th tap.
    float sums[TAPS];
#pragma unroll
    for (int k = 0; k < TAPS; k++) sums[k] = b;
    for (int s = 0; s < frames + TAPS - 1 - BEFORE; s++) {
        if (s < frames) {
            float values[TAPS];
            run.read(taps + s * size * TAPS, values);
#pragma unroll
            for (int k = 0; k < TAPS; k++) sums[k] += values[k];
        }
        const int done = s - (TAPS - 1) + BEFORE;
        if (run.any && done >= 0) y[done * size + run.value] = activate(activation, sums[TAPS - 1]);
#pragma unroll
        for (int k = TAPS - 1; k > 0; k--) sums[k] = sums[k - 1];
        sums[0] = b;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) spreadTaps(const float *dy, float *dtaps, int frames,
        int pixels) {
    __shared__ float shared[STAGED ? RUN * TAPS : 1];
    const long long size = (long long)pixels * FILTERS;
    const Run run(shared, size);
    const auto frame = [&](int t) { return run.any && t >= 0 && t < frames ? dy[t * size + run.value] : 0.0f; };
    // values[k] is dy's frame t - k + BEFORE.
    float values[TAPS];
#pragma unroll
    for (int k = 0; k < TAPS; k++) values[k] = frame(BEFORE - k);
    for (int t = 0; t < frames; t++) {
        run.write(dtaps + t * size * TAPS, values);
#pragma unroll
        for (int k = TAPS - 1; k > 0; k--) values[k] = values[k - 1];
        values[0] = frame(t + 1 + BEFORE);
    }
}
