/* kernel_scalar.c - the reference level: every slot. SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kernel_level.inc"

static size_t find(const char *text, size_t size, const char *needle, size_t needle_size)
{
    const char *hit = memmem(text, size, needle, needle_size);
    return hit ? (size_t)(hit - text) : size;
}

void kern_fill_scalar(kern_table *t)
{
    fill_all(t);
    t->find = find;
    t->level = "scalar";
}
