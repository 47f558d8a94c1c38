"""hostile_test.py FIRN - what clients send who mean harm, or are broken: bad HTTP, bombs, statements that double at each word. Each gets its
error in time, none takes more memory than its limit, and the server goes on. SPDX-License-Identifier: Apache-2.0"""
import gzip
import os
import shutil
import socket
import sys
import tempfile
import threading
import time

from http_ask import Client, Failure
from running import Running

MIB = 1 << 20
failures, passed = [], []


def check(name, good, what=''):
    (passed if good else failures).append(name)
    if not good or os.environ.get('VERBOSE'):
        print('%s %s %s' % ('ok  ' if good else 'FAIL', name, what), flush=True)


def raw(server, data, timeout=10, half_close=True):
    """What comes back for the bytes on a connection of their own, up to its end."""
    with socket.create_connection(('127.0.0.1', server.port), timeout) as s:
        s.settimeout(timeout)
        answer = b''
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            while True:
                piece = s.recv(65536)
                if not piece:
                    return answer
                answer += piece
        except socket.timeout:
            return answer + b'<timeout>'
        except OSError:
            return answer


def head(more='', length=None, line='POST / HTTP/1.1'):
    return ('%s\r\nHost: x\r\n%s%s\r\n' % (line, more, '' if length is None else 'Content-Length: %d\r\n' % length)).encode()


def chunk(size_text, body=b''):
    return head('Transfer-Encoding: chunked\r\n') + size_text + b'\r\n' + body


# bytes; what the answer begins with: b'' if the connection may just end
REQUESTS = [
    ('no request', b'\x00\xff' * 100, b''),
    ('a TLS greeting', b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + b'a' * 500, b''),
    ('a line without end', b'GET /' + b'a' * (2 * MIB), b''),
    ('many headers', head(''.join('X-%d: y\r\n' % i for i in range(5000))), b'HTTP/1.1 4'),
    ('a large header', head('X: ' + 'y' * (2 * MIB) + '\r\n', 0), b''),
    ('many parameters', head(line='GET /?' + '&'.join('a%d=1' % i for i in range(5000)) + ' HTTP/1.1'), b'HTTP/1.1 4'),
    ('a length below zero', head('Content-Length: -1\r\n') + b'SELECT 1', b'HTTP/1.1 4'),
    ('a length beyond 64 bits', head('Content-Length: 99999999999999999999999\r\n') + b'SELECT 1', b'HTTP/1.1 4'),
    ('two lengths', head('Content-Length: 8\r\nContent-Length: 9\r\n') + b'SELECT 1', b'HTTP/1.1 4'),
    ('length and chunks', head('Transfer-Encoding: chunked\r\n', 5) + b'0\r\n\r\n', b'HTTP/1.1 4'),
    ('a chunk without number', chunk(b'zz', b'SELECT 1'), b'HTTP/1.1 500'),
    ('a chunk below zero', chunk(b'-8', b'SELECT 1\r\n0\r\n\r\n'), b'HTTP/1.1 500'),
    ('a chunk beyond 64 bits', chunk(b'ffffffffffffffffff', b'SELECT 1'), b'HTTP/1.1 500'),
    ('a chunk that is cut', chunk(b'7fffffff', b'SELECT 1'), b''),
    ('a chunk with too much', chunk(b'8', b'SELECT 1 + 1\r\n0\r\n\r\n'), b'HTTP/1.1 500'),
    ('a body that is cut', head(length=10 ** 12) + b'SELECT 1', b''),
    ('a bad escape', head(line='GET /?query=SELECT%201%GG HTTP/1.1'), b'HTTP/1.1'),
    ('a NUL in the statement', head(line='GET /?query=SELECT%201%00 HTTP/1.1'), b'HTTP/1.1'),
    ('no gzip', head('Content-Encoding: gzip\r\n', 8) + b'SELECT 1', b'HTTP/1.1 500'),
    ('no frames', head(line='POST /?decompress=1 HTTP/1.1', length=40) + b'\xff' * 40, b'HTTP/1.1 500'),
    ('frames of 2 GiB', head(line='POST /?decompress=1 HTTP/1.1', length=40) + b'\0' * 16 + b'\x82\xff\xff\xff\x7f\xff\xff\xff\x7f' + b'\0' * 15, b'HTTP/1.1 500'),
    ('a wild multipart', head('Content-Type: multipart/form-data; boundary=' + 'b' * 3000 + '\r\n', 6) + b'--b\r\n\r', b'HTTP/1.1'),
]

# name, statement, settings, codes it may end with (0: an answer), seconds it may take
N = 100000
STATEMENTS = [
    ('BETWEEN that doubles', 'SELECT 1' + ' BETWEEN 0 AND 1' * 1000, {}, {168}, 10),
    ('BETWEEN without a limit', 'SELECT 1' + ' BETWEEN 0 AND 1' * 1000, {'max_ast_elements': 0}, {168}, 10),
    ('aliases that double', 'SELECT 1 AS a0' + ''.join(', a%d + a%d AS a%d' % (i, i, i + 1) for i in range(60)), {}, {168}, 10),
    ('brackets', 'SELECT ' + '(' * 20000 + '1' + ')' * 20000, {}, {306, 160, 62}, 60),
    ('arrays', 'SELECT ' + '[' * 20000 + '1' + ']' * 20000, {}, {306, 160, 62}, 60),
    ('NOT', 'SELECT ' + 'NOT ' * 60000 + '1', {}, {306}, 20),
    ('minus', 'SELECT ' + '- ' * N + '1', {}, {306}, 20),
    ('CASE', 'SELECT ' + 'CASE WHEN 1 THEN ' * 10000 + '1' + ' END' * 10000, {}, {306}, 20),
    ('subqueries', 'SELECT * FROM ' + '(SELECT * FROM ' * 10000 + 'numbers(1)' + ')' * 10000, {}, {306}, 20),
    ('types', 'SELECT CAST([] AS ' + 'Array(' * 20000 + 'UInt8' + ')' * 20000 + ')', {}, {306}, 20),
    ('30,000 constants', 'SELECT length([' + ','.join(map(str, range(30000))) + ']), ' + ','.join(map(str, range(5000))), {}, {0}, 40),
    ('an IN of 60,000', 'SELECT count() FROM numbers(1000) WHERE number IN (' + ','.join(map(str, range(60000))) + ')',
     {'max_query_size': 10 ** 9, 'max_ast_elements': 10 ** 6}, {0}, 60),
    ('a statement too long', 'SELECT 1' + ' AND 1' * N, {'max_ast_elements': 10 ** 6}, {62}, 20),
    ('slots of 136 years', 'SELECT length(timeSlots(toDateTime(0), toUInt32(4294967295), 1))', {'max_memory_usage': 20 * MIB}, {241}, 60),
    ('slots in no time', 'SELECT length(timeSlots(toDateTime(0), toUInt32(4294967295), 1)) FROM numbers(3)', {'max_execution_time': 1, 'max_memory_usage': 10 ** 12}, {159, 241}, 30),
    ('an array beyond the limit', "SELECT arrayWithConstant(20000000, 'abc')", {'max_memory_usage': 20 * MIB}, {241, 128, 131}, 60),
    ('a range beyond the limit', 'SELECT arrayMap(x -> range(1000000), range(1000))', {'max_memory_usage': 200 * MIB, 'max_execution_time': 20}, {241, 159}, 60),
    ('parameters', 'SELECT length(groupArray(1000000000000000000)(number)) FROM numbers(10)', {}, {0}, 10),
    ('a regular expression', "SELECT match(repeat('a', 30), '(a+)+$'), match('a', repeat('(', 100000))", {}, {427}, 10),
]


def requests(server):
    for name, data, begins in REQUESTS:
        answer = raw(server, data)
        check(name, b'<timeout>' not in answer and answer.startswith(begins), repr(answer[:100]))
    many = b''.join(head(line='GET /?query=SELECT%%20%d HTTP/1.1' % i) for i in range(300))
    check('300 requests in one go', raw(server, many, half_close=False, timeout=2).count(b'HTTP/1.1 200') == 300)


def slow(server):
    """Connections that send a byte now and then hold up nobody else."""
    held = [socket.create_connection(('127.0.0.1', server.port)) for _ in range(200)]
    for s in held:
        s.sendall(b'POST /?query=SELECT+1 HTTP/1.1\r\nHo')
    begin = time.time()
    for _ in range(20):
        Client(server.url).ask('SELECT 1')
    check('200 slow connections', time.time() - begin < 10)
    for s in held:
        s.close()


def bombs(server):
    client = Client(server.url)
    client.ask('CREATE TABLE bomb (s String) ENGINE = MergeTree ORDER BY tuple()')
    body = gzip.compress(b'a' * (256 * MIB), 1)
    answer = raw(server, head('Content-Encoding: gzip\r\n', len(body), 'POST /?query=INSERT+INTO+bomb+FORMAT+TSV&max_memory_usage=100000000 HTTP/1.1') + body, timeout=120)
    check('a bomb of gzip', b'\r\n\r\nCode: 241' in answer or b'\r\n\r\nCode: 131' in answer, repr(answer[:300]))
    check('nothing of it', client.ask('SELECT count() FROM bomb') == '0\n')


def statements(server):
    for name, sql, settings, codes, seconds in STATEMENTS:
        begin, code = time.time(), 0
        try:
            Client(server.url, timeout=100).ask(sql, **settings)
        except Failure as e:
            code = e.code
        except OSError as e:
            code = repr(e)
        took = time.time() - begin
        check(name, code in codes and took < seconds, '%s after %.1f s' % (code, took))


def kills(server):
    """KILL in the middle of what takes long, again and again."""
    def run(i):
        try:
            Client(server.url, timeout=100).ask('SELECT sum(sipHash64(number)) FROM numbers(100000000000)', query_id='long%d' % i)
            ended[i] = 0
        except Failure as e:
            ended[i] = e.code
    ended = {}
    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    client = Client(server.url)
    end = time.time() + 60
    while any(t.is_alive() for t in threads) and time.time() < end:
        client.ask("KILL QUERY WHERE query_id LIKE 'long%'")
        time.sleep(0.1)
    for t in threads:
        t.join()
    check('killed', set(ended.values()) == {394}, str(ended))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = tempfile.mkdtemp(prefix='firn-hostile-')
    server = Running(sys.argv[1], folder + '/data')
    try:
        for part in (requests, slow, bombs, statements, kills):
            part(server)
            check('still there after ' + part.__name__, Client(server.url).ask('SELECT 1') == '1\n')
    finally:
        code = server.stop()
        shutil.rmtree(folder)
    check('ends', code == 0 and 'ERROR: ' not in server.errors and 'runtime error' not in server.errors, server.errors[-2000:])
    print('%d passed, %d failed, 0 skipped' % (len(passed), len(failures)))
    sys.exit(bool(failures))


if __name__ == '__main__':
    main()
