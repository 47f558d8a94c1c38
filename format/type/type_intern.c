/* type_intern.c - one object per type: a hash table by canonical name, filled under a lock, never emptied.
 * SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include <pthread.h>

enum { BUCKETS = 4096 };

typedef struct interned {
    fn_type type;
    struct interned *next;
} interned;

static struct {
    pthread_mutex_t lock;
    interned *buckets[BUCKETS];
    uint32_t count;
    fn_arena *arena;
    fn_ctx ctx;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *keep_locked(const void *bytes, size_t size)
{
    if (!table.arena) table.arena = fn_arena_new(&table.ctx);
    if (!table.arena) return NULL;
    char *copy = fn_arena_alloc(&table.ctx, table.arena, size + 1);
    if (!copy) return NULL;
    if (size) memcpy(copy, bytes, size);
    copy[size] = 0;
    return copy;
}

void *type_keep(const void *bytes, size_t size)
{
    FN_ASSERT(pthread_mutex_lock(&table.lock) == 0);
    void *copy = keep_locked(bytes, size);
    FN_ASSERT(pthread_mutex_unlock(&table.lock) == 0);
    return copy;
}

const fn_type *type_intern(fn_type *proto)
{
    const uint64_t hash = fn_hash_bytes(proto->name, strlen(proto->name), 7);
    FN_ASSERT(pthread_mutex_lock(&table.lock) == 0);
    interned *t = table.buckets[hash % BUCKETS];
    while (t && strcmp(t->type.name, proto->name) != 0) t = t->next;
    if (!t) {
        const char *name = keep_locked(proto->name, strlen(proto->name));
        t = name ? keep_locked(&(interned){.type = *proto}, sizeof *t) : NULL;
        if (t) {
            t->type.name = name;
            t->type.serial = table.count++;
            t->next = table.buckets[hash % BUCKETS];
            table.buckets[hash % BUCKETS] = t;
        }
    }
    FN_ASSERT(pthread_mutex_unlock(&table.lock) == 0);
    return t ? &t->type : NULL;
}
