/* exec/join_table.h - the lookup side of a hash join: from key to the build rows that have it.
 *
 * Keys become tags of 64 bits. One integer key: the value itself; fixed-width keys of up to 8 bytes together: packed side by side;
 * up to 16 bytes: two packed words, the tag is their hash; anything else: the tag is the hash of the values. Tags that are hashes
 * are verified against the words or the columns.
 *
 * Forms. DENSE: one integer key whose values span little more than there are rows; an array over the span. HASH: open addressing
 * in partitions by the hash's top bits, each small enough for the cache and built by one task. ALL: no keys, every row matches.
 * A key's rows lie next to each other in `rows`, in build order (or the order given). Read-only once built.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_JOIN_TABLE_H
#define FIRN_EXEC_JOIN_TABLE_H
#include "exec/parallel.h"
#include <firn/block.h>

typedef enum join_coding { JOIN_INTEGER, JOIN_PACKED_8, JOIN_PACKED_16, JOIN_HASHED } join_coding;

/* How keys are coded; the same for both sides. */
typedef struct join_keys {
    uint32_t count;
    const bool *null_safe;  /* NULL equals NULL; otherwise rows with a NULL never match */
    bool *null_byte;        /* packed: key k carries a null flag */
    join_coding coding;
    bool is_signed;         /* JOIN_INTEGER */
} join_keys;

/* left, right: the key types of both sides (equal but for Nullable and LowCardinality). Arrays live in ctx->arena. */
fn_status join_keys_init(fn_ctx *ctx, join_keys *k, const fn_type *const *left, const fn_type *const *right, const bool *null_safe, uint32_t count) FN_MUST_USE;
/* Codes of rows [from, from + rows): tags; words (2 per row, JOIN_PACKED_16 only); skip[i] = 1: row has a NULL and cannot match.
 * *any_skip tells whether skip was written at all. Columns of any shape. */
fn_status join_keys_encode(fn_ctx *ctx, const join_keys *k, fn_column *const *columns, size_t from, uint32_t rows, uint64_t *tags, uint64_t *words,
                           uint8_t *skip, bool *any_skip) FN_MUST_USE;
bool join_keys_integer(const fn_type *type); /* coded as JOIN_INTEGER when alone */

typedef struct join_slot {
    uint64_t tag;
    uint32_t first, count; /* count 0: free; 1: first is the row; more: rows[first .. first + count) */
} join_slot;

enum { JOIN_PARTITIONS_MAX = 1024 };
typedef enum join_form { JOIN_ALL, JOIN_DENSE, JOIN_HASH } join_form;
typedef struct join_table {
    join_keys keys;
    join_form form;
    uint32_t row_count;
    fn_column **columns;     /* JOIN_HASHED: the build side's keys, referenced */
    fn_buffer *words;        /* JOIN_PACKED_16: 2 x u64 per row */
    fn_buffer *rows;         /* u32; NULL: row i is at i */
    bool has_range;          /* JOIN_INTEGER: of the keys that can match */
    uint64_t min, max;
    fn_buffer *places;       /* DENSE: u32 per value: unique: row + 1, else where its rows begin (one more at the end) */
    bool unique;             /* DENSE */
    fn_buffer *slots;        /* HASH */
    unsigned partition_bits;
    size_t *slot_first;      /* per partition */
    uint32_t *slot_mask;
} join_table;

/* columns: the build side's keys, one per key of `keys`, `rows` rows. order: rows in the order they shall have within a key
 * (NULL: as they are). excluded: rows not to be put in (1), or NULL. Release in any case. */
fn_status join_table_build(fn_ctx *ctx, join_table *t, const join_keys *keys, fn_column *const *columns, uint32_t rows, const uint32_t *order,
                           const uint8_t *excluded, fn_pool *pool, unsigned workers) FN_MUST_USE;
void join_table_release(join_table *t);
/* For each row of the probe side's keys: first and count as in a slot. Scratch memory from ctx->arena. */
fn_status join_table_find(fn_ctx *ctx, const join_table *t, fn_column *const *columns, uint32_t rows, uint32_t *first, uint32_t *count) FN_MUST_USE;
/* Build row number j of a match. */
static inline uint32_t join_table_row(const join_table *t, uint32_t first, uint32_t count, uint32_t j)
{
    if (count == 1 || !t->rows) return first + j;
    return ((const uint32_t *)(const void *)t->rows->data)[first + j];
}
#endif
