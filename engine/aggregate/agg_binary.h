/* agg_binary.h - single values as ClickHouse's binary form, and dictionaries of them: what states of lists, sets and maps are made of.
 * Fixed width: the bytes; strings: varint length and bytes; Nullable: a flag byte first; arrays and maps: varint count and items;
 * tuples: the fields. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_AGGREGATE_AGG_BINARY_H
#define FIRN_AGGREGATE_AGG_BINARY_H
#include "aggregate/agg_rows.h"

fn_status agg_binary_write(fn_ctx *ctx, const fn_column *c, size_t row, fn_buf *out) FN_MUST_USE;
fn_status agg_binary_read(fn_ctx *ctx, const fn_type *type, fn_builder *out, const uint8_t **at, const uint8_t *end) FN_MUST_USE;

/* ---- distinct values with dense numbers in the order they were met; zeroed memory is empty ---- */
typedef struct agg_key {
    const char *bytes; /* in the arena */
    uint32_t size;
    uint32_t hash;
} agg_key;
typedef struct agg_keys {
    agg_items list;  /* of agg_key */
    uint32_t *slots; /* number + 1; 0 is free */
    uint32_t capacity;
} agg_keys;
/* The bytes that stand for a value in agg_keys: fixed width and strings as they lie, others in binary form in `scratch`. */
fn_status agg_key_bytes(fn_ctx *ctx, const fn_column *c, size_t row, fn_buf *scratch, fn_str *out) FN_MUST_USE;
fn_status agg_keys_insert(fn_ctx *ctx, fn_arena *arena, agg_keys *k, fn_str bytes, uint32_t *number, bool *is_new) FN_MUST_USE;
bool agg_keys_find(const agg_keys *k, fn_str bytes, uint32_t *number);
static inline fn_str agg_keys_at(const agg_keys *k, uint32_t number)
{
    const agg_key *key = (const agg_key *)(const void *)k->list.data + number;
    return (fn_str){key->bytes, key->size};
}
fn_status agg_key_put(fn_ctx *ctx, const fn_type *type, fn_str bytes, fn_builder *out) FN_MUST_USE; /* the value back */
fn_status agg_key_write(fn_ctx *ctx, const fn_type *type, fn_str bytes, fn_buf *out) FN_MUST_USE;   /* in binary form */
/* The bytes of a key from binary form; fixed width and strings point into the state, others too. */
fn_status agg_key_take(fn_ctx *ctx, const fn_type *type, fn_str *out, const uint8_t **at, const uint8_t *end) FN_MUST_USE;
/* All keys as a column, and their numbers in ascending order of the values (list.count of them, fn_free). */
fn_status agg_keys_sorted(fn_ctx *ctx, const fn_type *type, const agg_keys *k, fn_column **column, uint32_t **order) FN_MUST_USE;
#endif
