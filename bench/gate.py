#!/usr/bin/env python3
"""Regression gate that holds on noisy machines: instructions, not seconds.

  gate.py                 counts again and compares with gate.json; exits with 1 when a query grew by more than the tolerance
  gate.py --update        writes the counts of this binary into gate.json

A small table is made by `firn local` from numbers(); then each query runs alone, single-threaded, under callgrind (kernels up to AVX2,
reads without io_uring), and the instructions of `SELECT 1` are taken off. Counts depend on compiler and libraries: compare binaries that
were built alike, and update gate.json when the image of the build changes. SPDX-License-Identifier: Apache-2.0"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = 200_000
EMPTY = 'SELECT 1'

SETUP = [
    'CREATE TABLE gate (id UInt64, day Date, region Int32, user UInt64, phrase String, url String, width Int16, price Float64) '
    'ENGINE = MergeTree ORDER BY (region, day, id)',
    "INSERT INTO gate SELECT number, toDate('2024-01-01') + intDiv(number, 7000), cityHash64(number) % 300, cityHash64(number, 1) % 20000, "
    "if(number % 5 = 0, concat('phrase ', toString(cityHash64(number, 2) % 3000)), ''), "
    "concat('http://site', toString(cityHash64(number, 3) % 40), '.example/page/', toString(cityHash64(number, 4) % 9000)), "
    'cityHash64(number, 5) % 2000, (cityHash64(number, 6) % 100000) / 100 FROM numbers(' + str(ROWS) + ')',
    'CREATE TABLE dim (region Int32, name String) ENGINE = MergeTree ORDER BY region',
    "INSERT INTO dim SELECT number, concat('region ', toString(number)) FROM numbers(300)",
]

QUERIES = {
    'sum': 'SELECT sum(width), avg(price) FROM gate',
    'filter': 'SELECT count() FROM gate WHERE width > 1500 AND price < 500',
    'like': "SELECT count() FROM gate WHERE url LIKE '%page/12%'",
    'prefix': 'SELECT count(), sum(price) FROM gate WHERE region = 77',
    'group_small': 'SELECT region, count(), sum(price) FROM gate GROUP BY region ORDER BY region LIMIT 5',
    'group_large': 'SELECT user, count() AS c FROM gate GROUP BY user ORDER BY c DESC, user LIMIT 10',
    'group_text': "SELECT phrase, count() AS c FROM gate WHERE phrase <> '' GROUP BY phrase ORDER BY c DESC, phrase LIMIT 10",
    'group_url': 'SELECT url, count() AS c FROM gate GROUP BY url ORDER BY c DESC, url LIMIT 10',
    'distinct': 'SELECT uniqExact(user), uniq(phrase) FROM gate',
    'top_n': 'SELECT id, price FROM gate ORDER BY price DESC, id LIMIT 20',
    'sort': 'SELECT sum(n) FROM (SELECT id, row_number() OVER (ORDER BY price, id) AS n FROM gate)',
    'join': 'SELECT name, sum(price) AS s FROM gate JOIN dim USING (region) GROUP BY name ORDER BY s DESC LIMIT 5',
    'semi_join': 'SELECT count() FROM gate WHERE user IN (SELECT user FROM gate WHERE width < 20)',
    'text_functions': 'SELECT max(length(upper(url))), count(DISTINCT substring(url, 8, 6)) FROM gate',
    'dates': 'SELECT toStartOfMonth(day) AS m, count() FROM gate GROUP BY m ORDER BY m',
    'parse': "SELECT sum(length(concat('a', toString(number)))) FROM numbers(50000)",
}


def local(a, folder, sql, wrap=()):
    environment = dict(os.environ, FIRN_CPU=a.cpu, FIRN_IO='pread', TZ='UTC')
    r = subprocess.run([*wrap, a.firn, 'local', '--path', folder, '--threads', '1', '-q', sql], capture_output=True, text=True, env=environment, check=False)
    if r.returncode:
        sys.exit('%s\nfailed: %s' % (sql, r.stderr[-600:]))
    return r


def count(a, folder, sql):
    """instructions of a whole process that runs the query"""
    with tempfile.TemporaryDirectory() as scratch:
        r = local(a, folder, sql, ['valgrind', '--tool=callgrind', '--callgrind-out-file=' + os.path.join(scratch, 'out')])
        m = re.search(r'Collected : (\d+)', r.stderr)
        if not m:
            sys.exit('no count from callgrind: ' + r.stderr[-400:])
        return int(m.group(1))


def main():
    ap = argparse.ArgumentParser(description=__doc__.replace(' SPDX-License-Identifier: Apache-2.0', ''), formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--firn', default=os.path.join(os.path.dirname(HERE), 'build', 'release', 'firn'), help='the binary; build/release/firn')
    ap.add_argument('--counts', default=os.path.join(HERE, 'gate.json'), help='stored counts; gate.json')
    ap.add_argument('--tolerance', type=float, default=5, help='growth that is let through, in percent; 5')
    ap.add_argument('--cpu', choices=['scalar', 'avx2'], default='avx2', help='kernels to count; avx2')
    ap.add_argument('--only', help='comma list of queries')
    ap.add_argument('--update', action='store_true', help='store the counts')
    a = ap.parse_args()
    a.firn = os.path.abspath(a.firn)
    stored = json.load(open(a.counts, encoding='utf-8')) if os.path.exists(a.counts) else {}
    if stored and not a.update and (stored['rows'], stored['cpu']) != (ROWS, a.cpu):
        sys.exit('the stored counts are of other data or kernels: --update them')
    wanted = {k: v for k, v in QUERIES.items() if not a.only or k in a.only.split(',')}
    counted, grown = {}, []
    with tempfile.TemporaryDirectory(prefix='firn-gate-') as folder:
        for sql in SETUP:
            local(a, folder, sql)
        base = count(a, folder, EMPTY)
        print('%-16s %12d instructions: taken off each' % (EMPTY, base))
        for name, sql in wanted.items():
            counted[name] = count(a, folder, sql) - base
            before = stored.get('instructions', {}).get(name)
            change = 100 * (counted[name] / before - 1) if before else None
            bad = change is not None and change > a.tolerance
            grown += [name] if bad else []
            print('%-16s %12d %7.1f a row  %s%s' % (name, counted[name], counted[name] / ROWS, '%+6.1f %%' % change if change is not None else 'new',
                                                   '  GREW' if bad else ''), flush=True)
    if a.update:
        merged = {**stored.get('instructions', {}), **counted}
        with open(a.counts, 'w', encoding='utf-8') as f:
            json.dump({'rows': ROWS, 'cpu': a.cpu, 'instructions': {k: merged[k] for k in QUERIES if k in merged}}, f, indent=1)
            f.write('\n')
        print('wrote', a.counts)
        return 0
    print('%d passed, %d failed, 0 skipped' % (len(counted) - len(grown), len(grown)))
    return 1 if grown else 0


if __name__ == '__main__':
    sys.exit(main())
