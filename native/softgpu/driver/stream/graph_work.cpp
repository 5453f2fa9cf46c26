// What nodes do, made from their parameters.
#include "driver/state/call.h"
#include "driver/state/module.h"
#include "driver/stream/graph.h"
#include "driver/work/kernel.h"
#include "driver/work/place.h"
#include "driver/work/transfer.h"

namespace softgpu {

CUgraphNodeType type_of(const NodeWork &work) {
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
    return std::visit(Type(), work);
}

NodeWork kernel_node(const CUDA_KERNEL_NODE_PARAMS_v1 *p) {
    require(p);
    return kernel_work(function_of(Driver::get().current(), p->func), {p->gridDimX, p->gridDimY, p->gridDimZ},
                       {p->blockDimX, p->blockDimY, p->blockDimZ}, p->sharedMemBytes, p->kernelParams, p->extra);
}

NodeWork kernel_node(const CUDA_KERNEL_NODE_PARAMS_v2 *p) {
    require(p);
    CUDA_KERNEL_NODE_PARAMS_v1 first = *p;
    if (!first.func) first.func = p->kern;
    return kernel_node(&first);
}

NodeWork copy_node(const CUDA_MEMCPY3D *p) {
    require(p);
    CopyWork copy = copy_of(*p);
    check(copy);
    return copy;
}

NodeWork fill_node(const CUDA_MEMSET_NODE_PARAMS *p) {
    require(p);
    check(*p);
    return FillWork{*p};
}

NodeWork host_node(const CUDA_HOST_NODE_PARAMS *p) {
    require(p && p->fn);
    return HostWork{p->fn, p->userData};
}

NodeWork child_node(const Graph &parent, CUgraph handle) {
    const auto graph = graph_of(handle);
    require(graph.get() != &parent);
    require(!graph->has_memory_nodes(), CUDA_ERROR_NOT_SUPPORTED);
    return ChildNode{graph->clone()};
}

template <class W> NodeWork event_node(CUevent event) {
    object_of(Driver::get().events, event);
    return W{event};
}
template NodeWork event_node<EventRecordNode>(CUevent event);
template NodeWork event_node<EventWaitNode>(CUevent event);

namespace {

[[noreturn]] void not_provided(const std::string &what) {
    complain(std::string(current_call) + ": " + what + " not provided");
    fail(CUDA_ERROR_NOT_SUPPORTED);
}

}  // namespace

NodeWork any_node(const Graph &graph, CUgraphNodeParams *p) {
    require(p && !p->reserved0[0] && !p->reserved0[1] && !p->reserved0[2] && !p->reserved2);
    switch (p->type) {
        case CU_GRAPH_NODE_TYPE_KERNEL: return kernel_node(&p->kernel);
        case CU_GRAPH_NODE_TYPE_MEMCPY: return copy_node(&p->copy.parameters);
        case CU_GRAPH_NODE_TYPE_MEMSET: return fill_node(&p->fill);
        case CU_GRAPH_NODE_TYPE_HOST: return host_node(&p->host);
        case CU_GRAPH_NODE_TYPE_GRAPH:
            if (p->child.ownership != 0) not_provided("a child graph that moves into its parent is");
            return child_node(graph, p->child.graph);
        case CU_GRAPH_NODE_TYPE_EMPTY: return EmptyWork();
        case CU_GRAPH_NODE_TYPE_WAIT_EVENT: return event_node<EventWaitNode>(p->event);
        case CU_GRAPH_NODE_TYPE_EVENT_RECORD: return event_node<EventRecordNode>(p->event);
        case CU_GRAPH_NODE_TYPE_MEM_ALLOC: return alloc_node(Driver::get().current(), p->alloc);
        case CU_GRAPH_NODE_TYPE_MEM_FREE: return free_node(graph, p->free);
    }
    not_provided("nodes of type " + std::to_string(p->type) + " are");
}

NodeWork changed_node(const Node &node, CUgraphNodeParams *p) {
    require(p && p->type == type_of(node.work));
    if (p->type == CU_GRAPH_NODE_TYPE_MEM_ALLOC || p->type == CU_GRAPH_NODE_TYPE_MEM_FREE)
        fail(CUDA_ERROR_NOT_SUPPORTED);
    return any_node(*node.graph, p);
}

void replace_work(Node &node, NodeWork work) {
    require(node.work.index() == work.index());
    if (auto *kernel = std::get_if<KernelWork>(&work)) keep_attributes(*kernel, std::get<KernelWork>(node.work));
    node.work = std::move(work);
}

}  // namespace softgpu
