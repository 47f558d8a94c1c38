#!/usr/bin/env python3
"""Checks the rules of CONTRIBUTING.md that a machine can check. Prints each violation, ends with 'N passed, N failed, N skipped'.

  lint.py [ROOT]

Rules: file and function sizes, file names, licence lines, banned calls, include directions between layers and between the
folders of the engine, one-row-per-function documentation, kernels with a check, settings without effect have a reason, formatting of changed areas is left to clang-format.
SPDX-License-Identifier: Apache-2.0"""
import collections
import os
import re
import sys

ROOT = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), '..', '..'))
FILE_MAX, FUNCTION_MAX = 1000, 100
LAYERS = ['io', 'format', 'engine', 'net']
# Folders of the engine, lowest first: a folder includes itself and folders of lower rank, never of the same or a higher one.
ENGINE_RANK = {'include': 0, 'settings': 1, 'kernel': 1, 'sql': 2, 'expr': 3, 'function': 4, 'aggregate': 4, 'table': 5, 'merge': 6,
               'plan': 6, 'exec': 7, 'catalog': 7, 'system': 8, 'query': 9}
# The folders of format: what each may see besides its own private headers and the doors.
VAGUE = {'util', 'utils', 'common', 'misc', 'helper', 'helpers', 'stuff', 'general'}
BANNED = {
    r'\b(malloc|calloc|realloc|free|strdup|strndup|asprintf|vasprintf)\s*\(': ('io/base/', 'allocate through firn/arena.h'),
    r'\b(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|strtok|strtok_r)\s*\(': (None, 'unbounded or hidden-state string call'),
    r'\b(localtime|localtime_r|gmtime|ctime|asctime|mktime)\s*\(': (None, 'time zones go through firn/time.h'),
    r'\b(atoi|atol|atof|atoll)\s*\(': (None, 'hides errors'),
    r'\b(rand|srand|random|drand48)\s*\(': (None, 'randomness goes through fn_random_u64'),
    r'\bsystem\s*\(|\bpopen\s*\(': (None, 'runs a shell'),
    r'\balloca\s*\(': (None, 'unbounded stack'),
}
FUNCTION_START = re.compile(r'^(?!static const|typedef|struct|enum|union|#|extern)[A-Za-z_][\w \t\*]*\**\s*\b(\w+)\s*\([^;{]*\)\s*$')
failures = []
checks = collections.Counter()


def fail(rule, path, line, text):
    failures.append('%s:%d: [%s] %s' % (os.path.relpath(path, ROOT), line, rule, text))


def sources():
    for top in LAYERS + ['tests', 'bench']:
        for folder, dirs, files in os.walk(os.path.join(ROOT, top)):
            dirs[:] = [d for d in dirs if d not in ('build', 'data', 'seeds', '__pycache__', 'node_modules')]
            for f in files:
                if f.endswith(('.c', '.h', '.inc', '.def', '.py', '.html', '.cmake')):
                    yield os.path.join(folder, f)


def strip_comments(text):
    """Comments and literals blanked, line structure kept."""
    def blank(m):
        s = m.group(0)
        return re.sub(r'[^\n]', ' ', s) if s[0] == '/' else s[0] + re.sub(r'[^\n]', ' ', s[1:-1]) + s[-1]
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def functions(code):
    """(name, first line, length) of each function body whose brace stands in column 0."""
    lines = code.split('\n')
    start = None
    for i, line in enumerate(lines):
        if line.startswith('{') and start is None:
            head = i - 1
            while head > 0 and lines[head].strip() and not lines[head].startswith(('}', '#')) and not lines[head].rstrip().endswith(';'):
                if re.match(r'^[A-Za-z_]', lines[head]):
                    break
                head -= 1
            name = re.search(r'(\w+)\s*\(', lines[head])
            start = (name.group(1) if name else '?', head)
        elif line.startswith('}') and start is not None:
            if '(' in lines[start[1]]:
                yield start[0], start[1] + 1, i - start[1] + 1
            start = None


def check_sizes(path, text, code):
    checks['sizes'] += 1
    n = text.count('\n')
    if n > FILE_MAX and not path.endswith('.def'):
        fail('file-size', path, n, '%d lines, at most %d' % (n, FILE_MAX))
    if path.endswith(('.c', '.inc')):
        for name, line, length in functions(code):
            if length > FUNCTION_MAX:
                fail('function-size', path, line, '%s has %d lines, at most %d' % (name, length, FUNCTION_MAX))


def check_names(path):
    checks['names'] += 1
    stem = os.path.splitext(os.path.basename(path))[0]
    if VAGUE & set(re.split(r'[_\-.]', stem.lower())):
        fail('vague-name', path, 1, 'say what the file is about')


def check_licence(path, text):
    checks['licence'] += 1
    if 'SPDX-License-Identifier: Apache-2.0' not in text[:4000]:
        fail('licence', path, 1, 'no SPDX line')


def check_calls(path, code):
    checks['calls'] += 1
    rel = os.path.relpath(path, ROOT)
    if rel.startswith(('tests/', 'bench/')):
        return
    for pattern, (where, why) in BANNED.items():
        if where and rel.startswith(where):
            continue
        for m in re.finditer(pattern, code):
            before = code[max(0, m.start() - 2):m.start()]
            if before.endswith(('.', '>')) or re.search(r'[\w]$', before):
                continue
            fail('banned-call', path, code.count('\n', 0, m.start()) + 1, m.group(0).strip() + ') - ' + why)


def check_includes(path, text):
    rel = os.path.relpath(path, ROOT).split(os.sep)
    if rel[0] not in LAYERS:
        return
    checks['includes'] += 1
    for m in re.finditer(r'^#include\s+["<]([^">]+)[">]', text, re.M):
        target, line = m.group(1), text.count('\n', 0, m.start()) + 1
        if target.startswith('firn/'):
            owner = next((l for l in LAYERS if os.path.exists(os.path.join(ROOT, l, 'include', target))), None)
            if owner and LAYERS.index(owner) > LAYERS.index(rel[0]):
                fail('layer', path, line, '%s may not include %s of %s' % (rel[0], target, owner))
        elif '/' in target and rel[0] == 'engine' and len(rel) > 2:
            own, other = rel[1], target.split('/')[0]
            if other in ENGINE_RANK and own in ENGINE_RANK and own != other and ENGINE_RANK[other] >= ENGINE_RANK[own]:
                fail('direction', path, line, 'engine/%s may not include %s' % (own, target))


def check_unique(paths):
    checks['unique'] += 1
    seen = collections.defaultdict(list)
    for p in paths:
        if p.endswith('.c') or (p.endswith('.h') and os.sep + 'include' + os.sep not in p):
            seen[os.path.basename(p)].append(p)
    for name, where in seen.items():
        if len(where) > 1 and name != 'driver.c':
            fail('unique-name', where[1], 1, name + ' also exists as ' + os.path.relpath(where[0], ROOT))


def check_kernels(paths):
    """Each file of SIMD kernels has its scalar sibling and is named by a check program."""
    checks['kernels'] += 1
    check_text = ''
    folder = os.path.join(ROOT, 'tests', 'kernels')
    for f in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        check_text += open(os.path.join(folder, f), encoding='utf-8').read()
    for p in paths:
        m = re.fullmatch(r'(\w+)_(avx2|avx512)\.c', os.path.basename(p))
        if m and m.group(1) not in check_text:
            fail('kernel-check', p, 1, 'no program in tests/kernels names %s' % m.group(1))


def check_documentation(path, text):
    """Rows of functions and aggregates carry their documentation."""
    if not re.search(r'engine/(function|aggregate)/', path.replace(os.sep, '/')) or not path.endswith('.c'):
        return
    checks['documentation'] += 1
    for m in re.finditer(r'\.name\s*=\s*"(\w+)"[^{}]*\}', text):
        # Combinators ("If", "State") are suffixes, not functions: their table in agg_combinator.c documents them.
        if '.about' not in m.group(0) and 'agg_combinator' not in path:
            fail('documentation', path, text.count('\n', 0, m.start()) + 1, m.group(1) + ' has no .about')


# Names of settings that are words of another kind where they stand in the code.
OTHER_WORDS = {'database', 'default_format', 'format', 'select', 'sort'}


def names_in(name):
    path = os.path.join(ROOT, 'engine', 'settings', name)
    return path, re.findall(r'^X\("?([\w*]+)', open(path, encoding='utf-8').read(), re.M)


def check_settings(paths):
    """Each setting that is kept as text is acted on, refused, or ignored for a reason; and none is looked at that the tables do not know of."""
    path, known = names_in('settings_known.def')
    _, acted = names_in('settings_acted.def')
    _, refused = names_in('settings_refused.def')
    ignored_path, ignored = names_in('settings_ignored.def')
    unused = set(ignored)
    for name in known:
        checks['settings'] += 1
        first = next((p for p in ignored if name == p or (p[-1] == '*' and name.startswith(p[:-1]))), None)
        if name in acted or name in refused:
            if name in acted and name in refused:
                fail('settings', path, 1, name + ' is both acted on and refused')
            continue
        unused.discard(first)
        if not first:
            fail('settings', path, 1, name + ' is neither acted on nor refused, and no reason is given')
    for name in sorted(unused):
        fail('settings', ignored_path, 1, name + ' is no reason for any setting')
    for name in sorted(set(acted + refused) - set(known)):
        fail('settings', path, 1, name + ' is not among the known ones')
    silent = set(known) - set(acted) - set(refused) - OTHER_WORDS
    for source in paths:
        if source.endswith(('.c', '.h')) and '/engine/settings/' not in source and re.search(r'/(engine|net)/', source):
            for name in set(re.findall(r'"(\w+)"', open(source, encoding='utf-8').read())) & silent:
                fail('settings', source, 1, name + ' is looked at and not in settings_acted.def')


def main():
    paths = sorted(sources())
    for path in paths:
        text = open(path, encoding='utf-8').read()
        code = strip_comments(text) if path.endswith(('.c', '.h', '.inc')) else text
        check_sizes(path, text, code)
        check_names(path)
        check_licence(path, text)
        if path.endswith(('.c', '.h', '.inc')):
            check_calls(path, code)
            check_includes(path, text)
            check_documentation(path, text)
    check_unique(paths)
    check_kernels(paths)
    check_settings(paths)
    for f in failures:
        print(f)
    failed = len(failures)
    print('%d passed, %d failed, 0 skipped' % (sum(checks.values()) - min(failed, sum(checks.values())), failed))
    return 1 if failed else 0


sys.exit(main())
