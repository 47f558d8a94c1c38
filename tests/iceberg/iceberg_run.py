#!/usr/bin/env python3
"""Runs the Iceberg cases of a folder (cases.json, lake/, expected/) against a ClickHouse-HTTP server and compares canonical rows.

  iceberg_run.py --url http://127.0.0.1:8123 --dir iceberg --s3 http://127.0.0.1:7070 --key AKTEST --secret SKTEST12345
  iceberg_run.py --url http://127.0.0.1:8123 --dir iceberg --local          icebergLocal('<path of the table>'): the server must be allowed to read it
  options: --only SUBSTRING  --versions 1,2  --skip CASE,CASE  --failures N  --json FILE

A scan passes when the canonical rows (CANON.md) are equal; `soft` counts those equal but for null containers read as empty (also passed).
An error case passes when the server answers with an error and still answers SELECT 1. Incremental and changelog cases are skipped
unless --incremental names the table-function settings (they have no ClickHouse form). Ends with 'N passed, N failed, N skipped'. Python 3 only.
SPDX-License-Identifier: Apache-2.0"""
import argparse, gzip, hashlib, json, os, re, sys, urllib.error, urllib.parse, urllib.request

ap = argparse.ArgumentParser()
ap.add_argument('--url', required=True); ap.add_argument('--dir', required=True); ap.add_argument('--local', action='store_true')
ap.add_argument('--s3'); ap.add_argument('--key', default='AKTEST'); ap.add_argument('--secret', default='SKTEST12345')
ap.add_argument('--only', default=''); ap.add_argument('--skip', default=''); ap.add_argument('--versions', default=''); ap.add_argument('--failures', type=int, default=15); ap.add_argument('--json')
a = ap.parse_args()
cases = json.load(open(os.path.join(a.dir, 'cases.json'), encoding='utf-8'))['cases']
SET = {'session_timezone': 'UTC', 'output_format_json_quote_64bit_integers': '0', 'output_format_json_quote_denormals': '1', 'output_format_json_quote_decimals': '1',
       'output_format_decimal_trailing_zeros': '1', 'output_format_json_named_tuples_as_objects': '0', 'output_format_json_escape_forward_slashes': '0',
       'default_format': 'JSONCompactEachRow', 'wait_end_of_query': '1', 'max_execution_time': '60'}
REST = object()


def ask(sql, extra=()):
    q = dict(SET); q.update(extra)
    try:
        with urllib.request.urlopen(a.url + '/?' + urllib.parse.urlencode(q), sql.encode(), timeout=90) as r:
            body = r.read().decode('utf-8', 'surrogateescape')
            return (None, body) if r.headers.get('X-ClickHouse-Exception-Code') is None else (body[:300], None)
    except urllib.error.HTTPError as e:
        return e.read().decode('utf-8', 'replace')[:300] or 'HTTP %d' % e.code, None
    except Exception as e:
        return 'NO ANSWER ' + repr(e)[:200], None


def split_top(s):
    out, depth, cur = [], 0, ''
    for ch in s:
        depth += ch in '<([' ; depth -= ch in '>)]'
        if ch == ',' and not depth: out.append(cur.strip()); cur = ''
        else: cur += ch
    return out + [cur.strip()] if cur.strip() else out


def parse(t):
    """type text of cases.json -> nested tuple"""
    t = t.strip()
    if t.endswith(' not null'): t = t[:-9]
    m = re.fullmatch(r'(?:large_)?list<(?:(?:element|item): )?(.*)>', t)
    if m: return 'list', parse(m.group(1))
    m = re.fullmatch(r'map<(.*)>', t)
    if m:
        k, v = split_top(m.group(1))[:2]; return 'map', parse(k), parse(v.split(" ('", 1)[0])
    m = re.fullmatch(r'struct<(.*)>', t)
    if m: return 'struct', [parse(f.split(': ', 1)[1]) for f in split_top(m.group(1))]
    if re.match(r'decimal', t): return 'decimal', int(t[t.rindex(',') + 1:-1])
    if t.startswith('timestamp'): return ('ts', 9 if '_ns' in t or '[ns' in t else 6)
    if t.startswith('time'): return 'time',
    if t.startswith('date'): return 'date',
    if t.startswith('fixed') or t.startswith('binary') or t.startswith('large_binary'): return 'bin',
    if t in ('float', 'float32'): return 'float',
    if t in ('double', 'float64'): return 'double',
    if t.startswith('bool'): return 'bool',
    if 'uuid' in t: return 'uuid',
    if t in ('string', 'large_string'): return 'string',
    return 'int',


def fl(v):
    if isinstance(v, str):
        v = {'nan': 'nan', '-nan': 'nan', 'inf': 'inf', '-inf': '-inf'}.get(v, v)
        if v in ('nan', 'inf', '-inf'): return v
    return float(v)


def canon(v, t):
    if v is None: return None
    k = t[0]
    if k == 'list': return [canon(x, t[1]) for x in v]
    if k == 'map':
        it = v.items() if isinstance(v, dict) else v
        def key(x): return canon(json.loads(x) if t[1][0] in ('int', 'float', 'double', 'bool') and isinstance(x, str) else x, t[1])
        return sorted(([key(x), canon(y, t[2])] for x, y in it), key=lambda e: json.dumps(e, ensure_ascii=False))
    if k == 'struct':
        return [canon(x, f) for x, f in zip(v.values() if isinstance(v, dict) else v, t[1])]
    if k in ('float', 'double'): return fl(v)
    if k == 'bool': return bool(int(v)) if not isinstance(v, bool) else v
    if k == 'int': return int(v)
    if k == 'decimal':
        s = str(v); i, _, f = s.partition('.')
        return i + '.' + (f + '0' * t[1])[:t[1]] if t[1] else i
    if k == 'ts':
        s = str(v).replace('T', ' ').rstrip('Z'); b, _, f = s.partition('.')
        return b + '.' + (f + '0' * 9)[:t[1]]
    if k == 'time':
        s = str(v); b, _, f = s.partition('.'); return b + '.' + (f + '0' * 6)[:6]
    return str(v)


def expected(c):
    p = os.path.join(a.dir, c['expected'])
    f = gzip.open(p, 'rt', encoding='utf-8') if p.endswith('.gz') else open(p, encoding='utf-8')
    return [json.loads(l) for l in f.read().split('\n') if l]


def norm(v):
    """floats as numbers, so that two spellings of one number are equal"""
    if isinstance(v, list): return [norm(x) for x in v]
    return v


def expect_row(row, types):
    return [canon_expected(v, t) for v, t in zip(row, types)]


def canon_expected(v, t):
    if v is None: return None
    if t[0] in ('float', 'double'):
        return v if v in ('nan', 'inf', '-inf') else (float(v))
    if t[0] == 'list': return [canon_expected(x, t[1]) for x in v]
    if t[0] == 'map': return sorted(([canon_expected(x, t[1]), canon_expected(y, t[2])] for x, y in v), key=lambda e: json.dumps(e, ensure_ascii=False))
    if t[0] == 'struct': return [canon_expected(x, f) for x, f in zip(v, t[1])]
    return v


def close(x, y):
    if isinstance(x, float) and isinstance(y, float): return x == y or abs(x - y) <= 1e-6 * max(abs(x), abs(y)) 
    if isinstance(x, list) and isinstance(y, list): return len(x) == len(y) and all(close(p, q) for p, q in zip(x, y))
    return x == y


def soft(v):
    if isinstance(v, list):
        v = [soft(x) for x in v]
        return None if all(x is None for x in v) else v
    return v


def order(rows): return sorted(rows, key=lambda r: json.dumps([('%.5g' % x) if isinstance(x, float) else x for x in r], ensure_ascii=False, default=str))


def quote(n): return '`' + n.replace('`', '\\`') + '`'


def column(n, t):
    parts = [n] if n in ('x.y', '日本', '1st', 'ключ') else n.split('.')
    e = '.'.join(quote(p) for p in parts)
    return 'lower(hex(%s))' % e if t[0] == 'bin' else 'toString(%s)' % e if t[0] in ('uuid', 'time') else e


def source(c):
    if a.local: return "icebergLocal('%s')" % os.path.abspath(os.path.join(a.dir, c['table'])).replace("'", "\\'")
    return "icebergS3('%s/%s/', '%s', '%s')" % (a.s3, c['table'], a.key, a.secret)


res = {'pass': [], 'soft': [], 'fail': [], 'skip': []}
for c in cases:
    if a.only and a.only not in c['case']: continue
    if c['case'] in a.skip.split(','): res['skip'].append((c['case'], 'asked to')); continue
    if a.versions and str(c.get('format_version', '')) not in a.versions.split(','): continue
    if c['kind'] in ('incremental_append', 'changelog'): res['skip'].append((c['case'], 'incremental')); continue
    st = {}
    if 'snapshot' in c: st['iceberg_snapshot_id'] = str(c['snapshot'])
    if 'asof_ms' in c: st['iceberg_timestamp_ms'] = str(c['asof_ms'])
    if c.get('ref', 'main') != 'main': st['iceberg_ref'] = c['ref']   # firn's own setting: a branch or tag
    w = ' WHERE ' + c['where_clickhouse'] if c.get('where_clickhouse') else ''
    if c['kind'] in ('error', 'count_or_error'):
        err, body = ask('SELECT %s FROM %s%s' % ('count()' if c['kind'] == 'count_or_error' else '*', source(c), w), st)
        alive = ask('SELECT 1')[1]
        ok = alive and alive.strip() == '[1]' and (err is not None and not err.startswith('NO ANSWER') or c['kind'] == 'count_or_error' and body)
        (res['pass'] if ok else res['fail']).append((c['case'], 'want error, got %s' % ((body or err or '')[:80])) if not ok else (c['case'], ''))
        continue
    names = [t.split(': ', 1)[0] for t in c['types']]; types = [parse(t.split(': ', 1)[1]) for t in c['types']]
    if c.get('agg'):
        sel = ', '.join([column(g, ('x',)) for g in c.get('group_by', [])] + c['agg']); g = ' GROUP BY ' + ', '.join(quote(x) for x in c['group_by']) if c.get('group_by') else ''
    else:
        sel = ', '.join(column(n, t) for n, t in zip(c.get('select') or names, types)); g = ''
    err, body = ask('SELECT %s FROM %s%s%s' % (sel, source(c), w, g), st)
    if err is not None: res['fail'].append((c['case'], err.replace('\n', ' ')[:160])); continue
    try:
        got = [[canon(v, t) for v, t in zip(json.loads(l), types)] for l in body.split('\n') if l]
    except Exception as e:
        res['fail'].append((c['case'], 'unreadable answer: %r' % e)); continue
    want = [expect_row(r, types) for r in expected(c)]
    if len(got) != len(want): res['fail'].append((c['case'], '%d rows, not %d' % (len(got), len(want)))); continue
    g1, w1 = order(got), order(want)
    if all(close(x, y) for x, y in zip(g1, w1)): res['pass'].append((c['case'], '')); continue
    g2, w2 = order([[soft(v) for v in r] for r in got]), order([[soft(v) for v in r] for r in want])
    if all(close(x, y) for x, y in zip(g2, w2)): res['soft'].append((c['case'], '')); continue
    bad = next((x, y) for x, y in zip(g1, w1) if not close(x, y))
    res['fail'].append((c['case'], 'values differ: got %s want %s' % (json.dumps(bad[0], ensure_ascii=False, default=str)[:110], json.dumps(bad[1], ensure_ascii=False, default=str)[:110])))
for name, why in res['fail'][:a.failures]: print('FAIL %-28s %s' % (name, why))
if a.json: json.dump(res, open(a.json, 'w'), ensure_ascii=False, indent=0)
if res['soft']: print('%d of the passed read null containers as empty' % len(res['soft']))
print('%d passed, %d failed, %d skipped' % (len(res['pass']) + len(res['soft']), len(res['fail']), len(res['skip'])))
sys.exit(bool(res['fail']))
