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

world world_copy(const world *w)
{
    world out = *w;
    for (int i = 0; i < WORLD_TABLES; i++) {
        (void)world_rows_ref(out.tables[i].rows);
        (void)world_rows_ref(out.tables[i].detached);
    }
    return out;
}

void world_release(world *w)
{
    for (int i = 0; i < WORLD_TABLES; i++) {
        world_rows_drop(w->tables[i].rows);
        world_rows_drop(w->tables[i].detached);
    }
    *w = (world){.replacing = w->replacing};
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
