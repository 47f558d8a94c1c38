/* func_aggregate_state.c - finalizeAggregation (a state's value) and initializeAggregation (an aggregate over each single row).
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/aggregate.h"
#include "function/family.h"

/* One state with its memory, used row after row. */
typedef struct single {
    const agg_call *call;
    fn_arena *arena;
    void *state;
} single;

static fn_status single_open(fn_ctx *ctx, const agg_call *call, single *s)
{
    *s = (single){.call = call, .arena = fn_arena_new(ctx), .state = fn_alloc(ctx, (size_t)call->state_size + 16)};
    return s->arena && s->state ? FN_OK : ctx->error.code;
}
static void single_close(single *s)
{
    fn_arena_free(s->arena);
    fn_free(s->state);
}

/* ---- finalizeAggregation ---- */
static fn_status bind_finalize(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    agg_call *agg;
    if (t->id != FN_T_AGGREGATE_FUNCTION)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Argument for function '%s' must have type AggregateFunction - state of aggregate function. Got '%s' instead",
                       call->def->name, t->name);
    FN_TRY(agg_bind_state(ctx, t, &agg));
    call->data = agg;
    call->type = agg->type;
    return FN_OK;
}
static fn_status finalize(fn_ctx *ctx, single *s, fn_str bytes, fn_builder *b)
{
    const agg_def *def = s->call->def;
    const uint8_t *at = (const uint8_t *)bytes.data;
    def->init(s->call, s->state);
    fn_status status = bytes.size ? def->read(ctx, s->call, s->arena, s->state, &at, at + bytes.size) : FN_OK;
    if (status == FN_OK) status = def->finish(ctx, s->call, s->arena, s->state, b);
    if (def->destroy) def->destroy(s->call, s->state);
    fn_arena_reset(s->arena);
    return status;
}
static fn_status eval_finalize(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    single s;
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, call->type));
    fn_status status = single_open(ctx, call->data, &s);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) status = finalize(ctx, &s, fn_column_str_at(args[0], i), &b);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    single_close(&s);
    return status;
}

/* ---- initializeAggregation ---- */
static fn_status bind_initialize(fn_ctx *ctx, func_call *call)
{
    fn_str text, name;
    fn_column **params;
    uint32_t count;
    agg_call *agg;
    if (call->arg_count < 2) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Function %s requires at least 2 arguments", call->def->name);
    FN_TRY(func_const_str(ctx, call, 0, &text));
    FN_TRY(agg_parse(ctx, text, &name, &params, &count));
    FN_TRY(agg_bind(ctx, name, call->arg_types + 1, call->arg_count - 1, params, count, &agg));
    call->data = agg;
    call->type = agg->type;
    return FN_OK;
}
static fn_status eval_initialize(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const agg_call *agg = call->data;
    single s;
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, call->type));
    fn_status status = single_open(ctx, agg, &s);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        agg->def->init(agg, s.state);
        status = agg->def->add_one(ctx, agg, s.arena, s.state, args + 1, i, 1);
        if (status == FN_OK) status = agg->def->finish(ctx, agg, s.arena, s.state, &b);
        if (agg->def->destroy) agg->def->destroy(agg, s.state);
        fn_arena_reset(s.arena);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    single_close(&s);
    return status;
}

static const func_def rows_[] = {
    {.name = "finalizeAggregation", .args_min = 1, .args_max = 1, .flags = FUNC_OWN_NULLS, .bind = bind_finalize, .eval = eval_finalize,
     .about = "The value of an aggregate function's state.", .example = "finalizeAggregation(initializeAggregation('sumState', 5))", .gives = "5"},
    {.name = "initializeAggregation", .args_min = 1, .args_max = -1, .flags = FUNC_OWN_NULLS, .bind = bind_initialize, .eval = eval_initialize,
     .about = "An aggregate function over the one row; with -State a state to insert.", .example = "initializeAggregation('max', 3)", .gives = "3"},
};
const func_family func_family_aggregate_state = FUNC_FAMILY("aggregate states", rows_);
