// The memory of the device, with shadow memory for every word.
//
// It is one reserved range of host addresses, so a device address is a host address and needs no translation. Pinned
// host memory and module variables are in this range, too. The shadow arrays: a state of each 4-byte word, whose bits
// 0-3 tell which bytes were written, bits 4-7 which may be accessed; owners of each word and of each 32-byte sector
// (owners.h); and 8 bytes for each sector (sectors.h). Their pages use memory only when touched. Freed addresses are
// not reused while unused ones are left, so that a use after free is detected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace softgpu {

struct WordOwner;
struct SectorOwner;

class Arena {
public:
    enum class Kind : uint8_t { device, pinned, global, managed, heap, array, graph };

    struct Allocation {
        uint64_t address = 0;
        uint64_t bytes = 0;
        Kind kind = Kind::device;
        uint64_t number = 0;        // counted from 1, over the lifetime of the process
        std::string name;           // name of a module's variable
        bool freed = false;
        bool closed = false;        // reserved only: it cannot be accessed now
        uint64_t end() const { return address + bytes; }
    };

    static Arena &get();

    // 256-byte aligned, with an unused gap before the next allocation. Returns 0 if `memory_bytes` of device and
    // managed memory would be exceeded, or the reserved range is full. `bytes` must not be 0.
    uint64_t allocate(uint64_t bytes, Kind kind, const std::string &name = "");
    // False if no live allocation of this kind begins there.
    bool free(uint64_t address, Kind kind);

    // Memory of a graph is allocated closed: it takes no memory of the device before it is opened, and none after it is
    // closed again. Its address stays. False if there is not enough memory.
    bool open(uint64_t address);
    void close(uint64_t address);
    struct GraphUse {
        uint64_t now = 0, most = 0;     // bytes of open ones, at present and at most
    };
    GraphUse graph_use() const;
    void forget_most();                 // begins to count the most anew

    // The allocation that contains `address`, else the nearest one (also a freed one); false if there is none at all.
    bool find(uint64_t address, Allocation &found) const;
    // "at byte 4096 of allocation #3 of 4096 bytes (0x...), just past its end": the place of an address, in words.
    std::string describe(uint64_t address) const;
    // Whether a live allocation contains all of [address, address + bytes); with `closed`, also one that is closed.
    bool holds(uint64_t address, uint64_t bytes, bool closed = false) const;
    std::vector<Allocation> live() const;
    uint64_t used() const;          // bytes of device and managed memory allocated

    // The effect of copies, memsets and library calls on the state of the words they write.
    void mark_written(uint64_t address, uint64_t bytes);
    // By a kernel, of which another block may be writing other bytes of a word. Not of registered memory.
    void mark_unwritten(uint64_t address, uint64_t bytes);
    void copy_state(uint64_t to, uint64_t from, uint64_t bytes);
    // Whether all bytes were written; `first` becomes the first one that was not.
    bool is_written(uint64_t address, uint64_t bytes, uint64_t *first = nullptr) const;

    bool contains(uint64_t address) const { return address - base_ < size_; }
    uint64_t base() const { return base_; }
    uint64_t size() const { return size_; }
    uint8_t *state() const { return state_; }       // state of the word at base(); index by (address - base()) / 4
    WordOwner *word_owners() const { return word_owners_; }     // likewise
    SectorOwner *sector_owners() const { return sector_owners_; }   // of the sector at base()
    void clear_owners();                            // to zeros
    std::byte *sectors() const { return sectors_; } // of the sector at base(); 8 bytes each
    void clear_sectors();                           // to zeros

private:
    uint64_t find_room(uint64_t room) const;
    void make_accessible(const Allocation &a);
    void make_inaccessible(const Allocation &a);

    Arena();
    mutable std::mutex mutex_;
    uint64_t base_ = 0, size_ = 0, next_ = 0, used_ = 0, numbered_ = 0;
    uint8_t *state_ = nullptr;
    WordOwner *word_owners_ = nullptr;
    SectorOwner *sector_owners_ = nullptr;
    std::byte *sectors_ = nullptr;
    std::map<uint64_t, Allocation> allocations_;    // live and freed, by address
    GraphUse graph_use_;
};

}  // namespace softgpu
