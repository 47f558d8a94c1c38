/* function/hash.h - hash functions over bytes with ClickHouse's results, and hashing of whole columns.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_HASH_H
#define FIRN_FUNCTION_HASH_H
#include "function/family.h"

/* ---- bytes ---- */
typedef struct hash_key {
    uint64_t k0, k1;
} hash_key;
uint64_t hash_sip64(hash_key key, const void *data, size_t size);
fn_u128 hash_sip128(hash_key key, const void *data, size_t size);           /* as ClickHouse cuts it */
fn_u128 hash_sip128_reference(hash_key key, const void *data, size_t size); /* as published */
uint32_t hash_murmur2_32(const void *data, size_t size, uint32_t seed);
uint64_t hash_murmur2_64(const void *data, size_t size, uint64_t seed);
uint32_t hash_murmur3_32(const void *data, size_t size, uint32_t seed);
fn_u128 hash_murmur3_128(const void *data, size_t size, uint32_t seed);
uint64_t hash_metro64(const void *data, size_t size);
uint64_t hash_wy64(const void *data, size_t size);
uint64_t hash_farm64(const void *data, size_t size);
uint64_t hash_farm_fingerprint64(const void *data, size_t size);
/* The last step of CityHash's 128 to 64 bits. */
uint64_t hash_city_fold(uint64_t low, uint64_t high);

/* ---- integers ---- */
static inline uint64_t hash_int64(uint64_t x)
{
    x ^= 0x4CF2D2BAAE6DA887u;
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53u;
    return x ^ (x >> 33);
}
static inline uint32_t hash_int32(uint64_t x)
{
    x ^= 0x75D9543DE018BF45u;
    x = ~x + (x << 18);
    x ^= x >> 31 | x << 33;
    x *= 21;
    x ^= x >> 11 | x << 53;
    x += x << 6;
    x ^= x >> 22 | x << 42;
    return (uint32_t)x;
}

/* ---- columns ---- */
typedef struct hash_algorithm hash_algorithm;
struct hash_algorithm {
    const char *name;
    fn_u128 (*bytes)(hash_key key, const void *data, size_t size);
    fn_u128 (*combine)(hash_key key, fn_u128 a, fn_u128 b);
    uint8_t width;     /* bytes of the result: 4, 8, 16 */
    bool integers;     /* numbers up to 64 bits by hash_int64 instead of their bytes */
    uint32_t size_max; /* longest string it is right for; 0: any. (farmHash64 has another variant from 512 bytes on.) */
};
/* hashes[i] = the hash of row i (first) or combined with it. Errors: NOT_IMPLEMENTED for types without a rule. */
fn_status hash_column(fn_ctx *ctx, const hash_algorithm *a, hash_key key, const fn_column *c, uint32_t rows, fn_u128 *hashes, bool first) FN_MUST_USE;
#endif
