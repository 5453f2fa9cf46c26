#include "driver/state/module.h"

#include "driver/state/call.h"

namespace softgpu {

Module &module_in(Library &library, Context &context) {
    std::shared_ptr<Module> &module = library.modules[&context];
    if (!module) module = library.load(context);
    return *module;
}

CUkernel kernel_named(Library &library, const std::string &name) {
    std::shared_ptr<Function> &kernel = library.kernels[name];
    if (!kernel) {
        kernel = std::make_shared<Function>();
        kernel->library = &library;
        kernel->name = name;
        Driver::get().functions.add(kernel);
    }
    return kernel.get();
}

std::shared_ptr<Function> function_of(Context &context, CUfunction handle) {
    const auto function = object_of(Driver::get().functions, handle);
    return function->library ? module_in(*function->library, context).functions.at(function->name) : function;
}

}  // namespace softgpu
