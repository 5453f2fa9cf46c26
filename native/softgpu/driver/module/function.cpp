// Attributes of kernels.
#include "base/settings.h"
#include "driver/module/module.h"
#include "driver/state/call.h"

namespace softgpu {

namespace {

int attribute_of(const Function &function, CUfunction_attribute attribute) {
    const Kernel &kernel = *function.kernel;
    switch (attribute) {
        case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK: return kernel.max_threads;
        case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES: return kernel.static_shared;
        case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES: return function.module->constant_bytes;
        case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES: return kernel.local_bytes;
        case CU_FUNC_ATTRIBUTE_NUM_REGS: return kernel.registers;
        case CU_FUNC_ATTRIBUTE_PTX_VERSION: return function.module->ptx_version;
        case CU_FUNC_ATTRIBUTE_BINARY_VERSION: return limits().compute;
        case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: return function.dynamic_shared_limit;
        case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT: return function.carveout;
        case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH: return kernel.cluster[0];
        case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT: return kernel.cluster[1];
        case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH: return kernel.cluster[2];
        case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED: return function.large_clusters;
        default: return 0;      // caching of local memory; how clusters are scheduled
    }
}

CUresult get(const char *name, int *value, CUfunction_attribute attribute, CUfunction handle) {
    return context_call(name, [&](Context &context) {
        require(value && attribute >= 0 && attribute < CU_FUNC_ATTRIBUTE_MAX);
        *value = attribute_of(*function_of(context, handle), attribute);
    });
}

CUresult set(const char *name, CUfunction handle, CUfunction_attribute attribute, int value) {
    return context_call(name, [&](Context &context) {
        const auto function = function_of(context, handle);
        switch (attribute) {
            case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
                require(value >= 0 &&
                        value + int64_t(function->kernel->static_shared) <= limits().shared_per_block_optin);
                function->dynamic_shared_limit = value;
                break;
            case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
                require(value >= -1 && value <= 100);
                function->carveout = value;
                break;
            case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
                require(value == 0 || value == 1);
                function->large_clusters = value;
                break;
            case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE: break;
            default: fail(CUDA_ERROR_INVALID_VALUE);
        }
    });
}

CUresult name_of(const char *call, const char **name, CUfunction handle) {
    return context_call(call, [&](Context &context) {
        require(name);
        *name = function_of(context, handle)->kernel->name.c_str();
    });
}

CUresult parameter(const char *name, CUfunction handle, size_t index, size_t *offset, size_t *bytes) {
    return context_call(name, [&](Context &context) {
        require(offset);
        const auto function = function_of(context, handle);
        require(index < function->kernel->parameters.size());
        const Kernel::Parameter &p = function->kernel->parameters[index];
        *offset = p.offset;
        if (bytes) *bytes = p.bytes;
    });
}

}  // namespace

extern "C" {

CU_API cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction function) {
    return get(__func__, value, attribute, function);
}
CU_API cuKernelGetAttribute(int *value, CUfunction_attribute attribute, CUkernel kernel, CUdevice) {
    return get(__func__, value, attribute, kernel);
}

CU_API cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
    return set(__func__, function, attribute, value);
}
CU_API cuKernelSetAttribute(CUfunction_attribute attribute, int value, CUkernel kernel, CUdevice) {
    return set(__func__, kernel, attribute, value);
}

CU_API cuFuncGetName(const char **name, CUfunction function) { return name_of(__func__, name, function); }
CU_API cuKernelGetName(const char **name, CUkernel kernel) { return name_of(__func__, name, kernel); }

CU_API cuFuncGetParamInfo(CUfunction function, size_t index, size_t *offset, size_t *bytes) {
    return parameter(__func__, function, index, offset, bytes);
}
CU_API cuKernelGetParamInfo(CUkernel kernel, size_t index, size_t *offset, size_t *bytes) {
    return parameter(__func__, kernel, index, offset, bytes);
}

CU_API cuFuncGetModule(CUmodule *module, CUfunction handle) {
    return context_call(__func__, [&](Context &context) {
        require(module);
        *module = function_of(context, handle)->module;
    });
}

// All kernels are loaded with their module.
CU_API cuFuncLoad(CUfunction handle) {
    return context_call(__func__, [&](Context &context) { function_of(context, handle); });
}
CU_API cuFuncIsLoaded(int *state, CUfunction handle) {
    return context_call(__func__, [&](Context &context) {
        require(state);
        function_of(context, handle);
        *state = 1;
    });
}

// Preferences that have no visible effect.
CU_API cuFuncSetCacheConfig(CUfunction handle, int config) {
    return context_call(__func__, [&](Context &context) {
        function_of(context, handle);
        require(config >= 0 && config <= 3);
    });
}
CU_API cuFuncSetSharedMemConfig(CUfunction handle, int config) {
    return context_call(__func__, [&](Context &context) {
        function_of(context, handle);
        require(config >= 0 && config <= 2);
    });
}

}  // extern "C"

}  // namespace softgpu
