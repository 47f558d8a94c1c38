/* type_aggregate.c - AggregateFunction (states as opaque bytes) and SimpleAggregateFunction (its value's type).
 * SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include "type/type_text.h"

static fn_status argument_types(fn_ctx *ctx, const fn_type_args *args, const char *family, const fn_type ***types)
{
    *types = fn_arena_alloc(ctx, ctx->arena, (args->count + 1) * sizeof **types);
    FN_TRY_PTR(ctx, *types);
    for (uint32_t i = 1; i < args->count; i++) FN_TRY(type_arg_type(ctx, args, family, i, &(*types)[i - 1]));
    return FN_OK;
}

static fn_status make_state(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    const fn_type **types;
    FN_TRY(type_arg_count(ctx, args, class->name, 1, 100));
    FN_TRY(argument_types(ctx, args, class->name, &types));
    const char *function = fn_arena_copy(ctx, ctx->arena, args->items[0].text.data, args->items[0].text.size);
    FN_TRY_PTR(ctx, function);
    *out = *fn_type_aggregate(function, types, args->count - 1);
    return FN_OK;
}

static fn_status make_simple(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    const fn_type **types;
    FN_TRY(type_arg_count(ctx, args, class->name, 2, 2));
    FN_TRY(argument_types(ctx, args, class->name, &types));
    fn_type t = *types[0];
    const char *name = fn_arena_printf(ctx, ctx->arena, "SimpleAggregateFunction(" FN_STR_FMT ", %s)", FN_STR_ARG(args->items[0].text), types[0]->name);
    FN_TRY_PTR(ctx, name);
    t.name = name;
    t.function_name = fn_arena_copy(ctx, ctx->arena, args->items[0].text.data, args->items[0].text.size);
    FN_TRY_PTR(ctx, t.function_name);
    t.value = types[0];
    *out = t;
    return FN_OK;
}

static fn_status write(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    return text_put_string(ctx, (fn_str){(const char *)c->values + c->offsets[row], c->offsets[row + 1] - c->offsets[row]}, style, o, out);
}

static fn_status read(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    (void)type;
    return type_string.read(ctx, in, fn_type_simple(FN_T_STRING), style, o, out);
}

const fn_type_class type_aggregate_function = {.name = "AggregateFunction", .make = make_state, .write = write, .read = read, .about = "The intermediate state of an aggregate function."};
const fn_type_class type_simple_aggregate_function = {.name = "SimpleAggregateFunction", .make = make_simple, .write = write, .read = read,
                                                      .about = "A value that merges combine by an aggregate function."};
