/* take.c - gathering rows: take, filter, flatten. The one place where values move.
 * SPDX-License-Identifier: Apache-2.0 */
#include "column/column_make.h"
#include <firn/block.h>
#include <string.h>

#define GATHER(T)                                                                                  \
    do {                                                                                           \
        T *restrict to = (T *)(void *)out;                                                         \
        const T *restrict from = (const T *)(const void *)in;                                      \
        for (uint32_t i = 0; i < count; i++) to[i] = from[rows[i]];                                \
    } while (0)

void column_gather(uint8_t *out, const uint8_t *in, size_t width, const uint32_t *rows, uint32_t count)
{
    switch (width) {
    case 1: GATHER(uint8_t); return;
    case 2: GATHER(uint16_t); return;
    case 4: GATHER(uint32_t); return;
    case 8: GATHER(uint64_t); return;
    default:
        for (uint32_t i = 0; i < count; i++) memcpy(out + i * width, in + rows[i] * width, width);
    }
}
#undef GATHER

static fn_buffer *take_fixed(fn_ctx *ctx, const uint8_t *in, size_t width, const uint32_t *rows, uint32_t count)
{
    fn_buffer *b = fn_buffer_new(ctx, width * count);
    if (b) column_gather(b->data, in, width, rows, count);
    return b;
}

/* New offsets of the taken rows; *total = bytes or items. NULL + error when it passes 4 GiB. */
static fn_buffer *take_offsets(fn_ctx *ctx, const uint32_t *offsets, const uint32_t *rows, uint32_t count, uint32_t *total)
{
    fn_buffer *b = fn_buffer_new(ctx, ((size_t)count + 1) * sizeof(uint32_t));
    if (!b) return NULL;
    uint32_t *out = (uint32_t *)(void *)b->data;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = (uint32_t)sum;
        sum += offsets[rows[i] + 1] - offsets[rows[i]];
    }
    if (sum > UINT32_MAX) {
        fn_buffer_drop(b);
        (void)fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "Column chunk is too large: %llu bytes or items, maximum is 4 GiB",
                      (unsigned long long)sum);
        return NULL;
    }
    out[count] = (uint32_t)sum;
    *total = (uint32_t)sum;
    return b;
}

static fn_status take_string(fn_ctx *ctx, const fn_column *c, const uint32_t *rows, uint32_t count, fn_column *out)
{
    uint32_t total;
    fn_buffer *offsets = take_offsets(ctx, c->offsets, rows, count, &total);
    FN_TRY_PTR(ctx, offsets);
    out->own[1] = offsets;
    fn_buffer *bytes = fn_buffer_new(ctx, total);
    FN_TRY_PTR(ctx, bytes);
    column_own(out, bytes, offsets, out->own[2]);
    uint8_t *to = bytes->data;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t from = c->offsets[rows[i]], size = c->offsets[rows[i] + 1] - from;
        if (size <= 16) memcpy(to, c->values + from, 16); /* both sides have 64 spare bytes behind */
        else memcpy(to, c->values + from, size);
        to += size;
    }
    return FN_OK;
}

static fn_status take_array(fn_ctx *ctx, const fn_column *c, const uint32_t *rows, uint32_t count, fn_column *out)
{
    uint32_t total;
    fn_buffer *offsets = take_offsets(ctx, c->offsets, rows, count, &total);
    FN_TRY_PTR(ctx, offsets);
    column_own(out, NULL, offsets, out->own[2]);
    fn_buffer *list = fn_buffer_new(ctx, (size_t)total * sizeof(uint32_t));
    FN_TRY_PTR(ctx, list);
    uint32_t *items = (uint32_t *)(void *)list->data;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t at = c->offsets[rows[i]]; at < c->offsets[rows[i] + 1]; at++) *items++ = at;
    out->kids[0] = fn_column_take(ctx, c->kids[0], (const uint32_t *)(const void *)list->data, total);
    fn_buffer_drop(list);
    return out->kids[0] ? FN_OK : ctx->error.code;
}

static fn_status take_into(fn_ctx *ctx, const fn_column *c, const uint32_t *rows, uint32_t count, fn_column *out)
{
    if (c->nulls) {
        out->own[2] = take_fixed(ctx, c->nulls, 1, rows, count);
        FN_TRY_PTR(ctx, out->own[2]);
        out->nulls = out->own[2]->data;
    }
    if (c->type->phys == FN_PHYS_STRING) return take_string(ctx, c, rows, count, out);
    if (c->type->phys == FN_PHYS_ARRAY) return take_array(ctx, c, rows, count, out);
    if (c->type->phys == FN_PHYS_TUPLE) {
        for (unsigned i = 0; i < c->kid_count; i++) {
            out->kids[i] = fn_column_take(ctx, c->kids[i], rows, count);
            FN_TRY_PTR(ctx, out->kids[i]);
        }
        return FN_OK;
    }
    if (c->type->phys == FN_PHYS_NOTHING) return FN_OK;
    fn_buffer *values = take_fixed(ctx, c->values, c->type->width, rows, count);
    FN_TRY_PTR(ctx, values);
    column_own(out, values, NULL, out->own[2]);
    return FN_OK;
}

fn_column *column_take_flat(fn_ctx *ctx, const fn_column *c, const uint32_t *rows, uint32_t count)
{
    fn_column *out = column_new(ctx, c->type, FN_FLAT, count, c->kid_count);
    if (!out) return NULL;
    if (take_into(ctx, c, rows, count, out) == FN_OK) return out;
    fn_column_drop(out);
    return NULL;
}

static fn_column *take_dict(fn_ctx *ctx, const fn_column *c, const uint32_t *rows, uint32_t count)
{
    fn_buffer *nulls = NULL;
    fn_buffer *codes = take_fixed(ctx, c->values, c->code_width, rows, count);
    if (codes && c->nulls) {
        nulls = take_fixed(ctx, c->nulls, 1, rows, count);
        if (!nulls) fn_buffer_drop(codes);
    }
    if (!codes || (c->nulls && !nulls)) return NULL;
    return fn_column_dict(ctx, c->type, count, c->code_width, codes, c->kids[0], nulls);
}

fn_column *fn_column_take(fn_ctx *ctx, const fn_column *c, const uint32_t *rows, uint32_t count)
{
    if (c->shape == FN_CONST) return column_shallow(ctx, c, c->type, count);
    if (c->shape == FN_DICT) return take_dict(ctx, c, rows, count);
    return column_take_flat(ctx, c, rows, count);
}

/* Positions of the ones in mask. */
static fn_buffer *mask_rows(fn_ctx *ctx, const uint8_t *mask, uint32_t rows, uint32_t kept)
{
    fn_buffer *b = fn_buffer_new(ctx, ((size_t)kept + 8) * sizeof(uint32_t));
    if (!b) return NULL;
    const size_t n = fn_mask_positions(mask, rows, (uint32_t *)(void *)b->data);
    FN_ASSERT(n == kept);
    return b;
}

/* Where nearly all rows are kept: eight at a time are copied, and only among others is looked for the ones that go. */
#define PACK(T)                                                                                    \
    do {                                                                                           \
        T *to = (T *)(void *)out;                                                                  \
        const T *from = (const T *)(const void *)in;                                               \
        uint32_t i = 0;                                                                            \
        for (; i + 8 <= rows; i += 8) {                                                            \
            if (fn_load_u64(mask + i) == 0x0101010101010101u) {                                    \
                memcpy(to, from + i, 8 * sizeof(T));                                               \
                to += 8;                                                                           \
                continue;                                                                          \
            }                                                                                      \
            for (uint32_t k = i; k < i + 8; k++) { /* the last write may go into the pad */        \
                *to = from[k];                                                                     \
                to += mask[k];                                                                     \
            }                                                                                      \
        }                                                                                          \
        for (; i < rows; i++) {                                                                    \
            *to = from[i];                                                                         \
            to += mask[i];                                                                         \
        }                                                                                          \
    } while (0)

static fn_buffer *pack_fixed(fn_ctx *ctx, const uint8_t *in, size_t width, const uint8_t *mask, uint32_t rows, uint32_t kept)
{
    fn_buffer *b = fn_buffer_new(ctx, width * kept);
    if (!b) return NULL;
    uint8_t *out = b->data;
    switch (width) {
    case 1: PACK(uint8_t); break;
    case 2: PACK(uint16_t); break;
    case 4: PACK(uint32_t); break;
    default: PACK(uint64_t); break;
    }
    return b;
}

/* A mask at work on the columns of a block. */
typedef struct filtering {
    const uint8_t *mask;
    uint32_t rows, kept;
    fn_buffer *list; /* positions of the kept rows, made when first needed */
} filtering;

static bool is_packed(const filtering *f, const fn_column *c)
{
    const size_t width = c->shape == FN_DICT ? c->code_width : c->type->width;
    if (f->kept < f->rows / 4 * 3) return false;
    return (c->shape == FN_DICT || c->kid_count == 0) && (width == 1 || width == 2 || width == 4 || width == 8) &&
           (c->shape == FN_DICT || (c->type->phys != FN_PHYS_STRING && c->type->phys != FN_PHYS_NOTHING));
}

static fn_column *pack_column(fn_ctx *ctx, const filtering *f, const fn_column *c)
{
    const size_t width = c->shape == FN_DICT ? c->code_width : c->type->width;
    fn_buffer *nulls = c->nulls ? pack_fixed(ctx, c->nulls, 1, f->mask, f->rows, f->kept) : NULL;
    if (c->nulls && !nulls) return NULL;
    fn_buffer *values = pack_fixed(ctx, c->values, width, f->mask, f->rows, f->kept);
    if (!values) {
        fn_buffer_drop(nulls);
        return NULL;
    }
    if (c->shape == FN_DICT) return fn_column_dict(ctx, c->type, f->kept, c->code_width, values, c->kids[0], nulls);
    return fn_column_fixed(ctx, c->type, f->kept, values, nulls);
}

static fn_column *filter_column(fn_ctx *ctx, filtering *f, const fn_column *c)
{
    if (f->kept == c->rows) return fn_column_ref(c);
    if (c->shape == FN_CONST) return column_shallow(ctx, c, c->type, f->kept);
    if (is_packed(f, c)) return pack_column(ctx, f, c);
    if (!f->list) f->list = mask_rows(ctx, f->mask, f->rows, f->kept);
    return f->list ? fn_column_take(ctx, c, (const uint32_t *)(const void *)f->list->data, f->kept) : NULL;
}

fn_column *fn_column_filter(fn_ctx *ctx, const fn_column *c, const uint8_t *mask, uint32_t kept)
{
    filtering f = {mask, c->rows, kept, NULL};
    fn_column *out = filter_column(ctx, &f, c);
    fn_buffer_drop(f.list);
    return out;
}

fn_block *fn_block_filter(fn_ctx *ctx, const fn_block *b, const uint8_t *mask, uint32_t kept)
{
    if (kept == b->rows) return fn_block_ref(b);
    filtering f = {mask, b->rows, kept, NULL};
    fn_block *out = fn_block_new(ctx, b->count, kept);
    for (uint32_t i = 0; out && i < b->count; i++) {
        out->columns[i] = filter_column(ctx, &f, b->columns[i]);
        if (out->columns[i]) continue;
        fn_block_drop(out);
        out = NULL;
    }
    fn_buffer_drop(f.list);
    return out;
}

/* Codes or constant zeros as u32 row numbers of the column that stores the values. */
static fn_buffer *stored_rows(fn_ctx *ctx, const fn_column *c)
{
    if (c->shape == FN_CONST) return fn_buffer_new_zero(ctx, (size_t)c->rows * sizeof(uint32_t));
    fn_buffer *b = fn_buffer_new(ctx, (size_t)c->rows * sizeof(uint32_t));
    if (!b) return NULL;
    uint32_t *out = (uint32_t *)(void *)b->data;
    if (c->code_width == 1)
        for (uint32_t i = 0; i < c->rows; i++) out[i] = c->values[i];
    else if (c->code_width == 2)
        for (uint32_t i = 0; i < c->rows; i++) out[i] = fn_load_u16(c->values + 2 * (size_t)i);
    else memcpy(out, c->values, (size_t)c->rows * sizeof(uint32_t));
    return b;
}

static bool is_flat(const fn_column *c)
{
    if (c->shape != FN_FLAT) return false;
    for (unsigned i = 0; i < c->kid_count; i++)
        if (!is_flat(c->kids[i])) return false;
    return true;
}

/* A FLAT column some kid of which is not. */
static fn_column *flatten_kids(fn_ctx *ctx, const fn_column *c)
{
    fn_column *out = column_shallow(ctx, c, c->type, c->rows);
    if (!out) return NULL;
    for (unsigned i = 0; i < c->kid_count; i++) {
        fn_column *kid = fn_column_flatten(ctx, c->kids[i]);
        if (!kid) {
            fn_column_drop(out);
            return NULL;
        }
        fn_column_drop(out->kids[i]);
        out->kids[i] = kid;
    }
    return out;
}

fn_column *fn_column_flatten(fn_ctx *ctx, const fn_column *c)
{
    if (c->shape == FN_FLAT) return is_flat(c) ? fn_column_ref(c) : flatten_kids(ctx, c);
    fn_buffer *rows = stored_rows(ctx, c);
    if (!rows) return NULL;
    const fn_column *stored = c->shape == FN_DICT ? c->kids[0] : c;
    fn_column *out = column_take_flat(ctx, stored, (const uint32_t *)(const void *)rows->data, c->rows);
    fn_buffer_drop(rows);
    if (!out) return NULL;
    if (c->shape == FN_DICT) {
        out->type = c->type;
        out->own[2] = fn_buffer_ref(c->own[2]);
        out->nulls = c->nulls;
    }
    if (is_flat(out)) return out;
    fn_column *deep = flatten_kids(ctx, out);
    fn_column_drop(out);
    return deep;
}
