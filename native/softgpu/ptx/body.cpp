#include "ptx/body.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "ptx/constant.h"
#include "ptx/variable.h"

namespace softgpu::ptx {

namespace {

constexpr uint64_t MAX_REGISTERS = 1 << 20;     // of a range, and of all that a function uses
constexpr uint64_t MAX_LINE = ~uint32_t{0};

const std::unordered_set<std::string> &special_registers() {
    static const std::unordered_set<std::string> names = [] {
        std::unordered_set<std::string> all = {
            "%laneid", "%warpid", "%nwarpid", "%smid", "%nsmid", "%gridid", "%is_explicit_cluster",
            "%cluster_ctarank", "%cluster_nctarank", "%lanemask_eq", "%lanemask_le", "%lanemask_lt", "%lanemask_ge",
            "%lanemask_gt", "%clock", "%clock_hi", "%clock64", "%globaltimer", "%globaltimer_lo", "%globaltimer_hi",
            "%reserved_smem_offset_begin", "%reserved_smem_offset_end", "%reserved_smem_offset_cap",
            "%reserved_smem_offset_0", "%reserved_smem_offset_1", "%total_smem_size", "%aggr_smem_size",
            "%dynamic_smem_size", "%current_graph_exec",
        };
        for (const char *vector : {"%tid", "%ntid", "%ctaid", "%nctaid", "%clusterid", "%nclusterid", "%cluster_ctaid",
                                   "%cluster_nctaid"})
            for (const char *component : {".x", ".y", ".z", ".w"}) all.insert(std::string(vector) + component);
        for (int i = 0; i < 32; ++i) all.insert("%envreg" + std::to_string(i));
        for (int i = 0; i < 8; ++i) {
            all.insert("%pm" + std::to_string(i));
            all.insert("%pm" + std::to_string(i) + "_64");
        }
        return all;
    }();
    return names;
}

// x, y, z, w or r, g, b, a: the component of a vector register of this `width`; -1 if it is none.
int component(std::string_view dotted, int width) {
    if (dotted.size() != 2) return -1;
    for (std::string_view letters : {"xyzw", "rgba"})
        if (const size_t i = letters.substr(0, width).find(dotted[1]); i != std::string_view::npos)
            return static_cast<int>(i);
    return -1;
}

// ".b3", ".h10": what an instruction for videos selects of a register.
bool is_selector(std::string_view dotted) {
    return dotted.size() >= 3 && dotted.size() <= 6 && (dotted[1] == 'b' || dotted[1] == 'h') &&
           dotted.find_first_not_of("01234567", 2) == std::string_view::npos;
}

// What a name means in the current scope.
struct Binding {
    enum class Kind : uint8_t {
        reg,            // index into Function::registers, `width` of them if a vector
        variable,       // index into Function::variables
        global,         // index into Function::globals
        parameter       // a result or parameter of the function
    };
    Kind kind = Kind::reg;
    int width = 1;
    uint32_t index = 0;
    uint32_t scope = 0;
};

struct Label {
    enum class Kind : uint8_t { code, table, prototype, callees };
    Kind kind = Kind::code;
    uint32_t index = 0;
};

// ".reg .b32 %r<9>": a register gets its place when it is first used.
struct Range {
    uint64_t count = 0;
    Type type = Type::none;
    int width = 1;
    uint32_t scope = 0;
};

struct Scope {
    int32_t parent = -1;
    std::vector<std::pair<std::string, std::optional<Binding>>> hidden;     // outer meanings hidden by this scope
    std::vector<std::string> ranges;    // names of those declared in this scope
    std::unordered_map<std::string_view, Label> labels;
};

using Place = std::array<uint32_t, 3>;      // file, line, column

struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
};

class Body {
public:
    Body(Tokens &tokens, Function &function, std::set<Reference> &references, std::vector<SourceLine> &calls)
        : tokens(tokens), function(function), references(references), calls(calls) {}

    void run() {
        open();
        for (auto *list : {&function.results, &function.parameters})
            for (const Variable &v : *list) {
                if (v.space == Space::generic)
                    declare_register(v.name, v.type, v.line, static_cast<int>(v.bytes) / size(v.type));
                else
                    declare(v.name, {Binding::Kind::parameter}, v.line);
            }
        tokens.expect("{");
        while (current >= 0) statement();
        resolve_labels();
    }

private:
    struct Table {               // .branchtargets
        int32_t scope;
        std::vector<Token> targets;
    };
    struct LabelUse {
        uint32_t instruction, operand;
        int32_t scope;
        Label::Kind kind;
        uint32_t line;
    };

    // Scopes and declarations.

    void open() {
        scopes.emplace_back().parent = current;
        current = static_cast<int32_t>(scopes.size()) - 1;
    }

    void close() {
        for (auto &[name, previous] : scopes[current].hidden) {
            if (previous)
                names.find(name)->second = *previous;
            else
                names.erase(name);
        }
        scopes[current].hidden = {};
        for (const std::string &name : scopes[current].ranges) ranges.find(name)->second.pop_back();
        scopes[current].ranges = {};
        current = scopes[current].parent;
    }

    void declare(const std::string &name, Binding binding, uint32_t line) {
        binding.scope = current;
        if (const Range *range = range_of(name); range && range->scope == binding.scope) declared_twice(name, line);
        bind(name, binding, line);
    }

    // Gives the name its meaning in binding.scope, which is not always the current scope.
    Binding &bind(const std::string &name, const Binding &binding, uint32_t line) {
        auto [at, fresh] = names.try_emplace(name, binding);
        if (!fresh && at->second.scope == binding.scope) declared_twice(name, line);
        scopes[binding.scope].hidden.emplace_back(name, fresh ? std::nullopt : std::optional(at->second));
        at->second = binding;
        return at->second;
    }

    [[noreturn]] static void declared_twice(const std::string &name, uint32_t line) {
        throw Error(line, "'" + name + "' is declared twice");
    }

    // Places of registers of that name.
    uint32_t new_registers(const std::string &name, Type type, int width, uint32_t line) {
        const auto first = static_cast<uint32_t>(function.registers.size());
        if (first + static_cast<uint64_t>(width) > MAX_REGISTERS) throw Error(line, "too many registers");
        for (int i = 0; i < width; ++i)
            function.registers.push_back({width == 1 ? name : name + "." + "xyzw"[i], type});
        return first;
    }

    void declare_register(const std::string &name, Type type, uint32_t line, int width = 1) {
        declare(name, {Binding::Kind::reg, width, new_registers(name, type, width, line)}, line);
    }

    // The range of a name such as %r12, in the innermost scope that has one.
    const Range *range_of(std::string_view name) const {
        const size_t digits = name.find_last_not_of("0123456789") + 1;
        if (digits == name.size() || name.size() - digits > 7 || (name[digits] == '0' && name.size() > digits + 1))
            return nullptr;
        const auto known = ranges.find(name.substr(0, digits));
        if (known == ranges.end()) return nullptr;
        const uint64_t number = std::stoul(std::string(name.substr(digits)));
        for (size_t i = known->second.size(); i-- > 0;)
            if (number < known->second[i].count) return &known->second[i];
        return nullptr;
    }

    void declare_range(const std::string &name, const Range &range, uint32_t line) {
        for (const auto &[known, previous] : scopes[current].hidden)
            if (known.starts_with(name) && range_covers(known.substr(name.size()), range)) declared_twice(known, line);
        std::vector<Range> &all = ranges[name];
        if (!all.empty() && all.back().scope == range.scope) declared_twice(name + "0", line);
        all.push_back(range);
        scopes[current].ranges.push_back(name);
    }

    static bool range_covers(std::string_view digits, const Range &range) {
        uint64_t number = 0;
        const auto [end, error] = std::from_chars(digits.begin(), digits.end(), number);
        return !digits.empty() && error == std::errc() && end == digits.end() && number < range.count &&
               (digits[0] != '0' || digits.size() == 1);
    }

    // After .reg: ".b32 %r<126>, a, b;"
    void registers() {
        int width = 1;
        Type type = expect_type(tokens, width);
        if (type == Type::b128) {
            if (width > 1) tokens.fail("a vector of at most 128 bits");
            type = Type::b64;       // its halves
            width = 2;
        }
        do {
            const uint32_t line = tokens.line();
            const std::string name(tokens.expect(Token::Kind::identifier, "the name of a register"));
            if (tokens.accept("<")) {
                const uint64_t n = count(tokens, "a number of registers", MAX_REGISTERS);
                tokens.expect(">");
                if (n > 0) declare_range(name, {n, type, width, static_cast<uint32_t>(current)}, line);
            } else {
                declare_register(name, type, line, width);
            }
        } while (tokens.accept(","));
        tokens.expect(";");
    }

    const Binding *find(std::string_view name) {
        const auto at = names.find(name);
        const Binding *known = at == names.end() ? nullptr : &at->second;
        const Range *range = range_of(name);
        if (!range || (known && known->scope >= range->scope)) return known;
        const std::string own(name);
        const uint32_t line = tokens.line();
        return &bind(own, {Binding::Kind::reg, range->width, new_registers(own, range->type, range->width, line),
                           range->scope}, line);
    }

    // Statements.

    void statement() {
        const Token &token = tokens.peek();
        switch (token.kind) {
            case Token::Kind::identifier:
                if (tokens.peek(1).text == ":")
                    label();
                else
                    instruction();
                return;
            case Token::Kind::dotted:
                directive();
                return;
            default:
                if (tokens.accept("{"))
                    open();
                else if (tokens.accept("}"))
                    close();
                else if (tokens.at("@"))
                    instruction();
                else
                    tokens.fail("a statement");
        }
    }

    void directive() {
        if (tokens.accept(".reg")) return registers();
        if (tokens.accept(".loc")) return location();
        if (tokens.accept(".pragma")) {     // hints for unrolling and register allocation
            do tokens.expect(Token::Kind::string, "a string");
            while (tokens.accept(","));
            return tokens.expect(";");
        }
        const bool is_extern = tokens.accept(".extern");
        Space space;
        if (!accept_space(tokens, space)) tokens.fail("a statement");
        const bool global = space == Space::global || space == Space::constant;
        for (Variable &v : variables(tokens, space, is_extern)) {
            for (Relocation &r : v.relocations) {
                const Binding *binding = find(r.symbol);
                if (binding && binding->kind == Binding::Kind::global) r.symbol = function.globals[binding->index].name;
                else references.insert({r.symbol, false, v.line});
            }
            std::vector<Variable> &list = global ? function.globals : function.variables;
            const auto index = static_cast<uint32_t>(list.size());
            declare(v.name, {global ? Binding::Kind::global : Binding::Kind::variable, 1, index}, v.line);
            // A dot is part of no other name.
            if (global) v.name = function.name + "." + v.name + "." + std::to_string(index);
            list.push_back(std::move(v));
        }
    }

    // ".loc 1 3 5, function_name $L__info_string0+4, inlined_at 1 20 3": the place itself comes first. The call has its
    // own, earlier .loc, which says whether that call was inlined, too.
    void location() {
        const Place at = place();
        SourceLine here{at[0], at[1]};
        while (tokens.accept(",")) {
            if (tokens.accept("function_name")) {
                if (!tokens.accept(".debug_str")) tokens.expect(Token::Kind::identifier, "the label of a name");
                if (tokens.accept("+")) count(tokens, "an offset", MAX_LINE);
            } else {
                tokens.expect("inlined_at");
                const Place call = place();
                here.inlined = number_of(places.try_emplace(call, SourceLine{call[0], call[1]}).first->second);
            }
        }
        places[at] = here;
        if (here.line != 0) source = here;      // line 0: unknown to the compiler, so the previous line is kept
    }

    Place place() {
        Place at;
        const char *const what[] = {"a file number", "a line number", "a column number"};
        for (size_t i = 0; i < at.size(); ++i) at[i] = static_cast<uint32_t>(count(tokens, what[i], MAX_LINE));
        return at;
    }

    uint32_t number_of(const SourceLine &call) {
        const auto known = std::find(calls.begin(), calls.end(), call);
        const auto number = static_cast<uint32_t>(known - calls.begin());
        if (known == calls.end()) calls.push_back(call);
        return number;
    }

    void label() {
        const Token &token = tokens.next();
        tokens.expect(":");
        Label label{Label::Kind::code, static_cast<uint32_t>(function.body.size())};
        if (tokens.accept(".branchtargets")) {
            label = {Label::Kind::table, static_cast<uint32_t>(tables.size())};
            tables.push_back({current, {}});
            do {
                const Token &target = tokens.peek();
                tokens.expect(Token::Kind::identifier, "a label");
                tables.back().targets.push_back(target);
            } while (tokens.accept(","));
            tokens.expect(";");
        } else if (tokens.accept(".calltargets")) {
            label = {Label::Kind::callees, static_cast<uint32_t>(callees.size())};
            Operand &list = callees.emplace_back();
            list.kind = Operand::Kind::list;
            do list.parts.push_back(global_symbol(true));
            while (tokens.accept(","));
            tokens.expect(";");
        } else if (tokens.accept(".callprototype")) {
            label = {Label::Kind::prototype, static_cast<uint32_t>(function.prototypes.size())};
            function.prototypes.emplace_back(token.text);
            prototype();
        } else {
            function.labels.emplace_back(token.text, label.index);
        }
        if (!scopes[current].labels.emplace(token.text, label).second)
            throw Error(token.line, "label '" + std::string(token.text) + "' is defined twice");
    }

    // "(.param .b32 _) _ (.param .b64 _);"
    void prototype() {
        if (tokens.at("(")) parameters(tokens);
        tokens.expect("_");
        if (tokens.at("(")) parameters(tokens);
        while (!tokens.accept(";")) {
            if (tokens.accept(".noreturn") || tokens.accept(".abi_preserve_control")) continue;
            if (!tokens.accept(".abi_preserve")) tokens.fail("';'");
            count(tokens, "a number of registers", MAX_LINE);
        }
    }

    // Instructions.

    void instruction() {
        Instruction in;
        const size_t uses_before = uses.size();
        in.source = source;
        if (tokens.accept("@")) {
            in.guard_negated = tokens.accept("!");
            const Token &token = tokens.peek();
            in.guard = static_cast<int32_t>(expect_register("a predicate"));
            if (function.registers[in.guard].type != Type::pred)
                throw Error(token.line, "'" + std::string(token.text) + "' is not a predicate");
        }
        in.line = tokens.line();
        in.opcode = tokens.expect(Token::Kind::identifier, "an instruction");
        size_t modifiers = 0;
        while (tokens.peek(modifiers).kind == Token::Kind::dotted) ++modifiers;
        in.modifiers.reserve(modifiers);
        while (modifiers-- > 0) in.modifiers.emplace_back(tokens.next().text.substr(1));

        if (in.opcode == "call") {
            call(in);
        } else if (!tokens.at(";")) {
            in.operands.reserve(4);
            const size_t label_at = in.opcode == "bra" ? 0 : in.opcode == "brx" ? 1 : SIZE_MAX;
            do {
                if (in.operands.size() == label_at)
                    label_use(in, label_at == 0 ? Label::Kind::code : Label::Kind::table);
                else
                    in.operands.push_back(operand());
            } while (tokens.accept(","));
        }
        if (!tokens.accept(";")) tokens.fail("',' or ';'");
        for (Instruction &sum : sums) {
            sum.line = in.line;
            sum.source = in.source;
            function.body.push_back(std::move(sum));
        }
        sums.clear();
        for (size_t i = uses_before; i < uses.size(); ++i)
            uses[i].instruction = static_cast<uint32_t>(function.body.size());
        function.body.push_back(std::move(in));
    }

    // "%r1 + 4" as a source: the register of a sum that is made before the instruction.
    Operand sum_of(const Operand &reg, const Token &token) {
        const Type type = function.registers[reg.reg].type;
        if (type == Type::pred || is_float(type) || size(type) > 8)
            throw Error(token.line, "'" + std::string(token.text) + "' is of a type that no number can be added to");
        Operand number, result = reg;
        number.kind = Operand::Kind::integer;
        number.integer = integer_constant(tokens);
        const Type sum = size(type) == 8 ? Type::u64 : size(type) == 4 ? Type::u32 : Type::u16;
        result.reg = new_registers(function.registers[reg.reg].name + "+", type, 1, token.line);
        Instruction &in = sums.emplace_back();
        in.opcode = "add";
        in.modifiers = {std::string(name(sum))};
        in.operands = {result, reg, number};
        return result;
    }

    // call (results), callee, (arguments), prototype; only the callee is always present.
    void call(Instruction &in) {
        Operand results, callee, arguments, possible;
        results.kind = arguments.kind = Operand::Kind::list;
        if (tokens.at("(")) {
            results.parts = list();
            tokens.expect(",");
        }
        const Binding *binding = find(tokens.peek().text);
        callee = binding && binding->kind == Binding::Kind::reg ? named() : global_symbol(true);
        bool more = tokens.accept(",");
        if (more && tokens.at("(")) {
            arguments.parts = list();
            more = tokens.accept(",");
        }
        if (more) {
            const Token &token = tokens.peek();
            possible.name = tokens.expect(Token::Kind::identifier, "a prototype or a list of functions");
            uses.push_back({0, 3, current, Label::Kind::prototype, token.line});
        }
        for (Operand *o : {&results, &callee, &arguments, &possible}) in.operands.push_back(std::move(*o));
    }

    std::vector<Operand> list() {
        std::vector<Operand> parts;
        tokens.expect("(");
        if (tokens.accept(")")) return parts;
        do parts.push_back(operand());
        while (tokens.accept(","));
        tokens.expect(")");
        return parts;
    }

    void label_use(Instruction &in, Label::Kind kind) {
        const Token &token = tokens.peek();
        Operand &o = in.operands.emplace_back();
        o.kind = Operand::Kind::label;
        o.name = tokens.expect(Token::Kind::identifier, "a label");
        uses.push_back({0, static_cast<uint32_t>(in.operands.size()) - 1, current, kind, token.line});
    }

    // Operands.

    Operand operand() {
        if (tokens.at("[")) return address();
        if (tokens.at("{")) return vector();
        const Token &token = tokens.peek();
        Operand first = simple();
        if (first.kind == Operand::Kind::reg && !first.negated && first.name.empty() && tokens.at("+"))
            return sum_of(first, token);
        if (!tokens.at("|")) return first;
        if (first.kind != Operand::Kind::reg && first.kind != Operand::Kind::sink) tokens.fail("',' or ';'");
        tokens.next();
        Operand pair;
        pair.kind = Operand::Kind::pair;
        const uint32_t line = tokens.line();
        Operand second = simple();
        if (second.kind != Operand::Kind::reg && second.kind != Operand::Kind::sink)
            throw Error(line, "expected a register after '|'");
        pair.parts.push_back(std::move(first));
        pair.parts.push_back(std::move(second));
        return pair;
    }

    Operand vector() {
        Operand o;
        o.kind = Operand::Kind::vector;
        tokens.expect("{");
        do {
            o.parts.push_back(simple());
            if (o.parts.back().kind == Operand::Kind::vector) tokens.fail("no vector within a vector");
        } while (tokens.accept(","));
        tokens.expect("}");
        return o;
    }

    // [reg+4], [symbol+4], [4]; [image, {x, y}]
    Operand address() {
        Operand o;
        tokens.expect("[");
        if (tokens.at(Token::Kind::identifier) && !tokens.at("WARP_SZ")) {
            const uint32_t line = tokens.line();
            o = named();
            if (o.kind != Operand::Kind::reg && o.kind != Operand::Kind::symbol)
                throw Error(line, "expected a register, a variable or a number as address");
        } else {
            o.kind = Operand::Kind::integer;
            o.integer = integer_constant(tokens);
        }
        o.base = o.kind;
        if (o.base == Operand::Kind::reg && tokens.accept("+"))
            o.offset = static_cast<int64_t>(integer_constant(tokens));
        o.kind = Operand::Kind::address;
        while (tokens.accept(",")) o.parts.push_back(tokens.at("{") ? vector() : simple());
        tokens.expect("]");
        return o;
    }

    // Operands without brackets.
    Operand simple() {
        if (tokens.at("!") && tokens.peek(1).kind == Token::Kind::identifier && tokens.peek(1).text != "WARP_SZ") {
            tokens.next();
            Operand o;
            o.kind = Operand::Kind::reg;
            o.negated = true;
            o.reg = expect_register("a predicate");
            return o;
        }
        if (tokens.at("-") && tokens.peek(1).kind == Token::Kind::identifier && tokens.peek(1).text != "WARP_SZ") {
            tokens.next();
            Operand o = named();
            if (o.kind != Operand::Kind::reg) tokens.fail("a register or a number after '-'");
            o.negated = true;
            return o;
        }
        if (tokens.at(Token::Kind::identifier) && !tokens.at("WARP_SZ")) return named();
        if (tokens.at(Token::Kind::end) || tokens.at(Token::Kind::string) || tokens.at(Token::Kind::dotted))
            tokens.fail("an operand");
        const Constant value = constant(tokens);
        Operand o;
        o.kind = value.is_integer() ? Operand::Kind::integer : Operand::Kind::floating;
        o.integer = value.bits;
        o.is_double = value.kind == Constant::Kind::f64;
        return o;
    }

    uint32_t expect_register(const char *what) {
        const Token &token = tokens.peek();
        const std::string_view name = tokens.expect(Token::Kind::identifier, what);
        const Binding *binding = find(name);
        if (!binding || binding->kind != Binding::Kind::reg || binding->width > 1)
            throw Error(token.line, "expected " + std::string(what) + ", found '" + std::string(name) + "'");
        return binding->index;
    }

    // A register, a special register, a variable or function, or the sink.
    Operand named() {
        const Token &token = tokens.next();
        Operand o;
        if (token.text == "_") return o;
        const Binding *binding = find(token.text);
        if (binding && binding->kind == Binding::Kind::reg) return of_register(*binding, token);
        if (!binding && token.text[0] == '%') {
            o.kind = Operand::Kind::special;
            o.name = token.text;
            if (tokens.at(Token::Kind::dotted)) o.name += tokens.next().text;
            else if (special_registers().contains(o.name + ".x")) return whole_special(o.name);
            if (!special_registers().contains(o.name))
                throw Error(token.line, "register '" + o.name + "' is not declared, and no special register");
            return o;
        }
        o.kind = Operand::Kind::symbol;
        o.name = binding && binding->kind == Binding::Kind::global ? function.globals[binding->index].name
                                                                    : std::string(token.text);
        if (!binding)
            references.insert({o.name, false, token.line});
        else if (binding->kind == Binding::Kind::variable)
            o.variable = static_cast<int32_t>(binding->index);
        if (tokens.accept("+")) o.offset = static_cast<int64_t>(integer_constant(tokens));
        if (tokens.at("[")) tokens.fail("',' or ';' (write array[i] as array+offset)");
        return o;
    }

    // %tid for {%tid.x, %tid.y, %tid.z, %tid.w}
    static Operand whole_special(const std::string &name) {
        Operand whole;
        whole.kind = Operand::Kind::vector;
        for (const char *component : {".x", ".y", ".z", ".w"}) {
            Operand &part = whole.parts.emplace_back();
            part.kind = Operand::Kind::special;
            part.name = name + component;
        }
        return whole;
    }

    Operand of_register(const Binding &binding, const Token &token) {
        Operand o;
        o.kind = Operand::Kind::reg;
        o.reg = binding.index;
        if (binding.width == 1 && tokens.at(Token::Kind::dotted) && is_selector(tokens.peek().text)) {
            o.name = tokens.next().text.substr(1);
        } else if (tokens.at(Token::Kind::dotted)) {
            const int i = binding.width > 1 ? component(tokens.peek().text, binding.width) : -1;
            if (i < 0)
                throw Error(token.line, "'" + std::string(token.text) + std::string(tokens.peek().text) +
                                            "': no such component");
            tokens.next();
            o.reg += i;
        } else if (binding.width > 1) {
            Operand whole;
            whole.kind = Operand::Kind::vector;
            whole.parts.assign(binding.width, o);
            for (int i = 0; i < binding.width; ++i) whole.parts[i].reg += i;
            return whole;
        }
        return o;
    }

    // The name of a function or variable of the module.
    Operand global_symbol(bool is_callee) {
        const Token &token = tokens.peek();
        Operand o;
        o.kind = Operand::Kind::symbol;
        o.name = tokens.expect(Token::Kind::identifier, "the name of a function");
        references.insert({o.name, is_callee, token.line});
        return o;
    }

    // Labels can be used before they are defined, so they are resolved when the body is complete.

    const Label *find_label(std::string_view name, int32_t scope) const {
        for (; scope >= 0; scope = scopes[scope].parent)
            if (const auto at = scopes[scope].labels.find(name); at != scopes[scope].labels.end()) return &at->second;
        return nullptr;
    }

    uint32_t expect_label(std::string_view name, int32_t scope, Label::Kind kind, uint32_t line) const {
        const Label *label = find_label(name, scope);
        if (!label) throw Error(line, "label '" + std::string(name) + "' is not defined");
        if (label->kind != kind)
            throw Error(line, "label '" + std::string(name) + "' does not name " +
                                  (kind == Label::Kind::code ? "an instruction" : "a list of branch targets"));
        return label->index;
    }

    void resolve_labels() {
        for (const Table &table : tables) {
            auto &targets = function.tables.emplace_back();
            for (const Token &t : table.targets)
                targets.push_back(expect_label(t.text, table.scope, Label::Kind::code, t.line));
        }
        for (const LabelUse &use : uses) {
            Operand &o = function.body[use.instruction].operands[use.operand];
            if (use.kind == Label::Kind::prototype)
                resolve_possible_callees(o, use);
            else
                o.target = expect_label(o.name, use.scope, use.kind, use.line);
        }
    }

    // The last operand of an indirect call: a prototype, a .calltargets list, or an array that holds the functions.
    void resolve_possible_callees(Operand &o, const LabelUse &use) {
        const Label *label = find_label(o.name, use.scope);
        if (label && label->kind == Label::Kind::callees) {
            o = callees[label->index];
        } else if (label) {
            if (label->kind != Label::Kind::prototype)
                throw Error(use.line, "label '" + o.name + "' names neither a prototype nor a list of functions");
            o.kind = Operand::Kind::label;
            o.target = label->index;
        } else {
            o.kind = Operand::Kind::symbol;
            references.insert({o.name, false, use.line});
        }
    }

    Tokens &tokens;
    Function &function;
    std::set<Reference> &references;
    std::vector<SourceLine> &calls;         // of functions that were inlined

    std::unordered_map<std::string, Binding, Hash, std::equal_to<>> names;
    std::unordered_map<std::string, std::vector<Range>, Hash, std::equal_to<>> ranges;     // from the outside in
    std::vector<Instruction> sums;      // to be made before the instruction being read
    std::vector<Scope> scopes;          // all labels of the body
    int32_t current = -1;
    SourceLine source;
    std::map<Place, SourceLine> places;     // the index of the last .loc of each

    std::vector<Table> tables;
    std::vector<Operand> callees;       // of .calltargets
    std::vector<LabelUse> uses;
};

}  // namespace

void body(Tokens &tokens, Function &function, std::set<Reference> &references, std::vector<SourceLine> &calls) {
    Body(tokens, function, references, calls).run();
}

}  // namespace softgpu::ptx
