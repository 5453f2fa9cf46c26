#include "driver/state/driver.h"

#include <cstdio>

#include "driver/state/call.h"

namespace softgpu {

thread_local std::vector<Context *> context_stack;

// Never destroyed: threads of the program may use it until the process ends.
Driver &Driver::get() {
    static Driver *driver = new Driver;
    return *driver;
}

Context &Driver::current() {
    require(!context_stack.empty() && context_stack.back(), CUDA_ERROR_INVALID_CONTEXT);
    require(!context_stack.back()->destroyed, CUDA_ERROR_CONTEXT_IS_DESTROYED);
    return *context_stack.back();
}

void complain(const std::string &sentence) { std::fprintf(stderr, "framecast softgpu: %s\n", sentence.c_str()); }

}  // namespace softgpu
