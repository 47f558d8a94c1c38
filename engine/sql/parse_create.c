/* parse_create.c - CREATE TABLE, VIEW, MATERIALIZED VIEW, DATABASE; ATTACH and REPLACE of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

static const uint32_t round_open = SQL_SYMBOL1('(');

static fn_status parse_uuid(sql_parser *p, fn_str *out)
{
    return sql_words(p, "UUID") ? sql_string(p, out) : FN_OK;
}

static fn_status parse_columns(sql_parser *p, ast_create *c)
{
    return sql_symbol(p, round_open) ? sql_columns_and_items(p, c) : FN_OK;
}

static fn_status refuse_security(sql_parser *p)
{
    if (sql_words(p, "DEFINER") || sql_words(p, "SQL SECURITY")) {
        return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "DEFINER and SQL SECURITY of views are not supported");
    }
    return FN_OK;
}

static fn_status parse_trailing_comment(sql_parser *p, ast_create *c)
{
    return !c->comment.data && sql_words(p, "COMMENT") ? sql_string(p, &c->comment) : FN_OK;
}

/* AS SELECT ... | AS table | AS function(...) */
static fn_status parse_as(sql_parser *p, ast_create *c)
{
    if (sql_query_ahead(p, 0)) return sql_query(p, &c->as_select);
    if (sql_token_at(p, 1)->kind == TOKEN_SYMBOL && sql_token_at(p, 1)->symbol == round_open) return sql_call(p, &c->as_function);
    return sql_table_name(p, &c->as_table);
}

static fn_status parse_name(sql_parser *p, ast_create *c, bool may_exist)
{
    if (may_exist) c->if_not_exists = sql_words(p, "IF NOT EXISTS");
    FN_TRY(sql_table_name(p, &c->name));
    FN_TRY(parse_uuid(p, &c->uuid));
    return sql_on_cluster(p, &c->on_cluster);
}

static fn_status parse_table(sql_parser *p, ast_create *c)
{
    FN_TRY(parse_name(p, c, !c->or_replace && !c->replace));
    if (c->is_attach && sql_words(p, "FROM")) return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "ATTACH TABLE ... FROM is not supported");
    FN_TRY(parse_columns(p, c));
    FN_TRY(sql_engine(p, &c->engine, &c->comment));
    c->empty = sql_words(p, "EMPTY");
    if (!c->empty) c->clone = sql_words(p, "CLONE");
    const bool as = sql_words(p, "AS");
    if ((c->empty || c->clone) && !as) return FN_SYNTAX_ERROR;
    if (as) FN_TRY(parse_as(p, c));
    if (as && !c->as_select) FN_TRY(sql_engine(p, &c->engine, &c->comment));
    return parse_trailing_comment(p, c);
}

static fn_status parse_view(sql_parser *p, ast_create *c)
{
    FN_TRY(parse_name(p, c, !c->or_replace));
    if (sql_words(p, "REFRESH")) {
        c->refreshable = true;
        return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "Refreshable materialized views are not supported");
    }
    if (c->materialized && sql_words(p, "TO")) FN_TRY(sql_table_name(p, &c->to_table));
    FN_TRY(parse_columns(p, c));
    if (c->materialized) {
        FN_TRY(sql_engine(p, &c->engine, &c->comment));
        c->populate = sql_words(p, "POPULATE");
        if (!c->populate) c->empty = sql_words(p, "EMPTY");
    }
    FN_TRY(refuse_security(p));
    FN_TRY(parse_trailing_comment(p, c));
    FN_TRY(sql_need_words(p, "AS"));
    FN_TRY(sql_query(p, &c->as_select));
    return parse_trailing_comment(p, c);
}

static fn_status parse_database(sql_parser *p, ast_create *c)
{
    c->if_not_exists = sql_words(p, "IF NOT EXISTS");
    FN_TRY(sql_database_name(p, &c->name));
    FN_TRY(parse_uuid(p, &c->uuid));
    FN_TRY(sql_on_cluster(p, &c->on_cluster));
    return sql_engine(p, &c->engine, &c->comment);
}

/* Behind CREATE, ATTACH or REPLACE. */
static fn_status parse_object(sql_parser *p, ast_statement *s, ast_statement_kind table, ast_statement_kind view, ast_statement_kind database)
{
    ast_create *c = s->create;
    c->temporary = sql_words(p, "TEMPORARY");
    if (sql_words(p, "TABLE")) {
        s->kind = table;
        s->what = 't';
        FN_TRY(parse_table(p, c));
    } else if (!c->temporary && sql_words(p, "DATABASE")) {
        s->kind = database;
        s->what = 'd';
        FN_TRY(parse_database(p, c));
    } else if (sql_words(p, "DICTIONARY")) {
        s->what = 'D';
        FN_TRY(sql_table_name(p, &c->name));
    } else {
        c->materialized = sql_words(p, "MATERIALIZED");
        c->is_live = !c->materialized && sql_words(p, "LIVE");
        c->is_window = !c->materialized && !c->is_live && sql_words(p, "WINDOW");
        FN_TRY(sql_need_words(p, "VIEW"));
        if (c->is_live || c->is_window) return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "%s views are not supported", c->is_live ? "LIVE" : "WINDOW");
        s->kind = view;
        s->what = 'v';
        FN_TRY(parse_view(p, c));
    }
    s->name = c->name;
    s->on_cluster = c->on_cluster;
    s->temporary = c->temporary;
    return sql_output_options(p, s);
}

static fn_status new_create(sql_parser *p, ast_statement *s)
{
    s->create = FN_NEW(p->ctx, ast_create);
    FN_TRY_PTR(p->ctx, s->create);
    return FN_OK;
}

fn_status sql_parse_create(sql_parser *p, ast_statement *s)
{
    FN_TRY(new_create(p, s));
    s->create->or_replace = sql_words(p, "OR REPLACE");
    return parse_object(p, s, STATEMENT_CREATE_TABLE, STATEMENT_CREATE_VIEW, STATEMENT_CREATE_DATABASE);
}

fn_status sql_parse_replace(sql_parser *p, ast_statement *s)
{
    FN_TRY(new_create(p, s));
    s->create->replace = true;
    return parse_object(p, s, STATEMENT_CREATE_TABLE, STATEMENT_CREATE_VIEW, STATEMENT_CREATE_DATABASE);
}

fn_status sql_parse_attach(sql_parser *p, ast_statement *s)
{
    FN_TRY(new_create(p, s));
    s->kind = STATEMENT_ATTACH;
    s->create->is_attach = true;
    return parse_object(p, s, STATEMENT_ATTACH, STATEMENT_ATTACH, STATEMENT_ATTACH);
}
