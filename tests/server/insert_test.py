#!/usr/bin/env python3
"""Inserts against a server that is killed, loaded and short of room: what was acknowledged is there once.

  insert_test.py build/asan/firn [name of a test]      ends with 'N passed, N failed, N skipped'
SPDX-License-Identifier: Apache-2.0"""
import os
import shutil
import signal
import sys
import tempfile
import traceback

from http_ask import Client
from running import Running

FIRN = sys.argv[1]
TESTS = []


def test(f):
    TESTS.append(f)
    return f


def same(got, wanted):
    assert got == wanted, 'got %r, wanted %r' % (got, wanted)


@test
def inserts_are_known_after_kill(path):
    for engine, clause in ('MergeTree', ' SETTINGS non_replicated_deduplication_window = 100'), ('ReplicatedMergeTree', ''), ('SharedMergeTree', ''):
        data = os.path.join(path, engine)
        s = Running(FIRN, data)
        try:
            c = Client(s.url)
            c.ask('CREATE TABLE t (p UInt8, x UInt64) ENGINE = %s PARTITION BY p ORDER BY x%s' % (engine, clause))
            c.ask('INSERT INTO t VALUES (1, 1), (2, 2)')
            c.ask('INSERT INTO t VALUES (1, 3)', insert_deduplication_token='one')
            same(s.stop(signal.SIGKILL), -9)
            s = Running(FIRN, data)
            c = Client(s.url)
            c.ask('INSERT INTO t VALUES (1, 1), (2, 2)')
            c.ask('INSERT INTO t VALUES (1, 4)', insert_deduplication_token='one')
            same(c.ask('SELECT count(), sum(x) FROM t'), '3\t6\n')
            c.ask('DETACH TABLE t')
            c.ask('ATTACH TABLE t')
            c.ask('INSERT INTO t VALUES (1, 4)', insert_deduplication_token='one')
            same(c.ask('SELECT count(), sum(x) FROM t'), '3\t6\n')
            c.ask('DROP TABLE t')
            c.ask('CREATE TABLE t (p UInt8, x UInt64) ENGINE = %s PARTITION BY p ORDER BY x%s' % (engine, clause))
            c.ask('INSERT INTO t VALUES (1, 4)', insert_deduplication_token='one')
            same(c.ask('SELECT count() FROM t'), '1\n')
        finally:
            s.stop()


def main():
    passed = failed = 0
    for t in TESTS:
        if len(sys.argv) > 2 and sys.argv[2] != t.__name__:
            continue
        path = tempfile.mkdtemp(prefix='firn-insert-')
        try:
            t(path)
            passed += 1
        except Exception:
            failed += 1
            print('FAILED', t.__name__)
            traceback.print_exc(file=sys.stdout)
        finally:
            shutil.rmtree(path, ignore_errors=True)
    print('%d passed, %d failed, 0 skipped' % (passed, failed))
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
