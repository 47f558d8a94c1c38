#!/usr/bin/env python3
"""The wire, byte by byte: what a ClickHouse client relies on in HTTP, checked with raw sockets and without any client library.

  http_test.py http://127.0.0.1:PORT        ends with 'N passed, N failed, N skipped'
SPDX-License-Identifier: Apache-2.0"""
import base64
import gzip
import json
import socket
import struct
import sys
import threading
import time
import traceback
import urllib.parse
import uuid
import zlib

import lz4.block
import lz4.frame
import zstandard

URL = urllib.parse.urlparse(sys.argv[1])
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __getitem__(self, name):
        return self.headers.get(name.lower())

    @property
    def text(self):
        return self.body.decode('utf-8', 'replace')


class Wire:
    """One connection; sends bytes as given, reads one answer at a time."""

    def __init__(self):
        self.socket = socket.create_connection((URL.hostname, URL.port), 30)
        self.rest = b''

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError('closed by the server after %r' % self.rest[-200:])
        self.rest += data

    def line(self):
        while b'\r\n' not in self.rest:
            self.more()
        line, self.rest = self.rest.split(b'\r\n', 1)
        return line

    def take(self, size):
        while len(self.rest) < size:
            self.more()
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def answer(self, head_only=False):
        status = int(self.line().split(b' ')[1])
        headers = {}
        while True:
            line = self.line()
            if not line:
                break
            name, value = line.decode('latin-1').split(':', 1)
            headers[name.strip().lower()] = value.strip()
        if status == 100:
            return self.answer(head_only)
        body = b''
        if head_only or status == 204:
            return Answer(status, headers, body)
        if headers.get('transfer-encoding', '').lower() == 'chunked':
            while True:
                try:
                    size = int(self.line().split(b';')[0], 16)
                except EOFError: # after an exception in mid-stream there is no last chunk
                    headers['cut'] = '1'
                    break
                body += self.take(size)
                self.take(2)
                if not size:
                    break
        elif 'content-length' in headers:
            body = self.take(int(headers['content-length']))
        else:
            try:
                while True:
                    self.more()
            except EOFError:
                body, self.rest = self.rest, b''
        return Answer(status, headers, body)

    def close(self):
        self.socket.close()


def head(method, path, headers=(), length=None):
    lines = ['%s %s HTTP/1.1' % (method, path), 'Host: %s' % URL.netloc] + ['%s: %s' % h for h in headers]
    if length is not None:
        lines.append('Content-Length: %d' % length)
    return ('\r\n'.join(lines) + '\r\n\r\n').encode()


def ask(sql, parameters=(), headers=(), method='POST', wire=None, body=None):
    w = wire or Wire()
    query = dict(parameters)
    if body is not None:
        query['query'] = sql
    data = (sql if isinstance(sql, bytes) else sql.encode()) if body is None else body
    path = '/' + ('?' + urllib.parse.urlencode(query) if query else '')
    w.send(head(method, path, headers, len(data)) + data)
    a = w.answer(method == 'HEAD')
    if not wire:
        w.close()
    return a


def same(got, expected, what=''):
    if got != expected:
        raise AssertionError('%s: expected %r, got %r' % (what, expected, got))


def ok(sql, expected, **more):
    a = ask(sql, **more)
    same((a.status, a.text), (200, expected), sql)
    return a


def fails(sql, status, code, name, **more):
    a = ask(sql, **more)
    same((a.status, a['X-ClickHouse-Exception-Code']), (status, str(code)), sql + ' -> ' + a.text[:200])
    assert a.text.startswith('Code: %d. DB::Exception: ' % code) and '(%s)' % name in a.text, a.text[:300]
    return a


def get(path, headers=(), method='GET', wire=None):
    w = wire or Wire()
    w.send(head(method, path, headers))
    a = w.answer(method == 'HEAD')
    if not wire:
        w.close()
    return a


# ---- endpoints ----

@test
def health():
    for path in ('/', '/ping', '/replicas_status'):
        a = get(path)
        same((a.status, a.text), (200, 'Ok.\n'), path)
        same(get(path, method='HEAD').status, 200, 'HEAD ' + path)


@test
def unknown_path():
    a = get('/nonsense')
    same(a.status, 404)
    assert 'There is no handle /nonsense' in a.text, a.text


@test
def play_page():
    a = get('/play')
    same(a.status, 200)
    assert a['Content-Type'].startswith('text/html') and '<title>' in a.text


@test
def options():
    assert ask('', method='OPTIONS').status in (200, 204)


# ---- statements ----

@test
def query_in_url_and_body():
    ok('SELECT 1', '1\n')
    same(get('/?query=SELECT%201%2B1').text, '2\n')
    same(ask('FORMAT TSV', parameters={'query': 'SELECT 3'}).text, '3\n', 'URL and body are joined')


@test
def headers_of_an_answer():
    a = ok('SELECT 1', '1\n', parameters={'query_id': 'http-test-1'})
    same(a['X-ClickHouse-Query-Id'], 'http-test-1')
    same(a['X-ClickHouse-Format'], 'TabSeparated')
    same(a['Content-Type'], 'text/tab-separated-values; charset=UTF-8')
    assert a['X-ClickHouse-Timezone'] and a['X-ClickHouse-Server-Display-Name']
    assert len(a['X-ClickHouse-Exception-Tag']) == 16
    assert a['Keep-Alive'].startswith('timeout=')
    summary = json.loads(a['X-ClickHouse-Summary'])
    assert {'read_rows', 'read_bytes', 'written_rows', 'written_bytes', 'total_rows_to_read', 'result_rows', 'result_bytes', 'elapsed_ns'} <= set(summary)
    assert all(isinstance(v, str) for v in summary.values()), summary
    uuid.UUID(ok('SELECT 1', '1\n')['X-ClickHouse-Query-Id'])


@test
def formats():
    for source in ({'parameters': {'default_format': 'JSONEachRow'}}, {'headers': [('X-ClickHouse-Format', 'JSONEachRow')]}):
        a = ok('SELECT 1 AS a', '{"a":1}\n', **source)
        same(a['Content-Type'], 'application/x-ndjson; charset=UTF-8')
    ok('SELECT 1 AS a FORMAT CSV', '1\n', parameters={'default_format': 'JSONEachRow'})
    fails('SELECT 1 FORMAT NoSuchFormat', 404, 73, 'UNKNOWN_FORMAT')


@test
def statements_without_result():
    a = ok('CREATE TABLE IF NOT EXISTS http_ddl (a Int32) ENGINE = Memory', '')
    assert a['X-ClickHouse-Format'] is None
    ok('DROP TABLE http_ddl', '')


@test
def errors_have_code_name_and_status():
    fails('SELEC 1', 400, 62, 'SYNTAX_ERROR')
    fails('', 400, 62, 'SYNTAX_ERROR')
    fails('SELECT 1; SELECT 2', 400, 62, 'SYNTAX_ERROR')
    fails('SELECT x', 404, 47, 'UNKNOWN_IDENTIFIER')
    fails('SELECT f(1)', 404, 46, 'UNKNOWN_FUNCTION')
    fails('SELECT * FROM no_such_table', 404, 60, 'UNKNOWN_TABLE')
    fails('SELECT 1', 404, 81, 'UNKNOWN_DATABASE', parameters={'database': 'nope'})
    fails('SELECT 1', 404, 115, 'UNKNOWN_SETTING', parameters={'no_such_setting': '1'})


@test
def get_is_readonly():
    a = get('/?query=' + urllib.parse.quote('CREATE TABLE http_ro (a Int32) ENGINE = Memory'))
    same((a.status, a['X-ClickHouse-Exception-Code']), (500, '164'), a.text)


@test
def parameters():
    ok('SELECT {a:UInt32} + 1, {s:String}', '43\tx\\ty\n', parameters={'param_a': '42', 'param_s': 'x\\ty'})
    ok('SELECT {a:Array(String)}', "['a','b']\n", parameters={'param_a': "['a','b']"})
    ok('SELECT {n:Nullable(String)}', '\\N\n', parameters={'param_n': '\\N'})
    fails('SELECT {a:UInt32}', 500, 456, 'UNKNOWN_QUERY_PARAMETER')


# ---- connections ----

@test
def keep_alive_and_pipelining():
    w = Wire()
    for i in range(20):
        same(ask('SELECT %d' % i, wire=w).text, '%d\n' % i)
    w.send(b''.join(head('POST', '/', (), len(s)) + s for s in (b'SELECT %d' % i for i in range(50))))
    for i in range(50):
        same(w.answer().text, '%d\n' % i)
    w.close()


@test
def error_keeps_the_connection():
    w = Wire()
    for _ in range(5):
        same(ask('SELECT nope', wire=w).status, 404)
        same(ask('SELECT 1', wire=w).text, '1\n')
    w.close()


@test
def split_writes():
    w = Wire()
    data = head('POST', '/', (), 8) + b'SELECT 7'
    for i in range(len(data)):
        w.send(data[i:i + 1])
    same(w.answer().text, '7\n')
    w.close()


@test
def chunked_request():
    w = Wire()
    w.send(head('POST', '/', [('Transfer-Encoding', 'chunked')]))
    for piece in (b'SEL', b'ECT ', b'1 + 1'):
        w.send(b'%x;ext=1\r\n%s\r\n' % (len(piece), piece))
    w.send(b'0\r\n\r\n')
    same(w.answer().text, '2\n')
    same(ask('SELECT 1', wire=w).text, '1\n', 'the connection goes on')
    w.close()


@test
def expect_continue():
    w = Wire()
    w.send(head('POST', '/', [('Expect', '100-continue')], 8))
    assert w.line().startswith(b'HTTP/1.1 100')
    w.line()
    w.send(b'SELECT 5')
    same(w.answer().text, '5\n')
    w.close()


@test
def length_required():
    w = Wire()
    w.send(head('POST', '/'))
    a = w.answer()
    same((a.status, a['X-ClickHouse-Exception-Code']), (411, '381'))
    w.close()


@test
def http_1_0():
    w = Wire()
    w.send(b'POST / HTTP/1.0\r\nContent-Length: 8\r\n\r\nSELECT 1')
    a = w.answer()
    same(a.text, '1\n')
    assert a['Transfer-Encoding'] is None
    w.close()


@test
def hostile_heads():
    for data in (b'GARBAGE\r\n\r\n', b'GET / HTTP/9.9\r\n\r\n', b'POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n', b'POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n',
                 b'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n', b'GET /' + b'a' * 2000000 + b' HTTP/1.1\r\n\r\n', b'GET / HTTP/1.1\r\nX: ' + b'b' * 2000000 + b'\r\n\r\n',
                 b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', b'GET / HTTP/1.1\r\n: x\r\n\r\n', b'\0' * 1000):
        w = Wire()
        try:
            w.send(data)
            w.socket.shutdown(socket.SHUT_WR)
            w.answer()
        except (EOFError, OSError, ValueError, IndexError):
            pass
        w.close()
        ok('SELECT 1', '1\n')


@test
def large_result_is_chunked_and_whole():
    a = ask('SELECT number FROM numbers(1000000)')
    same(a['Transfer-Encoding'], 'chunked')
    same(len(a.body), 6888890)
    assert a.body.endswith(b'\n999999\n')


@test
def client_that_leaves():
    for _ in range(5):
        w = Wire()
        w.send(head('POST', '/', (), 42) + b'SELECT number FROM numbers(10000000000)   ')
        w.socket.recv(1000)
        w.close()
    ok('SELECT 1', '1\n')


@test
def many_connections():
    wires = [Wire() for _ in range(200)]
    for i, w in enumerate(wires):
        s = b'SELECT %d' % i
        w.send(head('POST', '/', (), len(s)) + s)
    for i, w in enumerate(wires):
        same(w.answer().text, '%d\n' % i)
        w.close()


# ---- codings ----

DECODERS = {'gzip': gzip.decompress, 'deflate': zlib.decompress, 'zstd': lambda b: zstandard.ZstdDecompressor().decompressobj().decompress(b), 'lz4': lz4.frame.decompress}
ENCODERS = {'gzip': gzip.compress, 'deflate': zlib.compress, 'zstd': zstandard.ZstdCompressor().compress, 'lz4': lz4.frame.compress}


@test
def response_codings():
    plain = ask('SELECT number, toString(number) FROM numbers(100000)').body
    for name, decode in DECODERS.items():
        a = ask('SELECT number, toString(number) FROM numbers(100000)', headers=[('Accept-Encoding', name)])
        same(a['Content-Encoding'], name)
        assert decode(a.body) == plain, name
        assert len(a.body) < len(plain)
    a = ask('SELECT 1', headers=[('Accept-Encoding', 'gzip')], parameters={'enable_http_compression': '0'})
    same((a['Content-Encoding'], a.text), (None, '1\n'))
    a = ask('SELECT nope', headers=[('Accept-Encoding', 'gzip')])
    assert b'UNKNOWN_IDENTIFIER' in gzip.decompress(a.body)


@test
def request_codings():
    for name, encode in ENCODERS.items():
        data = encode(b'SELECT 40 + 2')
        w = Wire()
        w.send(head('POST', '/', [('Content-Encoding', name)], len(data)) + data)
        same(w.answer().text, '42\n', name)
        w.close()
    for data in (b'not gzip', gzip.compress(b'SELECT 1' * 1000)[:-9]):
        w = Wire()
        w.send(head('POST', '/', [('Content-Encoding', 'gzip')], len(data)) + data)
        assert w.answer().status >= 400
        w.close()
    same(ask('SELECT 1', headers=[('Content-Encoding', 'nonsense')]).status >= 400, True)


def frames(body):
    """Native block frames (compress=1); checksums are left to the client tests."""
    out = b''
    while body:
        method, size, raw = struct.unpack('<BII', body[16:25])
        data = body[25:16 + size]
        out += lz4.block.decompress(data, uncompressed_size=raw) if method == 0x82 else zstandard.ZstdDecompressor().decompress(data, raw)
        body = body[16 + size:]
    return out


@test
def native_frames():
    for method in ('LZ4', 'ZSTD'):
        a = ask('SELECT number FROM numbers(100000)', parameters={'compress': '1', 'network_compression_method': method})
        same(frames(a.body), ask('SELECT number FROM numbers(100000)').body)
    framed = ask("SELECT 'SELECT 1' FORMAT RawBLOB", parameters={'compress': '1'}).body
    same(ask(framed, parameters={'decompress': '1'}).text, '1\n')
    broken = bytearray(framed)
    broken[30] ^= 1
    assert ask(bytes(broken), parameters={'decompress': '1'}).status >= 400


# ---- sessions, auth ----

@test
def sessions():
    s = {'session_id': uuid.uuid4().hex}
    ok('SET max_block_size = 1234', '', parameters=s)
    ok("SELECT getSetting('max_block_size')", '1234\n', parameters=s)
    ok('CREATE TEMPORARY TABLE http_tmp (a Int32)', '', parameters=s)
    ok('INSERT INTO http_tmp VALUES (1), (2)', '', parameters=s)
    ok('SELECT sum(a) FROM http_tmp', '3\n', parameters=s)
    fails('SELECT sum(a) FROM http_tmp', 404, 60, 'UNKNOWN_TABLE')
    fails('SELECT 1', 500, 372, 'SESSION_NOT_FOUND', parameters={'session_id': uuid.uuid4().hex, 'session_check': '1'})


@test
def session_is_locked_while_in_use():
    s = {'session_id': uuid.uuid4().hex}
    slow = threading.Thread(target=lambda: ask('SELECT sleep(2)', parameters=s))
    slow.start()
    time.sleep(0.7)
    a = ask('SELECT 1', parameters=s)
    slow.join()
    same(a['X-ClickHouse-Exception-Code'], '373', a.text)


@test
def authentication():
    basic = 'Basic ' + base64.b64encode(b'default:').decode()
    for headers in ([('Authorization', basic)], [('X-ClickHouse-User', 'default'), ('X-ClickHouse-Key', '')], [('Authorization', 'never')]):
        ok('SELECT currentUser()', 'default\n', headers=headers)
    ok('SELECT 1', '1\n', parameters={'user': 'default', 'password': ''})
    a = ask('SELECT 1', headers=[('Authorization', 'Basic ' + base64.b64encode(b'default:wrong').decode())])
    same((a.status, a['X-ClickHouse-Exception-Code']), (403, '516'))
    same(ask('SELECT 1', parameters={'user': 'nobody'}).status, 403)
    same(ask('SELECT 1', headers=[('Authorization', 'Basic !!!')]).status, 403)


# ---- exceptions in mid-stream, inserts ----

@test
def exception_in_midstream():
    a = ask("SELECT number, throwIf(number = 900000, 'late trouble') FROM numbers(1000000) SETTINGS max_threads = 1")
    tag = a['X-ClickHouse-Exception-Tag']
    same((a.status, a['cut']), (200, '1'))
    assert '__exception__\r\n' + tag in a.text[-2000:] and 'late trouble' in a.text[-2000:], a.text[-500:]


@test
def wait_end_of_query():
    a = ask("SELECT number, throwIf(number = 900000, 'late trouble') FROM numbers(1000000) SETTINGS max_threads = 1", parameters={'wait_end_of_query': '1'})
    same((a.status, a['X-ClickHouse-Exception-Code']), (500, '395'))
    a = ok('SELECT count() FROM (SELECT * FROM numbers(1000))', '1000\n', parameters={'wait_end_of_query': '1'})
    same(json.loads(a['X-ClickHouse-Summary'])['read_rows'], '1000')


@test
def insert_counts_and_bad_data():
    ok('DROP TABLE IF EXISTS http_in', '')
    ok('CREATE TABLE http_in (a Int32, s String) ENGINE = MergeTree ORDER BY a', '')
    a = ask('INSERT INTO http_in FORMAT TSV', body=b'1\tx\n2\ty\n')
    same((a.status, json.loads(a['X-ClickHouse-Summary'])['written_rows']), (200, '2'))
    a = ask('INSERT INTO http_in FORMAT TSV', body=b'3\tz\nnope\ty\n')
    assert a.status == 400 and 'row 2' in a.text.lower(), (a.status, a.text)
    a = ask('INSERT INTO http_in FORMAT Native', body=b'\x02\x02\x01a\x05Int32\x01')
    assert a.status >= 400
    ok('SELECT count(), sum(a) FROM http_in', '2\t3\n')
    ok('INSERT INTO http_in VALUES (10, \'in one\'), (11, concat(\'a\', \'b\'))', '')
    ok('SELECT * FROM http_in WHERE a >= 10 ORDER BY a', '10\tin one\n11\tab\n')
    fails('INSERT INTO http_in (nope) VALUES (1)', 500, 16, 'NO_SUCH_COLUMN_IN_TABLE')
    ok('DROP TABLE http_in', '')


@test
def multipart_external_table():
    boundary = 'firnboundary'
    body = ('--%s\r\nContent-Disposition: form-data; name="ext"; filename="x"\r\nContent-Type: application/octet-stream\r\n\r\n1\ta\r\n2\tb\n\r\n--%s--\r\n' % (boundary, boundary)).replace('a\r\n', 'a\n').encode()
    w = Wire()
    path = '/?' + urllib.parse.urlencode({'query': 'SELECT sum(a), max(b) FROM ext', 'ext_structure': 'a Int32, b String'})
    w.send(head('POST', path, [('Content-Type', 'multipart/form-data; boundary=' + boundary)], len(body)) + body)
    same(w.answer().text, '3\tb\n')
    w.close()


# ---- watching and ending statements ----

@test
def query_log_and_kill():
    query_id = uuid.uuid4().hex
    ok("SELECT 'logged'", 'logged\n', parameters={'query_id': query_id})
    row = ask("SELECT type, read_rows, query FROM system.query_log WHERE query_id = '%s' ORDER BY event_time_microseconds" % query_id).text
    assert 'QueryFinish' in row, row
    ask('SELECT nope', parameters={'query_id': query_id + 'x'})
    row = ask("SELECT exception_code FROM system.query_log WHERE query_id = '%sx' AND exception_code != 0" % query_id).text
    same(row, '47\n')
    slow = {}
    thread = threading.Thread(target=lambda: slow.update(a=ask('SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1', parameters={'query_id': query_id + 'k'})))
    thread.start()
    for _ in range(100):
        if ask("SELECT count() FROM system.processes WHERE query_id = '%sk'" % query_id).text == '1\n':
            break
        time.sleep(0.05)
    assert ask("KILL QUERY WHERE query_id = '%sk' SYNC" % query_id).status == 200
    thread.join(20)
    same(slow['a']['X-ClickHouse-Exception-Code'], '394')


@test
def limits():
    fails('SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1', 408, 159, 'TIMEOUT_EXCEEDED', parameters={'max_execution_time': '0.5'})
    fails('SELECT groupArray(number) FROM numbers(100000000)', 500, 241, 'MEMORY_LIMIT_EXCEEDED', parameters={'max_memory_usage': '20000000'})
    fails('SELECT number FROM numbers(1000)', 500, 396, 'TOO_MANY_ROWS_OR_BYTES', parameters={'max_result_rows': '10', 'wait_end_of_query': '1'})


def main():
    only = sys.argv[2] if len(sys.argv) > 2 else ''
    failed = 0
    chosen = [t for t in TESTS if only in t.__name__]
    for t in chosen:
        try:
            t()
        except Exception:
            failed += 1
            print('%s failed:' % t.__name__)
            traceback.print_exc(limit=4, file=sys.stdout)
    print('%d passed, %d failed, 0 skipped' % (len(chosen) - failed, failed))
    return 1 if failed else 0


sys.exit(main())
