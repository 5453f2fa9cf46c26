// The body of a function: its scopes, declarations, labels and instructions.
#pragma once

#include <set>
#include <string>
#include <tuple>

#include "ptx/module.h"
#include "ptx/lexer.h"

namespace softgpu::ptx {

// A name that a body uses but does not declare: the module must declare it.
struct Reference {
    std::string name;
    bool is_callee;     // of a call
    uint32_t line;      // where it is first used

    bool operator<(const Reference &other) const {
        return std::tie(name, is_callee) < std::tie(other.name, other.is_callee);
    }
};

// Reads from "{" to the "}" that ends the body. `function` has its results and parameters already. `calls` are the
// inlined calls of the module.
void body(Tokens &tokens, Function &function, std::set<Reference> &references, std::vector<SourceLine> &calls);

}  // namespace softgpu::ptx
