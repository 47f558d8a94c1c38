/* agg_rows.c - see agg_rows.h. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_rows.h"
#include <math.h>

double agg_f64_wide(const fn_column *c, size_t stored)
{
    const uint8_t *p = c->values + stored * c->type->width;
    double v = 0;
    switch (c->type->phys) {
    case FN_PHYS_U8: v = *p; break;
    case FN_PHYS_U16: v = fn_load_u16(p); break;
    case FN_PHYS_U32: v = fn_load_u32(p); break;
    case FN_PHYS_U64: v = (double)fn_load_u64(p); break;
    case FN_PHYS_U128: v = (double)fn_load_u128(p); break;
    case FN_PHYS_U256: v = fn_i256_to_f64(fn_load_i256(p), false); break;
    case FN_PHYS_I8: v = (int8_t)*p; break;
    case FN_PHYS_I16: v = fn_load_i16(p); break;
    case FN_PHYS_I32: v = fn_load_i32(p); break;
    case FN_PHYS_I64: v = (double)fn_load_i64(p); break;
    case FN_PHYS_I128: v = (double)fn_load_i128(p); break;
    case FN_PHYS_I256: v = fn_i256_to_f64(fn_load_i256(p), true); break;
    case FN_PHYS_F32: v = (double)fn_load_f32(p); break;
    case FN_PHYS_F64: v = fn_load_f64(p); break;
    case FN_PHYS_FIXED:
    case FN_PHYS_STRING:
    case FN_PHYS_ARRAY:
    case FN_PHYS_TUPLE:
    case FN_PHYS_NOTHING: FN_IMPOSSIBLE("not a number");
    }
    return c->type->id == FN_T_DECIMAL || c->type->id == FN_T_DATETIME64 ? v / pow(10, c->type->scale) : v;
}

void *agg_items_room(fn_ctx *ctx, fn_arena *arena, agg_items *v, uint32_t more, uint32_t width)
{
    const uint64_t need = (uint64_t)v->count + more;
    if (need > v->capacity) {
        if (need > INT32_MAX) {
            fn_fail(ctx, FN_TOO_LARGE_ARRAY_SIZE, "Too many values in the state of an aggregate function");
            return NULL;
        }
        const uint64_t capacity = FN_MAX(fn_next_pow2(need), (uint64_t)4);
        uint8_t *data = fn_arena_alloc(ctx, arena, capacity * width);
        if (!data) return NULL;
        if (v->count) memcpy(data, v->data, (size_t)v->count * width);
        v->data = data;
        v->capacity = (uint32_t)capacity;
    }
    return v->data + (size_t)v->count * width;
}

fn_status agg_items_append(fn_ctx *ctx, fn_arena *arena, agg_items *v, const agg_items *from, uint32_t width)
{
    if (from->count == 0) return FN_OK;
    void *to = agg_items_room(ctx, arena, v, from->count, width);
    FN_TRY_PTR(ctx, to);
    memcpy(to, from->data, (size_t)from->count * width);
    v->count += from->count;
    return FN_OK;
}

fn_status agg_items_write(fn_ctx *ctx, const agg_items *v, uint32_t width, fn_buf *out)
{
    FN_TRY(fn_buf_leb(ctx, out, v->count));
    return v->count ? fn_buf_append(ctx, out, v->data, (size_t)v->count * width) : FN_OK;
}

fn_status agg_items_read(fn_ctx *ctx, fn_arena *arena, agg_items *v, uint32_t width, const uint8_t **at, const uint8_t *end)
{
    uint64_t n = 0;
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    if (n > (uint64_t)(end - *at) / width) return fn_fail(ctx, FN_INCORRECT_DATA, "State of an aggregate function is cut");
    if (n == 0) return FN_OK;
    void *to = agg_items_room(ctx, arena, v, (uint32_t)n, width);
    FN_TRY_PTR(ctx, to);
    v->count += (uint32_t)n;
    return agg_take(ctx, to, (size_t)n * width, at, end);
}

void agg_zero_init(const agg_call *call, void *state)
{
    memset(state, 0, call->state_size);
}
fn_status agg_plain_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    return fn_buf_append(ctx, out, state, call->state_size);
}
fn_status agg_plain_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)arena;
    return agg_take(ctx, state, call->state_size, at, end);
}

fn_status agg_param_u64(fn_ctx *ctx, const agg_call *call, uint32_t index, uint64_t *out)
{
    const fn_column *p = call->params[index];
    const bool whole = fn_type_is_integer(p->type) && p->type->width <= 8;
    if (!whole || (!fn_type_is_unsigned(p->type) && fn_column_i64_at(p, 0) < 0))
        return fn_fail(ctx, whole || fn_type_is_number(p->type) ? FN_BAD_ARGUMENTS : FN_CANNOT_CONVERT_TYPE,
                       "Parameter %u of aggregate function %s should be a non-negative integer", index + 1, call->def->name);
    *out = fn_column_u64_at(p, 0);
    return FN_OK;
}
fn_status agg_param_f64(fn_ctx *ctx, const agg_call *call, uint32_t index, double *out)
{
    const fn_column *p = call->params[index];
    if (!fn_type_is_number(p->type))
        return fn_fail(ctx, FN_CANNOT_CONVERT_TYPE, "Parameter %u of aggregate function %s should be a number", index + 1, call->def->name);
    *out = agg_f64(p, 0);
    return FN_OK;
}
fn_status agg_need_numbers(fn_ctx *ctx, const agg_call *call, uint32_t from, bool decimals_too)
{
    for (uint32_t i = from; i < call->arg_count; i++)
        if (!fn_type_is_number(call->arg_types[i]) || (!decimals_too && call->arg_types[i]->id == FN_T_DECIMAL)) return agg_illegal(ctx, call);
    return FN_OK;
}
