/* exec/sort_key.h - normalised keys: every key column becomes a code of few bits whose unsigned order is the wanted order; codes
 * are packed into 64 or 128 bits, first key highest. Shared by sort_key.c (how codes are made) and sort.c (how they are sorted).
 *
 * A number becomes its distance from the column's smallest (or from the largest, descending), a dictionary code the entry's rank,
 * text its first bytes behind what all rows have in common. NULL and NaN get codes of their own at the wanted end. Keys are exact
 * when equal codes mean equal values; if not, rows with equal codes are compared by columns from tie_from on.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_SORT_KEY_H
#define FIRN_EXEC_SORT_KEY_H
#include "exec/sort.h"

typedef enum key_kind { KEY_CLASS, KEY_NUMBER, KEY_RANK, KEY_WIDE, KEY_BYTES } key_kind;

typedef struct key_part {
    key_kind kind;
    unsigned bits;
    const fn_column *column; /* FLAT; KEY_RANK: DICT */
    bool descending;
    uint64_t min, range;     /* KEY_NUMBER, KEY_RANK: of the ordered values */
    uint64_t base, null_code, nan_code; /* code of the smallest value; of the specials */
    fn_u128 wide_min;        /* KEY_WIDE: code = (value - wide_min) >> shift */
    unsigned shift;
    uint32_t skip, length_from; /* KEY_BYTES: first byte taken; last part of a text holds its length from length_from */
    bool ends;
    fn_buffer *ranks;        /* KEY_RANK: u32 per dictionary entry */
} key_part;

enum { KEY_PARTS_MAX = 24, KEY_BITS_MAX = 128 };
typedef struct sort_keys {
    sort_column *columns;   /* referenced; leaves of tuples in place of tuples, all but dictionaries FLAT */
    uint32_t column_count, column_room;
    uint32_t tie_from;      /* column_count: exact */
    uint32_t rows;
    key_part parts[KEY_PARTS_MAX];
    unsigned part_count, bits;
} sort_keys;

/* Looks at the key columns and lays the codes out. Release in any case. */
fn_status sort_keys_init(fn_ctx *ctx, sort_keys *k, fn_pool *pool, unsigned workers, const sort_column *keys, uint32_t key_count, uint32_t rows) FN_MUST_USE;
void sort_keys_release(sort_keys *k);
enum { KEY_CHUNK = 1024 };
/* The codes of part p for rows [from, from + n), n <= KEY_CHUNK. */
void sort_keys_codes(const key_part *p, size_t from, uint32_t n, uint64_t *codes);
#endif
