#include "machine/fault_report.h"

#include "base/triple.h"
#include "ptx/source.h"

namespace softgpu {

void report_fault(Block &block, const Warp &w, const Instr &instr, const Fault &fault) {
    Grid &grid = *block.grid;
    const std::lock_guard<std::mutex> lock(grid.mutex);
    if (grid.error) return;
    const Launch &launch = grid.launch;
    std::string text = std::string("check ") + name(fault.check) + " failed in kernel " + grid.kernel.name + " <<<" +
                       triple(launch.grid) + ", " + triple(launch.block) + ", " + std::to_string(launch.dynamic_shared) +
                       ">>>\n  " + fault.message + "\n";
    // The line of the kernel first, which the user wrote; then what is inlined there, often a library's.
    const std::vector<std::string> chain = ptx::inlined_chain(grid.program.source, instr.source);
    for (auto line = chain.rbegin(); line != chain.rend(); ++line)
        text += (line == chain.rbegin() ? "  source " : "    inlined there: ") + *line + "\n";
    text += "  PTX line " + std::to_string(instr.line) + ": " + ptx::text_of(grid.program.source, instr.line) + "\n";
    text += "  block " + triple(block.id) + ", ";
    if (fault.lane >= 0)
        text += "thread " + thread_name(grid, w.index * LANES + static_cast<uint32_t>(fault.lane)) + ", ";
    text += "warp " + std::to_string(w.index) + "\n";
    grid.fault_report = std::move(text);
    grid.error = fault.error;
    grid.stopped = true;
}

}  // namespace softgpu
