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

// The name of a launch attribute that would do something. All others, such as priorities and programmatic stream
// serialization, only allow a GPU to be faster.
const char *effect_not_provided(int attribute) {
    switch (attribute) {
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT: return "programmatic event";
    case CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT: return "launch completion event";
    case CU_LAUNCH_ATTRIBUTE_DEVICE_UPDATABLE_KERNEL_NODE: return "device updatable kernel node";
    default: return nullptr;
    }
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
        const CUlaunchAttribute &attribute = config->attrs[i];
        if (attribute.id == CU_LAUNCH_ATTRIBUTE_COOPERATIVE) cooperative = attribute.value.number != 0;
        if (attribute.id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION) cluster = &attribute.value.size;
        if (const char *name = effect_not_provided(attribute.id)) {
            complain(std::string("cuLaunchKernelEx: the launch attribute ") + name + " is not provided");
            return CUDA_ERROR_NOT_SUPPORTED;
        }
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
