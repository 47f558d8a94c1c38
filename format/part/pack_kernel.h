/* part/pack_kernel.h - the inner loops of part encodings, one table per CPU level.
 *
 * Bit packing, transposed: a vector of 1,024 numbers of `width` bits. Up to 32 bits it is `width` rows of 32 words of 32 bits: number
 * i lies in lane i % 32, in that lane's bit string of 32 x width bits at bit (i / 32) x width. Above 32 bits the same with 16
 * lanes of 64-bit words. Either way a vector takes width x 128 bytes, neighbours never share a word, and unpacking is a loop over
 * lanes with one shift count for all: compilers vectorise it. (The idea: Afroozeh and Boncz, FastLanes, VLDB 2023.)
 *
 * Kernels neither allocate nor fail. Pointers need no alignment.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PACK_KERNEL_H
#define FIRN_PACK_KERNEL_H
#include <firn/bits.h>

enum { PACK_ROWS = 1024, PACK_BYTES_PER_BIT = PACK_ROWS / 8 };

enum { REPEAT_PAD = 64 };
/* Byte k of the result: how many of the bits 0..k are set. */
static inline uint64_t ones_before(uint64_t byte)
{
    const uint64_t each = 0x0101010101010101u;
    return (((byte * each & 0x8040201008040201u) + 0x7f7f7f7f7f7f7f7fu) >> 7 & each) * each;
}

/* What is to be known of a vector to choose its encoding and for its zone. */
typedef struct pack_look {
    int64_t min, max;
    int64_t sum;      /* wrapping: only numbers of 8 bytes can */
    uint32_t changes; /* how many i > 0 have v[i] != v[i - 1] */
    uint32_t zeros;
} pack_look;

typedef struct pack_kernels {
    /* n numbers of 1, 2, 4 or 8 bytes to 64 bits. */
    void (*widen)(const uint8_t *in, size_t n, unsigned width, bool is_signed, int64_t *out);
    void (*narrow)(const int64_t *in, size_t n, unsigned width, uint8_t *out);
    void (*range)(const int64_t *v, size_t n, int64_t *min, int64_t *max); /* n > 0 */
    void (*deltas)(const int64_t *v, size_t n, int64_t *out);              /* out[i] = v[i] - v[i - 1], wrapping; out[0] = 0 */
    /* 1,024 numbers v[i] - base of `width` bits (1..64) into width x 128 bytes, and back: out[i] = base + number, cut to out_width
     * bytes (1, 2, 4, 8). width 0: all are base, in is not read. */
    void (*pack)(const int64_t *v, int64_t base, unsigned width, uint8_t *out);
    void (*unpack)(const uint8_t *in, unsigned width, int64_t base, unsigned out_width, uint8_t *out);
    /* out[i] = first + d[0] + ... + d[i], cut to out_width bytes; n numbers. */
    void (*prefix)(const int64_t *d, size_t n, int64_t first, unsigned out_width, uint8_t *out);
    /* out[i] = (double)v[i] / power, as double (8) or float (4). */
    void (*divide)(const int64_t *v, size_t n, double power, unsigned out_width, uint8_t *out);
    /* A value of `width` bytes (1, 2, 4, 8) for each of n bits: the next one of `values` at each 1. REPEAT_PAD bytes behind the last value
     * are read. */
    void (*repeat)(const uint8_t *bits, size_t n, const uint8_t *values, unsigned width, uint8_t *out);
    uint32_t (*max_code)(const uint8_t *codes, size_t n, unsigned width); /* width 1, 2, 4 */
    /* n (1 .. PACK_ROWS) numbers of 1, 2, 4 or 8 bytes; those of 8 are signed. */
    void (*look)(const uint8_t *in, size_t n, unsigned width, bool is_signed, pack_look *out);
    /* Bit v - min of the result: v is among n such numbers, none of which is above min + 31. */
    uint32_t (*marks)(const uint8_t *in, size_t n, unsigned width, bool is_signed, int64_t min);
} pack_kernels;

extern const pack_kernels pack_kernels_scalar;
#if defined(__x86_64__)
extern const pack_kernels pack_kernels_avx2;
#endif
const pack_kernels *pack_kernels_get(void); /* the best level of this CPU; FIRN_CPU lowers it */
#endif
