// Race detection: shadows of shared and of global memory.
//
// Shared memory. Each warp has a vector clock: clock[w] is the latest time of warp w that is ordered before it; its own
// component is its present time. An access is stamped with its thread and the present of its warp. When a barrier
// completes, each waiting warp takes the maximum of the clocks of all that arrived, and increments its present.
// bar.warp.sync increments the present of the warp. A fence followed by an atomic publishes a clock to the block. Two
// accesses to one word by two threads, one of them a plain write, race unless the clock of the later one's warp
// includes the stamp of the earlier one. This is the happens-before test of FastTrack (Flanagan and Freund, 2009) with
// warps as threads.
//
// A plain store of the bytes that are there does not race with the access that put or read them there
// (Check::benign_races reports it all the same).
//
// Global memory. Two blocks are ordered only by a fence and an atomic (or volatile) write in one, followed by an atomic
// (or volatile) read in the other. Each word has the last block of the launch that wrote it and the last that read it
// (owners.h).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "machine/undefined.h"
#include "program/program.h"

namespace softgpu {

struct Block;
struct Grid;
struct Request;
struct Warp;

// Volatile, relaxed and stronger loads and stores count as atomic. An update is a read and a write.
enum class Access : uint8_t { load, store, atomic_load, atomic_store, atomic_update };
constexpr bool writes(Access access) { return access != Access::load && access != Access::atomic_load; }
constexpr bool reads(Access access) { return access != Access::store && access != Access::atomic_store; }
constexpr bool is_atomic(Access access) { return access != Access::load && access != Access::store; }

struct SharedShadow {
    static constexpr uint8_t ATOMIC = 16, ASYNC = 32;           // of write_bytes
    static constexpr uint8_t SAME_WARP = 1, OTHER_WARPS = 2;    // of read_flags, and ATOMIC
    struct Word {
        uint32_t write_time = 0, read_time = 0;     // time of the thread's warp; 0: never
        uint16_t writer = 0, reader = 0;            // threads
        uint8_t written = 0;                        // bits 0-3: bytes of the word that were ever written
        uint8_t write_bytes = 0;                    // bytes of the last write; bit 4: it was atomic; bit 5: a cp.async under way
        uint8_t read_flags = 0;                     // bit 0: other threads of the reader's warp too; bit 1: other warps too;
                                                    // bit 4: all were atomic
        uint8_t read_bytes = 0;                     // bytes of these reads
    };
    std::vector<Word> words;
    std::vector<uint32_t> published;    // the clock that fences and atomics hand on
    void reset(uint32_t bytes) {
        words.assign((bytes + 3) / 4, Word());
        published.clear();
    }
};

// What a block has published to other blocks, and what it has acquired from them.
struct BlockClock {
    uint32_t epoch = 0;         // publications so far
    uint64_t known = 0;         // BlockOrder's clock at its last acquiring access
    bool fenced = false;
};

class BlockOrder {
public:
    void publish(uint64_t block);                           // begins a new epoch
    bool published(uint64_t block, uint32_t epoch, uint64_t known);  // before `known`
    uint64_t now() const { return clock_.load(std::memory_order_acquire); }
private:
    std::atomic<uint64_t> clock_{0};
    std::mutex mutex_;
    std::vector<std::pair<uint64_t, std::vector<uint64_t>>> times_;     // by block: when each epoch was published
};

// What a plain store writes. Two stores of the same bytes do not race, whatever their order.
struct StoredValues {
    const Slot *slots;          // of each element
    uint32_t elements;
    uint32_t element_bytes;     // the low bytes of a lane
    bool wide;                  // lanes of 8 bytes; else of 4

    void copy(const Warp &w, int lane, std::byte *to) const;
};
constexpr uint32_t MOST_STORED = 32;    // bytes of a lane

// Both throw Fault. `address` is of shared memory; of global memory, an address of the arena, and `request` says the
// same by sectors. `stored` may be null; so may `unwritten`, where a read of unwritten bytes is a fault.
void check_shared(Warp &w, const uint32_t *address, uint32_t mask, uint32_t bytes, Access access,
                  const StoredValues *stored, Unwritten *unwritten);
void check_global(Warp &w, const uint64_t *address, uint32_t mask, uint32_t bytes, Access access,
                  const Request &request, const StoredValues *stored, Unwritten *unwritten);

// Memory ordering between warps and blocks.
void fence(Warp &w, bool device);               // membar, fence: of the block, or of the device
void publish(Warp &w, bool shared);             // before an atomic or volatile write: publishes what precedes the fence
void acquire(Warp &w, bool shared);             // after an atomic or volatile access: acquires what others published
void warp_sync(Warp &w);                        // bar.warp.sync
void begin_launch_stamp();                      // a new launch: older owners are ignored

}  // namespace softgpu
