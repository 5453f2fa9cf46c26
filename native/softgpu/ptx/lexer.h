// Tokens of PTX text (PTX ISA, "Syntax"), and a cursor over them. Its errors say what was expected and what was found.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace softgpu::ptx {

struct Token {
    enum class Kind : uint8_t {
        end,
        identifier,     // names, opcodes, "%r1", "_"
        dotted,         // ".global", ".f32", ".L2::128B", with its dot
        number,         // as written
        string,         // with its quotes
        punctuation     // one character, or one of << >> <= >= == != && ||
    };
    Kind kind = Kind::end;
    uint32_t line = 0;
    std::string_view text;
};

class Tokens {
public:
    // Throws Error if there is an invalid token. `text` must outlive this object.
    explicit Tokens(std::string_view text);

    const Token &peek(size_t ahead = 0) const { return tokens[position + ahead < last() ? position + ahead : last()]; }
    const Token &next() { return tokens[position < last() ? position++ : position]; }
    uint32_t line() const { return peek().line; }

    bool at(Token::Kind kind) const { return peek().kind == kind; }
    bool at(std::string_view text) const { return peek().text == text; }
    bool accept(std::string_view text);
    void expect(std::string_view text);
    std::string_view expect(Token::Kind kind, const char *what);

    // Throws Error: "expected <what>, found <the next token>".
    [[noreturn]] void fail(const std::string &expected) const;

private:
    size_t last() const { return tokens.size() - 1; }

    std::vector<Token> tokens;      // the last one is of kind `end`
    size_t position = 0;
};

}  // namespace softgpu::ptx
