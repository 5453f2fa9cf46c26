#include "machine/warp_runner.h"

#include <algorithm>
#include <cstring>

#include "base/hex.h"
#include "machine/barrier.h"
#include "machine/cluster.h"
#include "machine/fault.h"
#include "program/operands.h"

namespace softgpu {

namespace {

constexpr uint64_t SLICE = 1 << 18;     // a time slice, in instructions, before other warps or other lanes get a turn
constexpr uint32_t NOWHERE = 0xffffffffu;

// Removes the lanes to run next from w.groups. `limit` becomes the pc where they meet other lanes.
bool pick(Warp &w, bool fair, Group &group, uint32_t &limit) {
    int best = -1, ready = 0;
    for (size_t g = 0; g < w.groups.size(); ++g) {
        if (w.groups[g].wait != Group::Wait::none) continue;
        ++ready;
        // A fair turn goes to the next group after the one that had it last.
        const uint32_t from = fair ? w.turn + 1 : 0;
        if (best < 0 || w.groups[g].pc - from < w.groups[best].pc - from) best = static_cast<int>(g);
    }
    if (best < 0) return false;
    group = w.groups[best];
    if (fair) w.turn = group.pc;
    w.groups.erase(w.groups.begin() + best);
    limit = NOWHERE;
    if (ready > 1)
        for (const Group &other : w.groups)
            if (other.wait == Group::Wait::none && other.pc > group.pc) limit = std::min(limit, other.pc);
    return true;
}

bool same_bytes(const std::vector<FramePart> &formals, const std::vector<FramePart> &actuals) {
    return std::ranges::equal(formals, actuals, {}, &FramePart::bytes, &FramePart::bytes);
}

// Lanes that wait for others at an instruction continue when the others have arrived or exited.
bool converged(const Warp &w, const Group &group) {
    return (group.members & w.live & ~group.mask) == 0;
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

bool WarpRunner::run() {
    // Blocks of a cooperative grid or a cluster wait for each other by looking again.
    const uint64_t slice = grid_.launch.cooperative || grid_.cluster_blocks > 1 ? SLICE / 64 : SLICE;
    const uint64_t end = w_.issued + slice;
    uint64_t last_fair = w_.issued;
    bool fair = false, ran = false;
    Group group;
    uint32_t limit;
    while (w_.issued < end) {
        if (!pick(w_, fair, group, limit)) {
            if (!release()) {
                check_watchdog();
                return ran;
            }
            ran = true;
            continue;
        }
        ran = true;
        const uint64_t before = w_.issued;
        // Lanes that spin on a value from other lanes of their warp must not starve them, so the others get a turn from
        // time to time.
        run_group(group, limit, std::min(end, before + (fair ? slice / 64 : slice / 16)));
        if (fair) last_fair = w_.issued;
        if (w_.yields) {
            w_.yields = false;
            if (w_.groups.size() <= 1) break;
            fair = !fair;
            continue;
        }
        fair = !fair && w_.groups.size() > 1 && (w_.issued - before >= slice / 16
            || w_.issued - last_fair >= slice / 2);
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
    uint32_t *const ran = block_.ran.data();
    for (;;) {
        const Instr &i = code_[pc];
        const uint32_t active = mask & (w_.predicates[i.guard] ^ i.guard_flip);
        Exec exec = i.exec;
        if (w_.undefined) [[unlikely]] {
            check_uses(w_, i, mask);
            exec = run_with_origins;
        }
        w_.issued = ++issued;
        ran[pc] |= active;
        if (counters) {
            counters[pc].warps += 1;
            counters[pc].threads += static_cast<uint64_t>(__builtin_popcount(active));
        }
        uint32_t next = pc + 1;
        switch (i.flow) {
        case Flow::next:
            w_.active = active;
            if (active) exec(w_, i);
            break;
        case Flow::branch:
            if (active == mask) {
                next = i.target;
                // Only backward branches can make an infinite loop.
                if (next <= pc && (issued >= end || w_.yields)) {
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
            // The common case: all lanes are here.
            if (active == mask) {
                const uint32_t all = i.has_mask ? w_.lanes<uint32_t>(i.op[4])[__builtin_ctz(mask)] : FULL;
                if (mask == (all & w_.live) && (i.has_mask || mask == FULL) && !w_.groups.size()) {
                    bool same = true;
                    if (i.has_mask)
                        for (uint32_t rest = mask; rest; rest &= rest - 1)
                            same &= w_.lanes<uint32_t>(i.op[4])[__builtin_ctz(rest)] == all;
                    if (same) {
                        w_.active = mask;
                        exec(w_, i);
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
            !same_bytes(program_.functions[function].parameters, site.arguments) ||
            !same_bytes(program_.functions[function].results, site.results))
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
        if (w_.undefined) {
            w_.undefined->set_local(l, to, callee.frame_bytes, 0);
            for (size_t p = 0; p < site.arguments.size(); ++p)
                copy_origins(l, to + callee.parameters[p].offset, from + site.arguments[p].offset,
                             callee.parameters[p].bytes);
        }
        for (size_t p = 0; p < site.arguments.size(); ++p)
            std::memcpy(local + to + callee.parameters[p].offset, local + from + site.arguments[p].offset,
                callee.parameters[p].bytes);
        Frame frame{pc, from, {}, {}};
        if (site.saves_registers) {
            for (auto [offset, wide] : caller.places) {
                const size_t bytes = wide ? 8 : 4;
                const auto *lane = reinterpret_cast<const uint8_t *>(w_.base[0] + caller.first_register + offset + l * bytes);
                frame.saved.insert(frame.saved.end(), lane, lane + bytes);
            }
            for (uint32_t p = 0; p < caller.predicates; ++p)
                frame.saved.push_back(w_.predicates[caller.first_predicate + p] >> l & 1);
            save_origins(frame, caller, l);
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
            copy_origins(l, frame.stack + site.results[r].offset, w_.stack[l] + callee.results[r].offset,
                         callee.results[r].bytes);
        for (size_t r = 0; r < site.results.size(); ++r)
            std::memcpy(local + frame.stack + site.results[r].offset, local + w_.stack[l] + callee.results[r].offset,
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
            restore_origins(frame, caller, l);
        }
        w_.stack[l] = frame.stack;
        make_ready(w_, frame.call + 1, 1u << l);
    }
}

// Of a lane's local memory.
void WarpRunner::copy_origins(int lane, uint64_t to, uint64_t from, uint64_t bytes) {
    if (!w_.undefined) return;
    for (uint64_t b = 0; b < bytes; ++b)
        w_.undefined->set_local(lane, to + b, 1, w_.undefined->of_local(lane, from + b, 1));
}

// The origins of a lane's registers and predicates of a function.
void WarpRunner::save_origins(Frame &frame, const FunctionCode &caller, int lane) const {
    if (!w_.undefined) return;
    for (auto [offset, wide] : caller.places) {
        const Origin *const bytes = w_.undefined->of_register({caller.first_register + offset, lane, wide});
        frame.origins.insert(frame.origins.end(), bytes, bytes + (wide ? 8 : 4));
    }
    for (uint32_t p = 0; p < caller.predicates; ++p)
        frame.origins.push_back(w_.undefined->predicates[caller.first_predicate + p][lane]);
}

void WarpRunner::restore_origins(const Frame &frame, const FunctionCode &caller, int lane) {
    if (frame.origins.empty() && !w_.undefined) return;
    if (!w_.undefined) w_.undefined = std::make_unique<UndefinedValues>(program_);
    size_t next = 0;
    auto restore = [&](Origin &at) {
        w_.undefined->set(at, frame.origins.empty() ? Origin(0) : frame.origins[next++]);
    };
    for (auto [offset, wide] : caller.places) {
        Origin *const bytes = w_.undefined->of_register({caller.first_register + offset, lane, wide});
        for (int b = 0; b < (wide ? 8 : 4); ++b) restore(bytes[b]);
    }
    for (uint32_t p = 0; p < caller.predicates; ++p)
        restore(w_.undefined->predicates[caller.first_predicate + p][lane]);
}

void WarpRunner::exit(uint32_t active) {
    w_.live &= ~active;
    block_.exited += static_cast<uint32_t>(__builtin_popcount(active));
    threads_exited(block_);
}

// The lanes `active` reach an instruction that they must execute together with other lanes. They wait until all have
// arrived. Lanes with different masks form separate sets.
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
    (w_.undefined ? run_with_origins : i.exec)(w_, i);
}

// Releases the lanes whose set is complete. For bar.warp.sync (__syncwarp) each lane may be at a different instruction.
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

}  // namespace softgpu
