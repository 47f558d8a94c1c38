/* ttl_rows.c - what TTL makes of the rows of a merge: each block goes through the clauses in the order of their kinds (mt_ttl_kind), which
 * is ClickHouse's, and into the new part. A GROUP BY may hold rows back until the next block; one that gives sort keys new values
 * collects them in sorted runs until the end. SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/part_ttl.h"

typedef struct ttl_stage {
    mt_ttl_grouping *grouping; /* MT_TTL_GROUP_BY */
    mt_runs runs;              /* of one that reorders */
} ttl_stage;

struct mt_ttl_rows {
    mt_part_out *out;
    const mt_shape *shape;
    int64_t now_s;
    uint32_t count;     /* stages: the clauses about rows */
    ttl_stage *stages;
};

fn_status mt_ttl_rows_open(fn_ctx *ctx, mt_part_out *out, int64_t now_s, mt_ttl_rows **rows)
{
    const mt_definition *d = out->shape->definition;
    mt_ttl_rows *x = fn_alloc_zero(ctx, sizeof *x);
    FN_TRY_PTR(ctx, x);
    *x = (mt_ttl_rows){.out = out, .shape = out->shape, .now_s = now_s, .stages = fn_alloc_zero(ctx, ((size_t)d->ttl_count + 1) * sizeof(ttl_stage))};
    fn_status status = x->stages ? FN_OK : ctx->error.code;
    for (; status == FN_OK && x->count < d->ttl_count && d->ttls[x->count].kind <= MT_TTL_COLUMN; x->count++) {
        ttl_stage *s = &x->stages[x->count];
        if (d->ttls[x->count].kind != MT_TTL_GROUP_BY) continue;
        s->runs = (mt_runs){.store = out->store, .shape = out->shape};
        status = mt_ttl_grouping_new(ctx, out->shape, x->count, &s->grouping);
    }
    out->ttl_applied_s = now_s;
    if (status == FN_OK) *rows = x;
    else mt_ttl_rows_close(x);
    return status;
}

void mt_ttl_rows_close(mt_ttl_rows *x)
{
    if (!x) return;
    for (uint32_t i = 0; i < x->count; i++) {
        mt_ttl_grouping_free(x->stages[i].grouping);
        mt_runs_release(&x->stages[i].runs);
    }
    fn_free(x->stages);
    fn_free(x);
}

/* ---- stages: in -> *out, NULL: no rows are left ---- */
static fn_status drop_rows(fn_ctx *ctx, const fn_block *in, uint8_t *mask, uint32_t ones, fn_block **out)
{
    *out = NULL;
    if (ones == in->rows) return FN_OK;
    for (uint32_t i = 0; i < in->rows; i++) mask[i] ^= 1;
    *out = ones ? fn_block_filter(ctx, in, mask, in->rows - ones) : fn_block_ref(in);
    return *out ? FN_OK : ctx->error.code;
}

/* The values that a column takes back. */
static fn_status default_values(fn_ctx *ctx, const mt_ttl_programs *p, const fn_column *now, const fn_block *in, fn_column **out)
{
    if (!p->value) {
        *out = fn_column_default(ctx, now->type, in->rows);
        return *out ? FN_OK : ctx->error.code;
    }
    const struct fn_settings *given = ctx->settings;
    ctx->settings = NULL;
    const fn_status status = expr_run(ctx, p->value, in, out);
    ctx->settings = given;
    return status;
}

/* mask[i] ? a[i] : b[i] */
static fn_status choose(fn_ctx *ctx, const uint8_t *mask, fn_column *a, fn_column *b, fn_column **out)
{
    fn_column *both[] = {a, b};
    uint32_t *rows = fn_alloc(ctx, ((size_t)a->rows + 1) * sizeof *rows);
    FN_TRY_PTR(ctx, rows);
    for (uint32_t i = 0; i < a->rows; i++) rows[i] = mask[i] ? i : a->rows + i;
    fn_column *all = fn_column_concat(ctx, both, 2);
    *out = all ? fn_column_take(ctx, all, rows, a->rows) : NULL;
    fn_column_drop(all);
    fn_free(rows);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status reset_column(fn_ctx *ctx, const mt_ttl_rows *x, uint32_t stage, const fn_block *in, const uint8_t *mask, uint32_t ones, fn_block **out)
{
    const uint32_t column = (uint32_t)x->shape->stored_at[x->shape->definition->ttls[stage].column];
    fn_column *values, *chosen = NULL;
    *out = fn_block_ref(in);
    if (ones == 0) return FN_OK;
    fn_status status = default_values(ctx, &x->shape->ttls[stage], in->columns[column], in, &values);
    if (status == FN_OK) {
        status = choose(ctx, mask, values, in->columns[column], &chosen);
        fn_column_drop(values);
    }
    fn_block *b = status == FN_OK ? fn_block_new(ctx, in->count, in->rows) : NULL;
    fn_block_drop(*out);
    *out = b;
    if (!b) {
        fn_column_drop(chosen);
        return ctx->error.code;
    }
    for (uint32_t i = 0; i < in->count; i++) b->columns[i] = i == column ? chosen : fn_column_ref(in->columns[i]);
    return FN_OK;
}

static fn_status run_stage(fn_ctx *ctx, mt_ttl_rows *x, uint32_t stage, const fn_block *in, fn_block **out)
{
    uint32_t ones;
    uint8_t *mask = fn_alloc(ctx, (size_t)in->rows + FN_BUFFER_PAD);
    FN_TRY_PTR(ctx, mask);
    *out = NULL;
    fn_status status = mt_ttl_mask(ctx, &x->shape->ttls[stage], in, x->now_s, mask, &ones);
    if (status == FN_OK) {
        switch (x->shape->definition->ttls[stage].kind) {
        case MT_TTL_DELETE: case MT_TTL_WHERE: status = drop_rows(ctx, in, mask, ones, out); break;
        case MT_TTL_GROUP_BY: status = mt_ttl_grouping_add(ctx, x->stages[stage].grouping, in, mask, out); break;
        case MT_TTL_COLUMN: status = reset_column(ctx, x, stage, in, mask, ones, out); break;
        case MT_TTL_RECOMPRESS: case MT_TTL_MOVE: FN_IMPOSSIBLE("a TTL about whole parts");
        }
    }
    fn_free(mask);
    return status;
}

static bool reorders(const mt_ttl_rows *x, uint32_t stage)
{
    const mt_ttl_group *g = x->shape->definition->ttls[stage].group;
    return g && g->reorders;
}

/* Takes the block (NULL: none) through the stages from `stage` on. */
static fn_status push(fn_ctx *ctx, mt_ttl_rows *x, uint32_t stage, fn_block *block_take)
{
    fn_block *b = block_take, *next;
    fn_status status = FN_OK;
    for (; b && b->rows && stage < x->count; stage++) {
        status = run_stage(ctx, x, stage, b, &next);
        fn_block_drop(b);
        b = next;
        if (status != FN_OK) break;
        if (b && reorders(x, stage)) return mt_runs_add(ctx, &x->stages[stage].runs, b);
    }
    if (status == FN_OK && b && b->rows) status = mt_part_out_write(ctx, x->out, b);
    fn_block_drop(b);
    return status;
}

fn_status mt_ttl_rows_write(fn_ctx *ctx, mt_ttl_rows *x, const fn_block *stored)
{
    return push(ctx, x, 0, fn_block_ref(stored));
}

/* ---- the end ---- */
typedef struct draining {
    mt_ttl_rows *rows;
    uint32_t stage;
} draining;

/* New keys may be equal: the table's mode has its say once more. */
static fn_status drain(void *self, fn_ctx *ctx, const mt_batch *b)
{
    const draining *d = self;
    fn_block *rows;
    FN_TRY(mt_collapse(ctx, d->rows->shape, &b->key, b->block, false, &rows));
    return push(ctx, d->rows, d->stage + 1, rows);
}

static fn_status finish_stage(fn_ctx *ctx, mt_ttl_rows *x, uint32_t stage)
{
    ttl_stage *s = &x->stages[stage];
    fn_block *last = NULL;
    FN_TRY(mt_ttl_grouping_end(ctx, s->grouping, &last));
    if (!reorders(x, stage)) return push(ctx, x, stage + 1, last);
    if (last) FN_TRY(mt_runs_add(ctx, &s->runs, last));
    FN_TRY(mt_runs_flush(ctx, &s->runs));
    if (s->runs.count == 0) return FN_OK;
    const mt_merge_options options = {.shape = x->shape, .parts = s->runs.parts, .part_count = s->runs.count, .columns = x->shape->stored,
                                      .column_count = x->shape->stored_count, .whole_groups = x->shape->definition->mode != MT_PLAIN};
    draining d = {x, stage};
    return mt_merge_each(ctx, x->out->store, &options, drain, &d);
}

fn_status mt_ttl_rows_finish(fn_ctx *ctx, mt_ttl_rows *x)
{
    for (uint32_t i = 0; i < x->count; i++)
        if (x->stages[i].grouping) FN_TRY(finish_stage(ctx, x, i));
    return FN_OK;
}
