/* format_pretty.c - tables for the eye: Pretty, PrettyCompact, PrettySpace, Vertical, Markdown. Widths are counted in code
 * points. SPDX-License-Identifier: Apache-2.0 */
#include "text/text_writer.h"

typedef enum pretty_style { STYLE_FULL, STYLE_COMPACT, STYLE_SPACE, STYLE_MARKDOWN } pretty_style;

/* The texts of a block's cells, with their widths. */
typedef struct cell_grid {
    fn_buf text;
    uint32_t *ends;   /* of cell (row * count + column) in text */
    uint32_t *widths; /* per column */
} cell_grid;

static uint32_t width_of(const char *s, size_t n)
{
    uint32_t w = 0;
    for (size_t i = 0; i < n; i++) w += ((unsigned char)s[i] & 0xc0) != 0x80;
    return w;
}

static fn_str cell(const cell_grid *g, size_t i)
{
    const uint32_t from = i ? g->ends[i - 1] : 0;
    return (fn_str){g->text.data + from, g->ends[i] - from};
}

static fn_status fill_grid(text_writer *w, fn_ctx *ctx, const fn_block *b, cell_grid *g)
{
    g->ends = fn_alloc(ctx, ((size_t)b->rows * b->count + 1) * sizeof *g->ends);
    g->widths = fn_alloc_zero(ctx, (b->count + 1u) * sizeof *g->widths);
    if (!g->ends || !g->widths) return ctx->error.code;
    for (uint32_t c = 0; c < b->count; c++) g->widths[c] = width_of(w->schema.fields[c].name.data, w->schema.fields[c].name.size);
    for (uint32_t r = 0; r < b->rows; r++)
        for (uint32_t c = 0; c < b->count; c++) {
            const size_t from = g->text.size;
            FN_TRY(fn_text_write(ctx, b->columns[c], r, FN_TEXT_PLAIN, &w->settings.text, &g->text));
            g->ends[(size_t)r * b->count + c] = (uint32_t)g->text.size;
            g->widths[c] = FN_MAX(g->widths[c], width_of(g->text.data + from, g->text.size - from));
        }
    return FN_OK;
}

static fn_status put_times(fn_ctx *ctx, fn_buf *out, const char *s, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) FN_TRY(fn_buf_cstr(ctx, out, s));
    return FN_OK;
}

/* left, line repeated over each column's width + 2, middle between columns, right */
static fn_status put_rule(text_writer *w, fn_ctx *ctx, const cell_grid *g, const char *left, const char *line, const char *middle, const char *right)
{
    FN_TRY(fn_buf_cstr(ctx, &w->buf, left));
    for (uint32_t c = 0; c < w->schema.count; c++) {
        if (c) FN_TRY(fn_buf_cstr(ctx, &w->buf, middle));
        FN_TRY(put_times(ctx, &w->buf, line, g->widths[c] + 2));
    }
    FN_TRY(fn_buf_cstr(ctx, &w->buf, right));
    return fn_buf_byte(ctx, &w->buf, '\n');
}

static fn_status put_padded(text_writer *w, fn_ctx *ctx, fn_str s, uint32_t width, bool right)
{
    const uint32_t pad = width - FN_MIN(width, width_of(s.data, s.size));
    if (right) FN_TRY(put_times(ctx, &w->buf, " ", pad));
    FN_TRY(fn_buf_str(ctx, &w->buf, s));
    return right ? FN_OK : put_times(ctx, &w->buf, " ", pad);
}

static bool right_aligned(const fn_type *t)
{
    return fn_type_is_number(fn_type_base(t)) && fn_type_base(t)->id != FN_T_BOOL;
}

/* PrettyCompact draws the names into the upper line. */
static fn_status put_compact_names(text_writer *w, fn_ctx *ctx, const cell_grid *g)
{
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "┌"));
    for (uint32_t c = 0; c < w->schema.count; c++) {
        const fn_str name = w->schema.fields[c].name;
        const uint32_t pad = g->widths[c] - width_of(name.data, name.size);
        const bool right = right_aligned(w->schema.fields[c].type);
        if (c) FN_TRY(fn_buf_cstr(ctx, &w->buf, "┬"));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, "─"));
        if (right) FN_TRY(put_times(ctx, &w->buf, "─", pad));
        FN_TRY(fn_buf_str(ctx, &w->buf, name));
        if (!right) FN_TRY(put_times(ctx, &w->buf, "─", pad));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, "─"));
    }
    return fn_buf_cstr(ctx, &w->buf, "┐\n");
}

static fn_status put_names(text_writer *w, fn_ctx *ctx, const cell_grid *g, const char *bar)
{
    FN_TRY(fn_buf_cstr(ctx, &w->buf, bar));
    for (uint32_t c = 0; c < w->schema.count; c++) {
        FN_TRY(fn_buf_byte(ctx, &w->buf, ' '));
        FN_TRY(put_padded(w, ctx, w->schema.fields[c].name, g->widths[c], right_aligned(w->schema.fields[c].type)));
        FN_TRY(fn_buf_printf(ctx, &w->buf, " %s", bar));
    }
    return fn_buf_byte(ctx, &w->buf, '\n');
}

static fn_status put_cells(text_writer *w, fn_ctx *ctx, const cell_grid *g, uint32_t row, const char *bar)
{
    FN_TRY(fn_buf_cstr(ctx, &w->buf, bar));
    for (uint32_t c = 0; c < w->schema.count; c++) {
        FN_TRY(fn_buf_byte(ctx, &w->buf, ' '));
        FN_TRY(put_padded(w, ctx, cell(g, (size_t)row * w->schema.count + c), g->widths[c], right_aligned(w->schema.fields[c].type)));
        FN_TRY(fn_buf_printf(ctx, &w->buf, " %s", bar));
    }
    return fn_buf_byte(ctx, &w->buf, '\n');
}

static fn_status put_space_line(text_writer *w, fn_ctx *ctx, const cell_grid *g, uint32_t row, bool names)
{
    for (uint32_t c = 0; c < w->schema.count; c++) {
        const fn_str s = names ? w->schema.fields[c].name : cell(g, (size_t)row * w->schema.count + c);
        FN_TRY(fn_buf_cstr(ctx, &w->buf, c ? "   " : " "));
        const bool right = right_aligned(w->schema.fields[c].type);
        if (c + 1 == w->schema.count && !right) FN_TRY(fn_buf_str(ctx, &w->buf, s));
        else FN_TRY(put_padded(w, ctx, s, g->widths[c], right));
    }
    return fn_buf_byte(ctx, &w->buf, '\n');
}

static fn_status put_full(text_writer *w, fn_ctx *ctx, const cell_grid *g, uint32_t rows)
{
    FN_TRY(put_rule(w, ctx, g, "┏", "━", "┳", "┓"));
    FN_TRY(put_names(w, ctx, g, "┃"));
    FN_TRY(put_rule(w, ctx, g, "┡", "━", "╇", "┩"));
    for (uint32_t r = 0; r < rows; r++) {
        if (r) FN_TRY(put_rule(w, ctx, g, "├", "─", "┼", "┤"));
        FN_TRY(put_cells(w, ctx, g, r, "│"));
    }
    return put_rule(w, ctx, g, "└", "─", "┴", "┘");
}

static fn_status put_compact(text_writer *w, fn_ctx *ctx, const cell_grid *g, uint32_t rows)
{
    FN_TRY(put_compact_names(w, ctx, g));
    for (uint32_t r = 0; r < rows; r++) FN_TRY(put_cells(w, ctx, g, r, "│"));
    return put_rule(w, ctx, g, "└", "─", "┴", "┘");
}

static fn_status put_space(text_writer *w, fn_ctx *ctx, const cell_grid *g, uint32_t rows)
{
    FN_TRY(put_space_line(w, ctx, g, 0, true));
    FN_TRY(fn_buf_byte(ctx, &w->buf, '\n'));
    for (uint32_t r = 0; r < rows; r++) FN_TRY(put_space_line(w, ctx, g, r, false));
    return FN_OK;
}

static fn_status put_markdown(text_writer *w, fn_ctx *ctx, const cell_grid *g, uint32_t rows)
{
    if (w->rows == 0) {
        FN_TRY(put_names(w, ctx, g, "|"));
        FN_TRY(fn_buf_byte(ctx, &w->buf, '|'));
        for (uint32_t c = 0; c < w->schema.count; c++) FN_TRY(fn_buf_cstr(ctx, &w->buf, right_aligned(w->schema.fields[c].type) ? "-:|" : ":-|"));
        FN_TRY(fn_buf_byte(ctx, &w->buf, '\n'));
    }
    for (uint32_t r = 0; r < rows; r++) FN_TRY(put_cells(w, ctx, g, r, "|"));
    return FN_OK;
}

typedef fn_status put_grid_fn(text_writer *w, fn_ctx *ctx, const cell_grid *g, uint32_t rows);
static put_grid_fn *const styles[] = {[STYLE_FULL] = put_full, [STYLE_COMPACT] = put_compact, [STYLE_SPACE] = put_space, [STYLE_MARKDOWN] = put_markdown};

static fn_status put_block(text_writer *w, fn_ctx *ctx, const fn_block *block)
{
    fn_block *flat;
    cell_grid g = {.text = FN_BUF_INIT};
    FN_TRY(text_flat_block(ctx, block, &flat));
    fn_status status = fill_grid(w, ctx, flat, &g);
    if (status == FN_OK) status = styles[w->flavour](w, ctx, &g, flat->rows);
    fn_buf_release(&g.text);
    fn_free(g.ends);
    fn_free(g.widths);
    fn_block_drop(flat);
    return status;
}

static fn_status write_block(fn_writer *base, fn_ctx *ctx, const fn_block *block)
{
    text_writer *w = (text_writer *)base;
    const uint64_t limit = w->settings.pretty.max_rows;
    if (block->rows == 0) return FN_OK;
    if (limit && w->rows >= limit) {
        w->rows += block->rows;
        return FN_OK;
    }
    fn_block *part = limit && w->rows + block->rows > limit ? fn_block_slice(ctx, block, 0, (uint32_t)(limit - w->rows)) : fn_block_ref(block);
    FN_TRY_PTR(ctx, part);
    const fn_status status = put_block(w, ctx, part);
    fn_block_drop(part);
    w->rows += block->rows;
    return status == FN_OK ? text_writer_flush(w, ctx, 0) : status;
}

static fn_status finish(fn_writer *base, fn_ctx *ctx, const fn_format_stats *stats)
{
    text_writer *w = (text_writer *)base;
    const uint64_t limit = w->settings.pretty.max_rows;
    if (limit && w->rows > limit && w->flavour != STYLE_MARKDOWN)
        FN_TRY(fn_buf_printf(ctx, &w->buf, "  Showed first %llu.\n", (unsigned long long)limit));
    if (stats->totals && stats->totals->rows) {
        FN_TRY(fn_buf_cstr(ctx, &w->buf, "\nTotals:\n"));
        FN_TRY(put_block(w, ctx, stats->totals));
    }
    if (stats->extremes && stats->extremes->rows) {
        FN_TRY(fn_buf_cstr(ctx, &w->buf, "\nExtremes:\n"));
        FN_TRY(put_block(w, ctx, stats->extremes));
    }
    return text_writer_flush(w, ctx, 0);
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, pretty_style style, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, NULL, &w));
    w->flavour = (unsigned)style;
    w->base.block = write_block;
    w->base.finish = finish;
    *writer = &w->base;
    return FN_OK;
}

#define FLAVOUR(symbol, text, alias, style, words)                                                                                  \
    static fn_status symbol##_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **w) \
    {                                                                                                                               \
        return open_writer(ctx, schema, out, s, style, w);                                                                          \
    }                                                                                                                               \
    const fn_format format_##symbol = {.name = text, .aliases = alias, .content_type = "text/plain; charset=UTF-8", .open_writer = symbol##_writer, .about = words};
static const char *const full[] = {"PrettyNoEscapes", "PrettyMonoBlock", NULL}, *const compact[] = {"PrettyCompactMonoBlock", "PrettyCompactNoEscapes", NULL};
static const char *const space[] = {"PrettySpaceNoEscapes", "PrettySpaceMonoBlock", NULL}, *const md[] = {"MD", NULL};
FLAVOUR(pretty, "Pretty", full, STYLE_FULL, "A table with lines around each row.")
FLAVOUR(pretty_compact, "PrettyCompact", compact, STYLE_COMPACT, "A table with lines around the whole.")
FLAVOUR(pretty_space, "PrettySpace", space, STYLE_SPACE, "A table laid out with spaces.")
FLAVOUR(markdown, "Markdown", md, STYLE_MARKDOWN, "A Markdown table.")
