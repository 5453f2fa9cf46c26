// The self-test by which the runtime finds out whether driver and runtime fit (cudaErrorSoftwareValidityNotEstablished
// if not): both hash what they know of each other, and the runtime compares.
#include <pthread.h>
#include <unistd.h>
#include <cstring>

#include "base/settings.h"
#include "driver/runtime/md2.h"
#include "driver/runtime/tables.h"
#include "driver/state/call.h"

extern "C" {
CUresult cuDeviceGetCount(int *count);
CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device);
CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device);
}

namespace softgpu {

namespace {

// The runtime asks three times, with the last digit of its version 0, 1 and 2.
constexpr uint64_t FIXED[2][2] = {{0x3341181c03cb675c, 0x8ed383aa1f4cd1e8}, {0x1841181c03cb675c, 0x8ed383aa1f4cd1e8}};
constexpr Md2::Block KEY = {0x14, 0x6a, 0xdd, 0xae, 0x53, 0xa9, 0xa7, 0x52,
                            0xaa, 0x08, 0x41, 0x36, 0x0b, 0xf5, 0x5a, 0x9f};

enum { PCI_BUS = 33, PCI_DEVICE = 34, PCI_DOMAIN = 50 };    // CUdevice_attribute

}  // namespace

CUresult self_test(const SelfTest &asked, uint32_t version, uint64_t seconds, uint64_t *answer) {
    const uint32_t kind = version % 10;
    if (!answer || kind > 2) return CUDA_ERROR_INVALID_VALUE;
    if (kind < 2) {
        std::memcpy(answer, FIXED[kind], sizeof FIXED[kind]);
        return CUDA_SUCCESS;
    }
    HmacMd2 hash(KEY);
    hash.add(uint32_t(settings().driver));
    hash.add(version);
    hash.add(uint32_t(getpid()));
    hash.add(static_cast<uint32_t>(pthread_self()));
    hash.add(asked.runtime_table);
    hash.add(asked.test_table);
    hash.add(asked.function);
    hash.add(seconds);
    int devices = 0;
    if (const CUresult error = cuDeviceGetCount(&devices); error != CUDA_SUCCESS) return error;
    for (CUdevice device = 0; device < devices; ++device) {
        CUuuid uuid;
        if (const CUresult error = cuDeviceGetUuid_v2(&uuid, device); error != CUDA_SUCCESS) return error;
        hash.add(uuid);
        for (const int attribute : {PCI_DOMAIN, PCI_BUS, PCI_DEVICE}) {
            int value = 0;
            const CUresult error = cuDeviceGetAttribute(&value, attribute, device);
            if (error != CUDA_SUCCESS) return error;
            hash.add(value);
        }
    }
    const Md2::Block digest = hash.digest();
    std::memcpy(answer, digest.data(), digest.size());
    return CUDA_SUCCESS;
}

}  // namespace softgpu
