/* model.c - contents of tables and worlds. See model.h. SPDX-License-Identifier: Apache-2.0 */
#include "model.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int world_text(char *out, size_t room, uint32_t id)
{
    static const char filler[] = "the quick brown fox jumps over the lazy dog";
    return snprintf(out, room, "r%" PRIu32 " %.*s", id, (int)(id % sizeof filler), filler);
}

static int compare_rows(const void *x, const void *y)
{
    const world_row *a = x, *b = y;
    if (a->p != b->p) return a->p < b->p ? -1 : 1;
    if (a->k != b->k) return a->k < b->k ? -1 : 1;
    if (a->v != b->v) return a->v < b->v ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static bool same_key(world_family family, const world_row *a, const world_row *b)
{
    return a->p == b->p && a->k == b->k && (family != FAMILY_VERSIONED || a->v == b->v);
}

/* Two rows of one key in one; `b` has the greater v. */
static void fold(world_family family, world_row *a, const world_row *b)
{
    switch (family) {
    case FAMILY_PLAIN: break;
    case FAMILY_REPLACING: *a = *b; break;
    case FAMILY_SUMMING: a->v += b->v; break;
    case FAMILY_AGGREGATING:
        a->v = b->v;
        a->id += b->id;
        break;
    case FAMILY_COLLAPSING:
        a->v += b->v;
        a->id += b->id;
        break;
    case FAMILY_VERSIONED: a->id += b->id; break;
    case FAMILIES: break;
    }
}

static bool is_nothing(world_family family, const world_row *r)
{
    if (family == FAMILY_SUMMING) return r->v == 0;
    return (family == FAMILY_COLLAPSING || family == FAMILY_VERSIONED) && r->id == 0;
}

world_rows *world_rows_new(const world_row *rows, uint32_t count, world_family family)
{
    world_rows *r = malloc(sizeof *r + ((size_t)count + 1) * sizeof *rows);
    FN_ASSERT(r != NULL);
    r->refs = 1;
    r->count = count;
    if (count) memcpy(r->rows, rows, sizeof *rows * count);
    if (count > 1) qsort(r->rows, count, sizeof *rows, compare_rows);
    if (family == FAMILY_PLAIN) return r;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count;) {
        world_row one = r->rows[i++];
        while (i < count && same_key(family, &one, &r->rows[i])) fold(family, &one, &r->rows[i++]);
        if (family == FAMILY_SUMMING) one.id = 0;
        if (!is_nothing(family, &one)) r->rows[kept++] = one;
    }
    r->count = kept;
    return r;
}

world_rows *world_rows_ref(world_rows *r)
{
    if (r) r->refs++;
    return r;
}

void world_rows_drop(world_rows *r)
{
    if (r && --r->refs == 0) free(r);
}

uint32_t world_rows_count(const world_rows *r)
{
    return r ? r->count : 0;
}

static uint32_t age;

void world_set_age(uint32_t k)
{
    age = k;
}

uint32_t world_age(void)
{
    return age;
}

static uint32_t skip_old(const world_rows *r, uint32_t i)
{
    while (i < world_rows_count(r) && r->rows[i].k < age) i++;
    return i;
}

bool world_rows_equal(const world_rows *a, const world_rows *b)
{
    if (a == b) return true;
    uint32_t i = skip_old(a, 0), j = skip_old(b, 0);
    while (i < world_rows_count(a) && j < world_rows_count(b)) {
        if (compare_rows(&a->rows[i], &b->rows[j]) != 0) return false;
        i = skip_old(a, i + 1);
        j = skip_old(b, j + 1);
    }
    return i == world_rows_count(a) && j == world_rows_count(b);
}

/* All of them. */
static bool same_rows(const world_rows *a, const world_rows *b)
{
    const uint32_t count = world_rows_count(a);
    if (count != world_rows_count(b)) return false;
    for (uint32_t i = 0; i < count && a != b; i++)
        if (compare_rows(&a->rows[i], &b->rows[i]) != 0) return false;
    return true;
}

static void ref_table(const world_table *t)
{
    (void)world_rows_ref(t->rows);
    (void)world_rows_ref(t->detached);
    (void)world_rows_ref(t->inserts);
}

static void drop_table(const world_table *t)
{
    world_rows_drop(t->rows);
    world_rows_drop(t->detached);
    world_rows_drop(t->inserts);
}

world world_copy(const world *w)
{
    world out = *w;
    for (int i = 0; i < WORLD_TABLES; i++) ref_table(&out.tables[i]);
    for (unsigned i = 0; i < w->dropped_count; i++) ref_table(&out.dropped[i]);
    ref_table(&out.backup_table);
    return out;
}

void world_release(world *w)
{
    for (int i = 0; i < WORLD_TABLES; i++) drop_table(&w->tables[i]);
    for (unsigned i = 0; i < w->dropped_count; i++) drop_table(&w->dropped[i]);
    drop_table(&w->backup_table);
    *w = (world){.shape = w->shape};
}

void world_restart(world *w)
{
    for (int i = 0; i < WORLD_TABLES; i++) {
        world_table *t = &w->tables[i];
        if (!t->away || t->permanently) continue;
        t->away = false;
        t->exists = true;
    }
    if (w->backup_in_file) return;
    drop_table(&w->backup_table);
    w->backup_table = (world_table){.exists = false};
    w->backup = 0;
}

bool world_outlives(const world *w)
{
    world later = world_copy(w);
    world_restart(&later);
    const bool same = world_same(w, &later);
    world_release(&later);
    return same;
}

static bool same_table(const world_table *a, const world_table *b)
{
    return a->exists == b->exists && a->has_extra == b->has_extra && a->away == b->away && a->permanently == b->permanently &&
           same_rows(a->rows, b->rows) && same_rows(a->detached, b->detached) && same_rows(a->inserts, b->inserts);
}

static bool same_sides(const world *a, const world *b)
{
    bool same = true;
    for (int i = 0; i < WORLD_SIDES; i++) same &= a->sides[i].exists == b->sides[i].exists && a->sides[i].keys == b->sides[i].keys;
    return same;
}

bool world_same(const world *a, const world *b)
{
    bool same = a->view == b->view && a->view_source == b->view_source && a->view_target == b->view_target && a->dropped_count == b->dropped_count &&
                a->backup == b->backup && a->backup_in_file == b->backup_in_file && same_sides(a, b) && same_table(&a->backup_table, &b->backup_table);
    for (int i = 0; i < WORLD_TABLES && same; i++) same = same_table(&a->tables[i], &b->tables[i]);
    for (unsigned i = 0; i < a->dropped_count && same; i++) same = a->dropped_names[i] == b->dropped_names[i] && same_table(&a->dropped[i], &b->dropped[i]);
    return same;
}

bool world_equal(const world *a, const world *b)
{
    if (a->view != b->view || !same_sides(a, b)) return false;
    for (int i = 0; i < WORLD_TABLES; i++) {
        const world_table *x = &a->tables[i], *y = &b->tables[i];
        if (x->exists != y->exists || (x->exists && !world_rows_equal(x->rows, y->rows))) return false;
    }
    return true;
}

static void print_missing(const char *what, const world_rows *in, const world_rows *from)
{
    enum { SHOWN = 8 };
    uint32_t shown = 0, at = 0, count = 0;
    for (uint32_t i = 0; i < world_rows_count(in); i++) {
        while (at < world_rows_count(from) && compare_rows(&from->rows[at], &in->rows[i]) < 0) at++;
        if (at < world_rows_count(from) && compare_rows(&from->rows[at], &in->rows[i]) == 0) {
            at++;
            continue;
        }
        const world_row *r = &in->rows[i];
        if (r->k < age) continue;
        if (shown++ < SHOWN) printf("      %s: p %u k %" PRIu32 " v %" PRId64 " id %" PRIu32 "\n", what, r->p, r->k, r->v, r->id);
        count++;
    }
    if (count > SHOWN) printf("      ... %" PRIu32 " rows in all\n", count);
}

void world_print_difference(const world *is, const world *must)
{
    if (is->view != must->view) printf("    the view %s, but must %s\n", is->view ? "is there" : "is not there", must->view ? "be" : "not be");
    for (int i = 0; i < WORLD_SIDES; i++) {
        const world_side *x = &is->sides[i], *y = &must->sides[i];
        if (x->exists != y->exists || x->keys != y->keys) printf("    side %d: there %d, keys %" PRIx64 ", must be there %d, keys %" PRIx64 "\n", i, x->exists, x->keys, y->exists, y->keys);
    }
    for (int i = 0; i < WORLD_TABLES; i++) {
        const world_table *x = &is->tables[i], *y = &must->tables[i];
        if (x->exists != y->exists) {
            printf("    t%d: %s, but must %s\n", i, x->exists ? "is there" : "is not there", y->exists ? "be" : "not be");
        } else if (x->exists && !world_rows_equal(x->rows, y->rows)) {
            printf("    t%d: %" PRIu32 " rows, must be %" PRIu32 "\n", i, world_rows_count(x->rows), world_rows_count(y->rows));
            print_missing("too much", x->rows, y->rows);
            print_missing("missing", y->rows, x->rows);
        }
    }
}
