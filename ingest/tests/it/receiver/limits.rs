//! What no sender can make the receivers do: keep more than the budget, inflate a bomb, wait for ever.

use std::time::Duration;

use brokle_ingest::receiver::ReceiverConfig;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;
use tonic::{Code, Request};

use super::cases::{JSON, PROTOBUF};
use super::fakes::{GOOD_KEY, Mood, Servers};
use super::payload::{self, good, gzip, request, zlib, zstd};

const MIB: usize = 1024 * 1024;

fn small() -> ReceiverConfig {
    ReceiverConfig {
        body_bytes_max: 64 * 1024,
        ..ReceiverConfig::default()
    }
}

/// A request whose one span has a name of `bytes`.
fn sized(bytes: usize) -> Vec<u8> {
    prost::Message::encode_to_vec(&request(vec![good(&"x".repeat(bytes))]))
}

async fn post(servers: &Servers, encoding: &str, body: Vec<u8>) -> reqwest::Response {
    reqwest::Client::new()
        .post(format!("http://{}/v1/traces", servers.http))
        .header("x-api-key", GOOD_KEY)
        .header("content-type", PROTOBUF)
        .header("content-encoding", encoding)
        .body(body)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn bodies_just_within_the_limit_are_taken_and_larger_ones_are_413() {
    let servers = Servers::with(small(), 64 << 20).await;
    let overhead = sized(60_000).len() - 60_000;
    let fits = sized(small().body_bytes_max - overhead);
    assert_eq!(fits.len(), small().body_bytes_max);
    let exceeds = sized(small().body_bytes_max - overhead + 1);
    for (name, encoding, encode) in [
        (
            "identity",
            "identity",
            (|body: &[u8]| body.to_vec()) as fn(&[u8]) -> Vec<u8>,
        ),
        ("gzip", "gzip", gzip),
        ("deflate", "deflate", zlib),
        ("zstd", "zstd", zstd),
    ] {
        assert_eq!(
            post(&servers, encoding, encode(&fits)).await.status(),
            200,
            "{name}"
        );
        assert_eq!(
            post(&servers, encoding, encode(&exceeds)).await.status(),
            413,
            "{name}"
        );
        assert_eq!(servers.log.take().len(), 1, "{name}");
    }
    servers.until_idle().await;
}

#[tokio::test]
async fn a_chunked_body_beyond_the_limit_is_413() {
    let servers = Servers::with(small(), 64 << 20).await;
    let chunks = (0..100).map(|_| Ok::<_, std::io::Error>(vec![0_u8; 4_096]));
    let response = reqwest::Client::new()
        .post(format!("http://{}/v1/traces", servers.http))
        .header("x-api-key", GOOD_KEY)
        .body(reqwest::Body::wrap_stream(futures_util::stream::iter(chunks)))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 413);
    servers.until_idle().await;
}

#[tokio::test]
async fn bombs_stop_at_the_limit_over_both_transports() {
    let config = ReceiverConfig {
        body_bytes_max: 4 * MIB,
        ..ReceiverConfig::default()
    };
    let servers = Servers::with(config, 10 << 20).await;
    let zeros = vec![0_u8; 32 * MIB];
    let bombs = [
        ("gzip", gzip(&zeros)),
        ("deflate", zlib(&zeros)),
        ("zstd", zstd(&zeros)),
    ];
    drop(zeros);
    for (encoding, bomb) in bombs {
        assert!(bomb.len() < MIB, "{encoding}");
        let response = post(&servers, encoding, bomb).await;
        assert_eq!(response.status(), 413, "{encoding}");
    }
    let channel = Channel::from_shared(format!("http://{}", servers.grpc))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client = TraceServiceClient::new(channel).send_compressed(CompressionEncoding::Gzip);
    let mut bomb = Request::new(request(vec![good(&"0".repeat(32 * MIB))]));
    bomb.metadata_mut().insert("x-api-key", GOOD_KEY.parse().unwrap());
    let status = client.export(bomb).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    servers.until_idle().await;
}

#[tokio::test]
async fn a_grpc_message_beyond_the_limit_is_final() {
    let servers = Servers::with(small(), 64 << 20).await;
    let channel = Channel::from_shared(format!("http://{}", servers.grpc))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client = TraceServiceClient::new(channel);
    let mut large = Request::new(request(vec![good(&"x".repeat(small().body_bytes_max))]));
    large
        .metadata_mut()
        .insert("x-api-key", GOOD_KEY.parse().unwrap());
    let status = client.export(large).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let detail: super::cases::WireStatus = prost::Message::decode(status.details()).unwrap();
    assert_eq!(detail.retry(), super::cases::Retry::Never);
}

#[tokio::test]
async fn beyond_the_memory_budget_senders_are_asked_to_wait() {
    let config = ReceiverConfig {
        body_bytes_max: 8 * MIB,
        ..ReceiverConfig::default()
    };
    let servers = Servers::with(config, 2 << 20).await;
    for (encoding, body) in [("identity", sized(4 * MIB)), ("gzip", gzip(&sized(4 * MIB)))] {
        let response = post(&servers, encoding, body).await;
        assert_eq!(response.status(), 503, "{encoding}");
        assert_eq!(response.headers()["retry-after"], "1", "{encoding}");
    }
    servers.until_idle().await;
    assert_eq!(post(&servers, "identity", sized(MIB / 2)).await.status(), 200);
}

#[tokio::test]
async fn beyond_the_slots_senders_are_asked_to_wait() {
    let config = ReceiverConfig {
        requests_in_flight_max: 1,
        ..ReceiverConfig::default()
    };
    let servers = Servers::with(config, 64 << 20).await;
    servers.log.set_mood(Mood::Hang);
    let url = format!("http://{}/v1/traces", servers.http);
    let first = reqwest::Client::new()
        .post(url)
        .header("x-api-key", GOOD_KEY)
        .body(payload::protobuf())
        .send();
    let first = tokio::spawn(first);
    servers.log.asked.notified().await;
    let second = post(&servers, "identity", payload::protobuf()).await;
    assert_eq!(
        (second.status().as_u16(), &second.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    first.abort();
    servers.until_idle().await;
    servers.log.set_mood(Mood::Accept);
    assert_eq!(
        post(&servers, "identity", payload::protobuf()).await.status(),
        200
    );
}

#[tokio::test]
async fn a_log_that_does_not_answer_becomes_a_timeout_that_is_tried_again() {
    let config = ReceiverConfig {
        accept_timeout: Duration::from_millis(30),
        ..ReceiverConfig::default()
    };
    let servers = Servers::with(config, 64 << 20).await;
    servers.log.set_mood(Mood::Hang);
    let response = post(&servers, "identity", payload::protobuf()).await;
    assert_eq!(response.status(), 504);
    assert!(response.headers().contains_key("retry-after"));
    servers.until_idle().await;
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let config = ReceiverConfig {
        body_timeout: Duration::from_millis(50),
        ..ReceiverConfig::default()
    };
    let servers = Servers::with(config, 64 << 20).await;
    let mut stream = TcpStream::connect(servers.http).await.unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: a\r\nx-api-key: {GOOD_KEY}\r\ncontent-type: {JSON}\r\n\
         content-length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    servers.until_idle().await;
}

#[tokio::test]
async fn a_sender_that_expects_to_be_asked_is_asked_only_when_admitted() {
    let servers = Servers::start().await;
    let body = payload::protobuf();
    for (key, first_line) in [(GOOD_KEY, "HTTP/1.1 100 Continue"), ("unknown", "HTTP/1.1 401")] {
        let mut stream = TcpStream::connect(servers.http).await.unwrap();
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nhost: a\r\nx-api-key: {key}\r\ncontent-type: {PROTOBUF}\r\n\
             content-length: {}\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = read_head(&mut stream).await;
        assert!(answer.starts_with(first_line), "{key}: {answer}");
        if key == GOOD_KEY {
            stream.write_all(&body).await.unwrap();
            let answer = read_head(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
    }
    assert_eq!(servers.log.take_names(), ["good"]);
}

#[tokio::test]
async fn a_sender_still_writing_gets_to_read_the_refusal() {
    let servers = Servers::start().await;
    let response = reqwest::Client::new()
        .post(format!("http://{}/v1/traces", servers.http))
        .header("x-api-key", "unknown")
        .body(vec![0_u8; MIB - 1])
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn a_grpc_connection_that_never_speaks_is_closed() {
    let config = ReceiverConfig {
        grpc_first_byte_timeout: Duration::from_millis(50),
        grpc_connections_max: 1,
        ..ReceiverConfig::default()
    };
    let servers = Servers::with(config, 64 << 20).await;
    let mut silent = TcpStream::connect(servers.grpc).await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(10), silent.read_to_end(&mut rest))
        .await
        .unwrap();
    assert!(closed.is_ok() || closed.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
    // Its slot is free again.
    let channel = Channel::from_shared(format!("http://{}", servers.grpc))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut export = Request::new(request(vec![good("after")]));
    export
        .metadata_mut()
        .insert("x-api-key", GOOD_KEY.parse().unwrap());
    TraceServiceClient::new(channel).export(export).await.unwrap();
    assert_eq!(servers.log.take_names(), ["after"]);
}

/// Reads up to the end of one response head.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let reading = async {
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reading)
        .await
        .unwrap();
    String::from_utf8(head).unwrap()
}
