"""The suite serve: small queries over HTTP as a serving layer asks them - point, short range, top-N, time series with fill, with FINAL on
the updated table - one at a time against the peers, then by loadgen.c at 1, 8 and 64 connections: closed loop for the most queries a
second, open loop at a share of that for latencies.
SPDX-License-Identifier: Apache-2.0"""
import json
import os
import random
import shutil
import subprocess
import sys

import answers
import suites
import systems as S

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = (1, 8, 64)
OPEN_SHARE = 0.7  # the open loop's rate, as a share of what the closed loop reached
TEXTS = 300

PROFILE = ('CREATE OR REPLACE TABLE profile (account_id UInt64, item_id UInt32, version UInt64, updated_at DateTime, status LowCardinality(String), '
           'name String, amount Float64, payload String) ENGINE = ReplacingMergeTree(version) ORDER BY (account_id, item_id)')
VISITS = ('CREATE OR REPLACE TABLE visits (account_id UInt32, ts DateTime, kind LowCardinality(String), value Float64) '
          'ENGINE = MergeTree ORDER BY (account_id, ts)')
PROFILE_DUCKDB = ('CREATE OR REPLACE TABLE profile (account_id UBIGINT, item_id UINTEGER, version UBIGINT, updated_at TIMESTAMP, status VARCHAR, '
                  'name VARCHAR, amount DOUBLE, payload VARCHAR, PRIMARY KEY (account_id, item_id))')
VISITS_DUCKDB = 'CREATE OR REPLACE TABLE visits (account_id UINTEGER, ts TIMESTAMP, kind VARCHAR, value DOUBLE)'
ITEMS, VISITS_EACH = 50, 5000  # rows of one account


def make_files(folder, rows):
    """Parquet: profile, a second file that updates 5 % of it, and visits"""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    os.makedirs(folder, exist_ok=True)
    files = {k: os.path.join(folder, '%s_%d.parquet' % (k, rows)) for k in ('profile', 'update', 'visits')}
    if all(os.path.exists(p) for p in files.values()):
        return files
    rng = np.random.default_rng(3)
    states = np.array(['active', 'paused', 'closed', 'new', 'blocked'])
    kinds = np.array(['view', 'click', 'buy', 'leave'])

    def profile(index, version):
        n = len(index)
        w = rng.integers(0, 5000, (n, 2))
        at = 1700000000 + rng.integers(0, 8000000, n) + version * 8000000
        return pa.table({
            'account_id': pa.array((index // ITEMS).astype(np.uint64)), 'item_id': pa.array((index % ITEMS).astype(np.uint32)),
            'version': pa.array(np.full(n, version, np.uint64)), 'updated_at': pa.array(at.astype('datetime64[s]')),
            'status': pa.array(states[rng.integers(0, 5, n)]), 'name': pa.array(np.char.add('item ', w[:, 0].astype(str))),
            'amount': pa.array(np.round(rng.gamma(2, 50, n), 2)),
            'payload': pa.array(np.char.add(np.char.add('{"k":', w[:, 1].astype(str)), ',"tag":"abcdefgh","ok":true}'))})

    def visits():
        accounts = max(rows // VISITS_EACH, 1)
        each = rows // accounts
        for i in range(0, accounts, 200):
            k = min(200, accounts - i)
            ts = np.sort(rng.integers(0, 30 * 86400, (k, each)), axis=1).ravel()
            yield pa.table({'account_id': pa.array(np.repeat(np.arange(i, i + k), each).astype(np.uint32)),
                            'ts': pa.array((1704067200 + ts).astype('datetime64[s]')), 'kind': pa.array(kinds[rng.integers(0, 4, k * each)]),
                            'value': pa.array(np.round(rng.gamma(1.5, 10, k * each), 3))})

    def write(path, tables):
        writer = None
        for t in tables:
            writer = writer or pq.ParquetWriter(path, t.schema, compression='zstd')
            writer.write_table(t)
        writer.close()
    million = 1_000_000
    write(files['profile'], (profile(np.arange(i, min(i + million, rows)), 1) for i in range(0, rows, million)))
    updated = np.sort(rng.choice(rows, max(rows // 20, 1), replace=False))
    write(files['update'], (profile(updated[i:i + million], 2) for i in range(0, len(updated), million)))
    write(files['visits'], visits())
    return files


def queries(rows, count, seed=5):
    """{name: (texts for ClickHouse's dialect, texts for DuckDB)}. DuckDB's table holds updated rows by its primary key, so no FINAL there."""
    r = random.Random(seed)
    accounts, visitors = max(rows // ITEMS, 1), max(rows // VISITS_EACH, 1)
    out = {}

    def add(name, text, arguments, duckdb=None):
        values = [arguments() for _ in range(count)]
        duckdb = duckdb or text.replace(' FINAL', '').replace('count()', 'count(*)')
        out[name] = ([text.format(**v) for v in values], [duckdb.format(**v) for v in values])

    def item():
        return {'a': r.randrange(accounts), 'i': r.randrange(ITEMS), 'j': r.randrange(30)}

    def visitor():
        return {'v': r.randrange(visitors)}

    def day():
        d = r.randrange(1, 30)
        return {'v': r.randrange(visitors), 'd0': '2024-01-%02d 00:00:00' % d, 'd1': '2024-01-%02d 00:00:00' % (d + 1)}
    add('point', 'SELECT ts, value FROM visits WHERE account_id = {v} AND ts = \'2024-01-10 10:10:10\'', visitor)
    add('point_final', 'SELECT name, status, amount, payload FROM profile FINAL WHERE account_id = {a} AND item_id = {i}', item)
    add('range_final', 'SELECT item_id, name, amount FROM profile FINAL WHERE account_id = {a} AND item_id > {j} ORDER BY item_id LIMIT 10', item)
    add('agg_final', 'SELECT status, count(), sum(amount) FROM profile FINAL WHERE account_id = {a} GROUP BY status ORDER BY status', item)
    add('in10_final', 'SELECT account_id, count(), max(updated_at) FROM profile FINAL WHERE account_id IN ({l}) GROUP BY account_id ORDER BY account_id',
        lambda: {'l': ','.join(str(r.randrange(accounts)) for _ in range(10))})
    add('top_n', 'SELECT ts, kind, value FROM visits WHERE account_id = {v} ORDER BY value DESC, ts LIMIT 20', visitor)
    add('last_n', 'SELECT ts, kind, value FROM visits WHERE account_id = {v} ORDER BY ts DESC, value LIMIT 20', visitor)
    add('series_fill', "SELECT toStartOfHour(ts) AS h, count() AS c, sum(value) FROM visits WHERE account_id = {v} AND ts >= '{d0}' AND ts < '{d1}' "
        "GROUP BY h ORDER BY h WITH FILL FROM toDateTime('{d0}') TO toDateTime('{d1}') STEP 3600", day,
        "SELECT g AS h, coalesce(c, 0), coalesce(s, 0) FROM generate_series(TIMESTAMP '{d0}', TIMESTAMP '{d1}' - INTERVAL 1 HOUR, INTERVAL 1 HOUR) AS x(g) "
        "LEFT JOIN (SELECT date_trunc('hour', ts) AS hh, count(*) AS c, sum(value) AS s FROM visits WHERE account_id = {v} AND ts >= '{d0}' AND ts < '{d1}' "
        'GROUP BY hh) ON hh = g ORDER BY h')
    add('scalar', 'SELECT 1', dict)
    return out


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * q))]


def texts_of(pair, s):
    return pair[1] if s.kind == 'duckdb' else pair[0]


def ask_one_by_one(systems, asked, res):
    """answers compared, then blocks of 50 in turns"""
    for name, pair in asked.items():
        first = {}
        for n, s in systems.items():
            try:
                first[n] = s.sql(texts_of(pair, s)[0])['data']
            except S.Failed as e:
                print(name, n, 'ERR', str(e)[:200])
        names = list(first)
        compared = {n: answers.compare(first[names[0]], first[n]) for n in names[1:]}
        times = {n: [] for n in names}
        for at in range(0, TEXTS, 50):
            for n in names:
                times[n] += systems[n].many(texts_of(pair, systems[n])[at:at + 50])['ts']
        res[name] = {n: {'p50_ms': 1e3 * quantile(v, .5), 'p99_ms': 1e3 * quantile(v, .99), 'min_ms': 1e3 * min(v)} for n, v in times.items()}
        print('%-12s %s  %s' % (name, '  '.join('%s p50 %.3f p99 %.3f ms' % (n, v['p50_ms'], v['p99_ms']) for n, v in res[name].items()),
                                '; '.join('%s %s' % x for x in compared.items() if not x[1].startswith('same'))), flush=True)
        res[name]['compared'] = compared


def build_loadgen(work):
    program = os.path.join(work, 'loadgen')
    compiler = os.environ.get('CC') or shutil.which('cc') or shutil.which('gcc')
    if not compiler:
        return None
    subprocess.check_call([compiler, '-O2', os.path.join(HERE, 'loadgen.c'), '-o', program])
    return program


def ask_with_load(a, s, asked, res):
    program = build_loadgen(a.work)
    if program is None:
        print('no C compiler: no runs with many connections')
        return
    for name, (texts, _) in asked.items():
        path = os.path.join(a.work, 'serve', name + '.sql')
        with open(path, 'w') as f:
            f.write('\n'.join(t.replace('\n', ' ') for t in texts) + '\n')
        for connections in CONNECTIONS:
            def run(rate):
                return json.loads(subprocess.check_output([program, s.host, str(s.port), s.target, path, str(connections), str(a.seconds), str(rate)], text=True))
            closed = run(0)
            opened = run(closed['qps'] * OPEN_SHARE)
            res.setdefault(name, {}).setdefault(s.name, {})[connections] = {'closed': closed, 'open': opened}
            print('%-12s %s %2d connections: %8.0f QPS closed; at %.0f QPS p50 %.3f p99 %.3f p99.9 %.3f ms; errors %d' % (
                name, s.name, connections, closed['qps'], opened['rate'], opened['p50_ms'], opened['p99_ms'], opened['p999_ms'],
                closed['errors'] + opened['errors']), flush=True)


def suite_serve(a, systems, body):
    files = make_files(os.path.join(a.work, 'serve'), a.rows)
    suites.load_all(a, systems, body, [('visits', {'*': VISITS, 'duckdb': VISITS_DUCKDB}, files['visits'], '*')])
    for s in systems.values():
        if not suites.has_rows(s, 'profile'):
            suites.load_table(s, a, body, 'profile', PROFILE_DUCKDB if s.kind == 'duckdb' else PROFILE, files['profile'])
            if s.kind == 'duckdb':
                s.sql("INSERT OR REPLACE INTO profile SELECT * FROM read_parquet('%s')" % files['update'])
                s.sql('CHECKPOINT')
            else:
                suites.insert_parquet(s, a, 'profile', files['update'])
    for s in systems.values():
        suites.settle(s, body)
        if s.pid:
            S.renice(s.pid, a.nice)
    asked = queries(a.rows, TEXTS)
    if a.only:
        asked = {k: v for k, v in asked.items() if k in a.only.split(',')}
    if not asked:
        sys.exit('--only names no query of this suite')
    res = body['serve'] = {'single': {}, 'load': {}}
    ask_one_by_one(systems, asked, res['single'])
    for s in systems.values():
        if s.kind in ('firn', 'http'):
            ask_with_load(a, s, asked, res['load'])
    suites.note_sizes(systems, body)
