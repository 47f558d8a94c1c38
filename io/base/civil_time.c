/* civil_time.c - the proleptic Gregorian calendar on day numbers (0 = 1970-01-01).
 * Years are counted from March so that the leap day is the last of its year; 400 years are 146,097 days.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/time.h>

enum { DAYS_400_YEARS = 146097, EPOCH_SHIFT = 719468 /* 0000-03-01 to 1970-01-01 */ };

bool fn_is_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

unsigned fn_days_in_month(int64_t year, unsigned month)
{
    static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && fn_is_leap_year(year) ? 29u : days[month <= 12 ? month : 0];
}

int64_t fn_days_from_civil(int64_t year, unsigned month, unsigned day)
{
    const int64_t y = year - (month <= 2);
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t month_from_march = (month + 9) % 12;
    const int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    return era * DAYS_400_YEARS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH_SHIFT;
}

void fn_civil_from_days(int64_t days, fn_civil *out)
{
    const int64_t z = days + EPOCH_SHIFT;
    const int64_t era = (z >= 0 ? z : z - (DAYS_400_YEARS - 1)) / DAYS_400_YEARS;
    const uint32_t day_of_era = (uint32_t)(z - era * DAYS_400_YEARS);
    const uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const uint32_t from_march = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint32_t m = (5 * from_march + 2) / 153;
    out->day = (uint8_t)(from_march - (153 * m + 2) / 5 + 1);
    out->month = (uint8_t)(m < 10 ? m + 3 : m - 9);
    out->year = (int32_t)(era * 400 + (int64_t)year_of_era + (out->month <= 2));
    const uint32_t january_first = 306; /* of the year that began in March */
    out->yearday = (uint16_t)(from_march >= january_first ? from_march - january_first + 1
                                                          : from_march + 60 + fn_is_leap_year(out->year));
    const int64_t since_thursday = days % 7; /* 1970-01-01 was one */
    out->weekday = (uint8_t)((since_thursday + 3 + 7) % 7 + 1);
}
