/* kernel_avx2.c - the same loops built for AVX2, and a byte search by first and last byte of the needle.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kernel.h"
#ifdef __AVX2__
#include "kernel/kernel_level.inc"
#include <immintrin.h>

/* 32 places at a time where both the first and the last byte fit; the middle is compared there only. */
static size_t find(const char *text, size_t size, const char *needle, size_t needle_size)
{
    if (needle_size > size) return size;
    const size_t last = needle_size - 1, places = size - last;
    const __m256i first_byte = _mm256_set1_epi8(needle[0]), last_byte = _mm256_set1_epi8(needle[last]);
    size_t i = 0;
    for (; i + 32 <= places; i += 32) {
        const __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(text + i));
        const __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(text + i + last));
        uint32_t hits = (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(_mm256_cmpeq_epi8(a, first_byte), _mm256_cmpeq_epi8(b, last_byte)));
        for (; hits; hits &= hits - 1) {
            const size_t at = i + (size_t)__builtin_ctz(hits);
            if (needle_size <= 2 || memcmp(text + at + 1, needle + 1, needle_size - 2) == 0) return at;
        }
    }
    for (; i < places; i++)
        if (text[i] == needle[0] && memcmp(text + i, needle, needle_size) == 0) return i;
    return size;
}

void kern_fill_avx2(kern_table *t)
{
    fill_all(t);
    t->find = find;
    t->level = "avx2";
}
#else
void kern_fill_avx2(kern_table *t)
{
    kern_fill_scalar(t);
}
#endif
