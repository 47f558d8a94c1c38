/* catalog_names.c - the immutable snapshot of names and the copies it is made from.
 * Everything of a snapshot lies in its own arena, texts too; tables are referenced.
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog_store.h"

catalog_names *names_new(fn_ctx *ctx)
{
    fn_arena *arena = fn_arena_new(&(fn_ctx){.arena = NULL}); /* outlives the statement: not charged to it */
    catalog_names *n = arena ? fn_arena_alloc_zero(ctx, arena, sizeof *n) : NULL;
    if (!n) {
        fn_arena_free(arena);
        if (ctx->error.code == FN_OK) (void)fn_fail_memory(ctx, sizeof *n);
        return NULL;
    }
    n->arena = arena;
    atomic_store(&n->refs, 1);
    return n;
}

void catalog_names_drop(catalog_names *n)
{
    if (!n || atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) != 1) return;
    for (uint32_t d = 0; d < n->count; d++)
        for (uint32_t t = 0; t < n->databases[d].count; t++) table_drop(n->databases[d].entries[t].table);
    for (uint32_t i = 0; i < n->dropped_count; i++) table_drop(n->dropped[i].table);
    for (uint32_t i = 0; i < n->detached_count; i++) table_drop(n->detached[i].table);
    fn_arena_free(n->arena);
}

catalog_names *catalog_names_get(catalog *c)
{
    FN_ASSERT(pthread_mutex_lock(&c->names_lock) == 0);
    catalog_names *n = c->names;
    atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
    FN_ASSERT(pthread_mutex_unlock(&c->names_lock) == 0);
    return n;
}

uint64_t catalog_moment(catalog *c)
{
    FN_ASSERT(pthread_mutex_lock(&c->names_lock) == 0);
    const uint64_t moment = c->moment;
    FN_ASSERT(pthread_mutex_unlock(&c->names_lock) == 0);
    return moment;
}

void catalog_publish(catalog *c, catalog_names *names_take)
{
    FN_ASSERT(pthread_mutex_lock(&c->names_lock) == 0);
    catalog_names *old = c->names;
    c->names = names_take;
    c->moment++;
    FN_ASSERT(pthread_mutex_unlock(&c->names_lock) == 0);
    catalog_names_drop(old);
}

/* ---- lookups: binary search ---- */
static uint32_t database_place(const catalog_names *n, fn_str name, bool *found)
{
    uint32_t low = 0, high = n->count;
    *found = false;
    while (low < high) {
        const uint32_t mid = (low + high) / 2;
        const int order = fn_str_compare(n->databases[mid].name, name);
        if (order == 0) *found = true;
        if (order < 0) low = mid + 1;
        else high = mid;
    }
    return low;
}

static uint32_t entry_place(const catalog_database *d, fn_str name, bool *found)
{
    uint32_t low = 0, high = d->count;
    *found = false;
    while (low < high) {
        const uint32_t mid = (low + high) / 2;
        const int order = fn_str_compare(d->entries[mid].name, name);
        if (order == 0) *found = true;
        if (order < 0) low = mid + 1;
        else high = mid;
    }
    return low;
}

catalog_database *names_database(const catalog_names *n, fn_str database)
{
    bool found;
    const uint32_t at = database_place(n, database, &found);
    return found ? &n->databases[at] : NULL;
}

catalog_entry *names_table(const catalog_database *d, fn_str name)
{
    bool found;
    const uint32_t at = entry_place(d, name, &found);
    return found ? &d->entries[at] : NULL;
}

const catalog_database *catalog_names_database(const catalog_names *names, fn_str database)
{
    return names_database(names, database);
}

const catalog_entry *catalog_names_table(const catalog_names *names, fn_str database, fn_str name)
{
    const catalog_database *d = names_database(names, database);
    return d ? names_table(d, name) : NULL;
}

/* ---- changes to a copy ---- */

/* `items` with room for one more than `count`; NULL: no memory. */
static void *room_for_one(fn_ctx *ctx, catalog_names *n, void *items, uint32_t count, uint32_t *capacity, size_t size)
{
    enum { FIRST = 16 };
    if (count < *capacity) return items;
    const uint32_t larger = *capacity ? *capacity * 2 : FIRST;
    void *grown = fn_arena_alloc_zero(ctx, n->arena, size * larger);
    if (!grown) return NULL;
    if (count) memcpy(grown, items, size * count);
    *capacity = larger;
    return grown;
}

fn_status names_add_database(fn_ctx *ctx, catalog_names *n, fn_str name, fn_str engine, fn_str comment, const char *uuid)
{
    bool found;
    const uint32_t at = database_place(n, name, &found);
    FN_ASSERT(!found);
    catalog_database *databases = room_for_one(ctx, n, n->databases, n->count, &n->capacity, sizeof *databases);
    FN_TRY_PTR(ctx, databases);
    n->databases = databases;
    catalog_database d = {.count = 0};
    FN_TRY(fn_arena_str(ctx, n->arena, name, &d.name));
    FN_TRY(fn_arena_str(ctx, n->arena, engine, &d.engine));
    FN_TRY(fn_arena_str(ctx, n->arena, comment, &d.comment));
    memcpy(d.uuid, uuid, sizeof d.uuid);
    memmove(&n->databases[at + 1], &n->databases[at], sizeof d * (n->count - at));
    n->databases[at] = d;
    n->count++;
    return FN_OK;
}

void names_remove_database(catalog_names *n, fn_str name)
{
    bool found;
    const uint32_t at = database_place(n, name, &found);
    if (!found) return;
    for (uint32_t t = 0; t < n->databases[at].count; t++) table_drop(n->databases[at].entries[t].table);
    n->count--;
    memmove(&n->databases[at], &n->databases[at + 1], sizeof *n->databases * (n->count - at));
}

fn_status names_add_table(fn_ctx *ctx, catalog_names *n, catalog_database *d, fn_str name, table *t)
{
    bool found;
    const uint32_t at = entry_place(d, name, &found);
    FN_ASSERT(!found);
    catalog_entry *entries = room_for_one(ctx, n, d->entries, d->count, &d->capacity, sizeof *entries);
    FN_TRY_PTR(ctx, entries);
    d->entries = entries;
    catalog_entry e = {.table = t};
    FN_TRY(fn_arena_str(ctx, n->arena, name, &e.name));
    memmove(&d->entries[at + 1], &d->entries[at], sizeof e * (d->count - at));
    d->entries[at] = e;
    d->entries[at].table = table_ref(t);
    d->count++;
    return FN_OK;
}

void names_remove_table(catalog_database *d, fn_str name)
{
    bool found;
    const uint32_t at = entry_place(d, name, &found);
    if (!found) return;
    table_drop(d->entries[at].table);
    d->count--;
    memmove(&d->entries[at], &d->entries[at + 1], sizeof *d->entries * (d->count - at));
}

fn_status names_add_dropped(fn_ctx *ctx, catalog_names *n, fn_str database, fn_str name, table *t, int64_t dropped_s)
{
    catalog_dropped *dropped = room_for_one(ctx, n, n->dropped, n->dropped_count, &n->dropped_capacity, sizeof *dropped);
    FN_TRY_PTR(ctx, dropped);
    n->dropped = dropped;
    catalog_dropped d = {.table = t, .dropped_s = dropped_s};
    FN_TRY(fn_arena_str(ctx, n->arena, database, &d.database));
    FN_TRY(fn_arena_str(ctx, n->arena, name, &d.name));
    (void)table_ref(t);
    uint32_t at = n->dropped_count++;
    for (; at && n->dropped[at - 1].dropped_s > dropped_s; at--) n->dropped[at] = n->dropped[at - 1]; /* at a start they come by table */
    n->dropped[at] = d;
    return FN_OK;
}

static void remove_from(catalog_dropped *list, uint32_t *count, const table *t)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (list[i].table != t) continue;
        table_drop(list[i].table);
        --*count;
        memmove(&list[i], &list[i + 1], sizeof *list * (*count - i));
        return;
    }
}

void names_remove_dropped(catalog_names *n, const table *t)
{
    remove_from(n->dropped, &n->dropped_count, t);
}

fn_status names_add_detached(fn_ctx *ctx, catalog_names *n, fn_str database, fn_str name, table *t)
{
    catalog_dropped *detached = room_for_one(ctx, n, n->detached, n->detached_count, &n->detached_capacity, sizeof *detached);
    FN_TRY_PTR(ctx, detached);
    n->detached = detached;
    catalog_dropped d = {.table = t};
    FN_TRY(fn_arena_str(ctx, n->arena, database, &d.database));
    FN_TRY(fn_arena_str(ctx, n->arena, name, &d.name));
    (void)table_ref(t);
    n->detached[n->detached_count++] = d;
    return FN_OK;
}

void names_remove_detached(catalog_names *n, const table *t)
{
    remove_from(n->detached, &n->detached_count, t);
}

const catalog_dropped *names_detached(const catalog_names *n, fn_str database, fn_str name)
{
    for (uint32_t i = 0; i < n->detached_count; i++)
        if (fn_str_eq(n->detached[i].database, database) && fn_str_eq(n->detached[i].name, name)) return &n->detached[i];
    return NULL;
}

fn_status names_copy(fn_ctx *ctx, const catalog_names *from, catalog_names **out)
{
    catalog_names *n = names_new(ctx);
    FN_TRY_PTR(ctx, n);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < from->count && status == FN_OK; i++) {
        const catalog_database *d = &from->databases[i];
        status = names_add_database(ctx, n, d->name, d->engine, d->comment, d->uuid);
        for (uint32_t t = 0; t < d->count && status == FN_OK; t++)
            status = names_add_table(ctx, n, &n->databases[n->count - 1], d->entries[t].name, d->entries[t].table);
    }
    for (uint32_t i = 0; i < from->dropped_count && status == FN_OK; i++) {
        const catalog_dropped *d = &from->dropped[i];
        status = names_add_dropped(ctx, n, d->database, d->name, d->table, d->dropped_s);
    }
    for (uint32_t i = 0; i < from->detached_count && status == FN_OK; i++)
        status = names_add_detached(ctx, n, from->detached[i].database, from->detached[i].name, from->detached[i].table);
    if (status != FN_OK) {
        catalog_names_drop(n);
        return status;
    }
    *out = n;
    return FN_OK;
}
