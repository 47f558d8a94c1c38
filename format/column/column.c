/* column.c - making, sharing and freeing columns; constants; reading single rows.
 * A column and its array of kids are one allocation; data is in reference-counted buffers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "column/column_make.h"
#include <string.h>

fn_column *column_new(fn_ctx *ctx, const fn_type *type, fn_shape shape, uint32_t rows, unsigned kid_count)
{
    fn_column *c = fn_alloc_zero(ctx, sizeof *c + kid_count * sizeof(fn_column *));
    if (!c) return NULL;
    c->type = type;
    c->rows = rows;
    c->shape = (uint8_t)shape;
    c->kid_count = (uint16_t)kid_count;
    c->kids = kid_count ? (fn_column **)(c + 1) : NULL;
    atomic_store_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void column_own(fn_column *c, fn_buffer *values, fn_buffer *offsets, fn_buffer *nulls)
{
    c->own[0] = values;
    c->own[1] = offsets;
    c->own[2] = nulls;
    c->values = values ? values->data : NULL;
    c->offsets = offsets ? (const uint32_t *)(const void *)offsets->data : NULL;
    c->nulls = nulls ? nulls->data : NULL;
}

fn_column *column_shallow(fn_ctx *ctx, const fn_column *c, const fn_type *type, uint32_t rows)
{
    fn_column *n = column_new(ctx, type, (fn_shape)c->shape, rows, c->kid_count);
    if (!n) return NULL;
    n->code_width = c->code_width;
    n->values = c->values;
    n->offsets = c->offsets;
    n->nulls = c->nulls;
    for (int i = 0; i < 3; i++) n->own[i] = fn_buffer_ref(c->own[i]);
    for (unsigned i = 0; i < c->kid_count; i++) n->kids[i] = fn_column_ref(c->kids[i]);
    return n;
}

fn_column *fn_column_ref(const fn_column *c)
{
    if (!c) return NULL;
    fn_column *shared = (fn_column *)(uintptr_t)c; /* the count is the one mutable part of a frozen column */
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void fn_column_drop(fn_column *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) return;
    for (int i = 0; i < 3; i++) fn_buffer_drop(c->own[i]);
    for (unsigned i = 0; i < c->kid_count; i++) fn_column_drop(c->kids[i]);
    fn_free(c);
}

/* Where all constructors with taken buffers end: on failure the buffers are given back. */
static fn_column *finish_flat(fn_ctx *ctx, const fn_type *type, uint32_t rows, fn_buffer *values, fn_buffer *offsets,
                              fn_buffer *nulls, fn_column *kid)
{
    fn_column *c = column_new(ctx, type, FN_FLAT, rows, kid ? 1 : 0);
    if (!c) {
        fn_buffer_drop(values);
        fn_buffer_drop(offsets);
        fn_buffer_drop(nulls);
        fn_column_drop(kid);
        return NULL;
    }
    column_own(c, values, offsets, nulls);
    if (kid) c->kids[0] = kid;
    return c;
}

fn_column *fn_column_fixed(fn_ctx *ctx, const fn_type *type, uint32_t rows, fn_buffer *values_take, fn_buffer *nulls_take)
{
    FN_DEBUG_ASSERT(!values_take || values_take->size >= (size_t)rows * type->width);
    return finish_flat(ctx, type, rows, values_take, NULL, nulls_take, NULL);
}

fn_column *fn_column_string(fn_ctx *ctx, const fn_type *type, uint32_t rows, fn_buffer *bytes_take, fn_buffer *offsets_take,
                            fn_buffer *nulls_take)
{
    FN_DEBUG_ASSERT(type->phys == FN_PHYS_STRING);
    return finish_flat(ctx, type, rows, bytes_take, offsets_take, nulls_take, NULL);
}

fn_column *fn_column_array(fn_ctx *ctx, const fn_type *type, uint32_t rows, fn_buffer *offsets_take, fn_column *items_take)
{
    FN_DEBUG_ASSERT(type->phys == FN_PHYS_ARRAY);
    return finish_flat(ctx, type, rows, NULL, offsets_take, NULL, items_take);
}

fn_column *fn_column_tuple(fn_ctx *ctx, const fn_type *type, uint32_t rows, fn_column *const *kids_ref)
{
    const fn_type *base = fn_type_base(type);
    fn_column *c = column_new(ctx, type, FN_FLAT, rows, base->arg_count);
    if (!c) return NULL;
    for (unsigned i = 0; i < base->arg_count; i++) c->kids[i] = fn_column_ref(kids_ref[i]);
    return c;
}

fn_column *fn_column_dict(fn_ctx *ctx, const fn_type *type, uint32_t rows, unsigned code_width, fn_buffer *codes_take,
                          fn_column *dictionary_ref, fn_buffer *nulls_take)
{
    FN_ASSERT(code_width == 1 || code_width == 2 || code_width == 4);
    FN_DEBUG_ASSERT(dictionary_ref->shape == FN_FLAT && !dictionary_ref->nulls);
    fn_column *c = column_new(ctx, type, FN_DICT, rows, 1);
    if (!c) {
        fn_buffer_drop(codes_take);
        fn_buffer_drop(nulls_take);
        return NULL;
    }
    column_own(c, codes_take, NULL, nulls_take);
    c->code_width = (uint8_t)code_width;
    c->kids[0] = fn_column_ref(dictionary_ref);
    return c;
}

fn_column *fn_column_repeat(fn_ctx *ctx, const fn_column *c, size_t row, uint32_t rows)
{
    FN_ASSERT(row < c->rows);
    if (fn_column_is_null(c, row)) return fn_column_null(ctx, c->type, rows);
    const fn_column *flat = fn_column_at(c, &row);
    fn_column *one = fn_column_slice(ctx, flat, row, 1);
    if (!one) return NULL;
    fn_column *n = column_shallow(ctx, one, c->type, rows);
    fn_column_drop(one);
    if (!n) return NULL;
    n->shape = FN_CONST;
    n->nulls = NULL;
    fn_buffer_drop(n->own[2]);
    n->own[2] = NULL;
    return n;
}

/* One built value as a constant of `rows` rows. */
static fn_column *finish_const(fn_ctx *ctx, fn_builder *b, fn_status status, uint32_t rows)
{
    fn_column *one = NULL;
    if (status == FN_OK) status = fn_builder_finish(ctx, b, &one);
    fn_builder_release(b);
    if (status != FN_OK) return NULL;
    one->shape = FN_CONST; /* still ours alone */
    one->rows = rows;
    return one;
}

fn_column *fn_column_default(fn_ctx *ctx, const fn_type *type, uint32_t rows)
{
    fn_builder b;
    if (fn_builder_init(ctx, &b, type) != FN_OK) return NULL;
    return finish_const(ctx, &b, fn_builder_default(ctx, &b), rows);
}

fn_column *fn_column_null(fn_ctx *ctx, const fn_type *nullable, uint32_t rows)
{
    fn_builder b;
    if (fn_builder_init(ctx, &b, nullable) != FN_OK) return NULL;
    return finish_const(ctx, &b, fn_builder_null(ctx, &b), rows);
}

fn_column *fn_column_const_u64(fn_ctx *ctx, const fn_type *type, uint64_t value, uint32_t rows)
{
    fn_builder b;
    uint64_t words[4] = {value, 0, 0, 0};
    if (fn_builder_init(ctx, &b, type) != FN_OK) return NULL;
    return finish_const(ctx, &b, fn_builder_fixed(ctx, &b, words), rows);
}

fn_column *fn_column_const_str(fn_ctx *ctx, const fn_type *type, fn_str value, uint32_t rows)
{
    fn_builder b;
    if (fn_builder_init(ctx, &b, type) != FN_OK) return NULL;
    return finish_const(ctx, &b, fn_builder_str(ctx, &b, value), rows);
}

/* ---- single rows ---- */

bool fn_column_is_null(const fn_column *c, size_t row)
{
    if (fn_type_base(c->type)->id == FN_T_NOTHING) return true;
    return c->nulls && c->nulls[fn_column_stored(c, row)] != 0;
}

const fn_column *fn_column_at(const fn_column *c, size_t *row)
{
    if (c->shape == FN_CONST) *row = 0;
    if (c->shape != FN_DICT) return c;
    *row = fn_column_code(c, *row);
    return c->kids[0];
}

const uint8_t *fn_column_fixed_at(const fn_column *c, size_t row)
{
    c = fn_column_at(c, &row);
    return c->values + row * c->type->width;
}

fn_str fn_column_str_at(const fn_column *c, size_t row)
{
    c = fn_column_at(c, &row);
    if (c->type->phys == FN_PHYS_FIXED)
        return (fn_str){(const char *)c->values + row * c->type->width, c->type->width};
    FN_DEBUG_ASSERT(c->type->phys == FN_PHYS_STRING);
    return (fn_str){(const char *)c->values + c->offsets[row], c->offsets[row + 1] - c->offsets[row]};
}

uint64_t fn_column_u64_at(const fn_column *c, size_t row)
{
    return (uint64_t)fn_column_i64_at(c, row);
}

int64_t fn_column_i64_at(const fn_column *c, size_t row)
{
    const uint8_t *p = fn_column_fixed_at(c, row);
    switch (c->type->phys) {
    case FN_PHYS_U8: return *p;
    case FN_PHYS_U16: return fn_load_u16(p);
    case FN_PHYS_U32: return fn_load_u32(p);
    case FN_PHYS_U64:
    case FN_PHYS_U128:
    case FN_PHYS_U256:
    case FN_PHYS_I64:
    case FN_PHYS_I128:
    case FN_PHYS_I256: return fn_load_i64(p);
    case FN_PHYS_I8: return (int8_t)*p;
    case FN_PHYS_I16: return fn_load_i16(p);
    case FN_PHYS_I32: return fn_load_i32(p);
    case FN_PHYS_F32: return (int64_t)fn_load_f32(p);
    case FN_PHYS_F64: return (int64_t)fn_load_f64(p);
    case FN_PHYS_FIXED:
    case FN_PHYS_STRING:
    case FN_PHYS_ARRAY:
    case FN_PHYS_TUPLE:
    case FN_PHYS_NOTHING: break;
    }
    return 0;
}

double fn_column_f64_at(const fn_column *c, size_t row)
{
    const uint8_t *p = fn_column_fixed_at(c, row);
    switch (c->type->phys) {
    case FN_PHYS_F32: return (double)fn_load_f32(p);
    case FN_PHYS_F64: return fn_load_f64(p);
    case FN_PHYS_U64: return (double)fn_load_u64(p);
    case FN_PHYS_U128: return (double)fn_load_u128(p);
    case FN_PHYS_I128: return (double)fn_load_i128(p);
    case FN_PHYS_U8:
    case FN_PHYS_U16:
    case FN_PHYS_U32:
    case FN_PHYS_U256:
    case FN_PHYS_I8:
    case FN_PHYS_I16:
    case FN_PHYS_I32:
    case FN_PHYS_I64:
    case FN_PHYS_I256:
    case FN_PHYS_FIXED:
    case FN_PHYS_STRING:
    case FN_PHYS_ARRAY:
    case FN_PHYS_TUPLE:
    case FN_PHYS_NOTHING: break;
    }
    return (double)fn_column_i64_at(c, row);
}

const fn_column *fn_column_items_at(const fn_column *c, size_t row, uint32_t *first, uint32_t *count)
{
    c = fn_column_at(c, &row);
    FN_DEBUG_ASSERT(c->type->phys == FN_PHYS_ARRAY);
    *first = c->offsets[row];
    *count = c->offsets[row + 1] - c->offsets[row];
    return c->kids[0];
}

size_t fn_column_bytes(const fn_column *c)
{
    size_t bytes = sizeof *c;
    for (int i = 0; i < 3; i++)
        if (c->own[i]) bytes += c->own[i]->size;
    for (unsigned i = 0; i < c->kid_count; i++) bytes += fn_column_bytes(c->kids[i]);
    return bytes;
}
