// Runs a launch: blocks in parallel on host threads, the warps of a block in turn.
#include <algorithm>
#include <chrono>
#include <thread>

#include "base/process_end.h"
#include "base/triple.h"
#include "machine/barrier.h"
#include "machine/block.h"
#include "machine/cluster.h"
#include "machine/coverage.h"
#include "machine/fault.h"
#include "machine/fault_report.h"
#include "machine/report.h"
#include "machine/warp_runner.h"

namespace softgpu {

namespace {

// What all lanes of a warp have.
uint32_t special_value(const Block &block, const Warp &w, Special which) {
    const Grid &grid = *block.grid;
    switch (which) {
    case Special::ntid_x: return grid.launch.block[0];
    case Special::ntid_y: return grid.launch.block[1];
    case Special::ntid_z: return grid.launch.block[2];
    case Special::ctaid_x: return block.id[0];
    case Special::ctaid_y: return block.id[1];
    case Special::ctaid_z: return block.id[2];
    case Special::nctaid_x: return grid.launch.grid[0];
    case Special::nctaid_y: return grid.launch.grid[1];
    case Special::nctaid_z: return grid.launch.grid[2];
    case Special::warpid: return w.index;
    case Special::nwarpid: return grid.warps_per_block;
    case Special::smid: return static_cast<uint32_t>(block.index % static_cast<uint64_t>(limits().multiprocessors));
    case Special::nsmid: return static_cast<uint32_t>(limits().multiprocessors);
    case Special::gridid: return 1;
    case Special::dynamic_smem_size: return grid.launch.dynamic_shared;
    case Special::total_smem_size:
    case Special::aggr_smem_size: return grid.shared_bytes;
    case Special::grid_workspace_low: return static_cast<uint32_t>(grid.launch.workspace);
    case Special::grid_workspace_high: return static_cast<uint32_t>(grid.launch.workspace >> 32);
    case Special::reserved_begin: return RESERVED_ADDRESS;
    case Special::reserved_own: return RESERVED_ADDRESS + RESERVED_SHARED / 4;
    case Special::reserved_end: return RESERVED_ADDRESS + RESERVED_SHARED;
    case Special::reserved_bytes: return RESERVED_SHARED;
    case Special::clusterid_x: case Special::clusterid_y: case Special::clusterid_z: {
        const int d = static_cast<int>(which) - static_cast<int>(Special::clusterid_x);
        return block.id[d] / grid.launch.cluster[d];
    }
    case Special::nclusterid_x: case Special::nclusterid_y: case Special::nclusterid_z: {
        const int d = static_cast<int>(which) - static_cast<int>(Special::nclusterid_x);
        return grid.launch.grid[d] / grid.launch.cluster[d];
    }
    case Special::cluster_ctaid_x: case Special::cluster_ctaid_y: case Special::cluster_ctaid_z: {
        const int d = static_cast<int>(which) - static_cast<int>(Special::cluster_ctaid_x);
        return block.id[d] % grid.launch.cluster[d];
    }
    case Special::cluster_nctaid_x: case Special::cluster_nctaid_y: case Special::cluster_nctaid_z:
        return grid.launch.cluster[static_cast<int>(which) - static_cast<int>(Special::cluster_nctaid_x)];
    case Special::cluster_ctarank: return block.rank;
    case Special::cluster_nctarank: return grid.cluster_blocks;
    case Special::is_explicit_cluster: return grid.launch.explicit_cluster;
    case Special::dynamic_shared: return grid.shared_bytes - grid.launch.dynamic_shared;
    default: return 0;
    }
}

// Writes the special registers that the program reads.
void set_specials(const Block &block, const Warp &w) {
    const Grid &grid = *block.grid;
    Position at[LANES], next = position(grid, w.index * LANES);
    for (Position &lane : at) {
        lane = next;
        if (++next.x < grid.launch.block[0]) continue;
        next.x = 0;
        if (++next.y < grid.launch.block[1]) continue;
        next.y = 0;
        ++next.z;
    }
    for (auto [which, slot] : grid.program.specials) {
        const auto set = [&, lanes = w.lanes<uint32_t>(slot)](auto value) {
            for (int l = 0; l < LANES; ++l) lanes[l] = value(l);
        };
        switch (which) {
        case Special::tid_x: set([&](int l) { return at[l].x; }); break;
        case Special::tid_y: set([&](int l) { return at[l].y; }); break;
        case Special::tid_z: set([&](int l) { return at[l].z; }); break;
        case Special::laneid: set([](int l) { return static_cast<uint32_t>(l); }); break;
        case Special::lanemask_eq: set([](int l) { return 1u << l; }); break;
        case Special::lanemask_lt: set([](int l) { return (1u << l) - 1; }); break;
        case Special::lanemask_le: set([](int l) { return (2u << l) - 1; }); break;
        case Special::lanemask_ge: set([](int l) { return FULL << l; }); break;
        case Special::lanemask_gt: set([](int l) { return ~((2u << l) - 1); }); break;
        default: set([value = special_value(block, w, which)](int) { return value; }); break;
        }
    }
}

void begin_block(Block &block, Grid &grid, uint64_t index) {
    const Program &program = grid.program;
    block.grid = &grid;
    block.index = index;
    block.id[0] = static_cast<uint32_t>(index % grid.launch.grid[0]);
    block.id[1] = static_cast<uint32_t>(index / grid.launch.grid[0] % grid.launch.grid[1]);
    block.id[2] = static_cast<uint32_t>(index / grid.launch.grid[0] / grid.launch.grid[1]);
    block.exited = 0;
    // Unwritten memory has the same bytes in every run. In shared memory all bits are set, which is a NaN.
    block.registers.assign(size_t(program.register_bytes) * grid.warps_per_block + 64, std::byte(0));
    block.predicates.assign(size_t(program.predicates) * grid.warps_per_block, 0);
    block.local.assign(size_t(grid.local_bytes) * LANES * grid.warps_per_block, std::byte(0));
    block.shared_store.assign(grid.shared_end + 128, std::byte(0xff));
    block.shared = block.shared_store.data() + (-reinterpret_cast<uintptr_t>(block.shared_store.data()) & 127);
    if (grid.settings.on(Check::shared_race) || grid.settings.on(Check::initialized))
        block.shadow.reset(grid.shared_end);
    // The system has written its part.
    for (size_t word = (grid.shared_bytes + 3) / 4; word < block.shadow.words.size(); ++word)
        block.shadow.words[word].written = 15;
    block.clock = BlockClock();
    block.unwritten.clear();
    if (grid.settings.caches)
        block.l1.reset(L1Cache::bytes_of_block(limits(), grid.threads_per_block, grid.shared_bytes,
                                               grid.launch.carveout));
    for (Block::Barrier &barrier : block.barriers) barrier = Block::Barrier();
    block.cluster_arrivals.clear();
    block.cluster_clock.clear();
    block.copies.clear();
    block.mbarriers.clear();
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
        w.undefined.reset();
        w.local = block.local.data() + size_t(grid.local_bytes) * LANES * v;
        std::fill(std::begin(w.stack), std::end(w.stack), 0);
        if (program.has_calls)
            for (auto &frames : w.frames) frames.clear();
        w.issued = 0;
        w.turn = 0;
        w.clock.assign(grid.warps_per_block, 0);
        w.clock[v] = 1;
        w.fenced = false;
        w.yields = false;
        w.cluster_arrived = w.cluster_passes = 0;
        w.groups.clear();
        make_ready(w, program.functions[grid.kernel.function].entry, w.live);
        set_specials(block, w);
    }
}

// Begins the blocks of cluster number `index`, in the order of their ranks.
void begin_cluster(Cluster &cluster, Grid &grid, uint64_t index) {
    const uint32_t *const size = grid.launch.cluster, *const blocks = grid.launch.grid;
    const uint64_t across = blocks[0] / size[0], down = blocks[1] / size[1];
    for (uint32_t rank = 0; rank < cluster.blocks.size(); ++rank) {
        const uint64_t x = index % across * size[0] + rank % size[0];
        const uint64_t y = index / across % down * size[1] + rank / size[0] % size[1];
        const uint64_t z = index / across / down * size[2] + rank / size[0] / size[1];
        Block &block = *cluster.blocks[rank];
        block.cluster = &cluster;
        block.rank = rank;
        begin_block(block, grid, (z * blocks[1] + y) * blocks[0] + x);
    }
}

void stop_for_process_end(Grid &grid) {
    const std::lock_guard<std::mutex> lock(grid.mutex);
    if (grid.error) return;
    grid.fault_report = "kernel " + grid.kernel.name + " still ran when the process ended: it was stopped";
    grid.error = CUDA_ERROR_DEINITIALIZED;
    grid.stopped = true;
}

enum class Turn { ended, ran, waited };     // waited: for others of its cluster

// Gives each warp of a block a turn. The block has ended also if the grid stops. A fault stops the grid. `stuck`: no
// block of the cluster could run.
Turn run_turn(Block &block, bool stuck) {
    const Warp *warp = nullptr;
    uint32_t at = 0;
    try {
        bool moved = false, alive = false;
        for (Warp &w : block.warps) {
            if (!w.live) continue;
            if (process_end_is_due()) {
                stop_for_process_end(*block.grid);
                return Turn::ended;
            }
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
        if (!alive || block.grid->stopped.load(std::memory_order_relaxed)) return Turn::ended;
        if (moved) return Turn::ran;
        if (waits_for_cluster(block)) {
            if (!stuck) return Turn::waited;
            require_cluster_barrier(block, warp, at);
        }
        settle(block, warp, at);
        return Turn::ran;
    } catch (const Fault &fault) {
        report_fault(block, *warp, block.grid->program.code[at], fault);
        return Turn::ended;
    }
}

// The blocks take turns until all have ended.
void run_cluster(const std::vector<Block *> &cluster) {
    std::vector<Block *> blocks = cluster;
    for (bool stuck = false; !blocks.empty();) {
        bool ran = false;
        std::erase_if(blocks, [&](Block *block) {
            const Turn turn = run_turn(*block, stuck);
            ran |= turn != Turn::waited;
            return turn == Turn::ended;
        });
        stuck = !ran;
    }
}

// What the blocks of one host thread count; empty where counters are off.
struct Counted {
    std::vector<LineCounters> inner, edges;     // of each instruction (sampling.h)
};

void prepare(Block &block, const Grid &grid, Counted &counted) {
    block.ran.assign(grid.program.code.size(), 0);
    block.touched = {};
    block.sample = 0;
    block.edge = false;
    block.counters = counted.inner.empty() ? nullptr : counted.inner.data();
}

void work(Grid &grid, Block &block, Counted &counted) {
    prepare(block, grid, counted);
    Cluster alone{{&block}};
    while (!grid.stopped.load(std::memory_order_relaxed)) {
        const uint64_t k = grid.next.fetch_add(1);
        if (k >= grid.choice.count()) return;
        block.sample = grid.choice.sample(k);
        block.edge = grid.choice.is_edge(k);
        std::vector<LineCounters> &lines = block.edge ? counted.edges : counted.inner;
        block.counters = lines.empty() ? nullptr : lines.data();
        block.cluster = &alone;
        block.rank = 0;
        begin_block(block, grid, grid.choice.block(k));
        run_cluster(alone.blocks);
    }
}

// The same for clusters of several blocks, of which a host thread runs one at a time.
void work_in_clusters(Grid &grid, const std::vector<Block *> &blocks, Counted &counted) {
    Cluster cluster{blocks};
    for (Block *block : blocks) prepare(*block, grid, counted);
    while (!grid.stopped.load(std::memory_order_relaxed)) {
        const uint64_t k = grid.next.fetch_add(1);
        if (k >= grid.blocks / grid.cluster_blocks) return;
        begin_cluster(cluster, grid, k);
        run_cluster(cluster.blocks);
    }
}

// A host thread's blocks of a cooperative grid: all are resident, and each gets a turn.
void work_together(Grid &grid, const std::vector<Block *> &blocks, Counted &counted) {
    std::vector<Cluster> clusters;
    for (size_t b = 0; b < blocks.size(); b += grid.cluster_blocks)
        clusters.push_back({{blocks.begin() + static_cast<long>(b),
                             blocks.begin() + static_cast<long>(b + grid.cluster_blocks)}});
    for (Block *block : blocks) prepare(*block, grid, counted);
    for (Cluster &cluster : clusters) begin_cluster(cluster, grid, grid.next.fetch_add(1));
    run_cluster(blocks);
}

void add(std::vector<LineCounters> &to, const std::vector<LineCounters> &more) {
    for (size_t at = 0; at < to.size(); ++at) to[at] += more[at];
}

// Whether the level 2 cache holds so many sectors of a launch until the next one needs them. A quarter of the cache is
// left for what is streamed, and for lines that are replaced though they are not the oldest.
bool is_held(uint64_t sectors) { return 32 * sectors <= static_cast<uint64_t>(limits().l2_bytes) / 4 * 3; }

// What the grid counts, from what each host thread's blocks did.
LaunchCounts counts_of(const Grid &grid, std::vector<Counted> &counted,
                       const std::vector<std::unique_ptr<Block>> &blocks, size_t used) {
    TouchedSectors touched = blocks[0]->touched;
    for (size_t t = 1; t < counted.size(); ++t) {
        add(counted[0].inner, counted[t].inner);
        add(counted[0].edges, counted[t].edges);
    }
    for (size_t b = 1; b < used; ++b) touched += blocks[b]->touched;
    LaunchCounts all{std::move(counted[0].inner), 0, 0, 0};
    grid.choice.scale(all.lines, counted[0].edges);
    all.sectors_read = grid.choice.sectors(touched.read, extent(grid.program, all.lines, Extent::read));
    all.sectors_written = grid.choice.sectors(touched.written, extent(grid.program, all.lines, Extent::written));
    all.bus_sectors = all.sectors_read + all.sectors_written;
    const uint64_t held = grid.choice.sectors(touched.held, extent(grid.program, all.lines, Extent::held));
    if (grid.settings.caches && is_held(held))
        all.bus_sectors -= grid.choice.sectors(touched.reread, all.sectors_read) +
                           grid.choice.sectors(touched.rewritten, all.sectors_written);
    return all;
}

}  // namespace

Position position(const Grid &grid, uint32_t thread) {
    const uint32_t x = grid.launch.block[0], y = grid.launch.block[1];
    return {thread % x, thread / x % y, thread / x / y};
}

std::string thread_name(const Grid &grid, uint32_t thread) {
    const Position at = position(grid, thread);
    return triple(at.x, at.y, at.z);
}

std::string block_name(const Grid &grid, uint64_t index) {
    const uint64_t x = grid.launch.grid[0], y = grid.launch.grid[1];
    return triple(index % x, index / x % y, index / x / y);
}

int run(const Launch &launch) {
    static std::mutex one_launch;
    constexpr size_t MOST_KEPT = 64;
    // The memory of blocks is reused by later launches. Never freed: the process may exit while a launch runs.
    static auto &blocks = *new std::vector<std::unique_ptr<Block>>;
    const std::lock_guard<std::mutex> lock(one_launch);

    const Kernel &kernel = *launch.kernel;
    Grid grid(launch, settings());
    grid.threads_per_block = launch.block[0] * launch.block[1] * launch.block[2];
    grid.warps_per_block = (grid.threads_per_block + LANES - 1) / LANES;
    grid.blocks = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
    grid.cluster_blocks = launch.cluster[0] * launch.cluster[1] * launch.cluster[2];
    // Dynamic shared memory begins at a multiple of 16, after the static shared memory.
    grid.shared_bytes = (kernel.static_shared + 15) / 16 * 16 + launch.dynamic_shared;
    grid.reserved_begin = (grid.shared_bytes + 15) / 16 * 16;
    grid.shared_end = grid.program.uses_reserved_shared ? grid.reserved_begin + RESERVED_SHARED : grid.shared_bytes;
    grid.local_bytes = kernel.local_bytes;
    // A block of a cooperative grid may wait for any other, and one of a cluster for those of the cluster.
    const bool sampling = grid.settings.sampled_blocks > 0 && !launch.cooperative && grid.cluster_blocks == 1;
    grid.choice = BlockChoice(grid.blocks, sampling ? grid.settings.sampled_blocks : 0);
    if (sampling)
        if (const LaunchCounts *known = counted_before(launch, grid.settings.sampled_launches)) {
            record_launch(launch, *known, 0, 0);
            return CUDA_SUCCESS;
        }
    begin_launch_stamp();
    begin_sectors();

    size_t threads = static_cast<size_t>(grid.settings.host_threads());
    threads = std::min<size_t>(threads, grid.choice.count() / grid.cluster_blocks);
    grid.host_threads = threads;
    const size_t used = launch.cooperative ? grid.blocks : threads * grid.cluster_blocks;
    while (blocks.size() < used) blocks.push_back(std::make_unique<Block>());
    std::vector<Counted> counted(threads);
    if (grid.settings.counters)
        for (Counted &c : counted) {
            c.inner.resize(grid.program.code.size());
            if (grid.choice.is_sampled()) c.edges.resize(grid.program.code.size());
        }

    const auto begin = std::chrono::steady_clock::now();
    const auto work_as = [&](size_t t) {
        if (grid.cluster_blocks == 1 && !launch.cooperative) return work(grid, *blocks[t], counted[t]);
        std::vector<Block *> own;
        for (size_t c = t; c < used / grid.cluster_blocks; c += threads)
            for (size_t b = 0; b < grid.cluster_blocks; ++b) own.push_back(blocks[c * grid.cluster_blocks + b].get());
        (launch.cooperative ? work_together : work_in_clusters)(grid, own, counted[t]);
    };
    std::vector<std::thread> helpers;
    for (size_t t = 1; t < threads; ++t) helpers.emplace_back(work_as, t);
    work_as(0);
    for (std::thread &helper : helpers) helper.join();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;

    // What a sample does, with memory that nothing filled, is no test of a kernel.
    for (size_t b = 0; b < used && !sampling; ++b) cover(grid.program, blocks[b]->ran);
    if (grid.settings.counters) {
        LaunchCounts counts = counts_of(grid, counted, blocks, used);
        record_launch(launch, counts, grid.choice.count(), seconds.count());
        if (sampling && !grid.error) keep_counts(launch, std::move(counts));
    }
    if (!grid.fault_report.empty()) report(grid.fault_report);
    blocks.resize(std::min(blocks.size(), std::max<size_t>(threads, MOST_KEPT)));
    return grid.error;
}

}  // namespace softgpu
