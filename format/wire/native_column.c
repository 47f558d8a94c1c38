/* native_column.c - columns to bytes and back, type by type: first the prefixes of the whole column (LowCardinality), then
 * its data. SPDX-License-Identifier: Apache-2.0 */
#include "wire/native_column.h"

enum { LC_VERSION = 1, LC_FLAGS = 0x600, LC_HAS_KEYS = 0x200, LC_NEED_GLOBAL = 0x100, STRING_MAX = 1 << 30, DEPTH_MAX = 100, RESERVE_MAX = 1 << 16 };

/* ---- output ---- */
static fn_status put_prefix(fn_ctx *ctx, const fn_type *t, fn_buf *out)
{
    static const uint8_t version[8] = {LC_VERSION};
    if (t->id == FN_T_LOW_CARDINALITY) return fn_buf_append(ctx, out, version, 8);
    if (t->id == FN_T_ARRAY) return put_prefix(ctx, t->args[0], out);
    if (t->id == FN_T_TUPLE || t->id == FN_T_MAP)
        for (uint32_t i = 0; i < t->arg_count; i++) FN_TRY(put_prefix(ctx, t->args[i], out));
    return FN_OK;
}

static fn_status put_data(fn_ctx *ctx, const fn_column *flat, const fn_type *t, uint32_t from, uint32_t rows, fn_buf *out);

static fn_status put_strings(fn_ctx *ctx, const fn_column *c, uint32_t from, uint32_t rows, fn_buf *out)
{
    const size_t bytes = rows ? c->offsets[from + rows] - c->offsets[from] : 0;
    FN_TRY(fn_buf_reserve(ctx, out, bytes + (size_t)rows * 5));
    char *to = out->data + out->size;
    for (uint32_t i = from; i < from + rows; i++) {
        uint32_t n = c->offsets[i + 1] - c->offsets[i];
        const uint32_t size = n;
        for (; n >= 128; n >>= 7) *to++ = (char)(n | 128);
        *to++ = (char)n;
        memcpy(to, c->values + c->offsets[i], size);
        to += size;
    }
    out->size = (size_t)(to - out->data);
    return FN_OK;
}

static fn_status put_offsets(fn_ctx *ctx, const fn_column *c, uint32_t from, uint32_t rows, fn_buf *out)
{
    FN_TRY(fn_buf_reserve(ctx, out, (size_t)rows * 8));
    for (uint32_t i = 0; i < rows; i++) {
        fn_store_u64(out->data + out->size, (uint64_t)c->offsets[from + i + 1] - c->offsets[from]);
        out->size += 8;
    }
    return FN_OK;
}

/* UUID: two 64-bit halves, the high one first. */
static fn_status put_uuids(fn_ctx *ctx, const fn_column *c, uint32_t from, uint32_t rows, fn_buf *out)
{
    FN_TRY(fn_buf_reserve(ctx, out, (size_t)rows * 16));
    for (uint32_t i = from; i < from + rows; i++) {
        memcpy(out->data + out->size, c->values + 16 * (size_t)i + 8, 8);
        memcpy(out->data + out->size + 8, c->values + 16 * (size_t)i, 8);
        out->size += 16;
    }
    return FN_OK;
}

/* Keys: default first (for Nullable: NULL, then the default), then the distinct values; codes by a dictionary column. */
static fn_status put_low_cardinality(fn_ctx *ctx, const fn_column *flat, const fn_type *t, uint32_t from, uint32_t rows, fn_buf *out)
{
    if (rows == 0) return FN_OK;
    const fn_type *base = fn_type_base(t);
    fn_column *part = fn_column_slice(ctx, flat, from, rows);
    FN_TRY_PTR(ctx, part);
    fn_column *plain = fn_column_retype(ctx, part, fn_type_strip_low_cardinality(t));
    fn_column *dict = plain ? fn_column_encode_dict(ctx, plain, UINT32_MAX) : NULL;
    fn_column_drop(part);
    fn_column_drop(plain);
    FN_TRY_PTR(ctx, dict);
    FN_ASSERT(dict->shape == FN_DICT || dict->shape == FN_CONST);
    const uint32_t extra = fn_type_is_nullable(t) ? 2 : 1;
    fn_builder keys;
    fn_status status = fn_builder_init(ctx, &keys, base);
    for (uint32_t i = 0; i < extra && status == FN_OK; i++) status = fn_builder_default(ctx, &keys);
    const fn_column *entries = dict->shape == FN_DICT ? dict->kids[0] : dict;
    const uint32_t entry_count = dict->shape == FN_DICT ? entries->rows : fn_column_is_null(dict, 0) ? 0 : 1;
    for (uint32_t i = 0; i < entry_count && status == FN_OK; i++) status = fn_builder_copy(ctx, &keys, entries, i);
    fn_column *key_column = NULL;
    if (status == FN_OK) status = fn_builder_finish(ctx, &keys, &key_column);
    fn_builder_release(&keys);
    if (status == FN_OK) {
        const uint32_t n = key_column->rows;
        const unsigned width = n <= 256 ? 1 : n <= 65536 ? 2 : 4;
        uint8_t head[16];
        fn_store_u64(head, LC_FLAGS | (width == 1 ? 0u : width == 2 ? 1u : 2u));
        fn_store_u64(head + 8, n);
        status = fn_buf_append(ctx, out, head, 16);
        if (status == FN_OK) status = put_data(ctx, key_column, base, 0, n, out);
        fn_store_u64(head, rows);
        if (status == FN_OK) status = fn_buf_append(ctx, out, head, 8);
        if (status == FN_OK) status = fn_buf_reserve(ctx, out, (size_t)rows * width);
        for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
            const uint32_t code = fn_column_is_null(dict, i) ? 0 : (dict->shape == FN_DICT ? fn_column_code(dict, i) : 0) + extra;
            memcpy(out->data + out->size, &code, width);
            out->size += width;
        }
    }
    fn_column_drop(key_column);
    fn_column_drop(dict);
    return status;
}

static fn_status put_kid(fn_ctx *ctx, const fn_column *kid, const fn_type *t, uint32_t from, uint32_t rows, fn_buf *out)
{
    if (kid->shape == FN_FLAT) return put_data(ctx, kid, t, from, rows, out);
    fn_column *flat = fn_column_flatten(ctx, kid);
    FN_TRY_PTR(ctx, flat);
    const fn_status status = put_data(ctx, flat, t, from, rows, out);
    fn_column_drop(flat);
    return status;
}

static fn_status put_data(fn_ctx *ctx, const fn_column *c, const fn_type *t, uint32_t from, uint32_t rows, fn_buf *out)
{
    if (t->id == FN_T_LOW_CARDINALITY) return put_low_cardinality(ctx, c, t, from, rows, out);
    if (t->id == FN_T_NULLABLE) {
        FN_TRY(fn_buf_reserve(ctx, out, rows));
        if (c->nulls) memcpy(out->data + out->size, c->nulls + from, rows);
        else memset(out->data + out->size, 0, rows);
        out->size += rows;
        t = t->args[0];
    }
    if (t->id == FN_T_UUID) return put_uuids(ctx, c, from, rows, out);
    if (t->phys == FN_PHYS_STRING) return put_strings(ctx, c, from, rows, out);
    if (t->phys == FN_PHYS_NOTHING || (t->phys == FN_PHYS_TUPLE && t->arg_count == 0)) {
        FN_TRY(fn_buf_reserve(ctx, out, rows));
        memset(out->data + out->size, '0', rows);
        out->size += rows;
        return FN_OK;
    }
    if (t->phys == FN_PHYS_TUPLE) {
        for (uint32_t i = 0; i < t->arg_count; i++) FN_TRY(put_kid(ctx, c->kids[i], t->args[i], from, rows, out));
        return FN_OK;
    }
    if (t->phys == FN_PHYS_ARRAY) {
        FN_TRY(put_offsets(ctx, c, from, rows, out));
        const uint32_t first = rows ? c->offsets[from] : 0, items = rows ? c->offsets[from + rows] - first : 0;
        return put_kid(ctx, c->kids[0], t->items, first, items, out);
    }
    return fn_buf_append(ctx, out, c->values + (size_t)from * t->width, (size_t)rows * t->width);
}

fn_status native_write_column(fn_ctx *ctx, const fn_column *c, fn_buf *out)
{
    if (c->rows == 0) return FN_OK;
    fn_column *flat = fn_column_flatten(ctx, c);
    FN_TRY_PTR(ctx, flat);
    fn_status status = put_prefix(ctx, c->type, out);
    if (status == FN_OK) status = put_data(ctx, flat, c->type, 0, c->rows, out);
    fn_column_drop(flat);
    return status;
}

/* ---- input ---- */
static fn_status take_prefix(native_in *in, fn_ctx *ctx, const fn_type *t)
{
    if (t->id == FN_T_LOW_CARDINALITY) {
        uint8_t version[8];
        FN_TRY(native_read_bytes(in, ctx, version, 8));
        return fn_load_u64(version) == LC_VERSION ? FN_OK : fn_fail(ctx, FN_INCORRECT_DATA, "Invalid version of LowCardinality keys at offset %llu", (unsigned long long)in->offset);
    }
    if (t->id == FN_T_ARRAY) return take_prefix(in, ctx, t->args[0]);
    if (t->id == FN_T_TUPLE || t->id == FN_T_MAP)
        for (uint32_t i = 0; i < t->arg_count; i++) FN_TRY(take_prefix(in, ctx, t->args[i]));
    return FN_OK;
}

static fn_status take_data(native_in *in, fn_ctx *ctx, const fn_type *t, uint32_t rows, unsigned depth, fn_column **out);

static fn_status take_strings(native_in *in, fn_ctx *ctx, const fn_type *t, uint32_t rows, fn_column **out)
{
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, t));
    fn_status status = fn_builder_reserve(ctx, &b, FN_MIN(rows, (uint32_t)RESERVE_MAX));
    if (status == FN_OK && in->expected) status = fn_buf_reserve(ctx, &b.values, in->expected + in->expected / 8);
    for (uint32_t i = 0; status == FN_OK; i++) {
        uint64_t size;
        i += native_take_strings(in, rows - i, &b);
        if (i == rows) break;
        status = native_read_leb(in, ctx, &size);
        if (status == FN_OK && size > STRING_MAX)
            status = fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "Too large string size: %llu at offset %llu", (unsigned long long)size, (unsigned long long)in->offset);
        in->text.size = 0;
        if (status == FN_OK) status = native_read_into(in, ctx, size, &in->text);
        if (status == FN_OK) status = fn_builder_str(ctx, &b, fn_buf_view(&in->text));
    }
    in->expected = b.values.size;
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    return status;
}

static fn_status take_fixed(native_in *in, fn_ctx *ctx, const fn_type *t, uint32_t rows, fn_column **out)
{
    fn_buffer *values;
    FN_TRY(native_read_buffer(in, ctx, (uint64_t)rows * t->width, &values));
    if (t->id == FN_T_UUID)
        for (uint32_t i = 0; i < rows; i++) {
            uint8_t *p = values->data + 16 * (size_t)i;
            const uint64_t high = fn_load_u64(p);
            memmove(p, p + 8, 8);
            fn_store_u64(p + 8, high);
        }
    *out = fn_column_fixed(ctx, t, rows, values, NULL);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status take_array(native_in *in, fn_ctx *ctx, const fn_type *t, uint32_t rows, unsigned depth, fn_column **out)
{
    fn_buf raw = FN_BUF_INIT;
    fn_status status = native_read_into(in, ctx, (uint64_t)rows * 8, &raw);
    fn_buffer *offsets = status == FN_OK ? fn_buffer_new(ctx, ((size_t)rows + 1) * 4) : NULL;
    uint64_t last = 0;
    if (offsets) {
        fn_store_u32(offsets->data, 0);
        for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
            const uint64_t end = fn_load_u64(raw.data + 8 * (size_t)i);
            if (end < last || end > 1u << 30) status = fn_fail(ctx, FN_INCORRECT_DATA, "Bad array offset at offset %llu", (unsigned long long)in->offset);
            last = end;
            fn_store_u32(offsets->data + 4 * ((size_t)i + 1), (uint32_t)end);
        }
    } else if (status == FN_OK) {
        status = ctx->error.code;
    }
    fn_buf_release(&raw);
    fn_column *items = NULL;
    if (status == FN_OK) status = take_data(in, ctx, t->items, (uint32_t)last, depth + 1, &items);
    if (status != FN_OK) {
        fn_buffer_drop(offsets);
        return status;
    }
    *out = fn_column_array(ctx, t, rows, offsets, items);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status take_tuple(native_in *in, fn_ctx *ctx, const fn_type *t, uint32_t rows, unsigned depth, fn_column **out)
{
    fn_column **kids = FN_NEW_ARRAY(ctx, fn_column *, t->arg_count + 1u);
    FN_TRY_PTR(ctx, kids);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < t->arg_count && status == FN_OK; i++) status = take_data(in, ctx, t->args[i], rows, depth + 1, &kids[i]);
    fn_buf waste = FN_BUF_INIT;
    if (t->arg_count == 0) status = native_read_into(in, ctx, rows, &waste);
    fn_buf_release(&waste);
    if (status == FN_OK) {
        *out = fn_column_tuple(ctx, t, rows, kids);
        if (!*out) status = ctx->error.code;
    }
    for (uint32_t i = 0; i < t->arg_count; i++) fn_column_drop(kids[i]);
    return status;
}

static uint64_t code_at(const uint8_t *codes, size_t i, unsigned width)
{
    uint64_t code = 0;
    memcpy(&code, codes + i * width, width);
    return code;
}

/* Every code must be one of the keys. Codes of 8 bytes are made ones of 4. */
static fn_status check_codes(fn_ctx *ctx, uint8_t *codes, uint32_t rows, unsigned width, uint64_t key_count)
{
    uint64_t most = 0;
    if (width == 1)
        for (uint32_t i = 0; i < rows; i++) most = FN_MAX(most, (uint64_t)codes[i]);
    else
        for (uint32_t i = 0; i < rows; i++) most = FN_MAX(most, code_at(codes, i, width));
    if (most >= key_count) return fn_fail(ctx, FN_INCORRECT_DATA, "LowCardinality index %llu of %llu keys", (unsigned long long)most, (unsigned long long)key_count);
    for (uint32_t i = 0; i < rows && width == 8; i++) fn_store_u32(codes + 4 * (size_t)i, (uint32_t)fn_load_u64(codes + 8 * (size_t)i));
    return FN_OK;
}

/* For Nullable key 0 is NULL. */
static fn_status null_map(fn_ctx *ctx, const uint8_t *codes, uint32_t rows, unsigned width, fn_buffer **out)
{
    *out = fn_buffer_new(ctx, rows);
    FN_TRY_PTR(ctx, *out);
    for (uint32_t i = 0; i < rows; i++) (*out)->data[i] = code_at(codes, i, width) == 0;
    return FN_OK;
}

/* Keys and codes are a dictionary column as they stand. */
static fn_status make_dict(fn_ctx *ctx, const fn_type *t, uint32_t rows, unsigned width, fn_buffer *codes_take, const fn_column *keys, fn_column **out)
{
    fn_buffer *nulls = NULL;
    fn_column *dictionary = NULL;
    fn_status status = check_codes(ctx, codes_take->data, rows, width, keys->rows);
    width = FN_MIN(width, 4u);
    if (status == FN_OK && fn_type_is_nullable(t)) status = null_map(ctx, codes_take->data, rows, width, &nulls);
    if (status == FN_OK) {
        dictionary = fn_column_retype(ctx, keys, fn_type_strip_nullable(t));
        if (!dictionary) status = ctx->error.code;
    }
    if (status == FN_OK) {
        *out = fn_column_dict(ctx, t, rows, width, codes_take, dictionary, nulls);
        if (!*out) status = ctx->error.code;
    } else {
        fn_buffer_drop(codes_take);
        fn_buffer_drop(nulls);
    }
    fn_column_drop(dictionary);
    return status;
}

static fn_status take_low_cardinality(native_in *in, fn_ctx *ctx, const fn_type *t, uint32_t rows, unsigned depth, fn_column **out)
{
    uint8_t head[16];
    fn_column *keys = NULL;
    fn_buffer *codes = NULL;
    if (rows == 0) {
        *out = fn_column_default(ctx, t, 0);
        return *out ? FN_OK : ctx->error.code;
    }
    FN_TRY(native_read_bytes(in, ctx, head, 16));
    const uint64_t flags = fn_load_u64(head), key_count = fn_load_u64(head + 8);
    if (!(flags & LC_HAS_KEYS) || flags & LC_NEED_GLOBAL || (flags & 0xff) > 3 || key_count > 1u << 30)
        return fn_fail(ctx, FN_INCORRECT_DATA, "Bad LowCardinality header at offset %llu", (unsigned long long)in->offset);
    const unsigned width = 1u << (flags & 3);
    FN_TRY(take_data(in, ctx, fn_type_base(t), (uint32_t)key_count, depth + 1, &keys));
    fn_status status = native_read_bytes(in, ctx, head, 8);
    if (status == FN_OK && fn_load_u64(head) != rows) status = fn_fail(ctx, FN_INCORRECT_DATA, "LowCardinality has another number of rows at offset %llu", (unsigned long long)in->offset);
    if (status == FN_OK) status = native_read_buffer(in, ctx, (uint64_t)rows * width, &codes);
    if (status == FN_OK) status = make_dict(ctx, t, rows, width, codes, keys, out);
    fn_column_drop(keys);
    if (status != FN_OK || depth == 0) return status;
    fn_column *flat = fn_column_flatten(ctx, *out); /* items of containers */
    fn_column_drop(*out);
    *out = flat;
    return flat ? FN_OK : ctx->error.code;
}

static fn_status take_nullable(native_in *in, fn_ctx *ctx, const fn_type *t, uint32_t rows, unsigned depth, fn_column **out)
{
    fn_buffer *nulls;
    fn_column *inner = NULL;
    FN_TRY(native_read_buffer(in, ctx, rows, &nulls));
    for (uint32_t i = 0; i < rows; i++) nulls->data[i] = nulls->data[i] != 0;
    const fn_status status = take_data(in, ctx, t->args[0], rows, depth + 1, &inner);
    if (status != FN_OK) {
        fn_buffer_drop(nulls);
        return status;
    }
    *out = fn_column_with_nulls(ctx, inner, t, nulls);
    fn_column_drop(inner);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status take_data(native_in *in, fn_ctx *ctx, const fn_type *t, uint32_t rows, unsigned depth, fn_column **out)
{
    if (depth > DEPTH_MAX) return fn_fail(ctx, FN_TOO_DEEP_RECURSION, "Types are nested too deep");
    if (t->id == FN_T_LOW_CARDINALITY) return take_low_cardinality(in, ctx, t, rows, depth, out);
    if (t->id == FN_T_NULLABLE) return take_nullable(in, ctx, t, rows, depth, out);
    if (t->id == FN_T_AGGREGATE_FUNCTION) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Columns of type %s cannot be read from Native data", t->name);
    if (t->phys == FN_PHYS_STRING) return take_strings(in, ctx, t, rows, out);
    if (t->phys == FN_PHYS_ARRAY) return take_array(in, ctx, t, rows, depth, out);
    if (t->phys == FN_PHYS_TUPLE) return take_tuple(in, ctx, t, rows, depth, out);
    if (t->phys == FN_PHYS_NOTHING) {
        fn_buf waste = FN_BUF_INIT;
        const fn_status status = native_read_into(in, ctx, rows, &waste);
        fn_buf_release(&waste);
        FN_TRY(status);
        *out = fn_column_default(ctx, t, rows);
        return *out ? FN_OK : ctx->error.code;
    }
    return take_fixed(in, ctx, t, rows, out);
}

fn_status native_read_column(native_in *in, fn_ctx *ctx, const fn_type *type, uint32_t rows, fn_column **out)
{
    if (rows) FN_TRY(take_prefix(in, ctx, type));
    else {
        *out = fn_column_default(ctx, type, 0);
        return *out ? FN_OK : ctx->error.code;
    }
    return take_data(in, ctx, type, rows, 0, out);
}
