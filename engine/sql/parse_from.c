/* parse_from.c - FROM: tables, table functions, subqueries, joins, ARRAY JOIN. Everything is left-associative.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

static fn_status new_from(sql_parser *p, ast_from_kind kind, ast_from **out)
{
    *out = FN_NEW(p->ctx, ast_from);
    FN_TRY_PTR(p->ctx, *out);
    (*out)->kind = kind;
    return FN_OK;
}

static fn_status parse_table_alias(sql_parser *p, ast_from *f)
{
    const bool as = sql_words(p, "AS");
    const sql_token *t = sql_token_at(p, 0);
    const bool bare = t->kind == TOKEN_QUOTED || (t->kind == TOKEN_WORD && sql_alias_allowed(sql_token_text(p, t)));
    if (!as && !bare) return FN_OK;
    FN_TRY(sql_name(p, &f->alias));
    if (!sql_symbol(p, SQL_SYMBOL1('('))) return FN_OK;
    do {
        fn_str *name = sql_grow(p, &f->column_aliases, &f->column_alias_count, sizeof *name);
        FN_TRY_PTR(p->ctx, name);
        FN_TRY(sql_name(p, name));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    return sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket");
}

/* 0.1, 1/10, 10000 */
static fn_status parse_ratio(sql_parser *p, ast_expr **out)
{
    ast_expr *up, *down;
    FN_TRY(sql_number(p, false, &up));
    *out = up;
    if (!sql_symbol(p, SQL_SYMBOL1('/'))) return FN_OK;
    FN_TRY(sql_number(p, false, &down));
    FN_TRY(sql_call2(p, "divide", up, down, out));
    (*out)->is_operator = true;
    return FN_OK;
}

static bool is_call(sql_parser *p)
{
    uint32_t n = 0;
    for (;; n += 2) {
        const sql_token *name = sql_token_at(p, n), *next = sql_token_at(p, n + 1);
        if (name->kind != TOKEN_WORD && name->kind != TOKEN_QUOTED) return false;
        if (next->kind != TOKEN_SYMBOL) return false;
        if (next->symbol == SQL_SYMBOL1('(')) return true;
        if (next->symbol != SQL_SYMBOL1('.')) return false;
    }
}

static fn_status parse_table(sql_parser *p, ast_from **out)
{
    ast_from *f;
    FN_TRY(new_from(p, FROM_TABLE, &f));
    if (sql_is_symbol(p, SQL_SYMBOL1('('))) {
        if (!sql_query_ahead(p, 1)) return sql_expected(p, "table or subquery or table function");
        f->kind = FROM_SUBQUERY;
        FN_TRY(sql_subquery(p, &f->subquery));
    } else if (is_call(p)) {
        f->kind = FROM_FUNCTION;
        FN_TRY(sql_call(p, &f->function));
    } else {
        ast_name name = {0};
        const fn_status status = sql_table_name(p, &name);
        if (sql_soft(p, status)) return sql_expected(p, "table or subquery or table function");
        FN_TRY(status);
        f->database = name.database;
        f->table = name.table;
        f->database_param = name.database_param;
        f->table_param = name.table_param;
    }
    FN_TRY(parse_table_alias(p, f));
    f->final = sql_words(p, "FINAL");
    if (sql_words(p, "SAMPLE")) {
        FN_TRY(parse_ratio(p, &f->sample));
        if (sql_words(p, "OFFSET")) FN_TRY(parse_ratio(p, &f->sample_offset));
    }
    *out = f;
    return FN_OK;
}

static const struct {
    const char *word;
    ast_join_strictness strictness;
} strict_words[] = {{"ANY", STRICT_ANY}, {"ALL", STRICT_ALL}, {"ASOF", STRICT_ASOF}, {"SEMI", STRICT_SEMI}, {"ANTI", STRICT_ANTI}, {"ONLY", STRICT_SEMI}};
static const struct {
    const char *word;
    ast_join_kind kind;
} kind_words[] = {{"INNER", JOIN_INNER}, {"LEFT", JOIN_LEFT}, {"RIGHT", JOIN_RIGHT}, {"FULL", JOIN_FULL}, {"CROSS", JOIN_CROSS}, {"PASTE", JOIN_PASTE}};

static void parse_strictness(sql_parser *p, ast_from *f)
{
    for (size_t i = 0; f->strictness == STRICT_DEFAULT && i < FN_COUNT(strict_words); i++) {
        if (sql_words(p, strict_words[i].word)) f->strictness = strict_words[i].strictness;
    }
}

/* [GLOBAL|LOCAL] [strictness] [kind] [strictness] [OUTER] JOIN; *found false: no join here. */
static fn_status parse_join_words(sql_parser *p, ast_from *f, bool *found)
{
    const uint32_t before = p->at;
    bool kind = false;
    *found = true;
    f->join = JOIN_INNER;
    if (sql_symbol(p, SQL_SYMBOL1(','))) {
        f->join = JOIN_COMMA;
        return FN_OK;
    }
    f->global = sql_words(p, "GLOBAL");
    if (!f->global) (void)sql_words(p, "LOCAL");
    parse_strictness(p, f);
    for (size_t i = 0; !kind && i < FN_COUNT(kind_words); i++) {
        kind = sql_words(p, kind_words[i].word);
        if (kind) f->join = kind_words[i].kind;
    }
    parse_strictness(p, f);
    if (f->join == JOIN_LEFT || f->join == JOIN_RIGHT || f->join == JOIN_FULL) (void)sql_words(p, "OUTER");
    if (sql_words(p, "JOIN")) {
        const bool semi = f->strictness == STRICT_SEMI || f->strictness == STRICT_ANTI;
        if (semi && !kind) f->join = JOIN_LEFT;
        if (semi && f->join != JOIN_LEFT && f->join != JOIN_RIGHT) {
            return fn_fail(p->ctx, FN_SYNTAX_ERROR, "SEMI|ANTI JOIN should be LEFT or RIGHT.");
        }
        if (f->strictness != STRICT_DEFAULT && (f->join == JOIN_CROSS || f->join == JOIN_PASTE)) {
            return fn_fail(p->ctx, FN_SYNTAX_ERROR, "You must not specify ANY or ALL for %s JOIN.", f->join == JOIN_CROSS ? "CROSS" : "PASTE");
        }
        return FN_OK;
    }
    *found = false;
    p->at = before;
    return FN_OK;
}

static fn_status parse_join_condition(sql_parser *p, ast_from *f)
{
    if (f->join == JOIN_CROSS || f->join == JOIN_COMMA || f->join == JOIN_PASTE) return FN_OK;
    if (sql_words(p, "ON")) return sql_expr(p, &f->on);
    FN_TRY(sql_need_words(p, "USING"));
    const bool round = sql_symbol(p, SQL_SYMBOL1('('));
    do {
        ast_expr *e;
        FN_TRY(sql_expr_alias(p, false, &e));
        FN_TRY(sql_push(p, &f->using, e));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    return round ? sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket") : FN_OK;
}

static fn_status parse_array_join(sql_parser *p, ast_from **left, bool *found)
{
    const bool outer = sql_words(p, "LEFT ARRAY JOIN");
    *found = outer || sql_words(p, "INNER ARRAY JOIN") || sql_words(p, "ARRAY JOIN");
    if (!*found) return FN_OK;
    ast_from *f;
    FN_TRY(new_from(p, FROM_ARRAY_JOIN, &f));
    f->array_join_left = outer;
    f->left = *left;
    *left = f;
    return sql_expr_list(p, true, false, &f->array_join);
}

fn_status sql_from(sql_parser *p, ast_from **out)
{
    ast_from *left, *f;
    bool found;
    FN_TRY(parse_table(p, &left));
    for (;;) {
        FN_TRY(parse_array_join(p, &left, &found));
        if (found) continue;
        FN_TRY(new_from(p, FROM_JOIN, &f));
        FN_TRY(parse_join_words(p, f, &found));
        if (!found) break;
        f->left = left;
        FN_TRY(parse_table(p, &f->right));
        FN_TRY(parse_join_condition(p, f));
        left = f;
    }
    *out = left;
    return FN_OK;
}
