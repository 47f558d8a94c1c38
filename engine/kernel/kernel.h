/* kernel/kernel.h - vector loops over raw arrays, picked once for the machine's CPU: scalar fills every slot, AVX2 and
 * AVX-512 builds of the same bodies overwrite. Kernels never allocate and never fail. Inputs may be unaligned; outputs are
 * written for exactly n values. Integer arithmetic wraps.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_KERNEL_H
#define FIRN_KERNEL_H
#include <firn/type.h>

/* The ten number types loops are made for. */
enum { KERN_U8, KERN_U16, KERN_U32, KERN_U64, KERN_I8, KERN_I16, KERN_I32, KERN_I64, KERN_F32, KERN_F64, KERN_TYPES };
enum { KERN_EQ, KERN_NE, KERN_LT, KERN_LE, KERN_GT, KERN_GE, KERN_COMPARES };
enum { KERN_ADD, KERN_SUB, KERN_MUL, KERN_AND, KERN_OR, KERN_XOR, KERN_MIN, KERN_MAX, KERN_ARITHS };
enum { KERN_VV, KERN_VC, KERN_SHAPES }; /* vector with vector; vector with one constant */

typedef void kern_compare_fn(const void *a, const void *b, uint8_t *out, size_t n);
typedef void kern_arith_fn(const void *a, const void *b, void *out, size_t n);
typedef void kern_convert_fn(const void *in, void *out, size_t n);

typedef struct kern_table {
    kern_compare_fn *compare[KERN_COMPARES][KERN_TYPES][KERN_SHAPES]; /* out: 0/1 bytes; NaN: only NE holds */
    kern_arith_fn *arith[KERN_ARITHS][KERN_TYPES][KERN_SHAPES];       /* AND, OR, XOR: NULL for floats */
    kern_arith_fn *sub_cv[KERN_TYPES];                                /* constant - vector: b - a */
    kern_convert_fn *convert[KERN_TYPES][KERN_TYPES];                 /* [from][to], C's conversion; float to integer as x86 does it */
    void (*mask_and)(uint8_t *mask, const uint8_t *other, size_t n);  /* 0/1 bytes */
    void (*mask_or)(uint8_t *mask, const uint8_t *other, size_t n);
    void (*mask_and_not)(uint8_t *mask, const uint8_t *other, size_t n);
    /* mask[i] = bit v[i] - base of bits; 0 where that is beyond `last`. The bit behind `last` is there, and 0. */
    void (*bits_32)(const void *v, size_t n, uint32_t base, uint32_t last, const uint32_t *bits, uint8_t *mask);
    void (*bits_64)(const void *v, size_t n, uint64_t base, uint32_t last, const uint32_t *bits, uint8_t *mask);
    /* mask[i] = v[i] is one of `count` values. */
    void (*among_32)(const void *v, size_t n, const void *values, size_t count, uint8_t *mask);
    void (*among_64)(const void *v, size_t n, const void *values, size_t count, uint8_t *mask);
    size_t (*mask_count)(const uint8_t *mask, size_t n);
    void (*sum_f64)(const void *in, size_t n, double *sum);           /* adds to *sum; eight running sums */
    uint64_t (*or_biased)(const void *in, size_t n, uint64_t bias);   /* all v + bias in one OR: below 2 * bias, a power of two, they lie in [-bias, bias) */
    int64_t (*sum_int[KERN_TYPES])(const void *in, size_t n);         /* wraps at 64 bits; NULL for floats */
    void (*min_max[KERN_TYPES])(const void *in, size_t n, void *min, void *max); /* n > 0; NaN skipped unless all are */
    /* First place of needle (needle_size > 0) in [text, text+size), or size. */
    size_t (*find)(const char *text, size_t size, const char *needle, size_t needle_size);
    const char *level; /* "scalar", "avx2", "avx512" */
} kern_table;

extern kern_table kern; /* filled before main */
int kern_type(fn_phys phys); /* KERN_..., -1 for the others */

/* For the checks: the table of one level; false if the machine lacks it. */
enum { KERN_SCALAR, KERN_AVX2, KERN_AVX512, KERN_LEVELS };
bool kern_level(unsigned level, kern_table *out);
void kern_fill_scalar(kern_table *t);
void kern_fill_avx2(kern_table *t);
#endif
