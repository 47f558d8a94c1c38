/* func_date_part.c - numbers of a date or time: toYear ... toYYYYMMDDhhmmss, weeks in all modes, toRelative*Num and their
 * aliases. Columns become local days (date_view.h) and then one table look-up per row.
 * ClickHouse's results for days before 1970 are 0 where the number counts from 1970 (its settings' default).
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/date_view.h"

typedef enum part_kind {
    PART_YEAR, PART_QUARTER, PART_MONTH, PART_DAY, PART_DAY_OF_YEAR, PART_DAY_OF_WEEK, PART_ISO_YEAR, PART_ISO_WEEK, PART_WEEK, PART_YEAR_WEEK,
    PART_YYYYMM, PART_YYYYMMDD, PART_YYYYMMDDHHMMSS, PART_HOUR, PART_MINUTE, PART_SECOND, PART_MILLISECOND, PART_MICROSECOND, PART_NANOSECOND,
    PART_RELATIVE_QUARTER, PART_RELATIVE_MONTH, PART_RELATIVE_WEEK, PART_RELATIVE_DAY, PART_RELATIVE_HOUR, PART_RELATIVE_MINUTE,
    PART_RELATIVE_SECOND, PART_YEAR_ZERO, PART_YEARS_SINCE, PART_MONTHS_SINCE, PART_DAYS_IN_MONTH
} part_kind;

typedef struct part_row {
    const char *name;
    part_kind kind;
    fn_type_id type;
    uint8_t arg_mode; /* a mode argument may stand before the zone */
    bool time;        /* refuses Date and Date32 */
} part_row;
static const part_row parts[] = {
    {"toYear", PART_YEAR, FN_T_UINT16, 0, false},
    {"toQuarter", PART_QUARTER, FN_T_UINT8, 0, false},
    {"toMonth", PART_MONTH, FN_T_UINT8, 0, false},
    {"toDayOfMonth", PART_DAY, FN_T_UINT8, 0, false},
    {"toDayOfYear", PART_DAY_OF_YEAR, FN_T_UINT16, 0, false},
    {"toDayOfWeek", PART_DAY_OF_WEEK, FN_T_UINT8, 1, false},
    {"toISOYear", PART_ISO_YEAR, FN_T_UINT16, 0, false},
    {"toISOWeek", PART_ISO_WEEK, FN_T_UINT8, 0, false},
    {"toWeek", PART_WEEK, FN_T_UINT8, 1, false},
    {"toYearWeek", PART_YEAR_WEEK, FN_T_UINT32, 1, false},
    {"toYYYYMM", PART_YYYYMM, FN_T_UINT32, 0, false},
    {"toYYYYMMDD", PART_YYYYMMDD, FN_T_UINT32, 0, false},
    {"toYYYYMMDDhhmmss", PART_YYYYMMDDHHMMSS, FN_T_UINT64, 0, false},
    {"toHour", PART_HOUR, FN_T_UINT8, 0, true},
    {"toMinute", PART_MINUTE, FN_T_UINT8, 0, true},
    {"toSecond", PART_SECOND, FN_T_UINT8, 0, true},
    {"toMillisecond", PART_MILLISECOND, FN_T_UINT16, 0, true},
    {"toMicrosecond", PART_MICROSECOND, FN_T_UINT32, 0, true},
    {"toNanosecond", PART_NANOSECOND, FN_T_UINT32, 0, true},
    {"toRelativeYearNum", PART_YEAR, FN_T_UINT16, 0, false},
    {"toRelativeQuarterNum", PART_RELATIVE_QUARTER, FN_T_UINT32, 0, false},
    {"toRelativeMonthNum", PART_RELATIVE_MONTH, FN_T_UINT32, 0, false},
    {"toRelativeWeekNum", PART_RELATIVE_WEEK, FN_T_UINT32, 0, false},
    {"toRelativeDayNum", PART_RELATIVE_DAY, FN_T_UINT32, 0, false},
    {"toRelativeHourNum", PART_RELATIVE_HOUR, FN_T_UINT32, 0, false},
    {"toRelativeMinuteNum", PART_RELATIVE_MINUTE, FN_T_UINT32, 0, false},
    {"toRelativeSecondNum", PART_RELATIVE_SECOND, FN_T_UINT32, 0, false},
    {"toDaysSinceYearZero", PART_YEAR_ZERO, FN_T_UINT32, 0, false},
    {"toYearNumSinceEpoch", PART_YEARS_SINCE, FN_T_UINT16, 0, false},
    {"toMonthNumSinceEpoch", PART_MONTHS_SINCE, FN_T_UINT32, 0, false},
    {"toDaysInMonth", PART_DAYS_IN_MONTH, FN_T_UINT8, 0, false},
};

typedef struct part_data {
    const part_row *row;
    const fn_tz *tz;
    unsigned mode;
} part_data;

static fn_status read_mode(fn_ctx *ctx, const func_call *call, uint32_t *zone_at, unsigned *mode)
{
    *mode = 0;
    *zone_at = 1;
    if (call->arg_count < 2 || fn_type_is_string(call->arg_types[1])) return FN_OK;
    if (!fn_type_is_integer(call->arg_types[1])) return func_illegal(ctx, call);
    if (!call->consts[1]) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "The mode of function %s must be a constant", call->def->name);
    *mode = (unsigned)fn_column_u64_at(call->consts[1], 0) & 15;
    *zone_at = 2;
    return FN_OK;
}

static fn_status bind_part(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    part_data *d = FN_NEW(ctx, part_data);
    uint32_t zone_at = 1;
    FN_TRY_PTR(ctx, d);
    for (size_t i = 0; i < FN_COUNT(parts); i++)
        if (strcmp(parts[i].name, call->def->name) == 0) d->row = &parts[i];
    FN_ASSERT(d->row != NULL);
    if (!fn_type_is_date_or_time(t))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument of function %s. Should be Date, Date32, DateTime or DateTime64", t->name, call->def->name);
    if (d->row->time && !date_has_time(t)) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal argument of type %s for function %s", t->name, call->def->name);
    if (d->row->arg_mode) FN_TRY(read_mode(ctx, call, &zone_at, &d->mode));
    else if (call->arg_count > 2) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Number of arguments for function %s doesn't match: passed %u, should be 1 or 2", call->def->name, call->arg_count);
    FN_TRY(date_zone_arg(ctx, call, zone_at, &d->tz));
    if (d->tz && !date_has_time(t) && !d->row->arg_mode)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The timezone argument of function %s is allowed only when the 1st argument has the type DateTime or DateTime64", call->def->name);
    if (!d->tz) d->tz = expr_zone(ctx, t);
    call->type = fn_type_simple(d->row->type);
    call->data = d;
    return FN_OK;
}

/* Fractions need the raw ticks, not the view. */
static void fraction_run(const fn_column *c, part_kind kind, uint32_t rows, uint8_t *values)
{
    const int64_t each = kind == PART_MILLISECOND ? 1000 : kind == PART_MICROSECOND ? 1000000 : 1000000000;
    const int64_t unit = c->type->id == FN_T_DATETIME64 ? date_ticks(c->type->scale) : 1;
    for (size_t i = 0; i < rows; i++) {
        int64_t v = 0;
        if (unit > 1) {
            const int64_t raw = fn_load_i64(c->values + i * func_step(c) * 8), ticks = raw - date_floor_div(raw, unit) * unit;
            v = each >= unit ? ticks * (each / unit) : ticks / (unit / each);
        }
        if (kind == PART_MILLISECOND) fn_store_u16(values + i * 2, (uint16_t)v);
        else fn_store_u32(values + i * 4, (uint32_t)v);
    }
}

static uint8_t day_of_week(int32_t days, unsigned mode)
{
    const unsigned dow = date_weekday(days); /* 1 = Monday */
    switch (mode & 3) {
    case 0: return (uint8_t)dow;
    case 1: return (uint8_t)(dow - 1);
    case 2: return (uint8_t)(dow % 7);
    }
    return (uint8_t)(dow % 7 + 1);
}

/* One loop: d the local day, c its packed date, s the second of the day. */
#define LOOP(T, value)                                                                             \
    for (size_t i = 0; i < rows; i++) {                                                            \
        const int32_t d = v->days[i];                                                              \
        const uint32_t c = calendar[d - DATE_DAY_MIN];                                             \
        (void)c;                                                                                   \
        ((T *)(void *)values)[i] = (T)(value);                                                     \
    }                                                                                              \
    break
#define SINCE(x)                 ((x) < 0 ? 0 : (x))

static uint64_t clock_of(int32_t s)
{
    return (uint64_t)(s / 3600 * 10000 + s / 60 % 60 * 100 + s % 60);
}

static int64_t instant_of(const date_view *v, size_t i)
{
    return v->instants ? v->instants[i] : (int64_t)v->days[i] * 86400;
}

static void week_run(const date_view *v, part_kind kind, unsigned mode, uint32_t rows, uint8_t *values)
{
    for (size_t i = 0; i < rows; i++) {
        uint32_t year;
        const uint32_t week = date_week(v->days[i], mode, kind == PART_YEAR_WEEK || kind == PART_ISO_YEAR, &year);
        if (kind == PART_YEAR_WEEK) fn_store_u32(values + i * 4, year * 100 + week);
        else if (kind == PART_ISO_YEAR) fn_store_u16(values + i * 2, (uint16_t)year);
        else values[i] = (uint8_t)week;
    }
}

static void since_run(const date_view *v, part_kind kind, uint32_t rows, uint8_t *values)
{
    const uint32_t *calendar = date_calendar();
    if (kind == PART_RELATIVE_WEEK) {
        do { LOOP(uint32_t, SINCE(d + 3) / 7); } while (0);
    } else if (kind == PART_RELATIVE_DAY) {
        do { LOOP(uint32_t, FN_MIN(SINCE(d), UINT16_MAX)); } while (0);
    } else if (kind == PART_YEARS_SINCE) {
        do { LOOP(uint16_t, SINCE((int32_t)date_year(c) - 1970)); } while (0);
    } else if (kind == PART_MONTHS_SINCE) {
        do { LOOP(uint32_t, SINCE((int32_t)(date_year(c) * 12 + date_month(c)) - 1970 * 12 - 1)); } while (0);
    } else {
        const int64_t each = kind == PART_RELATIVE_HOUR ? 3600 : kind == PART_RELATIVE_MINUTE ? 60 : 1;
        for (size_t i = 0; i < rows; i++) fn_store_u32(values + i * 4, (uint32_t)FN_MIN(SINCE(instant_of(v, i)) / each, (int64_t)UINT32_MAX));
    }
}

static void part_run(const date_view *v, const part_data *p, uint32_t rows, uint8_t *values)
{
    const uint32_t *calendar = date_calendar();
    const int32_t *s = v->seconds;
    switch (p->row->kind) {
    case PART_YEAR: LOOP(uint16_t, date_year(c));
    case PART_QUARTER: LOOP(uint8_t, (date_month(c) + 2) / 3);
    case PART_MONTH: LOOP(uint8_t, date_month(c));
    case PART_DAY: LOOP(uint8_t, date_day(c));
    case PART_DAY_OF_YEAR: LOOP(uint16_t, date_yearday(d, date_year(c)));
    case PART_DAY_OF_WEEK: LOOP(uint8_t, day_of_week(d, p->mode));
    case PART_ISO_YEAR: week_run(v, PART_ISO_YEAR, 3, rows, values); break;
    case PART_ISO_WEEK: week_run(v, PART_WEEK, 3, rows, values); break;
    case PART_WEEK:
    case PART_YEAR_WEEK: week_run(v, p->row->kind, p->mode, rows, values); break;
    case PART_YYYYMM: LOOP(uint32_t, date_year(c) * 100 + date_month(c));
    case PART_YYYYMMDD: LOOP(uint32_t, date_year(c) * 10000 + date_month(c) * 100 + date_day(c));
    case PART_YYYYMMDDHHMMSS: LOOP(uint64_t, (uint64_t)(date_year(c) * 10000 + date_month(c) * 100 + date_day(c)) * 1000000 + clock_of(s[i]));
    case PART_HOUR: LOOP(uint8_t, s[i] / 3600);
    case PART_MINUTE: LOOP(uint8_t, s[i] / 60 % 60);
    case PART_SECOND: LOOP(uint8_t, s[i] % 60);
    case PART_MILLISECOND:
    case PART_MICROSECOND:
    case PART_NANOSECOND: break;
    case PART_RELATIVE_QUARTER: LOOP(uint32_t, date_year(c) * 4 + (date_month(c) - 1) / 3);
    case PART_RELATIVE_MONTH: LOOP(uint32_t, date_year(c) * 12 + date_month(c));
    case PART_RELATIVE_WEEK:
    case PART_RELATIVE_DAY:
    case PART_RELATIVE_HOUR:
    case PART_RELATIVE_MINUTE:
    case PART_RELATIVE_SECOND:
    case PART_YEARS_SINCE:
    case PART_MONTHS_SINCE: since_run(v, p->row->kind, rows, values); break;
    case PART_YEAR_ZERO: LOOP(uint32_t, d + 719528);
    case PART_DAYS_IN_MONTH: LOOP(uint8_t, fn_days_in_month(date_year(c), date_month(c)));
    }
}

static fn_status eval_part(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const part_data *d = call->data;
    const part_kind kind = d->row->kind;
    uint8_t *values;
    date_view v;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    if (kind >= PART_MILLISECOND && kind <= PART_NANOSECOND) {
        fraction_run(args[0], kind, rows, values);
        return FN_OK;
    }
    const bool seconds = kind == PART_HOUR || kind == PART_MINUTE || kind == PART_SECOND || kind == PART_YYYYMMDDHHMMSS;
    const bool instants = kind >= PART_RELATIVE_HOUR && kind <= PART_RELATIVE_SECOND;
    const fn_status status = date_view_open(ctx, args[0], d->tz, (seconds ? DATE_SECONDS : 0u) | (instants ? DATE_INSTANTS : 0u), rows, &v);
    if (status != FN_OK) {
        fn_column_drop(*out);
        *out = NULL;
        return status;
    }
    part_run(&v, d, rows, values);
    date_view_close(&v);
    return FN_OK;
}

#define PART(title, most, text, ex, res, ...)                                                      \
    {.name = title, .aliases = (const char *const[]){__VA_ARGS__}, .args_min = 1, .args_max = most, .flags = FUNC_PER_ENTRY | FUNC_CASE_INSENSITIVE, \
     .bind = bind_part, .eval = eval_part, .about = text, .example = ex, .gives = res}
#define D1                       "(toDate('2024-02-29'))"
#define T1                       "(toDateTime('2024-02-29 23:59:58'))"
static const func_def rows_[] = {
    PART("toYear", 2, "The year.", "toYear" D1, "2024", "YEAR", NULL),
    PART("toQuarter", 2, "The quarter, 1 to 4.", "toQuarter" D1, "1", "QUARTER", NULL),
    PART("toMonth", 2, "The month, 1 to 12.", "toMonth" D1, "2", "MONTH", NULL),
    PART("toDayOfMonth", 2, "The day of the month, 1 to 31.", "toDayOfMonth" D1, "29", "DAY", "DAYOFMONTH", NULL),
    PART("toDayOfYear", 2, "The day of the year, 1 to 366.", "toDayOfYear" D1, "60", "DAYOFYEAR", NULL),
    PART("toDayOfWeek", 3, "The day of the week: mode 0 Monday 1, 1 Monday 0, 2 Sunday 0, 3 Sunday 1.", "toDayOfWeek" D1, "4", "DAYOFWEEK", NULL),
    PART("toISOYear", 2, "The year of the ISO week.", "toISOYear" D1, "2024", NULL),
    PART("toISOWeek", 2, "The ISO week.", "toISOWeek" D1, "9", NULL),
    PART("toWeek", 3, "The week of the year by one of MySQL's modes.", "toWeek" D1, "8", "week", NULL),
    PART("toYearWeek", 3, "Year and week by one of MySQL's modes.", "toYearWeek" D1, "202408", "yearweek", NULL),
    PART("toYYYYMM", 2, "Year and month as one number.", "toYYYYMM" D1, "202402", NULL),
    PART("toYYYYMMDD", 2, "Year, month and day as one number.", "toYYYYMMDD" D1, "20240229", NULL),
    PART("toYYYYMMDDhhmmss", 2, "Date and time as one number.", "toYYYYMMDDhhmmss" T1, "20240229235958", NULL),
    PART("toHour", 2, "The hour, 0 to 23.", "toHour" T1, "23", "HOUR", NULL),
    PART("toMinute", 2, "The minute, 0 to 59.", "toMinute" T1, "59", "MINUTE", NULL),
    PART("toSecond", 2, "The second, 0 to 59.", "toSecond" T1, "58", "SECOND", NULL),
    PART("toMillisecond", 2, "The milliseconds within the second.", "toMillisecond" T1, "0", "MILLISECOND", NULL),
    PART("toMicrosecond", 2, "The microseconds within the second.", "toMicrosecond" T1, "0", "MICROSECOND", NULL),
    PART("toNanosecond", 2, "The nanoseconds within the second.", "toNanosecond" T1, "0", "NANOSECOND", NULL),
    PART("toRelativeYearNum", 2, "Years since year 0.", "toRelativeYearNum" D1, "2024", NULL),
    PART("toRelativeQuarterNum", 2, "Quarters since year 0.", "toRelativeQuarterNum" D1, "8096", NULL),
    PART("toRelativeMonthNum", 2, "Months since year 0.", "toRelativeMonthNum" D1, "24290", NULL),
    PART("toRelativeWeekNum", 2, "Weeks since 1970.", "toRelativeWeekNum" D1, "2826", NULL),
    PART("toRelativeDayNum", 2, "Days since 1970.", "toRelativeDayNum" D1, "19782", NULL),
    PART("toRelativeHourNum", 2, "Hours since 1970.", "toRelativeHourNum" D1, "474768", NULL),
    PART("toRelativeMinuteNum", 2, "Minutes since 1970.", "toRelativeMinuteNum" D1, "28486080", NULL),
    PART("toRelativeSecondNum", 2, "Seconds since 1970.", "toRelativeSecondNum" D1, "1709164800", NULL),
    PART("toDaysSinceYearZero", 2, "Days since 0000-01-01.", "toDaysSinceYearZero" D1, "739310", "TO_DAYS", NULL),
    PART("toYearNumSinceEpoch", 2, "Years since 1970.", "toYearNumSinceEpoch" D1, "54", NULL),
    PART("toMonthNumSinceEpoch", 2, "Months since 1970.", "toMonthNumSinceEpoch" D1, "649", NULL),
    PART("toDaysInMonth", 2, "How many days the month has.", "toDaysInMonth" D1, "29", NULL),
};
const func_family func_family_date_part = FUNC_FAMILY("dates", rows_);
