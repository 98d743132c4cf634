//! The Rust client that storage uses.

use std::sync::Arc;

use arrow_array::{RecordBatch, UInt64Array};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};
use clickhouse::{Client, Compression, Row};
use serde::{Deserialize, Serialize};

use crate::support::{Database, shared};

#[derive(Debug, PartialEq, Row, Serialize, Deserialize)]
struct Line {
    id: u64,
    name: String,
}

async fn client(name: &str) -> Client {
    let database = Database::create(name).await;
    let client = Client::default()
        .with_url(&shared().url)
        .with_user("default")
        .with_database(&database.name);
    client
        .query("CREATE TABLE lines (id UInt64, name String) ENGINE = MergeTree ORDER BY id")
        .execute()
        .await
        .unwrap();
    client
}

#[tokio::test]
async fn rows_go_in_and_come_back_with_and_without_compression() {
    for (name, compression) in [("rust_plain", Compression::None), ("rust_lz4", Compression::Lz4)] {
        let client = client(name).await.with_compression(compression);
        let mut insert = client.insert::<Line>("lines").await.unwrap();
        for id in 0..20_000 {
            insert
                .write(&Line {
                    id,
                    name: format!("it's {id}"),
                })
                .await
                .unwrap();
        }
        insert.end().await.unwrap();
        let found: Vec<Line> = client
            .query("SELECT ?fields FROM lines WHERE id >= {low:UInt64} ORDER BY id LIMIT 2")
            .param("low", 19_000_u64)
            .fetch_all()
            .await
            .unwrap();
        assert_eq!(
            found[1],
            Line {
                id: 19_001,
                name: "it's 19001".into()
            }
        );
        let bound: u64 = client
            .query("SELECT count() FROM lines WHERE name = ?")
            .bind("it's 7")
            .fetch_one()
            .await
            .unwrap();
        assert_eq!(bound, 1);
        let all: Vec<Line> = client
            .query("SELECT ?fields FROM lines ORDER BY id")
            .fetch_all()
            .await
            .unwrap();
        assert_eq!(all.len(), 20_000);
    }
}

#[tokio::test]
async fn arrow_goes_both_ways_and_a_token_makes_it_once() {
    let client = client("rust_arrow").await;
    client
        .query("CREATE TABLE numbers (a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100")
        .execute()
        .await
        .unwrap();
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::UInt64, false)]));
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![Arc::new((0..50_000).collect::<UInt64Array>())],
    )
    .unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    writer.write(&batch).unwrap();
    let body = bytes::Bytes::from(writer.into_inner().unwrap());
    for _ in 0..2 {
        let mut insert = client
            .insert_formatted_with("INSERT INTO numbers FORMAT ArrowStream")
            .with_setting("insert_deduplication_token", "one-token")
            .with_setting("async_insert", "0");
        insert.send(body.clone()).await.unwrap();
        insert.end().await.unwrap();
    }
    let mut cursor = client
        .query("SELECT a FROM numbers ORDER BY a")
        .fetch_bytes("ArrowStream")
        .unwrap();
    let back = cursor.collect().await.unwrap();
    let rows: usize = StreamReader::try_new(back.as_ref(), None)
        .unwrap()
        .map(|batch| batch.unwrap().num_rows())
        .sum();
    assert_eq!(rows, 50_000);
}

#[tokio::test]
async fn errors_arrive_early_and_late() {
    for (name, compression) in [
        ("rust_errors", Compression::None),
        ("rust_errors_lz4", Compression::Lz4),
    ] {
        let client = client(name).await.with_compression(compression);
        let early = client
            .query("SELECT * FROM nope")
            .execute()
            .await
            .unwrap_err()
            .to_string();
        assert!(early.contains("UNKNOWN_TABLE"), "{early}");
        let limited = client
            .query("SELECT count() FROM numbers(1000000) WHERE number % 2")
            .with_setting("max_rows_to_read", "1000")
            .fetch_one::<u64>()
            .await
            .unwrap_err()
            .to_string();
        assert!(limited.contains("Code: 158"), "{limited}");
        let query = client.query("SELECT throwIf(number = 3000000) FROM numbers(4000000)");
        let late = query.fetch_all::<u8>().await.unwrap_err().to_string();
        assert!(late.contains("Code: 395"), "{late}");
    }
}
