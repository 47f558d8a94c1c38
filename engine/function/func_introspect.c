/* func_introspect.c - functions about values and their types rather than their contents: toTypeName, materialize, identity, ignore,
 * isConstant, byteSize, dumpColumnStructure, throwIf, sleep, bar, defaultValueOf*, errorCodeToName.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include <math.h>
#include <time.h>

enum { SEES_ALL = FUNC_OWN_NULLS | FUNC_OWN_DICT | FUNC_OWN_LOW_CARDINALITY | FUNC_NO_LOW_CARDINALITY };

static fn_status give_text(fn_ctx *ctx, const func_call *call, fn_str text, uint32_t rows, fn_column **out)
{
    *out = fn_column_const_str(ctx, call->type, text, rows);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

/* ---- types ---- */
/* A field's name as it stands in a type: in back quotes unless it is an identifier. */
static fn_status put_field_name(fn_ctx *ctx, const char *name, fn_buf *to)
{
    bool plain = *name && !(*name >= '0' && *name <= '9');
    for (const char *p = name; *p; p++) plain &= (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_';
    if (plain) return fn_buf_cstr(ctx, to, name);
    FN_TRY(fn_buf_byte(ctx, to, '`'));
    for (const char *p = name; *p; p++) {
        if (*p == '`' || *p == '\\') FN_TRY(fn_buf_byte(ctx, to, '\\'));
        FN_TRY(fn_buf_byte(ctx, to, *p));
    }
    return fn_buf_byte(ctx, to, '`');
}

/* The type's name with the fields of named tuples on lines of their own, as ClickHouse shows it. */
static fn_status put_pretty(fn_ctx *ctx, const fn_type *t, unsigned depth, fn_buf *to)
{
    const char *open = t->id == FN_T_TUPLE ? "Tuple(" : t->id == FN_T_ARRAY ? "Array(" : t->id == FN_T_MAP ? "Map(" : NULL;
    if (!open || !fn_str_starts(fn_cstr(t->name), fn_cstr(open)) || !strstr(t->name, "Tuple(") || depth > 200) return fn_buf_cstr(ctx, to, t->name);
    FN_TRY(fn_buf_cstr(ctx, to, open));
    for (uint32_t i = 0; i < t->arg_count; i++) {
        if (t->arg_names) {
            FN_TRY(fn_buf_printf(ctx, to, "%s%*s", i ? ",\n" : "\n", (int)(4 * (depth + 1)), ""));
            FN_TRY(put_field_name(ctx, t->arg_names[i], to));
            FN_TRY(fn_buf_byte(ctx, to, ' '));
        } else if (i) {
            FN_TRY(fn_buf_cstr(ctx, to, ", "));
        }
        FN_TRY(put_pretty(ctx, t->args[i], depth + (t->arg_names != NULL), to));
    }
    return fn_buf_byte(ctx, to, ')');
}

static fn_status eval_type_name(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    fn_buf text = FN_BUF_INIT;
    fn_status status = put_pretty(ctx, call->arg_types[0], 0, &text);
    if (status == FN_OK) status = give_text(ctx, call, fn_buf_view(&text), rows, out);
    fn_buf_release(&text);
    return status;
}
static fn_status bind_enum_size(fn_ctx *ctx, func_call *call)
{
    if (call->arg_types[0]->id != FN_T_ENUM8 && call->arg_types[0]->id != FN_T_ENUM16) return func_illegal(ctx, call);
    call->type = fn_type_simple(FN_T_UINT8);
    return FN_OK;
}
static fn_status eval_enum_size(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    *out = fn_column_const_u64(ctx, call->type, call->arg_types[0]->enum_count, rows);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}
static fn_status bind_same(fn_ctx *ctx, func_call *call)
{
    (void)ctx;
    call->type = call->arg_types[0];
    return FN_OK;
}
static fn_status eval_default(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    *out = fn_column_default(ctx, call->type, rows);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}
static fn_status bind_default_of(fn_ctx *ctx, func_call *call)
{
    fn_str name;
    if (!fn_type_is_string(call->arg_types[0])) return func_illegal(ctx, call);
    FN_TRY(func_const_str(ctx, call, 0, &name));
    return fn_type_parse(ctx, name, &call->type);
}

/* The physical form as text: "String, Const(size = 1, String(size = 1))". */
static fn_status eval_structure(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const char *base = fn_type_base(call->arg_types[0])->name;
    const char *name = call->arg_types[0]->name;
    fn_buf text = FN_BUF_INIT;
    fn_status status = args[0]->shape == FN_CONST ? fn_buf_printf(ctx, &text, "%s, Const(size = %u, %s(size = 1))", name, rows, base)
                                                  : fn_buf_printf(ctx, &text, "%s, %s(size = %u)", name, base, rows);
    if (status == FN_OK) status = give_text(ctx, call, fn_buf_view(&text), rows, out);
    fn_buf_release(&text);
    return status;
}

/* ---- identity ---- */
static fn_status eval_materialize(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)call;
    (void)rows;
    *out = args[0]->shape == FN_CONST ? fn_column_flatten(ctx, args[0]) : fn_column_ref(args[0]);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}
static fn_status eval_identity(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)ctx;
    (void)call;
    (void)rows;
    *out = fn_column_ref(args[0]);
    return FN_OK;
}
static fn_status eval_zero(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    *out = fn_column_const_u64(ctx, call->type, 0, rows);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}
static fn_status eval_is_constant(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    *out = fn_column_const_u64(ctx, call->type, call->consts[0] != NULL, rows);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

/* ---- byteSize: bytes of the value uncompressed in memory ---- */
static uint64_t byte_size(const fn_column *c, size_t row)
{
    const bool nullable = fn_type_is_nullable(c->type);
    uint64_t size = nullable ? 1 : 0;
    c = fn_column_at(c, &row);
    const fn_type *t = fn_type_base(c->type);
    uint32_t first, count;
    switch (t->phys) {
    case FN_PHYS_STRING: return size + fn_column_str_at(c, row).size + 8;
    case FN_PHYS_ARRAY:
        c = fn_column_items_at(c, row, &first, &count);
        size += 8;
        for (uint32_t i = 0; i < count; i++) size += byte_size(c, first + i);
        return size;
    case FN_PHYS_TUPLE:
        for (uint32_t i = 0; i < c->kid_count; i++) size += byte_size(c->kids[i], row);
        return size;
    case FN_PHYS_NOTHING: return size;
    case FN_PHYS_U8: case FN_PHYS_U16: case FN_PHYS_U32: case FN_PHYS_U64: case FN_PHYS_U128: case FN_PHYS_U256:
    case FN_PHYS_I8: case FN_PHYS_I16: case FN_PHYS_I32: case FN_PHYS_I64: case FN_PHYS_I128: case FN_PHYS_I256:
    case FN_PHYS_F32: case FN_PHYS_F64: case FN_PHYS_FIXED: break;
    }
    return size + t->width;
}
static fn_status eval_byte_size(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        uint64_t size = 0;
        for (uint32_t k = 0; k < call->arg_count; k++) size += byte_size(args[k], i);
        fn_store_u64(values + 8 * i, size);
    }
    return FN_OK;
}

/* ---- throwIf ---- */
static fn_status bind_throw(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = fn_type_base(call->arg_types[0]);
    fn_str text;
    if (!fn_type_is_number(t) && t->id != FN_T_NOTHING) return func_illegal(ctx, call);
    if (call->arg_count > 1) FN_TRY(func_const_str(ctx, call, 1, &text));
    return func_bind_u8(ctx, call);
}
static bool is_true(const fn_column *c, size_t row)
{
    if (fn_column_is_null(c, row) || fn_type_base(c->type)->id == FN_T_NOTHING) return false;
    const fn_type *t = fn_type_base(c->type);
    const uint8_t *p = fn_column_fixed_at(c, row);
    uint8_t any = 0;
    for (uint32_t i = 0; i < t->width; i++) any |= (uint8_t)(fn_type_is_float(t) && i + 1 == t->width ? p[i] & 0x7F : p[i]);
    return any != 0;
}
static fn_status eval_throw(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    for (size_t i = 0; i < rows; i++) {
        if (!is_true(args[0], i)) continue;
        const fn_str text = call->arg_count > 1 ? fn_column_str_at(call->consts[1], 0) : FN_STR("Value passed to 'throwIf' function is non-zero");
        return fn_fail(ctx, FN_FUNCTION_THROW_IF_VALUE_IS_NON_ZERO, FN_STR_FMT, FN_STR_ARG(text));
    }
    return eval_zero(ctx, call, args, rows, out);
}

/* ---- sleep: at most three seconds per block, given up when the query is ---- */
static fn_status bind_sleep(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!fn_type_is_float(t) && !fn_type_is_unsigned(t)) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument of function %s, expected Float64", t->name, call->def->name);
    if (!call->consts[0]) return fn_fail(ctx, FN_ILLEGAL_COLUMN, "The argument of function %s must be constant.", call->def->name);
    const double seconds = fn_column_f64_at(call->consts[0], 0);
    if (!(seconds >= 0) || isinf(seconds)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Cannot sleep infinite or negative time (not implemented)");
    if (seconds > 3) return fn_fail(ctx, FN_TOO_SLOW, "The maximum sleep time is 3 seconds. Requested: %g", seconds);
    return func_bind_u8(ctx, call);
}
static fn_status eval_sleep(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const bool each = strcmp(call->def->name, "sleepEachRow") == 0;
    const double seconds = fn_column_f64_at(call->consts[0], 0) * (each ? rows : rows ? 1 : 0);
    if (seconds > 3) return fn_fail(ctx, FN_TOO_SLOW, "The maximum sleep time is 3 seconds. Requested: %g", seconds);
    const int64_t end = fn_clock_monotonic_ns() + (int64_t)(seconds * 1e9);
    for (int64_t left; (left = end - fn_clock_monotonic_ns()) > 0;) {
        FN_TRY(fn_ctx_check(ctx));
        const struct timespec nap = {0, (long)FN_MIN(left, 20000000)};
        (void)nanosleep(&nap, NULL);
    }
    return eval_zero(ctx, call, args, rows, out);
}

/* ---- bar ---- */
static fn_status bind_bar(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "n"));
    if (call->arg_count > 3) {
        fn_column *width;
        FN_TRY(func_need_const(ctx, call, 3, &width));
        const double w = fn_column_f64_at(width, 0);
        if (w < 1) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Max_width argument must be >= 1.");
        if (w > 1000) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Too large max_width.");
    }
    return func_bind_string(ctx, call);
}
static fn_status row_bar(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    static const char *const parts[8] = {"", "\u258F", "\u258E", "\u258D", "\u258C", "\u258B", "\u258A", "\u2589"};
    const double x = fn_column_f64_at(args[0], row), low = fn_column_f64_at(args[1], row), high = fn_column_f64_at(args[2], row);
    const double width = call->arg_count > 3 ? fn_column_f64_at(args[3], row) : 80;
    if (!(x > low) || !(high > low)) return FN_OK;
    const double length = x >= high ? width : (x - low) * width / (high - low);
    const unsigned whole = (unsigned)length, eighths = (unsigned)((length - whole) * 8);
    for (unsigned i = 0; i < whole; i++) FN_TRY(fn_buf_cstr(ctx, to, "\u2588"));
    return fn_buf_cstr(ctx, to, parts[eighths & 7]);
}
TEXT_EVAL(eval_bar, text_rows, row_bar)

/* ---- errorCodeToName ---- */
static fn_status bind_error_name(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "i"));
    call->type = fn_type_low_cardinality(fn_type_simple(FN_T_STRING));
    return FN_OK;
}
static fn_status value_error_name(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    (void)call;
    const int64_t code = fn_column_i64_at(args[0], row);
    const char *name = code == 0 ? "OK" : code > 0 && code <= INT32_MAX ? fn_error_name((fn_status)code) : "";
    return fn_builder_str(ctx, to, strcmp(name, "UNKNOWN_EXCEPTION") == 0 && code != FN_UNKNOWN_EXCEPTION ? FN_STR("") : fn_cstr(name));
}
TEXT_EVAL(eval_error_name, value_rows, value_error_name)

static const func_def rows_[] = {
    {.name = "toTypeName", .args_min = 1, .args_max = 1, .flags = SEES_ALL, .bind = func_bind_string, .eval = eval_type_name,
     .about = "The name of the argument's type.", .example = "toTypeName(1)", .gives = "UInt8"},
    {.name = "materialize", .args_min = 1, .args_max = 1, .flags = SEES_ALL | FUNC_NONDETERMINISTIC, .bind = bind_same, .eval = eval_materialize,
     .about = "A constant as a full column.", .example = "materialize(1)", .gives = "1"},
    {.name = "identity", .args_min = 1, .args_max = 1, .flags = SEES_ALL, .bind = bind_same, .eval = eval_identity,
     .about = "The argument itself.", .example = "identity(1)", .gives = "1"},
    {.name = "ignore", .args_min = 0, .args_max = -1, .flags = SEES_ALL, .bind = func_bind_u8, .eval = eval_zero,
     .about = "0 for any arguments.", .example = "ignore(1, 2)", .gives = "0"},
    {.name = "isConstant", .args_min = 1, .args_max = 1, .flags = SEES_ALL, .bind = func_bind_u8, .eval = eval_is_constant,
     .about = "1 if the argument is a constant expression.", .example = "isConstant(1)", .gives = "1"},
    {.name = "byteSize", .args_min = 0, .args_max = -1, .flags = FUNC_OWN_NULLS | FUNC_NO_LOW_CARDINALITY, .bind = func_bind_u64, .eval = eval_byte_size,
     .about = "Bytes of the arguments in memory, uncompressed.", .example = "byteSize('abc')", .gives = "11"},
    {.name = "dumpColumnStructure", .args_min = 1, .args_max = 1, .flags = SEES_ALL, .bind = func_bind_string, .eval = eval_structure,
     .about = "Type and physical form of the argument.", .example = "dumpColumnStructure('a')", .gives = "String, Const(size = 1, String(size = 1))"},
    {.name = "throwIf", .args_min = 1, .args_max = 3, .flags = FUNC_OWN_NULLS | FUNC_NO_LOW_CARDINALITY, .bind = bind_throw, .eval = eval_throw,
     .about = "Fails with the message if the first argument is true somewhere; 0 otherwise.", .example = "throwIf(0, 'no')", .gives = "0"},
    {.name = "sleep", .args_min = 1, .args_max = 1, .flags = FUNC_NONDETERMINISTIC, .bind = bind_sleep, .eval = eval_sleep,
     .about = "Waits that many seconds (3 at most) per block of rows.", .example = "sleep(0)", .gives = "0"},
    {.name = "sleepEachRow", .args_min = 1, .args_max = 1, .flags = FUNC_NONDETERMINISTIC, .bind = bind_sleep, .eval = eval_sleep,
     .about = "Waits that many seconds (3 at most per block) for each row.", .example = "sleepEachRow(0)", .gives = "0"},
    {.name = "bar", .args_min = 3, .args_max = 4, .flags = FUNC_PER_ENTRY, .bind = bind_bar, .eval = eval_bar,
     .about = "A bar as long as x lies between min and max, width characters (80) for max.", .example = "bar(5, 0, 10, 4)", .gives = "██"},
    {.name = "defaultValueOfArgumentType", .args_min = 1, .args_max = 1, .flags = SEES_ALL, .bind = bind_same, .eval = eval_default,
     .about = "The default value of the argument's type.", .example = "defaultValueOfArgumentType(5)", .gives = "0"},
    {.name = "defaultValueOfTypeName", .args_min = 1, .args_max = 1, .bind = bind_default_of, .eval = eval_default,
     .about = "The default value of the named type.", .example = "defaultValueOfTypeName('UInt8')", .gives = "0"},
    {.name = "getSizeOfEnumType", .args_min = 1, .args_max = 1, .bind = bind_enum_size, .eval = eval_enum_size,
     .about = "Number of values of an Enum type.", .example = "getSizeOfEnumType(CAST('a', 'Enum8(\\'a\\' = 1)'))", .gives = "1"},
    {.name = "errorCodeToName", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_error_name, .eval = eval_error_name,
     .about = "The name of an error code.", .example = "errorCodeToName(60)", .gives = "UNKNOWN_TABLE"},
};
const func_family func_family_introspect = FUNC_FAMILY("other", rows_);
