#!/usr/bin/env python3
"""Readers query without a pause while a writer exchanges tables and replaces partitions: no reader may ever see an empty, missing
or mixed table.

  swap_test.py http://127.0.0.1:PORT [--swaps 500] [--readers 8]      ends with 'N passed, N failed, N skipped'

Each generation g of the table has ROWS rows that all carry g; a reader's answer (count, min, max, sum of g) shows any mixture.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import sys
import threading
import time

from http_ask import Client

ROWS = 20000
SHAPE = '(id UInt64, g UInt32, p UInt8) ENGINE = MergeTree PARTITION BY p ORDER BY id'
STOP = threading.Event()


class Reader(threading.Thread):
    def __init__(self, url, sql, rows):
        super().__init__()
        self.client, self.sql, self.rows = Client(url), sql, rows
        self.count, self.problems, self.last = 0, [], 0

    def run(self):
        while not STOP.is_set():
            try:
                answer = self.client.ask(self.sql).split()
            except Exception as e:
                self.problems.append(repr(e)[:300])
                return
            count, low, high = (int(x) for x in answer)
            if count != self.rows or low != high or low < self.last:
                self.problems.append('saw %s after generation %d' % (answer, self.last))
            self.last = low
            self.count += 1


def fill(writer, table, generation, partition):
    writer.ask('INSERT INTO %s SELECT number, %d, %d FROM numbers(%d)' % (table, generation, partition, ROWS))


def exchange(writer, swaps):
    for i in range(1, swaps + 1):
        writer.ask('TRUNCATE TABLE swap_b')
        fill(writer, 'swap_b', i, 1)
        writer.ask('EXCHANGE TABLES swap_a AND swap_b')


def replace(writer, swaps):
    for i in range(1, swaps + 1):
        writer.ask('TRUNCATE TABLE swap_stage')
        fill(writer, 'swap_stage', i, 1)
        writer.ask('ALTER TABLE swap_r REPLACE PARTITION 1 FROM swap_stage')


def phase(name, url, change, swaps, readers, sql, rows):
    STOP.clear()
    writer = Client(url)
    threads = [Reader(url, sql, rows) for _ in range(readers)]
    for t in threads:
        t.start()
    begun, trouble = time.time(), None
    try:
        change(writer, swaps)
    except Exception as e:
        trouble = 'the writer failed: %r' % e
    STOP.set()
    for t in threads:
        t.join()
    problems = [p for t in threads for p in t.problems] + ([trouble] if trouble else [])
    reads = sum(t.count for t in threads)
    print('%s: %d changes in %.1f s, %d reads by %d readers, %d problems' % (name, swaps, time.time() - begun, reads, readers, len(problems)))
    for p in problems[:5]:
        print('  ' + p)
    return not problems and reads > readers


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('url')
    parser.add_argument('--swaps', type=int, default=500)
    parser.add_argument('--readers', type=int, default=8)
    a = parser.parse_args()
    c = Client(a.url)
    for table in ('swap_a', 'swap_b', 'swap_r', 'swap_stage'):
        c.ask('DROP TABLE IF EXISTS ' + table)
        c.ask('CREATE TABLE %s %s' % (table, SHAPE))
    fill(c, 'swap_a', 0, 1)
    fill(c, 'swap_r', 0, 1)
    fill(c, 'swap_r', 7777777, 2)
    good = [phase('EXCHANGE TABLES', a.url, exchange, a.swaps, a.readers, 'SELECT count(), min(g), max(g) FROM swap_a', ROWS),
            phase('REPLACE PARTITION', a.url, replace, a.swaps, a.readers, 'SELECT count(), min(g), max(g) FROM swap_r WHERE p = 1', ROWS),
            Client(a.url).ask('SELECT count(), min(g), max(g) FROM swap_r WHERE p = 2') == '%d\t7777777\t7777777\n' % ROWS]
    c = Client(a.url) # the first connection may have been closed as idle
    for table in ('swap_a', 'swap_b', 'swap_r', 'swap_stage'):
        c.ask('DROP TABLE ' + table)
    print('%d passed, %d failed, 0 skipped' % (sum(good), len(good) - sum(good)))
    return 0 if all(good) else 1


sys.exit(main())
