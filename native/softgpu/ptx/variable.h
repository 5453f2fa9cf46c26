// Declarations of variables and parameters, with their initial values.
#pragma once

#include "ptx/module.h"
#include "ptx/lexer.h"

namespace softgpu::ptx {

// Takes the directive of a state space (".global"), if one stands here.
bool accept_space(Tokens &tokens, Space &space);

// Passes .attribute(...) if it stands here: memory is one, so .managed and .unified ask for nothing.
void skip_attribute(Tokens &tokens);

// The type at the cursor, as ".f32". What holds a vector gives `width` elements, else 1.
Type expect_type(Tokens &tokens, int &width);

// What follows the space: ".align 4 .f32 x[3] = {...}, y;" up to and with the semicolon.
std::vector<Variable> variables(Tokens &tokens, Space space, bool is_extern);

// "( .param .b32 a, .param .align 8 .b8 b[16] )", of a function or a prototype. One in .reg gets Space::generic.
std::vector<Variable> parameters(Tokens &tokens);

}  // namespace softgpu::ptx
