/* agg_arg.c - -ArgMin, -ArgMax: the aggregate over the rows whose last argument is the smallest, the greatest of all. The state is
 * the nested one with the best key behind it; written in that order. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_rows.h"

static const fn_type *key_type(const agg_call *c)
{
    return c->arg_types[c->arg_count - 1];
}
static agg_value *key_of(const agg_call *c, const void *state)
{
    return (agg_value *)(void *)((uint8_t *)(uintptr_t)state + agg_align(c->nested->state_size, 16));
}
static bool is_max(const agg_call *c)
{
    return strcmp(c->def->name, "ArgMax") == 0;
}
static void arg_init(const agg_call *c, void *state)
{
    memset(key_of(c, state), 0, agg_value_size(key_type(c)));
    c->nested->def->init(c->nested, state);
}
static void restart(const agg_call *c, void *state)
{
    if (c->nested->def->destroy) c->nested->def->destroy(c->nested, state);
    c->nested->def->init(c->nested, state);
}
static fn_status arg_row(fn_ctx *ctx, const agg_call *c, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    agg_value *key = key_of(c, state);
    const fn_column *keys = args[c->arg_count - 1];
    const int order = key->has ? agg_value_compare(key, keys, row) : 0;
    if (key->has && (is_max(c) ? order > 0 : order < 0)) return FN_OK;
    if (!key->has || order != 0) {
        if (key->has) restart(c, state);
        FN_TRY(agg_value_set(ctx, arena, key, keys, row));
    }
    return c->nested->def->add_one(ctx, c->nested, arena, state, args, row, 1);
}
#define OP arg
#include "aggregate/agg_by_row.inc"
static fn_status arg_merge(fn_ctx *ctx, const agg_call *c, fn_arena *arena, void *into, const void *from)
{
    agg_value *mine = key_of(c, into), *theirs = key_of(c, from);
    if (!theirs->has) return FN_OK;
    const int order = mine->has ? agg_value_order(key_type(c), mine, theirs) : 0;
    if (mine->has && (is_max(c) ? order > 0 : order < 0)) return FN_OK;
    if (!mine->has || order != 0) {
        restart(c, into);
        FN_TRY(agg_value_copy(ctx, arena, key_type(c), mine, theirs));
    }
    return c->nested->def->merge(ctx, c->nested, arena, into, from);
}
static fn_status arg_finish(fn_ctx *ctx, const agg_call *c, fn_arena *arena, void *state, fn_builder *out)
{
    return c->nested->def->finish(ctx, c->nested, arena, state, out);
}
static fn_status arg_write(fn_ctx *ctx, const agg_call *c, const void *state, fn_buf *out)
{
    FN_TRY(c->nested->def->write(ctx, c->nested, state, out));
    return agg_value_write(ctx, key_type(c), key_of(c, state), out);
}
static fn_status arg_read(fn_ctx *ctx, const agg_call *c, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    FN_TRY(c->nested->def->read(ctx, c->nested, arena, state, at, end));
    return agg_value_read(ctx, arena, key_type(c), key_of(c, state), at, end);
}
static void arg_destroy(const agg_call *c, void *state)
{
    if (c->nested->def->destroy) c->nested->def->destroy(c->nested, state);
    agg_value_drop(key_type(c), key_of(c, state));
}
#define ARG_DEF .init = arg_init, .add = arg_add, .add_one = arg_add_one, .merge = arg_merge, .finish = arg_finish, .write = arg_write, .read = arg_read, .destroy = arg_destroy
static const agg_def def_min = {.name = "ArgMin", ARG_DEF, .about = "The aggregate over the rows of the smallest last argument.", .example = "sumArgMin(number, number % 3)", .gives = "18"};
static const agg_def def_max = {.name = "ArgMax", ARG_DEF, .about = "The aggregate over the rows of the greatest last argument.", .example = "sumArgMax(number, number % 3)", .gives = "15"};

static fn_status bind_arg(fn_ctx *ctx, const agg_def *def, fn_str inner, const agg_call *outer, agg_call **out)
{
    agg_call *nested;
    bool nullable = false;
    if (outer->arg_count == 0)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Number of arguments for aggregate function with -%s suffix must be at least one", def->name);
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, outer->arg_count);
    FN_TRY_PTR(ctx, types);
    for (uint32_t i = 0; i < outer->arg_count; i++) {
        const fn_type *t = fn_type_strip_low_cardinality(outer->arg_types[i]);
        nullable |= fn_type_is_nullable(t);
        types[i] = fn_type_strip_nullable(t);
    }
    FN_TRY(agg_bind_inner(ctx, inner, types, outer->arg_count - 1, outer->params, outer->param_count, &nested));
    *out = agg_wrap(ctx, def, outer, nested);
    FN_TRY_PTR(ctx, *out);
    (*out)->arg_types = types;
    (*out)->state_size = agg_align(nested->state_size, 16) + agg_value_size(types[outer->arg_count - 1]);
    (*out)->state_align = 16;
    return nullable ? agg_bind_nulls(ctx, outer, *out, true, out) : FN_OK;
}
fn_status agg_bind_arg_min(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    return bind_arg(ctx, &def_min, inner, outer, out);
}
fn_status agg_bind_arg_max(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    return bind_arg(ctx, &def_max, inner, outer, out);
}
