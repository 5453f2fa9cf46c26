// The work items of streams and graphs.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "machine/launch.h"
#include "base/cuda_types.h"

namespace softgpu {

struct KernelWork {
    std::weak_ptr<Function> function;   // expires when the module is unloaded
    std::weak_ptr<Program> program;     // may outlive it
    Context *context = nullptr;
    Launch launch;
};

// A box of bytes, for linear, pitched and 3D copies. A linear copy has one row.
struct CopyWork {
    struct Side {
        uint64_t address = 0;   // of the first byte
        uint64_t pitch = 0;     // from row to row
        uint64_t slice = 0;     // from plane to plane
        bool device = false;    // given as device memory: the range is checked
        bool pageable = false;  // host memory that is not pinned
    };
    Side to, from;
    uint64_t width = 0, height = 1, depth = 1;
    std::shared_ptr<const std::vector<uint8_t>> staged;     // a packed copy of the bytes of a pageable source
    CUDA_MEMCPY3D parameters{};                             // as requested, for graph queries
};

struct FillWork {
    CUDA_MEMSET_NODE_PARAMS parameters{};
};

struct HostWork {
    CUhostFn function = nullptr;
    void *data = nullptr;
};

struct CallbackWork {
    CUstreamCallback function = nullptr;
    CUstream stream = nullptr;
    void *data = nullptr;
};

// Work of softgpu_enqueue. With an order, that of softgpu_enqueue_ordered.
struct LibraryWork {
    int (*run)(const void *data) = nullptr;
    std::vector<uint8_t> data;
    const void *order = nullptr;
};

struct FreeWork {
    uint64_t address = 0;
};

struct GraphMemory;     // graph_memory.h

// Allocates memory of a graph at its address, or frees it.
struct OpenWork {
    std::shared_ptr<GraphMemory> memory;
};
struct CloseWork {
    std::shared_ptr<GraphMemory> memory;
};

// One recording of an event.
struct Record {
    std::shared_ptr<Stream> stream;
    uint64_t position = 0;
    std::atomic<bool> done{false};      // set last
    std::chrono::steady_clock::time_point time;
};
struct RecordWork {
    std::shared_ptr<Record> record;
};

struct EmptyWork {};

struct GraphWork;   // graph.h

using Work = std::variant<EmptyWork, KernelWork, CopyWork, FillWork, HostWork, CallbackWork, LibraryWork, FreeWork,
                          OpenWork, CloseWork, RecordWork, std::shared_ptr<GraphWork>>;

// Runs it now, without the driver's lock. CUDA_ERROR_NOT_READY: it waits for another process, and is to be executed
// again. Another code than CUDA_SUCCESS becomes the context's sticky error.
CUresult execute(Work &work);

// Runs after `stream` has reached `position`.
struct Dependency {
    std::shared_ptr<Stream> stream;
    uint64_t position = 0;
};

struct Operation {
    Work work;
    std::vector<Dependency> after;
    bool queued_at_end = false;     // by an exit handler
    std::chrono::steady_clock::time_point begun{};      // unset until it begins
};

}  // namespace softgpu
