// Layer images that are corrected by each frame and moved by filters; io.framecast.backend.LayeredAdvectionSpec has the
// formulas. C are the corrected layers, V those moved vertically, L the moved ones, sum that of L over the layers.
//
//   gateSoftmax, filterSoftmax   the weights of all frames, in the layout of their logits
//   correctFirst     C of the first frame from the layers of the state; null: zeros
//   moveVertically   V of a frame from C
//   moveOn           L of a frame from V, their sum and the output; then C of the next frame, if there is one; and a
//                    copy of L as the new state, unless null. Nothing else needs L, and only backward needs the sum
//   outputBackward   dL of the last frame
//   moveBack         dV of a frame from dL
//   correctBackward  from dV of a frame, the gradients of the frame and of its gates, unless null; and dL of the frame
//                    before, if there is one
//   weightGradients  the gradients of all filters' weights, each a sum over its patch; filterBackward makes them those
//                    of the logits, in place, and sums those of the flow, unless null
//
// Layout: frames (images, HEIGHT, WIDTH, CHANNELS), gates (images, HEIGHT, WIDTH, LAYERS + 1), filters (images,
// patches, LAYERS, 2 axes, OFFSETS), flow (images, patches, FLOW_CHANNELS); C, V, L and their gradients (images,
// LAYERS, HEIGHT, WIDTH, CHANNELS). Except for the softmax and the weights, a launch is for the images of one frame.
//
// Every thread computes its own values as sums in a fixed order, without atomics: results are deterministic. Where a
// thread needs what it has computed for each layer again, it reads it back from memory, so that the number of layers
// needs no registers.
//
// Compiled for a shape: HEIGHT, WIDTH, CHANNELS, BLOCK (rows and columns of a patch), LAYERS, REACH (the largest
// offset), FLOW_CHANNELS.
// Launch: block 256, grid ceil(n / 256), a thread an item of n. n counts
//   pixels           gateSoftmax, correctBackward
//   filters (OFFSETS weights)   filterSoftmax
//   values of frames            correctFirst, moveOn, outputBackward
//   values of layers            moveVertically, moveBack
//   weights          weightGradients
//   patches          filterBackward
// Bound by latency: a frame of usual size has too few threads to fill a GPU, and the frames follow one another. Forward
// has two launches a frame, backward two. By bytes, if images are many: each value of a layer is read OFFSETS times
// from the caches, and once from memory.
#include "elementwise.cuh"

constexpr int OFFSETS = 2 * REACH + 1, GATE_CHANNELS = LAYERS + 1;
constexpr int ROW = WIDTH * CHANNELS, IMAGE = HEIGHT * ROW;
constexpr int ACROSS = WIDTH / BLOCK, PATCHES = HEIGHT / BLOCK * ACROSS, FILTERS = LAYERS * 2;
enum Axis { VERTICAL, HORIZONTAL };

__device__ __forceinline__ float clamped(float x) {
    x = x < 0.0f ? 0.0f : x;
    return x > 1.0f ? 1.0f : x;
}

__device__ __forceinline__ bool inside(float sum) { return sum >= 0.0f && sum <= 1.0f; }

// The gradient of the output that reaches the sum. It also passes where descent would move the sum back.
__device__ __forceinline__ float passed(float sum, float dy) {
    return inside(sum) || (sum > 1.0f && dy > 0.0f) || (sum < 0.0f && dy < 0.0f) ? dy : 0.0f;
}

// The weights of the filter of a layer at row y and column x of an image; that of offset o is at o + REACH.
__device__ __forceinline__ const float *filterAt(const float *weights, long long image, int y, int x, int layer,
        int axis) {
    const long long patch = image * PATCHES + y / BLOCK * ACROSS + x / BLOCK;
    return weights + ((patch * LAYERS + layer) * 2 + axis) * OFFSETS;
}

// A value of a frame or of a layer.
struct Place {
    int y, x, channel, at;      // `at` in its image

    __device__ explicit Place(int index)
            : y(index / ROW), x(index % ROW / CHANNELS), channel(index % CHANNELS), at(index) {}
};

// Softmax of n values, in place.
__device__ void softmax(float *values, int n) {
    float most = values[0], sum = 0.0f;
    for (int k = 1; k < n; k++) most = values[k] > most ? values[k] : most;
    for (int k = 0; k < n; k++) sum += values[k] = expf(values[k] - most);
    for (int k = 0; k < n; k++) values[k] /= sum;
}

// From the softmax and its gradient, in place the gradient of the logits.
__device__ void softmaxBackward(const float *weights, float *gradient, int n) {
    float sum = 0.0f;
    for (int k = 0; k < n; k++) sum += weights[k] * gradient[k];
    for (int k = 0; k < n; k++) gradient[k] = weights[k] * (gradient[k] - sum);
}

extern "C" __global__ void __launch_bounds__(256) gateSoftmax(const float *logits, float *gates, long long n) {
    const long long i = gridThread();
    if (i >= n) return;
    float *own = gates + i * GATE_CHANNELS;
    for (int k = 0; k < GATE_CHANNELS; k++) own[k] = logits[i * GATE_CHANNELS + k];
    softmax(own, GATE_CHANNELS);
}

extern "C" __global__ void __launch_bounds__(256) filterSoftmax(const float *logits, const float *flow, float *weights,
        float precision, long long n) {
    const long long i = gridThread();
    if (i >= n) return;
    const float center = flow[i / FILTERS * FLOW_CHANNELS + i % 2];
    float *own = weights + i * OFFSETS;
    for (int k = 0; k < OFFSETS; k++) {
        // Without flow^2, which is the same for all offsets: the softmax does not depend on it.
        const float o = k - REACH;
        own[k] = logits[i * OFFSETS + k] + precision * o * (2.0f * center - o);
    }
    softmax(own, OFFSETS);
}

extern "C" __global__ void __launch_bounds__(256) correctFirst(const float *x, const float *gates, const float *layers,
        float *c, long long n) {
    const long long i = gridThread();
    if (i >= n) return;
    const long long image = i / IMAGE;
    const int at = i % IMAGE;
    const float *g = gates + i / CHANNELS * GATE_CHANNELS;
    float sum = 0.0f;
    if (layers)
        for (int k = 0; k < LAYERS; k++) sum += layers[(image * LAYERS + k) * IMAGE + at];
    const float innovation = x[i] - clamped(sum);
    for (int k = 0; k < LAYERS; k++) {
        const long long own = (image * LAYERS + k) * IMAGE + at;
        c[own] = (layers ? layers[own] : 0.0f) + g[k] * innovation;
    }
}

extern "C" __global__ void __launch_bounds__(256) moveVertically(const float *weights, const float *c, float *v,
        long long n) {
    const long long i = gridThread();
    if (i >= n) return;
    const long long plane = i / IMAGE;
    const Place p(i % IMAGE);
    const float *w = filterAt(weights, plane / LAYERS, p.y, p.x, plane % LAYERS, VERTICAL);
    float sum = 0.0f;
    for (int o = -REACH; o <= REACH; o++)
        if (p.y + o >= 0 && p.y + o < HEIGHT) sum += w[o + REACH] * c[i + o * ROW];
    v[i] = sum;
}

extern "C" __global__ void __launch_bounds__(256) moveOn(const float *weights, const float *v, float *sums, float *y,
        const float *nextX, const float *nextGates, float *nextC, float *state, long long n) {
    const long long i = gridThread();
    if (i >= n) return;
    const long long image = i / IMAGE;
    const Place p(i % IMAGE);
    float total = 0.0f;
    for (int k = 0; k < LAYERS; k++) {
        const long long own = (image * LAYERS + k) * IMAGE + p.at;
        const float *w = filterAt(weights, image, p.y, p.x, k, HORIZONTAL);
        float sum = 0.0f;
        for (int o = -REACH; o <= REACH; o++)
            if (p.x + o >= 0 && p.x + o < WIDTH) sum += w[o + REACH] * v[own + o * CHANNELS];
        if (nextC) nextC[own] = sum;
        if (state) state[own] = sum;
        total += sum;
    }
    if (sums) sums[i] = total;
    y[i] = clamped(total);
    if (nextC) {
        const float *g = nextGates + i / CHANNELS * GATE_CHANNELS;
        const float innovation = nextX[i] - clamped(total);
        for (int k = 0; k < LAYERS; k++) nextC[(image * LAYERS + k) * IMAGE + p.at] += g[k] * innovation;
    }
}

extern "C" __global__ void __launch_bounds__(256) outputBackward(const float *sums, const float *dy, float *dl,
        long long n) {
    const long long i = gridThread();
    if (i >= n) return;
    const float gradient = passed(sums[i], dy[i]);
    for (int k = 0; k < LAYERS; k++) dl[(i / IMAGE * LAYERS + k) * IMAGE + i % IMAGE] = gradient;
}

extern "C" __global__ void __launch_bounds__(256) moveBack(const float *weights, const float *dl, float *dv,
        long long n) {
    const long long i = gridThread();
    if (i >= n) return;
    const long long plane = i / IMAGE;
    const Place p(i % IMAGE);
    float sum = 0.0f;
    for (int o = -REACH; o <= REACH; o++)
        if (p.x - o >= 0 && p.x - o < WIDTH)
            sum += filterAt(weights, plane / LAYERS, p.y, p.x - o, plane % LAYERS, HORIZONTAL)[o + REACH]
                    * dl[i - o * CHANNELS];
    dv[i] = sum;
}

extern "C" __global__ void __launch_bounds__(256) correctBackward(const float *x, const float *gates,
        const float *weights, const float *dv, const float *sumsBefore, const float *dyBefore, float *dx, float *dgates,
        float *dlBefore, long long n) {
    const long long i = gridThread();
    if (i >= n) return;
    const long long image = i / (HEIGHT * WIDTH);
    const int row = i % (HEIGHT * WIDTH) / WIDTH, column = i % WIDTH;
    const float *g = gates + i * GATE_CHANNELS;
    for (int channel = 0; channel < CHANNELS; channel++) {
        const long long value = i * CHANNELS + channel;
        const float innovation = x[value] - (sumsBefore ? clamped(sumsBefore[value]) : 0.0f);
        float toInnovation = 0.0f;
        for (int k = 0; k < LAYERS; k++) {
            const long long own = (image * LAYERS + k) * IMAGE + value % IMAGE;
            float sum = 0.0f;
            for (int o = -REACH; o <= REACH; o++)
                if (row - o >= 0 && row - o < HEIGHT)
                    sum += filterAt(weights, image, row - o, column, k, VERTICAL)[o + REACH] * dv[own - o * ROW];
            if (dlBefore) dlBefore[own] = sum;
            if (dgates) {
                float *to = dgates + i * GATE_CHANNELS + k;
                *to = (channel > 0 ? *to : 0.0f) + sum * innovation;
            }
            toInnovation += g[k] * sum;
        }
        if (dx) dx[value] = toInnovation;
        if (dlBefore) {
            const float sum = sumsBefore[value];
            const float gradient = passed(sum, dyBefore[value]) - (inside(sum) ? toInnovation : 0.0f);
            for (int k = 0; k < LAYERS; k++) dlBefore[(image * LAYERS + k) * IMAGE + value % IMAGE] += gradient;
        }
    }
    if (dgates) {
        dgates[i * GATE_CHANNELS + LAYERS] = 0.0f;
        softmaxBackward(g, dgates + i * GATE_CHANNELS, GATE_CHANNELS);
    }
}

extern "C" __global__ void __launch_bounds__(256) weightGradients(const float *c, const float *v, const float *dl,
        const float *dv, float *dweights, long long n) {
    const long long i = gridThread();
    if (i >= n) return;
    const int o = i % OFFSETS - REACH;
    const long long filter = i / OFFSETS, patch = filter / FILTERS;
    const bool vertical = filter % 2 == VERTICAL;
    const int layer = filter % FILTERS / 2;
    const int top = patch % PATCHES / ACROSS * BLOCK, left = patch % ACROSS * BLOCK;
    const long long plane = (patch / PATCHES * LAYERS + layer) * IMAGE;
    const float *gradient = (vertical ? dv : dl) + plane;
    const float *moved = (vertical ? c + o * ROW : v + o * CHANNELS) + plane;
    float sum = 0.0f;
    for (int row = top; row < top + BLOCK; row++) {
        if (vertical && (row + o < 0 || row + o >= HEIGHT)) continue;
        for (int column = left; column < left + BLOCK; column++) {
            if (!vertical && (column + o < 0 || column + o >= WIDTH)) continue;
            for (int channel = 0; channel < CHANNELS; channel++) {
                const int at = row * ROW + column * CHANNELS + channel;
                sum += gradient[at] * moved[at];
            }
        }
    }
    dweights[i] = sum;
}

extern "C" __global__ void __launch_bounds__(256) filterBackward(const float *weights, float *dweights, float *dflow,
        float precision, long long n) {
    const long long i = gridThread();
    if (i >= n) return;
    float sums[2] = {};
    for (int k = 0; k < LAYERS; k++) {
#pragma unroll
        for (int axis = VERTICAL; axis <= HORIZONTAL; axis++) {
            const long long filter = (i * LAYERS + k) * 2 + axis;
            float *gradient = dweights + filter * OFFSETS;
            softmaxBackward(weights + filter * OFFSETS, gradient, OFFSETS);
            for (int o = -REACH; o <= REACH; o++) sums[axis] += 2.0f * precision * o * gradient[o + REACH];
        }
    }
    if (dflow)
        for (int k = 0; k < FLOW_CHANNELS; k++)
            dflow[i * FLOW_CHANNELS + k] = k == VERTICAL ? sums[VERTICAL] : k == HORIZONTAL ? sums[HORIZONTAL] : 0.0f;
}
