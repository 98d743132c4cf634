//! Strategies and circuits with real calls behind them, and the explanation of a decision.

use serde_json::{Value, json};

use crate::stage::{GOOD_KEY, Stage, attribute, header, question};

async fn explain(stage: &Stage, model: &str) -> Value {
    let request = stage
        .client
        .post(format!("{}/v1/route", stage.url))
        .bearer_auth(GOOD_KEY);
    let response = request.body(question(model).to_string()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

fn order(explained: &Value) -> Vec<&str> {
    let candidates = explained["data"]["candidates"].as_array().unwrap();
    candidates
        .iter()
        .map(|candidate| candidate["model"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_target_that_fails_too_often_is_passed_over_and_tried_again_later() {
    let stage = Stage::with(
        "[breaker]\nfailures = 2\ncooldown_ms = 60000\n[routes.r]\n\
         targets = [{ provider = \"mock\", model = \"mock-500\" }, { provider = \"mock\", model = \"mock-a\" }]",
    )
    .await;
    // The failing one is asked twice; then its circuit is open.
    assert_eq!(header(stage.ask("r").await.headers(), "x-brokle-attempts"), "3");
    let response = stage.ask("r").await;
    assert_eq!(header(response.headers(), "x-brokle-attempts"), "1");
    assert_eq!(header(response.headers(), "x-brokle-model"), "mock-a");
    let spans = stage.trace_of(&response).await;
    assert_eq!(
        attribute(&spans[0], "brokle.gateway.passed_over"),
        json!(["mock/mock-500"])
    );
    let explained = explain(&stage, "r").await;
    assert_eq!(order(&explained), ["mock-a", "mock-500"]);
    let last = &explained["data"]["candidates"][1];
    assert_eq!(last["circuit"], "open");
    assert!(
        last["reason"].as_str().unwrap().starts_with("passed over"),
        "{last}"
    );
    stage.clock.advance(chrono::Duration::seconds(61));
    assert_eq!(order(&explain(&stage, "r").await), ["mock-500", "mock-a"]);
    // One more failure of its trial, and it is left alone again.
    assert_eq!(header(stage.ask("r").await.headers(), "x-brokle-attempts"), "3");
    assert_eq!(header(stage.ask("r").await.headers(), "x-brokle-attempts"), "1");
}

#[tokio::test]
async fn when_every_circuit_is_open_the_targets_are_tried_all_the_same() {
    let stage = Stage::with(
        "[breaker]\nfailures = 1\n[routes.r]\n\
         targets = [{ provider = \"mock\", model = \"mock-500\" }, { provider = \"mock\", model = \"mock-503\" }]",
    )
    .await;
    for _ in 0..2 {
        let response = stage.ask("r").await;
        assert_eq!(
            (
                response.status().as_u16(),
                header(response.headers(), "x-brokle-attempts")
            ),
            (503, "4")
        );
    }
}

#[tokio::test]
async fn the_cheapest_target_is_asked_first_and_the_estimate_is_explained() {
    let stage = Stage::with_base(
        "[providers.priced]\nprovider_name = \"openai\"\nbase_url = \"BASE\"\napi_key = \"x\"\n\
         [routes.r]\nstrategy = \"lowest_cost\"\ntargets = [{ provider = \"priced\", model = \"gpt-4o\" }, \
         { provider = \"mock\", model = \"mock-a\" }, { provider = \"priced\", model = \"gpt-4o-mini\" }]",
    )
    .await;
    let explained = explain(&stage, "r").await;
    assert_eq!(order(&explained), ["gpt-4o-mini", "gpt-4o", "mock-a"]);
    assert_eq!(explained["data"]["strategy"], "lowest_cost");
    assert!(
        explained["data"]["endpoint"]
            .as_str()
            .unwrap()
            .ends_with("/v1/chat/completions")
    );
    let estimate = |place: usize| {
        let cost = explained["data"]["candidates"][place]["estimated_cost"].as_str();
        cost.map(|cost| cost.parse::<f64>().unwrap())
    };
    assert!(estimate(0) < estimate(1) && estimate(2).is_none(), "{explained}");
    assert_eq!(
        header(stage.ask("r").await.headers(), "x-brokle-model"),
        "gpt-4o-mini"
    );
}

#[tokio::test]
async fn the_soonest_target_is_asked_first_once_both_are_known() {
    let stage = Stage::with(
        "[routes.r]\nstrategy = \"lowest_latency\"\ntargets = [{ provider = \"mock\", model = \"mock-slow\" }, \
         { provider = \"mock\", model = \"mock-a\" }]",
    )
    .await;
    // Neither is known: the user's order. Then the one that is not known yet. Then the sooner.
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(header(stage.ask("r").await.headers(), "x-brokle-model").to_owned());
    }
    assert_eq!(asked, ["mock-slow", "mock-a", "mock-a"]);
    let explained = explain(&stage, "r").await;
    assert!(
        explained["data"]["candidates"][1]["estimated_latency"]
            .as_f64()
            .unwrap()
            >= 100.0,
        "{explained}"
    );
}

#[tokio::test]
async fn a_busy_target_comes_after_an_idle_one() {
    let stage = Stage::with(
        "[routes.r]\nstrategy = \"least_busy\"\ntargets = [{ provider = \"mock\", model = \"mock-hang\" }, \
         { provider = \"mock\", model = \"mock-a\" }]",
    )
    .await;
    let hanging = tokio::spawn(stage.post(question("mock/mock-hang").to_string()).send());
    stage
        .provider
        .wait_for(crate::stage::DEADLINE, |_| true)
        .await
        .unwrap();
    let response = stage.ask("r").await;
    assert_eq!(header(response.headers(), "x-brokle-model"), "mock-a");
    hanging.abort();
}

#[tokio::test]
async fn an_explanation_needs_a_key_and_a_name_that_leads_somewhere() {
    let stage = Stage::with_second_dialect("other", "cohere", "").await;
    let request = stage.client.post(format!("{}/v1/route", stage.url));
    assert_eq!(request.body("{}").send().await.unwrap().status(), 401);
    let request = stage
        .client
        .post(format!("{}/v1/route", stage.url))
        .bearer_auth(GOOD_KEY);
    assert_eq!(
        request
            .body("{\"model\":\"no/where\"}")
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert!(stage.provider.requests().is_empty());
}
