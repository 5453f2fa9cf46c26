// The convolutions of a layer over all its frames at once on tensor cores, as convolution.cu defines them, with
// operands in bfloat16 or tf32 and sums in float:
//
//   tensorForward, tensorBackwardData      products of im2col matrices with packed weights (operands.cu)
//   tensorBackwardWeights                  split-K: dw (splits, TAPS * PADDED_INPUTS, OUTPUTS), which reduce.cu adds
//
// Layout: x and dy NHWC, with channels padded by zeros to PADDED_INPUTS and PADDED_OUTPUTS, multiples of 16 bytes; w
// contiguous along k. y, dx and dw are float, without padding but for the rows of dw.
//
// Fragments: mma m16n8k16 (bfloat16) or m16n8k8 (tf32). Forward and data load both operands by ldmatrix from rows along
// k; weights by transposing ldmatrix from rows along m and n (in tf32 by words). All tiles are swizzled
// (tensor_core/shared_tile.cuh): no bank conflicts.
//
// Compiled for a layer's shape (convolution/shape.cuh), for OPERAND (tensor_core/operand.cuh) and the tiles
// FORWARD_TILE, DATA_TILE and WEIGHTS_TILE (tensor_core/tile.cuh). Launch: grid (tiles of M * tiles of N), for weights
// (the same, splits); block a tile's threads, its stages as dynamic shared memory. Bound by the tensor cores where
// there are many channels, else by bytes.
#include "convolution/epilogue.cuh"
#include "tensor_core/filters.cuh"
#include "tensor_core/im2col.cuh"
#include "tensor_core/mainloop.cuh"
#include "tensor_core/mappings.cuh"
#include "tensor_core/pixels.cuh"

using namespace tensor_core;
using convolution::tileColumn;
using convolution::tileRow;
using Operand = tensor_core::OPERAND;
using Storage = Operand::Storage;

using Forward = TensorTile<FORWARD_TILE>;
using Data = TensorTile<DATA_TILE>;
using Weights = TensorTile<WEIGHTS_TILE>;

extern __shared__ __align__(128) unsigned char stages[];

// y (rows, N) = im2col(x) * w. `Mapping` says where im2col finds its pixels.
template <class Tile, class Mapping, int N>
__device__ __forceinline__ void convolve(const Storage *x, const Storage *w, const float *bias, float *y, int rows,
        int images) {
    constexpr int STEP = Tile::STEP_BYTES / sizeof(Storage);
    constexpr int K = packedDepth<Storage>(convolution::TAPS * Mapping::CHANNELS);
    using A = Im2colIterator<Storage, Tile, Mapping>;
    using B = FilterIterator<Storage, Tile, packedColumns(N), K>;
    using Mainloop = TensorMainloop<RowFragments<Operand, Tile>, Tile, A, B>;
    using Output = convolution::Epilogue<typename Mainloop::Accumulators, N>;
    typename Mainloop::Accumulators sum;
    Mainloop::run(A(x, images, tileRow<Tile, N>()), B(w, tileColumn<Tile, N>()), K / STEP, stages, sum);
    Output::store(y, rows, bias, false, *reinterpret_cast<typename Output::SharedStorage *>(stages), sum);
}

extern "C" __global__ void __launch_bounds__(Forward::THREADS, Forward::MIN_BLOCKS) tensorForward(
        const Storage *x, const Storage *w, const float *bias, float *y, int images) {
    convolve<Forward, ForwardMapping, OUTPUTS>(x, w, bias, y, images * convolution::OUT_PIXELS, images);
}

extern "C" __global__ void __launch_bounds__(Data::THREADS, Data::MIN_BLOCKS) tensorBackwardData(
        const Storage *dy, const Storage *w, float *dx, int images) {
    convolve<Data, BackwardDataMapping, INPUTS>(dy, w, nullptr, dx, images * convolution::PIXELS, images);
}

// A split is `split` output pixels. dw: the sums of each split.
extern "C" __global__ void __launch_bounds__(Weights::THREADS, Weights::MIN_BLOCKS) tensorBackwardWeights(
        const Storage *x, const Storage *dy, float *dw, int split, int images) {
    constexpr int M = convolution::TAPS * PADDED_INPUTS, N = OUTPUTS, STEP = Weights::STEP_BYTES / sizeof(Storage);
    using A = TransposedIm2colIterator<Storage, Weights>;
    using B = PixelIterator<Storage, Weights>;
    using Mainloop = TensorMainloop<ColumnFragments<Operand, Weights>, Weights, A, B>;
    using Output = convolution::Epilogue<Mainloop::Accumulators, N>;
    const int begin = blockIdx.y * split, end = min(begin + split, images * convolution::OUT_PIXELS);
    Mainloop::Accumulators sum;
    Mainloop::run(A(x, begin, end, tileRow<Weights, N>()), B(dy, begin, end, tileColumn<Weights, N>()),
            (end - begin + STEP - 1) / STEP, stages, sum);
    Output::store(dw + (size_t)blockIdx.y * M * N, M, nullptr, false,
            *reinterpret_cast<Output::SharedStorage *>(stages), sum);
}
