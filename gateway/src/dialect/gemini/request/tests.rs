//! Requests side by side: what callers of `OpenAI`'s format say, and what Gemini is to be told.

use super::*;

fn translated(body: &Value, model: &str) -> (Value, Vec<&'static str>) {
    let out = translate(body.as_object().unwrap().clone(), Vec::new(), model).unwrap();
    (serde_json::from_slice(&out.body).unwrap(), out.adapted)
}

#[test]
fn a_conversation_with_tools_images_and_audio_keeps_everything() {
    let body = json!({
        "model": "fast", "max_tokens": 500, "stop": ["END"], "temperature": 0.5, "top_p": 0.9, "seed": 7,
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": [
                { "type": "text", "text": "What is this?" },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } },
                { "type": "image_url", "image_url": { "url": "https://example.test/a.JPG?x=1" } },
                { "type": "input_audio", "input_audio": { "data": "CCCC", "format": "mp3" } },
                { "type": "file", "file": { "file_data": "data:application/pdf;base64,BBBB" } } ] },
            { "role": "assistant", "content": null, "tool_calls": [
                { "id": "c1", "type": "function", "function": { "name": "weather", "arguments": "{\"a\":1}" },
                  "extra_content": { "google": { "thought_signature": "sig" } } },
                { "id": "c2", "type": "function", "function": { "name": "time", "arguments": "" } } ] },
            { "role": "tool", "tool_call_id": "c2", "content": "{\"hour\":12}" },
            { "role": "tool", "tool_call_id": "c1", "content": "sunny" },
            { "role": "user", "content": "Go on." },
        ],
        "tools": [{ "type": "function", "function": { "name": "weather", "description": "d",
            "parameters": { "type": "object" } } }, { "type": "function", "function": { "name": "time" } }],
        "tool_choice": { "type": "function", "function": { "name": "weather" } },
        "response_format": { "type": "json_schema", "json_schema": { "schema": { "type": "object" } } },
        "reasoning_effort": "medium",
    });
    let (out, adapted) = translated(&body, "gemini-3-pro");
    assert_eq!(
        out,
        json!({
            "systemInstruction": { "parts": [{ "text": "Be brief." }] },
            "contents": [
                { "role": "user", "parts": [
                    { "text": "What is this?" },
                    { "inlineData": { "mimeType": "image/png", "data": "AAAA" } },
                    { "fileData": { "fileUri": "https://example.test/a.JPG?x=1", "mimeType": "image/jpeg" } },
                    { "inlineData": { "mimeType": "audio/mp3", "data": "CCCC" } },
                    { "inlineData": { "mimeType": "application/pdf", "data": "BBBB" } } ] },
                { "role": "model", "parts": [
                    { "functionCall": { "name": "weather", "args": { "a": 1 } }, "thoughtSignature": "sig" },
                    { "functionCall": { "name": "time", "args": {} } } ] },
                { "role": "user", "parts": [
                    { "functionResponse": { "name": "time", "response": { "hour": 12 } } },
                    { "functionResponse": { "name": "weather", "response": { "result": "sunny" } } },
                    { "text": "Go on." } ] },
            ],
            "tools": [{ "functionDeclarations": [
                { "name": "weather", "description": "d", "parametersJsonSchema": { "type": "object" } },
                { "name": "time" } ] }],
            "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["weather"] } },
            "generationConfig": { "maxOutputTokens": 500, "temperature": 0.5, "topP": 0.9, "seed": 7,
                "stopSequences": ["END"], "responseMimeType": "application/json",
                "responseJsonSchema": { "type": "object" },
                "thinkingConfig": { "thinkingLevel": "medium", "includeThoughts": true } },
        })
    );
    assert!(adapted.is_empty(), "{adapted:?}");
}

#[test]
fn a_signature_that_was_lost_is_replaced_and_named() {
    let body = json!({ "messages": [{ "role": "assistant", "tool_calls": [
        { "id": "c", "function": { "name": "f", "arguments": "{}" } } ] }], "parallel_tool_calls": false, "user": "u" });
    let (out, adapted) = translated(&body, "gemini-2.5-flash");
    assert_eq!(
        out["contents"][0]["parts"][0]["thoughtSignature"],
        "skip_thought_signature_validator"
    );
    assert_eq!(adapted, ["thought_signature", "parallel_tool_calls", "user"]);
}

#[test]
fn effort_is_a_budget_for_older_models() {
    for (effort, budget) in [("none", 0), ("low", 1024), ("high", 24_576)] {
        let (out, _) = translated(
            &json!({ "messages": [], "reasoning_effort": effort }),
            "gemini-2.5-flash",
        );
        assert_eq!(
            out["generationConfig"]["thinkingConfig"]["thinkingBudget"],
            budget
        );
    }
}

#[test]
fn what_cannot_be_expressed_is_refused() {
    for (body, word) in [
        (json!({ "messages": [], "n": 2 }), "`n`"),
        (json!({ "messages": [], "logprobs": true }), "`logprobs`"),
        (
            json!({ "messages": [{ "role": "tool", "tool_call_id": "x", "content": "y" }] }),
            "no message before it",
        ),
        (
            json!({ "messages": [], "tools": [{ "type": "custom" }] }),
            "function tools",
        ),
    ] {
        let refusal = translate(body.as_object().unwrap().clone(), Vec::new(), "m").unwrap_err();
        assert!(refusal.message.contains(word), "{refusal}");
    }
}
