/* decode_avx2.c - the decoding kernels for AVX2.
 * Unpacking up to 25 bits: eight numbers take `width` bytes; a byte shuffle brings the four bytes that hold number i into
 * lane i (the upper four numbers begin at byte width / 2), a per-lane shift and a mask finish it.
 * SPDX-License-Identifier: Apache-2.0 */
#if defined(__x86_64__)
#include "parquet/decode_kernel.h"
#include "parquet/decode_loops.inc"
#include <immintrin.h>

static void unpack_wide(const uint8_t *in, size_t groups, unsigned width, uint32_t *out)
{
    const uint64_t mask = ((uint64_t)1 << width) - 1;
    for (size_t i = 0; i < groups * 8; i++) {
        const size_t bit = i * width;
        out[i] = (uint32_t)((fn_load_u64(in + bit / 8) >> (bit % 8)) & mask);
    }
}

/* Where number i of a group of eight lies: bytes and shift, by width. */
#define BIT(w, i) ((i) < 4 ? (i) * (w) : (i) * (w) - (w) / 2 * 8)
#define BYTES(w, i) BIT(w, i) / 8, BIT(w, i) / 8 + 1, BIT(w, i) / 8 + 2, BIT(w, i) / 8 + 3
#define LAYOUT(w)                                                                                                                  \
    {{BYTES(w, 0), BYTES(w, 1), BYTES(w, 2), BYTES(w, 3), BYTES(w, 4), BYTES(w, 5), BYTES(w, 6), BYTES(w, 7)},                     \
     {BIT(w, 0) % 8, BIT(w, 1) % 8, BIT(w, 2) % 8, BIT(w, 3) % 8, BIT(w, 4) % 8, BIT(w, 5) % 8, BIT(w, 6) % 8, BIT(w, 7) % 8}}
static const struct {
    uint8_t shuffle[32];
    uint32_t shifts[8];
} layouts[26] = {LAYOUT(0),  LAYOUT(1),  LAYOUT(2),  LAYOUT(3),  LAYOUT(4),  LAYOUT(5),  LAYOUT(6),  LAYOUT(7),  LAYOUT(8),
                 LAYOUT(9),  LAYOUT(10), LAYOUT(11), LAYOUT(12), LAYOUT(13), LAYOUT(14), LAYOUT(15), LAYOUT(16), LAYOUT(17),
                 LAYOUT(18), LAYOUT(19), LAYOUT(20), LAYOUT(21), LAYOUT(22), LAYOUT(23), LAYOUT(24), LAYOUT(25)};

static void unpack(const uint8_t *in, size_t groups, unsigned width, uint32_t *out)
{
    if (width == 0) {
        memset(out, 0, groups * 8 * sizeof *out);
        return;
    }
    if (width > 25) {
        unpack_wide(in, groups, width, out);
        return;
    }
    const unsigned half = width / 2;
    const __m256i order = _mm256_loadu_si256((const __m256i *)(const void *)layouts[width].shuffle);
    const __m256i shift = _mm256_loadu_si256((const __m256i *)(const void *)layouts[width].shifts);
    const __m256i mask = _mm256_set1_epi32((int)(((uint32_t)1 << width) - 1));
    for (size_t g = 0; g < groups; g++, in += width, out += 8) {
        const __m128i low = _mm_loadu_si128((const __m128i *)(const void *)in);
        const __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(in + half));
        const __m256i bytes = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), order);
        _mm256_storeu_si256((__m256i *)(void *)out, _mm256_and_si256(_mm256_srlv_epi32(bytes, shift), mask));
    }
}

const pq_kernels pq_kernels_avx2 = {unpack,        loop_bits,     loop_max,   loop_narrow8, loop_narrow16,
                                    loop_gather32, loop_gather64, loop_nulls, loop_join};
#else
extern int pq_no_avx2;
int pq_no_avx2;
#endif
