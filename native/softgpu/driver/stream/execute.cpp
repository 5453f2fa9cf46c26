#include <cstring>

#include "driver/state/call.h"
#include "driver/state/work.h"
#include "driver/stream/graph.h"
#include "driver/work/transfer.h"
#include "machine/arena.h"
#include "machine/report.h"

namespace softgpu {

namespace {

// The workspace of a cooperative grid: its size, and the barrier of its blocks, which begins as zero.
CUresult run_together(Launch &launch) {
    constexpr uint32_t BYTES = 64;
    Arena &arena = Arena::get();
    launch.workspace = arena.allocate(BYTES, Arena::Kind::global, "(workspace of a cooperative grid)");
    if (!launch.workspace) return CUDA_ERROR_OUT_OF_MEMORY;
    std::memset(reinterpret_cast<void *>(launch.workspace), 0, BYTES);
    std::memcpy(reinterpret_cast<void *>(launch.workspace), &BYTES, sizeof BYTES);
    arena.mark_written(launch.workspace, BYTES);
    const int error = softgpu::run(launch);
    arena.free(launch.workspace, Arena::Kind::global);
    return static_cast<CUresult>(error);
}

struct Executor {
    CUresult operator()(EmptyWork &) const { return CUDA_SUCCESS; }
    CUresult operator()(KernelWork &work) const {
        const auto program = work.program.lock();
        if (!program || work.function.expired()) {
            report("a graph launches a kernel of a module that was unloaded");
            return CUDA_ERROR_LAUNCH_FAILED;
        }
        return work.launch.cooperative ? run_together(work.launch) : static_cast<CUresult>(softgpu::run(work.launch));
    }
    CUresult operator()(CopyWork &work) const { return run(work); }
    CUresult operator()(FillWork &work) const { return run(work); }
    CUresult operator()(HostWork &work) const {
        HostFunction inside;
        work.function(work.data);
        return CUDA_SUCCESS;
    }
    CUresult operator()(CallbackWork &work) const {
        HostFunction inside;
        work.function(work.stream, CUDA_SUCCESS, work.data);
        return CUDA_SUCCESS;
    }
    CUresult operator()(LibraryWork &work) const { return static_cast<CUresult>(work.run(work.data.data())); }
    CUresult operator()(OpenWork &work) const {
        return Arena::get().open(work.memory->address) ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
    }
    CUresult operator()(CloseWork &work) const {
        Arena::get().close(work.memory->address);
        return CUDA_SUCCESS;
    }
    CUresult operator()(FreeWork &) const { return CUDA_SUCCESS; }     // called by the queue, which holds the lock
    CUresult operator()(RecordWork &work) const {
        work.record->time = std::chrono::steady_clock::now();
        work.record->done = true;
        return CUDA_SUCCESS;
    }
    CUresult operator()(std::shared_ptr<GraphWork> &graph) const {
        for (; graph->done < graph->steps.size(); ++graph->done)
            if (const CUresult error = execute(graph->steps[graph->done]); error != CUDA_SUCCESS) return error;
        return CUDA_SUCCESS;
    }
};

}  // namespace

CUresult execute(Work &work) {
    try {
        return std::visit(Executor(), work);
    } catch (const std::bad_alloc &) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    } catch (const std::exception &e) {
        complain(e.what());
        return CUDA_ERROR_UNKNOWN;
    }
}

}  // namespace softgpu
