/* function/utf8.h - code points of UTF-8 text. Nothing here trusts the bytes: a stray continuation byte belongs to the code point
 * before it, a cut sequence ends with the string. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_UTF8_H
#define FIRN_FUNCTION_UTF8_H
#include <firn/bits.h>

static inline bool utf8_is_continuation(uint8_t b)
{
    return (b & 0xC0) == 0x80;
}
static inline size_t utf8_count(fn_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.size; i++) n += !utf8_is_continuation((uint8_t)s.data[i]);
    return n;
}
/* Byte behind the code point at byte `at` < s.size. */
static inline size_t utf8_next(fn_str s, size_t at)
{
    at++;
    while (at < s.size && utf8_is_continuation((uint8_t)s.data[at])) at++;
    return at;
}
/* Byte where code point number n begins; s.size if there are not so many. */
static inline size_t utf8_skip(fn_str s, size_t n)
{
    size_t at = 0;
    while (n-- > 0 && at < s.size) at = utf8_next(s, at);
    return at;
}
/* Size by the first byte alone: 1 to 4. */
static inline size_t utf8_width(uint8_t first)
{
    return first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF8 ? 4 : 1;
}
/* Decodes strictly (shortest form, no surrogates, <= U+10FFFF). Gives the size, 0 if the bytes at `at` are not well-formed. */
static inline size_t utf8_decode(fn_str s, size_t at, uint32_t *code)
{
    const uint8_t *p = (const uint8_t *)s.data + at;
    const size_t left = s.size - at;
    if (p[0] < 0x80) {
        *code = p[0];
        return 1;
    }
    const size_t n = p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
    if (n == 0 || left < n) return 0;
    for (size_t i = 1; i < n; i++)
        if (!utf8_is_continuation(p[i])) return 0;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c = n == 2 ? p[0] & 0x1Fu : n == 3 ? p[0] & 0x0Fu : p[0] & 0x07u;
    for (size_t i = 1; i < n; i++) c = (c << 6) | (p[i] & 0x3Fu);
    if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return 0;
    *code = c;
    return n;
}
/* Writes a code point (<= U+10FFFF): gives the size, 1 to 4; `to` has room for 4. */
static inline size_t utf8_encode(uint32_t c, char *to)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xC0 | (c >> 6));
        to[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xE0 | (c >> 12));
        to[1] = (char)(0x80 | ((c >> 6) & 0x3F));
        to[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | (c >> 18));
    to[1] = (char)(0x80 | ((c >> 12) & 0x3F));
    to[2] = (char)(0x80 | ((c >> 6) & 0x3F));
    to[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}
static inline bool utf8_is_ascii(fn_str s)
{
    size_t i = 0;
    for (; i + 8 <= s.size; i += 8)
        if (fn_load_u64(s.data + i) & 0x8080808080808080u) return false;
    for (; i < s.size; i++)
        if ((uint8_t)s.data[i] & 0x80) return false;
    return true;
}
bool utf8_is_valid(fn_str s);
#endif
