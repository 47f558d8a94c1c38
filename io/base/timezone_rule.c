/* timezone_rule.c - parses POSIX TZ strings (RFC 8536 section 3.3, hours up to 167 and negative) and gives the two
 * changes of a year.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/timezone_rule.h"
#include <firn/time.h>

typedef struct cursor {
    const char *at, *end;
} cursor;

static bool skip(cursor *c, char wanted)
{
    if (c->at == c->end || *c->at != wanted) return false;
    c->at++;
    return true;
}

static bool skip_name(cursor *c)
{
    const char *from = c->at;
    if (skip(c, '<')) {
        while (c->at < c->end && *c->at != '>') c->at++;
        return skip(c, '>');
    }
    while (c->at < c->end && ((*c->at >= 'A' && *c->at <= 'Z') || (*c->at >= 'a' && *c->at <= 'z'))) c->at++;
    return c->at - from >= 3;
}

static bool number(cursor *c, int max, int *out)
{
    int v = 0;
    const char *from = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9' && v <= max) v = v * 10 + (*c->at++ - '0');
    *out = v;
    return c->at > from && v <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool seconds(cursor *c, int32_t *out)
{
    const bool minus = skip(c, '-');
    if (!minus) (void)skip(c, '+');
    int h, m = 0, s = 0;
    if (!number(c, 167, &h)) return false;
    if (skip(c, ':')) {
        if (!number(c, 59, &m)) return false;
        if (skip(c, ':') && !number(c, 59, &s)) return false;
    }
    const int32_t total = h * 3600 + m * 60 + s;
    *out = minus ? -total : total;
    return true;
}

static bool day_rule(cursor *c, tz_day_rule *r)
{
    *r = (tz_day_rule){.kind = 'N', .time = 7200};
    if (!skip(c, ',')) return false;
    if (skip(c, 'M')) {
        r->kind = 'M';
        if (!number(c, 12, &r->month) || !skip(c, '.') || !number(c, 5, &r->week) || !skip(c, '.') || !number(c, 6, &r->day))
            return false;
        if (r->month < 1 || r->week < 1) return false;
    } else {
        if (skip(c, 'J')) r->kind = 'J';
        if (!number(c, 365, &r->day)) return false;
    }
    return !skip(c, '/') || seconds(c, &r->time);
}

bool tz_rule_parse(fn_str text, tz_rule *out)
{
    cursor c = {text.data, text.data + text.size};
    *out = (tz_rule){0};
    if (!skip_name(&c) || !seconds(&c, &out->standard_offset)) return false;
    out->standard_offset = -out->standard_offset; /* POSIX counts west */
    if (c.at == c.end) return true;
    out->has_dst = true;
    out->dst_offset = out->standard_offset + 3600;
    if (!skip_name(&c)) return false;
    if (c.at < c.end && *c.at != ',') {
        if (!seconds(&c, &out->dst_offset)) return false;
        out->dst_offset = -out->dst_offset;
    }
    return day_rule(&c, &out->start) && day_rule(&c, &out->end) && c.at == c.end;
}

/* Seconds of local time since the epoch at which the rule falls in `year`. */
static int64_t local_change(const tz_day_rule *r, int64_t year)
{
    int64_t days = fn_days_from_civil(year, 1, 1);
    if (r->kind == 'M') {
        fn_civil first;
        days = fn_days_from_civil(year, (unsigned)r->month, 1);
        fn_civil_from_days(days, &first);
        int day = (r->day - first.weekday % 7 + 7) % 7 + (r->week - 1) * 7; /* 0-based day of the month */
        while (day >= (int)fn_days_in_month(year, (unsigned)r->month)) day -= 7;
        days += day;
    } else if (r->kind == 'J') {
        days += r->day - 1 + (r->day >= 60 && fn_is_leap_year(year));
    } else {
        days += r->day;
    }
    return days * 86400 + r->time;
}

void tz_rule_year(const tz_rule *rule, int64_t year, tz_change out[2])
{
    const tz_change start = {local_change(&rule->start, year) - rule->standard_offset, rule->dst_offset};
    const tz_change end = {local_change(&rule->end, year) - rule->dst_offset, rule->standard_offset};
    out[0] = start.at <= end.at ? start : end;
    out[1] = start.at <= end.at ? end : start;
}
