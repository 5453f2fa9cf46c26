// Libraries (modules that are loaded in every context), and the linker, which accepts one PTX text and returns it.
#include <cstring>

#include "driver/module/module.h"
#include "driver/state/call.h"
#include "driver/stream/queue.h"

namespace softgpu {

namespace {

Module &module_of(CUlibrary handle) { return *object_of(Driver::get().libraries, handle)->module; }

}  // namespace

extern "C" {

CU_API cuLibraryLoadData(CUlibrary *library, const void *code, CUjit_option *options, void **values, unsigned count,
                         void *, void **, unsigned) {
    return context_call(__func__, [&](Context &context) {
        require(library && code);
        refuse_unsafe_call();
        auto made = std::make_shared<Library>();
        made->context = &context;
        made->module = load(context, ptx_text(code), {count, options, values});
        Driver::get().modules.add(made->module);
        *library = Driver::get().libraries.add(made);
    }, Site::load);
}

CU_API cuLibraryUnload(CUlibrary handle) {
    return context_call(__func__, [&](Context &context) {
        const auto library = object_of(Driver::get().libraries, handle);
        drain(context);
        unload(*library->module);
        Driver::get().libraries.remove(handle);
    });
}

CU_API cuLibraryGetKernel(CUkernel *kernel, CUlibrary handle, const char *name) {
    return context_call(__func__, [&](Context &) {
        require(kernel && name);
        *kernel = function_named(module_of(handle), name);
    });
}

CU_API cuLibraryGetModule(CUmodule *module, CUlibrary handle) {
    return context_call(__func__, [&](Context &) {
        require(module);
        *module = &module_of(handle);
    });
}

CU_API cuLibraryGetGlobal(CUdeviceptr *address, size_t *bytes, CUlibrary handle, const char *name) {
    return context_call(__func__, [&](Context &) { find_variable(module_of(handle), name, address, bytes); });
}

CU_API cuKernelGetFunction(CUfunction *function, CUkernel kernel) {
    return context_call(__func__, [&](Context &) {
        require(function);
        *function = object_of(Driver::get().functions, kernel).get();
    });
}

CU_API cuLinkCreate_v2(unsigned, CUjit_option *, void **, CUlinkState *state) {
    return context_call(__func__, [&](Context &context) {
        require(state);
        auto made = std::make_shared<Linker>();
        made->context = &context;
        *state = Driver::get().linkers.add(made);
    });
}

CU_API cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void *data, size_t size, const char *, unsigned,
                        CUjit_option *, void **) {
    return context_call(__func__, [&](Context &) {
        const auto linker = object_of(Driver::get().linkers, state);
        require(data && size > 0);
        require(type == CU_JIT_INPUT_PTX && linker->ptx.empty(), CUDA_ERROR_NOT_SUPPORTED);
        const auto *text = static_cast<const char *>(data);
        linker->ptx.assign(text, strnlen(text, size));
    });
}

// The linked image is the PTX itself, owned by the linker. It is compiled when it is loaded.
CU_API cuLinkComplete(CUlinkState state, void **image, size_t *bytes) {
    return context_call(__func__, [&](Context &) {
        const auto linker = object_of(Driver::get().linkers, state);
        require(image && !linker->ptx.empty());
        *image = linker->ptx.data();
        if (bytes) *bytes = linker->ptx.size() + 1;
    });
}

CU_API cuLinkDestroy(CUlinkState state) {
    return context_call(__func__, [&](Context &) {
        object_of(Driver::get().linkers, state);
        Driver::get().linkers.remove(state);
    });
}

}  // extern "C"

}  // namespace softgpu
