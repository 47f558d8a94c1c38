/* func_encoding.c - bytes as text and back: hex, bin, base64, base32, base58, char, XML entities.
 * Encoders never fail; decoders fail with INCORRECT_DATA, their try kinds give an empty string instead.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include "function/utf8.h"

TEXT_BIND(bind_text, "s", func_bind_string)

/* ---- hex, bin ---- */

/* The bytes of a value, the most significant first, without leading zero bytes for integers (at least one byte). Room: 32. */
static fn_str value_bytes(const fn_column *c, size_t row, uint8_t room[32])
{
    const fn_type *t = c->type;
    if (t->phys == FN_PHYS_STRING || t->phys == FN_PHYS_FIXED) return text_at(c, row);
    const size_t width = t->width;
    const uint8_t *p = fn_column_fixed_at(c, row);
    if (fn_type_is_float(t) || t->id == FN_T_DECIMAL) return (fn_str){(const char *)p, width};
    size_t n = width;
    while (t->id != FN_T_UUID && n > 1 && p[n - 1] == 0) n--;
    for (size_t i = 0; i < n; i++) room[i] = p[n - 1 - i];
    return (fn_str){(const char *)room, n};
}

static fn_status bind_digits(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (t->id == FN_T_DATETIME64 || t->id == FN_T_ENUM8 || t->id == FN_T_ENUM16 || t->id == FN_T_INTERVAL || t->id == FN_T_TIME64)
        return fn_fail(ctx, FN_ILLEGAL_COLUMN, "Illegal column %s of argument of function %s", t->name, call->def->name);
    if (!t->width && t->phys != FN_PHYS_STRING) return func_illegal(ctx, call);
    return func_bind_string(ctx, call);
}
static fn_status row_hex(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    uint8_t room[32];
    const fn_str s = value_bytes(args[0], row, room);
    FN_TRY(fn_buf_reserve(ctx, to, s.size * 2));
    for (size_t i = 0; i < s.size; i++) {
        to->data[to->size++] = "0123456789ABCDEF"[(uint8_t)s.data[i] >> 4];
        to->data[to->size++] = "0123456789ABCDEF"[(uint8_t)s.data[i] & 15];
    }
    return FN_OK;
}
static fn_status row_bin(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    uint8_t room[32];
    const fn_str s = value_bytes(args[0], row, room);
    FN_TRY(fn_buf_reserve(ctx, to, s.size * 8));
    for (size_t i = 0; i < s.size; i++)
        for (int bit = 7; bit >= 0; bit--) to->data[to->size++] = (char)('0' + (((uint8_t)s.data[i] >> bit) & 1));
    return FN_OK;
}
/* An odd first digit stands alone; what is no digit counts as 0xFF. */
static fn_status row_unhex(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    FN_TRY(fn_buf_reserve(ctx, to, s.size / 2 + 1));
    size_t i = 0;
    if (s.size % 2) to->data[to->size++] = (char)text_hex((uint8_t)s.data[i++]);
    for (; i < s.size; i += 2) {
        const unsigned high = (uint8_t)text_hex((uint8_t)s.data[i]), low = (uint8_t)text_hex((uint8_t)s.data[i + 1]);
        to->data[to->size++] = (char)(high * 16 + low);
    }
    return FN_OK;
}
static fn_status row_unbin(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    FN_TRY(fn_buf_reserve(ctx, to, s.size / 8 + 1));
    unsigned byte = 0;
    for (size_t i = 0; i < s.size; i++) {
        byte = byte << 1 | (s.data[i] != '0');
        if ((s.size - i - 1) % 8) continue;
        to->data[to->size++] = (char)byte;
        byte = 0;
    }
    return FN_OK;
}
TEXT_EVAL(eval_hex, text_rows, row_hex)
TEXT_EVAL(eval_bin, text_rows, row_bin)
TEXT_EVAL(eval_unhex, text_rows, row_unhex)
TEXT_EVAL(eval_unbin, text_rows, row_unbin)

/* ---- char ---- */
static fn_status bind_char(fn_ctx *ctx, func_call *call)
{
    if (call->arg_count == 0) return fn_fail(ctx, FN_TOO_FEW_ARGUMENTS_FOR_FUNCTION, "Number of arguments for function char can't be 0");
    FN_TRY(text_need(ctx, call, "n"));
    return func_bind_string(ctx, call);
}
static fn_status row_char(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const bool whole = !fn_type_is_float(args[i]->type);
        const double d = whole ? 0 : fn_column_f64_at(args[i], row);
        const uint8_t b = whole ? fn_column_fixed_at(args[i], row)[0] : (uint8_t)(d > -9e18 && d < 9e18 ? (int64_t)d : 0);
        FN_TRY(fn_buf_byte(ctx, to, (char)b));
    }
    return FN_OK;
}
TEXT_EVAL(eval_char, text_rows, row_char)

/* ---- base64, base32: groups of bits, five or six at a time ---- */
typedef struct alphabet {
    const char *digits;
    unsigned bits, group; /* bits per digit, digits per padded group */
    bool pad;
} alphabet;
static const alphabet base64 = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6, 4, true};
static const alphabet base64_url = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 6, 4, false};
static const alphabet base32 = {"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5, 8, true};

static fn_status encode_bits(fn_ctx *ctx, const alphabet *a, fn_str s, fn_buf *to)
{
    FN_TRY(fn_buf_reserve(ctx, to, s.size * 2 + 8));
    const size_t start = to->size;
    unsigned held = 0, bits = 0;
    for (size_t i = 0; i < s.size; i++) {
        held = (held << 8 | (uint8_t)s.data[i]) & 0xFFFF;
        for (bits += 8; bits >= a->bits; bits -= a->bits) to->data[to->size++] = a->digits[held >> (bits - a->bits) & ((1u << a->bits) - 1)];
    }
    if (bits) to->data[to->size++] = a->digits[held << (a->bits - bits) & ((1u << a->bits) - 1)];
    while (a->pad && (to->size - start) % a->group) to->data[to->size++] = '=';
    return FN_OK;
}
/* False if the text is not one the encoder could have made (white space is passed over, the last bits may be anything). */
static bool decode_bits(const alphabet *a, fn_str s, fn_buf *to)
{
    unsigned held = 0, bits = 0;
    size_t digits = 0, pads = 0;
    for (size_t i = 0; i < s.size; i++) {
        char b = s.data[i];
        if (a->bits == 6 && (b == ' ' || b == '\t' || b == '\n' || b == '\r' || b == '\f')) continue;
        if (b == '=') {
            pads++;
            continue;
        }
        if (a->bits == 5) b = (char)text_upper((uint8_t)b);
        const char *at = b && !pads ? strchr(a->digits, b) : NULL;
        if (!at) return false;
        digits++;
        held = (held << a->bits | (unsigned)(at - a->digits)) & 0xFFFF;
        bits += a->bits;
        if (bits < 8) continue;
        bits -= 8;
        to->data[to->size++] = (char)(held >> bits);
    }
    if (bits >= a->bits) return false; /* a digit that makes no byte */
    return (digits + pads) % a->group == 0 ? pads < a->group : !a->pad && pads == 0;
}
static fn_status row_to_base64(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    return encode_bits(ctx, &base64, text_at(args[0], row), to);
}
static fn_status row_to_base64_url(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    return encode_bits(ctx, &base64_url, text_at(args[0], row), to);
}
static fn_status row_to_base32(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    return encode_bits(ctx, &base32, text_at(args[0], row), to);
}
TEXT_EVAL(eval_to_base64, text_rows, row_to_base64)
TEXT_EVAL(eval_to_base64_url, text_rows, row_to_base64_url)
TEXT_EVAL(eval_to_base32, text_rows, row_to_base32)

/* What a decoder says to bad input. */
static fn_status undecodable(fn_ctx *ctx, const func_call *call, fn_str s, size_t start, fn_buf *to)
{
    to->size = start;
    if (strncmp(call->def->name, "try", 3) == 0) return FN_OK;
    return fn_fail(ctx, FN_INCORRECT_DATA, "Invalid %s value (" FN_STR_FMT "), cannot be decoded", call->def->name, FN_STR_ARG(s));
}
static fn_status decode_row(fn_ctx *ctx, const func_call *call, const alphabet *a, fn_str s, fn_buf *to)
{
    const size_t start = to->size;
    FN_TRY(fn_buf_reserve(ctx, to, s.size));
    return decode_bits(a, s, to) ? FN_OK : undecodable(ctx, call, s, start, to);
}
static fn_status row_from_base64(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    return decode_row(ctx, call, &base64, text_at(args[0], row), to);
}
static fn_status row_from_base64_url(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    return decode_row(ctx, call, &base64_url, text_at(args[0], row), to);
}
static fn_status row_from_base32(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    return decode_row(ctx, call, &base32, text_at(args[0], row), to);
}
TEXT_EVAL(eval_from_base64, text_rows, row_from_base64)
TEXT_EVAL(eval_from_base64_url, text_rows, row_from_base64_url)
TEXT_EVAL(eval_from_base32, text_rows, row_from_base32)

/* ---- base58: one large number; leading zero bytes are leading ones ---- */
static const char base58_digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* Rewrites digits of base `from` (values) to base `to_base` behind to->size, the most significant first. Quadratic: the
 * caller bounds the size. */
static fn_status change_base(fn_ctx *ctx, const uint8_t *in, size_t n, unsigned from, unsigned to_base, fn_buf *to)
{
    FN_TRY(fn_buf_reserve(ctx, to, n * 2 + 1));
    uint8_t *out = (uint8_t *)to->data + to->size;
    size_t size = 0; /* least significant first while computing */
    for (size_t i = 0; i < n; i++) {
        unsigned carry = in[i];
        for (size_t k = 0; k < size; k++) {
            carry += out[k] * from;
            out[k] = (uint8_t)(carry % to_base);
            carry /= to_base;
        }
        for (; carry; carry /= to_base) out[size++] = (uint8_t)(carry % to_base);
        if (i % 1024 == 1023) FN_TRY(fn_ctx_check(ctx));
    }
    for (size_t i = 0; i < size / 2; i++) {
        const uint8_t swap = out[i];
        out[i] = out[size - 1 - i];
        out[size - 1 - i] = swap;
    }
    to->size += size;
    return FN_OK;
}
static fn_status row_to_base58(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    size_t zeros = 0;
    while (zeros < s.size && s.data[zeros] == 0) zeros++;
    for (size_t i = 0; i < zeros; i++) FN_TRY(fn_buf_byte(ctx, to, '1'));
    const size_t start = to->size;
    FN_TRY(change_base(ctx, (const uint8_t *)s.data + zeros, s.size - zeros, 256, 58, to));
    for (size_t i = start; i < to->size; i++) to->data[i] = base58_digits[(uint8_t)to->data[i]];
    return FN_OK;
}
static fn_status row_from_base58(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    const fn_str s = text_at(args[0], row);
    const size_t start = to->size;
    size_t ones = 0;
    fn_buf digits = FN_BUF_INIT;
    FN_TRY(fn_buf_reserve(ctx, &digits, s.size));
    bool good = true;
    while (ones < s.size && s.data[ones] == '1') ones++;
    for (size_t i = ones; i < s.size && good; i++) {
        const char *at = s.data[i] ? strchr(base58_digits, s.data[i]) : NULL;
        good = at != NULL;
        if (good) digits.data[digits.size++] = (char)(at - base58_digits);
    }
    fn_status status = FN_OK;
    for (size_t i = 0; i < ones && good && status == FN_OK; i++) status = fn_buf_byte(ctx, to, 0);
    if (good && status == FN_OK) status = change_base(ctx, (const uint8_t *)digits.data, digits.size, 58, 256, to);
    fn_buf_release(&digits);
    return status != FN_OK || good ? status : undecodable(ctx, call, s, start, to);
}
TEXT_EVAL(eval_to_base58, text_rows, row_to_base58)
TEXT_EVAL(eval_from_base58, text_rows, row_from_base58)

/* ---- XML ---- */
typedef struct entity {
    fn_str name;
    char byte;
} entity;
static const entity entities[] = {{{"&lt;", 4}, '<'}, {{"&gt;", 4}, '>'}, {{"&amp;", 5}, '&'}, {{"&quot;", 6}, '"'}, {{"&apos;", 6}, '\''}};
static fn_status row_to_xml(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    for (size_t i = 0; i < s.size; i++) {
        size_t k = 0;
        while (k < FN_COUNT(entities) && entities[k].byte != s.data[i]) k++;
        if (k < FN_COUNT(entities)) FN_TRY(fn_buf_str(ctx, to, entities[k].name));
        else FN_TRY(fn_buf_byte(ctx, to, s.data[i]));
    }
    return FN_OK;
}
/* Reads &#65; or &#x41; at s.data + at; gives its size, 0 if it is none. */
static size_t numeric_entity(fn_str s, size_t at, uint32_t *code)
{
    size_t i = at + 2, digits = 0;
    const bool hex = i < s.size && (s.data[i] == 'x' || s.data[i] == 'X');
    *code = 0;
    for (i += hex; i < s.size; i++, digits++) {
        const int d = text_hex((uint8_t)s.data[i]);
        if (d < 0 || (!hex && d > 9)) break;
        *code = FN_MIN(*code * (hex ? 16 : 10) + (uint32_t)d, 0x110000u);
    }
    return digits && i < s.size && s.data[i] == ';' && *code <= 0x10FFFF ? i + 1 - at : 0;
}
static fn_status row_from_xml(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    FN_TRY(fn_buf_reserve(ctx, to, s.size + 4));
    for (size_t at = 0; at < s.size;) {
        uint32_t code;
        const fn_str rest = text_from(s, at);
        size_t n = fn_str_starts(rest, FN_STR("&#")) ? numeric_entity(s, at, &code) : 0;
        if (n) {
            to->size += utf8_encode(code, to->data + to->size);
            at += n;
            continue;
        }
        size_t k = 0;
        while (k < FN_COUNT(entities) && !fn_str_starts(rest, entities[k].name)) k++;
        to->data[to->size++] = k < FN_COUNT(entities) ? entities[k].byte : s.data[at];
        at += k < FN_COUNT(entities) ? entities[k].name.size : 1;
    }
    return FN_OK;
}
TEXT_EVAL(eval_to_xml, text_rows, row_to_xml)
TEXT_EVAL(eval_from_xml, text_rows, row_from_xml)

#define CODING(fn, names, more, e, what, ex, res)                                                                                        \
    {.name = fn, .aliases = names, .args_min = 1, .args_max = 1, .flags = more, .bind = bind_text, .eval = e, .about = what, .example = ex, .gives = res}
static const char *const to_base64_names[] = {"TO_BASE64", NULL};
static const char *const from_base64_names[] = {"FROM_BASE64", NULL};
enum { TOTAL = FUNC_PER_ENTRY, ANY_CASE = FUNC_CASE_INSENSITIVE };
static const func_def rows_[] = {
    {.name = "hex", .args_min = 1, .args_max = 1, .flags = TOTAL | ANY_CASE, .bind = bind_digits, .eval = eval_hex,
     .about = "The bytes of a string in hexadecimal; numbers with the most significant byte first, floats as they lie in memory.", .example = "hex('abc')", .gives = "616263"},
    {.name = "bin", .args_min = 1, .args_max = 1, .flags = TOTAL | ANY_CASE, .bind = bind_digits, .eval = eval_bin,
     .about = "The bits of a value, as hex gives its digits.", .example = "bin('a')", .gives = "01100001"},
    CODING("unhex", NULL, TOTAL | ANY_CASE, eval_unhex, "The bytes that hexadecimal digits stand for.", "unhex('616263')", "abc"),
    CODING("unbin", NULL, TOTAL | ANY_CASE, eval_unbin, "The bytes that binary digits stand for.", "unbin('01100001')", "a"),
    {.name = "char", .args_min = 0, .args_max = -1, .flags = TOTAL | ANY_CASE, .bind = bind_char, .eval = eval_char,
     .about = "The bytes with these numbers.", .example = "char(65, 66)", .gives = "AB"},
    CODING("base64Encode", to_base64_names, TOTAL | ANY_CASE, eval_to_base64, "Base64 with padding (RFC 4648).", "base64Encode('abc')", "YWJj"),
    CODING("base64URLEncode", NULL, TOTAL, eval_to_base64_url, "Base64 for URLs: - and _, no padding.", "base64URLEncode('ab')", "YWI"),
    CODING("base32Encode", NULL, TOTAL, eval_to_base32, "Base32 with padding (RFC 4648).", "base32Encode('a')", "ME======"),
    CODING("base58Encode", NULL, 0, eval_to_base58, "Base58 in Bitcoin's alphabet.", "base58Encode('Hello')", "9Ajdvzr"),
    CODING("base64Decode", from_base64_names, ANY_CASE, eval_from_base64, "Decodes Base64; INCORRECT_DATA if it is none.", "base64Decode('YWJj')", "abc"),
    CODING("tryBase64Decode", NULL, TOTAL, eval_from_base64, "Decodes Base64; an empty string if it is none.", "tryBase64Decode('YWJj')", "abc"),
    CODING("base64URLDecode", NULL, 0, eval_from_base64_url, "Decodes Base64 for URLs; INCORRECT_DATA if it is none.", "base64URLDecode('YWI')", "ab"),
    CODING("tryBase64URLDecode", NULL, TOTAL, eval_from_base64_url, "Decodes Base64 for URLs; an empty string if it is none.", "tryBase64URLDecode('YWI')", "ab"),
    CODING("base32Decode", NULL, 0, eval_from_base32, "Decodes Base32; INCORRECT_DATA if it is none.", "base32Decode('ME======')", "a"),
    CODING("tryBase32Decode", NULL, TOTAL, eval_from_base32, "Decodes Base32; an empty string if it is none.", "tryBase32Decode('ME======')", "a"),
    CODING("base58Decode", NULL, 0, eval_from_base58, "Decodes Base58; INCORRECT_DATA if it is none.", "base58Decode('9Ajdvzr')", "Hello"),
    CODING("tryBase58Decode", NULL, 0, eval_from_base58, "Decodes Base58; an empty string if it is none.", "tryBase58Decode('9Ajdvzr')", "Hello"),
    CODING("encodeXMLComponent", NULL, TOTAL, eval_to_xml, "The characters that XML gives a meaning, as entities.", "encodeXMLComponent('<a>')", "&lt;a&gt;"),
    CODING("decodeXMLComponent", NULL, TOTAL, eval_from_xml, "XML's entities replaced by what they stand for.", "decodeXMLComponent('&lt;a&gt;')", "<a>"),
};
const func_family func_family_encoding = FUNC_FAMILY("encoding", rows_);
