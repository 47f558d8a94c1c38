/* func_clock.c - times of the day and slots of time: toTime, toTime64, toTimeWithFixedDate, timeSlots, toInterval, addInterval,
 * subtractInterval. SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"
#include "function/date_view.h"

/* ---- toTime, toTime64 ---- */

static fn_status bind_time(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    const bool wide = strcmp(call->def->name, "toTime64") == 0;
    const fn_tz *named;
    int64_t scale = 0;
    FN_TRY(date_zone_arg(ctx, call, wide ? 2 : 1, &named));
    if (wide) {
        fn_column *c;
        FN_TRY(func_need_const(ctx, call, 1, &c));
        scale = fn_column_i64_at(c, 0);
        if (!fn_type_is_integer(c->type) || scale < 0 || scale > 9) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Scale %lld is out of bounds: it must be from 0 to 9", (long long)scale);
    }
    const char *name = wide ? fn_arena_printf(ctx, ctx->arena, "Time64(%lld)", (long long)scale) : "Time";
    FN_TRY_PTR(ctx, name);
    FN_TRY(fn_type_parse(ctx, fn_cstr(name), &call->type));
    if (fn_type_is_date_or_time(t)) call->data = (void *)(uintptr_t)(named ? named : expr_zone(ctx, t));
    else FN_TRY(expr_convertible(ctx, t, call->type));
    return FN_OK;
}

static fn_status eval_time(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_column *c = args[0];
    const int64_t unit = call->type->id == FN_T_TIME64 ? date_ticks(call->type->scale) : 1;
    uint8_t *values;
    date_view v;
    if (!call->data) return expr_convert(ctx, c, call->type, CONVERT_CAST, out);
    FN_TRY(date_view_open(ctx, c, call->data, DATE_SECONDS, rows, &v));
    *out = func_new_fixed(ctx, call->type, rows, &values);
    for (size_t i = 0; *out && i < rows; i++) {
        int64_t raw = v.seconds[i] * unit;
        if (c->type->id == FN_T_DATETIME64 && unit > 1) {
            const int64_t have = date_ticks(c->type->scale), ticks = fn_column_i64_at(c, i), rest = ticks - date_floor_div(ticks, have) * have;
            raw += unit >= have ? rest * (unit / have) : rest / (have / unit);
        }
        memcpy(values + i * call->type->width, &raw, call->type->width);
    }
    date_view_close(&v);
    return *out ? FN_OK : ctx->error.code;
}

/* The time of the day on 1970-01-02. */
static fn_status bind_fixed_date(fn_ctx *ctx, func_call *call)
{
    const fn_tz *named;
    if (!date_has_time(call->arg_types[0])) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal argument of type %s for function %s", call->arg_types[0]->name, call->def->name);
    FN_TRY(date_zone_arg(ctx, call, 1, &named));
    call->type = fn_type_datetime(named ? named : call->arg_types[0]->timezone);
    return FN_OK;
}

static fn_status eval_fixed_date(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_tz *tz = expr_zone(ctx, call->type);
    const int64_t midnight = fn_tz_instant(tz, 1970, 1, 2, 0, 0, 0);
    uint8_t *values;
    date_view v;
    FN_TRY(date_view_open(ctx, args[0], tz, DATE_SECONDS, rows, &v));
    *out = func_new_fixed(ctx, call->type, rows, &values);
    for (size_t i = 0; *out && i < rows; i++) fn_store_u32(values + i * 4, (uint32_t)(midnight + v.seconds[i]));
    date_view_close(&v);
    return *out ? FN_OK : ctx->error.code;
}

/* ---- timeSlots(start, duration [, slot]) over DateTime ---- */

static fn_status bind_slots(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (t->id == FN_T_DATETIME64) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Function %s over DateTime64 is not supported", call->def->name);
    if (t->id != FN_T_DATETIME || call->arg_types[1]->id != FN_T_UINT32)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type of arguments of function %s. Must be DateTime and UInt32", call->def->name);
    int64_t *slot = FN_NEW(ctx, int64_t);
    FN_TRY_PTR(ctx, slot);
    *slot = 1800;
    if (call->arg_count > 2) {
        fn_column *c;
        FN_TRY(func_need_const(ctx, call, 2, &c));
        *slot = fn_type_is_integer(c->type) ? fn_column_i64_at(c, 0) : 0;
        if (*slot <= 0) return fn_fail(ctx, FN_ILLEGAL_COLUMN, "Third argument for function %s must be greater than zero", call->def->name);
    }
    call->data = slot;
    call->type = fn_type_array(t);
    return FN_OK;
}

static fn_status put_slots(fn_ctx *ctx, fn_builder *items, int64_t first, int64_t last, int64_t slot)
{
    for (int64_t at = first; at <= last; at++) {
        const uint32_t v = (uint32_t)(at * slot);
        if ((at & 0xffff) == 0) FN_TRY(fn_ctx_check(ctx));
        FN_TRY(fn_builder_fixed(ctx, items, &v));
    }
    return FN_OK;
}

static fn_status eval_slots(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const int64_t slot = *(const int64_t *)call->data;
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, call->type));
    fn_status status = FN_OK;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        const uint32_t start = (uint32_t)fn_column_u64_at(args[0], i), end = start + (uint32_t)fn_column_u64_at(args[1], i); /* may wrap, as in ClickHouse */
        status = put_slots(ctx, &b.kids[0], start / slot, end / slot, slot);
        if (status == FN_OK) status = fn_builder_close_array(ctx, &b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    return status;
}

/* ---- intervals ---- */

static fn_status bind_interval(fn_ctx *ctx, func_call *call)
{
    fn_str name;
    fn_interval_unit unit;
    FN_TRY(func_const_str(ctx, call, 1, &name));
    if (!fn_type_is_number(call->arg_types[0])) return func_illegal(ctx, call);
    if (!date_unit(name, &unit)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "'" FN_STR_FMT "' is not a unit of function %s", FN_STR_ARG(name), call->def->name);
    call->type = fn_type_interval(unit);
    return FN_OK;
}

static fn_status eval_interval(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    fn_column *c = NULL;
    FN_TRY(expr_convert(ctx, args[0], fn_type_simple(FN_T_INT64), CONVERT_CAST, &c));
    *out = fn_column_retype(ctx, c, call->type);
    fn_column_drop(c);
    return *out ? FN_OK : ctx->error.code;
}

/* Intervals and tuples of intervals put together: equal units next to each other are added. */
static fn_status bind_join_intervals(fn_ctx *ctx, func_call *call)
{
    const fn_type *a = call->arg_types[0], *b = call->arg_types[1];
    const uint32_t n = a->id == FN_T_TUPLE ? a->arg_count : 1;
    if (b->id != FN_T_INTERVAL || n == 0) return func_illegal(ctx, call);
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, n + 2);
    FN_TRY_PTR(ctx, types);
    for (uint32_t i = 0; i < n; i++) {
        types[i] = a->id == FN_T_TUPLE ? a->args[i] : a;
        if (types[i]->id != FN_T_INTERVAL) return func_illegal(ctx, call);
    }
    types[n] = b;
    call->type = fn_type_tuple(types, NULL, types[n - 1] == b ? n : n + 1);
    return FN_OK;
}

static fn_status eval_join_intervals(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const bool minus = call->def->name[0] == 's', tuple = args[0]->type->id == FN_T_TUPLE;
    const uint32_t n = tuple ? args[0]->type->arg_count : 1u;
    fn_column *flat = fn_column_flatten(ctx, args[0]), **fields = fn_alloc_zero(ctx, (n + 1u) * sizeof *fields);
    uint8_t *values = NULL;
    fn_column *last = flat && fields ? func_new_fixed(ctx, args[1]->type, rows, &values) : NULL;
    *out = NULL;
    if (last) {
        const bool merged = call->type->arg_count == n;
        for (uint32_t i = 0; i < n; i++) fields[i] = tuple ? flat->kids[i] : flat;
        for (size_t i = 0; i < rows; i++) {
            const uint64_t own = fn_column_u64_at(args[1], i), before = merged ? fn_column_u64_at(fields[n - 1], i) : 0;
            fn_store_u64(values + i * 8, minus ? before - own : before + own);
        }
        fields[call->type->arg_count - 1] = last;
        *out = fn_column_tuple(ctx, call->type, rows, fields);
    }
    fn_column_drop(last);
    fn_column_drop(flat);
    fn_free(fields);
    return *out ? FN_OK : ctx->error.code;
}

#define ROW(title, lo, hi, binder, evaluator, text, ex, res)                                       \
    {.name = title, .args_min = lo, .args_max = hi, .bind = binder, .eval = evaluator, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW("toTime", 1, 2, bind_time, eval_time, "The time of the day, or text as Time.", "toTime('12:34:56')", "12:34:56"),
    ROW("toTime64", 2, 3, bind_time, eval_time, "The time of the day, or text, as Time64 of so many digits.", "toTime64('12:34:56.789', 3)", "12:34:56.789"),
    ROW("toTimeWithFixedDate", 1, 2, bind_fixed_date, eval_fixed_date, "The time of the day on 1970-01-02.", "toTimeWithFixedDate(toDateTime('2024-02-29 01:02:03', 'UTC'))", "1970-01-02 01:02:03"),
    ROW("timeSlots", 2, 3, bind_slots, eval_slots, "The starts of the slots (half hours) a time span touches.", "timeSlots(toDateTime('2024-01-01 00:25:00', 'UTC'), toUInt32(600))", "['2024-01-01 00:00:00','2024-01-01 00:30:00']"),
    ROW("toInterval", 2, 2, bind_interval, eval_interval, "An interval of so many units.", "toInterval(5, 'day')", "5"),
    ROW("addInterval", 2, 2, bind_join_intervals, eval_join_intervals, "An interval, or tuple of intervals, with another added.", "addInterval(INTERVAL 1 DAY, INTERVAL 2 HOUR)", "(1,2)"),
    ROW("subtractInterval", 2, 2, bind_join_intervals, eval_join_intervals, "An interval, or tuple of intervals, with another taken away.", "subtractInterval(INTERVAL 1 DAY, INTERVAL 2 HOUR)", "(1,-2)"),
};
const func_family func_family_clock = FUNC_FAMILY("dates", rows_);
