/* group_dict.c - see group_dict.h. An entry points at its string in a lasting dictionary, which the numbering references, or in an
 * arena. Entries lie in segments that never move: they are read without the lock by whoever got the id.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/group_dict.h"
#include <firn/arena.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    FIRST_SLOTS = 1024,
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
    uint32_t size, hash;
} entry;

/* A lasting dictionary, or the numbering's own column. */
typedef struct source {
    fn_column *dictionary;
    fn_buffer *ids;           /* _Atomic u32 each: 0: not looked up yet */
} source;

struct group_dict {
    pthread_mutex_t lock;     /* over everything below but entries that have an id */
    _Atomic uint32_t refs;
    uint32_t *slots;          /* ids; 0: empty */
    uint64_t slot_mask;
    entry **segments;
    _Atomic uint32_t count;
    uint64_t text_bytes;      /* of all strings */
    _Atomic uint64_t bytes;   /* of memory */
    source *sources;
    uint32_t source_count, source_room;
    fn_column *all;           /* the strings by id, as far as they went when it was made */
    fn_arena *texts;          /* strings of no lasting dictionary */
    fn_ctx ctx;               /* its memory is nobody's: queries share it */
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
    return &d->segments[id >> SEGMENT_BITS][id & (SEGMENT - 1)];
}

/* ---- life ---- */

static fn_status dict_new(fn_ctx *ctx, group_dict **out)
{
    group_dict *d = fn_alloc_zero(ctx, sizeof *d);
    FN_TRY_PTR(ctx, d);
    FN_ASSERT(pthread_mutex_init(&d->lock, NULL) == 0);
    atomic_store_explicit(&d->refs, 1, memory_order_relaxed);
    d->segments = fn_alloc_zero(ctx, SEGMENTS * sizeof(entry *));
    d->slots = fn_alloc_zero(ctx, FIRST_SLOTS * sizeof *d->slots);
    d->texts = fn_arena_new(&d->ctx);
    d->slot_mask = FIRST_SLOTS - 1;
    if (d->segments) d->segments[0] = fn_alloc(ctx, SEGMENT * sizeof **d->segments);
    if (!d->segments || !d->segments[0] || !d->slots || !d->texts) {
        group_dict_close(d);
        return fn_fail_memory(ctx, sizeof *d);
    }
    d->segments[0][0] = (entry){"", 0, 0}; /* no id: a row has it where it is NULL */
    atomic_store_explicit(&d->count, 1, memory_order_relaxed);
    *out = d;
    return FN_OK;
}

void group_dict_close(group_dict *d)
{
    if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1) return;
    for (uint32_t i = 0; d->segments && i < SEGMENTS && d->segments[i]; i++) fn_free(d->segments[i]);
    for (uint32_t i = 0; i < d->source_count; i++) {
        fn_column_drop(d->sources[i].dictionary);
        fn_buffer_drop(d->sources[i].ids);
    }
    fn_free(d->sources);
    fn_free(d->segments);
    fn_free(d->slots);
    fn_column_drop(d->all);
    fn_arena_free(d->texts);
    (void)pthread_mutex_destroy(&d->lock);
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

/* ---- numbering; under the lock ---- */

static fn_status grow(fn_ctx *ctx, group_dict *d)
{
    const uint32_t count = atomic_load_explicit(&d->count, memory_order_relaxed);
    const uint64_t slots = (d->slot_mask + 1) * 2;
    uint32_t *to = fn_alloc_zero(ctx, slots * sizeof *to);
    FN_TRY_PTR(ctx, to);
    for (uint32_t id = 1; id < count; id++) {
        uint64_t i = entry_at(d, id)->hash & (slots - 1);
        while (to[i]) i = (i + 1) & (slots - 1);
        to[i] = id;
    }
    fn_free(d->slots);
    d->slots = to;
    d->slot_mask = slots - 1;
    atomic_fetch_add_explicit(&d->bytes, slots / 2 * sizeof *to, memory_order_relaxed);
    return FN_OK;
}

static fn_status add(fn_ctx *ctx, group_dict *d, fn_str text, uint32_t hash, bool lasts, uint32_t *id)
{
    const uint32_t count = atomic_load_explicit(&d->count, memory_order_relaxed);
    entry **segment = &d->segments[count >> SEGMENT_BITS];
    if (count >= IDS_MAX || text.size > UINT32_MAX) return fn_fail(ctx, FN_LIMIT_EXCEEDED, "Too many different strings as keys");
    if (!*segment) {
        *segment = fn_alloc(ctx, SEGMENT * sizeof **segment);
        FN_TRY_PTR(ctx, *segment);
        atomic_fetch_add_explicit(&d->bytes, SEGMENT * sizeof **segment, memory_order_relaxed);
    }
    if (!lasts && text.size) {
        text.data = fn_arena_copy(&d->ctx, d->texts, text.data, text.size);
        if (!text.data) {
            fn_error_clear(&d->ctx);
            return fn_fail_memory(ctx, text.size);
        }
        atomic_fetch_add_explicit(&d->bytes, text.size, memory_order_relaxed);
    }
    (*segment)[count & (SEGMENT - 1)] = (entry){text.data, (uint32_t)text.size, hash};
    d->text_bytes += text.size;
    *id = count;
    atomic_store_explicit(&d->count, count + 1, memory_order_release);
    return FN_OK;
}

static inline uint32_t hash_of(fn_str text)
{
    return (uint32_t)(fn_hash_bytes(text.data, text.size, 0) >> 32);
}

static fn_status number(fn_ctx *ctx, group_dict *d, fn_str text, uint32_t hash, bool lasts, uint32_t *id)
{
    if (atomic_load_explicit(&d->count, memory_order_relaxed) > d->slot_mask / 2) FN_TRY(grow(ctx, d));
    uint64_t i = hash & d->slot_mask;
    for (; d->slots[i]; i = (i + 1) & d->slot_mask) {
        const entry *e = entry_at(d, d->slots[i]);
        if (e->hash != hash || e->size != text.size || memcmp(e->text, text.data, text.size) != 0) continue;
        *id = d->slots[i];
        return FN_OK;
    }
    FN_TRY(add(ctx, d, text, hash, lasts, id));
    d->slots[i] = *id;
    return FN_OK;
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
    const fn_column *dictionary = c->kids[0];
    fn_status status = FN_OK;
    lock(&d->lock);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const uint32_t code = fn_column_code(c, from + i);
        if (atomic_load_explicit(&map[code], memory_order_relaxed)) continue;
        const fn_str text = fn_column_str_at(dictionary, code);
        uint32_t id;
        status = number(ctx, d, text, hash_of(text), dictionary->lasting, &id);
        if (status == FN_OK) atomic_store_explicit(&map[code], id, memory_order_relaxed);
    }
    unlock(&d->lock);
    return status;
}

/* Strings that have no codes: their hashes are made before the lock is taken. */
static fn_status number_rows(fn_ctx *ctx, group_dict *d, const fn_column *c, uint32_t from, uint32_t rows, uint32_t *ids)
{
    const uint32_t values = c->shape == FN_CONST ? FN_MIN(rows, 1u) : rows;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < values; i++) ids[i] = hash_of(fn_column_str_at(c, from + i));
    lock(&d->lock);
    for (uint32_t i = 0; i < values && status == FN_OK; i++) status = number(ctx, d, fn_column_str_at(c, from + i), ids[i], false, &ids[i]);
    unlock(&d->lock);
    for (uint32_t i = values; i < rows; i++) ids[i] = ids[0];
    return status;
}

fn_status group_dict_ids(fn_ctx *ctx, group_dict *d, group_dict_map *m, const fn_column *c, uint32_t from, uint32_t rows, uint32_t *ids)
{
    if (c->shape != FN_DICT) return number_rows(ctx, d, c, from, rows, ids);
    _Atomic uint32_t *map;
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
    const bool cheap = count && d->text_bytes + (uint64_t)count * ALL_ENTRY <= ALL_BYTES;
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
