// Runs a warp. The lanes with the lowest program counter run first, so that diverged lanes reconverge. Lanes that wait
// for others are skipped until those have arrived.
#pragma once

#include "machine/block.h"

namespace softgpu {

class WarpRunner {
public:
    WarpRunner(Block &block, Warp &w)
        : block_(block), grid_(*block.grid), program_(grid_.program), code_(program_.code.data()), w_(w) {}

    // Runs until all lanes wait or have exited, or the time slice ends. False if no lane could run.
    bool run();

    uint32_t pc = 0;        // pc of the last instruction, for the report of a fault

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
    void copy_origins(int lane, uint64_t to, uint64_t from, uint64_t bytes);
    void save_origins(Frame &frame, const FunctionCode &caller, int lane) const;
    void restore_origins(const Frame &frame, const FunctionCode &caller, int lane);
    void check_watchdog() const;

    Block &block_;
    Grid &grid_;
    const Program &program_;
    const Instr *code_;
    Warp &w_;
};

}  // namespace softgpu
