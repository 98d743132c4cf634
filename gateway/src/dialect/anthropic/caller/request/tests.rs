//! Requests side by side: what Anthropic's clients say, and what other providers are to be told.

use super::*;

fn translated(body: &Value) -> (Value, Vec<&'static str>) {
    let out = translate(body.to_string().as_bytes()).unwrap();
    (Value::Object(out.fields), out.adapted)
}

#[test]
fn a_conversation_with_tools_and_images_keeps_everything() {
    let body = json!({
        "model": "fast", "max_tokens": 500, "stream": true, "metadata": { "user_id": "u1" }, "stop_sequences": ["END"],
        "temperature": 0.5, "system": [{ "type": "text", "text": "Be brief." }],
        "messages": [
            { "role": "user", "content": "hi" },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "hm", "signature": "s" },
                { "type": "thinking", "thinking": "unsigned", "signature": "" },
                { "type": "redacted_thinking", "data": "x" },
                { "type": "text", "text": "Looking." },
                { "type": "tool_use", "id": "t1", "name": "weather", "input": { "a": 1 } } ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t1", "content": [{ "type": "text", "text": "sunny" }] },
                { "type": "text", "text": "What is this?" },
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AAAA" } },
                { "type": "image", "source": { "type": "url", "url": "https://example.test/a.png" } },
                { "type": "document", "title": "a.pdf",
                  "source": { "type": "base64", "media_type": "application/pdf", "data": "BBBB" } } ] },
        ],
        "tools": [{ "name": "weather", "description": "d", "input_schema": { "type": "object" } }],
        "tool_choice": { "type": "any", "disable_parallel_tool_use": true },
        "thinking": { "type": "enabled", "budget_tokens": 2000 },
    });
    let (out, adapted) = translated(&body);
    assert_eq!(
        out,
        json!({
            "model": "fast", "stream": true, "max_completion_tokens": 500, "stop": ["END"], "user": "u1",
            "temperature": 0.5, "reasoning_effort": "medium",
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "hi" },
                { "role": "assistant", "content": "Looking.",
                    "reasoning_details": [
                        { "type": "reasoning.text", "text": "hm", "signature": "s", "index": 0 },
                        { "type": "reasoning.encrypted", "data": "x", "index": 1 } ],
                    "tool_calls": [{ "id": "t1", "type": "function",
                        "function": { "name": "weather", "arguments": "{\"a\":1}" } }] },
                { "role": "tool", "tool_call_id": "t1", "content": "sunny" },
                { "role": "user", "content": [
                    { "type": "text", "text": "What is this?" },
                    { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } },
                    { "type": "image_url", "image_url": { "url": "https://example.test/a.png" } },
                    { "type": "file", "file": { "filename": "a.pdf",
                        "file_data": "data:application/pdf;base64,BBBB" } } ] },
            ],
            "tools": [{ "type": "function", "function": { "name": "weather", "description": "d",
                "parameters": { "type": "object" } } }],
            "tool_choice": "required", "parallel_tool_calls": false,
        })
    );
    assert!(adapted.is_empty(), "{adapted:?}");
}

#[test]
fn what_a_tools_result_cannot_say_is_named_and_what_it_shows_follows_it() {
    let body = json!({ "model": "m", "max_tokens": 1, "messages": [{ "role": "user", "content": [
        { "type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": [
            { "type": "text", "text": "broken" },
            { "type": "image", "source": { "type": "url", "url": "https://example.test/a.png" } } ] } ] }] });
    let (out, adapted) = translated(&body);
    assert_eq!(adapted, ["tool_result.content", "tool_result.is_error"]);
    assert_eq!(
        out["messages"],
        json!([
            { "role": "tool", "tool_call_id": "t1", "content": "broken" },
            { "role": "user", "content": [
                { "type": "image_url", "image_url": { "url": "https://example.test/a.png" } } ] },
        ])
    );
}

#[test]
fn what_only_anthropic_has_is_refused() {
    for (body, word) in [
        (
            json!({ "messages": [], "tools": [{ "type": "web_search_20250305", "name": "web_search" }] }),
            "web_search_20250305",
        ),
        (
            json!({ "messages": [{ "role": "user", "content": [{ "type": "container_upload" }] }] }),
            "container_upload",
        ),
        (json!({ "max_tokens": 3 }), "`messages` must be an array"),
    ] {
        let refusal = translate(body.to_string().as_bytes()).unwrap_err();
        assert!(refusal.message.contains(word), "{refusal}");
    }
}

#[test]
fn efforts_and_schemas_find_their_fields() {
    let body = json!({ "messages": [], "thinking": { "type": "adaptive" },
        "output_config": { "effort": "max", "format": { "type": "json_schema", "schema": { "type": "object" } } } });
    let (out, _) = translated(&body);
    assert_eq!(out["reasoning_effort"], "xhigh");
    assert_eq!(
        out["response_format"]["json_schema"]["schema"],
        json!({ "type": "object" })
    );
}
