// Declarations of variables and parameters, with their initial values.
#pragma once

#include "ptx/module.h"
#include "ptx/lexer.h"

namespace softgpu::ptx {

// Reads a state space directive (".global"), if there is one at the cursor.
bool accept_space(Tokens &tokens, Space &space);

// Skips .attribute(...) if present. Host and device share one memory, so .managed and .unified have no effect.
void skip_attribute(Tokens &tokens);

// The type at the cursor, as ".f32". For a vector, `width` is its number of elements, else 1.
Type expect_type(Tokens &tokens, int &width);

// Reads what follows the space: ".align 4 .f32 x[3] = {...}, y;", including the semicolon.
std::vector<Variable> variables(Tokens &tokens, Space space, bool is_extern);

// "( .param .b32 a, .param .align 8 .b8 b[16] )", of a function or a prototype. One in .reg gets Space::generic.
std::vector<Variable> parameters(Tokens &tokens);

}  // namespace softgpu::ptx
