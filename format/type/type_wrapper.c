/* type_wrapper.c - Nullable, LowCardinality, Nothing, Interval and types of expressions: text is that of what they wrap.
 * SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include "type/type_text.h"

static fn_status make_nullable(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    const fn_type *inner;
    FN_TRY(type_arg_count(ctx, args, class->name, 1, 1));
    FN_TRY(type_arg_type(ctx, args, class->name, 0, &inner));
    if (!fn_type_can_be_nullable(inner)) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Nested type %s cannot be inside Nullable type", inner->name);
    *out = *fn_type_nullable(inner);
    return FN_OK;
}

static fn_status make_low_cardinality(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    const fn_type *inner;
    FN_TRY(type_arg_count(ctx, args, class->name, 1, 1));
    FN_TRY(type_arg_type(ctx, args, class->name, 0, &inner));
    const fn_type *base = fn_type_strip_nullable(inner);
    if (!fn_type_is_string(base) && !fn_type_is_number(base) && !fn_type_is_date_or_time(base) && base->id != FN_T_UUID && base->id != FN_T_IPV4 && base->id != FN_T_IPV6)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "DataTypeLowCardinality is supported only for numbers, strings, Date or DateTime, but got %s", inner->name);
    *out = *fn_type_low_cardinality(inner);
    return FN_OK;
}

static fn_status make_nothing(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    (void)class;
    return type_make_simple(ctx, FN_T_NOTHING, args, out);
}

static fn_status make_interval(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    FN_TRY(type_arg_count(ctx, args, class->name, 0, 0));
    *out = *fn_type_interval((fn_interval_unit)(class - type_intervals));
    return FN_OK;
}

static fn_status write_inner(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    return fn_type_base(c->type)->class->write(ctx, c, row, style, o, out);
}

static fn_status read_inner(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    return fn_type_base(type)->class->read(ctx, in, type, style, o, out);
}

static fn_status write_nothing(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    (void)c, (void)row, (void)style, (void)o;
    return fn_buf_cstr(ctx, out, "");
}

static fn_status read_nothing(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    (void)in, (void)style, (void)o, (void)out;
    return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Values of type %s cannot be read", type->name);
}

static fn_status write_interval(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    (void)style, (void)o;
    return fn_buf_i64(ctx, out, fn_load_i64(c->values + 8 * row));
}

static fn_status read_interval(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    (void)type;
    return type_int64.read(ctx, in, fn_type_simple(FN_T_INT64), style, o, out);
}

const fn_type_class type_nullable = {.name = "Nullable", .make = make_nullable, .write = write_inner, .read = read_inner, .about = "A value or NULL."};
const fn_type_class type_low_cardinality = {.name = "LowCardinality", .make = make_low_cardinality, .write = write_inner, .read = read_inner,
                                            .about = "A value stored as a code into a dictionary."};
const fn_type_class type_nothing = {.name = "Nothing", .make = make_nothing, .write = write_nothing, .read = read_nothing, .about = "The type of no value: NULL is Nullable(Nothing)."};
const fn_type_class type_function = {.name = "Function", .make = make_nothing, .write = write_nothing, .read = read_nothing, .about = "A lambda."};
const fn_type_class type_set = {.name = "Set", .make = make_nothing, .write = write_nothing, .read = read_nothing, .about = "The right side of IN."};
#define INTERVAL(unit) {.name = "Interval" unit, .make = make_interval, .write = write_interval, .read = read_interval, .about = "A number of calendar units."}
const fn_type_class type_intervals[11] = {INTERVAL("Nanosecond"), INTERVAL("Microsecond"), INTERVAL("Millisecond"), INTERVAL("Second"),
                                          INTERVAL("Minute"),     INTERVAL("Hour"),        INTERVAL("Day"),         INTERVAL("Week"),
                                          INTERVAL("Month"),      INTERVAL("Quarter"),     INTERVAL("Year")};
