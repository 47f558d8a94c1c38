#!/usr/bin/env python3
"""All Iceberg cases from a local path and from an S3 server that checks signatures, and the safe overwrite of the README.

  iceberg_test.py PATH/OF/firn --weed PATH/OF/weed [--only SUBSTRING]      ends with 'N passed, N failed, N skipped'
SPDX-License-Identifier: Apache-2.0"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'server'))
from http_ask import Client, Failure
from running import Running
import s3_server

TALLY = re.compile(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', re.M)
NOT_YET = 'fmt_orc,fmt_avro' # data files that are not Parquet
TABLE = 'pub/daily_facts'


def cases(url, *source, only=''):
    out = subprocess.run([sys.executable, os.path.join(HERE, 'iceberg_run.py'), '--url', url, '--dir', HERE, '--only', only, '--skip', NOT_YET, '--failures', '40'] + list(source),
                         capture_output=True, text=True, timeout=800).stdout
    print(out)
    found = TALLY.findall(out)
    return [int(n) for n in found[-1]] if found else [0, 1, 0]


def check(counts, name, good, detail=''):
    counts[0 if good else 1] += 1
    if not good:
        print('%s failed: %s' % (name, detail))


def refuses(client, sql, wanted, counts, name, secret):
    """The statement fails with an error that names the object and no credentials."""
    try:
        check(counts, name, False, 'gave ' + client.ask(sql)[:200])
    except Failure as e:
        check(counts, name, wanted in e.text and secret not in e.text, e.text[:400])


def overwrite(client, source, counts, name):
    """Staging, load, empty check, row-count check, EXCHANGE: as tools/quickstart.sh does it."""
    for sql in ('DROP TABLE IF EXISTS facts', 'DROP TABLE IF EXISTS facts_staging', 'CREATE TABLE facts ENGINE = MergeTree ORDER BY user_id SETTINGS allow_nullable_key = 1 AS SELECT * FROM %s LIMIT 0' % source,
                'CREATE TABLE facts_staging AS facts', 'INSERT INTO facts_staging SELECT * FROM ' + source, 'EXCHANGE TABLES facts AND facts_staging', 'DROP TABLE facts_staging'):
        client.ask(sql)
    got, wanted = client.ask('SELECT count(), sum(cityHash64(*)) FROM facts'), client.ask('SELECT count(), sum(cityHash64(*)) FROM ' + source)
    check(counts, name, got == wanted and not got.startswith('0\t'), '%s, not %s' % (got, wanted))
    client.ask('DROP TABLE facts')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('firn')
    parser.add_argument('--weed', required=True)
    parser.add_argument('--only', default='')
    a = parser.parse_args()
    path = tempfile.mkdtemp(prefix='firn-iceberg-')
    total = [0, 0, 0]
    firn = Running(a.firn, os.path.join(path, 'data'), config='user_files_path: %s\n' % HERE)
    s3 = None
    try:
        add = lambda counts: [x + y for x, y in zip(total, counts)]
        total = add(cases(firn.url, '--local', only=a.only))
        client = Client(firn.url)
        overwrite(client, "icebergLocal('%s/lake/%s')" % (HERE, TABLE), total, 'safe overwrite, local')
        s3 = s3_server.S3Server(a.weed, os.path.join(path, 's3.log'))
        s3.put_folder(os.path.join(HERE, 'lake'), 'lake')
        total = add(cases(firn.url, '--s3', s3.url, '--key', s3_server.KEY, '--secret', s3_server.SECRET, only=a.only))
        table = s3.url + '/lake/' + TABLE + '/'
        overwrite(client, "icebergS3('%s', '%s', '%s')" % (table, s3_server.KEY, s3_server.SECRET), total, 'safe overwrite, S3')
        refuses(client, "SELECT count() FROM icebergS3('%s', '%s', 'wrong-secret')" % (table, s3_server.KEY), 'daily_facts', total, 'wrong secret', 'wrong-secret')
        refuses(client, "SELECT count() FROM s3('%s/lake/nothing.parquet', '%s', '%s')" % (s3.url, s3_server.KEY, s3_server.SECRET), 'nothing.parquet', total, 'absent object', s3_server.SECRET)
        s3.stop()
        s3 = None
        refuses(client, "SELECT count() FROM icebergS3('%s', '%s', '%s') SETTINGS s3_request_timeout_ms = 500, s3_max_single_read_retries = 1" % (table, s3_server.KEY, s3_server.SECRET),
                'daily_facts', total, 'absent server', s3_server.SECRET)
    finally:
        if s3:
            s3.stop()
        trouble = firn.stop(signal.SIGTERM)
        check(total, 'clean end of the server', not trouble, 'exit code %s: %s' % (trouble, firn.errors[-3000:]))
        shutil.rmtree(path, ignore_errors=True)
    print('%d passed, %d failed, %d skipped' % tuple(total))
    return 1 if total[1] else 0


sys.exit(main())
