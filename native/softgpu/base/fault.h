// What stops a launch: found by a check, or by the machine itself.
#pragma once

#include <cstdint>
#include <string>

namespace softgpu {

// The checks that can be switched, and the faults that cannot (illegal_instruction and after).
enum class Check : uint8_t {
    bounds,         // access outside an allocation, or after free
    alignment,      // address not a multiple of the access's size
    initialized,    // reading device or shared memory that nothing wrote
    shared_race,    // two threads on one shared word without a barrier between, one writing
    block_race,     // two blocks on one global word without atomics or fences between, one writing
    barrier,        // a barrier that not all threads reach, or reached in divergent code
    arguments,      // a launch whose argument list does not fit the kernel's parameters
    leaks,          // allocations never freed
    count,
    deadlock = count, assertion, trap, illegal_instruction, warp_sync, stack
};
const char *name(Check check);

// Thrown by an instruction; the executor adds where it was and makes the report.
struct Fault {
    Check check;
    int lane;               // of the warp, or -1 for all
    std::string message;    // "write of 4 bytes at 0x7f.. outside any allocation; ..."
    int error;              // CUresult of the launch
};

}  // namespace softgpu
