/* rule_or_in.c - x = 1 OR x = 2 OR x = 3 is x IN (1, 2, 3): one probe instead of many comparisons, and a set that scans can prune with.
 * From three on, with constants of the column's own type or integers; other branches of the OR stay.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/convert.h"
#include "plan/rule.h"

enum { EQUALITIES_MIN = 3 };

static bool is_pair(const expr *e, const expr **column, const expr **constant)
{
    if (!plan_is_call(e, "equals") || e->arg_count != 2) return false;
    const uint32_t at = e->args[0]->kind == EXPR_CONST;
    *column = e->args[at];
    *constant = e->args[1 - at];
    if ((*constant)->kind != EXPR_CONST || (*column)->kind == EXPR_CONST || fn_column_is_null((*constant)->constant, 0)) return false;
    const fn_type *x = fn_type_base((*column)->type), *y = fn_type_base((*constant)->type);
    return (x == y && (fn_type_is_string(x) || fn_type_is_integer(x) || x->id == FN_T_DATE)) || (fn_type_is_integer(x) && fn_type_is_integer(y));
}

static void free_set(void *what)
{
    expr_set_free(what);
}

/* Adds a constant in the set's type; one that is no value of it equals nothing. */
static fn_status add_value(fn_ctx *ctx, expr_set *set, const fn_type *type, const fn_column *value)
{
    fn_column *c;
    FN_TRY(expr_convert(ctx, value, fn_type_nullable(type), CONVERT_OR_NULL, &c));
    const fn_status status = fn_column_is_null(c, 0) ? FN_OK : expr_set_add(ctx, set, &c, 1);
    fn_column_drop(c);
    return status;
}

static fn_status in_call(fn_ctx *ctx, const expr *column, const expr *or, uint32_t from, bool *taken, expr **out)
{
    const fn_type *type = fn_type_base(column->type);
    expr_cell *cell = FN_NEW(ctx, expr_cell);
    expr *set = FN_NEW(ctx, expr);
    if (!cell || !set) return ctx->error.code;
    *cell = (expr_cell){.type = fn_type_simple(FN_T_SET), .is_set = true};
    *set = (expr){.kind = EXPR_CELL, .type = cell->type, .cell = cell};
    FN_TRY(expr_set_new(ctx, &type, 1, &cell->set));
    FN_TRY(fn_arena_defer(ctx, ctx->arena, free_set, cell->set));
    for (uint32_t i = from; i < or->arg_count; i++) {
        const expr *c, *v;
        if (taken[i] || !is_pair(or->args[i], &c, &v) || !expr_equal(c, column)) continue;
        taken[i] = true;
        FN_TRY(add_value(ctx, cell->set, type, v->constant));
    }
    FN_TRY(expr_set_seal(ctx, cell->set));
    expr *args[2] = {(expr *)(uintptr_t)column, set};
    return expr_call(ctx, "in", args, 2, out);
}

static uint32_t count_pairs(const expr *or, const expr *column)
{
    uint32_t n = 0;
    const expr *c, *v;
    for (uint32_t i = 0; i < or->arg_count; i++) n += is_pair(or->args[i], &c, &v) && expr_equal(c, column);
    return n;
}

static fn_status change(void *self, fn_ctx *ctx, expr *e, expr **out)
{
    (void)self;
    if (!plan_is_call(e, "or") || e->arg_count < EQUALITIES_MIN || !expr_is_deterministic(e)) return FN_OK;
    bool *taken = FN_NEW_ARRAY(ctx, bool, e->arg_count + 1), any = false;
    expr **rest = FN_NEW_ARRAY(ctx, expr *, e->arg_count + 1);
    if (!taken || !rest) return ctx->error.code;
    uint32_t n = 0, checked = 0;
    for (uint32_t i = 0; i < e->arg_count; i++) {
        const expr *c, *v;
        if (taken[i]) continue;
        rest[n] = e->args[i];
        if (checked < 8 && is_pair(e->args[i], &c, &v)) { /* few different columns: looking stays linear */
            checked++;
            if (count_pairs(e, c) >= EQUALITIES_MIN) {
                FN_TRY(in_call(ctx, c, e, i, taken, &rest[n]));
                any = true;
            }
        }
        n++;
    }
    if (!any) return FN_OK;
    *out = rest[0];
    if (n > 1) FN_TRY(expr_call(ctx, "or", rest, n, out));
    return (*out)->type == e->type ? FN_OK : expr_cast(ctx, *out, e->type, out);
}

static fn_status rewrite(void *self, fn_ctx *ctx, expr **e)
{
    return plan_rewrite(ctx, *e, change, self, e);
}

fn_status rule_or_in(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(rule_or_in(ctx, q, &n->inputs[i]));
    return n->kind == PLAN_FILTER || n->kind == PLAN_JOIN ? plan_each_expr(ctx, n, rewrite, NULL) : FN_OK;
}
