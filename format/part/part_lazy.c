/* part_lazy.c - what a part loads at its first use and keeps: zone maps, dictionaries. Loaded without the part's lock. If two threads
 * want zone maps at once, the first result stays and the other is dropped; of a dictionary, which is large, the second waits for the
 * first. So all see one object. SPDX-License-Identifier: Apache-2.0 */
#include "part/part_reader.h"

/* The part's things outlive the query: a context of their own, its error handed on. */
static fn_status own_begin(fn_ctx *ctx, fn_ctx *own)
{
    *own = (fn_ctx){.cancel = ctx->cancel};
    own->arena = fn_arena_new(own);
    return own->arena ? FN_OK : fn_fail(ctx, own->error.code, "%s", own->error.text);
}

static fn_status own_end(fn_ctx *ctx, fn_ctx *own, fn_status status)
{
    fn_arena_free(own->arena);
    return status == FN_OK ? FN_OK : fn_fail(ctx, status, "%s", own->error.text);
}

static fn_part *unlocked(const fn_part *p)
{
    return (fn_part *)(uintptr_t)p; /* what is filled lazily is under p->lock */
}

static void take_lock(const fn_part *p)
{
    FN_ASSERT(pthread_mutex_lock(&unlocked(p)->lock) == 0);
}

static void give_lock(const fn_part *p)
{
    FN_ASSERT(pthread_mutex_unlock(&unlocked(p)->lock) == 0);
}

/* ---- zones ---- */

static void drop_zones(fn_part_zones *z)
{
    if (!z) return;
    fn_column_drop((fn_column *)(uintptr_t)z->min);
    fn_column_drop((fn_column *)(uintptr_t)z->max);
    fn_free(z);
}

/* Struct and arrays are one allocation: sums first (16-byte aligned), then the others. */
static fn_status parse_zones(fn_ctx *own, const fn_part *p, const part_column *c, const fn_buffer *bytes, fn_part_zones **out)
{
    enum { HEAD = 128 };
    _Static_assert(sizeof(fn_part_zones) <= HEAD, "zones head");
    const size_t g = p->granules;
    enc_in in = {bytes->data, bytes->data + bytes->size};
    fn_part_zones *z = fn_alloc_zero(own, HEAD + g * (sizeof(fn_i128) + 2 * sizeof(uint32_t) + 1));
    FN_TRY_PTR(own, z);
    *out = z;
    fn_i128 *sums = (fn_i128 *)(void *)((char *)z + HEAD);
    uint32_t *nulls = (uint32_t *)(void *)(sums + g), *defaults = nulls + g;
    uint8_t *valid = (uint8_t *)(defaults + g);
    const uint8_t *v = enc_take(&in, g), *n = enc_take(&in, g * sizeof *nulls), *d = enc_take(&in, g * sizeof *defaults), *exact = enc_take(&in, 1);
    if (!v || !n || !d || !exact) return part_damaged(own, p, c, c->zones_at.offset, "damaged zone maps");
    if (g) {
        memcpy(valid, v, g);
        memcpy(nulls, n, g * sizeof *nulls);
        memcpy(defaults, d, g * sizeof *defaults);
    }
    *z = (fn_part_zones){.has_range = c->has_range, .has_sum = c->has_sum, .exact = *exact != 0, .valid = valid, .nulls = nulls, .defaults = defaults, .sums = sums};
    if (c->has_range) {
        fn_column *min = NULL, *max = NULL;
        fn_status status = part_column_load(own, &in, c->root.base, p->granules, &min);
        if (status == FN_OK) status = part_column_load(own, &in, c->root.base, p->granules, &max);
        z->min = min;
        z->max = max;
        FN_TRY(status);
    }
    if (!c->has_sum) return FN_OK;
    const uint8_t *s = enc_take(&in, g * sizeof *sums);
    if (!s) return part_damaged(own, p, c, c->zones_at.offset, "damaged zone maps");
    if (g) memcpy(sums, s, g * sizeof *sums);
    return FN_OK;
}

static fn_status load_zones(fn_ctx *own, const fn_part *p, const part_column *c, fn_part_zones **out)
{
    part_want want = {.column = c, .number = REF_ZONES, .at = c->zones_at};
    FN_TRY(part_fetch(own, p, &want, 1, false));
    const fn_status status = parse_zones(own, p, c, want.bytes, out);
    fn_buffer_drop(want.bytes);
    return status;
}

fn_status fn_part_zones_of(fn_ctx *ctx, const fn_part *p, uint32_t index, const fn_part_zones **out)
{
    FN_ASSERT(index < p->column_count);
    part_column *c = &p->columns[index];
    take_lock(p);
    *out = c->zones;
    give_lock(p);
    if (*out) return FN_OK;
    fn_ctx own;
    fn_part_zones *mine = NULL;
    FN_TRY(own_begin(ctx, &own));
    const fn_status status = own_end(ctx, &own, load_zones(&own, p, c, &mine));
    if (status == FN_OK) {
        take_lock(p);
        if (!c->zones) {
            c->zones = mine;
            mine = NULL;
        }
        *out = c->zones;
        give_lock(p);
    }
    drop_zones(mine);
    return status;
}

/* ---- dictionaries ---- */

/* Room for a dictionary's strings at once: what its blocks say they unpack to, their lengths counted in. Untrusted, so bounded by
 * what codecs reach; a wrong number costs time, no more. */
static size_t room_of(const chunk_view *c)
{
    enum { RATIO_MAX = 64 };
    uint64_t room = 0;
    for (uint32_t i = 0, from = 0; i < c->blocks; i++) {
        const uint32_t end = fn_load_u32(c->ends + i * sizeof end), size = end - from;
        const uint8_t *block = c->payload + from;
        room += size > 5 && block[0] != 0 ? FN_MIN(fn_load_u32(block + 1), (uint64_t)size * RATIO_MAX) : size;
        from = end;
    }
    return (size_t)FN_MIN(room, UINT32_MAX);
}

static fn_status parse_dictionary(fn_ctx *own, const fn_part *p, const part_column *c, const part_reference *at, const fn_buffer *bytes, uint32_t entries,
                                  const fn_type *type, fn_column **out)
{
    chunk_view chunk;
    if (!chunk_open(bytes->data, bytes->size, &chunk) || chunk.form != CHUNK_TEXT || chunk.values != entries || entries == 0)
        return part_damaged(own, p, c, at->offset, "damaged dictionary");
    const segment_view view = {bytes->data, bytes->size, at->offset, 0};
    chunk_reader r = {.ctx = own, .part = p, .column = c};
    text_out text = {0};
    fn_buffer *offsets = fn_buffer_new(own, ((size_t)entries + 1) * sizeof(uint32_t));
    fn_status status = offsets ? FN_OK : own->error.code;
    if (status == FN_OK) {
        text.offsets = (uint32_t *)(void *)offsets->data;
        text.offsets[0] = 0;
        text.bytes = fn_buffer_new(own, room_of(&chunk));
        status = text.bytes ? FN_OK : own->error.code;
    }
    if (status == FN_OK) {
        status = chunk_read_text(&r, &view, &chunk, 0, entries, NULL, &text);
    }
    chunk_reader_release(&r);
    if (status == FN_OK && !text.bytes) text.bytes = fn_buffer_new(own, 0);
    if (status == FN_OK && !text.bytes) status = own->error.code;
    if (status != FN_OK) {
        fn_buffer_drop(text.bytes);
        fn_buffer_drop(offsets);
        return status;
    }
    text.bytes->size = text.used;
    *out = fn_column_string(own, fn_type_strip_nullable(type), entries, text.bytes, offsets, NULL);
    return *out ? FN_OK : own->error.code;
}

static const fn_type *type_of_stream(const part_node *n, uint32_t stream)
{
    if (n->kind == NODE_TEXT && n->value_stream == stream) return n->type;
    for (uint32_t i = 0; i < n->kid_count; i++) {
        const fn_type *found = type_of_stream(&n->kids[i], stream);
        if (found) return found;
    }
    return NULL;
}

static fn_status load_dictionary(fn_ctx *own, const fn_part *p, const part_column *c, uint32_t stream, const part_reference *at, uint32_t entries,
                                 fn_column **out)
{
    const fn_type *type = type_of_stream(&c->root, stream);
    if (!type) return part_damaged(own, p, c, at->offset, "a dictionary where no strings are");
    part_want want = {.column = c, .number = REF_DICTIONARY + stream, .at = *at};
    FN_TRY(part_fetch(own, p, &want, 1, false));
    const fn_status status = parse_dictionary(own, p, c, at, want.bytes, entries, type, out);
    fn_buffer_drop(want.bytes);
    return status;
}

enum { LOADERS = 16 };
static pthread_mutex_t loaders[LOADERS];

static void make_loaders(void)
{
    for (unsigned i = 0; i < LOADERS; i++) FN_ASSERT(pthread_mutex_init(&loaders[i], NULL) == 0);
}

/* Held while a column's dictionary is loaded; shared by chance with other columns, which then wait. */
static pthread_mutex_t *loader_of(const fn_part *p, uint32_t column)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    FN_ASSERT(pthread_once(&once, make_loaders) == 0);
    return &loaders[fn_hash_mix(p->id.low, column) % LOADERS];
}

/* The dictionary from where it is kept; NULL: not loaded yet. */
static const fn_column *loaded_dictionary(const fn_part *p, const part_column *c, uint32_t stream)
{
    take_lock(p);
    const fn_column *found = c->loaded[stream];
    give_lock(p);
    return found;
}

fn_status part_dictionary(fn_ctx *ctx, const fn_part *p, uint32_t column, uint32_t stream, const fn_column **out, uint8_t *flags)
{
    part_column *c = &p->columns[column];
    const uint8_t *entry = c->dictionaries + (size_t)stream * DICTIONARY_SIZE;
    const part_reference at = part_reference_at(entry);
    *flags = entry[REFERENCE_SIZE + 4];
    *out = NULL;
    if (at.size == 0) return FN_OK;
    *out = loaded_dictionary(p, c, stream);
    if (*out) return FN_OK;
    pthread_mutex_t *loader = loader_of(p, column);
    FN_ASSERT(pthread_mutex_lock(loader) == 0); /* several workers want it at once: one loads it */
    *out = loaded_dictionary(p, c, stream);
    fn_ctx own;
    fn_column *mine = NULL;
    fn_status status = *out ? FN_OK : own_begin(ctx, &own);
    if (status == FN_OK && !*out) {
        status = own_end(ctx, &own, load_dictionary(&own, p, c, stream, &at, fn_load_u32(entry + REFERENCE_SIZE), &mine));
        if (status == FN_OK) {
            mine->lasting = !p->again;
            take_lock(p);
            *out = c->loaded[stream] = mine;
            give_lock(p);
        }
    }
    FN_ASSERT(pthread_mutex_unlock(loader) == 0);
    return status;
}

fn_status fn_part_dictionary(fn_ctx *ctx, const fn_part *p, uint32_t index, fn_column **out, bool *sorted)
{
    FN_ASSERT(index < p->column_count);
    const part_node *n = &p->columns[index].root;
    const fn_column *found = NULL;
    uint8_t flags = 0;
    if (n->kind == NODE_TEXT) FN_TRY(part_dictionary(ctx, p, index, n->value_stream, &found, &flags));
    *out = found && (flags & DICTIONARY_COMPLETE) ? fn_column_ref(found) : NULL;
    if (sorted) *sorted = *out && (flags & DICTIONARY_SORTED);
    return FN_OK;
}
