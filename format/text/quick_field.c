/* quick_field.c - see quick_field.h. The body of a value is written once for all styles and expanded with a constant style.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/quick_field.h"
#include "text/text_scan.h"
#include <firn/time.h>

#define ALWAYS static inline __attribute__((always_inline))

static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

/* ---- numbers ---- */
/* The digits at p, at most eight: their number, and their value. Bytes are digits as long as xor '0' leaves 0..9; the lowest byte that is
 * none is told exactly, whatever carries into those above it. */
ALWAYS unsigned eight_digits(const char *p, uint64_t *value)
{
    uint64_t w = fn_load_u64(p) ^ 0x3030303030303030u;
    const uint64_t other = ((w + 0x7676767676767676u) | w) & 0x8080808080808080u;
    const unsigned n = other ? (unsigned)__builtin_ctzll(other) / 8 : 8;
    if (FN_UNLIKELY(n == 0)) return 0;
    w <<= 64 - 8 * n; /* zeros before them */
    w = w * 10 + (w >> 8);
    *value = ((w & 0x000000ff000000ffu) * 0x000f424000000064u + (w >> 16 & 0x000000ff000000ffu) * 0x0000271000000001u) >> 32;
    return n;
}

/* Up to 23 digits, modulo 2^64 as integers of 64 bits and less take them; their number, 0: none or more. */
ALWAYS unsigned take_digits(const char **at, uint64_t *out)
{
    const char *p = *at;
    uint64_t part;
    unsigned n = eight_digits(p, out), all = n;
    while (FN_UNLIKELY(n == 8)) {
        n = eight_digits(p + all, &part);
        if (n) *out = *out * powers[n] + part;
        all += n;
        if (all == 24) return 0;
    }
    *at = p + all;
    return all;
}

ALWAYS bool take_integer(const quick_field *f, const char **at, uint64_t *out)
{
    const bool negative = **at == '-';
    if (negative && !f->is_signed) return false;
    *at += negative;
    if (!take_digits(at, out)) return false;
    if (negative) *out = 0 - *out;
    return true;
}

/* Mantissa and power of ten that doubles hold exactly: one division rounds right (Clinger). */
ALWAYS bool take_float(const quick_field *f, const char **at, uint64_t *out)
{
    static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17};
    const bool negative = **at == '-';
    uint64_t m, fraction;
    unsigned behind = 0;
    *at += negative;
    unsigned n = take_digits(at, &m);
    if (n == 0 || n > 18) return false;
    if (**at == '.') {
        ++*at;
        behind = take_digits(at, &fraction);
        n += behind;
        if (behind == 0 || n > 18) return false;
        m = m * (behind > 9 ? powers[9] * powers[behind - 9] : powers[behind]) + fraction;
    }
    if (m > (uint64_t)1 << 53) return false;
    const double v = (negative ? -(double)m : (double)m) / tens[behind];
    if (f->width == 4) {
        const float single = (float)v;
        uint32_t bits;
        memcpy(&bits, &single, 4);
        *out = bits;
    } else {
        memcpy(out, &v, 8);
    }
    return true;
}

/* ---- times ---- */
/* Whether one offset of the time zone holds for all of the day. */
static void find_midnight(quick_field *f)
{
    fn_civil c;
    int64_t from, to;
    fn_civil_from_days(f->day, &c);
    f->midnight = fn_tz_instant(f->zone, c.year, c.month, c.day, 0, 0, 0);
    const int32_t offset = fn_tz_span(f->zone, f->midnight, &from, &to);
    f->smooth = f->midnight == f->day * 86400 - offset && from <= f->midnight && to >= f->midnight + 86400;
}

/* YYYY-MM-DD of the calendar, from year 1000 on. */
static bool new_day(quick_field *f, const char *p, uint64_t text, uint16_t tail)
{
    uint64_t year, month, day;
    if (p[0] == '0' || eight_digits(p, &year) != 4 || eight_digits(p + 5, &month) != 2 || p[4] != '-' || p[7] != '-') return false;
    const unsigned high = (unsigned)(unsigned char)p[8] - '0', low = (unsigned)(unsigned char)p[9] - '0';
    day = high * 10 + low;
    if (high > 9 || low > 9 || month < 1 || month > 12 || day < 1 || day > fn_days_in_month((int64_t)year, (unsigned)month)) return false;
    f->day = fn_days_from_civil((int64_t)year, (unsigned)month, (unsigned)day);
    f->day_text = text;
    f->day_tail = tail;
    if (f->kind == QUICK_DATETIME) find_midnight(f);
    return true;
}

ALWAYS bool take_day(quick_field *f, const char **at)
{
    const uint64_t text = fn_load_u64(*at);
    const uint16_t tail = fn_load_u16(*at + 8);
    if (FN_UNLIKELY(text != f->day_text || tail != f->day_tail) && !new_day(f, *at, text, tail)) return false;
    *at += 10;
    return true;
}

ALWAYS bool two_digits(const char *p, unsigned below, unsigned *out)
{
    const unsigned high = (unsigned)(unsigned char)p[0] - '0', low = (unsigned)(unsigned char)p[1] - '0';
    *out = high * 10 + low;
    return high <= 9 && low <= 9 && *out < below;
}

static int64_t instant_of(const quick_field *f, unsigned h, unsigned m, unsigned s)
{
    fn_civil c;
    if (FN_LIKELY(f->smooth)) return f->midnight + h * 3600 + m * 60 + s;
    fn_civil_from_days(f->day, &c);
    return fn_tz_instant(f->zone, c.year, c.month, c.day, h, m, s);
}

/* YYYY-MM-DD hh:mm:ss, for DateTime64 also with up to nine digits of a fraction. */
ALWAYS bool take_datetime(quick_field *f, const char **at, uint64_t *out)
{
    unsigned h, m, s;
    if (!take_day(f, at)) return false;
    const char *p = *at;
    if (p[0] != ' ' || p[3] != ':' || p[6] != ':' || !two_digits(p + 1, 24, &h) || !two_digits(p + 4, 60, &m) || !two_digits(p + 7, 60, &s)) return false;
    *at = p + 9;
    const int64_t seconds = instant_of(f, h, m, s);
    if (!f->ticks) {
        *out = seconds < 0 ? 0 : seconds > UINT32_MAX ? UINT32_MAX : (uint64_t)seconds;
        return true;
    }
    uint64_t fraction = 0;
    if (**at == '.') {
        ++*at;
        const unsigned n = take_digits(at, &fraction);
        if (n == 0 || n > 9) return false;
        fraction = n > f->scale ? fraction / powers[n - f->scale] : fraction * powers[f->scale - n];
    }
    const int64_t limit = INT64_MAX / (int64_t)powers[f->scale];
    if (seconds > limit - 1 || seconds < 1 - limit) return false;
    *out = (uint64_t)(seconds * (int64_t)powers[f->scale]) + fraction;
    return true;
}

/* ---- strings ---- */
typedef struct quick_copy {
    const char *at, *end; /* the text; 16 bytes before its end are not looked at */
    char *to, *to_end;    /* what is copied; all of the room is whole pieces of 16 bytes */
} quick_copy;

/* Copies up to the first of a, b, c; false: none before the end of the text or the room. */
ALWAYS bool copy_until(quick_copy *k, char a, char b, char c)
{
    for (;;) {
        if (FN_UNLIKELY(k->end - k->at < 16 + QUICK_AHEAD / 3 || k->to_end - k->to < 16)) return false;
        const unsigned hit = text_match16(k->at, a, b, c, k->to);
        const unsigned n = hit ? (unsigned)__builtin_ctz(hit) : 16;
        k->at += n;
        k->to += n;
        if (hit) return true;
    }
}

/* What stands for a byte behind a backslash in all styles; 0: the general way knows more. (A zero byte is left to it, too.) */
ALWAYS char plain_escape(char c)
{
    switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case '"': case '\\': case '/': case '\'': return c;
    default: return 0;
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* \uXXXX of one or two bytes, which is what control characters are written as. */
static bool short_unicode(quick_copy *k)
{
    int code = 0;
    for (unsigned i = 2; i < 6; i++) {
        const int d = hex_digit(k->at[i]);
        if (d < 0) return false;
        code = code << 4 | d;
    }
    if (code >= 0x800 || k->to_end - k->to < 2) return false;
    if (code >= 0x80) {
        *k->to++ = (char)(0xc0 | code >> 6);
        code = 0x80 | (code & 63);
    }
    *k->to++ = (char)code;
    k->at += 6;
    return true;
}

ALWAYS bool unescape(quick_copy *k, const quick_style style)
{
    const char plain = plain_escape(k->at[1]);
    if (style == QUICK_JSON && k->at[1] == 'u') return short_unicode(k);
    if (!plain) return false;
    *k->to++ = plain;
    k->at += 2;
    return true;
}

/* In quotes; k->at stands behind the first one, and comes to stand behind the last. */
ALWAYS bool copy_quoted(quick_copy *k, const quick_style style)
{
    const char quote = style == QUICK_VALUES ? '\'' : '"', slash = style == QUICK_CSV ? quote : '\\';
    for (;;) {
        if (!copy_until(k, quote, slash, slash)) return false;
        if (style != QUICK_CSV && *k->at == '\\') {
            if (!unescape(k, style)) return false;
            continue;
        }
        k->at++;
        if (style == QUICK_JSON || *k->at != quote) return true;
        *k->to++ = quote; /* doubled */
        k->at++;
    }
}

ALWAYS bool copy_tabbed(quick_copy *k)
{
    const char *from = k->at;
    for (;;) {
        if (!copy_until(k, '\t', '\n', '\\')) return false;
        if (*k->at != '\\') return !(*k->at == '\n' && k->at > from && k->at[-1] == '\r');
        if (!unescape(k, QUICK_TSV)) return false;
    }
}

/* CSV without quotes: nothing to trim, no NULL. */
ALWAYS bool copy_bare(quick_copy *k, const quick_fields *q, bool nullable)
{
    const char *from = k->at, first = *from;
    if (first == '\\' || first == ' ' || (first == '\'' && q->single_quotes) || !copy_until(k, q->delimiter, '\n', '\r') || *k->at == '\r') return false;
    return k->at == from ? !nullable : (unsigned char)*from > ' ' && (unsigned char)k->at[-1] > ' ';
}

/* The bytes of a string to where the builder's next value lies; *at behind it. */
ALWAYS bool take_string(const quick_fields *q, const quick_field *f, const char **at, const char *end, const quick_style style, size_t *size)
{
    const fn_buf *values = &f->out->values, *offsets = &f->out->offsets;
    if (!values->data || !offsets->size || offsets->capacity - offsets->size < 4) return false;
    char *const to = values->data + values->size;
    quick_copy k = {*at, end, to, values->data + values->capacity};
    bool good;
    if (style == QUICK_TSV) {
        good = copy_tabbed(&k);
    } else if (*k.at == (style == QUICK_VALUES ? '\'' : '"')) {
        k.at++;
        good = copy_quoted(&k, style);
    } else {
        good = style == QUICK_CSV && copy_bare(&k, q, f->nullable);
    }
    *at = k.at;
    *size = (size_t)(k.to - to);
    return good && values->size + *size <= UINT32_MAX;
}

/* ---- one value ---- */
ALWAYS bool stops(char c, char stop, const quick_style style)
{
    return c == stop || (style == QUICK_JSON && (c == '}' || c == ']')) || (style == QUICK_VALUES && c == ')');
}

ALWAYS void close_row(const quick_field *f)
{
    fn_builder *b = f->out;
    if (f->nullable) b->nulls.data[b->nulls.size++] = 0;
    b->rows++;
}

ALWAYS bool take_quoted_time(quick_field *f, const char **at, const quick_style style, uint64_t *out)
{
    const char quote = style == QUICK_VALUES ? '\'' : '"';
    const bool quoted = style != QUICK_TSV && **at == quote;
    if (!quoted && (style == QUICK_JSON || style == QUICK_VALUES)) return false;
    *at += quoted;
    if (f->kind == QUICK_DATETIME) {
        if (!take_datetime(f, at, out)) return false;
    } else {
        if (!take_day(f, at)) return false;
        const int64_t most = f->width == 2 ? 65535 : INT32_MAX;
        *out = (uint64_t)(f->width == 2 && f->day < 0 ? 0 : f->day > most ? most : f->day);
    }
    if (quoted && **at != quote) return false;
    *at += quoted;
    return true;
}

ALWAYS bool take(const quick_fields *q, quick_field *f, const char **from, const char *end, char stop, const quick_style style)
{
    const char *at = *from;
    fn_builder *b = f->out;
    uint64_t v;
    if (FN_UNLIKELY(end - at < QUICK_AHEAD || f->kind == QUICK_NONE || (f->nullable && b->nulls.capacity == b->nulls.size))) return false;
    if (f->kind == QUICK_STRING) {
        size_t size;
        if (!take_string(q, f, &at, end, style, &size) || !stops(*at, stop, style)) return false;
        b->values.size += size;
        fn_store_u32(b->offsets.data + b->offsets.size, (uint32_t)b->values.size);
        b->offsets.size += 4;
    } else {
        if (FN_UNLIKELY(b->values.capacity - b->values.size < 8 || !b->values.data)) return false;
        if (f->kind == QUICK_INTEGER ? !take_integer(f, &at, &v) : f->kind == QUICK_FLOAT ? !take_float(f, &at, &v) : !take_quoted_time(f, &at, style, &v)) return false;
        if (!stops(*at, stop, style)) return false;
        fn_store_u64(b->values.data + b->values.size, v);
        b->values.size += f->width;
    }
    close_row(f);
    *from = at;
    return true;
}

/* ---- rows ---- */
ALWAYS uint32_t row_of(quick_fields *q, fn_text_in *in, uint32_t from, const quick_style style)
{
    const char *at = in->at;
    const bool brackets = style == QUICK_JSON || style == QUICK_VALUES;
    if (brackets && at < in->end && *at == ' ') at++;
    for (; from < q->count; from++) {
        const bool last = from + 1 == q->count;
        if (!take(q, &q->list[from], &at, in->end, last && !brackets ? '\n' : q->delimiter, style)) break;
        if (!last && *at != q->delimiter) { /* a bracket: the row is too short, which the general way tells */
            fn_builder *b = q->list[from].out;
            fn_builder_truncate(b, b->rows - 1);
            break;
        }
        at += !last;
        if (brackets && !last && *at == ' ') at++;
        in->at = at;
    }
    return from;
}

uint32_t quick_row(quick_fields *q, fn_text_in *in, uint32_t from)
{
    switch (q->style) {
    case QUICK_CSV: return row_of(q, in, from, QUICK_CSV);
    case QUICK_TSV: return row_of(q, in, from, QUICK_TSV);
    case QUICK_JSON: return row_of(q, in, from, QUICK_JSON);
    case QUICK_VALUES: return row_of(q, in, from, QUICK_VALUES);
    case QUICK_OFF: break;
    }
    return from;
}

static inline bool key_stands(const quick_key *k, const char *at)
{
#if defined(__SSE2__)
    const __m128i a = _mm_loadu_si128((const __m128i *)(const void *)at), b = _mm_loadu_si128((const __m128i *)(const void *)k->text);
    const uint32_t low = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(a, b));
    const __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(at + 16)), d = _mm_loadu_si128((const __m128i *)(const void *)(k->text + 16));
    const uint32_t equal = low | (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(c, d)) << 16;
    return k->size && ~equal << (QUICK_KEY - k->size) == 0;
#else
    return k->size && memcmp(at, k->text, k->size) == 0;
#endif
}

uint32_t quick_members(quick_fields *q, fn_text_in *in, uint32_t before, uint32_t row, bool *seen)
{
    const char *at = in->at;
    for (bool first = before == q->count; in->end - at >= 2 * QUICK_AHEAD; first = false) {
        const uint32_t c = q->keys[before].next;
        if (c >= q->count || (!first && *at != ',')) break;
        at += !first;
        at += *at == ' ';
        if (!key_stands(&q->keys[c], at) || q->list[c].out->rows != row) break;
        at += q->keys[c].size;
        at += *at == ' ';
        if (!take(q, &q->list[c], &at, in->end, ',', QUICK_JSON)) break;
        seen[c] = true;
        before = c;
        in->at = at;
    }
    return before;
}

bool quick_value(quick_fields *q, fn_text_in *in, uint32_t position, char stop)
{
    switch (q->style) {
    case QUICK_CSV: return take(q, &q->list[position], &in->at, in->end, stop, QUICK_CSV);
    case QUICK_TSV: return take(q, &q->list[position], &in->at, in->end, stop, QUICK_TSV);
    case QUICK_JSON: return take(q, &q->list[position], &in->at, in->end, stop, QUICK_JSON);
    case QUICK_VALUES: return take(q, &q->list[position], &in->at, in->end, stop, QUICK_VALUES);
    case QUICK_OFF: break;
    }
    return false;
}

/* ---- making ---- */
static quick_kind kind_of(const fn_type *base)
{
    if (fn_type_is_integer(base) && base->width <= 8) return QUICK_INTEGER;
    if (base->id == FN_T_FLOAT32 || base->id == FN_T_FLOAT64) return QUICK_FLOAT;
    if (base->id == FN_T_DATE || base->id == FN_T_DATE32) return QUICK_DATE;
    if (base->id == FN_T_DATETIME || base->id == FN_T_DATETIME64) return QUICK_DATETIME;
    return base->id == FN_T_STRING ? QUICK_STRING : QUICK_NONE;
}

static void make_field(const fn_text_options *o, fn_builder *b, quick_field *out)
{
    const fn_type *base = fn_type_base(b->type);
    *out = (quick_field){.out = b, .kind = (uint8_t)kind_of(base), .width = (uint8_t)base->width, .scale = base->scale, .nullable = fn_type_is_nullable(b->type)};
    out->is_signed = !fn_type_is_unsigned(base);
    out->ticks = base->id == FN_T_DATETIME64;
    out->zone = base->timezone ? base->timezone : o->timezone;
}

static void make_key(fn_str name, uint32_t c, quick_key *out)
{
    *out = (quick_key){.next = c + 1};
    if (name.size + 3 > QUICK_KEY) return;
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] == '"' || name.data[i] == '\\') return;
    out->text[0] = '"';
    memcpy(out->text + 1, name.data, name.size);
    memcpy(out->text + 1 + name.size, "\":", 2);
    out->size = (uint32_t)name.size + 3;
}

fn_status quick_fields_new(fn_ctx *ctx, quick_style style, const fn_schema *schema, fn_builder *builders, const int *columns, uint32_t count,
                           const fn_text_options *o, quick_fields **out)
{
    quick_fields *q = fn_alloc_zero(ctx, sizeof *q);
    FN_TRY_PTR(ctx, q);
    *out = q;
    const bool own_null = style == QUICK_CSV ? o->csv_null.size : style == QUICK_TSV ? o->tsv_null.size : false;
    q->style = style;
    q->delimiter = style == QUICK_CSV ? o->csv_delimiter : style == QUICK_TSV ? '\t' : ',';
    q->single_quotes = o->csv_single_quotes;
    if (style == QUICK_OFF || own_null || (style == QUICK_CSV && strchr("\"' \t\n\r-.:", q->delimiter))) return FN_OK;
    q->list = fn_alloc(ctx, (count + 1u) * sizeof *q->list);
    FN_TRY_PTR(ctx, q->list);
    q->keys = fn_alloc(ctx, (schema->count + 1u) * sizeof *q->keys);
    FN_TRY_PTR(ctx, q->keys);
    for (uint32_t i = 0; i < count; i++) {
        const int c = columns ? columns[i] : (int)i;
        if (c < 0) q->list[i] = (quick_field){.kind = QUICK_NONE};
        else make_field(o, &builders[c], &q->list[i]);
    }
    for (uint32_t c = 0; c < schema->count; c++) make_key(schema->fields[c].name, c, &q->keys[c]);
    q->keys[schema->count] = (quick_key){.next = 0};
    q->count = count;
    return FN_OK;
}

void quick_fields_free(quick_fields *q)
{
    if (!q) return;
    fn_free(q->list);
    fn_free(q->keys);
    fn_free(q);
}
