/* backup_rows.c - rows of tables that keep none in parts: one object in Native format, of the blocks of one snapshot.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/backup.h"
#include <firn/format.h>

enum { ROWS_MAX = INT32_MAX };

/* The stored columns: what a writer takes. indexes may be NULL. */
static fn_status stored_columns(fn_ctx *ctx, const table_schema *schema, fn_schema *out, uint32_t **indexes)
{
    out->fields = FN_NEW_ARRAY(ctx, fn_field, schema->count + 1);
    *indexes = FN_NEW_ARRAY(ctx, uint32_t, schema->count + 1);
    if (!out->fields || !*indexes) return ctx->error.code;
    out->count = 0;
    for (uint32_t i = 0; i < schema->count; i++) {
        if (!table_column_is_stored(&schema->columns[i])) continue;
        (*indexes)[out->count] = i;
        out->fields[out->count++] = (fn_field){schema->columns[i].name, schema->columns[i].type};
    }
    return FN_OK;
}

static fn_status object_name(fn_ctx *ctx, const backup_table *t, const char **out)
{
    *out = fn_arena_printf(ctx, ctx->arena, "rows/%s.native", t->uuid);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

static fn_status write_all(fn_ctx *ctx, table_scan *scan, fn_writer *w)
{
    for (;;) {
        fn_block *block = NULL;
        FN_TRY(scan->next(scan, ctx, 0, &block));
        if (!block) break;
        const fn_status status = w->block(w, ctx, block);
        fn_block_drop(block);
        FN_TRY(status);
        FN_TRY(fn_ctx_check(ctx));
    }
    return w->finish(w, ctx, &(fn_format_stats){.rows_read = 0});
}

static fn_status write_rows(fn_ctx *ctx, table *t, table_snapshot *snapshot, fn_sink *sink)
{
    fn_schema columns;
    uint32_t *indexes;
    fn_format_settings settings;
    table_scan *scan;
    fn_writer *writer;
    FN_TRY(stored_columns(ctx, atomic_load(&t->schema), &columns, &indexes));
    const table_scan_request request = {.columns = indexes, .column_count = columns.count, .workers = 1};
    FN_TRY(t->ops->scan(snapshot, ctx, &request, &scan));
    fn_format_settings_default(&settings);
    fn_status status = fn_format_find(FN_STR("Native"))->open_writer(ctx, &columns, sink, &settings, &writer);
    if (status == FN_OK) {
        status = write_all(ctx, scan, writer);
        writer->close(writer);
    }
    scan->close(scan);
    return status;
}

fn_status backup_rows_put(query *q, const backup_place *p, table *t, table_snapshot *snapshot, backup_table *out)
{
    fn_ctx *ctx = q->ctx;
    const char *name;
    fn_memory_sink sink;
    fn_memory_sink_init(&sink);
    fn_status status = object_name(ctx, out, &name);
    if (status == FN_OK) status = write_rows(ctx, t, snapshot, &sink.base);
    if (status == FN_OK && sink.bytes.size > ROWS_MAX)
        status = fn_fail(ctx, FN_NOT_IMPLEMENTED, "Table " FN_STR_FMT " is too large for a backup of its rows", FN_STR_ARG(out->name));
    if (status == FN_OK) {
        out->has_rows = true;
        out->rows_size = sink.bytes.size;
        out->rows_bytes = fn_hash_bytes128(sink.bytes.data, sink.bytes.size);
        status = backup_put(ctx, p, name, fn_buf_view(&sink.bytes));
    }
    fn_buf_release(&sink.bytes);
    return status;
}

static fn_status insert_all(fn_ctx *ctx, fn_reader *reader, table_writer *writer)
{
    for (;;) {
        fn_block *block = NULL;
        FN_TRY(reader->next(reader, ctx, &block));
        if (!block) return writer->commit(writer, ctx);
        const fn_status status = writer->write(writer, ctx, block);
        fn_block_drop(block);
        FN_TRY(status);
        FN_TRY(fn_ctx_check(ctx));
    }
}

static fn_status read_rows(fn_ctx *ctx, fn_str bytes, table *t)
{
    fn_schema columns;
    uint32_t *indexes;
    fn_format_settings settings;
    fn_memory_source source;
    fn_reader *reader;
    table_writer *writer;
    FN_TRY(stored_columns(ctx, atomic_load(&t->schema), &columns, &indexes));
    fn_format_settings_default(&settings);
    fn_memory_source_init(&source, bytes);
    FN_TRY(fn_format_find(FN_STR("Native"))->open_reader(ctx, &columns, &source.base, &settings, NULL, &reader));
    fn_status status = t->ops->write(t, ctx, &writer);
    if (status == FN_OK) {
        status = insert_all(ctx, reader, writer);
        writer->close(writer);
    }
    reader->close(reader);
    return status;
}

fn_status backup_rows_get(query *q, const backup_place *p, const backup_table *from, table *t)
{
    fn_ctx *ctx = q->ctx;
    const char *name;
    fn_buf bytes = FN_BUF_INIT;
    FN_TRY(object_name(ctx, from, &name));
    if (!t->ops->write) return fn_fail(ctx, FN_BACKUP_DAMAGED, "Backup " FN_STR_FMT " has rows for table " FN_STR_FMT " of engine %s", FN_STR_ARG(p->path), FN_STR_ARG(from->name), t->ops->engine);
    fn_status status = backup_get(ctx, p, name, ROWS_MAX, &bytes);
    const fn_hash128 h = fn_hash_bytes128(bytes.data, bytes.size);
    if (status == FN_OK && (bytes.size != from->rows_size || h.low != from->rows_bytes.low || h.high != from->rows_bytes.high))
        status = fn_fail(ctx, FN_CHECKSUM_DOESNT_MATCH, "Backup " FN_STR_FMT ": the checksum of %s doesn't match", FN_STR_ARG(p->path), name);
    if (status == FN_OK) status = read_rows(ctx, fn_buf_view(&bytes), t);
    fn_buf_release(&bytes);
    return status;
}
