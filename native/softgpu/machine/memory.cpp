#include "machine/memory.h"

#include "base/hex.h"
#include "machine/arena.h"
#include "machine/block.h"
#include "machine/cluster.h"
#include "machine/fault.h"
#include "machine/registered.h"
#include "machine/request.h"

namespace softgpu {

using ptx::Space;

namespace {

std::string bytes_of(uint32_t bytes, Access access) {
    return std::string(access == Access::load || access == Access::atomic_load ? "read" : "write") + " of " +
           std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

// In a small space (shared, local), every byte of a lane's access must be below `size`.
void require_inside(const uint64_t *address, uint32_t mask, uint32_t bytes, uint64_t size, Access access, const char *space) {
    if (mask == FULL && bytes <= size) {
        uint64_t signs = 0;         // of addresses that are too large, and of what is left behind them
        for (int l = 0; l < LANES; ++l) signs |= address[l] | (size - bytes - address[l]);
        if (!(signs >> 63)) return;
    }
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        if (address[l] + bytes > size || address[l] + bytes < bytes)
            throw Fault{Check::bounds, l, "out of bounds: " + bytes_of(bytes, access) + " at " + space + " address " +
                        hex(address[l]) + ", of " + std::to_string(size) + " bytes", CUDA_ERROR_ILLEGAL_ADDRESS};
    }
}

// In a program that uses the system's part of shared memory: each lane's address is in the kernel's part or in that one,
// which copies that land later do not know.
void find_reserved(const Grid &grid, const Instr &i, const uint64_t *address, uint32_t mask, uint32_t bytes,
                   Access access, uint32_t *offset) {
    uint32_t own = mask;
    for (uint32_t rest = i.cls == Class::async_copy ? 0 : mask; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        if (address[l] - RESERVED_ADDRESS > RESERVED_SHARED - bytes) continue;
        offset[l] = static_cast<uint32_t>(grid.shared_offset(address[l]));
        own &= ~(1u << l);
    }
    require_inside(address, own, bytes, grid.shared_bytes, access, "shared");
}

void count(Block &block, const Instr &i, Access access, const Request &request) {
    LineCounters &counters = block.counters[&i - block.grid->program.code.data()];
    count_global(counters, request);
    counters.l2_sectors += i.cached && block.grid->settings.caches ? block.l1.misses(request.sector, request.count)
                                                                   : request.count;
    touch_sectors(block.touched, request.sector, request.count, block.sample, block.edge, reads(access), writes(access),
                  i.streams);
}

}  // namespace

void resolve(Warp &w, const Instr &i, Space space, const uint64_t *address, uint32_t mask, uint32_t bytes, Access access,
             std::byte **at, const StoredValues *stored, Unwritten *unwritten) {
    Block &block = *w.block;
    const Grid &grid = *block.grid;
    switch (space) {
    case Space::shared: {
        if (grid.cluster_blocks > 1 && (i.space == Space::generic || i.flags & IN_CLUSTER)) {
            uint32_t ranks = 0;
            for (uint32_t rest = mask; rest; rest &= rest - 1) ranks |= rank_bits(address[__builtin_ctz(rest)]);
            if (ranks) return resolve_in_cluster(w, i, address, mask, bytes, access, at, stored, unwritten);
        }
        uint32_t offset[LANES];
        for (int l = 0; l < LANES; ++l) offset[l] = static_cast<uint32_t>(address[l]);
        if (grid.program.uses_reserved_shared) find_reserved(grid, i, address, mask, bytes, access, offset);
        else require_inside(address, mask, bytes, grid.shared_bytes, access, "shared");
        constexpr uint32_t checked = bit(Check::alignment) | bit(Check::initialized) | bit(Check::shared_race);
        if (!block.mbarriers.empty() && i.cls != Class::atomic) check_opaque(w, offset, mask, bytes);
        if (grid.settings.checks & checked) check_shared(w, offset, mask, bytes, access, stored, unwritten);
        if (block.counters) count_shared(block.counters[&i - grid.program.code.data()], offset, mask, bytes);
        for (int l = 0; l < LANES; ++l) at[l] = block.shared + offset[l];
        return;
    }
    case Space::local:
        require_inside(address, mask, bytes, grid.local_bytes, access, "local");
        for (int l = 0; l < LANES; ++l) at[l] = w.local + static_cast<size_t>(l) * grid.local_bytes + address[l];
        return;
    case Space::param:
        require_inside(address, mask, bytes, grid.launch.parameters.size(), access, "parameter");
        if (access != Access::load)
            throw Fault{Check::bounds, __builtin_ctz(mask), "kernel parameters cannot be written", CUDA_ERROR_ILLEGAL_ADDRESS};
        for (int l = 0; l < LANES; ++l)
            at[l] = const_cast<std::byte *>(reinterpret_cast<const std::byte *>(grid.launch.parameters.data())) + address[l];
        return;
    default: {
        constexpr uint32_t checked =
            bit(Check::bounds) | bit(Check::alignment) | bit(Check::initialized) | bit(Check::block_race);
        const bool checking = grid.settings.checks & checked;
        if (!checking) {
            const Arena &arena = Arena::get();
            const uint64_t last = arena.size() - bytes;
            for (uint32_t rest = mask; rest; rest &= rest - 1) {
                const int l = __builtin_ctz(rest);
                if (address[l] - arena.base() > last && !is_registered(address[l], bytes))
                    throw Fault{Check::bounds, l, "out of bounds: " + bytes_of(bytes, access) + " at " + hex(address[l]) +
                                ", which is no address of the device", CUDA_ERROR_ILLEGAL_ADDRESS};
            }
        }
        if (checking || block.counters) {
            const Request request(address, mask, bytes);
            if (checking) check_global(w, address, mask, bytes, access, request, stored, unwritten);
            if (block.counters) count(block, i, access, request);
        }
        for (int l = 0; l < LANES; ++l) at[l] = reinterpret_cast<std::byte *>(address[l]);
        return;
    }
    }
}

}  // namespace softgpu
