/* parse_operand.c - what operators stand between: literals, brackets, names, asterisks, subqueries.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

static bool symbol_at(sql_parser *p, uint32_t ahead, char c)
{
    const sql_token *t = sql_token_at(p, ahead);
    return t->kind == TOKEN_SYMBOL && t->symbol == SQL_SYMBOL1(c);
}

/* "[1, 2]::T", "-1::T", "(1, 'a')::T": the literal's text is what is cast. *out NULL: not such a literal. */
static fn_status parse_cast_literal(sql_parser *p, ast_expr **out)
{
    *out = NULL;
    uint32_t n = 0, depth = 0;
    for (;; n++) {
        const sql_token *t = sql_token_at(p, n);
        if (t->kind == TOKEN_NUMBER || t->kind == TOKEN_STRING) {
            if (depth == 0) break;
        } else if (t->kind == TOKEN_SYMBOL && (t->symbol == SQL_SYMBOL1('[') || t->symbol == SQL_SYMBOL1('('))) {
            depth++;
        } else if (t->kind == TOKEN_SYMBOL && depth && (t->symbol == SQL_SYMBOL1(']') || t->symbol == SQL_SYMBOL1(')'))) {
            if (--depth == 0) break;
        } else if (!(t->kind == TOKEN_SYMBOL && (t->symbol == SQL_SYMBOL1('-') || (depth && t->symbol == SQL_SYMBOL1(','))))) {
            return FN_OK;
        }
    }
    const sql_token *cast = sql_token_at(p, n + 1), *last = sql_token_at(p, n), *first = sql_token_at(p, 0);
    if (cast->kind != TOKEN_SYMBOL || cast->symbol != SQL_SYMBOL(':', ':', 0)) return FN_OK;
    if (first->kind == TOKEN_STRING || (symbol_at(p, 0, '(') && n == 2)) return FN_OK; /* (1)::T is a parenthesis */
    fn_str text, type;
    FN_TRY(fn_arena_str(p->ctx, p->ctx->arena, (fn_str){p->text.data + first->begin, last->end - first->begin}, &text));
    p->at += n + 2;
    ast_expr *value, *name;
    FN_TRY(sql_type(p, &type));
    FN_TRY(sql_string_node(p, text, &value));
    FN_TRY(sql_string_node(p, type, &name));
    return sql_call2(p, "CAST", value, name, out);
}

/* Behind '(' that begins no query: (x), (), (x, y), (x,). */
static fn_status parse_round(sql_parser *p, ast_expr **out)
{
    ast_list list = {0};
    bool comma = false;
    if (!sql_is_symbol(p, SQL_SYMBOL1(')'))) {
        do {
            ast_expr *e;
            if (list.count) comma = true;
            if (comma && sql_is_symbol(p, SQL_SYMBOL1(')'))) break;
            FN_TRY(sql_expr_alias(p, false, &e));
            FN_TRY(sql_push(p, &list, e));
        } while (sql_symbol(p, SQL_SYMBOL1(',')));
    }
    FN_TRY(sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket"));
    if (list.count == 1 && !comma) {
        *out = list.items[0];
        (*out)->parenthesized = true;
        return FN_OK;
    }
    FN_TRY(sql_node(p, AST_FUNCTION, out));
    (*out)->text = FN_STR("tuple");
    (*out)->is_operator = true;
    (*out)->args = list;
    return FN_OK;
}

static fn_status parse_square(sql_parser *p, ast_expr **out)
{
    FN_TRY(sql_node(p, AST_FUNCTION, out));
    (*out)->text = FN_STR("array");
    (*out)->is_operator = true;
    if (!sql_is_symbol(p, SQL_SYMBOL1(']'))) {
        do {
            ast_expr *e;
            if ((*out)->args.count && sql_is_symbol(p, SQL_SYMBOL1(']'))) break;
            FN_TRY(sql_expr_alias(p, false, &e));
            FN_TRY(sql_push(p, &(*out)->args, e));
        } while (sql_symbol(p, SQL_SYMBOL1(',')));
    }
    return sql_need_symbol(p, SQL_SYMBOL1(']'), "ClosingSquareBracket");
}

static fn_status add_part(sql_parser *p, ast_expr *e, fn_str part)
{
    fn_str *slot = sql_grow(p, &e->parts, &e->part_count, sizeof *slot);
    FN_TRY_PTR(p->ctx, slot);
    *slot = part;
    return FN_OK;
}

/* Parts of JSON paths: .^name, .:Type, and [] behind a name, which is .:`Array(JSON)`. */
static fn_status parse_json_part(sql_parser *p, ast_expr *e)
{
    fn_str text;
    const bool sub = sql_symbol(p, SQL_SYMBOL1('^'));
    if (sub) FN_TRY(sql_name(p, &text));
    else if (sql_symbol(p, SQL_SYMBOL1(':'))) FN_TRY(sql_token_at(p, 0)->kind == TOKEN_QUOTED ? sql_name(p, &text) : sql_type(p, &text));
    else FN_TRY(sql_name(p, &text));
    char *part = fn_arena_printf(p->ctx, p->ctx->arena, sub ? "^%.*s" : ":`%.*s`", (int)text.size, text.data);
    FN_TRY_PTR(p->ctx, part);
    return add_part(p, e, fn_cstr(part));
}

static fn_status parse_json_arrays(sql_parser *p, ast_expr *e)
{
    unsigned levels = 0;
    while (symbol_at(p, 0, '[') && symbol_at(p, 1, ']')) {
        levels++;
        p->at += 2;
    }
    if (!levels) return FN_OK;
    if (levels > 64) return sql_expected(p, "JSON path");
    char text[64 * 7 + 8];
    size_t n = 0;
    text[n++] = ':';
    text[n++] = '`';
    for (unsigned i = 0; i < levels; i++, n += 6) memcpy(text + n, "Array(", 6);
    memcpy(text + n, "JSON", 4);
    n += 4;
    for (unsigned i = 0; i < levels; i++) text[n++] = ')';
    fn_str part;
    if (n + 1 > sizeof text) return sql_expected(p, "JSON path");
    text[n++] = '`';
    FN_TRY(fn_arena_str(p->ctx, p->ctx->arena, (fn_str){text, n}, &part));
    return add_part(p, e, part);
}

/* a.b.c, stopping in front of .1, .*, .COLUMNS( */
static fn_status parse_identifier(sql_parser *p, ast_expr **out)
{
    fn_str part;
    FN_TRY(sql_node(p, AST_IDENTIFIER, out));
    FN_TRY(sql_name(p, &part));
    FN_TRY(add_part(p, *out, part));
    for (;;) {
        FN_TRY(parse_json_arrays(p, *out));
        if (!symbol_at(p, 0, '.')) return FN_OK;
        const sql_token *next = sql_token_at(p, 1);
        if (symbol_at(p, 1, '^') || symbol_at(p, 1, ':')) {
            p->at++;
            FN_TRY(parse_json_part(p, *out));
            continue;
        }
        if (next->kind != TOKEN_WORD && next->kind != TOKEN_QUOTED) return FN_OK;
        if (sql_word_is(p, 1, "COLUMNS") && symbol_at(p, 2, '(')) return FN_OK;
        p->at++;
        FN_TRY(sql_name(p, &part));
        FN_TRY(add_part(p, *out, part));
    }
}

/* COLUMNS('re') or COLUMNS(a, b), at the word. */
static fn_status parse_columns_matcher(sql_parser *p, ast_expr *e)
{
    p->at += 2;
    const sql_token *t = sql_token_at(p, 0);
    if (t->kind == TOKEN_STRING) FN_TRY(sql_string(p, &e->text));
    else FN_TRY(sql_expr_list(p, false, false, &e->args));
    FN_TRY(sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket"));
    return sql_asterisk(p, e);
}

/* An identifier may turn out to be t.*, t.COLUMNS(...) or the name of a function. */
static fn_status parse_named(sql_parser *p, ast_expr **out)
{
    const uint32_t before = p->at;
    FN_TRY(parse_identifier(p, out));
    if (symbol_at(p, 0, '(')) {
        p->at = before;
        return sql_call(p, out);
    }
    if (!symbol_at(p, 0, '.')) return FN_OK;
    if (symbol_at(p, 1, '*')) {
        (*out)->kind = AST_ASTERISK;
        p->at += 2;
        return sql_asterisk(p, *out);
    }
    if (sql_word_is(p, 1, "COLUMNS") && symbol_at(p, 2, '(')) {
        (*out)->kind = AST_ASTERISK;
        p->at++;
        return parse_columns_matcher(p, *out);
    }
    return FN_OK;
}

static fn_status parse_bracket(sql_parser *p, ast_expr **out)
{
    if (symbol_at(p, 0, '(') || symbol_at(p, 0, '[')) {
        FN_TRY(parse_cast_literal(p, out));
        if (*out) return FN_OK;
    }
    if (symbol_at(p, 0, '(') && sql_query_ahead(p, 1)) {
        const uint32_t before = p->at;
        const bool sure = sql_word_is(p, 1, "SELECT");
        FN_TRY(sql_node(p, AST_SUBQUERY, out));
        const fn_status status = sql_subquery(p, &(*out)->subquery);
        if (sure || !sql_soft(p, status)) return status;
        p->at = before; /* ((SELECT 1) + 2) looks like a query until the operator */
    }
    if (sql_symbol(p, SQL_SYMBOL1('('))) return parse_round(p, out);
    if (sql_symbol(p, SQL_SYMBOL1('['))) return parse_square(p, out);
    if (symbol_at(p, 0, '{')) return sql_parameter(p, out);
    if (sql_symbol(p, SQL_SYMBOL1('*'))) {
        FN_TRY(sql_node(p, AST_ASTERISK, out));
        return sql_asterisk(p, *out);
    }
    if (sql_symbol(p, SQL_SYMBOL('@', '@', 0))) {
        fn_str name;
        ast_expr *text;
        FN_TRY(sql_compound_name(p, &name));
        FN_TRY(sql_string_node(p, name, &text));
        return sql_call1(p, "globalVariable", text, out);
    }
    return sql_expected(p, "expression");
}

/* Whether the token may begin an expression (and so the word before it is a keyword, not a name). */
static bool begins_operand(sql_parser *p, uint32_t ahead)
{
    const sql_token *t = sql_token_at(p, ahead);
    if (t->kind == TOKEN_END || t->kind == TOKEN_BAD) return false;
    if (t->kind == TOKEN_WORD) return !sql_word_is(p, ahead, "AS") && !sql_word_is(p, ahead, "FROM");
    return t->kind != TOKEN_SYMBOL || symbol_at(p, ahead, '(') || symbol_at(p, ahead, '[') || symbol_at(p, ahead, '-') ||
           symbol_at(p, ahead, '{');
}

/* Words that begin something else than a name; *done is false if this is a name after all. */
static fn_status parse_word(sql_parser *p, ast_expr **out, bool *done)
{
    *done = true;
    if (sql_word_is(p, 0, "CASE") && begins_operand(p, 1)) return sql_case(p, out);
    if (sql_word_is(p, 0, "INTERVAL")) {
        FN_TRY(sql_interval(p, out, done));
        if (*done) return FN_OK;
        *done = true;
    }
    const bool string = sql_token_at(p, 1)->kind == TOKEN_STRING;
    if (string && (sql_word_is(p, 0, "DATE") || sql_word_is(p, 0, "TIMESTAMP"))) {
        fn_str text;
        ast_expr *value;
        const char *function = sql_word_is(p, 0, "DATE") ? "toDate" : "toDateTime";
        p->at++;
        FN_TRY(sql_string(p, &text));
        FN_TRY(sql_string_node(p, text, &value));
        return sql_call1(p, function, value, out);
    }
    const bool opens = symbol_at(p, 1, '('), dot = symbol_at(p, 1, '.');
    if (!opens && !dot && (sql_word_is(p, 0, "NULL") || sql_word_is(p, 0, "TRUE") || sql_word_is(p, 0, "FALSE") ||
                           sql_word_is(p, 0, "inf") || sql_word_is(p, 0, "nan")))
        return sql_literal(p, out);
    if (opens && sql_word_is(p, 0, "COLUMNS")) {
        FN_TRY(sql_node(p, AST_ASTERISK, out));
        return parse_columns_matcher(p, *out);
    }
    if (opens) return sql_special_call(p, out, done);
    *done = false;
    return FN_OK;
}

fn_status sql_operand(sql_parser *p, ast_expr **out)
{
    const sql_token *t = sql_token_at(p, 0);
    switch (t->kind) {
    case TOKEN_WORD: {
        bool done;
        FN_TRY(parse_word(p, out, &done));
        return done ? FN_OK : parse_named(p, out);
    }
    case TOKEN_QUOTED:
        return parse_named(p, out);
    case TOKEN_NUMBER:
    case TOKEN_STRING:
    case TOKEN_HEREDOC:
    case TOKEN_HEX:
    case TOKEN_BIN:
        FN_TRY(parse_cast_literal(p, out));
        return *out ? FN_OK : sql_literal(p, out);
    case TOKEN_SYMBOL:
        if (t->symbol == SQL_SYMBOL1('-')) {
            FN_TRY(parse_cast_literal(p, out));
            return *out ? FN_OK : sql_literal(p, out);
        }
        return parse_bracket(p, out);
    case TOKEN_END:
    case TOKEN_BAD:
        return sql_expected(p, "expression");
    }
    FN_IMPOSSIBLE("token kind");
}
