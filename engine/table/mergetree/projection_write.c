/* projection_write.c - writing a projection: rows come in the table's order and are brought into the projection's. They are collected up to
 * RUN_BYTES, sorted and written as a run, a part file of its own that no list names; the runs are merged into one, which is copied into
 * the part's file. An insert has one run as a rule. Rows of an aggregate projection are grouped before they are collected.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/projection.h"

enum { RUN_BYTES = 128 << 20, RUN_ROWS = 8 << 20 };

struct mt_projection_out {
    mt_store *store;
    const mt_shape *shape, *own; /* the table's, the projection's */
    const mt_projection *projection;
    expr_program *program;
    fn_block **blocks;           /* collected, in the projection's columns */
    uint32_t block_count, block_capacity;
    uint64_t rows, bytes;
    mt_part **runs;
    uint32_t run_count, run_capacity;
    mt_part **sources;           /* projections to be merged instead; NULL: none */
    uint32_t source_count;
};

fn_status mt_projection_out_new(fn_ctx *ctx, mt_store *store, const mt_shape *shape, uint32_t index, mt_projection_out **out)
{
    mt_projection_out *x = fn_alloc_zero(ctx, sizeof *x);
    FN_TRY_PTR(ctx, x);
    *x = (mt_projection_out){.store = store, .shape = shape, .own = shape->projections[index], .projection = &shape->definition->projections[index],
                             .program = shape->projection_programs[index]};
    *out = x;
    return FN_OK;
}

static void drop_blocks(mt_projection_out *x)
{
    for (uint32_t i = 0; i < x->block_count; i++) fn_block_drop(x->blocks[i]);
    x->block_count = 0;
    x->rows = x->bytes = 0;
}

static void drop_parts(mt_part **parts, uint32_t *count)
{
    for (uint32_t i = 0; i < *count; i++) mt_part_drop(parts[i]);
    *count = 0;
}

void mt_projection_out_free(mt_projection_out *x)
{
    if (!x) return;
    drop_blocks(x);
    drop_parts(x->runs, &x->run_count);
    drop_parts(x->sources, &x->source_count);
    fn_free(x->blocks);
    fn_free(x->runs);
    fn_free(x->sources);
    fn_free(x);
}

/* ---- runs ---- */

static fn_status concat(fn_ctx *ctx, const mt_projection_out *x, fn_block **out)
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

static fn_status sort(fn_ctx *ctx, const mt_shape *own, const fn_block *in, fn_block **out)
{
    mt_key key;
    bool sorted = false;
    FN_TRY(mt_key_of(ctx, own, in, &key));
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

static fn_status collapse(fn_ctx *ctx, const mt_shape *own, const fn_block *sorted, fn_block **out)
{
    mt_key key;
    FN_TRY(mt_key_of(ctx, own, sorted, &key));
    const fn_status status = mt_collapse(ctx, own, &key, sorted, false, out);
    mt_key_release(&key);
    return status;
}

static fn_status write_run(fn_ctx *ctx, mt_projection_out *x, const fn_block *rows, mt_part **run)
{
    const mt_part_spec spec = {.partition_id = FN_STR("projection"), .partition = FN_STR("")};
    mt_part_out out;
    fn_status status = mt_part_out_open_scratch(ctx, x->store, x->own, &out);
    if (status == FN_OK) status = mt_part_out_write(ctx, &out, rows);
    if (status == FN_OK) status = mt_part_out_finish(ctx, &out, &spec, run);
    mt_part_out_close(&out);
    return status;
}

static fn_status keep_run(fn_ctx *ctx, mt_projection_out *x, mt_part *run_take)
{
    if (x->run_count == x->run_capacity) {
        const uint32_t capacity = x->run_capacity ? 2 * x->run_capacity : 4;
        mt_part **more = fn_realloc(ctx, x->runs, capacity * sizeof *more);
        if (!more) {
            mt_part_drop(run_take);
            return ctx->error.code;
        }
        x->runs = more;
        x->run_capacity = capacity;
    }
    x->runs[x->run_count++] = run_take;
    return FN_OK;
}

/* What is collected becomes a run. */
static fn_status flush(fn_ctx *ctx, mt_projection_out *x)
{
    fn_block *all = NULL, *sorted = NULL, *collapsed = NULL;
    mt_part *run = NULL;
    if (x->rows == 0) return FN_OK;
    fn_status status = concat(ctx, x, &all);
    const bool once = x->block_count == 1; /* groups of one block are different */
    drop_blocks(x);
    if (status == FN_OK) status = sort(ctx, x->own, all, &sorted);
    fn_block_drop(all);
    if (status == FN_OK && x->projection->aggregate && !once) status = collapse(ctx, x->own, sorted, &collapsed);
    else if (status == FN_OK) collapsed = fn_block_ref(sorted);
    fn_block_drop(sorted);
    if (status == FN_OK) status = write_run(ctx, x, collapsed, &run);
    fn_block_drop(collapsed);
    return status == FN_OK ? keep_run(ctx, x, run) : status;
}

/* ---- rows in ---- */

static fn_status collect(fn_ctx *ctx, mt_projection_out *x, fn_block *block_take)
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

static fn_status make_block(fn_ctx *ctx, const mt_projection_out *x, fn_column **values, uint32_t rows, fn_block **out)
{
    const mt_projection *p = x->projection;
    if (p->aggregate) return mt_projection_group(ctx, p, x->own->schema, values, rows, out);
    fn_block *b = fn_block_new(ctx, p->value_count, rows);
    FN_TRY_PTR(ctx, b);
    for (uint32_t i = 0; i < p->value_count; i++) b->columns[i] = fn_column_ref(values[i]);
    *out = b;
    return FN_OK;
}

/* Under the server's settings: whoever inserts, the same rows give the same values. */
static fn_status compute(fn_ctx *ctx, const mt_projection_out *x, const fn_block *stored, fn_column **values, fn_block **out)
{
    const struct fn_settings *given = ctx->settings;
    ctx->settings = NULL;
    fn_status status = expr_run(ctx, x->program, stored, values);
    if (status == FN_OK) status = make_block(ctx, x, values, stored->rows, out);
    ctx->settings = given;
    return status;
}

fn_status mt_projection_out_write(fn_ctx *ctx, mt_projection_out *x, const fn_block *stored)
{
    const mt_projection *p = x->projection;
    uint32_t count = p->value_count;
    fn_block *block = NULL;
    if (x->sources || stored->rows == 0) return FN_OK;
    for (uint32_t i = 0; i < p->state_count; i++) count += p->states[i].arg_count;
    fn_column **values = fn_alloc_zero(ctx, sizeof *values * ((size_t)count + 1));
    FN_TRY_PTR(ctx, values);
    fn_status status = compute(ctx, x, stored, values, &block);
    for (uint32_t i = 0; i < count; i++) fn_column_drop(values[i]);
    fn_free(values);
    FN_TRY(status);
    if (x->rows + block->rows > RUN_ROWS || x->bytes > RUN_BYTES) status = flush(ctx, x);
    if (status == FN_OK) return collect(ctx, x, block);
    fn_block_drop(block);
    return status;
}

fn_status mt_projection_out_merge(fn_ctx *ctx, mt_projection_out *x, mt_part *const *sources, uint32_t count)
{
    FN_ASSERT(!x->sources && !x->rows && !x->run_count);
    x->sources = fn_alloc_zero(ctx, sizeof(mt_part *) * ((size_t)count + 1));
    FN_TRY_PTR(ctx, x->sources);
    for (; x->source_count < count; x->source_count++) {
        FN_TRY(mt_projection_part(ctx, sources[x->source_count], x->projection->id, &x->sources[x->source_count]));
        FN_ASSERT(x->sources[x->source_count] != NULL);
    }
    return FN_OK;
}

/* ---- merging ---- */

typedef struct merging {
    const mt_projection_out *x;
    mt_part_out *out;
} merging;

static fn_status write_batch(void *self, fn_ctx *ctx, const mt_batch *b)
{
    const merging *m = self;
    fn_block *rows = NULL;
    if (!m->x->projection->aggregate) return mt_part_out_write(ctx, m->out, b->block);
    FN_TRY(mt_collapse(ctx, m->x->own, &b->key, b->block, false, &rows));
    const fn_status status = rows->rows ? mt_part_out_write(ctx, m->out, rows) : FN_OK;
    fn_block_drop(rows);
    return status;
}

static fn_status merge_into(fn_ctx *ctx, const mt_projection_out *x, mt_part *const *parts, uint32_t count, mt_part_out *out)
{
    const mt_merge_options options = {.shape = x->own, .parts = parts, .part_count = count, .columns = x->own->stored, .column_count = x->own->stored_count,
                                      .whole_groups = x->projection->aggregate};
    merging m = {x, out};
    return mt_merge_each(ctx, x->store, &options, write_batch, &m);
}

static fn_status merge_parts(fn_ctx *ctx, const mt_projection_out *x, mt_part *const *parts, uint32_t count, mt_part **run)
{
    const mt_part_spec spec = {.partition_id = FN_STR("projection"), .partition = FN_STR("")};
    mt_part_out out;
    fn_status status = mt_part_out_open_scratch(ctx, x->store, x->own, &out);
    if (status == FN_OK) status = merge_into(ctx, x, parts, count, &out);
    if (status == FN_OK) status = mt_part_out_finish(ctx, &out, &spec, run);
    mt_part_out_close(&out);
    return status;
}

static fn_status embed(fn_ctx *ctx, const mt_projection_out *x, const mt_part *run, fn_part_writer *writer)
{
    const char *path;
    const fn_part_summary summary = {.rows = run->row.rows, .file_bytes = run->row.bytes, .raw_bytes = run->row.raw_bytes, .checksum = run->row.checksum};
    FN_TRY(mt_file_path(ctx, x->store, run->row.file, &path));
    return fn_part_writer_embed(ctx, writer, x->projection->id, path, run->row.file, &summary);
}

fn_status mt_projection_out_finish(fn_ctx *ctx, mt_projection_out *x, fn_part_writer *writer)
{
    mt_part *merged = NULL;
    fn_status status = flush(ctx, x);
    if (status == FN_OK && x->sources) status = merge_parts(ctx, x, x->sources, x->source_count, &merged);
    else if (status == FN_OK && x->run_count > 1) status = merge_parts(ctx, x, x->runs, x->run_count, &merged);
    if (status == FN_OK && (merged || x->run_count)) status = embed(ctx, x, merged ? merged : x->runs[0], writer);
    mt_part_drop(merged);
    return status;
}
