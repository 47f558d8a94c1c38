/* text/text_scan.h - sixteen bytes at a time: which of them are one of up to three. SSE2 is part of x86-64, so there is nothing to choose
 * at run time: fields are short, and a call per field would cost more than wider registers gain. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TEXT_SCAN_H
#define FIRN_TEXT_SCAN_H
#include <firn/bits.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* A bit for each of the 16 bytes at `from` that is a, b or c; the bytes are copied to `to` (16 bytes of room; NULL: not). */
static inline unsigned text_match16(const char *from, char a, char b, char c, char *to)
{
#if defined(__SSE2__)
    const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);
    const __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(a)), _mm_cmpeq_epi8(v, _mm_set1_epi8(b))), _mm_cmpeq_epi8(v, _mm_set1_epi8(c)));
    if (to) _mm_storeu_si128((__m128i *)(void *)to, v);
    return (unsigned)_mm_movemask_epi8(hit);
#else
    unsigned hit = 0;
    for (unsigned i = 0; i < 16; i++) hit |= (unsigned)(from[i] == a || from[i] == b || from[i] == c) << i;
    if (to) memcpy(to, from, 16);
    return hit;
#endif
}

/* How often `c` stands in text. */
static inline size_t text_count(const char *text, size_t size, char c)
{
    size_t count = 0;
#if defined(__SSE2__)
    while (size >= 16) {
        __m128i bytes = _mm_setzero_si128();
        for (unsigned i = 0; i < 255 && size >= 16; i++, text += 16, size -= 16)
            bytes = _mm_sub_epi8(bytes, _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)text), _mm_set1_epi8(c)));
        const __m128i sums = _mm_sad_epu8(bytes, _mm_setzero_si128());
        count += (size_t)_mm_cvtsi128_si64(sums) + (size_t)_mm_cvtsi128_si64(_mm_srli_si128(sums, 8));
    }
#endif
    for (; size; size--, text++) count += *text == c;
    return count;
}
#endif
