// Instructions that need a newer architecture than the oldest supported target.
#pragma once

#include <string>

#include "program/operands.h"

namespace softgpu {

// Rejects the instruction where the module's .target is below sm_`sm`, as ptxas does.
inline void need_target(Operands &operands, int sm) {
    const std::string &target = operands.module().target;
    int have = 0;
    for (char c : target)
        if (c >= '0' && c <= '9') have = 10 * have + (c - '0');
    if (have < sm) operands.reject("needs .target sm_" + std::to_string(sm) + " or higher");
}

}  // namespace softgpu
