/* parse_call.c - calls: name(args), name(params)(args), DISTINCT, FILTER, IGNORE NULLS, OVER; and what may follow an asterisk.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

static fn_status parse_nulls_action(sql_parser *p, ast_expr *e)
{
    if (sql_words(p, "RESPECT NULLS")) e->nulls_respect = true;
    else if (sql_words(p, "IGNORE NULLS")) e->nulls_ignore = true;
    return FN_OK;
}

/* Arguments up to and with ')'. A query may stand alone: view(SELECT 1). */
static fn_status parse_arguments(sql_parser *p, ast_expr *e)
{
    if (sql_symbol(p, SQL_SYMBOL1(')'))) return FN_OK;
    if (sql_word_is(p, 0, "SELECT") && sql_query_ahead(p, 0) && sql_token_at(p, 1)->kind != TOKEN_SYMBOL) {
        ast_expr *sub;
        FN_TRY(sql_node(p, AST_SUBQUERY, &sub));
        FN_TRY(sql_query(p, &sub->subquery));
        FN_TRY(sql_push(p, &e->args, sub));
        return sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket");
    }
    const bool word = sql_token_at(p, 1)->kind != TOKEN_SYMBOL || sql_token_at(p, 1)->symbol == SQL_SYMBOL1('(');
    if (word && sql_words(p, "DISTINCT")) e->distinct = true;
    else if (word && sql_token_at(p, 1)->kind == TOKEN_WORD) (void)sql_words(p, "ALL");
    do {
        ast_expr *arg;
        if (e->args.count && sql_is_symbol(p, SQL_SYMBOL1(')'))) break;
        if (e->args.count && sql_is_words(p, "SETTINGS") && sql_token_at(p, 1)->kind == TOKEN_WORD) {
            return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "SETTINGS among the arguments of a table function are not supported");
        }
        FN_TRY(sql_expr_alias(p, false, &arg));
        FN_TRY(sql_push(p, &e->args, arg));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    FN_TRY(parse_nulls_action(p, e));
    return sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket");
}

static fn_status parse_call_tail(sql_parser *p, ast_expr *e)
{
    FN_TRY(parse_nulls_action(p, e));
    if (sql_word_is(p, 0, "FILTER") && sql_token_at(p, 1)->kind == TOKEN_SYMBOL && sql_words(p, "FILTER")) {
        FN_TRY(sql_need_symbol(p, SQL_SYMBOL1('('), "OpeningRoundBracket"));
        FN_TRY(sql_need_words(p, "WHERE"));
        FN_TRY(sql_expr(p, &e->filter));
        FN_TRY(sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket"));
    }
    FN_TRY(parse_nulls_action(p, e));
    return sql_word_is(p, 0, "OVER") && sql_words(p, "OVER") ? sql_over(p, e) : FN_OK;
}

fn_status sql_call(sql_parser *p, ast_expr **out)
{
    ast_expr *e;
    FN_TRY(sql_node(p, AST_FUNCTION, &e));
    FN_TRY(sql_compound_name(p, &e->text));
    FN_TRY(sql_need_symbol(p, SQL_SYMBOL1('('), "OpeningRoundBracket"));
    FN_TRY(parse_arguments(p, e));
    if (!e->distinct && sql_symbol(p, SQL_SYMBOL1('('))) { /* quantile(0.5)(x) */
        e->params = e->args;
        e->args = (ast_list){0};
        FN_TRY(parse_arguments(p, e));
    }
    *out = e;
    return parse_call_tail(p, e);
}

static fn_status new_transformer(sql_parser *p, ast_expr *asterisk, const char *name, ast_expr **out)
{
    FN_TRY(sql_node(p, AST_TRANSFORMER, out));
    (*out)->text = fn_cstr(name);
    return sql_push(p, &asterisk->args2, *out);
}

static fn_status push_name(sql_parser *p, ast_list *list)
{
    fn_str name;
    ast_expr *e;
    FN_TRY(sql_compound_name(p, &name));
    FN_TRY(sql_identifier_node(p, name, &e));
    return sql_push(p, list, e);
}

/* EXCEPT a | (a, b) | 're' | ('re'), each with STRICT. */
static fn_status parse_except(sql_parser *p, ast_expr *asterisk)
{
    ast_expr *t;
    FN_TRY(new_transformer(p, asterisk, "EXCEPT", &t));
    t->distinct = sql_words(p, "STRICT");
    const bool round = sql_symbol(p, SQL_SYMBOL1('('));
    if (sql_token_at(p, 0)->kind == TOKEN_STRING) {
        FN_TRY(sql_string(p, &t->type_text));
    } else {
        do FN_TRY(push_name(p, &t->args));
        while (round && sql_symbol(p, SQL_SYMBOL1(',')));
    }
    return round ? sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket") : FN_OK;
}

static fn_status parse_replace(sql_parser *p, ast_expr *asterisk)
{
    ast_expr *t, *e;
    FN_TRY(new_transformer(p, asterisk, "REPLACE", &t));
    t->distinct = sql_words(p, "STRICT");
    const bool round = sql_symbol(p, SQL_SYMBOL1('('));
    do {
        FN_TRY(sql_expr(p, &e));
        FN_TRY(sql_need_words(p, "AS"));
        FN_TRY(sql_name(p, &e->alias));
        FN_TRY(sql_push(p, &t->args, e));
    } while (round && sql_symbol(p, SQL_SYMBOL1(',')));
    return round ? sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket") : FN_OK;
}

/* APPLY f | APPLY(f) | APPLY(f(params)) | APPLY x -> e | APPLY(x -> e) | APPLY(f, 'prefix') */
static fn_status parse_apply(sql_parser *p, ast_expr *asterisk)
{
    ast_expr *t, *f;
    FN_TRY(new_transformer(p, asterisk, "APPLY", &t));
    const bool round = sql_symbol(p, SQL_SYMBOL1('('));
    FN_TRY(sql_expr(p, &f));
    if (f->kind == AST_IDENTIFIER && f->part_count == 1) {
        f->kind = AST_FUNCTION;
        f->text = f->parts[0];
    } else if (f->kind == AST_FUNCTION && !f->is_operator && !f->params.count) {
        f->params = f->args;
        f->args = (ast_list){0};
    } else if (f->kind != AST_LAMBDA) {
        return sql_expected(p, "function name or lambda");
    }
    FN_TRY(sql_push(p, &t->args, f));
    if (round && sql_symbol(p, SQL_SYMBOL1(','))) FN_TRY(sql_string(p, &t->type_text));
    return round ? sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket") : FN_OK;
}

/* "* EXCEPT SELECT 1" is a set operation. */
static bool is_set_operation(sql_parser *p)
{
    return sql_word_is(p, 1, "SELECT") || sql_word_is(p, 1, "ALL") || sql_word_is(p, 1, "DISTINCT") ||
           (sql_token_at(p, 1)->kind == TOKEN_SYMBOL && sql_token_at(p, 1)->symbol == SQL_SYMBOL1('(') && sql_query_ahead(p, 2));
}

fn_status sql_asterisk(sql_parser *p, ast_expr *e)
{
    for (;;) {
        if (sql_is_words(p, "EXCEPT") && !is_set_operation(p)) {
            p->at++;
            FN_TRY(parse_except(p, e));
        } else if (sql_words(p, "REPLACE")) {
            FN_TRY(parse_replace(p, e));
        } else if (sql_words(p, "APPLY")) {
            FN_TRY(parse_apply(p, e));
        } else {
            return FN_OK;
        }
    }
}
