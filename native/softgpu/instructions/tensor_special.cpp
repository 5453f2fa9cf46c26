// The matrix products that the layout or the arithmetic of tensor.cpp does not fit: f64, bits, and m8n8k4 of f16.
#include "instructions/tensor.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/formats.h"

namespace softgpu::tensor {

// The elements of f64 have a register each. Products are not exact: each is fused with its sum, in the order of k.
void mma_f64(Warp &warp, const Instr &instr) {
    const Registers registers(warp, instr);
    const int row_tiles = registers.form.d_registers / 2, depth = 4 * registers.form.b_registers;
    const auto at = [&warp](const Slot *slots, int r, int l) { return warp.lanes<double>(slots[r])[l]; };
    double sums[4][LANES];
    for (int i = 0; i < 2 * row_tiles; ++i)
        for (int l = 0; l < LANES; ++l) {
            double &sum = sums[i][l] = at(registers.c, i, l);
            const int group = l / 4 * 4, column = (l % 4 * 2 + i % 2) * 4;
            for (int k = 0; k < depth; ++k)
                sum = std::fma(at(registers.a, k / 4 * row_tiles + i / 2, group + k % 4),
                               at(registers.b, k / 4, column + k % 4), sum);
        }
    for (int i = 0; i < 2 * row_tiles; ++i) std::copy_n(sums[i], LANES, warp.lanes<double>(registers.d[i]));
}

namespace {

// A sum grows by the number of bits that are 1 in a row of a combined with a column of b. A register has 32 of them.
template <class Combine> void mma_b1(Warp &warp, const Instr &instr, Combine combine) {
    const Registers registers(warp, instr);
    const int row_tiles = registers.form.d_registers / 2, words = 4 * registers.form.b_registers;
    const auto at = [&warp](const Slot *slots, int r, int l) { return warp.lanes<uint32_t>(slots[r])[l]; };
    uint32_t sums[4][LANES];
    for (int i = 0; i < 2 * row_tiles; ++i)
        for (int l = 0; l < LANES; ++l) {
            uint32_t &sum = sums[i][l] = at(registers.c, i, l);
            const int group = l / 4 * 4, column = (l % 4 * 2 + i % 2) * 4;
            for (int k = 0; k < words; ++k)
                sum += static_cast<uint32_t>(
                    std::popcount(combine(at(registers.a, k / 4 * row_tiles + i / 2, group + k % 4),
                                          at(registers.b, k / 4, column + k % 4))));
        }
    for (int i = 0; i < 2 * row_tiles; ++i) std::copy_n(sums[i], LANES, warp.lanes<uint32_t>(registers.d[i]));
}

}  // namespace

void mma_and(Warp &warp, const Instr &instr) {
    mma_b1(warp, instr, [](uint32_t a, uint32_t b) { return a & b; });
}
void mma_xor(Warp &warp, const Instr &instr) {
    mma_b1(warp, instr, [](uint32_t a, uint32_t b) { return a ^ b; });
}

namespace {

struct Place {
    int row, column;
};
// Where element i of a lane is in c and d of m8n8k4. That of an f32 is one of four that its quarter has of two rows.
Place place_of_sum(ptx::Type type, int lane, int i) {
    const int high = lane / 16 * 4;
    return type == ptx::Type::f16 ? Place{lane % 4 + high, i}
                                  : Place{(lane & 1) + (i & 2) + high, (i & 4) + (lane & 2) + (i & 1)};
}

}  // namespace

// Four products, each of the lanes 4 * q to 4 * q + 3 and of those 16 higher. These have the upper halves: rows 4 to 7
// of a and d, columns 4 to 7 of b. A lane has four elements of a row (.row) or a column (.col) of a and b.
void mma_quarters(Warp &warp, const Instr &instr) {
    const Registers registers(warp, instr);
    const ptx::Type c = registers.form.c, d = registers.form.d;
    const bool column_a = instr.flags & COLUMN_A, column_b = instr.flags & COLUMN_B;
    const auto half = [&warp](const Slot *slots, int l, int i) {
        return widen<F16, double>(warp.lanes<uint32_t>(slots[i / 2])[l] >> i % 2 * 16 & 0xffff);
    };
    double a[4][8][4], b[4][4][8], sums[4][8][8];
    for (int l = 0; l < LANES; ++l) {
        const int quarter = l % 16 / 4, lane = l % 4, high = l / 16 * 4;
        for (int i = 0; i < 4; ++i) {
            (column_a ? a[quarter][i + high][lane] : a[quarter][lane + high][i]) = half(registers.a, l, i);
            (column_b ? b[quarter][i][lane + high] : b[quarter][lane][i + high]) = half(registers.b, l, i);
        }
        for (int i = 0; i < 8; ++i) {
            const Place at = place_of_sum(c, l, i);
            sums[quarter][at.row][at.column] =
                c == ptx::Type::f16 ? half(registers.c, l, i) : double(warp.lanes<float>(registers.c[i])[l]);
        }
    }
    for (int quarter = 0; quarter < 4; ++quarter)
        for (int row = 0; row < 8; ++row)
            for (int n = 0; n < 8; ++n)
                for (int k = 0; k < 4; ++k) sums[quarter][row][n] += a[quarter][row][k] * b[quarter][k][n];
    for (int l = 0; l < LANES; ++l)
        for (int i = 0; i < 8; ++i) {
            const Place at = place_of_sum(d, l, i);
            const double sum = sums[l % 16 / 4][at.row][at.column];
            if (d == ptx::Type::f32) {
                warp.lanes<float>(registers.d[i])[l] = canonical(static_cast<float>(sum));
                continue;
            }
            uint32_t &pair = warp.lanes<uint32_t>(registers.d[i / 2])[l];
            const uint32_t bits = narrow<F16, Round::nearest>(sum);
            pair = i % 2 ? pair | bits << 16 : bits;
        }
}

}  // namespace softgpu::tensor
