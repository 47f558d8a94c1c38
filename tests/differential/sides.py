"""sides.py - the two that are asked: a firn server over HTTP, and ClickHouse itself (chdb) in a child process that can be ended.

Both answer a statement with ('rows', bytes of TabSeparatedWithNamesAndTypes) or ('error', code, text) or ('lost', text): the server
went away, or there was no answer in time. Run as a program this file is that child: frames of 4 bytes length and a statement on
stdin, of a JSON answer on stdout. SPDX-License-Identifier: Apache-2.0"""
import base64
import http.client
import json
import os
import re
import select
import struct
import subprocess
import sys
import urllib.parse

# What both sides are set to. Threads only where ClickHouse's answer depends on them.
COMMON = {'implicit_select': 0, 'allow_introspection_functions': 0, 'mutations_sync': 2, 'alter_sync': 2, 'allow_suspicious_low_cardinality_types': 1,
          'allow_suspicious_types_in_group_by': 1, 'allow_suspicious_types_in_order_by': 1}
JUDGE_ONLY = {'max_threads': 1, 'compile_expressions': 0, 'compile_aggregate_expressions': 0, 'compile_sort_description': 0, 'max_execution_time': 20}
FORMAT = 'TabSeparatedWithNamesAndTypes'


class Firn:
    def __init__(self, url, database, timeout=60):
        u = urllib.parse.urlparse(url)
        self.host, self.port, self.timeout, self.http, self.database = u.hostname, u.port, timeout, None, database
        self.settings = dict(COMMON, default_format=FORMAT, wait_end_of_query=1, max_execution_time=40)

    def ask(self, sql, database=True):
        path = '/?' + urllib.parse.urlencode(dict(self.settings, **({'database': self.database} if database else {})))
        try:
            if self.http is None:
                self.http = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
            self.http.request('POST', path, body=sql.encode('utf-8', 'surrogateescape'))
            answer = self.http.getresponse()
            body = answer.read()
        except (http.client.HTTPException, OSError) as e:
            self.http = None
            return 'lost', repr(e)
        code = answer.getheader('X-ClickHouse-Exception-Code')
        if answer.status >= 400 or code:
            return 'error', int(code or 0), body.decode('utf-8', 'replace')[:600]
        return 'rows', body

    def begin(self):
        self.ask('DROP DATABASE IF EXISTS %s SYNC' % self.database, False)
        return self.ask('CREATE DATABASE ' + self.database, False)

    def end(self):
        self.ask('DROP DATABASE IF EXISTS %s SYNC' % self.database, False)


class Judge:
    """ClickHouse; begin() empties it. After a 'lost' the next begin() starts another process."""

    def __init__(self, path, database, timeout=40):
        self.path, self.database, self.timeout, self.child, self.born = path, database, timeout, None, 0

    def start(self):
        self.born += 1
        self.child = subprocess.Popen([sys.executable, os.path.abspath(__file__), '%s/%d' % (self.path, self.born)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL)
        for name, value in {**COMMON, **JUDGE_ONLY}.items():
            self.ask('SET %s = %s' % (name, value))

    def stop(self):
        if self.child:
            self.child.kill()
            self.child.wait()
            self.child = None

    def read(self, length):
        """So many bytes of the child, or None if it ends or takes too long."""
        data, fd = b'', self.child.stdout.fileno()
        while len(data) < length:
            if not select.select([fd], [], [], self.timeout)[0]:
                return None
            got = os.read(fd, length - len(data))
            if not got:
                return None
            data += got
        return data

    def ask(self, sql):
        if self.child is None:
            return 'lost', 'the judge is not running'
        data = sql.encode('utf-8', 'surrogateescape')
        try:
            self.child.stdin.write(struct.pack('<I', len(data)) + data)
            self.child.stdin.flush()
            head = self.read(4)
            body = head and self.read(struct.unpack('<I', head)[0])
        except OSError:
            body = None
        if not body:
            self.stop()
            return 'lost', 'no answer of the judge'
        answer = json.loads(body)
        if 'rows' in answer:
            return 'rows', base64.b64decode(answer['rows'])
        return 'error', answer['code'], answer['text']

    def begin(self):
        if self.child is None:
            self.start()
        self.ask('DROP DATABASE IF EXISTS %s SYNC' % self.database)
        self.ask('CREATE DATABASE ' + self.database)
        return self.ask('USE ' + self.database)


def serve(path):
    from chdb import session
    own = os.dup(1)
    os.dup2(2, 1)  # ClickHouse may print what it likes
    asked = session.Session(path)
    source = sys.stdin.buffer
    while True:
        head = source.read(4)
        if len(head) < 4:
            return
        sql = source.read(struct.unpack('<I', head)[0])
        try:
            got = asked.query(sql.decode('utf-8', 'surrogateescape'), FORMAT)
            answer = {'rows': base64.b64encode(got.bytes() or b'').decode()}
        except Exception as e:  # pylint: disable=broad-except
            code = re.search(r'Code: (\d+)', str(e))
            answer = {'code': int(code.group(1)) if code else -1, 'text': str(e)[:600]}
            try:
                asked.query('SELECT 1', FORMAT)  # what a failed statement has written already comes before the next one's rows
            except Exception:  # pylint: disable=broad-except
                pass
        data = json.dumps(answer).encode()
        data = struct.pack('<I', len(data)) + data
        while data:
            data = data[os.write(own, data):]


if __name__ == '__main__':
    serve(sys.argv[1])
