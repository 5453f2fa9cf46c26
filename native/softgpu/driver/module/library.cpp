// Libraries (modules that are loaded in every context), and the linker, which accepts one PTX text and returns it.
#include <cstring>

#include "driver/module/module.h"
#include "driver/state/call.h"
#include "driver/state/contexts.h"
#include "driver/stream/queue.h"

namespace softgpu {

namespace {

// Libraries can be used before there is a context. They are loaded in the primary one then.
template <class Body> CUresult library_call(const char *name, Body body, Site site = Site::other) {
    return driver_call(name, [&](Driver &) {
        Context &context = context_stack().empty() ? primary() : context_of(nullptr);
        require(context.sticky == CUDA_SUCCESS, context.sticky);
        body(context);
    }, site);
}

std::shared_ptr<Module> load_module(Library *library, Context &context, const std::string &ptx,
                                    const JitOptions &options) {
    const auto module = load(context, ptx, options);
    module->number = 0;     // no object of the program, and so no leak
    module->library = library;
    Driver::get().modules.add(module);
    return module;
}

std::shared_ptr<Library> library_of(CUlibrary handle) { return object_of(Driver::get().libraries, handle); }

CUresult load_library(const char *name, CUlibrary *library, const void *code, const JitOptions &options) {
    return library_call(name, [&](Context &context) {
        require(library && code);
        refuse_unsafe_call();
        auto made = std::make_shared<Library>();
        const std::string ptx = ptx_text(code);
        made->modules[&context] = load_module(made.get(), context, ptx, options);
        made->load = [of = made.get(), ptx](Context &other) { return load_module(of, other, ptx, {}); };
        *library = Driver::get().libraries.add(made);
    }, Site::load);
}

}  // namespace

extern "C" {

CU_API cuLibraryLoadData(CUlibrary *library, const void *code, CUjit_option *options, void **values, unsigned count,
                         void *, void **, unsigned) {
    return load_library(__func__, library, code, {count, options, values});
}

CU_API cuLibraryUnload(CUlibrary handle) {
    return library_call(__func__, [&](Context &) {
        const auto library = library_of(handle);
        for (const auto &[context, module] : library->modules) {
            drain(*context);
            unload(*module);
        }
        for (const auto &[name, kernel] : library->kernels) Driver::get().functions.remove(kernel.get());
        Driver::get().libraries.remove(handle);
    });
}

CU_API cuLibraryGetKernel(CUkernel *kernel, CUlibrary handle, const char *name) {
    return library_call(__func__, [&](Context &context) {
        require(kernel && name);
        const auto library = library_of(handle);
        function_named(module_in(*library, context), name);
        *kernel = kernel_named(*library, name);
    });
}

CU_API cuLibraryGetKernelCount(unsigned *count, CUlibrary handle) {
    return library_call(__func__, [&](Context &context) {
        require(count);
        *count = static_cast<unsigned>(module_in(*library_of(handle), context).functions.size());
    });
}

CU_API cuLibraryEnumerateKernels(CUkernel *kernels, unsigned count, CUlibrary handle) {
    return library_call(__func__, [&](Context &context) {
        require(kernels && count > 0);
        const auto library = library_of(handle);
        for (const auto &[name, function] : module_in(*library, context).functions)
            if (count > 0) *kernels++ = kernel_named(*library, name), --count;
    });
}

CU_API cuLibraryGetModule(CUmodule *module, CUlibrary handle) {
    return context_call(__func__, [&](Context &context) {
        require(module);
        *module = &module_in(*library_of(handle), context);
    });
}

CU_API cuLibraryGetGlobal(CUdeviceptr *address, size_t *bytes, CUlibrary handle, const char *name) {
    return context_call(__func__, [&](Context &context) {
        find_variable(module_in(*library_of(handle), context), name, address, bytes);
    });
}

// Managed variables are in memory that the host can access, as all memory of this device is.
CU_API cuLibraryGetManaged(CUdeviceptr *address, size_t *bytes, CUlibrary handle, const char *name) {
    return library_call(__func__, [&](Context &context) {
        find_variable(module_in(*library_of(handle), context), name, address, bytes);
    });
}

CU_API cuKernelGetFunction(CUfunction *function, CUkernel kernel) {
    return context_call(__func__, [&](Context &context) {
        require(function);
        *function = function_of(context, kernel).get();
    });
}

CU_API cuKernelGetLibrary(CUlibrary *library, CUkernel kernel) {
    return library_call(__func__, [&](Context &) {
        require(library);
        *library = object_of(Driver::get().functions, kernel)->library;
        require(*library, CUDA_ERROR_INVALID_HANDLE);
    });
}

// A preference that has no visible effect.
CU_API cuKernelSetCacheConfig(CUkernel kernel, int config, CUdevice) {
    return library_call(__func__, [&](Context &) {
        object_of(Driver::get().functions, kernel);
        require(config >= 0 && config <= 3);
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
