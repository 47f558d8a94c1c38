/* func_date_trunc.c - starts and ends of periods: toStartOf*, toMonday, toLastDayOf*, timeSlot, toStartOfInterval, date_trunc.
 *
 * All are one operation, "the start of the interval of n units", with four families of result types:
 *   toStartOf*         Date or DateTime, saturated to what those hold;
 *   toStartOfInterval  likewise; sub-second units give DateTime64; with an origin the argument's type;
 *   date_trunc         Date32 and DateTime64 stay what they are.
 * Hours and longer count from the local midnight, shorter units from 1970, weeks from a Monday, months from 1900, years from 0.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/date_view.h"

typedef enum trunc_kind {
    TRUNC_YEAR, TRUNC_QUARTER, TRUNC_MONTH, TRUNC_WEEK, TRUNC_DAY, TRUNC_HOUR, TRUNC_MINUTE, TRUNC_SECOND, TRUNC_FRACTION,
    TRUNC_ISO_YEAR, TRUNC_LAST_OF_MONTH, TRUNC_LAST_OF_WEEK
} trunc_kind;

typedef struct trunc_data {
    trunc_kind kind;
    int64_t count;         /* of units */
    unsigned mode;         /* weeks: odd starts on Monday */
    const fn_tz *tz;       /* the argument's */
    const fn_tz *out_tz;   /* the result's, where it has a time */
    bool wrap;             /* a Date result of Date32 keeps its low 16 bits, as ClickHouse's toStartOfInterval */
    int64_t fraction;      /* TRUNC_FRACTION: ticks of the result per unit */
    bool origin;
    fn_interval_unit unit; /* with origin */
} trunc_data;

static bool is_day_kind(trunc_kind kind)
{
    return kind <= TRUNC_WEEK || kind >= TRUNC_ISO_YEAR;
}

/* ---- days ---- */

static int32_t trunc_months(uint32_t packed, int64_t months)
{
    const int64_t index = ((int64_t)date_year(packed) - 1900) * 12 + date_month(packed) - 1, start = index / months * months;
    return date_first_of_month((uint32_t)(start / 12 + 1900), (uint32_t)(start % 12) + 1);
}

static int32_t trunc_day(const trunc_data *d, const uint32_t *calendar, int32_t day)
{
    const uint32_t packed = calendar[day - DATE_DAY_MIN];
    switch (d->kind) {
    case TRUNC_YEAR: return date_first_of_year((uint32_t)(date_year(packed) / d->count * d->count));
    case TRUNC_QUARTER: return trunc_months(packed, d->count * 3);
    case TRUNC_MONTH: return d->count == 1 ? day - (int32_t)date_day(packed) + 1 : trunc_months(packed, d->count);
    case TRUNC_WEEK:
        if (d->count == 1) return date_first_of_week(day, d->mode);
        return (int32_t)(4 + date_floor_div(day - 4, d->count * 7) * (d->count * 7));
    case TRUNC_DAY: return d->count == 1 ? day : (int32_t)(date_floor_div(day, d->count) * d->count);
    case TRUNC_ISO_YEAR: return date_first_of_iso_year(day);
    case TRUNC_LAST_OF_MONTH: return day - (int32_t)date_day(packed) + (int32_t)fn_days_in_month(date_year(packed), date_month(packed));
    case TRUNC_LAST_OF_WEEK: return date_first_of_week(day, d->mode) + 6;
    case TRUNC_HOUR:
    case TRUNC_MINUTE:
    case TRUNC_SECOND:
    case TRUNC_FRACTION: break;
    }
    return day;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static void store_days(const trunc_data *d, const fn_type *to, const date_view *v, uint32_t rows, uint8_t *values)
{
    const uint32_t *calendar = date_calendar();
    for (size_t i = 0; i < rows; i++) {
        const int32_t day = trunc_day(d, calendar, v->days[i]);
        if (to->width == 4) fn_store_i32(values + i * 4, day);
        else fn_store_u16(values + i * 2, (uint16_t)(d->wrap ? day : clamp(day, 0, UINT16_MAX)));
    }
}

/* ---- times ---- */

static void store_instant(const fn_type *to, bool wrap, int64_t seconds, int64_t unit, uint8_t *p)
{
    if (to->id == FN_T_DATETIME) fn_store_u32(p, (uint32_t)(wrap ? seconds : clamp(seconds, 0, UINT32_MAX)));
    else fn_store_i64(p, seconds * unit);
}

/* Local midnight, remembered: dates come in runs. */
typedef struct midnight_memo {
    const fn_tz *tz;
    int32_t day;
    int64_t instant;
} midnight_memo;

static int64_t midnight(midnight_memo *m, int32_t day)
{
    if (m->day == day) return m->instant;
    fn_civil c;
    fn_civil_from_days(day, &c);
    m->day = day;
    m->instant = fn_tz_instant(m->tz, c.year, c.month, c.day, 0, 0, 0);
    return m->instant;
}

static void store_times(const trunc_data *d, const fn_type *from, const fn_type *to, const date_view *v, uint32_t rows, uint8_t *values)
{
    const uint32_t *calendar = date_calendar();
    const int64_t unit = to->id == FN_T_DATETIME64 ? date_ticks(to->scale) : 1;
    const int64_t step = d->count * (d->kind == TRUNC_HOUR ? 3600 : d->kind == TRUNC_MINUTE ? 60 : 1);
    midnight_memo memo = {.tz = d->out_tz, .day = INT32_MIN};
    for (size_t i = 0; i < rows; i++) {
        int64_t s;
        if (d->kind == TRUNC_DAY || is_day_kind(d->kind)) {
            s = midnight(&memo, trunc_day(d, calendar, v->days[i]));
        } else if (!date_has_time(from)) {
            s = midnight(&memo, v->days[i]);
        } else if (d->kind == TRUNC_HOUR) { /* from the local midnight, by the clock on the wall */
            s = v->instants[i] - v->seconds[i] % step;
            if (d->count > 1) s = v->instants[i] - v->seconds[i] + v->seconds[i] / step * step;
        } else if (d->kind == TRUNC_SECOND && d->count > 1 && (v->instants[i] + 86400 - v->seconds[i]) % 3600 != 0) {
            s = v->instants[i] - v->seconds[i] % step; /* zones off the hour count seconds from midnight */
        } else {
            s = v->instants[i] >= 0 ? v->instants[i] / step * step : date_floor_div(v->instants[i], step) * step;
        }
        store_instant(to, d->wrap, s, unit, values + i * to->width);
    }
}

/* DateTime to the start of `step` seconds counted from 1970: no zone is needed. Customary steps are constants of their loops. */
static void store_steps(const fn_column *c, uint32_t step, uint32_t rows, uint8_t *values)
{
    const uint32_t *x = (const uint32_t *)(const void *)c->values;
    uint32_t *to = (uint32_t *)(void *)values;
    const size_t stride = func_step(c);
#define STEPS(n)                                                                                   \
    for (size_t i = 0; i < rows; i++) to[i] = x[i * stride] - x[i * stride] % (n)
    if (step == 60) STEPS(60u);
    else if (step == 300) STEPS(300u);
    else if (step == 900) STEPS(900u);
    else STEPS(step);
#undef STEPS
}

/* Sub-second units: on ticks alone. */
static void store_fractions(const trunc_data *d, const fn_column *c, const fn_type *to, uint32_t rows, uint8_t *values)
{
    const int64_t unit = date_ticks(c->type->scale), out_unit = date_ticks(to->scale), step = d->fraction * d->count;
    for (size_t i = 0; i < rows; i++) {
        const int64_t raw = fn_load_i64(c->values + i * func_step(c) * 8);
        const int64_t ticks = out_unit >= unit ? (int64_t)((uint64_t)raw * (uint64_t)(out_unit / unit)) : date_floor_div(raw, unit / out_unit);
        fn_store_i64(values + i * 8, date_floor_div(ticks, step) * step);
    }
}

/* ---- an interval counted from an origin: the argument less a remainder ---- */

static int64_t months_between(const fn_civil *a, const fn_civil *b)
{
    const int64_t n = ((int64_t)b->year - a->year) * 12 + b->month - a->month;
    return n;
}

static fn_status check_origin(fn_ctx *ctx, const func_call *call, int64_t value, int64_t origin)
{
    if (value >= origin) return FN_OK;
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Source date and time must be greater than or equal to origin in function %s", call->def->name);
}

static int64_t raw_at(const fn_column *c, size_t i)
{
    return fn_column_i64_at(c, i);
}

/* Whole months from the origin not past the value, times step. */
static int64_t origin_months(const fn_tz *tz, bool days, int64_t value, int64_t origin, int64_t step)
{
    fn_civil a, b;
    if (days) {
        fn_civil_from_days(origin, &a);
        fn_civil_from_days(value, &b);
        a.hour = a.minute = a.second = b.hour = b.minute = b.second = 0;
    } else {
        fn_tz_civil(tz, origin, &a);
        fn_tz_civil(tz, value, &b);
    }
    int64_t n = months_between(&a, &b);
    const int64_t in_a = a.day * 86400 + a.hour * 3600 + a.minute * 60 + a.second, in_b = b.day * 86400 + b.hour * 3600 + b.minute * 60 + b.second;
    if (in_b < in_a) n--;
    n = n / step * step;
    const int64_t index = (int64_t)a.year * 12 + a.month - 1 + n, year = index / 12;
    const unsigned month = (unsigned)(index % 12) + 1, day = FN_MIN((unsigned)a.day, fn_days_in_month(year, month));
    return days ? fn_days_from_civil(year, month, day) : fn_tz_instant(tz, year, month, day, a.hour, a.minute, a.second);
}

static int64_t unit_seconds(fn_interval_unit unit)
{
    switch (unit) {
    case FN_INTERVAL_SECOND: return 1;
    case FN_INTERVAL_MINUTE: return 60;
    case FN_INTERVAL_HOUR: return 3600;
    case FN_INTERVAL_DAY: return 86400;
    case FN_INTERVAL_WEEK: return 604800;
    case FN_INTERVAL_NANOSECOND: case FN_INTERVAL_MICROSECOND: case FN_INTERVAL_MILLISECOND:
    case FN_INTERVAL_MONTH: case FN_INTERVAL_QUARTER: case FN_INTERVAL_YEAR: break;
    }
    return 0;
}

static fn_status eval_origin(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const trunc_data *d = call->data;
    const fn_type *t = args[0]->type;
    const bool days = !date_has_time(t);
    const int64_t unit = t->id == FN_T_DATETIME64 ? date_ticks(t->scale) : 1;
    const int64_t months = d->unit == FN_INTERVAL_MONTH ? 1 : d->unit == FN_INTERVAL_QUARTER ? 3 : d->unit == FN_INTERVAL_YEAR ? 12 : 0;
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    fn_status status = FN_OK;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        const int64_t value = raw_at(args[0], i), origin = raw_at(args[2], i);
        int64_t r;
        status = check_origin(ctx, call, value, origin);
        if (months) {
            r = origin_months(d->tz, days, date_floor_div(value, unit), date_floor_div(origin, unit), months * d->count) * unit;
            if (!days) r += origin - date_floor_div(origin, unit) * unit;
        } else {
            int64_t step = days ? (d->unit == FN_INTERVAL_WEEK ? 7 : 1) : unit_seconds(d->unit) * unit;
            if (!step) step = FN_MAX(unit / date_ticks(d->unit == FN_INTERVAL_MILLISECOND ? 3 : d->unit == FN_INTERVAL_MICROSECOND ? 6 : 9), (int64_t)1);
            r = origin + (value - origin) / (step * d->count) * (step * d->count);
        }
        memcpy(values + i * call->type->width, &r, call->type->width);
    }
    if (status == FN_OK) return FN_OK;
    fn_column_drop(*out);
    *out = NULL;
    return status;
}

static fn_status eval_trunc(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const trunc_data *d = call->data;
    const bool by_name = strcmp(call->def->name, "dateTrunc") == 0;
    const fn_column *c = args[by_name];
    uint8_t *values;
    date_view v;
    if (d->origin) return eval_origin(ctx, call, args, rows, out);
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    if (d->kind == TRUNC_FRACTION || (d->kind == TRUNC_SECOND && c->type->id == FN_T_DATETIME64 && call->type->scale)) {
        store_fractions(d, c, call->type, rows, values);
        return FN_OK;
    }
    if (c->type->id == FN_T_DATETIME && call->type->id == FN_T_DATETIME && d->kind == TRUNC_MINUTE && d->count <= 1440) {
        store_steps(c, (uint32_t)d->count * 60, rows, values);
        return FN_OK;
    }
    const bool times = date_has_time(call->type);
    const fn_status status = date_view_open(ctx, c, d->tz, times ? DATE_SECONDS | DATE_INSTANTS : 0, rows, &v);
    if (status != FN_OK) {
        fn_column_drop(*out);
        *out = NULL;
        return status;
    }
    if (times) store_times(d, c->type, call->type, &v, rows, values);
    else store_days(d, call->type, &v, rows, values);
    date_view_close(&v);
    return FN_OK;
}

/* ---- toStartOf<Period>(x [, mode] [, zone]) ---- */

typedef struct trunc_row {
    const char *name;
    trunc_kind kind;
    int64_t count;
    uint8_t scale;    /* TRUNC_FRACTION: digits of the unit */
    uint8_t mode;     /* weeks */
    bool mode_arg;
} trunc_row;
static const trunc_row truncs[] = {
    {"toStartOfYear", TRUNC_YEAR, 1, 0, 0, false},
    {"toStartOfISOYear", TRUNC_ISO_YEAR, 1, 0, 0, false},
    {"toStartOfQuarter", TRUNC_QUARTER, 1, 0, 0, false},
    {"toStartOfMonth", TRUNC_MONTH, 1, 0, 0, false},
    {"toMonday", TRUNC_WEEK, 1, 0, 1, false},
    {"toStartOfWeek", TRUNC_WEEK, 1, 0, 0, true},
    {"toLastDayOfWeek", TRUNC_LAST_OF_WEEK, 1, 0, 0, true},
    {"toLastDayOfMonth", TRUNC_LAST_OF_MONTH, 1, 0, 0, false},
    {"toStartOfDay", TRUNC_DAY, 1, 0, 0, false},
    {"toStartOfHour", TRUNC_HOUR, 1, 0, 0, false},
    {"toStartOfMinute", TRUNC_MINUTE, 1, 0, 0, false},
    {"toStartOfFiveMinutes", TRUNC_MINUTE, 5, 0, 0, false},
    {"toStartOfTenMinutes", TRUNC_MINUTE, 10, 0, 0, false},
    {"toStartOfFifteenMinutes", TRUNC_MINUTE, 15, 0, 0, false},
    {"timeSlot", TRUNC_MINUTE, 30, 0, 0, false},
    {"toStartOfSecond", TRUNC_SECOND, 1, 0, 0, false},
    {"toStartOfMillisecond", TRUNC_FRACTION, 1, 3, 0, false},
    {"toStartOfMicrosecond", TRUNC_FRACTION, 1, 6, 0, false},
    {"toStartOfNanosecond", TRUNC_FRACTION, 1, 9, 0, false},
};

static fn_status need_date(fn_ctx *ctx, const func_call *call, const fn_type *t)
{
    if (fn_type_is_date_or_time(t)) return FN_OK;
    return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument of function %s. Should be Date, Date32, DateTime or DateTime64", t->name, call->def->name);
}

static fn_status trunc_result(fn_ctx *ctx, func_call *call, const trunc_row *row, trunc_data *d, const fn_type *t, const fn_tz *named)
{
    if (is_day_kind(row->kind)) {
        call->type = fn_type_simple(FN_T_DATE);
        return FN_OK;
    }
    if (row->kind == TRUNC_DAY) {
        call->type = fn_type_datetime(named ? named : t->timezone);
        return FN_OK;
    }
    if (!date_has_time(t)) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal argument of type %s for function %s", t->name, call->def->name);
    if (row->kind == TRUNC_SECOND || row->kind == TRUNC_FRACTION) {
        if (t->id != FN_T_DATETIME64) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument for function %s", t->name, call->def->name);
        const unsigned scale = FN_MAX((unsigned)t->scale, (unsigned)row->scale);
        call->type = fn_type_datetime64(scale, named ? named : t->timezone);
        d->fraction = date_ticks(scale - row->scale);
        d->kind = TRUNC_FRACTION;
        return FN_OK;
    }
    call->type = fn_type_datetime(named ? named : t->timezone);
    return FN_OK;
}

static fn_status bind_trunc(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    const trunc_row *row = NULL;
    const fn_tz *named = NULL;
    trunc_data *d = FN_NEW(ctx, trunc_data);
    uint32_t zone_at = 1;
    FN_TRY_PTR(ctx, d);
    for (size_t i = 0; i < FN_COUNT(truncs); i++)
        if (strcmp(truncs[i].name, call->def->name) == 0) row = &truncs[i];
    FN_ASSERT(row != NULL);
    FN_TRY(need_date(ctx, call, t));
    *d = (trunc_data){.kind = row->kind, .count = row->count, .mode = row->mode};
    if (row->mode_arg && call->arg_count > 1 && fn_type_is_integer(call->arg_types[1])) {
        if (!call->consts[1]) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "The mode of function %s must be a constant", call->def->name);
        d->mode = (unsigned)fn_column_u64_at(call->consts[1], 0);
        zone_at = 2;
    }
    FN_TRY(date_zone_arg(ctx, call, zone_at, &named));
    if (named && !date_has_time(t))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The timezone argument of function %s is allowed only when the 1st argument has the type DateTime or DateTime64", call->def->name);
    d->tz = named ? named : expr_zone(ctx, t);
    call->data = d;
    FN_TRY(trunc_result(ctx, call, row, d, t, named));
    d->out_tz = date_has_time(call->type) ? expr_zone(ctx, call->type) : d->tz;
    return FN_OK;
}

/* ---- date_trunc('unit', x [, zone]) and toStartOfInterval(x, INTERVAL n unit [, origin] [, zone]) ---- */

static trunc_kind kind_of(fn_interval_unit unit)
{
    switch (unit) {
    case FN_INTERVAL_NANOSECOND:
    case FN_INTERVAL_MICROSECOND:
    case FN_INTERVAL_MILLISECOND: return TRUNC_FRACTION;
    case FN_INTERVAL_SECOND: return TRUNC_SECOND;
    case FN_INTERVAL_MINUTE: return TRUNC_MINUTE;
    case FN_INTERVAL_HOUR: return TRUNC_HOUR;
    case FN_INTERVAL_DAY: return TRUNC_DAY;
    case FN_INTERVAL_WEEK: return TRUNC_WEEK;
    case FN_INTERVAL_MONTH: return TRUNC_MONTH;
    case FN_INTERVAL_QUARTER: return TRUNC_QUARTER;
    case FN_INTERVAL_YEAR: return TRUNC_YEAR;
    }
    return TRUNC_DAY;
}

static unsigned digits_of(fn_interval_unit unit)
{
    return unit == FN_INTERVAL_NANOSECOND ? 9 : unit == FN_INTERVAL_MICROSECOND ? 6 : unit == FN_INTERVAL_MILLISECOND ? 3 : 0;
}

static fn_status bind_date_trunc(fn_ctx *ctx, func_call *call)
{
    fn_str name;
    fn_interval_unit unit;
    const fn_type *t = call->arg_types[1];
    const fn_tz *named;
    trunc_data *d = FN_NEW(ctx, trunc_data);
    FN_TRY_PTR(ctx, d);
    FN_TRY(func_const_str(ctx, call, 0, &name));
    if (!date_unit(name, &unit)) return fn_fail(ctx, FN_BAD_ARGUMENTS, FN_STR_FMT " doesn't look like datepart name in %s", FN_STR_ARG(name), call->def->name);
    *d = (trunc_data){.kind = kind_of(unit), .count = 1, .mode = 1};
    if (!fn_type_is_date_or_time(t) || (!date_has_time(t) && unit < FN_INTERVAL_DAY))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument for function %s", t->name, call->def->name);
    FN_TRY(date_zone_arg(ctx, call, 2, &named));
    d->tz = named ? named : expr_zone(ctx, t);
    const bool wide = t->id == FN_T_DATE32 || t->id == FN_T_DATETIME64;
    if (is_day_kind(d->kind)) {
        call->type = fn_type_simple(wide ? FN_T_DATE32 : FN_T_DATE);
    } else if (d->kind == TRUNC_FRACTION) {
        if (t->id != FN_T_DATETIME64) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument for function %s", t->name, call->def->name);
        call->type = fn_type_datetime64(digits_of(unit), named ? named : t->timezone);
        d->fraction = 1;
    } else {
        const fn_tz *zone = named ? named : t->timezone;
        call->type = wide ? fn_type_datetime64(0, zone) : fn_type_datetime(zone);
    }
    d->out_tz = date_has_time(call->type) ? expr_zone(ctx, call->type) : d->tz;
    call->data = d;
    return FN_OK;
}

static fn_status interval_count(fn_ctx *ctx, const func_call *call, int64_t *out)
{
    fn_column *c;
    FN_TRY(func_need_const(ctx, call, 1, &c));
    *out = fn_column_i64_at(c, 0);
    if (*out <= 0) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Value for 2nd argument of function %s must be positive", call->def->name);
    return FN_OK;
}

static fn_status bind_interval(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0], *interval = call->arg_types[1];
    trunc_data *d = FN_NEW(ctx, trunc_data);
    const fn_tz *named;
    FN_TRY_PTR(ctx, d);
    if (!fn_type_is_date_or_time(t))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of 1st argument of function %s, expected a Date, Date32, DateTime or DateTime64", t->name, call->def->name);
    if (interval->id != FN_T_INTERVAL)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of 2nd argument of function %s, expected an Interval", interval->name, call->def->name);
    const fn_interval_unit unit = (fn_interval_unit)interval->interval;
    *d = (trunc_data){.kind = kind_of(unit), .mode = 1, .unit = unit, .wrap = t->id == FN_T_DATE32};
    FN_TRY(interval_count(ctx, call, &d->count));
    if (d->kind == TRUNC_SECOND && d->count % 60 == 0) {
        d->kind = TRUNC_MINUTE;
        d->count /= 60;
    }
    if (d->kind == TRUNC_MINUTE && d->count % 60 == 0) {
        d->kind = TRUNC_HOUR;
        d->count /= 60;
    }
    d->origin = call->arg_count > 2 && !fn_type_is_string(call->arg_types[2]);
    if (d->origin && call->arg_types[2]->id != t->id)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Datetime argument and origin argument for function %s must have the same type", call->def->name);
    FN_TRY(date_zone_arg(ctx, call, d->origin ? 3 : 2, &named));
    d->tz = named ? named : expr_zone(ctx, t);
    if ((!date_has_time(t) && unit < FN_INTERVAL_DAY) || (d->kind == TRUNC_FRACTION && t->id != FN_T_DATETIME64))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal interval kind for argument data type %s", t->name);
    const fn_tz *zone = named ? named : t->timezone;
    if (d->origin) {
        call->type = t;
    } else if (is_day_kind(d->kind)) {
        call->type = fn_type_simple(FN_T_DATE);
    } else if (d->kind == TRUNC_FRACTION) {
        call->type = fn_type_datetime64(digits_of(unit), zone);
        d->fraction = 1;
    } else {
        call->type = fn_type_datetime(zone);
    }
    d->out_tz = date_has_time(call->type) ? expr_zone(ctx, call->type) : d->tz;
    call->data = d;
    return FN_OK;
}

#define TRUNC(title, most, text, ex, res, ...)                                                     \
    {.name = title, .aliases = (const char *const[]){__VA_ARGS__}, .args_min = 1, .args_max = most, .flags = FUNC_PER_ENTRY, .bind = bind_trunc, \
     .eval = eval_trunc, .about = text, .example = ex, .gives = res}
#define D1                       "(toDate('2024-02-29'))"
#define T1                       "(toDateTime('2024-02-29 23:59:58'))"
static const func_def rows_[] = {
    TRUNC("toStartOfYear", 2, "The first day of the year.", "toStartOfYear" D1, "2024-01-01", NULL),
    TRUNC("toStartOfISOYear", 2, "The first day of the ISO year.", "toStartOfISOYear" D1, "2024-01-01", NULL),
    TRUNC("toStartOfQuarter", 2, "The first day of the quarter.", "toStartOfQuarter" D1, "2024-01-01", NULL),
    TRUNC("toStartOfMonth", 2, "The first day of the month.", "toStartOfMonth" D1, "2024-02-01", NULL),
    TRUNC("toMonday", 2, "The Monday of the week.", "toMonday" D1, "2024-02-26", NULL),
    TRUNC("toStartOfWeek", 3, "The first day of the week; mode 0 (default) Sunday, 1 Monday.", "toStartOfWeek" D1, "2024-02-25", NULL),
    TRUNC("toLastDayOfWeek", 3, "The last day of the week; mode 0 (default) weeks start on Sunday, 1 on Monday.", "toLastDayOfWeek" D1, "2024-03-02", NULL),
    {.name = "toLastDayOfMonth", .aliases = (const char *const[]){"LAST_DAY", NULL}, .args_min = 1, .args_max = 2, .flags = FUNC_PER_ENTRY | FUNC_CASE_INSENSITIVE, .bind = bind_trunc, .eval = eval_trunc,
     .about = "The last day of the month.", .example = "toLastDayOfMonth" D1, .gives = "2024-02-29"},
    TRUNC("toStartOfDay", 2, "Midnight of the day.", "toStartOfDay" T1, "2024-02-29 00:00:00", NULL),
    TRUNC("toStartOfHour", 2, "The start of the hour.", "toStartOfHour" T1, "2024-02-29 23:00:00", NULL),
    TRUNC("toStartOfMinute", 2, "The start of the minute.", "toStartOfMinute" T1, "2024-02-29 23:59:00", NULL),
    TRUNC("toStartOfFiveMinutes", 2, "The start of the five minutes.", "toStartOfFiveMinutes" T1, "2024-02-29 23:55:00", "toStartOfFiveMinute", NULL),
    TRUNC("toStartOfTenMinutes", 2, "The start of the ten minutes.", "toStartOfTenMinutes" T1, "2024-02-29 23:50:00", NULL),
    TRUNC("toStartOfFifteenMinutes", 2, "The start of the quarter of an hour.", "toStartOfFifteenMinutes" T1, "2024-02-29 23:45:00", NULL),
    TRUNC("timeSlot", 2, "The start of the half hour.", "timeSlot" T1, "2024-02-29 23:30:00", NULL),
    TRUNC("toStartOfSecond", 2, "The start of the second.", "toStartOfSecond(toDateTime64('2024-02-29 01:02:03.5', 1))", "2024-02-29 01:02:03.0", NULL),
    TRUNC("toStartOfMillisecond", 2, "The start of the millisecond.", "toStartOfMillisecond(toDateTime64('2024-02-29 01:02:03.5', 1))", "2024-02-29 01:02:03.500", NULL),
    TRUNC("toStartOfMicrosecond", 2, "The start of the microsecond.", "toStartOfMicrosecond(toDateTime64('2024-02-29 01:02:03.5', 1))", "2024-02-29 01:02:03.500000", NULL),
    TRUNC("toStartOfNanosecond", 2, "The start of the nanosecond.", "toStartOfNanosecond(toDateTime64('2024-02-29 01:02:03.5', 1))", "2024-02-29 01:02:03.500000000", NULL),
    {.name = "toStartOfInterval", .aliases = (const char *const[]){"time_bucket", "date_bin", NULL}, .args_min = 2, .args_max = 4, .bind = bind_interval, .eval = eval_trunc,
     .about = "The start of the interval of so many units, counted from an origin if one is given.", .example = "toStartOfInterval(toDate('2024-02-29'), INTERVAL 1 MONTH)", .gives = "2024-02-01"},
    {.name = "dateTrunc", .aliases = (const char *const[]){"date_trunc", NULL}, .args_min = 2, .args_max = 3, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_date_trunc, .eval = eval_trunc,
     .about = "The start of the unit a date or time lies in.", .example = "dateTrunc('month', toDate('2024-02-29'))", .gives = "2024-02-01"},
};
const func_family func_family_date_trunc = FUNC_FAMILY("dates", rows_);
