#include "machine/undefined.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>

#include "base/hex.h"
#include "machine/arena.h"
#include "machine/block.h"
#include "machine/cluster.h"
#include "machine/fault.h"
#include "ptx/source.h"

namespace softgpu {

using ptx::Space;

// ---- Origins --------------------------------------------------------------------------------------------------------

Origin UnwrittenReads::number(const Read &read) {
    constexpr size_t MOST = std::numeric_limits<Origin>::max();
    if (reads_.size() == MOST) return MOST;     // the last one stands for all that follow
    const auto [at, fresh] = numbers_.try_emplace({read.pc, read.thread, read.address}, reads_.size() + 1);
    if (fresh) reads_.push_back(read);
    return at->second;
}

void UnwrittenReads::clear() {
    if (reads_.empty()) return;
    *this = {};
}

UndefinedValues::UndefinedValues(const Program &program)
    : registers(program.register_bytes / ORIGIN_STRIDE), predicates(program.predicates) {}

void UndefinedValues::set(Origin &at, Origin origin) {
    count += (origin != 0);
    count -= (at != 0);
    at = origin;
}

void UndefinedValues::set_local(int lane, uint64_t at, uint64_t bytes, Origin origin) {
    auto &origins = local[lane];
    const auto first = origins.lower_bound(at), last = origins.lower_bound(at + bytes);
    count -= static_cast<uint64_t>(std::distance(first, last));
    origins.erase(first, last);
    if (!origin) return;
    for (uint64_t b = at; b < at + bytes; ++b) origins[b] = origin;
    count += bytes;
}

Origin UndefinedValues::of_local(int lane, uint64_t at, uint64_t bytes) const {
    const auto first = local[lane].lower_bound(at);
    return first != local[lane].end() && first->first < at + bytes ? first->second : Origin(0);
}

// ---- Reports --------------------------------------------------------------------------------------------------------

namespace {

std::string unwritten_read(Space space, uint64_t address, uint32_t bytes) {
    const std::string what = "uninitialized read of " + std::to_string(bytes) + (bytes == 1 ? " byte at " : " bytes at ");
    if (space == Space::shared) return what + "shared address " + hex(address) + ": nothing has written it";
    return what + hex(address) + ": nothing has written it; it is " + Arena::get().describe(address);
}

}  // namespace

void report_use(const Warp &w, int lane, Origin origin, const std::string &use) {
    const Grid &grid = *w.block->grid;
    const UnwrittenReads::Read &read = w.block->unwritten[origin];
    const Instr &load = grid.program.code[read.pc];
    const Position p = position(grid, read.thread);
    std::string text = use + "\n  it comes from an " + unwritten_read(read.space, read.address, read.bytes) +
                       "\n    read by thread (" + std::to_string(p.x) + "," + std::to_string(p.y) + "," +
                       std::to_string(p.z) + ") at ";
    const std::vector<std::string> chain = ptx::inlined_chain(grid.program.source, load.source);
    for (auto line = chain.rbegin(); line != chain.rend(); ++line) text += *line + ", ";
    text += "PTX line " + std::to_string(load.line) + ": " + ptx::text_of(grid.program.source, load.line);
    throw Fault{Check::initialized, lane, text, CUDA_ERROR_LAUNCH_FAILED};
}

namespace {

// The first of the shared bytes to which an undefined value was stored.
Origin origin_of_shared(const Block &block, uint64_t address, uint32_t bytes) {
    for (uint32_t b = 0; b < bytes; ++b) {
        const auto at = block.unwritten.shared.find(static_cast<uint32_t>(address + b));
        if (at != block.unwritten.shared.end() && !(block.shadow.words[at->first / 4].written >> at->first % 4 & 1))
            return at->second;
    }
    return 0;
}

std::string use_of(const Instr &i) {
    switch (i.flow) {
    case Flow::table: return "a branch takes an undefined value as its index";
    case Flow::call_indirect: return "a call takes an undefined value as its function";
    case Flow::barrier: return "a barrier takes an undefined value as an operand";
    default: break;
    }
    switch (i.cls) {
    case Class::atomic: return "an atomic operation takes an undefined value as an operand";
    case Class::async_copy: return "an asynchronous copy takes an undefined value as an operand";
    case Class::warp: case Class::barrier:
        return "an undefined value decides which threads of the warp take part, or what they read";
    default: return "an undefined value is used as an address";
    }
}

std::span<const Reference> references(const Warp &w, const Instr &i) {
    const Program &program = w.block->grid->program;
    const size_t pc = static_cast<size_t>(&i - program.code.data());
    return {program.references.data() + program.first_reference[pc],
            program.references.data() + program.first_reference[pc + 1]};
}

Origins &origins_of(UndefinedValues &u, const Reference &r) {
    return r.predicate ? u.predicates[r.slot >> 1] : u.registers[r.slot / ORIGIN_STRIDE];
}
const Origins &origins_of(const UndefinedValues &u, const Reference &r) {
    return origins_of(const_cast<UndefinedValues &>(u), r);
}

// Whether the instruction has no effect but on its results.
bool only_computes(const Instr &i) { return i.flow == Flow::next && i.cls <= Class::move; }

bool decides(const Instr &i, const Reference &r) { return i.decides >> std::min(r.where, 5u) & 1; }

void require_defined(const Warp &w, const Origins &origins, uint32_t mask, const std::string &use) {
    for (uint32_t rest = mask; rest; rest &= rest - 1)
        if (const int l = __builtin_ctz(rest); origins[l]) report_use(w, l, origins[l], use);
}

uint32_t undefined_lanes(const Origins &origins) {
    uint32_t lanes = 0;
    for (int l = 0; l < LANES; ++l) lanes |= static_cast<uint32_t>(origins[l] != 0) << l;
    return lanes;
}

// ---- Trials ---------------------------------------------------------------------------------------------------------

using Bits = std::array<uint64_t, LANES>;

Bits read_bits(const Warp &w, const Reference &r) {
    Bits bits;
    const uint32_t predicate = r.predicate ? w.predicate(r.slot) : 0;
    for (int l = 0; l < LANES; ++l)
        bits[l] = r.predicate ? predicate >> l & 1
                  : r.wide    ? w.lanes<uint64_t>(r.slot)[l]
                              : w.lanes<uint32_t>(r.slot)[l];
    return bits;
}

void write_bits(Warp &w, const Reference &r, const Bits &bits) {
    uint32_t predicate = 0;
    for (int l = 0; l < LANES; ++l) {
        if (r.predicate) predicate |= static_cast<uint32_t>(bits[l] & 1) << l;
        else if (r.wide) w.lanes<uint64_t>(r.slot)[l] = bits[l];
        else w.lanes<uint32_t>(r.slot)[l] = static_cast<uint32_t>(bits[l]);
    }
    if (r.predicate) w.predicates[r.slot >> 1] = predicate ^ -(r.slot & 1);
}

// The results of the instruction if its sources had other values: value(now, origin) for each lane.
template <class F> std::vector<Bits> trial(Warp &w, const Instr &i, F value) {
    std::vector<std::pair<const Reference *, Bits>> before;
    for (const Reference &r : references(w, i)) before.emplace_back(&r, read_bits(w, r));
    for (const auto &[r, bits] : before) {
        if (r->result || decides(i, *r)) continue;
        Bits other;
        for (int l = 0; l < LANES; ++l) other[l] = value(bits[l], origins_of(*w.undefined, *r)[l]);
        write_bits(w, *r, other);
    }
    const Exec exec = i.tensor && i.tensor->trial ? i.tensor->trial : i.exec;
    exec(w, i);
    std::vector<Bits> results;
    for (const auto &[r, bits] : before)
        if (r->result) results.push_back(read_bits(w, *r));
    for (const auto &[r, bits] : before) write_bits(w, *r, bits);
    return results;
}

// Number 1, or a pair of equal numbers, or four of them, in the type of a tensor core's operands. Read as a type of
// sums it is positive, and not so small that it is lost in a sum of ones.
uint64_t ones(ptx::Type type) {
    switch (type) {
    case ptx::Type::f16: return 0x44004400;         // 4: with 1, an f32 sum is too small
    case ptx::Type::bf16: return 0x3f803f80;
    case ptx::Type::tf32: return 0x3f800000;
    case ptx::Type::f64: return 0x3ff0000000000000;
    case ptx::Type::e4m3: return 0x38383838;
    case ptx::Type::e5m2: return 0x3c3c3c3c;
    default: return 0x01010101;
    }
}

// The lanes of each result that depend on undefined sources: those that differ if only these do. In a matrix product of
// ones, each zero makes the sums smaller to which it contributes.
std::vector<uint32_t> dependent_lanes(Warp &w, const Instr &i) {
    std::vector<Bits> one, other;
    if (i.tensor) {
        const uint64_t all = ones(i.tensor->type);
        one = trial(w, i, [=](uint64_t, Origin) { return all; });
        other = trial(w, i, [=](uint64_t, Origin o) { return o ? 0 : all; });
    } else {
        one = trial(w, i, [](uint64_t now, Origin o) { return o ? 0 : now; });
        other = trial(w, i, [](uint64_t now, Origin o) { return o ? ~uint64_t(0) : now; });
    }
    std::vector<uint32_t> lanes(one.size());
    for (size_t r = 0; r < one.size(); ++r)
        for (int l = 0; l < LANES; ++l) lanes[r] |= static_cast<uint32_t>(one[r][l] != other[r][l]) << l;
    return lanes;
}

// The origins that the instruction moves to its results: undefined sources have them as values, in both halves.
std::vector<Bits> moved_origins(Warp &w, const Instr &i) {
    return trial(w, i, [](uint64_t now, Origin o) { return o ? o * uint64_t(0x10001) : now; });
}

// ---- Instructions ---------------------------------------------------------------------------------------------------

// Calls f(origin, lane, number of the result) for the results of the lanes `mask`. The carry is as the first result.
template <class F> void for_results(Warp &w, const Instr &i, uint32_t mask, F f) {
    const auto each_lane = [&](Origins &origins, size_t result) {
        for (uint32_t rest = mask; rest; rest &= rest - 1) {
            const int l = __builtin_ctz(rest);
            f(origins[l], l, result);
        }
    };
    size_t next = 0;
    for (const Reference &r : references(w, i))
        if (r.result) each_lane(origins_of(*w.undefined, r), next++);
    if (i.spread & TO_CARRY) each_lane(w.undefined->carry, 0);
}

// The origins of each result, for lanes that run the instruction.
std::vector<Origins> result_origins(Warp &w, const Instr &i) {
    const UndefinedValues &u = *w.undefined;
    const bool exchanges = i.flow == Flow::converge, moves = i.spread & MOVES;
    Origins own{}, choosing{};      // of the first undefined one of a lane's sources; of its predicates
    if (i.spread & FROM_CARRY) own = u.carry;
    size_t results = 0;
    for (const Reference &r : references(w, i)) {
        results += r.result;
        if (r.result) continue;
        const Origins &origins = origins_of(u, r);
        for (int l = 0; l < LANES; ++l) {
            if (!own[l]) own[l] = origins[l];
            if (moves && r.predicate && !choosing[l]) choosing[l] = origins[l];
        }
    }
    // A shuffle may read lanes that do not take part.
    const uint32_t undefined = undefined_lanes(own) & (exchanges && !moves ? w.active : FULL);
    std::vector<Origins> all(std::max<size_t>(results, 1));      // one for the carry
    if (!undefined) return all;
    const Origin any = own[__builtin_ctz(undefined)];
    if (!i.tensor && !(i.spread & (BY_TRIAL | MOVES))) {
        for (Origins &result : all)
            for (int l = 0; l < LANES; ++l) result[l] = exchanges ? any : own[l];
        return all;
    }
    const std::vector<uint32_t> dependent = dependent_lanes(w, i);
    const std::vector<Bits> moved = moves ? moved_origins(w, i) : std::vector<Bits>(results);
    for (size_t r = 0; r < results; ++r)
        for (int l = 0; l < LANES; ++l) {
            const auto low = static_cast<Origin>(moved[r][l]), high = static_cast<Origin>(moved[r][l] >> 16);
            if (choosing[l]) all[r][l] = choosing[l];
            else if (dependent[r] >> l & 1) all[r][l] = low ? low : high ? high : own[l] ? own[l] : any;
        }
    return all;
}

}  // namespace

void check_uses(Warp &w, const Instr &i, uint32_t mask) {
    UndefinedValues &u = *w.undefined;
    const uint32_t active = mask & (w.predicates[i.guard] ^ i.guard_flip);
    const Origins guard = u.predicates[i.guard];
    if (const uint32_t unsure = undefined_lanes(guard) & mask) {
        if (!only_computes(i))
            require_defined(w, guard, unsure,
                            i.flow == Flow::branch ? "a branch depends on an undefined value"
                                                   : "an undefined value decides whether this instruction runs");
        for_results(w, i, unsure & ~active, [&](Origin &at, int l, size_t) { u.set(at, guard[l]); });
    }
    if (!i.decides) return;
    for (const Reference &r : references(w, i))
        if (!r.result && decides(i, r)) require_defined(w, origins_of(u, r), active, use_of(i));
}

void run_with_origins(Warp &w, const Instr &i) {
    UndefinedValues &u = *w.undefined;
    const std::vector<Origins> results = result_origins(w, i);
    const Origins guard = u.predicates[i.guard];
    for_results(w, i, w.active, [&](Origin &at, int l, size_t r) { u.set(at, guard[l] ? guard[l] : results[r][l]); });
    i.exec(w, i);
    if (u.count == 0) w.undefined.reset();
}

void define_results(Warp &w, const Instr &i, uint32_t mask) {
    for_results(w, i, mask, [&](Origin &at, int, size_t) { w.undefined->set(at, 0); });
}

// ---- Memory ---------------------------------------------------------------------------------------------------------

void find_unwritten(const Warp &w, Unwritten *unwritten, int lane, Space space, uint64_t address, uint32_t bytes,
                    uint64_t word, uint32_t missing) {
    if (unwritten) {
        if (!(unwritten->lanes >> lane & 1)) unwritten->bytes[lane] = 0;
        unwritten->lanes |= 1u << lane;
        unwritten->bytes[lane] |= word < address ? missing >> (address - word) : missing << (word - address);
        return;
    }
    if (space == Space::shared)
        if (const Origin stored = origin_of_shared(*w.block, address, bytes))
            report_use(w, lane, stored, "use of an undefined value that was stored at shared address " + hex(address));
    throw Fault{Check::initialized, lane, unwritten_read(space, address, bytes), CUDA_ERROR_LAUNCH_FAILED};
}

Origin origin_of_read(Warp &w, const Instr &i, const Unwritten &unwritten, Space space, int lane, uint64_t address,
                      uint32_t first, uint32_t bytes) {
    if (space == Space::local) return w.undefined ? w.undefined->of_local(lane, address + first, bytes) : Origin(0);
    const uint64_t part = ((uint64_t(1) << bytes) - 1) << first;
    if (!(unwritten.lanes >> lane & 1) || !(unwritten.bytes[lane] & part)) return 0;
    if (space == Space::shared)
        if (const Origin stored = origin_of_shared(*w.block, address + first, bytes)) return stored;
    const auto pc = static_cast<uint32_t>(&i - w.block->grid->program.code.data());
    const uint32_t thread = w.index * LANES + static_cast<uint32_t>(lane);
    return w.block->unwritten.number({pc, thread, bytes, space, address + first});
}

Origin origin_of(const Warp &w, Slot slot, int lane) {
    const bool constant = slot & 1;
    return constant || !w.undefined ? Origin(0) : w.undefined->registers[slot / ORIGIN_STRIDE][lane];
}

void add_origin(Warp &w, Slot slot, int lane, Origin origin) {
    if (!origin) return;
    if (!w.undefined) w.undefined = std::make_unique<UndefinedValues>(w.block->grid->program);
    Origin &at = w.undefined->registers[slot / ORIGIN_STRIDE][lane];
    w.undefined->set(at, origin);
}

void store_origin(Warp &w, Space space, int lane, uint64_t address, uint32_t bytes, Origin origin) {
    if (space == Space::local) {
        if (w.undefined) w.undefined->set_local(lane, address, bytes, origin);
        return;
    }
    if (!origin) return;
    if (space != Space::shared || rank_bits(address))       // of another block: its threads do not know of it
        report_use(w, lane, origin, "an undefined value is stored at " + hex(address));
    for (uint64_t b = address; b < address + bytes; ++b) {
        w.block->shadow.words[b / 4].written &= static_cast<uint8_t>(~(1u << b % 4));
        w.block->unwritten.shared[static_cast<uint32_t>(b)] = origin;
    }
}

}  // namespace softgpu
