/* bind_scope.c - scopes: their aliases (collected from all clauses before anything is bound), WITH entries, late ids.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

scope *bind_scope_new(binder *b, scope *parent, const ast_select *select)
{
    scope *s = FN_NEW(b->ctx, scope);
    if (!s) return NULL;
    s->parent = parent;
    s->select = select;
    return s;
}

/* Whether two expressions are written alike: one alias may name the same expression twice. */
static fn_status same_text(binder *b, const ast_expr *x, const ast_expr *y, bool *same)
{
    fn_buf one = FN_BUF_INIT, two = FN_BUF_INIT;
    fn_status status = sql_print_expr(b->ctx, x, &one);
    if (status == FN_OK) status = sql_print_expr(b->ctx, y, &two);
    *same = status == FN_OK && fn_str_eq(fn_buf_view(&one), fn_buf_view(&two));
    if (status == FN_OK && !*same) {
        fn_str scope_text = {0};
        status = fn_fail(b->ctx, FN_MULTIPLE_EXPRESSIONS_FOR_ALIAS, "Multiple expressions " FN_STR_FMT " and " FN_STR_FMT " for alias " FN_STR_FMT,
                         FN_STR_ARG(fn_buf_view(&two)), FN_STR_ARG(fn_buf_view(&one)), FN_STR_ARG(x->alias));
        (void)scope_text;
    }
    fn_buf_release(&one);
    fn_buf_release(&two);
    return status;
}

static fn_status add_alias(binder *b, scope *s, const ast_expr *e)
{
    for (uint32_t i = 0; i < s->alias_count; i++) {
        if (!fn_str_eq(s->aliases[i].name, e->alias)) continue;
        bool same = s->aliases[i].ast == e;
        return same ? FN_OK : same_text(b, s->aliases[i].ast, e, &same);
    }
    alias_entry *a = plan_grow(b->ctx, &s->aliases, &s->alias_count, sizeof *a);
    FN_TRY_PTR(b->ctx, a);
    a->name = e->alias;
    a->ast = e;
    return FN_OK;
}

static fn_status collect_list(binder *b, scope *s, const ast_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) FN_TRY(bind_collect_aliases(b, s, list->items[i]));
    return FN_OK;
}

static fn_status collect_order(binder *b, scope *s, const ast_order *o)
{
    for (uint32_t i = 0; i < o->count; i++) FN_TRY(bind_collect_aliases(b, s, o->items[i].expr));
    return FN_OK;
}

fn_status bind_collect_aliases(binder *b, scope *s, const ast_expr *e)
{
    if (!e) return FN_OK;
    if (e->alias.size) FN_TRY(add_alias(b, s, e));
    if (e->kind == AST_LAMBDA || e->kind == AST_SUBQUERY || e->kind == AST_ASTERISK) return FN_OK;
    FN_TRY(collect_list(b, s, &e->args));
    FN_TRY(bind_collect_aliases(b, s, e->filter));
    if (!e->over) return FN_OK;
    FN_TRY(collect_list(b, s, &e->over->partition_by));
    return collect_order(b, s, &e->over->order_by);
}

fn_status bind_collect_all(binder *b, scope *s)
{
    const ast_select *q = s->select;
    for (uint32_t i = 0; i < q->with_count; i++) {
        if (q->with[i].expr) {
            FN_TRY(bind_collect_aliases(b, s, q->with[i].expr));
            continue;
        }
        cte_entry *c = plan_grow(b->ctx, &s->ctes, &s->cte_count, sizeof *c);
        FN_TRY_PTR(b->ctx, c);
        c->ast = &q->with[i];
    }
    FN_TRY(collect_list(b, s, &q->columns));
    FN_TRY(collect_list(b, s, &q->distinct_on));
    FN_TRY(bind_collect_aliases(b, s, q->prewhere));
    FN_TRY(bind_collect_aliases(b, s, q->where));
    FN_TRY(collect_list(b, s, &q->group_by));
    for (uint32_t i = 0; i < q->grouping_set_count; i++) FN_TRY(collect_list(b, s, &q->grouping_sets[i]));
    FN_TRY(bind_collect_aliases(b, s, q->having));
    FN_TRY(bind_collect_aliases(b, s, q->qualify));
    FN_TRY(collect_order(b, s, &q->order_by));
    return collect_list(b, s, &q->limit_by);
}

cte_entry *bind_find_cte(scope *s, fn_str name, scope **owner)
{
    for (; s; s = s->parent)
        for (uint32_t i = s->cte_count; i-- > 0;)
            if (fn_str_eq(s->ctes[i].ast->name, name) && !(s->ctes[i].binding && !s->ctes[i].ast->recursive)) {
                *owner = s;
                return &s->ctes[i];
            }
    return NULL;
}

const ast_expr *bind_find_lambda(scope *s, fn_str name)
{
    for (; s; s = s->parent)
        for (uint32_t i = 0; i < s->alias_count; i++)
            if (s->aliases[i].ast->kind == AST_LAMBDA && fn_str_eq(s->aliases[i].name, name)) return s->aliases[i].ast;
    return NULL;
}

fn_status bind_late_id(binder *b, scope *s, column_id *out)
{
    column_id *slot = plan_grow(b->ctx, &s->late, &s->late_count, sizeof *slot);
    FN_TRY_PTR(b->ctx, slot);
    *slot = *out = b->next_id++;
    return FN_OK;
}

const source_column *bind_column_of(const scope *s, column_id id, const source **src)
{
    for (uint32_t i = 0; i < s->source_count; i++)
        for (uint32_t c = 0; c < s->sources[i].count; c++)
            if (s->sources[i].columns[c].id == id) {
                *src = &s->sources[i];
                return &s->sources[i].columns[c];
            }
    return NULL;
}

fn_status bind_scope_text(binder *b, const scope *s, fn_str *out)
{
    *out = (fn_str){0};
    if (!s || !s->select) return FN_OK;
    const ast_query q = {.select = (ast_select *)(uintptr_t)s->select};
    fn_buf text = FN_BUF_INIT;
    fn_status status = sql_print_query(b->ctx, &q, false, &text);
    if (status == FN_OK) status = fn_arena_str(b->ctx, b->ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}
