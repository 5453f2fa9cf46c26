// The parameters of nodes.
#include "driver/state/call.h"
#include "driver/state/module.h"
#include "driver/stream/graph.h"

namespace softgpu {

namespace {

// Runs a call on a node with work of one kind.
template <class W, class Body> CUresult on_node(const char *name, CUgraphNode handle, const void *argument, Body body) {
    return context_call(name, [&](Context &) {
        Node &node = node_of(handle);
        W *work = std::get_if<W>(&node.work);
        require(work && argument);
        body(node, *work);
    });
}

// The returned arguments point into the node. The runtime library knows a kernel by its library's handle.
void give_kernel(Node &node, KernelWork &work, CUDA_KERNEL_NODE_PARAMS_v2 &to) {
    const auto function = work.function.lock();
    require(function != nullptr, CUDA_ERROR_INVALID_HANDLE);
    Launch &l = work.launch;
    node.parameter_pointers.clear();
    for (const Kernel::Parameter &p : l.kernel->parameters)
        node.parameter_pointers.push_back(l.parameters.data() + p.offset);
    Library *const library = function->module->library;
    to = {{function.get(), l.grid[0], l.grid[1], l.grid[2], l.block[0], l.block[1], l.block[2], l.dynamic_shared,
           node.parameter_pointers.data(), nullptr},
          library ? kernel_named(*library, l.kernel->name) : nullptr, work.context};
}

template <class Parameters>
CUresult set_kernel(const char *name, CUgraphNode handle, const Parameters *from) {
    return on_node<KernelWork>(name, handle, from, [&](Node &node, KernelWork &) {
        replace_work(node, kernel_node(from));
    });
}

}  // namespace

extern "C" {

CU_API cuGraphNodeSetParams(CUgraphNode handle, CUgraphNodeParams *from) {
    return context_call(__func__, [&](Context &) {
        Node &node = node_of(handle);
        replace_work(node, changed_node(node, from));
    });
}

CU_API cuGraphKernelNodeGetParams(CUgraphNode handle, CUDA_KERNEL_NODE_PARAMS_v1 *to) {
    return on_node<KernelWork>(__func__, handle, to, [&](Node &node, KernelWork &work) {
        CUDA_KERNEL_NODE_PARAMS_v2 all;
        give_kernel(node, work, all);
        *to = all;
    });
}
CU_API cuGraphKernelNodeGetParams_v2(CUgraphNode handle, CUDA_KERNEL_NODE_PARAMS_v2 *to) {
    return on_node<KernelWork>(__func__, handle, to, [&](Node &node, KernelWork &work) {
        give_kernel(node, work, *to);
    });
}
CU_API cuGraphKernelNodeSetParams(CUgraphNode handle, const CUDA_KERNEL_NODE_PARAMS_v1 *from) {
    return set_kernel(__func__, handle, from);
}
CU_API cuGraphKernelNodeSetParams_v2(CUgraphNode handle, const CUDA_KERNEL_NODE_PARAMS_v2 *from) {
    return set_kernel(__func__, handle, from);
}

CU_API cuGraphMemcpyNodeGetParams(CUgraphNode handle, CUDA_MEMCPY3D *to) {
    return on_node<CopyWork>(__func__, handle, to, [&](Node &, CopyWork &work) { *to = work.parameters; });
}
CU_API cuGraphMemcpyNodeSetParams(CUgraphNode handle, const CUDA_MEMCPY3D *from) {
    return on_node<CopyWork>(__func__, handle, from, [&](Node &node, CopyWork &) {
        replace_work(node, copy_node(from));
    });
}

CU_API cuGraphMemsetNodeGetParams(CUgraphNode handle, CUDA_MEMSET_NODE_PARAMS *to) {
    return on_node<FillWork>(__func__, handle, to, [&](Node &, FillWork &work) { *to = work.parameters; });
}
CU_API cuGraphMemsetNodeSetParams(CUgraphNode handle, const CUDA_MEMSET_NODE_PARAMS *from) {
    return on_node<FillWork>(__func__, handle, from, [&](Node &node, FillWork &) {
        replace_work(node, fill_node(from));
    });
}

CU_API cuGraphHostNodeGetParams(CUgraphNode handle, CUDA_HOST_NODE_PARAMS *to) {
    return on_node<HostWork>(__func__, handle, to, [&](Node &, HostWork &work) { *to = {work.function, work.data}; });
}
CU_API cuGraphHostNodeSetParams(CUgraphNode handle, const CUDA_HOST_NODE_PARAMS *from) {
    return on_node<HostWork>(__func__, handle, from, [&](Node &node, HostWork &) {
        replace_work(node, host_node(from));
    });
}

CU_API cuGraphChildGraphNodeGetGraph(CUgraphNode handle, CUgraph *to) {
    return on_node<ChildNode>(__func__, handle, to, [&](Node &, ChildNode &child) { *to = child.graph.get(); });
}

CU_API cuGraphEventRecordNodeGetEvent(CUgraphNode handle, CUevent *to) {
    return on_node<EventRecordNode>(__func__, handle, to, [&](Node &, EventRecordNode &work) { *to = work.event; });
}
CU_API cuGraphEventWaitNodeGetEvent(CUgraphNode handle, CUevent *to) {
    return on_node<EventWaitNode>(__func__, handle, to, [&](Node &, EventWaitNode &work) { *to = work.event; });
}
CU_API cuGraphEventRecordNodeSetEvent(CUgraphNode handle, CUevent event) {
    return on_node<EventRecordNode>(__func__, handle, event, [&](Node &node, EventRecordNode &) {
        replace_work(node, event_node<EventRecordNode>(event));
    });
}
CU_API cuGraphEventWaitNodeSetEvent(CUgraphNode handle, CUevent event) {
    return on_node<EventWaitNode>(__func__, handle, event, [&](Node &node, EventWaitNode &) {
        replace_work(node, event_node<EventWaitNode>(event));
    });
}

CU_API cuGraphMemAllocNodeGetParams(CUgraphNode handle, CUDA_MEM_ALLOC_NODE_PARAMS *to) {
    return on_node<AllocNode>(__func__, handle, to, [&](Node &, AllocNode &work) { *to = work.parameters; });
}
CU_API cuGraphMemFreeNodeGetParams(CUgraphNode handle, CUdeviceptr *to) {
    return on_node<FreeNode>(__func__, handle, to, [&](Node &, FreeNode &work) { *to = work.memory->address; });
}

}  // extern "C"

}  // namespace softgpu
