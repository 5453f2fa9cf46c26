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
constexpr int WRITE_BYTES = 8, READ_FLAGS = 16, READ_BYTES = 24;   // where they are in a column's element

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
      now_(w.clock[w.index]), access_(access), initialized_(initialized) {
    // After barriers of the whole block, the same time of all others is known.
    const auto warps = static_cast<uint32_t>(w.clock.size());
    if (warps > 1) others_ = w.clock[w.index ? 0 : 1];
    __m256i others = _mm256_setzero_si256();
    for (uint32_t v = 0; v < warps; v += 8) {
        const uint32_t there = v + 8 <= warps ? 255 : (1u << (warps - v)) - 1;
        const uint32_t other = there & ~(v / 8 == warp_ / 8 ? 1u << warp_ % 8 : 0);
        const __m256i time = eight_at(w.clock.data() + v, there);
        others = _mm256_or_si256(others, _mm256_and_si256(eight_chosen(other), _mm256_xor_si256(time, eight(others_))));
    }
    possible_ = _mm256_testz_si256(others, others) && bytes <= MOST_BYTES;
    const uint32_t first = address[0];
    uint32_t different = (first & 3) | ~mask | (bytes ^ 4);
    for (uint32_t l = 0; l < LANES; ++l) different |= address[l] ^ (first + 4 * l);
    adjacent_ = !different;
}

bool WordCheck::touch(int part) const {
    if (!possible_) return false;
    const uint32_t thread = warp_ * LANES + 8 * static_cast<uint32_t>(part), active = mask_ >> 8 * part & 255;
    const uint32_t *const address = address_ + 8 * part;
    __m256i bytes = eight(15);
    if (!adjacent_) {
        __m256i a = eight_at(address);
        if (active != 255) {
            // The others get addresses that no lane has.
            const __m256i none = _mm256_sub_epi32(eight(~31u), _mm256_slli_epi32(eight_numbers(), 5));
            a = _mm256_blendv_epi8(none, a, eight_chosen(active));
        }
        if (!_mm256_testz_si256(a, eight(bytes_ - 1)) || !distinct(bytes_ < 4 ? _mm256_srli_epi32(a, 2) : a))
            return false;
        if (bytes_ < 4)
            bytes = _mm256_sllv_epi32(eight((1u << bytes_) - 1), _mm256_and_si256(a, eight(3)));
    }
    static thread_local Word spare[8 + MOST_BYTES / 4];     // for the others
    Word *at[8];
    if (active == 255)
        for (int n = 0; n < 8; ++n) at[n] = words_ + address[n] / 4;
    else
        for (int n = 0; n < 8; ++n) at[n] = active >> n & 1 ? words_ + address[n] / 4 : spare + n;
    const auto touch_all = [&](auto access) {
        for (uint32_t done = 0; done < bytes_; done += 4) {
            if (!touch_words<access()>(at, bytes, active, thread)) return false;
            for (Word *&word : at) ++word;
        }
        return true;
    };
    switch (access_) {
    case Access::load: return touch_all(std::integral_constant<Access, Access::load>());
    case Access::store: return touch_all(std::integral_constant<Access, Access::store>());
    case Access::atomic_load: return touch_all(std::integral_constant<Access, Access::atomic_load>());
    case Access::atomic_store: return touch_all(std::integral_constant<Access, Access::atomic_store>());
    default: return touch_all(std::integral_constant<Access, Access::atomic_update>());
    }
}

// What check_lanes() and touch() of races.cpp do for eight words, one of each lane; `part` tells which of its bytes.
template <Access ACCESS>
bool WordCheck::touch_words(Word *const *word, __m256i part, uint32_t active, uint32_t first_thread) const {
    constexpr bool ATOMIC = is_atomic(ACCESS);
    constexpr uint32_t SAME_WARP = SharedShadow::SAME_WARP, SEVERAL = SAME_WARP | SharedShadow::OTHER_WARPS;
    const Columns x = load(word);

    const __m256i zero = _mm256_setzero_si256(), warp = eight(warp_), now = eight(now_);
    const auto both = [](__m256i a, __m256i b) { return _mm256_and_si256(a, b); };
    const auto either = [](__m256i a, __m256i b) { return _mm256_or_si256(a, b); };
    const auto but = [](__m256i a, __m256i b) { return _mm256_andnot_si256(b, a); };
    const auto equal = [](__m256i a, __m256i b) { return _mm256_cmpeq_epi32(a, b); };
    const auto choose = [](__m256i which, __m256i a, __m256i b) { return _mm256_blendv_epi8(b, a, which); };
    const auto has = [&](uint32_t bits) { return _mm256_cmpgt_epi32(both(x.bytes, eight(bits)), zero); };
    const auto is_unknown = [&](__m256i time, __m256i by_own) {
        return _mm256_cmpgt_epi32(time, choose(by_own, eight(now_ - 1), eight(others_)));
    };

    const __m256i thread = _mm256_add_epi32(eight(first_thread), eight_numbers());
    const __m256i writer = both(x.threads, eight(0xffff)), reader = _mm256_srli_epi32(x.threads, 16);
    const __m256i own_writer = equal(_mm256_srli_epi32(writer, 5), warp);
    const __m256i own_reader = equal(_mm256_srli_epi32(reader, 5), warp);
    const __m256i same_writer = equal(writer, thread), same_reader = equal(reader, thread);
    const __m256i wrote = _mm256_srli_epi32(x.bytes, WRITE_BYTES), read = _mm256_srli_epi32(x.bytes, READ_BYTES);
    const __m256i atomic_write = has(SharedShadow::ATOMIC << WRITE_BYTES);
    __m256i unordered_write =
        but(is_unknown(x.write_time, own_writer), either(same_writer, equal(both(wrote, part), zero)));
    if (ATOMIC) unordered_write = but(unordered_write, atomic_write);
    const __m256i unordered_read = but(is_unknown(x.read_time, own_reader), equal(both(read, part), zero));
    const __m256i atomic_read = has(SharedShadow::ATOMIC << READ_FLAGS), several = has(SEVERAL << READ_FLAGS);
    const __m256i is_written = equal(both(x.bytes, part), part);

    __m256i odd = either(has(SharedShadow::ASYNC << WRITE_BYTES), unordered_write);
    if (reads(ACCESS) && initialized_) odd = either(odd, but(eight(FULL), is_written));
    Columns next = x;
    if (writes(ACCESS)) {
        const __m256i only_reader = but(same_reader, several);
        odd = either(odd, but(unordered_read, ATOMIC ? either(only_reader, atomic_read) : only_reader));
        const __m256i again = but(both(same_writer, equal(x.write_time, now)), atomic_write);
        __m256i bytes = either(both(again, both(wrote, eight(15))), part);
        if (ATOMIC) bytes = either(bytes, eight(SharedShadow::ATOMIC));
        next.write_time = now;
        next.threads = either(_mm256_slli_epi32(reader, 16), thread);
        next.bytes = either(either(both(x.bytes, eight(0xffff00ff)), part), _mm256_slli_epi32(bytes, WRITE_BYTES));
    } else {
        const __m256i another =
            choose(own_reader, but(eight(SAME_WARP), same_reader), eight(SharedShadow::OTHER_WARPS));
        const __m256i before = both(_mm256_srli_epi32(x.bytes, READ_FLAGS), eight(SEVERAL));
        __m256i flags = both(unordered_read, either(before, another)), more = unordered_read, unchanged;
        if (ATOMIC) {
            flags = either(flags, eight(SharedShadow::ATOMIC));
            unchanged = but(unordered_read, atomic_read);
        } else {
            const __m256i flagged = either(several, atomic_read), read_now = equal(x.read_time, now);
            more = either(more, but(both(same_reader, read_now), flagged));
            unchanged = both(both(own_reader, read_now), both(is_written, equal(both(read, part), part)));
            unchanged = both(unchanged, but(has(SAME_WARP << READ_FLAGS), atomic_read));
            odd = but(odd, unchanged);
        }
        const __m256i bytes = either(both(more, read), part);
        next.read_time = choose(unchanged, x.read_time, now);
        next.threads = choose(unchanged, x.threads, either(writer, _mm256_slli_epi32(thread, 16)));
        next.bytes = either(both(x.bytes, eight(0xffff)),
                            either(_mm256_slli_epi32(flags, READ_FLAGS), _mm256_slli_epi32(bytes, READ_BYTES)));
        next.bytes = choose(unchanged, x.bytes, next.bytes);
    }
    if (eight_signs(odd) & active) return false;
    store(word, next);
    return true;
}

}  // namespace softgpu
