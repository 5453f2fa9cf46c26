// One frame of a ConvLSTM: the recurrent convolution with the gates fused into its end.
//
//   z[p, u, :] = zx[p, u, :] + sum over taps t and units v of h_before[p at t, v] * w[t, v, u, :]      (i, f, g, o)
//   c[p, u] = rec(f) * c_before[p, u] + rec(i) * act(g)
//   h[p, u] = rec(o) * act(c[p, u])
//
// p: (image, y, x); u: hidden unit. zx is the input convolution with its bias. The four gates of a unit lie side by
// side, in zx, in w and in the kept gates, so the columns of a product's tile that one thread holds are whole units: z
// never leaves its registers. What backward needs is written once: the activated gates (p, u, 4), and c.
//
// Bound by operations, as the convolution it is (convolution.cuh); what fusion saves is writing z and reading it again,
// 32 bytes a unit and pixel against the 44 that are moved here: zx and the gates 16 each, c twice and h.
//
// Compiled for the shape of the recurrent convolution (convolution.cuh): INPUTS units, OUTPUTS = 4 * INPUTS, same
// padding.
// Launch: grid (tiles of 128 pixels * tiles of 128 columns, 32 units), block 256. gates may be null: then none are kept.
#include "activations.cuh"
#include "convolution.cuh"

extern "C" __global__ void __launch_bounds__(256, 2) convLstmStep(
        const float *before, const float *w, const float *zx, const float *cellBefore, float *gates, float *cell,
        float *hidden, int activation, int recurrentActivation, int images) {
    float sum[8][8] = {};
    multiply(InputOfPixel(before, images, firstRow<OUTPUTS>() + place<InputOfPixel>()),
             Rows(w, TAPS * INPUTS, firstColumn<OUTPUTS>() + place<Rows>()), 0, TAPS * INPUTS, sum);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const int p = tileRow<OUTPUTS>(i);
        if (p >= images * PIXELS) continue;
#pragma unroll
        for (int j = 0; j < 8; j += 4) {
            const int u = tileColumn<OUTPUTS>(j) / 4;
            if (u >= INPUTS) continue;
            const size_t at = (size_t)p * INPUTS + u;
            float4 z = reinterpret_cast<const float4 *>(zx)[at];
            z.x = activate(recurrentActivation, z.x + sum[i][j]);
            z.y = activate(recurrentActivation, z.y + sum[i][j + 1]);
            z.z = activate(activation, z.z + sum[i][j + 2]);
            z.w = activate(recurrentActivation, z.w + sum[i][j + 3]);
            const float next = z.y * cellBefore[at] + z.x * z.z;
            if (gates) reinterpret_cast<float4 *>(gates)[at] = z;
            cell[at] = next;
            hidden[at] = z.w * activate(activation, next);
        }
    }
}
