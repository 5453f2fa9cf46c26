// Graphs, built by stream capture or by the program, and executable graphs.
#pragma once

#include <set>

#include "driver/stream/graph_memory.h"

namespace softgpu {

struct ChildNode {
    std::shared_ptr<Graph> graph;
};
struct EventRecordNode {
    CUevent event = nullptr;
};
struct EventWaitNode {
    CUevent event = nullptr;
};
// Allocates memory, or frees it.
struct AllocNode {
    std::shared_ptr<GraphMemory> memory;
    CUDA_MEM_ALLOC_NODE_PARAMS parameters;
};
struct FreeNode {
    std::shared_ptr<GraphMemory> memory;
};
using NodeWork = std::variant<EmptyWork, KernelWork, CopyWork, FillWork, HostWork, LibraryWork, ChildNode,
                              EventRecordNode, EventWaitNode, AllocNode, FreeNode>;

struct Node {
    Graph *graph = nullptr;
    NodeWork work;
    std::vector<Node *> after;          // its dependencies
    bool enabled = true;                // of an executable graph: runs
    const Node *original = nullptr;     // the node that it was cloned from
    std::vector<void *> parameter_pointers;     // the result of cuGraphKernelNodeGetParams
};

struct Graph : Object, std::enable_shared_from_this<Graph> {
    std::vector<std::unique_ptr<Node>> nodes;   // in order of creation
    std::weak_ptr<GraphExec> executable;        // the last one
    bool captured = false;                      // a stream captures into it

    Graph();
    ~Graph();
    Node *add(NodeWork work, std::vector<Node *> after);
    // Also removes the dependencies on the node.
    void remove(Node &node);
    // The clone of a node of another graph, or a node of this graph.
    Node *find(const Node *original) const;
    std::shared_ptr<Graph> clone() const;
    bool has_memory_nodes() const;
    // The nodes in topological order, otherwise in order of creation.
    std::vector<Node *> sorted() const;
};

// The nodes and all that they depend on, directly or not.
std::set<Node *> with_ancestors(std::vector<Node *> nodes);

// A graph by its handle: the program's own, a child node's, or one that a stream captures into.
std::shared_ptr<Graph> graph_of(CUgraph handle);
// A live node by its handle.
Node &node_of(CUgraphNode handle);

// The steps of one launch of an executable graph, in order.
struct GraphWork {
    std::vector<Work> steps;
    size_t done = 0;
};

// The graph as it was when instantiated: a clone.
struct GraphExec : Object {
    std::shared_ptr<Graph> graph;
    uint64_t flags = 0;
};

CUgraphNodeType type_of(const NodeWork &work);

// Creates work from the parameters of a node, and checks it.
NodeWork kernel_node(const CUDA_KERNEL_NODE_PARAMS_v1 *parameters);
NodeWork kernel_node(const CUDA_KERNEL_NODE_PARAMS_v2 *parameters);
NodeWork copy_node(const CUDA_MEMCPY3D *parameters);
NodeWork fill_node(const CUDA_MEMSET_NODE_PARAMS *parameters);
NodeWork host_node(const CUDA_HOST_NODE_PARAMS *parameters);
NodeWork child_node(const Graph &parent, CUgraph graph);
template <class W> NodeWork event_node(CUevent event);
NodeWork alloc_node(Context &context, CUDA_MEM_ALLOC_NODE_PARAMS &parameters);      // sets the address
NodeWork free_node(const Graph &graph, CUdeviceptr address);
NodeWork any_node(const Graph &graph, CUgraphNodeParams *parameters);
// For a node that there is, of the same type.
NodeWork changed_node(const Node &node, CUgraphNodeParams *parameters);
// Replaces the work of a node by work of the same kind. A kernel keeps the attributes of its launch.
void replace_work(Node &node, NodeWork work);

// Refuses edges that do not wait for all of a node. No data means edges that do.
void require_full(const CUgraphEdgeData *edges, size_t count);

}  // namespace softgpu
