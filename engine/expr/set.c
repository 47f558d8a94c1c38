/* set.c - the right side of IN: rows of keys in an open-addressing table, with the keys kept as columns.
 * Adding collects converted keys; seal makes the table and, for one fixed-width key, the sorted values used for pruning; one integer
 * key is looked for by set_ints.c.
 * Matching converts the left side to the set's types; what does not convert without loss matches nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/convert.h"
#include "expr/node.h"
#include "expr/set_ints.h"
#include <stdlib.h>

struct expr_set {
    uint32_t key_count;
    const fn_type **types;    /* as asked */
    fn_column ***parts;       /* per key: the columns added so far */
    uint32_t part_count, part_room;
    fn_column **keys;         /* sealed: one FLAT column per key, distinct rows */
    fn_column *sorted;        /* one key: ascending; NULL otherwise */
    uint32_t rows;
    uint32_t *slots;          /* row + 1; 0 = empty */
    uint64_t *hashes;         /* per row */
    uint32_t slot_mask;
    set_ints *ints;           /* one key that is an integer, and never NULL here; NULL otherwise */
};

fn_status expr_set_new(fn_ctx *ctx, const fn_type *const *types, uint32_t count, expr_set **out)
{
    expr_set *s = fn_alloc_zero(ctx, sizeof *s);
    FN_TRY_PTR(ctx, s);
    s->key_count = count;
    s->types = fn_alloc_zero(ctx, count * sizeof *s->types);
    s->parts = fn_alloc_zero(ctx, count * sizeof *s->parts);
    s->keys = fn_alloc_zero(ctx, count * sizeof(fn_column *));
    if (!s->types || !s->parts || !s->keys) {
        expr_set_free(s);
        return ctx->error.code;
    }
    for (uint32_t i = 0; i < count; i++) s->types[i] = fn_type_strip_low_cardinality(types[i]);
    *out = s;
    return FN_OK;
}

void expr_set_free(expr_set *s)
{
    if (!s) return;
    for (uint32_t k = 0; s->parts && k < s->key_count; k++) {
        for (uint32_t i = 0; s->parts[k] && i < s->part_count; i++) fn_column_drop(s->parts[k][i]);
        fn_free(s->parts[k]);
    }
    for (uint32_t k = 0; s->keys && k < s->key_count; k++) fn_column_drop(s->keys[k]);
    fn_column_drop(s->sorted);
    set_ints_free(s->ints);
    fn_free(s->types);
    fn_free(s->parts);
    fn_free(s->keys);
    fn_free(s->slots);
    fn_free(s->hashes);
    fn_free(s);
}

static fn_status grow_parts(fn_ctx *ctx, expr_set *s)
{
    if (s->part_count < s->part_room) return FN_OK;
    const uint32_t room = s->part_room ? s->part_room * 2 : 8;
    for (uint32_t k = 0; k < s->key_count; k++) {
        fn_column **more = fn_realloc(ctx, s->parts[k], room * sizeof *more);
        FN_TRY_PTR(ctx, more);
        s->parts[k] = more;
        for (uint32_t i = s->part_count; i < room; i++) more[i] = NULL;
    }
    s->part_room = room;
    return FN_OK;
}

/* The rows without a NULL where the set's types have none; NULL if that is all of them. */
static fn_status rows_without_nulls(fn_ctx *ctx, const expr_set *s, fn_column *const *keys, uint32_t rows, uint32_t **out, uint32_t *count)
{
    bool some = false;
    *out = NULL;
    for (uint32_t k = 0; k < s->key_count; k++) some |= fn_type_is_nullable(fn_type_strip_low_cardinality(keys[k]->type)) && !fn_type_is_nullable(s->types[k]);
    if (!some) return FN_OK;
    *out = fn_alloc(ctx, ((size_t)rows + 1) * sizeof **out);
    FN_TRY_PTR(ctx, *out);
    *count = 0;
    for (uint32_t i = 0; i < rows; i++) {
        bool whole = true;
        for (uint32_t k = 0; k < s->key_count && whole; k++) whole = fn_type_is_nullable(s->types[k]) || !fn_column_is_null(keys[k], i);
        if (whole) (*out)[(*count)++] = i;
    }
    return FN_OK;
}

static fn_status add_part(fn_ctx *ctx, expr_set *s, uint32_t k, const fn_column *key)
{
    fn_column *flat = NULL;
    FN_TRY(expr_convert(ctx, key, s->types[k], CONVERT_CAST, &flat));
    s->parts[k][s->part_count - 1] = fn_column_flatten(ctx, flat);
    fn_column_drop(flat);
    FN_TRY_PTR(ctx, s->parts[k][s->part_count - 1]);
    return FN_OK;
}

fn_status expr_set_add(fn_ctx *ctx, expr_set *s, fn_column *const *keys, uint32_t rows)
{
    uint32_t *kept = NULL;
    if (rows == 0) return FN_OK;
    FN_TRY(rows_without_nulls(ctx, s, keys, rows, &kept, &rows));
    fn_status status = rows ? grow_parts(ctx, s) : FN_OK;
    if (rows && status == FN_OK) s->part_count++;
    for (uint32_t k = 0; rows && k < s->key_count && status == FN_OK; k++) {
        fn_column *some = kept ? fn_column_take(ctx, keys[k], kept, rows) : fn_column_ref(keys[k]);
        status = some ? add_part(ctx, s, k, some) : ctx->error.code;
        fn_column_drop(some);
    }
    fn_free(kept);
    return status;
}

static bool same_key(const expr_set *s, uint32_t row, fn_column *const *keys, uint32_t other)
{
    for (uint32_t k = 0; k < s->key_count; k++)
        if (!fn_column_equal_at(s->keys[k], row, keys[k], other)) return false;
    return true;
}

static fn_status hash_keys(fn_ctx *ctx, fn_column *const *keys, uint32_t count, uint64_t *hashes)
{
    for (uint32_t k = 0; k < count; k++) FN_TRY(fn_column_hash(ctx, keys[k], hashes, k == 0));
    return FN_OK;
}

static int compare_rows(const void *a, const void *b, void *column)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return fn_column_compare(column, x, column, y, true);
}

static fn_status sort_key(fn_ctx *ctx, expr_set *s)
{
    uint32_t *order = fn_alloc(ctx, ((size_t)s->rows + 1) * sizeof *order), n = 0;
    FN_TRY_PTR(ctx, order);
    for (uint32_t i = 0; i < s->rows; i++)
        if (!fn_column_is_null(s->keys[0], i)) order[n++] = i;
    qsort_r(order, n, sizeof *order, compare_rows, s->keys[0]);
    s->sorted = fn_column_take(ctx, s->keys[0], order, n);
    fn_free(order);
    FN_TRY_PTR(ctx, s->sorted);
    return n && n == s->rows ? set_ints_new(ctx, s->sorted, &s->ints) : FN_OK;
}

/* Puts the rows of `all` into the table; kept lists the first of equal ones. */
static fn_status fill_slots(fn_ctx *ctx, expr_set *s, uint32_t rows, uint32_t *kept, uint32_t *kept_count)
{
    const uint64_t room = fn_next_pow2(FN_MAX((uint64_t)rows * 2, (uint64_t)16));
    s->slots = fn_alloc_zero(ctx, room * sizeof *s->slots);
    s->hashes = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *s->hashes);
    if (!s->slots || !s->hashes) return ctx->error.code;
    s->slot_mask = (uint32_t)(room - 1);
    FN_TRY(hash_keys(ctx, s->keys, s->key_count, s->hashes));
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t at = (uint32_t)s->hashes[i] & s->slot_mask;
        while (s->slots[at] && !(s->hashes[s->slots[at] - 1] == s->hashes[i] && same_key(s, s->slots[at] - 1, s->keys, i))) at = (at + 1) & s->slot_mask;
        if (s->slots[at]) continue;
        s->slots[at] = i + 1;
        kept[(*kept_count)++] = i;
    }
    return FN_OK;
}

fn_status expr_set_seal(fn_ctx *ctx, expr_set *s)
{
    uint32_t rows = 0, distinct = 0;
    for (uint32_t k = 0; k < s->key_count; k++) {
        s->keys[k] = s->part_count ? fn_column_concat(ctx, s->parts[k], s->part_count) : NULL;
        if (!s->part_count) {
            fn_column *none = fn_column_default(ctx, s->types[k], 0);
            s->keys[k] = none ? fn_column_flatten(ctx, none) : NULL;
            fn_column_drop(none);
        }
        FN_TRY_PTR(ctx, s->keys[k]);
        rows = s->keys[k]->rows;
    }
    uint32_t *kept = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *kept);
    FN_TRY_PTR(ctx, kept);
    fn_status status = fill_slots(ctx, s, rows, kept, &distinct);
    fn_free(kept);
    FN_TRY(status);
    s->rows = rows;
    if (s->key_count == 1 && s->types[0]->phys != FN_PHYS_TUPLE && s->types[0]->phys != FN_PHYS_ARRAY && s->types[0]->phys != FN_PHYS_NOTHING) FN_TRY(sort_key(ctx, s));
    s->rows = distinct;
    return FN_OK;
}

uint64_t expr_set_rows(const expr_set *s)
{
    return s->rows;
}

bool expr_set_range(const expr_set *s, const fn_column **values, uint32_t *count)
{
    if (!s->sorted || !s->sorted->rows) return false;
    *values = s->sorted;
    *count = s->sorted->rows;
    return true;
}

bool expr_set_equal(const expr_set *a, const expr_set *b)
{
    if (!a->sorted || !b->sorted || a->types[0] != b->types[0] || a->keys[0]->rows != b->keys[0]->rows) return false;
    for (uint32_t i = 0; i < a->keys[0]->rows; i++)
        if (!fn_column_equal_at(a->keys[0], i, b->keys[0], i)) return false;
    return true;
}

static void probe(const expr_set *s, fn_column *const *keys, const uint64_t *hashes, uint32_t rows, uint8_t *mask)
{
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t at = (uint32_t)hashes[i] & s->slot_mask;
        while (s->slots[at] && !(s->hashes[s->slots[at] - 1] == hashes[i] && same_key(s, s->slots[at] - 1, keys, i))) at = (at + 1) & s->slot_mask;
        mask[i] = s->slots[at] != 0;
    }
}

static fn_status match_hashed(fn_ctx *ctx, const expr_set *s, fn_column *const *keys, uint32_t rows, uint8_t *mask)
{
    uint64_t *hashes = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *hashes);
    FN_TRY_PTR(ctx, hashes);
    const fn_status status = hash_keys(ctx, keys, s->key_count, hashes);
    if (status == FN_OK) probe(s, keys, hashes, rows, mask);
    fn_free(hashes);
    return status;
}

/* Over a dictionary: its entries are probed, then the codes looked up. */
static fn_status match_dict(fn_ctx *ctx, const expr_set *s, const fn_column *key, uint32_t rows, uint8_t *mask)
{
    uint8_t *entry = fn_alloc(ctx, (size_t)key->kids[0]->rows + 64);
    FN_TRY_PTR(ctx, entry);
    fn_column *const one = key->kids[0];
    const fn_status status = expr_set_match(ctx, s, &one, one->rows, entry);
    for (uint32_t i = 0; status == FN_OK && i < rows; i++) mask[i] = entry[fn_column_code(key, i)] && !(key->nulls && key->nulls[i]);
    fn_free(entry);
    return status;
}

static fn_status match_flat(fn_ctx *ctx, const expr_set *s, fn_column *const *keys, uint32_t rows, uint8_t *mask)
{
    fn_column **own = fn_alloc_zero(ctx, (s->key_count + 1) * sizeof *own);
    fn_status status = own ? FN_OK : ctx->error.code;
    for (uint32_t k = 0; k < s->key_count && status == FN_OK; k++) {
        const fn_type *to = s->types[k];
        const bool same = fn_type_base(keys[k]->type) == fn_type_base(to);
        fn_column *c = NULL;
        if (same) c = fn_column_ref(keys[k]);
        else status = expr_convert(ctx, keys[k], fn_type_can_be_nullable(to) ? fn_type_nullable(to) : to, CONVERT_OR_NULL, &c);
        if (status == FN_OK) own[k] = fn_column_flatten(ctx, c);
        fn_column_drop(c);
        if (status == FN_OK && !own[k]) status = ctx->error.code;
    }
    if (status == FN_OK && s->ints) set_ints_match(s->ints, own[0]->values, rows, mask);
    else if (status == FN_OK) status = match_hashed(ctx, s, own, rows, mask);
    for (uint32_t k = 0; own && k < s->key_count; k++) {
        const bool null_counts = !s->ints && fn_type_is_nullable(s->types[k]); /* a NULL of the left side, not what did not convert */
        for (uint32_t i = 0; status == FN_OK && own[k]->nulls && i < rows; i++)
            if (own[k]->nulls[i] && !(null_counts && fn_column_is_null(keys[k], i))) mask[i] = 0;
        fn_column_drop(own[k]);
    }
    fn_free(own);
    return status;
}

fn_status expr_set_match(fn_ctx *ctx, const expr_set *s, fn_column *const *keys, uint32_t rows, uint8_t *mask)
{
    if (s->rows == 0) {
        memset(mask, 0, rows);
        return FN_OK;
    }
    if (s->key_count == 1 && keys[0]->shape == FN_DICT && keys[0]->kids[0]->rows <= rows && !fn_type_is_nullable(s->types[0])) return match_dict(ctx, s, keys[0], rows, mask);
    return match_flat(ctx, s, keys, rows, mask);
}
