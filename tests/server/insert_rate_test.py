#!/usr/bin/env python3
"""Single-row durable inserts from many connections while queries run: how many a second, how many parts, how many inserts per sync.

  insert_rate_test.py build/release/firn [--seconds 300] [--connections 16] [--least 2000] [--parts 300]
prints one line of JSON, ends with 'N passed, N failed, N skipped'. Not part of the suite: it measures the machine, too.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from http_ask import Client
from running import Running

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
QUERIES = ['SELECT count(), max(k) FROM t', 'SELECT k, count() FROM t GROUP BY k ORDER BY 2 DESC LIMIT 3', "SELECT count() FROM t WHERE s LIKE '%7%'"]


class Beside(threading.Thread):
    """Queries one after the other, and the number of parts between them."""

    def __init__(self, url):
        super().__init__()
        self.client, self.stop, self.parts, self.queries, self.slowest, self.problem = Client(url), threading.Event(), [], 0, 0, None

    def run(self):
        try:
            while not self.stop.wait(0.05):
                begun = time.monotonic()
                self.client.ask(QUERIES[self.queries % len(QUERIES)])
                self.slowest = max(self.slowest, time.monotonic() - begun)
                self.queries += 1
                self.parts.append(int(self.client.ask("SELECT count() FROM system.parts WHERE active AND database = 'default' AND table = 't'")))
        except Exception as e:
            self.problem = repr(e)


def kernel_counts(pid):
    """What the kernel says the process has read and written so far."""
    try:
        with open('/proc/%d/io' % pid) as f:
            return {k: int(v) for k, v in (l.split(': ') for l in f)}
    except OSError:
        return {}


def measure(a, path):
    loadgen, lines = os.path.join(path, 'loadgen'), os.path.join(path, 'inserts.sql')
    subprocess.run(['cc', '-O2', os.path.join(ROOT, 'bench', 'loadgen.c'), '-o', loadgen], check=True)
    with open(lines, 'w') as f:
        f.writelines("INSERT INTO t VALUES (%d, 'row number %d', '2026-01-01 00:00:00')\n" % (i, i) for i in range(1000))
    server = Running(a.firn, os.path.join(path, 'data'))
    try:
        c = Client(server.url)
        c.ask('CREATE TABLE t (k UInt64, s String, ts DateTime) ENGINE = MergeTree ORDER BY k')
        beside = Beside(server.url)
        beside.start()
        out = subprocess.run([loadgen, '127.0.0.1', str(server.port), '/', lines, str(a.connections), str(a.seconds), '0'], check=True, capture_output=True).stdout
        beside.stop.set()
        beside.join()
        load = json.loads(out)
        c = Client(server.url)  # the first one has been idle for too long
        rows, blocks = (int(x) for x in c.ask("SELECT (SELECT count() FROM t), (SELECT max(max_block_number) FROM system.parts WHERE active AND table = 't')").split())
        with open('/proc/%d/stat' % server.process.pid) as f:
            ticks = f.read().rsplit(')', 1)[1].split()
        cpu_s = (int(ticks[11]) + int(ticks[12])) / os.sysconf('SC_CLK_TCK')
        written = kernel_counts(server.process.pid).get('write_bytes', 0)
    finally:
        server.stop()
    # Each part is one sync of its file, one of its folder and at most one of the catalog.
    return {'inserts_per_s': load['qps'], 'p50_ms': load['p50_ms'], 'p99_ms': load['p99_ms'], 'max_ms': load['max_ms'], 'errors': load['errors'], 'inserts': rows,
            'acknowledged': load['n'], 'parts_made': blocks, 'inserts_per_part': round(rows / max(blocks, 1), 2), 'inserts_per_sync': round(rows / max(3 * blocks, 1), 2),
            'parts_most': max(beside.parts or [0]), 'queries_beside': beside.queries, 'slowest_query_s': round(beside.slowest, 3), 'problem': beside.problem,
            'cpu_ms_per_insert': round(1000 * cpu_s / max(rows, 1), 3), 'bytes_written_per_insert': written // max(rows, 1)}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('firn')
    p.add_argument('--seconds', type=int, default=300)
    p.add_argument('--connections', type=int, default=16)
    p.add_argument('--least', type=float, default=2000, help='inserts a second that pass')
    p.add_argument('--parts', type=int, default=300, help='parts at any time that pass')
    a = p.parse_args()
    path = tempfile.mkdtemp(prefix='firn-rate-')
    try:
        r = measure(a, path)
    finally:
        shutil.rmtree(path, ignore_errors=True)
    print(json.dumps(r))
    checks = [r['inserts_per_s'] >= a.least, r['parts_most'] < a.parts, r['errors'] == 0 and r['problem'] is None, r['inserts'] >= r['acknowledged']]
    print('%d passed, %d failed, 0 skipped' % (sum(checks), len(checks) - sum(checks)))
    return 0 if all(checks) else 1


if __name__ == '__main__':
    sys.exit(main())
