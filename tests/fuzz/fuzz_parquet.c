/* fuzz_parquet.c - any bytes as a Parquet file: all columns read, front to back and in leaps, with numbers as codes; only errors with
 * a code, bounded memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/parquet.h>
#include <stdlib.h>

typedef struct memory_blob {
    fn_blob base;
    const uint8_t *data;
} memory_blob;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static fn_status blob_read(fn_blob *self, fn_ctx *ctx, const fn_range *ranges, size_t count)
{
    const memory_blob *m = (const memory_blob *)self;
    (void)ctx;
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].offset > self->size || ranges[i].size > self->size - ranges[i].offset) abort(); /* must have been checked */
        if (ranges[i].size) memcpy(ranges[i].out, m->data + ranges[i].offset, (size_t)ranges[i].size);
    }
    return FN_OK;
}

static fn_status check_block(fn_ctx *ctx, fn_block *b)
{
    for (uint32_t k = 0; k < b->count; k++) {
        if (fn_column_check(ctx, b->columns[k]) != FN_OK) abort();
    }
    fn_block_drop(b);
    return FN_OK;
}

static fn_status read_group(fn_ctx *ctx, fn_parquet_reader *r, uint32_t group)
{
    FN_TRY(fn_parquet_reader_begin(ctx, r, group, NULL, 0));
    for (unsigned i = 0; i < 8; i++) {
        fn_block *b;
        FN_TRY(fn_parquet_reader_next(ctx, r, 4096, &b));
        if (!b) return FN_OK;
        FN_TRY(check_block(ctx, b));
    }
    return FN_OK;
}

/* Stretches of rows with gaps between them. */
static fn_status leap_through(fn_ctx *ctx, const fn_parquet *p, fn_parquet_reader *r, uint32_t group, uint32_t columns)
{
    fn_parquet_range *all;
    uint32_t count;
    FN_TRY(fn_parquet_prune(ctx, p, group, NULL, 0, &all, &count));
    FN_TRY(fn_parquet_reader_begin(ctx, r, group, NULL, 0));
    for (uint32_t i = 0; i < columns; i++) {
        const fn_column *dictionary;
        bool coded;
        FN_TRY(fn_parquet_reader_dictionary(ctx, r, i, &dictionary, &coded));
        if (dictionary && fn_column_check(ctx, dictionary) != FN_OK) abort();
    }
    uint64_t from = 3;
    for (uint32_t rows = 1; count && rows < 5000 && from + rows <= all[0].count; rows = 3 * rows + 1) {
        fn_block *b;
        uint64_t known;
        for (uint32_t i = 0; i < columns; i++) FN_TRY(fn_parquet_reader_coded(ctx, r, i, from, &known));
        FN_TRY(fn_parquet_reader_read(ctx, r, from, rows, &b));
        FN_TRY(check_block(ctx, b));
        from += 2 * (uint64_t)rows;
    }
    return FN_OK;
}

static fn_status read_file(fn_ctx *ctx, const fn_parquet *p, bool leaps)
{
    const fn_schema *s = fn_parquet_schema(p);
    fn_parquet_want *wants = FN_NEW_ARRAY(ctx, fn_parquet_want, s->count + 1);
    FN_TRY_PTR(ctx, wants);
    for (uint32_t i = 0; i < s->count; i++) wants[i] = (fn_parquet_want){.field_id = -1, .name = s->fields[i].name, .codes = leaps};
    fn_parquet_reader *r;
    FN_TRY(fn_parquet_reader_open(ctx, p, wants, s->count, &r));
    fn_status status = FN_OK;
    for (uint32_t g = 0; g < fn_parquet_group_count(p) && g < 8 && status == FN_OK; g++)
        status = leaps ? leap_through(ctx, p, r, g, s->count) : read_group(ctx, r, g);
    fn_parquet_reader_close(r);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fn_tracker memory;
    fn_tracker_init(&memory, "query", NULL, (int64_t)256 << 20);
    fn_ctx ctx = {.memory = &memory};
    memory_blob blob = {{.name = "input", .size = size, .read = blob_read}, data};
    fn_parquet *p;
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena) return 0;
    fn_status status = fn_parquet_open(&ctx, &blob.base, &p);
    if (status == FN_OK) {
        status = read_file(&ctx, p, false);
        if (status == FN_OK) status = read_file(&ctx, p, true);
        fn_parquet_close(p);
    }
    if (status != FN_OK && ctx.error.code != status) abort();
    fn_arena_free(ctx.arena);
    return 0;
}
