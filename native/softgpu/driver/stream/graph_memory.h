// Memory that nodes of a graph allocate and free.
#pragma once

#include "driver/state/driver.h"

namespace softgpu {

// Its address is fixed when the node is made that allocates it. It is one of Driver::allocations from the launch of that
// node on until the call, or the launch of a node, that frees it. The memory is there (Arena::open) when the streams
// come so far.
struct GraphMemory {
    Context *context = nullptr;
    uint64_t address = 0, bytes = 0;

    GraphMemory(Context &context, uint64_t bytes);      // fails if there is no room for the address
    ~GraphMemory();
    bool allocated() const;     // by the calls so far
};

// Memory of a graph by its address; null for other memory.
std::shared_ptr<GraphMemory> graph_memory_at(CUdeviceptr address);

// For cuMemAllocAsync and cuMemFreeAsync in a stream that captures.
CUdeviceptr capture_alloc(const std::shared_ptr<Stream> &stream, size_t bytes);
void capture_free(const std::shared_ptr<Stream> &stream, CUdeviceptr address);

// Takes it from the program's allocations; it is closed by what is queued next.
CloseWork forget(const std::shared_ptr<GraphMemory> &memory);

}  // namespace softgpu
