#!/usr/bin/env python3
"""Everything at once for a long time, with answers that are known: every reader's statement is one snapshot and must find the invariants
that every writer's statement keeps, in any interleaving.

  soak_test.py URL [--seconds 600] [--seed N] [--pid SERVER --growth-mib 24]     ends with 'N passed, N failed, N skipped'

Invariants. Every INSERT writes a batch: for each of three partitions the ids 0 ... n-1, n the same in all. So within one snapshot every
(batch, partition) is whole, no id is doubled, and v, which mutations set for whole batches, is one value in a batch: a mutation is seen on
all parts or on none. `stage` is filled and exchanged with `live` or copied into it by partition; both keep the rule for each partition.
A view's rows come with the rows they were made of. Rows of `ledger` sum up to 0 in every snapshot: an INSERT or a mutation changes pairs.
With --pid: the most memory (resident) of the server in the last tenth of the run against the most of the time before three tenths of it.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import http.client
import random
import sys
import threading
import time

from http_ask import Client, Failure

STOP = threading.Event()
PARTITIONS = 3
SHAPE = '(p UInt8, batch UInt64, n UInt32, id UInt32, v Int64, s LowCardinality(String)) ENGINE = MergeTree PARTITION BY p ORDER BY (batch, id)'
# The table or column is away for the moment; the partition of the source is empty; structures differ while a column comes or goes.
AWAY = {60, 16, 47, 36, 57, 122, 218}


class Actor(threading.Thread):
    """Runs `action` until the end; problems: statements that failed and may not, and invariants that did not hold."""

    def __init__(self, url, action, number, seed):
        super().__init__()
        self.name, self.action, self.rng, self.url = action.__name__, action, random.Random(seed * 100 + number), url
        self.client, self.done, self.away, self.problems = Client(url), 0, 0, []
        self.batch = number << 32

    def run(self):
        while not STOP.is_set():
            try:
                self.action(self)
                self.done += 1
            except Failure as e:
                self.away += 1
                if e.code not in AWAY:
                    self.problems.append(e.text[:400])
                    time.sleep(0.1)
            except (OSError, http.client.HTTPException) as e:
                self.problems.append(repr(e))
                self.client = Client(self.url)
                time.sleep(1)

    def need(self, sql, wanted=''):
        got = self.client.ask(sql)
        if got != wanted:
            self.problems.append('%s gives %r' % (sql, got[:300]))


def batch_into(a, table):
    a.batch += 1
    n = a.rng.choice([1, 10, 1000, 9000])
    a.client.ask("INSERT INTO %s (p, batch, n, id, v, s) SELECT number %% %d, %d, %d, intDiv(number, %d), %d, toString(number %% 10) FROM numbers(%d)"
                 % (table, PARTITIONS, a.batch, n, PARTITIONS, a.rng.randrange(100), n * PARTITIONS))


def insert(a):
    batch_into(a, 'live')
    time.sleep(0.01)


def stage(a):
    batch_into(a, 'stage')
    a.client.ask(a.rng.choice(['EXCHANGE TABLES live AND stage', 'ALTER TABLE live REPLACE PARTITION %d FROM stage' % a.rng.randrange(PARTITIONS), 'TRUNCATE TABLE stage']))
    time.sleep(0.02)


def drop(a):
    a.client.ask('ALTER TABLE live DROP PARTITION %d' % a.rng.randrange(PARTITIONS))
    time.sleep(a.rng.random())


def merge(a):
    a.client.ask('OPTIMIZE TABLE %s FINAL' % a.rng.choice(['live', 'stage', 'source', 'target', 'ledger']))
    time.sleep(0.05)


def mutate(a):
    table = a.rng.choice(['live', 'stage'])
    some = a.client.ask('SELECT batch FROM %s ORDER BY rand() LIMIT 1' % table).strip() or '0'
    a.client.ask(a.rng.choice(['ALTER TABLE %s UPDATE v = %d WHERE batch = %s' % (table, a.rng.randrange(1000), some), 'ALTER TABLE %s DELETE WHERE batch = %s' % (table, some),
                               'DELETE FROM %s WHERE batch = %s' % (table, some)]))
    time.sleep(0.02)


def define(a):
    """SYNC: tables that wait for UNDROP would be the memory's growth."""
    table = 'own%d' % a.rng.randrange(3)
    a.client.ask(a.rng.choice(['CREATE TABLE IF NOT EXISTS %s (x Int32) ENGINE = MergeTree ORDER BY x', 'DROP TABLE IF EXISTS %s SYNC', 'INSERT INTO %s (x) SELECT number FROM numbers(100)',
                               'ALTER TABLE %s ADD COLUMN IF NOT EXISTS y Int32 DEFAULT 7', 'ALTER TABLE %s DROP COLUMN IF EXISTS y', 'TRUNCATE TABLE %s',
                               'RENAME TABLE %s TO own9, own9 TO %s']).replace('%s', table))
    a.need('SELECT 1 FROM %s HAVING count() %% 100 != 0' % table)


def view(a):
    a.batch += 1
    a.client.ask('INSERT INTO source SELECT %d, number FROM numbers(%d)' % (a.batch, a.rng.choice([1, 100, 3000])))
    if a.rng.random() < 0.05:
        a.client.ask('ALTER TABLE source DELETE WHERE batch < %d' % (a.batch - 50))


def pay(a):
    account, amount = a.rng.randrange(50), a.rng.randrange(1000)
    if a.rng.random() < 0.9:
        a.client.ask('INSERT INTO ledger VALUES (%d, %d), (%d, %d)' % (account, amount, account + 50, -amount))
    else:
        a.client.ask('ALTER TABLE ledger UPDATE amount = -amount WHERE account %% 50 = %d' % account)
    time.sleep(0.01)


def read(a):
    table = a.rng.choice(['live', 'live', 'stage'])
    a.need('SELECT batch, p, count(), max(n), uniqExact(id), uniqExact(v) FROM %s GROUP BY batch, p HAVING count() != max(n) OR uniqExact(id) != max(n) OR uniqExact(v) != 1 LIMIT 3' % table)
    a.need('SELECT sum(amount) FROM ledger', '0\n')
    a.need('SELECT account FROM ledger GROUP BY account HAVING count() = 0 OR sum(amount) > 1e15')
    a.need('SELECT batch FROM target GROUP BY batch HAVING sum(rows) != max(most) + 1')


def look(a):
    a.client.ask(a.rng.choice(['SELECT count() FROM system.parts', 'SELECT * FROM system.tables', 'SELECT * FROM system.merges', 'SELECT * FROM system.processes', 'CHECK TABLE stage']))
    time.sleep(0.05)


def setup(client):
    for sql in ('CREATE TABLE live ' + SHAPE, 'CREATE TABLE stage ' + SHAPE, 'CREATE TABLE source (batch UInt64, id UInt32) ENGINE = MergeTree PARTITION BY id % 2 ORDER BY id',
                'CREATE TABLE target (batch UInt64, rows UInt64, most UInt64) ENGINE = MergeTree ORDER BY batch', 'CREATE MATERIALIZED VIEW made TO target AS SELECT batch, count() AS rows, max(id) AS most FROM source GROUP BY batch',
                'CREATE TABLE ledger (account UInt32, amount Int64) ENGINE = MergeTree PARTITION BY account % 4 ORDER BY account'):
        client.ask(sql)


def resident_mib(pid):
    with open('/proc/%d/status' % pid) as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith('VmRSS'))


def soak(a, actors):
    """Runs for a.seconds, taking now and then what has piled up; most memory before three tenths and in the last tenth, MiB."""
    keeper, begun, early, late = Client(a.url), time.monotonic(), 0.0, 0.0
    for t in actors:
        t.start()
    while time.monotonic() - begun < a.seconds:
        time.sleep(min(1.0, a.seconds / 20))
        if sum(len(t.problems) for t in actors) > 50:
            break
        try:
            if int(keeper.ask('SELECT count() FROM live')) > 1000000:
                keeper.ask('TRUNCATE TABLE live')
            if int(keeper.ask('SELECT count() FROM target')) > 5000:
                keeper.ask('TRUNCATE TABLE target')
        except Failure as e:
            if e.code not in AWAY:
                actors[0].problems.append(e.text[:300])
        if a.pid:
            now = resident_mib(a.pid)
            early = max(early, now) if time.monotonic() - begun < a.seconds * 0.3 else early
            late = max(late, now) if time.monotonic() - begun > a.seconds * 0.9 else late
    STOP.set()
    for t in actors:
        t.join()
    return early, late


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('url')
    parser.add_argument('--seconds', type=float, default=600)
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--pid', type=int, help='of the server: its memory is watched')
    parser.add_argument('--growth-mib', type=float, default=24)
    a = parser.parse_args()
    setup(Client(a.url))
    actions = [insert, insert, stage, drop, merge, mutate, define, view, pay, read, read, look]
    actors = [Actor(a.url, f, i + 1, a.seed) for i, f in enumerate(actions)]
    early, late = soak(a, actors)
    failed = 0
    for t in actors:
        failed += bool(t.problems) or not t.done
        print('%-8s %7d done, %d away, %d problems' % (t.name, t.done, t.away, len(t.problems)))
        for text in sorted(set(t.problems))[:5]:
            print('  ' + text.strip())
    if a.pid:
        print('resident: %.0f MiB at most in the first three tenths, %.0f MiB in the last' % (early, late))
        failed += late > early + a.growth_mib
    print('%d passed, %d failed, 0 skipped' % (len(actors) + bool(a.pid) - failed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
