/* print_backup.c - BACKUP and RESTORE as text. SPDX-License-Identifier: Apache-2.0 */
#include "sql/print.h"

static fn_status put_names(sql_printer *w, const char *words, const ast_name *names, uint32_t count, bool databases)
{
    for (uint32_t i = 0; i < count; i++) {
        FN_TRY(sql_put(w, i ? ", " : words));
        FN_TRY(databases ? sql_put_name(w, names[i].database) : sql_put_table(w, &names[i]));
    }
    return FN_OK;
}

static fn_status put_partition(sql_printer *w, const ast_partition *p)
{
    if (p->all) return sql_put(w, "ALL");
    if (!p->has_id) return sql_put_expr(w, p->value, false);
    FN_TRY(sql_put(w, "ID "));
    return sql_quote_string(w->ctx, p->id, w->out);
}

static fn_status put_element(sql_printer *w, const ast_backup_element *e)
{
    static const char *const words[] = {[BACKUP_TABLE] = "TABLE ", [BACKUP_TEMPORARY] = "TEMPORARY TABLE ", [BACKUP_DATABASE] = "DATABASE ", [BACKUP_ALL] = "ALL"};
    const bool database = e->kind == BACKUP_DATABASE;
    FN_TRY(sql_put(w, words[e->kind]));
    if (e->kind != BACKUP_ALL) FN_TRY(database ? sql_put_name(w, e->name.database) : sql_put_table(w, &e->name));
    if (e->as.table.size || e->as.database.size) {
        FN_TRY(sql_put(w, " AS "));
        FN_TRY(database ? sql_put_name(w, e->as.database) : sql_put_table(w, &e->as));
    }
    for (uint32_t i = 0; i < e->partition_count; i++) {
        FN_TRY(sql_put(w, i ? ", " : e->partition_count > 1 ? " PARTITIONS " : " PARTITION "));
        FN_TRY(put_partition(w, &e->partitions[i]));
    }
    FN_TRY(put_names(w, " EXCEPT TABLES ", e->except_tables, e->except_table_count, false));
    return put_names(w, " EXCEPT DATABASES ", e->except_databases, e->except_database_count, true);
}

fn_status sql_put_backup(sql_printer *w, const ast_statement *s)
{
    const ast_backup *b = s->backup;
    const bool backup = s->kind == STATEMENT_BACKUP;
    FN_TRY(sql_put(w, backup ? "BACKUP " : "RESTORE "));
    for (uint32_t i = 0; i < b->count; i++) {
        if (i) FN_TRY(sql_put(w, ", "));
        FN_TRY(put_element(w, &b->elements[i]));
    }
    if (s->on_cluster.size) {
        FN_TRY(sql_put(w, " ON CLUSTER "));
        FN_TRY(sql_put_name(w, s->on_cluster));
    }
    FN_TRY(sql_put(w, backup ? " TO " : " FROM "));
    FN_TRY(sql_put_expr(w, b->place, false));
    if (b->setting_count) {
        FN_TRY(sql_put(w, " SETTINGS "));
        FN_TRY(sql_put_settings(w, b->settings, b->setting_count));
    }
    return b->async ? sql_put(w, " ASYNC") : b->sync ? sql_put(w, " SYNC") : FN_OK;
}
