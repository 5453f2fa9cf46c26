#include "program/kernel.h"

#include <algorithm>
#include <functional>

#include "base/align.h"

namespace softgpu {

// Additional local memory for a kernel with recursive calls, beyond its deepest call chain without recursion.
constexpr uint32_t RECURSION_STACK = 65536;

Kernel make_kernel(const Program &program, uint32_t f, const ptx::Function &source, const CallGraph &graph) {
    Kernel kernel;
    kernel.name = source.name;
    kernel.program = &program;
    kernel.function = f;
    uint64_t at = 0;
    for (const ptx::Variable &v : source.parameters) {
        at = align_up(at, v.align);
        kernel.parameters.push_back(
            {static_cast<uint32_t>(at), static_cast<uint32_t>(v.bytes), static_cast<uint32_t>(v.align)});
        at += v.bytes;
    }
    kernel.parameter_bytes = static_cast<uint32_t>(at);
    kernel.registers = program.functions[f].registers;
    std::function<uint32_t(uint32_t, std::set<uint32_t> &)> deepest = [&](uint32_t g, std::set<uint32_t> &path) {
        uint32_t most = 0;
        path.insert(g);
        for (uint32_t h : graph.callees[g])
            if (!path.count(h)) most = std::max(most, deepest(h, path));
        path.erase(g);
        return most + program.functions[g].frame_bytes;
    };
    bool recursive = graph.reaches[f][f];
    for (uint32_t g = 0; g < program.functions.size(); ++g) {
        if (!graph.reaches[f][g]) continue;
        recursive |= graph.reaches[g][g];
        kernel.registers = std::max(kernel.registers, program.functions[g].registers);
    }
    std::set<uint32_t> path;
    kernel.local_bytes = deepest(f, path) + (recursive ? RECURSION_STACK : 0);
    uint64_t threads = 1;
    for (int d = 0; d < 3; ++d) {
        kernel.required_threads[d] = source.required_threads[d];
        threads *= std::max<uint32_t>(1, std::max(source.max_threads[d], source.required_threads[d]));
    }
    const bool bounded = source.max_threads[0] || source.required_threads[0];
    if (source.max_threads[0]) kernel.max_threads = static_cast<uint32_t>(std::min<uint64_t>(threads, 1024));
    // Registers are allocated in multiples of 8, at least 16. If the kernel declares its number of threads, a compiler
    // would spill registers to fit the 65536 of the multiprocessor.
    uint64_t most = 255;
    if (bounded) most = std::min(most, 65536 / (align_up(threads, LANES) * std::max(1u, source.min_blocks)) / 8 * 8);
    if (source.max_registers) most = std::min<uint64_t>(most, source.max_registers);
    kernel.registers = static_cast<uint32_t>(std::min(most, std::max<uint64_t>(16, align_up(kernel.registers, 8))));
    return kernel;
}

}  // namespace softgpu
