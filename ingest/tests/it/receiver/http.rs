//! OTLP/HTTP, case by case.

use tonic::Code;

use super::cases::{Case, Expected, JSON, PROTOBUF, Retry, outcome};
use super::fakes::{GOOD_KEY, READ_ONLY_KEY, Servers, UNCHECKABLE_KEY};
use super::payload::{self, bare_deflate, gzip, zlib, zstd};

/// Sends a case and says what came of it, in the terms of an expectation.
pub(super) async fn play(servers: &Servers, client: &reqwest::Client, case: &Case) {
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
