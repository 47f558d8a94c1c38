/* type_date.c - Date, Date32, DateTime, DateTime64, Time, Time64. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include "type/type_text.h"
#include <firn/wide.h>
#include <stdio.h>

enum { DATE32_MIN = -719528, DATE32_MAX = 2932896 }; /* 0000-01-01, 9999-12-31 */

static fn_status make_date(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    return type_make_simple(ctx, class == &type_date ? FN_T_DATE : class == &type_date32 ? FN_T_DATE32 : FN_T_TIME, args, out);
}

static fn_status zone_arg(fn_ctx *ctx, const fn_type_args *args, uint32_t i, const fn_tz **out)
{
    *out = NULL;
    if (i >= args->count) return FN_OK;
    if (args->items[i].kind != TYPE_ARG_STRING) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The time zone of DateTime must be a string");
    if (!args->items[i].text.size) return FN_OK;
    *out = fn_tz_find(args->items[i].text);
    return *out ? FN_OK : fn_fail(ctx, FN_BAD_ARGUMENTS, "Cannot load time zone " FN_STR_FMT, FN_STR_ARG(args->items[i].text));
}

static fn_status make_datetime64(fn_ctx *ctx, const fn_type_args *args, fn_type *out)
{
    const fn_tz *tz;
    const int64_t scale = args->count && args->items[0].kind == TYPE_ARG_NUMBER ? args->items[0].number : 3;
    FN_TRY(type_arg_count(ctx, args, "DateTime64", 0, 2));
    if (scale < 0 || scale > 9) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Scale %lld is too large for DateTime64. Maximum is up to nanoseconds (9).", (long long)scale);
    FN_TRY(zone_arg(ctx, args, args->count && args->items[0].kind == TYPE_ARG_NUMBER ? 1 : 0, &tz));
    *out = *fn_type_datetime64((unsigned)scale, tz);
    return FN_OK;
}

/* DateTime('UTC'); DateTime(3) is DateTime64(3). */
static fn_status make_datetime(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    const fn_tz *tz;
    if (class == &type_datetime64 || (args->count && args->items[0].kind == TYPE_ARG_NUMBER)) return make_datetime64(ctx, args, out);
    FN_TRY(type_arg_count(ctx, args, "DateTime", 0, 1));
    FN_TRY(zone_arg(ctx, args, 0, &tz));
    *out = *fn_type_datetime(tz);
    return FN_OK;
}

static fn_status make_time64(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    static const char *const names[] = {"Time64(0)", "Time64(1)", "Time64(2)", "Time64(3)", "Time64(4)", "Time64(5)", "Time64(6)", "Time64(7)", "Time64(8)", "Time64(9)"};
    const int64_t scale = args->count && args->items[0].kind == TYPE_ARG_NUMBER ? args->items[0].number : 3;
    if (scale < 0 || scale > 9) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Scale %lld is too large for Time64", (long long)scale);
    *out = (fn_type){.class = class, .name = names[scale], .id = FN_T_TIME64, .phys = FN_PHYS_I64, .width = 8, .scale = (uint8_t)scale};
    return FN_OK;
}

static const fn_tz *zone_of(const fn_type *t, const fn_text_options *o)
{
    return t->timezone ? t->timezone : o->timezone;
}

static fn_status write_date(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    char text[16];
    (void)o;
    const bool narrow = fn_type_base(c->type)->id == FN_T_DATE;
    const int64_t days = narrow ? fn_load_u16(c->values + 2 * row) : fn_load_i32(c->values + 4 * row);
    return text_put_bare(ctx, text, text_date(days, text), style, out);
}

static int64_t pow10_i64(unsigned n)
{
    int64_t v = 1;
    while (n--) v *= 10;
    return v;
}

static fn_status write_datetime(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    const fn_type *t = fn_type_base(c->type);
    const bool wide = t->id == FN_T_DATETIME64;
    const int64_t unit = wide ? pow10_i64(t->scale) : 1;
    const int64_t ticks = wide ? fn_load_i64(c->values + 8 * row) : fn_load_u32(c->values + 4 * row);
    int64_t seconds = ticks / unit, fraction = ticks % unit;
    char text[48];
    if (fraction < 0) {
        seconds--;
        fraction += unit;
    }
    size_t n;
    if (o->datetime_output == 2) { /* unix_timestamp */
        n = (size_t)snprintf(text, sizeof text, "%lld", (long long)seconds);
        n += text_ticks((uint64_t)fraction, t->scale, text + n);
        return fn_buf_append(ctx, out, text, n);
    }
    fn_civil civil;
    fn_tz_civil(o->datetime_output == 1 ? fn_tz_utc() : zone_of(t, o), seconds, &civil);
    n = text_time_of(&civil, text);
    if (wide) n += text_ticks((uint64_t)fraction, t->scale, text + n);
    if (o->datetime_output == 1) {
        text[10] = 'T';
        text[n++] = 'Z';
    }
    return text_put_bare(ctx, text, n, style, out);
}

static fn_status read_date(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    const fn_type *t = fn_type_base(type);
    text_token token;
    int64_t days;
    FN_TRY(text_token_read(ctx, in, style, o, &token));
    fn_status status;
    if (text_parse_date(token.value, &days)) {
        if (t->id == FN_T_DATE) days = days < 0 ? 0 : days > 65535 ? 65535 : days;
        else days = days < DATE32_MIN ? DATE32_MIN : days > DATE32_MAX ? DATE32_MAX : days;
        status = fn_builder_fixed(ctx, out, &days);
    } else {
        status = text_token_bad(ctx, in, &token, FN_CANNOT_PARSE_DATE, t->name);
    }
    text_token_release(&token);
    return status;
}

/* A bare number for DateTime64 is seconds; quoted digits beyond 10 are ticks. */
static bool ticks_in_quotes(const text_token *t, fn_text_style style, int64_t *ticks)
{
    if (style != FN_TEXT_JSON || !t->quoted || t->value.size <= 10 || t->value.size > 18) return false;
    *ticks = 0;
    for (size_t i = 0; i < t->value.size; i++) {
        if (t->value.data[i] < '0' || t->value.data[i] > '9') return false;
        *ticks = *ticks * 10 + (t->value.data[i] - '0');
    }
    return t->value.size != 14;
}

/* Without quotes a number is seconds, however few its digits. */
static bool bare_number(const text_token *t, fn_text_style style, int64_t *seconds, uint32_t *nanos)
{
    if (t->quoted || (style != FN_TEXT_JSON && style != FN_TEXT_QUOTED) || !t->value.size || t->value.size > 11) return false;
    const bool negative = t->value.data[0] == '-';
    *seconds = 0;
    *nanos = 0;
    for (size_t i = negative; i < t->value.size; i++) {
        if (t->value.data[i] < '0' || t->value.data[i] > '9') return false;
        *seconds = *seconds * 10 + (t->value.data[i] - '0');
    }
    if (negative) *seconds = -*seconds;
    return true;
}

static fn_status read_datetime(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    const fn_type *t = fn_type_base(type);
    text_token token;
    int64_t seconds, ticks;
    uint32_t nanos;
    FN_TRY(text_token_read(ctx, in, style, o, &token));
    fn_status status;
    if (t->id == FN_T_DATETIME64 && ticks_in_quotes(&token, style, &ticks)) {
        status = fn_builder_fixed(ctx, out, &ticks);
    } else if (!(bare_number(&token, style, &seconds, &nanos) || text_parse_datetime(token.value, zone_of(t, o), o->best_effort_datetime, &seconds, &nanos))) {
        status = text_token_bad(ctx, in, &token, FN_CANNOT_PARSE_DATETIME, t->name);
    } else if (t->id == FN_T_DATETIME) {
        const uint32_t v = seconds < 0 ? 0 : seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
        status = fn_builder_fixed(ctx, out, &v);
    } else {
        const int64_t unit = pow10_i64(t->scale), limit = INT64_MAX / unit;
        if (seconds > limit - 1 || seconds < -limit + 1) status = text_token_bad(ctx, in, &token, FN_DECIMAL_OVERFLOW, t->name);
        else {
            ticks = seconds * unit + nanos / pow10_i64(9u - t->scale);
            status = fn_builder_fixed(ctx, out, &ticks);
        }
    }
    text_token_release(&token);
    return status;
}

static fn_status write_time(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    (void)o;
    const fn_type *t = fn_type_base(c->type);
    const int64_t unit = t->id == FN_T_TIME64 ? pow10_i64(t->scale) : 1;
    const int64_t ticks = t->id == FN_T_TIME64 ? fn_load_i64(c->values + 8 * row) : fn_load_i32(c->values + 4 * row);
    const uint64_t size = ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks, seconds = size / (uint64_t)unit;
    char text[48];
    size_t n = (size_t)snprintf(text, sizeof text, "%s%02llu:%02llu:%02llu", ticks < 0 ? "-" : "", (unsigned long long)(seconds / 3600),
                                (unsigned long long)(seconds / 60 % 60), (unsigned long long)(seconds % 60));
    n += text_ticks(size % (uint64_t)unit, t->scale, text + n);
    return text_put_bare(ctx, text, n, style, out);
}

/* [-]hhh:mm:ss[.fraction] or seconds */
static bool parse_time(fn_str s, unsigned scale, int64_t *out)
{
    char copy[40];
    int hours, minutes, read = 0;
    double seconds;
    if (s.size == 0 || s.size >= sizeof copy) return false;
    memcpy(copy, s.data, s.size);
    copy[s.size] = 0;
    const bool negative = copy[0] == '-';
    const double unit = (double)pow10_i64(scale);
    if (sscanf(copy + negative, "%3d:%2d:%lf%n", &hours, &minutes, &seconds, &read) == 3 && (size_t)read + negative == s.size && hours >= 0 && minutes >= 0 &&
        minutes < 60 && seconds >= 0 && seconds < 60) {
        const int64_t v = (int64_t)(hours * 3600 + minutes * 60) * pow10_i64(scale) + (int64_t)(seconds * unit + 0.5);
        *out = negative ? -v : v;
        return true;
    }
    if (!text_parse_f64(s, &seconds) || seconds > 3600000 || seconds < -3600000) return false;
    *out = (int64_t)(seconds * unit);
    return true;
}

static fn_status read_time(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    const fn_type *t = fn_type_base(type);
    text_token token;
    int64_t v;
    FN_TRY(text_token_read(ctx, in, style, o, &token));
    const fn_status status = parse_time(token.value, t->scale, &v) ? fn_builder_fixed(ctx, out, &v) : text_token_bad(ctx, in, &token, FN_CANNOT_PARSE_DATETIME, t->name);
    text_token_release(&token);
    return status;
}

static const char *const datetime_aliases[] = {"TIMESTAMP", "DATETIME", NULL};
static const char *const date_aliases[] = {"DATE", NULL};
const fn_type_class type_date = {.name = "Date", .aliases = date_aliases, .alias_nocase = true, .make = make_date, .write = write_date, .read = read_date,
                                 .about = "Days since 1970-01-01 up to 2149-06-06, two bytes."};
const fn_type_class type_date32 = {.name = "Date32", .make = make_date, .write = write_date, .read = read_date, .about = "Days from 0000-01-01 to 9999-12-31, four bytes."};
const fn_type_class type_datetime = {.name = "DateTime", .aliases = datetime_aliases, .alias_nocase = true, .make = make_datetime, .write = write_datetime,
                                     .read = read_datetime, .about = "Seconds since 1970-01-01 UTC, four bytes, shown in a time zone."};
const fn_type_class type_datetime64 = {.name = "DateTime64", .make = make_datetime, .write = write_datetime, .read = read_datetime,
                                       .about = "Ticks of 10^-precision seconds since 1970-01-01 UTC, shown in a time zone."};
const fn_type_class type_time = {.name = "Time", .make = make_date, .write = write_time, .read = read_time, .about = "Time of day or duration in seconds."};
const fn_type_class type_time64 = {.name = "Time64", .make = make_time64, .write = write_time, .read = read_time, .about = "Time of day or duration in ticks of 10^-precision seconds."};
