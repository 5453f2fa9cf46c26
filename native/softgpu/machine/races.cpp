#include "machine/races.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <type_traits>

#include "base/hex.h"
#include "machine/arena.h"
#include "machine/block.h"
#include "machine/fault.h"
#include "machine/owners.h"
#include "machine/registered.h"
#include "machine/request.h"
#include "machine/shared_words.h"

namespace softgpu {

namespace {

constexpr uint8_t ATOMIC = SharedShadow::ATOMIC, ASYNC = SharedShadow::ASYNC;
constexpr uint8_t SAME_WARP = SharedShadow::SAME_WARP, OTHER_WARPS = SharedShadow::OTHER_WARPS;

const char *verb(Access access) {
    switch (access) {
    case Access::load: return "read";
    case Access::store: return "write";
    case Access::atomic_load: return "volatile read";
    case Access::atomic_store: return "volatile write";
    default: return "atomic access";
    }
}

std::string at_shared(uint32_t address, uint32_t bytes, Access access) {
    return std::string(verb(access)) + " of " + std::to_string(bytes) + " byte" + (bytes == 1 ? "" : "s") +
           " at shared address " + hex(address);
}

std::string at_global(uint64_t address, uint32_t bytes, Access access) {
    return std::string(verb(access)) + " of " + std::to_string(bytes) + " byte" + (bytes == 1 ? "" : "s") + " at " +
           hex(address);
}

[[noreturn]] void shared_race(const Warp &w, int lane, uint32_t address, uint32_t bytes, Access access, uint32_t other,
                              const char *other_access, bool async = false) {
    const char *const missing = async ? "no wait for it came between"
                                : other / LANES == w.index
                                    ? "no barrier came between, nor __syncwarp(), without which threads of a warp run "
                                      "in any order"
                                    : "no barrier came between";
    throw Fault{Check::shared_race, lane, at_shared(address, bytes, access) + " races with " + other_access +
                " by thread " + thread_name(*w.block->grid, other) + " of the block: " + missing +
                "\n  checks=all+-shared_race accepts it", CUDA_ERROR_LAUNCH_FAILED};
}

// Whether an earlier access by a thread, stamped `time`, happens before the present of warp `w`.
bool known(const Warp &w, uint32_t thread, uint32_t time) {
    const uint32_t warp = thread / LANES;
    return warp == w.index ? time < w.clock[warp] : time <= w.clock[warp];
}

// A plain store by the lanes of `mask`, checked lane by lane before any of them has stored.
struct Store {
    const Warp &w;
    const StoredValues *values;     // null if the access is none
    const uint32_t *address;        // of shared memory, by lane; null for global memory
    uint32_t mask, bytes;

    // Whether `lane`, with its bytes at `first`, stores into the bytes of one word what is there already.
    bool changes_nothing(int lane, uint64_t first, uint64_t word, const std::byte *memory) const {
        return values && bytes <= MOST_STORED && same(lane, first, word, memory);
    }
    // Whether it stores what another thread, the last to write there, has stored, maybe by this very instruction.
    bool repeats(int lane, uint64_t first, uint64_t word, const std::byte *memory, uint32_t writer) const {
        if (!values || bytes > MOST_STORED) return false;
        const uint32_t other = writer % LANES;
        if (writer / LANES != w.index || !(mask >> other & 1) || address[other] / 4 > word ||
            (address[other] + bytes - 1) / 4 < word)
            return same(lane, first, word, memory);
        std::byte pending[MOST_STORED];
        values->copy(w, static_cast<int>(other), pending);
        return address[other] == first && same(lane, first, word, pending);
    }

private:
    // `there`: the bytes at `first`.
    bool same(int lane, uint64_t first, uint64_t word, const std::byte *there) const {
        std::byte own[MOST_STORED];
        values->copy(w, lane, own);
        const uint64_t from = std::max(first, 4 * word) - first, to = std::min(first + bytes, 4 * word + 4) - first;
        return std::memcmp(own + from, there + from, to - from) == 0;
    }
};

// Inlined, so that what follows from a constant `access` is not tested.
[[gnu::always_inline]] inline void touch(const Warp &w, SharedShadow::Word &x, int lane, uint32_t address,
                                         uint32_t bytes, uint8_t part, Access access, const Store &store,
                                         uint32_t word) {
    const std::byte *const memory = w.block->shared + address;
    const uint16_t thread = static_cast<uint16_t>(w.index * LANES + static_cast<uint32_t>(lane));
    const uint32_t now = w.clock[w.index];
    if (x.write_time && (x.write_bytes & part)) {
        if (x.write_bytes & ASYNC)
            shared_race(w, lane, address, bytes, access, x.writer, "a cp.async that is still under way, started", true);
        if (x.writer != thread && !known(w, x.writer, x.write_time) && !((x.write_bytes & ATOMIC) && is_atomic(access)) &&
            !store.repeats(lane, address, word, memory, x.writer))
            shared_race(w, lane, address, bytes, access, x.writer, x.write_bytes & ATOMIC ? "an atomic access" : "a write");
    }
    // If different bytes of a word were read, only the last read is remembered.
    const bool unordered_read = x.read_time && (x.read_bytes & part) && !known(w, x.reader, x.read_time);
    if (writes(access)) {
        if (unordered_read && (x.reader != thread || (x.read_flags & (SAME_WARP | OTHER_WARPS))) &&
            !((x.read_flags & ATOMIC) && is_atomic(access)) && !store.changes_nothing(lane, address, word, memory))
            shared_race(w, lane, address, bytes, access, x.reader, x.reader == thread ? "a read by another thread, and a later one" : "a read");
        const bool again = x.writer == thread && x.write_time == now && !(x.write_bytes & ATOMIC);
        x.writer = thread;
        x.write_time = now;
        x.write_bytes = static_cast<uint8_t>((again ? x.write_bytes & 15 : 0) | part | (is_atomic(access) ? ATOMIC : 0));
    } else if (!unordered_read) {
        const bool more = x.reader == thread && x.read_time == now && x.read_flags == 0 && !is_atomic(access);
        x.reader = thread;
        x.read_time = now;
        x.read_flags = is_atomic(access) ? ATOMIC : 0;
        x.read_bytes = static_cast<uint8_t>(more ? x.read_bytes | part : part);
    } else if (!is_atomic(access) || (x.read_flags & ATOMIC)) {
        // A plain read is remembered rather than an atomic one: it is checked more strictly.
        uint8_t flags = is_atomic(access) ? ATOMIC : 0;
        if (x.reader / LANES != w.index) flags |= OTHER_WARPS;
        else if (x.reader != thread) flags |= SAME_WARP;
        x.read_flags = static_cast<uint8_t>((x.read_flags & (SAME_WARP | OTHER_WARPS)) | flags);
        x.reader = thread;
        x.read_time = now;
        x.read_bytes |= part;
    }
}

}  // namespace

void StoredValues::copy(const Warp &w, int lane, std::byte *to) const {
    for (uint32_t e = 0; e < elements; ++e) {
        const std::byte *const from = wide ? reinterpret_cast<const std::byte *>(w.lanes<uint64_t>(slots[e]) + lane)
                                           : reinterpret_cast<const std::byte *>(w.lanes<uint32_t>(slots[e]) + lane);
        std::memcpy(to + e * element_bytes, from, element_bytes);
    }
}

namespace {

// Checks `lanes` of those that access, one after the other. Access_ and Bytes are Access and uint32_t, or constants of
// these types, for which this is compiled once more.
template <class Access_, class Bytes>
void check_lanes(Warp &w, const uint32_t *address, uint32_t mask, uint32_t lanes, Bytes bytes, Access_ access,
                 const StoredValues *stored, Unwritten *unwritten) {
    Block &block = *w.block;
    const Settings &settings = block.grid->settings;
    const bool races = settings.on(Check::shared_race), initialized = settings.on(Check::initialized);
    const bool aligned = settings.on(Check::alignment), writing = writes(access), reading = reads(access);
    const uint32_t now = w.clock[w.index];
    const Store store{w, settings.on(Check::benign_races) ? nullptr : stored, address, mask, bytes};
    bool changed = true;        // by the lane before
    uint32_t before = 0;        // its address
    for (uint32_t rest = lanes; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const uint32_t a = address[l];
        if (!changed && a == before) continue;
        before = a;
        changed = false;
        if (aligned && (a & (bytes - 1)))
            throw Fault{Check::alignment, l, "misaligned " + at_shared(a, bytes, access) + ": not a multiple of " +
                        std::to_string(bytes), CUDA_ERROR_MISALIGNED_ADDRESS};
        if (!races && !initialized) continue;
        for (uint32_t word = a / 4; word <= (a + bytes - 1) / 4; ++word) {
            SharedShadow::Word &x = block.shadow.words[word];
            const uint8_t part = static_cast<uint8_t>(bytes >= 4 ? 15 : ((1u << bytes) - 1) << (a & 3));
            // Several threads of this warp have read the word since the warp last synchronised (a broadcast). One more
            // read changes nothing, and a write since then would have been reported.
            if (access == Access::load && x.reader / LANES == w.index && x.read_time == now &&
                (x.read_flags & (SAME_WARP | ATOMIC)) == SAME_WARP && (x.read_bytes & x.written & part) == part)
                continue;
            changed = true;
            if (races) touch(w, x, l, a, bytes, part, access, store, word);
            if (reading && initialized && (x.written & part) != part)
                find_unwritten(w, unwritten, l, ptx::Space::shared, a, bytes, 4 * word, part & ~x.written);
            if (writing) x.written |= part;
        }
    }
}

}  // namespace

void check_shared(Warp &w, const uint32_t *address, uint32_t mask, uint32_t bytes, Access access,
                  const StoredValues *stored, Unwritten *unwritten) {
    constexpr std::integral_constant<Access, Access::load> load;
    constexpr std::integral_constant<Access, Access::store> store;
    constexpr std::integral_constant<Access, Access::atomic_update> update;
    constexpr std::integral_constant<uint32_t, 4> word;     // most accesses are of words
    auto check_as = [&](uint32_t lanes, auto size, auto kind) {
        check_lanes(w, address, mask, lanes, size, kind, stored, unwritten);
    };
    auto check = [&](uint32_t lanes) {
        if (bytes == word && access == load) check_as(lanes, word, load);
        else if (bytes == word && access == store) check_as(lanes, word, store);
        else if (bytes == word && access == update) check_as(lanes, word, update);
        else check_as(lanes, bytes, access);
    };
    const Settings &settings = w.block->grid->settings;
    if (!settings.on(Check::shared_race)) return check(mask);
    uint32_t different = ~mask;
    for (int l = 0; l < LANES; ++l) different |= address[l] ^ address[0];
    if (!different) return check(mask);
    const WordCheck words(w, address, mask, bytes, access, settings.on(Check::initialized));
    for (int part = 0; part < LANES / 8; ++part)
        if (const uint32_t lanes = mask & 255u << 8 * part)
            if (!words.touch(part)) check(lanes);
}

// ---- Global memory --------------------------------------------------------------------------------------------------

namespace {

using namespace stamps;

// Whether a store finds in memory what it stores. A block on another host thread may have left its mark and not yet
// stored: time for that.
bool repeats(const Store &store, int lane, uint64_t address, uint64_t word, bool other_threads) {
    if (!store.values) return false;
    const auto *const memory = reinterpret_cast<const std::byte *>(address);
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(other_threads ? 300 : 0);
    do {
        if (store.changes_nothing(lane, address, word, memory)) return true;
        std::this_thread::yield();
    } while (std::chrono::steady_clock::now() < until);
    return false;
}

// With an atomic exchange, one of two concurrent accesses always sees the mark of the other.
void touch(const Warp &w, WordOwner &owner, int lane, uint64_t address, uint32_t bytes, uint8_t part, Access access,
           const Store &store, uint64_t word) {
    Block &block = *w.block;
    Grid &grid = *block.grid;
    const uint64_t mine = stamp(block.index, block.clock.epoch);
    auto conflict = [&](uint64_t other) {
        return launch_of(other) == stamps::launch && !same_block(other, mine) &&
               !grid.order.published(block_of(other), epoch_of(other), block.clock.known);
    };
    auto race = [&](uint64_t other, const char *what) {
        throw Fault{Check::block_race, lane, at_global(address, bytes, access) + " races with " + what + " by block " +
                    block_name(grid, block_of(other)) +
                    ": no fence followed by an atomic access came between; it is " + Arena::get().describe(address) +
                    "\n  checks=all+-block_race accepts it", CUDA_ERROR_LAUNCH_FAILED};
    };
    const bool atomic = is_atomic(access);
    if (writes(access)) {
        uint64_t old = owner.writer.load(std::memory_order_relaxed);
        const uint64_t bytes_before = same_block(old, mine) && !(old & MANY) && !atomic ? old & 15 : 0;
        const uint64_t next = mine | (atomic ? MANY : 0) | part | bytes_before;
        if (old != next) old = owner.writer.exchange(next);
        if (old && (old & part) && !((old & MANY) && atomic) && conflict(old) &&
            !repeats(store, lane, address, word, grid.settings.host_threads() > 1))
            race(old, old & MANY ? "an atomic access" : "a write");
        const uint64_t reader = owner.reader.load();
        if (!reader || (reader & 15 & part) == 0) return;
        const bool by_another = conflict(reader);
        const bool by_more = (reader & MANY) && same_block(reader, mine) && launch_of(reader) == stamps::launch &&
                             block.clock.known == 0;
        if ((by_another || by_more) &&
            !store.changes_nothing(lane, address, word, reinterpret_cast<const std::byte *>(address)))
            race(reader, by_another ? "a read" : "a read by this block and others, last");
    } else {
        if (!atomic) {
            uint64_t reader = owner.reader.load(std::memory_order_relaxed);
            if (!same_block(reader, mine) || (reader & part) != part) {
                // If several blocks read different bytes of the word, only the last is remembered.
                const bool joined =
                    launch_of(reader) == stamps::launch && (same_block(reader, mine) || (reader & part & 15));
                const bool others = joined && (!same_block(reader, mine) || (reader & MANY));
                const uint64_t before = joined ? reader & 15 : 0;
                owner.reader.exchange(mine | (others ? MANY : 0) | part | before);
            }
        }
        const uint64_t writer = owner.writer.load();
        if (writer && (writer & part) && !((writer & MANY) && atomic) && conflict(writer))
            race(writer, writer & MANY ? "an atomic access" : "a write");
    }
}

}  // namespace

void begin_launch_stamp() {
    stamps::launch = (stamps::launch + 1) & LAUNCHES;
    if (stamps::launch) return;
    // The number has wrapped: old stamps would look like new ones.
    Arena::get().clear_owners();
    stamps::launch = 1;
}

void BlockOrder::publish(uint64_t block) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const uint64_t now = clock_.fetch_add(1) + 1;
    for (auto &[b, times] : times_)
        if (b == block) {
            times.push_back(now);
            return;
        }
    times_.push_back({block, {now}});
}

bool BlockOrder::published(uint64_t block, uint32_t epoch, uint64_t known) {
    if (known == 0) return false;
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto &[b, times] : times_)
        if (b == block) return epoch < times.size() && times[epoch] <= known;
    return false;
}

namespace {

// A bit of each byte of a sector, to the state of its eight words: what arena.h says of written bytes.
uint64_t state_of(uint32_t bytes) {
    uint64_t state = bytes;
    state = (state | state << 16) & 0x0000ffff0000ffff;
    state = (state | state << 8) & 0x00ff00ff00ff00ff;
    return (state | state << 4) & 0x0f0f0f0f0f0f0f0f;
}

// What of a request is checked.
struct GlobalChecks {
    bool alignment, bounds, initialized, races;

    explicit GlobalChecks(const Grid &grid)
        : alignment(grid.settings.on(Check::alignment)), bounds(grid.settings.on(Check::bounds)),
          // Of a sampled launch before this one, most blocks did not write what they should have.
          initialized(grid.settings.on(Check::initialized) && !grid.settings.sampled_blocks),
          races(grid.settings.on(Check::block_race) && grid.blocks > 1) {}
};

// Checks and notes the request sector by sector, as far as that will do. Returns the lanes, of those in `mask`, that
// must be checked by themselves.
uint32_t check_sectors(const Block &block, const GlobalChecks &checks, const uint64_t *address, uint32_t mask,
                       uint32_t bytes, Access access, const Request &request) {
    const Arena &arena = Arena::get();
    const bool alone = block.grid->host_threads == 1, writing = writes(access), reading = reads(access);
    const uint64_t first = arena.base() / Request::SECTOR, all = arena.size() / Request::SECTOR;
    const uint64_t mine = stamp(block.index, block.clock.epoch);
    uint64_t left = 0, misaligned = 0;
    for (uint32_t s = 0; s < request.count; ++s) {
        const uint64_t at = request.sector[s] - first;
        if (at >= all) {
            left |= uint64_t(1) << s;
            continue;
        }
        auto *const state = reinterpret_cast<uint64_t *>(arena.state()) + at;
        const uint64_t old = __atomic_load_n(state, __ATOMIC_RELAXED), wanted = state_of(request.bytes[s]);
        bool good = !checks.bounds || (old >> 4 & wanted) == wanted;
        if (reading && checks.initialized) good &= (old & wanted) == wanted;
        if (checks.races) {
            SectorOwner &sector = arena.sector_owners()[at];
            WordOwner *const words = arena.word_owners() + at * (Request::SECTOR / 4);
            if (is_atomic(access)) part_sector(sector, words, alone);
            good &= touch_sector(sector, words, mine, request.bytes[s], writing, alone);
        }
        if (!good) left |= uint64_t(1) << s;
        else if (writing && (old & wanted) != wanted) __atomic_fetch_or(state, wanted, __ATOMIC_RELAXED);
    }
    for (int l = 0; l < LANES; ++l) misaligned |= mask >> l & 1 ? address[l] & (bytes - 1) : 0;
    if (misaligned) return mask;
    if (!left) return 0;
    uint32_t lanes = 0;
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        lanes |= static_cast<uint32_t>(left >> request.place[l] & 1) << l;
    }
    return lanes;
}

}  // namespace

void check_global(Warp &w, const uint64_t *address, uint32_t mask, uint32_t bytes, Access access,
                  const Request &request, const StoredValues *stored, Unwritten *unwritten) {
    const Grid &grid = *w.block->grid;
    const GlobalChecks checks(grid);
    const uint32_t lanes = check_sectors(*w.block, checks, address, mask, bytes, access, request);
    if (!lanes) return;
    const Arena &arena = Arena::get();
    uint8_t *const state = arena.state();
    const bool writing = writes(access), reading = reads(access);
    const Store store{w, grid.settings.on(Check::benign_races) ? nullptr : stored, nullptr, mask, bytes};
    for (uint32_t rest = lanes; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const uint64_t a = address[l];
        if (checks.alignment && (a & (bytes - 1)))
            throw Fault{Check::alignment, l, "misaligned " + at_global(a, bytes, access) + ": not a multiple of " +
                        std::to_string(bytes) + "; it is " + arena.describe(a), CUDA_ERROR_MISALIGNED_ADDRESS};
        if (!arena.contains(a) || !arena.contains(a + bytes - 1)) {
            if (is_registered(a, bytes)) continue;
            throw Fault{Check::bounds, l, "out of bounds: " + at_global(a, bytes, access) + "; it is " + arena.describe(a),
                        CUDA_ERROR_ILLEGAL_ADDRESS};
        }
        for (uint64_t word = (a - arena.base()) / 4; word <= (a + bytes - 1 - arena.base()) / 4; ++word) {
            const uint8_t part = static_cast<uint8_t>(bytes >= 4 ? 15 : ((1u << bytes) - 1) << (a & 3));
            uint8_t &s = state[word];
            if (checks.bounds && (s >> 4 & part) != part)
                throw Fault{Check::bounds, l, "out of bounds: " + at_global(a, bytes, access) + "; it is " + arena.describe(a),
                            CUDA_ERROR_ILLEGAL_ADDRESS};
            if (checks.races && is_parted(arena.sector_owners()[word * 4 / Request::SECTOR]))
                touch(w, arena.word_owners()[word], l, a, bytes, part, access, store, word + arena.base() / 4);
            if (reading && checks.initialized && (s & part) != part)
                find_unwritten(w, unwritten, l, ptx::Space::global, a, bytes, 4 * word + arena.base(), part & ~s);
            // Another block may be writing the word's other bytes.
            if (writing && (s & part) != part) __atomic_fetch_or(&s, part, __ATOMIC_RELAXED);
        }
    }
}

// ---- Ordering -------------------------------------------------------------------------------------------------------

void fence(Warp &w, bool device) {
    w.fenced = true;
    if (device) w.block->clock.fenced = true;
}

void publish(Warp &w, bool shared) {
    Block &block = *w.block;
    if (w.fenced) {
        std::vector<uint32_t> &published = block.shadow.published;
        published.resize(w.clock.size());
        for (size_t v = 0; v < published.size(); ++v) published[v] = std::max(published[v], w.clock[v]);
        ++w.clock[w.index];
        w.fenced = false;
    }
    if ((shared && block.grid->cluster_blocks == 1) || !block.clock.fenced) return;
    block.grid->order.publish(block.index);
    ++block.clock.epoch;
    block.clock.fenced = false;
}

void acquire(Warp &w, bool shared) {
    const std::vector<uint32_t> &published = w.block->shadow.published;
    for (size_t v = 0; v < published.size(); ++v)
        if (v != w.index) w.clock[v] = std::max(w.clock[v], published[v]);
    if (!shared || w.block->grid->cluster_blocks > 1) w.block->clock.known = w.block->grid->order.now();
}

void warp_sync(Warp &w) {
    ++w.clock[w.index];
}

}  // namespace softgpu
