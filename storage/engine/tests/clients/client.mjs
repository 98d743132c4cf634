// The official Node client against the engine: create, insert, select with parameters, errors, compression both
// ways, streaming, cancelling. Arguments: the URL, a database.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { Readable } from "node:stream";

const require = createRequire(`${process.env.BROKLE_TEST_NODE_MODULES}/anywhere.js`);
const { createClient, ClickHouseError } = require("@clickhouse/client");
const [url, database] = process.argv.slice(2);
const open = (options = {}) => createClient({ url, database, ...options });

const client = open();
assert.equal((await client.ping()).success, true);
await client.command({
  query: "CREATE TABLE rows (id UInt64, name String, tags Array(String)) ENGINE = MergeTree ORDER BY id",
});
const inserted = await client.insert({
  table: "rows",
  values: [{ id: 1, name: "it's one", tags: ["a", "b"] }, { id: 2, name: "zwei\n\t", tags: [] }],
  format: "JSONEachRow",
});
assert.equal(inserted.executed, true);
assert.equal(inserted.summary.written_rows, "2");

const found = await client.query({
  query: "SELECT id, name FROM rows WHERE id IN ({ids:Array(UInt64)}) AND name != {other:String} ORDER BY id",
  query_params: { ids: [1, 2, 3], other: "zwei\n\t" },
  format: "JSONEachRow",
});
assert.deepEqual(await found.json(), [{ id: 1, name: "it's one" }]);

// Arrow out of one query and into another table, as bytes.
await client.command({ query: "CREATE TABLE copies AS rows" });
const arrow = await client.exec({ query: "SELECT * FROM rows FORMAT ArrowStream" });
const chunks = [];
for await (const chunk of arrow.stream) chunks.push(chunk);
const bytes = Buffer.concat(chunks);
const copied = await client.exec({ query: "INSERT INTO copies FORMAT ArrowStream", values: Readable.from([bytes]) });
for await (const _ of copied.stream);
const copies = await client.query({ query: "SELECT count() AS n FROM copies", format: "JSON" });
const answer = await copies.json();
assert.equal(Number(answer.data[0].n), 2);
assert.ok(answer.statistics.rows_read >= 0);

for (const [query, code, type] of [
  ["SELECT * FROM nope", "60", "UNKNOWN_TABLE"],
  ["SELEC 1", "62", "SYNTAX_ERROR"],
]) {
  await assert.rejects(client.query({ query }), (error) => {
    assert.ok(error instanceof ClickHouseError, String(error));
    assert.deepEqual([error.code, error.type], [code, type]);
    return true;
  });
}
await assert.rejects(async () => {
  const late = await client.query({ query: "SELECT throwIf(number = 3000000) AS x FROM numbers(4000000)", format: "JSONEachRow" });
  for await (const _ of late.stream());
}, /non-zero|395/);

for (const compression of [{ request: true, response: true }, { request: false, response: true }]) {
  const packed = open({ compression });
  await packed.insert({
    table: "rows",
    values: Readable.from(Array.from({ length: 5000 }, (_, id) => ({ id: 1000 + id, name: "packed", tags: [] }))),
    format: "JSONEachRow",
  });
  const rows = await packed.query({ query: "SELECT number FROM numbers(300000)", format: "JSONCompactEachRow" });
  let count = 0;
  for await (const part of rows.stream()) count += part.length;
  assert.equal(count, 300000);
  await packed.close();
}

// An abandoned query is cancelled.
const abort = new AbortController();
const endless = client.query({
  query: "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)",
  query_id: "node-abandoned",
  abort_signal: abort.signal,
});
const running = async () => {
  const rows = await client.query({
    query: "SELECT count() AS n FROM system.processes WHERE Settings['metrics_perf_events_list'] = 'node-abandoned'",
    format: "JSONEachRow",
  });
  return Number((await rows.json())[0].n);
};
const until = async (wanted) => {
  const deadline = Date.now() + 10000;
  while ((await running()) !== wanted) assert.ok(Date.now() < deadline, `never ${wanted} running`);
};
endless.catch(() => {});
await until(1);
abort.abort();
await until(0);
await client.close();
console.log("all good");
