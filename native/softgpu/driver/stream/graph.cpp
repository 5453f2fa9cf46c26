// Graphs, built node by node.
#include "graph.h"

#include <algorithm>

#include "call.h"
#include "kernel_launch.h"
#include "memory.h"
#include "transfer.h"

namespace softgpu {

namespace {

// Never destroyed, as the driver itself.
auto &live_nodes = *new std::unordered_map<const Node *, Node *>;

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
    };
    return std::visit(Type(), node.work);
}

// A graph by its handle: the program's own, or a child's.
std::shared_ptr<Graph> graph_of(CUgraph handle) {
    if (auto graph = Driver::get().graphs.find(handle)) return graph;
    for (const auto &[key, node] : live_nodes)
        if (const auto *child = std::get_if<ChildNode>(&node->work); child && child->graph.get() == handle)
            return child->graph;
    fail(CUDA_ERROR_INVALID_HANDLE);
}

bool depends(const Node &node, const Node *on) { return std::count(node.after.begin(), node.after.end(), on) > 0; }

// Whether `node` comes after `other` by whatever way.
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

// Answers with a list: how many there are where `to` is null, else as many as fit, and nulls after them.
template <class T> void give_list(const std::vector<T *> &list, T **to, size_t *count) {
    require(count);
    if (to)
        for (size_t i = 0; i < *count; ++i) to[i] = i < list.size() ? list[i] : nullptr;
    *count = to ? std::min(*count, list.size()) : list.size();
}

// A call on the work of one kind in a node.
template <class W, class Body> CUresult on_node(const char *name, CUgraphNode handle, const void *argument, Body body) {
    return context_call(name, [&](Context &) {
        Node &node = node_of(handle);
        W *work = std::get_if<W>(&node.work);
        require(work && argument);
        body(node, *work);
    });
}

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

Node &node_of(CUgraphNode handle) {
    const auto at = live_nodes.find(handle);
    require(at != live_nodes.end(), CUDA_ERROR_INVALID_HANDLE);
    return *at->second;
}

NodeWork kernel_node(const CUDA_KERNEL_NODE_PARAMS_v1 *p) {
    require(p);
    return kernel_work(*object_of(Driver::get().functions, p->func), {p->gridDimX, p->gridDimY, p->gridDimZ},
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

NodeWork child_node(CUgraph graph) { return ChildNode{graph_of(graph)->clone()}; }

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
        auto made = graph_of(handle)->clone();
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
        require(parameters && (!parameters->func || !parameters->kern || parameters->func == parameters->kern));
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

CU_API cuGraphDestroyNode(CUgraphNode handle) {
    return context_call(__func__, [&](Context &) {
        Node *const node = &node_of(handle);
        Graph &graph = *node->graph;
        for (const auto &other : graph.nodes) std::erase(other->after, node);
        live_nodes.erase(node);
        std::erase_if(graph.nodes, [&](const auto &n) { return n.get() == node; });
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

// The arguments that are handed out point into the node.
static void give_kernel(Node &node, KernelWork &work, CUDA_KERNEL_NODE_PARAMS_v1 &to) {
    const Launch &l = work.launch;
    require(!work.program.expired(), CUDA_ERROR_INVALID_HANDLE);
    node.parameter_pointers.clear();
    for (const Kernel::Parameter &p : l.kernel->parameters)
        node.parameter_pointers.push_back(work.launch.parameters.data() + p.offset);
    to = {work.function, l.grid[0], l.grid[1], l.grid[2], l.block[0], l.block[1], l.block[2], l.dynamic_shared,
          node.parameter_pointers.data(), nullptr};
}

CU_API cuGraphKernelNodeGetParams(CUgraphNode handle, CUDA_KERNEL_NODE_PARAMS_v1 *to) {
    return on_node<KernelWork>(__func__, handle, to, [&](Node &node, KernelWork &work) {
        give_kernel(node, work, *to);
    });
}
CU_API cuGraphKernelNodeGetParams_v2(CUgraphNode handle, CUDA_KERNEL_NODE_PARAMS_v2 *to) {
    return on_node<KernelWork>(__func__, handle, to, [&](Node &node, KernelWork &work) {
        give_kernel(node, work, *to);
        to->kern = nullptr;
        to->ctx = work.context;
    });
}
CU_API cuGraphKernelNodeSetParams(CUgraphNode handle, const CUDA_KERNEL_NODE_PARAMS_v1 *from) {
    return on_node<KernelWork>(__func__, handle, from, [&](Node &node, KernelWork &) {
        replace_work(node, kernel_node(from));
    });
}
CU_API cuGraphKernelNodeSetParams_v2(CUgraphNode handle, const CUDA_KERNEL_NODE_PARAMS_v2 *from) {
    return on_node<KernelWork>(__func__, handle, from, [&](Node &node, KernelWork &) {
        replace_work(node, kernel_node(from));
    });
}

CU_API cuGraphMemcpyNodeGetParams(CUgraphNode handle, CUDA_MEMCPY3D *to) {
    return on_node<CopyWork>(__func__, handle, to, [&](Node &, CopyWork &work) { *to = work.parameters; });
}
CU_API cuGraphMemcpyNodeSetParams(CUgraphNode handle, const CUDA_MEMCPY3D *from) {
    return on_node<CopyWork>(__func__, handle, from, [&](Node &node, CopyWork &) {
        replace_work(node, copy_node(from));
    });
}

CU_API cuGraphMemsetNodeGetParams(CUgraphNode handle, CUDA_MEMSET_NODE_PARAMS *to) {
    return on_node<FillWork>(__func__, handle, to, [&](Node &, FillWork &work) { *to = work.parameters; });
}
CU_API cuGraphMemsetNodeSetParams(CUgraphNode handle, const CUDA_MEMSET_NODE_PARAMS *from) {
    return on_node<FillWork>(__func__, handle, from, [&](Node &node, FillWork &) {
        replace_work(node, fill_node(from));
    });
}

CU_API cuGraphHostNodeGetParams(CUgraphNode handle, CUDA_HOST_NODE_PARAMS *to) {
    return on_node<HostWork>(__func__, handle, to, [&](Node &, HostWork &work) { *to = {work.function, work.data}; });
}
CU_API cuGraphHostNodeSetParams(CUgraphNode handle, const CUDA_HOST_NODE_PARAMS *from) {
    return on_node<HostWork>(__func__, handle, from, [&](Node &node, HostWork &) {
        replace_work(node, host_node(from));
    });
}

CU_API cuGraphChildGraphNodeGetGraph(CUgraphNode handle, CUgraph *to) {
    return on_node<ChildNode>(__func__, handle, to, [&](Node &, ChildNode &child) { *to = child.graph.get(); });
}

CU_API cuGraphEventRecordNodeGetEvent(CUgraphNode handle, CUevent *to) {
    return on_node<EventRecordNode>(__func__, handle, to, [&](Node &, EventRecordNode &work) { *to = work.event; });
}
CU_API cuGraphEventWaitNodeGetEvent(CUgraphNode handle, CUevent *to) {
    return on_node<EventWaitNode>(__func__, handle, to, [&](Node &, EventWaitNode &work) { *to = work.event; });
}
CU_API cuGraphEventRecordNodeSetEvent(CUgraphNode handle, CUevent event) {
    return on_node<EventRecordNode>(__func__, handle, event, [&](Node &node, EventRecordNode &) {
        replace_work(node, event_node<EventRecordNode>(event));
    });
}
CU_API cuGraphEventWaitNodeSetEvent(CUgraphNode handle, CUevent event) {
    return on_node<EventWaitNode>(__func__, handle, event, [&](Node &node, EventWaitNode &) {
        replace_work(node, event_node<EventWaitNode>(event));
    });
}

}  // extern "C"

}  // namespace softgpu
