/* kernel.c - the table of this machine, filled once before main. SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kernel.h"

kern_table kern;

bool kern_level(unsigned level, kern_table *out)
{
    const unsigned cpu = fn_cpu_flags();
    *out = (kern_table){.level = NULL}; /* slots that no level has stay empty */
    if (level == KERN_SCALAR) kern_fill_scalar(out);
    else if (level == KERN_AVX2 && (cpu & FN_CPU_AVX2) && (cpu & FN_CPU_BMI2)) kern_fill_avx2(out);
    else return false;
    return true;
}

__attribute__((constructor)) static void fill(void)
{
    if (!kern_level(KERN_AVX2, &kern)) (void)kern_level(KERN_SCALAR, &kern);
}

int kern_type(fn_phys phys)
{
    switch (phys) {
    case FN_PHYS_U8: return KERN_U8;
    case FN_PHYS_U16: return KERN_U16;
    case FN_PHYS_U32: return KERN_U32;
    case FN_PHYS_U64: return KERN_U64;
    case FN_PHYS_I8: return KERN_I8;
    case FN_PHYS_I16: return KERN_I16;
    case FN_PHYS_I32: return KERN_I32;
    case FN_PHYS_I64: return KERN_I64;
    case FN_PHYS_F32: return KERN_F32;
    case FN_PHYS_F64: return KERN_F64;
    case FN_PHYS_U128: case FN_PHYS_U256: case FN_PHYS_I128: case FN_PHYS_I256: case FN_PHYS_FIXED: case FN_PHYS_STRING:
    case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    return -1;
}
