/* statement.c - random statements: their text, and what they make of a world. See model.h. SPDX-License-Identifier: Apache-2.0 */
#include "model.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 60, ROWS_MOST = 3000 };

/* ---- what they do ---- */
typedef bool apply_fn(const statement *s, world *w);

static world_table *table_of(world *w, uint8_t index)
{
    return &w->tables[index];
}

static void set_rows(world_rows **at, world_rows *rows_take)
{
    world_rows_drop(*at);
    *at = rows_take;
}

static world_rows *join(const world *w, const world_rows *a, const world_rows *b)
{
    const uint32_t n = world_rows_count(a), m = world_rows_count(b);
    world_row *all = malloc(sizeof *all * ((size_t)n + m + 1));
    FN_ASSERT(all != NULL);
    if (n) memcpy(all, a->rows, sizeof *all * n);
    if (m) memcpy(all + n, b->rows, sizeof *all * m);
    world_rows *out = world_rows_new(all, n + m, w->replacing);
    free(all);
    return out;
}

/* The rows of a partition, or all but them. */
static world_rows *select_partition(const world_rows *r, uint8_t p, bool inside)
{
    world_rows *out = world_rows_new(NULL, 0, false);
    out = realloc(out, sizeof *out + ((size_t)world_rows_count(r) + 1) * sizeof *out->rows);
    FN_ASSERT(out != NULL);
    for (uint32_t i = 0; i < world_rows_count(r); i++)
        if ((r->rows[i].p == p) == inside) out->rows[out->count++] = r->rows[i];
    return out;
}

static void add_rows(world *w, uint8_t to, const world_rows *rows)
{
    set_rows(&table_of(w, to)->rows, join(w, table_of(w, to)->rows, rows));
}

static bool apply_create(const statement *s, world *w)
{
    if (table_of(w, s->a)->exists || table_of(w, s->a)->away) return false;
    table_of(w, s->a)->exists = true;
    return true;
}

static bool apply_insert(const statement *s, world *w)
{
    const bool viewed = w->view && w->view_source == s->a && s->rows->count; /* without rows the view does not run */
    if (!table_of(w, s->a)->exists || (viewed && !table_of(w, w->view_target)->exists)) return false;
    add_rows(w, s->a, s->rows);
    if (!viewed) return true;
    world_row *seen = malloc(sizeof *seen * ((size_t)s->rows->count + 1));
    uint32_t count = 0;
    FN_ASSERT(seen != NULL);
    for (uint32_t i = 0; i < s->rows->count; i++) {
        if (s->rows->rows[i].k % 2) continue;
        seen[count] = s->rows->rows[i];
        seen[count++].v *= 2;
    }
    world_rows *rows = world_rows_new(seen, count, w->replacing);
    add_rows(w, w->view_target, rows);
    world_rows_drop(rows);
    free(seen);
    return true;
}

static bool apply_insert_select(const statement *s, world *w)
{
    const world_rows *from = table_of(w, s->b)->rows;
    if (!table_of(w, s->b)->exists) return false;
    world_row *chosen = malloc(sizeof *chosen * ((size_t)world_rows_count(from) + 1));
    uint32_t count = 0;
    FN_ASSERT(chosen != NULL);
    for (uint32_t i = 0; i < world_rows_count(from); i++)
        if (from->rows[i].k >= s->low && from->rows[i].k < s->high) chosen[count++] = from->rows[i];
    const statement insert = {.kind = STATEMENT_INSERT, .a = s->a, .rows = world_rows_new(chosen, count, false)};
    free(chosen);
    const bool ok = apply_insert(&insert, w);
    world_rows_drop(insert.rows);
    return ok;
}

/* k in [low, high), in one partition for those that name one. */
static bool is_chosen(const statement *s, const world_row *r)
{
    const bool in_partition = s->kind == STATEMENT_DELETE_IN || s->kind == STATEMENT_CLEAR_COLUMN;
    if (in_partition && r->p != s->p) return false;
    return s->kind == STATEMENT_CLEAR_COLUMN || (r->k >= s->low && r->k < s->high);
}

static bool apply_mutation(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    if (!t->exists) return false;
    world_row *rows = malloc(sizeof *rows * ((size_t)world_rows_count(t->rows) + 1));
    uint32_t count = 0;
    FN_ASSERT(rows != NULL);
    for (uint32_t i = 0; i < world_rows_count(t->rows); i++) {
        world_row r = t->rows->rows[i];
        const bool hit = is_chosen(s, &r);
        if (hit && (s->kind == STATEMENT_DELETE || s->kind == STATEMENT_LIGHT_DELETE || s->kind == STATEMENT_DELETE_IN)) continue;
        if (hit) r.v = s->kind == STATEMENT_CLEAR_COLUMN ? 0 : r.v + s->by;
        rows[count++] = r;
    }
    set_rows(&t->rows, world_rows_new(rows, count, w->replacing));
    free(rows);
    return true;
}

static bool apply_nothing(const statement *s, world *w)
{
    return table_of(w, s->a)->exists;
}

static bool apply_exchange(const statement *s, world *w)
{
    world_table *a = table_of(w, s->a), *b = table_of(w, s->b);
    if (!a->exists || !b->exists) return false;
    const world_table t = *a;
    *a = *b;
    *b = t;
    return true;
}

static bool apply_rename(const statement *s, world *w)
{
    world_table *a = table_of(w, s->a), *b = table_of(w, s->b);
    if (!a->exists || b->exists || b->away) return false;
    *b = *a;
    *a = (world_table){.exists = false};
    return true;
}

static bool apply_transfer(const statement *s, world *w)
{
    world_table *from = table_of(w, s->b), *to = table_of(w, s->a);
    if (!from->exists || !to->exists || from->has_extra != to->has_extra) return false;
    if (s->a == s->b && s->kind == STATEMENT_MOVE_PARTITION) return true;
    world_rows *moved = select_partition(from->rows, s->p, true);
    const bool replace = s->kind == STATEMENT_REPLACE_PARTITION;
    if (replace && moved->count == 0) {
        world_rows_drop(moved);
        return false;
    }
    if (replace) set_rows(&to->rows, select_partition(to->rows, s->p, false));
    add_rows(w, s->a, moved);
    if (s->kind == STATEMENT_MOVE_PARTITION) set_rows(&from->rows, select_partition(from->rows, s->p, false));
    world_rows_drop(moved);
    return true;
}

static bool apply_drop_partition(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    if (!t->exists) return false;
    if (s->kind == STATEMENT_DETACH_PARTITION) {
        world_rows *gone = select_partition(t->rows, s->p, true);
        set_rows(&t->detached, join(w, t->detached, gone));
        world_rows_drop(gone);
    }
    set_rows(&t->rows, select_partition(t->rows, s->p, false));
    return true;
}

static bool apply_detached(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    if (!t->exists) return false;
    if (s->kind == STATEMENT_ATTACH_PARTITION) {
        world_rows *back = select_partition(t->detached, s->p, true);
        add_rows(w, s->a, back);
        world_rows_drop(back);
    }
    set_rows(&t->detached, select_partition(t->detached, s->p, false));
    return true;
}

static bool apply_truncate(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    if (!t->exists) return false;
    set_rows(&t->rows, NULL);
    return true;
}

static void forget_dropped(world *w, unsigned at)
{
    set_rows(&w->dropped[at].rows, NULL);
    set_rows(&w->dropped[at].detached, NULL);
    w->dropped_count--;
    memmove(&w->dropped[at], &w->dropped[at + 1], sizeof *w->dropped * (w->dropped_count - at));
    memmove(&w->dropped_names[at], &w->dropped_names[at + 1], w->dropped_count - at);
}

static bool apply_drop(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    if (!t->exists) return false;
    if (s->kind == STATEMENT_DROP && s->p % 2 == 0) { /* not SYNC */
        if (w->dropped_count == WORLD_DROPPED) forget_dropped(w, 0);
        w->dropped_names[w->dropped_count] = s->a;
        w->dropped[w->dropped_count++] = *t;
    } else {
        set_rows(&t->rows, NULL);
        set_rows(&t->detached, NULL);
    }
    *t = (world_table){.exists = s->kind == STATEMENT_REPLACE_TABLE};
    return true;
}

static bool apply_replace_table(const statement *s, world *w)
{
    if (table_of(w, s->a)->away) return false;
    table_of(w, s->a)->exists = true;
    return apply_drop(s, w);
}

static bool apply_undrop(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    unsigned at = w->dropped_count;
    if (t->exists || t->away) return false;
    while (at && w->dropped_names[at - 1] != s->a) at--;
    if (at == 0) return false;
    *t = w->dropped[at - 1];
    w->dropped[at - 1] = (world_table){.exists = false};
    forget_dropped(w, at - 1);
    return true;
}

static bool apply_detach_table(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    if (!t->exists) return false;
    t->exists = false;
    t->away = true;
    t->permanently = s->kind == STATEMENT_DETACH_PERMANENTLY;
    return true;
}

static bool apply_attach_table(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    if (!t->away) return false;
    t->exists = true;
    t->away = t->permanently = false;
    return true;
}

static bool apply_backup(const statement *s, world *w)
{
    const world_table *t = table_of(w, s->a);
    if (!t->exists) return false;
    set_rows(&w->backup_table.rows, world_rows_ref(t->rows));
    w->backup_table.has_extra = t->has_extra;
    w->backup = s->number;
    w->backup_name = s->a;
    return true;
}

static bool apply_restore(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    if (t->away || w->backup != s->number || w->backup_name != s->b) return false;
    if (t->exists && (world_rows_count(t->rows) || t->has_extra != w->backup_table.has_extra)) return false; /* an empty one is filled */
    t->exists = true;
    t->has_extra = w->backup_table.has_extra;
    set_rows(&t->rows, world_rows_ref(w->backup_table.rows));
    return true;
}

static bool apply_create_view(const statement *s, world *w)
{
    if (w->view || !table_of(w, s->a)->exists || !table_of(w, s->b)->exists) return false;
    w->view = true;
    w->view_source = s->a;
    w->view_target = s->b;
    return true;
}

static bool apply_drop_view(const statement *s, world *w)
{
    (void)s;
    if (!w->view) return false;
    w->view = false;
    return true;
}

static bool apply_column(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    const bool add = s->kind == STATEMENT_ADD_COLUMN;
    if (!t->exists || t->has_extra == add) return false;
    t->has_extra = add;
    return true;
}

static bool apply_read(const statement *s, world *w)
{
    const world_table *t = table_of(w, s->a);
    if (!t->exists || s->kind == STATEMENT_READ) return t->exists && world_rows_equal(t->rows, s->rows);
    world_row *chosen = malloc(sizeof *chosen * ((size_t)world_rows_count(t->rows) + 1));
    uint32_t count = 0;
    FN_ASSERT(chosen != NULL);
    for (uint32_t i = 0; i < world_rows_count(t->rows); i++)
        if (is_chosen(s, &t->rows->rows[i])) chosen[count++] = t->rows->rows[i];
    world_rows *must = world_rows_new(chosen, count, false);
    const bool equal = world_rows_equal(must, s->rows);
    world_rows_drop(must);
    free(chosen);
    return equal;
}

/* ---- the list ---- */
enum { ANY = 0, PLAIN_ONLY = 1, ALONE_ONLY = 2, TWO = 4, NEEDS_FREE = 8, FREE = 16, AWAY = 32 };

typedef struct kind_row {
    const char *name;
    apply_fn *apply;
    unsigned weight, flags;
    const char *text; /* %a %b tables, %p partition, %l %h bounds, %d difference, %f FINAL, %y SYNC, %n number, %o perhaps an order that spills */
} kind_row;

static const kind_row kinds[STATEMENT_KINDS] = {
    [STATEMENT_CREATE] = {"create", apply_create, 6, FREE, NULL},
    [STATEMENT_INSERT] = {"insert", apply_insert, 40, ANY, NULL},
    [STATEMENT_INSERT_SELECT] = {"insert select", apply_insert_select, 3, PLAIN_ONLY | ALONE_ONLY | TWO,
                                 "INSERT INTO %a (p, k, v, s) SELECT p, k, v, s FROM %b WHERE k >= %l AND k < %h"},
    [STATEMENT_UPDATE] = {"update", apply_mutation, 4, PLAIN_ONLY, "ALTER TABLE %a UPDATE v = v + %d WHERE k >= %l AND k < %h"},
    [STATEMENT_DELETE] = {"delete", apply_mutation, 3, PLAIN_ONLY, "ALTER TABLE %a DELETE WHERE k >= %l AND k < %h"},
    [STATEMENT_LIGHT_DELETE] = {"light delete", apply_mutation, 4, PLAIN_ONLY, "DELETE FROM %a WHERE k >= %l AND k < %h"},
    [STATEMENT_OPTIMIZE] = {"optimize", apply_nothing, 4, ANY, "OPTIMIZE TABLE %a"},
    [STATEMENT_OPTIMIZE_FINAL] = {"optimize final", apply_nothing, 3, ANY, "OPTIMIZE TABLE %a FINAL"},
    [STATEMENT_EXCHANGE] = {"exchange", apply_exchange, 5, TWO, "EXCHANGE TABLES %a AND %b"},
    [STATEMENT_RENAME] = {"rename", apply_rename, 2, TWO | NEEDS_FREE, "RENAME TABLE %a TO %b"},
    [STATEMENT_REPLACE_PARTITION] = {"replace partition", apply_transfer, 5, TWO, "ALTER TABLE %a REPLACE PARTITION %p FROM %b"},
    [STATEMENT_ATTACH_FROM] = {"attach partition from", apply_transfer, 2, PLAIN_ONLY | TWO, "ALTER TABLE %a ATTACH PARTITION %p FROM %b"},
    [STATEMENT_MOVE_PARTITION] = {"move partition", apply_transfer, 4, TWO, "ALTER TABLE %b MOVE PARTITION %p TO TABLE %a"},
    [STATEMENT_DROP_PARTITION] = {"drop partition", apply_drop_partition, 3, ANY, "ALTER TABLE %a DROP PARTITION %p"},
    [STATEMENT_DETACH_PARTITION] = {"detach partition", apply_drop_partition, 3, ANY, "ALTER TABLE %a DETACH PARTITION %p"},
    [STATEMENT_ATTACH_PARTITION] = {"attach partition", apply_detached, 4, ANY, "ALTER TABLE %a ATTACH PARTITION %p"},
    [STATEMENT_DROP_DETACHED] = {"drop detached", apply_detached, 1, ANY, "ALTER TABLE %a DROP DETACHED PARTITION %p SETTINGS allow_drop_detached = 1"},
    [STATEMENT_TRUNCATE] = {"truncate", apply_truncate, 1, ANY, "TRUNCATE TABLE %a"},
    [STATEMENT_DROP] = {"drop", apply_drop, 2, ANY, "DROP TABLE %a%y"},
    [STATEMENT_REPLACE_TABLE] = {"replace table", apply_replace_table, 1, ANY, NULL},
    [STATEMENT_CREATE_VIEW] = {"create view", apply_create_view, 2, TWO | ALONE_ONLY,
                               "CREATE MATERIALIZED VIEW view TO %b AS SELECT p, k, v * 2 AS v, s FROM %a WHERE k % 2 = 0"},
    [STATEMENT_DROP_VIEW] = {"drop view", apply_drop_view, 1, ALONE_ONLY, "DROP TABLE view"},
    [STATEMENT_ADD_COLUMN] = {"add column", apply_column, 1, ANY, "ALTER TABLE %a ADD COLUMN x UInt16 DEFAULT k + 1"},
    [STATEMENT_DROP_COLUMN] = {"drop column", apply_column, 2, ANY, "ALTER TABLE %a DROP COLUMN x"},
    [STATEMENT_COMMENT] = {"comment", apply_nothing, 1, ANY, "ALTER TABLE %a MODIFY COMMENT 'number %l'"},
    [STATEMENT_READ] = {"read", apply_read, 8, ANY, "SELECT p, k, v, s FROM %a%f%o FORMAT RowBinary"},
    [STATEMENT_READ_SOME] = {"read some", apply_read, 4, ANY, "SELECT p, k, v, s FROM %a%f WHERE k >= %l AND k < %h%o FORMAT RowBinary"},
    [STATEMENT_LIGHT_UPDATE] = {"light update", apply_mutation, 2, PLAIN_ONLY, "UPDATE %a SET v = v + %d WHERE k >= %l AND k < %h"},
    [STATEMENT_DELETE_IN] = {"delete in partition", apply_mutation, 2, PLAIN_ONLY, "ALTER TABLE %a DELETE IN PARTITION %p WHERE k >= %l AND k < %h"},
    [STATEMENT_CLEAR_COLUMN] = {"clear column", apply_mutation, 1, PLAIN_ONLY, "ALTER TABLE %a CLEAR COLUMN v IN PARTITION %p"},
    [STATEMENT_DETACH_TABLE] = {"detach table", apply_detach_table, 2, ANY, "DETACH TABLE %a"},
    [STATEMENT_DETACH_PERMANENTLY] = {"detach table permanently", apply_detach_table, 1, ANY, "DETACH TABLE %a PERMANENTLY"},
    [STATEMENT_ATTACH_TABLE] = {"attach table", apply_attach_table, 8, AWAY, "ATTACH TABLE %a"},
    [STATEMENT_UNDROP] = {"undrop", apply_undrop, 3, FREE, "UNDROP TABLE %a"},
    [STATEMENT_BACKUP] = {"backup", apply_backup, 2, ALONE_ONLY, "BACKUP TABLE %a TO Memory('b%n')"},
    [STATEMENT_RESTORE] = {"restore", apply_restore, 3, ALONE_ONLY | FREE, "RESTORE TABLE %b AS %a FROM Memory('b%n')"},
    [STATEMENT_ADD_INDEX] = {"materialize index", apply_nothing, 1, ANY, "ALTER TABLE %a MATERIALIZE INDEX ik"},
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
    set_rows(&table_of(w, s->a)->rows, NULL); /* the table is there before its parts, which come all at once */
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

static void put_template(text *t, const statement *s, const world *w, const char *from)
{
    for (; *from; from++) {
        if (*from != '%' || !strchr("abplhdfyno", from[1])) {
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
        case 'f': put(t, "%s", w->replacing ? " FINAL" : ""); break;
        case 'n': put(t, "%" PRIu32, s->number); break;
        case 'o':
            if (s->p == 0) put(t, " ORDER BY v, k, s SETTINGS max_bytes_before_external_sort = 1, max_bytes_ratio_before_external_sort = 0");
            break;
        case 'y': put(t, "%s", s->p % 2 ? " SYNC" : ""); break;
        }
    }
}

static void put_create(text *t, const statement *s, const world *w)
{
    const char *indexes = w->indexed ? ", INDEX ik k TYPE minmax, INDEX js s TYPE bloom_filter GRANULARITY 2" : "";
    put(t, "%s TABLE t%u (p UInt8, k UInt32, v Int64, s String%s) ENGINE = %s PARTITION BY p ORDER BY %s", s->kind == STATEMENT_CREATE ? "CREATE" : "CREATE OR REPLACE", s->a,
        indexes, w->replacing ? "ReplacingMergeTree(v)" : "MergeTree", w->replacing ? "(p, k)" : "k");
    if (!w->replacing) put(t, " SETTINGS enable_block_number_column = 1, enable_block_offset_column = 1"); /* for UPDATE */
}

static void put_insert(text *t, const statement *s)
{
    char string[128];
    put(t, "INSERT INTO t%u (p, k, v, s)%s VALUES", s->a, s->low % 4 ? "" : " SETTINGS async_insert = 1");
    for (uint32_t i = 0; i < s->rows->count; i++) {
        const world_row *r = &s->rows->rows[i];
        (void)world_text(string, sizeof string, r->id);
        put(t, "%s(%u, %" PRIu32 ", %" PRId64 ", '%s')", i ? ", " : " ", r->p, r->k, r->v, string);
    }
}

static void make_rows(statement *s, const world *w, sim_random *r, uint32_t *next_id)
{
    world_row rows[200];
    const bool many = sim_chance(r, 20), spread = sim_chance(r, 40);
    const uint32_t count = 1 + (uint32_t)sim_draw(r, many ? FN_COUNT(rows) - 1 : 8);
    const uint8_t p = (uint8_t)sim_draw(r, WORLD_PARTITIONS);
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = (world_row){.p = spread ? (uint8_t)sim_draw(r, WORLD_PARTITIONS) : p, .k = (uint32_t)sim_draw(r, KEYS), .id = ++*next_id};
        rows[i].v = (int64_t)sim_draw(r, 1000) - 500;
        if (w->replacing) rows[i].v = (int64_t)(sim_draw(r, 1000) << 32 | rows[i].id); /* no two versions are equal */
    }
    s->rows = world_rows_new(rows, count, false);
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
    for (unsigned i = 0; i < w->dropped_count; i++) dropped += w->dropped_names[i] == s->a;
    if (s->kind == STATEMENT_ADD_COLUMN || s->kind == STATEMENT_DROP_COLUMN) return w->tables[s->a].has_extra == (s->kind == STATEMENT_DROP_COLUMN);
    if (s->kind == STATEMENT_CREATE_VIEW || s->kind == STATEMENT_DROP_VIEW) return w->view == (s->kind == STATEMENT_DROP_VIEW);
    if (s->kind == STATEMENT_UNDROP) return dropped == 1; /* of two, seconds decide */
    if (s->kind == STATEMENT_RESTORE) return w->backup != 0;
    if (s->kind == STATEMENT_ADD_INDEX) return w->indexed;
    return !(w->view && s->kind == STATEMENT_INSERT_SELECT && w->view_target == s->b);
}

/* Names and numbers; false: there is nothing for this kind to work on. */
static bool choose(statement *s, const world *w, sim_random *r, uint32_t *next_id)
{
    const unsigned flags = kinds[s->kind].flags;
    s->p = (uint8_t)sim_draw(r, WORLD_PARTITIONS);
    s->low = (uint32_t)sim_draw(r, KEYS);
    s->high = s->low + 1 + (uint32_t)sim_draw(r, KEYS / 2);
    s->by = (int64_t)sim_draw(r, 100) - 50;
    if (!choose_table(w, r, !(flags & (FREE | AWAY)), flags & AWAY, &s->a)) return false;
    if (flags & TWO && !choose_table(w, r, !(flags & NEEDS_FREE), false, &s->b)) return false;
    if (flags & TWO && s->a == s->b) return false;
    if (s->kind == STATEMENT_DROP && w->dropped_count > WORLD_DROPPED / 2) s->p |= 1; /* SYNC */
    s->number = w->backup;
    if (s->kind == STATEMENT_BACKUP) s->number = ++*next_id;
    if (s->kind == STATEMENT_RESTORE) s->b = w->backup_name;
    return makes_sense(s, w);
}

void statement_make(statement *s, const world *w, sim_random *r, uint32_t *next_id, bool alone)
{
    unsigned total = 0;
    for (int i = 0; i < STATEMENT_KINDS; i++) total += kinds[i].weight;
    for (;;) {
        uint64_t pick = sim_draw(r, total);
        *s = (statement){.kind = STATEMENT_CREATE};
        while (pick >= kinds[s->kind].weight) pick -= kinds[s->kind++].weight;
        const unsigned flags = kinds[s->kind].flags;
        if ((flags & PLAIN_ONLY && w->replacing) || (flags & ALONE_ONLY && !alone) || unwanted[s->kind] || !choose(s, w, r, next_id)) continue;
        if (world_rows_count(w->tables[s->a].rows) < ROWS_MOST) break;
        s->kind = STATEMENT_TRUNCATE;
        break;
    }
    text t = {.bytes = NULL};
    if (s->kind == STATEMENT_INSERT) {
        make_rows(s, w, r, next_id);
        put_insert(&t, s);
    } else if (kinds[s->kind].text) {
        put_template(&t, s, w, kinds[s->kind].text);
    } else {
        put_create(&t, s, w);
    }
    s->sql = t.bytes;
}
