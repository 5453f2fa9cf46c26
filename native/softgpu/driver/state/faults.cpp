#include "driver/state/faults.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/settings.h"

namespace softgpu {

namespace {

constexpr uint64_t NEVER = ~uint64_t(0);
constexpr uint64_t MOST_DEVICES = 64, MOST_INT = 0x7fffffff;

struct SetFault {
    std::string calls;              // a kind of SITES, or the name of a function
    uint64_t countdown;
    CUresult error;
};

struct Faults {
    std::vector<SetFault> faults;
    std::map<int, int> attributes;
    int devices = 1;
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

bool is_function(std::string_view name) {
    return name.size() > 2 && name.starts_with("cu") && std::isupper(static_cast<unsigned char>(name[2])) &&
           std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

bool is_site(std::string_view name, Site site) {
    return std::any_of(std::begin(SITES), std::end(SITES),
                       [&](const auto &s) { return s.site == site && name == s.name; });
}

// Whether `function` is of this name, which may lack the version: cuMemAlloc is cuMemAlloc_v2.
bool is_named(std::string_view function, std::string_view name) {
    if (!function.starts_with(name)) return false;
    const std::string_view version = function.substr(name.size());
    return version.empty() || version.starts_with("_v");
}

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

// Parses one of "alloc:3=CUDA_ERROR_OUT_OF_MEMORY", "cuInit:1=802", "attribute:20=2", "devices=2", "memory=64m",
// "lost:10". False if it has another form.
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
    if (text.starts_with("devices=")) {
        if (!parse_number(text.substr(8), number, rest) || !rest.empty() || number > MOST_DEVICES) return false;
        into.devices = static_cast<int>(number);
        return true;
    }
    const size_t colon = text.find(':');
    if (colon == std::string::npos || !parse_number(text.substr(colon + 1), number, rest) || number == 0) return false;
    const std::string name = text.substr(0, colon);
    if (!rest.starts_with("=")) return false;
    if (name == "attribute") {
        uint64_t value;
        std::string end;
        if (!parse_number(rest.substr(1), value, end) || !end.empty()) return false;
        if (number > MOST_INT || value > MOST_INT) return false;
        into.attributes[static_cast<int>(number)] = static_cast<int>(value);
        return true;
    }
    const bool site = std::any_of(std::begin(SITES), std::end(SITES), [&](const auto &s) { return name == s.name; });
    CUresult error;
    if (!(site || is_function(name)) || !parse_error(rest.substr(1), error)) return false;
    into.faults.push_back({name, number, error});
    return true;
}

}  // namespace

CUresult count_call() {
    const uint64_t number = ++calls;
    std::lock_guard guard(mutex);
    return number >= active.lost_at ? CUDA_ERROR_UNKNOWN : CUDA_SUCCESS;
}

CUresult injected_fault(Site site, const char *function) {
    std::lock_guard guard(mutex);
    CUresult error = CUDA_SUCCESS;
    for (SetFault &f : active.faults)
        if ((is_site(f.calls, site) || is_named(function, f.calls)) && f.countdown > 0 && --f.countdown == 0 &&
            error == CUDA_SUCCESS)
            error = f.error;
    return error;
}

int device_count() {
    std::lock_guard guard(mutex);
    return active.devices;
}

std::optional<int> injected_attribute(int attribute) {
    std::lock_guard guard(mutex);
    const auto at = active.attributes.find(attribute);
    return at == active.attributes.end() ? std::nullopt : std::optional(at->second);
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
            return "\"" + one + "\" is not a fault; one is alloc:N=ERROR (or copy, launch, synchronize, load, or the "
                   "name of a function), attribute:NUMBER=VALUE, devices=N, memory=SIZE, lost:N";
        from = to + 1;
    }
    const std::lock_guard guard(mutex);
    active = std::move(wanted);
    return "";
}

uint64_t call_count() { return calls; }

}  // namespace softgpu
