// Streams run lazily: work stays queued until a thread waits for it, and then runs on that thread. So the order is the
// same in every run, and a missing synchronisation always shows. Host functions, and work that other
// processes wait for, run in any case (host_thread.h).
#pragma once

#include "driver/state/call.h"
#include "driver/stream/capture.h"

namespace softgpu {

// The stream of a handle in a context: null and CU_STREAM_LEGACY are the default stream, CU_STREAM_PER_THREAD is the
// thread's own stream.
std::shared_ptr<Stream> stream_of(Context &context, CUstream handle);

// Appends work to a stream that does not capture, with the implicit synchronisation between the legacy default stream
// and blocking streams. Returns its position.
uint64_t enqueue(const std::shared_ptr<Stream> &stream, Work work, std::vector<Dependency> after = {});

// The same; but if the stream captures, adds a node to the graph and returns false.
template <class W> bool submit(const std::shared_ptr<Stream> &stream, W work) {
    if (capturing(stream)) {
        add_node(stream, std::move(work));
        return false;
    }
    enqueue(stream, std::move(work));
    return true;
}

// Runs a stream up to a position, and first everything that this depends on. Fails with the context's sticky error.
void run_until(const std::shared_ptr<Stream> &stream, uint64_t position);
// The same, for a thread that reports no errors: they stay with the context.
void run_to(const std::shared_ptr<Stream> &stream, uint64_t position);
inline void drain(const std::shared_ptr<Stream> &stream) { run_until(stream, stream->enqueued); }
void drain(Context &context);
// The same, for a context that is being destroyed: errors stay in Context::sticky.
void drain_quietly(Context &context);

}  // namespace softgpu
