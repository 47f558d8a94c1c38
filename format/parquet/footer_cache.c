/* footer_cache.c - parsed footers of files read in place, for the whole process: a statement asks for a footer twice (columns, then
 * rows), a dashboard a hundred times a second.
 *
 * An entry is found by the blob's name and is good for one version of its bytes (fn_blob.version): when the file or object has changed, it goes.
 * Entries are bounded in number and bytes, least recently used ones go first, and are charged to the server's tracker, the root of
 * the statement's that read the file. One lock; nothing is read or parsed under it. Readers hold references of their own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/footer_cache.h"
#include <pthread.h>
#include <unistd.h>

enum { BUCKETS = 1024, ENTRIES_MAX = 5000 /* parquet_metadata_cache_max_entries */, SHARE = 32 /* of the memory */ };
static const uint64_t BYTES_MOST = (uint64_t)512 << 20; /* parquet_metadata_cache_size */

typedef struct entry entry;
struct entry {
    entry *chain;           /* in the bucket */
    entry *newer, *older;   /* in the order of use */
    fn_parquet *file;
    fn_tracker *root;
    size_t charged;
    uint64_t hash;
    const char *name, *version; /* behind the struct */
};

static struct {
    pthread_mutex_t lock;
    entry *buckets[BUCKETS];
    entry *newest, *oldest;
    uint32_t count;
    uint64_t bytes;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void lock(void)
{
    FN_ASSERT(pthread_mutex_lock(&cache.lock) == 0);
}

static void unlock(void)
{
    FN_ASSERT(pthread_mutex_unlock(&cache.lock) == 0);
}

static uint64_t bytes_max(void)
{
    return FN_MIN(fn_memory_size() / SHARE, BYTES_MOST);
}

/* ---- under the lock ---- */

static void unlink_use(entry *e)
{
    *(e->newer ? &e->newer->older : &cache.newest) = e->older;
    *(e->older ? &e->older->newer : &cache.oldest) = e->newer;
}

static void link_newest(entry *e)
{
    e->newer = NULL;
    e->older = cache.newest;
    *(cache.newest ? &cache.newest->newer : &cache.oldest) = e;
    cache.newest = e;
}

static void forget(entry *e)
{
    entry **at = &cache.buckets[e->hash % BUCKETS];
    while (*at != e) at = &(*at)->chain;
    *at = e->chain;
    unlink_use(e);
    cache.count--;
    cache.bytes -= e->charged;
    fn_tracker_release(e->root, e->charged);
    fn_parquet_close(e->file);
    fn_free(e);
}

static entry *find(const char *name, uint64_t hash, const fn_tracker *root)
{
    entry *e = cache.buckets[hash % BUCKETS];
    while (e && (e->hash != hash || e->root != root || strcmp(e->name, name) != 0)) e = e->chain;
    return e;
}

/* ---- without ---- */

static uint64_t hash_of(const char *name)
{
    return fn_hash_bytes(name, strlen(name), 0);
}

fn_parquet *pq_footer_cached(const fn_blob *blob, const fn_tracker *root)
{
    const uint64_t hash = hash_of(blob->name);
    fn_parquet *found = NULL;
    lock();
    entry *e = find(blob->name, hash, root);
    if (e && strcmp(e->version, blob->version) == 0) {
        unlink_use(e);
        link_newest(e);
        found = e->file;
        atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
    } else if (e) {
        forget(e);
    }
    unlock();
    return found;
}

void pq_footer_keep(fn_parquet *p, fn_tracker *root)
{
    fn_ctx own = {.memory = NULL}; /* without memory it is not kept */
    const size_t name = strlen(p->blob->name) + 1, version = strlen(p->blob->version) + 1, bytes = fn_arena_held(p->arena) + sizeof(entry) + name + version;
    const uint64_t most = bytes_max();
    entry *e = bytes <= most / 4 ? fn_alloc_zero(&own, sizeof *e + name + version) : NULL;
    if (!e) return;
    if (fn_tracker_charge(&own, root, bytes) != FN_OK) {
        fn_free(e);
        return;
    }
    e->name = memcpy(e + 1, p->blob->name, name);
    e->version = memcpy((char *)(e + 1) + name, p->blob->version, version);
    e->file = p;
    e->root = root;
    e->charged = bytes;
    e->hash = hash_of(e->name);
    fn_arena_leave(p->arena); /* the statement's tracker ... */
    p->blob = NULL;           /* ... and its blob end before this does */
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    lock();
    entry *old = find(e->name, e->hash, root); /* another statement was faster, or has seen another version */
    if (old) forget(old);
    e->chain = cache.buckets[e->hash % BUCKETS];
    cache.buckets[e->hash % BUCKETS] = e;
    link_newest(e);
    cache.count++;
    cache.bytes += bytes;
    while (cache.count > ENTRIES_MAX || cache.bytes > most) forget(cache.oldest);
    unlock();
}

void fn_parquet_cache_clear(const fn_tracker *root)
{
    lock();
    for (entry *e = cache.oldest, *next; e; e = next) {
        next = e->newer;
        if (e->root == root) forget(e);
    }
    unlock();
}

uint64_t fn_parquet_cache_used(uint32_t *files)
{
    lock();
    const uint64_t bytes = cache.bytes;
    *files = cache.count;
    unlock();
    return bytes;
}
