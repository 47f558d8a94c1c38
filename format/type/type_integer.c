/* type_integer.c - UInt8..UInt256 and Int8..Int256. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include "type/type_text.h"
#include <firn/wide.h>

static fn_type_id id_of(const fn_type_class *class)
{
    static const fn_type_class *const order[] = {&type_uint8, &type_uint16, &type_uint32, &type_uint64, &type_uint128, &type_uint256,
                                                 &type_int8,  &type_int16,  &type_int32,  &type_int64,  &type_int128,  &type_int256};
    for (unsigned i = 0; i < FN_COUNT(order); i++)
        if (order[i] == class) return FN_T_UINT8 + i;
    FN_IMPOSSIBLE("integer class");
}

/* INT(11) and the like: display widths mean nothing. */
static fn_status make(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    const bool width = args->count == 1 && args->items[0].kind == TYPE_ARG_NUMBER && !fn_str_eq(args->written, fn_cstr(class->name));
    return type_make_simple(ctx, id_of(class), width ? NULL : args, out);
}

static size_t digits(const fn_type *t, const uint8_t *v, char *out)
{
    switch (t->phys) {
    case FN_PHYS_U8: return fn_u128_text(*v, out);
    case FN_PHYS_U16: return fn_u128_text(fn_load_u16(v), out);
    case FN_PHYS_U32: return fn_u128_text(fn_load_u32(v), out);
    case FN_PHYS_U64: return fn_u128_text(fn_load_u64(v), out);
    case FN_PHYS_U128: return fn_u128_text(fn_load_u128(v), out);
    case FN_PHYS_I8: return fn_i128_text((int8_t)*v, out);
    case FN_PHYS_I16: return fn_i128_text(fn_load_i16(v), out);
    case FN_PHYS_I32: return fn_i128_text(fn_load_i32(v), out);
    case FN_PHYS_I64: return fn_i128_text(fn_load_i64(v), out);
    case FN_PHYS_I128: return fn_i128_text(fn_load_i128(v), out);
    case FN_PHYS_U256: return fn_i256_text(fn_load_i256(v), false, out);
    case FN_PHYS_I256: return fn_i256_text(fn_load_i256(v), true, out);
    case FN_PHYS_F32:
    case FN_PHYS_F64:
    case FN_PHYS_FIXED:
    case FN_PHYS_STRING:
    case FN_PHYS_ARRAY:
    case FN_PHYS_TUPLE:
    case FN_PHYS_NOTHING: break;
    }
    FN_IMPOSSIBLE("integer form");
}

static fn_status write(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    const fn_type *t = fn_type_base(c->type);
    FN_TRY(fn_buf_reserve(ctx, out, FN_WIDE_TEXT_MAX + 2));
    const bool quote = style == FN_TEXT_JSON && t->width >= 8 && o->json_quote_64bit_integers;
    if (quote) out->data[out->size++] = '"';
    out->size += digits(t, c->values + row * t->width, out->data + out->size);
    if (quote) out->data[out->size++] = '"';
    return FN_OK;
}

/* Wraps as ClickHouse does: digits are taken modulo the type's width. */
static bool parse(fn_str s, bool is_unsigned, fn_i256 *out)
{
    size_t i = 0;
    const bool negative = s.size && s.data[0] == '-';
    if (s.size && (s.data[0] == '-' || s.data[0] == '+')) i++;
    if (i == s.size || (negative && is_unsigned)) return false;
    uint64_t small = 0;
    fn_i256 wide = fn_i256_from_u64(0);
    const size_t first = i;
    for (; i < s.size; i++) {
        const char c = s.data[i];
        if (c < '0' || c > '9') return false;
        if (i - first < 18) {
            small = small * 10 + (uint64_t)(c - '0');
        } else {
            if (i - first == 18) wide = fn_i256_from_u64(small);
            wide = fn_i256_add(fn_i256_mul(wide, fn_i256_from_u64(10)), fn_i256_from_u64((uint64_t)(c - '0')));
        }
    }
    if (s.size - first <= 18) wide = fn_i256_from_u64(small);
    *out = negative ? fn_i256_neg(wide) : wide;
    return true;
}

/* Nearly all numbers: up to 18 digits of a type of at most 64 bits. False: the long way. */
static bool parse_short(fn_str s, const fn_type *t, uint64_t *out)
{
    const bool negative = s.size && s.data[0] == '-';
    const size_t first = negative;
    uint64_t v = 0;
    if (s.size - first > 18 || s.size == first || t->width > 8 || (negative && fn_type_is_unsigned(t))) return false;
    for (size_t i = first; i < s.size; i++) {
        const unsigned d = (unsigned)(unsigned char)s.data[i] - '0';
        if (d > 9) return false;
        v = v * 10 + d;
    }
    *out = negative ? 0 - v : v;
    return true;
}

static fn_status read(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    const fn_type *t = fn_type_base(type);
    text_token token;
    fn_i256 v;
    FN_TRY(text_token_read(ctx, in, style, o, &token));
    fn_status status;
    uint64_t small;
    if (parse_short(token.value, t, &small)) status = fn_builder_fixed(ctx, out, &small);
    else if (parse(token.value, fn_type_is_unsigned(t), &v)) status = fn_builder_fixed(ctx, out, &v);
    else if (fn_str_eq(token.value, FN_STR("true"))) status = fn_builder_fixed(ctx, out, &(fn_i256){{1, 0, 0, 0}});
    else if (fn_str_eq(token.value, FN_STR("false"))) status = fn_builder_fixed(ctx, out, &(fn_i256){{0, 0, 0, 0}});
    else status = text_token_bad(ctx, in, &token, style == FN_TEXT_PLAIN ? FN_CANNOT_PARSE_TEXT : FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, t->name);
    text_token_release(&token);
    return status;
}

#define INTEGER(symbol, text, ...)                                                                                     \
    static const char *const symbol##_aliases[] = {__VA_ARGS__ NULL};                                                  \
    const fn_type_class type_##symbol = {.name = text, .aliases = symbol##_aliases, .alias_nocase = true, .make = make, .write = write, .read = read, \
                                         .about = "Integer with or without a sign of 8 to 256 bits."};
INTEGER(uint8, "UInt8", "INT1 UNSIGNED", "TINYINT UNSIGNED", )
INTEGER(uint16, "UInt16", "SMALLINT UNSIGNED", "YEAR", )
INTEGER(uint32, "UInt32", "INT UNSIGNED", "INTEGER UNSIGNED", "MEDIUMINT UNSIGNED", )
INTEGER(uint64, "UInt64", "BIGINT UNSIGNED", "UNSIGNED", "BIT", "SET", )
INTEGER(uint128, "UInt128", )
INTEGER(uint256, "UInt256", )
INTEGER(int8, "Int8", "TINYINT", "INT1", "BYTE", "TINYINT SIGNED", "INT1 SIGNED", )
INTEGER(int16, "Int16", "SMALLINT", "SMALLINT SIGNED", )
INTEGER(int32, "Int32", "INT", "INTEGER", "MEDIUMINT", "INT SIGNED", "INTEGER SIGNED", "MEDIUMINT SIGNED", )
INTEGER(int64, "Int64", "BIGINT", "BIGINT SIGNED", "SIGNED", "TIME_INTERVAL", )
INTEGER(int128, "Int128", )
INTEGER(int256, "Int256", )
