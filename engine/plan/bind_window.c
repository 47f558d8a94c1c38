/* bind_window.c - window functions: named windows, frames, one group of functions per window definition.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

/* The definition with what it inherits from the windows it names. */
static fn_status inherit(binder *b, const scope *s, const ast_window *w, uint32_t depth, ast_window *out)
{
    *out = *w;
    if (!w->parent.size) return FN_OK;
    const ast_window *parent = NULL;
    for (const scope *i = s; i && !parent; i = NULL)
        for (uint32_t k = 0; i->select && k < i->select->window_count; k++)
            if (fn_str_eq(i->select->windows[k].name, w->parent)) parent = &i->select->windows[k];
    if (!parent || depth > 64) return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "Window '" FN_STR_FMT "' does not exist", FN_STR_ARG(w->parent));
    ast_window base;
    FN_TRY(inherit(b, s, parent, depth + 1, &base));
    if (w->partition_by.count) return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "Derived window definition '" FN_STR_FMT "' cannot override PARTITION BY", FN_STR_ARG(w->name));
    if (w->order_by.count && base.order_by.count)
        return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "Derived window definition '" FN_STR_FMT "' cannot override a non-empty ORDER BY", FN_STR_ARG(w->name));
    out->partition_by = base.partition_by;
    if (!w->order_by.count) out->order_by = base.order_by;
    if (!w->frame.present) out->frame = base.frame;
    return FN_OK;
}

static fn_status bind_definition(binder *b, scope *s, const ast_window *w, bound_window *out)
{
    bound_order order;
    out->partition_by = FN_NEW_ARRAY(b->ctx, expr *, w->partition_by.count + 1);
    FN_TRY_PTR(b->ctx, out->partition_by);
    out->partition_count = w->partition_by.count;
    for (uint32_t i = 0; i < w->partition_by.count; i++) FN_TRY(bind_expr(b, s, w->partition_by.items[i], &out->partition_by[i]));
    FN_TRY(bind_order(b, s, &w->order_by, NULL, 0, false, &order));
    if (order.has_fill) return fn_fail(b->ctx, FN_INVALID_WITH_FILL_EXPRESSION, "WITH FILL is not allowed in a window definition");
    out->order_by = order.keys;
    out->order_count = order.count;
    return FN_OK;
}

static bool same_definition(const bound_window *x, const bound_window *y)
{
    if (x->partition_count != y->partition_count || x->order_count != y->order_count) return false;
    for (uint32_t i = 0; i < x->partition_count; i++)
        if (!expr_equal(x->partition_by[i], y->partition_by[i])) return false;
    for (uint32_t i = 0; i < x->order_count; i++) {
        const plan_sort_key *a = &x->order_by[i], *c = &y->order_by[i];
        if (a->descending != c->descending || a->nulls_first != c->nulls_first || !fn_str_eq(a->collate, c->collate) || !expr_equal(a->value, c->value)) return false;
    }
    return true;
}

static fn_status window_of(binder *b, scope *s, const bound_window *w, bound_window **out)
{
    for (uint32_t i = 0; i < s->window_count; i++)
        if (same_definition(&s->windows[i], w)) {
            *out = &s->windows[i];
            return FN_OK;
        }
    *out = plan_grow(b->ctx, &s->windows, &s->window_count, sizeof **out);
    FN_TRY_PTR(b->ctx, *out);
    **out = *w;
    return FN_OK;
}

/* ---- frames ---- */

static fn_status bind_offset(binder *b, scope *s, const ast_expr *e, const char *which, expr **out)
{
    *out = NULL;
    if (!e) return FN_OK;
    FN_TRY(bind_expr(b, s, e, out));
    if ((*out)->kind != EXPR_CONST || !fn_type_is_number((*out)->type))
        return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "Window frame %s offset must be a constant number", which);
    const bool negative = fn_type_is_integer((*out)->type) && !fn_type_is_unsigned((*out)->type) && fn_column_i64_at((*out)->constant, 0) < 0;
    if (negative) return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "Window frame %s offset must be greater than zero", which);
    return FN_OK;
}

static bool ranks_partition(fn_str name)
{
    static const char *const names[] = {"row_number", "rank", "dense_rank", "denseRank", "percent_rank", "percentRank", "cume_dist", "ntile", "lag", "lead"};
    for (size_t i = 0; i < FN_COUNT(names); i++)
        if (fn_str_eq_nocase(name, fn_cstr(names[i]))) return true;
    return false;
}

static fn_status bind_frame(binder *b, scope *s, const ast_window *w, const ast_expr *e, plan_window_item *item)
{
    const ast_window_frame *f = &w->frame;
    item->start = FRAME_UNBOUNDED_PRECEDING;
    item->end = w->order_by.count ? FRAME_CURRENT : FRAME_UNBOUNDED_FOLLOWING;
    if (!f->present && !ranks_partition(e->text)) return FN_OK;
    if (!f->present) {
        item->rows = true;
        item->end = FRAME_UNBOUNDED_FOLLOWING;
        return FN_OK;
    }
    item->rows = f->rows;
    item->groups = f->groups;
    item->start = (plan_frame_bound)f->start_kind;
    item->end = (plan_frame_bound)f->end_kind;
    FN_TRY(bind_offset(b, s, f->start, "start", &item->start_offset));
    FN_TRY(bind_offset(b, s, f->end, "end", &item->end_offset));
    const bool offsets = item->start_offset || item->end_offset;
    if (!f->rows && !f->groups && offsets && w->order_by.count != 1)
        return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "The RANGE OFFSET frame requires exactly one column in ORDER BY, %u given", w->order_by.count);
    if (item->start > item->end) return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "Window frame start must not be behind its end");
    return FN_OK;
}

static bool same_item(const plan_window_item *x, const plan_window_item *y)
{
    if (!fn_str_eq(x->call->name, y->call->name) || x->arg_count != y->arg_count || x->call->param_count || y->call->param_count || x->rows != y->rows ||
        x->groups != y->groups || x->start != y->start || x->end != y->end || x->ignore_nulls != y->ignore_nulls || x->start_offset || y->start_offset ||
        x->end_offset || y->end_offset)
        return false;
    for (uint32_t i = 0; i < x->arg_count; i++)
        if (!expr_equal(x->args[i], y->args[i])) return false;
    return true;
}

static fn_status add_item(binder *b, scope *s, bound_window *w, plan_window_item *item, expr **out)
{
    for (uint32_t i = 0; i < w->item_count; i++)
        if (same_item(&w->items[i], item)) {
            *out = expr_column(b->ctx, w->items[i].id, item->call->type);
            FN_TRY_PTR(b->ctx, *out);
            return FN_OK;
        }
    FN_TRY(bind_late_id(b, s, &item->id));
    plan_window_item *slot = plan_grow(b->ctx, &w->items, &w->item_count, sizeof *slot);
    FN_TRY_PTR(b->ctx, slot);
    *slot = *item;
    *out = expr_column(b->ctx, item->id, item->call->type);
    FN_TRY_PTR(b->ctx, *out);
    return FN_OK;
}

fn_status bind_window_function(binder *b, scope *s, const ast_expr *e, expr **out)
{
    if (s->in_window || s->no_aggregates || s->in_aggregate || s->lambda_depth)
        return fn_fail(b->ctx, FN_ILLEGAL_AGGREGATION, "Window function " FN_STR_FMT " is found %s%s in query", FN_STR_ARG(e->text),
                       s->in_window ? "inside window definition or another window function" : s->in_aggregate ? "inside an aggregate function" : "in ",
                       s->in_window || s->in_aggregate ? "" : s->no_aggregates ? s->no_aggregates : "a lambda");
    ast_window definition;
    bound_window window = {0}, *w;
    plan_window_item item = {.ignore_nulls = e->nulls_ignore};
    bool distinct;
    FN_TRY(inherit(b, s, e->over, 0, &definition));
    s->in_window = true;
    fn_status status = bind_definition(b, s, &definition, &window);
    if (status == FN_OK) status = bind_aggregate_call(b, s, e, &item.args, &item.arg_count, &item.call, &distinct);
    if (status == FN_OK) status = bind_frame(b, s, &definition, e, &item);
    s->in_window = false;
    FN_TRY(status);
    if (distinct) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "DISTINCT in the window function " FN_STR_FMT " is not supported", FN_STR_ARG(e->text));
    FN_TRY(window_of(b, s, &window, &w));
    return add_item(b, s, w, &item, out);
}
