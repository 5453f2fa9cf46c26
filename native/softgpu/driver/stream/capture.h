// Stream capture: work put into a capturing stream becomes nodes of a graph.
#pragma once

#include "driver/state/call.h"
#include "driver/stream/graph.h"

namespace softgpu {

struct Capture {
    uint64_t id = 0;
    std::shared_ptr<Graph> graph;
    Stream *origin = nullptr;
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
    std::thread::id thread;
    bool invalidated = false;
    std::vector<std::weak_ptr<Stream>> streams;     // streams that take part
    std::vector<Node *> left;       // the last nodes of streams that were destroyed meanwhile
};

// Whether work for the stream becomes nodes. Fails if its capture is invalid. Also fails, and invalidates the capture,
// if the stream is the legacy stream, which would implicitly depend on a capturing stream.
bool capturing(const std::shared_ptr<Stream> &stream);
void add_node(const std::shared_ptr<Stream> &stream, NodeWork work);
// Fails, and invalidates the capture, if the stream captures, or if it is the legacy stream while a blocking stream
// captures.
void refuse_capture(const std::shared_ptr<Stream> &stream);
// Fails if a blocking stream of the context captures: waiting for the context would wait for that stream.
void refuse_capture(Context &context);
// For calls that may wait or allocate internally: fails if the capture mode of the thread forbids them now.
void refuse_unsafe_call();

// For cuEventRecord and cuStreamWaitEvent: true if the call was captured.
bool capture_record(const std::shared_ptr<Stream> &stream, Event &event);
bool capture_wait(const std::shared_ptr<Stream> &stream, Event &event, bool external);
// Removes a destroyed stream from its capture, which cannot go on without the stream that it began in.
void abandon_capture(Stream &stream);

}  // namespace softgpu
