// Launching kernels.
#include "driver/state/module.h"
#include "driver/stream/queue.h"
#include "driver/work/kernel.h"

namespace softgpu {

namespace {

CUresult launch(const char *name, CUfunction handle, const uint32_t (&grid)[3], const uint32_t (&block)[3],
                uint32_t dynamic_shared, CUstream stream_handle, void *const *parameters, void *const *extra,
                bool cooperative = false, const uint32_t (*cluster)[3] = nullptr) {
    return context_call(name, [&](Context &context) {
        const auto function = function_of(context, handle);
        const auto stream = stream_of(context, stream_handle);
        require(function->context == &context && stream->context == &context, CUDA_ERROR_INVALID_HANDLE);
        KernelWork work = kernel_work(function, grid, block, dynamic_shared, parameters, extra);
        if (cluster) set_cluster(work, *cluster);
        if (cooperative) make_cooperative(work);
        submit(stream, std::move(work));
    }, Site::launch);
}

}  // namespace

extern "C" {

CU_API cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                      unsigned block_y, unsigned block_z, unsigned dynamic_shared, CUstream stream, void **parameters,
                      void **extra) {
    return launch(__func__, function, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, dynamic_shared, stream,
                  parameters, extra);
}

CU_API cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function, void **parameters, void **extra) {
    if (!config || (config->numAttrs && !config->attrs)) return CUDA_ERROR_INVALID_VALUE;
    bool cooperative = false;
    const uint32_t (*cluster)[3] = nullptr;
    for (unsigned i = 0; i < config->numAttrs; ++i) {
        if (config->attrs[i].id == CU_LAUNCH_ATTRIBUTE_COOPERATIVE) {
            cooperative = config->attrs[i].value.number != 0;
            continue;
        }
        if (config->attrs[i].id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION) {
            cluster = &config->attrs[i].value.size;
            continue;
        }
        if (config->attrs[i].id == CU_LAUNCH_ATTRIBUTE_IGNORE ||
            config->attrs[i].id == CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING)
            continue;
        complain("cuLaunchKernelEx: launch attribute " + std::to_string(config->attrs[i].id) + " is not provided");
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    return launch(__func__, function, {config->gridDimX, config->gridDimY, config->gridDimZ},
                  {config->blockDimX, config->blockDimY, config->blockDimZ}, config->sharedMemBytes, config->hStream,
                  parameters, extra, cooperative, cluster);
}

CU_API cuLaunchCooperativeKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                 unsigned block_x, unsigned block_y, unsigned block_z, unsigned dynamic_shared, CUstream stream,
                                 void **parameters) {
    return launch(__func__, function, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, dynamic_shared, stream,
                  parameters, nullptr, true);
}

}  // extern "C"

}  // namespace softgpu
