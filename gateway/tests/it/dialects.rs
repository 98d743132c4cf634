//! Providers that speak another wire format: the caller speaks `OpenAI`'s and notices nothing.

use serde_json::{Value, json};

use crate::stage::{Stage, Streamed, attribute, header, parsed, question, streamed};

const EXPECTED: &str = "You said: hello – naïve café 🦀, in other words.";

/// The same provider again, by its door for Anthropic's format.
async fn stage() -> Stage {
    Stage::with_second_dialect("claude", "anthropic", "").await
}

#[tokio::test]
async fn a_whole_answer_comes_in_the_callers_format_with_usage_and_cost() {
    let stage = stage().await;
    let mut body = question("claude/mock-a");
    body["temperature"] = json!(1.5);
    let response = stage.send(&body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        header(response.headers(), "x-brokle-adapted"),
        "max_tokens,temperature"
    );
    assert_eq!(header(response.headers(), "x-brokle-provider"), "claude");
    let spans = stage.trace_of(&response).await;
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["choices"][0]["message"]["content"], EXPECTED);
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    let seen = stage.provider.requests().remove(0);
    assert_eq!(seen.path, "/v1/messages");
    assert_eq!(
        (seen.header("anthropic-version"), seen.header("x-api-key")),
        ("2023-06-01", "sk-second")
    );
    assert_eq!(seen.header("authorization"), "");
    assert_eq!(
        seen.json(),
        json!({ "model": "mock-a", "max_tokens": 4096, "temperature": 1.0,
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hello" }] }] })
    );
    assert_eq!(
        answer["usage"]["prompt_tokens"],
        attribute(&spans[1], "gen_ai.usage.input_tokens")
    );
    assert_eq!(
        attribute(&spans[1], "brokle.gateway.adapted"),
        json!(["max_tokens", "temperature"])
    );
    assert_eq!(
        parsed(&spans[1], "gen_ai.output.messages")[0]["parts"][0]["content"],
        EXPECTED
    );
}

#[tokio::test]
async fn a_stream_comes_in_the_callers_format_whatever_the_network_makes_of_it() {
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
        "double-done",
        "no-blank-line",
    ] {
        let stream = stage.stream(&format!("claude/mock-{behaviour}")).await;
        assert_eq!(
            (stream.text().as_str(), stream.done_marks()),
            (EXPECTED, 1),
            "{behaviour}: {}",
            stream.raw
        );
        assert!(
            stream.chunks().iter().all(|chunk| chunk["usage"].is_null()),
            "{behaviour}"
        );
        let spans = stage.sink.trace(stream.trace_id()).await;
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
async fn usage_comes_last_to_callers_who_asked() {
    let stage = stage().await;
    let mut body = streamed("claude/mock-a");
    body["stream_options"] = json!({ "include_usage": true });
    let stream = Streamed::read(stage.send(&body).await).await;
    let chunks = stream.chunks();
    let (last, others) = chunks.split_last().unwrap();
    assert_eq!(
        (&last["choices"], last["usage"]["completion_tokens"].as_u64()),
        (&json!([]), Some(14))
    );
    assert!(others.iter().all(|chunk| chunk["usage"].is_null()));
}

#[tokio::test]
async fn tools_are_called_in_parallel_and_their_results_taken_back() {
    let stage = stage().await;
    let tool = |name: &str| json!({ "type": "function", "function": { "name": name, "parameters": { "type": "object" } } });
    let mut body = streamed("claude/mock-reason");
    body["tools"] = json!([tool("weather"), tool("time")]);
    let stream = Streamed::read(stage.send(&body).await).await;
    let chunks = stream.chunks();
    let calls: Vec<&Value> = chunks
        .iter()
        .flat_map(|chunk| {
            chunk["choices"][0]["delta"]["tool_calls"]
                .as_array()
                .into_iter()
                .flatten()
        })
        .collect();
    for (index, name) in [(0, "weather"), (1, "time")] {
        let of_call = || calls.iter().filter(|call| call["index"] == index);
        let named: Vec<_> = of_call().filter(|call| !call["id"].is_null()).collect();
        assert_eq!(named.len(), 1);
        assert_eq!(named[0]["function"]["name"], name);
        let arguments: String = of_call()
            .filter_map(|call| call["function"]["arguments"].as_str())
            .collect();
        assert_eq!(
            serde_json::from_str::<Value>(&arguments).unwrap(),
            json!({ "query": format!("naïve {index}") })
        );
    }
    let signed = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["reasoning_details"][0]["signature"].as_str())
        .collect::<Vec<_>>();
    assert_eq!(signed, ["c2lnbmVk"]);
    assert_eq!(
        chunks.last().unwrap()["choices"][0]["finish_reason"],
        "tool_calls"
    );
    body["stream"] = json!(false);
    body["messages"].as_array_mut().unwrap().extend([
        json!({ "role": "assistant", "content": null, "tool_calls": [
            { "id": "call_0", "type": "function", "function": { "name": "weather", "arguments": "{}" } } ] }),
        json!({ "role": "tool", "tool_call_id": "call_0", "content": "sunny" }),
    ]);
    let answer: Value = stage.send(&body).await.json().await.unwrap();
    assert_eq!(answer["choices"][0]["finish_reason"], "stop", "{answer}");
}

#[tokio::test]
async fn failures_reach_the_caller_in_its_own_format() {
    let stage = stage().await;
    for (behaviour, status, code) in [
        ("400", 400, "invalid_request_error"),
        ("404", 404, "not_found_error"),
        ("429", 429, "rate_limit_error"),
        ("529", 529, "overloaded_error"),
        ("401", 502, "provider_credential_refused"),
        ("html", 502, "provider_error"),
        ("200-then-error", 502, "overloaded_error"),
        ("malformed", 502, "malformed_answer"),
    ] {
        let response = stage.ask(&format!("claude/mock-{behaviour}")).await;
        assert_eq!(response.status(), status, "{behaviour}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["code"], code, "{behaviour}: {body}");
        assert!(body.get("type").is_none(), "{body}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_says_so_and_has_no_end_mark() {
    let stage = stage().await;
    for behaviour in [
        "cut",
        "end-early",
        "cut-frame",
        "error-after-content",
        "malformed-later",
    ] {
        let stream = stage.stream(&format!("claude/mock-{behaviour}")).await;
        assert_eq!(stream.done_marks(), 0, "{behaviour}: {}", stream.raw);
        assert!(stream.error().is_object(), "{behaviour}: {}", stream.raw);
    }
}

#[tokio::test]
async fn a_request_that_one_format_cannot_express_goes_to_a_target_whose_format_can() {
    let route = "[routes.fast]\ntargets = [{ provider = \"claude\", model = \"mock-a\" }, \
                 { provider = \"mock\", model = \"mock-b\" }]";
    let stage = Stage::with_second_dialect("claude", "anthropic", route).await;
    let mut body = question("fast");
    body["n"] = json!(2);
    let response = stage.send(&body).await;
    assert_eq!(header(response.headers(), "x-brokle-provider"), "mock");
    assert_eq!(header(response.headers(), "x-brokle-attempts"), "2");
    let spans = stage.trace_of(&response).await;
    assert_eq!(attribute(&spans[1], "error.type"), "unsupported_by_provider");
    body["model"] = json!("claude/mock-a");
    let refused = stage.send(&body).await;
    assert_eq!(refused.status(), 400);
    let refused: Value = refused.json().await.unwrap();
    assert!(
        refused["error"]["message"].as_str().unwrap().contains("`n`"),
        "{refused}"
    );
}

#[tokio::test]
async fn an_answer_that_begins_with_an_error_falls_back_before_the_caller_sees_a_byte() {
    let route = "[routes.fast]\ntargets = [{ provider = \"claude\", \
                 model = \"mock-200-then-error\" }, { provider = \"mock\", model = \"mock-b\" }]";
    let stage = Stage::with_second_dialect("claude", "anthropic", route).await;
    let stream = stage.stream("fast").await;
    assert_eq!(
        (stream.text().as_str(), stream.done_marks()),
        (EXPECTED, 1),
        "{}",
        stream.raw
    );
    assert_eq!(header(&stream.headers, "x-brokle-attempts"), "3");
    assert_eq!(header(&stream.headers, "x-brokle-provider"), "mock");
}
