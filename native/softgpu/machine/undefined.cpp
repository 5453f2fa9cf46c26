#include "machine/undefined.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>

#include "base/hex.h"
#include "machine/arena.h"
#include "machine/block.h"
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

// The origins of a lane of a register, by byte, or that of a predicate's lane.
Origin *origins_of(UndefinedValues &u, const Reference &r, int lane) {
    if (r.predicate()) return &u.predicates[r.slot >> 1][lane];
    return &u.registers[r.slot + static_cast<uint32_t>(lane) * r.lane_bytes()];
}
const Origin *origins_of(const UndefinedValues &u, const Reference &r, int lane) {
    return origins_of(const_cast<UndefinedValues &>(u), r, lane);
}
uint32_t count_of(const Reference &r) { return r.predicate() ? 1 : r.lane_bytes(); }

// Whether one of the origins, a multiple of four, is not 0.
bool any_of(const Origin *origins, uint32_t count) {
    uint64_t any = 0;
    for (uint32_t o = 0; o < count; o += 4) {
        uint64_t four;
        std::memcpy(&four, origins + o, sizeof four);
        any |= four;
    }
    return any;
}
bool any_of(const UndefinedValues &u, const Reference &r) { return any_of(origins_of(u, r, 0), LANES * count_of(r)); }

// The first origin in a lane.
Origin origin_in(const UndefinedValues &u, const Reference &r, int lane) {
    const Origin *const at = origins_of(u, r, lane);
    for (uint32_t b = 0; b < count_of(r); ++b)
        if (at[b]) return at[b];
    return 0;
}

// Whether the instruction has no effect but on its results.
bool only_computes(const Instr &i) { return i.flow == Flow::next && i.cls <= Class::move; }

bool decides(const Instr &i, const Reference &r) { return i.decides >> std::min(r.where, 5u) & 1; }

// ---- Trials ---------------------------------------------------------------------------------------------------------

using Bits = std::array<uint64_t, LANES>;

Bits read_bits(const Warp &w, const Reference &r) {
    Bits bits;
    const uint32_t predicate = r.predicate() ? w.predicate(r.slot) : 0;
    for (int l = 0; l < LANES; ++l)
        bits[l] = r.predicate()  ? predicate >> l & 1
                  : r.bytes == 8 ? w.lanes<uint64_t>(r.slot)[l]
                                 : w.lanes<uint32_t>(r.slot)[l];
    return bits;
}

void write_bits(Warp &w, const Reference &r, const Bits &bits) {
    uint32_t predicate = 0;
    for (int l = 0; l < LANES; ++l) {
        if (r.predicate()) predicate |= static_cast<uint32_t>(bits[l] & 1) << l;
        else if (r.bytes == 8) w.lanes<uint64_t>(r.slot)[l] = bits[l];
        else w.lanes<uint32_t>(r.slot)[l] = static_cast<uint32_t>(bits[l]);
    }
    if (r.predicate()) w.predicates[r.slot >> 1] = predicate ^ -(r.slot & 1);
}

// A source of an instruction, with its undefined bits.
struct Source {
    const Reference *r;
    Bits now, undefined{};
    uint32_t lanes = 0;         // in which some are undefined
};

// The sources that need not be defined.
std::vector<Source> sources_of(const Warp &w, const Instr &i) {
    std::vector<Source> sources;
    for (const Reference &r : references(w, i)) {
        if (r.result || decides(i, r)) continue;
        Source s{&r, read_bits(w, r)};
        for (int l = 0; l < LANES; ++l) {
            const Origin *const at = origins_of(*w.undefined, r, l);
            for (uint32_t b = 0; b < std::max<uint32_t>(r.bytes, 1); ++b)
                if (at[b]) s.undefined[l] |= uint64_t(0xff) << 8 * b;
            s.lanes |= static_cast<uint32_t>(s.undefined[l] != 0) << l;
        }
        sources.push_back(s);
    }
    return sources;
}

// Runs an instruction with other values of its sources, and notes in which bits its results differ.
class Trials {
public:
    Trials(Warp &w, const Instr &i, const std::vector<Source> &sources) : w_(w), i_(i), sources_(sources) {
        for (const Reference &r : references(w, i))
            if (r.result) results_.emplace_back(&r, read_bits(w, r));
        differ.resize(results_.size());
    }

    std::vector<Bits> differ;       // by result

    // The results if the sources have the values value(source, lane). Sources get them in the order of operands.
    template <class F> std::vector<Bits> run(F value) {
        const uint32_t carry = w_.carry;
        for (const Source &s : sources_) {
            Bits other;
            for (int l = 0; l < LANES; ++l) other[l] = value(s, l);
            write_bits(w_, *s.r, other);
        }
        i_.exec(w_, i_);
        std::vector<Bits> results;
        for (const auto &[r, before] : results_) results.push_back(read_bits(w_, *r));
        for (const auto &[r, before] : results_) write_bits(w_, *r, before);
        for (const Source &s : sources_) write_bits(w_, *s.r, s.now);
        w_.carry = carry;
        return results;
    }
    // The same, with other values of the undefined bits only.
    template <class F> std::vector<Bits> run_undefined(F value) {
        return run([&](const Source &s, int l) {
            return (s.now[l] & ~s.undefined[l]) | (value(s, l) & s.undefined[l]);
        });
    }
    void note(const std::vector<Bits> &results) {
        if (first_.empty()) first_ = results;
        for (size_t r = 0; r < results.size(); ++r)
            for (int l = 0; l < LANES; ++l) differ[r][l] |= results[r][l] ^ first_[r][l];
    }
    // Whether all results of these lanes differ somewhere.
    bool differ_in(uint32_t lanes) const {
        return std::ranges::all_of(differ, [=](const Bits &bits) {
            uint32_t some = 0;
            for (int l = 0; l < LANES; ++l) some |= static_cast<uint32_t>(bits[l] != 0) << l;
            return (lanes & ~some) == 0;
        });
    }

private:
    Warp &w_;
    const Instr &i_;
    const std::vector<Source> &sources_;
    std::vector<std::pair<const Reference *, Bits>> results_;
    std::vector<Bits> first_;
};

// The values of a trial: all zeros and all ones; for what depends on order also the least and the greatest integers and
// floats. So an operation that is monotone in each source gives its least and its greatest result.
constexpr uint32_t EXTREMES = 10;
uint64_t pattern(const Reference &r, uint32_t n) {
    if (r.predicate()) return n;
    const uint32_t bits = 8u * r.bytes;
    const uint64_t sign = uint64_t(1) << (bits - 1), infinity = bits == 64 ? uint64_t(0x7ff) << 52 : 0x7f800000;
    const uint64_t large = sign - 1 - (uint64_t(1) << (bits - 8));  // a finite one, also with any lower bytes
    switch (n) {
    case 0: return 0;
    case 1: return ~uint64_t(0);        // a NaN
    case 2: return sign - 1;
    case 3: return sign;
    case 4: return infinity;
    case 5: return infinity | sign;
    case 6: return infinity - 1;        // the greatest finite one
    case 7: return (infinity - 1) | sign;
    case 8: return large;
    default: return large | sign;
    }
}

// Tries all combinations of patterns of the undefined sources; of extremes, until all results differ.
void try_patterns(Trials &trials, const Warp &w, const Instr &i, const std::vector<Source> &sources) {
    const bool extremes = i.spread == Spread::decided;
    const auto count = [=](const Source &s) { return !s.lanes ? 1 : s.r->predicate() || !extremes ? 2 : EXTREMES; };
    size_t combinations = 1;
    uint32_t lanes = 0;
    for (const Source &s : sources) {
        combinations *= count(s);
        lanes |= s.lanes & w.active;
    }
    std::vector<uint64_t> chosen(sources.size());
    for (size_t n = 0; n < combinations && !(n > 0 && extremes && trials.differ_in(lanes)); ++n) {
        size_t rest = n;
        for (size_t s = 0; s < sources.size(); rest /= count(sources[s++]))
            chosen[s] = pattern(*sources[s].r, static_cast<uint32_t>(rest % count(sources[s])));
        trials.note(trials.run_undefined([&](const Source &s, int) { return chosen[&s - sources.data()]; }));
    }
}

// Tries two operands that are equal where they can be: the undefined bits of each are those of the other one, which
// for the second are what the first one has got.
void try_equal(Trials &trials, const Warp &w, const Instr &i) {
    const uint32_t first = i.compares, second = first + 1;
    trials.note(trials.run_undefined([&](const Source &s, int l) -> uint64_t {
        if (s.r->where != first && s.r->where != second) return 0;
        const Slot other = i.op[s.r->where == first ? second : first];
        return s.r->bytes == 8 ? w.lanes<uint64_t>(other)[l] : w.lanes<uint32_t>(other)[l];
    }));
}

// Number 1, or a pair of equal numbers, or four of them, in the type of a tensor core's operands. Read as a type of
// sums it is positive, and not so small that it is lost in a sum of ones.
uint64_t ones(ptx::Type type) {
    switch (type) {
    case ptx::Type::f16: return 0x44004400;         // 4: with 1, an f32 sum is too small
    case ptx::Type::bf16: return 0x3f803f80;
    case ptx::Type::tf32: return 0x3f800000;
    case ptx::Type::f64: return 0x3ff0000000000000;
    default: return 0x01010101;
    }
}

// The bits of all numbers of `bytes` that have one of these bits.
uint64_t whole(uint64_t bits, uint32_t bytes) {
    const uint64_t one = bytes == 8 ? ~uint64_t(0) : (uint64_t(1) << 8 * bytes) - 1;
    uint64_t all = 0;
    for (uint32_t at = 0; at < 8; at += bytes)
        if (bits >> 8 * at & one) all |= one << 8 * at;
    return all;
}

// In a matrix product of ones, each zero makes the sums smaller to which it contributes.
void try_product(Trials &trials, const Instr &i) {
    const uint64_t all = ones(i.tensor->type);
    const auto bytes = static_cast<uint32_t>(ptx::size(i.tensor->type));
    trials.note(trials.run([=](const Source &, int) { return all; }));
    trials.note(trials.run([=](const Source &s, int l) { return all & ~whole(s.undefined[l], bytes); }));
}

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
void find_moved_origins(Effect &effect, Trials &trials, const UndefinedValues &u) {
    const auto moved = [&](int shift) {
        return trials.run_undefined([&](const Source &s, int l) {
            const Origin *const at = origins_of(u, *s.r, l);
            uint64_t value = 0;
            for (uint32_t b = 0; b < count_of(*s.r); ++b) value |= uint64_t(at[b] >> shift & 0xff) << 8 * b;
            return s.r->predicate() ? s.now[l] : value;
        });
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
    Trials trials(w, i, sources);
    if (i.tensor) try_product(trials, i);
    else try_patterns(trials, w, i, sources);
    if (i.compares) try_equal(trials, w, i);
    effect.undefined = trials.differ;
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
    if (i.spread == Spread::bits) find_moved_origins(effect, trials, *w.undefined);
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
    const Effect effect = effect_of(w, i);
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

Origin origin_of_read(Warp &w, const LaneRead &read, uint32_t at, uint32_t first, uint32_t bytes) {
    const auto &[i, unwritten, space, lane, address] = read;
    if (space == Space::local) return w.undefined ? w.undefined->of_local(lane, address + at, 1) : Origin(0);
    if (!(unwritten.lanes >> lane & 1) || !(unwritten.bytes[lane] >> at & 1)) return 0;
    if (space == Space::shared)
        if (const Origin stored = origin_of_shared(*w.block, address + at, 1)) return stored;
    const auto pc = static_cast<uint32_t>(&i - w.block->grid->program.code.data());
    const uint32_t thread = w.index * LANES + static_cast<uint32_t>(lane);
    return w.block->unwritten.number({pc, thread, bytes, space, address + first});
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
    if (space != Space::shared) report_use(w, lane, origin, "an undefined value is stored at " + hex(address));
    for (uint64_t b = address; b < address + bytes; ++b) {
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
