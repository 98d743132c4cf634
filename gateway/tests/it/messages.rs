//! Callers who speak Anthropic's Messages, to a provider that does too and to one that does not.

use serde_json::{Value, json};

use crate::stage::{GOOD_KEY, Stage, attribute, header, parsed};

const EXPECTED: &str = "You said: hello – naïve café 🦀, in other words.";

async fn stage() -> Stage {
    Stage::with_second_dialect("claude", "anthropic", "").await
}

fn question(model: &str) -> Value {
    json!({ "model": model, "max_tokens": 100, "messages": [{ "role": "user", "content": "hello" }] })
}

fn streamed(model: &str) -> Value {
    let mut body = question(model);
    body["stream"] = json!(true);
    body
}

async fn send(stage: &Stage, body: &Value) -> reqwest::Response {
    let request = stage.client.post(format!("{}/v1/messages", stage.url));
    // As Anthropic's own clients present it.
    request
        .header("x-api-key", GOOD_KEY)
        .body(body.to_string())
        .send()
        .await
        .unwrap()
}

/// The events of a stream, each under the name that its line gives.
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

fn text_of(events: &[Value]) -> String {
    events
        .iter()
        .filter_map(|event| event["delta"]["text"].as_str())
        .collect()
}

#[tokio::test]
async fn a_provider_of_the_same_format_is_sent_and_answers_byte_for_byte() {
    let stage = stage().await;
    let body = "{ \"max_tokens\":7,\"model\" : \"claude/mock-a\", \"made_up\":[1.50], \"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
    let request = stage.client.post(format!("{}/v1/messages", stage.url));
    let request = request
        .header("x-api-key", GOOD_KEY)
        .header("anthropic-beta", "some-feature");
    let response = request.body(body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(response.headers(), "x-brokle-adapted"), "");
    let spans = stage.trace_of(&response).await;
    let answer = response.text().await.unwrap();
    let seen = stage.provider.requests().remove(0);
    assert_eq!(seen.body, body.replace("claude/mock-a", "mock-a").as_bytes());
    assert_eq!(
        (seen.path.as_str(), seen.header("anthropic-beta")),
        ("/v1/messages", "some-feature")
    );
    // The provider spaces its answer as no serialiser would.
    assert!(answer.starts_with("{\n  \"id\": "), "{answer}");
    assert_eq!(attribute(&spans[0], "http.route"), "/v1/messages");
    assert_eq!(attribute(&spans[1], "gen_ai.usage.output_tokens"), json!(14));
    assert_eq!(
        parsed(&spans[1], "gen_ai.input.messages")[0]["parts"][0]["content"],
        "hello"
    );
    assert_eq!(
        parsed(&spans[1], "gen_ai.output.messages")[0]["parts"][0]["content"],
        EXPECTED
    );
}

#[tokio::test]
async fn a_stream_of_the_same_format_passes_as_it_came_and_is_recorded() {
    let stage = stage().await;
    for behaviour in [
        "a",
        "split-utf8",
        "crlf",
        "no-space",
        "fields",
        "keepalive",
        "gzip",
        "missing-done",
    ] {
        let response = send(&stage, &streamed(&format!("claude/mock-{behaviour}"))).await;
        let trace = header(response.headers(), "x-brokle-trace-id").to_owned();
        let events = events(response).await;
        assert_eq!(text_of(&events), EXPECTED, "{behaviour}");
        assert_eq!(events.last().unwrap()["type"], "message_stop", "{behaviour}");
        assert!(
            events.iter().any(|event| event["type"] == "content_block_stop"),
            "{behaviour}"
        );
        let spans = stage.sink.trace(&trace).await;
        assert_eq!(
            attribute(&spans[1], "gen_ai.usage.output_tokens"),
            json!(14),
            "{behaviour}"
        );
        assert_eq!(
            attribute(&spans[1], "gen_ai.response.finish_reasons"),
            json!(["stop"]),
            "{behaviour}"
        );
    }
}

#[tokio::test]
async fn a_provider_of_another_format_answers_in_the_callers() {
    let stage = stage().await;
    let mut body = question("mock/mock-reason");
    body["system"] = json!("Be brief.");
    body["top_k"] = json!(5);
    let response = send(&stage, &body).await;
    assert_eq!(response.status(), 200);
    let answer: Value = response.json().await.unwrap();
    let seen = stage.provider.requests().remove(0);
    assert_eq!(
        seen.json(),
        json!({ "model": "mock-reason", "max_tokens": 100, "top_k": 5, "messages": [
            { "role": "system", "content": "Be brief." }, { "role": "user", "content": "hello" }] })
    );
    assert_eq!(
        (answer["type"].as_str(), answer["stop_reason"].as_str()),
        (Some("message"), Some("end_turn"))
    );
    assert_eq!(answer["content"][0]["type"], "thinking");
    assert_eq!(answer["content"][1], json!({ "type": "text", "text": EXPECTED }));
    assert!(answer["usage"]["input_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_stream_of_another_format_becomes_events_with_parallel_tools() {
    let stage = stage().await;
    let mut body = streamed("mock/mock-a");
    let tool = |name: &str| json!({ "name": name, "input_schema": { "type": "object" } });
    body["tools"] = json!([tool("weather"), tool("time")]);
    let events = events(send(&stage, &body).await).await;
    for (index, name) in [(0, "weather"), (1, "time")] {
        let start = events
            .iter()
            .find(|event| event["index"] == index && event["type"] == "content_block_start");
        assert_eq!(start.unwrap()["content_block"]["name"], name);
        let input: String = events
            .iter()
            .filter(|event| event["index"] == index)
            .filter_map(|event| event["delta"]["partial_json"].as_str())
            .collect();
        assert_eq!(
            serde_json::from_str::<Value>(&input).unwrap(),
            json!({ "query": format!("naïve {index}") })
        );
    }
    let end = &events[events.len() - 2];
    assert_eq!(
        (end["delta"]["stop_reason"].as_str(), end["type"].as_str()),
        (Some("tool_use"), Some("message_delta"))
    );
    assert!(end["usage"]["output_tokens"].as_u64().unwrap() > 0, "{end}");
}

#[tokio::test]
async fn failures_come_in_anthropics_form_whoever_failed() {
    let stage = stage().await;
    for (model, status, kind) in [
        ("mock/mock-429", 429, "rate_limit_error"),
        ("claude/mock-429", 429, "rate_limit_error"),
        ("mock/mock-500", 500, "api_error"),
        ("claude/mock-529", 529, "overloaded_error"),
        ("mock/mock-401", 502, "api_error"),
        ("nobody/x", 404, "not_found_error"),
    ] {
        let response = send(&stage, &question(model)).await;
        assert_eq!(response.status(), status, "{model}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            (body["type"].as_str(), body["error"]["type"].as_str()),
            (Some("error"), Some(kind)),
            "{body}"
        );
    }
    let request = stage.client.post(format!("{}/v1/messages", stage.url));
    let response = request
        .header("x-api-key", "wrong")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(
        response.json::<Value>().await.unwrap()["error"]["type"],
        "authentication_error"
    );
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_an_error_event_and_without_a_stop() {
    let stage = stage().await;
    for provider in ["mock", "claude"] {
        for behaviour in ["cut", "end-early", "error-after-content", "malformed-later"] {
            let events = events(send(&stage, &streamed(&format!("{provider}/mock-{behaviour}"))).await).await;
            assert_eq!(
                events.last().unwrap()["type"],
                "error",
                "{provider} {behaviour}: {events:?}"
            );
            assert!(
                events.iter().all(|event| event["type"] != "message_stop"),
                "{provider} {behaviour}"
            );
        }
    }
}
