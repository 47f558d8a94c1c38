/* print_query.c - SELECT and its clauses as ClickHouse formats them, on one line or many.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/print.h"

fn_status sql_put_order_item(sql_printer *w, const ast_order_item *item)
{
    const struct {
        const char *word;
        const ast_expr *value;
    } fill[] = {{" FROM ", item->fill_from}, {" TO ", item->fill_to}, {" STEP ", item->fill_step}, {" STALENESS ", item->fill_staleness}};
    FN_TRY(sql_put_expr(w, item->expr, false));
    if (!item->bare) FN_TRY(sql_put(w, item->descending ? " DESC" : " ASC"));
    if (item->nulls_set) FN_TRY(sql_put(w, item->nulls_first ? " NULLS FIRST" : " NULLS LAST"));
    if (item->collate.size) {
        FN_TRY(sql_put(w, " COLLATE "));
        FN_TRY(sql_quote_string(w->ctx, item->collate, w->out));
    }
    if (!item->fill) return FN_OK;
    FN_TRY(sql_put(w, " WITH FILL"));
    for (size_t i = 0; i < FN_COUNT(fill); i++) {
        if (!fill[i].value) continue;
        FN_TRY(sql_put(w, fill[i].word));
        FN_TRY(sql_put_expr(w, fill[i].value, false));
    }
    return FN_OK;
}

static fn_status put_bound(sql_printer *w, uint8_t kind, const ast_expr *value)
{
    static const char *const text[] = {"UNBOUNDED PRECEDING", " PRECEDING", "CURRENT ROW", " FOLLOWING", "UNBOUNDED FOLLOWING"};
    if (value) FN_TRY(sql_put_expr(w, value, false));
    return sql_put(w, text[kind]);
}

fn_status sql_put_window(sql_printer *w, const ast_window *win)
{
    const char *gap = "";
    if (win->parent.size && !win->partition_by.count && !win->order_by.count && !win->frame.present) return sql_put_name(w, win->parent);
    FN_TRY(sql_put(w, "("));
    if (win->parent.size) {
        FN_TRY(sql_put_name(w, win->parent));
        gap = " ";
    }
    if (win->partition_by.count) {
        FN_TRY(fn_buf_printf(w->ctx, w->out, "%sPARTITION BY ", gap));
        FN_TRY(sql_put_exprs(w, &win->partition_by));
        gap = " ";
    }
    for (uint32_t i = 0; i < win->order_by.count; i++) {
        FN_TRY(i ? sql_put(w, ", ") : fn_buf_printf(w->ctx, w->out, "%sORDER BY ", gap));
        FN_TRY(sql_put_order_item(w, &win->order_by.items[i]));
        gap = " ";
    }
    if (win->frame.present) {
        FN_TRY(fn_buf_printf(w->ctx, w->out, "%s%s BETWEEN ", gap, win->frame.rows ? "ROWS" : win->frame.groups ? "GROUPS" : "RANGE"));
        FN_TRY(put_bound(w, win->frame.start_kind, win->frame.start));
        FN_TRY(sql_put(w, " AND "));
        FN_TRY(put_bound(w, win->frame.end_kind, win->frame.end));
    }
    return sql_put(w, ")");
}

fn_status sql_put_settings(sql_printer *w, const ast_setting *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i) FN_TRY(sql_put(w, ", "));
        FN_TRY(sql_put_name(w, items[i].name));
        if (!items[i].is_default && !items[i].value) continue;
        FN_TRY(sql_put(w, " = "));
        FN_TRY(items[i].is_default ? sql_put(w, "DEFAULT") : sql_put_expr(w, items[i].value, false));
    }
    return FN_OK;
}

static fn_status put_names(sql_printer *w, const fn_str *names, uint32_t count)
{
    if (!count) return FN_OK;
    for (uint32_t i = 0; i < count; i++) {
        FN_TRY(sql_put(w, i ? ", " : "("));
        FN_TRY(sql_put_name(w, names[i]));
    }
    return sql_put(w, ")");
}

static fn_status put_with(sql_printer *w, const ast_select *s)
{
    FN_TRY(sql_put(w, s->with[0].recursive ? "WITH RECURSIVE" : "WITH"));
    w->indent++;
    for (uint32_t i = 0; i < s->with_count; i++) {
        const ast_cte *c = &s->with[i];
        if (i) FN_TRY(sql_put(w, ","));
        FN_TRY(w->multi_line ? sql_put_line(w, 0) : sql_put(w, " "));
        if (c->expr) {
            FN_TRY(sql_put_expr(w, c->expr, false));
            continue;
        }
        FN_TRY(sql_put_name(w, c->name));
        if (c->column_alias_count) FN_TRY(sql_put(w, " "));
        FN_TRY(put_names(w, c->column_aliases, c->column_alias_count));
        FN_TRY(sql_put(w, c->materialized ? " AS MATERIALIZED" : " AS"));
        FN_TRY(sql_put_line(w, 0));
        FN_TRY(sql_put_subquery(w, c->query));
    }
    w->indent--;
    return sql_put_line(w, 0);
}

static const char *strictness_word(ast_join_strictness s)
{
    switch (s) {
    case STRICT_DEFAULT: return "";
    case STRICT_ALL: return "ALL ";
    case STRICT_ANY: return "ANY ";
    case STRICT_ASOF: return "ASOF ";
    case STRICT_SEMI: return "SEMI ";
    case STRICT_ANTI: return "ANTI ";
    }
    FN_IMPOSSIBLE("join strictness");
}

static const char *join_word(ast_join_kind k)
{
    switch (k) {
    case JOIN_INNER: return "INNER JOIN";
    case JOIN_LEFT: return "LEFT JOIN";
    case JOIN_RIGHT: return "RIGHT JOIN";
    case JOIN_FULL: return "FULL OUTER JOIN";
    case JOIN_CROSS: return "CROSS JOIN";
    case JOIN_COMMA: return ",";
    case JOIN_PASTE: return "PASTE JOIN";
    }
    FN_IMPOSSIBLE("join kind");
}

static fn_status put_from(sql_printer *w, const ast_from *f);

static fn_status put_join(sql_printer *w, const ast_from *f)
{
    FN_TRY(put_from(w, f->left));
    if (f->join == JOIN_COMMA) {
        FN_TRY(sql_put(w, ","));
        if (f->right->kind != FROM_SUBQUERY) FN_TRY(sql_put(w, " "));
        return put_from(w, f->right);
    }
    FN_TRY(sql_put_line(w, 0));
    if (f->global) FN_TRY(sql_put(w, "GLOBAL "));
    const bool behind = f->strictness == STRICT_SEMI || f->strictness == STRICT_ANTI;
    if (behind) {
        FN_TRY(fn_buf_printf(w->ctx, w->out, "%s %sJOIN", f->join == JOIN_LEFT ? "LEFT" : "RIGHT", strictness_word(f->strictness)));
    } else {
        FN_TRY(sql_put(w, strictness_word(f->strictness)));
        FN_TRY(sql_put(w, join_word(f->join)));
    }
    if (f->right->kind != FROM_SUBQUERY) FN_TRY(sql_put(w, " "));
    FN_TRY(put_from(w, f->right));
    if (f->on) {
        FN_TRY(sql_put(w, " ON "));
        return sql_put_expr(w, f->on, false);
    }
    if (!f->using.count) return FN_OK;
    FN_TRY(sql_put(w, " USING ("));
    FN_TRY(sql_put_exprs(w, &f->using));
    return sql_put(w, ")");
}

static fn_status put_table_tail(sql_printer *w, const ast_from *f)
{
    if (f->alias.size) {
        FN_TRY(sql_put(w, " AS "));
        FN_TRY(sql_put_name(w, f->alias));
        FN_TRY(put_names(w, f->column_aliases, f->column_alias_count));
    }
    if (f->final) {
        FN_TRY(sql_put_line(w, 0));
        FN_TRY(sql_put(w, "FINAL"));
    }
    if (!f->sample) return FN_OK;
    FN_TRY(sql_put_line(w, 0));
    FN_TRY(sql_put(w, "SAMPLE "));
    FN_TRY(sql_put_expr(w, f->sample, false));
    if (!f->sample_offset) return FN_OK;
    FN_TRY(sql_put(w, " OFFSET "));
    return sql_put_expr(w, f->sample_offset, false);
}

static fn_status put_from(sql_printer *w, const ast_from *f)
{
    const ast_name name = {f->database, f->table, f->database_param, f->table_param};
    switch (f->kind) {
    case FROM_TABLE:
        FN_TRY(sql_put_table(w, &name));
        return put_table_tail(w, f);
    case FROM_FUNCTION:
        FN_TRY(sql_put_expr(w, f->function, false));
        return put_table_tail(w, f);
    case FROM_SUBQUERY:
        FN_TRY(sql_put_line(w, 0));
        FN_TRY(sql_put_subquery(w, f->subquery));
        return put_table_tail(w, f);
    case FROM_JOIN:
        return put_join(w, f);
    case FROM_ARRAY_JOIN:
        FN_TRY(put_from(w, f->left));
        FN_TRY(sql_put_line(w, 0));
        FN_TRY(sql_put(w, f->array_join_left ? "LEFT ARRAY JOIN" : "ARRAY JOIN"));
        return sql_put_lines(w, &f->array_join);
    }
    FN_IMPOSSIBLE("kind of FROM");
}

static fn_status put_group_by(sql_printer *w, const ast_select *s)
{
    FN_TRY(sql_put_line(w, 0));
    FN_TRY(sql_put(w, "GROUP BY"));
    if (s->group_by_all) FN_TRY(sql_put(w, " ALL"));
    if (s->grouping_set_count) {
        FN_TRY(sql_put_line(w, 1));
        FN_TRY(sql_put(w, "GROUPING SETS ("));
        for (uint32_t i = 0; i < s->grouping_set_count; i++) {
            if (i) FN_TRY(sql_put(w, ","));
            if (w->multi_line || i) FN_TRY(sql_put_line(w, 2));
            FN_TRY(sql_put(w, "("));
            FN_TRY(sql_put_exprs(w, &s->grouping_sets[i]));
            FN_TRY(sql_put(w, ")"));
        }
        FN_TRY(sql_put(w, ")"));
    }
    FN_TRY(sql_put_lines(w, &s->group_by));
    const char *with[] = {s->rollup ? "WITH ROLLUP" : NULL, s->cube ? "WITH CUBE" : NULL, s->totals ? "WITH TOTALS" : NULL};
    for (size_t i = 0; i < FN_COUNT(with); i++) {
        if (!with[i]) continue;
        FN_TRY(sql_put_line(w, 1));
        FN_TRY(sql_put(w, with[i]));
    }
    return FN_OK;
}

static fn_status put_order(sql_printer *w, const ast_order *o)
{
    if (!o->count && !o->all) return FN_OK;
    FN_TRY(sql_put_line(w, 0));
    FN_TRY(sql_put(w, "ORDER BY"));
    if (o->all) FN_TRY(sql_put(w, o->all_descending ? " ALL DESC" : " ALL ASC"));
    if (o->all_nulls_first) FN_TRY(sql_put(w, " NULLS FIRST"));
    for (uint32_t i = 0; i < o->count; i++) {
        if (i) FN_TRY(sql_put(w, ","));
        FN_TRY(w->multi_line && o->count > 1 ? sql_put_line(w, 1) : sql_put(w, " "));
        FN_TRY(sql_put_order_item(w, &o->items[i]));
    }
    if (!o->interpolate) return FN_OK;
    FN_TRY(sql_put_line(w, 0));
    FN_TRY(sql_put(w, "INTERPOLATE"));
    for (uint32_t i = 0; i < o->interpolate_exprs.count; i++) {
        ast_expr e = *o->interpolate_exprs.items[i];
        const fn_str name = e.alias;
        e.alias = (fn_str){0};
        FN_TRY(sql_put(w, i ? ", " : " ("));
        FN_TRY(fn_buf_printf(w->ctx, w->out, "`%.*s` AS ", (int)name.size, name.data));
        FN_TRY(sql_put_expr(w, &e, false));
    }
    return o->interpolate_exprs.count ? sql_put(w, ")") : FN_OK;
}

static fn_status put_clause(sql_printer *w, const char *word, const ast_expr *e)
{
    if (!e) return FN_OK;
    FN_TRY(sql_put_line(w, 0));
    FN_TRY(sql_put(w, word));
    return sql_put_expr(w, e, false);
}

static fn_status put_limit(sql_printer *w, const ast_expr *limit, const ast_expr *offset)
{
    if (!limit) return put_clause(w, "OFFSET ", offset);
    FN_TRY(put_clause(w, "LIMIT ", offset ? offset : limit));
    if (!offset) return FN_OK;
    FN_TRY(sql_put(w, ", "));
    return sql_put_expr(w, limit, false);
}

static fn_status put_limits(sql_printer *w, const ast_select *s)
{
    if (s->distinct_on.count) {
        FN_TRY(sql_put_line(w, 0));
        FN_TRY(sql_put(w, "LIMIT 1 BY"));
        FN_TRY(sql_put_lines(w, &s->distinct_on));
    }
    if (s->limit_by_limit) {
        FN_TRY(put_limit(w, s->limit_by_limit, s->limit_by_offset));
        FN_TRY(sql_put(w, s->limit_by_all ? " BY ALL" : " BY"));
        FN_TRY(sql_put_lines(w, &s->limit_by));
    }
    FN_TRY(put_limit(w, s->limit, s->offset));
    if (!s->limit_with_ties) return FN_OK;
    FN_TRY(w->multi_line ? sql_put_line(w, 0) : FN_OK);
    return sql_put(w, " WITH TIES");
}

static fn_status put_select(sql_printer *w, const ast_select *s)
{
    if (s->with_count) FN_TRY(put_with(w, s));
    FN_TRY(sql_put(w, s->distinct ? "SELECT DISTINCT" : "SELECT"));
    FN_TRY(sql_put_lines(w, &s->columns));
    if (s->from) {
        FN_TRY(sql_put_line(w, 0));
        FN_TRY(sql_put(w, "FROM"));
        const ast_from *first = s->from;
        while (first->left) first = first->left;
        if (first->kind != FROM_SUBQUERY) FN_TRY(sql_put(w, " "));
        FN_TRY(put_from(w, s->from));
    }
    FN_TRY(put_clause(w, "PREWHERE ", s->prewhere));
    FN_TRY(put_clause(w, "WHERE ", s->where));
    if (s->group_by.count || s->group_by_all || s->grouping_set_count || s->totals) FN_TRY(put_group_by(w, s));
    FN_TRY(put_clause(w, "HAVING ", s->having));
    for (uint32_t i = 0; i < s->window_count; i++) {
        if (!i) FN_TRY(sql_put_line(w, 0));
        FN_TRY(sql_put(w, i ? "," : "WINDOW"));
        FN_TRY(sql_put_line(w, 1));
        FN_TRY(sql_put_name(w, s->windows[i].name));
        FN_TRY(sql_put(w, " AS "));
        FN_TRY(sql_put_window(w, &s->windows[i]));
    }
    FN_TRY(put_clause(w, "QUALIFY ", s->qualify));
    FN_TRY(put_order(w, &s->order_by));
    FN_TRY(put_limits(w, s));
    if (!s->setting_count) return FN_OK;
    FN_TRY(sql_put_line(w, 0));
    FN_TRY(sql_put(w, "SETTINGS "));
    return sql_put_settings(w, s->settings, s->setting_count);
}

static const char *set_word(ast_set_op op)
{
    switch (op) {
    case SET_NONE: return "";
    case SET_UNION_ALL: return "UNION ALL";
    case SET_UNION_DISTINCT: return "UNION DISTINCT";
    case SET_UNION: return "UNION";
    case SET_EXCEPT: return "EXCEPT";
    case SET_EXCEPT_DISTINCT: return "EXCEPT DISTINCT";
    case SET_INTERSECT: return "INTERSECT";
    case SET_INTERSECT_DISTINCT: return "INTERSECT DISTINCT";
    }
    FN_IMPOSSIBLE("set operation");
}

static bool is_union(ast_set_op op)
{
    return op == SET_UNION_ALL || op == SET_UNION_DISTINCT || op == SET_UNION;
}

/* One side: in parentheses unless the text reads the same without. */
static fn_status put_side(sql_printer *w, const ast_query *q, bool left, bool of_union)
{
    const bool same = q->op == SET_NONE || (left && is_union(q->op) && of_union);
    const bool tail = q->order_by.count || q->order_by.all || q->limit || q->offset;
    if (same && !tail) return sql_put_query(w, q);
    return sql_put_subquery(w, q);
}

fn_status sql_put_query(sql_printer *w, const ast_query *q)
{
    if (++w->depth > 4000) return fn_fail(w->ctx, FN_TOO_DEEP_RECURSION, "Query is nested too deeply to be printed");
    if (q->op == SET_NONE) {
        FN_TRY(put_select(w, q->select));
    } else {
        FN_TRY(put_side(w, q->left, true, is_union(q->op)));
        FN_TRY(sql_put_line(w, 0));
        FN_TRY(sql_put(w, set_word(q->op)));
        FN_TRY(sql_put_line(w, 0));
        FN_TRY(put_side(w, q->right, false, is_union(q->op)));
        FN_TRY(put_order(w, &q->order_by));
        FN_TRY(put_limit(w, q->limit, q->offset));
    }
    w->depth--;
    return FN_OK;
}

fn_status sql_print_query(fn_ctx *ctx, const ast_query *q, bool multi_line, fn_buf *out)
{
    sql_printer w = {.ctx = ctx, .out = out, .multi_line = multi_line};
    return sql_put_query(&w, q);
}
