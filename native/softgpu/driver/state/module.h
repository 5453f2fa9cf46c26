// Modules and kernels as the driver's objects.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "driver/state/driver.h"
#include "program/program.h"

namespace softgpu {

// A kernel of a module; or one of a library (a CUkernel), which has only a library and a name: see function_of.
struct Function : Object {
    Library *library = nullptr;
    std::string name;
    Module *module = nullptr;
    const Kernel *kernel = nullptr;
    int dynamic_shared_limit = 0;   // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    int carveout = -1;
    int large_clusters = 0;         // more than 8 blocks are allowed in a cluster
};

struct Module : Object {
    std::shared_ptr<Program> program;
    std::map<std::string, Arena::Allocation> variables;
    std::map<std::string, std::shared_ptr<Function>> functions;     // of the entries, by name
    int ptx_version = 0;            // of the virtual architecture: 80 for sm_80
    int constant_bytes = 0;
    Library *library = nullptr;     // that it is loaded from

    ~Module() {
        for (const auto &[name, variable] : variables)
            if (variable.address) Arena::get().free(variable.address, Arena::Kind::global);
    }
};

// Belongs to no context: it is a module in each context that uses it.
struct Library : Object {
    std::function<std::shared_ptr<Module>(Context &)> load;
    std::map<Context *, std::shared_ptr<Module>> modules;
    std::map<std::string, std::shared_ptr<Function>> kernels;       // that were asked for, by name
};

struct Linker : Object {
    std::string ptx;
};

// The module of a library in a context, loaded if it is not yet.
Module &module_in(Library &library, Context &context);
// The handle of a library's kernel, which it has.
CUkernel kernel_named(Library &library, const std::string &name);
// The function of a handle, which may be that of a library's kernel.
std::shared_ptr<Function> function_of(Context &context, CUfunction handle);

}  // namespace softgpu
