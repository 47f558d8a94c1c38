/* convert_date.c - dates and times among each other and to and from numbers. Between Date and DateTime the wall time of the
 * zone counts; numbers are days, seconds (DateTime) or seconds with a fraction (DateTime64). A Date from a number above
 * 65,535 takes it for a time stamp. Values outside the target's range are clamped as ClickHouse does.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/convert_internal.h"
#include <firn/wide.h>
#include <math.h>

enum { DATE32_MIN = -719528, DATE32_MAX = 2932896 }; /* 0000-01-01 to 9999-12-31 */
#define SECONDS_MIN              INT64_C(-62167219200)
#define SECONDS_MAX              INT64_C(253402300799)

static int64_t power_of_10(unsigned n)
{
    int64_t v = 1;
    while (n--) v *= 10;
    return v;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Unix seconds with ticks of 10^-scale behind. */
typedef struct instant {
    int64_t seconds, ticks;
    unsigned scale;
    bool days;         /* seconds are days since 1970 */
} instant;

static int64_t load_i64(const fn_type *t, const uint8_t *p)
{
    switch (t->width) {
    case 1: return t->phys == FN_PHYS_U8 ? *p : (int8_t)*p;
    case 2: return t->phys == FN_PHYS_U16 ? fn_load_u16(p) : fn_load_i16(p);
    case 4: return t->phys == FN_PHYS_U32 ? (int64_t)fn_load_u32(p) : fn_load_i32(p);
    }
    return fn_load_i64(p);
}

static instant load_date(const fn_type *t, const uint8_t *p)
{
    const int64_t raw = load_i64(t, p);
    if (t->id == FN_T_DATE || t->id == FN_T_DATE32) return (instant){.seconds = raw, .days = true};
    if (t->id == FN_T_DATETIME) return (instant){.seconds = raw};
    const int64_t unit = power_of_10(t->scale), s = floor_div(raw, unit);
    return (instant){.seconds = s, .ticks = raw - s * unit, .scale = t->scale};
}

static double number_f64(const fn_type *t, const uint8_t *p)
{
    if (t->phys == FN_PHYS_F32) return (double)fn_load_f32(p);
    if (t->phys == FN_PHYS_F64) return fn_load_f64(p);
    double v = t->width == 16 ? (double)fn_load_i128(p) : t->width == 32 ? fn_i256_to_f64(fn_load_i256(p), true) : (double)load_i64(t, p);
    if (t->phys == FN_PHYS_U64) v = (double)fn_load_u64(p);
    if (t->id == FN_T_DECIMAL) v /= fn_i256_to_f64(fn_i256_pow10(t->scale), true);
    return v;
}

static instant load_number(const fn_type *t, const fn_type *to, const uint8_t *p)
{
    if (t->id == FN_T_DECIMAL && t->width <= 8) { /* digits behind the target's are cut toward zero */
        const int64_t raw = load_i64(t, p), drop = t->scale > to->scale ? power_of_10(t->scale - (to->id == FN_T_DATETIME64 ? to->scale : 0u)) : 1;
        const int64_t cut = raw / drop, unit = power_of_10(t->scale) / drop, s = floor_div(cut, unit);
        return (instant){.seconds = s, .ticks = cut - s * unit, .scale = FN_MIN(t->scale, to->id == FN_T_DATETIME64 ? to->scale : 0u)};
    }
    if (fn_type_is_float(t) || t->id == FN_T_DECIMAL) {
        const double v = number_f64(t, p);
        if (!(fabs(v) < 9e18)) return (instant){.seconds = v > 0 ? INT64_MAX / 4 : INT64_MIN / 4};
        const unsigned scale = to->id == FN_T_DATETIME64 ? to->scale : 0u;
        const double ticks = v * (double)power_of_10(scale);
        if (scale && fabs(ticks) < 9e18) {
            const int64_t whole = (int64_t)ticks, s = floor_div(whole, power_of_10(scale));
            return (instant){.seconds = s, .ticks = whole - s * power_of_10(scale), .scale = scale};
        }
        return (instant){.seconds = (int64_t)v};
    }
    if (t->width > 8) {
        const double v = number_f64(t, p);
        return (instant){.seconds = fabs(v) < 9e18 ? (int64_t)v : INT64_MAX / 4};
    }
    const int64_t raw = load_i64(t, p);
    return (instant){.seconds = t->phys == FN_PHYS_U64 && raw < 0 ? INT64_MAX / 4 : raw};
}

static int64_t local_days(const fn_tz *tz, int64_t seconds)
{
    return floor_div(seconds + fn_tz_offset(tz, seconds), 86400);
}

static int64_t midnight(const fn_tz *tz, int64_t days)
{
    fn_civil c;
    fn_civil_from_days(days, &c);
    return fn_tz_instant(tz, c.year, c.month, c.day, 0, 0, 0);
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* The raw value of type `to`. number: v came from a number. */
static int64_t store_date(const fn_type *to, const fn_tz *from_tz, const fn_tz *tz, instant v, bool number, bool *changed)
{
    int64_t raw;
    if (to->id == FN_T_DATE || to->id == FN_T_DATE32) {
        const bool stamp = number ? v.seconds > (to->id == FN_T_DATE ? 65535 : DATE32_MAX) : !v.days;
        if (to->id == FN_T_DATE && v.seconds == -1 && v.ticks && !v.days) v.seconds = 0; /* as ClickHouse: -0.5 s counts as 0 */
        const int64_t days = stamp ? local_days(from_tz, clamp(v.seconds, SECONDS_MIN, SECONDS_MAX)) : v.seconds;
        if (!number) raw = to->id == FN_T_DATE ? (uint16_t)days : days; /* ClickHouse's date_time_overflow_behavior = ignore */
        else raw = to->id == FN_T_DATE ? clamp(days, 0, 65535) : clamp(days, DATE32_MIN, DATE32_MAX);
        *changed = raw != days || (!number && !v.days && (midnight(from_tz, raw) != v.seconds || v.ticks));
        return raw;
    }
    if (v.days) v.seconds = midnight(tz, v.seconds);
    if (to->id == FN_T_DATETIME) {
        raw = number ? clamp(v.seconds, 0, UINT32_MAX) : (uint32_t)v.seconds;
        *changed = raw != v.seconds || v.ticks;
        return raw;
    }
    const int64_t unit = power_of_10(to->scale);
    int64_t ticks = v.ticks;
    for (unsigned s = v.scale; s < to->scale; s++) ticks *= 10;
    for (unsigned s = to->scale; s < v.scale; s++) {
        *changed |= ticks % 10 != 0;
        ticks /= 10;
    }
    const int64_t seconds = clamp(v.seconds, SECONDS_MIN, FN_MIN(SECONDS_MAX, INT64_MAX / unit));
    *changed |= seconds != v.seconds;
    return v.seconds > INT64_MAX / unit && unit > 1 && seconds < SECONDS_MAX ? INT64_MAX : seconds * unit + (seconds == INT64_MAX / unit ? FN_MIN(ticks, INT64_MAX % unit) : ticks);
}

/* Dates to a number type: through a column of Int64 or Decimal, by the caller. */
static fn_status to_number(convert_job *j, fn_column **out)
{
    fn_ctx *ctx = j->ctx;
    const bool fraction = j->from->id == FN_T_DATETIME64 && (fn_type_is_float(j->to) || j->to->id == FN_T_DECIMAL);
    const fn_type *middle = fraction ? fn_type_decimal(18, j->from->scale) : fn_type_simple(FN_T_INT64);
    fn_buffer *b = fn_buffer_new(ctx, (size_t)j->in->rows * 8);
    FN_TRY_PTR(ctx, b);
    for (uint32_t i = 0; i < j->in->rows; i++) {
        const uint8_t *p = j->in->values + (size_t)i * j->from->width;
        const int64_t v = fraction ? fn_load_i64(p) : load_date(j->from, p).seconds;
        fn_store_i64(b->data + (size_t)i * 8, v);
    }
    fn_column *numbers = fn_column_fixed(ctx, middle, j->in->rows, b, NULL);
    FN_TRY_PTR(ctx, numbers);
    convert_job next = *j;
    next.in = numbers;
    next.from = middle;
    const fn_status status = convert_number(&next, out);
    j->lost = next.lost;
    fn_column_drop(numbers);
    return status;
}

/* DateTime to Date, as CAST does it: the loop of toDate(time) over whole tables. */
static fn_status day_of_time(convert_job *j, const fn_tz *tz, fn_column **out)
{
    fn_buffer *b = fn_buffer_new(j->ctx, (size_t)j->in->rows * 2);
    FN_TRY_PTR(j->ctx, b);
    const uint32_t *from = (const uint32_t *)(const void *)j->in->values;
    uint16_t *to = (uint16_t *)(void *)b->data;
    int64_t low = 1, high = 0, offset = 0; /* the span for which the zone's offset holds */
    for (uint32_t i = 0; i < j->in->rows; i++) {
        const int64_t s = from[i];
        if (s < low || s >= high) offset = fn_tz_span(tz, s, &low, &high);
        const int64_t local = s + offset;
        to[i] = local < 0 ? 0 : (uint16_t)((uint64_t)local / 86400); /* west of Greenwich the first hours are before 1970: day 0 */
    }
    *out = fn_column_fixed(j->ctx, j->to, j->in->rows, b, NULL);
    return *out ? FN_OK : j->ctx->error.code;
}

/* The days of ticks of 1 / unit s; inlined with the usual units as constants, which turns the divisions into multiplications. */
static inline __attribute__((always_inline)) void days_of_ticks(const int64_t *from, uint16_t *to, uint32_t rows, const fn_tz *tz, int64_t unit)
{
    int64_t low = 1, high = 0, offset = 0; /* the span for which the zone's offset holds */
    for (uint32_t i = 0; i < rows; i++) {
        int64_t s = floor_div(from[i], unit);
        if (s == -1 && from[i] != -unit) s = 0; /* as store_date */
        s = clamp(s, SECONDS_MIN, SECONDS_MAX);
        if (FN_UNLIKELY(s < low || s >= high)) offset = fn_tz_span(tz, s, &low, &high);
        to[i] = (uint16_t)floor_div(s + offset, 86400);
    }
}

/* DateTime64 to Date, as CAST does it. */
static fn_status day_of_ticks(convert_job *j, const fn_tz *tz, fn_column **out)
{
    fn_buffer *b = fn_buffer_new(j->ctx, (size_t)j->in->rows * 2);
    FN_TRY_PTR(j->ctx, b);
    const int64_t *from = (const int64_t *)(const void *)j->in->values;
    uint16_t *to = (uint16_t *)(void *)b->data;
    const uint32_t rows = j->in->rows;
    switch (j->from->scale) {
    case 3: days_of_ticks(from, to, rows, tz, 1000); break;
    case 6: days_of_ticks(from, to, rows, tz, 1000000); break;
    case 9: days_of_ticks(from, to, rows, tz, 1000000000); break;
    default: days_of_ticks(from, to, rows, tz, power_of_10(j->from->scale)); break;
    }
    *out = fn_column_fixed(j->ctx, j->to, rows, b, NULL);
    return *out ? FN_OK : j->ctx->error.code;
}

/* Integers up to 64 bits to DateTime, as CAST does it: what does not fit is clamped. */
static fn_status time_of_integer(convert_job *j, fn_column **out)
{
    fn_buffer *b = fn_buffer_new(j->ctx, (size_t)j->in->rows * 4);
    FN_TRY_PTR(j->ctx, b);
    uint32_t *to = (uint32_t *)(void *)b->data;
    const uint32_t rows = j->in->rows;
    if (j->from->phys == FN_PHYS_U64) {
        const uint64_t *from = (const uint64_t *)(const void *)j->in->values;
        for (uint32_t i = 0; i < rows; i++) to[i] = (uint32_t)FN_MIN(from[i], (uint64_t)UINT32_MAX);
    } else {
        for (uint32_t i = 0; i < rows; i++) to[i] = (uint32_t)clamp(load_i64(j->from, j->in->values + (size_t)i * j->from->width), 0, UINT32_MAX);
    }
    *out = fn_column_fixed(j->ctx, j->to, rows, b, NULL);
    return *out ? FN_OK : j->ctx->error.code;
}

fn_status convert_date(convert_job *j, fn_column **out)
{
    if (!fn_type_is_date_or_time(j->to)) return to_number(j, out);
    const bool number = !fn_type_is_date_or_time(j->from);
    const fn_tz *tz = expr_zone(j->ctx, j->to), *from_tz = expr_zone(j->ctx, number ? j->to : j->from);
    const bool exact = j->mode == CONVERT_ACCURATE || j->mode == CONVERT_OR_NULL;
    if (fn_type_is_integer(j->from) && j->from->width <= 8 && j->to->id == FN_T_DATETIME && !exact) return time_of_integer(j, out);
    if (j->from->id == FN_T_DATETIME && j->to->id == FN_T_DATE && !exact) return day_of_time(j, from_tz, out);
    if (j->from->id == FN_T_DATETIME64 && j->to->id == FN_T_DATE && !exact) return day_of_ticks(j, from_tz, out);
    fn_buffer *b = fn_buffer_new(j->ctx, (size_t)j->in->rows * j->to->width);
    FN_TRY_PTR(j->ctx, b);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < j->in->rows && status == FN_OK; i++) {
        const uint8_t *p = j->in->values + (size_t)i * j->from->width;
        bool changed = false;
        const int64_t raw = store_date(j->to, from_tz, tz, number ? load_number(j->from, j->to, p) : load_date(j->from, p), number, &changed);
        memcpy(b->data + (size_t)i * j->to->width, &raw, j->to->width);
        if (changed && (j->mode == CONVERT_ACCURATE || j->mode == CONVERT_OR_NULL) && !(j->nulls && j->nulls[i]))
            status = convert_lost(j, i, FN_CANNOT_CONVERT_TYPE, "Value cannot be safely converted into the date type");
    }
    if (status != FN_OK) {
        fn_buffer_drop(b);
        return status;
    }
    *out = fn_column_fixed(j->ctx, j->to, j->in->rows, b, NULL);
    return *out ? FN_OK : j->ctx->error.code;
}
