"""Bars of one run as SVG, written by hand: no drawing library is needed. One group of bars per query, logarithmic time.
SPDX-License-Identifier: Apache-2.0"""
import html
import math

COLORS = ['#2563eb', '#f59e0b', '#10b981', '#a855f7', '#64748b']
LEFT, TOP, HEIGHT, BAR, GAP = 60, 50, 260, 7, 9


def bars(groups, names, title, unit='ms'):
    """groups: (label, {name: value}) pairs with positive values; returns the SVG text"""
    values = [v for _, g in groups for v in g.values() if v and v > 0]
    if not values:
        return ''
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9)
    high = max(high, low + 1)
    step = len(names) * BAR + GAP
    width = LEFT + len(groups) * step + 20

    def y_of(v):
        return TOP + HEIGHT - (math.log10(v) - low) / (high - low) * HEIGHT
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="10">' % (max(width, 480), TOP + HEIGHT + 60),
           '<rect width="100%" height="100%" fill="white"/>',
           '<text x="%d" y="18" font-size="14">%s</text>' % (LEFT, html.escape(title))]
    for i, n in enumerate(names):
        x = LEFT + 120 * i
        out.append('<rect x="%d" y="28" width="10" height="10" fill="%s"/><text x="%d" y="37">%s</text>' % (x, COLORS[i % len(COLORS)], x + 14, html.escape(n)))
    for e in range(low, high + 1):
        y = y_of(10.0 ** e)
        out.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g %s</text>'
                   % (LEFT, width - 10, y, y, LEFT - 4, y + 3, 10.0 ** e, unit))
    for k, (label, group) in enumerate(groups):
        x = LEFT + k * step + GAP / 2
        for i, n in enumerate(names):
            v = group.get(n)
            if v and v > 0:
                y = y_of(v)
                out.append('<rect x="%.1f" y="%.1f" width="%d" height="%.1f" fill="%s"><title>%s %s: %.3g %s</title></rect>'
                           % (x + i * BAR, y, BAR - 1, TOP + HEIGHT - y + .5, COLORS[i % len(COLORS)], html.escape(label), html.escape(n), v, unit))
        cx, cy = x + len(names) * BAR / 2, TOP + HEIGHT + 12
        out.append('<text transform="translate(%.1f %.1f) rotate(60)">%s</text>' % (cx - 3, cy, html.escape(label)))
    out.append('</svg>')
    return '\n'.join(out) + '\n'
