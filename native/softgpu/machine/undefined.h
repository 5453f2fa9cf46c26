// Undefined values: what a thread has read from memory that nothing had written. They may be loaded, moved and computed
// with, as long as nothing depends on them; the check `initialized` reports where one is used. The method is that of
// Valgrind's memcheck (Seward and Nethercote, 2005), by bytes instead of bits.
//
// Each byte of a lane of a register has an origin: the read that it comes from, if it is undefined. So has each lane of
// a predicate, and each byte of local memory. A warp has origins only while one of its values is undefined, so that
// other warps pay for one test an instruction. Shared memory to which an undefined value was stored counts as not
// written.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "program/program.h"

namespace softgpu {

// The number of an unwritten read in UnwrittenReads; 0 for a defined byte.
using Origin = uint16_t;
using Origins = std::array<Origin, LANES>;      // of a predicate

// The reads of a block that found memory unwritten.
class UnwrittenReads {
public:
    struct Read {
        uint32_t pc, thread, bytes;
        ptx::Space space;
        uint64_t address;
        bool in_part;           // some of its bytes were written
        bool beside;            // other bytes that the same access read were written: this may be padding
        bool computed = false;  // not the read value itself, but what was computed with it
    };

    Origin number(const Read &read);
    // The same read, of a value that was computed with it.
    Origin computed(Origin origin);
    const Read &operator[](Origin origin) const { return reads_[origin - 1u]; }
    void clear();

    std::unordered_map<uint32_t, Origin> shared;    // by byte: where an undefined value was stored last

private:
    std::vector<Read> reads_;
    // By pc, thread and address, of read and of computed values.
    std::map<std::tuple<uint32_t, uint32_t, uint64_t, bool>, Origin> numbers_;
};

// The bytes from `first` on of a lane of a register.
struct LaneBytes {
    Slot slot;
    int lane;
    bool wide;              // a register of 64 bits
    uint32_t first = 0;
};

// The origins of a warp's values.
struct UndefinedValues {
    std::vector<Origin> registers;              // by byte of the warp's registers
    std::vector<Origins> predicates;
    Origins carry{};
    std::map<uint64_t, Origin> local[LANES];    // by byte of the lane's local memory
    uint64_t count = 0;                         // of undefined values, those of local memory by byte

    explicit UndefinedValues(const Program &program);
    void set(Origin &at, Origin origin);
    Origin *of_register(const LaneBytes &at);
    void set_local(int lane, uint64_t at, uint64_t bytes, Origin origin);
    Origin of_local(int lane, uint64_t at, uint64_t bytes) const;
};

// What an access reads though nothing has written it.
struct Unwritten {
    uint32_t lanes = 0;
    uint32_t bytes[LANES];      // of these lanes: one bit for each byte of the access
};

// ---- What the runner of warps calls while w.undefined is there ------------------------------------------------------

// Throws if what decides about this instruction of the lanes `mask` is undefined: its guard, an address, an operand of
// an atomic operation... If it only computes, the guard may be: then what its false lanes keep is undefined.
void check_uses(Warp &w, const Instr &i, uint32_t mask);
// Runs the instruction for the active lanes, and gives its results their origins.
void run_with_origins(Warp &w, const Instr &i);
// A result that was written otherwise is defined.
void define_results(Warp &w, const Instr &i, uint32_t mask);

// ---- What instructions call that access memory ----------------------------------------------------------------------

// An access finds bytes of a word unwritten (a bit for each, `word` is the address): says so in `unwritten`, or throws
// where the value is used at once, and `unwritten` is null.
void find_unwritten(const Warp &w, Unwritten *unwritten, int lane, ptx::Space space, uint64_t address, uint32_t bytes,
                    uint64_t word, uint32_t missing);

// What a lane reads at `address`.
struct LaneRead {
    const Instr &i;
    const Unwritten &unwritten;
    ptx::Space space;
    int lane;
    uint64_t address;
    uint32_t bytes = 0;     // of the access; more than 4 may be a part of a structure, with padding
};
// The origin of byte `at` of it, which is read as one of the element [first, first + bytes).
Origin origin_of_read(Warp &w, const LaneRead &read, uint32_t at, uint32_t first, uint32_t bytes);

// The element [first, first + bytes) of what was read gets to these bytes of a register.
void add_origins(Warp &w, const LaneRead &read, uint32_t first, uint32_t bytes, const LaneBytes &to);
// These bytes of a register are stored.
void store_origins(Warp &w, ptx::Space space, uint64_t address, uint32_t bytes, const LaneBytes &from);
// Bytes of one origin are stored. Local and shared memory pass them on. In global memory that is a use, with two
// exceptions, which compiled structures need: bytes that may be padding (Read::beside) are copied, and so stay unwritten;
// and a byte is stored where it was read, so that the bit fields in it count as set.
void store_origin(Warp &w, ptx::Space space, int lane, uint64_t address, uint32_t bytes, Origin origin);
// `use` of a value with an origin, as "an undefined value is printed".
[[noreturn]] void report_use(const Warp &w, int lane, Origin origin, const std::string &use);

}  // namespace softgpu
