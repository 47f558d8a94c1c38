/* bind_order.c - ORDER BY, WITH FILL, positions, LIMIT and OFFSET (numbers, fractions, negative ones, parameters, WITH TIES).
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

bool bind_setting(binder *b, const char *name)
{
    fn_str value = {0};
    if (settings_get(b->ctx, settings_of(b->ctx), fn_cstr(name), &value) != FN_OK) {
        fn_error_clear(b->ctx);
        return false;
    }
    return value.size && value.data[0] != '0' && value.data[0] != 'f';
}

fn_status bind_position(binder *b, const ast_expr *e, const select_item *items, uint32_t count, const char *clause, const select_item **out)
{
    *out = NULL;
    if (!items || e->kind != AST_LITERAL || e->alias.size) return FN_OK;
    if (e->literal_kind != LITERAL_UINT && e->literal_kind != LITERAL_INT) return FN_OK;
    if (!bind_setting(b, "enable_positional_arguments")) return FN_OK;
    const int64_t given = (int64_t)e->u64;
    const int64_t position = given < 0 ? given + (int64_t)count + 1 : given;
    if (position < 1 || position > (int64_t)count)
        return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "Positional argument out of bounds: %lld (expected in range [1, %u]) in %s", (long long)given, count, clause);
    *out = &items[position - 1];
    return FN_OK;
}

/* ---- ORDER BY ---- */

static fn_status bind_fill_bound(binder *b, scope *s, const ast_expr *e, const char *what, expr **out)
{
    *out = NULL;
    if (!e) return FN_OK;
    FN_TRY(bind_expr(b, s, e, out));
    if ((*out)->kind != EXPR_CONST) return fn_fail(b->ctx, FN_INVALID_WITH_FILL_EXPRESSION, "%s expression must be a constant", what);
    return FN_OK;
}

static fn_status bind_fill(binder *b, scope *s, const ast_order_item *item, plan_fill *f)
{
    f->step_unit = -1;
    if (!item->fill) return FN_OK;
    f->present = true;
    FN_TRY(bind_fill_bound(b, s, item->fill_from, "FILL FROM", &f->from));
    FN_TRY(bind_fill_bound(b, s, item->fill_to, "FILL TO", &f->to));
    FN_TRY(bind_fill_bound(b, s, item->fill_step, "FILL STEP", &f->step));
    FN_TRY(bind_fill_bound(b, s, item->fill_staleness, "FILL STALENESS", &f->staleness));
    if (f->step && f->step->type->id == FN_T_INTERVAL) {
        f->step_interval = fn_column_i64_at(f->step->constant, 0);
        f->step_unit = f->step->type->interval;
        f->step = NULL;
    }
    if (f->step && fn_type_is_number(f->step->type) && f->step->type->id != FN_T_DECIMAL) {
        const double step = fn_column_f64_at(f->step->constant, 0);
        if (step == 0) return fn_fail(b->ctx, FN_INVALID_WITH_FILL_EXPRESSION, "STEP value cannot be zero");
        if (step < 0 && !item->descending) return fn_fail(b->ctx, FN_INVALID_WITH_FILL_EXPRESSION, "STEP value cannot be negative for sorting in ascending direction");
        if (step > 0 && item->descending) return fn_fail(b->ctx, FN_INVALID_WITH_FILL_EXPRESSION, "STEP value cannot be positive for sorting in descending direction");
    }
    return FN_OK;
}

static fn_status add_key(binder *b, scope *s, expr *value, const ast_order_item *item, bound_order *out)
{
    uint32_t n = out->count;
    plan_sort_key *key = plan_grow(b->ctx, &out->keys, &out->count, sizeof *key);
    FN_TRY_PTR(b->ctx, key);
    plan_fill *fill = plan_grow(b->ctx, &out->fills, &n, sizeof *fill);
    FN_TRY_PTR(b->ctx, fill);
    *key = (plan_sort_key){value, item->descending, item->nulls_set && item->nulls_first, item->collate};
    out->has_fill |= item->fill;
    return bind_fill(b, s, item, fill);
}

static fn_status bind_item(binder *b, scope *s, const ast_order_item *item, const ast_expr *e, const select_item *items, uint32_t item_count, bool positions, bound_order *out)
{
    if (e->kind == AST_FUNCTION && fn_str_eq(e->text, FN_STR("tuple")) && e->is_operator && !e->alias.size && !item->fill) {
        for (uint32_t i = 0; i < e->args.count; i++) FN_TRY(bind_item(b, s, item, e->args.items[i], items, item_count, false, out));
        return FN_OK;
    }
    const select_item *selected = NULL;
    if (positions) FN_TRY(bind_position(b, e, items, item_count, "ORDER BY", &selected));
    if (selected) return add_key(b, s, selected->value, item, out);
    if (e->kind == AST_ASTERISK) {
        select_item *all = NULL;
        uint32_t n = 0;
        FN_TRY(bind_star(b, s, e, &all, &n));
        for (uint32_t i = 0; i < n; i++) FN_TRY(add_key(b, s, all[i].value, item, out));
        return FN_OK;
    }
    expr *value;
    FN_TRY(bind_expr(b, s, e, &value));
    return add_key(b, s, value, item, out);
}

fn_status bind_order(binder *b, scope *s, const ast_order *o, const select_item *items, uint32_t item_count, bool positions, bound_order *out)
{
    *out = (bound_order){0};
    for (uint32_t i = 0; i < o->count; i++) FN_TRY(bind_item(b, s, &o->items[i], o->items[i].expr, items, item_count, positions, out));
    const ast_order_item all = {.descending = o->all_descending, .nulls_first = o->all_nulls_first, .nulls_set = o->all_nulls_first};
    for (uint32_t i = 0; o->all && i < item_count; i++) FN_TRY(add_key(b, s, items[i].value, &all, out));
    return FN_OK;
}

/* ---- LIMIT ---- */

static fn_status bad_limit(binder *b, const char *clause, const char *type)
{
    return fn_fail(b->ctx, FN_INVALID_LIMIT_EXPRESSION, "The value %s of %s expression is not representable as UInt64, Int64 or a fraction between 0 and 1", type, clause);
}

fn_status bind_limit_number(binder *b, scope *s, const ast_expr *e, const char *clause, uint64_t *number, double *fraction, bool *negative)
{
    fn_column *c;
    *number = 0;
    *fraction = 0;
    *negative = false;
    FN_TRY(bind_constant(b, s, e, clause, &c));
    const fn_type *t = fn_type_base(c->type);
    if (fn_column_is_null(c, 0)) {
        *number = clause[0] == 'L' ? UINT64_MAX : 0; /* LIMIT NULL: no limit */
        return FN_OK;
    }
    if (fn_type_is_float(t)) {
        const double v = fn_column_f64_at(c, 0);
        if (v > 0 && v < 1) *fraction = v;
        else if (v >= 0 && v < 9e18 && v == (double)(uint64_t)v) *number = (uint64_t)v;
        else return bad_limit(b, clause, t->name);
        return FN_OK;
    }
    if (!fn_type_is_integer(t) || t->width > 8) return bad_limit(b, clause, t->name);
    *number = fn_column_u64_at(c, 0);
    if (!fn_type_is_unsigned(t) && (int64_t)*number < 0) {
        *negative = true;
        *number = 0 - *number;
    }
    return FN_OK;
}

fn_status bind_limit(binder *b, scope *s, const ast_expr *limit, const ast_expr *offset, bool with_ties, const plan_sort_key *ties, uint32_t tie_count, plan **p)
{
    if (!limit && !offset) return FN_OK;
    plan *n = plan_over(b->ctx, PLAN_LIMIT, *p);
    FN_TRY_PTR(b->ctx, n);
    n->limit.limit = UINT64_MAX;
    if (limit) FN_TRY(bind_limit_number(b, s, limit, "LIMIT", &n->limit.limit, &n->limit.limit_fraction, &n->limit.negative_limit));
    if (offset) FN_TRY(bind_limit_number(b, s, offset, "OFFSET", &n->limit.offset, &n->limit.offset_fraction, &n->limit.negative_offset));
    if (with_ties && n->limit.negative_limit) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "Negative LIMIT WITH TIES is not supported");
    if (with_ties) {
        n->limit.with_ties = true;
        n->limit.ties = FN_NEW_ARRAY(b->ctx, plan_sort_key, tie_count + 1);
        FN_TRY_PTR(b->ctx, n->limit.ties);
        if (tie_count) memcpy(n->limit.ties, ties, tie_count * sizeof *ties);
        n->limit.tie_count = tie_count;
    }
    *p = n;
    return FN_OK;
}
