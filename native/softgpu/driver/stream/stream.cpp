// Streams and their host functions.
#include <algorithm>

#include "driver/stream/queue.h"

namespace softgpu {

namespace {

constexpr int GREATEST_PRIORITY = -5, LEAST_PRIORITY = 0;

CUresult create(const char *name, CUstream *stream, unsigned flags, int priority) {
    return context_call(name, [&](Context &context) {
        require(stream && !(flags & ~CU_STREAM_NON_BLOCKING));
        Driver &driver = Driver::get();
        auto made = std::make_shared<Stream>();
        made->context = &context;
        made->number = driver.next_number("stream");
        made->flags = flags;
        made->priority = std::clamp(priority, GREATEST_PRIORITY, LEAST_PRIORITY);
        context.streams.push_back(made);
        *stream = driver.streams.add(made);
    });
}

// A query of a stream.
template <class Body> CUresult ask(const char *name, CUstream handle, const void *result, Body body) {
    return context_call(name, [&](Context &context) {
        const auto stream = stream_of(context, handle);
        require(result);
        body(*stream);
    });
}

}  // namespace

extern "C" {

CU_API cuStreamCreate(CUstream *stream, unsigned flags) { return create(__func__, stream, flags, 0); }

CU_API cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority) {
    return create(__func__, stream, flags, priority);
}

// Work still queued in the stream runs when its context is synchronised.
CU_API cuStreamDestroy_v2(CUstream handle) {
    return context_call(__func__, [&](Context &) {
        Driver &driver = Driver::get();
        const auto stream = object_of(driver.streams, handle);
        abandon_capture(*stream);
        stream->destroyed = true;
        driver.streams.remove(handle);
        if (stream->idle()) std::erase(stream->context->streams, stream);
    });
}

CU_API cuStreamSynchronize(CUstream handle) {
    return context_call(__func__, [&](Context &context) {
        const auto stream = stream_of(context, handle);
        refuse_capture(stream);
        refuse_unsafe_call();
        drain(stream);
    }, Site::synchronize);
}

// Pending work runs now, but this call still returns "not ready", like a busy device.
CU_API cuStreamQuery(CUstream handle) {
    return context_call(__func__, [&](Context &context) {
        const auto stream = stream_of(context, handle);
        refuse_capture(stream);
        refuse_unsafe_call();
        const bool idle = stream->idle();
        drain(stream);
        require(idle, CUDA_ERROR_NOT_READY);
    }, Site::synchronize);
}

CU_API cuStreamGetFlags(CUstream handle, unsigned *flags) {
    return ask(__func__, handle, flags, [&](Stream &s) { *flags = s.flags; });
}
CU_API cuStreamGetPriority(CUstream handle, int *priority) {
    return ask(__func__, handle, priority, [&](Stream &s) { *priority = s.priority; });
}
CU_API cuStreamGetCtx(CUstream handle, CUcontext *context) {
    return ask(__func__, handle, context, [&](Stream &s) { *context = s.context; });
}
CU_API cuStreamGetDevice(CUstream handle, CUdevice *device) {
    return ask(__func__, handle, device, [&](Stream &) { *device = 0; });
}
CU_API cuStreamGetId(CUstream handle, unsigned long long *id) {
    return ask(__func__, handle, id, [&](Stream &s) { *id = reinterpret_cast<uintptr_t>(&s); });
}

CU_API cuLaunchHostFunc(CUstream handle, CUhostFn function, void *data) {
    return context_call(__func__, [&](Context &context) {
        require(function);
        submit(stream_of(context, handle), HostWork{function, data});
    });
}

// A callback receives its stream as an argument, so it cannot be part of a graph.
CU_API cuStreamAddCallback(CUstream handle, CUstreamCallback function, void *data, unsigned flags) {
    return context_call(__func__, [&](Context &context) {
        require(function && flags == 0);
        const auto stream = stream_of(context, handle);
        refuse_capture(stream);
        enqueue(stream, CallbackWork{function, handle, data});
    });
}

}  // extern "C"

}  // namespace softgpu
