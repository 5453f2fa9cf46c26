// What all functions of the NCCL replacement use: checks of arguments, live communicators, error texts.
#pragma once

#include <memory>

#include "libraries/library.h"
#include "nccl/types.h"

#define NCCL_API SOFTGPU_LIBRARY_API

namespace softgpu::nccl {

// The text of ncclGetLastError.
void set_last_error(const std::string &text);

// Runs the body of an API function. If it refuses its arguments, the reason goes to standard error and to
// ncclGetLastError.
template <class F> ncclResult_t guarded(const char *function, F body) {
    try {
        body();
        return ncclSuccess;
    } catch (const Refusal &refusal) {
        set_last_error(complain(function, refusal.why));
        return static_cast<ncclResult_t>(refusal.status);
    } catch (const std::bad_alloc &) {
        set_last_error(complain(function, "host memory is used up"));
        return ncclSystemError;
    }
}

inline void require(bool condition, const std::string &why, ncclResult_t status = ncclInvalidArgument) {
    if (!condition) throw Refusal{status, why};
}
inline void require_pointer(const void *pointer, const char *what) {
    require(pointer != nullptr, std::string(what) + " is a null pointer");
}

// A communicator that was made and not destroyed, or null. Work that runs keeps its own alive.
std::shared_ptr<ncclComm> find(const ncclComm *communicator);
// The same, for calls: it must be there, and not have been aborted.
std::shared_ptr<ncclComm> live(const ncclComm *communicator);

}  // namespace softgpu::nccl
