/* backup_element.c - what the elements of BACKUP and RESTORE name. SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"
#include "query/backup.h"

static bool same_name(const query *q, const ast_name *written, fn_str otherwise, fn_str database, fn_str name)
{
    const fn_str in = written->database.size ? written->database : otherwise.size ? otherwise : q->database;
    return fn_str_eq(written->table, name) && fn_str_eq(in, database);
}

static bool is_excepted(const query *q, const ast_backup_element *e, fn_str database, fn_str name)
{
    const fn_str otherwise = e->kind == BACKUP_DATABASE ? e->name.database : q->database;
    for (uint32_t i = 0; i < e->except_table_count; i++)
        if (same_name(q, &e->except_tables[i], otherwise, database, name)) return true;
    for (uint32_t i = 0; i < e->except_database_count; i++)
        if (fn_str_eq(e->except_databases[i].database, database)) return true;
    return false;
}

const ast_backup_element *backup_element_of(query *q, const ast_backup *b, fn_str database, fn_str name)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const ast_backup_element *e = &b->elements[i];
        bool named = false;
        switch (e->kind) {
        case BACKUP_TABLE: named = same_name(q, &e->name, (fn_str){NULL, 0}, database, name); break;
        case BACKUP_TEMPORARY: break;
        case BACKUP_DATABASE: named = fn_str_eq(e->name.database, database) && !is_excepted(q, e, database, name); break;
        case BACKUP_ALL: named = !is_excepted(q, e, database, name); break;
        }
        if (named) return e;
    }
    return NULL;
}

fn_status backup_renamed(query *q, const ast_backup_element *e, fn_str database, fn_str name, fn_str *to_database, fn_str *to_name)
{
    *to_database = database;
    *to_name = name;
    if (e->kind == BACKUP_DATABASE && e->as.database.size) *to_database = e->as.database;
    if (e->kind != BACKUP_TABLE || !e->as.table.size || !fn_str_eq(e->name.table, name)) return FN_OK; /* a view's own table keeps its name */
    *to_name = e->as.table;
    *to_database = e->as.database.size ? e->as.database : q->database;
    return FN_OK;
}

fn_status backup_check_elements(query *q, const ast_backup *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const ast_backup_element *e = &b->elements[i];
        if (e->kind != BACKUP_TEMPORARY) continue;
        if (session_table_find(q->session, e->name.table)) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Backups of temporary tables are not supported");
        return fn_fail(q->ctx, FN_UNKNOWN_TABLE, "Temporary table " FN_STR_FMT " was not found", FN_STR_ARG(e->name.table));
    }
    return FN_OK;
}

fn_status backup_takes_partition(query *q, const ast_backup_element *e, const table *t, fn_str partition_id, bool *out)
{
    *out = e->partition_count == 0;
    for (uint32_t i = 0; i < e->partition_count && !*out; i++) {
        fn_str id;
        FN_TRY(alter_partition_id(q, t, &e->partitions[i], &id));
        *out = !id.data || fn_str_eq(id, partition_id);
    }
    return FN_OK;
}
