#!/usr/bin/env python3
"""The commands as a user meets them: firn local, firn client, firn server; their help, exit codes, data directories.

  program_test.py PATH/OF/firn       ends with 'N passed, N failed, N skipped'
SPDX-License-Identifier: Apache-2.0"""
import os
import signal
import socket
import subprocess
import sys
import time

from cases import run_all, same, test
from http_ask import Client, Failure
from running import Running

FIRN = sys.argv[1]


def run(*arguments, stdin=b'', env=None, timeout=60):
    p = subprocess.run([FIRN] + list(arguments), input=stdin, capture_output=True, timeout=timeout, env=dict(os.environ, **(env or {})))
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def serve(path, *more, env=None):
    return Running(FIRN, path, *more, env=env)


@test
def help_and_version(path):
    for arguments in (['--help'], ['server', '--help'], ['local', '--help'], ['client', '--help']):
        code, out, _ = run(*arguments)
        same(code, 0)
        assert 'firn' in out and len(out) > 200, out
    code, out, _ = run('--version')
    same(code, 0)
    code, out, err = run('nonsense')
    assert code != 0 and 'nonsense' in err


@test
def local_select(path):
    same(run('local', '-q', 'SELECT 1, \'a\'')[:2], (0, '1\ta\n'))
    same(run('local', '-q', 'SELECT number AS n FROM numbers(2) FORMAT JSONEachRow')[:2], (0, '{"n":0}\n{"n":1}\n'))
    code, out, err = run('local', '-q', 'SELECT nope')
    assert code != 0 and 'UNKNOWN_IDENTIFIER' in err and not out, (code, out, err)


@test
def local_files(path):
    name = os.path.join(path, 'x.csv')
    with open(name, 'w') as f:
        f.write('a,b\n1,x\n2,y\n')
    same(run('local', '-q', "SELECT sum(a), max(b) FROM file('%s')" % name)[:2], (0, '3\ty\n'))


@test
def local_keeps_data(path):
    data = os.path.join(path, 'data')
    same(run('local', '--path', data, '-q', 'CREATE TABLE t (a Int32) ENGINE = MergeTree ORDER BY a')[0], 0)
    same(run('local', '--path', data, '-q', 'INSERT INTO t VALUES (1), (2)')[0], 0)
    same(run('local', '--path', data, '-q', 'SELECT sum(a) FROM t')[:2], (0, '3\n'))


@test
def detached_table_keeps_its_rows(path):
    data = os.path.join(path, 'data')
    same(run('local', '--path', data, '-q', 'CREATE TABLE t (a Int32) ENGINE = MergeTree ORDER BY a')[0], 0)
    same(run('local', '--path', data, '-q', 'INSERT INTO t VALUES (1), (2)')[0], 0)
    same(run('local', '--path', data, '-q', 'DETACH TABLE t PERMANENTLY')[0], 0)
    same(run('local', '--path', data, '-q', 'SHOW TABLES')[:2], (0, ''))
    same(run('local', '--path', data, '-q', 'ATTACH TABLE t')[0], 0)
    same(run('local', '--path', data, '-q', 'SELECT sum(a) FROM t')[:2], (0, '3\n'))


@test
def server_and_client(path):
    s = serve(os.path.join(path, 'data'))
    try:
        same(run('client', '--url', s.url, '-q', 'SELECT 1 + 1')[:2], (0, '2\n'))
        same(run('client', '--url', s.url, '-q', 'CREATE TABLE c (a Int32, b String) ENGINE = MergeTree ORDER BY a')[0], 0)
        same(run('client', '--url', s.url, '-q', 'INSERT INTO c FORMAT TSV', stdin=b'1\tx\n2\ty\n')[0], 0)
        same(run('client', '--url', s.url, '-q', 'SELECT * FROM c ORDER BY a')[:2], (0, '1\tx\n2\ty\n'))
        code, out, err = run('client', '--url', s.url, '-q', 'SELECT nope')
        assert code != 0 and 'UNKNOWN_IDENTIFIER' in err, (code, out, err)
    finally:
        code = s.stop()
    same(code, 0)
    s = serve(os.path.join(path, 'data'))
    try:
        same(Client(s.url).ask('SELECT count() FROM c'), '2\n')
    finally:
        same(s.stop(signal.SIGINT), 0)
    code, _, err = run('client', '--url', s.url, '-q', 'SELECT 1')
    assert code != 0 and str(s.port) in err, err


@test
def one_server_a_directory(path):
    data = os.path.join(path, 'data')
    s = serve(data)
    try:
        code, _, err = run('server', '--path', data, '--http-port', '0', timeout=20)
        assert code != 0 and data in err, (code, err)
        code, _, err = run('server', '--path', os.path.join(path, 'other'), '--http-port', str(s.port), timeout=20)
        assert code != 0 and str(s.port) in err, (code, err)
    finally:
        same(s.stop(), 0)


@test
def user_from_the_environment(path):
    s = serve(os.path.join(path, 'data'), env={'CLICKHOUSE_USER': 'me', 'CLICKHOUSE_PASSWORD': 'secret', 'CLICKHOUSE_DB': 'mine'})
    try:
        same(Client(s.url, user='me', password='secret').ask('SELECT currentUser()'), 'me\n')
        code, _, err = run('client', '--url', s.url, '--user', 'me', '--password', 'wrong', '-q', 'SELECT 1')
        assert code != 0 and 'AUTHENTICATION_FAILED' in err and 'secret' not in err, err
    finally:
        same(s.stop(), 0)


@test
def query_log_survives(path):
    data = os.path.join(path, 'data')
    s = serve(data)
    Client(s.url).ask('SELECT 1', query_id='before-restart')
    same(s.stop(), 0)
    s = serve(data)
    try:
        same(Client(s.url).ask("SELECT count() FROM system.query_log WHERE query_id = 'before-restart' AND type = 'QueryFinish'"), '1\n')
    finally:
        same(s.stop(), 0)


@test
def scalar_kernels_and_plain_reads_agree(path):
    sql = 'SELECT sum(a), max(s), count() FROM (SELECT number * 3 % 1001 AS a, toString(number) AS s FROM numbers(200000)) WHERE a > 500'
    answers = {run('local', '-q', sql, env=env)[1] for env in ({}, {'FIRN_CPU': 'scalar'}, {'FIRN_IO': 'pread'})}
    same(len(answers), 1)


@test
def limits_of_the_server(path):
    s = Running(FIRN, os.path.join(path, 'd'), config='keep_alive_timeout: 2\nmax_connections: 3\nmax_concurrent_queries: 2\n')
    open_one = lambda: socket.create_connection(('127.0.0.1', s.port), 20)
    try:
        idle, slow, begun = open_one(), open_one(), time.time()
        idle.sendall(b'GET /ping HTTP/1.1\r\n\r\n')
        assert b'Keep-Alive: timeout=2\r\n' in idle.recv(1000)
        slow.sendall(b'POST / HT')
        same((idle.recv(10), slow.recv(10)), (b'', b''))
        assert 1.5 < time.time() - begun < 15, time.time() - begun
        time.sleep(0.2)
        wires = [open_one() for _ in range(5)]
        for w in wires[3:]:
            assert w.recv(1000).startswith(b'HTTP/1.1 503 ')
        for sql, refused in (b'SELECT sleep(1) SETTINGS queue_max_wait_ms = 20000', 0), (b'SELECT sleep(1)', 1):
            begun = time.time()
            for w in wires[:3]:
                w.sendall(b'POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n' % len(sql) + sql)
            answers = [w.recv(2000) for w in wires[:3]]
            same(sum(b'Code: 202. DB::Exception: Too many simultaneous queries. Maximum: 2' in a for a in answers), refused)
            same(sum(a.startswith(b'HTTP/1.1 200 ') for a in answers), 3 - refused)
            assert refused or time.time() - begun > 1.9, 'the third waits for one of the two'
    finally:
        same(s.stop(), 0)


def failure(client, sql, **parameters):
    try:
        client.ask(sql, **parameters)
    except Failure as e:
        return e
    raise AssertionError('%s did not fail' % sql)


@test
def memory_of_a_user(path):
    s = Running(FIRN, os.path.join(path, 'd'))
    try:
        c, sql = Client(s.url), 'SELECT length(groupArray(number)) FROM numbers(5000000)'
        e = failure(c, sql, max_memory_usage_for_user=10000000)
        same(e.code, 241)
        assert 'User memory limit exceeded: would use' in str(e) and 'maximum: 9.54 MiB' in str(e), e
        same(c.ask(sql), '5000000\n') # the limit goes with the statements that asked for it
    finally:
        same(s.stop(), 0)


@test
def secrets_are_not_shown(path):
    s = Running(FIRN, os.path.join(path, 'd'))
    where = "('http://127.0.0.1:1/bucket/x.csv', 'mykey', 'mysecret', 'CSV'"
    try:
        c = Client(s.url)
        e = failure(c, 'SELECT * FROM s3%s, \'a UInt8\') WHERE nope = 1' % where)
        assert e.code == 47 and 'mysecret' not in str(e), e
        e = failure(c, 'SELECT * FROM s3%s, \'a UInt8\') WHERE = = 1' % where)
        assert e.code == 62 and 'mysecret' not in str(e), e
        c.ask('CREATE TABLE t (a UInt8) ENGINE = S3%s)' % where)
        shown = c.ask('SHOW CREATE TABLE t')
        assert 'mykey' in shown and '[HIDDEN]' in shown and 'mysecret' not in shown, shown
        c.ask('SYSTEM FLUSH LOGS')
        same(c.ask("SELECT countIf(position(query, 'mysec' || 'ret') > 0), countIf(position(exception, 'mysec' || 'ret') > 0), "
                   "countIf(position(query, '[HID' || 'DEN]') > 0) >= 3 FROM system.query_log"), '0\t0\t1\n')
    finally:
        same(s.stop(), 0)
    s = Running(FIRN, os.path.join(path, 'd')) # the catalog still has it
    try:
        assert 'S3' in Client(s.url).ask("SELECT engine_full FROM system.tables WHERE name = 't'")
    finally:
        same(s.stop(), 0)


@test
def progress_of_long_statements(path):
    code, out, err = run('local', '--progress', '-q', 'SELECT count() FROM numbers(60000000) WHERE sipHash64(number) = 1')
    same((code, out), (0, '0\n'))
    assert 'rows/s' in err and '%' in err, err[-300:]


sys.exit(run_all())
