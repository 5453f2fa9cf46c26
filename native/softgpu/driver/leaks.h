#pragma once

#include "driver/state/driver.h"

namespace softgpu {

// Report what was never freed: of a context that is destroyed, and of all that are left when the process ends.
void report_leaks(Context &context, bool at_exit);
void report_leaks_at_exit();

}  // namespace softgpu
