#!/usr/bin/env python3
"""INSERT INTO FUNCTION s3 and file, and into tables of engine S3: what is written can be read, and nothing that is there is lost.

  output_test.py build/asan/firn [--weed PATH/OF/weed] [--only NAME]      ends with 'N passed, N failed, N skipped'
SPDX-License-Identifier: Apache-2.0"""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'iceberg'))
import s3_server
import running
from cases import Skipped, fails, run_all, same, test

OPTIONS = None


class Place:
    """A server of ours beside an S3 server with one bucket."""

    def __init__(self, path):
        if not OPTIONS.weed:
            raise Skipped('there is no weed')
        self.firn, self.s3 = running.Server(OPTIONS.firn, path), s3_server.S3Server(OPTIONS.weed, path + '.s3.log')
        self.s3.put('bucket/there/x', b'1')
        self.ask = self.firn.ask

    def args(self, key, *more, secret=s3_server.SECRET):
        return ', '.join("'%s'" % a for a in ('%s/bucket/%s' % (self.s3.url, key), s3_server.KEY, secret) + more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s3.stop()
        self.firn.stop()


@test
def written_objects_are_read_back(path):
    with Place(path) as p:
        for name in ('a.csv', 'a.tsv', 'a.native', 'a.jsonl', 'a.csv.gz', 'a.csv.zst', 'deep/er/a.csv'):
            p.ask('INSERT INTO FUNCTION s3(%s) SELECT number AS k, toString(number) AS s FROM numbers(100000)' % p.args(name))
            columns = p.args(name, 'auto', 'k UInt64, s String')
            same(p.ask('SELECT count(), sum(k), uniqExact(s) FROM s3(%s)' % columns), '100000\t4999950000\t100000\n')
        p.ask("INSERT INTO FUNCTION s3(%s) VALUES (1, 'x'), (2, 'y')" % p.args('v.bin', 'RowBinary', 'k UInt8, s String'))
        same(p.ask("SELECT * FROM s3(%s) ORDER BY k" % p.args('v.bin', 'RowBinary', 'k UInt8, s String')), '1\tx\n2\ty\n')
        p.ask("INSERT INTO FUNCTION s3(%s) SELECT 1 AS k WHERE 0" % p.args('none.csv'))
        same(p.ask("SELECT count() FROM s3(%s)" % p.args('none.csv', 'CSV', 'k UInt8')), '0\n')


@test
def what_is_there_stays(path):
    with Place(path) as p:
        insert = lambda n, more='': p.ask('INSERT INTO FUNCTION s3(%s) %s SELECT %d' % (p.args('o.csv', 'CSV', 'k UInt32'), more, n))
        read = lambda name: p.ask('SELECT k FROM s3(%s)' % p.args(name, 'CSV', 'k UInt32'))
        insert(1)
        error = fails(insert, 2, 'BAD_ARGUMENTS')
        assert 's3_truncate_on_insert' in error and s3_server.SECRET not in error, error
        same(read('o.csv'), '1\n')
        insert(3, 'SETTINGS s3_create_new_file_on_insert = 1')
        insert(4, 'SETTINGS s3_create_new_file_on_insert = 1')
        same([read('o.csv'), read('o.1.csv'), read('o.2.csv')], ['1\n', '3\n', '4\n'])
        insert(5, 'SETTINGS s3_truncate_on_insert = 1')
        same(read('o.csv'), '5\n')
        p.ask('INSERT INTO FUNCTION s3(%s) SELECT 1' % p.args('o', 'CSV', 'k UInt32'))  # others begin with that name
        fails(p.ask, 'INSERT INTO FUNCTION s3(%s) SELECT throwIf(number = 5) FROM numbers(10)' % p.args('half.csv', 'CSV', 'k UInt32'), 'FUNCTION_THROW_IF')
        p.ask('INSERT INTO FUNCTION s3(%s) SELECT 1' % p.args('half.csv', 'CSV', 'k UInt32'))  # nothing is there
        fails(p.ask, 'INSERT INTO FUNCTION s3(%s) SELECT 1' % p.args('g*.csv', 'CSV', 'k UInt32'), 'DATABASE_ACCESS_DENIED')
        fails(p.ask, 'INSERT INTO FUNCTION s3(%s) SELECT 1' % p.args('x.parquet'), 'NOT_IMPLEMENTED', 'Parquet')
        fails(p.ask, 'INSERT INTO FUNCTION s3(%s) SELECT 1' % p.args('x.what'), 'CANNOT_DETECT_FORMAT')
        error = fails(p.ask, 'INSERT INTO FUNCTION s3(%s) SELECT 1' % p.args('x.csv', secret='wrong-secret'), 'S3_ERROR')
        assert 'wrong-secret' not in error, error


@test
def tables_of_engine_s3(path):
    with Place(path) as p:
        p.ask('CREATE TABLE t (k UInt32, s String DEFAULT toString(k)) ENGINE = S3(%s)' % p.args('t.csv', 'CSV'))
        p.ask('INSERT INTO t (k) VALUES (1), (2)')
        same(p.ask('SELECT * FROM t ORDER BY k'), '1\t1\n2\t2\n')
        fails(p.ask, 'INSERT INTO t (k) VALUES (3)', 'BAD_ARGUMENTS')
        p.ask("INSERT INTO t SETTINGS s3_truncate_on_insert = 1 SELECT number, 'x' FROM numbers(3)")
        same(p.ask('SELECT count(), max(s) FROM t'), '3\tx\n')


@test
def partitions(path):
    with Place(path) as p:
        what = "SELECT number AS k, toString(number) AS s FROM numbers(100000)"
        p.ask('INSERT INTO FUNCTION s3(%s) PARTITION BY k %% 3 %s' % (p.args('p/{_partition_id}/d.csv', 'CSV', 'k UInt32, s String'), what))
        for i in range(3):
            same(p.ask('SELECT count(), min(k % 3), max(k % 3) FROM s3({})'.format(p.args('p/%d/d.csv' % i, 'CSV', 'k UInt32, s String'))),
                 '%d\t%d\t%d\n' % (33334 if i == 0 else 33333, i, i))
        fails(p.ask, "INSERT INTO FUNCTION s3(%s) PARTITION BY s SELECT 'a*b' AS s" % p.args('q{_partition_id}.csv', 'CSV', 's String'), 'CANNOT_PARSE_TEXT')


@test
def partitions_of_files(path):
    s = running.Server(OPTIONS.firn, path)
    try:
        s.ask("INSERT INTO FUNCTION file('f_{_partition_id}.csv', 'CSV', 'k UInt8, s String') PARTITION BY k VALUES (1, 'a'), (2, 'b'), (1, 'c')")
        same(s.ask("SELECT * FROM file('f_1.csv', 'CSV', 'k UInt8, s String')"), '1\ta\n1\tc\n')
        s.ask("INSERT INTO FUNCTION file('f_{_partition_id}.csv', 'CSV', 'k UInt8, s String') PARTITION BY k VALUES (1, 'd'), (3, 'e')")
        same(s.ask("SELECT count() FROM file('f_*.csv', 'CSV', 'k UInt8, s String')"), '5\n')
        s.ask("INSERT INTO FUNCTION file('one.csv', 'CSV', 'k UInt8') PARTITION BY k SELECT 1")
        same(s.ask("SELECT * FROM file('one.csv', 'CSV', 'k UInt8')"), '1\n')
        fails(s.ask, "INSERT INTO FUNCTION file('../f_{_partition_id}.csv', 'CSV', 'k UInt8') PARTITION BY k SELECT 1", 'DATABASE_ACCESS_DENIED')
        fails(s.ask, "INSERT INTO FUNCTION file('f_{_partition_id}.csv', 'CSV', 's String') PARTITION BY s SELECT 'x/../../../y'", 'Exception')
        fails(s.ask, "INSERT INTO FUNCTION file('n_{_partition_id}.csv', 'CSV', 'k UInt16') PARTITION BY k SELECT number FROM numbers(2000)", 'TOO_MANY_PARTS')
        same(s.ask("SELECT count() FROM file('n_*.csv', 'CSV', 'k UInt16')"), '0\n')
        fails(s.ask, "INSERT INTO FUNCTION file('x_{_partition_id}.csv', 'CSV', 'k UInt8') PARTITION BY nope SELECT 1", 'UNKNOWN_IDENTIFIER')
        fails(s.ask, "SELECT 1 FORMAT Parquet", 'NOT_IMPLEMENTED', 'Parquet')
    finally:
        s.stop()


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('firn')
    parser.add_argument('--weed')
    parser.add_argument('--only', default='')
    OPTIONS = parser.parse_args()
    return run_all(OPTIONS.only)


sys.exit(main())
