/* format_json_columns.c - JSONColumns, JSONCompactColumns, JSONColumnsWithMetadata: a list of values per column.
 *
 * Output keeps one text per column until the end. Input holds the whole of the data: a document is one block, several may follow
 * each other. SPDX-License-Identifier: Apache-2.0 */
#include "text/flavour.h"
#include "text/json_text.h"

enum { READ_BYTES = 1 << 20, DOCUMENT_MAX = 1 << 30 };

/* ---- output ---- */
typedef struct columns_writer {
    text_writer text; /* first */
    fn_buf *columns;
} columns_writer;

static fn_status put_row(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    columns_writer *cw = (columns_writer *)w;
    for (uint32_t c = 0; c < b->count; c++) {
        if (w->rows) FN_TRY(fn_buf_append(ctx, &cw->columns[c], ", ", 2));
        FN_TRY(fn_text_write(ctx, b->columns[c], row, FN_TEXT_JSON, &w->settings.text, &cw->columns[c]));
    }
    return FN_OK;
}

static fn_status put_columns(columns_writer *cw, fn_ctx *ctx, const char *indent)
{
    text_writer *w = &cw->text;
    const bool empty = w->rows == 0 && w->flavour & (JSON_COMPACT | JSON_DOCUMENT); /* JSONColumns alone shows empty lists */
    for (uint32_t c = 0; c < w->schema.count && !empty; c++) {
        FN_TRY(fn_buf_printf(ctx, &w->buf, "%s%s", c ? ",\n" : "", indent));
        if (!(w->flavour & JSON_COMPACT)) {
            FN_TRY(json_put_name(w, ctx, w->schema.fields[c].name));
            FN_TRY(fn_buf_cstr(ctx, &w->buf, ": "));
        }
        FN_TRY(fn_buf_byte(ctx, &w->buf, '['));
        FN_TRY(fn_buf_str(ctx, &w->buf, fn_buf_view(&cw->columns[c])));
        FN_TRY(fn_buf_byte(ctx, &w->buf, ']'));
        FN_TRY(text_writer_flush(w, ctx, READ_BYTES));
    }
    return FN_OK;
}

static fn_status finish(fn_writer *base, fn_ctx *ctx, const fn_format_stats *stats)
{
    columns_writer *cw = (columns_writer *)base;
    text_writer *w = &cw->text;
    if (w->flavour & JSON_DOCUMENT) {
        FN_TRY(json_put_meta(w, ctx, "{"));
        FN_TRY(put_columns(cw, ctx, "\t\t"));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, "\n\t}"));
        return json_put_tail(w, ctx, stats);
    }
    FN_TRY(fn_buf_cstr(ctx, &w->buf, w->flavour & JSON_COMPACT ? "[\n" : "{\n"));
    FN_TRY(put_columns(cw, ctx, "\t"));
    FN_TRY(fn_buf_cstr(ctx, &w->buf, w->flavour & JSON_COMPACT ? "\n]\n" : "\n}\n"));
    return text_writer_flush(w, ctx, 0);
}

static void close_writer(fn_writer *base)
{
    columns_writer *cw = (columns_writer *)base;
    for (uint32_t c = 0; cw->columns && c < cw->text.schema.count; c++) fn_buf_release(&cw->columns[c]);
    fn_free(cw->columns);
    text_writer_close(base);
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, unsigned flavour, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof(columns_writer), schema, out, s, put_row, &w));
    w->flavour = flavour;
    w->base.finish = finish;
    w->base.close = close_writer;
    ((columns_writer *)w)->columns = fn_alloc_zero(ctx, (schema->count + 1u) * sizeof(fn_buf));
    *writer = &w->base;
    if (((columns_writer *)w)->columns) return FN_OK;
    close_writer(&w->base);
    return ctx->error.code;
}

/* ---- input ---- */
static fn_status take_column(row_reader *r, fn_ctx *ctx, fn_text_in *in, int c)
{
    if (c < 0) return json_skip_value(in) ? FN_OK : json_expected(ctx, in, "a list of values");
    if (r->seen[c]) return fn_fail(ctx, FN_INCORRECT_DATA, "Column '" FN_STR_FMT "' is given twice", FN_STR_ARG(r->schema.fields[c].name));
    r->seen[c] = true;
    if (!json_take(in, '[')) return json_expected(ctx, in, "'['");
    for (bool first = true; !json_take(in, ']'); first = false) {
        if (!first && !json_take(in, ',')) return json_expected(ctx, in, "',' or ']'");
        FN_TRY(json_take_value(r, ctx, in, c));
    }
    return FN_OK;
}

static fn_status find_column(const row_reader *r, fn_ctx *ctx, fn_str name, int *out)
{
    *out = fn_schema_find(&r->schema, name);
    if (*out >= 0 || r->settings.text.skip_unknown_fields) return FN_OK;
    return fn_fail(ctx, FN_INCORRECT_DATA, "Unknown column found in input data: " FN_STR_FMT, FN_STR_ARG(name));
}

static fn_status take_named(row_reader *r, fn_ctx *ctx, fn_text_in *in)
{
    for (bool first = true; !json_take(in, '}'); first = false) {
        text_token key;
        int c = -1;
        if (!first && !json_take(in, ',')) return json_expected(ctx, in, "',' or '}'");
        fn_status status = json_take_key(ctx, in, &r->settings.text, &key);
        if (status == FN_OK) status = find_column(r, ctx, key.value, &c);
        text_token_release(&key);
        FN_TRY(status);
        FN_TRY(take_column(r, ctx, in, c));
    }
    return FN_OK;
}

static fn_status take_listed(row_reader *r, fn_ctx *ctx, fn_text_in *in)
{
    uint32_t c = 0;
    for (; !json_take(in, ']'); c++) {
        if (c && !json_take(in, ',')) return json_expected(ctx, in, "',' or ']'");
        if (c >= r->schema.count) return fn_fail(ctx, FN_INCORRECT_DATA, "Input data has too many columns, expected %u columns", r->schema.count);
        FN_TRY(take_column(r, ctx, in, (int)c));
    }
    return FN_OK;
}

/* {"meta": [...], "data": {...}, ...}: meta is skipped here, inference has read it. */
static fn_status take_document(row_reader *r, fn_ctx *ctx, fn_text_in *in)
{
    for (bool first = true; !json_take(in, '}'); first = false) {
        text_token key;
        if (!first && !json_take(in, ',')) return json_expected(ctx, in, "',' or '}'");
        fn_status status = json_take_key(ctx, in, &r->settings.text, &key);
        const bool data = status == FN_OK && fn_str_eq(key.value, FN_STR("data"));
        text_token_release(&key);
        FN_TRY(status);
        if (data && !json_take(in, '{')) return json_expected(ctx, in, "'{'");
        if (data) FN_TRY(take_named(r, ctx, in));
        else if (!json_skip_value(in)) return json_expected(ctx, in, "a JSON value");
    }
    return FN_OK;
}

static fn_status read_all(row_reader *r, fn_ctx *ctx)
{
    while (!r->ended) {
        size_t got;
        if (r->window.size > DOCUMENT_MAX) return fn_fail(ctx, FN_INCORRECT_DATA, "The document is longer than %d bytes", DOCUMENT_MAX);
        FN_TRY(fn_buf_reserve(ctx, &r->window, READ_BYTES));
        FN_TRY(r->in->read(r->in, ctx, r->window.data + r->window.size, READ_BYTES, &got));
        r->window.size += got;
        r->ended = got == 0;
    }
    return FN_OK;
}

static fn_status make_block(row_reader *r, fn_ctx *ctx, fn_block **out)
{
    uint32_t rows = 0;
    for (uint32_t c = 0; c < r->schema.count; c++) rows = FN_MAX(rows, r->builders[c].rows);
    for (uint32_t c = 0; c < r->schema.count; c++) {
        if (r->seen[c] && r->builders[c].rows != rows)
            return fn_fail(ctx, FN_INCORRECT_DATA, "Number of rows differ in different columns: %u != %u", r->builders[c].rows, rows);
        while (r->builders[c].rows < rows) FN_TRY(fn_builder_default(ctx, &r->builders[c]));
        if (r->missing) r->missing[c] = !r->seen[c];
    }
    if (rows == 0) return FN_OK;
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

static fn_status reader_next(fn_reader *base, fn_ctx *ctx, fn_block **out)
{
    row_reader *r = (row_reader *)base;
    *out = NULL;
    FN_TRY(read_all(r, ctx));
    while (!*out) {
        fn_text_in in = {r->window.data + r->at, r->window.data + r->window.size, r->window.data};
        const bool compact = r->flavour & JSON_COMPACT;
        if (r->window.size == 0 || json_between_rows(&in)) return FN_OK;
        if (!json_take(&in, compact ? '[' : '{')) return json_expected(ctx, &in, compact ? "'['" : "'{'");
        memset(r->seen, 0, r->schema.count);
        FN_TRY(compact ? take_listed(r, ctx, &in) : r->flavour & JSON_DOCUMENT ? take_document(r, ctx, &in) : take_named(r, ctx, &in));
        r->at = (size_t)(in.at - r->window.data);
        FN_TRY(make_block(r, ctx, out));
    }
    return FN_OK;
}

static fn_status open_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, unsigned flavour,
                             fn_reader **reader)
{
    row_reader *r;
    FN_TRY(row_reader_new(ctx, schema, in, s, missing, NULL, &r));
    r->flavour = flavour;
    r->base.next = reader_next;
    *reader = &r->base;
    return FN_OK;
}

/* ---- inference ---- */
static fn_status infer_list(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, const infer_type **out)
{
    const infer_type *list;
    text_skip_space(in);
    if (in->at >= in->end || *in->at != '[') return json_expected(ctx, in, "'['");
    *out = &infer_scalars[INFER_NOTHING];
    in->at++;
    for (bool first = true; !json_take(in, ']'); first = false) {
        if (!first && !json_take(in, ',')) return json_expected(ctx, in, "',' or ']'");
        FN_TRY(infer_json(ctx, &s->infer, &s->text, in, &list));
        FN_TRY(infer_merge(ctx, &s->infer, INFER_JSON, *out, list, out));
        if (!*out) return fn_fail(ctx, FN_TYPE_MISMATCH, "The values of a column have no common type");
    }
    return FN_OK;
}

static fn_status infer(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, unsigned flavour, fn_schema *out)
{
    (void)complete; /* columns need the whole text: a cut one fails to parse */
    fn_text_in in = {head.data, head.data + head.size, head.data};
    infer_columns columns = {.options = &s->infer, .family = INFER_JSON};
    const bool compact = flavour & JSON_COMPACT;
    if (!json_take(&in, compact ? '[' : '{')) return json_expected(ctx, &in, compact ? "'['" : "'{'");
    while (!json_take(&in, compact ? ']' : '}')) {
        text_token key = {.begin = NULL};
        const infer_type *type;
        if (columns.count && !json_take(&in, ',')) return json_expected(ctx, &in, "','");
        const char *numbered = fn_arena_printf(ctx, ctx->arena, "c%u", columns.count + 1);
        FN_TRY_PTR(ctx, numbered);
        fn_status status = compact ? FN_OK : json_take_key(ctx, &in, &s->text, &key);
        if (status == FN_OK && flavour & JSON_DOCUMENT) {
            status = fn_str_eq(key.value, FN_STR("meta")) ? json_take_meta(ctx, &in, &s->text, out) : fn_fail(ctx, FN_INCORRECT_DATA, "Expected field \"meta\" with columns names and types");
            text_token_release(&key);
            return status;
        }
        if (status == FN_OK) status = infer_list(ctx, s, &in, &type);
        if (status == FN_OK) status = infer_add_named(ctx, &columns, compact ? fn_cstr(numbered) : key.value, type);
        text_token_release(&key);
        FN_TRY(status);
    }
    return infer_finish(ctx, &columns, out);
}

TEXT_FLAVOUR(json_columns, "JSONColumns", "application/json; charset=UTF-8", JSON_COLUMNS, "A JSON object with a list of values per column.")
TEXT_FLAVOUR(json_compact_columns, "JSONCompactColumns", "application/json; charset=UTF-8", JSON_COLUMNS | JSON_COMPACT, "A JSON list of lists, one per column.")
TEXT_FLAVOUR(json_columns_meta, "JSONColumnsWithMetadata", "application/json; charset=UTF-8", JSON_COLUMNS | JSON_DOCUMENT, "JSONColumns inside a document with meta and figures.")
