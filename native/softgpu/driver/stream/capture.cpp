#include "driver/stream/capture.h"

#include <algorithm>
#include <set>

#include "driver/stream/queue.h"

namespace softgpu {

namespace {

thread_local CUstreamCaptureMode thread_mode = CU_STREAM_CAPTURE_MODE_GLOBAL;

// The active captures. Never destroyed, like the driver itself.
auto &captures = *new std::vector<std::weak_ptr<Capture>>;

[[noreturn]] void invalidate(Capture &capture, CUresult error) {
    capture.invalidated = true;
    fail(error);
}

void require_valid(const Capture &capture) {
    require(!capture.invalidated, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
}

std::shared_ptr<Stream> capturing_stream(Context &context) {
    for (const auto &s : context.streams)
        if (s->capture && s->blocking()) return s;
    return nullptr;
}

void join(const std::shared_ptr<Stream> &stream, const std::shared_ptr<Capture> &capture) {
    stream->capture = capture;
    stream->frontier.clear();
    capture->streams.push_back(stream);
}

void leave(Stream &stream) {
    stream.capture.reset();
    stream.frontier.clear();
}

void add_unique(std::vector<Node *> &to, const std::vector<Node *> &from) {
    for (Node *node : from)
        if (std::find(to.begin(), to.end(), node) == to.end()) to.push_back(node);
}

CUstreamCaptureStatus status_of(const Stream &stream) {
    if (!stream.capture) return CU_STREAM_CAPTURE_STATUS_NONE;
    return stream.capture->invalidated ? CU_STREAM_CAPTURE_STATUS_INVALIDATED : CU_STREAM_CAPTURE_STATUS_ACTIVE;
}

// The dependencies of the stream's next node. The handles stay valid until the stream's next call.
CUresult capture_info(const char *name, CUstream handle, CUstreamCaptureStatus *status, uint64_t *id, CUgraph *graph,
                      const CUgraphNode **nodes, const CUgraphEdgeData **edges, size_t *count) {
    return context_call(name, [&](Context &context) {
        const auto stream = stream_of(context, handle);
        require(status && (nodes || !edges));
        if (stream->is_legacy()) require(!capturing_stream(context), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
        *status = status_of(*stream);
        if (*status != CU_STREAM_CAPTURE_STATUS_ACTIVE) return;
        if (id) *id = stream->capture->id;
        if (graph) *graph = stream->capture->graph.get();
        if (nodes) *nodes = stream->frontier.data();
        if (edges) {
            stream->frontier_edges.assign(stream->frontier.size(), {});
            *edges = stream->frontier_edges.data();
        }
        if (count) *count = stream->frontier.size();
    });
}

CUresult update_dependencies(const char *name, CUstream handle, CUgraphNode *nodes, const CUgraphEdgeData *edges,
                             size_t count, unsigned flags) {
    return context_call(name, [&](Context &context) {
        const auto stream = stream_of(context, handle);
        require(stream->capture != nullptr, CUDA_ERROR_ILLEGAL_STATE);
        require_valid(*stream->capture);
        require(flags <= 1 && (nodes || count == 0));
        require_full(edges, count);
        std::vector<Node *> wanted;
        for (size_t i = 0; i < count; ++i) {
            require(node_of(nodes[i]).graph == stream->capture->graph.get());
            wanted.push_back(nodes[i]);
        }
        if (flags == 1) stream->frontier.clear();   // 1 sets, 0 adds
        add_unique(stream->frontier, wanted);
    });
}

}  // namespace

bool capturing(const std::shared_ptr<Stream> &stream) {
    if (stream->capture) require_valid(*stream->capture);
    else refuse_capture(stream);
    return stream->capture != nullptr;
}

void add_node(const std::shared_ptr<Stream> &stream, NodeWork work) {
    Graph &graph = *stream->capture->graph;
    std::vector<Node *> after = stream->frontier;
    if (const auto *made = std::get_if<LibraryWork>(&work); made && made->order) {
        const auto last = std::find_if(graph.nodes.rbegin(), graph.nodes.rend(), [&](const auto &node) {
            const auto *library = std::get_if<LibraryWork>(&node->work);
            return library && library->order == made->order;
        });
        if (last != graph.nodes.rend()) add_unique(after, {last->get()});
    }
    stream->frontier = {graph.add(std::move(work), std::move(after))};
}

void refuse_capture(const std::shared_ptr<Stream> &stream) {
    if (stream->capture) {
        require_valid(*stream->capture);
        invalidate(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    }
    if (!stream->is_legacy()) return;
    if (const auto capturing = capturing_stream(*stream->context))
        invalidate(*capturing->capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
}

void refuse_capture(Context &context) {
    for (const auto &stream : context.streams)
        if (stream->capture) invalidate(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
}

void refuse_unsafe_call() {
    if (thread_mode == CU_STREAM_CAPTURE_MODE_RELAXED) return;
    const std::thread::id self = std::this_thread::get_id();
    std::erase_if(captures, [](const auto &c) { return c.expired(); });
    for (const auto &weak : captures) {
        Capture &capture = *weak.lock();
        const bool own = capture.thread == self && capture.mode != CU_STREAM_CAPTURE_MODE_RELAXED;
        const bool global =
            thread_mode == CU_STREAM_CAPTURE_MODE_GLOBAL && capture.mode == CU_STREAM_CAPTURE_MODE_GLOBAL;
        if (own || global) invalidate(capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    }
}

bool capture_record(const std::shared_ptr<Stream> &stream, Event &event) {
    event.capture.reset();
    event.captured.clear();
    if (!capturing(stream)) return false;
    event.capture = stream->capture;
    event.captured = stream->frontier;
    return true;
}

bool capture_wait(const std::shared_ptr<Stream> &stream, Event &event, bool external) {
    if (external) {
        require(capturing(stream));
        add_node(stream, EventWaitNode{&event});
        return true;
    }
    if (!event.capture) {
        if (!capturing(stream)) return false;
        if (!event.latest) return true;     // nothing was recorded: nothing to wait for
        invalidate(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
    }
    if (!event.capture->graph) {
        // That capture has ended. Its work is in a graph, not in a stream, so nothing can wait for it.
        if (stream->capture) invalidate(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
        fail(CUDA_ERROR_CAPTURED_EVENT);
    }
    require_valid(*event.capture);
    if (stream->capture && stream->capture != event.capture) {
        event.capture->invalidated = true;
        invalidate(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_MERGE);
    }
    if (!stream->capture) {
        if (stream->is_legacy()) invalidate(*event.capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
        join(stream, event.capture);
    }
    add_unique(stream->frontier, event.captured);
    return true;
}

void abandon_capture(Stream &stream) {
    if (!stream.capture) return;
    if (stream.capture->origin == &stream) {
        stream.capture->invalidated = true;
        for (const auto &weak : std::vector(stream.capture->streams))
            if (const auto other = weak.lock(); other && other.get() != &stream) leave(*other);
    } else {
        add_unique(stream.capture->left, stream.frontier);
    }
    leave(stream);
}

extern "C" {

CU_API cuStreamBeginCapture_v2(CUstream handle, CUstreamCaptureMode mode) {
    return context_call(__func__, [&](Context &context) {
        require(mode >= CU_STREAM_CAPTURE_MODE_GLOBAL && mode <= CU_STREAM_CAPTURE_MODE_RELAXED);
        const auto stream = stream_of(context, handle);
        require(!stream->is_legacy(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
        require(!stream->capture, CUDA_ERROR_ILLEGAL_STATE);
        static uint64_t ids = 0;
        auto capture = std::make_shared<Capture>();
        capture->id = ++ids;
        capture->graph = std::make_shared<Graph>();
        capture->graph->context = &context;
        capture->graph->captured = true;
        capture->origin = stream.get();
        capture->mode = mode;
        capture->thread = std::this_thread::get_id();
        captures.push_back(capture);
        join(stream, capture);
    });
}

// The old version of the function uses the global mode.
CU_API cuStreamBeginCapture(CUstream handle) { return cuStreamBeginCapture_v2(handle, CU_STREAM_CAPTURE_MODE_GLOBAL); }

CU_API cuStreamEndCapture(CUstream handle, CUgraph *graph) {
    return context_call(__func__, [&](Context &context) {
        const auto stream = stream_of(context, handle);
        require(graph);
        *graph = nullptr;
        require(stream->capture != nullptr, CUDA_ERROR_ILLEGAL_STATE);
        const std::shared_ptr<Capture> capture = stream->capture;
        require(capture->origin == stream.get(), CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
        require(capture->mode == CU_STREAM_CAPTURE_MODE_RELAXED || capture->thread == std::this_thread::get_id(),
                CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);

        const std::set<Node *> joined = with_ancestors(stream->frontier);
        const auto is_joined = [&](Node *node) { return joined.contains(node); };
        bool unjoined = !std::ranges::all_of(capture->left, is_joined);
        for (const auto &weak : capture->streams) {
            const auto other = weak.lock();
            if (!other || other->capture != capture) continue;
            unjoined |= !std::ranges::all_of(other->frontier, is_joined);
            leave(*other);
        }
        const std::shared_ptr<Graph> made = std::move(capture->graph);
        std::erase_if(captures, [&](const auto &c) { return c.lock() == capture; });
        require(!capture->invalidated, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
        require(!unjoined, CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
        made->captured = false;
        made->number = Driver::get().next_number("graph");
        *graph = Driver::get().graphs.add(made);
    });
}

CU_API cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus *status) {
    return capture_info(__func__, handle, status, nullptr, nullptr, nullptr, nullptr, nullptr);
}

CU_API cuStreamGetCaptureInfo(CUstream handle, CUstreamCaptureStatus *status, uint64_t *id) {
    return capture_info(__func__, handle, status, id, nullptr, nullptr, nullptr, nullptr);
}

CU_API cuStreamGetCaptureInfo_v2(CUstream handle, CUstreamCaptureStatus *status, uint64_t *id, CUgraph *graph,
                                 const CUgraphNode **nodes, size_t *count) {
    return capture_info(__func__, handle, status, id, graph, nodes, nullptr, count);
}

CU_API cuStreamGetCaptureInfo_v3(CUstream handle, CUstreamCaptureStatus *status, uint64_t *id, CUgraph *graph,
                                 const CUgraphNode **nodes, const CUgraphEdgeData **edges, size_t *count) {
    return capture_info(__func__, handle, status, id, graph, nodes, edges, count);
}

CU_API cuStreamUpdateCaptureDependencies(CUstream stream, CUgraphNode *nodes, size_t count, unsigned flags) {
    return update_dependencies(__func__, stream, nodes, nullptr, count, flags);
}
CU_API cuStreamUpdateCaptureDependencies_v2(CUstream stream, CUgraphNode *nodes, const CUgraphEdgeData *edges,
                                            size_t count, unsigned flags) {
    return update_dependencies(__func__, stream, nodes, edges, count, flags);
}

CU_API cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
    return driver_call(__func__, [&](Driver &) {
        require(mode && *mode >= CU_STREAM_CAPTURE_MODE_GLOBAL && *mode <= CU_STREAM_CAPTURE_MODE_RELAXED);
        std::swap(*mode, thread_mode);
    });
}

}  // extern "C"

}  // namespace softgpu
