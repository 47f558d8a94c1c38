/* rule_sum_constant.c - many sums of one column plus constants are one sum and a count: sum(x + k) = sum(x) + k * count().
 * Integers only, where both sides wrap alike in 64 bits; worth it from two such sums on (ClickBench Q29 has 90).
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule.h"

typedef struct shifted {
    expr *base;
    expr *constant;
    bool minus;
} shifted;

static bool is_plain_integer(const fn_type *t)
{
    return fn_type_is_integer(t) && t->width <= 8;
}

static bool is_shifted(const plan_aggregate_item *item, shifted *out)
{
    if (item->call->nested || strcmp(item->call->def->name, "sum") != 0 || item->arg_count != 1 || item->distinct || !is_plain_integer(item->call->type)) return false;
    expr *e = item->args[0];
    out->minus = plan_is_call(e, "minus");
    if ((!out->minus && !plan_is_call(e, "plus")) || !is_plain_integer(e->type)) return false;
    const uint32_t at = !out->minus && e->args[0]->kind == EXPR_CONST ? 1 : 0;
    out->base = e->args[at];
    out->constant = e->args[1 - at];
    return out->constant->kind == EXPR_CONST && is_plain_integer(out->constant->type) && is_plain_integer(out->base->type) && out->base->kind != EXPR_CONST;
}

static uint32_t count_same(const plan *p, const expr *base)
{
    uint32_t n = 0;
    shifted other;
    for (uint32_t i = 0; i < p->aggregate.item_count; i++) n += is_shifted(&p->aggregate.items[i], &other) && expr_equal(other.base, base);
    return n;
}

/* The id of an aggregate among the items made so far; made if it is not there. */
static fn_status item_id(fn_ctx *ctx, plan_query *q, plan_aggregate_item **items, uint32_t *count, const char *name, expr *arg, column_id *id, const fn_type **type)
{
    agg_call *call;
    const fn_type *types[1] = {arg ? arg->type : NULL};
    FN_TRY(agg_bind(ctx, fn_cstr(name), types, arg ? 1 : 0, NULL, 0, &call));
    *type = call->type;
    for (uint32_t i = 0; i < *count; i++) {
        const plan_aggregate_item *known = &(*items)[i];
        if (known->call->nested || strcmp(known->call->def->name, name) != 0 || known->arg_count != (arg != NULL) || known->distinct) continue;
        if (arg && !expr_equal(known->args[0], arg)) continue;
        *id = known->id;
        return FN_OK;
    }
    plan_aggregate_item *item = plan_grow(ctx, items, count, sizeof *item);
    FN_TRY_PTR(ctx, item);
    *item = (plan_aggregate_item){.id = *id = q->next_id++, .call = call, .arg_count = arg != NULL};
    item->args = FN_NEW(ctx, expr *);
    FN_TRY_PTR(ctx, item->args);
    item->args[0] = arg;
    return FN_OK;
}

static fn_status shifted_value(fn_ctx *ctx, plan_query *q, const shifted *s, const fn_type *type, plan_aggregate_item **items, uint32_t *count, expr **out)
{
    column_id sum = 0, rows = 0;
    const fn_type *sum_type, *rows_type;
    FN_TRY(item_id(ctx, q, items, count, "sum", s->base, &sum, &sum_type));
    FN_TRY(item_id(ctx, q, items, count, "count", NULL, &rows, &rows_type));
    expr *product[2] = {s->constant, expr_column(ctx, rows, rows_type)}, *total[2] = {expr_column(ctx, sum, sum_type), NULL};
    if (!product[1] || !total[0]) return ctx->error.code;
    FN_TRY(expr_call(ctx, "multiply", product, 2, &total[1]));
    FN_TRY(expr_call(ctx, s->minus ? "minus" : "plus", total, 2, out));
    return expr_cast(ctx, *out, type, out);
}

static fn_status rewrite(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    const uint32_t keys = n->aggregate.key_count, total = n->column_count;
    plan_item *outputs = FN_NEW_ARRAY(ctx, plan_item, total + 1);
    fn_str *names = FN_NEW_ARRAY(ctx, fn_str, total + 1);
    plan_aggregate_item *items = NULL;
    uint32_t count = 0;
    if (!outputs || !names) return ctx->error.code;
    for (uint32_t i = 0; i < n->aggregate.item_count; i++) {
        shifted s;
        if (is_shifted(&n->aggregate.items[i], &s) && count_same(n, s.base) > 1) continue;
        plan_aggregate_item *slot = plan_grow(ctx, &items, &count, sizeof *slot);
        FN_TRY_PTR(ctx, slot);
        *slot = n->aggregate.items[i];
    }
    for (uint32_t i = 0; i < total; i++) {
        const plan_column *c = &n->columns[i];
        shifted s;
        names[i] = c->name;
        outputs[i] = (plan_item){c->id, expr_column(ctx, c->id, c->type)};
        FN_TRY_PTR(ctx, outputs[i].value);
        if (i < keys || i - keys >= n->aggregate.item_count) continue;
        if (!is_shifted(&n->aggregate.items[i - keys], &s) || count_same(n, s.base) < 2) continue;
        FN_TRY(shifted_value(ctx, q, &s, c->type, &items, &count, &outputs[i].value));
    }
    plan_column *columns = FN_NEW_ARRAY(ctx, plan_column, keys + count + 1);
    FN_TRY_PTR(ctx, columns);
    if (keys) memcpy(columns, n->columns, keys * sizeof *columns);
    for (uint32_t i = 0; i < count; i++) columns[keys + i] = (plan_column){items[i].id, items[i].call->type, items[i].call->name};
    n->columns = columns;
    n->column_count = keys + count;
    n->aggregate.items = items;
    n->aggregate.item_count = count;
    return plan_project_over(ctx, n, outputs, names, total, p);
}

fn_status rule_sum_constant(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(rule_sum_constant(ctx, q, &n->inputs[i]));
    if (n->kind != PLAN_AGGREGATE || n->aggregate.grouping_set_count || n->aggregate.totals) return FN_OK;
    for (uint32_t i = 0; i < n->aggregate.item_count; i++) {
        shifted s;
        if (is_shifted(&n->aggregate.items[i], &s) && count_same(n, s.base) > 1) return rewrite(ctx, q, p);
    }
    return FN_OK;
}
