// The gates of one frame of a ConvLSTM, and their gradient. n = pixels * filters hidden units.
//
//   gatesForward    c = rec(f) * c_before + rec(i) * act(g)          h = rec(o) * act(c)
//   gatesBackward   with the activated i, f, g, o and a = act(c):
//                   do = dh*a           dc = dc_after + dh*o*act'(c)
//                   di = dc*g           df = dc*c_before             dg = dc*i             dc_before = dc*f
//                   each of di, df, dg, do times the derivative of its own activation
//
// Layout: z, the kept gates and dz are interleaved (pixels, filters, GATES), one access of 16 bytes a unit. Cells, h
// and their gradients are (pixels, filters). c_before is null at the first frame, dc_after at the last one: zeros.
//
// Launch: block 256, grid ceil(n / 256), a thread a unit. Bound by bytes: 44 a unit forward, 52 backward.
#include "activations.cuh"

// gates: the activated gates; null if they are not kept. In place: gates may be z, and c may be cBefore.
extern "C" __global__ void __launch_bounds__(256) gatesForward(const float4 *z, const float *cBefore, float4 *gates,
        float *c, float *h, long long n, int activation, int recurrentActivation) {
    const long long u = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (u >= n) return;
    float4 v = z[u];
    v.x = activate(recurrentActivation, v.x);
    v.y = activate(recurrentActivation, v.y);
    v.z = activate(activation, v.z);
    v.w = activate(recurrentActivation, v.w);
    const float cell = cBefore ? v.y * cBefore[u] + v.x * v.z : v.x * v.z;
    if (gates) gates[u] = v;
    c[u] = cell;
    h[u] = v.w * activate(activation, cell);
}

// In place: dz may be gates, and dcBefore may be dcAfter. dcBefore null, as at the first frame: not computed.
extern "C" __global__ void __launch_bounds__(256) gatesBackward(const float4 *gates, const float *cBefore,
        const float *c, const float *dh, const float *dcAfter, float4 *dz, float *dcBefore, long long n, int activation,
        int recurrentActivation) {
    const long long u = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (u >= n) return;
    const float4 v = gates[u];
    const float a = activate(activation, c[u]), d = dh[u];
    const float dc = (dcAfter ? dcAfter[u] : 0.0f) + d * v.w * derivative(activation, a);
    dz[u] = make_float4(dc * v.z * derivative(recurrentActivation, v.x),
                        cBefore ? dc * cBefore[u] * derivative(recurrentActivation, v.y) : 0.0f,
                        dc * v.x * derivative(activation, v.z), d * a * derivative(recurrentActivation, v.w));
    if (dcBefore) dcBefore[u] = dc * v.y;
}
