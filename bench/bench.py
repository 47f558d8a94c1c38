#!/usr/bin/env python3
"""Paired benchmark of firn, chdb (ClickHouse as a library) and DuckDB: same data, same machine, same run, in turns.

  bench.py hits    --clickbench CHECKOUT --rows 10000000     ClickBench's queries on generated data (--data FILE: on the real file)
  bench.py tpch    --sf 1                                     the 22 queries of TPC-H
  bench.py scan                                               queries straight on a Parquet file
  bench.py ingest                                             rows a second per format, small inserts
  bench.py serve                                              small queries over HTTP: latency, queries a second
  bench.py final                                              queries with FINAL beside the same without
  bench.py cold                                               cold files: firn's full scan beside fio
  bench.py startup                                            first answer with 1,000 tables and 10,000 parts
  bench.py report FILE.json ...                               the tables of earlier runs

Systems: chdb, duckdb (pip install chdb duckdb), firn (started here on a free port and stopped at the end), NAME=URL (a running server).
Each query runs once first, then --runs times hot, the systems taking turns run by run. Answers are compared. SPDX-License-Identifier: Apache-2.0"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import cold
import final
import plot
import results
import serving
import startup
import suites
import systems as S

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
SUITES = {'hits': suites.suite_hits, 'tpch': suites.suite_tpch, 'scan': suites.suite_scan, 'ingest': suites.suite_ingest,
          'serve': serving.suite_serve, 'startup': startup.suite_startup, 'final': final.suite_final, 'cold': cold.suite_cold}


def open_systems(a):
    """{name: system} in the order given; databases live in the work folder, fresh unless --keep found them there"""
    out = {}
    for item in a.systems.split(','):
        name, _, url = item.partition('=')
        path = os.path.join(a.work, 'db', '%s_%s' % (a.suite, name)) + ('.duckdb' if name == 'duckdb' else '')
        if not a.keep:
            shutil.rmtree(path, ignore_errors=True)
            for f in (path, path + '.wal'):
                if os.path.isfile(f):
                    os.remove(f)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            if url:
                out[name] = S.Http(name, url)
            elif name == 'firn':
                out[name] = S.Firn(name, os.path.abspath(a.firn), path, a.threads)
            elif name in ('chdb', 'duckdb'):
                out[name] = S.Worker(name, name, path, a.threads)
            else:
                raise S.Failed('unknown system: chdb, duckdb, firn or NAME=URL')
        except (S.Failed, OSError) as e:
            for s in out.values():
                s.close()
            sys.exit('%s: %s' % (name, e))
    return out


def cpu_model():
    with open('/proc/cpuinfo') as f:
        return next((line.split(':', 1)[1].strip() for line in f if line.startswith('model name')), '') + ' x%d' % os.cpu_count()


def commit():
    r = subprocess.run(['git', '-C', ROOT, 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True, check=False)
    return r.stdout.strip() or None


def draw(body, path):
    """the run's SVG; False when the suite has nothing to draw"""
    names, title = list(body['versions']), 'firn bench: %s, %s, %s' % (body['suite'], body['when'][:10], body['cpu'])
    if 'queries' in body:
        groups = [(r['id'], {n: 1e3 * s[body['by']] for n, s in r['sys'].items() if body['by'] in s}) for r in body['queries']]
        text = plot.bars(groups, names, title)
    elif 'ingest' in body:
        groups = [(f, {n: v['rows_per_s'] / 1e3 for n, v in g.items() if 'rows_per_s' in v}) for f, g in body['ingest'].items() if f in suites.FORMATS]
        text = plot.bars(groups, names, title + ' (thousand rows a second)', 'k/s')
    elif 'serve' in body:
        groups = [(q, {n: v['p50_ms'] for n, v in g.items() if n != 'compared'}) for q, g in body['serve']['single'].items()]
        text = plot.bars(groups, names, title + ' (p50, one connection)')
    elif 'startup' in body:
        groups = [('first answer', {n: 1e3 * v['first_answer_s'] for n, v in body['startup'].items()})]
        text = plot.bars(groups, names, title)
    else:
        return False
    with open(path, 'w') as f:
        f.write(text)
    return bool(text)


def finish(a, opened, body):
    arguments = {k: v for k, v in vars(a).items() if k in ('rows', 'seed', 'runs', 'threads', 'sf', 'systems', 'nice', 'flat', 'cold', 'load_by', 'limit')}
    body.update({'suite': a.suite, 'when': time.strftime('%Y-%m-%d %H:%M:%S'), 'versions': {n: s.version for n, s in opened.items()}, 'by': a.by,
                 'commit': a.commit or commit(), 'loadavg': os.getloadavg(), 'cpu': cpu_model(), 'arguments': arguments})
    out = a.json or os.path.join(a.work if a.work_given else '.', 'bench_%s.json' % a.suite)
    with open(out, 'w') as f:
        json.dump(body, f, indent=1)
    print('wrote', out)
    if a.plot and draw(body, a.plot):
        print('wrote', a.plot)


def command_suite(a):
    a.work_given = bool(a.work)
    a.work = os.path.abspath(a.work) if a.work else tempfile.mkdtemp(prefix='firn-bench-')
    os.makedirs(a.work, exist_ok=True)
    opened, body = {}, {}
    try:
        opened = open_systems(a)
        SUITES[a.suite](a, opened, body)
        finish(a, opened, body)
    finally:
        for s in opened.values():
            s.close()
        if not a.work_given:
            shutil.rmtree(a.work, ignore_errors=True)
        elif not a.keep:
            shutil.rmtree(os.path.join(a.work, 'db'), ignore_errors=True)
    wrong = body.get('summary', {}).get('different', {})
    failed = [r['id'] for r in body.get('queries', []) if r['sys'].get('firn', {}).get('err')]
    if failed:
        print('firn failed:', ', '.join(failed))
    return 1 if failed or any('firn' in v for v in wrong.values()) and a.strict else 0


def command_report(a):
    for path in a.files:
        with open(path) as f:
            body = json.load(f)
        print('##', body['suite'], body['when'], body['cpu'], 'commit', body.get('commit'), body['versions'])
        if 'queries' in body:
            names = list(body['versions'])
            by = a.by or body['by']
            print(results.table(body['queries'], names, by))
            print(json.dumps(results.summary(body['queries'], names, by), indent=1))
        if body.get('load'):
            print(results.loading_table(body))
        for k in ('ingest', 'serve', 'startup', 'cold'):
            if body.get(k):
                print(k, json.dumps(body[k]))
        if a.plot:
            draw(body, a.plot)
    return 0


def add_arguments(p):
    p.add_argument('--systems', default='chdb,duckdb,firn', help='comma list of chdb, duckdb, firn, NAME=URL; all three')
    p.add_argument('--firn', default=os.path.join(ROOT, 'build', 'release', 'firn'), help='the binary; build/release/firn')
    p.add_argument('--commit', help='commit the binary was built from, for the record; this checkout\'s')
    p.add_argument('--work', help='folder for databases and generated data; a temporary one, removed at the end')
    p.add_argument('--keep', action='store_true', help='use and keep the databases in --work: loads once, measures often')
    p.add_argument('--json', help='file for the results; bench_SUITE.json')
    p.add_argument('--plot', help='file for an SVG of the run')
    p.add_argument('--runs', type=int, default=5, help='hot runs of each query; 5')
    p.add_argument('--by', choices=['median', 'min'], default='median', help='which of the hot runs counts; median')
    p.add_argument('--threads', type=int, default=os.cpu_count(), help='threads of DuckDB and firn; as many as cores')
    p.add_argument('--nice', type=int, default=0, help='priority of the systems: a negative one on a busy machine, as root')
    p.add_argument('--rows', type=int, default=10_000_000, help='rows of generated data; 10,000,000')
    p.add_argument('--seed', type=int, default=1, help='seed of the generator; 1')
    p.add_argument('--data', help='a Parquet file of the hits table instead of the generator')
    p.add_argument('--clickbench', help='a ClickBench checkout (work tree or bare git directory) for its queries; without it, queries of our own')
    p.add_argument('--sf', default='1', help='scale factor of TPC-H; 1')
    p.add_argument('--tpch-dir', help='folder that holds or gets sfN/*.parquet')
    p.add_argument('--flat', action='store_true', help='TPC-H without correlated subqueries')
    p.add_argument('--load-by', choices=['file', 'body'], default='file', help='servers read Parquet by file(), or get it as the request\'s body; file')
    p.add_argument('--only', help='comma list of query ids')
    p.add_argument('--limit', type=int, default=0, help='seconds after which a query of chdb is given up (it is then not the faster peer); no limit')
    p.add_argument('--cold', action='store_true', help='evict a system\'s files from the page cache before the first run of a query')
    p.add_argument('--seconds', type=float, default=5, help='serve: length of each loaded run; 5')
    p.add_argument('--tables', type=int, default=1000, help='startup: tables of ten parts each; 1,000')
    p.add_argument('--cold-bytes', type=int, default=1 << 30, help='cold: bytes of the table; 1 GiB')
    p.add_argument('--depth', type=int, default=16, help='cold: queue depth of fio; 16')
    p.add_argument('--strict', action='store_true', help='exit with 1 also when an answer differs')


def main():
    ap = argparse.ArgumentParser(description=__doc__.replace(' SPDX-License-Identifier: Apache-2.0', ''), formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest='suite', required=True)
    for name, suite in SUITES.items():
        p = sub.add_parser(name, help=(suite.__doc__ or name + ' suite').split('.')[0].replace('\n', ' '))
        add_arguments(p)
        p.set_defaults(run=command_suite)
    p = sub.add_parser('report', help='tables of earlier runs')
    p.add_argument('files', nargs='+', help='JSON files of earlier runs')
    p.add_argument('--by', choices=['median', 'min'], help='which of the hot runs counts; as in the run')
    p.add_argument('--plot', help='file for an SVG of the (last) run')
    p.set_defaults(run=command_report)
    a = ap.parse_args()
    return a.run(a)


if __name__ == '__main__':
    sys.exit(main())
