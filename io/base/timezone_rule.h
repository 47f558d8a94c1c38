/* base/timezone_rule.h - POSIX TZ strings such as "CET-1CEST,M3.5.0,M10.5.0/3" (footer of TZif files).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TIMEZONE_RULE_H
#define FIRN_TIMEZONE_RULE_H
#include <firn/base.h>

typedef struct tz_day_rule {
    char kind;     /* 'M' month.week.day, 'J' 1..365 without leap days, 'N' 0..365 */
    int month, week, day;
    int32_t time;  /* seconds after local midnight; may be negative or beyond a day */
} tz_day_rule;

typedef struct tz_rule {
    int32_t standard_offset, dst_offset; /* seconds east of UTC */
    bool has_dst;
    tz_day_rule start, end;              /* of daylight saving */
} tz_rule;

typedef struct tz_change {
    int64_t at;
    int32_t offset;
} tz_change;

bool tz_rule_parse(fn_str text, tz_rule *out); /* false: not a valid rule */
void tz_rule_year(const tz_rule *rule, int64_t year, tz_change out[2]); /* the year's two changes in order */
#endif
