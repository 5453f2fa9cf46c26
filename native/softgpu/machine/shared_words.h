// The check of most accesses to shared memory: those where of eight lanes no two access the same word. Eight at once.
#pragma once

#include <cstdint>
#include <immintrin.h>

#include "machine/races.h"

namespace softgpu {

// An access by lanes of a warp, to be checked.
class WordCheck {
public:
    // `initialized`: reads of what nothing has written are looked for.
    WordCheck(const Warp &w, const uint32_t *address, uint32_t mask, uint32_t bytes, Access access, bool initialized);

    // Checks and notes the access by the lanes from 8 * `part` on. False, with nothing noted that is wrong, if it is
    // not so simple: then each lane must be checked by itself.
    bool touch(int part) const;

private:
    template <Access ACCESS>
    bool touch_words(SharedShadow::Word *const *word, __m256i bytes, uint32_t active, uint32_t thread) const;

    SharedShadow::Word *const words_;
    const uint32_t *const address_;
    const uint32_t mask_, bytes_, warp_, now_;
    const Access access_;
    const bool initialized_;
    bool possible_;
    bool adjacent_;                     // all lanes access, each the word after that of the lane before
    uint32_t others_ = 0;               // the time of all other warps that is ordered before this access
};

}  // namespace softgpu
