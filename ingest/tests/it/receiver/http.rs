//! OTLP/HTTP, case by case.

use brokle_ingest::wal::AppendError;
use tonic::Code;

use super::cases::{Case, Expected, JSON, PROTOBUF, Retry, outcome};
use super::fakes::{GOOD_KEY, Mood, PROJECT, READ_ONLY_KEY, Servers, UNCHECKABLE_KEY};
use super::payload::{self, bare_deflate, gzip, zlib, zstd};

/// Sends a case and says what came of it, in the terms of an expectation.
async fn play(servers: &Servers, client: &reqwest::Client, case: &Case) {
    let name = case.name;
    let url = format!("http://{}{}", servers.http, case.path);
    let mut request = client
        .request(case.method.parse().unwrap(), url)
        .body(case.body.clone());
    for (header, value) in &case.headers {
        request = request.header(*header, value);
    }
    let response = request
        .send()
        .await
        .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let status = response.status();
    let header = |header: &str| {
        response
            .headers()
            .get(header)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert!(header("x-request-id").is_some(), "{name}: no request id");
    let retries = matches!(status.as_u16(), 429 | 502 | 503 | 504);
    assert_eq!(
        header("retry-after").is_some(),
        retries,
        "{name}: Retry-After with {status}"
    );
    let content_type = header("content-type").unwrap_or_default();
    let body = response.bytes().await.unwrap();
    let content_type = [PROTOBUF, JSON].into_iter().find(|known| *known == content_type);
    let content_type = content_type.unwrap_or_else(|| panic!("{name}: answered in another content type"));
    let stored = servers.log.take_span_names();
    let actual = (
        status.as_u16(),
        content_type,
        outcome(status.is_success(), content_type, &body),
        stored,
    );
    let Expected {
        status,
        content_type,
        outcome,
        stored,
    } = case.expected.clone();
    let stored = stored.into_iter().map(str::to_owned).collect();
    assert_eq!(actual, (status, content_type, outcome, stored), "{name}");
}

async fn play_all(cases: Vec<Case>) {
    let servers = Servers::start().await;
    let client = reqwest::Client::new();
    for case in &cases {
        play(&servers, &client, case).await;
    }
    servers.until_idle().await;
}

#[tokio::test]
async fn content_types_decide_the_encoding_of_request_and_answer() {
    use Code::InvalidArgument;
    play_all(vec![
        Case::protobuf("protobuf"),
        Case::json("JSON"),
        Case::protobuf("protobuf by its newer name").header("content-type", "application/protobuf"),
        Case::protobuf("protobuf with a parameter")
            .header("content-type", "application/x-protobuf; proto=opentelemetry"),
        Case::json("JSON with a charset").header("content-type", "application/json; charset=utf-8"),
        Case::json("JSON in capitals").header("content-type", "Application/JSON"),
        Case::protobuf("protobuf undeclared").without("content-type"),
        Case::json("JSON undeclared").without("content-type"),
        Case::json("text")
            .header("content-type", "text/plain")
            .fails(415, InvalidArgument, Retry::Never),
        Case::json("a form")
            .header("content-type", "application/x-www-form-urlencoded")
            .fails(415, InvalidArgument, Retry::Never),
        Case::protobuf("protobuf declared as JSON")
            .header("content-type", JSON)
            .answered_in(JSON)
            .fails(400, InvalidArgument, Retry::Never),
        Case::json("JSON declared as protobuf")
            .header("content-type", PROTOBUF)
            .answered_in(PROTOBUF)
            .fails(400, InvalidArgument, Retry::Never),
    ])
    .await;
}

#[tokio::test]
async fn content_encodings_are_undone_or_refused() {
    let (protobuf, json) = (payload::protobuf(), payload::json());
    let unsupported = |case: Case| case.fails(415, Code::Unimplemented, Retry::Never);
    let invalid = |case: Case| case.fails(400, Code::InvalidArgument, Retry::Never);
    let mut two_members = gzip(&protobuf);
    two_members.extend(gzip(&protobuf));
    let cut = gzip(&protobuf)[..20].to_vec();
    play_all(vec![
        Case::protobuf("identity").header("content-encoding", "identity"),
        Case::protobuf("gzip")
            .header("content-encoding", "gzip")
            .body(gzip(&protobuf)),
        Case::json("gzip of JSON")
            .header("content-encoding", "gzip")
            .body(gzip(&json)),
        Case::protobuf("gzip in capitals")
            .header("content-encoding", "GZIP")
            .body(gzip(&protobuf)),
        Case::protobuf("gzip beside identity")
            .header("content-encoding", "identity, gzip")
            .body(gzip(&protobuf)),
        Case::protobuf("gzip of two members")
            .header("content-encoding", "gzip")
            .body(two_members)
            .stores(&["good", "good"]),
        Case::protobuf("deflate")
            .header("content-encoding", "deflate")
            .body(zlib(&protobuf)),
        Case::protobuf("bare deflate")
            .header("content-encoding", "deflate")
            .body(bare_deflate(&protobuf)),
        Case::protobuf("zstd")
            .header("content-encoding", "zstd")
            .body(zstd(&protobuf)),
        Case::json("zstd of JSON")
            .header("content-encoding", "zstd")
            .body(zstd(&json)),
        Case::protobuf("gzip of nothing")
            .header("content-encoding", "gzip")
            .body(gzip(b""))
            .stores(&[]),
        Case::protobuf("nothing called gzip")
            .header("content-encoding", "gzip")
            .body("")
            .stores(&[]),
        unsupported(Case::protobuf("brotli").header("content-encoding", "br")),
        unsupported(Case::json("snappy").header("content-encoding", "snappy")),
        unsupported(Case::protobuf("stacked").header("content-encoding", "gzip, zstd")),
        invalid(Case::protobuf("called gzip").header("content-encoding", "gzip")),
        invalid(Case::protobuf("called zstd").header("content-encoding", "zstd")),
        invalid(Case::json("called deflate").header("content-encoding", "deflate")),
        invalid(
            Case::protobuf("gzip cut short")
                .header("content-encoding", "gzip")
                .body(cut),
        ),
    ])
    .await;
}

#[tokio::test]
async fn credentials_decide_who_may_send() {
    let unauthenticated = |case: Case| case.fails(401, Code::Unauthenticated, Retry::Never);
    let bearer = |key: &str| format!("Bearer {key}");
    play_all(vec![
        Case::protobuf("bearer")
            .without("x-api-key")
            .header("authorization", &bearer(GOOD_KEY)),
        Case::json("bearer, lower case")
            .without("x-api-key")
            .header("authorization", "bearer good"),
        Case::protobuf("own header before bearer").header("authorization", &bearer("unknown")),
        unauthenticated(Case::protobuf("no key").without("x-api-key")),
        unauthenticated(Case::json("no key, JSON").without("x-api-key")),
        unauthenticated(Case::protobuf("unknown key").header("x-api-key", "unknown")),
        unauthenticated(
            Case::protobuf("basic")
                .without("x-api-key")
                .header("authorization", "Basic Z29vZA=="),
        ),
        Case::protobuf("key without the scope")
            .header("x-api-key", READ_ONLY_KEY)
            .fails(403, Code::PermissionDenied, Retry::Never),
        Case::json("key that cannot be checked")
            .header("x-api-key", UNCHECKABLE_KEY)
            .fails(503, Code::Unavailable, Retry::After),
        unauthenticated(
            Case::protobuf("logs without a key")
                .at("POST", "/v1/logs")
                .without("x-api-key"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn bodies_are_taken_whole_in_part_or_not_at_all() {
    let invalid = |case: Case| case.fails(400, Code::InvalidArgument, Retry::Never);
    let only_bad = payload::request(vec![payload::bad()]);
    play_all(vec![
        Case::protobuf("empty request").body("").stores(&[]),
        Case::json("empty request, JSON").body("{}").stores(&[]),
        Case::json("empty list")
            .body("{\"resourceSpans\":[]}")
            .stores(&[]),
        Case::protobuf("empty envelope")
            .body(prost::Message::encode_to_vec(&payload::request(vec![])))
            .stores(&[]),
        Case::json("unknown keys only")
            .body("{\"resource_spans\":[{\"a\":1}]}")
            .stores(&[]),
        Case::protobuf("one good of three")
            .body(payload::protobuf_partial())
            .rejects(2),
        Case::json("one good of three, JSON")
            .body(payload::json_partial())
            .rejects(2),
        Case::protobuf("none good")
            .body(prost::Message::encode_to_vec(&only_bad))
            .rejects(1)
            .stores(&[]),
        invalid(Case::protobuf("bytes that are no message").body(vec![0xff; 32])),
        invalid(Case::protobuf("message cut short").body(&payload::protobuf()[..40])),
        invalid(Case::json("empty body as JSON").body("")),
        invalid(Case::json("JSON cut short").body(&payload::json()[..40])),
        invalid(Case::json("a list").body("[]")),
        invalid(Case::json("not UTF-8").body(b"{\"a\":\"\xff\"}".as_slice())),
        invalid(
            Case::json("an enum by name")
                .body(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_SERVER"}]}]}]}"#),
        ),
    ])
    .await;
}

#[tokio::test]
async fn other_paths_methods_and_signals_are_told_apart() {
    play_all(vec![
        Case::protobuf("logs")
            .at("POST", "/v1/logs")
            .fails(501, Code::Unimplemented, Retry::Never),
        Case::json("metrics")
            .at("POST", "/v1/metrics")
            .fails(501, Code::Unimplemented, Retry::Never),
        Case::json("GET")
            .at("GET", "/v1/traces")
            .body("")
            .fails(405, Code::Unimplemented, Retry::Never),
        Case::protobuf("PUT")
            .at("PUT", "/v1/traces")
            .fails(405, Code::Unimplemented, Retry::Never),
        Case::json("root")
            .at("POST", "/")
            .fails(404, Code::Unimplemented, Retry::Never),
        Case::protobuf("profiles")
            .at("POST", "/v1development/profiles")
            .fails(404, Code::Unimplemented, Retry::Never),
    ])
    .await;
}

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
            .body(payload::protobuf_partial())
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
    assert_eq!(servers.log.take_span_names(), ["good"]);
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
        &Case::json("partial").body(payload::json_partial()).rejects(2),
    )
    .await;
    let refused = Case::json("no key")
        .without("x-api-key")
        .fails(401, Code::Unauthenticated, Retry::Never);
    play(&servers, &client, &refused).await;
    let scrape = servers.scrape();
    let body_bytes = payload::protobuf().len() + payload::json_partial().len();
    for line in [
        r#"brokle_receiver_requests_total{transport="http",outcome="accepted"} 1"#.to_owned(),
        r#"brokle_receiver_requests_total{transport="http",outcome="partial"} 1"#.to_owned(),
        r#"brokle_receiver_requests_total{transport="http",outcome="credential_missing"} 1"#.to_owned(),
        r#"brokle_receiver_received_spans_total{transport="http"} 2"#.to_owned(),
        r#"brokle_receiver_rejected_spans_total{reason="trace_id"} 2"#.to_owned(),
        format!(r#"brokle_receiver_wire_bytes_total{{transport="http"}} {body_bytes}"#),
        format!(r#"brokle_receiver_body_bytes_total{{transport="http"}} {body_bytes}"#),
    ] {
        assert!(scrape.contains(&line), "{line} in\n{scrape}");
    }
}
