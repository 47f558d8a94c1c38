/* rule_weighted_groups.c - GROUP BY f(c), all of it over one string column c: first one group per value of c with its number of rows,
 * then f and the arguments once per value, weighted: count() = sum(w), sum(x) = sum(x * w), avg(x) = their quotient, min, max and uniq
 * as they are. Grouping by c itself works on dictionary codes; f over every row's string is what costs (ClickBench Q28).
 * Integers only, where sums and products wrap alike in 64 bits. Done where f gives strings and, by the tables' statistics, a value
 * stands for two rows or more: with c nearly unique everything would be grouped twice.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/estimate.h"
#include "plan/rule.h"
#include "settings/settings.h"

enum { ROWS_MIN = 65536, ROWS_PER_VALUE_MIN = 2 };

typedef enum weighing { WEIGH_NOT, WEIGH_COUNT, WEIGH_SUM, WEIGH_AVG, WEIGH_SAME /* a value counts once, however often it comes */ } weighing;

static const struct {
    const char *name;
    weighing how;
} weighings[] = {
    {"count", WEIGH_COUNT},    {"sum", WEIGH_SUM},           {"avg", WEIGH_AVG},         {"min", WEIGH_SAME},   {"max", WEIGH_SAME}, {"uniq", WEIGH_SAME},
    {"uniqExact", WEIGH_SAME}, {"uniqCombined", WEIGH_SAME}, {"uniqHLL12", WEIGH_SAME},
};

static bool is_plain_integer(const fn_type *t)
{
    return fn_type_is_integer(t) && t->width <= 8;
}

static weighing weighing_of(const plan_aggregate_item *item)
{
    if (item->call->nested || item->distinct) return WEIGH_NOT;
    for (size_t i = 0; i < FN_COUNT(weighings); i++) {
        if (strcmp(item->call->def->name, weighings[i].name) != 0) continue;
        const bool multiplied = weighings[i].how == WEIGH_SUM || weighings[i].how == WEIGH_AVG;
        return multiplied && !is_plain_integer(item->args[0]->type) ? WEIGH_NOT : weighings[i].how;
    }
    return WEIGH_NOT;
}

/* Whether e is deterministic; its columns are added to ids. */
static fn_status is_over(fn_ctx *ctx, const expr *e, plan_ids *ids, bool *is)
{
    *is = expr_is_deterministic(e);
    return *is ? plan_ids_of(ctx, ids, e) : FN_OK;
}

/* The only column of `scan` in ids; NULL if there are several or none. */
static const plan_column *only_column(const plan *scan, const plan_ids *ids)
{
    const plan_column *only = NULL;
    for (uint32_t i = 0; i < scan->column_count; i++) {
        if (!plan_ids_has(ids, scan->columns[i].id)) continue;
        if (only) return NULL;
        only = &scan->columns[i];
    }
    return only;
}

static bool is_string(const fn_type *t)
{
    return fn_type_base(t)->phys == FN_PHYS_STRING;
}

static bool fits_shape(fn_ctx *ctx, const plan *n)
{
    if (n->kind != PLAN_AGGREGATE || !n->aggregate.key_count || n->aggregate.grouping_set_count || n->aggregate.totals || n->aggregate.limit) return false;
    return n->inputs[0]->kind == PLAN_SCAN && settings_of(ctx)->max_rows_to_group_by == 0;
}

/* The column everything is over, or NULL. */
static fn_status find_column(fn_ctx *ctx, const plan *n, const plan_column **out)
{
    plan_ids ids = {0};
    bool is = true, strings = false;
    *out = NULL;
    for (uint32_t i = 0; i < n->aggregate.key_count && is; i++) {
        const expr *key = n->aggregate.keys[i].value;
        if (key->kind == EXPR_COLUMN) return FN_OK; /* grouped by values of c anyway */
        strings |= is_string(key->type);
        FN_TRY(is_over(ctx, key, &ids, &is));
    }
    for (uint32_t i = 0; i < n->aggregate.item_count && is; i++) {
        const plan_aggregate_item *item = &n->aggregate.items[i];
        is = weighing_of(item) != WEIGH_NOT;
        for (uint32_t a = 0; a < item->arg_count && is; a++) FN_TRY(is_over(ctx, item->args[a], &ids, &is));
    }
    const plan_column *c = is && strings ? only_column(n->inputs[0], &ids) : NULL;
    if (c && is_string(c->type) && !fn_type_is_nullable(c->type)) *out = c;
    return FN_OK;
}

static fn_status pays(fn_ctx *ctx, plan *scan, const plan_column *c, bool *pays)
{
    const double rows = plan_estimate(scan);
    const expr *column = expr_column(ctx, c->id, c->type);
    FN_TRY_PTR(ctx, column);
    *pays = rows >= ROWS_MIN && plan_distinct(scan, column) * ROWS_PER_VALUE_MIN <= rows;
    return FN_OK;
}

/* ---- the rewrite ---- */

typedef struct weights {
    plan_query *q;
    column_id from;       /* the table's column */
    expr *value, *weight; /* outputs of the grouping by it */
    column_id total;      /* the sum of the weights, once something has asked for it: */
    const fn_type *total_type;
} weights;

static expr *in_place(void *self, column_id id)
{
    const weights *w = self;
    return id == w->from ? w->value : NULL;
}

/* SELECT c, count() GROUP BY c */
static fn_status group_values(fn_ctx *ctx, weights *w, plan *scan, const plan_column *c, plan **out)
{
    plan *n = plan_new(ctx, PLAN_AGGREGATE, 1);
    FN_TRY_PTR(ctx, n);
    agg_call *count;
    FN_TRY(agg_bind(ctx, FN_STR("count"), NULL, 0, NULL, 0, &count));
    n->inputs[0] = scan;
    n->columns = FN_NEW_ARRAY(ctx, plan_column, 2);
    n->aggregate.keys = FN_NEW(ctx, plan_item);
    n->aggregate.items = FN_NEW(ctx, plan_aggregate_item);
    if (!n->columns || !n->aggregate.keys || !n->aggregate.items) return ctx->error.code;
    n->column_count = 2;
    n->aggregate.key_count = n->aggregate.item_count = 1;
    n->columns[0] = (plan_column){w->q->next_id++, c->type, c->name};
    n->columns[1] = (plan_column){w->q->next_id++, count->type, count->name};
    n->aggregate.keys[0] = (plan_item){n->columns[0].id, expr_column(ctx, c->id, c->type)};
    n->aggregate.items[0] = (plan_aggregate_item){.id = n->columns[1].id, .call = count};
    w->from = c->id;
    w->value = expr_column(ctx, n->columns[0].id, c->type);
    w->weight = expr_column(ctx, n->columns[1].id, count->type);
    if (!n->aggregate.keys[0].value || !w->value || !w->weight) return ctx->error.code;
    *out = n;
    return FN_OK;
}

static fn_status sum_item(fn_ctx *ctx, column_id id, expr *arg, plan_aggregate_item *out)
{
    agg_call *call;
    FN_TRY(agg_bind(ctx, FN_STR("sum"), (const fn_type *[]){arg->type}, 1, NULL, 0, &call));
    *out = (plan_aggregate_item){.id = id, .call = call, .arg_count = 1, .args = FN_NEW(ctx, expr *)};
    FN_TRY_PTR(ctx, out->args);
    out->args[0] = arg;
    return FN_OK;
}

/* All that ask for the sum of the weights share one item. */
static fn_status sum_weights(fn_ctx *ctx, weights *w, plan_aggregate_item **items, uint32_t *count, expr **out)
{
    if (!w->total_type) {
        plan_aggregate_item *slot = plan_grow(ctx, items, count, sizeof *slot);
        FN_TRY_PTR(ctx, slot);
        w->total = w->q->next_id++;
        FN_TRY(sum_item(ctx, w->total, w->weight, slot));
        w->total_type = slot->call->type;
    }
    *out = expr_column(ctx, w->total, w->total_type);
    return *out ? FN_OK : ctx->error.code;
}

/* `item` over values and weights; *instead: what stands for it above, NULL: the item under its own id. */
static fn_status weigh(fn_ctx *ctx, weights *w, const plan_aggregate_item *item, plan_aggregate_item **items, uint32_t *count, expr **instead)
{
    const weighing how = weighing_of(item);
    *instead = NULL;
    if (how == WEIGH_COUNT) return sum_weights(ctx, w, items, count, instead);
    plan_aggregate_item *slot = plan_grow(ctx, items, count, sizeof *slot);
    FN_TRY_PTR(ctx, slot);
    if (how == WEIGH_SAME) {
        *slot = *item;
        return FN_OK;
    }
    expr *factors[2] = {item->args[0], w->weight}, *product;
    FN_TRY(expr_call(ctx, "multiply", factors, 2, &product));
    if (how == WEIGH_SUM) return sum_item(ctx, item->id, product, slot);
    const column_id sum = w->q->next_id++;
    FN_TRY(sum_item(ctx, sum, product, slot));
    expr *parts[2] = {expr_column(ctx, sum, slot->call->type)};
    FN_TRY_PTR(ctx, parts[0]);
    FN_TRY(sum_weights(ctx, w, items, count, &parts[1]));
    return expr_call(ctx, "divide", parts, 2, instead);
}

static fn_status move_args(fn_ctx *ctx, weights *w, plan *n)
{
    for (uint32_t i = 0; i < n->aggregate.key_count; i++) FN_TRY(expr_replace(ctx, n->aggregate.keys[i].value, in_place, w, &n->aggregate.keys[i].value));
    for (uint32_t i = 0; i < n->aggregate.item_count; i++) {
        plan_aggregate_item *item = &n->aggregate.items[i];
        for (uint32_t a = 0; a < item->arg_count; a++) FN_TRY(expr_replace(ctx, item->args[a], in_place, w, &item->args[a]));
    }
    return FN_OK;
}

static fn_status rewrite(fn_ctx *ctx, plan_query *q, plan **p, const plan_column *c)
{
    plan *n = *p;
    const uint32_t keys = n->aggregate.key_count, total = n->column_count;
    weights w = {.q = q};
    plan_item *outputs = FN_NEW_ARRAY(ctx, plan_item, total + 1);
    fn_str *names = FN_NEW_ARRAY(ctx, fn_str, total + 1);
    if (!outputs || !names) return ctx->error.code;
    FN_TRY(group_values(ctx, &w, n->inputs[0], c, &n->inputs[0]));
    FN_TRY(move_args(ctx, &w, n));
    plan_aggregate_item *items = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < total; i++) {
        expr *instead = NULL;
        if (i >= keys) FN_TRY(weigh(ctx, &w, &n->aggregate.items[i - keys], &items, &count, &instead));
        names[i] = n->columns[i].name;
        outputs[i] = (plan_item){n->columns[i].id, instead ? instead : expr_column(ctx, n->columns[i].id, n->columns[i].type)};
        FN_TRY_PTR(ctx, outputs[i].value);
    }
    plan_column *columns = FN_NEW_ARRAY(ctx, plan_column, keys + count + 1);
    FN_TRY_PTR(ctx, columns);
    memcpy(columns, n->columns, keys * sizeof *columns);
    for (uint32_t i = 0; i < count; i++) columns[keys + i] = (plan_column){items[i].id, items[i].call->type, items[i].call->name};
    n->columns = columns;
    n->column_count = keys + count;
    n->aggregate.items = items;
    n->aggregate.item_count = count;
    return plan_project_over(ctx, n, outputs, names, total, p);
}

fn_status rule_weighted_groups(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    const plan_column *c;
    bool good = false;
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(rule_weighted_groups(ctx, q, &n->inputs[i]));
    if (!fits_shape(ctx, n)) return FN_OK;
    FN_TRY(find_column(ctx, n, &c));
    if (c) FN_TRY(pays(ctx, n->inputs[0], c, &good));
    return good ? rewrite(ctx, q, p, c) : FN_OK;
}
