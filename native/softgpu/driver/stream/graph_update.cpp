// Changes to executable graphs.
#include <algorithm>

#include "driver/state/call.h"
#include "driver/stream/graph.h"

namespace softgpu {

namespace {

// Compares two graphs node by node, in order of creation. `from` is where they differ in the new one.
CUgraphExecUpdateResult compare(const Graph &old, const Graph &made, Node *&at, Node *&from) {
    if (old.nodes.size() != made.nodes.size()) return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
    if (old.has_memory_nodes() || made.has_memory_nodes()) return CU_GRAPH_EXEC_UPDATE_ERROR_NOT_SUPPORTED;
    const auto index = [](const Graph &graph, const Node *node) {
        return std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const auto &n) { return n.get() == node; }) -
               graph.nodes.begin();
    };
    for (size_t i = 0; i < old.nodes.size(); ++i) {
        const Node &a = *old.nodes[i], &b = *made.nodes[i];
        at = made.nodes[i].get();
        if (a.work.index() != b.work.index()) return CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
        std::vector<ptrdiff_t> after_a, after_b;
        for (const Node *n : a.after) after_a.push_back(index(old, n));
        for (const Node *n : b.after) after_b.push_back(index(made, n));
        std::sort(after_a.begin(), after_a.end());
        std::sort(after_b.begin(), after_b.end());
        if (after_a != after_b) {
            for (Node *n : b.after)
                if (!std::count(after_a.begin(), after_a.end(), index(made, n))) from = n;
            return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
        }
        if (const auto *child = std::get_if<ChildNode>(&a.work)) {
            const auto result = compare(*child->graph, *std::get<ChildNode>(b.work).graph, at, from);
            if (result != CU_GRAPH_EXEC_UPDATE_SUCCESS) return result;
        }
    }
    at = nullptr;
    return CU_GRAPH_EXEC_UPDATE_SUCCESS;
}

// The new nodes keep the link to the original nodes, so that they can still be updated one by one.
void take_work(Graph &to, const Graph &from) {
    for (size_t i = 0; i < to.nodes.size(); ++i) {
        if (const auto *child = std::get_if<ChildNode>(&from.nodes[i]->work))
            take_work(*std::get<ChildNode>(to.nodes[i]->work).graph, *child->graph);
        else to.nodes[i]->work = from.nodes[i]->work;
    }
}

// The node that came from one of the original graph.
Node &node_in(const GraphExec &exec, CUgraphNode original) {
    Node *const node = exec.graph->find(original);
    require(node);
    return *node;
}

// A kernel stays in its context, and a child graph's nodes and edges stay as they are.
void change(Node &node, NodeWork work) {
    require(node.work.index() == work.index());
    if (const auto *kernel = std::get_if<KernelWork>(&work))
        require(kernel->context == std::get<KernelWork>(node.work).context);
    if (const auto *child = std::get_if<ChildNode>(&work)) {
        Graph &old = *std::get<ChildNode>(node.work).graph;
        Node *at = nullptr, *from = nullptr;
        require(compare(old, *child->graph, at, from) == CU_GRAPH_EXEC_UPDATE_SUCCESS);
        take_work(old, *child->graph);
        return;
    }
    replace_work(node, std::move(work));
}

bool can_be_disabled(const Node &node) {
    const CUgraphNodeType type = type_of(node.work);
    return type == CU_GRAPH_NODE_TYPE_KERNEL || type == CU_GRAPH_NODE_TYPE_MEMCPY || type == CU_GRAPH_NODE_TYPE_MEMSET;
}

template <class Make> CUresult update_node(const char *name, CUgraphExec handle, CUgraphNode original, Make make) {
    return context_call(name, [&](Context &) {
        const auto exec = object_of(Driver::get().graph_execs, handle);
        Node &node = node_in(*exec, original);
        change(node, make(node));
    });
}

CUresult update(const char *name, CUgraphExec handle, CUgraph graph_handle, CUgraphExecUpdateResult &result, Node *&at,
                Node *&from) {
    return context_call(name, [&](Context &) {
        const auto exec = object_of(Driver::get().graph_execs, handle);
        const auto graph = object_of(Driver::get().graphs, graph_handle);
        result = compare(*exec->graph, *graph, at, from);
        require(result == CU_GRAPH_EXEC_UPDATE_SUCCESS, CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
        take_work(*exec->graph, *graph);
    });
}

}  // namespace

extern "C" {

CU_API cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                      const CUDA_KERNEL_NODE_PARAMS_v1 *parameters) {
    return update_node(__func__, exec, node, [&](const Node &) { return kernel_node(parameters); });
}
CU_API cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node,
                                         const CUDA_KERNEL_NODE_PARAMS_v2 *parameters) {
    return update_node(__func__, exec, node, [&](const Node &) { return kernel_node(parameters); });
}
CU_API cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMCPY3D *parameters, CUcontext) {
    return update_node(__func__, exec, node, [&](const Node &) { return copy_node(parameters); });
}
CU_API cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS *parameters,
                                      CUcontext) {
    return update_node(__func__, exec, node, [&](const Node &) { return fill_node(parameters); });
}
CU_API cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_HOST_NODE_PARAMS *parameters) {
    return update_node(__func__, exec, node, [&](const Node &) { return host_node(parameters); });
}
CU_API cuGraphExecEventRecordNodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event) {
    return update_node(__func__, exec, node, [&](const Node &) { return event_node<EventRecordNode>(event); });
}
CU_API cuGraphExecEventWaitNodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event) {
    return update_node(__func__, exec, node, [&](const Node &) { return event_node<EventWaitNode>(event); });
}

CU_API cuGraphExecChildGraphNodeSetParams(CUgraphExec exec, CUgraphNode node, CUgraph child) {
    return update_node(__func__, exec, node, [&](const Node &n) { return child_node(*n.graph, child); });
}
CU_API cuGraphExecNodeSetParams(CUgraphExec exec, CUgraphNode node, CUgraphNodeParams *parameters) {
    return update_node(__func__, exec, node, [&](const Node &n) { return changed_node(n, parameters); });
}

CU_API cuGraphNodeSetEnabled(CUgraphExec handle, CUgraphNode original, unsigned enabled) {
    return context_call(__func__, [&](Context &) {
        Node &node = node_in(*object_of(Driver::get().graph_execs, handle), original);
        require(can_be_disabled(node));
        node.enabled = enabled != 0;
    });
}
CU_API cuGraphNodeGetEnabled(CUgraphExec handle, CUgraphNode original, unsigned *enabled) {
    return context_call(__func__, [&](Context &) {
        const Node &node = node_in(*object_of(Driver::get().graph_execs, handle), original);
        require(enabled && can_be_disabled(node));
        *enabled = node.enabled;
    });
}

CU_API cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph, CUgraphExecUpdateResultInfo *info) {
    if (!info) return CUDA_ERROR_INVALID_VALUE;
    *info = {};
    return update(__func__, exec, graph, info->result, info->errorNode, info->errorFromNode);
}
CU_API cuGraphExecUpdate(CUgraphExec exec, CUgraph graph, CUgraphNode *node, CUgraphExecUpdateResult *result) {
    if (!node || !result) return CUDA_ERROR_INVALID_VALUE;
    Node *from = nullptr;
    *node = nullptr;
    return update(__func__, exec, graph, *result, *node, from);
}

}  // extern "C"

}  // namespace softgpu
