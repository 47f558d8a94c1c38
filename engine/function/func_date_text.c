/* func_date_text.c - dates as text by a pattern: formatDateTime with MySQL's % codes, dateName, monthName, fromUnixTimestamp.
 * A pattern is compiled at bind into pieces; each row appends its pieces. SPDX-License-Identifier: Apache-2.0 */
#include "function/date_view.h"

typedef struct text_data {
    fn_str pattern;
    const fn_tz *tz;
    bool number; /* fromUnixTimestamp(n [, pattern]): the argument is seconds */
} text_data;

/* What one row shows. */
typedef struct shown {
    int32_t days, seconds;
    int64_t ns;
    int32_t offset;
    uint32_t packed;
} shown;

static fn_status put(fn_ctx *ctx, fn_buf *b, uint64_t v, unsigned digits)
{
    char text[24];
    unsigned n = 0;
    do {
        text[23 - n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    while (n < digits) text[23 - n++] = '0';
    return fn_buf_append(ctx, b, text + 24 - n, n);
}

static fn_status put_clock(fn_ctx *ctx, fn_buf *b, const shown *s, bool seconds)
{
    FN_TRY(put(ctx, b, (uint64_t)s->seconds / 3600, 2));
    FN_TRY(fn_buf_byte(ctx, b, ':'));
    FN_TRY(put(ctx, b, (uint64_t)s->seconds / 60 % 60, 2));
    if (!seconds) return FN_OK;
    FN_TRY(fn_buf_byte(ctx, b, ':'));
    return put(ctx, b, (uint64_t)s->seconds % 60, 2);
}

static fn_status put_zone(fn_ctx *ctx, fn_buf *b, int32_t offset)
{
    const uint64_t minutes = (uint64_t)(offset < 0 ? -offset : offset) / 60;
    FN_TRY(fn_buf_byte(ctx, b, offset < 0 ? '-' : '+'));
    return put(ctx, b, minutes / 60 * 100 + minutes % 60, 4);
}

/* Codes that are not one number. */
static fn_status put_words(fn_ctx *ctx, fn_buf *b, const shown *s, char code)
{
    const char *month = date_month_names[date_month(s->packed) - 1], *day = date_day_names[date_weekday(s->days) - 1];
    switch (code) {
    case 'a': return fn_buf_append(ctx, b, day, 3);
    case 'W': return fn_buf_cstr(ctx, b, day);
    case 'b': return fn_buf_append(ctx, b, month, 3);
    case 'M': return fn_buf_cstr(ctx, b, month);
    case 'D':
        FN_TRY(put(ctx, b, date_month(s->packed), 2));
        FN_TRY(fn_buf_byte(ctx, b, '/'));
        FN_TRY(put(ctx, b, date_day(s->packed), 2));
        FN_TRY(fn_buf_byte(ctx, b, '/'));
        return put(ctx, b, date_year(s->packed) % 100, 2);
    case 'F':
        FN_TRY(put(ctx, b, date_year(s->packed), 4));
        FN_TRY(fn_buf_byte(ctx, b, '-'));
        FN_TRY(put(ctx, b, date_month(s->packed), 2));
        FN_TRY(fn_buf_byte(ctx, b, '-'));
        return put(ctx, b, date_day(s->packed), 2);
    case 'p': return fn_buf_cstr(ctx, b, s->seconds >= 43200 ? "PM" : "AM");
    case 'r':
        FN_TRY(put(ctx, b, ((uint64_t)s->seconds / 3600 + 11) % 12 + 1, 2));
        FN_TRY(fn_buf_byte(ctx, b, ':'));
        FN_TRY(put(ctx, b, (uint64_t)s->seconds / 60 % 60, 2));
        return fn_buf_cstr(ctx, b, s->seconds >= 43200 ? " PM" : " AM");
    case 'R': return put_clock(ctx, b, s, false);
    case 'T': return put_clock(ctx, b, s, true);
    case 'n': return fn_buf_byte(ctx, b, '\n');
    case 't': return fn_buf_byte(ctx, b, '\t');
    case 'z': return put_zone(ctx, b, s->offset);
    }
    return fn_buf_byte(ctx, b, '%');
}

static fn_status put_code(fn_ctx *ctx, fn_buf *b, const shown *s, char code)
{
    const uint64_t year = date_year(s->packed), second = (uint64_t)s->seconds;
    uint32_t iso_year;
    switch (code) {
    case 'Y': return put(ctx, b, year, 4);
    case 'y': return put(ctx, b, year % 100, 2);
    case 'C': return put(ctx, b, year / 100, 2);
    case 'm':
    case 'c': return put(ctx, b, date_month(s->packed), 2);
    case 'd': return put(ctx, b, date_day(s->packed), 2);
    case 'e': return put(ctx, b, date_day(s->packed), 1);
    case 'j': return put(ctx, b, date_yearday(s->days, (uint32_t)year), 3);
    case 'H':
    case 'k': return put(ctx, b, second / 3600, 2);
    case 'h':
    case 'l':
    case 'I': return put(ctx, b, (second / 3600 + 11) % 12 + 1, 2);
    case 'i': return put(ctx, b, second / 60 % 60, 2);
    case 's':
    case 'S': return put(ctx, b, second % 60, 2);
    case 'f': return put(ctx, b, (uint64_t)s->ns / 1000, 6);
    case 'Q': return put(ctx, b, (date_month(s->packed) + 2) / 3, 1);
    case 'u': return put(ctx, b, date_weekday(s->days), 1);
    case 'w': return put(ctx, b, date_weekday(s->days) % 7, 1);
    case 'V': return put(ctx, b, date_week(s->days, 3, true, &iso_year), 2);
    case 'G':
        (void)date_week(s->days, 3, true, &iso_year);
        return put(ctx, b, iso_year, 4);
    case 'g':
        (void)date_week(s->days, 3, true, &iso_year);
        return put(ctx, b, iso_year % 100, 2);
    }
    return put_words(ctx, b, s, code);
}

static fn_status check_pattern(fn_ctx *ctx, const func_call *call, const fn_type *t, fn_str pattern)
{
    static const char codes[] = "YyCmcdejHkhIliSsfQuwVGgaWbMDFprRTntz%";
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] != '%') continue;
        if (++i == pattern.size) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Trailing '%%' symbol is not allowed for function %s", call->def->name);
        if (pattern.data[i] == 'z' && fn_type_is_date_or_time(t) && !date_has_time(t))
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal argument of type %s for function timezoneOffset", t->name);
        if (!strchr(codes, pattern.data[i]) || !pattern.data[i])
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Incorrect syntax '" FN_STR_FMT "', symbol is not supported '%c' for function %s", FN_STR_ARG(pattern), pattern.data[i], call->def->name);
    }
    return FN_OK;
}

static fn_status bind_format(fn_ctx *ctx, func_call *call)
{
    text_data *d = FN_NEW(ctx, text_data);
    const fn_type *t = call->arg_types[0];
    FN_TRY_PTR(ctx, d);
    d->number = strcmp(call->def->name, "fromUnixTimestamp") == 0;
    if (d->number ? !fn_type_is_integer(t) && !fn_type_is_date_or_time(t) : !fn_type_is_date_or_time(t))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of first argument of function %s when arguments size is equal to %u. Should be a date or a date with time", t->name, call->def->name, call->arg_count);
    const fn_tz *named;
    FN_TRY(date_zone_arg(ctx, call, 2, &named));
    d->tz = named ? named : expr_zone(ctx, d->number ? fn_type_datetime(NULL) : t);
    call->data = d;
    if (d->number && call->arg_count == 1) {
        call->type = fn_type_datetime(NULL);
        return FN_OK;
    }
    if (!fn_type_is_string(call->arg_types[1]))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of second argument of function %s. Must be String", call->arg_types[1]->name, call->def->name);
    FN_TRY(func_const_str(ctx, call, 1, &d->pattern));
    FN_TRY(check_pattern(ctx, call, t, d->pattern));
    return func_bind_string(ctx, call);
}

static shown shown_at(const fn_column *c, const date_view *v, const fn_tz *tz, size_t i)
{
    shown s = {.days = v->days[i], .seconds = v->seconds[i], .packed = date_calendar()[v->days[i] - DATE_DAY_MIN]};
    if (!v->instants) {
        const int64_t midnight = fn_tz_instant(tz, date_year(s.packed), date_month(s.packed), date_day(s.packed), 0, 0, 0);
        s.offset = fn_tz_offset(tz, midnight);
        return s;
    }
    s.offset = (int32_t)((int64_t)s.days * 86400 + s.seconds - v->instants[i]);
    if (c->type->id == FN_T_DATETIME64) {
        const int64_t unit = date_ticks(c->type->scale), raw = fn_load_i64(c->values + i * func_step(c) * 8);
        s.ns = (raw - date_floor_div(raw, unit) * unit) * (1000000000 / unit);
    }
    return s;
}

static fn_status format_row(fn_ctx *ctx, const text_data *d, const shown *s, fn_buf *out)
{
    for (size_t i = 0; i < d->pattern.size; i++) {
        if (d->pattern.data[i] == '%') FN_TRY(put_code(ctx, out, s, d->pattern.data[++i]));
        else FN_TRY(fn_buf_byte(ctx, out, d->pattern.data[i]));
    }
    return FN_OK;
}

static fn_status eval_format(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const text_data *d = call->data;
    fn_column *times = NULL;
    fn_builder b;
    date_view v = {0};
    fn_buf text = FN_BUF_INIT;
    const bool convert = d->number && fn_type_is_integer(args[0]->type);
    FN_TRY(expr_convert(ctx, args[0], convert ? fn_type_datetime(NULL) : args[0]->type, CONVERT_CAST, &times));
    if (!d->pattern.data && call->type->id == FN_T_DATETIME) {
        *out = times;
        return FN_OK;
    }
    fn_status status = fn_builder_init(ctx, &b, call->type);
    if (status == FN_OK) status = date_view_open(ctx, times, d->tz, DATE_SECONDS | DATE_INSTANTS, rows, &v);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const shown s = shown_at(times, &v, d->tz, i);
        text.size = 0;
        status = format_row(ctx, d, &s, &text);
        if (status == FN_OK) status = fn_builder_str(ctx, &b, fn_buf_view(&text));
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_buf_release(&text);
    date_view_close(&v);
    fn_column_drop(times);
    return status;
}

/* ---- dateName('part', x [, zone]), monthName(x): patterns without padding ---- */

static const struct {
    const char *part, *code; /* '-' in front: number without padding */
    bool time;
} date_names[] = {
    {"year", "%Y", false}, {"quarter", "%Q", false}, {"month", "%M", false}, {"dayofyear", "-j", false}, {"day", "-d", false}, {"week", "-V", false},
    {"weekday", "%W", false}, {"hour", "-H", true}, {"minute", "-i", true}, {"second", "-S", true},
};

static fn_status bind_name(fn_ctx *ctx, func_call *call)
{
    text_data *d = FN_NEW(ctx, text_data);
    const bool month = strcmp(call->def->name, "monthName") == 0;
    const fn_type *t = call->arg_types[month ? 0 : 1];
    fn_str part = FN_STR("month");
    const fn_tz *named;
    FN_TRY_PTR(ctx, d);
    if (!month) FN_TRY(func_const_str(ctx, call, 0, &part));
    if (!fn_type_is_date_or_time(t) || (month && t->id == FN_T_DATE32)) return func_illegal(ctx, call);
    FN_TRY(date_zone_arg(ctx, call, month ? 1 : 2, &named));
    d->tz = named ? named : expr_zone(ctx, t);
    for (size_t i = 0; i < FN_COUNT(date_names); i++)
        if (fn_str_eq_nocase(fn_cstr(date_names[i].part), part)) {
            if (date_names[i].time && !date_has_time(t)) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal argument of type %s for function %s", t->name, call->def->name);
            d->pattern = fn_cstr(date_names[i].code);
        }
    if (!d->pattern.size) return fn_fail(ctx, FN_BAD_ARGUMENTS, FN_STR_FMT " isn't valid datepart for function %s", FN_STR_ARG(part), call->def->name);
    call->data = d;
    return func_bind_string(ctx, call);
}

static fn_status eval_name(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const text_data *d = call->data;
    const fn_column *c = args[strcmp(call->def->name, "monthName") != 0];
    fn_builder b;
    date_view v = {0};
    fn_buf text = FN_BUF_INIT;
    fn_status status = fn_builder_init(ctx, &b, call->type);
    if (status == FN_OK) status = date_view_open(ctx, c, d->tz, DATE_SECONDS | DATE_INSTANTS, rows, &v);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const shown s = shown_at(c, &v, d->tz, i);
        text.size = 0;
        status = put_code(ctx, &text, &s, d->pattern.data[1]);
        fn_str word = fn_buf_view(&text);
        while (d->pattern.data[0] == '-' && word.size > 1 && *word.data == '0') word = (fn_str){word.data + 1, word.size - 1};
        if (status == FN_OK) status = fn_builder_str(ctx, &b, word);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_buf_release(&text);
    date_view_close(&v);
    return status;
}

static const char *const format_names[] = {"DATE_FORMAT", NULL};
static const char *const unix_names[] = {"FROM_UNIXTIME", NULL};
static const func_def rows_[] = {
    {.name = "formatDateTime", .aliases = format_names, .args_min = 2, .args_max = 3, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_format, .eval = eval_format,
     .about = "A date or time as text by a pattern of MySQL's % codes.", .example = "formatDateTime(toDate('2024-02-29'), '%Y/%m')", .gives = "2024/02"},
    {.name = "fromUnixTimestamp", .aliases = unix_names, .args_min = 1, .args_max = 3, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_format, .eval = eval_format,
     .about = "Seconds since 1970 as DateTime, or as text by a pattern.", .example = "fromUnixTimestamp(0, '%Y')", .gives = "1970"},
    {.name = "dateName", .args_min = 2, .args_max = 3, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_name, .eval = eval_name,
     .about = "A part of a date or time as text.", .example = "dateName('month', toDate('2024-02-29'))", .gives = "February"},
    {.name = "monthName", .args_min = 1, .args_max = 1, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_name, .eval = eval_name,
     .about = "The name of the month.", .example = "monthName(toDate('2024-02-29'))", .gives = "February"},
};
const func_family func_family_date_text = FUNC_FAMILY("dates", rows_);
