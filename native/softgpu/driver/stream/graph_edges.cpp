// The edges of graphs, and lists of their nodes. The second versions of the calls have data of each edge.
#include <algorithm>

#include "driver/state/call.h"
#include "driver/stream/graph.h"

namespace softgpu {

namespace {

bool depends(const Node &node, const Node *on) { return std::count(node.after.begin(), node.after.end(), on) > 0; }

// Returns a list: only the count if `to` is null, else as many elements as fit, with nulls after the last one.
void give_list(const std::vector<Node *> &list, CUgraphNode *to, size_t *count) {
    require(count);
    if (to)
        for (size_t i = 0; i < *count; ++i) to[i] = i < list.size() ? list[i] : nullptr;
    *count = to ? std::min(*count, list.size()) : list.size();
}

void give_edges(const std::vector<Node *> &list, CUgraphNode *to, CUgraphEdgeData *edges, size_t *count) {
    require(count && (to || !edges));
    if (edges) std::fill_n(edges, *count, CUgraphEdgeData{});
    give_list(list, to, count);
}

CUresult add_edges(const char *name, CUgraph handle, const CUgraphNode *from, const CUgraphNode *to,
                   const CUgraphEdgeData *edges, size_t count) {
    return context_call(name, [&](Context &) {
        const auto graph = graph_of(handle);
        require((from && to) || count == 0);
        require_full(edges, count);
        for (size_t i = 0; i < count; ++i)
            require(node_of(from[i]).graph == graph.get() && node_of(to[i]).graph == graph.get());
        // One by one, since the edges may form a circle together. All or none are added.
        for (size_t i = 0; i < count; ++i) {
            if (depends(*to[i], from[i]) || with_ancestors({from[i]}).contains(to[i])) {
                while (i > 0) --i, to[i]->after.pop_back();
                fail(CUDA_ERROR_INVALID_VALUE);
            }
            to[i]->after.push_back(from[i]);
        }
    });
}

CUresult remove_edges(const char *name, CUgraph handle, const CUgraphNode *from, const CUgraphNode *to,
                      const CUgraphEdgeData *edges, size_t count) {
    return context_call(name, [&](Context &) {
        const auto graph = graph_of(handle);
        require((from && to) || count == 0);
        require_full(edges, count);
        require(!graph->has_memory_nodes(), CUDA_ERROR_NOT_SUPPORTED);
        for (size_t i = 0; i < count; ++i)
            require(node_of(to[i]).graph == graph.get() && depends(*to[i], from[i]));
        for (size_t i = 0; i < count; ++i) std::erase(to[i]->after, from[i]);
    });
}

CUresult all_edges(const char *name, CUgraph handle, CUgraphNode *from, CUgraphNode *to, CUgraphEdgeData *edges,
                   size_t *count) {
    return context_call(name, [&](Context &) {
        require(!from == !to && count);
        std::vector<Node *> froms, tos;
        for (const auto &node : graph_of(handle)->nodes)
            for (Node *n : node->after) {
                froms.push_back(n);
                tos.push_back(node.get());
            }
        size_t same = *count;
        give_list(froms, from, &same);
        give_edges(tos, to, edges, count);
    });
}

CUresult edges_before(const char *name, CUgraphNode handle, CUgraphNode *nodes, CUgraphEdgeData *edges, size_t *count) {
    return context_call(name, [&](Context &) { give_edges(node_of(handle).after, nodes, edges, count); });
}

CUresult edges_behind(const char *name, CUgraphNode handle, CUgraphNode *nodes, CUgraphEdgeData *edges, size_t *count) {
    return context_call(name, [&](Context &) {
        const Node &node = node_of(handle);
        std::vector<Node *> dependents;
        for (const auto &other : node.graph->nodes)
            if (depends(*other, &node)) dependents.push_back(other.get());
        give_edges(dependents, nodes, edges, count);
    });
}

}  // namespace

void require_full(const CUgraphEdgeData *edges, size_t count) {
    constexpr int MOST_PORT = 2, MOST_TYPE = 1;     // of a kernel; programmatic
    for (size_t i = 0; edges && i < count; ++i) {
        const CUgraphEdgeData &edge = edges[i];
        require(edge.from_port <= MOST_PORT && edge.to_port == 0 && edge.type <= MOST_TYPE);
        for (const unsigned char reserved : edge.reserved) require(reserved == 0);
        if (edge.from_port == 0 && edge.type == 0) continue;
        complain(std::string(current_call) + ": programmatic edges are not provided");
        fail(CUDA_ERROR_NOT_SUPPORTED);
    }
}

extern "C" {

CU_API cuGraphAddDependencies(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, size_t count) {
    return add_edges(__func__, graph, from, to, nullptr, count);
}
CU_API cuGraphAddDependencies_v2(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to,
                                 const CUgraphEdgeData *edges, size_t count) {
    return add_edges(__func__, graph, from, to, edges, count);
}

CU_API cuGraphRemoveDependencies(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, size_t count) {
    return remove_edges(__func__, graph, from, to, nullptr, count);
}
CU_API cuGraphRemoveDependencies_v2(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to,
                                    const CUgraphEdgeData *edges, size_t count) {
    return remove_edges(__func__, graph, from, to, edges, count);
}

CU_API cuGraphGetEdges(CUgraph graph, CUgraphNode *from, CUgraphNode *to, size_t *count) {
    return all_edges(__func__, graph, from, to, nullptr, count);
}
CU_API cuGraphGetEdges_v2(CUgraph graph, CUgraphNode *from, CUgraphNode *to, CUgraphEdgeData *edges, size_t *count) {
    return all_edges(__func__, graph, from, to, edges, count);
}

CU_API cuGraphNodeGetDependencies(CUgraphNode node, CUgraphNode *nodes, size_t *count) {
    return edges_before(__func__, node, nodes, nullptr, count);
}
CU_API cuGraphNodeGetDependencies_v2(CUgraphNode node, CUgraphNode *nodes, CUgraphEdgeData *edges, size_t *count) {
    return edges_before(__func__, node, nodes, edges, count);
}

CU_API cuGraphNodeGetDependentNodes(CUgraphNode node, CUgraphNode *nodes, size_t *count) {
    return edges_behind(__func__, node, nodes, nullptr, count);
}
CU_API cuGraphNodeGetDependentNodes_v2(CUgraphNode node, CUgraphNode *nodes, CUgraphEdgeData *edges, size_t *count) {
    return edges_behind(__func__, node, nodes, edges, count);
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

}  // extern "C"

}  // namespace softgpu
