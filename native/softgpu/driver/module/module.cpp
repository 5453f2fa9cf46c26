// Modules.
#include "driver/module/module.h"

#include <fstream>
#include <sstream>

#include "driver/stream/queue.h"

namespace softgpu {

namespace {

std::string read_file(const char *path) {
    require(path);
    std::ifstream file(path, std::ios::binary);
    require(file.good(), CUDA_ERROR_FILE_NOT_FOUND);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

CUresult load_call(const char *name, CUmodule *module, const void *image, const JitOptions &options) {
    return context_call(name, [&](Context &context) {
        require(module && image);
        refuse_unsafe_call();
        check_options(options);
        *module = Driver::get().modules.add(load(context, ptx_text(image), options));
    }, Site::load);
}

}  // namespace

extern "C" {

CU_API cuModuleLoad(CUmodule *module, const char *path) {
    return context_call(__func__, [&](Context &context) {
        require(module);
        refuse_unsafe_call();
        const std::string image = read_file(path);
        *module = Driver::get().modules.add(load(context, ptx_text(image.c_str()), {}));
    }, Site::load);
}

CU_API cuModuleLoadData(CUmodule *module, const void *image) { return load_call(__func__, module, image, {}); }

CU_API cuModuleLoadFatBinary(CUmodule *module, const void *image) { return load_call(__func__, module, image, {}); }

CU_API cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values) {
    return load_call(__func__, module, image, {count, options, values});
}

CU_API cuModuleUnload(CUmodule handle) {
    return context_call(__func__, [&](Context &) {
        const auto module = object_of(Driver::get().modules, handle);
        refuse_unsafe_call();
        drain(*module->context);
        unload(*module);
    });
}

CU_API cuModuleGetFunction(CUfunction *function, CUmodule handle, const char *name) {
    return context_call(__func__, [&](Context &) {
        require(function && name);
        *function = function_named(*object_of(Driver::get().modules, handle), name);
    });
}

CU_API cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes, CUmodule handle, const char *name) {
    return context_call(__func__, [&](Context &) {
        find_variable(*object_of(Driver::get().modules, handle), name, address, bytes);
    });
}

CU_API cuModuleGetFunctionCount(unsigned *count, CUmodule handle) {
    return context_call(__func__, [&](Context &) {
        require(count);
        *count = object_of(Driver::get().modules, handle)->functions.size();
    });
}

CU_API cuModuleEnumerateFunctions(CUfunction *functions, unsigned count, CUmodule handle) {
    return context_call(__func__, [&](Context &) {
        require(functions && count > 0);
        const auto module = object_of(Driver::get().modules, handle);
        for (const auto &[name, function] : module->functions)
            if (count > 0) *functions++ = function.get(), --count;
    });
}

CU_API cuModuleGetLoadingMode(int *mode) {
    return driver_call(__func__, [&](Driver &) {
        require(mode);
        *mode = 1;      // eager
    });
}

}  // extern "C"

}  // namespace softgpu
