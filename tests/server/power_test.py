#!/usr/bin/env python3
"""Power cuts at random moments: the server's data lies on tests/faults/fault_fs, which at a cut forgets what was not synced. Statements as
in crash_test.py (acknowledged.py); after each cut the server starts again and its tables are compared with what it had acknowledged.

  power_test.py PATH/OF/firn PATH/OF/fault_fs [--cuts 300] [--seed N] [--start-limit 5.0]     ends with 'N passed, N failed, N skipped'

Rounds go through every combination of: names durable when their directory is synced, or in order at any sync (a journal); unsynced pages
all gone, or each there, gone or torn; files through io_uring, or through pread. In one round of four a call fails before the cut (a
write, a sync, a failed sync whose pages are lost for good): its statement may fail, nothing acknowledged may.
Skipped where no file system may be mounted.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import time

from acknowledged import Model
from crash_test import Server
from fault_mount import FaultMount, NoFuse
from http_ask import Client

WAYS = list(itertools.product(['strict', 'journal'], ['random', 'drop'], ['io_uring', 'pread']))
FAULTS = ['op=fsync err=EIO', 'op=fsync err=LOSE', 'op=write err=EIO', 'op=write err=SHORT', 'op=write err=ENOSPC', 'op=create err=EIO']


class Run:
    def __init__(self, a, mount, log):
        self.a, self.mount, self.log, self.rng = a, mount, log, random.Random(a.seed)
        self.data, self.server, self.model, self.generation = '', None, None, 0
        self.starts, self.statements, self.refused, self.pages, self.faults = [], 0, 0, 0, 0

    def start(self, way):
        self.server = Server(self.a.binary, self.data, self.log, dict(os.environ, **({'FIRN_IO': 'pread'} if way == 'pread' else {})))
        self.starts.append(self.server.start_s)

    def begin(self):
        self.generation += 1
        self.data = os.path.join(self.mount.path, 'data%d' % self.generation)
        self.start('io_uring')
        self.model = Model(Client(self.server.url))

    def cut(self, i):
        """The problem, or None."""
        names, pages, files = WAYS[i % len(WAYS)]
        self.mount.command('model ' + names)
        faulty = self.rng.random() < 0.25
        if faulty:
            self.mount.command('rule %s after=%d count=%d' % (self.rng.choice(FAULTS), self.rng.randrange(200), self.rng.choice([1, 1, 5])))
            self.faults += 1
        self.model.start(self.server.url, self.rng, tolerant=faulty)
        time.sleep(self.rng.uniform(0.05, 0.8))
        self.server.kill()
        self.model.join()
        self.mount.command('clear')
        answer = self.mount.command('cut %s %d' % (pages, self.rng.randrange(1, 1 << 30)))
        self.pages += int(answer.split('unsynced pages ')[1].split()[0])
        try:
            self.start(files)
        except RuntimeError as e:
            with open(self.log.name, errors='replace') as f:
                return '%s %s %s: %s after "%s": %s' % (names, pages, files, e, answer, f.read()[-600:])
        problem = self.model.check(Client(self.server.url))
        if not problem and self.server.start_s > self.a.start_limit:
            problem = 'the start took %.2f s' % self.server.start_s
        return problem and '%s %s %s: %s' % (names, pages, files, problem)

    def give_up_model(self):
        self.statements += self.model.statements
        self.refused += self.model.refused


def cuts(a, mount, log):
    run, failed = Run(a, mount, log), 0
    run.begin()
    for i in range(a.cuts):
        problem = run.cut(i)
        if not problem:
            continue
        failed += 1
        print('cut %d (seed %d): %s' % (i, a.seed, problem[:3000]), flush=True)
        run.server.kill()
        run.give_up_model()
        if a.keep:
            shutil.copytree(run.data, os.path.join(a.keep, 'cut%d' % i))
        shutil.rmtree(run.data, ignore_errors=True)
        run.begin()
    run.server.process.send_signal(signal.SIGTERM)
    if run.server.process.wait(30):
        failed += 1
        print('the server did not stop cleanly')
    run.give_up_model()
    starts = sorted(run.starts)
    print('seed %d: %d cuts, %d unsynced pages at them, %d rounds with a failing call, %d statements refused, %d acknowledged; starts: median %.3f s, slowest %.3f s'
          % (a.seed, a.cuts, run.pages, run.faults, run.refused, run.statements, starts[len(starts) // 2], starts[-1]))
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('binary')
    parser.add_argument('fault_fs')
    parser.add_argument('--cuts', type=int, default=300)
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--start-limit', type=float, default=5.0)  # every call goes through another process here
    parser.add_argument('--keep', help='folder for the data directories of failed rounds')
    a = parser.parse_args()
    path = tempfile.mkdtemp(prefix='firn-power-')
    try:
        mount = FaultMount(a.fault_fs, os.path.join(path, 'disk'))
    except NoFuse as e:
        print('no power is cut: %s\n0 passed, 0 failed, %d skipped' % (e, a.cuts))
        return 0
    log = open(os.path.join(path, 'server.log'), 'w')
    try:
        failed = cuts(a, mount, log)
    finally:
        mount.unmount()
        log.close()
    shutil.rmtree(path, ignore_errors=True)
    print('%d passed, %d failed, 0 skipped' % (a.cuts - min(failed, a.cuts), failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
