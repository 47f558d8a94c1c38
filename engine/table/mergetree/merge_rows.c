/* merge_rows.c - several sorted parts as one sorted stream: what background merges and FINAL stand on.
 *
 * Every source holds one block with its keys and their 16-byte prefixes. A binary heap gives the source with the smallest row; it
 * goes on while its rows stay below the second best, so that parts that do not overlap are copied as whole slices. A batch ends
 * when a source's block is used up (its rows must be gathered before the next block replaces it) or the batch is full.
 * With whole_groups the last group of a batch, which might go on, waits for the next one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"

enum { READ_GRANULES = 4, BATCH_ROWS = FN_BLOCK_ROWS_MAX / 2 }; /* room for a group held back */

typedef struct source {
    mt_reader reader;
    const uint8_t *granules;   /* which to read; NULL: all */
    bool filtered;             /* only rows with one of the wanted keys */
    uint32_t *row_numbers;     /* filtered: of the block's rows, in the part */
    uint32_t next_granule, granule_count;
    fn_block *block;
    mt_key key;
    mt_prefix *prefixes;       /* of the block's rows */
    bool exact;
    uint64_t first_row;        /* of the block, in the part */
    uint32_t row;              /* next row of the block */
    uint32_t start;            /* first row not yet in a batch */
} source;

typedef struct run {
    uint32_t source, from, rows;
} run;

typedef struct head { /* a source's current row, as the heap sees it */
    mt_prefix prefix;
    uint32_t source;
} head;

struct mt_merge {
    fn_arena *arena, *block_arena, *load_arena; /* block_arena: reset per step, load_arena: per block read */
    const mt_shape *shape;
    uint32_t *columns, column_count, wanted_count; /* wanted first, then what the key needs besides */
    expr_program *key_program;
    expr_program *filter;      /* rows that fail it are left out; NULL: none are */
    source *sources;
    uint32_t source_count;
    head *heap;
    uint32_t heap_count;
    bool whole_groups, origins;
    const mt_key *only;        /* see mt_merge_options */
    uint32_t only_rows;
    run *runs;
    uint32_t run_count, run_capacity;
    uint32_t rows;             /* in runs */
    uint64_t rows_read;
    fn_block *held;            /* rows of a group that may go on */
    uint64_t *held_origins;
};

/* ---- sources ---- */

static fn_status key_of(fn_ctx *ctx, const mt_merge *m, const fn_block *b, mt_key *out)
{
    const mt_definition *d = m->shape->definition;
    *out = (mt_key){.count = d->sort_count, .descending = d->sort_descending};
    out->columns = fn_alloc_zero(ctx, sizeof(fn_column *) * FN_MAX(d->sort_count, 1));
    FN_TRY_PTR(ctx, out->columns);
    return d->sort_count ? expr_run(ctx, m->key_program, b, out->columns) : FN_OK;
}

static void key_free(mt_key *key)
{
    if (!key->columns) return;
    mt_key_release(key);
    fn_free(key->columns);
    key->columns = NULL;
}

static void drop_block(source *s)
{
    fn_block_drop(s->block);
    s->block = NULL;
    key_free(&s->key);
    fn_free(s->prefixes);
    s->prefixes = NULL;
    fn_free(s->row_numbers);
    s->row_numbers = NULL;
}

/* First row of [from, rows) of `key` that is not below row `row` of `than`. */
static uint32_t lower_bound(const mt_key *key, uint32_t from, uint32_t rows, const mt_key *than, uint32_t row)
{
    uint32_t low = from, high = rows;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (mt_key_compare(key, middle, than, row) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* Leaves the rows of the block whose keys are wanted; both sides ascend. */
static fn_status filter_block(fn_ctx *ctx, const mt_merge *m, source *s)
{
    const uint32_t rows = s->block->rows;
    s->row_numbers = fn_alloc(ctx, sizeof *s->row_numbers * ((size_t)rows + 1));
    FN_TRY_PTR(ctx, s->row_numbers);
    uint32_t n = 0, at = 0;
    mt_key key = s->key;
    key.count = FN_MIN(key.count, m->only->count); /* a group's rows of all versions */
    for (uint32_t i = lower_bound(m->only, 0, m->only_rows, &key, 0); i < m->only_rows && at < rows; i++) {
        at = lower_bound(&key, at, rows, m->only, i);
        while (at < rows && mt_key_compare(&key, at, m->only, i) == 0) s->row_numbers[n++] = at++;
    }
    fn_block *kept = fn_block_take(ctx, s->block, s->row_numbers, n);
    FN_TRY_PTR(ctx, kept);
    for (uint32_t i = 0; i < n; i++) s->row_numbers[i] += (uint32_t)s->first_row;
    fn_block_drop(s->block);
    s->block = kept;
    key_free(&s->key);
    return key_of(ctx, m, kept, &s->key);
}

/* Leaves the rows of the block that pass. */
static fn_status drop_failing(fn_ctx *ctx, const mt_merge *m, source *s)
{
    fn_block *const all = s->block;
    uint32_t kept = 0;
    uint8_t *mask = fn_alloc(ctx, (size_t)all->rows + FN_BUFFER_PAD);
    FN_TRY_PTR(ctx, mask);
    fn_status status = expr_run_mask(ctx, m->filter, all, mask, &kept);
    if (status == FN_OK && kept < all->rows) {
        s->block = fn_block_filter(ctx, all, mask, kept);
        if (s->block) fn_block_drop(all);
        else status = ctx->error.code;
        if (!s->block) s->block = all;
    }
    fn_free(mask);
    return status;
}

/* The next block of wanted granules; none: the source is at its end. *empty: nothing of it was wanted. */
static fn_status load_some(fn_ctx *ctx, mt_merge *m, source *s, bool *empty)
{
    *empty = false;
    drop_block(s);
    while (s->next_granule < s->granule_count && s->granules && !s->granules[s->next_granule]) s->next_granule++;
    uint32_t count = 0;
    while (count < READ_GRANULES && s->next_granule + count < s->granule_count && !(s->granules && !s->granules[s->next_granule + count])) count++;
    s->row = s->start = 0;
    if (count == 0) return FN_OK;
    FN_TRY(mt_read(ctx, &s->reader, m->columns, m->column_count, s->next_granule, count, &s->block));
    s->first_row = (uint64_t)s->next_granule * FN_GRANULE_ROWS;
    s->next_granule += count;
    m->rows_read += s->block->rows;
    if (m->filter) FN_TRY(drop_failing(ctx, m, s));
    FN_TRY(key_of(ctx, m, s->block, &s->key));
    if (s->filtered) FN_TRY(filter_block(ctx, m, s));
    *empty = s->block->rows == 0;
    s->prefixes = fn_alloc(ctx, sizeof *s->prefixes * ((size_t)s->block->rows + 1));
    FN_TRY_PTR(ctx, s->prefixes);
    if (m->source_count == 1) { /* nobody to compare with */
        memset(s->prefixes, 0, sizeof *s->prefixes);
        return FN_OK;
    }
    return mt_key_prefixes(ctx, &s->key, s->block->rows, s->prefixes, &s->exact);
}

static fn_status load(fn_ctx *ctx, mt_merge *m, source *s)
{
    fn_arena *const outer = ctx->arena;
    fn_status status = FN_OK;
    ctx->arena = m->load_arena;
    for (bool empty = true; empty && status == FN_OK;) {
        status = load_some(ctx, m, s, &empty);
        fn_arena_reset(m->load_arena);
        if (status == FN_OK && empty) status = fn_ctx_check(ctx);
    }
    ctx->arena = outer;
    return status;
}

/* Order of the current rows of two sources; equal keys: the older part first. */
static int compare_rows(const mt_merge *m, uint32_t a, uint32_t row_a, uint32_t b, uint32_t row_b)
{
    const source *x = &m->sources[a], *y = &m->sources[b];
    int order = mt_prefix_compare(x->prefixes[row_a], y->prefixes[row_b]);
    if (order == 0 && !(x->exact && y->exact)) order = mt_key_compare(&x->key, row_a, &y->key, row_b);
    return order ? order : (a > b) - (a < b);
}

static bool comes_before(const mt_merge *m, const head *a, const head *b)
{
    const int order = mt_prefix_compare(a->prefix, b->prefix);
    if (order) return order < 0;
    return compare_rows(m, a->source, m->sources[a->source].row, b->source, m->sources[b->source].row) < 0;
}

static void sift_down(mt_merge *m, uint32_t at)
{
    const head moved = m->heap[at];
    for (;;) {
        uint32_t kid = 2 * at + 1;
        if (kid >= m->heap_count) break;
        if (kid + 1 < m->heap_count && comes_before(m, &m->heap[kid + 1], &m->heap[kid])) kid++;
        if (!comes_before(m, &m->heap[kid], &moved)) break;
        m->heap[at] = m->heap[kid];
        at = kid;
    }
    m->heap[at] = moved;
}

/* The top source has gone on to another row. */
static void replace_top(mt_merge *m)
{
    const source *s = &m->sources[m->heap[0].source];
    if (m->source_count == 1) return;
    m->heap[0].prefix = s->prefixes[s->row];
    sift_down(m, 0);
}

/* ---- steps ---- */

static fn_status add_run(fn_ctx *ctx, mt_merge *m, uint32_t index, uint32_t from, uint32_t rows)
{
    if (m->run_count == m->run_capacity) {
        const uint32_t capacity = m->run_capacity ? 2 * m->run_capacity : 64;
        run *more = fn_realloc(ctx, m->runs, capacity * sizeof *more);
        FN_TRY_PTR(ctx, more);
        m->runs = more;
        m->run_capacity = capacity;
    }
    m->runs[m->run_count++] = (run){index, from, rows};
    m->rows += rows;
    return FN_OK;
}

/* Rows of the top source that come before every other source's row. */
static uint32_t run_length(const mt_merge *m, uint32_t most)
{
    const uint32_t top = m->heap[0].source;
    const source *s = &m->sources[top];
    const uint32_t end = s->row + FN_MIN(most, s->block->rows - s->row);
    if (m->heap_count == 1 || s->row + 1 == end) return end - s->row;
    const head *second = &m->heap[1];
    if (m->heap_count > 2 && comes_before(m, &m->heap[2], second)) second = &m->heap[2];
    const uint32_t other = second->source, row = m->sources[other].row;
    uint32_t low = s->row, step = 1; /* gallop: low comes before the other source's row */
    while (low + step < end && compare_rows(m, top, low + step, other, row) < 0) {
        low += step;
        step *= 2;
    }
    uint32_t high = FN_MIN(low + step, end); /* does not, or is the end */
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (compare_rows(m, top, middle, other, row) < 0) low = middle;
        else high = middle;
    }
    return high - s->row;
}

/* Fills runs until a source's block is used up or the batch is full. *used_up: the source to load; -1: none. */
static fn_status fill_runs(fn_ctx *ctx, mt_merge *m, int *used_up)
{
    *used_up = -1;
    while (m->heap_count && m->rows < BATCH_ROWS) {
        const uint32_t top = m->heap[0].source;
        source *s = &m->sources[top];
        const uint32_t rows = run_length(m, BATCH_ROWS - m->rows);
        FN_TRY(add_run(ctx, m, top, s->row, rows));
        s->row += rows;
        if (s->row == s->block->rows) {
            *used_up = (int)top;
            return FN_OK;
        }
        replace_top(m);
    }
    return FN_OK;
}

/* One column of the runs. Few long runs: slices behind each other. Many: every source's stretch once, then gathered. */
static fn_column *gather_column(fn_ctx *ctx, const mt_merge *m, uint32_t column, const uint32_t *order)
{
    const uint32_t most = FN_MAX(m->source_count, m->run_count);
    fn_column **pieces = FN_NEW_ARRAY(ctx, fn_column *, most + 1), *joined = NULL, *out = NULL;
    uint32_t n = 0;
    bool failed = !pieces;
    if (order) {
        for (uint32_t i = 0; i < m->source_count && !failed; i++) {
            const source *s = &m->sources[i];
            if (!s->block || s->row == s->start) continue;
            pieces[n] = fn_column_slice(ctx, s->block->columns[column], s->start, s->row - s->start);
            failed = !pieces[n++];
        }
    } else {
        for (uint32_t i = 0; i < m->run_count && !failed; i++) {
            pieces[n] = fn_column_slice(ctx, m->sources[m->runs[i].source].block->columns[column], m->runs[i].from, m->runs[i].rows);
            failed = !pieces[n++];
        }
    }
    if (!failed) joined = n == 1 ? fn_column_ref(pieces[0]) : fn_column_concat(ctx, pieces, n);
    for (uint32_t i = 0; i < n; i++) fn_column_drop(pieces[i]);
    if (joined) out = order ? fn_column_take(ctx, joined, order, m->rows) : fn_column_ref(joined);
    fn_column_drop(joined);
    return out;
}

/* Where in the joined stretches each row of the batch lies; NULL when the runs are few and long. */
static fn_status gather_order(fn_ctx *ctx, const mt_merge *m, uint32_t **out)
{
    *out = NULL;
    if (m->run_count <= 2 * m->source_count + 8) return FN_OK;
    uint32_t *base = FN_NEW_ARRAY(ctx, uint32_t, m->source_count), *order = FN_NEW_ARRAY(ctx, uint32_t, m->rows), at = 0, n = 0;
    if (!base || !order) return ctx->error.code;
    for (uint32_t i = 0; i < m->source_count; i++) {
        base[i] = at;
        if (m->sources[i].block) at += m->sources[i].row - m->sources[i].start;
    }
    for (uint32_t i = 0; i < m->run_count; i++) {
        const run *r = &m->runs[i];
        for (uint32_t k = 0; k < r->rows; k++) order[n++] = base[r->source] + r->from - m->sources[r->source].start + k;
    }
    *out = order;
    return FN_OK;
}

static fn_status gather_origins(fn_ctx *ctx, const mt_merge *m, uint64_t **out)
{
    *out = NULL;
    if (!m->origins) return FN_OK;
    *out = fn_alloc(ctx, sizeof **out * ((size_t)m->rows + 1));
    FN_TRY_PTR(ctx, *out);
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->run_count; i++) {
        const run *r = &m->runs[i];
        const source *s = &m->sources[r->source];
        for (uint32_t k = 0; k < r->rows; k++) {
            const uint64_t row = s->row_numbers ? s->row_numbers[r->from + k] : s->first_row + r->from + k;
            (*out)[n++] = (uint64_t)r->source << 40 | row;
        }
    }
    return FN_OK;
}

/* The runs as a block of all columns read. */
static fn_status gather(fn_ctx *ctx, mt_merge *m, fn_block **out, uint64_t **origins)
{
    uint32_t *order;
    FN_TRY(gather_order(ctx, m, &order));
    FN_TRY(gather_origins(ctx, m, origins));
    fn_block *b = fn_block_new(ctx, m->column_count, m->rows);
    fn_status status = b ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < m->column_count && status == FN_OK; i++) {
        b->columns[i] = gather_column(ctx, m, i, order);
        if (!b->columns[i]) status = ctx->error.code;
    }
    if (status != FN_OK) {
        fn_block_drop(b);
        fn_free(*origins);
        *origins = NULL;
        return status;
    }
    for (uint32_t i = 0; i < m->source_count; i++) m->sources[i].start = m->sources[i].row;
    m->run_count = m->rows = 0;
    *out = b;
    return FN_OK;
}

static fn_status step(fn_ctx *ctx, mt_merge *m, fn_block **out, uint64_t **origins)
{
    int used_up;
    *out = NULL;
    *origins = NULL;
    FN_TRY(fill_runs(ctx, m, &used_up));
    if (m->rows == 0) return FN_OK;
    FN_TRY(gather(ctx, m, out, origins));
    if (used_up < 0) return FN_OK;
    fn_status status = load(ctx, m, &m->sources[used_up]);
    if (status != FN_OK) {
        fn_block_drop(*out);
        fn_free(*origins);
        *out = NULL;
        *origins = NULL;
        return status;
    }
    if (m->sources[used_up].block) {
        replace_top(m);
    } else {
        m->heap[0] = m->heap[--m->heap_count];
        if (m->heap_count) sift_down(m, 0);
    }
    return FN_OK;
}

/* ---- whole groups ---- */

static fn_status concat_blocks(fn_ctx *ctx, fn_block *a, fn_block *b, fn_block **out)
{
    fn_block *joined = fn_block_new(ctx, a->count, a->rows + b->rows);
    FN_TRY_PTR(ctx, joined);
    for (uint32_t i = 0; i < a->count; i++) {
        fn_column *pair[2] = {a->columns[i], b->columns[i]};
        joined->columns[i] = fn_column_concat(ctx, pair, 2);
        if (!joined->columns[i]) {
            fn_block_drop(joined);
            return ctx->error.code;
        }
    }
    *out = joined;
    return FN_OK;
}

/* Puts the rows held back in front of *block. */
static fn_status prepend_held(fn_ctx *ctx, mt_merge *m, fn_block **block, uint64_t **origins)
{
    if (!m->held) return FN_OK;
    if (!*block) {
        *block = m->held;
        *origins = m->held_origins;
    } else {
        fn_block *joined = NULL;
        const uint32_t held = m->held->rows, rows = (*block)->rows;
        if (m->origins) {
            uint64_t *all = fn_alloc(ctx, sizeof *all * ((size_t)held + rows + 1));
            FN_TRY_PTR(ctx, all);
            memcpy(all, m->held_origins, sizeof *all * held);
            memcpy(all + held, *origins, sizeof *all * rows);
            fn_free(*origins);
            *origins = all;
        }
        FN_TRY(concat_blocks(ctx, m->held, *block, &joined));
        fn_block_drop(*block);
        *block = joined;
        fn_block_drop(m->held);
        fn_free(m->held_origins);
    }
    m->held = NULL;
    m->held_origins = NULL;
    return FN_OK;
}

/* Keeps the last group for the next batch; *rows: what stays. */
static fn_status hold_last_group(fn_ctx *ctx, mt_merge *m, fn_block *block, const uint64_t *origins, uint32_t *rows)
{
    mt_key key;
    uint32_t from = block->rows - 1;
    fn_status status = key_of(ctx, m, block, &key);
    if (status == FN_OK) {
        key.count = FN_MIN(key.count, m->shape->group_count);
        while (from && mt_key_compare(&key, from - 1, &key, from) == 0) from--;
        key.count = m->shape->definition->sort_count;
    }
    key_free(&key);
    FN_TRY(status);
    *rows = from;
    m->held = fn_block_slice(ctx, block, from, block->rows - from);
    FN_TRY_PTR(ctx, m->held);
    if (!m->origins) return FN_OK;
    m->held_origins = fn_alloc(ctx, sizeof(uint64_t) * ((size_t)block->rows - from + 1));
    FN_TRY_PTR(ctx, m->held_origins);
    memcpy(m->held_origins, origins + from, sizeof(uint64_t) * (block->rows - from));
    return FN_OK;
}

/* The wanted columns of the first `rows` rows, with their key. */
static fn_status finish_batch(fn_ctx *ctx, mt_merge *m, const fn_block *block, uint32_t rows, mt_batch *out)
{
    fn_block *part = fn_block_slice(ctx, block, 0, rows);
    FN_TRY_PTR(ctx, part);
    fn_block *b = fn_block_new(ctx, m->wanted_count, rows);
    fn_status status = b ? key_of(ctx, m, part, &out->key) : ctx->error.code;
    for (uint32_t i = 0; b && i < m->wanted_count; i++) b->columns[i] = fn_column_ref(part->columns[i]);
    fn_block_drop(part);
    out->block = b;
    return status;
}

static fn_status next_batch(fn_ctx *ctx, mt_merge *m, mt_batch *out)
{
    for (;;) {
        fn_block *block = NULL;
        FN_TRY(step(ctx, m, &block, &out->origins));
        const bool end = block == NULL;
        uint32_t rows = block ? block->rows : 0;
        fn_status status = m->whole_groups ? prepend_held(ctx, m, &block, &out->origins) : FN_OK;
        if (status == FN_OK && !block) return FN_OK;
        if (status == FN_OK) rows = block->rows;
        if (status == FN_OK && m->whole_groups && !end) status = hold_last_group(ctx, m, block, out->origins, &rows);
        if (status == FN_OK && rows) status = finish_batch(ctx, m, block, rows, out);
        fn_block_drop(block);
        if (status != FN_OK || rows) return status;
        fn_free(out->origins); /* all of it is one group that goes on */
        out->origins = NULL;
    }
}

fn_status mt_merge_next(fn_ctx *ctx, mt_merge *m, mt_batch *out)
{
    fn_arena *const query = ctx->arena;
    *out = (mt_batch){0};
    ctx->arena = m->block_arena;
    const fn_status status = next_batch(ctx, m, out);
    ctx->arena = query;
    fn_arena_reset(m->block_arena);
    if (status != FN_OK) mt_batch_release(out);
    return status;
}

uint64_t mt_merge_rows_read(const mt_merge *m)
{
    return m->rows_read;
}

void mt_batch_release(mt_batch *b)
{
    fn_block_drop(b->block);
    key_free(&b->key);
    fn_free(b->origins);
    *b = (mt_batch){0};
}

/* ---- opening ---- */

/* The columns wanted, then those that the key and the filter need besides. */
static fn_status choose_columns(fn_ctx *ctx, mt_merge *m, const mt_merge_options *o)
{
    const mt_definition *d = m->shape->definition;
    fn_buf ids = FN_BUF_INIT;
    expr *filter = NULL;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < d->sort_count && status == FN_OK; i++) status = expr_columns(ctx, d->sort_key[i], &ids);
    for (uint32_t i = 0; i < o->filter_count && status == FN_OK; i++) status = expr_columns(ctx, o->filter[i], &ids);
    const uint32_t *needed = (const uint32_t *)(const void *)ids.data, needed_count = (uint32_t)(ids.size / sizeof *needed);
    m->columns = status == FN_OK ? FN_NEW_ARRAY(ctx, uint32_t, o->column_count + needed_count + 1) : NULL;
    if (status == FN_OK && !m->columns) status = ctx->error.code;
    for (uint32_t i = 0; i < o->column_count && status == FN_OK; i++) m->columns[m->column_count++] = o->columns[i];
    m->wanted_count = m->column_count;
    for (uint32_t i = 0; i < needed_count && status == FN_OK; i++) {
        bool listed = false;
        for (uint32_t k = 0; k < m->column_count && !listed; k++) listed = m->columns[k] == needed[i];
        if (!listed) m->columns[m->column_count++] = needed[i];
    }
    if (status == FN_OK && d->sort_count) status = expr_compile(ctx, d->sort_key, d->sort_count, m->columns, m->column_count, &m->key_program);
    for (uint32_t i = 0; i < o->filter_count && status == FN_OK; i++) status = expr_and(ctx, filter, o->filter[i], &filter);
    if (status == FN_OK && filter) status = expr_compile(ctx, &filter, 1, m->columns, m->column_count, &m->filter);
    fn_buf_release(&ids);
    return status;
}

static fn_status open_sources(fn_ctx *ctx, mt_merge *m, const mt_merge_options *o)
{
    m->sources = FN_NEW_ARRAY(ctx, source, FN_MAX(o->part_count, 1));
    m->heap = FN_NEW_ARRAY(ctx, head, FN_MAX(o->part_count, 1));
    if (!m->sources || !m->heap) return ctx->error.code;
    m->source_count = o->part_count;
    for (uint32_t i = 0; i < o->part_count; i++) {
        source *s = &m->sources[i];
        if (o->readers) s->reader = o->readers[i];
        else FN_TRY(mt_reader_init(ctx, m->shape, o->parts[i], &s->reader));
        s->granule_count = fn_part_granules(s->reader.data);
        s->granules = o->granules ? o->granules[i] : NULL;
        s->filtered = o->only && o->only_for[i];
        FN_TRY(load(ctx, m, s));
        if (s->block) m->heap[m->heap_count++] = (head){s->prefixes[0], i};
    }
    for (uint32_t i = m->heap_count / 2 + 1; i-- > 0;)
        if (i < m->heap_count) sift_down(m, i);
    return FN_OK;
}

fn_status mt_merge_open(fn_ctx *ctx, const mt_merge_options *options, mt_merge **out)
{
    *out = NULL;
    fn_arena *const query = ctx->arena;
    fn_arena *arena = fn_arena_new(ctx), *block_arena = arena ? fn_arena_new(ctx) : NULL, *load_arena = block_arena ? fn_arena_new(ctx) : NULL;
    mt_merge *m = load_arena ? fn_arena_alloc_zero(ctx, arena, sizeof *m) : NULL;
    if (!m) {
        fn_arena_free(arena);
        fn_arena_free(block_arena);
        fn_arena_free(load_arena);
        return ctx->error.code;
    }
    *m = (mt_merge){.arena = arena, .block_arena = block_arena, .load_arena = load_arena, .shape = options->shape, .whole_groups = options->whole_groups, .origins = options->origins, .only = options->only, .only_rows = options->only_rows};
    ctx->arena = arena;
    fn_status status = choose_columns(ctx, m, options);
    if (status == FN_OK) status = open_sources(ctx, m, options);
    ctx->arena = query;
    if (status == FN_OK) *out = m;
    else mt_merge_close(m);
    return status;
}

void mt_merge_close(mt_merge *m)
{
    if (!m) return;
    for (uint32_t i = 0; i < m->source_count; i++) drop_block(&m->sources[i]);
    fn_block_drop(m->held);
    fn_free(m->held_origins);
    fn_free(m->runs);
    fn_arena_free(m->load_arena);
    fn_arena_free(m->block_arena);
    fn_arena_free(m->arena);
}

fn_status mt_merge_each(fn_ctx *ctx, mt_store *store, const mt_merge_options *options, mt_each_batch *each, void *self)
{
    mt_merge *m;
    FN_TRY(mt_merge_open(ctx, options, &m));
    fn_arena *const outer = ctx->arena, *arena = fn_arena_new(ctx);
    fn_status status = arena ? FN_OK : ctx->error.code;
    for (bool more = true; more && status == FN_OK;) {
        mt_batch b;
        status = mt_merge_next(ctx, m, &b);
        more = status == FN_OK && b.block;
        ctx->arena = arena;
        if (more) status = each(self, ctx, &b);
        ctx->arena = outer;
        mt_batch_release(&b);
        if (status == FN_OK) status = fn_ctx_check(ctx);
        if (status == FN_OK && atomic_load(&store->closing)) status = fn_fail(ctx, FN_ABORTED, "Cancelled merging parts");
        if (arena) fn_arena_reset(arena);
    }
    fn_arena_free(arena);
    mt_merge_close(m);
    return status;
}
