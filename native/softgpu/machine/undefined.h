// Undefined values: what a thread has read from memory that nothing had written. They may be loaded, moved and computed
// with, as long as nothing depends on them; the check `initialized` reports where one is used. The method is that of
// Valgrind's memcheck (Seward and Nethercote, 2005), by whole values instead of bits.
//
// Each lane of a register or predicate has an origin: the read that its value comes from, if it is undefined. A warp
// has origins only while one of its values is undefined, so that other warps pay for one test an instruction. Shared
// memory to which an undefined value was stored counts as not written; local memory has origins by byte.
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

// The number of an unwritten read in UnwrittenReads; 0 for a defined value.
using Origin = uint16_t;
using Origins = std::array<Origin, LANES>;

// The reads of a block that found memory unwritten.
class UnwrittenReads {
public:
    struct Read {
        uint32_t pc, thread, bytes;
        ptx::Space space;
        uint64_t address;
    };

    Origin number(const Read &read);
    const Read &operator[](Origin origin) const { return reads_[origin - 1u]; }
    void clear();

    std::unordered_map<uint32_t, Origin> shared;    // by byte: where an undefined value was stored last

private:
    std::vector<Read> reads_;
    std::map<std::tuple<uint32_t, uint32_t, uint64_t>, Origin> numbers_;    // by pc, thread and address
};

// The origins of a warp's values.
struct UndefinedValues {
    std::vector<Origins> registers;             // by Slot / ORIGIN_STRIDE
    std::vector<Origins> predicates;
    Origins carry{};
    std::map<uint64_t, Origin> local[LANES];    // by byte of the lane's local memory
    uint64_t count = 0;                         // of undefined values, those of local memory by byte

    explicit UndefinedValues(const Program &program);
    void set(Origin &at, Origin origin);
    void set_local(int lane, uint64_t at, uint64_t bytes, Origin origin);
    Origin of_local(int lane, uint64_t at, uint64_t bytes) const;
};
constexpr Slot ORIGIN_STRIDE = LANES * 4;       // bytes of a narrow register

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

// The origin of the bytes [first, first + bytes) of what a lane reads at `address`.
Origin origin_of_read(Warp &w, const Instr &i, const Unwritten &unwritten, ptx::Space space, int lane, uint64_t address,
                      uint32_t first, uint32_t bytes);
// The origin of a lane of a register.
Origin origin_of(const Warp &w, Slot slot, int lane);
// A lane of a register gets a value of this origin.
void add_origin(Warp &w, Slot slot, int lane, Origin origin);
// A lane stores bytes of this origin: passed on by local and shared memory, a use in global memory.
void store_origin(Warp &w, ptx::Space space, int lane, uint64_t address, uint32_t bytes, Origin origin);
// `use` of a value with an origin, as "an undefined value is printed".
[[noreturn]] void report_use(const Warp &w, int lane, Origin origin, const std::string &use);

}  // namespace softgpu
