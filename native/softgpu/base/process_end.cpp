#include "base/process_end.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace softgpu {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds END_GRACE(1);

Clock::time_point end_begun;
std::thread::id ending_thread;
std::atomic<bool> ending{false};    // set last

void begin_end() {
    end_begun = Clock::now();
    ending_thread = std::this_thread::get_id();
    ending.store(true, std::memory_order_release);
}

}  // namespace

void watch_for_process_end() { [[maybe_unused]] static const int registered = std::atexit(begin_end); }

bool process_ends() { return ending.load(std::memory_order_acquire); }

bool process_end_is_due() { return process_ends() && Clock::now() >= end_begun + END_GRACE; }

void give_way_to_process_end() {
    if (process_ends() && std::this_thread::get_id() != ending_thread)
        std::this_thread::sleep_until(end_begun + 2 * END_GRACE);
}

}  // namespace softgpu
