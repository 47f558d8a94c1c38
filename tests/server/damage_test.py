#!/usr/bin/env python3
"""Damage on the disk: bits turned, files cut, grown, zeroed in places, exchanged, removed, replaced by older ones; part files and the
catalog. Whatever was done: every query answers with an error or with the right rows, the tables whose files are whole go on, CHECK TABLE
names every damaged part, and a catalog that cannot be trusted is refused at start with every part file left where it is.

  damage_test.py PATH/OF/firn [--damages 2000] [--seed N]     ends with 'N passed, N failed, N skipped'

A round begins from one of two directories: left by a server that stopped, or by one that was killed (its catalog has a WAL). Part files
are damaged a few at a time, before the start or, with caches warm, behind the back of the running server.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import collections
import http.client
import os
import random
import shutil
import signal
import sys
import tempfile
import time

from crash_test import Server
from http_ask import Client, Failure

SETUP = [
    'CREATE TABLE a (p UInt8, id UInt64, s String, l LowCardinality(String), n Nullable(Int32), f Float64, d DateTime, x Array(UInt16), '
    'PROJECTION by_s (SELECT p, s, x, id ORDER BY s), PROJECTION g (SELECT p, l, count(), sum(n), uniqExact(s) GROUP BY p, l)) ENGINE = MergeTree PARTITION BY p ORDER BY id',
    'CREATE TABLE b (k UInt32, version UInt32, v String) ENGINE = ReplacingMergeTree(version) ORDER BY k',
    'CREATE TABLE c (t Tuple(a Int64, b String), m Map(String, UInt8), y Decimal(18, 4)) ENGINE = MergeTree ORDER BY tuple()',
    'SYSTEM STOP MERGES',
]
FILL = [
    "INSERT INTO a SELECT %d, number, concat('text ', toString(number * 7919 %% 5003)), toString(number %% 50), if(number %% 7 = 0, NULL, number), number / 3, toDateTime('2024-01-01 00:00:00', 'UTC') + number, range(number %% 5) FROM numbers(%d, 20000)",
    "INSERT INTO b SELECT number %% 3000, %d, toString(number + %d) FROM numbers(3000)",
    "INSERT INTO c SELECT (number + %d, toString(number)), map('k', number %% 200), number / 8 FROM numbers(5000 + %d %% 7)",
]
QUERIES = {
    'a': ['SELECT count(), sum(id), sum(cityHash64(s)), sum(cityHash64(l)), sum(n), sum(cityHash64(f)), max(d), sum(length(x)) FROM a', 'SELECT count(), min(id), max(id) FROM a WHERE p = 1',
          'SELECT s, x FROM a WHERE id = 12345 ORDER BY p, s', 'SELECT l, count() FROM a GROUP BY l ORDER BY l', 'SELECT min(d), max(d), min(n), max(n) FROM a', 'SELECT count() FROM a',
          'SELECT p, uniqExact(s) FROM a GROUP BY p ORDER BY p', "SELECT p, id, x FROM a WHERE s = 'text 17' ORDER BY p, id", 'SELECT l, sum(n) FROM a WHERE p != 1 GROUP BY l ORDER BY l', "SELECT count() FROM a WHERE l = '7' AND n > 100"],
    'b': ['SELECT count(), sum(cityHash64(k, version, v)) FROM b', 'SELECT count(), sum(cityHash64(v)) FROM b FINAL', 'SELECT v FROM b FINAL WHERE k = 77'],
    'c': ['SELECT sum(t.1), sum(cityHash64(t.2)), sum(y) FROM c', "SELECT sum(m['k']) FROM c"],
}
PARTS = "SELECT table, name, path FROM system.parts WHERE active AND database = 'default' FORMAT TSV"
KINDS = ['flip', 'flip', 'flip', 'cut', 'grow', 'zero', 'swap', 'remove', 'old']


class Image:
    """A data directory as a server left it, and what it answers. files: {name of a part file: (table, part)}"""

    def __init__(self, path, files, answers):
        self.path, self.files, self.answers = path, files, answers


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def write(path, data):
    with open(path, 'wb') as f:
        f.write(data)


def part_path(data, name):
    return os.path.join(data, 'store', name[:2], name)


def store_files(data):
    return {f for _, _, files in os.walk(os.path.join(data, 'store')) for f in files if f.endswith('.part')}


def catalog_files(data):
    return sorted(f for f in os.listdir(data) if f.startswith('catalog'))


def answers_of(client):
    return {sql: client.ask(sql) for queries in QUERIES.values() for sql in queries}


def make_images(firn, path, log):
    """([stopped, killed], directory of an earlier moment)"""
    data, old, images = os.path.join(path, 'made'), os.path.join(path, 'old'), []
    for how in ('stopped', 'killed'):
        server = Server(firn, data, log)
        client = Client(server.url)
        if how == 'stopped':
            for sql in SETUP:
                client.ask(sql)
        else:
            client.ask(SETUP[-1])
        for i in range(4):
            for sql in FILL:
                client.ask(sql % ((i + (4 if how == 'killed' else 0)) % 3, i * 10000))
            if i == 1 and how == 'stopped':
                shutil.copytree(data, old)
        client.ask('ALTER TABLE a DELETE WHERE id % 1000 = 3')
        client.ask('ALTER TABLE c UPDATE y = y + 1 WHERE t.1 < 100')
        answers = answers_of(client)
        files = {os.path.basename(p): (t, n) for t, n, p in (line.split('\t') for line in client.ask(PARTS).splitlines())}
        server.process.send_signal(signal.SIGTERM if how == 'stopped' else signal.SIGKILL)
        server.process.wait(30)
        images.append(Image(shutil.copytree(data, os.path.join(path, how)), files, answers))
    return images, old


class Damager:
    def __init__(self, rng, old):
        self.rng, self.old = rng, old
        self.old_parts = [read(part_path(old, f)) for f in sorted(store_files(old))]

    def change(self, data, kind):
        """Other bytes in place of `data`, by kinds that concern one file alone."""
        at = self.rng.randrange(max(len(data), 1))
        if kind == 'flip' and data:
            return data[:at] + bytes([data[at] ^ 1 << self.rng.randrange(8)]) + data[at + 1:]
        if kind == 'cut':
            return data[:at]
        if kind == 'grow':
            return data + self.rng.randbytes(self.rng.choice([1, 32, 4096]))
        size = self.rng.choice([1, 16, 512, 4096])
        at -= at % size
        return data[:at] + bytes(min(size, len(data) - at)) + data[at + size:]

    def part(self, data, names):
        """Damages some part files; the names of those that are not what they were."""
        kind, name = self.rng.choice(KINDS), self.rng.choice(names)
        path = part_path(data, name)
        before = read(path)
        if kind == 'remove':
            os.unlink(path)
            return kind, [name]
        if kind == 'swap':
            other = self.rng.choice([n for n in names if n != name])
            second = read(part_path(data, other))
            write(path, second)
            write(part_path(data, other), before)
            return kind, [name, other]
        after = self.rng.choice(self.old_parts) if kind == 'old' else self.change(before, kind)
        write(path, after)
        return kind, [name] if after != before else []

    def catalog(self, data):
        kind, name = self.rng.choice(KINDS), self.rng.choice(catalog_files(data))
        path = os.path.join(data, name)
        before = read(path)
        if kind == 'remove':
            os.unlink(path)
        elif kind == 'swap':
            other = os.path.join(data, self.rng.choice([f for f in catalog_files(data) if f != name]))
            second = read(other)
            write(other, before)
            write(path, second)
        elif kind == 'old':
            both = [f for f in catalog_files(self.old) if f != 'catalog.mark']  # with the mark it would be a restored backup
            for f in self.rng.choice([both, [name]]):
                if os.path.exists(os.path.join(self.old, f)):
                    shutil.copy(os.path.join(self.old, f), os.path.join(data, f))
        else:
            write(path, self.change(before, kind))
        return '%s %s' % (kind, name)


class Run:
    def __init__(self, a, path, log):
        self.a, self.log, self.rng = a, log, random.Random(a.seed)
        self.images, old = make_images(a.binary, path, log)
        self.damager, self.data = Damager(self.rng, old), os.path.join(path, 'data')
        self.counts, self.passed, self.failed = collections.Counter(), 0, 0

    def judge(self, client, image, damaged, count_rows=True):
        """What is wrong with the answers, given the damaged part files."""
        problems, hurt = [], {image.files[f][0] for f in damaged}
        for table, queries in QUERIES.items():
            for sql in queries:
                try:
                    got = client.ask(sql)
                    self.counts['right'] += got == image.answers[sql]
                    if got != image.answers[sql]:
                        problems.append('WRONG: %s gives %r, not %r' % (sql, got[:200], image.answers[sql][:200]))
                except Failure as e:
                    self.counts['error'] += 1
                    if table not in hurt:
                        problems.append('the files of %s are whole, but %s: %s' % (table, sql, e.text[:300]))
                except (OSError, http.client.HTTPException) as e:
                    return problems + ['no answer to %s: %r' % (sql, e)]
        checked = [line.split('\t') for line in client.ask('CHECK ALL TABLES FORMAT TSV').splitlines()]
        named = {(row[1], row[2]) for row in checked if row[3] == '0'}
        wanted = {image.files[f] for f in damaged}
        if named != wanted:
            problems.append('CHECK names %s, damaged are %s' % (sorted(named), sorted(wanted)))
        self.counts['named by CHECK'] += len(named)
        return problems

    def copy(self):
        image = self.rng.choice(self.images)
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(image.path, self.data)
        return image

    def start(self):
        return Server(self.a.binary, self.data, self.log)

    def parts_round(self, most):
        """Damages up to `most` times; the number and the problems."""
        image, damaged, kinds = self.copy(), set(), []
        live = self.rng.random() < 0.3
        server = self.start() if live else None
        if live:
            self.rng.random() < 0.5 and answers_of(Client(server.url))
        while len(kinds) < min(most, self.rng.choice([1, 2, 4, 6])):
            whole = sorted(set(image.files) - damaged)
            if len(whole) < 4:
                break
            kind, names = self.damager.part(self.data, whole)
            if names:
                damaged.update(names)
                kinds.append(kind)
        try:
            server = server or self.start()
        except RuntimeError as e:
            return len(kinds), ['%s: damaged parts %s must not hinder a start' % (e, kinds)]
        try:
            problems = self.judge(Client(server.url, timeout=30), image, damaged)
        finally:
            server.kill()
        gone = set(image.files) - damaged - store_files(self.data)
        self.counts.update(kinds)
        return len(kinds), problems + (['whole files are gone: %s' % gone] if gone else [])

    def catalog_round(self):
        image = self.copy()
        what = self.damager.catalog(self.data)
        before = store_files(self.data)
        self.counts['catalog'] += 1
        self.log.truncate(0)
        try:
            server = self.start()
        except RuntimeError:
            said = read(self.log.name).decode(errors='replace')
            self.counts['start refused'] += 1
            problems = [] if 'catalog' in said and before == store_files(self.data) else ['%s: the start said %r, files removed: %s' % (what, said[-500:], before - store_files(self.data))]
            return 1, problems
        try:
            return 1, [what + ': ' + p for p in self.judge(Client(server.url, timeout=30), image, set())]
        finally:
            server.kill()

    def all(self):
        done = 0
        while done < self.a.damages:
            n, problems = self.catalog_round() if self.rng.random() < 0.5 else self.parts_round(self.a.damages - done)
            done += n
            if problems:
                self.failed += n
                print('after %d damages (seed %d): %s' % (done, self.a.seed, '\n  '.join(problems)[:3000]), flush=True)
            else:
                self.passed += n


def merges_go_on(firn, path, log):
    """One damaged part does not keep its partition from being merged; it can be dropped. The problem, or None."""
    data = os.path.join(path, 'merges')
    server = Server(firn, data, log)
    client = Client(server.url)
    for sql in ['CREATE TABLE t (x UInt32) ENGINE = MergeTree ORDER BY x', 'SYSTEM STOP MERGES'] + ['INSERT INTO t SELECT %d + number FROM numbers(1000)' % i for i in range(6)]:
        client.ask(sql)
    damaged = client.ask("SELECT path FROM system.parts WHERE name = 'all_3_3_0'").strip()
    server.kill()
    whole = read(damaged)
    write(damaged, whole[:20] + bytes([whole[20] ^ 255]) + whole[21:])  # in the first column's values
    server = Server(firn, data, log)
    client, end = Client(server.url), time.monotonic() + 60
    try:
        for i in range(20):
            client.ask('INSERT INTO t VALUES (%d)' % i)
        count = "SELECT count() FROM system.parts WHERE table = 't' AND active"
        while int(client.ask(count)) > 15 and time.monotonic() < end:
            time.sleep(0.1)
        if int(client.ask(count)) > 15:
            return 'nothing is merged beside a damaged part'
        client.ask("ALTER TABLE t DROP PART 'all_3_3_0'")
        got = client.ask('SELECT count(), sum(cityHash64(x)) > 0 FROM t')
        return None if got == '5020\t1\n' else 'after DROP PART: ' + got
    except Failure as e:
        return e.text
    finally:
        server.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('binary')
    parser.add_argument('--damages', type=int, default=2000)
    parser.add_argument('--seed', type=int, default=int(time.time()))
    a = parser.parse_args()
    path = tempfile.mkdtemp(prefix='firn-damage-')
    with open(os.path.join(path, 'server.log'), 'a') as log:
        run = Run(a, path, log)
        run.all()
        problem = merges_go_on(a.binary, path, log)
    if problem:
        print(problem)
    shutil.rmtree(path, ignore_errors=True)
    print('seed %d: %s' % (a.seed, ', '.join('%s %d' % c for c in sorted(run.counts.items()))))
    print('%d passed, %d failed, 0 skipped' % (run.passed + (not problem), run.failed + bool(problem)))
    return 1 if run.failed or problem else 0


if __name__ == '__main__':
    sys.exit(main())
