#include "program/registers.h"

#include <algorithm>

#include "program/program.h"

namespace softgpu {

namespace {

// Sets of registers, one bit each.
struct Bits {
    std::vector<uint64_t> words;
    explicit Bits(size_t n = 0) : words((n + 63) / 64) {}
    bool has(uint32_t i) const { return words[i / 64] >> (i % 64) & 1; }
    void add(uint32_t i) { words[i / 64] |= uint64_t(1) << (i % 64); }
    void remove(uint32_t i) { words[i / 64] &= ~(uint64_t(1) << (i % 64)); }
    template <class F> void each(F f) const {
        for (size_t w = 0; w < words.size(); ++w)
            for (uint64_t rest = words[w]; rest; rest &= rest - 1)
                f(static_cast<uint32_t>(w * 64 + __builtin_ctzll(rest)));
    }
};

struct BasicBlock {
    uint32_t begin, end;            // instructions
    uint32_t first, last;           // references
    std::vector<uint32_t> next;
    Bits reads, writes, in, out;    // reads: before any write
};

}  // namespace

void Liveness::begin(const ptx::Function &function) {
    function_ = &function;
    references_.clear();
    edges_.clear();
    stops_.assign(function.body.size() + 1, false);
    stops_.back() = true;
}

void Liveness::note(uint32_t instruction, uint32_t reg, Use use, bool guarded) {
    references_.push_back({instruction, reg, use == Use::use, use == Use::def, guarded});
}

void Liveness::edge(uint32_t from, uint32_t to) {
    edges_.push_back({from, to});
}

void Liveness::stop(uint32_t instruction) {
    stops_[instruction] = true;
}

Allocation Liveness::allocate() {
    const uint32_t registers = static_cast<uint32_t>(function_->registers.size());
    const uint32_t count = static_cast<uint32_t>(stops_.size());

    // Basic blocks.
    std::vector<bool> leader(count + 1, false);
    leader[0] = leader[count] = true;
    for (auto [from, to] : edges_) leader[from + 1] = leader[to] = true;
    for (uint32_t i = 0; i < count; ++i)
        if (stops_[i]) leader[i + 1] = true;
    std::vector<BasicBlock> blocks;
    std::vector<uint32_t> block_of(count);
    uint32_t reference = 0;
    for (uint32_t i = 0; i < count; ++i) {
        if (leader[i]) blocks.push_back({i, i, reference, reference, {}, Bits(registers), Bits(registers), Bits(registers), Bits(registers)});
        block_of[i] = static_cast<uint32_t>(blocks.size() - 1);
        blocks.back().end = i + 1;
        while (reference < references_.size() && references_[reference].instruction == i) ++reference;
        blocks.back().last = reference;
    }
    for (auto [from, to] : edges_) blocks[block_of[from]].next.push_back(block_of[to]);
    for (uint32_t b = 0; b + 1 < blocks.size(); ++b)
        if (!stops_[blocks[b].end - 1]) blocks[b].next.push_back(b + 1);

    // Live registers at the begin and end of blocks: backward data-flow iteration until nothing changes.
    for (BasicBlock &block : blocks) {
        for (uint32_t r = block.first; r < block.last;) {
            const uint32_t instruction = references_[r].instruction;
            uint32_t end = r;
            while (end < block.last && references_[end].instruction == instruction) ++end;
            for (uint32_t i = r; i < end; ++i) {
                const Reference &ref = references_[i];
                if ((ref.reads || ref.guarded) && !block.writes.has(ref.reg)) block.reads.add(ref.reg);
            }
            for (uint32_t i = r; i < end; ++i)
                if (references_[i].writes && !references_[i].guarded) block.writes.add(references_[i].reg);
            r = end;
        }
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t b = blocks.size(); b-- > 0;) {
            BasicBlock &block = blocks[b];
            for (uint32_t next : block.next)
                for (size_t w = 0; w < block.out.words.size(); ++w) block.out.words[w] |= blocks[next].in.words[w];
            for (size_t w = 0; w < block.in.words.size(); ++w) {
                const uint64_t in = block.reads.words[w] | (block.out.words[w] & ~block.writes.words[w]);
                changed |= in != block.in.words[w];
                block.in.words[w] = in;
            }
        }
    }

    // The live interval of each register, and the register pressure: for each block, from its end backwards.
    auto size = [this](uint32_t reg) { return ptx::size(function_->registers[reg].type); };
    constexpr uint32_t NEVER = 0xffffffffu;
    std::vector<uint32_t> begin(registers, NEVER), end(registers, 0);
    auto alive = [&](uint32_t reg, uint32_t at) {
        begin[reg] = std::min(begin[reg], at);
        end[reg] = std::max(end[reg], at);
    };
    Allocation result;
    for (const BasicBlock &block : blocks) {
        block.in.each([&](uint32_t reg) { alive(reg, block.begin); });
        block.out.each([&](uint32_t reg) { alive(reg, block.end - 1); });
        Bits live = block.out;
        uint32_t pressure = 0;
        live.each([&](uint32_t reg) { pressure += (size(reg) + 3) / 4; });
        result.pressure = std::max(result.pressure, pressure);
        for (uint32_t last = block.last; last > block.first;) {
            uint32_t first = last - 1;
            while (first > block.first && references_[first - 1].instruction == references_[last - 1].instruction) --first;
            for (uint32_t r = first; r < last; ++r) {
                const Reference &ref = references_[r];
                alive(ref.reg, ref.instruction);
                if (ref.writes && !ref.guarded && live.has(ref.reg)) {
                    live.remove(ref.reg);
                    pressure -= (size(ref.reg) + 3) / 4;
                }
            }
            for (uint32_t r = first; r < last; ++r) {
                const Reference &ref = references_[r];
                if (ref.reads && !live.has(ref.reg)) {
                    live.add(ref.reg);
                    pressure += (size(ref.reg) + 3) / 4;
                }
            }
            result.pressure = std::max(result.pressure, pressure);
            last = first;
        }
    }

    // Linear scan allocation. Both ends of an interval are inclusive, so a result never gets the place of a source of
    // the same instruction.
    result.slots.assign(registers, 0);
    std::vector<uint32_t> order;
    for (uint32_t reg = 0; reg < registers; ++reg) {
        if (function_->registers[reg].type == ptx::Type::pred) result.slots[reg] = result.predicates++;
        else if (begin[reg] != NEVER) order.push_back(reg);
    }
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return begin[a] < begin[b]; });
    auto later = [&](uint32_t a, uint32_t b) { return end[a] > end[b]; };
    std::vector<uint32_t> active;               // a heap, ordered by the end of the interval
    std::vector<uint32_t> unused[2];            // narrow and wide places
    for (uint32_t reg : order) {
        while (!active.empty() && end[active.front()] < begin[reg]) {
            std::pop_heap(active.begin(), active.end(), later);
            unused[size(active.back()) == 8].push_back(result.slots[active.back()]);
            active.pop_back();
        }
        const bool wide = size(reg) == 8;
        if (unused[wide].empty()) {
            result.places.push_back({result.bytes, wide});
            result.slots[reg] = result.bytes;
            result.bytes += LANES * (wide ? 8 : 4);
        } else {
            result.slots[reg] = unused[wide].back();
            unused[wide].pop_back();
        }
        active.push_back(reg);
        std::push_heap(active.begin(), active.end(), later);
    }
    return result;
}

}  // namespace softgpu
