// Occupancy queries.
#include <algorithm>

#include "base/settings.h"
#include "driver/state/call.h"
#include "driver/state/module.h"
#include "driver/work/kernel.h"
#include "driver/work/occupancy.h"

namespace softgpu {

namespace {

constexpr int WARP = 32;

size_t ask(CUoccupancyB2DSize shared_for, int threads) {
    HostFunction inside;
    return shared_for(threads);
}

const Kernel &kernel_of(Context &context, CUfunction function) { return *function_of(context, function)->kernel; }

CUresult potential(const char *name, int *grid, int *block, CUfunction function, CUoccupancyB2DSize shared_for,
                   size_t dynamic_shared, int limit) {
    return context_call(name, [&](Context &context) {
        require(grid && block && limit >= 0);
        const Kernel &kernel = kernel_of(context, function);
        const int most = std::min<int>(kernel.max_threads, limits().max_threads_per_block);
        int best = 0;
        // The block size with the most resident threads on a multiprocessor; the largest one if several are equal.
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
    return context_call(name, [&](Context &context) {
        require(blocks && threads > 0);
        *blocks = active_blocks(kernel_of(context, function), threads, dynamic_shared);
    });
}

}  // namespace

extern "C" {

CU_API cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction function, int threads,
                                                   size_t dynamic_shared) {
    return active(__func__, blocks, function, threads, dynamic_shared);
}
// The only flag is about caching of global memory, which does not limit occupancy here.
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
    return context_call(__func__, [&](Context &context) {
        require(bytes && blocks > 0 && threads > 0);
        const Kernel &kernel = kernel_of(context, function);
        require(blocks <= active_blocks(kernel, threads, 0));
        *bytes = available_shared(blocks) - kernel.static_shared;
    });
}

// Clusters may lie on any multiprocessors here.
CU_API cuOccupancyMaxPotentialClusterSize(int *size, CUfunction function, const CUlaunchConfig *config) {
    return context_call(__func__, [&](Context &context) {
        require(size && config);
        *size = static_cast<int>(most_cluster(*function_of(context, function)));
    });
}
CU_API cuOccupancyMaxActiveClusters(int *clusters, CUfunction function, const CUlaunchConfig *config) {
    return context_call(__func__, [&](Context &context) {
        require(clusters && config && (config->attrs || config->numAttrs == 0));
        const Kernel &kernel = kernel_of(context, function);
        uint32_t blocks = std::max(kernel.cluster[0] * kernel.cluster[1] * kernel.cluster[2], 1u);
        for (unsigned a = 0; a < config->numAttrs; ++a) {
            const CUlaunchAttribute &attribute = config->attrs[a];
            if (attribute.id != CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION) continue;
            blocks = attribute.value.size[0] * attribute.value.size[1] * attribute.value.size[2];
        }
        require(blocks > 0 && blocks <= most_cluster(*function_of(context, function)), CUDA_ERROR_INVALID_CLUSTER_SIZE);
        const int threads = static_cast<int>(config->blockDimX * config->blockDimY * config->blockDimZ);
        require(threads > 0);
        *clusters = active_blocks(kernel, threads, config->sharedMemBytes) * limits().multiprocessors /
                    static_cast<int>(blocks);
    });
}

}  // extern "C"

}  // namespace softgpu
