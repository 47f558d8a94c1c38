/* leaf_convert.c - which type a leaf can be read as, and the loop that does it.
 *
 * Besides the type ClickHouse infers these are the promotions Iceberg allows (int to long, float to double, decimals of
 * larger precision, dates to timestamps) and timestamps of another unit. Values are never lost silently: narrower
 * integers or decimals are not offered, the caller casts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/leaf_convert.h"
#include <firn/wide.h>

#define NAME i32_to_8
#define SOURCE int32_t
#define TARGET int8_t
#include "parquet/convert_int.inc"
#define NAME i32_to_16
#define SOURCE int32_t
#define TARGET int16_t
#include "parquet/convert_int.inc"
#define NAME i32_to_32
#define SOURCE int32_t
#define TARGET int32_t
#include "parquet/convert_int.inc"
#define NAME i32_to_64
#define SOURCE int32_t
#define TARGET int64_t
#include "parquet/convert_int.inc"
#define NAME i32_to_128
#define SOURCE int32_t
#define TARGET fn_i128
#include "parquet/convert_int.inc"
#define NAME u32_to_8
#define SOURCE uint32_t
#define TARGET int8_t
#include "parquet/convert_int.inc"
#define NAME u32_to_16
#define SOURCE uint32_t
#define TARGET int16_t
#include "parquet/convert_int.inc"
#define NAME u32_to_32
#define SOURCE uint32_t
#define TARGET int32_t
#include "parquet/convert_int.inc"
#define NAME u32_to_64
#define SOURCE uint32_t
#define TARGET int64_t
#include "parquet/convert_int.inc"
#define NAME u32_to_128
#define SOURCE uint32_t
#define TARGET fn_i128
#include "parquet/convert_int.inc"
#define NAME i64_to_8
#define SOURCE int64_t
#define TARGET int8_t
#include "parquet/convert_int.inc"
#define NAME i64_to_16
#define SOURCE int64_t
#define TARGET int16_t
#include "parquet/convert_int.inc"
#define NAME i64_to_32
#define SOURCE int64_t
#define TARGET int32_t
#include "parquet/convert_int.inc"
#define NAME i64_to_64
#define SOURCE int64_t
#define TARGET int64_t
#include "parquet/convert_int.inc"
#define NAME i64_to_128
#define SOURCE int64_t
#define TARGET fn_i128
#include "parquet/convert_int.inc"
#define NAME u64_to_8
#define SOURCE uint64_t
#define TARGET int8_t
#include "parquet/convert_int.inc"
#define NAME u64_to_16
#define SOURCE uint64_t
#define TARGET int16_t
#include "parquet/convert_int.inc"
#define NAME u64_to_32
#define SOURCE uint64_t
#define TARGET int32_t
#include "parquet/convert_int.inc"
#define NAME u64_to_64
#define SOURCE uint64_t
#define TARGET int64_t
#include "parquet/convert_int.inc"
#define NAME u64_to_128
#define SOURCE uint64_t
#define TARGET fn_i128
#include "parquet/convert_int.inc"

static void i64_to_256(const pq_convert *c, const uint8_t *in, size_t n, uint8_t *out)
{
    (void)c;
    for (size_t i = 0; i < n; i++) {
        const fn_i256 t = fn_i256_from_i64(fn_load_i64(in + 8 * i));
        memcpy(out + 32 * i, &t, 32);
    }
}

static void i32_to_256(const pq_convert *c, const uint8_t *in, size_t n, uint8_t *out)
{
    (void)c;
    for (size_t i = 0; i < n; i++) {
        const fn_i256 t = fn_i256_from_i64(fn_load_i32(in + 4 * i));
        memcpy(out + 32 * i, &t, 32);
    }
}

/* Rows: i32, u32, i64, u64; columns: 1, 2, 4, 8, 16, 32 bytes. */
static pq_convert_fn *const int_loops[4][6] = {
    {i32_to_8, i32_to_16, i32_to_32, i32_to_64, i32_to_128, i32_to_256},
    {u32_to_8, u32_to_16, u32_to_32, u32_to_64, u32_to_128, NULL},
    {i64_to_8, i64_to_16, i64_to_32, i64_to_64, i64_to_128, i64_to_256},
    {u64_to_8, u64_to_16, u64_to_32, u64_to_64, u64_to_128, NULL},
};

static void f32_to_f64(const pq_convert *c, const uint8_t *in, size_t n, uint8_t *out)
{
    (void)c;
    for (size_t i = 0; i < n; i++) fn_store_f64(out + 8 * i, (double)fn_load_f32(in + 4 * i));
}

static float half_to_float(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = (h >> 10) & 31, fraction = h & 0x3ff;
    if (exponent == 0) {
        const float tiny = (float)fraction * (1.0f / 16777216.0f);
        return sign ? -tiny : tiny;
    }
    const uint32_t bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static void f16_to_f32(const pq_convert *c, const uint8_t *in, size_t n, uint8_t *out)
{
    (void)c;
    for (size_t i = 0; i < n; i++) fn_store_f32(out + 4 * i, half_to_float(fn_load_u16(in + 2 * i)));
}

static void f16_to_f64(const pq_convert *c, const uint8_t *in, size_t n, uint8_t *out)
{
    (void)c;
    for (size_t i = 0; i < n; i++) fn_store_f64(out + 8 * i, (double)half_to_float(fn_load_u16(in + 2 * i)));
}

/* Impala's timestamps: nanoseconds of the day, Julian day. */
static void i96_to_ticks(const pq_convert *c, const uint8_t *in, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t day = (uint64_t)fn_load_u32(in + 12 * i + 8) - 2440588u;
        const int64_t ns = (int64_t)(day * 86400000000000u + fn_load_u64(in + 12 * i)), by = (int64_t)c->div;
        fn_store_i64(out + 8 * i, ns / by - (ns % by < 0));
    }
}

bool pq_decimal_bytes(fn_str in, uint32_t width, uint8_t *out)
{
    const uint8_t sign = in.size && (in.data[0] & 0x80) ? 0xff : 0;
    memset(out, sign, width);
    for (size_t i = 0; i < in.size; i++) {
        const uint8_t byte = (uint8_t)in.data[in.size - 1 - i];
        if (i < width) out[i] = byte;
        else if (byte != sign) return false;
    }
    return in.size <= width || ((out[width - 1] & 0x80) != 0) == (sign != 0);
}

static void fixed_to_decimal(const pq_convert *c, const uint8_t *in, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) (void)pq_decimal_bytes((fn_str){(const char *)in + i * c->in_width, c->in_width}, c->width, out + i * c->width);
}

static void uuid_to_number(const pq_convert *c, const uint8_t *in, size_t n, uint8_t *out)
{
    (void)c;
    for (size_t i = 0; i < n; i++) {
        fn_store_u64(out + 16 * i, __builtin_bswap64(fn_load_u64(in + 16 * i + 8)));
        fn_store_u64(out + 16 * i + 8, __builtin_bswap64(fn_load_u64(in + 16 * i)));
    }
}

static bool use_int_loop(pq_convert *c, bool is_unsigned, uint64_t mul, uint64_t div)
{
    const unsigned row = (c->in_width == 8 ? 2u : 0u) + is_unsigned;
    c->mul = mul;
    c->div = div;
    if (c->in_width == c->width && mul == 1 && div == 1) return true;
    c->run = int_loops[row][__builtin_ctz(c->width)];
    return c->run != NULL;
}

static bool find_int(const fn_type *from, const fn_type *type, pq_convert *c)
{
    const bool from_unsigned = fn_type_is_unsigned(from), to_unsigned = fn_type_is_unsigned(type);
    if (!fn_type_is_integer(type) || type->width > 16) return false;
    if (from != type && (from_unsigned == to_unsigned ? type->width < from->width : to_unsigned || type->width <= from->width))
        return false;
    return use_int_loop(c, from_unsigned, 1, 1);
}

static uint64_t power10(unsigned digits)
{
    uint64_t p = 1;
    while (digits--) p *= 10;
    return p;
}

static bool find_date(const fn_type *type, pq_convert *c)
{
    if (type->id == FN_T_DATE32 || type->id == FN_T_DATE || type->id == FN_T_INT32) return use_int_loop(c, false, 1, 1);
    if (type->id == FN_T_DATETIME64) return use_int_loop(c, false, 86400 * power10(type->scale), 1);
    return type->id == FN_T_DATETIME && use_int_loop(c, false, 86400, 1);
}

static bool find_time(const pq_leaf *leaf, const fn_type *from, const fn_type *type, pq_convert *c)
{
    const bool time_of_day = leaf->element->meaning == PQ_M_TIME && type->id == FN_T_TIME64;
    if (type->id != FN_T_DATETIME64 && type->id != FN_T_DATETIME && !time_of_day) return false;
    const unsigned have = from->scale, want = type->id == FN_T_DATETIME ? 0 : type->scale;
    if (leaf->element->phys == PQ_INT96) {
        if (type->id == FN_T_DATETIME) return false;
        c->run = i96_to_ticks;
        c->div = power10(9 - want);
        return true;
    }
    return use_int_loop(c, false, want > have ? power10(want - have) : 1, have > want ? power10(have - want) : 1);
}

static bool find_decimal(const pq_leaf *leaf, const fn_type *from, const fn_type *type, pq_convert *c)
{
    if (type->id != FN_T_DECIMAL || type->scale != from->scale || type->precision < from->precision) return false;
    if (leaf->element->phys == PQ_INT32 || leaf->element->phys == PQ_INT64) return use_int_loop(c, false, 1, 1);
    c->run = fixed_to_decimal;
    c->from_text = leaf->element->phys == PQ_BYTE_ARRAY;
    return true;
}

bool pq_convert_find(const pq_leaf *leaf, const fn_type *type, pq_convert *c)
{
    const fn_type *from = fn_type_base(leaf->type);
    const pq_phys phys = leaf->element->phys;
    *c = (pq_convert){.in_width = leaf->width, .width = type->phys == FN_PHYS_STRING ? 0 : type->width, .mul = 1, .div = 1};
    if (type->id == FN_T_STRING) return phys == PQ_BYTE_ARRAY ? from->id == FN_T_STRING : from->id == FN_T_FIXED_STRING;
    if (type->phys == FN_PHYS_STRING || type->width == 0) return false;
    if (from->id == FN_T_DECIMAL) return find_decimal(leaf, from, type, c);
    if (from->id == FN_T_DATE32) return find_date(type, c);
    if (from->id == FN_T_DATETIME64) return find_time(leaf, from, type, c);
    if (from->id == FN_T_FLOAT64) return type->id == FN_T_FLOAT64;
    if (from->id == FN_T_FLOAT32) {
        if (phys == PQ_FLOAT) c->run = type->id == FN_T_FLOAT64 ? f32_to_f64 : NULL;
        else c->run = type->id == FN_T_FLOAT64 ? f16_to_f64 : f16_to_f32;
        return fn_type_is_float(type);
    }
    if (from->id == FN_T_BOOL) return type->id == FN_T_BOOL || type->id == FN_T_UINT8;
    if (from->id == FN_T_UUID) c->run = uuid_to_number;
    if (from->id == FN_T_UUID || from->id == FN_T_FIXED_STRING) return from == type;
    return fn_type_is_integer(from) && find_int(from, type, c);
}
