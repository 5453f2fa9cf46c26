// Batch normalisation of x (rows, channels), per channel; with r = 1/sqrt(variance + epsilon), variance biased,
//
//   forward    y = (x - mean)*r*gamma + beta
//   backward   dbeta = sum(dy)     dgamma = sum(dy*(x - mean)*r)
//              dx = gamma*r*(dy - dbeta/rows - (x - mean)*r*dgamma/rows)
//
// Training: Moments, Statistics, Normalise; inference: MovingStatistics, Normalise; backward: Sums, Gradients,
// Backward. Moments and Sums reduce x to `partial`, (3, parts, channels) and (2, parts, channels), in an order that the
// shape of the launch fixes. Statistics and Gradients reduce that, and make of it the constants (7, channels), with
// which Normalise and Backward are one multiply-add or two an element. Mean and variance come from running means of
// x - x[first row], which lose no digits where the mean is large beside the deviation; for the same reason y is not
// x*scale + shift, but scales x - center.
//
// Launch: grid (parts, tiles), block 256, as columns.cuh says; the kernels ending in 4 where channels come in fours.
// Statistics and Gradients: grid (1, tiles), best of 8 channels each; MovingStatistics: grid ceil(channels / 256). x,
// y, dy, partial and constants begin at multiples of 16 bytes, the parameters and their gradients anywhere. Bound by
// bytes: 12 an element forward, 4 of them for the statistics; 20 backward.
#include "column_reduction.cuh"

// The mean is center + REST, where center is its nearest float.
enum Constant { CENTER, SCALE, SHIFT, REST, DEVIATION, SLOPE, OFFSET };

// Of some rows of a channel: their number, their mean, and the sum of their squared distances from it.
struct Moments {
    enum { COUNT, MEAN, SQUARE, PARTS };
    float part[PARTS] = {};

    // Takes in x; share is 1/count, that being the number of rows with this one.
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

template <int WIDTH> __device__ void moments(const float *x, float *partial, int rows, int channels) {
    const Tile<WIDTH> tile(channels);
    Moments moments[WIDTH];
    Values<WIDTH> first = {};
    if (tile.inside) first = Values<WIDTH>::load(x + tile.column);
    float count = 0;
    tile.eachRow(rows, [&](int r) {
        count += 1;
        const float share = 1.0f / count;
        const Values<WIDTH> values = Values<WIDTH>::load(x + (size_t)r * channels + tile.column);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) moments[j].add(values.v[j] - first.v[j], count, share);
    });
    foldInto(partial, moments, channels, tile);
}

// The constants of channel k that forward needs.
__device__ void setConstants(float *constants, int channels, int k, double mean, double variance, float epsilon,
        float gamma, float beta) {
    const double deviation = 1 / sqrt(variance + epsilon), scale = gamma * deviation, rest = mean - (float)mean;
    constants[CENTER * channels + k] = (float)mean;
    constants[SCALE * channels + k] = (float)scale;
    constants[SHIFT * channels + k] = (float)(beta - rest * scale);
    constants[REST * channels + k] = (float)rest;
    constants[DEVIATION * channels + k] = (float)deviation;
}

extern "C" __global__ void __launch_bounds__(256) batchNormStatistics(const float *x, const float *partial, int parts,
        int rows, int channels, const float *gamma, const float *beta, float epsilon, float oneMinusMomentum,
        float *movingMean, float *movingVariance, float *constants) {
    const Tile<1> tile(channels);
    const Moments moments = gather<Moments>(partial, parts, channels, tile);
    const int k = tile.column;
    if (!tile.inside || tile.row > 0) return;
    const double mean = (double)x[k] + moments.part[Moments::MEAN];
    const double variance = (double)moments.part[Moments::SQUARE] / rows;
    setConstants(constants, channels, k, mean, variance, epsilon, gamma[k], beta[k]);
    movingMean[k] = (float)(movingMean[k] + (mean - movingMean[k]) * oneMinusMomentum);
    movingVariance[k] = (float)(movingVariance[k] + (variance - movingVariance[k]) * oneMinusMomentum);
}

extern "C" __global__ void __launch_bounds__(256) batchNormMovingStatistics(const float *movingMean,
        const float *movingVariance, int channels, const float *gamma, const float *beta, float epsilon,
        float *constants) {
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= channels) return;
    setConstants(constants, channels, k, movingMean[k], movingVariance[k], epsilon, gamma[k], beta[k]);
}

template <int WIDTH>
__device__ Values<WIDTH> constant(const float *constants, Constant which, int channels, int column) {
    return Values<WIDTH>::load(constants + which * channels + column);
}

template <int WIDTH>
__device__ void normalise(const float *x, const float *constants, float *y, int rows, int channels) {
    const Tile<WIDTH> tile(channels);
    if (!tile.inside) return;
    const Values<WIDTH> center = constant<WIDTH>(constants, CENTER, channels, tile.column);
    const Values<WIDTH> scale = constant<WIDTH>(constants, SCALE, channels, tile.column);
    const Values<WIDTH> shift = constant<WIDTH>(constants, SHIFT, channels, tile.column);
    tile.eachRow(rows, [&](int r) {
        const size_t at = (size_t)r * channels + tile.column;
        Values<WIDTH> values = Values<WIDTH>::load(x + at);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) values.v[j] = (values.v[j] - center.v[j]) * scale.v[j] + shift.v[j];
        values.store(y + at);
    });
}

// Sums of dy and of dy*(x - center).
template <int WIDTH>
__device__ void sums(const float *x, const float *dy, const float *constants, float *partial, int rows, int channels) {
    const Tile<WIDTH> tile(channels);
    Sums<2> sums[WIDTH];
    Values<WIDTH> center = {};
    if (tile.inside) center = constant<WIDTH>(constants, CENTER, channels, tile.column);
    tile.eachRow(rows, [&](int r) {
        const size_t at = (size_t)r * channels + tile.column;
        const Values<WIDTH> values = Values<WIDTH>::load(x + at), gradients = Values<WIDTH>::load(dy + at);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) {
            sums[j].part[0] += gradients.v[j];
            sums[j].part[1] += gradients.v[j] * (values.v[j] - center.v[j]);
        }
    });
    foldInto(partial, sums, channels, tile);
}

// Also makes dx's constants: dx = scale*dy + slope*(x - center) + offset.
extern "C" __global__ void __launch_bounds__(256) batchNormGradients(const float *partial, int parts, int rows,
        int channels, float *constants, float *gammaGradient, float *betaGradient) {
    const Tile<1> tile(channels);
    const Sums<2> sums = gather<Sums<2>>(partial, parts, channels, tile);
    const int k = tile.column;
    if (!tile.inside || tile.row > 0) return;
    const double rest = constants[REST * channels + k], deviation = constants[DEVIATION * channels + k];
    const double scale = constants[SCALE * channels + k], dbeta = sums.part[0];
    const double dgamma = (sums.part[1] - rest * dbeta) * deviation, slope = -scale * deviation * dgamma / rows;
    betaGradient[k] = (float)dbeta;
    gammaGradient[k] = (float)dgamma;
    constants[SLOPE * channels + k] = (float)slope;
    constants[OFFSET * channels + k] = (float)(-scale * dbeta / rows - slope * rest);
}

// dx may be dy.
template <int WIDTH>
__device__ void backward(const float *x, const float *dy, const float *constants, float *dx, int rows, int channels) {
    const Tile<WIDTH> tile(channels);
    if (!tile.inside) return;
    const Values<WIDTH> center = constant<WIDTH>(constants, CENTER, channels, tile.column);
    const Values<WIDTH> scale = constant<WIDTH>(constants, SCALE, channels, tile.column);
    const Values<WIDTH> slope = constant<WIDTH>(constants, SLOPE, channels, tile.column);
    const Values<WIDTH> offset = constant<WIDTH>(constants, OFFSET, channels, tile.column);
    tile.eachRow(rows, [&](int r) {
        const size_t at = (size_t)r * channels + tile.column;
        const Values<WIDTH> values = Values<WIDTH>::load(x + at);
        Values<WIDTH> gradients = Values<WIDTH>::load(dy + at);
#pragma unroll
        for (int j = 0; j < WIDTH; j++)
            gradients.v[j] = gradients.v[j] * scale.v[j] + (values.v[j] - center.v[j]) * slope.v[j] + offset.v[j];
        gradients.store(dx + at);
    });
}

#define BATCH_NORM_KERNELS(WIDTH)                                                                                      \
    extern "C" __global__ void __launch_bounds__(256) batchNormMoments##WIDTH(const float *x, float *partial,          \
            int rows, int channels) { moments<WIDTH>(x, partial, rows, channels); }                                    \
    extern "C" __global__ void __launch_bounds__(256) batchNormNormalise##WIDTH(const float *x,                        \
            const float *constants, float *y, int rows, int channels) {                                                \
        normalise<WIDTH>(x, constants, y, rows, channels);                                                             \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256) batchNormSums##WIDTH(const float *x, const float *dy,            \
            const float *constants, float *partial, int rows, int channels) {                                          \
        sums<WIDTH>(x, dy, constants, partial, rows, channels);                                                        \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256) batchNormBackward##WIDTH(const float *x, const float *dy,        \
            const float *constants, float *dx, int rows, int channels) {                                               \
        backward<WIDTH>(x, dy, constants, dx, rows, channels);                                                         \
    }
BATCH_NORM_KERNELS(4)
BATCH_NORM_KERNELS(1)
