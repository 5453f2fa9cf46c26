#include "driver/state/faults.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

#include "base/settings.h"

namespace softgpu {

namespace {

constexpr uint64_t NEVER = ~uint64_t(0);

struct SetFault {
    Site site;
    uint64_t countdown;
    CUresult error;
};

struct Faults {
    std::vector<SetFault> faults;
    uint64_t memory = NEVER;
    uint64_t lost_at = NEVER;       // compared with `calls`
};

std::mutex mutex;
Faults active;
std::atomic<uint64_t> calls{0};

struct ErrorName {
    int number;
    const char *name;
};
constexpr ErrorName ERRORS[] = {
#define CU_ERROR(number, name, text) {number, #name},
#include "base/cuda_errors.inc"
#undef CU_ERROR
};

constexpr struct {
    const char *name;
    Site site;
} SITES[] = {{"alloc", Site::alloc},
             {"copy", Site::copy},
             {"launch", Site::launch},
             {"synchronize", Site::synchronize},
             {"load", Site::load}};

bool parse_number(const std::string &text, uint64_t &value, std::string &rest) {
    size_t end = 0;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    if (end == 0 || end > 18) return false;
    value = std::stoull(text.substr(0, end));
    rest = text.substr(end);
    return true;
}

bool parse_error(const std::string &text, CUresult &error) {
    for (const ErrorName &e : ERRORS)
        if (text == e.name || text == std::to_string(e.number)) {
            error = static_cast<CUresult>(e.number);
            return error != CUDA_SUCCESS;
        }
    return false;
}

// Parses one of "alloc:3=CUDA_ERROR_OUT_OF_MEMORY", "memory=64m", "lost:10". False if it has another form.
bool parse_fault(const std::string &text, Faults &into) {
    uint64_t number;
    std::string rest;
    if (text.starts_with("memory=")) {
        if (!parse_number(text.substr(7), number, rest) || rest.size() > 1) return false;
        const size_t unit = std::string("kmg").find(rest);
        if (unit == std::string::npos) return false;
        into.memory = rest.empty() ? number : number << (10 * (unit + 1));
        return true;
    }
    if (text.starts_with("lost:")) {
        if (!parse_number(text.substr(5), number, rest) || !rest.empty() || number == 0) return false;
        into.lost_at = calls + number;
        return true;
    }
    for (const auto &s : SITES) {
        if (!text.starts_with(std::string(s.name) + ":")) continue;
        CUresult error;
        if (!parse_number(text.substr(std::string(s.name).size() + 1), number, rest) || number == 0) return false;
        if (!rest.starts_with("=") || !parse_error(rest.substr(1), error)) return false;
        into.faults.push_back({s.site, number, error});
        return true;
    }
    return false;
}

}  // namespace

CUresult count_call() {
    const uint64_t number = ++calls;
    std::lock_guard guard(mutex);
    return number >= active.lost_at ? CUDA_ERROR_UNKNOWN : CUDA_SUCCESS;
}

CUresult injected_fault(Site site) {
    std::lock_guard guard(mutex);
    CUresult error = CUDA_SUCCESS;
    for (SetFault &f : active.faults)
        if (f.site == site && f.countdown > 0 && --f.countdown == 0 && error == CUDA_SUCCESS) error = f.error;
    return error;
}

bool device_lost() {
    std::lock_guard guard(mutex);
    return calls >= active.lost_at;
}

uint64_t memory_limit() {
    std::lock_guard guard(mutex);
    return std::min(active.memory, settings().memory_bytes);
}

std::string inject_faults(const std::string &text) {
    Faults wanted;
    for (size_t from = 0; from < text.size();) {
        const size_t to = std::min(text.find(',', from), text.size());
        const std::string one = text.substr(from, to - from);
        if (!parse_fault(one, wanted))
            return "\"" + one + "\" is not a fault; one is alloc:N=ERROR (or copy, launch, synchronize, load), "
                   "memory=SIZE, lost:N";
        from = to + 1;
    }
    const std::lock_guard guard(mutex);
    active = std::move(wanted);
    return "";
}

uint64_t call_count() { return calls; }

}  // namespace softgpu
