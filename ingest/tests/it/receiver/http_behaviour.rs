//! OTLP/HTTP beyond one request and its answer: tags, hints, framing, browsers, figures.

use brokle_ingest::wal::AppendError;
use brokle_model::telemetry::Signal;
use tonic::Code;

use super::cases::{Case, JSON, PROTOBUF, Retry};
use super::fakes::{GOOD_KEY, Mood, PROJECT, Servers};
use super::http::play;
use super::payload::{self, gzip};

#[tokio::test]
async fn environment_tags_are_kept_or_refused() {
    let servers = Servers::start().await;
    let client = reqwest::Client::new();
    for (header, value, tag) in [
        ("x-environment", "production", "production"),
        ("x-brokle-environment", "staging", "staging"),
        ("x-environment", "  eu-1/blue ", "eu-1/blue"),
        ("x-environment", "", ""),
        ("x-other", "production", ""),
    ] {
        let case = Case::protobuf("tag").header(header, value);
        let url = format!("http://{}/v1/traces", servers.http);
        let mut request = client.post(url).body(case.body);
        for (header, value) in case.headers {
            request = request.header(header, value);
        }
        assert_eq!(request.send().await.unwrap().status(), 200);
        let taken = servers.log.take();
        assert_eq!(taken.len(), 1, "{value}");
        assert_eq!(
            (taken[0].environment.as_str(), taken[0].project, taken[0].items),
            (tag, PROJECT, 1)
        );
    }
    for value in ["two words", &"x".repeat(65)] {
        let case = Case::protobuf("bad tag").header("x-environment", value);
        play(
            &servers,
            &client,
            &case.fails(400, Code::InvalidArgument, Retry::Never),
        )
        .await;
    }
}

#[tokio::test]
async fn what_the_log_says_becomes_what_the_sender_should_do() {
    let servers = Servers::start().await;
    let client = reqwest::Client::new();
    let wait = std::time::Duration::from_millis(2_500);
    let moods = [
        (
            AppendError::Overloaded { retry_after: wait },
            503,
            Code::Unavailable,
            Retry::After,
        ),
        (
            AppendError::Full { retry_after: wait },
            503,
            Code::Unavailable,
            Retry::After,
        ),
        (AppendError::Closed, 503, Code::Unavailable, Retry::After),
        (AppendError::Failed, 503, Code::Unavailable, Retry::After),
        (
            AppendError::TooLarge { limit_bytes: 1 },
            413,
            Code::ResourceExhausted,
            Retry::Never,
        ),
    ];
    for (error, status, code, retry) in moods {
        servers.log.set_mood(Mood::Refuse(error));
        play(
            &servers,
            &client,
            &Case::protobuf("protobuf").fails(status, code, retry),
        )
        .await;
        play(&servers, &client, &Case::json("JSON").fails(status, code, retry)).await;
        play(
            &servers,
            &client,
            &Case::protobuf("nothing to log").body("").stores(&[]),
        )
        .await;
    }
    servers.log.set_mood(Mood::Accept);
    play(&servers, &client, &Case::protobuf("recovered")).await;
}

#[tokio::test]
async fn the_retry_hint_is_rounded_up_to_whole_seconds() {
    let servers = Servers::start().await;
    let retry_after = std::time::Duration::from_millis(2_500);
    servers
        .log
        .set_mood(Mood::Refuse(AppendError::Overloaded { retry_after }));
    let response = reqwest::Client::new()
        .post(format!("http://{}/v1/traces", servers.http))
        .header("x-api-key", GOOD_KEY)
        .header("content-type", JSON)
        .body(payload::json())
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["retry-after"], "3");
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["details"][0]["retryDelay"], "2.500000000s");
}

#[tokio::test]
async fn the_same_cases_hold_over_http2() {
    let servers = Servers::start().await;
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    for case in [
        Case::protobuf("protobuf"),
        Case::json("JSON"),
        Case::protobuf("gzip")
            .header("content-encoding", "gzip")
            .body(gzip(&payload::protobuf())),
        Case::protobuf("partial")
            .body(payload::of(Signal::Traces, &[false, true, false]))
            .rejects(2),
        Case::json("no key")
            .without("x-api-key")
            .fails(401, Code::Unauthenticated, Retry::Never),
    ] {
        play(&servers, &client, &case).await;
    }
}

#[tokio::test]
async fn a_chunked_body_is_joined() {
    let servers = Servers::start().await;
    let chunks: Vec<Result<_, std::io::Error>> = payload::protobuf()
        .chunks(7)
        .map(|chunk| Ok(chunk.to_vec()))
        .collect();
    let response = reqwest::Client::new()
        .post(format!("http://{}/v1/traces", servers.http))
        .header("x-api-key", GOOD_KEY)
        .header("content-type", PROTOBUF)
        .body(reqwest::Body::wrap_stream(futures_util::stream::iter(chunks)))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(servers.log.take_names(), ["good"]);
    servers.until_idle().await;
}

#[tokio::test]
async fn browsers_may_send_from_any_page() {
    let servers = Servers::start().await;
    let url = format!("http://{}/v1/traces", servers.http);
    let preflight = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, &url)
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,x-api-key,x-environment",
        )
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 200);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    assert_eq!(preflight.headers()["access-control-allow-methods"], "POST");
    let allowed = preflight.headers()["access-control-allow-headers"]
        .to_str()
        .unwrap();
    assert!(
        allowed.contains("x-api-key") && allowed.contains("content-type"),
        "{allowed}"
    );
    let export = reqwest::Client::new()
        .post(&url)
        .header("origin", "https://shop.example")
        .send()
        .await
        .unwrap();
    assert_eq!(export.status(), 401);
    assert_eq!(export.headers()["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn a_callers_request_id_comes_back() {
    let servers = Servers::start().await;
    let request = reqwest::Client::new().post(format!("http://{}/v1/traces", servers.http));
    let response = request.header("x-request-id", "mine-1").send().await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "mine-1");
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn a_scrape_tells_what_came_in() {
    let servers = Servers::start().await;
    let client = reqwest::Client::new();
    play(&servers, &client, &Case::protobuf("full")).await;
    play(
        &servers,
        &client,
        &Case::json("partial")
            .body(payload::json_of(Signal::Traces, &[false, true, false]))
            .rejects(2),
    )
    .await;
    let refused = Case::json("no key")
        .without("x-api-key")
        .fails(401, Code::Unauthenticated, Retry::Never);
    play(&servers, &client, &refused).await;
    let scrape = servers.scrape();
    let body_bytes =
        payload::protobuf().len() + payload::json_of(Signal::Traces, &[false, true, false]).len();
    for line in [
        r#"brokle_receiver_requests_total{transport="http",outcome="accepted"} 1"#.to_owned(),
        r#"brokle_receiver_requests_total{transport="http",outcome="partial"} 1"#.to_owned(),
        r#"brokle_receiver_requests_total{transport="http",outcome="credential_missing"} 1"#.to_owned(),
        r#"brokle_receiver_received_items_total{transport="http",signal="traces"} 2"#.to_owned(),
        r#"brokle_receiver_rejected_items_total{signal="traces",reason="trace_id"} 2"#.to_owned(),
        format!(r#"brokle_receiver_wire_bytes_total{{transport="http"}} {body_bytes}"#),
        format!(r#"brokle_receiver_body_bytes_total{{transport="http"}} {body_bytes}"#),
    ] {
        assert!(scrape.contains(&line), "{line} in\n{scrape}");
    }
}
