/* cpu.c - CPU features, which choose the kernels. SPDX-License-Identifier: Apache-2.0 */
#include <firn/base.h>
#include <stdlib.h>
#include <string.h>

unsigned fn_cpu_flags(void)
{
    unsigned flags = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) flags |= FN_CPU_AVX2;
    if (__builtin_cpu_supports("bmi2")) flags |= FN_CPU_BMI2;
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        flags |= FN_CPU_AVX512;
#endif
    const char *mask = getenv("FIRN_CPU");
    if (mask && strcmp(mask, "scalar") == 0) return 0;
    if (mask && strcmp(mask, "avx2") == 0) return flags & (FN_CPU_AVX2 | FN_CPU_BMI2);
    return flags;
}
