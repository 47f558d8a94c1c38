/* row_reader.c - see row_reader.h. SPDX-License-Identifier: Apache-2.0 */
#include "text/row_reader.h"
#include "text/row_pieces.h"
#include <stdio.h>

enum { READ_BYTES = 1 << 20, BLOCK_BYTES = 32 << 20, ROW_MAX = 1 << 30 };

fn_status row_reader_read(row_reader *r, fn_ctx *ctx, size_t want)
{
    if (r->at) {
        memmove(r->window.data, r->window.data + r->at, r->window.size - r->at);
        r->window.size -= r->at;
        r->at = 0;
    }
    if (r->window.size > ROW_MAX) return fn_fail(ctx, FN_INCORRECT_DATA, "A row is longer than %d bytes", ROW_MAX);
    FN_TRY(fn_buf_reserve(ctx, &r->window, want));
    size_t got;
    FN_TRY(r->in->read(r->in, ctx, r->window.data + r->window.size, want, &got));
    r->window.size += got;
    r->ended = got == 0;
    return FN_OK;
}

fn_status row_reader_more(row_reader *r, fn_ctx *ctx)
{
    return row_reader_read(r, ctx, FN_MAX((size_t)READ_BYTES, r->window.size - r->at));
}

static void take_back(row_reader *r, uint32_t rows)
{
    for (uint32_t c = 0; c < r->schema.count; c++) fn_builder_truncate(&r->builders[c], rows);
}

/* "... (at row 3)" */
static fn_status name_row(row_reader *r, fn_ctx *ctx, fn_status status)
{
    const size_t n = strlen(ctx->error.text);
    (void)snprintf(ctx->error.text + n, sizeof ctx->error.text - n, ": (at row %llu)\n", (unsigned long long)(r->rows + 1));
    return status;
}

static bool allowed(row_reader *r)
{
    if (!r->skip) return false;
    return r->errors < r->settings.errors_allowed || (double)(r->errors + 1) <= r->settings.errors_allowed_ratio * (double)(r->rows + r->errors + 1);
}

/* Runs `parse` on one whole row (or the header). */
static fn_status one(row_reader *r, fn_ctx *ctx, row_fn *parse, uint32_t rows, bool *end)
{
    for (;;) {
        const char *const base = r->window.data ? r->window.data : ""; /* nothing read yet */
        fn_text_in in = {base + r->at, base + r->window.size, base};
        *end = false;
        r->row_at = r->at;
        if (r->keyed) memset(r->seen, 0, r->schema.count);
        const fn_status status = r->window.size == 0 && !r->ended ? FN_OK : parse(r, ctx, &in, end);
        if (row_is_hopeless(status)) return status;
        const bool cut = !r->ended && (r->window.size == 0 || in.at >= in.end || status != FN_OK);
        if (!cut) {
            if (status == FN_OK) {
                r->at = (size_t)(in.at - base);
                return FN_OK;
            }
            if (!allowed(r)) return name_row(r, ctx, status);
            r->errors++;
            fn_error_clear(ctx);
            take_back(r, rows);
            in.at = r->window.data + r->at;
            *end = !r->skip(&in);
            r->at = (size_t)(in.at - r->window.data);
            if (*end) return FN_OK;
            continue;
        }
        fn_error_clear(ctx);
        take_back(r, rows);
        FN_TRY(row_reader_more(r, ctx));
    }
}

static size_t builder_bytes(const row_reader *r)
{
    size_t n = 0;
    for (uint32_t c = 0; c < r->schema.count; c++) n += r->builders[c].values.size;
    return n;
}

/* Pieces of one text are alike: the next block gets room as the last one needed it, for as much text as there is and an eighth more. Growing
 * to it would copy the values several times and leave a third of the room unused. */
static fn_status reserve_block(row_reader *r, fn_ctx *ctx)
{
    if (!r->block_bytes) return FN_OK;
    const double part = 1.125 * (double)FN_MIN(r->window.size - r->at, r->block_bytes) / (double)r->block_bytes;
    for (uint32_t c = 0; c < r->schema.count; c++) {
        fn_builder *b = &r->builders[c];
        const struct row_room *last = &r->room[c];
        if (last->values) FN_TRY(fn_buf_reserve(ctx, &b->values, (size_t)(part * (double)last->values)));
        if (last->offsets) FN_TRY(fn_buf_reserve(ctx, &b->offsets, (size_t)(part * (double)last->offsets)));
        if (last->nulls) FN_TRY(fn_buf_reserve(ctx, &b->nulls, (size_t)(part * (double)last->nulls)));
    }
    return FN_OK;
}

static fn_status finish_block(row_reader *r, fn_ctx *ctx, uint32_t rows, fn_block **out)
{
    fn_block *b = fn_block_new(ctx, r->schema.count, rows);
    FN_TRY_PTR(ctx, b);
    for (uint32_t c = 0; c < r->schema.count; c++) {
        const fn_builder *from = &r->builders[c];
        r->room[c] = (struct row_room){from->values.size, from->offsets.size, from->nulls.size};
        const fn_status status = fn_builder_finish(ctx, &r->builders[c], &b->columns[c]);
        if (status == FN_OK) continue;
        fn_block_drop(b);
        return status;
    }
    if (r->missing)
        for (uint32_t c = 0; c < r->schema.count; c++) r->missing[c] = r->keyed ? !r->block_seen[c] : !r->seen[c];
    *out = b;
    return FN_OK;
}

static fn_status reader_next(fn_reader *base, fn_ctx *ctx, fn_block **out)
{
    row_reader *r = (row_reader *)base;
    uint32_t rows = 0;
    bool end = false;
    *out = NULL;
    if (r->head) {
        row_fn *head = r->head;
        r->head = NULL;
        FN_TRY(one(r, ctx, head, 0, &end));
        r->done = end;
    }
    if (r->boundary && r->settings.workers && r->settings.worker_count > 1 && !r->done) {
        bool serial;
        FN_TRY(row_pieces_next(r, ctx, out, &serial));
        if (!serial) return FN_OK;
    }
    if (!r->quick)
        FN_TRY(quick_fields_new(ctx, r->style, &r->schema, r->builders, r->columns, r->columns ? r->column_count : r->schema.count, &r->settings.text, &r->quick));
    const size_t from = r->at;
    if (r->is_piece && !r->done && r->at < r->window.size) FN_TRY(reserve_block(r, ctx));
    while (!r->done && rows < r->settings.max_block_rows) {
        FN_TRY(one(r, ctx, r->row, rows, &r->done));
        if (r->done) break;
        if (r->keyed && rows == 0) memcpy(r->block_seen, r->seen, r->schema.count);
        if (r->keyed && memcmp(r->block_seen, r->seen, r->schema.count) != 0) { /* read again as the first row of the next block */
            take_back(r, rows);
            r->at = r->row_at;
            break;
        }
        rows++;
        r->rows++;
        if ((rows & 1023) == 0 && builder_bytes(r) > BLOCK_BYTES) break;
    }
    if (r->is_piece && rows) r->block_bytes = r->at - from;
    return rows ? finish_block(r, ctx, rows, out) : FN_OK;
}

static void reader_close(fn_reader *base)
{
    row_reader *r = (row_reader *)base;
    for (uint32_t c = 0; r->builders && c < r->schema.count; c++) fn_builder_release(&r->builders[c]);
    row_pieces_free(r->pieces);
    quick_fields_free(r->quick);
    fn_free(r->builders);
    fn_free(r->room);
    fn_free(r->seen);
    fn_free(r->block_seen);
    fn_free(r->columns);
    fn_buf_release(&r->window);
    fn_buf_release(&r->scratch);
    fn_free(r);
}

fn_status row_reader_new(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, row_fn *row,
                         row_reader **out)
{
    row_reader *r = fn_alloc_zero(ctx, sizeof *r);
    FN_TRY_PTR(ctx, r);
    r->base = (fn_reader){reader_next, reader_close};
    r->in = in;
    r->schema = *schema;
    r->settings = *s;
    r->missing = missing;
    r->row = row;
    r->builders = fn_alloc_zero(ctx, (schema->count + 1u) * sizeof *r->builders);
    r->seen = fn_alloc_zero(ctx, schema->count + 1u);
    r->block_seen = fn_alloc_zero(ctx, schema->count + 1u);
    r->room = fn_alloc_zero(ctx, (schema->count + 1u) * sizeof *r->room);
    fn_status status = r->builders && r->seen && r->block_seen && r->room ? FN_OK : ctx->error.code;
    for (uint32_t c = 0; c < schema->count && status == FN_OK; c++) {
        status = fn_builder_init(ctx, &r->builders[c], schema->fields[c].type);
        r->seen[c] = true;
    }
    if (status != FN_OK) reader_close(&r->base);
    else *out = r;
    return status;
}

fn_status row_reader_fill(row_reader *r, fn_ctx *ctx)
{
    uint32_t most = 0;
    for (uint32_t c = 0; c < r->schema.count; c++) most = FN_MAX(most, r->builders[c].rows);
    for (uint32_t c = 0; c < r->schema.count; c++)
        if (r->builders[c].rows < most) FN_TRY(fn_builder_default(ctx, &r->builders[c]));
    return FN_OK;
}

fn_status row_reader_bind(row_reader *r, fn_ctx *ctx, const fn_str *names, uint32_t count)
{
    fn_free(r->columns);
    r->columns = fn_alloc(ctx, (count + 1u) * sizeof *r->columns);
    FN_TRY_PTR(ctx, r->columns);
    r->column_count = count;
    memset(r->seen, 0, r->schema.count);
    for (uint32_t i = 0; i < count; i++) {
        r->columns[i] = fn_schema_find(&r->schema, names[i]);
        if (r->columns[i] < 0 && !r->settings.text.skip_unknown_fields)
            return fn_fail(ctx, FN_INCORRECT_DATA, "Unknown field found in the header: '" FN_STR_FMT "' at position %u", FN_STR_ARG(names[i]), i);
        if (r->columns[i] >= 0 && r->seen[r->columns[i]])
            return fn_fail(ctx, FN_INCORRECT_DATA, "Duplicate field found while parsing the header: " FN_STR_FMT, FN_STR_ARG(names[i]));
        if (r->columns[i] >= 0) r->seen[r->columns[i]] = true;
    }
    return FN_OK;
}

bool row_skip_line(fn_text_in *in)
{
    const char *newline = memchr(in->at, '\n', (size_t)(in->end - in->at));
    in->at = newline ? newline + 1 : in->end;
    return in->at < in->end;
}

void row_skip_lines(fn_text_in *in, uint64_t count)
{
    for (; count && in->at < in->end; count--) (void)row_skip_line(in);
}

static bool all_columns(const row_reader *r, const infer_fields *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (fn_schema_find(&r->schema, f->texts[i]) < 0) return false;
    return f->count > 0;
}

static bool all_types(const row_reader *r, const infer_fields *names, const infer_fields *types)
{
    if (names->count != types->count) return false;
    for (uint32_t i = 0; i < types->count; i++)
        if (!fn_str_eq(types->texts[i], fn_cstr(r->schema.fields[fn_schema_find(&r->schema, names->texts[i])].type->name))) return false;
    return true;
}

/* A line of types below the names is dropped. */
static fn_status skip_types(row_reader *r, fn_ctx *ctx, fn_text_in *in, const row_header *h, const infer_fields *names)
{
    infer_fields types = {.keep_texts = true};
    const char *from = in->at;
    bool none;
    const fn_status status = h->row(ctx, &r->settings, in, &types, &none);
    if (h->types) return status;
    if (status != FN_OK) fn_error_clear(ctx);
    if (status != FN_OK || none || !all_types(r, names, &types)) in->at = from;
    return FN_OK;
}

fn_status row_reader_header(row_reader *r, fn_ctx *ctx, fn_text_in *in, const row_header *h, bool *end)
{
    infer_fields names = {.keep_texts = true};
    row_skip_lines(in, h->skip_lines);
    *end = false;
    if (!h->names && !h->detect) return FN_OK;
    const char *from = in->at;
    const fn_status status = h->row(ctx, &r->settings, in, &names, end);
    if (!h->names) {
        if (status != FN_OK) fn_error_clear(ctx);
        if (status != FN_OK || *end || !all_columns(r, &names)) {
            in->at = from;
            *end = false;
            return FN_OK;
        }
    }
    FN_TRY(status);
    if (*end) return FN_OK;
    if (!h->names || r->settings.with_names_use_header) FN_TRY(row_reader_bind(r, ctx, names.texts, names.count));
    return in->at < in->end && (h->types || !h->names) ? skip_types(r, ctx, in, h, &names) : FN_OK;
}
