#!/usr/bin/env python3
"""kill -9 at random moments under inserts, exchanges, partition replacements, drops and merges; then start again and compare with
what had been acknowledged.

  crash_test.py PATH/OF/firn [--rounds 100] [--seed N] [--start-limit 1.0]     ends with 'N passed, N failed, N skipped'

The writer keeps, beside the acknowledged state, the one statement that was on its way: after the restart the table must be in
the state before or after it, nothing else. A start (until /ping answers) may take start-limit seconds.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import collections
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from http_ask import Client, Failure

SHAPE = '(id UInt64, p UInt8, batch UInt32) ENGINE = MergeTree PARTITION BY p ORDER BY id'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, binary, path, log):
        self.port = free_port()
        begun = time.time()
        self.process = subprocess.Popen([binary, 'server', '--path', path, '--http-port', str(self.port)], stdout=log, stderr=log)
        self.url = 'http://127.0.0.1:%d' % self.port
        while True:
            try:
                socket.create_connection(('127.0.0.1', self.port), 1).close()
                break
            except OSError:
                if self.process.poll() is not None or time.time() - begun > 60:
                    raise RuntimeError('the server did not start')
                time.sleep(0.002)
        self.start_s = time.time() - begun

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Writer(threading.Thread):
    """Applies random statements to tables t (live) and s (staging) and to a model of them: {partition: {batch: rows}}."""

    def __init__(self, url, model, batch, rng):
        super().__init__()
        self.client, self.model, self.batch, self.rng = Client(url), model, batch, rng
        self.pending, self.done, self.problem = None, 0, None

    def step(self):
        """(statement, the model after it)"""
        after = {name: {p: dict(b) for p, b in parts.items()} for name, parts in self.model.items()}
        kind = self.rng.choice(['insert', 'insert', 'insert', 'many', 'stage', 'exchange', 'replace', 'drop', 'truncate', 'optimize'])
        p = self.rng.randrange(3)
        self.batch += 1
        rows = self.rng.choice([1, 10, 1000, 20000])
        if kind in ('insert', 'stage'):
            name = 't' if kind == 'insert' else 's'
            after[name].setdefault(p, {})[self.batch] = rows
            return 'INSERT INTO %s SELECT number, %d, %d FROM numbers(%d)' % (name, p, self.batch, rows), after
        if kind == 'many':
            for q in range(3):
                after['t'].setdefault(q, {})[self.batch] = rows
            return 'INSERT INTO t SELECT number, number %% 3, %d FROM numbers(%d)' % (self.batch, 3 * rows), after
        if kind == 'exchange':
            after['t'], after['s'] = after['s'], after['t']
            return 'EXCHANGE TABLES t AND s', after
        if kind == 'replace':
            if not after['s'].get(p):
                return None, after
            after['t'][p] = dict(after['s'][p])
            return 'ALTER TABLE t REPLACE PARTITION %d FROM s' % p, after
        if kind == 'drop':
            after['t'].pop(p, None)
            return 'ALTER TABLE t DROP PARTITION %d' % p, after
        if kind == 'truncate':
            after['s'] = {}
            return 'TRUNCATE TABLE s', after
        return 'OPTIMIZE TABLE t FINAL', after

    def run(self):
        try:
            while True:
                sql, after = self.step()
                if sql is None:
                    continue
                self.pending = after
                self.client.ask(sql)
                self.model, self.pending = after, None
                self.done += 1
        except Failure as e:
            self.problem = e.text
        except Exception:
            pass  # the server was killed


def state(client):
    found = {}
    for name in ('t', 's'):
        parts = collections.defaultdict(dict)
        for line in client.ask('SELECT p, batch, count(), uniqExact(id) FROM %s GROUP BY p, batch' % name).splitlines():
            p, batch, rows, distinct = (int(x) for x in line.split('\t'))
            parts[p][batch] = rows if rows == distinct else -rows
        found[name] = dict(parts)
    return found


def clean(model):
    return {name: {p: b for p, b in parts.items() if b} for name, parts in model.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('binary')
    parser.add_argument('--rounds', type=int, default=100)
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--start-limit', type=float, default=1.0)
    a = parser.parse_args()
    rng = random.Random(a.seed)
    path = tempfile.mkdtemp(prefix='firn-crash-')
    log = open(os.path.join(path, 'server.log'), 'w')
    data = os.path.join(path, 'data')
    model, batch, passed, failed, statements, slowest = {'t': {}, 's': {}}, 0, 0, 0, 0, 0.0
    server = Server(a.binary, data, log)
    client = Client(server.url)
    for name in ('t', 's'):
        client.ask('CREATE TABLE %s %s' % (name, SHAPE))
    for i in range(a.rounds):
        writer = Writer(server.url, model, batch, rng)
        writer.start()
        time.sleep(rng.uniform(0.02, 0.8))
        server.kill()
        writer.join()
        server = Server(a.binary, data, log)
        slowest = max(slowest, server.start_s)
        found = state(Client(server.url))
        wanted = [clean(writer.model)] + ([clean(writer.pending)] if writer.pending is not None else [])
        problem = writer.problem
        if not problem and found not in wanted:
            problem = 'found %s\n  wanted %s' % (found, '\n  or '.join(map(str, wanted)))
        if not problem and server.start_s > a.start_limit:
            problem = 'the start took %.2f s' % server.start_s
        if problem:
            failed += 1
            print('round %d (seed %d): %s' % (i, a.seed, problem[:2000]))
        else:
            passed += 1
        statements += writer.done
        model, batch = found, writer.batch
    server.process.send_signal(signal.SIGTERM)
    if server.process.wait(30):
        failed += 1
        print('the server did not stop cleanly')
    shutil.rmtree(path, ignore_errors=True)
    print('seed %d: %d rounds, %d acknowledged statements, slowest start %.3f s' % (a.seed, a.rounds, statements, slowest))
    print('%d passed, %d failed, 0 skipped' % (passed, failed))
    return 1 if failed else 0


sys.exit(main())
