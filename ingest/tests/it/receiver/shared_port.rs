//! `/v1/traces` where SDK calls arrive too.

use brokle_model::telemetry::Signal;

use super::cases::{JSON, PROTOBUF};
use super::fakes::{GOOD_KEY, Servers};
use super::payload::{self, gzip};

#[tokio::test]
async fn the_body_decides_between_otlp_and_the_sdk() {
    let servers = Servers::start().await;
    let sdk = br#"{"name":"my trace","attributes":{"resourceSpans":[]}}"#.to_vec();
    let cases = [
        ("protobuf", Some(PROTOBUF), None, payload::protobuf(), 200),
        ("JSON with resourceSpans", Some(JSON), None, payload::json(), 200),
        (
            "the same compressed",
            Some(JSON),
            Some("gzip"),
            gzip(&payload::json()),
            200,
        ),
        ("the same undeclared", None, None, payload::json(), 200),
        ("protobuf undeclared", None, None, payload::protobuf(), 200),
        ("an SDK trace", Some(JSON), None, sdk.clone(), 201),
        (
            "an SDK trace compressed",
            Some(JSON),
            Some("gzip"),
            gzip(&sdk),
            201,
        ),
        ("an empty object", Some(JSON), None, b"{}".to_vec(), 400),
        ("an empty protobuf message", Some(PROTOBUF), None, vec![], 200),
    ];
    for (name, content_type, content_encoding, body, status) in cases {
        let mut request = reqwest::Client::new()
            .post(format!("http://{}/v1/traces", servers.shared))
            .header("x-api-key", GOOD_KEY)
            .body(body);
        for (header, value) in [
            ("content-type", content_type),
            ("content-encoding", content_encoding),
        ] {
            if let Some(value) = value {
                request = request.header(header, value);
            }
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{name}");
        let is_stored = status == 200 && name != "an empty protobuf message";
        assert_eq!(servers.log.take_names().len(), usize::from(is_stored), "{name}");
        if status == 201 {
            let body: serde_json::Value = response.json().await.unwrap();
            assert_eq!(body["success"], true, "{name}");
            assert_eq!(body["data"]["name"], "my trace", "{name}");
        } else if status == 400 {
            let body: serde_json::Value = response.json().await.unwrap();
            assert_eq!(body["success"], false, "{name}");
            assert_eq!(body["error"]["details"]["field"], "name", "{name}");
        }
    }
    servers.until_idle().await;
}

#[tokio::test]
async fn the_other_signals_are_taken_there_too() {
    let servers = Servers::start().await;
    for (path, signal) in [("/v1/logs", Signal::Logs), ("/v1/metrics", Signal::Metrics)] {
        let bodies = [
            (JSON, payload::json_of(signal, &[true, false])),
            (PROTOBUF, payload::of(signal, &[true, false])),
        ];
        for (content_type, body) in bodies {
            let request = reqwest::Client::new()
                .post(format!("http://{}{path}", servers.shared))
                .header("x-api-key", GOOD_KEY)
                .header("content-type", content_type)
                .body(body);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["content-type"], content_type);
            let taken = servers.log.take();
            assert_eq!((taken.len(), taken[0].signal, taken[0].items), (1, signal, 1));
        }
    }
}
