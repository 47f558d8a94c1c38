/* external.c - tables sent along with a statement (multipart bodies): read whole into memory, seen under their name by this
 * statement alone. SPDX-License-Identifier: Apache-2.0 */
#include "query/table_function.h"
#include "table/memory/memory_table.h"
#include <firn/format.h>

/* "Int32,Array(String)" -> "_1 Int32, _2 Array(String)" */
static fn_status structure_of_types(fn_ctx *ctx, fn_str types, fn_buf *out)
{
    unsigned depth = 0, n = 0;
    size_t from = 0;
    for (size_t i = 0; i <= types.size; i++) {
        const char c = i < types.size ? types.data[i] : ',';
        depth += c == '(';
        depth -= c == ')' && depth > 0;
        if (c != ',' || depth) continue;
        const fn_str one = fn_str_trim((fn_str){types.data + from, i - from});
        FN_TRY(fn_buf_printf(ctx, out, "%s_%u %.*s", n ? ", " : "", n + 1, (int)one.size, one.data));
        from = i + 1;
        n++;
    }
    return FN_OK;
}

static fn_status schema_of(fn_ctx *ctx, const fn_external_table *e, fn_schema *out)
{
    if (e->structure.size) return call_structure(ctx, e->structure, out);
    if (!e->types.size)
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Neither structure nor types have not been provided for external table " FN_STR_FMT, FN_STR_ARG(e->name));
    fn_buf text = FN_BUF_INIT;
    fn_str kept = {NULL, 0};
    fn_status status = structure_of_types(ctx, e->types, &text);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&text), &kept);
    fn_buf_release(&text);
    return status == FN_OK ? call_structure(ctx, kept, out) : status;
}

static fn_status fill(fn_ctx *ctx, const fn_format *format, const fn_schema *schema, const fn_format_settings *settings, fn_source *data, table *t)
{
    fn_reader *reader;
    table_writer *writer;
    bool *missing = FN_NEW_ARRAY(ctx, bool, schema->count);
    FN_TRY_PTR(ctx, missing);
    FN_TRY(t->ops->write(t, ctx, &writer));
    fn_status status = format->open_reader(ctx, schema, data, settings, missing, &reader);
    if (status == FN_OK) {
        for (fn_block *block; status == FN_OK;) {
            block = NULL;
            status = reader->next(reader, ctx, &block);
            if (status != FN_OK || !block) break;
            status = writer->write(writer, ctx, block);
            fn_block_drop(block);
        }
        reader->close(reader);
    }
    if (status == FN_OK) status = writer->commit(writer, ctx);
    writer->close(writer);
    return status;
}

static fn_status make(query *q, const fn_external_table *e, table **out)
{
    fn_ctx *ctx = q->ctx;
    const fn_str name = e->format.size ? e->format : FN_STR("TabSeparated");
    const fn_format *format = fn_format_find(name);
    if (!format) return fn_fail(ctx, FN_UNKNOWN_FORMAT, "Unknown format " FN_STR_FMT, FN_STR_ARG(name));
    if (!format->open_reader) return fn_fail(ctx, FN_FORMAT_IS_NOT_SUITABLE_FOR_INPUT, "Format %s is not suitable for input", format->name);
    fn_format_settings settings;
    fn_schema schema;
    table head = {.name = e->name, .is_temporary = true, .engine_full = FN_STR("Memory")};
    table_schema *columns;
    settings_format(&q->settings, &settings);
    FN_TRY(schema_of(ctx, e, &schema));
    FN_TRY(table_schema_make(ctx, &schema, &columns));
    atomic_store(&head.schema, columns);
    fn_status status = memory_table_new(ctx, &head, out);
    if (status != FN_OK) {
        table_schema_drop(columns);
        return status;
    }
    status = fill(ctx, format, &schema, &settings, e->data, *out);
    if (status == FN_OK) return FN_OK;
    table_drop(*out);
    return fn_error_prefix(ctx, "External table " FN_STR_FMT ": ", FN_STR_ARG(e->name));
}

fn_status external_open(query *q)
{
    for (size_t i = 0; i < q->request->external_count; i++) {
        session_table *t = FN_NEW(q->ctx, session_table);
        FN_TRY_PTR(q->ctx, t);
        FN_TRY(make(q, &q->request->externals[i], &t->table));
        t->next = q->externals;
        q->externals = t;
    }
    return FN_OK;
}

void external_close(query *q)
{
    for (session_table *t = q->externals; t; t = t->next) table_drop(t->table);
    q->externals = NULL;
}
