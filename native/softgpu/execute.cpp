// The machine: blocks over the host's threads, warps of a block in turn, and of a warp the lanes with the lowest program
// counter first, so that lanes that went different ways meet again by themselves.
#include "block.h"
#include "decode.h"
#include "report.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

namespace softgpu {

namespace {

constexpr uint64_t SLICE = 1 << 18;     // instructions after which another warp, or other lanes of the warp, get their turn
constexpr uint32_t NOWHERE = 0xffffffffu;

// Takes out of w.groups the lanes to run next. `limit` becomes where they meet others.
bool pick(Warp &w, bool fair, Group &group, uint32_t &limit) {
    int best = -1, ready = 0;
    for (size_t g = 0; g < w.groups.size(); ++g) {
        if (w.groups[g].wait != Group::Wait::none) continue;
        ++ready;
        if (best < 0 || (fair ? w.groups[g].pc > w.groups[best].pc : w.groups[g].pc < w.groups[best].pc))
            best = static_cast<int>(g);
    }
    if (best < 0) return false;
    group = w.groups[best];
    w.groups.erase(w.groups.begin() + best);
    limit = NOWHERE;
    if (ready > 1)
        for (const Group &other : w.groups)
            if (other.wait == Group::Wait::none && other.pc > group.pc) limit = std::min(limit, other.pc);
    return true;
}

// Lanes that wait at an instruction for others go on when the others have come, or have exited.
bool converged(const Warp &w, const Group &group) {
    return (group.members & w.live & ~group.mask) == 0;
}

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

bool WarpRunner::run() {
    const uint64_t begin = w_.issued, end = begin + SLICE;
    bool fair = false, ran = false;
    Group group;
    uint32_t limit;
    while (w_.issued < end) {
        if (!pick(w_, fair, group, limit)) {
            if (!release()) return ran;
            ran = true;
            continue;
        }
        ran = true;
        const uint64_t before = w_.issued;
        // Lanes that spin until others of their warp get on must not starve them: those ahead get a turn now and then.
        run_group(group, limit, std::min(end, before + (fair ? SLICE / 64 : SLICE / 16)));
        fair = !fair && w_.issued - before >= SLICE / 16 && w_.groups.size() > 1;
    }
    check_watchdog();
    return true;
}

void WarpRunner::check_watchdog() const {
    const uint64_t most = grid_.settings.watchdog_instructions;
    if (most && w_.issued > most)
        throw Fault{Check::deadlock, -1, "a warp has issued more than " + std::to_string(most) +
                    " instructions, which the watchdog allows", CUDA_ERROR_LAUNCH_TIMEOUT};
}

void WarpRunner::run_group(Group group, uint32_t limit, uint64_t end) {
    const uint32_t mask = group.mask;
    pc = group.pc;
    uint64_t issued = w_.issued;
    LineCounters *counters = block_.counters;
    for (;;) {
        const Instr &i = code_[pc];
        const uint32_t active = mask & (w_.predicates[i.guard] ^ i.guard_flip);
        w_.issued = ++issued;
        if (counters) {
            counters[pc].warps += 1;
            counters[pc].threads += static_cast<uint64_t>(__builtin_popcount(active));
        }
        uint32_t next = pc + 1;
        switch (i.flow) {
        case Flow::next:
            w_.active = active;
            if (active) i.exec(w_, i);
            break;
        case Flow::branch:
            if (active == mask) {
                next = i.target;
                // Only a backward branch can go on for ever.
                if (next <= pc && issued >= end) {
                    make_ready(w_, next, mask);
                    return;
                }
            } else if (active) {
                make_ready(w_, i.target, active);
                make_ready(w_, next, mask & ~active);
                return;
            }
            break;
        case Flow::converge: {
            // Most often everyone is here.
            if (active == mask) {
                const uint32_t all = i.has_mask ? w_.lanes<uint32_t>(i.op[4])[__builtin_ctz(mask)] : FULL;
                if (mask == (all & w_.live) && (i.has_mask || mask == FULL) && !w_.groups.size()) {
                    bool same = true;
                    if (i.has_mask)
                        for (uint32_t rest = mask; rest; rest &= rest - 1)
                            same &= w_.lanes<uint32_t>(i.op[4])[__builtin_ctz(rest)] == all;
                    if (same) {
                        w_.active = mask;
                        i.exec(w_, i);
                        break;
                    }
                }
            }
            if (mask & ~active) make_ready(w_, next, mask & ~active);
            if (active) converge(i, active);
            return;
        }
        case Flow::table:
            if (mask & ~active) make_ready(w_, next, mask & ~active);
            jump_table(i, active);
            return;
        case Flow::call:
        case Flow::call_indirect:
            if (mask & ~active) make_ready(w_, next, mask & ~active);
            call(i, active);
            return;
        case Flow::ret:
            if (mask & ~active) make_ready(w_, next, mask & ~active);
            give_back(active);
            return;
        case Flow::exit:
            if (mask & ~active) make_ready(w_, next, mask & ~active);
            exit(active);
            return;
        case Flow::trap:
            if (active)
                throw Fault{Check::trap, __builtin_ctz(active), "trap instruction", CUDA_ERROR_LAUNCH_FAILED};
            break;
        case Flow::barrier: {
            const uint32_t free = active ? arrive(block_, w_, pc, active) : 0;
            if (const uint32_t on = (mask & ~active) | free) make_ready(w_, next, on);
            return;
        }
        }
        pc = next;
        if (pc >= limit) {
            make_ready(w_, pc, mask);
            return;
        }
    }
}

void WarpRunner::jump_table(const Instr &i, uint32_t active) {
    const std::vector<uint32_t> &table = program_.tables[i.target];
    const uint32_t *index = w_.lanes<uint32_t>(i.op[0]);
    for (uint32_t rest = active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        if (index[l] >= table.size())
            throw Fault{Check::illegal_instruction, l, "brx.idx with index " + std::to_string(index[l]) + " of a table of " +
                        std::to_string(table.size()) + " targets", CUDA_ERROR_ILLEGAL_INSTRUCTION};
        make_ready(w_, table[index[l]], 1u << l);
    }
}

void WarpRunner::call(const Instr &i, uint32_t active) {
    const CallSite &site = program_.calls[i.target];
    if (i.flow == Flow::call) {
        if (active) enter(site, site.callee, active);
        return;
    }
    while (active) {
        const int first = __builtin_ctz(active);
        const uint64_t *callee = w_.lanes<uint64_t>(i.op[0]);
        uint32_t same = 0;
        for (uint32_t rest = active; rest; rest &= rest - 1)
            if (const int l = __builtin_ctz(rest); callee[l] == callee[first]) same |= 1u << l;
        const uint64_t function = callee[first] & ~WINDOW_MASK;
        if ((callee[first] & WINDOW_MASK) != FUNCTION_WINDOW || function >= program_.functions.size() ||
            program_.functions[function].parameters.size() != site.arguments.size() ||
            program_.functions[function].results.size() != site.results.size())
            throw Fault{Check::illegal_instruction, first, "call through a pointer that is no function of this type",
                        CUDA_ERROR_INVALID_PC};
        enter(site, static_cast<uint32_t>(function), same);
        active &= ~same;
    }
}

void WarpRunner::enter(const CallSite &site, uint32_t function, uint32_t active) {
    const FunctionCode &caller = program_.functions[site.caller], &callee = program_.functions[function];
    for (uint32_t rest = active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const uint32_t from = w_.stack[l], to = from + caller.frame_bytes;
        if (to + callee.frame_bytes > grid_.local_bytes)
            throw Fault{Check::stack, l, "stack overflow: calls are nested too deeply for " +
                        std::to_string(grid_.local_bytes) + " bytes of stack", CUDA_ERROR_ILLEGAL_ADDRESS};
        std::byte *local = w_.local + static_cast<size_t>(l) * grid_.local_bytes;
        for (size_t p = 0; p < site.arguments.size(); ++p)
            std::memcpy(local + to + callee.parameters[p].offset, local + from + site.arguments[p], callee.parameters[p].bytes);
        Frame frame{pc, from, {}};
        if (site.saves_registers) {
            for (auto [offset, wide] : caller.places) {
                const size_t bytes = wide ? 8 : 4;
                const auto *lane = reinterpret_cast<const uint8_t *>(w_.base[0] + caller.first_register + offset + l * bytes);
                frame.saved.insert(frame.saved.end(), lane, lane + bytes);
            }
            for (uint32_t p = 0; p < caller.predicates; ++p)
                frame.saved.push_back(w_.predicates[caller.first_predicate + p] >> l & 1);
        }
        w_.frames[l].push_back(std::move(frame));
        w_.stack[l] = to;
    }
    make_ready(w_, callee.entry, active);
}

void WarpRunner::give_back(uint32_t active) {
    for (uint32_t rest = active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const Frame frame = std::move(w_.frames[l].back());
        w_.frames[l].pop_back();
        const Instr &at = code_[frame.call];
        const CallSite &site = program_.calls[at.target];
        const FunctionCode &caller = program_.functions[site.caller];
        // The callee: the function that this return stands in.
        const FunctionCode &callee = *std::find_if(program_.functions.begin(), program_.functions.end(),
                                                   [this](const FunctionCode &f) { return pc >= f.entry && pc < f.end; });
        std::byte *local = w_.local + static_cast<size_t>(l) * grid_.local_bytes;
        for (size_t r = 0; r < site.results.size(); ++r)
            std::memcpy(local + frame.stack + site.results[r], local + w_.stack[l] + callee.results[r].offset,
                        callee.results[r].bytes);
        if (!frame.saved.empty()) {
            const uint8_t *saved = frame.saved.data();
            for (auto [offset, wide] : caller.places) {
                const size_t bytes = wide ? 8 : 4;
                std::memcpy(w_.base[0] + caller.first_register + offset + l * bytes, saved, bytes);
                saved += bytes;
            }
            for (uint32_t p = 0; p < caller.predicates; ++p) {
                uint32_t &word = w_.predicates[caller.first_predicate + p];
                word = (word & ~(1u << l)) | static_cast<uint32_t>(*saved++) << l;
            }
        }
        w_.stack[l] = frame.stack;
        make_ready(w_, frame.call + 1, 1u << l);
    }
}

void WarpRunner::exit(uint32_t active) {
    w_.live &= ~active;
    block_.exited += static_cast<uint32_t>(__builtin_popcount(active));
}

// The lanes `active` come to an instruction that others must run with them. They wait there unless all have come; lanes
// that name different masks form sets of their own.
void WarpRunner::converge(const Instr &i, uint32_t active) {
    for (Group &waiting : w_.groups)
        if (waiting.wait == Group::Wait::converge && waiting.pc == pc) {
            active |= waiting.mask;
            waiting.mask = 0;
        }
    std::erase_if(w_.groups, [](const Group &g) { return g.mask == 0; });
    while (active) {
        const int first = __builtin_ctz(active);
        uint32_t members = FULL, same = active;
        if (i.has_mask) {
            const uint32_t *named = w_.lanes<uint32_t>(i.op[4]);
            members = named[first];
            same = 0;
            for (uint32_t rest = active; rest; rest &= rest - 1)
                if (const int l = __builtin_ctz(rest); named[l] == members) same |= 1u << l;
            if (const uint32_t outside = same & ~members)
                throw Fault{Check::warp_sync, __builtin_ctz(outside), "the thread is not in the mask " + hex(members) +
                            " that it names", CUDA_ERROR_LAUNCH_FAILED};
        }
        active &= ~same;
        w_.groups.push_back({pc, same, Group::Wait::converge, members, 0});
    }
    release();
}

void WarpRunner::execute(const Instr &i, uint32_t mask) {
    if (!i.has_mask && mask != FULL)
        throw Fault{Check::warp_sync, __builtin_ctz(mask), "all 32 threads of a warp must run this instruction; here only " +
                    hex(mask) + " do", CUDA_ERROR_LAUNCH_FAILED};
    w_.active = mask;
    i.exec(w_, i);
}

// Lets those go on whose set is complete. bar.warp.sync, as __syncwarp, may be another instruction for each of them.
bool WarpRunner::release() {
    bool any = false;
    for (size_t g = 0; g < w_.groups.size(); ++g) {
        const Group group = w_.groups[g];
        if (group.wait != Group::Wait::converge) continue;
        const Instr &i = code_[group.pc];
        uint32_t mask = group.mask;
        if (i.cls == Class::barrier)
            for (const Group &other : w_.groups)
                if (other.wait == Group::Wait::converge && other.members == group.members &&
                    code_[other.pc].cls == Class::barrier)
                    mask |= other.mask;
        if (!converged(w_, {group.pc, mask, group.wait, group.members, 0})) continue;
        if (i.cls == Class::barrier) {
            w_.active = mask;
            i.exec(w_, i);
            for (size_t o = w_.groups.size(); o-- > 0;) {
                const Group other = w_.groups[o];
                if (other.wait != Group::Wait::converge || other.members != group.members ||
                    code_[other.pc].cls != Class::barrier) continue;
                w_.groups.erase(w_.groups.begin() + static_cast<long>(o));
                make_ready(w_, other.pc + 1, other.mask);
            }
        } else {
            w_.groups.erase(w_.groups.begin() + static_cast<long>(g));
            pc = group.pc;
            execute(i, mask);
            make_ready(w_, group.pc + 1, mask);
        }
        any = true;
        g = static_cast<size_t>(-1);
    }
    return any;
}

uint32_t special_value(const Block &block, const Warp &w, Special which, int lane) {
    const Grid &grid = *block.grid;
    const Position at = position(grid, w.index * LANES + static_cast<uint32_t>(lane));
    const uint32_t bit = 1u << lane;
    switch (which) {
    case Special::tid_x: return at.x;
    case Special::tid_y: return at.y;
    case Special::tid_z: return at.z;
    case Special::ntid_x: return grid.launch.block[0];
    case Special::ntid_y: return grid.launch.block[1];
    case Special::ntid_z: return grid.launch.block[2];
    case Special::ctaid_x: return block.id[0];
    case Special::ctaid_y: return block.id[1];
    case Special::ctaid_z: return block.id[2];
    case Special::nctaid_x: return grid.launch.grid[0];
    case Special::nctaid_y: return grid.launch.grid[1];
    case Special::nctaid_z: return grid.launch.grid[2];
    case Special::laneid: return static_cast<uint32_t>(lane);
    case Special::warpid: return w.index;
    case Special::nwarpid: return grid.warps_per_block;
    case Special::smid: return static_cast<uint32_t>(block.index % static_cast<uint64_t>(limits().multiprocessors));
    case Special::nsmid: return static_cast<uint32_t>(limits().multiprocessors);
    case Special::gridid: return 1;
    case Special::lanemask_eq: return bit;
    case Special::lanemask_lt: return bit - 1;
    case Special::lanemask_le: return (bit - 1) | bit;
    case Special::lanemask_ge: return ~(bit - 1);
    case Special::lanemask_gt: return ~((bit - 1) | bit);
    case Special::dynamic_smem_size: return grid.launch.dynamic_shared;
    case Special::total_smem_size:
    case Special::aggr_smem_size: return grid.shared_bytes;
    case Special::dynamic_shared: return grid.shared_bytes - grid.launch.dynamic_shared;
    }
    return 0;
}

void begin_block(Block &block, Grid &grid, uint64_t index) {
    const Program &program = grid.program;
    block.grid = &grid;
    block.index = index;
    block.id[0] = static_cast<uint32_t>(index % grid.launch.grid[0]);
    block.id[1] = static_cast<uint32_t>(index / grid.launch.grid[0] % grid.launch.grid[1]);
    block.id[2] = static_cast<uint32_t>(index / grid.launch.grid[0] / grid.launch.grid[1]);
    block.exited = 0;
    // What nobody wrote must be the same every time, and in shared memory conspicuous: all ones is a NaN.
    block.registers.assign(size_t(program.register_bytes) * grid.warps_per_block + 64, std::byte(0));
    block.predicates.assign(size_t(program.predicates) * grid.warps_per_block, 0);
    block.local.assign(size_t(grid.local_bytes) * LANES * grid.warps_per_block, std::byte(0));
    block.shared_store.assign(grid.shared_bytes + 128, std::byte(0xff));
    block.shared = block.shared_store.data() + (-reinterpret_cast<uintptr_t>(block.shared_store.data()) & 127);
    if (grid.settings.on(Check::shared_race) || grid.settings.on(Check::initialized)) block.shadow.reset(grid.shared_bytes);
    block.clock = BlockClock();
    for (Block::Barrier &barrier : block.barriers) barrier = Block::Barrier();
    block.copies.clear();
    block.copy_group.assign(grid.threads_per_block, 0);

    auto *registers = block.registers.data() + (-reinterpret_cast<uintptr_t>(block.registers.data()) & 63);
    block.warps.resize(grid.warps_per_block);
    for (uint32_t v = 0; v < grid.warps_per_block; ++v) {
        Warp &w = block.warps[v];
        w.base[0] = registers + size_t(program.register_bytes) * v;
        w.base[1] = reinterpret_cast<std::byte *>(const_cast<uint32_t *>(program.constants.data()));
        w.predicates = block.predicates.data() + size_t(program.predicates) * v;
        w.predicates[0] = FULL;
        w.block = &block;
        w.index = v;
        const uint32_t threads = std::min<uint32_t>(LANES, grid.threads_per_block - v * LANES);
        w.live = threads == LANES ? FULL : (1u << threads) - 1;
        w.active = 0;
        w.carry = 0;
        w.slots = program.slots.data();
        w.local = block.local.data() + size_t(grid.local_bytes) * LANES * v;
        std::fill(std::begin(w.stack), std::end(w.stack), 0);
        if (program.has_calls)
            for (auto &frames : w.frames) frames.clear();
        w.issued = 0;
        w.clock.assign(grid.warps_per_block, 0);
        w.clock[v] = 1;
        w.fenced = false;
        w.groups.clear();
        make_ready(w, program.functions[grid.kernel.function].entry, w.live);
        for (auto [which, slot] : program.specials)
            for (int l = 0; l < LANES; ++l) w.lanes<uint32_t>(slot)[l] = special_value(block, w, which, l);
    }
}

// To its end, or the grid's. Faults stop the grid.
void run_block(Block &block) {
    const Warp *warp = nullptr;
    uint32_t at = 0;
    try {
        for (bool alive = true; alive;) {
            bool moved = false;
            alive = false;
            for (Warp &w : block.warps) {
                if (!w.live) continue;
                alive = true;
                WarpRunner runner(block, w);
                warp = &w;
                try {
                    moved |= runner.run();
                } catch (const Fault &) {
                    at = runner.pc;
                    throw;
                }
            }
            if (block.grid->stopped.load(std::memory_order_relaxed)) return;
            if (alive && !moved) settle(block, warp, at);
        }
    } catch (const Fault &fault) {
        report_fault(block, *warp, block.grid->program.code[at], fault);
    }
}

void work(Grid &grid, Block &block, LineCounters *counters) {
    block.counters = counters;
    while (!grid.stopped.load(std::memory_order_relaxed)) {
        const uint64_t index = grid.next_block.fetch_add(1);
        if (index >= grid.blocks) return;
        begin_block(block, grid, index);
        run_block(block);
    }
}

}  // namespace

void make_ready(Warp &w, uint32_t pc, uint32_t mask) {
    for (Group &group : w.groups)
        if (group.pc == pc && group.wait == Group::Wait::none) {
            group.mask |= mask;
            return;
        }
    w.groups.push_back({pc, mask, Group::Wait::none, 0, 0});
}

Position position(const Grid &grid, uint32_t thread) {
    const uint32_t x = grid.launch.block[0], y = grid.launch.block[1];
    return {thread % x, thread / x % y, thread / x / y};
}

int run(const Launch &launch) {
    static std::mutex one_launch;
    static std::vector<std::unique_ptr<Block>> blocks;      // their memory is kept from launch to launch
    const std::lock_guard<std::mutex> lock(one_launch);

    const Kernel &kernel = *launch.kernel;
    Grid grid(launch, settings());
    grid.threads_per_block = launch.block[0] * launch.block[1] * launch.block[2];
    grid.warps_per_block = (grid.threads_per_block + LANES - 1) / LANES;
    grid.blocks = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
    // Dynamic shared memory begins at a multiple of 16, after the kernel's own.
    grid.shared_bytes = (kernel.static_shared + 15) / 16 * 16 + launch.dynamic_shared;
    grid.local_bytes = kernel.local_bytes;
    begin_launch_stamp();

    size_t threads = static_cast<size_t>(grid.settings.threads);
    if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
    threads = std::min<size_t>(threads, grid.blocks);
    while (blocks.size() < threads) blocks.push_back(std::make_unique<Block>());
    std::vector<std::vector<LineCounters>> counters(threads);
    if (grid.settings.counters)
        for (auto &lines : counters) lines.resize(grid.program.code.size());

    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> helpers;
    for (size_t t = 1; t < threads; ++t)
        helpers.emplace_back([&, t] { work(grid, *blocks[t], counters[t].empty() ? nullptr : counters[t].data()); });
    work(grid, *blocks[0], counters[0].empty() ? nullptr : counters[0].data());
    for (std::thread &helper : helpers) helper.join();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;

    if (grid.settings.counters) {
        for (size_t t = 1; t < threads; ++t)
            for (size_t i = 0; i < counters[0].size(); ++i) counters[0][i] += counters[t][i];
        record_launch(kernel, counters[0], grid.blocks, grid.blocks * grid.threads_per_block, seconds.count());
    }
    if (!grid.fault_report.empty()) report(grid.fault_report);
    return grid.error;
}

}  // namespace softgpu
