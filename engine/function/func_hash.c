/* func_hash.c - hash functions of any number of arguments of any types: cityHash64, sipHash64, xxHash64 ... and the integer
 * hashes. Each algorithm is a row: bytes -> hash, and how two hashes become one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/hash.h"
#include "function/text_rows.h"
#include <firn/codec.h>
#include <openssl/evp.h>
#include <xxhash.h>

/* ---- algorithms ---- */
#define BYTES(name, expression)                                                                                                          \
    static fn_u128 name(hash_key key, const void *data, size_t size)                                                                     \
    {                                                                                                                                    \
        (void)key;                                                                                                                       \
        return expression;                                                                                                               \
    }
static uint64_t half_md5(const void *data, size_t size)
{
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    (void)EVP_Digest(data, size, digest, NULL, EVP_md5(), NULL);
    return __builtin_bswap64(fn_load_u64(digest));
}
static fn_u128 xxh3_128(const void *data, size_t size)
{
    const XXH128_hash_t h = XXH3_128bits(data, size);
    return (fn_u128)h.high64 << 64 | h.low64;
}
static uint64_t murmur3_64(const void *data, size_t size)
{
    const fn_u128 h = hash_murmur3_128(data, size, 0);
    return (uint64_t)h ^ (uint64_t)(h >> 64);
}
BYTES(city64, fn_city_hash64(data, size))
BYTES(farm64, hash_farm64(data, size))
BYTES(fingerprint64, hash_farm_fingerprint64(data, size))
BYTES(metro64, hash_metro64(data, size))
BYTES(sip64, hash_sip64(key, data, size))
BYTES(sip128, hash_sip128(key, data, size))
BYTES(sip128_reference, hash_sip128_reference(key, data, size))
BYTES(xx32, XXH32(data, size, 0))
BYTES(xx64, XXH64(data, size, 0))
BYTES(xx3, XXH3_64bits(data, size))
BYTES(xx3_128, xxh3_128(data, size))
BYTES(murmur2_32, hash_murmur2_32(data, size, 0))
BYTES(murmur2_64, hash_murmur2_64(data, size, 0))
BYTES(gcc_murmur, hash_murmur2_64(data, size, 0xc70f6907))
BYTES(kafka_murmur, hash_murmur2_32(data, size, 0x9747b28c) & 0x7fffffff)
BYTES(murmur3_32, hash_murmur3_32(data, size, 0))
BYTES(murmur3_64_, murmur3_64(data, size))
BYTES(murmur3_128, hash_murmur3_128(data, size, 0))
BYTES(half_md5_, half_md5(data, size))
BYTES(wy64, hash_wy64(data, size))

uint64_t hash_city_fold(uint64_t low, uint64_t high)
{
    const uint64_t mul = 0x9ddfea08eb382d69u;
    uint64_t a = (low ^ high) * mul;
    a ^= a >> 47;
    uint64_t b = (high ^ a) * mul;
    b ^= b >> 47;
    return b * mul;
}
static fn_u128 combine_city(hash_key key, fn_u128 a, fn_u128 b)
{
    (void)key;
    return hash_city_fold((uint64_t)a, (uint64_t)b);
}
/* FarmHash's own step differs in its last shifts. */
static fn_u128 combine_farm(hash_key key, fn_u128 a, fn_u128 b)
{
    (void)key;
    const uint64_t mul = 0x9ddfea08eb382d69u, high = (uint64_t)b;
    uint64_t x = ((uint64_t)a ^ high) * mul;
    x ^= x >> 47;
    uint64_t y = (high ^ x) * mul;
    y = (y ^ y >> 44) * mul;
    return (y ^ y >> 41) * mul;
}
static fn_u128 combine_int32(hash_key key, fn_u128 a, fn_u128 b)
{
    (void)key;
    return hash_int32((uint64_t)a) ^ (uint32_t)b;
}
static fn_u128 combine_int64(hash_key key, fn_u128 a, fn_u128 b)
{
    (void)key;
    return hash_int64((uint64_t)a) ^ (uint64_t)b;
}
/* The algorithm itself over the two hashes' bytes. */
#define COMBINE(name, T, algorithm)                                                                                                      \
    static fn_u128 name(hash_key key, fn_u128 a, fn_u128 b)                                                                              \
    {                                                                                                                                    \
        const T both[2] = {(T)a, (T)b};                                                                                                  \
        return algorithm(key, both, sizeof both);                                                                                        \
    }
COMBINE(combine_sip64, uint64_t, sip64)
COMBINE(combine_sip128, fn_u128, sip128)
COMBINE(combine_sip128_reference, fn_u128, sip128_reference)
COMBINE(combine_half_md5, uint64_t, half_md5_)
COMBINE(combine_murmur3_128, fn_u128, murmur3_128)
COMBINE(combine_wy64, uint64_t, wy64)
COMBINE(combine_xx3_128, fn_u128, xx3_128)

static const hash_algorithm algorithms[] = {
    {"cityHash64", city64, combine_city, 8, true, 0},        {"farmHash64", farm64, combine_city, 8, true, 511},
    {"metroHash64", metro64, combine_city, 8, true, 0},      {"farmFingerprint64", fingerprint64, combine_farm, 8, true, 0},
    {"sipHash64", sip64, combine_sip64, 8, false, 0},        {"sipHash128", sip128, combine_sip128, 16, false, 0},
    {"sipHash128Reference", sip128_reference, combine_sip128_reference, 16, false, 0},
    {"xxHash32", xx32, combine_int32, 4, false, 0},           {"xxHash64", xx64, combine_city, 8, false, 0},
    {"xxh3", xx3, combine_city, 8, false, 0},                 {"xxh3_128", xx3_128, combine_xx3_128, 16, false, 0},
    {"murmurHash2_32", murmur2_32, combine_int32, 4, false, 0}, {"murmurHash2_64", murmur2_64, combine_int64, 8, false, 0},
    {"gccMurmurHash", gcc_murmur, combine_int64, 8, false, 0},  {"kafkaMurmurHash", kafka_murmur, combine_int32, 4, false, 0},
    {"murmurHash3_32", murmur3_32, combine_int32, 4, false, 0}, {"murmurHash3_64", murmur3_64_, combine_int64, 8, false, 0},
    {"murmurHash3_128", murmur3_128, combine_murmur3_128, 16, false, 0},
    {"halfMD5", half_md5_, combine_half_md5, 8, false, 0},   {"wyHash64", wy64, combine_wy64, 8, false, 0},
};

/* ---- any arguments ---- */
static const fn_type *type_of(const hash_algorithm *a)
{
    if (a->width == 16) return strcmp(a->name, "xxh3_128") == 0 ? fn_type_simple(FN_T_UINT128) : fn_type_fixed_string(16);
    return fn_type_simple(a->width == 4 ? FN_T_UINT32 : FN_T_UINT64);
}
static fn_status bind_hash(fn_ctx *ctx, func_call *call)
{
    fn_str name = fn_cstr(call->def->name);
    if (fn_str_ends(name, FN_STR("Keyed"))) name.size -= 5;
    for (size_t i = 0; i < FN_COUNT(algorithms); i++)
        if (fn_str_eq(fn_cstr(algorithms[i].name), name)) call->data = (void *)(uintptr_t)&algorithms[i];
    FN_ASSERT(call->data != NULL);
    call->type = type_of(call->data);
    (void)ctx;
    return FN_OK;
}
static fn_status hash_arguments(fn_ctx *ctx, const func_call *call, hash_key key, fn_column *const *args, uint32_t first, uint32_t rows, fn_column **out)
{
    const hash_algorithm *a = call->data;
    uint8_t *values;
    fn_u128 *hashes = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *hashes);
    FN_TRY_PTR(ctx, hashes);
    for (size_t i = 0; i < rows && call->arg_count == first; i++) hashes[i] = a->width == 4 ? 0xfe22e41cu : 0xe28dbde7fe22e41cu;
    fn_status status = FN_OK;
    for (uint32_t k = first; k < call->arg_count && status == FN_OK; k++) status = hash_column(ctx, a, key, args[k], rows, hashes, k == first);
    fn_column *c = status == FN_OK ? func_new_fixed(ctx, call->type, rows, &values) : NULL;
    if (status == FN_OK && !c) status = ctx->error.code;
    for (size_t i = 0; c && i < rows; i++) memcpy(values + i * a->width, &hashes[i], a->width);
    fn_free(hashes);
    if (status == FN_OK) *out = c;
    return status;
}
static fn_status eval_hash(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return hash_arguments(ctx, call, (hash_key){0, 0}, args, 0, rows, out);
}

/* ---- keys ---- */
static fn_status bind_keyed(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (t->id != FN_T_TUPLE || t->arg_count != 2) return fn_fail(ctx, FN_BAD_ARGUMENTS, "The key of function %s must be a tuple of two UInt64", call->def->name);
    for (unsigned i = 0; i < 2; i++)
        if (t->args[i]->id != FN_T_UINT64) return fn_fail(ctx, FN_BAD_ARGUMENTS, "The %s element of the key tuple is not of type UInt64", i ? "2nd" : "1st");
    if (!call->consts[0]) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Function %s with a key that is not constant is not supported", call->def->name);
    return bind_hash(ctx, call);
}
static fn_status eval_keyed(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_column *key = call->consts[0];
    return hash_arguments(ctx, call, (hash_key){fn_column_u64_at(key->kids[0], 0), fn_column_u64_at(key->kids[1], 0)}, args, 1, rows, out);
}

/* ---- integers ---- */
static fn_status bind_int(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    const bool fits = (fn_type_is_integer(t) && t->width <= 8) || t->id == FN_T_DATE || t->id == FN_T_DATETIME || t->id == FN_T_DATE32;
    if (!fits) return func_illegal(ctx, call);
    call->type = fn_type_simple(strcmp(call->def->name, "intHash32") == 0 ? FN_T_UINT32 : FN_T_UINT64);
    return FN_OK;
}
static fn_status eval_int(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const bool narrow = call->type->width == 4;
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        const uint64_t v = fn_column_u64_at(args[0], i);
        if (narrow) fn_store_u32(values + i * 4, hash_int32(v));
        else fn_store_u64(values + i * 8, hash_int64(v));
    }
    return FN_OK;
}

/* ---- jumpConsistentHash (Lamping, Veach) ---- */
static fn_status bind_jump(fn_ctx *ctx, func_call *call)
{
    fn_column *buckets;
    FN_TRY(text_need(ctx, call, "i"));
    FN_TRY(func_need_const(ctx, call, 1, &buckets));
    const int64_t n = fn_column_i64_at(buckets, 0);
    if (n < 1 || n > 32768) return fn_fail(ctx, FN_BAD_ARGUMENTS, "The second argument of function %s (number of buckets) must be from 1 to 32768", call->def->name);
    call->type = fn_type_simple(FN_T_INT32);
    return FN_OK;
}
static fn_status row_jump(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    uint64_t key = fn_column_u64_at(args[0], row);
    const int64_t buckets = fn_column_i64_at(call->consts[1], 0);
    int64_t bucket = -1;
    for (int64_t next = 0; next < buckets;) {
        bucket = next;
        key = key * 2862933555777941757u + 1;
        next = (int64_t)((double)(bucket + 1) * ((double)(1LL << 31) / (double)((key >> 33) + 1)));
    }
    fn_store_i32(to, (int32_t)bucket);
    return FN_OK;
}
TEXT_EVAL(eval_jump, fixed_rows, row_jump)

#define HASH(fn, what, res) {.name = fn, .args_min = 0, .args_max = -1, .bind = bind_hash, .eval = eval_hash, .about = what, .example = fn "('a')", .gives = res}
#define HASH_HEX(fn, what, res) {.name = fn, .args_min = 0, .args_max = -1, .bind = bind_hash, .eval = eval_hash, .about = what, .example = "hex(" fn "('a'))", .gives = res}
#define KEYED(fn, call, what, end, res)                                                                                                             \
    {.name = fn, .args_min = 1, .args_max = -1, .bind = bind_keyed, .eval = eval_keyed, .about = what, .example = call "((toUInt64(1), toUInt64(2)), 'a')" end, .gives = res}
static const func_def rows_[] = {
    HASH("cityHash64", "CityHash 1.0.2.", "2603192927274642682"), HASH("farmHash64", "FarmHash's 64-bit hash.", "12917804110809363939"),
    HASH("farmFingerprint64", "FarmHash's fingerprint: the same on every machine.", "12917804110809363939"), HASH("metroHash64", "MetroHash.", "6759146875928959315"),
    HASH("sipHash64", "SipHash-2-4.", "10863254463029944905"), HASH_HEX("sipHash128", "SipHash-2-4 of 128 bits, ClickHouse's variant.", "71315E763CCB60893893CDBB5CC3A21F"),
    HASH_HEX("sipHash128Reference", "SipHash-2-4 of 128 bits as published.", "FFCC4E749C37A0BEE6C404890ECD7325"), HASH("xxHash32", "xxHash of 32 bits.", "1426945110"),
    HASH("xxHash64", "xxHash of 64 bits.", "15154266338359012955"), HASH("xxh3", "XXH3 of 64 bits.", "16629034431890738719"),
    HASH("xxh3_128", "XXH3 of 128 bits.", "225219434562328483135862406050043285023"), HASH("murmurHash2_32", "MurmurHash2.", "2456313694"), HASH("murmurHash2_64", "MurmurHash2 of 64 bits.", "510903276987443985"),
    HASH("gccMurmurHash", "MurmurHash2 of 64 bits with gcc's seed.", "4993892634952068459"), HASH("kafkaMurmurHash", "MurmurHash2 with Kafka's seed.", "584102524"),
    HASH("murmurHash3_32", "MurmurHash3.", "1009084850"), HASH("murmurHash3_64", "MurmurHash3 of 128 bits folded to 64.", "7196874446409822675"),
    HASH_HEX("murmurHash3_128", "MurmurHash3 of 128 bits.", "897859F6655555855A890E51483AB5E6"), HASH("halfMD5", "The first 64 bits of MD5.", "919145239626757800"),
    HASH("wyHash64", "wyhash.", "7852112099385141351"),
    KEYED("sipHash64Keyed", "sipHash64Keyed", "sipHash64 with a key.", "", "5158252350249958646"), KEYED("sipHash128Keyed", "hex(sipHash128Keyed", "sipHash128 with a key.", ")", "7A8AD4F2115F08188C76AC243F949D5F"),
    KEYED("sipHash128ReferenceKeyed", "hex(sipHash128ReferenceKeyed", "sipHash128Reference with a key.", ")", "9B458EFAD72B6ACBA51B89563BB82AD4"),
    {.name = "intHash32", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_int, .eval = eval_int, .about = "A 32-bit hash of an integer.", .example = "intHash32(1)", .gives = "1343103100"},
    {.name = "intHash64", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_int, .eval = eval_int, .about = "A 64-bit hash of an integer.", .example = "intHash64(1)", .gives = "10577349846663553072"},
    {.name = "jumpConsistentHash", .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_jump, .eval = eval_jump,
     .about = "The bucket of a key such that few keys move when buckets are added.", .example = "jumpConsistentHash(256, 5)", .gives = "3"},
};
const func_family func_family_hash = FUNC_FAMILY("hash", rows_);
