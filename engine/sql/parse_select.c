/* parse_select.c - SELECT with its clauses, and queries made of several by UNION, EXCEPT, INTERSECT.
 *
 * INTERSECT binds tighter than UNION and EXCEPT, which are of one rank; each to the left, as ClickHouse 26.9 rewrites them.
 * ORDER BY and LIMIT behind the last part of a union belong to that part, unless the union stands in parentheses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

static const uint32_t round_open = SQL_SYMBOL1('('), round_close = SQL_SYMBOL1(')'), comma = SQL_SYMBOL1(',');

bool sql_query_ahead(sql_parser *p, uint32_t ahead)
{
    const sql_token *t = sql_token_at(p, ahead);
    while (t->kind == TOKEN_SYMBOL && t->symbol == round_open) t = sql_token_at(p, ++ahead);
    if (t->kind != TOKEN_WORD) return false;
    const sql_token *next = sql_token_at(p, ahead + 1);
    const bool symbol = next->kind == TOKEN_SYMBOL && next->symbol != round_open && next->symbol != SQL_SYMBOL1('*') &&
                        next->symbol != SQL_SYMBOL1('[') && next->symbol != SQL_SYMBOL1('-') && next->symbol != SQL_SYMBOL1('{');
    if (symbol || next->kind == TOKEN_END) return false;
    if (sql_word_is(p, ahead, "SELECT") || sql_word_is(p, ahead, "EXPLAIN")) return true;
    return (sql_word_is(p, ahead, "WITH") || sql_word_is(p, ahead, "FROM")) && !sql_word_is(p, ahead + 1, "AS");
}

fn_status sql_subquery(sql_parser *p, ast_query **out)
{
    FN_TRY(sql_need_symbol(p, round_open, "OpeningRoundBracket"));
    FN_TRY(sql_query(p, out));
    return sql_need_symbol(p, round_close, "ClosingRoundBracket");
}

static fn_status name_list(sql_parser *p, fn_str **names, uint32_t *count)
{
    FN_TRY(sql_need_symbol(p, round_open, "OpeningRoundBracket"));
    do {
        fn_str *slot = sql_grow(p, names, count, sizeof *slot);
        FN_TRY_PTR(p->ctx, slot);
        FN_TRY(sql_name(p, slot));
    } while (sql_symbol(p, comma));
    return sql_need_symbol(p, round_close, "ClosingRoundBracket");
}

/* name [(columns)] AS [NOT] [MATERIALIZED] (SELECT ...): soft failure if it is no such item. */
static fn_status parse_cte_query(sql_parser *p, ast_cte *cte)
{
    FN_TRY(sql_name(p, &cte->name));
    if (sql_is_symbol(p, round_open)) FN_TRY(name_list(p, &cte->column_aliases, &cte->column_alias_count));
    FN_TRY(sql_need_words(p, "AS"));
    cte->materialized = sql_words(p, "MATERIALIZED");
    if (!sql_is_symbol(p, round_open) || !sql_query_ahead(p, 1)) return sql_expected(p, "subquery");
    return sql_subquery(p, &cte->query);
}

static fn_status parse_with(sql_parser *p, ast_select *s)
{
    const bool recursive = sql_words(p, "RECURSIVE");
    do {
        ast_cte *cte = sql_grow(p, &s->with, &s->with_count, sizeof *cte);
        FN_TRY_PTR(p->ctx, cte);
        const uint32_t before = p->at;
        const fn_status status = parse_cte_query(p, cte);
        cte->recursive = recursive;
        if (status == FN_OK) continue;
        if (!sql_soft(p, status)) return status;
        p->at = before;
        *cte = (ast_cte){0};
        FN_TRY(sql_expr_alias(p, false, &cte->expr));
        if (cte->expr->alias.size == 0) return sql_expected(p, "alias");
        cte->name = cte->expr->alias;
    } while (sql_symbol(p, comma));
    return FN_OK;
}

static fn_status parse_distinct(sql_parser *p, ast_select *s)
{
    const sql_token *next = sql_token_at(p, 1);
    const bool keyword = !(next->kind == TOKEN_SYMBOL && (next->symbol == comma || next->symbol == SQL_SYMBOL1('.')));
    if (keyword && next->kind != TOKEN_END && sql_words(p, "ALL")) return FN_OK;
    if (keyword && sql_words(p, "DISTINCT")) {
        if (sql_words(p, "ON")) {
            FN_TRY(sql_need_symbol(p, round_open, "OpeningRoundBracket"));
            FN_TRY(sql_expr_list(p, false, false, &s->distinct_on));
            return sql_need_symbol(p, round_close, "ClosingRoundBracket");
        }
        s->distinct = true;
    }
    return FN_OK;
}

static fn_status parse_top(sql_parser *p, ast_select *s)
{
    const sql_token *next = sql_token_at(p, 1);
    const bool round = next->kind == TOKEN_SYMBOL && next->symbol == round_open;
    if (!sql_word_is(p, 0, "TOP") || (next->kind != TOKEN_NUMBER && !round) || !sql_words(p, "TOP")) return FN_OK;
    if (sql_symbol(p, round_open)) {
        FN_TRY(sql_number(p, false, &s->limit));
        FN_TRY(sql_need_symbol(p, round_close, "ClosingRoundBracket"));
    } else {
        FN_TRY(sql_number(p, false, &s->limit));
    }
    s->limit_with_ties = sql_words(p, "WITH TIES");
    return FN_OK;
}

static fn_status parse_grouping_sets(sql_parser *p, ast_select *s)
{
    FN_TRY(sql_need_symbol(p, round_open, "OpeningRoundBracket"));
    do {
        ast_list *set = sql_grow(p, &s->grouping_sets, &s->grouping_set_count, sizeof *set);
        FN_TRY_PTR(p->ctx, set);
        if (sql_symbol(p, round_open)) {
            if (!sql_is_symbol(p, round_close)) FN_TRY(sql_expr_list(p, false, false, set));
            FN_TRY(sql_need_symbol(p, round_close, "ClosingRoundBracket"));
        } else {
            ast_expr *e;
            FN_TRY(sql_expr(p, &e));
            FN_TRY(sql_push(p, set, e));
        }
    } while (sql_symbol(p, comma));
    return sql_need_symbol(p, round_close, "ClosingRoundBracket");
}

static fn_status parse_group_by(sql_parser *p, ast_select *s)
{
    const uint32_t before = p->at;
    if (sql_words(p, "GROUPING SETS")) {
        FN_TRY(parse_grouping_sets(p, s));
    } else if (sql_words(p, "ROLLUP") && sql_symbol(p, round_open)) {
        s->rollup = true;
    } else if (p->at == before && sql_words(p, "CUBE") && sql_symbol(p, round_open)) {
        s->cube = true;
    } else {
        p->at = before;
        s->group_by_all = sql_words(p, "ALL");
        if (!s->group_by_all) FN_TRY(sql_expr_list(p, false, false, &s->group_by));
    }
    if (s->rollup || s->cube) {
        FN_TRY(sql_expr_list(p, false, false, &s->group_by));
        FN_TRY(sql_need_symbol(p, round_close, "ClosingRoundBracket"));
    }
    if (sql_words(p, "WITH ROLLUP")) s->rollup = true;
    else if (sql_words(p, "WITH CUBE")) s->cube = true;
    return FN_OK;
}

static fn_status parse_windows(sql_parser *p, ast_select *s)
{
    do {
        ast_window *w = sql_grow(p, &s->windows, &s->window_count, sizeof *w);
        FN_TRY_PTR(p->ctx, w);
        FN_TRY(sql_name(p, &w->name));
        FN_TRY(sql_need_words(p, "AS"));
        FN_TRY(sql_need_symbol(p, round_open, "OpeningRoundBracket"));
        FN_TRY(sql_window_body(p, w));
    } while (sql_symbol(p, comma));
    return FN_OK;
}

/* Behind LIMIT: n | offset, n | n OFFSET offset, each WITH TIES or BY columns. *by: it was LIMIT BY. */
static fn_status parse_limit(sql_parser *p, ast_select *s, bool *by)
{
    ast_expr *limit, *offset = NULL;
    FN_TRY(sql_expr(p, &limit));
    if (sql_symbol(p, comma)) {
        offset = limit;
        FN_TRY(sql_expr(p, &limit));
    } else if (sql_words(p, "OFFSET")) {
        FN_TRY(sql_expr(p, &offset));
        (void)(sql_words(p, "ROWS") || sql_words(p, "ROW"));
    }
    const bool ties = sql_words(p, "WITH TIES");
    *by = sql_words(p, "BY");
    if (ties && *by) return fn_fail(p->ctx, FN_LIMIT_BY_WITH_TIES_IS_NOT_SUPPORTED, "Can not use WITH TIES alongside LIMIT BY");
    if (!*by) {
        s->limit_with_ties = ties;
        s->limit = limit;
        s->offset = offset;
        return FN_OK;
    }
    s->limit_by_limit = limit;
    s->limit_by_offset = offset;
    s->limit_by_all = sql_words(p, "ALL");
    return s->limit_by_all ? FN_OK : sql_expr_list(p, false, false, &s->limit_by);
}

/* [OFFSET n ROWS] [FETCH FIRST n ROWS ONLY | WITH TIES] */
static fn_status parse_offset_fetch(sql_parser *p, ast_select *s)
{
    bool rows = false;
    if (!s->offset && sql_words(p, "OFFSET")) {
        FN_TRY(sql_expr(p, &s->offset));
        rows = sql_words(p, "ROWS") || sql_words(p, "ROW");
        (void)rows;
    }
    if (s->limit || !(sql_words(p, "FETCH FIRST") || sql_words(p, "FETCH NEXT"))) return FN_OK;
    if (!s->order_by.count && !s->order_by.all) {
        return fn_fail(p->ctx, FN_OFFSET_FETCH_WITHOUT_ORDER_BY, "Can not use OFFSET FETCH clause without ORDER BY");
    }
    if (sql_is_words(p, "ROW") || sql_is_words(p, "ROWS")) FN_TRY(sql_uint_node(p, 1, &s->limit));
    else FN_TRY(sql_expr(p, &s->limit));
    if (!sql_words(p, "ROWS")) FN_TRY(sql_need_words(p, "ROW"));
    if (sql_words(p, "WITH TIES")) s->limit_with_ties = true;
    else FN_TRY(sql_need_words(p, "ONLY"));
    return FN_OK;
}

static fn_status parse_limits(sql_parser *p, ast_select *s)
{
    bool by = false;
    if (sql_words(p, "LIMIT")) {
        FN_TRY(parse_limit(p, s, &by));
        if (by && sql_words(p, "LIMIT")) {
            bool again = false;
            FN_TRY(parse_limit(p, s, &again));
            if (again) return sql_expected(p, "end of LIMIT");
        }
    }
    FN_TRY(parse_offset_fetch(p, s));
    if (s->limit_with_ties && !s->order_by.count && !s->order_by.all) {
        return fn_fail(p->ctx, FN_WITH_TIES_WITHOUT_ORDER_BY, "Can not use WITH TIES without ORDER BY");
    }
    return FN_OK;
}

static fn_status parse_filters(sql_parser *p, ast_select *s)
{
    if (sql_words(p, "PREWHERE")) FN_TRY(sql_expr_alias(p, false, &s->prewhere));
    if (sql_words(p, "WHERE")) FN_TRY(sql_expr_alias(p, false, &s->where));
    if (sql_words(p, "GROUP BY")) FN_TRY(parse_group_by(p, s));
    if (sql_words(p, "WITH TOTALS")) s->totals = true;
    if (sql_words(p, "HAVING")) FN_TRY(sql_expr_alias(p, false, &s->having));
    if (sql_words(p, "WINDOW")) FN_TRY(parse_windows(p, s));
    if (sql_words(p, "QUALIFY")) FN_TRY(sql_expr_alias(p, false, &s->qualify));
    return sql_words(p, "ORDER BY") ? sql_order(p, &s->order_by) : FN_OK;
}

static fn_status parse_select(sql_parser *p, ast_select *s)
{
    if (sql_words(p, "WITH")) FN_TRY(parse_with(p, s));
    if (sql_words(p, "FROM")) FN_TRY(sql_from(p, &s->from));
    FN_TRY(sql_need_words(p, "SELECT"));
    FN_TRY(parse_distinct(p, s));
    FN_TRY(parse_top(p, s));
    FN_TRY(sql_expr_list(p, true, true, &s->columns));
    if (!s->from && sql_words(p, "FROM")) FN_TRY(sql_from(p, &s->from));
    FN_TRY(parse_filters(p, s));
    FN_TRY(parse_limits(p, s));
    return sql_words(p, "SETTINGS") ? sql_settings(p, &s->settings, &s->setting_count) : FN_OK;
}

/* A SELECT, or a query in parentheses with its own ORDER BY and LIMIT behind them. */
static fn_status parse_leaf(sql_parser *p, ast_query **out)
{
    if (sql_is_symbol(p, round_open)) {
        FN_TRY(sql_subquery(p, out));
        ast_query *q = *out;
        if (q->op == SET_NONE || q->order_by.count || q->limit) return FN_OK;
        if (sql_words(p, "ORDER BY")) FN_TRY(sql_order(p, &q->order_by));
        if (sql_words(p, "LIMIT")) FN_TRY(sql_expr(p, &q->limit));
        if (q->limit && sql_symbol(p, comma)) {
            q->offset = q->limit;
            FN_TRY(sql_expr(p, &q->limit));
        }
        return sql_words(p, "OFFSET") ? sql_expr(p, &q->offset) : FN_OK;
    }
    ast_query *q = FN_NEW(p->ctx, ast_query);
    FN_TRY_PTR(p->ctx, q);
    q->select = FN_NEW(p->ctx, ast_select);
    FN_TRY_PTR(p->ctx, q->select);
    *out = q;
    return parse_select(p, q->select);
}

/* How the parts are joined; `plain`: without ALL or DISTINCT. */
static const struct set_word {
    const char *word;
    bool tight;
    ast_set_op plain, all, distinct;
} set_words[] = {
    {"UNION", false, SET_UNION, SET_UNION_ALL, SET_UNION_DISTINCT},
    {"EXCEPT", false, SET_EXCEPT, SET_EXCEPT, SET_EXCEPT_DISTINCT},
    {"INTERSECT", true, SET_INTERSECT, SET_INTERSECT, SET_INTERSECT_DISTINCT},
};

static const struct set_word *set_word(sql_parser *p, bool tight)
{
    for (size_t i = 0; i < FN_COUNT(set_words); i++)
        if (set_words[i].tight == tight && sql_words(p, set_words[i].word)) return &set_words[i];
    return NULL;
}

static fn_status parse_level(sql_parser *p, bool tight, ast_query **out)
{
    FN_TRY(tight ? parse_leaf(p, out) : parse_level(p, true, out));
    for (const struct set_word *w; (w = set_word(p, tight)) != NULL;) {
        ast_query *q = FN_NEW(p->ctx, ast_query);
        FN_TRY_PTR(p->ctx, q);
        q->op = w->plain;
        if (sql_words(p, "ALL")) q->op = w->all;
        else if (sql_words(p, "DISTINCT")) q->op = w->distinct;
        q->left = *out;
        FN_TRY(tight ? parse_leaf(p, &q->right) : parse_level(p, true, &q->right));
        *out = q;
    }
    return FN_OK;
}

fn_status sql_query(sql_parser *p, ast_query **out)
{
    fn_status status = sql_enter(p);
    if (status == FN_OK) status = parse_level(p, false, out);
    sql_leave(p);
    return status;
}
