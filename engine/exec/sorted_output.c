/* sorted_output.c - late materialisation: the payload of sorted rows is gathered when they leave, several blocks at a time, one
 * task per block and column. Runs of neighbouring rows are slices, not copies.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/sorted_output.h"

typedef struct gather_job {
    sorted_output *out;
    const uint32_t *starts; /* of the blocks, in order[] */
} gather_job;

static fn_column *gather(fn_ctx *ctx, const row_store *s, uint32_t column, const uint32_t *ids, uint32_t rows)
{
    uint32_t run = 1;
    while (run < rows && ids[run] == ids[0] + run) run++;
    if (run == rows && s->segment_count == 1) return fn_column_slice(ctx, s->segments[0].columns[column], ids[0], rows);
    return row_store_take(ctx, s, column, ids, rows);
}

static fn_status gather_piece(void *arg, fn_ctx *ctx, uint32_t index)
{
    const gather_job *job = arg;
    sorted_output *o = job->out;
    const uint32_t block = index / o->column_count, column = index % o->column_count;
    fn_block *b = o->ready[block];
    b->columns[column] = gather(ctx, o->store, column, o->order + job->starts[block], b->rows);
    return b->columns[column] ? FN_OK : ctx->error.code;
}

static fn_status make_ready(fn_ctx *ctx, sorted_output *o, fn_pool *pool, unsigned workers)
{
    uint32_t starts[SORTED_OUTPUT_AHEAD];
    const unsigned wanted = o->begun ? FN_MIN(FN_MAX(workers, 1u), (unsigned)SORTED_OUTPUT_AHEAD) : 1; /* a LIMIT may end it soon */
    gather_job job = {o, starts};
    o->ready_at = o->ready_count = 0;
    o->begun = true;
    while (o->ready_count < wanted && o->at < o->rows) {
        const uint32_t rows = FN_MIN(o->rows - o->at, (uint32_t)FN_BLOCK_ROWS_MAX);
        o->ready[o->ready_count] = fn_block_new(ctx, o->column_count, rows);
        FN_TRY_PTR(ctx, o->ready[o->ready_count]);
        starts[o->ready_count++] = o->at;
        o->at += rows;
    }
    const bool small = o->ready_count == 1 && o->ready[0]->rows < FN_BLOCK_ROWS;
    return parallel_run(ctx, small || workers < 2 ? NULL : pool, gather_piece, &job, o->ready_count * o->column_count);
}

fn_status sorted_output_next(fn_ctx *ctx, sorted_output *o, fn_pool *pool, unsigned workers, fn_block **out)
{
    *out = NULL;
    if (o->ready_at == o->ready_count) {
        if (o->at == o->rows) return FN_OK;
        FN_TRY(make_ready(ctx, o, pool, workers));
    }
    *out = o->ready[o->ready_at];
    o->ready[o->ready_at++] = NULL;
    return FN_OK;
}

void sorted_output_release(sorted_output *o)
{
    for (unsigned i = 0; i < SORTED_OUTPUT_AHEAD; i++) {
        fn_block_drop(o->ready[i]);
        o->ready[i] = NULL;
    }
    o->ready_at = o->ready_count = 0;
    o->at = o->rows;
}
