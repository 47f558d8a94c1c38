/* statement.h - random statements: making them (statement.c), what they make of a world (apply.c). SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SIM_STATEMENT_H
#define FIRN_SIM_STATEMENT_H
#include "model.h"

typedef enum statement_kind {
    STATEMENT_CREATE, STATEMENT_INSERT, STATEMENT_INSERT_AGAIN, STATEMENT_INSERT_SELECT, STATEMENT_UPDATE, STATEMENT_DELETE, STATEMENT_LIGHT_DELETE,
    STATEMENT_OPTIMIZE, STATEMENT_OPTIMIZE_FINAL, STATEMENT_EXCHANGE, STATEMENT_RENAME, STATEMENT_REPLACE_PARTITION, STATEMENT_ATTACH_FROM,
    STATEMENT_MOVE_PARTITION, STATEMENT_DROP_PARTITION, STATEMENT_DETACH_PARTITION, STATEMENT_ATTACH_PARTITION, STATEMENT_DROP_DETACHED,
    STATEMENT_TRUNCATE, STATEMENT_DROP, STATEMENT_REPLACE_TABLE, STATEMENT_CREATE_VIEW, STATEMENT_DROP_VIEW, STATEMENT_ADD_COLUMN,
    STATEMENT_DROP_COLUMN, STATEMENT_COMMENT, STATEMENT_READ, STATEMENT_READ_SOME, STATEMENT_READ_VALUES, STATEMENT_READ_GROUPS, STATEMENT_READ_TEXT,
    STATEMENT_LIGHT_UPDATE, STATEMENT_DELETE_IN, STATEMENT_CLEAR_COLUMN, STATEMENT_DETACH_TABLE, STATEMENT_DETACH_PERMANENTLY, STATEMENT_ATTACH_TABLE,
    STATEMENT_UNDROP, STATEMENT_BACKUP, STATEMENT_BACKUP_FILE, STATEMENT_RESTORE, STATEMENT_ADD_INDEX, STATEMENT_ADD_PROJECTION,
    STATEMENT_CLEAR_PROJECTION, STATEMENT_AGE, STATEMENT_SIDE_CREATE, STATEMENT_SIDE_INSERT, STATEMENT_SIDE_TRUNCATE, STATEMENT_SIDE_DROP,
    STATEMENT_KINDS
} statement_kind;

typedef struct statement {
    statement_kind kind;
    uint8_t a, b, p;            /* tables, partition */
    uint32_t low, high;         /* k in [low, high) */
    uint32_t number;            /* of a backup; of an insert; of the row whose text is wanted */
    int64_t by;
    bool known;                 /* INSERT: remembered by its number, if the table remembers */
    world_rows *rows;           /* INSERT: what goes in; reads: what was found (NULL: nothing) */
    char *sql;                  /* on the heap */
    int status;                 /* how it ended */
    bool done;
} statement;

/* A statement that makes sense in `w`. `alone`: nothing runs beside it. Release with statement_release. */
void statement_make(statement *s, const world *w, sim_random *r, uint32_t *next_id, bool alone);
void statement_release(statement *s);
/* What it makes of the world; false: in this world it must have failed, and w is as it was. */
bool statement_apply(const statement *s, world *w);
/* What it may leave behind when it breaks off, beside nothing and all; false: nothing else. */
bool statement_apply_half(const statement *s, world *w);
bool statement_is_read(statement_kind kind);
bool statement_gives_text(statement_kind kind, world_family family); /* the rows of its answer have s, else the UInt32 id */
/* From here on kinds that have not been made come first: a short script has all of them. */
void statement_make_evenly(void);
/* No statement of that name is made any more (to find the others' faults behind a known one); false: there is none of that name. */
bool statement_leave_out(const char *name);
const char *statement_name(statement_kind kind);
/* All rows of a table, grouped here or by FINAL, as `p, k, v, s` or `p, k, v, id`. On the heap. */
char *statement_read_sql(world_family family, uint8_t table, bool grouped);

/* One of those that only read rows of plain tables: groups, or values in [low, high). */
void statement_make_read(statement *s, statement_kind kind, uint8_t table, uint32_t low, uint32_t high);

/* ---- apply.c ---- */
typedef bool apply_fn(const statement *s, world *w);
apply_fn apply_create, apply_insert, apply_insert_select, apply_mutation, apply_nothing, apply_exchange, apply_rename, apply_transfer, apply_drop_partition,
    apply_detached, apply_truncate, apply_drop, apply_replace_table, apply_undrop, apply_detach_table, apply_attach_table, apply_backup, apply_restore,
    apply_create_view, apply_drop_view, apply_column, apply_read, apply_side, apply_aged;
#endif
