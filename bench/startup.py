"""The suite startup: time from starting a process to its first answer over 1,000 tables and 10,000 parts, and memory when idle.
SPDX-License-Identifier: Apache-2.0"""
import statistics
import time

import suites
import systems as S

PARTS_EACH = 10  # one per partition, so that no merge ever joins them
IDLE_S = 2


def fill(s, tables):
    t0 = time.time()
    for i in range(tables):
        if s.kind == 'duckdb':
            s.sql('CREATE TABLE t%04d AS SELECT range AS k, range * 2 AS v FROM range(%d)' % (i, PARTS_EACH))
            continue
        s.sql('CREATE TABLE t%04d (k UInt64, v UInt64) ENGINE = MergeTree PARTITION BY k ORDER BY k' % i)
        s.sql('INSERT INTO t%04d SELECT number, number * 2 FROM numbers(%d)' % (i, PARTS_EACH))
    print('%-8s %d tables made in %.1f s' % (s.name, tables, time.time() - t0), flush=True)


def suite_startup(a, systems, body):
    """`open` counts from the start of the process (a server) or of opening the database (a library) to the version; `first answer` adds a
    query of one table."""
    res = body['startup'] = {}
    for n, s in systems.items():
        if s.kind == 'http':
            print(n, 'is not ours to restart: left out')
            continue
        fill(s, a.tables)
        opened, first = [], []
        for _ in range(a.runs):
            s.reopen()
            S.renice(s.pid, a.nice)
            t = s.sql('SELECT count(*), sum(v) FROM t%04d' % (a.tables // 2))
            if t['data'].split() != [str(PARTS_EACH), str(PARTS_EACH * (PARTS_EACH - 1))]:
                raise S.Failed('wrong answer after the start: ' + t['data'])
            opened.append(s.open_s)
            first.append(s.open_s + t['t'])
        time.sleep(IDLE_S)
        memory = S.process_memory(s.pid)
        parts = s.sql('SELECT count() FROM system.parts WHERE active')['data'].strip() if s.kind != 'duckdb' else '-'
        res[n] = {'open_s': statistics.median(opened), 'first_answer_s': statistics.median(first), 'idle_rss': memory['VmRSS'], 'parts': parts}
        print('%-8s %s parts: open %.0f ms, first answer %.0f ms, idle memory %.1f MiB' % (
            n, parts, 1e3 * res[n]['open_s'], 1e3 * res[n]['first_answer_s'], memory['VmRSS'] / 2**20), flush=True)
    suites.note_sizes(systems, body)
