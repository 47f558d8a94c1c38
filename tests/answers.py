"""answers.py - when two answers are one: shared by the SQL cases and the random statements. SPDX-License-Identifier: Apache-2.0"""
import re

SEPARATORS = re.compile(r'([\t\n,\[\](){}: \'"|]+)')


def near(a, b):
    """Two texts that are equal but for the last places of floating point numbers."""
    left, right = SEPARATORS.split(a), SEPARATORS.split(b)
    if len(left) != len(right):
        return False
    for x, y in zip(left, right):
        if x == y:
            continue
        try:
            p, q = float(x), float(y)
        except ValueError:
            return False
        if not re.search(r'[.e]', x + y) or not abs(p - q) <= 1e-9 * max(abs(p), abs(q), 1e-3):
            return False
    return True
