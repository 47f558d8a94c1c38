// js_test.mjs - @clickhouse/client: ping, create, insert 100,000 rows of mixed types, read them back, errors.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createClient } from '@clickhouse/client';

const client = createClient({ url: process.argv[2], username: 'default', password: '' });
const ROWS = 100000;
const row = i => ({
  id: String(i), i: i % 1000 - 500, f: i / 8, s: 'text \t é ' + i, n: i % 7 ? i * 3 : null, d: '2024-01-' + String(i % 28 + 1).padStart(2, '0'),
  t: '2024-01-01 00:00:' + String(i % 60).padStart(2, '0') + '.' + String(i % 1000).padStart(3, '0'), a: [i % 100, i % 50], m: { k: i }, b: i % 2 === 1,
  l: 'low' + i % 10, u: '00000000-0000-0000-0000-' + String(i).padStart(12, '0'),
});

const tests = {
  async ping() { assert.equal((await client.ping()).success, true); },
  async mixed_types() {
    await client.command({ query: `CREATE TABLE js_mixed (id UInt64, i Int32, f Float64, s String, n Nullable(Int32), d Date, t DateTime64(3, 'UTC'),
      a Array(UInt16), m Map(String, UInt32), b Bool, l LowCardinality(String), u UUID) ENGINE = MergeTree ORDER BY id` });
    const rows = Array.from({ length: ROWS }, (_, i) => row(i));
    await client.insert({ table: 'js_mixed', values: rows, format: 'JSONEachRow' });
    const answer = await client.query({ query: 'SELECT * FROM js_mixed ORDER BY id', format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 1 } });
    const got = await answer.json();
    assert.equal(got.length, ROWS);
    for (let i = 0; i < ROWS; i++) assert.deepEqual(got[i], rows[i]);
    await client.command({ query: 'DROP TABLE js_mixed' });
  },
  async json_format() {
    const answer = await client.query({ query: 'SELECT number AS n FROM numbers(3)', format: 'JSON' });
    const got = await answer.json();
    assert.deepEqual(got.data, [{ n: 0 }, { n: 1 }, { n: 2 }]);
    assert.equal(got.rows, 3);
  },
  async parameters() {
    const answer = await client.query({ query: 'SELECT {a:Array(String)} AS a, {d:Date} AS d, {m:Map(String, Int8)} AS m', format: 'JSONEachRow',
      query_params: { a: ["it's", 'x'], d: '2024-05-06', m: { k: 1 } } });
    assert.deepEqual(await answer.json(), [{ a: ["it's", 'x'], d: '2024-05-06', m: { k: 1 } }]);
  },
  async stream() {
    const answer = await client.query({ query: 'SELECT number FROM numbers(100000)', format: 'JSONEachRow' });
    let count = 0;
    for await (const rows of answer.stream()) count += rows.length;
    assert.equal(count, 100000);
  },
  async wrong_query() {
    await assert.rejects(client.query({ query: 'SELECT * FROM no_such_table', format: 'JSON' }), e => e.code === '60' && e.type === 'UNKNOWN_TABLE');
    await assert.rejects(client.command({ query: 'SELEC 1' }), e => e.code === '62');
  },
  async summary() {
    await client.command({ query: 'CREATE TABLE js_summary (x Int32) ENGINE = Memory' });
    const inserted = await client.insert({ table: 'js_summary', values: [{ x: 1 }, { x: 2 }], format: 'JSONEachRow' });
    assert.equal(inserted.summary?.written_rows, '2');
    await client.command({ query: 'DROP TABLE js_summary' });
  },
};

let passed = 0, failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try { await test(); passed++; } catch (e) { failed++; console.log('FAIL ' + name + '\n' + (e.stack ?? e)); }
}
await client.close();
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed ? 1 : 0);
