// Liveness analysis and register allocation. PTX has virtual registers without limit; a warp runs several times as fast
// if its registers fit the host's cache.
#pragma once

#include <cstdint>
#include <vector>

#include "ptx/module.h"

namespace softgpu {

enum class Use : uint8_t { use, def };

struct Allocation {
    std::vector<uint32_t> slots;    // by register: byte offset from the function's first, or for predicates their number
    std::vector<std::pair<uint32_t, bool>> places;  // all places: byte offset, and whether the lanes are 64-bit
    uint32_t bytes = 0;             // of a warp, in all
    uint32_t predicates = 0;
    uint32_t pressure = 0;          // the maximum of live 32-bit values of a thread
};

// Each lane has its own control flow and its own column of every register, so liveness is that of a single thread. A
// guarded result does not end the life of the previous value.
class Liveness {
public:
    void begin(const ptx::Function &function);
    void note(uint32_t instruction, uint32_t reg, Use use, bool guarded);
    void edge(uint32_t from, uint32_t to);          // a jump
    void stop(uint32_t instruction);                // does not continue with the next instruction
    Allocation allocate();

private:
    struct Reference {
        uint32_t instruction, reg;
        bool reads, writes, guarded;
    };
    const ptx::Function *function_ = nullptr;
    std::vector<Reference> references_;
    std::vector<std::pair<uint32_t, uint32_t>> edges_;
    std::vector<bool> stops_;
};

}  // namespace softgpu
