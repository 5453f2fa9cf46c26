#include "driver/state/module.h"

#include "driver/state/call.h"

namespace softgpu {

Module &module_in(Library &library, Context &context) {
    std::shared_ptr<Module> &module = library.modules[&context];
    if (!module) module = library.load(context);
    return *module;
}

std::shared_ptr<Function> function_of(Context &context, CUfunction handle) {
    const auto function = object_of(Driver::get().functions, handle);
    return function->library ? module_in(*function->library, context).functions.at(function->name) : function;
}

}  // namespace softgpu
