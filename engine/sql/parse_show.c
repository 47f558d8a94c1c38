/* parse_show.c - SHOW ...: text holds the canonical words ("CREATE TABLE", "TABLES", "COLUMNS"), the rest is filters.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

/* [NOT] LIKE | ILIKE 'x' | WHERE expr, LIMIT n */
static fn_status parse_filter(sql_parser *p, ast_statement *s)
{
    s->not_like = sql_words(p, "NOT");
    if (sql_words(p, "LIKE") || (s->ilike = sql_words(p, "ILIKE"))) {
        FN_TRY(sql_string(p, &s->like));
    } else if (s->not_like) {
        return FN_SYNTAX_ERROR;
    } else if (sql_words(p, "WHERE")) {
        FN_TRY(sql_expr(p, &s->where));
    }
    return sql_words(p, "LIMIT") ? sql_expr(p, &s->limit) : FN_OK;
}

static fn_status parse_create(sql_parser *p, ast_statement *s)
{
    static const char *const others[] = {"USERS", "USER", "ROLES", "ROLE", "QUOTAS", "QUOTA", "ROW POLICY", "POLICY", "SETTINGS PROFILE", "PROFILE"};
    for (size_t i = 0; i < FN_COUNT(others); i++) {
        if (sql_word_is(p, 0, others[i]) && sql_token_at(p, 1)->kind == TOKEN_WORD) {
            return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "SHOW CREATE %s is not supported", others[i]);
        }
    }
    s->what = 't';
    s->text = FN_STR("CREATE TABLE");
    s->temporary = sql_words(p, "TEMPORARY");
    if (sql_words(p, "DATABASE")) {
        s->what = 'd';
        s->text = FN_STR("CREATE DATABASE");
        FN_TRY(sql_database_name(p, &s->name));
        return sql_output_options(p, s);
    }
    if (sql_words(p, "VIEW")) {
        s->what = 'v';
        s->text = FN_STR("CREATE VIEW");
    } else if (sql_words(p, "DICTIONARY")) {
        s->what = 'D';
        s->text = FN_STR("CREATE DICTIONARY");
    } else {
        (void)sql_words(p, "TABLE");
    }
    FN_TRY(sql_table_name(p, &s->name));
    return sql_output_options(p, s);
}

/* COLUMNS | INDEXES {FROM|IN} table [{FROM|IN} database] */
static fn_status parse_of_table(sql_parser *p, ast_statement *s)
{
    if (!sql_words(p, "FROM")) FN_TRY(sql_need_words(p, "IN"));
    FN_TRY(sql_table_name(p, &s->name));
    if (sql_words(p, "FROM") || sql_words(p, "IN")) FN_TRY(sql_database_name(p, &s->name));
    FN_TRY(parse_filter(p, s));
    return sql_output_options(p, s);
}

static fn_status parse_tables(sql_parser *p, ast_statement *s)
{
    if (sql_words(p, "FROM") || sql_words(p, "IN")) FN_TRY(sql_database_name(p, &s->name));
    FN_TRY(parse_filter(p, s));
    return sql_output_options(p, s);
}

static fn_status parse_filtered(sql_parser *p, ast_statement *s)
{
    FN_TRY(parse_filter(p, s));
    return sql_output_options(p, s);
}

static fn_status parse_plain(sql_parser *p, ast_statement *s)
{
    return sql_output_options(p, s);
}

static fn_status parse_setting(sql_parser *p, ast_statement *s)
{
    FN_TRY(sql_compound_name(p, &s->like));
    return sql_output_options(p, s);
}

static fn_status parse_grants(sql_parser *p, ast_statement *s)
{
    if (sql_words(p, "FOR")) FN_TRY(sql_name_or_string(p, &s->like));
    return sql_output_options(p, s);
}

static const struct {
    const char *words, *text;
    sql_statement_parser *parse;
} shows[] = {
    {"CREATE", "CREATE TABLE", parse_create},
    {"DATABASES", "DATABASES", parse_filtered},
    {"TABLES", "TABLES", parse_tables},
    {"DICTIONARIES", "DICTIONARIES", parse_tables},
    {"COLUMNS", "COLUMNS", parse_of_table},
    {"FIELDS", "COLUMNS", parse_of_table},
    {"INDEXES", "INDEXES", parse_of_table},
    {"INDICES", "INDEXES", parse_of_table},
    {"INDEX", "INDEXES", parse_of_table},
    {"KEYS", "INDEXES", parse_of_table},
    {"PROCESSLIST", "PROCESSLIST", parse_plain},
    {"FUNCTIONS", "FUNCTIONS", parse_filtered},
    {"SETTINGS", "SETTINGS", parse_filtered},
    {"SETTING", "SETTING", parse_setting},
    {"ENGINES", "ENGINES", parse_plain},
    {"MERGES", "MERGES", parse_filtered},
    {"CLUSTERS", "CLUSTERS", parse_filtered},
    {"CLUSTER", "CLUSTER", parse_setting},
    {"FILESYSTEM CACHES", "FILESYSTEM CACHES", parse_plain},
    {"GRANTS", "GRANTS", parse_grants},
    {"USERS", "USERS", parse_plain},
    {"ROLES", "ROLES", parse_plain},
    {"CURRENT ROLES", "CURRENT ROLES", parse_plain},
    {"ENABLED ROLES", "ENABLED ROLES", parse_plain},
    {"QUOTAS", "QUOTAS", parse_plain},
    {"QUOTA", "QUOTA", parse_plain},
    {"POLICIES", "POLICIES", parse_plain},
    {"ROW POLICIES", "POLICIES", parse_plain},
    {"PROFILES", "PROFILES", parse_plain},
    {"SETTINGS PROFILES", "PROFILES", parse_plain},
    {"PRIVILEGES", "PRIVILEGES", parse_plain},
    {"ACCESS", "ACCESS", parse_plain},
};

fn_status sql_parse_show(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_SHOW;
    s->full = sql_words(p, "FULL");
    if (!s->full) s->full = sql_words(p, "EXTENDED") && sql_words(p, "FULL");
    if (sql_word_is(p, 0, "TEMPORARY") || sql_word_is(p, 0, "CHANGED")) {
        s->temporary = true; /* for SHOW CHANGED SETTINGS: only the changed ones */
        p->at++;
    }
    for (size_t i = 0; i < FN_COUNT(shows); i++) {
        if (!sql_words(p, shows[i].words)) continue;
        s->text = fn_cstr(shows[i].text);
        return shows[i].parse(p, s);
    }
    const sql_token *next = sql_token_at(p, 0);
    if (next->kind == TOKEN_WORD || next->kind == TOKEN_QUOTED) { /* SHOW [TABLE] t is SHOW CREATE TABLE t */
        s->text = FN_STR("CREATE TABLE");
        s->what = 't';
        if (sql_words(p, "DATABASE")) {
            s->text = FN_STR("CREATE DATABASE");
            s->what = 'd';
            FN_TRY(sql_database_name(p, &s->name));
            return sql_output_options(p, s);
        }
        (void)sql_words(p, "TABLE");
        FN_TRY(sql_table_name(p, &s->name));
        return sql_output_options(p, s);
    }
    return FN_SYNTAX_ERROR;
}
