// The end of the process. A runtime library unloads its kernels then, and so waits for what is still queued, which may
// never end.
#pragma once

#include <chrono>

namespace softgpu {

// To be called before something is queued. Exit handlers that the program registers later come before the end.
void watch_for_process_end();
bool process_ends();

// The work that runs now began then. What exit handlers themselves queue has all the time that it needs.
void begin_work(std::chrono::steady_clock::time_point begun, bool queued_at_end);
// It has had a second since the process began to end, or since it began itself: it is to stop.
bool process_end_is_due();
// For a thread whose work was stopped, if it is another than the one that ends the process: it is told late, because it
// may end the process once more, with another status.
void give_way_to_process_end();

}  // namespace softgpu
