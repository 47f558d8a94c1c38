#!/usr/bin/env python3
"""Rows sent to a web server: INSERT INTO FUNCTION url(...) and tables of engine URL, against a server of the test's own that also breaks off, stalls and
never ends.

  url_output_test.py build/asan/firn [name of a test]      ends with 'N passed, N failed, N skipped'
SPDX-License-Identifier: Apache-2.0"""
import gzip
import os
import socket
import struct
import sys
import threading
import time
import zlib

from cases import fails, run_all, same, test
from http_ask import Client
from running import Running

FIRN = sys.argv[1]


class Web:
    """Takes requests and keeps them in `seen` as (method, path, headers, body, whole); what it answers is chosen by the first part of the path."""

    def __init__(self):
        self.seen = []
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.url = 'http://127.0.0.1:%d' % self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(c,), daemon=True).start()

    def talk(self, c):
        try:
            self.answer(c, c.makefile('rb'))
        except OSError:
            pass
        finally:
            c.close()

    def answer(self, c, f):
        method, path, _ = f.readline().decode().split(' ')
        headers = {}
        for line in iter(f.readline, b'\r\n'):
            name, value = line.decode().rstrip('\r\n').split(':', 1)
            headers[name.lower()] = value.strip()
        kind = path.split('/')[1]
        if kind == 'early':
            c.sendall(b'HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig')
            f.read(1 << 16)
            return
        if kind == 'hasty':  # a success without the body
            c.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
            time.sleep(0.5)
            return
        if kind == 'stuck':
            time.sleep(20)
            return
        if kind == 'reset':
            f.read(100)
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            return
        body, whole = b'', True
        if headers.get('transfer-encoding') == 'chunked':
            while True:
                size = f.readline()
                if not size.strip():
                    whole = False
                    break
                n = int(size, 16)
                body += f.read(n)
                f.readline()
                if n == 0:
                    break
        self.seen.append((method, path, headers, body, whole))
        if kind == 'status':
            code = int(path.split('/')[2].split('?')[0])
            c.sendall(b'HTTP/1.1 %d Some Reason\r\nContent-Length: 10\r\nLocation: /else\r\n\r\nbad \x01 body' % code)
        elif kind == 'huge':
            c.sendall(b'HTTP/1.1 500 Oops\r\n\r\n')
            while True:
                c.sendall(b'e' * 65536)
        elif kind == 'endless':
            c.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
            while True:
                c.sendall(b'x' * 1000)
                time.sleep(0.01)
        elif kind == 'slow':
            time.sleep(20)
        elif kind == 'trickle':
            c.sendall(b'HTTP/1.1 500 Oops\r\n\r\n')
            while True:
                c.sendall(b'e')
                time.sleep(0.1)
        elif kind == 'get':
            c.sendall(b'HTTP/1.1 %s\r\nContent-Length: 4\r\n\r\n' % (b'200 OK' if headers.get('x-key') == 'right' else b'403 Forbidden') + (b'' if method == 'HEAD' else b'1\n2\n'))
        else:
            c.sendall(b'HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok')


def refused(code, c, sql, *words, **parameters):
    return fails(c.ask, sql, code, *words, **parameters)


def with_server(work):
    def run(path):
        web = Web()
        s = Running(FIRN, os.path.join(path, 'd'))
        try:
            c = Client(s.url)
            c.url = s.url
            work(c, web)
            same(Client(s.url).ask('SELECT 1'), '1\n')
        finally:
            s.stop()
            web.socket.close()
    run.__name__ = work.__name__
    return test(run)


@with_server
def rows_are_posted(c, web):
    c.ask("INSERT INTO FUNCTION url('%s/a.csv?x=1', 'CSV', 'a Int32, b String') VALUES (1, 'x'), (2, 'y')" % web.url)
    method, path, headers, body, whole = web.seen.pop()
    same((method, path, body, whole), ('POST', '/a.csv?x=1', b'1,"x"\n2,"y"\n', True))
    same((headers['transfer-encoding'], headers['content-type'], 'content-encoding' in headers, 'expect' in headers), ('chunked', 'text/csv; charset=UTF-8; header=absent', False, False))
    for address, method, more, unpack in (('a.csv.gz', 'gzip', '', gzip.decompress), ('a.csv', 'gzip', ", 'a Int32', 'gzip'", gzip.decompress), ('a.csv', 'deflate', ", 'a Int32', 'deflate'", zlib.decompress)):
        c.ask("INSERT INTO FUNCTION url('%s/%s', 'CSV'%s) SELECT 1 AS a" % (web.url, address, more))
        _, _, headers, body, _ = web.seen.pop()
        same((headers['content-encoding'], unpack(body)), (method, b'1\n'))
    c.ask("INSERT INTO FUNCTION url('%s/a.csv.gz', headers('X-A' = 'b', 'content-type' = 'text/foo'), 'CSV', 'auto', 'none') SELECT 1 AS a" % web.url)
    _, _, headers, body, _ = web.seen.pop()
    same((headers['x-a'], headers['content-type'], body), ('b', 'text/foo', b'1\n'))
    c.ask("INSERT INTO FUNCTION url('%s/a.csv') SELECT 1 AS a WHERE 0" % web.url)
    same(web.seen, [])
    c.ask("INSERT INTO FUNCTION url('%s/{_partition_id}.tsv', 'TSV', 'a Int32, b String') PARTITION BY b VALUES (1, 'x'), (2, 'y'), (3, 'x')" % web.url)
    same(sorted((x[1], x[3]) for x in web.seen), [('/x.tsv', b'1\tx\n3\tx\n'), ('/y.tsv', b'2\ty\n')])
    web.seen.clear()
    c.ask("INSERT INTO FUNCTION url('%s/big', 'TSV', 'a Int64') SELECT number FROM numbers(2000000)" % web.url, max_memory_usage=30000000)
    same(web.seen.pop()[3], ''.join('%d\n' % i for i in range(2000000)).encode())
    c.ask("INSERT INTO FUNCTION url('%s/{_partition_id}', 'TSV', 'a Int64') PARTITION BY a %% 70 SELECT number AS a FROM numbers(1000000)" % web.url)
    same((len(web.seen), sum(x[3].count(b'\n') for x in web.seen)), (70, 1000000))


@with_server
def tables_of_engine_url(c, web):
    c.ask("CREATE TABLE u (a Int32, b Int32 DEFAULT 7) ENGINE = URL('%s/t', CSV)" % web.url)
    c.ask('INSERT INTO u (a) VALUES (1)')
    c.ask('INSERT INTO u VALUES (1, 2)')
    same([x[3] for x in web.seen], [b'1,7\n', b'1,2\n'])
    c.ask("CREATE TABLE k (a Int32) ENGINE = URL('%s/get', CSV, headers('X-Key' = 'right'))" % web.url)
    c.ask('INSERT INTO k VALUES (3)')
    same(web.seen[-1][2]['x-key'], 'right')
    same(c.ask('SELECT * FROM k'), '1\n2\n')
    same(c.ask("SELECT * FROM url('%s/get', CSV, 'a Int32', headers('X-Key' = 'right'))" % web.url), '1\n2\n')
    refused(86, c, "SELECT * FROM url('%s/get', CSV, 'a Int32', headers('X-Key' = 'wrong'))" % web.url)
    shown = c.ask('SHOW CREATE TABLE k') + c.ask("SELECT engine_full FROM system.tables WHERE name = 'k'") + c.ask("SELECT query FROM system.query_log WHERE query LIKE '%X-Key%'")
    if 'right' in shown or '[HIDDEN]' not in shown:
        raise AssertionError(shown)
    c.ask('CREATE TABLE s (x Int32) ENGINE = MergeTree ORDER BY x')
    c.ask('CREATE MATERIALIZED VIEW v TO u AS SELECT x AS a FROM s')
    c.ask('INSERT INTO s VALUES (5)')
    same(web.seen[-1][3], b'5,7\n')


@with_server
def what_is_wrong(c, web):
    into = "INSERT INTO FUNCTION url('%s/%%s', 'CSV', 'a Int32'%%s) VALUES (1)" % web.url
    for code in (302, 307, 404, 500, 503):
        refused(86, c, into % ('status/%d?secret' % code, ''), 'Received error from remote server %s/status/%d. HTTP status code: %d' % (web.url, code, code), 'Some Reason', 'bad   bod')
    same(len(web.seen), 5)  # nothing is sent twice
    refused(48, c, into % ('a', ", 'nope'"), "Unknown compression method 'nope'")
    refused(48, c, into % ('a', ", 'xz'"))
    refused(48, c, into % ('a.xz', ''))
    refused(36, c, into % ('a', ", headers('A: b' = 'c')"))
    refused(36, c, into % ('a', ", headers('A' = 'c\\r\\nB: d')"))
    refused(36, c, into % ('a', ", headers('Content-Length' = '5')"))
    refused(36, c, into % ('a', ", headers('x')"))
    refused(42, c, into % ('a', ", 'gzip', 'b'"))
    refused(73, c, "INSERT INTO FUNCTION url('%s/a', 'Nope', 'a Int32') VALUES (1)" % web.url)
    refused(36, c, "INSERT INTO FUNCTION url('ftp://127.0.0.1/a', 'CSV', 'a Int32') VALUES (1)")
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        refused(1000, c, "INSERT INTO FUNCTION url('http://127.0.0.1:%d/a', 'CSV', 'a Int32') VALUES (1)" % s.getsockname()[1])
    same(len(web.seen), 5)
    refused(395, c, "INSERT INTO FUNCTION url('%s/cut', 'TSV', 'a Int64') SELECT throwIf(number = 900000) FROM numbers(1000000)" % web.url)
    time.sleep(0.3)
    same([x[4] for x in web.seen[5:]], [False])  # the server knows that it does not have it all


def timed(limit, work):
    began = time.time()
    work()
    if time.time() - began > limit:
        raise AssertionError('%.1f s' % (time.time() - began))


@with_server
def hostile_servers(c, web):
    small = "INSERT INTO FUNCTION url('%s/%%s', 'CSV', 'a Int32') VALUES (1)" % web.url
    large = "INSERT INTO FUNCTION url('%s/%%s', 'TSV', 'a Int64') SELECT number FROM numbers(20000000)" % web.url
    timed(5, lambda: refused(86, c, small % 'huge', 'HTTP status code: 500', 'at least'))
    timed(5, lambda: c.ask(small % 'endless'))
    timed(5, lambda: refused(1000, c, small % 'slow', 'Timeout', http_receive_timeout=1))
    timed(5, lambda: refused(1000, c, small % 'trickle', 'Timeout', http_receive_timeout=1))
    timed(5, lambda: refused(159, c, small % 'slow', max_execution_time=1))
    timed(8, lambda: refused(1000, c, large % 'stuck', 'Timeout', http_send_timeout=1))
    timed(8, lambda: refused(159, c, large % 'stuck', max_execution_time=1))
    timed(8, lambda: refused(1000, c, large % 'reset'))
    timed(8, lambda: refused(1000, c, large % 'hasty'))
    timed(8, lambda: refused(86, c, large % 'early', 'HTTP status code: 413'))
    stuck = threading.Thread(target=lambda: refused(394, Client(c.url), small % 'slow', query_id='stuck'))
    stuck.start()
    time.sleep(0.5)
    c.ask("KILL QUERY WHERE query_id = 'stuck' SYNC")
    stuck.join(3)
    same(stuck.is_alive(), False)
    same(c.ask("SELECT exception_code FROM system.query_log WHERE query_id = 'stuck' AND type > 2"), '394\n')


sys.exit(run_all(*sys.argv[2:3]))
