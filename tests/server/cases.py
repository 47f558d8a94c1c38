"""cases.py - test functions in a file, run one after the other, each in a fresh folder. Shared by the server tests.
SPDX-License-Identifier: Apache-2.0"""
import os
import shutil
import sys
import tempfile
import time
import traceback

from http_ask import Failure

TESTS = []


class Skipped(Exception):
    """Raised by a test that cannot run here; says why."""


def test(f):
    """f(path): an empty folder inside another one of its own, so that files beside it are its own, too."""
    TESTS.append(f)
    return f


def same(got, wanted):
    assert got == wanted, 'got %r, wanted %r' % (got, wanted)


def fails(ask, sql, *wanted, **settings):
    """The text of the error, which has all of `wanted`: words of it, or its code."""
    try:
        got = ask(sql, **settings)
    except Failure as e:
        for w in wanted:
            assert w == e.code if isinstance(w, int) else w in e.text, 'wanted %s, got %d: %s' % (w, e.code, e.text)
        return e.text
    raise AssertionError('%s should fail with %s, gave %r' % (sql, wanted, got[:300]))


def until(condition, seconds=20):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, 'it does not come true'
        time.sleep(0.1)


def run_all(only=''):
    """Those whose names have `only` in them. The exit code; the last line is 'N passed, N failed, N skipped'."""
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    for t in TESTS:
        if only not in t.__name__:
            continue
        path, end = tempfile.mkdtemp(prefix='firn-test-'), 'passed'
        try:
            os.mkdir(os.path.join(path, 'data'))
            t(os.path.join(path, 'data'))
        except Skipped as e:
            end = 'skipped'
            print('%s: skipped, %s' % (t.__name__, e))
        except Exception:
            end = 'failed'
            print('%s\n%s' % (t.__name__, traceback.format_exc()))
        counts[end] += 1
        shutil.rmtree(path, ignore_errors=True)
    print('%(passed)d passed, %(failed)d failed, %(skipped)d skipped' % counts, flush=True)
    return 1 if counts['failed'] else 0
