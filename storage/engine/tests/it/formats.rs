//! Formats pass through as bytes, both ways, however long the result.

use std::sync::Arc;

use arrow_array::{Array, RecordBatch, StringArray, UInt64Array};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::{DataType, Field, Schema};

use crate::support::Database;

const ROWS: u64 = 300_000;

/// Headers, footers and dictionaries must appear once, also in a result of many blocks.
#[tokio::test]
async fn a_long_result_is_one_document_in_every_format() {
    let database = Database::create("long_results").await;
    database
        .run("CREATE TABLE t (number UInt64, s String) ENGINE = MergeTree ORDER BY number")
        .await;
    let text = format!("SELECT number, toString(number) AS s FROM numbers({ROWS})");
    for format in [
        "ArrowStream",
        "Arrow",
        "Parquet",
        "Native",
        "RowBinary",
        "RowBinaryWithNamesAndTypes",
        "JSONEachRow",
        "CSVWithNames",
        "TSVWithNamesAndTypes",
        "ORC",
        "MsgPack",
        "Avro",
        "JSON",
        "JSONCompact",
        "JSONColumns",
    ] {
        let parameters = [("default_format", format), ("max_block_size", "5000")];
        let result = database.post(&parameters, text.clone()).await;
        assert_eq!(result.status, 200, "{format}");
        let insert = format!("INSERT INTO t FORMAT {format}");
        let written = database.post(&[("query", insert.as_str())], result.body).await;
        assert_eq!(written.status, 200, "{format}: {}", written.text());
        let sums = database
            .run("SELECT count(), sum(number), sum(length(s)) FROM t")
            .await;
        assert_eq!(sums, "300000\t44999850000\t1688890\n", "{format}");
        database.run("TRUNCATE TABLE t").await;
    }
}

fn batch(from: u64) -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("a", DataType::UInt64, false),
        Field::new("s", DataType::Utf8, true),
    ]);
    let numbers: UInt64Array = (from..from + 1000).collect();
    let texts: StringArray = (from..from + 1000)
        .map(|number| (number % 7 > 0).then(|| format!("it's {number}")))
        .collect();
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(numbers), Arc::new(texts)]).unwrap()
}

#[tokio::test]
async fn arrow_goes_in_and_comes_back() {
    let database = Database::create("arrow").await;
    database
        .run("CREATE TABLE t (a UInt64, s Nullable(String)) ENGINE = MergeTree ORDER BY a")
        .await;
    let compressions = [
        None,
        Some(CompressionType::LZ4_FRAME),
        Some(CompressionType::ZSTD),
    ];
    for (index, compression) in (0_u64..).zip(compressions) {
        let options = IpcWriteOptions::default()
            .try_with_compression(compression)
            .unwrap();
        let first = batch(index * 2000);
        let mut writer = StreamWriter::try_new_with_options(Vec::new(), &first.schema(), options).unwrap();
        writer.write(&first).unwrap();
        writer.write(&batch(index * 2000 + 1000)).unwrap();
        let body = writer.into_inner().unwrap();
        let answer = database
            .post(&[("query", "INSERT INTO t FORMAT ArrowStream")], body)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.summary("written_rows"), 2000);
    }
    let answer = database
        .post(
            &[("default_format", "ArrowStream")],
            "SELECT a, s FROM t ORDER BY a",
        )
        .await;
    let reader = StreamReader::try_new(answer.body.as_slice(), None).unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 6000);
    let nulls: usize = batches.iter().map(|batch| batch.column(1).null_count()).sum();
    assert_eq!(nulls, (0..6000).filter(|number| number % 7 == 0).count());
}

#[tokio::test]
async fn a_broken_arrow_body_is_refused() {
    let database = Database::create("broken_arrow").await;
    database
        .run("CREATE TABLE t (a UInt64, s Nullable(String)) ENGINE = MergeTree ORDER BY a")
        .await;
    let answer = database
        .post(&[("query", "INSERT INTO t FORMAT ArrowStream")], vec![1_u8; 5000])
        .await;
    assert_eq!(answer.code(), 33, "{}", answer.text());
    assert_eq!(database.run("SELECT count() FROM t").await, "0\n");
}

#[tokio::test]
async fn a_result_of_a_hundred_megabytes_streams_through() {
    let database = Database::create("big_result").await;
    let mut response = database
        .request(&[])
        .body("SELECT number FROM numbers(12000000)")
        .send()
        .await
        .unwrap();
    let mut bytes = 0_usize;
    while let Some(chunk) = response.chunk().await.unwrap() {
        bytes += chunk.len();
    }
    let expected: usize = (1..=8_u32)
        .map(|digits| {
            let (from, to) = (
                if digits == 1 { 0 } else { 10_usize.pow(digits - 1) },
                10_usize.pow(digits).min(12_000_000),
            );
            (to - from) * (digits as usize + 1)
        })
        .sum();
    assert_eq!(bytes, expected);
}
