/* bind_literal.c - literals and query parameters as constants with ClickHouse's types: the narrowest integer, Float64 for numbers
 * with a point and for integers beyond 64 bits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/convert.h"
#include "plan/bind.h"

static fn_status constant(binder *b, fn_column *c, expr **out)
{
    *out = expr_const(b->ctx, c);
    FN_TRY_PTR(b->ctx, *out);
    return FN_OK;
}

fn_status bind_string_const(binder *b, fn_str text, expr **out)
{
    return constant(b, fn_column_const_str(b->ctx, fn_type_simple(FN_T_STRING), text, 1), out);
}

/* The text read as a value of the type. */
fn_status bind_text_const(binder *b, fn_str text, const fn_type *type, fn_text_style style, expr **out)
{
    fn_text_options options;
    fn_builder builder;
    fn_column *c = NULL;
    expr_text_options(b->ctx, &options);
    FN_TRY(fn_builder_init(b->ctx, &builder, type));
    fn_text_in in = {text.data, text.data + text.size, text.data};
    fn_status status = fn_text_read(b->ctx, &in, type, style, &options, &builder);
    if (status == FN_OK && in.at != in.end) status = fn_fail(b->ctx, FN_BAD_QUERY_PARAMETER, "Value " FN_STR_FMT " cannot be parsed as %s", FN_STR_ARG(text), type->name);
    if (status == FN_OK) status = fn_builder_finish(b->ctx, &builder, &c);
    fn_builder_release(&builder);
    return status == FN_OK ? constant(b, c, out) : status;
}

/* A negative number in the narrowest signed type. */
static fn_status bind_negative(binder *b, int64_t v, expr **out)
{
    const fn_type_id id = v >= INT8_MIN ? FN_T_INT8 : v >= INT16_MIN ? FN_T_INT16 : v >= INT32_MIN ? FN_T_INT32 : FN_T_INT64;
    return constant(b, fn_column_const_u64(b->ctx, fn_type_simple(id), (uint64_t)v, 1), out);
}

static fn_status bind_float(binder *b, double v, expr **out)
{
    fn_buffer *values = fn_buffer_new(b->ctx, sizeof v);
    FN_TRY_PTR(b->ctx, values);
    fn_store_f64(values->data, v);
    return constant(b, fn_column_fixed(b->ctx, fn_type_simple(FN_T_FLOAT64), 1, values, NULL), out);
}

fn_status bind_literal(binder *b, const ast_expr *e, expr **out)
{
    switch ((ast_literal_kind)e->literal_kind) {
    case LITERAL_NULL: return constant(b, fn_column_null(b->ctx, fn_type_nullable(fn_type_simple(FN_T_NOTHING)), 1), out);
    case LITERAL_BOOL: return constant(b, fn_column_const_u64(b->ctx, fn_type_simple(FN_T_BOOL), e->u64 != 0, 1), out);
    case LITERAL_UINT:
        *out = expr_const_u64(b->ctx, e->u64);
        FN_TRY_PTR(b->ctx, *out);
        return FN_OK;
    case LITERAL_INT:
        if ((int64_t)e->u64 < 0) return bind_negative(b, (int64_t)e->u64, out);
        *out = expr_const_u64(b->ctx, e->u64);
        FN_TRY_PTR(b->ctx, *out);
        return FN_OK;
    case LITERAL_WIDE: return bind_text_const(b, e->text, fn_type_simple(FN_T_FLOAT64), FN_TEXT_PLAIN, out);
    case LITERAL_FLOAT: return bind_float(b, e->f64, out);
    case LITERAL_STRING: return bind_string_const(b, e->text, out);
    case LITERAL_DECIMAL: break;
    }
    return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "Decimal literals are not supported");
}

static fn_status parameter_text(binder *b, const ast_expr *e, fn_str *out)
{
    if (!b->world || !b->world->parameter)
        return fn_fail(b->ctx, FN_UNKNOWN_QUERY_PARAMETER, "Substitution `" FN_STR_FMT "` is not set", FN_STR_ARG(e->text));
    return b->world->parameter(b->world, b->ctx, e->text, out);
}

fn_status bind_parameter_name(binder *b, const ast_expr *e, fn_str *out)
{
    return parameter_text(b, e, out);
}

/* The value comes TSV-escaped, as over HTTP. */
fn_status bind_parameter(binder *b, const ast_expr *e, expr **out)
{
    fn_str text;
    const fn_type *type;
    FN_TRY(fn_type_parse(b->ctx, e->type_text, &type));
    const fn_status given = parameter_text(b, e, &text);
    if (given == FN_UNKNOWN_QUERY_PARAMETER && fn_type_is_nullable(type)) { /* not set is NULL */
        fn_error_clear(b->ctx);
        *out = expr_const(b->ctx, fn_column_null(b->ctx, type, 1));
        return *out ? FN_OK : b->ctx->error.code;
    }
    FN_TRY(given);
    const fn_status status = bind_text_const(b, text, type, FN_TEXT_ESCAPED, out);
    const bool number = fn_type_is_number(fn_type_base(type));
    if (status != FN_BAD_QUERY_PARAMETER && !(number && (status == FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED || status == FN_CANNOT_PARSE_NUMBER || status == FN_CANNOT_PARSE_TEXT)))
        return status;
    fn_error_clear(b->ctx);
    return fn_fail(b->ctx, FN_BAD_QUERY_PARAMETER, "Value " FN_STR_FMT " cannot be parsed as %s for query parameter '" FN_STR_FMT "' because it isn't parsed completely",
                   FN_STR_ARG(text), type->name, FN_STR_ARG(e->text));
}
