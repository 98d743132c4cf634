//! Requests side by side: what callers of `OpenAI`'s format say, and what Anthropic is to be told.

use super::*;

fn translated(body: &Value, model: &str) -> (Value, Vec<&'static str>) {
    let out = translate(body.as_object().unwrap().clone(), Vec::new(), model, false).unwrap();
    (serde_json::from_slice(&out.body).unwrap(), out.adapted)
}

fn refused(body: &Value) -> String {
    translate(
        body.as_object().unwrap().clone(),
        Vec::new(),
        "claude-opus-4-6",
        false,
    )
    .unwrap_err()
    .message
}

fn asking(extra: &Value) -> Value {
    let mut body =
        json!({ "model": "m", "max_tokens": 100, "messages": [{ "role": "user", "content": "hi" }] });
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn a_conversation_with_tools_images_and_documents_keeps_everything() {
    let body = json!({
        "model": "fast", "max_completion_tokens": 500, "user": "u1", "stop": "END", "temperature": 0.5,
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "developer", "content": [{ "type": "text", "text": "No jokes.",
                "cache_control": { "type": "ephemeral" } }] },
            { "role": "user", "content": [
                { "type": "text", "text": "What is this?" },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } },
                { "type": "image_url", "image_url": { "url": "https://example.test/a.png", "detail": "low" } },
                { "type": "file", "file": { "filename": "a.pdf",
                    "file_data": "data:application/pdf;base64,BBBB" } },
            ] },
            { "role": "user", "content": "And the weather?" },
            { "role": "assistant", "content": null,
                "reasoning_details": [{ "type": "reasoning.text", "text": "hm", "signature": "s" },
                    { "type": "reasoning.text", "text": "unsigned" },
                    { "type": "reasoning.encrypted", "data": "x" }],
                "tool_calls": [
                    { "id": "c1", "type": "function", "function": { "name": "weather", "arguments": "{\"a\":1}" } },
                    { "id": "c2", "type": "function", "function": { "name": "time", "arguments": "" } } ] },
            { "role": "tool", "tool_call_id": "c1", "content": "sunny" },
            { "role": "tool", "tool_call_id": "c2", "content": [{ "type": "text", "text": "noon" }] },
        ],
        "tools": [{ "type": "function", "function": { "name": "weather", "description": "d",
            "parameters": { "type": "object" } } }, { "type": "function", "function": { "name": "time" } }],
        "tool_choice": "required", "parallel_tool_calls": false,
    });
    let (out, adapted) = translated(&body, "claude-opus-4-6");
    assert_eq!(
        out,
        json!({
            "model": "claude-opus-4-6", "max_tokens": 500, "temperature": 0.5, "stop_sequences": ["END"],
            "metadata": { "user_id": "u1" },
            "system": [{ "type": "text", "text": "Be brief." },
                { "type": "text", "text": "No jokes.", "cache_control": { "type": "ephemeral" } }],
            "messages": [
                { "role": "user", "content": [
                    { "type": "text", "text": "What is this?" },
                    { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AAAA" } },
                    { "type": "image", "source": { "type": "url", "url": "https://example.test/a.png" } },
                    { "type": "document", "title": "a.pdf",
                        "source": { "type": "base64", "media_type": "application/pdf", "data": "BBBB" } },
                    { "type": "text", "text": "And the weather?" } ] },
                { "role": "assistant", "content": [
                    { "type": "thinking", "thinking": "hm", "signature": "s" },
                    { "type": "redacted_thinking", "data": "x" },
                    { "type": "tool_use", "id": "c1", "name": "weather", "input": { "a": 1 } },
                    { "type": "tool_use", "id": "c2", "name": "time", "input": {} } ] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "c1", "content": [{ "type": "text", "text": "sunny" }] },
                    { "type": "tool_result", "tool_use_id": "c2", "content": [{ "type": "text", "text": "noon" }] } ] },
            ],
            "tools": [{ "name": "weather", "description": "d", "input_schema": { "type": "object" } },
                { "name": "time", "input_schema": { "type": "object", "properties": {} } }],
            "tool_choice": { "type": "any", "disable_parallel_tool_use": true },
        })
    );
    assert!(adapted.is_empty(), "{adapted:?}");
}

#[test]
fn what_the_format_lacks_is_named() {
    let body = json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }],
        "temperature": 1.7, "seed": 3, "logit_bias": { "1": 2 }, "presence_penalty": 0, "made_up": true,
        "response_format": { "type": "json_object" }, "n": 1, "stream_options": { "include_usage": true } });
    let (out, adapted) = translated(&body, "claude-opus-4-6");
    assert_eq!(
        adapted,
        [
            "max_tokens",
            "response_format",
            "temperature",
            "logit_bias",
            "seed",
            "unknown_fields"
        ]
    );
    assert_eq!(
        (out["max_tokens"].as_u64(), out["temperature"].as_f64()),
        (Some(4096), Some(1.0))
    );
    assert!(out["system"][0]["text"].as_str().unwrap().contains("JSON"));
}

#[test]
fn what_would_be_missing_from_the_answer_is_refused() {
    for (extra, word) in [
        (json!({ "n": 2 }), "`n`"),
        (json!({ "logprobs": true }), "`logprobs`"),
        (json!({ "modalities": ["text", "audio"] }), "`modalities`"),
        (json!({ "functions": [{}] }), "`functions`"),
        (
            json!({ "tools": [{ "type": "custom", "custom": {} }] }),
            "custom tools",
        ),
        (
            json!({ "messages": [{ "role": "user", "content": [{ "type": "input_audio" }] }] }),
            "messages[0]",
        ),
        (
            json!({ "messages": [{ "role": "tool", "content": "x" }] }),
            "tool_call_id",
        ),
        (
            json!({ "messages": [{ "role": "assistant", "tool_calls": [{ "id": "c",
            "function": { "name": "f", "arguments": "[1]" } }] }] }),
            "arguments",
        ),
        (json!({ "messages": "hi" }), "`messages` must be an array"),
        (json!({ "stop": 3 }), "`stop` must be"),
    ] {
        let message = refused(&asking(&extra));
        assert!(message.contains(word), "{extra}: {message}");
    }
}

#[test]
fn effort_becomes_a_budget_on_top_of_the_answers_bound_or_an_effort() {
    let body = asking(&json!({ "reasoning_effort": "medium", "temperature": 0.2, "top_p": 0.9 }));
    let (old, adapted) = translated(&body, "claude-sonnet-4-5");
    assert_eq!(
        old["thinking"],
        json!({ "type": "enabled", "budget_tokens": 2048 })
    );
    assert_eq!(old["max_tokens"], 2148);
    assert_eq!(adapted, ["temperature", "top_p"]);
    assert!(old.get("temperature").is_none() && old.get("top_p").is_none());
    let (new, _) = translated(&body, "claude-opus-4-6");
    assert_eq!(new["thinking"], json!({ "type": "adaptive" }));
    assert_eq!(
        (
            new["output_config"]["effort"].as_str(),
            new["max_tokens"].as_u64()
        ),
        (Some("medium"), Some(100))
    );
    let forced = json!({ "reasoning_effort": "high", "tool_choice": "required",
        "tools": [{ "type": "function", "function": { "name": "f" } }] });
    let (out, adapted) = translated(&asking(&forced), "claude-sonnet-4-5");
    assert!(out.get("thinking").is_none());
    assert_eq!(adapted, ["reasoning_effort"]);
}

#[test]
fn a_schema_for_the_answer_and_anthropics_own_fields_pass() {
    let body = asking(
        &json!({ "top_k": 5, "thinking": { "type": "disabled" }, "service_tier": "default",
        "response_format": { "type": "json_schema", "json_schema": { "name": "n", "schema": { "type": "object" } } } }),
    );
    let (out, adapted) = translated(&body, "claude-opus-4-6");
    assert_eq!(
        out["output_config"],
        json!({ "format": { "type": "json_schema", "schema": { "type": "object" } } })
    );
    assert_eq!(
        (out["top_k"].as_u64(), out["thinking"]["type"].as_str()),
        (Some(5), Some("disabled"))
    );
    assert_eq!(out["service_tier"], "standard_only");
    assert!(adapted.is_empty(), "{adapted:?}");
}
