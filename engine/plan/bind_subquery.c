/* bind_subquery.c - subqueries as values. Without outer columns: a cell computed before the plan runs. With outer columns: a join below
 * the stage that uses the value (EXISTS and IN give MARK joins, scalars SINGLE joins, NULL where no row matches as ClickHouse has it).
 * A filter that is just the mark, or its negation, makes a SEMI or ANTI join of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

/* ---- joins that wait for their stage ---- */

static fn_status pair_of(expr *e, const plan *inner, expr **outer_side, expr **inner_side, bool *found)
{
    *found = false;
    const bool equal = e->arg_count == 2 && plan_is_call(e, "equals");
    for (uint32_t i = 0; equal && i < 2 && !*found; i++) {
        *inner_side = e->args[i];
        *outer_side = e->args[1 - i];
        *found = plan_uses_any(inner, *inner_side) && plan_uses_only(inner, *inner_side) && !plan_uses_any(inner, *outer_side);
    }
    return FN_OK;
}

static fn_status add_pair(binder *b, plan *j, expr *l, expr *r)
{
    uint32_t n = j->join.key_count, m = n;
    FN_TRY(bind_join_types(b, &l, &r, true));
    expr **left = plan_grow(b->ctx, &j->join.left_keys, &j->join.key_count, sizeof *left);
    expr **right = plan_grow(b->ctx, &j->join.right_keys, &n, sizeof *right);
    bool *safe = plan_grow(b->ctx, &j->join.null_safe, &m, sizeof *safe);
    if (!left || !right || !safe) return b->ctx->error.code;
    *left = l;
    *right = r;
    return FN_OK;
}

/* Notes a join of the coming stage with `inner` under the condition. */
static fn_status add_pending(binder *b, scope *s, plan_join_kind kind, plan *inner, expr *condition, plan **out)
{
    expr **parts = NULL, *l, *r;
    uint32_t count = 0;
    if (s->lambda_depth) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "Correlated subqueries inside lambdas are not supported");
    plan *j = plan_new(b->ctx, PLAN_JOIN, 2);
    pending_join *p = plan_grow(b->ctx, &s->pending, &s->pending_count, sizeof *p);
    if (!j || !p) return b->ctx->error.code;
    j->inputs[1] = inner;
    j->join.kind = kind;
    j->join.asof = -1;
    FN_TRY(plan_split_and(b->ctx, condition, &parts, &count));
    for (uint32_t i = 0; i < count; i++) {
        bool found;
        FN_TRY(pair_of(parts[i], inner, &l, &r, &found));
        if (found) FN_TRY(add_pair(b, j, l, r));
        else FN_TRY(expr_and(b->ctx, j->join.residual, parts[i], &j->join.residual));
    }
    p->join = j;
    FN_TRY(bind_late_id(b, s, &p->id));
    j->join.mark = p->id;
    *out = j;
    return FN_OK;
}

static bool uses_pending(const plan_ids *ids, const scope *s, uint32_t i)
{
    return plan_ids_has(ids, s->pending[i].id);
}

/* Ids used by what is needed already; grows until nothing more is needed. */
static fn_status close_needs(binder *b, const scope *s, plan_ids *ids, bool *joins, bool *arrays)
{
    for (bool again = true; again;) {
        again = false;
        for (uint32_t i = 0; i < s->pending_count; i++) {
            const plan *j = s->pending[i].join;
            if (joins[i] || s->pending[i].done || !uses_pending(ids, s, i)) continue;
            joins[i] = again = true;
            for (uint32_t k = 0; k < j->join.key_count; k++) FN_TRY(plan_ids_of(b->ctx, ids, j->join.left_keys[k]));
            if (j->join.residual) FN_TRY(plan_ids_of(b->ctx, ids, j->join.residual));
        }
        for (uint32_t i = 0; i < s->array_join_count; i++) {
            if (arrays[i] || s->array_joins[i].done || !plan_ids_has(ids, s->array_joins[i].id)) continue;
            arrays[i] = again = true;
            FN_TRY(plan_ids_of(b->ctx, ids, s->array_joins[i].array));
        }
    }
    return FN_OK;
}

static fn_status array_join_node(binder *b, const pending_array_join *a, plan **p)
{
    plan *n = plan_new(b->ctx, PLAN_ARRAY_JOIN, 1);
    FN_TRY_PTR(b->ctx, n);
    const uint32_t before = (*p)->column_count;
    n->inputs[0] = *p;
    n->columns = FN_NEW_ARRAY(b->ctx, plan_column, before + 2);
    n->array_join.arrays = FN_NEW(b->ctx, plan_item);
    if (!n->columns || !n->array_join.arrays) return b->ctx->error.code;
    if (before) memcpy(n->columns, (*p)->columns, before * sizeof *n->columns);
    n->columns[before] = (plan_column){a->id, fn_type_base(a->array->type)->items, FN_STR("arrayJoin")};
    n->column_count = before + 1;
    *n->array_join.arrays = (plan_item){a->id, a->array};
    n->array_join.array_count = 1;
    *p = n;
    return FN_OK;
}

static fn_status pending_node(binder *b, const pending_join *w, plan **p)
{
    plan *n = w->join;
    const uint32_t before = (*p)->column_count, more = 1;
    n->inputs[0] = *p;
    n->columns = FN_NEW_ARRAY(b->ctx, plan_column, before + more + 1);
    FN_TRY_PTR(b->ctx, n->columns);
    if (before) memcpy(n->columns, (*p)->columns, before * sizeof *n->columns);
    n->column_count = before + more;
    if (n->join.kind == PLAN_JOIN_MARK) n->columns[before] = (plan_column){n->join.mark, fn_type_simple(FN_T_UINT8), FN_STR("exists")};
    else n->columns[before] = *plan_find_column(n->inputs[1], w->id);
    *p = n;
    return FN_OK;
}

/* Whether all late columns that ids names, among those to be made now, are there. */
static bool is_ready(const scope *s, const plan_ids *ids, const bool *joins, const bool *arrays)
{
    for (uint32_t i = 0; i < s->pending_count; i++)
        if (joins[i] && !s->pending[i].done && uses_pending(ids, s, i)) return false;
    for (uint32_t i = 0; i < s->array_join_count; i++)
        if (arrays[i] && !s->array_joins[i].done && plan_ids_has(ids, s->array_joins[i].id)) return false;
    return true;
}

static fn_status place_ready(binder *b, scope *s, const bool *joins, const bool *arrays, plan **p, bool *placed)
{
    for (uint32_t i = 0; i < s->array_join_count; i++) {
        plan_ids needs = {0};
        if (!arrays[i] || s->array_joins[i].done) continue;
        FN_TRY(plan_ids_of(b->ctx, &needs, s->array_joins[i].array));
        if (!is_ready(s, &needs, joins, arrays)) continue;
        FN_TRY(array_join_node(b, &s->array_joins[i], p));
        s->array_joins[i].done = *placed = true;
    }
    for (uint32_t i = 0; i < s->pending_count; i++) {
        plan_ids needs = {0};
        const plan *j = s->pending[i].join;
        if (!joins[i] || s->pending[i].done) continue;
        for (uint32_t k = 0; k < j->join.key_count; k++) FN_TRY(plan_ids_of(b->ctx, &needs, j->join.left_keys[k]));
        if (j->join.residual) FN_TRY(plan_ids_of(b->ctx, &needs, j->join.residual));
        if (!is_ready(s, &needs, joins, arrays)) continue;
        FN_TRY(pending_node(b, &s->pending[i], p));
        s->pending[i].done = *placed = true;
    }
    return FN_OK;
}

fn_status bind_flush(binder *b, scope *s, expr *const *exprs, uint32_t count, plan **p)
{
    if (!s->pending_count && !s->array_join_count) return FN_OK;
    plan_ids ids = {0};
    bool *joins = FN_NEW_ARRAY(b->ctx, bool, s->pending_count + 1), *arrays = FN_NEW_ARRAY(b->ctx, bool, s->array_join_count + 1);
    if (!joins || !arrays) return b->ctx->error.code;
    for (uint32_t i = 0; i < count; i++) FN_TRY(plan_ids_of(b->ctx, &ids, exprs[i]));
    FN_TRY(close_needs(b, s, &ids, joins, arrays));
    for (bool placed = true; placed;) {
        placed = false;
        FN_TRY(place_ready(b, s, joins, arrays, p, &placed));
    }
    return FN_OK;
}

/* ---- filters ---- */

/* The pending MARK join whose mark the conjunct is; *negated: NOT mark. */
static pending_join *mark_of(scope *s, const expr *e, bool *negated)
{
    *negated = plan_is_call(e, "not");
    if (*negated) e = e->args[0];
    if (e->kind != EXPR_COLUMN) return NULL;
    for (uint32_t i = 0; i < s->pending_count; i++)
        if (s->pending[i].id == e->column && !s->pending[i].done && s->pending[i].join->join.kind == PLAN_JOIN_MARK) return &s->pending[i];
    return NULL;
}

/* The mark of a SEMI join is 1, of an ANTI join 0: for what else may use it. */
static fn_status keep_mark(binder *b, const pending_join *w, bool value, plan **p)
{
    const uint32_t n = (*p)->column_count;
    plan_item *items = FN_NEW_ARRAY(b->ctx, plan_item, n + 2);
    fn_str *names = FN_NEW_ARRAY(b->ctx, fn_str, n + 2);
    if (!items || !names) return b->ctx->error.code;
    for (uint32_t i = 0; i < n; i++) {
        items[i] = (plan_item){(*p)->columns[i].id, expr_column(b->ctx, (*p)->columns[i].id, (*p)->columns[i].type)};
        names[i] = (*p)->columns[i].name;
        FN_TRY_PTR(b->ctx, items[i].value);
    }
    items[n] = (plan_item){w->id, expr_const_u64(b->ctx, value)};
    FN_TRY_PTR(b->ctx, items[n].value);
    names[n] = FN_STR("exists");
    return plan_project_over(b->ctx, *p, items, names, n + 1, p);
}

static fn_status semi_join(binder *b, scope *s, pending_join *w, bool negated, plan **p)
{
    plan *j = w->join;
    FN_TRY(bind_flush(b, s, j->join.left_keys, j->join.key_count, p));
    if (j->join.residual) FN_TRY(bind_flush(b, s, &j->join.residual, 1, p));
    j->join.kind = negated ? PLAN_JOIN_ANTI_LEFT : PLAN_JOIN_SEMI_LEFT;
    j->inputs[0] = *p;
    j->columns = FN_NEW_ARRAY(b->ctx, plan_column, (*p)->column_count + 1);
    FN_TRY_PTR(b->ctx, j->columns);
    j->column_count = (*p)->column_count;
    if (j->column_count) memcpy(j->columns, (*p)->columns, j->column_count * sizeof *j->columns);
    w->done = true;
    *p = j;
    return keep_mark(b, w, !negated, p);
}

fn_status bind_filter_stage(binder *b, scope *s, expr *condition, plan **p)
{
    expr **parts = NULL, *rest = NULL;
    uint32_t count = 0;
    FN_TRY(plan_split_and(b->ctx, condition, &parts, &count));
    for (uint32_t i = 0; i < count; i++) {
        bool negated;
        if (!mark_of(s, parts[i], &negated)) FN_TRY(expr_and(b->ctx, rest, parts[i], &rest));
    }
    if (rest) {
        FN_TRY(bind_flush(b, s, &rest, 1, p));
        FN_TRY(plan_filter_over(b->ctx, *p, rest, p));
    }
    for (uint32_t i = 0; i < count; i++) {
        bool negated;
        pending_join *w = mark_of(s, parts[i], &negated);
        if (w) FN_TRY(semi_join(b, s, w, negated, p));
    }
    return FN_OK;
}

/* ---- values ---- */

static fn_status add_column(binder *b, const plan_column *c, expr **out)
{
    *out = expr_column(b->ctx, c->id, c->type);
    FN_TRY_PTR(b->ctx, *out);
    return FN_OK;
}

/* One column: Nullable, as no row gives NULL; several: a tuple. */
static fn_status scalar_type(binder *b, const plan *p, const fn_type **out)
{
    if (p->column_count == 1) {
        const fn_type *t = p->columns[0].type;
        *out = fn_type_can_be_nullable(t) ? fn_type_nullable(t) : t;
        return FN_OK;
    }
    const fn_type **types = FN_NEW_ARRAY(b->ctx, const fn_type *, p->column_count + 1);
    const char **names = FN_NEW_ARRAY(b->ctx, const char *, p->column_count + 1);
    if (!types || !names) return b->ctx->error.code;
    for (uint32_t i = 0; i < p->column_count; i++) {
        types[i] = p->columns[i].type;
        names[i] = fn_arena_copy(b->ctx, b->ctx->arena, p->columns[i].name.data, p->columns[i].name.size);
        FN_TRY_PTR(b->ctx, names[i]);
    }
    *out = fn_type_tuple(types, names, p->column_count);
    return FN_OK;
}

/* (SELECT 1): the constant itself. */
static expr *constant_of(const plan *p)
{
    if (p->kind != PLAN_PROJECT || p->column_count != 1 || p->inputs[0]->kind != PLAN_VALUES || p->inputs[0]->values.block_count != 1) return NULL;
    return p->project.items[0].value->kind == EXPR_CONST ? p->project.items[0].value : NULL;
}

static fn_status correlated_scalar(binder *b, scope *s, scope *inner, plan *p, expr **out)
{
    expr *condition, *value;
    plan *j;
    if (p->column_count != 1) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "Correlated subqueries with several columns are not supported");
    const plan_column c = p->columns[0];
    FN_TRY(bind_unnest(b, inner, &p, false, &condition));
    FN_TRY(add_column(b, &c, &value));
    FN_TRY(add_pending(b, s, PLAN_JOIN_SINGLE, p, condition, &j));
    /* the value under the join's own id, Nullable */
    plan_item *items = FN_NEW_ARRAY(b->ctx, plan_item, p->column_count + 1);
    fn_str *names = FN_NEW_ARRAY(b->ctx, fn_str, p->column_count + 1);
    if (!items || !names) return b->ctx->error.code;
    const fn_type *type = fn_type_can_be_nullable(c.type) ? fn_type_nullable(c.type) : c.type;
    items[0].id = j->join.mark;
    names[0] = c.name;
    FN_TRY(expr_cast(b->ctx, value, type, &items[0].value));
    uint32_t n = 1;
    for (uint32_t i = 0; i < p->column_count; i++) {
        if (p->columns[i].id == c.id) continue;
        names[n] = p->columns[i].name;
        items[n].id = p->columns[i].id;
        FN_TRY(add_column(b, &p->columns[i], &items[n++].value));
    }
    FN_TRY(plan_project_over(b->ctx, p, items, names, n, &j->inputs[1]));
    j->join.use_nulls = true;
    *out = expr_column(b->ctx, j->join.mark, type);
    FN_TRY_PTR(b->ctx, *out);
    return FN_OK;
}

fn_status bind_scalar_subquery(binder *b, scope *s, const ast_query *q, expr **out)
{
    plan *p;
    scope *inner;
    const fn_type *type = NULL;
    FN_TRY(bind_query(b, s, false, q, &p, &inner));
    if (inner->outer_count) return correlated_scalar(b, s, inner, p, out);
    *out = constant_of(p);
    FN_TRY(scalar_type(b, p, &type));
    if (*out) return expr_cast(b->ctx, *out, type, out);
    return bind_add_cell(b, p, false, false, type, out);
}

fn_status bind_exists(binder *b, scope *s, const ast_query *q, expr **out)
{
    plan *p, *j;
    scope *inner;
    expr *condition;
    FN_TRY(bind_query(b, s, false, q, &p, &inner));
    if (!inner->outer_count) return bind_add_cell(b, p, false, true, fn_type_simple(FN_T_UINT8), out);
    FN_TRY(bind_unnest(b, inner, &p, true, &condition));
    FN_TRY(add_pending(b, s, PLAN_JOIN_MARK, p, condition, &j));
    *out = expr_column(b->ctx, j->join.mark, fn_type_simple(FN_T_UINT8));
    FN_TRY_PTR(b->ctx, *out);
    return FN_OK;
}

/* keys IN (correlated subquery): the join compares the keys besides the pulled conditions. A NULL at left gives NULL. */
fn_status bind_in_correlated(binder *b, scope *s, scope *inner, plan *p, expr *const *keys, uint32_t count, bool negated, expr **out)
{
    expr *condition;
    plan *j;
    if (p->column_count != count)
        return fn_fail(b->ctx, FN_NUMBER_OF_COLUMNS_DOESNT_MATCH, "Number of columns in section IN doesn't match. %u at left, %u at right", count, p->column_count);
    plan_column *values = FN_NEW_ARRAY(b->ctx, plan_column, count + 1);
    FN_TRY_PTR(b->ctx, values);
    memcpy(values, p->columns, count * sizeof *values);
    FN_TRY(bind_unnest(b, inner, &p, false, &condition));
    FN_TRY(add_pending(b, s, PLAN_JOIN_MARK, p, condition, &j));
    for (uint32_t i = 0; i < count; i++) {
        expr *value;
        FN_TRY(add_column(b, &values[i], &value));
        FN_TRY(add_pair(b, j, keys[i], value));
    }
    *out = expr_column(b->ctx, j->join.mark, fn_type_simple(FN_T_UINT8));
    FN_TRY_PTR(b->ctx, *out);
    if (!negated) return FN_OK;
    FN_TRY(expr_call(b->ctx, "not", out, 1, out));
    if (count != 1 || !fn_type_is_nullable(keys[0]->type)) return FN_OK;
    expr *key = keys[0], *args[3] = {NULL, NULL, *out};
    FN_TRY(expr_call(b->ctx, "isNull", &key, 1, &args[0]));
    args[1] = expr_const(b->ctx, fn_column_null(b->ctx, fn_type_nullable(fn_type_simple(FN_T_NOTHING)), 1));
    FN_TRY_PTR(b->ctx, args[1]);
    return expr_call(b->ctx, "if", args, 3, out);
}
