#!/usr/bin/env python3
"""Inserts against a server that is killed, loaded and short of room: what was acknowledged is there once.

  insert_test.py build/asan/firn [name of a test]      ends with 'N passed, N failed, N skipped'
SPDX-License-Identifier: Apache-2.0"""
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

from cases import Skipped, run_all, same, test
from http_ask import Client, Failure
from running import Running

FIRN = sys.argv[1]


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


@test
def windows_end(path):
    data = os.path.join(path, 'd')
    s = Running(FIRN, data)
    try:
        c = Client(s.url)
        c.ask('CREATE TABLE t (x UInt64) ENGINE = ReplicatedMergeTree ORDER BY x SETTINGS replicated_deduplication_window_seconds = 1')
        c.ask('CREATE TABLE w (x UInt64) ENGINE = MergeTree ORDER BY x SETTINGS non_replicated_deduplication_window = 10')
        for i in range(5):
            c.ask('INSERT INTO t VALUES (%d)' % i)
            c.ask('INSERT INTO w VALUES (%d)' % i)
        c.ask('INSERT INTO t VALUES (4)')
        same(c.ask('SELECT count() FROM t'), '5\n')
        c.ask('ALTER TABLE w MODIFY SETTING non_replicated_deduplication_window = 2')
        c.ask('INSERT INTO w VALUES (4)')
        c.ask('INSERT INTO w VALUES (0)')
        same(c.ask('SELECT count() FROM w'), '6\n')
        time.sleep(2.5)
        for i in range(5):
            c.ask('INSERT INTO t VALUES (%d)' % i)
        same(c.ask('SELECT count() FROM t'), '10\n')
        same(s.stop(), 0)
        s = Running(FIRN, data)  # and the catalog is whole
        same(Client(s.url).ask('SELECT (SELECT count() FROM t), (SELECT count() FROM w)'), '10\t6\n')
    finally:
        s.stop()


def at_once(url, count, work):
    """work(client, number) on `count` threads; the first exception is passed on."""
    troubles = []

    def one(i):
        try:
            work(Client(url), i)
        except Exception as e:
            troubles.append(e)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for x in threads:
        x.start()
    for x in threads:
        x.join()
    if troubles:
        raise troubles[0]


@test
def inserts_at_once_share_parts(path):
    s = Running(FIRN, os.path.join(path, 'd'))
    try:
        c = Client(s.url)
        c.ask('CREATE TABLE t (p UInt8, x UInt64) ENGINE = ReplicatedMergeTree PARTITION BY p ORDER BY intDiv(100, x) SETTINGS parts_to_throw_insert = 100000')

        def work(c, i):
            for k in range(40):
                x = 1 + i * 1000 + k
                if i == 0:  # cannot be sorted: its own matter
                    try:
                        c.ask('INSERT INTO t VALUES (1, 0)')
                        raise AssertionError('a division by zero')
                    except Failure as e:
                        same(e.code, 153)
                elif i == 1:  # the same rows all the time
                    c.ask('INSERT INTO t VALUES (1, 1000000), (2, 1000001)')
                elif i == 2:  # too many partitions for one insert
                    try:
                        c.ask('INSERT INTO t VALUES (1, 5), (2, 5), (3, 5)', max_partitions_per_insert_block=2)
                        raise AssertionError('three partitions')
                    except Failure as e:
                        same(e.code, 252)
                else:
                    c.ask('INSERT INTO t VALUES (%d, %d)' % (k % 3, x))
                    same(c.ask('SELECT count() FROM t WHERE x = %d' % x), '1\n')
        at_once(s.url, 12, work)
        same(c.ask('SELECT count(), uniqExact(x), countIf(x >= 1000000) FROM t'), '362\t362\t2\n')
    finally:
        same(s.stop(), 0)


@test
def views_and_source_are_together_after_kill(path):
    data, rng = os.path.join(path, 'd'), random.Random(7)
    s = Running(FIRN, data)
    try:
        c = Client(s.url)
        c.ask('CREATE TABLE src (p UInt8, x UInt64) ENGINE = MergeTree PARTITION BY p ORDER BY x')
        c.ask('CREATE TABLE o1 (p UInt8, x UInt64) ENGINE = MergeTree PARTITION BY p ORDER BY x')
        c.ask('CREATE MATERIALIZED VIEW v1 TO o1 AS SELECT * FROM src')
        c.ask('CREATE TABLE o2 (x UInt64) ENGINE = MergeTree ORDER BY x')
        c.ask('CREATE MATERIALIZED VIEW v2 TO o2 AS SELECT x FROM o1')
        c.ask('CREATE TABLE o3 (x UInt64, CONSTRAINT small CHECK x < 1000000000) ENGINE = MergeTree ORDER BY x')
        c.ask('CREATE MATERIALIZED VIEW v3 TO o3 AS SELECT x FROM o2')
        same_everywhere = 'SELECT (SELECT count() FROM src), (SELECT count() FROM v1), (SELECT count() FROM o2), (SELECT count() FROM o3)'
        try:
            c.ask('INSERT INTO src VALUES (1, 1), (2, 2000000000)')
            raise AssertionError('the constraint of the last table holds')
        except Failure as e:
            same(e.code, 469)
        same(c.ask(same_everywhere), '0\t0\t0\t0\n')
        acknowledged, sent = [0], [0]

        def work(c, i):
            for k in range(1000):
                sent[0] += 2
                try:
                    c.ask('INSERT INTO src VALUES (1, %d), (2, %d)' % (k, k))
                except (OSError, http.client.HTTPException):
                    return
                acknowledged[0] += 2
        for _ in range(4):
            killer = threading.Timer(0.2 + rng.random(), s.process.kill)
            killer.start()
            at_once(s.url, 6, work)
            killer.join()
            s.stop()
            s = Running(FIRN, data)
            counts = {int(x) for x in Client(s.url).ask(same_everywhere).split()}
            same(len(counts), 1)
            assert acknowledged[0] <= counts.pop() <= sent[0]
    finally:
        s.stop()


@test
def full_disk(path):
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', path], capture_output=True).returncode != 0:
        raise Skipped('mounting a small file system needs root')
    s = None
    try:
        data, filler = os.path.join(path, 'd'), os.path.join(path, 'filler')
        fill = os.open(filler, os.O_CREAT | os.O_WRONLY)
        s = Running(FIRN, data)
        c = Client(s.url)
        c.ask('CREATE TABLE t (x UInt64, s String) ENGINE = MergeTree ORDER BY x')
        c.ask('CREATE TABLE victim (x UInt64) ENGINE = MergeTree ORDER BY x')
        c.ask('INSERT INTO victim SELECT number FROM numbers(1000)')
        sent = []

        def until_full(rows):
            while True:
                first = 1000000 * len(sent)
                try:
                    c.ask('INSERT INTO t SELECT number + %d, randomString(1000) FROM numbers(%d)' % (first, rows))
                    sent.append(rows)
                except Failure as e:
                    same(e.code, 243)
                    return
        until_full(3000)
        for _ in range(3):
            until_full(10)
        same(c.ask('SELECT count() FROM t'), '%d\n' % sum(sent))
        try:
            while True:  # the last byte
                os.write(fill, b'x' * 4096)
        except OSError:
            os.close(fill)
        for _ in range(5):
            try:
                c.ask('INSERT INTO t VALUES (1, 1)')
                raise AssertionError('there is no room')
            except Failure as e:
                same(e.code, 243)
        same(c.ask('SELECT count() FROM t'), '%d\n' % sum(sent))
        c.ask('DROP TABLE victim')
        os.remove(filler)
        time.sleep(1.1)
        c.ask('TRUNCATE TABLE t')
        c.ask('INSERT INTO t VALUES (1, 1)')
        same(c.ask('SELECT count() FROM t'), '1\n')
        sent = [1]
        until_full(3000)
        same(s.stop(signal.SIGKILL), -9)
        s = Running(FIRN, data)
        c = Client(s.url)
        same(c.ask('SELECT count() FROM t'), '%d\n' % sum(sent))
        c.ask("SELECT throwIf(count() != 0) FROM system.tables WHERE name = 'victim'")
    finally:
        if s:
            s.stop()
        subprocess.run(['umount', path], check=False)


class Stalled:
    """A client that has begun an INSERT and sends no more of it. chunked: its length is not said."""

    def __init__(self, s, sql, data, chunked, length=10 << 20, **parameters):
        self.socket = socket.create_connection(('127.0.0.1', s.port), 60)
        body = sql.encode() + data
        how = b'Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n' % (len(body), body) if chunked else b'Content-Length: %d\r\n\r\n%s' % (length, body)
        self.socket.sendall(b'POST /?%s HTTP/1.1\r\nHost: firn\r\n' % urllib.parse.urlencode(parameters).encode() + how)

    def answer(self, code, seconds):
        """What comes is that error, within so long; True: the connection is over then."""
        self.socket.settimeout(seconds)
        text = b''
        try:
            while b'Code: ' not in text:
                more = self.socket.recv(65536)
                if not more:
                    break
                text += more
        finally:
            self.socket.close()
        if b'Code: %d.' % code not in text:
            raise AssertionError(text)


@test
def stalled_clients(path):
    """An INSERT whose client sends no more ends by KILL, max_execution_time and http_receive_timeout, and leaves nothing; likewise when the client goes."""
    s = Running(FIRN, os.path.join(path, 'd'))
    rows = b''.join(b'%d\n' % i for i in range(200000))
    number = 0
    try:
        c = Client(s.url)
        c.ask('CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x')
        c.ask('CREATE TABLE m (x UInt64) ENGINE = Memory')
        c.ask('CREATE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY x AS SELECT x FROM t')
        for data in (b'1\n', rows):
            for chunked in (True, False):
                for table in 't', 'm':
                    for how in ('kill', 'time', 'idle', 'gone') if table == 't' else ('kill', 'gone'):
                        number += 1
                        name = 'q%d' % number
                        more = {'time': {'max_execution_time': 1}, 'idle': {'http_receive_timeout': 1}}.get(how, {})
                        client = Stalled(s, 'INSERT INTO %s FORMAT TSV\n' % table, data, chunked, query_id=name, **more)
                        if how == 'gone':
                            eventually(c, "SELECT count() FROM system.processes WHERE query_id = '%s'" % name, '1\n')
                            client.socket.close()
                        elif how == 'kill':
                            eventually(c, "SELECT count() FROM system.processes WHERE query_id = '%s'" % name, '1\n')
                            began = time.time()
                            c.ask("KILL QUERY WHERE query_id = '%s' SYNC" % name)
                            client.answer(394, 3)
                            if time.time() - began > 2:
                                raise AssertionError('the KILL took %.1f s' % (time.time() - began))
                        else:
                            client.answer(159 if how == 'time' else 209, 5)
                        code = {'kill': 394, 'time': 159, 'idle': 209, 'gone': 210}[how]
                        eventually(c, "SELECT exception_code FROM system.query_log WHERE query_id = '%s' AND type > 2" % name, '%d\n' % code)
        same(c.ask("SELECT (SELECT count() FROM t), (SELECT count() FROM m), (SELECT count() FROM v), count() FROM system.processes WHERE query_kind = 'Insert'"), '0\t0\t0\t0\n')
        same(c.ask('SELECT count() FROM system.asynchronous_insert_log'), '0\n')
        c.ask('INSERT INTO t VALUES (1)')  # as a body in pieces, cut anywhere
        text = b"INSERT INTO t FORMAT TSV\n2\n3\n"
        for cut in range(1, len(text)):
            k = socket.create_connection(('127.0.0.1', s.port), 60)
            k.sendall(b'POST / HTTP/1.1\r\nHost: firn\r\nContent-Length: %d\r\n\r\n%s' % (len(text), text[:cut]))
            time.sleep(0.01)
            k.sendall(text[cut:])
            if b' 200 ' not in k.recv(65536):
                raise AssertionError('cut at %d' % cut)
            k.close()
        same(c.ask('SELECT count(), sum(x) FROM t'), '%d\t%d\n' % (1 + 2 * (len(text) - 1), 1 + 5 * (len(text) - 1)))
    finally:
        same(s.stop(), 0)


LATER = {'async_insert': 1, 'wait_for_async_insert': 0, 'async_insert_use_adaptive_busy_timeout': 0}


def eventually(c, sql, expected):
    for _ in range(100):
        if c.ask(sql) == expected:
            return
        time.sleep(0.05)
    same(c.ask(sql), expected)


@test
def log_of_later_inserts(path):
    s = Running(FIRN, os.path.join(path, 'd'))
    later = dict(LATER, async_insert_busy_timeout_max_ms=600000)
    log = 'SELECT status, bytes, rows, exception != \'\', flush_query_id = query_id, timeout_milliseconds FROM system.asynchronous_insert_log WHERE query_id = \'%s\''
    try:
        c = Client(s.url)
        for name in 'tuv':
            c.ask('CREATE TABLE %s (x UInt64) ENGINE = MergeTree ORDER BY x' % name)
        c.ask('INSERT INTO t VALUES (1), (2)', query_id='waited', async_insert=1)
        same(c.ask(log % 'waited'), 'Ok\t9\t2\t0\t1\t0\n')
        c.ask('INSERT INTO t VALUES (1)', query_id='plain', async_insert=0)
        same(c.ask(log % 'plain'), '')
        c.ask('INSERT INTO t SELECT 1', query_id='select', async_insert=1)
        same(c.ask(log % 'select'), '')
        refused(27, c.ask, 'INSERT INTO t FORMAT TSV ?\n', query_id='bad', **later)
        same(c.ask(log % 'bad'), 'ParsingError\t2\t0\t1\t1\t0\n')
        c.ask('INSERT INTO t VALUES (3)', query_id='t1', **later)
        c.ask('INSERT INTO t VALUES (4)', query_id='t2', **later)
        c.ask('INSERT INTO u VALUES (5)', query_id='u1', **later)
        c.ask('INSERT INTO v VALUES (6)', query_id='v1', **later)
        same(c.ask('SELECT query, total_bytes, entries.query_id, entries.bytes FROM system.asynchronous_inserts ORDER BY query'),
             "INSERT INTO t VALUES\t8\t['t1','t2']\t[4,4]\nINSERT INTO u VALUES\t4\t['u1']\t[4]\nINSERT INTO v VALUES\t4\t['v1']\t[4]\n")
        c.ask('SYSTEM FLUSH ASYNC INSERT QUEUE default.t, v, nosuch')
        same(c.ask('SELECT (SELECT count() FROM t), (SELECT count() FROM u), (SELECT count() FROM v)'), '6\t0\t1\n')
        same(c.ask(log % 't1'), 'Ok\t4\t1\t0\t0\t600000\n')
        same(c.ask("SELECT uniqExact(flush_query_id), min(flush_time_microseconds >= event_time_microseconds), any(data_kind), any(format) "
                   "FROM system.asynchronous_insert_log WHERE query_id IN ('t1', 't2', 'v1')"), '1\t1\tParsed\tValues\n')
        c.ask('DROP TABLE u SYNC')
        c.ask('SYSTEM FLUSH ASYNC INSERT QUEUE')
        same(c.ask(log % 'u1'), 'FlushError\t4\t1\t1\t0\t600000\n')
        c.ask('INSERT INTO t VALUES (1), (2), (3)', query_id='large', **dict(later, async_insert_max_data_size=10))  # by its own statement
        same(c.ask('SELECT count() FROM t'), '9\n')
        same(c.ask(log % 'large'), '')
        for value, name in ((0, 'async_insert_busy_timeout_max_ms'), (0, 'async_insert_busy_timeout_increase_rate'), (-1, 'async_insert_busy_timeout_decrease_rate')):
            refused(471, c.ask, 'INSERT INTO t VALUES (1)', async_insert=1, **{name: value})
        for i in range(4):  # no number counts without deduplication
            c.ask('INSERT INTO t VALUES (1)', **dict(later, async_insert_max_query_number=2, deduplicate_insert='disable'))
        time.sleep(0.3)
        same(c.ask('SELECT count() FROM t'), '9\n')
        c.ask('SYSTEM FLUSH ASYNC INSERT QUEUE t')
        same(c.ask('SELECT count() FROM t'), '13\n')
        same(c.ask('SELECT count() FROM system.asynchronous_inserts'), '0\n')
    finally:
        s.stop()


@test
def time_of_later_inserts(path):
    """The time goes with how often inserts come: from the minimum up, and down again."""
    s = Running(FIRN, os.path.join(path, 'd'))
    try:
        c = Client(s.url)
        c.ask('CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x')
        times = dict(async_insert=1, wait_for_async_insert=0, async_insert_busy_timeout_min_ms=300, async_insert_busy_timeout_max_ms=700,
                     async_insert_busy_timeout_increase_rate=0.5, async_insert_busy_timeout_decrease_rate=1)
        seen = []

        def insert(i):
            c.ask('INSERT INTO t VALUES (%d)' % i, query_id='i%d' % i, **times)

        def waited(i):
            eventually(c, "SELECT count() FROM system.asynchronous_insert_log WHERE query_id = 'i%d'" % i, '1\n')
            return int(c.ask("SELECT timeout_milliseconds FROM system.asynchronous_insert_log WHERE query_id = 'i%d'" % i))
        insert(0)
        same(waited(0), 300)
        insert(1)
        same(waited(1), 300)
        for i in range(2, 6):
            insert(i)
        seen = [waited(i) for i in range(2, 6)]
        if seen[1:] != [450, 675, 700] and seen != [450, 675, 700, 700]:  # the first may have been far enough from the one before
            raise AssertionError(str(seen))
        for i in range(6, 10):  # each is written before the next one comes
            insert(i)
            seen.append(waited(i))
            time.sleep(0.1)
        if seen[-1] > 350:
            raise AssertionError('inserts come seldom, and the time stays: %s' % seen)
    finally:
        s.stop()


@test
def inserts_written_later(path):
    data = os.path.join(path, 'd')
    s = Running(FIRN, data)
    later = dict(LATER, async_insert_busy_timeout_max_ms=600000)
    try:
        c = Client(s.url)
        c.ask('CREATE TABLE t (p UInt8, x UInt64) ENGINE = MergeTree PARTITION BY p ORDER BY x SETTINGS non_replicated_deduplication_window = 100')
        c.ask('CREATE TABLE o (x UInt64) ENGINE = MergeTree ORDER BY x')
        c.ask('CREATE MATERIALIZED VIEW v TO o AS SELECT x FROM t')
        c.ask('INSERT INTO t VALUES (1, 1)', **later)
        c.ask('INSERT INTO t FORMAT TSV 2\t2\n', query_id='second', **later)
        c.ask('INSERT INTO t VALUES (1, 1)', **later)
        same(c.ask('SELECT count() FROM t'), '0\n')
        same(c.ask("SELECT query, database, table, format, total_bytes > 0, entries.query_id FROM system.asynchronous_inserts WHERE has(entries.query_id, 'second')"),
             "INSERT INTO t FORMAT TSV\tdefault\tt\tTabSeparated\t1\t['second']\n")
        c.ask('SYSTEM FLUSH ASYNC INSERT QUEUE')
        same(c.ask('SELECT (SELECT count() FROM t), (SELECT count() FROM o), (SELECT count() FROM system.asynchronous_inserts)'), '2\t3\t0\n')
        try:
            c.ask("INSERT INTO t VALUES (1, 'x')", **later)
            raise AssertionError('the text is no number')
        except Failure as e:
            same(e.code, 6)
        c.ask('INSERT INTO t VALUES (1, 3)', **dict(later, async_insert_busy_timeout_max_ms=100))  # by the clock
        for _ in range(100):
            if c.ask('SELECT count() FROM t') == '3\n':
                break
            time.sleep(0.05)
        same(c.ask('SELECT count() FROM t'), '3\n')
        for i in range(5):  # by their number
            c.ask('INSERT INTO t VALUES (1, %d)' % (10 + i), **dict(later, async_insert_max_query_number=5))
        for _ in range(100):
            if c.ask('SELECT count() FROM t') == '8\n':
                break
            time.sleep(0.05)
        same(c.ask('SELECT count() FROM t'), '8\n')
        c.ask('CREATE TABLE gone (x UInt64) ENGINE = MergeTree ORDER BY x')
        c.ask('INSERT INTO gone VALUES (1)', **later)
        c.ask('INSERT INTO t VALUES (1, 20)', **later)
        c.ask('DROP TABLE gone SYNC')
        c.ask('CREATE TABLE m (x UInt64) ENGINE = Memory')
        c.ask('INSERT INTO m VALUES (1)', **later)
        same(c.ask('SELECT count() FROM m'), '1\n')
        same(s.stop(), 0)  # the end writes what waits
        s = Running(FIRN, data)
        same(Client(s.url).ask('SELECT count() FROM t'), '9\n')
    finally:
        s.stop()


def refused(code, ask, sql, **parameters):
    try:
        ask(sql, **parameters)
    except Failure as e:
        same(e.code, code)
        return
    raise AssertionError('%s was not refused' % sql)


@test
def limits_of_numbers(path):
    s = Running(FIRN, os.path.join(path, 'd'), config='max_table_num_to_throw: 2\nmax_view_num_to_throw: 1\nmax_database_num_to_throw: 2\n'
                                                       'max_concurrent_insert_queries: 1\nmax_concurrent_select_queries: 2\n')
    try:
        c = Client(s.url)
        c.ask('CREATE DATABASE two')
        refused(725, c.ask, 'CREATE DATABASE three')
        c.ask('CREATE DATABASE IF NOT EXISTS two')
        for i in range(2):
            c.ask('CREATE TABLE t%d (x UInt64) ENGINE = MergeTree ORDER BY x' % i)
        refused(724, c.ask, 'CREATE TABLE t2 (x UInt64) ENGINE = Null')
        c.ask('CREATE TABLE IF NOT EXISTS t1 (x UInt64) ENGINE = Null')
        c.ask('CREATE OR REPLACE TABLE t1 (x UInt64) ENGINE = MergeTree ORDER BY x')
        c.ask('CREATE VIEW v AS SELECT 1')
        refused(724, c.ask, 'CREATE VIEW w AS SELECT 1')

        def slow(c, i):
            if i < 2:
                c.ask('SELECT sleep(1.5)', query_id='slow %d' % i)
            else:
                c.ask('INSERT INTO t0 SELECT sleep(1.5)')
        runs = threading.Thread(target=at_once, args=(s.url, 3, slow))
        runs.start()
        time.sleep(0.7)
        refused(202, c.ask, 'SELECT 1')
        refused(202, c.ask, 'INSERT INTO t1 VALUES (1)')
        refused(202, c.ask, 'SHOW TABLES', max_concurrent_queries_for_user=3)
        refused(202, c.ask, 'SHOW TABLES SETTINGS max_concurrent_queries_for_all_users = 3')
        c.ask('SHOW TABLES', max_concurrent_queries_for_user=4)
        c.ask("KILL QUERY WHERE query_id = 'none'", max_concurrent_queries_for_user=1)
        runs.join()
        same(c.ask('SELECT count() FROM t0'), '1\n')
    finally:
        same(s.stop(), 0)


sys.exit(run_all(*sys.argv[2:3]))
