/* rule_push_filter.c - conjuncts as far down as they may go: through projections (rewritten over their inputs), sorts, DISTINCT, the
 * keys of aggregations, the partition keys of windows, to the sides of joins, into each input of a union, into scans.
 *
 * What may not move: conditions that are not deterministic, and conditions past nodes whose rows they would change (LIMIT, FILL, the
 * side of an outer join that may be missing). Over a CROSS or INNER join, equalities between the sides become keys.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule.h"

typedef struct push {
    fn_ctx *ctx;
    plan_query *q;
} push;

typedef struct conditions {
    expr **items;
    uint32_t count;
} conditions;

static fn_status push_into(push *u, plan **p, conditions *c);

static fn_status add(push *u, conditions *c, expr *e)
{
    expr **slot = plan_grow(u->ctx, &c->items, &c->count, sizeof *slot);
    FN_TRY_PTR(u->ctx, slot);
    *slot = e;
    return FN_OK;
}

/* What could not go further stands above p. */
static fn_status place(push *u, plan **p, const conditions *c)
{
    expr *condition;
    if (!c->count) return FN_OK;
    FN_TRY(plan_join_and(u->ctx, c->items, c->count, &condition));
    return plan_filter_over(u->ctx, *p, condition, p);
}

static bool has_array_join_or_state(const expr *e)
{
    return !expr_is_deterministic(e);
}

/* ---- projections ---- */

static expr *item_of(void *self, column_id id)
{
    const plan *p = self;
    for (uint32_t i = 0; i < p->column_count; i++)
        if (p->project.items[i].id == id) return p->project.items[i].value;
    return NULL;
}

static bool movable_past(const plan *project, const expr *e)
{
    for (uint32_t i = 0; i < project->column_count; i++) {
        const plan one = {.columns = &project->columns[i], .column_count = 1};
        if (plan_uses_any(&one, e) && !expr_is_deterministic(project->project.items[i].value)) return false;
    }
    return true;
}

static fn_status push_project(push *u, plan **p, conditions *c)
{
    conditions down = {0}, stay = {0};
    for (uint32_t i = 0; i < c->count; i++) {
        expr *e = c->items[i];
        if (!movable_past(*p, e)) {
            FN_TRY(add(u, &stay, e));
            continue;
        }
        FN_TRY(expr_replace(u->ctx, e, item_of, *p, &e));
        expr **parts = NULL;
        uint32_t n = 0;
        FN_TRY(plan_split_and(u->ctx, e, &parts, &n));
        for (uint32_t k = 0; k < n; k++) FN_TRY(add(u, &down, parts[k]));
    }
    FN_TRY(push_into(u, &(*p)->inputs[0], &down));
    return place(u, p, &stay);
}

/* ---- nodes with keys: conditions over key columns alone pass ---- */

static expr *key_of(void *self, column_id id)
{
    const plan *p = self;
    for (uint32_t i = 0; i < p->aggregate.key_count; i++)
        if (p->aggregate.keys[i].id == id) return p->aggregate.keys[i].value;
    return NULL;
}

static fn_status push_aggregate(push *u, plan **p, conditions *c)
{
    plan *n = *p;
    conditions down = {0}, stay = {0};
    const plan keys = {.columns = n->columns, .column_count = n->aggregate.key_count};
    for (uint32_t i = 0; i < c->count; i++) {
        expr *e = c->items[i];
        const bool ok = !n->aggregate.grouping_set_count && !n->aggregate.totals && n->aggregate.key_count && plan_uses_only(&keys, e) && plan_uses_any(&keys, e);
        if (!ok) {
            FN_TRY(add(u, &stay, e));
            continue;
        }
        FN_TRY(expr_replace(u->ctx, e, key_of, n, &e));
        FN_TRY(add(u, &down, e));
    }
    FN_TRY(push_into(u, &n->inputs[0], &down));
    return place(u, p, &stay);
}

static bool among(expr *const *list, uint32_t count, column_id id)
{
    for (uint32_t i = 0; i < count; i++)
        if (list[i]->kind == EXPR_COLUMN && list[i]->column == id) return true;
    return false;
}

/* Every column of e is one of the given expressions. */
static bool only_among(expr *const *list, uint32_t count, const expr *e)
{
    if (e->kind == EXPR_COLUMN) return among(list, count, e->column);
    if (e->kind == EXPR_LAMBDA) {
        for (uint32_t i = 0; i < e->lambda->capture_count; i++)
            if (!among(list, count, e->lambda->captures[i])) return false;
        return true;
    }
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (!only_among(list, count, e->args[i])) return false;
    return true;
}

static fn_status push_keyed(push *u, plan **p, expr *const *keys, uint32_t count, bool all, conditions *c)
{
    conditions down = {0}, stay = {0};
    for (uint32_t i = 0; i < c->count; i++) FN_TRY(add(u, all || only_among(keys, count, c->items[i]) ? &down : &stay, c->items[i]));
    FN_TRY(push_into(u, &(*p)->inputs[0], &down));
    return place(u, p, &stay);
}

static fn_status push_array_join(push *u, plan **p, conditions *c)
{
    plan *n = *p;
    conditions down = {0}, stay = {0};
    const plan arrays = {.columns = n->columns + (n->column_count - n->array_join.array_count), .column_count = n->array_join.array_count};
    for (uint32_t i = 0; i < c->count; i++) FN_TRY(add(u, plan_uses_any(&arrays, c->items[i]) ? &stay : &down, c->items[i]));
    FN_TRY(push_into(u, &n->inputs[0], &down));
    return place(u, p, &stay);
}

/* ---- joins ---- */

static fn_status add_key(push *u, plan *j, expr *l, expr *r)
{
    const fn_type *x = fn_type_base(l->type), *y = fn_type_base(r->type), *common;
    uint32_t n = j->join.key_count, m = n;
    if (x != y) {
        const fn_type *const both[2] = {x, y};
        FN_TRY(fn_type_common(u->ctx, both, 2, &common));
        FN_TRY(expr_cast(u->ctx, l, fn_type_is_nullable(l->type) ? fn_type_nullable(common) : common, &l));
        FN_TRY(expr_cast(u->ctx, r, fn_type_is_nullable(r->type) ? fn_type_nullable(common) : common, &r));
    }
    expr **left = plan_grow(u->ctx, &j->join.left_keys, &j->join.key_count, sizeof *left);
    expr **right = plan_grow(u->ctx, &j->join.right_keys, &n, sizeof *right);
    bool *safe = plan_grow(u->ctx, &j->join.null_safe, &m, sizeof *safe);
    if (!left || !right || !safe) return u->ctx->error.code;
    *left = l;
    *right = r;
    return FN_OK;
}

static bool has_common_type(push *u, const expr *x, const expr *y)
{
    const fn_type *common, *const both[2] = {fn_type_base(x->type), fn_type_base(y->type)};
    if (both[0] == both[1] || fn_type_common(u->ctx, both, 2, &common) == FN_OK) return true;
    fn_error_clear(u->ctx);
    return false;
}

/* An equality between the sides of an inner join. */
static fn_status try_key(push *u, plan *j, expr *e, bool *taken)
{
    *taken = false;
    if (!plan_is_call(e, "equals") || e->arg_count != 2) return FN_OK;
    for (uint32_t i = 0; i < 2 && !*taken; i++) {
        expr *l = e->args[i], *r = e->args[1 - i];
        const plan *left = j->inputs[0], *right = j->inputs[1];
        if (!plan_uses_any(left, l) || !plan_uses_any(right, r) || !plan_uses_only(left, l) || !plan_uses_only(right, r)) continue;
        if (!has_common_type(u, l, r)) continue;
        FN_TRY(add_key(u, j, l, r));
        j->join.kind = PLAN_JOIN_INNER;
        *taken = true;
    }
    return FN_OK;
}

/* Sides whose rows a condition above the join may drop beforehand. */
static void open_sides(const plan *j, bool *left, bool *right)
{
    const plan_join_kind k = j->join.kind;
    const bool inner = (k == PLAN_JOIN_INNER || k == PLAN_JOIN_CROSS) && !j->join.any && j->join.asof < 0;
    *left = k != PLAN_JOIN_RIGHT && k != PLAN_JOIN_FULL && k != PLAN_JOIN_SEMI_RIGHT && k != PLAN_JOIN_ANTI_RIGHT && k != PLAN_JOIN_PASTE &&
            (inner || (k != PLAN_JOIN_INNER && k != PLAN_JOIN_CROSS) || j->join.asof >= 0);
    *right = inner || ((k == PLAN_JOIN_RIGHT || k == PLAN_JOIN_SEMI_RIGHT || k == PLAN_JOIN_ANTI_RIGHT) && !j->join.any);
}

/* Residual conditions of one side alone go to that side where a row failing them cannot be shown. */
static fn_status split_residual(push *u, plan *j, conditions *left, conditions *right)
{
    const plan_join_kind k = j->join.kind;
    const bool inner = (k == PLAN_JOIN_INNER || k == PLAN_JOIN_CROSS) && j->join.asof < 0 && !j->join.any;
    const bool right_only = k == PLAN_JOIN_LEFT || k == PLAN_JOIN_SEMI_LEFT || k == PLAN_JOIN_ANTI_LEFT || k == PLAN_JOIN_MARK || k == PLAN_JOIN_SINGLE;
    expr **parts = NULL, *rest = NULL;
    uint32_t count = 0;
    FN_TRY(plan_split_and(u->ctx, j->join.residual, &parts, &count));
    for (uint32_t i = 0; i < count; i++) {
        bool taken = false;
        const bool l = plan_uses_any(j->inputs[0], parts[i]), r = plan_uses_any(j->inputs[1], parts[i]);
        if (has_array_join_or_state(parts[i])) taken = false;
        else if (inner && l && !r) FN_TRY(add(u, left, parts[i]));
        else if ((inner || (right_only && j->join.asof < 0)) && r && !l) FN_TRY(add(u, right, parts[i]));
        else if (inner) FN_TRY(try_key(u, j, parts[i], &taken));
        const bool moved = taken || (!has_array_join_or_state(parts[i]) && ((inner && l != r) || (right_only && j->join.asof < 0 && r && !l)));
        if (!moved) FN_TRY(expr_and(u->ctx, rest, parts[i], &rest));
    }
    j->join.residual = rest;
    return FN_OK;
}

static bool types_kept(const plan *j, uint32_t side, const expr *e)
{
    if (e->kind == EXPR_COLUMN) {
        const plan_column *in = plan_find_column(j->inputs[side], e->column);
        return !in || in->type == e->type;
    }
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (!types_kept(j, side, e->args[i])) return false;
    return true;
}

static fn_status push_join(push *u, plan **p, conditions *c)
{
    plan *j = *p;
    conditions left = {0}, right = {0}, stay = {0};
    bool left_open, right_open;
    open_sides(j, &left_open, &right_open);
    const bool inner = left_open && right_open;
    for (uint32_t i = 0; i < c->count; i++) {
        expr *e = c->items[i];
        bool taken = false;
        const bool only_left = plan_uses_only(j->inputs[0], e), only_right = plan_uses_only(j->inputs[1], e);
        if (left_open && only_left && types_kept(j, 0, e)) FN_TRY(add(u, &left, e));
        else if (right_open && only_right && types_kept(j, 1, e)) FN_TRY(add(u, &right, e));
        else if (inner) FN_TRY(try_key(u, j, e, &taken));
        if (taken || (left_open && only_left && types_kept(j, 0, e)) || (right_open && only_right && types_kept(j, 1, e))) continue;
        FN_TRY(add(u, &stay, e));
    }
    FN_TRY(split_residual(u, j, &left, &right));
    FN_TRY(push_into(u, &j->inputs[0], &left));
    FN_TRY(push_into(u, &j->inputs[1], &right));
    return place(u, p, &stay);
}

/* ---- unions ---- */

typedef struct position_map {
    fn_ctx *ctx;
    const plan *from, *to;
} position_map;

static expr *same_position(void *self, column_id id)
{
    const position_map *m = self;
    for (uint32_t i = 0; i < m->from->column_count; i++)
        if (m->from->columns[i].id == id) return expr_column(m->ctx, m->to->columns[i].id, m->to->columns[i].type);
    return NULL;
}

static fn_status push_union(push *u, plan **p, conditions *c)
{
    plan *n = *p;
    for (uint32_t k = 0; k < n->input_count; k++) {
        conditions down = {0};
        position_map map = {u->ctx, n, n->inputs[k]};
        for (uint32_t i = 0; i < c->count; i++) {
            expr *e;
            FN_TRY(expr_replace(u->ctx, c->items[i], same_position, &map, &e));
            FN_TRY(add(u, &down, e));
        }
        FN_TRY(push_into(u, &n->inputs[k], &down));
    }
    return FN_OK;
}

/* ---- scans ---- */

static fn_status push_scan(push *u, plan *n, const conditions *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        expr **slot = plan_grow(u->ctx, &n->scan.conjuncts, &n->scan.conjunct_count, sizeof *slot);
        FN_TRY_PTR(u->ctx, slot);
        *slot = c->items[i];
    }
    return FN_OK;
}

static fn_status push_filter(push *u, plan **p, conditions *c)
{
    plan *n = *p;
    expr **parts = NULL, *stay = NULL;
    uint32_t count = 0;
    FN_TRY(plan_split_and(u->ctx, n->filter.condition, &parts, &count));
    for (uint32_t i = 0; i < count; i++) {
        if (expr_is_deterministic(parts[i])) FN_TRY(add(u, c, parts[i]));
        else FN_TRY(expr_and(u->ctx, stay, parts[i], &stay));
    }
    if (!stay) {
        *p = n->inputs[0];
        return push_into(u, p, c);
    }
    n->filter.condition = stay;
    return push_into(u, &n->inputs[0], c);
}

/* Below these nodes rows must not be dropped: the inputs are worked on, the conditions stay above. */
static fn_status stop(push *u, plan **p, conditions *c)
{
    for (uint32_t i = 0; i < (*p)->input_count; i++) {
        conditions none = {0};
        FN_TRY(push_into(u, &(*p)->inputs[i], &none));
    }
    return place(u, p, c);
}

static fn_status push_into(push *u, plan **p, conditions *c)
{
    plan *n = *p;
    switch (n->kind) {
    case PLAN_SCAN: return push_scan(u, n, c);
    case PLAN_FILTER: return push_filter(u, p, c);
    case PLAN_PROJECT: return push_project(u, p, c);
    case PLAN_AGGREGATE: return push_aggregate(u, p, c);
    case PLAN_JOIN: return push_join(u, p, c);
    case PLAN_SORT: return push_keyed(u, p, NULL, 0, true, c);
    case PLAN_DISTINCT: return push_keyed(u, p, n->distinct.keys, n->distinct.key_count, n->distinct.keys == NULL, c);
    case PLAN_LIMIT_BY: return push_keyed(u, p, n->limit_by.keys, n->limit_by.key_count, false, c);
    case PLAN_WINDOW: {
        /* every window above the same input has its own node: a condition passes if it is over this one's partition keys */
        return push_keyed(u, p, n->window.partition_by, n->window.partition_count, false, c);
    }
    case PLAN_UNION: return push_union(u, p, c);
    case PLAN_ARRAY_JOIN: return push_array_join(u, p, c);
    case PLAN_VALUES:
    case PLAN_NUMBERS:
    case PLAN_LIMIT:
    case PLAN_SET_OP:
    case PLAN_FILL:
    case PLAN_SHARED: return stop(u, p, c);
    }
    FN_IMPOSSIBLE("plan kind");
}

fn_status rule_push_filter(fn_ctx *ctx, plan_query *q, plan **p)
{
    push u = {ctx, q};
    conditions none = {0};
    return push_into(&u, p, &none);
}
