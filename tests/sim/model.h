/* model.h - what the tables must hold: the simple model the engine is checked against.
 *
 * Up to WORLD_TABLES names, each a table or nothing; a table is a multiset of rows, or for ReplacingMergeTree the newest row of each
 * key. Contents are immutable and shared between worlds, so that many possible worlds cost little.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SIM_MODEL_H
#define FIRN_SIM_MODEL_H
#include "schedule.h"

enum { WORLD_TABLES = 6, WORLD_PARTITIONS = 4, WORLD_DROPPED = 12 };

/* Columns p UInt8, k UInt32, v Int64, s String: "r<id>" and some bytes that follow from it. */
typedef struct world_row {
    int64_t v;
    uint32_t k, id;
    uint8_t p;
} world_row;

typedef struct world_rows {
    uint32_t refs, count;
    world_row rows[]; /* sorted */
} world_rows;

typedef struct world_table {
    bool exists, has_extra;     /* has_extra: a column x was added */
    bool away, permanently;     /* DETACH TABLE: it does not exist, but has its name and rows; until ATTACH or, not permanently, a restart */
    world_rows *rows, *detached; /* NULL: none */
} world_table;

typedef struct world {
    bool replacing;             /* all tables are ReplacingMergeTree(v) ORDER BY (p, k) */
    bool indexed;               /* all tables have skip indexes */
    bool view;                  /* rows with even k go from view_source to view_target as well, v doubled */
    uint8_t view_source, view_target;
    world_table tables[WORLD_TABLES];
    world_table dropped[WORLD_DROPPED]; /* what UNDROP can bring back, in the order they were dropped */
    uint8_t dropped_names[WORLD_DROPPED];
    unsigned dropped_count;
    uint32_t backup;            /* the number of the backup; 0: none. It is in memory and ends with the engine */
    uint8_t backup_name;
    world_table backup_table;
} world;

world world_copy(const world *w);
void world_release(world *w);
bool world_equal(const world *a, const world *b); /* as far as it can be read: not what is detached, dropped or in a backup */
bool world_same(const world *a, const world *b);  /* in everything */
void world_restart(world *w);
void world_print_difference(const world *is, const world *must);

world_rows *world_rows_new(const world_row *rows, uint32_t count, bool replacing); /* copies, sorts */
world_rows *world_rows_ref(world_rows *r);
void world_rows_drop(world_rows *r);
bool world_rows_equal(const world_rows *a, const world_rows *b);
uint32_t world_rows_count(const world_rows *r); /* NULL: 0 */

/* ---- statements ---- */
typedef enum statement_kind {
    STATEMENT_CREATE, STATEMENT_INSERT, STATEMENT_INSERT_SELECT, STATEMENT_UPDATE, STATEMENT_DELETE, STATEMENT_LIGHT_DELETE, STATEMENT_OPTIMIZE,
    STATEMENT_OPTIMIZE_FINAL, STATEMENT_EXCHANGE, STATEMENT_RENAME, STATEMENT_REPLACE_PARTITION, STATEMENT_ATTACH_FROM, STATEMENT_MOVE_PARTITION,
    STATEMENT_DROP_PARTITION, STATEMENT_DETACH_PARTITION, STATEMENT_ATTACH_PARTITION, STATEMENT_DROP_DETACHED, STATEMENT_TRUNCATE, STATEMENT_DROP,
    STATEMENT_REPLACE_TABLE, STATEMENT_CREATE_VIEW, STATEMENT_DROP_VIEW, STATEMENT_ADD_COLUMN, STATEMENT_DROP_COLUMN, STATEMENT_COMMENT,
    STATEMENT_READ, STATEMENT_READ_SOME, STATEMENT_LIGHT_UPDATE, STATEMENT_DELETE_IN, STATEMENT_CLEAR_COLUMN, STATEMENT_DETACH_TABLE,
    STATEMENT_DETACH_PERMANENTLY, STATEMENT_ATTACH_TABLE, STATEMENT_UNDROP, STATEMENT_BACKUP, STATEMENT_RESTORE, STATEMENT_ADD_INDEX,
    STATEMENT_KINDS
} statement_kind;

typedef struct statement {
    statement_kind kind;
    uint8_t a, b, p;            /* tables, partition */
    uint32_t low, high;         /* k in [low, high) */
    uint32_t number;            /* of a backup */
    int64_t by;
    world_rows *rows;           /* INSERT: what goes in; READ: what was found (NULL: nothing) */
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
/* No statement of that name is made any more (to find the others' faults behind a known one); false: there is none of that name. */
bool statement_leave_out(const char *name);
const char *statement_name(statement_kind kind);
/* The text of a row's s. */
int world_text(char *out, size_t room, uint32_t id);
#endif
