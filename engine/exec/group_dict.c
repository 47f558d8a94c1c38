/* group_dict.c - see group_dict.h. An entry points at its string in a lasting dictionary, which the numbering references, or in an
 * arena. Entries lie in segments that never move: they are read without a lock by whoever got the id.
 *
 * The strings are divided into shards by hash, each with a lock of its own, and looked up in batches, a shard at a time: a Parquet file has a dictionary
 * per row group, so nearly every string of a scan comes here once per group, and each would cost three misses of the cache one behind the other.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/group_dict.h"
#include <firn/arena.h>
#include <firn/bits.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    SHARD_BITS = 4,
    SHARDS = 1 << SHARD_BITS,
    FIRST_SLOTS = 128,        /* of a shard */
    BATCH = 512,              /* strings looked up together */
    SEGMENT_BITS = 14,
    SEGMENT = 1 << SEGMENT_BITS,
    SEGMENTS = 1 << 16,
    ALL_BYTES = 64 << 20,     /* of strings: from here on columns are given out flat */
    ALL_ENTRY = 16,           /* bytes a string counts for besides its own */
    KEPT_MAX = 64             /* numberings */
};
#define KEPT_BYTES ((uint64_t)512 << 20)
#define IDS_MAX ((uint32_t)1 << 30)

typedef struct entry {
    const char *text;
    uint32_t size;
} entry;

/* The strings whose hash begins with its number. An id is given out and its entry filled under the lock. */
typedef struct shard {
    _Alignas(64) pthread_mutex_t lock;
    fn_buffer *slot_memory;
    uint64_t *slots;          /* hash << 32 | id; 0: empty; NULL: nothing yet */
    uint64_t slot_mask;
    uint64_t count;
    uint64_t text_bytes;
    fn_arena *texts;          /* strings of no lasting dictionary; NULL: none yet */
    fn_ctx ctx;               /* its memory is nobody's: queries share it */
} shard;

/* A lasting dictionary, or the numbering's own column. */
typedef struct source {
    fn_column *dictionary;
    fn_buffer *ids;           /* _Atomic u32 each: 0: not looked up yet */
} source;

struct group_dict {
    _Atomic uint32_t refs;
    fn_buffer *shard_memory;
    shard *shards;
    entry *_Atomic *segments;
    _Atomic uint32_t count;
    _Atomic uint32_t room;    /* ids whose segments are there */
    pthread_mutex_t room_lock; /* over making segments; taken last */
    _Atomic uint64_t bytes;   /* of memory */
    pthread_mutex_t lock;     /* over what follows; taken before a shard's */
    source *sources;
    uint32_t source_count, source_room;
    fn_column *all;           /* the strings by id, as far as they went when it was made */
    fn_ctx ctx;               /* of their memory, which is nobody's */
    group_dict *next;         /* kept ones: the list, most recently used first */
    fn_tracker *memory;       /* kept ones: the server's, and what it has been charged; under kept.lock */
    uint64_t charged;
};

static struct {
    pthread_mutex_t lock;
    group_dict *first;
    _Atomic uint64_t bytes;   /* charged for all of them */
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void lock(pthread_mutex_t *m)
{
    FN_ASSERT(pthread_mutex_lock(m) == 0);
}

static void unlock(pthread_mutex_t *m)
{
    FN_ASSERT(pthread_mutex_unlock(m) == 0);
}

static entry *entry_at(const group_dict *d, uint32_t id)
{
    return &atomic_load_explicit(&d->segments[id >> SEGMENT_BITS], memory_order_relaxed)[id & (SEGMENT - 1)];
}

/* ---- life ---- */

/* The segment of the first id without one. */
static fn_status add_segment(fn_ctx *ctx, group_dict *d)
{
    const uint32_t room = atomic_load_explicit(&d->room, memory_order_relaxed);
    if (room >= IDS_MAX) return fn_fail(ctx, FN_LIMIT_EXCEEDED, "Too many different strings as keys");
    entry *segment = fn_alloc(ctx, SEGMENT * sizeof *segment);
    FN_TRY_PTR(ctx, segment);
    atomic_store_explicit(&d->segments[room >> SEGMENT_BITS], segment, memory_order_relaxed);
    atomic_store_explicit(&d->room, room + SEGMENT, memory_order_release);
    atomic_fetch_add_explicit(&d->bytes, SEGMENT * sizeof *segment, memory_order_relaxed);
    return FN_OK;
}

static fn_status dict_new(fn_ctx *ctx, group_dict **out)
{
    group_dict *d = fn_alloc_zero(ctx, sizeof *d);
    FN_TRY_PTR(ctx, d);
    FN_ASSERT(pthread_mutex_init(&d->lock, NULL) == 0 && pthread_mutex_init(&d->room_lock, NULL) == 0);
    atomic_store_explicit(&d->refs, 1, memory_order_relaxed);
    d->segments = fn_alloc_zero(ctx, SEGMENTS * sizeof *d->segments);
    fn_status status = d->segments ? add_segment(ctx, d) : ctx->error.code;
    fn_buffer *shards = status == FN_OK ? fn_buffer_new_zero(&d->ctx, SHARDS * sizeof *d->shards) : NULL; /* of whole cache lines */
    if (!shards) {
        fn_error_clear(&d->ctx);
        group_dict_close(d);
        return status == FN_OK ? fn_fail_memory(ctx, SHARDS * sizeof *d->shards) : status;
    }
    d->shard_memory = shards;
    d->shards = (shard *)(void *)shards->data;
    for (uint32_t i = 0; i < SHARDS; i++) FN_ASSERT(pthread_mutex_init(&d->shards[i].lock, NULL) == 0);
    *entry_at(d, 0) = (entry){"", 0}; /* no id: a row has it where it is NULL */
    atomic_store_explicit(&d->count, 1, memory_order_relaxed);
    *out = d;
    return FN_OK;
}

void group_dict_close(group_dict *d)
{
    if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1) return;
    for (uint32_t i = 0; i < atomic_load(&d->room); i += SEGMENT) fn_free(entry_at(d, i));
    for (uint32_t i = 0; i < d->source_count; i++) {
        fn_column_drop(d->sources[i].dictionary);
        fn_buffer_drop(d->sources[i].ids);
    }
    for (uint32_t i = 0; d->shards && i < SHARDS; i++) {
        fn_buffer_drop(d->shards[i].slot_memory);
        fn_arena_free(d->shards[i].texts);
        (void)pthread_mutex_destroy(&d->shards[i].lock);
    }
    fn_buffer_drop(d->shard_memory);
    fn_free(d->sources);
    fn_free(d->segments);
    fn_column_drop(d->all);
    (void)pthread_mutex_destroy(&d->lock);
    (void)pthread_mutex_destroy(&d->room_lock);
    fn_free(d);
}

void group_dict_map_release(group_dict_map *m)
{
    for (uint32_t i = 0; i < GROUP_DICT_KNOWN; i++) {
        fn_column_drop(m->known[i].dictionary);
        fn_buffer_drop(m->known[i].ids);
    }
    memset(m, 0, sizeof *m);
}

/* ---- kept numberings; under kept.lock ---- */

/* Parts that are gone: their dictionaries are referenced from here alone. */
static bool is_stale(group_dict *d)
{
    uint64_t live = 0, dead = 0;
    lock(&d->lock);
    for (uint32_t i = 0; i < d->source_count; i++) {
        const fn_column *c = d->sources[i].dictionary;
        if (c == d->all) continue;
        if (atomic_load_explicit(&c->refs, memory_order_relaxed) == 1) dead += c->rows;
        else live += c->rows;
    }
    unlock(&d->lock);
    return dead && dead >= live;
}

static void forget(group_dict **at)
{
    group_dict *d = *at;
    *at = d->next;
    fn_tracker_release(d->memory, d->charged);
    atomic_fetch_sub_explicit(&kept.bytes, d->charged, memory_order_relaxed);
    d->memory = NULL;
    group_dict_close(d);
}

/* What it has grown to since the last time. False: the server has no room for it. */
static bool charge(group_dict *d)
{
    fn_ctx own = {.arena = NULL};
    const uint64_t bytes = atomic_load_explicit(&d->bytes, memory_order_relaxed), more = bytes - d->charged;
    if (more && fn_tracker_charge(&own, d->memory, more) != FN_OK) return false;
    d->charged = bytes;
    atomic_fetch_add_explicit(&kept.bytes, more, memory_order_relaxed);
    return true;
}

static void forget_some(void)
{
    uint64_t bytes = 0;
    uint32_t count = 0;
    for (group_dict **at = &kept.first; *at;) {
        group_dict *d = *at;
        if (count == KEPT_MAX || is_stale(d) || !charge(d) || bytes + d->charged > KEPT_BYTES) {
            forget(at);
            continue;
        }
        bytes += d->charged;
        count++;
        at = &d->next;
    }
}

/* NULL where a statement has a tracker of its own alone: that one does not last. */
static fn_tracker *server_of(const fn_ctx *ctx)
{
    fn_tracker *t = ctx->memory && ctx->memory->parent ? ctx->memory->parent : NULL;
    while (t && t->parent) t = t->parent;
    return t;
}

uint64_t group_dict_kept_bytes(uint64_t *most)
{
    *most = KEPT_BYTES;
    return atomic_load_explicit(&kept.bytes, memory_order_relaxed);
}

void group_dict_settle(void)
{
    lock(&kept.lock);
    forget_some();
    unlock(&kept.lock);
}

void group_dict_forget(const fn_tracker *memory)
{
    lock(&kept.lock);
    for (group_dict **at = &kept.first; *at;) {
        if ((*at)->memory == memory) forget(at);
        else at = &(*at)->next;
    }
    unlock(&kept.lock);
}

static bool knows(group_dict *d, const fn_column *dictionary)
{
    bool found = false;
    lock(&d->lock);
    for (uint32_t i = 0; i < d->source_count && !found; i++) found = d->sources[i].dictionary == dictionary;
    unlock(&d->lock);
    return found;
}

/* Under the lock. *out: borrowed. */
static fn_status add_source(fn_ctx *ctx, group_dict *d, const fn_column *dictionary, fn_buffer **out)
{
    if (d->source_count == d->source_room) {
        const uint32_t room = FN_MAX(d->source_room * 2, 4u);
        source *larger = fn_realloc(ctx, d->sources, room * sizeof *larger);
        FN_TRY_PTR(ctx, larger);
        d->sources = larger;
        d->source_room = room;
    }
    const size_t size = (size_t)dictionary->rows * sizeof(uint32_t);
    fn_buffer *ids = fn_buffer_new_zero(&d->ctx, size);
    if (!ids) {
        fn_error_clear(&d->ctx);
        return fn_fail_memory(ctx, size);
    }
    atomic_fetch_add_explicit(&d->bytes, size, memory_order_relaxed);
    d->sources[d->source_count++] = (source){fn_column_ref(dictionary), ids};
    *out = ids;
    return FN_OK;
}

fn_status group_dict_open(fn_ctx *ctx, const fn_column *c, group_dict **out)
{
    const fn_column *dictionary = c->kids[0];
    if (!dictionary->lasting) return dict_new(ctx, out);
    fn_status status = FN_OK;
    group_dict *d = NULL;
    lock(&kept.lock);
    for (group_dict **at = &kept.first; *at && !d; at = &(*at)->next)
        if (knows(*at, dictionary)) {
            d = *at;
            *at = d->next;
            break;
        }
    if (!d) {
        fn_buffer *ids;
        status = dict_new(ctx, &d);
        if (status == FN_OK) status = add_source(ctx, d, dictionary, &ids);
        if (status == FN_OK) d->memory = server_of(ctx);
    }
    if (status == FN_OK) {
        d->next = kept.first;
        kept.first = d;
        atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
        forget_some();
    }
    unlock(&kept.lock);
    if (status == FN_OK) *out = d;
    else group_dict_close(d);
    return status;
}

/* ---- numbering ---- */

/* Strings to be numbered, and their ids. */
typedef struct batch {
    uint32_t count;
    bool lasts;               /* the strings stay where they are as long as the numbering */
    fn_str texts[BATCH];
    uint32_t hashes[BATCH], ids[BATCH];
    uint16_t order[BATCH];    /* by shard */
    uint32_t ends[SHARDS];    /* of the shards in it */
    uint64_t places[BATCH];   /* by order: where the search in the shard goes on */
} batch;

static inline uint32_t hash_of(fn_str text)
{
    return (uint32_t)(fn_hash_bytes(text.data, text.size, 0) >> 32);
}

static void add_text(batch *b, fn_str text)
{
    b->texts[b->count] = text;
    b->hashes[b->count++] = hash_of(text);
}

static void sort_by_shard(batch *b)
{
    uint32_t at[SHARDS] = {0};
    for (uint32_t i = 0; i < b->count; i++) at[b->hashes[i] >> (32 - SHARD_BITS)]++;
    for (uint32_t s = 0, end = 0; s < SHARDS; s++) {
        end += at[s];
        b->ends[s] = end;
        at[s] = end - at[s];
    }
    for (uint32_t i = 0; i < b->count; i++) b->order[at[b->hashes[i] >> (32 - SHARD_BITS)]++] = (uint16_t)i;
}

/* Room for `more` strings; afterwards at most half of the slots are taken. The rest of this section is under the shard's lock. */
static fn_status reserve(fn_ctx *ctx, group_dict *d, shard *s, uint32_t more)
{
    const uint64_t wanted = 2 * (s->count + more);
    if (s->slots && wanted <= s->slot_mask + 1) return FN_OK;
    const uint64_t slots = FN_MAX(fn_next_pow2(wanted), (uint64_t)FIRST_SLOTS);
    fn_buffer *memory = fn_buffer_new_zero(&s->ctx, slots * sizeof *s->slots);
    if (!memory) {
        fn_error_clear(&s->ctx);
        return fn_fail_memory(ctx, slots * sizeof *s->slots);
    }
    uint64_t *to = (uint64_t *)(void *)memory->data;
    for (uint64_t k = 0; s->slots && k <= s->slot_mask; k++) {
        if (!s->slots[k]) continue;
        uint64_t i = s->slots[k] >> 32 & (slots - 1);
        while (to[i]) i = (i + 1) & (slots - 1);
        to[i] = s->slots[k];
    }
    atomic_fetch_add_explicit(&d->bytes, (slots - (s->slots ? s->slot_mask + 1 : 0)) * sizeof *to, memory_order_relaxed);
    fn_buffer_drop(s->slot_memory);
    s->slot_memory = memory;
    s->slots = to;
    s->slot_mask = slots - 1;
    return FN_OK;
}

static fn_status take_id(fn_ctx *ctx, group_dict *d, uint32_t *id)
{
    *id = atomic_load_explicit(&d->count, memory_order_relaxed);
    do {
        if (FN_LIKELY(*id < atomic_load_explicit(&d->room, memory_order_acquire))) continue;
        lock(&d->room_lock);
        const fn_status status = *id < atomic_load_explicit(&d->room, memory_order_relaxed) ? FN_OK : add_segment(ctx, d);
        unlock(&d->room_lock);
        FN_TRY(status);
    } while (!atomic_compare_exchange_weak_explicit(&d->count, id, *id + 1, memory_order_release, memory_order_relaxed));
    return FN_OK;
}

static fn_status add(fn_ctx *ctx, group_dict *d, shard *s, fn_str text, bool lasts, uint32_t *id)
{
    if (text.size > UINT32_MAX) return fn_fail(ctx, FN_LIMIT_EXCEEDED, "Too long a string as a key");
    if (!lasts && text.size) {
        if (!s->texts) s->texts = fn_arena_new_small(&s->ctx);
        text.data = s->texts ? fn_arena_copy(&s->ctx, s->texts, text.data, text.size) : NULL;
        if (!text.data) {
            fn_error_clear(&s->ctx);
            return fn_fail_memory(ctx, text.size);
        }
        atomic_fetch_add_explicit(&d->bytes, text.size, memory_order_relaxed);
    }
    FN_TRY(take_id(ctx, d, id));
    *entry_at(d, *id) = (entry){text.data, (uint32_t)text.size};
    s->text_bytes += text.size;
    s->count++;
    return FN_OK;
}

static fn_status number(fn_ctx *ctx, group_dict *d, shard *s, batch *b, uint32_t which, uint64_t place)
{
    const uint32_t hash = b->hashes[which];
    const fn_str text = b->texts[which];
    uint64_t i = place, slot;
    for (; (slot = s->slots[i]) != 0; i = (i + 1) & s->slot_mask) {
        if (slot >> 32 != hash) continue;
        const entry *e = entry_at(d, (uint32_t)slot);
        if (e->size != text.size || memcmp(e->text, text.data, text.size) != 0) continue;
        b->ids[which] = (uint32_t)slot;
        return FN_OK;
    }
    FN_TRY(add(ctx, d, s, text, b->lasts, &b->ids[which]));
    s->slots[i] = (uint64_t)hash << 32 | b->ids[which];
    return FN_OK;
}

/* Slots, entries and strings of order[from .. to) are each fetched for all before the next are looked at. */
static fn_status number_shard(fn_ctx *ctx, group_dict *d, shard *s, batch *b, uint32_t from, uint32_t to)
{
    FN_TRY(reserve(ctx, d, s, to - from));
    for (uint32_t k = from; k < to; k++) {
        b->places[k] = b->hashes[b->order[k]] & s->slot_mask;
        __builtin_prefetch(&s->slots[b->places[k]]);
    }
    for (uint32_t k = from; k < to; k++) {
        uint64_t i = b->places[k], slot;
        while ((slot = s->slots[i]) != 0 && slot >> 32 != b->hashes[b->order[k]]) i = (i + 1) & s->slot_mask;
        b->places[k] = i;
        if (slot) __builtin_prefetch(entry_at(d, (uint32_t)slot));
    }
    for (uint32_t k = from; k < to; k++) {
        const uint64_t slot = s->slots[b->places[k]];
        if (slot) __builtin_prefetch(entry_at(d, (uint32_t)slot)->text);
    }
    for (uint32_t k = from; k < to; k++) FN_TRY(number(ctx, d, s, b, b->order[k], b->places[k]));
    return FN_OK;
}

/* Whole batch; it begins at the shard of its first string, so that workers do not all want the same ones. */
static fn_status number_batch(fn_ctx *ctx, group_dict *d, batch *b)
{
    if (!b->count) return FN_OK;
    sort_by_shard(b);
    const uint32_t first = b->hashes[0] >> (32 - SHARD_BITS);
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < SHARDS && status == FN_OK; k++) {
        const uint32_t at = (first + k) % SHARDS, from = at ? b->ends[at - 1] : 0;
        if (from == b->ends[at]) continue;
        lock(&d->shards[at].lock);
        status = number_shard(ctx, d, &d->shards[at], b, from, b->ends[at]);
        unlock(&d->shards[at].lock);
    }
    return status;
}

/* ---- rows to ids ---- */

/* A reference; *out NULL: the dictionary is not one to share. */
static fn_status shared_ids(fn_ctx *ctx, group_dict *d, const fn_column *dictionary, fn_buffer **out)
{
    fn_status status = FN_OK;
    *out = NULL;
    lock(&d->lock);
    for (uint32_t i = 0; i < d->source_count && !*out; i++)
        if (d->sources[i].dictionary == dictionary) *out = d->sources[i].ids;
    if (!*out && dictionary->lasting) status = add_source(ctx, d, dictionary, out);
    if (status == FN_OK) (void)fn_buffer_ref(*out);
    unlock(&d->lock);
    return status;
}

static fn_status find_map(fn_ctx *ctx, group_dict *d, group_dict_map *m, const fn_column *dictionary, _Atomic uint32_t **out)
{
    for (uint32_t i = 0; i < GROUP_DICT_KNOWN; i++)
        if (m->known[i].dictionary == dictionary) {
            *out = (_Atomic uint32_t *)(void *)m->known[i].ids->data;
            return FN_OK;
        }
    fn_buffer *ids;
    FN_TRY(shared_ids(ctx, d, dictionary, &ids));
    if (!ids) ids = fn_buffer_new_zero(ctx, (size_t)dictionary->rows * sizeof(uint32_t));
    FN_TRY_PTR(ctx, ids);
    *out = (_Atomic uint32_t *)(void *)ids->data;
    const uint32_t at = m->next;
    m->next = (at + 1) % GROUP_DICT_KNOWN;
    fn_column_drop(m->known[at].dictionary);
    fn_buffer_drop(m->known[at].ids);
    m->known[at].dictionary = fn_column_ref(dictionary);
    m->known[at].ids = ids;
    return FN_OK;
}

#define GATHER(T)                                                                                                          \
    for (uint32_t i = 0; i < rows; i++) {                                                                                  \
        ids[i] = atomic_load_explicit(&map[((const T *)codes)[i]], memory_order_relaxed);                                  \
        unknown |= ids[i] == 0;                                                                                            \
    }
static bool gather(const fn_column *c, uint32_t from, uint32_t rows, const _Atomic uint32_t *map, uint32_t *ids)
{
    const void *codes = c->values + (size_t)from * c->code_width;
    bool unknown = false;
    if (c->code_width == 1) GATHER(uint8_t)
    else if (c->code_width == 2) GATHER(uint16_t)
    else GATHER(uint32_t)
    return unknown;
}

static fn_status number_entries(fn_ctx *ctx, group_dict *d, const fn_column *c, uint32_t from, uint32_t rows, _Atomic uint32_t *map)
{
    enum { SEEN = 256 };
    const fn_column *dictionary = c->kids[0];
    batch b;
    uint32_t codes[BATCH], seen[SEEN] = {0}; /* code + 1: it is in the batch, or was in one before */
    b.lasts = dictionary->lasting;
    for (uint32_t i = 0; i < rows;) {
        for (b.count = 0; i < rows && b.count < BATCH; i++) {
            const uint32_t code = fn_column_code(c, from + i);
            if (seen[code % SEEN] == code + 1 || atomic_load_explicit(&map[code], memory_order_relaxed)) continue;
            seen[code % SEEN] = code + 1;
            codes[b.count] = code;
            add_text(&b, fn_column_str_at(dictionary, code));
        }
        FN_TRY(number_batch(ctx, d, &b));
        for (uint32_t k = 0; k < b.count; k++) atomic_store_explicit(&map[codes[k]], b.ids[k], memory_order_relaxed);
    }
    return FN_OK;
}

/* Strings that have no codes. */
static fn_status number_rows(fn_ctx *ctx, group_dict *d, const fn_column *c, uint32_t from, uint32_t rows, uint32_t *ids)
{
    const uint32_t values = c->shape == FN_CONST ? FN_MIN(rows, 1u) : rows;
    batch b;
    b.lasts = false;
    for (uint32_t i = 0; i < values; i += b.count) {
        for (b.count = 0; b.count < FN_MIN(values - i, (uint32_t)BATCH);) add_text(&b, fn_column_str_at(c, from + i + b.count));
        FN_TRY(number_batch(ctx, d, &b));
        memcpy(ids + i, b.ids, b.count * sizeof *ids);
    }
    for (uint32_t i = values; i < rows; i++) ids[i] = ids[0];
    return FN_OK;
}

fn_status group_dict_ids(fn_ctx *ctx, group_dict *d, group_dict_map *m, const fn_column *c, uint32_t from, uint32_t rows, uint32_t *ids)
{
    if (c->shape != FN_DICT) return number_rows(ctx, d, c, from, rows, ids);
    _Atomic uint32_t *map = NULL;
    FN_TRY(find_map(ctx, d, m, c->kids[0], &map));
    if (!gather(c, from, rows, map, ids)) return FN_OK;
    FN_TRY(number_entries(ctx, d, c, from, rows, map));
    (void)gather(c, from, rows, map, ids);
    return FN_OK;
}

uint32_t group_dict_count(group_dict *d)
{
    return atomic_load_explicit(&d->count, memory_order_acquire);
}

/* ---- ids to strings ---- */

fn_str group_dict_at(const group_dict *d, uint32_t id)
{
    const entry *e = entry_at(d, id);
    return (fn_str){e->text, e->size};
}

static fn_status flat_column(fn_ctx *ctx, const group_dict *d, const fn_type *type, uint32_t rows, const uint32_t *ids, fn_buffer *nulls_take, fn_column **out)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < rows; i++) total += entry_at(d, ids ? ids[i] : i)->size;
    fn_buffer *bytes = total <= UINT32_MAX ? fn_buffer_new(ctx, total) : NULL, *offsets = fn_buffer_new(ctx, ((size_t)rows + 1) * sizeof(uint32_t));
    if (!bytes || !offsets) {
        fn_buffer_drop(bytes);
        fn_buffer_drop(offsets);
        fn_buffer_drop(nulls_take);
        return total > UINT32_MAX ? fn_fail(ctx, FN_LIMIT_EXCEEDED, "Too many bytes of strings in one block") : ctx->error.code;
    }
    uint32_t *ends = (uint32_t *)(void *)offsets->data, at = 0;
    ends[0] = 0;
    for (uint32_t i = 0; i < rows; i++) {
        const entry *e = entry_at(d, ids ? ids[i] : i);
        if (e->size) memcpy(bytes->data + at, e->text, e->size);
        ends[i + 1] = at += e->size;
    }
    *out = fn_column_string(ctx, type, rows, bytes, offsets, nulls_take);
    return *out ? FN_OK : ctx->error.code;
}

/* The numbering's own column as one more dictionary, whose codes are the ids: an aggregate above need not look anything up. */
static fn_status make_all(fn_ctx *ctx, group_dict *d, uint32_t count)
{
    fn_buffer *ids;
    fn_column *all = NULL;
    for (uint32_t i = 0; d->all && i < d->source_count; i++) {
        if (d->sources[i].dictionary != d->all) continue;
        fn_column_drop(d->sources[i].dictionary);
        fn_buffer_drop(d->sources[i].ids);
        d->sources[i] = d->sources[--d->source_count];
        break;
    }
    fn_column_drop(d->all);
    d->all = NULL;
    const fn_status status = flat_column(&d->ctx, d, fn_type_simple(FN_T_STRING), count, NULL, NULL, &all);
    if (status != FN_OK) {
        (void)fn_fail(ctx, status, "%s", d->ctx.error.text);
        fn_error_clear(&d->ctx);
        return status;
    }
    all->lasting = true;
    d->all = all;
    atomic_fetch_add_explicit(&d->bytes, fn_column_bytes(all), memory_order_relaxed);
    FN_TRY(add_source(ctx, d, all, &ids));
    for (uint32_t i = 0; i < count; i++) fn_store_u32(ids->data + i * sizeof i, i); /* nobody else knows it yet */
    return FN_OK;
}

/* A reference; *out NULL: too many bytes. */
static fn_status dictionary_of(fn_ctx *ctx, group_dict *d, fn_column **out)
{
    fn_status status = FN_OK;
    *out = NULL;
    lock(&d->lock);
    const uint32_t count = group_dict_count(d);
    uint64_t text_bytes = 0;
    for (uint32_t i = 0; i < SHARDS; i++) { /* whoever was at giving out one of those ids is done then */
        lock(&d->shards[i].lock);
        text_bytes += d->shards[i].text_bytes;
        unlock(&d->shards[i].lock);
    }
    const bool cheap = text_bytes + (uint64_t)count * ALL_ENTRY <= ALL_BYTES;
    if (cheap && (!d->all || d->all->rows < count)) status = make_all(ctx, d, count);
    if (cheap && status == FN_OK) *out = fn_column_ref(d->all);
    unlock(&d->lock);
    return status;
}

fn_status group_dict_column(fn_ctx *ctx, group_dict *d, const fn_type *type, uint32_t rows, fn_buffer *ids_take, fn_buffer *nulls_take, fn_column **out)
{
    enum { FEW = 4096 }; /* rows for which the numbering's own column is not worth making */
    fn_column *all = NULL;
    fn_status status = FN_OK;
    const bool plain = fn_type_strip_nullable(type)->id == FN_T_STRING;
    if (plain && rows >= FEW) status = dictionary_of(ctx, d, &all);
    if (all) {
        *out = fn_column_dict(ctx, type, rows, sizeof(uint32_t), ids_take, all, nulls_take);
        fn_column_drop(all);
        return *out ? FN_OK : ctx->error.code;
    }
    if (status == FN_OK) status = flat_column(ctx, d, type, rows, (const uint32_t *)(const void *)ids_take->data, nulls_take, out);
    else fn_buffer_drop(nulls_take);
    fn_buffer_drop(ids_take);
    return status;
}
