// Graphs, built node by node.
#include "driver/stream/graph.h"

#include <algorithm>
#include <unordered_set>

#include "driver/state/call.h"

namespace softgpu {

namespace {

// Never destroyed, like the driver itself.
auto &live_graphs = *new std::unordered_set<const Graph *>;
auto &live_nodes = *new std::unordered_set<const Node *>;

}  // namespace

Graph::Graph() { live_graphs.insert(this); }

Graph::~Graph() {
    live_graphs.erase(this);
    for (const auto &node : nodes) live_nodes.erase(node.get());
}

Node *Graph::add(NodeWork work, std::vector<Node *> after) {
    auto node = std::make_unique<Node>();
    node->graph = this;
    node->work = std::move(work);
    node->after = std::move(after);
    live_nodes.insert(node.get());
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
        made->enabled = node->enabled;
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

std::set<Node *> with_ancestors(std::vector<Node *> nodes) {
    std::set<Node *> found;
    while (!nodes.empty()) {
        Node *node = nodes.back();
        nodes.pop_back();
        if (found.insert(node).second) nodes.insert(nodes.end(), node->after.begin(), node->after.end());
    }
    return found;
}

std::shared_ptr<Graph> graph_of(CUgraph handle) {
    require(live_graphs.contains(handle), CUDA_ERROR_INVALID_HANDLE);
    return handle->shared_from_this();
}

Node &node_of(CUgraphNode handle) {
    require(live_nodes.contains(handle), CUDA_ERROR_INVALID_HANDLE);
    return *handle;
}

}  // namespace softgpu
