// How many blocks fit: the arithmetic of NVIDIA's occupancy calculator.
#include <algorithm>

#include "../settings.h"
#include "call.h"
#include "kernel_launch.h"

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

size_t ask(CUoccupancyB2DSize shared_for, int threads) {
    HostFunction inside;
    return shared_for(threads);
}

const Kernel &kernel_of(CUfunction function) { return *object_of(Driver::get().functions, function)->kernel; }

CUresult potential(const char *name, int *grid, int *block, CUfunction function, CUoccupancyB2DSize shared_for,
                   size_t dynamic_shared, int limit) {
    return context_call(name, [&](Context &) {
        require(grid && block && limit >= 0);
        const Kernel &kernel = kernel_of(function);
        const int most = std::min<int>(kernel.max_threads, limits().max_threads_per_block);
        int best = 0;
        // The largest of the block sizes that keep most threads on a multiprocessor.
        for (int threads = limit ? std::min(limit, most) : most; threads > 0;
             threads = (threads - 1) / WARP * WARP) {
            const int blocks = active_blocks(kernel, threads, shared_for ? ask(shared_for, threads) : dynamic_shared);
            if (blocks * threads <= best) continue;
            best = blocks * threads;
            *block = threads;
            *grid = blocks * limits().multiprocessors;
        }
        require(best > 0);
    });
}

CUresult active(const char *name, int *blocks, CUfunction function, int threads, size_t dynamic_shared) {
    return context_call(name, [&](Context &) {
        require(blocks && threads > 0);
        *blocks = active_blocks(kernel_of(function), threads, dynamic_shared);
    });
}

}  // namespace

// Registers are given to warps in units, and warps spread over four schedulers, each with a quarter of the registers.
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

extern "C" {

CU_API cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction function, int threads,
                                                   size_t dynamic_shared) {
    return active(__func__, blocks, function, threads, dynamic_shared);
}
// The only flag keeps caching of global memory out of it, which does not limit occupancy here.
CU_API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction function, int threads,
                                                            size_t dynamic_shared, unsigned flags) {
    return flags > 1 ? CUDA_ERROR_INVALID_VALUE : active(__func__, blocks, function, threads, dynamic_shared);
}

CU_API cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction function, CUoccupancyB2DSize shared_for,
                                        size_t dynamic_shared, int limit) {
    return potential(__func__, grid, block, function, shared_for, dynamic_shared, limit);
}
CU_API cuOccupancyMaxPotentialBlockSizeWithFlags(int *grid, int *block, CUfunction function,
                                                 CUoccupancyB2DSize shared_for,
                                                 size_t dynamic_shared, int limit, unsigned flags) {
    return flags > 1 ? CUDA_ERROR_INVALID_VALUE
                     : potential(__func__, grid, block, function, shared_for, dynamic_shared, limit);
}

CU_API cuOccupancyAvailableDynamicSMemPerBlock(size_t *bytes, CUfunction function, int blocks, int threads) {
    return context_call(__func__, [&](Context &) {
        require(bytes && blocks > 0 && threads > 0);
        const Kernel &kernel = kernel_of(function);
        require(blocks <= active_blocks(kernel, threads, 0));
        const int64_t each = limits().shared_per_multiprocessor / blocks / SHARED_UNIT * SHARED_UNIT -
                             limits().reserved_shared_per_block;
        *bytes = std::min<int64_t>(each, limits().shared_per_block_optin) - kernel.static_shared;
    });
}

}  // extern "C"

}  // namespace softgpu
