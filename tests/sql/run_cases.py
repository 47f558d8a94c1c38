#!/usr/bin/env python3
"""Runs the SQL cases of this folder against a running server and compares with the stored answers of ClickHouse 26.9.

  run_cases.py --url http://127.0.0.1:8123 [--topic joins] [--failures 20] [--update-known]

NN_topic.jsonl: the first line is the topic (database, settings, set-up statements), each further line a case: statements and
for each the expected rows (TabSeparated) or error. Cases named in known_failures.txt are not supported yet: they run, must not
crash or hang the server, and count as skipped; one that passes by now is named, so that it can be taken off the list. SPDX-License-Identifier: Apache-2.0"""
import argparse
import http.client
import json
import os
import re
import sys
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from answers import near  # noqa: E402
KNOWN = os.path.join(HERE, 'known_failures.txt')
NAME = re.compile(r'\(([A-Z][A-Z0-9_]{2,})\)')
SETTINGS = {'implicit_select': '0', 'allow_introspection_functions': '0', 'mutations_sync': '2', 'alter_sync': '2', 'max_execution_time': '20',
            'default_format': 'TabSeparated', 'wait_end_of_query': '1'}
LOST = ('CONNECTION', 'TIMEOUT')


class Connection:
    """One topic's session."""

    def __init__(self, url, topic, settings, timeout):
        u = urllib.parse.urlparse(url)
        self.host, self.port, self.timeout, self.http = u.hostname, u.port, timeout, None
        self.parameters = dict(SETTINGS, session_id='%s_%d_%x' % (topic, os.getpid(), time.time_ns()), **settings)

    def query(self, sql, database=None, session=True):
        parameters = dict(self.parameters)
        if not session:
            del parameters['session_id']
        if database:
            parameters['database'] = database
        try:
            if self.http is None:
                self.http = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
            self.http.request('POST', '/?' + urllib.parse.urlencode(parameters), body=sql.encode())
            answer = self.http.getresponse()
            body = answer.read().decode('utf-8', 'replace')
        except TimeoutError as e:
            return self.lost('TIMEOUT', e)
        except (http.client.HTTPException, OSError) as e:
            return self.lost('CONNECTION', e)
        code = answer.getheader('X-ClickHouse-Exception-Code')
        if answer.status >= 400 or code:
            names = NAME.findall(body)
            return {'err': names[-1] if names else '?', 'names': names, 'code': int(code or 0), 'msg': body[:400]}
        return {'out': body}

    def lost(self, kind, e):
        self.http = None
        return {'err': kind, 'code': -1, 'msg': repr(e)}


def judge(expected, got):
    """None if right, else why not."""
    if 'err' in expected:
        if 'err' not in got:
            return 'should fail with %s, gave %r' % (expected['err'], got['out'][:120])
        if expected['err'] in got.get('names', ()) or expected.get('code') and got['code'] == expected['code']:
            return None
        return 'should fail with %s, failed with %s %s' % (expected['err'], got['err'], got['msg'][:160])
    if 'err' in got:
        return 'failed with %s: %s' % (got['err'], got['msg'][:240])
    a, b = expected['out'], got['out']
    if expected.get('cmp') == 'rows':
        a, b = '\n'.join(sorted(a.split('\n'))), '\n'.join(sorted(b.split('\n')))
    return None if a == b or near(a, b) else 'expected %r\n        got      %r' % (a[:400], b[:400])


def run_topic(url, key, head, cases, timeout):
    """[(case, why or None)]"""
    c = Connection(url, key, {k: str(v) for k, v in head['settings'].items()}, timeout)
    db, results = head['db'], []
    c.query('DROP DATABASE IF EXISTS ' + db)
    c.query('CREATE DATABASE ' + db)
    trouble = ''
    for sql in head['setup']:
        got = c.query(sql, db)
        if 'err' in got:
            trouble += '\n        set-up failed: %s: %s' % (sql[:150], got['msg'][:200])
    for case in cases:
        why = None
        for sql, expected in zip(case['sql'], case['expect']):
            got = c.query(sql, db)
            if got.get('err') in LOST:
                why = 'LOST %s %s' % (got['err'], got['msg'])
                break
            why = why or judge(expected, got)
        results.append((case, why))
    for sql in head.get('teardown', []):
        c.query(sql, db, False)
    c.query('DROP DATABASE IF EXISTS ' + db, None, False)
    return results, trouble


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--url', required=True)
    parser.add_argument('--topic', default='')
    parser.add_argument('--case', default='')
    parser.add_argument('--failures', type=int, default=5, help='failing cases to print per topic')
    parser.add_argument('--all', action='store_true', help='print known failures too')
    parser.add_argument('--timeout', type=float, default=60)
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--update-known', action='store_true', help='rewrite known_failures.txt from this run')
    a = parser.parse_args()
    known = {l.split()[0] for l in open(KNOWN, encoding='utf-8') if l.strip() and l[0] != '#'} if os.path.exists(KNOWN) else set()
    topics = []
    for f in sorted(os.listdir(HERE)):
        if f.endswith('.jsonl') and a.topic in f:
            lines = [json.loads(l) for l in open(os.path.join(HERE, f), encoding='utf-8') if l.strip()]
            cases = [c for c in lines[1:] if c['id'].startswith(a.case)]
            if cases:
                topics.append((f[:-6], lines[0], cases))
    with ThreadPoolExecutor(a.jobs) as pool:
        results = list(pool.map(lambda t: run_topic(a.url, t[0], t[1], t[2], a.timeout), topics))
    passed = failed = skipped = better = 0
    still = []
    for (key, head, cases), (result, trouble) in zip(topics, results):
        good = sum(1 for _, why in result if not why)
        print('%-32s %4d of %4d%s' % (key, good, len(result), trouble if a.all else ''))
        shown = 0
        for case, why in result:
            name = key + '/' + case['id']
            listed = name in known
            if why:
                still.append(name)
            if why and listed and not why.startswith('LOST'):
                skipped += 1
            elif why:
                failed += 1
            else:
                passed += 1
            if listed and not why:
                better += 1
            if why and (a.all or not listed) and shown < a.failures:
                shown += 1
                print('  %s\n        %s\n        %s' % (name, ' ;; '.join(case['sql'])[:700], why))
    if a.update_known:
        with open(KNOWN, 'w', encoding='utf-8') as f:
            f.write('# Cases that firn does not answer like ClickHouse yet. Written by run_cases.py --update-known.\n# SPDX-License-Identifier: Apache-2.0\n')
            f.writelines(n + '\n' for n in still)
    if better:
        print('%d cases of known_failures.txt pass by now: take them off with --update-known' % better)
    print('%d passed, %d failed, %d skipped' % (passed, failed, skipped))
    return 1 if failed else 0


sys.exit(main())
