/* agg_bind.c - from a name with combinators and argument types to a bound aggregate.
 *
 * "sumIfState" is taken apart from the right: State(If(sum)). Every level binds its own call around `nested`. The null
 * rule stands around the innermost aggregate, or around -If so that a NULL in any argument skips the row.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_state.h"

fn_status agg_illegal(fn_ctx *ctx, const agg_call *call)
{
    fn_buf list = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < call->arg_count && i < 10 && status == FN_OK; i++)
        status = fn_buf_printf(ctx, &list, "%s%s", i ? ", " : "", call->arg_types[i]->name);
    if (status == FN_OK)
        status = fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %.*s of argument for aggregate function %s", (int)list.size, list.data ? list.data : "",
                         call->def->name);
    fn_buf_release(&list);
    return status;
}

agg_call *agg_wrap(fn_ctx *ctx, const agg_def *def, const agg_call *outer, agg_call *nested)
{
    agg_call *c = FN_NEW(ctx, agg_call);
    if (!c) return NULL;
    *c = *outer;
    c->def = def;
    c->nested = nested;
    c->type = nested->type;
    c->state_size = nested->state_size;
    c->state_align = nested->state_align;
    return c;
}

static fn_status check_counts(fn_ctx *ctx, const agg_def *def, const agg_call *call)
{
    const int args = (int)call->arg_count, params = (int)call->param_count;
    if (args < def->args_min || (def->args_max >= 0 && args > def->args_max))
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Incorrect number of arguments for aggregate function %s: %d provided", def->name, args);
    if (params < def->params_min || (def->params_max >= 0 && params > def->params_max))
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Incorrect number of parameters for aggregate function %s: %d provided", def->name, params);
    return FN_OK;
}

/* ---- aggregates of a NULL literal: no row counts, the result is NULL, or 0 of what counts ---- */

static void nothing_init(const agg_call *call, void *state)
{
    (void)call;
    *(uint8_t *)state = 0;
}
static fn_status nothing_add(fn_ctx *ctx, const agg_call *call, fn_arena *arena, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    (void)ctx, (void)call, (void)arena, (void)states, (void)offset, (void)args, (void)rows;
    return FN_OK;
}
static fn_status nothing_add_one(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t from, uint32_t rows)
{
    (void)ctx, (void)call, (void)arena, (void)state, (void)args, (void)from, (void)rows;
    return FN_OK;
}
static fn_status nothing_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx, (void)call, (void)arena, (void)into, (void)from;
    return FN_OK;
}
static fn_status nothing_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call, (void)arena, (void)state;
    return fn_builder_default(ctx, out);
}
static fn_status nothing_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)call;
    return fn_buf_byte(ctx, out, *(const char *)state);
}
static fn_status nothing_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)call, (void)arena;
    return agg_take(ctx, state, 1, at, end);
}
static const agg_def nothing = {.name = "nothing", .flags = AGG_OWN_NULLS, .init = nothing_init, .add = nothing_add, .add_one = nothing_add_one, .merge = nothing_merge,
                                .finish = nothing_finish, .write = nothing_write, .read = nothing_read,
                                .about = "What an aggregate of a NULL literal is.", .example = "sum(NULL)", .gives = "NULL"};

bool agg_is_nothing(const agg_call *call)
{
    return call->def == &nothing;
}

fn_status agg_bind_nothing(fn_ctx *ctx, const agg_call *outer, const fn_type *type, agg_call **out)
{
    agg_call *call = FN_NEW(ctx, agg_call);
    FN_TRY_PTR(ctx, call);
    *call = *outer;
    call->def = &nothing;
    call->type = type;
    call->state_size = call->state_align = 1;
    *out = call;
    return FN_OK;
}

/* The result of the aggregate where an argument is a NULL literal; NULL where it looks at its arguments even so. */
static const fn_type *of_nothing(const agg_def *def, const agg_call *outer)
{
    const fn_type *null = fn_type_nullable(fn_type_simple(FN_T_NOTHING));
    if ((def->flags & AGG_OWN_NULLS) || strncmp(def->name, "quantiles", 9) == 0) return NULL;
    for (uint32_t i = 0; i < outer->arg_count; i++)
        if (outer->arg_types[i] == null) return strncmp(def->name, "uniq", 4) == 0 ? fn_type_simple(FN_T_UINT64) : null;
    return NULL;
}

static fn_status bind_base(fn_ctx *ctx, const agg_def *def, const agg_call *outer, agg_call **out)
{
    bool nullable = false;
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, outer->arg_count + 1);
    agg_call *call = FN_NEW(ctx, agg_call);
    if (!types || !call) return ctx->error.code;
    FN_TRY(check_counts(ctx, def, outer));
    const fn_type *of_null = of_nothing(def, outer);
    if (of_null) return agg_bind_nothing(ctx, outer, of_null, out);
    for (uint32_t i = 0; i < outer->arg_count; i++) {
        const fn_type *t = fn_type_strip_low_cardinality(outer->arg_types[i]);
        nullable |= fn_type_is_nullable(t);
        types[i] = def->flags & AGG_OWN_NULLS ? t : fn_type_strip_nullable(t);
    }
    *call = *outer;
    call->def = def;
    call->arg_types = types;
    call->state_align = 16;
    FN_TRY(def->bind(ctx, call));
    if (nullable && !(def->flags & AGG_OWN_NULLS)) return agg_bind_nulls(ctx, outer, call, true, out);
    *out = call;
    return FN_OK;
}

fn_status agg_bind_inner(fn_ctx *ctx, fn_str name, const fn_type *const *types, uint32_t count, fn_column *const *params, uint32_t param_count, agg_call **out)
{
    const agg_call outer = {.arg_count = count, .arg_types = types, .param_count = param_count, .params = params, .name = name};
    if (count > AGG_ARGS_MAX) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Too many arguments for aggregate function " FN_STR_FMT, FN_STR_ARG(name));
    const agg_def *def = agg_find(name);
    if (def) return bind_base(ctx, def, &outer, out);
    const agg_combinator *c = agg_combinator_find(name);
    if (!c) return fn_fail(ctx, FN_UNKNOWN_AGGREGATE_FUNCTION, "Unknown aggregate function " FN_STR_FMT, FN_STR_ARG(name));
    return c->bind(ctx, (fn_str){name.data, name.size - strlen(c->suffix)}, &outer, out);
}

fn_status agg_bind(fn_ctx *ctx, fn_str name, const fn_type *const *arg_types, uint32_t arg_count, fn_column *const *params, uint32_t param_count, agg_call **out)
{
    fn_str kept;
    FN_TRY(fn_arena_str(ctx, ctx->arena, name, &kept));
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, arg_count + 1);
    fn_column **values = FN_NEW_ARRAY(ctx, fn_column *, param_count + 1);
    if (!types || !values) return ctx->error.code;
    for (uint32_t i = 0; i < arg_count; i++) types[i] = arg_types[i];
    for (uint32_t i = 0; i < param_count; i++) values[i] = params[i];
    return agg_bind_inner(ctx, kept, types, arg_count, values, param_count, out);
}
