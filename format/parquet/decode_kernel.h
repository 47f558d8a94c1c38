/* parquet/decode_kernel.h - the inner loops of decoding, one table per CPU level.
 * Kernels neither allocate nor fail. Inputs have at least 64 readable bytes behind them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PARQUET_DECODE_KERNEL_H
#define FIRN_PARQUET_DECODE_KERNEL_H
#include <firn/bits.h>

typedef struct pq_kernels {
    /* groups x 8 numbers of `width` bits (0..32), least significant bit first. */
    void (*unpack)(const uint8_t *in, size_t groups, unsigned width, uint32_t *out);
    void (*bits)(const uint8_t *in, size_t groups, uint8_t *out); /* groups x 8 bits to bytes 0/1 */
    uint32_t (*max)(const uint32_t *v, size_t n);
    void (*narrow8)(const uint32_t *in, size_t n, uint8_t *out);
    void (*narrow16)(const uint32_t *in, size_t n, uint16_t *out);
    void (*gather32)(const uint32_t *dict, const uint32_t *codes, size_t n, uint32_t *out);
    void (*gather64)(const uint64_t *dict, const uint32_t *codes, size_t n, uint64_t *out);
    /* nulls[i] = def[i] != max; returns the number of ones. */
    size_t (*nulls)(const uint8_t *def, size_t n, uint8_t max, uint8_t *nulls);
    /* BYTE_STREAM_SPLIT: value i = bytes in[k * stride + i], k < width. */
    void (*join)(const uint8_t *in, size_t stride, size_t n, unsigned width, uint8_t *out);
} pq_kernels;

extern const pq_kernels pq_kernels_scalar;
#if defined(__x86_64__)
extern const pq_kernels pq_kernels_avx2;
#endif
const pq_kernels *pq_kernels_get(void); /* chosen once */
#endif
