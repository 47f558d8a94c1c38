"""reduce.py - makes a failing statement shorter: pieces of it are left out or replaced by what they hold, as long as it fails in the same way.

Works on tokens and brackets, knows no grammar: what is no statement any more fails alike on both sides and is not taken. SPDX-License-Identifier: Apache-2.0"""
import re
import time

TOKEN = re.compile(r"'(?:[^'\\]|\\.|'')*'|\w+(?:\.\w+)*|->|[<>!=]=|<=>|\|\||\S")
CLAUSES = {'WHERE', 'PREWHERE', 'GROUP', 'HAVING', 'ORDER', 'LIMIT', 'SETTINGS', 'ARRAY', 'LEFT', 'RIGHT', 'FULL', 'INNER', 'CROSS', 'UNION', 'INTERSECT', 'EXCEPT', 'WITH', 'FINAL', 'DISTINCT', 'OFFSET', 'AND', 'OR', 'IN', 'NOT', 'NULLS', 'DESC', 'ON', 'AS', 'PARTITION', 'ROWS', 'FROM'}


def closing(tokens):
    """Where each opening bracket ends."""
    open_at, ends = [], {}
    for i, t in enumerate(tokens):
        if t in ('(', '['):
            open_at.append(i)
        elif t in (')', ']') and open_at:
            ends[open_at.pop()] = i
    return ends


def text_of(tokens):
    return ' '.join(tokens)


def candidates(tokens):
    """Shorter statements, the shortest first."""
    ends = closing(tokens)
    found = []
    for i, t in enumerate(tokens):
        e = ends.get(i)
        if e is not None:
            called = i > 0 and re.match(r'\w', tokens[i - 1]) and tokens[i - 1] not in CLAUSES
            start = i - 1 if called else i
            cuts, depth, at = [], 0, i + 1
            for j in range(i + 1, e):
                depth += (tokens[j] in ('(', '[')) - (tokens[j] in (')', ']'))
                if tokens[j] == ',' and not depth:
                    cuts.append((at, j))
                    at = j + 1
            cuts.append((at, e))
            for lo, hi in cuts:
                found.append(tokens[:start] + tokens[lo:hi] + tokens[e + 1:])
                if len(cuts) > 1:
                    found.append(tokens[:lo - 1] + tokens[hi:] if lo > i + 1 else tokens[:lo] + tokens[hi + 1:])
            found += [tokens[:start] + [x] + tokens[e + 1:] for x in ('1', "'a'", 'NULL')]
        if t.upper() in CLAUSES or t in (',', '+', '-', '*', '/', '=', '<', '>', '!=', '<=', '>=', '%', 'THEN', 'WHEN', 'ELSE'):
            depth = 0
            for j in range(i + 1, len(tokens) + 1):
                if j == len(tokens) or depth == 0 and (tokens[j].upper() in CLAUSES or tokens[j] in (',', ')', ']')):
                    found.append(tokens[:i] + tokens[j:])
                depth += (tokens[j] in ('(', '[')) - (tokens[j] in (')', ']')) if j < len(tokens) else 0
                if depth < 0:
                    break
        if "'" in t and len(t) > 8:
            found.append(tokens[:i] + ["'a'"] + tokens[i + 1:])
    return sorted((f for f in found if len(f) < len(tokens) or sum(map(len, f)) < sum(map(len, tokens))), key=len)


def reduce_statement(sql, still, seconds):
    """The shortest found within the time."""
    end, tokens, seen = time.time() + seconds, TOKEN.findall(sql), set()
    if not still(text_of(tokens)):
        return sql
    while time.time() < end:
        for c in candidates(tokens):
            text = text_of(c)
            if text in seen:
                continue
            seen.add(text)
            if still(text):
                tokens = c
                break
            if time.time() > end:
                break
        else:
            break
    return text_of(tokens)
