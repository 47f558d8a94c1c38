#!/usr/bin/env python3
"""Writes engine/function/utf8_case.inc: upper and lower case of every code point, from Python's copy of the Unicode data.

  make_case_table.py > engine/function/utf8_case.inc

Runs of code points with one distance and one stride (1 or 2) are one row; letters whose other case is several code points
(U+00DF -> SS) are rows of a second table.
SPDX-License-Identifier: Apache-2.0"""
import sys
import unicodedata


def pairs(change):
    single, several = [], []
    for c in range(0x80, 0x110000):
        if 0xD800 <= c < 0xE000:
            continue
        to = change(chr(c))
        if to == chr(c):
            continue
        if len(to) == 1:
            single.append((c, ord(to)))
        else:
            several.append((c, [ord(x) for x in to]))
    return single, several


def ranges(single):
    rows = []
    for c, to in single:
        if rows:
            first, last, step, delta = rows[-1]
            gap = c - last
            if to - c == delta and gap in (1, 2) and (first == last or gap == step):
                rows[-1] = (first, c, gap, delta)
                continue
        rows.append((c, c, 1, to - c))
    return rows


def emit(name, change):
    single, several = pairs(change)
    print('static const case_range %s_ranges[] = {' % name)
    for first, last, step, delta in ranges(single):
        print('    {0x%05X, 0x%05X, %d, %d},' % (first, last, step, delta))
    print('};')
    print('static const case_several %s_several[] = {' % name)
    for c, to in several:
        print('    {0x%05X, {%s}},' % (c, ', '.join('0x%04X' % x for x in to + [0] * (3 - len(to)))))
    print('};')


def main():
    print('/* utf8_case.inc - letter case of code points from U+0080 on. Made by tools/make_case_table.py from Unicode %s.' % unicodedata.unidata_version)
    print(' * SPDX-License-Identifier: Apache-2.0 */')
    emit('lower', str.lower)
    emit('upper', str.upper)


if __name__ == '__main__':
    sys.exit(main())
