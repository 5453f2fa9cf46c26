#include "driver/stream/library_work.h"

#include "base/settings.h"
#include "driver/stream/queue.h"
#include "machine/arena.h"
#include "machine/report.h"

namespace softgpu {

extern "C" {

SOFTGPU_INTERNAL int softgpu_enqueue_ordered(void *handle, const char *name, int (*run)(const void *data),
                                             const void *data, size_t bytes, const void *order) {
    return context_call(name, [&](Context &context) {
        const auto *from = static_cast<const uint8_t *>(data);
        submit(stream_of(context, static_cast<CUstream>(handle)), LibraryWork{run, {from, from + bytes}, order});
    }, Site::launch);
}

SOFTGPU_INTERNAL int softgpu_enqueue(void *handle, const char *name, int (*run)(const void *data), const void *data,
                                     size_t bytes) {
    return softgpu_enqueue_ordered(handle, name, run, data, bytes, nullptr);
}

SOFTGPU_INTERNAL void softgpu_complain(const char *text) { report(text); }

SOFTGPU_INTERNAL int softgpu_check_range(const char *what, uint64_t address, size_t bytes, int read) {
    Arena &arena = Arena::get();
    if (settings().on(Check::bounds) && !arena.holds(address, bytes)) {
        report(std::string(what) + ": " + std::to_string(bytes) + " bytes " + arena.describe(address) +
               " do not lie in one live allocation");
        return CUDA_ERROR_ILLEGAL_ADDRESS;
    }
    uint64_t first = 0;
    const bool initialized = settings().on(Check::initialized) && !settings().sampled_blocks;
    if (read && initialized && !arena.is_written(address, bytes, &first)) {
        report(std::string(what) + ": reads " + std::to_string(bytes) + " bytes of which nothing wrote the one " +
               arena.describe(first));
        return CUDA_ERROR_LAUNCH_FAILED;
    }
    return CUDA_SUCCESS;
}

SOFTGPU_INTERNAL void softgpu_mark_written(uint64_t address, size_t bytes) {
    Arena::get().mark_written(address, bytes);
}

}  // extern "C"

}  // namespace softgpu
