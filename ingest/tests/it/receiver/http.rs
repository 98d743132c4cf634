//! OTLP/HTTP, case by case.

use brokle_model::telemetry::Signal;
use serde_json::json;
use tonic::Code;

use super::cases::{Case, Expected, JSON, Kit, PROTOBUF, Retry, outcome};
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
    let stored = servers.log.take_names();
    let actual = (
        status.as_u16(),
        content_type,
        outcome(case.signal, status.is_success(), content_type, &body),
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

/// Every case over HTTP: what holds for each signal, and what has none.
pub(super) fn cases() -> Vec<Case> {
    let of = |signal: &Signal| {
        let kit = Kit(*signal);
        [
            content_types(kit),
            content_encodings(kit),
            credentials(kit),
            bodies(kit),
            methods(kit),
        ]
        .into_iter()
        .flatten()
    };
    Signal::OTLP.iter().flat_map(of).chain(paths()).collect()
}

fn content_types(kit: Kit) -> Vec<Case> {
    use Code::InvalidArgument;
    vec![
        kit.protobuf("protobuf"),
        kit.json("JSON"),
        kit.protobuf("protobuf by its newer name")
            .header("content-type", "application/protobuf"),
        kit.protobuf("protobuf with a parameter")
            .header("content-type", "application/x-protobuf; proto=opentelemetry"),
        kit.json("JSON with a charset")
            .header("content-type", "application/json; charset=utf-8"),
        kit.json("JSON in capitals")
            .header("content-type", "Application/JSON"),
        kit.protobuf("protobuf undeclared").without("content-type"),
        kit.json("JSON undeclared").without("content-type"),
        kit.json("text")
            .header("content-type", "text/plain")
            .fails(415, InvalidArgument, Retry::Never),
        kit.json("a form")
            .header("content-type", "application/x-www-form-urlencoded")
            .fails(415, InvalidArgument, Retry::Never),
        kit.protobuf("protobuf declared as JSON")
            .header("content-type", JSON)
            .answered_in(JSON)
            .fails(400, InvalidArgument, Retry::Never),
        kit.json("JSON declared as protobuf")
            .header("content-type", PROTOBUF)
            .answered_in(PROTOBUF)
            .fails(400, InvalidArgument, Retry::Never),
    ]
}

fn content_encodings(kit: Kit) -> Vec<Case> {
    let (protobuf, json) = (payload::of(kit.0, &[true]), payload::json_of(kit.0, &[true]));
    let unsupported = |case: Case| case.fails(415, Code::Unimplemented, Retry::Never);
    let invalid = |case: Case| case.fails(400, Code::InvalidArgument, Retry::Never);
    let mut two_members = gzip(&protobuf);
    two_members.extend(gzip(&protobuf));
    let cut = gzip(&protobuf)[..20].to_vec();
    vec![
        kit.protobuf("identity").header("content-encoding", "identity"),
        kit.protobuf("gzip")
            .header("content-encoding", "gzip")
            .body(gzip(&protobuf)),
        kit.json("gzip of JSON")
            .header("content-encoding", "gzip")
            .body(gzip(&json)),
        kit.protobuf("gzip in capitals")
            .header("content-encoding", "GZIP")
            .body(gzip(&protobuf)),
        kit.protobuf("gzip beside identity")
            .header("content-encoding", "identity, gzip")
            .body(gzip(&protobuf)),
        kit.protobuf("gzip of two members")
            .header("content-encoding", "gzip")
            .body(two_members)
            .stores(&["good", "good"]),
        kit.protobuf("deflate")
            .header("content-encoding", "deflate")
            .body(zlib(&protobuf)),
        kit.protobuf("bare deflate")
            .header("content-encoding", "deflate")
            .body(bare_deflate(&protobuf)),
        kit.protobuf("zstd")
            .header("content-encoding", "zstd")
            .body(zstd(&protobuf)),
        kit.json("zstd of JSON")
            .header("content-encoding", "zstd")
            .body(zstd(&json)),
        kit.protobuf("gzip of nothing")
            .header("content-encoding", "gzip")
            .body(gzip(b""))
            .stores(&[]),
        kit.protobuf("nothing called gzip")
            .header("content-encoding", "gzip")
            .body("")
            .stores(&[]),
        unsupported(kit.protobuf("brotli").header("content-encoding", "br")),
        unsupported(kit.json("snappy").header("content-encoding", "snappy")),
        unsupported(kit.protobuf("stacked").header("content-encoding", "gzip, zstd")),
        invalid(kit.protobuf("called gzip").header("content-encoding", "gzip")),
        invalid(kit.protobuf("called zstd").header("content-encoding", "zstd")),
        invalid(kit.json("called deflate").header("content-encoding", "deflate")),
        invalid(
            kit.protobuf("gzip cut short")
                .header("content-encoding", "gzip")
                .body(cut),
        ),
    ]
}

fn credentials(kit: Kit) -> Vec<Case> {
    let unauthenticated = |case: Case| case.fails(401, Code::Unauthenticated, Retry::Never);
    let bearer = |key: &str| format!("Bearer {key}");
    vec![
        kit.protobuf("bearer")
            .without("x-api-key")
            .header("authorization", &bearer(GOOD_KEY)),
        kit.json("bearer, lower case")
            .without("x-api-key")
            .header("authorization", "bearer good"),
        kit.protobuf("own header before bearer")
            .header("authorization", &bearer("unknown")),
        unauthenticated(kit.protobuf("no key").without("x-api-key")),
        unauthenticated(kit.json("no key, JSON").without("x-api-key")),
        unauthenticated(kit.protobuf("unknown key").header("x-api-key", "unknown")),
        unauthenticated(
            kit.protobuf("basic")
                .without("x-api-key")
                .header("authorization", "Basic Z29vZA=="),
        ),
        kit.protobuf("key without the scope")
            .header("x-api-key", READ_ONLY_KEY)
            .fails(403, Code::PermissionDenied, Retry::Never),
        kit.json("key that cannot be checked")
            .header("x-api-key", UNCHECKABLE_KEY)
            .fails(503, Code::Unavailable, Retry::After),
    ]
}

fn bodies(kit: Kit) -> Vec<Case> {
    let invalid = |case: Case| case.fails(400, Code::InvalidArgument, Retry::Never);
    let good = payload::of(kit.0, &[true]);
    let good_json = payload::json_of(kit.0, &[true]);
    let [resources, _, _] = payload::keys(kit.0);
    let (enumeration, by_name) = match kit.0 {
        Signal::Traces => ("kind", "SPAN_KIND_SERVER"),
        Signal::Logs => ("severityNumber", "SEVERITY_NUMBER_INFO"),
        Signal::Metrics => ("sum", "AGGREGATION_TEMPORALITY_DELTA"),
        Signal::Changes => panic!("changes are not OTLP"),
    };
    let named = match kit.0 {
        Signal::Metrics => json!({ (enumeration): { "aggregationTemporality": by_name } }),
        _ => json!({ (enumeration): by_name }),
    };
    let snake = format!(
        "{{\"{}\":[{{\"a\":1}}]}}",
        resources.replace('S', "_s").replace('L', "_l").replace('M', "_m")
    );
    vec![
        kit.protobuf("empty request").body("").stores(&[]),
        kit.json("empty request, JSON").body("{}").stores(&[]),
        kit.json("empty list")
            .body(format!("{{\"{resources}\":[]}}"))
            .stores(&[]),
        kit.json("null for the list")
            .body(format!("{{\"{resources}\":null}}"))
            .stores(&[]),
        kit.protobuf("empty envelope")
            .body(payload::of(kit.0, &[]))
            .stores(&[]),
        kit.json("unknown keys only").body(snake).stores(&[]),
        kit.json("unknown keys beside known ones").body(format!(
            "{{\"later\":{{\"a\":[1,{{}}]}},{}",
            String::from_utf8_lossy(&good_json[1..])
        )),
        kit.json("white space and a byte order mark")
            .body(format!("\u{feff} \n{}\t ", String::from_utf8_lossy(&good_json))),
        kit.protobuf("one good of three")
            .body(payload::of(kit.0, &[false, true, false]))
            .rejects(2),
        kit.json("one good of three, JSON")
            .body(payload::json_of(kit.0, &[false, true, false]))
            .rejects(2),
        kit.protobuf("none good")
            .body(payload::of(kit.0, &[false]))
            .rejects(1)
            .stores(&[]),
        kit.json("none good, JSON")
            .body(payload::json_of(kit.0, &[false, false]))
            .rejects(2)
            .stores(&[]),
        kit.protobuf("two requests in one")
            .body([&good[..], &good[..]].concat())
            .stores(&["good", "good"]),
        kit.protobuf("an unknown field")
            .body([&good[..], &[0xf8, 0x7f, 1]].concat()),
        invalid(kit.protobuf("bytes that are no message").body(vec![0xff; 32])),
        invalid(kit.protobuf("message cut short").body(&good[..good.len() - 3])),
        invalid(kit.protobuf("a field of another type").body(vec![0x08, 1])),
        invalid(kit.json("empty body as JSON").body("")),
        invalid(kit.json("JSON cut short").body(&good_json[..40])),
        invalid(kit.json("two documents").body([&good_json[..], b"{}"].concat())),
        invalid(kit.json("a list").body("[]")),
        invalid(kit.json("not UTF-8").body(b"{\"a\":\"\xff\"}".as_slice())),
        invalid(
            kit.json("an enum by name")
                .body(payload::wrapped(kit.0, &[named])),
        ),
    ]
}

fn methods(kit: Kit) -> Vec<Case> {
    let refused = |case: Case| case.fails(405, Code::Unimplemented, Retry::Never);
    vec![
        refused(kit.json("GET").at("GET", kit.path()).body("")),
        refused(kit.protobuf("PUT").at("PUT", kit.path())),
    ]
}

fn paths() -> Vec<Case> {
    let unknown = |case: Case| case.fails(404, Code::Unimplemented, Retry::Never);
    vec![
        unknown(Case::json("root").at("POST", "/")),
        unknown(Case::protobuf("profiles").at("POST", "/v1development/profiles")),
        unknown(Case::protobuf("a path below").at("POST", "/v1/traces/more")),
    ]
}
