//! A tenant never sees another tenant's data, on any route.

use brokle_testkit::otlp;
use brokle_testkit::server::{Server, ServerOptions};
use brokle_testkit::tenant::Tenant;
use reqwest::{Client, Method, StatusCode};

use crate::harness::{observations, on_both_stores};

fn options() -> ServerOptions {
    ServerOptions::default()
}

on_both_stores! {
    every_route_hides_a_foreign_tenant => foreign_tenant_is_not_found,
    every_route_refuses_a_stranger => stranger_is_unauthenticated,
}

fn routes(tenant: &Tenant, trace_id: &str) -> Vec<(Method, String)> {
    let (organization, project) = (&tenant.organization_id, &tenant.project_id);
    let analytics = |path: &str| {
        (
            Method::GET,
            format!("/api/v1/analytics/traces{path}?project_id={project}"),
        )
    };
    let other = |path: &str| {
        (
            Method::GET,
            format!("/api/v1/analytics/{path}?project_id={project}"),
        )
    };
    vec![
        (Method::GET, format!("/api/v1/organizations/{organization}")),
        (
            Method::GET,
            format!("/api/v1/projects?organization_id={organization}"),
        ),
        (Method::GET, format!("/api/v1/projects/{project}")),
        (Method::GET, format!("/api/v1/projects/{project}/api-keys")),
        (
            Method::DELETE,
            format!("/api/v1/projects/{project}/api-keys/{}", tenant.key_id),
        ),
        (
            Method::GET,
            format!("/api/v1/projects/{project}/prices?model=gpt-4o"),
        ),
        (
            Method::GET,
            format!("/api/v1/analytics/quality-scores?project_id={project}"),
        ),
        analytics(""),
        analytics("/histogram"),
        analytics("/facets"),
        analytics(&format!("/{trace_id}")),
        analytics(&format!("/{trace_id}/observations")),
        analytics(&format!("/{trace_id}/otlp")),
        analytics(&format!("/{trace_id}/log-records")),
        other("log-records"),
        other("log-records/otlp"),
        other("metrics"),
        other("metrics/m/series"),
        other("metrics/m/otlp"),
    ]
}

async fn send_one_trace(server: &Server, tenant: &Tenant) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let span = otlp::root_span([5; 16], [5; 8], "secret", u64::try_from(now.as_nanos()).unwrap());
    let request = Client::new()
        .post(format!("{}/v1/traces", server.url()))
        .header("x-api-key", &tenant.key);
    let request = request
        .header("content-type", "application/x-protobuf")
        .body(otlp::request(vec![span]));
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    let trace_id = "05".repeat(16);
    observations(tenant, &trace_id, 1).await;
    trace_id
}

async fn foreign_tenant_is_not_found(server: Server, owner: Tenant) {
    let trace_id = send_one_trace(&server, &owner).await;
    let stranger = Tenant::sign_up(&server.url()).await.unwrap();
    for (method, path) in routes(&owner, &trace_id) {
        let response = stranger.request(method.clone(), &path).send().await.unwrap();
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}: {body}");
        assert!(!body.contains("secret"), "{method} {path}: {body}");
    }
    // The same trace id in the stranger's own project is nobody's trace.
    assert!(stranger.trace(&trace_id).await.is_none());
    assert!(owner.trace(&trace_id).await.is_some());
}

async fn stranger_is_unauthenticated(server: Server, owner: Tenant) {
    let trace_id = send_one_trace(&server, &owner).await;
    for (method, path) in routes(&owner, &trace_id) {
        for token in ["", "not.a.token", owner.key.as_str()] {
            let mut request = Client::new().request(method.clone(), format!("{}{path}", server.url()));
            if !token.is_empty() {
                request = request.bearer_auth(token);
            }
            let response = request.send().await.unwrap();
            assert!(response.headers().contains_key("x-request-id"), "{method} {path}");
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
        }
    }
}
