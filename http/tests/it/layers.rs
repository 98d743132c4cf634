//! What happens around handlers: ids, panics, timeouts, unknown routes, headers, proxies.

use super::app::call;

#[tokio::test]
async fn every_answer_carries_one_request_id() {
    for (line, status) in [
        ("GET /nowhere", 404),
        ("DELETE /notes", 405),
        ("GET /defect", 500),
        ("GET /forever", 504),
        ("GET /me", 401),
    ] {
        let answer = call(line, &[], "").await;
        assert_eq!(answer.status, status, "{line}");
        assert_eq!(answer.header("x-request-id").len(), 32, "{line}");
        assert_eq!(
            answer.body["error"]["request_id"],
            answer.header("x-request-id"),
            "{line}"
        );
        assert_eq!(answer.body["success"], false, "{line}");
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_have_their_codes() {
    assert_eq!(call("GET /nowhere", &[], "").await.code(), "route_not_found");
    let method = call("DELETE /notes", &[], "").await;
    assert_eq!(method.code(), "method_not_allowed");
    assert!(method.header("allow").contains("POST"));
}

#[tokio::test]
async fn a_panic_ends_one_request_and_tells_nothing() {
    let answer = call("GET /defect", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.code()), (500, "internal"));
    assert!(!answer.body.to_string().contains("secret detail"));
}

#[tokio::test]
async fn answers_forbid_framing_sniffing_and_caching() {
    let answer = call("GET /notes?limit=1", &[], "").await;
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        answer.header("content-security-policy"),
        "default-src 'none'; frame-ancestors 'none'"
    );
}

#[tokio::test]
async fn a_trusted_proxy_names_the_client() {
    let answer = call("GET /peer", &[("x-forwarded-for", "6.6.6.6, 1.2.3.4")], "").await;
    assert_eq!(answer.body["data"], "1.2.3.4");
}

#[test]
fn cross_origin_access_takes_origins_only() {
    assert!(brokle_http::headers::cors(&["https://app.example.com".to_owned()]).is_ok());
    for wrong in ["*", "app.example.com", "https://app.example.com/"] {
        assert!(
            brokle_http::headers::cors(&[wrong.to_owned()]).is_err(),
            "{wrong}"
        );
    }
}
