use super::*;

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn translated(body: &Value, model: &str) -> (Value, Vec<&'static str>) {
    let out = translate(body.as_object().unwrap().clone(), Vec::new(), model).unwrap();
    (serde_json::from_slice(&out.body).unwrap(), out.adapted)
}

fn refusal(body: &Value) -> String {
    translate(body.as_object().unwrap().clone(), Vec::new(), CLAUDE)
        .unwrap_err()
        .message
}

#[test]
fn a_conversation_with_everything_in_it_keeps_everything() {
    let (out, adapted) = translated(
        &json!({
            "model": "fast", "max_completion_tokens": 50, "temperature": 0.5, "top_p": 0.9, "top_k": 3,
            "stop": "END", "service_tier": "flex", "metadata": { "team": "a" },
            "messages": [
                { "role": "developer", "content": [
                    { "type": "text", "text": "Be brief.", "cache_control": { "type": "ephemeral", "ttl": "1h" } }] },
                { "role": "user", "content": [
                    { "type": "text", "text": "look", "cache_control": { "type": "ephemeral" } },
                    { "type": "image_url", "image_url": { "url": "data:image/jpg;base64,AAAA" } },
                    { "type": "file", "file": { "filename": "my_great  report!.pdf",
                        "file_data": "data:application/pdf;base64,BBBB" } }] },
                { "role": "assistant", "content": null, "refusal": null,
                  "reasoning_details": [
                    { "type": "reasoning.text", "text": "hm", "signature": "sig", "index": 0 },
                    { "type": "reasoning.encrypted", "data": "eHl6", "index": 1 },
                    { "type": "reasoning.text", "text": "unsigned", "index": 2 }],
                  "tool_calls": [
                    { "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{\"a\":1}" } },
                    { "id": "c2", "type": "function", "function": { "name": "g", "arguments": "" } }] },
                { "role": "tool", "tool_call_id": "c1", "content": "sunny" },
                { "role": "tool", "tool_call_id": "c2", "content": "" },
                { "role": "user", "content": "and now?" } ],
            "tools": [
                { "type": "function", "function": { "name": "f", "description": "finds", "strict": true,
                    "parameters": { "type": "object", "properties": { "a": { "type": "number" } } } },
                  "cache_control": { "type": "ephemeral" } },
                { "type": "function", "function": { "name": "g", "description": "" } }],
            "tool_choice": "required",
            "response_format": { "type": "json_schema", "json_schema": { "name": "answer",
                "schema": { "type": "object" } } },
        }),
        CLAUDE,
    );
    assert_eq!(adapted, [""; 0]);
    assert_eq!(
        out,
        json!({
            "outputConfig": { "textFormat": { "type": "json_schema", "structure": { "jsonSchema": {
                "schema": "{\"type\":\"object\"}", "name": "answer" } } } },
            "toolConfig": {
                "tools": [
                    { "toolSpec": { "name": "f", "inputSchema": { "json": { "type": "object",
                        "properties": { "a": { "type": "number" } } } }, "description": "finds", "strict": true } },
                    { "cachePoint": { "type": "default" } },
                    { "toolSpec": { "name": "g", "inputSchema": { "json": { "type": "object", "properties": {} } } } }],
                "toolChoice": { "any": {} } },
            "inferenceConfig": { "maxTokens": 50, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"] },
            "serviceTier": { "type": "flex" },
            "requestMetadata": { "team": "a" },
            "additionalModelRequestFields": { "top_k": 3 },
            "system": [{ "text": "Be brief." }, { "cachePoint": { "type": "default", "ttl": "1h" } }],
            "messages": [
                { "role": "user", "content": [
                    { "text": "look" }, { "cachePoint": { "type": "default" } },
                    { "image": { "format": "jpeg", "source": { "bytes": "AAAA" } } },
                    { "document": { "format": "pdf", "name": "my great report", "source": { "bytes": "BBBB" } } }] },
                { "role": "assistant", "content": [
                    { "reasoningContent": { "reasoningText": { "text": "hm", "signature": "sig" } } },
                    { "reasoningContent": { "redactedContent": "eHl6" } },
                    { "toolUse": { "toolUseId": "c1", "name": "f", "input": { "a": 1 } } },
                    { "toolUse": { "toolUseId": "c2", "name": "g", "input": {} } }] },
                { "role": "user", "content": [
                    { "toolResult": { "toolUseId": "c1", "content": [{ "text": "sunny" }] } },
                    { "toolResult": { "toolUseId": "c2", "content": [{ "text": "" }] } },
                    { "text": "and now?" }] } ],
        })
    );
}

#[test]
fn each_maker_is_asked_to_think_in_its_own_words() {
    let ask = |model: &str, effort: &str| {
        let (mut out, adapted) = translated(
            &json!({ "messages": [], "reasoning_effort": effort, "max_tokens": 10 }),
            model,
        );
        (
            out["additionalModelRequestFields"].take(),
            out["inferenceConfig"]["maxTokens"].take(),
            adapted,
        )
    };
    let thinking = json!({ "thinking": { "type": "enabled", "budget_tokens": 1024 } });
    assert_eq!(ask(CLAUDE, "low"), (thinking, json!(1034), vec![]));
    let adaptive = json!({ "thinking": { "type": "adaptive" }, "output_config": { "effort": "high" } });
    assert_eq!(
        ask("anthropic.claude-opus-4-6-v1", "high"),
        (adaptive, json!(10), vec![])
    );
    let plain = json!({ "reasoning_effort": "low" });
    assert_eq!(ask("openai.gpt-oss-120b-1:0", "low"), (plain, json!(10), vec![]));
    let nova = json!({ "reasoningConfig": { "type": "enabled", "maxReasoningEffort": "medium" } });
    assert_eq!(
        ask("amazon.nova-2-lite-v1:0", "medium"),
        (nova, json!(10), vec![])
    );
    assert_eq!(
        ask("meta.llama3-70b-instruct-v1:0", "high"),
        (Value::Null, json!(10), vec!["reasoning_effort"])
    );
    assert_eq!(ask(CLAUDE, "none"), (Value::Null, json!(10), vec![]));
}

#[test]
fn tools_are_offered_where_the_api_insists_on_them_and_left_out_where_none_may_be_called() {
    let call = json!({ "role": "assistant", "tool_calls": [
        { "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{}" } }] });
    let (out, adapted) = translated(&json!({ "messages": [call.clone()] }), CLAUDE);
    assert_eq!(out["toolConfig"]["tools"][0]["toolSpec"]["name"], "f");
    assert_eq!(adapted, ["tools"]);
    let tools = json!([{ "type": "function", "function": { "name": "f" } }]);
    let (out, adapted) = translated(
        &json!({ "messages": [], "tools": tools, "tool_choice": "none" }),
        CLAUDE,
    );
    assert_eq!((out.get("toolConfig"), adapted), (None, vec![]));
    let (out, adapted) = translated(
        &json!({ "messages": [call], "tools": tools, "tool_choice": "none" }),
        CLAUDE,
    );
    assert_eq!(
        (out["toolConfig"].get("toolChoice"), adapted),
        (None, vec!["tool_choice"])
    );
    let one = json!({ "type": "function", "function": { "name": "f" } });
    let (out, _) = translated(
        &json!({ "messages": [], "tools": tools, "tool_choice": one }),
        CLAUDE,
    );
    assert_eq!(
        out["toolConfig"]["toolChoice"],
        json!({ "tool": { "name": "f" } })
    );
}

#[test]
fn what_cannot_be_expressed_is_named_or_refused() {
    let (out, adapted) = translated(
        &json!({ "messages": [], "user": "u", "parallel_tool_calls": false, "temperature": 1.7, "seed": 5,
            "response_format": { "type": "json_object" }, "logit_bias": { "1": 2 } }),
        CLAUDE,
    );
    assert_eq!(
        adapted,
        [
            "response_format",
            "parallel_tool_calls",
            "temperature",
            "user",
            "logit_bias",
            "seed"
        ]
    );
    assert_eq!(out["inferenceConfig"]["temperature"], 1.0);
    let user = |part: Value| json!({ "messages": [{ "role": "user", "content": [part] }] });
    for (body, word) in [
        (json!({ "messages": [], "n": 2 }), "`n`"),
        (json!({ "messages": [], "logprobs": true }), "`logprobs`"),
        (
            user(json!({ "type": "image_url", "image_url": { "url": "https://x/y.png" } })),
            "data URL",
        ),
        (
            user(
                json!({ "type": "file", "file": { "filename": "x.zip", "file_data": "data:application/zip;base64,A" } }),
            ),
            "kind",
        ),
        (
            user(json!({ "type": "file", "file": { "file_id": "file-1" } })),
            "`file_data`",
        ),
        (
            json!({ "messages": [], "tools": [{ "type": "custom" }] }),
            "function tools",
        ),
    ] {
        let refusal = refusal(&body);
        assert!(refusal.contains(word), "{refusal}");
    }
}

#[test]
fn the_makers_own_bound_on_choices_goes_where_it_is_read() {
    let (out, _) = translated(&json!({ "messages": [], "top_k": 3 }), "amazon.nova-pro-v1:0");
    assert_eq!(
        out["additionalModelRequestFields"],
        json!({ "inferenceConfig": { "topK": 3 } })
    );
}
