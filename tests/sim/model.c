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

world_rows *world_rows_new(const world_row *rows, uint32_t count, bool replacing)
{
    world_rows *r = malloc(sizeof *r + ((size_t)count + 1) * sizeof *rows);
    FN_ASSERT(r != NULL);
    r->refs = 1;
    r->count = count;
    if (count) memcpy(r->rows, rows, sizeof *rows * count);
    if (count > 1) qsort(r->rows, count, sizeof *rows, compare_rows);
    if (!replacing) return r;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) { /* the last of a key has the greatest version */
        if (i + 1 < count && r->rows[i].p == r->rows[i + 1].p && r->rows[i].k == r->rows[i + 1].k) continue;
        r->rows[kept++] = r->rows[i];
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

bool world_rows_equal(const world_rows *a, const world_rows *b)
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
}

static void drop_table(const world_table *t)
{
    world_rows_drop(t->rows);
    world_rows_drop(t->detached);
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
    *w = (world){.replacing = w->replacing, .indexed = w->indexed};
}

void world_restart(world *w)
{
    for (int i = 0; i < WORLD_TABLES; i++) {
        world_table *t = &w->tables[i];
        if (!t->away || t->permanently) continue;
        t->away = false;
        t->exists = true;
    }
    drop_table(&w->backup_table);
    w->backup_table = (world_table){.exists = false};
    w->backup = 0;
}

static bool same_table(const world_table *a, const world_table *b)
{
    return a->exists == b->exists && a->has_extra == b->has_extra && a->away == b->away && a->permanently == b->permanently &&
           world_rows_equal(a->rows, b->rows) && world_rows_equal(a->detached, b->detached);
}

bool world_same(const world *a, const world *b)
{
    bool same = a->view == b->view && a->view_source == b->view_source && a->view_target == b->view_target && a->dropped_count == b->dropped_count &&
                a->backup == b->backup && same_table(&a->backup_table, &b->backup_table);
    for (int i = 0; i < WORLD_TABLES && same; i++) same = same_table(&a->tables[i], &b->tables[i]);
    for (unsigned i = 0; i < a->dropped_count && same; i++) same = a->dropped_names[i] == b->dropped_names[i] && same_table(&a->dropped[i], &b->dropped[i]);
    return same;
}

bool world_equal(const world *a, const world *b)
{
    if (a->view != b->view) return false;
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
        if (shown++ < SHOWN) printf("      %s: p %u k %" PRIu32 " v %" PRId64 " id %" PRIu32 "\n", what, r->p, r->k, r->v, r->id);
        count++;
    }
    if (count > SHOWN) printf("      ... %" PRIu32 " rows in all\n", count);
}

void world_print_difference(const world *is, const world *must)
{
    if (is->view != must->view) printf("    the view %s, but must %s\n", is->view ? "is there" : "is not there", must->view ? "be" : "not be");
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
