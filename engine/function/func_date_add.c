/* func_date_add.c - dates moved and compared: addDays ... subtractYears, addDate, dateDiff, age, timeDiff.
 * dateDiff counts the borders of units between two times, age the complete units. Both see each time in its own zone unless one
 * is named. SPDX-License-Identifier: Apache-2.0 */
#include "function/date_view.h"

/* ---- add<Unit>s, subtract<Unit>s ---- */

static bool unit_of_name(const char *name, fn_interval_unit *unit)
{
    const bool add = strncmp(name, "add", 3) == 0;
    return date_unit(fn_cstr(name + (add ? strlen("add") : strlen("subtract"))), unit);
}

static fn_status bind_add(fn_ctx *ctx, func_call *call)
{
    fn_interval_unit unit = FN_INTERVAL_DAY;
    const fn_type *t = call->arg_types[0];
    FN_ASSERT(unit_of_name(call->def->name, &unit));
    if (!fn_type_is_number(call->arg_types[1]) || call->arg_types[1]->id == FN_T_DECIMAL || call->arg_types[1]->width > 8)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Second argument for function %s must be a number", call->def->name);
    if (fn_type_is_string(t)) t = fn_type_datetime64(3, NULL);
    if (!fn_type_is_date_or_time(t)) return func_illegal(ctx, call);
    if ((t->id == FN_T_DATE || t->id == FN_T_DATE32) && unit <= FN_INTERVAL_MILLISECOND)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "%s cannot be used with %s", call->def->name, t->name);
    return interval_result(ctx, call, t, fn_type_interval(unit), &call->type);
}

static fn_status eval_add(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_interval_unit unit = FN_INTERVAL_DAY;
    fn_column *date = NULL, *count = NULL;
    FN_ASSERT(unit_of_name(call->def->name, &unit));
    const int sign = call->def->name[0] == 's' ? -1 : 1;
    fn_status status = expr_convert(ctx, args[0], fn_type_is_string(args[0]->type) ? fn_type_datetime64(3, NULL) : args[0]->type, CONVERT_CAST, &date);
    if (status == FN_OK) status = expr_convert(ctx, args[1], fn_type_simple(FN_T_INT64), CONVERT_CAST, &count);
    if (status == FN_OK) status = interval_shift(ctx, date, count, unit, sign, call->type, rows, out);
    fn_column_drop(date);
    fn_column_drop(count);
    return status;
}

/* addDate(x, INTERVAL n unit), subDate */
static fn_status bind_add_interval(fn_ctx *ctx, func_call *call)
{
    if (call->arg_types[1]->id != FN_T_INTERVAL) return func_illegal(ctx, call);
    const fn_type *t = fn_type_is_string(call->arg_types[0]) ? fn_type_datetime64(3, NULL) : call->arg_types[0];
    return interval_result(ctx, call, t, call->arg_types[1], &call->type);
}

static fn_status eval_add_interval(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_column *date = NULL;
    fn_status status = expr_convert(ctx, args[0], fn_type_is_string(args[0]->type) ? fn_type_datetime64(3, NULL) : args[0]->type, CONVERT_CAST, &date);
    if (status == FN_OK)
        status = interval_shift(ctx, date, args[1], (fn_interval_unit)args[1]->type->interval, call->def->name[0] == 's' ? -1 : 1, call->type, rows, out);
    fn_column_drop(date);
    return status;
}

/* ---- dateDiff, age ---- */

typedef struct diff_data {
    fn_interval_unit unit;
    const fn_tz *tz[2];
    bool age;
} diff_data;

static fn_status bind_diff(fn_ctx *ctx, func_call *call)
{
    static const char *const names[] = {"startdate", "enddate"};
    diff_data *d = FN_NEW(ctx, diff_data);
    fn_str unit;
    const fn_tz *named;
    FN_TRY_PTR(ctx, d);
    FN_TRY(func_const_str(ctx, call, 0, &unit));
    if (!date_unit(unit, &d->unit)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Function %s does not support '" FN_STR_FMT "' unit", call->def->name, FN_STR_ARG(unit));
    FN_TRY(date_zone_arg(ctx, call, 3, &named));
    for (uint32_t k = 0; k < 2; k++) {
        const fn_type *t = call->arg_types[k + 1];
        if (!fn_type_is_date_or_time(t))
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "A value of illegal type was provided as %s argument '%s' to function '%s'. Expected: Date[32] or DateTime[64], got: %s", k ? "3rd" : "2nd", names[k], call->def->name, t->name);
        d->tz[k] = named ? named : expr_zone(ctx, t);
    }
    d->age = call->def->name[0] == 'a';
    call->data = d;
    call->type = fn_type_simple(FN_T_INT64);
    return FN_OK;
}

/* A point in time: nanoseconds within the second apart, so that DateTime64(9) loses nothing. */
typedef struct moment {
    int64_t seconds, ns; /* unix */
    int64_t days, of_day; /* local */
    uint32_t packed;
    int32_t first_offset; /* of the zone in 1970: ClickHouse numbers hours from there, less that offset */
} moment;

static moment moment_at(const fn_column *c, const date_view *v, const fn_tz *tz, size_t i)
{
    moment m = {.first_offset = fn_tz_offset(tz, 0), .days = v->days[i], .of_day = v->seconds[i], .packed = date_calendar()[v->days[i] - DATE_DAY_MIN]};
    if (!date_has_time(c->type)) {
        m.seconds = fn_tz_instant(tz, date_year(m.packed), date_month(m.packed), date_day(m.packed), 0, 0, 0);
        return m;
    }
    m.seconds = v->instants[i];
    if (c->type->id == FN_T_DATETIME64) {
        const int64_t unit = date_ticks(c->type->scale), raw = fn_load_i64(c->values + i * func_step(c) * 8);
        m.ns = (raw - m.seconds * unit) * (1000000000 / unit);
    }
    return m;
}

static int64_t months_of(const moment *m)
{
    return (int64_t)date_year(m->packed) * 12 + date_month(m->packed) - 1;
}

static int64_t fraction_units(const moment *m, int64_t per_second)
{
    return (int64_t)((uint64_t)m->seconds * (uint64_t)per_second + (uint64_t)(m->ns / (1000000000 / per_second)));
}

static int64_t borders(fn_interval_unit unit, const moment *a, const moment *b)
{
    switch (unit) {
    case FN_INTERVAL_NANOSECOND: return fraction_units(b, 1000000000) - fraction_units(a, 1000000000);
    case FN_INTERVAL_MICROSECOND: return fraction_units(b, 1000000) - fraction_units(a, 1000000);
    case FN_INTERVAL_MILLISECOND: return fraction_units(b, 1000) - fraction_units(a, 1000);
    case FN_INTERVAL_SECOND: return b->seconds - a->seconds;
    case FN_INTERVAL_MINUTE: return date_floor_div(b->seconds, 60) - date_floor_div(a->seconds, 60);
    case FN_INTERVAL_HOUR: return date_floor_div(b->seconds - b->first_offset, 3600) - date_floor_div(a->seconds - a->first_offset, 3600);
    case FN_INTERVAL_DAY: return b->days - a->days;
    case FN_INTERVAL_WEEK: return date_floor_div(b->days + 3, 7) - date_floor_div(a->days + 3, 7);
    case FN_INTERVAL_MONTH: return months_of(b) - months_of(a);
    case FN_INTERVAL_QUARTER: return months_of(b) / 3 - months_of(a) / 3;
    case FN_INTERVAL_YEAR: return (int64_t)date_year(b->packed) - date_year(a->packed);
    }
    return 0;
}

/* a not later than b: complete units. */
static int64_t complete(fn_interval_unit unit, const moment *a, const moment *b)
{
    const bool earlier = b->of_day < a->of_day || (b->of_day == a->of_day && b->ns < a->ns); /* b's clock shows less */
    const int64_t seconds = b->seconds - a->seconds - (b->ns < a->ns), days = b->days - a->days - earlier;
    const bool short_month = date_day(b->packed) < date_day(a->packed) || (date_day(b->packed) == date_day(a->packed) && earlier);
    const int64_t months = months_of(b) - months_of(a) - short_month;
    switch (unit) {
    case FN_INTERVAL_NANOSECOND:
    case FN_INTERVAL_MICROSECOND:
    case FN_INTERVAL_MILLISECOND: return borders(unit, a, b);
    case FN_INTERVAL_SECOND: return seconds;
    case FN_INTERVAL_MINUTE: return seconds / 60;
    case FN_INTERVAL_HOUR: return seconds / 3600;
    case FN_INTERVAL_DAY: return days;
    case FN_INTERVAL_WEEK: return days / 7;
    case FN_INTERVAL_MONTH: return months;
    case FN_INTERVAL_QUARTER: return months / 3;
    case FN_INTERVAL_YEAR: return months / 12;
    }
    return 0;
}

static bool later(const moment *a, const moment *b)
{
    return a->seconds > b->seconds || (a->seconds == b->seconds && a->ns > b->ns);
}

static fn_status eval_diff(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const diff_data *d = call->data;
    date_view v[2] = {0};
    uint8_t *values = NULL;
    fn_status status = date_view_open(ctx, args[1], d->tz[0], DATE_SECONDS | DATE_INSTANTS, rows, &v[0]);
    if (status == FN_OK) status = date_view_open(ctx, args[2], d->tz[1], DATE_SECONDS | DATE_INSTANTS, rows, &v[1]);
    if (status == FN_OK && !(*out = func_new_fixed(ctx, call->type, rows, &values))) status = ctx->error.code;
    const bool by_days = status == FN_OK && !d->age && d->unit == FN_INTERVAL_DAY;
    for (size_t i = 0; by_days && i < rows; i++) fn_store_i64(values + i * 8, (int64_t)v[1].days[i] - v[0].days[i]);
    for (size_t i = 0; status == FN_OK && !by_days && i < rows; i++) {
        const moment a = moment_at(args[1], &v[0], d->tz[0], i), b = moment_at(args[2], &v[1], d->tz[1], i);
        const int64_t n = !d->age ? borders(d->unit, &a, &b) : later(&a, &b) ? -complete(d->unit, &b, &a) : complete(d->unit, &a, &b);
        fn_store_i64(values + i * 8, n);
    }
    date_view_close(&v[0]);
    date_view_close(&v[1]);
    return status;
}

/* timeDiff(a, b): dateDiff('second', a, b) */
static fn_status bind_time_diff(fn_ctx *ctx, func_call *call)
{
    diff_data *d = FN_NEW(ctx, diff_data);
    FN_TRY_PTR(ctx, d);
    *d = (diff_data){.unit = FN_INTERVAL_SECOND};
    for (uint32_t k = 0; k < 2; k++) {
        if (!fn_type_is_date_or_time(call->arg_types[k])) return func_illegal(ctx, call);
        d->tz[k] = expr_zone(ctx, call->arg_types[k]);
    }
    call->data = d;
    call->type = fn_type_simple(FN_T_INT64);
    return FN_OK;
}

static fn_status eval_time_diff(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_column *const shifted[3] = {NULL, args[0], args[1]};
    return eval_diff(ctx, call, shifted, rows, out);
}

#define ADD(unit, word)                                                                                                                  \
    {.name = "add" #unit, .args_min = 2, .args_max = 2, .bind = bind_add, .eval = eval_add, .about = "A date or time so many " word " later.", .example = "add" #unit "(toDateTime64('2024-02-29 00:00:00', 9), 0)", .gives = "2024-02-29 00:00:00.000000000"}, \
    {.name = "subtract" #unit, .args_min = 2, .args_max = 2, .bind = bind_add, .eval = eval_add, .about = "A date or time so many " word " earlier.", .example = "subtract" #unit "(toDateTime64('2024-02-29 00:00:00', 9), 0)", .gives = "2024-02-29 00:00:00.000000000"}
static const func_def rows_[] = {
    ADD(Nanoseconds, "nanoseconds"), ADD(Microseconds, "microseconds"), ADD(Milliseconds, "milliseconds"), ADD(Seconds, "seconds"), ADD(Minutes, "minutes"),
    ADD(Hours, "hours"), ADD(Days, "days"), ADD(Weeks, "weeks"), ADD(Months, "months"), ADD(Quarters, "quarters"), ADD(Years, "years"),
    {.name = "addDate", .args_min = 2, .args_max = 2, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_add_interval, .eval = eval_add_interval,
     .about = "A date or time an interval later.", .example = "addDate(toDate('2024-01-01'), INTERVAL 1 DAY)", .gives = "2024-01-02"},
    {.name = "subDate", .args_min = 2, .args_max = 2, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_add_interval, .eval = eval_add_interval,
     .about = "A date or time an interval earlier.", .example = "subDate(toDate('2024-01-02'), INTERVAL 1 DAY)", .gives = "2024-01-01"},
    {.name = "dateDiff", .aliases = (const char *const[]){"date_diff", "DATE_DIFF", "timestampDiff", "timestamp_diff", "TIMESTAMP_DIFF", NULL}, .args_min = 3, .args_max = 4, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_diff, .eval = eval_diff,
     .about = "How many borders of a unit lie between two times.", .example = "dateDiff('month', toDate('2024-01-31'), toDate('2024-02-01'))", .gives = "1"},
    {.name = "age", .args_min = 3, .args_max = 4, .bind = bind_diff, .eval = eval_diff,
     .about = "How many complete units lie between two times.", .example = "age('month', toDate('2024-01-31'), toDate('2024-02-01'))", .gives = "0"},
    {.name = "timeDiff", .args_min = 2, .args_max = 2, .bind = bind_time_diff, .eval = eval_time_diff,
     .about = "Seconds from the first to the second time.", .example = "timeDiff(toDateTime('2024-01-01 00:00:00'), toDateTime('2024-01-01 00:01:00'))", .gives = "60"},
};
const func_family func_family_date_add = FUNC_FAMILY("dates", rows_);
