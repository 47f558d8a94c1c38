/* hash_bytes.c - SipHash, MurmurHash 2 and 3, MetroHash, wyhash as published (seeds and widths as ClickHouse uses them).
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/hash.h"

static inline uint64_t left(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}
static inline uint64_t right(uint64_t x, unsigned n)
{
    return x >> n | x << (64 - n);
}

/* ---- SipHash 2-4 ---- */
typedef struct sip {
    uint64_t v0, v1, v2, v3;
} sip;
static void sip_round(sip *s)
{
    s->v0 += s->v1;
    s->v1 = left(s->v1, 13) ^ s->v0;
    s->v0 = left(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = left(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = left(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = left(s->v1, 17) ^ s->v2;
    s->v2 = left(s->v2, 32);
}
static void sip_word(sip *s, uint64_t m)
{
    s->v3 ^= m;
    sip_round(s);
    sip_round(s);
    s->v0 ^= m;
}
static sip sip_all(hash_key key, const uint8_t *p, size_t size, bool reference)
{
    sip s = {key.k0 ^ 0x736f6d6570736575u, key.k1 ^ 0x646f72616e646f6du, key.k0 ^ 0x6c7967656e657261u, key.k1 ^ 0x7465646279746573u};
    if (reference) s.v1 ^= 0xee;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) sip_word(&s, fn_load_u64(p + i));
    uint64_t last = (uint64_t)(size & 0xFF) << 56;
    for (size_t k = 0; i + k < size; k++) last |= (uint64_t)p[i + k] << (8 * k);
    sip_word(&s, last);
    s.v2 ^= reference ? 0xee : 0xff;
    for (int k = 0; k < 4; k++) sip_round(&s);
    return s;
}
uint64_t hash_sip64(hash_key key, const void *data, size_t size)
{
    const sip s = sip_all(key, data, size, false);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
fn_u128 hash_sip128(hash_key key, const void *data, size_t size)
{
    const sip s = sip_all(key, data, size, false);
    return (fn_u128)(s.v2 ^ s.v3) << 64 | (s.v0 ^ s.v1);
}
fn_u128 hash_sip128_reference(hash_key key, const void *data, size_t size)
{
    sip s = sip_all(key, data, size, true);
    const uint64_t low = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    s.v1 ^= 0xdd;
    for (int k = 0; k < 4; k++) sip_round(&s);
    return (fn_u128)(s.v0 ^ s.v1 ^ s.v2 ^ s.v3) << 64 | low;
}

/* ---- MurmurHash 2 ---- */
uint32_t hash_murmur2_32(const void *data, size_t size, uint32_t seed)
{
    const uint32_t m = 0x5bd1e995;
    const uint8_t *p = data;
    uint32_t h = seed ^ (uint32_t)size;
    for (; size >= 4; p += 4, size -= 4) {
        uint32_t k = fn_load_u32(p) * m;
        k ^= k >> 24;
        h = (h * m) ^ (k * m);
    }
    if (size > 2) h ^= (uint32_t)p[2] << 16;
    if (size > 1) h ^= (uint32_t)p[1] << 8;
    if (size > 0) h = (h ^ p[0]) * m;
    h = (h ^ h >> 13) * m;
    return h ^ h >> 15;
}
uint64_t hash_murmur2_64(const void *data, size_t size, uint64_t seed)
{
    const uint64_t m = 0xc6a4a7935bd1e995u;
    const uint8_t *p = data;
    uint64_t h = seed ^ (size * m);
    for (; size >= 8; p += 8, size -= 8) {
        uint64_t k = fn_load_u64(p) * m;
        k = (k ^ k >> 47) * m;
        h = (h ^ k) * m;
    }
    for (size_t i = size; i-- > 0;) h ^= (uint64_t)p[i] << (8 * i);
    if (size) h *= m;
    h = (h ^ h >> 47) * m;
    return h ^ h >> 47;
}

/* ---- MurmurHash 3 ---- */
static uint32_t mix32(uint32_t h)
{
    h = (h ^ h >> 16) * 0x85ebca6b;
    h = (h ^ h >> 13) * 0xc2b2ae35;
    return h ^ h >> 16;
}
static uint64_t mix64(uint64_t k)
{
    k = (k ^ k >> 33) * 0xff51afd7ed558ccdu;
    k = (k ^ k >> 33) * 0xc4ceb9fe1a85ec53u;
    return k ^ k >> 33;
}
static uint32_t murmur3_word(uint32_t k)
{
    k *= 0xcc9e2d51;
    return (k << 15 | k >> 17) * 0x1b873593;
}
uint32_t hash_murmur3_32(const void *data, size_t size, uint32_t seed)
{
    const uint8_t *p = data;
    uint32_t h = seed;
    size_t left_over = size;
    for (; left_over >= 4; p += 4, left_over -= 4) {
        h ^= murmur3_word(fn_load_u32(p));
        h = (h << 13 | h >> 19) * 5 + 0xe6546b64;
    }
    uint32_t k = 0;
    for (size_t i = left_over; i-- > 0;) k = k << 8 | p[i];
    if (left_over) h ^= murmur3_word(k);
    return mix32(h ^ (uint32_t)size);
}
fn_u128 hash_murmur3_128(const void *data, size_t size, uint32_t seed)
{
    const uint64_t c1 = 0x87c37b91114253d5u, c2 = 0x4cf5ad432745937fu;
    const uint8_t *p = data;
    uint64_t h1 = seed, h2 = seed;
    size_t left_over = size;
    for (; left_over >= 16; p += 16, left_over -= 16) {
        h1 ^= left(fn_load_u64(p) * c1, 31) * c2;
        h1 = (left(h1, 27) + h2) * 5 + 0x52dce729;
        h2 ^= left(fn_load_u64(p + 8) * c2, 33) * c1;
        h2 = (left(h2, 31) + h1) * 5 + 0x38495ab5;
    }
    uint64_t k1 = 0, k2 = 0;
    for (size_t i = left_over; i-- > 8;) k2 = k2 << 8 | p[i];
    for (size_t i = FN_MIN(left_over, 8u); i-- > 0;) k1 = k1 << 8 | p[i];
    if (left_over > 8) h2 ^= left(k2 * c2, 33) * c1;
    if (left_over) h1 ^= left(k1 * c1, 31) * c2;
    h1 ^= size;
    h2 ^= size;
    h1 += h2;
    h2 += h1;
    h1 = mix64(h1);
    h2 = mix64(h2);
    h1 += h2;
    h2 += h1;
    return (fn_u128)h2 << 64 | h1;
}

/* ---- MetroHash64, first variant, seed 0 ---- */
uint64_t hash_metro64(const void *data, size_t size)
{
    const uint64_t k0 = 0xC83A91E1, k1 = 0x8648DBDB, k2 = 0x7BDEC03B, k3 = 0x2F5870A5;
    const uint8_t *p = data, *end = p + size;
    uint64_t hash = k2 * k0 + size;
    if (size >= 32) {
        uint64_t v0 = hash, v1 = hash, v2 = hash, v3 = hash;
        for (; end - p >= 32; p += 32) {
            v0 = right(v0 + fn_load_u64(p) * k0, 29) + v2;
            v1 = right(v1 + fn_load_u64(p + 8) * k1, 29) + v3;
            v2 = right(v2 + fn_load_u64(p + 16) * k2, 29) + v0;
            v3 = right(v3 + fn_load_u64(p + 24) * k3, 29) + v1;
        }
        v2 ^= right((v0 + v3) * k0 + v1, 33) * k1;
        v3 ^= right((v1 + v2) * k1 + v0, 33) * k0;
        v0 ^= right((v0 + v2) * k0 + v3, 33) * k1;
        v1 ^= right((v1 + v3) * k1 + v2, 33) * k0;
        hash += v0 ^ v1;
    }
    if (end - p >= 16) {
        uint64_t v0 = right(hash + fn_load_u64(p) * k0, 33) * k1, v1 = right(hash + fn_load_u64(p + 8) * k1, 33) * k2;
        v0 ^= right(v0 * k0, 35) + v1;
        v1 ^= right(v1 * k3, 35) + v0;
        hash += v1;
        p += 16;
    }
    if (end - p >= 8) {
        hash += fn_load_u64(p) * k3;
        hash ^= right(hash, 33) * k1;
        p += 8;
    }
    if (end - p >= 4) {
        hash += fn_load_u32(p) * k3;
        hash ^= right(hash, 15) * k1;
        p += 4;
    }
    if (end - p >= 2) {
        hash += fn_load_u16(p) * k3;
        hash ^= right(hash, 13) * k1;
        p += 2;
    }
    if (end > p) {
        hash += *p * k3;
        hash ^= right(hash, 25) * k1;
    }
    hash = (hash ^ right(hash, 33)) * k0;
    return hash ^ right(hash, 33);
}

/* ---- wyhash, final version 3, seed 0 ---- */
static const uint64_t wy[4] = {0xa0761d6478bd642fu, 0xe7037ed1a0b428dbu, 0x8ebc6af09c88c6e3u, 0x589965cc75374cc3u};
static uint64_t wy_mix(uint64_t a, uint64_t b)
{
    const fn_u128 r = (fn_u128)a * b;
    return (uint64_t)r ^ (uint64_t)(r >> 64);
}
uint64_t hash_wy64(const void *data, size_t size)
{
    const uint8_t *p = data;
    uint64_t seed = wy[0], a = 0, b = 0;
    if (size <= 16) {
        if (size >= 4) {
            const size_t step = (size >> 3) << 2;
            a = (uint64_t)fn_load_u32(p) << 32 | fn_load_u32(p + step);
            b = (uint64_t)fn_load_u32(p + size - 4) << 32 | fn_load_u32(p + size - 4 - step);
        } else if (size) {
            a = (uint64_t)p[0] << 16 | (uint64_t)p[size >> 1] << 8 | p[size - 1];
        }
    } else {
        size_t i = size;
        if (i > 48) {
            uint64_t one = seed, two = seed;
            for (; i > 48; i -= 48, p += 48) {
                seed = wy_mix(fn_load_u64(p) ^ wy[1], fn_load_u64(p + 8) ^ seed);
                one = wy_mix(fn_load_u64(p + 16) ^ wy[2], fn_load_u64(p + 24) ^ one);
                two = wy_mix(fn_load_u64(p + 32) ^ wy[3], fn_load_u64(p + 40) ^ two);
            }
            seed ^= one ^ two;
        }
        for (; i > 16; i -= 16, p += 16) seed = wy_mix(fn_load_u64(p) ^ wy[1], fn_load_u64(p + 8) ^ seed);
        a = fn_load_u64(p + i - 16);
        b = fn_load_u64(p + i - 8);
    }
    return wy_mix(wy[1] ^ size, wy_mix(a ^ wy[1], b ^ seed));
}
