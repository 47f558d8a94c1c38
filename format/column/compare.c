/* compare.c - order, equality and hash of values, the same for every shape.
 * Order: NULL behind everything (or before, as asked), NaN beside NULL, strings by bytes, arrays and tuples by elements.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/column.h>
#include <firn/wide.h>
#include <math.h>
#include <string.h>

static int compare_float(double a, double b, bool nulls_last)
{
    const bool nan_a = isnan(a), nan_b = isnan(b);
    if (nan_a || nan_b) return nan_a && nan_b ? 0 : (nan_a == nulls_last ? 1 : -1);
    return (a > b) - (a < b);
}

static int compare_items(const fn_column *a, size_t row_a, const fn_column *b, size_t row_b, bool nulls_last)
{
    uint32_t first_a, count_a, first_b, count_b;
    const fn_column *items_a = fn_column_items_at(a, row_a, &first_a, &count_a);
    const fn_column *items_b = fn_column_items_at(b, row_b, &first_b, &count_b);
    for (uint32_t i = 0; i < count_a && i < count_b; i++) {
        const int order = fn_column_compare(items_a, first_a + i, items_b, first_b + i, nulls_last);
        if (order) return order;
    }
    return (count_a > count_b) - (count_a < count_b);
}

#define ORDER(type, load)                                                                         \
    do {                                                                                          \
        const type x = load(p);                                                                   \
        const type y = load(q);                                                                   \
        return (x > y) - (x < y);                                                                 \
    } while (0)

/* Non-null values of flat columns. */
static int compare_value(const fn_column *a, size_t row_a, const fn_column *b, size_t row_b, bool nulls_last)
{
    const uint8_t *p = a->values + row_a * a->type->width, *q = b->values + row_b * b->type->width;
    switch (a->type->phys) {
    case FN_PHYS_U8: return (*p > *q) - (*p < *q);
    case FN_PHYS_U16: ORDER(uint16_t, fn_load_u16);
    case FN_PHYS_U32: ORDER(uint32_t, fn_load_u32);
    case FN_PHYS_U64: ORDER(uint64_t, fn_load_u64);
    case FN_PHYS_U128: ORDER(fn_u128, fn_load_u128);
    case FN_PHYS_U256: return fn_i256_compare(fn_load_i256(p), fn_load_i256(q), false);
    case FN_PHYS_I8: return ((int8_t)*p > (int8_t)*q) - ((int8_t)*p < (int8_t)*q);
    case FN_PHYS_I16: ORDER(int16_t, fn_load_i16);
    case FN_PHYS_I32: ORDER(int32_t, fn_load_i32);
    case FN_PHYS_I64: ORDER(int64_t, fn_load_i64);
    case FN_PHYS_I128: ORDER(fn_i128, fn_load_i128);
    case FN_PHYS_I256: return fn_i256_compare(fn_load_i256(p), fn_load_i256(q), true);
    case FN_PHYS_F32: return compare_float((double)fn_load_f32(p), (double)fn_load_f32(q), nulls_last);
    case FN_PHYS_F64: return compare_float(fn_load_f64(p), fn_load_f64(q), nulls_last);
    case FN_PHYS_FIXED: return memcmp(p, q, a->type->width);
    case FN_PHYS_STRING: return fn_str_compare(fn_column_str_at(a, row_a), fn_column_str_at(b, row_b));
    case FN_PHYS_ARRAY: return compare_items(a, row_a, b, row_b, nulls_last);
    case FN_PHYS_TUPLE:
        for (unsigned i = 0; i < a->kid_count; i++) {
            const int order = fn_column_compare(a->kids[i], row_a, b->kids[i], row_b, nulls_last);
            if (order) return order;
        }
        return 0;
    case FN_PHYS_NOTHING: return 0;
    }
    return 0;
}

int fn_column_compare(const fn_column *a, size_t row_a, const fn_column *b, size_t row_b, bool nulls_last)
{
    const bool null_a = fn_column_is_null(a, row_a), null_b = fn_column_is_null(b, row_b);
    if (null_a || null_b) return null_a && null_b ? 0 : (null_a == nulls_last ? 1 : -1);
    if (a->shape == FN_DICT && b->shape == FN_DICT && a->kids[0] == b->kids[0] &&
        fn_column_code(a, row_a) == fn_column_code(b, row_b))
        return 0;
    a = fn_column_at(a, &row_a);
    b = fn_column_at(b, &row_b);
    return compare_value(a, row_a, b, row_b, nulls_last);
}

bool fn_column_equal_at(const fn_column *a, size_t row_a, const fn_column *b, size_t row_b)
{
    return fn_column_compare(a, row_a, b, row_b, true) == 0;
}

/* ---- hash ---- */

static const uint64_t null_hash = 0x5bd1e9955bd1e995u;

static uint64_t hash_float(double v)
{
    if (v == 0) v = 0; /* -0.0 */
    if (isnan(v)) return 0x7ff8000000000000u;
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return fn_hash_u64(bits);
}

#define HASH_LOOP(expression)                                                                     \
    do {                                                                                          \
        for (size_t i = 0; i < n; i++, p += width) out[i] = (expression);                         \
    } while (0)

static void hash_fixed(const fn_column *c, size_t n, uint64_t *out)
{
    const uint8_t *p = c->values;
    const size_t width = c->type->width;
    switch (c->type->phys) {
    case FN_PHYS_F32: HASH_LOOP(hash_float((double)fn_load_f32(p))); return;
    case FN_PHYS_F64: HASH_LOOP(hash_float(fn_load_f64(p))); return;
    case FN_PHYS_U8: case FN_PHYS_I8: HASH_LOOP(fn_hash_u64(*p)); return;
    case FN_PHYS_U16: case FN_PHYS_I16: HASH_LOOP(fn_hash_u64(fn_load_u16(p))); return;
    case FN_PHYS_U32: case FN_PHYS_I32: HASH_LOOP(fn_hash_u64(fn_load_u32(p))); return;
    case FN_PHYS_U64: case FN_PHYS_I64: HASH_LOOP(fn_hash_u64(fn_load_u64(p))); return;
    case FN_PHYS_U128: case FN_PHYS_I128: HASH_LOOP(fn_hash_mix(fn_load_u64(p), fn_load_u64(p + 8))); return;
    case FN_PHYS_U256: case FN_PHYS_I256: case FN_PHYS_FIXED: HASH_LOOP(fn_hash_bytes(p, width, 0)); return;
    case FN_PHYS_STRING: case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    memset(out, 0, n * sizeof *out);
}

static fn_status hash_stored(fn_ctx *ctx, const fn_column *c, size_t n, uint64_t *out);

static fn_status hash_array(fn_ctx *ctx, const fn_column *c, size_t n, uint64_t *out)
{
    const uint32_t first = n ? c->offsets[0] : 0, items = n ? c->offsets[n] - first : 0;
    fn_column *covered = fn_column_slice(ctx, c->kids[0], first, items);
    FN_TRY_PTR(ctx, covered);
    uint64_t *hashes = fn_alloc(ctx, ((size_t)items + 1) * sizeof *hashes);
    fn_status status = hashes ? fn_column_hash(ctx, covered, hashes, true) : ctx->error.code;
    for (size_t i = 0; i < n && status == FN_OK; i++) {
        out[i] = fn_hash_u64(c->offsets[i + 1] - c->offsets[i]);
        for (uint32_t at = c->offsets[i]; at < c->offsets[i + 1]; at++) out[i] = fn_hash_mix(out[i], hashes[at - first]);
    }
    fn_free(hashes);
    fn_column_drop(covered);
    return status;
}

/* Hashes of the n stored values of a FLAT or CONST column; NULLs have their own. */
static fn_status hash_stored(fn_ctx *ctx, const fn_column *c, size_t n, uint64_t *out)
{
    if (c->type->phys == FN_PHYS_STRING) {
        for (size_t i = 0; i < n; i++)
            out[i] = fn_hash_bytes(c->values + c->offsets[i], c->offsets[i + 1] - c->offsets[i], 0);
    } else if (c->type->phys == FN_PHYS_ARRAY) {
        FN_TRY(hash_array(ctx, c, n, out));
    } else if (c->type->phys == FN_PHYS_TUPLE) {
        memset(out, 0, n * sizeof *out);
        for (unsigned k = 0; k < c->kid_count; k++) {
            fn_column *kid = fn_column_slice(ctx, c->kids[k], 0, (uint32_t)n);
            FN_TRY_PTR(ctx, kid);
            const fn_status status = fn_column_hash(ctx, kid, out, false);
            fn_column_drop(kid);
            FN_TRY(status);
        }
    } else {
        hash_fixed(c, n, out);
    }
    if (c->nulls)
        for (size_t i = 0; i < n; i++)
            if (c->nulls[i]) out[i] = null_hash;
    return FN_OK;
}

static fn_status hash_rows(fn_ctx *ctx, const fn_column *c, uint64_t *out)
{
    if (c->shape == FN_FLAT) return hash_stored(ctx, c, c->rows, out);
    if (c->shape == FN_CONST) {
        uint64_t one;
        FN_TRY(hash_stored(ctx, c, 1, &one));
        for (uint32_t i = 0; i < c->rows; i++) out[i] = one;
        return FN_OK;
    }
    const fn_column *dictionary = c->kids[0];
    if (dictionary->rows > 2 * (size_t)c->rows + 64) { /* hash only what is used */
        fn_column *flat = fn_column_flatten(ctx, c);
        FN_TRY_PTR(ctx, flat);
        const fn_status status = hash_stored(ctx, flat, c->rows, out);
        fn_column_drop(flat);
        return status;
    }
    uint64_t *entries = fn_alloc(ctx, ((size_t)dictionary->rows + 1) * sizeof *entries);
    FN_TRY_PTR(ctx, entries);
    const fn_status status = hash_stored(ctx, dictionary, dictionary->rows, entries);
    for (uint32_t i = 0; i < c->rows && status == FN_OK; i++)
        out[i] = c->nulls && c->nulls[i] ? null_hash : entries[fn_column_code(c, i)];
    fn_free(entries);
    return status;
}

fn_status fn_column_hash(fn_ctx *ctx, const fn_column *c, uint64_t *hashes, bool first)
{
    if (first) return hash_rows(ctx, c, hashes);
    uint64_t *own = fn_alloc(ctx, ((size_t)c->rows + 1) * sizeof *own);
    FN_TRY_PTR(ctx, own);
    const fn_status status = hash_rows(ctx, c, own);
    for (uint32_t i = 0; i < c->rows && status == FN_OK; i++) hashes[i] = fn_hash_mix(hashes[i], own[i]);
    fn_free(own);
    return status;
}
