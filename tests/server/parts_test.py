#!/usr/bin/env python3
"""Parts and dropped tables over restarts and kills: what is set aside or dropped stays, comes back, and goes when it must.

  parts_test.py build/asan/firn [name of a test]      ends with 'N passed, N failed, N skipped'
SPDX-License-Identifier: Apache-2.0"""
import os
import signal
import sys
import threading
import time

from cases import fails, run_all, same, test, until
from http_ask import Client
from running import Server

FIRN = sys.argv[1]
PARTS = "SELECT name FROM system.parts WHERE table = 't' AND active ORDER BY name"


def files(data):
    return sorted(f for _, _, names in os.walk(os.path.join(data, 'store')) for f in names if f.endswith('.part'))


def server_over(data, config=None):
    return Server(FIRN, data, config)


@test
def killed_mutations_change_nothing(path):
    s = server_over(path)
    try:
        s.ask('CREATE TABLE t (x UInt64, v UInt64) ENGINE = MergeTree ORDER BY x')
        s.ask('INSERT INTO t SELECT number, number FROM numbers(250)')
        errors = []
        slow = threading.Thread(target=lambda: errors.append(fails(Client(s.running.url).ask, 'ALTER TABLE t UPDATE v = sleepEachRow(0.01) WHERE 1', 'UNFINISHED', 'was killed')))
        slow.start()
        until(lambda: s.ask("SELECT is_done, is_killed FROM system.mutations WHERE table = 't'") == '0\t0\n')
        same(s.ask("KILL MUTATION WHERE table = 't'").split('\t')[0], 'waiting')
        slow.join()
        same(len(errors), 1)
        same(s.ask('SELECT sum(v) FROM t'), '31125\n')
        same(s.ask("SELECT count() FROM system.mutations WHERE table = 't'"), '0\n')
        fails(s.ask, 'ALTER TABLE t UPDATE v = throwIf(x = 200) WHERE 1', 'UNFINISHED', 'throwIf')
        same(s.ask("SELECT is_done, is_killed, latest_fail_error_code_name FROM system.mutations WHERE table = 't'"), '1\t1\tFUNCTION_THROW_IF_VALUE_IS_NON_ZERO\n')
        s.ask('ALTER TABLE t UPDATE v = 1 WHERE 1')  # nothing stands in its way
        same(s.ask('SELECT sum(v) FROM t'), '250\n')
        for i in range(105):
            s.ask('DELETE FROM t WHERE x = 1000')
        same(s.ask("SELECT count() FROM system.mutations WHERE table = 't'"), '100\n')
    finally:
        s.stop()


@test
def detached_parts_survive(path):
    s = server_over(path)
    try:
        s.ask('CREATE TABLE t (p UInt8, x UInt64) ENGINE = MergeTree PARTITION BY p ORDER BY x')
        s.ask('INSERT INTO t SELECT number % 2, number FROM numbers(100)')
        s.ask("ALTER TABLE t DETACH PART '0_1_1_0'")
        s.again(signal.SIGKILL)
        same(s.ask('SELECT count() FROM t'), '50\n')
        same(s.ask('SELECT name FROM system.detached_parts'), '0_1_1_0\n')
        s.ask('ALTER TABLE t ADD COLUMN y String DEFAULT toString(x)')
        s.ask("ALTER TABLE t ATTACH PART '0_1_1_0'")
        s.again(signal.SIGKILL)
        same(s.ask('SELECT count(), sum(toUInt64(y)) FROM t'), '100\t4950\n')
        same(s.ask(PARTS), '0_3_3_0\n1_2_2_0\n')
        s.ask('ALTER TABLE t DETACH PARTITION ALL')
        s.ask('ALTER TABLE t DROP DETACHED PARTITION ALL', allow_drop_detached=1)
        until(lambda: files(path) == [])
        s.again()
        same(s.ask('SELECT count() FROM t'), '0\n')
    finally:
        s.stop()


@test
def frozen_parts_outlive_the_table(path):
    s = server_over(path)
    try:
        s.ask('CREATE TABLE t (p UInt8, x UInt64) ENGINE = MergeTree PARTITION BY p ORDER BY x')
        s.ask('INSERT INTO t SELECT number % 2, number FROM numbers(100)')
        rows = s.ask("ALTER TABLE t FREEZE WITH NAME 'n/1'", alter_partition_verbose_result=1).split('\n')
        same([r.split('\t')[:4] for r in rows if r], [['FREEZE ALL', '0', '0_1_1_0', 'n%2F1'], ['FREEZE ALL', '1', '1_2_2_0', 'n%2F1']])
        places = [r.split('\t')[5] for r in rows if r]
        s.ask('DROP TABLE t SYNC')
        until(lambda: files(path) == [])
        s.again()
        for p in places:
            assert len(os.listdir(p)) == 1 and os.path.getsize(os.path.join(p, os.listdir(p)[0])) > 100
    finally:
        s.stop()


@test
def detached_table_keeps_its_files(path):
    s = server_over(path)
    try:
        s.ask('CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x')
        s.ask('INSERT INTO t SELECT number FROM numbers(100)')
        s.ask('INSERT INTO t SELECT number FROM numbers(100)')
        s.ask("ALTER TABLE t DETACH PART 'all_1_1_0'")
        s.ask('DETACH TABLE t PERMANENTLY')
        s.again()
        s.again(signal.SIGKILL)
        same(len(files(path)), 2)
        s.ask('ATTACH TABLE t')
        same(s.ask('SELECT count(), sum(x) FROM t'), '100\t4950\n')
        s.ask("ALTER TABLE t ATTACH PART 'all_1_1_0'")
        same(s.ask('SELECT count(), sum(x) FROM t'), '200\t9900\n')
    finally:
        s.stop()


@test
def detached_table_keeps_files_that_others_share(path):
    s = server_over(path)
    try:
        s.ask('CREATE TABLE a (x UInt64) ENGINE = MergeTree ORDER BY x')
        s.ask('INSERT INTO a SELECT number FROM numbers(100)')
        s.ask('CREATE TABLE b AS a')
        s.ask('ALTER TABLE b REPLACE PARTITION tuple() FROM a')
        s.ask('DETACH TABLE a PERMANENTLY')
        s.again()
        s.ask('DROP TABLE b SYNC')
        fails(s.ask, 'CREATE TABLE a (x UInt8) ENGINE = Memory', 57)
        s.ask('ATTACH TABLE a')
        same(s.ask('SELECT count(), sum(x) FROM a'), '100\t4950\n')
        s.again(signal.SIGKILL)
        same(s.ask('SELECT count(), sum(x) FROM a'), '100\t4950\n')
    finally:
        s.stop()


@test
def dropped_tables_come_back(path):
    s = server_over(path)
    try:
        s.ask('CREATE DATABASE d')
        for i in range(2):
            s.ask('CREATE TABLE d.t (x UInt64) ENGINE = MergeTree ORDER BY x')
            s.ask('INSERT INTO d.t SELECT %d FROM numbers(10)' % i)
            s.ask('DROP TABLE d.t')
            time.sleep(1.1)
        s.again(signal.SIGKILL)
        same(s.ask('SELECT table, engine FROM system.dropped_tables'), 't\tMergeTree\nt\tMergeTree\n')
        s.ask('UNDROP TABLE d.t')
        same(s.ask('SELECT sum(x), count() FROM d.t'), '10\t10\n')
        fails(s.ask, 'UNDROP TABLE d.t', 'TABLE_ALREADY_EXISTS')
        s.ask('INSERT INTO d.t VALUES (5)')
        s.again(signal.SIGKILL)
        same(s.ask('SELECT sum(x), count() FROM d.t'), '15\t11\n')
        s.ask('DROP TABLE d.t SYNC')
        s.ask('UNDROP TABLE d.t')
        same(s.ask('SELECT sum(x), count() FROM d.t'), '0\t10\n')
        s.ask('DROP DATABASE d')
        fails(s.ask, 'UNDROP TABLE d.t', 'UNKNOWN_DATABASE')
        s.again()
        s.ask('CREATE DATABASE d')
        s.ask('UNDROP TABLE d.t')
        same(s.ask('SELECT sum(x), count() FROM d.t'), '0\t10\n')
        s.ask('DROP DATABASE d SYNC')
        until(lambda: files(path) == [])
    finally:
        s.stop()


@test
def dropped_tables_end(path):
    s = server_over(path, 'database_atomic_delay_before_drop_table_sec: 2\n')
    try:
        s.ask('CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x')
        s.ask('INSERT INTO t SELECT number FROM numbers(200000)')
        got = []
        reader = threading.Thread(target=lambda: got.append(Client(s.running.url).ask(
            'SELECT sum(x), max(sleepEachRow(0.00001)) FROM t', max_block_size=1000, max_threads=1, function_sleep_max_microseconds_per_block=100000000)))
        reader.start()
        time.sleep(0.5)
        s.ask('DROP TABLE t')
        same(len(files(path)), 1)
        until(lambda: s.ask('SELECT count() FROM system.dropped_tables') == '0\n')
        reader.join()
        same(got, ['19999900000\t0\n'])
        until(lambda: files(path) == [])
        fails(s.ask, 'UNDROP TABLE t', 'UNKNOWN_TABLE')
        s.ask('CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x')
        s.ask('INSERT INTO t SELECT number FROM numbers(10)')
        s.ask('DROP TABLE t')
        s.again(signal.SIGKILL)
        until(lambda: files(path) == [])
    finally:
        s.stop()


sys.exit(run_all(*sys.argv[2:3]))
