// What a launch did, counted by PTX instruction: it does not depend on how busy the machine is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "program/program.h"

namespace softgpu {

struct LineCounters {
    uint64_t warps = 0;         // times a warp issued it
    uint64_t threads = 0;       // times a thread ran it
    uint64_t requests = 0;      // times it went to global or shared memory
    uint64_t bytes = 0;         // asked for, each byte once a request
    uint64_t sectors = 0;       // of 32 bytes, that those requests touched
    uint64_t wavefronts = 0;    // passes over the 32 banks that shared requests took
    uint64_t ideal = 0;         // passes they would have taken without bank conflicts

    void operator+=(const LineCounters &o) {
        warps += o.warps; threads += o.threads; requests += o.requests; bytes += o.bytes;
        sectors += o.sectors; wavefronts += o.wavefronts; ideal += o.ideal;
    }
};

// Adds one global request: 32-byte sectors touched, and the bytes asked for.
void count_global(LineCounters &c, const uint64_t *address, uint32_t mask, uint32_t bytes);
// Adds one request to shared memory: 4-byte banks, 32 of them; threads that read one word share it. Accesses of 8 and 16
// bytes go in halves and quarters of a warp.
void count_shared(LineCounters &c, const uint32_t *address, uint32_t mask, uint32_t bytes);

// Adds the counters of a finished launch (one for each instruction of the program) to the kernel's.
void record_launch(const Kernel &kernel, const std::vector<LineCounters> &lines, uint64_t blocks, uint64_t threads,
                   double seconds);

std::string counters_table();
std::string counters_json();
std::string listing(const std::string &kernel, const char *source);
std::vector<std::string> counted_kernels();
void reset_counters();

}  // namespace softgpu
