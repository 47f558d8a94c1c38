/* func_interval.c - toInterval*, and what + and - do with dates and intervals.
 * Months and longer keep the day of the month where the month is long enough; days and longer keep the wall time of the
 * zone; shorter units count seconds. A Date plus hours, minutes or seconds becomes a DateTime.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/date_view.h"

static bool is_sub_second(fn_interval_unit unit)
{
    return unit <= FN_INTERVAL_MILLISECOND;
}

fn_status interval_result(fn_ctx *ctx, const func_call *call, const fn_type *date, const fn_type *interval, const fn_type **out)
{
    const fn_interval_unit unit = (fn_interval_unit)interval->interval;
    const unsigned scale = unit == FN_INTERVAL_MILLISECOND ? 3 : unit == FN_INTERVAL_MICROSECOND ? 6 : unit == FN_INTERVAL_NANOSECOND ? 9 : 0;
    if (date->id == FN_T_DATE || date->id == FN_T_DATE32) {
        if (is_sub_second(unit)) return func_illegal(ctx, call);
        if (unit >= FN_INTERVAL_DAY) *out = date;
        else *out = date->id == FN_T_DATE ? fn_type_datetime(NULL) : fn_type_datetime64(3, NULL);
        return FN_OK;
    }
    if (date->id == FN_T_DATETIME) *out = scale ? fn_type_datetime64(scale, date->timezone) : date;
    else if (date->id == FN_T_DATETIME64) *out = scale > date->scale ? fn_type_datetime64(scale, date->timezone) : date;
    else return func_illegal(ctx, call);
    return FN_OK;
}

static int64_t months_of(fn_interval_unit unit)
{
    return unit == FN_INTERVAL_MONTH ? 1 : unit == FN_INTERVAL_QUARTER ? 3 : unit == FN_INTERVAL_YEAR ? 12 : 0;
}

static int64_t seconds_of(fn_interval_unit unit)
{
    return unit == FN_INTERVAL_SECOND ? 1 : unit == FN_INTERVAL_MINUTE ? 60 : unit == FN_INTERVAL_HOUR ? 3600 : 0;
}

static int64_t shift_days(int64_t days, fn_interval_unit unit, int64_t count)
{
    const int64_t months = months_of(unit);
    if (!months) return days + count * (unit == FN_INTERVAL_WEEK ? 7 : 1);
    fn_civil c;
    fn_civil_from_days(days, &c);
    const int64_t index = (int64_t)c.year * 12 + c.month - 1 + FN_MAX(FN_MIN(count, (int64_t)1000000), (int64_t)-1000000) * months;
    const int64_t year = index >= 0 ? index / 12 : -((11 - index) / 12), month = index - year * 12 + 1;
    return fn_days_from_civil(year, (unsigned)month, FN_MIN((unsigned)c.day, fn_days_in_month(year, (unsigned)month)));
}

/* Unix seconds shifted by whole days or more, keeping the wall time. */
static int64_t shift_wall(const fn_tz *tz, int64_t seconds, fn_interval_unit unit, int64_t count)
{
    fn_civil c;
    fn_tz_civil(tz, seconds, &c);
    const int64_t days = shift_days(fn_days_from_civil(c.year, c.month, c.day), unit, count);
    fn_civil d;
    fn_civil_from_days(days, &d);
    return fn_tz_instant(tz, d.year, d.month, d.day, c.hour, c.minute, c.second);
}

static int64_t power_of_10(unsigned n)
{
    int64_t v = 1;
    while (n--) v *= 10;
    return v;
}

/* One date value of type `from` (raw) to the raw value of type `to`. */
static int64_t shift_one(const fn_type *from, const fn_type *to, const fn_tz *tz, int64_t raw, fn_interval_unit unit, int64_t count)
{
    const bool days = from->id == FN_T_DATE || from->id == FN_T_DATE32;
    if (days && unit >= FN_INTERVAL_DAY) return shift_days(raw, unit, count);
    const int64_t from_ticks = from->id == FN_T_DATETIME64 ? power_of_10(from->scale) : 1, to_ticks = to->id == FN_T_DATETIME64 ? power_of_10(to->scale) : 1;
    int64_t seconds = raw / from_ticks, ticks = raw % from_ticks;
    if (ticks < 0) {
        ticks += from_ticks;
        seconds--;
    }
    if (days) {
        fn_civil c;
        fn_civil_from_days(raw, &c);
        seconds = fn_tz_instant(tz, c.year, c.month, c.day, 0, 0, 0);
        ticks = 0;
    }
    ticks *= to_ticks / from_ticks;
    if (is_sub_second(unit)) {
        const unsigned digits = unit == FN_INTERVAL_MILLISECOND ? 3 : unit == FN_INTERVAL_MICROSECOND ? 6 : 9;
        return (int64_t)((uint64_t)seconds * (uint64_t)to_ticks + (uint64_t)ticks + (uint64_t)count * (uint64_t)(to_ticks / power_of_10(digits)));
    }
    const int64_t each = seconds_of(unit);
    seconds = each ? (int64_t)((uint64_t)seconds + (uint64_t)count * (uint64_t)each) : shift_wall(tz, seconds, unit, count);
    return (int64_t)((uint64_t)seconds * (uint64_t)to_ticks + (uint64_t)ticks);
}

fn_status interval_shift(fn_ctx *ctx, const fn_column *date, const fn_column *count, fn_interval_unit unit, int sign, const fn_type *type,
                         uint32_t rows, fn_column **out)
{
    uint8_t *values;
    *out = func_new_fixed(ctx, type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    const fn_tz *tz = expr_zone(ctx, type);
    for (uint32_t i = 0; i < rows; i++) {
        const int64_t n = fn_column_i64_at(count, i);
        int64_t v = shift_one(date->type, type, tz, fn_column_i64_at(date, i), unit, sign < 0 ? (int64_t)(0 - (uint64_t)n) : n);
        if (v < 0 && months_of(unit) && (type->id == FN_T_DATE || type->id == FN_T_DATETIME)) v = 0; /* shorter units wrap, as in ClickHouse */
        if (type->id == FN_T_DATE32) v = FN_MIN(FN_MAX(v, (int64_t)DATE_DAY_MIN), (int64_t)DATE_DAY_MAX);
        memcpy(values + (size_t)i * type->width, &v, type->width);
    }
    return FN_OK;
}

/* ---- toIntervalDay(n) and its kin ---- */

static const char *const unit_names[] = {"Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour", "Day", "Week", "Month", "Quarter", "Year"};

static fn_status bind_to_interval(fn_ctx *ctx, func_call *call)
{
    if (!fn_type_is_number(call->arg_types[0]) && call->arg_types[0]->id != FN_T_INTERVAL && !fn_type_is_string(call->arg_types[0])) return func_illegal(ctx, call);
    const fn_str unit = fn_cstr(call->def->name + strlen("toInterval"));
    for (unsigned i = 0; i < FN_COUNT(unit_names); i++)
        if (fn_str_eq(unit, fn_cstr(unit_names[i]))) call->type = fn_type_interval((fn_interval_unit)i);
    return FN_OK;
}

static fn_status eval_to_interval(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    fn_column *c = NULL;
    FN_TRY(expr_convert(ctx, args[0], fn_type_simple(FN_T_INT64), CONVERT_CAST, &c));
    *out = fn_column_retype(ctx, c, call->type);
    fn_column_drop(c);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

#define ROW(unit, word)                                                                            \
    {.name = "toInterval" #unit, .args_min = 1, .args_max = 1, .bind = bind_to_interval, .eval = eval_to_interval,                        \
     .about = "An interval of so many " word "s.", .example = "toInterval" #unit "(2)", .gives = "2"}
static const func_def rows_[] = {
    ROW(Nanosecond, "nanosecond"), ROW(Microsecond, "microsecond"), ROW(Millisecond, "millisecond"), ROW(Second, "second"), ROW(Minute, "minute"),
    ROW(Hour, "hour"),             ROW(Day, "day"),                 ROW(Week, "week"),               ROW(Month, "month"),   ROW(Quarter, "quarter"),
    ROW(Year, "year"),
};
const func_family func_family_interval = FUNC_FAMILY("dates", rows_);
