#!/usr/bin/env python3
"""Merges by columns ("vertical") against merges by rows: over the family, all kinds of columns, TTLs, skip indexes, projections and columns that some
parts lack, the new part has the same rows in the same order, the same sizes and answers the same; system.merges says which kind it is; one that
is stopped leaves nothing; strings of rows that went stand in no file; strings too long for a segment are merged by rows; and a wide merge
needs a fraction of the memory.

  vertical_test.py build/asan/firn [--release build/release/firn]             ends with 'N passed, N failed, N skipped'

Memory is measured with the release build, where it is given.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import glob
import os
import shutil
import sys
import tempfile
import threading
import time

from http_ask import Client
from running import Running, Server

KINDS = {'h': 'enable_vertical_merge_algorithm = 0', 'v': 'vertical_merge_algorithm_min_rows_to_activate = 0, vertical_merge_algorithm_min_columns_to_activate = 1'}
COLUMNS = """k UInt32, u UInt64, s String, d String, w String, l LowCardinality(String), n Nullable(String), ln LowCardinality(Nullable(String)), i Nullable(Int32),
 f Float64, c UInt8, e Enum8('a' = 1, 'b' = 2), a Array(String), aa Array(Array(UInt16)), t Tuple(x String, y UInt8), m Map(String, UInt32), fs FixedString(3), dt DateTime"""
# Rows of insert number {j}: keys spread over all parts, strings with and without a dictionary, empty and constant ones, NULLs.
VALUES = """(number * 7 + {j} * 3) % {keys} AS k, number * {j} AS u, concat('s', toString(number % 50 + {j})) AS s, concat('distinct ', toString(number * 100 + {j})) AS d,
 'always' AS w, toString(number % 9) AS l, if(number % 3 = 0, NULL, concat('n', toString(number % 20))) AS n, if(number % 4 = 0, NULL, toString(number % 7 + {j})) AS ln,
 if(number % 5 = 0, NULL, number) AS i, number / 3 AS f, {j} AS c, if(number % 2, 'a', 'b') AS e, [toString(number % 6), 'z'] AS a, [[number % 300], []] AS aa,
 (toString(number % 11), number % 3) AS t, map('k', number % 100, toString(number % 4), 1) AS m, 'abc' AS fs, {dt} AS dt"""
DUE = "if(number % 3 = 1, toDateTime('2001-01-01 00:00:00'), toDateTime('2100-01-01 00:00:00'))"
NEVER = "toDateTime('2100-01-01 00:00:00') + number"
FAMILY = { # name: further columns, their values, engine, what follows
    'plain': ('', '', 'MergeTree ORDER BY k', ''),
    'unsorted': ('', '', 'MergeTree ORDER BY tuple()', ''),
    'expression': ('', '', 'MergeTree ORDER BY (k % 10, s)', ''),
    'strings': ('', '', 'MergeTree ORDER BY (l, s, k)', ''),
    'parted': ('', '', 'MergeTree PARTITION BY k % 3 ORDER BY (s, k)', ''),
    'replacing': ('', '', 'ReplacingMergeTree ORDER BY k', ''),
    'versions': (', ver UInt32', ', number % 100 AS ver', 'ReplacingMergeTree(ver) ORDER BY k', ''),
    'deleting': (', ver UInt32, gone UInt8', ', number % 100 AS ver, number % 13 = 0 AS gone', 'ReplacingMergeTree(ver, gone) ORDER BY k', ''),
    'collapsing': (', sign Int8', ', if((number + {j}) % 3 = 0, -1, 1) AS sign', 'CollapsingMergeTree(sign) ORDER BY k', ''),
    'versioned': (', sign Int8, ver UInt8', ', if((number + {j}) % 2 = 0, -1, 1) AS sign, number % 3 AS ver', 'VersionedCollapsingMergeTree(sign, ver) ORDER BY k', ''),
    'summing': ('', '', 'SummingMergeTree(u) ORDER BY k', ''),
    'ttl': ('', '', 'MergeTree ORDER BY k TTL dt + INTERVAL 1 DAY', ''),
    'ttl_where': ('', '', 'ReplacingMergeTree ORDER BY k TTL dt + INTERVAL 1 DAY DELETE WHERE c > 1', ''),
    'ttl_group': ('', '', 'MergeTree ORDER BY k TTL dt + INTERVAL 1 DAY GROUP BY k SET u = max(u)', ''),
    'ttl_codec': ('', '', "MergeTree ORDER BY k TTL toDateTime('2001-01-01 00:00:00') + k RECOMPRESS CODEC(ZSTD(5))", ''),
    'indexed': (', INDEX iu u TYPE minmax, INDEX js s TYPE bloom_filter GRANULARITY 2, INDEX ks (l, c) TYPE set(100)', '', 'MergeTree ORDER BY k', ''),
    'projected': (', PROJECTION by_u (SELECT u, k, s ORDER BY u), PROJECTION sums (SELECT l, sum(u) GROUP BY l)', '', 'MergeTree ORDER BY k', ''),
    'rebuilt': (', PROJECTION by_u (SELECT u, k, s ORDER BY u)', '', 'ReplacingMergeTree ORDER BY k', ", deduplicate_merge_projection_mode = 'rebuild'"),
    'columns_ttl': ('', '', 'MergeTree ORDER BY k', ''), # s gets a TTL
}
READS = ['SELECT * FROM {t} ORDER BY _part, _part_offset', 'SELECT count(), sum(u), sum(cityHash64(*)) FROM {t}', 'SELECT k, s FROM {t} WHERE k BETWEEN 100 AND 140 ORDER BY _part, _part_offset',
         "SELECT count(), min(d) FROM {t} WHERE s = 's17'", 'SELECT count() FROM {t} WHERE u = 777', "SELECT l, sum(u) FROM {t} GROUP BY l ORDER BY l", "SELECT count() FROM {t} WHERE l = '3' AND c = 2",
         'SELECT k, s FROM {t} WHERE u > 5000 ORDER BY u, k LIMIT 5', "SELECT uniqExact(s), uniqExact(n), uniqExact(ln), max(d), max(w) FROM {t}",
         "SELECT rows, marks, data_uncompressed_bytes, default_compression_codec, delete_ttl_info_min, delete_ttl_info_max, level FROM system.parts WHERE active AND table = '{t}' ORDER BY name",
         "SELECT name, data_uncompressed_bytes FROM system.columns WHERE table = '{t}' ORDER BY position"]


class Test:
    def __init__(self, arguments):
        self.a = arguments
        self.passed = self.failed = self.skipped = 0

    def check(self, what, fine):
        self.passed += bool(fine)
        self.failed += not fine
        if not fine:
            print('FAILED ' + what)

    def equal(self, what, got, wanted):
        self.check('%s: %r instead of %r' % (what, got[:200], wanted[:200]), got == wanted)

    def fill(self, s, table, more, parts, rows, keys, dt):
        for j in range(1, parts + 1):
            s.ask('INSERT INTO %s SELECT %s%s FROM numbers(%d)' % (table, VALUES.format(j=j, keys=keys, dt=dt), more.format(j=j), rows + 37 * j))

    def same(self, s, name, reads=READS):
        answers = {}
        for kind in KINDS:
            answers[kind] = [s.ask(q.format(t='%s_%s' % (name, kind))).replace('%s_%s' % (name, kind), name) for q in reads]
        for q, h, v in zip(reads, answers['h'], answers['v']):
            self.equal('%s: %s' % (name, q), v, h)
        for kind in KINDS:
            self.equal('CHECK TABLE ' + name, s.ask('CHECK TABLE %s_%s SETTINGS check_query_single_value_result = 1' % (name, kind)), '1\n')

    def create(self, s, name, columns, engine, settings):
        for kind, own in KINDS.items():
            table = '%s_%s' % (name, kind)
            s.ask('CREATE TABLE %s (%s) ENGINE = %s SETTINGS %s%s' % (table, columns, engine, own, settings))
            s.ask('SYSTEM STOP MERGES ' + table)

    def merge(self, s, name, how='FINAL'):
        for kind in KINDS:
            s.ask('SYSTEM START MERGES %s_%s' % (name, kind))
            s.ask('OPTIMIZE TABLE %s_%s %s' % (name, kind, how))

    def family(self, s):
        for name, (columns, values, engine, settings) in FAMILY.items():
            of_table = COLUMNS.replace('s String, d', 's String TTL dt + INTERVAL 1 DAY, d') if name == 'columns_ttl' else COLUMNS
            self.create(s, name, of_table + columns, engine, settings)
            for kind in KINDS:
                self.fill(s, '%s_%s' % (name, kind), values, 4, 12000, 9000, DUE if 'ttl' in name else NEVER)
            self.merge(s, name)
            self.same(s, name)
            for kind in KINDS: # once more, with a part that has been merged, and rows that went
                s.ask('ALTER TABLE %s_%s DELETE WHERE k %% 11 = 2' % (name, kind))
                self.fill(s, '%s_%s' % (name, kind), values, 1, 5000, 20000, NEVER)
            self.merge(s, name, 'FINAL DEDUPLICATE' if name == 'plain' else 'FINAL')
            self.same(s, name)
            for kind in KINDS:
                s.ask('DROP TABLE %s_%s SYNC' % (name, kind))

    def altered(self, s):
        """Parts that lack a column, or have it with another type."""
        self.create(s, 'altered', 'k UInt32, x UInt16, s String, gone UInt8', 'MergeTree ORDER BY k', '')
        for kind in KINDS:
            t = 'altered_' + kind
            s.ask("INSERT INTO %s SELECT number * 2, number %% 1000, concat('a', toString(number %% 70)), 1 FROM numbers(40000)" % t)
            s.ask("ALTER TABLE %s ADD COLUMN y String DEFAULT concat(s, '!'), ADD COLUMN z UInt8, DROP COLUMN gone" % t)
            s.ask("ALTER TABLE %s MODIFY COLUMN x String" % t)
            s.ask("INSERT INTO %s (k, x, s, y) SELECT number * 3, number, concat('b', toString(number %% 50)), 'own' FROM numbers(30000)" % t)
        self.merge(s, 'altered')
        self.same(s, 'altered', ['SELECT * FROM {t} ORDER BY _part, _part_offset', 'SELECT x, count() FROM {t} GROUP BY x ORDER BY x LIMIT 20'])

    def many(self, s):
        """More parts than have a number of one byte, and blocks that are read more than once."""
        self.create(s, 'many', 'k UInt32, a UInt32, s String', 'ReplacingMergeTree ORDER BY k', ', parts_to_throw_insert = 10000, parts_to_delay_insert = 10000')
        for kind in KINDS:
            for j in range(140):
                s.ask("INSERT INTO many_%s SELECT number * 141 + %d + if(number %% 5 = 0, 1, 0), %d, concat('s', toString(number %% 10 + %d)) FROM numbers(900)" % (kind, j, j, j))
            s.ask("INSERT INTO many_%s SELECT number + 60000, 7, 'large' FROM numbers(300000)" % kind)
        self.merge(s, 'many')
        self.same(s, 'many', ['SELECT * FROM {t} ORDER BY _part, _part_offset', "SELECT count() FROM {t} WHERE s = 'large'"])

    def long_strings(self, s):
        """More than 256 MiB of strings that have no dictionary within the rows of a segment: the merge is done by rows in the end."""
        self.create(s, 'long', 'k UInt32, t String, b UInt8', 'MergeTree ORDER BY k', '')
        for kind in KINDS:
            for j in range(2):
                s.ask("INSERT INTO long_%s SELECT number * 2 + %d, if(number < 9000, concat(toString(number + %d * 100000), repeat('x', 16000)), toString(number)), %d FROM numbers(60000)" % (kind, j, j, j))
        self.merge(s, 'long')
        self.same(s, 'long', ['SELECT count(), sum(cityHash64(*)), sum(length(t)) FROM {t}', 'SELECT k, t FROM {t} WHERE k IN (3, 17000, 50000) ORDER BY k'])
        for kind in KINDS:
            s.ask('DROP TABLE long_%s SYNC' % kind)

    def forgets(self, s, data):
        """Strings of rows that a merge took away are in no file; keys of others keep the dictionary in order."""
        s.ask('CREATE TABLE secret (k UInt32, ver UInt8, s String, x UInt8) ENGINE = ReplacingMergeTree(ver) ORDER BY k SETTINGS ' + KINDS['v'])
        s.ask("INSERT INTO secret SELECT number, 1, if(number = 777, 'TheSecretOfRow777', concat('s', toString(number % 40))), 0 FROM numbers(20000)")
        s.ask("INSERT INTO secret SELECT number, 2, concat('t', toString(number % 40)), 1 FROM numbers(700, 500)")
        s.ask('OPTIMIZE TABLE secret FINAL')
        end = time.time() + 30
        holders = None
        while holders != [] and time.time() < end:
            time.sleep(0.1)
            holders = [f for f in glob.glob(os.path.join(data, 'store', '*', '*.part')) if b'TheSecretOfRow777' in open(f, 'rb').read()]
        self.equal('a replaced string is still there', holders, [])
        self.equal('rows of secret', s.ask("SELECT count(), countIf(s LIKE 't%'), uniqExact(s) FROM secret"), '20000\t500\t80\n')

    def stopped(self, s, data):
        """system.merges tells the kind; a merge that is stopped leaves its sources and no file."""
        columns = ', '.join('c%d String' % i for i in range(24))
        values = ', '.join("concat('c', toString((number * %d) %% 60000))" % (i + 3) for i in range(24))
        for kind, algorithm in (('h', 'Horizontal'), ('v', 'Vertical')):
            t = 'stopped_' + kind
            s.ask('CREATE TABLE %s (k UInt32, %s) ENGINE = MergeTree ORDER BY k SETTINGS %s' % (t, columns, KINDS[kind]))
            s.ask('SYSTEM STOP MERGES ' + t)
            for j in range(3):
                s.ask('INSERT INTO %s SELECT (number * 7 + %d) %% 100000, %s FROM numbers(150000)' % (t, j, values))
            parts = s.ask("SELECT name FROM system.parts WHERE active AND table = '%s' ORDER BY name" % t)
            files = len(glob.glob(os.path.join(data, 'store', '*', '*.part')))
            s.ask('SYSTEM START MERGES ' + t)
            answer = []

            def optimize():
                try:
                    answer.append(Client(s.running.url).ask('OPTIMIZE TABLE %s FINAL' % t))
                except Exception as error:
                    answer.append(str(error))
            thread = threading.Thread(target=optimize)
            thread.start()
            seen = ''
            end = time.time() + 60
            while not seen and thread.is_alive() and time.time() < end:
                seen = s.ask("SELECT merge_algorithm FROM system.merges WHERE table = '%s'" % t)
            time.sleep(0.3)
            s.ask('SYSTEM STOP MERGES ' + t)
            thread.join()
            self.equal('algorithm of ' + t, seen, algorithm + '\n')
            self.check('a stopped merge ended with %r' % answer, answer and 'Cancelled merging parts' in answer[0])
            self.equal('parts of ' + t, s.ask("SELECT name FROM system.parts WHERE active AND table = '%s' ORDER BY name" % t), parts)
            self.equal('files of ' + t, str(len(glob.glob(os.path.join(data, 'store', '*', '*.part')))), str(files))
            s.ask('SYSTEM START MERGES ' + t)
            s.ask('OPTIMIZE TABLE %s FINAL' % t)
        self.equal('rows of stopped', s.ask('SELECT sum(cityHash64(*)) FROM stopped_v'), s.ask('SELECT sum(cityHash64(*)) FROM stopped_h'))

    def memory(self):
        """What a merge of a wide table holds at most, beside what the server holds anyway."""
        if not self.a.release:
            self.skipped += 1
            return
        columns = ', '.join('c%d String' % i for i in range(60))
        values = ', '.join("concat('some text of column %d, ', toString((number * %d + {j}) %% 60000))" % (i, 2 * i + 3) for i in range(60))
        held = {}
        for kind in KINDS:
            data = tempfile.mkdtemp(prefix='firn-vertical-')
            r = Running(self.a.release, data)
            ask = Client(r.url).ask
            anon = lambda: int(open('/proc/%d/status' % r.process.pid).read().split('RssAnon:')[1].split()[0]) // 1024
            ask('CREATE TABLE wide (k UInt32, %s) ENGINE = MergeTree ORDER BY k SETTINGS %s' % (columns, KINDS[kind]))
            ask('SYSTEM STOP MERGES wide')
            for j in range(4):
                ask('INSERT INTO wide SELECT (number * 7 + %d) %% 1000000, %s FROM numbers(130000)' % (j, values.format(j=j)))
            r.stop()
            r = Running(self.a.release, data)
            ask = Client(r.url).ask
            before = peak = anon()
            thread = threading.Thread(target=lambda: Client(r.url).ask('OPTIMIZE TABLE wide FINAL'))
            thread.start()
            while thread.is_alive():
                peak = max(peak, anon())
                time.sleep(0.01)
            held[kind] = peak - before
            r.stop()
            shutil.rmtree(data)
        print('a merge of 60 columns holds %d MiB by rows, %d MiB by columns' % (held['h'], held['v']))
        self.check('merging by columns holds %d MiB, by rows %d' % (held['v'], held['h']), held['v'] * 3 < held['h'])

    def run(self):
        data = tempfile.mkdtemp(prefix='firn-vertical-')
        s = Server(self.a.firn, data)
        self.family(s)
        self.altered(s)
        self.many(s)
        self.long_strings(s)
        self.forgets(s, data)
        self.stopped(s, data)
        s.stop()
        shutil.rmtree(data)
        self.memory()
        print('%d passed, %d failed, %d skipped' % (self.passed, self.failed, self.skipped))
        return 1 if self.failed else 0


if __name__ == '__main__':
    p = argparse.ArgumentParser()
    p.add_argument('firn')
    p.add_argument('--release')
    sys.exit(Test(p.parse_args()).run())
