/* spill_code.c - see spill_code.h. The code is the value's own order in 62 bits with room for NULL and NaN at both ends: numbers lose
 * their two lowest bits, texts all but their first bytes. SPDX-License-Identifier: Apache-2.0 */
#include "exec/spill_code.h"

enum { CODE_NULL_FIRST = 0, CODE_NAN_FIRST = 1 };
static const uint64_t values_from = (uint64_t)1 << 62, nan_last = (uint64_t)1 << 63, null_last = ((uint64_t)1 << 63) + 1;

static uint64_t float_order(uint64_t bits)
{
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static uint64_t text_order(fn_str s)
{
    uint8_t first[8] = {0};
    memcpy(first, s.data, FN_MIN(s.size, sizeof first));
    return __builtin_bswap64(fn_load_u64(first));
}

/* Unsigned order of a value; *nan: it has none. 0 where values are only compared as wholes. */
static uint64_t order_of(const fn_column *c, size_t row, bool *nan)
{
    const uint64_t sign = (uint64_t)1 << 63;
    switch (c->type->phys) {
    case FN_PHYS_U8: case FN_PHYS_U16: case FN_PHYS_U32: case FN_PHYS_U64: return fn_column_u64_at(c, row);
    case FN_PHYS_I8: case FN_PHYS_I16: case FN_PHYS_I32: case FN_PHYS_I64: return (uint64_t)fn_column_i64_at(c, row) ^ sign;
    case FN_PHYS_F32: case FN_PHYS_F64: {
        const double v = c->type->phys == FN_PHYS_F32 ? (double)fn_load_f32(c->values + row * 4) : fn_load_f64(c->values + row * 8);
        uint64_t bits = 0;
        *nan = v != v;
        if (v != 0) memcpy(&bits, &v, sizeof bits); /* -0 equals 0 */
        return float_order(bits);
    }
    case FN_PHYS_U128: return fn_load_u64(c->values + row * 16 + 8);
    case FN_PHYS_I128: return fn_load_u64(c->values + row * 16 + 8) ^ sign;
    case FN_PHYS_U256: return fn_load_u64(c->values + row * 32 + 24);
    case FN_PHYS_I256: return fn_load_u64(c->values + row * 32 + 24) ^ sign;
    case FN_PHYS_FIXED: case FN_PHYS_STRING: return text_order(fn_column_str_at(c, row));
    case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: return 0;
    }
    FN_IMPOSSIBLE("physical type");
}

fn_status spill_codes(fn_ctx *ctx, const sort_column *key, uint32_t rows, uint64_t *codes)
{
    fn_column *flat = fn_column_flatten(ctx, key->column);
    FN_TRY_PTR(ctx, flat);
    for (uint32_t i = 0; i < rows; i++) {
        bool nan = false;
        if (flat->nulls && flat->nulls[i]) {
            codes[i] = key->nulls_first ? CODE_NULL_FIRST : null_last;
            continue;
        }
        const uint64_t order = order_of(flat, i, &nan);
        codes[i] = nan ? (key->nulls_first ? CODE_NAN_FIRST : nan_last) : values_from + ((key->descending ? ~order : order) >> 2);
    }
    fn_column_drop(flat);
    return FN_OK;
}
