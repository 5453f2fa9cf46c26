// One frame of a ConvLSTM on tensor cores, forward and backward: its convolutions with the gates in their epilogue.
//
//   tensorConvLstmStep
//     z = bias + conv(x, kernel) + conv(h_before, recurrent kernel)             one product: k runs over both
//     c = rec(f) * c_before + rec(i) * act(g)          h = rec(o) * act(c)
//   tensorConvLstmBackwardStep      from the last frame to the first; with the activated i, f, g, o and a = act(c):
//     dh = dh of the layer after + backward data of dz of the frame after
//     dc = dc of the frame after + dh*o*act'(c)        dc_before = dc*f
//     dz = dc*g*rec'(i), dc*c_before*rec'(f), dc*i*act'(g), dh*a*rec'(o)
//     and for each block the sums over its pixels of dz as it is stored, for the bias
//
// z, dh and the input's convolution never leave registers. What backward needs is kept in float: the activated gates,
// since a bfloat16 of a saturated gate y has no digits left for 1 - y, the factor of its derivative; and c_before, from
// which it computes c again.
//
// Layout: p: (image, y, x). h and dz are operands, (p, PADDED_FILTERS) and (p, PADDED_OUTPUTS), zeros beyond the
// channels. Gates and dz are in Keras's order (p, GATES, filters): the convolutions' weights are packed so
// (operands.cu) that a thread has all gates of four consecutive units forward, and four consecutive units backward. It
// then moves 16 bytes of each gate, of c, dc and dh, and 8 of an operand; lanes 4 g to 4 g + 3 move whole sectors. What
// is used once is streamed, so that the L2 cache keeps h, or dz and dc, for the next frame.
//
// Compiled for the shape of the input convolution (convolution/shape.cuh), for PADDED_INPUTS, PADDED_FILTERS,
// PADDED_OUTPUTS, OPERAND, ACTIVATION and RECURRENT_ACTIVATION (activations.cuh; a switch in each of the epilogue's
// many unrolled values would be too much code), and the tiles STEP_TILE and BACKWARD_TILE (tensor_core/tile.cuh).
// Launch: grid (tiles of pixels * tiles of columns), block a tile's threads, its stages as dynamic shared memory. Bound
// by the tensor cores, as its convolutions; with kernels of 1 x 1 by bytes: a unit's frame takes 30 forward, and 48
// backward, of which 16 come from the L2 cache.
#include "activations.cuh"
#include "gates.cuh"
#include "tensor_core/filters.cuh"
#include "tensor_core/im2col.cuh"
#include "tensor_core/mainloop.cuh"
#include "tensor_core/recurrent.cuh"
#include "tensor_core/units.cuh"

using namespace tensor_core;
using convolution::tileColumn;
using convolution::tileRow;
using Operand = tensor_core::OPERAND;
using Storage = Operand::Storage;

constexpr int FILTERS = OUTPUTS / GATES;

using Step = TensorTile<STEP_TILE>;
using Backward = TensorTile<BACKWARD_TILE>;

extern __shared__ __align__(128) unsigned char stages[];

// A thread's accumulators as gates.
struct GateAccumulators : TensorAccumulators<Step, true> {
    static_assert(Step::WARP_N == 64 && Step::WARPS_K == 1, "the order of packed columns");

    // The first of the thread's four units.
    static __device__ __forceinline__ int unit() {
        return (tileColumn<Step, gateColumns(FILTERS)>() + Step::warpColumn()) / GATES + threadIdx.x % 4 * 4;
    }
    __device__ __forceinline__ float &gate(int i, int unit, int gate) {
        return fragment[i / 2][2 * unit + gate / 2][i % 2 * 2 + gate % 2];
    }
};

// `before` null: zeros, as at the first frame; so cellBefore is then. gates, the activated ones, null: not kept.
// output, h as float (p, FILTERS), null: not written. In place: cell may be cellBefore.
extern "C" __global__ void __launch_bounds__(Step::THREADS, Step::MIN_BLOCKS) tensorConvLstmStep(
        const Storage *x, const Storage *before, const Storage *w, const float *bias, const float *cellBefore,
        float *gates, float *cell, Storage *hidden, float *output, int images) {
    constexpr int STEP = Step::STEP_BYTES / sizeof(Storage), COLUMNS = gateColumns(FILTERS);
    constexpr int INPUT_DEPTH = packedDepth<Storage>(convolution::TAPS * PADDED_INPUTS);
    constexpr int DEPTH = INPUT_DEPTH + packedDepth<Storage>(convolution::TAPS * PADDED_FILTERS);
    using A = PairedIm2colIterator<Storage, Step, ForwardMapping, RecurrentMapping>;
    using B = FilterIterator<Storage, Step, COLUMNS, DEPTH>;
    using Mainloop = TensorMainloop<RowFragments<Operand, Step>, Step, A, B>;
    const int row = tileRow<Step, COLUMNS>(), unit = GateAccumulators::unit();
    GateAccumulators sum;
#pragma unroll
    for (int gate = 0; gate < GATES; gate++) {
        const Units b = Units::load(bias + gate * FILTERS + unit, FILTERS - unit);
#pragma unroll
        for (int i = 0; i < GateAccumulators::ROWS; i++)
#pragma unroll
            for (int u = 0; u < 4; u++) sum.gate(i, u, gate) = b.v[u];
    }
    Mainloop::run(A(x, before, INPUT_DEPTH / STEP, images, row), B(w, tileColumn<Step, COLUMNS>()),
            (before ? DEPTH : INPUT_DEPTH) / STEP, stages, sum);
    if (unit >= FILTERS) return;
#pragma unroll
    for (int i = 0; i < GateAccumulators::ROWS; i++) {
        const int p = row + GateAccumulators::row(i);
        if (p >= images * convolution::OUT_PIXELS) continue;
        const size_t at = (size_t)p * FILTERS + unit;
        Units activated[GATES], c = {}, h = {};
        if (cellBefore) c = Units::load<FILTERS>(cellBefore + at, FILTERS - unit);
#pragma unroll
        for (int u = 0; u < 4; u++) {
#pragma unroll
            for (int gate = 0; gate < GATES; gate++)
                activated[gate].v[u] = activate(gate == 2 ? ACTIVATION : RECURRENT_ACTIVATION, sum.gate(i, u, gate));
            c.v[u] = activated[1].v[u] * c.v[u] + activated[0].v[u] * activated[2].v[u];
            h.v[u] = activated[3].v[u] * activate(ACTIVATION, c.v[u]);
        }
        if (gates)
#pragma unroll
            for (int gate = 0; gate < GATES; gate++)
                activated[gate].storeStreamed<FILTERS>(gates + ((size_t)p * GATES + gate) * FILTERS + unit,
                        FILTERS - unit);
        c.store<FILTERS>(cell + at, FILTERS - unit);
        h.storeRounded<Operand, FILTERS>(hidden + (size_t)p * PADDED_FILTERS + unit, FILTERS - unit);
        if (output) h.store<FILTERS>(output + at, FILTERS - unit);
    }
}

// dzAfter null: the last frame, after which dCell is zero, too; cellBefore null: the first one, and dCell is not
// written. dHidden: of the layer after. dCell: that of the frame after, which this frame's replaces. biasSums (tiles of
// pixels, GATES, FILTERS): of each tile, in a fixed order.
extern "C" __global__ void __launch_bounds__(Backward::THREADS, Backward::MIN_BLOCKS) tensorConvLstmBackwardStep(
        const Storage *dzAfter, const Storage *w, const float *gates, const float *cellBefore, const float *dHidden,
        float *dCell, Storage *dz, float *biasSums, int images) {
    constexpr int STEP = Backward::STEP_BYTES / sizeof(Storage);
    constexpr int DEPTH = packedDepth<Storage>(convolution::TAPS * PADDED_OUTPUTS);
    using A = Im2colIterator<Storage, Backward, RecurrentDataMapping>;
    using B = FilterIterator<Storage, Backward, packedColumns(FILTERS), DEPTH>;
    using Mainloop = TensorMainloop<RowFragments<Operand, Backward>, Backward, A, B>;
    using Accumulators = Mainloop::Accumulators;
    const int row = tileRow<Backward, FILTERS>(), column = tileColumn<Backward, FILTERS>();
    Accumulators sum;
    Mainloop::run(A(dzAfter, images, row), B(w, column), dzAfter ? DEPTH / STEP : 0, stages, sum);
    Units biases[Accumulators::COLUMNS / 4][GATES] = {};
#pragma unroll
    for (int i = 0; i < Accumulators::ROWS; i++) {
        const int p = row + Accumulators::row(i);
        if (p >= images * convolution::OUT_PIXELS || !Accumulators::owns(i)) continue;
#pragma unroll
        for (int j = 0; j < Accumulators::COLUMNS; j += 4) {
            const int unit = column + Accumulators::column(j);
            if (unit >= FILTERS) continue;
            const size_t at = (size_t)p * FILTERS + unit;
            Units activated[GATES], dc = {}, before = {};
#pragma unroll
            for (int gate = 0; gate < GATES; gate++)
                activated[gate] = Units::loadStreamed<FILTERS>(gates + ((size_t)p * GATES + gate) * FILTERS + unit,
                        FILTERS - unit);
            const Units dh = Units::loadStreamed<FILTERS>(dHidden + at, FILTERS - unit);
            if (dzAfter) dc = Units::load<FILTERS>(dCell + at, FILTERS - unit);
            if (cellBefore) before = Units::loadStreamed<FILTERS>(cellBefore + at, FILTERS - unit);
            Units d[GATES];
#pragma unroll
            for (int u = 0; u < 4; u++) {
                const float input = activated[0].v[u], forget = activated[1].v[u], candidate = activated[2].v[u],
                            out = activated[3].v[u];
                const float c = forget * before.v[u] + input * candidate;
                const float a = activate(ACTIVATION, c), dhu = dh.v[u] + sum.value(i, j + u);
                dc.v[u] += dhu * out * derivative(ACTIVATION, a);
                d[0].v[u] = dc.v[u] * candidate * derivative(RECURRENT_ACTIVATION, input);
                d[1].v[u] = dc.v[u] * before.v[u] * derivative(RECURRENT_ACTIVATION, forget);
                d[2].v[u] = dc.v[u] * input * derivative(ACTIVATION, candidate);
                d[3].v[u] = dhu * a * derivative(RECURRENT_ACTIVATION, out);
                dc.v[u] *= forget;
            }
#pragma unroll
            for (int gate = 0; gate < GATES; gate++) {
#pragma unroll
                for (int u = 0; u < 4; u++)
                    if (FILTERS % 4 == 0 || u < FILTERS - unit)
                        biases[j / 4][gate].v[u] += Operand::value(Operand::round(d[gate].v[u]));
                d[gate].storeRounded<Operand, FILTERS>(dz + (size_t)p * PADDED_OUTPUTS + gate * FILTERS + unit,
                        FILTERS - unit);
            }
            if (cellBefore) dc.store<FILTERS>(dCell + at, FILTERS - unit);
        }
    }
    // Of the lanes with the same columns, then of the warps.
    constexpr int WARPS = Backward::WARPS_M * Backward::WARPS_K, SUMS = GATES * Backward::N;
    static_assert(4 * WARPS * SUMS <= Backward::STAGES * Mainloop::STAGE_BYTES, "space for the sums of all warps");
    float *shared = reinterpret_cast<float *>(stages);
    const int warp = Backward::warp() / Backward::WARPS_N;
    if (Backward::WARPS_K > 1) __syncthreads();      // the slices' sums have been read
#pragma unroll
    for (int j = 0; j < Accumulators::COLUMNS; j++)
#pragma unroll
        for (int gate = 0; gate < GATES; gate++) {
            float &b = biases[j / 4][gate].v[j % 4];
#pragma unroll
            for (int lanes = 4; lanes < 32; lanes *= 2) b += __shfl_xor_sync(0xffffffff, b, lanes);
            if (threadIdx.x % 32 < 4) shared[warp * SUMS + gate * Backward::N + Accumulators::column(j)] = b;
        }
    __syncthreads();
    for (int s = threadIdx.x; s < SUMS; s += Backward::THREADS) {
        const int gate = s / Backward::N, unit = column + s % Backward::N;
        if (unit >= FILTERS) continue;
        float total = shared[s];
        for (int other = 1; other < WARPS; other++) total += shared[other * SUMS + s];
        biasSums[(size_t)(row / Backward::M) * OUTPUTS + gate * FILTERS + unit] = total;
    }
}
