/* city_hash.c - CityHash64 and CityHash128 in the form of version 1.0.2, which ClickHouse's frames and cityHash64() are
 * bound to. Written from the description of the algorithm; the constants are its own. SPDX-License-Identifier: Apache-2.0 */
#include <firn/codec.h>

static const uint64_t k0 = 0xc3a5c85c97cb3127u, k1 = 0xb492b66fbe98f273u, k2 = 0x9ae16a3b2f90404fu, k3 = 0xc949d7c7509e6557u;

typedef struct pair {
    uint64_t a, b;
} pair;

static uint64_t load(const char *p)
{
    return fn_load_u64(p);
}

static uint64_t rotate(uint64_t v, unsigned by)
{
    return by == 0 ? v : v >> by | v << (64 - by);
}

static uint64_t mix(uint64_t v)
{
    return v ^ v >> 47;
}

static uint64_t combine(uint64_t low, uint64_t high)
{
    const uint64_t m = 0x9ddfea08eb382d69u;
    const uint64_t a = mix((low ^ high) * m);
    return mix((high ^ a) * m) * m;
}

static uint64_t up_to_16(const char *s, size_t n)
{
    if (n > 8) {
        const uint64_t last = load(s + n - 8);
        return combine(load(s), rotate(last + n, (unsigned)n)) ^ last;
    }
    if (n >= 4) return combine(n + ((uint64_t)fn_load_u32(s) << 3), fn_load_u32(s + n - 4));
    if (n == 0) return k2;
    const uint32_t y = (uint8_t)s[0] + ((uint32_t)(uint8_t)s[n >> 1] << 8);
    const uint32_t z = (uint32_t)n + ((uint32_t)(uint8_t)s[n - 1] << 2);
    return mix(y * k2 ^ z * k3) * k2;
}

static uint64_t up_to_32(const char *s, size_t n)
{
    const uint64_t a = load(s) * k1, b = load(s + 8), c = load(s + n - 8) * k2, d = load(s + n - 16) * k0;
    return combine(rotate(a - b, 43) + rotate(c, 30) + d, a + rotate(b ^ k3, 20) - c + n);
}

static pair weak32(const char *s, uint64_t a, uint64_t b)
{
    const uint64_t w = load(s), x = load(s + 8), y = load(s + 16), z = load(s + 24);
    a += w;
    b = rotate(b + a + z, 21);
    const uint64_t c = a;
    a += x + y;
    b += rotate(a, 44);
    return (pair){a + z, b + c};
}

static pair half64(const char *first, const char *second, uint64_t a, uint64_t z)
{
    uint64_t b = rotate(a + z, 52), c = rotate(a, 37);
    a += load(first);
    c += rotate(a, 7);
    a += load(second);
    return (pair){a + z, b + rotate(a, 31) + c};
}

static uint64_t up_to_64(const char *s, size_t n)
{
    const pair v = half64(s + 8, s + 16, load(s) + (n + load(s + n - 16)) * k0, load(s + 24));
    const pair w = half64(s + n - 24, s + n - 16, load(s + 16) + load(s + n - 32), load(s + n - 8));
    const uint64_t r = mix((v.a + w.b) * k2 + (w.a + v.b) * k0);
    return mix(r * k0 + v.b) * k2;
}

/* The state of both long forms and its step over 64 bytes. */
typedef struct state {
    uint64_t x, y, z;
    pair v, w;
} state;

static void step(state *t, const char *s)
{
    t->x = rotate(t->x + t->y + t->v.a + load(s + 16), 37) * k1;
    t->y = rotate(t->y + t->v.b + load(s + 48), 42) * k1;
    t->x ^= t->w.b;
    t->y ^= t->v.a;
    t->z = rotate(t->z ^ t->w.a, 33);
    t->v = weak32(s, t->v.b * k1, t->x + t->w.a);
    t->w = weak32(s + 32, t->z + t->w.b, t->y);
    const uint64_t swap = t->z;
    t->z = t->x;
    t->x = swap;
}

uint64_t fn_city_hash64(const void *data, size_t n)
{
    const char *s = data;
    if (n <= 16) return up_to_16(s, n);
    if (n <= 32) return up_to_32(s, n);
    if (n <= 64) return up_to_64(s, n);
    state t = {.x = load(s), .y = load(s + n - 16) ^ k1, .z = load(s + n - 56) ^ k0};
    t.v = weak32(s + n - 64, n, t.y);
    t.w = weak32(s + n - 32, n * k1, k0);
    t.z += mix(t.v.b) * k1;
    t.x = rotate(t.z + t.x, 39) * k1;
    t.y = rotate(t.y, 33) * k1;
    for (size_t left = (n - 1) & ~(size_t)63; left; left -= 64, s += 64) step(&t, s);
    return combine(combine(t.v.a, t.w.a) + mix(t.y) * k1 + t.z, combine(t.v.b, t.w.b) + t.x);
}

static fn_hash128 short128(const char *s, size_t n, uint64_t a, uint64_t b)
{
    uint64_t c, d;
    if (n <= 16) {
        a = mix(a * k1) * k1;
        c = b * k1 + up_to_16(s, n);
        d = mix(a + (n >= 8 ? load(s) : c));
    } else {
        c = combine(load(s + n - 8) + k1, a);
        d = combine(b + n, c + load(s + n - 16));
        a += d;
        for (int64_t left = (int64_t)n - 16; left > 0; left -= 16, s += 16) {
            a = (a ^ mix(load(s) * k1) * k1) * k1;
            b ^= a;
            c = (c ^ mix(load(s + 8) * k1) * k1) * k1;
            d ^= c;
        }
    }
    a = combine(a, c);
    b = combine(d, b);
    return (fn_hash128){a ^ b, combine(b, a)};
}

static fn_hash128 seeded128(const char *s, size_t n, uint64_t low, uint64_t high)
{
    if (n < 128) return short128(s, n, low, high);
    state t = {.x = low, .y = high, .z = n * k1};
    t.v.a = rotate(t.y ^ k1, 49) * k1 + load(s);
    t.v.b = rotate(t.v.a, 42) * k1 + load(s + 8);
    t.w.a = rotate(t.y + t.z, 35) * k1 + t.x;
    t.w.b = rotate(t.x + load(s + 88), 53) * k1;
    for (; n >= 128; n -= 128, s += 128) {
        step(&t, s);
        step(&t, s + 64);
    }
    t.y += rotate(t.w.a, 37) * k0 + t.z;
    t.x += rotate(t.v.a + t.z, 49) * k0;
    for (size_t done = 0; done < n;) { /* the tail backwards, over bytes already seen if need be */
        done += 32;
        const char *p = s + n - done;
        t.y = rotate(t.y - t.x, 42) * k0 + t.v.b;
        t.w.a += load(p + 16);
        t.x = rotate(t.x, 49) * k0 + t.w.a;
        t.w.a += t.v.a;
        t.v = weak32(p, t.v.a, t.v.b);
    }
    t.x = combine(t.x, t.v.a);
    t.y = combine(t.y, t.w.a);
    return (fn_hash128){combine(t.x + t.v.b, t.w.b) + t.y, combine(t.x + t.w.b, t.y + t.v.b)};
}

fn_hash128 fn_city_hash128(const void *data, size_t n)
{
    const char *s = data;
    if (n >= 16) return seeded128(s + 16, n - 16, load(s) ^ k3, load(s + 8));
    if (n >= 8) return seeded128(NULL, 0, load(s) ^ n * k0, load(s + n - 8) ^ k1);
    return seeded128(s, n, k0, k1);
}
