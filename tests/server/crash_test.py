#!/usr/bin/env python3
"""kill -9 at random moments under inserts, merges, mutations, changes of partitions, tables and views (acknowledged.py); then start again,
one time in five killed once more while it starts, and compare with what had been acknowledged.

  crash_test.py PATH/OF/firn [--rounds 1000] [--seed N] [--start-limit 1.0]     ends with 'N passed, N failed, N skipped'

A start lasts until /ping is answered. After a failed round the directory is kept as ...-round-N and the next one begins anew.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from acknowledged import Model
from http_ask import Client


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Server:
    """start_s: from the start of the process until /ping was answered."""

    def __init__(self, binary, path, log, env=None):
        self.port = free_port()
        begun = time.monotonic()
        self.process = subprocess.Popen([binary, 'server', '--path', path, '--http-port', str(self.port)], stdout=log, stderr=log, env=env)
        self.url = 'http://127.0.0.1:%d' % self.port
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() - begun > 60:
                self.kill()
                raise RuntimeError('the server did not start')
            time.sleep(0.002)
        self.start_s = time.monotonic() - begun

    def answers(self):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=10)
        try:
            connection.request('GET', '/ping')
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def start_and_kill(binary, path, log, rng):
    process = subprocess.Popen([binary, 'server', '--path', path, '--http-port', str(free_port())], stdout=log, stderr=log)
    time.sleep(rng.uniform(0.001, 0.05))
    process.kill()
    process.wait()


class Tally:
    def __init__(self):
        self.passed, self.failed, self.starts, self.killed_starting = 0, 0, [], 0


def one_round(server, model, a, rng, data, log, tally):
    """(the next server or None, the problem or None)"""
    model.start(server.url, rng)
    time.sleep(rng.uniform(0.02, 0.8))
    server.kill()
    model.join()
    while rng.random() < 0.2:
        start_and_kill(a.binary, data, log, rng)
        tally.killed_starting += 1
    try:
        server = Server(a.binary, data, log)
    except RuntimeError as e:
        return None, str(e)
    tally.starts.append(server.start_s)
    problem = model.check(Client(server.url))
    if not problem and server.start_s > a.start_limit:
        problem = 'the start took %.2f s' % server.start_s
    return server, problem


def begin(a, data, log):
    server = Server(a.binary, data, log)
    return server, Model(Client(server.url))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('binary')
    parser.add_argument('--rounds', type=int, default=1000)
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--start-limit', type=float, default=1.0)
    a = parser.parse_args()
    rng, path, tally, statements, kinds = random.Random(a.seed), tempfile.mkdtemp(prefix='firn-crash-'), Tally(), 0, {}
    data = os.path.join(path, 'data')
    with open(os.path.join(path, 'server.log'), 'w') as log:
        server, model = begin(a, data, log)
        for i in range(a.rounds):
            server, problem = one_round(server, model, a, rng, data, log, tally)
            if not problem:
                tally.passed += 1
                continue
            tally.failed += 1
            print('round %d (seed %d): %s' % (i, a.seed, problem[:3000]), flush=True)
            if server:
                server.kill()
            statements += model.statements
            os.rename(data, '%s-round-%d' % (data, i))
            server, model = begin(a, data, log)
        server.process.send_signal(signal.SIGTERM)
        if server.process.wait(30):
            tally.failed += 1
            print('the server did not stop cleanly')
    statements += model.statements
    if tally.failed:
        print('kept: ' + path)
    else:
        shutil.rmtree(path, ignore_errors=True)
    print('last server: ' + ', '.join('%s %d' % (kind, n) for (_, kind), n in sorted(model.kinds.items())))
    starts = sorted(tally.starts) or [0]
    print('seed %d: %d rounds, %d more kills while starting, %d acknowledged statements, starts: median %.3f s, slowest %.3f s'
          % (a.seed, a.rounds, tally.killed_starting, statements, starts[len(starts) // 2], starts[-1]))
    print('%d passed, %d failed, 0 skipped' % (tally.passed, tally.failed))
    return 1 if tally.failed else 0


if __name__ == '__main__':
    sys.exit(main())
