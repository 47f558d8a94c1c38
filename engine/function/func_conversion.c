/* func_conversion.c - CAST and its kin, to<Type>, to<Type>OrNull/OrZero/OrDefault, toString, toFixedString, reinterpret*.
 * The to<Type> rows find their type by the function's name; the conversions are expr/convert.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/family.h"
#include <stdio.h>

typedef struct conversion {
    const fn_type *type;   /* with Nullable where it belongs */
    convert_mode mode;
    const fn_type *shown;  /* toDate(x, zone), toString(x, zone): the argument with that zone; NULL: as it is */
} conversion;

static fn_status set_data(fn_ctx *ctx, func_call *call, const fn_type *type, convert_mode mode)
{
    conversion *d = FN_NEW(ctx, conversion);
    FN_TRY_PTR(ctx, d);
    d->type = type;
    d->mode = mode;
    call->data = d;
    call->type = type;
    return FN_OK;
}

/* ---- CAST(x, 'T') ---- */

static fn_status cast_type(fn_ctx *ctx, const func_call *call, const fn_type **out)
{
    fn_str name;
    FN_TRY(func_const_str(ctx, call, 1, &name));
    return fn_type_parse(ctx, name, out);
}

/* What accurateCastOrNull gives. */
static fn_status need_nullable(fn_ctx *ctx, const fn_type *to, const fn_type **out)
{
    *out = fn_type_nullable(to);
    if (fn_type_can_be_nullable(fn_type_strip_nullable(to)) && to->id != FN_T_LOW_CARDINALITY) return FN_OK;
    return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Type %s is not supported for accurateCastOrNull because it cannot be inside Nullable", to->name);
}

static fn_status bind_cast_mode(fn_ctx *ctx, func_call *call, convert_mode mode)
{
    const fn_type *to, *from = call->arg_types[0];
    FN_TRY(cast_type(ctx, call, &to));
    if (mode == CONVERT_CAST && settings_of(ctx)->cast_keep_nullable && fn_type_is_nullable(from)) to = fn_type_nullable(to);
    if (mode == CONVERT_OR_NULL) FN_TRY(need_nullable(ctx, to, &to));
    if (fn_type_base(from)->id == FN_T_NOTHING && fn_type_is_nullable(from) && !fn_type_is_nullable(to))
        return fn_fail(ctx, FN_CANNOT_CONVERT_TYPE, "Cannot convert NULL to a non-nullable type");
    FN_TRY(expr_convertible(ctx, from, to));
    return set_data(ctx, call, to, mode);
}

static fn_status bind_cast(fn_ctx *ctx, func_call *call)
{
    return bind_cast_mode(ctx, call, CONVERT_CAST);
}

static fn_status bind_accurate(fn_ctx *ctx, func_call *call)
{
    return bind_cast_mode(ctx, call, CONVERT_ACCURATE);
}

static fn_status bind_accurate_or_null(fn_ctx *ctx, func_call *call)
{
    return bind_cast_mode(ctx, call, CONVERT_OR_NULL);
}

static fn_status eval_convert(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    const conversion *d = call->data;
    if (!d->shown) return expr_convert(ctx, args[0], d->type, d->mode, out);
    fn_column *shown = fn_column_retype(ctx, args[0], d->shown);
    FN_TRY_PTR(ctx, shown);
    const fn_status status = expr_convert(ctx, shown, d->type, d->mode, out);
    fn_column_drop(shown);
    return status;
}

/* NULLs of `c` (a conversion that may lose) replaced by the default value or argument `fallback`. */
static fn_status fill_default(fn_ctx *ctx, const fn_column *c, const fn_column *fallback, const fn_type *type, uint32_t rows, fn_column **out)
{
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, type));
    fn_status status = fn_builder_reserve(ctx, &b, rows);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        if (!fn_column_is_null(c, i)) status = fn_builder_copy(ctx, &b, c, i);
        else if (fallback) status = fn_builder_copy(ctx, &b, fallback, i);
        else status = fn_builder_default(ctx, &b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    return status;
}

static fn_status bind_accurate_or_default(fn_ctx *ctx, func_call *call)
{
    const fn_type *to, *nullable;
    FN_TRY(cast_type(ctx, call, &to));
    FN_TRY(need_nullable(ctx, to, &nullable));
    FN_TRY(expr_convertible(ctx, call->arg_types[0], to));
    return set_data(ctx, call, to, CONVERT_OR_NULL);
}

static fn_status eval_or_default(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const conversion *d = call->data;
    const bool scaled = d->type->id == FN_T_DECIMAL || d->type->id == FN_T_DATETIME64; /* the scale stands in front of the default */
    const uint32_t fallback_at = scaled || strncmp(call->def->name, "accurate", 8) == 0 || call->arg_count > 2 ? 2 : 1;
    fn_column *c = NULL, *fallback = NULL;
    fn_status status = expr_convert(ctx, args[0], fn_type_nullable(d->type), d->mode, &c);
    if (status == FN_OK && call->arg_count > fallback_at) status = expr_convert(ctx, args[fallback_at], d->type, CONVERT_CAST, &fallback);
    if (status == FN_OK) status = fill_default(ctx, c, fallback, d->type, rows, out);
    fn_column_drop(c);
    fn_column_drop(fallback);
    return status;
}

/* ---- to<Type> by name ---- */

typedef struct name_type {
    const char *name;
    fn_type_id id;
    uint8_t digits; /* Decimal: precision */
} name_type;
static const name_type name_types[] = {
    {"UInt8", FN_T_UINT8, 0},     {"UInt16", FN_T_UINT16, 0},   {"UInt32", FN_T_UINT32, 0},   {"UInt64", FN_T_UINT64, 0},   {"UInt128", FN_T_UINT128, 0},
    {"UInt256", FN_T_UINT256, 0}, {"Int8", FN_T_INT8, 0},       {"Int16", FN_T_INT16, 0},     {"Int32", FN_T_INT32, 0},     {"Int64", FN_T_INT64, 0},
    {"Int128", FN_T_INT128, 0},   {"Int256", FN_T_INT256, 0},   {"Float32", FN_T_FLOAT32, 0}, {"Float64", FN_T_FLOAT64, 0}, {"Bool", FN_T_BOOL, 0},
    {"String", FN_T_STRING, 0},   {"Date", FN_T_DATE, 0},       {"Date32", FN_T_DATE32, 0},   {"DateTime", FN_T_DATETIME, 0}, {"DateTime32", FN_T_DATETIME, 0},
    {"DateTime64", FN_T_DATETIME64, 0}, {"UUID", FN_T_UUID, 0}, {"IPv4", FN_T_IPV4, 0},       {"IPv6", FN_T_IPV6, 0},       {"Decimal32", FN_T_DECIMAL, 9},
    {"Decimal64", FN_T_DECIMAL, 18}, {"Decimal128", FN_T_DECIMAL, 38}, {"Decimal256", FN_T_DECIMAL, 76},
};

static const name_type *type_of_name(const char *function, const char *suffix)
{
    fn_str name = fn_cstr(function + 2);
    if (*suffix && fn_str_ends(name, fn_cstr(suffix))) name.size -= strlen(suffix);
    for (size_t i = 0; i < FN_COUNT(name_types); i++)
        if (fn_str_eq(fn_cstr(name_types[i].name), name)) return &name_types[i];
    return NULL;
}

static fn_status const_scale(fn_ctx *ctx, const func_call *call, uint32_t i, unsigned max, unsigned *out)
{
    fn_column *c;
    FN_TRY(func_need_const(ctx, call, i, &c));
    if (!fn_type_is_integer(c->type) || fn_column_u64_at(c, 0) > max)
        return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Scale of function %s is out of bound: it must be a constant from 0 to %u", call->def->name, max);
    *out = (unsigned)fn_column_u64_at(c, 0);
    return FN_OK;
}

static fn_status const_zone(fn_ctx *ctx, const func_call *call, uint32_t i, const fn_tz **out)
{
    fn_str name;
    *out = NULL;
    if (i >= call->arg_count) return FN_OK;
    FN_TRY(func_const_str(ctx, call, i, &name));
    if (!name.size) return FN_OK;
    *out = fn_tz_find(name);
    return *out ? FN_OK : fn_fail(ctx, FN_BAD_ARGUMENTS, "Cannot load time zone " FN_STR_FMT, FN_STR_ARG(name));
}

/* The type a to<Type> row gives, with its scale and zone arguments. */
static fn_status named_type(fn_ctx *ctx, const func_call *call, const char *suffix, const fn_type **out)
{
    const name_type *n = type_of_name(call->def->name, suffix);
    FN_ASSERT(n != NULL);
    unsigned scale = 3;
    const fn_tz *tz = NULL;
    if (n->digits) {
        if (call->arg_count < 2) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function %s expects 2 arguments", call->def->name);
        FN_TRY(const_scale(ctx, call, 1, n->digits, &scale));
        *out = fn_type_decimal(n->digits, scale);
    } else if (n->id == FN_T_DATETIME64) {
        if (call->arg_count > 1) FN_TRY(const_scale(ctx, call, 1, 9, &scale));
        FN_TRY(const_zone(ctx, call, 2, &tz));
        *out = fn_type_datetime64(scale, tz ? tz : fn_type_is_date_or_time(call->arg_types[0]) ? call->arg_types[0]->timezone : NULL);
    } else if (n->id == FN_T_DATETIME) {
        FN_TRY(const_zone(ctx, call, 1, &tz));
        *out = fn_type_datetime(tz ? tz : fn_type_is_date_or_time(call->arg_types[0]) ? call->arg_types[0]->timezone : NULL);
    } else {
        *out = fn_type_simple(n->id);
    }
    return FN_OK;
}

/* The zone argument of toDate, toDate32 and toString: times are read in that zone. */
static fn_status show_in_zone(fn_ctx *ctx, const func_call *call, const fn_type *from)
{
    conversion *d = call->data;
    const fn_tz *tz = NULL;
    FN_TRY(const_zone(ctx, call, 1, &tz));
    if (from->id == FN_T_DATETIME) d->shown = fn_type_datetime(tz);
    else if (from->id == FN_T_DATETIME64) d->shown = fn_type_datetime64(from->scale, tz);
    return FN_OK;
}

static fn_status bind_to(fn_ctx *ctx, func_call *call)
{
    const fn_type *type;
    FN_TRY(named_type(ctx, call, "", &type));
    const fn_type *from = call->arg_types[0];
    const bool container = from->id == FN_T_ARRAY || from->id == FN_T_TUPLE || from->id == FN_T_MAP;
    if (container && type->id != FN_T_STRING) return func_illegal(ctx, call);
    FN_TRY(expr_convertible(ctx, from, type));
    FN_TRY(set_data(ctx, call, type, CONVERT_CAST));
    const bool zoned = type->id == FN_T_DATE || type->id == FN_T_DATE32 || type->id == FN_T_STRING;
    return zoned && call->arg_count > 1 ? show_in_zone(ctx, call, from) : FN_OK;
}

static fn_status need_string(fn_ctx *ctx, const func_call *call)
{
    if (fn_type_is_string(call->arg_types[0])) return FN_OK;
    return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of first argument of function %s. Conversion functions with postfix 'OrZero' or 'OrNull' should take String argument", call->arg_types[0]->name, call->def->name);
}

static fn_status bind_or_zero(fn_ctx *ctx, func_call *call)
{
    const fn_type *type;
    FN_TRY(need_string(ctx, call));
    FN_TRY(named_type(ctx, call, "OrZero", &type));
    return set_data(ctx, call, type, CONVERT_OR_ZERO);
}

static fn_status bind_or_null(fn_ctx *ctx, func_call *call)
{
    const fn_type *type;
    FN_TRY(need_string(ctx, call));
    FN_TRY(named_type(ctx, call, "OrNull", &type));
    return set_data(ctx, call, fn_type_nullable(type), CONVERT_TEXT_OR_NULL);
}

static fn_status bind_or_default(fn_ctx *ctx, func_call *call)
{
    const name_type *n = type_of_name(call->def->name, "OrDefault");
    const fn_type *type;
    unsigned scale = 3;
    if (n->digits || n->id == FN_T_DATETIME64) {
        if (call->arg_count > 1) FN_TRY(const_scale(ctx, call, 1, n->digits ? n->digits : 9, &scale));
        type = n->digits ? fn_type_decimal(n->digits, scale) : fn_type_datetime64(scale, NULL);
    } else {
        type = fn_type_simple(n->id);
    }
    return set_data(ctx, call, type, CONVERT_OR_NULL);
}

static fn_status bind_fixed_string(fn_ctx *ctx, func_call *call)
{
    fn_column *n;
    if (!fn_type_is_string(call->arg_types[0])) return func_illegal(ctx, call);
    FN_TRY(func_need_const(ctx, call, 1, &n));
    if (!fn_type_is_integer(n->type) || fn_column_i64_at(n, 0) <= 0 || fn_column_i64_at(n, 0) > 0xffffff)
        return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "The size of toFixedString must be a constant from 1 to 16777215");
    return set_data(ctx, call, fn_type_fixed_string((uint32_t)fn_column_i64_at(n, 0)), CONVERT_CAST);
}

static fn_status bind_low_cardinality(fn_ctx *ctx, func_call *call)
{
    return set_data(ctx, call, fn_type_low_cardinality(call->arg_types[0]), CONVERT_CAST);
}

/* ---- reinterpret ---- */

static fn_status bind_reinterpret(fn_ctx *ctx, func_call *call)
{
    const fn_type *from = call->arg_types[0];
    if (!from->width && from->phys != FN_PHYS_STRING) return func_illegal(ctx, call);
    if (strcmp(call->def->name, "reinterpret") == 0) {
        fn_str name;
        FN_TRY(func_const_str(ctx, call, 1, &name));
        FN_TRY(fn_type_parse(ctx, name, &call->type));
    } else if (strcmp(call->def->name, "reinterpretAsFixedString") == 0) {
        if (!from->width) return func_illegal(ctx, call);
        call->type = fn_type_fixed_string(from->width);
    } else {
        char to[32];
        (void)snprintf(to, sizeof to, "to%s", call->def->name + strlen("reinterpretAs"));
        const name_type *n = type_of_name(to, "");
        FN_ASSERT(n != NULL);
        call->type = fn_type_simple(n->id);
    }
    if (!call->type->width && call->type->phys != FN_PHYS_STRING) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Cannot reinterpret as %s", call->type->name);
    return FN_OK;
}

static fn_status eval_reinterpret(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_column *a = args[0];
    const fn_type *to = call->type;
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, to));
    fn_status status = fn_builder_reserve(ctx, &b, rows);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        fn_str s = a->type->phys == FN_PHYS_STRING ? fn_column_str_at(a, i) : (fn_str){(const char *)fn_column_fixed_at(a, i), a->type->width};
        if (to->phys == FN_PHYS_STRING) {
            while (s.size && s.data[s.size - 1] == 0 && a->type->phys != FN_PHYS_STRING && a->type->phys != FN_PHYS_FIXED) s.size--;
            status = fn_builder_str(ctx, &b, s);
        } else {
            uint8_t *p;
            status = fn_buf_reserve(ctx, &b.values, to->width);
            if (status != FN_OK) break;
            p = (uint8_t *)b.values.data + b.values.size;
            memset(p, 0, to->width);
            memcpy(p, s.data, FN_MIN(s.size, (size_t)to->width));
            b.values.size += to->width;
            b.rows++;
        }
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    return status;
}

/* in: text of an example, out: what it gives, zero: the type's default; more: further arguments. */
#define TO(type, lo, hi, what, in, more, out, zero)                                                                                                 \
    {.name = "to" #type, .args_min = lo, .args_max = hi, .bind = bind_to, .eval = eval_convert, .about = "Converts to " what ".", .example = "to" #type "('" in "'" more ")", .gives = out}, \
    {.name = "to" #type "OrZero", .args_min = lo, .args_max = hi, .bind = bind_or_zero, .eval = eval_convert, .about = "Converts a string to " what "; 0 where it is not one.", .example = "to" #type "OrZero('?'" more ")", .gives = zero}, \
    {.name = "to" #type "OrNull", .args_min = lo, .args_max = hi, .bind = bind_or_null, .eval = eval_convert, .about = "Converts a string to " what "; NULL where it is not one.", .example = "to" #type "OrNull('?'" more ")", .gives = "NULL"}, \
    {.name = "to" #type "OrDefault", .args_min = 1, .args_max = (hi) + 1, .flags = FUNC_OWN_NULLS, .bind = bind_or_default, .eval = eval_or_default, .about = "Converts to " what "; the default where that is not possible.", .example = "to" #type "OrDefault('?'" more ")", .gives = zero}
#define TO_NUMBER(type, what)    TO(type, 1, 1, what, "1", "", "1", "0")
#define TO_DECIMAL(type, what)   TO(type, 2, 2, what, "1.5", ", 2", "1.5", "0")
#define REINTERPRET(type, in, out)                                                                                                                  \
    {.name = "reinterpretAs" #type, .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_reinterpret, .eval = eval_reinterpret, .about = "The bytes of the value read as " #type ".", .example = "reinterpretAs" #type "(" in ")", .gives = out}
#define REINTERPRET_INTEGER(type) REINTERPRET(type, "'a'", "97")

static const func_def rows_[] = {
    {.name = "CAST", .args_min = 2, .args_max = 2, .flags = FUNC_OWN_NULLS | FUNC_CASE_INSENSITIVE | FUNC_NO_LOW_CARDINALITY, .bind = bind_cast, .eval = eval_convert, .about = "Converts a value to the named type.", .example = "CAST('1', 'UInt8')", .gives = "1"},
    {.name = "_CAST", .args_min = 2, .args_max = 2, .flags = FUNC_OWN_NULLS | FUNC_INTERNAL | FUNC_NO_LOW_CARDINALITY, .bind = bind_cast, .eval = eval_convert, .about = "CAST as the planner uses it.", .example = "_CAST('1', 'UInt8')", .gives = "1"},
    {.name = "accurateCast", .args_min = 2, .args_max = 2, .flags = FUNC_OWN_NULLS | FUNC_NO_LOW_CARDINALITY, .bind = bind_accurate, .eval = eval_convert, .about = "As CAST, failing where a value would change.", .example = "accurateCast(1, 'UInt8')", .gives = "1"},
    {.name = "accurateCastOrNull", .args_min = 2, .args_max = 2, .flags = FUNC_OWN_NULLS | FUNC_NO_LOW_CARDINALITY, .bind = bind_accurate_or_null, .eval = eval_convert, .about = "As CAST, NULL where a value would change.", .example = "accurateCastOrNull(300, 'UInt8')", .gives = "NULL"},
    {.name = "accurateCastOrDefault", .args_min = 2, .args_max = 3, .flags = FUNC_OWN_NULLS | FUNC_NO_LOW_CARDINALITY, .bind = bind_accurate_or_default, .eval = eval_or_default, .about = "As CAST, the default where a value would change.", .example = "accurateCastOrDefault(300, 'UInt8')", .gives = "0"},
    TO_NUMBER(UInt8, "an unsigned integer of 8 bits"), TO_NUMBER(UInt16, "an unsigned integer of 16 bits"), TO_NUMBER(UInt32, "an unsigned integer of 32 bits"),
    TO_NUMBER(UInt64, "an unsigned integer of 64 bits"), TO_NUMBER(UInt128, "an unsigned integer of 128 bits"), TO_NUMBER(UInt256, "an unsigned integer of 256 bits"),
    TO_NUMBER(Int8, "an integer of 8 bits"), TO_NUMBER(Int16, "an integer of 16 bits"), TO_NUMBER(Int32, "an integer of 32 bits"), TO_NUMBER(Int64, "an integer of 64 bits"),
    TO_NUMBER(Int128, "an integer of 128 bits"), TO_NUMBER(Int256, "an integer of 256 bits"), TO_NUMBER(Float32, "a float of 32 bits"), TO_NUMBER(Float64, "a float of 64 bits"),
    TO(Date, 1, 2, "a date", "2024-02-29", "", "2024-02-29", "1970-01-01"), TO(Date32, 1, 2, "a date of the wide range", "2024-02-29", "", "2024-02-29", "1970-01-01"), TO(DateTime, 1, 2, "a date with time", "2024-02-29 01:02:03", "", "2024-02-29 01:02:03", "1970-01-01 00:00:00"), TO(DateTime64, 1, 3, "a date with time and fraction", "2024-02-29 01:02:03.5", "", "2024-02-29 01:02:03.500", "1970-01-01 00:00:00.000"),
    TO(UUID, 1, 1, "a UUID", "00000000-0000-0000-0000-000000000001", "", "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000000"), TO(IPv4, 1, 1, "an IPv4 address", "127.0.0.1", "", "127.0.0.1", "0.0.0.0"), TO(IPv6, 1, 1, "an IPv6 address", "::1", "", "::1", "::"), TO_DECIMAL(Decimal32, "a decimal of 9 digits"),
    TO_DECIMAL(Decimal64, "a decimal of 18 digits"), TO_DECIMAL(Decimal128, "a decimal of 38 digits"), TO_DECIMAL(Decimal256, "a decimal of 76 digits"),
    {.name = "toBool", .args_min = 1, .args_max = 1, .bind = bind_to, .eval = eval_convert, .about = "Converts to Bool.", .example = "toBool('true')", .gives = "true"},
    {.name = "toString", .args_min = 1, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_to, .eval = eval_convert, .about = "The value as text.", .example = "toString(1)", .gives = "1"},
    {.name = "toDateTime32", .args_min = 1, .args_max = 2, .bind = bind_to, .eval = eval_convert, .about = "Converts to DateTime.", .example = "toDateTime32('2020-01-01 00:00:00')", .gives = "2020-01-01 00:00:00"},
    {.name = "toFixedString", .args_min = 2, .args_max = 2, .bind = bind_fixed_string, .eval = eval_convert, .about = "The string padded with zero bytes to a fixed size.", .example = "hex(toFixedString('ab', 3))", .gives = "616200"},
    {.name = "toLowCardinality", .args_min = 1, .args_max = 1, .flags = FUNC_OWN_NULLS | FUNC_OWN_DICT | FUNC_PER_ENTRY, .bind = bind_low_cardinality, .eval = eval_convert, .about = "The value as LowCardinality.", .example = "toLowCardinality('a')", .gives = "a"},
    {.name = "reinterpret", .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_reinterpret, .eval = eval_reinterpret, .about = "The bytes of the value read as another type.", .example = "reinterpret(toInt8(-1), 'UInt8')", .gives = "255"},
    REINTERPRET_INTEGER(UInt8), REINTERPRET_INTEGER(UInt16), REINTERPRET_INTEGER(UInt32), REINTERPRET_INTEGER(UInt64), REINTERPRET_INTEGER(UInt128), REINTERPRET_INTEGER(UInt256), REINTERPRET_INTEGER(Int8), REINTERPRET_INTEGER(Int16),
    REINTERPRET_INTEGER(Int32), REINTERPRET_INTEGER(Int64), REINTERPRET_INTEGER(Int128), REINTERPRET_INTEGER(Int256), REINTERPRET(Float32, "toUInt32(1065353216)", "1"), REINTERPRET(Float64, "toUInt64(4607182418800017408)", "1"), REINTERPRET(Date, "'a'", "1970-04-08"), REINTERPRET(DateTime, "'a'", "1970-01-01 00:01:37"),
    REINTERPRET(String, "toUInt8(97)", "a"), REINTERPRET(UUID, "'a'", "00000000-0000-0000-0000-000000000061"), REINTERPRET(FixedString, "toUInt16(24930)", "ba"),
};
const func_family func_family_conversion = FUNC_FAMILY("type conversion", rows_);
