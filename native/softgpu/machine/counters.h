// Counters of a launch by PTX instruction. They do not depend on the load of the machine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "machine/launch.h"
#include "program/program.h"

namespace softgpu {

struct Request;

struct LineCounters {
    uint64_t warps = 0;         // times a warp issued it
    uint64_t threads = 0;       // times a thread ran it
    uint64_t requests = 0;      // requests to global or shared memory
    uint64_t bytes = 0;         // requested bytes; each byte counts once per request
    uint64_t sectors = 0;       // 32-byte sectors touched by the requests
    uint64_t l2_sectors = 0;    // those that the level 1 cache does not have (l1_cache.h); all of them without it
    uint64_t wavefronts = 0;    // passes over the 32 banks for shared requests
    uint64_t ideal = 0;         // passes they would have taken without bank conflicts
    uint64_t first_sector = ~uint64_t(0), last_sector = 0;  // of all sectors: addresses divided by 32

    void operator+=(const LineCounters &o) {
        warps += o.warps; threads += o.threads; requests += o.requests; bytes += o.bytes;
        sectors += o.sectors; l2_sectors += o.l2_sectors; wavefronts += o.wavefronts; ideal += o.ideal;
        first_sector = std::min(first_sector, o.first_sector);
        last_sector = std::max(last_sector, o.last_sector);
    }
    // Multiplies the counts by a fraction, rounded.
    void scale(uint64_t by, uint64_t of) {
        for (uint64_t *count : {&warps, &threads, &requests, &bytes, &sectors, &l2_sectors, &wavefronts, &ideal})
            *count = (*count * by + of / 2) / of;
    }
};

// What a launch counts.
struct LaunchCounts {
    std::vector<LineCounters> lines;                        // of each instruction of the program
    uint64_t sectors_read = 0, sectors_written = 0;         // distinct ones (sectors.h)
    uint64_t bus_sectors = 0;                               // those that cross the bus of the device's memory
};

// Adds one request to global memory: the 32-byte sectors touched and the bytes requested.
void count_global(LineCounters &c, const Request &request);
// Adds one request to shared memory: 4-byte banks, 32 of them; threads that read the same word do not conflict.
// Accesses of 8 and 16 bytes are done by half warps and quarter warps.
void count_shared(LineCounters &c, const uint32_t *address, uint32_t mask, uint32_t bytes);

// Adds the counters of a launch to the kernel's. `blocks`: how many of them ran here.
void record_launch(const Launch &launch, const LaunchCounts &counts, uint64_t blocks, double seconds);

std::string counters_table();
std::string counters_json();
std::string listing(const std::string &kernel, const char *source);
std::vector<std::string> counted_kernels();
void reset_counters();

}  // namespace softgpu
