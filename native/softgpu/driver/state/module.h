// Modules and kernels as the driver's objects.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "driver/state/driver.h"
#include "program/program.h"

namespace softgpu {

struct Function : Object {
    Module *module = nullptr;
    const Kernel *kernel = nullptr;
    int dynamic_shared_limit = 0;   // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    int carveout = -1;
};

struct Module : Object {
    std::shared_ptr<Program> program;
    std::map<std::string, Arena::Allocation> variables;
    std::map<std::string, std::shared_ptr<Function>> functions;     // of the entries, by name
    int ptx_version = 0;            // 88 for 8.8
    int constant_bytes = 0;

    ~Module() {
        for (const auto &[name, variable] : variables)
            if (variable.address) Arena::get().free(variable.address, Arena::Kind::global);
    }
};

// Belongs to the context that it was loaded in. Programs that use libraries use the primary context.
struct Library : Object {
    std::shared_ptr<Module> module;
};

struct Linker : Object {
    std::string ptx;
};

}  // namespace softgpu
