// A program of the driver API in C++, for functions that JCuda does not have: libraries, pools, the default stream per
// thread, storage of contexts, and calls while the process ends. It prints the first check that fails.
#include "driver_program.h"

#include <initializer_list>

struct LaunchAttribute {
    int id, pad;
    union {
        char bytes[64];
        unsigned size[3];
    };
};
struct LaunchConfiguration {
    unsigned grid[3], block[3], shared;
    Handle stream;
    LaunchAttribute *attributes;
    unsigned count;
};

extern "C" {
CUresult cuInit(unsigned);
CUresult cuGetExportTable(const void **table, const void *id);
CUresult cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, int *status);
CUresult cuDevicePrimaryCtxRetain(Handle *, CUdevice);
CUresult cuDevicePrimaryCtxReset_v2(CUdevice);
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice);
CUresult cuCtxCreate_v4(Handle *, void *parameters, unsigned flags, CUdevice);
CUresult cuCtxDestroy_v2(Handle);
CUresult cuCtxSetCurrent(Handle);
CUresult cuCtxSynchronize();
CUresult cuLibraryLoadData(Handle *, const void *, int *, void **, unsigned, int *, void **, unsigned);
CUresult cuLibraryUnload(Handle);
CUresult cuLibraryGetKernel(Handle *, Handle, const char *);
CUresult cuLibraryGetKernelCount(unsigned *, Handle);
CUresult cuLibraryEnumerateKernels(Handle *, unsigned, Handle);
CUresult cuLibraryGetGlobal(CUdeviceptr *, size_t *, Handle, const char *);
CUresult cuKernelGetFunction(Handle *, Handle);
CUresult cuFuncGetAttribute(int *, int, Handle);
CUresult cuKernelGetLibrary(Handle *, Handle);
CUresult cuLaunchKernel(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle, void **,
                        void **);
CUresult cuLaunchKernelEx(const LaunchConfiguration *, Handle, void **, void **);
CUresult cuModuleLoadData(Handle *, const void *);
CUresult cuModuleUnload(Handle);
CUresult cuModuleGetFunction(Handle *, Handle, const char *);
CUresult cuFuncSetAttribute(Handle, int, int);
CUresult cuLaunchKernel_ptsz(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle,
                             void **, void **);
CUresult cuMemcpyDtoH_v2(void *, CUdeviceptr, size_t);
CUresult cuMemcpyDtoH_v2_ptds(void *, CUdeviceptr, size_t);
CUresult cuStreamCreateWithPriority(Handle *, unsigned, int);
CUresult cuStreamDestroy_v2(Handle);
CUresult cuStreamSetAttribute(Handle, int, const void *);
CUresult cuStreamGetAttribute(Handle, int, void *);
CUresult cuStreamCopyAttributes(Handle, Handle);
CUresult cuStreamBeginCapture_v2(Handle, int);
CUresult cuStreamEndCapture(Handle, Handle *);
CUresult cuGraphCreate(Handle *, unsigned);
CUresult cuGraphAddKernelNode_v2(Handle *, Handle, const Handle *, size_t, const NodeParameters *);
CUresult cuGraphGetNodes(Handle, Handle *, size_t *);
CUresult cuGraphAddMemAllocNode(Handle *, Handle, const Handle *, size_t, AllocParameters *);
CUresult cuGraphAddMemFreeNode(Handle *, Handle, const Handle *, size_t, CUdeviceptr);
CUresult cuGraphAddChildGraphNode(Handle *, Handle, const Handle *, size_t, Handle);
CUresult cuGraphMemAllocNodeGetParams(Handle, AllocParameters *);
CUresult cuGraphMemFreeNodeGetParams(Handle, CUdeviceptr *);
CUresult cuGraphNodeGetType(Handle, int *);
CUresult cuGraphDestroyNode(Handle);
CUresult cuGraphInstantiateWithFlags(Handle *, Handle, unsigned long long);
CUresult cuGraphLaunch(Handle, Handle);
CUresult cuGraphExecDestroy(Handle);
CUresult cuDeviceGetGraphMemAttribute(CUdevice, int, uint64_t *);
CUresult cuDeviceSetGraphMemAttribute(CUdevice, int, uint64_t *);
CUresult cuDeviceGraphMemTrim(CUdevice);
CUresult cuGraphDestroy(Handle);
CUresult cuMemAllocManaged(CUdeviceptr *, size_t, unsigned);
CUresult cuMemFree_v2(CUdeviceptr);
CUresult cuMemFreeAsync(CUdeviceptr, Handle);
CUresult cuMemPrefetchAsync_v2(CUdeviceptr, size_t, Location, unsigned, Handle);
CUresult cuMemAdvise(CUdeviceptr, size_t, int, CUdevice);
CUresult cuMemPoolCreate(Handle *, const PoolProperties *);
CUresult cuMemPoolDestroy(Handle);
CUresult cuMemPoolGetAttribute(Handle, int, void *);
CUresult cuMemAllocFromPoolAsync(CUdeviceptr *, size_t, Handle, Handle);
}

static const char PTX[] = R"(
.version 7.8
.target sm_80
.address_size 64
.global .u32 count = 10;
.visible .entry bump(.param .u32 by) {
    .reg .b32 %r<3>;
    ld.param.u32 %r1, [by];
    ld.global.u32 %r2, [count];
    add.u32 %r2, %r2, %r1;
    st.global.u32 [count], %r2;
    ret;
}
)";

static const Handle PER_THREAD = reinterpret_cast<Handle>(2);
static Handle library, kernel;

static void bump(int by) {
    void *arguments[] = {&by};
    OK(cuLaunchKernel(kernel, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr));
}

static int count() {
    CUdeviceptr address;
    size_t bytes;
    int value;
    OK(cuLibraryGetGlobal(&address, &bytes, library, "count"));
    CHECK(bytes == sizeof value);
    OK(cuMemcpyDtoH_v2(&value, address, bytes));
    return value;
}

// A library needs no context. Each context has its own variables, and a reset makes them new.
static void libraries() {
    unsigned kernels;
    Handle all[2] = {}, function, owner, primary, other;
    OK(cuLibraryLoadData(&library, PTX, nullptr, nullptr, 0, nullptr, nullptr, 0));
    OK(cuLibraryGetKernel(&kernel, library, "bump"));
    CHECK(cuLibraryGetKernel(&function, library, "missing") == 500);
    OK(cuLibraryGetKernelCount(&kernels, library));
    OK(cuLibraryEnumerateKernels(all, 2, library));
    CHECK(kernels == 1 && all[0] == kernel && !all[1]);
    OK(cuKernelGetLibrary(&owner, kernel));
    CHECK(owner == library);
    CHECK(cuKernelGetFunction(&function, kernel) == 201);   // needs a context

    OK(cuDevicePrimaryCtxRetain(&primary, 0));
    OK(cuCtxSetCurrent(primary));
    bump(5);
    CHECK(count() == 15);
    // As the runtime library, which passes this on as cudaErrorInvalidConfiguration.
    CHECK(cuLaunchKernel(kernel, 1, 1, 1, 2048, 1, 1, 0, nullptr, nullptr, nullptr) == 9);
    int virtual_architecture;       // by which CUB chooses its code
    OK(cuFuncGetAttribute(&virtual_architecture, 5, kernel));
    CHECK(virtual_architecture == 80);
    void *empty[3] = {};
    OK(cuCtxCreate_v4(&other, empty, 0, 0));
    bump(7);
    CHECK(count() == 17);
    OK(cuKernelGetFunction(&function, kernel));
    CHECK(cuKernelGetLibrary(&owner, function) == 400);     // a function, no kernel
    OK(cuCtxDestroy_v2(other));
    OK(cuCtxSetCurrent(primary));
    CHECK(count() == 15);
    OK(cuDevicePrimaryCtxReset_v2(0));
    bump(1);
    CHECK(count() == 11);
}

// The null stream of a variant is the thread's own stream, which can be captured; the legacy stream cannot.
static void default_streams() {
    int by = 100;
    void *arguments[] = {&by};
    Handle graph;
    size_t nodes = 0;
    OK(cuStreamBeginCapture_v2(PER_THREAD, 2));
    OK(cuLaunchKernel_ptsz(kernel, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr));
    void *found = nullptr;
    int status;
    OK(cuGetProcAddress_v2("cuLaunchKernel", &found, 13000, 2, &status));
    CHECK(found == reinterpret_cast<void *>(cuLaunchKernel_ptsz));
    OK(cuGetProcAddress_v2("cuMemcpyDtoH", &found, 13000, 2, &status));
    CHECK(found == reinterpret_cast<void *>(cuMemcpyDtoH_v2_ptds));
    OK(cuGetProcAddress_v2("cuMemFree", &found, 13000, 2, &status));      // has no variant
    CHECK(found == reinterpret_cast<void *>(cuMemFree_v2));
    OK(cuStreamEndCapture(PER_THREAD, &graph));
    OK(cuGraphGetNodes(graph, nullptr, &nodes));
    CHECK(nodes == 1);
    OK(cuGraphDestroy(graph));
    OK(cuStreamBeginCapture_v2(PER_THREAD, 2));
    CHECK(cuLaunchKernel(kernel, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr) != 0);
    CHECK(cuStreamEndCapture(PER_THREAD, &graph) == 901);
    CHECK(count() == 11);
}

// A node may name the kernel of a library, a function, or both, as the runtime does: the function counts.
static void kernel_nodes() {
    int by = 1;
    void *arguments[] = {&by};
    Handle graph, function, node;
    size_t nodes = 0;
    OK(cuKernelGetFunction(&function, kernel));
    OK(cuGraphCreate(&graph, 0));
    for (const Handle f : {Handle(), function}) {
        const NodeParameters parameters{f, {1, 1, 1}, {1, 1, 1}, 0, arguments, nullptr, kernel, nullptr};
        OK(cuGraphAddKernelNode_v2(&node, graph, nullptr, 0, &parameters));
    }
    OK(cuGraphGetNodes(graph, nullptr, &nodes));
    CHECK(nodes == 2);
    OK(cuGraphDestroy(graph));
}

static void attributes() {
    enum { WINDOW = 1, PRIORITY = 8 };
    Handle stream;
    int given[16] = {1, 2, 3}, got[16];
    OK(cuStreamCreateWithPriority(&stream, 1, -3));
    OK(cuStreamGetAttribute(stream, PRIORITY, got));
    CHECK(got[0] == -3);
    OK(cuStreamGetAttribute(stream, WINDOW, got));
    CHECK(got[0] == 0);
    OK(cuStreamSetAttribute(PER_THREAD, WINDOW, given));
    OK(cuStreamCopyAttributes(stream, PER_THREAD));
    OK(cuStreamGetAttribute(stream, WINDOW, got));
    CHECK(got[0] == 1 && got[2] == 3);
    CHECK(cuStreamSetAttribute(stream, 77, given) == 1);
    OK(cuStreamDestroy_v2(stream));
}

static void memory() {
    enum { USED = 7, HIGH = 8, DEVICE = 1 };
    Handle pool;
    CUdeviceptr a, b, managed;
    uint64_t bytes;
    PoolProperties properties{1, 0, {DEVICE, 0}, nullptr, 1 << 20, 0, {}};
    OK(cuMemPoolCreate(&pool, &properties));
    OK(cuMemAllocFromPoolAsync(&a, 600000, pool, nullptr));
    CHECK(cuMemAllocFromPoolAsync(&b, 600000, pool, nullptr) == 2);
    OK(cuMemFreeAsync(a, nullptr));
    OK(cuCtxSynchronize());
    OK(cuMemPoolGetAttribute(pool, USED, &bytes));
    CHECK(bytes == 0);
    OK(cuMemPoolGetAttribute(pool, HIGH, &bytes));
    CHECK(bytes == 600000);
    OK(cuMemPoolDestroy(pool));
    CHECK(cuMemPoolDestroy(pool) == 400);

    OK(cuMemAllocManaged(&managed, 1000, 1));
    OK(cuMemPrefetchAsync_v2(managed + 500, 500, {DEVICE, 0}, 0, nullptr));
    CHECK(cuMemPrefetchAsync_v2(managed + 500, 501, {DEVICE, 0}, 0, nullptr) == 1);
    CHECK(cuMemPrefetchAsync_v2(managed, 1000, {DEVICE, 1}, 0, nullptr) == 101);
    OK(cuMemAdvise(managed, 1000, 3, -1));
    CHECK(cuMemAdvise(managed, 1000, 7, -1) == 1);
    OK(cuMemFree_v2(managed));
}

static uint64_t graph_memory_attribute(int attribute) {
    uint64_t value = ~uint64_t(0);
    OK(cuDeviceGetGraphMemAttribute(0, attribute, &value));
    return value;
}

// Two allocations of a graph, of which one is freed in it: it is counted while it is there.
static void graph_memory() {
    enum { USED, HIGH, DEVICE = 1, ALLOC = 10, FREE = 11 };
    Handle graph, other, exec, first, second, freed;
    AllocParameters a{{1, 0, {DEVICE, 0}, nullptr, 0, 0, {}}, nullptr, 0, 1000, 0}, b = a, got;
    b.bytes = 3000;
    OK(cuGraphCreate(&graph, 0));
    OK(cuGraphCreate(&other, 0));
    OK(cuGraphAddMemAllocNode(&first, graph, nullptr, 0, &a));
    OK(cuGraphAddMemAllocNode(&second, graph, &first, 1, &b));
    OK(cuGraphAddMemFreeNode(&freed, graph, &second, 1, a.address));
    CHECK(cuGraphAddMemFreeNode(&freed, graph, nullptr, 0, a.address) == 1);        // twice
    CHECK(cuGraphAddMemFreeNode(&freed, graph, nullptr, 0, a.address + 4) == 1);
    CHECK(cuGraphAddChildGraphNode(&freed, other, nullptr, 0, graph) == 801);
    CHECK(cuGraphDestroyNode(second) == 801);
    int type;
    OK(cuGraphNodeGetType(first, &type));
    CHECK(type == ALLOC);
    OK(cuGraphMemAllocNodeGetParams(second, &got));
    CHECK(got.address == b.address && got.bytes == 3000 && a.address && b.address != a.address);
    b.pool.location.id = 1;
    CHECK(cuGraphAddMemAllocNode(&first, graph, nullptr, 0, &b) == 1);
    size_t count = 8;
    Handle nodes[8];
    OK(cuGraphGetNodes(graph, nodes, &count));
    CHECK(count == 3);
    OK(cuGraphNodeGetType(nodes[2], &type));
    CUdeviceptr address;
    OK(cuGraphMemFreeNodeGetParams(nodes[2], &address));
    CHECK(type == FREE && address == a.address);

    CHECK(graph_memory_attribute(USED) == 0 && graph_memory_attribute(HIGH) == 0);
    OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    OK(cuGraphLaunch(exec, nullptr));
    OK(cuCtxSynchronize());
    CHECK(graph_memory_attribute(USED) == 3000 && graph_memory_attribute(HIGH) == 4000);
    uint64_t zero = 0, one = 1;
    CHECK(cuDeviceSetGraphMemAttribute(0, USED, &zero) == 1 && cuDeviceSetGraphMemAttribute(0, HIGH, &one) == 1);
    OK(cuDeviceSetGraphMemAttribute(0, HIGH, &zero));
    CHECK(graph_memory_attribute(HIGH) == 3000);
    OK(cuMemFree_v2(b.address));
    OK(cuDeviceGraphMemTrim(0));
    CHECK(graph_memory_attribute(USED) == 0);
    OK(cuGraphExecDestroy(exec));

    // Each launch frees what the one before left: CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH.
    OK(cuGraphInstantiateWithFlags(&exec, graph, 1));
    for (int launch = 0; launch < 3; ++launch) OK(cuGraphLaunch(exec, nullptr));
    OK(cuCtxSynchronize());
    CHECK(graph_memory_attribute(USED) == 3000 && graph_memory_attribute(HIGH) == 4000);
    OK(cuMemFree_v2(b.address));
    OK(cuGraphExecDestroy(exec));
    OK(cuGraphDestroy(graph));
    OK(cuGraphDestroy(other));
}

// The size of clusters is the launch's, where the kernel says none.
static void clusters() {
    static const char SIZES[] = R"(
.version 7.8
.target sm_90
.address_size 64
.visible .entry size(.param .u64 to) {
    .reg .b64 %rd<1>;
    .reg .b32 %r<2>;
    ld.param.u64 %rd0, [to];
    mov.u32 %r0, %cluster_nctaid.x;
    mov.u32 %r1, %cluster_nctarank;
    st.global.v2.u32 [%rd0], {%r0, %r1};
    ret;
})";
    enum { CLUSTER = 4, LARGE_CLUSTERS = 14, INVALID = 912, NOT_SUPPORTED = 801 };
    Handle module, function;
    OK(cuModuleLoadData(&module, SIZES));
    OK(cuModuleGetFunction(&function, module, "size"));
    CUdeviceptr to;
    OK(cuMemAllocManaged(&to, 8, 1));
    void *arguments[] = {&to};
    LaunchAttribute attribute{CLUSTER, 0, {}};
    const LaunchConfiguration launch{{16, 2, 1}, {1, 1, 1}, 0, nullptr, &attribute, 1};
    const auto launched = [&](unsigned x, unsigned y) {
        attribute.size[0] = x, attribute.size[1] = y, attribute.size[2] = 1;
        return cuLaunchKernelEx(&launch, function, arguments, nullptr);
    };
    const auto *sizes = reinterpret_cast<const volatile unsigned *>(to);
    OK(launched(4, 2));
    OK(cuCtxSynchronize());
    CHECK(sizes[0] == 4 && sizes[1] == 8);
    CHECK(launched(16, 1) == INVALID && launched(3, 1) == INVALID && launched(0, 1) == INVALID);
    OK(cuFuncSetAttribute(function, LARGE_CLUSTERS, 1));
    OK(launched(16, 1));
    CHECK(launched(16, 2) == INVALID);
    OK(cuCtxSynchronize());
    CHECK(sizes[0] == 16 && sizes[1] == 16);
    // Attributes that only allow a GPU to be faster: programmatic stream serialization, a priority; and an event.
    for (const int id : {6, 8, 7}) {
        attribute = {id, 0, {}};
        CHECK(cuLaunchKernelEx(&launch, function, arguments, nullptr) == (id == 7 ? NOT_SUPPORTED : 0));
    }
    OK(cuCtxSynchronize());
    CHECK(sizes[0] == 1 && sizes[1] == 1);
    OK(cuMemFree_v2(to));
    OK(cuModuleUnload(module));
}

// What the runtime library stores with a context goes with it.
static void storage() {
    static const unsigned char ID[] = {0xc6, 0x93, 0x33, 0x6e, 0x11, 0x21, 0xdf, 0x11,
                                       0xa8, 0xc3, 0x68, 0xf3, 0x55, 0xd8, 0x95, 0x93};
    using Destroy = void (*)(Handle, void *, void *);
    const void *const *table;
    OK(cuGetExportTable(reinterpret_cast<const void **>(&table), ID));
    const auto put = reinterpret_cast<CUresult (*)(Handle, void *, void *, Destroy)>(table[0]);
    const auto remove = reinterpret_cast<CUresult (*)(Handle, void *)>(table[1]);
    const auto get = reinterpret_cast<CUresult (*)(void **, Handle, void *)>(table[2]);
    static int key, other_key, value, destroyed;
    Handle context;
    void *stored;
    OK(cuCtxCreate_v4(&context, nullptr, 0, 0));
    CHECK(get(&stored, context, &key) == 400);
    const Destroy destroy = [](Handle, void *k, void *v) { destroyed += k == &key && v == &value; };
    OK(put(context, &key, &value, destroy));
    OK(put(nullptr, &other_key, &value, destroy));
    OK(get(&stored, nullptr, &key));
    CHECK(stored == &value);
    OK(remove(context, &other_key));
    OK(cuCtxDestroy_v2(context));
    CHECK(destroyed == 1);
}

int main() {
    OK(cuInit(0));
    // As the runtime does it: on the main thread, after the thread's own objects are gone.
    std::atexit([] {
        OK(cuLibraryUnload(library));
        OK(cuDevicePrimaryCtxRelease_v2(0));
        std::puts("done");
    });
    libraries();
    default_streams();
    kernel_nodes();
    attributes();
    memory();
    graph_memory();
    clusters();
    storage();
}
