/* rule_projection.c - a scan reads a normal projection of its table where that leaves fewer rows to be read: its conditions hit the projection's
 * order. Parts without it are read from the table.
 *
 * Runs behind the pruning of columns: only what is used above the scan, and what its conditions can be put over, must be in the
 * projection. SPDX-License-Identifier: Apache-2.0 */
#include "plan/projection_source.h"
#include "plan/rule.h"
#include "settings/settings.h"

/* ---- ids that are used outside of the conditions of scans ---- */
static fn_status note_expr(void *self, fn_ctx *ctx, expr **e)
{
    return plan_ids_of(ctx, self, *e);
}

static fn_status note_outputs(fn_ctx *ctx, const plan *p, plan_ids *used)
{
    for (uint32_t i = 0; i < p->column_count; i++) FN_TRY(plan_ids_add(ctx, used, p->columns[i].id));
    return FN_OK;
}

static fn_status note_used(fn_ctx *ctx, plan *p, plan_ids *used)
{
    const bool by_position = p->kind == PLAN_UNION || p->kind == PLAN_SET_OP || (p->kind == PLAN_DISTINCT && !p->distinct.keys);
    if (p->kind != PLAN_SCAN) FN_TRY(plan_each_expr(ctx, p, note_expr, used));
    if (p->kind == PLAN_FILL)
        for (uint32_t i = 0; i < p->fill.interpolate_count; i++) FN_TRY(plan_ids_add(ctx, used, p->fill.interpolate[i].id));
    for (uint32_t i = 0; i < p->input_count; i++) {
        if (by_position) FN_TRY(note_outputs(ctx, p->inputs[i], used));
        FN_TRY(note_used(ctx, p->inputs[i], used));
    }
    return FN_OK;
}

/* ---- choosing ---- */
typedef struct choice {
    projection_source source;
    expr **matched;
    uint32_t *from; /* per used column of the scan: the projection's column */
} choice;

/* Where the scan's used columns are in the projection; *out NULL: it lacks one. */
static fn_status find_columns(fn_ctx *ctx, const mt_projection *p, const plan *scan, const plan_ids *used, uint32_t **out)
{
    uint32_t *from = FN_NEW_ARRAY(ctx, uint32_t, scan->column_count + 1);
    FN_TRY_PTR(ctx, from);
    *out = NULL;
    for (uint32_t i = 0; i < scan->column_count; i++) {
        uint32_t at = 0;
        if (!plan_ids_has(used, scan->columns[i].id)) continue;
        while (at < p->value_count && !(p->values[at]->kind == EXPR_COLUMN && p->values[at]->column == scan->scan.indexes[i])) at++;
        if (at == p->value_count) return FN_OK;
        from[i] = at;
    }
    *out = from;
    return FN_OK;
}

static fn_status try_projection(fn_ctx *ctx, const plan *scan, uint32_t index, const plan_ids *used, choice *best, uint64_t *rows)
{
    const mt_projection *p = &mt_snapshot_definition(scan->scan.snapshot)->projections[index];
    const bool preferred = fn_str_eq(p->name, settings_of(ctx)->preferred_optimize_projection_name);
    choice c = {0};
    if (p->aggregate) return FN_OK;
    FN_TRY(find_columns(ctx, p, scan, used, &c.from));
    if (!c.from) return FN_OK;
    FN_TRY(projection_match_conjuncts(ctx, p, scan, &c.matched));
    if (!c.matched) return FN_OK;
    FN_TRY(projection_open(ctx, scan, index, c.matched, &c.source));
    if (!c.source.table) return FN_OK;
    if (c.source.rows >= *rows && !preferred) {
        projection_close(&c.source);
        return FN_OK;
    }
    projection_close(&best->source);
    *best = c;
    *rows = preferred ? 0 : c.source.rows;
    return FN_OK;
}

static fn_status choose(fn_ctx *ctx, const plan *scan, const plan_ids *used, choice *best)
{
    const fn_settings *s = settings_of(ctx);
    uint64_t rows;
    FN_TRY(projection_rows_without(ctx, scan, &rows));
    if (s->force_optimize_projection) rows = UINT64_MAX;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < mt_snapshot_definition(scan->scan.snapshot)->projection_count && status == FN_OK; i++) status = try_projection(ctx, scan, i, used, best, &rows);
    if (status != FN_OK) projection_close(&best->source);
    return status;
}

/* ---- the rewrite ---- */

/* The scan's used columns of `input`, in the scan's order; input_ids[i]: what column i is called there. */
static fn_status over(fn_ctx *ctx, const plan *scan, const plan_ids *used, plan *input, const column_id *input_ids, column_id *outputs, plan **out)
{
    plan_item *items = FN_NEW_ARRAY(ctx, plan_item, scan->column_count + 1);
    fn_str *names = FN_NEW_ARRAY(ctx, fn_str, scan->column_count + 1);
    uint32_t count = 0;
    if (!items || !names) return ctx->error.code;
    for (uint32_t i = 0; i < scan->column_count; i++) {
        if (!plan_ids_has(used, scan->columns[i].id)) continue;
        items[count] = (plan_item){outputs[i], expr_column(ctx, input_ids[i], scan->columns[i].type)};
        FN_TRY_PTR(ctx, items[count].value);
        names[count++] = scan->columns[i].name;
    }
    return plan_project_over(ctx, input, items, names, count, out);
}

static fn_status fresh_ids(fn_ctx *ctx, plan_query *q, uint32_t count, column_id **out)
{
    *out = FN_NEW_ARRAY(ctx, column_id, count + 1);
    FN_TRY_PTR(ctx, *out);
    for (uint32_t i = 0; i < count; i++) (*out)[i] = q->next_id++;
    return FN_OK;
}

/* Both kinds of parts: their columns get new ids, those of the scan belong to the union. */
static fn_status unite(fn_ctx *ctx, plan_query *q, plan *scan, const plan_ids *used, plan *with, plan **out)
{
    column_id *own, *outputs;
    plan *u = plan_new(ctx, PLAN_UNION, 2);
    FN_TRY_PTR(ctx, u);
    FN_TRY(fresh_ids(ctx, q, scan->column_count, &outputs));
    FN_TRY(fresh_ids(ctx, q, scan->column_count, &own));
    u->columns = FN_NEW_ARRAY(ctx, plan_column, scan->column_count + 1);
    FN_TRY_PTR(ctx, u->columns);
    for (uint32_t i = 0; i < scan->column_count; i++)
        if (plan_ids_has(used, scan->columns[i].id)) u->columns[u->column_count++] = scan->columns[i];
    for (uint32_t i = 0; i < scan->column_count; i++) own[i] = scan->columns[i].id;
    FN_TRY(over(ctx, scan, used, scan, own, outputs, &u->inputs[1]));
    u->inputs[0] = with;
    *out = u;
    return FN_OK;
}

static fn_status rewrite(fn_ctx *ctx, plan_query *q, plan **p, const plan_ids *used, choice *c)
{
    plan *scan = *p, *with;
    const mt_projection *projection = c->source.projection;
    column_id *ids = FN_NEW_ARRAY(ctx, column_id, projection->value_count + 1), *outputs, *input_ids = FN_NEW_ARRAY(ctx, column_id, scan->column_count + 1);
    const bool both = c->source.without != NULL;
    if (!ids || !input_ids) return ctx->error.code;
    FN_TRY(projection_ids(ctx, q, projection, c->matched, scan->scan.conjunct_count, ids));
    FN_TRY(fresh_ids(ctx, q, scan->column_count, &outputs));
    for (uint32_t i = 0; i < scan->column_count; i++) {
        if (!plan_ids_has(used, scan->columns[i].id)) continue;
        if (!ids[c->from[i]]) ids[c->from[i]] = q->next_id++;
        input_ids[i] = ids[c->from[i]];
        if (!both) outputs[i] = scan->columns[i].id;
    }
    FN_TRY(projection_note(ctx, q, scan, projection));
    FN_TRY(projection_scan(ctx, q, scan, &c->source, c->matched, ids, &with));
    FN_TRY(over(ctx, scan, used, with, input_ids, outputs, p));
    if (both) FN_TRY(unite(ctx, q, scan, used, *p, p));
    projection_narrow(scan, &c->source);
    return FN_OK;
}

static fn_status visit(fn_ctx *ctx, plan_query *q, plan **p, const plan_ids *used)
{
    plan *n = *p;
    choice best = {0};
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(visit(ctx, q, &n->inputs[i], used));
    if (n->kind != PLAN_SCAN || !projection_allowed(ctx, n)) return FN_OK;
    if (!n->scan.conjunct_count && !settings_of(ctx)->force_optimize_projection) return FN_OK;
    FN_TRY(choose(ctx, n, used, &best));
    if (!best.source.table) return FN_OK;
    const fn_status status = rewrite(ctx, q, p, used, &best);
    projection_close(&best.source);
    return status;
}

fn_status rule_projection(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan_ids used = {0};
    bool any = false;
    for (uint32_t i = 0; i < q->scan_count && !any; i++) any = projection_allowed(ctx, q->scans[i]);
    if (!any) return FN_OK;
    FN_TRY(note_outputs(ctx, *p, &used));
    FN_TRY(note_used(ctx, *p, &used));
    return visit(ctx, q, p, &used);
}
