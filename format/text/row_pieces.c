/* row_pieces.c - see row_pieces.h. Where pieces are cut depends on the data alone, not on how it arrives: blocks of one text are always
 * the same. SPDX-License-Identifier: Apache-2.0 */
#include "text/row_pieces.h"
#include "text/text_scan.h"
#include <firn/thread.h>

enum { PIECES_MAX = 64 };

typedef struct piece_block {
    fn_block *block;
    bool *missing; /* per column */
} piece_block;

typedef struct piece {
    row_reader *reader;
    fn_ctx ctx;
    const char *begin, *end;
    piece_block *blocks;
    uint32_t block_count, block_capacity;
    bool *missing;  /* where the reader notes it */
    fn_status status;
} piece;

struct row_pieces {
    piece *list;
    uint32_t most;        /* pieces at a time */
    uint32_t count, next; /* of the running batch: pieces, the one whose blocks are handed out */
    uint32_t next_block;
};

/* ---- ends of rows ---- */

const char *row_end_escaped(const char *begin, const char *from, const char *end)
{
    for (const char *at = from; (at = memchr(at, '\n', (size_t)(end - at))); at++) {
        const char *slash = at;
        while (slash > begin && slash[-1] == '\\') slash--;
        if ((at - slash) % 2 == 0) return at + 1;
    }
    return NULL;
}

const char *row_end_quoted(const char *begin, const char *from, const char *end)
{
    size_t quotes = text_count(begin, (size_t)(from - begin), '"');
    for (const char *at = from; at < end; at++) {
        quotes += *at == '"';
        if (*at == '\n' && quotes % 2 == 0) return at + 1;
    }
    return NULL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind a line break between brackets that close and open a row. */
static const char *end_between(const char *begin, const char *from, const char *end, char close, char open)
{
    for (const char *at = from; (at = memchr(at, '\n', (size_t)(end - at))); at++) {
        const char *before = at, *behind = at + 1;
        while (before > begin && (is_space(before[-1]) || before[-1] == ',' || before[-1] == ';')) before--;
        while (behind < end && is_space(*behind)) behind++;
        if (before > begin && before[-1] == close && behind < end && *behind == open) return at + 1;
    }
    return NULL;
}

const char *row_end_object(const char *begin, const char *from, const char *end)
{
    return end_between(begin, from, end, '}', '{');
}

const char *row_end_list(const char *begin, const char *from, const char *end)
{
    return end_between(begin, from, end, ']', '[');
}

const char *row_end_values(const char *begin, const char *from, const char *end)
{
    (void)begin;
    for (const char *at = from; (at = memchr(at, ')', (size_t)(end - at))); at++) {
        const char *comma = at + 1, *behind;
        while (comma < end && is_space(*comma)) comma++;
        for (behind = comma + 1; behind < end && is_space(*behind);) behind++;
        if (behind < end && *comma == ',' && *behind == '(') return comma + 1;
    }
    return NULL;
}

/* ---- one piece ---- */

static void drop_blocks(piece *p, uint32_t from)
{
    for (uint32_t i = from; i < p->block_count; i++) {
        fn_block_drop(p->blocks[i].block);
        fn_free(p->blocks[i].missing);
    }
    p->block_count = 0;
}

static fn_status keep_block(piece *p, fn_ctx *ctx, fn_block *block_take)
{
    const uint32_t columns = p->reader->schema.count;
    bool *missing = fn_alloc(ctx, columns + 1u);
    if (missing && p->block_count == p->block_capacity) {
        const uint32_t capacity = p->block_capacity ? 2 * p->block_capacity : 4;
        piece_block *more = fn_realloc(ctx, p->blocks, capacity * sizeof *more);
        if (more) {
            p->blocks = more;
            p->block_capacity = capacity;
        }
    }
    if (!missing || p->block_count == p->block_capacity) {
        fn_free(missing);
        fn_block_drop(block_take);
        return ctx->error.code;
    }
    memcpy(missing, p->missing, columns);
    p->blocks[p->block_count++] = (piece_block){block_take, missing};
    return FN_OK;
}

static fn_status parse(piece *p, fn_ctx *ctx)
{
    row_reader *r = p->reader;
    r->window = (fn_buf){.data = (char *)(uintptr_t)p->begin, .size = (size_t)(p->end - p->begin)};
    r->at = 0;
    r->rows = 1; /* not the first of the data */
    r->done = false;
    for (;;) {
        fn_block *block;
        FN_TRY(fn_ctx_check(ctx));
        FN_TRY(r->base.next(&r->base, ctx, &block));
        if (!block) return FN_OK;
        FN_TRY(keep_block(p, ctx, block));
    }
}

static void run_piece(void *arg, unsigned index)
{
    row_pieces *all = arg;
    piece *p = &all->list[index];
    fn_error_clear(&p->ctx);
    p->status = parse(p, &p->ctx);
    p->reader->window = FN_BUF_INIT; /* borrowed */
    for (uint32_t c = 0; c < p->reader->schema.count && p->status != FN_OK; c++) fn_builder_truncate(&p->reader->builders[c], 0);
    fn_arena_reset(p->ctx.arena);
}

static fn_status open_piece(row_reader *r, fn_ctx *ctx, piece *p)
{
    p->ctx = (fn_ctx){.memory = ctx->memory, .cancel = ctx->cancel, .settings = ctx->settings};
    p->missing = fn_alloc_zero(ctx, r->schema.count + 1u);
    FN_TRY_PTR(ctx, p->missing);
    p->ctx.arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, p->ctx.arena);
    FN_TRY(row_reader_new(ctx, &r->schema, NULL, &r->settings, p->missing, r->row, &p->reader));
    row_reader *own = p->reader;
    own->settings.errors_allowed = 0;
    own->settings.errors_allowed_ratio = 0;
    own->settings.workers = NULL;
    own->settings.eval = NULL; /* one thread's: a piece with expressions does not parse */
    own->ended = own->is_piece = true;
    own->flavour = r->flavour;
    own->style = r->style;
    own->keyed = r->keyed;
    memcpy(own->seen, r->seen, r->schema.count);
    if (!r->columns) return FN_OK;
    own->columns = fn_alloc(ctx, (r->column_count + 1u) * sizeof *own->columns);
    FN_TRY_PTR(ctx, own->columns);
    memcpy(own->columns, r->columns, r->column_count * sizeof *own->columns);
    own->column_count = r->column_count;
    return FN_OK;
}

/* ---- all ---- */

void row_pieces_free(row_pieces *p)
{
    if (!p) return;
    for (uint32_t i = 0; i < p->most; i++) {
        piece *one = &p->list[i];
        drop_blocks(one, i == p->next ? p->next_block : i < p->next ? one->block_count : 0);
        fn_free(one->blocks);
        fn_free(one->missing);
        if (one->reader) one->reader->base.close(&one->reader->base);
        fn_arena_free(one->ctx.arena);
    }
    fn_free(p->list);
    fn_free(p);
}

static fn_status open_pieces(row_reader *r, fn_ctx *ctx)
{
    row_pieces *p = fn_alloc_zero(ctx, sizeof *p);
    FN_TRY_PTR(ctx, p);
    r->pieces = p;
    const uint32_t most = FN_MIN(r->settings.worker_count, (unsigned)PIECES_MAX);
    p->list = fn_alloc_zero(ctx, most * sizeof *p->list);
    FN_TRY_PTR(ctx, p->list);
    p->most = most;
    return FN_OK;
}

/* Cuts what lies ahead: as many pieces of piece_bytes as there are readers, to the end of the row. */
static fn_status cut(row_reader *r, fn_ctx *ctx, row_pieces *p)
{
    size_t done = 0; /* bytes of the window behind r->at that are cut */
    for (p->count = 0; p->count < p->most;) {
        const char *begin = r->window.data + r->at + done, *end = r->window.data + r->window.size, *stop = NULL;
        if ((size_t)(end - begin) > r->settings.piece_bytes) stop = r->boundary(begin, begin + r->settings.piece_bytes, end);
        if (!stop && !r->ended) {
            FN_TRY(row_reader_more(r, ctx)); /* moves the window */
            continue;
        }
        if (!stop) stop = end;
        if (stop == begin) break;
        p->count++;
        done += (size_t)(stop - begin);
        p->list[p->count - 1].end = (const char *)(uintptr_t)done; /* as an offset while the window moves */
    }
    const char *base = r->window.data + r->at;
    for (uint32_t i = 0; i < p->count; i++) {
        p->list[i].begin = i ? p->list[i - 1].end : base;
        p->list[i].end = base + (uintptr_t)p->list[i].end;
    }
    return FN_OK;
}

static uint64_t rows_of(const piece *p)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < p->block_count; i++) rows += p->blocks[i].block->rows;
    return rows;
}

/* Parses a batch. Behind the first piece that fails nothing counts: the reader goes on there. */
static fn_status run_batch(row_reader *r, fn_ctx *ctx, row_pieces *p, bool *serial)
{
    p->next = p->next_block = 0;
    FN_TRY(cut(r, ctx, p));
    *serial = p->count < 2;
    if (*serial) p->count = 0;
    if (*serial) return FN_OK;
    for (uint32_t i = 0; i < p->count; i++)
        if (!p->list[i].reader) FN_TRY(open_piece(r, ctx, &p->list[i]));
    FN_TRY(fn_pool_run(ctx, r->settings.workers, run_piece, p, p->count));
    uint32_t good = 0;
    while (good < p->count && p->list[good].status == FN_OK) {
        r->rows += rows_of(&p->list[good]);
        r->at = (size_t)(p->list[good++].end - r->window.data);
    }
    for (uint32_t i = good; i < p->count; i++) drop_blocks(&p->list[i], 0);
    *serial = good < p->count;
    p->count = good;
    return fn_ctx_check(ctx);
}

fn_status row_pieces_next(row_reader *r, fn_ctx *ctx, fn_block **out, bool *serial)
{
    if (!r->pieces) FN_TRY(open_pieces(r, ctx));
    row_pieces *p = r->pieces;
    *out = NULL;
    for (;;) {
        while (p->next < p->count && p->next_block == p->list[p->next].block_count) {
            p->list[p->next++].block_count = 0;
            p->next_block = 0;
        }
        if (p->next < p->count) {
            piece_block *b = &p->list[p->next].blocks[p->next_block++];
            *out = b->block;
            if (r->missing) memcpy(r->missing, b->missing, r->schema.count);
            fn_free(b->missing);
            *serial = false;
            return FN_OK;
        }
        if (r->pieces_end) {
            *serial = true;
            return FN_OK;
        }
        FN_TRY(run_batch(r, ctx, p, &r->pieces_end));
    }
}
