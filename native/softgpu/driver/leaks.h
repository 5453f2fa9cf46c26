#pragma once

#include "driver/state/driver.h"

namespace softgpu {

// Report what was never freed: in a context that is destroyed, and in all remaining contexts at process exit.
void report_leaks(Context &context, bool at_exit);
void report_leaks_at_exit();

}  // namespace softgpu
