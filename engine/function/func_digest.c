/* func_digest.c - digests and checksums of one string: MD5, SHA*, RIPEMD160 (OpenSSL), Keccak-256 (own: Debian's OpenSSL has only
 * the later SHA-3 padding), CRC32, CRC64, and the hashes of Java and Hive.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/hash.h"
#include "function/text_rows.h"
#include <firn/codec.h>
#include <openssl/evp.h>

/* ---- OpenSSL's digests ---- */
typedef struct digest_row {
    const char *name;
    const EVP_MD *(*algorithm)(void);
    uint32_t size;
} digest_row;
static const digest_row digests[] = {
    {"MD5", EVP_md5, 16},       {"SHA1", EVP_sha1, 20},     {"SHA224", EVP_sha224, 28},         {"SHA256", EVP_sha256, 32},
    {"SHA384", EVP_sha384, 48}, {"SHA512", EVP_sha512, 64}, {"SHA512_256", EVP_sha512_256, 32}, {"RIPEMD160", EVP_ripemd160, 20},
};
static fn_status bind_digest(fn_ctx *ctx, func_call *call)
{
    const fn_type_id id = call->arg_types[0]->id;
    if (!fn_type_is_string(call->arg_types[0]) && id != FN_T_IPV6) return func_illegal(ctx, call);
    for (size_t i = 0; i < FN_COUNT(digests); i++)
        if (strcmp(digests[i].name, call->def->name) == 0) call->data = (void *)(uintptr_t)&digests[i];
    FN_ASSERT(call->data != NULL);
    call->type = fn_type_fixed_string(((const digest_row *)call->data)->size);
    return FN_OK;
}
static fn_status eval_digest(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const digest_row *d = call->data;
    uint8_t *values;
    EVP_MD_CTX *state = EVP_MD_CTX_new();
    if (!state) return fn_fail_memory(ctx, 64);
    fn_column *c = func_new_fixed(ctx, call->type, rows, &values);
    fn_status status = c ? FN_OK : ctx->error.code;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        const fn_str s = text_at(args[0], i);
        const bool good = EVP_DigestInit_ex(state, i ? NULL : d->algorithm(), NULL) /* looked up once */ && EVP_DigestUpdate(state, s.data, s.size) && EVP_DigestFinal_ex(state, values + i * d->size, NULL);
        if (!good) status = fn_fail(ctx, FN_OPENSSL_ERROR, "OpenSSL cannot compute %s", d->name);
    }
    EVP_MD_CTX_free(state);
    if (status != FN_OK) fn_column_drop(c);
    else *out = c;
    return status;
}

/* ---- Keccak-256: the sponge of SHA-3 with the padding it was submitted with ---- */
enum { RATE = 136 };
static void keccak_permute(uint64_t a[25])
{
    static const uint64_t round_constants[24] = {
        0x0000000000000001u, 0x0000000000008082u, 0x800000000000808Au, 0x8000000080008000u, 0x000000000000808Bu, 0x0000000080000001u,
        0x8000000080008081u, 0x8000000000008009u, 0x000000000000008Au, 0x0000000000000088u, 0x0000000080008009u, 0x000000008000000Au,
        0x000000008000808Bu, 0x800000000000008Bu, 0x8000000000008089u, 0x8000000000008003u, 0x8000000000008002u, 0x8000000000000080u,
        0x000000000000800Au, 0x800000008000000Au, 0x8000000080008081u, 0x8000000000008080u, 0x0000000080000001u, 0x8000000080008008u};
    static const uint8_t turns[24] = {1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44};
    static const uint8_t lanes[24] = {10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1};
    for (unsigned round = 0; round < 24; round++) {
        uint64_t c[5], t;
        for (unsigned x = 0; x < 5; x++) c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        for (unsigned x = 0; x < 5; x++) {
            t = c[(x + 4) % 5] ^ (c[(x + 1) % 5] << 1 | c[(x + 1) % 5] >> 63);
            for (unsigned y = 0; y < 25; y += 5) a[y + x] ^= t;
        }
        t = a[1];
        for (unsigned i = 0; i < 24; i++) {
            const uint64_t keep = a[lanes[i]];
            a[lanes[i]] = t << turns[i] | t >> (64 - turns[i]);
            t = keep;
        }
        for (unsigned y = 0; y < 25; y += 5) {
            for (unsigned x = 0; x < 5; x++) c[x] = a[y + x];
            for (unsigned x = 0; x < 5; x++) a[y + x] = c[x] ^ (~c[(x + 1) % 5] & c[(x + 2) % 5]);
        }
        a[0] ^= round_constants[round];
    }
}
static void absorb(uint64_t a[25], const uint8_t *block)
{
    for (unsigned i = 0; i < RATE / 8; i++) a[i] ^= fn_load_u64(block + 8 * i);
    keccak_permute(a);
}
static fn_status bind_keccak(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "s"));
    call->type = fn_type_fixed_string(32);
    return FN_OK;
}
static fn_status row_keccak(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    fn_str s = text_at(args[0], row);
    uint64_t a[25] = {0};
    for (; s.size >= RATE; s = text_from(s, RATE)) absorb(a, (const uint8_t *)s.data);
    uint8_t last[RATE] = {0};
    if (s.size) memcpy(last, s.data, s.size);
    last[s.size] = 1;
    last[RATE - 1] |= 0x80;
    absorb(a, last);
    memcpy(to, a, 32);
    return FN_OK;
}
TEXT_EVAL(eval_keccak, fixed_rows, row_keccak)

/* ---- cyclic redundancy checks, bit by bit tables of 16 ---- */
static uint64_t crc(uint64_t value, uint64_t polynomial, fn_str s)
{
    uint64_t table[16];
    for (unsigned i = 0; i < 16; i++) {
        table[i] = i;
        for (int bit = 0; bit < 4; bit++) table[i] = table[i] & 1 ? table[i] >> 1 ^ polynomial : table[i] >> 1;
    }
    for (size_t i = 0; i < s.size; i++) {
        value ^= (uint8_t)s.data[i];
        value = value >> 4 ^ table[value & 15];
        value = value >> 4 ^ table[value & 15];
    }
    return value;
}
static fn_status bind_crc(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "s"));
    call->type = fn_type_simple(strcmp(call->def->name, "CRC64") == 0 ? FN_T_UINT64 : FN_T_UINT32);
    return FN_OK;
}
static fn_status row_crc32(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    fn_store_u32(to, (uint32_t)~crc(0xFFFFFFFFu, 0xEDB88320u, text_at(args[0], row)));
    return FN_OK;
}
static fn_status row_crc32_ieee(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    fn_store_u32(to, (uint32_t)crc(0, 0xEDB88320u, text_at(args[0], row)));
    return FN_OK;
}
static fn_status row_crc64(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    fn_store_u64(to, crc(0, 0xC96C5795D7870F42u, text_at(args[0], row)));
    return FN_OK;
}
TEXT_EVAL(eval_crc32, fixed_rows, row_crc32)
TEXT_EVAL(eval_crc32_ieee, fixed_rows, row_crc32_ieee)
TEXT_EVAL(eval_crc64, fixed_rows, row_crc64)

/* ---- Java's String.hashCode, Hive's hash ---- */
static fn_status bind_java(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    const bool java = strcmp(call->def->name, "javaHash") == 0;
    if (java && fn_type_is_unsigned(t)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Unsigned types are not supported");
    if (!fn_type_is_string(t) && !(java && fn_type_is_integer(t) && t->width <= 8))
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Function %s of %s is not supported", call->def->name, t->name);
    call->type = fn_type_simple(FN_T_INT32);
    return FN_OK;
}
static int32_t java_bytes(fn_str s)
{
    uint32_t h = 0;
    for (size_t i = 0; i < s.size; i++) {
        const int32_t byte = (int8_t)s.data[i]; /* Java's bytes have a sign */
        h = h * 31 + (uint32_t)byte;
    }
    return (int32_t)h;
}
static fn_status row_java(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    const fn_type *t = call->arg_types[0];
    if (fn_type_is_string(t)) {
        fn_store_i32(to, java_bytes(text_at(args[0], row)));
        return FN_OK;
    }
    const uint64_t v = fn_column_u64_at(args[0], row);
    fn_store_u32(to, t->width == 8 ? (uint32_t)(v ^ v >> 32) : (uint32_t)v);
    return FN_OK;
}
static fn_status row_hive(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    fn_store_i32(to, java_bytes(text_at(args[0], row)) & 0x7FFFFFFF);
    return FN_OK;
}
static fn_status row_java_utf16(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    uint32_t h = 0;
    if (s.size % 2) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Arguments of javaHashUTF16LE must be UTF-16LE: an even number of bytes");
    for (size_t i = 0; i < s.size; i += 2) h = h * 31 + fn_load_u16(s.data + i);
    fn_store_u32(to, h);
    return FN_OK;
}
TEXT_EVAL(eval_java, fixed_rows, row_java)
TEXT_EVAL(eval_hive, fixed_rows, row_hive)
TEXT_EVAL(eval_java_utf16, fixed_rows, row_java_utf16)

/* ---- URLHash: without the last / ? or #; with a level only that step of the URL's path: 0 is the host ---- */
TEXT_BIND(bind_url_hash, "si", func_bind_u64)

/* The first `level` + 1 steps; empty for what is no URL or has fewer. */
static fn_str url_steps(fn_str s, int64_t level)
{
    const ptrdiff_t scheme = text_find(s, 0, FN_STR("://"));
    if (scheme < 0 || level < 0) return (fn_str){s.data, 0};
    size_t at = (size_t)scheme + 3;
    while (at < s.size && !memchr("/?#", s.data[at], 3)) at++;
    if (at < s.size) at++;
    for (; level > 0 && at < s.size; level--) {
        while (at < s.size && !memchr("/?#", s.data[at], 3)) at++;
        if (at < s.size) at++;
    }
    return (fn_str){s.data, level ? 0 : at};
}
static fn_status row_url_hash(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    fn_str s = text_at(args[0], row);
    if (call->arg_count > 1) s = url_steps(s, fn_column_i64_at(args[1], row));
    if (s.size && strchr("/?#", s.data[s.size - 1]) && s.data[s.size - 1]) s.size--;
    fn_store_u64(to, fn_city_hash64(s.data, s.size));
    return FN_OK;
}
TEXT_EVAL(eval_url_hash, fixed_rows, row_url_hash)

#define DIGEST(fn, what, res)                                                                                                            \
    {.name = fn, .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_digest, .eval = eval_digest, .about = what, .example = "hex(" fn "('abc'))", .gives = res}
#define SUM(fn, b, e, more, what, ex, res)                                                                                               \
    {.name = fn, .args_min = 1, .args_max = 1, .flags = more, .bind = b, .eval = e, .about = what, .example = ex, .gives = res}
static const func_def rows_[] = {
    DIGEST("MD5", "The MD5 digest, 16 bytes.", "900150983CD24FB0D6963F7D28E17F72"), DIGEST("SHA1", "The SHA-1 digest, 20 bytes.", "A9993E364706816ABA3E25717850C26C9CD0D89D"),
    DIGEST("SHA224", "The SHA-224 digest, 28 bytes.", "23097D223405D8228642A477BDA255B32AADBCE4BDA0B3F7E36C9DA7"), DIGEST("SHA256", "The SHA-256 digest, 32 bytes.", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"), DIGEST("SHA384", "The SHA-384 digest, 48 bytes.", "CB00753F45A35E8BB5A03D699AC65007272C32AB0EDED1631A8B605A43FF5BED8086072BA1E7CC2358BAECA134C825A7"),
    DIGEST("SHA512", "The SHA-512 digest, 64 bytes.", "DDAF35A193617ABACC417349AE20413112E6FA4E89A97EA20A9EEEE64B55D39A2192992A274FC1A836BA3C23A3FEEBBD454D4423643CE80E2A9AC94FA54CA49F"), DIGEST("SHA512_256", "The SHA-512/256 digest, 32 bytes.", "53048E2681941EF99B2E29B76B4C7DABE4C2D0C634FC6D46E0E2F13107E7AF23"), DIGEST("RIPEMD160", "The RIPEMD-160 digest, 20 bytes.", "8EB208F7E05D987A9B044A8E98C6B087F15A0BFC"),
    SUM("keccak256", bind_keccak, eval_keccak, FUNC_PER_ENTRY, "The Keccak-256 digest, 32 bytes.", "hex(keccak256('abc'))", "4E03657AEA45A94FC7D47BA826C8D667C0D1E6E33A64A036EC44F58FA12D6C45"),
    SUM("CRC32", bind_crc, eval_crc32, FUNC_PER_ENTRY | FUNC_CASE_INSENSITIVE, "The CRC-32 checksum as zlib has it.", "CRC32('hello')", "907060870"),
    SUM("CRC32IEEE", bind_crc, eval_crc32_ieee, FUNC_PER_ENTRY | FUNC_CASE_INSENSITIVE, "The CRC-32 checksum begun with 0, not inverted.", "CRC32IEEE('hello')", "4029829531"),
    SUM("CRC64", bind_crc, eval_crc64, FUNC_PER_ENTRY | FUNC_CASE_INSENSITIVE, "The CRC-64 (ECMA) checksum.", "CRC64('hello')", "5834985313318655876"),
    SUM("javaHash", bind_java, eval_java, FUNC_PER_ENTRY, "hashCode of Java's String (one byte a character), Byte, Short, Integer, Long.", "javaHash('hello')", "99162322"),
    SUM("javaHashUTF16LE", bind_java, eval_java_utf16, 0, "hashCode of Java's String given as UTF-16LE.", "javaHashUTF16LE('ab')", "25185"),
    SUM("hiveHash", bind_java, eval_hive, FUNC_PER_ENTRY, "Hive's hash: javaHash without the sign.", "hiveHash('hello')", "99162322"),
    {.name = "URLHash", .args_min = 1, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_url_hash, .eval = eval_url_hash,
     .about = "cityHash64 of a URL, or of its first steps, without the last character if it is /, ? or #.", .example = "URLHash('http://a.com/x/') = URLHash('http://a.com/x')", .gives = "1"},
};
const func_family func_family_digest = FUNC_FAMILY("hash", rows_);
