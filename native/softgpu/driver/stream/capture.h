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
    std::vector<std::weak_ptr<Stream>> streams;     // that take part
};

// Whether work for the stream becomes nodes. Fails where its capture is invalid, or where work in it, as the legacy
// stream, would implicitly depend on a capture, which that invalidates.
bool capturing(const std::shared_ptr<Stream> &stream);
void add_node(const std::shared_ptr<Stream> &stream, NodeWork work);
// Fails where the stream captures, or is the legacy one that capturing streams must not depend on, and invalidates the
// capture.
void refuse_capture(const std::shared_ptr<Stream> &stream);
// Fails where any blocking stream of the context captures: waiting for the context would wait for it.
void refuse_capture(Context &context);
// For calls that may wait or allocate behind the scenes: fails where the thread's capture mode forbids these now.
void refuse_unsafe_call();

// cuEventRecord and cuStreamWaitEvent: true where it was the capture's business.
bool capture_record(const std::shared_ptr<Stream> &stream, Event &event);
bool capture_wait(const std::shared_ptr<Stream> &stream, Event &event, bool external);
// Takes a destroyed stream out of its capture.
void abandon_capture(Stream &stream);

}  // namespace softgpu
