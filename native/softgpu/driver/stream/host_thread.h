// A program may wait for a host function by its own means, such as a condition variable: then no call of the driver
// would ever run it. A thread of the device runs it, and the work before it, if within GRACE no call has.
#pragma once

#include "driver/state/driver.h"

namespace softgpu {

// The operation at `position` of the stream calls a host function, or other processes wait for it. The caller holds the
// driver's lock.
void expect_host_function(const std::shared_ptr<Stream> &stream, uint64_t position);

}  // namespace softgpu
