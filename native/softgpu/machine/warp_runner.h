// Running a warp: its lanes with the lowest program counter first, so that lanes that went different ways meet again by
// themselves; those that wait for others stand by until these have come.
#pragma once

#include "machine/block.h"

namespace softgpu {

class WarpRunner {
public:
    WarpRunner(Block &block, Warp &w)
        : block_(block), grid_(*block.grid), program_(grid_.program), code_(program_.code.data()), w_(w) {}

    // Until all its lanes wait or have exited, or its slice is over. False where none could move.
    bool run();

    uint32_t pc = 0;        // of the last instruction, for a fault's report

private:
    void run_group(Group group, uint32_t limit, uint64_t end);
    void jump_table(const Instr &i, uint32_t active);
    void call(const Instr &i, uint32_t active);
    void enter(const CallSite &site, uint32_t function, uint32_t active);
    void give_back(uint32_t active);
    void exit(uint32_t active);
    void converge(const Instr &i, uint32_t active);
    bool release();
    void execute(const Instr &i, uint32_t mask);
    void check_watchdog() const;

    Block &block_;
    Grid &grid_;
    const Program &program_;
    const Instr *code_;
    Warp &w_;
};

}  // namespace softgpu
