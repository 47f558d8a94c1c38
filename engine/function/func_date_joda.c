/* func_date_joda.c - dates as text by a pattern of Joda's letters: formatDateTimeInJodaSyntax, fromUnixTimestampInJodaSyntax.
 * A pattern is cut at bind into runs of one letter and literal text; each row appends its runs. Fractions of a second are cut,
 * other numbers padded with zeros to the run's length. SPDX-License-Identifier: Apache-2.0 */
#include "function/date_view.h"

typedef struct joda_run {
    fn_str literal; /* letter 0 */
    char letter;
    uint32_t count;
} joda_run;

typedef struct joda {
    joda_run *runs;
    uint32_t count;
    const fn_tz *tz;
    bool number; /* the argument is seconds since 1970 */
} joda;

/* What one row shows. */
typedef struct joda_row {
    int32_t days, seconds;
    int64_t ns;
    uint32_t packed;
} joda_row;

static fn_status add_literal(fn_ctx *ctx, joda *j, const char *bytes, size_t size)
{
    fn_str copy;
    FN_TRY(fn_arena_str(ctx, ctx->arena, (fn_str){bytes, size}, &copy));
    j->runs[j->count++] = (joda_run){.literal = copy};
    return FN_OK;
}

/* Literal text in quotes at `at`; '' is one quote, within quotes as well. Gives the place behind. */
static fn_status add_quoted(fn_ctx *ctx, joda *j, fn_str pattern, size_t at, size_t *behind)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = FN_OK;
    size_t i = at + 1;
    const bool empty = i < pattern.size && pattern.data[i] == '\'';
    bool closed = empty;
    if (empty) status = fn_buf_byte(ctx, &text, '\'');
    for (; !closed && i < pattern.size && status == FN_OK; i++) {
        if (pattern.data[i] != '\'') status = fn_buf_byte(ctx, &text, pattern.data[i]);
        else if (i + 1 < pattern.size && pattern.data[i + 1] == '\'') status = fn_buf_byte(ctx, &text, pattern.data[i++]);
        else closed = true;
    }
    *behind = empty ? i + 1 : i;
    if (status == FN_OK && !closed) status = fn_fail(ctx, FN_BAD_ARGUMENTS, "No closing single quote for literal");
    if (status == FN_OK) status = add_literal(ctx, j, text.data, text.size);
    fn_buf_release(&text);
    return status;
}

static fn_status add_letters(fn_ctx *ctx, joda *j, char letter, uint32_t count)
{
    if (letter == 'z' && count <= 3) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Short name time zone is not yet supported");
    if (letter == 'Z') return fn_fail(ctx, FN_NOT_IMPLEMENTED, "format is not supported for TIMEZONE_OFFSET_ID");
    if (!strchr("GCYyxwedEDMaKhHkmsSz", letter)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "format is not supported for %c", letter);
    if (count > 100) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Too many letters %c in a row", letter);
    j->runs[j->count++] = (joda_run){.letter = letter, .count = count};
    return FN_OK;
}

static fn_status compile(fn_ctx *ctx, joda *j, fn_str pattern)
{
    j->runs = FN_NEW_ARRAY(ctx, joda_run, pattern.size + 1);
    FN_TRY_PTR(ctx, j->runs);
    for (size_t i = 0; i < pattern.size;) {
        const char b = pattern.data[i];
        size_t n = 1;
        if (b == '\'') {
            FN_TRY(add_quoted(ctx, j, pattern, i, &i));
            continue;
        }
        while (i + n < pattern.size && pattern.data[i + n] == b) n++;
        const bool letter = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
        FN_TRY(letter ? add_letters(ctx, j, b, (uint32_t)FN_MIN(n, (size_t)1000)) : add_literal(ctx, j, pattern.data + i, n));
        i += n;
    }
    return FN_OK;
}

static fn_status bind_joda(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    const fn_tz *named;
    fn_str pattern;
    joda *j = FN_NEW(ctx, joda);
    FN_TRY_PTR(ctx, j);
    j->number = call->def->name[1] == 'r';
    if (j->number ? !fn_type_is_integer(t) && !fn_type_is_date_or_time(t) : !fn_type_is_date_or_time(t)) return func_illegal(ctx, call);
    FN_TRY(date_zone_arg(ctx, call, 2, &named));
    j->tz = named ? named : expr_zone(ctx, fn_type_is_integer(t) ? NULL : t);
    call->data = j;
    if (call->arg_count == 1) {
        call->type = fn_type_datetime(NULL);
        return FN_OK;
    }
    FN_TRY(func_const_str(ctx, call, 1, &pattern));
    FN_TRY(compile(ctx, j, pattern));
    return func_bind_string(ctx, call);
}

static fn_status put(fn_ctx *ctx, fn_buf *b, uint64_t v, unsigned digits)
{
    return fn_buf_printf(ctx, b, "%0*llu", (int)digits, (unsigned long long)v);
}

static fn_status put_fraction(fn_ctx *ctx, fn_buf *b, int64_t ns, unsigned digits)
{
    for (unsigned i = 0; i < digits; i++) {
        FN_TRY(fn_buf_byte(ctx, b, (char)('0' + ns / 100000000)));
        ns = ns % 100000000 * 10;
    }
    return FN_OK;
}

static fn_status put_name(fn_ctx *ctx, fn_buf *b, const char *name, bool whole)
{
    return whole ? fn_buf_cstr(ctx, b, name) : fn_buf_append(ctx, b, name, 3);
}

static fn_status put_run(fn_ctx *ctx, fn_buf *b, const joda_row *s, const joda_run *r, const fn_tz *tz)
{
    const uint64_t year = date_year(s->packed), month = date_month(s->packed), hour = (uint64_t)s->seconds / 3600;
    uint32_t iso_year;
    const uint32_t week = date_week(s->days, 3, true, &iso_year), n = r->count;
    switch (r->letter) {
    case 'G': return fn_buf_cstr(ctx, b, "AD");
    case 'C': return put(ctx, b, year / 100, n);
    case 'Y':
    case 'y': return put(ctx, b, n == 2 ? year % 100 : year, n);
    case 'x': return put(ctx, b, iso_year, n);
    case 'w': return put(ctx, b, week, n);
    case 'e': return put(ctx, b, date_weekday(s->days), n);
    case 'E': return put_name(ctx, b, date_day_names[date_weekday(s->days) - 1], n > 3);
    case 'D': return put(ctx, b, date_yearday(s->days, (uint32_t)year), n);
    case 'M': return n > 2 ? put_name(ctx, b, date_month_names[month - 1], n > 3) : put(ctx, b, month, n);
    case 'd': return put(ctx, b, date_day(s->packed), n);
    case 'a': return fn_buf_cstr(ctx, b, hour >= 12 ? "PM" : "AM");
    case 'K': return put(ctx, b, hour % 12, n);
    case 'h': return put(ctx, b, (hour + 11) % 12 + 1, n);
    case 'H': return put(ctx, b, hour, n);
    case 'k': return put(ctx, b, (hour + 23) % 24 + 1, n);
    case 'm': return put(ctx, b, (uint64_t)s->seconds / 60 % 60, n);
    case 's': return put(ctx, b, (uint64_t)s->seconds % 60, n);
    case 'S': return put_fraction(ctx, b, s->ns, n);
    case 'z': return fn_buf_cstr(ctx, b, fn_tz_name(tz));
    }
    return fn_buf_str(ctx, b, r->literal);
}

static joda_row row_at(const fn_column *c, const date_view *v, size_t i)
{
    joda_row s = {.days = v->days[i], .seconds = v->seconds[i], .packed = date_calendar()[v->days[i] - DATE_DAY_MIN]};
    if (c->type->id == FN_T_DATETIME64) {
        const int64_t unit = date_ticks(c->type->scale), raw = fn_load_i64(c->values + i * func_step(c) * 8);
        s.ns = (raw - date_floor_div(raw, unit) * unit) * (1000000000 / unit);
    }
    return s;
}

static fn_status eval_joda(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const joda *j = call->data;
    const bool integers = j->number && fn_type_is_integer(args[0]->type);
    fn_column *times = NULL;
    fn_builder b;
    date_view v = {0};
    fn_buf text = FN_BUF_INIT;
    FN_TRY(expr_convert(ctx, args[0], integers ? fn_type_datetime(NULL) : args[0]->type, CONVERT_CAST, &times));
    if (call->type->id == FN_T_DATETIME) {
        *out = times;
        return FN_OK;
    }
    fn_status status = fn_builder_init(ctx, &b, call->type);
    if (status == FN_OK) status = date_view_open(ctx, times, j->tz, DATE_SECONDS, rows, &v);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const joda_row s = row_at(times, &v, i);
        text.size = 0;
        for (uint32_t k = 0; k < j->count && status == FN_OK; k++) status = put_run(ctx, &text, &s, &j->runs[k], j->tz);
        if (status == FN_OK) status = fn_builder_str(ctx, &b, fn_buf_view(&text));
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_buf_release(&text);
    date_view_close(&v);
    fn_column_drop(times);
    return status;
}

static const func_def rows_[] = {
    {.name = "formatDateTimeInJodaSyntax", .args_min = 2, .args_max = 3, .bind = bind_joda, .eval = eval_joda,
     .about = "A date or time as text by a pattern of Joda's letters.", .example = "formatDateTimeInJodaSyntax(toDate('2024-02-29'), 'E, d MMM yyyy')", .gives = "Thu, 29 Feb 2024"},
    {.name = "fromUnixTimestampInJodaSyntax", .args_min = 1, .args_max = 3, .bind = bind_joda, .eval = eval_joda,
     .about = "Seconds since 1970 as DateTime, or as text by a pattern of Joda's letters.", .example = "fromUnixTimestampInJodaSyntax(0, 'yyyy', 'UTC')", .gives = "1970"},
};
const func_family func_family_date_joda = FUNC_FAMILY("dates", rows_);
