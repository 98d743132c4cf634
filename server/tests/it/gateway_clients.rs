//! Stock clients of model providers, unmodified, with only their base URL and key changed: what the gateway answers is
//! what they expect, and each call is a trace. The providers are fake ones; the gateway in front is the whole server.

use brokle_testkit::provider::FakeProvider;
use brokle_testkit::server::{Server, ServerOptions};
use brokle_testkit::tenant::Tenant;
use serde_json::{Value, json};

use crate::harness::{Client, binary, observations, run_client};

/// What the fake provider says to "Say hello".
const HELLO: &str = "You said: Say hello – naïve café 🦀, in other words.";

/// A server with a provider of each dialect, all of them the same fake one.
async fn gateway() -> (Server, Tenant, FakeProvider) {
    let provider = FakeProvider::start().await;
    let base_url = provider.base_url();
    let config = ["openai", "anthropic", "gemini", "cohere", "responses"]
        .map(|dialect| {
            let name = if dialect == "openai" { "mock" } else { dialect };
            format!("[gateway.providers.{name}]\ndialect = \"{dialect}\"\nbase_url = \"{base_url}\"\napi_key = \"mock-key\"\n")
        })
        .concat();
    let options = ServerOptions {
        config,
        ..ServerOptions::default()
    };
    let server = Server::start(binary(), options).await.unwrap();
    let tenant = Tenant::sign_up(&server.url()).await.unwrap();
    (server, tenant, provider)
}

/// The environment of a program that calls `model`.
fn caller(server: &Server, tenant: &Tenant, model: &str) -> Vec<(&'static str, String)> {
    vec![
        ("OPENAI_BASE_URL", format!("{}/v1", server.url())),
        ("OPENAI_API_BASE", format!("{}/v1", server.url())),
        ("OPENAI_API_KEY", tenant.key.clone()),
        ("ANTHROPIC_BASE_URL", server.url()),
        ("ANTHROPIC_API_BASE", server.url()),
        ("ANTHROPIC_API_KEY", tenant.key.clone()),
        ("MODEL", model.to_owned()),
    ]
}

/// Starts everything, runs `program` on `model`, and hands back what it printed.
async fn run(program: Client, model: &str) -> (Value, Tenant, (Server, FakeProvider)) {
    let (server, tenant, provider) = gateway().await;
    let got = run_client(program, caller(&server, &tenant, model)).await;
    (got, tenant, (server, provider))
}

async fn assert_call_is_a_trace(tenant: &Tenant, got: &Value) {
    assert!(!got["text"].as_str().unwrap().is_empty());
    assert_eq!(got["streamed"], got["text"]);
    assert_eq!(got["streamed_usage"], got["usage"]);
    let observations = observations(tenant, got["trace_id"].as_str().unwrap(), 2).await;
    assert_eq!(
        observations.len(),
        2,
        "a server span, and a client span for the one attempt"
    );
    let attempt = observations
        .iter()
        .find(|observation| observation["parent_observation_id"] != Value::Null)
        .unwrap();
    assert_eq!(attempt["type"], "generation");
    assert_eq!(attempt["usage"]["input_tokens"], got["usage"]["prompt_tokens"]);
    assert_eq!(
        attempt["usage"]["output_tokens"],
        got["usage"]["completion_tokens"]
    );
    assert_eq!(attempt["output"][0]["parts"][0]["content"], got["text"]);
    assert_eq!(attempt["input"][0]["parts"][0]["content"], "Say hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_python_gets_answers_and_leaves_a_trace() {
    let (got, tenant, _running) = run(Client::Python("call_model.py"), "mock/gpt-4o-mini").await;
    assert_call_is_a_trace(&tenant, &got).await;
    assert_eq!(
        (&got["provider"], &got["attempts"]),
        (&json!("mock"), &json!("1"))
    );
    assert_eq!(got["refused"], "model_not_found");
    assert!(got["models"].is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_node_gets_answers_and_leaves_a_trace() {
    let (got, tenant, _running) = run(Client::Node("call_model.mjs"), "mock/gpt-4o-mini").await;
    assert_call_is_a_trace(&tenant, &got).await;
}

/// Responses and tools, plain and streamed, as `call_apis` prints them.
async fn assert_apis(tenant: &Tenant, got: &Value) {
    let responses = &got["responses"];
    assert_eq!(responses["text"], HELLO);
    assert_eq!(responses["streamed"], HELLO);
    assert_eq!(responses["streamed_usage"], responses["usage"]);
    assert!(responses["usage"]["input_tokens"].as_u64().unwrap() > 0);
    for tools in [&got["responses_tools"], &got["chat_tools"]] {
        assert_eq!(tools["name"], "weather");
        assert!(
            serde_json::from_str::<Value>(tools["arguments"].as_str().unwrap())
                .unwrap()
                .is_object()
        );
        assert!(tools["after"].as_str().unwrap().contains("18 degrees"), "{tools}");
    }
    assert_eq!(got["chat_tools"]["finish_reason"], "tool_calls");

    let observations = observations(tenant, responses["trace_id"].as_str().unwrap(), 2).await;
    let attempt = observations
        .iter()
        .find(|observation| observation["parent_observation_id"] != Value::Null)
        .unwrap();
    assert_eq!(
        attempt["usage"]["input_tokens"],
        responses["usage"]["input_tokens"]
    );
    assert_eq!(attempt["output"][0]["parts"][0]["content"], HELLO);
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_python_uses_responses_tools_and_embeddings() {
    let (got, tenant, _running) = run(Client::Python("call_apis.py"), "mock/gpt-4o-mini").await;
    assert_apis(&tenant, &got).await;
    assert_eq!(got["embeddings"]["count"], 2);
    assert!(got["embeddings"]["size"].as_u64().unwrap() > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_node_uses_responses_tools_and_embeddings() {
    let (got, tenant, _running) = run(Client::Node("call_apis.mjs"), "mock/gpt-4o-mini").await;
    assert_apis(&tenant, &got).await;
    assert_eq!(got["embeddings"]["count"], 2);
    assert!(got["embeddings"]["size"].as_u64().unwrap() > 1);
}

/// Messages, plain, streamed and with a tool, as `call_messages` prints them.
async fn assert_messages(tenant: &Tenant, got: &Value) {
    assert_eq!((&got["text"], &got["streamed"]), (&json!(HELLO), &json!(HELLO)));
    assert_eq!(got["stop_reason"], "end_turn");
    assert_eq!(got["streamed_usage"], got["usage"]);
    assert_eq!(
        (&got["tool"]["name"], &got["tool"]["stop_reason"]),
        (&json!("weather"), &json!("tool_use"))
    );
    assert!(
        got["after_tool"].as_str().unwrap().contains("18 degrees"),
        "{got}"
    );
    assert_eq!(got["refused"], "not_found_error");

    let observations = observations(tenant, got["trace_id"].as_str().unwrap(), 2).await;
    let attempt = observations
        .iter()
        .find(|observation| observation["parent_observation_id"] != Value::Null)
        .unwrap();
    assert_eq!(attempt["usage"]["output_tokens"], got["usage"]["output_tokens"]);
    assert_eq!(attempt["output"][0]["parts"][0]["content"], HELLO);
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_python_calls_a_model_that_speaks_its_dialect() {
    let (got, tenant, _running) = run(Client::Python("call_messages.py"), "anthropic/mock-claude").await;
    assert_messages(&tenant, &got).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_python_calls_models_that_speak_other_dialects() {
    for model in ["mock/gpt-4o-mini", "gemini/mock", "cohere/mock", "responses/mock"] {
        let (got, tenant, _running) = run(Client::Python("call_messages.py"), model).await;
        assert_messages(&tenant, &got).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn langchain_streams_calls_tools_and_embeds() {
    let (got, _tenant, _running) = run(Client::Python("call_langchain.py"), "mock/gpt-4o-mini").await;
    assert_eq!((&got["text"], &got["streamed"]), (&json!(HELLO), &json!(HELLO)));
    assert_eq!(got["streamed_usage"], got["usage"]);
    assert!(got["chunks"].as_u64().unwrap() > 3);
    assert_eq!(
        (&got["tool"], &got["tool_answer_for"]),
        (&json!("weather"), &json!(true))
    );
    assert_eq!(got["embedded"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn litellm_as_a_client_speaks_both_dialects() {
    let (got, _tenant, _running) = run(Client::Litellm("call_litellm.py"), "mock/gpt-4o-mini").await;
    assert_eq!((&got["text"], &got["streamed"]), (&json!(HELLO), &json!(HELLO)));
    assert_eq!(got["prompt_tokens"], got["streamed_prompt_tokens"]);
    assert_eq!(got["anthropic"], HELLO);
    assert_eq!(got["refused"], 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn vercel_ai_sdk_generates_streams_and_calls_tools() {
    let (got, _tenant, _running) = run(Client::Node("call_ai_sdk.mjs"), "mock/gpt-4o-mini").await;
    assert_eq!((&got["responses"], &got["chat"]), (&json!(HELLO), &json!(HELLO)));
    assert_eq!(got["responses_streamed"]["text"], HELLO);
    assert_eq!(got["chat_streamed"]["text"], HELLO);
    for (plain, streamed) in [
        (&got["chat_usage"], &got["chat_streamed"]),
        (&got["responses_usage"], &got["responses_streamed"]),
    ] {
        assert!(plain["inputTokens"].as_u64().unwrap() > 0);
        assert_eq!(streamed["usage"]["inputTokens"], plain["inputTokens"]);
        assert_eq!(streamed["usage"]["outputTokens"], plain["outputTokens"]);
    }
    assert_eq!(
        (&got["tool_steps"], &got["tool_called"]),
        (&json!(2), &json!("weather"))
    );
    assert!(got["after_tool"].as_str().unwrap().contains("18 degrees"));
    assert_eq!(got["embedded"], 2);
}
