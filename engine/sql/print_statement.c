/* print_statement.c - whole statements as ClickHouse formats them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/print.h"

fn_status sql_put_table(sql_printer *w, const ast_name *n)
{
    if (n->database_param) FN_TRY(sql_put_expr(w, n->database_param, false));
    else if (n->database.size) FN_TRY(sql_put_name(w, n->database));
    const bool table = n->table.size || n->table_param;
    if (table && (n->database.size || n->database_param)) FN_TRY(sql_put(w, "."));
    if (n->table_param) return sql_put_expr(w, n->table_param, false);
    return n->table.size ? sql_put_name(w, n->table) : FN_OK;
}

static fn_status put_cluster(sql_printer *w, const ast_statement *s)
{
    if (!s->on_cluster.size) return FN_OK;
    FN_TRY(sql_put(w, " ON CLUSTER "));
    return sql_put_name(w, s->on_cluster);
}

static const char *what_word(const ast_statement *s)
{
    return s->what == 'd' ? "DATABASE " : s->what == 'v' ? "VIEW " : s->what == 'D' ? "DICTIONARY " : s->what == 'a' ? "ALL TABLES FROM " : "TABLE ";
}

static fn_status put_insert(sql_printer *w, const ast_statement *s)
{
    FN_TRY(sql_put(w, "INSERT INTO "));
    if (s->function) FN_TRY(sql_put(w, "FUNCTION "));
    FN_TRY(s->function ? sql_put_expr(w, s->function, false) : sql_put_table(w, &s->name));
    if (s->insert_columns.count) {
        FN_TRY(sql_put(w, " ("));
        FN_TRY(sql_put_exprs(w, &s->insert_columns));
        FN_TRY(sql_put(w, ")"));
    }
    if (s->setting_count) {
        FN_TRY(sql_put_line(w, 0));
        FN_TRY(sql_put(w, "SETTINGS "));
        FN_TRY(sql_put_settings(w, s->settings, s->setting_count));
        FN_TRY(s->query ? sql_put_line(w, 0) : FN_OK);
    } else if (s->query) {
        FN_TRY(sql_put(w, " "));
    }
    if (s->query) return sql_put_query(w, s->query);
    FN_TRY(s->setting_count ? sql_put_line(w, 0) : sql_put(w, " "));
    FN_TRY(sql_put(w, "FORMAT "));
    return fn_buf_str(w->ctx, w->out, s->format);
}

static fn_status put_undrop(sql_printer *w, const ast_statement *s)
{
    FN_TRY(sql_put(w, "UNDROP TABLE "));
    FN_TRY(sql_put_table(w, &s->name));
    if (s->text.size) {
        FN_TRY(sql_put(w, " UUID "));
        FN_TRY(sql_quote_string(w->ctx, s->text, w->out));
    }
    return put_cluster(w, s);
}

static fn_status put_table_list(sql_printer *w, const ast_statement *s)
{
    FN_TRY(sql_put_table(w, &s->name));
    for (uint32_t i = 0; i < s->rename_count; i++) {
        FN_TRY(sql_put(w, ", "));
        FN_TRY(sql_put_table(w, &s->renames[i].from));
    }
    return FN_OK;
}

static fn_status put_drop(sql_printer *w, const ast_statement *s)
{
    FN_TRY(sql_put(w, s->kind == STATEMENT_DROP ? "DROP " : s->kind == STATEMENT_DETACH ? "DETACH " : "TRUNCATE "));
    if (s->temporary) FN_TRY(sql_put(w, "TEMPORARY "));
    FN_TRY(sql_put(w, what_word(s)));
    if (s->if_exists) FN_TRY(sql_put(w, "IF EXISTS "));
    if (s->if_empty) FN_TRY(sql_put(w, "IF EMPTY "));
    FN_TRY(put_table_list(w, s));
    FN_TRY(put_cluster(w, s));
    if (s->permanently) FN_TRY(sql_put(w, " PERMANENTLY"));
    return s->sync ? sql_put(w, " SYNC") : FN_OK;
}

static fn_status put_rename(sql_printer *w, const ast_statement *s)
{
    const bool exchange = s->kind == STATEMENT_EXCHANGE;
    FN_TRY(sql_put(w, exchange ? "EXCHANGE " : "RENAME "));
    FN_TRY(sql_put(w, exchange ? (s->what == 'D' ? "DICTIONARIES " : "TABLES ") : what_word(s)));
    if (s->if_exists) FN_TRY(sql_put(w, "IF EXISTS "));
    for (uint32_t i = 0; i < s->rename_count; i++) {
        if (i) FN_TRY(sql_put(w, ", "));
        FN_TRY(sql_put_table(w, &s->renames[i].from));
        FN_TRY(sql_put(w, exchange ? " AND " : " TO "));
        FN_TRY(sql_put_table(w, &s->renames[i].to));
    }
    return put_cluster(w, s);
}

static fn_status put_alter(sql_printer *w, const ast_statement *s)
{
    FN_TRY(sql_put(w, s->temporary ? "ALTER TEMPORARY TABLE " : "ALTER TABLE "));
    FN_TRY(sql_put_table(w, &s->name));
    FN_TRY(put_cluster(w, s));
    w->indent++;
    for (uint32_t i = 0; i < s->command_count; i++) {
        if (i) FN_TRY(sql_put(w, ","));
        FN_TRY(sql_put_line(w, 0));
        FN_TRY(sql_put(w, "("));
        FN_TRY(sql_put_alter_command(w, &s->commands[i]));
        FN_TRY(sql_put(w, ")"));
    }
    w->indent--;
    return FN_OK;
}

static fn_status put_optimize(sql_printer *w, const ast_statement *s)
{
    FN_TRY(sql_put(w, "OPTIMIZE TABLE "));
    FN_TRY(sql_put_table(w, &s->name));
    FN_TRY(put_cluster(w, s));
    if (s->partition.present) {
        FN_TRY(sql_put(w, " "));
        FN_TRY(sql_put_partition(w, &s->partition));
    }
    if (s->final) FN_TRY(sql_put(w, " FINAL"));
    if (s->deduplicate) FN_TRY(sql_put(w, " DEDUPLICATE"));
    if (s->deduplicate_by.count) FN_TRY(sql_put(w, " BY "));
    FN_TRY(sql_put_exprs(w, &s->deduplicate_by));
    return s->cleanup ? sql_put(w, " CLEANUP") : FN_OK;
}

static fn_status put_show(sql_printer *w, const ast_statement *s)
{
    FN_TRY(sql_put(w, "SHOW "));
    if (s->full) FN_TRY(sql_put(w, "FULL "));
    if (s->temporary) FN_TRY(sql_put(w, fn_str_eq(s->text, FN_STR("SETTINGS")) ? "CHANGED " : "TEMPORARY "));
    FN_TRY(fn_buf_str(w->ctx, w->out, s->text));
    if (s->name.database.size || s->name.table.size || s->name.table_param || s->name.database_param) {
        FN_TRY(sql_put(w, fn_str_starts(s->text, FN_STR("CREATE")) ? " " : " FROM "));
        FN_TRY(sql_put_table(w, &s->name));
    }
    if (s->like.data) {
        FN_TRY(sql_put(w, s->not_like ? " NOT" : ""));
        FN_TRY(sql_put(w, s->ilike ? " ILIKE " : " LIKE "));
        FN_TRY(sql_quote_string(w->ctx, s->like, w->out));
    }
    if (s->where) {
        FN_TRY(sql_put(w, " WHERE "));
        FN_TRY(sql_put_expr(w, s->where, false));
    }
    if (!s->limit) return FN_OK;
    FN_TRY(sql_put(w, " LIMIT "));
    return sql_put_expr(w, s->limit, false);
}

static fn_status put_describe(sql_printer *w, const ast_statement *s)
{
    FN_TRY(sql_put(w, "DESCRIBE TABLE"));
    if (s->query) {
        FN_TRY(sql_put_line(w, 0));
        return sql_put_subquery(w, s->query);
    }
    FN_TRY(sql_put(w, " "));
    return s->function ? sql_put_expr(w, s->function, false) : sql_put_table(w, &s->name);
}

static fn_status put_explain(sql_printer *w, const ast_statement *s)
{
    FN_TRY(sql_put(w, "EXPLAIN"));
    if (!fn_str_eq(s->explain_kind, FN_STR("PLAN"))) {
        FN_TRY(sql_put(w, " "));
        FN_TRY(fn_buf_str(w->ctx, w->out, s->explain_kind));
    }
    if (s->setting_count) FN_TRY(sql_put(w, " "));
    FN_TRY(sql_put_settings(w, s->settings, s->setting_count));
    FN_TRY(sql_put_line(w, 0));
    return s->query ? sql_put_query(w, s->query) : sql_put_statement(w, s->inner);
}

/* DELETE FROM t WHERE, UPDATE t SET ... WHERE, KILL QUERY WHERE */
static fn_status put_change(sql_printer *w, const ast_statement *s)
{
    if (s->kind == STATEMENT_KILL) {
        FN_TRY(sql_put(w, "KILL "));
        FN_TRY(fn_buf_str(w->ctx, w->out, s->text));
    } else {
        FN_TRY(sql_put(w, s->kind == STATEMENT_DELETE ? "DELETE FROM " : "UPDATE "));
        FN_TRY(sql_put_table(w, &s->name));
    }
    FN_TRY(put_cluster(w, s));
    if (s->assignments.count) FN_TRY(sql_put(w, " SET "));
    FN_TRY(sql_put_assignments(w, &s->assignments));
    if (s->partition.present) {
        FN_TRY(sql_put(w, " IN "));
        FN_TRY(sql_put_partition(w, &s->partition));
    }
    FN_TRY(sql_put(w, " WHERE "));
    FN_TRY(sql_put_expr(w, s->where, false));
    return s->sync ? sql_put(w, " SYNC") : s->full ? sql_put(w, " TEST") : FN_OK;
}

static fn_status put_word_and_table(sql_printer *w, const char *word, const ast_statement *s)
{
    FN_TRY(sql_put(w, word));
    return sql_put_table(w, &s->name);
}

static fn_status put_system(sql_printer *w, const ast_statement *s)
{
    FN_TRY(sql_put(w, "SYSTEM "));
    FN_TRY(fn_buf_str(w->ctx, w->out, s->text));
    if (!s->name.table.size) return FN_OK;
    FN_TRY(sql_put(w, " "));
    return put_table_list(w, s);
}

static fn_status put_body(sql_printer *w, const ast_statement *s)
{
    switch (s->kind) {
    case STATEMENT_SELECT:
        return sql_put_query(w, s->query);
    case STATEMENT_INSERT:
        return put_insert(w, s);
    case STATEMENT_CREATE_TABLE:
    case STATEMENT_CREATE_VIEW:
    case STATEMENT_CREATE_DATABASE:
    case STATEMENT_ATTACH:
        return sql_put_create(w, s);
    case STATEMENT_DROP:
    case STATEMENT_DETACH:
    case STATEMENT_TRUNCATE:
        return put_drop(w, s);
    case STATEMENT_BACKUP:
    case STATEMENT_RESTORE:
        return sql_put_backup(w, s);
    case STATEMENT_UNDROP:
        return put_undrop(w, s);
    case STATEMENT_RENAME:
    case STATEMENT_EXCHANGE:
        return put_rename(w, s);
    case STATEMENT_ALTER:
        return put_alter(w, s);
    case STATEMENT_OPTIMIZE:
        return put_optimize(w, s);
    case STATEMENT_SET:
        FN_TRY(sql_put(w, "SET "));
        return sql_put_settings(w, s->settings, s->setting_count);
    case STATEMENT_USE:
        return put_word_and_table(w, "USE ", s);
    case STATEMENT_SHOW:
        return put_show(w, s);
    case STATEMENT_DESCRIBE:
        return put_describe(w, s);
    case STATEMENT_EXISTS:
        FN_TRY(sql_put(w, s->temporary ? "EXISTS TEMPORARY " : "EXISTS "));
        return put_word_and_table(w, what_word(s), s);
    case STATEMENT_EXPLAIN:
        return put_explain(w, s);
    case STATEMENT_KILL:
    case STATEMENT_DELETE:
    case STATEMENT_UPDATE:
        return put_change(w, s);
    case STATEMENT_SYSTEM:
        return put_system(w, s);
    case STATEMENT_CHECK:
        if (s->what == 'a') return sql_put(w, "CHECK ALL TABLES");
        FN_TRY(put_word_and_table(w, "CHECK TABLE ", s));
        if (!s->partition.present) return FN_OK;
        FN_TRY(sql_put(w, " "));
        return sql_put_partition(w, &s->partition);
    case STATEMENT_UNSUPPORTED:
        return fn_fail(w->ctx, FN_NOT_IMPLEMENTED, "Formatting of " FN_STR_FMT " is not supported", FN_STR_ARG(s->text));
    }
    FN_IMPOSSIBLE("statement kind");
}

fn_status sql_put_statement(sql_printer *w, const ast_statement *s)
{
    FN_TRY(put_body(w, s));
    if (s->kind == STATEMENT_INSERT || s->kind == STATEMENT_SET || s->kind == STATEMENT_EXPLAIN) return FN_OK;
    if (s->into_outfile.size) {
        FN_TRY(sql_put_line(w, 0));
        FN_TRY(sql_put(w, "INTO OUTFILE "));
        FN_TRY(sql_quote_string(w->ctx, s->into_outfile, w->out));
    }
    if (s->format.size) {
        FN_TRY(sql_put_line(w, 0));
        FN_TRY(sql_put(w, "FORMAT "));
        FN_TRY(sql_put_name(w, s->format));
    }
    if (!s->setting_count) return FN_OK;
    FN_TRY(sql_put_line(w, 0));
    FN_TRY(sql_put(w, "SETTINGS "));
    return sql_put_settings(w, s->settings, s->setting_count);
}

fn_status sql_print_statement(fn_ctx *ctx, const ast_statement *s, bool multi_line, fn_buf *out)
{
    sql_printer w = {.ctx = ctx, .out = out, .multi_line = multi_line};
    return sql_put_statement(&w, s);
}
