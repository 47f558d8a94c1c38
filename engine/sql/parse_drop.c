/* parse_drop.c - DROP, DETACH, TRUNCATE, RENAME, EXCHANGE: statements about whole tables and databases.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

fn_status sql_table_list(sql_parser *p, ast_statement *s)
{
    FN_TRY(sql_table_name(p, &s->name));
    while (sql_symbol(p, SQL_SYMBOL1(','))) {
        void *slot = sql_grow(p, &s->renames, &s->rename_count, sizeof *s->renames);
        FN_TRY_PTR(p->ctx, slot);
        FN_TRY(sql_table_name(p, &s->renames[s->rename_count - 1].from));
    }
    return FN_OK;
}

/* [TEMPORARY] TABLE | VIEW | DICTIONARY | DATABASE, IF [NOT] EXISTS / IF EMPTY, name. */
static fn_status parse_target(sql_parser *p, ast_statement *s)
{
    s->temporary = sql_words(p, "TEMPORARY");
    s->what = 't';
    if (sql_words(p, "DATABASE")) s->what = 'd';
    else if (sql_words(p, "VIEW")) s->what = 'v';
    else if (sql_words(p, "DICTIONARY")) s->what = 'D';
    else if (sql_words(p, "TABLE")) s->what = 't';
    else if (s->kind != STATEMENT_TRUNCATE && !s->temporary) return FN_SYNTAX_ERROR;
    s->if_exists = sql_words(p, "IF EXISTS");
    if (!s->if_exists) s->if_empty = sql_words(p, "IF EMPTY");
    if (s->what == 'd') return sql_database_name(p, &s->name);
    return sql_table_list(p, s);
}

static fn_status parse_tail(sql_parser *p, ast_statement *s)
{
    FN_TRY(sql_on_cluster(p, &s->on_cluster));
    if (sql_words(p, "PERMANENTLY")) s->permanently = true;
    if (sql_words(p, "SYNC") || sql_words(p, "NO DELAY")) s->sync = true;
    return sql_output_options(p, s);
}

fn_status sql_parse_drop(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_DROP;
    FN_TRY(parse_target(p, s));
    return parse_tail(p, s);
}

fn_status sql_parse_detach(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_DETACH;
    FN_TRY(parse_target(p, s));
    return parse_tail(p, s);
}

/* UNDROP TABLE [db.]t [UUID '...'] */
fn_status sql_parse_undrop(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_UNDROP;
    s->what = 't';
    FN_TRY(sql_table_name(p, &s->name));
    if (sql_words(p, "UUID")) FN_TRY(sql_string(p, &s->text));
    FN_TRY(sql_on_cluster(p, &s->on_cluster));
    return sql_output_options(p, s);
}

fn_status sql_parse_truncate(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_TRUNCATE;
    if (sql_words(p, "ALL TABLES") || sql_words(p, "TABLES")) {
        s->what = 'a'; /* all tables of a database */
        if (!sql_words(p, "FROM")) FN_TRY(sql_need_words(p, "IN"));
        s->if_exists = sql_words(p, "IF EXISTS");
        FN_TRY(sql_database_name(p, &s->name));
        if (sql_words(p, "LIKE")) FN_TRY(sql_string(p, &s->like));
        return parse_tail(p, s);
    }
    FN_TRY(parse_target(p, s));
    return parse_tail(p, s);
}

static fn_status parse_pairs(sql_parser *p, ast_statement *s, const char *word, bool databases)
{
    do {
        void *slot = sql_grow(p, &s->renames, &s->rename_count, sizeof *s->renames);
        FN_TRY_PTR(p->ctx, slot);
        ast_name *from = &s->renames[s->rename_count - 1].from, *to = &s->renames[s->rename_count - 1].to;
        FN_TRY(databases ? sql_database_name(p, from) : sql_table_name(p, from));
        FN_TRY(sql_need_words(p, word));
        FN_TRY(databases ? sql_database_name(p, to) : sql_table_name(p, to));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    FN_TRY(sql_on_cluster(p, &s->on_cluster));
    return sql_output_options(p, s);
}

fn_status sql_parse_rename(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_RENAME;
    s->what = 't';
    s->rename_database = sql_words(p, "DATABASE");
    if (s->rename_database) s->what = 'd';
    else if (sql_words(p, "DICTIONARY")) s->what = 'D';
    else FN_TRY(sql_need_words(p, "TABLE"));
    s->if_exists = sql_words(p, "IF EXISTS");
    return parse_pairs(p, s, "TO", s->rename_database);
}

fn_status sql_parse_exchange(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_EXCHANGE;
    s->what = sql_words(p, "DICTIONARIES") ? 'D' : 't';
    if (s->what == 't') FN_TRY(sql_need_words(p, "TABLES"));
    return parse_pairs(p, s, "AND", false);
}
