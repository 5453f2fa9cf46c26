#include "ptx/register_parameters.h"

#include <algorithm>
#include <unordered_map>

namespace softgpu::ptx {

namespace {

using Functions = std::unordered_map<std::string, const Function *>;

bool in_registers(const Variable &v) { return v.space == Space::generic; }
bool is_variable(const Operand &o) { return o.kind == Operand::Kind::symbol; }

bool passes_registers(const Instruction &in) {
    return in.opcode == "call" && (!std::ranges::all_of(in.operands[0].parts, is_variable) ||
                                   !std::ranges::all_of(in.operands[2].parts, is_variable));
}

class Lowering {
public:
    Lowering(Function &function, const Functions &functions) : function(function), functions(functions) {}

    void run() {
        const bool returns = std::ranges::any_of(function.results, in_registers);
        if (!returns && std::ranges::none_of(function.parameters, in_registers) &&
            std::ranges::none_of(function.body, passes_registers))
            return;
        std::vector<Instruction> old = std::move(function.body);
        function.body.clear();
        for (const Variable &v : function.parameters)
            if (in_registers(v)) emit(transfer(v, own(v), true), {});
        std::vector<uint32_t> moved;        // where each old instruction is now, with what is made before it
        for (Instruction &in : old) {
            moved.push_back(static_cast<uint32_t>(function.body.size()));
            if (in.opcode == "ret") store_results(in);
            if (passes_registers(in)) call(std::move(in));
            else function.body.push_back(std::move(in));
        }
        moved.push_back(static_cast<uint32_t>(function.body.size()));
        if (old.empty() || old.back().opcode != "ret" || old.back().guard >= 0) store_results({});
        retarget(moved);
        for (auto *list : {&function.parameters, &function.results})
            for (Variable &v : *list)
                if (in_registers(v)) v.space = Space::param;
    }

private:
    // A load or a store between a .param variable and an operand.
    static Instruction transfer(const Variable &v, Operand value, bool load) {
        Instruction in;
        in.opcode = load ? "ld" : "st";
        in.modifiers = {"param"};
        const size_t width = value.kind == Operand::Kind::vector ? value.parts.size() : 1;
        if (width > 1) in.modifiers.push_back("v" + std::to_string(width));
        in.modifiers.push_back("b" + std::to_string(8 * size(v.type)));
        Operand address;
        address.kind = Operand::Kind::address;
        address.base = Operand::Kind::symbol;
        address.name = v.name;
        in.operands.push_back(std::move(load ? value : address));
        in.operands.push_back(std::move(load ? address : value));
        return in;
    }

    // The register, or vector of registers, of a parameter or result.
    Operand own(const Variable &v) const {
        const size_t width = v.bytes / size(v.type);
        Operand whole;
        whole.kind = Operand::Kind::vector;
        for (uint32_t r = 0; r < function.registers.size(); ++r) {
            const std::string &name = function.registers[r].name;
            if (name != v.name && (width == 1 || name != v.name + ".x")) continue;
            for (uint32_t i = 0; i < width; ++i) {
                Operand &part = whole.parts.emplace_back();
                part.kind = Operand::Kind::reg;
                part.reg = r + i;
            }
            break;      // a register of the body with this name comes later
        }
        return width == 1 ? whole.parts.at(0) : whole;
    }

    void emit(Instruction in, const Instruction &with) {
        in.guard = with.guard;
        in.guard_negated = with.guard_negated;
        in.line = with.line ? with.line : function.line;
        in.source = with.source;
        function.body.push_back(std::move(in));
    }

    void store_results(const Instruction &before) {
        for (const Variable &v : function.results)
            if (in_registers(v)) emit(transfer(v, own(v), false), before);
    }

    // What an argument or result of a call is passed through: the callee's parameter, else one for the register itself.
    Variable passage(const std::vector<Variable> *formals, size_t index, const Operand &value,
        const Instruction &in) const {
        Variable v;
        const Operand &first = value.kind == Operand::Kind::vector ? value.parts.at(0) : value;
        if (formals) {
            if (index >= formals->size()) throw Error(in.line, "call: the arguments do not fit " + in.operands[1].name);
            v = (*formals)[index];
            if (v.align == 0) v.align = v.bytes;
        } else if (first.kind == Operand::Kind::reg) {
            v.type = function.registers[first.reg].type;
            v.align = size(v.type);
            v.bytes = v.align * std::max<size_t>(1, value.parts.size());
        } else {
            throw Error(in.line, "call: the type of a number is not known in an indirect call; use a register");
        }
        if (v.type == Type::pred) throw Error(in.line, "call: predicates cannot be passed");
        const size_t width = std::max<size_t>(1, value.parts.size());
        if (v.bytes != width * size(v.type)) throw Error(in.line, "call: a register does not fit " + v.name);
        v.space = Space::param;
        v.line = in.line;
        return v;
    }

    void call(Instruction in) {
        const auto at = functions.find(in.operands[1].name);
        const bool known = in.operands[1].kind == Operand::Kind::symbol && at != functions.end();
        std::vector<Instruction> after;
        for (const int list : {0, 2}) {
            const bool result = list == 0;
            std::vector<Operand> &values = in.operands[list].parts;
            for (size_t i = 0; i < values.size(); ++i) {
                Operand &value = values[i];
                if (is_variable(value)) continue;
                Variable v = passage(!known ? nullptr : result ? &at->second->results : &at->second->parameters, i,
                    value, in);
                v.name = std::to_string(function.variables.size());      // no name begins with a digit
                Instruction transferred = transfer(v, std::move(value), result);
                Operand variable;
                variable.kind = Operand::Kind::symbol;
                variable.name = v.name;
                variable.variable = static_cast<int32_t>(function.variables.size());
                transferred.operands[result ? 1 : 0].variable = variable.variable;
                value = std::move(variable);
                function.variables.push_back(std::move(v));
                if (result) after.push_back(std::move(transferred));
                else emit(std::move(transferred), in);
            }
        }
        const Instruction as = in;
        function.body.push_back(std::move(in));
        for (Instruction &load : after) emit(std::move(load), as);
    }

    void retarget(const std::vector<uint32_t> &moved) {
        for (Instruction &in : function.body)
            if (in.opcode == "bra")
                for (Operand &o : in.operands)
                    if (o.kind == Operand::Kind::label) o.target = moved[o.target];
        for (std::vector<uint32_t> &table : function.tables)
            for (uint32_t &target : table) target = moved[target];
        for (auto &[name, at] : function.labels) at = moved[at];
    }

    Function &function;
    const Functions &functions;
};

}  // namespace

void lower_register_parameters(Module &module) {
    Functions functions;
    for (const Function &f : module.functions) functions[f.name] = &f;
    for (Function &f : module.functions) Lowering(f, functions).run();
    // A declaration without a body.
    for (Function &f : module.functions)
        for (auto *list : {&f.parameters, &f.results})
            for (Variable &v : *list)
                if (in_registers(v)) v.space = Space::param;
}

}  // namespace softgpu::ptx
