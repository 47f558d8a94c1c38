/* part_node.c - types as trees of streams; checksums; saved columns. See part_layout.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/part_layout.h"

enum { DEPTH_MAX = 32 };

fn_hash128 part_checksum(const void *bytes, size_t size, fn_part_id id, uint32_t column_id, uint32_t number)
{
    const fn_hash128 digest = fn_hash_bytes128(bytes, size);
    const uint64_t bound[5] = {digest.low, digest.high, id.high, id.low, (uint64_t)column_id << 32 | number};
    return fn_hash_bytes128(bound, sizeof bound);
}

static node_kind kind_of(const fn_type *base)
{
    switch (base->phys) {
    case FN_PHYS_STRING: return NODE_TEXT;
    case FN_PHYS_ARRAY: return NODE_ARRAY;
    case FN_PHYS_TUPLE: return NODE_TUPLE;
    case FN_PHYS_NOTHING: return NODE_NOTHING;
    case FN_PHYS_U8: case FN_PHYS_U16: case FN_PHYS_U32: case FN_PHYS_U64: case FN_PHYS_U128: case FN_PHYS_U256:
    case FN_PHYS_I8: case FN_PHYS_I16: case FN_PHYS_I32: case FN_PHYS_I64: case FN_PHYS_I128: case FN_PHYS_I256:
    case FN_PHYS_F32: case FN_PHYS_F64: case FN_PHYS_FIXED: break;
    }
    return NODE_FIXED;
}

static fn_status build(fn_ctx *ctx, const fn_type *type, part_node *out, uint32_t *streams, unsigned depth)
{
    if (depth > DEPTH_MAX) return fn_fail(ctx, FN_TOO_DEEP_RECURSION, "Type %s is nested too deeply to be stored", type->name);
    const fn_type *base = fn_type_base(type);
    *out = (part_node){.type = type, .base = base, .kind = kind_of(base), .nullable = fn_type_is_nullable(type) && base->phys != FN_PHYS_NOTHING};
    if (out->nullable) out->null_stream = (*streams)++;
    if (out->kind == NODE_FIXED || out->kind == NODE_TEXT || out->kind == NODE_ARRAY) out->value_stream = (*streams)++;
    out->kid_count = out->kind == NODE_ARRAY ? 1 : out->kind == NODE_TUPLE ? base->arg_count : 0;
    if (!out->kid_count) return FN_OK;
    out->kids = FN_NEW_ARRAY(ctx, part_node, out->kid_count);
    FN_TRY_PTR(ctx, out->kids);
    for (uint32_t i = 0; i < out->kid_count; i++)
        FN_TRY(build(ctx, out->kind == NODE_ARRAY ? base->items : base->args[i], &out->kids[i], streams, depth + 1));
    return FN_OK;
}

fn_status part_node_build(fn_ctx *ctx, const fn_type *type, part_node *out, uint32_t *streams)
{
    return build(ctx, type, out, streams, 0);
}

enc_kind part_enc_kind(const fn_type *base)
{
    switch (base->phys) {
    case FN_PHYS_I8: case FN_PHYS_I16: case FN_PHYS_I32: case FN_PHYS_I64: case FN_PHYS_I128: case FN_PHYS_I256: return ENC_SIGNED;
    case FN_PHYS_U8: case FN_PHYS_U16: case FN_PHYS_U32: case FN_PHYS_U64: return ENC_UNSIGNED;
    case FN_PHYS_U128: case FN_PHYS_U256: return ENC_SIGNED; /* narrowed by sign: small values fit either way */
    case FN_PHYS_F32: case FN_PHYS_F64: return ENC_FLOAT;
    case FN_PHYS_FIXED: case FN_PHYS_STRING: case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    return ENC_OPAQUE;
}

bool part_has_range(const fn_type *base)
{
    enum { FIXED_MAX = 32 };
    if (base->id == FN_T_AGGREGATE_FUNCTION || base->id == FN_T_OTHER) return false;
    switch (base->phys) {
    case FN_PHYS_FIXED: return base->width <= FIXED_MAX;
    case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: return false;
    case FN_PHYS_U8: case FN_PHYS_U16: case FN_PHYS_U32: case FN_PHYS_U64: case FN_PHYS_U128: case FN_PHYS_U256:
    case FN_PHYS_I8: case FN_PHYS_I16: case FN_PHYS_I32: case FN_PHYS_I64: case FN_PHYS_I128: case FN_PHYS_I256:
    case FN_PHYS_F32: case FN_PHYS_F64: case FN_PHYS_STRING: break;
    }
    return true;
}

bool part_has_sum(const fn_type *base)
{
    return (fn_type_is_integer(base) || base->id == FN_T_DECIMAL || base->id == FN_T_BOOL) && base->width <= 8;
}

/* ---- saved columns ---- */

static fn_status save_lengths(fn_ctx *ctx, const fn_column *c, fn_buf *out)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        const uint32_t length = c->offsets[i + 1] - c->offsets[i];
        FN_TRY(fn_buf_append(ctx, out, &length, sizeof length));
    }
    return FN_OK;
}

static fn_status save_flat(fn_ctx *ctx, const fn_column *c, fn_buf *out)
{
    const node_kind kind = kind_of(fn_type_base(c->type));
    FN_TRY(fn_buf_byte(ctx, out, c->nulls != NULL));
    if (c->nulls) FN_TRY(fn_buf_append(ctx, out, c->nulls, c->rows));
    if (kind == NODE_FIXED) return fn_buf_append(ctx, out, c->values, (size_t)c->rows * c->type->width);
    if (kind == NODE_TEXT || kind == NODE_ARRAY) {
        if (c->rows == 0) return kind == NODE_TEXT ? FN_OK : fn_fail(ctx, FN_LOGICAL_ERROR, "No rows to save");
        FN_TRY(save_lengths(ctx, c, out));
        const uint32_t first = c->offsets[0], size = c->offsets[c->rows] - first;
        if (kind == NODE_TEXT) return fn_buf_append(ctx, out, c->values + first, size);
        FN_TRY(fn_buf_append(ctx, out, &size, sizeof size));
        fn_column *items = fn_column_slice(ctx, c->kids[0], first, size);
        FN_TRY_PTR(ctx, items);
        const fn_status status = size ? part_column_save(ctx, items, out) : FN_OK;
        fn_column_drop(items);
        return status;
    }
    for (unsigned i = 0; i < c->kid_count && kind == NODE_TUPLE; i++) {
        fn_column *kid = fn_column_slice(ctx, c->kids[i], 0, c->rows);
        FN_TRY_PTR(ctx, kid);
        const fn_status status = part_column_save(ctx, kid, out);
        fn_column_drop(kid);
        FN_TRY(status);
    }
    return FN_OK;
}

fn_status part_column_save(fn_ctx *ctx, const fn_column *column, fn_buf *out)
{
    fn_column *flat = fn_column_flatten(ctx, column);
    FN_TRY_PTR(ctx, flat);
    const fn_status status = save_flat(ctx, flat, out);
    fn_column_drop(flat);
    return status;
}

static fn_status cut(fn_ctx *ctx)
{
    return fn_fail(ctx, FN_CORRUPTED_DATA, "A saved column is cut off or inconsistent");
}

static fn_buffer *copy_bytes(fn_ctx *ctx, const uint8_t *bytes, size_t size)
{
    fn_buffer *b = fn_buffer_new(ctx, size);
    if (b && size) memcpy(b->data, bytes, size);
    return b;
}

/* u32 lengths to rows + 1 offsets; *total their sum. */
static fn_status load_offsets(fn_ctx *ctx, enc_in *in, uint32_t rows, fn_buffer **out, uint32_t *total)
{
    const uint8_t *lengths = enc_take(in, (uint64_t)rows * sizeof(uint32_t));
    if (!lengths) return cut(ctx);
    fn_buffer *b = fn_buffer_new(ctx, ((size_t)rows + 1) * sizeof(uint32_t));
    FN_TRY_PTR(ctx, b);
    uint64_t at = 0;
    for (uint32_t i = 0; i <= rows; i++) {
        fn_store_u32(b->data + i * sizeof(uint32_t), (uint32_t)at);
        if (i < rows) at += fn_load_u32(lengths + i * sizeof(uint32_t));
        if (at <= UINT32_MAX) continue;
        fn_buffer_drop(b);
        return cut(ctx);
    }
    *out = b;
    *total = (uint32_t)at;
    return FN_OK;
}

static fn_status load_text(fn_ctx *ctx, enc_in *in, const fn_type *type, uint32_t rows, fn_buffer *nulls_take, fn_column **out)
{
    fn_buffer *offsets = NULL;
    uint32_t total = 0;
    fn_status status = load_offsets(ctx, in, rows, &offsets, &total);
    const uint8_t *bytes = status == FN_OK ? enc_take(in, total) : NULL;
    if (status == FN_OK && !bytes) status = cut(ctx);
    fn_buffer *values = bytes ? copy_bytes(ctx, bytes, total) : NULL;
    if (!values) {
        fn_buffer_drop(offsets);
        fn_buffer_drop(nulls_take);
        return ctx->error.code;
    }
    *out = fn_column_string(ctx, type, rows, values, offsets, nulls_take);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status load_array(fn_ctx *ctx, enc_in *in, const fn_type *type, uint32_t rows, fn_column **out)
{
    fn_buffer *offsets;
    uint32_t total, items = 0;
    FN_TRY(load_offsets(ctx, in, rows, &offsets, &total));
    fn_column *kid = NULL;
    fn_status status = enc_take_u32(in, &items) && items == total ? FN_OK : cut(ctx);
    const fn_type *item_type = fn_type_base(type)->items;
    if (status == FN_OK && items) status = part_column_load(ctx, in, item_type, items, &kid);
    if (status == FN_OK && !items) { /* an empty column has no saved form */
        fn_builder b;
        status = fn_builder_init(ctx, &b, item_type);
        if (status == FN_OK) {
            status = fn_builder_finish(ctx, &b, &kid);
            fn_builder_release(&b);
        }
    }
    if (status != FN_OK) {
        fn_buffer_drop(offsets);
        return status;
    }
    *out = fn_column_array(ctx, type, rows, offsets, kid);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status load_tuple(fn_ctx *ctx, enc_in *in, const fn_type *type, uint32_t rows, fn_column **out)
{
    const fn_type *base = fn_type_base(type);
    fn_column **kids = FN_NEW_ARRAY(ctx, fn_column *, base->arg_count + 1u);
    FN_TRY_PTR(ctx, kids);
    fn_status status = FN_OK;
    for (unsigned i = 0; i < base->arg_count && status == FN_OK; i++) status = part_column_load(ctx, in, base->args[i], rows, &kids[i]);
    if (status == FN_OK) {
        *out = fn_column_tuple(ctx, type, rows, kids);
        if (!*out) status = ctx->error.code;
    }
    for (unsigned i = 0; i < base->arg_count; i++) fn_column_drop(kids[i]);
    return status;
}

fn_status part_column_load(fn_ctx *ctx, enc_in *in, const fn_type *type, uint32_t rows, fn_column **out)
{
    const fn_type *base = fn_type_base(type);
    const uint8_t *has_nulls = enc_take(in, 1);
    const uint8_t *nulls = has_nulls && *has_nulls ? enc_take(in, rows) : NULL;
    if (!has_nulls || (*has_nulls && (!nulls || !fn_type_is_nullable(type)))) return cut(ctx);
    fn_buffer *null_map = NULL;
    if (nulls) {
        null_map = copy_bytes(ctx, nulls, rows);
        FN_TRY_PTR(ctx, null_map);
    }
    switch (kind_of(base)) {
    case NODE_TEXT: return load_text(ctx, in, type, rows, null_map, out);
    case NODE_FIXED: {
        const uint8_t *values = enc_take(in, (uint64_t)rows * base->width);
        fn_buffer *copy = values ? copy_bytes(ctx, values, (size_t)rows * base->width) : NULL;
        if (!copy) {
            fn_buffer_drop(null_map);
            return values ? ctx->error.code : cut(ctx);
        }
        *out = fn_column_fixed(ctx, type, rows, copy, null_map);
        return *out ? FN_OK : ctx->error.code;
    }
    case NODE_ARRAY: fn_buffer_drop(null_map); return load_array(ctx, in, type, rows, out);
    case NODE_TUPLE: fn_buffer_drop(null_map); return load_tuple(ctx, in, type, rows, out);
    case NODE_NOTHING: break;
    }
    fn_buffer_drop(null_map);
    *out = fn_column_default(ctx, type, rows);
    return *out ? FN_OK : ctx->error.code;
}
