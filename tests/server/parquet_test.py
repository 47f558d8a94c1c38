#!/usr/bin/env python3
"""Parquet files read in place: pruned, filtered inside the scan, by dictionary entry, top-N with its bound, metadata alone.

  parquet_test.py FIRN [--seed N] [--rounds N]
  parquet_test.py --make          makes the files anew (pip install pyarrow) and asks ClickHouse for the stored answers (pip install chdb)

Stored answers are ClickHouse's. Beside them queries with conditions made by a seed are asked of the files and of tables loaded from them: a
table reads all its columns once, without conditions, so it takes another way to the same rows. SPDX-License-Identifier: Apache-2.0"""
import argparse
import decimal
import json
import os
import random
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from running import Running

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(os.path.dirname(HERE), 'data', 'parquet_scan')
FILES = ('mixed', 'plain', 'coded')

QUERIES = [
    'SELECT count() FROM {t}',
    'SELECT min(k), max(k), min(d), max(d), min(ts), max(ts), count(k), count() FROM {t}',
    'SELECT min(u), max(u), count(u) FROM {t}',
    'SELECT min(n), max(n), count(n) FROM {t}',
    'SELECT min(s), max(s), min(f), max(f) FROM {t}',
    'SELECT min(dec), max(dec), min(b), max(b), min(i8), max(i8) FROM {t}',
    "SELECT count() FROM {t} WHERE s = 'nothing of this kind'",
    "SELECT count() FROM {t} WHERE s <> ''",
    "SELECT s, count(), sum(u) FROM {t} WHERE s <> '' AND k > 20 GROUP BY s ORDER BY s",
    'SELECT count(), sum(k) FROM {t} WHERE k = 17',
    'SELECT k, u, s, t, n, ns, d, ts, f, dec, b, i8 FROM {t} WHERE k = 17 AND n > 5 ORDER BY u LIMIT 5',
    "SELECT count(), sum(length(t)) FROM {t} WHERE t LIKE '%99%'",
    'SELECT count() FROM {t} WHERE n IS NULL',
    'SELECT count() FROM {t} WHERE n IS NULL OR n = 3',
    "SELECT count() FROM {t} WHERE ns IS NULL AND s = 'word 3'",
    'SELECT t FROM {t} ORDER BY u, t LIMIT 7',
    "SELECT t, ts FROM {t} WHERE s <> '' ORDER BY ts DESC, t LIMIT 7",
    "SELECT t FROM {t} WHERE s = 'word 3' AND k BETWEEN 10 AND 30 ORDER BY n NULLS FIRST, u LIMIT 9",
    'SELECT _file, count() FROM {t} WHERE k < 3 GROUP BY _file',
    "SELECT count() FROM {t} WHERE _file LIKE '%parquet' AND k = 5",
    'SELECT count() FROM {t} WHERE k > 17 AND intDiv(100, k - 17) > 3',
    'SELECT sum(a) FROM {t} WHERE i8 = -3',
    'SELECT count(), sum(l[1]) FROM {t} WHERE k = 5 AND u % 3 = 1',
    'SELECT quantileExact(f) FROM {t} WHERE d >= \'2024-01-10\' AND d < \'2024-01-12\'',
    "SELECT x.s, count() FROM {t} AS x JOIN (SELECT s FROM {t} WHERE k = 17 AND n = 4 GROUP BY s) AS y ON x.s = y.s WHERE x.k = 3 GROUP BY x.s ORDER BY x.s",
]


def make_files():
    import pyarrow as pa
    import pyarrow.parquet as pq
    r = random.Random(7)
    rows = 9000
    ks = [i // 210 for i in range(rows)]
    us = [r.randrange(1, 9000) ** 4 for _ in range(rows)]
    words = [r.choice(['', '', '', 'word 1', 'word 2', 'word 3', 'wort 4']) for _ in range(rows)]
    table = pa.table({
        'k': pa.array(ks, pa.int32()), 'u': pa.array(us, pa.uint64()), 's': pa.array(words, pa.string()),
        't': pa.array(['text %d of %d' % (r.randrange(5000), k) for k in ks], pa.string()),
        'n': pa.array([None if r.random() < .2 else r.randrange(12) for _ in range(rows)], pa.int32()),
        'ns': pa.array([None if r.random() < .3 else 'n%d' % r.randrange(40) for _ in range(rows)], pa.string()),
        'd': pa.array([19720 + k for k in ks], pa.date32()), 'ts': pa.array([1704067200000000 + r.randrange(10 ** 12) for _ in range(rows)], pa.timestamp('us')),
        'f': pa.array([r.randrange(1000) / 8 for _ in range(rows)], pa.float64()), 'dec': pa.array([decimal.Decimal(r.randrange(99999)) / 100 for _ in range(rows)], pa.decimal128(12, 2)),
        'b': pa.array([r.random() < .5 for _ in range(rows)], pa.bool_()), 'i8': pa.array([r.randrange(-5, 5) for _ in range(rows)], pa.int8()),
        'a': pa.array([r.randrange(1 << 40) for _ in range(rows)], pa.int64()),
        'l': pa.array([[r.randrange(9) for _ in range(r.randrange(4))] for _ in range(rows)], pa.list_(pa.int64()))},
        schema=pa.schema([pa.field('k', pa.int32(), False), pa.field('u', pa.uint64(), False), pa.field('s', pa.string(), False), pa.field('t', pa.string(), False),
                          ('n', pa.int32()), ('ns', pa.string()), pa.field('d', pa.date32(), False), pa.field('ts', pa.timestamp('us'), False),
                          pa.field('f', pa.float64(), False), pa.field('dec', pa.decimal128(12, 2), False), pa.field('b', pa.bool_(), False),
                          pa.field('i8', pa.int8(), False), pa.field('a', pa.int64(), False), pa.field('l', pa.list_(pa.field('item', pa.int64(), False)), False)]))
    os.makedirs(DATA, exist_ok=True)
    plain = ['u', 't', 'a', 'ts', 'f']
    pq.write_table(table, os.path.join(DATA, 'mixed.parquet'), compression='zstd', row_group_size=4000, data_page_size=4096, dictionary_pagesize_limit=8192,
                   write_page_index=True, write_batch_size=200)
    pq.write_table(table, os.path.join(DATA, 'plain.parquet'), compression='snappy', use_dictionary=False, data_page_version='2.0', write_statistics=False,
                   row_group_size=6000, data_page_size=4096, write_batch_size=200)
    pq.write_table(table, os.path.join(DATA, 'coded.parquet'), compression='zstd', use_dictionary=[c for c in table.column_names if c not in plain and c != 'l'],
                   row_group_size=3300, data_page_size=2048, write_batch_size=100, dictionary_pagesize_limit=1 << 20)


def make():
    from chdb import session
    make_files()
    s = session.Session()
    with open(os.path.join(DATA, 'answers.jsonl'), 'w') as out:
        for f in FILES:
            for q in QUERIES:
                t = "file('%s', Parquet)" % os.path.join(DATA, f + '.parquet')
                out.write(json.dumps({'file': f, 'sql': q, 'answer': s.query(q.replace('{t}', t), 'TabSeparated').bytes().decode()}) + '\n')


def ask(url, sql):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, sql.encode())) as r:
            return r.read().decode()
    except urllib.error.HTTPError as e:
        return 'error: ' + e.read().decode()[:400]


def some_condition(r):
    column = r.choice(['k', 'u', 's', 't', 'n', 'ns', 'd', 'ts', 'f', 'dec', 'b', 'i8', 'a'])
    op = r.choice(['=', '<>', '<', '<=', '>', '>='])
    value = {'k': lambda: r.randrange(45), 'u': lambda: r.randrange(1, 9000) ** 4, 's': lambda: "'word %d'" % r.randrange(5), 't': lambda: "'text %d of %d'" % (r.randrange(5000), r.randrange(43)),
             'n': lambda: r.randrange(13), 'ns': lambda: "'n%d'" % r.randrange(42), 'd': lambda: "'2024-01-%02d'" % r.randrange(1, 31), 'ts': lambda: "'2024-01-%02d 03:00:00'" % r.randrange(1, 13),
             'f': lambda: r.randrange(1000) / 8, 'dec': lambda: r.randrange(999), 'b': lambda: r.randrange(2), 'i8': lambda: r.randrange(-6, 6), 'a': lambda: r.randrange(1 << 40)}[column]
    if r.random() < .1:
        return '%s IS %sNULL' % (column, r.choice(['', 'NOT ']))
    if r.random() < .2:
        return '%s IN (%s)' % (column, ', '.join(str(value()) for _ in range(r.randrange(1, 5))))
    if r.random() < .1:
        return '(%s %s %s OR i8 = %d)' % (column, op, value(), r.randrange(-6, 6))
    return '%s %s %s' % (column, op, value())


def some_query(r):
    where = ' AND '.join(some_condition(r) for _ in range(r.randrange(1, 4)))
    what = r.choice(['SELECT count(), sum(cityHash64(k, u, s, t, n, ns, d, ts, f, dec, b, i8, a, l)) FROM {t} WHERE {w}',
                     'SELECT count() FROM {t} WHERE {w}',
                     'SELECT s, min(u), max(t), count(n) FROM {t} WHERE {w} GROUP BY s ORDER BY s',
                     'SELECT {c}, a, t FROM {t} WHERE {w} ORDER BY {c} {o}, a, t LIMIT 11',
                     'SELECT {g}, count() FROM {t} WHERE {w} GROUP BY {g} ORDER BY {g}',
                     'SELECT {g}, count() AS c FROM {t} GROUP BY {g} ORDER BY c DESC, {g} LIMIT 7',
                     'SELECT {g}, max(i8), count() FROM {t} WHERE {w} GROUP BY {g} ORDER BY {g}',
                     'SELECT count(DISTINCT {g}) FROM {t} WHERE {w}', 'SELECT count() FROM (SELECT {g} FROM {t} WHERE {w} GROUP BY {g})'])
    what = what.replace('{g}', r.choice(['k', 'u', 'n', 'd', 'ts', 'dec', 'dec', 'i8', 'b', 'a', 'f', 'dec + 1', 'intDiv(k, 2)']))
    return what.replace('{w}', where).replace('{c}', r.choice(['k', 'u', 'n', 'ts', 'f', 's', 'i8'])).replace('{o}', r.choice(['', 'DESC']))


def padded(path, size):
    """the file with nothing between its data and its footer"""
    with open(path, 'rb') as f:
        data = f.read()
    footer = 8 + int.from_bytes(data[-8:-4], 'little')
    return data[:-footer] + bytes(size - len(data)) + data[-footer:]


def check_replaced(firn, compare):
    """footers are kept: one of an earlier version of the file must not be used, even when the new one has its name and its size"""
    with open(os.path.join(DATA, 'mixed.parquet'), 'rb') as f:
        many = f.read()
    few = padded(os.path.join(os.path.dirname(DATA), 'parquet', 'v2_zstd.parquet'), len(many))
    texts = {'200\n': few, '9000\n': many}
    with tempfile.TemporaryDirectory(prefix='firn-parquet-') as path:
        files = os.path.join(path, 'files')
        os.makedirs(files)
        server = Running(firn, os.path.join(path, 'data'), config='user_files_path: %s\n' % files)
        count, kept = "SELECT count() FROM file('%s')", "SELECT value FROM system.metrics WHERE metric = 'ParquetMetadataCacheFiles'"

        def put(name, rows):
            with open(os.path.join(files, name), 'r+b' if os.path.exists(os.path.join(files, name)) else 'wb') as f:
                f.write(texts[rows])
        try:
            for name, rows in (('t.parquet', '9000\n'), ('a.parquet', '9000\n'), ('b.parquet', '200\n')):
                put(name, rows)
                compare('a new file', ask(server.url, count % name), rows)
            compare('new files are not kept', ask(server.url, kept), '0\n')
            time.sleep(2.1)
            for rows in ('200\n', '9000\n'):
                compare('the file before', ask(server.url, count % 't.parquet') + ask(server.url, kept), ''.join(set(texts) - {rows}) + '1\n')
                put('t.parquet', rows)
                compare('written over', ask(server.url, count % 't.parquet'), rows)
                put('t.parquet', ''.join(set(texts) - {rows}))
                put('t.parquet', rows)
                compare('and again', ask(server.url, count % 't.parquet'), rows)
                time.sleep(2.1)
            done, got = threading.Event(), set()

            def loop():
                while not done.is_set():
                    got.add(ask(server.url, count % 'link.parquet'))
            os.symlink('a.parquet', os.path.join(files, 'link.parquet'))
            threads = [threading.Thread(target=loop) for _ in range(2)]
            for t in threads:
                t.start()
            for i in range(60):
                os.symlink('ab'[i % 2] + '.parquet', os.path.join(files, 'next'))
                os.replace(os.path.join(files, 'next'), os.path.join(files, 'link.parquet'))
                compare('switched', ask(server.url, count % 'link.parquet'), list(texts)[1 - i % 2])
            done.set()
            for t in threads:
                t.join()
            compare('while it is switched', str(got - set(texts)), 'set()')
            compare('drop', ask(server.url, 'SYSTEM DROP PARQUET METADATA CACHE') + ask(server.url, kept), '0\n')
            compare('switched off', ask(server.url, count % 'a.parquet' + ' SETTINGS use_parquet_metadata_cache = 0') + ask(server.url, kept), '9000\n0\n')
            compare('switched on', ask(server.url, count % 'a.parquet') + ask(server.url, kept), '9000\n1\n')
        finally:
            code = server.stop()
        compare('the server ends well', str(code), '0')


def check(firn, seed, rounds):
    passed = failed = 0

    def compare(name, got, want):
        nonlocal passed, failed
        if got == want:
            passed += 1
            return
        failed += 1
        print('FAILED %s\n  got  %r\n  want %r' % (name, got[:300], want[:300]))
    with tempfile.TemporaryDirectory(prefix='firn-parquet-') as path:
        server = Running(firn, os.path.join(path, 'data'), config='user_files_path: %s\n' % DATA)
        try:
            with open(os.path.join(DATA, 'answers.jsonl')) as f:
                for line in f:
                    case = json.loads(line)
                    compare(case['file'] + ': ' + case['sql'], ask(server.url, case['sql'].replace('{t}', "file('%s.parquet')" % case['file'])), case['answer'])
            for f in FILES:
                made = ask(server.url, "CREATE TABLE %s ENGINE = MergeTree ORDER BY k AS SELECT * FROM file('%s.parquet')" % (f, f))
                compare('load ' + f, made, '')
            r = random.Random(seed)
            for _ in range(rounds):
                q, f = some_query(r), r.choice(FILES)
                compare('%s: %s' % (f, q), ask(server.url, q.replace('{t}', "file('%s.parquet')" % f)), ask(server.url, q.replace('{t}', f)))
        finally:
            code = server.stop()
        compare('the server ends well', str(code), '0')
    check_replaced(firn, compare)
    print('%d passed, %d failed, 0 skipped' % (passed, failed))
    return 1 if failed else 0


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('firn', nargs='?')
    ap.add_argument('--make', action='store_true')
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--rounds', type=int, default=300)
    a = ap.parse_args()
    if a.make:
        return make()
    return check(os.path.abspath(a.firn), a.seed, a.rounds)


if __name__ == '__main__':
    sys.exit(main())
