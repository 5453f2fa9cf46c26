// The tables of functions that NVIDIA's runtime library (cudart) asks the driver for, beside the documented API. NVIDIA
// does not document them; what is known comes from other drivers that provide them. A function that is not provided
// names itself when it is called.
#include <array>
#include <atomic>
#include <cstring>
#include <string_view>
#include <utility>

#include "driver/runtime/tables.h"
#include "driver/state/call.h"
#include "driver/state/contexts.h"

namespace softgpu {

namespace {

using Id = std::array<uint8_t, 16>;
using Function = const void *;

// The bytes of an identifier in its usual form, with dashes.
constexpr Id id(std::string_view text) {
    Id bytes{};
    size_t digits = 0;
    for (const char c : text) {
        if (c == '-') continue;
        bytes[digits / 2] = static_cast<uint8_t>(bytes[digits / 2] * 16 + (c < 'a' ? c - '0' : c - 'a' + 10));
        ++digits;
    }
    return bytes;
}

struct Table {
    Id id;
    const char *name;
    bool has_size;      // its first entry is its size in bytes
};

enum { INTERFACE, TOOLS_TLS, TOOLS_HOOKS, STORAGE, HEAP, EXTENDED, SELF_TEST, CHECKS, TABLES };
constexpr Table TABLE[TABLES] = {
    {id("6bd5fb6c-5bf4-e74a-8987-d93912fd9df9"), "the runtime's interface", true},
    {id("42d85a81-23f6-cb47-8298-f6e78a3aecdc"), "tools' thread storage", true},
    {id("a094798c-2e74-2e74-93f2-0800200c0a66"), "tools' hooks", true},
    {id("c693336e-1121-df11-a8c3-68f355d89593"), "context storage", false},
    {id("195bcbf4-d67d-024a-acc5-1d29cea631ae"), "heap access", true},
    {id("b10541e1-f7c7-c74a-9f64-f223be99f1e2"), "extended device functions", true},
    {id("d4082055-bde6-704b-8d34-ba123c66e1f2"), "the self-test", true},
    {id("263e8860-7cd2-6143-92f6-bbd5006dfa7e"), "context checks", true},
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
    const Function *begin() const { return functions.data(); }
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
        const Function *const all[TABLES] = {interface.begin(), tools_tls.begin(), tools_hooks.begin(), storage.begin(),
                                             heap.begin(),      extended.begin(),  self_test.begin(),   checks.begin()};
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
    return self_test({t.interface.begin(), t.self_test.begin(), address(answer)}, version, seconds, result);
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
