/* bind_setop.c - UNION, EXCEPT, INTERSECT: common types, modes by setting, ORDER BY and LIMIT behind parentheses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

typedef struct set_mode {
    bool is_union, except, distinct;
    const char *name;
} set_mode;

static fn_status mode_by_setting(binder *b, fn_str setting, set_mode *m)
{
    m->distinct = fn_str_eq_nocase(setting, FN_STR("DISTINCT"));
    if (!m->distinct && !fn_str_eq_nocase(setting, FN_STR("ALL")))
        return fn_fail(b->ctx, FN_EXPECTED_ALL_OR_DISTINCT,
                       "Expected ALL or DISTINCT after UNION. Write `UNION ALL` to keep duplicate rows or `UNION DISTINCT` to remove them, or set "
                       "`union_default_mode` to choose what a bare UNION means");
    return FN_OK;
}

static fn_status mode_of(binder *b, ast_set_op op, set_mode *m)
{
    const fn_settings *s = settings_of(b->ctx);
    switch (op) {
    case SET_UNION_ALL: *m = (set_mode){true, false, false, "UNION_ALL"}; return FN_OK;
    case SET_UNION_DISTINCT: *m = (set_mode){true, false, true, "UNION_DISTINCT"}; return FN_OK;
    case SET_UNION: *m = (set_mode){true, false, false, "UNION"}; return mode_by_setting(b, s->union_default_mode, m);
    case SET_EXCEPT: *m = (set_mode){false, true, false, "EXCEPT_ALL"}; return mode_by_setting(b, s->except_default_mode, m);
    case SET_EXCEPT_DISTINCT: *m = (set_mode){false, true, true, "EXCEPT_DISTINCT"}; return FN_OK;
    case SET_INTERSECT: *m = (set_mode){false, false, false, "INTERSECT_ALL"}; return mode_by_setting(b, s->intersect_default_mode, m);
    case SET_INTERSECT_DISTINCT: *m = (set_mode){false, false, true, "INTERSECT_DISTINCT"}; return FN_OK;
    case SET_NONE: break;
    }
    FN_IMPOSSIBLE("set operation");
}

fn_status bind_cast_columns(binder *b, plan *p, const fn_type *const *types, plan **out)
{
    bool same = true;
    *out = p;
    for (uint32_t i = 0; i < p->column_count; i++) same &= p->columns[i].type == types[i];
    if (same) return FN_OK;
    plan_item *items = FN_NEW_ARRAY(b->ctx, plan_item, p->column_count + 1);
    fn_str *names = FN_NEW_ARRAY(b->ctx, fn_str, p->column_count + 1);
    if (!items || !names) return b->ctx->error.code;
    for (uint32_t i = 0; i < p->column_count; i++) {
        expr *column = expr_column(b->ctx, p->columns[i].id, p->columns[i].type);
        FN_TRY_PTR(b->ctx, column);
        items[i].id = b->next_id++;
        FN_TRY(expr_cast(b->ctx, column, types[i], &items[i].value));
        names[i] = p->columns[i].name;
    }
    return plan_project_over(b->ctx, p, items, names, p->column_count, out);
}

static fn_status common_types(binder *b, plan *const *inputs, uint32_t count, const set_mode *m, const fn_type ***out)
{
    const uint32_t n = inputs[0]->column_count;
    const fn_type **types = FN_NEW_ARRAY(b->ctx, const fn_type *, n + 1), **all = FN_NEW_ARRAY(b->ctx, const fn_type *, count + 1);
    if (!types || !all) return b->ctx->error.code;
    for (uint32_t k = 1; k < count; k++)
        if (inputs[k]->column_count != n)
            return fn_fail(b->ctx, m->is_union ? FN_UNION_ALL_RESULT_STRUCTURES_MISMATCH : FN_INTERSECT_OR_EXCEPT_RESULT_STRUCTURES_MISMATCH,
                           "Different number of columns in %s elements: %u and %u", m->name, n, inputs[k]->column_count);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < count; k++) all[k] = inputs[k]->columns[i].type;
        FN_TRY(fn_type_common_or_variant(b->ctx, all, count, &types[i]));
    }
    *out = types;
    return FN_OK;
}

static fn_status combine(binder *b, plan **inputs, uint32_t count, const set_mode *m, plan **out)
{
    const fn_type **types = NULL;
    FN_TRY(common_types(b, inputs, count, m, &types));
    plan *p = plan_new(b->ctx, m->is_union ? PLAN_UNION : PLAN_SET_OP, count);
    FN_TRY_PTR(b->ctx, p);
    p->column_count = inputs[0]->column_count;
    p->columns = FN_NEW_ARRAY(b->ctx, plan_column, p->column_count + 1);
    FN_TRY_PTR(b->ctx, p->columns);
    for (uint32_t i = 0; i < p->column_count; i++) p->columns[i] = (plan_column){b->next_id++, types[i], inputs[0]->columns[i].name};
    for (uint32_t k = 0; k < count; k++) FN_TRY(bind_cast_columns(b, inputs[k], types, &p->inputs[k]));
    if (!m->is_union) p->set_op.except = m->except;
    if (!m->is_union) p->set_op.distinct = m->distinct;
    *out = p;
    if (!m->distinct) return FN_OK;
    *out = plan_over(b->ctx, PLAN_DISTINCT, p);
    FN_TRY_PTR(b->ctx, *out);
    return FN_OK;
}

/* a UNION ALL b UNION ALL c is one node. */
static fn_status collect(binder *b, scope *s, const ast_query *q, const set_mode *m, plan ***inputs, uint32_t *count)
{
    const bool bare = !q->order_by.count && !q->order_by.all && !q->limit && !q->offset;
    if (q->op != SET_NONE && bare && m->is_union) {
        set_mode own;
        FN_TRY(mode_of(b, q->op, &own));
        if (own.is_union && own.distinct == m->distinct) {
            FN_TRY(collect(b, s, q->left, m, inputs, count));
            return collect(b, s, q->right, m, inputs, count);
        }
    }
    plan *p;
    scope *inner;
    FN_TRY(bind_query(b, s, false, q, &p, &inner));
    plan **slot = plan_grow(b->ctx, inputs, count, sizeof *slot);
    FN_TRY_PTR(b->ctx, slot);
    *slot = p;
    return FN_OK;
}

/* ORDER BY and LIMIT of the whole: over its outputs by name or position. */
static fn_status order_and_limit(binder *b, const ast_query *q, plan **p)
{
    source list = {.columns = FN_NEW_ARRAY(b->ctx, source_column, (*p)->column_count + 1), .count = (*p)->column_count};
    select_item *items = FN_NEW_ARRAY(b->ctx, select_item, (*p)->column_count + 1);
    scope own = {.sources = &list, .source_count = 1};
    bound_order order;
    if (!list.columns || !items) return b->ctx->error.code;
    for (uint32_t i = 0; i < list.count; i++) {
        const plan_column *c = &(*p)->columns[i];
        list.columns[i] = (source_column){.name = c->name, .id = c->id, .type = c->type};
        items[i] = (select_item){.value = expr_column(b->ctx, c->id, c->type), .name = c->name};
        FN_TRY_PTR(b->ctx, items[i].value);
    }
    FN_TRY(bind_order(b, &own, &q->order_by, items, list.count, true, &order));
    if (order.has_fill) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "WITH FILL behind a set operation is not supported");
    if (order.count) {
        plan *n = plan_over(b->ctx, PLAN_SORT, *p);
        FN_TRY_PTR(b->ctx, n);
        n->sort.keys = order.keys;
        n->sort.key_count = order.count;
        *p = n;
    }
    return bind_limit(b, &own, q->limit, q->offset, false, NULL, 0, p);
}

fn_status bind_set_operation(binder *b, scope *parent, bool hide_parent_columns, const ast_query *q, plan **out, scope **inner)
{
    set_mode m;
    plan **inputs = NULL;
    uint32_t count = 0;
    FN_TRY(mode_of(b, q->op, &m));
    *inner = bind_scope_new(b, parent, NULL);
    FN_TRY_PTR(b->ctx, *inner);
    (*inner)->hide_parent_columns = hide_parent_columns;
    FN_TRY(collect(b, *inner, q->left, &m, &inputs, &count));
    FN_TRY(collect(b, *inner, q->right, &m, &inputs, &count));
    FN_TRY(combine(b, inputs, count, &m, out));
    return order_and_limit(b, q, out);
}
