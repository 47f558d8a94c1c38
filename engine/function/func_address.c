/* func_address.c - IPv4, IPv6, MAC and UUID as numbers, bytes and text; ranges of addresses; new UUIDs.
 * Addresses are IPv4 and IPv6 values, or numbers (UInt32) and bytes (FixedString(16)) that stand for them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include <arpa/inet.h>
#include <stdio.h>

/* ---- text to address; false if it is none ---- */
static bool read_address(int family, fn_str s, uint8_t out[16])
{
    char text[INET6_ADDRSTRLEN + 1];
    if (s.size == 0 || s.size >= sizeof text || memchr(s.data, 0, s.size)) return false;
    memcpy(text, s.data, s.size);
    text[s.size] = 0;
    return inet_pton(family, text, out) == 1;
}
static bool read_ipv4(fn_str s, uint32_t *out)
{
    uint8_t bytes[16];
    if (!read_address(AF_INET, s, bytes)) return false;
    *out = __builtin_bswap32(fn_load_u32(bytes));
    return true;
}
static void map_ipv4(uint32_t v4, uint8_t out[16])
{
    memset(out, 0, 10);
    memset(out + 10, 0xFF, 2);
    fn_store_u32(out + 12, __builtin_bswap32(v4));
}
static bool read_ipv6(fn_str s, uint8_t out[16])
{
    uint32_t v4;
    if (read_address(AF_INET6, s, out)) return true;
    if (!read_ipv4(s, &v4)) return false;
    map_ipv4(v4, out);
    return true;
}

/* ---- IPv4StringToNum, IPv6StringToNum and what they do with bad text ---- */
typedef enum on_bad { BAD_FAILS, BAD_ZERO, BAD_NULL } on_bad;
static on_bad on_bad_of(const func_call *call)
{
    const fn_str name = fn_cstr(call->def->name);
    return fn_str_ends(name, FN_STR("OrNull")) ? BAD_NULL : fn_str_ends(name, FN_STR("OrDefault")) ? BAD_ZERO : BAD_FAILS;
}
static bool is_v6(const func_call *call)
{
    return strncmp(call->def->name, "IPv6", 4) == 0;
}
static fn_status bind_to_number(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "s"));
    call->type = is_v6(call) ? fn_type_fixed_string(16) : fn_type_simple(FN_T_UINT32);
    if (on_bad_of(call) == BAD_NULL) call->type = fn_type_nullable(call->type);
    return FN_OK;
}
static fn_status value_to_number(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    const fn_str s = text_at(args[0], row);
    uint8_t v6[16] = {0};
    uint32_t v4 = 0;
    const bool six = is_v6(call), good = six ? read_ipv6(s, v6) : read_ipv4(s, &v4);
    const on_bad bad = on_bad_of(call);
    if (!good && bad == BAD_NULL) return fn_builder_null(ctx, to);
    if (!good && bad == BAD_ZERO) return fn_builder_default(ctx, to);
    if (!good) return six ? fn_fail(ctx, FN_CANNOT_PARSE_IPV6, "Invalid IPv6 value") : fn_fail(ctx, FN_CANNOT_PARSE_IPV4, "Invalid IPv4 value");
    return six ? fn_builder_str(ctx, to, (fn_str){(const char *)v6, 16}) : fn_builder_fixed(ctx, to, &v4);
}
TEXT_EVAL(eval_to_number, value_rows, value_to_number)

static fn_status row_is_v4(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    uint32_t v4;
    *to = read_ipv4(text_at(args[0], row), &v4);
    return FN_OK;
}
static fn_status row_is_v6(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    uint8_t v6[16];
    *to = read_address(AF_INET6, text_at(args[0], row), v6);
    return FN_OK;
}
TEXT_BIND(bind_flag, "s", func_bind_u8)
TEXT_EVAL(eval_is_v4, fixed_rows, row_is_v4)
TEXT_EVAL(eval_is_v6, fixed_rows, row_is_v6)

/* ---- to text ---- */
static fn_status bind_v4(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    const bool fits = t->id == FN_T_IPV4 || t->id == FN_T_UINT32 || t->id == FN_T_UINT16 || t->id == FN_T_UINT8;
    if (!fits) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of first argument of function %s, expected IPv4 or UInt32", t->name, call->def->name);
    return func_bind_string(ctx, call);
}
static fn_status row_v4_text(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const uint32_t v = (uint32_t)fn_column_u64_at(args[0], row);
    return fn_buf_printf(ctx, to, "%u.%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
}
static fn_status row_v4_class_c(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const uint32_t v = (uint32_t)fn_column_u64_at(args[0], row);
    return fn_buf_printf(ctx, to, "%u.%u.%u.xxx", v >> 24, v >> 16 & 255, v >> 8 & 255);
}
static fn_status bind_v6(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (t->id != FN_T_IPV6 && !(t->id == FN_T_FIXED_STRING && t->width == 16))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument of function %s, expected IPv6 or FixedString(16)", t->name, call->def->name);
    return func_bind_string(ctx, call);
}
static fn_status put_v6(fn_ctx *ctx, const uint8_t *v6, fn_buf *to)
{
    char text[INET6_ADDRSTRLEN + 1];
    return inet_ntop(AF_INET6, v6, text, sizeof text) ? fn_buf_cstr(ctx, to, text) : FN_OK;
}
static fn_status row_v6_text(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    return put_v6(ctx, fn_column_fixed_at(args[0], row), to);
}
TEXT_EVAL(eval_v4_text, text_rows, row_v4_text)
TEXT_EVAL(eval_v4_class_c, text_rows, row_v4_class_c)
TEXT_EVAL(eval_v6_text, text_rows, row_v6_text)

static fn_status bind_cut(fn_ctx *ctx, func_call *call)
{
    FN_TRY(bind_v6(ctx, call));
    return text_need(ctx, call, "*i");
}
static fn_status row_cut(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    uint8_t v6[16];
    memcpy(v6, fn_column_fixed_at(args[0], row), 16);
    bool mapped = v6[10] == 0xFF && v6[11] == 0xFF;
    for (int i = 0; i < 10; i++) mapped &= v6[i] == 0;
    const uint64_t n = fn_column_u64_at(args[mapped ? 2 : 1], row);
    if (n > (mapped ? 4u : 16u)) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Illegal value for argument %d of function cutIPv6", mapped ? 3 : 2);
    memset(v6 + 16 - n, 0, n);
    return put_v6(ctx, v6, to);
}
TEXT_EVAL(eval_cut, text_rows, row_cut)

/* ---- IPv4ToIPv6, ranges ---- */
static fn_status bind_map(fn_ctx *ctx, func_call *call)
{
    FN_TRY(bind_v4(ctx, call));
    call->type = fn_type_simple(FN_T_IPV6);
    return FN_OK;
}
static fn_status row_map(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    map_ipv4((uint32_t)fn_column_u64_at(args[0], row), to);
    return FN_OK;
}
TEXT_EVAL(eval_map, fixed_rows, row_map)

/* The bits behind `prefix` of n bytes set or cleared. */
static void fill_tail(uint8_t *bytes, unsigned n, unsigned prefix, bool ones)
{
    for (unsigned i = 0; i < n; i++) {
        const unsigned kept = prefix > 8 * i ? FN_MIN(prefix - 8 * i, 8u) : 0;
        const uint8_t tail = (uint8_t)(0xFFu >> kept);
        bytes[i] = ones ? bytes[i] | tail : bytes[i] & (uint8_t)~tail;
    }
}
static fn_status bind_range(fn_ctx *ctx, func_call *call)
{
    const fn_type *address = fn_type_simple(is_v6(call) ? FN_T_IPV6 : FN_T_IPV4), *two[2] = {address, address};
    FN_TRY(is_v6(call) ? bind_v6(ctx, call) : bind_v4(ctx, call));
    if (call->arg_types[1]->id != FN_T_UINT8)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of second argument of function %s, expected UInt8", call->arg_types[1]->name, call->def->name);

    call->type = fn_type_tuple(two, NULL, 2);
    return FN_OK;
}
static fn_status value_range(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    const unsigned n = is_v6(call) ? 16 : 4, prefix = FN_MIN((unsigned)fn_column_u64_at(args[1], row), n * 8);
    for (unsigned end = 0; end < 2; end++) {
        uint8_t bytes[16];
        if (n == 16) memcpy(bytes, fn_column_fixed_at(args[0], row), 16);
        else fn_store_u32(bytes, __builtin_bswap32((uint32_t)fn_column_u64_at(args[0], row)));
        fill_tail(bytes, n, prefix, end == 1);
        if (n == 4) fn_store_u32(bytes, __builtin_bswap32(fn_load_u32(bytes)));
        FN_TRY(n == 16 ? fn_builder_str(ctx, &to->kids[end], (fn_str){(const char *)bytes, 16}) : fn_builder_fixed(ctx, &to->kids[end], bytes));
    }
    return fn_builder_close_tuple(ctx, to);
}
TEXT_EVAL(eval_range, value_rows, value_range)

static fn_status row_in_range(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)call;
    const fn_str text = text_at(args[0], row), range = text_at(args[1], row);
    uint8_t a[16] = {0}, b[16] = {0};
    const bool a4 = read_address(AF_INET, text, a), b4 = range.size && memchr(range.data, '.', range.size) && !memchr(range.data, ':', range.size);
    if (!a4 && !read_address(AF_INET6, text, a)) return fn_fail(ctx, FN_CANNOT_PARSE_TEXT, "Neither IPv4 nor IPv6 address: '" FN_STR_FMT "'", FN_STR_ARG(text));
    const char *slash = range.size ? memchr(range.data, '/', range.size) : NULL;
    if (!slash) return fn_fail(ctx, FN_CANNOT_PARSE_TEXT, "The text does not contain '/': " FN_STR_FMT, FN_STR_ARG(range));
    unsigned prefix = 0;
    const char *at = slash + 1, *end = range.data + range.size;
    for (; at < end && text_is_digit((uint8_t)*at) && prefix < 1000; at++) prefix = prefix * 10 + (unsigned)(*at - '0');
    const bool good = read_address(b4 ? AF_INET : AF_INET6, (fn_str){range.data, (size_t)(slash - range.data)}, b);
    if (!good || at != end || end == slash + 1 || prefix > (b4 ? 32u : 128u))
        return fn_fail(ctx, FN_CANNOT_PARSE_TEXT, "The CIDR has a malformed address or prefix: " FN_STR_FMT, FN_STR_ARG(range));
    fill_tail(a, 16, prefix, false);
    fill_tail(b, 16, prefix, false);
    *to = a4 == b4 && memcmp(a, b, b4 ? 4 : 16) == 0;
    return FN_OK;
}
TEXT_EVAL(eval_in_range, fixed_rows, row_in_range)

/* ---- UUID ---- */

/* Bytes in the order of the text; variant 2 (Microsoft) has the first three groups turned around. */
static void turn_groups(uint8_t b[16])
{
    static const uint8_t order[8] = {3, 2, 1, 0, 5, 4, 7, 6};
    uint8_t turned[8];
    for (int i = 0; i < 8; i++) turned[i] = b[order[i]];
    memcpy(b, turned, 8);
}
static fn_status is_variant_2(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, bool *two)
{
    const uint64_t v = call->arg_count > 1 ? fn_column_u64_at(args[1], row) : 1;
    *two = v == 2;
    return v == 1 || v == 2 ? FN_OK : fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Expected UUID variant (1 or 2), got %llu", (unsigned long long)v);
}
static fn_status bind_uuid_to_bytes(fn_ctx *ctx, func_call *call)
{
    const bool from_text = strcmp(call->def->name, "UUIDStringToNum") == 0;
    if (from_text) FN_TRY(text_need(ctx, call, "si"));
    else if (call->arg_types[0]->id != FN_T_UUID) return func_illegal(ctx, call);
    call->type = fn_type_fixed_string(16);
    return FN_OK;
}
static fn_status row_uuid_bytes(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    bool two;
    FN_TRY(is_variant_2(ctx, call, args, row, &two));
    memset(to, 0, 16);
    if (call->arg_types[0]->id == FN_T_UUID) {
        const uint8_t *p = fn_column_fixed_at(args[0], row);
        for (int i = 0; i < 16; i++) to[i] = p[15 - i];
    } else {
        const fn_str s = text_at(args[0], row);
        if (s.size != 36) return FN_OK;
        size_t n = 0;
        for (size_t i = 0; i < 36;) {
            if (i == 8 || i == 13 || i == 18 || i == 23) {
                i++;
                continue;
            }
            const unsigned high = (uint8_t)text_hex((uint8_t)s.data[i]), low = (uint8_t)text_hex((uint8_t)s.data[i + 1]);
            to[n++] = (uint8_t)(high * 16 + low);
            i += 2;
        }
    }
    if (two) turn_groups(to);
    return FN_OK;
}
TEXT_EVAL(eval_uuid_bytes, fixed_rows, row_uuid_bytes)
static fn_status bind_uuid_text(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (t->id != FN_T_FIXED_STRING || t->width != 16)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of first argument of function %s, expected FixedString(16)", t->name, call->def->name);
    FN_TRY(text_need(ctx, call, "si"));
    return func_bind_string(ctx, call);
}
static fn_status row_uuid_text(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    bool two;
    uint8_t b[16];
    FN_TRY(is_variant_2(ctx, call, args, row, &two));
    memcpy(b, fn_column_fixed_at(args[0], row), 16);
    if (two) turn_groups(b);
    for (int i = 0; i < 16; i++) FN_TRY(fn_buf_printf(ctx, to, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]));
    return FN_OK;
}
TEXT_EVAL(eval_uuid_text, text_rows, row_uuid_text)

static fn_status bind_uuid(fn_ctx *ctx, func_call *call)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_UUID);
    return FN_OK;
}
static fn_status eval_new_uuid(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    uint8_t *values;
    const bool timed = strcmp(call->def->name, "generateUUIDv7") == 0;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        uint64_t high = fn_random_u64(), low = fn_random_u64();
        if (timed) high = (uint64_t)(fn_clock_realtime_ns() / 1000000) << 16 | (high & 0xFFFF);
        high = (high & ~(uint64_t)0xF000) | (timed ? 0x7000 : 0x4000);
        low = (low & 0x3FFFFFFFFFFFFFFFu) | 0x8000000000000000u;
        fn_store_u64(values + i * 16, low);
        fn_store_u64(values + i * 16 + 8, high);
    }
    return FN_OK;
}

/* ---- MAC ---- */
static fn_status bind_mac_text(fn_ctx *ctx, func_call *call)
{
    if (call->arg_types[0]->id != FN_T_UINT64) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument of function %s, expected UInt64", call->arg_types[0]->name, call->def->name);
    return func_bind_string(ctx, call);
}
static fn_status row_mac_text(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const uint64_t v = fn_column_u64_at(args[0], row);
    for (int shift = 40; shift >= 0; shift -= 8) FN_TRY(fn_buf_printf(ctx, to, shift ? "%02X:" : "%02X", (unsigned)(v >> shift & 255)));
    return FN_OK;
}
TEXT_BIND(bind_mac_number, "s", func_bind_u64)
static uint64_t mac_number(fn_str s, size_t bytes)
{
    uint64_t v = 0;
    if (s.size != bytes * 3 - 1 && !(bytes == 3 && s.size == 17)) return 0;
    for (size_t i = 0; i < bytes; i++) {
        const int high = text_hex((uint8_t)s.data[3 * i]), low = text_hex((uint8_t)s.data[3 * i + 1]);
        if (high < 0 || low < 0) return 0;
        v = v << 8 | (uint64_t)(high * 16 + low);
    }
    return v;
}
static fn_status row_mac_number(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    fn_store_u64(to, mac_number(text_at(args[0], row), strcmp(call->def->name, "MACStringToOUI") == 0 ? 3 : 6));
    return FN_OK;
}
TEXT_EVAL(eval_mac_text, text_rows, row_mac_text)
TEXT_EVAL(eval_mac_number, fixed_rows, row_mac_number)

#define ROW(fn, names, low, high, more, b, e, what, ex, res)                                                                             \
    {.name = fn, .aliases = names, .args_min = low, .args_max = high, .flags = more, .bind = b, .eval = e, .about = what, .example = ex, .gives = res}
static const char *const ntoa_names[] = {"INET_NTOA", NULL};
static const char *const aton_names[] = {"INET_ATON", NULL};
static const char *const ntoa6_names[] = {"INET6_NTOA", NULL};
static const char *const aton6_names[] = {"INET6_ATON", NULL};
enum { TOTAL = FUNC_PER_ENTRY, ANY_CASE = FUNC_CASE_INSENSITIVE };
static const func_def rows_[] = {
    ROW("IPv4NumToString", ntoa_names, 1, 1, TOTAL | ANY_CASE, bind_v4, eval_v4_text, "A number as IPv4 address.", "IPv4NumToString(toUInt32(16909060))", "1.2.3.4"),
    ROW("IPv4NumToStringClassC", NULL, 1, 1, TOTAL, bind_v4, eval_v4_class_c, "A number as IPv4 address, its last part as xxx.", "IPv4NumToStringClassC(toUInt32(16909060))", "1.2.3.xxx"),
    ROW("IPv4StringToNum", aton_names, 1, 1, ANY_CASE, bind_to_number, eval_to_number, "An IPv4 address as number.", "IPv4StringToNum('1.2.3.4')", "16909060"),
    ROW("IPv4StringToNumOrDefault", NULL, 1, 1, TOTAL, bind_to_number, eval_to_number, "An IPv4 address as number, 0 if it is none.", "IPv4StringToNumOrDefault('x')", "0"),
    ROW("IPv4StringToNumOrNull", NULL, 1, 1, TOTAL, bind_to_number, eval_to_number, "An IPv4 address as number, NULL if it is none.", "IPv4StringToNumOrNull('x')", "NULL"),
    ROW("IPv6NumToString", ntoa6_names, 1, 1, TOTAL | ANY_CASE, bind_v6, eval_v6_text, "16 bytes as IPv6 address.", "IPv6NumToString(toIPv6('::1'))", "::1"),
    ROW("IPv6StringToNum", aton6_names, 1, 1, ANY_CASE, bind_to_number, eval_to_number, "The 16 bytes of an IPv6 address.", "hex(IPv6StringToNum('::1'))", "00000000000000000000000000000001"),
    ROW("IPv6StringToNumOrDefault", NULL, 1, 1, TOTAL, bind_to_number, eval_to_number, "The 16 bytes of an IPv6 address, zeros if it is none.", "IPv6StringToNumOrDefault('x') = toFixedString('', 16)", "1"),
    ROW("IPv6StringToNumOrNull", NULL, 1, 1, TOTAL, bind_to_number, eval_to_number, "The 16 bytes of an IPv6 address, NULL if it is none.", "IPv6StringToNumOrNull('x')", "NULL"),
    ROW("isIPv4String", NULL, 1, 1, TOTAL, bind_flag, eval_is_v4, "1 if the text is an IPv4 address.", "isIPv4String('1.2.3.4')", "1"),
    ROW("isIPv6String", NULL, 1, 1, TOTAL, bind_flag, eval_is_v6, "1 if the text is an IPv6 address.", "isIPv6String('::1')", "1"),
    ROW("IPv4ToIPv6", NULL, 1, 1, TOTAL, bind_map, eval_map, "An IPv4 address as IPv6 address.", "IPv4ToIPv6(toIPv4('1.2.3.4'))", "::ffff:1.2.3.4"),
    ROW("cutIPv6", NULL, 3, 3, 0, bind_cut, eval_cut, "An IPv6 address as text with so many bytes cleared (third argument: for mapped IPv4).", "cutIPv6(toIPv6('1:2:3:4:5:6:7:8'), 2, 0)", "1:2:3:4:5:6:7:0"),
    ROW("IPv4CIDRToRange", NULL, 2, 2, TOTAL, bind_range, eval_range, "First and last address of a network.", "IPv4CIDRToRange(toIPv4('192.168.5.2'), 16)", "('192.168.0.0','192.168.255.255')"),
    ROW("IPv6CIDRToRange", NULL, 2, 2, TOTAL, bind_range, eval_range, "First and last address of a network.", "IPv6CIDRToRange(toIPv6('2001:db8::1'), 112)", "('2001:db8::','2001:db8::ffff')"),
    ROW("isIPAddressInRange", NULL, 2, 2, 0, bind_flag, eval_in_range, "1 if the address lies in the network.", "isIPAddressInRange('127.0.0.1', '127.0.0.0/8')", "1"),
    ROW("UUIDStringToNum", NULL, 1, 2, 0, bind_uuid_to_bytes, eval_uuid_bytes, "The 16 bytes of a UUID's text; variant 2 is Microsoft's order.", "hex(UUIDStringToNum('61f0c404-5cb3-11e7-907b-a6006ad3dba0'))", "61F0C4045CB311E7907BA6006AD3DBA0"),
    ROW("UUIDToNum", NULL, 1, 2, 0, bind_uuid_to_bytes, eval_uuid_bytes, "The 16 bytes of a UUID.", "hex(UUIDToNum(toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')))", "61F0C4045CB311E7907BA6006AD3DBA0"),
    ROW("UUIDNumToString", NULL, 1, 2, 0, bind_uuid_text, eval_uuid_text, "16 bytes as UUID's text.", "UUIDNumToString(toFixedString('', 16))", "00000000-0000-0000-0000-000000000000"),
    ROW("generateUUIDv4", NULL, 0, 1, FUNC_NONDETERMINISTIC, bind_uuid, eval_new_uuid, "A random UUID per row.", "toTypeName(generateUUIDv4())", "UUID"),
    ROW("generateUUIDv7", NULL, 0, 1, FUNC_NONDETERMINISTIC, bind_uuid, eval_new_uuid, "A UUID per row that begins with the time in milliseconds.", "toTypeName(generateUUIDv7())", "UUID"),
    ROW("MACNumToString", NULL, 1, 1, TOTAL, bind_mac_text, eval_mac_text, "A number as MAC address.", "MACNumToString(toUInt64(1108152157446))", "01:02:03:04:05:06"),
    ROW("MACStringToNum", NULL, 1, 1, TOTAL, bind_mac_number, eval_mac_number, "A MAC address as number, 0 if it is none.", "MACStringToNum('01:02:03:04:05:06')", "1108152157446"),
    ROW("MACStringToOUI", NULL, 1, 1, TOTAL, bind_mac_number, eval_mac_number, "The first three bytes of a MAC address as number.", "MACStringToOUI('01:02:03:04:05:06')", "66051"),
};
const func_family func_family_address = FUNC_FAMILY("IP and UUID", rows_);
