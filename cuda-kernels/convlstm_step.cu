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
// Launch: grid (tiles of pixels * tiles of columns, four a unit), block a tile's threads; the tile is given as
// FORWARD_TILE: rows, columns, step, and a thread's rows and columns. gates may be null: then none are kept.
#include "activations.cuh"
#include "convolution/iterators.cuh"

using T = Tile<FORWARD_TILE>;

extern "C" __global__ void __launch_bounds__(T::THREADS, T::BLOCKS) convLstmStep(
        const float *before, const float *w, const float *zx, const float *cellBefore, float *gates, float *cell,
        float *hidden, int activation, int recurrentActivation, int images) {
    constexpr int K = TAPS * INPUTS;
    const int row = firstRow<T, OUTPUTS>(), column = firstColumn<T, OUTPUTS>();
    __shared__ __align__(16) Operands<T> shared;
    float sum[T::HIGH][T::WIDE] = {};
    multiply<T>(PixelsAtTaps<T, ToInput>(before, images, row), Rows<T, K % T::STEP == 0>(w, column), length<T, K>(),
                shared, sum);
#pragma unroll
    for (int i = 0; i < T::HIGH; i++) {
        const int p = row + T::row(i);
        if (p >= images * PIXELS) continue;
#pragma unroll
        for (int j = 0; j < T::WIDE; j += 4) {
            const int u = (column + T::column(j)) / 4;
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
