// Events. Each recording is a separate object: a wait for an event is a wait for its latest recording at that time.
#include "driver/stream/queue.h"

namespace softgpu {

namespace {

// Checks that the event can be waited for.
std::shared_ptr<Event> waitable(CUevent handle) {
    auto event = object_of(Driver::get().events, handle);
    if (event->capture) {
        // Waiting for an event recorded in a capture is an error: only a graph will run it. It also invalidates an
        // active capture.
        if (event->capture->graph) event->capture->invalidated = true;
        fail(CUDA_ERROR_CAPTURED_EVENT);
    }
    refuse_unsafe_call();
    return event;
}

CUresult record(const char *name, CUevent handle, CUstream stream_handle, unsigned flags) {
    return context_call(name, [&](Context &context) {
        require(!(flags & ~CU_EVENT_RECORD_EXTERNAL));
        const auto event = object_of(Driver::get().events, handle);
        const auto stream = stream_of(context, stream_handle);
        require(event->context == stream->context, CUDA_ERROR_INVALID_HANDLE);
        if (flags & CU_EVENT_RECORD_EXTERNAL) {
            require(capturing(stream));
            add_node(stream, EventRecordNode{handle});
            return;
        }
        if (capture_record(stream, *event)) return;
        auto made = std::make_shared<Record>();
        made->stream = stream;
        made->position = enqueue(stream, RecordWork{made});
        event->latest = made;
    });
}

CUresult elapsed(const char *name, float *milliseconds, CUevent from_handle, CUevent to_handle) {
    return context_call(name, [&](Context &) {
        require(milliseconds);
        const auto from = waitable(from_handle), to = waitable(to_handle);
        require(!((from->flags | to->flags) & CU_EVENT_DISABLE_TIMING), CUDA_ERROR_INVALID_HANDLE);
        require(from->latest && to->latest, CUDA_ERROR_INVALID_HANDLE);
        require(from->latest->done && to->latest->done, CUDA_ERROR_NOT_READY);
        *milliseconds = std::chrono::duration<float, std::milli>(to->latest->time - from->latest->time).count();
    });
}

}  // namespace

extern "C" {

CU_API cuEventCreate(CUevent *event, unsigned flags) {
    return context_call(__func__, [&](Context &context) {
        require(event && !(flags & ~(CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS)));
        require(!(flags & CU_EVENT_INTERPROCESS) || (flags & CU_EVENT_DISABLE_TIMING));
        require(!(flags & CU_EVENT_INTERPROCESS), CUDA_ERROR_NOT_SUPPORTED);
        auto made = std::make_shared<Event>();
        made->context = &context;
        made->number = Driver::get().next_number("event");
        made->flags = flags;
        *event = Driver::get().events.add(made);
    });
}

CU_API cuEventDestroy_v2(CUevent handle) {
    return context_call(__func__, [&](Context &) {
        object_of(Driver::get().events, handle);
        Driver::get().events.remove(handle);
    });
}

CU_API cuEventRecord(CUevent event, CUstream stream) { return record(__func__, event, stream, 0); }
CU_API cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags) {
    return record(__func__, event, stream, flags);
}

CU_API cuStreamWaitEvent(CUstream stream_handle, CUevent handle, unsigned flags) {
    return context_call(__func__, [&](Context &context) {
        require(!(flags & ~CU_EVENT_WAIT_EXTERNAL));
        const auto stream = stream_of(context, stream_handle);
        const auto event = object_of(Driver::get().events, handle);
        if (capture_wait(stream, *event, flags & CU_EVENT_WAIT_EXTERNAL) || !event->latest) return;
        enqueue(stream, EmptyWork{}, {Dependency{event->latest->stream, event->latest->position}});
    });
}

CU_API cuEventSynchronize(CUevent handle) {
    return context_call(__func__, [&](Context &) {
        const auto event = waitable(handle);
        const auto latest = event->latest;
        if (latest) run_until(latest->stream, latest->position);
    }, Site::synchronize);
}

// Like cuStreamQuery: pending work runs now, and the answer is "not ready".
CU_API cuEventQuery(CUevent handle) {
    return context_call(__func__, [&](Context &) {
        const auto event = waitable(handle);
        const auto latest = event->latest;
        if (!latest || latest->done) return;
        run_until(latest->stream, latest->position);
        fail(CUDA_ERROR_NOT_READY);
    }, Site::synchronize);
}

CU_API cuEventElapsedTime(float *milliseconds, CUevent from, CUevent to) {
    return elapsed(__func__, milliseconds, from, to);
}
CU_API cuEventElapsedTime_v2(float *milliseconds, CUevent from, CUevent to) {
    return elapsed(__func__, milliseconds, from, to);
}

}  // extern "C"

}  // namespace softgpu
