//! Attempts: which failures lead to another one, where, and when they do not.

use std::time::{Duration, Instant};

use brokle_testkit::provider::Behaviour;
use serde_json::Value;

use crate::stage::{DEADLINE, Stage, Streamed, attribute, header, question, streamed};

fn route(models: &[&str]) -> String {
    let targets: Vec<String> = models
        .iter()
        .map(|model| format!("{{ provider = \"mock\", model = \"{model}\" }}"))
        .collect();
    format!(
        "[timeouts]\nfirst_token_ms = 1000\n[routes.fast]\ntargets = [{}]",
        targets.join(",")
    )
}

/// Point 11: every failure before the first content, a 200 included, leads to the next target.
#[tokio::test]
async fn failure_before_content_falls_back_to_the_next_target() {
    let failures = [
        "401",
        "402",
        "404",
        "408",
        "429",
        "500",
        "503",
        "529",
        "html",
        "hang",
        "hang-body",
        "200-then-error",
        "cut-early",
        "malformed",
        "plain",
    ];
    for failure in failures {
        let stage = Stage::with(&route(&[&format!("mock-{failure}"), "mock-good"])).await;
        let stream = stage.stream("fast").await;
        assert_eq!((stream.status, stream.done_marks()), (200, 1), "{failure}");
        assert_eq!(
            header(&stream.headers, "x-brokle-model"),
            "mock-good",
            "{failure}"
        );
        let spans = stage.sink.trace(stream.trace_id()).await;
        assert_eq!(
            attribute(spans.last().unwrap(), "brokle.gateway.decision"),
            "answered"
        );
        assert_eq!(
            attribute(&spans[spans.len() - 2], "brokle.gateway.decision"),
            "fell_back",
            "{failure}"
        );
    }
}

#[tokio::test]
async fn whole_answers_fall_back_too() {
    for failure in ["500", "200-then-error", "cut", "malformed"] {
        let stage = Stage::with(&route(&[&format!("mock-{failure}"), "mock-good"])).await;
        let response = stage.ask("fast").await;
        assert_eq!(response.status(), 200, "{failure}");
        assert_eq!(header(response.headers(), "x-brokle-model"), "mock-good");
    }
}

#[tokio::test]
async fn provider_that_cannot_be_reached_is_passed_over() {
    let extra = "[providers.gone]\nbase_url = \"http://127.0.0.1:1/v1\"\n[routes.fast]\n\
        targets = [{ provider = \"gone\", model = \"x\" }, { provider = \"mock\", model = \"mock-a\" }]";
    let stage = Stage::with(extra).await;
    let response = stage.ask("fast").await;
    assert_eq!(response.status(), 200);
    let spans = stage.trace_of(&response).await;
    assert_eq!(attribute(&spans[1], "error.type"), "connect");
    assert_eq!(attribute(&spans[1], "http.response.status_code"), Value::Null);
}

#[tokio::test]
async fn wrong_request_is_answered_at_once() {
    let stage = Stage::with(&route(&["mock-400", "mock-good"])).await;
    let response = stage.ask("fast").await;
    assert_eq!(response.status(), 400);
    assert_eq!(stage.provider.requests().len(), 1);
}

#[tokio::test]
async fn server_error_is_repeated_on_the_same_target() {
    let stage = Stage::new().await;
    stage.provider.script([Behaviour::Status(503)]);
    let response = stage.ask("mock/mock-a").await;
    assert_eq!(
        (
            response.status().as_u16(),
            header(response.headers(), "x-brokle-attempts")
        ),
        (200, "2")
    );
    let spans = stage.trace_of(&response).await;
    assert_eq!(attribute(&spans[1], "brokle.gateway.decision"), "retried");
    assert_eq!(attribute(&spans[2], "http.request.resend_count"), 1);
}

#[tokio::test]
async fn rate_limit_is_waited_for_when_the_wait_is_short() {
    let stage = Stage::new().await;
    stage.provider.script([Behaviour::Status(429)]);
    let started = Instant::now();
    assert_eq!(stage.ask("mock/mock-a").await.status(), 200);
    assert!(
        started.elapsed() >= Duration::from_millis(20),
        "retry-after-ms is honoured"
    );
}

#[tokio::test]
async fn rate_limit_with_a_long_wait_is_given_to_the_caller() {
    let stage = Stage::new().await;
    let response = stage.ask("mock/mock-429-long").await;
    assert_eq!(response.status(), 429);
    assert_eq!(header(response.headers(), "retry-after"), "120");
    assert_eq!(header(response.headers(), "x-brokle-attempts"), "1");
    assert_eq!(
        response.json::<Value>().await.unwrap()["error"]["code"],
        "rate_limit_exceeded"
    );
}

#[tokio::test]
async fn attempts_are_bounded_however_many_targets_there_are() {
    let models = vec!["mock-500"; 20];
    let stage = Stage::with(&route(&models)).await;
    let response = stage.ask("fast").await;
    assert_eq!(
        (
            response.status().as_u16(),
            header(response.headers(), "x-brokle-attempts")
        ),
        (500, "6")
    );
    assert_eq!(stage.provider.requests().len(), 6);
}

/// Point 17.
#[tokio::test]
async fn nothing_is_repeated_after_the_first_byte() {
    for failure in ["mock-cut", "mock-error-after-content", "mock-stall"] {
        let extra = route(&[failure, "mock-good"]).replace("[timeouts]", "[timeouts]\nidle_ms = 1000");
        let stage = Stage::with(&extra).await;
        let stream = stage.stream("fast").await;
        assert_eq!(stream.done_marks(), 0, "{failure}");
        assert_eq!(stage.provider.requests().len(), 1, "{failure}");
    }
}

#[tokio::test]
async fn weighted_route_reaches_every_target() {
    let extra = "[routes.spread]\nstrategy = \"weighted\"\n\
        targets = [{ provider = \"mock\", model = \"mock-a\", weight = 1 }, { provider = \"mock\", model = \"mock-b\", weight = 1 }]";
    let stage = Stage::with(extra).await;
    let mut seen = std::collections::BTreeSet::new();
    let search = async {
        while seen.len() < 2 {
            let response = stage.ask("spread").await;
            seen.insert(header(response.headers(), "x-brokle-model").to_owned());
        }
    };
    tokio::time::timeout(DEADLINE, search)
        .await
        .expect("both are drawn");
}

#[tokio::test]
async fn health_tells_of_failing_providers() {
    let stage = Stage::new().await;
    let status = || format!("{:?}", stage.gateway.providers_health()[0].status);
    assert_eq!(status(), "Unused");
    for _ in 0..2 {
        Streamed::read(stage.send(&streamed("mock/mock-500")).await).await;
    }
    assert_eq!(status(), "Failing");
    stage.send(&question("mock/mock-a")).await;
    assert_eq!(status(), "Up");
}
