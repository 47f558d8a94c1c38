#!/usr/bin/env python3
"""An INSERT whose body comes slowly, overtaken by EXCHANGE TABLES, RENAME, DROP, CREATE OR REPLACE or ALTER: where its rows go. What is
acknowledged is under the name it was sent to, when the table there is defined alike; otherwise the client hears so (741, or 60 when
the name is gone) and nothing was inserted anywhere.

  follow_test.py build/asan/firn [name of a test]      ends with 'N passed, N failed, N skipped'

No waiting by the clock: the rest of the body is sent when rows of the first piece are seen as written in system.processes.
SPDX-License-Identifier: Apache-2.0"""
import contextlib
import os
import signal
import socket
import sys
import time
import urllib.parse

from cases import run_all, same, test
from running import Server

FIRN = sys.argv[1]
SHAPE = '(p UInt8, x UInt64) ENGINE = MergeTree PARTITION BY p ORDER BY x'
ROWS = 140000  # more than the server takes as the statement's text (256 KiB) and than two blocks of a reader


class SlowInsert:
    """INSERT of the numbers below ROWS in two partitions, so many that some are parts already; the last of them after go_on()."""

    def __init__(self, server, table='a', **settings):
        parameters = dict(settings, query='INSERT INTO %s (p, x) FORMAT TSV' % table, query_id='slow', max_insert_block_size=100000, input_format_parallel_parsing=0)
        rows = ['%d\t%d\n' % (x % 2, x) for x in range(ROWS)]
        self.rest = ''.join(rows[-5:]).encode()
        self.socket = socket.create_connection(('127.0.0.1', server.running.port), 60)
        self.send('POST /?%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n' % urllib.parse.urlencode(parameters))
        self.piece(''.join(rows[:-5]).encode())
        self.wait(server)

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def piece(self, body):
        self.send(b'%x\r\n%s\r\n' % (len(body), body))

    def wait(self, server):
        """Until rows are taken, so the table is chosen and its writer open."""
        end = time.monotonic() + 30
        while server.ask("SELECT written_rows > 0 FROM system.processes WHERE query_id = 'slow'") != '1\n':
            assert time.monotonic() < end, 'no row of the first piece is taken'
            time.sleep(0.005)

    def go_on(self):
        """The rest; the code of the answer, 0 for success."""
        self.piece(self.rest)
        self.send(b'0\r\n\r\n')
        answer = b''
        while True:
            more = self.socket.recv(65536)
            if not more:
                break
            answer += more
        self.socket.close()
        head = answer.split(b'\r\n\r\n')[0].decode().split('\r\n')
        codes = [int(line.split(':')[1]) for line in head if line.lower().startswith('x-clickhouse-exception-code')]
        assert codes or head[0].split()[1] == '200', answer
        return codes[0] if codes else 0


@contextlib.contextmanager
def server_of(path, *statements):
    s = Server(FIRN, os.path.join(path, 'd'))
    try:
        for sql in statements:
            s.ask(sql)
        yield s
    finally:
        s.stop()


def rows(s, *tables):
    return tuple(s.ask('SELECT count(), sum(x) FROM ' + t).strip() for t in tables)


ALL, NONE = '%d\t%d' % (ROWS, ROWS * (ROWS - 1) // 2), '0\t0'


def overtaken(path, a, b, between=('EXCHANGE TABLES a AND b',), code=0):
    """Tables a and b; in the middle of an INSERT INTO a the statements `between`. What `a` and `b` hold then, as the names are then."""
    with server_of(path, 'CREATE TABLE a ' + a, 'CREATE TABLE b ' + b) as s:
        insert = SlowInsert(s)
        for sql in between:
            s.ask(sql)
        same(insert.go_on(), code)
        after = rows(s, 'a', 'b')
        s.again(signal.SIGKILL)
        same(rows(s, 'a', 'b'), after)
        assert '\t0\t' not in s.ask('CHECK ALL TABLES')
        return after


@test
def alike_tables(path):
    same(overtaken(path, SHAPE, SHAPE), (ALL, NONE))


@test
def comments_and_names_make_no_difference(path):
    same(overtaken(path, SHAPE, "(p UInt8 COMMENT 'of b', x UInt64) ENGINE = MergeTree PARTITION BY p ORDER BY x COMMENT 'the other'"), (ALL, NONE))


def refused(name, b):
    def different(path):
        same(overtaken(path, SHAPE, b, code=741), (NONE, NONE))
    different.__name__ = 'different_' + name
    test(different)


REFUSED = {
    'type': '(p UInt8, x Int64) ENGINE = MergeTree PARTITION BY p ORDER BY x',
    'column': '(p UInt8, x UInt64, y UInt8) ENGINE = MergeTree PARTITION BY p ORDER BY x',
    'order_of_columns': '(x UInt64, p UInt8) ENGINE = MergeTree PARTITION BY p ORDER BY x',
    'default': '(p UInt8, x UInt64 DEFAULT 7) ENGINE = MergeTree PARTITION BY p ORDER BY x',
    'constraint': '(p UInt8, x UInt64, CONSTRAINT c CHECK x < 9) ENGINE = MergeTree PARTITION BY p ORDER BY x',
    'partition_key': '(p UInt8, x UInt64) ENGINE = MergeTree ORDER BY x',
    'key': '(p UInt8, x UInt64) ENGINE = MergeTree PARTITION BY p ORDER BY (x, p)',
    'engine': '(p UInt8, x UInt64) ENGINE = ReplacingMergeTree PARTITION BY p ORDER BY x',
    'projection': '(p UInt8, x UInt64, PROJECTION g (SELECT p, sum(x) GROUP BY p)) ENGINE = MergeTree PARTITION BY p ORDER BY x',
    'index': '(p UInt8, x UInt64, INDEX i x TYPE set(9)) ENGINE = MergeTree PARTITION BY p ORDER BY x',
    'ttl': "(p UInt8, x UInt64) ENGINE = MergeTree PARTITION BY p ORDER BY x TTL toDateTime(4000000000 + x % 10)",
    'setting': '(p UInt8, x UInt64) ENGINE = MergeTree PARTITION BY p ORDER BY x SETTINGS index_granularity = 100',
    'kind': '(p UInt8, x UInt64) ENGINE = Memory',
}
for n, other in REFUSED.items():
    refused(n, other)


@test
def there_and_back(path):
    same(overtaken(path, SHAPE, SHAPE, ['EXCHANGE TABLES a AND b'] * 2), (ALL, NONE))


@test
def replaced_by_one_alike(path):
    same(overtaken(path, SHAPE, SHAPE, ['CREATE OR REPLACE TABLE a ' + SHAPE]), (ALL, NONE))


@test
def dropped_and_made_again(path):
    same(overtaken(path, SHAPE, SHAPE, ['DROP TABLE a', 'CREATE TABLE a ' + SHAPE]), (ALL, NONE))


@test
def renamed_away(path):
    same(overtaken(path, SHAPE, SHAPE, ['RENAME TABLE a TO c', 'RENAME TABLE b TO a', 'RENAME TABLE c TO b']), (ALL, NONE))


@test
def rows_older_than_an_alter(path):
    add = 'ALTER TABLE %s ADD COLUMN y UInt8'
    same(overtaken(path, SHAPE, SHAPE, [add % 'a', add % 'b', 'EXCHANGE TABLES a AND b'], code=741), (NONE, NONE))


@test
def dropped(path):
    with server_of(path, 'CREATE TABLE a ' + SHAPE) as s:
        insert = SlowInsert(s)
        s.ask('DROP TABLE a')
        code = insert.go_on()
        assert code in (60, 218), code
        s.ask('UNDROP TABLE a')
        same(rows(s, 'a'), (NONE,))


@test
def tokens_go_with_the_rows(path):
    shape = SHAPE + ' SETTINGS non_replicated_deduplication_window = 100'
    with server_of(path, 'CREATE TABLE a ' + shape, 'CREATE TABLE b ' + shape) as s:
        insert = SlowInsert(s, insert_deduplication_token='once')
        s.ask('EXCHANGE TABLES a AND b')
        same(insert.go_on(), 0)
        same(rows(s, 'a', 'b'), (ALL, NONE))
        again = SlowInsert(s, insert_deduplication_token='once')
        same(again.go_on(), 0)
        same(rows(s, 'a'), (ALL,))
        s.ask('EXCHANGE TABLES a AND b')
        other = SlowInsert(s, insert_deduplication_token='once')  # the table of that name has not seen it
        same(other.go_on(), 0)
        same(rows(s, 'a', 'b'), (ALL, ALL))


@test
def the_target_of_a_view_is_exchanged(path):
    """source and target commit together: the rows of both are where the names are, or nowhere"""
    for b, code, wanted in ((SHAPE, 0, (ALL, ALL, NONE)), (REFUSED['default'], 741, (NONE, NONE, NONE))):
        with server_of(os.path.join(path, str(code)), 'CREATE TABLE a ' + SHAPE, 'CREATE TABLE t ' + SHAPE, 'CREATE TABLE b ' + b,
                       'CREATE MATERIALIZED VIEW v TO t AS SELECT p, x FROM a') as s:
            insert = SlowInsert(s)
            s.ask('EXCHANGE TABLES t AND b')
            same(insert.go_on(), code)
            same(rows(s, 'a', 't', 'b'), wanted)


@test
def the_source_of_a_view_is_exchanged(path):
    with server_of(path, 'CREATE TABLE a ' + SHAPE, 'CREATE TABLE t ' + SHAPE, 'CREATE TABLE b ' + SHAPE, 'CREATE MATERIALIZED VIEW v TO t AS SELECT p, x FROM a') as s:
        insert = SlowInsert(s)
        s.ask('EXCHANGE TABLES a AND b')
        same(insert.go_on(), 0)
        same(rows(s, 'a', 't', 'b'), (ALL, ALL, NONE))


sys.exit(run_all(*sys.argv[2:3]))
