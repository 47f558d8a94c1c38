/* aggregate_rewrite.c - GROUP BY in another shape that runs faster and gives the same rows:
 *   uniqExact(x) as the only aggregate: GROUP BY keys, x first, then the number of groups per keys. That is parallel to the end
 *     and keeps each value once in a slot of a table, where the states would be sets of their own.
 *   keys that follow from other keys (k - 1 beside k, constants): not grouped by, but computed from each group's keys.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_aggregate.h"

static plan *node_over(fn_ctx *ctx, plan_kind kind, plan *input)
{
    plan *p = FN_NEW(ctx, plan);
    plan **inputs = FN_NEW_ARRAY(ctx, plan *, 1);
    if (!p || !inputs) return NULL;
    *p = (plan){.kind = kind, .columns = input->columns, .column_count = input->column_count, .inputs = inputs, .input_count = 1};
    inputs[0] = input;
    return p;
}

/* ---- uniqExact ---- */

static bool is_count_distinct(const plan *node)
{
    if (node->aggregate.item_count != 1 || node->aggregate.totals || node->aggregate.grouping_sets) return false;
    const plan_aggregate_item *item = &node->aggregate.items[0];
    const agg_call *base = item->call;
    if (base->nested) { /* only the null rule may stand around it; with keys a group of NULLs alone must not be lost */
        if (strcmp(base->def->name, "Null") != 0 || base->nested->nested || node->aggregate.key_count) return false;
        base = base->nested;
    }
    return strcmp(base->def->name, "uniqExact") == 0 && item->arg_count == 1 && !item->distinct;
}

static fn_status distinct_groups(fn_ctx *ctx, const plan *node, plan **out)
{
    const uint32_t keys = node->aggregate.key_count;
    plan *input = node->inputs[0];
    expr *value = node->aggregate.items[0].args[0];
    if (fn_type_is_nullable(value->type)) {
        plan *filter = node_over(ctx, PLAN_FILTER, input);
        FN_TRY_PTR(ctx, filter);
        FN_TRY(expr_call(ctx, "isNotNull", &value, 1, &filter->filter.condition));
        input = filter;
    }
    plan *groups = node_over(ctx, PLAN_AGGREGATE, input);
    FN_TRY_PTR(ctx, groups);
    groups->columns = FN_NEW_ARRAY(ctx, plan_column, keys + 1);
    groups->aggregate.keys = FN_NEW_ARRAY(ctx, plan_item, keys + 1);
    if (!groups->columns || !groups->aggregate.keys) return ctx->error.code;
    for (uint32_t i = 0; i < keys; i++) {
        groups->columns[i] = node->columns[i];
        groups->aggregate.keys[i] = node->aggregate.keys[i];
    }
    groups->columns[keys] = (plan_column){.id = node->aggregate.items[0].id, .type = value->type};
    groups->aggregate.keys[keys] = (plan_item){node->aggregate.items[0].id, value};
    groups->aggregate.key_count = keys + 1;
    groups->column_count = keys ? keys + 1 : 0; /* without keys only their number is asked for */
    *out = groups;
    return FN_OK;
}

static fn_status build_count_distinct(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    plan *groups = NULL, *count;
    agg_call *call;
    FN_TRY(distinct_groups(ctx, node, &groups));
    count = node_over(ctx, PLAN_AGGREGATE, groups);
    plan_aggregate_item *item = FN_NEW(ctx, plan_aggregate_item);
    plan_item *keys = FN_NEW_ARRAY(ctx, plan_item, node->aggregate.key_count + 1);
    if (!count || !item || !keys) return ctx->error.code;
    FN_TRY(agg_bind(ctx, FN_STR("count"), NULL, 0, NULL, 0, &call));
    *item = (plan_aggregate_item){.id = node->aggregate.items[0].id, .call = call};
    for (uint32_t i = 0; i < node->aggregate.key_count; i++) {
        keys[i] = (plan_item){node->columns[i].id, expr_column(ctx, node->columns[i].id, node->columns[i].type)};
        FN_TRY_PTR(ctx, keys[i].value);
    }
    count->columns = node->columns;
    count->column_count = node->column_count;
    count->aggregate.keys = keys;
    count->aggregate.key_count = node->aggregate.key_count;
    count->aggregate.items = item;
    count->aggregate.item_count = 1;
    count->aggregate.limit = node->aggregate.limit;
    count->aggregate.top = node->aggregate.top;
    return exec_build(ctx, e, count, p);
}

/* ---- keys that follow from others ---- */

typedef struct key_search {
    fn_ctx *ctx;
    const plan *node;
    bool missing; /* a column that is no key by itself */
} key_search;

/* The key that is the input's column `id` itself, as a column of the groups. */
static expr *key_of(void *self, column_id id)
{
    key_search *s = self;
    const plan *n = s->node;
    for (uint32_t i = 0; i < n->aggregate.key_count; i++) {
        const expr *value = n->aggregate.keys[i].value;
        if (value->kind == EXPR_COLUMN && value->column == id) return expr_column(s->ctx, n->aggregate.keys[i].id, value->type);
    }
    s->missing = true;
    return NULL;
}

/* Without keys there would be a group where there are no rows. */
static bool has_columns(const plan *node)
{
    bool any = false;
    for (uint32_t i = 0; i < node->aggregate.key_count; i++) any |= node->aggregate.keys[i].value->kind == EXPR_COLUMN;
    return any;
}

static fn_status follow(fn_ctx *ctx, const plan *node, uint32_t key, expr **out)
{
    const expr *value = node->aggregate.keys[key].value;
    key_search search = {ctx, node, false};
    *out = NULL;
    if (value->kind == EXPR_CONST && has_columns(node)) return expr_replace(ctx, value, key_of, &search, out);
    if (value->kind != EXPR_CALL || !expr_is_deterministic(value)) return FN_OK;
    FN_TRY(expr_replace(ctx, value, key_of, &search, out));
    if (search.missing) *out = NULL;
    return FN_OK;
}

/* followers[i]: key i from the other keys, NULL where it must be grouped by. */
static fn_status find_followers(fn_ctx *ctx, const plan *node, expr **followers, uint32_t *count)
{
    *count = 0;
    if (node->aggregate.totals || node->aggregate.grouping_sets) return FN_OK;
    for (uint32_t i = 0; i < node->aggregate.key_count; i++) {
        FN_TRY(follow(ctx, node, i, &followers[i]));
        *count += followers[i] != NULL;
    }
    return FN_OK;
}

static fn_status build_with_followers(fn_ctx *ctx, exec *e, const plan *node, expr *const *followers, uint32_t count, pipeline *p)
{
    plan *groups = node_over(ctx, PLAN_AGGREGATE, node->inputs[0]);
    FN_TRY_PTR(ctx, groups);
    plan *all = node_over(ctx, PLAN_PROJECT, groups);
    plan_item *items = FN_NEW_ARRAY(ctx, plan_item, node->column_count + 1), *keys = FN_NEW_ARRAY(ctx, plan_item, node->aggregate.key_count + 1);
    plan_column *columns = FN_NEW_ARRAY(ctx, plan_column, node->column_count + 1);
    if (!all || !items || !keys || !columns) return ctx->error.code;
    uint32_t kept = 0, made = 0;
    for (uint32_t i = 0; i < node->column_count; i++) {
        const bool follows = i < node->aggregate.key_count && followers[i];
        items[i] = (plan_item){node->columns[i].id, follows ? followers[i] : expr_column(ctx, node->columns[i].id, node->columns[i].type)};
        FN_TRY_PTR(ctx, items[i].value);
        if (follows) continue;
        columns[made++] = node->columns[i];
        if (i < node->aggregate.key_count) keys[kept++] = node->aggregate.keys[i];
    }
    FN_ASSERT(kept + count == node->aggregate.key_count);
    groups->aggregate = node->aggregate;
    groups->aggregate.keys = keys;
    groups->aggregate.key_count = kept;
    groups->columns = columns;
    groups->column_count = made;
    all->columns = node->columns;
    all->column_count = node->column_count;
    all->project.items = items;
    return exec_build(ctx, e, all, p);
}

fn_status aggregate_rewrite(fn_ctx *ctx, exec *e, const plan *node, pipeline *p, bool *done)
{
    *done = is_count_distinct(node);
    if (*done) return build_count_distinct(ctx, e, node, p);
    uint32_t count;
    expr **followers = FN_NEW_ARRAY(ctx, expr *, node->aggregate.key_count + 1);
    FN_TRY_PTR(ctx, followers);
    FN_TRY(find_followers(ctx, node, followers, &count));
    *done = count > 0;
    return *done ? build_with_followers(ctx, e, node, followers, count, p) : FN_OK;
}
