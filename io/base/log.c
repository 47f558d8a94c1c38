/* log.c - one line per event on stderr: time, level, module, text.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/base.h>
#include <firn/time.h>
#include <stdarg.h>
#include <stdio.h>

static fn_log_level level_min = FN_LOG_INFO; /* set before threads start */

void fn_log_set_level(fn_log_level level)
{
    level_min = level;
}

void fn_log(fn_log_level level, const char *module, const char *fmt, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    if (level < level_min) return;
    char text[2048];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const int64_t now = fn_clock_realtime_ns();
    const int64_t seconds = now / 1000000000, days = seconds / 86400, in_day = seconds % 86400;
    fn_civil c;
    fn_civil_from_days(days, &c);
    (void)fprintf(stderr, "%04d-%02u-%02u %02d:%02d:%02d.%03d %s %s: %s\n", c.year, c.month, c.day, (int)(in_day / 3600),
                  (int)(in_day / 60 % 60), (int)(in_day % 60), (int)(now / 1000000 % 1000), names[level], module, text);
}
