//! `/v1/models`.

use serde_json::{Value, json};

use crate::stage::{DEADLINE, GOOD_KEY, Stage};

async fn get(stage: &Stage, path: &str) -> reqwest::Response {
    stage
        .client
        .get(format!("{}{path}", stage.url))
        .header("x-api-key", GOOD_KEY)
        .send()
        .await
        .unwrap()
}

async fn names(stage: &Stage) -> Vec<String> {
    let list: Value = get(stage, "/v1/models").await.json().await.unwrap();
    assert_eq!(list["object"], "list");
    list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].as_str().unwrap().to_owned())
        .collect()
}

const SECOND: &str = "[providers.second]\nbase_url = \"http://127.0.0.1:1/v1\"\nmodels = [\"tiny\", \"big-*\"]\n\
    [routes.fast]\ntargets = [{ provider = \"mock\", model = \"gpt-4o\" }]";

#[tokio::test]
async fn list_has_routes_and_models_under_names_that_work() {
    let stage = Stage::with(SECOND).await;
    let expected = [
        "fast",
        "mock/gpt-4o",
        "mock/gpt-4o-mini",
        "mock/gpt-5",
        "mock/mock-model",
        "tiny",
    ];
    assert_eq!(
        names(&stage).await,
        expected,
        "the second provider is away, but its models were declared"
    );
    let alone = Stage::new().await;
    assert_eq!(
        names(&alone).await,
        ["gpt-4o", "gpt-4o-mini", "gpt-5", "mock-model"]
    );
}

#[tokio::test]
async fn providers_are_asked_once_for_many_callers() {
    let stage = Stage::new().await;
    for _ in 0..3 {
        names(&stage).await;
    }
    assert_eq!(stage.provider.requests().len(), 1);
}

#[tokio::test]
async fn one_model_is_described_or_not_found() {
    let stage = Stage::with(SECOND).await;
    let model: Value = get(&stage, "/v1/models/mock/gpt-4o").await.json().await.unwrap();
    assert_eq!(
        (&model["id"], &model["object"]),
        (&json!("mock/gpt-4o"), &json!("model"))
    );
    assert_eq!(model["owned_by"], "fake");
    let route: Value = get(&stage, "/v1/models/fast").await.json().await.unwrap();
    assert_eq!(route["owned_by"], "brokle");
    let missing = get(&stage, "/v1/models/nothing").await;
    assert_eq!(missing.status(), 404);
    assert_eq!(
        missing.json::<Value>().await.unwrap()["error"]["code"],
        "model_not_found"
    );
}

#[tokio::test]
async fn list_needs_a_key() {
    let stage = Stage::new().await;
    for path in ["/v1/models", "/v1/models/fast"] {
        let response = stage
            .client
            .get(format!("{}{path}", stage.url))
            .timeout(DEADLINE)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 401);
    }
}
