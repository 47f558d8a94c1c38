/* agg_extreme.c - min, max, any, anyLast, argMin, argMax. One agg_value per value kept; min and max of plain numbers run
 * through typed loops, everything else through comparisons of single values.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_state.h"
#include <math.h>

#define NAME u8
#define T    uint8_t
#define IS_NAN(v) false
#include "aggregate/agg_extreme_width.inc"
#define NAME u16
#define T    uint16_t
#define IS_NAN(v) false
#include "aggregate/agg_extreme_width.inc"
#define NAME u32
#define T    uint32_t
#define IS_NAN(v) false
#include "aggregate/agg_extreme_width.inc"
#define NAME u64
#define T    uint64_t
#define IS_NAN(v) false
#include "aggregate/agg_extreme_width.inc"
#define NAME i8
#define T    int8_t
#define IS_NAN(v) false
#include "aggregate/agg_extreme_width.inc"
#define NAME i16
#define T    int16_t
#define IS_NAN(v) false
#include "aggregate/agg_extreme_width.inc"
#define NAME i32
#define T    int32_t
#define IS_NAN(v) false
#include "aggregate/agg_extreme_width.inc"
#define NAME i64
#define T    int64_t
#define IS_NAN(v) false
#include "aggregate/agg_extreme_width.inc"
#define NAME f32
#define T    float
#define IS_NAN(v) isnan(v)
#include "aggregate/agg_extreme_width.inc"
#define NAME f64
#define T    double
#define IS_NAN(v) isnan(v)
#include "aggregate/agg_extreme_width.inc"

typedef struct extreme_kind {
    void (*many)(uint8_t *const *states, size_t offset, const uint8_t *values, size_t step, uint32_t rows, bool greatest);
    void (*one)(agg_value *s, const uint8_t *values, size_t step, uint32_t rows, bool greatest);
} extreme_kind;
#define KIND(name) {many_##name, one_##name}
static const extreme_kind kinds[FN_PHYS_NOTHING + 1] = {
    [FN_PHYS_U8] = KIND(u8),   [FN_PHYS_U16] = KIND(u16), [FN_PHYS_U32] = KIND(u32), [FN_PHYS_U64] = KIND(u64), [FN_PHYS_I8] = KIND(i8),
    [FN_PHYS_I16] = KIND(i16), [FN_PHYS_I32] = KIND(i32), [FN_PHYS_I64] = KIND(i64), [FN_PHYS_F32] = KIND(f32), [FN_PHYS_F64] = KIND(f64),
};

typedef enum pick { PICK_MIN, PICK_MAX, PICK_ANY, PICK_LAST } pick;

/* NULL and NaN inside of tuples and arrays are neither the least nor the greatest. */
static bool holds_inner(const fn_type *t)
{
    return t->id == FN_T_TUPLE || t->id == FN_T_ARRAY || t->id == FN_T_MAP;
}
static int compare_row(pick p, const agg_value *v, const fn_column *c, size_t row)
{
    return holds_inner(c->type) ? fn_column_compare(v->column, 0, c, row, p == PICK_MIN) : agg_value_compare(v, c, row);
}
static int compare_values(pick p, const fn_type *t, const agg_value *a, const agg_value *b)
{
    return holds_inner(t) ? fn_column_compare(a->column, 0, b->column, 0, p == PICK_MIN) : agg_value_order(t, a, b);
}
static bool better(pick p, int order)
{
    return p == PICK_MIN ? order > 0 : order < 0; /* order: kept value against the new one */
}

static fn_status value_bind(fn_ctx *ctx, agg_call *call)
{
    (void)ctx;
    call->type = call->arg_types[0];
    call->state_size = agg_value_size(call->type);
    return FN_OK;
}
static void value_init(const agg_call *call, void *state)
{
    memset(state, 0, call->state_size);
}
static inline fn_status value_row(fn_ctx *ctx, fn_arena *arena, agg_value *s, const fn_column *c, size_t row, pick p)
{
    if (s->has && p == PICK_ANY) return FN_OK;
    if (s->has && p != PICK_LAST && !better(p, compare_row(p, s, c, row))) return FN_OK;
    return agg_value_set(ctx, arena, s, c, row);
}
static fn_status value_add(fn_ctx *ctx, const agg_call *call, fn_arena *arena, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows, pick p)
{
    const fn_type *t = call->arg_types[0];
    if (kinds[t->phys].many && (p == PICK_MIN || p == PICK_MAX) && !args[0]->nulls) {
        kinds[t->phys].many(states, offset, args[0]->values, agg_step(args[0]) * t->width, rows, p == PICK_MAX);
        return FN_OK;
    }
    for (uint32_t i = 0; i < rows; i++) FN_TRY(value_row(ctx, arena, (agg_value *)(void *)(states[i] + offset), args[0], i, p));
    return FN_OK;
}
static fn_status value_add_one(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t from, uint32_t rows, pick p)
{
    const fn_type *t = call->arg_types[0];
    if (rows == 0) return FN_OK;
    if (kinds[t->phys].one && (p == PICK_MIN || p == PICK_MAX) && !args[0]->nulls) {
        const size_t step = agg_step(args[0]) * t->width;
        kinds[t->phys].one(state, args[0]->values + from * step, step, rows, p == PICK_MAX);
        return FN_OK;
    }
    if (p == PICK_LAST) return agg_value_set(ctx, arena, state, args[0], from + rows - 1);
    const uint32_t count = p == PICK_ANY ? 1 : rows;
    for (uint32_t i = 0; i < count; i++) FN_TRY(value_row(ctx, arena, state, args[0], from + i, p));
    return FN_OK;
}
static fn_status value_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from, pick p)
{
    agg_value *a = into;
    const agg_value *b = from;
    const fn_type *t = call->arg_types[0];
    if (!b->has || (a->has && p == PICK_ANY)) return FN_OK;
    if (a->has && p != PICK_LAST && !better(p, compare_values(p, t, a, b))) return FN_OK;
    return agg_value_copy(ctx, arena, t, a, b);
}
static fn_status value_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    return agg_value_put(ctx, call->arg_types[0], state, out);
}
static fn_status value_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    return agg_value_write(ctx, call->arg_types[0], state, out);
}
static fn_status value_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    return agg_value_read(ctx, arena, call->arg_types[0], state, at, end);
}
static void value_destroy(const agg_call *call, void *state)
{
    agg_value_drop(call->arg_types[0], state);
}

/* ---- argMin, argMax: two values, the second decides ---- */
typedef struct pair {
    agg_value result, key;
} pair;
static fn_status pair_bind(fn_ctx *ctx, agg_call *call)
{
    (void)ctx;
    call->type = call->arg_types[0];
    call->state_size = sizeof(pair);
    return FN_OK;
}
static inline fn_status pair_row(fn_ctx *ctx, fn_arena *arena, pair *s, fn_column *const *args, size_t row, pick p)
{
    if (s->key.has && !better(p, compare_row(p, &s->key, args[1], row))) return FN_OK;
    FN_TRY(agg_value_set(ctx, arena, &s->key, args[1], row));
    return agg_value_set(ctx, arena, &s->result, args[0], row);
}
static fn_status pair_add(fn_ctx *ctx, fn_arena *arena, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows, pick p)
{
    for (uint32_t i = 0; i < rows; i++) FN_TRY(pair_row(ctx, arena, (pair *)(void *)(states[i] + offset), args, i, p));
    return FN_OK;
}
/* The row of the extreme of a run of plain numbers as ClickHouse picks it among equals: the first row of the run, else the last. */
static size_t extreme_row(const fn_column *keys, size_t from, uint32_t rows, bool greatest)
{
    const uint32_t width = keys->type->width;
    const uint8_t *values = keys->values + from * width;
    agg_value best = {.has = 0};
    kinds[keys->type->phys].one(&best, values, width, rows, greatest);
    if (memcmp(best.fixed, values, width) == 0) return from;
    uint32_t i = rows - 1;
    while (i > 0 && memcmp(best.fixed, values + (size_t)i * width, width) != 0) i--;
    return from + i;
}
static fn_status pair_add_one(fn_ctx *ctx, fn_arena *arena, void *state, fn_column *const *args, size_t from, uint32_t rows, pick p)
{
    if (rows > 1 && kinds[args[1]->type->phys].one && !args[1]->nulls && args[1]->shape == FN_FLAT)
        return pair_row(ctx, arena, state, args, extreme_row(args[1], from, rows, p == PICK_MAX), p);
    for (uint32_t i = 0; i < rows; i++) FN_TRY(pair_row(ctx, arena, state, args, from + i, p));
    return FN_OK;
}
static fn_status pair_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from, pick p)
{
    pair *a = into;
    const pair *b = from;
    if (!b->key.has || (a->key.has && !better(p, compare_values(p, call->arg_types[1], &a->key, &b->key)))) return FN_OK;
    FN_TRY(agg_value_copy(ctx, arena, call->arg_types[1], &a->key, &b->key));
    return agg_value_copy(ctx, arena, call->arg_types[0], &a->result, &b->result);
}
static fn_status pair_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    return agg_value_put(ctx, call->arg_types[0], &((pair *)state)->result, out);
}
static fn_status pair_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    FN_TRY(agg_value_write(ctx, call->arg_types[0], &((const pair *)state)->result, out));
    return agg_value_write(ctx, call->arg_types[1], &((const pair *)state)->key, out);
}
static fn_status pair_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    FN_TRY(agg_value_read(ctx, arena, call->arg_types[0], &((pair *)state)->result, at, end));
    return agg_value_read(ctx, arena, call->arg_types[1], &((pair *)state)->key, at, end);
}
static void pair_destroy(const agg_call *call, void *state)
{
    agg_value_drop(call->arg_types[0], &((pair *)state)->result);
    agg_value_drop(call->arg_types[1], &((pair *)state)->key);
}

#define VALUE_OPS(name, p)                                                                                                                             \
    static fn_status name##_add(fn_ctx *c, const agg_call *l, fn_arena *m, uint8_t *const *s, size_t o, fn_column *const *a, uint32_t r)               \
    { return value_add(c, l, m, s, o, a, r, p); }                                                                                                      \
    static fn_status name##_add_one(fn_ctx *c, const agg_call *l, fn_arena *m, void *s, fn_column *const *a, size_t f, uint32_t r)                     \
    { return value_add_one(c, l, m, s, a, f, r, p); }                                                                                                  \
    static fn_status name##_merge(fn_ctx *c, const agg_call *l, fn_arena *m, void *i, const void *f) { return value_merge(c, l, m, i, f, p); }
VALUE_OPS(min, PICK_MIN)
VALUE_OPS(max, PICK_MAX)
VALUE_OPS(any, PICK_ANY)
VALUE_OPS(last, PICK_LAST)
#define PAIR_OPS(name, p)                                                                                                                              \
    static fn_status name##_add(fn_ctx *c, const agg_call *l, fn_arena *m, uint8_t *const *s, size_t o, fn_column *const *a, uint32_t r)               \
    { (void)l; return pair_add(c, m, s, o, a, r, p); }                                                                                                 \
    static fn_status name##_add_one(fn_ctx *c, const agg_call *l, fn_arena *m, void *s, fn_column *const *a, size_t f, uint32_t r)                     \
    { (void)l; return pair_add_one(c, m, s, a, f, r, p); }                                                                                             \
    static fn_status name##_merge(fn_ctx *c, const agg_call *l, fn_arena *m, void *i, const void *f) { return pair_merge(c, l, m, i, f, p); }
PAIR_OPS(argmin, PICK_MIN)
PAIR_OPS(argmax, PICK_MAX)

#define VALUE_ROW(op) .args_min = 1, .args_max = 1, .bind = value_bind, .init = value_init, .add = op##_add, .add_one = op##_add_one, .merge = op##_merge, \
    .finish = value_finish, .write = value_write, .read = value_read, .destroy = value_destroy
#define PAIR_ROW(op) .args_min = 2, .args_max = 2, .bind = pair_bind, .init = value_init, .add = op##_add, .add_one = op##_add_one, .merge = op##_merge,   \
    .finish = pair_finish, .write = pair_write, .read = pair_read, .destroy = pair_destroy
static const char *const any_names[] = {"any_value", "first_value", NULL};
static const char *const last_names[] = {"last_value", NULL};
static const char *const any_null_names[] = {"any_value_respect_nulls", "first_value_respect_nulls", "anyRespectNulls", "firstValueRespectNulls", NULL};
static const char *const last_null_names[] = {"last_value_respect_nulls", "anyLastRespectNulls", "lastValueRespectNulls", NULL};
static const char *const min_by_names[] = {"min_by", NULL};
static const char *const max_by_names[] = {"max_by", NULL};
static const agg_def rows_[] = {
    {.name = "min", .flags = AGG_CASE_INSENSITIVE, VALUE_ROW(min), .about = "Smallest value.", .example = "min(number)", .gives = "0"},
    {.name = "max", .flags = AGG_CASE_INSENSITIVE, VALUE_ROW(max), .about = "Greatest value.", .example = "max(number)", .gives = "9"},
    {.name = "any", .aliases = any_names, .flags = AGG_CASE_INSENSITIVE | AGG_ORDER_DEPENDENT, VALUE_ROW(any), .about = "First value met that is not NULL.",
     .example = "any(number)", .gives = "0"},
    {.name = "anyLast", .aliases = last_names, .flags = AGG_CASE_INSENSITIVE | AGG_ORDER_DEPENDENT, VALUE_ROW(last), .about = "Last value met that is not NULL.",
     .example = "anyLast(number)", .gives = "9"},
    {.name = "any_respect_nulls", .aliases = any_null_names, .flags = AGG_OWN_NULLS | AGG_ORDER_DEPENDENT, VALUE_ROW(any), .about = "First value met, also NULL.",
     .example = "any_respect_nulls(number)", .gives = "0"},
    {.name = "anyLast_respect_nulls", .aliases = last_null_names, .flags = AGG_OWN_NULLS | AGG_ORDER_DEPENDENT, VALUE_ROW(last), .about = "Last value met, also NULL.",
     .example = "anyLast_respect_nulls(number)", .gives = "9"},
    {.name = "argMin", .aliases = min_by_names, PAIR_ROW(argmin), .about = "First argument where the second is smallest.", .example = "argMin(number, -number)", .gives = "9"},
    {.name = "argMax", .aliases = max_by_names, PAIR_ROW(argmax), .about = "First argument where the second is greatest.", .example = "argMax(number, -number)", .gives = "0"},
};
const agg_family agg_family_extreme = AGG_FAMILY("extreme", rows_);
