/* text_time.c - dates and times as text, both ways. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_text.h"

static void two(unsigned v, char *out)
{
    out[0] = (char)('0' + v / 10 % 10);
    out[1] = (char)('0' + v % 10);
}

static void date_digits(int64_t year, unsigned month, unsigned day, char *out)
{
    two((unsigned)(year / 100), out);
    two((unsigned)(year % 100), out + 2);
    out[4] = out[7] = '-';
    two(month, out + 5);
    two(day, out + 8);
}

size_t text_date(int64_t days, char *out)
{
    fn_civil c;
    fn_civil_from_days(days, &c);
    date_digits(c.year, c.month, c.day, out);
    return 10;
}

size_t text_time_of(const fn_civil *c, char *out)
{
    date_digits(c->year, c->month, c->day, out);
    out[10] = ' ';
    two(c->hour, out + 11);
    out[13] = out[16] = ':';
    two(c->minute, out + 14);
    two(c->second, out + 17);
    return 19;
}

size_t text_ticks(uint64_t fraction, unsigned scale, char *out)
{
    if (!scale) return 0;
    out[0] = '.';
    for (unsigned i = scale; i > 0; i--) {
        out[i] = (char)('0' + fraction % 10);
        fraction /= 10;
    }
    return scale + 1;
}

/* Up to `most` digits at *at; the number of digits read. A number beyond Int64 stays at its largest value. */
static unsigned digits(const char **at, const char *end, unsigned most, int64_t *out)
{
    unsigned n = 0;
    *out = 0;
    while (n < most && *at < end && **at >= '0' && **at <= '9') {
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, **at - '0', out)) *out = INT64_MAX;
        ++*at;
        n++;
    }
    return n;
}

static bool valid_date(int64_t y, int64_t m, int64_t d)
{
    return m >= 1 && m <= 12 && d >= 1 && d <= 31 && y <= 9999;
}

static bool date_at(const char **at, const char *end, int64_t *days)
{
    int64_t y, m, d;
    const char *p = *at;
    const unsigned n = digits(&p, end, 8, &y);
    if (n == 8) {
        d = y % 100;
        m = y / 100 % 100;
        y /= 10000;
    } else {
        if (n != 4 || p >= end || (*p != '-' && *p != '/' && *p != '.')) return false;
        p++;
        if (digits(&p, end, 2, &m) == 0 || p >= end || (*p != '-' && *p != '/' && *p != '.')) return false;
        p++;
        if (digits(&p, end, 2, &d) == 0) return false;
    }
    if (y == 0 && m == 0 && d == 0) {
        *days = 0;
    } else {
        if (!valid_date(y, m, d)) return false;
        *days = fn_days_from_civil(y, (unsigned)m, (unsigned)d);
    }
    *at = p;
    return true;
}

bool text_parse_date(fn_str s, int64_t *days)
{
    const char *at = s.data, *end = s.data + s.size;
    if (!date_at(&at, end, days)) return false;
    return at == end || *at == ' ' || *at == 'T'; /* a time behind it is dropped */
}

/* hh:mm[:ss[.fraction]] */
static bool clock_at(const char **at, const char *end, int64_t *h, int64_t *m, int64_t *sec, uint32_t *nanos)
{
    *m = *sec = 0;
    if (digits(at, end, 2, h) == 0) return false;
    if (*at < end && **at == ':') {
        ++*at;
        if (digits(at, end, 2, m) == 0) return false;
        if (*at < end && **at == ':') {
            ++*at;
            if (digits(at, end, 2, sec) == 0) return false;
        }
    } else {
        return false;
    }
    if (*at < end && **at == '.') {
        ++*at;
        int64_t fraction;
        const unsigned n = digits(at, end, 9, &fraction);
        for (unsigned i = n; i < 9; i++) fraction *= 10;
        int64_t more;
        while (digits(at, end, 9, &more)) continue; /* beyond nanoseconds */
        *nanos = (uint32_t)fraction;
    }
    return *h < 24 && *m < 60 && *sec < 60;
}

/* Z, UTC, +hh:mm, -hhmm: seconds east; false if there is none. */
static bool zone_at(const char **at, const char *end, int64_t *offset)
{
    const char *p = *at;
    if (p < end && *p == ' ') p++;
    if (p < end && (*p == 'Z' || *p == 'z')) {
        *at = p + 1;
        *offset = 0;
        return true;
    }
    if (end - p >= 3 && (memcmp(p, "UTC", 3) == 0 || memcmp(p, "GMT", 3) == 0)) {
        *at = p + 3;
        *offset = 0;
        return true;
    }
    if (p >= end || (*p != '+' && *p != '-')) return false;
    const int sign = *p++ == '-' ? -1 : 1;
    int64_t h, m = 0;
    const unsigned n = digits(&p, end, 4, &h);
    if (n == 4) {
        m = h % 100;
        h /= 100;
    } else if (n == 2 || n == 1) {
        if (p < end && *p == ':') p++;
        if (digits(&p, end, 2, &m) == 1) return false;
    } else {
        return false;
    }
    *offset = sign * (h * 3600 + m * 60);
    *at = p;
    return true;
}

/* [-]seconds[.fraction] since 1970. Up to four digits are no time but a year. */
static bool unix_time(fn_str s, int64_t *seconds, uint32_t *nanos)
{
    const char *at = s.data, *end = s.data + s.size;
    const bool negative = at < end && *at == '-';
    if (negative) at++;
    int64_t v;
    const unsigned n = digits(&at, end, 18, &v);
    if (n < 5 && !negative) return false;
    if (n == 0) return false;
    if (at < end && *at == '.') {
        at++;
        int64_t fraction;
        const unsigned f = digits(&at, end, 9, &fraction);
        for (unsigned i = f; i < 9; i++) fraction *= 10;
        *nanos = (uint32_t)fraction;
    }
    *seconds = negative ? -v : v;
    if (negative && *nanos) {
        --*seconds;
        *nanos = 1000000000 - *nanos;
    }
    return at == end;
}

/* YYYY-MM-DD[( |T)hh:mm[:ss[.fraction]]][Z|+hh:mm]; exact: the day must be in the calendar. */
static bool dashed_time(fn_str s, const fn_tz *tz, bool best_effort, int64_t *seconds, uint32_t *nanos)
{
    const char *at = s.data, *end = s.data + s.size;
    int64_t days, h = 0, m = 0, sec = 0, offset;
    if (!date_at(&at, end, &days)) return false;
    fn_civil c;
    fn_civil_from_days(days, &c);
    if (best_effort && (s.data[0] == '0' || c.day != (unsigned)((s.data[8] - '0') * 10 + s.data[9] - '0'))) return false;
    if (at < end && (*at == ' ' || *at == 'T')) {
        at++;
        const char *clock = at;
        if (!clock_at(&at, end, &h, &m, &sec, nanos)) return false;
        if (!best_effort && !(at - clock >= 8)) return false; /* the plain form has all parts */
    }
    if (at < end && best_effort && zone_at(&at, end, &offset)) {
        *seconds = days * 86400 + h * 3600 + m * 60 + sec - offset;
        return at == end;
    }
    *seconds = days == 0 && s.data[0] == '0' ? 0 : fn_tz_instant(tz, c.year, c.month, c.day, (unsigned)h, (unsigned)m, (unsigned)sec);
    return at == end;
}

bool text_parse_datetime(fn_str s, const fn_tz *tz, bool best_effort, int64_t *seconds, uint32_t *nanos)
{
    *nanos = 0;
    const bool dashed = s.size >= 10 && (s.data[4] == '-' || s.data[4] == '/' || s.data[4] == '.') && s.data[7] == s.data[4] && s.data[0] != '-';
    if (dashed && dashed_time(s, tz, best_effort, seconds, nanos)) return true;
    *nanos = 0;
    if (best_effort) return fn_text_best_effort_time(s, tz, false, seconds, nanos);
    return !dashed && unix_time(s, seconds, nanos);
}
