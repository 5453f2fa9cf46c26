// The functions that the runtime's tables have, by table. export_table.cpp puts them there.
#pragma once

#include <cstdint>

#include "driver/state/driver.h"

namespace softgpu {

// What the runtime asks for in its self-test, and of which the answer depends: the tables' addresses and a function's.
struct SelfTest {
    const void *runtime_table, *test_table, *function;
};
CUresult self_test(const SelfTest &asked, uint32_t version, uint64_t seconds, uint64_t *answer);

// Values that the runtime keeps with a context, by key.
CUresult store(CUcontext context, void *key, void *value, void (*destroy)(CUcontext, void *, void *));
CUresult stored(void **value, CUcontext context, void *key);
CUresult forget(CUcontext context, void *key);

}  // namespace softgpu
