#include "machine/shared_words.h"

#include "machine/block.h"
#include "machine/eight.h"

namespace softgpu {

namespace {

using Word = SharedShadow::Word;

// The four columns of eight words: write_time; read_time; writer and reader; the bytes from `written` on.
struct Columns {
    __m256i write_time, read_time, threads, bytes;
};
static_assert(sizeof(Word) == 16 && offsetof(Word, read_time) == 4 && offsetof(Word, writer) == 8 &&
              offsetof(Word, reader) == 10 && offsetof(Word, written) == 12 && offsetof(Word, write_bytes) == 13 &&
              offsetof(Word, read_flags) == 14 && offsetof(Word, read_bytes) == 15);
constexpr uint32_t MOST_BYTES = 32;     // of a lane
constexpr int WRITTEN = 0, WRITE_BYTES = 8, READ_FLAGS = 16, READ_BYTES = 24;   // where they are in a column's element

// Rows of four to columns of four in each half, and back.
Columns exchanged(__m256i a, __m256i b, __m256i c, __m256i d) {
    const __m256i low = _mm256_unpacklo_epi32(a, b), high = _mm256_unpackhi_epi32(a, b);
    const __m256i more_low = _mm256_unpacklo_epi32(c, d), more_high = _mm256_unpackhi_epi32(c, d);
    return {_mm256_unpacklo_epi64(low, more_low), _mm256_unpackhi_epi64(low, more_low),
            _mm256_unpacklo_epi64(high, more_high), _mm256_unpackhi_epi64(high, more_high)};
}

Columns load(Word *const *word) {
    auto pair = [&](int n) {
        return _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i *>(word[n]))),
            _mm_loadu_si128(reinterpret_cast<const __m128i *>(word[n + 4])), 1);
    };
    return exchanged(pair(0), pair(1), pair(2), pair(3));
}

void store(Word *const *word, const Columns &x) {
    const Columns rows = exchanged(x.write_time, x.read_time, x.threads, x.bytes);
    auto put = [&](int n, __m256i row) {
        _mm_storeu_si128(reinterpret_cast<__m128i *>(word[n]), _mm256_castsi256_si128(row));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(word[n + 4]), _mm256_extracti128_si256(row, 1));
    };
    put(0, rows.write_time);
    put(1, rows.read_time);
    put(2, rows.threads);
    put(3, rows.bytes);
}

// Whether no two of eight numbers are equal.
bool distinct(__m256i n) {
    __m256i equal = _mm256_setzero_si256();
    for (int by = 1; by <= 4; ++by) {
        const __m256i turned = _mm256_setr_epi32(by, by + 1, by + 2, by + 3, by + 4, by + 5, by + 6, by + 7);
        equal = _mm256_or_si256(equal, _mm256_cmpeq_epi32(n, _mm256_permutevar8x32_epi32(n, turned)));
    }
    return _mm256_testz_si256(equal, equal);
}

}  // namespace

WordCheck::WordCheck(const Warp &w, const uint32_t *address, uint32_t mask, uint32_t bytes, Access access,
                     bool initialized)
    : words_(w.block->shadow.words.data()), address_(address), mask_(mask), bytes_(bytes), warp_(w.index),
      now_(w.clock[w.index]), writing_(writes(access)), initialized_(initialized) {
    // After barriers of the whole block, the same time of all others is known.
    const size_t warps = w.clock.size();
    if (warps > 1) others_ = w.clock[w.index ? 0 : 1];
    const uint32_t *const clock = w.clock.data(), others = others_, own = warp_;
    uint32_t different = 0;
    for (uint32_t v = 0; v < warps; ++v) different |= v == own ? 0 : clock[v] ^ others;
    possible_ = !different && bytes % 4 == 0 && bytes <= MOST_BYTES;
    const uint32_t first = address[0];
    different = (first & 3) | ~mask | (bytes ^ 4);
    for (uint32_t l = 0; l < LANES; ++l) different |= address[l] ^ (first + 4 * l);
    adjacent_ = !different;
}

bool WordCheck::touch(int part) const {
    if (!possible_) return false;
    const uint32_t thread = warp_ * LANES + 8 * static_cast<uint32_t>(part), active = mask_ >> 8 * part & 255;
    const uint32_t *const address = address_ + 8 * part;
    if (!adjacent_) {
        __m256i a = eight_at(address);
        if (active != 255) {
            // The others get addresses that no lane has.
            const __m256i none = _mm256_sub_epi32(eight(~31u), _mm256_slli_epi32(eight_numbers(), 5));
            a = _mm256_blendv_epi8(none, a, eight_chosen(active));
        }
        if (!_mm256_testz_si256(a, eight(bytes_ - 1)) || !distinct(a)) return false;
    }
    static thread_local Word spare[8 + MOST_BYTES / 4];     // for the others
    Word *at[8];
    if (active == 255)
        for (int n = 0; n < 8; ++n) at[n] = words_ + address[n] / 4;
    else
        for (int n = 0; n < 8; ++n) at[n] = active >> n & 1 ? words_ + address[n] / 4 : spare + n;
    for (uint32_t e = 0; e < bytes_ / 4; ++e) {
        if (!(writing_ ? touch_words<true>(at, active, thread) : touch_words<false>(at, active, thread))) return false;
        for (Word *&word : at) ++word;
    }
    return true;
}

// What touch() of races.cpp does for eight words, one of each lane.
template <bool WRITES>
bool WordCheck::touch_words(Word *const *word, uint32_t active, uint32_t first_thread) const {
    const Columns x = load(word);

    const __m256i zero = _mm256_setzero_si256(), warp = eight(warp_), now = eight(now_), own_time = eight(now_ - 1);
    const __m256i thread = _mm256_add_epi32(eight(first_thread), eight_numbers());
    const __m256i writer = _mm256_and_si256(x.threads, eight(0xffff)), reader = _mm256_srli_epi32(x.threads, 16);
    const __m256i by_own_writer = _mm256_cmpeq_epi32(_mm256_srli_epi32(writer, 5), warp);
    const __m256i by_own_reader = _mm256_cmpeq_epi32(_mm256_srli_epi32(reader, 5), warp);
    auto is_unknown = [&](__m256i time, __m256i by_own) {
        return _mm256_cmpgt_epi32(time, _mm256_blendv_epi8(eight(others_), own_time, by_own));
    };
    const __m256i same_reader = _mm256_cmpeq_epi32(reader, thread);
    const __m256i unordered_read = is_unknown(x.read_time, by_own_reader);
    const __m256i under_way = _mm256_and_si256(x.bytes, eight(SharedShadow::ASYNC << WRITE_BYTES));
    __m256i odd = _mm256_or_si256(_mm256_cmpgt_epi32(under_way, zero),
                                  _mm256_andnot_si256(_mm256_cmpeq_epi32(writer, thread),
                                                      is_unknown(x.write_time, by_own_writer)));
    Columns next = x;
    if (WRITES) {
        const __m256i several = eight((SharedShadow::SAME_WARP | SharedShadow::OTHER_WARPS) << READ_FLAGS);
        const __m256i only_reader =
            _mm256_and_si256(same_reader, _mm256_cmpeq_epi32(_mm256_and_si256(x.bytes, several), zero));
        odd = _mm256_or_si256(odd, _mm256_andnot_si256(only_reader, unordered_read));
        next.write_time = now;
        next.threads = _mm256_or_si256(_mm256_slli_epi32(reader, 16), thread);
        next.bytes = _mm256_or_si256(_mm256_and_si256(x.bytes, eight(0xffff0000)), eight(15 << WRITTEN | 15 << WRITE_BYTES));
    } else {
        const __m256i whole = eight(15 << WRITTEN);
        const __m256i written = _mm256_cmpeq_epi32(_mm256_and_si256(x.bytes, whole), whole);
        if (initialized_) odd = _mm256_or_si256(odd, _mm256_andnot_si256(written, eight(FULL)));
        const __m256i another = _mm256_andnot_si256(same_reader, eight(SharedShadow::SAME_WARP << READ_FLAGS));
        const __m256i more = _mm256_blendv_epi8(eight(SharedShadow::OTHER_WARPS << READ_FLAGS), another, by_own_reader);
        const __m256i before = _mm256_and_si256(
            x.bytes, eight((SharedShadow::SAME_WARP | SharedShadow::OTHER_WARPS) << READ_FLAGS));
        const __m256i flags = _mm256_and_si256(unordered_read, _mm256_or_si256(before, more));
        next.read_time = now;
        next.threads = _mm256_or_si256(writer, _mm256_slli_epi32(thread, 16));
        next.bytes = _mm256_or_si256(_mm256_and_si256(x.bytes, eight(0xffff)), _mm256_or_si256(flags, eight(15u << READ_BYTES)));
        // As check_lanes(): one more read of what this warp has read by several threads.
        const __m256i shared_by_warp = _mm256_and_si256(
            _mm256_cmpeq_epi32(_mm256_and_si256(x.bytes, eight(15u << READ_BYTES | (SharedShadow::SAME_WARP | SharedShadow::ATOMIC) << READ_FLAGS)),
                               eight(15u << READ_BYTES | SharedShadow::SAME_WARP << READ_FLAGS)),
            _mm256_and_si256(written, _mm256_and_si256(by_own_reader, _mm256_cmpeq_epi32(x.read_time, now))));
        odd = _mm256_andnot_si256(shared_by_warp, odd);
        next.read_time = _mm256_blendv_epi8(next.read_time, x.read_time, shared_by_warp);
        next.threads = _mm256_blendv_epi8(next.threads, x.threads, shared_by_warp);
        next.bytes = _mm256_blendv_epi8(next.bytes, x.bytes, shared_by_warp);
    }
    if (eight_signs(odd) & active) return false;
    store(word, next);
    return true;
}

}  // namespace softgpu
