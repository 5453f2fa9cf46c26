#include "base/process_end.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>

namespace softgpu {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds END_GRACE(1);

Clock::time_point end_begun;
std::thread::id ending_thread;
std::atomic<bool> ending{false};    // set last

// Of the one piece of work that runs.
std::atomic<Clock::time_point> work_begun;
std::atomic<bool> work_is_limited{false};

void begin_end() {
    end_begun = Clock::now();
    ending_thread = std::this_thread::get_id();
    ending.store(true, std::memory_order_release);
}

Clock::time_point due() { return std::max(end_begun, work_begun.load()) + END_GRACE; }

}  // namespace

void watch_for_process_end() { [[maybe_unused]] static const int registered = std::atexit(begin_end); }

bool process_ends() { return ending.load(std::memory_order_acquire); }

void begin_work(Clock::time_point begun, bool queued_at_end) {
    work_begun = begun;
    work_is_limited = !queued_at_end;
}

bool process_end_is_due() { return process_ends() && work_is_limited && Clock::now() >= due(); }

void give_way_to_process_end() {
    if (process_ends() && std::this_thread::get_id() != ending_thread) std::this_thread::sleep_until(due() + END_GRACE);
}

}  // namespace softgpu
