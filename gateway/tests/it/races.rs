//! Two calls instead of one: hedging, where the sooner answers and the other is ended; and shadows, whose answers
//! nobody gets.

use brokle_testkit::wait;
use serde_json::json;

use crate::stage::{DEADLINE, Stage, Streamed, attribute, header, question, spans, streamed};

fn hedged(first: &str, second: &str) -> String {
    format!(
        "[routes.r]\nhedge_after_ms = 30\ntargets = [{{ provider = \"mock\", model = \"{first}\" }}, \
         {{ provider = \"mock\", model = \"{second}\" }}]"
    )
}

#[tokio::test]
async fn the_second_answer_is_given_when_the_first_is_slow_and_the_first_is_ended() {
    let stage = Stage::with(&format!(
        "{}\n[[quotas]]\nname = \"q\"\ntokens_per_day = 100000",
        hedged("mock-hang", "mock-a")
    ))
    .await;
    for stream in [false, true] {
        let body = if stream { streamed("r") } else { question("r") };
        let response = stage.send(&body).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(response.headers(), "x-brokle-model"), "mock-a");
        assert_eq!(header(response.headers(), "x-brokle-attempts"), "2");
        let spans = stage.trace_of(&response).await;
        Streamed::read(response).await;
        assert_eq!(attribute(&spans[1], "brokle.gateway.decision"), "outrun");
        assert_eq!(attribute(&spans[1], "brokle.gateway.outcome"), "cancelled");
        assert_eq!(attribute(&spans[2], "brokle.gateway.hedge"), true);
        assert_eq!(attribute(&spans[2], "brokle.gateway.attempt"), 2);
    }
    let ended = |request: &brokle_testkit::provider::SeenRequest| {
        request.json()["model"] == "mock-hang" && request.hung_up_at.is_some()
    };
    assert!(stage.provider.wait_for(DEADLINE, ended).await.is_some());
}

#[tokio::test]
async fn no_second_call_is_made_when_the_first_answers_soon() {
    let stage = Stage::with(&hedged("mock-a", "mock-b").replace("= 30", "= 60000")).await;
    let response = stage.ask("r").await;
    assert_eq!(header(response.headers(), "x-brokle-attempts"), "1");
    assert_eq!(stage.provider.requests().len(), 1);
}

#[tokio::test]
async fn when_the_second_fails_the_first_is_waited_for() {
    let stage = Stage::with(&hedged("mock-slow", "mock-500")).await;
    let response = stage.ask("r").await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(response.headers(), "x-brokle-model"), "mock-slow");
    let spans = stage.trace_of(&response).await;
    let last = spans.last().unwrap();
    assert_eq!(attribute(last, "brokle.gateway.decision"), "answered");
    assert_eq!(attribute(&spans[1], "http.response.status_code"), 500);
}

#[tokio::test]
async fn a_caller_that_hangs_up_ends_both() {
    let stage = Stage::with(&hedged("mock-hang", "mock-hang")).await;
    let call = tokio::spawn(stage.post(question("r").to_string()).send());
    let second = |request: &brokle_testkit::provider::SeenRequest| request.number == 1;
    assert!(stage.provider.wait_for(DEADLINE, second).await.is_some());
    call.abort();
    for number in 0..2 {
        let closed = move |request: &brokle_testkit::provider::SeenRequest| {
            request.number == number && request.hung_up_at.is_some()
        };
        assert!(stage.provider.wait_for(DEADLINE, closed).await.is_some());
    }
    let spans = spans(&stage.sink.first().await);
    let outcomes: Vec<_> = spans
        .iter()
        .map(|span| attribute(span, "brokle.gateway.outcome"))
        .collect();
    assert_eq!(
        outcomes,
        [json!("cancelled"), json!("cancelled"), json!("cancelled")]
    );
}

#[tokio::test]
async fn a_shadow_goes_to_its_target_and_changes_nothing_for_the_caller() {
    let stage = Stage::with(
        "[routes.r]\ntargets = [{ provider = \"mock\", model = \"mock-a\" }]\n\
         shadow = { provider = \"mock\", model = \"mock-b\", percent = 100 }\n\
         [[quotas]]\nname = \"q\"\nrequests_per_minute = 2",
    )
    .await;
    for body in [question("r"), streamed("r")] {
        let response = stage.send(&body).await;
        assert_eq!(response.status(), 200, "the copy draws on no count of requests");
        assert_eq!(header(response.headers(), "x-brokle-model"), "mock-a");
        let trace_id = header(response.headers(), "x-brokle-trace-id").to_owned();
        Streamed::read(response).await;
        let shadow = wait::until("the copy is recorded", DEADLINE, || async {
            let all = stage.sink.submissions();
            let mut traces = all.iter().map(spans);
            traces.find(|spans| {
                hex::encode(&spans[0].trace_id) == trace_id
                    && attribute(&spans[0], "brokle.gateway.shadow") == true
            })
        })
        .await
        .unwrap();
        assert_eq!(attribute(&shadow[1], "gen_ai.request.model"), "mock-b");
        assert_eq!(attribute(&shadow[1], "brokle.gateway.outcome"), "answered");
        assert!(!shadow[0].parent_span_id.is_empty(), "it is beneath the call");
    }
}

#[tokio::test]
async fn a_shadow_that_fails_is_nobodys_failure() {
    let stage = Stage::with(
        "[routes.r]\ntargets = [{ provider = \"mock\", model = \"mock-a\" }]\n\
         shadow = { provider = \"mock\", model = \"mock-500\", percent = 100 }",
    )
    .await;
    assert_eq!(stage.ask("r").await.status(), 200);
    let shadow_called =
        |request: &brokle_testkit::provider::SeenRequest| request.json()["model"] == "mock-500";
    assert!(stage.provider.wait_for(DEADLINE, shadow_called).await.is_some());
}
