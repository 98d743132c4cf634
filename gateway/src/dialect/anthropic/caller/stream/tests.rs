//! Chunks in, events out; and the rules of the format over whatever comes.

use super::*;

fn run(deltas: &[Value], finish: &str) -> Vec<Value> {
    let mut encoder = Encoder::default();
    let mut out = VecDeque::new();
    let mut push = |chunk: Value| encoder.push(format!("data: {chunk}\n\n").as_bytes(), &mut out);
    for delta in deltas {
        push(json!({ "id": "c1", "model": "m", "choices": [{ "index": 0, "delta": delta }] }));
    }
    push(
        json!({ "id": "c1", "model": "m", "choices": [{ "index": 0, "delta": {}, "finish_reason": finish }] }),
    );
    push(json!({ "choices": [], "usage": { "prompt_tokens": 10, "completion_tokens": 4 } }));
    encoder.done(&mut out);
    let read = |frame: &Bytes| {
        let text = std::str::from_utf8(frame).unwrap();
        let (name, data) = text
            .strip_prefix("event: ")
            .unwrap()
            .split_once("\ndata: ")
            .unwrap();
        let data: Value = serde_json::from_str(data.trim()).unwrap();
        assert_eq!(data["type"], name);
        data
    };
    out.iter().map(read).collect()
}

/// Blocks are opened and closed one after the other, numbered without gaps, within one message.
fn check_shape(events: &[Value]) {
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.first(), Some(&"message_start"));
    assert_eq!(&kinds[kinds.len() - 2..], ["message_delta", "message_stop"]);
    let mut open = None;
    let mut next = 0;
    for event in &events[1..events.len() - 2] {
        let index = event["index"].as_u64();
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!((open, index), (None, Some(next)));
                (open, next) = (index, next + 1);
            }
            "content_block_stop" => assert_eq!(open.take(), index),
            "content_block_delta" => assert_eq!(open, index),
            other => panic!("{other}"),
        }
    }
    assert_eq!(open, None);
}

fn input_of_block(events: &[Value], index: u64) -> String {
    events
        .iter()
        .filter(|event| event["index"] == index)
        .filter_map(|event| event["delta"]["partial_json"].as_str())
        .collect()
}

#[test]
fn thought_then_text_are_two_blocks() {
    let events = run(
        &[
            json!({ "role": "assistant", "content": "" }),
            json!({ "reasoning_content": "hm" }),
            json!({ "reasoning_details": [{ "type": "reasoning.text", "signature": "s", "index": 0 }] }),
            json!({ "reasoning_details": [{ "type": "reasoning.encrypted", "data": "x", "index": 1 }] }),
            json!({ "content": "Hé" }),
            json!({ "content": "llo" }),
        ],
        "stop",
    );
    check_shape(&events);
    let starts: Vec<&str> = events
        .iter()
        .filter_map(|event| event["content_block"]["type"].as_str())
        .collect();
    assert_eq!(starts, ["thinking", "redacted_thinking", "text"]);
    let end = &events[events.len() - 2];
    assert_eq!(end["delta"]["stop_reason"], "end_turn");
    assert_eq!(
        (
            end["usage"]["input_tokens"].as_u64(),
            end["usage"]["output_tokens"].as_u64()
        ),
        (Some(10), Some(4))
    );
}

#[test]
fn interleaved_calls_become_blocks_one_after_the_other() {
    let call = |index: u64, id: Option<&str>, arguments: &str| {
        let mut call = json!({ "index": index, "function": { "arguments": arguments } });
        if let Some(id) = id {
            call["id"] = json!(id);
            call["function"]["name"] = json!(format!("f{index}"));
        }
        json!({ "tool_calls": [call] })
    };
    let events = run(
        &[
            call(0, Some("a"), ""),
            call(1, Some("b"), ""),
            call(0, None, "{\"x\""),
            call(1, None, "{\"y\":"),
            call(0, None, ":1}"),
            call(1, None, "2}"),
            call(2, Some("c"), ""),
        ],
        "tool_calls",
    );
    check_shape(&events);
    assert_eq!(input_of_block(&events, 0), "{\"x\":1}");
    assert_eq!(input_of_block(&events, 1), "{\"y\":2}");
    assert_eq!(input_of_block(&events, 2), "{}");
    assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "tool_use");
}

#[test]
fn an_answer_of_nothing_is_a_whole_message() {
    check_shape(&run(&[], "length"));
}
