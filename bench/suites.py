"""The suites hits, tpch, scan and ingest: what is loaded and what is asked. Each takes (arguments, systems, body) and fills the body
that becomes the JSON file.
SPDX-License-Identifier: Apache-2.0"""
import json
import os
import statistics
import subprocess
import sys
import time

import hits_sql
import results
import systems as S
import tpch_sql

HERE = os.path.dirname(os.path.abspath(__file__))


def read_from(checkout, name):
    """a file of a checkout: a work tree or a bare git directory"""
    path = os.path.join(checkout, name)
    if os.path.exists(path):
        with open(path, encoding='utf-8') as f:
            return f.read()
    return subprocess.check_output(['git', '--git-dir', checkout, 'show', 'HEAD:' + name], text=True)


# ------------------------------------------------------------------ data
def hits_file(a):
    """the Parquet file of the hits table: the one named, or one made by the generator"""
    if a.data:
        return os.path.abspath(a.data)
    path = os.path.join(a.work, 'hits_%d_%d.parquet' % (a.rows, a.seed))
    if not os.path.exists(path):
        subprocess.check_call([sys.executable, os.path.join(HERE, 'gen_hits.py'), '--rows', str(a.rows), '--seed', str(a.seed), '--out', path])
    return path


def tpch_dir(a):
    """the eight Parquet files of a scale factor, made by tpchgen-cli when they are not there"""
    folder = os.path.join(os.path.abspath(a.tpch_dir or os.path.join(a.work, 'tpch')), 'sf' + a.sf)
    if not all(os.path.exists(os.path.join(folder, t + '.parquet')) for t in tpch_sql.TABLES):
        os.makedirs(folder, exist_ok=True)
        try:
            subprocess.check_call(['tpchgen-cli', 'parquet', '-s', a.sf, '--output-dir=' + folder])
        except FileNotFoundError:
            sys.exit('tpchgen-cli is missing: pip install tpchgen-cli, or name a folder with --tpch-dir')
    return folder


# ------------------------------------------------------------------ loading
def insert_parquet(s, a, table, path, duckdb_select='*'):
    if s.kind == 'duckdb':
        s.sql("INSERT INTO %s SELECT %s FROM read_parquet('%s', binary_as_string=True)" % (table, duckdb_select, path))
        s.sql('CHECKPOINT')
    elif s.kind in ('chdb', 'firn') and a.load_by == 'file':
        s.sql("INSERT INTO %s SELECT * FROM file('%s', Parquet)" % (table, path))
    elif s.kind == 'chdb':
        s.sql("INSERT INTO %s FROM INFILE '%s' FORMAT Parquet" % (table, path))
    else:
        s.send('INSERT INTO %s FORMAT Parquet' % table, path)


def load_table(s, a, body, table, ddl, path, duckdb_select='*'):
    """Makes the table and fills it from one Parquet file. The time covers the insert alone (and DuckDB's checkpoint)."""
    if s.pid:
        S.reset_peak(s.pid)
        S.renice(s.pid, a.nice)
    s.sql(ddl)
    t0, c0 = time.time(), S.process_cpu(s.pid) if s.pid else 0
    insert_parquet(s, a, table, path, duckdb_select)
    took, cpu = time.time() - t0, (S.process_cpu(s.pid) - c0) if s.pid else None
    rows = int(float(s.sql('SELECT count(*) FROM ' + table)['data']))
    peak = S.process_memory(s.pid).get('VmHWM') if s.pid else None
    body.setdefault('load', {}).setdefault(s.name, {})[table] = {'insert_s': took, 'cpu_s': cpu, 'rows': rows, 'peak_rss': peak}
    print('load %-8s %-10s %8.2f s  cpu %s s  %d rows  peak %s MB' % (s.name, table, took, cpu and round(cpu, 1), rows, peak and peak >> 20), flush=True)


def has_rows(s, table):
    try:
        return int(float(s.sql('SELECT count(*) FROM ' + table)['data'])) > 0
    except S.Failed:
        return False


def parts_and_merges(s):
    parts = s.sql('SELECT table, count(), sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active GROUP BY table ORDER BY table')['data']
    try:
        merges = int(s.sql('SELECT count() FROM system.merges')['data'])
    except S.Failed:
        merges = 0  # no such table: the parts have to tell
    return parts, merges


def settle(s, body, limit_s=240, quiet_s=3):
    """waits until merges are over (none listed, parts unchanged for some seconds), so that they do not run inside the measurements"""
    if s.kind == 'duckdb':
        return
    t0 = quiet_since = time.time()
    last = None
    try:
        while time.time() - t0 < limit_s and time.time() - quiet_since < quiet_s:
            parts, merges = parts_and_merges(s)
            if merges or parts != last:
                quiet_since, last = time.time(), parts
            time.sleep(.5)
        body.setdefault('parts', {})[s.name] = last
        print('settled %-8s %.1f s; parts: %s' % (s.name, quiet_since - t0, last.replace('\n', ' | ')), flush=True)
    except S.Failed as e:
        print('settled %-8s unknown: %s' % (s.name, str(e)[:100]))
    body.setdefault('settle_s', {})[s.name] = time.time() - t0


def load_all(a, systems, body, tables):
    """tables: (name, {kind or '*': ddl}, parquet, duckdb's select list)"""
    for s in systems.values():
        for table, ddl, path, select in tables:
            if not has_rows(s, table):
                load_table(s, a, body, table, ddl.get(s.kind) or ddl['*'], path, select)
    for s in systems.values():
        settle(s, body)


def measure(a, systems, body, queries):
    if a.only:
        wanted = set(a.only.split(','))
        queries = [q for q in queries if str(q[0]) in wanted]
    for s in systems.values():
        if body.get('load', {}).get(s.name):
            s.reopen()
        if s.pid:
            S.reset_peak(s.pid)
            S.renice(s.pid, a.nice)
        s.limit(a.limit)
    busy0, t0 = S.busy_seconds(), time.time()
    body['queries'] = results.run_queries(systems, queries, a.runs, a.cold, a.by)
    wall = time.time() - t0
    own = sum(sum(r['cpu']) for q in body['queries'] for r in q['sys'].values())
    body['others_cores'] = max(0, (S.busy_seconds() - busy0 - own) / wall)  # upper bound: also holds the first runs
    body['summary'] = results.summary(body['queries'], list(systems), a.by)
    note_sizes(systems, body)
    print(json.dumps({k: body.get(k) for k in ('summary', 'size', 'memory', 'load', 'settle_s', 'others_cores')}, indent=1))


def note_sizes(systems, body):
    body['size'] = {n: s.size() for n, s in systems.items()}
    body['memory'] = {n: S.process_memory(s.pid) for n, s in systems.items() if s.pid}


# ------------------------------------------------------------------ hits
def suite_hits(a, systems, body):
    path = hits_file(a)
    if a.clickbench:
        ddl = {'*': read_from(a.clickbench, 'clickhouse/create.sql').rstrip().rstrip(';'), 'duckdb': read_from(a.clickbench, 'duckdb/create.sql')}
        texts = [read_from(a.clickbench, k + '/queries.sql').strip().split('\n') for k in ('clickhouse', 'duckdb')]
        queries = [('Q%d' % i, {'*': c.strip().rstrip(';'), 'duckdb': d.strip().rstrip(';')}) for i, (c, d) in enumerate(zip(*texts))]
    else:
        print('no --clickbench: asking the %d queries of hits_sql.py' % len(hits_sql.QUERIES))
        ddl = {'*': hits_sql.ddl('firn'), 'duckdb': hits_sql.ddl('duckdb')}
        queries = [(n, {k: hits_sql.query(q, k, 'hits') for k in ('duckdb', '*')}) for n, q in hits_sql.QUERIES]
    load_all(a, systems, body, [('hits', ddl, path, hits_sql.DUCKDB_SELECT)])
    measure(a, systems, body, queries)


# ------------------------------------------------------------------ TPC-H
def suite_tpch(a, systems, body):
    folder = tpch_dir(a)
    load_all(a, systems, body, [(t, {k: tpch_sql.ddl(t, k) for k in ('duckdb', '*')}, os.path.join(folder, t + '.parquet'), '*') for t in tpch_sql.TABLES])
    measure(a, systems, body, [('H%d' % n, {k: tpch_sql.query(n, k, a.sf, a.flat) for k in ('duckdb', '*')}) for n in range(1, 23)])


# ------------------------------------------------------------------ Parquet read in place
def suite_scan(a, systems, body):
    hits = hits_file(a)
    sources = {'duckdb': ("read_parquet('%s', binary_as_string=True)", "read_parquet('%s')"), '*': ("file('%s', Parquet)", "file('%s', Parquet)")}
    queries = [(n, {k: hits_sql.query(q, k, h % hits) for k, (h, _) in sources.items()}) for n, q in hits_sql.QUERIES]
    if a.tpch_dir:
        lineitem = os.path.join(tpch_dir(a), 'lineitem.parquet')
        queries += [('H%d' % n, {k: tpch_sql.query(n, 'duckdb', a.sf, False).replace('FROM lineitem', 'FROM ' + l % lineitem) for k, (_, l) in sources.items()})
                    for n in (1, 6)]
    measure(a, systems, body, queries)


# ------------------------------------------------------------------ ingest
FORMATS = {'Parquet': 'parquet', 'CSV': 'csv', 'TabSeparated': 'tsv', 'JSONEachRow': 'json', 'Native': 'native'}
DUCKDB_COPY = {'CSV': "(FORMAT csv, HEADER false, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR '\\N')",
               'TabSeparated': "(FORMAT csv, HEADER false, DELIMITER '\t', QUOTE '', ESCAPE '', NULLSTR '\\N')", 'JSONEachRow': '(FORMAT json)'}
SMALL_INSERTS, SMALL_ROWS = 200, 100


def ingest_files(a, maker):
    """the first rows of hits in each format, written by firn itself and kept beside the data"""
    source, rows = hits_file(a), min(a.rows, 500_000)
    folder = os.path.join(a.work, 'ingest')
    os.makedirs(folder, exist_ok=True)
    files = {f: os.path.join(folder, 'hits_%d.%s' % (rows, e)) for f, e in FORMATS.items()}
    if all(os.path.exists(p) for p in files.values()):
        return files
    import pyarrow.parquet as pq
    first = pq.ParquetFile(source).iter_batches(batch_size=rows)
    import pyarrow as pa
    pq.write_table(pa.Table.from_batches([next(first)]), files['Parquet'], compression='zstd')
    maker.sql(hits_sql.ddl('firn'))
    maker.sql("INSERT INTO hits SELECT * FROM file('%s', Parquet)" % files['Parquet'])
    for f, path in files.items():
        if f != 'Parquet':
            with open(path, 'wb') as out:
                out.write(maker.post(('SELECT * FROM hits FORMAT ' + f).encode()))
    maker.sql('DROP TABLE hits')
    return files


def ingest_once(s, a, fmt, path):
    if fmt == 'Parquet':
        insert_parquet(s, a, 'hits', path, hits_sql.DUCKDB_SELECT)
    elif s.kind == 'duckdb':
        s.sql("COPY hits FROM '%s' %s" % (path, DUCKDB_COPY[fmt]))
        s.sql('CHECKPOINT')
    elif s.kind == 'chdb':
        s.sql("INSERT INTO hits SELECT * FROM file('%s', %s)" % (path, fmt))
    else:
        s.send('INSERT INTO hits FORMAT ' + fmt, path)


def ingest_small(s):
    """many inserts of a few rows each; each is durable when it returns where the system promises that"""
    kind = {'duckdb': 'CREATE OR REPLACE TABLE small (k BIGINT, v VARCHAR)'}
    s.sql(kind.get(s.kind) or 'CREATE OR REPLACE TABLE small (k UInt64, v String) ENGINE = MergeTree ORDER BY k')
    t0 = time.time()
    for i in range(SMALL_INSERTS):
        s.sql('INSERT INTO small VALUES ' + ', '.join("(%d, 'value %d')" % (i * SMALL_ROWS + k, k) for k in range(SMALL_ROWS)))
    return time.time() - t0


def suite_ingest(a, systems, body):
    """Rows a second into an ordered table, per format. A worker reads the file itself, a server gets it as the request's body
    (Parquet: as --load-by says)."""
    firn = next((s for s in systems.values() if s.kind == 'firn'), None)
    if firn is None:
        sys.exit('ingest needs firn among the systems: it writes the files')
    files = ingest_files(a, firn)
    res = body['ingest'] = {}
    for s in systems.values():
        if s.pid:
            S.renice(s.pid, a.nice)
    for fmt, path in files.items():
        times = {n: [] for n in systems}
        for k in range(a.runs):
            for n, s in systems.items() if k % 2 == 0 else reversed(systems.items()):
                if s.kind == 'duckdb' and fmt == 'Native' or times[n] is None:
                    continue
                try:
                    s.sql(hits_sql.ddl(s.kind))
                    t0, c0 = time.time(), S.process_cpu(s.pid) if s.pid else 0
                    ingest_once(s, a, fmt, path)
                    times[n].append((time.time() - t0, (S.process_cpu(s.pid) - c0) if s.pid else 0, int(float(s.sql('SELECT count(*) FROM hits')['data']))))
                except S.Failed as e:
                    times[n] = None
                    res.setdefault(fmt, {})[n] = {'err': str(e)[:300]}
                    print('%-13s %-8s ERR %s' % (fmt, n, str(e)[:160]), flush=True)
        for n, runs in times.items():
            if runs:
                took, rows, mb = statistics.median(r[0] for r in runs), runs[0][2], os.path.getsize(path) / 1e6
                res.setdefault(fmt, {})[n] = {'s': took, 'min_s': min(r[0] for r in runs), 'cpu_s': min(r[1] for r in runs), 'rows': rows,
                                              'rows_per_s': rows / took, 'mb_per_s': mb / took}
                print('%-13s %-8s %7.2f s  cpu %6.2f  %9.0f rows/s  %7.1f MB/s of file' % (fmt, n, took, res[fmt][n]['cpu_s'], rows / took, mb / took), flush=True)
    for n, s in systems.items():
        took = ingest_small(s)
        res.setdefault('small inserts', {})[n] = {'s': took, 'inserts_per_s': SMALL_INSERTS / took}
        print('small inserts %-8s %7.1f inserts/s of %d rows' % (n, SMALL_INSERTS / took, SMALL_ROWS))
    note_sizes(systems, body)
