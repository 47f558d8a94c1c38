/* city_hash.c - CityHash 1.0.2, 64 and 128 bits: the checksum of ClickHouse's native frames and its cityHash64().
 *
 * The published algorithm of that version (later versions mix differently). Short inputs have a formula by length
 * class; long ones run rounds of 64 bytes over a state of seven words and mix the tail in from the end.
 * Held against values of ClickHouse in tests/unit/codec/test_frames.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/codec.h>

static const uint64_t K0 = 0xc3a5c85c97cb3127u, K1 = 0xb492b66fbe98f273u, K2 = 0x9ae16a3b2f90404fu, K3 = 0xc949d7c7509e6557u;

typedef struct pair {
    uint64_t first, second;
} pair;

/* The running state of a long input. */
typedef struct state {
    uint64_t x, y, z;
    pair v, w;
} state;

static uint64_t rotate(uint64_t v, unsigned by)
{
    return by == 0 ? v : (v >> by) | (v << (64 - by));
}
static uint64_t shift_mix(uint64_t v)
{
    return v ^ (v >> 47);
}
static uint64_t fold(uint64_t low, uint64_t high)
{
    const uint64_t mul = 0x9ddfea08eb382d69u;
    const uint64_t a = shift_mix((low ^ high) * mul);
    return shift_mix((high ^ a) * mul) * mul;
}

static uint64_t hash_to_16(const uint8_t *s, size_t size)
{
    if (size > 8) {
        const uint64_t a = fn_load_u64(s), b = fn_load_u64(s + size - 8);
        return fold(a, rotate(b + size, (unsigned)size)) ^ b;
    }
    if (size >= 4) return fold(size + ((uint64_t)fn_load_u32(s) << 3), fn_load_u32(s + size - 4));
    if (size == 0) return K2;
    const uint32_t y = (uint32_t)s[0] + ((uint32_t)s[size >> 1] << 8);
    const uint32_t z = (uint32_t)size + ((uint32_t)s[size - 1] << 2);
    return shift_mix((y * K2) ^ (z * K3)) * K2;
}

static uint64_t hash_to_32(const uint8_t *s, size_t size)
{
    const uint64_t a = fn_load_u64(s) * K1, b = fn_load_u64(s + 8);
    const uint64_t c = fn_load_u64(s + size - 8) * K2, d = fn_load_u64(s + size - 16) * K0;
    return fold(rotate(a - b, 43) + rotate(c, 30) + d, a + rotate(b ^ K3, 20) - c + size);
}

/* One half of the 33..64 byte formula: the words at `s`, `s` + 8 .. with the start value and the last word given. */
static pair half_mix(uint64_t a, uint64_t z, uint64_t second, uint64_t third)
{
    const uint64_t b = rotate(a + z, 52);
    uint64_t c = rotate(a, 37);
    a += second;
    c += rotate(a, 7);
    a += third;
    return (pair){a + z, b + rotate(a, 31) + c};
}

static uint64_t hash_to_64(const uint8_t *s, size_t size)
{
    const uint8_t *end = s + size;
    const pair v = half_mix(fn_load_u64(s) + (size + fn_load_u64(end - 16)) * K0, fn_load_u64(s + 24), fn_load_u64(s + 8),
                            fn_load_u64(s + 16));
    const pair w = half_mix(fn_load_u64(s + 16) + fn_load_u64(end - 32), fn_load_u64(end - 8), fn_load_u64(end - 24),
                            fn_load_u64(end - 16));
    const uint64_t r = shift_mix((v.first + w.second) * K2 + (w.first + v.second) * K0);
    return shift_mix(r * K0 + v.second) * K2;
}

static pair weak_32(const uint8_t *s, uint64_t a, uint64_t b)
{
    const uint64_t w = fn_load_u64(s), x = fn_load_u64(s + 8), y = fn_load_u64(s + 16), z = fn_load_u64(s + 24);
    a += w;
    b = rotate(b + a + z, 21);
    const uint64_t c = a;
    a += x + y;
    b += rotate(a, 44);
    return (pair){a + z, b + c};
}

static void round_64(state *t, const uint8_t *s)
{
    t->x = rotate(t->x + t->y + t->v.first + fn_load_u64(s + 16), 37) * K1;
    t->y = rotate(t->y + t->v.second + fn_load_u64(s + 48), 42) * K1;
    t->x ^= t->w.second;
    t->y ^= t->v.first;
    t->z = rotate(t->z ^ t->w.first, 33);
    t->v = weak_32(s, t->v.second * K1, t->x + t->w.first);
    t->w = weak_32(s + 32, t->z + t->w.second, t->y);
    const uint64_t swap = t->z;
    t->z = t->x;
    t->x = swap;
}

uint64_t fn_city_hash64(const void *data, size_t size)
{
    const uint8_t *s = data;
    if (size <= 16) return hash_to_16(s, size);
    if (size <= 32) return hash_to_32(s, size);
    if (size <= 64) return hash_to_64(s, size);
    state t = {.x = fn_load_u64(s), .y = fn_load_u64(s + size - 16) ^ K1, .z = fn_load_u64(s + size - 56) ^ K0};
    t.v = weak_32(s + size - 64, size, t.y);
    t.w = weak_32(s + size - 32, size * K1, K0);
    t.z += shift_mix(t.v.second) * K1;
    t.x = rotate(t.z + t.x, 39) * K1;
    t.y = rotate(t.y, 33) * K1;
    for (size_t left = (size - 1) & ~(size_t)63; left != 0; left -= 64, s += 64) round_64(&t, s);
    return fold(fold(t.v.first, t.w.first) + shift_mix(t.y) * K1 + t.z, fold(t.v.second, t.w.second) + t.x);
}

/* Up to 127 bytes behind the seed. */
static pair murmur(const uint8_t *s, size_t size, pair seed)
{
    uint64_t a = seed.first, b = seed.second, c, d;
    if (size <= 16) {
        a = shift_mix(a * K1) * K1;
        c = b * K1 + hash_to_16(s, size);
        d = shift_mix(a + (size >= 8 ? fn_load_u64(s) : c));
    } else {
        c = fold(fn_load_u64(s + size - 8) + K1, a);
        d = fold(b + size, c + fn_load_u64(s + size - 16));
        a += d;
        for (size_t at = 0; at + 16 < size; at += 16) {
            a = (a ^ (shift_mix(fn_load_u64(s + at) * K1) * K1)) * K1;
            b ^= a;
            c = (c ^ (shift_mix(fn_load_u64(s + at + 8) * K1) * K1)) * K1;
            d ^= c;
        }
    }
    a = fold(a, c);
    b = fold(d, b);
    return (pair){a ^ b, fold(b, a)};
}

static pair hash_seeded(const uint8_t *s, size_t size, pair seed)
{
    if (size < 128) return murmur(s, size, seed);
    state t = {.x = seed.first, .y = seed.second, .z = size * K1};
    t.v.first = rotate(t.y ^ K1, 49) * K1 + fn_load_u64(s);
    t.v.second = rotate(t.v.first, 42) * K1 + fn_load_u64(s + 8);
    t.w.first = rotate(t.y + t.z, 35) * K1 + t.x;
    t.w.second = rotate(t.x + fn_load_u64(s + 88), 53) * K1;
    for (; size >= 128; size -= 128, s += 128) {
        round_64(&t, s);
        round_64(&t, s + 64);
    }
    t.y += rotate(t.w.first, 37) * K0 + t.z;
    t.x += rotate(t.v.first + t.z, 49) * K0;
    /* The tail from its end in steps of 32; the last step may reach back into hashed bytes. */
    for (size_t done = 0; done < size;) {
        done += 32;
        const uint8_t *tail = s + size - done;
        t.y = rotate(t.y - t.x, 42) * K0 + t.v.second;
        t.w.first += fn_load_u64(tail + 16);
        t.x = rotate(t.x, 49) * K0 + t.w.first;
        t.w.first += t.v.first;
        t.v = weak_32(tail, t.v.first, t.v.second);
    }
    t.x = fold(t.x, t.v.first);
    t.y = fold(t.y, t.w.first);
    return (pair){fold(t.x + t.v.second, t.w.second) + t.y, fold(t.x + t.w.second, t.y + t.v.second)};
}

fn_hash128 fn_city_hash128(const void *data, size_t size)
{
    const uint8_t *s = data;
    pair h;
    if (size >= 16) h = hash_seeded(s + 16, size - 16, (pair){fn_load_u64(s) ^ K3, fn_load_u64(s + 8)});
    else if (size >= 8) h = hash_seeded(s, 0, (pair){fn_load_u64(s) ^ (size * K0), fn_load_u64(s + size - 8) ^ K1});
    else h = hash_seeded(s, size, (pair){K0, K1});
    return (fn_hash128){h.first, h.second};
}
