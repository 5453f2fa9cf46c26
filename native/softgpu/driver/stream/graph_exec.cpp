// Executable graphs: made and launched.
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
        if (!node->enabled) continue;
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

// Nothing needs to be uploaded, but it must be possible.
void check_upload(Context &context, CUstream stream) {
    require(!capturing(stream_of(context, stream)), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
}

CUresult instantiate(const char *name, CUgraphExec *exec, CUgraph handle, uint64_t flags,
                     const CUstream *upload = nullptr) {
    return context_call(name, [&](Context &context) {
        require(exec);
        require(!(flags & ~(AUTO_FREE | UPLOAD | DEVICE_LAUNCH | NODE_PRIORITY)));
        require(!(flags & DEVICE_LAUNCH), CUDA_ERROR_NOT_SUPPORTED);
        const auto graph = object_of(Driver::get().graphs, handle);
        require(!graph->has_memory_nodes() || graph->executable.expired(), CUDA_ERROR_NOT_SUPPORTED);
        if (upload) check_upload(context, *upload);
        auto made = std::make_shared<GraphExec>();
        made->context = &context;
        made->number = Driver::get().next_number("executable graph");
        made->flags = flags;
        made->graph = graph->clone();
        graph->executable = made;
        *exec = Driver::get().graph_execs.add(made);
    });
}

}  // namespace

extern "C" {

CU_API cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph, unsigned long long flags) {
    return instantiate(__func__, exec, graph, flags);
}

CU_API cuGraphInstantiateWithParams(CUgraphExec *exec, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS *parameters) {
    if (!parameters) return CUDA_ERROR_INVALID_VALUE;
    const CUstream *const upload = parameters->flags & UPLOAD ? &parameters->hUploadStream : nullptr;
    const CUresult result = instantiate(__func__, exec, graph, parameters->flags, upload);
    parameters->hErrNode_out = nullptr;
    parameters->result_out = result != CUDA_SUCCESS;
    return result;
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

CU_API cuGraphUpload(CUgraphExec handle, CUstream stream) {
    return context_call(__func__, [&](Context &context) {
        object_of(Driver::get().graph_execs, handle);
        check_upload(context, stream);
    });
}

}  // extern "C"

}  // namespace softgpu
