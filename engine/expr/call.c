/* call.c - one call over evaluated columns, under the default rules (function.h):
 *   constants   all arguments CONST: one row is computed and repeated;
 *   dictionary  one DICT argument, constants beside: the function runs over the dictionary (over the entries in use when
 *               it may fail or the dictionary is larger than the block), codes are kept or the result is gathered;
 *   nulls       null maps are combined; a function that may fail sees only the rows without NULL. Where the result cannot be Nullable
 *               (an array), the function sees defaults in place of NULL.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/node.h"
#include "kernel/kernel.h"

static bool may_fail(const func_call *call)
{
    return !(call->def->flags & FUNC_PER_ENTRY);
}

/* An argument as the function sees it: without Nullable, LowCardinality and null map. */
static fn_column *bare_column(fn_ctx *ctx, const fn_column *c, const fn_type *type)
{
    fn_column *named = fn_column_retype(ctx, c, type);
    if (!named || !named->nulls || fn_type_is_nullable(type)) return named;
    fn_column *plain = fn_column_with_nulls(ctx, named, type, NULL);
    fn_column_drop(named);
    return plain;
}

/* The result with its final type: Nullable and LowCardinality are only names over the same data. */
static fn_status retype_take(fn_ctx *ctx, fn_column *c, const fn_type *type, fn_column **out)
{
    if (c->type == type) {
        *out = c;
        return FN_OK;
    }
    *out = fn_column_retype(ctx, c, type);
    fn_column_drop(c);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

static void drop_all(fn_column **columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) fn_column_drop(columns[i]);
}

/* eval over FLAT and CONST columns without nulls. */
static fn_status eval_plain(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_status status = call->def->eval(ctx, call, args, rows, out);
    if (status != FN_OK) return status;
    FN_DEBUG_ASSERT((*out)->rows == rows);
    return FN_OK;
}

/* All constant: one row, repeated. */
static fn_status eval_const(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_column *one[64], **shorter = call->arg_count < 64 ? one : FN_NEW_ARRAY(ctx, fn_column *, call->arg_count + 1), *result = NULL;
    FN_TRY_PTR(ctx, shorter);
    fn_status status = FN_OK;
    uint32_t made = 0;
    for (; made < call->arg_count && status == FN_OK; made++) {
        shorter[made] = args[made] ? fn_column_slice(ctx, args[made], 0, 1) : NULL;
        if (args[made] && !shorter[made]) status = ctx->error.code;
    }
    shorter[call->arg_count] = args[call->arg_count];
    if (status == FN_OK) status = eval_plain(ctx, call, shorter, 1, &result);
    if (status == FN_OK) {
        *out = fn_column_repeat(ctx, result, 0, rows);
        if (!*out) status = ctx->error.code;
    }
    fn_column_drop(result);
    drop_all(shorter, made);
    return status;
}

/* ---- dictionary rule ---- */

enum { LARGE = 8 /* entries per row of a block from which on an array over all of them does not pay */ };

/* Numbers of the codes in use as they are met: in an array by code, or hashed where the dictionary is much larger than the block. */
typedef struct code_map {
    fn_buffer *memory;
    uint32_t *codes, *numbers; /* codes: hashed only; numbers: 0 = empty */
    uint64_t mask;
} code_map;

static fn_status code_map_init(fn_ctx *ctx, code_map *m, uint32_t entries, uint32_t rows)
{
    const bool hashed = entries / LARGE > rows;
    const uint64_t slots = hashed ? fn_next_pow2((uint64_t)rows * 2 + 1) : (uint64_t)entries + 1;
    *m = (code_map){.memory = fn_buffer_new_zero(ctx, slots * (hashed ? 8 : 4)), .mask = slots - 1};
    FN_TRY_PTR(ctx, m->memory);
    m->numbers = (uint32_t *)(void *)m->memory->data;
    m->codes = hashed ? m->numbers + slots : NULL;
    return FN_OK;
}

static inline uint32_t *code_map_at(const code_map *m, uint32_t code)
{
    if (!m->codes) return &m->numbers[code];
    uint64_t i = (uint32_t)(code * 0x9e3779b1u) >> 8 & m->mask;
    while (m->numbers[i] && m->codes[i] != code) i = (i + 1) & m->mask;
    m->codes[i] = code;
    return &m->numbers[i];
}

/* Codes of the rows that are used, renumbered: index (arena of the call, rows entries) and the entries in order. */
static fn_status compact_codes(fn_ctx *ctx, const fn_column *dict, fn_buffer **codes, fn_buffer **entries, uint32_t *used)
{
    const uint32_t size = dict->kids[0]->rows;
    code_map map;
    FN_TRY(code_map_init(ctx, &map, size, dict->rows));
    *codes = fn_buffer_new(ctx, (size_t)dict->rows * 4);
    *entries = fn_buffer_new(ctx, (size_t)FN_MIN(size, dict->rows) * 4);
    if (!*codes || !*entries) {
        fn_buffer_drop(map.memory);
        return ctx->error.code;
    }
    uint32_t *to = (uint32_t *)(void *)(*codes)->data, *list = (uint32_t *)(void *)(*entries)->data, n = 0;
    for (uint32_t i = 0; i < dict->rows; i++) {
        if (dict->nulls && dict->nulls[i]) {
            to[i] = 0;
            continue;
        }
        const uint32_t code = fn_column_code(dict, i);
        uint32_t *number = code_map_at(&map, code);
        if (!*number) {
            list[n] = code;
            *number = ++n;
        }
        to[i] = *number - 1;
    }
    *used = n;
    fn_buffer_drop(map.memory);
    return FN_OK;
}

/* Results of one byte per entry, conditions mostly: codes are looked up as they are. */
static fn_status look_up_bytes(fn_ctx *ctx, const fn_column *dict, const fn_column *result, uint32_t rows, fn_column **out)
{
    fn_buffer *bytes = fn_buffer_new(ctx, rows);
    FN_TRY_PTR(ctx, bytes);
    uint8_t *to = bytes->data;
    const uint8_t *of = result->values, *codes = dict->values;
    if (dict->code_width == 1)
        for (uint32_t i = 0; i < rows; i++) to[i] = of[codes[i]];
    else
        for (uint32_t i = 0; i < rows; i++) to[i] = of[fn_column_code(dict, i)];
    *out = fn_column_fixed(ctx, result->type, rows, bytes, NULL);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status wide_codes(fn_ctx *ctx, const fn_column *dict, fn_buffer **codes)
{
    *codes = fn_buffer_new(ctx, (size_t)dict->rows * 4);
    FN_TRY_PTR(ctx, *codes);
    uint32_t *to = (uint32_t *)(void *)(*codes)->data;
    for (uint32_t i = 0; i < dict->rows; i++) to[i] = fn_column_code(dict, i);
    return FN_OK;
}

/* The function over `entries` as argument `index`, constants beside. */
static fn_status eval_entries(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t index, fn_column *entries, fn_column **out)
{
    fn_column *some[64], **list = call->arg_count < 64 ? some : FN_NEW_ARRAY(ctx, fn_column *, call->arg_count + 1);
    FN_TRY_PTR(ctx, list);
    fn_status status = FN_OK;
    uint32_t made = 0;
    for (; made < call->arg_count && status == FN_OK; made++) {
        list[made] = made == index ? fn_column_retype(ctx, entries, call->arg_types[made])
                     : args[made] ? fn_column_repeat(ctx, args[made], 0, entries->rows) : NULL;
        if (!list[made] && args[made]) status = ctx->error.code;
    }
    list[call->arg_count] = args[call->arg_count];
    if (status == FN_OK) status = eval_plain(ctx, call, list, entries->rows, out);
    drop_all(list, made);
    return status;
}

static fn_status eval_dict(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t index, uint32_t rows, fn_column **out)
{
    const fn_column *dict = args[index];
    fn_buffer *codes = NULL, *entries = NULL;
    fn_column *values = NULL, *result = NULL;
    uint32_t used = dict->kids[0]->rows;
    fn_status status = FN_OK;
    if (may_fail(call) || used > rows) {
        status = compact_codes(ctx, dict, &codes, &entries, &used);
        if (status == FN_OK && used == 0) { /* every row is NULL: any value does */
            *out = fn_column_default(ctx, call->type, rows);
            status = *out ? FN_OK : ctx->error.code;
            goto out;
        }
        if (status == FN_OK) values = fn_column_take(ctx, dict->kids[0], (const uint32_t *)(const void *)entries->data, used);
    } else {
        values = fn_column_ref(dict->kids[0]);
    }
    if (status == FN_OK && !values) status = ctx->error.code;
    if (status == FN_OK) status = eval_entries(ctx, call, args, index, values, &result);
    if (status == FN_OK && !codes && result->shape == FN_FLAT && !result->nulls && result->type->width == 1) {
        status = look_up_bytes(ctx, dict, result, rows, out);
        goto out;
    }
    if (status == FN_OK && !codes) status = wide_codes(ctx, dict, &codes);
    if (status != FN_OK) goto out;
    if (result->shape == FN_FLAT && !result->nulls && fn_type_base(result->type)->phys == FN_PHYS_STRING && used < rows / 2) {
        fn_column *bare = fn_column_retype(ctx, result, fn_type_base(result->type));
        *out = bare ? fn_column_dict(ctx, result->type, rows, 4, fn_buffer_ref(codes), bare, NULL) : NULL;
        fn_column_drop(bare);
    } else {
        *out = fn_column_take(ctx, result, (const uint32_t *)(const void *)codes->data, rows);
    }
    if (!*out) status = ctx->error.code;
out:
    fn_column_drop(values);
    fn_column_drop(result);
    fn_buffer_drop(codes);
    fn_buffer_drop(entries);
    return status;
}

/* Index of the only argument that is not CONST if that is a DICT; -1 otherwise. */
static int only_dict(const func_call *call, fn_column *const *args)
{
    int found = -1;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        if (!args[i]) return -1;
        if (args[i]->shape == FN_CONST) continue;
        if (args[i]->shape != FN_DICT || found >= 0) return -1;
        found = (int)i;
    }
    return found;
}

/* Shapes: constants, dictionaries, flattening. Arguments have no nulls unless the function takes them. */
static fn_status eval_shapes(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    bool constant = call->arg_count > 0, dict = false, fixed = (call->def->flags & FUNC_NONDETERMINISTIC) != 0;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        constant &= args[i] && args[i]->shape == FN_CONST;
        dict |= args[i] && args[i]->shape == FN_DICT;
    }
    if (constant && !fixed && rows) return eval_const(ctx, call, args, rows, out);
    if (!dict || (call->def->flags & FUNC_OWN_DICT)) return eval_plain(ctx, call, args, rows, out);
    const int index = fixed ? -1 : only_dict(call, args);
    if (index >= 0 && rows && !((call->def->flags & FUNC_OWN_NULLS) && args[index]->nulls)) return eval_dict(ctx, call, args, (uint32_t)index, rows, out);
    fn_column *some[64], **flat = call->arg_count < 64 ? some : FN_NEW_ARRAY(ctx, fn_column *, call->arg_count + 1);
    FN_TRY_PTR(ctx, flat);
    fn_status status = FN_OK;
    uint32_t made = 0;
    for (; made < call->arg_count && status == FN_OK; made++) {
        flat[made] = args[made] && args[made]->shape == FN_DICT ? fn_column_flatten(ctx, args[made]) : fn_column_ref(args[made]);
        if (!flat[made] && args[made]) status = ctx->error.code;
    }
    flat[call->arg_count] = args[call->arg_count];
    if (status == FN_OK) status = eval_plain(ctx, call, flat, rows, out);
    drop_all(flat, made);
    return status;
}

/* ---- null rule ---- */

/* The union of the arguments' null maps; *nulls NULL when no row is NULL; all = a constant NULL among them. */
static fn_status union_nulls(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_buffer **nulls, bool *all)
{
    *nulls = NULL;
    *all = false;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        if (!args[i] || !fn_type_is_nullable(args[i]->type)) continue;
        if (args[i]->shape == FN_CONST) {
            if (fn_column_is_null(args[i], 0)) *all = true;
            continue;
        }
        if (!args[i]->nulls) continue;
        if (!*nulls) {
            *nulls = fn_buffer_new(ctx, rows);
            FN_TRY_PTR(ctx, *nulls);
            memcpy((*nulls)->data, args[i]->nulls, rows);
        } else {
            kern.mask_or((*nulls)->data, args[i]->nulls, rows);
        }
    }
    return FN_OK;
}

/* Runs only the rows without NULL and spreads the result. */
static fn_status eval_not_null(fn_ctx *ctx, const func_call *call, fn_column **bare, const fn_buffer *nulls, uint32_t rows, uint32_t kept,
                               fn_column **out)
{
    fn_buffer *mask = fn_buffer_new(ctx, rows), *index = fn_buffer_new(ctx, (size_t)rows * 4);
    fn_column *result = NULL;
    fn_status status = mask && index ? FN_OK : ctx->error.code;
    if (status == FN_OK) {
        uint32_t *to = (uint32_t *)(void *)index->data, at = 0;
        for (uint32_t i = 0; i < rows; i++) {
            mask->data[i] = !nulls->data[i];
            to[i] = at == kept ? kept - 1 : at;
            at += mask->data[i];
        }
    }
    for (uint32_t i = 0; i < call->arg_count && status == FN_OK; i++) {
        if (!bare[i]) continue;
        fn_column *some = fn_column_filter(ctx, bare[i], mask->data, kept);
        fn_column_drop(bare[i]);
        bare[i] = some;
        if (!some) status = ctx->error.code;
    }
    if (status == FN_OK) status = eval_shapes(ctx, call, bare, kept, &result);
    if (status == FN_OK) {
        *out = fn_column_take(ctx, result, (const uint32_t *)(const void *)index->data, rows);
        if (!*out) status = ctx->error.code;
    }
    fn_column_drop(result);
    fn_buffer_drop(mask);
    fn_buffer_drop(index);
    return status;
}

/* Puts the arguments' NULLs over the result. */
static fn_status add_nulls(fn_ctx *ctx, fn_column *result_take, const fn_type *type, const fn_buffer *nulls, uint32_t rows, fn_column **out)
{
    fn_column *flat = result_take->shape == FN_CONST ? fn_column_flatten(ctx, result_take) : fn_column_ref(result_take);
    fn_column_drop(result_take);
    FN_TRY_PTR(ctx, flat);
    fn_buffer *all = fn_buffer_new(ctx, rows);
    if (all) {
        memcpy(all->data, nulls->data, rows);
        if (flat->nulls) kern.mask_or(all->data, flat->nulls, rows);
        *out = fn_column_with_nulls(ctx, flat, type, all);
    }
    fn_column_drop(flat);
    return all && *out ? FN_OK : ctx->error.code;
}

/* An argument with its type's default where it is NULL: what functions whose result cannot be Nullable see, splitByChar(',', NULL) as an example. */
static fn_status default_where_null(fn_ctx *ctx, const fn_column *arg, const fn_type *type, uint32_t rows, fn_column **bare)
{
    if (arg->shape == FN_CONST ? !fn_column_is_null(arg, 0) : !arg->nulls) return FN_OK;
    fn_column *value = fn_column_default(ctx, type, arg->shape == FN_CONST ? rows : 1), *made = value;
    FN_TRY_PTR(ctx, value);
    if (arg->shape != FN_CONST) {
        uint32_t *index = fn_alloc(ctx, ((size_t)rows + 16) * sizeof *index);
        for (uint32_t i = 0; index && i < rows; i++) index[i] = arg->nulls[i] ? rows : i;
        fn_column *flat = index ? fn_column_flatten(ctx, *bare) : NULL, *last = flat ? fn_column_flatten(ctx, value) : NULL;
        fn_column *all = last ? fn_column_concat(ctx, (fn_column *const[]){flat, last}, 2) : NULL;
        made = all ? fn_column_take(ctx, all, index, rows) : NULL;
        fn_column_drop(flat);
        fn_column_drop(last);
        fn_column_drop(all);
        fn_column_drop(value);
        fn_free(index);
        FN_TRY_PTR(ctx, made);
    }
    fn_column_drop(*bare);
    *bare = made;
    return FN_OK;
}

static fn_status run_with_nulls(fn_ctx *ctx, const func_call *call, const fn_type *type, fn_column **bare, const fn_buffer *nulls, uint32_t rows,
                                fn_column **out)
{
    fn_column *result = NULL;
    uint32_t kept = rows;
    if (nulls) kept = rows - (uint32_t)kern.mask_count(nulls->data, rows);
    if (nulls && kept == 0) {
        *out = fn_column_null(ctx, type, rows);
        FN_TRY_PTR(ctx, *out);
        return FN_OK;
    }
    if (kept < rows && may_fail(call)) FN_TRY(eval_not_null(ctx, call, bare, nulls, rows, kept, &result));
    else FN_TRY(eval_shapes(ctx, call, bare, rows, &result));
    if (kept < rows) return add_nulls(ctx, result, type, nulls, rows, out);
    return retype_take(ctx, result, type, out);
}

fn_status call_run(fn_ctx *ctx, const func_call *call, const fn_type *type, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const uint32_t n = call->arg_count;
    fn_column *some[64], **bare = n < 64 ? some : FN_NEW_ARRAY(ctx, fn_column *, n + 1);
    fn_buffer *nulls = NULL;
    bool all_null = false;
    FN_TRY_PTR(ctx, bare);
    fn_status status = FN_OK;
    const bool own = (call->def->flags & FUNC_OWN_NULLS) != 0;
    if (!own) status = union_nulls(ctx, call, args, rows, &nulls, &all_null);
    uint32_t made = 0;
    const bool defaults = !own && (nulls || all_null) && !fn_type_is_nullable(type);
    for (; made < n && status == FN_OK && (!all_null || defaults); made++) {
        bare[made] = args[made] ? bare_column(ctx, args[made], call->arg_types[made]) : NULL;
        if (args[made] && !bare[made]) status = ctx->error.code;
        else if (args[made] && defaults) status = default_where_null(ctx, args[made], call->arg_types[made], rows, &bare[made]);
    }
    bare[n] = args[n];
    if (status == FN_OK && defaults) {
        fn_column *result = NULL;
        status = eval_shapes(ctx, call, bare, rows, &result);
        if (status == FN_OK) status = retype_take(ctx, result, type, out);
    } else if (status == FN_OK && all_null) {
        *out = fn_column_null(ctx, type, rows);
        if (!*out) status = ctx->error.code;
    } else if (status == FN_OK) {
        status = run_with_nulls(ctx, call, type, bare, nulls, rows, out);
    }
    drop_all(bare, made);
    fn_buffer_drop(nulls);
    return status;
}

const expr_closure *func_closure(const func_call *call, fn_column *const *args, uint32_t index)
{
    const expr_closure *all = (const expr_closure *)(const void *)args[call->arg_count];
    return &all[index];
}
