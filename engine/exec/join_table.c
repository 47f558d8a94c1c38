/* join_table.c - builds and searches the table of a hash join; see join_table.h for its forms.
 *
 * Building: tags of all rows (in pieces, parallel), then either the array over the span, filled by tasks that each own a part of
 * the span, or entries {tag, row} scattered into partitions and one table per partition. A table is filled in two passes over its
 * entries: slots with counts, then the rows of keys that have several. Searching goes in batches: slots are prefetched for a
 * whole batch before the first is looked at. SPDX-License-Identifier: Apache-2.0 */
#include "exec/join_table.h"

typedef struct join_entry {
    uint64_t tag;
    uint32_t row, slot;
} join_entry;

enum { PIECES_MAX = 64, PIECE_ROWS = 32768, PARTITION_ROWS = 24576, DENSE_FACTOR = 4, DENSE_FREE = 1 << 16, BATCH = 256 };

typedef struct build_job {
    join_table *t;
    fn_column *const *columns;
    const uint32_t *order;
    const uint8_t *excluded;
    fn_pool *pool;
    uint32_t rows, pieces;
    fn_buffer *tags, *skip, *entries;
    bool skips[PIECES_MAX];
    uint64_t min[PIECES_MAX], max[PIECES_MAX];
    size_t *counts[PIECES_MAX];
    size_t *entry_first;          /* per partition, and the end */
    _Atomic bool duplicate;
} build_job;

static size_t piece_start(const build_job *j, uint32_t index)
{
    return (size_t)j->rows * index / j->pieces;
}
static uint64_t *tags_of(const build_job *j)
{
    return (uint64_t *)(void *)j->tags->data;
}
static uint64_t place_hash(const join_keys *k, uint64_t tag)
{
    return k->coding == JOIN_INTEGER || k->coding == JOIN_PACKED_8 ? fn_hash_u64(tag) : tag;
}
static uint32_t partition_of(const join_table *t, uint64_t hash)
{
    return t->partition_bits ? (uint32_t)(hash >> (64 - t->partition_bits)) : 0;
}

static fn_status encode_piece(void *arg, fn_ctx *ctx, uint32_t index)
{
    build_job *j = arg;
    const join_keys *k = &j->t->keys;
    const size_t end = piece_start(j, index + 1);
    const uint64_t flip = k->is_signed ? (uint64_t)1 << 63 : 0;
    uint64_t min = UINT64_MAX, max = 0;
    for (size_t from = piece_start(j, index); from < end; from += FN_BLOCK_ROWS_MAX) {
        const uint32_t n = (uint32_t)FN_MIN(end - from, (size_t)FN_BLOCK_ROWS_MAX);
        uint64_t *tags = tags_of(j) + from, *words = j->t->words ? (uint64_t *)(void *)j->t->words->data + 2 * from : NULL;
        uint8_t *skip = j->skip->data + from;
        bool any;
        FN_TRY(fn_ctx_check(ctx));
        FN_TRY(join_keys_encode(ctx, k, j->columns, from, n, tags, words, skip, &any));
        if (!any) memset(skip, 0, n);
        for (uint32_t i = 0; j->excluded && i < n; i++) skip[i] |= j->excluded[from + i];
        if (k->coding != JOIN_INTEGER) continue;
        for (uint32_t i = 0; i < n; i++) {
            const uint64_t v = tags[i] ^ flip;
            min = !skip[i] && v < min ? v : min;
            max = !skip[i] && v > max ? v : max;
        }
    }
    j->min[index] = min;
    j->max[index] = max;
    return FN_OK;
}

/* Smallest and largest key, as values. */
static void find_range(build_job *j)
{
    join_table *t = j->t;
    const uint64_t flip = t->keys.is_signed ? (uint64_t)1 << 63 : 0;
    uint64_t min = UINT64_MAX, max = 0;
    for (uint32_t i = 0; i < j->pieces; i++) {
        min = FN_MIN(min, j->min[i]);
        max = FN_MAX(max, j->max[i]);
    }
    t->has_range = t->keys.coding == JOIN_INTEGER && min <= max;
    t->min = min ^ flip;
    t->max = max ^ flip;
}

/* ---- the array over the span ---- */

static void dense_part(const build_job *j, uint32_t index, uint64_t *from, uint64_t *to)
{
    const uint64_t span = j->t->max - j->t->min + 1;
    *from = span * index / j->pieces;
    *to = span * (index + 1) / j->pieces;
}

/* Every task reads all tags and writes its part of the span. */
static fn_status dense_unique(void *arg, fn_ctx *ctx, uint32_t index)
{
    build_job *j = arg;
    uint32_t *places = (uint32_t *)(void *)j->t->places->data;
    const uint64_t *tags = tags_of(j), min = j->t->min;
    uint64_t from, to;
    bool duplicate = false;
    (void)ctx;
    dense_part(j, index, &from, &to);
    for (uint32_t i = 0; i < j->rows; i++) {
        const uint64_t at = tags[i] - min;
        if (at - from >= to - from || j->skip->data[i]) continue;
        duplicate |= places[at] != 0;
        places[at] = i + 1;
    }
    if (duplicate) atomic_store_explicit(&j->duplicate, true, memory_order_relaxed);
    return FN_OK;
}

static fn_status dense_lists(fn_ctx *ctx, build_job *j)
{
    join_table *t = j->t;
    const uint64_t span = t->max - t->min + 1, *tags = tags_of(j);
    uint32_t *places = (uint32_t *)(void *)t->places->data;
    t->rows = fn_buffer_new(ctx, ((size_t)j->rows + 1) * sizeof(uint32_t));
    FN_TRY_PTR(ctx, t->rows);
    uint32_t *rows = (uint32_t *)(void *)t->rows->data, sum = 0;
    memset(places, 0, (span + 1) * sizeof *places);
    for (uint32_t i = 0; i < j->rows; i++)
        if (!j->skip->data[i]) places[tags[i] - t->min]++;
    FN_TRY(fn_ctx_check(ctx));
    for (uint64_t v = 0; v <= span; v++) { /* becomes the end of v's rows; the scatter below counts it down to the beginning */
        sum += places[v];
        places[v] = sum;
    }
    for (uint32_t i = j->rows; i-- > 0;) {
        const uint32_t row = j->order ? j->order[i] : i;
        if (!j->skip->data[row]) rows[--places[tags[row] - t->min]] = row;
    }
    return FN_OK;
}

static fn_status build_dense(fn_ctx *ctx, build_job *j)
{
    join_table *t = j->t;
    t->form = JOIN_DENSE;
    t->places = fn_buffer_new_zero(ctx, (t->max - t->min + 2) * sizeof(uint32_t));
    FN_TRY_PTR(ctx, t->places);
    FN_TRY(parallel_run(ctx, j->pool, dense_unique, j, j->pieces));
    t->unique = !atomic_load(&j->duplicate);
    return t->unique ? FN_OK : dense_lists(ctx, j);
}

/* ---- partitions ---- */

static fn_status count_piece(void *arg, fn_ctx *ctx, uint32_t index)
{
    build_job *j = arg;
    (void)ctx;
    const size_t end = piece_start(j, index + 1);
    for (size_t i = piece_start(j, index); i < end; i++) {
        const uint32_t row = j->order ? j->order[i] : (uint32_t)i;
        if (!j->skip->data[row]) j->counts[index][partition_of(j->t, place_hash(&j->t->keys, tags_of(j)[row]))]++;
    }
    return FN_OK;
}

static fn_status scatter_piece(void *arg, fn_ctx *ctx, uint32_t index)
{
    build_job *j = arg;
    (void)ctx;
    const size_t end = piece_start(j, index + 1);
    join_entry *entries = (join_entry *)(void *)j->entries->data;
    for (size_t i = piece_start(j, index); i < end; i++) {
        const uint32_t row = j->order ? j->order[i] : (uint32_t)i;
        if (j->skip->data[row]) continue;
        const uint64_t tag = tags_of(j)[row];
        entries[j->counts[index][partition_of(j->t, place_hash(&j->t->keys, tag))]++] = (join_entry){tag, row, 0};
    }
    return FN_OK;
}

static bool same_columns(const join_table *t, uint32_t row, fn_column *const *columns, size_t other)
{
    for (uint32_t k = 0; k < t->keys.count; k++)
        if (!fn_column_equal_at(t->columns[k], row, columns[k], other)) return false;
    return true;
}

/* Tags are equal: are the keys? `row` is a build row, `other` one of the given words or columns. */
static inline bool verify(const join_table *t, uint32_t row, const uint64_t *words, fn_column *const *columns, size_t other)
{
    switch (t->keys.coding) {
    case JOIN_INTEGER: case JOIN_PACKED_8: return true;
    case JOIN_PACKED_16: {
        const uint64_t *own = (const uint64_t *)(const void *)t->words->data + 2 * (size_t)row;
        return own[0] == words[2 * other] && own[1] == words[2 * other + 1];
    }
    case JOIN_HASHED: return same_columns(t, row, columns, other);
    }
    return false;
}

/* One partition's table from its entries. */
static fn_status fill_partition(void *arg, fn_ctx *ctx, uint32_t index)
{
    build_job *j = arg;
    join_table *t = j->t;
    (void)ctx;
    join_slot *slots = (join_slot *)(void *)t->slots->data + t->slot_first[index];
    const uint32_t mask = t->slot_mask[index];
    join_entry *entries = (join_entry *)(void *)j->entries->data;
    uint32_t *rows = (uint32_t *)(void *)t->rows->data;
    const uint64_t *words = t->words ? (const uint64_t *)(const void *)t->words->data : NULL;
    const size_t from = j->entry_first[index], to = j->entry_first[index + 1];
    memset(slots, 0, ((size_t)mask + 1) * sizeof *slots);
    for (size_t i = from; i < to; i++) {
        join_entry *e = &entries[i];
        uint32_t at = (uint32_t)place_hash(&t->keys, e->tag) & mask;
        while (slots[at].count && !(slots[at].tag == e->tag && verify(t, slots[at].first, words, t->columns, e->row))) at = (at + 1) & mask;
        if (!slots[at].count++) {
            slots[at].tag = e->tag;
            slots[at].first = e->row;
        }
        e->slot = at;
    }
    uint32_t sum = (uint32_t)from; /* a partition's lists lie where its entries do */
    for (uint32_t s = 0; s <= mask; s++) {
        if (slots[s].count < 2) continue;
        slots[s].first = sum;
        sum += slots[s].count;
    }
    for (size_t i = from; i < to; i++)
        if (slots[entries[i].slot].count > 1) rows[slots[entries[i].slot].first++] = entries[i].row;
    for (uint32_t s = 0; s <= mask; s++)
        if (slots[s].count > 1) slots[s].first -= slots[s].count;
    return FN_OK;
}

static fn_status lay_out(fn_ctx *ctx, build_job *j, size_t *counts)
{
    join_table *t = j->t;
    const uint32_t partitions = 1u << t->partition_bits;
    size_t at = 0, slots = 0;
    for (uint32_t i = 0; i < j->pieces; i++) j->counts[i] = counts + (size_t)i * partitions;
    FN_TRY(parallel_run(ctx, j->pool, count_piece, j, j->pieces));
    for (uint32_t p = 0; p < partitions; p++) {
        j->entry_first[p] = at;
        for (uint32_t i = 0; i < j->pieces; i++) {
            const size_t count = j->counts[i][p];
            j->counts[i][p] = at;
            at += count;
        }
        const uint64_t room = fn_next_pow2(FN_MAX((at - j->entry_first[p]) * 2, (size_t)16));
        t->slot_first[p] = slots;
        t->slot_mask[p] = (uint32_t)(room - 1);
        slots += room;
    }
    j->entry_first[partitions] = at;
    j->entries = fn_buffer_new(ctx, (at + 1) * sizeof(join_entry));
    t->rows = j->entries ? fn_buffer_new(ctx, (at + 1) * sizeof(uint32_t)) : NULL;
    t->slots = t->rows ? fn_buffer_new(ctx, slots * sizeof(join_slot)) : NULL;
    FN_TRY_PTR(ctx, t->slots);
    FN_TRY(parallel_run(ctx, j->pool, scatter_piece, j, j->pieces));
    return parallel_run(ctx, j->pool, fill_partition, j, partitions);
}

static fn_status build_hash(fn_ctx *ctx, build_job *j)
{
    join_table *t = j->t;
    t->form = JOIN_HASH;
    while (t->partition_bits < 10 && ((uint64_t)PARTITION_ROWS << t->partition_bits) < j->rows) t->partition_bits++;
    const uint32_t partitions = 1u << t->partition_bits;
    t->slot_first = fn_alloc(ctx, partitions * sizeof *t->slot_first);
    t->slot_mask = fn_alloc(ctx, partitions * sizeof *t->slot_mask);
    j->entry_first = fn_alloc(ctx, (partitions + 1) * sizeof *j->entry_first);
    size_t *counts = fn_alloc_zero(ctx, (size_t)j->pieces * partitions * sizeof *counts);
    const fn_status status = t->slot_first && t->slot_mask && j->entry_first && counts ? lay_out(ctx, j, counts) : ctx->error.code;
    fn_free(counts);
    fn_free(j->entry_first);
    fn_buffer_drop(j->entries);
    return status;
}

/* ---- building ---- */

static fn_status build_with(fn_ctx *ctx, build_job *j)
{
    join_table *t = j->t;
    j->tags = fn_buffer_new(ctx, ((size_t)j->rows + 1) * sizeof(uint64_t));
    j->skip = j->tags ? fn_buffer_new(ctx, j->rows) : NULL;
    FN_TRY_PTR(ctx, j->skip);
    if (t->keys.coding == JOIN_PACKED_16) {
        t->words = fn_buffer_new(ctx, ((size_t)j->rows + 1) * 2 * sizeof(uint64_t));
        FN_TRY_PTR(ctx, t->words);
    }
    FN_TRY(parallel_run(ctx, j->pool, encode_piece, j, j->pieces));
    find_range(j);
    const uint64_t span = t->max - t->min; /* less one */
    if (t->has_range && (span / DENSE_FACTOR < j->rows || span < DENSE_FREE) && span < UINT32_MAX / 2) return build_dense(ctx, j);
    return build_hash(ctx, j);
}

/* No keys, but an order: every probe row matches the rows that are not excluded. */
static fn_status list_all(fn_ctx *ctx, join_table *t, const uint32_t *order, const uint8_t *excluded)
{
    t->rows = fn_buffer_new(ctx, ((size_t)t->row_count + 1) * sizeof(uint32_t));
    FN_TRY_PTR(ctx, t->rows);
    uint32_t *rows = (uint32_t *)(void *)t->rows->data, n = 0;
    for (uint32_t i = 0; i < t->row_count; i++)
        if (!excluded || !excluded[order[i]]) rows[n++] = order[i];
    t->row_count = n;
    return FN_OK;
}

fn_status join_table_build(fn_ctx *ctx, join_table *t, const join_keys *keys, fn_column *const *columns, uint32_t rows, const uint32_t *order,
                           const uint8_t *excluded, fn_pool *pool, unsigned workers)
{
    *t = (join_table){.keys = *keys, .row_count = rows, .form = JOIN_ALL};
    if (!keys->count) return order ? list_all(ctx, t, order, excluded) : FN_OK;
    t->columns = fn_alloc_zero(ctx, keys->count * sizeof *t->columns);
    FN_TRY_PTR(ctx, t->columns);
    for (uint32_t i = 0; i < keys->count; i++) t->columns[i] = fn_column_ref(columns[i]);
    build_job j = {.t = t, .columns = columns, .order = order, .excluded = excluded, .rows = rows};
    j.pool = workers > 1 && rows >= 2 * PIECE_ROWS ? pool : NULL;
    j.pieces = j.pool ? FN_MIN(FN_MIN(workers, rows / PIECE_ROWS), (unsigned)PIECES_MAX) : 1;
    const fn_status status = build_with(ctx, &j);
    fn_buffer_drop(j.tags);
    fn_buffer_drop(j.skip);
    return status;
}

void join_table_release(join_table *t)
{
    for (uint32_t i = 0; t->columns && i < t->keys.count; i++) fn_column_drop(t->columns[i]);
    fn_free(t->columns);
    fn_buffer_drop(t->words);
    fn_buffer_drop(t->rows);
    fn_buffer_drop(t->places);
    fn_buffer_drop(t->slots);
    fn_free(t->slot_first);
    fn_free(t->slot_mask);
    *t = (join_table){0};
}

/* ---- searching ---- */

static void find_dense(const join_table *t, const uint64_t *tags, uint32_t rows, uint32_t *first, uint32_t *count)
{
    const uint32_t *places = (const uint32_t *)(const void *)t->places->data;
    const uint64_t span = t->max - t->min;
    if (t->unique) {
        for (uint32_t i = 0; i < rows; i++) {
            const uint64_t at = tags[i] - t->min;
            const uint32_t row = places[at <= span ? at : span + 1]; /* one spare zero behind */
            first[i] = row - 1;
            count[i] = row != 0;
        }
        return;
    }
    const uint32_t *list = (const uint32_t *)(const void *)t->rows->data;
    for (uint32_t i = 0; i < rows; i++) {
        const uint64_t at = tags[i] - t->min;
        count[i] = 0;
        first[i] = 0;
        if (at > span) continue;
        count[i] = places[at + 1] - places[at];
        first[i] = count[i] == 1 ? list[places[at]] : places[at];
    }
}

static void find_batch(const join_table *t, const uint64_t *tags, const uint64_t *words, fn_column *const *columns, size_t from, uint32_t rows,
                       uint32_t *first, uint32_t *count)
{
    const join_slot *slots = (const join_slot *)(const void *)t->slots->data;
    const uint32_t *list = (const uint32_t *)(const void *)t->rows->data;
    size_t base[BATCH];
    uint32_t at[BATCH], mask[BATCH];
    for (uint32_t i = 0; i < rows; i++) {
        const uint64_t hash = place_hash(&t->keys, tags[from + i]);
        const uint32_t p = partition_of(t, hash);
        base[i] = t->slot_first[p];
        mask[i] = t->slot_mask[p];
        at[i] = (uint32_t)hash & mask[i];
        __builtin_prefetch(&slots[base[i] + at[i]]);
    }
    for (uint32_t i = 0; i < rows; i++) {
        const join_slot *table = slots + base[i];
        uint32_t s = at[i];
        for (; table[s].count; s = (s + 1) & mask[i]) {
            if (table[s].tag != tags[from + i]) continue;
            const uint32_t row = table[s].count == 1 ? table[s].first : list[table[s].first];
            if (verify(t, row, words, columns, from + i)) break;
        }
        first[from + i] = table[s].first;
        count[from + i] = table[s].count;
    }
}

fn_status join_table_find(fn_ctx *ctx, const join_table *t, fn_column *const *columns, uint32_t rows, uint32_t *first, uint32_t *count)
{
    if (t->form == JOIN_ALL) {
        const uint32_t start = t->rows && t->row_count == 1 ? *(const uint32_t *)(const void *)t->rows->data : 0;
        for (uint32_t i = 0; i < rows; i++) {
            first[i] = start;
            count[i] = t->row_count;
        }
        return FN_OK;
    }
    uint64_t *tags = fn_arena_alloc(ctx, ctx->arena, ((size_t)rows + 1) * sizeof *tags), *words = NULL;
    uint8_t *skip = fn_arena_alloc(ctx, ctx->arena, (size_t)rows + 1);
    if (!tags || !skip) return ctx->error.code;
    if (t->keys.coding == JOIN_PACKED_16) {
        words = fn_arena_alloc(ctx, ctx->arena, ((size_t)rows + 1) * 2 * sizeof *words);
        FN_TRY_PTR(ctx, words);
    }
    bool any_skip;
    FN_TRY(join_keys_encode(ctx, &t->keys, columns, 0, rows, tags, words, skip, &any_skip));
    if (t->form == JOIN_DENSE) find_dense(t, tags, rows, first, count);
    else
        for (uint32_t from = 0; from < rows; from += BATCH)
            find_batch(t, tags, words, columns, from, FN_MIN(rows - from, (uint32_t)BATCH), first, count);
    for (uint32_t i = 0; any_skip && i < rows; i++) count[i] = skip[i] ? 0 : count[i];
    return FN_OK;
}
