// Graphs of work: what capture and the program build, and what instantiation makes of them.
#pragma once

#include "driver/state/driver.h"

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
using NodeWork = std::variant<EmptyWork, KernelWork, CopyWork, FillWork, HostWork, LibraryWork, ChildNode,
                              EventRecordNode, EventWaitNode>;

struct Node {
    Graph *graph = nullptr;
    NodeWork work;
    std::vector<Node *> after;          // what it depends on
    const Node *original = nullptr;     // that it was cloned from
    std::vector<void *> parameter_pointers;     // what cuGraphKernelNodeGetParams hands out
};

struct Graph : Object {
    std::vector<std::unique_ptr<Node>> nodes;   // in order of creation

    ~Graph();
    Node *add(NodeWork work, std::vector<Node *> after);
    // With the dependencies on it.
    void remove(Node &node);
    // A node of another graph's clone, or of this graph.
    Node *find(const Node *original) const;
    std::shared_ptr<Graph> clone() const;
    // The nodes, each after those that it depends on and otherwise in order of creation; fewer where there is a cycle.
    std::vector<Node *> sorted() const;
};

// A graph by its handle: the program's own, or a child node's.
std::shared_ptr<Graph> graph_of(CUgraph handle);
// A live node by its handle.
Node &node_of(CUgraphNode handle);

// What one launch of an executable graph runs, in order.
struct GraphWork {
    std::vector<Work> steps;
};

// The graph as it was when instantiated: a clone.
struct GraphExec : Object {
    std::shared_ptr<Graph> graph;
    uint64_t flags = 0;
};

// Work from the parameters of nodes, checked.
NodeWork kernel_node(const CUDA_KERNEL_NODE_PARAMS_v1 *parameters);
NodeWork copy_node(const CUDA_MEMCPY3D *parameters);
NodeWork fill_node(const CUDA_MEMSET_NODE_PARAMS *parameters);
NodeWork host_node(const CUDA_HOST_NODE_PARAMS *parameters);
NodeWork child_node(CUgraph graph);
template <class W> NodeWork event_node(CUevent event);
// Puts work of the same kind in the place of a node's.
void replace_work(Node &node, NodeWork work);

}  // namespace softgpu
