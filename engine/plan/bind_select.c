/* bind_select.c - one SELECT: binds its clauses, then puts the nodes on one another in the order of execution:
 *   FROM, PREWHERE/WHERE, aggregation, HAVING, windows, QUALIFY, the list, DISTINCT, ORDER BY, WITH FILL, LIMIT BY, LIMIT.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

/* The clauses of a SELECT, bound. */
typedef struct bound_select {
    expr *where, *having, *qualify;
    select_item *items;
    uint32_t item_count;
    bound_order order;
    expr **limit_by, **distinct_on;
    uint32_t limit_by_count, distinct_on_count;
    plan_item *interpolate;
    uint32_t interpolate_count;
} bound_select;

/* ---- binding clauses ---- */

static fn_status fail_prewhere(binder *b, const char *engine, fn_str database, fn_str name)
{
    return fn_fail(b->ctx, FN_ILLEGAL_PREWHERE, "Storage %s (table " FN_STR_FMT "." FN_STR_FMT ") does not support PREWHERE", engine, FN_STR_ARG(database), FN_STR_ARG(name));
}

static bool in_sort_key(const table *t, uint32_t index)
{
    for (uint32_t i = 0; i < t->sort_key_count; i++)
        if (t->sort_key[i] == index) return true;
    return false;
}

static bool is_of_scope(const scope *s, column_id id)
{
    for (uint32_t i = 0; i < s->source_count; i++)
        for (uint32_t c = 0; c < s->sources[i].count; c++)
            if (s->sources[i].columns[c].id == id) return true;
    return false;
}

typedef struct prewhere_place {
    plan *scan;     /* the last one of the SELECT's that has columns of the condition */
    uint32_t scans; /* how many have some */
    uint32_t others; /* columns of the condition that are of something else */
    bool key;       /* all of them are in the scan's sorting key */
} prewhere_place;

static prewhere_place find_place(const binder *b, const scope *s, const plan_ids *ids)
{
    prewhere_place at = {.key = true};
    for (uint32_t i = 0; i < ids->words; i++) at.others += (uint32_t)__builtin_popcountll(ids->bits[i]);
    for (uint32_t i = 0; i < b->query->scan_count; i++) {
        plan *p = b->query->scans[i];
        uint32_t own = 0;
        for (uint32_t c = 0; c < p->column_count; c++) {
            if (!plan_ids_has(ids, p->columns[c].id) || !is_of_scope(s, p->columns[c].id)) continue;
            own++;
            at.key = at.key && in_sort_key(p->scan.table, p->scan.indexes[c]);
        }
        if (!own) continue;
        at.scan = p;
        at.scans++;
        at.others -= own;
    }
    return at;
}

static fn_status add_conjunct(binder *b, expr ***list, uint32_t *count, expr *e)
{
    expr **slot = plan_grow(b->ctx, list, count, sizeof *slot);
    FN_TRY_PTR(b->ctx, slot);
    *slot = e;
    return FN_OK;
}

static bool is_merge_tree(const char *engine)
{
    return engine && fn_str_ends(fn_cstr(engine), FN_STR("MergeTree"));
}

/* Without FINAL it is the same as WHERE. */
static fn_status prewhere_of_facade(binder *b, const scope *s)
{
    const ast_from *f = s->select->from;
    while (f->kind == FROM_ARRAY_JOIN) f = f->left;
    if ((!f->final && !settings_of(b->ctx)->final) || settings_of(b->ctx)->apply_prewhere_after_final) return FN_OK;
    return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "PREWHERE together with FINAL of a Merge or Buffer table is not supported");
}

/* PREWHERE filters the rows of one table: before FINAL looks at them, and before they are joined. Where neither makes a difference it is
 * part of WHERE: *prewhere stays. */
static fn_status place_prewhere(binder *b, const scope *s, expr **prewhere)
{
    plan_ids ids = {0};
    FN_TRY(plan_ids_of(b->ctx, &ids, *prewhere));
    const prewhere_place at = find_place(b, s, &ids);
    const source *first = s->source_count ? &s->sources[0] : NULL;
    const char *engine = at.scan ? at.scan->scan.table->ops->engine : first ? first->engine : NULL;
    if (at.scans > 1 || (at.others && s->source_count > 1))
        return fn_fail(b->ctx, FN_ILLEGAL_PREWHERE, "Invalid column in PREWHERE. Expected column source to be one table or table function");
    if (first && first->is_facade && !at.scan && s->source_count == 1) return prewhere_of_facade(b, s);
    if (!is_merge_tree(engine)) return fail_prewhere(b, engine ? engine : "of the query", first ? first->database : FN_STR(""), first ? first->table : FN_STR(""));
    if (!at.scan) return FN_OK;
    plan *p = at.scan;
    const bool early = p->scan.final && !at.key && strcmp(engine, "MergeTree") != 0 && !settings_of(b->ctx)->apply_prewhere_after_final;
    if (early && at.others) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "PREWHERE over columns of a table with FINAL and other columns together is not supported");
    if ((!early && s->source_count == 1) || at.others) return FN_OK;
    FN_TRY(early ? add_conjunct(b, &p->scan.prewhere, &p->scan.prewhere_count, *prewhere) : add_conjunct(b, &p->scan.conjuncts, &p->scan.conjunct_count, *prewhere));
    *prewhere = NULL;
    return FN_OK;
}

static fn_status bind_where(binder *b, scope *s, bound_select *q)
{
    expr *prewhere = NULL;
    s->no_aggregates = "WHERE";
    fn_status status = FN_OK;
    const uint32_t joins = s->array_join_count;
    if (s->select->prewhere) status = bind_condition(b, s, s->select->prewhere, "PREWHERE", &prewhere);
    if (status == FN_OK && s->array_join_count > joins)
        status = fn_fail(b->ctx, FN_ILLEGAL_PREWHERE, "ARRAY JOIN function is found in PREWHERE in query.");
    if (status == FN_OK && s->select->where) status = bind_condition(b, s, s->select->where, "WHERE", &q->where);
    s->no_aggregates = NULL;
    FN_TRY(status);
    if (prewhere) FN_TRY(place_prewhere(b, s, &prewhere));
    return prewhere || q->where ? expr_and(b->ctx, prewhere, q->where, &q->where) : FN_OK;
}

static fn_status bind_list(binder *b, scope *s, const ast_list *list, const bound_select *q, const char *clause, expr ***out, uint32_t *count)
{
    *out = FN_NEW_ARRAY(b->ctx, expr *, list->count + 1);
    FN_TRY_PTR(b->ctx, *out);
    *count = list->count;
    for (uint32_t i = 0; i < list->count; i++) {
        const select_item *item;
        FN_TRY(bind_position(b, list->items[i], q->items, q->item_count, clause, &item));
        if (item) (*out)[i] = item->value;
        else FN_TRY(bind_expr(b, s, list->items[i], &(*out)[i]));
    }
    return FN_OK;
}

static fn_status bind_clauses(binder *b, scope *s, bound_select *q)
{
    const ast_select *ast = s->select;
    FN_TRY(bind_where(b, s, q));
    FN_TRY(bind_select_list(b, s, &ast->columns, &q->items, &q->item_count));
    if (!q->item_count) return fn_fail(b->ctx, FN_EMPTY_LIST_OF_COLUMNS_QUERIED, "Empty list of columns in projection. In scope SELECT");
    FN_TRY(bind_group_by(b, s, q->items, q->item_count));
    if (ast->having) FN_TRY(bind_condition(b, s, ast->having, "HAVING", &q->having));
    if (ast->qualify) FN_TRY(bind_condition(b, s, ast->qualify, "QUALIFY", &q->qualify));
    FN_TRY(bind_order(b, s, &ast->order_by, q->items, q->item_count, true, &q->order));
    FN_TRY(bind_list(b, s, &ast->limit_by, q, "LIMIT BY", &q->limit_by, &q->limit_by_count));
    FN_TRY(bind_list(b, s, &ast->distinct_on, q, "DISTINCT ON", &q->distinct_on, &q->distinct_on_count));
    if (q->distinct_on_count && ast->limit_by_limit) return fn_fail(b->ctx, FN_SYNTAX_ERROR, "DISTINCT ON and LIMIT BY are not supported together");
    return FN_OK;
}

/* ---- over the keys ---- */

static fn_status over(binder *b, scope *s, expr **e)
{
    return *e ? bind_over_keys(b, s, *e, e) : FN_OK;
}

static fn_status over_list(binder *b, scope *s, expr **list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) FN_TRY(over(b, s, &list[i]));
    return FN_OK;
}

static fn_status over_keys_windows(binder *b, scope *s)
{
    for (uint32_t i = 0; i < s->window_count; i++) {
        bound_window *w = &s->windows[i];
        FN_TRY(over_list(b, s, w->partition_by, w->partition_count));
        for (uint32_t k = 0; k < w->order_count; k++) FN_TRY(over(b, s, &w->order_by[k].value));
        for (uint32_t k = 0; k < w->item_count; k++) FN_TRY(over_list(b, s, w->items[k].args, w->items[k].arg_count));
    }
    for (uint32_t i = 0; i < s->array_join_count; i++)
        if (!s->array_joins[i].done) FN_TRY(over(b, s, &s->array_joins[i].array));
    for (uint32_t i = 0; i < s->pending_count; i++) {
        plan *j = s->pending[i].join;
        if (s->pending[i].done) continue;
        FN_TRY(over_list(b, s, j->join.left_keys, j->join.key_count));
        FN_TRY(over(b, s, &j->join.residual));
    }
    return FN_OK;
}

static fn_status over_keys_all(binder *b, scope *s, bound_select *q)
{
    for (uint32_t i = 0; i < q->item_count; i++) FN_TRY(over(b, s, &q->items[i].value));
    FN_TRY(over(b, s, &q->having));
    FN_TRY(over(b, s, &q->qualify));
    for (uint32_t i = 0; i < q->order.count; i++) FN_TRY(over(b, s, &q->order.keys[i].value));
    FN_TRY(over_list(b, s, q->limit_by, q->limit_by_count));
    FN_TRY(over_list(b, s, q->distinct_on, q->distinct_on_count));
    return over_keys_windows(b, s);
}

/* ---- stages ---- */

static fn_status aggregate_stage(binder *b, scope *s, plan **p)
{
    expr **used = NULL;
    uint32_t used_count = 0;
    for (uint32_t i = 0; i < s->key_count; i++) {
        expr **slot = plan_grow(b->ctx, &used, &used_count, sizeof *slot);
        FN_TRY_PTR(b->ctx, slot);
        *slot = s->keys[i].value;
    }
    for (uint32_t i = 0; i < s->aggregate_count; i++)
        for (uint32_t k = 0; k < s->aggregates[i].arg_count; k++) {
            expr **slot = plan_grow(b->ctx, &used, &used_count, sizeof *slot);
            FN_TRY_PTR(b->ctx, slot);
            *slot = s->aggregates[i].args[k];
        }
    FN_TRY(bind_flush(b, s, used, used_count, p));
    plan *n = plan_new(b->ctx, PLAN_AGGREGATE, 1);
    FN_TRY_PTR(b->ctx, n);
    n->inputs[0] = *p;
    const uint32_t count = s->key_count + s->aggregate_count + (s->grouping_set_count != 0);
    n->columns = FN_NEW_ARRAY(b->ctx, plan_column, count + 1);
    FN_TRY_PTR(b->ctx, n->columns);
    n->aggregate.keys = FN_NEW_ARRAY(b->ctx, plan_item, s->key_count + 1);
    FN_TRY_PTR(b->ctx, n->aggregate.keys);
    for (uint32_t i = 0; i < s->key_count; i++) { /* s->keys stay as written: expressions are compared with them */
        const fn_type *t = bind_key_type(b, s, &s->keys[i]);
        n->aggregate.keys[i].id = s->keys[i].id;
        FN_TRY(expr_cast(b->ctx, s->keys[i].value, t, &n->aggregate.keys[i].value));
        n->columns[n->column_count++] = (plan_column){s->keys[i].id, t, FN_STR("key")};
    }
    for (uint32_t i = 0; i < s->aggregate_count; i++)
        n->columns[n->column_count++] = (plan_column){s->aggregates[i].id, s->aggregates[i].call->type, s->aggregates[i].call->name};
    n->aggregate.grouping_id = s->grouping_id ? s->grouping_id - 1 : b->next_id++;
    if (s->grouping_set_count) n->columns[n->column_count++] = (plan_column){n->aggregate.grouping_id, fn_type_simple(FN_T_UINT64), FN_STR("grouping")};
    n->aggregate.key_count = s->key_count;
    n->aggregate.items = s->aggregates;
    n->aggregate.item_count = s->aggregate_count;
    n->aggregate.grouping_sets = s->grouping_sets;
    n->aggregate.grouping_set_count = s->grouping_set_count;
    n->aggregate.sets_as_written = s->select->grouping_set_count > 0;
    n->aggregate.totals = s->select->totals;
    b->query->has_totals |= s->select->totals;
    *p = n;
    return FN_OK;
}

/* empty_result_for_aggregation_by_empty_set: one more aggregate counts the rows; no rows, no result. */
static fn_status aggregate_unless_empty(binder *b, scope *s, plan **p)
{
    plan_aggregate_item counter = {0};
    agg_call *call;
    expr *args[2], *condition;
    FN_TRY(agg_bind(b->ctx, FN_STR("count"), NULL, 0, NULL, 0, &call));
    FN_TRY(bind_late_id(b, s, &counter.id));
    counter.call = call;
    plan_aggregate_item *slot = plan_grow(b->ctx, &s->aggregates, &s->aggregate_count, sizeof *slot);
    FN_TRY_PTR(b->ctx, slot);
    *slot = counter;
    FN_TRY(aggregate_stage(b, s, p));
    args[0] = expr_column(b->ctx, counter.id, call->type);
    args[1] = expr_const_u64(b->ctx, 0);
    if (!args[0] || !args[1]) return b->ctx->error.code;
    FN_TRY(expr_call(b->ctx, "greater", args, 2, &condition));
    return plan_filter_over(b->ctx, *p, condition, p);
}

static fn_status window_stage(binder *b, scope *s, plan **p)
{
    for (uint32_t i = 0; i < s->window_count; i++) {
        const bound_window *w = &s->windows[i];
        plan *n = plan_new(b->ctx, PLAN_WINDOW, 1);
        FN_TRY_PTR(b->ctx, n);
        const uint32_t before = (*p)->column_count;
        n->columns = FN_NEW_ARRAY(b->ctx, plan_column, before + w->item_count + 1);
        FN_TRY_PTR(b->ctx, n->columns);
        memcpy(n->columns, (*p)->columns, before * sizeof *n->columns);
        for (uint32_t k = 0; k < w->item_count; k++) n->columns[before + k] = (plan_column){w->items[k].id, w->items[k].call->type, w->items[k].call->name};
        n->column_count = before + w->item_count;
        n->inputs[0] = *p;
        n->window.partition_by = w->partition_by;
        n->window.partition_count = w->partition_count;
        n->window.order_by = w->order_by;
        n->window.order_count = w->order_count;
        n->window.items = w->items;
        n->window.item_count = w->item_count;
        *p = n;
    }
    return FN_OK;
}

/* The list, and behind it what later clauses need besides; their expressions become columns of it. */
typedef struct list_stage {
    plan_item *items;
    fn_str *names;
    uint32_t count, name_count;
} list_stage;

static fn_status listed(binder *b, list_stage *l, const bound_select *q, expr **e)
{
    if ((*e)->kind == EXPR_CONST) return FN_OK;
    uint32_t at = 0;
    while (at < l->count && !expr_equal(l->items[at].value, *e)) at++;
    if (at == l->count) {
        plan_item *item = plan_grow(b->ctx, &l->items, &l->count, sizeof *item);
        fn_str *name = plan_grow(b->ctx, &l->names, &l->name_count, sizeof *name);
        if (!item || !name) return b->ctx->error.code;
        *item = (plan_item){b->next_id++, *e};
        *name = FN_STR("extra");
    }
    (void)q;
    *e = expr_column(b->ctx, l->items[at].id, (*e)->type);
    FN_TRY_PTR(b->ctx, *e);
    return FN_OK;
}

static fn_status list_stage_of(binder *b, scope *s, bound_select *q, plan **p, list_stage *l)
{
    for (uint32_t i = 0; i < q->item_count; i++) {
        plan_item *item = plan_grow(b->ctx, &l->items, &l->count, sizeof *item);
        fn_str *name = plan_grow(b->ctx, &l->names, &l->name_count, sizeof *name);
        if (!item || !name) return b->ctx->error.code;
        *item = (plan_item){b->next_id++, q->items[i].value};
        *name = q->items[i].name;
    }
    for (uint32_t i = 0; i < q->order.count; i++) FN_TRY(listed(b, l, q, &q->order.keys[i].value));
    for (uint32_t i = 0; i < q->limit_by_count; i++) FN_TRY(listed(b, l, q, &q->limit_by[i]));
    for (uint32_t i = 0; i < q->distinct_on_count; i++) FN_TRY(listed(b, l, q, &q->distinct_on[i]));
    expr **used = FN_NEW_ARRAY(b->ctx, expr *, l->count + 1);
    FN_TRY_PTR(b->ctx, used);
    for (uint32_t i = 0; i < l->count; i++) used[i] = l->items[i].value;
    FN_TRY(bind_flush(b, s, used, l->count, p));
    return plan_project_over(b->ctx, *p, l->items, l->names, l->count, p);
}

static fn_status output_columns(binder *b, const plan *p, uint32_t count, expr ***out)
{
    *out = FN_NEW_ARRAY(b->ctx, expr *, count + 1);
    FN_TRY_PTR(b->ctx, *out);
    for (uint32_t i = 0; i < count; i++) {
        (*out)[i] = expr_column(b->ctx, p->columns[i].id, p->columns[i].type);
        FN_TRY_PTR(b->ctx, (*out)[i]);
    }
    return FN_OK;
}

static fn_status distinct_stage(binder *b, const bound_select *q, bool extras, plan **p)
{
    plan *n = plan_over(b->ctx, PLAN_DISTINCT, *p);
    FN_TRY_PTR(b->ctx, n);
    if (extras) {
        n->distinct.key_count = q->item_count;
        FN_TRY(output_columns(b, *p, q->item_count, &n->distinct.keys));
    }
    *p = n;
    return FN_OK;
}

static fn_status limit_by_node(binder *b, expr **keys, uint32_t count, uint64_t limit, uint64_t offset, plan **p)
{
    plan *n = plan_over(b->ctx, PLAN_LIMIT_BY, *p);
    FN_TRY_PTR(b->ctx, n);
    n->limit_by.keys = keys;
    n->limit_by.key_count = count;
    n->limit_by.limit = limit;
    n->limit_by.offset = offset;
    *p = n;
    return FN_OK;
}

static fn_status limit_by_stage(binder *b, scope *s, bound_select *q, plan **p)
{
    const ast_select *ast = s->select;
    uint64_t limit = 1, offset = 0;
    double fraction;
    bool negative;
    if (!ast->limit_by_limit && !q->distinct_on_count) return FN_OK;
    if (q->distinct_on_count) return limit_by_node(b, q->distinct_on, q->distinct_on_count, 1, 0, p);
    FN_TRY(bind_limit_number(b, s, ast->limit_by_limit, "LIMIT", &limit, &fraction, &negative));
    if (negative || fraction > 0) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "Negative and fractional LIMIT BY is not supported");
    if (ast->limit_by_offset) FN_TRY(bind_limit_number(b, s, ast->limit_by_offset, "OFFSET", &offset, &fraction, &negative));
    if (negative || fraction > 0) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "Negative and fractional OFFSET of LIMIT BY is not supported");
    if (ast->limit_by_all) FN_TRY(output_columns(b, *p, q->item_count, &q->limit_by));
    return limit_by_node(b, q->limit_by, ast->limit_by_all ? q->item_count : q->limit_by_count, limit, offset, p);
}

/* ---- WITH FILL ---- */

/* A column of INTERPOLATE: the list's column of that name; its expression is over the list's columns. */
static fn_status bind_interpolate(binder *b, const plan *p, const ast_expr *e, plan_item *out)
{
    scope own = {0};
    source list = {.columns = FN_NEW_ARRAY(b->ctx, source_column, p->column_count + 1), .count = p->column_count};
    FN_TRY_PTR(b->ctx, list.columns);
    for (uint32_t i = 0; i < p->column_count; i++)
        list.columns[i] = (source_column){.name = p->columns[i].name, .id = p->columns[i].id, .type = p->columns[i].type};
    own.sources = &list;
    own.source_count = 1;
    for (uint32_t i = 0; i < p->column_count; i++) {
        if (!fn_str_eq(p->columns[i].name, e->alias)) continue;
        out->id = p->columns[i].id;
        FN_TRY(bind_expr(b, &own, e, &out->value));
        return expr_cast(b->ctx, out->value, p->columns[i].type, &out->value);
    }
    return fn_fail(b->ctx, FN_UNKNOWN_IDENTIFIER, "Missing column '" FN_STR_FMT "' as an INTERPOLATE expression target", FN_STR_ARG(e->alias));
}

static fn_status fill_stage(binder *b, scope *s, const bound_select *q, plan **p)
{
    const ast_order *o = &s->select->order_by;
    if (!q->order.has_fill) {
        if (o->interpolate) return fn_fail(b->ctx, FN_INVALID_WITH_FILL_EXPRESSION, "INTERPOLATE is only allowed with WITH FILL");
        return FN_OK;
    }
    plan *n = plan_over(b->ctx, PLAN_FILL, *p);
    FN_TRY_PTR(b->ctx, n);
    n->fill.keys = q->order.keys;
    n->fill.fills = q->order.fills;
    n->fill.key_count = q->order.count;
    if (o->interpolate) {
        const uint32_t given = o->interpolate_exprs.count, count = given ? given : q->item_count;
        n->fill.interpolate = FN_NEW_ARRAY(b->ctx, plan_item, count + 1);
        FN_TRY_PTR(b->ctx, n->fill.interpolate);
        for (uint32_t i = 0; i < given; i++) FN_TRY(bind_interpolate(b, *p, o->interpolate_exprs.items[i], &n->fill.interpolate[n->fill.interpolate_count++]));
        for (uint32_t i = 0; !given && i < q->item_count; i++) {
            bool is_key = false;
            for (uint32_t k = 0; k < q->order.count; k++)
                is_key |= q->order.keys[k].value->kind == EXPR_COLUMN && q->order.keys[k].value->column == (*p)->columns[i].id;
            if (is_key) continue;
            plan_item *item = &n->fill.interpolate[n->fill.interpolate_count++];
            *item = (plan_item){(*p)->columns[i].id, expr_column(b->ctx, (*p)->columns[i].id, (*p)->columns[i].type)};
            FN_TRY_PTR(b->ctx, item->value);
        }
    }
    *p = n;
    return FN_OK;
}

/* ---- together ---- */

static fn_status sort_stage(binder *b, const bound_select *q, plan **p)
{
    if (!q->order.count) return FN_OK;
    plan *n = plan_over(b->ctx, PLAN_SORT, *p);
    FN_TRY_PTR(b->ctx, n);
    n->sort.keys = q->order.keys;
    n->sort.key_count = q->order.count;
    *p = n;
    return FN_OK;
}

/* Only the list's own columns leave the SELECT. */
static fn_status drop_extras(binder *b, uint32_t count, plan **p)
{
    if ((*p)->column_count == count) return FN_OK;
    plan_item *items = FN_NEW_ARRAY(b->ctx, plan_item, count + 1);
    fn_str *names = FN_NEW_ARRAY(b->ctx, fn_str, count + 1);
    if (!items || !names) return b->ctx->error.code;
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (plan_item){(*p)->columns[i].id, expr_column(b->ctx, (*p)->columns[i].id, (*p)->columns[i].type)};
        FN_TRY_PTR(b->ctx, items[i].value);
        names[i] = (*p)->columns[i].name;
    }
    return plan_project_over(b->ctx, *p, items, names, count, p);
}

static fn_status stages_to_list(binder *b, scope *s, bound_select *q, plan **p)
{
    const ast_select *ast = s->select;
    const bool aggregated = s->has_keys || s->aggregate_count || ast->totals || ast->group_by_all;
    if (ast->totals && !s->has_keys && !s->aggregate_count) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "WITH TOTALS, ROLLUP or CUBE are not supported without aggregation");
    if (q->where) FN_TRY(bind_filter_stage(b, s, q->where, p));
    if (aggregated && (s->has_keys || s->aggregate_count)) {
        FN_TRY(bind_groupings(b, s));
        const bool may_vanish = settings_of(b->ctx)->empty_result_for_aggregation_by_empty_set && !s->has_keys && !ast->totals;
        FN_TRY(may_vanish ? aggregate_unless_empty(b, s, p) : aggregate_stage(b, s, p));
        FN_TRY(over_keys_all(b, s, q));
        for (uint32_t i = 0; i < s->aggregate_count; i++)
            if (s->aggregates[i].call->def->flags & AGG_WINDOW_ONLY)
                return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "The function '%s' can only be used as a window function, not as an aggregate function",
                               s->aggregates[i].call->def->name);
    } else if (s->grouping_count) {
        return bind_groupings(b, s);
    }
    if (q->having) FN_TRY(bind_filter_stage(b, s, q->having, p));
    if (s->window_count) {
        expr **used = NULL;
        uint32_t n = 0;
        for (uint32_t i = 0; i < s->window_count; i++) {
            bound_window *w = &s->windows[i];
            for (uint32_t k = 0; k < w->item_count; k++)
                for (uint32_t a = 0; a < w->items[k].arg_count; a++) {
                    expr **slot = plan_grow(b->ctx, &used, &n, sizeof *slot);
                    FN_TRY_PTR(b->ctx, slot);
                    *slot = w->items[k].args[a];
                }
        }
        FN_TRY(bind_flush(b, s, used, n, p));
        FN_TRY(window_stage(b, s, p));
    }
    return q->qualify ? bind_filter_stage(b, s, q->qualify, p) : FN_OK;
}

/* Without FROM: system.one, one row with the column dummy. */
static fn_status one_row(binder *b, scope *s, plan **out)
{
    const fn_type *type = fn_type_simple(FN_T_UINT8);
    plan *p = plan_new(b->ctx, PLAN_VALUES, 0);
    source *src = plan_grow(b->ctx, &s->sources, &s->source_count, sizeof *src);
    if (!p || !src) return b->ctx->error.code;
    p->columns = FN_NEW(b->ctx, plan_column);
    src->columns = FN_NEW(b->ctx, source_column);
    p->values.blocks = FN_NEW(b->ctx, fn_block *);
    if (!p->columns || !src->columns || !p->values.blocks) return b->ctx->error.code;
    src->database = FN_STR("system");
    src->table = FN_STR("one");
    src->columns[src->count++] = (source_column){.name = FN_STR("dummy"), .id = b->next_id++, .type = type};
    p->columns[p->column_count++] = (plan_column){src->columns[0].id, type, FN_STR("dummy")};
    p->values.blocks[0] = fn_block_new(b->ctx, 1, 1);
    FN_TRY_PTR(b->ctx, p->values.blocks[0]);
    p->values.block_count = 1;
    p->rows_estimate = 1;
    FN_TRY(plan_values_own(b->ctx, p));
    p->values.blocks[0]->columns[0] = fn_column_const_u64(b->ctx, type, 0, 1);
    *out = p;
    return p->values.blocks[0]->columns[0] ? FN_OK : b->ctx->error.code;
}

fn_status bind_select(binder *b, scope *s, const ast_select *ast, plan **out)
{
    bound_select q = {0};
    list_stage list = {0};
    plan *p;
    s->select = ast;
    FN_TRY(bind_collect_all(b, s));
    if (ast->from) FN_TRY(bind_from(b, s, ast->from, &p));
    else FN_TRY(one_row(b, s, &p));
    FN_TRY(bind_clauses(b, s, &q));
    FN_TRY(stages_to_list(b, s, &q, &p));
    FN_TRY(list_stage_of(b, s, &q, &p, &list));
    if (ast->distinct) FN_TRY(distinct_stage(b, &q, list.count > q.item_count, &p));
    FN_TRY(sort_stage(b, &q, &p));
    FN_TRY(fill_stage(b, s, &q, &p));
    FN_TRY(limit_by_stage(b, s, &q, &p));
    FN_TRY(bind_limit(b, s, ast->limit, ast->offset, ast->limit_with_ties, q.order.keys, q.order.count, &p));
    FN_TRY(drop_extras(b, q.item_count, &p));
    *out = p;
    return FN_OK;
}
