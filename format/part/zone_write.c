/* zone_write.c - see zone_write.h. Numbers up to 64 bits go through the kernels; strings compare by 8-byte prefixes first.
 * Source of the estimate: Flajolet et al., HyperLogLog, 2007, with linear counting for small sets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/zone_write.h"
#include <firn/wide.h>
#include <math.h>

enum { BOUND_BYTES = 32 }; /* strings are cut there */

fn_status zones_init(fn_ctx *ctx, zone_writer *z, const part_node *root)
{
    *z = (zone_writer){.has_range = part_has_range(root->base), .has_sum = part_has_sum(root->base), .exact = true};
    if (!z->has_range) return FN_OK;
    FN_TRY(fn_builder_init(ctx, &z->min, root->base));
    return fn_builder_init(ctx, &z->max, root->base);
}

void zones_release(zone_writer *z)
{
    fn_builder_release(&z->min);
    fn_builder_release(&z->max);
    fn_buf_release(&z->valid);
    fn_buf_release(&z->nulls);
    fn_buf_release(&z->defaults);
    fn_buf_release(&z->sums);
    fn_buf_release(&z->there);
}

static void sketch_add(zone_writer *z, uint64_t hash)
{
    const uint64_t rest = hash << SKETCH_BITS | (uint64_t)1 << (SKETCH_BITS - 1);
    const uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    uint8_t *at = &z->sketch[hash >> (64 - SKETCH_BITS)];
    if (rank > *at) *at = rank;
}

/* What one granule is found to be. */
typedef struct granule {
    const uint8_t *nulls; /* rows of them, or NULL: none is */
    uint32_t first, rows, null_count, defaults;
    bool valid;
    fn_i128 sum;
} granule;

/* ---- numbers up to 64 bits ---- */

static uint32_t drop_nulls(const granule *g, int64_t *v)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->rows; i++) {
        v[n] = v[i];
        n += !g->nulls[i];
    }
    return n;
}

/* Integers up to 64 bits: as they lie, or without NULLs as 64-bit ones. */
typedef struct integers {
    const uint8_t *values;
    uint32_t count;
    unsigned width;
    bool is_signed;
    int64_t min, max;
} integers;

static void find_range(integers *v, const enc_look *look)
{
    v->min = look->min[0];
    v->max = look->max[0];
    for (uint32_t i = 1; i * PACK_ROWS < v->count; i++) {
        v->min = FN_MIN(v->min, look->min[i]);
        v->max = FN_MAX(v->max, look->max[i]);
    }
}

/* Small numbers add up without care; others have 8 bytes. */
static fn_i128 sum_of(const integers *v, const enc_look *look, bool is_signed)
{
    const int64_t safe = INT64_MAX / FN_GRANULE_ROWS;
    if (v->min >= -safe && v->max <= safe && (is_signed || v->min >= 0)) return look->sum;
    uint64_t low = 0;
    int64_t high = 0;
    for (uint32_t i = 0; i < v->count; i++) {
        const int64_t one = fn_load_i64(v->values + (size_t)i * sizeof one);
        low += (uint32_t)one;
        high += is_signed ? one >> 32 : (int64_t)((uint64_t)one >> 32);
    }
    return (fn_i128)high * ((fn_i128)1 << 32) + (fn_i128)low;
}

/* there[k]: min + k is one of the values, all of which are less than min + FN_GRANULE_ROWS. */
#define MARK(T)                                                                                    \
    do {                                                                                           \
        for (uint32_t i = 0; i < v->count; i++) {                                                  \
            T one;                                                                                 \
            memcpy(&one, v->values + (size_t)i * sizeof one, sizeof one);                          \
            there[(T)(one - (T)v->min)] = 1;                                                       \
        }                                                                                          \
    } while (0)
static void mark(const integers *v, uint8_t *there)
{
    if (v->width == 8) MARK(uint64_t);
    else if (v->width == 4) MARK(uint32_t);
    else if (v->width == 2) MARK(uint16_t);
    else MARK(uint8_t);
}
#undef MARK

static void sketch_marked(zone_writer *z, const integers *v)
{
    uint8_t there[FN_GRANULE_ROWS] = {0};
    mark(v, there);
    for (uint32_t at = 0; at < FN_GRANULE_ROWS; at += sizeof(uint64_t)) {
        if (fn_load_u64(there + at) == 0) continue;
        for (uint32_t i = at; i < at + sizeof(uint64_t); i++)
            if (there[i]) sketch_add(z, fn_hash_u64((uint64_t)v->min + i));
    }
}

static void sketch_few(zone_writer *z, const integers *v)
{
    uint32_t marks = v->min == v->max;
    for (uint32_t i = 0; i < v->count && v->min != v->max; i += PACK_ROWS)
        marks |= pack_kernels_get()->marks(v->values + (size_t)i * v->width, FN_MIN(v->count - i, (uint32_t)PACK_ROWS), v->width, v->is_signed, v->min);
    for (; marks; marks &= marks - 1) sketch_add(z, fn_hash_u64((uint64_t)v->min + (unsigned)__builtin_ctz(marks)));
}

/* Values close together are marked first, in the bits of a word or by a store a row, and hashed once each. */
static void sketch_numbers(zone_writer *z, const integers *v)
{
    enum { FEW = 32 };
    const uint64_t span = (uint64_t)v->max - (uint64_t)v->min;
    if (span < FEW) {
        sketch_few(z, v);
    } else if (span < FN_GRANULE_ROWS) {
        sketch_marked(z, v);
    } else {
        int64_t wide[FN_GRANULE_ROWS];
        pack_kernels_get()->widen(v->values, v->count, v->width, v->is_signed, wide);
        for (uint32_t i = 0; i < v->count; i++)
            if (i == 0 || wide[i] != wide[i - 1]) sketch_add(z, fn_hash_u64((uint64_t)wide[i]));
    }
}

static void find_unsigned_range(integers *v)
{
    uint64_t min = UINT64_MAX, max = 0;
    for (uint32_t i = 0; i < v->count; i++) {
        const uint64_t one = fn_load_u64(v->values + (size_t)i * sizeof one);
        min = FN_MIN(min, one);
        max = FN_MAX(max, one);
    }
    v->min = (int64_t)min;
    v->max = (int64_t)max;
}

static fn_status add_numbers(fn_ctx *ctx, zone_writer *z, const stream *s, granule *g, integers *v, const enc_look *look)
{
    g->defaults = look->zeros;
    g->valid = true;
    find_range(v, look);
    if (z->has_sum) g->sum = sum_of(v, look, s->kind == ENC_SIGNED);
    sketch_numbers(z, v);
    if (s->kind == ENC_UNSIGNED && s->width == 8 && v->min < 0) find_unsigned_range(v); /* signed order is not theirs */
    FN_TRY(fn_builder_fixed(ctx, &z->min, &v->min));
    return fn_builder_fixed(ctx, &z->max, &v->max);
}

/* The look at the values is kept for their encoding. */
static fn_status add_integers(fn_ctx *ctx, zone_writer *z, stream *s, granule *g)
{
    integers v = {.values = (const uint8_t *)s->values.data + (size_t)g->first * s->width, .count = g->rows, .width = s->width, .is_signed = s->kind == ENC_SIGNED};
    enc_look look = {0};
    enc_look_at(v.values, v.count, v.width, v.is_signed, &look);
    FN_TRY(fn_buf_append(ctx, &s->looks, &look, sizeof look));
    if (!g->nulls) return add_numbers(ctx, z, s, g, &v, &look);
    int64_t some[FN_GRANULE_ROWS];
    pack_kernels_get()->widen(v.values, v.count, v.width, v.is_signed, some);
    v = (integers){.values = (const uint8_t *)some, .count = drop_nulls(g, some), .width = sizeof *some, .is_signed = true};
    if (v.count == 0) return FN_OK;
    enc_look_at(v.values, v.count, v.width, v.is_signed, &look);
    return add_numbers(ctx, z, s, g, &v, &look);
}

static fn_status add_floats(fn_ctx *ctx, zone_writer *z, const stream *s, granule *g)
{
    double min = HUGE_VAL, max = -HUGE_VAL;
    const uint8_t *p = (const uint8_t *)s->values.data + (size_t)g->first * s->width;
    uint32_t numbers = 0;
    for (uint32_t i = 0; i < g->rows; i++, p += s->width) {
        if (g->nulls && g->nulls[i]) continue;
        const double v = s->width == 8 ? fn_load_f64(p) : (double)fn_load_f32(p);
        sketch_add(z, fn_hash_u64(s->width == 8 ? fn_load_u64(p) : fn_load_u32(p)));
        if (v != v) continue;
        numbers++;
        g->defaults += v == 0;
        min = v < min ? v : min;
        max = v > max ? v : max;
    }
    g->valid = numbers > 0;
    if (!g->valid) return FN_OK;
    const float low = (float)min, high = (float)max;
    FN_TRY(fn_builder_fixed(ctx, &z->min, s->width == 8 ? (const void *)&min : &low));
    return fn_builder_fixed(ctx, &z->max, s->width == 8 ? (const void *)&max : &high);
}

/* ---- wide integers, fixed strings ---- */

static int compare_wide(const fn_type *base, const uint8_t *a, const uint8_t *b)
{
    switch (base->phys) {
    case FN_PHYS_U128: return (fn_load_u128(a) > fn_load_u128(b)) - (fn_load_u128(a) < fn_load_u128(b));
    case FN_PHYS_I128: return (fn_load_i128(a) > fn_load_i128(b)) - (fn_load_i128(a) < fn_load_i128(b));
    case FN_PHYS_U256: return fn_i256_compare(fn_load_i256(a), fn_load_i256(b), false);
    case FN_PHYS_I256: return fn_i256_compare(fn_load_i256(a), fn_load_i256(b), true);
    case FN_PHYS_U8: case FN_PHYS_U16: case FN_PHYS_U32: case FN_PHYS_U64: case FN_PHYS_I8: case FN_PHYS_I16: case FN_PHYS_I32: case FN_PHYS_I64:
    case FN_PHYS_F32: case FN_PHYS_F64: case FN_PHYS_FIXED: case FN_PHYS_STRING: case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    return memcmp(a, b, base->width);
}

static bool all_zero(const uint8_t *p, size_t size)
{
    return size == 0 || (p[0] == 0 && memcmp(p, p + 1, size - 1) == 0);
}

static fn_status add_wide(fn_ctx *ctx, zone_writer *z, const part_node *root, const stream *s, granule *g)
{
    const uint8_t *min = NULL, *max = NULL, *p = (const uint8_t *)s->values.data + (size_t)g->first * s->width;
    for (uint32_t i = 0; i < g->rows; i++, p += s->width) {
        if (g->nulls && g->nulls[i]) continue;
        sketch_add(z, fn_hash_bytes(p, s->width, 0));
        g->defaults += all_zero(p, s->width);
        if (!z->has_range) continue;
        if (!min || compare_wide(root->base, p, min) < 0) min = p;
        if (!max || compare_wide(root->base, p, max) > 0) max = p;
    }
    g->valid = min != NULL;
    if (!g->valid) return FN_OK;
    fn_status status = root->base->phys == FN_PHYS_FIXED ? fn_builder_str(ctx, &z->min, (fn_str){(const char *)min, s->width}) : fn_builder_fixed(ctx, &z->min, min);
    if (status == FN_OK)
        status = root->base->phys == FN_PHYS_FIXED ? fn_builder_str(ctx, &z->max, (fn_str){(const char *)max, s->width}) : fn_builder_fixed(ctx, &z->max, max);
    return status;
}

/* ---- strings ---- */

typedef struct text_range {
    bool any;
    fn_str min, max;
    uint64_t min_prefix, max_prefix;
} text_range;

static void widen_range(text_range *r, fn_str s, uint64_t prefix)
{
    if (!r->any || prefix < r->min_prefix || (prefix == r->min_prefix && fn_str_compare(s, r->min) < 0)) {
        r->min = s;
        r->min_prefix = prefix;
    }
    if (!r->any || prefix > r->max_prefix || (prefix == r->max_prefix && fn_str_compare(s, r->max) > 0)) {
        r->max = s;
        r->max_prefix = prefix;
    }
    r->any = true;
}

static fn_status add_bounds(fn_ctx *ctx, zone_writer *z, const text_range *r)
{
    fn_str min = r->min, max = r->max;
    if (min.size > BOUND_BYTES) {
        min.size = BOUND_BYTES;
        z->exact = false;
    }
    FN_TRY(fn_builder_str(ctx, &z->min, min));
    if (max.size <= BOUND_BYTES) return fn_builder_str(ctx, &z->max, max);
    z->exact = false;
    size_t size = BOUND_BYTES; /* rounded up: the last byte that can grow does; if none can, a longer prefix is kept */
    while (size > 0 && (uint8_t)max.data[size - 1] == 0xff) size--;
    if (size == 0) return fn_builder_str(ctx, &z->max, max);
    char bound[BOUND_BYTES];
    memcpy(bound, max.data, size);
    bound[size - 1] = (char)((uint8_t)bound[size - 1] + 1);
    return fn_builder_str(ctx, &z->max, (fn_str){bound, size});
}

/* Codes of a dictionary in byte order stand as their strings do. */
static fn_status add_ranks(fn_ctx *ctx, zone_writer *z, const stream *s, granule *g)
{
    int64_t some[FN_GRANULE_ROWS];
    integers v = {.values = (const uint8_t *)s->codes.data + (size_t)g->first * sizeof(uint32_t), .count = g->rows, .width = sizeof(uint32_t)};
    if (g->nulls) {
        pack_kernels_get()->widen(v.values, v.count, v.width, false, some);
        v = (integers){.values = (const uint8_t *)some, .count = drop_nulls(g, some), .width = sizeof *some, .is_signed = true};
    }
    g->valid = v.count > 0 && z->has_range;
    if (v.count == 0) return FN_OK;
    enc_look look;
    enc_look_at(v.values, v.count, v.width, v.is_signed, &look);
    find_range(&v, &look);
    if (s->dict->empty == 0) g->defaults = look.zeros;
    const text_range r = {.any = true, .min = text_dict_at(s->dict, (uint32_t)v.min), .max = text_dict_at(s->dict, (uint32_t)v.max)};
    return g->valid ? add_bounds(ctx, z, &r) : FN_OK;
}

/* A mark for each entry that the granule has. */
static void mark_entries(const stream *s, granule *g, uint8_t *there)
{
    const uint32_t *codes = (const uint32_t *)(const void *)s->codes.data + g->first, empty = s->dict->empty;
    if (g->nulls) {
        for (uint32_t i = 0; i < g->rows; i++)
            if (!g->nulls[i]) there[codes[i]] = 1;
    } else {
        for (uint32_t i = 0; i < g->rows; i++) there[codes[i]] = 1;
    }
    if (empty == DICT_NONE || !there[empty]) return;
    for (uint32_t i = 0; i < g->rows; i++) g->defaults += codes[i] == empty;
    for (uint32_t i = 0; i < g->rows && g->nulls; i++) g->defaults -= g->nulls[i] && codes[i] == empty;
}

/* Strings are compared once each, and in the order they lie in. */
static fn_status add_entries(fn_ctx *ctx, zone_writer *z, const stream *s, granule *g, text_range *r)
{
    const text_dict *d = s->dict;
    const size_t size = fn_round_up(d->entries + 1u, sizeof(uint64_t));
    z->there.size = 0;
    FN_TRY(fn_buf_reserve(ctx, &z->there, size));
    uint8_t *there = (uint8_t *)z->there.data;
    memset(there, 0, size);
    mark_entries(s, g, there);
    for (uint32_t at = 0; at < d->entries; at += sizeof(uint64_t)) {
        for (uint64_t marks = fn_load_u64(there + at); marks; marks &= marks - 1) {
            const uint32_t code = at + (unsigned)__builtin_ctzll(marks) / 8;
            widen_range(r, text_dict_at(d, code), fn_load_u64(d->prefixes.data + code * sizeof(uint64_t)));
        }
    }
    return FN_OK;
}

static fn_status add_codes(fn_ctx *ctx, zone_writer *z, const stream *s, granule *g, text_range *r)
{
    enum { ENTRIES_PER_ROW = 64 }; /* beyond that going through all marks is the longer way */
    const text_dict *d = s->dict;
    if (d->entries / ENTRIES_PER_ROW <= g->rows) return add_entries(ctx, z, s, g, r);
    const uint32_t *codes = (const uint32_t *)(const void *)s->codes.data + g->first;
    uint32_t last = DICT_NONE;
    for (uint32_t i = 0; i < g->rows; i++) {
        if (g->nulls && g->nulls[i]) continue;
        g->defaults += codes[i] == d->empty;
        if (codes[i] == last) continue;
        last = codes[i];
        widen_range(r, text_dict_at(d, last), fn_load_u64(d->prefixes.data + last * sizeof(uint64_t)));
    }
    return FN_OK;
}

static fn_status add_text(fn_ctx *ctx, zone_writer *z, const stream *s, granule *g)
{
    text_range r = {0};
    if (s->dict_alive && s->dict_sorted == s->dict->entries) return add_ranks(ctx, z, s, g);
    if (s->dict_alive) {
        FN_TRY(add_codes(ctx, z, s, g, &r));
    } else {
        for (uint32_t i = 0; i < g->rows; i++) {
            const uint32_t length = fn_load_u32(s->lengths.data + (size_t)(g->first + i) * sizeof length);
            const fn_str text = {s->values.data + z->text_at, length};
            z->text_at += length;
            if (g->nulls && g->nulls[i]) continue;
            sketch_add(z, fn_hash_bytes(text.data, text.size, 0));
            g->defaults += length == 0;
            widen_range(&r, text, text_prefix(text));
        }
    }
    g->valid = r.any && z->has_range;
    return g->valid ? add_bounds(ctx, z, &r) : FN_OK;
}

/* ---- a granule ---- */

static fn_status add_values(fn_ctx *ctx, zone_writer *z, const column_streams *c, granule *g)
{
    stream *s = &c->streams[c->root.value_stream];
    switch (c->root.kind) {
    case NODE_TEXT: return add_text(ctx, z, s, g);
    case NODE_ARRAY:
        for (uint32_t i = 0; i < g->rows; i++) g->defaults += fn_load_u32(s->values.data + (size_t)(g->first + i) * sizeof(uint32_t)) == 0;
        return FN_OK;
    case NODE_TUPLE:
    case NODE_NOTHING: return FN_OK;
    case NODE_FIXED: break;
    }
    if (s->kind == ENC_FLOAT) return add_floats(ctx, z, s, g);
    if (s->width <= 8 && s->kind != ENC_OPAQUE && z->has_range) return add_integers(ctx, z, s, g);
    return add_wide(ctx, z, &c->root, s, g);
}

fn_status zones_add(fn_ctx *ctx, zone_writer *z, const column_streams *c, uint32_t first, uint32_t rows)
{
    granule g = {.first = first, .rows = rows};
    if (first == 0) z->text_at = 0;
    if (c->root.nullable) {
        const uint8_t *nulls = (const uint8_t *)c->streams[c->root.null_stream].values.data + first;
        for (uint32_t i = 0; i < rows; i++) g.null_count += nulls[i];
        if (g.null_count) g.nulls = nulls;
    }
    FN_TRY(add_values(ctx, z, c, &g));
    if (z->has_range && !g.valid) {
        static const uint8_t zeros[64];
        const bool text = c->root.base->phys == FN_PHYS_STRING || c->root.base->phys == FN_PHYS_FIXED;
        FN_TRY(text ? fn_builder_str(ctx, &z->min, FN_STR("")) : fn_builder_fixed(ctx, &z->min, zeros));
        FN_TRY(text ? fn_builder_str(ctx, &z->max, FN_STR("")) : fn_builder_fixed(ctx, &z->max, zeros));
    }
    FN_TRY(fn_buf_byte(ctx, &z->valid, g.valid));
    FN_TRY(fn_buf_append(ctx, &z->nulls, &g.null_count, sizeof g.null_count));
    FN_TRY(fn_buf_append(ctx, &z->defaults, &g.defaults, sizeof g.defaults));
    return z->has_sum ? fn_buf_append(ctx, &z->sums, &g.sum, sizeof g.sum) : FN_OK;
}

static fn_status save_builder(fn_ctx *ctx, fn_builder *b, fn_buf *out)
{
    fn_column *column;
    FN_TRY(fn_builder_finish(ctx, b, &column));
    const fn_status status = part_column_save(ctx, column, out);
    fn_column_drop(column);
    return status;
}

fn_status zones_finish(fn_ctx *ctx, zone_writer *z, fn_buf *out)
{
    FN_TRY(fn_buf_append(ctx, out, z->valid.data, z->valid.size));
    FN_TRY(fn_buf_append(ctx, out, z->nulls.data, z->nulls.size));
    FN_TRY(fn_buf_append(ctx, out, z->defaults.data, z->defaults.size));
    FN_TRY(fn_buf_byte(ctx, out, z->exact));
    if (z->has_range) {
        FN_TRY(save_builder(ctx, &z->min, out));
        FN_TRY(save_builder(ctx, &z->max, out));
    }
    return fn_buf_append(ctx, out, z->sums.data, z->sums.size);
}

uint64_t zones_distinct(zone_writer *z, const column_streams *c)
{
    if (c->root.kind == NODE_ARRAY || c->root.kind == NODE_TUPLE || c->root.kind == NODE_NOTHING) return 0;
    if (c->root.kind == NODE_TEXT) {
        const stream *s = &c->streams[c->root.value_stream];
        if (s->dict_alive) return s->dict->entries - text_dict_unused(s->dict);
        for (uint32_t i = 0; i < s->dict->entries; i++) {
            const fn_str text = text_dict_at(s->dict, i);
            sketch_add(z, fn_hash_bytes(text.data, text.size, 0));
        }
    }
    double sum = 0;
    unsigned empty = 0;
    for (unsigned i = 0; i < SKETCH_SIZE; i++) {
        sum += ldexp(1.0, -(int)z->sketch[i]);
        empty += z->sketch[i] == 0;
    }
    const double size = SKETCH_SIZE, estimate = 0.7213 / (1 + 1.079 / size) * size * size / sum;
    if (empty && estimate <= 2.5 * size) return (uint64_t)(size * log(size / empty) + 0.5);
    return (uint64_t)(estimate + 0.5);
}
