#!/usr/bin/env python3
"""BACKUP, RESTORE and `firn recover`: what comes back is what was there, whatever happens meanwhile, and damage is an error.

  backup_test.py build/asan/firn [--weed PATH/OF/weed] [--only NAME]      ends with 'N passed, N failed, N skipped'
SPDX-License-Identifier: Apache-2.0"""
import argparse
import glob
import os
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'iceberg'))
import s3_server
import running
from cases import Skipped, fails, run_all, same, test, until
from http_ask import Client

OPTIONS = None


def server_over(data, config=None):
    return running.Server(OPTIONS.firn, data, config)


def part_files(folder):
    return sorted(glob.glob(os.path.join(folder, '**', '*.part*'), recursive=True))


def wait_for(ask, id):
    end = time.time() + 60
    while True:
        status = ask("SELECT status FROM system.backups WHERE id = '%s'" % id).strip()
        if status not in ('CREATING_BACKUP', 'RESTORING'):
            return status
        assert time.time() < end
        time.sleep(0.05)


@test
def files_come_back_on_another_server(path):
    s = server_over(os.path.join(path, 'a'))
    try:
        s.ask('CREATE DATABASE d')
        s.ask('CREATE TABLE d.t (p UInt8, x UInt64, s String) ENGINE = ReplacingMergeTree PARTITION BY p ORDER BY x')
        for i in range(4):
            s.ask('INSERT INTO d.t SELECT number % 3, number, toString({0}) FROM numbers({0}, 2000)'.format(i * 500))
        s.ask('ALTER TABLE d.t ADD COLUMN y UInt64 DEFAULT x + 1')
        s.ask('CREATE VIEW d.v AS SELECT count() AS c FROM d.t')
        before = s.ask('SELECT count(), sum(x), sum(y), any(s) FROM (SELECT * FROM d.t FINAL ORDER BY x)')
        same(s.ask("BACKUP DATABASE d TO File('one')").split('\t')[1], 'BACKUP_CREATED\n')
        s.ask('INSERT INTO d.t (p, x, s) VALUES (9, 1000000, \'later\')')
        own = len(part_files(os.path.join(path, 'a', 'backups', 'one')))
        s.ask("BACKUP DATABASE d TO File('two') SETTINGS base_backup = File('one')")
        same(len(part_files(os.path.join(path, 'a', 'backups', 'two'))), 1)
        same(s.ask("SELECT name, base_backup_name, status, num_files - num_entries, error FROM system.backups ORDER BY start_time"),
             "File(\\'one\\')\t\tBACKUP_CREATED\t0\t\nFile(\\'two\\')\tFile(\\'one\\')\tBACKUP_CREATED\t%d\t\n" % own)
        fails(s.ask, "BACKUP DATABASE d TO File('one')", 'BACKUP_ALREADY_EXISTS')
        for bad in ('../x', '/etc/x', 'a/../../x', '', '.', 'a//b'):
            fails(s.ask, "BACKUP DATABASE d TO File('%s')" % bad, 'INVALID_CONFIG_PARAMETER')
        fails(s.ask, "BACKUP DATABASE d TO File('x.zip')", 'NOT_IMPLEMENTED')
        fails(s.ask, "BACKUP DATABASE d TO Disk('default', 'x')", 'INVALID_CONFIG_PARAMETER', 'backups.allowed_disk')
    finally:
        s.stop()
    other = server_over(os.path.join(path, 'b'), 'backups:\n  allowed_path: %s\n  allowed_disk: default\ndatabase_atomic_delay_before_drop_table_sec: 0\n' % os.path.join(path, 'a', 'backups'))
    try:
        other.ask("RESTORE DATABASE d FROM File('one')")
        same(other.ask('SELECT count(), sum(x), sum(y), any(s) FROM (SELECT * FROM d.t FINAL ORDER BY x)'), before)
        same(other.ask('SELECT c > 0 FROM d.v'), '1\n')
        other.ask("RESTORE DATABASE d AS e FROM Disk('default', 'two')")
        same(other.ask('SELECT max(x), count() FROM e.t FINAL'), '1000000\t3501\n')
        other.again(signal.SIGKILL)
        same(other.ask('SELECT max(x), count() FROM e.t FINAL'), '1000000\t3501\n')
        other.ask('DROP DATABASE d')
        same(other.ask('SELECT sum(x) FROM e.t FINAL WHERE x < 1000000'), before.split('\t')[1] + '\n')
        other.ask('DROP DATABASE e')
        end = time.time() + 20
        while part_files(os.path.join(path, 'b', 'store')):
            assert time.time() < end
            time.sleep(0.1)
    finally:
        other.stop()


@test
def damage_is_an_error(path):
    s = server_over(path, 'database_atomic_delay_before_drop_table_sec: 0\n')
    try:
        s.ask('CREATE TABLE t (x UInt64, s String) ENGINE = MergeTree ORDER BY x')
        s.ask('INSERT INTO t SELECT number, randomPrintableASCII(100) FROM numbers(3000)')
        s.ask("BACKUP TABLE t TO File('b')")
        folder = os.path.join(path, 'backups', 'b')
        part, manifest = part_files(folder)[0], os.path.join(folder, '.backup')
        whole = {f: open(f, 'rb').read() for f in (part, manifest)}
        s.ask('DROP TABLE t')
        for f, change in ((part, lambda b: b[:len(b) // 2] + bytes([b[len(b) // 2] ^ 1]) + b[len(b) // 2 + 1:]), (part, lambda b: b[:-1]), (part, lambda b: b + b'x'), (part, lambda b: b''),
                          (manifest, lambda b: b[:30] + bytes([b[30] ^ 1]) + b[31:]), (manifest, lambda b: b[:-3]), (manifest, lambda b: b''),
                          (manifest, lambda b: b.replace(b'firn-backup 1', b'firn-backup 9'))):
            with open(f, 'wb') as o:
                o.write(change(whole[f]))
            error = fails(s.ask, "RESTORE TABLE t FROM File('b')")
            assert any(w in error for w in ('CHECKSUM_DOESNT_MATCH', 'BACKUP_DAMAGED', 'BACKUP_VERSION_NOT_SUPPORTED')), error
            with open(f, 'wb') as o:
                o.write(whole[f])
        os.rename(part, part + 'x')
        fails(s.ask, "RESTORE TABLE t FROM File('b')")
        os.rename(part + 'x', part)
        same(part_files(os.path.join(path, 'store')), [])
        s.ask("RESTORE TABLE t FROM File('b')")
        same(s.ask('SELECT count(), sum(x) FROM t'), '3000\t4498500\n')
        # a damaged table is not backed up as if it were whole, and RESTORE does not share its file
        live = part_files(os.path.join(path, 'store'))[0]
        s.stop()
        good = open(live, 'rb').read()
        with open(live, 'r+b') as o:
            o.seek(len(good) // 2)
            o.write(bytes([good[len(good) // 2] ^ 4]))
        s.start()
        fails(s.ask, "BACKUP TABLE t TO File('c')", 'CHECKSUM_DOESNT_MATCH')
        assert not os.path.exists(os.path.join(path, 'backups', 'c')), 'the failed backup is still there'
        fails(s.ask, "BACKUP TABLE t TO File('b/parts')", 'CHECKSUM_DOESNT_MATCH')
        same(len(part_files(folder)), 1)
        same(s.ask("SELECT status FROM system.backups"), 'BACKUP_FAILED\nBACKUP_FAILED\n')
        fails(s.ask, "RESTORE TABLE t AS u FROM File('b')", 'CHECKSUM_DOESNT_MATCH', 'drop that part')
        s.ask('DROP TABLE u')
        s.ask("ALTER TABLE t DROP PART '%s'" % s.ask("SELECT name FROM system.parts WHERE table = 't' AND active").strip())
        s.ask("RESTORE TABLE t AS u FROM File('b')")
        same(s.ask('SELECT count(), sum(x) FROM u'), '3000\t4498500\n')
    finally:
        s.stop()


@test
def one_moment_of_all_tables(path):
    """Rows move between two tables and names are exchanged while backups are made: each backup has every row once."""
    s = server_over(path)
    try:
        for n in 'ab':
            s.ask('CREATE TABLE %s (p UInt8, x UInt64) ENGINE = MergeTree PARTITION BY p ORDER BY x' % n)
        s.ask('INSERT INTO a SELECT number % 4, number FROM numbers(4000)')
        stop, errors = threading.Event(), []

        def mover():
            ask = Client(s.running.url).ask
            try:
                for i in range(100000):
                    if stop.is_set():
                        break
                    source, target = ('a', 'b') if i % 2 == 0 else ('b', 'a')
                    for p in range(4):
                        ask('ALTER TABLE %s MOVE PARTITION %d TO TABLE %s' % (source, p, target))
                    ask('EXCHANGE TABLES a AND b')
            except Exception as e:
                errors.append(e)

        def inserter():
            ask = Client(s.running.url).ask
            try:
                while not stop.is_set():
                    ask('INSERT INTO a SELECT 9, 7')
                    ask('INSERT INTO b SELECT 9, 7')
            except Exception as e:
                errors.append(e)
        threads = [threading.Thread(target=mover), threading.Thread(target=inserter)]
        for t in threads:
            t.start()
        for i in range(12):
            s.ask("BACKUP TABLE a, TABLE b TO File('m%d')" % i)
        stop.set()
        for t in threads:
            t.join()
        same(errors, [])
        s.ask('CREATE DATABASE r')
        for i in range(12):
            s.ask("RESTORE TABLE a AS r.a{0}, TABLE b AS r.b{0} FROM File('m{0}')".format(i))
            same(s.ask('SELECT count(), sum(x), uniqExact(x) FROM (SELECT * FROM r.a{0} UNION ALL SELECT * FROM r.b{0}) WHERE p < 9'.format(i)), '4000\t7998000\t4000\n')
    finally:
        s.stop()


@test
def asynchronous(path):
    s = server_over(path)
    try:
        s.ask('CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x')
        s.ask('INSERT INTO t SELECT number FROM numbers(100000)')
        id, status = s.ask("BACKUP TABLE t TO File('b') ASYNC").split()
        same(status, 'CREATING_BACKUP')
        same(wait_for(s.ask, id), 'BACKUP_CREATED')
        same(s.ask("RESTORE TABLE t AS u FROM File('b') SETTINGS async = 1, id = 'mine'"), 'mine\tRESTORING\n')
        same(wait_for(s.ask, 'mine'), 'RESTORED')
        same(s.ask('SELECT count() FROM u'), '100000\n')
        id, status = s.ask("BACKUP TABLE nope TO File('c') ASYNC").split()
        same(wait_for(s.ask, id), 'BACKUP_FAILED')
        assert 'UNKNOWN_TABLE' in s.ask("SELECT error FROM system.backups WHERE id = '%s'" % id)
        for i in range(5):
            s.ask("BACKUP TABLE t TO File('at_end%d') ASYNC" % i)
    finally:
        s.stop()


@test
def s3(path):
    if not OPTIONS.weed:
        raise Skipped('there is no weed')
    s, server = server_over(path), s3_server.S3Server(OPTIONS.weed, path + '.s3.log')
    try:
        server.put_folder(HERE, 'bucket/unrelated')
        place = lambda name, secret=s3_server.SECRET: "S3('%s/bucket/%s', '%s', '%s')" % (server.url, name, s3_server.KEY, secret)
        s.ask('CREATE TABLE t (p UInt8, x UInt64, s String) ENGINE = MergeTree PARTITION BY p ORDER BY x')
        s.ask('INSERT INTO t SELECT number % 2, number, randomString(200) FROM numbers(200000)')
        before = s.ask('SELECT count(), sum(x), sum(cityHash64(s)) FROM t')
        s.ask('BACKUP TABLE t TO ' + place('b/one'))
        fails(s.ask, 'BACKUP TABLE t TO ' + place('b/one'), 'BACKUP_ALREADY_EXISTS')
        s.ask("INSERT INTO t VALUES (1, 5, 'more')")
        s.ask('BACKUP TABLE t TO %s SETTINGS base_backup = %s' % (place('b/two'), place('b/one')))
        assert s3_server.SECRET not in s.ask('SELECT * FROM system.backups'), 'a secret is shown'
        s.ask('DROP TABLE t SYNC')
        s.ask('RESTORE TABLE t FROM ' + place('b/one'))
        same(s.ask('SELECT count(), sum(x), sum(cityHash64(s)) FROM t'), before)
        s.ask('RESTORE TABLE t AS u FROM %s SETTINGS base_backup = %s' % (place('b/two'), place('b/one')))
        same(s.ask('SELECT count() FROM u'), '200001\n')
        fails(s.ask, 'RESTORE TABLE t AS v FROM ' + place('b/none'), 'BACKUP_NOT_FOUND')
        error = fails(s.ask, 'RESTORE TABLE t AS v FROM ' + place('b/one', 'wrong-secret'), 'S3_ERROR')
        assert 'wrong-secret' not in error
    finally:
        server.stop()
        s.stop()


# ---- firn recover ----
def recover(path, code=0):
    done = subprocess.run([OPTIONS.firn, 'recover', '--path', path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == code, 'exit code %d: %s' % (done.returncode, done.stdout)
    return done.stdout


def catalog_files(path):
    return glob.glob(os.path.join(path, 'catalog.sqlite*'))


@test
def recover_brings_everything_back(path):
    looks = ['SELECT database, name, engine FROM system.tables WHERE database IN (\'default\', \'d\') ORDER BY ALL', 'SELECT * FROM d.t ORDER BY ALL', 'SELECT count(), sum(x) FROM d.swapped',
             'SELECT table, name, rows, path FROM system.parts WHERE active ORDER BY ALL', 'SELECT table, name, path FROM system.detached_parts ORDER BY ALL', 'SHOW CREATE TABLE d.t',
             'SELECT table FROM system.dropped_tables', 'SELECT x FROM mv ORDER BY x']
    s = server_over(path)
    try:
        s.ask('CREATE DATABASE d')
        s.ask("CREATE TABLE d.t (p UInt8, x UInt64, s String COMMENT 'it''s a\ncomment') ENGINE = MergeTree PARTITION BY p ORDER BY x")
        s.ask("INSERT INTO d.t SELECT number % 3, number, concat('v''', toString(number)) FROM numbers(300)")
        s.ask('ALTER TABLE d.t DROP COLUMN s')
        s.again()
        s.ask("ALTER TABLE d.t ADD COLUMN s String DEFAULT 'again'")
        s.ask('CREATE TABLE d.swapped AS d.t')
        s.ask('ALTER TABLE d.swapped REPLACE PARTITION 1 FROM d.t')
        s.ask('CREATE TABLE gone (x UInt8) ENGINE = MergeTree ORDER BY x')
        s.ask('INSERT INTO gone VALUES (1)')
        s.ask('DROP TABLE gone')
        s.ask('CREATE TABLE never (x UInt8) ENGINE = MergeTree ORDER BY x')
        s.ask('DROP TABLE never SYNC')
        fails(s.ask, 'RENAME TABLE d.t TO d.t2, d.nothing TO d.x', 'UNKNOWN_TABLE')
        s.ask('CREATE MATERIALIZED VIEW mv ENGINE = MergeTree ORDER BY x AS SELECT x FROM d.t')
        s.ask("INSERT INTO d.t VALUES (1, 1000, 'new')")
        s.ask('ALTER TABLE d.t DETACH PARTITION 2')
        s.ask('OPTIMIZE TABLE d.t FINAL')
        s.ask('EXCHANGE TABLES d.t AND d.swapped')
        before = [s.ask(q) for q in looks]
        s.stop(signal.SIGKILL)
        for damage in ('lost', 'damaged', 'empty'):
            parts = part_files(os.path.join(path, 'store'))
            for f in catalog_files(path):
                if damage == 'damaged' and f.endswith('.sqlite'):
                    with open(f, 'r+b') as o:
                        o.write(b'x' * 4096)
                elif damage == 'empty' and f.endswith('.sqlite'):
                    open(f, 'wb').close()
                else:
                    os.remove(f)
            refused = subprocess.run([OPTIONS.firn, 'server', '--path', path, '--http-port', '0'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
            assert refused.returncode != 0, 'it starts without a catalog'
            assert damage == 'damaged' or 'firn recover' in refused.stdout, refused.stdout
            same(part_files(os.path.join(path, 'store')), parts)
            said = recover(path)
            assert ' tables, ' in said and 'missing' not in said and 'unlisted' not in said, said
            same(part_files(os.path.join(path, 'store')), parts)
            s.start()
            same([s.ask(q) for q in looks], before)
            s.ask('UNDROP TABLE gone')
            same(s.ask('SELECT x FROM gone'), '1\n')
            s.ask('DROP TABLE gone')
            s.ask("CREATE TABLE after (x UInt8) ENGINE = MergeTree ORDER BY x")
            s.ask('INSERT INTO after VALUES (1)')
            s.ask('DROP TABLE after SYNC')
            assert 'nothing to recover' in recover(path, 1) or 'another process' in recover(path, 1)
            s.stop(signal.SIGKILL)
            assert 'nothing to recover' in recover(path, 1)
            for f in glob.glob(os.path.join(path, 'catalog.sqlite*.damaged.*')):
                os.remove(f)
    finally:
        if s.running.process.poll() is None:
            s.stop()


@test
def the_log_is_gone_on_with(path):
    """A start over an unchanged catalog leaves its log alone; one that is not the catalog's is written anew, and recovers either way."""
    log, looks = os.path.join(path, 'store', 'catalog.log'), 'SELECT count(), sum(x) FROM t'
    s = server_over(path)
    s.ask('CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x')
    for i in range(3):
        s.ask('INSERT INTO t SELECT number FROM numbers(10)')
        kept, whole = os.stat(log).st_ino, open(log, 'rb').read()
        s.again(signal.SIGKILL)
        time.sleep(1.5)  # longer than a log that is owed takes
        same((os.stat(log).st_ino, open(log, 'rb').read()), (kept, whole))
    s.ask('INSERT INTO t SELECT number FROM numbers(10)')
    assert open(log, 'rb').read().startswith(whole), 'the log was not gone on with'
    for damage in (lambda b: whole, lambda b: b[:-5], lambda b: b[:40] + bytes([b[40] ^ 1]) + b[41:], lambda b: b'', lambda b: b + b'x'):
        s.stop(signal.SIGKILL)
        bytes_before = open(log, 'rb').read()
        with open(log, 'wb') as o:
            o.write(damage(bytes_before))
        written = os.stat(log).st_mtime_ns
        s.start()
        rows = int(s.ask('SELECT count() FROM t'))
        until(lambda: os.stat(log).st_mtime_ns != written)
        s.ask('INSERT INTO t SELECT number FROM numbers(10)')
        before = s.ask(looks)
        same(before.split()[0], str(rows + 10))
        s.stop(signal.SIGKILL)
        for f in catalog_files(path):
            os.remove(f)
        assert 'at the end of the log are damaged' not in recover(path)
        s.start()
        same(s.ask(looks), before)
    s.stop()


@test
def recover_keeps_what_it_does_not_know(path):
    s = server_over(path)
    s.ask('CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x')
    s.ask('INSERT INTO t SELECT number FROM numbers(10)')
    first = os.path.getsize(os.path.join(path, 'store', 'catalog.log'))
    s.ask('INSERT INTO t SELECT number FROM numbers(10)')
    s.stop(signal.SIGKILL)
    for f in catalog_files(path):
        os.remove(f)
    with open(os.path.join(path, 'store', 'catalog.log'), 'r+b') as o: # the end is torn
        o.truncate(first + 20)
    said = recover(path)
    assert '1 part files belong to no table' in said and 'at the end of the log are damaged' in said, said
    same(len(os.listdir(os.path.join(path, 'unlisted'))), 1)
    s = server_over(path)
    try:
        same(s.ask('SELECT count() FROM t'), '10\n')
        s.again()
        same(len(os.listdir(os.path.join(path, 'unlisted'))), 1)
    finally:
        s.stop()
    os.remove(os.path.join(path, 'store', 'catalog.log'))
    for f in catalog_files(path):
        os.remove(f)
    assert 'FILE_DOESNT_EXIST' in recover(path, 1)


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('firn')
    parser.add_argument('--weed')
    parser.add_argument('--only', default='')
    OPTIONS = parser.parse_args()
    return run_all(OPTIONS.only)


sys.exit(main())
