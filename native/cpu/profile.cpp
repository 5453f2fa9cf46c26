#include "profile.h"

#include <time.h>

namespace framecast {

void Profile::add(const char *op, double seconds, double flop, double bytes) {
    if (!on_) {
        return;
    }
    for (auto &cost : costs_) {
        if (cost.op == op) {
            cost.seconds += seconds;
            cost.flop += flop;
            cost.bytes += bytes;
            return;
        }
    }
    costs_.push_back({op, seconds, flop, bytes});
}

double Profile::now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

}  // namespace framecast
