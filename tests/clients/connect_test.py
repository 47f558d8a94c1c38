#!/usr/bin/env python3
"""clickhouse-connect as a client: connect, create, insert 100,000 rows of mixed types, read them back, errors, sessions.
SPDX-License-Identifier: Apache-2.0"""
import datetime
import decimal
import ipaddress
import sys
import traceback
import urllib.parse
import uuid

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError

ROWS = 100000
URL = urllib.parse.urlparse(sys.argv[1])


def connect(**more):
    return clickhouse_connect.get_client(host=URL.hostname, port=URL.port, username='default', password='', **more)


COLUMNS = [
    ('id', 'UInt64', lambda i: i),
    ('i8', 'Int8', lambda i: i % 256 - 128),
    ('i128', 'Int128', lambda i: (i - 50000) * 10**25),
    ('f', 'Float64', lambda i: i / 8),
    ('s', 'String', lambda i: 'text \t\u00e9 %d' % i),
    ('fs', 'FixedString(4)', lambda i: b'%04d' % (i % 10000)),
    ('n', 'Nullable(Int64)', lambda i: None if i % 7 == 0 else i * 3),
    ('ns', 'Nullable(String)', lambda i: None if i % 5 == 0 else str(i)),
    ('lc', 'LowCardinality(String)', lambda i: 'low%d' % (i % 10)),
    ('lcn', 'LowCardinality(Nullable(String))', lambda i: None if i % 3 == 0 else 'x%d' % (i % 100)),
    ('d', 'Date', lambda i: datetime.date(2020, 1, 1) + datetime.timedelta(i % 3000)),
    ('d32', 'Date32', lambda i: datetime.date(1950, 1, 1) + datetime.timedelta(i % 9000)),
    ('t', "DateTime('UTC')", lambda i: datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=i)),
    ('t3', "DateTime64(3, 'UTC')", lambda i: datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(milliseconds=i)),
    ('a', 'Array(UInt16)', lambda i: [i % 100, i % 50][:i % 3]),
    ('aa', 'Array(Array(String))', lambda i: [['a'] * (i % 3), []]),
    ('m', 'Map(String, UInt32)', lambda i: {'k%d' % (i % 4): i, 'z': 1}),
    ('tu', 'Tuple(UInt8, String)', lambda i: (i % 200, str(i))),
    ('b', 'Bool', lambda i: i % 2 == 1),
    ('dec', 'Decimal(18, 4)', lambda i: decimal.Decimal(i) / 10000),
    ('u', 'UUID', lambda i: uuid.UUID(int=i * 2**64 + i)),
    ('ip4', 'IPv4', lambda i: ipaddress.IPv4Address(i + 2**24)),
    ('ip6', 'IPv6', lambda i: ipaddress.IPv6Address(i + 2**100)),
    ('e', "Enum8('a' = 1, 'b' = 2)", lambda i: 'ab'[i % 2]),
]


def test_mixed_types():
    client = connect()
    client.command('DROP TABLE IF EXISTS connect_mixed')
    client.command('CREATE TABLE connect_mixed (%s) ENGINE = MergeTree ORDER BY id' % ', '.join('%s %s' % c[:2] for c in COLUMNS))
    rows = [[make(i) for _, _, make in COLUMNS] for i in range(ROWS)]
    summary = client.insert('connect_mixed', rows, column_names=[c[0] for c in COLUMNS])
    assert summary.written_rows == ROWS, summary.written_rows
    got = client.query('SELECT * FROM connect_mixed ORDER BY id')
    assert len(got.result_rows) == ROWS
    for want, have in zip(rows, got.result_rows):
        for (name, _, _), w, h in zip(COLUMNS, want, have):
            if isinstance(h, datetime.datetime) and h.tzinfo is None:
                w = w.replace(tzinfo=None) # the client gives UTC times without a zone
            assert w == h or str(w) == str(h), (name, w, h)
    client.command('DROP TABLE connect_mixed')


def test_version_and_settings():
    client = connect()
    assert client.server_version.count('.') == 3
    assert 'max_threads' in client.server_settings and len(client.server_settings) > 1000


def test_wrong_query():
    client = connect()
    for sql, text in (('SELECT nonsense_name', 'UNKNOWN_IDENTIFIER'), ('SELECT * FROM no_such_table', 'UNKNOWN_TABLE'), ('SELEC', 'code: 62')):
        try:
            client.query(sql)
        except DatabaseError as e:
            assert text in str(e), e
        else:
            raise AssertionError(sql + ' did not fail')


def test_session_keeps_settings_and_temporary_tables():
    client = connect(session_id=str(uuid.uuid4()))
    client.command('SET max_threads = 1')
    assert client.query("SELECT value FROM system.settings WHERE name = 'max_threads'").result_rows == [('1',)]
    client.command('CREATE TEMPORARY TABLE scratch (x Int32)')
    client.command('INSERT INTO scratch VALUES (1), (2)')
    assert client.command('SELECT sum(x) FROM scratch') == 3


def test_parameters():
    client = connect()
    got = client.query('SELECT {a:Array(String)}, {n:Int32}, {s:String}', parameters={'a': ["it's", 'tab\t'], 'n': -5, 's': 'line\nbreak'})
    assert got.result_rows == [(["it's", 'tab\t'], -5, 'line\nbreak')], got.result_rows


def test_empty_result():
    client = connect()
    assert client.query('SELECT number FROM numbers(10) WHERE number > 100').result_rows == []
    assert client.query('SELECT toUInt8(1) AS a, toString(2) AS b LIMIT 0').column_names == ('a', 'b')


def test_stream_and_dataframe_free_blocks():
    client = connect()
    with client.query_row_block_stream('SELECT number FROM numbers(300000)') as stream:
        assert sum(len(block) for block in stream) == 300000


def test_external_data():
    from clickhouse_connect.driver.external import ExternalData
    data = ExternalData(file_name='ext.csv', data=b'1,a\n2,b\n', fmt='CSV', structure=['id UInt32', 'name String'])
    assert connect().query('SELECT sum(id), max(name) FROM ext', external_data=data).result_rows == [(3, 'b')]


def main():
    passed = failed = 0
    for name, test in list(globals().items()):
        if not name.startswith('test_'):
            continue
        try:
            test()
            passed += 1
        except Exception:
            failed += 1
            print('FAIL', name)
            traceback.print_exc(limit=-4, file=sys.stdout)
    print('%d passed, %d failed, 0 skipped' % (passed, failed))
    return 1 if failed else 0


sys.exit(main())
