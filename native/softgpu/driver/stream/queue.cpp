#include "driver/stream/queue.h"

#include <algorithm>
#include <set>

#include "base/process_end.h"
#include "driver/stream/graph.h"
#include "driver/stream/host_thread.h"

namespace softgpu {

namespace {

constexpr size_t MOST_QUEUED = 4096;

std::shared_ptr<Stream> new_stream(Context &context, unsigned flags) {
    auto stream = std::make_shared<Stream>();
    stream->context = &context;
    stream->flags = flags;
    context.streams.push_back(stream);
    return stream;
}

// Runs the first operation of a stream. Work of a context with a sticky error is dropped.
void step(const std::shared_ptr<Stream> &stream) {
    Operation &operation = stream->queue.front();
    Context &context = *stream->context;
    CUresult result = CUDA_SUCCESS;
    if (const auto *free = std::get_if<FreeWork>(&operation.work)) {
        Arena::get().free(free->address, Arena::Kind::device);
        Driver::get().allocations.erase(free->address);
    } else if (context.sticky == CUDA_SUCCESS) {
        if (operation.begun == decltype(operation.begun)()) operation.begun = std::chrono::steady_clock::now();
        begin_work(operation.begun, operation.queued_at_end);
        Driver::get().unlocked([&] { result = execute(operation.work); });
    }
    if (result == CUDA_ERROR_NOT_READY) {
        if (!process_end_is_due()) return Driver::get().pause();
        complain("work still waited for another process when this process ended: it was dropped");
        result = CUDA_ERROR_DEINITIALIZED;
    }
    if (result != CUDA_SUCCESS && context.sticky == CUDA_SUCCESS) context.sticky = result;
    stream->queue.pop_front();
    ++stream->done;
}

void forget_finished(Context &context) {
    std::erase_if(context.streams, [](const auto &s) { return s->destroyed && s->idle(); });
}

// The orders that it is part of.
std::set<const void *> orders(const Work &work) {
    std::set<const void *> found;
    if (const auto *const graph = std::get_if<std::shared_ptr<GraphWork>>(&work))
        for (const Work &step : (*graph)->steps) found.merge(orders(step));
    if (const auto *const library = std::get_if<LibraryWork>(&work); library && library->order)
        found.insert(library->order);
    return found;
}

// Whether it calls functions of the program, or other processes wait for it.
bool is_awaited(const Work &work) {
    const auto *const graph = std::get_if<std::shared_ptr<GraphWork>>(&work);
    if (graph) return std::ranges::any_of((*graph)->steps, is_awaited);
    const auto *const library = std::get_if<LibraryWork>(&work);
    return std::holds_alternative<HostWork>(work) || std::holds_alternative<CallbackWork>(work) ||
           (library && library->order);
}

}  // namespace

std::shared_ptr<Stream> stream_of(Context &context, CUstream handle) {
    if (!handle && null_stream_is_per_thread) handle = CU_STREAM_PER_THREAD;
    if (!handle || handle == CU_STREAM_LEGACY) {
        if (!context.legacy) context.legacy = new_stream(context, 0);
        return context.legacy;
    }
    if (handle == CU_STREAM_PER_THREAD) {
        std::shared_ptr<Stream> &own = context.per_thread[std::this_thread::get_id()];
        if (!own) own = new_stream(context, 0);
        return own;
    }
    return object_of(Driver::get().streams, handle);
}

uint64_t enqueue(const std::shared_ptr<Stream> &stream, Work work, std::vector<Dependency> after) {
    watch_for_process_end();
    Context &context = *stream->context;
    if (stream->blocking()) {
        // The legacy stream waits for all blocking streams, and they wait for it.
        for (const auto &other : context.streams)
            if (other != stream && other->blocking() && !other->idle() && (stream->is_legacy() || other->is_legacy()))
                after.push_back({other, other->enqueued});
    }
    const bool awaited = is_awaited(work);
    const uint64_t position = stream->enqueued + 1;
    for (const void *order : orders(work)) {
        Dependency &last = context.last_of_order[order];
        if (last.stream && last.stream->done < last.position) after.push_back(last);
        last = {stream, position};
    }
    stream->queue.push_back({std::move(work), std::move(after), process_ends()});
    stream->enqueued = position;
    if (awaited) expect_host_function(stream, position);
    if (stream->queue.size() > MOST_QUEUED) run_to(stream, position);
    return position;
}

// Terminates, since dependencies are always on earlier work. Uses an explicit stack: chains of events between streams
// may be long.
void run_to(const std::shared_ptr<Stream> &stream, uint64_t position) {
    std::vector<Dependency> wanted{{stream, position}};
    while (!wanted.empty()) {
        Driver::get().wait_idle();
        const Dependency top = wanted.back();
        if (top.stream->done >= top.position) {
            wanted.pop_back();
            continue;
        }
        const auto &after = top.stream->queue.front().after;
        const auto pending = std::find_if(after.begin(), after.end(),
                                          [](const Dependency &d) { return d.stream->done < d.position; });
        if (pending != after.end()) wanted.push_back(*pending);
        else step(top.stream);
    }
}

void run_until(const std::shared_ptr<Stream> &stream, uint64_t position) {
    Context &context = *stream->context;
    run_to(stream, position);
    forget_finished(context);
    require(context.sticky == CUDA_SUCCESS, context.sticky);
}

void drain_quietly(Context &context) {
    const auto streams = context.streams;
    for (const auto &stream : streams) run_to(stream, stream->enqueued);
    forget_finished(context);
}

void drain(Context &context) {
    drain_quietly(context);
    require(context.sticky == CUDA_SUCCESS, context.sticky);
}

}  // namespace softgpu
