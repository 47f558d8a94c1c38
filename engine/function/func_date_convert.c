/* func_date_convert.c - times from and to numbers and other zones: toUnixTimestamp and its 64-bit kin, fromUnixTimestamp64*,
 * toTimeZone, timezoneOf, timezoneOffset, toUTCTimestamp, fromUTCTimestamp, makeDate*, YYYYMMDDToDate*, change*.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/date_view.h"
#include <math.h>

/* ---- unix timestamps ---- */

static unsigned scale_of_name(const char *name)
{
    const fn_str s = fn_cstr(name);
    return fn_str_ends(s, FN_STR("Milli")) ? 3 : fn_str_ends(s, FN_STR("Micro")) ? 6 : fn_str_ends(s, FN_STR("Nano")) ? 9 : 0;
}

static fn_status bind_to_unix(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    const fn_tz *named;
    FN_TRY(date_zone_arg(ctx, call, 1, &named));
    if (!fn_type_is_string(t) && !fn_type_is_date_or_time(t)) return func_illegal(ctx, call);
    call->data = (void *)(uintptr_t)fn_type_datetime(named);
    call->type = fn_type_simple(FN_T_UINT32);
    return FN_OK;
}

static fn_status eval_to_unix(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    const fn_type *time = call->data;
    fn_column *c = NULL;
    if (args[0]->type->id == FN_T_DATETIME) {
        *out = fn_column_retype(ctx, args[0], call->type);
        return *out ? FN_OK : ctx->error.code;
    }
    for (size_t i = 0; args[0]->type->id == FN_T_DATETIME64 && i < rows; i++) {
        const int64_t s = date_floor_div(fn_column_i64_at(args[0], i), date_ticks(args[0]->type->scale));
        if (s < 0 || s > UINT32_MAX) return fn_fail(ctx, FN_DECIMAL_OVERFLOW, "Convert overflow");
    }
    FN_TRY(expr_convert(ctx, args[0], time, CONVERT_CAST, &c));
    *out = fn_column_retype(ctx, c, call->type);
    fn_column_drop(c);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status bind_to_unix64(fn_ctx *ctx, func_call *call)
{
    if (call->arg_types[0]->id != FN_T_DATETIME64)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "A value of illegal type was provided as 1st argument 'value' to function '%s'. Expected: DateTime64, got: %s", call->def->name, call->arg_types[0]->name);
    call->type = fn_type_simple(FN_T_INT64);
    return FN_OK;
}

static fn_status eval_to_unix64(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const unsigned want = scale_of_name(call->def->name), have = args[0]->type->scale;
    const int64_t up = want > have ? date_ticks(want - have) : 1, down = have > want ? date_ticks(have - want) : 1;
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        int64_t v;
        if (__builtin_mul_overflow(fn_load_i64(args[0]->values + i * func_step(args[0]) * 8), up, &v)) {
            fn_column_drop(*out);
            *out = NULL;
            return fn_fail(ctx, FN_DECIMAL_OVERFLOW, "Decimal math overflow");
        }
        fn_store_i64(values + i * 8, v / down);
    }
    return FN_OK;
}

static fn_status bind_from_unix64(fn_ctx *ctx, func_call *call)
{
    const fn_tz *named;
    if (!fn_type_is_integer(call->arg_types[0]))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "A value of illegal type was provided as 1st argument 'value' to function '%s'. Expected: Integer, got: %s", call->def->name, call->arg_types[0]->name);
    FN_TRY(date_zone_arg(ctx, call, 1, &named));
    call->type = fn_type_datetime64(scale_of_name(call->def->name), named);
    return FN_OK;
}

static fn_status eval_from_unix64(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    fn_column *c = NULL;
    FN_TRY(expr_convert(ctx, args[0], fn_type_simple(FN_T_INT64), CONVERT_CAST, &c));
    *out = fn_column_retype(ctx, c, call->type);
    fn_column_drop(c);
    return *out ? FN_OK : ctx->error.code;
}

/* ---- zones ---- */

static fn_status need_time(fn_ctx *ctx, const func_call *call)
{
    if (date_has_time(call->arg_types[0])) return FN_OK;
    return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "A value of illegal type was provided as 1st argument 'datetime' to function '%s'. Expected: DateTime or DateTime64, got: %s", call->def->name, call->arg_types[0]->name);
}

static const fn_type *in_zone(const fn_type *t, const fn_tz *tz)
{
    return t->id == FN_T_DATETIME ? fn_type_datetime(tz) : fn_type_datetime64(t->scale, tz);
}

static fn_status bind_to_zone(fn_ctx *ctx, func_call *call)
{
    const fn_tz *named;
    FN_TRY(need_time(ctx, call));
    FN_TRY(date_zone_arg(ctx, call, 1, &named));
    call->type = in_zone(call->arg_types[0], named);
    return FN_OK;
}

static fn_status eval_to_zone(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    *out = fn_column_retype(ctx, args[0], call->type);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status bind_zone_of(fn_ctx *ctx, func_call *call)
{
    FN_TRY(need_time(ctx, call));
    return func_bind_string(ctx, call);
}

static fn_status eval_zone_of(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    *out = fn_column_const_str(ctx, call->type, fn_cstr(fn_tz_name(expr_zone(ctx, args[0]->type))), rows);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status bind_offset(fn_ctx *ctx, func_call *call)
{
    const fn_tz *named;
    FN_TRY(need_time(ctx, call));
    FN_TRY(date_zone_arg(ctx, call, 1, &named));
    call->data = (void *)(uintptr_t)(named ? named : expr_zone(ctx, call->arg_types[0]));
    call->type = fn_type_simple(FN_T_INT32);
    return FN_OK;
}

static fn_status eval_offset(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const int64_t unit = args[0]->type->id == FN_T_DATETIME64 ? date_ticks(args[0]->type->scale) : 1;
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) fn_store_i32(values + i * 4, fn_tz_offset(call->data, date_floor_div(fn_column_i64_at(args[0], i), unit)));
    return FN_OK;
}

/* The clock of one zone read in another: fromUTCTimestamp adds the zone's offset, toUTCTimestamp takes it away. */
static fn_status bind_utc(fn_ctx *ctx, func_call *call)
{
    const fn_tz *named;
    FN_TRY(need_time(ctx, call));
    if (call->arg_types[0]->timezone) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Function %s's 1st argument should not have explicit time zone", call->def->name);
    FN_TRY(date_zone_arg(ctx, call, 1, &named));
    call->data = (void *)(uintptr_t)(named ? named : expr_zone(ctx, call->arg_types[0]));
    call->type = call->arg_types[0];
    return FN_OK;
}

static fn_status eval_utc(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_tz *tz = call->data;
    const int64_t unit = call->type->id == FN_T_DATETIME64 ? date_ticks(call->type->scale) : 1;
    const bool from = call->def->name[0] == 'f';
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        const int64_t raw = fn_column_i64_at(args[0], i), s = date_floor_div(raw, unit);
        fn_civil c;
        fn_tz_civil(fn_tz_utc(), s, &c);
        const int64_t there = from ? s + fn_tz_offset(tz, s) : fn_tz_instant(tz, c.year, c.month, c.day, c.hour, c.minute, c.second), v = there * unit + raw - s * unit;
        memcpy(values + i * call->type->width, &v, call->type->width);
    }
    return FN_OK;
}

/* ---- parts put together ---- */

typedef struct make_parts {
    double year, month, day, hour, minute, second, fraction;
} make_parts;

/* Days since 1970, or false where ClickHouse gives the zero date. */
static bool days_of(const fn_type *type, double year, double month, double day, int64_t *out)
{
    const bool narrow = type->id == FN_T_DATE;
    if (!(month >= 1 && month < 13 && day >= 1 && day < 32)) return false;
    if (!(year >= (narrow ? 1970 : 0) && year < (narrow ? 2150 : 10000))) return false;
    *out = fn_days_from_civil((int64_t)year, (unsigned)month, 1) + (int64_t)day - 1;
    return !narrow || *out <= UINT16_MAX;
}

static fn_status bind_make(fn_ctx *ctx, func_call *call)
{
    static const char *const names[] = {"year", "month", "day", "hour", "minute", "second", "fraction"};
    const char *name = call->def->name;
    const fn_tz *named = NULL;
    const uint32_t numbers = fn_str_starts(fn_cstr(name), FN_STR("makeDateTime64")) ? FN_MIN(call->arg_count, 7u) : fn_str_starts(fn_cstr(name), FN_STR("makeDateTime")) ? 6 : call->arg_count;
    for (uint32_t i = 0; i < numbers; i++)
        if (!fn_type_is_number(call->arg_types[i]))
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "A value of illegal type was provided as argument %u '%s' to function '%s'. Expected: Number, got: %s", i + 1, names[i], name, call->arg_types[i]->name);
    if (strcmp(name, "makeDate") == 0 || strcmp(name, "makeDate32") == 0) {
        call->type = fn_type_simple(name[8] ? FN_T_DATE32 : FN_T_DATE);
    } else if (strcmp(name, "makeDateTime") == 0) {
        FN_TRY(date_zone_arg(ctx, call, 6, &named));
        call->type = fn_type_datetime(named);
    } else {
        int64_t scale = 3;
        if (call->arg_count > 7) {
            fn_column *c;
            FN_TRY(func_need_const(ctx, call, 7, &c));
            scale = fn_column_i64_at(c, 0);
        }
        if (scale < 0 || scale > 9) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Precision argument of function %s must be from 0 to 9", name);
        FN_TRY(date_zone_arg(ctx, call, 8, &named));
        call->type = fn_type_datetime64((unsigned)scale, named);
    }
    return FN_OK;
}

static int64_t make_instant(const fn_type *type, const fn_tz *tz, const make_parts *p)
{
    int64_t days;
    const bool wide = type->id == FN_T_DATETIME64;
    if (wide && p->year < 1900) return -2208988800 * date_ticks(type->scale); /* here ClickHouse still has the narrower range */
    if (wide && p->year > 2299) return 10413792000 * date_ticks(type->scale) - 1;
    if (!days_of(fn_type_simple(FN_T_DATE32), p->year, p->month, p->day, &days) || !(p->hour >= 0 && p->minute >= 0 && p->second >= 0)) return 0;
    fn_civil c;
    fn_civil_from_days(days, &c);
    const int64_t s = fn_tz_instant(tz, c.year, c.month, c.day, 0, 0, 0) + (int64_t)p->hour * 3600 + (int64_t)p->minute * 60 + (int64_t)p->second;
    if (!wide) return s < 0 ? 0 : FN_MIN(s, (int64_t)UINT32_MAX);
    return s * date_ticks(type->scale) + (int64_t)fmin(fmax(p->fraction, 0), (double)(date_ticks(type->scale) - 1));
}

static fn_status eval_make(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_column *n[7] = {0};
    const uint32_t count = FN_MIN(call->arg_count, call->type->id == FN_T_DATETIME ? 6u : 7u);
    const bool times = date_has_time(call->type);
    uint8_t *values = NULL;
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < count && status == FN_OK; k++) status = expr_convert(ctx, args[k], fn_type_simple(FN_T_FLOAT64), CONVERT_CAST, &n[k]);
    if (status == FN_OK && !(*out = func_new_fixed(ctx, call->type, rows, &values))) status = ctx->error.code;
    const fn_tz *tz = expr_zone(ctx, call->type);
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        double part[7] = {0};
        int64_t v = 0;
        for (uint32_t k = 0; k < count; k++) part[k] = fn_column_f64_at(n[k], i);
        const make_parts p = {part[0], part[1], part[2], part[3], part[4], part[5], part[6]};
        if (times) v = make_instant(call->type, tz, &p);
        else if (count == 2) v = part[1] >= 1 && part[1] < 367 && days_of(call->type, part[0], 1, 1, &v) ? v + (int64_t)part[1] - 1 : 0;
        else if (!days_of(call->type, part[0], part[1], part[2], &v)) v = 0;
        memcpy(values + i * call->type->width, &v, call->type->width);
    }
    for (uint32_t k = 0; k < 7; k++) fn_column_drop(n[k]);
    return status;
}

/* ---- YYYYMMDD numbers ---- */

static fn_status bind_digits(fn_ctx *ctx, func_call *call)
{
    const fn_str name = fn_cstr(call->def->name);
    const fn_tz *named;
    if (!fn_type_is_number(call->arg_types[0])) return func_illegal(ctx, call);
    if (fn_str_ends(name, FN_STR("ToDate"))) call->type = fn_type_simple(FN_T_DATE);
    else if (fn_str_ends(name, FN_STR("ToDate32"))) call->type = fn_type_simple(FN_T_DATE32);
    else if (fn_str_ends(name, FN_STR("ToDateTime"))) {
        FN_TRY(date_zone_arg(ctx, call, 1, &named));
        call->type = fn_type_datetime(named);
    } else {
        int64_t scale = 3;
        fn_column *c;
        if (call->arg_count > 1) {
            if (!fn_type_is_integer(call->arg_types[1])) return func_illegal(ctx, call);
            FN_TRY(func_need_const(ctx, call, 1, &c));
            scale = fn_column_i64_at(c, 0);
        }
        if (scale < 0 || scale > 9) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Precision argument of function %s must be from 0 to 9", call->def->name);
        FN_TRY(date_zone_arg(ctx, call, 2, &named));
        call->type = fn_type_datetime64((unsigned)scale, named);
    }
    return FN_OK;
}

static fn_status eval_digits(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_tz *tz = expr_zone(ctx, call->type);
    fn_column *n = NULL;
    uint8_t *values = NULL;
    fn_status status = expr_convert(ctx, args[0], fn_type_simple(FN_T_FLOAT64), CONVERT_CAST, &n);
    if (status == FN_OK && !(*out = func_new_fixed(ctx, call->type, rows, &values))) status = ctx->error.code;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        const double x = fn_column_f64_at(n, i);
        const int64_t raw = x >= 0 && x < 1e15 ? (int64_t)x : 0, date = date_has_time(call->type) ? raw / 1000000 : raw, clock = raw % 1000000;
        const make_parts p = {(double)(date / 10000), (double)(date / 100 % 100), (double)(date % 100), (double)(clock / 10000), (double)(clock / 100 % 100), (double)(clock % 100), call->type->scale ? round((x - (double)raw) * (double)date_ticks(call->type->scale)) : 0};
        int64_t v = 0;
        if (date_has_time(call->type)) v = make_instant(call->type, tz, &p);
        else if (!days_of(call->type, p.year, p.month, p.day, &v)) v = 0;
        memcpy(values + i * call->type->width, &v, call->type->width);
    }
    fn_column_drop(n);
    return status;
}

/* ---- changeYear ... changeSecond ---- */

static const char *const change_parts[] = {"changeYear", "changeMonth", "changeDay", "changeHour", "changeMinute", "changeSecond"};

static fn_status bind_change(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    size_t part = 0;
    while (strcmp(change_parts[part], call->def->name) != 0) part++;
    if (!fn_type_is_date_or_time(t) || !fn_type_is_integer(call->arg_types[1])) return func_illegal(ctx, call);
    call->type = part < 3 || date_has_time(t) ? t : t->id == FN_T_DATE ? fn_type_datetime(NULL) : fn_type_datetime64(3, NULL);
    call->data = (void *)(uintptr_t)&change_parts[part];
    return FN_OK;
}

/* The value with one part replaced; what does not exist gives the smallest value of the type. */
static int64_t change_one(const fn_type *from, const fn_type *to, const fn_tz *tz, int64_t raw, ptrdiff_t part, int64_t value)
{
    static const int64_t lows[] = {0, 1, 1, 0, 0, 0}, highs[] = {9999, 12, 31, 23, 59, 59};
    const int64_t from_unit = from->id == FN_T_DATETIME64 ? date_ticks(from->scale) : 1, unit = to->id == FN_T_DATETIME64 ? date_ticks(to->scale) : 1;
    const int64_t low = to->id == FN_T_DATE32 ? DATE_DAY_MIN : to->id == FN_T_DATETIME64 ? (int64_t)DATE_DAY_MIN * 86400 * unit : 0;
    fn_civil c = {0};
    if (value < lows[part] || value > highs[part]) return low;
    if (date_has_time(from)) fn_tz_civil(tz, date_floor_div(raw, from_unit), &c);
    else fn_civil_from_days(raw, &c);
    int64_t parts[] = {c.year, c.month, c.day, c.hour, c.minute, c.second};
    parts[part] = value;
    const int64_t days = fn_days_from_civil(parts[0], (unsigned)parts[1], 1) + parts[2] - 1;
    if (to->id == FN_T_DATE) return days < 0 ? 0 : FN_MIN(days, (int64_t)UINT16_MAX);
    if (to->id == FN_T_DATE32) return days;
    fn_civil d;
    fn_civil_from_days(days, &d);
    const int64_t s = fn_tz_instant(tz, d.year, d.month, d.day, (unsigned)parts[3], (unsigned)parts[4], (unsigned)parts[5]);
    if (to->id == FN_T_DATETIME) return s < 0 ? 0 : FN_MIN(s, (int64_t)UINT32_MAX);
    const int64_t ticks = date_has_time(from) ? raw - date_floor_div(raw, from_unit) * from_unit : 0;
    return s * unit + ticks;
}

static fn_status eval_change(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const char *const *entry = call->data;
    const ptrdiff_t part = entry - change_parts;
    const fn_tz *tz = expr_zone(ctx, call->type);
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        const int64_t v = change_one(args[0]->type, call->type, tz, fn_column_i64_at(args[0], i), part, fn_column_i64_at(args[1], i));
        memcpy(values + i * call->type->width, &v, call->type->width);
    }
    return FN_OK;
}

#define ROW(title, lo, hi, binder, evaluator, text, ex, res)                                       \
    {.name = title, .args_min = lo, .args_max = hi, .bind = binder, .eval = evaluator, .about = text, .example = ex, .gives = res}
#define DT                       "toDateTime('2024-02-29 01:02:03', 'UTC')"
#define DT64                     "toDateTime64('2024-02-29 01:02:03.5', 1, 'UTC')"
static const func_def rows_[] = {
    ROW("toUnixTimestamp", 1, 2, bind_to_unix, eval_to_unix, "Seconds since 1970.", "toUnixTimestamp(" DT ")", "1709168523"),
    ROW("toUnixTimestamp64Second", 1, 1, bind_to_unix64, eval_to_unix64, "Seconds since 1970 of a DateTime64.", "toUnixTimestamp64Second(" DT64 ")", "1709168523"),
    ROW("toUnixTimestamp64Milli", 1, 1, bind_to_unix64, eval_to_unix64, "Milliseconds since 1970 of a DateTime64.", "toUnixTimestamp64Milli(" DT64 ")", "1709168523500"),
    ROW("toUnixTimestamp64Micro", 1, 1, bind_to_unix64, eval_to_unix64, "Microseconds since 1970 of a DateTime64.", "toUnixTimestamp64Micro(" DT64 ")", "1709168523500000"),
    ROW("toUnixTimestamp64Nano", 1, 1, bind_to_unix64, eval_to_unix64, "Nanoseconds since 1970 of a DateTime64.", "toUnixTimestamp64Nano(" DT64 ")", "1709168523500000000"),
    ROW("fromUnixTimestamp64Second", 1, 2, bind_from_unix64, eval_from_unix64, "Seconds since 1970 as DateTime64(0).", "fromUnixTimestamp64Second(0, 'UTC')", "1970-01-01 00:00:00"),
    ROW("fromUnixTimestamp64Milli", 1, 2, bind_from_unix64, eval_from_unix64, "Milliseconds since 1970 as DateTime64(3).", "fromUnixTimestamp64Milli(1, 'UTC')", "1970-01-01 00:00:00.001"),
    ROW("fromUnixTimestamp64Micro", 1, 2, bind_from_unix64, eval_from_unix64, "Microseconds since 1970 as DateTime64(6).", "fromUnixTimestamp64Micro(1, 'UTC')", "1970-01-01 00:00:00.000001"),
    ROW("fromUnixTimestamp64Nano", 1, 2, bind_from_unix64, eval_from_unix64, "Nanoseconds since 1970 as DateTime64(9).", "fromUnixTimestamp64Nano(1, 'UTC')", "1970-01-01 00:00:00.000000001"),
    {.name = "toTimeZone", .aliases = (const char *const[]){"toTimezone", NULL}, .args_min = 2, .args_max = 2, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_to_zone, .eval = eval_to_zone,
     .about = "The same instant shown in another zone.", .example = "toTimeZone(" DT ", 'Asia/Tokyo')", .gives = "2024-02-29 10:02:03"},
    {.name = "timezoneOf", .aliases = (const char *const[]){"timeZoneOf", NULL}, .args_min = 1, .args_max = 1, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_zone_of, .eval = eval_zone_of,
     .about = "The zone a time is shown in.", .example = "timezoneOf(" DT ")", .gives = "UTC"},
    {.name = "timezoneOffset", .aliases = (const char *const[]){"timeZoneOffset", NULL}, .args_min = 1, .args_max = 2, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_offset, .eval = eval_offset,
     .about = "Seconds the zone is ahead of UTC at that time.", .example = "timezoneOffset(" DT ")", .gives = "0"},
    {.name = "toUTCTimestamp", .aliases = (const char *const[]){"to_utc_timestamp", NULL}, .args_min = 2, .args_max = 2, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_utc, .eval = eval_utc,
     .about = "The clock of a zone as UTC.", .example = "toUTCTimestamp(toDateTime('2024-01-01 09:00:00'), 'Asia/Tokyo')", .gives = "2024-01-01 00:00:00"},
    {.name = "fromUTCTimestamp", .aliases = (const char *const[]){"from_utc_timestamp", NULL}, .args_min = 2, .args_max = 2, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_utc, .eval = eval_utc,
     .about = "UTC as the clock of a zone.", .example = "fromUTCTimestamp(toDateTime('2024-01-01 00:00:00'), 'Asia/Tokyo')", .gives = "2024-01-01 09:00:00"},
    ROW("makeDate", 2, 3, bind_make, eval_make, "A Date of year, month and day, or year and day of the year.", "makeDate(2024, 2, 29)", "2024-02-29"),
    ROW("makeDate32", 2, 3, bind_make, eval_make, "A Date32 of year, month and day, or year and day of the year.", "makeDate32(2024, 60)", "2024-02-29"),
    ROW("makeDateTime", 6, 7, bind_make, eval_make, "A DateTime of its six parts.", "makeDateTime(2024, 2, 29, 1, 2, 3)", "2024-02-29 01:02:03"),
    ROW("makeDateTime64", 6, 9, bind_make, eval_make, "A DateTime64 of its parts, fraction, scale and zone.", "makeDateTime64(2024, 2, 29, 1, 2, 3, 4)", "2024-02-29 01:02:03.004"),
    ROW("YYYYMMDDToDate", 1, 1, bind_digits, eval_digits, "A Date of a number like 20240229.", "YYYYMMDDToDate(20240229)", "2024-02-29"),
    ROW("YYYYMMDDToDate32", 1, 1, bind_digits, eval_digits, "A Date32 of a number like 20240229.", "YYYYMMDDToDate32(20240229)", "2024-02-29"),
    ROW("YYYYMMDDhhmmssToDateTime", 1, 2, bind_digits, eval_digits, "A DateTime of a number like 20240229010203.", "YYYYMMDDhhmmssToDateTime(20240229010203)", "2024-02-29 01:02:03"),
    ROW("YYYYMMDDhhmmssToDateTime64", 1, 3, bind_digits, eval_digits, "A DateTime64 of a number like 20240229010203.", "YYYYMMDDhhmmssToDateTime64(20240229010203)", "2024-02-29 01:02:03.000"),
    ROW("changeYear", 2, 2, bind_change, eval_change, "The date or time with another year.", "changeYear(toDate('2024-01-31'), 2023)", "2023-01-31"),
    ROW("changeMonth", 2, 2, bind_change, eval_change, "The date or time with another month.", "changeMonth(toDate('2024-01-31'), 3)", "2024-03-31"),
    ROW("changeDay", 2, 2, bind_change, eval_change, "The date or time with another day.", "changeDay(toDate('2024-01-31'), 5)", "2024-01-05"),
    ROW("changeHour", 2, 2, bind_change, eval_change, "The time with another hour.", "changeHour(toDate('2024-01-31'), 5)", "2024-01-31 05:00:00"),
    ROW("changeMinute", 2, 2, bind_change, eval_change, "The time with another minute.", "changeMinute(toDate('2024-01-31'), 5)", "2024-01-31 00:05:00"),
    ROW("changeSecond", 2, 2, bind_change, eval_change, "The time with another second.", "changeSecond(toDate('2024-01-31'), 5)", "2024-01-31 00:00:05"),
};
const func_family func_family_date_convert = FUNC_FAMILY("dates", rows_);
