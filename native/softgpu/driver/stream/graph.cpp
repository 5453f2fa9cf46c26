// Graphs, built node by node.
#include "driver/stream/graph.h"

#include <algorithm>

#include "driver/state/call.h"
#include "driver/state/module.h"
#include "driver/work/kernel.h"
#include "driver/work/place.h"
#include "driver/work/transfer.h"

namespace softgpu {

namespace {

// Never destroyed, like the driver itself.
auto &live_nodes = *new std::unordered_map<const Node *, Node *>;

}  // namespace

Graph::~Graph() {
    for (const auto &node : nodes) live_nodes.erase(node.get());
}

Node *Graph::add(NodeWork work, std::vector<Node *> after) {
    auto node = std::make_unique<Node>();
    node->graph = this;
    node->work = std::move(work);
    node->after = std::move(after);
    live_nodes[node.get()] = node.get();
    nodes.push_back(std::move(node));
    return nodes.back().get();
}

void Graph::remove(Node &node) {
    for (const auto &other : nodes) std::erase(other->after, &node);
    live_nodes.erase(&node);
    std::erase_if(nodes, [&](const auto &n) { return n.get() == &node; });
}

Node *Graph::find(const Node *original) const {
    for (const auto &node : nodes)
        if (node.get() == original || node->original == original) return node.get();
    return nullptr;
}

std::shared_ptr<Graph> Graph::clone() const {
    auto copy = std::make_shared<Graph>();
    copy->context = context;
    std::map<const Node *, Node *> copies;
    for (const auto &node : nodes) {
        Node *made = copy->add(node->work, {});
        if (auto *child = std::get_if<ChildNode>(&made->work)) child->graph = child->graph->clone();
        made->original = node.get();
        copies[node.get()] = made;
    }
    for (const auto &node : nodes)
        for (const Node *n : node->after) copies[node.get()]->after.push_back(copies[n]);
    return copy;
}

std::vector<Node *> Graph::sorted() const {
    std::vector<Node *> order;
    std::map<const Node *, bool> placed;
    for (bool progress = true; progress && order.size() < nodes.size();) {
        progress = false;
        for (const auto &node : nodes) {
            if (placed[node.get()]) continue;
            const auto is_placed = [&](const Node *n) { return placed[n]; };
            if (!std::all_of(node->after.begin(), node->after.end(), is_placed)) continue;
            placed[node.get()] = progress = true;
            order.push_back(node.get());
        }
    }
    return order;
}

std::shared_ptr<Graph> graph_of(CUgraph handle) {
    if (auto graph = Driver::get().graphs.find(handle)) return graph;
    for (const auto &[key, node] : live_nodes)
        if (const auto *child = std::get_if<ChildNode>(&node->work); child && child->graph.get() == handle)
            return child->graph;
    fail(CUDA_ERROR_INVALID_HANDLE);
}

Node &node_of(CUgraphNode handle) {
    const auto at = live_nodes.find(handle);
    require(at != live_nodes.end(), CUDA_ERROR_INVALID_HANDLE);
    return *at->second;
}

NodeWork kernel_node(const CUDA_KERNEL_NODE_PARAMS_v1 *p) {
    require(p);
    return kernel_work(*function_of(Driver::get().current(), p->func), {p->gridDimX, p->gridDimY, p->gridDimZ},
                       {p->blockDimX, p->blockDimY, p->blockDimZ}, p->sharedMemBytes, p->kernelParams, p->extra);
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

NodeWork child_node(CUgraph handle) {
    const auto graph = graph_of(handle);
    require(!graph->has_memory_nodes(), CUDA_ERROR_NOT_SUPPORTED);
    return ChildNode{graph->clone()};
}

template <class W> NodeWork event_node(CUevent event) {
    object_of(Driver::get().events, event);
    return W{event};
}
template NodeWork event_node<EventRecordNode>(CUevent event);
template NodeWork event_node<EventWaitNode>(CUevent event);

void replace_work(Node &node, NodeWork work) {
    require(node.work.index() == work.index());
    node.work = std::move(work);
}

}  // namespace softgpu
