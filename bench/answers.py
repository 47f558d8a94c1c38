"""Do two systems give the same answer? Results are compared as TabSeparated text, row by row, numbers within 2e-6.
When only rows behind a LIMIT differ, ties may have been cut differently: then the whole result is compared, in the systems
themselves: by count, sum of hashes of the exact columns and sums of the float columns; against DuckDB, whose dialect is another, by
count, sums of the numbers and lengths of the texts.
SPDX-License-Identifier: Apache-2.0"""
import math
import re

REL, ABS = 2e-6, 1e-9
LIMIT = re.compile(r'\s+LIMIT\s+\d+(\s+OFFSET\s+\d+)?\s*$', re.I)
ORDER = re.compile(r'\s+ORDER\s+BY\s+[^()]*(\([^()]*\)[^()]*)*$', re.I)


def cell(text):
    if text == '\\N':
        return None
    try:
        value = float(text)
    except ValueError:
        return text
    return 'nan' if math.isnan(value) else value


def rows_of(tsv):
    return [[cell(c) for c in line.split('\t')] for line in tsv.split('\n')[:-1]] if tsv else []


def same_cell(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return a == b or abs(a - b) <= ABS + REL * max(abs(a), abs(b))
    return a == b


def same_rows(a, b):
    return all(same_cell(p, q) for r, s in zip(a, b) for p, q in zip(r, s))


def sort_key(row):
    return tuple((0, '%.5g' % v) if isinstance(v, float) else (1, str(v)) for v in row)


def compare(x, y):
    """'same...', or in what way two results differ"""
    a, b = rows_of(x), rows_of(y)
    if len(a) != len(b):
        return 'ROWS %d vs %d' % (len(a), len(b))
    if not a:
        return 'same (empty)'
    if len(a[0]) != len(b[0]):
        return 'COLUMNS %d vs %d' % (len(a[0]), len(b[0]))
    if same_rows(a, b):
        return 'same'
    sa, sb = sorted(a, key=sort_key), sorted(b, key=sort_key)
    if same_rows(sa, sb):
        return 'same, other order'
    columns = [i + 1 for i in range(len(a[0]))
               if not same_rows(sorted(([r[i]] for r in a), key=sort_key), sorted(([r[i]] for r in b), key=sort_key))]
    differing = sum(1 for r, s in zip(sa, sb) if not same_rows([r], [s]))
    return 'DIFF in %d of %d rows; columns %s' % (differing, len(a), columns or 'none alone')


def is_limited(sql):
    return bool(LIMIT.search(sql.rstrip().rstrip(';')))


def whole(sql):
    """the query without its last LIMIT and the ORDER BY before it"""
    return ORDER.sub('', LIMIT.sub('', sql.rstrip().rstrip(';')))


NUMBER = re.compile(r'Int|Float|Decimal|BIGINT|INTEGER|SMALLINT|TINYINT|HUGEINT|DOUBLE|FLOAT|DECIMAL', re.I)
TEXT = re.compile(r'String|VARCHAR', re.I)


def columns_of(base, system):
    """(quoted name, type) of each column of a query's result"""
    if system.kind == 'duckdb':
        rows = [line.split('\t') for line in system.sql('DESCRIBE ' + base)['data'].split('\n')[:-1]]
        return [('"%s"' % r[0].replace("\\'", "'").replace('"', '""'), r[1]) for r in rows]
    names, types = [line.split('\t') for line in
                    system.sql('SELECT * FROM (%s) LIMIT 0 FORMAT TabSeparatedWithNamesAndTypes' % base)['data'].split('\n')[:2]]
    return [('`%s`' % n.replace('`', '\\`'), t) for n, t in zip(names, types)]


def digest_hashed(sql, system):
    """reduces the whole result to one row by hashes: for systems of one dialect"""
    base = whole(sql)
    columns = columns_of(base, system)
    exact = [q for q, t in columns if 'Float' not in t]
    parts = ['count()'] + (['sum(cityHash64(toString(tuple(%s))))' % ', '.join(exact)] if exact else [])
    parts += ['sum(%s)' % q for q, t in columns if 'Float' in t]
    return 'SELECT %s FROM (%s)' % (', '.join(parts), base)


def digest_summed(sql, system):
    """reduces the whole result to one row by sums of numbers and of the lengths of texts: weaker, for systems of different dialects"""
    base, duckdb = whole(sql), system.kind == 'duckdb'
    parts = ['count(*)']
    for quoted, kind in columns_of(base, system):
        if NUMBER.search(kind):
            parts.append('sum(CAST(%s AS DOUBLE))' % quoted)
        elif TEXT.search(kind):
            parts.append('sum(%s(%s))' % ('strlen' if duckdb else 'length', quoted))
    return 'SELECT %s FROM (%s) AS whole_result' % (', '.join(parts), base)


def same_answer(x, y, one, other):
    """compare(), and for LIMITed queries the whole results when the cut ones differ. x, y: answers; one, other: (query, system)"""
    verdict = compare(x, y)
    if verdict.startswith('same') or not is_limited(one[0]):
        return verdict
    reduce = digest_summed if 'duckdb' in (one[1].kind, other[1].kind) else digest_hashed
    try:
        a, b = (s.sql(reduce(sql, s))['data'] for sql, s in (one, other))
    except Exception as e:  # noqa: BLE001 - the first verdict stands, with the reason
        return verdict + ' (whole result: %s)' % str(e)[:120]
    if compare(a, b).startswith('same'):
        return 'same whole result, ties cut differently'
    return verdict + ' (whole result differs: %s | %s)' % (a.strip(), b.strip())
