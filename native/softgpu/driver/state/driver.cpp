#include "driver/state/driver.h"

#include <pthread.h>
#include <cstdio>
#include <cstdlib>

#include "driver/state/call.h"

namespace softgpu {

namespace {

// Not an object of the thread: the exit handlers of a program call the driver, and on the main thread run after such
// objects are destroyed.
thread_local std::vector<Context *> *stack = nullptr;

void delete_stack(void *) {
    delete stack;
    stack = nullptr;
}

}  // namespace

std::vector<Context *> &context_stack() {
    static const pthread_key_t key = [] {
        pthread_key_t made;
        if (pthread_key_create(&made, delete_stack) != 0) std::abort();
        return made;
    }();
    if (!stack) {
        stack = new std::vector<Context *>;
        pthread_setspecific(key, stack);
    }
    return *stack;
}

// Never destroyed: threads of the program may use it until the process ends.
Driver &Driver::get() {
    static Driver *driver = new Driver;
    return *driver;
}

Context &Driver::current() {
    const std::vector<Context *> &contexts = context_stack();
    require(!contexts.empty() && contexts.back(), CUDA_ERROR_INVALID_CONTEXT);
    require(!contexts.back()->destroyed, CUDA_ERROR_CONTEXT_IS_DESTROYED);
    return *contexts.back();
}

void complain(const std::string &sentence) { std::fprintf(stderr, "framecast softgpu: %s\n", sentence.c_str()); }

}  // namespace softgpu
