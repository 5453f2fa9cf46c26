// Values that the runtime keeps with a context.
#include "driver/runtime/tables.h"
#include "driver/state/call.h"
#include "driver/state/contexts.h"

namespace softgpu {

CUresult store(CUcontext context, void *key, void *value, void (*destroy)(CUcontext, void *, void *)) {
    return driver_call(__func__, [&](Driver &) { context_of(context).storage[key] = {value, destroy}; });
}

CUresult stored(void **value, CUcontext context, void *key) {
    return driver_call(__func__, [&](Driver &) {
        require(value);
        const auto &storage = context_of(context).storage;
        const auto at = storage.find(key);
        require(at != storage.end(), CUDA_ERROR_INVALID_HANDLE);
        *value = at->second.value;
    });
}

CUresult forget(CUcontext context, void *key) {
    return driver_call(__func__, [&](Driver &) { context_of(context).storage.erase(key); });
}

}  // namespace softgpu
