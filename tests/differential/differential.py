#!/usr/bin/env python3
"""Random statements over random tables, asked of firn and of ClickHouse (chdb): rows, types, names and error codes are to be the same.

  differential.py BINARY [--statements 1500] [--seconds 60] [--seed 1] [--round-size 60] [--keep-known]
  differential.py BINARY --seed S --statement K       asks one statement of one round again, reduced, with both answers

Ends with 'N passed, N failed, N skipped'; without chdb nothing is asked. A statement that firn refuses with NOT_IMPLEMENTED (48) counts as
skipped and is listed by its feature. accepted.txt names the differences that are decisions. Where both refuse a statement with different codes it may
have two faults, of which each side names the one it meets first: that counts as skipped, and as a failure with --codes. SPDX-License-Identifier: Apache-2.0"""
import argparse
import collections
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'server'))
sys.path.insert(0, os.path.join(HERE, '..'))
from answers import near  # noqa: E402
from queries import Round  # noqa: E402
from reduce import reduce_statement  # noqa: E402
from running import Running  # noqa: E402
from sides import Firn, Judge  # noqa: E402

ZERO = re.compile(r'(?<![^\t\n,\[\](){}: ])-0(?![^\t\n,\[\](){}: ])')
# Codes that depend on which rows are looked at in which order: a filter moved, a branch not taken.
ROW_CODES = {6, 27, 32, 36, 38, 41, 43, 44, 53, 69, 70, 72, 117, 128, 131, 135, 153, 190, 321, 353, 376, 407, 441, 467, 469, 675, 676, 691}


def alike(a, b):
    """Equal but for the last places of floating point numbers and the sign of zero."""
    return near(*(ZERO.sub('0', x.decode('latin-1')) for x in (a, b)))


def verdict(firn, judge, ordered):
    """None if the two agree, else (kind of difference, text, codes of both)."""
    found = difference(firn, judge, ordered)
    return found and (*found, [x[1] if x[0] == 'error' else 0 for x in (firn, judge)])


def same_head(a, b):
    """Names and types, but for the numbers of subqueries."""
    return re.sub(rb'_subquery_?\d+', b'_subquery', b'\n'.join(a[:2])) == re.sub(rb'_subquery_?\d+', b'_subquery', b'\n'.join(b[:2]))


def difference(firn, judge, ordered):
    if firn[0] == 'lost':
        return 'LOST', firn[1]
    if judge[0] == 'lost' or judge[0] == 'error' and judge[1] in (159, 241, 1001, 49, -1):
        return None
    if firn[0] == 'error' and firn[1] == 48:
        return ('48', firn[2]) if judge[0] == 'rows' or judge[1] != 48 else None
    if firn[0] == judge[0] == 'error':
        if firn[1] == judge[1]:
            return None
        return 'code', 'firn: %s\n      judge: %s' % (firn[2][:250], judge[2][:250])
    if firn[0] == 'error':
        return 'error', firn[2][:400]
    if judge[0] == 'error':
        return 'rowcode' if judge[1] in ROW_CODES else 'answer', judge[2][:400]
    a, b = firn[1].split(b'\n'), judge[1].split(b'\n')
    if not same_head(a, b):
        return 'head', 'firn: %r\n      judge: %r' % (a[:2], b[:2])
    if not ordered:
        a, b = sorted(a[2:]), sorted(b[2:])
    if a == b or alike(b'\n'.join(a), b'\n'.join(b)):
        return None
    for x, y in zip(a + [b'(no row)'], b + [b'(no row)']):
        if x != y:
            return 'rows', '%d and %d rows; firn: %r\n      judge: %r' % (len(a), len(b), x[:300], y[:300])
    return 'rows', '%d and %d rows' % (len(a), len(b))


def accepted_differences():
    lines = [l.strip() for l in open(os.path.join(HERE, 'accepted.txt'), encoding='utf-8')]
    return [(kind, re.compile(pattern)) for kind, pattern in (l.split(' ', 1) for l in lines if l and l[0] != '#')]


class Runner:
    def __init__(self, a):
        self.a, self.counts, self.features = a, [0, 0, 0], collections.Counter()
        self.work = tempfile.mkdtemp(prefix='firn-diff-')
        self.config = None
        self.accepted = accepted_differences()
        self.start()
        self.judge = Judge(os.path.join(self.work, 'judge'), 'differ')

    def start(self):
        if self.a.url:
            self.server, self.firn = None, Firn(self.a.url, 'differ')
        else:
            self.server = Running(self.a.binary, os.path.join(self.work, 'data'))
            self.firn = Firn(self.server.url, 'differ')

    def again(self):
        """After firn ended: what it said, and another one."""
        if self.server:
            self.server.stop()
            print('  firn ended: ' + '\n    '.join(self.server.errors[-3500:].split('\n')))
            self.start()

    def stop(self):
        self.judge.stop()
        trouble = 0
        if self.server:
            self.firn.end()
            code = self.server.stop()
            if code or re.search(r'(ERROR|WARNING): \w+Sanitizer|runtime error:', self.server.errors):
                print('firn ended with %s: %s' % (code, self.server.errors[-3000:]))
                trouble = 1
        shutil.rmtree(self.work, ignore_errors=True)
        return trouble

    def both(self, sql, ordered=False):
        return verdict(self.firn.ask(sql), self.judge.ask(sql), ordered)

    def change(self, sql):
        """The difference in a statement that gives no rows: whether it succeeds, and the code."""
        firn, judge = self.firn.ask(sql), self.judge.ask(sql)
        self.refused = judge[0] != 'rows'
        return verdict(*((side[0], b'') if side[0] == 'rows' else side for side in (firn, judge)), False)

    def prepare(self, rnd, upto):
        """Makes the round's tables as they are before statement `upto`; the statement of that the sides differ in, or that both refuse."""
        self.firn.begin()
        self.judge.begin()
        for sql in rnd.setup + list(filter(None, (rnd.change(k) for k in range(upto)))):
            v = self.change(sql)
            if v and (v[0] != 'rowcode' or sql in rnd.setup) or self.refused and sql in rnd.setup:
                return sql, v
        return None

    def is_accepted(self, sql, v):
        return v[0] == 'rowcode' and sql[:6] != 'CREATE' or any(kind == v[0] and pattern.search(sql + '\n' + v[1]) for kind, pattern in self.accepted)

    def report(self, rnd, k, sql, v, ordered):
        if self.is_accepted(sql, v):
            self.counts[2] += 1
            self.features['accepted: ' + v[0]] += 1
            return
        if v[0] == 'code' and not self.a.codes:
            self.counts[2] += 1
            self.features['refused with other codes: %d, not %d' % tuple(v[2])] += 1
            return
        if v[0] == '48':
            self.counts[2] += 1
            feature = re.sub(r"'[^']*'|\d+", '_', re.sub(r'^Code: \d+\. DB::Exception: ', '', v[1]))[:110].split('\n')[0]
            self.features['48: ' + feature] += 1
            if self.a.log:
                self.write(rnd, k, sql, v)
            return
        self.counts[1] += 1
        if v[0] != 'LOST' and self.a.reduce and ' FORMAT ' not in sql and not sql.startswith(('INSERT', 'DELETE', 'ALTER', 'CREATE', 'OPTIMIZE')):
            kind, codes = v[0], v[2]

            def still(candidate):
                if any(re.search(r'\b%s\b(?! AS \w+ FINAL| FINAL)' % t.name, candidate) for t in rnd.tables if t.folds):
                    return False
                w = self.both(candidate, ordered)
                return bool(w and w[0] == kind and w[2] == codes and not self.is_accepted(candidate, w))
            sql = reduce_statement(sql, still, self.a.reduce)
            v = self.both(sql, ordered) or v
        print('FAILED (%s) --seed %d --statement %d\n    %s\n      %s' % (v[0], rnd.seed, k, sql if len(sql) < 1500 or self.a.statement >= 0 else sql[:1500] + ' ...', v[1]), flush=True)
        if self.a.log:
            self.write(rnd, k, sql, v)
        if v[0] == 'LOST':
            self.again()

    def write(self, rnd, k, sql, v):
        with open(self.a.log, 'a', encoding='utf-8') as f:
            f.write(json.dumps({'seed': rnd.seed, 'k': k, 'kind': v[0], 'sql': sql, 'why': v[1]}) + '\n')

    def statement(self, rnd, k):
        """False if the round cannot go on."""
        change = rnd.change(k)
        if change:
            v = self.change(change)
            if v and v[0] != 'rowcode':
                self.report(rnd, k, change, v, False)
                return False
        sql, ordered = rnd.statement(k)
        v = self.both(sql, ordered)
        if v and v[0] != 'LOST':
            v = self.both(sql, ordered)
        if v is None:
            self.counts[0] += 1
        else:
            self.report(rnd, k, sql, v, ordered)
        return self.judge.child is not None and not (v and v[0] == 'LOST')

    def round(self, seed, end):
        rnd = Round(seed)
        trouble = self.prepare(rnd, 0)
        if trouble:
            if trouble[1]:
                self.report(rnd, 0, *trouble, False)
            return
        for k in range(self.a.round_size):
            if sum(self.counts) >= self.a.statements or time.time() > end or not self.statement(rnd, k):
                return

    def one(self):
        rnd = Round(self.a.seed)
        trouble = self.prepare(rnd, self.a.statement + 1)
        if trouble:
            print('set-up: %s\n      %s' % (trouble[0][:3000], trouble[1]))
        for t in rnd.tables:
            print(t.create)
        sql, ordered = rnd.statement(self.a.statement)
        v = self.both(sql, ordered)
        print(sql + '\n' + ('the answers agree' if v is None else ''))
        if v:
            self.report(rnd, self.a.statement, sql, v, ordered)

    def all(self):
        end, seed = time.time() + self.a.seconds, self.a.seed
        while sum(self.counts) < self.a.statements and time.time() < end and self.counts[1] < self.a.failures:
            self.round(seed, end)
            seed += 1
        for name, n in self.features.most_common(40):
            print('%5d  %s' % (n, name))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('binary')
    ap.add_argument('--url', help='a running server instead of one of the binary')
    ap.add_argument('--seed', type=int, default=1, help='of the first round')
    ap.add_argument('--statement', type=int, default=-1, help='only this one of the round')
    ap.add_argument('--statements', type=int, default=1500)
    ap.add_argument('--seconds', type=float, default=60)
    ap.add_argument('--round-size', type=int, default=60, help='statements over the same tables')
    ap.add_argument('--failures', type=int, default=30, help='stop after so many')
    ap.add_argument('--reduce', type=float, default=10, help='seconds to make a failing statement shorter')
    ap.add_argument('--codes', action='store_true', help='different codes of refusals are failures')
    ap.add_argument('--log', help='a file for the differences, one JSON a line')
    a = ap.parse_args()
    if importlib.util.find_spec('chdb') is None:
        print('chdb is not installed: nothing to compare with')
        print('0 passed, 0 failed, 1 skipped')
        return 0
    runner = Runner(a)
    try:
        runner.one() if a.statement >= 0 else runner.all()
    finally:
        runner.counts[1] += runner.stop()
    print('%d passed, %d failed, %d skipped' % tuple(runner.counts))
    return 1 if runner.counts[1] else 0


if __name__ == '__main__':
    sys.exit(main())
