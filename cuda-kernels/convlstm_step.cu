// One frame of a ConvLSTM: the recurrent convolution with gates, cell and hidden state in its epilogue.
//
//   z[p, u, :] = zx[p, u, :] + sum over taps t and units v of h_before[p at t, v] * w[t, v, u, :]      (i, f, g, o)
//   c[p, u] = rec(f) * c_before[p, u] + rec(i) * act(g)
//   h[p, u] = rec(o) * act(c[p, u])
//
// Layout: p: (image, y, x); u: hidden unit. zx, the input convolution with its bias, w and the kept gates are
// interleaved (gates.cuh), so four consecutive accumulators of a thread are the gates of a unit, and z never leaves
// registers. Backward needs the activated gates (p, u, GATES), null if they are not kept, and c.
//
// Compiled for the shape of the recurrent convolution (convolution/shape.cuh): INPUTS units, OUTPUTS = GATES * INPUTS,
// same padding; and the tile as FORWARD_TILE (convolution/tile.cuh).
// Launch: grid (tiles of pixels * tiles of columns), block a tile's threads.
//
// Bound by operations, as its convolution (convolution/implicit_gemm.cuh). Fusion saves writing z and reading it again,
// 32 bytes a unit and pixel against the 44 that are moved here: zx and the gates 16 each, c twice and h.
#include "activations.cuh"
#include "convolution/implicit_gemm.cuh"
#include "gates.cuh"

using namespace convolution;

using T = Tile<FORWARD_TILE>;
static_assert(OUTPUTS == GATES * INPUTS, "the gates of each unit");

extern "C" __global__ void __launch_bounds__(T::THREADS, T::MIN_BLOCKS) convLstmStep(
        const float *before, const float *w, const float *zx, const float *cellBefore, float *gates, float *cell,
        float *hidden, int activation, int recurrentActivation, int images) {
    constexpr int K = TAPS * INPUTS;
    using A = Im2colIterator<T, ForwardMapping>;
    using B = RowMajorIterator<T, K % T::K == 0>;
    using Mainloop = SimtMainloop<T, A, B>;
    using Accumulators = Mainloop::Accumulators;
    const int row = tileRow<T, OUTPUTS>(), column = tileColumn<T, OUTPUTS>();
    __shared__ __align__(16) Mainloop::SharedStorage shared;
    Accumulators sum;
    Mainloop::run(A(before, images, row), B(w, column), productLength<T, K>(), shared, sum);
#pragma unroll
    for (int i = 0; i < Accumulators::ROWS; i++) {
        const int p = row + Accumulators::row(i);
        if (p >= images * PIXELS) continue;
#pragma unroll
        for (int j = 0; j < Accumulators::COLUMNS; j += GATES) {
            const int u = (column + Accumulators::column(j)) / GATES;
            if (u >= INPUTS) continue;
            const float *z = &sum.sum[i][j];
            const size_t at = (size_t)p * INPUTS + u;
            float4 v = reinterpret_cast<const float4 *>(zx)[at];
            v.x = activate(recurrentActivation, v.x + z[0]);
            v.y = activate(recurrentActivation, v.y + z[1]);
            v.z = activate(activation, v.z + z[2]);
            v.w = activate(recurrentActivation, v.w + z[3]);
            const float next = v.y * cellBefore[at] + v.x * v.z;
            if (gates) reinterpret_cast<float4 *>(gates)[at] = v;
            cell[at] = next;
            hidden[at] = v.w * activate(activation, next);
        }
    }
}
