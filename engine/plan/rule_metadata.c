/* rule_metadata.c - aggregates over a whole table that the table knows without reading: count(), min, max, sum where exact; under one
 * condition that compares a column with 0 or '' count() alone, since parts know how many rows hold it. Every item must be known,
 * otherwise the rows are read anyway.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule.h"
#include "settings/settings.h"

static fn_status u64_value(fn_ctx *ctx, const fn_type *type, uint64_t value, fn_column **out)
{
    *out = fn_column_const_u64(ctx, type, value, 1);
    return *out ? FN_OK : ctx->error.code;
}

/* The value of one item; *out NULL: not known. */
static fn_status item_value(fn_ctx *ctx, const plan *scan, const plan_aggregate_item *item, uint64_t rows, fn_column **out)
{
    const fn_str name = item->call->name;
    *out = NULL;
    if (item->distinct || item->call->param_count) return FN_OK;
    if (item->arg_count == 0) return fn_str_eq_nocase(name, FN_STR("count")) ? u64_value(ctx, item->call->type, rows, out) : FN_OK;
    if (item->arg_count != 1 || item->args[0]->kind != EXPR_COLUMN) return FN_OK;
    const bool plain = !fn_type_is_nullable(item->args[0]->type);
    if (fn_str_eq_nocase(name, FN_STR("count")) && plain) return u64_value(ctx, item->call->type, rows, out);
    uint32_t at = 0;
    while (at < scan->column_count && scan->columns[at].id != item->args[0]->column) at++;
    table_column_stats stats = {0};
    const table_ops *ops = scan->scan.table->ops;
    if (at == scan->column_count || !ops->stats || !ops->stats(scan->scan.snapshot, scan->scan.final, scan->scan.indexes[at], &stats) || !stats.exact) return FN_OK;
    if (fn_str_eq_nocase(name, FN_STR("count"))) return u64_value(ctx, item->call->type, rows - stats.nulls, out);
    if (!rows || !plain) return FN_OK;
    const bool is_min = fn_str_eq_nocase(name, FN_STR("min")), is_max = fn_str_eq_nocase(name, FN_STR("max"));
    if ((is_min || is_max) && stats.has_range) {
        const fn_column *c = is_min ? stats.min : stats.max;
        const bool floating = fn_type_is_float(fn_type_base(item->call->type)); /* NaN stands outside the range */
        if (floating || fn_type_base(c->type) != item->call->type) return FN_OK;
        *out = fn_column_retype(ctx, c, item->call->type);
        return *out ? FN_OK : ctx->error.code;
    }
    const bool fits = stats.has_sum && fn_type_is_integer(item->call->type) && item->call->type->width == 8 && fn_type_is_integer(item->args[0]->type);
    return fits && fn_str_eq(name, FN_STR("sum")) ? u64_value(ctx, item->call->type, (uint64_t)stats.sum, out) : FN_OK;
}

/* 0 or '', to a column of integers or strings. */
static bool is_default(const expr *column, const expr *value)
{
    const fn_type *of = fn_type_base(column->type), *have = fn_type_base(value->type);
    if (column->kind != EXPR_COLUMN || value->kind != EXPR_CONST || fn_column_is_null(value->constant, 0)) return false;
    if (fn_type_is_integer(of) && fn_type_is_integer(have)) return of->width <= 8 && have->width <= 8 && fn_column_u64_at(value->constant, 0) == 0;
    return of->id == FN_T_STRING && have->id == FN_T_STRING && fn_column_str_at(value->constant, 0).size == 0;
}

/* ClickHouse reads where it does not count integers alone, and then limits hold. */
static bool is_limited(const fn_settings *s, const plan *n, const expr *column)
{
    return (s->max_rows_to_read || s->max_bytes_to_read) && (n->aggregate.item_count > 1 || fn_type_base(column->type)->id == FN_T_STRING);
}

/* Rows that pass the scan's only condition, where it is column = 0 or column <> 0 (or ''). */
static bool counted_rows(const fn_ctx *ctx, const plan *n, const plan *scan, uint64_t *rows)
{
    const expr *e = scan->scan.conjuncts[0];
    const bool equal = plan_is_call(e, "equals");
    if (scan->scan.conjunct_count != 1 || scan->scan.final || (!equal && !plan_is_call(e, "notEquals"))) return false;
    const expr *column = e->args[e->args[0]->kind != EXPR_COLUMN], *value = e->args[e->args[0]->kind == EXPR_COLUMN];
    if (!is_default(column, value) || is_limited(settings_of(ctx), n, column)) return false;
    for (uint32_t i = 0; i < n->aggregate.item_count; i++) {
        const plan_aggregate_item *item = &n->aggregate.items[i];
        if (item->arg_count || item->distinct || !fn_str_eq_nocase(item->call->name, FN_STR("count"))) return false;
    }
    table_column_stats stats = {0};
    const table_ops *ops = scan->scan.table->ops;
    uint32_t at = 0;
    while (at < scan->column_count && scan->columns[at].id != column->column) at++;
    if (at == scan->column_count || !ops->stats || !ops->stats(scan->scan.snapshot, false, scan->scan.indexes[at], &stats) || !stats.has_counts) return false;
    *rows = equal ? stats.defaults : *rows - stats.nulls - stats.defaults;
    return true;
}

/* count, min, max: what ClickHouse's implicit projection answers, too. */
static bool only_extremes(const plan *n)
{
    for (uint32_t i = 0; i < n->aggregate.item_count; i++) {
        const fn_str name = n->aggregate.items[i].call->name;
        if (!fn_str_eq_nocase(name, FN_STR("count")) && !fn_str_eq_nocase(name, FN_STR("min")) && !fn_str_eq_nocase(name, FN_STR("max"))) return false;
    }
    return true;
}

static fn_status try_values(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    const plan *scan = n->inputs[0];
    uint64_t rows;
    if (!settings_of(ctx)->optimize_use_implicit_projections) return FN_OK;
    if (scan->kind != PLAN_SCAN || scan->scan.sample > 0 || scan->scan.limit || scan->scan.prewhere_count || !n->aggregate.item_count) return FN_OK;
    const table_ops *ops = scan->scan.table->ops;
    if (!ops->rows || !ops->rows(scan->scan.snapshot, scan->scan.final, &rows)) return FN_OK;
    if (scan->scan.conjunct_count && !counted_rows(ctx, n, scan, &rows)) return FN_OK;
    fn_block *block = fn_block_new(ctx, n->aggregate.item_count, 1);
    FN_TRY_PTR(ctx, block);
    bool known = true;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < n->aggregate.item_count && known && status == FN_OK; i++) {
        status = item_value(ctx, scan, &n->aggregate.items[i], rows, &block->columns[i]);
        known = block->columns[i] != NULL;
    }
    if (status != FN_OK || !known) {
        fn_block_drop(block);
        return status;
    }
    plan *v = plan_new(ctx, PLAN_VALUES, 0);
    fn_block **blocks = FN_NEW(ctx, fn_block *);
    if (!v || !blocks) {
        fn_block_drop(block);
        return ctx->error.code;
    }
    blocks[0] = block;
    v->values.blocks = blocks;
    v->values.block_count = 1;
    v->columns = n->columns;
    v->column_count = n->column_count;
    v->rows_estimate = 1;
    if (!scan->scan.conjunct_count) q->projection_used = true;
    n->inputs[0]->scan.by_metadata = !scan->scan.conjunct_count && only_extremes(n);
    *p = v;
    return plan_values_own(ctx, v);
}

fn_status rule_metadata(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(rule_metadata(ctx, q, &n->inputs[i]));
    return n->kind == PLAN_AGGREGATE && n->aggregate.key_count == 0 && !n->aggregate.totals ? try_values(ctx, q, p) : FN_OK;
}
