// A program of graphs in C++, for the calls of CUDA 12 and 13 that JCuda does not have. It prints the first check that
// fails. Kernels append a digit to a number, which so says which nodes ran in which order.
#include "driver_program.h"

#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

enum { KERNEL, MEMCPY, MEMSET, HOST, GRAPH, EMPTY, WAIT_EVENT, EVENT_RECORD, MEM_ALLOC = 10, MEM_FREE };
enum { INVALID_VALUE = 1, OPERATING_SYSTEM = 304, INVALID_HANDLE = 400, LAUNCH_FAILED = 719, TOO_LARGE = 720,
       NOT_SUPPORTED = 801, CAPTURE_UNSUPPORTED = 900 };
enum { DEVICE_MEMORY = 2 };

struct Edge {
    unsigned char from_port, to_port, type, reserved[5];
};
struct CopySide {
    size_t x, y, z, level;
    int type;
    const void *host;
    CUdeviceptr device;
    Handle array;
    void *reserved;
    size_t pitch, height;
};
struct Copy {
    CopySide from, to;
    size_t width, height, depth;
};
struct Fill {
    CUdeviceptr to;
    size_t pitch;
    unsigned value, element;
    size_t width, height;
    Handle context;
};
struct Function {
    void (*function)(void *);
    void *data;
};
struct Child {
    Handle graph;
    int ownership;
};
struct AnyParameters {
    int type, reserved[3];
    union {
        long long bytes[29];
        NodeParameters kernel;
        struct {
            int flags, reserved;
            Handle context;
            Copy copy;
        } copy;
        Fill fill;
        Function host;
        Child child;
        Handle event;
        AllocParameters alloc;
        CUdeviceptr free;
    };
    long long last;

    explicit AnyParameters(int type) : type(type), reserved{}, bytes{}, last(0) {}
};
static_assert(sizeof(AnyParameters) == 256, "as in cuda.h");
struct InstantiateParameters {
    uint64_t flags;
    Handle stream, node;
    int result;
};

extern "C" {
CUresult cuInit(unsigned);
CUresult cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, int *status);
CUresult cuDevicePrimaryCtxRetain(Handle *, CUdevice);
CUresult cuCtxSetCurrent(Handle);
CUresult cuCtxSynchronize();
CUresult cuLibraryLoadData(Handle *, const void *, int *, void **, unsigned, int *, void **, unsigned);
CUresult cuLibraryGetKernel(Handle *, Handle, const char *);
CUresult cuKernelGetFunction(Handle *, Handle);
CUresult cuModuleLoadData(Handle *, const void *);
CUresult cuModuleUnload(Handle);
CUresult cuModuleGetFunction(Handle *, Handle, const char *);
CUresult cuLaunchCooperativeKernel(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle,
                                   void **);
CUresult cuMemAllocManaged(CUdeviceptr *, size_t, unsigned);
CUresult cuEventCreate(Handle *, unsigned);
CUresult cuEventDestroy_v2(Handle);
CUresult cuEventQuery(Handle);
CUresult cuStreamCreate(Handle *, unsigned);
CUresult cuStreamBeginCapture_v2(Handle, int);
CUresult cuStreamEndCapture(Handle, Handle *);
CUresult cuStreamGetCaptureInfo_v3(Handle, int *, uint64_t *, Handle *, const Handle **, const Edge **, size_t *);
CUresult cuStreamUpdateCaptureDependencies_v2(Handle, Handle *, const Edge *, size_t, unsigned);
CUresult cuGraphCreate(Handle *, unsigned);
CUresult cuGraphDestroy(Handle);
CUresult cuGraphDestroyNode(Handle);
CUresult cuGraphAddNode(Handle *, Handle, const Handle *, size_t, AnyParameters *);
CUresult cuGraphAddNode_v2(Handle *, Handle, const Handle *, const Edge *, size_t, AnyParameters *);
CUresult cuGraphNodeSetParams(Handle, AnyParameters *);
CUresult cuGraphKernelNodeGetParams_v2(Handle, NodeParameters *);
CUresult cuGraphKernelNodeSetParams_v2(Handle, const NodeParameters *);
CUresult cuGraphAddDependencies_v2(Handle, const Handle *, const Handle *, const Edge *, size_t);
CUresult cuGraphRemoveDependencies_v2(Handle, const Handle *, const Handle *, const Edge *, size_t);
CUresult cuGraphGetEdges_v2(Handle, Handle *, Handle *, Edge *, size_t *);
CUresult cuGraphNodeGetDependencies_v2(Handle, Handle *, Edge *, size_t *);
CUresult cuGraphNodeGetDependentNodes_v2(Handle, Handle *, Edge *, size_t *);
CUresult cuGraphInstantiateWithParams(Handle *, Handle, InstantiateParameters *);
CUresult cuGraphExecNodeSetParams(Handle, Handle, AnyParameters *);
CUresult cuGraphExecChildGraphNodeSetParams(Handle, Handle, Handle);
CUresult cuGraphNodeSetEnabled(Handle, Handle, unsigned);
CUresult cuGraphNodeGetEnabled(Handle, Handle, unsigned *);
CUresult cuGraphLaunch(Handle, Handle);
CUresult cuGraphExecDestroy(Handle);
CUresult cuGraphDebugDotPrint(Handle, const char *, unsigned);
}

static const char PTX[] = R"(
.version 7.8
.target sm_80
.address_size 64
.visible .entry digit(.param .u64 to, .param .u32 digit) {
    .reg .b64 %rd<2>;
    .reg .b32 %r<3>;
    ld.param.u64 %rd1, [to];
    ld.param.u32 %r1, [digit];
    ld.global.u32 %r2, [%rd1];
    mad.lo.u32 %r2, %r2, 10, %r1;
    st.global.u32 [%rd1], %r2;
    ret;
}
)";

static Handle kernel, stream;
static CUdeviceptr numbers;     // managed: of two, the kernels append to the first

static int &number(int which = 0) { return reinterpret_cast<int *>(numbers)[which]; }

// The parameters of a kernel that appends a digit.
struct Digit : AnyParameters {
    int digit;
    CUdeviceptr to = numbers;
    void *arguments[2] = {&to, &digit};
    explicit Digit(int digit) : AnyParameters(KERNEL), digit(digit) {
        kernel = {nullptr, {1, 1, 1}, {1, 1, 1}, 0, arguments, nullptr, ::kernel, nullptr};
    }
};

static AnyParameters fill(unsigned value) {
    AnyParameters p(MEMSET);
    p.fill = {numbers, 0, value, 4, 1, 1, nullptr};
    return p;
}

static Handle add(Handle graph, AnyParameters p, std::vector<Handle> after = {}) {
    Handle node;
    OK(cuGraphAddNode_v2(&node, graph, after.data(), nullptr, after.size(), &p));
    return node;
}
static Handle digit(Handle graph, int value, std::vector<Handle> after = {}) {
    Digit p(value);
    return add(graph, p, after);
}

static Handle graph() {
    Handle made;
    OK(cuGraphCreate(&made, 0));
    return made;
}

static Handle instantiate(Handle graph) {
    Handle exec;
    InstantiateParameters p{0, nullptr, graph, 77};
    OK(cuGraphInstantiateWithParams(&exec, graph, &p));
    CHECK(p.result == 0 && !p.node);
    return exec;
}

static int launched(Handle exec) {
    number() = 0;
    OK(cuGraphLaunch(exec, stream));
    OK(cuCtxSynchronize());
    return number();
}

static int run(Handle graph) {
    const Handle exec = instantiate(graph);
    const int result = launched(exec);
    OK(cuGraphExecDestroy(exec));
    return result;
}

// A node of each type, in a chain.
static void nodes_of_all_types() {
    const Handle g = graph(), inner = graph();
    Handle event, other;
    OK(cuEventCreate(&event, 2));
    digit(inner, 3);
    AnyParameters copy(MEMCPY), host(HOST), child(GRAPH), record(EVENT_RECORD), wait(WAIT_EVENT), alloc(MEM_ALLOC),
        free(MEM_FREE), unknown(12);
    copy.copy.copy.from.type = copy.copy.copy.to.type = DEVICE_MEMORY;
    copy.copy.copy.from.device = numbers, copy.copy.copy.to.device = numbers + 4;
    copy.copy.copy.width = 4, copy.copy.copy.height = copy.copy.copy.depth = 1;
    static int seen;
    host.host = {[](void *data) { seen = 1000 + *static_cast<int *>(data); }, &number(1)};
    child.child.graph = inner;
    record.event = wait.event = event;
    alloc.alloc.pool = {1, 0, {1, 0}, nullptr, 0, 0, {}};
    alloc.alloc.bytes = 64;

    Handle last = add(g, fill(1));
    last = digit(g, 2, {last});
    last = add(g, child, {last});
    last = add(g, AnyParameters(EMPTY), {last});
    last = add(g, copy, {last});
    last = add(g, host, {last});
    last = add(g, record, {last});
    last = add(g, wait, {last});
    OK(cuGraphAddNode(&last, g, &last, 1, &alloc));
    CHECK(alloc.alloc.address != 0);
    free.free = alloc.alloc.address;
    add(g, free, {last});
    CHECK(cuGraphNodeSetParams(last, &alloc) == NOT_SUPPORTED);
    CHECK(run(g) == 123 && number(1) == 123 && seen == 1123);
    OK(cuEventQuery(event));

    CHECK(cuGraphAddNode_v2(&other, g, nullptr, nullptr, 0, &unknown) == NOT_SUPPORTED);
    child.child.ownership = 1;
    CHECK(cuGraphAddNode_v2(&other, g, nullptr, nullptr, 0, &child) == NOT_SUPPORTED);
    child.child = {g, 0};
    CHECK(cuGraphAddNode_v2(&other, g, nullptr, nullptr, 0, &child) == INVALID_VALUE);
    free.reserved[2] = 1;
    CHECK(cuGraphAddNode_v2(&other, g, nullptr, nullptr, 0, &free) == INVALID_VALUE);
    OK(cuGraphDestroy(g));
    OK(cuGraphDestroy(inner));
    OK(cuEventDestroy_v2(event));
}

// A diamond, whose lower half is added and taken away.
static void edges() {
    const Handle g = graph(), top = digit(g, 1), left = digit(g, 2, {top}), right = digit(g, 3, {left}),
                 bottom = digit(g, 4);
    const Handle from[] = {left, right}, to[] = {bottom, bottom};
    const Edge full[2] = {}, programmatic[2] = {{}, {1, 0, 1, {}}}, invalid[2] = {{}, {0, 1, 0, {}}};
    CHECK(cuGraphAddDependencies_v2(g, from, to, programmatic, 2) == NOT_SUPPORTED);
    CHECK(cuGraphAddDependencies_v2(g, from, to, invalid, 2) == INVALID_VALUE);
    OK(cuGraphAddDependencies_v2(g, from, to, full, 2));
    CHECK(cuGraphAddDependencies_v2(g, to, &top, full, 1) == INVALID_VALUE);    // a circle
    const Handle free = digit(g, 5), loose = digit(g, 6), circle[] = {free, loose, free};
    CHECK(cuGraphAddDependencies_v2(g, circle, circle + 1, full, 2) == INVALID_VALUE);
    CHECK(cuGraphAddDependencies_v2(g, std::vector<Handle>(2, free).data(), std::vector<Handle>(2, loose).data(), full,
                                    2) == INVALID_VALUE);   // one edge twice
    for (const Handle node : {free, loose}) {
        size_t before = 9;
        OK(cuGraphNodeGetDependencies_v2(node, nullptr, nullptr, &before));
        CHECK(before == 0);
    }
    OK(cuGraphDestroyNode(free));
    OK(cuGraphDestroyNode(loose));
    CHECK(run(g) == 1234);

    Handle froms[5], tos[5];
    Edge data[5];
    std::memset(data, 7, sizeof data);
    size_t count = 5;
    OK(cuGraphGetEdges_v2(g, froms, tos, data, &count));
    CHECK(count == 4 && !froms[4] && !tos[4]);
    std::set<std::pair<Handle, Handle>> all;
    for (size_t i = 0; i < count; ++i) all.insert({froms[i], tos[i]});
    CHECK((all == std::set<std::pair<Handle, Handle>>{{top, left}, {left, right}, {left, bottom}, {right, bottom}}));
    for (const Edge &edge : data) CHECK(std::memcmp(&edge, full, sizeof edge) == 0);
    CHECK(cuGraphGetEdges_v2(g, nullptr, nullptr, data, &count) == INVALID_VALUE);
    OK(cuGraphNodeGetDependencies_v2(bottom, nullptr, nullptr, &count));
    CHECK(count == 2);
    std::memset(data, 7, sizeof data);
    OK(cuGraphNodeGetDependentNodes_v2(top, tos, data, &count));
    CHECK(count == 1 && tos[0] == left && data[0].type == 0);
    CHECK(cuGraphNodeGetDependentNodes_v2(top, nullptr, data, &count) == INVALID_VALUE);

    CHECK(cuGraphRemoveDependencies_v2(g, from, to, programmatic, 2) == NOT_SUPPORTED);
    OK(cuGraphRemoveDependencies_v2(g, from, to, nullptr, 2));
    CHECK(cuGraphRemoveDependencies_v2(g, from, to, nullptr, 1) == INVALID_VALUE);
    OK(cuGraphAddDependencies_v2(g, &bottom, &top, nullptr, 1));
    CHECK(run(g) == 4123);
    Handle node;
    Digit five(5);
    CHECK(cuGraphAddNode_v2(&node, g, &top, &programmatic[1], 1, &five) == NOT_SUPPORTED);
    OK(cuGraphAddNode_v2(&node, g, &right, full, 1, &five));
    CHECK(run(g) == 41235);
    OK(cuGraphDestroy(g));

    void *found;
    int status;
    OK(cuGetProcAddress_v2("cuGraphGetEdges", &found, 13000, 0, &status));
    CHECK(found == reinterpret_cast<void *>(cuGraphGetEdges_v2));
}

static void changed_parameters() {
    const Handle g = graph(), inner = graph(), changed = graph(), longer = graph();
    const Handle set = add(g, fill(1)), first = digit(g, 2, {set});
    digit(inner, 3), digit(changed, 8);
    digit(longer, 4), digit(longer, 5);
    AnyParameters child(GRAPH);
    child.child.graph = inner;
    const Handle nested = add(g, child, {first});
    const Handle exec = instantiate(g);
    Digit six(6), seven(7);
    AnyParameters nine = fill(9);
    OK(cuGraphExecNodeSetParams(exec, first, &six));
    OK(cuGraphExecNodeSetParams(exec, set, &nine));
    CHECK(launched(exec) == 963 && run(g) == 123);
    OK(cuGraphNodeSetParams(first, &seven));
    CHECK(launched(exec) == 963 && run(g) == 173);
    CHECK(cuGraphNodeSetParams(set, &seven) == INVALID_VALUE);      // another type
    CHECK(cuGraphExecNodeSetParams(exec, set, &seven) == INVALID_VALUE);
    CHECK(cuGraphExecNodeSetParams(exec, digit(changed, 9), &six) == INVALID_VALUE);    // another graph's
    CHECK(cuGraphExecChildGraphNodeSetParams(exec, nested, changed) == INVALID_VALUE);  // has two nodes now
    child.child.graph = longer;
    CHECK(cuGraphExecNodeSetParams(exec, nested, &child) == INVALID_VALUE);
    const Handle eight = graph();
    digit(eight, 8);
    OK(cuGraphExecChildGraphNodeSetParams(exec, nested, eight));
    CHECK(launched(exec) == 968 && run(g) == 173);
    OK(cuGraphExecDestroy(exec));
    for (const Handle made : {g, inner, changed, longer, eight}) OK(cuGraphDestroy(made));
}

// Nodes that are switched off keep their place and their parameters.
static void disabled_nodes() {
    const Handle g = graph(), first = digit(g, 1), middle = digit(g, 2, {first}),
                 nothing = add(g, AnyParameters(EMPTY), {middle});
    digit(g, 3, {nothing});
    const Handle exec = instantiate(g);
    unsigned enabled = 7;
    OK(cuGraphNodeGetEnabled(exec, middle, &enabled));
    CHECK(enabled == 1);
    OK(cuGraphNodeSetEnabled(exec, middle, 0));
    OK(cuGraphNodeGetEnabled(exec, middle, &enabled));
    CHECK(enabled == 0 && launched(exec) == 13 && run(g) == 123);
    Digit four(4);
    OK(cuGraphExecNodeSetParams(exec, middle, &four));
    CHECK(launched(exec) == 13);
    Handle captured;        // a launch while a stream captures
    OK(cuStreamBeginCapture_v2(stream, 2));
    OK(cuGraphLaunch(exec, stream));
    OK(cuStreamEndCapture(stream, &captured));
    CHECK(run(captured) == 13);
    OK(cuGraphNodeSetEnabled(exec, middle, 5));
    CHECK(launched(exec) == 143);
    CHECK(cuGraphNodeSetEnabled(exec, nothing, 0) == INVALID_VALUE);
    CHECK(cuGraphNodeGetEnabled(exec, nothing, &enabled) == INVALID_VALUE);
    OK(cuGraphExecDestroy(exec));
    OK(cuGraphDestroy(g));
    OK(cuGraphDestroy(captured));
}

static void instantiation() {
    enum { UPLOAD = 2, DEVICE_LAUNCH = 4 };
    const Handle g = graph();
    digit(g, 1);
    Handle exec, captured;
    InstantiateParameters p{DEVICE_LAUNCH, nullptr, g, 0};
    CHECK(cuGraphInstantiateWithParams(&exec, g, &p) == NOT_SUPPORTED && p.result == 1);
    OK(cuStreamBeginCapture_v2(stream, 2));
    p = {UPLOAD, stream, g, 0};
    CHECK(cuGraphInstantiateWithParams(&exec, g, &p) == CAPTURE_UNSUPPORTED && p.result == 1);
    OK(cuStreamEndCapture(stream, &captured));
    OK(cuGraphInstantiateWithParams(&exec, g, &p));
    CHECK(p.result == 0 && !p.node && launched(exec) == 1);
    OK(cuGraphExecDestroy(exec));
    OK(cuGraphDestroy(g));
    OK(cuGraphDestroy(captured));
}

static void dependencies_of_a_capture() {
    Handle g, captured;
    int status;
    const Handle *frontier;
    const Edge *data;
    size_t count;
    Edge programmatic{1, 0, 1, {}}, full{};
    OK(cuStreamBeginCapture_v2(stream, 2));
    OK(cuStreamGetCaptureInfo_v3(stream, &status, nullptr, &g, &frontier, &data, &count));
    CHECK(count == 0);
    Handle last = digit(g, 2, {digit(g, 1)});      // nodes can be added, but not taken away
    CHECK(cuGraphDestroyNode(last) == INVALID_VALUE);
    CHECK(cuStreamUpdateCaptureDependencies_v2(stream, &last, &programmatic, 1, 1) == NOT_SUPPORTED);
    OK(cuStreamUpdateCaptureDependencies_v2(stream, &last, &full, 1, 1));
    Digit three(3);
    OK(cuLaunchCooperativeKernel(kernel, 1, 1, 1, 1, 1, 1, 0, stream, three.arguments));
    CHECK(cuStreamGetCaptureInfo_v3(stream, &status, nullptr, &g, nullptr, &data, &count) == INVALID_VALUE);
    OK(cuStreamGetCaptureInfo_v3(stream, &status, nullptr, &g, &frontier, &data, &count));
    CHECK(count == 1 && data && std::memcmp(data, &full, sizeof full) == 0);
    Handle node = frontier[0], before;
    OK(cuGraphNodeGetDependencies_v2(node, &before, nullptr, &count));
    CHECK(count == 1 && before == last);
    OK(cuStreamEndCapture(stream, &captured));
    CHECK(captured == g && run(g) == 123);
    // It stays cooperative.
    three.kernel.grid[0] = 1 << 20;
    CHECK(cuGraphKernelNodeSetParams_v2(node, &three.kernel) == TOO_LARGE);
    OK(cuGraphDestroy(g));
}

// The runtime library knows a kernel by the handle that its library gave.
static void parameters_of_kernels() {
    const Handle g = graph(), node = digit(g, 4);
    NodeParameters got{};
    Handle function;
    OK(cuGraphKernelNodeGetParams_v2(node, &got));
    OK(cuKernelGetFunction(&function, kernel));
    CHECK(got.kernel == kernel && got.function == function);
    CHECK(*static_cast<int *>(got.arguments[1]) == 4 && got.grid[0] == 1);
    OK(cuGraphDestroy(g));
}

// As Graphviz reads it: a node that the graph does not have must not be the end of an edge.
static void printed(const char *path) {
    const Handle g = graph(), inner = graph(), first = digit(g, 1);
    digit(inner, 2);
    AnyParameters child(GRAPH);
    child.child.graph = inner;
    digit(g, 3, {add(g, child, {first})});
    CHECK(cuGraphDebugDotPrint(g, "/nowhere/at/all", 0) == OPERATING_SYSTEM);
    CHECK(cuGraphDebugDotPrint(g, path, 1 << 16) == INVALID_VALUE);
    for (const bool verbose : {false, true}) {
        OK(cuGraphDebugDotPrint(g, path, verbose));
        std::ifstream file(path);
        std::set<std::string> nodes;
        int arrows = 0, braces = 0, kernels = 0, shapes = 0;
        for (std::string line; std::getline(file, line);) {
            for (const char c : line) braces += c == '{' ? 1 : c == '}' ? -1 : 0;
            const size_t arrow = line.find(" -> ");
            if (arrow != std::string::npos) {
                const std::string from = line.substr(0, arrow), to = line.substr(arrow + 4);
                CHECK(nodes.count(from) && nodes.count(to.substr(0, to.find(' '))));
                ++arrows;
            } else if (line.find("[shape") != std::string::npos) {
                nodes.insert(line.substr(0, line.find(' ')));
            }
            kernels += line.find("KERNEL\\ndigit") != std::string::npos;
            shapes += line.find("<<<(1,1,1), (1,1,1), 0>>>") != std::string::npos;
        }
        CHECK(nodes.size() == 4 && arrows == 3 && braces == 0 && kernels == 3 && shapes == (verbose ? 3 : 0));
    }
    OK(cuGraphDestroy(g));
    OK(cuGraphDestroy(inner));
}

// Another module with the same text does not stand in for the one that was unloaded. Comes last: it breaks the context.
static void unloaded_modules() {
    Handle module, same, function;
    OK(cuModuleLoadData(&module, PTX));
    OK(cuModuleLoadData(&same, PTX));
    OK(cuModuleGetFunction(&function, module, "digit"));
    const Handle g = graph();
    Digit one(1);
    one.kernel.function = function, one.kernel.kernel = nullptr;
    const Handle node = add(g, one), exec = instantiate(g);
    NodeParameters got{};
    OK(cuGraphKernelNodeGetParams_v2(node, &got));
    CHECK(got.function == function && !got.kernel);
    OK(cuModuleUnload(module));
    CHECK(cuGraphKernelNodeGetParams_v2(node, &got) == INVALID_HANDLE);
    OK(cuGraphLaunch(exec, stream));
    CHECK(cuCtxSynchronize() == LAUNCH_FAILED);
}

int main(int, char **arguments) {
    Handle context, library;
    OK(cuInit(0));
    OK(cuDevicePrimaryCtxRetain(&context, 0));
    OK(cuCtxSetCurrent(context));
    OK(cuLibraryLoadData(&library, PTX, nullptr, nullptr, 0, nullptr, nullptr, 0));
    OK(cuLibraryGetKernel(&kernel, library, "digit"));
    OK(cuMemAllocManaged(&numbers, 8, 1));
    OK(cuStreamCreate(&stream, 1));
    nodes_of_all_types();
    edges();
    changed_parameters();
    disabled_nodes();
    instantiation();
    dependencies_of_a_capture();
    parameters_of_kernels();
    printed(arguments[1]);
    unloaded_modules();
    std::puts("done");
}
