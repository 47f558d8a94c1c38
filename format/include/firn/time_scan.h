/* firn/time_scan.h - pieces of times in text: numbers, fractions, names of months and weekdays, zone offsets. What best_effort
 * parsing and parsing by pattern have in common. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TIME_SCAN_H
#define FIRN_TIME_SCAN_H
#include <firn/bits.h>

typedef struct fn_scan {
    const char *at, *end;
} fn_scan;

static inline bool fn_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool fn_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/* least .. most (at most 18) digits; false, and nothing taken, otherwise. */
bool fn_scan_number(fn_scan *c, unsigned least, unsigned most, int64_t *out);
/* Digits of a fraction of a second; what lies behind `most` or 9 is passed over. False: there is none. */
bool fn_scan_fraction(fn_scan *c, unsigned most, int64_t *ns);
/* The letters at the cursor; taken. */
fn_str fn_scan_word(fn_scan *c);
/* +hh, +hhmm, +hh:mm at the cursor, which stands on the sign: seconds east of UTC. */
bool fn_scan_offset(fn_scan *c, int64_t *seconds);
/* 1 = January, 1 = Monday; the whole English name or its first three letters, in any case. 0: neither. */
int64_t fn_month_by_name(fn_str word);
int64_t fn_weekday_by_name(fn_str word);
#endif
