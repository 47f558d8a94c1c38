/* bind_recursive.c - WITH RECURSIVE r AS (first UNION ALL step over r). The step is bound over the columns of the first part; when its own
 * types are wider, both are bound again over the common types until these stay as they are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

enum { WIDENINGS_MAX = 10 };

fn_status bind_working(binder *b, cte_entry *cte, plan **out)
{
    if (!cte->working)
        return fn_fail(b->ctx, FN_UNSUPPORTED_METHOD, "Recursive CTE " FN_STR_FMT " refers to itself outside the second part of its UNION ALL", FN_STR_ARG(cte->ast->name));
    plan *p = plan_new(b->ctx, PLAN_SHARED, 0);
    FN_TRY_PTR(b->ctx, p);
    p->columns = FN_NEW_ARRAY(b->ctx, plan_column, cte->working_count + 1);
    FN_TRY_PTR(b->ctx, p->columns);
    for (uint32_t i = 0; i < cte->working_count; i++) {
        p->columns[i] = cte->working_columns[i];
        p->columns[i].id = b->next_id++;
    }
    p->column_count = cte->working_count;
    p->shared.shared = cte->working;
    cte->working_uses++;
    *out = p;
    return FN_OK;
}

static bool reads(const plan *p, const plan_shared *store)
{
    if (p->kind == PLAN_SHARED) {
        const plan_shared *s = p->shared.shared;
        if (s == store || (s->plan && reads(s->plan, store)) || (s->step && reads(s->step, store))) return true;
    }
    for (uint32_t i = 0; i < p->input_count; i++)
        if (reads(p->inputs[i], store)) return true;
    return false;
}

/* Subqueries that are computed beforehand, and subqueries used twice, cannot see the levels. */
static fn_status check_step(binder *b, const cte_entry *cte, uint32_t cells_before)
{
    for (uint32_t i = cells_before; i < b->query->cell_count; i++)
        if (b->query->cells[i]->plan && reads(b->query->cells[i]->plan, cte->working))
            return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "Subqueries over the recursive CTE " FN_STR_FMT " inside itself are not supported", FN_STR_ARG(cte->ast->name));
    return FN_OK;
}

static fn_status bind_step(binder *b, scope *owner, cte_entry *cte, const ast_query *q, plan **out)
{
    scope *inner;
    const uint32_t cells = b->query->cell_count;
    cte->working = FN_NEW(b->ctx, plan_shared);
    FN_TRY_PTR(b->ctx, cte->working);
    cte->working->done = true;
    cte->working_uses = 0;
    FN_TRY(bind_query(b, owner, true, q, out, &inner));
    return check_step(b, cte, cells);
}

static fn_status name_columns(binder *b, const cte_entry *cte, const plan *base, plan_column **out)
{
    *out = FN_NEW_ARRAY(b->ctx, plan_column, base->column_count + 1);
    FN_TRY_PTR(b->ctx, *out);
    for (uint32_t i = 0; i < base->column_count; i++) {
        (*out)[i] = base->columns[i];
        if (i < cte->ast->column_alias_count) (*out)[i].name = cte->ast->column_aliases[i];
    }
    return FN_OK;
}

/* The types of both parts together; *same: they are those the step was bound with. */
static fn_status widen(binder *b, const cte_entry *cte, plan_column *columns, const plan *made, bool *same)
{
    if (made->column_count != cte->working_count)
        return fn_fail(b->ctx, FN_UNION_ALL_RESULT_STRUCTURES_MISMATCH, "Different number of columns in UNION_ALL elements: %u and %u", cte->working_count, made->column_count);
    *same = true;
    for (uint32_t i = 0; i < made->column_count; i++) {
        const fn_type *const both[2] = {columns[i].type, made->columns[i].type}, *common;
        FN_TRY(fn_type_common(b->ctx, both, 2, &common));
        *same &= common == columns[i].type;
        columns[i].type = common;
    }
    return FN_OK;
}

static fn_status build(binder *b, cte_entry *cte, plan *base, plan *made, const plan_column *columns, plan **out)
{
    const uint32_t n = base->column_count;
    fn_str text;
    const fn_type **types = FN_NEW_ARRAY(b->ctx, const fn_type *, n + 1);
    plan_shared *s = FN_NEW(b->ctx, plan_shared);
    plan *p = plan_new(b->ctx, PLAN_SHARED, 0);
    if (!types || !s || !p) return b->ctx->error.code;
    for (uint32_t i = 0; i < n; i++) types[i] = columns[i].type;
    FN_TRY(bind_cast_columns(b, base, types, &s->plan));
    FN_TRY(bind_cast_columns(b, made, types, &s->step));
    s->working = cte->working;
    s->depth_max = 1000;
    if (settings_get(b->ctx, settings_of(b->ctx), FN_STR("max_recursive_cte_evaluation_depth"), &text) == FN_OK) {
        s->depth_max = 0;
        for (size_t i = 0; i < text.size && i < 18 && text.data[i] >= '0' && text.data[i] <= '9'; i++) s->depth_max = s->depth_max * 10 + (uint64_t)(text.data[i] - '0');
    } else {
        fn_error_clear(b->ctx);
    }
    p->columns = FN_NEW_ARRAY(b->ctx, plan_column, n + 1);
    FN_TRY_PTR(b->ctx, p->columns);
    for (uint32_t i = 0; i < n; i++) p->columns[i] = (plan_column){b->next_id++, types[i], columns[i].name};
    p->column_count = n;
    p->shared.shared = s;
    *out = p;
    return FN_OK;
}

static fn_status bind_parts(binder *b, scope *owner, cte_entry *cte, const ast_query *q, plan **out, bool *done)
{
    plan *base, *made = NULL;
    scope *inner;
    plan_column *columns;
    FN_TRY(bind_query(b, owner, true, q->left, &base, &inner));
    FN_TRY(name_columns(b, cte, base, &columns));
    cte->working_columns = columns;
    cte->working_count = base->column_count;
    bool same = false;
    for (uint32_t i = 0; i < WIDENINGS_MAX && !same; i++) {
        FN_TRY(bind_step(b, owner, cte, q->right, &made));
        if (!cte->working_uses) return FN_OK; /* does not refer to itself */
        FN_TRY(widen(b, cte, columns, made, &same));
    }
    if (!same) return fn_fail(b->ctx, FN_NO_COMMON_TYPE, "The types of the recursive CTE " FN_STR_FMT " have no common type", FN_STR_ARG(cte->ast->name));
    *done = true;
    return build(b, cte, base, made, columns, out);
}

fn_status bind_recursive(binder *b, scope *owner, cte_entry *cte, plan **out, bool *done)
{
    const ast_query *q = cte->ast->query;
    *done = false;
    if (q->op != SET_UNION_ALL && !(q->op == SET_UNION && fn_str_eq_nocase(settings_of(b->ctx)->union_default_mode, FN_STR("ALL")))) return FN_OK;
    if (q->order_by.count || q->order_by.all || q->limit || q->offset) return FN_OK;
    cte->binding = true;
    const fn_status status = bind_parts(b, owner, cte, q, out, done);
    cte->binding = false;
    cte->working = NULL;
    return status;
}
