//! A caller that hangs up must not cost another token.

use std::time::{Duration, Instant};

use crate::stage::{DEADLINE, Stage, attribute, parsed, question, spans, streamed};

/// The bound that callers are promised.
const AT_ONCE: Duration = Duration::from_millis(50);
/// The machine may be busy; the gateway may not be slow every time.
const TRIES: u64 = 5;

/// Point 13, streaming.
#[tokio::test]
async fn hanging_up_on_a_stream_closes_the_provider_within_fifty_milliseconds() {
    let stage = Stage::new().await;
    let mut fastest = Duration::MAX;
    for number in 0..TRIES {
        let mut response = stage.send(&streamed("mock/mock-endless")).await;
        response.chunk().await.unwrap();
        let dropped = Instant::now();
        drop(response);
        fastest = fastest.min(provider_noticed(&stage, number, dropped).await);
    }
    assert!(fastest < AT_ONCE, "{fastest:?}");
}

/// Point 13, while the provider is silent and no frame could fail to be written.
#[tokio::test]
async fn hanging_up_is_noticed_while_nothing_is_being_sent() {
    let stage = Stage::new().await;
    let mut response = stage.send(&streamed("mock/mock-stall")).await;
    response.chunk().await.unwrap();
    let dropped = Instant::now();
    drop(response);
    provider_noticed(&stage, 0, dropped).await;
}

/// Point 13, not streaming.
#[tokio::test]
async fn hanging_up_on_a_plain_call_closes_the_provider_within_fifty_milliseconds() {
    let stage = Stage::new().await;
    let mut fastest = Duration::MAX;
    for number in 0..TRIES {
        let call = tokio::spawn(stage.post(question("mock/mock-hang").to_string()).send());
        let arrived = stage
            .provider
            .wait_for(DEADLINE, |request| request.number == number)
            .await;
        assert!(arrived.is_some());
        let dropped = Instant::now();
        call.abort();
        fastest = fastest.min(provider_noticed(&stage, number, dropped).await);
    }
    assert!(fastest < AT_ONCE, "{fastest:?}");
    let spans = spans(&stage.sink.first().await);
    assert_eq!(attribute(&spans[0], "http.response.status_code"), 499);
    assert_eq!(attribute(&spans[1], "error.type"), "cancelled");
    assert!(
        attribute(&spans[1], "gen_ai.usage.input_tokens")
            .as_u64()
            .unwrap()
            > 0
    );
    println!("the provider saw the plain call's hang-up after {fastest:?}");
}

#[tokio::test]
async fn spans_of_a_cancelled_stream_say_so_and_keep_what_was_said() {
    let stage = Stage::new().await;
    let mut response = stage.send(&streamed("mock/mock-endless")).await;
    let mut seen = String::new();
    while !seen.contains("word 2 ") {
        let piece = response.chunk().await.unwrap().unwrap();
        seen.push_str(std::str::from_utf8(&piece).unwrap());
    }
    drop(response);
    let spans = spans(&stage.sink.first().await);
    assert_eq!(spans.len(), 2);
    for span in &spans {
        assert_eq!(attribute(span, "brokle.gateway.outcome"), "cancelled");
        assert_eq!(attribute(span, "error.type"), "cancelled");
        let status = span.status.as_ref().unwrap();
        assert_eq!(
            (status.code, status.message.split(':').next()),
            (0, Some("cancelled"))
        );
    }
    assert_eq!(attribute(&spans[0], "http.response.status_code"), 499);
    // The provider did not come to say what it used; somebody pays for it all the same.
    assert_eq!(attribute(&spans[1], "brokle.usage.estimated"), true);
    for tokens in ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"] {
        assert!(attribute(&spans[1], tokens).as_u64().unwrap() > 0, "{tokens}");
    }
    let said = parsed(&spans[1], "gen_ai.output.messages")[0]["parts"][0]["content"].clone();
    assert!(said.as_str().unwrap().contains("word 2 "));
}

#[tokio::test]
async fn place_of_a_cancelled_call_is_free_again() {
    let stage = Stage::with("[limits]\nin_flight_max = 1").await;
    let mut response = stage.send(&streamed("mock/mock-stall")).await;
    response.chunk().await.unwrap();
    let refused = stage.ask("mock/mock-a").await;
    assert_eq!(refused.status(), 503);
    drop(response);
    let freed = async {
        while stage.ask("mock/mock-a").await.status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, freed)
        .await
        .expect("the place is free");
}

/// How long after `dropped` the provider saw the connection of request `number` close.
async fn provider_noticed(stage: &Stage, number: u64, dropped: Instant) -> Duration {
    let hung_up = |request: &brokle_testkit::provider::SeenRequest| {
        request.number == number && request.hung_up_at.is_some()
    };
    let request = stage
        .provider
        .wait_for(DEADLINE, hung_up)
        .await
        .expect("the provider's connection closes");
    request.hung_up_at.unwrap().saturating_duration_since(dropped)
}
