//! The main job through the API, the same on both relational stores.

use brokle_testkit::otlp;
use brokle_testkit::server::{Server, ServerOptions};
use brokle_testkit::tenant::{PASSWORD, Tenant};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{observations, on_both_stores};

fn options() -> ServerOptions {
    ServerOptions::default()
}

on_both_stores! {
    a_sent_span_is_listed_found_and_exported => sent_span_is_read_back,
    a_revoked_key_is_refused_at_once => revoked_key,
    a_refresh_token_works_once_and_its_reuse_ends_the_session => refresh_rotation,
    signing_in_again_reaches_the_same_organization => sign_in_again,
    pages_of_traces_neither_repeat_nor_miss => paging,
    an_expired_span_is_refused_by_name_and_its_neighbour_is_stored => expired_span,
}

async fn send(server: &Server, key: &str, body: Vec<u8>) -> StatusCode {
    let request = Client::new()
        .post(format!("{}/v1/traces", server.url()))
        .header("x-api-key", key);
    request
        .header("content-type", "application/x-protobuf")
        .body(body)
        .send()
        .await
        .unwrap()
        .status()
}

fn now_ns() -> u64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    u64::try_from(since.as_nanos()).unwrap()
}

async fn sent_span_is_read_back(server: Server, tenant: Tenant) {
    let start_ns = now_ns() - 5_000_000_123;
    let mut span = otlp::root_span([7; 16], [3; 8], "checkout", start_ns);
    span.attributes.push(otlp::attribute("color", "green"));
    assert_eq!(
        send(&server, &tenant.key, otlp::request(vec![span])).await,
        StatusCode::OK
    );
    let trace_id = "07".repeat(16);
    let found = observations(&tenant, &trace_id, 1).await;
    assert_eq!(
        (&found[0]["name"], &found[0]["attributes"]["color"]),
        (&json!("checkout"), &json!("green"))
    );
    let (status, export) = tenant
        .get(&format!("/api/v1/analytics/traces/{trace_id}/otlp"))
        .await
        .unwrap();
    assert_eq!(status, StatusCode::OK);
    let exported = &export["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(exported["startTimeUnixNano"], start_ns.to_string());
    assert_eq!(
        (&exported["traceId"], &exported["spanId"]),
        (&json!(trace_id), &json!("03".repeat(8)))
    );
}

async fn expired_span(server: Server, tenant: Tenant) {
    let day_ns = 86_400_000_000_000;
    let kept = otlp::root_span([6; 16], [1; 8], "kept", now_ns() - 29 * day_ns);
    let expired = otlp::root_span([6; 16], [2; 8], "expired", now_ns() - 31 * day_ns);
    let request = Client::new()
        .post(format!("{}/v1/traces", server.url()))
        .header("x-api-key", &tenant.key);
    let request = request
        .header("content-type", "application/x-protobuf")
        .body(otlp::request(vec![kept, expired]));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer = ExportTraceServiceResponse::decode(answer.bytes().await.unwrap()).unwrap();
    let partial = answer.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(
        partial.error_message.contains("older than traces are kept"),
        "{}",
        partial.error_message
    );
    let found = observations(&tenant, &"06".repeat(16), 1).await;
    assert_eq!((found.len(), &found[0]["name"]), (1, &json!("kept")));
}

async fn revoked_key(server: Server, tenant: Tenant) {
    let body = || otlp::request(vec![otlp::root_span([1; 16], [1; 8], "a", now_ns())]);
    assert_eq!(send(&server, &tenant.key, body()).await, StatusCode::OK);
    let path = format!(
        "/api/v1/projects/{}/api-keys/{}",
        tenant.project_id, tenant.key_id
    );
    let revoked = tenant.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    assert_eq!(send(&server, &tenant.key, body()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        send(&server, "bk_proj_nonsense", body()).await,
        StatusCode::UNAUTHORIZED
    );
}

async fn post(server: &Server, path: &str, body: &Value) -> (StatusCode, Value) {
    let response = Client::new()
        .post(format!("{}{path}", server.url()))
        .json(body)
        .send()
        .await
        .unwrap();
    (response.status(), response.json().await.unwrap_or(Value::Null))
}

async fn refresh_rotation(server: Server, tenant: Tenant) {
    let login = json!({"email": tenant.email, "password": PASSWORD});
    let (status, first) = post(&server, "/api/v1/auth/login", &login).await;
    assert_eq!(status, StatusCode::OK);
    let old = json!({"refresh_token": first["data"]["refresh_token"]});
    let (status, second) = post(&server, "/api/v1/auth/refresh", &old).await;
    assert_eq!(status, StatusCode::OK);
    let new = json!({"refresh_token": second["data"]["refresh_token"]});
    assert_eq!(
        post(&server, "/api/v1/auth/refresh", &old).await.0,
        StatusCode::UNAUTHORIZED
    );
    let (status, _) = post(&server, "/api/v1/auth/refresh", &new).await;
    assert_eq!(
        status,
        StatusCode::UNAUTHORIZED,
        "the reuse revoked the whole family"
    );
}

async fn sign_in_again(server: Server, tenant: Tenant) {
    let login = json!({"email": tenant.email, "password": PASSWORD});
    let (_, body) = post(&server, "/api/v1/auth/login", &login).await;
    let mut again = tenant.clone();
    again.access_token = body["data"]["access_token"].as_str().unwrap().into();
    let organizations = again.data("/api/v1/organizations").await.unwrap();
    assert_eq!(
        (organizations.as_array().unwrap().len(), &organizations[0]["id"]),
        (1, &json!(tenant.organization_id))
    );
    let wrong = json!({"email": tenant.email, "password": "not the password"});
    assert_eq!(
        post(&server, "/api/v1/auth/login", &wrong).await.0,
        StatusCode::UNAUTHORIZED
    );
}

async fn paging(server: Server, tenant: Tenant) {
    const TRACES: usize = 45;
    let start_ns = now_ns() - 60_000_000_000;
    // Three traces share each start time, so that the cursor must tell equals apart.
    let span = |number: usize| {
        let mut trace_id = [9; 16];
        trace_id[15] = u8::try_from(number).unwrap();
        otlp::root_span(
            trace_id,
            [1; 8],
            &format!("trace {number}"),
            start_ns + (number as u64 / 3) * 1_000,
        )
    };
    let body = otlp::request((0..TRACES).map(span).collect());
    assert_eq!(send(&server, &tenant.key, body).await, StatusCode::OK);
    observations(&tenant, &format!("{}00", "09".repeat(15)), 1).await;

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/analytics/traces?limit=10{cursor}");
        let (status, page) = tenant.get(&path).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{page}");
        seen.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|trace| trace["trace_id"].as_str().unwrap().to_owned()),
        );
        let pagination = &page["meta"]["pagination"];
        if pagination["has_next"] != true {
            break;
        }
        cursor = format!("&cursor={}", pagination["next_cursor"].as_str().unwrap());
    }
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (TRACES, TRACES));
}
