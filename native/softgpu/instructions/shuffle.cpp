// Instructions that exchange values between the lanes of a warp: shfl, vote, match, redux, activemask (PTX ISA, "Data
// Movement", "Parallel Synchronization"). The executor calls them when all lanes in the mask have reached the
// instruction.
#include <cstring>

#include "instructions/families.h"
#include "machine/warp.h"
#include "program/decoding.h"
#include "program/target.h"

namespace softgpu {

namespace {

using ptx::Type;

enum Mode : uint8_t { UP, DOWN, BUTTERFLY, INDEX };

template <Mode MODE> void shuffle(Warp &w, const Instr &i) {
    const uint32_t *a = w.lanes<uint32_t>(i.op[2]), *b = w.lanes<uint32_t>(i.op[3]);
    const uint32_t *c = w.lanes<uint32_t>(w.slots[i.more]);
    uint32_t result[LANES], inside = 0;
    int source[LANES];
    for (int l = 0; l < LANES; ++l) {
        const int lane = l, distance = static_cast<int>(b[l] & 31), clamp = static_cast<int>(c[l] & 31);
        const int segment = static_cast<int>(c[l] >> 8 & 31);
        const int last = (lane & segment) | (clamp & ~segment), first = lane & segment;
        int from = 0;
        bool ok = false;
        switch (MODE) {
        case UP: from = lane - distance; ok = from >= last; break;
        case DOWN: from = lane + distance; ok = from <= last; break;
        case BUTTERFLY: from = lane ^ distance; ok = from <= last; break;
        case INDEX: from = first | (distance & ~segment); ok = from <= last; break;
        }
        source[l] = ok ? from & 31 : lane;
        inside |= static_cast<uint32_t>(ok) << l;
    }
    for (int l = 0; l < LANES; ++l) result[l] = a[source[l]];
    for_lanes(w, w.lanes<uint32_t>(i.op[0]), [&](int l) { return result[l]; });
    if (i.op[1] != NO_SLOT) w.set_predicate(i.op[1], inside);
}

enum Vote : uint8_t { ALL, ANY, UNI, BALLOT };

template <Vote VOTE> void vote(Warp &w, const Instr &i) {
    const uint32_t truths = w.predicate(i.op[1]) & w.active;
    if (VOTE == BALLOT) for_lanes(w, w.lanes<uint32_t>(i.op[0]), [&](int) { return truths; });
    else if (VOTE == ALL) w.set_predicate(i.op[0], truths == w.active ? FULL : 0);
    else if (VOTE == ANY) w.set_predicate(i.op[0], truths ? FULL : 0);
    else w.set_predicate(i.op[0], truths == 0 || truths == w.active ? FULL : 0);
}

template <class T, bool ALL_EQUAL> void match(Warp &w, const Instr &i) {
    const T *a = w.lanes<T>(i.op[2]);
    uint32_t result[LANES] = {}, all = FULL;
    for (uint32_t rest = w.active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        for (uint32_t others = w.active; others; others &= others - 1) {
            const int o = __builtin_ctz(others);
            if (a[o] == a[l]) result[l] |= 1u << o;
        }
        if (result[l] != w.active) all = 0;
    }
    if (ALL_EQUAL) {
        for_lanes(w, w.lanes<uint32_t>(i.op[0]), [&](int) { return all ? w.active : 0; });
        if (i.op[1] != NO_SLOT) w.set_predicate(i.op[1], all);
    } else {
        for_lanes(w, w.lanes<uint32_t>(i.op[0]), [&](int l) { return result[l]; });
    }
}

template <class T, class F> void reduce(Warp &w, const Instr &i, F f) {
    const T *a = w.lanes<T>(i.op[1]);
    T all = a[__builtin_ctz(w.active)];
    for (uint32_t rest = w.active & (w.active - 1); rest; rest &= rest - 1) all = f(all, a[__builtin_ctz(rest)]);
    for_lanes(w, w.lanes<T>(i.op[0]), [&](int) { return all; });
}

Exec reduction(const ptx::Instruction &in, Operands &operands) {
    const Type type = in.modifiers.empty() ? Type::none : ptx::type_of(in.modifiers.back());
    if (type == Type::u32 || type == Type::s32) {
        if (in.has("add")) return [](Warp &w, const Instr &i) { reduce<uint32_t>(w, i, [](uint32_t x, uint32_t y) { return x + y; }); };
        const bool sign = type == Type::s32;
        if (in.has("min")) {
            if (sign) return [](Warp &w, const Instr &i) { reduce<int32_t>(w, i, [](int32_t x, int32_t y) { return x < y ? x : y; }); };
            return [](Warp &w, const Instr &i) { reduce<uint32_t>(w, i, [](uint32_t x, uint32_t y) { return x < y ? x : y; }); };
        }
        if (in.has("max")) {
            if (sign) return [](Warp &w, const Instr &i) { reduce<int32_t>(w, i, [](int32_t x, int32_t y) { return x > y ? x : y; }); };
            return [](Warp &w, const Instr &i) { reduce<uint32_t>(w, i, [](uint32_t x, uint32_t y) { return x > y ? x : y; }); };
        }
    } else if (type == Type::b32) {
        if (in.has("and")) return [](Warp &w, const Instr &i) { reduce<uint32_t>(w, i, [](uint32_t x, uint32_t y) { return x & y; }); };
        if (in.has("or")) return [](Warp &w, const Instr &i) { reduce<uint32_t>(w, i, [](uint32_t x, uint32_t y) { return x | y; }); };
        if (in.has("xor")) return [](Warp &w, const Instr &i) { reduce<uint32_t>(w, i, [](uint32_t x, uint32_t y) { return x ^ y; }); };
    }
    operands.reject("there is no such reduction on ." + in.modifiers.back());
}

void decode_shuffle(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const ptx::Operand &result = in.operands.at(0);
    const bool pair = result.kind == ptx::Operand::Kind::pair;
    operands.result(0, pair ? result.parts.at(0) : result, Type::b32);
    if (pair) operands.result(1, result.parts.at(1), Type::pred);
    operands.source(2, in.operands.at(1), Type::b32);
    operands.source(3, in.operands.at(2), Type::b32);
    operands.more_sources(in.operands.at(3), Type::b32);
    operands.source(4, in.operands.at(4), Type::b32);
    instr.spread = Spread::bits;
    instr.decides = 1 << 3 | 1 << 5;
    instr.exec = in.has("up")     ? shuffle<UP>
                 : in.has("down") ? shuffle<DOWN>
                 : in.has("bfly") ? shuffle<BUTTERFLY>
                                  : shuffle<INDEX>;
}

void decode_vote(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const bool ballot = in.has("ballot");
    operands.result(0, in.operands.at(0), ballot ? Type::b32 : Type::pred);
    operands.source(1, in.operands.at(1), Type::pred);
    operands.source(4, in.operands.at(2), Type::b32);
    if (!in.has("uni")) instr.spread = Spread::bits;
    instr.exec = ballot ? vote<BALLOT> : in.has("all") ? vote<ALL> : in.has("any") ? vote<ANY> : vote<UNI>;
}

void decode_match(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const bool all = in.has("all"), wide = in.has("b64");
    const ptx::Operand &result = in.operands.at(0);
    const bool pair = result.kind == ptx::Operand::Kind::pair;
    operands.result(0, pair ? result.parts.at(0) : result, Type::b32);
    if (pair) operands.result(1, result.parts.at(1), Type::pred);
    operands.source(2, in.operands.at(1), wide ? Type::b64 : Type::b32);
    operands.source(4, in.operands.at(2), Type::b32);
    instr.decides = 1 << 2;
    instr.exec = all ? (wide ? match<uint64_t, true> : match<uint32_t, true>)
                     : (wide ? match<uint64_t, false> : match<uint32_t, false>);
}

}  // namespace

bool decode_warp(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const std::string &op = in.opcode;
    if (op == "activemask") {
        instr.cls = Class::warp;
        operands.result(0, in.operands.at(0), Type::b32);
        instr.exec = [](Warp &w, const Instr &i) {
            const uint32_t active = w.active;
            for_lanes(w, w.lanes<uint32_t>(i.op[0]), [active](int) { return active; });
        };
        return true;
    }
    if (op == "elect") {
        if (!in.has("sync")) operands.reject("needs .sync");
        need_target(operands, 90);
        const ptx::Operand &to = in.operands.at(0);
        if (to.kind != ptx::Operand::Kind::pair) operands.reject("has two results, d|p");
        operands.result(0, to.parts.at(0), Type::b32);
        operands.result(1, to.parts.at(1), Type::pred);
        operands.source(4, in.operands.at(1), Type::b32);
        instr.cls = Class::warp;
        instr.flow = Flow::converge;
        instr.has_mask = true;
        instr.exec = [](Warp &w, const Instr &i) {
            const auto leader = static_cast<uint32_t>(__builtin_ctz(w.active));
            for_lanes(w, w.lanes<uint32_t>(i.op[0]), [leader](int) { return leader; });
            w.set_predicate(i.op[1], 1u << leader);
        };
        return true;
    }
    if (op != "shfl" && op != "vote" && op != "match" && op != "redux") return false;
    if (!in.has("sync")) operands.reject("only the .sync form is provided, which has a mask of threads");
    require_known(in, operands, {"sync", "up", "down", "bfly", "idx", "all", "any", "uni", "ballot", "add", "min", "max", "and",
                                 "or", "xor"});
    if (op == "redux") need_target(operands, 80);
    instr.cls = Class::warp;
    instr.flow = Flow::converge;
    instr.has_mask = true;
    if (op == "shfl") {
        decode_shuffle(in, instr, operands);
    } else if (op == "vote") {
        decode_vote(in, instr, operands);
    } else if (op == "match") {
        decode_match(in, instr, operands);
    } else {
        if (in.has("f32")) operands.reject("redux of floats is not provided");
        operands.result(0, in.operands.at(0), Type::b32);
        operands.source(1, in.operands.at(1), Type::b32);
        operands.source(4, in.operands.at(2), Type::b32);
        if (in.has("and") || in.has("or")) instr.spread = Spread::bits;
        if (in.has("min") || in.has("max")) instr.spread = Spread::decided;
        instr.exec = reduction(in, operands);
    }
    return true;
}

}  // namespace softgpu
