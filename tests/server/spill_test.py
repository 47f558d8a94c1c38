#!/usr/bin/env python3
"""State that does not fit into memory: it goes to temporary files, answers stay the same, and whatever ends the statement, memory and
files are given back.

  spill_test.py build/asan/firn [name of a test]      ends with 'N passed, N failed, N skipped'
SPDX-License-Identifier: Apache-2.0"""
import os
import signal
import sys
import threading
import time

from cases import fails, run_all, same, test
from http_ask import Client, Failure
from running import Running

FIRN = sys.argv[1]
OFF = {'max_bytes_ratio_before_external_%s' % what: 0 for what in ('group_by', 'sort', 'join', 'distinct')}
WIDE = "number AS x, cityHash64(number) AS h, toString(number) AS s FROM numbers(2000000)"
# In memory each holds six to ten times the LIMIT.
LIMIT = 20000000
STATEMENTS = {
    'sort': 'SELECT count(), sum(cityHash64(x, s, r)) FROM (SELECT x, s, rowNumberInAllBlocks() AS r FROM (SELECT %s ORDER BY h)) SETTINGS max_threads = 1' % WIDE,
    'group': 'SELECT count(), sum(c), sum(cityHash64(s, c, m)) FROM (SELECT s, count() AS c, max(h) AS m FROM (SELECT %s UNION ALL SELECT %s) GROUP BY s)' % (WIDE, WIDE),
    'join': 'SELECT count(), sum(cityHash64(a.x, b.s)) FROM (SELECT x + 500000 AS x, h FROM (SELECT %s)) AS a LEFT JOIN (SELECT %s) AS b ON a.x = b.x' % (WIDE, WIDE),
    'distinct': 'SELECT count(), sum(cityHash64(s)) FROM (SELECT DISTINCT s FROM (SELECT %s UNION ALL SELECT %s))' % (WIDE, WIDE),
    'uniqExact': 'SELECT uniqExact(s) FROM (SELECT %s)' % WIDE,
    'window': 'SELECT count(), sum(cityHash64(x, n)) FROM (SELECT x, row_number() OVER (PARTITION BY h %% 5000 ORDER BY x) AS n, s FROM (SELECT %s))' % WIDE,
}


def metric(c, name):
    return int(c.ask("SELECT value FROM system.metrics WHERE metric = '%s'" % name))


def event(c, name):
    return int(c.ask("SELECT sum(value) FROM system.events WHERE event = '%s'" % name))


def nothing_left(s, c, path, idle):
    """A statement that has failed may still be putting things back for a moment."""
    for _ in range(100):
        left = metric(c, 'TotalTemporaryFiles'), os.listdir(os.path.join(path, 'tmp')), metric(c, 'MemoryTracking') - idle
        if left[:2] == (0, []) and left[2] <= 100000:
            return
        time.sleep(0.05)
    raise AssertionError('left: %r' % (left,))


@test
def far_beyond_the_limit(path):
    s = Running(FIRN, path)
    try:
        c = Client(s.url, timeout=300)
        idle = metric(c, 'MemoryTracking')
        for name, sql in STATEMENTS.items():
            expected = c.ask(sql)
            text = fails(c.ask, sql, 241, max_memory_usage=LIMIT, **OFF)
            assert 'memory limit exceeded' in text, text
            nothing_left(s, c, path, idle)
            before = event(c, 'ExternalProcessingFilesTotal')
            same((name, c.ask(sql, max_memory_usage=LIMIT)), (name, expected))
            assert event(c, 'ExternalProcessingFilesTotal') > before, name
            nothing_left(s, c, path, idle)
        for use in 'Sort', 'Aggregation', 'Join', 'Distinct':
            for what in 'WritePart', 'Merge', 'CompressedBytes', 'UncompressedBytes':
                assert event(c, 'External' + use + what) > 0, use + what
        c.close()
    finally:
        same(s.stop(), 0)


@test
def one_key_that_has_most_rows(path):
    s = Running(FIRN, path)
    try:
        c = Client(s.url, timeout=300)
        idle = metric(c, 'MemoryTracking')
        for kind in 'INNER', 'LEFT', 'FULL', 'LEFT ANTI', 'RIGHT SEMI':
            column = 'b.y' if kind == 'RIGHT SEMI' else 'a.x'
            sql = ('SELECT count(), sum(cityHash64(%s)) FROM (SELECT number AS x, number %% 1000 AS k FROM numbers(2000)) AS a %s JOIN '
                   '(SELECT number AS y, if(number %% 10 = 0, number, 7) AS k, toString(number) AS s FROM numbers(500000)) AS b ON a.k = b.k') % (column, kind)
            same((kind, c.ask(sql, max_memory_usage=LIMIT)), (kind, c.ask(sql)))
        nothing_left(s, c, path, idle)
        c.close()
    finally:
        same(s.stop(), 0)


@test
def quotas(path):
    s = Running(FIRN, path)
    try:
        c = Client(s.url, timeout=300)
        idle = metric(c, 'MemoryTracking')
        for name, sql in STATEMENTS.items():
            for setting in 'max_temporary_data_on_disk_size_for_query', 'max_temporary_data_on_disk_size_for_user':
                assert 'Limit for temporary files size exceeded (would consume' in fails(c.ask, sql, 396, max_memory_usage=LIMIT, **{setting: 1000000}), name
            fails(c.ask, sql, 243, max_memory_usage=LIMIT, min_free_disk_space_for_temporary_data=10 ** 18)
            nothing_left(s, c, path, idle)
        fails(c.ask, STATEMENTS['sort'], 48, max_memory_usage=LIMIT, temporary_files_codec='Delta')
        c.close()
    finally:
        same(s.stop(), 0)


@test
def ends_while_writing(path):
    """A statement that runs out of time, is killed, or whose client leaves."""
    s = Running(FIRN, path)
    try:
        c = Client(s.url, timeout=300)
        idle = metric(c, 'MemoryTracking')
        for name, sql in STATEMENTS.items():
            long = sql.replace('2000000', '20000000')
            fails(c.ask, long, 159, max_memory_usage=3 * LIMIT, max_execution_time=0.5)
            nothing_left(s, c, path, idle)
            errors = []

            def run():
                try:
                    Client(s.url, timeout=300).ask(long, max_memory_usage=3 * LIMIT, query_id='long_' + name)
                except Failure as e:
                    errors.append(e.code)
            t = threading.Thread(target=run)
            t.start()
            for _ in range(600):
                if metric(c, 'TotalTemporaryFiles') or errors:
                    break
                time.sleep(0.02)
            c.ask("KILL QUERY WHERE query_id = 'long_%s' SYNC" % name)
            t.join()
            same((name, errors), (name, [394]))
            nothing_left(s, c, path, idle)
        c.close()
    finally:
        same(s.stop(), 0)


@test
def killed_server_leaves_nothing(path):
    s = Running(FIRN, path)
    c = Client(s.url)

    def run():
        try:
            Client(s.url).ask(STATEMENTS['group'].replace('2000000', '20000000'), max_memory_usage=3 * LIMIT)
        except OSError:
            pass
        except Exception:  # noqa: the connection breaks in one way or another
            pass
    t = threading.Thread(target=run)
    t.start()
    for _ in range(600):
        if os.listdir(os.path.join(path, 'tmp')):
            break
        time.sleep(0.02)
    s.stop(signal.SIGKILL)
    t.join()
    assert os.listdir(os.path.join(path, 'tmp')), 'there was no temporary file to be left'
    s = Running(FIRN, path)
    try:
        same(os.listdir(os.path.join(path, 'tmp')), [])
        c = Client(s.url)
        same(c.ask('SELECT 1'), '1\n')
        c.close()
    finally:
        same(s.stop(), 0)


sys.exit(run_all(*sys.argv[2:3]))
