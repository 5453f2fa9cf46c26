// softgpu.h: the device's own controls.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "base/hex.h"
#include "base/settings.h"
#include "driver/state/contexts.h"
#include "driver/state/driver.h"
#include "driver/state/faults.h"
#include "machine/arena.h"
#include "machine/counters.h"
#include "machine/coverage.h"
#include "machine/report.h"
#include "machine/sampling.h"
#include "softgpu.h"

namespace softgpu {

namespace {

// A returned text stays valid until the next call of the same thread.
const char *keep(std::string text) {
    static thread_local std::string kept;
    kept = std::move(text);
    return kept.c_str();
}

// Null for an empty string: nothing is wrong.
const char *keep_error(std::string text) {
    return text.empty() ? nullptr : keep(std::move(text));
}

std::string configure(const std::string &options) {
    Settings next = settings();
    std::string wrong = next.apply(options);
    if (!wrong.empty()) return wrong;
    const bool other_device = next.compute != settings().compute || next.memory_bytes != settings().memory_bytes;
    if (other_device && any_context()) return "compute capability and memory can only change while no context exists";
    const Driver::Lock lock(Driver::get());
    settings() = next;
    return "";
}

std::string sample(int blocks, int launches) {
    if (blocks != 0 && (blocks < FEWEST_SAMPLES || blocks > MOST_SAMPLES))
        return "of a launch " + std::to_string(FEWEST_SAMPLES) + " to " + std::to_string(MOST_SAMPLES) +
               " blocks can be sampled, or with 0 all, not " + std::to_string(blocks);
    if (blocks != 0 && launches < 1)
        return "launches that are alike must run at least once, not " + std::to_string(launches) + " times";
    const Driver::Lock lock(Driver::get());
    settings().sampled_blocks = blocks;
    settings().sampled_launches = launches;
    forget_counts();
    return "";
}

// If FRAMECAST_SOFTGPU_PROFILE names a file, the counters are written to it when the process exits: as JSON if the name
// ends in .json, else as the table and the listing of each kernel.
__attribute__((destructor)) void write_profile() {
    const char *path = std::getenv("FRAMECAST_SOFTGPU_PROFILE");
    if (!path || counted_kernels().empty()) return;
    std::string text;
    if (std::string_view(path).ends_with(".json")) {
        text = counters_json();
    } else {
        text = counters_table();
        for (const std::string &kernel : counted_kernels()) text += "\n" + listing(kernel, nullptr);
    }
    std::FILE *file = std::fopen(path, "w");
    const bool written = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    if ((file && std::fclose(file)) || !written)
        std::fprintf(stderr, "framecast softgpu: cannot write FRAMECAST_SOFTGPU_PROFILE=%s: %s\n", path, std::strerror(errno));
}

}  // namespace

extern "C" {

SOFTGPU_API const char *softgpu_configure(const char *options) {
    return keep_error(configure(options ? options : ""));
}

SOFTGPU_API const char *softgpu_options(void) {
    return keep(settings().text());
}

SOFTGPU_API const char *softgpu_sample(int blocks, int launches) {
    return keep_error(sample(blocks, launches));
}

SOFTGPU_API int softgpu_threads(void) {
    return settings().host_threads();
}

SOFTGPU_API const char *softgpu_report(void) {
    return keep(last_report());
}

SOFTGPU_API void softgpu_clear_report(void) {
    clear_report();
}

SOFTGPU_API const char *softgpu_counters_table(void) {
    return keep(counters_table());
}

SOFTGPU_API const char *softgpu_counters_json(void) {
    return keep(counters_json());
}

SOFTGPU_API const char *softgpu_listing(const char *kernel, const char *source) {
    return keep(listing(kernel ? kernel : "", source));
}

SOFTGPU_API void softgpu_reset_counters(void) {
    reset_counters();
}

SOFTGPU_API const char *softgpu_coverage_json(const char *file) {
    return keep(coverage_json(file));
}

SOFTGPU_API const char *softgpu_inject(const char *faults) {
    return keep_error(inject_faults(faults ? faults : ""));
}

SOFTGPU_API uint64_t softgpu_call_count(void) {
    return call_count();
}

SOFTGPU_API const char *softgpu_live_allocations(void) {
    std::string lines;
    for (const Arena::Allocation &a : Arena::get().live())
        if (a.kind != Arena::Kind::global && a.kind != Arena::Kind::heap)
            lines += "allocation #" + std::to_string(a.number) + " of " + std::to_string(a.bytes) + " bytes at " + hex(a.address) + "\n";
    return keep(lines);
}

}  // extern "C"

}  // namespace softgpu
