/* native.c - the Native format: blocks of columns as ClickHouse sends them between its parts. Output follows the client's
 * revision (0: no block info; >= 54454: a byte behind each type); input is always revision 0. SPDX-License-Identifier: Apache-2.0 */
#include "text/text_writer.h"
#include "wire/native_column.h"

enum { BLOCK_INFO = 1, CUSTOM_SERIALIZATION = 54454, ROWS_MAX = 1 << 26, COLUMNS_MAX = 65536 };

/* ---- output ---- */
/* Revisions before 54337 know no time zone in DateTime's name. */
static const char *type_name(const fn_type *t, uint32_t revision)
{
    return revision < 54337 && t->id == FN_T_DATETIME ? "DateTime" : t->name;
}

static fn_status put_string(fn_ctx *ctx, fn_str s, fn_buf *out)
{
    FN_TRY(fn_buf_leb(ctx, out, s.size));
    return fn_buf_str(ctx, out, s);
}

static fn_status write_block(fn_writer *base, fn_ctx *ctx, const fn_block *block)
{
    text_writer *w = (text_writer *)base;
    const uint32_t revision = w->settings.native_revision;
    if (block->rows == 0) return FN_OK;
    if (revision >= BLOCK_INFO) FN_TRY(fn_buf_append(ctx, &w->buf, "\1\0\2\xff\xff\xff\xff\0", 8));
    FN_TRY(fn_buf_leb(ctx, &w->buf, block->count));
    FN_TRY(fn_buf_leb(ctx, &w->buf, block->rows));
    for (uint32_t c = 0; c < block->count; c++) {
        const fn_type *t = w->schema.fields[c].type;
        FN_TRY(put_string(ctx, w->schema.fields[c].name, &w->buf));
        FN_TRY(put_string(ctx, fn_cstr(type_name(t, revision)), &w->buf));
        if (revision >= CUSTOM_SERIALIZATION) FN_TRY(fn_buf_byte(ctx, &w->buf, 0));
        FN_TRY(native_write_column(ctx, block->columns[c], &w->buf));
        FN_TRY(text_writer_flush(w, ctx, 1 << 20));
    }
    return text_writer_flush(w, ctx, 0);
}

static fn_status finish(fn_writer *base, fn_ctx *ctx, const fn_format_stats *stats)
{
    if (stats->totals && stats->totals->rows) FN_TRY(write_block(base, ctx, stats->totals));
    return text_writer_flush((text_writer *)base, ctx, 0);
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, NULL, &w));
    w->base.block = write_block;
    w->base.finish = finish;
    *writer = &w->base;
    return FN_OK;
}

/* ---- input ---- */
typedef struct native_reader {
    fn_reader base;
    native_in in;
    fn_schema schema;
    fn_format_settings settings;
    bool *missing;
    uint64_t blocks;
    size_t *text_bytes; /* of the columns of the last block */
    uint64_t text_count;
    uint32_t text_rows;
} native_reader;

/* A column of the data for schema column c: same type, or one that the text form carries over. */
static fn_status convert(fn_ctx *ctx, const native_reader *r, fn_column *in, const fn_type *want, fn_column **out)
{
    if (in->type == want) {
        *out = fn_column_ref(in);
        return FN_OK;
    }
    if (fn_type_strip_low_cardinality(in->type) == fn_type_strip_low_cardinality(want)) {
        *out = fn_column_retype(ctx, in, want);
        return *out ? FN_OK : ctx->error.code;
    }
    fn_builder b;
    fn_buf text = FN_BUF_INIT;
    FN_TRY(fn_builder_init(ctx, &b, want));
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < in->rows && status == FN_OK; i++) {
        if (fn_column_is_null(in, i)) {
            status = fn_type_is_nullable(want) ? fn_builder_null(ctx, &b) : fn_builder_default(ctx, &b);
            continue;
        }
        text.size = 0;
        status = fn_text_write(ctx, in, i, FN_TEXT_PLAIN, &r->settings.text, &text);
        fn_text_in at = {text.data, text.data + text.size, text.data};
        if (status == FN_OK) status = fn_text_read(ctx, &at, want, FN_TEXT_PLAIN, &r->settings.text, &b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_buf_release(&text);
    return status;
}

/* Blocks of one client are alike: strings get room at once as those of the last block needed it. */
static fn_status expect(native_reader *r, fn_ctx *ctx, uint64_t count)
{
    if (count <= r->text_count) return FN_OK;
    size_t *more = fn_realloc(ctx, r->text_bytes, count * sizeof *more);
    FN_TRY_PTR(ctx, more);
    for (uint64_t i = r->text_count; i < count; i++) more[i] = 0;
    r->text_bytes = more;
    r->text_count = count;
    return FN_OK;
}

static fn_status read_columns(native_reader *r, fn_ctx *ctx, uint64_t count, uint32_t rows, fn_block *b)
{
    FN_TRY(expect(r, ctx, count));
    for (uint64_t i = 0; i < count; i++) {
        fn_str name, type_text;
        const fn_type *type;
        FN_TRY(native_read_string(&r->in, ctx, 1 << 16, &name));
        FN_TRY(native_read_string(&r->in, ctx, 1 << 20, &type_text));
        FN_TRY(fn_type_parse(ctx, type_text, &type));
        fn_column *column = NULL;
        r->in.expected = r->text_rows ? (size_t)((double)r->text_bytes[i] / r->text_rows * rows) : 0;
        FN_TRY(native_read_column(&r->in, ctx, type, rows, &column));
        r->text_bytes[i] = rows ? r->in.expected : 0;
        const int c = fn_schema_find(&r->schema, name);
        fn_status status = FN_OK;
        if (c < 0 && !r->settings.text.skip_unknown_fields)
            status = fn_fail(ctx, FN_THERE_IS_NO_COLUMN, "There is no column with name " FN_STR_FMT " in the table", FN_STR_ARG(name));
        else if (c >= 0 && b->columns[c])
            status = fn_fail(ctx, FN_INCORRECT_DATA, "Column " FN_STR_FMT " is given twice", FN_STR_ARG(name));
        else if (c >= 0)
            status = convert(ctx, r, column, r->schema.fields[c].type, &b->columns[c]);
        fn_column_drop(column);
        FN_TRY(status);
    }
    r->text_rows = rows;
    for (uint32_t c = 0; c < r->schema.count; c++) {
        if (r->missing) r->missing[c] = b->columns[c] == NULL;
        if (b->columns[c]) continue;
        b->columns[c] = fn_column_default(ctx, r->schema.fields[c].type, rows);
        FN_TRY_PTR(ctx, b->columns[c]);
    }
    return FN_OK;
}

static fn_status reader_next(fn_reader *base, fn_ctx *ctx, fn_block **out)
{
    native_reader *r = (native_reader *)base;
    uint64_t count, rows;
    bool end;
    *out = NULL;
    for (;;) {
        FN_TRY(native_at_end(&r->in, ctx, &end));
        if (end) return FN_OK;
        FN_TRY(native_read_leb(&r->in, ctx, &count));
        FN_TRY(native_read_leb(&r->in, ctx, &rows));
        if (count > COLUMNS_MAX || rows > ROWS_MAX)
            return fn_fail(ctx, FN_INCORRECT_DATA, "Native block %llu has %llu columns and %llu rows: too many", (unsigned long long)r->blocks, (unsigned long long)count,
                           (unsigned long long)rows);
        fn_block *b = fn_block_new(ctx, r->schema.count, (uint32_t)rows);
        FN_TRY_PTR(ctx, b);
        const fn_status status = read_columns(r, ctx, count, (uint32_t)rows, b);
        r->blocks++;
        if (status != FN_OK || rows == 0) fn_block_drop(b);
        else *out = b;
        if (status != FN_OK || rows) return status;
    }
}

static void reader_close(fn_reader *base)
{
    native_reader *r = (native_reader *)base;
    native_in_release(&r->in);
    fn_free(r->text_bytes);
    fn_free(r);
}

static fn_status open_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, fn_reader **reader)
{
    native_reader *r = fn_alloc_zero(ctx, sizeof *r);
    FN_TRY_PTR(ctx, r);
    r->base = (fn_reader){reader_next, reader_close};
    r->in.source = in;
    r->schema = *schema;
    r->settings = *s;
    r->missing = missing;
    *reader = &r->base;
    return FN_OK;
}

/* The schema stands in the first block; its data need not be there. */
static fn_status infer(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out)
{
    (void)complete, (void)s;
    fn_memory_source source;
    native_in in = {.source = &source.base};
    uint64_t count, rows = 0;
    fn_memory_source_init(&source, head);
    fn_status status = native_read_leb(&in, ctx, &count);
    if (status == FN_OK) status = native_read_leb(&in, ctx, &rows);
    if (status == FN_OK && (count > COLUMNS_MAX || rows > ROWS_MAX)) status = fn_fail(ctx, FN_INCORRECT_DATA, "The first Native block is too large");
    *out = (fn_schema){status == FN_OK ? FN_NEW_ARRAY(ctx, fn_field, count + 1) : NULL, 0};
    if (status == FN_OK && !out->fields) status = ctx->error.code;
    for (uint64_t i = 0; i < count && status == FN_OK; i++) {
        fn_column *column = NULL;
        fn_field *f = &out->fields[i];
        fn_str text;
        status = native_read_string(&in, ctx, 1 << 16, &text);
        if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, text, &f->name);
        if (status == FN_OK) status = native_read_string(&in, ctx, 1 << 20, &text);
        if (status == FN_OK) status = fn_type_parse(ctx, text, &f->type);
        if (status == FN_OK && i + 1 < count) status = native_read_column(&in, ctx, f->type, (uint32_t)rows, &column);
        fn_column_drop(column);
        out->count += status == FN_OK;
    }
    native_in_release(&in);
    return status;
}

const fn_format format_native = {.name = "Native", .content_type = "application/octet-stream", .open_writer = open_writer, .open_reader = open_reader, .infer = infer,
                                 .about = "Blocks of columns, the form ClickHouse servers and clients speak."};
