// Nodes that allocate and free memory, what they mean to the rest of the driver, and what is asked about them.
#include "driver/stream/graph_memory.h"

#include <algorithm>

#include "driver/stream/queue.h"

namespace softgpu {

namespace {

// All there is, by address. Never destroyed, like the driver itself.
auto &all_memory = *new std::map<uint64_t, std::weak_ptr<GraphMemory>>;

}  // namespace

GraphMemory::GraphMemory(Context &context, uint64_t bytes) : context(&context), bytes(bytes) {
    require(bytes > 0);
    address = Arena::get().allocate(bytes, Arena::Kind::graph);
    require(address, CUDA_ERROR_OUT_OF_MEMORY);
}

GraphMemory::~GraphMemory() {
    Arena::get().free(address, Arena::Kind::graph);
    all_memory.erase(address);
}

bool GraphMemory::allocated() const { return Driver::get().allocations.contains(address); }

std::shared_ptr<GraphMemory> graph_memory_at(CUdeviceptr address) {
    const auto at = all_memory.find(address);
    return at == all_memory.end() ? nullptr : at->second.lock();
}

CloseWork forget(const std::shared_ptr<GraphMemory> &memory) {
    Driver::get().allocations.erase(memory->address);
    return {memory};
}

bool Graph::has_memory_nodes() const {
    return std::ranges::any_of(nodes, [](const auto &node) {
        return std::holds_alternative<AllocNode>(node->work) || std::holds_alternative<FreeNode>(node->work);
    });
}

NodeWork alloc_node(Context &context, CUDA_MEM_ALLOC_NODE_PARAMS &p) {
    const auto is_device = [](const CUmemLocation &location) {
        return location.type == CU_MEM_LOCATION_TYPE_DEVICE && location.id >= 0 && location.id < device_count();
    };
    require(p.poolProps.allocType == CU_MEM_ALLOCATION_TYPE_PINNED && is_device(p.poolProps.location));
    require(p.poolProps.handleTypes == 0, CUDA_ERROR_NOT_SUPPORTED);
    require(p.accessDescs || p.accessDescCount == 0);
    for (size_t i = 0; i < p.accessDescCount; ++i) require(is_device(p.accessDescs[i].location));
    const auto memory = std::make_shared<GraphMemory>(context, p.bytesize);
    all_memory[memory->address] = memory;
    p.dptr = memory->address;
    AllocNode node{memory, p};
    node.parameters.accessDescs = nullptr;      // the program's
    node.parameters.accessDescCount = 0;
    return node;
}

// Of a node of this graph or another; a graph frees it once.
NodeWork free_node(const Graph &graph, CUdeviceptr address) {
    const auto memory = graph_memory_at(address);
    require(memory != nullptr);
    for (const auto &node : graph.nodes)
        if (const auto *other = std::get_if<FreeNode>(&node->work)) require(other->memory != memory);
    return FreeNode{memory};
}

CUdeviceptr capture_alloc(const std::shared_ptr<Stream> &stream, size_t bytes) {
    CUDA_MEM_ALLOC_NODE_PARAMS p{};
    p.poolProps.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
    p.poolProps.location = {CU_MEM_LOCATION_TYPE_DEVICE, 0};
    p.bytesize = bytes;
    add_node(stream, alloc_node(*stream->context, p));
    return p.dptr;
}

void capture_free(const std::shared_ptr<Stream> &stream, CUdeviceptr address) {
    add_node(stream, free_node(*stream->capture->graph, address));
}

namespace {

CUresult use_call(const char *name, CUdevice device, const void *value, CUgraphMem_attribute attribute,
                  void (*body)(CUgraphMem_attribute attribute, uint64_t &value)) {
    return driver_call(name, [&](Driver &) {
        require(device >= 0 && device < device_count(), CUDA_ERROR_INVALID_DEVICE);
        require(value && attribute >= CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT &&
                attribute <= CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH);
        body(attribute, *static_cast<uint64_t *>(const_cast<void *>(value)));
    });
}

bool is_most(CUgraphMem_attribute attribute) {
    return attribute == CU_GRAPH_MEM_ATTR_USED_MEM_HIGH || attribute == CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH;
}

}  // namespace

extern "C" {

// Nothing is kept that is not used.
CU_API cuDeviceGetGraphMemAttribute(CUdevice device, CUgraphMem_attribute attribute, void *value) {
    return use_call(__func__, device, value, attribute, [](CUgraphMem_attribute which, uint64_t &to) {
        const Arena::GraphUse use = Arena::get().graph_use();
        to = is_most(which) ? use.most : use.now;
    });
}

CU_API cuDeviceSetGraphMemAttribute(CUdevice device, CUgraphMem_attribute attribute, void *value) {
    return use_call(__func__, device, value, attribute, [](CUgraphMem_attribute which, uint64_t &from) {
        require(is_most(which) && from == 0);
        Arena::get().forget_most();
    });
}

CU_API cuDeviceGraphMemTrim(CUdevice device) {
    return driver_call(__func__, [&](Driver &) {
        require(device >= 0 && device < device_count(), CUDA_ERROR_INVALID_DEVICE);
    });
}

}  // extern "C"

}  // namespace softgpu
