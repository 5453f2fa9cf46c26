// Graphs, built node by node, and queries about their nodes and edges.
#include <algorithm>

#include "driver/state/call.h"
#include "driver/stream/graph.h"

namespace softgpu {

namespace {

CUgraphNodeType type_of(const Node &node) {
    struct Type {
        CUgraphNodeType operator()(const EmptyWork &) const { return CU_GRAPH_NODE_TYPE_EMPTY; }
        CUgraphNodeType operator()(const KernelWork &) const { return CU_GRAPH_NODE_TYPE_KERNEL; }
        CUgraphNodeType operator()(const LibraryWork &) const { return CU_GRAPH_NODE_TYPE_KERNEL; }
        CUgraphNodeType operator()(const CopyWork &) const { return CU_GRAPH_NODE_TYPE_MEMCPY; }
        CUgraphNodeType operator()(const FillWork &) const { return CU_GRAPH_NODE_TYPE_MEMSET; }
        CUgraphNodeType operator()(const HostWork &) const { return CU_GRAPH_NODE_TYPE_HOST; }
        CUgraphNodeType operator()(const ChildNode &) const { return CU_GRAPH_NODE_TYPE_GRAPH; }
        CUgraphNodeType operator()(const EventRecordNode &) const { return CU_GRAPH_NODE_TYPE_EVENT_RECORD; }
        CUgraphNodeType operator()(const EventWaitNode &) const { return CU_GRAPH_NODE_TYPE_WAIT_EVENT; }
        CUgraphNodeType operator()(const AllocNode &) const { return CU_GRAPH_NODE_TYPE_MEM_ALLOC; }
        CUgraphNodeType operator()(const FreeNode &) const { return CU_GRAPH_NODE_TYPE_MEM_FREE; }
    };
    return std::visit(Type(), node.work);
}

bool depends(const Node &node, const Node *on) { return std::count(node.after.begin(), node.after.end(), on) > 0; }

// Whether `node` depends on `other`, directly or not.
bool reaches(const Node *node, const Node *other) {
    return node == other || std::any_of(node->after.begin(), node->after.end(),
                                        [&](const Node *n) { return reaches(n, other); });
}

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

// Returns a list: only the count if `to` is null, else as many elements as fit, with nulls after the last one.
template <class T> void give_list(const std::vector<T *> &list, T **to, size_t *count) {
    require(count);
    if (to)
        for (size_t i = 0; i < *count; ++i) to[i] = i < list.size() ? list[i] : nullptr;
    *count = to ? std::min(*count, list.size()) : list.size();
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
    return add_node(__func__, node, graph, after, count, [&] {
        require(parameters);
        CUDA_KERNEL_NODE_PARAMS_v1 p = *parameters;
        if (!p.func) p.func = parameters->kern;
        return kernel_node(&p);
    });
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
    return add_node(__func__, node, graph, after, count, [&] {
        require(child != graph);
        return child_node(child);
    });
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

CU_API cuGraphDestroyNode(CUgraphNode handle) {
    return context_call(__func__, [&](Context &) {
        Node &node = node_of(handle);
        require(!node.graph->has_memory_nodes(), CUDA_ERROR_NOT_SUPPORTED);
        node.graph->remove(node);
    });
}

CU_API cuGraphAddDependencies(CUgraph handle, const CUgraphNode *from, const CUgraphNode *to, size_t count) {
    return context_call(__func__, [&](Context &) {
        const auto graph = graph_of(handle);
        require((from && to) || count == 0);
        for (size_t i = 0; i < count; ++i) {
            require(node_of(from[i]).graph == graph.get() && node_of(to[i]).graph == graph.get());
            require(!depends(*to[i], from[i]) && !reaches(from[i], to[i]));
        }
        for (size_t i = 0; i < count; ++i) to[i]->after.push_back(from[i]);
    });
}

CU_API cuGraphRemoveDependencies(CUgraph handle, const CUgraphNode *from, const CUgraphNode *to, size_t count) {
    return context_call(__func__, [&](Context &) {
        const auto graph = graph_of(handle);
        require((from && to) || count == 0);
        require(!graph->has_memory_nodes(), CUDA_ERROR_NOT_SUPPORTED);
        for (size_t i = 0; i < count; ++i)
            require(node_of(to[i]).graph == graph.get() && depends(*to[i], from[i]));
        for (size_t i = 0; i < count; ++i) std::erase(to[i]->after, from[i]);
    });
}

CU_API cuGraphGetNodes(CUgraph handle, CUgraphNode *nodes, size_t *count) {
    return context_call(__func__, [&](Context &) {
        std::vector<Node *> all;
        for (const auto &node : graph_of(handle)->nodes) all.push_back(node.get());
        give_list(all, nodes, count);
    });
}

CU_API cuGraphGetRootNodes(CUgraph handle, CUgraphNode *nodes, size_t *count) {
    return context_call(__func__, [&](Context &) {
        std::vector<Node *> roots;
        for (const auto &node : graph_of(handle)->nodes)
            if (node->after.empty()) roots.push_back(node.get());
        give_list(roots, nodes, count);
    });
}

CU_API cuGraphGetEdges(CUgraph handle, CUgraphNode *from, CUgraphNode *to, size_t *count) {
    return context_call(__func__, [&](Context &) {
        require(!from == !to && count);
        std::vector<Node *> froms, tos;
        for (const auto &node : graph_of(handle)->nodes)
            for (Node *n : node->after) {
                froms.push_back(n);
                tos.push_back(node.get());
            }
        size_t same = *count;
        give_list(froms, from, count);
        give_list(tos, to, &same);
    });
}

CU_API cuGraphNodeGetDependencies(CUgraphNode handle, CUgraphNode *nodes, size_t *count) {
    return context_call(__func__, [&](Context &) { give_list(node_of(handle).after, nodes, count); });
}

CU_API cuGraphNodeGetDependentNodes(CUgraphNode handle, CUgraphNode *nodes, size_t *count) {
    return context_call(__func__, [&](Context &) {
        const Node &node = node_of(handle);
        std::vector<Node *> dependents;
        for (const auto &other : node.graph->nodes)
            if (depends(*other, &node)) dependents.push_back(other.get());
        give_list(dependents, nodes, count);
    });
}

CU_API cuGraphNodeGetType(CUgraphNode handle, CUgraphNodeType *type) {
    return context_call(__func__, [&](Context &) {
        require(type);
        *type = type_of(node_of(handle));
    });
}

}  // extern "C"

}  // namespace softgpu
