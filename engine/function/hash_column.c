/* hash_column.c - one hash per row of any column, the way ClickHouse walks types:
 * numbers and strings by value, arrays by length and then each item, tuples and maps by their parts, one after another.
 * Rows of UUID are hashed as ClickHouse has them in memory: the first half of the text first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/hash.h"

typedef struct walk {
    const hash_algorithm *algorithm;
    hash_key key;
} walk;

static void put(const walk *w, fn_u128 *to, fn_u128 hash, bool first)
{
    *to = first ? hash : w->algorithm->combine(w->key, *to, hash);
}

/* Integers, dates, enums, IPv4 and floats up to 64 bits: by value where the algorithm asks for it. */
static bool is_small(const fn_type *t)
{
    return t->width && t->width <= 8 && t->phys != FN_PHYS_FIXED && t->id != FN_T_DECIMAL && t->id != FN_T_DATETIME64 && t->id != FN_T_TIME64;
}
static uint64_t small_value(const uint8_t *p, uint32_t width)
{
    uint64_t v = 0;
    memcpy(&v, p, width);
    return v;
}

static void hash_fixed(const walk *w, const fn_column *c, uint32_t rows, fn_u128 *hashes, bool first)
{
    const fn_type *t = c->type;
    const size_t step = func_step(c) * t->width;
    if (is_small(t) && w->algorithm->integers) {
        for (size_t i = 0; i < rows; i++) put(w, &hashes[i], hash_int64(small_value(c->values + i * step, t->width)), first);
        return;
    }
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *p = c->values + i * step;
        uint8_t swapped[16];
        if (t->id == FN_T_UUID) {
            memcpy(swapped, p + 8, 8);
            memcpy(swapped + 8, p, 8);
            p = swapped;
        }
        put(w, &hashes[i], w->algorithm->bytes(w->key, p, t->width), first);
    }
}

static fn_status hash_strings(fn_ctx *ctx, const walk *w, const fn_column *c, uint32_t rows, fn_u128 *hashes, bool first)
{
    const size_t step = func_step(c);
    for (size_t i = 0; i < rows; i++) {
        const uint32_t from = c->offsets[i * step], size = c->offsets[i * step + 1] - from;
        if (w->algorithm->size_max && size > w->algorithm->size_max)
            return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Function %s of strings of more than %u bytes is not supported", w->algorithm->name, w->algorithm->size_max);
        put(w, &hashes[i], w->algorithm->bytes(w->key, c->values + from, size), first);
    }
    return FN_OK;
}

static fn_status hash_any(fn_ctx *ctx, const walk *w, const fn_column *c, uint32_t rows, fn_u128 *hashes, bool first);

static fn_status hash_arrays(fn_ctx *ctx, const walk *w, const fn_column *c, uint32_t rows, fn_u128 *hashes, bool first)
{
    const size_t stored = c->shape == FN_CONST ? 1 : rows, step = func_step(c);
    const uint32_t from = c->offsets[0], count = c->offsets[stored] - from;
    fn_column *items = fn_column_slice(ctx, c->kids[0], from, count);
    FN_TRY_PTR(ctx, items);
    fn_u128 *inner = fn_alloc(ctx, ((size_t)count + 1) * sizeof *inner);
    fn_status status = inner ? hash_any(ctx, w, items, count, inner, true) : ctx->error.code;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        const uint32_t begin = c->offsets[i * step], end = c->offsets[i * step + 1];
        put(w, &hashes[i], w->algorithm->width != 8 ? hash_int32(end - begin) : hash_int64(end - begin), first);
        for (uint32_t k = begin; k < end; k++) put(w, &hashes[i], inner[k - from], false);
    }
    fn_free(inner);
    fn_column_drop(items);
    return status;
}

static fn_status hash_any(fn_ctx *ctx, const walk *w, const fn_column *c, uint32_t rows, fn_u128 *hashes, bool first)
{
    const fn_type *t = fn_type_base(c->type);
    fn_status status = FN_OK;
    fn_column *flat = c->shape == FN_DICT ? fn_column_flatten(ctx, c) : fn_column_ref(c);
    FN_TRY_PTR(ctx, flat);
    fn_column *bare = flat->nulls || fn_type_is_nullable(flat->type) || flat->type != t ? NULL : fn_column_ref(flat);
    if (!bare) {
        for (size_t i = 0; flat->nulls && i < rows; i++)
            if (fn_column_is_null(flat, i)) status = fn_fail(ctx, FN_NOT_IMPLEMENTED, "Hash functions of NULL inside of arrays and tuples are not supported");
        if (status == FN_OK) {
            fn_column *plain = fn_column_with_nulls(ctx, flat, t, NULL);
            bare = plain;
            if (!bare) status = ctx->error.code;
        }
    }
    fn_column_drop(flat);
    if (status != FN_OK) return status;
    if (t->phys == FN_PHYS_STRING && t->id != FN_T_AGGREGATE_FUNCTION) status = hash_strings(ctx, w, bare, rows, hashes, first);
    else if (t->width) hash_fixed(w, bare, rows, hashes, first);
    else if (t->phys == FN_PHYS_ARRAY) status = hash_arrays(ctx, w, bare, rows, hashes, first);
    else if (t->phys == FN_PHYS_TUPLE) status = hash_column(ctx, w->algorithm, w->key, bare, rows, hashes, first);
    else if (t->id == FN_T_NOTHING) memset(hashes, 0, rows * sizeof *hashes); /* no rows ever: items of [] */
    else status = fn_fail(ctx, FN_NOT_IMPLEMENTED, "Hash functions of %s are not supported", t->name);
    fn_column_drop(bare);
    return status;
}

fn_status hash_column(fn_ctx *ctx, const hash_algorithm *a, hash_key key, const fn_column *c, uint32_t rows, fn_u128 *hashes, bool first)
{
    const walk w = {a, key};
    if (c->type->phys != FN_PHYS_TUPLE || c->shape == FN_DICT) return hash_any(ctx, &w, c, rows, hashes, first);
    fn_column *flat = c->shape == FN_CONST ? fn_column_flatten(ctx, c) : fn_column_ref(c);
    FN_TRY_PTR(ctx, flat);
    fn_status status = FN_OK;
    if (flat->kid_count == 0 && first)
        for (size_t i = 0; i < rows; i++) hashes[i] = a->width == 4 ? 0xfe22e41cu : 0xe28dbde7fe22e41cu;
    for (uint32_t k = 0; k < flat->kid_count && status == FN_OK; k++) status = hash_column(ctx, a, key, flat->kids[k], rows, hashes, first && k == 0);
    fn_column_drop(flat);
    return status;
}
