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
    uint8_t shuffle[32];
    uint32_t shifts[8];
    const unsigned half = width / 2;
    for (unsigned i = 0; i < 8; i++) {
        const unsigned bit = i < 4 ? i * width : i * width - half * 8;
        for (unsigned k = 0; k < 4; k++) shuffle[4 * i + k] = (uint8_t)(bit / 8 + k);
        shifts[i] = bit % 8;
    }
    const __m256i order = _mm256_loadu_si256((const __m256i *)(const void *)shuffle);
    const __m256i shift = _mm256_loadu_si256((const __m256i *)(const void *)shifts);
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
