#include "program/decoder.h"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

#include "base/align.h"
#include "program/call_graph.h"
#include "program/cas_reads.h"
#include "program/kernel.h"
#include "program/registers.h"
#include "program/special_registers.h"

namespace softgpu {

namespace {

using ptx::Function;
using ptx::Instruction;
using ptx::Operand;
using ptx::Type;

constexpr uint64_t MOST_SHARED = 1 << 20, MOST_LOCAL = 512 << 10;

class Decoder final : public Operands {
public:
    Decoder(Program &program, const std::map<std::string, uint64_t> &addresses, const InstructionSet &instructions)
        : program_(program), addresses_(addresses), instructions_(instructions) {}

    void run();

    void result(int index, const Operand &operand, Type type) override {
        if (operand.kind == Operand::Kind::sink) {
            instr_->op[index] = sink(type);
            return;
        }
        if (operand.kind != Operand::Kind::reg) reject("its result must be a register");
        fix(index, operand, type, Use::def);
    }

    void source(int index, const Operand &operand, Type type) override {
        if (operand.kind == Operand::Kind::reg) fix(index, operand, type, Use::use);
        else instr_->op[index] = constant_source(operand, type);
    }

    void more_results(const Operand &vector, Type type) override {
        for (const Operand &element : elements(vector)) {
            if (element.kind == Operand::Kind::sink) append(sink(type));
            else fix(append(NO_SLOT), element, type, Use::def);
        }
    }

    void more_sources(const Operand &vector, Type type) override {
        for (const Operand &element : elements(vector)) {
            if (element.kind == Operand::Kind::reg) fix(append(NO_SLOT), element, type, Use::use);
            else append(constant_source(element, type));
        }
    }

    void special(int index, Special which) override { instr_->op[index] = special_slot(which); }

    Location locate(const Operand &operand) override;
    bool is_function(const Operand &symbol) const override {
        return symbol.variable < 0 && function_index_.count(symbol.name);
    }

    const ptx::Module &module() const override { return program_.source; }
    const Function &function() const override { return *function_; }
    const Instruction &instruction() const override { return *in_; }

private:
    // Operands whose register has no place yet. `where` below 5 is an op of the instruction; 5 and above is an index
    // into Program::slots, plus 5.
    struct Fixup {
        uint32_t instr, where, reg;
        bool negated;
        Use use;
    };

    static std::vector<Operand> elements(const Operand &vector) {
        return vector.kind == Operand::Kind::vector ? vector.parts : std::vector<Operand>{vector};
    }

    uint32_t append(Slot slot) {
        if (!has_more_) {
            instr_->more = static_cast<uint32_t>(program_.slots.size());
            has_more_ = true;
        }
        program_.slots.push_back(slot);
        return static_cast<uint32_t>(program_.slots.size() - 1) + 5;
    }

    void fix(uint32_t where, const Operand &operand, Type type, Use use) {
        const Type declared = function_->registers[operand.reg].type;
        const bool pred = declared == Type::pred;
        if (pred != (type == Type::pred) || ptx::size(declared) > 8 || ptx::size(type) > 8)
            reject("register " + function_->registers[operand.reg].name + " is of the wrong type");
        if ((operand.negated && !pred) || !operand.name.empty())
            reject("takes register " + function_->registers[operand.reg].name + " as a whole only");
        if (!pred && (ptx::size(declared) == 8) != (ptx::size(type) == 8))
            reject("register " + function_->registers[operand.reg].name + " is of the wrong size");
        fixups_.push_back({current_, where, operand.reg, operand.negated, use});
        liveness_.note(current_ - code_->entry, operand.reg, use, in_->guard >= 0);
    }

    Slot sink(Type type) {
        if (type == Type::pred) return sink_predicate_ << 1;
        return sink_slot_;
    }

    Slot constant_source(const Operand &operand, Type type);
    Slot constant(uint64_t bits, bool wide);
    Slot special_slot(Special which);
    uint64_t address_of(const std::string &symbol);

    void lay_out_shared();
    void lay_out_frame(const Function &function, FunctionCode &code);
    void decode_function(uint32_t index);
    void decode_instruction(const Instruction &in, Instr &instr);
    bool decode_flow(const Instruction &in, Instr &instr);
    void decode_call(const Instruction &in, Instr &instr);
    uint32_t bytes_of(const Operand &operand) const;
    void place_windows();

    Program &program_;
    const std::map<std::string, uint64_t> &addresses_;
    const InstructionSet &instructions_;
    std::unordered_map<std::string, uint32_t> function_index_;      // defined functions: index into Program::functions
    std::vector<const Function *> sources_;                         // of Program::functions
    CallGraph graph_;
    std::unordered_map<std::string, uint32_t> common_shared_;       // offsets of shared variables of the module
    uint32_t common_shared_bytes_ = 0;
    std::unordered_map<uint64_t, Slot> constants_[2];
    std::vector<std::vector<Fixup>> all_fixups_;
    std::vector<std::vector<Slot>> register_slots_;                 // by function and register, before windows are placed
    std::vector<uint32_t> static_shared_;                           // bytes, of each function as a kernel

    // State of the function being decoded.
    const Function *function_ = nullptr;
    FunctionCode *code_ = nullptr;
    uint32_t function_number_ = 0;
    std::vector<Fixup> fixups_;
    Liveness liveness_;
    std::vector<uint64_t> variable_offsets_;
    // State of the instruction being decoded.
    const Instruction *in_ = nullptr;
    Instr *instr_ = nullptr;
    uint32_t current_ = 0;
    bool has_more_ = false;

    Slot sink_slot_ = 0;
    uint32_t sink_predicate_ = 1;       // predicate 0 is always true
    uint32_t next_special_ = 0;
};

// ---- Operands -------------------------------------------------------------------------------------------------------

Slot Decoder::constant(uint64_t bits, bool wide) {
    auto [at, fresh] = constants_[wide].try_emplace(bits, 0);
    if (fresh) {
        const size_t begin = program_.constants.size();
        for (int l = 0; l < LANES; ++l) {
            program_.constants.push_back(static_cast<uint32_t>(bits));
            if (wide) program_.constants.push_back(static_cast<uint32_t>(bits >> 32));
        }
        at->second = static_cast<Slot>(begin * 4) | 1;
    }
    return at->second;
}

Slot Decoder::special_slot(Special which) {
    for (auto [special, slot] : program_.specials)
        if (special == which) return slot;
    const Slot slot = next_special_;
    next_special_ += LANES * 4;
    program_.specials.push_back({which, slot});
    program_.uses_reserved_shared |= which >= Special::reserved_begin && which <= Special::reserved_bytes;
    return slot;
}

Slot Decoder::constant_source(const Operand &operand, Type type) {
    const int bytes = ptx::size(type);
    switch (operand.kind) {
    case Operand::Kind::integer:
        if (type == Type::pred) return operand.integer ? 0 : 1;
        if (bytes == 0 || bytes > 8) reject("not provided for this type");
        return constant(bytes == 8 ? operand.integer : operand.integer & (~uint64_t(0) >> (64 - 8 * bytes)), bytes == 8);
    case Operand::Kind::floating: {
        if (type == Type::f64 || (type == Type::b64 && operand.is_double)) {
            if (!operand.is_double) reject("a single-precision literal where a double is expected");
            return constant(operand.integer, true);
        }
        if (bytes != 4) reject("a floating-point literal where none is allowed");
        uint32_t bits = static_cast<uint32_t>(operand.integer);
        if (operand.is_double) {
            double value;
            __builtin_memcpy(&value, &operand.integer, 8);
            const float single = static_cast<float>(value);
            __builtin_memcpy(&bits, &single, 4);
        }
        return constant(bits, false);
    }
    case Operand::Kind::special: {
        Special special;
        if (operand.name == "WARP_SZ") return constant(LANES, bytes == 8);
        if (operand.name.ends_with(".w")) return constant(0, bytes == 8);       // of %tid and its kind
        if (!find_special(operand.name, special)) reject("special register " + operand.name + " is not provided");
        if (bytes > 4) reject("special register " + operand.name + " has 32 bits");
        return special_slot(special);
    }
    case Operand::Kind::symbol: {
        if (is_function(operand)) return constant(FUNCTION_WINDOW | function_index_.at(operand.name), bytes == 8);
        const Location at = locate(operand);
        if (at.base == Location::Base::dynamic_shared && at.offset == 0 && bytes == 4)
            return special_slot(Special::dynamic_shared);
        if (at.base != Location::Base::absolute && at.base != Location::Base::parameter)
            reject("the address of " + operand.name + " can only be moved to a register");
        return constant(at.offset, bytes == 8);
    }
    default:
        reject("an operand of this form is not provided");
    }
}

uint64_t Decoder::address_of(const std::string &symbol) {
    const auto at = addresses_.find(symbol);
    if (at == addresses_.end()) reject("the external variable " + symbol + " is defined nowhere");
    program_.has_addresses = true;
    return at->second;
}

Location Decoder::locate(const Operand &operand) {
    using Base = Location::Base;
    const uint64_t offset = static_cast<uint64_t>(operand.offset);
    if (operand.variable >= 0) {
        const ptx::Variable &v = function_->variables[operand.variable];
        const uint64_t at = variable_offsets_[operand.variable];
        switch (v.space) {
        case ptx::Space::shared:
            if (v.bytes == 0) return {v.space, Base::dynamic_shared, offset};
            return {v.space, Base::absolute, at + offset};
        case ptx::Space::local:
        case ptx::Space::param:
            return {ptx::Space::local, Base::frame, at + offset};
        default:
            return {v.space, Base::absolute, address_of(v.name) + offset};
        }
    }
    for (size_t p = 0; p < function_->parameters.size(); ++p) {
        if (function_->parameters[p].name != operand.name) continue;
        if (!function_->is_entry)
            return {ptx::Space::local, Base::frame, code_->parameters[p].offset + offset};
        uint64_t at = 0;
        for (size_t q = 0; q <= p; ++q) {
            const ptx::Variable &v = function_->parameters[q];
            at = align_up(at, v.align);
            if (q < p) at += v.bytes;
        }
        return {ptx::Space::param, Base::parameter, at + offset};
    }
    for (size_t r = 0; r < function_->results.size(); ++r)
        if (function_->results[r].name == operand.name)
            return {ptx::Space::local, Base::frame, code_->results[r].offset + offset};
    for (const ptx::Variable &v : program_.source.variables) {
        if (v.name != operand.name) continue;
        if (v.space != ptx::Space::shared) return {v.space, Base::absolute, address_of(v.name) + offset};
        if (v.bytes == 0) return {v.space, Base::dynamic_shared, offset};
        return {v.space, Base::absolute, common_shared_.at(v.name) + offset};
    }
    reject("no variable named " + operand.name);
}

// ---- Layout ---------------------------------------------------------------------------------------------------------

// Shared variables of the module and of device functions come first, at the same offset in every kernel that can reach
// them. The kernel's own variables follow (from 0 on if it reaches none of the others).
void Decoder::lay_out_shared() {
    uint64_t next = 0;
    for (const ptx::Variable &v : program_.source.variables) {
        if (v.space != ptx::Space::shared || v.is_extern || v.bytes == 0) continue;
        next = align_up(next, v.align);
        common_shared_[v.name] = static_cast<uint32_t>(next);
        next += v.bytes;
        if (next > MOST_SHARED) throw ptx::Error(v.line, v.name + ": more shared memory than a multiprocessor has");
    }
    common_shared_bytes_ = static_cast<uint32_t>(align_up(next, 16));
}

// The frame of a function in local memory: parameters and results of a device function, local variables, and the
// arguments and results of its calls, which all use the same place.
void Decoder::lay_out_frame(const Function &function, FunctionCode &code) {
    uint64_t next = 0;
    auto place = [&next](const ptx::Variable &v) {
        next = align_up(next, v.align);
        const uint64_t at = next;
        next += v.bytes;
        if (next > MOST_LOCAL)
            throw ptx::Error(v.line, v.name + ": more local memory than the 512 KiB that a thread can have");
        return at;
    };
    if (!function.is_entry) {
        for (const ptx::Variable &v : function.parameters)
            code.parameters.push_back({static_cast<uint32_t>(place(v)), static_cast<uint32_t>(v.bytes)});
        for (const ptx::Variable &v : function.results)
            code.results.push_back({static_cast<uint32_t>(place(v)), static_cast<uint32_t>(v.bytes)});
    }
    variable_offsets_.assign(function.variables.size(), 0);
    uint64_t own_shared = graph_.uses_common_shared[function_number_] ? common_shared_bytes_ : 0;
    for (size_t i = 0; i < function.variables.size(); ++i) {
        const ptx::Variable &v = function.variables[i];
        if (v.space == ptx::Space::local) {
            variable_offsets_[i] = place(v);
        } else if (v.space == ptx::Space::shared && !v.is_extern && v.bytes > 0) {
            own_shared = align_up(own_shared, v.align);
            variable_offsets_[i] = own_shared;
            own_shared += v.bytes;
            if (own_shared > MOST_SHARED)
                throw ptx::Error(v.line, v.name + ": more shared memory than a multiprocessor has");
        }
    }
    static_shared_[function_number_] = static_cast<uint32_t>(own_shared);
    const uint64_t calls_begin = align_up(next, 16);
    uint64_t deepest = calls_begin;
    for (const Instruction &in : function.body) {
        if (in.opcode != "call") continue;
        next = calls_begin;
        for (int list : {0, 2})
            for (const Operand &argument : in.operands[list].parts)
                if (argument.variable >= 0)
                    variable_offsets_[argument.variable] = place(function.variables[argument.variable]);
        deepest = std::max(deepest, next);
    }
    code.frame_bytes = static_cast<uint32_t>(align_up(deepest, 16));
}

// ---- Instructions ---------------------------------------------------------------------------------------------------

bool Decoder::decode_flow(const Instruction &in, Instr &instr) {
    const std::string &op = in.opcode;
    instr.cls = Class::control;
    if (op == "bra") {
        if (in.operands.size() != 1 || in.operands[0].kind != Operand::Kind::label) reject("expects a label");
        instr.flow = Flow::branch;
        instr.target = code_->entry + in.operands[0].target;
        liveness_.edge(current_ - code_->entry, in.operands[0].target);
        if (in.guard < 0) liveness_.stop(current_ - code_->entry);
    } else if (op == "brx") {
        if (in.operands.size() != 2) reject("expects an index and a list of targets");
        instr.flow = Flow::table;
        instr.target = static_cast<uint32_t>(program_.tables.size());
        std::vector<uint32_t> table;
        for (uint32_t t : function_->tables.at(in.operands[1].target)) {
            table.push_back(code_->entry + t);
            liveness_.edge(current_ - code_->entry, t);
        }
        program_.tables.push_back(std::move(table));
        source(0, in.operands[0], Type::u32);
        if (in.guard < 0) liveness_.stop(current_ - code_->entry);
    } else if (op == "call") {
        decode_call(in, instr);
    } else if (op == "ret" || op == "exit" || op == "trap") {
        instr.flow = op == "trap" ? Flow::trap : op == "ret" && !function_->is_entry ? Flow::ret : Flow::exit;
        if (in.guard < 0) liveness_.stop(current_ - code_->entry);
    } else if (op == "nanosleep" || op == "pragma" || op == "brkpt" || op == "pmevent" ||
               (op == "griddepcontrol" && (in.has("wait") || in.has("launch_dependents")))) {
        // Launches run one after the other, so that those before have ended.
        instr.exec = [](Warp &, const Instr &) {};
    } else {
        return false;
    }
    return true;
}

// The bytes of a variable of the body, or of a parameter or result of this function.
uint32_t Decoder::bytes_of(const Operand &operand) const {
    if (operand.variable >= 0) return static_cast<uint32_t>(function_->variables[operand.variable].bytes);
    for (const auto *list : {&function_->parameters, &function_->results})
        for (const ptx::Variable &v : *list)
            if (v.name == operand.name) return static_cast<uint32_t>(v.bytes);
    return 0;
}

bool fit(const std::vector<ptx::Variable> &formals, const std::vector<FramePart> &actuals) {
    return std::ranges::equal(formals, actuals, {}, &ptx::Variable::bytes, &FramePart::bytes);
}

void Decoder::decode_call(const Instruction &in, Instr &instr) {
    const Operand &results = in.operands[0], &callee = in.operands[1], &arguments = in.operands[2];
    auto places = [&](const Operand &list) {
        std::vector<FramePart> all;
        for (const Operand &o : list.parts) {
            if (o.kind != Operand::Kind::symbol || o.offset != 0)
                reject("arguments and results of calls must be .param variables or registers");
            const Location location = locate(o);
            if (location.base != Location::Base::frame) reject(o.name + " is no variable of the calling function");
            all.push_back({static_cast<uint32_t>(location.offset), bytes_of(o)});
        }
        return all;
    };
    CallSite site;
    site.caller = function_number_;
    site.callee = NO_FUNCTION;
    site.arguments = places(arguments);
    site.results = places(results);
    if (callee.kind == Operand::Kind::reg) {
        instr.flow = Flow::call_indirect;
        source(0, callee, Type::u64);
    } else if (const auto at = function_index_.find(callee.name); at != function_index_.end()) {
        instr.flow = Flow::call;
        site.callee = at->second;
        const FunctionCode &code = program_.functions[at->second];
        if (sources_[at->second]->is_entry) reject("a kernel cannot be called");
        if (!fit(sources_[at->second]->parameters, site.arguments) || !fit(sources_[at->second]->results, site.results))
            reject("the arguments do not fit " + code.name);
    } else {
        instr.exec = instructions_.system_call(callee.name, site);
        if (!instr.exec) reject("the function " + callee.name + " is not provided, or not with these arguments");
    }
    instr.target = static_cast<uint32_t>(program_.calls.size());
    program_.calls.push_back(std::move(site));
}

void Decoder::decode_instruction(const Instruction &in, Instr &instr) {
    in_ = &in;
    instr_ = &instr;
    has_more_ = false;
    instr.line = in.line;
    instr.source = in.source;
    if (in.guard >= 0) {
        // Filled in after predicates have a place, like an operand.
        instr.guard_flip = in.guard_negated ? FULL : 0;
        liveness_.note(current_ - code_->entry, static_cast<uint32_t>(in.guard), Use::use, false);
    }
    try {
        if (decode_flow(in, instr)) return;
        instr.cls = Class::integer;
        for (InstructionSet::Family family : instructions_.families)
            if (family(in, instr, *this)) return;
    } catch (const std::out_of_range &) {
        reject("has too few operands");
    }
    reject("the software device does not provide this instruction");
}

// What else than addresses must be defined.
void note_deciding(Instr &instr) {
    if (instr.cls == Class::atomic || instr.cls == Class::async_copy || instr.flow == Flow::barrier ||
        instr.flow == Flow::table || instr.flow == Flow::call_indirect)
        instr.decides = 0xff;
    if (instr.has_mask) instr.decides |= 1 << 4;
}

void Decoder::decode_function(uint32_t index) {
    const Function &function = *sources_[index];
    function_ = &function;
    function_number_ = index;
    code_ = &program_.functions[index];
    fixups_.clear();
    liveness_.begin(function);
    lay_out_frame(function, *code_);
    code_->entry = static_cast<uint32_t>(program_.code.size());
    // One more than the body: an implicit return at its end.
    program_.code.resize(program_.code.size() + function.body.size() + 1);
    code_->end = static_cast<uint32_t>(program_.code.size());
    const std::vector<bool> before_cas = reads_before_cas(function);
    for (size_t i = 0; i < function.body.size(); ++i) {
        current_ = code_->entry + static_cast<uint32_t>(i);
        decode_instruction(function.body[i], program_.code[current_]);
        program_.code[current_].before_cas = before_cas[i];
        note_deciding(program_.code[current_]);
    }
    Instr &last = program_.code.back();
    last.flow = function.is_entry ? Flow::exit : Flow::ret;
    last.cls = Class::control;
    last.line = function.body.empty() ? function.line : function.body.back().line;

    Allocation allocation = liveness_.allocate();
    code_->registers = allocation.pressure;
    code_->register_bytes = allocation.bytes;
    code_->places = std::move(allocation.places);
    code_->predicates = allocation.predicates;
    register_slots_[index] = std::move(allocation.slots);
    all_fixups_[index] = fixups_;
}

// The registers of a device function come after those of all its possible callers. So they have the same place for
// every call path, and lanes that came by different paths can run together. Recursive functions also have one place:
// machine/warp_runner.cpp saves the caller's registers before such a call.
void Decoder::place_windows() {
    const uint32_t n = static_cast<uint32_t>(program_.functions.size());
    for (CallSite &site : program_.calls)
        site.saves_registers = site.callee == NO_FUNCTION ? graph_.reaches[site.caller][site.caller] : graph_.reaches[site.callee][site.caller];
    // Functions sorted by the number of functions that can reach them and cannot be reached from them: callers before
    // callees.
    std::vector<uint32_t> order(n);
    for (uint32_t f = 0; f < n; ++f) order[f] = f;
    auto callers = [&](uint32_t f) {
        uint32_t count = 0;
        for (uint32_t g = 0; g < n; ++g) count += graph_.reaches[g][f] && !graph_.reaches[f][g];
        return count;
    };
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return callers(a) < callers(b); });
    const uint32_t first_byte = next_special_, first_predicate = sink_predicate_ + 1;
    uint32_t end_bytes = first_byte, end_predicates = first_predicate;
    for (size_t i = 0; i < order.size(); ++i) {
        FunctionCode &code = program_.functions[order[i]];
        code.first_register = first_byte;
        code.first_predicate = first_predicate;
        for (size_t j = 0; j < i; ++j) {
            const FunctionCode &before = program_.functions[order[j]];
            if (!graph_.reaches[order[j]][order[i]]) continue;
            code.first_register = std::max(code.first_register, before.first_register + before.register_bytes);
            code.first_predicate = std::max(code.first_predicate, before.first_predicate + before.predicates);
        }
        end_bytes = std::max(end_bytes, code.first_register + code.register_bytes);
        end_predicates = std::max(end_predicates, code.first_predicate + code.predicates);
    }
    program_.register_bytes = end_bytes;
    program_.predicates = end_predicates;

    program_.first_reference.reserve(program_.code.size() + 1);
    for (uint32_t f = 0; f < n; ++f) {
        const FunctionCode &code = program_.functions[f];
        auto place = [&](uint32_t reg, bool negated) {
            const Slot slot = register_slots_[f][reg];
            return sources_[f]->registers[reg].type == Type::pred
                       ? (slot + code.first_predicate) << 1 | static_cast<Slot>(negated)
                       : slot + code.first_register;
        };
        for (const Fixup &fixup : all_fixups_[f]) {
            Slot &slot = fixup.where < 5 ? program_.code[fixup.instr].op[fixup.where] : program_.slots[fixup.where - 5];
            slot = place(fixup.reg, fixup.negated);
            const Type type = sources_[f]->registers[fixup.reg].type;
            program_.first_reference.resize(fixup.instr + 1, static_cast<uint32_t>(program_.references.size()));
            program_.references.push_back(
                {slot, fixup.where, fixup.use == Use::def,
                 static_cast<uint8_t>(type == Type::pred ? 0 : ptx::size(type))});
        }
        for (size_t i = 0; i < sources_[f]->body.size(); ++i) {
            const Instruction &in = sources_[f]->body[i];
            if (in.guard >= 0) program_.code[code.entry + i].guard = place(static_cast<uint32_t>(in.guard), false) >> 1;
        }
    }
    program_.first_reference.resize(program_.code.size() + 1, static_cast<uint32_t>(program_.references.size()));
}

void Decoder::run() {
    for (const Function &function : program_.source.functions) {
        if (function.is_extern) continue;
        function_index_[function.name] = static_cast<uint32_t>(sources_.size());
        sources_.push_back(&function);
        FunctionCode code;
        code.name = function.name;
        program_.functions.push_back(std::move(code));
    }
    const size_t n = sources_.size();
    static_shared_.resize(n);
    all_fixups_.resize(n);
    register_slots_.resize(n);
    // Unused results share one place, large enough for a 64-bit register.
    sink_slot_ = next_special_;
    next_special_ += 2 * LANES * 4;
    graph_ = CallGraph(program_.source, sources_, function_index_);
    program_.has_calls = graph_.has_calls;
    lay_out_shared();
    for (uint32_t f = 0; f < n; ++f) decode_function(f);
    place_windows();
    for (uint32_t f = 0; f < n; ++f)
        if (sources_[f]->is_entry) {
            program_.kernels.push_back(make_kernel(program_, f, *sources_[f], graph_));
            program_.kernels.back().static_shared = static_shared_[f];
        }
}

// FNV-1a, 64 bits. A host program can compute it, too, and so find the counters of a module that it loaded.
uint64_t fingerprint(const std::vector<std::string> &lines) {
    uint64_t hash = 0xcbf29ce484222325;
    const auto add = [&](char c) { hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3; };
    for (const std::string &line : lines) {
        for (const char c : line) add(c);
        add('\n');
    }
    return hash;
}

}  // namespace

std::unique_ptr<Program> decode(ptx::Module module, const std::map<std::string, uint64_t> &addresses,
                                const InstructionSet &instructions) {
    auto program = std::make_unique<Program>();
    program->source = std::move(module);
    program->fingerprint = fingerprint(program->source.text);
    Decoder(*program, addresses, instructions).run();
    return program;
}

}  // namespace softgpu
