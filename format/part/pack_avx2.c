/* pack_avx2.c - pack_kernel.h for AVX2: the same loops, vectorised by the compiler; intrinsics gained nothing measurable.
 * SPDX-License-Identifier: Apache-2.0 */
#if defined(__x86_64__)
#include "part/pack_kernel.h"

#define LEVEL(name) name##_avx2
#include "part/pack_loops.inc"
#else
typedef int no_avx2_here;
#endif
