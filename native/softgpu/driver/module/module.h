// Modules: PTX that was loaded, with its variables in device memory.
#pragma once

#include <string_view>

#include "driver.h"

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
    ~Module();
};

// Belongs to the context that it was loaded in: programs that use libraries use the device's primary context.
struct Library : Object {
    std::shared_ptr<Module> module;
};

struct Linker : Object {
    std::string ptx;
};

struct JitOptions {
    unsigned count = 0;
    CUjit_option *options = nullptr;
    void **values = nullptr;
};

// The PTX text of an image; fails where it is something else.
std::string_view ptx_text(const void *image);
// Fails with what the driver's compiler would; the text of the error goes to the options' log and to standard error.
std::shared_ptr<Module> load(Context &context, std::string_view ptx, const JitOptions &options);
void unload(Module &module);
void unload_modules(Context &context);
CUfunction function_named(Module &module, const char *name);
void find_variable(Module &module, const char *name, CUdeviceptr *address, size_t *bytes);

}  // namespace softgpu
