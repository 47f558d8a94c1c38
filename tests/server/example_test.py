#!/usr/bin/env python3
"""Every function's example runs and gives what system.functions says it does.

  example_test.py PATH/OF/firn       ends with 'N passed, N failed, N skipped'

A function with no stated value must be one whose value is not fixed (now, rand ...). SPDX-License-Identifier: Apache-2.0"""
import shutil
import sys
import tempfile

from http_ask import Client
from running import Running

LIST = """SELECT name, examples, returned_value, deterministic FROM system.functions
          WHERE is_aggregate = 0 AND alias_to = '' AND origin = 'System' ORDER BY name FORMAT TSV"""


def unescape(field):
    return field.encode().decode('unicode_escape').encode('latin-1').decode() if '\\' in field else field


def main():
    path = tempfile.mkdtemp(prefix='firn-example-')
    server = Running(sys.argv[1], path + '/data', env={'TZ': 'UTC'})
    client = Client(server.url)
    passed = failed = skipped = 0
    try:
        for line in client.ask(LIST).splitlines():
            name, example, gives, deterministic = (unescape(f) if f != '\\N' else '' for f in line.split('\t'))
            try:
                got = client.ask('SELECT %s FROM numbers(1) FORMAT TSVRaw' % example).rstrip('\n')
            except Exception as e:
                got = 'error: ' + str(e)[:300]
            if gives == '' and deterministic != '1' and not got.startswith('error: '):
                skipped += 1
            elif got == ('\\N' if gives == 'NULL' else gives):
                passed += 1
            else:
                failed += 1
                print('%s: %s says %r, gives %r' % (name, example, gives, got))
    finally:
        server.stop()
        shutil.rmtree(path, ignore_errors=True)
    print('%d passed, %d failed, %d skipped' % (passed, failed, skipped))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
