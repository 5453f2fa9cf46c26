// A shared library that is opened at run time, and its functions.
#pragma once

#include <dlfcn.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace framecast {

// A shared library that is loaded; its names are not visible to other libraries.
class SharedLibrary {
public:
    explicit SharedLibrary(const char *path) : handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL), dlclose) {
        if (!handle_) throw std::runtime_error(dlerror());
    }

    template <class Function> void find(Function *&function, const char *name) const {
        function = reinterpret_cast<Function *>(dlsym(handle_.get(), name));
        if (!function) throw std::runtime_error("it has no function " + std::string(name));
    }

private:
    std::unique_ptr<void, int (*)(void *)> handle_;
};

}  // namespace framecast
