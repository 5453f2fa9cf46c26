#include "program/kernel.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/align.h"

namespace softgpu {

// Additional local memory for a kernel with recursive calls, beyond its deepest call chain without recursion.
constexpr uint32_t RECURSION_STACK = 65536;

constexpr uint64_t MOST_STACK = 16 << 20;
constexpr uint64_t MOST_PARAMETERS = 32764;

namespace {

// The bytes of all frames at the deepest call from `f`. Functions that call each other count once each.
uint64_t deepest_frames(const Program &program, uint32_t f, const CallGraph &graph) {
    std::map<uint32_t, uint64_t> known;
    const std::function<uint64_t(uint32_t)> below = [&](uint32_t g) {
        if (const auto at = known.find(g); at != known.end()) return at->second;
        uint64_t own = program.functions[g].frame_bytes, most = 0;
        std::set<uint32_t> next = graph.callees[g];
        for (uint32_t h = 0; h < program.functions.size(); ++h)
            if (h != g && graph.reaches[g][h] && graph.reaches[h][g]) {
                own += program.functions[h].frame_bytes;
                next.insert(graph.callees[h].begin(), graph.callees[h].end());
            }
        for (uint32_t h : next)
            if (h != g && !graph.reaches[h][g]) most = std::max(most, below(h));
        return known[g] = own + most;
    };
    return below(f);
}

}  // namespace

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
        if (at > MOST_PARAMETERS) throw ptx::Error(v.line, v.name + ": a kernel has at most 32764 bytes of parameters");
    }
    kernel.parameter_bytes = static_cast<uint32_t>(at);
    kernel.registers = program.functions[f].registers;
    bool recursive = graph.reaches[f][f];
    for (uint32_t g = 0; g < program.functions.size(); ++g) {
        if (!graph.reaches[f][g]) continue;
        recursive |= graph.reaches[g][g];
        kernel.registers = std::max(kernel.registers, program.functions[g].registers);
    }
    const uint64_t local = deepest_frames(program, f, graph) + (recursive ? RECURSION_STACK : 0);
    if (local > MOST_STACK) throw ptx::Error(source.line, source.name + ": its calls need more than 16 MiB of stack");
    kernel.local_bytes = static_cast<uint32_t>(local);
    uint64_t threads = 1;
    for (int d = 0; d < 3; ++d) {
        kernel.required_threads[d] = source.required_threads[d];
        threads *= std::max<uint32_t>(1, std::max(source.max_threads[d], source.required_threads[d]));
    }
    std::copy_n(source.cluster, 3, kernel.cluster);
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
