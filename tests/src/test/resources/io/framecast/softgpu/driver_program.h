// What the programs of the driver API in C++ share: types of CUDA, and checks, of which the first that fails is
// printed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using Handle = void *;

struct Location {
    int type, id;
};
struct PoolProperties {
    int allocation, handles;
    Location location;
    void *security;
    size_t most;
    unsigned short usage;
    unsigned char reserved[54];
};

struct AllocParameters {
    PoolProperties pool;
    const void *access;
    size_t accesses, bytes;
    CUdeviceptr address;
};

struct NodeParameters {
    Handle function;
    unsigned grid[3], block[3], shared;
    void **arguments, **extra;
    Handle kernel, context;
};

static void check(bool holds, const char *what, int line) {
    if (holds) return;
    std::printf("line %d: %s\n", line, what);
    std::fflush(stdout);
    std::_Exit(1);
}
#define CHECK(condition) check(condition, #condition, __LINE__)
#define OK(call) CHECK((call) == 0)
