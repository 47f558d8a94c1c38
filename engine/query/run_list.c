/* run_list.c - which interpreter runs which kind of statement. SPDX-License-Identifier: Apache-2.0 */
#include "query/query.h"

static const run_row rows[] = {
    [STATEMENT_SELECT] = {"Select", run_select, false},
    [STATEMENT_INSERT] = {"Insert", run_insert, true},
    [STATEMENT_CREATE_TABLE] = {"Create", run_create_table, true},
    [STATEMENT_CREATE_VIEW] = {"Create", run_create_view, true},
    [STATEMENT_CREATE_DATABASE] = {"Create", run_create_database, true},
    [STATEMENT_DROP] = {"Drop", run_drop, true},
    [STATEMENT_RENAME] = {"Rename", run_rename, true},
    [STATEMENT_EXCHANGE] = {"Rename", run_exchange, true},
    [STATEMENT_ALTER] = {"Alter", run_alter, true},
    [STATEMENT_TRUNCATE] = {"Drop", run_truncate, true},
    [STATEMENT_OPTIMIZE] = {"Optimize", run_optimize, true},
    [STATEMENT_SET] = {"Set", run_set, false},
    [STATEMENT_USE] = {"Use", run_use, false},
    [STATEMENT_SHOW] = {"Show", run_show, false},
    [STATEMENT_DESCRIBE] = {"Describe", run_describe, false},
    [STATEMENT_EXISTS] = {"Exists", run_exists, false},
    [STATEMENT_EXPLAIN] = {"Explain", run_explain, false},
    [STATEMENT_KILL] = {"KillQuery", run_kill, true},
    [STATEMENT_SYSTEM] = {"System", run_system, true},
    [STATEMENT_DELETE] = {"Delete", run_delete, true},
    [STATEMENT_UPDATE] = {"Update", run_update, true},
    [STATEMENT_CHECK] = {"Check", run_check, false},
    [STATEMENT_ATTACH] = {"Create", run_attach, true},
    [STATEMENT_DETACH] = {"Drop", run_detach, true},
    [STATEMENT_UNDROP] = {"Undrop", run_undrop, true},
    [STATEMENT_BACKUP] = {"Backup", run_backup, true},
    [STATEMENT_RESTORE] = {"Restore", run_restore, true},
    [STATEMENT_UNSUPPORTED] = {"None", NULL, false},
};

const run_row *run_row_of(ast_statement_kind kind)
{
    return &rows[kind];
}
