/* parse_insert.c - INSERT: the statement ends where its data begins; the data itself is not looked at.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

/* a, b, n.c or * EXCEPT (a), COLUMNS('re'), up to and with ')'. */
static fn_status parse_insert_columns(sql_parser *p, ast_statement *s)
{
    do {
        ast_expr *e;
        if (s->insert_columns.count && sql_is_symbol(p, SQL_SYMBOL1(')'))) break;
        const sql_token *t = sql_token_at(p, 0);
        const bool matcher = t->kind == TOKEN_SYMBOL || (sql_word_is(p, 0, "COLUMNS") && sql_token_at(p, 1)->symbol == SQL_SYMBOL1('('));
        if (matcher) {
            FN_TRY(sql_operand(p, &e));
            if (e->kind != AST_ASTERISK) return sql_expected(p, "identifier");
        } else {
            fn_str name;
            FN_TRY(sql_compound_name(p, &name));
            FN_TRY(sql_identifier_node(p, name, &e));
        }
        FN_TRY(sql_push(p, &s->insert_columns, e));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    return sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket");
}

/* Where the data begins behind "FORMAT x": spaces and one line end (or one ';') belong to the statement. */
static size_t behind_format(fn_str text, size_t at)
{
    while (at < text.size && (text.data[at] == ' ' || text.data[at] == '\t' || text.data[at] == '\f')) at++;
    if (at < text.size && text.data[at] == ';') at++;
    while (at < text.size && (text.data[at] == ' ' || text.data[at] == '\t' || text.data[at] == '\f')) at++;
    if (at < text.size && text.data[at] == '\r') at++;
    if (at < text.size && text.data[at] == '\n') at++;
    return at;
}

static size_t last_token_end(const sql_parser *p)
{
    return p->tokens[p->at - 1].end;
}

static fn_status parse_source(sql_parser *p, ast_statement *s)
{
    if (sql_words(p, "FROM INFILE")) return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "INSERT ... FROM INFILE is not supported by the server");
    if (sql_words(p, "VALUES")) {
        s->insert_values = true;
        s->format = FN_STR("Values");
        s->has_data_offset = true;
        s->data_offset = last_token_end(p);
        return FN_OK;
    }
    if (sql_words(p, "FORMAT")) {
        FN_TRY(sql_name(p, &s->format));
        s->insert_values = fn_str_eq_nocase(s->format, FN_STR("Values"));
        s->has_data_offset = true;
        s->data_offset = behind_format(p->text, last_token_end(p));
        return FN_OK;
    }
    if (sql_words(p, "WATCH")) return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "INSERT ... WATCH is not supported");
    if (!sql_query_ahead(p, 0)) {
        (void)sql_is_words(p, "SELECT");
        (void)sql_is_words(p, "WITH");
        return FN_SYNTAX_ERROR;
    }
    FN_TRY(sql_query(p, &s->query));
    return sql_output_options(p, s);
}

fn_status sql_parse_insert(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_INSERT;
    if (!sql_words(p, "INTO")) (void)sql_is_words(p, "TABLE");
    (void)sql_words(p, "TABLE");
    const sql_token *next = sql_token_at(p, 1);
    if (sql_is_words(p, "FUNCTION") && next->kind == TOKEN_WORD && sql_words(p, "FUNCTION")) {
        FN_TRY(sql_call(p, &s->function));
        if (sql_words(p, "PARTITION BY")) FN_TRY(sql_expr(p, &s->partition.value));
    } else {
        FN_TRY(sql_table_name(p, &s->name));
    }
    if (sql_is_symbol(p, SQL_SYMBOL1('(')) && !sql_query_ahead(p, 1)) {
        p->at++;
        FN_TRY(parse_insert_columns(p, s));
    }
    if (sql_words(p, "SETTINGS")) FN_TRY(sql_settings(p, &s->settings, &s->setting_count));
    return parse_source(p, s);
}
