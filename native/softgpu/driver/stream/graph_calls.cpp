// Graphs, built node by node.
#include <algorithm>

#include "driver/state/call.h"
#include "driver/stream/graph.h"

namespace softgpu {

namespace {

template <class Make>
CUresult add_node(const char *name, CUgraphNode *node, CUgraph handle, const CUgraphNode *after, size_t count,
                  Make make) {
    return context_call(name, [&](Context &) {
        require(node && (after || count == 0));
        const auto graph = graph_of(handle);
        std::vector<Node *> nodes(after, after + count);
        for (Node *n : nodes) {
            require(node_of(n).graph == graph.get());
            require(std::count(nodes.begin(), nodes.end(), n) == 1);
        }
        *node = graph->add(make(), nodes);
    });
}

}  // namespace

extern "C" {

CU_API cuGraphCreate(CUgraph *graph, unsigned flags) {
    return context_call(__func__, [&](Context &context) {
        require(graph && flags == 0);
        auto made = std::make_shared<Graph>();
        made->context = &context;
        made->number = Driver::get().next_number("graph");
        *graph = Driver::get().graphs.add(made);
    });
}

CU_API cuGraphDestroy(CUgraph handle) {
    return context_call(__func__, [&](Context &) {
        object_of(Driver::get().graphs, handle);
        Driver::get().graphs.remove(handle);
    });
}

CU_API cuGraphClone(CUgraph *clone, CUgraph handle) {
    return context_call(__func__, [&](Context &context) {
        require(clone);
        const auto graph = graph_of(handle);
        require(!graph->has_memory_nodes(), CUDA_ERROR_NOT_SUPPORTED);
        auto made = graph->clone();
        made->context = &context;
        made->number = Driver::get().next_number("graph");
        *clone = Driver::get().graphs.add(made);
    });
}

CU_API cuGraphNodeFindInClone(CUgraphNode *node, CUgraphNode original, CUgraph clone) {
    return context_call(__func__, [&](Context &) {
        require(node);
        *node = graph_of(clone)->find(&node_of(original));
        require(*node);
    });
}

CU_API cuGraphAddKernelNode_v2(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t count,
                               const CUDA_KERNEL_NODE_PARAMS_v2 *parameters) {
    return add_node(__func__, node, graph, after, count, [&] { return kernel_node(parameters); });
}
CU_API cuGraphAddKernelNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t count,
                            const CUDA_KERNEL_NODE_PARAMS_v1 *parameters) {
    return add_node(__func__, node, graph, after, count, [&] { return kernel_node(parameters); });
}
CU_API cuGraphAddMemcpyNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t count,
                            const CUDA_MEMCPY3D *parameters, CUcontext) {
    return add_node(__func__, node, graph, after, count, [&] { return copy_node(parameters); });
}
CU_API cuGraphAddMemsetNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t count,
                            const CUDA_MEMSET_NODE_PARAMS *parameters, CUcontext) {
    return add_node(__func__, node, graph, after, count, [&] { return fill_node(parameters); });
}
CU_API cuGraphAddHostNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t count,
                          const CUDA_HOST_NODE_PARAMS *parameters) {
    return add_node(__func__, node, graph, after, count, [&] { return host_node(parameters); });
}
CU_API cuGraphAddChildGraphNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t count,
                                CUgraph child) {
    return add_node(__func__, node, graph, after, count, [&] { return child_node(*graph_of(graph), child); });
}
CU_API cuGraphAddEmptyNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t count) {
    return add_node(__func__, node, graph, after, count, [] { return NodeWork(EmptyWork()); });
}
CU_API cuGraphAddEventRecordNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t count,
                                 CUevent event) {
    return add_node(__func__, node, graph, after, count, [&] { return event_node<EventRecordNode>(event); });
}
CU_API cuGraphAddEventWaitNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t count,
                               CUevent event) {
    return add_node(__func__, node, graph, after, count, [&] { return event_node<EventWaitNode>(event); });
}

CU_API cuGraphAddMemAllocNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t count,
                              CUDA_MEM_ALLOC_NODE_PARAMS *parameters) {
    return add_node(__func__, node, graph, after, count, [&] {
        require(parameters);
        return alloc_node(Driver::get().current(), *parameters);
    });
}
CU_API cuGraphAddMemFreeNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t count,
                             CUdeviceptr address) {
    return add_node(__func__, node, graph, after, count, [&] { return free_node(*graph_of(graph), address); });
}

CU_API cuGraphAddNode_v2(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, const CUgraphEdgeData *edges,
                         size_t count, CUgraphNodeParams *parameters) {
    return add_node(__func__, node, graph, after, count, [&] {
        require_full(edges, count);
        return any_node(*graph_of(graph), parameters);
    });
}
CU_API cuGraphAddNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t count,
                      CUgraphNodeParams *parameters) {
    return add_node(__func__, node, graph, after, count, [&] { return any_node(*graph_of(graph), parameters); });
}

CU_API cuGraphDestroyNode(CUgraphNode handle) {
    return context_call(__func__, [&](Context &) {
        Node &node = node_of(handle);
        require(!node.graph->captured);     // the stream's next node may depend on it
        require(!node.graph->has_memory_nodes(), CUDA_ERROR_NOT_SUPPORTED);
        node.graph->remove(node);
    });
}

CU_API cuGraphNodeGetType(CUgraphNode handle, CUgraphNodeType *type) {
    return context_call(__func__, [&](Context &) {
        require(type);
        *type = type_of(node_of(handle).work);
    });
}

}  // extern "C"

}  // namespace softgpu
