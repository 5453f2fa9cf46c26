// The end of the process. A runtime library unloads its kernels then, and so waits for what is still queued, which may
// never end.
#pragma once

namespace softgpu {

// To be called before something is queued. Exit handlers that the program registers later come before the end.
void watch_for_process_end();
bool process_ends();
// What still runs or waits a second later is stopped.
bool process_end_is_due();
// For a thread whose work was stopped, if it is another than the one that ends the process: it is told late, because it
// may end the process once more, with another status.
void give_way_to_process_end();

}  // namespace softgpu
