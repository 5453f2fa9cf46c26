// Which functions can call which, and which use shared variables of the module. Computed from the PTX before decoding.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "ptx/module.h"

namespace softgpu {

// Functions are numbered as in `sources`.
struct CallGraph {
    std::vector<std::set<uint32_t>> callees;        // direct calls, and possible indirect ones
    std::vector<std::vector<bool>> reaches;         // reachable by one or more calls
    std::vector<bool> uses_common_shared;           // directly, or in a function that it calls
    bool has_calls = false;

    CallGraph() = default;
    CallGraph(const ptx::Module &module, const std::vector<const ptx::Function *> &sources,
              const std::unordered_map<std::string, uint32_t> &numbers);
};

}  // namespace softgpu
