// The device and its attributes.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/settings.h"
#include "driver/state/call.h"
#include "driver/state/image.h"

namespace softgpu {

namespace {

constexpr char NAME[] = "Framecast software device";
constexpr char PCI_ADDRESS[] = "0000:00:00.0";
constexpr CUuuid UUID = {{'f', 'r', 'a', 'm', 'e', 'c', 'a', 's', 't', '-', 's', 'o', 'f', 't', 'g', '0'}};
constexpr int CONSTANT_BYTES = 65536, MOST_PITCH = 2147483647, CLOCK_KHZ = 1000000;
constexpr int MOST_BLOCK[3] = {1024, 1024, 64}, MOST_GRID[3] = {2147483647, 65535, 65535};
constexpr int LAST_ATTRIBUTE = 147;

struct Attribute {
    int id;
    int (*value)(const Limits &);
};

int width(const Limits &) { return TextureLimits::width; }
int height(const Limits &) { return TextureLimits::height; }
int three(const Limits &) { return TextureLimits::three; }
int layered(const Limits &) { return TextureLimits::layered; }
int layers(const Limits &) { return TextureLimits::layers; }

// The attributes that are not 0. Those of features that the device does not have are 0: peers, memory mapping,
// memory pools and others.
constexpr Attribute ATTRIBUTES[] = {
    {1, [](const Limits &l) { return l.max_threads_per_block; }},
    {2, [](const Limits &) { return MOST_BLOCK[0]; }},
    {3, [](const Limits &) { return MOST_BLOCK[1]; }},
    {4, [](const Limits &) { return MOST_BLOCK[2]; }},
    {5, [](const Limits &) { return MOST_GRID[0]; }},
    {6, [](const Limits &) { return MOST_GRID[1]; }},
    {7, [](const Limits &) { return MOST_GRID[2]; }},
    {8, [](const Limits &l) { return l.shared_per_block; }},
    {9, [](const Limits &) { return CONSTANT_BYTES; }},
    {10, [](const Limits &) { return 32; }},                                // warp size
    {11, [](const Limits &) { return MOST_PITCH; }},
    {12, [](const Limits &l) { return l.registers_per_multiprocessor; }},   // per block
    {13, [](const Limits &) { return CLOCK_KHZ; }},
    {14, [](const Limits &) { return TEXTURE_ALIGNMENT; }},
    {15, [](const Limits &) { return 1; }},                                 // copies overlap kernels
    {16, [](const Limits &l) { return l.multiprocessors; }},
    {19, [](const Limits &) { return 1; }},                                 // can map host memory
    // Textures, then surfaces: of one dimension, two and three; with layers and cubemaps; in linear memory.
    {21, width}, {22, width}, {23, height}, {24, three}, {25, three}, {26, three},
    {27, layered}, {28, layered}, {29, layers}, {42, layered}, {43, layers}, {45, layered}, {46, layered},
    {52, layered}, {53, layered}, {54, [](const Limits &) { return TextureLimits::layers / 6 * 6; }},
    {55, layered}, {56, width}, {57, height}, {58, three}, {59, three}, {60, three},
    {61, layered}, {62, layers}, {63, layered}, {64, layered}, {65, layers}, {66, layered}, {67, layered},
    {68, [](const Limits &) { return TextureLimits::layers / 6 * 6; }},
    {69, [](const Limits &) { return TextureLimits::linear; }},
    {70, [](const Limits &) { return TextureLimits::pitched[0]; }},
    {71, [](const Limits &) { return TextureLimits::pitched[1]; }},
    {72, [](const Limits &) { return TextureLimits::pitch; }},
    {30, [](const Limits &) { return 512; }},                               // surface alignment
    {31, [](const Limits &) { return 1; }},                                 // concurrent kernels
    {36, [](const Limits &) { return CLOCK_KHZ; }},                         // memory clock
    {37, [](const Limits &) { return 256; }},                               // memory bus width in bits
    {38, [](const Limits &) { return 4 << 20; }},                           // level 2 cache
    {39, [](const Limits &l) { return l.max_threads_per_multiprocessor; }},
    {40, [](const Limits &) { return 2; }},                                 // copy engines
    {41, [](const Limits &) { return 1; }},                                 // unified addressing
    {51, [](const Limits &) { return TEXTURE_PITCH_ALIGNMENT; }},            // texture pitch alignment
    {75, [](const Limits &l) { return l.compute / 10; }},
    {76, [](const Limits &l) { return l.compute % 10; }},
    {78, [](const Limits &) { return 1; }},                                 // stream priorities
    {79, [](const Limits &) { return 1; }},                                 // global memory in level 1 cache
    {80, [](const Limits &) { return 1; }},                                 // local memory in level 1 cache
    {81, [](const Limits &l) { return l.shared_per_multiprocessor; }},
    {82, [](const Limits &l) { return l.registers_per_multiprocessor; }},
    {83, [](const Limits &) { return 1; }},                                 // managed memory
    // ratio of f32 to f64 throughput
    {87, [](const Limits &l) { return l.compute == 80 || l.compute == 90 ? 2 : l.compute == 75 ? 32 : 64; }},
    {89, [](const Limits &) { return 1; }},                                 // concurrent managed access
    {90, [](const Limits &) { return 1; }},                                 // compute preemption
    {91, [](const Limits &) { return 1; }},                                 // host pointers of registered memory
    {95, [](const Limits &) { return 1; }},                                 // cooperative launches
    {97, [](const Limits &l) { return l.shared_per_block_optin; }},
    {99, [](const Limits &) { return 1; }},                                 // host memory can be registered
    {106, [](const Limits &l) { return l.max_blocks_per_multiprocessor; }},
    {111, [](const Limits &l) { return l.reserved_shared_per_block; }},
    {115, [](const Limits &) { return 1; }},                                // stream-ordered allocation
    {120, [](const Limits &l) { return int(l.compute >= 90); }},            // clusters
    {126, [](const Limits &) { return 1; }},                                // memory synchronisation domains
};

template <class Body> CUresult device_call(const char *name, CUdevice device, const void *result, Body body) {
    return driver_call(name, [&](Driver &) {
        require(result);
        require(device >= 0 && device < device_count(), CUDA_ERROR_INVALID_DEVICE);
        body();
    });
}

void copy_text(char *to, int size, const char *text) {
    require(size > 0);
    std::snprintf(to, size, "%s", text);
}

}  // namespace

extern "C" {

CU_API cuDeviceGetCount(int *count) {
    return driver_call(__func__, [&](Driver &) {
        require(count);
        *count = device_count();
    });
}

CU_API cuDeviceGet(CUdevice *device, int ordinal) {
    return device_call(__func__, ordinal, device, [&] { *device = ordinal; });
}

CU_API cuDeviceGetName(char *name, int size, CUdevice device) {
    return device_call(__func__, device, name, [&] { copy_text(name, size, NAME); });
}

CU_API cuDeviceGetUuid(CUuuid *uuid, CUdevice device) {
    return device_call(__func__, device, uuid, [&] { *uuid = UUID; });
}
CU_API cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) {
    return device_call(__func__, device, uuid, [&] { *uuid = UUID; });
}

CU_API cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
    return device_call(__func__, device, bytes, [&] { *bytes = settings().memory_bytes; });
}

CU_API cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
    return device_call(__func__, device, value, [&] {
        require(attribute > 0 && attribute <= LAST_ATTRIBUTE);
        const auto at = std::find_if(std::begin(ATTRIBUTES), std::end(ATTRIBUTES),
                                     [&](const Attribute &a) { return a.id == attribute; });
        *value = injected_attribute(attribute).value_or(at == std::end(ATTRIBUTES) ? 0 : at->value(limits()));
    });
}

CU_API cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
    return device_call(__func__, device, major && minor ? major : nullptr, [&] {
        *major = limits().compute / 10;
        *minor = limits().compute % 10;
    });
}

CU_API cuDeviceGetProperties(CUdevprop *properties, CUdevice device) {
    return device_call(__func__, device, properties, [&] {
        *properties = {limits().max_threads_per_block, {MOST_BLOCK[0], MOST_BLOCK[1], MOST_BLOCK[2]},
                       {MOST_GRID[0], MOST_GRID[1], MOST_GRID[2]}, limits().shared_per_block, CONSTANT_BYTES, 32,
                       MOST_PITCH, limits().registers_per_multiprocessor, CLOCK_KHZ, TEXTURE_ALIGNMENT};
    });
}

CU_API cuDeviceGetPCIBusId(char *address, int size, CUdevice device) {
    return device_call(__func__, device, address, [&] { copy_text(address, size, PCI_ADDRESS); });
}

CU_API cuDeviceGetByPCIBusId(CUdevice *device, const char *address) {
    return driver_call(__func__, [&](Driver &) {
        require(device && address);
        require(std::strcmp(address, PCI_ADDRESS) == 0, CUDA_ERROR_INVALID_DEVICE);
        *device = 0;
    });
}

CU_API cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice) {
    return device_call(__func__, device, can, [&] { *can = 0; });
}

}  // extern "C"

}  // namespace softgpu
