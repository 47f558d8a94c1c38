/* file_table.c - the table around a set of files: format, structure, snapshot. See file_table.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/file_scan.h"

enum { INFER_BYTES = 32 << 20 }; /* input_format_max_bytes_to_read_for_schema_inference */

static fn_status infer_parquet(fn_ctx *ctx, const file_set *set, fn_schema *out)
{
    fn_blob *blob;
    fn_parquet *p;
    FN_TRY(file_set_open(ctx, set, 0, &blob));
    fn_status status = file_open_parquet(ctx, blob, &p);
    if (status == FN_OK) {
        const fn_schema *s = fn_parquet_schema(p);
        *out = (fn_schema){FN_NEW_ARRAY(ctx, fn_field, FN_MAX(s->count, 1)), s->count};
        if (!out->fields) status = ctx->error.code;
        for (uint32_t i = 0; i < s->count && status == FN_OK; i++) {
            out->fields[i].type = s->fields[i].type;
            status = fn_arena_str(ctx, ctx->arena, s->fields[i].name, &out->fields[i].name);
        }
        fn_parquet_close(p);
    }
    blob->close(blob);
    return status;
}

static fn_status infer_text(fn_ctx *ctx, const file_set *set, const fn_format *format, const fn_format_settings *settings, fn_schema *out)
{
    fn_blob *blob;
    fn_source *in;
    FN_TRY(file_set_open(ctx, set, 0, &blob));
    FN_TRY(file_source(ctx, blob, set->entries[0].path, &in));
    fn_buf head = FN_BUF_INIT;
    fn_status status = FN_OK;
    size_t got = 1;
    while (status == FN_OK && got && head.size < INFER_BYTES) {
        status = fn_buf_reserve(ctx, &head, 1 << 20);
        if (status == FN_OK) status = in->read(in, ctx, head.data + head.size, 1 << 20, &got);
        if (status == FN_OK) head.size += got;
    }
    in->close(in);
    if (status == FN_OK) status = fn_format_infer(ctx, format, fn_buf_view(&head), got == 0, settings, out);
    fn_buf_release(&head);
    return status;
}

static fn_status infer(fn_ctx *ctx, const file_set *set, const fn_format *format, const fn_format_settings *settings, fn_schema *out)
{
    if (set->count == 0) {
        return fn_fail(ctx, FN_CANNOT_EXTRACT_TABLE_STRUCTURE, "The table structure cannot be extracted from a %s format file. There are no files "
                       "with provided path. You can specify table structure manually", format->name);
    }
    if (format->random_access) return infer_parquet(ctx, set, out);
    return infer_text(ctx, set, format, settings, out);
}

static fn_status make_schema(fn_ctx *ctx, const fn_schema *columns, table_schema **out)
{
    static const char *const names[FILE_VIRTUALS] = {"_path", "_file", "_size", "_time"};
    const fn_type *text = fn_type_low_cardinality(fn_type_simple(FN_T_STRING));
    const fn_type *types[FILE_VIRTUALS] = {text, text, fn_type_nullable(fn_type_simple(FN_T_UINT64)), fn_type_nullable(fn_type_datetime(NULL))};
    fn_arena *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    table_schema *s = fn_arena_alloc_zero(ctx, arena, sizeof *s);
    if (s) s->columns = fn_arena_alloc_zero(ctx, arena, sizeof *s->columns * (columns->count + FILE_VIRTUALS));
    if (!s || !s->columns) goto failed;
    s->arena = arena;
    s->count = columns->count + FILE_VIRTUALS;
    atomic_store(&s->refs, 1);
    for (uint32_t i = 0; i < columns->count; i++) {
        s->columns[i].type = columns->fields[i].type;
        if (fn_arena_str(ctx, arena, columns->fields[i].name, &s->columns[i].name) != FN_OK) goto failed;
    }
    for (uint32_t i = 0; i < FILE_VIRTUALS; i++)
        s->columns[columns->count + i] = (table_column){.name = fn_cstr(names[i]), .type = types[i], .is_virtual = true};
    *out = s;
    return FN_OK;
failed:
    fn_arena_free(arena);
    return ctx->error.code;
}

static fn_status file_snapshot_take(table *t, fn_ctx *ctx, table_snapshot **out)
{
    return file_snapshot_open(ctx, (file_table *)t, (file_snapshot **)(void *)out);
}

static void file_snapshot_drop(table_snapshot *s)
{
    file_snapshot_free((file_snapshot *)(void *)s);
}

static fn_status file_scan_begin(table_snapshot *s, fn_ctx *ctx, const table_scan_request *request, table_scan **out)
{
    return file_scan_open(ctx, (const file_snapshot *)(void *)s, request, out);
}

static bool file_rows(table_snapshot *s, bool final, uint64_t *out)
{
    (void)final;
    return file_snapshot_rows((const file_snapshot *)(void *)s, out);
}

static bool file_stats(table_snapshot *s, bool final, uint32_t column, table_column_stats *out)
{
    (void)final;
    return file_snapshot_stats((file_snapshot *)(void *)s, column, out);
}

static void file_destroy(table *t)
{
    file_table *f = (file_table *)t;
    file_set_free(f->set);
    fn_free(f);
}

#define FILE_OPS(name)                                                                             \
    {.engine = (name), .snapshot = file_snapshot_take, .snapshot_drop = file_snapshot_drop, .scan = file_scan_begin, \
     .rows = file_rows, .stats = file_stats, .destroy = file_destroy}
static const table_ops file_ops = FILE_OPS("File"), url_ops = FILE_OPS("URL"), s3_ops = FILE_OPS("S3");

static fn_status find_format(fn_ctx *ctx, const file_set *set, fn_str name, const fn_format **out)
{
    const bool automatic = name.size == 0 || fn_str_eq_nocase(name, FN_STR("auto"));
    if (!automatic) {
        *out = fn_format_find(name);
        if (!*out) return fn_fail(ctx, FN_UNKNOWN_FORMAT, "Unknown format " FN_STR_FMT, FN_STR_ARG(name));
    } else {
        *out = set->count ? fn_format_by_path(set->entries[0].path) : NULL;
        if (!*out)
            return fn_fail(ctx, FN_CANNOT_DETECT_FORMAT, "The data format cannot be detected by the contents of the files. You can specify the format manually");
    }
    if ((*out)->random_access || (*out)->open_reader) return FN_OK;
    return fn_fail(ctx, FN_FORMAT_IS_NOT_SUITABLE_FOR_INPUT, "Format %s is not suitable for input", (*out)->name);
}

fn_status file_table_new(fn_ctx *ctx, file_set *set_take, fn_str format, const fn_schema *structure, const fn_format_settings *settings,
                         const char *function, table **out)
{
    const table_ops *all[] = {&file_ops, &url_ops, &s3_ops};
    fn_schema columns = {NULL, 0};
    const fn_format *f = NULL;
    table_schema *schema = NULL;
    *out = NULL;
    fn_status status = find_format(ctx, set_take, format, &f);
    if (status == FN_OK && structure) columns = *structure;
    else if (status == FN_OK) status = infer(ctx, set_take, f, settings, &columns);
    if (status == FN_OK) status = make_schema(ctx, &columns, &schema);
    file_table *t = status == FN_OK ? fn_alloc_zero(ctx, sizeof *t) : NULL;
    if (!t) {
        table_schema_drop(schema);
        file_set_free(set_take);
        return ctx->error.code;
    }
    t->base.ops = &file_ops;
    for (size_t i = 0; i < FN_COUNT(all); i++) {
        if (strcmp(all[i]->engine, function) == 0) t->base.ops = all[i];
    }
    t->base.engine_full = fn_cstr(t->base.ops->engine);
    atomic_store(&t->base.schema, schema);
    atomic_store(&t->base.refs, 1);
    t->set = set_take;
    t->format = f;
    t->settings = *settings;
    t->real_columns = columns.count;
    *out = &t->base;
    return FN_OK;
}
