#!/usr/bin/env python3
"""Data directories of earlier versions are read: each folder of tests/data/golden is copied, opened, asked, changed, opened again.

  golden_test.py build/asan/firn                      ends with 'N passed, N failed, N skipped'
  golden_test.py build/release/firn --make NAME       writes the folder NAME with the data of this version

A folder holds `data` (a data directory after a clean stop), and `answers.json`: statements and what they answered when it was made.
A folder is never changed; when the format changes, one more is made. SPDX-License-Identifier: Apache-2.0"""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback

from http_ask import Client
from running import Running

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data', 'golden')
MAKE = [
    'CREATE DATABASE g',
    "CREATE TABLE g.types (id UInt32, i Int64, u8 UInt8, f Float64, d Decimal(18, 4), dt DateTime('UTC'), day Date, s String, l LowCardinality(String), n Nullable(Int32), ns Nullable(String), "
    "a Array(UInt16), m Map(String, UInt8), t Tuple(x Int8, y String), e Enum8('a' = 1, 'b' = 2), u UUID, ip IPv4, big Int128, fixed FixedString(5)) "
    'ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY id',
    "INSERT INTO g.types SELECT number, number * 1000000007 - 5, number % 256, number / 7, number / 16, toDateTime('2024-01-01 00:00:00', 'UTC') + number * 3600, toDate('2024-01-01') + number % 60, "
    "concat('string ', toString(cityHash64(number) % 1000)), ['red', 'green', 'blue'][number % 3 + 1], if(number % 5 = 0, NULL, number), if(number % 7 = 0, NULL, toString(number)), "
    "range(number % 4), map('k', number % 9), (number % 100, 'y'), if(number % 2, 'a', 'b'), toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0'), toIPv4(number), number * 1000000000000, "
    "'abc' FROM numbers(9000)",
    "INSERT INTO g.types (id, day, s) SELECT 100000 + number, '2024-03-01', repeat('long ', number % 50) FROM numbers(300)",
    'CREATE TABLE g.replaced (k UInt32, v UInt32, ver UInt8) ENGINE = ReplacingMergeTree(ver) ORDER BY k',
    'INSERT INTO g.replaced SELECT number, 1, 1 FROM numbers(1000)',
    'INSERT INTO g.replaced SELECT number * 2, 2, 2 FROM numbers(500)',
    'CREATE TABLE g.summed (k UInt8, s UInt64) ENGINE = SummingMergeTree ORDER BY k',
    'INSERT INTO g.summed SELECT number % 10, number FROM numbers(1000)',
    'CREATE TABLE g.states (k UInt8, u AggregateFunction(uniq, UInt32), a AggregateFunction(avg, Float64)) ENGINE = AggregatingMergeTree ORDER BY k',
    'INSERT INTO g.states SELECT number % 3, uniqState(toUInt32(number)), avgState(toFloat64(number)) FROM numbers(1000) GROUP BY number % 3',
    'CREATE TABLE g.altered (p UInt8, x UInt64, gone String) ENGINE = MergeTree PARTITION BY p ORDER BY x',
    "INSERT INTO g.altered SELECT number % 3, number, 'gone' FROM numbers(300)",
    'ALTER TABLE g.altered DROP COLUMN gone',
    "ALTER TABLE g.altered ADD COLUMN gone String DEFAULT 'new'",
    'ALTER TABLE g.altered ADD COLUMN z UInt8 DEFAULT 7',
    'ALTER TABLE g.altered MODIFY COLUMN z Int32',
    'CREATE TABLE g.shared AS g.altered',
    'ALTER TABLE g.altered DETACH PARTITION 2',
    'CREATE VIEW g.v AS SELECT count() AS c FROM g.types',
    'CREATE MATERIALIZED VIEW g.mv ENGINE = MergeTree ORDER BY k AS SELECT k, s FROM g.summed',
    'INSERT INTO g.summed VALUES (7, 7)',
    'CREATE TABLE g.log (x UInt8) ENGINE = Log',
    'INSERT INTO g.log VALUES (1), (2)',
    'CREATE TABLE g.set_aside (x UInt8) ENGINE = MergeTree ORDER BY x',
    'INSERT INTO g.set_aside VALUES (9)',
    'DETACH TABLE g.set_aside PERMANENTLY',
    'OPTIMIZE TABLE g.replaced FINAL',
    'ALTER TABLE g.types DELETE WHERE id % 1000 = 13',
]
LATER = [ # what came after the first golden folder; statements that fail are left out with a word
    'CREATE TABLE g.indexed (id UInt32, s String, INDEX i s TYPE bloom_filter GRANULARITY 1, INDEX m id TYPE minmax GRANULARITY 2) ENGINE = MergeTree ORDER BY tuple()',
    "INSERT INTO g.indexed SELECT number, concat('value', toString(number)) FROM numbers(30000)",
    'CREATE TABLE g.once (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS non_replicated_deduplication_window = 10',
    'INSERT INTO g.once VALUES (1)',
    'CREATE TABLE g.dropped (x UInt8) ENGINE = MergeTree ORDER BY x',
    'INSERT INTO g.dropped VALUES (5)',
    'DROP TABLE g.dropped',
    "CREATE TABLE g.events (t DateTime('UTC'), kind LowCardinality(String), v UInt64) ENGINE = MergeTree ORDER BY t",
    "INSERT INTO g.events SELECT toDateTime('2024-01-01 00:00:00', 'UTC') + intDiv(number, 7), ['view', 'click'][number % 11 = 0 ? 2 : 1], if(number % 100 = 0, number * 1000000, number % 3) FROM numbers(40000)",
    'INSERT INTO g.events SELECT * FROM g.events LIMIT 20000',
    'OPTIMIZE TABLE g.events FINAL',
    'CREATE TABLE g.projected (id UInt32, k UInt16, v Int64, PROJECTION by_k (SELECT id, k ORDER BY k), PROJECTION g (SELECT k, count(), sum(v), uniq(id) GROUP BY k)) ENGINE = MergeTree ORDER BY id',
    'INSERT INTO g.projected SELECT number, number % 100, number * 3 FROM numbers(30000)',
    'INSERT INTO g.projected SELECT number, number % 100, number FROM numbers(1000)',
    "CREATE TABLE g.aging (k UInt8, d DateTime('UTC'), v UInt64, c UInt8 TTL d + INTERVAL 3 DAY) ENGINE = MergeTree ORDER BY k TTL d + INTERVAL 90 YEAR, d + INTERVAL 1 DAY GROUP BY k SET v = sum(v), "
    "d + INTERVAL 2 DAY RECOMPRESS CODEC(ZSTD(3))",
    "INSERT INTO g.aging SELECT number % 5, if(number < 50, '2001-01-01 00:00:00', '2100-01-01 00:00:00'), number, 1 FROM numbers(100)",
    'OPTIMIZE TABLE g.aging FINAL',
]
ASK = [
    'SELECT count(), sum(i), sum(u8), round(sum(f), 3), sum(d), max(dt), uniqExact(s), groupUniqArray(3)(l) != [], sum(n), count(ns), sum(length(a)), sum(m[\'k\']), sum(t.x), countIf(e = \'a\'), any(u), max(ip), sum(big), '
    'any(fixed) FROM g.types WHERE id < 100000',
    'SELECT count(), sum(length(s)) FROM g.types WHERE id >= 100000',
    'SELECT * FROM g.types WHERE id IN (0, 7, 8765) ORDER BY id',
    "SELECT count() FROM g.types WHERE s = 'string 77' AND l = 'red'",
    'SELECT partition_id, count(), sum(rows) FROM system.parts WHERE active AND database = \'g\' AND table = \'types\' GROUP BY 1 ORDER BY 1',
    'SELECT count(), sum(v) FROM g.replaced FINAL',
    'SELECT k, sum(s) FROM g.summed GROUP BY k ORDER BY k',
    'SELECT k, uniqMerge(u), avgMerge(a) FROM g.states GROUP BY k ORDER BY k',
    'SELECT count(), sum(x), toTypeName(any(z)), sum(z), any(gone) FROM g.altered',
    'SELECT name FROM system.detached_parts WHERE database = \'g\'',
    'SELECT * FROM g.v',
    'SELECT * FROM g.mv',
    'SELECT sum(x) FROM g.log',
    'SHOW TABLES FROM g',
    'SHOW CREATE TABLE g.types',
]
ASK_LATER = [
    "SELECT id FROM g.indexed WHERE s = 'value7777'",
    'SELECT count() FROM g.once',
    'SELECT kind, count(), sum(v), max(t) FROM g.events GROUP BY kind ORDER BY kind',
    'SELECT count(), sum(id) FROM g.projected WHERE k = 7 SETTINGS force_optimize_projection = 1',
    'SELECT k % 3 AS x, count(), sum(v), uniq(id) FROM g.projected GROUP BY x ORDER BY x SETTINGS force_optimize_projection = 1',
    'SELECT name, rows FROM system.projection_parts ORDER BY parent_name, name',
    "SELECT rows, default_compression_codec, delete_ttl_info_max, group_by_ttl_info.expression, group_by_ttl_info.min, recompression_ttl_info.max FROM system.parts WHERE active AND table = 'aging'",
    'SELECT k, d, count(), sum(v), sum(c) FROM g.aging GROUP BY k, d ORDER BY k, d',
]


def make(firn, name):
    folder = os.path.join(GOLDEN, name)
    os.makedirs(folder)
    s = Running(firn, os.path.join(folder, 'data'))
    ask, answers = Client(s.url).ask, []
    for sql in MAKE + LATER:
        try:
            ask(sql)
        except Exception as e:
            print('left out: %s: %s' % (sql[:80], str(e)[:150]))
    for sql in ASK + ASK_LATER:
        try:
            answers.append([sql, ask(sql)])
        except Exception as e:
            print('left out: %s: %s' % (sql[:80], str(e)[:150]))
    assert s.stop() == 0, s.errors
    for rest in ('data.log',):
        os.remove(os.path.join(folder, rest))
    for rest in ('query_log.bin', 'user_files', 'temporary', 'tmp', 'catalog.reserve'):
        at = os.path.join(folder, 'data', rest)
        if os.path.isdir(at):
            shutil.rmtree(at)
        elif os.path.exists(at):
            os.remove(at)
    with open(os.path.join(folder, 'answers.json'), 'w', encoding='utf-8') as f:
        json.dump(answers, f, indent=1)


def check(firn, folder, path):
    shutil.copytree(os.path.join(folder, 'data'), path)
    with open(os.path.join(folder, 'answers.json'), encoding='utf-8') as f:
        answers = json.load(f)
    for how in (signal.SIGKILL, signal.SIGTERM):
        s = Running(firn, path)
        try:
            ask = Client(s.url).ask
            for sql, answer in answers:
                got = ask(sql)
                assert got == answer, '%s\n  gives %r\n  gave  %r' % (sql, got, answer)
            assert ask('CHECK TABLE g.types', check_query_single_value_result=1) == '1\n', 'CHECK TABLE'
        finally:
            s.stop(how)
    s = Running(firn, path) # it can be written to
    try:
        ask = Client(s.url).ask
        ask('ALTER TABLE g.altered ATTACH PARTITION 2')
        assert ask('SELECT count(), sum(x) FROM g.altered') == '300\t44850\n'
        ask('ATTACH TABLE g.set_aside')
        assert ask('SELECT x FROM g.set_aside') == '9\n'
        ask('INSERT INTO g.types (id, day) VALUES (200000, \'2024-01-01\')')
        ask('OPTIMIZE TABLE g.types FINAL')
        assert ask('SELECT count(), sum(i) FROM g.types WHERE id < 100000').split()[1] == answers[0][1].split('\t')[1]
    finally:
        s.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('firn')
    parser.add_argument('--make')
    a = parser.parse_args()
    if a.make:
        make(a.firn, a.make)
        return 0
    passed = failed = 0
    for name in sorted(os.listdir(GOLDEN)):
        path = tempfile.mkdtemp(prefix='firn-golden-')
        try:
            check(a.firn, os.path.join(GOLDEN, name), os.path.join(path, 'data'))
            passed += 1
        except Exception:
            failed += 1
            print('%s\n%s' % (name, traceback.format_exc()))
        shutil.rmtree(path, ignore_errors=True)
    print('%d passed, %d failed, 0 skipped' % (passed, failed))
    return 1 if failed else 0


sys.exit(main())
