/* runtime_filter.c - see runtime_filter.h. The Bloom filter has one 64-bit word per lookup, four bits of it, about 12 bits per key:
 * roughly one false positive in fifty. SPDX-License-Identifier: Apache-2.0 */
#include "exec/runtime_filter.h"
#include "kernel/kernel.h"

/* ---- where a key comes from ---- */

/* The scan and column that `id`, an output of `node`, is read from; rows of the scan without a wanted value can be dropped
 * without changing what `node` gives for wanted values. */
static const plan *find_scan(const plan *node, column_id id, uint32_t *column)
{
    const expr *value = NULL;
    switch (node->kind) {
    case PLAN_SCAN:
        for (uint32_t i = 0; i < node->column_count; i++)
            if (node->columns[i].id == id) {
                *column = i;
                return node;
            }
        return NULL;
    case PLAN_FILTER: return find_scan(node->inputs[0], id, column);
    case PLAN_PROJECT:
        for (uint32_t i = 0; i < node->column_count; i++)
            if (node->project.items[i].id == id) value = node->project.items[i].value;
        return value && value->kind == EXPR_COLUMN ? find_scan(node->inputs[0], value->column, column) : NULL;
    case PLAN_AGGREGATE: /* a key: its groups go, others stay as they are */
        if (node->aggregate.grouping_sets || node->aggregate.totals || node->aggregate.limit) return NULL;
        for (uint32_t i = 0; i < node->aggregate.key_count; i++)
            if (node->aggregate.keys[i].id == id) value = node->aggregate.keys[i].value;
        return value && value->kind == EXPR_COLUMN ? find_scan(node->inputs[0], value->column, column) : NULL;
    case PLAN_JOIN: {
        const plan_join_kind kind = node->join.kind;
        const bool inner = (kind == PLAN_JOIN_INNER && !node->join.any && node->join.asof < 0) || kind == PLAN_JOIN_CROSS;
        const bool left = inner || kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_SEMI_LEFT || kind == PLAN_JOIN_ANTI_LEFT || kind == PLAN_JOIN_MARK || kind == PLAN_JOIN_SINGLE;
        const plan *found = left ? find_scan(node->inputs[0], id, column) : NULL;
        return found || !inner ? found : find_scan(node->inputs[1], id, column);
    }
    case PLAN_VALUES: case PLAN_NUMBERS: case PLAN_SORT: case PLAN_LIMIT: case PLAN_LIMIT_BY: case PLAN_DISTINCT: case PLAN_UNION:
    case PLAN_SET_OP: case PLAN_WINDOW: case PLAN_ARRAY_JOIN: case PLAN_FILL: case PLAN_SHARED: return NULL;
    }
    return NULL;
}

static fn_status test_column(scan_filter *self, fn_ctx *ctx, fn_column *c, uint8_t *mask, uint32_t *ones);
static bool pays(const scan_filter *self);

fn_status runtime_filter_plan(fn_ctx *ctx, exec *e, const plan *probe, const expr *value, runtime_filter **out)
{
    uint32_t column = 0;
    *out = NULL;
    if (value->kind != EXPR_COLUMN) return FN_OK;
    const plan *scan = find_scan(probe, value->column, &column);
    if (!scan || scan->columns[column].type != value->type) return FN_OK;
    runtime_filter *f = fn_arena_alloc_zero(ctx, e->arena, sizeof *f);
    FN_TRY_PTR(ctx, f);
    f->head = (scan_filter){.column = scan->scan.indexes[column], .test = test_column, .pays = pays};
    f->scan = scan;
    f->column = column;
    f->next = e->filters;
    e->filters = f;
    *out = f;
    return FN_OK;
}

/* ---- filling ---- */

enum { BITMAP_MAX = 1 << 26, BITMAP_FREE = 1 << 23, BITMAP_SPARSE = 256, BLOOM_ROWS_MAX = 1 << 24 };

/* Integer keys: a bitmap is exact and quicker to ask than a Bloom filter (a tenth of the instructions), unless it is larger than the join's own table:
 * 32 bytes a key. */
static bool takes_bitmap(uint64_t span, uint64_t rows)
{
    return span < BITMAP_FREE || (span < BITMAP_MAX && span / BITMAP_SPARSE < rows);
}

/* The bitmap has words of 32 bits, and a bit behind the last key's that is never set. */
static size_t bitmap_bytes(const runtime_filter *f)
{
    return ((f->max - f->min + 1) / 32 + 1) * sizeof(uint32_t);
}

static void set_bit(const runtime_filter *f, uint64_t tag)
{
    const uint64_t at = tag - f->min;
    ((uint32_t *)(void *)f->bits->data)[at / 32] |= 1u << (at % 32);
}

static void fill_bitmap(const runtime_filter *f, const join_table *t)
{
    const uint32_t *places = (const uint32_t *)(const void *)t->places->data;
    for (uint64_t v = 0; v <= f->max - f->min; v++)
        if (t->unique ? places[v] != 0 : places[v + 1] != places[v]) set_bit(f, f->min + v);
}

static uint64_t bloom_bits(uint64_t hash)
{
    return (uint64_t)1 << (hash & 63) | (uint64_t)1 << (hash >> 6 & 63) | (uint64_t)1 << (hash >> 12 & 63) | (uint64_t)1 << (hash >> 18 & 63);
}

static uint64_t hash_of(const join_keys *k, uint64_t tag)
{
    return k->coding == JOIN_HASHED || k->coding == JOIN_PACKED_16 ? tag : fn_hash_u64(tag);
}

static void set_bloom(const runtime_filter *f, uint64_t tag)
{
    const uint64_t hash = hash_of(&f->keys, tag);
    ((uint64_t *)(void *)f->bits->data)[hash >> 24 & f->word_mask] |= bloom_bits(hash);
}

static void fill_from_slots(const runtime_filter *f, const join_table *t)
{
    const join_slot *slots = (const join_slot *)(const void *)t->slots->data;
    const size_t count = t->slots->size / sizeof *slots;
    for (size_t i = 0; i < count; i++) {
        if (!slots[i].count) continue;
        if (f->is_bitmap) set_bit(f, slots[i].tag);
        else set_bloom(f, slots[i].tag);
    }
}

/* An empty bitmap or Bloom filter for `rows` keys; none when they are too many. */
static fn_status make_bits(fn_ctx *ctx, runtime_filter *f, uint64_t rows)
{
    f->is_bitmap = f->has_range && takes_bitmap(f->max - f->min, rows);
    if (!f->is_bitmap && rows > BLOOM_ROWS_MAX) return FN_OK;
    const uint64_t words = fn_next_pow2(rows * 12 / 64 + 1);
    f->word_mask = words - 1;
    f->bits = fn_buffer_new_zero(ctx, f->is_bitmap ? bitmap_bytes(f) : words * sizeof(uint64_t));
    return f->bits ? FN_OK : ctx->error.code;
}

fn_status runtime_filter_fill(fn_ctx *ctx, runtime_filter *f, const join_table *t)
{
    f->keys = t->keys;
    f->has_range = t->has_range;
    f->min = t->min;
    f->max = t->max;
    if (t->form == JOIN_DENSE && t->max - t->min < BITMAP_MAX) {
        f->is_bitmap = true;
        f->bits = fn_buffer_new_zero(ctx, bitmap_bytes(f));
        FN_TRY_PTR(ctx, f->bits);
        fill_bitmap(f, t);
    } else if (t->form == JOIN_HASH) {
        FN_TRY(make_bits(ctx, f, t->row_count));
        if (f->bits) fill_from_slots(f, t);
    }
    f->ready = true;
    return FN_OK;
}

/* Tags of all rows that can match, row by row in tags[0..*count). */
static fn_status list_tags(fn_ctx *ctx, const runtime_filter *f, fn_column *column, uint64_t *tags, uint32_t *count)
{
    uint8_t *skip = fn_alloc(ctx, (size_t)FN_BLOCK_ROWS_MAX);
    fn_status status = skip ? FN_OK : ctx->error.code;
    *count = 0;
    for (uint32_t from = 0; from < column->rows && status == FN_OK; from += FN_BLOCK_ROWS_MAX) {
        const uint32_t rows = FN_MIN(column->rows - from, (uint32_t)FN_BLOCK_ROWS_MAX);
        uint64_t *to = tags + *count;
        bool any_skip = false;
        status = join_keys_encode(ctx, &f->keys, &column, from, rows, to, NULL, skip, &any_skip);
        uint32_t n = any_skip ? 0 : rows;
        for (uint32_t i = 0; status == FN_OK && any_skip && i < rows; i++) {
            to[n] = to[i];
            n += !skip[i];
        }
        *count += n;
        if (status == FN_OK) status = fn_ctx_check(ctx);
    }
    fn_free(skip);
    return status;
}

fn_status runtime_filter_fill_column(fn_ctx *ctx, runtime_filter *f, fn_column *column, const fn_type *left, const fn_type *right)
{
    FN_TRY(join_keys_init(ctx, &f->keys, &left, &right, NULL, 1));
    if (f->keys.coding != JOIN_INTEGER) return FN_OK;
    uint32_t count;
    const uint64_t flip = f->keys.is_signed ? (uint64_t)1 << 63 : 0;
    uint64_t *tags = fn_alloc(ctx, ((size_t)column->rows + 1) * sizeof *tags), min = UINT64_MAX, max = 0;
    FN_TRY_PTR(ctx, tags);
    fn_status status = list_tags(ctx, f, column, tags, &count);
    for (uint32_t i = 0; status == FN_OK && i < count; i++) {
        min = FN_MIN(min, tags[i] ^ flip);
        max = FN_MAX(max, tags[i] ^ flip);
    }
    if (status == FN_OK && count) {
        f->has_range = true;
        f->min = min ^ flip;
        f->max = max ^ flip;
        status = make_bits(ctx, f, count);
        for (uint32_t i = 0; status == FN_OK && f->bits && i < count; i++) {
            if (f->is_bitmap) set_bit(f, tags[i]);
            else set_bloom(f, tags[i]);
        }
        f->ready = status == FN_OK;
    }
    fn_free(tags);
    return status;
}

void runtime_filter_release(runtime_filter *f)
{
    fn_buffer_drop(f->bits);
    f->bits = NULL;
    f->ready = false;
}

/* ---- use ---- */

uint32_t runtime_filter_count(const exec *e, const plan *scan)
{
    uint32_t n = 0;
    for (const runtime_filter *f = e->filters; f; f = f->next) n += f->scan == scan;
    return n;
}

/* column >= or <= a key of the build side */
static fn_status compare_with(fn_ctx *ctx, const char *function, const plan_column *column, uint64_t key, expr **out)
{
    const fn_type *base = fn_type_base(column->type);
    fn_builder b;
    fn_column *value = NULL;
    uint8_t bytes[8];
    fn_store_u64(bytes, key); /* little endian: the low bytes are the value */
    FN_TRY(fn_builder_init(ctx, &b, base));
    fn_status status = fn_builder_fixed(ctx, &b, bytes);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, &value);
    fn_builder_release(&b);
    FN_TRY(status);
    fn_column *constant = fn_column_repeat(ctx, value, 0, 1);
    fn_column_drop(value);
    FN_TRY_PTR(ctx, constant);
    expr *args[2] = {expr_column(ctx, column->id, column->type), expr_const(ctx, constant)};
    if (!args[0] || !args[1]) return ctx->error.code;
    return expr_call(ctx, function, args, 2, out);
}

fn_status runtime_filter_conditions(fn_ctx *ctx, const exec *e, const plan *scan, expr **out, bool *only_prunes, uint32_t *count)
{
    *count = 0;
    for (const runtime_filter *f = e->filters; f; f = f->next) {
        if (f->scan != scan || !f->ready || !f->has_range) continue;
        const plan_column *column = &scan->columns[f->column];
        const fn_type *base = fn_type_base(column->type);
        if (!fn_type_is_integer(base) && base->id != FN_T_DATE && base->id != FN_T_DATE32 && base->id != FN_T_DATETIME) continue;
        FN_TRY(compare_with(ctx, "greaterOrEquals", column, f->min, &out[*count]));
        FN_TRY(compare_with(ctx, "lessOrEquals", column, f->max, &out[*count + 1]));
        only_prunes[*count] = only_prunes[*count + 1] = f->bits != NULL;
        *count += 2;
    }
    return FN_OK;
}

uint32_t runtime_filter_tests(const exec *e, const plan *scan, scan_filter **out)
{
    uint32_t n = 0;
    for (runtime_filter *f = e->filters; f; f = f->next) {
        if (f->scan != scan || !f->ready || !f->bits) continue;
        f->head.cost = f->is_bitmap ? 1 : f->keys.coding == JOIN_HASHED ? 16 : 4;
        out[n++] = &f->head;
    }
    return n;
}

static void test_tags(const runtime_filter *f, const uint64_t *tags, uint32_t rows, uint8_t *mask)
{
    if (f->is_bitmap) {
        kern.bits_64(tags, rows, f->min, (uint32_t)(f->max - f->min), (const uint32_t *)(const void *)f->bits->data, mask);
        return;
    }
    const uint64_t *words = (const uint64_t *)(const void *)f->bits->data;
    for (uint32_t i = 0; i < rows; i++) {
        const uint64_t hash = hash_of(&f->keys, tags[i]), bits = bloom_bits(hash);
        mask[i] = (words[hash >> 24 & f->word_mask] & bits) == bits;
    }
}

/* By tags, whatever the keys are. */
static fn_status test_any(fn_ctx *ctx, const runtime_filter *f, fn_column *c, uint8_t *mask)
{
    uint64_t *tags = fn_arena_alloc(ctx, ctx->arena, ((size_t)c->rows + 1) * sizeof *tags), *words = NULL;
    uint8_t *skip = fn_arena_alloc(ctx, ctx->arena, (size_t)c->rows + 1);
    bool any_skip;
    if (!tags || !skip) return ctx->error.code;
    if (f->keys.coding == JOIN_PACKED_16) {
        words = fn_arena_alloc(ctx, ctx->arena, ((size_t)c->rows + 1) * 2 * sizeof *words);
        FN_TRY_PTR(ctx, words);
    }
    FN_TRY(join_keys_encode(ctx, &f->keys, &c, 0, c->rows, tags, words, skip, &any_skip));
    test_tags(f, tags, c->rows, mask);
    if (any_skip) kern.mask_and_not(mask, skip, c->rows);
    return FN_OK;
}

/* By entry of a small dictionary. */
static fn_status test_entries(fn_ctx *ctx, const runtime_filter *f, const fn_column *c, uint8_t *mask)
{
    uint8_t *entry = fn_arena_alloc(ctx, ctx->arena, (size_t)c->kids[0]->rows + FN_BUFFER_PAD);
    FN_TRY_PTR(ctx, entry);
    FN_TRY(test_any(ctx, f, c->kids[0], entry));
    for (uint32_t i = 0; i < c->rows; i++) mask[i] = entry[fn_column_code(c, i)];
    if (c->nulls) kern.mask_and_not(mask, c->nulls, c->rows);
    return FN_OK;
}

static fn_status test_column(scan_filter *self, fn_ctx *ctx, fn_column *c, uint8_t *mask, uint32_t *ones)
{
    runtime_filter *f = (runtime_filter *)self;
    if (f->is_bitmap && c->shape == FN_FLAT && !c->nulls && (c->type->phys == FN_PHYS_I32 || c->type->phys == FN_PHYS_U32))
        kern.bits_32(c->values, c->rows, (uint32_t)f->min, (uint32_t)(f->max - f->min), (const uint32_t *)(const void *)f->bits->data, mask);
    else FN_TRY(c->shape == FN_DICT && c->kids[0]->rows < c->rows / 2 ? test_entries(ctx, f, c, mask) : test_any(ctx, f, c, mask));
    *ones = (uint32_t)kern.mask_count(mask, c->rows);
    atomic_fetch_add_explicit(&f->tested, c->rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&f->passed, *ones, memory_order_relaxed);
    return FN_OK;
}

/* Has it shown that it does not pay? Judged after some blocks, for good. */
static bool pays(const scan_filter *self)
{
    enum { ROWS_TO_JUDGE = 1 << 18 };
    const runtime_filter *f = (const runtime_filter *)self;
    const uint64_t tested = atomic_load_explicit(&f->tested, memory_order_relaxed);
    return tested < ROWS_TO_JUDGE || atomic_load_explicit(&f->passed, memory_order_relaxed) * 10 < tested * 7;
}

fn_status runtime_filter_apply(fn_ctx *ctx, const exec *e, const plan *scan, fn_block **block)
{
    for (runtime_filter *f = e->filters; f && *block; f = f->next) {
        fn_block *in = *block;
        uint32_t kept = 0;
        if (f->scan != scan || !f->ready || !f->bits || !pays(&f->head)) continue;
        uint8_t *mask = fn_arena_alloc(ctx, ctx->arena, (size_t)in->rows + FN_BUFFER_PAD);
        FN_TRY_PTR(ctx, mask);
        FN_TRY(test_column(&f->head, ctx, in->columns[f->column], mask, &kept));
        if (kept == in->rows) continue;
        *block = kept ? fn_block_filter(ctx, in, mask, kept) : NULL;
        fn_block_drop(in);
        if (kept) FN_TRY_PTR(ctx, *block);
    }
    return FN_OK;
}
