// The other functions of NCCL 2.21. Each prints its name once and returns "invalid usage".

#include <atomic>

#include "nccl/api.h"

namespace {

ncclResult_t not_provided(const char *name, std::atomic_flag &said) {
    if (!said.test_and_set()) softgpu::complain(name, "not provided");
    softgpu::nccl::set_last_error(std::string(name) + ": not provided");
    return ncclInvalidUsage;
}

}  // namespace

#define NOT_PROVIDED(name)                \
    NCCL_API ncclResult_t name() {        \
        static std::atomic_flag said;     \
        return not_provided(#name, said); \
    }

NOT_PROVIDED(ncclCommInitAll) NOT_PROVIDED(ncclCommInitRankConfig) NOT_PROVIDED(ncclCommSplit)
NOT_PROVIDED(ncclCommRegister) NOT_PROVIDED(ncclCommDeregister) NOT_PROVIDED(ncclMemAlloc) NOT_PROVIDED(ncclMemFree)
NOT_PROVIDED(ncclRedOpCreatePreMulSum) NOT_PROVIDED(ncclRedOpDestroy) NOT_PROVIDED(ncclSend) NOT_PROVIDED(ncclRecv)
