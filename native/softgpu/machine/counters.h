// Counters of a launch by PTX instruction. They do not depend on the load of the machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "program/program.h"

namespace softgpu {

struct LineCounters {
    uint64_t warps = 0;         // times a warp issued it
    uint64_t threads = 0;       // times a thread ran it
    uint64_t requests = 0;      // requests to global or shared memory
    uint64_t bytes = 0;         // requested bytes; each byte counts once per request
    uint64_t sectors = 0;       // 32-byte sectors touched by the requests
    uint64_t wavefronts = 0;    // passes over the 32 banks for shared requests
    uint64_t ideal = 0;         // passes they would have taken without bank conflicts

    void operator+=(const LineCounters &o) {
        warps += o.warps; threads += o.threads; requests += o.requests; bytes += o.bytes;
        sectors += o.sectors; wavefronts += o.wavefronts; ideal += o.ideal;
    }
};

// Adds one global request: the 32-byte sectors touched and the bytes requested.
void count_global(LineCounters &c, const uint64_t *address, uint32_t mask, uint32_t bytes);
// Adds one request to shared memory: 4-byte banks, 32 of them; threads that read the same word do not conflict.
// Accesses of 8 and 16 bytes are done by half warps and quarter warps.
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
