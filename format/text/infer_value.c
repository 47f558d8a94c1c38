/* infer_value.c - the type of one value from its text: numbers, dates, SQL literals, fields of CSV and TSV. See infer.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/infer.h"

enum { DEPTH_MAX = 100, ITEMS_FIRST = 8 };

/* ---- numbers ---- */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const infer_type *integer_kind(const fn_infer_options *o, fn_str digits, bool negative, bool json)
{
    uint64_t v = 0;
    if (!o->integers) return &infer_scalars[INFER_FLOAT];
    for (size_t i = 0; i < digits.size; i++) {
        const uint64_t d = (uint64_t)(digits.data[i] - '0');
        if (v > (UINT64_MAX - d) / 10) return &infer_scalars[json ? INFER_STRING : INFER_FLOAT];
        v = v * 10 + d;
    }
    if (negative && v > (uint64_t)INT64_MAX + 1) return &infer_scalars[json ? INFER_STRING : INFER_FLOAT];
    if (negative) return &infer_scalars[INFER_NEGATIVE];
    return &infer_scalars[v > (uint64_t)INT64_MAX ? INFER_UINT : INFER_INT];
}

static bool is_named_float(fn_str s)
{
    static const char *const names[] = {"nan", "inf", "infinity"};
    for (size_t i = 0; i < FN_COUNT(names); i++)
        if (fn_str_eq_nocase(s, fn_cstr(names[i]))) return true;
    return false;
}

const infer_type *infer_number(const fn_infer_options *o, fn_str s, bool json)
{
    size_t i = 0, whole, fraction = 0;
    const bool sign = s.size && (s.data[0] == '-' || s.data[0] == '+');
    if (sign) i++;
    const size_t from = i;
    if (is_named_float((fn_str){s.data + i, s.size - i})) return &infer_scalars[INFER_FLOAT];
    while (i < s.size && is_digit(s.data[i])) i++;
    whole = i - from;
    if (i == s.size && whole) return integer_kind(o, (fn_str){s.data + from, whole}, s.data[0] == '-', json);
    if (i < s.size && s.data[i] == '.')
        for (i++; i < s.size && is_digit(s.data[i]); i++) fraction++;
    if (whole + fraction == 0) return NULL;
    if (i < s.size && (s.data[i] == 'e' || s.data[i] == 'E') && (json || o->exponent_floats)) {
        i++;
        if (i < s.size && (s.data[i] == '-' || s.data[i] == '+')) i++;
        const size_t digits = i;
        while (i < s.size && is_digit(s.data[i])) i++;
        if (i == digits) return NULL;
    }
    return i == s.size ? &infer_scalars[INFER_FLOAT] : NULL;
}

/* ---- dates ---- */
enum { DATE_LAST = 65535 };

static bool has_clock(fn_str s)
{
    for (size_t i = 8; i < s.size; i++)
        if (s.data[i] == ':') return true;
    return false;
}

/* 1/2/2024, 24-01-01, 5 Jan 2024: two separators, or a word beside a year. */
static bool looks_like_time(fn_str s)
{
    unsigned separators = 0, letters = 0, run = 0;
    bool year = false;
    for (size_t i = 0; i < s.size; i++) {
        const char c = s.data[i];
        run = is_digit(c) ? run + 1 : 0;
        year |= run == 4 && (i + 1 == s.size || !is_digit(s.data[i + 1]));
        separators += c == '-' || c == '/';
        letters += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c == '_' || (unsigned char)c > 127) return false;
    }
    return separators >= 2 || (letters >= 3 && year && memchr(s.data, ' ', s.size));
}

const infer_type *infer_time(const fn_infer_options *o, fn_str s)
{
    int64_t days, seconds;
    uint32_t nanos;
    if ((!o->dates && !o->datetimes) || s.size < 8 || s.size > 40 || !looks_like_time(s)) return NULL;
    const bool clock = has_clock(s);
    if (!clock && is_digit(s.data[0]) && (s.data[4] == '-' || s.data[4] == '/')) {
        bool plain = true;
        for (size_t i = 0; i < s.size; i++) plain &= is_digit(s.data[i]) || s.data[i] == s.data[4];
        if (plain && o->dates && text_parse_date(s, &days) && days >= 0 && days <= DATE_LAST) return &infer_scalars[INFER_DATE];
    }
    if (!o->datetimes || !text_parse_datetime(s, fn_tz_utc(), true, &seconds, &nanos)) return NULL;
    const bool fraction = memchr(s.data, '.', s.size) != NULL;
    return &infer_scalars[fraction || o->only_datetime64 || seconds < 0 || seconds > UINT32_MAX ? INFER_DATETIME64 : INFER_DATETIME];
}

/* ---- SQL literals ---- */
typedef struct literal_reader {
    fn_ctx *ctx;
    const fn_infer_options *options;
    infer_family family;
    fn_text_in *in;
    unsigned depth;
} literal_reader;

static bool take(fn_text_in *in, char c)
{
    text_skip_space(in);
    if (in->at >= in->end || *in->at != c) return false;
    in->at++;
    return true;
}

typedef struct type_list {
    const infer_type **items;
    uint32_t count, capacity;
} type_list;

static fn_status push(fn_ctx *ctx, type_list *l, const infer_type *t)
{
    if (l->count == l->capacity) {
        const uint32_t more = l->capacity ? 2 * l->capacity : ITEMS_FIRST;
        const infer_type **grown = FN_NEW_ARRAY(ctx, const infer_type *, more);
        FN_TRY_PTR(ctx, grown);
        if (l->count) memcpy(grown, l->items, l->count * sizeof *grown);
        l->items = grown;
        l->capacity = more;
    }
    l->items[l->count++] = t;
    return FN_OK;
}

static fn_status literal(literal_reader *r, const infer_type **out);

static fn_status read_array(literal_reader *r, const infer_type **out)
{
    const infer_type *item = &infer_scalars[INFER_NOTHING];
    r->in->at++;
    *out = NULL;
    for (bool first = true; !take(r->in, ']'); first = false) {
        const infer_type *next;
        if (!first && !take(r->in, ',')) return FN_OK;
        FN_TRY(literal(r, &next));
        if (!next) return FN_OK;
        FN_TRY(infer_merge(r->ctx, r->options, r->family, item, next, &item));
        if (!item) return FN_OK;
    }
    return infer_container(r->ctx, INFER_ARRAY, &item, NULL, 1, out);
}

static fn_status read_tuple(literal_reader *r, const infer_type **out)
{
    type_list list = {NULL, 0, 0};
    r->in->at++;
    *out = NULL;
    for (bool first = true; !take(r->in, ')'); first = false) {
        const infer_type *next;
        if (!first && !take(r->in, ',')) return FN_OK;
        if (!first && take(r->in, ')')) break;
        FN_TRY(literal(r, &next));
        if (!next) return FN_OK;
        FN_TRY(push(r->ctx, &list, next));
    }
    return list.count ? infer_container(r->ctx, INFER_TUPLE, list.items, NULL, list.count, out) : FN_OK;
}

static fn_status read_map(literal_reader *r, const infer_type **out)
{
    const infer_type *both[2] = {&infer_scalars[INFER_NOTHING], &infer_scalars[INFER_NOTHING]};
    r->in->at++;
    *out = NULL;
    for (bool first = true; !take(r->in, '}'); first = false) {
        if (!first && !take(r->in, ',')) return FN_OK;
        for (int k = 0; k < 2; k++) {
            const infer_type *next;
            if (k && !take(r->in, ':')) return FN_OK;
            FN_TRY(literal(r, &next));
            if (!next) return FN_OK;
            FN_TRY(infer_merge(r->ctx, r->options, r->family, both[k], next, &both[k]));
            if (!both[k]) return FN_OK;
        }
    }
    return infer_container(r->ctx, INFER_MAP, both, NULL, 2, out);
}

static fn_status read_text(literal_reader *r, const infer_type **out)
{
    static const fn_text_options plain = {.csv_delimiter = ','};
    text_token token;
    fn_status status = text_token_read(r->ctx, r->in, FN_TEXT_QUOTED, &plain, &token);
    if (status == FN_OK) {
        const infer_type *t = infer_time(r->options, token.value);
        *out = t ? t : &infer_scalars[INFER_STRING];
    } else if (r->family == INFER_TEXT) {
        fn_error_clear(r->ctx);
        *out = NULL;
        status = FN_OK;
    }
    text_token_release(&token);
    return status;
}

static const infer_type *word_type(const literal_reader *r, fn_str word)
{
    if (fn_str_eq_nocase(word, FN_STR("NULL"))) return &infer_scalars[INFER_NOTHING];
    if (fn_str_eq_nocase(word, FN_STR("true")) || fn_str_eq_nocase(word, FN_STR("false"))) return &infer_scalars[INFER_BOOL];
    return infer_number(r->options, word, r->family == INFER_VALUES);
}

static fn_status literal(literal_reader *r, const infer_type **out)
{
    fn_text_in *in = r->in;
    *out = NULL;
    text_skip_space(in);
    if (in->at >= in->end || r->depth >= DEPTH_MAX) return FN_OK;
    if (*in->at == '\'') return read_text(r, out);
    if (*in->at == '[' || *in->at == '(' || *in->at == '{') {
        r->depth++;
        const fn_status status = *in->at == '[' ? read_array(r, out) : *in->at == '(' ? read_tuple(r, out) : read_map(r, out);
        r->depth--;
        return status;
    }
    const char *from = in->at;
    while (in->at < in->end && !memchr(",)]}: \t\r\n", *in->at, 9)) in->at++;
    *out = word_type(r, (fn_str){from, (size_t)(in->at - from)});
    return FN_OK;
}

fn_status infer_literal(fn_ctx *ctx, const fn_infer_options *o, infer_family family, fn_text_in *in, const infer_type **out)
{
    literal_reader r = {ctx, o, family, in, 0};
    return literal(&r, out);
}

/* ---- whole fields ---- */
/* A literal that is all of the text. */
static fn_status whole_literal(fn_ctx *ctx, const fn_infer_options *o, fn_str text, const infer_type **out)
{
    fn_text_in in = {text.data, text.data + text.size, text.data};
    FN_TRY(infer_literal(ctx, o, INFER_TEXT, &in, out));
    if (in.at != in.end) *out = NULL;
    return FN_OK;
}

fn_status infer_csv_field(fn_ctx *ctx, const fn_infer_options *o, fn_str text, bool quoted, const infer_type **out)
{
    *out = &infer_scalars[INFER_STRING];
    if (!o->csv_best_effort) return FN_OK;
    if (quoted) {
        const infer_type *t = infer_time(o, text);
        if (!t && text.size && (text.data[0] == '[' || text.data[0] == '{')) FN_TRY(whole_literal(ctx, o, text, &t));
        if (t) *out = t;
        return FN_OK;
    }
    if (text.size == 0 || fn_str_eq(text, FN_STR("\\N"))) {
        *out = &infer_scalars[INFER_NOTHING];
    } else if (fn_str_eq(text, FN_STR("true")) || fn_str_eq(text, FN_STR("false"))) {
        *out = &infer_scalars[INFER_BOOL];
    } else {
        const infer_type *t = infer_number(o, text, false);
        if (!t) t = infer_time(o, text);
        if (t) *out = t;
    }
    return FN_OK;
}

fn_status infer_tsv_field(fn_ctx *ctx, const fn_infer_options *o, fn_str text, const infer_type **out)
{
    *out = &infer_scalars[INFER_STRING];
    if (!o->tsv_best_effort) return FN_OK;
    if (text.size == 0 || fn_str_eq(text, FN_STR("\\N"))) {
        *out = &infer_scalars[INFER_NOTHING];
        return FN_OK;
    }
    const infer_type *t = infer_time(o, text);
    if (!t && text.data[0] != '\'' && !fn_str_eq_nocase(text, FN_STR("NULL"))) FN_TRY(whole_literal(ctx, o, text, &t));
    /* 01 is no number for the reader of TSV. */
    if (t && t->kind == INFER_INT && text.data[0] == '0' && text.size > 1) t = NULL;
    if (t) *out = t;
    return FN_OK;
}
