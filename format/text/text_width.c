/* text_width.c - see text_width.h. Ranges after Unicode's East Asian Width (W, F) and general categories Mn, Me, Cf, in blocks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/text_width.h"
#include <firn/bits.h>

typedef struct code_range {
    uint32_t first, last;
} code_range;

static const code_range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},
    {0xa000, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x20000, 0x3fffd},
};
static const code_range none[] = {{0x300, 0x36f}, {0x483, 0x489}, {0x591, 0x5bd}, {0x610, 0x61a}, {0x64b, 0x65f}, {0x200b, 0x200f}, {0x20d0, 0x20f0}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};

static bool is_in(const code_range *ranges, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last) return true;
    return false;
}

/* The character at s[*at], which moves behind it; bytes that are not UTF-8 stand for themselves. */
static uint32_t next_code(fn_str s, size_t *at)
{
    const unsigned char *p = (const unsigned char *)s.data + *at;
    const size_t left = s.size - *at;
    const unsigned n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 1;
    if (n == 1 || n > left) {
        ++*at;
        return p[0];
    }
    uint32_t code = p[0] & (0xffu >> (n + 1));
    for (unsigned i = 1; i < n; i++) code = code << 6 | (p[i] & 63u);
    *at += n;
    return code;
}

static uint32_t width_of(uint32_t code, uint32_t column)
{
    if (code == '\t') return 8 - column % 8;
    if (code < 0x300) return code >= 0x20 && code != 0x7f;
    return is_in(none, FN_COUNT(none), code) ? 0 : is_in(wide, FN_COUNT(wide), code) ? 2 : 1;
}

uint32_t text_width(fn_str s, uint32_t from)
{
    uint32_t column = from;
    for (size_t at = 0; at < s.size;) column += width_of(next_code(s, &at), column);
    return column - from;
}

fn_str text_cut(fn_str s, uint32_t width)
{
    uint32_t column = 0;
    for (size_t at = 0; at < s.size;) {
        const size_t before = at;
        column += width_of(next_code(s, &at), column);
        if (column > width) return (fn_str){s.data, before};
    }
    return s;
}
