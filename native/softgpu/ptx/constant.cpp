#include "ptx/constant.h"

#include <bit>
#include <charconv>

#include "ptx/module.h"

namespace softgpu::ptx {

namespace {

using Kind = Constant::Kind;

constexpr int MAX_DEPTH = 200;      // of parentheses and unary operators

Constant of(int64_t value) { return {Kind::s64, static_cast<uint64_t>(value)}; }
Constant of(uint64_t value) { return {Kind::u64, value}; }
Constant of(double value) { return {Kind::f64, std::bit_cast<uint64_t>(value)}; }

bool is_true(const Constant &c) { return c.bits != 0; }

struct Malformed {};

uint64_t digits(std::string_view text, int base) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), value, base);
    if (error != std::errc() || end != text.end()) throw Malformed();
    return value;
}

Constant literal(std::string_view text) {
    const char kind = text.size() > 1 && text[0] == '0' ? text[1] | ' ' : ' ';
    if (kind == 'f' || kind == 'd') {
        if (text.size() != (kind == 'f' ? 10 : 18)) throw Malformed();
        return {kind == 'f' ? Kind::f32 : Kind::f64, digits(text.substr(2), 16)};
    }
    if (kind != 'x' && text.find_first_of(".eE") != std::string_view::npos) {
        double value = 0;
        const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
        if (error != std::errc() || end != text.end()) throw Malformed();
        return of(value);
    }
    const bool is_unsigned = text.back() == 'U';
    if (is_unsigned) text.remove_suffix(1);
    const bool prefixed = kind == 'x' || kind == 'b';
    const int base = kind == 'x' ? 16 : kind == 'b' ? 2 : text.size() > 1 && text[0] == '0' ? 8 : 10;
    const uint64_t value = digits(prefixed ? text.substr(2) : text, base);
    // A literal is .s64 if it fits, else .u64.
    return {is_unsigned || value >> 63 ? Kind::u64 : Kind::s64, value};
}

// The number at the cursor.
Constant number(Tokens &tokens) {
    const Token &token = tokens.next();
    try {
        return literal(token.text);
    } catch (const Malformed &) {
        throw Error(token.line, "malformed number '" + std::string(token.text) + "'");
    }
}

struct Operator {
    std::string_view text;
    int precedence;     // higher binds tighter; those of C
};

constexpr Operator OPERATORS[] = {
    {"||", 1}, {"&&", 2}, {"|", 3}, {"^", 4}, {"&", 5}, {"==", 6}, {"!=", 6}, {"<", 7}, {"<=", 7}, {">", 7},
    {">=", 7}, {"<<", 8}, {">>", 8}, {"+", 9}, {"-", 9}, {"*", 10}, {"/", 10}, {"%", 10},
};

class Expression {
public:
    explicit Expression(Tokens &tokens) : tokens(tokens) {}

    Constant ternary() {
        const Constant condition = binary(1);
        if (!tokens.at("?")) return condition;
        const uint32_t line = tokens.next().line;
        if (!condition.is_integer()) throw Error(line, "the condition of ?: must be an integer");
        const Constant yes = nested(&Expression::ternary);
        tokens.expect(":");
        const Constant no = nested(&Expression::ternary);
        return is_true(condition) ? yes : no;
    }

private:
    Constant nested(Constant (Expression::*rule)()) {
        if (++depth > MAX_DEPTH) throw Error(tokens.line(), "constant expression is nested too deep");
        const Constant result = (this->*rule)();
        --depth;
        return result;
    }

    const Operator *peek_operator() const {
        if (tokens.at(Token::Kind::punctuation))
            for (const Operator &op : OPERATORS)
                if (tokens.at(op.text)) return &op;
        return nullptr;
    }

    Constant binary(int least) {
        Constant left = unary();
        for (const Operator *op; (op = peek_operator()) && op->precedence >= least;) {
            const uint32_t line = tokens.next().line;
            left = apply(op->text, left, binary(op->precedence + 1), line);
        }
        return left;
    }

    Constant unary() {
        const uint32_t line = tokens.line();
        if (tokens.at(Token::Kind::number)) return number(tokens);
        if (tokens.accept("WARP_SZ")) return of(int64_t{32});
        if (tokens.accept("(")) {
            const bool to_signed = tokens.accept(".s64"), to_unsigned = !to_signed && tokens.accept(".u64");
            if (!to_signed && !to_unsigned) {
                const Constant inner = nested(&Expression::ternary);
                tokens.expect(")");
                return inner;
            }
            tokens.expect(")");
            const Constant value = nested(&Expression::unary);
            if (!value.is_integer()) throw Error(line, "only integers can be cast to .s64 and .u64");
            return {to_signed ? Kind::s64 : Kind::u64, value.bits};
        }
        for (std::string_view op : {"-", "+", "~", "!"}) {
            if (!tokens.accept(op)) continue;
            const Constant value = nested(&Expression::unary);
            if (value.kind == Kind::f32) throw Error(line, "0f literals cannot stand in expressions");
            if (op == "+") return value;
            if (value.kind == Kind::f64 && op == "-") return of(-std::bit_cast<double>(value.bits));
            if (value.kind == Kind::f64) throw Error(line, "operator " + std::string(op) + " needs an integer");
            return {value.kind, op == "-" ? -value.bits : op == "~" ? ~value.bits : !value.bits};
        }
        tokens.fail("a constant");
    }

    // Both operands become .u64 if one is. Two floats stay .f64. A float and an integer cannot be mixed.
    static Constant apply(std::string_view op, const Constant &a, const Constant &b, uint32_t line) {
        if (a.kind == Kind::f32 || b.kind == Kind::f32) throw Error(line, "0f literals cannot stand in expressions");
        if (a.is_integer() != b.is_integer()) throw Error(line, "constant expression mixes integers and floats");
        if (op == "<<" || op == ">>") return shift(op, a, b, line);
        if (a.kind == Kind::f64) return floats(op, std::bit_cast<double>(a.bits), std::bit_cast<double>(b.bits), line);
        if (op == "/" || op == "%") return divide(op, a, b, line);
        if (a.kind == Kind::s64 && b.kind == Kind::s64) {
            if (const Constant *c = compare(op, static_cast<int64_t>(a.bits), static_cast<int64_t>(b.bits))) return *c;
            return {Kind::s64, modular(op, a.bits, b.bits)};
        }
        if (const Constant *c = compare(op, a.bits, b.bits)) return *c;
        return {Kind::u64, modular(op, a.bits, b.bits)};
    }

    // Operators with the same result for .s64 and .u64.
    static uint64_t modular(std::string_view op, uint64_t a, uint64_t b) {
        switch (op[0]) {
            case '+': return a + b;
            case '-': return a - b;
            case '*': return a * b;
            case '&': return a & b;
            case '|': return a | b;
            default: return a ^ b;
        }
    }

    template <typename T>
    static const Constant *compare(std::string_view op, T a, T b) {
        static const Constant results[] = {of(int64_t{0}), of(int64_t{1})};
        if (op == "<") return &results[a < b];
        if (op == ">") return &results[a > b];
        if (op == "<=") return &results[a <= b];
        if (op == ">=") return &results[a >= b];
        if (op == "==") return &results[a == b];
        if (op == "!=") return &results[a != b];
        if (op == "&&") return &results[a && b];
        if (op == "||") return &results[a || b];
        return nullptr;
    }

    static Constant floats(std::string_view op, double a, double b, uint32_t line) {
        if (op == "+") return of(a + b);
        if (op == "-") return of(a - b);
        if (op == "*") return of(a * b);
        if (op == "/") return of(a / b);
        const bool logical = op == "&&" || op == "||";
        if (const Constant *c = logical ? nullptr : compare(op, a, b)) return *c;
        throw Error(line, "operator " + std::string(op) + " needs integers");
    }

    static Constant divide(std::string_view op, const Constant &a, const Constant &b, uint32_t line) {
        if (b.bits == 0) throw Error(line, "division by zero in a constant expression");
        const bool quotient = op == "/";
        if (a.kind == Kind::u64 || b.kind == Kind::u64) return of(quotient ? a.bits / b.bits : a.bits % b.bits);
        const auto x = static_cast<int64_t>(a.bits), y = static_cast<int64_t>(b.bits);
        if (y == -1) return quotient ? of(static_cast<int64_t>(-a.bits)) : of(int64_t{0});     // INT64_MIN / -1 wraps
        return of(quotient ? x / y : x % y);
    }

    // The result has the type of the left operand; a count of 64 or more gives 0, or the sign.
    static Constant shift(std::string_view op, const Constant &a, const Constant &b, uint32_t line) {
        if (!a.is_integer()) throw Error(line, "operator " + std::string(op) + " needs integers");
        const bool out = b.bits > 63;
        if (op == "<<") return {a.kind, out ? 0 : a.bits << b.bits};
        if (a.kind == Kind::u64) return of(out ? uint64_t{0} : a.bits >> b.bits);
        return of(static_cast<int64_t>(a.bits) >> (out ? 63 : b.bits));
    }

    Tokens &tokens;
    int depth = 0;
};

}  // namespace

Constant constant(Tokens &tokens) { return Expression(tokens).ternary(); }

uint64_t integer_constant(Tokens &tokens) {
    const uint32_t line = tokens.line();
    const Constant value = constant(tokens);
    if (!value.is_integer()) throw Error(line, "expected an integer, found a float");
    return value.bits;
}

uint64_t count(Tokens &tokens, const char *what, uint64_t limit) {
    if (!tokens.at(Token::Kind::number)) tokens.fail(what);
    const Token &token = tokens.peek();
    const Constant value = number(tokens);
    if (!value.is_integer() || value.bits > limit)
        throw Error(token.line, "expected " + std::string(what) + ", at most " + std::to_string(limit) + ", found '" +
                                    std::string(token.text) + "'");
    return value.bits;
}

}  // namespace softgpu::ptx
