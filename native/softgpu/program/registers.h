// Which PTX registers are alive where, and a place for each: PTX has any number of them, and a warp whose registers fit the
// host's cache runs several times as fast.
#pragma once

#include <cstdint>
#include <vector>

#include "ptx/module.h"

namespace softgpu {

enum class Use : uint8_t { use, def };

struct Allocation {
    std::vector<uint32_t> slots;    // by register: byte offset from the function's first, or for predicates their number
    std::vector<std::pair<uint32_t, bool>> places;  // every place there is: its byte offset, and whether it has 64-bit lanes
    uint32_t bytes = 0;             // of a warp, in all
    uint32_t predicates = 0;
    uint32_t pressure = 0;          // the most live 32-bit values of a thread at any place
};

// Each lane goes its own way through the code and owns its column of every register, so the liveness of a single thread is
// what counts; a result under a guard does not end the life of the value before it.
class Liveness {
public:
    void begin(const ptx::Function &function);
    void note(uint32_t instruction, uint32_t reg, Use use, bool guarded);
    void edge(uint32_t from, uint32_t to);          // a jump
    void stop(uint32_t instruction);                // does not go on to the next
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
