/* test_parquet.c - stored files (pyarrow, the same 200 rows in six layouts) against the formulas they were made from;
 * row ranges, promotions, row numbers, pruning; cut and damaged copies are refused without harm.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/parquet.h>
#include <stdio.h>
#include <stdlib.h>

static int failures;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))

enum { ROWS = 200 };
typedef struct memory_blob {
    fn_blob base;
    char *data;
} memory_blob;

static fn_status blob_read(fn_blob *self, fn_ctx *ctx, const fn_range *ranges, size_t count)
{
    const memory_blob *m = (const memory_blob *)self;
    (void)ctx;
    for (size_t i = 0; i < count; i++) {
        CHECK(ranges[i].offset <= self->size && ranges[i].size <= self->size - ranges[i].offset);
        memcpy(ranges[i].out, m->data + ranges[i].offset, (size_t)ranges[i].size);
    }
    return FN_OK;
}

static bool load(fn_ctx *ctx, const char *name, memory_blob *blob)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/parquet/%s", FN_TEST_DATA, name);
    FILE *f = fopen(path, "rb");
    CHECK(f != NULL);
    if (!f) return false;
    blob->data = fn_alloc(ctx, 1 << 20);
    *blob = (memory_blob){{.name = name, .size = fread(blob->data, 1, 1 << 20, f), .read = blob_read}, blob->data};
    (void)fclose(f);
    return blob->base.size > 12;
}

static void append_row(fn_ctx *ctx, fn_buf *out, unsigned i, bool nanoseconds)
{
    fn_status s = fn_buf_printf(ctx, out, "%u|", i);
    if (i % 7 == 3) {
        s |= fn_buf_cstr(ctx, out, "\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|[]|(NULL,NULL)|");
    } else {
        fn_civil c;
        fn_civil_from_days(18262 + (int64_t)i, &c);
        s |= fn_buf_printf(ctx, out, "%d|%u|%g|%s|w%u|text number %u|%04d-%02d-%02d|", (int)(i * i) - 50, i, i / 4.0, i % 3 ? "false" : "true", i % 5, i,
                           c.year, c.month, c.day);
        s |= fn_buf_printf(ctx, out, "1970-01-01 00:%02u:%02u.%06u%s|", i / 60, i % 60, i, nanoseconds ? "000" : "");
        const int d = (int)i - 100, cents = abs(d) % 100;
        s |= fn_buf_printf(ctx, out, "%s%d", d < 0 ? "-" : "", abs(d) / 100);
        if (cents) s |= cents % 10 ? fn_buf_printf(ctx, out, ".%02d", cents) : fn_buf_printf(ctx, out, ".%d", cents / 10);
        s |= fn_buf_cstr(ctx, out, "|[");
        for (unsigned k = 0; k < i % 4; k++) {
            s |= k == 1 ? fn_buf_cstr(ctx, out, ",NULL") : fn_buf_printf(ctx, out, "%s%u", k ? "," : "", i + k);
        }
        s |= fn_buf_printf(ctx, out, "]|(%u,'y%u')|", i, i);
    }
    s |= fn_buf_cstr(ctx, out, "{");
    for (unsigned k = 0; k < i % 3; k++) s |= fn_buf_printf(ctx, out, "%s'k%u':%u", k ? "," : "", k, k);
    s |= fn_buf_cstr(ctx, out, "}|\n");
    CHECK(s == FN_OK);
}

static fn_status read_all(fn_ctx *ctx, const fn_parquet *p, uint32_t step, fn_buf *text)
{
    const fn_schema *s = fn_parquet_schema(p);
    fn_parquet_want wants[32];
    fn_text_options options;
    fn_parquet_reader *r;
    fn_text_options_default(&options);
    for (uint32_t i = 0; i < s->count && i < 32; i++) wants[i] = (fn_parquet_want){.field_id = -1, .name = s->fields[i].name};
    FN_TRY(fn_parquet_reader_open(ctx, p, wants, s->count < 32 ? s->count : 32, &r));
    fn_status status = FN_OK;
    for (uint32_t g = 0; g < fn_parquet_group_count(p) && status == FN_OK; g++) {
        fn_block *b = NULL;
        status = fn_parquet_reader_begin(ctx, r, g, NULL, 0);
        while (status == FN_OK && (status = fn_parquet_reader_next(ctx, r, step, &b)) == FN_OK && b) {
            for (uint32_t k = 0; k < b->count; k++) CHECK(fn_column_check(ctx, b->columns[k]) == FN_OK);
            for (uint32_t i = 0; i < b->rows && text; i++) {
                for (uint32_t k = 0; k < b->count; k++) {
                    CHECK(fn_text_write(ctx, b->columns[k], i, FN_TEXT_ESCAPED, &options, text) == FN_OK);
                    CHECK(fn_buf_byte(ctx, text, '|') == FN_OK);
                }
                CHECK(fn_buf_byte(ctx, text, '\n') == FN_OK);
            }
            fn_block_drop(b);
        }
    }
    fn_parquet_reader_close(r);
    return status;
}

static void check_values(fn_ctx *ctx, const char *name, bool nanoseconds)
{
    memory_blob blob;
    fn_parquet *p;
    fn_buf expected = FN_BUF_INIT, got = FN_BUF_INIT;
    if (!load(ctx, name, &blob)) return;
    for (unsigned i = 0; i < ROWS; i++) append_row(ctx, &expected, i, nanoseconds);
    CHECK(fn_parquet_open(ctx, &blob.base, &p) == FN_OK);
    CHECK(fn_parquet_rows(p) == ROWS);
    for (uint32_t step = 1; step < 300; step += 37) {
        got.size = 0;
        CHECK(read_all(ctx, p, step, &got) == FN_OK);
        CHECK(fn_str_eq(fn_buf_view(&expected), fn_buf_view(&got)));
    }
    fn_parquet_close(p);
    fn_buf_release(&expected);
    fn_buf_release(&got);
    fn_free(blob.data);
}

/* Every file cut at many places, and with single bits turned: an error that names the file, or rows, never harm. */
static void check_damage(fn_ctx *ctx, const char *name)
{
    memory_blob blob;
    if (!load(ctx, name, &blob)) return;
    const uint64_t size = blob.base.size;
    unsigned refused = 0;
    for (uint64_t at = 0; at < size; at += 13) {
        fn_parquet *p;
        blob.base.size = at;
        CHECK(fn_parquet_open(ctx, &blob.base, &p) == FN_INCORRECT_DATA && strstr(ctx->error.text, name) && strstr(ctx->error.text, "offset"));
        fn_error_clear(ctx);
        blob.base.size = size;
        blob.data[at] ^= (char)(1 << at % 8);
        fn_status status = fn_parquet_open(ctx, &blob.base, &p);
        if (status == FN_OK) {
            status = read_all(ctx, p, 64, NULL);
            fn_parquet_close(p);
        }
        refused += status != FN_OK;
        CHECK(status == FN_OK || status == FN_INCORRECT_DATA || status == FN_NOT_IMPLEMENTED || status == FN_MEMORY_LIMIT_EXCEEDED);
        fn_error_clear(ctx);
        blob.data[at] ^= (char)(1 << at % 8);
    }
    CHECK(refused > 10);
    fn_free(blob.data);
}

/* Rows 95..104 of id >= 95 and id <= 104 over pages; int to long, row numbers, an absent column. */
static void check_pruning(fn_ctx *ctx, const char *name, uint64_t at_most)
{
    memory_blob blob;
    fn_parquet *p;
    fn_parquet_reader *r;
    fn_block *b;
    if (!load(ctx, name, &blob)) return;
    CHECK(fn_parquet_open(ctx, &blob.base, &p) == FN_OK);
    const fn_type *i64 = fn_type_simple(FN_T_INT64);
    fn_column *low = fn_column_const_u64(ctx, i64, 95, 1), *high = fn_column_const_u64(ctx, i64, 104, 1);
    const fn_parquet_bound bound = {0, low, high};
    const fn_parquet_want wants[] = {{.field_id = -1, .name = FN_STR("i32"), .type = fn_type_nullable(i64)},
                                     {.row_number = true},
                                     {.field_id = -1, .name = FN_STR("absent"), .type = fn_type_nullable(i64)}};
    CHECK(fn_parquet_reader_open(ctx, p, wants, 3, &r) == FN_OK);
    uint64_t rows = 0, hits = 0;
    for (uint32_t g = 0; g < fn_parquet_group_count(p); g++) {
        fn_parquet_range *ranges;
        uint32_t count;
        CHECK(fn_parquet_prune(ctx, p, g, &bound, 1, &ranges, &count) == FN_OK);
        if (count == 0) continue;
        CHECK(fn_parquet_reader_begin(ctx, r, g, ranges, count) == FN_OK);
        while (fn_parquet_reader_next(ctx, r, 1000, &b) == FN_OK && b) {
            for (uint32_t i = 0; i < b->rows; i++) {
                const uint64_t row = fn_column_u64_at(b->columns[1], i);
                CHECK(fn_column_is_null(b->columns[0], i) == (row % 7 == 3));
                if (row % 7 != 3) CHECK(fn_column_i64_at(b->columns[0], i) == (int64_t)(row * row) - 50);
                CHECK(fn_column_is_null(b->columns[2], i));
                hits += row >= 95 && row <= 104;
            }
            rows += b->rows;
            fn_block_drop(b);
        }
    }
    CHECK(hits == 10);
    CHECK(rows <= at_most);
    fn_parquet_stats s;
    CHECK(fn_parquet_column_stats(ctx, p, 0, 0, NULL, &s) == FN_OK && s.has_range && fn_column_i64_at(s.min, 0) == 0 && s.nulls == 0);
    fn_parquet_stats_release(&s);
    fn_parquet_reader_close(r);
    fn_parquet_close(p);
    fn_column_drop(low);
    fn_column_drop(high);
    fn_free(blob.data);
}

int main(void)
{
    static const char *const names[] = {"snappy_dict.parquet", "plain_none.parquet", "v2_zstd.parquet", "delta_gzip.parquet", "mixed_brotli.parquet"};
    fn_tracker memory;
    fn_tracker_init(&memory, "query", NULL, (int64_t)512 << 20);
    fn_ctx ctx = {.memory = &memory};
    ctx.arena = fn_arena_new(&ctx);
    for (size_t i = 0; i < FN_COUNT(names); i++) {
        check_values(&ctx, names[i], false);
        check_damage(&ctx, names[i]);
    }
    check_values(&ctx, "int96_lz4.parquet", true);
    check_pruning(&ctx, "snappy_dict.parquet", 110);
    check_pruning(&ctx, "plain_none.parquet", 60);
    fn_arena_free(ctx.arena);
    printf("%d failures\n", failures);
    return failures != 0;
}
