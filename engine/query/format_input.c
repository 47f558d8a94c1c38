/* format_input.c - see format_input.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/format_input.h"
#include "expr/expr.h"
#include <firn/parquet.h>

enum { READ_BYTES = 1 << 20 };

fn_status format_input_check(fn_ctx *ctx, const fn_format *format)
{
    if (format->open_reader || format->random_access) return FN_OK;
    return fn_fail(ctx, FN_FORMAT_IS_NOT_SUITABLE_FOR_INPUT, "Format %s is not suitable for input", format->name);
}

void format_input_spread(const query *q, fn_format_settings *settings)
{
    const uint64_t wanted = q->settings.max_threads, most = q->engine->threads;
    if (!q->settings.input_format_parallel_parsing) return;
    settings->workers = q->engine->workers;
    settings->worker_count = (unsigned)(wanted ? FN_MIN(wanted, most) : most);
    settings->piece_bytes = FN_MAX(q->settings.min_chunk_bytes_for_parallel_parsing, 1u);
}

/* ---- Parquet from memory ---- */
typedef struct bytes_blob {
    fn_blob base; /* first */
    fn_str bytes; /* borrowed */
} bytes_blob;

static fn_status read_ranges(fn_blob *self, fn_ctx *ctx, const fn_range *ranges, size_t count)
{
    const bytes_blob *b = (const bytes_blob *)self;
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].offset > b->bytes.size || ranges[i].size > b->bytes.size - ranges[i].offset)
            return fn_fail(ctx, FN_CANNOT_READ_ALL_DATA, "The data ends before byte %llu", (unsigned long long)(ranges[i].offset + ranges[i].size));
        if (ranges[i].size) memcpy(ranges[i].out, b->bytes.data + ranges[i].offset, ranges[i].size);
    }
    return FN_OK;
}

static void leave_open(fn_blob *self)
{
    (void)self;
}

static bytes_blob blob_of(fn_str bytes)
{
    return (bytes_blob){{.name = "the data", .size = bytes.size, .read = read_ranges, .close = leave_open}, bytes};
}

typedef struct parquet_input {
    fn_reader base; /* first */
    fn_source *in;
    fn_arena *arena; /* of the casts */
    fn_schema schema;
    bool *missing;
    fn_buf bytes;
    size_t charged;
    fn_tracker *memory;
    bytes_blob blob;
    fn_parquet *parquet;
    fn_parquet_reader *reader;
    expr_program **casts; /* per column; NULL: as it comes */
    uint32_t group;
    bool in_group;
} parquet_input;

static fn_status read_all(parquet_input *p, fn_ctx *ctx)
{
    for (size_t got = 1; got;) {
        FN_TRY(fn_tracker_charge(ctx, p->memory, READ_BYTES));
        p->charged += READ_BYTES;
        FN_TRY(fn_buf_reserve(ctx, &p->bytes, READ_BYTES));
        FN_TRY(p->in->read(p->in, ctx, p->bytes.data + p->bytes.size, READ_BYTES, &got));
        p->bytes.size += got;
    }
    return FN_OK;
}

static fn_status compile_cast(parquet_input *p, fn_ctx *ctx, const fn_type *have, const fn_type *want, expr_program **out)
{
    const column_id id = 0;
    fn_arena *const outer = ctx->arena;
    ctx->arena = p->arena;
    expr *from = expr_column(ctx, id, have), *cast;
    fn_status status = from ? expr_cast(ctx, from, want, &cast) : ctx->error.code;
    if (status == FN_OK) status = expr_compile(ctx, &cast, 1, &id, 1, out);
    ctx->arena = outer;
    return status;
}

static fn_status open_parquet(parquet_input *p, fn_ctx *ctx)
{
    FN_TRY(read_all(p, ctx));
    p->blob = blob_of(fn_buf_view(&p->bytes));
    FN_TRY(fn_parquet_open(ctx, &p->blob.base, &p->parquet));
    fn_parquet_want *wants = FN_NEW_ARRAY(ctx, fn_parquet_want, FN_MAX(p->schema.count, 1u));
    FN_TRY_PTR(ctx, wants);
    for (uint32_t i = 0; i < p->schema.count; i++) {
        const fn_field *f = &p->schema.fields[i];
        const int column = fn_schema_find(fn_parquet_schema(p->parquet), f->name);
        wants[i] = (fn_parquet_want){.field_id = -1, .name = f->name, .type = f->type};
        if (p->missing) p->missing[i] = column < 0;
        if (column < 0 || fn_parquet_converts(p->parquet, (uint32_t)column, f->type)) continue;
        FN_TRY(compile_cast(p, ctx, fn_parquet_schema(p->parquet)->fields[column].type, f->type, &p->casts[i]));
        wants[i].type = NULL;
    }
    return fn_parquet_reader_open(ctx, p->parquet, wants, p->schema.count, &p->reader);
}

static fn_status cast_block(const parquet_input *p, fn_ctx *ctx, fn_block *in, fn_block **out)
{
    fn_block *b = fn_block_new(ctx, in->count, in->rows);
    FN_TRY_PTR(ctx, b);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < in->count && status == FN_OK; i++) {
        if (!p->casts[i]) {
            b->columns[i] = fn_column_ref(in->columns[i]);
            continue;
        }
        fn_block *one = fn_block_new(ctx, 1, in->rows);
        status = one ? FN_OK : ctx->error.code;
        if (one) one->columns[0] = fn_column_ref(in->columns[i]);
        if (one) status = expr_run(ctx, p->casts[i], one, &b->columns[i]);
        fn_block_drop(one);
    }
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}

static fn_status next_block(fn_reader *self, fn_ctx *ctx, fn_block **out)
{
    parquet_input *p = (parquet_input *)self;
    *out = NULL;
    if (!p->reader) FN_TRY(open_parquet(p, ctx));
    while (p->in_group || p->group < fn_parquet_group_count(p->parquet)) {
        fn_block *in;
        if (!p->in_group) FN_TRY(fn_parquet_reader_begin(ctx, p->reader, p->group++, NULL, 0));
        p->in_group = true;
        FN_TRY(fn_parquet_reader_next(ctx, p->reader, FN_BLOCK_ROWS_MAX, &in));
        p->in_group = in != NULL;
        if (!in) continue;
        const fn_status status = cast_block(p, ctx, in, out);
        fn_block_drop(in);
        return status;
    }
    return FN_OK;
}

static void close_input(fn_reader *self)
{
    parquet_input *p = (parquet_input *)self;
    fn_parquet_reader_close(p->reader);
    fn_parquet_close(p->parquet);
    fn_buf_release(&p->bytes);
    fn_tracker_release(p->memory, p->charged);
    fn_arena_free(p->arena);
    fn_free(p);
}

static fn_status open_whole(fn_ctx *ctx, const fn_schema *schema, fn_source *in, bool *missing, fn_reader **out)
{
    parquet_input *p = fn_alloc_zero(ctx, sizeof *p);
    FN_TRY_PTR(ctx, p);
    p->base = (fn_reader){next_block, close_input};
    p->in = in;
    p->memory = ctx->memory;
    p->schema = *schema;
    p->missing = missing;
    p->arena = fn_arena_new(ctx);
    p->casts = p->arena ? fn_arena_alloc_zero(ctx, p->arena, sizeof(expr_program *) * (schema->count + 1u)) : NULL;
    if (!p->casts) {
        close_input(&p->base);
        return ctx->error.code;
    }
    *out = &p->base;
    return FN_OK;
}

fn_status format_input_open(fn_ctx *ctx, const fn_format *format, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing,
                            fn_reader **out)
{
    if (format->random_access) return open_whole(ctx, schema, in, missing, out);
    return format->open_reader(ctx, schema, in, s, missing, out);
}

static fn_status copy_schema(fn_ctx *ctx, const fn_schema *from, fn_schema *out)
{
    *out = (fn_schema){FN_NEW_ARRAY(ctx, fn_field, FN_MAX(from->count, 1u)), from->count};
    FN_TRY_PTR(ctx, out->fields);
    for (uint32_t i = 0; i < from->count; i++) {
        out->fields[i].type = from->fields[i].type;
        FN_TRY(fn_arena_str(ctx, ctx->arena, from->fields[i].name, &out->fields[i].name));
    }
    return FN_OK;
}

fn_status format_input_infer(fn_ctx *ctx, const fn_format *format, fn_str data, const fn_format_settings *s, fn_schema *out)
{
    if (!format->random_access) return fn_format_infer(ctx, format, data, true, s, out);
    bytes_blob blob = blob_of(data);
    fn_parquet *parquet = NULL;
    fn_status status = fn_parquet_open(ctx, &blob.base, &parquet);
    if (status == FN_OK) status = copy_schema(ctx, fn_parquet_schema(parquet), out);
    fn_parquet_close(parquet);
    if (status != FN_INCORRECT_DATA && status != FN_CANNOT_READ_ALL_DATA) return status;
    const fn_error cause = ctx->error;
    fn_error_clear(ctx);
    return fn_fail(ctx, FN_CANNOT_EXTRACT_TABLE_STRUCTURE, "The table structure cannot be extracted from a %s format file. Error:\n%.600s.\nYou can specify the structure "
                   "manually", format->name, cause.text);
}
