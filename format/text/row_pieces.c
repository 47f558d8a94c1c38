/* row_pieces.c - see row_pieces.h. Where pieces are cut depends on the data alone, not on how it arrives: blocks of one text are always
 * the same.
 *
 * The thread that asks for blocks owns the source. As long as there is room for another piece it reads and cuts; a piece that waits is
 * parsed by a worker, or by the owner when it may not read on. Pieces stand in a ring in the order of the data.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/row_pieces.h"
#include "text/text_scan.h"
#include <firn/thread.h>

enum { PARSERS_MAX = 64, AHEAD = 2,             /* pieces besides those being parsed */
       FIRST_BYTES = 1 << 20, /* read at first: most data is short */
       TAIL_BYTES = 64 << 10  /* and when a piece lacks nothing but the end of its last row */ };

typedef struct piece_block {
    fn_block *block;
    bool *missing; /* per column */
} piece_block;

typedef enum piece_state { PIECE_EMPTY, PIECE_WAITS, PIECE_RUNS, PIECE_DONE } piece_state;

typedef struct piece {
    fn_buf bytes;
    size_t begin, end; /* of its rows in bytes */
    size_t charged;
    piece_state state; /* under the lock */
    fn_status status;
    piece_block *blocks;
    uint32_t block_count, block_capacity;
} piece;

/* What a thread parses with: the first is the owner's, each of the others a worker's. */
typedef struct parser {
    row_pieces *all;
    row_reader *reader;
    fn_ctx ctx;
    bool *missing;    /* where the reader notes it */
    fn_offer *offer;  /* the owner's */
    bool looks;       /* for pieces that wait, or will; under the lock */
} parser;

struct row_pieces {
    parser *parsers;
    piece *ring;
    unsigned parser_count;
    uint32_t room;        /* of the ring */
    uint32_t first, count; /* pieces in it; the owner's */
    uint32_t next_block;  /* of the first piece, when it is done */
    fn_pool *workers;
    fn_tracker *memory;
    bool locks;           /* lock and done are there */
    pthread_mutex_t lock;
    pthread_cond_t done;  /* a piece is */
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

static fn_status keep_block(fn_ctx *ctx, piece *p, const bool *missing, uint32_t columns, fn_block *block_take)
{
    bool *own = fn_alloc(ctx, columns + 1u);
    if (own && p->block_count == p->block_capacity) {
        const uint32_t capacity = p->block_capacity ? 2 * p->block_capacity : 4;
        piece_block *more = fn_realloc(ctx, p->blocks, capacity * sizeof *more);
        if (more) {
            p->blocks = more;
            p->block_capacity = capacity;
        }
    }
    if (!own || p->block_count == p->block_capacity) {
        fn_free(own);
        fn_block_drop(block_take);
        return ctx->error.code;
    }
    memcpy(own, missing, columns);
    p->blocks[p->block_count++] = (piece_block){block_take, own};
    return FN_OK;
}

static fn_status parse_rows(parser *a, fn_ctx *ctx, piece *p)
{
    row_reader *r = a->reader;
    r->window = (fn_buf){.data = p->bytes.data + p->begin, .size = p->end - p->begin};
    r->at = 0;
    r->rows = 1; /* not the first of the data */
    r->done = false;
    for (;;) {
        fn_block *block;
        FN_TRY(fn_ctx_check(ctx));
        FN_TRY(r->base.next(&r->base, ctx, &block));
        if (!block) return FN_OK;
        FN_TRY(keep_block(ctx, p, a->missing, r->schema.count, block));
    }
}

static void parse(parser *a, piece *p)
{
    fn_error_clear(&a->ctx);
    p->status = parse_rows(a, &a->ctx, p);
    a->reader->window = FN_BUF_INIT; /* borrowed */
    for (uint32_t c = 0; c < a->reader->schema.count && p->status != FN_OK; c++) fn_builder_truncate(&a->reader->builders[c], 0);
    fn_arena_reset(a->ctx.arena);
}

/* ---- threads ---- */

static void take_lock(row_pieces *p)
{
    FN_ASSERT(pthread_mutex_lock(&p->lock) == 0);
}

static void give_lock(row_pieces *p)
{
    FN_ASSERT(pthread_mutex_unlock(&p->lock) == 0);
}

static piece *nth(row_pieces *p, uint32_t n)
{
    return &p->ring[(p->first + n) % p->room];
}

/* Under the lock: the first piece that waits is the caller's. */
static piece *take_piece(row_pieces *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        piece *one = nth(p, i);
        if (one->state != PIECE_WAITS) continue;
        one->state = PIECE_RUNS;
        return one;
    }
    return NULL;
}

/* Called and left with the lock held. */
static void run_piece(row_pieces *p, parser *a, piece *one)
{
    give_lock(p);
    parse(a, one);
    take_lock(p);
    one->state = PIECE_DONE;
    FN_ASSERT(pthread_cond_broadcast(&p->done) == 0);
}

static void run_worker(void *arg, unsigned index)
{
    (void)index;
    parser *a = arg;
    row_pieces *p = a->all;
    take_lock(p);
    for (piece *one; (one = take_piece(p)) != NULL;) run_piece(p, a, one);
    a->looks = false;
    give_lock(p);
}

/* A worker for the piece that waits, if one of them is free. Without one the owner does it all. */
static void call_worker(row_pieces *p)
{
    fn_ctx own = {0};
    for (unsigned i = 1; i < p->parser_count; i++) {
        parser *a = &p->parsers[i];
        take_lock(p);
        const bool looks = a->looks;
        a->looks = true;
        give_lock(p);
        if (looks) continue;
        if (a->offer) (void)fn_offer_take_back(a->offer);
        a->offer = fn_pool_offer(&own, p->workers, run_worker, a);
        if (!a->offer) a->looks = false; /* nobody else knows it */
        return;
    }
}

/* Nobody parses any more; what waited goes on waiting. */
static void stop_workers(row_pieces *p)
{
    take_lock(p);
    for (uint32_t i = 0; i < p->count; i++)
        if (nth(p, i)->state == PIECE_WAITS) nth(p, i)->state = PIECE_EMPTY;
    give_lock(p);
    for (unsigned i = 1; i < p->parser_count; i++) {
        if (p->parsers[i].offer) (void)fn_offer_take_back(p->parsers[i].offer);
        p->parsers[i].offer = NULL;
    }
}

/* ---- making ---- */

static fn_status open_parser(row_reader *r, fn_ctx *ctx, parser *a)
{
    a->ctx = (fn_ctx){.memory = ctx->memory, .cancel = ctx->cancel, .settings = ctx->settings};
    a->missing = fn_alloc_zero(ctx, r->schema.count + 1u);
    FN_TRY_PTR(ctx, a->missing);
    a->ctx.arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, a->ctx.arena);
    FN_TRY(row_reader_new(ctx, &r->schema, NULL, &r->settings, a->missing, r->row, &a->reader));
    row_reader *own = a->reader;
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

static fn_status open_pieces(row_reader *r, fn_ctx *ctx)
{
    row_pieces *p = fn_alloc_zero(ctx, sizeof *p);
    FN_TRY_PTR(ctx, p);
    r->pieces = p;
    p->memory = ctx->memory;
    p->workers = r->settings.workers;
    const unsigned parsers = FN_MIN(r->settings.worker_count, (unsigned)PARSERS_MAX);
    FN_ASSERT(pthread_mutex_init(&p->lock, NULL) == 0 && pthread_cond_init(&p->done, NULL) == 0);
    p->locks = true;
    p->room = parsers + AHEAD;
    p->ring = fn_alloc_zero(ctx, p->room * sizeof *p->ring);
    FN_TRY_PTR(ctx, p->ring);
    return FN_OK;
}

/* Of the first piece. */
static fn_status open_parsers(row_reader *r, fn_ctx *ctx, row_pieces *p)
{
    const unsigned parsers = p->room - AHEAD;
    p->parsers = fn_alloc_zero(ctx, parsers * sizeof *p->parsers);
    FN_TRY_PTR(ctx, p->parsers);
    for (unsigned i = 0; i < parsers; i++) {
        p->parsers[i].all = p;
        p->parser_count = i + 1;
        FN_TRY(open_parser(r, ctx, &p->parsers[i]));
    }
    return FN_OK;
}

static void release_bytes(row_pieces *p, piece *one)
{
    fn_buf_release(&one->bytes);
    fn_tracker_release(p->memory, one->charged);
    one->charged = 0;
}

void row_pieces_free(row_pieces *p)
{
    if (!p) return;
    if (p->parser_count) stop_workers(p); /* else there is no ring, or nothing in it */
    for (uint32_t i = 0; p->ring && i < p->room; i++) {
        piece *one = nth(p, i);
        drop_blocks(one, i == 0 ? p->next_block : 0);
        fn_free(one->blocks);
        release_bytes(p, one);
    }
    for (unsigned i = 0; i < p->parser_count; i++) {
        parser *a = &p->parsers[i];
        if (a->reader) a->reader->base.close(&a->reader->base);
        fn_free(a->missing);
        fn_arena_free(a->ctx.arena);
    }
    if (p->locks) (void)pthread_cond_destroy(&p->done);
    if (p->locks) (void)pthread_mutex_destroy(&p->lock);
    fn_free(p->parsers);
    fn_free(p->ring);
    fn_free(p);
}

/* ---- the owner ---- */

/* The window becomes the bytes of a piece up to `stop`, what is behind it the next window. */
static fn_status add_piece(row_reader *r, fn_ctx *ctx, row_pieces *p, const char *stop)
{
    piece *one = nth(p, p->count);
    const size_t end = (size_t)(stop - r->window.data), tail = r->window.size - end;
    fn_buf next = one->bytes; /* room of a piece that is done */
    next.size = 0;
    FN_TRY(fn_tracker_charge(ctx, p->memory, r->window.capacity));
    fn_tracker_release(p->memory, one->charged);
    one->charged = r->window.capacity;
    one->bytes = r->window;
    one->begin = r->at;
    one->end = end;
    r->window = next;
    r->at = 0;
    take_lock(p);
    one->state = PIECE_WAITS;
    p->count++;
    give_lock(p);
    return fn_buf_append(ctx, &r->window, one->bytes.data + end, tail);
}

/* How much is read into a window of `have` bytes: what a piece lacks; at first, and for its last row, as much as there is. */
static size_t lacks(const row_pieces *p, size_t size, size_t have)
{
    if (have > size) return FN_MAX(have - size, (size_t)TAIL_BYTES);
    const size_t all = FN_MIN(size - have, SIZE_MAX / 8) + TAIL_BYTES;
    return p->parser_count ? all : FN_MIN(all, FN_MAX(have, (size_t)FIRST_BYTES));
}

/* Reads up to the end of a piece. *enough: there is none, or the only one left is the rest of the data. */
static fn_status cut(row_reader *r, fn_ctx *ctx, row_pieces *p, bool *enough)
{
    const size_t size = r->settings.piece_bytes;
    const char *stop = NULL;
    *enough = false;
    for (;;) {
        const size_t have = r->window.size - r->at; /* without bytes there may be no data to point at */
        const char *begin = have ? r->window.data + r->at : "";
        if (have > size) stop = r->boundary(begin, begin + size, begin + have);
        if (stop || r->ended) break;
        FN_TRY(row_reader_read(r, ctx, lacks(p, size, have)));
    }
    if (!stop) *enough = r->window.size == r->at || p->count == 0;
    if (*enough) return FN_OK;
    if (!p->parser_count) FN_TRY(open_parsers(r, ctx, p));
    FN_TRY(add_piece(r, ctx, p, stop ? stop : r->window.data + r->window.size));
    call_worker(p);
    return FN_OK;
}

static uint64_t rows_of(const piece *p)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < p->block_count; i++) rows += p->blocks[i].block->rows;
    return rows;
}

/* The pieces from the first on, and what was read behind them, are the window again. */
static fn_status give_back(row_reader *r, fn_ctx *ctx, row_pieces *p)
{
    fn_buf window = FN_BUF_INIT;
    fn_status status = FN_OK;
    stop_workers(p);
    for (; p->count; p->count--, p->first = (p->first + 1) % p->room) {
        piece *one = nth(p, 0);
        drop_blocks(one, 0);
        if (status == FN_OK) status = fn_buf_append(ctx, &window, one->bytes.data + one->begin, one->end - one->begin);
        release_bytes(p, one);
    }
    if (status == FN_OK) status = fn_buf_append(ctx, &window, r->window.data + r->at, r->window.size - r->at);
    if (status == FN_OK) {
        fn_buf old = r->window;
        r->window = window;
        r->at = 0;
        window = old;
    }
    fn_buf_release(&window);
    return status;
}

/* The first piece, when it is done; until then one that waits is parsed. */
static piece *first_done(row_pieces *p)
{
    take_lock(p);
    while (nth(p, 0)->state != PIECE_DONE) {
        piece *one = take_piece(p);
        if (one) run_piece(p, &p->parsers[0], one);
        else FN_ASSERT(pthread_cond_wait(&p->done, &p->lock) == 0);
    }
    give_lock(p);
    return nth(p, 0);
}

static bool is_done(row_pieces *p)
{
    take_lock(p);
    const bool done = p->count && nth(p, 0)->state == PIECE_DONE;
    give_lock(p);
    return done;
}

/* The next piece of the ring has failed, or there is none: the reader goes on alone. */
static fn_status end_pieces(row_reader *r, fn_ctx *ctx, row_pieces *p, bool *serial)
{
    *serial = r->pieces_end = true;
    if (p->count) FN_TRY(give_back(r, ctx, p));
    return fn_ctx_check(ctx);
}

/* *out NULL: the piece has no more. */
static void hand_out(row_reader *r, row_pieces *p, piece *one, fn_block **out)
{
    if (p->next_block == 0) r->rows += rows_of(one);
    if (p->next_block < one->block_count) {
        piece_block *b = &one->blocks[p->next_block++];
        *out = b->block;
        if (r->missing) memcpy(r->missing, b->missing, r->schema.count);
        fn_free(b->missing);
        return;
    }
    one->block_count = 0;
    p->next_block = 0;
    take_lock(p);
    one->state = PIECE_EMPTY;
    p->first = (p->first + 1) % p->room;
    p->count--;
    give_lock(p);
}

fn_status row_pieces_next(row_reader *r, fn_ctx *ctx, fn_block **out, bool *serial)
{
    *out = NULL;
    *serial = r->pieces_end;
    if (*serial) return FN_OK;
    if (!r->pieces) FN_TRY(open_pieces(r, ctx));
    row_pieces *p = r->pieces;
    for (bool enough = false; !*out;) {
        if (!is_done(p) && p->count < p->room && !enough) {
            FN_TRY(cut(r, ctx, p, &enough));
            continue;
        }
        if (p->count == 0) return end_pieces(r, ctx, p, serial);
        piece *one = first_done(p);
        if (one->status != FN_OK) return end_pieces(r, ctx, p, serial);
        hand_out(r, p, one, out);
    }
    return FN_OK;
}
