// ldmatrix, stmatrix, movmatrix (PTX ISA, "ldmatrix" and so on).
#include <cstring>

#include "instructions/addressing.h"
#include "instructions/families.h"
#include "machine/block.h"
#include "machine/memory.h"
#include "program/decoding.h"
#include "program/target.h"

namespace softgpu {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

namespace {

// x1, x2 or x4 matrices of 8 x 8 values of 16 bits; lane 8m + r holds the address of row r of matrix m. From each
// matrix (or its transpose) lane l gets the two values of row l/4, columns 2(l%4) and 2(l%4) + 1.
template <bool TRANSPOSED> void load_matrix(Warp &w, const Instr &i) {
    uint64_t address[LANES];
    std::byte *row[LANES];
    addresses(w, i, i.op[0], address);
    for (int l = 0; l < LANES; ++l) address[l] &= ~WINDOW_MASK;
    const int matrices = i.width;
    const uint32_t mask = matrices == 4 ? FULL : (1u << 8 * matrices) - 1;
    Unwritten unwritten;
    resolve(w, i, Space::shared, address, mask, 16, Access::load, row, nullptr, &unwritten);
    const Slot *slots = w.slots + i.more;
    uint32_t result[4][LANES];
    for (int m = 0; m < matrices; ++m)
        for (int l = 0; l < LANES; ++l) {
            uint16_t pair[2];
            for (int e = 0; e < 2; ++e) {
                const int r = TRANSPOSED ? l % 4 * 2 + e : l / 4, c = TRANSPOSED ? l / 4 : l % 4 * 2 + e;
                std::memcpy(&pair[e], row[8 * m + r] + 2 * c, 2);
                if (unwritten.lanes) [[unlikely]]
                    add_origins(w, {i, unwritten, Space::shared, 8 * m + r, address[8 * m + r]}, 2 * c, 2,
                                {slots[m], l, false, 2 * static_cast<uint32_t>(e)});
            }
            result[m][l] = pair[0] | static_cast<uint32_t>(pair[1]) << 16;
        }
    for (int m = 0; m < matrices; ++m) std::memcpy(w.lanes<uint32_t>(slots[m]), result[m], sizeof result[m]);
}

// The other way round: each lane's two values of each matrix go to their row, or their column.
template <bool TRANSPOSED> void store_matrix(Warp &w, const Instr &i) {
    uint64_t address[LANES];
    std::byte *row[LANES];
    addresses(w, i, i.op[0], address);
    for (int l = 0; l < LANES; ++l) address[l] &= ~WINDOW_MASK;
    const uint32_t mask = i.width == 4 ? FULL : (1u << 8 * i.width) - 1;
    resolve(w, i, Space::shared, address, mask, 16, Access::store, row);
    for (int m = 0; m < i.width; ++m) {
        const uint32_t *from = w.lanes<uint32_t>(w.slots[i.more + static_cast<uint32_t>(m)]);
        for (int l = 0; l < LANES; ++l)
            for (int e = 0; e < 2; ++e) {
                const int r = TRANSPOSED ? l % 4 * 2 + e : l / 4, c = TRANSPOSED ? l / 4 : l % 4 * 2 + e;
                const auto value = static_cast<uint16_t>(from[l] >> 16 * e);
                std::memcpy(row[8 * m + r] + 2 * c, &value, 2);
                if (w.undefined) [[unlikely]]
                    store_origins(w, Space::shared, address[8 * m + r] + 2 * c, 2,
                                  {w.slots[i.more + static_cast<uint32_t>(m)], l, false, 2 * static_cast<uint32_t>(e)});
            }
    }
}

// Transposes a matrix in registers.
void move_matrix(Warp &w, const Instr &i) {
    const uint32_t *from = w.lanes<uint32_t>(i.op[1]);
    uint16_t matrix[8][8];
    for (int l = 0; l < LANES; ++l)
        for (int e = 0; e < 2; ++e) matrix[l % 4 * 2 + e][l / 4] = static_cast<uint16_t>(from[l] >> 16 * e);
    for_lanes(w, w.lanes<uint32_t>(i.op[0]), [&](int l) {
        return matrix[l / 4][l % 4 * 2] | static_cast<uint32_t>(matrix[l / 4][l % 4 * 2 + 1]) << 16;
    });
}

void decode_move_matrix(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    need_target(operands, 75);
    require_known(in, operands, {"sync", "aligned", "m8n8", "trans"});
    if (!in.has("m8n8") || !in.has("trans") || !in.has("b16")) operands.reject("only .m8n8.trans.b16 is provided");
    instr.flow = Flow::converge;
    instr.cls = Class::warp;
    operands.result(0, in.operands.at(0), Type::b32);
    operands.source(1, in.operands.at(1), Type::b32);
    instr.spread = Spread::bits;
    instr.exec = move_matrix;
}

}  // namespace

bool decode_load_matrix(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    if (in.opcode == "movmatrix") return decode_move_matrix(in, instr, operands), true;
    const bool store = in.opcode == "stmatrix";
    if (!store && in.opcode != "ldmatrix") return false;
    need_target(operands, store ? 90 : 75);
    require_known(in, operands, {"sync", "aligned", "m8n8", "x1", "x2", "x4", "trans", "shared", "shared::cta"});
    if (!in.has("m8n8") || !in.has("b16")) operands.reject("of the shapes only .m8n8 of .b16 is provided");
    instr.flow = Flow::converge;
    instr.cls = store ? Class::store_shared : Class::load_shared;
    instr.width = in.has("x4") ? 4 : in.has("x2") ? 2 : 1;
    const Operand &registers = in.operands.at(store ? 1 : 0);
    if (registers.kind != Operand::Kind::vector || registers.parts.size() != instr.width)
        operands.reject("needs " + std::to_string(instr.width) + " registers");
    if (store) operands.more_sources(registers, Type::b32);
    else operands.more_results(registers, Type::b32);
    decode_address(in.operands.at(store ? 0 : 1), 0, Space::shared, instr, operands);
    const bool transposed = in.has("trans");
    instr.exec = store ? (transposed ? store_matrix<true> : store_matrix<false>)
                       : (transposed ? load_matrix<true> : load_matrix<false>);
    return true;
}

}  // namespace softgpu
