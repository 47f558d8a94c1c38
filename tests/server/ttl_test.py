#!/usr/bin/env python3
"""TTL beside what SQL cases can see: what is due goes by itself, a partition again after its timeout; STOP and START TTL MERGES; ttl_only_drop_parts;
what parts say survives a restart, mutations keep the codec; strings of rows that went stand in no file; MODIFY TTL ... GROUP BY over kill -9 is done whole or not at all.

  ttl_test.py build/asan/firn [--rounds 6]             ends with 'N passed, N failed, N skipped'

SPDX-License-Identifier: Apache-2.0"""
import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

from running import Server

OLD = "'2001-01-01 00:00:00'"
INFO = ("SELECT rows, default_compression_codec, delete_ttl_info_min, delete_ttl_info_max, group_by_ttl_info.expression, group_by_ttl_info.min, recompression_ttl_info.max, "
        "rows_where_ttl_info.expression, rows_where_ttl_info.max FROM system.parts WHERE active AND table = '%s' ORDER BY name")


class Test:
    def __init__(self, arguments):
        self.a = arguments
        self.passed = self.failed = 0

    def check(self, what, fine):
        self.passed += bool(fine)
        self.failed += not fine
        if not fine:
            print('FAILED ' + what)

    def comes(self, what, server, sql, wanted, seconds=30):
        end = time.time() + seconds
        got = server.ask(sql)
        while got != wanted and time.time() < end:
            time.sleep(0.1)
            got = server.ask(sql)
        self.check('%s: %r instead of %r' % (what, got, wanted), got == wanted)

    def start(self, s, table):
        s.ask('SYSTEM START TTL MERGES ' + table)
        s.ask('SYSTEM START TTL MERGES') # of all tables: what is due is merged at once

    def by_itself(self, s):
        s.ask('CREATE TABLE a (k UInt32, d DateTime, s String) ENGINE = MergeTree ORDER BY k PARTITION BY k % 2 TTL d + INTERVAL 1 DAY')
        s.ask('SYSTEM STOP TTL MERGES a')
        s.ask("INSERT INTO a SELECT number, if(number < 10, %s, '2100-01-01 00:00:00'), 'x' FROM numbers(20)" % OLD)
        time.sleep(1)
        self.check('stopped, and rows went', s.ask('SELECT count() FROM a') == '20\n')
        self.start(s, 'a')
        self.comes('rows go by themselves', s, 'SELECT count() FROM a', '10\n')
        s.ask('SYSTEM STOP TTL MERGES a')
        s.ask('INSERT INTO a SELECT number, %s, \'x\' FROM numbers(20)' % OLD)
        self.start(s, 'a')
        time.sleep(2)
        self.check('merge_with_ttl_timeout does not hold', s.ask('SELECT count() FROM a') == '30\n')
        s.ask('ALTER TABLE a MODIFY SETTING merge_with_ttl_timeout = 0')
        s.ask('OPTIMIZE TABLE a FINAL')
        self.check('OPTIMIZE does not wait for it', s.ask('SELECT count() FROM a') == '10\n')
        s.ask('CREATE TABLE b (k UInt32, d DateTime) ENGINE = MergeTree ORDER BY k PARTITION BY k % 2 TTL d + INTERVAL 1 DAY SETTINGS ttl_only_drop_parts = 1')
        s.ask('SYSTEM STOP TTL MERGES b')
        s.ask("INSERT INTO b SELECT number, if(number %% 4 = 0 OR number %% 2 = 1, %s, '2100-01-01 00:00:00') FROM numbers(20)" % OLD)
        self.start(s, 'b')
        self.comes('a part that is past goes', s, 'SELECT count(), min(k % 2), max(k % 2) FROM b', '10\t0\t0\n')
        time.sleep(1)
        self.check('rows of a part that is not past went', s.ask('SELECT count() FROM b') == '10\n')
        s.ask('CREATE TABLE c (k UInt32, d DateTime, s String) ENGINE = MergeTree ORDER BY k TTL d + INTERVAL 1 DAY RECOMPRESS CODEC(ZSTD(7))')
        s.ask('INSERT INTO c SELECT number, %s, toString(number) FROM numbers(1000)' % OLD)
        self.start(s, 'c')
        codec = "SELECT default_compression_codec FROM system.parts WHERE active AND table = 'c'"
        self.comes('a part is packed anew', s, codec, 'ZSTD(7)\n')
        s.ask("ALTER TABLE c UPDATE s = concat(s, 'x') WHERE k < 10")
        self.check('a mutation packs otherwise', s.ask(codec) == 'ZSTD(7)\n')

    def survives(self, s):
        s.ask('CREATE TABLE r (k UInt32, d DateTime, v UInt64, c UInt8 TTL d + INTERVAL 3 DAY) ENGINE = MergeTree ORDER BY k TTL d + INTERVAL 90 YEAR, d + INTERVAL 1 DAY WHERE v = 3, '
              'd + INTERVAL 1 DAY GROUP BY k SET v = sum(v), d + INTERVAL 5 YEAR RECOMPRESS CODEC(ZSTD(2)), d TO DISK \'default\'')
        s.ask('SYSTEM STOP MERGES')
        s.ask("INSERT INTO r SELECT number %% 5, if(number < 50, %s, '2100-01-01 00:00:00'), number, 1 FROM numbers(100)" % OLD)
        before = s.ask(INFO % 'r')
        s.again()
        self.check('what the part says is another after a start: ' + before, s.ask(INFO % 'r') == before)
        s.ask('OPTIMIZE TABLE r FINAL')
        merged = s.ask(INFO % 'r')
        s.again(signal.SIGKILL)
        self.check('... after a merge and a kill: ' + merged, s.ask(INFO % 'r') == merged)
        self.check('rows: ' + s.ask('SELECT count(), sum(v) FROM r'), s.ask('SELECT count(), sum(v) FROM r') == '55\t4947\n')
        self.check('CHECK TABLE', all(line.split('\t')[1] == '1' for line in s.ask('CHECK TABLE r').splitlines()))

    def erased(self, s):
        """Strings of rows that went stand in no file: people erase personal data this way."""
        def files_with(word):
            found = 0
            for folder, _, names in os.walk(os.path.join(s.data, 'store')):
                for name in names:
                    with open(os.path.join(folder, name), 'rb') as f:
                        found += word in f.read()
            return found
        made = "INSERT INTO %s SELECT number, if(number %% 100 = 5, %s, '2100-01-01 00:00:00'), if(number %% 100 = 5, '%s', concat('normal', toString(number %% 7))) FROM numbers(20000)"
        for name, engine, what in (('e_ttl', 'MergeTree ORDER BY k TTL d + INTERVAL 1 DAY', 'OPTIMIZE TABLE e_ttl FINAL'), ('e_delete', 'MergeTree ORDER BY k', "ALTER TABLE e_delete DELETE WHERE s = 'SECRETe_delete'"),
                                   ('e_light', 'MergeTree ORDER BY k', "DELETE FROM e_light WHERE s = 'SECRETe_light'"), ('e_replacing', 'ReplacingMergeTree ORDER BY k', 'OPTIMIZE TABLE e_replacing FINAL')):
            s.ask('CREATE TABLE %s (k UInt32, d DateTime, s String) ENGINE = %s' % (name, engine))
            s.ask(made % (name, OLD, 'SECRET' + name))
            word = ('SECRET' + name).encode()
            self.check('%s: the string stands nowhere before' % name, files_with(word) > 0)
            if name == 'e_replacing':
                s.ask("INSERT INTO e_replacing SELECT number, now(), concat('new', toString(number % 3)) FROM numbers(20000)")
            s.ask(what)
            end = time.time() + 20
            while files_with(word) and time.time() < end: # files go a moment after their parts
                time.sleep(0.1)
            self.check('%s: the string stands in a file still' % name, files_with(word) == 0)
            self.check('%s: rows' % name, s.ask('SELECT count() FROM ' + name) == ('20000\n' if name == 'e_replacing' else '19800\n'))

    def killed(self, s):
        """Partitions with rows of the same keys; a group is one row or all of its rows, in all parts alike."""
        random.seed(5)
        for i in range(self.a.rounds):
            s.ask('CREATE TABLE k%d (p UInt8, k UInt32, v UInt64, d DateTime) ENGINE = MergeTree ORDER BY k PARTITION BY p' % i)
            s.ask('INSERT INTO k%d SELECT number %% 3, number %% 1000, number, %s FROM numbers(90000)' % (i, OLD))

            def modify():
                try:
                    s.ask('ALTER TABLE k%d MODIFY TTL d + INTERVAL 1 DAY GROUP BY k SET v = sum(v)' % i)
                except Exception: # the server has gone
                    pass
            t = threading.Thread(target=modify)
            t.start()
            time.sleep(random.random() * 0.6)
            s.stop(signal.SIGKILL)
            t.join()
            s.start()
            rows, total = s.ask('SELECT count(), sum(v) FROM k%d' % i).split()
            self.check('%s rows, a sum of %s' % (rows, total), rows in ('90000', '3000') and total == str(90000 * 89999 // 2))


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('binary')
    ap.add_argument('--rounds', type=int, default=6)
    test = Test(ap.parse_args())
    folder = tempfile.mkdtemp(prefix='firn-ttl-')
    try:
        server = Server(test.a.binary, os.path.join(folder, 'a'))
        test.by_itself(server)
        server.ask('SYSTEM START MERGES')
        test.erased(server)
        test.survives(server)
        test.killed(server)
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print('%d passed, %d failed, 0 skipped' % (test.passed, test.failed))
    return test.failed != 0


if __name__ == '__main__':
    sys.exit(main())
