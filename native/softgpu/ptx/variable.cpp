#include "ptx/variable.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "ptx/constant.h"

namespace softgpu::ptx {

namespace {

constexpr struct { std::string_view directive; Space space; } SPACES[] = {
    {".global", Space::global}, {".shared", Space::shared}, {".local", Space::local}, {".param", Space::param},
    {".const", Space::constant},
};

constexpr uint64_t ADDRESS_BYTES = 8;
constexpr uint64_t MAX_BYTES = uint64_t{1} << 48;
constexpr uint64_t MAX_INITIAL_BYTES = uint64_t{1} << 28;
constexpr size_t MAX_DIMENSIONS = 16;

// The initial value of a variable, from "{ {1, 2}, {3} }": braces nest like the dimensions, and omitted values are
// zero.
class Initializer {
public:
    // `dimensions` of the array, then of the vector; the first may be unknown: 0.
    Initializer(Tokens &tokens, Variable &variable, const std::vector<uint64_t> &dimensions)
        : tokens(tokens), variable(variable), dimensions(dimensions) {}

    void run() {
        fill(0, 0, variable.bytes);
        end_of_masked();
        if (variable.bytes == 0) variable.bytes = variable.initial.size();
        variable.initial.resize(variable.bytes);
    }

private:
    // One element, or a nested list from dimension `d` on, of `bytes` bytes (0: as many as are given) at `at`.
    void fill(size_t level, uint64_t at, uint64_t bytes) {
        if (level == dimensions.size()) {
            scalar(at);
            return;
        }
        uint64_t stride = size(variable.type);
        for (size_t i = level + 1; i < dimensions.size(); ++i) stride *= dimensions[i];
        tokens.expect("{");
        if (bytes != 0 && tokens.accept("}")) return;
        const uint64_t end = at + bytes;
        do {
            if (bytes != 0 && at == end)
                throw Error(tokens.line(), "'" + variable.name + "' has more initial values than elements");
            if (stride > MAX_INITIAL_BYTES - at) throw Error(tokens.line(), "'" + variable.name + "' is too large");
            fill(level + 1, at, stride);
            at += stride;
            if (bytes == 0) variable.initial.resize(at);
        } while (tokens.accept(","));
        tokens.expect("}");
    }

    void scalar(uint64_t at) {
        if (tokens.at(Token::Kind::identifier) && !tokens.at("WARP_SZ")) {
            end_of_masked();
            if (size(variable.type) != ADDRESS_BYTES || is_float(variable.type))
                throw Error(tokens.line(), "an address as initial value needs integers of 8 bytes");
            variable.relocations.push_back(address(at));
        } else if (tokens.at(Token::Kind::number) && tokens.peek(1).text == "(") {
            masked(at);
        } else {
            end_of_masked();
            put(at);
        }
    }

    // name, name+4, generic(name), generic(name)+4
    Relocation address(uint64_t at) {
        Relocation relocation;
        relocation.at = at;
        relocation.generic = tokens.at("generic") && tokens.peek(1).text == "(";
        if (relocation.generic) {
            tokens.next();
            tokens.next();
        }
        relocation.symbol = tokens.expect(Token::Kind::identifier, "a name");
        if (relocation.generic) tokens.expect(")");
        if (tokens.accept("+")) relocation.addend = static_cast<int64_t>(integer_constant(tokens));
        return relocation;
    }

    // 0xFF00(name): one byte of an address. All eight bytes must follow each other; together they are one address.
    void masked(uint64_t at) {
        const uint32_t line = tokens.line();
        const uint64_t mask = count(tokens, "a mask", ~uint64_t{0});
        tokens.expect("(");
        const Relocation byte = address(at - masked_bytes);
        tokens.expect(")");
        if (masked_bytes == 0) {
            variable.relocations.push_back(byte);
        } else {
            const Relocation &first = variable.relocations.back();
            if (byte.at != first.at || byte.symbol != first.symbol || byte.addend != first.addend ||
                byte.generic != first.generic)
                throw Error(line, "masked bytes of different addresses are mixed");
        }
        if (size(variable.type) != 1 || mask != uint64_t{0xff} << 8 * masked_bytes)
            throw Error(line, "masks are supported for the bytes of a whole address in their order only");
        masked_bytes = (masked_bytes + 1) % ADDRESS_BYTES;
    }

    void end_of_masked() const {
        if (masked_bytes != 0) throw Error(tokens.line(), "only a part of an address is given by masks");
    }

    void put(uint64_t at) {
        const uint32_t line = tokens.line();
        Constant value = constant(tokens);
        const Type type = variable.type;
        if (type == Type::f32 && value.kind == Constant::Kind::f64) {
            const auto rounded = static_cast<float>(std::bit_cast<double>(value.bits));
            value = {Constant::Kind::f32, std::bit_cast<uint32_t>(rounded)};
        }
        // A .b type may be initialised with a float of its size; a float type cannot be initialised with an integer.
        bool fits = !is_float(type) && type != Type::b128;
        if (value.kind == Constant::Kind::f32) fits = type == Type::f32 || type == Type::b32;
        if (value.kind == Constant::Kind::f64) fits = type == Type::f64 || type == Type::b64;
        if (!fits) throw Error(line, "initial value does not fit type ." + std::string(name(type)));
        const size_t bytes = size(type);
        if (variable.initial.size() < at + bytes) variable.initial.resize(at + bytes);
        std::memcpy(variable.initial.data() + at, &value.bits, bytes);
    }

    Tokens &tokens;
    Variable &variable;
    const std::vector<uint64_t> &dimensions;
    uint64_t masked_bytes = 0;      // bytes seen so far of an address given by masks
};

uint64_t alignment(Tokens &tokens) {
    const uint32_t line = tokens.line();
    const uint64_t align = count(tokens, "an alignment", uint64_t{1} << 20);
    if (!std::has_single_bit(align)) throw Error(line, "alignment must be a power of two");
    return align;
}

// A variable is read in two steps, since several can share one type: ".align 4 .f32", then "x[3] = {...}".
struct Shape {
    Type type = Type::none;
    int width = 1;
    uint64_t align = 0;
    bool is_texture = false;
};

Shape shape(Tokens &tokens) {
    Shape s;
    skip_attribute(tokens);
    if (tokens.accept(".align")) s.align = alignment(tokens);
    const uint32_t line = tokens.line();
    s.is_texture = tokens.accept(".texref");
    s.type = s.is_texture ? Type::u64 : expect_type(tokens, s.width);
    if (s.type == Type::pred) throw Error(line, "a variable of type .pred must be a register");
    if (s.align == 0) s.align = size(s.type) * s.width;
    return s;
}

// The name, dimensions and size; `dimensions` gets those of the array, then of the vector.
Variable named(Tokens &tokens, const Shape &shape, Space space, std::vector<uint64_t> &dimensions) {
    Variable v;
    v.space = space;
    v.type = shape.type;
    v.align = shape.align;
    v.line = tokens.line();
    v.is_texture = shape.is_texture;
    if (v.is_texture && space != Space::global) throw Error(v.line, "a texture reference must be a .global variable");
    v.name = tokens.expect(Token::Kind::identifier, "the name of a variable");
    while (tokens.accept("[")) {
        const uint32_t line = tokens.line();
        const bool open = tokens.at("]");
        if (open && !dimensions.empty()) tokens.fail("a dimension (only the first can be left out)");
        dimensions.push_back(open ? 0 : integer_constant(tokens));
        if (!open && dimensions.back() == 0) throw Error(line, "a dimension must not be 0");
        if (dimensions.size() > MAX_DIMENSIONS) throw Error(line, "too many dimensions");
        tokens.expect("]");
    }
    if (shape.width > 1) dimensions.push_back(shape.width);
    v.bytes = size(shape.type);
    for (uint64_t d : dimensions) {
        d = std::max<uint64_t>(d, 1);
        if (v.bytes > MAX_BYTES / d) throw Error(v.line, "'" + v.name + "' is too large");
        v.bytes *= d;
    }
    if (!dimensions.empty() && dimensions[0] == 0) v.bytes = 0;
    return v;
}

Variable parameter(Tokens &tokens) {
    if (tokens.accept(".reg")) {
        Variable v;
        v.space = Space::generic;
        int width = 1;
        v.type = expect_type(tokens, width);
        if (v.type == Type::pred) tokens.fail("a parameter that is not a predicate (.pred is not provided here)");
        v.line = tokens.line();
        v.name = tokens.expect(Token::Kind::identifier, "the name of a register");
        v.bytes = v.align = size(v.type) * width;
        return v;
    }
    tokens.expect(".param");
    Shape s = shape(tokens);
    if (tokens.accept(".ptr")) {    // .ptr: space and alignment of the pointee, a hint for the optimizer
        Space pointed;
        accept_space(tokens, pointed);
        if (tokens.accept(".align")) alignment(tokens);
    }
    std::vector<uint64_t> dimensions;
    return named(tokens, s, Space::param, dimensions);
}

}  // namespace

bool accept_space(Tokens &tokens, Space &space) {
    for (const auto &s : SPACES) {
        if (!tokens.accept(s.directive)) continue;
        space = s.space;
        return true;
    }
    return false;
}

void skip_attribute(Tokens &tokens) {
    if (!tokens.accept(".attribute")) return;
    tokens.expect("(");
    for (int depth = 1; depth > 0; tokens.next()) {
        if (tokens.at(Token::Kind::end)) tokens.fail("')'");
        depth += tokens.at("(") - tokens.at(")");
    }
}

Type expect_type(Tokens &tokens, int &width) {
    width = tokens.accept(".v2") ? 2 : tokens.accept(".v4") ? 4 : 1;
    const Type type = tokens.at(Token::Kind::dotted) ? type_of(tokens.peek().text.substr(1)) : Type::none;
    if (type == Type::none) tokens.fail("a type");
    tokens.next();
    return type;
}

std::vector<Variable> variables(Tokens &tokens, Space space, bool is_extern) {
    std::vector<Variable> result;
    const Shape s = shape(tokens);
    do {
        std::vector<uint64_t> dimensions;
        Variable v = named(tokens, s, space, dimensions);
        v.is_extern = is_extern;
        if (tokens.at("=")) {
            if (is_extern || v.is_texture || (space != Space::global && space != Space::constant))
                tokens.fail("no initial value (only .global and .const variables defined here have one)");
            if (v.bytes > MAX_INITIAL_BYTES) throw Error(v.line, "'" + v.name + "' is too large for an initial value");
            tokens.next();
            Initializer(tokens, v, dimensions).run();
        } else if (v.bytes == 0 && !is_extern) {
            throw Error(v.line, "'" + v.name + "' has no size");
        }
        result.push_back(std::move(v));
    } while (tokens.accept(","));
    tokens.expect(";");
    return result;
}

std::vector<Variable> parameters(Tokens &tokens) {
    std::vector<Variable> result;
    tokens.expect("(");
    if (tokens.accept(")")) return result;
    do result.push_back(parameter(tokens));
    while (tokens.accept(","));
    tokens.expect(")");
    return result;
}

}  // namespace softgpu::ptx
