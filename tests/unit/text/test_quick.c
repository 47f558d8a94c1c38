/* test_quick.c - values that the quick way takes are those, and end there, that the general way reads: random texts of every type and style,
 * plain and broken ones; whole rows of readers against values read one by one; sixteen bytes at a time against one. FIRN_SEED repeats a run.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/quick_field.h"
#include "text/text_scan.h"
#include <firn/format.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state;
static int failures;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))

static uint64_t next(uint64_t below)
{
    state += 0x9e3779b97f4a7c15u;
    return fn_hash_u64(state) % below;
}

static fn_ctx memory;

static void put(fn_buf *out, const char *text)
{
    CHECK(fn_buf_cstr(&memory, out, text) == FN_OK);
}

static const char *const type_names[] = {
    "UInt8", "Int8", "UInt16", "Int16", "UInt32", "Int32", "UInt64", "Int64", "Float64", "Float32", "Date", "Date32", "DateTime", "DateTime('Europe/Berlin')",
    "DateTime64(3)", "DateTime64(9, 'America/New_York')", "DateTime64(0)", "String", "Nullable(Int32)", "Nullable(String)", "LowCardinality(String)",
    "LowCardinality(Nullable(String))", "Nullable(DateTime)", "Int128", "Bool", "Enum8('a' = 1, 'b' = 2)",
};
enum { TYPES = FN_COUNT(type_names), PLAIN_TYPES = TYPES - 3, STRING_FIRST = 17 };
static const fn_type *types[TYPES];
static const fn_text_style styles[] = {FN_TEXT_PLAIN, FN_TEXT_CSV, FN_TEXT_ESCAPED, FN_TEXT_JSON, FN_TEXT_QUOTED};

static bool is_text(unsigned type)
{
    return fn_type_base(types[type])->id == FN_T_STRING;
}

/* ---- texts ---- */
static void put_number(fn_buf *out)
{
    char text[64];
    const uint64_t bits = 1 + next(64), v = next(UINT64_MAX) >> (64 - bits);
    switch (next(8)) {
    case 0: (void)snprintf(text, sizeof text, "-%llu", (unsigned long long)v); break;
    case 1: (void)snprintf(text, sizeof text, "%llu.%0*llu", (unsigned long long)(v >> 32), (int)next(12), (unsigned long long)next(100000)); break;
    case 2: (void)snprintf(text, sizeof text, "%llu%llu", (unsigned long long)v, (unsigned long long)next(UINT64_MAX)); break;
    case 3: (void)snprintf(text, sizeof text, "%.*g", (int)next(19), (double)v / 7 * (next(2) ? 1e-9 : 1)); break;
    default: (void)snprintf(text, sizeof text, "%llu", (unsigned long long)v);
    }
    put(out, text);
}

static void put_time(fn_buf *out, bool clock)
{
    char text[64];
    const bool odd = next(8) == 0;
    (void)snprintf(text, sizeof text, "%04u-%02u-%02u", (unsigned)(odd ? next(10000) : 1969 + next(140)), (unsigned)next(13) + (odd ? 0 : next(12) != 0), (unsigned)(1 + next(odd ? 40 : 28)));
    put(out, text);
    if (!clock) return;
    (void)snprintf(text, sizeof text, " %02u:%02u:%02u", (unsigned)next(odd ? 26 : 24), (unsigned)next(odd ? 62 : 60), (unsigned)next(odd ? 62 : 60));
    put(out, text);
    if (next(4)) return;
    (void)snprintf(text, sizeof text, ".%0*u", (int)(1 + next(10)), (unsigned)next(1000));
    put(out, text);
}

static void put_letters(fn_buf *out, unsigned style)
{
    static const char *const plain[] = {"a", "bc", " ", "\xd0\xa2\xd1\x80", "0123456789abcdef", "x=1&y=2", "/", "-"};
    static const char *const escaped[] = {"\\n", "\\\\", "\\/", "\\u001c", "\\u00e9", "\\u20ac", "\\'", "\\t", "\\N", "\\x41", "\\a", "\\0", "\\q", "\\\"", "\\ud83d\\ude00"};
    static const char *const odd[] = {"'", "\"", "\"\"", "''", ",", "\t", "\r", "\\", "\n", "}", ")"};
    for (uint64_t i = next(2) ? next(3) : next(20); i; i--) {
        const uint64_t kind = next(40);
        if (kind == 0) put(out, odd[next(FN_COUNT(odd))]);
        else if (kind < 5 && style != QUICK_CSV) put(out, escaped[next(FN_COUNT(escaped))]);
        else put(out, plain[next(FN_COUNT(plain))]);
    }
}

/* A value of the type as the style writes it, now and then of another type. */
static void put_value(fn_buf *out, unsigned style, unsigned type)
{
    const fn_type *base = fn_type_base(types[next(20) ? type : next(TYPES)]);
    const bool text = base->id == FN_T_STRING, time = fn_type_is_date_or_time(base);
    const char *quote = style == QUICK_VALUES ? "'" : "\"";
    const bool quoted = style != QUICK_TSV && (style == QUICK_CSV ? next(3) != 0 && (text || time) : text || time);
    if (next(30) == 0) {
        put(out, style == QUICK_JSON ? "null" : style == QUICK_VALUES ? "NULL" : "\\N");
        return;
    }
    if (quoted) put(out, quote);
    if (text) put_letters(out, style);
    else if (time) put_time(out, base->id != FN_T_DATE && base->id != FN_T_DATE32);
    else if (base->id == FN_T_BOOL) put(out, "true");
    else put_number(out);
    if (quoted) put(out, quote);
}

/* ---- one value ---- */
static uint64_t tried, taken;

static fn_column *finish(fn_builder *b)
{
    fn_column *c = NULL;
    CHECK(fn_builder_finish(&memory, b, &c) == FN_OK);
    CHECK(fn_column_check(&memory, c) == FN_OK);
    return c;
}

static void compare(quick_fields *q, fn_builder *b, fn_str text, char stop, unsigned style, unsigned type)
{
    fn_text_options o;
    fn_text_options_default(&o);
    o.best_effort_datetime = text.size & 1;
    fn_text_in in = {text.data, text.data + text.size, text.data}, again = in;
    const uint32_t rows = b->rows;
    const size_t sizes[3] = {b->values.size, b->offsets.size, b->nulls.size};
    tried++;
    if (!quick_value(q, &in, 0, stop)) {
        CHECK(in.at == text.data && b->rows == rows && b->values.size == sizes[0] && b->offsets.size == sizes[1] && b->nulls.size == sizes[2]);
        return;
    }
    taken++;
    fn_builder general;
    CHECK(fn_builder_init(&memory, &general, types[type]) == FN_OK);
    const bool empty_field = style == QUICK_CSV && *text.data == stop;
    CHECK(!empty_field || types[type]->id == FN_T_STRING || types[type] == types[20]);
    const bool read = fn_text_read(&memory, &again, types[type], styles[style], &o, &general) == FN_OK;
    CHECK(read && again.at == in.at && b->rows == rows + 1);
    if (read) {
        fn_column *have = finish(b), *want = finish(&general);
        CHECK(fn_column_equal_at(have, rows, want, 0));
        if (!fn_column_equal_at(have, rows, want, 0)) printf("%s of style %u: %.60s\n", type_names[type], style, text.data);
        fn_column_drop(have);
        fn_column_drop(want);
    } else {
        printf("%s of style %u: %.60s: %s\n", type_names[type], style, text.data, memory.error.text);
        fn_error_clear(&memory);
        fn_builder_truncate(b, 0);
    }
    fn_builder_release(&general);
}

static void values_of(unsigned style, unsigned type)
{
    static const char *const stops[] = {"", ",\n", "\t\n", ",}]", ",)"};
    fn_text_options o;
    fn_text_options_default(&o);
    fn_field field = {FN_STR("c"), types[type]};
    fn_builder b;
    quick_fields *q;
    fn_buf text = FN_BUF_INIT;
    CHECK(fn_builder_init(&memory, &b, types[type]) == FN_OK);
    CHECK(quick_fields_new(&memory, (quick_style)style, &(fn_schema){&field, 1}, &b, NULL, 1, &o, &q) == FN_OK);
    for (unsigned i = 0; i < 400; i++) {
        text.size = 0;
        put_value(&text, style, type);
        const char stop = stops[style][next(strlen(stops[style]))], end[2] = {stop, 0};
        put(&text, next(30) ? end : " ");
        for (uint64_t more = next(100); more; more--) put(&text, next(3) ? "7" : next(2) ? "a" : "\n");
        if (next(8)) { /* room, or a builder that is full */
            CHECK(fn_builder_reserve(&memory, &b, 4) == FN_OK);
            CHECK(fn_buf_reserve(&memory, &b.values, 200 + next(200)) == FN_OK);
        }
        compare(q, &b, fn_buf_view(&text), stop, style, type);
    }
    quick_fields_free(q);
    fn_builder_release(&b);
    fn_buf_release(&text);
}

/* ---- whole rows ---- */
enum { ROWS = 60 };
typedef struct row_case {
    const char *format;
    unsigned style;
    const char *open, *close;
} row_case;
static const row_case row_cases[] = {
    {"CSV", QUICK_CSV, "", "\n"}, {"TabSeparated", QUICK_TSV, "", "\n"}, {"JSONEachRow", QUICK_JSON, "{", "}\n"}, {"JSONCompactEachRow", QUICK_JSON, "[", "]\n"},
    {"Values", QUICK_VALUES, "(", "),"},
};

/* A value that the general way takes whole, and that value appended to `want`. */
static bool put_good(fn_buf *out, unsigned style, unsigned type, fn_builder *want)
{
    static const char ends[] = {0, '\n', '\n', '}', ')'};
    fn_text_options o;
    fn_text_options_default(&o);
    fn_buf text = FN_BUF_INIT;
    put_value(&text, style, type);
    const bool empty = text.size == 0;
    CHECK(fn_buf_byte(&memory, &text, ends[style]) == FN_OK);
    fn_text_in in = {text.data, text.data + text.size, text.data};
    const uint32_t rows = want->rows;
    bool good = !(empty && (style == QUICK_CSV || style == QUICK_TSV)) && !(style == QUICK_JSON && is_text(type) && *text.data != '"') && (unsigned char)*text.data > ' ' && !memchr(text.data, '\r', text.size);
    good = good && fn_text_read(&memory, &in, types[type], styles[style], &o, want) == FN_OK;
    if (good && in.at != in.end - 1) fn_builder_truncate(want, rows);
    good = good && in.at == in.end - 1;
    fn_error_clear(&memory);
    if (good) CHECK(fn_buf_append(&memory, out, text.data, text.size - 1) == FN_OK);
    fn_buf_release(&text);
    return good;
}

static void put_row(fn_buf *out, const row_case *c, fn_builder *want)
{
    const bool keys = *c->open == '{';
    const unsigned turn = next(4) ? 0 : (unsigned)next(PLAIN_TYPES); /* members in another order */
    put(out, c->open);
    for (unsigned i = 0; i < PLAIN_TYPES; i++) {
        const unsigned t = keys ? (i + turn) % PLAIN_TYPES : i;
        char key[32];
        if (i) put(out, c->style == QUICK_TSV ? "\t" : c->style != QUICK_CSV && next(4) == 0 ? ", " : ",");
        if (keys && next(30) == 0) put(out, "\"unknown\": [1, {\"c0\": 2}],");
        (void)snprintf(key, sizeof key, next(30) ? "\"c%u\":" : "\"\\u0063%u\" : ", t);
        if (keys) put(out, key);
        if (keys && next(4) == 0) put(out, " ");
        while (!put_good(out, c->style, t, &want[t])) continue;
    }
    put(out, c->close);
}

static void rows_of(const row_case *c)
{
    fn_builder want[PLAIN_TYPES];
    fn_field fields[PLAIN_TYPES];
    char names[PLAIN_TYPES][8];
    fn_buf text = FN_BUF_INIT;
    for (unsigned t = 0; t < PLAIN_TYPES; t++) {
        (void)snprintf(names[t], sizeof names[t], "c%u", t);
        fields[t] = (fn_field){fn_cstr(names[t]), types[t]};
        CHECK(fn_builder_init(&memory, &want[t], types[t]) == FN_OK);
    }
    for (unsigned i = 0; i < ROWS; i++) put_row(&text, c, want);
    text.size -= c->style == QUICK_VALUES;
    fn_format_settings settings;
    fn_memory_source source;
    fn_reader *r;
    fn_format_settings_default(&settings);
    fn_memory_source_init(&source, fn_buf_view(&text));
    CHECK(fn_format_find(fn_cstr(c->format))->open_reader(&memory, &(fn_schema){fields, PLAIN_TYPES}, &source.base, &settings, NULL, &r) == FN_OK);
    fn_block *b = NULL;
    CHECK(r->next(r, &memory, &b) == FN_OK);
    if (!b) printf("%s: %s\n", c->format, memory.error.text);
    CHECK(b && b->rows == ROWS);
    for (unsigned t = 0; t < PLAIN_TYPES; t++) {
        fn_column *column = finish(&want[t]);
        for (uint32_t i = 0; b && i < b->rows && i < ROWS; i++) {
            const bool equal = fn_column_equal_at(b->columns[t], i, column, i);
            CHECK(equal);
            if (!equal) printf("%s: column %s, row %u\n", c->format, type_names[t], i);
        }
        fn_column_drop(column);
        fn_builder_release(&want[t]);
    }
    fn_block_drop(b);
    r->close(r);
    fn_error_clear(&memory);
    fn_buf_release(&text);
}

/* ---- sixteen at a time ---- */
static void scans(void)
{
    char text[5000];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(next(3) ? 'a' + next(4) : next(256));
    for (unsigned i = 0; i < 2000; i++) {
        const size_t from = next(sizeof text - 16), size = next(sizeof text - from);
        const char a = (char)next(256), b = (char)('a' + next(4)), c = (char)next(256);
        char copy[16];
        unsigned want = 0;
        for (unsigned k = 0; k < 16; k++) want |= (unsigned)(text[from + k] == a || text[from + k] == b || text[from + k] == c) << k;
        CHECK(text_match16(text + from, a, b, c, copy) == want && memcmp(copy, text + from, 16) == 0);
        size_t count = 0;
        for (size_t k = from; k < from + size; k++) count += text[k] == b;
        CHECK(text_count(text + from, size, b) == count);
    }
}

int main(void)
{
    const char *seed = getenv("FIRN_SEED");
    state = seed ? strtoull(seed, NULL, 10) : (uint64_t)fn_clock_monotonic_ns();
    printf("FIRN_SEED=%llu\n", (unsigned long long)state);
    memory.arena = fn_arena_new(&memory);
    for (unsigned t = 0; t < TYPES; t++) CHECK(fn_type_parse(&memory, fn_cstr(type_names[t]), &types[t]) == FN_OK);
    scans();
    for (unsigned style = QUICK_CSV; style <= QUICK_VALUES; style++) {
        for (unsigned t = 0; t < TYPES; t++) values_of(style, t);
        for (unsigned t = 0; t < TYPES; t++) values_of(style, t);
    }
    printf("%llu of %llu taken\n", (unsigned long long)taken, (unsigned long long)tried);
    CHECK(taken > tried / 4);
    for (unsigned i = 0; i < 40; i++) rows_of(&row_cases[i % FN_COUNT(row_cases)]);
    fn_arena_free(memory.arena);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
