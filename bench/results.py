"""Runs queries on systems in turns, and sums up: ratios to the faster peer, geometric means, Markdown tables.
SPDX-License-Identifier: Apache-2.0"""
import math
import statistics

from answers import same_answer
from systems import Failed, Late

CLICKBENCH_S = 0.01  # ClickBench's formula adds 10 ms to both sides of a ratio
CPU_FLOOR_S = 0.001  # and a millisecond of CPU time on both sides of that ratio


def geomean(xs):
    xs = list(xs)
    return math.exp(sum(math.log(x) for x in xs) / len(xs)) if xs else float('nan')


def runs_of(wanted, slowest_s):
    """very slow queries take fewer turns"""
    return min(wanted, 2) if slowest_s > 20 else min(wanted, 3) if slowest_s > 4 else wanted


def text_for(texts, system):
    return texts.get(system.name) or texts.get(system.kind) or texts.get('*')


def run_one(systems, texts, runs, cold):
    """One query on every system: once first, then `runs` times hot with the order turning. Returns (record, answers)."""
    record, answers = {}, {}
    for n, s in systems.items():
        r = record[n] = {'first': None, 'hot': [], 'cpu': []}
        sql = text_for(texts, s)
        if sql is None:
            r['err'] = 'not applicable'
            continue
        try:
            if cold:
                s.evict()
            a = s.sql(sql)
            r['first'], answers[n] = a['t'], a['data']
        except Failed as e:
            r['err'], r['late'] = str(e)[:300], isinstance(e, Late)
    order = list(systems)
    slowest = max([r['first'] for r in record.values() if r['first']] or [0])
    for i in range(runs_of(runs, slowest)):
        for n in order if i % 2 == 0 else order[::-1]:
            r = record[n]
            if 'err' in r:
                continue
            try:
                a = systems[n].sql(text_for(texts, systems[n]))
                r['hot'].append(a['t'])
                r['cpu'].append(a['cpu'])
            except Failed as e:
                r['err'], r['late'] = str(e)[:300], isinstance(e, Late)
    for r in record.values():
        if r['hot']:
            r['min'], r['median'], r['cpu_min'] = min(r['hot']), statistics.median(r['hot']), min(r['cpu'])
    return record, answers


def compare_all(systems, texts, answers):
    """{'a~b': verdict} of each system against the first that answered"""
    names = list(answers)
    return {'%s~%s' % (names[0], n): same_answer(answers[names[0]], answers[n], *((text_for(texts, systems[k]), systems[k]) for k in (names[0], n)))
            for n in names[1:]}


def run_queries(systems, queries, runs, cold=False, by='median'):
    """queries: (id, {name, kind or '*': text}) pairs; one record per query, printed as it goes"""
    out = []
    for qid, texts in queries:
        record, answers = run_one(systems, texts, runs, cold)
        rec = {'id': qid, 'sys': record, 'compared': compare_all(systems, texts, answers)}
        out.append(rec)
        times = '  '.join('%s %s' % (n, '%9.1f' % (1e3 * r[by]) if by in r else '      ERR') for n, r in record.items())
        x = ratio(rec, 'firn', by)
        print('%-12s %s  %s  %s' % (qid, times, '%6.2fx' % x if x else '       ', findings(rec)), flush=True)
        for n, r in record.items():
            if r.get('err') and r['err'] != 'not applicable':
                print('    %s: %s' % (n, r['err'][:200].replace('\n', ' ')), flush=True)
    return out


def findings(rec):
    return '; '.join('%s %s' % (k, v) for k, v in rec['compared'].items() if not v.startswith('same'))


def peers_of(rec, name, by):
    return {n: r[by] for n, r in rec['sys'].items() if n != name and by in r}


def ratio(rec, name, by, offset=CLICKBENCH_S):
    """time of `name` over the faster peer's, both with the offset; None when there is nothing to compare"""
    peers = peers_of(rec, name, by)
    own = rec['sys'].get(name, {}).get(by)
    return (offset + own) / (offset + min(peers.values())) if peers and own is not None else None


def cpu_ratio(rec, name):
    """CPU seconds of `name` over the thriftier peer's: what a busy machine does not blur; None when there is nothing to compare"""
    peers, own = peers_of(rec, name, 'cpu_min'), rec['sys'].get(name, {}).get('cpu_min')
    return (CPU_FLOOR_S + own) / (CPU_FLOOR_S + min(peers.values())) if peers and own is not None else None


def summary(records, names, by='median'):
    """Over the queries that every system ran: geometric means of time and CPU ratios, totals; and firn against the faster peer, which
    a peer that went over the time limit is not."""
    names = [n for n in names if any(by in r['sys'].get(n, {}) for r in records)]
    whole = [r for r in records if all(by in r['sys'][n] for n in names)]
    paired = [r for r in records if ratio(r, 'firn', by) is not None and all(by in r['sys'][n] or r['sys'][n].get('late') for n in names)]
    o = {'queries': len(records), 'queries_counted': len(whole), 'by': by, 'total_s': {}, 'ratio': {}, 'cpu_ratio': {}}
    for a in names:
        o['total_s'][a] = sum(r['sys'][a][by] for r in whole)
        for b in names:
            if a != b:
                o['ratio'][a + '/' + b] = geomean(r['sys'][a][by] / r['sys'][b][by] for r in whole)
                o['cpu_ratio'][a + '/' + b] = geomean(max(r['sys'][a]['cpu_min'], 1e-4) / max(r['sys'][b]['cpu_min'], 1e-4) for r in whole)
    if 'firn' in names and len(names) > 1:
        each = {r['id']: ratio(r, 'firn', by) for r in paired}
        o['firn/faster'] = geomean(each.values())
        o['firn/faster, no 10 ms'] = geomean(ratio(r, 'firn', by, 0) for r in paired)
        o['cpu: firn/thriftier'] = geomean(cpu_ratio(r, 'firn') for r in paired)
        o['over the limit'] = {n: ids for n in names if (ids := [r['id'] for r in records if r['sys'][n].get('late')])}
        o['above 1'] = {k: round(v, 2) for k, v in each.items() if v > 1}
    o['different'] = {r['id']: findings(r) for r in records if findings(r)}
    return o


def milliseconds(x):
    return '-' if x is None else '%.1f' % (x * 1e3) if x < .1 else '%.0f' % (x * 1e3)


def table(records, names, by='median'):
    """Markdown: wall and CPU milliseconds of each system, and the ratio to the faster peer"""
    lines = ['| query | ' + ' | '.join('%s | cpu' % n for n in names) + ' | firn / faster | cpu | answers |', '|---|' + '---:|' * (2 * len(names) + 2) + '---|']
    for r in records:
        row = [str(r['id'])]
        for n in names:
            s = r['sys'].get(n, {})
            row += [milliseconds(s.get(by)) if not s.get('err') else 'over the limit' if s.get('late') else 'error', milliseconds(s.get('cpu_min'))]
        x = ratio(r, 'firn', by)
        verdicts = list(r['compared'].values())
        row += ['-' if v is None else '**%.2f**' % v if v > 1 else '%.2f' % v for v in (x, cpu_ratio(r, 'firn'))]
        row += [findings(r) or ('equal' if verdicts else '-')]
        lines.append('| ' + ' | '.join(row) + ' |')
    return '\n'.join(lines)


def megabytes(x):
    return '-' if x is None else '%.0f' % (x / 1e6)


def loading_table(body):
    """Markdown: what loading took, the size on disk, and memory: the peak while loading, the peak while asking, what is kept afterwards"""
    lines = ['| system | load s | cpu s | on disk MB | peak loading MB | peak asking MB | after MB |', '|---|---:|---:|---:|---:|---:|---:|']
    for n in body['versions']:
        load, memory = body.get('load', {}).get(n, {}).values(), body.get('memory', {}).get(n, {})
        if load:
            lines.append('| %s | %.1f | %.1f | %s | %s | %s | %s |' % (
                n, sum(t['insert_s'] for t in load), sum(t['cpu_s'] or 0 for t in load), megabytes(body.get('size', {}).get(n)),
                megabytes(max(t['peak_rss'] or 0 for t in load)), megabytes(memory.get('VmHWM')), megabytes(memory.get('VmRSS'))))
    return '\n'.join(lines)
