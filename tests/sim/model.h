/* model.h - what the tables must hold: the simple model the engine is checked against.
 *
 * Up to WORLD_TABLES names, each a table or nothing; a table is a multiset of rows, or what the rules of its engine leave of them
 * (world_family). Contents are immutable and shared between worlds, so that many possible worlds cost little.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SIM_MODEL_H
#define FIRN_SIM_MODEL_H
#include "schedule.h"

enum { WORLD_TABLES = 6, WORLD_PARTITIONS = 4, WORLD_DROPPED = 12 };

/* The engine of all tables of a seed, and what is left of the rows of a key (p, k). */
typedef enum world_family {
    FAMILY_PLAIN,       /* MergeTree ORDER BY k: all rows */
    FAMILY_REPLACING,   /* ReplacingMergeTree(v): the one with the greatest v */
    FAMILY_SUMMING,     /* SummingMergeTree(v): v is the sum, id 0; none if that is 0 */
    FAMILY_AGGREGATING, /* v SimpleAggregateFunction(max), a AggregateFunction(count): v is the greatest, id the count */
    FAMILY_COLLAPSING,  /* CollapsingMergeTree(sign), whose rows are cancelled as they should: v of the state, id 1; none if it is cancelled */
    FAMILY_VERSIONED,   /* VersionedCollapsingMergeTree(sign, v): of each v the sum of the signs is id, mod 2^32; none if that is 0 */
    FAMILIES
} world_family;

typedef struct world_shape {
    world_family family;
    bool indexed;       /* skip indexes */
    bool projected;     /* projections, one with rows and one with states */
    bool remembers;     /* inserts are known when they are sent again */
    bool by_columns;    /* merges gather columns ("vertical") */
    uint32_t life;      /* TTL: a row ends k times that many seconds after WORLD_BEGIN, nobody looks for it from then on; 0: it does not */
} world_shape;
enum { WORLD_BEGIN = 1700000000 }; /* of the clock, seconds */

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
    world_rows *inserts;         /* those that are known: id of the insert and p */
} world_table;

/* A Set and a Join table: keys below 64. */
typedef struct world_side {
    bool exists;
    uint64_t keys;
} world_side;
enum { WORLD_SIDES = 2 };

typedef struct world {
    world_shape shape;          /* of all tables */
    bool view;                  /* rows with even k go from view_source to view_target as well, v doubled */
    uint8_t view_source, view_target;
    world_table tables[WORLD_TABLES];
    world_table dropped[WORLD_DROPPED]; /* what UNDROP can bring back, in the order they were dropped */
    uint8_t dropped_names[WORLD_DROPPED];
    unsigned dropped_count;
    world_side sides[WORLD_SIDES];
    uint32_t backup;            /* the number of the backup; 0: none */
    bool backup_in_file;        /* else it is in memory and ends with the engine */
    uint8_t backup_name;
    world_table backup_table;
} world;

world world_copy(const world *w);
void world_release(world *w);
bool world_equal(const world *a, const world *b); /* as far as it can be read: not what is detached, dropped or in a backup */
bool world_same(const world *a, const world *b);  /* in everything */
void world_restart(world *w);
bool world_outlives(const world *w); /* a restart makes no difference to it */
void world_print_difference(const world *is, const world *must);

/* From here on rows with a key below that are not looked at: their life is over. */
void world_set_age(uint32_t k);
uint32_t world_age(void);

world_rows *world_rows_new(const world_row *rows, uint32_t count, world_family family); /* copies, sorts, does what the engine does */
world_rows *world_rows_ref(world_rows *r);
void world_rows_drop(world_rows *r);
bool world_rows_equal(const world_rows *a, const world_rows *b); /* but for those whose life is over */
uint32_t world_rows_count(const world_rows *r); /* NULL: 0 */

/* The text of a row's s. */
int world_text(char *out, size_t room, uint32_t id);
#endif
