/* text_dict.c - see text_dict.h. SPDX-License-Identifier: Apache-2.0 */
#include "part/text_dict.h"

enum { MAPS_FEW = 4, SLOTS_MIN = 1024, STORE_MIN = 1 << 10, STORE_MAX = 512 << 10 };

/* A table of mask + 1 free slots, in place of the one there is. */
static fn_status new_slots(fn_ctx *ctx, text_dict *d, uint32_t mask)
{
    fn_buffer *memory = fn_buffer_new_zero(ctx, ((size_t)mask + 1) * sizeof *d->slots);
    FN_TRY_PTR(ctx, memory);
    fn_buffer_drop(d->slot_memory);
    d->slot_memory = memory;
    d->slots = (uint64_t *)(void *)memory->data;
    d->mask = mask;
    return FN_OK;
}

void text_dict_forget_slots(text_dict *d)
{
    fn_buffer_drop(d->slot_memory);
    d->slot_memory = NULL;
    d->slots = NULL;
}

fn_status text_dict_init(fn_ctx *ctx, text_dict *d)
{
    *d = (text_dict){.empty = DICT_NONE, .maps_max = MAPS_FEW};
    return new_slots(ctx, d, SLOTS_MIN - 1);
}

void text_dict_release(text_dict *d)
{
    fn_buf_release(&d->strings);
    fn_buf_release(&d->prefixes);
    for (uint32_t i = 0; i < d->kept_count; i++) fn_column_drop(d->kept[i]);
    fn_free(d->kept);
    for (uint32_t i = 0; i < d->store_count; i++) fn_buf_release(&d->store[i]);
    fn_free(d->store);
    text_dict_forget_slots(d);
    fn_free(d->used);
    text_dict_forget_maps(d);
    *d = (text_dict){0};
}

void text_dict_forget_maps(text_dict *d)
{
    for (uint32_t i = 0; i < d->map_count; i++) {
        fn_column_drop(d->maps[i].dictionary);
        fn_free(d->maps[i].codes);
    }
    fn_free(d->maps);
    d->maps = NULL;
    d->map_count = d->next_map = 0;
}

void text_dict_expect(text_dict *d, uint32_t dictionaries)
{
    d->maps_max = FN_MAX(d->maps_max, dictionaries);
}

static uint64_t hash_of(fn_str s)
{
    return fn_hash_bytes(s.data, s.size, 0);
}

static void put_slot(uint64_t *slots, uint32_t mask, uint64_t slot)
{
    uint32_t at = (uint32_t)(slot >> 32) & mask;
    while (slots[at]) at = (at + 1) & mask;
    slots[at] = slot;
}

/* The table of slots, if it is gone: from the strings of the entries. */
static fn_status ensure_slots(fn_ctx *ctx, text_dict *d)
{
    if (FN_LIKELY(d->slots)) return FN_OK;
    FN_TRY(new_slots(ctx, d, d->mask));
    for (uint32_t e = 0; e < d->entries; e++) put_slot(d->slots, d->mask, hash_of(text_dict_at(d, e)) << 32 | (e + 1u));
    return FN_OK;
}

/* A larger one: the tags say where entries belong, no string is looked at. */
static fn_status grow(fn_ctx *ctx, text_dict *d)
{
    enum { LARGE = 1 << 17 }; /* slots: a table that does not fit into the cache grows no further than it must */
    const unsigned step = d->mask < LARGE ? 4 : 2;
    const uint32_t mask = d->mask < UINT32_MAX / step ? (d->mask + 1) * step - 1 : UINT32_MAX;
    fn_buffer *old = fn_buffer_ref(d->slot_memory);
    const uint64_t *slots = d->slots;
    const size_t count = (size_t)d->mask + 1;
    const fn_status status = new_slots(ctx, d, mask);
    for (size_t i = 0; i < count && status == FN_OK; i++)
        if (slots[i]) put_slot(d->slots, mask, slots[i]);
    fn_buffer_drop(old);
    return status;
}

fn_status text_dict_store(fn_ctx *ctx, text_dict *d, fn_str *s)
{
    fn_buf *last = d->store_count ? &d->store[d->store_count - 1] : NULL;
    if (!last || last->capacity - last->size < s->size) {
        const size_t room = last ? FN_MIN(2 * last->capacity, (size_t)STORE_MAX) : STORE_MIN;
        fn_buf *more = fn_realloc(ctx, d->store, (d->store_count + 1u) * sizeof *more);
        FN_TRY_PTR(ctx, more);
        d->store = more;
        last = &more[d->store_count];
        *last = FN_BUF_INIT;
        FN_TRY(fn_buf_reserve(ctx, last, FN_MAX(room, s->size)));
        d->store_count++;
    }
    char *to = last->data + last->size;
    FN_TRY(fn_buf_append(ctx, last, s->data, s->size));
    s->data = to;
    return FN_OK;
}

static fn_status append_entry(fn_ctx *ctx, text_dict *d, fn_str s)
{
    const uint64_t prefix = text_prefix(s);
    FN_TRY(fn_buf_reserve(ctx, &d->strings, sizeof s)); /* all or nothing */
    FN_TRY(fn_buf_reserve(ctx, &d->prefixes, sizeof prefix));
    if (!d->borrows) FN_TRY(text_dict_store(ctx, d, &s));
    memcpy(d->strings.data + d->strings.size, &s, sizeof s);
    memcpy(d->prefixes.data + d->prefixes.size, &prefix, sizeof prefix);
    d->strings.size += sizeof s;
    d->prefixes.size += sizeof prefix;
    d->bytes += s.size;
    if (s.size == 0) d->empty = d->entries;
    d->entries++;
    return FN_OK;
}

static fn_status add_hashed(fn_ctx *ctx, text_dict *d, fn_str s, uint32_t tag, uint32_t *out)
{
    uint32_t at = tag & d->mask;
    for (; d->slots[at]; at = (at + 1) & d->mask) {
        if (d->slots[at] >> 32 != tag) continue;
        const uint32_t entry = (uint32_t)d->slots[at] - 1;
        if (!fn_str_eq(text_dict_at(d, entry), s)) continue;
        if (entry < d->seeded) d->used[entry] = 1;
        *out = entry;
        return FN_OK;
    }
    FN_TRY(append_entry(ctx, d, s));
    d->slots[at] = (uint64_t)tag << 32 | d->entries;
    *out = d->entries - 1;
    return (uint64_t)d->entries * 2 > d->mask ? grow(ctx, d) : FN_OK;
}

fn_status text_dict_add(fn_ctx *ctx, text_dict *d, fn_str s, uint32_t *out)
{
    FN_TRY(ensure_slots(ctx, d));
    return add_hashed(ctx, d, s, (uint32_t)hash_of(s), out);
}

fn_status text_dict_keep(fn_ctx *ctx, text_dict *d, fn_column *c)
{
    fn_column **more = fn_realloc(ctx, d->kept, (d->kept_count + 1u) * sizeof *more);
    FN_TRY_PTR(ctx, more);
    d->kept = more;
    d->kept[d->kept_count++] = fn_column_ref(c);
    return FN_OK;
}

/* A string costs three misses of the cache, each behind the one before: slot, entry, bytes. A batch has them side by side. */
static fn_status add_batch(fn_ctx *ctx, text_dict *d, const fn_str *strings, const uint32_t *tags, uint32_t n, uint32_t *out)
{
    for (uint32_t k = 0; k < n; k++) {
        const uint32_t entry = (uint32_t)d->slots[tags[k] & d->mask];
        if (entry) __builtin_prefetch(&text_dict_strings(d)[entry - 1]);
    }
    for (uint32_t k = 0; k < n; k++) {
        const uint32_t entry = (uint32_t)d->slots[tags[k] & d->mask];
        if (entry) __builtin_prefetch(text_dict_at(d, entry - 1).data);
    }
    for (uint32_t k = 0; k < n; k++) FN_TRY(add_hashed(ctx, d, strings[k], tags[k], &out[k]));
    return FN_OK;
}

fn_status text_dict_add_all(fn_ctx *ctx, text_dict *d, const fn_column *c, size_t from, uint32_t rows, uint32_t *out)
{
    enum { BATCH = 32 };
    fn_str strings[BATCH];
    uint32_t tags[BATCH], codes[BATCH], place[BATCH], n = 0;
    const uint32_t *offsets = c->offsets + from;
    FN_TRY(ensure_slots(ctx, d));
    for (uint32_t i = 0; i < rows; i++) {
        const fn_str s = {(const char *)c->values + offsets[i], offsets[i + 1] - offsets[i]};
        if (s.size == 0 && d->empty != DICT_NONE) { /* many columns are empty in most rows */
            out[i] = d->empty;
            if (d->empty < d->seeded) d->used[d->empty] = 1;
        } else {
            strings[n] = s;
            tags[n] = (uint32_t)hash_of(s);
            __builtin_prefetch(&d->slots[tags[n] & d->mask]);
            place[n++] = i;
        }
        if (n < BATCH && i + 1 < rows) continue;
        FN_TRY(add_batch(ctx, d, strings, tags, n, codes));
        for (uint32_t k = 0; k < n; k++) out[place[k]] = codes[k];
        n = 0;
    }
    return FN_OK;
}

static fn_status more_maps(fn_ctx *ctx, text_dict *d)
{
    struct dict_map *more = fn_realloc(ctx, d->maps, (d->map_count + 1u) * sizeof *more);
    FN_TRY_PTR(ctx, more);
    d->maps = more;
    more[d->map_count++] = (struct dict_map){0};
    return FN_OK;
}

fn_status text_dict_set_map(fn_ctx *ctx, text_dict *d, const fn_column *dictionary, uint32_t *codes_take)
{
    const fn_status status = d->map_count < d->maps_max ? more_maps(ctx, d) : FN_OK;
    if (status != FN_OK) {
        fn_free(codes_take);
        return status;
    }
    struct dict_map *m = &d->maps[d->next_map++ % d->map_count];
    fn_column_drop(m->dictionary);
    fn_free(m->codes);
    m->dictionary = fn_column_ref(dictionary);
    m->codes = codes_take;
    return FN_OK;
}

static fn_status map_for(fn_ctx *ctx, text_dict *d, const fn_column *dictionary, uint32_t **out)
{
    for (uint32_t i = 0; i < d->map_count; i++) {
        if (d->maps[i].dictionary != dictionary) continue;
        *out = d->maps[i].codes;
        return FN_OK;
    }
    uint32_t *codes = fn_alloc(ctx, FN_MAX(dictionary->rows, 1u) * sizeof *codes);
    FN_TRY_PTR(ctx, codes);
    memset(codes, 0xff, dictionary->rows * sizeof *codes); /* DICT_NONE */
    *out = codes;
    return text_dict_set_map(ctx, d, dictionary, codes);
}

static fn_status meet(fn_ctx *ctx, text_dict *d, const fn_column *dictionary, uint32_t code, uint32_t *entry)
{
    if (*entry == DICT_NONE) return text_dict_add(ctx, d, fn_column_str_at(dictionary, code), entry);
    *entry &= ~DICT_UNMET;
    d->used[*entry] = 1;
    return FN_OK;
}

#define TRANSLATE(CODE)                                                                            \
    for (uint32_t i = 0; i < rows; i++) {                                                          \
        out[i] = 0;                                                                                \
        if (c->nulls && c->nulls[from + i]) continue;                                              \
        const uint32_t code = CODE;                                                                \
        if (map[code] >= DICT_UNMET) FN_TRY(meet(ctx, d, c->kids[0], code, &map[code]));           \
        out[i] = map[code];                                                                        \
    }                                                                                              \
    return FN_OK

fn_status text_dict_translate(fn_ctx *ctx, text_dict *d, const fn_column *c, size_t from, uint32_t rows, uint32_t *out)
{
    uint32_t *map = NULL;
    FN_TRY(map_for(ctx, d, c->kids[0], &map));
    switch (c->code_width) {
    case 1: TRANSLATE(c->values[from + i]);
    case 2: TRANSLATE(fn_load_u16(c->values + 2 * (from + i)));
    default: TRANSLATE(fn_load_u32(c->values + 4 * (from + i)));
    }
}
#undef TRANSLATE
