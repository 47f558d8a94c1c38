/* gather.c - one column of several parts in the order of the rows of the part they are merged into (row_order.c).
 *
 * Every part has one block of the column at hand. Runs are collected until a part's next row lies behind its block, or the batch is full;
 * then the batch is handed out, as each part's rows and the order of all. Rows that no run has are not among them: whoever
 * writes the column must not meet what is gone. SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"

enum { BATCH_ROWS = FN_BLOCK_ROWS_MAX, READ_GRANULES = FN_BLOCK_ROWS_MAX / FN_GRANULE_ROWS, READ_BYTES = 64 << 20 /* of all parts */ };

typedef struct source {
    const mt_reader *reader;
    fn_block *block;
    uint64_t first_row;     /* of the block, in the part */
    uint32_t granules;      /* of a block */
    uint32_t first, end;    /* the batch's rows of the block lie in [first, end) ... */
    uint32_t taken;         /* ... and are so many */
    uint32_t base, filled;  /* of the joined rows: where the part's begin, and how many are there */
} source;

typedef struct piece_run {
    uint32_t source, from, rows; /* from: in the source's block */
} piece_run;

struct mt_gather {
    mt_gather_options options;
    fn_arena *arena;        /* of a block's reading */
    source *sources;
    uint64_t *next;
    mt_row_cursor cursor;
    mt_row_run ahead;       /* not in the batch yet; rows 0: none */
    piece_run *runs;
    uint32_t run_count, run_capacity, rows;
    fn_block **pieces;
    uint32_t piece_count, piece_capacity;
    uint32_t *order, *rows_taken; /* BATCH_ROWS each */
};

/* Blocks of long strings are shorter. */
static uint32_t granules_of(const mt_gather *g, const mt_reader *r)
{
    uint64_t raw_bytes = 0;
    const int place = r->places[g->options.column];
    if (place >= 0) (void)fn_part_column_bytes(r->data, (uint32_t)place, &raw_bytes);
    const uint64_t room = READ_BYTES / g->options.part_count, granule = raw_bytes / FN_MAX(fn_part_granules(r->data), 1) + 1;
    return (uint32_t)FN_MAX(FN_MIN(room / granule, (uint64_t)READ_GRANULES), (uint64_t)1);
}

fn_status mt_gather_new(fn_ctx *ctx, const mt_gather_options *options, mt_gather **out)
{
    mt_gather *g = fn_alloc_zero(ctx, sizeof *g);
    FN_TRY_PTR(ctx, g);
    g->options = *options;
    g->arena = fn_arena_new(ctx);
    g->sources = fn_alloc_zero(ctx, options->part_count * sizeof *g->sources);
    g->next = fn_alloc(ctx, options->part_count * sizeof *g->next);
    g->order = fn_alloc(ctx, BATCH_ROWS * sizeof *g->order);
    g->rows_taken = fn_alloc(ctx, BATCH_ROWS * sizeof *g->rows_taken);
    if (!g->arena || !g->sources || !g->next || !g->order || !g->rows_taken) {
        mt_gather_free(g);
        return ctx->error.code;
    }
    for (uint32_t i = 0; i < options->part_count; i++) {
        g->sources[i].reader = &options->readers[i];
        g->sources[i].granules = granules_of(g, &options->readers[i]);
    }
    mt_row_cursor_init(&g->cursor, options->order, g->next, options->part_count);
    *out = g;
    return FN_OK;
}

static void drop_pieces(mt_gather *g)
{
    for (uint32_t i = 0; i < g->piece_count; i++) fn_block_drop(g->pieces[i]);
    g->piece_count = g->run_count = g->rows = 0;
}

void mt_gather_free(mt_gather *g)
{
    if (!g) return;
    drop_pieces(g);
    for (uint32_t i = 0; i < g->options.part_count && g->sources; i++) fn_block_drop(g->sources[i].block);
    fn_free(g->sources);
    fn_free(g->next);
    fn_free(g->order);
    fn_free(g->rows_taken);
    fn_free(g->runs);
    fn_free(g->pieces);
    fn_arena_free(g->arena);
    fn_free(g);
}

/* ---- runs ---- */

static fn_status load(fn_ctx *ctx, mt_gather *g, source *s, uint64_t row)
{
    const uint32_t granule = (uint32_t)(row / FN_GRANULE_ROWS), count = FN_MIN(s->granules, fn_part_granules(s->reader->data) - granule);
    fn_arena *const outer = ctx->arena;
    fn_block_drop(s->block);
    s->block = NULL;
    ctx->arena = g->arena;
    const fn_status status = mt_read(ctx, s->reader, &g->options.column, 1, granule, count, &s->block);
    ctx->arena = outer;
    fn_arena_reset(g->arena);
    s->first_row = (uint64_t)granule * FN_GRANULE_ROWS;
    return status;
}

static bool holds(const source *s, uint64_t row)
{
    return s->block && row >= s->first_row && row < s->first_row + s->block->rows;
}

static fn_status add_run(fn_ctx *ctx, mt_gather *g, uint32_t index, uint32_t from, uint32_t rows)
{
    source *s = &g->sources[index];
    if (g->run_count == g->run_capacity) {
        const uint32_t capacity = g->run_capacity ? 2 * g->run_capacity : 64;
        piece_run *more = fn_realloc(ctx, g->runs, capacity * sizeof *more);
        FN_TRY_PTR(ctx, more);
        g->runs = more;
        g->run_capacity = capacity;
    }
    g->runs[g->run_count++] = (piece_run){index, from, rows};
    if (s->taken == 0) s->first = from;
    s->taken += rows;
    s->end = from + rows;
    g->rows += rows;
    return FN_OK;
}

/* Until a block that has rows in the batch would have to go. */
static fn_status collect(fn_ctx *ctx, mt_gather *g)
{
    for (uint32_t i = 0; i < g->options.part_count; i++) g->sources[i].taken = 0;
    while (g->rows < BATCH_ROWS) {
        if (g->ahead.rows == 0 && !mt_row_cursor_next(&g->cursor, &g->ahead)) return FN_OK;
        source *s = &g->sources[g->ahead.part];
        if (!holds(s, g->ahead.row)) {
            if (s->taken) return FN_OK;
            FN_TRY(load(ctx, g, s, g->ahead.row));
            FN_ASSERT(holds(s, g->ahead.row));
        }
        const uint32_t from = (uint32_t)(g->ahead.row - s->first_row);
        const uint32_t rows = FN_MIN(FN_MIN(g->ahead.rows, s->block->rows - from), BATCH_ROWS - g->rows);
        FN_TRY(add_run(ctx, g, g->ahead.part, from, rows));
        g->ahead.row += rows;
        g->ahead.rows -= rows;
    }
    return FN_OK;
}

/* ---- pieces ---- */

static fn_status add_piece(fn_ctx *ctx, mt_gather *g, fn_block *piece_take)
{
    FN_TRY_PTR(ctx, piece_take);
    g->pieces[g->piece_count++] = piece_take;
    return FN_OK;
}

static fn_status make_room(fn_ctx *ctx, mt_gather *g, uint32_t pieces)
{
    if (pieces <= g->piece_capacity) return FN_OK;
    fn_block **more = fn_realloc(ctx, g->pieces, pieces * sizeof(fn_block *));
    FN_TRY_PTR(ctx, more);
    g->pieces = more;
    g->piece_capacity = pieces;
    return FN_OK;
}

/* Few long runs: as they stand behind each other. */
static fn_status slice_runs(fn_ctx *ctx, mt_gather *g)
{
    FN_TRY(make_room(ctx, g, g->run_count));
    for (uint32_t i = 0; i < g->run_count; i++)
        FN_TRY(add_piece(ctx, g, fn_block_slice(ctx, g->sources[g->runs[i].source].block, g->runs[i].from, g->runs[i].rows)));
    return FN_OK;
}

static void fill_order(mt_gather *g)
{
    uint32_t base = 0, n = 0;
    for (uint32_t i = 0; i < g->options.part_count; i++) {
        source *s = &g->sources[i];
        s->base = base;
        s->filled = 0;
        base += s->taken;
    }
    for (uint32_t i = 0; i < g->run_count; i++) {
        const piece_run *r = &g->runs[i];
        source *s = &g->sources[r->source];
        for (uint32_t k = 0; k < r->rows; k++) {
            const uint32_t at = s->base + s->filled++;
            g->rows_taken[at] = r->from + k;
            g->order[n++] = at;
        }
    }
}

/* Many short ones: each part's rows once, and their order. */
static fn_status take_rows(fn_ctx *ctx, mt_gather *g)
{
    fill_order(g);
    FN_TRY(make_room(ctx, g, g->options.part_count));
    for (uint32_t i = 0; i < g->options.part_count; i++) {
        const source *s = &g->sources[i];
        if (s->taken == 0) continue;
        const bool all = s->end - s->first == s->taken;
        FN_TRY(add_piece(ctx, g, all ? fn_block_slice(ctx, s->block, s->first, s->taken) : fn_block_take(ctx, s->block, g->rows_taken + s->base, s->taken)));
    }
    return FN_OK;
}

fn_status mt_gather_next(fn_ctx *ctx, mt_gather *g, fn_part_pieces *out)
{
    drop_pieces(g);
    FN_TRY(collect(ctx, g));
    const bool few = g->run_count <= 2 * g->options.part_count + 8;
    FN_TRY(few ? slice_runs(ctx, g) : take_rows(ctx, g));
    *out = (fn_part_pieces){.pieces = (const fn_block *const *)g->pieces, .piece_count = g->piece_count, .rows = g->rows, .order = few ? NULL : g->order};
    return FN_OK;
}
