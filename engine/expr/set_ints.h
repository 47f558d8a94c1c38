/* expr/set_ints.h - membership of integers (and of what is stored as one: dates, enums, decimals up to 64 bits) in a fixed set.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SET_INTS_H
#define FIRN_SET_INTS_H
#include <firn/column.h>

typedef struct set_ints set_ints; /* read-only after making; any number of threads */
/* ascending: FLAT, without NULLs, at least one value; not kept. *out is NULL for types that are no integers of up to 8 bytes. */
fn_status set_ints_new(fn_ctx *ctx, const fn_column *ascending, set_ints **out) FN_MUST_USE;
void set_ints_free(set_ints *s); /* NULL is fine */
/* mask[i] = 1 where values[i], of the set's type, is in it, else 0. */
void set_ints_match(const set_ints *s, const void *values, uint32_t rows, uint8_t *mask);
#endif
