// Loads PTX with its variables in device memory, and finds functions and variables in it.
#pragma once

#include <memory>
#include <string_view>

#include "driver/state/module.h"

namespace softgpu {

struct JitOptions {
    unsigned count = 0;
    CUjit_option *options = nullptr;
    void **values = nullptr;
};

void check_options(const JitOptions &options);
// The PTX text of an image; fails if the image has another format.
std::string ptx_text(const void *image);
// Fails with the error code of the driver's compiler. The message goes to the log of the options, else to standard
// error.
std::shared_ptr<Module> load(Context &context, std::string_view ptx, const JitOptions &options);
void unload(Module &module);
void unload_modules(Context &context);
CUfunction function_named(Module &module, const char *name);
void find_variable(Module &module, const char *name, CUdeviceptr *address, size_t *bytes);

}  // namespace softgpu
