//! What is recorded, how much of it, and that it is not lost.

use std::pin::pin;
use std::time::Duration;

use brokle_testkit::wait;
use serde_json::json;

use crate::stage::{DEADLINE, MemorySink, Stage, attribute, parsed, question, spans};

#[tokio::test]
async fn content_is_not_recorded_when_capture_is_off() {
    let stage = Stage::with("[capture]\ncontent = false").await;
    let response = stage.ask("mock/mock-a").await;
    let stream = stage.stream("mock/mock-a").await;
    let trace_ids = [
        crate::stage::header(response.headers(), "x-brokle-trace-id"),
        stream.trace_id(),
    ];
    for trace_id in trace_ids {
        for span in stage.sink.trace(trace_id).await {
            let text = format!("{:?}", span.attributes);
            assert!(!text.contains("hello") && !text.contains("naïve"), "{text}");
        }
    }
}

#[tokio::test]
async fn long_content_is_cut_and_marked() {
    let stage = Stage::with("[capture]\ncontent_bytes_max = 20").await;
    let mut body = question("mock/mock-a");
    body["messages"][0]["content"] = json!("0123456789".repeat(10));
    let response = stage.send(&body).await;
    let spans = stage.trace_of(&response).await;
    let input = parsed(&spans[1], "gen_ai.input.messages")[0]["parts"][0]["content"].clone();
    assert_eq!(input, "01234567890123456789…[80 bytes not recorded]");
    let output = parsed(&spans[1], "gen_ai.output.messages")[0]["parts"].clone();
    assert_eq!(output[0]["content"], "You said: 0123456789");
    assert!(
        output[1]["content"]
            .as_str()
            .unwrap()
            .ends_with("bytes not recorded]")
    );
}

#[tokio::test]
async fn secrets_are_on_no_span() {
    let stage = Stage::new().await;
    let response = stage.ask("mock/mock-a").await;
    let spans = stage.trace_of(&response).await;
    let text = format!("{spans:?}");
    assert!(!text.contains("sk-provider-secret") && !text.contains(crate::stage::GOOD_KEY));
}

#[tokio::test]
async fn full_telemetry_queue_delays_spans_and_not_callers() {
    let stage = Stage::with_sink("", MemorySink::refusing(3)).await;
    let response = stage.ask("mock/mock-a").await;
    assert_eq!(response.status(), 200);
    assert_eq!(stage.trace_of(&response).await.len(), 2);
}

#[tokio::test]
async fn shutdown_writes_what_is_queued() {
    let stage = Stage::new().await;
    for _ in 0..20 {
        assert_eq!(stage.ask("mock/mock-a").await.status(), 200);
    }
    assert!(stage.gateway.shutdown(Duration::from_secs(5)).await);
    assert_eq!(stage.sink.submissions().len(), 20);
    assert_eq!(stage.ask("mock/mock-a").await.status(), 200);
    assert_eq!(
        stage.sink.submissions().len(),
        21,
        "a call that ends later writes for itself"
    );
}

/// The one thread for such work is taken until the test lets it go, so that the count comes as late as it can.
#[test]
fn shutdown_waits_for_the_count_of_a_call_that_was_cancelled() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stage = Stage::new().await;
        let (let_go, wait) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || wait.recv());
        let call = tokio::spawn(stage.post(question("mock/mock-hang").to_string()).send());
        let arrived = stage.provider.wait_for(DEADLINE, |_| true).await;
        assert!(arrived.is_some());
        call.abort();
        let over = stage
            .provider
            .wait_for(DEADLINE, |request| request.hung_up_at.is_some());
        assert!(over.await.is_some());
        wait::until("the call is over", DEADLINE, || async {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &stage.registry).unwrap();
            text.contains("brokle_gateway_calls_in_flight 0").then_some(())
        })
        .await
        .unwrap();

        let mut shutdown = pin!(stage.gateway.shutdown(DEADLINE));
        assert!(futures_util::poll!(&mut shutdown).is_pending());
        let_go.send(()).unwrap();
        assert!(shutdown.await);
        busy.await.unwrap().unwrap();
        let submissions = stage.sink.submissions();
        assert_eq!(submissions.len(), 1);
        let attempt = &spans(&submissions[0])[1];
        assert_eq!(attribute(attempt, "brokle.usage.estimated"), true);
    });
}

#[tokio::test]
async fn many_cancelled_calls_at_once_are_all_counted() {
    const CALLS: usize = 100;
    let stage = Stage::new().await;
    let calls: Vec<_> = (0..CALLS)
        .map(|_| tokio::spawn(stage.post(question("mock/mock-hang").to_string()).send()))
        .collect();
    let last = CALLS as u64 - 1;
    let arrived = stage
        .provider
        .wait_for(DEADLINE, |request| request.number == last)
        .await;
    assert!(arrived.is_some());
    for call in calls {
        call.abort();
    }
    wait::until("every call is recorded", DEADLINE, || async {
        (stage.sink.submissions().len() == CALLS).then_some(())
    })
    .await
    .unwrap();
    for submission in stage.sink.submissions() {
        let attempt = &spans(&submission)[1];
        assert_eq!(attribute(attempt, "brokle.usage.estimated"), true);
    }
}

#[tokio::test]
async fn metrics_count_calls_attempts_and_tokens() {
    let stage = Stage::new().await;
    stage.ask("mock/mock-a").await;
    stage.ask("mock/mock-400").await;
    stage.stream("mock/mock-a").await;
    assert!(stage.gateway.shutdown(Duration::from_secs(5)).await);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &stage.registry).unwrap();
    for line in [
        "brokle_gateway_calls_total{stream=\"false\",outcome=\"answered\"} 1",
        "brokle_gateway_calls_total{stream=\"false\",outcome=\"invalid_request\"} 1",
        "brokle_gateway_calls_total{stream=\"true\",outcome=\"answered\"} 1",
        "brokle_gateway_attempts_total{provider=\"mock\",outcome=\"answered\"} 2",
        "brokle_gateway_tokens_total{provider=\"mock\",direction=\"output\"} 28",
        "brokle_gateway_calls_in_flight 0",
        "brokle_gateway_spans_lost_total 0",
        "gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"mock\",\
         gen_ai_request_model=\"mock-a\",error_type=\"\"} 2",
        "gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"mock\",\
         gen_ai_request_model=\"mock-400\",error_type=\"invalid_request\"} 1",
        "gen_ai_client_token_usage_sum{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"mock\",\
         gen_ai_request_model=\"mock-a\",gen_ai_token_type=\"output\"} 28.0",
        "gen_ai_server_time_to_first_token_seconds_count{gen_ai_operation_name=\"chat\",\
         gen_ai_provider_name=\"mock\",gen_ai_request_model=\"mock-a\",error_type=\"\"} 1",
        "gen_ai_server_time_per_output_token_seconds_count{",
        "gen_ai_server_request_duration_seconds_count{",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn refused_request_is_recorded_without_an_attempt() {
    let stage = Stage::new().await;
    let response = stage.post("{}").send().await.unwrap();
    let spans = stage.trace_of(&response).await;
    assert_eq!(
        (spans.len(), spans[0].name.as_str()),
        (1, "POST /v1/chat/completions")
    );
    assert_eq!(attribute(&spans[0], "http.response.status_code"), 400);
    assert_eq!(attribute(&spans[0], "error.type"), "invalid_value");
    assert_eq!(spans[0].status, None, "the caller's error is not the server's");
}
