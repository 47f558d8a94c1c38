/* firn/bits.h - strings, hashing, unaligned loads, small integer helpers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_BITS_H
#define FIRN_BITS_H
#include <firn/base.h>
#include <string.h>

typedef __int128 fn_i128;
typedef unsigned __int128 fn_u128;
/* 256-bit two's complement, little endian words. Arithmetic in firn/wide.h. */
typedef struct fn_i256 {
    uint64_t w[4];
} fn_i256;
typedef fn_i256 fn_u256;

static inline fn_str fn_cstr(const char *text)
{
    return (fn_str){text, text ? strlen(text) : 0};
}
static inline bool fn_str_eq(fn_str a, fn_str b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
bool fn_str_eq_nocase(fn_str a, fn_str b); /* ASCII */
int fn_str_compare(fn_str a, fn_str b);    /* bytes, shorter first: <0, 0, >0 */
bool fn_str_starts(fn_str s, fn_str prefix);
bool fn_str_ends(fn_str s, fn_str suffix);
fn_str fn_str_trim(fn_str s); /* ASCII space, tab, CR, LF */

#define FN_LOAD(T, name)                                                                           \
    static inline T fn_load_##name(const void *p)                                                  \
    {                                                                                              \
        T v;                                                                                       \
        memcpy(&v, p, sizeof v);                                                                   \
        return v;                                                                                  \
    }                                                                                              \
    static inline void fn_store_##name(void *p, T v)                                               \
    {                                                                                              \
        memcpy(p, &v, sizeof v);                                                                   \
    }
FN_LOAD(uint16_t, u16)
FN_LOAD(uint32_t, u32)
FN_LOAD(uint64_t, u64)
FN_LOAD(int16_t, i16)
FN_LOAD(int32_t, i32)
FN_LOAD(int64_t, i64)
FN_LOAD(float, f32)
FN_LOAD(double, f64)
FN_LOAD(fn_i128, i128)
FN_LOAD(fn_u128, u128)
FN_LOAD(fn_i256, i256)
#undef FN_LOAD

uint64_t fn_hash_bytes(const void *data, size_t size, uint64_t seed); /* XXH3 64: the engine's own hash */
typedef struct fn_hash128 {
    uint64_t low, high;
} fn_hash128;
fn_hash128 fn_hash_bytes128(const void *data, size_t size); /* XXH3 128: checksums */
/* The same of bytes that come piece by piece, however they are cut. */
typedef struct fn_hash_stream fn_hash_stream;
fn_hash_stream *fn_hash_stream_new(void); /* NULL: no memory */
void fn_hash_stream_add(fn_hash_stream *s, const void *data, size_t size);
fn_hash128 fn_hash_stream_end(const fn_hash_stream *s);
void fn_hash_stream_free(fn_hash_stream *s);
static inline uint64_t fn_hash_u64(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ (x >> 32);
}
static inline uint64_t fn_hash_mix(uint64_t a, uint64_t b)
{
    return fn_hash_u64(a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2)));
}
static inline uint64_t fn_round_up(uint64_t v, uint64_t power_of_two)
{
    return (v + power_of_two - 1) & ~(power_of_two - 1);
}
static inline uint64_t fn_next_pow2(uint64_t v)
{
    return v <= 1 ? 1 : (uint64_t)1 << (64 - __builtin_clzll(v - 1));
}
/* Positions of the ones in a mask of 0/1 bytes, ascending; `out` has room for them and eight more. */
size_t fn_mask_positions(const uint8_t *mask, size_t n, uint32_t *out);
/* Reads a LEB128 number from [*p, end); false when cut or longer than 10 bytes. Advances *p. */
bool fn_leb_read(const uint8_t **p, const uint8_t *end, uint64_t *out);
#endif
