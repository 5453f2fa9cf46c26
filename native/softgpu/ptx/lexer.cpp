#include "ptx/lexer.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "ptx/module.h"

namespace softgpu::ptx {

namespace {

enum : uint8_t { SPACE = 1, DIGIT = 2, HEX = 4, START = 8, FOLLOW = 16 };

// identifier = letter followsym* | [_$%] followsym+, followsym = letter | digit | _ | $
constexpr std::array<uint8_t, 256> CLASSES = [] {
    std::array<uint8_t, 256> classes{};
    for (char c : std::string_view(" \t\r\n\f\v")) classes[c] = SPACE;
    for (char c = '0'; c <= '9'; ++c) classes[c] = DIGIT | HEX | FOLLOW;
    for (char c = 'a'; c <= 'z'; ++c) {
        const uint8_t hex = c <= 'f' ? HEX : 0;
        classes[c] = START | FOLLOW | hex;
        classes[c - 'a' + 'A'] = START | FOLLOW | hex;
    }
    classes['_'] = classes['$'] = START | FOLLOW;
    classes['%'] = START;
    return classes;
}();

bool is(char c, uint8_t classes) { return CLASSES[static_cast<uint8_t>(c)] & classes; }

class Lexer {
public:
    explicit Lexer(std::string_view text) : text(text) {}

    std::vector<Token> run() {
        tokens.reserve(text.size() / 4 + 1);
        while (skip_blank(), at < text.size()) tokens.push_back(token());
        tokens.push_back({Token::Kind::end, line, {}});
        return std::move(tokens);
    }

private:
    // The character at `ahead` positions after the cursor, or NUL past the end.
    char look(size_t ahead = 0) const { return at + ahead < text.size() ? text[at + ahead] : '\0'; }
    std::string_view from(size_t begin) const { return text.substr(begin, at - begin); }

    void skip(uint8_t classes) {
        while (at < text.size() && is(text[at], classes)) ++at;
    }

    void skip_blank() {
        for (; at < text.size(); ++at) {
            if (look() == '\n') {
                ++line;
            } else if (look() == '/' && look(1) == '/') {
                at = std::min(text.find('\n', at), text.size()) - 1;
            } else if (look() == '/' && look(1) == '*') {
                const size_t end = text.find("*/", at + 2);
                if (end == std::string_view::npos) throw Error(line, "comment without its end");
                line += std::count(text.begin() + at, text.begin() + end, '\n');
                at = end + 1;
            } else if (!is(look(), SPACE)) {
                return;
            }
        }
    }

    Token token() {
        const size_t begin = at;
        const char c = look();
        const auto make = [&](Token::Kind kind) { return Token{kind, line, from(begin)}; };

        // "10 % 3" has an operator, "%r1" a name.
        if (is(c, START) && !(c == '%' && !is(look(1), FOLLOW))) {
            ++at;
            skip(FOLLOW);
            return make(Token::Kind::identifier);
        }
        // ".5" is a number if nothing precedes the dot; in "tensor.2d" it is a modifier.
        const bool glued = begin > 0 && is(text[begin - 1], FOLLOW);
        if (is(c, DIGIT) || (c == '.' && is(look(1), DIGIT) && !glued)) {
            number();
            if (is(look(), FOLLOW)) {
                skip(FOLLOW);
                throw Error(line, "malformed number '" + std::string(from(begin)) + "'");
            }
            return make(Token::Kind::number);
        }
        if (c == '.' && is(look(1), FOLLOW)) {
            ++at;
            skip(FOLLOW);
            while (look() == ':' && look(1) == ':' && is(look(2), FOLLOW)) {
                at += 2;
                skip(FOLLOW);
            }
            return make(Token::Kind::dotted);
        }
        if (c == '"') {
            at = text.find_first_of("\"\n", at + 1);
            if (at >= text.size() || look() == '\n') throw Error(line, "string without its end");
            ++at;
            return make(Token::Kind::string);
        }
        for (std::string_view pair : {"<<", ">>", "<=", ">=", "==", "!=", "&&", "||"})
            if (text.substr(at, 2) == pair) {
                at += 2;
                return make(Token::Kind::punctuation);
            }
        if (std::string_view("()[]{}<>,;:=+-*/%&|^~!?@").find(c) == std::string_view::npos || c == '\0') {
            char code[8];
            std::snprintf(code, sizeof code, "0x%02x", static_cast<unsigned>(static_cast<uint8_t>(c)));
            throw Error(line, c > ' ' && c < 127 ? "unexpected character '" + std::string(1, c) + "'"
                                                 : "unexpected character " + std::string(code));
        }
        ++at;
        return make(Token::Kind::punctuation);
    }

    // Skips one number; constant.cpp parses its digits.
    void number() {
        const char kind = look() == '0' ? look(1) | ' ' : ' ';
        if (kind == 'x' || kind == 'f' || kind == 'd' || kind == 'b') {
            at += 2;
            skip(HEX);
        } else {
            skip(DIGIT);
            if (look() == '.') {
                ++at;
                skip(DIGIT);
            }
            const bool sign = look(1) == '+' || look(1) == '-';
            if ((look() | ' ') == 'e' && is(look(1 + sign), DIGIT)) {
                at += 1 + sign;
                skip(DIGIT);
            }
        }
        if (look() == 'U') ++at;
    }

    std::string_view text;
    size_t at = 0;
    uint32_t line = 1;
    std::vector<Token> tokens;
};

}  // namespace

Tokens::Tokens(std::string_view text) : tokens(Lexer(text).run()) {}

bool Tokens::accept(std::string_view text) {
    if (!at(text)) return false;
    next();
    return true;
}

void Tokens::expect(std::string_view text) {
    if (!accept(text)) fail("'" + std::string(text) + "'");
}

std::string_view Tokens::expect(Token::Kind kind, const char *what) {
    if (!at(kind)) fail(what);
    return next().text;
}

void Tokens::fail(const std::string &expected) const {
    const Token &token = peek();
    throw Error(token.line, "expected " + expected + ", found " +
                                (token.kind == Token::Kind::end ? "the end of the text"
                                                                : "'" + std::string(token.text.substr(0, 60)) + "'"));
}

}  // namespace softgpu::ptx
