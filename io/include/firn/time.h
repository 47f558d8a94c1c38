/* firn/time.h - clocks, the proleptic Gregorian calendar, time zones from the system's tzdata.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TIME_H
#define FIRN_TIME_H
#include <firn/base.h>

int64_t fn_clock_realtime_ns(void);
int64_t fn_clock_monotonic_ns(void);
/* Tests replace both clocks; NULL restores the real ones. Before threads start. */
void fn_clock_set(int64_t (*realtime_ns)(void), int64_t (*monotonic_ns)(void));
uint64_t fn_random_u64(void); /* from the system, seeded once; FIRN_SEED in the environment makes it repeatable */

typedef struct fn_civil {
    int32_t year;                /* 1970 */
    uint8_t month, day;          /* 1..12, 1..31 */
    uint8_t hour, minute, second;
    uint8_t weekday;             /* 1 = Monday .. 7 = Sunday */
    uint16_t yearday;            /* 1..366 */
} fn_civil;

int64_t fn_days_from_civil(int64_t year, unsigned month, unsigned day); /* days since 1970-01-01; month may not overflow */
void fn_civil_from_days(int64_t days, fn_civil *out);                   /* fills the date part */
bool fn_is_leap_year(int64_t year);
unsigned fn_days_in_month(int64_t year, unsigned month);

/* A time zone, loaded once per name and kept for the life of the process; compare by pointer. */
typedef struct fn_tz fn_tz;
/* NULL if the system's tzdata has no such zone (or the name is unsafe). Thread safe. "UTC" always works. */
const fn_tz *fn_tz_find(fn_str name);
const fn_tz *fn_tz_utc(void);
const fn_tz *fn_tz_system(void); /* from TZ or /etc/localtime; UTC when unknown */
const char *fn_tz_name(const fn_tz *tz);
int32_t fn_tz_offset(const fn_tz *tz, int64_t unix_seconds);            /* seconds east of UTC at that instant */
/* Likewise, and the instants [*from, *to) around it for which the same offset holds: what loops over columns keep. */
int32_t fn_tz_span(const fn_tz *tz, int64_t unix_seconds, int64_t *from, int64_t *to);
void fn_tz_civil(const fn_tz *tz, int64_t unix_seconds, fn_civil *out); /* local date and time */
/* Local wall time to an instant. In a gap: by the offset that holds after it (02:30 becomes 01:30); in a fold: the
 * earlier instant (as ClickHouse). */
int64_t fn_tz_instant(const fn_tz *tz, int64_t year, unsigned month, unsigned day, unsigned hour, unsigned minute,
                      unsigned second);
#endif
