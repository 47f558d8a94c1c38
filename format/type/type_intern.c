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

/* Hundreds of callers make types and have no error to give. When memory is out a type that is new takes room of the program's own, which
 * is enough for thousands: they are few, small and made once. */
enum { RESERVE = 1 << 20, ALIGN = 16 };
static _Alignas(16) char reserve[RESERVE];
static size_t reserve_used;

static void *take_reserve(size_t size)
{
    const size_t whole = (size + ALIGN - 1) / ALIGN * ALIGN;
    FN_ASSERT(whole <= RESERVE - reserve_used);
    reserve_used += whole;
    return reserve + reserve_used - whole;
}

static void *keep_locked(const void *bytes, size_t size)
{
    if (!table.arena) table.arena = fn_arena_new(&table.ctx);
    char *copy = table.arena ? fn_arena_alloc(&table.ctx, table.arena, size + 1) : NULL;
    fn_error_clear(&table.ctx);
    if (!copy) copy = take_reserve(size + 1);
    if (size) memcpy(copy, bytes, size);
    copy[size] = 0;
    return copy;
}

/* All that a type points to, for the process. */
static void keep_parts(fn_type *t)
{
    const char **names = t->arg_names ? keep_locked(t->arg_names, t->arg_count * sizeof *names) : NULL;
    fn_enum_value *values = t->enum_values ? keep_locked(t->enum_values, t->enum_count * sizeof *values) : NULL;
    for (size_t i = 0; names && i < t->arg_count; i++) names[i] = keep_locked(names[i], strlen(names[i]));
    for (size_t i = 0; values && i < t->enum_count; i++) values[i].name.data = keep_locked(values[i].name.data, values[i].name.size);
    if (t->args) t->args = keep_locked(t->args, t->arg_count * sizeof *t->args);
    if (t->function_name) t->function_name = keep_locked(t->function_name, strlen(t->function_name));
    t->name = keep_locked(t->name, strlen(t->name));
    t->arg_names = names;
    t->enum_values = values;
}

const fn_type *type_intern(const fn_type *proto)
{
    const uint64_t hash = fn_hash_bytes(proto->name, strlen(proto->name), 7);
    FN_ASSERT(pthread_mutex_lock(&table.lock) == 0);
    interned *t = table.buckets[hash % BUCKETS];
    while (t && strcmp(t->type.name, proto->name) != 0) t = t->next;
    if (!t) {
        t = keep_locked(&(interned){.type = *proto}, sizeof *t);
        keep_parts(&t->type);
        t->type.serial = table.count++;
        t->next = table.buckets[hash % BUCKETS];
        table.buckets[hash % BUCKETS] = t;
    }
    FN_ASSERT(pthread_mutex_unlock(&table.lock) == 0);
    return &t->type;
}
