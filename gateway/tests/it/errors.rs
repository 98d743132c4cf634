//! Errors in `OpenAI`'s form.

use serde_json::{Value, json};

use crate::stage::{INGEST_KEY, Stage, header, question, streamed};

async fn refused(response: reqwest::Response) -> (u16, Value) {
    assert_eq!(header(response.headers(), "content-type"), "application/json");
    let status = response.status().as_u16();
    let error = response.json::<Value>().await.unwrap()["error"].clone();
    let fields: Vec<&String> = error.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["message", "type", "param", "code"]);
    (status, error)
}

#[tokio::test]
async fn keys_that_are_missing_wrong_or_of_another_scope_are_refused() {
    let stage = Stage::new().await;
    let post = || {
        stage
            .client
            .post(format!("{}/v1/chat/completions", stage.url))
            .body(question("mock/mock-a").to_string())
    };
    for request in [
        post(),
        post().header("x-api-key", "nonsense"),
        post().header("authorization", "Basic eA=="),
    ] {
        let (status, error) = refused(request.send().await.unwrap()).await;
        assert_eq!((status, &error["code"]), (401, &json!("invalid_api_key")));
    }
    let (status, error) = refused(post().header("x-api-key", INGEST_KEY).send().await.unwrap()).await;
    assert_eq!(
        (status, &error["type"], &error["code"]),
        (403, &json!("permission_error"), &json!("scope_missing"))
    );
    let unavailable = post().bearer_auth("unavailable").send().await.unwrap();
    assert_eq!(header(unavailable.headers(), "retry-after"), "1");
    assert_eq!(refused(unavailable).await.0, 503);
    assert!(stage.provider.requests().is_empty() && stage.sink.submissions().is_empty());
}

#[tokio::test]
async fn unknown_model_is_not_found() {
    let stage = Stage::with("[providers.second]\nbase_url = \"http://127.0.0.1:1\"").await;
    let (status, error) = refused(stage.ask("no-such-model").await).await;
    assert_eq!(
        (status, &error["code"], &error["param"]),
        (404, &json!("model_not_found"), &json!("model"))
    );
    assert!(error["message"].as_str().unwrap().contains("no-such-model"));
}

#[tokio::test]
async fn bodies_that_are_no_request_are_refused_with_the_field() {
    let stage = Stage::with("[limits]\nrequest_bytes_max = 1000").await;
    let cases = [
        ("not json", 400, "invalid_json", Value::Null),
        ("{}", 400, "invalid_value", json!("model")),
        (r#"{"model":1}"#, 400, "invalid_value", json!("model")),
        (
            r#"{"model":"m","stream":1}"#,
            400,
            "invalid_value",
            json!("stream"),
        ),
    ];
    for (body, expected, code, param) in cases {
        let (status, error) = refused(stage.post(body).send().await.unwrap()).await;
        assert_eq!(
            (status, &error["code"], &error["param"]),
            (expected, &json!(code), &param),
            "{body}"
        );
        assert_eq!(error["type"], "invalid_request_error");
    }
    let (status, error) = refused(stage.post("x".repeat(1001)).send().await.unwrap()).await;
    assert_eq!((status, &error["code"]), (413, &json!("request_too_large")));
    let packed = stage
        .post("x")
        .header("content-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(refused(packed).await.0, 415);
}

#[tokio::test]
async fn body_without_a_length_is_bounded_too() {
    let stage = Stage::with("[limits]\nrequest_bytes_max = 1000").await;
    let pieces = (0..20).map(|_| Ok::<_, std::io::Error>("x".repeat(100)));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    assert_eq!(refused(stage.post(body).send().await.unwrap()).await.0, 413);
}

#[tokio::test]
async fn providers_error_is_passed_on_as_it_came() {
    let stage = Stage::new().await;
    for body in [question("mock/mock-400"), streamed("mock/mock-400")] {
        let response = stage.send(&body).await;
        assert_eq!(header(response.headers(), "x-brokle-provider"), "mock");
        let (status, error) = refused(response).await;
        assert_eq!(
            (status, &error["type"], &error["code"]),
            (400, &json!("fake_error"), &json!("fake_failure"))
        );
    }
    let (status, error) = refused(stage.ask("mock/mock-503").await).await;
    assert_eq!(
        (status, &error["message"]),
        (503, &json!("Failing with 503 as asked"))
    );
}

#[tokio::test]
async fn providers_page_of_html_becomes_an_error_in_our_form() {
    let stage = Stage::new().await;
    let (status, error) = refused(stage.ask("mock/mock-html").await).await;
    assert_eq!(
        (status, &error["type"], &error["code"]),
        (502, &json!("server_error"), &json!("provider_error"))
    );
    assert!(error["message"].as_str().unwrap().contains("Bad Gateway"));
}

#[tokio::test]
async fn error_inside_a_200_becomes_a_status() {
    let stage = Stage::new().await;
    for body in [
        question("mock/mock-200-then-error"),
        streamed("mock/mock-200-then-error"),
    ] {
        let (status, error) = refused(stage.send(&body).await).await;
        assert_eq!(
            (status, &error["message"]),
            (502, &json!("The engine is overloaded"))
        );
    }
}

/// The caller's own key is good: a 401 would send it looking in the wrong place, and the provider's message
/// quotes a part of the gateway's key.
#[tokio::test]
async fn refused_provider_credential_is_not_the_callers_401() {
    let stage = Stage::new().await;
    let response = stage.ask("mock/mock-401").await;
    let spans = stage.trace_of(&response).await;
    assert_eq!(
        crate::stage::attribute(&spans[1], "http.response.status_code"),
        401
    );
    let (status, error) = refused(response).await;
    assert_eq!(
        (status, &error["code"]),
        (502, &json!("provider_credential_refused"))
    );
    assert!(!error["message"].as_str().unwrap().contains("sk-"));
}

#[tokio::test]
async fn provider_out_of_reach_is_502() {
    let stage = Stage::with("[providers.gone]\nbase_url = \"http://127.0.0.1:1/v1\"").await;
    let (status, error) = refused(stage.ask("gone/x").await).await;
    assert_eq!((status, &error["code"]), (502, &json!("connect")));
}

#[tokio::test]
async fn answer_beyond_the_limit_is_refused() {
    let stage = Stage::with("[limits]\nresponse_bytes_max = 100").await;
    assert_eq!(refused(stage.ask("mock/mock-a").await).await.0, 502);
}

#[tokio::test]
async fn whole_answer_that_never_comes_is_504() {
    let stage = Stage::with("[timeouts]\ntotal_ms = 200").await;
    for model in ["mock/mock-hang", "mock/mock-stall"] {
        assert_eq!(refused(stage.ask(model).await).await.0, 504, "{model}");
    }
}

#[tokio::test]
async fn an_environment_that_cannot_be_a_tag_is_refused_as_the_collector_does() {
    let stage = Stage::new().await;
    for wrong in ["two words", "tab\tbed", &"x".repeat(65)] {
        let response = stage.post(question("mock/mock-a").to_string());
        let response = response.header("x-environment", wrong).send().await.unwrap();
        let (status, error) = refused(response).await;
        assert_eq!(
            (status, &error["code"]),
            (400, &json!("environment_invalid")),
            "{wrong}"
        );
    }
    assert!(stage.provider.requests().is_empty());
    let response = stage.post(question("mock/mock-a").to_string());
    let response = response.header("x-environment", "staging").send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn requests_that_together_exceed_the_room_are_turned_away_and_nothing_is_held_after() {
    let stage = Stage::with("[limits]\nin_flight_bytes_max = 4096").await;
    let mut large = question("mock/mock-a");
    large["messages"][0]["content"] = json!("x".repeat(5000));
    let turned_away = stage.send(&large).await;
    assert_eq!(header(turned_away.headers(), "retry-after"), "1");
    let (status, error) = refused(turned_away).await;
    assert_eq!((status, &error["code"]), (503, &json!("gateway_busy")));
    assert_eq!(stage.ask("mock/mock-a").await.status(), 200);
}
