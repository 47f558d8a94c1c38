/* func_array_reduce.c - aggregates over arrays: arrayReduce('sum', arr, ...), arrayReduceInRanges('sum', ranges, arr, ...).
 * The aggregate is bound with the items' types; each row runs it over its own items.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/node.h"
#include "function/array.h"

static fn_status bind_reduce_at(fn_ctx *ctx, func_call *call, uint32_t first)
{
    fn_str text, name;
    fn_column **params;
    uint32_t param_count;
    const uint32_t count = call->arg_count - first;
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, count + 1);
    agg_call *agg;
    FN_TRY_PTR(ctx, types);
    FN_TRY(func_const_str(ctx, call, 0, &text));
    for (uint32_t i = 0; i < count; i++) {
        FN_TRY(array_need(ctx, call, first + i));
        types[i] = call->arg_types[first + i]->args[0];
    }
    FN_TRY(agg_parse(ctx, text, &name, &params, &param_count));
    FN_TRY(agg_bind(ctx, name, types, count, params, param_count, &agg));
    call->data = agg;
    call->type = agg->type;
    return FN_OK;
}

static fn_status bind_reduce(fn_ctx *ctx, func_call *call)
{
    return bind_reduce_at(ctx, call, 1);
}

static fn_status bind_ranges(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[1], *pair = t->id == FN_T_ARRAY ? t->args[0] : NULL;
    if (!pair || pair->id != FN_T_TUPLE || pair->arg_count != 2 || !fn_type_is_integer(pair->args[0]) || !fn_type_is_integer(pair->args[1]))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Second argument of function %s must be an array of tuples (index, length) of integers, got %s", call->def->name, t->name);
    FN_TRY(bind_reduce_at(ctx, call, 2));
    call->type = fn_type_array(call->type);
    return FN_OK;
}

/* The aggregate over items from .. from + count of all columns; its value goes to the builder. */
static fn_status reduce(fn_ctx *ctx, const agg_call *agg, fn_arena *arena, void *state, fn_column *const *items, uint32_t from, uint32_t count, fn_builder *b)
{
    const agg_def *def = agg->def;
    def->init(agg, state);
    fn_status status = count ? def->add_one(ctx, agg, arena, state, items, from, count) : FN_OK;
    if (status == FN_OK) status = def->finish(ctx, agg, arena, state, b);
    if (def->destroy) def->destroy(agg, state);
    fn_arena_reset(arena);
    return status;
}

typedef struct reduce_in {
    array_in *arrays;
    fn_column **items;
    uint32_t count;
    void *state;
    fn_arena *arena;
} reduce_in;

static void reduce_close(reduce_in *r)
{
    for (uint32_t k = 0; r->arrays && k < r->count; k++) array_close(&r->arrays[k]);
    fn_free(r->arrays);
    fn_free(r->items);
    fn_free(r->state);
    fn_arena_free(r->arena);
}

static fn_status reduce_open(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t first, reduce_in *r)
{
    const agg_call *agg = call->data;
    *r = (reduce_in){.count = call->arg_count - first};
    r->arrays = fn_alloc_zero(ctx, (r->count + 1) * sizeof *r->arrays);
    r->items = fn_alloc_zero(ctx, (r->count + 1) * sizeof *r->items);
    r->state = fn_alloc(ctx, agg->state_size + 16);
    r->arena = fn_arena_new(ctx);
    fn_status status = r->arrays && r->items && r->state && r->arena ? FN_OK : ctx->error.code;
    for (uint32_t k = 0; k < r->count && status == FN_OK; k++) {
        status = array_open(ctx, args[first + k], &r->arrays[k]);
        r->items[k] = r->arrays[k].items;
    }
    if (status == FN_OK) status = array_same_sizes(ctx, call, r->arrays, r->count, first);
    if (status != FN_OK) reduce_close(r);
    return status;
}

static fn_status eval_reduce(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    reduce_in r;
    fn_builder b;
    FN_TRY(reduce_open(ctx, call, args, 1, &r));
    fn_status status = fn_builder_init(ctx, &b, call->type);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const uint32_t from = r.arrays[0].offsets[i];
        status = reduce(ctx, call->data, r.arena, r.state, r.items, from, r.arrays[0].offsets[i + 1] - from, &b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    reduce_close(&r);
    return status;
}

/* A range within n items: index from 1, or from the end when negative. */
static void clip(int64_t index, int64_t length, uint32_t n, uint32_t *first, uint32_t *count)
{
    int64_t from = index >= 0 ? index - 1 : (int64_t)n + index;
    int64_t end = FN_MAX(FN_MIN(from, (int64_t)n), -(int64_t)n - 1) + FN_MAX(FN_MIN(length, (int64_t)n * 2 + 2), (int64_t)0);
    from = FN_MAX(FN_MIN(from, (int64_t)n), (int64_t)0);
    end = FN_MAX(FN_MIN(end, (int64_t)n), from);
    *first = (uint32_t)from;
    *count = (uint32_t)(end - from);
}

static fn_status eval_ranges(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    reduce_in r;
    array_in ranges = {0};
    fn_builder b;
    FN_TRY(reduce_open(ctx, call, args, 2, &r));
    fn_status status = fn_builder_init(ctx, &b, call->type);
    if (status == FN_OK) status = array_open(ctx, args[1], &ranges);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const uint32_t from = r.arrays[0].offsets[i], n = r.arrays[0].offsets[i + 1] - from;
        for (uint32_t k = ranges.offsets[i]; k < ranges.offsets[i + 1] && status == FN_OK; k++) {
            uint32_t first, count;
            clip(fn_column_i64_at(ranges.items->kids[0], k), fn_column_i64_at(ranges.items->kids[1], k), n, &first, &count);
            status = reduce(ctx, call->data, r.arena, r.state, r.items, from + first, count, &b.kids[0]);
        }
        if (status == FN_OK) status = fn_builder_close_array(ctx, &b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    array_close(&ranges);
    reduce_close(&r);
    return status;
}

static const func_def rows_[] = {
    {.name = "arrayReduce", .args_min = 2, .args_max = -1, .bind = bind_reduce, .eval = eval_reduce,
     .about = "An aggregate function over the items of arrays.", .example = "arrayReduce('max', [1, 3, 2])", .gives = "3"},
    {.name = "arrayReduceInRanges", .args_min = 3, .args_max = -1, .bind = bind_ranges, .eval = eval_ranges,
     .about = "An aggregate function over the items of each range (index, length).", .example = "arrayReduceInRanges('sum', [(1, 2), (2, 3)], [10, 20, 30, 40])", .gives = "[30,90]"},
};
const func_family func_family_array_reduce = FUNC_FAMILY("arrays", rows_);
