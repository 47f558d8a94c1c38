/* text_best_effort.c - times out of text in any customary form, as ClickHouse's best_effort mode reads them: what CAST, the
 * formats and parseDateTimeBestEffort stand on. Numbers and words are taken from left to right; how many digits a number has
 * and what follows it says which part it is. A part that is missing or 0 is 1 (month, day) or that of the last such day
 * which is not in the future (year). SPDX-License-Identifier: Apache-2.0 */
#include "type/type_text.h"
#include <firn/time_scan.h>

typedef struct date_parts {
    int64_t year, month, day, hour, minute, second, ns;
    int64_t offset; /* seconds east of UTC */
    int64_t unix_time;
    bool has_year, has_month, has_day, has_offset, has_unix, has_half, pm, has_time;
} date_parts;

/* A zone offset at the cursor. */
static bool take_offset(fn_scan *c, date_parts *p)
{
    p->has_offset = fn_scan_offset(c, &p->offset);
    return p->has_offset;
}

/* hh:mm[:ss[.fraction]] behind the hour */
static bool best_clock(fn_scan *c, int64_t hour, date_parts *p)
{
    p->hour = hour;
    p->has_time = true;
    c->at++;
    if (!fn_scan_number(c, 1, 2, &p->minute)) return false;
    if (c->at < c->end && *c->at == ':') {
        c->at++;
        if (!fn_scan_number(c, 1, 2, &p->second)) return false;
        if (c->at < c->end && (*c->at == '.' || *c->at == ',') && c->at + 1 < c->end && fn_is_digit(c->at[1])) {
            c->at++;
            return fn_scan_fraction(c, 9, &p->ns);
        }
    }
    return true;
}

/* a/b/c or a-b-c or a.b.c with day first (us: month first); the year may be missing or of two digits. */
static bool best_day_first(fn_scan *c, int64_t first, bool us, date_parts *p)
{
    const char separator = *c->at++;
    int64_t second;
    if (c->at < c->end && fn_is_letter(*c->at)) { /* 29-Feb-2024 */
        second = fn_month_by_name(fn_scan_word(c));
        if (!second) return false;
    } else if (!fn_scan_number(c, 1, 2, &second)) {
        return false;
    }
    p->day = us ? second : first;
    p->month = us ? first : second;
    p->has_day = p->has_month = true;
    if (c->at < c->end && *c->at == separator) {
        const char *from = ++c->at;
        if (!fn_scan_number(c, 2, 4, &p->year)) return false;
        if (c->at - from == 2) p->year += p->year < 70 ? 2000 : 1900;
        p->has_year = true;
    }
    return true;
}

static bool best_year_first(fn_scan *c, int64_t year, date_parts *p)
{
    p->year = year;
    p->has_year = true;
    if (c->at >= c->end || (*c->at != '-' && *c->at != '/' && *c->at != '.')) return true;
    const char separator = *c->at++;
    const bool letters = c->at < c->end && fn_is_letter(*c->at);
    if (letters) p->month = fn_month_by_name(fn_scan_word(c));
    if (letters ? !p->month : !fn_scan_number(c, 1, 2, &p->month)) return false;
    p->has_month = true;
    if (c->at < c->end && *c->at == separator) {
        c->at++;
        if (!fn_scan_number(c, 1, 2, &p->day)) return false;
        p->has_day = true;
    }
    return true;
}

/* Runs of 6 and more digits. */
static bool best_long_number(fn_scan *c, const char *from, size_t n, date_parts *p)
{
    fn_scan in = {from, c->at};
    const bool alone = !p->has_year && !p->has_month && !p->has_time;
    if ((n == 8 || n == 14) && alone) {
        p->has_year = p->has_month = p->has_day = true;
        if (!fn_scan_number(&in, 4, 4, &p->year) || !fn_scan_number(&in, 2, 2, &p->month) || !fn_scan_number(&in, 2, 2, &p->day)) return false;
        p->has_time = n == 14;
        return n == 8 || (fn_scan_number(&in, 2, 2, &p->hour) && fn_scan_number(&in, 2, 2, &p->minute) && fn_scan_number(&in, 2, 2, &p->second));
    }
    if (n == 6 && !p->has_time) {
        if (p->has_year) {
            p->has_time = true;
            return fn_scan_number(&in, 2, 2, &p->hour) && fn_scan_number(&in, 2, 2, &p->minute) && fn_scan_number(&in, 2, 2, &p->second);
        }
        p->has_year = p->has_month = true;
        return fn_scan_number(&in, 4, 4, &p->year) && fn_scan_number(&in, 2, 2, &p->month);
    }
    const unsigned below = n == 9 || n == 10 ? 0 : n == 13 ? 3 : n == 16 ? 6 : n == 19 ? 9 : 99; /* digits of a fraction without its point */
    if (below == 99 || !alone) return false;
    p->has_unix = true;
    if (!fn_scan_number(&in, 9, (unsigned)n - below, &p->unix_time)) return false;
    if (below) return fn_scan_fraction(&in, 9, &p->ns);
    if (c->at >= c->end || *c->at != '.') return true;
    c->at++;
    return fn_scan_fraction(c, 9, &p->ns);
}

static bool best_number(fn_scan *c, bool us, date_parts *p)
{
    const char *from = c->at;
    while (c->at < c->end && fn_is_digit(*c->at)) c->at++;
    const size_t n = (size_t)(c->at - from);
    fn_scan in = {from, c->at};
    int64_t v;
    if (n >= 6) return best_long_number(c, from, n, p);
    if (!fn_scan_number(&in, 1, 5, &v)) return false;
    const char next = c->at < c->end ? *c->at : 0;
    if (n <= 2 && next == ':') return !p->has_time && best_clock(c, v, p);
    if (n == 4 && !p->has_year) return best_year_first(c, v, p);
    if (n <= 2 && !p->has_month && (next == '/' || next == '-' || next == '.')) return best_day_first(c, v, us, p);
    if (n <= 2 && p->has_year && p->has_month && p->has_day && !p->has_time) { /* 2024-02-29 10 */
        p->hour = v;
        p->has_time = true;
        return true;
    }
    if (n > 2 || p->has_day) return false;
    p->day = v; /* Feb 29, 29 Feb */
    p->has_day = true;
    return true;
}

static bool best_word(fn_scan *c, date_parts *p)
{
    const fn_str word = fn_scan_word(c);
    const int64_t month = fn_month_by_name(word);
    if (month && !p->has_month) {
        p->month = month;
        p->has_month = true;
        return true;
    }
    if (fn_str_eq_nocase(word, FN_STR("AM")) || fn_str_eq_nocase(word, FN_STR("PM"))) {
        p->has_half = p->has_time;
        p->pm = word.data[0] == 'P' || word.data[0] == 'p';
        return p->has_time;
    }
    if (fn_str_eq_nocase(word, FN_STR("T"))) return p->has_year || p->has_day;
    if (fn_str_eq_nocase(word, FN_STR("Z")) || fn_str_eq_nocase(word, FN_STR("UTC")) || fn_str_eq_nocase(word, FN_STR("GMT"))) {
        p->has_offset = true;
        p->offset = 0;
        return true;
    }
    return fn_weekday_by_name(word) != 0;
}

static bool read_parts(fn_str s, bool us, date_parts *p)
{
    fn_scan c = {s.data, s.data + s.size};
    while (c.at < c.end) {
        const char b = *c.at;
        if (b == ' ' || b == ',' || b == '\t') c.at++;
        else if (fn_is_digit(b)) {
            if (!best_number(&c, us, p)) return false;
        } else if (fn_is_letter(b)) {
            if (!best_word(&c, p)) return false;
        } else if ((b == '+' || b == '-') && p->has_time) {
            if (!take_offset(&c, p)) return false;
        } else {
            return false;
        }
    }
    return p->has_unix || p->year || p->month || p->day || p->has_time;
}

/* Parts to unix seconds; false where they make no date. */
static bool parts_instant(date_parts *p, const fn_tz *tz, int64_t *seconds)
{
    if (p->has_unix) {
        *seconds = p->unix_time;
        return true;
    }
    if (!p->month) p->month = 1;
    if (!p->day) p->day = 1;
    if (!p->year) {
        fn_civil now;
        fn_tz_civil(tz, fn_clock_realtime_ns() / 1000000000, &now);
        p->year = now.year - (p->month > now.month || (p->month == now.month && p->day > now.day));
    }
    if (p->has_half) {
        if (p->hour < 1 || p->hour > 12) return false;
        p->hour = p->hour % 12 + (p->pm ? 12 : 0);
    }
    if (p->month > 12 || p->day > fn_days_in_month(p->year, (unsigned)p->month)) return false;
    const bool within = p->hour < 24 && p->minute < 60 && p->second < 60; /* 24:00:00 and a second 60 go on into the next day or minute */
    const fn_tz *zone = p->has_offset ? fn_tz_utc() : tz;
    *seconds = fn_tz_instant(zone, p->year, (unsigned)p->month, (unsigned)p->day, within ? (unsigned)p->hour : 0, within ? (unsigned)p->minute : 0, within ? (unsigned)p->second : 0);
    if (!within) *seconds += p->hour * 3600 + p->minute * 60 + p->second;
    if (p->has_offset) *seconds -= p->offset;
    return true;
}

bool fn_text_best_effort_time(fn_str s, const fn_tz *tz, bool us, int64_t *seconds, uint32_t *nanos)
{
    date_parts p = {0};
    if (!read_parts(s, us, &p) || !parts_instant(&p, tz, seconds)) return false;
    *nanos = (uint32_t)p.ns;
    return true;
}

