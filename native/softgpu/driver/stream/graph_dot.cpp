// Graphs as text for Graphviz.
#include <cstdio>
#include <memory>

#include "base/hex.h"
#include "base/triple.h"
#include "driver/state/call.h"
#include "driver/stream/graph.h"

namespace softgpu {

namespace {

// What to print beside a node's number, type and kernel (CUgraphDebugDot_flags).
enum DotFlags : unsigned {
    DOT_VERBOSE = 1 << 0,
    DOT_KERNELS = 1 << 2,
    DOT_COPIES = 1 << 3,
    DOT_FILLS = 1 << 4,
    DOT_HOST = 1 << 5,
    DOT_EVENTS = 1 << 6,
    DOT_HANDLES = 1 << 10,
    DOT_ALLOCATIONS = 1 << 11,
    DOT_FREES = 1 << 12,
    DOT_ALL = (1 << 16) - 1
};

std::string hex_of(const void *address) { return hex(reinterpret_cast<uint64_t>(address)); }

// The lines of a node's label after its number.
struct DotLabel {
    unsigned flags;

    std::string operator()(const EmptyWork &) const { return "EMPTY"; }
    std::string operator()(const KernelWork &work) const {
        if (work.function.expired()) return "KERNEL\\nof a module that was unloaded";
        const Launch &l = work.launch;
        std::string text = "KERNEL\\n" + l.kernel->name;
        if (flags & DOT_KERNELS)
            text += "\\n<<<" + triple(l.grid) + ", " + triple(l.block) + ", " + std::to_string(l.dynamic_shared) +
                    ">>>";
        return text;
    }
    std::string operator()(const LibraryWork &) const { return "KERNEL\\nof a library"; }
    std::string operator()(const CopyWork &work) const {
        std::string text = "MEMCPY";
        if (flags & DOT_COPIES)
            text += "\\n" + std::to_string(work.width) + " x " + std::to_string(work.height) + " x " +
                    std::to_string(work.depth) + " bytes from " + hex(work.from.address) + " to " +
                    hex(work.to.address);
        return text;
    }
    std::string operator()(const FillWork &work) const {
        const CUDA_MEMSET_NODE_PARAMS &p = work.parameters;
        std::string text = "MEMSET";
        if (flags & DOT_FILLS)
            text += "\\n" + std::to_string(p.width) + " x " + std::to_string(p.height) + " elements of " +
                    std::to_string(p.elementSize) + " bytes at " + hex(p.dst) + " to " +
                    std::to_string(p.value);
        return text;
    }
    std::string operator()(const HostWork &work) const {
        std::string text = "HOST";
        if (flags & DOT_HOST)
            text += "\\nfunction " + hex(reinterpret_cast<uint64_t>(work.function)) + " of " +
                    hex_of(work.data);
        return text;
    }
    std::string operator()(const ChildNode &) const { return "GRAPH"; }
    std::string operator()(const EventRecordNode &work) const { return of_event("EVENT_RECORD", work.event); }
    std::string operator()(const EventWaitNode &work) const { return of_event("WAIT_EVENT", work.event); }
    std::string operator()(const AllocNode &work) const {
        std::string text = "MEM_ALLOC";
        if (flags & DOT_ALLOCATIONS)
            text += "\\n" + std::to_string(work.memory->bytes) + " bytes at " + hex(work.memory->address);
        return text;
    }
    std::string operator()(const FreeNode &work) const {
        return flags & DOT_FREES ? "MEM_FREE\\n" + hex(work.memory->address) : "MEM_FREE";
    }

private:
    std::string of_event(const std::string &type, CUevent event) const {
        return flags & DOT_EVENTS ? type + "\\n" + hex_of(event) : type;
    }
};

// A graph is a box with its nodes and edges. Children have boxes of their own, to which a dotted line leads.
void append_dot(std::string &text, const Graph &graph, const std::string &name, unsigned flags) {
    std::map<const Node *, std::string> names;
    for (size_t i = 0; i < graph.nodes.size(); ++i) names[graph.nodes[i].get()] = name + "_node_" + std::to_string(i);
    text += "subgraph cluster_" + name + " {\nlabel=\"" + name + "\"\n";
    size_t number = 0;
    for (const auto &node : graph.nodes) {
        text += names[node.get()] + " [shape=box label=\"" + std::to_string(number++) + "\\n" +
                std::visit(DotLabel{flags}, node->work);
        if (flags & DOT_HANDLES) text += "\\nnode " + hex_of(node.get());
        text += "\"]\n";
    }
    for (const auto &node : graph.nodes)
        for (const Node *before : node->after) text += names[before] + " -> " + names[node.get()] + "\n";
    text += "}\n";
    for (const auto &node : graph.nodes) {
        const auto *const child = std::get_if<ChildNode>(&node->work);
        if (!child) continue;
        const std::string inner = names[node.get()] + "_graph";
        append_dot(text, *child->graph, inner, flags);
        if (!child->graph->nodes.empty())
            text += names[node.get()] + " -> " + inner + "_node_0 [style=dotted arrowhead=none]\n";
    }
}

}  // namespace

extern "C" {

CU_API cuGraphDebugDotPrint(CUgraph handle, const char *path, unsigned flags) {
    return context_call(__func__, [&](Context &) {
        require(path && !(flags & ~DOT_ALL));
        std::string text = "digraph dot {\n";
        append_dot(text, *graph_of(handle), "graph", flags & DOT_VERBOSE ? DOT_ALL : flags);
        text += "}\n";
        const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(std::fopen(path, "w"), std::fclose);
        require(file && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size() &&
                    std::fflush(file.get()) == 0,
                CUDA_ERROR_OPERATING_SYSTEM);
    });
}

}  // extern "C"

}  // namespace softgpu
