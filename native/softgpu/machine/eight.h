// Eight lanes at once: what AVX2 does with vectors of eight 32-bit numbers.
#pragma once

#include <cstdint>
#include <immintrin.h>

namespace softgpu {

inline __m256i eight(uint32_t value) { return _mm256_set1_epi32(static_cast<int>(value)); }
inline __m256i eight_at(const uint32_t *values) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(values));
}
// 0 to 7.
inline __m256i eight_numbers() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
// All bits set where the low eight bits of `mask` have a one.
inline __m256i eight_chosen(uint32_t mask) {
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_cmpeq_epi32(_mm256_and_si256(eight(mask), bit), bit);
}
// Of `values` those that are chosen so; zeros for the others, which are not read.
inline __m256i eight_at(const uint32_t *values, uint32_t mask) {
    return _mm256_maskload_epi32(reinterpret_cast<const int *>(values), eight_chosen(mask));
}
// Of each its highest bit.
inline uint32_t eight_signs(__m256i values) {
    return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(values)));
}
// The bits that one of them has.
inline uint32_t united(__m256i values) {
    const __m128i four = _mm_or_si128(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
    const __m128i two = _mm_or_si128(four, _mm_unpackhi_epi64(four, four));
    return static_cast<uint32_t>(_mm_cvtsi128_si32(two) | _mm_extract_epi32(two, 1));
}

}  // namespace softgpu
