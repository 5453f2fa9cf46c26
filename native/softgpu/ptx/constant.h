// Numbers and constant expressions (PTX ISA, "Constants").
#pragma once

#include "ptx/lexer.h"

namespace softgpu::ptx {

struct Constant {
    enum class Kind : uint8_t {
        s64, u64,
        f64,
        f32     // 0f..., which keeps its exact bits and cannot be part of an expression
    };
    Kind kind = Kind::s64;
    uint64_t bits = 0;

    bool is_integer() const { return kind == Kind::s64 || kind == Kind::u64; }
};

// The constant expression at the cursor.
Constant constant(Tokens &tokens);
// A constant expression that must be an integer; returns its 64 bits.
uint64_t integer_constant(Tokens &tokens);
// A plain unsigned number of at most `limit`: a count, a size, a line.
uint64_t count(Tokens &tokens, const char *what, uint64_t limit);

}  // namespace softgpu::ptx
