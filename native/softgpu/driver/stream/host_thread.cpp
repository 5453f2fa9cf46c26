#include "driver/stream/host_thread.h"

#include <chrono>

#include "base/process_end.h"
#include "driver/state/call.h"
#include "driver/stream/queue.h"

namespace softgpu {

namespace {

using Clock = std::chrono::steady_clock;

// A program that waits by a call of the driver does so sooner: its work runs on its own thread, as without this one.
constexpr std::chrono::milliseconds GRACE(20);

class HostThread {
public:
    void expect(const std::shared_ptr<Stream> &stream, uint64_t position) {
        const std::lock_guard lock(mutex_);
        expected_.push_back({stream, position, Clock::now() + GRACE});
        if (!started_) {
            std::thread(&HostThread::run, this).detach();
            started_ = true;
        }
        more_.notify_one();
    }

private:
    struct Expected {
        std::weak_ptr<Stream> stream;
        uint64_t position;
        Clock::time_point due;
    };

    [[noreturn]] void run() {
        current_call = "a host function";
        for (;;) {
            const Expected next = take();
            std::this_thread::sleep_until(next.due);
            const Driver::Lock lock(Driver::get());
            const std::shared_ptr<Stream> stream = next.stream.lock();
            if (stream && !process_ends() && !stream->context->destroyed) run_to(stream, next.position);
        }
    }

    Expected take() {
        std::unique_lock lock(mutex_);
        more_.wait(lock, [&] { return !expected_.empty(); });
        const Expected next = expected_.front();
        expected_.pop_front();
        return next;
    }

    std::mutex mutex_;
    std::condition_variable more_;
    std::deque<Expected> expected_;
    bool started_ = false;
};

// Never destroyed: its thread runs until the process ends.
HostThread &host_thread() {
    static HostThread &thread = *new HostThread;
    return thread;
}

}  // namespace

void expect_host_function(const std::shared_ptr<Stream> &stream, uint64_t position) {
    host_thread().expect(stream, position);
}

}  // namespace softgpu
