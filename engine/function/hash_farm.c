/* hash_farm.c - FarmHash: the fingerprint (variant na) and the 64-bit hash of x86 (variants xo and uo), as published.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/hash.h"

static const uint64_t K0 = 0xc3a5c85c97cb3127u, K1 = 0xb492b66fbe98f273u, K2 = 0x9ae16a3b2f90404fu;

typedef struct pair {
    uint64_t first, second;
} pair;
static inline uint64_t rotate(uint64_t x, unsigned n)
{
    return x >> n | x << (64 - n);
}
static inline uint64_t shift_mix(uint64_t v)
{
    return v ^ (v >> 47);
}
static inline uint64_t at(const uint8_t *p)
{
    return fn_load_u64(p);
}
static uint64_t two(uint64_t u, uint64_t v, uint64_t mul)
{
    const uint64_t a = shift_mix((u ^ v) * mul);
    return shift_mix((v ^ a) * mul) * mul;
}
static pair weak(const uint8_t *s, uint64_t a, uint64_t b)
{
    a += at(s);
    b = rotate(b + a + at(s + 24), 21);
    const uint64_t c = a;
    a += at(s + 8) + at(s + 16);
    b += rotate(a, 44);
    return (pair){a + at(s + 24), b + c};
}
static void swap(uint64_t *a, uint64_t *b)
{
    const uint64_t t = *a;
    *a = *b;
    *b = t;
}

static uint64_t to_16(const uint8_t *s, size_t n)
{
    const uint64_t mul = K2 + n * 2;
    if (n >= 8) {
        const uint64_t a = at(s) + K2, b = at(s + n - 8);
        return two(rotate(b, 37) * mul + a, (rotate(a, 25) + b) * mul, mul);
    }
    if (n >= 4) return two(n + ((uint64_t)fn_load_u32(s) << 3), fn_load_u32(s + n - 4), mul);
    if (n == 0) return K2;
    const uint32_t y = s[0] + ((uint32_t)s[n >> 1] << 8), z = (uint32_t)n + ((uint32_t)s[n - 1] << 2);
    return shift_mix(y * K2 ^ z * K0) * K2;
}
static uint64_t to_32(const uint8_t *s, size_t n)
{
    const uint64_t mul = K2 + n * 2, a = at(s) * K1, b = at(s + 8), c = at(s + n - 8) * mul, d = at(s + n - 16) * K2;
    return two(rotate(a + b, 43) + rotate(c, 30) + d, a + rotate(b + K2, 18) + c, mul);
}
static uint64_t na_to_64(const uint8_t *s, size_t n)
{
    const uint64_t mul = K2 + n * 2, a = at(s) * K2, b = at(s + 8), c = at(s + n - 8) * mul, d = at(s + n - 16) * K2;
    const uint64_t y = rotate(a + b, 43) + rotate(c, 30) + d, z = two(y, a + rotate(b + K2, 18) + c, mul);
    const uint64_t e = at(s + 16) * mul, f = at(s + 24), g = (y + at(s + n - 32)) * mul, h = (z + at(s + n - 24)) * mul;
    return two(rotate(e + f, 43) + rotate(g, 30) + h, e + rotate(f + a, 18) + g, mul);
}
uint64_t hash_farm_fingerprint64(const void *data, size_t n)
{
    const uint8_t *s = data;
    if (n <= 16) return to_16(s, n);
    if (n <= 32) return to_32(s, n);
    if (n <= 64) return na_to_64(s, n);
    const uint64_t seed = 81;
    uint64_t x = seed * K2 + at(s), y = seed * K1 + 113, z = shift_mix(y * K2 + 113) * K2;
    pair v = {0, 0}, w = {0, 0};
    const uint8_t *end = s + (n - 1) / 64 * 64, *last = end + ((n - 1) & 63) - 63;
    do {
        x = rotate(x + y + v.first + at(s + 8), 37) * K1;
        y = rotate(y + v.second + at(s + 48), 42) * K1;
        x ^= w.second;
        y += v.first + at(s + 40);
        z = rotate(z + w.first, 33) * K1;
        v = weak(s, v.second * K1, x + w.first);
        w = weak(s + 32, z + w.second, y + at(s + 16));
        swap(&z, &x);
        s += 64;
    } while (s != end);
    const uint64_t mul = K1 + ((z & 0xff) << 1);
    s = last;
    w.first += (n - 1) & 63;
    v.first += w.first;
    w.first += v.first;
    x = rotate(x + y + v.first + at(s + 8), 37) * mul;
    y = rotate(y + v.second + at(s + 48), 42) * mul;
    x ^= w.second * 9;
    y += v.first * 9 + at(s + 40);
    z = rotate(z + w.first, 33) * mul;
    v = weak(s, v.second * mul, x + w.first);
    w = weak(s + 32, z + w.second, y + at(s + 16));
    swap(&z, &x);
    return two(two(v.first, w.first, mul) + shift_mix(y) * K0 + z, two(v.second, w.second, mul) + x, mul);
}

/* ---- xo ---- */
static uint64_t xo_32(const uint8_t *s, size_t n, uint64_t mul, uint64_t seed0, uint64_t seed1)
{
    const uint64_t a = at(s) * K1, b = at(s + 8), c = at(s + n - 8) * mul, d = at(s + n - 16) * K2;
    const uint64_t u = rotate(a + b, 43) + rotate(c, 30) + d + seed0, v = a + rotate(b + K2, 18) + c + seed1;
    const uint64_t e = shift_mix((u ^ v) * mul);
    return shift_mix((v ^ e) * mul);
}

/* ---- uo: beyond 256 bytes ---- */
static uint64_t turn(uint64_t x, uint64_t y, uint64_t mul, unsigned r)
{
    const uint64_t a = shift_mix((x ^ y) * mul);
    return rotate((y ^ a) * mul, r) * mul;
}
static uint64_t uo_long(const uint8_t *s, size_t n)
{
    uint64_t x = 81, y = 113, z = shift_mix(y * K2) * K2, u = x - z;
    pair v = {81, 0}, w = {0, 0};
    x *= K2;
    const uint64_t mul = K2 + (u & 0x82);
    const uint8_t *end = s + (n - 1) / 64 * 64, *last = end + ((n - 1) & 63) - 63;
    do {
        uint64_t a[8];
        for (unsigned i = 0; i < 8; i++) a[i] = at(s + 8 * i);
        x += a[0] + a[1];
        y += a[2];
        z += a[3];
        v.first += a[4];
        v.second += a[5] + a[1];
        w.first += a[6];
        w.second += a[7];
        x = rotate(x, 26) * 9;
        y = rotate(y, 29);
        z *= mul;
        v.first = rotate(v.first, 33);
        v.second = rotate(v.second, 30);
        w.first = (w.first ^ x) * 9;
        z = rotate(z, 32) + w.second;
        w.second += z;
        z *= 9;
        swap(&u, &y);
        z += a[0] + a[6];
        v.first += a[2];
        v.second += a[3];
        w.first += a[4];
        w.second += a[5] + a[6];
        x += a[1];
        y += a[7];
        y += v.first;
        v.first += x - y;
        v.second += w.first;
        w.first += v.second;
        w.second += x - y;
        x += w.second;
        w.second = rotate(w.second, 34);
        swap(&u, &z);
        s += 64;
    } while (s != end);
    s = last;
    u *= 9;
    v.second = rotate(v.second, 28);
    v.first = rotate(v.first, 20);
    w.first += (n - 1) & 63;
    u += y;
    y += u;
    x = rotate(y - x + v.first + at(s + 8), 37) * mul;
    y = rotate(y ^ v.second ^ at(s + 48), 42) * mul;
    x ^= w.second * 9;
    y += v.first + at(s + 40);
    z = rotate(z + w.first, 33) * mul;
    v = weak(s, v.second * mul, x + w.first);
    w = weak(s + 32, z + w.second, y + at(s + 16));
    return turn(two(v.first + x, w.first ^ y, mul) + z - u, turn(v.second + y, w.second + z, K2, 30) ^ x, K2, 31);
}

uint64_t hash_farm64(const void *data, size_t n)
{
    const uint8_t *s = data;
    if (n <= 16) return to_16(s, n);
    if (n <= 32) return to_32(s, n);
    if (n <= 64) {
        const uint64_t mul = K2 - 30 + 2 * n, h0 = xo_32(s, 32, K2 - 30, 0, 0), h1 = xo_32(s + n - 32, 32, mul, 0, 0);
        return (h1 * mul + h0) * mul;
    }
    if (n <= 96) {
        const uint64_t mul = K2 - 114 + 2 * n, h0 = xo_32(s, 32, K2 - 114, 0, 0), h1 = xo_32(s + 32, 32, mul, 0, 0);
        const uint64_t h2 = xo_32(s + n - 32, 32, mul, h0, h1);
        return (h2 * 9 + (h0 >> 17) + (h1 >> 21)) * mul;
    }
    return n <= 256 ? hash_farm_fingerprint64(s, n) : uo_long(s, n);
}
