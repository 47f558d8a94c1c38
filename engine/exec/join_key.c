/* join_key.c - key columns to tags; see join_table.h. SPDX-License-Identifier: Apache-2.0 */
#include "exec/join_table.h"

bool join_keys_integer(const fn_type *type)
{
    switch (type->phys) {
    case FN_PHYS_U8: case FN_PHYS_U16: case FN_PHYS_U32: case FN_PHYS_U64: case FN_PHYS_I8: case FN_PHYS_I16: case FN_PHYS_I32:
    case FN_PHYS_I64: return true;
    case FN_PHYS_U128: case FN_PHYS_U256: case FN_PHYS_I128: case FN_PHYS_I256: case FN_PHYS_F32: case FN_PHYS_F64: case FN_PHYS_FIXED:
    case FN_PHYS_STRING: case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    return false;
}

/* Equal values have equal bytes: floats do not (-0.0, NaN). */
static bool packs(const fn_type *type)
{
    return type->width && type->width <= 16 && type->phys != FN_PHYS_F32 && type->phys != FN_PHYS_F64;
}

fn_status join_keys_init(fn_ctx *ctx, join_keys *k, const fn_type *const *left, const fn_type *const *right, const bool *null_safe, uint32_t count)
{
    *k = (join_keys){.count = count, .null_safe = null_safe, .coding = JOIN_HASHED};
    k->null_byte = FN_NEW_ARRAY(ctx, bool, count + 1);
    FN_TRY_PTR(ctx, k->null_byte);
    uint32_t bytes = 0;
    bool all_pack = true, any_flag = false;
    for (uint32_t i = 0; i < count; i++) {
        k->null_byte[i] = null_safe && null_safe[i] && (fn_type_is_nullable(left[i]) || fn_type_is_nullable(right[i]));
        any_flag |= k->null_byte[i];
        all_pack &= packs(left[i]) && left[i]->phys == right[i]->phys && left[i]->width == right[i]->width;
        bytes += left[i]->width + k->null_byte[i];
    }
    if (!all_pack || !count) return FN_OK;
    if (count == 1 && !any_flag && join_keys_integer(left[0])) k->coding = JOIN_INTEGER;
    else if (bytes <= 8) k->coding = JOIN_PACKED_8;
    else if (bytes <= 16) k->coding = JOIN_PACKED_16;
    k->is_signed = left[0]->phys >= FN_PHYS_I8 && left[0]->phys <= FN_PHYS_I64;
    return FN_OK;
}

#define EXTEND(T)                                                                                  \
    do {                                                                                           \
        const T *v = (const T *)(const void *)c->values + from;                                    \
        for (uint32_t i = 0; i < rows; i++) tags[i] = (uint64_t)(int64_t)v[i];                     \
    } while (0)

static void encode_integer(const fn_column *c, size_t from, uint32_t rows, uint64_t *tags)
{
    switch (c->type->phys) {
    case FN_PHYS_U8: EXTEND(uint8_t); return;
    case FN_PHYS_U16: EXTEND(uint16_t); return;
    case FN_PHYS_U32: EXTEND(uint32_t); return;
    case FN_PHYS_U64: EXTEND(uint64_t); return;
    case FN_PHYS_I8: EXTEND(int8_t); return;
    case FN_PHYS_I16: EXTEND(int16_t); return;
    case FN_PHYS_I32: EXTEND(int32_t); return;
    case FN_PHYS_I64: EXTEND(int64_t); return;
    case FN_PHYS_U128: case FN_PHYS_U256: case FN_PHYS_I128: case FN_PHYS_I256: case FN_PHYS_F32: case FN_PHYS_F64: case FN_PHYS_FIXED:
    case FN_PHYS_STRING: case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    FN_IMPOSSIBLE("an integer join key");
}

/* Puts the value bytes of one column, behind its null flag, at `place` of each row's 8 or 16 bytes. */
static void pack_column(const fn_column *c, bool flag, size_t from, uint32_t rows, uint8_t *out, size_t stride, size_t place)
{
    const size_t width = c->type->width;
    const uint8_t *v = c->values + from * width, *nulls = c->nulls ? c->nulls + from : NULL;
    if (flag) {
        for (uint32_t i = 0; i < rows; i++) out[i * stride + place] = nulls ? nulls[i] : 0;
        place++;
    }
    out += place;
    if (width == 4)
        for (uint32_t i = 0; i < rows; i++) memcpy(out + i * stride, v + i * 4, 4);
    else if (width == 8)
        for (uint32_t i = 0; i < rows; i++) memcpy(out + i * stride, v + i * 8, 8);
    else
        for (uint32_t i = 0; i < rows; i++) memcpy(out + i * stride, v + i * width, width);
    for (uint32_t i = 0; nulls && i < rows; i++)
        if (nulls[i]) memset(out + i * stride, 0, width);
}

static void encode_packed(const join_keys *k, fn_column *const *flat, size_t from, uint32_t rows, uint64_t *out, size_t stride)
{
    size_t place = 0;
    memset(out, 0, rows * stride);
    for (uint32_t i = 0; i < k->count; i++) {
        pack_column(flat[i], k->null_byte[i], from, rows, (uint8_t *)out, stride, place);
        place += flat[i]->type->width + k->null_byte[i];
    }
}

static fn_status encode_flat(fn_ctx *ctx, const join_keys *k, fn_column *const *flat, size_t from, uint32_t rows, uint64_t *tags, uint64_t *words)
{
    switch (k->coding) {
    case JOIN_INTEGER: encode_integer(flat[0], from, rows, tags); return FN_OK;
    case JOIN_PACKED_8: encode_packed(k, flat, from, rows, tags, 8); return FN_OK;
    case JOIN_PACKED_16:
        encode_packed(k, flat, from, rows, words, 16);
        for (uint32_t i = 0; i < rows; i++) tags[i] = fn_hash_mix(fn_hash_u64(words[2 * (size_t)i]), words[2 * (size_t)i + 1]);
        return FN_OK;
    case JOIN_HASHED: break;
    }
    for (uint32_t i = 0; i < k->count; i++) {
        fn_column *part = fn_column_slice(ctx, flat[i], from, rows);
        FN_TRY_PTR(ctx, part);
        const fn_status status = fn_column_hash(ctx, part, tags, i == 0);
        fn_column_drop(part);
        FN_TRY(status);
    }
    return FN_OK;
}

static void find_nulls(const join_keys *k, fn_column *const *columns, size_t from, uint32_t rows, uint8_t *skip, bool *any)
{
    *any = false;
    for (uint32_t i = 0; i < k->count; i++) {
        const fn_column *c = columns[i];
        if (!c->nulls || (k->null_safe && k->null_safe[i])) continue;
        if (!*any) memset(skip, 0, rows);
        *any = true;
        const size_t step = c->shape == FN_CONST ? 0 : 1;
        for (uint32_t r = 0; r < rows; r++) skip[r] |= c->nulls[(from + r) * step];
    }
}

fn_status join_keys_encode(fn_ctx *ctx, const join_keys *k, fn_column *const *columns, size_t from, uint32_t rows, uint64_t *tags, uint64_t *words,
                           uint8_t *skip, bool *any_skip)
{
    find_nulls(k, columns, from, rows, skip, any_skip);
    if (k->coding == JOIN_HASHED) return encode_flat(ctx, k, columns, from, rows, tags, words);
    fn_column *flat[16]; /* packed keys: at most 16 bytes, hence 16 columns */
    uint32_t made = 0;
    FN_ASSERT(k->count <= FN_COUNT(flat));
    while (made < k->count && (flat[made] = fn_column_flatten(ctx, columns[made])) != NULL) made++;
    const fn_status status = made == k->count ? encode_flat(ctx, k, flat, from, rows, tags, words) : ctx->error.code;
    while (made) fn_column_drop(flat[--made]);
    return status;
}
