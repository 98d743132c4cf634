use super::*;

fn message(kind: &str, name: &str, payload: &Value) -> Bytes {
    let mut headers = Vec::new();
    let type_name = if kind == "event" {
        ":event-type"
    } else {
        ":exception-type"
    };
    for (name, value) in [(":message-type", kind), (type_name, name)] {
        headers.push(u8::try_from(name.len()).unwrap());
        headers.extend_from_slice(name.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let payload = payload.to_string();
    let total = u32::try_from(16 + headers.len() + payload.len()).unwrap();
    let mut out = total.to_be_bytes().to_vec();
    out.extend_from_slice(&u32::try_from(headers.len()).unwrap().to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&headers);
    out.extend_from_slice(payload.as_bytes());
    out.extend_from_slice(&[0; 4]);
    Bytes::from(out)
}

fn frames(messages: &[Bytes]) -> Vec<Bytes> {
    let mut stream = Stream::new("amazon.nova-pro-v1:0", 9);
    let mut out = VecDeque::new();
    for message in messages {
        stream.push(message, &mut out);
    }
    out.into()
}

fn data(frame: &Bytes) -> Value {
    serde_json::from_slice(&sse::parse(frame).data.unwrap()).unwrap()
}

#[test]
fn thought_text_and_parallel_calls_become_chunks() {
    let event = |name: &str, payload: Value| message("event", name, &payload);
    let delta = |index: u64, delta: Value| {
        event(
            "contentBlockDelta",
            json!({ "contentBlockIndex": index, "delta": delta, "p": "abc" }),
        )
    };
    let call = |index: u64, id: &str, name: &str| {
        event(
            "contentBlockStart",
            json!({ "contentBlockIndex": index,
            "start": { "toolUse": { "toolUseId": id, "name": name } } }),
        )
    };
    let frames = frames(&[
        event("messageStart", json!({ "role": "assistant" })),
        delta(0, json!({ "reasoningContent": { "text": "hm" } })),
        delta(0, json!({ "reasoningContent": { "signature": "sig" } })),
        delta(1, json!({ "reasoningContent": { "redactedContent": "eHl6" } })),
        event("contentBlockStop", json!({ "contentBlockIndex": 1 })),
        delta(2, json!({ "text": "Hé" })),
        call(3, "t1", "weather"),
        delta(3, json!({ "toolUse": { "input": "{\"a\":" } })),
        delta(3, json!({ "toolUse": { "input": "1}" } })),
        call(4, "t2", "time"),
        event("messageStop", json!({ "stopReason": "tool_use" })),
        event(
            "metadata",
            json!({ "usage": { "inputTokens": 5, "outputTokens": 6, "totalTokens": 11,
            "cacheReadInputTokens": 2 }, "metrics": { "latencyMs": 1 } }),
        ),
    ]);
    assert_eq!(frames.last().map(|frame| &frame[..]), Some(sse::DONE));
    let chunks: Vec<Value> = frames[..frames.len() - 1].iter().map(data).collect();
    assert!(chunks.iter().all(|chunk| chunk["id"] == chunks[0]["id"]));
    let deltas: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    assert_eq!(*deltas[0], json!({ "role": "assistant", "content": "" }));
    assert_eq!(
        *deltas[1],
        json!({ "reasoning_content": "hm",
            "reasoning_details": [{ "type": "reasoning.text", "text": "hm", "index": 0 }] })
    );
    assert_eq!(
        *deltas[2],
        json!({ "reasoning_details": [{ "type": "reasoning.text", "signature": "sig", "index": 0 }] })
    );
    assert_eq!(
        *deltas[3],
        json!({ "reasoning_details": [{ "type": "reasoning.encrypted", "data": "eHl6", "index": 1 }] })
    );
    assert_eq!(*deltas[4], json!({ "content": "Hé" }));
    assert_eq!(
        *deltas[5],
        json!({ "tool_calls": [{ "index": 0, "id": "t1", "type": "function",
            "function": { "name": "weather", "arguments": "" } }] })
    );
    assert_eq!(
        *deltas[7],
        json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "1}" } }] })
    );
    assert_eq!(deltas[8]["tool_calls"][0]["index"], 1);
    assert_eq!(chunks[9]["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(
        (&chunks[10]["choices"], &chunks[10]["usage"]["prompt_tokens"]),
        (&json!([]), &json!(7))
    );
}

#[test]
fn exceptions_are_errors_in_words_that_are_understood() {
    for (exception, code) in [
        ("throttlingException", "rate_limit_exceeded"),
        ("validationException", "invalid_request_error"),
        ("modelStreamErrorException", "server_error"),
        ("serviceUnavailableException", "overloaded"),
    ] {
        let frames = frames(&[message("exception", exception, &json!({ "message": "no" }))]);
        let error = &data(&frames[0])["error"];
        assert_eq!((&error["code"], &error["message"]), (&json!(code), &json!("no")));
    }
    let frames = frames(&[message(
        "event",
        "messageStop",
        &json!({ "stopReason": "malformed_tool_use" }),
    )]);
    assert!(data(&frames[0])["error"].is_object());
}
