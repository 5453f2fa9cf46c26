// Activations over a whole row, in place.
//
//   activateForward    x = act(x)
//   activateBackward   dy = dy * act'(x), told from y = act(x)
//
// Launch: block 256, grid at most ceil(n / 1024); fewer blocks take more each. Bound by bytes: 8 and 12 a value.
#include "activations.cuh"
#include "elementwise.cuh"

extern "C" __global__ void __launch_bounds__(256) activateForward(float *x, long long n, int activation) {
    const long long vectors = fours(n, x);
    for (long long i = firstIndex(); i < vectors; i += indexStep()) {
        float4 v = fourAt(x, i);
        v.x = activate(activation, v.x);
        v.y = activate(activation, v.y);
        v.z = activate(activation, v.z);
        v.w = activate(activation, v.w);
        fourAt(x, i) = v;
    }
    for (long long i = 4 * vectors + firstIndex(); i < n; i += indexStep()) x[i] = activate(activation, x[i]);
}

extern "C" __global__ void __launch_bounds__(256) activateBackward(const float *y, float *dy, long long n,
        int activation) {
    const long long vectors = fours(n, y, dy);
    for (long long i = firstIndex(); i < vectors; i += indexStep()) {
        const float4 v = fourAt(y, i);
        float4 d = fourAt(dy, i);
        d.x *= derivative(activation, v.x);
        d.y *= derivative(activation, v.y);
        d.z *= derivative(activation, v.z);
        d.w *= derivative(activation, v.w);
        fourAt(dy, i) = d;
    }
    for (long long i = 4 * vectors + firstIndex(); i < n; i += indexStep()) dy[i] *= derivative(activation, y[i]);
}
