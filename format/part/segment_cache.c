/* segment_cache.c - see segment_cache.h. Each shard has its own lock, hash table (chained) and list in order of use; the limit is
 * divided evenly. What is larger than a quarter of a shard is not kept: it would push out everything else.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/segment_cache.h"
#include <firn/thread.h>
#include <unistd.h>

enum { SHARDS = 16, BUCKETS = 4096 };

typedef struct cached cached;
struct cached {
    segment_key key;
    fn_buffer *bytes;
    cached *chain;            /* in the bucket */
    cached *newer, *older;    /* in the order of use */
};

typedef struct shard {
    pthread_mutex_t lock;
    cached *buckets[BUCKETS];
    cached *newest, *oldest;
    uint64_t used;
} shard;

static shard shards[SHARDS];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic uint64_t limit; /* 0: not set yet */
static _Atomic uint64_t used_total;

static void make_locks(void)
{
    for (unsigned i = 0; i < SHARDS; i++) FN_ASSERT(pthread_mutex_init(&shards[i].lock, NULL) == 0);
}

static uint64_t limit_now(void)
{
    uint64_t now = atomic_load_explicit(&limit, memory_order_relaxed);
    if (now) return now;
    now = fn_memory_size() / 4;
    atomic_store_explicit(&limit, now, memory_order_relaxed);
    return now;
}

static shard *shard_of(const segment_key *key, cached ***bucket)
{
    const uint64_t hash = fn_hash_mix(fn_hash_mix(key->part.low, key->part.high), (uint64_t)key->column_id << 32 | key->number);
    shard *s = &shards[hash % SHARDS];
    *bucket = &s->buckets[hash / SHARDS % BUCKETS];
    return s;
}

static bool same_key(const segment_key *a, const segment_key *b)
{
    return a->part.low == b->part.low && a->part.high == b->part.high && a->column_id == b->column_id && a->number == b->number;
}

static void unlink_use(shard *s, cached *c)
{
    *(c->newer ? &c->newer->older : &s->newest) = c->older;
    *(c->older ? &c->older->newer : &s->oldest) = c->newer;
}

static void link_newest(shard *s, cached *c)
{
    c->newer = NULL;
    c->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = c;
    s->newest = c;
}

/* at: the pointer in the chain that leads to it. */
static void remove_cached(shard *s, cached **at)
{
    cached *c = *at;
    *at = c->chain;
    unlink_use(s, c);
    s->used -= c->bytes->size;
    atomic_fetch_sub_explicit(&used_total, c->bytes->size, memory_order_relaxed);
    fn_buffer_drop(c->bytes);
    fn_free(c);
}

static void evict(shard *s, uint64_t keep)
{
    while (s->oldest && s->used > keep) {
        cached **at;
        (void)shard_of(&s->oldest->key, &at);
        while (*at != s->oldest) at = &(*at)->chain;
        remove_cached(s, at);
    }
}

static void lock_shard(shard *s)
{
    (void)pthread_once(&once, make_locks);
    FN_ASSERT(pthread_mutex_lock(&s->lock) == 0);
}

static void unlock_shard(shard *s)
{
    FN_ASSERT(pthread_mutex_unlock(&s->lock) == 0);
}

fn_buffer *segment_cache_get(const segment_key *key)
{
    cached **bucket;
    shard *s = shard_of(key, &bucket);
    fn_buffer *found = NULL;
    lock_shard(s);
    for (cached *c = *bucket; c && !found; c = c->chain) {
        if (!same_key(&c->key, key)) continue;
        unlink_use(s, c);
        link_newest(s, c);
        found = fn_buffer_ref(c->bytes);
    }
    unlock_shard(s);
    return found;
}

void segment_cache_put(const segment_key *key, fn_buffer *bytes)
{
    const uint64_t room = limit_now() / SHARDS;
    if (bytes->size > room / 4) return;
    fn_ctx ctx = {0}; /* no memory for the entry: then it is not cached */
    cached *c = fn_alloc_zero(&ctx, sizeof *c), **bucket;
    if (!c) return;
    shard *s = shard_of(key, &bucket);
    lock_shard(s);
    bool there = false;
    for (const cached *old = *bucket; old; old = old->chain) there |= same_key(&old->key, key);
    if (!there) {
        *c = (cached){.key = *key, .bytes = fn_buffer_ref(bytes), .chain = *bucket};
        *bucket = c;
        link_newest(s, c);
        s->used += bytes->size;
        atomic_fetch_add_explicit(&used_total, bytes->size, memory_order_relaxed);
        evict(s, room);
    }
    unlock_shard(s);
    if (there) fn_free(c);
}

void segment_cache_forget(const segment_key *key)
{
    cached **at;
    shard *s = shard_of(key, &at);
    lock_shard(s);
    while (*at && !same_key(&(*at)->key, key)) at = &(*at)->chain;
    if (*at) remove_cached(s, at);
    unlock_shard(s);
}

void fn_part_cache_limit(uint64_t bytes)
{
    atomic_store_explicit(&limit, FN_MAX(bytes, (uint64_t)1), memory_order_relaxed);
    for (unsigned i = 0; i < SHARDS; i++) {
        lock_shard(&shards[i]);
        evict(&shards[i], bytes / SHARDS);
        unlock_shard(&shards[i]);
    }
}

uint64_t fn_part_cache_used(void)
{
    return atomic_load_explicit(&used_total, memory_order_relaxed);
}

void fn_part_cache_clear(void)
{
    for (unsigned i = 0; i < SHARDS; i++) {
        lock_shard(&shards[i]);
        evict(&shards[i], 0);
        unlock_shard(&shards[i]);
    }
}
