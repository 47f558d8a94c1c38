"""The suite cold: how much of the disk's sequential speed a full scan of cold files keeps. Four columns of random 64-bit numbers, which no encoding
makes smaller, as a MergeTree table and as a Parquet file; fio reads the same file (the table's part; the Parquet file) through io_uring with O_DIRECT in
1 MiB blocks. Runs alternate, each with the file evicted from the page cache and firn's own cache dropped; the ratio is that of neighbours.
SPDX-License-Identifier: Apache-2.0"""
import json
import os
import statistics
import subprocess
import sys

import suites
import systems as S

COLUMNS = ('a', 'b', 'c', 'd')
QUERY = 'SELECT sum(bitXor(bitXor(a, b), bitXor(c, d))) FROM '  # no metadata answers it
ROW_BYTES = 8 * len(COLUMNS)


def fio(path, depth, nice):
    """bytes a second of reading the file front to back once"""
    command = ['nice', '-n', str(nice), 'fio', '--name=cold', '--filename=' + path, '--rw=read', '--bs=1M', '--ioengine=io_uring', '--direct=1', '--iodepth=%d' % depth,
               '--size=%d' % os.path.getsize(path), '--output-format=json']
    try:
        r = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit('fio is missing: apt-get install fio')
    if r.returncode:
        sys.exit('fio: ' + (r.stderr or r.stdout)[-500:])
    return json.loads(r.stdout[r.stdout.index('{'):])['jobs'][0]['read']['bw_bytes']


def make_parquet(path, rows):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    random, group = np.random.default_rng(1), 1 << 20
    schema = pa.schema([pa.field(c, pa.uint64(), False) for c in COLUMNS])
    with pq.ParquetWriter(path, schema, compression='none', use_dictionary=False) as out:
        for first in range(0, rows, group):
            n = min(group, rows - first)
            out.write_table(pa.table([random.integers(0, 1 << 64, n, np.uint64) for _ in COLUMNS], schema=schema), row_group_size=group)


def largest_file(folder):
    return max(S.files_below(folder), key=os.path.getsize)


def sync(path):
    """only clean pages can be evicted"""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def cold_scan(s, source, path):
    s.sql('SYSTEM DROP UNCOMPRESSED CACHE')
    S.evict(path)
    r = s.sql(QUERY + source)
    return os.path.getsize(path) / r['t'], r['data']


def measure(a, s, source, path):
    sync(path)
    runs, answers = [], set()
    for _ in range(a.runs):
        S.evict(path)
        disk = fio(path, a.depth, a.nice)
        got, answer = cold_scan(s, source, path)
        answers.add(answer)
        runs.append({'fio': disk, 'firn': got})
        print('  fio %6.0f MB/s  %s %6.0f MB/s  %.2f' % (disk / 1e6, s.name, got / 1e6, got / disk), flush=True)
    if len(answers) != 1:
        raise S.Failed('answers differ: %r' % answers)
    return {'bytes': os.path.getsize(path), 'runs': runs, 'ratio': statistics.median(r['firn'] / r['fio'] for r in runs)}


def suite_cold(a, systems, body):
    """Cold full scans of firn beside fio's sequential reading of the same file."""
    rows = a.cold_bytes // ROW_BYTES
    parquet = os.path.join(a.work, 'cold_%d.parquet' % rows)
    if not os.path.exists(parquet):
        make_parquet(parquet, rows)
    res = body['cold'] = {}
    for n, s in systems.items():
        if s.kind != 'firn':
            print(n, 'is left out: the suite compares firn with the disk')
            continue
        if not suites.has_rows(s, 'cold'):
            s.sql('CREATE TABLE cold (%s) ENGINE = MergeTree ORDER BY tuple()' % ', '.join(c + ' UInt64' for c in COLUMNS))
            s.sql("INSERT INTO cold SELECT * FROM file('%s', Parquet)" % parquet)
            s.sql('OPTIMIZE TABLE cold FINAL')
            suites.settle(s, body)
        S.renice(s.pid, a.nice)
        res[n] = {}
        for name, source, path in (('MergeTree', 'cold', largest_file(os.path.join(s.path, 'store'))), ('Parquet', "file('%s', Parquet)" % parquet, parquet)):
            print('%s, %s, %.2f GB' % (n, name, os.path.getsize(path) / 1e9))
            r = res[n][name] = measure(a, s, source, path)
            print('%s, %s: median of firn / fio %.2f' % (n, name, r['ratio']), flush=True)
