"""Queries of our own over the hits table: what `bench.py scan` asks straight of the Parquet file, and what `bench.py hits` asks when no
ClickBench checkout is named. {h} is the table. Also the table itself for ClickHouse's dialect (clickbench/create.sql) and DuckDB's.
SPDX-License-Identifier: Apache-2.0"""
import os
import re

QUERIES = [
    ('rows', 'SELECT count(*) FROM {h}'),
    ('sum_1col', 'SELECT sum(ResolutionWidth) FROM {h}'),
    ('sum_4col', 'SELECT sum(ResolutionWidth), sum(ResolutionHeight), sum(OS), sum(UserAgent) FROM {h}'),
    ('filter_count', 'SELECT count(*) FROM {h} WHERE AdvEngineID <> 0'),
    ('min_max', 'SELECT min(EventDate), max(EventDate) FROM {h}'),
    ('prune', 'SELECT count(*), sum(IsRefresh) FROM {h} WHERE CounterID = 62'),
    ('prune_url', "SELECT URL, count(*) AS c FROM {h} WHERE CounterID = 62 AND URL <> '' GROUP BY URL ORDER BY c DESC, URL LIMIT 10"),
    ('uniq_user', 'SELECT count(DISTINCT UserID) FROM {h}'),
    ('group_region', 'SELECT RegionID, count(*) AS c FROM {h} GROUP BY RegionID ORDER BY c DESC, RegionID LIMIT 10'),
    ('group_user', 'SELECT UserID, count(*) AS c FROM {h} GROUP BY UserID ORDER BY c DESC, UserID LIMIT 10'),
    ('group_phrase', "SELECT SearchPhrase, count(*) AS c FROM {h} WHERE SearchPhrase <> '' GROUP BY SearchPhrase ORDER BY c DESC, SearchPhrase LIMIT 10"),
    ('like_url', "SELECT count(*) FROM {h} WHERE URL LIKE '%google%'"),
    ('length_url', 'SELECT sum({length}(URL)) FROM {h}'),
    ('group_url', 'SELECT URL, count(*) AS c FROM {h} GROUP BY URL ORDER BY c DESC, URL LIMIT 10'),
    ('top_time', "SELECT SearchPhrase FROM {h} WHERE SearchPhrase <> '' ORDER BY EventTime, SearchPhrase LIMIT 10"),
    ('point', 'SELECT count(*) FROM {h} WHERE UserID = 435090932899640449'),
]

TO_DUCKDB = {'Int64': 'BIGINT', 'Int32': 'INTEGER', 'Int16': 'SMALLINT', 'String': 'VARCHAR', 'DateTime': 'TIMESTAMP', 'Date': 'DATE'}

# the Parquet file holds days and seconds as integers
DUCKDB_SELECT = ('* REPLACE (make_date(EventDate) AS EventDate, epoch_ms(EventTime * 1000) AS EventTime, '
                 'epoch_ms(ClientEventTime * 1000) AS ClientEventTime, epoch_ms(LocalEventTime * 1000) AS LocalEventTime)')


def query(text, kind, table):
    return text.replace('{h}', table).replace('{length}', 'strlen' if kind == 'duckdb' else 'length')


def ddl(kind):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'clickbench', 'create.sql'), encoding='utf-8') as f:
        text = '\n'.join(line for line in f.read().split('\n') if not line.startswith('--')).strip().rstrip(';')
    if kind != 'duckdb':
        return text
    columns = re.search(r'\((.*)\)\s*ENGINE', text, re.S).group(1)
    return 'CREATE OR REPLACE TABLE hits (%s)' % re.sub(r'\b(%s)\b(?=\s*(,|$))' % '|'.join(TO_DUCKDB), lambda m: TO_DUCKDB[m.group(1)], columns, flags=re.M)
