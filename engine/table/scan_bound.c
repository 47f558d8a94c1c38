/* scan_bound.c - rows against the moving bound of a top-N. NULL, NaN and rows equal to the bound stay: other keys may decide.
 * Strings are compared by code where the part's dictionary is sorted: one binary search per block.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/scan_bound.h"

#define LOOP(T, load)                                                                              \
    do {                                                                                           \
        const T edge = (T)load(b);                                                                 \
        for (uint32_t i = 0; i < c->rows; i++) {                                                   \
            const T x = (T)load(c->values + (size_t)i * sizeof(T));                                \
            mask[i] = descending ? !(x < edge) : !(x > edge);                                      \
        }                                                                                          \
        return true;                                                                               \
    } while (0)
#define LOAD_U8(p) (*(p))
#define LOAD_I8(p) ((int8_t)*(p))

static bool mask_values(const fn_column *c, const uint8_t *b, bool descending, uint8_t *mask)
{
    switch (c->type->phys) {
    case FN_PHYS_U8: LOOP(uint8_t, LOAD_U8);
    case FN_PHYS_U16: LOOP(uint16_t, fn_load_u16);
    case FN_PHYS_U32: LOOP(uint32_t, fn_load_u32);
    case FN_PHYS_U64: LOOP(uint64_t, fn_load_u64);
    case FN_PHYS_I8: LOOP(int8_t, LOAD_I8);
    case FN_PHYS_I16: LOOP(int16_t, fn_load_i16);
    case FN_PHYS_I32: LOOP(int32_t, fn_load_i32);
    case FN_PHYS_I64: LOOP(int64_t, fn_load_i64);
    case FN_PHYS_F32: LOOP(float, fn_load_f32);
    case FN_PHYS_F64: LOOP(double, fn_load_f64);
    case FN_PHYS_U128: case FN_PHYS_U256: case FN_PHYS_I128: case FN_PHYS_I256: case FN_PHYS_FIXED: case FN_PHYS_STRING: case FN_PHYS_ARRAY:
    case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    return false;
}

bool scan_bound_compares(const fn_type *type)
{
    return type->phys <= FN_PHYS_F64 && type->width <= 8;
}

bool scan_bound_mask(const fn_column *c, const fn_column *bound, bool descending, uint8_t *mask)
{
    if (c->shape != FN_FLAT || fn_type_base(c->type)->phys != fn_type_base(bound->type)->phys || !scan_bound_compares(c->type)) return false;
    if (!mask_values(c, fn_column_fixed_at(bound, 0), descending, mask)) return false;
    for (uint32_t i = 0; c->nulls && i < c->rows; i++) mask[i] |= c->nulls[i];
    return true;
}

/* Entries below the bound (or equal to it, if asked). */
static uint32_t entries_below(const fn_column *dictionary, fn_str bound, bool or_equal)
{
    uint32_t low = 0, high = dictionary->rows;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = fn_str_compare(fn_column_str_at(dictionary, middle), bound);
        if (order < 0 || (or_equal && order == 0)) low = middle + 1;
        else high = middle;
    }
    return low;
}

#define BY_CODE(load)                                                                              \
    for (uint32_t i = 0; i < c->rows; i++) mask[i] = ((load) >= edge) == descending

bool scan_bound_mask_codes(const fn_column *c, const fn_column *dictionary, const fn_column *bound, bool descending, uint8_t *mask)
{
    if (c->shape != FN_DICT || c->kids[0] != dictionary || bound->type->phys != FN_PHYS_STRING || fn_column_is_null(bound, 0)) return false;
    const uint32_t edge = entries_below(dictionary, fn_column_str_at(bound, 0), !descending); /* first code outside, or inside if descending */
    if (c->code_width == 1) BY_CODE(c->values[i]);
    else if (c->code_width == 2) BY_CODE(fn_load_u16(c->values + 2 * (size_t)i));
    else BY_CODE(fn_load_u32(c->values + 4 * (size_t)i));
    for (uint32_t i = 0; c->nulls && i < c->rows; i++) mask[i] |= c->nulls[i];
    return true;
}
