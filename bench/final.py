"""The suite final: the same queries with and without FINAL over a ReplacingMergeTree whose parts all span the whole key range, a fifth of
their rows replaced, merges stopped. What counts is the factor between the two. SPDX-License-Identifier: Apache-2.0"""
import suites
import systems as S

PARTS, REPLACED = 30, 0.2
CPU_S = 2  # CPU seconds a factor is measured over
STEP = 7919  # a prime: rows that follow each other lie far apart in the key
QUERIES = [
    ('sum', 'SELECT sum(x), max(v) FROM f%s'),  # without FINAL firn answers it from the sums of granules
    ('group', 'SELECT k, count(), sum(x) FROM f%s GROUP BY k ORDER BY k LIMIT 5'),
    ('filter', "SELECT count(), sum(x) FROM f%s WHERE k = 7"),
    ('prewhere', "SELECT count(), sum(x) FROM f%s PREWHERE id < 3000000 WHERE k < 500"),
    ('like', "SELECT count(), sum(x) FROM f%s WHERE s LIKE '%%77%%'"),
    ('range', 'SELECT count(), sum(x) FROM f%s WHERE id BETWEEN 1000000 AND 1200000'),
    ('top', 'SELECT id, x FROM f%s ORDER BY x DESC, id LIMIT 10'),
    ('all', 'SELECT sum(cityHash64(id, v, k, s, x)) FROM f%s'),
]


def fill(s, rows):
    distinct, each = int(rows * (1 - REPLACED)), rows // PARTS
    s.sql('CREATE TABLE f (id UInt64, v UInt32, k UInt32, s String, x UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY id')
    s.sql('SYSTEM STOP MERGES f')
    for p in range(PARTS):
        r = '(number + %d)' % (p * each)
        base = 'if(%s < %d, %s, intHash64(%s) %% %d)' % (r, distinct, r, r, distinct)
        s.sql('INSERT INTO f SELECT ((%s) * %d) %% %d, %d, intHash32(number) %% 1000, concat(\'s\', toString(intHash32(number + %d) %% 100000)), '
              'intHash64(%s) %% 1000000 FROM numbers(%d) SETTINGS max_insert_block_size = %d, min_insert_block_size_rows = %d, '
              'min_insert_block_size_bytes = 0, max_threads = 1, optimize_on_insert = 1' % (base, STEP, distinct, p, p, r, each, each, each))
    parts = s.sql("SELECT count() FROM system.parts WHERE active AND table = 'f'")['data'].strip()
    print('%-8s %d rows in %s parts' % (s.name, rows, parts), flush=True)


def factor(s, query):
    """CPU of the query with FINAL over that without, in turns until it sums up to something"""
    spent, runs = {'': 0, ' FINAL': 0}, 0
    while runs < 3 or (sum(spent.values()) < CPU_S and runs < 200):
        runs += 1
        for f in spent:
            spent[f] += s.sql(query % f)['cpu']
    plain, final = (1e3 * spent[f] / runs for f in ('', ' FINAL'))
    return final / max(plain, 0.1), final, plain


def suite_final(a, systems, body):
    """FINAL beside the same query without it: %d parts, a fifth of the rows replaced.""" % PARTS
    systems.pop('duckdb', None)
    for s in systems.values():
        if s.kind == 'http':
            raise S.Failed('the suite final stops merges: not on a server that is not ours')
        if not suites.has_rows(s, 'f'):
            fill(s, a.rows)
    queries = [(i + f, {'*': q % f}) for i, q in QUERIES for f in ('', ' FINAL')]
    suites.measure(a, systems, body, queries)
    wanted = set(a.only.split(',')) if a.only else None
    body['factors'] = {i: {n: factor(s, q) for n, s in systems.items()} for i, q in QUERIES if not wanted or i in wanted}
    for i, f in body['factors'].items():
        print('%-10s FINAL / plain, CPU: %s' % (i, '   '.join('%s %.2f (%.1f / %.1f ms)' % ((n,) + x) for n, x in f.items())))
    first = {str(r['id']): {n: x.get('first') for n, x in r['sys'].items()} for r in body['queries']}
    print('first query with FINAL, s:', first.get(QUERIES[0][0] + ' FINAL'))
