/* definition_qualify.c - names of tables inside a view's query get their database, because the view will be read from others; and
 * other names, when a RESTORE brings the tables back under them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"

/* Names of the WITH clauses around a place, innermost first. */
typedef struct cte_names {
    const ast_cte *ctes;
    uint32_t count;
    const struct cte_names *outer;
} cte_names;

typedef struct qualifier {
    fn_ctx *ctx;
    fn_str database;                  /* empty: names stay as they are */
    const definition_rename *renames; /* of qualified names */
    uint32_t rename_count;
    unsigned depth;
} qualifier;

static fn_status in_query(qualifier *w, ast_query *tree, const cte_names *ctes);
static fn_status in_expr(qualifier *w, ast_expr *e, const cte_names *ctes);

static bool is_cte(const cte_names *ctes, fn_str name)
{
    for (; ctes; ctes = ctes->outer)
        for (uint32_t i = 0; i < ctes->count; i++)
            if (fn_str_eq(ctes->ctes[i].name, name)) return true;
    return false;
}

static void rename_table(const qualifier *w, fn_str *database, fn_str *name)
{
    for (uint32_t i = 0; i < w->rename_count; i++) {
        const definition_rename *r = &w->renames[i];
        if (!fn_str_eq(r->from_database, *database) || !fn_str_eq(r->from_name, *name)) continue;
        *database = r->to_database;
        *name = r->to_name;
        return;
    }
}

static fn_status in_list(qualifier *w, const ast_list *list, const cte_names *ctes)
{
    for (uint32_t i = 0; i < list->count; i++) FN_TRY(in_expr(w, list->items[i], ctes));
    return FN_OK;
}

/* x IN name: the right side is a table. */
static fn_status in_right_side(qualifier *w, ast_expr *e, const cte_names *ctes)
{
    static const char *const names[] = {"in", "notIn", "globalIn", "globalNotIn"};
    if (e->kind != AST_FUNCTION || e->args.count != 2) return FN_OK;
    ast_expr *right = e->args.items[1];
    if (right->kind == AST_IDENTIFIER && right->part_count == 2) {
        for (size_t i = 0; i < FN_COUNT(names); i++)
            if (fn_str_eq(e->text, fn_cstr(names[i]))) rename_table(w, &right->parts[0], &right->parts[1]);
        return FN_OK;
    }
    if (!w->database.size || right->kind != AST_IDENTIFIER || right->part_count != 1 || is_cte(ctes, right->parts[0])) return FN_OK;
    for (size_t i = 0; i < FN_COUNT(names); i++) {
        if (!fn_str_eq(e->text, fn_cstr(names[i]))) continue;
        fn_str *parts = FN_NEW_ARRAY(w->ctx, fn_str, 2);
        FN_TRY_PTR(w->ctx, parts);
        parts[0] = w->database;
        parts[1] = right->parts[0];
        right->parts = parts;
        right->part_count = 2;
    }
    return FN_OK;
}

static fn_status in_expr(qualifier *w, ast_expr *e, const cte_names *ctes)
{
    if (!e) return FN_OK;
    if (++w->depth > 1000) return fn_fail(w->ctx, FN_TOO_DEEP_RECURSION, "The query of the view is too deep");
    FN_TRY(in_right_side(w, e, ctes));
    FN_TRY(in_list(w, &e->args, ctes));
    FN_TRY(in_list(w, &e->args2, ctes));
    FN_TRY(in_expr(w, e->filter, ctes));
    if (e->subquery) FN_TRY(in_query(w, e->subquery, ctes));
    w->depth--;
    return FN_OK;
}

static fn_status in_from(qualifier *w, ast_from *f, const cte_names *ctes)
{
    if (!f) return FN_OK;
    switch (f->kind) {
    case FROM_TABLE:
        if (!f->database.size && !f->database_param && !f->table_param && !is_cte(ctes, f->table)) f->database = w->database;
        rename_table(w, &f->database, &f->table);
        return FN_OK;
    case FROM_FUNCTION:
        return in_expr(w, f->function, ctes);
    case FROM_SUBQUERY:
        return in_query(w, f->subquery, ctes);
    case FROM_JOIN:
    case FROM_ARRAY_JOIN:
        FN_TRY(in_from(w, f->left, ctes));
        FN_TRY(in_from(w, f->right, ctes));
        FN_TRY(in_expr(w, f->on, ctes));
        return in_list(w, &f->array_join, ctes);
    }
    FN_IMPOSSIBLE("kind of FROM");
}

static fn_status in_order(qualifier *w, const ast_order *order, const cte_names *ctes)
{
    for (uint32_t i = 0; i < order->count; i++) FN_TRY(in_expr(w, order->items[i].expr, ctes));
    return FN_OK;
}

static fn_status in_select(qualifier *w, ast_select *s, const cte_names *outer)
{
    const cte_names ctes = {s->with, s->with_count, outer};
    for (uint32_t i = 0; i < s->with_count; i++) {
        if (s->with[i].query) FN_TRY(in_query(w, s->with[i].query, &ctes));
        FN_TRY(in_expr(w, s->with[i].expr, &ctes));
    }
    FN_TRY(in_from(w, s->from, &ctes));
    ast_expr *const exprs[] = {s->prewhere, s->where, s->having, s->qualify, s->limit, s->offset};
    const ast_list *const lists[] = {&s->columns, &s->distinct_on, &s->group_by, &s->limit_by};
    for (size_t i = 0; i < FN_COUNT(exprs); i++) FN_TRY(in_expr(w, exprs[i], &ctes));
    for (size_t i = 0; i < FN_COUNT(lists); i++) FN_TRY(in_list(w, lists[i], &ctes));
    return in_order(w, &s->order_by, &ctes);
}

static fn_status in_query(qualifier *w, ast_query *tree, const cte_names *ctes)
{
    if (++w->depth > 1000) return fn_fail(w->ctx, FN_TOO_DEEP_RECURSION, "The query of the view is too deep");
    if (tree->op == SET_NONE) {
        FN_TRY(in_select(w, tree->select, ctes));
    } else {
        FN_TRY(in_query(w, tree->left, ctes));
        FN_TRY(in_query(w, tree->right, ctes));
    }
    FN_TRY(in_order(w, &tree->order_by, ctes));
    w->depth--;
    return FN_OK;
}

fn_status definition_qualify(fn_ctx *ctx, fn_str database, ast_query *tree)
{
    qualifier w = {.ctx = ctx, .database = database};
    return in_query(&w, tree, NULL);
}

fn_status definition_rename_tables(fn_ctx *ctx, const definition_rename *renames, uint32_t count, ast_create *create)
{
    qualifier w = {.ctx = ctx, .renames = renames, .rename_count = count};
    if (create->to_table.table.size) rename_table(&w, &create->to_table.database, &create->to_table.table);
    return create->as_select ? in_query(&w, create->as_select, NULL) : FN_OK;
}
