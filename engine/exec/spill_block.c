/* spill_block.c - see spill_block.h. A frame: rows, columns (u32 each), then each column, everything at multiples of 8 bytes from the
 * frame's beginning, so that columns read back point into the frame's buffer. A column: a word of flags; null map; offsets (u32, from
 * 0, one more than rows) and their end; values or the columns inside. A CONST column is its one value.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/spill_block.h"

enum { HAS_NULLS = 1, IS_CONST = 2 };

/* ---- sizes ---- */

static uint64_t column_bytes(const fn_column *c, size_t from, size_t rows);

/* Of `rows` stored values. */
static uint64_t flat_bytes(const fn_column *c, size_t from, size_t rows)
{
    uint64_t bytes = c->nulls ? rows : 0;
    if (c->offsets) {
        const size_t first = c->offsets[from], end = c->offsets[from + rows];
        bytes += rows * 4;
        return bytes + (c->kid_count ? column_bytes(c->kids[0], first, end - first) : end - first);
    }
    for (unsigned k = 0; k < c->kid_count; k++) bytes += column_bytes(c->kids[k], from, rows);
    return bytes + rows * c->type->width;
}

static uint64_t column_bytes(const fn_column *c, size_t from, size_t rows)
{
    const fn_column *d = c->shape == FN_DICT ? c->kids[0] : NULL;
    if (c->shape == FN_CONST) return rows * flat_bytes(c, 0, 1);
    if (!d) return flat_bytes(c, from, rows);
    return (c->nulls ? rows : 0) + rows * (d->rows ? (flat_bytes(d, 0, d->rows) + d->rows - 1) / d->rows : 0);
}

uint64_t spill_block_bytes(const fn_block *b)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < b->count; i++) bytes += column_bytes(b->columns[i], 0, b->rows);
    return bytes;
}

/* ---- writing ---- */

static fn_status put(fn_ctx *ctx, fn_buf *out, const void *bytes, size_t size)
{
    static const uint64_t zero = 0;
    if (size) FN_TRY(fn_buf_append(ctx, out, bytes, size));
    return size % 8 ? fn_buf_append(ctx, out, &zero, 8 - size % 8) : FN_OK;
}

static fn_status put_offsets(fn_ctx *ctx, fn_buf *out, const uint32_t *offsets, size_t rows)
{
    FN_TRY(fn_buf_reserve(ctx, out, (rows + 2) * 4));
    uint8_t *at = (uint8_t *)out->data + out->size;
    for (size_t i = 0; i <= rows; i++) fn_store_u32(at + 4 * i, offsets[i] - offsets[0]);
    if (rows % 2 == 0) fn_store_u32(at + 4 * (rows + 1), 0);
    out->size += fn_round_up((rows + 1) * 4, 8);
    return FN_OK;
}

/* Rows of a FLAT column or the one value of a CONST one. */
static fn_status put_column(fn_ctx *ctx, fn_buf *out, const fn_column *c, size_t from, size_t rows)
{
    const uint64_t flags = (c->nulls ? HAS_NULLS : 0) | (c->shape == FN_CONST ? IS_CONST : 0);
    FN_TRY(put(ctx, out, &flags, 8));
    if (c->nulls) FN_TRY(put(ctx, out, c->nulls + from, rows));
    switch (c->type->phys) {
    case FN_PHYS_NOTHING: return FN_OK;
    case FN_PHYS_TUPLE:
        for (unsigned k = 0; k < c->kid_count; k++) FN_TRY(put_column(ctx, out, c->kids[k], from, rows));
        return FN_OK;
    case FN_PHYS_STRING: case FN_PHYS_ARRAY: {
        const size_t first = c->offsets[from], size = c->offsets[from + rows] - first;
        FN_TRY(put_offsets(ctx, out, c->offsets + from, rows));
        return c->kid_count ? put_column(ctx, out, c->kids[0], first, size) : put(ctx, out, c->values + first, size);
    }
    case FN_PHYS_U8: case FN_PHYS_U16: case FN_PHYS_U32: case FN_PHYS_U64: case FN_PHYS_U128: case FN_PHYS_U256: case FN_PHYS_I8: case FN_PHYS_I16:
    case FN_PHYS_I32: case FN_PHYS_I64: case FN_PHYS_I128: case FN_PHYS_I256: case FN_PHYS_F32: case FN_PHYS_F64: case FN_PHYS_FIXED:
        return put(ctx, out, c->values + from * c->type->width, rows * c->type->width);
    }
    FN_IMPOSSIBLE("physical type");
}

fn_status spill_block_write(fn_ctx *ctx, spill_file *f, const fn_block *b, fn_buf *scratch, spill_frame *out)
{
    const uint32_t head[2] = {b->rows, b->count};
    scratch->size = 0;
    FN_TRY(put(ctx, scratch, head, sizeof head));
    for (uint32_t i = 0; i < b->count; i++) {
        const fn_column *c = b->columns[i];
        fn_column *flat = NULL;
        if (c->shape == FN_DICT) {
            flat = fn_column_flatten(ctx, c);
            FN_TRY_PTR(ctx, flat);
        }
        const fn_status status = put_column(ctx, scratch, flat ? flat : c, 0, c->shape == FN_CONST ? 1 : b->rows);
        fn_column_drop(flat);
        FN_TRY(status);
    }
    if (scratch->size > SPILL_FRAME_MAX)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "A block of %zu bytes in a temporary file is not supported, maximum is %d", scratch->size, SPILL_FRAME_MAX);
    return spill_file_append(ctx, f, scratch->data, scratch->size, out);
}

/* ---- reading ---- */

typedef struct cursor {
    fn_buffer *frame;
    size_t at;
} cursor;

/* A buffer over `size` bytes of the frame; it keeps the frame. */
static void view_release(fn_buffer *b)
{
    fn_buffer_drop(b->owner);
    fn_free(b);
}

static const uint8_t *skip(fn_ctx *ctx, cursor *in, size_t size)
{
    const size_t whole = fn_round_up(size, 8);
    if (whole < size || whole > in->frame->size - in->at) {
        (void)fn_fail(ctx, FN_INCORRECT_DATA, "Temporary file: a frame ends inside a column");
        return NULL;
    }
    const uint8_t *p = in->frame->data + in->at;
    in->at += whole;
    return p;
}

static fn_buffer *view(fn_ctx *ctx, cursor *in, size_t size)
{
    const uint8_t *p = skip(ctx, in, size);
    fn_buffer *b = p ? fn_alloc_zero(ctx, sizeof *b) : NULL;
    if (!b) return NULL;
    *b = (fn_buffer){.data = (uint8_t *)(uintptr_t)p, .size = size, .release = view_release, .owner = fn_buffer_ref(in->frame)};
    atomic_store_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

static fn_column *get_column(fn_ctx *ctx, cursor *in, const fn_type *type, size_t rows);

static fn_column *get_tuple(fn_ctx *ctx, cursor *in, const fn_type *type, size_t rows)
{
    const fn_type *base = fn_type_base(type);
    fn_column **kids = fn_alloc_zero(ctx, (base->arg_count + 1) * sizeof *kids), *out = NULL;
    unsigned made = 0;
    while (kids && made < base->arg_count && (kids[made] = get_column(ctx, in, base->args[made], rows)) != NULL) made++;
    if (kids && made == base->arg_count) out = fn_column_tuple(ctx, base, (uint32_t)rows, kids);
    while (made) fn_column_drop(kids[--made]);
    fn_free(kids);
    return out;
}

/* Without nulls. */
static fn_column *get_values(fn_ctx *ctx, cursor *in, const fn_type *type, size_t rows)
{
    fn_buffer *offsets = NULL, *bytes = NULL;
    if (type->phys == FN_PHYS_TUPLE) return get_tuple(ctx, in, type, rows);
    if (type->phys == FN_PHYS_NOTHING) return fn_column_fixed(ctx, type, (uint32_t)rows, NULL, NULL);
    if (type->phys != FN_PHYS_STRING && type->phys != FN_PHYS_ARRAY) {
        bytes = view(ctx, in, rows * type->width);
        return bytes ? fn_column_fixed(ctx, type, (uint32_t)rows, bytes, NULL) : NULL;
    }
    offsets = view(ctx, in, (rows + 1) * 4);
    if (!offsets) return NULL;
    const uint32_t size = fn_load_u32(offsets->data + 4 * rows);
    if (type->phys == FN_PHYS_STRING) {
        bytes = view(ctx, in, size);
        if (bytes) return fn_column_string(ctx, type, (uint32_t)rows, bytes, offsets, NULL);
    } else {
        fn_column *items = get_column(ctx, in, fn_type_base(type)->items, size);
        if (items) return fn_column_array(ctx, fn_type_base(type), (uint32_t)rows, offsets, items);
    }
    fn_buffer_drop(offsets);
    return NULL;
}

static fn_column *get_column(fn_ctx *ctx, cursor *in, const fn_type *type, size_t rows)
{
    const uint8_t *head = skip(ctx, in, 8);
    if (!head) return NULL;
    const uint64_t flags = fn_load_u64(head);
    const size_t stored = flags & IS_CONST ? 1 : rows;
    fn_buffer *nulls = NULL;
    if (flags & HAS_NULLS) {
        nulls = view(ctx, in, stored);
        if (!nulls) return NULL;
    }
    fn_column *values = get_values(ctx, in, type, stored), *out = values;
    if (!values) {
        fn_buffer_drop(nulls);
        return NULL;
    }
    if (nulls || values->type != type) {
        out = nulls ? fn_column_with_nulls(ctx, values, type, nulls) : fn_column_retype(ctx, values, type);
        fn_column_drop(values);
    }
    if (out && flags & IS_CONST) { /* still ours alone */
        out->shape = FN_CONST;
        out->rows = (uint32_t)rows;
    }
    return out;
}

fn_status spill_block_read(fn_ctx *ctx, const spill_file *f, const spill_frame *frame, const fn_type *const *types, uint32_t count, fn_block **out)
{
    cursor in = {.at = 0};
    FN_TRY(spill_file_read(ctx, f, frame, &in.frame));
    const uint8_t *head = skip(ctx, &in, 8);
    fn_block *b = NULL;
    if (head && fn_load_u32(head + 4) != count) (void)fn_fail(ctx, FN_INCORRECT_DATA, "Temporary file: a frame has %u columns instead of %u", fn_load_u32(head + 4), count);
    else if (head) b = fn_block_new(ctx, count, fn_load_u32(head));
    bool whole = b != NULL;
    for (uint32_t i = 0; i < count && whole; i++) {
        b->columns[i] = get_column(ctx, &in, types[i], b->rows);
        whole = b->columns[i] != NULL;
    }
    fn_buffer_drop(in.frame);
    if (!whole) {
        fn_block_drop(b);
        return ctx->error.code;
    }
    *out = b;
    return FN_OK;
}
