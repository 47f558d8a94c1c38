/* statement.c - random statements: the list of kinds, and making one. See statement.h. SPDX-License-Identifier: Apache-2.0 */
#include "statement.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 60, ROWS_MOST = 3000 };

/* ---- the list ---- */
enum { ANY = 0, PLAIN_ONLY = 1, ALONE_ONLY = 2, TWO = 4, NEEDS_FREE = 8, FREE = 16, AWAY = 32,
       ALIKE = 64,   /* rows are p, k, v, s: not those with a sign or a state */
       SUMS = 128,   /* adds rows that are in no order: not CollapsingMergeTree, which must see a row before what cancels it */
       SIDE = 256 }; /* of the Set and the Join table */

typedef struct kind_row {
    const char *name;
    apply_fn *apply;
    unsigned weight, flags;
    const char *text; /* %a %b tables, %p partition, %l %h bounds, %d difference, %f FINAL, %y SYNC, %n number, %o perhaps an order that spills,
                         %t text of the row %n, %j a projection, %s side table, %m place of the backup */
} kind_row;

static const kind_row kinds[STATEMENT_KINDS] = {
    [STATEMENT_CREATE] = {"create", apply_create, 6, FREE, NULL},
    [STATEMENT_INSERT] = {"insert", apply_insert, 40, ANY, NULL},
    [STATEMENT_INSERT_AGAIN] = {"insert again", apply_insert, 8, SUMS, NULL},
    [STATEMENT_INSERT_SELECT] = {"insert select", apply_insert_select, 3, ALIKE | ALONE_ONLY | TWO,
                                 "INSERT INTO %a (p, k, v, s) SELECT p, k, v, s FROM %b WHERE k >= %l AND k < %h"},
    [STATEMENT_UPDATE] = {"update", apply_mutation, 4, PLAIN_ONLY, "ALTER TABLE %a UPDATE v = v + %d WHERE k >= %l AND k < %h"},
    [STATEMENT_DELETE] = {"delete", apply_mutation, 3, ANY, "ALTER TABLE %a DELETE WHERE k >= %l AND k < %h"},
    [STATEMENT_LIGHT_DELETE] = {"light delete", apply_mutation, 4, ANY, "DELETE FROM %a WHERE k >= %l AND k < %h"},
    [STATEMENT_OPTIMIZE] = {"optimize", apply_nothing, 4, ANY, "OPTIMIZE TABLE %a"},
    [STATEMENT_OPTIMIZE_FINAL] = {"optimize final", apply_nothing, 3, ANY, "OPTIMIZE TABLE %a FINAL"},
    [STATEMENT_EXCHANGE] = {"exchange", apply_exchange, 5, TWO, "EXCHANGE TABLES %a AND %b"},
    [STATEMENT_RENAME] = {"rename", apply_rename, 2, TWO | NEEDS_FREE, "RENAME TABLE %a TO %b"},
    [STATEMENT_REPLACE_PARTITION] = {"replace partition", apply_transfer, 5, TWO, "ALTER TABLE %a REPLACE PARTITION %p FROM %b"},
    [STATEMENT_ATTACH_FROM] = {"attach partition from", apply_transfer, 2, SUMS | TWO, "ALTER TABLE %a ATTACH PARTITION %p FROM %b"},
    [STATEMENT_MOVE_PARTITION] = {"move partition", apply_transfer, 4, SUMS | TWO, "ALTER TABLE %b MOVE PARTITION %p TO TABLE %a"},
    [STATEMENT_DROP_PARTITION] = {"drop partition", apply_drop_partition, 3, ANY, "ALTER TABLE %a DROP PARTITION %p"},
    [STATEMENT_DETACH_PARTITION] = {"detach partition", apply_drop_partition, 3, ANY, "ALTER TABLE %a DETACH PARTITION %p"},
    [STATEMENT_ATTACH_PARTITION] = {"attach partition", apply_detached, 4, SUMS, "ALTER TABLE %a ATTACH PARTITION %p"},
    [STATEMENT_DROP_DETACHED] = {"drop detached", apply_detached, 1, ANY, "ALTER TABLE %a DROP DETACHED PARTITION %p SETTINGS allow_drop_detached = 1"},
    [STATEMENT_TRUNCATE] = {"truncate", apply_truncate, 1, ANY, "TRUNCATE TABLE %a"},
    [STATEMENT_DROP] = {"drop", apply_drop, 2, ANY, "DROP TABLE %a%y"},
    [STATEMENT_REPLACE_TABLE] = {"replace table", apply_replace_table, 1, ANY, NULL},
    [STATEMENT_CREATE_VIEW] = {"create view", apply_create_view, 2, ALIKE | TWO | ALONE_ONLY,
                               "CREATE MATERIALIZED VIEW view TO %b AS SELECT p, k, v * 2 AS v, s FROM %a WHERE k % 2 = 0"},
    [STATEMENT_DROP_VIEW] = {"drop view", apply_drop_view, 1, ALONE_ONLY, "DROP TABLE view"},
    [STATEMENT_ADD_COLUMN] = {"add column", apply_column, 1, ANY, "ALTER TABLE %a ADD COLUMN x UInt16 DEFAULT k + 1"},
    [STATEMENT_DROP_COLUMN] = {"drop column", apply_column, 2, ANY, "ALTER TABLE %a DROP COLUMN x"},
    [STATEMENT_COMMENT] = {"comment", apply_nothing, 1, ANY, "ALTER TABLE %a MODIFY COMMENT 'number %l'"},
    [STATEMENT_READ] = {"read", apply_read, 8, ANY, NULL},
    [STATEMENT_READ_SOME] = {"read some", apply_read, 4, ANY, NULL},
    [STATEMENT_READ_VALUES] = {"read values", apply_read, 3, PLAIN_ONLY, "SELECT p, k, v, s FROM %a WHERE v >= %l AND v < %h FORMAT RowBinary"},
    [STATEMENT_READ_GROUPS] = {"read groups", apply_read, 3, PLAIN_ONLY, "SELECT p, k, sum(v), toUInt32(count()) FROM %a GROUP BY p, k FORMAT RowBinary"},
    [STATEMENT_READ_TEXT] = {"read text", apply_read, 3, PLAIN_ONLY, "SELECT p, k, v, s FROM %a WHERE s = '%t' FORMAT RowBinary"},
    [STATEMENT_LIGHT_UPDATE] = {"light update", apply_mutation, 2, PLAIN_ONLY, "UPDATE %a SET v = v + %d WHERE k >= %l AND k < %h"},
    [STATEMENT_DELETE_IN] = {"delete in partition", apply_mutation, 2, ANY, "ALTER TABLE %a DELETE IN PARTITION %p WHERE k >= %l AND k < %h"},
    [STATEMENT_CLEAR_COLUMN] = {"clear column", apply_mutation, 1, PLAIN_ONLY, "ALTER TABLE %a CLEAR COLUMN v IN PARTITION %p"},
    [STATEMENT_DETACH_TABLE] = {"detach table", apply_detach_table, 2, ANY, "DETACH TABLE %a"},
    [STATEMENT_DETACH_PERMANENTLY] = {"detach table permanently", apply_detach_table, 1, ANY, "DETACH TABLE %a PERMANENTLY"},
    [STATEMENT_ATTACH_TABLE] = {"attach table", apply_attach_table, 8, AWAY, "ATTACH TABLE %a"},
    [STATEMENT_UNDROP] = {"undrop", apply_undrop, 3, FREE, "UNDROP TABLE %a"},
    [STATEMENT_BACKUP] = {"backup", apply_backup, 1, ALONE_ONLY, "BACKUP TABLE %a TO Memory('b%n')"},
    [STATEMENT_BACKUP_FILE] = {"backup to a file", apply_backup, 2, ALONE_ONLY, "BACKUP TABLE %a TO File('b%n')"},
    [STATEMENT_RESTORE] = {"restore", apply_restore, 3, ALONE_ONLY | FREE, "RESTORE TABLE %b AS %a FROM %m('b%n')"},
    [STATEMENT_ADD_INDEX] = {"materialize index", apply_nothing, 1, ANY, "ALTER TABLE %a MATERIALIZE INDEX ik"},
    [STATEMENT_ADD_PROJECTION] = {"materialize projection", apply_nothing, 2, ANY, "ALTER TABLE %a MATERIALIZE PROJECTION %j"},
    [STATEMENT_CLEAR_PROJECTION] = {"clear projection", apply_nothing, 1, ANY, "ALTER TABLE %a CLEAR PROJECTION %j"},
    [STATEMENT_AGE] = {"age", apply_aged, 4, ALONE_ONLY, "OPTIMIZE TABLE %a FINAL"},
    [STATEMENT_SIDE_CREATE] = {"side create", apply_side, 1, SIDE, NULL},
    [STATEMENT_SIDE_INSERT] = {"side insert", apply_side, 2, SIDE, NULL},
    [STATEMENT_SIDE_TRUNCATE] = {"side truncate", apply_side, 1, SIDE, "TRUNCATE TABLE %s"},
    [STATEMENT_SIDE_DROP] = {"side drop", apply_side, 1, SIDE, "DROP TABLE %s SYNC"},
};

const char *statement_name(statement_kind kind)
{
    return kinds[kind].name;
}

static bool unwanted[STATEMENT_KINDS];

bool statement_leave_out(const char *name)
{
    for (int i = 0; i < STATEMENT_KINDS; i++) {
        if (strcmp(kinds[i].name, name) != 0) continue;
        return unwanted[i] = true;
    }
    return false;
}

bool statement_apply(const statement *s, world *w)
{
    return kinds[s->kind].apply(s, w);
}

bool statement_apply_half(const statement *s, world *w)
{
    if (s->kind != STATEMENT_RESTORE || !apply_restore(s, w)) return false;
    world_rows_drop(w->tables[s->a].rows); /* the table is there before its parts, which come all at once */
    w->tables[s->a].rows = NULL;
    return true;
}

void statement_release(statement *s)
{
    world_rows_drop(s->rows);
    free(s->sql);
    *s = (statement){.sql = NULL};
}

/* ---- making one ---- */
typedef struct text {
    char *bytes;
    size_t size, room;
} text;

static void FN_PRINTF(2, 3) put(text *t, const char *fmt, ...)
{
    va_list args;
    char piece[512];
    va_start(args, fmt);
    const int n = vsnprintf(piece, sizeof piece, fmt, args);
    va_end(args);
    FN_ASSERT(n >= 0 && (size_t)n < sizeof piece);
    if (t->size + (size_t)n + 1 > t->room) {
        t->room = 2 * t->room + (size_t)n + 64;
        t->bytes = realloc(t->bytes, t->room);
        FN_ASSERT(t->bytes != NULL);
    }
    memcpy(t->bytes + t->size, piece, (size_t)n + 1);
    t->size += (size_t)n;
}

static const char *const side_names[WORLD_SIDES] = {"chosen", "joined"};

static void put_template(text *t, const statement *s, const char *from)
{
    char string[128];
    for (; *from; from++) {
        if (*from != '%' || !strchr("abplhdynotjsm", from[1])) {
            put(t, "%c", *from);
            continue;
        }
        switch (*++from) {
        case 'a': put(t, "t%u", s->a); break;
        case 'b': put(t, "t%u", s->b); break;
        case 'p': put(t, "%u", s->p); break;
        case 'l': put(t, "%" PRIu32, s->low); break;
        case 'h': put(t, "%" PRIu32, s->high); break;
        case 'd': put(t, "%" PRId64, s->by); break;
        case 'n': put(t, "%" PRIu32, s->number); break;
        case 'j': put(t, "%s", s->p % 2 ? "by_v" : "by_k"); break;
        case 's': put(t, "%s", side_names[s->a]); break;
        case 'm': put(t, "%s", s->known ? "File" : "Memory"); break;
        case 't':
            (void)world_text(string, sizeof string, s->number);
            put(t, "%s", string);
            break;
        case 'o':
            if (s->p == 0) put(t, " ORDER BY v, k, s SETTINGS max_bytes_before_external_sort = 1, max_bytes_ratio_before_external_sort = 0");
            break;
        case 'y': put(t, "%s", s->p % 2 ? " SYNC" : ""); break;
        }
    }
}

/* ---- one family and the other ---- */
typedef struct family_row {
    const char *engine, *order, *more;   /* more: columns */
    const char *projection;              /* with states, beside the one with rows */
    const char *reads[2];                /* by FINAL, by GROUP BY: %a table, %w WHERE, %o order; %v AND behind a condition */
} family_row;

static const family_row families[FAMILIES] = {
    [FAMILY_PLAIN] = {"MergeTree", "k", "", "SELECT p, k, sum(v), count() GROUP BY p, k", {"SELECT p, k, v, s FROM %a%w%o", "SELECT p, k, v, s FROM %a%w%o"}}, /* all there are */
    [FAMILY_REPLACING] = {"ReplacingMergeTree(v)", "(p, k)", "", "SELECT p, k, max(v), argMax(s, v) GROUP BY p, k",
                          {"SELECT p, k, v, s FROM %a FINAL%w%o", "SELECT p, k, max(v), argMax(s, v) FROM %a%w GROUP BY p, k"}},
    [FAMILY_SUMMING] = {"SummingMergeTree(v)", "(p, k)", "", "SELECT p, k, sum(v) GROUP BY p, k",
                        {"SELECT p, k, v, toUInt32(0) FROM %a FINAL WHERE v != 0%v", "SELECT p, k, sum(v), toUInt32(0) FROM %a%w GROUP BY p, k HAVING sum(v) != 0"}},
    [FAMILY_AGGREGATING] = {"AggregatingMergeTree", "(p, k)", ", a AggregateFunction(count)", "SELECT p, k, max(v), countMerge(a) GROUP BY p, k",
                            {"SELECT p, k, v, toUInt32(finalizeAggregation(a)) FROM %a FINAL%w", "SELECT p, k, max(v), toUInt32(countMerge(a)) FROM %a%w GROUP BY p, k"}},
    [FAMILY_COLLAPSING] = {"CollapsingMergeTree(sign)", "(p, k)", ", sign Int8", "SELECT p, k, sum(v * sign), sum(sign) GROUP BY p, k",
                           {"SELECT p, k, v, toUInt32(sign) FROM %a FINAL%w", "SELECT p, k, sum(v * sign), toUInt32(sum(sign)) FROM %a%w GROUP BY p, k HAVING sum(sign) != 0"}},
    [FAMILY_VERSIONED] = {"VersionedCollapsingMergeTree(sign, v)", "(p, k)", ", sign Int8", "SELECT p, k, v, sum(sign) GROUP BY p, k, v",
                          {"SELECT p, k, v, toUInt32(sum(abs(sign)) * if(sum(sign) < 0, -1, 1)) FROM %a FINAL%w GROUP BY p, k, v",
                           "SELECT p, k, v, toUInt32(sum(sign)) FROM %a%w GROUP BY p, k, v HAVING sum(sign) != 0"}},
};

static void put_read(text *t, const statement *s, world_family family, bool some, bool grouped)
{
    for (const char *from = families[family].reads[grouped]; *from; from++) {
        if (*from != '%' || !strchr("awvo", from[1])) {
            put(t, "%c", *from);
            continue;
        }
        if (*++from == 'a') put(t, "t%u", s->a);
        else if (*from == 'o') put_template(t, s, "%o");
        else if (some) put_template(t, s, *from == 'w' ? " WHERE k >= %l AND k < %h" : " AND k >= %l AND k < %h");
    }
    put(t, " FORMAT RowBinary");
}

char *statement_read_sql(world_family family, uint8_t table, bool grouped)
{
    text t = {.bytes = NULL};
    put_read(&t, &(statement){.a = table, .p = 1}, family, false, grouped);
    return t.bytes;
}

void statement_make_read(statement *s, statement_kind kind, uint8_t table, uint32_t low, uint32_t high)
{
    text t = {.bytes = NULL};
    *s = (statement){.kind = kind, .a = table, .low = low, .high = high};
    put_template(&t, s, kinds[kind].text);
    s->sql = t.bytes;
}

bool statement_is_read(statement_kind kind)
{
    return kinds[kind].apply == apply_read;
}

bool statement_gives_text(statement_kind kind, world_family family)
{
    return kind != STATEMENT_READ_GROUPS && (family == FAMILY_PLAIN || family == FAMILY_REPLACING);
}

static void put_create(text *t, const statement *s, const world *w)
{
    const world_shape *shape = &w->shape;
    const family_row *f = &families[shape->family];
    put(t, "%s TABLE t%u (p UInt8, k UInt32, v %s, s String%s", s->kind == STATEMENT_CREATE ? "CREATE" : "CREATE OR REPLACE", s->a,
        shape->family == FAMILY_AGGREGATING ? "SimpleAggregateFunction(max, Int64)" : "Int64", f->more);
    if (shape->indexed) put(t, ", INDEX ik k TYPE minmax, INDEX js s TYPE bloom_filter GRANULARITY 2");
    if (shape->projected) put(t, ", PROJECTION by_v (SELECT p, k, v, s ORDER BY v, k), PROJECTION by_k (%s)", f->projection);
    put(t, ") ENGINE = %s PARTITION BY p ORDER BY %s", f->engine, f->order);
    if (shape->life) put(t, " TTL toDateTime(%d + k * %" PRIu32 ")", WORLD_BEGIN, shape->life);
    put(t, " SETTINGS index_granularity = 8192");
    if (shape->family == FAMILY_PLAIN) put(t, ", enable_block_number_column = 1, enable_block_offset_column = 1"); /* for UPDATE */
    if (shape->family == FAMILY_AGGREGATING) put(t, ", allow_dimensions_outside_sorting_key = 1"); /* s is any of them */
    if (shape->by_columns) put(t, ", vertical_merge_algorithm_min_rows_to_activate = 0, vertical_merge_algorithm_min_columns_to_activate = 1");
    if (shape->life) put(t, ", merge_with_ttl_timeout = 2");
    if (shape->remembers) put(t, ", non_replicated_deduplication_window = 1000");
    if (shape->projected) put(t, ", deduplicate_merge_projection_mode = 'rebuild', lightweight_mutation_projection_mode = 'rebuild'");
}

static void put_side(text *t, const statement *s)
{
    const bool joined = s->a == 1;
    if (s->kind == STATEMENT_SIDE_CREATE) put(t, joined ? "CREATE TABLE joined (k UInt32, v UInt32) ENGINE = Join(ANY, LEFT, k)" : "CREATE TABLE chosen (k UInt32) ENGINE = Set");
    else put_template(t, s, joined ? "INSERT INTO joined SELECT number, number * 3 FROM numbers(%l, %h - %l)" : "INSERT INTO chosen SELECT number FROM numbers(%l, %h - %l)");
}

/* Rows of a table with a sign hold v * sign and the sign, or v and the sign. */
static void put_row(text *t, world_family family, const world_row *r, uint32_t text_id)
{
    char string[128];
    const int sign = r->id == 1 ? 1 : -1;
    (void)world_text(string, sizeof string, text_id);
    put(t, "(%u, %" PRIu32 ", %" PRId64 ", '%s'", r->p, r->k, family == FAMILY_COLLAPSING ? r->v * sign : r->v, string);
    if (family == FAMILY_COLLAPSING || family == FAMILY_VERSIONED) put(t, ", %d", sign);
    put(t, ")");
}

static void put_insert(text *t, const statement *s, world_family family)
{
    const bool counted = family >= FAMILY_AGGREGATING, state = family == FAMILY_AGGREGATING;
    put(t, "INSERT INTO t%u (p, k, v, s%s)", s->a, state ? ", a" : counted ? ", sign" : "");
    if (!s->known) put(t, " SETTINGS async_insert = 1");
    else if (s->number % 2 || state) put(t, " SETTINGS insert_deduplication_token = 'n%" PRIu32 "'", s->number);
    put(t, state ? " SELECT p, k, max(v), any(s), countState() FROM values('p UInt8, k UInt32, v Int64, s String'," : " VALUES");
    for (uint32_t i = 0, shown = 0; shown < s->rows->count; i++) { /* what cancels a state stands in front of the new one */
        const world_row *r = &s->rows->rows[i % s->rows->count];
        if (family == FAMILY_COLLAPSING && (r->id == 1) != (i >= s->rows->count)) continue;
        put(t, shown++ ? ", " : " ");
        put_row(t, family, r, counted ? s->number : r->id);
    }
    if (state) put(t, ") GROUP BY p, k");
}

/* What cancels the state of a key, and perhaps a new one; keys without a state get one. */
static uint32_t make_changes(world_row *rows, uint32_t count, const world_rows *states, sim_random *r)
{
    uint32_t out = 0;
    const world_row *state = NULL;
    for (uint32_t i = 0; i < count; i++) {
        world_row fresh = rows[count + i];
        bool again = false;
        for (uint32_t j = 0; j < out; j++) again |= rows[j].p == fresh.p && rows[j].k == fresh.k;
        if (again) continue;
        state = NULL;
        for (uint32_t j = 0; j < world_rows_count(states); j++)
            if (states->rows[j].p == fresh.p && states->rows[j].k == fresh.k) state = &states->rows[j];
        fresh.id = 1;
        if (state) rows[out++] = (world_row){.p = fresh.p, .k = fresh.k, .v = -state->v, .id = UINT32_MAX};
        if (!state || sim_chance(r, 50)) rows[out++] = fresh;
    }
    return out;
}

static int64_t make_value(const world *w, sim_random *r, uint32_t id)
{
    if (w->shape.family == FAMILY_REPLACING) return (int64_t)(sim_draw(r, 1000) << 32 | id); /* no two versions are equal */
    if (w->shape.family == FAMILY_VERSIONED) return (int64_t)sim_draw(r, 4);
    return (int64_t)sim_draw(r, 1000) - 500;
}

static void make_rows(statement *s, const world *w, sim_random *r, uint32_t *next_id)
{
    enum { MOST = 200 };
    world_row rows[2 * MOST], *const out = rows + MOST;
    const world_family family = w->shape.family;
    const bool many = sim_chance(r, 20), spread = sim_chance(r, 40);
    uint32_t count = 1 + (uint32_t)sim_draw(r, many ? MOST / 2 - 1 : 8);
    const uint8_t p = (uint8_t)sim_draw(r, WORLD_PARTITIONS);
    for (uint32_t i = 0; i < count; i++) {
        out[i] = (world_row){.p = spread ? (uint8_t)sim_draw(r, WORLD_PARTITIONS) : p, .k = (uint32_t)sim_draw(r, KEYS), .id = ++*next_id};
        out[i].v = make_value(w, r, out[i].id);
        if (family == FAMILY_AGGREGATING) out[i].id = 1;
        if (family == FAMILY_VERSIONED) out[i].id = sim_chance(r, 60) ? 1 : UINT32_MAX;
    }
    s->number = ++*next_id;
    s->known = s->low % 4 != 0;
    memmove(rows + count, out, sizeof *rows * count);
    if (family == FAMILY_COLLAPSING) count = make_changes(rows, count, w->tables[s->a].rows, r);
    else memmove(rows, rows + count, sizeof *rows * count);
    s->rows = world_rows_new(rows, count, FAMILY_PLAIN);
}

/* ---- the last inserts, which may be sent again ---- */
enum { RECENT = 4 };
static struct {
    statement statements[RECENT];
    unsigned count;
} recent;

static void keep_recent(const statement *s)
{
    statement *at = &recent.statements[recent.count++ % RECENT];
    statement_release(at);
    *at = *s;
    at->sql = strdup(s->sql);
    FN_ASSERT(at->sql != NULL);
    (void)world_rows_ref(at->rows);
}

static bool choose_recent(statement *s, const world *w, sim_random *r)
{
    if (recent.count == 0 || !w->shape.remembers) return false;
    const statement *again = &recent.statements[sim_draw(r, FN_MIN(recent.count, (unsigned)RECENT))];
    if (!again->known || !w->tables[again->a].exists) return false;
    *s = *again;
    s->kind = STATEMENT_INSERT_AGAIN;
    s->sql = strdup(again->sql);
    FN_ASSERT(s->sql != NULL);
    (void)world_rows_ref(s->rows);
    return true;
}

static bool choose_table(const world *w, sim_random *r, bool existing, bool away, uint8_t *out)
{
    for (int attempt = 0; attempt < 20; attempt++) {
        *out = (uint8_t)sim_draw(r, WORLD_TABLES);
        if (w->tables[*out].exists == existing && w->tables[*out].away == away) return true;
    }
    return false;
}

/* Those that only some worlds are good for. */
static bool makes_sense(const statement *s, const world *w)
{
    unsigned dropped = 0;
    const world_shape *shape = &w->shape;
    for (unsigned i = 0; i < w->dropped_count; i++) dropped += w->dropped_names[i] == s->a;
    if (s->kind == STATEMENT_ADD_COLUMN || s->kind == STATEMENT_DROP_COLUMN) return w->tables[s->a].has_extra == (s->kind == STATEMENT_DROP_COLUMN);
    if (s->kind == STATEMENT_CREATE_VIEW && shape->remembers) return false;
    if (s->kind == STATEMENT_CREATE_VIEW || s->kind == STATEMENT_DROP_VIEW) return w->view == (s->kind == STATEMENT_DROP_VIEW);
    if (s->kind == STATEMENT_UNDROP) return dropped == 1; /* of two, seconds decide */
    if (s->kind == STATEMENT_RESTORE) return w->backup != 0;
    if (s->kind == STATEMENT_ADD_INDEX) return shape->indexed;
    if (s->kind == STATEMENT_ADD_PROJECTION || s->kind == STATEMENT_CLEAR_PROJECTION) return shape->projected;
    if (s->kind == STATEMENT_AGE) return shape->life != 0;
    if (s->kind == STATEMENT_DETACH_PARTITION) return !shape->remembers; /* it forgets the inserts of the parts there are: some may be gone */
    /* rows that nobody looks for may run the view or not */
    if (s->kind == STATEMENT_INSERT_SELECT) return !(w->view && w->view_target == s->b) && shape->family != FAMILY_SUMMING && !shape->life;
    return true;
}

static bool allowed(unsigned flags, world_family family, bool alone)
{
    if (flags & PLAIN_ONLY && family != FAMILY_PLAIN) return false;
    if (flags & ALIKE && family > FAMILY_SUMMING) return false;
    return !(flags & SUMS && family == FAMILY_COLLAPSING) && (alone || !(flags & ALONE_ONLY));
}

static bool choose_side(statement *s, const world *w, sim_random *r)
{
    s->a = (uint8_t)sim_draw(r, WORLD_SIDES);
    s->high = FN_MIN(s->high, 64u);
    return w->sides[s->a].exists == (s->kind != STATEMENT_SIDE_CREATE);
}

static void choose_number(statement *s, const world *w, sim_random *r, uint32_t *next_id)
{
    const world_rows *rows = w->tables[s->a].rows;
    s->number = w->backup;
    if (s->kind == STATEMENT_BACKUP || s->kind == STATEMENT_BACKUP_FILE) s->number = ++*next_id;
    if (s->kind == STATEMENT_RESTORE) s->b = w->backup_name;
    if (s->kind == STATEMENT_RESTORE) s->known = w->backup_in_file;
    if (s->kind == STATEMENT_AGE) s->number = 0;
    if (s->kind != STATEMENT_READ_TEXT) return;
    s->number = (uint32_t)sim_draw(r, *next_id + 1);
    if (world_rows_count(rows)) s->number = rows->rows[sim_draw(r, rows->count)].id;
}

/* Names and numbers; false: there is nothing for this kind to work on. */
static bool choose(statement *s, const world *w, sim_random *r, uint32_t *next_id)
{
    const unsigned flags = kinds[s->kind].flags;
    s->p = (uint8_t)sim_draw(r, WORLD_PARTITIONS);
    s->low = (uint32_t)sim_draw(r, KEYS);
    s->high = s->low + 1 + (uint32_t)sim_draw(r, KEYS / 2);
    s->by = (int64_t)sim_draw(r, 100) - 50;
    if (s->kind == STATEMENT_READ_VALUES) s->low *= 8;
    if (s->kind == STATEMENT_READ_VALUES) s->high += s->low;
    if (s->kind == STATEMENT_INSERT_AGAIN) return choose_recent(s, w, r);
    if (flags & SIDE) return choose_side(s, w, r);
    if (!choose_table(w, r, !(flags & (FREE | AWAY)), flags & AWAY, &s->a)) return false;
    if (flags & TWO && !choose_table(w, r, !(flags & NEEDS_FREE), false, &s->b)) return false;
    if (flags & TWO && s->a == s->b) return false;
    if (s->kind == STATEMENT_DROP && w->dropped_count > WORLD_DROPPED / 2) s->p |= 1; /* SYNC */
    choose_number(s, w, r, next_id);
    return makes_sense(s, w);
}

static void put_statement(text *t, statement *s, const world *w, sim_random *r, uint32_t *next_id)
{
    const char *from = kinds[s->kind].text;
    if (from) put_template(t, s, from);
    else if (kinds[s->kind].flags & SIDE) put_side(t, s);
    else if (kinds[s->kind].apply == apply_read) put_read(t, s, w->shape.family, s->kind == STATEMENT_READ_SOME, s->by > 0);
    else if (s->kind != STATEMENT_INSERT) put_create(t, s, w);
    if (s->kind != STATEMENT_INSERT) return;
    make_rows(s, w, r, next_id);
    put_insert(t, s, w->shape.family);
}

static bool evenly;
static unsigned made[STATEMENT_KINDS];

void statement_make_evenly(void)
{
    evenly = true;
    memset(made, 0, sizeof made);
}

static unsigned weight_of(int kind)
{
    enum { NEW = 15 };
    return evenly && kind != STATEMENT_INSERT ? NEW / (1 + 3 * made[kind]) : kinds[kind].weight;
}

void statement_make(statement *s, const world *w, sim_random *r, uint32_t *next_id, bool alone)
{
    unsigned total = 0;
    for (int i = 0; i < STATEMENT_KINDS; i++) total += weight_of(i);
    for (;;) {
        uint64_t pick = sim_draw(r, total);
        *s = (statement){.kind = STATEMENT_CREATE};
        while (pick >= weight_of((int)s->kind)) pick -= weight_of((int)s->kind++);
        if (!allowed(kinds[s->kind].flags, w->shape.family, alone) || unwanted[s->kind] || !choose(s, w, r, next_id)) continue;
        if (kinds[s->kind].flags & SIDE || world_rows_count(w->tables[s->a].rows) < ROWS_MOST) break;
        statement_release(s);
        s->kind = STATEMENT_TRUNCATE;
        break;
    }
    made[s->kind]++;
    if (s->sql) return;
    text t = {.bytes = NULL};
    put_statement(&t, s, w, r, next_id);
    s->sql = t.bytes;
    if (s->kind == STATEMENT_INSERT) keep_recent(s);
}
