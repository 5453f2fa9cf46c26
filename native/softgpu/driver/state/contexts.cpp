#include "driver/state/contexts.h"

#include <algorithm>

#include "driver/state/call.h"

namespace softgpu {

Context *live_context(CUcontext handle) {
    for (const auto &c : Driver::get().contexts)
        if (c.get() == handle && !c->destroyed) return handle;
    return nullptr;
}

void begin(Context &context, unsigned flags) {
    context.destroyed = false;
    context.sticky = CUDA_SUCCESS;
    context.flags = flags | CU_CTX_MAP_HOST;
}

Context &make_context(unsigned flags) {
    Driver &driver = Driver::get();
    auto made = std::make_unique<Context>();
    made->number = driver.next_number("context");
    made->api_version = 3020;
    begin(*made, flags);
    driver.contexts.push_back(std::move(made));
    return *driver.contexts.back();
}

Context &primary() {
    Driver &driver = Driver::get();
    if (!driver.primary) {
        driver.primary = &make_context(driver.primary_flags);
        driver.primary->primary = true;
        driver.primary->destroyed = true;
    }
    return *driver.primary;
}

Context &context_of(CUcontext handle) {
    Context *context = handle ? live_context(handle) : &Driver::get().current();
    require(context, CUDA_ERROR_INVALID_CONTEXT);
    return *context;
}

bool any_context() {
    Driver::Lock lock(Driver::get());
    const auto &all = Driver::get().contexts;
    return std::any_of(all.begin(), all.end(), [](const auto &c) { return !c->destroyed; });
}

}  // namespace softgpu
