#include "program/cas_reads.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace softgpu {

using ptx::Function;
using ptx::Instruction;
using ptx::Operand;

namespace {

bool is_reg(const Operand &operand) { return operand.kind == Operand::Kind::reg; }

bool is_cas(const Instruction &in) {
    return in.opcode == "atom" && in.has("cas") && in.operands.size() == 4 && is_reg(in.operands[2]);
}

// A register, or a variable by its name and its place in the body.
using Value = std::pair<uint32_t, std::string>;
Value reg(uint32_t number) { return {number, ""}; }
Value variable(const Operand &operand) { return {static_cast<uint32_t>(operand.variable), operand.name}; }

// What each register is a copy of, by a mov (also those of a loop's start and end), or an address by cvta.
class Copies {
public:
    explicit Copies(const Function &function) {
        for (const Instruction &in : function.body) {
            if ((in.opcode != "mov" && in.opcode != "cvta") || in.operands.size() != 2 || !is_reg(in.operands[0])) continue;
            const Operand &from = in.operands[1];
            std::set<Value> &copied = copied_[reg(in.operands[0].reg)];
            if (is_reg(from)) copied.insert(reg(from.reg));
            else if (from.kind == Operand::Kind::symbol && from.offset == 0) copied.insert(variable(from));
        }
    }

    std::set<Value> origins(const Value &value) const {
        std::set<Value> all{value};
        std::vector<Value> open{value};
        while (!open.empty()) {
            const auto at = copied_.find(open.back());
            open.pop_back();
            if (at == copied_.end()) continue;
            for (const Value &from : at->second)
                if (all.insert(from).second) open.push_back(from);
        }
        return all;
    }

private:
    std::map<Value, std::set<Value>> copied_;
};

bool same_address(const Operand &a, const Operand &b, const Copies &copies) {
    if (a.kind != Operand::Kind::address || b.kind != a.kind || a.offset != b.offset) return false;
    if (a.base == Operand::Kind::integer || b.base == Operand::Kind::integer)
        return a.base == b.base && a.integer == b.integer;
    const auto origins = [&](const Operand &o) {
        return copies.origins(o.base == Operand::Kind::reg ? reg(o.reg) : variable(o));
    };
    const std::set<Value> of_a = origins(a);
    return std::ranges::any_of(origins(b), [&](const Value &value) { return of_a.contains(value); });
}

}  // namespace

std::vector<bool> reads_before_cas(const Function &function) {
    std::vector<bool> found(function.body.size());
    // Most functions have none: their copies are not looked for at each load of a module.
    if (std::ranges::none_of(function.body, is_cas)) return found;
    const Copies copies(function);
    for (const Instruction &cas : function.body) {
        if (!is_cas(cas)) continue;
        const std::set<Value> compared = copies.origins(reg(cas.operands[2].reg));
        for (size_t i = 0; i < function.body.size(); ++i) {
            const Instruction &in = function.body[i];
            if (in.opcode == "ld" && in.operands.size() == 2 && is_reg(in.operands[0]) &&
                compared.contains(reg(in.operands[0].reg)) && same_address(in.operands[1], cas.operands[1], copies))
                found[i] = true;
        }
    }
    return found;
}

}  // namespace softgpu
