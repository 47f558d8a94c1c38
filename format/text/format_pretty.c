/* format_pretty.c - tables for the eye: Pretty, PrettyCompact, PrettySpace; output only.
 *
 * The result is kept (its beginning and its end, when it is longer than max_rows) and drawn as one table at the end. Values with line
 * breaks take several lines; few rows of a wide table, or of one with such values, are shown as Vertical. The layout is ClickHouse's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/pretty_cell.h"
#include "text/text_width.h"

typedef enum pretty_style { STYLE_FULL, STYLE_COMPACT, STYLE_SPACE } pretty_style;

typedef struct kept_block {
    fn_block *block;
    uint64_t first; /* row number of its first row, from 0 */
} kept_block;

typedef struct table_writer {
    text_writer text; /* first */
    kept_block *blocks;
    uint32_t count, capacity;
} table_writer;

/* The texts of the cells shown, with the widths of their columns. */
typedef struct cell_grid {
    fn_buf text, tips;
    uint32_t *ends;     /* of cell (row * columns + column) in text */
    uint32_t *tip_ends; /* per row in tips */
    uint64_t *numbers;  /* per row: its number in the result, from 1 */
    uint32_t *widths;   /* per column */
    uint32_t rows, columns, head; /* head: rows before the gap; = rows when nothing is left out */
    uint32_t number_width;
    bool lines;         /* some cell has a line break */
} cell_grid;

/* Pieces of the frame: UTF-8 and ASCII. */
typedef struct frame {
    const char *line, *left[4], *middle[4], *right[4], *heavy, *bar, *heavy_bar, *more, *again;
} frame;
enum { TOP, UNDER_NAMES, BETWEEN, BOTTOM };
static const frame utf8_full = {"─", {"┏", "┡", "├", "└"}, {"┳", "╇", "┼", "┴"}, {"┓", "┩", "┤", "┘"}, "━", "│", "┃", "↴", "↳"};
static const frame utf8_compact = {"─", {"┌", "├", "├", "└"}, {"┬", "┼", "┼", "┴"}, {"┐", "┤", "┤", "┘"}, "─", "│", "│", "↴", "↳"};
static const frame ascii = {"-", {"+", "+", "+", "+"}, {"+", "+", "+", "+"}, {"+", "+", "+", "+"}, "-", "|", "|", "↴", "↳"};

static fn_str cell(const cell_grid *g, uint32_t row, uint32_t column)
{
    const size_t i = (size_t)row * g->columns + column;
    const uint32_t from = i ? g->ends[i - 1] : 0;
    return (fn_str){g->text.data + from, g->ends[i] - from};
}

static bool right_aligned(const fn_type *t)
{
    const fn_type *base = fn_type_base(t);
    return (fn_type_is_number(base) && base->id != FN_T_BOOL) || fn_type_is_date_or_time(base) || base->id == FN_T_INTERVAL || base->id == FN_T_TIME || base->id == FN_T_TIME64;
}

static bool is_multiline(const text_writer *w)
{
    return w->settings.pretty.multiline;
}

/* The n-th line of a cell; *last: no further one. */
static fn_str cell_line(const text_writer *w, fn_str s, uint32_t n, bool *last)
{
    if (!is_multiline(w)) n = n ? UINT32_MAX : 0;
    for (; n; n--) {
        const char *newline = s.size && n != UINT32_MAX ? memchr(s.data, '\n', s.size) : NULL;
        if (!newline) {
            *last = true;
            return (fn_str){s.data, 0};
        }
        s = (fn_str){newline + 1, s.size - (size_t)(newline + 1 - s.data)};
    }
    const char *newline = s.size && is_multiline(w) ? memchr(s.data, '\n', s.size) : NULL;
    *last = !newline;
    return newline ? (fn_str){s.data, (size_t)(newline - s.data)} : s;
}

static fn_status add_cell(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row, uint32_t c, cell_grid *g)
{
    const uint64_t most = b->count == 1 ? 0 : w->settings.pretty.max_value_width;
    const size_t from = g->text.size;
    FN_TRY(pretty_put_cell(ctx, b->columns[c], row, &w->settings.text, true, &g->text));
    const fn_str text = {g->text.data + from, g->text.size - from};
    if (most && text_width(text, 2) > most) {
        g->text.size = from + text_cut(text, (uint32_t)FN_MIN(most, (uint64_t)UINT32_MAX)).size;
        FN_TRY(fn_buf_cstr(ctx, &g->text, "⋯"));
    }
    const fn_str whole = {g->text.data + from, g->text.size - from};
    if (c + 1 == b->count) FN_TRY(pretty_put_tip(ctx, b->columns[c], row, whole, w->settings.pretty.tip_threshold, &g->tips));
    bool last = false;
    for (uint32_t n = 0; !last; n++) {
        const fn_str line = cell_line(w, whole, n, &last);
        g->widths[c] = FN_MAX(g->widths[c], text_width(line, 2));
        g->lines |= !last;
    }
    g->ends[(size_t)g->rows * g->columns + c] = (uint32_t)g->text.size;
    return FN_OK;
}

static fn_status add_row(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row, uint64_t number, cell_grid *g)
{
    for (uint32_t c = 0; c < b->count; c++) FN_TRY(add_cell(w, ctx, b, row, c, g));
    g->tip_ends[g->rows] = (uint32_t)g->tips.size;
    g->numbers[g->rows++] = number;
    return FN_OK;
}

static fn_status grid_init(text_writer *w, fn_ctx *ctx, uint64_t rows, uint64_t last_number, cell_grid *g)
{
    *g = (cell_grid){.columns = w->schema.count};
    g->ends = fn_alloc(ctx, (rows * w->schema.count + 1) * sizeof *g->ends);
    g->tip_ends = fn_alloc(ctx, (rows + 1) * sizeof *g->tip_ends);
    g->numbers = fn_alloc(ctx, (rows + 1) * sizeof *g->numbers);
    g->widths = fn_alloc_zero(ctx, (w->schema.count + 1u) * sizeof *g->widths);
    if (!g->ends || !g->widths || !g->tip_ends || !g->numbers) return ctx->error.code;
    for (uint32_t c = 0; c < w->schema.count; c++) g->widths[c] = text_width(w->schema.fields[c].name, 0);
    if (!w->settings.pretty.row_numbers) return FN_OK;
    for (g->number_width = 3; last_number >= 10; last_number /= 10) g->number_width++;
    return FN_OK;
}

static void grid_release(cell_grid *g)
{
    fn_buf_release(&g->text);
    fn_buf_release(&g->tips);
    fn_free(g->ends);
    fn_free(g->tip_ends);
    fn_free(g->numbers);
    fn_free(g->widths);
}

/* ---- drawing ---- */
static fn_status put_times(fn_ctx *ctx, fn_buf *out, const char *s, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) FN_TRY(fn_buf_cstr(ctx, out, s));
    return FN_OK;
}

static fn_status put_margin(text_writer *w, fn_ctx *ctx, const cell_grid *g)
{
    return put_times(ctx, &w->buf, " ", g->number_width);
}

static uint64_t padding(const text_writer *w, const cell_grid *g, uint32_t c, uint32_t width)
{
    const uint64_t to = FN_MIN((uint64_t)g->widths[c], w->settings.pretty.max_pad_width);
    return width < to ? to - width : 0;
}

/* A line of the frame; with names: they are drawn into it. */
static fn_status put_rule(text_writer *w, fn_ctx *ctx, const cell_grid *g, const frame *f, int place, const char *line, bool names)
{
    FN_TRY(put_margin(w, ctx, g));
    FN_TRY(fn_buf_cstr(ctx, &w->buf, f->left[place]));
    for (uint32_t c = 0; c < g->columns; c++) {
        const fn_str name = names ? w->schema.fields[c].name : (fn_str){NULL, 0};
        const uint64_t pad = padding(w, g, c, text_width(name, 0));
        const bool right = right_aligned(w->schema.fields[c].type);
        if (c) FN_TRY(fn_buf_cstr(ctx, &w->buf, f->middle[place]));
        FN_TRY(put_times(ctx, &w->buf, line, right ? pad + 1 : 1));
        if (name.size) FN_TRY(fn_buf_str(ctx, &w->buf, name));
        FN_TRY(put_times(ctx, &w->buf, line, right ? 1 : pad + 1));
    }
    return fn_buf_printf(ctx, &w->buf, "%s\n", f->right[place]);
}

static fn_status put_padded(text_writer *w, fn_ctx *ctx, const cell_grid *g, uint32_t c, fn_str s)
{
    const uint64_t pad = padding(w, g, c, text_width(s, 2));
    const bool right = right_aligned(w->schema.fields[c].type);
    if (right) FN_TRY(put_times(ctx, &w->buf, " ", pad));
    FN_TRY(fn_buf_str(ctx, &w->buf, s));
    return right ? FN_OK : put_times(ctx, &w->buf, " ", pad);
}

static fn_status put_names(text_writer *w, fn_ctx *ctx, const cell_grid *g, const char *bar)
{
    FN_TRY(put_margin(w, ctx, g));
    FN_TRY(fn_buf_cstr(ctx, &w->buf, bar));
    for (uint32_t c = 0; c < g->columns; c++) {
        FN_TRY(fn_buf_byte(ctx, &w->buf, ' '));
        FN_TRY(put_padded(w, ctx, g, c, w->schema.fields[c].name));
        FN_TRY(fn_buf_printf(ctx, &w->buf, " %s", bar));
    }
    return fn_buf_byte(ctx, &w->buf, '\n');
}

static fn_status put_number(text_writer *w, fn_ctx *ctx, const cell_grid *g, uint32_t row, uint32_t line)
{
    if (line || !g->number_width) return put_margin(w, ctx, g);
    return fn_buf_printf(ctx, &w->buf, "%*llu. ", (int)g->number_width - 2, (unsigned long long)g->numbers[row]);
}

/* One line of a row of cells; *last: the row has no further one. PrettySpace has three spaces where the others have bars. */
static fn_status put_line(text_writer *w, fn_ctx *ctx, const cell_grid *g, uint32_t row, uint32_t line, const frame *f, bool *last)
{
    const bool space = w->flavour == STYLE_SPACE;
    *last = true;
    FN_TRY(put_number(w, ctx, g, row, line));
    for (uint32_t c = 0; c < g->columns; c++) {
        bool ends, begins;
        const fn_str s = cell(g, row, c), part = cell_line(w, s, line, &ends);
        (void)cell_line(w, s, line ? line - 1 : 0, &begins);
        if (!space) FN_TRY(fn_buf_cstr(ctx, &w->buf, f->bar));
        else if (c) FN_TRY(fn_buf_byte(ctx, &w->buf, ' '));
        const bool cut = part.size >= 3 && memcmp(part.data + part.size - 3, "⋯", 3) == 0 && text_width(part, 2) > w->settings.pretty.max_value_width;
        FN_TRY(fn_buf_cstr(ctx, &w->buf, line && !begins ? f->again : " "));
        FN_TRY(put_padded(w, ctx, g, c, part));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, !ends ? f->more : cut ? "" : " "));
        *last &= ends;
    }
    if (!space) FN_TRY(fn_buf_cstr(ctx, &w->buf, f->bar));
    const uint32_t from = row ? g->tip_ends[row - 1] : 0;
    if (!space && line == 0 && g->tip_ends[row] > from) FN_TRY(fn_buf_append(ctx, &w->buf, g->tips.data + from, g->tip_ends[row] - from));
    return fn_buf_byte(ctx, &w->buf, '\n');
}

static fn_status put_row(text_writer *w, fn_ctx *ctx, const cell_grid *g, uint32_t row, const frame *f)
{
    bool last = false;
    for (uint32_t line = 0; !last; line++) FN_TRY(put_line(w, ctx, g, row, line, f, &last));
    return text_writer_flush(w, ctx, 1 << 16);
}

/* Dashes where rows are left out. */
static fn_status put_gap(text_writer *w, fn_ctx *ctx, const cell_grid *g)
{
    uint64_t width = w->flavour == STYLE_SPACE ? 0 : 1;
    for (uint32_t c = 0; c < g->columns; c++) width += padding(w, g, c, 0) + (w->flavour == STYLE_SPACE && c == 0 ? 1 : 3);
    FN_TRY(put_margin(w, ctx, g));
    for (uint64_t i = 0; i < width; i++) FN_TRY(fn_buf_cstr(ctx, &w->buf, i & 1 ? " " : w->settings.pretty.ascii ? "-" : "─"));
    return fn_buf_byte(ctx, &w->buf, '\n');
}

static fn_status put_space_names(text_writer *w, fn_ctx *ctx, const cell_grid *g)
{
    FN_TRY(put_margin(w, ctx, g));
    for (uint32_t c = 0; c < g->columns; c++) {
        FN_TRY(fn_buf_cstr(ctx, &w->buf, c ? "   " : " "));
        FN_TRY(put_padded(w, ctx, g, c, w->schema.fields[c].name));
    }
    return fn_buf_cstr(ctx, &w->buf, "\n\n");
}

static bool has_footer(const text_writer *w, uint64_t total)
{
    return w->settings.pretty.footer_min_rows && total >= w->settings.pretty.footer_min_rows;
}

static fn_status draw_head(text_writer *w, fn_ctx *ctx, const cell_grid *g, const frame *f)
{
    if (w->flavour == STYLE_SPACE) return put_space_names(w, ctx, g);
    FN_TRY(put_rule(w, ctx, g, f, TOP, f->heavy, w->flavour == STYLE_COMPACT));
    if (w->flavour == STYLE_COMPACT) return FN_OK;
    FN_TRY(put_names(w, ctx, g, f->heavy_bar));
    return put_rule(w, ctx, g, f, UNDER_NAMES, f->heavy, false);
}

static fn_status draw_foot(text_writer *w, fn_ctx *ctx, const cell_grid *g, const frame *f, bool footer)
{
    static const frame heavy = {"━", {"┢", "┗", "", ""}, {"╈", "┻", "", ""}, {"┪", "┛", "", ""}, "━", "┃", "┃", "", ""};
    if (w->flavour == STYLE_SPACE) {
        if (!footer) return FN_OK;
        FN_TRY(fn_buf_byte(ctx, &w->buf, '\n'));
        FN_TRY(put_space_names(w, ctx, g));
        w->buf.size--; /* no empty line behind the names */
        return FN_OK;
    }
    if (w->flavour == STYLE_COMPACT || !footer) return put_rule(w, ctx, g, f, BOTTOM, f->line, footer);
    const frame *under = w->settings.pretty.ascii ? &ascii : &heavy;
    FN_TRY(put_rule(w, ctx, g, under, 0, under->line, false));
    FN_TRY(put_names(w, ctx, g, f->heavy_bar));
    return put_rule(w, ctx, g, under, 1, under->line, false);
}

static fn_status draw_table(text_writer *w, fn_ctx *ctx, const cell_grid *g, uint64_t total)
{
    const frame *f = w->settings.pretty.ascii ? &ascii : w->flavour == STYLE_FULL ? &utf8_full : &utf8_compact;
    const bool rules = w->flavour == STYLE_FULL;
    FN_TRY(draw_head(w, ctx, g, f));
    for (uint32_t row = 0; row < g->rows; row++) {
        if (row && rules) FN_TRY(put_rule(w, ctx, g, f, BETWEEN, f->line, false));
        if (row == g->head) {
            FN_TRY(put_gap(w, ctx, g));
            if (rules) FN_TRY(put_rule(w, ctx, g, f, BETWEEN, f->line, false));
        }
        FN_TRY(put_row(w, ctx, g, row, f));
    }
    FN_TRY(draw_foot(w, ctx, g, f, has_footer(w, total)));
    if (g->rows == total) return FN_OK;
    return fn_buf_printf(ctx, &w->buf, "%sShowed %u out of %llu rows.\n", w->flavour == STYLE_SPACE ? "\n" : "", g->rows, (unsigned long long)total);
}

/* ---- what is shown ---- */
static bool as_vertical(const text_writer *w, const cell_grid *g, uint64_t total)
{
    const fn_pretty_options *o = &w->settings.pretty;
    uint64_t width = 0;
    for (uint32_t c = 0; c < g->columns; c++) width += g->widths[c];
    return o->vertical_min_columns && g->columns >= o->vertical_min_columns && total <= o->vertical_max_rows && (width >= o->vertical_min_width || g->lines);
}

static fn_status draw_vertical(text_writer *w, fn_ctx *ctx, const fn_block *b, uint64_t first)
{
    for (uint32_t row = 0; row < b->rows; row++) {
        const char *title = fn_arena_printf(ctx, ctx->arena, "Row %llu:", (unsigned long long)(first + row + 1));
        FN_TRY_PTR(ctx, title);
        if (first + row) FN_TRY(fn_buf_byte(ctx, &w->buf, '\n'));
        FN_TRY(pretty_put_title(ctx, title, &w->buf));
        FN_TRY(pretty_put_vertical(w, ctx, b, row, true));
    }
    return FN_OK;
}

/* Rows [0, head) and [tail, total) of the kept blocks. */
static fn_status draw_blocks(text_writer *w, fn_ctx *ctx, const kept_block *blocks, uint32_t count, uint64_t total)
{
    const uint64_t limit = w->settings.pretty.max_rows;
    const bool gap = limit && total > limit;
    const uint64_t head = gap ? (limit + 1) / 2 : total, tail = gap ? total - limit / 2 : total;
    cell_grid g;
    fn_status status = grid_init(w, ctx, gap ? limit : total, total, &g);
    g.head = gap ? (uint32_t)head : UINT32_MAX;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        for (uint32_t r = 0; r < blocks[i].block->rows && status == FN_OK; r++) {
            const uint64_t n = blocks[i].first + r;
            if (n < head || n >= tail) status = add_row(w, ctx, blocks[i].block, r, n + 1, &g);
        }
    }
    const bool vertical = status == FN_OK && as_vertical(w, &g, total);
    if (status == FN_OK && !vertical) status = draw_table(w, ctx, &g, total);
    for (uint32_t i = 0; i < count && status == FN_OK && vertical; i++) status = draw_vertical(w, ctx, blocks[i].block, blocks[i].first);
    grid_release(&g);
    return status;
}

/* Blocks that lie in the gap are let go. */
static void forget_middle(table_writer *p)
{
    const uint64_t limit = p->text.settings.pretty.max_rows;
    uint32_t kept = 0;
    if (!limit) return;
    for (uint32_t i = 0; i < p->count; i++) {
        const kept_block *b = &p->blocks[i];
        const bool needed = b->first < (limit + 1) / 2 || b->first + b->block->rows + limit / 2 > p->text.rows;
        if (needed) p->blocks[kept++] = *b;
        else fn_block_drop(b->block);
    }
    p->count = kept;
}

static fn_status write_block(fn_writer *base, fn_ctx *ctx, const fn_block *block)
{
    table_writer *p = (table_writer *)base;
    fn_block *flat;
    if (block->rows == 0) return FN_OK;
    if (p->count == p->capacity) {
        const uint32_t capacity = p->capacity ? 2 * p->capacity : 16;
        kept_block *more = fn_realloc(ctx, p->blocks, capacity * sizeof *more);
        FN_TRY_PTR(ctx, more);
        p->blocks = more;
        p->capacity = capacity;
    }
    FN_TRY(text_flat_block(ctx, block, &flat));
    p->blocks[p->count++] = (kept_block){flat, p->text.rows};
    p->text.rows += block->rows;
    forget_middle(p);
    return FN_OK;
}

static fn_status put_extra(text_writer *w, fn_ctx *ctx, const char *title, const fn_block *b)
{
    fn_block *flat;
    if (!b || !b->rows) return FN_OK;
    FN_TRY(fn_buf_printf(ctx, &w->buf, "\n%s:\n", title));
    FN_TRY(text_flat_block(ctx, b, &flat));
    const kept_block one = {flat, 0};
    const fn_status status = draw_blocks(w, ctx, &one, 1, flat->rows);
    fn_block_drop(flat);
    return status;
}

static fn_status finish(fn_writer *base, fn_ctx *ctx, const fn_format_stats *stats)
{
    table_writer *p = (table_writer *)base;
    text_writer *w = &p->text;
    if (w->rows) FN_TRY(draw_blocks(w, ctx, p->blocks, p->count, w->rows));
    FN_TRY(put_extra(w, ctx, "Totals", stats->totals));
    FN_TRY(put_extra(w, ctx, "Extremes", stats->extremes));
    return text_writer_flush(w, ctx, 0);
}

static void close_writer(fn_writer *base)
{
    table_writer *p = (table_writer *)base;
    for (uint32_t i = 0; i < p->count; i++) fn_block_drop(p->blocks[i].block);
    fn_free(p->blocks);
    text_writer_close(base);
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, pretty_style style, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof(table_writer), schema, out, s, NULL, &w));
    w->flavour = (unsigned)style;
    w->base = (fn_writer){.block = write_block, .finish = finish, .close = close_writer};
    *writer = &w->base;
    return FN_OK;
}

#define FLAVOUR(symbol, text, alias, style, words)                                                                                  \
    static fn_status symbol##_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **w) \
    {                                                                                                                               \
        return open_writer(ctx, schema, out, s, style, w);                                                                          \
    }                                                                                                                               \
    const fn_format format_##symbol = {.name = text, .aliases = alias, .content_type = "text/plain; charset=UTF-8", .open_writer = symbol##_writer, .about = words};
static const char *const full[] = {"PrettyNoEscapes", "PrettyMonoBlock", "PrettyNoEscapesMonoBlock", NULL};
static const char *const compact[] = {"PrettyCompactMonoBlock", "PrettyCompactNoEscapes", "PrettyCompactNoEscapesMonoBlock", NULL};
static const char *const space[] = {"PrettySpaceNoEscapes", "PrettySpaceMonoBlock", "PrettySpaceNoEscapesMonoBlock", NULL};
FLAVOUR(pretty, "Pretty", full, STYLE_FULL, "A table with lines around each row.")
FLAVOUR(pretty_compact, "PrettyCompact", compact, STYLE_COMPACT, "A table with lines around the whole.")
FLAVOUR(pretty_space, "PrettySpace", space, STYLE_SPACE, "A table laid out with spaces.")
