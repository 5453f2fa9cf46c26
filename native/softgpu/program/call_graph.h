// Who can call whom, and who uses the module's shared memory: from the names in the PTX, before it is decoded.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "ptx/module.h"

namespace softgpu {

// Functions are numbered by `sources`.
struct CallGraph {
    std::vector<std::set<uint32_t>> callees;        // direct and possible ones
    std::vector<std::vector<bool>> reaches;         // by calls, of any depth of at least one
    std::vector<bool> uses_common_shared;           // itself or in what it calls
    bool has_calls = false;

    CallGraph() = default;
    CallGraph(const ptx::Module &module, const std::vector<const ptx::Function *> &sources,
              const std::unordered_map<std::string, uint32_t> &numbers);
};

}  // namespace softgpu
