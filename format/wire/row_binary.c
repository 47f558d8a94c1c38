/* row_binary.c - RowBinary, with names, with types: values row by row in binary. SPDX-License-Identifier: Apache-2.0 */
#include "text/text_writer.h"
#include "wire/native_column.h"

enum { WITH_NAMES = 1, WITH_TYPES = 2, STRING_MAX = 1 << 30, ITEMS_MAX = 1 << 26, COLUMNS_MAX = 65536 };

/* ---- output ---- */
static fn_status put_value(fn_ctx *ctx, const fn_column *c, size_t row, const fn_type *t, fn_buf *out)
{
    if (fn_type_is_nullable(t)) {
        const bool null = fn_column_is_null(c, row);
        FN_TRY(fn_buf_byte(ctx, out, null));
        if (null) return FN_OK;
    }
    t = fn_type_base(t);
    const fn_column *flat = fn_column_at(c, &row);
    if (t->phys == FN_PHYS_STRING) {
        const uint32_t size = flat->offsets[row + 1] - flat->offsets[row];
        FN_TRY(fn_buf_leb(ctx, out, size));
        return fn_buf_append(ctx, out, flat->values + flat->offsets[row], size);
    }
    if (t->phys == FN_PHYS_ARRAY) {
        FN_TRY(fn_buf_leb(ctx, out, flat->offsets[row + 1] - flat->offsets[row]));
        for (uint32_t i = flat->offsets[row]; i < flat->offsets[row + 1]; i++) FN_TRY(put_value(ctx, flat->kids[0], i, t->items, out));
        return FN_OK;
    }
    if (t->phys == FN_PHYS_TUPLE) {
        for (uint32_t i = 0; i < t->arg_count; i++) FN_TRY(put_value(ctx, flat->kids[i], row, t->args[i], out));
        return FN_OK;
    }
    if (t->phys == FN_PHYS_NOTHING) return FN_OK;
    const uint8_t *v = flat->values + row * t->width;
    if (t->id != FN_T_UUID) return fn_buf_append(ctx, out, v, t->width);
    FN_TRY(fn_buf_append(ctx, out, v + 8, 8));
    return fn_buf_append(ctx, out, v, 8);
}

static fn_status put_row(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    for (uint32_t c = 0; c < b->count; c++) FN_TRY(put_value(ctx, b->columns[c], row, w->schema.fields[c].type, &w->buf));
    return FN_OK;
}

static fn_status put_header(text_writer *w, fn_ctx *ctx)
{
    if (w->flavour & WITH_NAMES) FN_TRY(fn_buf_leb(ctx, &w->buf, w->schema.count));
    for (uint32_t pass = 0; pass < (w->flavour & WITH_TYPES ? 2u : w->flavour); pass++)
        for (uint32_t c = 0; c < w->schema.count; c++) {
            const fn_str s = pass ? fn_cstr(w->schema.fields[c].type->name) : w->schema.fields[c].name;
            FN_TRY(fn_buf_leb(ctx, &w->buf, s.size));
            FN_TRY(fn_buf_str(ctx, &w->buf, s));
        }
    return FN_OK;
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, unsigned flavour, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put_row, &w));
    w->flavour = flavour;
    *writer = &w->base;
    return put_header(w, ctx);
}

/* ---- input ---- */
typedef struct binary_reader {
    fn_reader base;
    native_in in;
    fn_schema schema;
    fn_format_settings settings;
    fn_builder *builders;
    bool *missing;
    unsigned flavour;
    bool headed;
    int *columns;           /* position in the data -> column, -1: skipped into spare */
    const fn_type **types;  /* of the data, when it names them */
    fn_builder *spare;
    uint32_t column_count;
} binary_reader;

static fn_status take_value(native_in *in, fn_ctx *ctx, const fn_type *t, fn_builder *out)
{
    if (fn_type_is_nullable(t)) {
        uint8_t null;
        FN_TRY(native_read_bytes(in, ctx, &null, 1));
        if (null) return fn_builder_null(ctx, out);
    }
    t = fn_type_base(t);
    uint64_t size;
    if (t->phys == FN_PHYS_STRING) {
        FN_TRY(native_read_leb(in, ctx, &size));
        if (size > STRING_MAX) return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "Too large string size: %llu at offset %llu", (unsigned long long)size, (unsigned long long)in->offset);
        in->text.size = 0;
        FN_TRY(native_read_into(in, ctx, size, &in->text));
        return fn_builder_str(ctx, out, fn_buf_view(&in->text));
    }
    if (t->phys == FN_PHYS_ARRAY) {
        FN_TRY(native_read_leb(in, ctx, &size));
        if (size > ITEMS_MAX) return fn_fail(ctx, FN_TOO_LARGE_ARRAY_SIZE, "Too large array size: %llu at offset %llu", (unsigned long long)size, (unsigned long long)in->offset);
        for (uint64_t i = 0; i < size; i++) FN_TRY(take_value(in, ctx, t->items, &out->kids[0]));
        return fn_builder_close_array(ctx, out);
    }
    if (t->phys == FN_PHYS_TUPLE) {
        for (uint32_t i = 0; i < t->arg_count; i++) FN_TRY(take_value(in, ctx, t->args[i], &out->kids[i]));
        return fn_builder_close_tuple(ctx, out);
    }
    if (t->phys == FN_PHYS_NOTHING) return fn_builder_default(ctx, out);
    uint8_t small[32], uuid[16];
    if (t->width > sizeof small) {
        in->text.size = 0;
        FN_TRY(native_read_into(in, ctx, t->width, &in->text));
        return fn_builder_str(ctx, out, fn_buf_view(&in->text));
    }
    FN_TRY(native_read_bytes(in, ctx, small, t->width));
    if (t->id != FN_T_UUID) return fn_builder_fixed(ctx, out, small);
    memcpy(uuid, small + 8, 8);
    memcpy(uuid + 8, small, 8);
    return fn_builder_fixed(ctx, out, uuid);
}

static fn_status take_header(binary_reader *r, fn_ctx *ctx)
{
    uint64_t count;
    bool end;
    r->headed = true;
    FN_TRY(native_at_end(&r->in, ctx, &end));
    if (end) return FN_OK;
    FN_TRY(native_read_leb(&r->in, ctx, &count));
    if (count > COLUMNS_MAX) return fn_fail(ctx, FN_INCORRECT_DATA, "The header has %llu columns: too many", (unsigned long long)count);
    r->column_count = (uint32_t)count;
    r->columns = fn_alloc(ctx, (count + 1) * sizeof *r->columns);
    r->types = fn_alloc_zero(ctx, (count + 1) * sizeof *r->types);
    r->spare = fn_alloc_zero(ctx, (count + 1) * sizeof *r->spare);
    if (!r->columns || !r->types || !r->spare) return ctx->error.code;
    for (uint64_t i = 0; i < count; i++) {
        fn_str name;
        FN_TRY(native_read_string(&r->in, ctx, 1 << 16, &name));
        r->columns[i] = fn_schema_find(&r->schema, name);
        if (r->columns[i] < 0 && !(r->flavour & WITH_TYPES))
            return fn_fail(ctx, FN_INCORRECT_DATA, "Unknown field found in the header: '" FN_STR_FMT "'", FN_STR_ARG(name));
    }
    for (uint64_t i = 0; i < count && r->flavour & WITH_TYPES; i++) {
        fn_str text;
        FN_TRY(native_read_string(&r->in, ctx, 1 << 20, &text));
        FN_TRY(fn_type_parse(ctx, text, &r->types[i]));
        const int c = r->columns[i];
        if (c >= 0 && r->types[i] != r->schema.fields[c].type && strcmp(r->types[i]->name, fn_type_strip_low_cardinality(r->schema.fields[c].type)->name) != 0)
            return fn_fail(ctx, FN_INCORRECT_DATA, "Type of '" FN_STR_FMT "' must be %s, not %s", FN_STR_ARG(r->schema.fields[c].name), r->schema.fields[c].type->name,
                           r->types[i]->name);
        if (c < 0) FN_TRY(fn_builder_init(ctx, &r->spare[i], r->types[i]));
    }
    for (uint32_t c = 0; c < r->schema.count && r->missing; c++) {
        r->missing[c] = true;
        for (uint32_t i = 0; i < r->column_count; i++) r->missing[c] &= r->columns[i] != (int)c;
    }
    return FN_OK;
}

static fn_status take_row(binary_reader *r, fn_ctx *ctx)
{
    const uint32_t count = r->columns ? r->column_count : r->schema.count;
    for (uint32_t i = 0; i < count; i++) {
        const int c = r->columns ? r->columns[i] : (int)i;
        if (c >= 0) {
            FN_TRY(take_value(&r->in, ctx, r->schema.fields[c].type, &r->builders[c]));
        } else {
            FN_TRY(take_value(&r->in, ctx, r->types[i], &r->spare[i]));
            fn_builder_truncate(&r->spare[i], 0);
        }
    }
    return FN_OK;
}

static fn_status reader_next(fn_reader *base, fn_ctx *ctx, fn_block **out)
{
    binary_reader *r = (binary_reader *)base;
    uint32_t rows = 0;
    *out = NULL;
    if (r->flavour & WITH_NAMES && !r->headed) FN_TRY(take_header(r, ctx));
    for (; rows < r->settings.max_block_rows; rows++) {
        bool end;
        FN_TRY(native_at_end(&r->in, ctx, &end));
        if (end) break;
        const uint64_t before = r->in.offset;
        FN_TRY(take_row(r, ctx));
        if (r->in.offset == before) /* no columns, or only such as have no bytes: it would never end */
            return fn_fail(ctx, FN_INCORRECT_DATA, "A row of RowBinary data takes no bytes, but data follow");
        for (uint32_t c = 0; c < r->schema.count; c++)
            if (r->builders[c].rows == rows) FN_TRY(fn_builder_default(ctx, &r->builders[c]));
    }
    if (!rows) return FN_OK;
    fn_block *b = fn_block_new(ctx, r->schema.count, rows);
    FN_TRY_PTR(ctx, b);
    for (uint32_t c = 0; c < r->schema.count; c++) {
        const fn_status status = fn_builder_finish(ctx, &r->builders[c], &b->columns[c]);
        if (status == FN_OK) continue;
        fn_block_drop(b);
        return status;
    }
    *out = b;
    return FN_OK;
}

static void reader_close(fn_reader *base)
{
    binary_reader *r = (binary_reader *)base;
    for (uint32_t c = 0; r->builders && c < r->schema.count; c++) fn_builder_release(&r->builders[c]);
    for (uint32_t i = 0; r->spare && i < r->column_count; i++)
        if (r->spare[i].type) fn_builder_release(&r->spare[i]);
    fn_free(r->builders);
    fn_free(r->spare);
    fn_free(r->columns);
    fn_free(r->types);
    native_in_release(&r->in);
    fn_free(r);
}

static fn_status open_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, unsigned flavour,
                             fn_reader **reader)
{
    binary_reader *r = fn_alloc_zero(ctx, sizeof *r);
    FN_TRY_PTR(ctx, r);
    r->base = (fn_reader){reader_next, reader_close};
    r->in.source = in;
    r->schema = *schema;
    r->settings = *s;
    r->missing = missing;
    r->flavour = flavour;
    r->builders = fn_alloc_zero(ctx, (schema->count + 1u) * sizeof *r->builders);
    fn_status status = r->builders ? FN_OK : ctx->error.code;
    for (uint32_t c = 0; c < schema->count && status == FN_OK; c++) status = fn_builder_init(ctx, &r->builders[c], schema->fields[c].type);
    if (status != FN_OK) reader_close(&r->base);
    else *reader = &r->base;
    return status;
}

/* Lists of names and types at the begin of the data. */
static fn_status infer_types(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out)
{
    (void)complete, (void)s;
    fn_memory_source source;
    native_in in = {.source = &source.base};
    uint64_t count;
    fn_memory_source_init(&source, head);
    fn_status status = native_read_leb(&in, ctx, &count);
    if (status == FN_OK && count > COLUMNS_MAX) status = fn_fail(ctx, FN_INCORRECT_DATA, "The header has %llu columns: too many", (unsigned long long)count);
    *out = (fn_schema){status == FN_OK ? FN_NEW_ARRAY(ctx, fn_field, count + 1) : NULL, status == FN_OK ? (uint32_t)count : 0};
    if (status == FN_OK && !out->fields) status = ctx->error.code;
    for (uint64_t i = 0; i < 2 * count && status == FN_OK; i++) {
        fn_field *f = &out->fields[i % count];
        fn_str text;
        status = native_read_string(&in, ctx, i < count ? 1 << 16 : 1 << 20, &text);
        if (status == FN_OK) status = i < count ? fn_arena_str(ctx, ctx->arena, text, &f->name) : fn_type_parse(ctx, text, &f->type);
    }
    native_in_release(&in);
    return status;
}

#define FLAVOUR(symbol, text, flavour, schema_from, words)                                                                                                      \
    static fn_status symbol##_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **w)                \
    {                                                                                                                                               \
        return open_writer(ctx, schema, out, s, flavour, w);                                                                                        \
    }                                                                                                                                               \
    static fn_status symbol##_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, fn_reader **r) \
    {                                                                                                                                               \
        return open_reader(ctx, schema, in, s, missing, flavour, r);                                                                                \
    }                                                                                                                                               \
    const fn_format format_##symbol = {.name = text, .content_type = "application/octet-stream", .open_writer = symbol##_writer,                    \
                                       .open_reader = symbol##_reader, .infer = schema_from, .about = words};
FLAVOUR(row_binary, "RowBinary", 0, NULL, "Values row by row in binary.")
FLAVOUR(row_binary_names, "RowBinaryWithNames", WITH_NAMES, NULL, "RowBinary behind a list of names.")
FLAVOUR(row_binary_types, "RowBinaryWithNamesAndTypes", WITH_NAMES | WITH_TYPES, infer_types, "RowBinary behind lists of names and types.")
