/* func_date_parse.c - text to times: parseDateTimeBestEffort and its kin, parseDateTime by MySQL's % codes, parseDateTimeInJodaSyntax.
 * All fill the same set of parts; one function turns parts into an instant. What does not parse fails, or gives NULL or zero by
 * the function's suffix. SPDX-License-Identifier: Apache-2.0 */
#include "function/date_view.h"
#include <firn/time_scan.h>

typedef struct date_parts {
    int64_t year, month, day, yearday, hour, minute, second, ns;
    int64_t offset;     /* seconds east of UTC */
    bool has_year, has_month, has_day, has_yearday, has_offset, has_half, pm;
} date_parts;

/* A zone offset at the cursor. */
static bool take_offset(fn_scan *c, date_parts *p)
{
    p->has_offset = fn_scan_offset(c, &p->offset);
    return p->has_offset;
}

/* Parts to unix seconds; false where they make no date. Missing parts are those of 1970-01-01. */
static bool parts_instant(const date_parts *p, const fn_tz *tz, int64_t *seconds)
{
    const int64_t year = p->has_year ? p->year : 1970, month = p->has_month ? p->month : 1, day = p->has_day ? p->day : 1;
    int64_t hour = p->hour;
    if (p->has_half) {
        if (hour < 1 || hour > 12) return false;
        hour = hour % 12 + (p->pm ? 12 : 0);
    }
    if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1 || day > fn_days_in_month(year, (unsigned)month)) return false;
    if (hour > 23 || p->minute > 59 || p->second > 59) return false;
    int64_t days = fn_days_from_civil(year, (unsigned)month, (unsigned)day);
    if (p->has_yearday) {
        if (p->yearday < 1 || p->yearday > (fn_is_leap_year(year) ? 366 : 365)) return false;
        days = fn_days_from_civil(year, 1, 1) + p->yearday - 1;
    }
    fn_civil c;
    fn_civil_from_days(days, &c);
    const fn_tz *zone = p->has_offset ? fn_tz_utc() : tz;
    *seconds = fn_tz_instant(zone, c.year, c.month, c.day, (unsigned)hour, (unsigned)p->minute, (unsigned)p->second) - (p->has_offset ? p->offset : 0);
    return true;
}

/* ---- by pattern ---- */

static bool take_half(fn_scan *c, date_parts *p)
{
    const fn_str word = fn_scan_word(c);
    p->has_half = true;
    p->pm = fn_str_eq_nocase(word, FN_STR("PM"));
    return p->pm || fn_str_eq_nocase(word, FN_STR("AM"));
}

static bool mysql_code(fn_scan *c, char code, date_parts *p)
{
    switch (code) {
    case 'Y': return p->has_year = true, fn_scan_number(c, 4, 4, &p->year);
    case 'y':
        p->has_year = true;
        if (!fn_scan_number(c, 2, 2, &p->year)) return false;
        p->year += p->year >= 70 ? 1900 : 2000;
        return true;
    case 'm':
    case 'c': return p->has_month = true, fn_scan_number(c, 2, 2, &p->month);
    case 'd': return p->has_day = true, fn_scan_number(c, 2, 2, &p->day);
    case 'e':
        if (c->at < c->end && *c->at == ' ') c->at++;
        return p->has_day = true, fn_scan_number(c, 1, 2, &p->day);
    case 'j': return p->has_yearday = true, fn_scan_number(c, 3, 3, &p->yearday);
    case 'H':
    case 'h':
    case 'I': return fn_scan_number(c, 2, 2, &p->hour);
    case 'k':
    case 'l':
        if (c->at < c->end && *c->at == ' ') c->at++;
        return fn_scan_number(c, 1, 2, &p->hour);
    case 'i': return fn_scan_number(c, 2, 2, &p->minute);
    case 's':
    case 'S': return fn_scan_number(c, 2, 2, &p->second);
    case 'f': return fn_scan_fraction(c, 9, &p->ns);
    case 'p': return take_half(c, p);
    case 'b':
    case 'M': return p->has_month = true, (p->month = fn_month_by_name(fn_scan_word(c))) != 0;
    case 'a':
    case 'W': return fn_weekday_by_name(fn_scan_word(c)) != 0;
    case 'z': return c->at < c->end && (*c->at == '+' || *c->at == '-') && take_offset(c, p);
    case 'T': return mysql_code(c, 'R', p) && c->at < c->end && *c->at++ == ':' && mysql_code(c, 's', p);
    case 'R': return mysql_code(c, 'H', p) && c->at < c->end && *c->at++ == ':' && mysql_code(c, 'i', p);
    case 'F': return mysql_code(c, 'Y', p) && c->at < c->end && *c->at++ == '-' && mysql_code(c, 'm', p) && c->at < c->end && *c->at++ == '-' && mysql_code(c, 'd', p);
    case '%': return c->at < c->end && *c->at++ == '%';
    }
    return false;
}

static bool by_mysql(fn_str s, fn_str pattern, date_parts *p)
{
    fn_scan c = {s.data, s.data + s.size};
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] == '%' && i + 1 < pattern.size) {
            if (!mysql_code(&c, pattern.data[++i], p)) return false;
        } else if (c.at >= c.end || *c.at++ != pattern.data[i]) {
            return false;
        }
    }
    return c.at == c.end;
}

static bool joda_code(fn_scan *c, char code, unsigned n, date_parts *p)
{
    switch (code) {
    case 'y':
    case 'Y':
        p->has_year = true;
        if (!fn_scan_number(c, n == 2 ? 2 : 1, n == 2 ? 2 : FN_MAX(n, 4u), &p->year)) return false;
        if (n == 2) p->year += p->year >= 70 ? 1900 : 2000;
        return true;
    case 'M':
        p->has_month = true;
        return n > 2 ? (p->month = fn_month_by_name(fn_scan_word(c))) != 0 : fn_scan_number(c, 1, 2, &p->month);
    case 'd': return p->has_day = true, fn_scan_number(c, 1, 2, &p->day);
    case 'D': return p->has_yearday = true, fn_scan_number(c, 1, 3, &p->yearday);
    case 'E': return fn_weekday_by_name(fn_scan_word(c)) != 0;
    case 'a': return take_half(c, p);
    case 'K': return fn_scan_number(c, 1, 2, &p->hour);
    case 'H':
    case 'k':
    case 'h': return fn_scan_number(c, 1, 2, &p->hour);
    case 'm': return fn_scan_number(c, 1, 2, &p->minute);
    case 's': return fn_scan_number(c, 1, 2, &p->second);
    case 'S': return fn_scan_fraction(c, n, &p->ns);
    case 'Z': return c->at < c->end && (*c->at == '+' || *c->at == '-') && take_offset(c, p);
    }
    return false;
}

static bool by_joda(fn_str s, fn_str pattern, date_parts *p)
{
    fn_scan c = {s.data, s.data + s.size};
    for (size_t i = 0; i < pattern.size;) {
        const char code = pattern.data[i];
        if (code == '\'') { /* quoted text */
            for (i++; i < pattern.size && pattern.data[i] != '\''; i++)
                if (c.at >= c.end || *c.at++ != pattern.data[i]) return false;
            i++;
        } else if (fn_is_letter(code)) {
            unsigned n = 0;
            while (i < pattern.size && pattern.data[i] == code) i++, n++;
            if (!joda_code(&c, code, n, p)) return false;
        } else if (i++, c.at >= c.end || *c.at++ != code) {
            return false;
        }
    }
    return c.at == c.end;
}

/* ---- the functions: parseDateTime[32|64][BestEffort[US]|InJodaSyntax][OrNull|OrZero] ---- */

typedef enum parse_way { PARSE_BEST, PARSE_BEST_US, PARSE_MYSQL, PARSE_JODA } parse_way;
typedef struct parse_data {
    parse_way way;
    char miss; /* 'F' fails, 'N' NULL, 'Z' zero */
    fn_str pattern;
    const fn_tz *tz;
    const fn_type *type; /* without Nullable */
} parse_data;

/* Digits of the second a pattern reads. */
static unsigned scale_of_pattern(parse_way way, fn_str pattern)
{
    unsigned n = 0;
    for (size_t i = 0; i < pattern.size; i++) {
        if (way == PARSE_MYSQL && pattern.data[i] == '%' && i + 1 < pattern.size && pattern.data[++i] == 'f') return 6;
        if (way == PARSE_JODA && pattern.data[i] == 'S') n++;
    }
    return FN_MIN(n, 9u);
}

static fn_status parse_scale(fn_ctx *ctx, const func_call *call, const parse_data *d, uint32_t *zone_at, int64_t *scale)
{
    fn_column *c;
    *scale = 3;
    if (d->way > PARSE_BEST_US) {
        *scale = scale_of_pattern(d->way, d->pattern);
        return FN_OK;
    }
    if (call->arg_count < 2 || fn_type_is_string(call->arg_types[1])) return FN_OK;
    FN_TRY(func_need_const(ctx, call, 1, &c));
    *scale = fn_column_i64_at(c, 0);
    *zone_at = 2;
    if (*scale < 0 || *scale > 9) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Scale %lld is out of bounds: it must be from 0 to 9", (long long)*scale);
    return FN_OK;
}

static fn_status bind_parse(fn_ctx *ctx, func_call *call)
{
    const char *name = call->def->name;
    const fn_str full = fn_cstr(name);
    parse_data *d = FN_NEW(ctx, parse_data);
    const fn_tz *zone;
    int64_t scale = 0;
    FN_TRY_PTR(ctx, d);
    d->way = strstr(name, "BestEffortUS") ? PARSE_BEST_US : strstr(name, "BestEffort") ? PARSE_BEST : strstr(name, "Joda") ? PARSE_JODA : PARSE_MYSQL;
    d->miss = fn_str_ends(full, FN_STR("OrNull")) ? 'N' : fn_str_ends(full, FN_STR("OrZero")) ? 'Z' : 'F';
    const bool pattern = d->way > PARSE_BEST_US, wide = strncmp(name, "parseDateTime64", 15) == 0;
    uint32_t zone_at = pattern ? 2 : 1;
    if (!fn_type_is_string(call->arg_types[0])) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of first argument of function %s", call->arg_types[0]->name, name);
    d->pattern = d->way == PARSE_JODA ? FN_STR("yyyy-MM-dd HH:mm:ss") : wide ? FN_STR("%Y-%m-%d %H:%i:%s.%f") : FN_STR("%Y-%m-%d %H:%i:%s");
    if (pattern && call->arg_count > 1) FN_TRY(func_const_str(ctx, call, 1, &d->pattern));
    if (wide) FN_TRY(parse_scale(ctx, call, d, &zone_at, &scale));
    FN_TRY(date_zone_arg(ctx, call, zone_at, &zone));
    d->tz = zone ? zone : expr_zone(ctx, fn_type_datetime(NULL));
    if (pattern) zone = d->tz; /* patterns show the zone they were read in */
    d->type = wide ? fn_type_datetime64((unsigned)scale, zone) : fn_type_datetime(zone);
    call->type = d->miss == 'N' ? fn_type_nullable(d->type) : d->type;
    call->data = d;
    return FN_OK;
}

static bool parse_one(const parse_data *d, fn_str s, int64_t *out)
{
    date_parts p = {0};
    int64_t seconds;
    const bool wide = d->type->id == FN_T_DATETIME64;
    if (d->way <= PARSE_BEST_US) {
        uint32_t nanos;
        if (!fn_text_best_effort_time(s, d->tz, d->way == PARSE_BEST_US, &seconds, &nanos)) return false;
        *out = wide ? seconds * date_ticks(d->type->scale) + nanos / date_ticks(9u - d->type->scale) : seconds;
        return true;
    }
    if (!(d->way == PARSE_MYSQL ? by_mysql(s, d->pattern, &p) : by_joda(s, d->pattern, &p)) || !parts_instant(&p, d->tz, &seconds)) return false;
    *out = wide ? seconds * date_ticks(d->type->scale) + p.ns / date_ticks(9u - d->type->scale) : seconds;
    return wide || (seconds >= 0 && seconds <= UINT32_MAX);
}

static fn_status eval_parse(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const parse_data *d = call->data;
    uint8_t *values, *nulls = NULL;
    *out = d->miss == 'N' ? func_new_nullable(ctx, call->type, rows, &values, &nulls) : func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        const fn_str s = fn_column_str_at(args[0], i);
        int64_t v = 0;
        if (!parse_one(d, s, &v)) {
            v = 0;
            if (nulls) nulls[i] = 1;
            else if (d->miss == 'F') {
                fn_column_drop(*out);
                *out = NULL;
                if (d->way <= PARSE_BEST_US) return fn_fail(ctx, FN_CANNOT_PARSE_DATETIME, "Cannot read DateTime: unexpected text '" FN_STR_FMT "'", FN_STR_ARG(s));
                return fn_fail(ctx, FN_CANNOT_PARSE_DATETIME, "Unable to parse '" FN_STR_FMT "' by the format '" FN_STR_FMT "'", FN_STR_ARG(s), FN_STR_ARG(d->pattern));
            }
        }
        memcpy(values + i * d->type->width, &v, d->type->width);
    }
    return FN_OK;
}

#define KIN(title, hi, text, ex, res)                                                                                                             \
    {.name = title, .args_min = 1, .args_max = hi, .bind = bind_parse, .eval = eval_parse, .about = text ".", .example = title ex, .gives = res},    \
    {.name = title "OrNull", .args_min = 1, .args_max = hi, .bind = bind_parse, .eval = eval_parse, .about = text "; NULL where that fails.", .example = title "OrNull('?')", .gives = "NULL"}, \
    {.name = title "OrZero", .args_min = 1, .args_max = hi, .bind = bind_parse, .eval = eval_parse, .about = text "; zero where that fails.", .example = title "OrZero" ex, .gives = res}
#define T0                       "2024-02-29 01:02:03"
static const func_def rows_[] = {
    KIN("parseDateTimeBestEffort", 2, "A DateTime from text in any customary form", "('" T0 "', 'UTC')", T0),
    KIN("parseDateTimeBestEffortUS", 2, "A DateTime from text in any customary form, month before day", "('02/29/2024 01:02:03', 'UTC')", T0),
    KIN("parseDateTime32BestEffort", 2, "A DateTime from text in any customary form", "('" T0 "', 'UTC')", T0),
    KIN("parseDateTime64BestEffort", 3, "A DateTime64 from text in any customary form", "('" T0 ".5', 1, 'UTC')", T0 ".5"),
    KIN("parseDateTime64BestEffortUS", 3, "A DateTime64 from text in any customary form, month before day", "('02/29/2024 01:02:03.5', 1, 'UTC')", T0 ".5"),
    KIN("parseDateTime", 3, "A DateTime from text by a pattern of MySQL's % codes", "('" T0 "', '%Y-%m-%d %H:%i:%s', 'UTC')", T0),
    KIN("parseDateTime64", 3, "A DateTime64 from text by a pattern of MySQL's % codes", "('" T0 ".5', '%Y-%m-%d %H:%i:%s.%f', 'UTC')", T0 ".500000"),
    KIN("parseDateTimeInJodaSyntax", 3, "A DateTime from text by a pattern of Joda's letters", "('" T0 "', 'yyyy-MM-dd HH:mm:ss', 'UTC')", T0),
    KIN("parseDateTime64InJodaSyntax", 3, "A DateTime64 from text by a pattern of Joda's letters", "('" T0 ".5', 'yyyy-MM-dd HH:mm:ss.S', 'UTC')", T0 ".5"),
};
const func_family func_family_date_parse = FUNC_FAMILY("dates", rows_);
