/* function/date_view.h - columns of dates and times as local days and seconds of the day, and the calendar as a table: what
 * the families over dates share. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_DATE_VIEW_H
#define FIRN_FUNCTION_DATE_VIEW_H
#include "function/family.h"

enum { DATE_DAY_MIN = -719528, DATE_DAY_MAX = 2932896 }; /* 0000-01-01 .. 9999-12-31: what Date32 and DateTime64 hold */

typedef struct date_view {
    int32_t *days;     /* rows; local days since 1970, within DATE_DAY_MIN .. DATE_DAY_MAX */
    int32_t *seconds;  /* rows; of the local day; NULL unless asked for */
    int64_t *instants; /* rows; unix seconds; NULL unless asked for and the column has a time */
    void *memory;
} date_view;
enum { DATE_SECONDS = 1, DATE_INSTANTS = 2 };
/* `rows` values of a FLAT or CONST column of a date type, seen in tz. */
fn_status date_view_open(fn_ctx *ctx, const fn_column *c, const fn_tz *tz, unsigned what, uint32_t rows, date_view *out) FN_MUST_USE;
void date_view_close(date_view *v);

/* Packed dates by day - DATE_DAY_MIN: year << 9 | month << 5 | day. Made on first use. */
const uint32_t *date_calendar(void);
static inline uint32_t date_year(uint32_t packed)
{
    return packed >> 9;
}
static inline uint32_t date_month(uint32_t packed)
{
    return packed >> 5 & 15;
}
static inline uint32_t date_day(uint32_t packed)
{
    return packed & 31;
}
static inline uint32_t date_weekday(int32_t days) /* 1 = Monday .. 7 = Sunday */
{
    return (uint32_t)(days + 1400003) % 7 + 1; /* 1400000 is 200000 weeks; day 0 was a Thursday */
}
int32_t date_first_of_year(uint32_t year);                /* day number; year 0 .. 10000 */
int32_t date_first_of_month(uint32_t year, uint32_t month); /* month 1 .. 12 */
uint32_t date_yearday(int32_t days, uint32_t year);       /* 1 .. 366 */
/* Week number by toWeek's mode (0 .. 9), and the year it belongs to. with_year: toYearWeek's reading of the mode. */
uint32_t date_week(int32_t days, unsigned mode, bool with_year, uint32_t *year);
int32_t date_first_of_week(int32_t days, unsigned mode);  /* odd mode: Monday, even: Sunday */
int32_t date_first_of_iso_year(int32_t days);

/* Argument `index` names a time zone (a constant string) or is absent; *out stays NULL then. */
fn_status date_zone_arg(fn_ctx *ctx, const func_call *call, uint32_t index, const fn_tz **out) FN_MUST_USE;
static inline bool date_has_time(const fn_type *t)
{
    return t->id == FN_T_DATETIME || t->id == FN_T_DATETIME64;
}
static inline int64_t date_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}
int64_t date_ticks(unsigned scale); /* 10^scale */
extern const char *const date_month_names[12], *const date_day_names[7]; /* from January, from Monday */
/* A unit's name in any case and any of ClickHouse's spellings ("day", "days", "dd", "d"); false if unknown. */
bool date_unit(fn_str name, fn_interval_unit *out);
#endif
