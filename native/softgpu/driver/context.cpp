// Contexts.
#include <algorithm>

#include "driver/leaks.h"
#include "driver/module/module.h"
#include "driver/state/call.h"
#include "driver/state/contexts.h"
#include "driver/state/image.h"
#include "driver/stream/graph.h"
#include "driver/stream/queue.h"
#include "driver/work/place.h"
#include "machine/registered.h"

namespace softgpu {

namespace {

void require_flags(unsigned flags) {
    const unsigned schedule = flags & CU_CTX_SCHED_MASK;
    require(!(flags & ~CU_CTX_FLAGS_MASK) && (schedule == 0 || (schedule & (schedule - 1)) == 0));
}

// Runs the pending work, reports what was not freed, and frees it.
void end(Context &context) {
    Driver &driver = Driver::get();
    if (!device_lost()) drain_quietly(context);
    report_leaks(context, false);

    const auto owned = [&](const Object &object) { return object.context == &context; };
    driver.events.remove_if(owned);
    driver.graph_execs.remove_if(owned);
    driver.graphs.remove_if(owned);
    driver.linkers.remove_if(owned);
    std::erase_if(driver.image_objects, [&](const auto &entry) { return owned(*entry.second); });
    driver.texture_references.remove_if(owned);
    driver.arrays.remove_if(owned);
    unload_modules(context);
    context.heap.clear();
    for (const auto &stream : context.streams) {
        stream->capture.reset();
        stream->queue.clear();
        stream->done = stream->enqueued;
    }
    driver.streams.remove_if(owned);
    context.streams.clear();
    context.last_of_order.clear();
    context.legacy.reset();
    context.per_thread.clear();
    for (auto at = driver.allocations.begin(); at != driver.allocations.end();) {
        if (at->second.context == &context) {
            at->second.give_back(at->first);
            at = driver.allocations.erase(at);
        } else {
            ++at;
        }
    }
    unregister_ranges_of(&context);
    context.destroyed = true;
}

// A call that ends a context at most: what libraries stored with it is destroyed after the call, without the lock,
// because they may call the driver.
template <class Body> CUresult ending_call(const char *name, Body body) {
    Context *ended = nullptr;
    std::map<void *, Stored> storage;
    const CUresult result = driver_call(name, [&](Driver &driver) {
        ended = body(driver);
        if (ended) storage.swap(ended->storage);
    });
    for (const auto &[key, stored] : storage)
        if (stored.destroy) stored.destroy(ended, key, stored.value);
    return result;
}

void require_device(CUdevice device) { require(device >= 0 && device < device_count(), CUDA_ERROR_INVALID_DEVICE); }

CUresult create(const char *name, CUcontext *context, unsigned flags, CUdevice device) {
    return driver_call(name, [&](Driver &) {
        require(context);
        require_device(device);
        require_flags(flags);
        *context = &make_context(flags);
        context_stack().push_back(*context);
    });
}

}  // namespace

extern "C" {

CU_API cuCtxCreate_v2(CUcontext *context, unsigned flags, CUdevice device) {
    return create(__func__, context, flags, device);
}

// Execution affinity and graphics interoperation are not provided.
CU_API cuCtxCreate_v3(CUcontext *context, void *, int affinities, unsigned flags, CUdevice device) {
    return affinities ? CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY : create(__func__, context, flags, device);
}
CU_API cuCtxCreate_v4(CUcontext *context, const CUctxCreateParams *parameters, unsigned flags, CUdevice device) {
    const bool special = parameters && (parameters->numExecAffinityParams || parameters->cigParams);
    return special ? CUDA_ERROR_NOT_SUPPORTED : create(__func__, context, flags, device);
}

CU_API cuCtxDestroy_v2(CUcontext handle) {
    return ending_call(__func__, [&](Driver &) {
        Context *context = live_context(handle);
        require(context && !context->primary, CUDA_ERROR_INVALID_CONTEXT);
        end(*context);
        if (!context_stack().empty() && context_stack().back() == context) context_stack().pop_back();
        return context;
    });
}

CU_API cuCtxPushCurrent_v2(CUcontext handle) {
    return driver_call(__func__, [&](Driver &) {
        require(live_context(handle), CUDA_ERROR_INVALID_CONTEXT);
        context_stack().push_back(handle);
    });
}

CU_API cuCtxPopCurrent_v2(CUcontext *context) {
    return driver_call(__func__, [&](Driver &) {
        require(!context_stack().empty(), CUDA_ERROR_INVALID_CONTEXT);
        if (context) *context = context_stack().back();
        context_stack().pop_back();
    });
}

CU_API cuCtxSetCurrent(CUcontext handle) {
    return driver_call(__func__, [&](Driver &) {
        require(!handle || live_context(handle) || handle == Driver::get().primary, CUDA_ERROR_INVALID_CONTEXT);
        if (!context_stack().empty()) context_stack().pop_back();
        if (handle) context_stack().push_back(handle);
    });
}

CU_API cuCtxGetCurrent(CUcontext *context) {
    return driver_call(__func__, [&](Driver &) {
        require(context);
        *context = context_stack().empty() ? nullptr : context_stack().back();
    });
}

CU_API cuCtxGetDevice(CUdevice *device) {
    return driver_call(__func__, [&](Driver &driver) {
        require(device);
        driver.current();
        *device = 0;
    });
}

CU_API cuCtxGetFlags(unsigned *flags) {
    return driver_call(__func__, [&](Driver &driver) {
        require(flags);
        *flags = driver.current().flags;
    });
}

CU_API cuCtxGetId(CUcontext handle, unsigned long long *id) {
    return driver_call(__func__, [&](Driver &) {
        require(id);
        *id = context_of(handle).number;
    });
}

CU_API cuCtxGetApiVersion(CUcontext handle, unsigned *version) {
    return driver_call(__func__, [&](Driver &) {
        require(version);
        *version = context_of(handle).api_version;
    });
}

CU_API cuCtxSynchronize() {
    return context_call(__func__, [](Context &context) {
        refuse_capture(context);
        refuse_unsafe_call();
        drain(context);
    }, Site::synchronize);
}

CU_API cuCtxGetLimit(size_t *value, CUlimit limit) {
    return context_call(__func__, [&](Context &context) {
        require(value);
        require(limit >= 0 && limit < std::ssize(context.limits), CUDA_ERROR_UNSUPPORTED_LIMIT);
        *value = context.limits[limit];
    });
}

CU_API cuCtxSetLimit(CUlimit limit, size_t value) {
    return context_call(__func__, [&](Context &context) {
        require(limit >= 0 && limit < std::ssize(context.limits), CUDA_ERROR_UNSUPPORTED_LIMIT);
        require(limit != CU_LIMIT_MAX_L2_FETCH_GRANULARITY || value <= 128);
        context.limits[limit] = value;
    });
}

CU_API cuCtxGetCacheConfig(int *config) {
    return context_call(__func__, [&](Context &context) {
        require(config);
        *config = context.cache_config;
    });
}

CU_API cuCtxSetCacheConfig(int config) {
    return context_call(__func__, [&](Context &context) {
        require(config >= 0 && config <= 3);
        context.cache_config = config;
    });
}

// Bank sizes other than 4 bytes are ignored, as on real devices since compute capability 5.0.
CU_API cuCtxGetSharedMemConfig(int *config) {
    return context_call(__func__, [&](Context &) {
        require(config);
        *config = 1;
    });
}

CU_API cuCtxSetSharedMemConfig(int config) {
    return context_call(__func__, [&](Context &) { require(config >= 0 && config <= 2); });
}

CU_API cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    return context_call(__func__, [&](Context &) {
        if (least) *least = 0;
        if (greatest) *greatest = -5;
    });
}

CU_API cuCtxResetPersistingL2Cache() {
    return context_call(__func__, [](Context &) {});
}

CU_API cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
    return driver_call(__func__, [&](Driver &driver) {
        require(context);
        require_device(device);
        Context &own = primary();
        if (own.destroyed) begin(own, driver.primary_flags);
        ++driver.primary_retained;
        *context = &own;
    });
}

CU_API cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    return ending_call(__func__, [&](Driver &driver) -> Context * {
        require_device(device);
        require(driver.primary_retained > 0, CUDA_ERROR_INVALID_CONTEXT);
        if (--driver.primary_retained > 0) return nullptr;
        end(primary());
        return &primary();
    });
}

// The reference count is kept. The next retain creates the context again.
CU_API cuDevicePrimaryCtxReset_v2(CUdevice device) {
    return ending_call(__func__, [&](Driver &driver) -> Context * {
        require_device(device);
        const bool live = !primary().destroyed;
        if (live) end(primary());
        if (driver.primary_retained > 0) begin(primary(), driver.primary_flags);
        return live ? &primary() : nullptr;
    });
}

CU_API cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) {
    return driver_call(__func__, [&](Driver &driver) {
        require_device(device);
        require_flags(flags);
        driver.primary_flags = flags;
        primary().flags = flags | CU_CTX_MAP_HOST;
    });
}

CU_API cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active) {
    return driver_call(__func__, [&](Driver &driver) {
        require(flags && active);
        require_device(device);
        *flags = driver.primary_flags;
        *active = driver.primary && !driver.primary->destroyed;
    });
}

}  // extern "C"

}  // namespace softgpu
