//! Providers that speak another wire format: the caller speaks `OpenAI`'s and notices nothing.
//!
//! What holds for every format is asked of each of [`DIALECTS`]; what is one format's own, of that one.

use serde_json::{Value, json};

use crate::stage::{Stage, Streamed, attribute, header, parsed, question, streamed};

const EXPECTED: &str = "You said: hello – naïve café 🦀, in other words.";

/// The formats that are translated.
const DIALECTS: [&str; 6] = ["anthropic", "gemini", "cohere", "responses", "bedrock", "vertex"];

/// The same provider again, by its door for Anthropic's format.
async fn stage() -> Stage {
    Stage::with_second_dialect("claude", "anthropic", "").await
}

/// The same for any format, under the name `other`.
async fn stage_of(dialect: &str) -> Stage {
    Stage::with_second_dialect("other", dialect, "").await
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
async fn every_format_answers_whole_with_usage() {
    for dialect in DIALECTS {
        let stage = stage_of(dialect).await;
        let mut body = question("other/mock-reason");
        body["max_tokens"] = json!(50);
        let response = stage.send(&body).await;
        assert_eq!(
            (
                response.status().as_u16(),
                header(response.headers(), "x-brokle-adapted")
            ),
            (200, ""),
            "{dialect}"
        );
        let spans = stage.trace_of(&response).await;
        let answer: Value = response.json().await.unwrap();
        let message = &answer["choices"][0]["message"];
        assert_eq!(message["content"], EXPECTED, "{dialect}: {answer}");
        assert_eq!(
            message["reasoning_content"], "The caller wrote 5 bytes.",
            "{dialect}: {answer}"
        );
        assert_eq!(answer["object"], "chat.completion");
        for (field, key) in [("prompt_tokens", "input"), ("completion_tokens", "output")] {
            let recorded = attribute(&spans[1], &format!("gen_ai.usage.{key}_tokens"));
            assert!(recorded.as_u64() > Some(0), "{dialect}");
            assert_eq!(answer["usage"][field], recorded, "{dialect}");
        }
    }
}

#[tokio::test]
async fn every_formats_stream_comes_in_the_callers_whatever_the_network_makes_of_it() {
    for dialect in DIALECTS {
        let stage = stage_of(dialect).await;
        for behaviour in [
            "a",
            "split-utf8",
            "crlf",
            "no-space",
            "fields",
            "keepalive",
            "gzip",
            "double-done",
            "no-blank-line",
        ] {
            let stream = stage.stream(&format!("other/mock-{behaviour}")).await;
            let place = format!("{dialect} {behaviour}: {}", stream.raw);
            assert_eq!(
                (stream.text().as_str(), stream.done_marks()),
                (EXPECTED, 1),
                "{place}"
            );
            assert!(
                stream.chunks().iter().all(|chunk| chunk["usage"].is_null()),
                "{place}"
            );
            let spans = stage.sink.trace(stream.trace_id()).await;
            assert_eq!(
                attribute(&spans[1], "gen_ai.usage.output_tokens"),
                json!(14),
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
async fn an_answer_that_said_why_it_ended_needs_no_end_mark() {
    // Of the others, the end mark is what says why.
    for dialect in ["anthropic", "gemini", "bedrock", "vertex"] {
        let stream = stage_of(dialect).await.stream("other/mock-missing-done").await;
        assert_eq!(
            (stream.text().as_str(), stream.done_marks()),
            (EXPECTED, 1),
            "{dialect}: {}",
            stream.raw
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
async fn tools_are_called_in_parallel_and_their_results_taken_back_in_every_format() {
    for dialect in DIALECTS {
        let stage = stage_of(dialect).await;
        let tool = |name: &str| json!({ "type": "function", "function": { "name": name, "parameters": { "type": "object" } } });
        let mut body = streamed("other/mock-reason");
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
        let mut made = Vec::new();
        for (index, name) in [(0, "weather"), (1, "time")] {
            let of_call = || calls.iter().filter(|call| call["index"] == index);
            let named: Vec<_> = of_call().filter(|call| !call["id"].is_null()).collect();
            assert_eq!(named.len(), 1, "{dialect}");
            assert_eq!(named[0]["function"]["name"], name, "{dialect}");
            let arguments: String = of_call()
                .filter_map(|call| call["function"]["arguments"].as_str())
                .collect();
            let read: Value = serde_json::from_str(&arguments).unwrap();
            assert_eq!(read, json!({ "query": format!("naïve {index}") }), "{dialect}");
            made.push(
                json!({ "id": named[0]["id"], "type": "function", "extra_content": named[0]["extra_content"],
                "function": { "name": name, "arguments": arguments } }),
            );
        }
        assert_eq!(
            chunks.last().unwrap()["choices"][0]["finish_reason"],
            "tool_calls",
            "{dialect}"
        );
        let ids: Vec<Value> = made.iter().map(|call| call["id"].clone()).collect();
        body["stream"] = json!(false);
        body["max_tokens"] = json!(50);
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(json!({ "role": "assistant", "content": null, "tool_calls": made }));
        messages.extend(
            ids.iter()
                .map(|id| json!({ "role": "tool", "tool_call_id": id, "content": "sunny" })),
        );
        let response = stage.send(&body).await;
        assert_eq!(header(response.headers(), "x-brokle-adapted"), "", "{dialect}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(
            answer["choices"][0]["finish_reason"], "stop",
            "{dialect}: {answer}"
        );
    }
}

#[tokio::test]
async fn thinking_comes_with_the_signature_that_it_needs_to_be_taken_back() {
    let mut body = streamed("other/mock-reason");
    body["tools"] = json!([{ "type": "function", "function": { "name": "weather" } }]);
    for (dialect, pointer) in [
        ("anthropic", "/reasoning_details/0/signature"),
        ("gemini", "/tool_calls/0/extra_content/google/thought_signature"),
        ("bedrock", "/reasoning_details/0/signature"),
        ("vertex", "/tool_calls/0/extra_content/google/thought_signature"),
        ("responses", "/reasoning_details/0/data"),
    ] {
        let stage = stage_of(dialect).await;
        let stream = Streamed::read(stage.send(&body).await).await;
        let chunks = stream.chunks();
        let deltas = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]);
        let signed: Vec<_> = deltas
            .filter_map(|delta| delta.pointer(pointer)?.as_str())
            .collect();
        let expected = if dialect == "responses" {
            "c2VhbGVk"
        } else {
            "c2lnbmVk"
        };
        assert_eq!(signed, [expected], "{dialect}");
    }
}

#[tokio::test]
async fn failures_reach_the_caller_in_its_own_format_whoever_failed() {
    for (dialect, words) in [
        (
            "anthropic",
            [
                "invalid_request_error",
                "not_found_error",
                "rate_limit_error",
                "overloaded_error",
            ],
        ),
        (
            "gemini",
            [
                "invalid_argument",
                "not_found",
                "resource_exhausted",
                "unavailable",
            ],
        ),
        (
            "cohere",
            [
                "invalid_request",
                "model_not_found",
                "rate_limited",
                "provider_error",
            ],
        ),
        (
            "bedrock",
            [
                "invalid_request",
                "model_not_found",
                "rate_limited",
                "provider_error",
            ],
        ),
        (
            "vertex",
            [
                "invalid_argument",
                "not_found",
                "resource_exhausted",
                "unavailable",
            ],
        ),
        (
            "responses",
            [
                "fake_failure",
                "model_not_found",
                "rate_limit_exceeded",
                "fake_failure",
            ],
        ),
    ] {
        let stage = stage_of(dialect).await;
        let [wrong, missing, limited, overloaded] = words;
        for (behaviour, status, code) in [
            ("400", 400, wrong),
            ("404", 404, missing),
            ("429", 429, limited),
            ("529", 529, overloaded),
            ("401", 502, "provider_credential_refused"),
            ("html", 502, "provider_error"),
            ("malformed", 502, "malformed_answer"),
        ] {
            let response = stage.ask(&format!("other/mock-{behaviour}")).await;
            assert_eq!(response.status(), status, "{dialect} {behaviour}");
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["error"]["code"], code, "{dialect} {behaviour}: {body}");
            assert!(body.get("type").is_none(), "{body}");
        }
        let response = stage.ask("other/mock-200-then-error").await;
        assert!(
            response.status().is_server_error(),
            "{dialect}: {}",
            response.status()
        );
    }
}

#[tokio::test]
async fn a_stream_that_breaks_says_so_and_has_no_end_mark() {
    for dialect in DIALECTS {
        let stage = stage_of(dialect).await;
        for behaviour in [
            "cut",
            "end-early",
            "cut-frame",
            "error-after-content",
            "malformed-later",
        ] {
            let stream = stage.stream(&format!("other/mock-{behaviour}")).await;
            assert_eq!(stream.done_marks(), 0, "{dialect} {behaviour}: {}", stream.raw);
            assert!(
                stream.error().is_object(),
                "{dialect} {behaviour}: {}",
                stream.raw
            );
        }
    }
}

#[tokio::test]
async fn azure_is_openais_format_at_another_address_with_another_header() {
    let stage = stage_of("azure").await;
    let stream = stage.stream("other/mock-a").await;
    assert_eq!(
        (stream.text().as_str(), stream.done_marks()),
        (EXPECTED, 1),
        "{}",
        stream.raw
    );
    let seen = stage.provider.requests().remove(0);
    assert_eq!(
        (seen.path.as_str(), seen.header("api-key")),
        ("/v1/chat/completions", "sk-second")
    );
    assert_eq!(
        (
            seen.header("authorization"),
            seen.json()["stream_options"]["include_usage"].as_bool()
        ),
        ("", Some(true))
    );
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
