/* agg_sum.c - sum, sumWithOverflow, avg. Integers add up in 64 bits (wrapping, as ClickHouse), floats in doubles, decimals
 * and 128-bit integers in 128 bits, wider ones in 256. States are written as the bare accumulator; avg adds a varint count.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_state.h"
#include "kernel/kernel.h"
#include <math.h>

#define NAME u8
#define IN   uint8_t
#define ACC  uint64_t
#define WIDE(v) (uint64_t)(v)
#include "aggregate/agg_sum_width.inc"
#define NAME u16
#define IN   uint16_t
#define ACC  uint64_t
#define WIDE(v) (uint64_t)(v)
#include "aggregate/agg_sum_width.inc"
#define NAME u32
#define IN   uint32_t
#define ACC  uint64_t
#define WIDE(v) (uint64_t)(v)
#include "aggregate/agg_sum_width.inc"
#define NAME u64
#define IN   uint64_t
#define ACC  uint64_t
#define WIDE(v) (v)
#include "aggregate/agg_sum_width.inc"
#define NAME i8
#define IN   int8_t
#define ACC  uint64_t
#define WIDE(v) (uint64_t)(int64_t)(v)
#include "aggregate/agg_sum_width.inc"
#define NAME i16
#define IN   int16_t
#define ACC  uint64_t
#define WIDE(v) (uint64_t)(int64_t)(v)
#include "aggregate/agg_sum_width.inc"
#define NAME i32
#define IN   int32_t
#define ACC  uint64_t
#define WIDE(v) (uint64_t)(int64_t)(v)
#include "aggregate/agg_sum_width.inc"
#define NAME f32
#define IN   float
#define ACC  double
#define WIDE(v) (double)(v)
#include "aggregate/agg_sum_width.inc"
#define NAME f64
#define IN   double
#define ACC  double
#define WIDE(v) (v)
#include "aggregate/agg_sum_width.inc"
#define NAME d32
#define IN   int32_t
#define ACC  fn_u128
#define WIDE(v) (fn_u128)(fn_i128)(v)
#include "aggregate/agg_sum_width.inc"
#define NAME d64
#define IN   int64_t
#define ACC  fn_u128
#define WIDE(v) (fn_u128)(fn_i128)(v)
#include "aggregate/agg_sum_width.inc"
#define NAME u128
#define IN   fn_u128
#define ACC  fn_u128
#define WIDE(v) (v)
#include "aggregate/agg_sum_width.inc"

typedef void many_fn(uint8_t *const *states, size_t offset, const uint8_t *values, size_t step, uint32_t rows);
typedef void one_fn(void *state, const uint8_t *values, size_t step, uint32_t rows);
typedef struct sum_kind {
    uint32_t width; /* of the accumulator */
    many_fn *sum, *avg;
    one_fn *one;
} sum_kind;
#define KIND(name, width) {(width), sum_add_##name, avg_add_##name, sum_one_##name}
static const sum_kind number_kinds[] = {
    [FN_PHYS_U8] = KIND(u8, 8),   [FN_PHYS_U16] = KIND(u16, 8), [FN_PHYS_U32] = KIND(u32, 8),     [FN_PHYS_U64] = KIND(u64, 8),     [FN_PHYS_U128] = KIND(u128, 16),
    [FN_PHYS_I8] = KIND(i8, 8),   [FN_PHYS_I16] = KIND(i16, 8), [FN_PHYS_I32] = KIND(i32, 8),     [FN_PHYS_I64] = KIND(u64, 8),     [FN_PHYS_I128] = KIND(u128, 16),
    [FN_PHYS_F32] = KIND(f32, 8), [FN_PHYS_F64] = KIND(f64, 8),
};
static const sum_kind decimal_kinds[] = {[FN_PHYS_I32] = KIND(d32, 16), [FN_PHYS_I64] = KIND(d64, 16), [FN_PHYS_I128] = KIND(u128, 16)};

/* ---- 256 bits ---- */
static void sum_add_256(uint8_t *const *states, size_t offset, const uint8_t *values, size_t step, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) fn_store_i256(states[i] + offset, fn_i256_add(fn_load_i256(states[i] + offset), fn_load_i256(values + i * step)));
}
static void avg_add_256(uint8_t *const *states, size_t offset, const uint8_t *values, size_t step, uint32_t rows)
{
    sum_add_256(states, offset, values, step, rows);
    for (uint32_t i = 0; i < rows; i++) ++*(uint64_t *)(void *)(states[i] + offset + 32);
}
static void sum_one_256(void *state, const uint8_t *values, size_t step, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) fn_store_i256(state, fn_i256_add(fn_load_i256(state), fn_load_i256(values + i * step)));
}
static const sum_kind kind_256 = KIND(256, 32);

static const sum_kind *kind_of(const fn_type *t)
{
    if (t->phys == FN_PHYS_I256 || t->phys == FN_PHYS_U256) return &kind_256;
    return t->id == FN_T_DECIMAL ? &decimal_kinds[t->phys] : &number_kinds[t->phys];
}

static bool is_summed(const fn_type *t)
{
    return fn_type_is_number(t) || t->id == FN_T_INTERVAL;
}

static const fn_type *sum_type(const fn_type *t)
{
    if (t->id == FN_T_DECIMAL) return fn_type_decimal(t->width > 16 ? 76 : 38, t->scale);
    if (fn_type_is_float(t)) return fn_type_simple(FN_T_FLOAT64);
    if (t->width > 8 || t->id == FN_T_INTERVAL) return t;
    return fn_type_simple(t->phys >= FN_PHYS_I8 ? FN_T_INT64 : FN_T_UINT64);
}

static fn_status sum_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!is_summed(t)) return agg_illegal(ctx, call);
    call->type = fn_type_value(sum_type(t));
    call->state_size = kind_of(t)->width;
    return FN_OK;
}
static fn_status overflow_bind(fn_ctx *ctx, agg_call *call)
{
    FN_TRY(sum_bind(ctx, call));
    const fn_type *t = call->arg_types[0];
    call->type = t->id == FN_T_BOOL ? fn_type_simple(FN_T_UINT8) : fn_type_value(t);
    return FN_OK;
}
static fn_status avg_bind(fn_ctx *ctx, agg_call *call)
{
    if (!is_summed(call->arg_types[0]) || call->arg_types[0]->id == FN_T_INTERVAL) return agg_illegal(ctx, call);
    call->type = fn_type_simple(FN_T_FLOAT64);
    call->state_size = agg_align(kind_of(call->arg_types[0])->width + 8, 16);
    return FN_OK;
}
static void zero_init(const agg_call *call, void *state)
{
    memset(state, 0, call->state_size);
}
static fn_status sum_add(fn_ctx *ctx, const agg_call *call, fn_arena *arena, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    (void)ctx;
    (void)arena;
    kind_of(call->arg_types[0])->sum(states, offset, args[0]->values, agg_step(args[0]) * call->arg_types[0]->width, rows);
    return FN_OK;
}
static fn_status avg_add(fn_ctx *ctx, const agg_call *call, fn_arena *arena, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    (void)ctx;
    (void)arena;
    kind_of(call->arg_types[0])->avg(states, offset, args[0]->values, agg_step(args[0]) * call->arg_types[0]->width, rows);
    return FN_OK;
}

/* ---- few groups: 64-bit sums of a block by place, two of them in turn, then one addition per group ---- */

typedef void few_fn(uint64_t *sums, const uint8_t *places, const void *values, uint32_t rows);
#define FEW(name, T)                                                                               \
    static void few_##name(uint64_t *sums, const uint8_t *places, const void *values, uint32_t rows) \
    {                                                                                              \
        const T *v = values;                                                                       \
        uint64_t *others = sums + AGG_FEW_MAX;                                                     \
        uint32_t i = 0;                                                                            \
        for (; i + 4 <= rows; i += 4) {                                                            \
            sums[places[i]] += (uint64_t)(int64_t)v[i];                                            \
            others[places[i + 1]] += (uint64_t)(int64_t)v[i + 1];                                  \
            sums[places[i + 2]] += (uint64_t)(int64_t)v[i + 2];                                    \
            others[places[i + 3]] += (uint64_t)(int64_t)v[i + 3];                                  \
        }                                                                                          \
        for (; i < rows; i++) sums[places[i]] += (uint64_t)(int64_t)v[i];                          \
    }
FEW(u8, uint8_t)
FEW(u16, uint16_t)
FEW(u32, uint32_t)
FEW(u64, uint64_t)
FEW(i8, int8_t)
FEW(i16, int16_t)
FEW(i32, int32_t)
static few_fn *few_of(fn_phys phys)
{
    switch (phys) {
    case FN_PHYS_U8: return few_u8;
    case FN_PHYS_U16: return few_u16;
    case FN_PHYS_U32: return few_u32;
    case FN_PHYS_U64:
    case FN_PHYS_I64: return few_u64;
    case FN_PHYS_I8: return few_i8;
    case FN_PHYS_I16: return few_i16;
    case FN_PHYS_I32: return few_i32;
    case FN_PHYS_F32: case FN_PHYS_F64: /* the order of additions shows */
    case FN_PHYS_U128: case FN_PHYS_U256: case FN_PHYS_I128: case FN_PHYS_I256: case FN_PHYS_FIXED: case FN_PHYS_STRING: case FN_PHYS_ARRAY:
    case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    return NULL;
}
/* 128-bit sums: does a block's fit 64 bits? */
static bool sums_fit(const fn_column *c, uint32_t rows)
{
    const uint64_t bound = (uint64_t)1 << 46;
    return c->type->phys != FN_PHYS_I64 || (rows <= FN_BLOCK_ROWS_MAX && kern.or_biased(c->values, rows, bound) < 2 * bound);
}
static bool sum_add_few(const agg_call *call, uint8_t *const *states, size_t offset, const agg_few *few, fn_column *const *args, uint32_t rows)
{
    const fn_type *t = call->arg_types[0];
    const sum_kind *kind = kind_of(t);
    few_fn *loop = few_of(t->phys);
    uint64_t sums[2 * AGG_FEW_MAX];
    if (!loop || args[0]->shape != FN_FLAT || (kind->width == 16 && !sums_fit(args[0], rows))) return false;
    memset(sums, 0, sizeof sums);
    loop(sums, few->places, args[0]->values, rows);
    for (uint32_t p = 0; p < few->place_count; p++) {
        const uint64_t sum = sums[p] + sums[AGG_FEW_MAX + p];
        if (!few->counts[p]) continue;
        if (kind->width == 8) *(uint64_t *)(void *)(states[p] + offset) += sum;
        else {
            fn_u128 *to = (fn_u128 *)(void *)(states[p] + offset);
            *to += value_d64((const uint8_t *)&sum);
        }
    }
    return true;
}
static bool avg_add_few(const agg_call *call, uint8_t *const *states, size_t offset, const agg_few *few, fn_column *const *args, uint32_t rows)
{
    const uint32_t width = kind_of(call->arg_types[0])->width;
    if (!sum_add_few(call, states, offset, few, args, rows)) return false;
    for (uint32_t p = 0; p < few->place_count; p++)
        if (few->counts[p]) *(uint64_t *)(void *)(states[p] + offset + width) += few->counts[p];
    return true;
}
static fn_status sum_add_one(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t from, uint32_t rows)
{
    (void)ctx;
    (void)arena;
    const size_t step = agg_step(args[0]) * call->arg_types[0]->width;
    kind_of(call->arg_types[0])->one(state, args[0]->values + from * step, step, rows);
    return FN_OK;
}
static uint64_t *count_at(const agg_call *call, void *state)
{
    return (uint64_t *)(void *)((uint8_t *)state + kind_of(call->arg_types[0])->width);
}
static uint64_t count_of(const agg_call *call, const void *state)
{
    return fn_load_u64((const uint8_t *)state + kind_of(call->arg_types[0])->width);
}
static fn_status avg_add_one(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t from, uint32_t rows)
{
    *count_at(call, state) += rows;
    return sum_add_one(ctx, call, arena, state, args, from, rows);
}
static fn_status sum_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)arena;
    const uint32_t width = kind_of(call->arg_types[0])->width;
    if (fn_type_is_float(call->arg_types[0])) *(double *)into += *(const double *)from;
    else if (width == 8) *(uint64_t *)into += *(const uint64_t *)from;
    else if (width == 16) *(fn_u128 *)into += *(const fn_u128 *)from;
    else fn_store_i256(into, fn_i256_add(fn_load_i256(into), fn_load_i256(from)));
    return FN_OK;
}
static fn_status avg_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    *count_at(call, into) += count_of(call, from);
    return sum_merge(ctx, call, arena, into, from);
}
static fn_status sum_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    return fn_builder_fixed(ctx, out, state);
}
static fn_status overflow_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    if (call->arg_types[0]->id == FN_T_FLOAT32 && call->type->width == 4) {
        const float v = (float)*(double *)state;
        return fn_builder_fixed(ctx, out, &v);
    }
    return fn_builder_fixed(ctx, out, state);
}
static fn_status avg_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const fn_type *t = call->arg_types[0];
    const bool negative_too = t->phys >= FN_PHYS_I8;
    const uint32_t width = kind_of(t)->width;
    double sum;
    if (fn_type_is_float(t)) sum = *(double *)state;
    else if (width == 8) sum = negative_too ? (double)*(int64_t *)state : (double)*(uint64_t *)state;
    else if (width == 16) sum = negative_too ? (double)*(fn_i128 *)state : (double)*(fn_u128 *)state;
    else sum = fn_i256_to_f64(fn_load_i256(state), negative_too);
    if (t->id == FN_T_DECIMAL) sum /= pow(10, t->scale);
    const uint64_t count = count_of(call, state);
    const double v = count ? sum / (double)count : (double)NAN;
    return fn_builder_fixed(ctx, out, &v);
}
static fn_status sum_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    return fn_buf_append(ctx, out, state, kind_of(call->arg_types[0])->width);
}
static fn_status sum_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)arena;
    return agg_take(ctx, state, kind_of(call->arg_types[0])->width, at, end);
}
static fn_status avg_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    FN_TRY(sum_write(ctx, call, state, out));
    return fn_buf_leb(ctx, out, count_of(call, state));
}
static fn_status avg_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    FN_TRY(sum_read(ctx, call, arena, state, at, end));
    return agg_take_leb(ctx, count_at(call, state), at, end);
}

#define SUM_STATE .args_min = 1, .args_max = 1, .init = zero_init, .add = sum_add, .add_one = sum_add_one, .add_few = sum_add_few, .merge = sum_merge, .write = sum_write, .read = sum_read
static const agg_def rows_[] = {
    {.name = "sum", .flags = AGG_CASE_INSENSITIVE, SUM_STATE, .bind = sum_bind, .finish = sum_finish, .about = "Sum of the values; integers add up in 64 bits.",
     .example = "sum(number)", .gives = "45"},
    {.name = "sumWithOverflow", SUM_STATE, .bind = overflow_bind, .finish = overflow_finish, .about = "Sum in the type of the argument, wrapping around.",
     .example = "sumWithOverflow(number)", .gives = "45"},
    {.name = "avg", .args_min = 1, .args_max = 1, .flags = AGG_CASE_INSENSITIVE, .bind = avg_bind, .init = zero_init, .add = avg_add, .add_one = avg_add_one,
     .add_few = avg_add_few, .merge = avg_merge, .finish = avg_finish, .write = avg_write, .read = avg_read, .about = "Arithmetic mean.", .example = "avg(number)", .gives = "4.5"},
};
const agg_family agg_family_sum = AGG_FAMILY("sum", rows_);
