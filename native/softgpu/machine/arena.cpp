#include "machine/arena.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

#include "base/align.h"
#include "base/hex.h"
#include "base/settings.h"
#include "machine/owners.h"

namespace softgpu {

namespace {

constexpr uint64_t ALIGNMENT = 256, GAP = 256;      // bytes; the gap between allocations catches overruns
constexpr uint64_t PAGE = 4096;

void *reserve(uint64_t bytes) {
    void *at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? nullptr : at;
}

// Returns the whole pages of a range to the system. They read as zeros afterwards.
void give_back(uint64_t address, uint64_t bytes) {
    const uint64_t begin = align_up(address, PAGE), end = (address + bytes) / PAGE * PAGE;
    if (begin < end) madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}

// Whether it takes the device's memory.
bool is_counted(Arena::Kind kind) {
    return kind == Arena::Kind::device || kind == Arena::Kind::managed || kind == Arena::Kind::array;
}

}  // namespace

Arena &Arena::get() {
    // Never destroyed: the memory must outlive all that runs at process exit.
    static Arena *const arena = new Arena;
    return *arena;
}

Arena::Arena() {
    // Sixteen times the device's memory, so that freed addresses are not soon used again; less if the system does not
    // grant that.
    for (uint64_t size = align_up(settings().memory_bytes * 16, uint64_t(1) << 30); size >= uint64_t(1) << 30; size /= 2) {
        void *memory = reserve(size), *state = reserve(size / 4), *sectors = reserve(size / 4);
        void *word_owners = reserve(size / 4 * sizeof(WordOwner));
        void *sector_owners = reserve(size / 32 * sizeof(SectorOwner));
        if (memory && state && sectors && word_owners && sector_owners) {
            base_ = reinterpret_cast<uint64_t>(memory);
            size_ = size;
            next_ = base_ + ALIGNMENT;
            state_ = static_cast<uint8_t *>(state);
            word_owners_ = static_cast<WordOwner *>(word_owners);
            sector_owners_ = static_cast<SectorOwner *>(sector_owners);
            sectors_ = static_cast<std::byte *>(sectors);
            return;
        }
        if (memory) munmap(memory, size);
        if (state) munmap(state, size / 4);
        if (sectors) munmap(sectors, size / 4);
        if (word_owners) munmap(word_owners, size / 4 * sizeof(WordOwner));
        if (sector_owners) munmap(sector_owners, size / 32 * sizeof(SectorOwner));
    }
    std::fprintf(stderr, "framecast softgpu: the system grants no address range for the device's memory\n");
    std::abort();
}

// The first address with so much room from next_ on, round the end of the range if need be: those that were freed last
// come last. 0 if there is none.
uint64_t Arena::find_room(uint64_t room) const {
    const uint64_t begin = base_ + ALIGNMENT, end = base_ + size_;
    uint64_t at = next_;
    for (bool wrapped = false;;) {
        if (room > end - at) {
            if (wrapped) return 0;
            wrapped = true;
            at = begin;
            continue;
        }
        // The first allocation that is in the way: the last one before `at`, or one behind it.
        auto next = allocations_.lower_bound(at);
        if (next != allocations_.begin() && std::prev(next)->second.end() > at) --next;
        while (next != allocations_.end() && next->first < at + room && next->second.freed) ++next;
        if (next == allocations_.end() || next->first >= at + room) return at;
        at = align_up(next->second.end(), ALIGNMENT) + GAP;
        if (wrapped && at >= next_) return 0;
    }
}

uint64_t Arena::allocate(uint64_t bytes, Kind kind, const std::string &name) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool counted = is_counted(kind);
    if (bytes == 0 || bytes > size_ || (counted && used_ + bytes > settings().memory_bytes)) return 0;
    const uint64_t room = align_up(bytes, ALIGNMENT) + GAP;
    const uint64_t address = find_room(room);
    if (!address) return 0;
    // What was freed there is forgotten.
    const auto first = allocations_.lower_bound(address);
    allocations_.erase(first, allocations_.lower_bound(address + room));
    next_ = address + room;
    if (counted) used_ += bytes;
    Allocation &made = allocations_[address] = {address, bytes, kind, ++numbered_, name, false, kind == Kind::graph};
    if (!made.closed) make_accessible(made);
    return address;
}

// And not yet written.
void Arena::make_accessible(const Allocation &a) {
    const uint64_t word = (a.address - base_) / 4;
    std::memset(state_ + word, 0xf0, a.bytes / 4);
    if (a.bytes % 4) state_[word + a.bytes / 4] = static_cast<uint8_t>(((1u << a.bytes % 4) - 1) << 4);
}

bool Arena::free(uint64_t address, Kind kind) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto at = allocations_.find(address);
    if (at == allocations_.end() || at->second.freed || at->second.kind != kind) return false;
    Allocation &a = at->second;
    a.freed = true;
    if (a.closed) return true;
    if (is_counted(kind)) used_ -= a.bytes;
    if (kind == Kind::graph) graph_use_.now -= a.bytes, used_ -= a.bytes;
    make_inaccessible(a);
    return true;
}

void Arena::make_inaccessible(const Allocation &a) {
    const uint64_t word = (a.address - base_) / 4;
    // Sets the state to zero, by hand at the ends where the range shares a page with others.
    const uint64_t words = (a.bytes + 3) / 4, edge = std::min(words, PAGE);
    std::memset(state_ + word, 0, edge);
    std::memset(state_ + word + words - edge, 0, edge);
    give_back(reinterpret_cast<uint64_t>(state_ + word), words);
    give_back(a.address, a.bytes);
    give_back(reinterpret_cast<uint64_t>(word_owners_ + word), a.bytes / 4 * sizeof(WordOwner));
    give_back(reinterpret_cast<uint64_t>(sector_owners_ + word / 8), a.bytes / 32 * sizeof(SectorOwner));
    give_back(reinterpret_cast<uint64_t>(sectors_) + word, a.bytes / 4);
}

bool Arena::open(uint64_t address) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Allocation &a = allocations_.at(address);
    if (!a.closed) return true;
    if (used_ + a.bytes > settings().memory_bytes) return false;
    a.closed = false;
    used_ += a.bytes;
    graph_use_.now += a.bytes;
    graph_use_.most = std::max(graph_use_.most, graph_use_.now);
    make_accessible(a);
    return true;
}

void Arena::close(uint64_t address) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Allocation &a = allocations_.at(address);
    if (a.closed) return;
    a.closed = true;
    used_ -= a.bytes;
    graph_use_.now -= a.bytes;
    make_inaccessible(a);
}

Arena::GraphUse Arena::graph_use() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return graph_use_;
}

void Arena::forget_most() {
    const std::lock_guard<std::mutex> lock(mutex_);
    graph_use_.most = graph_use_.now;
}

bool Arena::find(uint64_t address, Allocation &found) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (allocations_.empty()) return false;
    auto after = allocations_.upper_bound(address);
    if (after == allocations_.begin()) {
        found = after->second;
        return true;
    }
    const Allocation &before = std::prev(after)->second;
    found = before;
    if (address < before.address + before.bytes || after == allocations_.end()) return true;
    if (after->first - address < address - (before.address + before.bytes)) found = after->second;
    return true;
}

std::string Arena::describe(uint64_t address) const {
    Allocation a;
    if (address < 4096) return "a null pointer" + (address ? " plus " + std::to_string(address) : std::string());
    if (!contains(address)) return "no address of the device: a host pointer, or garbage";
    if (!find(address, a)) return "not in any allocation, and there is none";
    static const char *const kinds[] = {"", "pinned host ", "", "managed ", "device heap ", "array ", "graph "};
    std::string what = a.kind == Kind::global ? "variable " + a.name
                                              : std::string(kinds[static_cast<int>(a.kind)]) + "allocation #" + std::to_string(a.number);
    if (a.freed) what += ", which was freed,";
    else if (a.closed) what += ", which is not allocated now,";
    what += " of " + std::to_string(a.bytes) + " bytes at " + hex(a.address);
    if (address < a.address) return std::to_string(a.address - address) + " bytes before the beginning of " + what;
    if (address < a.address + a.bytes) return "at byte " + std::to_string(address - a.address) + " of " + what;
    const uint64_t past = address - (a.address + a.bytes);
    return (past ? std::to_string(past) + " bytes past the end of " : "just past the end of ") + what;
}

bool Arena::holds(uint64_t address, uint64_t bytes, bool closed) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto after = allocations_.upper_bound(address);
    if (after == allocations_.begin()) return false;
    const Allocation &a = std::prev(after)->second;
    return !a.freed && (closed || !a.closed) && address - a.address <= a.bytes && bytes <= a.bytes - (address - a.address);
}

void Arena::clear_owners() {
    give_back(reinterpret_cast<uint64_t>(word_owners_), size_ / 4 * sizeof(WordOwner));
    give_back(reinterpret_cast<uint64_t>(sector_owners_), size_ / 32 * sizeof(SectorOwner));
}

void Arena::clear_sectors() {
    give_back(reinterpret_cast<uint64_t>(sectors_), size_ / 4);
}

std::vector<Arena::Allocation> Arena::live() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Allocation> result;
    for (const auto &[at, a] : allocations_)
        if (!a.freed) result.push_back(a);
    return result;
}

uint64_t Arena::used() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return used_;
}

void Arena::mark_written(uint64_t address, uint64_t bytes) {
    for (; bytes && address % 4; ++address, --bytes) state_[(address - base_) / 4] |= static_cast<uint8_t>(1 << address % 4);
    std::memset(state_ + (address - base_) / 4, 0xff, bytes / 4);
    for (address += bytes / 4 * 4, bytes %= 4; bytes; ++address, --bytes)
        state_[(address - base_) / 4] |= static_cast<uint8_t>(1 << address % 4);
}

void Arena::mark_unwritten(uint64_t address, uint64_t bytes) {
    for (uint64_t a = address; a < address + bytes; ++a)
        if (contains(a))
            __atomic_fetch_and(&state_[(a - base_) / 4], static_cast<uint8_t>(~(1 << a % 4)), __ATOMIC_RELAXED);
}

void Arena::copy_state(uint64_t to, uint64_t from, uint64_t bytes) {
    const auto written = [this](uint64_t a) { return state_[(a - base_) / 4] >> a % 4 & 1; };
    if (to % 4 == from % 4 && bytes >= 4) {
        // Word by word if both ranges are word-aligned to each other.
        while (to % 4) {
            uint8_t &s = state_[(to - base_) / 4];
            s = static_cast<uint8_t>((s & ~(1 << to % 4)) | written(from) << to % 4);
            ++to, ++from, --bytes;
        }
        for (; bytes >= 4; to += 4, from += 4, bytes -= 4) {
            uint8_t &s = state_[(to - base_) / 4];
            s = static_cast<uint8_t>((s & 0xf0) | (state_[(from - base_) / 4] & 15));
        }
    }
    for (; bytes; ++to, ++from, --bytes) {
        uint8_t &s = state_[(to - base_) / 4];
        s = static_cast<uint8_t>((s & ~(1 << to % 4)) | written(from) << to % 4);
    }
}

bool Arena::is_written(uint64_t address, uint64_t bytes, uint64_t *first) const {
    for (uint64_t a = address; a < address + bytes;) {
        const uint8_t s = state_[(a - base_) / 4];
        if (a % 4 == 0 && a + 4 <= address + bytes && (s & 15) == 15) {
            a += 4;
            continue;
        }
        if (!(s >> a % 4 & 1)) {
            if (first) *first = a;
            return false;
        }
        ++a;
    }
    return true;
}

}  // namespace softgpu
