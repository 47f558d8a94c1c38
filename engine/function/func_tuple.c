/* func_tuple.c - tuple, tupleElement, tupleConcat, tupleNames, tupleToNameValuePairs, flattenTuple.
 * Tuples are their fields' columns side by side, so most of these only put references together.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"
#include <stdio.h>

/* ---- tuple ---- */

static fn_status bind_tuple(fn_ctx *ctx, func_call *call)
{
    call->type = fn_type_tuple(call->arg_types, NULL, call->arg_count);
    return call->type ? FN_OK : ctx->error.code;
}

static fn_status eval_tuple(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    *out = fn_column_tuple(ctx, call->type, rows, args);
    return *out ? FN_OK : ctx->error.code;
}

/* ---- tupleElement(t, index or name [, default]) ---- */

typedef struct element_data {
    int field;       /* -1: the default */
    uint32_t depth;  /* arrays around the tuple */
} element_data;

static fn_status find_field(fn_ctx *ctx, const func_call *call, const fn_type *tuple, int *field)
{
    const fn_column *c = call->consts[1];
    *field = -1;
    if (fn_type_is_string(c->type)) {
        const fn_str name = fn_column_str_at(c, 0);
        for (int i = 0; tuple->arg_names && i < tuple->arg_count; i++)
            if (fn_str_eq(fn_cstr(tuple->arg_names[i]), name)) *field = i;
        if (*field >= 0 || call->arg_count == 3) return FN_OK;
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Tuple doesn't have element with name '" FN_STR_FMT "'", FN_STR_ARG(name));
    }
    const int64_t raw = fn_column_i64_at(c, 0), at = raw < 0 ? raw + tuple->arg_count : raw - 1;
    if (raw != 0 && at >= 0 && at < tuple->arg_count) *field = (int)at;
    if (*field >= 0 || call->arg_count == 3) return FN_OK;
    return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Tuple doesn't have element with index '%lld'", (long long)raw);
}

static fn_status bind_tuple_element(fn_ctx *ctx, func_call *call)
{
    element_data *d = FN_NEW(ctx, element_data);
    const fn_type *t = call->arg_types[0];
    FN_TRY_PTR(ctx, d);
    while (t->id == FN_T_ARRAY) {
        t = t->args[0];
        d->depth++;
    }
    if (t->id != FN_T_TUPLE)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "First argument for function %s must be tuple or array of tuple. Actual %s", call->def->name, call->arg_types[0]->name);
    if (!call->consts[1] || !(fn_type_is_string(call->arg_types[1]) || fn_type_is_integer(call->arg_types[1])))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Second argument to %s must be a constant UInt or String", call->def->name);
    FN_TRY(find_field(ctx, call, t, &d->field));
    call->data = d;
    call->type = d->field < 0 ? call->arg_types[2] : t->args[d->field];
    for (uint32_t i = 0; i < d->depth && d->field >= 0; i++) call->type = fn_type_array(call->type);
    return FN_OK;
}

/* The field of `c`, an array of `depth` levels around tuples. */
static fn_status field_of(fn_ctx *ctx, const fn_column *c, const fn_type *type, uint32_t depth, int field, fn_column **out)
{
    fn_column *inner = NULL;
    if (depth == 0) {
        *out = fn_column_ref(c->kids[field]);
        return FN_OK;
    }
    FN_TRY(field_of(ctx, c->kids[0], type->args[0], depth - 1, field, &inner));
    fn_buffer *bounds = fn_buffer_new(ctx, ((size_t)c->rows + 1) * 4);
    if (!bounds) {
        fn_column_drop(inner);
        return ctx->error.code;
    }
    memcpy(bounds->data, c->offsets, ((size_t)c->rows + 1) * 4);
    *out = fn_column_array(ctx, type, c->rows, bounds, inner);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status eval_tuple_element(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    const element_data *d = call->data;
    if (d->field < 0) {
        *out = fn_column_ref(args[2]);
        return FN_OK;
    }
    fn_column *flat = fn_column_flatten(ctx, args[0]);
    FN_TRY_PTR(ctx, flat);
    const fn_status status = field_of(ctx, flat, call->type, d->depth, d->field, out);
    fn_column_drop(flat);
    return status;
}

/* ---- tupleConcat, flattenTuple ---- */

static fn_status bind_concat(fn_ctx *ctx, func_call *call)
{
    uint32_t n = 0, at = 0;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        if (call->arg_types[i]->id != FN_T_TUPLE) return func_illegal(ctx, call);
        n += call->arg_types[i]->arg_count;
    }
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, n + 1);
    FN_TRY_PTR(ctx, types);
    for (uint32_t i = 0; i < call->arg_count; i++)
        for (uint32_t k = 0; k < call->arg_types[i]->arg_count; k++) types[at++] = call->arg_types[i]->args[k];
    call->type = fn_type_tuple(types, NULL, n);
    return FN_OK;
}

static fn_status eval_concat(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_column **fields = fn_alloc_zero(ctx, (call->type->arg_count + 1u) * sizeof *fields);
    FN_TRY_PTR(ctx, fields);
    uint32_t at = 0;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < call->arg_count && status == FN_OK; i++) {
        fn_column *flat = fn_column_flatten(ctx, args[i]);
        if (!flat) status = ctx->error.code;
        for (uint32_t k = 0; flat && k < flat->kid_count; k++) fields[at++] = fn_column_ref(flat->kids[k]);
        fn_column_drop(flat);
    }
    if (status == FN_OK) {
        *out = fn_column_tuple(ctx, call->type, rows, fields);
        status = *out ? FN_OK : ctx->error.code;
    }
    for (uint32_t i = 0; i < at; i++) fn_column_drop(fields[i]);
    fn_free(fields);
    return status;
}

static uint32_t leaves_of(const fn_type *t, const char *prefix, const fn_type **types, const char **names, uint32_t at, fn_ctx *ctx)
{
    for (uint32_t i = 0; i < t->arg_count; i++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%u", i + 1);
        const char *own = t->arg_names ? t->arg_names[i] : number, *name = *prefix ? fn_arena_printf(ctx, ctx->arena, "%s.%s", prefix, own) : fn_arena_printf(ctx, ctx->arena, "%s", own);
        if (t->args[i]->id == FN_T_TUPLE) {
            at = leaves_of(t->args[i], name ? name : "", types, names, at, ctx);
        } else {
            if (types) {
                types[at] = t->args[i];
                names[at] = name;
            }
            at++;
        }
    }
    return at;
}

static fn_status bind_flatten(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (t->id != FN_T_TUPLE || !t->arg_names)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Tuple argument for function '%s' must be named. Got '%s'", call->def->name, t->name);
    const uint32_t n = leaves_of(t, "", NULL, NULL, 0, ctx);
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, n + 1);
    const char **names = FN_NEW_ARRAY(ctx, const char *, n + 1);
    if (!types || !names) return ctx->error.code;
    (void)leaves_of(t, "", types, names, 0, ctx);
    if (ctx->error.code != FN_OK) return ctx->error.code;
    call->type = fn_type_tuple(types, t->arg_names ? names : NULL, n);
    return FN_OK;
}

static uint32_t gather_leaves(const fn_column *c, fn_column **fields, uint32_t at)
{
    for (uint32_t i = 0; i < c->kid_count; i++) {
        if (c->kids[i]->type->id == FN_T_TUPLE) at = gather_leaves(c->kids[i], fields, at);
        else fields[at++] = c->kids[i];
    }
    return at;
}

static fn_status eval_flatten(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_column *flat = fn_column_flatten(ctx, args[0]), **fields = fn_alloc(ctx, (call->type->arg_count + 1u) * sizeof *fields);
    *out = NULL;
    if (flat && fields) {
        (void)gather_leaves(flat, fields, 0);
        *out = fn_column_tuple(ctx, call->type, rows, fields);
    }
    fn_column_drop(flat);
    fn_free(fields);
    return *out ? FN_OK : ctx->error.code;
}

/* ---- names ---- */

static fn_str field_name(const fn_type *t, uint32_t i, char number[16])
{
    if (t->arg_names) return fn_cstr(t->arg_names[i]);
    (void)snprintf(number, 16, "%u", i + 1);
    return fn_cstr(number);
}

static fn_status bind_names(fn_ctx *ctx, func_call *call)
{
    if (call->arg_types[0]->id != FN_T_TUPLE) return func_illegal(ctx, call);
    call->type = fn_type_array(fn_type_simple(FN_T_STRING));
    return FN_OK;
}

static fn_status eval_names(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_type *t = args[0]->type;
    fn_builder b;
    fn_column *one = NULL;
    char number[16];
    FN_TRY(fn_builder_init(ctx, &b, call->type));
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < t->arg_count && status == FN_OK; i++) status = fn_builder_str(ctx, &b.kids[0], field_name(t, i, number));
    if (status == FN_OK) status = fn_builder_close_array(ctx, &b);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, &one);
    if (status == FN_OK && !(*out = fn_column_repeat(ctx, one, 0, rows))) status = ctx->error.code;
    fn_column_drop(one);
    fn_builder_release(&b);
    return status;
}

static fn_status bind_pairs(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0], *pair[2] = {fn_type_simple(FN_T_STRING), NULL};
    if (t->id != FN_T_TUPLE || !t->arg_count) return func_illegal(ctx, call);
    pair[1] = t->args[0];
    for (uint32_t i = 1; i < t->arg_count; i++)
        if (t->args[i] != t->args[0])
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The argument of function %s should be a tuple of elements of one type, got %s", call->def->name, t->name);
    call->type = fn_type_array(fn_type_tuple(pair, NULL, 2));
    return FN_OK;
}

static fn_status eval_pairs(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_column *flat = fn_column_flatten(ctx, args[0]);
    fn_builder b;
    char number[16];
    FN_TRY_PTR(ctx, flat);
    fn_status status = fn_builder_init(ctx, &b, call->type);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        for (uint32_t k = 0; k < flat->kid_count && status == FN_OK; k++) {
            fn_builder *pair = &b.kids[0];
            status = fn_builder_str(ctx, &pair->kids[0], field_name(flat->type, k, number));
            if (status == FN_OK) status = fn_builder_copy(ctx, &pair->kids[1], flat->kids[k], i);
            if (status == FN_OK) status = fn_builder_close_tuple(ctx, pair);
        }
        if (status == FN_OK) status = fn_builder_close_array(ctx, &b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_column_drop(flat);
    return status;
}

static const func_def rows_[] = {
    {.name = "tuple", .args_min = 0, .args_max = -1, .flags = FUNC_OWN_NULLS | FUNC_OWN_LOW_CARDINALITY | FUNC_OWN_DICT, .bind = bind_tuple, .eval = eval_tuple,
     .about = "A tuple of the arguments.", .example = "tuple(1, 'a')", .gives = "(1,'a')"},
    {.name = "tupleElement", .args_min = 2, .args_max = 3, .flags = FUNC_OWN_NULLS | FUNC_NO_LOW_CARDINALITY, .bind = bind_tuple_element, .eval = eval_tuple_element,
     .about = "The field of a tuple by its place or name; the third argument where there is none.", .example = "tupleElement((1, 2), 2)", .gives = "2"},
    {.name = "tupleConcat", .args_min = 1, .args_max = -1, .bind = bind_concat, .eval = eval_concat,
     .about = "The fields of all tuples as one tuple.", .example = "tupleConcat((1, 2), (3,))", .gives = "(1,2,3)"},
    {.name = "flattenTuple", .args_min = 1, .args_max = 1, .bind = bind_flatten, .eval = eval_flatten,
     .about = "Nested tuples as one flat tuple.", .example = "flattenTuple(CAST((1, (2, 3)), 'Tuple(a UInt8, b Tuple(c UInt8, d UInt8))'))", .gives = "(1,2,3)"},
    {.name = "tupleNames", .args_min = 1, .args_max = 1, .bind = bind_names, .eval = eval_names,
     .about = "The names of the fields; their places where they have none.", .example = "tupleNames((1, 2))", .gives = "['1','2']"},
    {.name = "tupleToNameValuePairs", .args_min = 1, .args_max = 1, .bind = bind_pairs, .eval = eval_pairs,
     .about = "An array of (name, value) of the fields.", .example = "tupleToNameValuePairs((1, 2))", .gives = "[('1',1),('2',2)]"},
};
const func_family func_family_tuple = FUNC_FAMILY("tuples", rows_);
