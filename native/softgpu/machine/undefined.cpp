#include "machine/undefined.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/hex.h"
#include "machine/arena.h"
#include "machine/block.h"
#include "machine/cluster.h"
#include "machine/fault.h"
#include "machine/operand_origins.h"
#include "machine/trials.h"
#include "ptx/source.h"

namespace softgpu {

using ptx::Space;

// ---- Origins --------------------------------------------------------------------------------------------------------

Origin UnwrittenReads::number(const Read &read) {
    constexpr size_t MOST = std::numeric_limits<Origin>::max();
    if (reads_.size() == MOST) return MOST;     // the last one stands for all that follow
    const auto [at, fresh] = numbers_.try_emplace({read.pc, read.thread, read.address, read.computed},
                                                     reads_.size() + 1);
    if (fresh) reads_.push_back(read);
    return at->second;
}

Origin UnwrittenReads::computed(Origin origin) {
    if (!origin || (*this)[origin].computed) return origin;
    Read read = (*this)[origin];
    read.computed = true;
    return number(read);
}

void UnwrittenReads::clear() {
    if (reads_.empty()) return;
    *this = {};
}

UndefinedValues::UndefinedValues(const Program &program)
    : registers(program.register_bytes), predicates(program.predicates) {}

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

Origin *UndefinedValues::of_register(const LaneBytes &at) {
    return &registers[at.slot + static_cast<uint32_t>(at.lane) * (at.wide ? 8 : 4) + at.first];
}

Origin UndefinedValues::of_local(int lane, uint64_t at, uint64_t bytes) const {
    const auto first = local[lane].lower_bound(at);
    return first != local[lane].end() && first->first < at + bytes ? first->second : Origin(0);
}

// ---- Reports --------------------------------------------------------------------------------------------------------

namespace {

std::string unwritten_read(Space space, uint64_t address, uint32_t bytes, bool in_part) {
    const std::string what = "uninitialized read of " + std::to_string(bytes) +
                             (bytes == 1 ? " byte at " : " bytes at "),
                      why = in_part ? ": only some of them were written" : ": nothing has written it";
    if (space == Space::shared) return what + "shared address " + hex(address) + why;
    return what + hex(address) + why + "; it is " + Arena::get().describe(address);
}

}  // namespace

void report_use(const Warp &w, int lane, Origin origin, const std::string &use) {
    const Grid &grid = *w.block->grid;
    const UnwrittenReads::Read &read = w.block->unwritten[origin];
    const Instr &load = grid.program.code[read.pc];
    std::string text = use + "\n  it comes from an " +
                       unwritten_read(read.space, read.address, read.bytes, read.in_part) +
                       "\n    read by thread " + thread_name(grid, read.thread) + " at ";
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

// Whether the instruction has no effect but on its results.
bool only_computes(const Instr &i) { return i.flow == Flow::next && i.cls <= Class::move; }

// ---- Instructions ---------------------------------------------------------------------------------------------------

// What is undefined of the results of an instruction.
struct Effect {
    std::vector<Bits> undefined;        // bits of each result
    Origins own{};                      // the first origin in the sources of each lane
    Origin any = 0;                     // one of the lanes that take part
    bool exchanges = false;             // between lanes
    std::vector<std::pair<int, Origin>> known;      // all origins in the sources, by lane; of lane 0 if it exchanges
    std::vector<Bits> low, high;        // see find_moved_origins

    Origin origin(size_t result, int lane, uint32_t byte) const {
        if (!(undefined[result][lane] >> 8 * byte & 0xff)) return 0;
        if (!low.empty()) {
            const auto moved = static_cast<Origin>((low[result][lane] >> 8 * byte & 0xff) |
                                                   (high[result][lane] >> 8 * byte & 0xff) << 8);
            const std::pair<int, Origin> found{exchanges ? 0 : lane, moved};
            if (std::ranges::binary_search(known, found)) return found.second;
        }
        return own[lane] ? own[lane] : any;
    }
};

// Many instructions only move bytes. Where one moves origins, each result gets the origin of its source: so it runs
// with the lower bytes of origins as the values of undefined bytes, and with the upper ones.
void find_moved_origins(Effect &effect, Warp &w, const Instr &i, const std::vector<Source> &sources) {
    const auto moved = [&](int shift) {
        std::vector<Bits> values;
        for (const Source &s : sources) {
            Bits &value = values.emplace_back(s.now);
            for (int l = 0; l < LANES && !s.r->predicate(); ++l) {
                const Origin *const at = origins_of(*w.undefined, *s.r, l);
                value[l] = 0;
                for (uint32_t b = 0; b < count_of(*s.r); ++b) value[l] |= uint64_t(at[b] >> shift & 0xff) << 8 * b;
            }
        }
        return results_with(w, i, sources, values);
    };
    effect.low = moved(0);
    effect.high = moved(8);
    std::ranges::sort(effect.known);
}

void note_origins(Effect &effect, const Warp &w, const Instr &i, const std::vector<Source> &sources) {
    if (i.takes_carry) effect.own = w.undefined->carry;
    for (const Source &s : sources)
        for (uint32_t rest = s.lanes; rest; rest &= rest - 1) {
            const int l = __builtin_ctz(rest);
            if (!effect.own[l]) effect.own[l] = origin_in(*w.undefined, *s.r, l);
            const Origin *const at = origins_of(*w.undefined, *s.r, l);
            for (uint32_t b = 0; b < count_of(*s.r); ++b)
                if (at[b] && (b == 0 || at[b] != at[b - 1]))
                    effect.known.emplace_back(effect.exchanges ? 0 : l, at[b]);
        }
    for (int l = 0; l < LANES && !effect.any; ++l)
        if (w.active >> l & 1) effect.any = effect.own[l];
}

// Spread::halves and Spread::pair.
void spread_halves(Effect &effect, const Warp &w, const Instr &i, const std::vector<Source> &sources) {
    size_t next = 0;
    for (const Reference &r : references(w, i)) {
        if (!r.result) continue;
        Bits &undefined = effect.undefined[next++];
        const uint32_t half = std::max<uint32_t>(r.bytes / 2, 1);
        for (const Source &s : sources)
            for (int l = 0; l < LANES; ++l) {
                const uint64_t bits = s.undefined[l];
                if (s.r->predicate()) undefined[l] |= bits ? ~uint64_t(0) : 0;
                else if (r.predicate()) undefined[l] |= bits >> 16 * r.where & 0xffff;
                else if (i.spread == Spread::halves) undefined[l] |= whole(bits, half);
                else if (bits) undefined[l] |= whole(1, half) << (s.r->where == 1 ? 8 * half : 0);
            }
    }
}

Effect effect_of(Warp &w, const Instr &i) {
    Effect effect;
    effect.exchanges = i.flow == Flow::converge;
    for (const Reference &r : references(w, i))
        if (r.result) effect.undefined.emplace_back();
    const std::vector<Source> sources = sources_of(w, i);
    note_origins(effect, w, i, sources);
    if (effect.known.empty() && !effect.any) return effect;
    const auto all_of = [&](int lane, bool are) {
        for (Bits &undefined : effect.undefined) undefined[lane] = are ? ~uint64_t(0) : 0;
    };
    if (i.spread == Spread::all && !i.tensor) {
        for (int l = 0; l < LANES; ++l) all_of(l, effect.exchanges ? effect.any : effect.own[l]);
        return effect;
    }
    if (i.spread == Spread::halves || i.spread == Spread::pair) {
        spread_halves(effect, w, i, sources);
        return effect;
    }
    effect.undefined = dependent_bits(w, i, sources);
    for (Bits &undefined : effect.undefined)
        for (uint64_t &bits : undefined) {
            if (!bits) continue;
            if (i.spread == Spread::upwards) bits = -(bits & -bits);
            else if (i.spread != Spread::bits) bits = ~uint64_t(0);
        }
    for (const Source &s : sources)
        if (s.r->where < 5 && (i.steers >> s.r->where & 1))
            for (uint32_t rest = s.lanes; rest; rest &= rest - 1) all_of(__builtin_ctz(rest), true);
    if (i.takes_carry)
        for (int l = 0; l < LANES; ++l)
            if (w.undefined->carry[l]) all_of(l, true);
    if (i.spread == Spread::bits) find_moved_origins(effect, w, i, sources);
    return effect;
}

// Gives the results in the lanes `mask` their origins: origin(result, lane, byte), and none beyond a narrow register.
template <class F> void set_origins(Warp &w, const Instr &i, uint32_t mask, F origin) {
    size_t result = 0;
    for (const Reference &r : references(w, i)) {
        if (!r.result) continue;
        for (uint32_t rest = mask; rest; rest &= rest - 1) {
            const int l = __builtin_ctz(rest);
            Origin *const at = origins_of(*w.undefined, r, l);
            for (uint32_t b = 0; b < count_of(r); ++b)
                w.undefined->set(at[b], b == 0 || b < r.bytes ? origin(result, l, b) : Origin(0));
        }
        ++result;
    }
}

// Whether all that the instruction computes with is defined, as mostly.
bool is_defined(const UndefinedValues &u, const Warp &w, const Instr &i) {
    if (any_of(u.predicates[i.guard].data(), LANES) || (i.takes_carry && any_of(u.carry.data(), LANES))) return false;
    return std::ranges::none_of(references(w, i), [&](const Reference &r) { return !r.result && any_of(u, r); });
}

}  // namespace

void check_uses(Warp &w, const Instr &i, uint32_t mask) {
    UndefinedValues &u = *w.undefined;
    const uint32_t active = mask & (w.predicates[i.guard] ^ i.guard_flip);
    const Origins guard = u.predicates[i.guard];
    for (uint32_t rest = any_of(guard.data(), LANES) ? mask : 0; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        if (!guard[l]) continue;
        if (!only_computes(i))
            report_use(w, l, guard[l],
                       i.flow == Flow::branch ? "a branch depends on an undefined value"
                                              : "an undefined value decides whether this instruction runs");
        if (active >> l & 1) continue;
        set_origins(w, i, 1u << l, [&](size_t, int, uint32_t) { return guard[l]; });
        if (i.sets_carry) u.set(u.carry[l], guard[l]);
    }
    if (!i.decides) return;
    for (const Reference &r : references(w, i)) {
        if (r.result || !decides(i, r) || !any_of(u, r)) continue;
        for (uint32_t rest = active; rest; rest &= rest - 1) {
            const int l = __builtin_ctz(rest);
            if (const Origin origin = origin_in(u, r, l)) report_use(w, l, origin, use_of(i));
        }
    }
}

void run_with_origins(Warp &w, const Instr &i) {
    UndefinedValues &u = *w.undefined;
    if (is_defined(u, w, i)) {
        define_results(w, i, w.active);
        i.exec(w, i);
        if (u.count == 0) w.undefined.reset();
        return;
    }
    Effect effect = effect_of(w, i);
    // What moves bits keeps what they are. Every predicate was computed, so guards need not be.
    if (i.spread != Spread::bits) {
        UnwrittenReads &reads = w.block->unwritten;
        for (Origin &own : effect.own) own = reads.computed(own);
        effect.any = reads.computed(effect.any);
    }
    const Origins guard = u.predicates[i.guard];
    set_origins(w, i, w.active, [&](size_t result, int l, uint32_t b) {
        return guard[l] ? guard[l] : effect.origin(result, l, b);
    });
    for (uint32_t rest = i.sets_carry ? w.active : 0; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        u.set(u.carry[l], guard[l] ? guard[l] : effect.own[l]);
    }
    i.exec(w, i);
    if (u.count == 0) w.undefined.reset();
}

void define_results(Warp &w, const Instr &i, uint32_t mask) {
    UndefinedValues &u = *w.undefined;
    if (std::ranges::any_of(references(w, i), [&](const Reference &r) { return r.result && any_of(u, r); }))
        set_origins(w, i, mask, [](size_t, int, uint32_t) { return Origin(0); });
    for (uint32_t rest = i.sets_carry ? mask : 0; rest; rest &= rest - 1) u.set(u.carry[__builtin_ctz(rest)], 0);
}

// ---- Memory ---------------------------------------------------------------------------------------------------------

namespace {

// Whether some of the `bytes` from `first` on are not among those that are missing (one bit each).
bool written_in_part(uint32_t missing, uint32_t first, uint32_t bytes) {
    const auto all = static_cast<uint32_t>((uint64_t(1) << bytes) - 1);
    return (missing >> first & all) != all;
}

}  // namespace

void find_unwritten(const Warp &w, Unwritten *unwritten, int lane, Space space, uint64_t address, uint32_t bytes,
                    uint64_t word, uint32_t missing) {
    if (unwritten) {
        if (!(unwritten->lanes >> lane & 1)) unwritten->bytes[lane] = 0;
        unwritten->lanes |= 1u << lane;
        unwritten->bytes[lane] |= word < address ? missing >> (address - word) : missing << (word - address);
        return;
    }
    if (space == Space::shared)
        if (const Origin stored = origin_of_shared(*w.block, w.block->grid->shared_offset(address), bytes))
            report_use(w, lane, stored, "use of an undefined value that was stored at shared address " + hex(address));
    throw Fault{Check::initialized, lane, unwritten_read(space, address, bytes, false), CUDA_ERROR_LAUNCH_FAILED};
}

Origin origin_of_read(Warp &w, const LaneRead &read, uint32_t at, uint32_t first, uint32_t bytes) {
    const auto &[i, unwritten, space, lane, address, access] = read;
    if (space == Space::local) return w.undefined ? w.undefined->of_local(lane, address + at, 1) : Origin(0);
    if (!(unwritten.lanes >> lane & 1) || !(unwritten.bytes[lane] >> at & 1)) return 0;
    if (space == Space::shared)
        if (const Origin stored = origin_of_shared(*w.block, w.block->grid->shared_offset(address + at), 1))
            return stored;
    const auto pc = static_cast<uint32_t>(&i - w.block->grid->program.code.data());
    const uint32_t thread = w.index * LANES + static_cast<uint32_t>(lane);
    const uint32_t missing = unwritten.bytes[lane];
    return w.block->unwritten.number({pc, thread, bytes, space, address + first, written_in_part(missing, first, bytes),
                                      access > 4 && written_in_part(missing, 0, access)});
}

void add_origins(Warp &w, const LaneRead &read, uint32_t first, uint32_t bytes, const LaneBytes &to) {
    for (uint32_t b = 0; b < bytes; ++b) {
        const Origin origin = origin_of_read(w, read, first + b, first, bytes);
        if (!origin) continue;
        if (!w.undefined) w.undefined = std::make_unique<UndefinedValues>(w.block->grid->program);
        w.undefined->set(w.undefined->of_register(to)[b], origin);
    }
}

void store_origin(Warp &w, Space space, int lane, uint64_t address, uint32_t bytes, Origin origin) {
    if (space == Space::local) {
        if (w.undefined) w.undefined->set_local(lane, address, bytes, origin);
        return;
    }
    if (!origin) return;
    if (space != Space::shared || rank_bits(address)) {     // of another block: its threads do not know of it
        const UnwrittenReads::Read &read = w.block->unwritten[origin];
        const bool in_place = read.space == space && address - read.address < read.bytes;
        if (read.computed || !(in_place || read.beside))
            report_use(w, lane, origin, "an undefined value is stored at " + hex(address));
        if (!in_place && space != Space::shared) Arena::get().mark_unwritten(address, bytes);
        return;
    }
    const uint64_t offset = w.block->grid->shared_offset(address);
    for (uint64_t b = offset; b < offset + bytes; ++b) {
        w.block->shadow.words[b / 4].written &= static_cast<uint8_t>(~(1u << b % 4));
        w.block->unwritten.shared[static_cast<uint32_t>(b)] = origin;
    }
}

void store_origins(Warp &w, Space space, uint64_t address, uint32_t bytes, const LaneBytes &from) {
    const bool constant = from.slot & 1;
    const Origin *const origins = constant || !w.undefined ? nullptr : w.undefined->of_register(from);
    for (uint32_t b = 0; b < bytes; ++b)
        store_origin(w, space, from.lane, address + b, 1, origins ? origins[b] : Origin(0));
}

}  // namespace softgpu
