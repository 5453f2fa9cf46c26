// The tables of functions that NVIDIA's runtime library (cudart) asks the driver for, beside the documented API. NVIDIA
// does not document them; what is known comes from other drivers that provide them. A function that is not provided
// names itself when it is called.
#include <array>
#include <atomic>
#include <cstring>
#include <utility>

#include "driver/runtime/tables.h"
#include "driver/state/call.h"
#include "driver/state/contexts.h"

namespace softgpu {

namespace {

using Id = std::array<uint8_t, 16>;
using Function = const void *;

struct Table {
    Id id;
    const char *name;
    bool has_size;      // its first entry is its size in bytes
};

enum { INTERFACE, TOOLS_TLS, TOOLS_HOOKS, STORAGE, HEAP, EXTENDED, SELF_TEST, CHECKS, TABLES };
constexpr Table TABLE[TABLES] = {
    {{0x6b, 0xd5, 0xfb, 0x6c, 0x5b, 0xf4, 0xe7, 0x4a, 0x89, 0x87, 0xd9, 0x39, 0x12, 0xfd, 0x9d, 0xf9}, "the runtime's interface", true},
    {{0x42, 0xd8, 0x5a, 0x81, 0x23, 0xf6, 0xcb, 0x47, 0x82, 0x98, 0xf6, 0xe7, 0x8a, 0x3a, 0xec, 0xdc}, "tools' thread storage", true},
    {{0xa0, 0x94, 0x79, 0x8c, 0x2e, 0x74, 0x2e, 0x74, 0x93, 0xf2, 0x08, 0x00, 0x20, 0x0c, 0x0a, 0x66}, "tools' hooks", true},
    {{0xc6, 0x93, 0x33, 0x6e, 0x11, 0x21, 0xdf, 0x11, 0xa8, 0xc3, 0x68, 0xf3, 0x55, 0xd8, 0x95, 0x93}, "context storage", false},
    {{0x19, 0x5b, 0xcb, 0xf4, 0xd6, 0x7d, 0x02, 0x4a, 0xac, 0xc5, 0x1d, 0x29, 0xce, 0xa6, 0x31, 0xae}, "heap access", true},
    {{0xb1, 0x05, 0x41, 0xe1, 0xf7, 0xc7, 0xc7, 0x4a, 0x9f, 0x64, 0xf2, 0x23, 0xbe, 0x99, 0xf1, 0xe2}, "extended device functions", true},
    {{0xd4, 0x08, 0x20, 0x55, 0xbd, 0xe6, 0x70, 0x4b, 0x8d, 0x34, 0xba, 0x12, 0x3c, 0x66, 0xe1, 0xf2}, "the self-test", true},
    {{0x26, 0x3e, 0x88, 0x60, 0x7c, 0xd2, 0x61, 0x43, 0x92, 0xf6, 0xbb, 0xd5, 0x00, 0x6d, 0xfa, 0x7e}, "context checks", true},
};

CUresult refuse(int table, int entry, std::atomic_flag &said) {
    if (!said.test_and_set())
        complain("function " + std::to_string(entry) + " of the driver's table of " + TABLE[table].name +
                 ", which the CUDA runtime calls, is not provided");
    return CUDA_ERROR_NOT_SUPPORTED;
}
template <int table, int entry> CUresult refused() {
    static std::atomic_flag said;
    return refuse(table, entry, said);
}

template <class F> Function address(F *function) { return reinterpret_cast<Function>(function); }

// A table whose functions are all refused; those that are provided are put over them.
template <int table, size_t... entry> std::array<Function, sizeof...(entry)> refusing(std::index_sequence<entry...>) {
    return {address(&refused<table, entry>)...};
}
template <int table, size_t entries> struct Entries {
    std::array<Function, entries> functions = refusing<table>(std::make_index_sequence<entries>());
    Entries(std::initializer_list<std::pair<int, Function>> provided) {
        if (TABLE[table].has_size) functions[0] = reinterpret_cast<Function>(sizeof functions);
        for (const auto &[entry, function] : provided) functions[entry] = function;
    }
};

// The handle of a device's primary context, which need not be active.
CUresult primary_context(CUcontext *context, CUdevice device) {
    return driver_call(__func__, [&](Driver &) {
        require(context && device == 0);
        *context = &primary();
    });
}

CUresult load_compilers() { return CUDA_SUCCESS; }      // for its PTX, which this device reads itself

// Memory of tools (profilers, debuggers) that look into the process. There are none here.
void first_hooks(void **memory, size_t *bytes) {
    static char hooks[1024];
    *memory = hooks;
    *bytes = sizeof hooks;
}
void second_hooks(void **memory, size_t *bytes) {
    static char hooks[14];
    *memory = hooks;
    *bytes = sizeof hooks;
}

// No context is one of those that the runtime must treat otherwise.
CUresult context_check(CUcontext, unsigned *special, const void **) {
    *special = 0;
    return CUDA_SUCCESS;
}
unsigned general_check() { return 0; }

CUresult answer(uint32_t version, uint64_t seconds, uint64_t *result);

struct Tables {
    Entries<INTERFACE, 13> interface{{2, address(primary_context)}, {12, address(load_compilers)}};
    Entries<TOOLS_TLS, 4> tools_tls{};
    Entries<TOOLS_HOOKS, 7> tools_hooks{{2, address(first_hooks)}, {6, address(second_hooks)}};
    Entries<STORAGE, 4> storage{{0, address(store)}, {1, address(forget)}, {2, address(stored)}};
    Entries<HEAP, 3> heap{};
    Entries<EXTENDED, 26> extended{};
    Entries<SELF_TEST, 3> self_test{{1, address(answer)}};
    Entries<CHECKS, 4> checks{{2, address(context_check)}, {3, address(general_check)}};

    Function find(const Id &id) const {
        const Function *all[TABLES] = {
            interface.functions.data(), tools_tls.functions.data(), tools_hooks.functions.data(), storage.functions.data(),
            heap.functions.data(), extended.functions.data(), self_test.functions.data(), checks.functions.data()};
        for (int table = 0; table < TABLES; ++table)
            if (TABLE[table].id == id) return all[table];
        return nullptr;
    }
};

const Tables &tables() {
    static const Tables made;
    return made;
}

CUresult answer(uint32_t version, uint64_t seconds, uint64_t *result) {
    const Tables &t = tables();
    return self_test({t.interface.functions.data(), t.self_test.functions.data(), address(answer)}, version, seconds, result);
}

}  // namespace

extern "C" {

// The runtime asks for more tables than it needs. Also NVRTC calls this function, without a check that it is there.
CU_API cuGetExportTable(const void **table, const void *id) {
    if (!table || !id) return CUDA_ERROR_INVALID_VALUE;
    Id wanted;
    std::memcpy(wanted.data(), id, wanted.size());
    *table = tables().find(wanted);
    return *table ? CUDA_SUCCESS : CUDA_ERROR_NOT_SUPPORTED;
}

}  // extern "C"

}  // namespace softgpu
