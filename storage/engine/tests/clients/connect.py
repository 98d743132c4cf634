"""clickhouse-connect against the engine: create, insert (native and Arrow), select with parameters, errors,
compression both ways, streaming. Arguments: the URL, a database."""

import sys
from urllib.parse import urlparse

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.exceptions import DatabaseError

address, database = urlparse(sys.argv[1]), sys.argv[2]


def connect(**options):
    return clickhouse_connect.get_client(host=address.hostname, port=address.port, database=database, **options)


client = connect()
assert client.ping()
assert client.server_version.startswith("26."), client.server_version

client.command("CREATE TABLE rows (id UInt64, name String, tags Array(String), at DateTime64(3)) ENGINE = MergeTree ORDER BY id")
from datetime import datetime, timezone

moment = datetime(2026, 11, 22, 10, 30, 0, 123000, tzinfo=timezone.utc)
summary = client.insert("rows", [[1, "it's one", ["a", "b"], moment], [2, "zwei\n\t", [], moment]], column_names=["id", "name", "tags", "at"])
assert summary.written_rows == 2, summary.summary

table = pa.table({"id": pa.array([3, 4], pa.uint64()), "name": ["three", "four"], "tags": [["x"], []],
                  "at": pa.array([moment, moment], pa.timestamp("ms"))})
client.insert_arrow("rows", table)

result = client.query(
    "SELECT id, name, tags FROM rows WHERE id >= {low:UInt64} AND name != {not:String} ORDER BY id",
    parameters={"low": 2, "not": "it's one"},
)
assert result.result_rows == [(2, "zwei\n\t", []), (3, "three", ["x"]), (4, "four", [])], result.result_rows
assert client.query("SELECT name FROM rows WHERE name = %(name)s", parameters={"name": "it's one"}).first_row == ("it's one",)

arrow = client.query_arrow("SELECT id, name FROM rows ORDER BY id", use_strings=True)
assert arrow["id"].to_pylist() == [1, 2, 3, 4] and arrow["name"].to_pylist()[0] == "it's one"

for query, code in [("SELECT * FROM nope", 60), ("SELECT nope()", 46), ("SELEC 1", 62)]:
    try:
        client.query(query)
        raise AssertionError(f"{query} was accepted")
    except DatabaseError as error:
        assert f"code {code}" in str(error) or f"Code: {code}" in str(error), error

try:
    list(client.query("SELECT throwIf(number = 3000000) FROM numbers(4000000)").result_rows)
    raise AssertionError("an error in the middle of a result went unseen")
except DatabaseError as error:
    assert "395" in str(error), error

# A session of its own: temporary tables live there.
client.command("CREATE TEMPORARY TABLE mine (a UInt8)")
client.insert("mine", [[7]], column_names=["a"])
assert client.command("SELECT a FROM mine") == 7

for method in ["lz4", "zstd", "gzip"]:
    packed = connect(compress=method)
    packed.insert("rows", [[100 + number, method, [], moment] for number in range(1000)], column_names=["id", "name", "tags", "at"])
    assert packed.query("SELECT count() FROM rows WHERE name = {m:String}", parameters={"m": method}).first_row == (1000,)
    with packed.query_row_block_stream("SELECT number FROM numbers(1000000)") as stream:
        assert sum(row[0] for block in stream for row in block) == 499999500000

settings = client.query("SELECT getSetting('max_block_size')", settings={"max_block_size": 12345})
assert settings.first_row == (12345,)
assert client.query("SELECT getSetting('max_block_size')").first_row != (12345,)
frame = client.raw_query("SELECT 1 AS one FORMAT Parquet")
assert frame[:4] == b"PAR1"
print("all good")
