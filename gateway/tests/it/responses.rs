//! Callers who speak the Responses API, to a provider that does too and to some that do not.

use serde_json::{Value, json};

use crate::stage::{GOOD_KEY, Stage, attribute, header, parsed};

const EXPECTED: &str = "You said: hello – naïve café 🦀, in other words.";

/// `mock` speaks chat completions alone, `both` the Responses API too, and `claude` Anthropic's format.
async fn stage() -> Stage {
    let both = "[providers.both]\nresponses = true\nbase_url = \"BASE\"\napi_key = \"x\"\n\
                [providers.claude]\ndialect = \"anthropic\"\nbase_url = \"BASE\"\napi_key = \"x\"";
    Stage::with_base(both).await
}

async fn send(stage: &Stage, body: &Value) -> reqwest::Response {
    let request = stage
        .client
        .post(format!("{}/v1/responses", stage.url))
        .bearer_auth(GOOD_KEY);
    request.body(body.to_string()).send().await.unwrap()
}

fn question(model: &str) -> Value {
    json!({ "model": model, "input": "hello", "max_output_tokens": 100 })
}

fn streamed(model: &str) -> Value {
    let mut body = question(model);
    body["stream"] = json!(true);
    body
}

async fn events(response: reqwest::Response) -> Vec<Value> {
    let text = response.text().await.unwrap().replace("\r\n", "\n");
    text.split("\n\n")
        .filter(|frame| !frame.trim().is_empty() && !frame.starts_with(':'))
        .map(|frame| {
            let data = frame
                .lines()
                .find_map(|line| line.trim_start_matches('\u{feff}').strip_prefix("data:"));
            serde_json::from_str(data.unwrap()).unwrap()
        })
        .collect()
}

fn text_of(response: &Value) -> &str {
    let output = response["output"].as_array().unwrap();
    let message = output.iter().find(|item| item["type"] == "message").unwrap();
    message["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn a_provider_that_speaks_it_is_sent_and_answers_byte_for_byte() {
    let stage = stage().await;
    let body = "{ \"input\":\"hello\",\"model\" : \"both/mock-a\", \"previous_response_id\":\"resp_0\" }";
    let request = stage
        .client
        .post(format!("{}/v1/responses", stage.url))
        .bearer_auth(GOOD_KEY);
    let response = request.body(body).send().await.unwrap();
    let spans = stage.trace_of(&response).await;
    let answer = response.text().await.unwrap();
    let seen = stage.provider.requests().remove(0);
    assert_eq!(
        (seen.path.as_str(), &seen.body[..]),
        ("/v1/responses", body.replace("both/", "").as_bytes())
    );
    assert!(answer.starts_with("{\n  \"id\": \"resp_"), "{answer}");
    assert_eq!(attribute(&spans[0], "http.route"), "/v1/responses");
    assert_eq!(attribute(&spans[1], "gen_ai.usage.output_tokens"), json!(14));
    assert_eq!(
        parsed(&spans[1], "gen_ai.output.messages")[0]["parts"][0]["content"],
        EXPECTED
    );
}

#[tokio::test]
async fn a_stream_passes_as_it_came_or_is_made_of_chunks_and_is_recorded_alike() {
    let stage = stage().await;
    for provider in ["both", "mock", "claude"] {
        for behaviour in ["reason", "split-utf8", "crlf", "keepalive", "gzip"] {
            let response = send(&stage, &streamed(&format!("{provider}/mock-{behaviour}"))).await;
            let trace = header(response.headers(), "x-brokle-trace-id").to_owned();
            let events = events(response).await;
            let place = format!("{provider} {behaviour}");
            let kinds: Vec<_> = events
                .iter()
                .map(|event| event["type"].as_str().unwrap())
                .collect();
            assert_eq!(
                (kinds.first(), kinds.last()),
                (Some(&"response.created"), Some(&"response.completed")),
                "{place}"
            );
            let said: String = events
                .iter()
                .filter(|event| event["type"] == "response.output_text.delta")
                .filter_map(|event| event["delta"].as_str())
                .collect();
            assert_eq!(said, EXPECTED, "{place}");
            assert_eq!(text_of(&events.last().unwrap()["response"]), EXPECTED, "{place}");
            let spans = stage.sink.trace(&trace).await;
            assert!(
                attribute(&spans[1], "gen_ai.usage.output_tokens").as_u64() >= Some(14),
                "{place}"
            );
            assert_eq!(
                attribute(&spans[1], "gen_ai.response.finish_reasons"),
                json!(["stop"]),
                "{place}"
            );
        }
    }
}

#[tokio::test]
async fn a_provider_of_chat_completions_answers_as_a_response() {
    let stage = stage().await;
    let mut body = question("mock/mock-reason");
    body["instructions"] = json!("Be brief.");
    body["tools"] = json!([{ "type": "function", "name": "weather", "parameters": { "type": "object" } }]);
    let response = send(&stage, &body).await;
    assert_eq!(response.status(), 200);
    let answer: Value = response.json().await.unwrap();
    let seen = stage.provider.requests().remove(0);
    assert_eq!(seen.path, "/v1/chat/completions");
    assert_eq!(
        seen.json()["messages"][0],
        json!({ "role": "system", "content": "Be brief." })
    );
    assert_eq!(seen.json()["max_tokens"], 100);
    let kinds: Vec<_> = answer["output"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["type"])
        .collect();
    assert_eq!(kinds, ["reasoning", "function_call"]);
    assert_eq!(
        (&answer["status"], &answer["object"]),
        (&json!("completed"), &json!("response"))
    );
    let call = answer["output"][1].clone();
    body["input"] = json!([{ "role": "user", "content": "hello" }, answer["output"][0], call,
        { "type": "function_call_output", "call_id": call["call_id"], "output": "sunny" }]);
    let answer: Value = send(&stage, &body).await.json().await.unwrap();
    assert!(text_of(&answer).contains("sunny"), "{answer}");
}

#[tokio::test]
async fn what_lives_at_a_provider_is_refused_for_others() {
    let stage = stage().await;
    let mut body = question("mock/mock-a");
    body["previous_response_id"] = json!("resp_0");
    let response = send(&stage, &body).await;
    assert_eq!(response.status(), 400);
    let answer: Value = response.json().await.unwrap();
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("previous_response_id"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_an_error_event() {
    let stage = stage().await;
    for provider in ["both", "mock", "claude"] {
        for behaviour in ["cut", "end-early", "error-after-content", "malformed-later"] {
            let events = events(send(&stage, &streamed(&format!("{provider}/mock-{behaviour}"))).await).await;
            assert_eq!(
                events.last().unwrap()["type"],
                "error",
                "{provider} {behaviour}: {events:?}"
            );
            assert!(
                events.iter().all(|event| event["type"] != "response.completed"),
                "{provider} {behaviour}"
            );
        }
    }
}
