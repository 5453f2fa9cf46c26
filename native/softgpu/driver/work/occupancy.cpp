#include "driver/work/occupancy.h"

#include <algorithm>

#include "base/settings.h"

namespace softgpu {

namespace {

constexpr int WARP = 32, REGISTER_UNIT = 256, WARP_UNIT = 4, SHARED_UNIT = 128;

template <class T> T round_up(T value, T unit) { return (value + unit - 1) / unit * unit; }

int warps_of(int threads) { return (threads + WARP - 1) / WARP; }

uint64_t shared_of(uint64_t bytes) {
    return round_up<uint64_t>(bytes + limits().reserved_shared_per_block, SHARED_UNIT);
}

int blocks_by_warps(int threads) {
    return std::min(limits().max_threads_per_multiprocessor / WARP / warps_of(threads),
                    limits().max_blocks_per_multiprocessor);
}

}  // namespace

// Registers are allocated to warps in units. Warps are distributed over four schedulers, each with a quarter of the
// registers.
int blocks_by_registers(const Kernel &kernel, int threads) {
    const int per_warp = round_up<int>(std::max<int>(kernel.registers, 1) * WARP, REGISTER_UNIT);
    const int warps = limits().registers_per_multiprocessor / WARP_UNIT / per_warp * WARP_UNIT;
    return warps / warps_of(threads);
}

int active_blocks(const Kernel &kernel, int threads, uint64_t dynamic_shared) {
    if (threads > int(kernel.max_threads)) return 0;
    if (kernel.static_shared + dynamic_shared > uint64_t(limits().shared_per_block_optin)) return 0;
    const uint64_t shared = shared_of(kernel.static_shared + dynamic_shared);
    const int by_shared = shared ? static_cast<int>(limits().shared_per_multiprocessor / shared) : 1 << 20;
    return std::min({blocks_by_warps(threads), blocks_by_registers(kernel, threads), by_shared});
}

int64_t available_shared(int blocks) {
    const int64_t each = limits().shared_per_multiprocessor / blocks / SHARED_UNIT * SHARED_UNIT -
                         limits().reserved_shared_per_block;
    return std::min<int64_t>(each, limits().shared_per_block_optin);
}

}  // namespace softgpu
