/* pack_scalar.c - the reference level of pack_kernel.h, and the choice of the level.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/pack_kernel.h"
#include <pthread.h>

#define LEVEL(name) name##_scalar
#include "part/pack_loops.inc"

static const pack_kernels *chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose(void)
{
    chosen = &pack_kernels_scalar;
#if defined(__x86_64__)
    if (fn_cpu_flags() & FN_CPU_AVX2) chosen = &pack_kernels_avx2;
#endif
}

const pack_kernels *pack_kernels_get(void)
{
    (void)pthread_once(&once, choose);
    return chosen;
}
