#!/usr/bin/env python3
"""Skip indexes against their absence: random conditions answer the same with and without them, over parts from inserts, merges and
mutations; those that must leave granules out do; EXPLAIN indexes = 1 shows it; damaged index bytes are an error, CHECK TABLE names
the part.

  index_test.py BINARY [--conditions 300] [--seed N]      ends with 'N passed, N failed, N skipped'
SPDX-License-Identifier: Apache-2.0"""
import argparse
import os
import random
import shutil
import sys
import tempfile

from http_ask import Client, Failure
from running import Running, overwrite_in_newest_part

COLUMNS = ('id UInt64, s String, fs FixedString(6), ls LowCardinality(Nullable(String)), n Nullable(Int32), f Float64, d DateTime, '
           'a Array(String), m Map(String, UInt32)')
INDEXES = ('s TYPE bloom_filter(0.01)', 's TYPE tokenbf_v1(1024, 3, 0)', 's TYPE ngrambf_v1(3, 4096, 2, 0) GRANULARITY 2', 'fs TYPE bloom_filter',
           'ls TYPE bloom_filter', '(n, ls) TYPE set(0) GRANULARITY 2', 'n % 7 TYPE set(3)', 'n + 1 TYPE minmax', 'f TYPE minmax GRANULARITY 3',
           'toDate(d) TYPE minmax', 'a TYPE bloom_filter', 'a TYPE tokenbf_v1(512, 2, 0)', 'mapKeys(m) TYPE bloom_filter', 'mapValues(m) TYPE bloom_filter',
           '(n, s) TYPE bloom_filter', 'lower(s) TYPE tokenbf_v1(1024, 2, 0)')
ROWS = ("SELECT number + {at}, concat('Word', toString(intDiv(number, 300)), ' ', char(97 + number % 5), '_x'), toString(intDiv(number, 1000)), "
        "if(number % 13 = 0, NULL, concat('l', toString(intDiv(number, 4000)))), if(number % 17 = 0, NULL, toInt32(intDiv(number, 100)) - 90), "
        "if(intDiv(number, 9000) = 2, nan, intDiv(number, 2000) / 4), toDateTime('2024-01-01 00:00:00', 'UTC') + number * 100, "
        "[concat('t', toString(intDiv(number, 50))), 'all'], map(concat('k', toString(intDiv(number, 5000))), intDiv(number, 3000)) FROM numbers({rows})")


def leaf(r):
    """a condition; what it looks for is there more often than not"""
    word = r.choice(['Word%d' % r.randrange(110), 'word3', 'x', 'Word'])
    return r.choice([
        lambda: "s = '%s %s_x'" % (word, r.choice('abcde')), lambda: "s IN ('%s a_x', 'Word7 b_x')" % word, lambda: "s LIKE '%%%s %%'" % word,
        lambda: "s LIKE '%s%%'" % word, lambda: "s NOT LIKE '%%%s%%'" % word, lambda: "hasToken(s, '%s')" % word, lambda: "startsWith(s, '%s')" % word,
        lambda: "endsWith(s, ' %s_x')" % r.choice('abz'), lambda: "s LIKE '%%\\\\_x'", lambda: "multiSearchAny(s, ['%s ', 'Word99'])" % word,
        lambda: "hasTokenCaseInsensitive(s, '%s')" % word.upper(), lambda: "s != '%s a_x'" % word, lambda: "has(['%s a_x', 'q'], s)" % word,
        lambda: "fs = '%d'" % r.randrange(40), lambda: "fs IN ('3', '%d')" % r.randrange(40), lambda: "ls = 'l%d'" % r.randrange(10), lambda: 'ls IS NULL',
        lambda: "ls IN ('l1', NULL, 'l%d')" % r.randrange(10), lambda: 'n = %d' % r.randrange(-100, 300), lambda: "(n, ls) = (%d, 'l2')" % r.randrange(-90, 200),
        lambda: 'n %% 7 = %d' % r.randrange(-7, 8), lambda: 'n + 1 > %d' % r.randrange(-100, 300), lambda: 'n + 1 IS NULL', lambda: 'f > %d' % r.randrange(5),
        lambda: 'f != 1', lambda: 'isNaN(f)', lambda: 'NOT (f < %d)' % r.randrange(5), lambda: "toDate(d) = '2024-01-%02d'" % r.randrange(1, 31),
        lambda: "d < '2024-01-0%d 05:00:00'" % r.randrange(1, 9), lambda: "has(a, 't%d')" % r.randrange(700), lambda: "hasAny(a, ['t5', 'q%d'])" % r.randrange(9),
        lambda: "hasAll(a, ['all', 't%d'])" % r.randrange(700), lambda: "NOT has(a, 't5')", lambda: "mapContains(m, 'k%d')" % r.randrange(9),
        lambda: "m['k%d'] = %d" % (r.randrange(8), r.randrange(12)), lambda: "m['k2'] IN (%d, 3)" % r.randrange(12), lambda: 'id < %d' % r.randrange(60000)])()


def condition(r, depth=2):
    if depth and r.random() < .6:
        word = r.choice([' AND ', ' AND ', ' OR '])
        inner = word.join(condition(r, depth - 1) for _ in range(r.randrange(2, 4)))
        return ('NOT (%s)' if r.random() < .15 else '(%s)') % inner
    return leaf(r)


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
            query = 'SELECT count(), sum(id), min(id), max(id) FROM t WHERE ' + condition(self.random)
            try:
                on, off = client.ask(query), client.ask(query, use_skip_indexes=0)
            except Failure as e:
                on, off = e.text[:200], ''
            self.check('%s: %s / %s' % (query, on.strip(), off.strip()), on == off)

    def explain(self, client):
        text = client.ask("EXPLAIN indexes = 1 SELECT s FROM t WHERE s = 'Word7 b_x'")
        lines = [x.strip() for x in text.replace('\\n', '\n').split('\n')]
        self.check('EXPLAIN names the index\n' + text, 'Name: i0' in lines and 'Description: bloom_filter GRANULARITY 1' in lines and 'PrimaryKey' in lines)
        left = [tuple(int(n) for n in x.split()[1].split('/')) for x in lines if x.startswith('Granules: ')]
        self.check('EXPLAIN counts ever fewer granules\n' + text, len(left) > 2 and left[0][0] == left[0][1] and left[-1][0] < left[0][1])

    def parts(self, client):
        """inserts, a mutation, a merge: the same answers behind each"""
        each = self.a.conditions // 4
        client.ask('CREATE TABLE t (%s, %s) ENGINE = MergeTree ORDER BY id' % (COLUMNS, ', '.join('INDEX i%d %s' % x for x in enumerate(INDEXES))))
        client.ask('SYSTEM STOP MERGES t')
        for at, rows in ((0, 33000), (33000, 9000), (20000, 100)):
            client.ask('INSERT INTO t ' + ROWS.format(at=at, rows=rows))
        self.compare(client, each)
        self.explain(client)
        client.ask("ALTER TABLE t UPDATE s = concat(s, ' Word7'), n = n + 1 WHERE id % 5000 = 3")
        self.compare(client, each)
        client.ask('ALTER TABLE t CLEAR INDEX i0, CLEAR INDEX i9')
        self.compare(client, each)
        client.ask('ALTER TABLE t MATERIALIZE INDEX i0, MATERIALIZE INDEX i9')
        client.ask('SYSTEM START MERGES t')
        client.ask('OPTIMIZE TABLE t FINAL')
        self.compare(client, each)

    def damage(self, firn, path):
        """the one value of a column changed on disk wherever it stands: in rows, zones and index"""
        server = Running(firn, path)
        client = Client(server.url)
        client.ask("CREATE TABLE b (id UInt32, s String, INDEX i s TYPE set(10)) ENGINE = MergeTree ORDER BY id")
        client.ask("INSERT INTO b SELECT number, 'someuncommonword' FROM numbers(10)")
        client.close()
        server.stop()
        overwrite_in_newest_part(path, b'someuncommonword')
        server = Running(firn, path)
        client = Client(server.url)
        for query in ("SELECT count() FROM b WHERE s = 'someuncommonword'", "SELECT count() FROM b WHERE s LIKE '%other%'"):
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
    ap.add_argument('--conditions', type=int, default=300)
    ap.add_argument('--seed', type=int, default=1)
    test = Test(ap.parse_args())
    folder = tempfile.mkdtemp(prefix='firn-index-')
    try:
        server = Running(test.a.binary, os.path.join(folder, 'a'))
        client = Client(server.url)
        test.parts(client)
        client.close()
        test.check('the server stops', server.stop() == 0)
        test.damage(test.a.binary, os.path.join(folder, 'b'))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print('%d passed, %d failed, 0 skipped' % (test.passed, test.failed))
    return test.failed != 0


if __name__ == '__main__':
    sys.exit(main())
