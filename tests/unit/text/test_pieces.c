/* test_pieces.c - rows parsed in pieces by several threads give the same rows and the same error as rows parsed by one: random rows with
 * line breaks and quotes in every place, bad rows, errors allowed, headers, data cut off. FIRN_SEED repeats a run.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/bits.h>
#include <firn/format.h>
#include <firn/thread.h>
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

static void put(fn_buf *out, const char *text)
{
    static fn_ctx ctx;
    CHECK(fn_buf_cstr(&ctx, out, text) == FN_OK);
}

/* A string with what separates rows and fields inside, written as the format asks, sometimes wrongly. */
static void put_string(fn_buf *out, char format)
{
    static const char *const bits[] = {"a", "\"", "\\", "\n", "\t", ",", "}\n{", "'", " "};
    static const char *const csv[] = {"a", "\"\"", "\\", "\n", "\t", ",", "}\n{", "'", " "};
    static const char *const tsv[] = {"a", "\"", "\\\\", "\\\n", "\\t", ",", "}\\n{", "'", " "};
    static const char *const json[] = {"a", "\\\"", "\\\\", "\\n", "\\t", ",", "}\n{", "'", " "};
    static const char *const list[] = {"a", "\\\"", "\\\\", "\\n", "\\t", ",", "]\n[", "'", " "};
    static const char *const values[] = {"a", "\"", "\\\\", "\n", "\t", ",", "),\n(", "''", "),("};
    const char *const *pieces = next(60) == 0 ? bits : format == 'c' ? csv : format == 't' ? tsv : format == 'l' ? list : format == 'v' ? values : json;
    const char *quote = format == 't' ? "" : format == 'v' ? "'" : "\"";
    put(out, quote);
    for (uint64_t i = next(8); i; i--) put(out, pieces[next(FN_COUNT(bits))]);
    put(out, quote);
}

static void put_row(fn_buf *out, char format, bool bad)
{
    char number[32];
    (void)snprintf(number, sizeof number, bad && next(40) == 0 ? "z" : "%llu", (unsigned long long)next(1000000));
    if (format == 'j') put(out, next(5) ? "{\"n\":" : "{\n \"n\":");
    if (format == 'l') put(out, next(5) ? "[" : "[\n ");
    if (format == 'v') put(out, next(5) ? "(" : "( ");
    put(out, number);
    if (format == 'j' && next(4) == 0) { /* the string takes its default: a block of its own */
        put(out, "}\n");
        return;
    }
    put(out, format == 't' ? "\t" : format == 'j' ? ",\"s\":" : ",");
    put_string(out, format);
    if (format == 'v' || format == 'l') {
        put(out, format == 'l' ? (next(3) ? "]\n" : "], \n") : next(3) ? ")," : ") ,\n");
        return;
    }
    put(out, format == 'j' ? (next(3) ? "}\n" : "}, \n") : next(4) || format == 't' ? "\n" : "\r\n");
}

typedef struct outcome {
    fn_buf rows;
    fn_error error;
} outcome;

static fn_status read_rows(fn_ctx *ctx, const char *name, fn_str data, const fn_format_settings *settings, outcome *out)
{
    static fn_field fields[] = {{{"n", 1}, NULL}, {{"s", 1}, NULL}};
    bool missing[2] = {false, false};
    fn_reader *r;
    fn_memory_source source;
    fields[0].type = fn_type_simple(FN_T_UINT64);
    fields[1].type = fn_type_simple(FN_T_STRING);
    fn_memory_source_init(&source, data);
    FN_TRY(fn_format_find(fn_cstr(name))->open_reader(ctx, &(fn_schema){fields, 2}, &source.base, settings, missing, &r));
    for (;;) {
        fn_block *b = NULL;
        const fn_status status = r->next(r, ctx, &b);
        if (status != FN_OK || !b) {
            r->close(r);
            return status;
        }
        for (uint32_t i = 0; i < b->rows; i++) {
            const fn_str s = fn_column_str_at(b->columns[1], i);
            CHECK(fn_buf_printf(ctx, &out->rows, "%llu %d %zu ", (unsigned long long)fn_column_u64_at(b->columns[0], i), missing[1], s.size) == FN_OK);
            CHECK(fn_buf_str(ctx, &out->rows, s) == FN_OK);
        }
        fn_block_drop(b);
    }
}

static outcome run(const char *name, fn_str data, const fn_format_settings *settings)
{
    outcome out = {.rows = FN_BUF_INIT};
    fn_ctx ctx = {.arena = NULL};
    ctx.arena = fn_arena_new(&ctx);
    (void)!read_rows(&ctx, name, data, settings, &out);
    out.error = ctx.error;
    if (out.error.code != FN_OK) out.rows.size = 0; /* what came before the error differs by blocks */
    fn_arena_free(ctx.arena);
    return out;
}

static void compare(fn_pool *pool)
{
    static const char *const names[] = {"CSV", "CSVWithNames", "TabSeparated", "TabSeparatedWithNames", "TSVRaw", "JSONEachRow", "JSONCompactEachRow", "Values"};
    const char *name = names[next(FN_COUNT(names))];
    const char format = name[0] == 'C' ? 'c' : name[0] == 'T' ? 't' : name[0] == 'V' ? 'v' : strstr(name, "Compact") ? 'l' : 'j';
    const bool bad = next(3) == 0;
    fn_buf data = FN_BUF_INIT;
    if (strstr(name, "WithNames")) put(&data, format == 'c' ? "n,s\n" : "n\ts\n");
    if (format == 'j' && next(8) == 0) put(&data, "[");
    for (uint64_t i = next(60); i; i--) put_row(&data, format, bad);
    if (format == 'j' && next(8) == 0) put(&data, "]");
    if (data.size && next(6) == 0) data.size = next(data.size);
    fn_format_settings settings;
    fn_format_settings_default(&settings);
    settings.errors_allowed = next(3) ? 0 : next(4);
    settings.max_block_rows = 1 + next(20);
    const outcome one = run(name, fn_buf_view(&data), &settings);
    settings.workers = pool;
    settings.worker_count = 2 + (unsigned)next(3);
    settings.piece_bytes = 1 + next(300);
    const outcome many = run(name, fn_buf_view(&data), &settings);
    const bool same = one.error.code == many.error.code && strcmp(one.error.text, many.error.text) == 0 &&
                      fn_str_eq(fn_buf_view(&one.rows), fn_buf_view(&many.rows));
    if (!same) {
        printf("%s, %llu errors allowed, pieces of %llu: '%.*s'\n", name, (unsigned long long)settings.errors_allowed, (unsigned long long)settings.piece_bytes,
               (int)data.size, data.data);
        printf("%s\n%s\n%.*s\n%.*s\n", one.error.text, many.error.text, (int)one.rows.size, one.rows.data, (int)many.rows.size, many.rows.data);
    }
    CHECK(same);
    fn_buf rows[] = {one.rows, many.rows, data};
    for (size_t i = 0; i < FN_COUNT(rows); i++) fn_buf_release(&rows[i]);
}

int main(void)
{
    const char *seed = getenv("FIRN_SEED");
    state = seed ? strtoull(seed, NULL, 10) : fn_random_u64();
    printf("seed %llu\n", (unsigned long long)state);
    fn_ctx ctx = {.arena = NULL};
    fn_pool *pool = fn_pool_new(&ctx, "pieces", 3);
    CHECK(pool != NULL);
    for (int i = 0; i < 3000 && pool && failures < 3; i++) compare(pool);
    fn_pool_free(pool);
    printf("%d failures\n", failures);
    return failures != 0;
}
