//! Streams as the API sends them, and the chunks that come of them.

use super::*;

fn run(events: &[Value]) -> Vec<Value> {
    let mut stream = Stream::new("asked", 9);
    let mut out = VecDeque::new();
    for event in events {
        let kind = event["type"].as_str().unwrap();
        let frame = Bytes::from(format!("event: {kind}\ndata: {event}\n\n"));
        stream.push(&frame, &mut out);
    }
    let data = |frame: &Bytes| {
        let text = std::str::from_utf8(frame).unwrap().trim();
        let text = text.strip_prefix("data: ").unwrap();
        serde_json::from_str(text).unwrap_or_else(|_| json!(text))
    };
    out.iter().map(data).collect()
}

fn start() -> Value {
    json!({ "type": "message_start", "message": { "id": "msg_1", "model": "claude-x", "role": "assistant",
        "content": [], "usage": { "input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1 } } })
}

fn delta(index: u64, delta: &Value) -> Value {
    json!({ "type": "content_block_delta", "index": index, "delta": delta })
}

fn end(reason: &str) -> [Value; 2] {
    [
        json!({ "type": "message_delta", "delta": { "stop_reason": reason }, "usage": { "output_tokens": 42 } }),
        json!({ "type": "message_stop" }),
    ]
}

#[test]
fn thought_text_and_parallel_calls_become_chunks() {
    let mut events = vec![
        start(),
        json!({ "type": "ping" }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "thinking", "thinking": "" } }),
        delta(0, &json!({ "type": "thinking_delta", "thinking": "hm" })),
        delta(0, &json!({ "type": "signature_delta", "signature": "sig" })),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "content_block_start", "index": 1,
            "content_block": { "type": "redacted_thinking", "data": "enc" } }),
        json!({ "type": "content_block_start", "index": 2, "content_block": { "type": "text", "text": "" } }),
        delta(2, &json!({ "type": "text_delta", "text": "Hé" })),
        json!({ "type": "content_block_start", "index": 3,
            "content_block": { "type": "tool_use", "id": "t1", "name": "f", "input": {} } }),
        delta(3, &json!({ "type": "input_json_delta", "partial_json": "" })),
        delta(
            3,
            &json!({ "type": "input_json_delta", "partial_json": "{\"a\":1}" }),
        ),
        json!({ "type": "content_block_start", "index": 4,
            "content_block": { "type": "tool_use", "id": "t2", "name": "g", "input": {} } }),
        json!({ "type": "a_kind_of_the_future" }),
    ];
    events.extend(end("tool_use"));
    let chunks = run(&events);
    let deltas: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    let call = |index: u64, id: &str, name: &str| {
        json!({ "tool_calls": [{ "index": index, "id": id, "type": "function",
            "function": { "name": name, "arguments": "" } }] })
    };
    let piece = |text: &str| json!({ "tool_calls": [{ "index": 0, "function": { "arguments": text } }] });
    let detail = |detail: Value| json!({ "reasoning_details": [detail] });
    let expected = [
        json!({ "role": "assistant", "content": "" }),
        json!({ "reasoning_content": "hm",
            "reasoning_details": [{ "type": "reasoning.text", "text": "hm", "index": 0 }] }),
        detail(json!({ "type": "reasoning.text", "signature": "sig", "index": 0 })),
        detail(json!({ "type": "reasoning.encrypted", "data": "enc", "index": 1 })),
        json!({ "content": "Hé" }),
        call(0, "t1", "f"),
        piece(""),
        piece("{\"a\":1}"),
        call(1, "t2", "g"),
        json!({}),
    ];
    for (number, (found, expected)) in deltas.iter().zip(&expected).enumerate() {
        assert_eq!(*found, expected, "chunk {number}");
    }
    assert_eq!(chunks.len(), expected.len() + 2);
    assert_eq!(chunks[9]["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(chunks[10]["choices"], json!([]));
    assert_eq!(
        (
            chunks[10]["usage"]["prompt_tokens"].as_u64(),
            chunks[10]["usage"]["completion_tokens"].as_u64()
        ),
        (Some(15), Some(42))
    );
    assert_eq!(chunks[11], "[DONE]");
    for chunk in &chunks[..11] {
        assert_eq!(
            (&chunk["id"], &chunk["model"], &chunk["created"]),
            (&json!("msg_1"), &json!("claude-x"), &json!(9))
        );
    }
}

#[test]
fn an_error_event_becomes_an_error_and_a_stream_without_an_end_gets_no_end_mark() {
    let overloaded =
        json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
    let chunks = run(&[start(), overloaded, json!({ "type": "message_stop" })]);
    assert_eq!(chunks.len(), 2);
    assert_eq!(chunks[1]["error"]["code"], "overloaded_error");
}

#[test]
fn a_frame_that_is_not_json_is_left_for_the_reader_to_find() {
    let mut stream = Stream::new("m", 0);
    let mut out = VecDeque::new();
    let frame = Bytes::from_static(b"event: x\ndata: {oops\n\n");
    stream.push(&frame, &mut out);
    stream.push(&Bytes::from_static(b": comment\n\n"), &mut out);
    assert_eq!(out, [frame]);
}
