// Batch normalisation of x (rows, channels), per channel; with r = 1/sqrt(variance + epsilon), variance biased,
//
//   forward    y = (x - mean)*r*gamma + beta
//   backward   dbeta = sum(dy)     dgamma = sum(dy*(x - mean)*r)
//              dx = gamma*r*(dy - dbeta/rows - (x - mean)*r*dgamma/rows)
//
// Training: Moments, Statistics, Normalise; inference: MovingStatistics, Normalise; backward: Sums, Gradients,
// Backward. Moments and Sums reduce x to `partial`, (3, parts, channels) and (2, parts, channels), in an order fixed by
// the launch shape. Statistics and Gradients reduce that, and compute from it the constants (7, channels), with which
// Normalise and Backward are one multiply-add or two an element. Mean and variance are Welford's, of x - x[first row]:
// no cancellation where the mean is much larger than the deviation. For the same reason y is not x*scale + shift, but
// (x - center)*scale + shift.
//
// Statistics over several processes: Share takes the place of Statistics, and writes what this process tells the
// others, (4, channels). From what all of them tell, (ranks, 4, channels), GlobalStatistics makes the constants, now
// (8, channels), in the order of rank and in double: each process has an origin of its own. Backward likewise, with
// ShareSums and GlobalGradients and two values; the gradients of gamma and beta stay those of this process. A process
// whose rows are padding counts for nothing.
//
// Launch: grid (parts, tiles), block 256, as in column_reduction.cuh; the kernels ending in 4 where channels are a
// multiple of 4. Statistics, Gradients, Share and ShareSums: grid (1, tiles), best with 8 channels a tile;
// MovingStatistics, GlobalStatistics and GlobalGradients: grid ceil(channels / 256). x, y, dy, partial and constants
// are aligned to 16 bytes; the parameters and their gradients may have any alignment. Bound by bytes: 12 an element
// forward, 4 of them for the statistics; 20 backward. As operands of tensor cores x and y have 2 bytes each: 6, and 16
// backward; the gradients are float.
//
// Compiled for the types of x and y, INPUT and OUTPUT (tensor_core/operand.cuh).
#include "column_reduction.cuh"
#include "tensor_core/operand.cuh"

using Input = tensor_core::INPUT;
using Output = tensor_core::OUTPUT;
using X = Input::Storage;
using Y = Output::Storage;

// WIDTH values of x.
template <int WIDTH> __device__ __forceinline__ Vector<WIDTH> loadInputs(const X *from) {
    if constexpr (sizeof(X) == sizeof(float)) {
        return Vector<WIDTH>::load(from);
    } else {
        Vector<WIDTH> values;
        alignas(8) X stored[WIDTH];
        if constexpr (WIDTH == 4)
            *reinterpret_cast<uint2 *>(stored) = *reinterpret_cast<const uint2 *>(from);
        else
            stored[0] = *from;
#pragma unroll
        for (int j = 0; j < WIDTH; j++) values.v[j] = Input::value(stored[j]);
        return values;
    }
}

template <int WIDTH> __device__ __forceinline__ void storeOutputs(Y *to, const Vector<WIDTH> &values) {
    alignas(16) Y stored[WIDTH];
#pragma unroll
    for (int j = 0; j < WIDTH; j++) stored[j] = Output::round(values.v[j]);
    if constexpr (sizeof(stored) == 16)
        *reinterpret_cast<float4 *>(to) = *reinterpret_cast<const float4 *>(stored);
    else if constexpr (sizeof(stored) == 8)
        *reinterpret_cast<uint2 *>(to) = *reinterpret_cast<const uint2 *>(stored);
    else
        *to = stored[0];
}

// The mean is center + REST, where center is its nearest float.
// ROWS counts those of all processes.
enum Constant { CENTER, SCALE, SHIFT, REST, DEVIATION, SLOPE, OFFSET, ROWS };

// Welford's running moments of some rows of a channel: count, mean, sum of squared deviations from the mean.
struct Moments {
    enum { COUNT, MEAN, SQUARE, PARTS };
    float part[PARTS] = {};

    // Adds x; count includes it, and share = 1/count.
    __device__ void add(float x, float count, float share) {
        const float d = x - part[MEAN];
        part[COUNT] = count;
        part[MEAN] += d * share;
        part[SQUARE] += d * (x - part[MEAN]);
    }
    __device__ void merge(const Moments &other) {
        if (other.part[COUNT] == 0) return;
        const float count = part[COUNT] + other.part[COUNT], share = other.part[COUNT] / count;
        const float d = other.part[MEAN] - part[MEAN];
        part[MEAN] += d * share;
        part[SQUARE] += other.part[SQUARE] + d * d * part[COUNT] * share;
        part[COUNT] = count;
    }
};

template <int WIDTH> __device__ void moments(const X *x, float *partial, int rows, int channels) {
    const ColumnMap<WIDTH> map(channels);
    Moments moments[WIDTH];
    Vector<WIDTH> first = {};
    if (map.inside) first = loadInputs<WIDTH>(x + map.column);
    float count = 0;
    map.eachRow(rows, [&](int r) {
        count += 1;
        const float share = 1.0f / count;
        const Vector<WIDTH> values = loadInputs<WIDTH>(x + (size_t)r * channels + map.column);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) moments[j].add(values.v[j] - first.v[j], count, share);
    });
    storePartial(partial, moments, channels, map);
}

// Sets forward's constants of channel k.
__device__ void setConstants(float *constants, int channels, int k, double mean, double variance, float epsilon,
        float gamma, float beta) {
    const double deviation = 1 / sqrt(variance + epsilon), scale = gamma * deviation, rest = mean - (float)mean;
    constants[CENTER * channels + k] = (float)mean;
    constants[SCALE * channels + k] = (float)scale;
    constants[SHIFT * channels + k] = (float)(beta - rest * scale);
    constants[REST * channels + k] = (float)rest;
    constants[DEVIATION * channels + k] = (float)deviation;
}

// Sets forward's constants of channel k, and lets the moving averages follow.
__device__ void setStatistics(float *constants, int channels, int k, double mean, double variance, float epsilon,
        const float *gamma, const float *beta, float oneMinusMomentum, float *movingMean, float *movingVariance) {
    setConstants(constants, channels, k, mean, variance, epsilon, gamma[k], beta[k]);
    movingMean[k] = (float)(movingMean[k] + (mean - movingMean[k]) * oneMinusMomentum);
    movingVariance[k] = (float)(movingVariance[k] + (variance - movingVariance[k]) * oneMinusMomentum);
}

extern "C" __global__ void __launch_bounds__(256) batchNormStatistics(const X *x, const float *partial, int parts,
        int rows, int channels, const float *gamma, const float *beta, float epsilon, float oneMinusMomentum,
        float *movingMean, float *movingVariance, float *constants) {
    const ColumnMap<1> map(channels);
    const Moments moments = reducePartial<Moments>(partial, parts, channels, map);
    const int k = map.column;
    if (!map.inside || map.row > 0) return;
    const double mean = (double)Input::value(x[k]) + moments.part[Moments::MEAN];
    const double variance = (double)moments.part[Moments::SQUARE] / rows;
    setStatistics(constants, channels, k, mean, variance, epsilon, gamma, beta, oneMinusMomentum, movingMean,
            movingVariance);
}

// What a process tells of a channel: its moments, and then their origin. `counts` is 0 for padding.
enum { ORIGIN = Moments::PARTS, SHARED };

extern "C" __global__ void __launch_bounds__(256) batchNormShare(const X *x, const float *partial, int parts,
        int channels, int counts, float *shared) {
    const ColumnMap<1> map(channels);
    const Moments moments = reducePartial<Moments>(partial, parts, channels, map);
    const int k = map.column;
    if (!map.inside || map.row > 0) return;
    shared[Moments::COUNT * channels + k] = counts ? moments.part[Moments::COUNT] : 0;
    shared[Moments::MEAN * channels + k] = moments.part[Moments::MEAN];
    shared[Moments::SQUARE * channels + k] = moments.part[Moments::SQUARE];
    shared[ORIGIN * channels + k] = Input::value(x[k]);
}

extern "C" __global__ void __launch_bounds__(256) batchNormGlobalStatistics(const float *gathered, int ranks,
        int channels, const float *gamma, const float *beta, float epsilon, float oneMinusMomentum, float *movingMean,
        float *movingVariance, float *constants) {
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= channels) return;
    double rows = 0, mean = 0, square = 0;
    int r = 0;
#pragma unroll 1
    do {
        const float *of = gathered + (size_t)r * SHARED * channels + k;
        const double count = of[Moments::COUNT * channels];
        if (count == 0) continue;
        const double share = count / (rows + count);
        const double d = (double)of[ORIGIN * channels] + of[Moments::MEAN * channels] - mean;
        square += of[Moments::SQUARE * channels] + d * d * rows * share;
        mean += d * share;
        rows += count;
    } while (++r < ranks);
    setStatistics(constants, channels, k, mean, square / rows, epsilon, gamma, beta, oneMinusMomentum, movingMean,
            movingVariance);
    constants[ROWS * channels + k] = (float)rows;
}

extern "C" __global__ void __launch_bounds__(256) batchNormMovingStatistics(const float *movingMean,
        const float *movingVariance, int channels, const float *gamma, const float *beta, float epsilon,
        float *constants) {
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= channels) return;
    setConstants(constants, channels, k, movingMean[k], movingVariance[k], epsilon, gamma[k], beta[k]);
}

template <int WIDTH>
__device__ Vector<WIDTH> constant(const float *constants, Constant which, int channels, int column) {
    return Vector<WIDTH>::load(constants + which * channels + column);
}

template <int WIDTH>
__device__ void normalise(const X *x, const float *constants, Y *y, int rows, int channels) {
    const ColumnMap<WIDTH> map(channels);
    if (!map.inside) return;
    const Vector<WIDTH> center = constant<WIDTH>(constants, CENTER, channels, map.column);
    const Vector<WIDTH> scale = constant<WIDTH>(constants, SCALE, channels, map.column);
    const Vector<WIDTH> shift = constant<WIDTH>(constants, SHIFT, channels, map.column);
    map.eachRow(rows, [&](int r) {
        const size_t at = (size_t)r * channels + map.column;
        Vector<WIDTH> values = loadInputs<WIDTH>(x + at);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) values.v[j] = (values.v[j] - center.v[j]) * scale.v[j] + shift.v[j];
        storeOutputs(y + at, values);
    });
}

// Sums of dy and of dy*(x - center).
template <int WIDTH>
__device__ void sums(const X *x, const float *dy, const float *constants, float *partial, int rows, int channels) {
    const ColumnMap<WIDTH> map(channels);
    Sums<2> sums[WIDTH];
    Vector<WIDTH> center = {};
    if (map.inside) center = constant<WIDTH>(constants, CENTER, channels, map.column);
    map.eachRow(rows, [&](int r) {
        const size_t at = (size_t)r * channels + map.column;
        const Vector<WIDTH> values = loadInputs<WIDTH>(x + at), gradients = Vector<WIDTH>::load(dy + at);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) {
            sums[j].part[0] += gradients.v[j];
            sums[j].part[1] += gradients.v[j] * (values.v[j] - center.v[j]);
        }
    });
    storePartial(partial, sums, channels, map);
}

// Sets the constants of dx = scale*dy + slope*(x - center) + offset, from sums over `rows`.
__device__ void setSlope(float *constants, int channels, int k, double dbeta, double dgamma, double rows) {
    const double rest = constants[REST * channels + k], deviation = constants[DEVIATION * channels + k];
    const double scale = constants[SCALE * channels + k], slope = -scale * deviation * dgamma / rows;
    constants[SLOPE * channels + k] = (float)slope;
    constants[OFFSET * channels + k] = (float)(-scale * dbeta / rows - slope * rest);
}

// The gradient of gamma, of the sums of dy and of dy*(x - center).
__device__ double gammaGradientOf(const float *constants, int channels, int k, double dbeta, double product) {
    return (product - constants[REST * channels + k] * dbeta) * constants[DEVIATION * channels + k];
}

extern "C" __global__ void __launch_bounds__(256) batchNormGradients(const float *partial, int parts, int rows,
        int channels, float *constants, float *gammaGradient, float *betaGradient) {
    const ColumnMap<1> map(channels);
    const Sums<2> sums = reducePartial<Sums<2>>(partial, parts, channels, map);
    const int k = map.column;
    if (!map.inside || map.row > 0) return;
    const double dbeta = sums.part[0], dgamma = gammaGradientOf(constants, channels, k, dbeta, sums.part[1]);
    betaGradient[k] = (float)dbeta;
    gammaGradient[k] = (float)dgamma;
    setSlope(constants, channels, k, dbeta, dgamma, rows);
}

extern "C" __global__ void __launch_bounds__(256) batchNormShareSums(const float *partial, int parts, int channels,
        int counts, const float *constants, float *gammaGradient, float *betaGradient, float *shared) {
    const ColumnMap<1> map(channels);
    const Sums<2> sums = reducePartial<Sums<2>>(partial, parts, channels, map);
    const int k = map.column;
    if (!map.inside || map.row > 0) return;
    betaGradient[k] = sums.part[0];
    gammaGradient[k] = (float)gammaGradientOf(constants, channels, k, sums.part[0], sums.part[1]);
    shared[k] = counts ? sums.part[0] : 0;
    shared[channels + k] = counts ? sums.part[1] : 0;
}

extern "C" __global__ void __launch_bounds__(256) batchNormGlobalGradients(const float *gathered, int ranks,
        int channels, int counts, float *constants) {
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= channels) return;
    double dbeta = 0, product = 0;
    // No statistics depend on padding: of its gradients, zeros, dx is zeros.
    int r = 0;
#pragma unroll 1
    do {
        const float *of = gathered + (size_t)r * 2 * channels + k;
        dbeta += counts ? of[0] : 0;
        product += counts ? of[channels] : 0;
    } while (++r < ranks);
    setSlope(constants, channels, k, dbeta, gammaGradientOf(constants, channels, k, dbeta, product),
            constants[ROWS * channels + k]);
}

// In place: dx may be dy.
template <int WIDTH>
__device__ void backward(const X *x, const float *dy, const float *constants, float *dx, int rows, int channels) {
    const ColumnMap<WIDTH> map(channels);
    if (!map.inside) return;
    const Vector<WIDTH> center = constant<WIDTH>(constants, CENTER, channels, map.column);
    const Vector<WIDTH> scale = constant<WIDTH>(constants, SCALE, channels, map.column);
    const Vector<WIDTH> slope = constant<WIDTH>(constants, SLOPE, channels, map.column);
    const Vector<WIDTH> offset = constant<WIDTH>(constants, OFFSET, channels, map.column);
    map.eachRow(rows, [&](int r) {
        const size_t at = (size_t)r * channels + map.column;
        const Vector<WIDTH> values = loadInputs<WIDTH>(x + at);
        Vector<WIDTH> gradients = Vector<WIDTH>::load(dy + at);
#pragma unroll
        for (int j = 0; j < WIDTH; j++)
            gradients.v[j] = gradients.v[j] * scale.v[j] + (values.v[j] - center.v[j]) * slope.v[j] + offset.v[j];
        gradients.store(dx + at);
    });
}

#define BATCH_NORM_KERNELS(WIDTH)                                                                                      \
    extern "C" __global__ void __launch_bounds__(256) batchNormMoments##WIDTH(const X *x, float *partial,          \
            int rows, int channels) { moments<WIDTH>(x, partial, rows, channels); }                                    \
    extern "C" __global__ void __launch_bounds__(256) batchNormNormalise##WIDTH(const X *x,                        \
            const float *constants, Y *y, int rows, int channels) {                                                    \
        normalise<WIDTH>(x, constants, y, rows, channels);                                                             \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256) batchNormSums##WIDTH(const X *x, const float *dy,            \
            const float *constants, float *partial, int rows, int channels) {                                          \
        sums<WIDTH>(x, dy, constants, partial, rows, channels);                                                        \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256) batchNormBackward##WIDTH(const X *x, const float *dy,        \
            const float *constants, float *dx, int rows, int channels) {                                               \
        backward<WIDTH>(x, dy, constants, dx, rows, channels);                                                         \
    }
BATCH_NORM_KERNELS(4)
BATCH_NORM_KERNELS(1)
