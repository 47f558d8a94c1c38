#!/usr/bin/env python3
"""family.py - random rows through the MergeTree family, asked of a firn binary and of ClickHouse (pip install chdb): what inserts leave, what
FINAL shows, what OPTIMIZE FINAL makes of it, twice over, with partitions and inserts that are not collapsed.

  family.py build/asan/firn [--seed 1] [--cases 200] [--seconds 60] [--kind collapsing]

A case that differs prints its statements and replays by its seed: --seed S --cases 1. SPDX-License-Identifier: Apache-2.0"""
import argparse
import importlib.util
import os
import random
import shutil
import sys
import tempfile
import time

import sides

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'server'))
from running import Running  # noqa: E402

TEXTS = ["''", "'a'", "'bc'", "'zz'"]


def pick(*values):
    return lambda r: str(r.choice(values))


def number(low, high):
    return lambda r: str(r.choice([0, low, high, r.randint(-3 if low else 0, 9), r.randint(low, high)]))


def nullable(of, one_in=3):
    return lambda r: 'NULL' if r.randrange(one_in) == 0 else of(r)


def array(of, most=3):
    return lambda r: '[' + ', '.join(of(r) for _ in range(r.randrange(most + 1))) + ']'


def pairs(r, keys, values):
    n = r.randrange(4)
    return '[%s]' % ', '.join(keys(r) for _ in range(n)), '[%s]' % ', '.join(values(r) for _ in range(n))


def sum_map(keys, values):
    return lambda r: '(%s, %s)' % pairs(r, keys, values)


small = number(0, 9)
text = pick(*TEXTS)
SUMS = {'Int8': number(-128, 127), 'UInt8': number(0, 255), 'Int16': number(-32768, 32767), 'Int64': number(-2**63, 2**63 - 1), 'UInt64': number(0, 2**64 - 1),
        'Int128': number(-2**100, 2**100), 'Float64': pick('0', '1.5', '-2.25', '1e10'), 'Float32': pick('0', '-0.5', '3'), 'Decimal(9, 2)': pick('0', '1.25', '-3.5', '9999999.99'),
        'Decimal(38, 4)': pick('0', '1.25', '-3.5'), 'Nullable(Int32)': nullable(number(-5, 5)), 'Nullable(Float64)': nullable(pick('0', '1.5')),
        'LowCardinality(Int32)': number(-5, 5), 'LowCardinality(Nullable(Int32))': nullable(number(-5, 5)), 'Bool': pick('true', 'false'), 'String': text,
        'Nullable(String)': nullable(text), 'LowCardinality(String)': text, 'Date': pick("'2020-01-01'", "'2021-05-05'"), 'Array(Int32)': array(small),
        "Enum8('a' = 1, 'b' = 2)": pick("'a'", "'b'"), 'UUID': pick("'00000000-0000-0000-0000-000000000001'", "'10000000-0000-0000-0000-000000000001'"),
        'SimpleAggregateFunction(max, Int32)': small, 'Map(String, Int32)': lambda r: "map('a', %s, 'b', %s)" % (small(r), small(r))}
SIMPLE = {'any, Int32': small, 'any, Nullable(Int32)': nullable(small), 'anyLast, Int32': small, 'anyLast, Nullable(String)': nullable(text), 'any, LowCardinality(String)': text,
          'any_respect_nulls, Nullable(Int32)': nullable(small), 'anyLast_respect_nulls, Nullable(Int32)': nullable(small), 'min, String': text, 'max, Nullable(Int64)': nullable(small),
          'max, Date': pick("'2020-01-01'", "'2021-05-05'"), 'min, Array(Int32)': array(small), 'max, Decimal(9, 2)': pick('1.5', '-2'), 'min, Float64': pick('1.5', '-2', 'nan'),
          'sum, Int64': number(-2**63, 2**63 - 1), 'sum, Float64': pick('0', '1.5', '-2.25'), 'sum, Decimal(38, 2)': pick('0', '1.25'), 'sum, Nullable(Int64)': nullable(small),
          'sumWithOverflow, UInt8': number(0, 255), 'sumWithOverflow, Nullable(Int16)': nullable(number(-32768, 32767)), 'groupBitAnd, UInt8': number(0, 255),
          'groupBitOr, UInt32': number(0, 255), 'groupBitXor, UInt64': number(0, 255), 'sumMap, Tuple(Array(Int32), Array(Int64))': sum_map(small, small),
          'sumMap, Tuple(Array(String), Array(Int64))': sum_map(text, small), 'minMap, Tuple(Array(Int32), Array(Int64))': sum_map(small, small),
          'maxMap, Tuple(Array(String), Array(Int64))': sum_map(text, small), 'groupArrayArray, Array(Int32)': array(small), 'groupUniqArrayArray, Array(UInt8)': array(small, 2),
          'groupArrayLastArray(3), Array(Int32)': array(small)}
STATES = {'sum, Int32': small, 'avg, Float64': pick('1', '2.5'), 'uniqExact, String': text, 'min, String': text, 'max, Nullable(Int32)': nullable(small),
          'any, String': text, 'groupArray, Int32': small, 'groupUniqArray, UInt8': number(0, 255), 'quantileExact(0.5), Int32': small,
          'uniq, Int32': small, 'groupBitXor, UInt8': number(0, 255), 'varPop, Float64': pick('1', '2.5'), 'anyLast, Nullable(String)': nullable(text), 'uniqCombined, Int64': small}


class Table:
    """columns: [(name, type, value(r))]; shown: the expressions of a SELECT."""

    def __init__(self, kind, r):
        self.r, self.kind, self.n = r, kind, 0
        self.columns, self.shown, self.states, settings = [('k', 'Int32', lambda r: str(r.randint(1, r.choice([1, 3, 6]))))], None, [], []
        self.sort = 'k'
        getattr(self, kind)()
        self.partition = r.choice(['', '', ' PARTITION BY p'])
        if self.partition:
            self.columns.append(('p', 'UInt8', pick(0, 1)))
        self.cleans = self.engine.endswith('(v, d)') and r.randrange(2)
        if self.cleans:
            settings.append('allow_experimental_replacing_merge_with_cleanup = 1')
        if r.randrange(4) == 0:
            settings.append('min_bytes_for_wide_part = 0')
        self.create = 'CREATE TABLE t (%s) ENGINE = %s%s ORDER BY %s%s' % (', '.join('%s %s' % (name, t) for name, t, _ in self.columns), self.engine, self.partition, self.sort,
                                                                      ' SETTINGS ' + ', '.join(settings) if settings else '')

    def serial(self, _):
        self.n += 1
        return str(self.n)

    def collapsing(self):
        self.columns += [('n', 'Int32', self.serial), ('s', 'Int8', pick(1, -1))]
        self.engine = 'CollapsingMergeTree(s)'

    def versioned(self):
        self.columns += [('n', 'Int32', self.serial), ('s', 'Int8', pick(1, -1)), ('v', self.r.choice(['UInt8', 'Int32', 'Date']), pick(1, 2))]
        self.engine = 'VersionedCollapsingMergeTree(s, v)'

    def replacing(self):
        self.columns.append(('n', 'Int32', self.serial))
        version, values = self.r.choice([('UInt8', pick(0, 1, 2)), ('Int64', pick(-1, 0, 7)), ('Date', pick("'2020-01-01'", "'2021-05-05'")), ('Float64', pick('1.5', '-1', '2', 'nan', 'inf')),
                                         ('Bool', pick('true', 'false')), ('LowCardinality(UInt8)', pick(1, 2)), ("DateTime64(3)", pick("'2020-01-01 00:00:00.001'", "'2021-05-05 00:00:00'"))])
        args = self.r.randrange(3)
        if args:
            self.columns.append(('v', version, values))
        if args == 2:
            self.columns.append(('d', self.r.choice(['UInt8', 'Bool']), pick(0, 0, 1)))
        self.engine = 'ReplacingMergeTree' + ['', '(v)', '(v, d)'][args]

    def some(self, types, form='%s'):
        for i in range(self.r.randint(1, 4)):
            t = self.r.choice(sorted(types))
            self.columns.append(('c%d' % i, form % t, types[t]))

    def summing(self):
        self.some(SUMS)
        self.engine = 'SummingMergeTree'
        if self.r.randrange(3) == 0:
            sums = [c[0] for c in self.columns[1:] if self.r.randrange(2)]
            self.engine += '((%s))' % ', '.join(sums) if sums else ''
        if self.r.randrange(3) == 0:
            self.nested()

    def nested(self):
        """A nested map: k and v are arrays of one length."""
        r, key = self.r, self.r.choice(['Int32', 'UInt8', 'String'])
        made = {}

        def keys(rnd):
            made['v'] = pairs(rnd, text if key == 'String' else small, small)
            return made['v'][0]
        name = r.choice(['theMap', 'itMap', 'plain'])
        inner = r.choice(['key', 'ID', 'someKey', 'id'])
        self.columns += [('`%s.%s`' % (name, inner), 'Array(%s)' % key, keys), ('`%s.v`' % name, 'Array(%s)' % r.choice(['Int64', 'UInt8', 'Float64']), lambda _: made['v'][1])]

    def coalescing(self):
        self.some({t: v for t, v in SUMS.items() if 'Aggregate' not in t})
        self.engine = 'CoalescingMergeTree'

    def simple(self):
        self.some(SIMPLE, 'SimpleAggregateFunction(%s)')
        self.shown = ', '.join(self.in_order(t, n) for n, t, _ in self.columns)
        self.engine = 'AggregatingMergeTree'

    @staticmethod
    def in_order(t, shown):
        return 'arraySort(arrayMap(x -> x, %s))' % shown if 'groupUniqArray' in t else shown

    def state(self):
        """Rows come as states: INSERT SELECT of initializeAggregation."""
        self.some({t: v for t, v in STATES.items() if v}, 'AggregateFunction(%s)')
        self.states = [(name, t) for name, t, _ in self.columns if t.startswith('AggregateFunction')]
        self.shown = ', '.join(self.in_order(t, 'finalizeAggregation(%s)' % n) if t.startswith('AggregateFunction') else n for n, t, _ in self.columns)
        self.engine = 'AggregatingMergeTree'

    def value(self, t, v):
        if not t.startswith('AggregateFunction'):
            return v(self.r)
        function, argument = t[len('AggregateFunction('):-1].split(', ', 1)
        name, _, params = function.partition('(')
        return "initializeAggregation('%sState%s', CAST(%s, '%s'))" % (name, '(' + params if params else '', v(self.r), argument)

    def insert(self):
        rows = ['(%s)' % ', '.join(self.value(t, v) for _, t, v in self.columns) for _ in range(self.r.randint(1, 6))]
        head = 'INSERT INTO t SETTINGS optimize_on_insert = %d ' % (self.r.randrange(3) > 0)
        if self.states:
            return head + ' UNION ALL '.join('SELECT ' + row[1:-1] for row in rows)
        return head + 'VALUES ' + ', '.join(rows)

    def statements(self):
        """Pairs: is it asked for rows, the statement."""
        shown = self.shown or '*'
        apart = self.r.choice(['', '', ' SETTINGS do_not_merge_across_partitions_select_final = 1']) if self.partition else ''
        looks = ['SELECT %s FROM t' % shown, 'SELECT %s FROM t FINAL%s' % (shown, apart)]
        if self.kind != 'summing':  # ClickHouse reads one column for it, and drops the rows that are zero in that one
            looks.append('SELECT count() FROM t FINAL')
        yield False, self.create
        yield False, 'SYSTEM STOP MERGES t'
        for _ in range(2):
            for _ in range(self.r.randint(1, 4)):
                yield False, self.insert()
            for look in looks:
                yield True, look
            yield False, 'SYSTEM START MERGES t'
            yield False, 'OPTIMIZE TABLE t FINAL' + (' CLEANUP' if self.cleans else '')
            yield False, 'SYSTEM STOP MERGES t'
            for look in looks:
                yield True, look


KINDS = [name for name in ('collapsing', 'versioned', 'replacing', 'summing', 'coalescing', 'simple', 'state')]


def run(firn, judge, seed, kind):
    """None, or what was asked so far and why not."""
    r = random.Random(seed)
    t = Table(kind or r.choice(KINDS), r)
    firn.ask('DROP TABLE IF EXISTS t SYNC')
    judge.ask('DROP TABLE IF EXISTS t SYNC')
    asked = []
    for rows, sql in t.statements():
        asked.append(sql)
        a, b = firn.ask(sql), judge.ask(sql)
        if a[0] == 'rows' and b[0] == 'rows' and rows:
            a, b = (a[0], sorted(a[1].split(b'\n'))), (b[0], sorted(b[1].split(b'\n')))
        if a[:2] != b[:2] if rows or 'error' in (a[0], b[0]) else a[0] != b[0]:
            return asked, a, b
        if a[0] == 'error' and sql.startswith('CREATE'):
            return None
    return None


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('binary')
    ap.add_argument('--url')
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--cases', type=int, default=200)
    ap.add_argument('--seconds', type=float, default=60)
    ap.add_argument('--kind', choices=KINDS)
    a = ap.parse_args()
    if importlib.util.find_spec('chdb') is None:
        print('chdb is not installed: nothing to compare with\n0 passed, 0 failed, 1 skipped')
        return 0
    path = tempfile.mkdtemp(prefix='firn-family-')
    server = None if a.url else Running(a.binary, os.path.join(path, 'data'))
    firn, judge = sides.Firn(a.url or server.url, 'family'), sides.Judge(os.path.join(path, 'judge'), 'family')
    passed = failed = 0
    try:
        firn.begin(), judge.begin()
        end = time.time() + a.seconds
        for seed in range(a.seed, a.seed + a.cases):
            if time.time() > end:
                break
            why = run(firn, judge, seed, a.kind)
            passed, failed = passed + (why is None), failed + (why is not None)
            if why:
                print('seed %d\n  %s\n  firn:    %s\n  ClickHouse: %s' % (seed, ';\n  '.join(why[0]), str(why[1])[:1500], str(why[2])[:1500]), flush=True)
            if judge.child is None:
                judge.begin()
    finally:
        judge.stop()
        firn.end()
        if server and server.stop() != 0:
            failed += 1
            print(server.errors[-3000:])
        shutil.rmtree(path, ignore_errors=True)
    print('%d passed, %d failed, 0 skipped' % (passed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
