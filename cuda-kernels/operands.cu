// The operands of tensor cores from float: rounded to bfloat16 or tf32, with channels padded by zeros to whole chunks
// of 16 bytes, and weights packed as the main loop reads them.
//
//   packRows          x (rows, channels) to (rows, padded)
//   packForward       w (taps, inputs, outputs) to (outputs, depth), k: taps and inputs
//   packData          w to (inputs, depth), k: taps and outputs
//   packGates         w of a ConvLSTM, whose outputs are (GATES, filters), to columns of gates (below), k: taps and
//                     inputs, from the offset on; the depth of a column holds those of the kernel and of the recurrent
//                     one
//
// k is (channels / block, tap, channels % block), as the main loop goes on (tensor_core/im2col.cuh).
//
// Columns are in the order in which mma has them: of 16 columns, n is column fragmentColumn(n) of the product; see
// TensorAccumulators (tensor_core/tile.cuh). Columns of gates are (group of 16 units, unit % 4, gate / 2, unit / 4 % 4,
// gate % 2): a thread's accumulators then hold the gates of four consecutive units; see tensor_core_convlstm.cu. What
// is beyond the product's columns and the last k is zeros, of which the kernels write those of the columns.
//
// Compiled for OPERAND (tensor_core/operand.cuh). Launch: block 256, grid ceil(items / 256); items are the chunks of x,
// or columns * taps * padded values of weights. Bound by bytes: 6 a value of x (in tf32 8). Reads of weights are not
// coalesced: they are few, and come from the L2 cache.
#include "gates.cuh"
#include "tensor_core/operand.cuh"
#include "tensor_core/packed.cuh"
#include "vector.cuh"

using Operand = tensor_core::OPERAND;
using Storage = Operand::Storage;

__device__ __forceinline__ long long item() { return (long long)blockIdx.x * blockDim.x + threadIdx.x; }

template <int WIDTH>
__device__ __forceinline__ void packRows(const float *x, Storage *to, long long rows, int channels, int padded) {
    constexpr int CHUNK = 16 / sizeof(Storage);
    const int chunks = padded / CHUNK;
    const long long row = item() / chunks;
    const int channel = item() % chunks * CHUNK;
    if (row >= rows) return;
    union {
        Storage values[CHUNK];
        uint4 all;
    } chunk;
#pragma unroll
    for (int c = 0; c < CHUNK; c += WIDTH) {
        const Vector<WIDTH> v = Vector<WIDTH>::loadIf(x + row * channels + channel + c, channel + c < channels);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) chunk.values[c + j] = Operand::round(v.v[j]);
    }
    reinterpret_cast<uint4 *>(to)[item()] = chunk.all;
}

// Channels are a multiple of 4.
extern "C" __global__ void __launch_bounds__(256) packRows4(const float *x, Storage *to, long long rows, int channels,
        int padded) {
    packRows<4>(x, to, rows, channels, padded);
}
extern "C" __global__ void __launch_bounds__(256) packRows1(const float *x, Storage *to, long long rows, int channels,
        int padded) {
    packRows<1>(x, to, rows, channels, padded);
}

// An item of packed weights.
struct Packed {
    const int channel, tap, column, k;

    __device__ Packed(long long item, int taps, int padded, int block)
            : channel(item % padded), tap(item / padded % taps), column(item / padded / taps),
              k((channel / block * taps + tap) * block + channel % block) {}
};

extern "C" __global__ void __launch_bounds__(256) packForward(const float *w, Storage *to, int taps, int inputs,
        int outputs, int padded, int block) {
    const Packed at(item(), taps, padded, block);
    if (at.column >= tensor_core::packedColumns(outputs)) return;
    const int output = tensor_core::fragmentColumn(at.column);
    const bool inside = output < outputs && at.channel < inputs;
    to[(size_t)at.column * tensor_core::packedDepth<Storage>(taps * padded) + at.k] =
            Operand::round(inside ? w[(size_t)(at.tap * inputs + at.channel) * outputs + output] : 0);
}

extern "C" __global__ void __launch_bounds__(256) packData(const float *w, Storage *to, int taps, int inputs,
        int outputs, int padded, int block) {
    const Packed at(item(), taps, padded, block);
    if (at.column >= tensor_core::packedColumns(inputs)) return;
    const int input = tensor_core::fragmentColumn(at.column);
    const bool inside = input < inputs && at.channel < outputs;
    to[(size_t)at.column * tensor_core::packedDepth<Storage>(taps * padded) + at.k] =
            Operand::round(inside ? w[(size_t)(at.tap * inputs + input) * outputs + at.channel] : 0);
}

extern "C" __global__ void __launch_bounds__(256) packGates(const float *w, Storage *to, int taps, int inputs,
        int filters, int padded, int block, int depth, int offset) {
    const Packed at(item(), taps, padded, block);
    if (at.column >= tensor_core::gateColumns(filters)) return;
    const int unit = tensor_core::gateUnit(at.column), gate = tensor_core::gateOf(at.column);
    const bool inside = unit < filters && at.channel < inputs;
    to[(size_t)at.column * depth + offset + at.k] = Operand::round(
            inside ? w[((size_t)(at.tap * inputs + at.channel) * GATES + gate) * filters + unit] : 0);
}
