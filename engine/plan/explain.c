/* explain.c - a plan as text: one line per node, indented by depth, with what the node does.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/explain.h"
#include "plan/plan_node.h"
#include "table/mergetree/scan_explain.h"

typedef struct explain {
    fn_ctx *ctx;
    fn_buf *out;
    plan_explain_options options;
} explain;

static fn_status put_expr(explain *x, const expr *e)
{
    return expr_text(x->ctx, e, x->out);
}

static fn_status put_list(explain *x, expr *const *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i) FN_TRY(fn_buf_cstr(x->ctx, x->out, ", "));
        FN_TRY(put_expr(x, list[i]));
    }
    return FN_OK;
}

static fn_status put_items(explain *x, const plan_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        FN_TRY(fn_buf_printf(x->ctx, x->out, "%s_%u := ", i ? ", " : "", items[i].id));
        FN_TRY(put_expr(x, items[i].value));
    }
    return FN_OK;
}

static fn_status put_keys(explain *x, const plan_sort_key *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i) FN_TRY(fn_buf_cstr(x->ctx, x->out, ", "));
        FN_TRY(put_expr(x, keys[i].value));
        FN_TRY(fn_buf_cstr(x->ctx, x->out, keys[i].descending ? " DESC" : " ASC"));
    }
    return FN_OK;
}

static fn_status put_scan(explain *x, const plan *p)
{
    const table *t = p->scan.table;
    FN_TRY(fn_buf_printf(x->ctx, x->out, "ReadFrom%s (" FN_STR_FMT "%s" FN_STR_FMT ")", t->ops->engine, FN_STR_ARG(t->database), t->database.size ? "." : "",
                         FN_STR_ARG(t->name)));
    FN_TRY(fn_buf_cstr(x->ctx, x->out, " columns: "));
    for (uint32_t i = 0; i < p->column_count; i++)
        FN_TRY(fn_buf_printf(x->ctx, x->out, "%s_%u " FN_STR_FMT, i ? ", " : "", p->columns[i].id, FN_STR_ARG(p->columns[i].name)));
    if (p->scan.conjunct_count) FN_TRY(fn_buf_cstr(x->ctx, x->out, " filter: "));
    for (uint32_t i = 0; i < p->scan.conjunct_count; i++) {
        if (i) FN_TRY(fn_buf_cstr(x->ctx, x->out, " AND "));
        FN_TRY(put_expr(x, p->scan.conjuncts[i]));
    }
    if (p->scan.prewhere_count) FN_TRY(fn_buf_cstr(x->ctx, x->out, " prewhere: "));
    for (uint32_t i = 0; i < p->scan.prewhere_count; i++) {
        if (i) FN_TRY(fn_buf_cstr(x->ctx, x->out, " AND "));
        FN_TRY(put_expr(x, p->scan.prewhere[i]));
    }
    if (p->scan.final) FN_TRY(fn_buf_cstr(x->ctx, x->out, " FINAL"));
    if (p->scan.sample > 0) FN_TRY(fn_buf_printf(x->ctx, x->out, " sample: %g", p->scan.sample));
    return p->scan.limit ? fn_buf_printf(x->ctx, x->out, " limit: %llu", (unsigned long long)p->scan.limit) : FN_OK;
}

static fn_status put_aggregate(explain *x, const plan *p)
{
    FN_TRY(fn_buf_cstr(x->ctx, x->out, "Aggregating keys: "));
    FN_TRY(put_items(x, p->aggregate.keys, p->aggregate.key_count));
    FN_TRY(fn_buf_cstr(x->ctx, x->out, " aggregates: "));
    for (uint32_t i = 0; i < p->aggregate.item_count; i++) {
        const plan_aggregate_item *a = &p->aggregate.items[i];
        FN_TRY(fn_buf_printf(x->ctx, x->out, "%s_%u := " FN_STR_FMT "(%s", i ? ", " : "", a->id, FN_STR_ARG(a->call->name), a->distinct ? "DISTINCT " : ""));
        FN_TRY(put_list(x, a->args, a->arg_count));
        FN_TRY(fn_buf_byte(x->ctx, x->out, ')'));
    }
    if (p->aggregate.grouping_set_count) FN_TRY(fn_buf_printf(x->ctx, x->out, " grouping sets: %u", p->aggregate.grouping_set_count));
    return p->aggregate.totals ? fn_buf_cstr(x->ctx, x->out, " WITH TOTALS") : FN_OK;
}

static fn_status put_join(explain *x, const plan *p)
{
    static const char *const kinds[] = {"INNER", "LEFT", "RIGHT", "FULL", "CROSS", "SEMI LEFT", "SEMI RIGHT", "ANTI LEFT", "ANTI RIGHT", "MARK", "SINGLE", "PASTE"};
    FN_TRY(fn_buf_printf(x->ctx, x->out, "Join (%s%s%s)", kinds[p->join.kind], p->join.any ? " ANY" : "", p->join.asof >= 0 ? " ASOF" : ""));
    for (uint32_t i = 0; i < p->join.key_count; i++) {
        static const char *const asof[] = {" >= ", " > ", " <= ", " < "};
        FN_TRY(fn_buf_cstr(x->ctx, x->out, i ? " AND " : " on: "));
        FN_TRY(put_expr(x, p->join.left_keys[i]));
        FN_TRY(fn_buf_cstr(x->ctx, x->out, p->join.asof == (int)i ? asof[p->join.asof_op] : p->join.null_safe[i] ? " <=> " : " = "));
        FN_TRY(put_expr(x, p->join.right_keys[i]));
    }
    if (p->join.residual) {
        FN_TRY(fn_buf_cstr(x->ctx, x->out, " residual: "));
        FN_TRY(put_expr(x, p->join.residual));
    }
    return p->join.build_left ? fn_buf_cstr(x->ctx, x->out, " build: left") : FN_OK;
}

static fn_status put_limit(explain *x, const plan *p)
{
    FN_TRY(fn_buf_cstr(x->ctx, x->out, "Limit"));
    if (p->limit.limit_fraction > 0) FN_TRY(fn_buf_printf(x->ctx, x->out, " %g", p->limit.limit_fraction));
    else if (p->limit.limit != UINT64_MAX) FN_TRY(fn_buf_printf(x->ctx, x->out, " %s%llu", p->limit.negative_limit ? "-" : "", (unsigned long long)p->limit.limit));
    if (p->limit.offset_fraction > 0) FN_TRY(fn_buf_printf(x->ctx, x->out, " offset %g", p->limit.offset_fraction));
    else if (p->limit.offset) FN_TRY(fn_buf_printf(x->ctx, x->out, " offset %s%llu", p->limit.negative_offset ? "-" : "", (unsigned long long)p->limit.offset));
    return p->limit.with_ties ? fn_buf_cstr(x->ctx, x->out, " WITH TIES") : FN_OK;
}

static fn_status put_window(explain *x, const plan *p)
{
    FN_TRY(fn_buf_cstr(x->ctx, x->out, "Window partition by: "));
    FN_TRY(put_list(x, p->window.partition_by, p->window.partition_count));
    FN_TRY(fn_buf_cstr(x->ctx, x->out, " order by: "));
    FN_TRY(put_keys(x, p->window.order_by, p->window.order_count));
    FN_TRY(fn_buf_cstr(x->ctx, x->out, " functions: "));
    for (uint32_t i = 0; i < p->window.item_count; i++) {
        const plan_window_item *w = &p->window.items[i];
        FN_TRY(fn_buf_printf(x->ctx, x->out, "%s_%u := " FN_STR_FMT "(", i ? ", " : "", w->id, FN_STR_ARG(w->call->name)));
        FN_TRY(put_list(x, w->args, w->arg_count));
        FN_TRY(fn_buf_byte(x->ctx, x->out, ')'));
    }
    return FN_OK;
}

static fn_status put_rows(explain *x, const plan *p)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < p->values.block_count; i++) rows += p->values.blocks[i]->rows;
    return fn_buf_printf(x->ctx, x->out, "ReadFromConstant rows: %llu", (unsigned long long)rows);
}

static fn_status put_node(explain *x, const plan *p)
{
    switch (p->kind) {
    case PLAN_SCAN: return put_scan(x, p);
    case PLAN_VALUES: return put_rows(x, p);
    case PLAN_NUMBERS:
        return fn_buf_printf(x->ctx, x->out, "ReadFromNumbers start: %llu count: %llu", (unsigned long long)p->numbers.start, (unsigned long long)p->numbers.count);
    case PLAN_FILTER: FN_TRY(fn_buf_cstr(x->ctx, x->out, "Filter ")); return put_expr(x, p->filter.condition);
    case PLAN_PROJECT: FN_TRY(fn_buf_cstr(x->ctx, x->out, "Expression ")); return put_items(x, p->project.items, p->column_count);
    case PLAN_AGGREGATE: return put_aggregate(x, p);
    case PLAN_JOIN: return put_join(x, p);
    case PLAN_SORT:
        FN_TRY(fn_buf_cstr(x->ctx, x->out, "Sorting "));
        FN_TRY(put_keys(x, p->sort.keys, p->sort.key_count));
        return p->sort.limit ? fn_buf_printf(x->ctx, x->out, " limit: %llu", (unsigned long long)p->sort.limit) : FN_OK;
    case PLAN_LIMIT: return put_limit(x, p);
    case PLAN_LIMIT_BY:
        FN_TRY(fn_buf_printf(x->ctx, x->out, "LimitBy %llu offset %llu by: ", (unsigned long long)p->limit_by.limit, (unsigned long long)p->limit_by.offset));
        return put_list(x, p->limit_by.keys, p->limit_by.key_count);
    case PLAN_DISTINCT: FN_TRY(fn_buf_cstr(x->ctx, x->out, "Distinct ")); return put_list(x, p->distinct.keys, p->distinct.key_count);
    case PLAN_UNION: return fn_buf_cstr(x->ctx, x->out, "Union");
    case PLAN_SET_OP: return fn_buf_cstr(x->ctx, x->out, p->set_op.except ? "Except" : "Intersect");
    case PLAN_WINDOW: return put_window(x, p);
    case PLAN_ARRAY_JOIN:
        FN_TRY(fn_buf_printf(x->ctx, x->out, "ArrayJoin%s ", p->array_join.left ? " (LEFT)" : ""));
        return put_items(x, p->array_join.arrays, p->array_join.array_count);
    case PLAN_FILL: FN_TRY(fn_buf_cstr(x->ctx, x->out, "Filling ")); return put_keys(x, p->fill.keys, p->fill.key_count);
    case PLAN_SHARED: return fn_buf_cstr(x->ctx, x->out, "Shared");
    }
    FN_IMPOSSIBLE("plan kind");
}

/* Conditions that wait for a subquery say nothing here: it is not run. */
static fn_status put_indexes(explain *x, const plan *p, unsigned indent)
{
    expr **conjuncts = FN_NEW_ARRAY(x->ctx, expr *, p->scan.conjunct_count + 1u);
    FN_TRY_PTR(x->ctx, conjuncts);
    for (uint32_t i = 0; i < p->scan.conjunct_count; i++) FN_TRY(plan_scan_to_schema(x->ctx, p, p->scan.conjuncts[i], &conjuncts[i]));
    const table_scan_request request = {.conjuncts = conjuncts, .conjunct_count = p->scan.conjunct_count, .final = p->scan.final};
    return mt_explain_indexes(x->ctx, p->scan.snapshot, &request, indent, x->out);
}

static fn_status put_tree(explain *x, const plan *p, uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++) FN_TRY(fn_buf_cstr(x->ctx, x->out, "  "));
    FN_TRY(put_node(x, p));
    FN_TRY(fn_buf_byte(x->ctx, x->out, '\n'));
    if (x->options.indexes && p->kind == PLAN_SCAN && (mt_is(p->scan.table) || mt_is_projection(p->scan.table))) FN_TRY(put_indexes(x, p, 2 * depth + 2));
    for (uint32_t i = 0; i < p->input_count; i++) FN_TRY(put_tree(x, p->inputs[i], depth + 1));
    if (p->kind != PLAN_SHARED) return FN_OK;
    if (p->shared.shared->plan) FN_TRY(put_tree(x, p->shared.shared->plan, depth + 1));
    return p->shared.shared->step ? put_tree(x, p->shared.shared->step, depth + 1) : FN_OK;
}

fn_status plan_explain(fn_ctx *ctx, const plan_query *q, fn_buf *out)
{
    const plan_explain_options plain = {.indexes = false};
    return plan_explain_with(ctx, q, &plain, out);
}

fn_status plan_explain_with(fn_ctx *ctx, const plan_query *q, const plan_explain_options *options, fn_buf *out)
{
    explain x = {ctx, out, *options};
    FN_TRY(put_tree(&x, q->root, 0));
    for (uint32_t i = 0; i < q->cell_count; i++) {
        if (!q->cells[i]->plan) continue;
        FN_TRY(fn_buf_cstr(ctx, out, q->cells[i]->is_set ? "CreatingSet\n" : "ScalarSubquery\n"));
        FN_TRY(put_tree(&x, q->cells[i]->plan, 1));
    }
    return FN_OK;
}
