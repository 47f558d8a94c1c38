/* date_view.c - columns of dates and times as local days and seconds; the calendar as a table.
 * Loops over instants keep the span for which the zone's offset holds, so a zone costs one comparison per row.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/date_view.h"
#include <pthread.h>

static uint32_t calendar[DATE_DAY_MAX - DATE_DAY_MIN + 1];
static int32_t month_first[10001][12]; /* of 0 .. 10000 */
const char *const date_month_names[12] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};
const char *const date_day_names[7] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
static pthread_once_t calendar_once = PTHREAD_ONCE_INIT;

static void fill_calendar(void)
{
    int32_t day = DATE_DAY_MIN;
    for (uint32_t year = 0; year <= 10000; year++)
        for (uint32_t month = 1; month <= 12; month++) {
            const uint32_t n = fn_days_in_month(year, month);
            month_first[year][month - 1] = day;
            for (uint32_t d = 1; d <= n; d++, day++)
                if (day <= DATE_DAY_MAX) calendar[day - DATE_DAY_MIN] = year << 9 | month << 5 | d;
        }
}

const uint32_t *date_calendar(void)
{
    pthread_once(&calendar_once, fill_calendar);
    return calendar;
}

int32_t date_first_of_month(uint32_t year, uint32_t month)
{
    pthread_once(&calendar_once, fill_calendar);
    return month_first[FN_MIN(year, 10000u)][(month - 1) % 12];
}

int32_t date_first_of_year(uint32_t year)
{
    return date_first_of_month(year, 1);
}

uint32_t date_yearday(int32_t days, uint32_t year)
{
    return (uint32_t)(days - date_first_of_year(year)) + 1;
}

static int32_t clamp_day(int64_t d)
{
    return (int32_t)(d < DATE_DAY_MIN ? DATE_DAY_MIN : d > DATE_DAY_MAX ? DATE_DAY_MAX : d);
}

/* ---- weeks, after MySQL's calc_week, whose modes these are ---- */

enum { WEEK_MONDAY_FIRST = 1, WEEK_YEAR = 2, WEEK_FIRST_WEEKDAY = 4, WEEK_NEWYEAR_DAY = 8 };

static uint32_t week_of_newyear(int32_t days, bool monday_first, uint32_t *year)
{
    const uint32_t dow = date_weekday(clamp_day((int64_t)days + (monday_first ? 0 : 1)));
    *year = date_year(date_calendar()[clamp_day((int64_t)days + 7 - (int32_t)dow) - DATE_DAY_MIN]);
    const int32_t newyear = date_first_of_year(*year);
    return (uint32_t)(days - date_first_of_week(newyear, monday_first)) / 7 + 1;
}

static uint32_t days_in_year(uint32_t year)
{
    return fn_is_leap_year(year) ? 366 : 365;
}

uint32_t date_week(int32_t days, unsigned mode, bool with_year, uint32_t *year)
{
    const bool monday_first = mode & WEEK_MONDAY_FIRST;
    if (mode & WEEK_NEWYEAR_DAY) return week_of_newyear(days, monday_first, year);
    bool week_year = (mode & WEEK_YEAR) || with_year;
    const bool first_weekday = ((mode & WEEK_FIRST_WEEKDAY) != 0) == monday_first;
    const uint32_t packed = date_calendar()[days - DATE_DAY_MIN], yearday = date_yearday(days, date_year(packed)) - 1;
    *year = date_year(packed);
    /* weekday of January 1st, 0 = the week's first day */
    uint32_t weekday = (date_weekday(date_first_of_year(*year)) - (monday_first ? 1u : 0u)) % 7;
    int32_t first = -(int32_t)yearday; /* of the year, relative to the day */
    if (yearday < 7 - weekday) { /* the first, broken week */
        if (!week_year && (first_weekday ? weekday != 0 : weekday >= 4)) return 0;
        if (first_weekday ? weekday != 0 : weekday >= 4) { /* belongs to the year before */
            (*year)--;
            const uint32_t n = days_in_year(*year);
            first -= (int32_t)n;
            weekday = (weekday + 53 * 7 - n) % 7;
        }
        week_year = true;
    }
    const int32_t since = (first_weekday ? weekday != 0 : weekday >= 4) ? -first - (int32_t)(7 - weekday) : -first + (int32_t)weekday;
    if (week_year && since >= 52 * 7) {
        weekday = (weekday + days_in_year(*year)) % 7;
        if (first_weekday ? weekday == 0 : weekday < 4) {
            (*year)++;
            return 1;
        }
    }
    return (uint32_t)since / 7 + 1;
}

int32_t date_first_of_week(int32_t days, unsigned mode)
{
    const int32_t dow = (int32_t)date_weekday(days);
    return mode & WEEK_MONDAY_FIRST ? days - (dow - 1) : days - dow % 7;
}

int32_t date_first_of_iso_year(int32_t days)
{
    uint32_t year;
    (void)date_week(days, 3, true, &year);
    const int32_t fourth = date_first_of_year(year) + 3; /* January 4th is always in week 1 */
    return date_first_of_week(fourth, 1);
}

/* ---- columns ---- */

/* Instants to local days and seconds of the day. */
#define LOCAL_DAYS(INSTANT)                                                                        \
    for (size_t i = 0; i < rows; i++) {                                                            \
        const int64_t s = (INSTANT);                                                               \
        if (FN_UNLIKELY(s < from || s >= to)) offset = fn_tz_span(tz, s, &from, &to);              \
        const uint64_t local = (uint64_t)(s + offset + BIAS * 86400);                              \
        const uint64_t day = local / 86400;                                                        \
        v->days[i] = clamp_day((int64_t)day - BIAS);                                               \
        if (v->seconds) v->seconds[i] = (int32_t)(local - day * 86400);                            \
        if (v->instants) v->instants[i] = s;                                                       \
    }

static void fill_instants(const fn_column *c, const fn_tz *tz, uint32_t rows, date_view *v)
{
    static const int64_t BIAS = 400 * 146097; /* keeps the dividend positive for any DateTime64 */
    const size_t step = func_step(c);
    int64_t from = 1, to = 0;
    int32_t offset = 0;
    if (c->type->id == FN_T_DATETIME) {
        const uint32_t *raw = (const uint32_t *)(const void *)c->values;
        LOCAL_DAYS(raw[i * step])
        return;
    }
    const int64_t *raw = (const int64_t *)(const void *)c->values, unit = date_ticks(c->type->scale), limit = BIAS * 86400 / 2;
    LOCAL_DAYS(FN_MAX(FN_MIN(date_floor_div(raw[i * step], unit), limit), -limit))
}

fn_status date_view_open(fn_ctx *ctx, const fn_column *c, const fn_tz *tz, unsigned what, uint32_t rows, date_view *out)
{
    const size_t part = fn_round_up((size_t)rows * 4 + 16, 16);
    uint8_t *memory = fn_alloc(ctx, part * 2 + part * 2);
    FN_TRY_PTR(ctx, memory);
    *out = (date_view){.memory = memory, .days = (int32_t *)(void *)memory};
    if (what & DATE_SECONDS) out->seconds = (int32_t *)(void *)(memory + part);
    if ((what & DATE_INSTANTS) && date_has_time(c->type)) out->instants = (int64_t *)(void *)(memory + 2 * part);
    if (date_has_time(c->type)) {
        fill_instants(c, tz, rows, out);
        return FN_OK;
    }
    const size_t step = func_step(c);
    for (size_t i = 0; i < rows; i++)
        out->days[i] = c->type->id == FN_T_DATE ? fn_load_u16(c->values + i * step * 2) : clamp_day(fn_load_i32(c->values + i * step * 4));
    if (out->seconds) memset(out->seconds, 0, (size_t)rows * 4);
    return FN_OK;
}

void date_view_close(date_view *v)
{
    fn_free(v->memory);
    *v = (date_view){0};
}

fn_status date_zone_arg(fn_ctx *ctx, const func_call *call, uint32_t index, const fn_tz **out)
{
    fn_str name;
    *out = NULL;
    if (index >= call->arg_count) return FN_OK;
    FN_TRY(func_const_str(ctx, call, index, &name));
    if (!name.size) return FN_OK;
    *out = fn_tz_find(name);
    return *out ? FN_OK : fn_fail(ctx, FN_BAD_ARGUMENTS, "Cannot load time zone " FN_STR_FMT, FN_STR_ARG(name));
}

int64_t date_ticks(unsigned scale)
{
    int64_t v = 1;
    while (scale--) v *= 10;
    return v;
}

bool date_unit(fn_str name, fn_interval_unit *out)
{
    static const struct {
        const char *names[6];
        fn_interval_unit unit;
    } units[] = {
        {{"nanosecond", "nanoseconds", "ns"}, FN_INTERVAL_NANOSECOND},
        {{"microsecond", "microseconds", "us", "u"}, FN_INTERVAL_MICROSECOND},
        {{"millisecond", "milliseconds", "ms"}, FN_INTERVAL_MILLISECOND},
        {{"second", "seconds", "ss", "s"}, FN_INTERVAL_SECOND},
        {{"minute", "minutes", "mi", "n"}, FN_INTERVAL_MINUTE},
        {{"hour", "hours", "hh", "h"}, FN_INTERVAL_HOUR},
        {{"day", "days", "dd", "d"}, FN_INTERVAL_DAY},
        {{"week", "weeks", "wk", "ww"}, FN_INTERVAL_WEEK},
        {{"month", "months", "mm", "m"}, FN_INTERVAL_MONTH},
        {{"quarter", "quarters", "qq", "q"}, FN_INTERVAL_QUARTER},
        {{"year", "years", "yyyy", "yy"}, FN_INTERVAL_YEAR},
    };
    for (size_t i = 0; i < FN_COUNT(units); i++)
        for (size_t k = 0; k < 6 && units[i].names[k]; k++)
            if (fn_str_eq_nocase(fn_cstr(units[i].names[k]), name)) {
                *out = units[i].unit;
                return true;
            }
    return false;
}
