/* parse_statement.c - which statement it is, and the small ones: SET, USE, EXPLAIN, DESCRIBE, EXISTS, KILL, SYSTEM, CHECK, DELETE,
 * UPDATE, OPTIMIZE. One row of `statements` per beginning; rows without a parser are statements ClickHouse knows and firn does not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

static fn_status with_options(sql_parser *p, ast_statement *s)
{
    return sql_output_options(p, s);
}

fn_status sql_parse_select_statement(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_SELECT;
    FN_TRY(sql_query(p, &s->query));
    return with_options(p, s);
}

/* WITH ... SELECT, or WITH ... INSERT INTO ... SELECT, whose WITH belongs to the SELECT: not supported there. */
fn_status sql_parse_with(sql_parser *p, ast_statement *s)
{
    return sql_parse_select_statement(p, s);
}

fn_status sql_parse_set(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_SET;
    return sql_settings(p, &s->settings, &s->setting_count);
}

fn_status sql_parse_use(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_USE;
    if (sql_token_at(p, 1)->kind == TOKEN_WORD) (void)sql_words(p, "DATABASE");
    return sql_database_name(p, &s->name);
}

fn_status sql_parse_describe(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_DESCRIBE;
    const sql_token *next = sql_token_at(p, 1);
    if (next->kind != TOKEN_END && next->symbol != SQL_SYMBOL1('.')) (void)sql_words(p, "TABLE");
    if (sql_is_symbol(p, SQL_SYMBOL1('('))) {
        FN_TRY(sql_subquery(p, &s->query));
    } else if (sql_word_is(p, 0, "SELECT")) {
        FN_TRY(sql_query(p, &s->query));
    } else if (sql_token_at(p, 1)->symbol == SQL_SYMBOL1('(') && sql_token_at(p, 1)->kind == TOKEN_SYMBOL) {
        FN_TRY(sql_call(p, &s->function));
    } else {
        FN_TRY(sql_table_name(p, &s->name));
    }
    if (sql_words(p, "SETTINGS")) FN_TRY(sql_settings(p, &s->settings, &s->setting_count));
    return with_options(p, s);
}

fn_status sql_parse_exists(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_EXISTS;
    s->what = 't';
    if (sql_words(p, "DATABASE")) {
        s->what = 'd';
        FN_TRY(sql_database_name(p, &s->name));
        return with_options(p, s);
    }
    s->temporary = sql_words(p, "TEMPORARY");
    if (sql_words(p, "VIEW")) s->what = 'v';
    else if (sql_words(p, "DICTIONARY")) s->what = 'D';
    else (void)sql_words(p, "TABLE");
    FN_TRY(sql_table_name(p, &s->name));
    return with_options(p, s);
}

fn_status sql_parse_explain(sql_parser *p, ast_statement *s)
{
    static const char *const kinds[] = {"AST", "SYNTAX", "QUERY TREE", "PLAN", "PIPELINE", "ESTIMATE", "TABLE OVERRIDE", "CURRENT TRANSACTION"};
    s->kind = STATEMENT_EXPLAIN;
    s->explain_kind = FN_STR("PLAN");
    for (size_t i = 0; i < FN_COUNT(kinds); i++) {
        if (!sql_words(p, kinds[i])) continue;
        s->explain_kind = fn_cstr(kinds[i]);
        break;
    }
    if (fn_str_eq(s->explain_kind, FN_STR("TABLE OVERRIDE")) || fn_str_eq(s->explain_kind, FN_STR("CURRENT TRANSACTION"))) {
        return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "EXPLAIN %.*s is not supported", (int)s->explain_kind.size, s->explain_kind.data);
    }
    const sql_token *next = sql_token_at(p, 1);
    if (sql_token_at(p, 0)->kind == TOKEN_WORD && next->kind == TOKEN_SYMBOL && next->symbol == SQL_SYMBOL1('=')) {
        FN_TRY(sql_settings(p, &s->settings, &s->setting_count));
    }
    if (sql_query_ahead(p, 0)) {
        FN_TRY(sql_query(p, &s->query));
        return with_options(p, s);
    }
    s->inner = FN_NEW(p->ctx, ast_statement);
    FN_TRY_PTR(p->ctx, s->inner);
    FN_TRY(sql_statement(p, s->inner));
    s->format = s->inner->has_data_offset ? (fn_str){0} : s->inner->format;
    s->has_data_offset = s->inner->has_data_offset;
    s->data_offset = s->inner->data_offset;
    return FN_OK;
}

fn_status sql_parse_kill(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_KILL;
    if (sql_words(p, "QUERY")) s->text = FN_STR("QUERY");
    else if (sql_words(p, "MUTATION")) s->text = FN_STR("MUTATION");
    else if (sql_words(p, "TRANSACTION")) s->text = FN_STR("TRANSACTION");
    else if (sql_words(p, "PART_MOVE_TO_SHARD")) s->text = FN_STR("PART_MOVE_TO_SHARD");
    else return FN_SYNTAX_ERROR;
    FN_TRY(sql_on_cluster(p, &s->on_cluster));
    FN_TRY(sql_need_words(p, "WHERE"));
    FN_TRY(sql_expr(p, &s->where));
    s->sync = sql_words(p, "SYNC");
    if (!s->sync && sql_words(p, "TEST")) s->full = true;
    else if (!s->sync) (void)sql_words(p, "ASYNC");
    return with_options(p, s);
}

static bool is_name(sql_parser *p)
{
    return sql_token_at(p, 0)->kind == TOKEN_WORD || sql_token_at(p, 0)->kind == TOKEN_QUOTED;
}

/* SYSTEM: the words of the command, then what they are about. */
fn_status sql_parse_system(sql_parser *p, ast_statement *s)
{
    /* Commands that take an optional table; the others take nothing or a list of names kept in like. */
    static const char *const on_tables[] = {
        "STOP MERGES", "START MERGES", "STOP TTL MERGES", "START TTL MERGES", "STOP MOVES", "START MOVES", "STOP FETCHES", "START FETCHES",
        "STOP CLEANUP", "START CLEANUP", "SYNC MERGES", "SYNC REPLICA", "FLUSH DISTRIBUTED", "RELOAD DICTIONARY", "UNLOAD PRIMARY KEY",
        "LOAD PRIMARY KEY", "STOP VIEW", "START VIEW", "REFRESH VIEW", "WAIT VIEW", "PREWARM MARK CACHE", "DROP REPLICA", "RESTART REPLICA",
        "STOP REPLICATED SENDS", "START REPLICATED SENDS", "STOP REPLICATION QUEUES", "START REPLICATION QUEUES"};
    s->kind = STATEMENT_SYSTEM;
    if (sql_token_at(p, 0)->kind != TOKEN_WORD) return sql_expected(p, "system command");
    for (size_t i = 0; i < FN_COUNT(on_tables); i++) {
        if (!sql_words(p, on_tables[i])) continue;
        s->text = fn_cstr(on_tables[i]);
        FN_TRY(sql_on_cluster(p, &s->on_cluster));
        return is_name(p) ? sql_table_name(p, &s->name) : FN_OK;
    }
    if (sql_words(p, "FLUSH ASYNC INSERT QUEUE")) {
        s->text = FN_STR("FLUSH ASYNC INSERT QUEUE");
        FN_TRY(sql_on_cluster(p, &s->on_cluster));
        return is_name(p) ? sql_table_list(p, s) : FN_OK;
    }
    char text[128];
    size_t n = 0;
    while (sql_token_at(p, 0)->kind == TOKEN_WORD) {
        const fn_str word = sql_token_text(p, sql_token_at(p, 0));
        if (n + word.size + 2 > sizeof text) return sql_expected(p, "end of query");
        if (n) text[n++] = ' ';
        for (size_t i = 0; i < word.size; i++) text[n++] = (char)(word.data[i] >= 'a' && word.data[i] <= 'z' ? word.data[i] - 32 : word.data[i]);
        p->at++;
    }
    return fn_arena_str(p->ctx, p->ctx->arena, (fn_str){text, n}, &s->text);
}

fn_status sql_parse_delete(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_DELETE;
    FN_TRY(sql_need_words(p, "FROM"));
    FN_TRY(sql_table_name(p, &s->name));
    FN_TRY(sql_on_cluster(p, &s->on_cluster));
    if (sql_words(p, "IN PARTITION")) FN_TRY(sql_partition(p, &s->partition));
    FN_TRY(sql_need_words(p, "WHERE"));
    FN_TRY(sql_expr(p, &s->where));
    return sql_words(p, "SETTINGS") ? sql_settings(p, &s->settings, &s->setting_count) : FN_OK;
}

fn_status sql_parse_update(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_UPDATE;
    FN_TRY(sql_table_name(p, &s->name));
    FN_TRY(sql_on_cluster(p, &s->on_cluster));
    FN_TRY(sql_need_words(p, "SET"));
    FN_TRY(sql_assignments(p, &s->assignments));
    if (sql_words(p, "IN PARTITION")) FN_TRY(sql_partition(p, &s->partition));
    FN_TRY(sql_need_words(p, "WHERE"));
    FN_TRY(sql_expr(p, &s->where));
    return sql_words(p, "SETTINGS") ? sql_settings(p, &s->settings, &s->setting_count) : FN_OK;
}

fn_status sql_parse_check(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_CHECK;
    s->what = sql_words(p, "ALL TABLES") ? 'a' : 't';
    if (s->what == 't') {
        FN_TRY(sql_need_words(p, "TABLE"));
        FN_TRY(sql_table_name(p, &s->name));
        if (sql_words(p, "PARTITION")) FN_TRY(sql_partition(p, &s->partition));
        else if (sql_words(p, "PART")) {
            s->partition.is_part = true;
            FN_TRY(sql_partition(p, &s->partition));
        }
    }
    return with_options(p, s);
}

fn_status sql_parse_optimize(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_OPTIMIZE;
    FN_TRY(sql_need_words(p, "TABLE"));
    FN_TRY(sql_table_name(p, &s->name));
    FN_TRY(sql_on_cluster(p, &s->on_cluster));
    if (sql_words(p, "DRY RUN")) return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "OPTIMIZE TABLE ... DRY RUN is not supported");
    if (sql_words(p, "PARTITION")) FN_TRY(sql_partition(p, &s->partition));
    s->final = sql_words(p, "FINAL") || sql_words(p, "FORCE");
    s->deduplicate = sql_words(p, "DEDUPLICATE");
    s->cleanup = sql_words(p, "CLEANUP");
    if (s->deduplicate && sql_words(p, "BY")) FN_TRY(sql_expr_list(p, false, false, &s->deduplicate_by));
    return with_options(p, s);
}

/* What ClickHouse has and firn does not: named, so that the answer says what is missing. */
static fn_status parse_unsupported(sql_parser *p, ast_statement *s, const char *name)
{
    s->kind = STATEMENT_UNSUPPORTED;
    s->text = fn_cstr(name);
    if (sql_token_at(p, 0)->kind == TOKEN_END && strcmp(name, "COMMIT") != 0 && strcmp(name, "ROLLBACK") != 0) return sql_expected(p, "identifier");
    while (sql_token_at(p, 0)->kind != TOKEN_END) {
        if (sql_token_at(p, 0)->kind == TOKEN_BAD) return sql_expected(p, "end of query");
        p->at++;
    }
    return FN_OK;
}

static const struct {
    const char *words;
    sql_statement_parser *parse;
    bool keep; /* the words are part of what is parsed */
} statements[] = {
    {"SELECT", sql_parse_select_statement, true},
    {"WITH", sql_parse_with, true},
    {"FROM", sql_parse_select_statement, true},
    {"INSERT", sql_parse_insert, false},
    {"SET ROLE", NULL, false},
    {"SET DEFAULT ROLE", NULL, false},
    {"SET TRANSACTION", NULL, false},
    {"SET", sql_parse_set, false},
    {"USE", sql_parse_use, false},
    {"CREATE USER", NULL, false},
    {"CREATE ROLE", NULL, false},
    {"CREATE QUOTA", NULL, false},
    {"CREATE ROW POLICY", NULL, false},
    {"CREATE POLICY", NULL, false},
    {"CREATE MASKING POLICY", NULL, false},
    {"CREATE SETTINGS PROFILE", NULL, false},
    {"CREATE PROFILE", NULL, false},
    {"CREATE FUNCTION", NULL, false},
    {"CREATE OR REPLACE FUNCTION", NULL, false},
    {"CREATE DICTIONARY", NULL, false},
    {"CREATE OR REPLACE DICTIONARY", NULL, false},
    {"CREATE NAMED COLLECTION", NULL, false},
    {"CREATE WORKLOAD", NULL, false},
    {"CREATE RESOURCE", NULL, false},
    {"CREATE UNIQUE INDEX", NULL, false},
    {"CREATE INDEX", NULL, false},
    {"CREATE", sql_parse_create, false},
    {"ATTACH", sql_parse_attach, false},
    {"REPLACE", sql_parse_replace, false},
    {"DROP USER", NULL, false},
    {"DROP ROLE", NULL, false},
    {"DROP QUOTA", NULL, false},
    {"DROP ROW POLICY", NULL, false},
    {"DROP POLICY", NULL, false},
    {"DROP SETTINGS PROFILE", NULL, false},
    {"DROP PROFILE", NULL, false},
    {"DROP FUNCTION", NULL, false},
    {"DROP NAMED COLLECTION", NULL, false},
    {"DROP WORKLOAD", NULL, false},
    {"DROP RESOURCE", NULL, false},
    {"DROP INDEX", NULL, false},
    {"DROP", sql_parse_drop, false},
    {"DETACH", sql_parse_detach, false},
    {"TRUNCATE", sql_parse_truncate, false},
    {"UNDROP TABLE", sql_parse_undrop, false},
    {"RENAME", sql_parse_rename, false},
    {"EXCHANGE", sql_parse_exchange, false},
    {"ALTER USER", NULL, false},
    {"ALTER ROLE", NULL, false},
    {"ALTER QUOTA", NULL, false},
    {"ALTER ROW POLICY", NULL, false},
    {"ALTER POLICY", NULL, false},
    {"ALTER SETTINGS PROFILE", NULL, false},
    {"ALTER PROFILE", NULL, false},
    {"ALTER NAMED COLLECTION", NULL, false},
    {"ALTER DATABASE", NULL, false},
    {"ALTER", sql_parse_alter, false},
    {"OPTIMIZE", sql_parse_optimize, false},
    {"SHOW", sql_parse_show, false},
    {"DESCRIBE", sql_parse_describe, false},
    {"DESC", sql_parse_describe, false},
    {"EXISTS", sql_parse_exists, false},
    {"EXPLAIN", sql_parse_explain, false},
    {"KILL", sql_parse_kill, false},
    {"SYSTEM", sql_parse_system, false},
    {"DELETE", sql_parse_delete, false},
    {"UPDATE", sql_parse_update, false},
    {"CHECK", sql_parse_check, false},
    {"GRANT", NULL, false},
    {"REVOKE", NULL, false},
    {"MOVE", NULL, false},
    {"BACKUP", sql_parse_backup, false},
    {"RESTORE", sql_parse_restore, false},
    {"WATCH", NULL, false},
    {"EXECUTE AS", NULL, false},
    {"BEGIN TRANSACTION", NULL, false},
    {"COMMIT", NULL, false},
    {"ROLLBACK", NULL, false},
};

fn_status sql_statement(sql_parser *p, ast_statement *s)
{
    FN_TRY(sql_enter(p));
    fn_status status = FN_SYNTAX_ERROR;
    bool found = false;
    if (sql_is_symbol(p, SQL_SYMBOL1('('))) {
        status = sql_parse_select_statement(p, s);
        found = true;
    }
    for (size_t i = 0; i < FN_COUNT(statements) && !found; i++) {
        const uint32_t before = p->at;
        found = sql_words(p, statements[i].words);
        if (!found) continue;
        if (statements[i].keep) p->at = before;
        status = statements[i].parse ? statements[i].parse(p, s) : parse_unsupported(p, s, statements[i].words);
    }
    sql_leave(p);
    return status;
}
