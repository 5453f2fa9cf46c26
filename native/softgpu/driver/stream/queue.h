// Streams run lazily: what is put into one stays there until somebody waits for it, and then runs on the thread that
// waits. So the order is the same in every run, and a program that forgets to wait sees what it did not wait for.
#pragma once

#include "driver/state/call.h"
#include "driver/stream/capture.h"

namespace softgpu {

// The stream of a handle in a context: null and CU_STREAM_LEGACY are its default stream, CU_STREAM_PER_THREAD is the
// thread's own.
std::shared_ptr<Stream> stream_of(Context &context, CUstream handle);

// Puts work at the end of a stream that does not capture, with the implicit order that the legacy default stream keeps
// with blocking streams. Returns its position.
uint64_t enqueue(const std::shared_ptr<Stream> &stream, Work work, std::vector<Dependency> after = {});

// The same, or a node of the graph where the stream captures: then false.
template <class W> bool submit(const std::shared_ptr<Stream> &stream, W work) {
    if (capturing(stream)) {
        add_node(stream, std::move(work));
        return false;
    }
    enqueue(stream, std::move(work));
    return true;
}

// Runs a stream up to a position with all that must run before. Fails with the context's sticky error.
void run_until(const std::shared_ptr<Stream> &stream, uint64_t position);
inline void drain(const std::shared_ptr<Stream> &stream) { run_until(stream, stream->enqueued); }
void drain(Context &context);
// The same, for a context that is being destroyed: errors stay in Context::sticky.
void drain_quietly(Context &context);

}  // namespace softgpu
