// The report of the last failed check or launch.
#pragma once

#include <string>

namespace softgpu {

// A report that does not come from a running kernel: a bad argument list, a leak, a host call outside an allocation.
void report(const std::string &text);
std::string last_report();
void clear_report();

}  // namespace softgpu
