#!/usr/bin/env python3
"""FINAL of one key over a table of millions of rows: the first one after a start, and those behind small inserts, cost some granules and not a merge
of the table. What is compared is CPU time of the statements (query log), which other work on the machine does not lengthen.

  final_test.py build/asan/firn [name of a test]      ends with 'N passed, N failed, N skipped'
SPDX-License-Identifier: Apache-2.0"""
import sys

from cases import run_all, same, test
from running import Server

FIRN = sys.argv[1]
PARTS, ROWS, STEP = 8, 250000, 200000  # a fifth of each part's keys is written again by the next
TIMES = 10


def cpu(server, query, expected):
    """Microseconds of CPU that a statement took, whose answer is known."""
    name = 'q%d' % cpu.count
    cpu.count += 1
    same(server.ask('SELECT * FROM (%s) SETTINGS log_comment = \'%s\'' % (query, name)), expected)
    server.ask('SYSTEM FLUSH LOGS')
    return int(server.ask("SELECT sum(ProfileEvents['UserTimeMicroseconds'] + ProfileEvents['SystemTimeMicroseconds']) FROM system.query_log "
                          "WHERE log_comment = '%s' AND type = 'QueryFinish'" % name))


cpu.count = 0


def point(server, key, value):
    return cpu(server, 'SELECT x FROM t FINAL WHERE k = %d' % key, '%d\n' % value)


@test
def point_queries_do_not_merge_the_table(path):
    s = Server(FIRN, path)
    try:
        s.ask('CREATE TABLE t (k UInt64, x UInt64, v UInt32) ENGINE = ReplacingMergeTree(v) ORDER BY k')
        s.ask('SYSTEM STOP MERGES t')
        for i in range(PARTS):
            s.ask('INSERT INTO t SELECT number + %d, %d, %d FROM numbers(%d)' % (i * STEP, i, i, ROWS))
        keys = STEP * (PARTS - 1) + ROWS
        s.again()
        s.ask('SYSTEM STOP MERGES t')
        # The keys that two parts have are the second one's: STEP rows of each part, all of the last one's.
        whole = cpu(s, 'SELECT count(), sum(x) FROM t FINAL', '%d\t%d\n' % (keys, sum(i * STEP for i in range(PARTS)) + (PARTS - 1) * (ROWS - STEP)))
        first = []
        for key in (STEP * 3 + 5, STEP * 5 + 7):
            s.again()
            first.append(point(s, key, key // STEP))
        s.ask('SYSTEM STOP MERGES t')
        behind = []
        for i in range(6):
            key = STEP * (i + 1) + 11
            s.ask('INSERT INTO t SELECT %d, %d, 100' % (key, 1000 + i))
            behind.append(point(s, key, 1000 + i))
            behind.append(point(s, key + 1, i + 1))
        print('CPU us: the whole table %d, the first after a start %s, behind small inserts %s' % (whole, first, sorted(behind)))
        assert min(first) * TIMES < whole, 'the first FINAL of one key after a start took %s us of CPU, of the whole table %d' % (first, whole)
        median = sorted(behind)[len(behind) // 2]
        assert median * TIMES < whole, 'FINAL of one key behind small inserts took %s us of CPU, of the whole table %d' % (behind, whole)
    finally:
        s.stop()


sys.exit(run_all(*sys.argv[2:3]))
