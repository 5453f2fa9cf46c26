// Communicators, their errors, versions and error texts.

#include <map>

#include "base/cuda_types.h"
#include "nccl/api.h"

extern "C" {
CUresult cuCtxGetCurrent(CUcontext *context);
CUresult cuCtxGetDevice(CUdevice *device);
CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device);
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device);
}

namespace softgpu::nccl {

namespace {

constexpr int VERSION = 22105;      // 2.21.5

std::mutex mutex;
std::string &last_error = *new std::string;         // not destroyed: other threads may go on while the process ends
std::atomic<uint64_t> numbers{0};
auto &communicators = *new std::map<const ncclComm *, std::shared_ptr<ncclComm>>;

// NCCL works in the primary context of the device, whatever the caller's is.
int current_device() {
    CUcontext current = nullptr, primary = nullptr;
    CUdevice device = 0;
    require(cuCtxGetCurrent(&current) == CUDA_SUCCESS && current && cuCtxGetDevice(&device) == CUDA_SUCCESS,
            "the thread has no current context", ncclUnhandledCudaError);
    require(cuDevicePrimaryCtxRetain(&primary, device) == CUDA_SUCCESS, "the device has no primary context",
            ncclUnhandledCudaError);
    cuDevicePrimaryCtxRelease_v2(device);
    require(current == primary, "the current context is not the primary one of its device, in which NCCL works",
            ncclInvalidUsage);
    return device;
}

ncclResult_t initialize(const char *function, ncclComm_t *to, int ranks, const ncclUniqueId &id, int rank) {
    return guarded(function, [&] {
        require_pointer(to, "comm");
        *to = nullptr;
        require(ranks >= 1 && ranks <= MAX_RANKS, "there are 1 to " + std::to_string(MAX_RANKS) + " ranks here, not " +
                std::to_string(ranks));
        require(rank >= 0 && rank < ranks, "rank " + std::to_string(rank) + " is not one of " + std::to_string(ranks));
        const int device = current_device();
        Id where;
        memcpy(&where, id.internal, sizeof where);
        auto made = std::make_shared<ncclComm>(Group(where, ranks, rank), device, ++numbers);
        const std::lock_guard lock(mutex);
        communicators[made.get()] = made;
        *to = made.get();
    });
}

template <class T> ncclResult_t get(const char *function, const ncclComm *communicator, T *to, T (*value)(ncclComm &)) {
    return guarded(function, [&] {
        const auto comm = live(communicator);
        require_pointer(to, "result");
        *to = value(*comm);
    });
}

// Looks after the others, too: one may have ended while no collective runs.
ncclResult_t asynchronous_error(ncclComm &comm) {
    if (comm.asynchronous == ncclSuccess) {
        if (const std::string why = comm.group.fallen(); !why.empty()) {
            set_last_error(why);
            comm.asynchronous = ncclRemoteError;
        }
    }
    return comm.asynchronous;
}

}  // namespace

void set_last_error(const std::string &text) {
    const std::lock_guard lock(mutex);
    last_error = text;
}

std::shared_ptr<ncclComm> find(const ncclComm *communicator) {
    const std::lock_guard lock(mutex);
    const auto at = communicators.find(communicator);
    return at == communicators.end() ? nullptr : at->second;
}

std::shared_ptr<ncclComm> live(const ncclComm *communicator) {
    require_pointer(communicator, "comm");
    auto found = find(communicator);
    require(found && !found->aborted, "comm was never made, or was destroyed or aborted");
    return found;
}

}  // namespace softgpu::nccl

using namespace softgpu;
using namespace softgpu::nccl;

NCCL_API ncclResult_t ncclGetVersion(int *version) {
    return guarded(__func__, [&] {
        require_pointer(version, "version");
        *version = VERSION;
    });
}

NCCL_API const char *ncclGetErrorString(ncclResult_t result) {
    switch (result) {
        case ncclSuccess: return "no error";
        case ncclUnhandledCudaError: return "unhandled cuda error";
        case ncclSystemError: return "unhandled system error";
        case ncclInternalError: return "internal error";
        case ncclInvalidArgument: return "invalid argument";
        case ncclInvalidUsage: return "invalid usage";
        case ncclRemoteError: return "remote process exited or there was a network error";
        case ncclInProgress: return "NCCL operation in progress";
    }
    return "unknown result code";
}

// The communicator is not used, as in NCCL.
NCCL_API const char *ncclGetLastError(ncclComm_t) {
    static thread_local std::string text;
    const std::lock_guard lock(mutex);
    text = last_error;
    return text.c_str();
}

NCCL_API ncclResult_t ncclGetUniqueId(ncclUniqueId *id) {
    return guarded(__func__, [&] {
        require_pointer(id, "uniqueId");
        const Id made = make_id();
        *id = {};
        memcpy(id->internal, &made, sizeof made);
    });
}

NCCL_API ncclResult_t ncclCommInitRank(ncclComm_t *comm, int ranks, ncclUniqueId id, int rank) {
    return initialize(__func__, comm, ranks, id, rank);
}

NCCL_API ncclResult_t ncclCommFinalize(ncclComm_t comm) {
    return guarded(__func__, [&] { live(comm); });
}

NCCL_API ncclResult_t ncclCommDestroy(ncclComm_t comm) {
    return guarded(__func__, [&] {
        const auto destroyed = live(comm);
        destroyed->group.leave(Presence::destroyed);
        const std::lock_guard lock(mutex);
        communicators.erase(comm);
    });
}

// Its work in streams and graphs ends without a result from now on, so the communicator stays for it.
NCCL_API ncclResult_t ncclCommAbort(ncclComm_t comm) {
    return guarded(__func__, [&] {
        const auto aborted = live(comm);
        aborted->aborted = true;
        aborted->group.leave(Presence::aborted);
    });
}

NCCL_API ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t *error) {
    return get(__func__, comm, error, asynchronous_error);
}

NCCL_API ncclResult_t ncclCommCount(const ncclComm_t comm, int *count) {
    return get<int>(__func__, comm, count, [](ncclComm &c) { return c.group.ranks(); });
}
NCCL_API ncclResult_t ncclCommCuDevice(const ncclComm_t comm, int *device) {
    return get<int>(__func__, comm, device, [](ncclComm &c) { return c.device; });
}
NCCL_API ncclResult_t ncclCommUserRank(const ncclComm_t comm, int *rank) {
    return get<int>(__func__, comm, rank, [](ncclComm &c) { return c.group.rank(); });
}
