// Activations of n values, elementwise and in place.
//
//   activateForward    x = act(x)
//   activateBackward   dy = dy * act'(x), as a function of y = act(x)
//
// Launch: block 256, grid at most ceil(n / 1024): a grid-stride loop. Bound by bytes: 8 and 12 a value.
#include "activations.cuh"
#include "elementwise.cuh"

extern "C" __global__ void __launch_bounds__(256) activateForward(float *x, long long n, int activation) {
    const long long vectors = vectorCount(n, x);
    for (long long i = gridThread(); i < vectors; i += gridStride()) {
        float4 v = asFloat4(x, i);
        v.x = activate(activation, v.x);
        v.y = activate(activation, v.y);
        v.z = activate(activation, v.z);
        v.w = activate(activation, v.w);
        asFloat4(x, i) = v;
    }
    for (long long i = 4 * vectors + gridThread(); i < n; i += gridStride()) x[i] = activate(activation, x[i]);
}

extern "C" __global__ void __launch_bounds__(256) activateBackward(const float *y, float *dy, long long n,
        int activation) {
    const long long vectors = vectorCount(n, y, dy);
    for (long long i = gridThread(); i < vectors; i += gridStride()) {
        const float4 v = asFloat4(y, i);
        float4 d = asFloat4(dy, i);
        d.x *= derivative(activation, v.x);
        d.y *= derivative(activation, v.y);
        d.z *= derivative(activation, v.z);
        d.w *= derivative(activation, v.w);
        asFloat4(dy, i) = d;
    }
    for (long long i = 4 * vectors + gridThread(); i < n; i += gridStride()) dy[i] *= derivative(activation, y[i]);
}
