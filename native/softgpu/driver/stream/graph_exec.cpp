// Executable graphs.
#include <algorithm>

#include "driver/stream/graph.h"
#include "driver/stream/queue.h"
#include "driver/work/kernel.h"

namespace softgpu {

namespace {

constexpr uint64_t AUTO_FREE = 1, UPLOAD = 2, DEVICE_LAUNCH = 4, NODE_PRIORITY = 8;

// Memory may have been freed or pinned since the copy became a node, so the copy is checked again.
struct ToStep {
    Work operator()(const AllocNode &node) const { return OpenWork{node.memory}; }
    Work operator()(const FreeNode &node) const { return CloseWork{node.memory}; }
    template <class W> Work operator()(const W &work) const {
        if constexpr (std::is_constructible_v<Work, const W &>) return work;
        else return EmptyWork{};    // event and child nodes, which append_steps() handles
    }
};

// What a launch means to the program's allocations. Memory that the last launch allocated, and nothing has freed, is
// freed first if the graph was made so; else it cannot be launched.
void account_for_memory(const GraphExec &exec, Context &context, std::vector<Work> &steps) {
    std::vector<std::shared_ptr<GraphMemory>> allocated, freed;
    for (const auto &node : exec.graph->nodes) {
        if (const auto *alloc = std::get_if<AllocNode>(&node->work)) allocated.push_back(alloc->memory);
        if (const auto *free = std::get_if<FreeNode>(&node->work)) freed.push_back(free->memory);
    }
    for (const auto &memory : allocated) require(!memory->allocated() || exec.flags & AUTO_FREE);
    for (const auto &memory : freed) require(memory->allocated() || std::ranges::count(allocated, memory));
    for (const auto &memory : allocated)
        if (memory->allocated()) steps.push_back(forget(memory));
    for (const auto &memory : allocated)
        Driver::get().allocations[memory->address] = {&context, Arena::Kind::graph, memory->bytes, 0, false, nullptr,
                                                      memory};
    for (const auto &memory : freed) forget(memory);
}

// Appends the work of a graph in order. Its events are recorded when the operation at `position` of `stream` runs. The
// events that it waits for are added to `after`.
void append_steps(const Graph &graph, const std::shared_ptr<Stream> &stream, uint64_t position,
                  std::vector<Work> &steps, std::vector<Dependency> &after) {
    for (const Node *node : graph.sorted()) {
        if (const auto *child = std::get_if<ChildNode>(&node->work)) {
            append_steps(*child->graph, stream, position, steps, after);
        } else if (const auto *record = std::get_if<EventRecordNode>(&node->work)) {
            const auto event = object_of(Driver::get().events, record->event);
            auto made = std::make_shared<Record>();
            made->stream = stream;
            made->position = position;
            event->latest = made;
            event->capture.reset();
            steps.push_back(RecordWork{made});
        } else if (const auto *wait = std::get_if<EventWaitNode>(&node->work)) {
            const auto event = object_of(Driver::get().events, wait->event);
            // The event is recorded by an earlier step of this graph.
            if (event->latest && (event->latest->stream != stream || event->latest->position != position))
                after.push_back({event->latest->stream, event->latest->position});
        } else {
            steps.push_back(std::visit(ToStep(), node->work));
        }
    }
}

CUresult instantiate(const char *name, CUgraphExec *exec, CUgraph handle, uint64_t flags) {
    return context_call(name, [&](Context &context) {
        require(exec);
        require(!(flags & ~(AUTO_FREE | UPLOAD | DEVICE_LAUNCH | NODE_PRIORITY)));
        require(!(flags & DEVICE_LAUNCH), CUDA_ERROR_NOT_SUPPORTED);
        const auto graph = object_of(Driver::get().graphs, handle);
        require(!graph->has_memory_nodes() || graph->executable.expired(), CUDA_ERROR_NOT_SUPPORTED);
        auto made = std::make_shared<GraphExec>();
        made->context = &context;
        made->number = Driver::get().next_number("executable graph");
        made->flags = flags;
        made->graph = graph->clone();
        graph->executable = made;
        *exec = Driver::get().graph_execs.add(made);
    });
}

// Replaces the work that came from a node of the original graph.
template <class W, class Make>
CUresult update_node(const char *name, CUgraphExec handle, CUgraphNode original, Make make) {
    return context_call(name, [&](Context &) {
        const auto exec = object_of(Driver::get().graph_execs, handle);
        Node *node = exec->graph->find(original);
        require(node && std::holds_alternative<W>(node->work));
        NodeWork work = make();
        if constexpr (std::is_same_v<W, KernelWork>)
            require(std::get<W>(work).context == std::get<W>(node->work).context);
        replace_work(*node, std::move(work));
    });
}

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

CU_API cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph, unsigned long long flags) {
    return instantiate(__func__, exec, graph, flags);
}

// The old version of the function. Instantiation of a valid graph cannot fail here, so the log stays empty.
CU_API cuGraphInstantiate_v2(CUgraphExec *exec, CUgraph graph, CUgraphNode *error_node, char *log, size_t log_bytes) {
    if (error_node) *error_node = nullptr;
    if (log && log_bytes) *log = 0;
    return instantiate(__func__, exec, graph, 0);
}

CU_API cuGraphExecDestroy(CUgraphExec handle) {
    return context_call(__func__, [&](Context &) {
        object_of(Driver::get().graph_execs, handle);
        Driver::get().graph_execs.remove(handle);
    });
}

CU_API cuGraphExecGetFlags(CUgraphExec handle, uint64_t *flags) {
    return context_call(__func__, [&](Context &) {
        require(flags);
        *flags = object_of(Driver::get().graph_execs, handle)->flags;
    });
}

CU_API cuGraphLaunch(CUgraphExec handle, CUstream stream_handle) {
    return context_call(__func__, [&](Context &context) {
        const auto exec = object_of(Driver::get().graph_execs, handle);
        const auto stream = stream_of(context, stream_handle);
        if (capturing(stream)) {
            require(!exec->graph->has_memory_nodes(), CUDA_ERROR_NOT_SUPPORTED);
            add_node(stream, ChildNode{exec->graph->clone()});
            return;
        }
        auto work = std::make_shared<GraphWork>();
        std::vector<Dependency> after;
        account_for_memory(*exec, context, work->steps);
        append_steps(*exec->graph, stream, stream->enqueued + 1, work->steps, after);
        enqueue(stream, std::move(work), std::move(after));
    }, Site::launch);
}

// Nothing needs to be uploaded.
CU_API cuGraphUpload(CUgraphExec handle, CUstream stream) {
    return context_call(__func__, [&](Context &context) {
        object_of(Driver::get().graph_execs, handle);
        require(!capturing(stream_of(context, stream)), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    });
}

CU_API cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                      const CUDA_KERNEL_NODE_PARAMS_v1 *parameters) {
    return update_node<KernelWork>(__func__, exec, node, [&] { return kernel_node(parameters); });
}
CU_API cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node,
                                         const CUDA_KERNEL_NODE_PARAMS_v2 *parameters) {
    return update_node<KernelWork>(__func__, exec, node, [&] { return kernel_node(parameters); });
}
CU_API cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMCPY3D *parameters, CUcontext) {
    return update_node<CopyWork>(__func__, exec, node, [&] { return copy_node(parameters); });
}
CU_API cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS *parameters,
                                      CUcontext) {
    return update_node<FillWork>(__func__, exec, node, [&] { return fill_node(parameters); });
}
CU_API cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_HOST_NODE_PARAMS *parameters) {
    return update_node<HostWork>(__func__, exec, node, [&] { return host_node(parameters); });
}
CU_API cuGraphExecEventRecordNodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event) {
    return update_node<EventRecordNode>(__func__, exec, node, [&] { return event_node<EventRecordNode>(event); });
}
CU_API cuGraphExecEventWaitNodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event) {
    return update_node<EventWaitNode>(__func__, exec, node, [&] { return event_node<EventWaitNode>(event); });
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
