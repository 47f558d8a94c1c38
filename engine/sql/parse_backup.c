/* parse_backup.c - BACKUP and RESTORE:
 *   BACKUP | RESTORE  element, ...  [ON CLUSTER c]  TO | FROM  place  [SETTINGS ...] [ASYNC | SYNC] [FORMAT f]
 *   element = TABLE | VIEW | DICTIONARY [db.]t [AS [db.]t] [PARTITION[S] p, ...] | TEMPORARY TABLE t [AS t]
 *           | DATABASE d [AS d] [EXCEPT TABLE[S] t, ...] | ALL [EXCEPT TABLE[S] t, ... | DATABASE[S] d, ...]
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

static fn_status parse_partitions(sql_parser *p, ast_backup_element *e)
{
    if (!sql_words(p, "PARTITIONS") && !sql_words(p, "PARTITION")) return FN_OK;
    do {
        void *slot = sql_grow(p, &e->partitions, &e->partition_count, sizeof *e->partitions);
        FN_TRY_PTR(p->ctx, slot);
        FN_TRY(sql_partition(p, &e->partitions[e->partition_count - 1]));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    return FN_OK;
}

/* Does another element begin behind this comma? */
static bool element_ahead(sql_parser *p)
{
    static const char *const words[] = {"TABLE", "VIEW", "DICTIONARY", "TEMPORARY", "DATABASE", "ALL"};
    for (size_t i = 0; i < FN_COUNT(words); i++)
        if (sql_word_is(p, 1, words[i])) return true;
    return false;
}

static fn_status parse_names(sql_parser *p, ast_name **names, uint32_t *count, bool databases)
{
    do {
        void *slot = sql_grow(p, names, count, sizeof **names);
        FN_TRY_PTR(p->ctx, slot);
        ast_name *name = &(*names)[*count - 1];
        FN_TRY(databases ? sql_database_name(p, name) : sql_table_name(p, name));
        if (!sql_is_symbol(p, SQL_SYMBOL1(',')) || element_ahead(p)) return FN_OK;
        p->at++;
    } while (true);
}

static fn_status parse_except(sql_parser *p, ast_backup_element *e)
{
    while (sql_words(p, "EXCEPT")) {
        if (sql_words(p, "TABLES") || sql_words(p, "TABLE")) {
            FN_TRY(parse_names(p, &e->except_tables, &e->except_table_count, false));
        } else if (e->kind == BACKUP_ALL && (sql_words(p, "DATABASES") || sql_words(p, "DATABASE"))) {
            FN_TRY(parse_names(p, &e->except_databases, &e->except_database_count, true));
        } else {
            return sql_expected(p, "TABLES");
        }
    }
    return FN_OK;
}

static fn_status parse_element(sql_parser *p, ast_backup_element *e)
{
    if (sql_words(p, "ALL")) {
        e->kind = BACKUP_ALL;
        return parse_except(p, e);
    }
    if (sql_words(p, "DATABASE")) {
        e->kind = BACKUP_DATABASE;
        FN_TRY(sql_database_name(p, &e->name));
        if (sql_words(p, "AS")) FN_TRY(sql_database_name(p, &e->as));
        return parse_except(p, e);
    }
    e->kind = sql_words(p, "TEMPORARY") ? BACKUP_TEMPORARY : BACKUP_TABLE;
    if (e->kind == BACKUP_TEMPORARY) FN_TRY(sql_need_words(p, "TABLE"));
    else if (!sql_words(p, "TABLE") && !sql_words(p, "VIEW") && !sql_words(p, "DICTIONARY")) return sql_expected(p, "TABLE");
    FN_TRY(sql_table_name(p, &e->name));
    if (sql_words(p, "AS")) FN_TRY(sql_table_name(p, &e->as));
    return parse_partitions(p, e);
}

static fn_status parse_place(sql_parser *p, ast_expr **out)
{
    const sql_token *next = sql_token_at(p, 1);
    if (next->kind == TOKEN_SYMBOL && next->symbol == SQL_SYMBOL1('(')) return sql_call(p, out);
    FN_TRY(sql_node(p, AST_FUNCTION, out));
    return sql_name(p, &(*out)->text);
}

static fn_status parse(sql_parser *p, ast_statement *s, const char *direction)
{
    ast_backup *b = FN_NEW(p->ctx, ast_backup);
    FN_TRY_PTR(p->ctx, b);
    s->backup = b;
    do {
        void *slot = sql_grow(p, &b->elements, &b->count, sizeof *b->elements);
        FN_TRY_PTR(p->ctx, slot);
        FN_TRY(parse_element(p, &b->elements[b->count - 1]));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    FN_TRY(sql_on_cluster(p, &s->on_cluster));
    FN_TRY(sql_need_words(p, direction));
    FN_TRY(parse_place(p, &b->place));
    if (sql_words(p, "SETTINGS")) FN_TRY(sql_settings(p, &b->settings, &b->setting_count));
    b->async = sql_words(p, "ASYNC");
    b->sync = !b->async && sql_words(p, "SYNC");
    return sql_words(p, "FORMAT") ? sql_name(p, &s->format) : FN_OK;
}

fn_status sql_parse_backup(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_BACKUP;
    return parse(p, s, "TO");
}

fn_status sql_parse_restore(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_RESTORE;
    return parse(p, s, "FROM");
}
