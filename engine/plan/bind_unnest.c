/* bind_unnest.c - takes conditions over outer columns out of a subquery's plan, so that it can become one side of a join.
 *
 * A filter's correlated conjuncts are pulled up, node by node, to the top; projections let through the inner columns they need.
 * Through an aggregation only "inner = outer" can pass: the inner side becomes one more key, so that there is one group per value
 * of the outer columns; LIMIT n likewise becomes n rows per value. Everything else is NOT_IMPLEMENTED.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

typedef struct unnest {
    binder *b;
    plan_ids outer;
    bool exists;
    expr **pulled;
    uint32_t count;
} unnest;

static fn_status refuse(unnest *u, const char *what)
{
    return fn_fail(u->b->ctx, FN_NOT_IMPLEMENTED, "Correlated subqueries with outer columns below %s are not supported", what);
}

/* ---- looking for outer columns ---- */

static bool is_correlated(const unnest *u, const expr *e)
{
    if (e->kind == EXPR_COLUMN) return plan_ids_has(&u->outer, e->column);
    if (e->kind == EXPR_LAMBDA) return is_correlated(u, e->lambda->body);
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (is_correlated(u, e->args[i])) return true;
    return false;
}

typedef struct search {
    const unnest *u;
    bool found;
} search;

static fn_status look(void *self, fn_ctx *ctx, expr **e)
{
    search *s = self;
    (void)ctx;
    s->found |= is_correlated(s->u, *e);
    return FN_OK;
}

static fn_status own_outer(unnest *u, plan *p, bool *out)
{
    search s = {u, false};
    FN_TRY(plan_each_expr(u->b->ctx, p, look, &s));
    *out = s.found;
    return FN_OK;
}

static fn_status any_outer(unnest *u, plan *p, bool *out)
{
    FN_TRY(own_outer(u, p, out));
    for (uint32_t i = 0; i < p->input_count && !*out; i++) FN_TRY(any_outer(u, p->inputs[i], out));
    return FN_OK;
}

/* ---- pulling ---- */

static fn_status pull(unnest *u, plan **p);

static fn_status add_pulled(unnest *u, expr *e)
{
    expr **slot = plan_grow(u->b->ctx, &u->pulled, &u->count, sizeof *slot);
    FN_TRY_PTR(u->b->ctx, slot);
    *slot = e;
    return FN_OK;
}

static fn_status copy_columns(unnest *u, plan *p, const plan *from)
{
    p->columns = FN_NEW_ARRAY(u->b->ctx, plan_column, from->column_count + 1);
    FN_TRY_PTR(u->b->ctx, p->columns);
    p->column_count = from->column_count;
    if (from->column_count) memcpy(p->columns, from->columns, from->column_count * sizeof *p->columns);
    return FN_OK;
}

static fn_status pull_filter(unnest *u, plan **p)
{
    plan *n = *p;
    expr **parts = NULL, *rest = NULL;
    uint32_t count = 0;
    FN_TRY(pull(u, &n->inputs[0]));
    FN_TRY(plan_split_and(u->b->ctx, n->filter.condition, &parts, &count));
    for (uint32_t i = 0; i < count; i++) {
        if (is_correlated(u, parts[i])) FN_TRY(add_pulled(u, parts[i]));
        else FN_TRY(expr_and(u->b->ctx, rest, parts[i], &rest));
    }
    if (!rest) {
        *p = n->inputs[0];
        return FN_OK;
    }
    n->filter.condition = rest;
    return copy_columns(u, n, n->inputs[0]);
}

/* Columns of the input that pulled conditions need and `has` does not list yet. */
static fn_status missing(unnest *u, const plan *input, const plan *has, uint32_t from, plan_column **out, uint32_t *count)
{
    plan_ids needs = {0};
    for (uint32_t i = from; i < u->count; i++) FN_TRY(plan_ids_of(u->b->ctx, &needs, u->pulled[i]));
    for (uint32_t i = 0; i < input->column_count; i++) {
        const plan_column *c = &input->columns[i];
        if (!plan_ids_has(&needs, c->id) || plan_has_column(has, c->id)) continue;
        plan_column *slot = plan_grow(u->b->ctx, out, count, sizeof *slot);
        FN_TRY_PTR(u->b->ctx, slot);
        *slot = *c;
    }
    return FN_OK;
}

static fn_status pull_project(unnest *u, plan **p)
{
    plan *n = *p;
    bool own;
    const uint32_t from = u->count;
    FN_TRY(own_outer(u, n, &own));
    if (own && !u->exists) return refuse(u, "the list of the subquery");
    FN_TRY(pull(u, &n->inputs[0]));
    plan_column *more = NULL;
    uint32_t count = 0;
    const plan none = {0};
    FN_TRY(missing(u, n->inputs[0], own ? &none : n, from, &more, &count));
    const uint32_t before = own ? 0 : n->column_count;
    plan_item *items = FN_NEW_ARRAY(u->b->ctx, plan_item, before + count + 1);
    fn_str *names = FN_NEW_ARRAY(u->b->ctx, fn_str, before + count + 1);
    if (!items || !names) return u->b->ctx->error.code;
    for (uint32_t i = 0; i < before; i++) {
        items[i] = n->project.items[i];
        names[i] = n->columns[i].name;
    }
    for (uint32_t i = 0; i < count; i++) {
        items[before + i] = (plan_item){more[i].id, expr_column(u->b->ctx, more[i].id, more[i].type)};
        FN_TRY_PTR(u->b->ctx, items[before + i].value);
        names[before + i] = more[i].name;
    }
    return plan_project_over(u->b->ctx, n->inputs[0], items, names, before + count, p);
}

/* "inner = outer": the inner side, and the other. */
static bool equal_sides(const unnest *u, const expr *e, uint32_t *inner)
{
    if (e->arg_count != 2 || !plan_is_call(e, "equals")) return false;
    for (*inner = 0; *inner < 2; (*inner)++)
        if (!is_correlated(u, e->args[*inner]) && is_correlated(u, e->args[1 - *inner])) return true;
    return false;
}

/* The pulled conditions from `from` on stand on new columns: one per inner side. */
static fn_status key_columns(unnest *u, uint32_t from, plan_item **keys, uint32_t *count)
{
    for (uint32_t i = from; i < u->count; i++) {
        expr *e = u->pulled[i];
        uint32_t inner, at = 0;
        if (!equal_sides(u, e, &inner)) return refuse(u, "an aggregation or LIMIT, other than by equality,");
        while (at < *count && !expr_equal((*keys)[at].value, e->args[inner])) at++;
        if (at == *count) {
            plan_item *key = plan_grow(u->b->ctx, keys, count, sizeof *key);
            FN_TRY_PTR(u->b->ctx, key);
            *key = (plan_item){u->b->next_id++, e->args[inner]};
        }
        expr *args[2] = {expr_column(u->b->ctx, (*keys)[at].id, e->args[inner]->type), e->args[1 - inner]};
        FN_TRY_PTR(u->b->ctx, args[0]);
        FN_TRY(expr_call_def(u->b->ctx, e->call->def, args, 2, &u->pulled[i]));
    }
    return FN_OK;
}

static fn_status pull_aggregate(unnest *u, plan **p)
{
    plan *n = *p;
    bool own;
    const uint32_t from = u->count, key_count = n->aggregate.key_count;
    FN_TRY(own_outer(u, n, &own));
    if (own || n->aggregate.grouping_set_count || n->aggregate.totals) return refuse(u, "the arguments of an aggregation");
    FN_TRY(pull(u, &n->inputs[0]));
    plan_item *keys = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < key_count; i++) {
        plan_item *key = plan_grow(u->b->ctx, &keys, &count, sizeof *key);
        FN_TRY_PTR(u->b->ctx, key);
        *key = n->aggregate.keys[i];
    }
    FN_TRY(key_columns(u, from, &keys, &count));
    plan_column *columns = FN_NEW_ARRAY(u->b->ctx, plan_column, count + n->aggregate.item_count + 1);
    FN_TRY_PTR(u->b->ctx, columns);
    for (uint32_t i = 0; i < count; i++) columns[i] = (plan_column){keys[i].id, keys[i].value->type, FN_STR("key")};
    for (uint32_t i = 0; i < n->aggregate.item_count; i++) columns[count + i] = n->columns[key_count + i];
    n->columns = columns;
    n->column_count = count + n->aggregate.item_count;
    n->aggregate.keys = keys;
    n->aggregate.key_count = count;
    return FN_OK;
}

static fn_status pull_limit(unnest *u, plan **p)
{
    plan *n = *p;
    const bool plain = !n->limit.with_ties && !n->limit.negative_limit && !n->limit.negative_offset && n->limit.limit_fraction == 0 && n->limit.offset_fraction == 0;
    const uint32_t from = u->count;
    if (!plain) return refuse(u, "this kind of LIMIT");
    FN_TRY(pull(u, &n->inputs[0]));
    if (u->exists && n->limit.limit > 0 && n->limit.offset == 0) {
        *p = n->inputs[0];
        return FN_OK;
    }
    plan *by = plan_over(u->b->ctx, PLAN_LIMIT_BY, n->inputs[0]);
    FN_TRY_PTR(u->b->ctx, by);
    by->limit_by.keys = FN_NEW_ARRAY(u->b->ctx, expr *, u->count - from + 1);
    FN_TRY_PTR(u->b->ctx, by->limit_by.keys);
    for (uint32_t i = from; i < u->count; i++) {
        uint32_t inner;
        if (!equal_sides(u, u->pulled[i], &inner)) return refuse(u, "LIMIT, other than by equality,");
        by->limit_by.keys[by->limit_by.key_count++] = u->pulled[i]->args[inner];
    }
    by->limit_by.limit = n->limit.limit;
    by->limit_by.offset = n->limit.offset;
    *p = by;
    return FN_OK;
}

static fn_status pull_join(unnest *u, plan **p)
{
    plan *n = *p;
    const plan_join_kind kind = n->join.kind;
    const bool inner = kind == PLAN_JOIN_INNER || kind == PLAN_JOIN_CROSS, left = kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_SEMI_LEFT || kind == PLAN_JOIN_ANTI_LEFT ||
                                                                                  kind == PLAN_JOIN_MARK || kind == PLAN_JOIN_SINGLE;
    bool right_outer = false;
    if (n->join.any || n->join.asof >= 0 || (!inner && !left)) return refuse(u, "this kind of JOIN");
    FN_TRY(any_outer(u, n->inputs[1], &right_outer));
    if (right_outer && !inner) return refuse(u, "the right side of an outer, SEMI or ANTI JOIN");
    for (uint32_t i = 0; i < n->join.key_count; i++)
        if (is_correlated(u, n->join.left_keys[i]) || is_correlated(u, n->join.right_keys[i])) return refuse(u, "the keys of a JOIN");
    expr **parts = NULL, *rest = NULL;
    uint32_t count = 0;
    FN_TRY(plan_split_and(u->b->ctx, n->join.residual, &parts, &count));
    for (uint32_t i = 0; i < count; i++) {
        if (!is_correlated(u, parts[i])) FN_TRY(expr_and(u->b->ctx, rest, parts[i], &rest));
        else if (inner) FN_TRY(add_pulled(u, parts[i]));
        else return refuse(u, "the condition of an outer, SEMI or ANTI JOIN");
    }
    n->join.residual = rest;
    FN_TRY(pull(u, &n->inputs[0]));
    FN_TRY(pull(u, &n->inputs[1]));
    /* what the sides let through now is let through here as well */
    plan_column *columns = NULL;
    uint32_t column_count = 0;
    for (uint32_t side = 0; side < (inner ? 2u : 1u); side++)
        for (uint32_t i = 0; i < n->inputs[side]->column_count; i++) {
            plan_column *c = plan_grow(u->b->ctx, &columns, &column_count, sizeof *c);
            FN_TRY_PTR(u->b->ctx, c);
            *c = n->inputs[side]->columns[i];
        }
    for (uint32_t i = 0; !inner && i < n->column_count; i++) {
        if (plan_has_column(n->inputs[0], n->columns[i].id)) continue;
        plan_column *c = plan_grow(u->b->ctx, &columns, &column_count, sizeof *c);
        FN_TRY_PTR(u->b->ctx, c);
        *c = n->columns[i];
    }
    n->columns = columns;
    n->column_count = column_count;
    return FN_OK;
}

static fn_status pull_distinct(unnest *u, plan **p)
{
    plan *n = *p;
    const uint32_t from = u->count, before = n->inputs[0]->column_count;
    FN_TRY(pull(u, &n->inputs[0]));
    if (u->exists) {
        *p = n->inputs[0];
        return FN_OK;
    }
    if (n->distinct.keys && (n->inputs[0]->column_count > before || u->count > from)) return refuse(u, "DISTINCT with ORDER BY");
    return copy_columns(u, n, n->inputs[0]);
}

static fn_status pull_array_join(unnest *u, plan *n)
{
    bool own;
    FN_TRY(own_outer(u, n, &own));
    if (own) return refuse(u, "ARRAY JOIN");
    FN_TRY(pull(u, &n->inputs[0]));
    const uint32_t arrays = n->array_join.array_count, before = n->inputs[0]->column_count;
    plan_column *columns = FN_NEW_ARRAY(u->b->ctx, plan_column, before + arrays + 1);
    FN_TRY_PTR(u->b->ctx, columns);
    if (before) memcpy(columns, n->inputs[0]->columns, before * sizeof *columns);
    memcpy(columns + before, n->columns + (n->column_count - arrays), arrays * sizeof *columns);
    n->columns = columns;
    n->column_count = before + arrays;
    return FN_OK;
}

static fn_status pull(unnest *u, plan **p)
{
    bool any;
    FN_TRY(any_outer(u, *p, &any));
    if (!any) return FN_OK;
    switch ((*p)->kind) {
    case PLAN_FILTER: return pull_filter(u, p);
    case PLAN_PROJECT: return pull_project(u, p);
    case PLAN_AGGREGATE: return pull_aggregate(u, p);
    case PLAN_JOIN: return pull_join(u, p);
    case PLAN_SORT:
        FN_TRY(pull(u, &(*p)->inputs[0]));
        return copy_columns(u, *p, (*p)->inputs[0]);
    case PLAN_LIMIT: return pull_limit(u, p);
    case PLAN_DISTINCT: return pull_distinct(u, p);
    case PLAN_ARRAY_JOIN: return pull_array_join(u, *p);
    case PLAN_SCAN:
    case PLAN_VALUES:
    case PLAN_NUMBERS:
    case PLAN_SHARED: return FN_OK;
    case PLAN_LIMIT_BY: return refuse(u, "LIMIT BY");
    case PLAN_UNION:
    case PLAN_SET_OP: return refuse(u, "a set operation");
    case PLAN_WINDOW: return refuse(u, "a window function");
    case PLAN_FILL: return refuse(u, "WITH FILL");
    }
    FN_IMPOSSIBLE("plan kind");
}

fn_status bind_unnest(binder *b, scope *inner, plan **p, bool exists, expr **condition)
{
    unnest u = {.b = b, .exists = exists};
    for (uint32_t i = 0; i < inner->outer_count; i++) FN_TRY(plan_ids_add(b->ctx, &u.outer, inner->outer[i]));
    FN_TRY(pull(&u, p));
    bool left;
    FN_TRY(any_outer(&u, *p, &left));
    if (left) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "This correlated subquery is not supported");
    return plan_join_and(b->ctx, u.pulled, u.count, condition);
}
