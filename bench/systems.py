"""The systems under test: chdb and duckdb, each in a worker process of its own, firn as a server that the benchmark starts and stops,
and any other server that speaks the ClickHouse HTTP protocol. Each answers .sql(text) with the time, the CPU time and the result.
SPDX-License-Identifier: Apache-2.0"""
import datetime
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

CLK = os.sysconf('SC_CLK_TCK')
SEND_BYTES = 128 << 10  # of a file at a time: by Python's own 8 KiB the sender takes as long as the server (curl: 64 KiB)
RESULT_MAX = 4_000_000  # characters of a result that are kept for comparing


class Failed(Exception):
    """a statement failed, or the system is gone"""


class Late(Failed):
    """a statement went over the run's time limit"""


# ------------------------------------------------------------------ processes and files
def process_cpu(pid):
    """CPU seconds of all threads of a process, to the nanosecond: Linux makes a process's CPU clock of its id"""
    return time.clock_gettime((~pid << 3) | 2)


def process_memory(pid):
    """{'VmHWM': peak, 'VmRSS': now} in bytes"""
    with open('/proc/%d/status' % pid) as f:
        return {line[:5]: int(line.split()[1]) * 1024 for line in f if line.startswith(('VmHWM', 'VmRSS'))}


def reset_peak(pid):
    try:
        with open('/proc/%d/clear_refs' % pid, 'w') as f:
            f.write('5')
    except OSError:
        pass


def renice(pid, nice):
    """Every thread of a process (new threads inherit it). With autogroup scheduling the session's priority is what counts."""
    if not nice:
        return
    try:
        with open('/proc/%d/autogroup' % pid, 'w') as f:
            f.write(str(nice))
    except OSError:
        pass
    for thread in os.listdir('/proc/%d/task' % pid):
        try:
            os.setpriority(os.PRIO_PROCESS, int(thread), nice)
        except OSError:
            pass


def files_below(path):
    return [path] if os.path.isfile(path) else [os.path.join(d, f) for d, _, names in os.walk(path) for f in names]


def size_on_disk(path):
    total = 0
    for f in files_below(path):
        try:
            total += os.lstat(f).st_size
        except OSError:
            pass
    return total


def evict(path):
    """drops a path's clean pages from the page cache (only its own, so that neighbours are not disturbed)"""
    for name in files_below(path):
        try:
            fd = os.open(name, os.O_RDONLY)
        except OSError:
            continue
        try:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)


def busy_seconds():
    """busy seconds of the whole machine so far"""
    with open('/proc/stat') as f:
        p = [int(x) for x in f.readline().split()[1:9]]
    return (sum(p) - p[3] - p[4]) / CLK


# ------------------------------------------------------------------ the worker process
def tsv_cell(v):
    if v is None:
        return '\\N'
    if isinstance(v, bool):
        return str(int(v))
    if isinstance(v, float):
        return repr(v)
    if isinstance(v, datetime.datetime):
        return v.strftime('%Y-%m-%d %H:%M:%S')
    if isinstance(v, (bytes, bytearray)):
        v = v.decode('utf-8', 'replace')
    return str(v).replace('\\', '\\\\').replace('\t', '\\t').replace('\n', '\\n').replace("'", "\\'")


def open_chdb(path):
    from chdb import session
    s = session.Session(path)

    def run(q):
        b = s.query(q, 'TabSeparated').bytes()
        return b.decode('utf-8', 'replace') if b else ''
    return run, run('select version()').strip(), s.close


def open_duckdb(path, threads):
    import duckdb
    con = duckdb.connect(path, config={'threads': threads, 'storage_compatibility_version': 'latest'})
    con.execute("set timezone='UTC'")

    def run(q):
        r = con.execute(q)
        try:
            rows = r.fetchall()
        except duckdb.Error:
            rows = []
        return rows
    return run, duckdb.__version__, con.close


def worker_main(kind, path, threads):
    out = os.fdopen(os.dup(1), 'w', buffering=1)
    os.dup2(2, 1)
    if kind == 'chdb':
        import chdb  # noqa: F401 - the import is not part of the time to open
    else:
        import duckdb  # noqa: F401
    t0 = time.perf_counter()
    run, version, close = open_chdb(path) if kind == 'chdb' else open_duckdb(path, threads)
    out.write(json.dumps({'ok': True, 'version': version, 'open_s': time.perf_counter() - t0}) + '\n')
    clock, cpu = time.perf_counter, time.process_time
    for line in sys.stdin:
        m = json.loads(line)
        try:
            if m['op'] == 'sql':
                c0, t0 = cpu(), clock()
                r = run(m['sql'])
                t1, c1 = clock(), cpu()
                if not isinstance(r, str):
                    r = ''.join('\t'.join(tsv_cell(v) for v in row) + '\n' for row in r)
                answer = {'ok': True, 't': t1 - t0, 'cpu': c1 - c0, 'data': r[:RESULT_MAX]}
            elif m['op'] == 'many':
                times = []
                for q in m['sqls']:
                    t0 = clock()
                    run(q)
                    times.append(clock() - t0)
                answer = {'ok': True, 'ts': times}
            else:
                out.write('{"ok":true}\n')
                out.flush()
                close()
                os._exit(0)
        except Exception as e:  # noqa: BLE001 - whatever the engine throws is its answer
            answer = {'ok': False, 'err': str(e)[:600]}
        out.write(json.dumps(answer) + '\n')


# ------------------------------------------------------------------ this side
class Worker:
    """chdb or duckdb in a process of its own"""
    def __init__(self, name, kind, path, threads):
        self.name, self.kind, self.path, self.threads, self.limit_s = name, kind, path, threads, 0
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), self.kind, self.path, str(self.threads)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env=dict(os.environ, TZ='UTC'), start_new_session=True)
        hello = self._read()
        self.version, self.open_s = hello['version'], hello['open_s']
        self.limit(self.limit_s)

    def limit(self, seconds):
        """chdb ends queries that take longer (DuckDB has no such setting); 0 for no limit"""
        self.limit_s = seconds
        if self.kind == 'chdb' and seconds:
            self.sql('SET max_execution_time = %d' % seconds)

    @property
    def pid(self):
        return self.process.pid

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failed('worker %s ended (%s)' % (self.name, self.process.poll()))
        return json.loads(line)

    def _ask(self, m):
        self.process.stdin.write(json.dumps(m) + '\n')
        self.process.stdin.flush()
        a = self._read()
        if not a['ok']:
            raise (Late if 'TIMEOUT_EXCEEDED' in a['err'] else Failed)(a['err'])
        return a

    def sql(self, q):
        return self._ask({'op': 'sql', 'sql': q})

    def many(self, qs):
        return self._ask({'op': 'many', 'sqls': qs})

    def evict(self):
        evict(self.path)

    def size(self):
        return size_on_disk(self.path)

    def close(self):
        try:
            self._ask({'op': 'quit'})
            self.process.wait(20)
        except Exception:  # noqa: BLE001 - it has to go in any case
            self.process.kill()
            self.process.wait()

    def reopen(self):
        """a fresh process on the stored data: some statistics are only used once a database has been opened anew"""
        self.close()
        self.start()


class Http:
    """a running server; pid and directory when they are known"""
    kind = 'http'

    def __init__(self, name, url, pid=None, path=None):
        self.name, self.pid, self.path = name, pid, path
        self.aim(url)
        self.version = self.sql('SELECT version()')['data'].strip()

    def aim(self, url):
        u = urllib.parse.urlparse(url)
        self.host, self.port, self.connection = u.hostname, u.port or 8123, None
        query = {'default_format': 'TabSeparated'}
        query.update(urllib.parse.parse_qsl(u.query))
        self.target = (u.path or '/') + '?' + urllib.parse.urlencode(query)

    def _connect(self):
        self.connection = http.client.HTTPConnection(self.host, self.port, timeout=1800, blocksize=SEND_BYTES)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, body, query=None, headers=None):
        if self.connection is None:
            self._connect()
        target = self.target + ('&query=' + urllib.parse.quote(query) if query is not None else '')
        for attempt in (0, 1):
            try:
                self.connection.request('POST', target, body, headers or {})
                r = self.connection.getresponse()
                data = r.read()
                break
            except (http.client.HTTPException, OSError) as e:
                self.connection.close()
                self.connection = None
                if attempt or not isinstance(body, bytes):
                    raise Failed('connection lost: %s' % e) from e
                try:
                    self._connect()
                except OSError as e2:
                    raise Failed('no server: %s' % e2) from e2
        if r.status != 200:
            raise Failed('HTTP %d %s' % (r.status, data[:500].decode('utf-8', 'replace')))
        return data

    def sql(self, q):
        c0, t0 = process_cpu(self.pid) if self.pid else 0, time.perf_counter()
        data = self.post(q.encode())
        t1, c1 = time.perf_counter(), process_cpu(self.pid) if self.pid else 0
        return {'ok': True, 't': t1 - t0, 'cpu': c1 - c0, 'data': data[:RESULT_MAX].decode('utf-8', 'replace')}

    def send(self, query, path):
        """INSERT ... FORMAT x with the file as the body"""
        with open(path, 'rb') as f:
            self.post(f, query, {'Content-Length': str(os.path.getsize(path))})

    def many(self, qs):
        times = []
        for q in qs:
            t0 = time.perf_counter()
            self.post(q.encode())
            times.append(time.perf_counter() - t0)
        return {'ts': times}

    def limit(self, seconds):
        """the limit is chdb's alone"""

    def evict(self):
        if self.path:
            evict(self.path)

    def size(self):
        return size_on_disk(self.path) if self.path else None

    def close(self):
        if self.connection:
            self.connection.close()

    def reopen(self):
        pass


class Firn(Http):
    """firn, started on a data directory and a free port of the loopback address"""
    kind = 'firn'

    def __init__(self, name, binary, path, threads):
        self.binary, self.path, self.threads, self.name = binary, path, threads, name
        self.start()

    def start(self):
        os.makedirs(self.path, exist_ok=True)
        config = self.path.rstrip('/') + '.yaml'
        with open(config, 'w') as f:
            f.write('user_files_path: /\n')  # a server of the benchmark alone: file() reads the data where it lies
        t0 = time.perf_counter()
        self.log = open(self.path.rstrip('/') + '.log', 'a')
        self.process = subprocess.Popen([self.binary, 'server', '--path', self.path, '--http-port', '0', '--config', config,
                                         '--threads', str(self.threads)], stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        env=dict(os.environ, TZ='UTC'), start_new_session=True)
        self.pid = self.process.pid
        line = self.process.stdout.readline()
        url = next((w for w in line.split() if w.startswith('http://')), None)
        if url is None:
            raise Failed('%s did not start: %s' % (self.binary, line.strip() or 'see ' + self.log.name))
        self.aim(url.rstrip('.,') + ('' if url.count('/') > 2 else '/'))
        self.version = self.sql('SELECT version()')['data'].strip()
        self.open_s = time.perf_counter() - t0

    def close(self):
        super().close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def reopen(self):
        self.close()
        self.start()


if __name__ == '__main__':
    worker_main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
