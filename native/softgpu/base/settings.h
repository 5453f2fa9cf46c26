// The settings of the software device: read from the environment at first use, changed through softgpu.h.
#pragma once

#include <cstdint>
#include <string>

namespace softgpu {

// The checks that can be switched off, and the faults that cannot (illegal_instruction and the ones after it).
enum class Check : uint8_t {
    bounds,         // access outside an allocation, or after free
    alignment,      // address not a multiple of the access's size
    initialized,    // reading device or shared memory that nothing wrote
    shared_race,    // two threads access one shared word without a barrier between, one writes
    block_race,     // two blocks access one global word without atomics or fences between, one writes
    barrier,        // a barrier that not all threads reach, or reached in divergent code
    arguments,      // a launch whose argument list does not fit the kernel's parameters
    leaks,          // allocations never freed
    benign_races,   // not part of "all": races by a store of what is there already
    count,
    deadlock = count, assertion, trap, illegal_instruction, warp_sync, stack
};
const char *name(Check check);
constexpr uint32_t bit(Check check) { return 1u << static_cast<int>(check); }

struct Settings {
    static constexpr uint32_t ALL = (bit(Check::count) - 1) & ~bit(Check::benign_races);
    uint32_t checks = ALL;                  // a bit for each Check
    bool counters = true;
    bool caches = false;                    // counters know level 1 caches (machine/l1_cache.h)
    bool coverage = false;                  // the programs that are loaded get a record (machine/coverage.h)
    int threads = 0;                        // host threads that run blocks; 0: one per processor
    int processors = 0;                     // processors that this process may use; 0: the C++ library's count
    int compute = 80;                       // compute capability: 75, 80, 86, 89, 90
    uint64_t memory_bytes = uint64_t(16) << 30;
    int driver = 13010;                     // the CUDA version of the driver: 1000 * major + 10 * minor
    uint64_t watchdog_instructions = 0;     // warp instructions of one block after which a launch times out; 0: never
    // Sampling (machine/sampling.h). Not an option of apply(): whoever sets it must know that all results are wrong.
    int sampled_blocks = 0;                 // of a launch, at most; 0: all blocks run
    int sampled_launches = 0;               // after so many, launches that are alike are counted and do not run

    // The number of host threads that run blocks.
    int host_threads() const;

    bool on(Check check) const { return checks & bit(check); }

    // "checks=all" "checks=none" "checks=bounds+alignment" "counters=on|off|caches" "coverage=on|off" "threads=N"
    // "processors=N" "compute=80" "memory=16g" "driver=13010" "watchdog=N", separated by commas. Returns an error
    // message, or an empty string.
    std::string apply(const std::string &options);
    // All of them, as apply() takes them.
    std::string text() const;
};

// The settings in use. Initialised from FRAMECAST_SOFTGPU; errors in it are printed to standard error.
Settings &settings();

// The limits of a compute capability (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability").
struct Limits {
    int compute;
    int multiprocessors;
    int max_threads_per_multiprocessor;
    int max_blocks_per_multiprocessor;
    int shared_per_multiprocessor;          // bytes
    int shared_per_block_optin;             // bytes
    int unified_bytes;                      // of shared memory and level 1 cache together
    int l2_bytes;                           // of the level 2 cache of a large GPU
    int registers_per_multiprocessor = 65536;
    int shared_per_block = 49152;           // bytes, without opting in
    int reserved_shared_per_block = 1024;   // bytes
    int max_threads_per_block = 1024;
    int max_registers_per_thread = 255;
};
const Limits &limits();

}  // namespace softgpu
