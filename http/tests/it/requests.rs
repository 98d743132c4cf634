//! Bodies, query strings and paths: what is taken, and how a refusal names its field.

use super::app::call;

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn success_is_an_envelope_with_the_request_id() {
    let answer = call(
        "POST /notes",
        &[JSON, ("x-request-id", "req-1")],
        r#"{"text":"hi","stars":5}"#,
    )
    .await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("x-request-id"), "req-1");
    let expected = serde_json::json!({
        "success": true, "data": {"text": "hi", "stars": 5}, "meta": {"request_id": "req-1"},
    });
    assert_eq!(answer.body, expected);
}

#[tokio::test]
async fn a_page_says_where_it_continues() {
    let answer = call("GET /notes?limit=3", &[], "").await;
    assert_eq!(
        answer.body["meta"]["pagination"],
        serde_json::json!({"next_cursor": "next", "has_next": true})
    );
}

#[tokio::test]
async fn a_wrong_field_is_named_with_its_path() {
    let answer = call(
        "POST /notes",
        &[JSON, ("x-request-id", "r")],
        r#"{"text":"hi","stars":"five"}"#,
    )
    .await;
    assert_eq!(
        (answer.status.as_u16(), answer.code(), answer.field()),
        (400, "invalid_request", "stars")
    );
    assert_eq!(answer.body["success"], false);
    assert_eq!(answer.body["error"]["request_id"], "r");
    let message = answer.body["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("field `stars`") && !message.contains("line"),
        "{message}"
    );
}

#[tokio::test]
async fn a_missing_field_is_named_in_the_message() {
    let answer = call("POST /notes", &[JSON], r#"{"text":"hi"}"#).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body["error"]["message"], "missing field `stars`");
}

#[tokio::test]
async fn bodies_that_are_not_json_are_refused_by_kind() {
    let broken = call("POST /notes", &[JSON], r#"{"text":"#).await;
    assert_eq!((broken.status.as_u16(), broken.code()), (400, "json_malformed"));
    let trailing = call("POST /notes", &[JSON], r#"{"text":"hi","stars":1} more"#).await;
    assert_eq!(
        (trailing.status.as_u16(), trailing.code()),
        (400, "json_malformed")
    );
    let form = call(
        "POST /notes",
        &[("content-type", "text/plain")],
        r#"{"text":"hi","stars":1}"#,
    )
    .await;
    assert_eq!(
        (form.status.as_u16(), form.code()),
        (415, "content_type_unsupported")
    );
    let large = call("POST /notes", &[JSON], vec![b' '; 2048]).await;
    assert_eq!((large.status.as_u16(), large.code()), (413, "body_too_large"));
}

#[tokio::test]
async fn a_wrong_query_or_path_parameter_is_named() {
    let query = call("GET /notes?limit=many", &[], "").await;
    assert_eq!((query.status.as_u16(), query.field()), (400, "limit"));
    let missing = call("GET /notes", &[], "").await;
    assert_eq!(
        missing.body["error"]["message"],
        "query string: missing field `limit`"
    );
    let path = call("GET /notes/7", &[], "").await;
    assert_eq!((path.status.as_u16(), path.field()), (400, "note_id"));
}

#[tokio::test]
async fn an_optional_body_may_be_absent_but_not_wrong() {
    assert_eq!(call("POST /maybe", &[], "").await.body["data"], false);
    let sent = call("POST /maybe", &[JSON], r#"{"text":"hi","stars":1}"#).await;
    assert_eq!(sent.body["data"], true);
    assert_eq!(call("POST /maybe", &[JSON], "").await.body["data"], false);
    let wrong = call("POST /maybe", &[JSON], r#"{"text":1}"#).await;
    assert_eq!((wrong.status.as_u16(), wrong.field()), (400, "text"));
}
