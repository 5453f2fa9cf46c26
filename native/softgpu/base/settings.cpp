#include "base/settings.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <thread>

namespace softgpu {

namespace {

constexpr const char *CHECKS[] = {"bounds", "alignment", "initialized", "shared_race", "block_race", "barrier", "arguments",
                                  "leaks", "benign_races", "deadlock", "assertion", "trap", "illegal_instruction", "warp_sync", "stack"};

bool parse_number(const std::string &text, uint64_t &value, bool sizes) {
    char *end;
    value = std::strtoull(text.c_str(), &end, 10);
    if (end == text.c_str() || text[0] == '-') return false;
    const std::string suffix = end;
    if (suffix.empty()) return true;
    if (!sizes || suffix.size() != 1) return false;
    switch (suffix[0]) {
    case 'k': value <<= 10; return true;
    case 'm': value <<= 20; return true;
    case 'g': value <<= 30; return true;
    default: return false;
    }
}

// "all", "none", or names joined by +; a name with a leading - is removed from the set.
std::string parse_checks(const std::string &value, uint32_t &checks) {
    uint32_t result = 0;
    std::stringstream names(value);
    for (std::string name; std::getline(names, name, '+');) {
        const bool off = !name.empty() && name[0] == '-';
        if (off) name.erase(0, 1);
        uint32_t bits = name == "all" ? Settings::ALL : 0;
        for (int c = 0; c < static_cast<int>(Check::count); ++c)
            if (name == CHECKS[c]) bits = bit(static_cast<Check>(c));
        if (!bits && name != "none") {
            std::string known;
            for (int c = 0; c < static_cast<int>(Check::count); ++c) known += std::string(c ? ", " : "") + CHECKS[c];
            return "there is no check named " + name + "; there are all, none, " + known;
        }
        result = off ? result & ~bits : result | bits;
    }
    checks = result;
    return "";
}

constexpr Limits LIMITS[] = {
    {75, 40, 1024, 16, 65536, 65536, 98304, 6 << 20},
    {80, 108, 2048, 32, 167936, 166912, 196608, 40 << 20},
    {86, 84, 1536, 16, 102400, 101376, 131072, 6 << 20},
    {89, 128, 1536, 24, 102400, 101376, 131072, 72 << 20},
    {90, 132, 2048, 32, 233472, 232448, 262144, 50 << 20},
};

}  // namespace

const char *name(Check check) {
    return CHECKS[static_cast<int>(check)];
}

int Settings::host_threads() const {
    if (threads > 0) return threads;
    return processors > 0 ? processors : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::string Settings::apply(const std::string &options) {
    Settings next = *this;
    std::stringstream all(options);
    for (std::string option; std::getline(all, option, ',');) {
        if (option.empty()) continue;
        const size_t equals = option.find('=');
        const std::string key = option.substr(0, equals), value = equals == std::string::npos ? "" : option.substr(equals + 1);
        uint64_t number = 0;
        if (key == "checks") {
            const std::string wrong = parse_checks(value, next.checks);
            if (!wrong.empty()) return wrong;
        } else if (key == "counters") {
            if (value != "on" && value != "off" && value != "caches")
                return "counters is on, off or caches, not " + value;
            next.counters = value != "off";
            next.caches = value == "caches";
        } else if (key == "coverage") {
            if (value != "on" && value != "off") return "coverage is on or off, not " + value;
            next.coverage = value == "on";
        } else if (key == "threads") {
            if (!parse_number(value, number, false) || number > 1024) return "threads is a number up to 1024, not " + value;
            next.threads = static_cast<int>(number);
        } else if (key == "processors") {
            if (!parse_number(value, number, false) || number > 65536) return "processors is a number up to 65536, not " + value;
            next.processors = static_cast<int>(number);
        } else if (key == "compute") {
            bool known = false;
            for (const Limits &l : LIMITS) known |= value == std::to_string(l.compute);
            if (!known) return "compute is 75, 80, 86, 89 or 90, not " + value;
            next.compute = std::stoi(value);
        } else if (key == "memory") {
            if (!parse_number(value, number, true) || number < 1 << 20) return "memory is a size such as 512m or 16g, not " + value;
            next.memory_bytes = number;
        } else if (key == "driver") {
            if (!parse_number(value, number, false) || number < 1000 || number > 99990) return "driver is a number such as 12090, for CUDA 12.9, not " + value;
            next.driver = static_cast<int>(number);
        } else if (key == "watchdog") {
            if (!parse_number(value, number, true)) return "watchdog is a number of instructions, not " + value;
            next.watchdog_instructions = number;
        } else {
            return "there is no option named " + key + "; "
                   "there are checks, counters, coverage, threads, processors, compute, memory, driver and watchdog";
        }
    }
    *this = next;
    return "";
}

std::string Settings::text() const {
    std::string names = "none";
    for (int c = 0; c < static_cast<int>(Check::count); ++c)
        if (on(static_cast<Check>(c))) names += std::string("+") + CHECKS[c];
    return "checks=" + names + ",counters=" + (caches ? "caches" : counters ? "on" : "off") +
           ",coverage=" + (coverage ? "on" : "off") + ",threads=" + std::to_string(threads) +
           ",processors=" + std::to_string(processors) + ",compute=" + std::to_string(compute) +
           ",memory=" + std::to_string(memory_bytes) + ",driver=" + std::to_string(driver) +
           ",watchdog=" + std::to_string(watchdog_instructions);
}

Settings &settings() {
    static Settings *const current = [] {
        auto *made = new Settings;
        if (const char *options = std::getenv("FRAMECAST_SOFTGPU")) {
            const std::string wrong = made->apply(options);
            if (!wrong.empty()) std::fprintf(stderr, "framecast softgpu: FRAMECAST_SOFTGPU: %s\n", wrong.c_str());
        }
        return made;
    }();
    return *current;
}

const Limits &limits() {
    for (const Limits &l : LIMITS)
        if (l.compute == settings().compute) return l;
    return LIMITS[1];
}

}  // namespace softgpu
