/* row_store.c - blocks collected by workers become segments: columns joined as far as one column can hold them (4 GiB of string
 * bytes or items). Nearly every store has one segment, and gathering is one fn_column_take; with more, rows are taken per
 * segment, joined and put in order. SPDX-License-Identifier: Apache-2.0 */
#include "exec/row_store.h"
#include "exec/dict_union.h"

static const uint64_t segment_weight_max = 3ull << 30;

fn_status row_store_init(fn_ctx *ctx, row_store *s, unsigned workers, uint32_t column_count)
{
    *s = (row_store){.column_count = column_count, .list_count = workers};
    s->lists = fn_alloc_zero(ctx, workers * sizeof *s->lists);
    return s->lists ? FN_OK : ctx->error.code;
}

void row_store_release(row_store *s)
{
    for (uint32_t w = 0; s->lists && w < s->list_count; w++) row_list_release(&s->lists[w]);
    fn_free(s->lists);
    for (uint32_t i = 0; i < s->segment_count; i++) {
        for (uint32_t c = 0; s->segments[i].columns && c < s->column_count; c++) fn_column_drop(s->segments[i].columns[c]);
        fn_free(s->segments[i].columns);
    }
    fn_free(s->segments);
    *s = (row_store){0};
}

fn_status row_store_add(fn_ctx *ctx, row_store *s, unsigned worker, const fn_block *block)
{
    FN_DEBUG_ASSERT(worker < s->list_count && block->count == s->column_count);
    return row_list_add(ctx, &s->lists[worker], block);
}

void row_list_release(row_list *l)
{
    for (uint32_t i = 0; i < l->count; i++) fn_block_drop(l->blocks[i]);
    fn_free(l->blocks);
    *l = (row_list){0};
}

fn_status row_list_add(fn_ctx *ctx, row_list *l, const fn_block *block)
{
    if (!block->rows) return FN_OK;
    if (l->count == l->room) {
        const uint32_t room = l->room ? l->room * 2 : 16;
        fn_block **more = fn_realloc(ctx, l->blocks, room * sizeof *more);
        FN_TRY_PTR(ctx, more);
        l->blocks = more;
        l->room = room;
    }
    l->blocks[l->count++] = fn_block_ref(block);
    l->rows += block->rows;
    return FN_OK;
}

uint64_t row_store_count(const row_store *s)
{
    uint64_t rows = 0;
    for (uint32_t w = 0; w < s->list_count; w++) rows += s->lists[w].rows;
    return rows;
}

/* What a joined column may hold at most 4 GiB of: string bytes or items; 0 for the rest. */
static uint64_t column_weight(const fn_column *c)
{
    const fn_phys phys = c->type->phys;
    if (!c->rows || (phys != FN_PHYS_STRING && phys != FN_PHYS_ARRAY && phys != FN_PHYS_TUPLE)) return 0;
    if (c->shape == FN_DICT) {
        const uint32_t *offsets = c->kids[0]->offsets;
        uint64_t bytes = 0;
        for (uint32_t i = 0; offsets && i < c->rows; i++) {
            const uint32_t code = fn_column_code(c, i);
            bytes += offsets[code + 1] - offsets[code];
        }
        return bytes;
    }
    const uint32_t stored = c->shape == FN_CONST ? 1 : c->rows;
    uint64_t weight = c->offsets ? c->offsets[stored] - c->offsets[0] : 0;
    for (unsigned k = 0; k < c->kid_count; k++) {
        const uint64_t kid = column_weight(c->kids[k]);
        weight = FN_MAX(weight, kid);
    }
    return c->shape == FN_CONST ? weight * c->rows : weight;
}

typedef struct seal_job {
    row_store *store;
    fn_block **blocks;       /* all, in order */
    uint32_t block_count;
    const uint32_t *starts;  /* first block of each segment, and the end */
    const fn_type *const *types;
} seal_job;

/* Column index % columns of segment index / columns. */
static fn_status seal_column(void *arg, fn_ctx *ctx, uint32_t index)
{
    const seal_job *job = arg;
    const uint32_t segment = index / job->store->column_count, column = index % job->store->column_count;
    const uint32_t from = job->starts[segment], count = job->starts[segment + 1] - from;
    fn_column **parts = fn_alloc(ctx, ((size_t)count + 1) * sizeof *parts);
    FN_TRY_PTR(ctx, parts);
    for (uint32_t i = 0; i < count; i++) parts[i] = job->blocks[from + i]->columns[column];
    fn_column **joined = &job->store->segments[segment].columns[column];
    fn_status status = dict_union(ctx, parts, count, joined);
    if (status == FN_OK && !*joined) {
        *joined = fn_column_concat(ctx, parts, count);
        if (!*joined) status = ctx->error.code;
    }
    fn_free(parts);
    return status;
}

static fn_status seal_empty(fn_ctx *ctx, row_store *s, const fn_type *const *types)
{
    for (uint32_t c = 0; c < s->column_count; c++) {
        fn_column *none = fn_column_default(ctx, types[c], 0);
        FN_TRY_PTR(ctx, none);
        s->segments[0].columns[c] = fn_column_flatten(ctx, none);
        fn_column_drop(none);
        FN_TRY_PTR(ctx, s->segments[0].columns[c]);
    }
    return FN_OK;
}

/* Where segments begin: a new one when some column would not fit. weights: one per column, zeroed. */
static void cut_segments(seal_job *job, uint64_t *weights, uint32_t *starts, uint32_t *count)
{
    *count = 0;
    starts[(*count)++] = 0;
    for (uint32_t b = 0; b < job->block_count; b++) {
        bool full = false;
        for (uint32_t c = 0; c < job->store->column_count; c++) {
            const uint64_t weight = column_weight(job->blocks[b]->columns[c]);
            weights[c] += weight;
            full |= weights[c] > segment_weight_max && b > starts[*count - 1];
        }
        if (!full) continue;
        starts[(*count)++] = b;
        for (uint32_t c = 0; c < job->store->column_count; c++) weights[c] = column_weight(job->blocks[b]->columns[c]);
    }
    starts[*count] = job->block_count;
}

static fn_status seal_with(fn_ctx *ctx, row_store *s, fn_pool *pool, seal_job *job, uint32_t *starts, uint64_t *weights)
{
    uint32_t at = 0;
    for (uint32_t w = 0; w < s->list_count; w++)
        for (uint32_t i = 0; i < s->lists[w].count; i++) job->blocks[at++] = s->lists[w].blocks[i];
    uint32_t count;
    cut_segments(job, weights, starts, &count);
    s->segments = fn_alloc_zero(ctx, count * sizeof *s->segments);
    FN_TRY_PTR(ctx, s->segments);
    s->segment_count = count;
    uint32_t first = 0;
    for (uint32_t i = 0; i < count; i++) {
        s->segments[i].first = first;
        for (uint32_t b = starts[i]; b < starts[i + 1]; b++) s->segments[i].rows += job->blocks[b]->rows;
        first += s->segments[i].rows;
        s->segments[i].columns = fn_alloc_zero(ctx, ((size_t)s->column_count + 1) * sizeof(fn_column *));
        FN_TRY_PTR(ctx, s->segments[i].columns);
    }
    if (!job->block_count) return seal_empty(ctx, s, job->types);
    job->starts = starts;
    return parallel_run(ctx, pool, seal_column, job, count * s->column_count);
}

fn_status row_store_seal(fn_ctx *ctx, row_store *s, fn_pool *pool, const fn_type *const *types)
{
    const uint64_t rows = row_store_count(s);
    if (rows >= UINT32_MAX)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Holding %llu rows in one operator is not supported, maximum is %u", (unsigned long long)rows, UINT32_MAX - 1);
    seal_job job = {.store = s, .types = types};
    for (uint32_t w = 0; w < s->list_count; w++) job.block_count += s->lists[w].count;
    s->rows = (uint32_t)rows;
    job.blocks = fn_alloc(ctx, ((size_t)job.block_count + 1) * sizeof *job.blocks);
    uint32_t *starts = fn_alloc(ctx, ((size_t)job.block_count + 2) * sizeof *starts);
    uint64_t *weights = fn_alloc_zero(ctx, ((size_t)s->column_count + 1) * sizeof *weights);
    const fn_status status = job.blocks && starts && weights ? seal_with(ctx, s, pool, &job, starts, weights) : ctx->error.code;
    fn_free(job.blocks);
    fn_free(starts);
    fn_free(weights);
    for (uint32_t w = 0; status == FN_OK && w < s->list_count; w++) { /* the segments hold the rows now */
        for (uint32_t i = 0; i < s->lists[w].count; i++) fn_block_drop(s->lists[w].blocks[i]);
        s->lists[w].count = 0;
    }
    return status;
}

fn_column *row_store_column(fn_ctx *ctx, const row_store *s, uint32_t column)
{
    if (s->segment_count == 1) return fn_column_ref(s->segments[0].columns[column]);
    fn_column **parts = fn_alloc(ctx, s->segment_count * sizeof *parts);
    if (!parts) return NULL;
    for (uint32_t i = 0; i < s->segment_count; i++) parts[i] = s->segments[i].columns[column];
    fn_column *out = fn_column_concat(ctx, parts, s->segment_count);
    fn_free(parts);
    return out;
}

/* Fills places[i] with the position row i of the answer has in the joined parts; rows: scratch. */
static fn_status take_parts(fn_ctx *ctx, const row_store *s, uint32_t column, const uint32_t *ids, uint32_t count, fn_column **parts, uint32_t *rows,
                            uint32_t *places)
{
    uint32_t at = 0;
    for (uint32_t g = 0; g < s->segment_count; g++) {
        const row_segment *segment = &s->segments[g];
        uint32_t n = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (ids[i] - segment->first >= segment->rows) continue; /* wraps below the first */
            rows[n] = ids[i] - segment->first;
            places[i] = at + n++;
        }
        at += n;
        parts[g] = fn_column_take(ctx, segment->columns[column], rows, n);
        FN_TRY_PTR(ctx, parts[g]);
    }
    return FN_OK;
}

fn_column *row_store_take(fn_ctx *ctx, const row_store *s, uint32_t column, const uint32_t *ids, uint32_t count)
{
    if (s->segment_count == 1) return fn_column_take(ctx, s->segments[0].columns[column], ids, count);
    fn_column **parts = fn_alloc_zero(ctx, s->segment_count * sizeof *parts), *joined = NULL, *out = NULL;
    uint32_t *rows = fn_alloc(ctx, ((size_t)count + 1) * 2 * sizeof *rows);
    if (parts && rows && take_parts(ctx, s, column, ids, count, parts, rows, rows + count) == FN_OK) joined = fn_column_concat(ctx, parts, s->segment_count);
    if (joined) out = fn_column_take(ctx, joined, rows + count, count);
    for (uint32_t i = 0; parts && i < s->segment_count; i++) fn_column_drop(parts[i]);
    fn_column_drop(joined);
    fn_free(parts);
    fn_free(rows);
    return out;
}
