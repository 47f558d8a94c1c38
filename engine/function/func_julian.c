/* func_julian.c - days by number: toModifiedJulianDay and fromModifiedJulianDay (days since 1858-11-17) with their OrNull kinds.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/date_view.h"
#include "function/text_rows.h"
#include <stdio.h>

enum { JULIAN_OF_1970 = 40587 };

static bool or_null(const func_call *call)
{
    return fn_str_ends(fn_cstr(call->def->name), FN_STR("OrNull"));
}

static fn_status bind_to(fn_ctx *ctx, func_call *call)
{
    if (!fn_type_is_string(call->arg_types[0])) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The argument of function %s must be String or FixedString", call->def->name);
    call->type = fn_type_simple(FN_T_INT32);
    if (or_null(call)) call->type = fn_type_nullable(call->type);
    return FN_OK;
}

/* YYYY-MM-DD, exactly. */
static bool read_day(fn_str s, int64_t *days)
{
    int64_t part[3] = {0};
    static const uint8_t from[] = {0, 5, 8}, size[] = {4, 2, 2};
    if (s.size != 10 || s.data[4] != '-' || s.data[7] != '-') return false;
    for (unsigned k = 0; k < 3; k++)
        for (unsigned i = from[k]; i < from[k] + size[k]; i++) {
            if (!text_is_digit((uint8_t)s.data[i])) return false;
            part[k] = part[k] * 10 + (s.data[i] - '0');
        }
    if (part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > fn_days_in_month(part[0], (unsigned)part[1])) return false;
    *days = fn_days_from_civil(part[0], (unsigned)part[1], (unsigned)part[2]);
    return true;
}

static fn_status value_to(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    int64_t days;
    const fn_str s = text_at(args[0], row);
    if (!read_day(s, &days)) {
        if (or_null(call)) return fn_builder_null(ctx, to);
        return fn_fail(ctx, FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, "Cannot read input: expected a date like 2000-01-01 but got '" FN_STR_FMT "'", FN_STR_ARG(s));
    }
    const int32_t v = (int32_t)(days + JULIAN_OF_1970);
    return fn_builder_fixed(ctx, to, &v);
}
TEXT_EVAL(eval_to, value_rows, value_to)

static fn_status bind_from(fn_ctx *ctx, func_call *call)
{
    if (!fn_type_is_integer(call->arg_types[0]) || call->arg_types[0]->width > 8) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The argument of function %s must be integral", call->def->name);
    call->type = fn_type_simple(FN_T_STRING);
    if (or_null(call)) call->type = fn_type_nullable(call->type);
    return FN_OK;
}

static fn_status value_from(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    const int64_t v = fn_column_i64_at(args[0], row), first = JULIAN_OF_1970 + DATE_DAY_MIN, last = JULIAN_OF_1970 + DATE_DAY_MAX;
    const bool beyond = v < 0 && fn_type_is_unsigned(args[0]->type);
    if (v < first || v > last || beyond) {
        if (or_null(call)) return fn_builder_null(ctx, to);
        return fn_fail(ctx, FN_CANNOT_FORMAT_DATETIME, "Value cannot be represented as a date: day number %lld is out of range", (long long)v);
    }
    char text[16];
    fn_civil c;
    fn_civil_from_days(v - JULIAN_OF_1970, &c);
    const int n = snprintf(text, sizeof text, "%04lld-%02u-%02u", (long long)c.year, (unsigned)c.month, (unsigned)c.day);
    return fn_builder_str(ctx, to, (fn_str){text, (size_t)n});
}
TEXT_EVAL(eval_from, value_rows, value_from)

#define DAY(fn, b, e, what, ex, res) {.name = fn, .args_min = 1, .args_max = 1, .bind = b, .eval = e, .about = what, .example = ex, .gives = res}
static const func_def rows_[] = {
    DAY("toModifiedJulianDay", bind_to, eval_to, "A date's text as the number of days since 1858-11-17.", "toModifiedJulianDay('2000-01-01')", "51544"),
    DAY("toModifiedJulianDayOrNull", bind_to, eval_to, "As toModifiedJulianDay, NULL for what is no date.", "toModifiedJulianDayOrNull('x')", "NULL"),
    DAY("fromModifiedJulianDay", bind_from, eval_from, "The text of the date so many days after 1858-11-17.", "fromModifiedJulianDay(51544)", "2000-01-01"),
    DAY("fromModifiedJulianDayOrNull", bind_from, eval_from, "As fromModifiedJulianDay, NULL out of range.", "fromModifiedJulianDayOrNull(99999999)", "NULL"),
};
const func_family func_family_julian = FUNC_FAMILY("dates", rows_);
