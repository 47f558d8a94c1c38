/* func_transform.c - transform(x, from, to [, default]): values replaced by a table of constants.
 * The table is looked up by hash. SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"

typedef struct transform_data {
    const fn_type *key; /* what x and `from` are compared as; NULL: nothing can be equal */
    bool has_default;
} transform_data;

static fn_status check_lists(fn_ctx *ctx, const func_call *call)
{
    fn_column *from, *to;
    const fn_type *t = fn_type_strip_nullable(call->type);
    if ((fn_type_is_integer(t) || t->id == FN_T_DECIMAL) && t->width > 8) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Unexpected type %s in function '%s'", t->name, call->def->name);
    FN_TRY(func_need_const(ctx, call, 1, &from));
    FN_TRY(func_need_const(ctx, call, 2, &to));
    if (from->offsets[1] - from->offsets[0] != to->offsets[1] - to->offsets[0])
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Second and third arguments of function %s must be arrays of same size", call->def->name);
    return FN_OK;
}

static fn_status bind_transform(fn_ctx *ctx, func_call *call)
{
    transform_data *d = FN_NEW(ctx, transform_data);
    FN_TRY_PTR(ctx, d);
    call->data = d;
    d->has_default = call->arg_count == 4;
    for (uint32_t i = 1; i < 3; i++)
        if (call->arg_types[i]->id != FN_T_ARRAY)
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "%s argument of function %s, must be array of source values to transform %s", i == 1 ? "Second" : "Third", call->def->name, i == 1 ? "from" : "to");
    const fn_type *keys[2] = {call->arg_types[0], call->arg_types[1]->args[0]}, *values[2] = {call->arg_types[2]->args[0], call->arg_types[d->has_default ? 3 : 0]};
    if (fn_type_base(keys[0])->id == FN_T_NOTHING) keys[0] = keys[1];
    if (fn_type_common(ctx, keys, 2, &d->key) != FN_OK) { /* what the list holds is taken for values of x */
        fn_error_clear(ctx);
        d->key = keys[0];
    }
    if (fn_type_is_nullable(call->arg_types[0])) d->key = fn_type_nullable(d->key);
    if (fn_type_common(ctx, values, 2, &call->type) == FN_OK) return check_lists(ctx, call);
    if (d->has_default) return ctx->error.code;
    fn_error_clear(ctx);
    return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Function %s has signature: transform(T, Array(T), Array(U), U) -> U; or transform(T, Array(T), Array(T)) -> T; where T and U are types", call->def->name);
}

/* The table: items of `from` as keys, item number + 1 in slots; the first of equal keys wins. */
typedef struct lookup {
    fn_column *keys;
    uint64_t *hashes;
    uint32_t *slots, mask;
} lookup;

static fn_status lookup_fill(fn_ctx *ctx, lookup *t, fn_column *keys)
{
    *t = (lookup){.keys = keys, .mask = (uint32_t)fn_next_pow2(2 * (uint64_t)keys->rows + 2) - 1};
    t->hashes = fn_alloc(ctx, ((size_t)keys->rows + 1) * sizeof *t->hashes);
    t->slots = fn_alloc_zero(ctx, ((size_t)t->mask + 1) * sizeof *t->slots);
    if (!t->hashes || !t->slots) return ctx->error.code;
    FN_TRY(fn_column_hash(ctx, keys, t->hashes, true));
    for (uint32_t k = 0; k < keys->rows; k++) {
        uint32_t slot = (uint32_t)t->hashes[k] & t->mask;
        while (t->slots[slot] && !fn_column_equal_at(keys, t->slots[slot] - 1, keys, k)) slot = (slot + 1) & t->mask;
        if (!t->slots[slot]) t->slots[slot] = k + 1;
    }
    return FN_OK;
}

/* The number of the key, or `missing`. */
static uint32_t lookup_find(const lookup *t, const fn_column *x, size_t row, uint64_t hash, uint32_t missing)
{
    for (uint32_t slot = (uint32_t)hash & t->mask; t->slots[slot]; slot = (slot + 1) & t->mask) {
        const uint32_t k = t->slots[slot] - 1;
        if (t->hashes[k] == hash && fn_column_equal_at(t->keys, k, x, row)) return k;
    }
    return missing;
}

/* The opened constant array `c` (one row) with items of the type. */
static fn_status open_list(fn_ctx *ctx, const fn_column *c, const fn_type *type, array_in *out)
{
    fn_column *one = fn_column_slice(ctx, c, 0, 1);
    FN_TRY_PTR(ctx, one);
    fn_status status = array_open(ctx, one, out);
    fn_column_drop(one);
    if (status == FN_OK) status = array_convert_items(ctx, out, type);
    return status;
}

static fn_status eval_transform(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const transform_data *d = call->data;
    array_in from = {0}, to = {0};
    lookup table = {0};
    fn_column *x = NULL, *other = NULL, *flat = NULL, *all = NULL;
    uint64_t *hashes = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *hashes);
    uint32_t *index = fn_alloc(ctx, ((size_t)rows + 16) * sizeof *index);
    fn_status status = hashes && index ? open_list(ctx, call->consts[1], d->key, &from) : ctx->error.code;
    if (status == FN_OK) status = open_list(ctx, call->consts[2], call->type, &to);
    if (status == FN_OK) status = lookup_fill(ctx, &table, from.items);
    if (status == FN_OK) status = expr_convert(ctx, args[0], d->key, CONVERT_CAST, &x);
    if (status == FN_OK) status = fn_column_hash(ctx, x, hashes, true);
    if (status == FN_OK) status = expr_convert(ctx, args[d->has_default ? 3 : 0], call->type, CONVERT_CAST, &other);
    if (status == FN_OK && !(flat = fn_column_flatten(ctx, other))) status = ctx->error.code;
    if (status == FN_OK && !(all = fn_column_concat(ctx, (fn_column *const[]){to.items, flat}, 2))) status = ctx->error.code;
    if (status == FN_OK) {
        for (uint32_t i = 0; i < rows; i++) index[i] = lookup_find(&table, x, i, hashes[i], to.total + i);
        *out = fn_column_take(ctx, all, index, rows);
        if (!*out) status = ctx->error.code;
    }
    fn_column_drop(x);
    fn_column_drop(other);
    fn_column_drop(flat);
    fn_column_drop(all);
    fn_free(table.hashes);
    fn_free(table.slots);
    array_close(&from);
    array_close(&to);
    fn_free(hashes);
    fn_free(index);
    return status;
}

static const func_def rows_[] = {
    {.name = "transform", .args_min = 3, .args_max = 4, .flags = FUNC_OWN_NULLS, .bind = bind_transform, .eval = eval_transform,
     .about = "The value of the second list at the place where the first has x; the default, or x itself, where it has none.", .example = "transform(2, [1, 2], ['a', 'b'], 'c')", .gives = "b"},
};
const func_family func_family_transform = FUNC_FAMILY("conditional", rows_);
