/* sort_key.c - how key columns become codes; see sort_key.h for the idea.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/sort_key.h"

typedef struct number_range {
    uint64_t min, max;
    bool has_null, has_nan;
} number_range;

/* Signed: the sign bit flipped. Floats: negative ones inverted, others with the sign bit set; -0.0 is 0.0. */
static inline uint64_t ordered_f64(double v)
{
    const double plain = v == 0 ? 0 : v;
    uint64_t bits;
    memcpy(&bits, &plain, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}
static inline uint64_t ordered_f32(float v)
{
    const float plain = v == 0 ? 0 : v;
    uint32_t bits;
    memcpy(&bits, &plain, sizeof bits);
    return bits >> 31 ? (uint32_t)~bits : bits | (uint32_t)1 << 31;
}
#define UNSIGNED(v) ((uint64_t)(v))
#define SIGNED(v)   ((uint64_t)(int64_t)(v) ^ (uint64_t)1 << 63)

#define CODE_NAME(x) x##_u8
#define T uint8_t
#define ORDERED UNSIGNED
#define CODE_FLOAT 0
#include "exec/sort_code.inc"
#define CODE_NAME(x) x##_u16
#define T uint16_t
#define ORDERED UNSIGNED
#define CODE_FLOAT 0
#include "exec/sort_code.inc"
#define CODE_NAME(x) x##_u32
#define T uint32_t
#define ORDERED UNSIGNED
#define CODE_FLOAT 0
#include "exec/sort_code.inc"
#define CODE_NAME(x) x##_u64
#define T uint64_t
#define ORDERED UNSIGNED
#define CODE_FLOAT 0
#include "exec/sort_code.inc"
#define CODE_NAME(x) x##_i8
#define T int8_t
#define ORDERED SIGNED
#define CODE_FLOAT 0
#include "exec/sort_code.inc"
#define CODE_NAME(x) x##_i16
#define T int16_t
#define ORDERED SIGNED
#define CODE_FLOAT 0
#include "exec/sort_code.inc"
#define CODE_NAME(x) x##_i32
#define T int32_t
#define ORDERED SIGNED
#define CODE_FLOAT 0
#include "exec/sort_code.inc"
#define CODE_NAME(x) x##_i64
#define T int64_t
#define ORDERED SIGNED
#define CODE_FLOAT 0
#include "exec/sort_code.inc"
#define CODE_NAME(x) x##_f32
#define T float
#define ORDERED ordered_f32
#define CODE_FLOAT 1
#include "exec/sort_code.inc"
#define CODE_NAME(x) x##_f64
#define T double
#define ORDERED ordered_f64
#define CODE_FLOAT 1
#include "exec/sort_code.inc"

typedef struct number_class {
    void (*range)(const fn_column *c, size_t from, size_t to, number_range *r);
    void (*codes)(const key_part *p, size_t from, uint32_t n, uint64_t *out);
    void (*classes)(const key_part *p, size_t from, uint32_t n, uint64_t *out);
} number_class;
#define CLASS(x) {range_##x, codes_##x, classes_##x}
static const number_class number_classes[] = { /* by fn_phys; NULL where the values are no 64-bit numbers */
    [FN_PHYS_U8] = CLASS(u8), [FN_PHYS_U16] = CLASS(u16), [FN_PHYS_U32] = CLASS(u32), [FN_PHYS_U64] = CLASS(u64),
    [FN_PHYS_I8] = CLASS(i8), [FN_PHYS_I16] = CLASS(i16), [FN_PHYS_I32] = CLASS(i32), [FN_PHYS_I64] = CLASS(i64),
    [FN_PHYS_F32] = CLASS(f32), [FN_PHYS_F64] = CLASS(f64), [FN_PHYS_NOTHING] = {NULL, NULL, NULL},
};

/* ---- codes ---- */

static void rank_codes(const key_part *p, size_t from, uint32_t n, uint64_t *out)
{
    const fn_column *c = p->column;
    const uint32_t *ranks = (const uint32_t *)(const void *)p->ranks->data;
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t rank = ranks[fn_column_code(c, from + i)];
        out[i] = p->base + (p->descending ? p->range - rank : rank);
        if (c->nulls && c->nulls[from + i]) out[i] = p->null_code;
    }
}

static fn_u128 ordered_wide(const fn_column *c, size_t row)
{
    const bool is_signed = c->type->phys == FN_PHYS_I128 || c->type->phys == FN_PHYS_I256;
    fn_u128 v;
    if (c->type->width == 16) v = fn_load_u128(c->values + row * 16);
    else v = fn_load_u128(c->values + row * 32 + 16); /* the high half of 256 bits */
    return is_signed ? v ^ (fn_u128)1 << 127 : v;
}

static void wide_codes(const key_part *p, size_t from, uint32_t n, uint64_t *out)
{
    const uint8_t *nulls = p->column->nulls;
    for (uint32_t i = 0; i < n; i++) {
        if (nulls && nulls[from + i]) {
            out[i] = p->null_code;
            continue;
        }
        const uint64_t v = (uint64_t)((ordered_wide(p->column, from + i) - p->wide_min) >> p->shift);
        out[i] = p->base + (p->descending ? p->range - v : v);
    }
}

static uint64_t big_endian(const uint8_t *bytes, size_t size)
{
    uint64_t v;
    if (FN_LIKELY(size >= 8)) {
        memcpy(&v, bytes, 8);
        return __builtin_bswap64(v);
    }
    if (!size) return 0;
    memcpy(&v, bytes, 8); /* columns are padded */
    return __builtin_bswap64(v) & ~(uint64_t)0 << (64 - 8 * size);
}

static void bytes_codes(const key_part *p, size_t from, uint32_t n, uint64_t *out)
{
    const fn_column *c = p->column;
    const size_t width = c->type->width;
    for (uint32_t i = 0; i < n; i++) {
        if (c->nulls && c->nulls[from + i]) {
            out[i] = 0; /* a KEY_CLASS part has told it apart */
            continue;
        }
        const size_t row = from + i, start = c->offsets ? c->offsets[row] : row * width;
        const size_t size = c->offsets ? c->offsets[row + 1] - start : width;
        uint64_t v = big_endian(c->values + start + p->skip, size > p->skip ? size - p->skip : 0);
        if (p->ends) v = (v & ~(uint64_t)0xff) | (size - p->length_from);
        out[i] = p->descending ? ~v : v;
    }
}

static void class_codes(const key_part *p, size_t from, uint32_t n, uint64_t *out)
{
    const fn_phys phys = p->column->type->phys;
    if (p->column->shape == FN_FLAT && (phys == FN_PHYS_F32 || phys == FN_PHYS_F64)) {
        number_classes[phys].classes(p, from, n, out);
        return;
    }
    const uint8_t *nulls = p->column->nulls + from;
    for (uint32_t i = 0; i < n; i++) out[i] = nulls[i] ? p->null_code : p->base;
}

void sort_keys_codes(const key_part *p, size_t from, uint32_t n, uint64_t *codes)
{
    switch (p->kind) {
    case KEY_CLASS: class_codes(p, from, n, codes); return;
    case KEY_NUMBER: number_classes[p->column->type->phys].codes(p, from, n, codes); return;
    case KEY_RANK: rank_codes(p, from, n, codes); return;
    case KEY_WIDE: wide_codes(p, from, n, codes); return;
    case KEY_BYTES: bytes_codes(p, from, n, codes); return;
    }
}

/* ---- layout ---- */

static unsigned bits_of(uint64_t max)
{
    return max ? 64 - (unsigned)__builtin_clzll(max) : 0;
}

/* Puts the specials at their end of the codes 0..range; false when 64 bits do not hold them. */
static bool place_specials(key_part *p, bool has_null, bool has_nan, bool nulls_first)
{
    const uint64_t specials = (uint64_t)has_null + has_nan;
    if (p->range > UINT64_MAX - specials) return false;
    if (nulls_first) {
        p->base = specials;
        p->null_code = 0;
        p->nan_code = has_null;
    } else {
        p->base = 0;
        p->nan_code = p->range + 1;
        p->null_code = p->range + 1 + has_nan;
    }
    p->bits = bits_of(p->range + specials);
    return true;
}

/* Adds a part; false when there is no room, and nothing behind it is coded then. */
static bool add_part(sort_keys *k, const key_part *p)
{
    if (!p->bits) return true; /* the same for all rows */
    if (k->bits + p->bits > KEY_BITS_MAX || k->part_count == KEY_PARTS_MAX) return false;
    k->parts[k->part_count++] = *p;
    k->bits += p->bits;
    return true;
}

/* A part that only tells specials from values, in front of one that uses all its bits. */
static bool add_class(sort_keys *k, const sort_column *s, bool has_null, bool has_nan)
{
    if (!has_null && !has_nan) return true;
    key_part p = {.kind = KEY_CLASS, .column = s->column};
    (void)place_specials(&p, has_null, has_nan, s->nulls_first);
    return add_part(k, &p);
}

typedef struct range_job {
    const fn_column *column;
    uint32_t pieces, rows;
    number_range *ranges;
} range_job;

static fn_status range_piece(void *arg, fn_ctx *ctx, uint32_t index)
{
    (void)ctx;
    const range_job *job = arg;
    const size_t from = (size_t)job->rows * index / job->pieces, to = (size_t)job->rows * (index + 1) / job->pieces;
    number_classes[job->column->type->phys].range(job->column, from, to, &job->ranges[index]);
    return FN_OK;
}

enum { PIECES_MAX = 64, PIECE_ROWS = 65536 };

static fn_status add_number(fn_ctx *ctx, sort_keys *k, fn_pool *pool, unsigned workers, const sort_column *s, bool *fits)
{
    number_range ranges[PIECES_MAX] = {{0}}, all = {.min = UINT64_MAX};
    range_job job = {.column = s->column, .rows = k->rows, .ranges = ranges};
    job.pieces = FN_MAX(FN_MIN(FN_MIN(workers, (unsigned)PIECES_MAX), k->rows / PIECE_ROWS), 1u);
    FN_TRY(parallel_run(ctx, pool, range_piece, &job, job.pieces));
    for (uint32_t i = 0; i < job.pieces; i++) {
        all.min = FN_MIN(all.min, ranges[i].min);
        all.max = FN_MAX(all.max, ranges[i].max);
        all.has_null |= ranges[i].has_null;
        all.has_nan |= ranges[i].has_nan;
    }
    key_part p = {.kind = KEY_NUMBER, .column = s->column, .descending = s->descending, .min = all.min};
    if (all.min > all.max) p.min = 0; /* no values: all codes are specials */
    p.range = all.min > all.max ? 0 : all.max - all.min;
    if (!place_specials(&p, all.has_null, all.has_nan, s->nulls_first)) {
        p.bits = 64;
        p.base = p.null_code = p.nan_code = 0;
        *fits = add_class(k, s, all.has_null, all.has_nan) && add_part(k, &p);
        return FN_OK;
    }
    *fits = add_part(k, &p);
    return FN_OK;
}

/* Ranks of the entries of a dictionary, equal ones alike. */
static fn_status rank_entries(fn_ctx *ctx, const fn_column *dictionary, bool nulls_first, fn_buffer **out, uint64_t *top)
{
    const sort_column key = {dictionary, false, nulls_first};
    fn_buffer *order = NULL;
    FN_TRY(sort_rows(ctx, NULL, 1, &key, 1, dictionary->rows, &order));
    fn_buffer *ranks = fn_buffer_new(ctx, ((size_t)dictionary->rows + 1) * sizeof(uint32_t));
    if (ranks) {
        const uint32_t *rows = (const uint32_t *)(const void *)order->data;
        uint32_t *rank = (uint32_t *)(void *)ranks->data, r = 0;
        for (uint32_t i = 0; i < dictionary->rows; i++) {
            if (i && !fn_column_equal_at(dictionary, rows[i - 1], dictionary, rows[i])) r++;
            rank[rows[i]] = r;
        }
        *top = r;
    }
    fn_buffer_drop(order);
    *out = ranks;
    return ranks ? FN_OK : ctx->error.code;
}

static fn_status add_rank(fn_ctx *ctx, sort_keys *k, const sort_column *s, bool *fits)
{
    key_part p = {.kind = KEY_RANK, .column = s->column, .descending = s->descending};
    FN_TRY(rank_entries(ctx, s->column->kids[0], s->nulls_first != s->descending, &p.ranks, &p.range)); /* NaN among the entries */
    (void)place_specials(&p, s->column->nulls != NULL, false, s->nulls_first);
    const unsigned before = k->part_count;
    *fits = add_part(k, &p);
    if (k->part_count == before) fn_buffer_drop(p.ranks);
    return FN_OK;
}

static bool any_null(const sort_keys *k, const fn_column *c)
{
    return c->nulls && memchr(c->nulls, 1, k->rows) != NULL;
}

static bool add_wide(sort_keys *k, const sort_column *s)
{
    const fn_column *c = s->column;
    fn_u128 min = ~(fn_u128)0, max = 0;
    for (uint32_t i = 0; i < k->rows; i++) {
        if (c->nulls && c->nulls[i]) continue;
        const fn_u128 v = ordered_wide(c, i);
        min = v < min ? v : min;
        max = v > max ? v : max;
    }
    if (min > max) min = max = 0;
    key_part p = {.kind = KEY_WIDE, .column = c, .descending = s->descending, .wide_min = min};
    while ((max - min) >> p.shift >> 63) p.shift++; /* 63 bits leave room for the specials */
    p.range = (uint64_t)((max - min) >> p.shift);
    (void)place_specials(&p, any_null(k, c), false, s->nulls_first);
    return add_part(k, &p) && p.shift == 0 && c->type->width == 16;
}

/* Bytes all rows share at their beginning, and the longest row. */
static void look_at_bytes(const sort_keys *k, const fn_column *c, uint32_t *shared, uint32_t *longest)
{
    const uint8_t *first = NULL;
    *shared = *longest = 0;
    for (uint32_t i = 0; i < k->rows; i++) {
        if (c->nulls && c->nulls[i]) continue;
        const size_t start = c->offsets ? c->offsets[i] : (size_t)i * c->type->width;
        const uint32_t size = c->offsets ? c->offsets[i + 1] - c->offsets[i] : c->type->width;
        if (!first) {
            first = c->values + start;
            *shared = size;
        }
        uint32_t same = 0;
        const uint32_t most = FN_MIN(*shared, size);
        while (same < most && first[same] == c->values[start + same]) same++;
        *shared = same;
        *longest = FN_MAX(*longest, size);
    }
}

static bool add_bytes(sort_keys *k, const sort_column *s)
{
    const fn_column *c = s->column;
    uint32_t shared, longest;
    look_at_bytes(k, c, &shared, &longest);
    if (!add_class(k, s, any_null(k, c), false)) return false;
    key_part p = {.kind = KEY_BYTES, .column = c, .descending = s->descending, .bits = 64, .skip = shared, .length_from = shared};
    if (longest == shared && (c->type->phys == FN_PHYS_FIXED || !k->rows)) return true;
    for (;; p.skip += 8) {
        p.ends = longest - p.skip <= 7; /* the eighth byte holds the length */
        if (!add_part(k, &p)) return false;
        if (p.ends || (c->type->phys == FN_PHYS_FIXED && longest - p.skip <= 8)) return true;
    }
}

static fn_status add_column(fn_ctx *ctx, sort_keys *k, fn_pool *pool, unsigned workers, const sort_column *s, bool *fits)
{
    const fn_column *c = s->column;
    *fits = false;
    if (c->shape == FN_DICT) return add_rank(ctx, k, s, fits);
    switch (c->type->phys) {
    case FN_PHYS_U8: case FN_PHYS_U16: case FN_PHYS_U32: case FN_PHYS_U64: case FN_PHYS_I8: case FN_PHYS_I16: case FN_PHYS_I32:
    case FN_PHYS_I64: case FN_PHYS_F32: case FN_PHYS_F64: return add_number(ctx, k, pool, workers, s, fits);
    case FN_PHYS_U128: case FN_PHYS_I128: case FN_PHYS_U256: case FN_PHYS_I256: *fits = add_wide(k, s); return FN_OK;
    case FN_PHYS_FIXED: case FN_PHYS_STRING: *fits = add_bytes(k, s); return FN_OK;
    case FN_PHYS_NOTHING: *fits = true; return FN_OK;
    case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: return FN_OK; /* compared */
    }
    return FN_OK;
}

/* Puts a key's column, or a tuple's fields in its place, behind the others. */
static fn_status push_column(fn_ctx *ctx, sort_keys *k, const sort_column *s)
{
    const fn_column *c = s->column;
    if (c->shape == FN_CONST) return FN_OK; /* does not order anything */
    if (c->type->phys == FN_PHYS_TUPLE && c->shape == FN_FLAT && !c->nulls) {
        for (unsigned i = 0; i < c->kid_count; i++) FN_TRY(push_column(ctx, k, &(sort_column){c->kids[i], s->descending, s->nulls_first}));
        return FN_OK;
    }
    if (k->column_count == k->column_room) {
        const uint32_t room = k->column_room ? k->column_room * 2 : 8;
        sort_column *more = fn_realloc(ctx, k->columns, room * sizeof *more);
        FN_TRY_PTR(ctx, more);
        k->columns = more;
        k->column_room = room;
    }
    const bool small = c->shape == FN_DICT && c->kids[0]->rows <= FN_MAX(c->rows, 1024u) && c->type->phys != FN_PHYS_TUPLE;
    const fn_column *kept = small ? fn_column_ref(c) : fn_column_flatten(ctx, c);
    FN_TRY_PTR(ctx, kept);
    k->columns[k->column_count++] = (sort_column){kept, s->descending, s->nulls_first};
    return FN_OK;
}

fn_status sort_keys_init(fn_ctx *ctx, sort_keys *k, fn_pool *pool, unsigned workers, const sort_column *keys, uint32_t key_count, uint32_t rows)
{
    *k = (sort_keys){.rows = rows};
    for (uint32_t i = 0; i < key_count; i++) FN_TRY(push_column(ctx, k, &keys[i]));
    for (k->tie_from = 0; k->tie_from < k->column_count; k->tie_from++) {
        bool fits;
        FN_TRY(add_column(ctx, k, pool, workers, &k->columns[k->tie_from], &fits));
        if (!fits) break;
    }
    return FN_OK;
}

static void drop_column(const fn_column *c)
{
    fn_column_drop((fn_column *)(uintptr_t)c); /* the reference taken in push_column */
}

void sort_keys_release(sort_keys *k)
{
    for (uint32_t i = 0; i < k->column_count; i++) drop_column(k->columns[i].column);
    for (unsigned i = 0; i < k->part_count; i++) fn_buffer_drop(k->parts[i].ranks);
    fn_free(k->columns);
    *k = (sort_keys){0};
}

int sort_compare(const sort_column *a, size_t row_a, const sort_column *b, size_t row_b, uint32_t key_count)
{
    for (uint32_t i = 0; i < key_count; i++) {
        const bool descending = a[i].descending;
        /* Reversed later, so NULLs that shall come last must compare as first. */
        const int order = fn_column_compare(a[i].column, row_a, b[i].column, row_b, a[i].nulls_first == descending);
        if (order) return descending ? -order : order;
    }
    return 0;
}
