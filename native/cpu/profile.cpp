#include "profile.h"

#include <chrono>
#include <sstream>

namespace framecast {

void Profile::add(const std::string &op, double seconds, double flop, double bytes) {
    if (!on_) {
        return;
    }
    for (auto &entry : entries_) {
        if (entry.op == op) {
            entry.seconds += seconds;
            entry.flop += flop;
            entry.bytes += bytes;
            return;
        }
    }
    entries_.push_back({op, seconds, flop, bytes});
}

std::string Profile::take() {
    std::ostringstream lines;
    lines.precision(17);
    for (const auto &entry : entries_) {
        lines << entry.op << '\t' << entry.seconds << '\t' << entry.flop << '\t' << entry.bytes << '\n';
    }
    entries_.clear();
    return lines.str();
}

double Profile::now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace framecast
