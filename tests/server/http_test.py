#!/usr/bin/env python3
"""The wire, byte by byte: what a ClickHouse client relies on in HTTP, checked with raw sockets and without any client library.

  http_test.py http://127.0.0.1:PORT [NAME] [--quick]     ends with 'N passed, N failed, N skipped'
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
QUICK_WITHOUT = {'limits', 'hostile_heads', 'session_edges', 'bodies_nobody_reads', 'status_of_errors', 'parameters_of_statements'}


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
def events_of_a_statement():
    ok('CREATE TABLE events_t (x UInt64, s String) ENGINE = MergeTree ORDER BY x', '')
    name = uuid.uuid4().hex
    ok("INSERT INTO events_t SELECT number, toString(number) FROM numbers(100000)", '', parameters={'query_id': name + 'i'})
    ok('SELECT count() FROM events_t WHERE x >= 20000 AND x < 30000 AND NOT ignore(s)', '10000\n', parameters={'query_id': name + 's', 'max_threads': '2'})
    events = lambda which, of: ask("SELECT %s FROM system.query_log WHERE query_id = '%s%s' AND type = 'QueryFinish'" % (', '.join("ProfileEvents['%s']" % e for e in of), name, which)).text
    same(events('s', ['SelectedParts', 'SelectedRanges', 'SelectedMarks', 'SelectQuery', 'InsertedRows']), '1\t1\t2\t1\t0\n')
    same(events('i', ['InsertedRows', 'InsertQuery', 'SelectQuery', 'FileOpen', 'FileSync']), '100000\t1\t0\t1\t1\n')
    assert all(int(n) > 0 for n in events('i', ['RealTimeMicroseconds', 'WriteBufferFromFileDescriptorWriteBytes', 'QueryTimeMicroseconds']).split())
    same(ask("SELECT mapContains(ProfileEvents, 'InsertedRows') FROM system.query_log WHERE query_id = '%ss' AND type = 'QueryFinish'" % name).text, '0\n')
    same(ask("SELECT length(ProfileEvents) FROM system.query_log WHERE query_id = '%ss' AND type = 'QueryStart'" % name).text, '0\n')
    assert int(ask("SELECT value FROM system.events WHERE event = 'SelectedMarks'").text) >= 2
    ok('DROP TABLE events_t', '')


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

# ---- statuses, by the code of the error ----

@test
def status_of_errors():
    for sql, status, code, name in (
            ('SELECT 1 +', 400, 62, 'SYNTAX_ERROR'), ('', 400, 62, 'SYNTAX_ERROR'), ('SELECT nope', 404, 47, 'UNKNOWN_IDENTIFIER'), ('SELECT nope(1)', 404, 46, 'UNKNOWN_FUNCTION'),
            ('SELECT * FROM nope', 404, 60, 'UNKNOWN_TABLE'), ('SELECT * FROM nope.nope', 404, 81, 'UNKNOWN_DATABASE'), ('SELECT toUInt8(1, 2, 3)', 500, 42, 'NUMBER_OF_ARGUMENTS_DOESNT_MATCH'),
            ("SELECT 'a' + 1", 500, 43, 'ILLEGAL_TYPE_OF_ARGUMENT'), ("SELECT CAST('x' AS Nope)", 404, 50, 'UNKNOWN_TYPE'), ("SELECT toInt32('x')", 400, 6, 'CANNOT_PARSE_TEXT'),
            ("SELECT toDateTime('x')", 400, 41, 'CANNOT_PARSE_DATETIME'), ('SELECT intDiv(1, 0)', 500, 153, 'ILLEGAL_DIVISION'), ('SELECT throwIf(1)', 500, 395, 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'),
            ('SELECT {x:Int32}', 500, 456, 'UNKNOWN_QUERY_PARAMETER'), ('SELECT 1 SETTINGS nope = 1', 404, 115, 'UNKNOWN_SETTING'), ('CREATE TABLE http_e (a Int8) ENGINE = Nope', 404, 56, 'UNKNOWN_STORAGE'),
            ('CREATE DATABASE default', 500, 82, 'DATABASE_ALREADY_EXISTS'), ('SELECT number FROM numbers(10) GROUP BY number HAVING sum(sum(number))', 500, 184, 'ILLEGAL_AGGREGATION'),
            ('SELECT number, count() FROM numbers(10)', 500, 215, 'NOT_AN_AGGREGATE')):
        fails(sql, status, code, name)
    fails('SELECT 1', 404, 81, 'UNKNOWN_DATABASE', parameters={'database': 'nope'})
    fails('SELECT 1', 404, 81, 'UNKNOWN_DATABASE', headers=[('X-ClickHouse-Database', 'nope')])
    fails('SELECT 1', 404, 115, 'UNKNOWN_SETTING', parameters={'nope': '1'})
    fails('SELECT 1; SELECT 2', 400, 62, 'SYNTAX_ERROR')
    fails('SELECT {x:Int32}', 500, 457, 'BAD_QUERY_PARAMETER', parameters={'param_x': 'abc'})
    for path in ('/?', '/?query='):
        same((get(path).status, get(path)['X-ClickHouse-Exception-Code']), (400, '62'), path)


@test
def get_is_readonly():
    a = get('/?query=CREATE%20TABLE%20http_g%20(a%20Int8)%20ENGINE%3DMemory')
    same((a.status, a['X-ClickHouse-Exception-Code']), (500, '164'), a.text)
    same(get('/?query=SELECT%205&max_threads=1').text, '5\n')


@test
def head_of_a_query():
    w = Wire()
    a = get('/?query=SELECT%201', method='HEAD', wire=w)
    same((a.status, a['X-ClickHouse-Format'], a.text), (200, 'TabSeparated', ''))
    same(get('/?query=SELECT%202', wire=w).text, '2\n', 'nothing is left on the wire')
    same(get('/?query=SELECT%20nope', method='HEAD', wire=w).status, 404)
    same(get('/?query=SELECT%203', wire=w).text, '3\n')
    w.close()


@test
def paths():
    for path in ('/query?query=SELECT%209', '/?query=SELECT+9', '/?&query=SELECT%209&', '/query/?query=SELECT%209'):
        same(get(path).text, '9\n', path)
    same(get('http://%s/?query=SELECT%%209' % URL.netloc).text, '9\n', 'absolute form')
    for method in ('DELETE', 'PATCH', 'BREW'):
        assert get('/?query=SELECT%201', method=method).status in (404, 405, 501), method


# ---- bodies ----

@test
def chunked_trailers_and_rubbish():
    w = Wire()
    w.send(head('POST', '/', [('Transfer-Encoding', 'chunked'), ('Trailer', 'X-Sum')]) + b'8;name="v;x"\r\nSELECT 4\r\n0;last\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n')
    same(w.answer().text, '4\n')
    same(ask('SELECT 1', wire=w).text, '1\n')
    w.close()
    for body in (b'-1\r\n', b'8\r\nSELECT 4XX0\r\n\r\n', b'ffffffffffffffffff\r\n', b'\r\n', b'8 \nSELECT'):
        w = Wire()
        w.send(head('POST', '/', [('Transfer-Encoding', 'chunked')]) + body)
        w.socket.shutdown(socket.SHUT_WR)
        try:
            assert w.answer().status >= 400, body
        except EOFError:
            pass
        w.close()
    for both in ([('Transfer-Encoding', 'chunked'), ('Content-Length', '5')], [('Content-Length', '5'), ('Content-Length', '6')], [('Transfer-Encoding', 'gzip, chunked')]):
        w = Wire()
        w.send(head('POST', '/', both) + b'0\r\n\r\n')
        a = w.answer()
        assert a.status >= 400 and a['Connection'].lower() == 'close', both
        w.close()


@test
def expect_of_a_refused_request():
    w = Wire()
    w.send(head('POST', '/', [('Expect', '100-continue'), ('X-ClickHouse-User', 'nobody')], 1000000))
    line = w.line()
    assert line.startswith(b'HTTP/1.1 403'), line
    w.close()


@test
def native_there_and_back():
    """strings in runs of empty ones, long ones, and both across the ends of what is read at once"""
    rows = ("SELECT toUInt32(number) AS n, if(number % 100 < 37 OR intDiv(number, 1000) % 3 = 0, '', repeat(char(number), number % 300)) AS s, "
            "if(number % 9 = 0, toString(number), '') AS l, if(number % 50000 = 7, repeat('y', 400000), '') AS y, '' AS e FROM numbers(200000)")
    sums = 'SELECT count(), sum(cityHash64(n, s, l, y, e)), sum(length(s)), sum(length(y)) FROM '
    ok('DROP TABLE IF EXISTS http_native', '')
    ok('CREATE TABLE http_native (n UInt32, s String, l String, y String, e String) ENGINE = MergeTree ORDER BY n', '')
    data = ask(rows + ' FORMAT Native').body
    same(ask('INSERT INTO http_native FORMAT Native', body=data).status, 200)
    same(ask(sums + 'http_native').text, ask(sums + '(%s)' % rows).text)
    assert ask('INSERT INTO http_native FORMAT Native', body=data[:-1]).status >= 400
    same(ask('SELECT count() FROM http_native').text, '200000\n')
    ok('DROP TABLE http_native', '')


@test
def large_bodies_at_any_pace():
    """lines that come fast are waited for in large pieces: not when they stop coming fast, and never by the next request"""
    ok('DROP TABLE IF EXISTS http_pace', '')
    ok('CREATE TABLE http_pace (a UInt32, s String) ENGINE = MergeTree ORDER BY a', '')
    path = '/?query=INSERT%20INTO%20http_pace%20FORMAT%20TSV'
    data = b''.join(b'%d\t%s\n' % (i, b'x' * 100) for i in range(100000))
    w = Wire()
    for quick in (len(data), 6000000):
        w.send(head('POST', path, (), len(data)))
        for at in range(0, quick, 8192):
            w.send(data[at:min(at + 8192, quick)])
        for at in range(quick, min(quick + 5000, len(data)), 1000): # less than what is waited for, then more
            w.send(data[at:at + 1000])
            time.sleep(0.03)
        w.send(data[quick + 5000:])
        same(w.answer().status, 200)
        for _ in range(3):
            began = time.time()
            same(ask('SELECT 1', wire=w).text, '1\n')
            assert time.time() - began < 5, 'the answer to a small request had to wait'
    ok('SELECT count(), uniqExact(a), sum(length(s)) FROM http_pace', '200000\t100000\t20000000\n')
    w.send(head('POST', path, (), len(data)) + data[:8000000]) # cut
    w.close()
    w = Wire()
    bad = data[:9000000].rsplit(b'\n', 1)[0] + b'\nno number' + data[9000000:]
    w.send(head('POST', path, (), len(bad)) + bad)
    a = w.answer()
    assert a.status == 400 and 'at row' in a.text, (a.status, a.text)
    w.close()
    ok('SELECT count() FROM http_pace', '200000\n')
    ok('DROP TABLE http_pace', '')


@test
def bodies_nobody_reads():
    w = Wire()
    data = b'SELECT nope' + b' ' * 3000000
    for _ in range(3):
        w.send(head('POST', '/', (), len(data)) + data)
        assert w.answer().status in (400, 404) # unknown, or longer than max_query_size
    w.send(head('POST', '/?query=SELECT%20nope%20FROM', [('Transfer-Encoding', 'chunked')]))
    for _ in range(20):
        w.send(b'10000\r\n' + b'x' * 65536 + b'\r\n')
    w.send(b'0\r\n\r\n')
    assert w.answer().status >= 400
    same(ask('SELECT 1', wire=w).text, '1\n', 'the rest of a body is not a request')
    w.close()


@test
def connection_close():
    w = Wire()
    a = ask('SELECT 1', headers=[('Connection', 'close')], wire=w)
    same((a.text, a['Connection'].lower(), a['Keep-Alive']), ('1\n', 'close', None))
    same(w.socket.recv(10), b'')
    w.close()
    w = Wire()
    w.send(b'GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    same(w.answer().text, 'Ok.\n')
    w.send(b'GET /ping HTTP/1.0\r\n\r\n')
    same(w.answer().text, 'Ok.\n')
    same(w.socket.recv(10), b'')
    w.close()


@test
def pipelined_beyond_a_bad_one():
    w = Wire()
    w.send(head('POST', '/', (), 11) + b'SELECT nope' + head('POST', '/', (), 8) + b'SELECT 8' + b'JUNK\r\n\r\n' + head('GET', '/ping'))
    same((w.answer().status, w.answer().text), (404, '8\n'))
    same(w.answer().status, 400)
    same(w.socket.recv(10), b'', 'closed behind the junk')
    w.close()


@test
def more_request_codings():
    import bz2
    import lzma
    for name, data, works in (('br', None, True), ('bz2', bz2.compress(b'SELECT 6'), None), ('xz', lzma.compress(b'SELECT 6'), None), ('identity', b'SELECT 6', True), ('', b'SELECT 6', True)):
        if data is None:
            continue
        w = Wire()
        w.send(head('POST', '/', [('Content-Encoding', name)], len(data)) + data)
        a = w.answer()
        assert a.text == '6\n' or (works is None and a.status >= 400), (name, a.status, a.text)
        w.close()
    a = ask('SELECT 1', headers=[('Accept-Encoding', 'br;q=1.0, *;q=0.5')])
    assert a.status == 200 and a['Content-Encoding'] in (None, 'br')
    same(ask('SELECT 1 WHERE 0', headers=[('Accept-Encoding', 'gzip')])['Content-Encoding'], None, 'no coding of nothing')


# ---- parameters ----

@test
def parameters_of_statements():
    for type_, value, expected in (('Int32', '-5', '-5'), ('String', 'a\\tb', 'a\\tb'), ('Array(String)', "['x','y''z']", "['x','y\\'z']"), ('Nullable(Int8)', '\\N', '\\N'), ('Date', '2024-02-29', '2024-02-29'),
                                   ('Map(String, UInt8)', "{'k':1}", "{'k':1}"), ('Tuple(UInt8, String)', "(1,'x')", "(1,'x')"), ('Float64', '1.5', '1.5'), ('Bool', 'true', 'true')):
        same(ask('SELECT {p:%s}' % type_, parameters={'param_p': value}).text, expected + '\n', type_)
    same(ask('SELECT * FROM {t:Identifier} LIMIT 1', parameters={'param_t': 'numbers'}).status >= 400, True)
    same(ask('SELECT count() FROM {d:Identifier}.{t:Identifier}', parameters={'param_d': 'system', 'param_t': 'one'}).text, '1\n')


@test
def multipart_parameters():
    body = ''.join('--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % p for p in (('query', 'SELECT {a:Int32} + {b:Int32}'), ('param_a', '20'), ('param_b', '22'))) + '--b--\r\n'
    w = Wire()
    w.send(head('POST', '/', [('Content-Type', 'multipart/form-data; boundary="b"')], len(body)) + body.encode())
    same(w.answer().text, '42\n')
    for broken in (body[:-20], 'no boundary', '--b\r\n\r\n', ''):
        w = Wire()
        w.send(head('POST', '/', [('Content-Type', 'multipart/form-data; boundary="b"')], len(broken)) + broken.encode())
        assert w.answer().status >= 400, broken
        w.close()


@test
def cors():
    same(ask('SELECT 1', headers=[('Origin', 'http://x')], parameters={'add_http_cors_header': '1'})['Access-Control-Allow-Origin'], '*')
    a = get('/', method='OPTIONS', headers=[('Origin', 'http://x'), ('Access-Control-Request-Method', 'POST')])
    assert a.status in (200, 204) and not a.body


# ---- sessions ----

@test
def session_edges():
    s = {'session_id': uuid.uuid4().hex}
    fails('SELECT 1', 500, 374, 'INVALID_SESSION_TIMEOUT', parameters=dict(s, session_timeout='10000'))
    fails('SELECT 1', 500, 374, 'INVALID_SESSION_TIMEOUT', parameters=dict(s, session_timeout='x'))
    fails('SELECT 1', 500, 744, 'SESSION_ID_EMPTY', parameters={'session_id': ''})
    ok('SET max_block_size = 77', '', parameters=s)
    ok("SELECT getSetting('max_block_size')", '78\n', parameters=dict(s, max_block_size='78'))
    ok("SELECT getSetting('max_block_size')", '77\n', parameters=s)
    ok('SELECT 1', '1\n', parameters=dict(s, close_session='1'))
    fails('SELECT 1', 500, 372, 'SESSION_NOT_FOUND', parameters=dict(s, session_check='1'))
    short = {'session_id': uuid.uuid4().hex, 'session_timeout': '1'}
    ok('SELECT 1', '1\n', parameters=short)
    time.sleep(1.6)
    fails('SELECT 1', 500, 372, 'SESSION_NOT_FOUND', parameters=dict(short, session_check='1'))


@test
def more_authentication():
    both = [('Authorization', 'Basic ' + base64.b64encode(b'default:').decode()), ('X-ClickHouse-User', 'default')]
    fails('SELECT 1', 403, 516, 'AUTHENTICATION_FAILED', headers=both)
    fails('SELECT 1', 403, 516, 'AUTHENTICATION_FAILED', headers=[('X-ClickHouse-User', 'default')], parameters={'user': 'default'})
    fails('SELECT 1', 403, 516, 'AUTHENTICATION_FAILED', headers=[('Authorization', 'Bearer abc')])
    fails('SELECT 1', 403, 516, 'AUTHENTICATION_FAILED', headers=[('X-ClickHouse-User', '')])
    ok('SELECT 1', '1\n', headers=[('X-ClickHouse-Key', '')])


# ---- exceptions in the middle of every format ----

LATE = "SELECT number, throwIf(number = 300000, 'late trouble') AS t FROM numbers(400000) SETTINGS max_threads = 1, max_block_size = 65536"


@test
def exception_in_every_format():
    for name in ('TabSeparated', 'CSV', 'JSON', 'JSONCompact', 'JSONEachRow', 'JSONCompactEachRow', 'Native', 'RowBinary', 'RowBinaryWithNamesAndTypes', 'Values', 'Vertical', 'Pretty'):
        a = ask(LATE, parameters={'default_format': name})
        if a['X-ClickHouse-Exception-Code']: # nothing had been sent
            same(a.status, 500, name)
            continue
        tag = a['X-ClickHouse-Exception-Tag'].encode()
        assert a['cut'] and b'__exception__\r\n' + tag in a.body[-17000:] and a.body.endswith(tag + b'\r\n__exception__\r\n'), (name, a.body[-300:])
        text = a.body[a.body.rindex(b'\r\n__exception__\r\n' + tag) + 35:]
        message, size = text[:text.rindex(b'\n', 0, text.rindex(b'\r\n__exc')) + 1], int(text[:text.rindex(tag)].split(b'\n')[-1].strip() or 0)
        same(len(message), size, name + ': the length that is told')


@test
def exception_as_output():
    for name in ('JSON', 'JSONCompact'):
        a = ask(LATE, parameters={'default_format': name, 'http_write_exception_in_output_format': '1'})
        same(a.status, 200, name)
        assert 'late trouble' in json.loads(a.text)['exception'], name


@test
def exception_in_a_coded_body():
    for name, decoder in (('gzip', lambda: zlib.decompressobj(31)), ('zstd', lambda: zstandard.ZstdDecompressor().decompressobj()), ('lz4', lz4.frame.LZ4FrameDecompressor)):
        a = ask(LATE, headers=[('Accept-Encoding', name)])
        assert a['cut'] and b'late trouble' in decoder().decompress(a.body)[-2000:], name


# ---- progress, cancelling, limits of the server ----

@test
def progress_headers():
    w = Wire()
    sql = b'SELECT count() FROM numbers(2000000000) WHERE sipHash64(number) = 1'
    w.send(head('POST', '/?send_progress_in_http_headers=1&http_headers_progress_interval_ms=20&max_execution_time=1&timeout_overflow_mode=break', (), len(sql)) + sql)
    assert w.line().startswith(b'HTTP/1.1 200')
    seen = []
    while True:
        line = w.line()
        if not line.startswith(b'X-ClickHouse-Progress: '):
            break
        seen.append(json.loads(line[23:]))
    assert len(seen) > 3, seen
    rows = [int(p['read_rows']) for p in seen]
    same(rows, sorted(rows), 'it only grows')
    same(seen[-1]['total_rows_to_read'], '2000000000')
    w.close()
    a = ask('SELECT throwIf(sipHash64(number) = 0 OR number = 19999999) FROM numbers(20000000) FORMAT Null', parameters={'send_progress_in_http_headers': '1', 'http_headers_progress_interval_ms': '5', 'max_threads': '1'})
    same(a['X-ClickHouse-Exception-Code'], '395', 'an error behind progress is still told in a header')


@test
def client_that_leaves_cancels():
    query_id = uuid.uuid4().hex
    sql = b'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1'
    w = Wire()
    w.send(head('POST', '/?cancel_http_readonly_queries_on_client_close=1&query_id=' + query_id, (), len(sql)) + sql)
    running = "SELECT count() FROM system.processes WHERE query_id = '%s'" % query_id
    for wanted in ('1\n', '0\n'):
        for _ in range(400):
            if ask(running).text == wanted:
                break
            time.sleep(0.05)
        else:
            raise AssertionError('count of the statement never became ' + wanted)
        w.close()


@test
def slow_heads_cost_nothing():
    wires = [Wire() for _ in range(150)]
    for w in wires:
        w.send(b'POST / HTTP/1.1\r\nHost: x\r\nX-A: ')
    begun = time.time()
    for i in range(20):
        ok('SELECT 1', '1\n')
    assert time.time() - begun < 20
    for w in wires[:10]:
        w.send(b'y\r\nContent-Length: 8\r\n\r\nSELECT 3')
        same(w.answer().text, '3\n')
    for w in wires:
        w.close()


@test
def long_statements_do_not_hold_up_short_ones():
    long = [Wire() for _ in range(8)]
    sql = b'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1'
    for w in long:
        w.send(head('POST', '/?max_execution_time=3&max_threads=1&cancel_http_readonly_queries_on_client_close=1', (), len(sql)) + sql)
    time.sleep(0.2)
    begun = time.time()
    ok('SELECT 1', '1\n')
    assert time.time() - begun < 2, time.time() - begun
    for w in long:
        w.close()


def main():
    words = [w for w in sys.argv[2:] if w != '--quick']
    failed = 0
    chosen = [t for t in TESTS if not words or words[0] in t.__name__]
    if '--quick' in sys.argv: # under ThreadSanitizer: without what is long there and tells it nothing
        chosen = [t for t in chosen if t.__name__ not in QUICK_WITHOUT]
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
