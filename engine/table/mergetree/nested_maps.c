/* nested_maps.c - SummingMergeTree: a Nested column whose name ends in Map holds maps, one array per part of the key and per value.
 *
 * As in ClickHouse, the first array and those whose names end in ID, Key or Type are the key, the others are values. Where the key is
 * one array, all rows of a group are summed by key, and keys with zeros alone go. Of a composite key a row that is alone in its group stays
 * as it is, and a key goes where adding to it gives zeros alone. Keys come out in ascending order. A Nested column with a key that is
 * neither integer nor string, or a value that is no number, keeps the group's first row, as one without values does unless its
 * key is composite. Sums wrap at 64 bits, and at the width of wider types; whether they are zero is seen before they are cut to the value's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/nested_maps.h"
#include "table/mergetree/aggregate_rows.h"
#include <firn/wide.h>
#include <stdlib.h>

typedef struct nested_map {
    uint32_t *keys, *values; /* places in the block */
    uint32_t key_count, value_count;
} nested_map;

/* "aMap" of "aMap.key"; empty: no part of a nested map. */
static fn_str map_name(fn_str column)
{
    const char *dot = memchr(column.data, '.', column.size);
    const fn_str name = {column.data, dot ? (size_t)(dot - column.data) : 0};
    return fn_str_ends(name, FN_STR("Map")) ? name : (fn_str){NULL, 0};
}

static bool is_key_type(const fn_type *t)
{
    t = fn_type_strip_low_cardinality(t);
    switch (t->phys) {
    case FN_PHYS_U8: case FN_PHYS_I8: case FN_PHYS_U16: case FN_PHYS_I16: case FN_PHYS_U32: case FN_PHYS_I32: case FN_PHYS_U64: case FN_PHYS_I64:
    case FN_PHYS_U128: case FN_PHYS_I128: case FN_PHYS_U256: case FN_PHYS_I256:
        return t->id != FN_T_NULLABLE && t->id != FN_T_DECIMAL && t->id != FN_T_DATETIME64 && t->id != FN_T_TIME64;
    case FN_PHYS_STRING: case FN_PHYS_FIXED: return t->id == FN_T_STRING || t->id == FN_T_FIXED_STRING;
    case FN_PHYS_F32: case FN_PHYS_F64: case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    return false;
}

static bool is_key_name(fn_str column)
{
    return fn_str_ends(column, FN_STR("ID")) || fn_str_ends(column, FN_STR("Key")) || fn_str_ends(column, FN_STR("Type"));
}

/* The map that begins with the block's column `first`; no keys: none does. */
static fn_status find_map(fn_ctx *ctx, const mt_shape *shape, const uint32_t *columns, uint32_t count, uint32_t first, nested_map *out)
{
    const table_column *schema = shape->schema->columns;
    const fn_str name = map_name(schema[columns[first]].name);
    *out = (nested_map){.keys = FN_NEW_ARRAY(ctx, uint32_t, count), .values = FN_NEW_ARRAY(ctx, uint32_t, count)};
    if (!out->keys || !out->values) return ctx->error.code;
    bool fits = name.size > 0;
    for (uint32_t i = 0; i < count && fits; i++) {
        const table_column *c = &schema[columns[i]];
        if (c->type->id != FN_T_ARRAY || !fn_str_eq(map_name(c->name), name)) continue;
        const fn_type *item = c->type->args[0];
        const bool key = i == first || is_key_name(c->name);
        fits = i >= first && !mt_is_simple_aggregate(c->type) && !mt_is_in_keys(ctx, shape, columns[i]) && (key ? is_key_type(item) : fn_type_is_number(fn_type_base(item)));
        if (key) out->keys[out->key_count++] = i;
        else out->values[out->value_count++] = i;
    }
    if (!fits || (out->value_count == 0 && out->key_count < 2)) out->key_count = 0;
    return FN_OK;
}

/* ---- one map ---- */

typedef struct map_sum { /* of one value of one key */
    fn_i256 whole;       /* its words behind the type's width, 8 bytes at least, do not count */
    double real;
    bool any;            /* a value that is not NULL */
} map_sum;

typedef struct summing {
    const nested_map *map;
    fn_column **arrays;    /* FLAT: keys, then values */
    fn_builder *builders;  /* of the result, in the same order */
    const fn_type **types; /* of values, bare */
    map_sum *sums;         /* one per value */
    bool composite;
} summing;

static const fn_column *items(const summing *s, uint32_t array)
{
    return s->arrays[array]->kids[0];
}

static int compare_keys(const void *a, const void *b, void *self)
{
    const summing *s = self;
    const uint32_t x = fn_load_u32(a), y = fn_load_u32(b);
    for (uint32_t k = 0; k < s->map->key_count; k++) {
        const int order = fn_column_compare(items(s, k), x, items(s, k), y, true);
        if (order) return order;
    }
    return 0;
}

static int compare_stable(const void *a, const void *b, void *self)
{
    const int order = compare_keys(a, b, self);
    return order ? order : (fn_load_u32(a) > fn_load_u32(b)) - (fn_load_u32(a) < fn_load_u32(b));
}

static fn_i256 whole_at(const fn_type *t, const uint8_t *p)
{
    switch (t->phys) {
    case FN_PHYS_U8: return fn_i256_from_u64(*p);
    case FN_PHYS_I8: return fn_i256_from_i64((int8_t)*p);
    case FN_PHYS_U16: return fn_i256_from_u64(fn_load_u16(p));
    case FN_PHYS_I16: return fn_i256_from_i64(fn_load_i16(p));
    case FN_PHYS_U32: return fn_i256_from_u64(fn_load_u32(p));
    case FN_PHYS_I32: return fn_i256_from_i64(fn_load_i32(p));
    case FN_PHYS_U64: return fn_i256_from_u64(fn_load_u64(p));
    case FN_PHYS_I64: return fn_i256_from_i64(fn_load_i64(p));
    case FN_PHYS_U128: return fn_i256_from_u128(fn_load_u128(p));
    case FN_PHYS_I128: return fn_i256_from_i128(fn_load_i128(p));
    case FN_PHYS_U256: case FN_PHYS_I256: return fn_load_i256(p);
    case FN_PHYS_F32: case FN_PHYS_F64: case FN_PHYS_FIXED: case FN_PHYS_STRING: case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    FN_IMPOSSIBLE("sum of a type that is no number");
}

static bool is_real(const fn_type *t)
{
    return t->phys == FN_PHYS_F32 || t->phys == FN_PHYS_F64;
}

static bool is_zero_sum(const fn_type *t, const map_sum *sum)
{
    if (is_real(t)) return sum->real == 0;
    for (uint32_t word = 0; word < FN_MAX(t->width / 8, 1u); word++)
        if (sum->whole.w[word]) return false;
    return true;
}

/* Adds the values of one item. True: all sums are zero now. */
static bool add_item(summing *s, uint32_t item, bool first)
{
    bool zero = true;
    for (uint32_t v = 0; v < s->map->value_count; v++) {
        const fn_column *c = items(s, s->map->key_count + v);
        const fn_type *t = s->types[v];
        map_sum *sum = &s->sums[v];
        if (first) *sum = (map_sum){0};
        if (!fn_column_is_null(c, item)) {
            const uint8_t *p = fn_column_fixed_at(c, item);
            if (is_real(t)) sum->real += t->phys == FN_PHYS_F32 ? (double)fn_load_f32(p) : fn_load_f64(p);
            else sum->whole = fn_i256_add(sum->whole, whole_at(t, p));
            sum->any = true;
        }
        zero = zero && is_zero_sum(t, sum);
    }
    return zero;
}

static fn_status put_key(fn_ctx *ctx, summing *s, uint32_t item)
{
    for (uint32_t k = 0; k < s->map->key_count; k++) FN_TRY(fn_builder_copy(ctx, &s->builders[k].kids[0], items(s, k), item));
    return FN_OK;
}

static fn_status put_sums(fn_ctx *ctx, summing *s)
{
    for (uint32_t v = 0; v < s->map->value_count; v++) {
        const map_sum *sum = &s->sums[v];
        const fn_type *t = s->types[v];
        fn_builder *to = &s->builders[s->map->key_count + v].kids[0];
        if (!sum->any) {
            FN_TRY(fn_type_is_nullable(to->type) ? fn_builder_null(ctx, to) : fn_builder_default(ctx, to));
            continue;
        }
        uint8_t value[sizeof sum->whole];
        memcpy(value, &sum->whole, sizeof value);
        if (t->id == FN_T_BOOL) value[0] = !is_zero_sum(t, sum);
        if (t->phys == FN_PHYS_F32) fn_store_f32(value, (float)sum->real);
        if (t->phys == FN_PHYS_F64) fn_store_f64(value, sum->real);
        FN_TRY(fn_builder_fixed(ctx, to, value));
    }
    return FN_OK;
}

/* order: the group's items by key, as they came within one. */
static fn_status sum_sorted(fn_ctx *ctx, summing *s, const uint32_t *order, uint32_t count)
{
    for (uint32_t from = 0, to; from < count; from = to) {
        bool there = false, zero = false;
        for (to = from; to < count && (to == from || compare_keys(&order[from], &order[to], s) == 0); to++) {
            zero = add_item(s, order[to], !there);
            there = !(s->composite && there && zero); /* a composite key goes where the sum becomes zero, and comes anew */
        }
        if (!there || (!s->composite && zero)) continue;
        FN_TRY(put_key(ctx, s, order[from]));
        FN_TRY(put_sums(ctx, s));
    }
    return FN_OK;
}

/* Items of the rows [from, to), which must be as many in each array. */
static fn_status group_range(fn_ctx *ctx, const summing *s, uint32_t from, uint32_t to, uint32_t *first, uint32_t *count)
{
    *first = s->arrays[0]->offsets[from];
    *count = s->arrays[0]->offsets[to] - *first;
    for (uint32_t i = 1; i < s->map->key_count + s->map->value_count; i++)
        for (uint32_t row = from; row <= to; row++)
            if (s->arrays[i]->offsets[row] - s->arrays[i]->offsets[0] != s->arrays[0]->offsets[row] - s->arrays[0]->offsets[0])
                return fn_fail(ctx, FN_SIZES_OF_ARRAYS_DONT_MATCH, "Arrays of a nested map have different sizes");
    return FN_OK;
}

static fn_status sum_group(fn_ctx *ctx, summing *s, uint32_t from, uint32_t to)
{
    uint32_t first, count;
    const uint32_t arrays = s->map->key_count + s->map->value_count;
    FN_TRY(group_range(ctx, s, from, to, &first, &count));
    if (s->composite && to - from == 1) {
        for (uint32_t i = 0; i < arrays; i++) FN_TRY(fn_builder_copy(ctx, &s->builders[i], s->arrays[i], from));
        return FN_OK;
    }
    uint32_t *order = fn_alloc(ctx, ((size_t)count + 1) * sizeof *order);
    FN_TRY_PTR(ctx, order);
    for (uint32_t i = 0; i < count; i++) order[i] = first + i;
    qsort_r(order, count, sizeof *order, compare_stable, s);
    fn_status status = sum_sorted(ctx, s, order, count);
    fn_free(order);
    for (uint32_t i = 0; i < arrays && status == FN_OK; i++) status = fn_builder_close_array(ctx, &s->builders[i]);
    return status;
}

/* Arrays begin with their first item, so that items have one number in all of them. */
static fn_status flat_array(fn_ctx *ctx, const fn_column *c, fn_column **out)
{
    *out = fn_column_flatten(ctx, c);
    if (!*out || (*out)->offsets[0] == 0) return *out ? FN_OK : ctx->error.code;
    fn_column *flat = *out;
    fn_builder b;
    fn_status status = fn_builder_init(ctx, &b, flat->type);
    if (status == FN_OK) status = fn_builder_copy_range(ctx, &b, flat, 0, flat->rows);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    else *out = NULL;
    fn_builder_release(&b);
    fn_column_drop(flat);
    return status;
}

static fn_status sum_map(fn_ctx *ctx, const nested_map *map, const uint32_t *starts, uint32_t groups, const fn_block *sorted, fn_block *out)
{
    const uint32_t arrays = map->key_count + map->value_count;
    uint32_t made = 0;
    summing s = {.map = map, .composite = map->key_count > 1, .arrays = FN_NEW_ARRAY(ctx, fn_column *, arrays), .builders = FN_NEW_ARRAY(ctx, fn_builder, arrays),
                 .types = FN_NEW_ARRAY(ctx, const fn_type *, arrays), .sums = FN_NEW_ARRAY(ctx, map_sum, arrays)};
    if (!s.arrays || !s.builders || !s.types || !s.sums) return ctx->error.code;
    fn_status status = FN_OK;
    for (; made < arrays && status == FN_OK; made++) {
        const uint32_t at = made < map->key_count ? map->keys[made] : map->values[made - map->key_count];
        if (made >= map->key_count) s.types[made - map->key_count] = fn_type_base(sorted->columns[at]->type->args[0]);
        status = fn_builder_init(ctx, &s.builders[made], sorted->columns[at]->type);
        if (status == FN_OK) status = flat_array(ctx, sorted->columns[at], &s.arrays[made]);
    }
    for (uint32_t g = 0; g < groups && status == FN_OK; g++) status = sum_group(ctx, &s, starts[g], starts[g + 1]);
    for (uint32_t i = 0; i < made; i++) {
        const uint32_t at = i < map->key_count ? map->keys[i] : map->values[i - map->key_count];
        if (status == FN_OK) status = fn_builder_finish(ctx, &s.builders[i], &out->columns[at]);
        fn_builder_release(&s.builders[i]);
        fn_column_drop(s.arrays[i]);
    }
    return status;
}

fn_status mt_sum_maps(fn_ctx *ctx, const mt_shape *shape, const uint32_t *columns, const uint32_t *starts, uint32_t groups, const fn_block *sorted,
                      fn_block *out, bool *any)
{
    *any = false;
    for (uint32_t i = 0; shape->definition->mode == MT_SUMMING && i < sorted->count; i++) {
        if (out->columns[i] || map_name(shape->schema->columns[columns[i]].name).size == 0) continue;
        nested_map map;
        FN_TRY(find_map(ctx, shape, columns, sorted->count, i, &map));
        if (map.key_count == 0) continue;
        *any = true;
        FN_TRY(sum_map(ctx, &map, starts, groups, sorted, out));
    }
    return FN_OK;
}
