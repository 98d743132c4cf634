//! Compressed bodies, as HTTP has them and as ClickHouse's own clients do.

use std::io::{Read, Write};

use crate::support::Database;

/// Compresses a whole body.
type Compress = fn(&[u8]) -> Vec<u8>;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn lz4(plain: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    zstd::encode_all(plain, 3).unwrap()
}

fn inflate(name: &str, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match name {
        "gzip" => flate2::read::MultiGzDecoder::new(body)
            .read_to_end(&mut plain)
            .unwrap(),
        "deflate" => flate2::read::ZlibDecoder::new(body)
            .read_to_end(&mut plain)
            .unwrap(),
        "lz4" => lz4_flex::frame::FrameDecoder::new(body)
            .read_to_end(&mut plain)
            .unwrap(),
        _ => zstd::stream::read::Decoder::new(body)
            .unwrap()
            .read_to_end(&mut plain)
            .unwrap(),
    };
    plain
}

#[tokio::test]
async fn a_compressed_request_is_understood() {
    let database = Database::create("compressed_requests").await;
    database
        .run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        .await;
    let rows = (0..100_000)
        .map(|number: u32| number.to_string() + "\n")
        .collect::<String>();
    let encoders: [(&str, Compress); 4] =
        [("gzip", gzip), ("deflate", deflate), ("lz4", lz4), ("zstd", zstd)];
    for (name, encode) in encoders {
        let request = database
            .request(&[("query", "INSERT INTO t FORMAT TSV")])
            .header("Content-Encoding", name);
        let answer = database.send(request.body(encode(rows.as_bytes()))).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        let whole = format!("INSERT INTO t FORMAT TSV\n{rows}");
        let request = database
            .request(&[])
            .header("Content-Encoding", name)
            .body(encode(whole.as_bytes()));
        assert_eq!(database.send(request).await.status, 200, "{name}");
        assert_eq!(
            database.run("SELECT count(), sum(a) FROM t").await,
            "200000\t9999900000\n",
            "{name}"
        );
        database.run("TRUNCATE TABLE t").await;
    }
}

#[tokio::test]
async fn a_response_is_compressed_when_the_client_enables_it() {
    let database = Database::create("compressed_responses").await;
    let text = "SELECT number FROM numbers(500000)";
    let plain = database.run(text).await.into_bytes();
    for name in ["gzip", "deflate", "lz4", "zstd"] {
        for query in [text, "SELECT 1"] {
            let parameters = [("enable_http_compression", "1")];
            let request = database
                .request(&parameters)
                .header("Accept-Encoding", name)
                .body(query);
            let answer = database.send(request).await;
            assert_eq!(answer.header("content-encoding"), name);
            let expected = if query == text { plain.as_slice() } else { b"1\n" };
            assert!(inflate(name, &answer.body) == expected, "{name}");
        }
        let request = database
            .request(&[])
            .header("Accept-Encoding", name)
            .body("SELECT 1");
        assert_eq!(
            database.send(request).await.header("content-encoding"),
            "",
            "not enabled"
        );
    }
}

#[tokio::test]
async fn unknown_and_broken_encodings_are_refused() {
    let database = Database::create("broken_encodings").await;
    database
        .run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        .await;
    let insert = [("query", "INSERT INTO t FORMAT TSV")];
    let unknown = database
        .request(&insert)
        .header("Content-Encoding", "br")
        .body("1\n");
    assert_eq!(database.send(unknown).await.code(), 89);
    let broken = database
        .request(&insert)
        .header("Content-Encoding", "gzip")
        .body("these are no gzip bytes");
    assert_eq!(database.send(broken).await.code(), 271);
    let mut cut = gzip("1\n".repeat(100_000).as_bytes());
    cut.truncate(cut.len() / 2);
    let half = database
        .request(&insert)
        .header("Content-Encoding", "gzip")
        .body(cut);
    assert_ne!(database.send(half).await.status, 200);
    let blocks = [insert[0], ("decompress", "1")];
    assert_eq!(database.post(&blocks, vec![7_u8; 100]).await.status, 500);
    assert_eq!(database.run("SELECT count() FROM t").await, "0\n");
}
