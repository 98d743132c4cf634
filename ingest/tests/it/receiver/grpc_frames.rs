//! OTLP/gRPC frame by frame.

use brokle_model::telemetry::Signal;
use tonic::{Code, Status};

use super::cases::{Outcome, Retry, success};
use super::fakes::{GOOD_KEY, Servers};
use super::grpc::detail;
use super::payload::{self, frame, gzip, zlib, zstd};

/// A request written by hand, for what no client library sends.
pub(super) struct RawCase {
    pub(super) name: &'static str,
    content_type: &'static str,
    encoding: Option<&'static str>,
    body: Vec<u8>,
    expected: Outcome,
}

fn raw(name: &'static str, body: Vec<u8>, expected: Outcome) -> RawCase {
    RawCase {
        name,
        content_type: "application/grpc",
        encoding: None,
        body,
        expected,
    }
}

fn encoded(name: &'static str, encoding: &'static str, body: Vec<u8>, expected: Outcome) -> RawCase {
    RawCase {
        encoding: Some(encoding),
        ..raw(name, body, expected)
    }
}

/// What must hold of frames, for each signal.
pub(super) fn raw_cases(signal: Signal) -> Vec<RawCase> {
    let body = payload::of(signal, &[true]);
    let invalid = || Outcome::Failure(Code::InvalidArgument, Retry::Never);
    let unimplemented = || Outcome::Failure(Code::Unimplemented, Retry::Never);
    let full = || Outcome::Full;
    let mut longer = frame(0, &body);
    longer[4] += 1;
    let two = [frame(0, &body), frame(0, &body)].concat();
    let cut = frame(1, &gzip(&body)[..20]);
    vec![
        raw("a plain frame", frame(0, &body), full()),
        RawCase {
            content_type: "application/grpc+proto",
            ..raw("proto", frame(0, &body), full())
        },
        RawCase {
            content_type: "application/grpc; a=b",
            ..raw("parameter", frame(0, &body), full())
        },
        RawCase {
            content_type: "application/grpc+json",
            ..raw("JSON", frame(0, b"{}"), invalid())
        },
        RawCase {
            content_type: "application/x-protobuf",
            ..raw("no gRPC", body.clone(), invalid())
        },
        encoded("gzip", "gzip", frame(1, &gzip(&body)), full()),
        encoded("zstd", "zstd", frame(1, &zstd(&body)), full()),
        encoded("deflate", "deflate", frame(1, &zlib(&body)), full()),
        encoded("announced, but not used", "gzip", frame(0, &body), full()),
        encoded("not known", "snappy", frame(1, &body), unimplemented()),
        encoded("identity, but flagged", "identity", frame(1, &body), invalid()),
        raw("flagged, but not named", frame(1, &gzip(&body)), invalid()),
        encoded("gzip cut short", "gzip", cut, invalid()),
        encoded("called gzip", "gzip", frame(1, &body), invalid()),
        raw("a message of no bytes", frame(0, b""), full()),
        raw(
            "one good of three",
            frame(0, &payload::of(signal, &[false, true, false])),
            Outcome::Partial(2),
        ),
        raw("no message", vec![], invalid()),
        raw("half a prefix", vec![0, 0, 0], invalid()),
        raw("longer than it is", longer, invalid()),
        raw("two messages", two, invalid()),
        raw("an unknown flag", frame(2, &body), invalid()),
        raw("not protobuf", frame(0, &[0xff; 16]), invalid()),
        raw(
            "JSON inside",
            frame(0, &payload::json_of(signal, &[true])),
            invalid(),
        ),
    ]
}

const fn service(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "trace.v1.TraceService",
        Signal::Logs => "logs.v1.LogsService",
        Signal::Metrics => "metrics.v1.MetricsService",
        Signal::Changes => panic!("changes are not OTLP"),
    }
}

/// Sends a case, and says what came of it.
pub(super) async fn play(servers: &Servers, client: &reqwest::Client, signal: Signal, case: RawCase) {
    let name = format!("{} over gRPC: {}", signal.as_str(), case.name);
    let url = format!(
        "http://{}/opentelemetry.proto.collector.{}/Export",
        servers.grpc,
        service(signal)
    );
    let mut request = client
        .post(url)
        .header("content-type", case.content_type)
        .header("te", "trailers");
    if let Some(encoding) = case.encoding {
        request = request.header("grpc-encoding", encoding);
    }
    let response = request
        .header("x-api-key", GOOD_KEY)
        .body(case.body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200, "{name}");
    assert_eq!(response.headers()["content-type"], "application/grpc", "{name}");
    assert!(response.headers().contains_key("x-request-id"), "{name}");
    let actual = match Status::from_header_map(response.headers()) {
        // Trailers only: the head is all there is.
        Some(status) => Outcome::Failure(status.code(), detail(&status).retry()),
        None => success(&response.bytes().await.unwrap()[5..]),
    };
    assert_eq!(actual, case.expected, "{name}");
    let stored = servers.log.take_names();
    let is_stored = !matches!(actual, Outcome::Failure(..)) && case.name != "a message of no bytes";
    assert_eq!(stored.len(), usize::from(is_stored), "{name}");
}

#[tokio::test]
async fn a_method_that_does_not_exist_is_unimplemented() {
    let servers = Servers::start().await;
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let url = format!("http://{}/some.Service/Method", servers.grpc);
    let request = client
        .post(url)
        .header("content-type", "application/grpc")
        .body(frame(0, b""));
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "12");
}
