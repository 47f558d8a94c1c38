/* sort_runs.c - rows that come in any order become sorted runs: they are collected up to RUN_BYTES, sorted and written as a part file of
 * their own that no list names. SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"

enum { RUN_BYTES = 128 << 20, RUN_ROWS = 8 << 20 };

static void drop_blocks(mt_runs *x)
{
    for (uint32_t i = 0; i < x->block_count; i++) fn_block_drop(x->blocks[i]);
    x->block_count = 0;
    x->rows = x->bytes = 0;
}

void mt_runs_release(mt_runs *x)
{
    drop_blocks(x);
    for (uint32_t i = 0; i < x->count; i++) mt_part_drop(x->parts[i]);
    fn_free(x->blocks);
    fn_free(x->parts);
    *x = (mt_runs){0};
}

static fn_status concat(fn_ctx *ctx, const mt_runs *x, fn_block **out)
{
    if (x->block_count == 1) {
        *out = fn_block_ref(x->blocks[0]);
        return FN_OK;
    }
    fn_block *b = fn_block_new(ctx, x->blocks[0]->count, (uint32_t)x->rows);
    fn_column **pieces = fn_alloc(ctx, sizeof(fn_column *) * ((size_t)x->block_count + 1));
    fn_status status = b && pieces ? FN_OK : ctx->error.code;
    for (uint32_t c = 0; status == FN_OK && c < b->count; c++) {
        for (uint32_t i = 0; i < x->block_count; i++) pieces[i] = x->blocks[i]->columns[c];
        b->columns[c] = fn_column_concat(ctx, pieces, x->block_count);
        if (!b->columns[c]) status = ctx->error.code;
    }
    fn_free(pieces);
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}

static fn_status sort(fn_ctx *ctx, const mt_shape *shape, const fn_block *in, fn_block **out)
{
    mt_key key;
    bool sorted = false;
    FN_TRY(mt_key_of(ctx, shape, in, &key));
    uint32_t *order = fn_alloc(ctx, ((size_t)in->rows + 1) * sizeof *order);
    fn_status status = order ? mt_sort_rows(ctx, &key, in->rows, order, &sorted) : ctx->error.code;
    if (status == FN_OK) {
        *out = sorted ? fn_block_ref(in) : fn_block_take(ctx, in, order, in->rows);
        if (!*out) status = ctx->error.code;
    }
    fn_free(order);
    mt_key_release(&key);
    return status;
}

static fn_status collapse(fn_ctx *ctx, const mt_shape *shape, const fn_block *sorted, fn_block **out)
{
    mt_key key;
    FN_TRY(mt_key_of(ctx, shape, sorted, &key));
    const fn_status status = mt_collapse(ctx, shape, &key, sorted, false, out);
    mt_key_release(&key);
    return status;
}

static fn_status write_run(fn_ctx *ctx, mt_runs *x, const fn_block *rows, mt_part **run)
{
    const mt_part_spec spec = {.partition_id = FN_STR("run"), .partition = FN_STR("")};
    mt_part_out out;
    fn_status status = mt_part_out_open_scratch(ctx, x->store, x->shape, &out);
    if (status == FN_OK) status = mt_part_out_write(ctx, &out, rows);
    if (status == FN_OK) status = mt_part_out_finish(ctx, &out, &spec, run);
    mt_part_out_close(&out);
    return status;
}

static fn_status keep_run(fn_ctx *ctx, mt_runs *x, mt_part *run_take)
{
    if (x->count == x->capacity) {
        const uint32_t capacity = x->capacity ? 2 * x->capacity : 4;
        mt_part **more = fn_realloc(ctx, x->parts, capacity * sizeof *more);
        if (!more) {
            mt_part_drop(run_take);
            return ctx->error.code;
        }
        x->parts = more;
        x->capacity = capacity;
    }
    x->parts[x->count++] = run_take;
    return FN_OK;
}

fn_status mt_runs_flush(fn_ctx *ctx, mt_runs *x)
{
    fn_block *all = NULL, *sorted = NULL, *collapsed = NULL;
    mt_part *run = NULL;
    if (x->rows == 0) return FN_OK;
    fn_status status = concat(ctx, x, &all);
    const bool once = x->block_count == 1; /* groups of one block are different */
    drop_blocks(x);
    if (status == FN_OK) status = sort(ctx, x->shape, all, &sorted);
    fn_block_drop(all);
    if (status == FN_OK && x->collapses && !once) status = collapse(ctx, x->shape, sorted, &collapsed);
    else if (status == FN_OK) collapsed = fn_block_ref(sorted);
    fn_block_drop(sorted);
    if (status == FN_OK) status = write_run(ctx, x, collapsed, &run);
    fn_block_drop(collapsed);
    return status == FN_OK ? keep_run(ctx, x, run) : status;
}

static fn_status collect(fn_ctx *ctx, mt_runs *x, fn_block *block_take)
{
    if (x->block_count == x->block_capacity) {
        const uint32_t capacity = x->block_capacity ? 2 * x->block_capacity : 8;
        fn_block **more = fn_realloc(ctx, x->blocks, capacity * sizeof *more);
        if (!more) {
            fn_block_drop(block_take);
            return ctx->error.code;
        }
        x->blocks = more;
        x->block_capacity = capacity;
    }
    x->blocks[x->block_count++] = block_take;
    x->rows += block_take->rows;
    x->bytes += fn_block_bytes(block_take);
    return FN_OK;
}

fn_status mt_runs_add(fn_ctx *ctx, mt_runs *x, fn_block *block_take)
{
    fn_status status = FN_OK;
    if (x->rows + block_take->rows > RUN_ROWS || x->bytes > RUN_BYTES) status = mt_runs_flush(ctx, x);
    if (status == FN_OK) return collect(ctx, x, block_take);
    fn_block_drop(block_take);
    return status;
}
