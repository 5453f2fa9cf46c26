#include "machine/trials.h"

#include <algorithm>

#include "machine/operand_origins.h"

namespace softgpu {

namespace {

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
        (i_.tensor && i_.tensor->trial ? i_.tensor->trial : i_.exec)(w_, i_);
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
    case ptx::Type::e4m3: return 0x38383838;
    case ptx::Type::e5m2: return 0x3c3c3c3c;
    default: return 0x01010101;
    }
}

// In a matrix product of ones, each zero makes the sums smaller to which it contributes.
void try_product(Trials &trials, const Instr &i) {
    const uint64_t all = ones(i.tensor->type);
    const auto bytes = static_cast<uint32_t>(std::max(ptx::size(i.tensor->type), 1));     // smaller ones by byte
    trials.note(trials.run([=](const Source &, int) { return all; }));
    trials.note(trials.run([=](const Source &s, int l) { return all & ~whole(s.undefined[l], bytes); }));
}

}  // namespace

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

std::vector<Bits> results_with(Warp &w, const Instr &i, const std::vector<Source> &sources,
                               const std::vector<Bits> &values) {
    return Trials(w, i, sources).run_undefined([&](const Source &s, int l) { return values[&s - sources.data()][l]; });
}

std::vector<Bits> dependent_bits(Warp &w, const Instr &i, const std::vector<Source> &sources) {
    Trials trials(w, i, sources);
    if (i.tensor) try_product(trials, i);
    else try_patterns(trials, w, i, sources);
    if (i.compares) try_equal(trials, w, i);
    return trials.differ;
}

}  // namespace softgpu
