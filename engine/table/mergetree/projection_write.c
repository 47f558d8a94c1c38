/* projection_write.c - writing a projection: rows come in the table's order and are brought into the projection's. They become sorted runs
 * (sort_runs.c), which are merged into one, a part file that is copied into the part's. An insert has one run as a rule. Rows of an
 * aggregate projection are grouped before they are collected.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/projection.h"

struct mt_projection_out {
    mt_store *store;
    const mt_shape *shape, *own; /* the table's, the projection's */
    const mt_projection *projection;
    expr_program *program;
    mt_runs runs;                /* in the projection's columns */
    mt_part **sources;           /* projections to be merged instead; NULL: none */
    uint32_t source_count;
};

fn_status mt_projection_out_new(fn_ctx *ctx, mt_store *store, const mt_shape *shape, uint32_t index, mt_projection_out **out)
{
    mt_projection_out *x = fn_alloc_zero(ctx, sizeof *x);
    FN_TRY_PTR(ctx, x);
    *x = (mt_projection_out){.store = store, .shape = shape, .own = shape->projections[index], .projection = &shape->definition->projections[index],
                             .program = shape->projection_programs[index]};
    x->runs = (mt_runs){.store = store, .shape = x->own, .collapses = x->projection->aggregate};
    *out = x;
    return FN_OK;
}

void mt_projection_out_free(mt_projection_out *x)
{
    if (!x) return;
    mt_runs_release(&x->runs);
    for (uint32_t i = 0; i < x->source_count; i++) mt_part_drop(x->sources[i]);
    fn_free(x->sources);
    fn_free(x);
}

/* ---- rows in ---- */

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
    return status == FN_OK ? mt_runs_add(ctx, &x->runs, block) : status;
}

fn_status mt_projection_out_merge(fn_ctx *ctx, mt_projection_out *x, mt_part *const *sources, uint32_t count)
{
    FN_ASSERT(!x->sources && !x->runs.rows && !x->runs.count);
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
    const fn_part_summary summary = {.rows = run->row.rows, .file_bytes = run->row.bytes, .raw_bytes = run->row.raw_bytes, .checksum = run->row.checksum,
                                     .bytes = run->bytes};
    FN_TRY(mt_file_path(ctx, x->store, run->row.file, &path));
    return fn_part_writer_embed(ctx, writer, x->projection->id, path, run->row.file, &summary);
}

fn_status mt_projection_out_finish(fn_ctx *ctx, mt_projection_out *x, fn_part_writer *writer)
{
    mt_part *merged = NULL;
    fn_status status = mt_runs_flush(ctx, &x->runs);
    if (status == FN_OK && x->sources) status = merge_parts(ctx, x, x->sources, x->source_count, &merged);
    else if (status == FN_OK && x->runs.count > 1) status = merge_parts(ctx, x, x->runs.parts, x->runs.count, &merged);
    if (status == FN_OK && (merged || x->runs.count)) status = embed(ctx, x, merged ? merged : x->runs.parts[0], writer);
    mt_part_drop(merged);
    return status;
}
