/* print_name.c - the name a result column gets from its expression: ClickHouse's query tree names, all calls in function form.
 *
 * Aliases of inner expressions do not show; count(DISTINCT x) is countDistinct(x), agg FILTER is aggIf, count(*) is count(),
 * CAST('...' AS T) shows both as strings, lambdas are lambda(tuple(x), body).
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/print.h"

enum { NAME_DEPTH_MAX = 4000 };

static fn_status put_name_of(sql_printer *w, const ast_expr *e);

static fn_status put_names(sql_printer *w, const char *open, const ast_list *list, const char *close)
{
    FN_TRY(sql_put(w, open));
    for (uint32_t i = 0; i < list->count; i++) {
        if (i) FN_TRY(sql_put(w, ", "));
        FN_TRY(put_name_of(w, list->items[i]));
    }
    return sql_put(w, close);
}

static fn_status put_bound(sql_printer *w, uint8_t kind, const ast_expr *value)
{
    static const char *const text[] = {"UNBOUNDED PRECEDING", " PRECEDING", "CURRENT ROW", " FOLLOWING", "UNBOUNDED FOLLOWING"};
    if (value) FN_TRY(put_name_of(w, value));
    return sql_put(w, text[kind]);
}

static fn_status put_window_name(sql_printer *w, const ast_window *win)
{
    const char *gap = "";
    if (win->parent.size && !win->partition_by.count && !win->order_by.count && !win->frame.present) return sql_put_name(w, win->parent);
    FN_TRY(sql_put(w, "("));
    if (win->parent.size) {
        FN_TRY(sql_put_name(w, win->parent));
        gap = " ";
    }
    if (win->partition_by.count) {
        FN_TRY(sql_put(w, gap));
        FN_TRY(put_names(w, "PARTITION BY ", &win->partition_by, ""));
        gap = " ";
    }
    for (uint32_t i = 0; i < win->order_by.count; i++) {
        const ast_order_item *item = &win->order_by.items[i];
        FN_TRY(i ? sql_put(w, ", ") : fn_buf_printf(w->ctx, w->out, "%sORDER BY ", gap));
        FN_TRY(put_name_of(w, item->expr));
        FN_TRY(sql_put(w, item->descending ? " DESC" : " ASC"));
        if (item->nulls_set) FN_TRY(sql_put(w, item->nulls_first ? " NULLS FIRST" : " NULLS LAST"));
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

static fn_status put_function_name(sql_printer *w, const ast_expr *e)
{
    if (!e->over && fn_str_eq(e->text, FN_STR("tuple"))) return put_names(w, "(", &e->args, ")");
    if (!e->over && fn_str_eq(e->text, FN_STR("array"))) return put_names(w, "[", &e->args, "]");
    FN_TRY(fn_buf_str(w->ctx, w->out, e->text));
    if (e->distinct) FN_TRY(sql_put(w, "Distinct"));
    if (e->filter) FN_TRY(sql_put(w, "If"));
    if (e->params.count) FN_TRY(put_names(w, "(", &e->params, ")"));
    const bool star = e->args.count == 1 && e->args.items[0]->kind == AST_ASTERISK && fn_str_eq_nocase(e->text, FN_STR("count")) &&
                      !e->args.items[0]->args2.count && !e->args.items[0]->text.data && !e->args.items[0]->args.count;
    FN_TRY(star ? sql_put(w, "(") : put_names(w, "(", &e->args, ""));
    if (e->filter) {
        if (e->args.count && !star) FN_TRY(sql_put(w, ", "));
        FN_TRY(put_name_of(w, e->filter));
    }
    FN_TRY(sql_put(w, ")"));
    if (!e->over) return FN_OK;
    FN_TRY(sql_put(w, " OVER "));
    return put_window_name(w, e->over);
}

static fn_status put_identifier_name(sql_printer *w, const ast_expr *e)
{
    for (uint32_t i = 0; i < e->part_count; i++) {
        if (i) FN_TRY(sql_put(w, "."));
        FN_TRY(fn_buf_str(w->ctx, w->out, e->parts[i]));
    }
    return FN_OK;
}

static fn_status put_name_body(sql_printer *w, const ast_expr *e)
{
    switch (e->kind) {
    case AST_LITERAL:
        return sql_put_literal(w, e);
    case AST_IDENTIFIER:
        return put_identifier_name(w, e);
    case AST_FUNCTION:
        return put_function_name(w, e);
    case AST_LAMBDA:
        FN_TRY(put_names(w, "lambda(tuple(", &e->args, "), "));
        FN_TRY(put_name_of(w, e->args2.items[0]));
        return sql_put(w, ")");
    case AST_SUBQUERY:
        return sql_put(w, "_subquery");
    case AST_ASTERISK:
    case AST_PARAMETER:
    case AST_TRANSFORMER:
        return sql_put_expr(w, e, false);
    case AST_INTERVAL_UNIT:
        break;
    }
    FN_IMPOSSIBLE("expression kind");
}

static fn_status put_name_of(sql_printer *w, const ast_expr *e)
{
    if (++w->depth > NAME_DEPTH_MAX) return fn_fail(w->ctx, FN_TOO_DEEP_RECURSION, "Expression is nested too deeply to be named");
    FN_TRY(put_name_body(w, e));
    w->depth--;
    return FN_OK;
}

fn_status sql_column_name(fn_ctx *ctx, const ast_expr *e, fn_buf *out)
{
    sql_printer w = {.ctx = ctx, .out = out};
    return put_name_of(&w, e);
}
