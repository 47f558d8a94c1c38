/* ttl_materialize.c - ALTER TABLE ... MATERIALIZE TTL and what MODIFY TTL does to the rows that there are: parts with something due, and those
 * written under other clauses, are written anew, all in one commit. SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/part_ttl.h"

typedef struct materializer {
    mt_rewrite base;
    int64_t now_s;
} materializer;

/* Does the part know of every clause? */
static fn_status knows_all(fn_ctx *ctx, const mt_definition *d, mt_part *part, bool *out)
{
    const mt_ttl_infos *infos;
    FN_TRY(mt_part_ttl(ctx, part, &infos));
    *out = infos->count == d->ttl_count;
    for (uint32_t i = 0; i < d->ttl_count; i++) *out = *out && mt_ttl_find(infos, &d->ttls[i]) != NULL;
    return FN_OK;
}

static fn_status write_batch(void *self, fn_ctx *ctx, const mt_batch *b)
{
    return mt_ttl_rows_write(ctx, self, b->block);
}

static fn_status copy_batch(void *self, fn_ctx *ctx, const mt_batch *b)
{
    return mt_part_out_write(ctx, self, b->block);
}

static fn_status write_rows(fn_ctx *ctx, const materializer *m, mt_part *part, bool apply, mt_part_out *out)
{
    const mt_shape *s = m->base.shape;
    const mt_merge_options options = {.shape = s, .parts = &part, .part_count = 1, .columns = s->stored, .column_count = s->stored_count};
    mt_ttl_rows *rows;
    if (!apply) return mt_merge_each(ctx, out->store, &options, copy_batch, out);
    FN_TRY(mt_ttl_rows_open(ctx, out, m->now_s, &rows));
    fn_status status = mt_merge_each(ctx, out->store, &options, write_batch, rows);
    if (status == FN_OK) status = mt_ttl_rows_finish(ctx, rows);
    mt_ttl_rows_close(rows);
    return status;
}

static fn_status write_part(fn_ctx *ctx, materializer *m, mt_part *part, const mt_ttl_plan *plan, bool apply)
{
    mt_part_out out;
    fn_status status = mt_part_out_open_packed(ctx, m->base.table->store, m->base.shape, &part, 1, plan->codec, &out);
    if (status == FN_OK) status = write_rows(ctx, m, part, apply, &out);
    return mt_rewrite_finish(ctx, &m->base, part, &out, status);
}

static fn_status materialize_part(fn_ctx *ctx, materializer *m, mt_part *part)
{
    const mt_definition *d = m->base.shape->definition;
    const mt_ttl_infos *infos;
    mt_ttl_plan plan;
    bool known;
    FN_TRY(mt_ttl_plan_of(ctx, m->base.shape, &part, 1, m->now_s, &plan));
    FN_TRY(knows_all(ctx, d, part, &known));
    FN_TRY(mt_part_ttl(ctx, part, &infos));
    const bool apply = plan.apply && !d->settings.materialize_ttl_recalculate_only;
    if (known && !apply && fn_str_eq(plan.codec, infos->codec)) return FN_OK;
    FN_TRY(mt_rewrite_number(ctx, &m->base));
    if (!(apply && plan.all_gone)) FN_TRY(write_part(ctx, m, part, &plan, apply));
    m->base.removed[m->base.removed_count++] = part;
    return FN_OK;
}

static fn_status materialize_list(fn_ctx *ctx, mt_rewrite *r, const mt_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (mt_rewrite_is_done(r, list->parts[i])) continue;
        FN_TRY(materialize_part(ctx, (materializer *)r, list->parts[i]));
        FN_TRY(fn_ctx_check(ctx));
    }
    return FN_OK;
}

fn_status mt_ttl_materialize(fn_ctx *ctx, table *t)
{
    materializer m = {.now_s = fn_clock_realtime_ns() / 1000000000};
    return mt_rewrite_parts(ctx, (mt_table *)t, &m.base, materialize_list);
}
