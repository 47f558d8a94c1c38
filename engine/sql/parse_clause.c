/* parse_clause.c - ORDER BY, window definitions, SETTINGS and what stands behind a statement (INTO OUTFILE, FORMAT).
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

static bool parse_direction(sql_parser *p)
{
    if (sql_words(p, "DESC") || sql_words(p, "DESCENDING")) return true;
    (void)(sql_words(p, "ASC") || sql_words(p, "ASCENDING"));
    return false;
}

static fn_status parse_fill(sql_parser *p, ast_order_item *item)
{
    item->fill = true;
    if (sql_words(p, "FROM")) FN_TRY(sql_expr(p, &item->fill_from));
    if (sql_words(p, "TO")) FN_TRY(sql_expr(p, &item->fill_to));
    if (sql_words(p, "STEP")) FN_TRY(sql_expr(p, &item->fill_step));
    if (sql_words(p, "STALENESS")) FN_TRY(sql_expr(p, &item->fill_staleness));
    return FN_OK;
}

static fn_status parse_order_item(sql_parser *p, ast_order_item *item)
{
    FN_TRY(sql_expr_alias(p, false, &item->expr));
    item->descending = parse_direction(p);
    if (sql_words(p, "NULLS")) {
        item->nulls_set = true;
        item->nulls_first = sql_words(p, "FIRST");
        if (!item->nulls_first) FN_TRY(sql_need_words(p, "LAST"));
    }
    if (sql_words(p, "COLLATE")) FN_TRY(sql_name_or_string(p, &item->collate));
    return sql_words(p, "WITH FILL") ? parse_fill(p, item) : FN_OK;
}

static fn_status parse_interpolate(sql_parser *p, ast_order *out)
{
    out->interpolate = true;
    if (!sql_symbol(p, SQL_SYMBOL1('('))) return FN_OK;
    if (sql_symbol(p, SQL_SYMBOL1(')'))) return FN_OK;
    do {
        ast_expr *e;
        fn_str name;
        FN_TRY(sql_name(p, &name));
        if (sql_words(p, "AS")) FN_TRY(sql_expr(p, &e));
        else FN_TRY(sql_identifier_node(p, name, &e));
        e->alias = name;
        FN_TRY(sql_push(p, &out->interpolate_exprs, e));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    return sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket");
}

fn_status sql_order(sql_parser *p, ast_order *out)
{
    if (sql_words(p, "ALL")) {
        out->all = true;
        out->all_descending = parse_direction(p);
        if (sql_words(p, "NULLS")) {
            out->all_nulls_first = sql_words(p, "FIRST");
            if (!out->all_nulls_first) FN_TRY(sql_need_words(p, "LAST"));
        }
        return FN_OK;
    }
    do {
        ast_order_item *item = sql_grow(p, &out->items, &out->count, sizeof *item);
        FN_TRY_PTR(p->ctx, item);
        FN_TRY(parse_order_item(p, item));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    return sql_words(p, "INTERPOLATE") ? parse_interpolate(p, out) : FN_OK;
}

/* ---- windows ---- */

static fn_status parse_bound(sql_parser *p, uint8_t *kind, ast_expr **value)
{
    enum { UNBOUNDED_PRECEDING, PRECEDING, CURRENT_ROW, FOLLOWING, UNBOUNDED_FOLLOWING };
    if (sql_words(p, "CURRENT ROW")) {
        *kind = CURRENT_ROW;
        return FN_OK;
    }
    const bool unbounded = sql_words(p, "UNBOUNDED");
    if (!unbounded) FN_TRY(sql_expr(p, value));
    if (sql_words(p, "PRECEDING")) *kind = unbounded ? UNBOUNDED_PRECEDING : PRECEDING;
    else if (sql_words(p, "FOLLOWING")) *kind = unbounded ? UNBOUNDED_FOLLOWING : FOLLOWING;
    else return FN_SYNTAX_ERROR;
    return FN_OK;
}

static fn_status parse_frame(sql_parser *p, ast_window_frame *f)
{
    if (sql_words(p, "ROWS")) f->rows = true;
    else if (sql_words(p, "GROUPS")) f->groups = true;
    else if (!sql_words(p, "RANGE")) return FN_OK;
    f->present = true;
    f->end_kind = 2; /* CURRENT ROW */
    const bool between = sql_words(p, "BETWEEN");
    FN_TRY(parse_bound(p, &f->start_kind, &f->start));
    if (between) {
        FN_TRY(sql_need_words(p, "AND"));
        FN_TRY(parse_bound(p, &f->end_kind, &f->end));
    }
    if (f->start_kind == 4) return fn_fail(p->ctx, FN_BAD_ARGUMENTS, "Frame start cannot be UNBOUNDED FOLLOWING");
    if (f->end_kind == 0) return fn_fail(p->ctx, FN_BAD_ARGUMENTS, "Frame end cannot be UNBOUNDED PRECEDING");
    return FN_OK;
}

fn_status sql_window_body(sql_parser *p, ast_window *w)
{
    const sql_token *t = sql_token_at(p, 0);
    const bool clause = sql_is_words(p, "PARTITION BY") || sql_is_words(p, "ORDER BY") || sql_word_is(p, 0, "ROWS") ||
                        sql_word_is(p, 0, "RANGE") || sql_word_is(p, 0, "GROUPS");
    if (!clause && (t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED)) FN_TRY(sql_name(p, &w->parent));
    if (sql_words(p, "PARTITION BY")) FN_TRY(sql_expr_list(p, false, false, &w->partition_by));
    if (sql_words(p, "ORDER BY")) FN_TRY(sql_order(p, &w->order_by));
    FN_TRY(parse_frame(p, &w->frame));
    return sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket");
}

fn_status sql_over(sql_parser *p, ast_expr *e)
{
    e->over = FN_NEW(p->ctx, ast_window);
    FN_TRY_PTR(p->ctx, e->over);
    if (sql_symbol(p, SQL_SYMBOL1('('))) return sql_window_body(p, e->over);
    e->over->name = FN_STR("");
    return sql_name(p, &e->over->parent);
}

/* ---- settings ---- */

/* {'a': 1, 'b': [2]}: map('a', 1, 'b', [2]) */
static fn_status parse_map_value(sql_parser *p, ast_expr **out)
{
    FN_TRY(sql_node(p, AST_FUNCTION, out));
    (*out)->text = FN_STR("map");
    if (sql_symbol(p, SQL_SYMBOL1('}'))) return FN_OK;
    do {
        ast_expr *key, *value;
        FN_TRY(sql_literal(p, &key));
        FN_TRY(sql_need_symbol(p, SQL_SYMBOL1(':'), "colon between key and value"));
        FN_TRY(sql_operand(p, &value));
        FN_TRY(sql_push(p, &(*out)->args, key));
        FN_TRY(sql_push(p, &(*out)->args, value));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    return sql_need_symbol(p, SQL_SYMBOL1('}'), "closing curly brace");
}

static fn_status parse_setting_value(sql_parser *p, ast_setting *s)
{
    if (sql_words(p, "DEFAULT")) {
        s->is_default = true;
        return FN_OK;
    }
    const sql_token *t = sql_token_at(p, 0);
    if (t->kind == TOKEN_SYMBOL && t->symbol == SQL_SYMBOL1('{')) {
        if (sql_token_at(p, 1)->kind == TOKEN_WORD) return sql_parameter(p, &s->value);
        p->at++;
        return parse_map_value(p, &s->value);
    }
    if (t->kind == TOKEN_SYMBOL && t->symbol != SQL_SYMBOL1('-')) return sql_operand(p, &s->value);
    const fn_status status = sql_literal(p, &s->value);
    if (!sql_soft(p, status) || t->kind != TOKEN_WORD) return status;
    return sql_operand(p, &s->value); /* disk = disk(type = ...), a bare word */
}

fn_status sql_settings(sql_parser *p, ast_setting **items, uint32_t *count)
{
    do {
        ast_setting *s = sql_grow(p, items, count, sizeof *s);
        FN_TRY_PTR(p->ctx, s);
        FN_TRY(sql_compound_name(p, &s->name));
        if (sql_symbol(p, SQL_SYMBOL1('=')) || sql_symbol(p, SQL_SYMBOL('=', '=', 0))) FN_TRY(parse_setting_value(p, s));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    return FN_OK;
}

fn_status sql_output_options(sql_parser *p, ast_statement *s)
{
    if (sql_words(p, "INTO OUTFILE")) {
        FN_TRY(sql_string(p, &s->into_outfile));
        (void)(sql_words(p, "APPEND") || sql_words(p, "TRUNCATE"));
        (void)sql_words(p, "AND STDOUT");
        if (sql_words(p, "COMPRESSION")) {
            fn_str method;
            uint64_t level;
            FN_TRY(sql_string(p, &method));
            if (sql_words(p, "LEVEL")) FN_TRY(sql_unsigned(p, &level));
        }
    }
    if (sql_words(p, "FORMAT")) FN_TRY(sql_name(p, &s->format));
    if (sql_words(p, "SETTINGS")) FN_TRY(sql_settings(p, &s->settings, &s->setting_count));
    return FN_OK;
}

fn_status sql_on_cluster(sql_parser *p, fn_str *out)
{
    return sql_words(p, "ON CLUSTER") ? sql_name_or_string(p, out) : FN_OK;
}
