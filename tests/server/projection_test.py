#!/usr/bin/env python3
"""Projections against their absence: random statements answer the same with and without them, over parts that have them and parts that
do not, from inserts, merges and mutations; fewer rows are read (X-ClickHouse-Summary, system.query_log); after kill -9 they are there
and whole; damaged bytes of one are an error, CHECK TABLE names the part.

  projection_test.py BINARY [--statements 240] [--seed N]      ends with 'N passed, N failed, N skipped'
SPDX-License-Identifier: Apache-2.0"""
import argparse
import json
import os
import random
import shutil
import sys
import tempfile

from http_ask import Client, Failure
from running import Running, overwrite_in_newest_part

COLUMNS = 'id UInt64, k UInt32, s LowCardinality(String), t String, n Nullable(Int32), d Date, v Int64, f Float64'
PROJECTIONS = ('by_k (SELECT id, k, v ORDER BY k)', 'by_t (SELECT * ORDER BY t, n)', 'by_month (SELECT id, d, v ORDER BY toStartOfMonth(d))',
               'g (SELECT k, s, count(), sum(v), min(f), max(f), uniq(t), uniqExact(n), groupBitXor(id) GROUP BY k, s)',
               'days (SELECT toStartOfMonth(d), n, sum(v), avg(v), any(s), count(n), sumIf(v, k > 50) GROUP BY toStartOfMonth(d), n)',
               'whole (SELECT count(), sum(v), quantileExact(0.9)(v), max(t))')
ROWS = ("SELECT number + {at}, intHash32(number) % 97, concat('s', toString(number % 11)), concat('text', toString(intHash32(number + 1) % 500)), "
        "if(number % 13 = 0, NULL, toInt32(number % 40) - 20), toDate('2024-01-01') + number % 300, toInt64(number) * 7 - 1000, number / 8 FROM numbers({rows})")


def condition(r):
    return r.choice([lambda: 'k = %d' % r.randrange(100), lambda: 'k IN (%d, %d)' % (r.randrange(99), r.randrange(99)), lambda: 'k < %d' % r.randrange(30),
                     lambda: "s = 's%d'" % r.randrange(12), lambda: "t = 'text%d'" % r.randrange(505), lambda: "t LIKE 'text1%%' AND n IS NULL",
                     lambda: "toStartOfMonth(d) = '2024-0%d-01'" % r.randrange(1, 10), lambda: 'n = %d' % r.randrange(-21, 22), lambda: 'n IS NULL',
                     lambda: 'k = %d AND v > %d' % (r.randrange(99), r.randrange(90000)), lambda: "k = %d OR s = 's3'" % r.randrange(99), lambda: '1',
                     lambda: 'k IN (SELECT k FROM p WHERE id < %d)' % r.randrange(1, 9), lambda: 'id %% 1000 = %d' % r.randrange(999)])()


def statement(r):
    where = ' WHERE ' + condition(r)
    return r.choice([
        lambda: 'SELECT count(), sum(id), sum(v) FROM p' + where,
        lambda: 'SELECT id, v FROM p%s ORDER BY id LIMIT 20' % where,
        lambda: 'SELECT id, s, t, n FROM p%s ORDER BY t, id LIMIT 20' % where,
        lambda: 'SELECT k, count(), sum(v), min(f), max(f) FROM p%s GROUP BY k ORDER BY k' % where,
        lambda: 'SELECT s, k %% 7 AS x, uniq(t), uniqExact(n), groupBitXor(id) FROM p%s GROUP BY s, x ORDER BY s, x' % where,
        lambda: 'SELECT toStartOfMonth(d) AS m, sum(v), round(avg(v), 3), count(n) FROM p%s GROUP BY m ORDER BY m' % where,
        lambda: 'SELECT n, sumIf(v, k > 50), sum(v) FROM p%s GROUP BY n ORDER BY n' % where,
        lambda: 'SELECT toYear(toStartOfMonth(d)) AS y, n %% 2 AS x, sum(v) FROM p%s GROUP BY y, x WITH TOTALS ORDER BY y, x' % where,
        lambda: 'SELECT s, k, sum(v) FROM p%s GROUP BY GROUPING SETS ((s), (k), ()) ORDER BY ALL LIMIT 50' % where,
        lambda: 'SELECT count(), sum(v), quantileExact(0.9)(v), max(t) FROM p',
        lambda: 'SELECT s, sum(v) AS x FROM p%s GROUP BY s HAVING x > 1000 ORDER BY x DESC, s LIMIT 3' % where,
        lambda: 'SELECT a.k, a.c, b.x FROM (SELECT k, count() AS c FROM p GROUP BY k) AS a INNER JOIN (SELECT k, sum(v) AS x FROM p%s GROUP BY k) AS b ON a.k = b.k ORDER BY a.k' % where,
        lambda: 'SELECT * FROM (SELECT k, count() FROM p%s GROUP BY k UNION ALL SELECT k, uniqExact(n) FROM p GROUP BY k) ORDER BY ALL' % where])()


class Test:
    def __init__(self, a):
        self.a, self.passed, self.failed = a, 0, 0
        self.random = random.Random(a.seed)

    def check(self, what, fine):
        self.passed += bool(fine)
        self.failed += not fine
        if not fine:
            print('FAILED (seed %d): %s' % (self.a.seed, what))

    def compare(self, client, count):
        for _ in range(count):
            query = statement(self.random)
            try:
                on, off = client.ask(query), client.ask(query, optimize_use_projections=0)
            except Failure as e:
                on, off = e.text[:200], ''
            self.check('%s: %s / %s' % (query, on.strip()[:300], off.strip()[:300]), on == off)

    def parts(self, client):
        """inserts before and behind the clauses, a mutation, MATERIALIZE, merges: the same answers behind each"""
        each = self.a.statements // 6
        client.ask('CREATE TABLE p (%s) ENGINE = MergeTree PARTITION BY id %% 2 ORDER BY id' % COLUMNS)
        client.ask('SYSTEM STOP MERGES p')
        client.ask('INSERT INTO p ' + ROWS.format(at=0, rows=30000))
        for x in PROJECTIONS:
            client.ask('ALTER TABLE p ADD PROJECTION ' + x)
        client.ask('INSERT INTO p ' + ROWS.format(at=30000, rows=20000))
        client.ask('INSERT INTO p ' + ROWS.format(at=25000, rows=500))
        self.compare(client, each)
        client.ask('ALTER TABLE p UPDATE v = v + 1 WHERE id % 5000 = 3')
        client.ask('ALTER TABLE p DELETE WHERE id % 7000 = 5')
        self.compare(client, each)
        for x in PROJECTIONS:
            client.ask('ALTER TABLE p MATERIALIZE PROJECTION %s IN PARTITION 0' % x.split()[0])
        self.compare(client, each)
        client.ask('SYSTEM START MERGES p')
        client.ask('OPTIMIZE TABLE p FINAL')
        self.compare(client, each)
        client.ask('ALTER TABLE p CLEAR PROJECTION g IN PARTITION 1, CLEAR PROJECTION by_k')
        self.compare(client, each)
        client.ask('ALTER TABLE p MATERIALIZE PROJECTION g, MATERIALIZE PROJECTION by_k')
        self.compare(client, each)

    def read_rows(self, client, query, **settings):
        client.connection.request('POST', '/?query_id=%s&%s' % (settings.pop('id', 'x'), '&'.join('%s=%s' % x for x in settings.items())), query)
        answer = client.connection.getresponse()
        answer.read()
        return int(json.loads(answer.getheader('X-ClickHouse-Summary'))['read_rows'])

    def rows_read(self, client):
        for query, most in (('SELECT k, sum(v) FROM p GROUP BY k', 3000), ('SELECT quantileExact(0.9)(v), max(t) FROM p', 10), ('SELECT sum(v) FROM p WHERE k = 7', 20000)):
            on, off = self.read_rows(client, query), self.read_rows(client, query, optimize_use_projections=0)
            self.check('%s reads %d rows, %d without projections' % (query, on, off), on <= most and off >= 50000)
        self.read_rows(client, 'SELECT k, sum(v) FROM p GROUP BY k', id='projected')
        log = client.ask("SELECT projections FROM system.query_log WHERE query_id = 'projected' AND type = 'QueryFinish'")
        self.check('system.query_log.projections: ' + log, log == "['default.p.g']\n")

    def killed(self, server, path):
        """kill -9 behind acknowledged inserts"""
        client = Client(server.url)
        for at in range(60000, 62000, 500):
            client.ask('INSERT INTO p ' + ROWS.format(at=at, rows=500))
        before = client.ask('SELECT name, sum(rows) FROM system.projection_parts GROUP BY name ORDER BY name')
        server.process.kill()
        server.process.wait()
        server = Running(self.a.binary, path)
        client = Client(server.url)
        client.ask('SYSTEM STOP MERGES p')
        self.check('parts are whole after kill -9', '\t0\t' not in client.ask('CHECK TABLE p'))
        self.check('projections are there after kill -9', client.ask('SELECT count() FROM system.projection_parts') != '0\n' and before)
        self.compare(client, 20)
        client.close()
        return server

    def damage(self, path):
        """a value that stands in a projection alone (a sum's state holds it, too, but the table does not) changed on disk"""
        server = Running(self.a.binary, path)
        client = Client(server.url)
        client.ask("CREATE TABLE b (id UInt32, s String, PROJECTION g (SELECT concat('uncommonword', s), count() GROUP BY concat('uncommonword', s))) ENGINE = MergeTree ORDER BY id")
        client.ask("INSERT INTO b SELECT number, 'x' FROM numbers(1000)")
        client.close()
        server.stop()
        overwrite_in_newest_part(path, b'uncommonword')
        server = Running(self.a.binary, path)
        client = Client(server.url)
        self.check('the table itself is whole', client.ask('SELECT count(), any(s) FROM b') == '1000\tx\n')
        query = "SELECT concat('uncommonword', s) AS x, count() FROM b GROUP BY x"
        try:
            self.check('damaged bytes gave ' + client.ask(query), False)
        except Failure as e:
            self.check('damaged bytes: ' + e.text[:200], e.code in (40, 246, 117))
        self.check('CHECK TABLE names no part', not client.ask('CHECK TABLE b').strip().startswith('1'))
        client.close()
        self.check('the server stops', server.stop() == 0)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('binary')
    ap.add_argument('--statements', type=int, default=240)
    ap.add_argument('--seed', type=int, default=1)
    test = Test(ap.parse_args())
    folder = tempfile.mkdtemp(prefix='firn-projection-')
    try:
        path = os.path.join(folder, 'a')
        server = Running(test.a.binary, path)
        client = Client(server.url)
        test.parts(client)
        test.rows_read(client)
        client.close()
        server = test.killed(server, path)
        test.check('the server stops', server.stop() == 0)
        test.damage(os.path.join(folder, 'b'))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print('%d passed, %d failed, 0 skipped' % (test.passed, test.failed))
    return test.failed != 0


if __name__ == '__main__':
    sys.exit(main())
