//! `/v1/traces` where SDK calls arrive too.

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
        assert_eq!(
            servers.log.take_span_names().len(),
            usize::from(is_stored),
            "{name}"
        );
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
async fn the_other_signals_are_refused_there_too() {
    let servers = Servers::start().await;
    for path in ["/v1/logs", "/v1/metrics"] {
        let request = reqwest::Client::new().post(format!("http://{}{path}", servers.shared));
        let response = request
            .header("x-api-key", GOOD_KEY)
            .header("content-type", JSON)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 501);
        let body: serde_json::Value = response.json().await.unwrap();
        assert_eq!(body["code"], 12);
    }
}
