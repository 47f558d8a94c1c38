/* agg_parse.c - "quantiles(0.5, 0.9)": the text of an aggregate with its parameters, as types of states and arrayReduce name it.
 * Parameters are literals: numbers, quoted strings, arrays of them. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_state.h"

enum { PARAMS_MAX = 64 };

static void drop_column(void *column)
{
    fn_column_drop(column);
}
/* The type of a literal by its first characters; `end` is the next comma or the end. */
static const fn_type *literal_type(const char *at, const char *end)
{
    bool whole = true;
    if (at < end && *at == '\'') return fn_type_simple(FN_T_STRING);
    if (at < end && *at == '[') return fn_type_array(literal_type(at + 1, end));
    for (const char *p = at; p < end && *p != ',' && *p != ']'; p++) whole &= (*p >= '0' && *p <= '9') || *p == '-' || *p == ' ';
    return fn_type_simple(!whole ? FN_T_FLOAT64 : at < end && *at == '-' ? FN_T_INT64 : FN_T_UINT64);
}
static fn_status read_literal(fn_ctx *ctx, fn_text_in *in, fn_column **out)
{
    fn_builder b;
    fn_text_options options;
    fn_text_options_default(&options);
    const fn_type *type = literal_type(in->at, in->end);
    FN_TRY(fn_builder_init(ctx, &b, type));
    fn_status status = fn_text_read(ctx, in, type, FN_TEXT_QUOTED, &options, &b);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    if (status == FN_OK) status = fn_arena_defer(ctx, ctx->arena, drop_column, *out);
    return status;
}
static void skip_spaces(fn_text_in *in)
{
    while (in->at < in->end && *in->at == ' ') in->at++;
}

fn_status agg_parse(fn_ctx *ctx, fn_str text, fn_str *name, fn_column ***params, uint32_t *count)
{
    const char *open = text.size ? memchr(text.data, '(', text.size) : NULL;
    *name = open ? fn_str_trim((fn_str){text.data, (size_t)(open - text.data)}) : text;
    *count = 0;
    *params = FN_NEW_ARRAY(ctx, fn_column *, PARAMS_MAX);
    FN_TRY_PTR(ctx, *params);
    if (!open) return FN_OK;
    fn_text_in in = {open + 1, text.data + text.size - 1, open + 1};
    if (text.data[text.size - 1] != ')') return fn_fail(ctx, FN_BAD_ARGUMENTS, "Incorrect call of aggregate function: " FN_STR_FMT, FN_STR_ARG(text));
    skip_spaces(&in);
    while (in.at < in.end) {
        if (*count == PARAMS_MAX) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Too many parameters of aggregate function " FN_STR_FMT, FN_STR_ARG(*name));
        FN_TRY(read_literal(ctx, &in, &(*params)[*count]));
        ++*count;
        skip_spaces(&in);
        if (in.at < in.end && *in.at != ',') return fn_fail(ctx, FN_BAD_ARGUMENTS, "Incorrect call of aggregate function: " FN_STR_FMT, FN_STR_ARG(text));
        if (in.at < in.end) in.at++;
        skip_spaces(&in);
    }
    return FN_OK;
}

fn_status agg_bind_state(fn_ctx *ctx, const fn_type *state, agg_call **out)
{
    fn_str name;
    fn_column **params;
    uint32_t count;
    FN_ASSERT(state->id == FN_T_AGGREGATE_FUNCTION);
    FN_TRY(agg_parse(ctx, fn_cstr(state->function_name), &name, &params, &count));
    return agg_bind(ctx, name, state->args, state->arg_count, params, count, out);
}
