/* convert_number.c - numbers to numbers: SIMD for the plain ones, value by value where decimals, wide integers, enums or
 * exactness are involved. SPDX-License-Identifier: Apache-2.0 */
#include "expr/convert_internal.h"
#include "kernel/kernel.h"
#include <firn/wide.h>
#include <math.h>
#include <stdio.h>

bool convert_is_number(const fn_type *t)
{
    return fn_type_is_number(t) || t->id == FN_T_ENUM8 || t->id == FN_T_ENUM16 || t->id == FN_T_INTERVAL || t->id == FN_T_TIME || t->id == FN_T_TIME64 ||
           t->id == FN_T_IPV4 || t->id == FN_T_UUID;
}

static bool is_unsigned_phys(fn_phys p)
{
    return p <= FN_PHYS_U256;
}

static bool is_float(fn_phys p)
{
    return p == FN_PHYS_F32 || p == FN_PHYS_F64;
}

/* A number of any type: an integer with digits behind the point, or a float. */
typedef struct number {
    bool floating;
    double f;
    fn_i256 i;
    unsigned scale;
} number;

static number load(const fn_type *t, const uint8_t *p)
{
    number n = {.scale = t->id == FN_T_DECIMAL ? t->scale : 0u};
    switch (t->phys) {
    case FN_PHYS_U8: n.i = fn_i256_from_u64(*p); break;
    case FN_PHYS_U16: n.i = fn_i256_from_u64(fn_load_u16(p)); break;
    case FN_PHYS_U32: n.i = fn_i256_from_u64(fn_load_u32(p)); break;
    case FN_PHYS_U64: n.i = fn_i256_from_u64(fn_load_u64(p)); break;
    case FN_PHYS_U128: n.i = fn_i256_from_u128(fn_load_u128(p)); break;
    case FN_PHYS_I8: n.i = fn_i256_from_i64((int8_t)*p); break;
    case FN_PHYS_I16: n.i = fn_i256_from_i64(fn_load_i16(p)); break;
    case FN_PHYS_I32: n.i = fn_i256_from_i64(fn_load_i32(p)); break;
    case FN_PHYS_I64: n.i = fn_i256_from_i64(fn_load_i64(p)); break;
    case FN_PHYS_I128: n.i = fn_i256_from_i128(fn_load_i128(p)); break;
    case FN_PHYS_U256:
    case FN_PHYS_I256: n.i = fn_load_i256(p); break;
    case FN_PHYS_F32:
        n.floating = true;
        n.f = (double)fn_load_f32(p);
        break;
    case FN_PHYS_F64:
        n.floating = true;
        n.f = fn_load_f64(p);
        break;
    case FN_PHYS_FIXED: case FN_PHYS_STRING: case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    return n;
}

typedef enum outcome { GOOD, CHANGED, OVERFLOWN, NOT_A_NUMBER } outcome;

/* True if the low `width` bytes of v, read back as the type, are v. */
static bool fits(fn_i256 v, bool from_unsigned256, fn_phys phys, unsigned width)
{
    if (is_unsigned_phys(phys)) {
        if (fn_i256_is_negative(v) && !from_unsigned256) return false;
        if (width == 32) return true;
        return !fn_i256_compare(fn_i256_shr(v, width * 8, false), fn_i256_from_u64(0), false);
    }
    if (width == 32) return !from_unsigned256 || !fn_i256_is_negative(v);
    const fn_i256 sign = fn_i256_shr(v, width * 8 - 1, true);
    return fn_i256_compare(sign, fn_i256_from_i64(0), true) == 0 || (!from_unsigned256 && fn_i256_compare(sign, fn_i256_from_i64(-1), true) == 0);
}

static outcome store_integer(const number *n, const fn_type *from, const fn_type *to, uint8_t *p)
{
    fn_i256 v = n->i;
    outcome result = GOOD;
    if (n->floating) {
        if (!isfinite(n->f)) return NOT_A_NUMBER;
        if (to->width > 8) v = fn_i256_from_f64(n->f, !is_unsigned_phys(to->phys));
        else if (is_unsigned_phys(to->phys) && to->width == 8 && n->f >= 9223372036854775808.0) v = fn_i256_from_u64(n->f < 18446744073709551616.0 ? (uint64_t)n->f : 0);
        else v = fn_i256_from_i64(n->f >= -9223372036854775808.0 && n->f < 9223372036854775808.0 ? (int64_t)n->f : INT64_MIN); /* looked at by CAST to Bool and by checks only */
        if (fn_i256_to_f64(v, true) != n->f && fn_i256_to_f64(v, false) != n->f) result = CHANGED;
    } else if (n->scale) {
        fn_i256 rest;
        v = fn_i256_div(v, fn_i256_pow10(n->scale), true, &rest);
        if (rest.w[0] | rest.w[1] | rest.w[2] | rest.w[3]) result = CHANGED;
    }
    if (to->id == FN_T_BOOL) {
        *p = (v.w[0] | v.w[1] | v.w[2] | v.w[3]) != 0 || (n->floating && n->f != 0);
        return GOOD;
    }
    if (!fits(v, from->phys == FN_PHYS_U256, to->phys, to->width)) result = from->id == FN_T_DECIMAL ? OVERFLOWN : CHANGED;
    memcpy(p, &v, to->width);
    return result;
}

static outcome store_float(const number *n, const fn_type *from, const fn_type *to, uint8_t *p)
{
    double v = n->floating ? n->f : fn_i256_to_f64(n->i, from->phys != FN_PHYS_U256);
    if (n->scale) v /= fn_i256_to_f64(fn_i256_pow10(n->scale), true);
    if (to->phys == FN_PHYS_F64) fn_store_f64(p, v);
    else fn_store_f32(p, (float)v);
    const double back = to->phys == FN_PHYS_F64 ? v : (double)(float)v;
    if (n->floating) return back == n->f || isnan(n->f) ? GOOD : CHANGED;
    if (n->scale) return GOOD;
    if (fabs(back) >= 1e77) return CHANGED;
    return fn_i256_compare(fn_i256_from_f64(back, from->phys != FN_PHYS_U256), n->i, true) == 0 ? GOOD : CHANGED;
}

static outcome store_decimal(const number *n, const fn_type *to, uint8_t *p)
{
    fn_i256 v = n->i;
    outcome result = GOOD;
    if (n->floating) {
        const double scaled = n->f * fn_i256_to_f64(fn_i256_pow10(to->scale), true);
        if (!isfinite(n->f)) return OVERFLOWN;
        if (fabs(scaled) >= (to->width == 4 ? 2147483648.0 : to->width == 8 ? 9223372036854775808.0 : to->width == 16 ? 1.7014118346046923e38 : 5.7896044618658097e76)) return OVERFLOWN;
        v = to->width <= 8 ? fn_i256_from_i64((int64_t)scaled) : fn_i256_from_f64(scaled, true);
    } else if (n->scale < to->scale) {
        if (fn_i256_mul_overflow(v, fn_i256_pow10((unsigned)to->scale - n->scale), &v)) return OVERFLOWN;
    } else if (n->scale > to->scale) {
        fn_i256 rest;
        v = fn_i256_div(v, fn_i256_pow10(n->scale - to->scale), true, &rest);
        if (rest.w[0] | rest.w[1] | rest.w[2] | rest.w[3]) result = CHANGED;
    }
    if (!fits(v, false, to->phys, to->width)) return OVERFLOWN;
    memcpy(p, &v, to->width);
    return result;
}

static fn_status outcome_status(convert_job *j, uint32_t row, outcome o)
{
    char text[256];
    switch (o) {
    case GOOD: return FN_OK;
    case CHANGED:
        if (j->mode == CONVERT_CAST || j->mode == CONVERT_OR_ZERO || j->mode == CONVERT_TEXT_OR_NULL) return FN_OK;
        (void)snprintf(text, sizeof text, "Value in column %.80s cannot be safely converted into type %.80s", j->from->name, j->to->name);
        return convert_lost(j, row, FN_CANNOT_CONVERT_TYPE, text);
    case OVERFLOWN: return convert_lost(j, row, FN_DECIMAL_OVERFLOW, j->from->id == FN_T_DECIMAL && j->to->id != FN_T_DECIMAL ? "Convert overflow" : "Decimal convert overflow");
    case NOT_A_NUMBER: return convert_lost(j, row, FN_CANNOT_CONVERT_TYPE, "Unexpected inf or nan to integer conversion");
    }
    return FN_OK;
}

static fn_status check_enum(convert_job *j, uint32_t row, const uint8_t *p)
{
    const int value = j->to->width == 1 ? (int8_t)*p : fn_load_i16(p);
    if (fn_enum_by_value(j->to, value)) return FN_OK;
    char text[160];
    (void)snprintf(text, sizeof text, "Unexpected value %d in enum", value);
    return convert_lost(j, row, FN_UNKNOWN_ELEMENT_OF_ENUM, text);
}

static fn_status each_value(convert_job *j, uint8_t *values)
{
    const fn_type *to = j->to;
    const bool is_enum = to->id == FN_T_ENUM8 || to->id == FN_T_ENUM16;
    for (uint32_t i = 0; i < j->in->rows; i++) {
        uint8_t *p = values + (size_t)i * to->width;
        if (j->nulls && j->nulls[i]) {
            memset(p, 0, to->width);
            continue;
        }
        const number n = load(j->from, j->in->values + (size_t)i * j->from->width);
        outcome o;
        if (to->id == FN_T_DECIMAL) o = store_decimal(&n, to, p);
        else if (is_float(to->phys)) o = store_float(&n, j->from, to, p);
        else o = store_integer(&n, j->from, to, p);
        if (o >= OVERFLOWN) memset(p, 0, to->width);
        FN_TRY(outcome_status(j, i, o));
        if (is_enum) FN_TRY(check_enum(j, i, p));
    }
    return FN_OK;
}

/* inf and nan have no integer. */
static fn_status check_finite(convert_job *j)
{
    for (uint32_t i = 0; i < j->in->rows; i++) {
        const double v = j->from->width == 4 ? (double)fn_load_f32(j->in->values + (size_t)i * 4) : fn_load_f64(j->in->values + (size_t)i * 8);
        if (FN_UNLIKELY(!isfinite(v)) && !(j->nulls && j->nulls[i])) FN_TRY(convert_lost(j, i, FN_CANNOT_CONVERT_TYPE, "Unexpected inf or nan to integer conversion"));
    }
    return FN_OK;
}

static void decimal_to_f64(const convert_job *j, uint8_t *values)
{
    const double unit = fn_i256_to_f64(fn_i256_pow10(j->from->scale), true);
    double *to = (double *)(void *)values;
    for (uint32_t i = 0; i < j->in->rows; i++) {
        const uint8_t *p = j->in->values + (size_t)i * j->from->width;
        to[i] = (double)(j->from->width == 4 ? fn_load_i32(p) : fn_load_i64(p)) / unit;
    }
}

/* No value can change: nothing to check. */
static bool widens(const fn_type *from, const fn_type *to)
{
    if (from->id == FN_T_BOOL || to->id == FN_T_BOOL) return false;
    if (!fn_type_is_integer(from) || !fn_type_is_integer(to)) return false;
    if (is_unsigned_phys(from->phys)) return to->width > from->width || (to->width == from->width && is_unsigned_phys(to->phys));
    return !is_unsigned_phys(to->phys) && to->width >= from->width;
}

fn_status convert_number(convert_job *j, fn_column **out)
{
    fn_buffer *b = fn_buffer_new(j->ctx, (size_t)j->in->rows * j->to->width);
    FN_TRY_PTR(j->ctx, b);
    const int from = kern_type(j->from->phys), to = kern_type(j->to->phys);
    const bool wraps = j->mode == CONVERT_CAST || j->mode == CONVERT_OR_ZERO || j->mode == CONVERT_TEXT_OR_NULL || widens(j->from, j->to);
    const bool plain = from >= 0 && to >= 0 && j->from->id != FN_T_DECIMAL && j->to->id != FN_T_DECIMAL && j->to->id != FN_T_BOOL && j->to->id != FN_T_ENUM8 && j->to->id != FN_T_ENUM16;
    fn_status status = FN_OK;
    if (plain && wraps) {
        if (is_float(j->from->phys) && !is_float(j->to->phys)) status = check_finite(j);
        kern.convert[from][to](j->in->values, b->data, j->in->rows);
    } else if (j->from->id == FN_T_DECIMAL && j->from->width <= 8 && j->to->phys == FN_PHYS_F64) {
        decimal_to_f64(j, b->data);
    } else {
        status = each_value(j, b->data);
    }
    if (status != FN_OK) {
        fn_buffer_drop(b);
        return status;
    }
    *out = fn_column_fixed(j->ctx, j->to, j->in->rows, b, NULL);
    return *out ? FN_OK : j->ctx->error.code;
}
