/* apply.c - what statements make of a world. See statement.h. SPDX-License-Identifier: Apache-2.0 */
#include "statement.h"
#include <stdlib.h>
#include <string.h>

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
    world_rows *out = world_rows_new(all, n + m, w->shape.family);
    free(all);
    return out;
}

/* The rows of a partition, or all but them. */
static world_rows *select_partition(const world_rows *r, uint8_t p, bool inside)
{
    world_rows *out = world_rows_new(NULL, 0, FAMILY_PLAIN);
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

bool apply_create(const statement *s, world *w)
{
    if (table_of(w, s->a)->exists || table_of(w, s->a)->away) return false;
    table_of(w, s->a)->exists = true;
    return true;
}

/* ---- inserts that are known ---- */
static bool is_known(const world_table *t, uint32_t number, uint8_t p)
{
    for (uint32_t i = 0; i < world_rows_count(t->inserts); i++)
        if (t->inserts->rows[i].id == number && t->inserts->rows[i].p == p) return true;
    return false;
}

static void remember(world_table *t, uint32_t number, uint8_t p)
{
    const world_row row = {.id = number, .p = p};
    const world plain = {.shape = {.family = FAMILY_PLAIN}};
    world_rows *one = world_rows_new(&row, 1, FAMILY_PLAIN);
    set_rows(&t->inserts, join(&plain, t->inserts, one));
    world_rows_drop(one);
}

/* What is new of them, partition by partition. */
static world_rows *new_rows(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    world_rows *out = world_rows_ref(s->rows);
    if (!w->shape.remembers || !s->known) return out;
    for (uint8_t p = 0; p < WORLD_PARTITIONS; p++) {
        world_rows *inside = select_partition(s->rows, p, true);
        const bool any = inside->count != 0;
        world_rows_drop(inside);
        if (!any) continue;
        if (!is_known(t, s->number, p)) remember(t, s->number, p);
        else set_rows(&out, select_partition(out, p, false));
    }
    return out;
}

static void add_to_view(world *w, const world_rows *from)
{
    world_row *seen = malloc(sizeof *seen * ((size_t)from->count + 1));
    uint32_t count = 0;
    FN_ASSERT(seen != NULL);
    for (uint32_t i = 0; i < from->count; i++) {
        if (from->rows[i].k % 2) continue;
        seen[count] = from->rows[i];
        seen[count++].v *= 2;
    }
    world_rows *rows = world_rows_new(seen, count, w->shape.family);
    add_rows(w, w->view_target, rows);
    world_rows_drop(rows);
    free(seen);
}

bool apply_insert(const statement *s, world *w)
{
    const bool viewed = w->view && w->view_source == s->a && s->rows->count; /* without rows the view does not run */
    if (!table_of(w, s->a)->exists || (viewed && !table_of(w, w->view_target)->exists)) return false;
    world_rows *rows = new_rows(s, w);
    add_rows(w, s->a, rows);
    if (viewed) add_to_view(w, s->rows);
    world_rows_drop(rows);
    return true;
}

bool apply_insert_select(const statement *s, world *w)
{
    const world_rows *from = table_of(w, s->b)->rows;
    if (!table_of(w, s->b)->exists) return false;
    world_row *chosen = malloc(sizeof *chosen * ((size_t)world_rows_count(from) + 1));
    uint32_t count = 0;
    FN_ASSERT(chosen != NULL);
    for (uint32_t i = 0; i < world_rows_count(from); i++)
        if (from->rows[i].k >= s->low && from->rows[i].k < s->high) chosen[count++] = from->rows[i];
    const statement insert = {.kind = STATEMENT_INSERT, .a = s->a, .rows = world_rows_new(chosen, count, FAMILY_PLAIN)};
    free(chosen);
    const bool ok = apply_insert(&insert, w);
    world_rows_drop(insert.rows);
    return ok;
}

/* k in [low, high) for most, in one partition for those that name one. */
static bool is_chosen(const statement *s, const world_row *r)
{
    const bool in_partition = s->kind == STATEMENT_DELETE_IN || s->kind == STATEMENT_CLEAR_COLUMN;
    if (in_partition && r->p != s->p) return false;
    if (s->kind == STATEMENT_CLEAR_COLUMN || s->kind == STATEMENT_READ || s->kind == STATEMENT_READ_GROUPS) return true;
    if (s->kind == STATEMENT_READ_VALUES) return r->v >= (int64_t)s->low && r->v < (int64_t)s->high;
    if (s->kind == STATEMENT_READ_TEXT) return r->id == s->number;
    return r->k >= s->low && r->k < s->high;
}

bool apply_mutation(const statement *s, world *w)
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
    set_rows(&t->rows, world_rows_new(rows, count, w->shape.family));
    free(rows);
    return true;
}

bool apply_nothing(const statement *s, world *w)
{
    return table_of(w, s->a)->exists;
}

/* OPTIMIZE FINAL: number of rows left whose life was over before. */
bool apply_aged(const statement *s, world *w)
{
    return table_of(w, s->a)->exists && s->number == 0;
}

bool apply_exchange(const statement *s, world *w)
{
    world_table *a = table_of(w, s->a), *b = table_of(w, s->b);
    if (!a->exists || !b->exists) return false;
    const world_table t = *a;
    *a = *b;
    *b = t;
    return true;
}

bool apply_rename(const statement *s, world *w)
{
    world_table *a = table_of(w, s->a), *b = table_of(w, s->b);
    if (!a->exists || b->exists || b->away) return false;
    *b = *a;
    *a = (world_table){.exists = false};
    return true;
}

bool apply_transfer(const statement *s, world *w)
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

bool apply_drop_partition(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    if (!t->exists) return false;
    if (s->kind == STATEMENT_DETACH_PARTITION) {
        world_rows *gone = select_partition(t->rows, s->p, true);
        set_rows(&t->detached, join(w, t->detached, gone));
        world_rows_drop(gone);
    }
    set_rows(&t->rows, select_partition(t->rows, s->p, false));
    set_rows(&t->inserts, select_partition(t->inserts, s->p, false));
    return true;
}

bool apply_detached(const statement *s, world *w)
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

bool apply_truncate(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    if (!t->exists) return false;
    set_rows(&t->rows, NULL);
    set_rows(&t->inserts, NULL);
    return true;
}

static void forget_dropped(world *w, unsigned at)
{
    set_rows(&w->dropped[at].rows, NULL);
    set_rows(&w->dropped[at].detached, NULL);
    set_rows(&w->dropped[at].inserts, NULL);
    w->dropped_count--;
    memmove(&w->dropped[at], &w->dropped[at + 1], sizeof *w->dropped * (w->dropped_count - at));
    memmove(&w->dropped_names[at], &w->dropped_names[at + 1], w->dropped_count - at);
}

bool apply_drop(const statement *s, world *w)
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
        set_rows(&t->inserts, NULL);
    }
    *t = (world_table){.exists = s->kind == STATEMENT_REPLACE_TABLE};
    return true;
}

bool apply_replace_table(const statement *s, world *w)
{
    if (table_of(w, s->a)->away) return false;
    table_of(w, s->a)->exists = true;
    return apply_drop(s, w);
}

bool apply_undrop(const statement *s, world *w)
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

bool apply_detach_table(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    if (!t->exists) return false;
    t->exists = false;
    t->away = true;
    t->permanently = s->kind == STATEMENT_DETACH_PERMANENTLY;
    return true;
}

bool apply_attach_table(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    if (!t->away) return false;
    t->exists = true;
    t->away = t->permanently = false;
    return true;
}

bool apply_backup(const statement *s, world *w)
{
    const world_table *t = table_of(w, s->a);
    if (!t->exists) return false;
    set_rows(&w->backup_table.rows, world_rows_ref(t->rows));
    w->backup_table.has_extra = t->has_extra;
    w->backup = s->number;
    w->backup_in_file = s->kind == STATEMENT_BACKUP_FILE;
    w->backup_name = s->a;
    return true;
}

bool apply_restore(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    if (t->away || w->backup != s->number || w->backup_name != s->b) return false;
    if (t->exists && (world_rows_count(t->rows) || t->has_extra != w->backup_table.has_extra)) return false; /* an empty one is filled */
    t->exists = true;
    t->has_extra = w->backup_table.has_extra;
    set_rows(&t->rows, world_rows_ref(w->backup_table.rows));
    return true;
}

bool apply_create_view(const statement *s, world *w)
{
    if (w->view || !table_of(w, s->a)->exists || !table_of(w, s->b)->exists) return false;
    w->view = true;
    w->view_source = s->a;
    w->view_target = s->b;
    return true;
}

bool apply_drop_view(const statement *s, world *w)
{
    (void)s;
    if (!w->view) return false;
    w->view = false;
    return true;
}

bool apply_column(const statement *s, world *w)
{
    world_table *t = table_of(w, s->a);
    const bool add = s->kind == STATEMENT_ADD_COLUMN;
    if (!t->exists || t->has_extra == add) return false;
    t->has_extra = add;
    return true;
}

/* As the statement answers them. */
static world_rows *read_rows(const statement *s, const world *w)
{
    const world_rows *from = w->tables[s->a].rows;
    world_row *chosen = malloc(sizeof *chosen * ((size_t)world_rows_count(from) + 1));
    uint32_t count = 0;
    FN_ASSERT(chosen != NULL);
    for (uint32_t i = 0; i < world_rows_count(from); i++) {
        world_row r = from->rows[i];
        if (!is_chosen(s, &r)) continue;
        if (s->kind == STATEMENT_READ_GROUPS) r.id = 1;
        const bool same = s->kind == STATEMENT_READ_GROUPS && count && chosen[count - 1].p == r.p && chosen[count - 1].k == r.k;
        if (!same) chosen[count++] = r;
        else chosen[count - 1].v += r.v, chosen[count - 1].id++;
    }
    world_rows *out = world_rows_new(chosen, count, FAMILY_PLAIN);
    free(chosen);
    return out;
}

bool apply_read(const statement *s, world *w)
{
    const world_table *t = table_of(w, s->a);
    if (!t->exists) return false;
    world_rows *must = read_rows(s, w);
    const bool equal = world_rows_equal(must, s->rows);
    world_rows_drop(must);
    return equal;
}

bool apply_side(const statement *s, world *w)
{
    world_side *side = &w->sides[s->a];
    if (side->exists == (s->kind == STATEMENT_SIDE_CREATE)) return false;
    side->exists = s->kind != STATEMENT_SIDE_DROP;
    if (s->kind != STATEMENT_SIDE_INSERT) side->keys = 0;
    for (uint32_t k = s->low; s->kind == STATEMENT_SIDE_INSERT && k < s->high; k++) side->keys |= (uint64_t)1 << k;
    return true;
}
