"""The suite final: the same queries with and without FINAL over a ReplacingMergeTree whose parts all span the whole key range, a fifth of
their rows replaced, merges stopped. What counts is the factor between the two. SPDX-License-Identifier: Apache-2.0"""
import suites
import systems as S

PARTS, REPLACED = 30, 0.2
STEP = 7919  # a prime: rows that follow each other lie far apart in the key
QUERIES = [
    ('sum', 'SELECT sum(x), max(v) FROM f%s'),
    ('group', 'SELECT k, count(), sum(x) FROM f%s GROUP BY k ORDER BY k LIMIT 5'),
    ('filter', "SELECT count(), sum(x) FROM f%s WHERE k = 7"),
    ('prewhere', "SELECT count(), sum(x) FROM f%s PREWHERE v > 20 WHERE k < 500"),
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


def suite_final(a, systems, body):
    """FINAL beside the same query without it: %d parts, a fifth of the rows replaced.""" % PARTS
    systems.pop('duckdb', None)
    for s in systems.values():
        if s.kind == 'http':
            raise S.Failed('the suite final stops merges: not on a server that is not ours')
        fill(s, a.rows)
    queries = [(i + f, {'*': q % f}) for i, q in QUERIES for f in ('', ' FINAL')]
    suites.measure(a, systems, body, queries)
    by_id = {str(r['id']): r['sys'] for r in body['queries']}
    body['factors'] = {i: {n: by_id[i + ' FINAL'][n]['cpu_min'] / max(by_id[i][n]['cpu_min'], 1e-4) for n in systems
                           if 'cpu_min' in by_id[i][n] and 'cpu_min' in by_id[i + ' FINAL'][n]} for i, _ in QUERIES if i in by_id}
    for i, f in body['factors'].items():
        print('%-10s FINAL / plain, CPU: %s' % (i, '   '.join('%s %.2f' % x for x in f.items())))
    first = next(iter(by_id.get(QUERIES[0][0] + ' FINAL', {}).items()), None)
    if first:
        print('first query with FINAL (s):', {n: r['first'] for n, r in by_id[QUERIES[0][0] + ' FINAL'].items()})
