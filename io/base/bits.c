/* bits.c - string slices, the engine's hash, LEB128. SPDX-License-Identifier: Apache-2.0 */
#include <firn/bits.h>
#include <xxhash.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool fn_str_eq_nocase(fn_str a, fn_str b)
{
    if (a.size != b.size) return false;
    for (size_t i = 0; i < a.size; i++)
        if (lower(a.data[i]) != lower(b.data[i])) return false;
    return true;
}

int fn_str_compare(fn_str a, fn_str b)
{
    const size_t n = FN_MIN(a.size, b.size);
    const int order = n ? memcmp(a.data, b.data, n) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

bool fn_str_starts(fn_str s, fn_str prefix)
{
    return s.size >= prefix.size && (prefix.size == 0 || memcmp(s.data, prefix.data, prefix.size) == 0);
}

bool fn_str_ends(fn_str s, fn_str suffix)
{
    return s.size >= suffix.size &&
           (suffix.size == 0 || memcmp(s.data + s.size - suffix.size, suffix.data, suffix.size) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

fn_str fn_str_trim(fn_str s)
{
    while (s.size && is_space(s.data[0])) s.data++, s.size--;
    while (s.size && is_space(s.data[s.size - 1])) s.size--;
    return s;
}

uint64_t fn_hash_bytes(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

fn_hash128 fn_hash_bytes128(const void *data, size_t size)
{
    const XXH128_hash_t h = XXH3_128bits(data, size);
    return (fn_hash128){h.low64, h.high64};
}

static XXH3_state_t *state_of(const fn_hash_stream *s)
{
    return (XXH3_state_t *)(uintptr_t)s;
}

fn_hash_stream *fn_hash_stream_new(void)
{
    XXH3_state_t *s = XXH3_createState();
    if (s) (void)XXH3_128bits_reset(s);
    return (fn_hash_stream *)(void *)s;
}

void fn_hash_stream_add(fn_hash_stream *s, const void *data, size_t size)
{
    (void)XXH3_128bits_update(state_of(s), data, size);
}

fn_hash128 fn_hash_stream_end(const fn_hash_stream *s)
{
    const XXH128_hash_t h = XXH3_128bits_digest(state_of(s));
    return (fn_hash128){.low = h.low64, .high = h.high64};
}

void fn_hash_stream_free(fn_hash_stream *s)
{
    (void)XXH3_freeState(state_of(s));
}

bool fn_leb_read(const uint8_t **p, const uint8_t *end, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (*p >= end) return false;
        const uint8_t byte = *(*p)++;
        if (shift < 64) value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            return true;
        }
    }
    return false;
}
