// Aliases of functions, and lookup of functions by name.
#include <dlfcn.h>

#include "driver/state/call.h"

// The CUDA headers map plain names to versioned ones. Both are exported, with the same code.
#define SAME_AS(name, target)                                                                            \
    asm(".pushsection .text\n.globl " #name "\n.type " #name ",@function\n" #name ":\njmp " #target "@PLT\n" \
        ".size " #name ",.-" #name "\n.popsection");
#include "driver/names.inc"
#undef SAME_AS

namespace softgpu {

namespace {

// Names that mean another function from a CUDA version on, the newest first. All others are looked up by name.
constexpr struct {
    const char *name;
    int version;
    const char *symbol;
} VERSIONS[] = {
    {"cuCtxCreate", 12050, "cuCtxCreate_v4"},
    {"cuCtxCreate", 11040, "cuCtxCreate_v3"},
    {"cuDeviceGetUuid", 11040, "cuDeviceGetUuid_v2"},
    {"cuEventElapsedTime", 12080, "cuEventElapsedTime_v2"},
    {"cuGetProcAddress", 12000, "cuGetProcAddress_v2"},
    {"cuGraphAddDependencies", 12030, "cuGraphAddDependencies_v2"},
    {"cuGraphAddKernelNode", 12000, "cuGraphAddKernelNode_v2"},
    {"cuGraphAddNode", 12030, "cuGraphAddNode_v2"},
    {"cuGraphExecKernelNodeSetParams", 12000, "cuGraphExecKernelNodeSetParams_v2"},
    {"cuGraphExecUpdate", 12000, "cuGraphExecUpdate_v2"},
    {"cuGraphGetEdges", 12030, "cuGraphGetEdges_v2"},
    {"cuGraphInstantiate", 12000, "cuGraphInstantiateWithFlags"},
    {"cuGraphKernelNodeGetParams", 12000, "cuGraphKernelNodeGetParams_v2"},
    {"cuGraphKernelNodeSetParams", 12000, "cuGraphKernelNodeSetParams_v2"},
    {"cuGraphNodeGetDependencies", 12030, "cuGraphNodeGetDependencies_v2"},
    {"cuGraphNodeGetDependentNodes", 12030, "cuGraphNodeGetDependentNodes_v2"},
    {"cuGraphRemoveDependencies", 12030, "cuGraphRemoveDependencies_v2"},
    {"cuMemAdvise", 12020, "cuMemAdvise_v2"},
    {"cuMemPrefetchAsync", 12020, "cuMemPrefetchAsync_v2"},
    {"cuStreamBeginCapture", 10010, "cuStreamBeginCapture_v2"},
    {"cuStreamGetCaptureInfo", 12030, "cuStreamGetCaptureInfo_v3"},
    {"cuStreamGetCaptureInfo", 11030, "cuStreamGetCaptureInfo_v2"},
    {"cuStreamUpdateCaptureDependencies", 12030, "cuStreamUpdateCaptureDependencies_v2"},
};

// The functions of plain names.
constexpr struct {
    std::string_view name;
    const char *symbol;
} SAME[] = {
#define SAME_AS(name, target) {#name, #target},
#include "driver/names.inc"
#undef SAME_AS
};

constexpr uint64_t PER_THREAD_DEFAULT_STREAM = 2;

void *find(const std::string &name, int version, bool per_thread) {
    Dl_info self;
    if (!dladdr(reinterpret_cast<void *>(&error_name), &self)) return nullptr;
    void *const library = dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (!library) return nullptr;
    std::string symbol = name;
    for (const auto &v : VERSIONS)
        if (name == v.name && version >= v.version) {
            symbol = v.symbol;
            break;
        }
    for (const auto &s : SAME)
        if (symbol == s.name) symbol = s.symbol;
    void *found = nullptr;
    for (const char *suffix : {"_ptds", "_ptsz", ""})
        if (!found && (per_thread || !*suffix)) found = dlsym(library, (symbol + suffix).c_str());
    dlclose(library);
    return found;
}

}  // namespace

extern "C" {

CU_API cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, int *status) {
    if (const CUresult lost = count_call(); lost != CUDA_SUCCESS) return lost;
    if (!name || !function) return CUDA_ERROR_INVALID_VALUE;
    *function = nullptr;
    *function = find(name, version, flags & PER_THREAD_DEFAULT_STREAM);
    if (status) *status = *function ? 0 : 1;    // found, not found
    return *function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

CU_API cuGetProcAddress(const char *name, void **function, int version, uint64_t flags) {
    return cuGetProcAddress_v2(name, function, version, flags, nullptr);
}

}  // extern "C"

}  // namespace softgpu
