// Layer normalisation of x (rows, CHANNELS) over the channels of each row; with r = 1/sqrt(variance + epsilon), of the
// biased variance, and xhat = (x - mean)*r,
//
//   layerNormForward    y = xhat*gamma + beta
//   layerNormBackward   dx = r*(g - mean(g) - xhat*mean(g*xhat)), where g = gamma*dy, in place of dy; and
//                       products = dy*xhat, whose sums over rows are the gradient of gamma (reduce.cu)
//
// LANES neighbouring lanes of a warp take a row, and sum by shuffles in a fixed order; the variance is that of the
// deviations from the mean, which reads x again. Parameters may have any alignment.
//
// Compiled for CHANNELS, and LANES, a power of two up to 32.
// Launch: block 256, grid ceil(rows * LANES / 256). Bound by bytes: 8 and 16 a value; x and dy are read again from L1.

__device__ float sumOfLanes(float value) {
#pragma unroll
    for (int offset = LANES / 2; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffff, value, offset);
    return value;
}

// The lane's part of a row. All lanes of a warp take part in sums: those beyond the last row have no channels.
struct Row {
    const size_t begin;
    const int first;

    __device__ Row(long long row, long long rows)
            : begin((size_t)row * CHANNELS), first(row < rows ? threadIdx.x % LANES : CHANNELS) {}

    // Calls body(channel, index).
    template <class Body> __device__ void each(Body body) const {
#pragma unroll 4
        for (int c = first; c < CHANNELS; c += LANES) body(c, begin + c);
    }

    template <class Value> __device__ float mean(Value value) const {
        float sum = 0.0f;
        each([&](int c, size_t i) { sum += value(c, i); });
        return sumOfLanes(sum) / CHANNELS;
    }
};

__device__ Row thisRow(long long rows) {
    return Row(((long long)blockIdx.x * blockDim.x + threadIdx.x) / LANES, rows);
}

__device__ float inverseDeviation(const Row &row, const float *x, float mean, float epsilon) {
    const float variance = row.mean([&](int, size_t i) { return (x[i] - mean) * (x[i] - mean); });
    return 1.0f / sqrtf(variance + epsilon);
}

extern "C" __global__ void __launch_bounds__(256) layerNormForward(const float *x, const float *gamma,
        const float *beta, float *y, long long rows, float epsilon) {
    const Row row = thisRow(rows);
    const float mean = row.mean([&](int, size_t i) { return x[i]; });
    const float r = inverseDeviation(row, x, mean, epsilon);
    row.each([&](int c, size_t i) { y[i] = (x[i] - mean) * r * gamma[c] + beta[c]; });
}

extern "C" __global__ void __launch_bounds__(256) layerNormBackward(const float *x, const float *gamma, float *dy,
        float *products, long long rows, float epsilon) {
    const Row row = thisRow(rows);
    const float mean = row.mean([&](int, size_t i) { return x[i]; });
    const float r = inverseDeviation(row, x, mean, epsilon);
    const float g = row.mean([&](int c, size_t i) { return gamma[c] * dy[i]; });
    const float gx = row.mean([&](int c, size_t i) { return gamma[c] * dy[i] * ((x[i] - mean) * r); });
    row.each([&](int c, size_t i) {
        const float xhat = (x[i] - mean) * r, d = dy[i];
        products[i] = d * xhat;
        dy[i] = r * (gamma[c] * d - g - xhat * gx);
    });
}
