#include "driver/work/kernel.h"

#include <algorithm>
#include <cstring>

#include "base/settings.h"
#include "driver/state/call.h"
#include "driver/state/driver.h"
#include "driver/work/arguments.h"
#include "driver/work/occupancy.h"

namespace softgpu {

namespace {

constexpr uint32_t PORTABLE_CLUSTER = 8, MOST_CLUSTER = 16;      // blocks
constexpr uint32_t MOST_GRID[3] = {0x7fffffff, 65535, 65535}, MOST_BLOCK[3] = {1024, 1024, 64};

// What the runtime library, which loads libraries, is told of a shape that no kernel can have. It passes on what the
// driver says, and on a GPU its programs find this code, which the driver API does not have.
constexpr auto INVALID_CONFIGURATION = static_cast<CUresult>(9);

std::string shape_text(const uint32_t (&shape)[3]) {
    return std::to_string(shape[0]) + "x" + std::to_string(shape[1]) + "x" + std::to_string(shape[2]);
}

// Fails if the device cannot run such a launch.
void check_shape(const Function &function, const uint32_t (&grid)[3], const uint32_t (&block)[3],
                 uint32_t dynamic_shared) {
    const Kernel &kernel = *function.kernel;
    const Limits &most = limits();
    const auto require = [&](bool possible, const char *why, CUresult error = CUDA_ERROR_INVALID_VALUE) {
        if (possible) return;
        complain("a launch of " + kernel.name + " with " + shape_text(grid) + " blocks of " + shape_text(block) +
                 " threads and " + std::to_string(dynamic_shared) + " bytes of dynamic shared memory is refused: " + why);
        fail(error);
    };
    const CUresult impossible = function.module->library ? INVALID_CONFIGURATION : CUDA_ERROR_INVALID_VALUE;
    for (int d = 0; d < 3; ++d) {
        require(grid[d] > 0 && block[d] > 0, "no size may be 0", impossible);
        require(grid[d] <= MOST_GRID[d], "a grid has at most 2147483647 x 65535 x 65535 blocks", impossible);
        require(block[d] <= MOST_BLOCK[d], "a block has at most 1024 x 1024 x 64 threads", impossible);
    }
    const uint64_t threads = uint64_t(block[0]) * block[1] * block[2];
    require(threads <= uint64_t(most.max_threads_per_block), "a block has at most 1024 threads", impossible);
    require(blocks_by_registers(kernel, static_cast<int>(threads)) > 0,
            "so many threads need more registers than a multiprocessor has", CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
    require(threads <= kernel.max_threads, "the kernel was compiled for fewer threads (__launch_bounds__, .maxntid)");
    for (int d = 0; d < 3; ++d)
        require(kernel.required_threads[0] == 0 || block[d] == std::max(kernel.required_threads[d], 1u),
                "the kernel was compiled for another number of threads (.reqntid)");
    require(dynamic_shared <= uint32_t(function.dynamic_shared_limit),
            "the kernel's limit of dynamic shared memory is smaller (cudaFuncAttributeMaxDynamicSharedMemorySize)");
    require(kernel.static_shared + uint64_t(dynamic_shared) <= uint64_t(most.shared_per_block_optin),
            "with its static shared memory that is more than a block may have");
}

// Finds the argument buffer in `extra`; fails if there are other options.
void find_buffer(void *const *extra, const void *&buffer, size_t &bytes) {
    const size_t *size = nullptr;
    for (; *extra != CU_LAUNCH_PARAM_END; extra += 2) {
        if (extra[0] == CU_LAUNCH_PARAM_BUFFER_POINTER) buffer = extra[1];
        else if (extra[0] == CU_LAUNCH_PARAM_BUFFER_SIZE) size = static_cast<const size_t *>(extra[1]);
        else fail(CUDA_ERROR_INVALID_VALUE);
    }
    require(buffer && size);
    bytes = *size;
}

}  // namespace

KernelWork kernel_work(const std::shared_ptr<Function> &shared, const uint32_t (&grid)[3], const uint32_t (&block)[3],
                       uint32_t dynamic_shared, void *const *parameters, void *const *extra) {
    const Function &function = *shared;
    check_shape(function, grid, block, dynamic_shared);
    const Kernel &kernel = *function.kernel;
    KernelWork work;
    work.function = shared;
    work.context = function.context;
    work.program = function.module->program;
    work.launch.kernel = &kernel;
    std::copy_n(grid, 3, work.launch.grid);
    std::copy_n(block, 3, work.launch.block);
    work.launch.dynamic_shared = dynamic_shared;
    work.launch.carveout = function.carveout;
    if (kernel.cluster[0]) set_cluster(work, kernel.cluster);
    work.launch.heap = &function.context->heap;
    work.launch.heap_bytes = function.context->limits[CU_LIMIT_MALLOC_HEAP_SIZE];
    work.launch.parameters.resize(kernel.parameter_bytes);
    uint8_t *const to = work.launch.parameters.data();
    if (extra && *extra != CU_LAUNCH_PARAM_END) {
        require(!parameters);
        const void *buffer = nullptr;
        size_t bytes = 0;
        find_buffer(extra, buffer, bytes);
        check_buffer(kernel, bytes);
        std::memcpy(to, buffer, kernel.parameter_bytes);
    } else if (!kernel.parameters.empty()) {
        check_arguments(kernel, parameters);
        for (size_t i = 0; i < kernel.parameters.size(); ++i)
            std::memcpy(to + kernel.parameters[i].offset, parameters[i], kernel.parameters[i].bytes);
    }
    return work;
}

uint32_t most_cluster(const Function &function) {
    return limits().compute < 90 ? 1 : function.large_clusters ? MOST_CLUSTER : PORTABLE_CLUSTER;
}

void set_cluster(KernelWork &work, const uint32_t (&size)[3]) {
    Launch &launch = work.launch;
    const Kernel &kernel = *launch.kernel;
    constexpr auto INVALID = CUDA_ERROR_INVALID_CLUSTER_SIZE;
    const uint64_t blocks = uint64_t(size[0]) * size[1] * size[2];
    require(blocks > 0, INVALID);
    require(blocks <= most_cluster(*work.function.lock()), INVALID);
    for (int d = 0; d < 3; ++d) {
        require(kernel.cluster[0] == 0 || kernel.cluster[d] == size[d], INVALID);
        require(launch.grid[d] % size[d] == 0, INVALID);
    }
    std::copy_n(size, 3, launch.cluster);
    launch.explicit_cluster = true;
}

void make_cooperative(KernelWork &work) {
    Launch &launch = work.launch;
    const uint64_t blocks = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
    const int threads = static_cast<int>(launch.block[0] * launch.block[1] * launch.block[2]);
    const int resident = active_blocks(*launch.kernel, threads, launch.dynamic_shared) * limits().multiprocessors;
    require(blocks <= static_cast<uint64_t>(resident), CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE);
    launch.cooperative = true;
}

void keep_attributes(KernelWork &to, const KernelWork &from) {
    if (from.launch.explicit_cluster && from.launch.kernel->cluster[0] == 0) set_cluster(to, from.launch.cluster);
    if (from.launch.cooperative) make_cooperative(to);
}

}  // namespace softgpu
