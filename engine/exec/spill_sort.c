/* spill_sort.c - see spill_sort.h. A worker's blocks are joined, sorted (sort.c) and written a piece at a time, so that what sorting
 * takes besides stays small. Runs are merged through a heap over one frame of each; rows are compared by a code of the leading key
 * first (spill_code.c). More than FAN_MAX runs are merged in several passes, neighbours with neighbours.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/spill_sort.h"
#include "exec/sorted_output.h"
#include "exec/spill_code.h"

enum { FAN_MAX = 128, FRAME_MIN = 16 << 10, FRAME_MAX = 1 << 20, PIECES = 4 /* a run is at most this part of the threshold */, OUT_ROWS = 8192 };

typedef struct spill_cursor {
    const spill_run *run;
    uint32_t next_frame, number;
    fn_block *block;
    uint32_t row;
    uint64_t *codes;       /* of the block's leading key */
    sort_column *keys;     /* key_count, over the block */
    uint32_t part;         /* of the batch being made; UINT32_MAX: none yet */
} spill_cursor;

fn_status spill_sort_init(fn_ctx *ctx, spill_sort *s, exec *e, const spill_watch *watch, const fn_type *const *types, uint32_t column_count,
                          const uint32_t *places, const sort_column *directions, uint32_t key_count)
{
    *s = (spill_sort){.e = e, .watch = watch, .types = types, .column_count = column_count, .places = places, .directions = directions, .key_count = key_count};
    s->lists = fn_alloc_zero(ctx, e->workers * sizeof *s->lists);
    return s->lists ? FN_OK : ctx->error.code;
}

bool spill_sort_has_runs(const spill_sort *s)
{
    for (unsigned w = 0; s->lists && w < s->e->workers; w++)
        if (s->lists[w].count) return true;
    return false;
}

/* Bytes of a frame: FAN_MAX of them are a small share of what there is. */
static uint64_t frame_bytes(const spill_sort *s)
{
    const uint64_t share = s->watch->threshold / 512;
    return FN_MIN(FN_MAX(share, (uint64_t)FRAME_MIN), (uint64_t)FRAME_MAX);
}

/* ---- runs out ---- */

static fn_status run_add(fn_ctx *ctx, spill_run *run, const fn_block *b, fn_buf *scratch)
{
    if (run->frame_count == run->frame_room) {
        const uint32_t room = run->frame_room ? run->frame_room * 2 : 16;
        spill_frame *more = fn_realloc(ctx, run->frames, room * sizeof *more);
        FN_TRY_PTR(ctx, more);
        run->frames = more;
        run->frame_room = room;
    }
    FN_TRY(spill_block_write(ctx, run->file, b, scratch, &run->frames[run->frame_count]));
    run->frame_count++;
    run->rows += b->rows;
    return FN_OK;
}

/* A block of any size as frames. */
static fn_status run_add_cut(fn_ctx *ctx, const spill_sort *s, spill_run *run, const fn_block *b, fn_buf *scratch)
{
    const uint64_t bytes = spill_block_bytes(b), pieces = bytes / frame_bytes(s) + 1;
    const uint32_t step = (uint32_t)FN_MAX(b->rows / pieces, (uint64_t)1);
    for (uint32_t from = 0; from < b->rows; from += step) {
        fn_block *piece = fn_block_slice(ctx, b, from, FN_MIN(step, b->rows - from));
        FN_TRY_PTR(ctx, piece);
        const fn_status status = run_add(ctx, run, piece, scratch);
        fn_block_drop(piece);
        FN_TRY(status);
    }
    return FN_OK;
}

/* Rows of the sorted store that can be in the answer. */
static uint32_t wanted_rows(const spill_sort *s, const sort_column *keys, const uint32_t *order, uint32_t rows)
{
    if (!s->limit || s->limit >= rows) return rows;
    uint32_t wanted = (uint32_t)s->limit;
    while (s->with_ties && wanted < rows && sort_compare(keys, order[wanted - 1], keys, order[wanted], s->key_count) == 0) wanted++;
    return wanted;
}

static fn_status write_sorted(fn_ctx *ctx, const spill_sort *s, spill_run *run, const row_store *store, const uint32_t *order, uint32_t rows)
{
    sorted_output out = {.store = store, .order = order, .rows = rows, .column_count = s->column_count};
    fn_buf scratch = FN_BUF_INIT;
    fn_block *block = NULL;
    fn_status status;
    while ((status = sorted_output_next(ctx, &out, NULL, 1, &block)) == FN_OK && block) {
        status = run_add_cut(ctx, s, run, block, &scratch);
        fn_block_drop(block);
        if (status != FN_OK) break;
    }
    sorted_output_release(&out);
    fn_buf_release(&scratch);
    return status;
}

static fn_column *mutable_column(const fn_column *c)
{
    return (fn_column *)(uintptr_t)c;
}

static fn_status sort_store(fn_ctx *ctx, const spill_sort *s, spill_run *run, const row_store *store)
{
    sort_column *keys = fn_alloc_zero(ctx, (s->key_count + 1) * sizeof *keys);
    FN_TRY_PTR(ctx, keys);
    fn_status status = FN_OK;
    fn_buffer *order = NULL;
    for (uint32_t i = 0; i < s->key_count && status == FN_OK; i++) {
        keys[i] = s->directions[i];
        keys[i].column = row_store_column(ctx, store, s->places[i]);
        if (!keys[i].column) status = ctx->error.code;
    }
    if (status == FN_OK) status = sort_rows(ctx, NULL, 1, keys, s->key_count, store->rows, &order);
    if (status == FN_OK) {
        const uint32_t *rows = (const uint32_t *)(const void *)order->data;
        status = write_sorted(ctx, s, run, store, rows, wanted_rows(s, keys, rows, store->rows));
    }
    fn_buffer_drop(order);
    for (uint32_t i = 0; i < s->key_count; i++) fn_column_drop(mutable_column(keys[i].column));
    fn_free(keys);
    return status;
}

static fn_status new_run(fn_ctx *ctx, spill_sort *s, unsigned worker, spill_run **out)
{
    struct spill_runs *l = &s->lists[worker];
    if (!l->file) FN_TRY(spill_file_open(ctx, s->e->env->spill, SPILL_SORT, &l->file));
    if (l->count == l->room) {
        const uint32_t room = l->room ? l->room * 2 : 16;
        spill_run *more = fn_realloc(ctx, l->runs, room * sizeof *more);
        FN_TRY_PTR(ctx, more);
        l->runs = more;
        l->room = room;
    }
    *out = &l->runs[l->count++];
    **out = (spill_run){.file = l->file};
    return FN_OK;
}

/* The first blocks of the list become one run. */
static fn_status spill_piece(fn_ctx *ctx, spill_sort *s, unsigned worker, row_list *list, uint32_t count)
{
    row_store store = {.column_count = s->column_count, .list_count = 1};
    spill_run *run = NULL;
    store.lists = fn_alloc_zero(ctx, sizeof *store.lists);
    FN_TRY_PTR(ctx, store.lists);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = row_store_add(ctx, &store, 0, list->blocks[i]);
    for (uint32_t i = 0; i < count; i++) {
        list->rows -= list->blocks[i]->rows;
        fn_block_drop(list->blocks[i]);
    }
    list->count -= count;
    memmove(list->blocks, list->blocks + count, list->count * sizeof *list->blocks);
    if (status == FN_OK) status = row_store_seal(ctx, &store, NULL, s->types);
    if (status == FN_OK) status = new_run(ctx, s, worker, &run);
    if (status == FN_OK) status = sort_store(ctx, s, run, &store);
    row_store_release(&store);
    return status;
}

fn_status spill_sort_add(fn_ctx *ctx, spill_sort *s, unsigned worker, row_list *list)
{
    const uint64_t most = FN_MAX(s->watch->threshold / PIECES, (uint64_t)1 << 16);
    while (list->count) {
        uint32_t count = 0;
        uint64_t bytes = 0, rows = 0;
        while (count < list->count && (!count || (bytes < most && rows < UINT32_MAX / 2))) {
            bytes += spill_block_bytes(list->blocks[count]);
            rows += list->blocks[count++]->rows;
        }
        FN_TRY(fn_ctx_check(ctx));
        FN_TRY(spill_piece(ctx, s, worker, list, count));
        atomic_fetch_add_explicit(&spill_file_events(s->lists[worker].file)->parts, 1, memory_order_relaxed);
    }
    return FN_OK;
}

/* ---- cursors ---- */

static void cursor_release(spill_cursor *c)
{
    fn_block_drop(c->block);
    fn_free(c->codes);
    fn_free(c->keys);
    *c = (spill_cursor){0};
}

/* The next frame, if there is one. */
static fn_status cursor_load(fn_ctx *ctx, const spill_sort *s, spill_cursor *c)
{
    fn_block_drop(c->block);
    c->block = NULL;
    c->row = 0;
    c->part = UINT32_MAX;
    if (c->next_frame == c->run->frame_count) return FN_OK;
    FN_TRY(spill_block_read(ctx, c->run->file, &c->run->frames[c->next_frame++], s->types, s->column_count, &c->block));
    if (c->next_frame < c->run->frame_count) spill_file_will_read(c->run->file, &c->run->frames[c->next_frame]);
    uint64_t *codes = fn_realloc(ctx, c->codes, ((size_t)c->block->rows + 1) * sizeof *codes);
    FN_TRY_PTR(ctx, codes);
    c->codes = codes;
    for (uint32_t i = 0; i < s->key_count; i++) {
        c->keys[i] = s->directions[i];
        c->keys[i].column = c->block->columns[s->places[i]];
    }
    if (s->key_count) return spill_codes(ctx, &c->keys[0], c->block->rows, codes);
    memset(codes, 0, c->block->rows * sizeof *codes);
    return FN_OK;
}

static inline bool cursor_less(const spill_sort *s, uint32_t a, uint32_t b)
{
    const spill_cursor *x = &s->cursors[a], *y = &s->cursors[b];
    if (x->codes[x->row] != y->codes[y->row]) return x->codes[x->row] < y->codes[y->row];
    const int order = sort_compare(x->keys, x->row, y->keys, y->row, s->key_count);
    return order ? order < 0 : a < b;
}

static void heap_down(spill_sort *s, uint32_t at)
{
    const uint32_t value = s->heap[at];
    for (uint32_t kid; (kid = 2 * at + 1) < s->heap_count; at = kid) {
        kid += kid + 1 < s->heap_count && cursor_less(s, s->heap[kid + 1], s->heap[kid]);
        if (!cursor_less(s, s->heap[kid], value)) break;
        s->heap[at] = s->heap[kid];
    }
    s->heap[at] = value;
}

static void close_cursors(spill_sort *s)
{
    for (uint32_t i = 0; i < s->cursor_count; i++) cursor_release(&s->cursors[i]);
    fn_free(s->cursors);
    fn_free(s->heap);
    s->cursors = NULL;
    s->heap = NULL;
    s->cursor_count = s->heap_count = 0;
}

static fn_status open_cursors(fn_ctx *ctx, spill_sort *s, const spill_run *runs, uint32_t count)
{
    close_cursors(s);
    s->cursors = fn_alloc_zero(ctx, (count + 1) * sizeof *s->cursors);
    s->heap = fn_alloc(ctx, (count + 1) * sizeof *s->heap);
    if (!s->cursors || !s->heap) return ctx->error.code;
    for (uint32_t i = 0; i < count; i++) {
        spill_cursor *c = &s->cursors[i];
        *c = (spill_cursor){.run = &runs[i]};
        s->cursor_count++;
        c->keys = fn_alloc_zero(ctx, (s->key_count + 1) * sizeof *c->keys);
        FN_TRY_PTR(ctx, c->keys);
        FN_TRY(cursor_load(ctx, s, c));
        if (c->block) s->heap[s->heap_count++] = i;
    }
    for (uint32_t i = s->heap_count / 2; i-- > 0;) heap_down(s, i);
    return FN_OK;
}

/* ---- batches of merged rows ---- */

typedef struct merge_batch {
    fn_block *parts[FAN_MAX + OUT_ROWS]; /* referenced: frames that rows come from */
    uint32_t *rows[2];                   /* per row: part, row in it */
    uint32_t part_count, count;
    uint64_t bytes;
} merge_batch;

/* Takes the first row of the heap. */
static fn_status take_row(fn_ctx *ctx, spill_sort *s, merge_batch *b)
{
    spill_cursor *c = &s->cursors[s->heap[0]];
    if (c->part == UINT32_MAX) {
        c->part = b->part_count;
        b->parts[b->part_count++] = fn_block_ref(c->block);
        b->bytes += spill_block_bytes(c->block);
    }
    b->rows[0][b->count] = c->part;
    b->rows[1][b->count++] = c->row;
    if (++c->row == c->block->rows) {
        FN_TRY(cursor_load(ctx, s, c));
        if (!c->block) s->heap[0] = s->heap[--s->heap_count];
    }
    if (s->heap_count) heap_down(s, 0);
    return FN_OK;
}

/* One column of the batch: rows part by part, joined, put in order. */
static fn_column *gather(fn_ctx *ctx, const merge_batch *b, uint32_t column, uint32_t *const *ids, const uint32_t *counts, const uint32_t *places)
{
    fn_column **parts = fn_alloc_zero(ctx, ((size_t)b->part_count + 1) * sizeof *parts), *joined = NULL, *out = NULL;
    uint32_t made = 0;
    for (; parts && made < b->part_count; made++) {
        parts[made] = fn_column_take(ctx, b->parts[made]->columns[column], ids[made], counts[made]);
        if (!parts[made]) break;
    }
    if (parts && made == b->part_count) joined = fn_column_concat(ctx, parts, made);
    if (joined) out = b->part_count == 1 ? fn_column_ref(joined) : fn_column_take(ctx, joined, places, b->count);
    while (made) fn_column_drop(parts[--made]);
    fn_column_drop(joined);
    fn_free(parts);
    return out;
}

static fn_status gather_block(fn_ctx *ctx, const spill_sort *s, const merge_batch *b, uint32_t *scratch, uint32_t **ids, fn_block **out)
{
    uint32_t *const counts = scratch, *const starts = scratch + b->part_count, *const places = starts + b->part_count, *const rows = places + b->count;
    memset(counts, 0, b->part_count * sizeof *counts);
    for (uint32_t i = 0; i < b->count; i++) counts[b->rows[0][i]]++;
    for (uint32_t p = 0, at = 0; p < b->part_count; at += counts[p++]) {
        starts[p] = at;
        ids[p] = rows + at;
    }
    for (uint32_t i = 0; i < b->count; i++) {
        places[i] = starts[b->rows[0][i]]++;
        rows[places[i]] = b->rows[1][i];
    }
    fn_block *block = fn_block_new(ctx, s->column_count, b->count);
    FN_TRY_PTR(ctx, block);
    for (uint32_t i = 0; i < s->column_count; i++) {
        block->columns[i] = gather(ctx, b, i, ids, counts, places);
        if (block->columns[i]) continue;
        fn_block_drop(block);
        return ctx->error.code;
    }
    *out = block;
    return FN_OK;
}

static fn_status batch_block(fn_ctx *ctx, const spill_sort *s, const merge_batch *b, fn_block **out)
{
    uint32_t *scratch = fn_alloc(ctx, (2 * (size_t)b->part_count + 2 * (size_t)b->count + 1) * sizeof *scratch);
    uint32_t **ids = fn_alloc(ctx, ((size_t)b->part_count + 1) * sizeof *ids);
    const fn_status status = scratch && ids ? gather_block(ctx, s, b, scratch, ids, out) : ctx->error.code;
    fn_free(scratch);
    fn_free(ids);
    return status;
}

/* Is the next row behind the limit? With ties it stays as long as it equals the last one within. */
static bool is_beyond(const spill_sort *s, const merge_batch *b)
{
    const uint64_t number = s->given + b->count;
    if (!s->limit || number < s->limit) return false;
    if (!s->with_ties || !s->limit) return true;
    const spill_cursor *c = &s->cursors[s->heap[0]];
    const fn_block *last = b->count ? b->parts[b->rows[0][b->count - 1]] : s->last;
    const uint32_t row = b->count ? b->rows[1][b->count - 1] : 0;
    for (uint32_t i = 0; i < s->key_count; i++) {
        sort_column key = s->directions[i];
        key.column = last->columns[s->places[i]];
        if (sort_compare(&key, row, &c->keys[i], c->row, 1) != 0) return true;
    }
    return false;
}

static fn_status fill_batch(fn_ctx *ctx, spill_sort *s, merge_batch *b)
{
    const uint64_t most = frame_bytes(s) * 8; /* held by frames of cursors that have moved on */
    for (uint32_t i = 0; i < s->cursor_count; i++) s->cursors[i].part = UINT32_MAX;
    while (s->heap_count && b->count < OUT_ROWS && (b->part_count <= s->cursor_count || b->bytes < most + frame_bytes(s) * s->cursor_count)) {
        if (is_beyond(s, b)) {
            s->heap_count = 0;
            break;
        }
        FN_TRY(take_row(ctx, s, b));
    }
    return FN_OK;
}

fn_status spill_sort_next(fn_ctx *ctx, spill_sort *s, fn_block **out)
{
    *out = NULL;
    merge_batch *b = fn_alloc_zero(ctx, sizeof *b + 2 * OUT_ROWS * sizeof(uint32_t));
    FN_TRY_PTR(ctx, b);
    b->rows[0] = (uint32_t *)(void *)(b + 1);
    b->rows[1] = b->rows[0] + OUT_ROWS;
    fn_status status = fn_ctx_check(ctx);
    if (status == FN_OK) status = fill_batch(ctx, s, b);
    if (status == FN_OK && b->count) status = batch_block(ctx, s, b, out);
    if (status == FN_OK && b->count && s->with_ties && s->limit) {
        fn_block_drop(s->last);
        s->last = fn_block_slice(ctx, *out, b->count - 1, 1);
        if (!s->last) {
            fn_block_drop(*out);
            *out = NULL;
            status = ctx->error.code;
        }
    }
    s->given += b->count;
    for (uint32_t i = 0; i < b->part_count; i++) fn_block_drop(b->parts[i]);
    fn_free(b);
    return status;
}

/* ---- passes ---- */

static fn_status gather_runs(fn_ctx *ctx, spill_sort *s)
{
    uint32_t count = 0, at = 0;
    for (unsigned w = 0; w < s->e->workers; w++) {
        count += s->lists[w].count;
        if (s->lists[w].file) FN_TRY(spill_file_flush(ctx, s->lists[w].file));
    }
    s->runs = fn_alloc_zero(ctx, (count + 1) * sizeof *s->runs);
    FN_TRY_PTR(ctx, s->runs);
    for (unsigned w = 0; w < s->e->workers; w++)
        for (uint32_t i = 0; i < s->lists[w].count; i++) {
            s->runs[at++] = s->lists[w].runs[i];
            s->lists[w].runs[i] = (spill_run){0};
        }
    s->run_count = count;
    return FN_OK;
}

/* Runs [from, from + count) become one, which takes the place of the first. */
static fn_status merge_runs(fn_ctx *ctx, spill_sort *s, uint32_t from, uint32_t count)
{
    spill_run run = {.file = s->merged};
    fn_buf scratch = FN_BUF_INIT;
    fn_status status = open_cursors(ctx, s, s->runs + from, count);
    for (fn_block *b = NULL; status == FN_OK && (status = spill_sort_next(ctx, s, &b)) == FN_OK && b; fn_block_drop(b)) status = run_add_cut(ctx, s, &run, b, &scratch);
    close_cursors(s);
    s->given = 0;
    fn_block_drop(s->last);
    s->last = NULL;
    fn_buf_release(&scratch);
    if (status == FN_OK) status = spill_file_flush(ctx, s->merged);
    for (uint32_t i = from; i < from + count; i++) fn_free(s->runs[i].frames);
    s->runs[from] = run;
    for (uint32_t i = from + 1; i < from + count; i++) s->runs[i] = (spill_run){0};
    atomic_fetch_add_explicit(&spill_file_events(s->merged)->merges, 1, memory_order_relaxed);
    return status;
}

/* Runs that can be merged at once: their frames must fit. */
static uint32_t fan_of(const spill_sort *s)
{
    const uint64_t fits = spill_watch_room(s->watch) / 4 / frame_bytes(s);
    return (uint32_t)FN_MAX(FN_MIN(fits, (uint64_t)FAN_MAX), (uint64_t)4);
}

fn_status spill_sort_finish(fn_ctx *ctx, spill_sort *s)
{
    FN_TRY(gather_runs(ctx, s));
    const uint32_t fan = fan_of(s);
    while (s->run_count > fan) {
        uint32_t made = 0;
        if (!s->merged) FN_TRY(spill_file_open(ctx, s->e->env->spill, SPILL_SORT, &s->merged));
        for (uint32_t from = 0; from < s->run_count; from += fan, made++) {
            const uint32_t count = FN_MIN(fan, s->run_count - from);
            if (count > 1) FN_TRY(merge_runs(ctx, s, from, count));
            if (made == from) continue;
            s->runs[made] = s->runs[from];
            s->runs[from] = (spill_run){0};
        }
        s->run_count = made;
    }
    if (s->run_count) atomic_fetch_add_explicit(&spill_file_events(s->runs[0].file)->merges, 1, memory_order_relaxed);
    return open_cursors(ctx, s, s->runs, s->run_count);
}

void spill_sort_release(spill_sort *s)
{
    close_cursors(s);
    fn_block_drop(s->last);
    for (uint32_t i = 0; i < s->run_count; i++) fn_free(s->runs[i].frames);
    fn_free(s->runs);
    for (unsigned w = 0; s->lists && w < s->e->workers; w++) {
        for (uint32_t i = 0; i < s->lists[w].count; i++) fn_free(s->lists[w].runs[i].frames);
        fn_free(s->lists[w].runs);
        spill_file_close(s->lists[w].file);
    }
    fn_free(s->lists);
    spill_file_close(s->merged);
    *s = (spill_sort){0};
}
