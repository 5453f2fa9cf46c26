#include "machine/report.h"

#include <cstdio>
#include <mutex>

namespace softgpu {

namespace {

std::mutex report_mutex;
std::string &last = *new std::string;       // not destroyed: a launch may still go on, and fail, while the process ends

}  // namespace

void report(const std::string &text) {
    const std::lock_guard<std::mutex> lock(report_mutex);
    last = text;
    std::fprintf(stderr, "framecast softgpu: %s%s", text.c_str(), text.empty() || text.back() != '\n' ? "\n" : "");
}

std::string last_report() {
    const std::lock_guard<std::mutex> lock(report_mutex);
    return last;
}

void clear_report() {
    const std::lock_guard<std::mutex> lock(report_mutex);
    last.clear();
}

}  // namespace softgpu
