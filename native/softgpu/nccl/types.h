// The types of NCCL 2 that the replacement provides.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "nccl/group.h"

enum ncclResult_t : int {
    ncclSuccess,
    ncclUnhandledCudaError,
    ncclSystemError,
    ncclInternalError,
    ncclInvalidArgument,
    ncclInvalidUsage,
    ncclRemoteError,
    ncclInProgress
};

enum ncclDataType_t : int {
    ncclInt8,
    ncclUint8,
    ncclInt32,
    ncclUint32,
    ncclInt64,
    ncclUint64,
    ncclFloat16,
    ncclFloat32,
    ncclFloat64,
    ncclBfloat16,
    ncclNumTypes
};

enum ncclRedOp_t : int { ncclSum, ncclProd, ncclMax, ncclMin, ncclAvg, ncclNumOps };

struct ncclUniqueId {
    char internal[128];
};

// A rank of a communicator. All of it is of this process; what the ranks share is in `group`.
struct ncclComm {
    ncclComm(softgpu::nccl::Group &&joined, int on_device, uint64_t count)
        : group(std::move(joined)), device(on_device), number(count) {}

    softgpu::nccl::Group group;
    const int device;
    const uint64_t number;          // no other of this process has it, also not one at the same address
    std::atomic<bool> aborted{false};
    std::atomic<ncclResult_t> asynchronous{ncclSuccess};

    // Of the collective that runs. They run one after the other, in the order of their calls.
    struct Running {
        bool begun = false;
        bool posted = false;        // this rank's part of the chunk is in shared memory
        size_t offset = 0;          // of the chunk, in elements
        uint64_t lost_since = 0;    // milliseconds; 0: no rank is lost
    } running;
    uint64_t collectives = 0;       // that have begun
};
using ncclComm_t = ncclComm *;
