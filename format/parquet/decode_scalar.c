/* decode_scalar.c - the decoding kernels in plain C: the reference, and what other processors run.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/decode_kernel.h"
#include "parquet/decode_loops.inc"
#include <stdatomic.h>

static void unpack(const uint8_t *in, size_t groups, unsigned width, uint32_t *out)
{
    if (width == 0) {
        memset(out, 0, groups * 8 * sizeof *out);
        return;
    }
    const uint64_t mask = ((uint64_t)1 << width) - 1;
    for (size_t i = 0; i < groups * 8; i++) {
        const size_t bit = i * width;
        out[i] = (uint32_t)((fn_load_u64(in + bit / 8) >> (bit % 8)) & mask);
    }
}

const pq_kernels pq_kernels_scalar = {unpack,        loop_bits,     loop_max,   loop_narrow8, loop_narrow16,
                                      loop_gather32, loop_gather64, loop_nulls, loop_join};

const pq_kernels *pq_kernels_get(void)
{
    static const pq_kernels *_Atomic chosen;
    const pq_kernels *k = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (FN_LIKELY(k != NULL)) return k;
    k = &pq_kernels_scalar;
#if defined(__x86_64__)
    if (fn_cpu_flags() & FN_CPU_AVX2) k = &pq_kernels_avx2;
#endif
    atomic_store_explicit(&chosen, k, memory_order_relaxed);
    return k;
}
