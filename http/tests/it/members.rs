//! Who may call: access tokens, and a role in the project that the request names.

use super::app::{PROJECT, call, get_as};

#[tokio::test]
async fn without_a_good_token_the_answer_is_401() {
    let nothing = call("GET /me", &[], "").await;
    assert_eq!(
        (nothing.status.as_u16(), nothing.code()),
        (401, "credential_missing")
    );
    assert_eq!(nothing.header("www-authenticate"), "Bearer");
    let wrong = get_as("forged", "/me").await;
    assert_eq!((wrong.status.as_u16(), wrong.code()), (401, "credential_invalid"));
    assert_eq!(get_as("viewer", "/me").await.status, 200);
}

#[tokio::test]
async fn an_outage_of_the_session_store_is_503_and_tells_nothing_of_it() {
    let answer = get_as("outage", "/me").await;
    assert_eq!((answer.status.as_u16(), answer.code()), (503, "auth_unavailable"));
    assert!(!answer.body.to_string().contains("10.0.0.7"));
}

#[tokio::test]
async fn a_project_needs_membership_and_the_permission() {
    let traces = format!("/traces?project_id={PROJECT}");
    let keys = format!("/projects/{PROJECT}/keys");
    assert_eq!(get_as("viewer", &traces).await.body["data"], "viewer");
    assert_eq!(get_as("owner", &keys).await.body["data"], PROJECT.to_string());
    let denied = get_as("viewer", &keys).await;
    assert_eq!(
        (denied.status.as_u16(), denied.code()),
        (403, "permission_denied")
    );
    for path in [traces.as_str(), keys.as_str()] {
        let foreign = get_as("stranger", path).await;
        assert_eq!(
            (foreign.status.as_u16(), foreign.code()),
            (404, "project_not_found")
        );
        assert_eq!(call(&format!("GET {path}"), &[], "").await.status, 401);
    }
}

#[tokio::test]
async fn a_missing_or_malformed_project_is_named() {
    for path in ["/traces", "/traces?project_id=7", "/projects/7/keys"] {
        let answer = get_as("viewer", path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.field()),
            (400, "project_id"),
            "{path}"
        );
    }
}
