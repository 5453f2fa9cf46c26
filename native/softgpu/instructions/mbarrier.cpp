// mbarrier (PTX ISA).
#include "machine/mbarrier.h"

#include <cstring>

#include "instructions/addressing.h"
#include "instructions/async_copy.h"
#include "instructions/families.h"
#include "machine/block.h"
#include "machine/cluster.h"
#include "machine/fault.h"
#include "machine/memory.h"
#include "program/decoding.h"
#include "program/target.h"

namespace softgpu {

// Its names are not those of other families, with which this file is compiled as one.
namespace mbarriers {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

// Bits of Instr::width.
enum : uint8_t { EXPECTS = 1, DROPS = 2, NO_COMPLETE = 4, PARITY = 8, YIELDS = 16, NO_INCREMENT = 32 };

// Calls f(lane, offset in shared memory) for each active lane, after the checks of an access to the object's 8 bytes.
template <class F> void each(Warp &w, const Instr &i, Access access, F f) {
    uint64_t address[LANES];
    std::byte *at[LANES];
    addresses(w, i, i.op[1], address);
    by_space(w, i, address, [&](Space space, uint32_t mask) {
        if (space != Space::shared)
            throw Fault{Check::bounds, __builtin_ctz(mask), "an mbarrier is in shared memory only",
                CUDA_ERROR_ILLEGAL_ADDRESS};
        // There must be an object, but where one begins.
        for (uint32_t rest = mask; rest && access != Access::store; rest &= rest - 1)
            mbarrier_at(w, __builtin_ctz(rest), address[__builtin_ctz(rest)]);
        resolve(w, i, space, address, mask, 8, access, at);
        for (uint32_t rest = mask; rest; rest &= rest - 1) f(__builtin_ctz(rest), address[__builtin_ctz(rest)]);
    });
}

uint32_t operand(const Warp &w, Slot slot, int lane, uint32_t otherwise) {
    return slot == NO_SLOT ? otherwise : w.lanes<uint32_t>(slot)[lane];
}

void initialize(Warp &w, const Instr &i) {
    each(w, i, Access::store, [&](int l, uint64_t at) { initialize_mbarrier(w, l, at, operand(w, i.op[2], l, 1)); });
}

void invalidate(Warp &w, const Instr &i) {
    // A store to the bytes of an object is a misuse, unless it ends the object.
    std::vector<std::pair<int, uint64_t>> all;
    each(w, i, Access::atomic_update, [&](int l, uint64_t at) { all.emplace_back(l, at); });
    for (const auto &[l, at] : all) invalidate_mbarrier(w, l, at);
}

void expect(Warp &w, const Instr &i) {
    each(w, i, Access::atomic_update,
         [&](int l, uint64_t at) { expect_bytes(w, l, mbarrier_at(w, l, at), operand(w, i.op[2], l, 0)); });
}

void complete(Warp &w, const Instr &i) {
    each(w, i, Access::atomic_update,
         [&](int l, uint64_t at) { complete_bytes(w, l, mbarrier_at(w, l, at), operand(w, i.op[2], l, 0)); });
}

void arrive_at(Warp &w, const Instr &i) {
    const uint32_t active = w.active;
    each(w, i, Access::atomic_update, [&](int l, uint64_t at) {
        Mbarrier &barrier = mbarrier_at(w, l, at);
        const bool expects = i.width & EXPECTS;
        if (expects) expect_bytes(w, l, barrier, operand(w, i.op[2], l, 0));
        const uint64_t state = arrive(w, l, barrier, expects ? 1 : operand(w, i.op[2], l, 1), i.width & DROPS,
                                      !(i.width & NO_COMPLETE));
        if (i.op[0] != NO_SLOT) w.lanes<uint64_t>(i.op[0])[l] = state;
    });
    w.active = active;
}

void wait(Warp &w, const Instr &i) {
    uint32_t ended = 0;
    each(w, i, Access::atomic_load, [&](int l, uint64_t at) {
        require_own(w, l, at);
        const uint32_t parity = i.width & PARITY
            ? w.lanes<uint32_t>(i.op[2])[l] : parity_of(w.lanes<uint64_t>(i.op[2])[l]);
        ended |= static_cast<uint32_t>(has_ended(w, mbarrier_at(w, l, at), parity)) << l;
    });
    w.set_predicate(i.op[0], ended);
    if (i.width & YIELDS && (w.active & ~ended)) w.yields = true;
}

void pending_count(Warp &w, const Instr &i) {
    const uint64_t *state = w.lanes<uint64_t>(i.op[2]);
    for_lanes(w, w.lanes<uint32_t>(i.op[0]), [=](int l) { return pending_of(state[l]); });
}

// cp.async.mbarrier.arrive: the thread's copies complete here, and then it arrives.
void arrive_after_copies(Warp &w, const Instr &i) {
    complete_copies(w);
    each(w, i, Access::atomic_update, [&](int l, uint64_t at) {
        Mbarrier &barrier = mbarrier_at(w, l, at);
        if (!(i.width & NO_INCREMENT)) ++barrier.pending;
        arrive(w, l, barrier, 1, false, true);
    });
}

// ---- Decoding -------------------------------------------------------------------------------------------------------

void decode_arrive_after_copies(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    need_target(operands, 80);
    require_known(in, operands, {"async", "mbarrier", "arrive", "noinc", "shared", "shared::cta"});
    instr.cls = Class::atomic;
    if (in.has("noinc")) instr.width |= NO_INCREMENT;
    decode_address(in.operands.at(0), 1, space_of(in), instr, operands);
    instr.exec = arrive_after_copies;
}

void decode_arrive(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const bool drops = in.has("arrive_drop"), expects = in.has("expect_tx"), no_complete = in.has("noComplete");
    instr.width = static_cast<uint8_t>((drops ? DROPS : 0) | (expects ? EXPECTS : 0) | (no_complete ? NO_COMPLETE : 0));
    const bool with_state = in.operands.at(0).kind != Operand::Kind::address;
    if (with_state && in.operands[0].kind != Operand::Kind::sink) operands.result(0, in.operands[0], Type::b64);
    const size_t at = with_state ? 1 : 0;
    decode_address(in.operands.at(at), 1, space_of(in), instr, operands);
    if (in.operands.size() > at + 1) operands.source(2, in.operands[at + 1], Type::u32);
    else if (expects || no_complete) operands.reject("needs a count");
    if (in.operands.size() > at + 2) operands.reject("has too many operands");
    instr.exec = arrive_at;
}

void decode_wait(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    if (in.has("parity")) instr.width |= PARITY;
    if (in.has("try_wait")) instr.width |= YIELDS;
    operands.result(0, in.operands.at(0), Type::pred);
    decode_address(in.operands.at(1), 1, space_of(in), instr, operands);
    operands.source(2, in.operands.at(2), in.has("parity") ? Type::u32 : Type::b64);
    // A limit of the time to wait: there is no time here.
    if (in.operands.size() > (in.has("try_wait") ? 4u : 3u)) operands.reject("has too many operands");
    instr.exec = wait;
}

bool decode(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    if (in.opcode == "cp" && in.has("mbarrier")) return decode_arrive_after_copies(in, instr, operands), true;
    if (in.opcode != "mbarrier") return false;
    need_target(operands, 80);
    instr.cls = Class::atomic;
    if (in.modifiers.empty() || in.modifiers.back() != "b64") operands.reject("is for .b64");
    require_known(in, operands, {"init", "inval", "expect_tx", "complete_tx", "arrive", "arrive_drop", "noComplete",
                                 "test_wait", "try_wait", "parity", "pending_count", "shared", "shared::cta",
                                 "shared::cluster", "release", "acquire", "relaxed", "cta", "cluster"});
    const std::string &kind = in.modifiers[0];
    if (kind == "pending_count") {
        operands.result(0, in.operands.at(0), Type::u32);
        operands.source(2, in.operands.at(1), Type::b64);
        instr.exec = pending_count;
    } else if (kind == "arrive" || kind == "arrive_drop") {
        decode_arrive(in, instr, operands);
    } else if (kind == "test_wait" || kind == "try_wait") {
        decode_wait(in, instr, operands);
    } else {
        decode_address(in.operands.at(0), 1, space_of(in), instr, operands);
        if (kind != "inval") operands.source(2, in.operands.at(1), Type::u32);
        instr.exec = kind == "init" ? initialize : kind == "inval" ? invalidate : kind == "expect_tx" ? expect
                   : kind == "complete_tx" ? complete : nullptr;
        if (!instr.exec) operands.reject("this operation is not provided");
    }
    return true;
}

}  // namespace mbarriers

bool decode_mbarrier(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    return mbarriers::decode(in, instr, operands);
}

}  // namespace softgpu
