/* func_now.c - the time of the query and its zone: now, now64, today, yesterday, UTCTimestamp, nowInBlock, timezone,
 * serverTimezone. SPDX-License-Identifier: Apache-2.0 */
#include "function/date_view.h"

static fn_status bind_now(fn_ctx *ctx, func_call *call)
{
    const fn_tz *tz;
    const bool utc = strcmp(call->def->name, "UTCTimestamp") == 0;
    FN_TRY(date_zone_arg(ctx, call, 0, &tz));
    call->type = fn_type_datetime(utc ? fn_tz_utc() : tz);
    return FN_OK;
}

static fn_status bind_now64(fn_ctx *ctx, func_call *call)
{
    const fn_tz *tz;
    int64_t scale = 3;
    if (call->arg_count) {
        fn_column *c;
        FN_TRY(func_need_const(ctx, call, 0, &c));
        if (!fn_type_is_integer(c->type)) return func_illegal(ctx, call);
        scale = fn_column_i64_at(c, 0);
    }
    if (scale < 0 || scale > 9) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Scale %lld is out of bounds: it must be from 0 to 9", (long long)scale);
    FN_TRY(date_zone_arg(ctx, call, 1, &tz));
    call->type = fn_type_datetime64((unsigned)scale, tz);
    return FN_OK;
}

static fn_status bind_today(fn_ctx *ctx, func_call *call)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_DATE);
    return FN_OK;
}

static int64_t today_of(const fn_ctx *ctx, const fn_type *type)
{
    const int64_t s = date_floor_div(fn_clock_realtime_ns(), 1000000000);
    return date_floor_div(s + fn_tz_offset(expr_zone(ctx, type), s), 86400);
}

static fn_status eval_now(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    int64_t v = fn_clock_realtime_ns();
    if (call->type->id == FN_T_DATETIME64) v = date_floor_div(v, date_ticks(9u - call->type->scale));
    else if (call->type->id == FN_T_DATETIME) v = date_floor_div(v, 1000000000);
    else v = today_of(ctx, call->type) - (call->def->name[0] == 'y');
    uint8_t *values;
    fn_column *one = func_new_fixed(ctx, call->type, 1, &values);
    FN_TRY_PTR(ctx, one);
    memcpy(values, &v, call->type->width);
    *out = fn_column_repeat(ctx, one, 0, rows);
    fn_column_drop(one);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status eval_zone(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    const fn_tz *tz = strcmp(call->def->name, "serverTimezone") == 0 ? fn_tz_system() : expr_zone(ctx, call->type);
    *out = fn_column_const_str(ctx, call->type, fn_cstr(fn_tz_name(tz)), rows);
    return *out ? FN_OK : ctx->error.code;
}

#define ROW(title, lo, hi, more, binder, evaluator, text, ex, res, ...)                            \
    {.name = title, .aliases = (const char *const[]){__VA_ARGS__}, .args_min = lo, .args_max = hi, .flags = more, .bind = binder, .eval = evaluator, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW("now", 0, 1, FUNC_QUERY_CONSTANT | FUNC_CASE_INSENSITIVE, bind_now, eval_now, "The time of the query.", "now()", "", "current_timestamp", "localtimestamp", NULL),
    ROW("UTCTimestamp", 0, 0, FUNC_QUERY_CONSTANT | FUNC_CASE_INSENSITIVE, bind_now, eval_now, "The time of the query in UTC.", "UTCTimestamp()", "", "UTC_timestamp", NULL),
    ROW("nowInBlock", 0, 1, FUNC_NONDETERMINISTIC, bind_now, eval_now, "The time at which the block is processed.", "nowInBlock()", "", NULL),
    ROW("now64", 0, 2, FUNC_QUERY_CONSTANT | FUNC_CASE_INSENSITIVE, bind_now64, eval_now, "The time of the query with so many digits (3) of the second.", "now64()", "", NULL),
    ROW("today", 0, 0, FUNC_QUERY_CONSTANT | FUNC_CASE_INSENSITIVE, bind_today, eval_now, "The date of the query.", "today()", "", "curdate", "current_date", NULL),
    ROW("yesterday", 0, 0, FUNC_QUERY_CONSTANT, bind_today, eval_now, "The day before the query.", "yesterday()", "", NULL),
    ROW("timezone", 0, 0, FUNC_CASE_INSENSITIVE, func_bind_string, eval_zone, "The session's time zone.", "timezone() != ''", "1", NULL),
    ROW("serverTimezone", 0, 0, FUNC_CASE_INSENSITIVE, func_bind_string, eval_zone, "The server's time zone.", "serverTimezone() != ''", "1", "serverTimeZone", NULL),
};
const func_family func_family_now = FUNC_FAMILY("dates", rows_);
