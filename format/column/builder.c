/* builder.c - grows a FLAT column value by value. Buffers grow by half; finish hands them over without a copy.
 * Invariant between calls: every buffer holds exactly `rows` values (offsets: rows+1 once begun).
 * SPDX-License-Identifier: Apache-2.0 */
#include "column/column_make.h"
#include <string.h>

fn_status fn_builder_init(fn_ctx *ctx, fn_builder *b, const fn_type *type)
{
    *b = (fn_builder){.type = type};
    const fn_type *base = fn_type_base(type);
    unsigned kids = base->phys == FN_PHYS_ARRAY ? 1 : base->phys == FN_PHYS_TUPLE ? base->arg_count : 0;
    if (!kids) return FN_OK;
    b->kids = fn_alloc_zero(ctx, kids * sizeof *b->kids);
    FN_TRY_PTR(ctx, b->kids);
    for (unsigned i = 0; i < kids; i++) {
        b->kid_count = (uint16_t)(i + 1);
        const fn_status s = fn_builder_init(ctx, &b->kids[i], base->phys == FN_PHYS_ARRAY ? base->items : base->args[i]);
        if (s != FN_OK) {
            fn_builder_release(b);
            return s;
        }
    }
    return FN_OK;
}

void fn_builder_release(fn_builder *b)
{
    fn_buf_release(&b->values);
    fn_buf_release(&b->offsets);
    fn_buf_release(&b->nulls);
    for (unsigned i = 0; i < b->kid_count; i++) fn_builder_release(&b->kids[i]);
    fn_free(b->kids);
    b->kids = NULL;
    b->kid_count = 0;
    b->rows = 0;
}

static bool has_offsets(const fn_builder *b)
{
    return b->type->phys == FN_PHYS_STRING || b->type->phys == FN_PHYS_ARRAY;
}

/* Offsets begin with a 0. */
static fn_status begin_offsets(fn_ctx *ctx, fn_builder *b)
{
    const uint32_t zero = 0;
    return FN_LIKELY(b->offsets.size) ? FN_OK : fn_buf_append(ctx, &b->offsets, &zero, sizeof zero);
}

fn_status fn_builder_reserve(fn_ctx *ctx, fn_builder *b, uint32_t rows)
{
    if (has_offsets(b)) {
        FN_TRY(begin_offsets(ctx, b));
        FN_TRY(fn_buf_reserve(ctx, &b->offsets, (size_t)rows * sizeof(uint32_t)));
    } else if (b->type->width) {
        FN_TRY(fn_buf_reserve(ctx, &b->values, (size_t)rows * b->type->width));
    }
    return fn_type_is_nullable(b->type) ? fn_buf_reserve(ctx, &b->nulls, rows) : FN_OK;
}

static void release_adopted(fn_buffer *buffer)
{
    fn_buf bytes = {.data = buffer->owner, .size = buffer->size, .capacity = buffer->charged};
    fn_buf_release(&bytes);
    fn_free(buffer);
}

fn_buffer *column_adopt(fn_ctx *ctx, fn_buf *bytes)
{
    if (!bytes->data && fn_buf_reserve(ctx, bytes, 64) != FN_OK) return NULL; /* so that the pad exists */
    if (fn_tracker_charge(ctx, ctx->memory, bytes->capacity) != FN_OK) return NULL;
    fn_buffer *b = fn_alloc_zero(ctx, sizeof *b);
    if (!b) {
        fn_tracker_release(ctx->memory, bytes->capacity);
        return NULL;
    }
    b->data = (uint8_t *)bytes->data;
    b->size = bytes->size;
    b->memory = ctx->memory;
    b->charged = bytes->capacity;
    b->release = release_adopted;
    b->owner = bytes->data;
    atomic_store_explicit(&b->refs, 1, memory_order_relaxed);
    *bytes = FN_BUF_INIT;
    return b;
}

static fn_status finish_into(fn_ctx *ctx, fn_builder *b, fn_column *c)
{
    if (b->any_null) {
        c->own[2] = column_adopt(ctx, &b->nulls);
        FN_TRY_PTR(ctx, c->own[2]);
        c->nulls = c->own[2]->data;
    }
    if (has_offsets(b)) {
        FN_TRY(begin_offsets(ctx, b));
        c->own[1] = column_adopt(ctx, &b->offsets);
        FN_TRY_PTR(ctx, c->own[1]);
        c->offsets = (const uint32_t *)(const void *)c->own[1]->data;
    }
    for (unsigned i = 0; i < b->kid_count; i++) FN_TRY(fn_builder_finish(ctx, &b->kids[i], &c->kids[i]));
    if (b->kid_count || b->type->phys == FN_PHYS_NOTHING) return FN_OK;
    c->own[0] = column_adopt(ctx, &b->values);
    FN_TRY_PTR(ctx, c->own[0]);
    c->values = c->own[0]->data;
    return FN_OK;
}

fn_status fn_builder_finish(fn_ctx *ctx, fn_builder *b, fn_column **out)
{
    fn_column *c = column_new(ctx, b->type, FN_FLAT, b->rows, b->kid_count);
    FN_TRY_PTR(ctx, c);
    const fn_status status = finish_into(ctx, b, c);
    if (status != FN_OK) {
        fn_column_drop(c);
        return status;
    }
    b->rows = 0;
    b->any_null = false;
    b->values.size = b->offsets.size = b->nulls.size = 0;
    *out = c;
    return FN_OK;
}

void fn_builder_truncate(fn_builder *b, uint32_t rows)
{
    if (rows > b->rows) return;
    b->rows = rows; /* also without a row too many: what a row that failed has left goes */
    if (b->nulls.size > rows) b->nulls.size = rows;
    uint32_t kid_rows = rows;
    if (has_offsets(b) && b->offsets.size) {
        b->offsets.size = ((size_t)rows + 1) * sizeof(uint32_t);
        kid_rows = fn_load_u32(b->offsets.data + (size_t)rows * sizeof(uint32_t));
        if (b->type->phys == FN_PHYS_STRING) b->values.size = kid_rows;
    } else if (b->type->width) {
        b->values.size = (size_t)rows * b->type->width;
    }
    for (unsigned i = 0; i < b->kid_count; i++) fn_builder_truncate(&b->kids[i], kid_rows);
}

/* Row numbers have 32 bits. */
static fn_status room_for(fn_ctx *ctx, const fn_builder *b, uint32_t rows)
{
    if (FN_LIKELY(rows <= UINT32_MAX - b->rows)) return FN_OK;
    return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "Column chunk is too large: it cannot have %llu rows or items", (unsigned long long)b->rows + rows);
}

/* The row's null flag (nullable types only), and the row itself counted. */
static fn_status close_row(fn_ctx *ctx, fn_builder *b, bool is_null)
{
    FN_TRY(room_for(ctx, b, 1));
    if (fn_type_is_nullable(b->type)) FN_TRY(fn_buf_byte(ctx, &b->nulls, (char)is_null));
    b->any_null |= is_null;
    b->rows++;
    return FN_OK;
}

static fn_status append_offset(fn_ctx *ctx, fn_builder *b, size_t end)
{
    FN_TRY(begin_offsets(ctx, b));
    if (FN_UNLIKELY(end > UINT32_MAX))
        return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "Column chunk is too large: %zu bytes or items, maximum is 4 GiB", end);
    const uint32_t offset = (uint32_t)end;
    return fn_buf_append(ctx, &b->offsets, &offset, sizeof offset);
}

/* Value bytes of a default or of the value under a NULL. */
static fn_status append_default(fn_ctx *ctx, fn_builder *b)
{
    const fn_type *base = fn_type_base(b->type);
    if (base->phys == FN_PHYS_STRING) return append_offset(ctx, b, b->values.size);
    if (base->phys == FN_PHYS_ARRAY) return append_offset(ctx, b, b->kids[0].rows);
    if (base->phys == FN_PHYS_TUPLE) {
        for (unsigned i = 0; i < b->kid_count; i++) FN_TRY(fn_builder_default(ctx, &b->kids[i]));
        return FN_OK;
    }
    FN_TRY(fn_buf_reserve(ctx, &b->values, base->width));
    memset(b->values.data + b->values.size, 0, base->width);
    if (base->id == FN_T_ENUM8 && base->enum_count) b->values.data[b->values.size] = (char)base->enum_values[0].value;
    if (base->id == FN_T_ENUM16 && base->enum_count)
        fn_store_i16(b->values.data + b->values.size, base->enum_values[0].value);
    b->values.size += base->width;
    return FN_OK;
}

fn_status fn_builder_null(fn_ctx *ctx, fn_builder *b)
{
    FN_ASSERT(fn_type_is_nullable(b->type) || b->type->id == FN_T_NOTHING);
    FN_TRY(append_default(ctx, b));
    return close_row(ctx, b, true);
}

fn_status fn_builder_default(fn_ctx *ctx, fn_builder *b)
{
    if (fn_type_is_nullable(b->type)) return fn_builder_null(ctx, b);
    FN_TRY(append_default(ctx, b));
    return close_row(ctx, b, false);
}

fn_status fn_builder_fixed(fn_ctx *ctx, fn_builder *b, const void *value)
{
    FN_TRY(fn_buf_append(ctx, &b->values, value, b->type->width));
    return close_row(ctx, b, false);
}

fn_status fn_builder_str(fn_ctx *ctx, fn_builder *b, fn_str value)
{
    if (b->type->phys == FN_PHYS_FIXED) {
        const size_t width = b->type->width;
        if (value.size > width)
            return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "Too large value for %s: %zu bytes", b->type->name, value.size);
        FN_TRY(fn_buf_reserve(ctx, &b->values, width));
        if (fn_type_is_nullable(b->type)) FN_TRY(fn_buf_reserve(ctx, &b->nulls, 1));
        FN_TRY(fn_buf_append(ctx, &b->values, value.data, value.size));
        memset(b->values.data + b->values.size, 0, width - value.size);
        b->values.size += width - value.size;
        return close_row(ctx, b, false);
    }
    FN_DEBUG_ASSERT(b->type->phys == FN_PHYS_STRING);
    FN_TRY(fn_buf_reserve(ctx, &b->values, value.size)); /* first: a row is there as a whole or not at all */
    if (fn_type_is_nullable(b->type)) FN_TRY(fn_buf_reserve(ctx, &b->nulls, 1));
    FN_TRY(append_offset(ctx, b, b->values.size + value.size));
    FN_TRY(fn_buf_append(ctx, &b->values, value.data, value.size));
    return close_row(ctx, b, false);
}

fn_status fn_builder_close_array(fn_ctx *ctx, fn_builder *b)
{
    FN_TRY(append_offset(ctx, b, b->kids[0].rows));
    return close_row(ctx, b, false);
}

fn_status fn_builder_close_tuple(fn_ctx *ctx, fn_builder *b)
{
    for (unsigned i = 0; i < b->kid_count; i++) FN_DEBUG_ASSERT(b->kids[i].rows == b->rows + 1);
    return close_row(ctx, b, false);
}

fn_status fn_builder_copy(fn_ctx *ctx, fn_builder *b, const fn_column *c, size_t row)
{
    if (fn_column_is_null(c, row)) return fn_builder_null(ctx, b);
    c = fn_column_at(c, &row);
    switch (fn_type_base(b->type)->phys) {
    case FN_PHYS_STRING: return fn_builder_str(ctx, b, fn_column_str_at(c, row));
    case FN_PHYS_ARRAY:
        FN_TRY(fn_builder_copy_range(ctx, &b->kids[0], c->kids[0], c->offsets[row], c->offsets[row + 1] - c->offsets[row]));
        return fn_builder_close_array(ctx, b);
    case FN_PHYS_TUPLE:
        for (unsigned i = 0; i < b->kid_count; i++) FN_TRY(fn_builder_copy(ctx, &b->kids[i], c->kids[i], row));
        return fn_builder_close_tuple(ctx, b);
    case FN_PHYS_NOTHING: return fn_builder_default(ctx, b);
    case FN_PHYS_U8: case FN_PHYS_U16: case FN_PHYS_U32: case FN_PHYS_U64: case FN_PHYS_U128: case FN_PHYS_U256:
    case FN_PHYS_I8: case FN_PHYS_I16: case FN_PHYS_I32: case FN_PHYS_I64: case FN_PHYS_I128: case FN_PHYS_I256:
    case FN_PHYS_F32: case FN_PHYS_F64: case FN_PHYS_FIXED: break;
    }
    return fn_builder_fixed(ctx, b, c->values + row * c->type->width);
}

fn_status fn_builder_copy_range(fn_ctx *ctx, fn_builder *b, const fn_column *c, size_t from, uint32_t rows)
{
    if (c->shape == FN_FLAT && b->type->width && !c->nulls) { /* fixed width: one copy */
        FN_TRY(room_for(ctx, b, rows));
        FN_TRY(fn_buf_append(ctx, &b->values, c->values + from * c->type->width, (size_t)rows * c->type->width));
        if (fn_type_is_nullable(b->type)) {
            FN_TRY(fn_buf_reserve(ctx, &b->nulls, rows));
            memset(b->nulls.data + b->nulls.size, 0, rows);
            b->nulls.size += rows;
        }
        b->rows += rows;
        return FN_OK;
    }
    for (uint32_t i = 0; i < rows; i++) FN_TRY(fn_builder_copy(ctx, b, c, from + i));
    return FN_OK;
}
