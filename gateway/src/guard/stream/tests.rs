use serde_json::{Value, json};

use super::*;
use crate::config::GuardConfig;
use crate::guard::Guards;

const PERSONAL: &str = "name = \"pii\"\naction = \"redact\"\ndetect = [\"personal\", \"secrets\"]";

fn plan(rules: &[&str]) -> Arc<Plan> {
    let configs: Vec<GuardConfig> = rules.iter().map(|rule| toml::from_str(rule).unwrap()).collect();
    let guards = Guards::new(&configs, &|_| None).unwrap();
    Arc::new(Plan {
        input: Vec::new(),
        output: guards.rules,
        fingerprint: String::new(),
    })
}

/// Sends frames one by one. Gives what had gone out after each, and at the end.
fn sent(rules: &[&str], door: Door, frames: &[String]) -> Result<Vec<Vec<String>>, Blocked> {
    let mut guard = StreamGuard::new(&plan(rules), door).unwrap();
    let mut out = Vec::new();
    for frame in frames {
        let mut held = VecDeque::from([Bytes::from(frame.clone())]);
        guard.pass(&mut held)?;
        out.push(texts(held));
    }
    let mut held = VecDeque::new();
    guard.finish(&mut held)?;
    out.push(texts(held));
    Ok(out)
}

fn texts(held: VecDeque<Bytes>) -> Vec<String> {
    held.into_iter()
        .map(|frame| String::from_utf8(frame.to_vec()).unwrap())
        .collect()
}

fn all(rules: &[&str], door: Door, frames: &[String]) -> Vec<String> {
    sent(rules, door, frames).unwrap().concat()
}

fn frame(data: &Value) -> String {
    format!("data: {data}\n\n")
}

fn said(text: &str) -> String {
    frame(
        &json!({ "id": "c", "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": null }] }),
    )
}

fn ended() -> [String; 2] {
    [
        frame(&json!({ "id": "c", "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] })),
        "data: [DONE]\n\n".to_owned(),
    ]
}

fn data(frames: &[String]) -> Vec<Value> {
    let all = frames.iter().filter_map(|frame| {
        let event = sse::parse(frame.as_bytes());
        serde_json::from_slice(&event.data?).ok()
    });
    all.collect()
}

fn content(frames: &[String]) -> String {
    let all = data(frames);
    all.iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect()
}

/// A text cut into pieces of so many characters.
fn pieces(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters
        .chunks(size)
        .map(|piece| piece.iter().collect())
        .collect()
}

#[test]
fn a_stream_that_holds_nothing_keeps_every_byte_and_waits_for_no_more_than_a_word() {
    let text = "The naïve 🦀 said: nothing of that kind, really. ";
    let mut frames: Vec<String> = text.split_inclusive(' ').map(said).collect();
    // Spaced as no serialiser would.
    frames.push(
        "data:{ \"choices\" : [ { \"index\":0, \"delta\":{\"content\":\"1.50 \"} } ] }\r\n\r\n".to_owned(),
    );
    frames.push(": ping\n\n".to_owned());
    frames.extend(ended());
    let out = sent(&[PERSONAL], Door::Chat, &frames).unwrap();
    for (number, after) in out.iter().take(8).enumerate() {
        assert_eq!(after, &[frames[number].clone()], "a whole word goes at once");
    }
    let mut all = out.concat();
    let mut expected = frames;
    // A comment overtakes what waits; nothing else changes.
    all.sort_unstable();
    expected.sort_unstable();
    assert_eq!(all, expected);
}

#[test]
fn what_is_found_is_taken_out_however_it_is_cut() {
    let text = "Hi jane.doe@example.com – pay 4111 1111 1111 1111 🦀 or DE89 3704 0044 0532 0130 00!";
    for size in 1..20 {
        let mut frames: Vec<String> = pieces(text, size).iter().map(|piece| said(piece)).collect();
        let count = frames.len();
        frames.extend(ended());
        let out = all(&[PERSONAL], Door::Chat, &frames);
        assert_eq!(
            content(&out),
            "Hi [EMAIL] – pay [CREDIT_CARD] 🦀 or [IBAN]!",
            "in pieces of {size}"
        );
        assert_eq!(out.len(), count + 2, "no frame is made up or lost");
        assert_eq!(out.last().unwrap(), "data: [DONE]\n\n");
    }
}

#[test]
fn arguments_stay_json_however_they_are_cut() {
    let arguments = r#"{"note":"line\nbob@example.com \"x\" \u00e9\ud83d\ude00","card":4111111111111111,"n":[1,2.5],"k":"a\\b"}"#;
    let expected =
        json!({ "note": "line\n[EMAIL] \"x\" é😀", "card": "[CREDIT_CARD]", "n": [1, 2.5], "k": "a\\b" });
    for size in 1..30 {
        let mut frames: Vec<String> = pieces(arguments, size)
            .iter()
            .map(|piece| {
                frame(&json!({ "choices": [{ "index": 0, "delta":
                    { "tool_calls": [{ "index": 1, "function": { "arguments": piece } }] } }] }))
            })
            .collect();
        frames.extend(ended());
        let out = all(&[PERSONAL], Door::Chat, &frames);
        let joined: String = data(&out)
            .iter()
            .filter_map(|chunk| {
                chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str()
            })
            .collect();
        assert_eq!(
            serde_json::from_str::<Value>(&joined).unwrap(),
            expected,
            "in pieces of {size}: {joined}"
        );
    }
}

#[test]
fn reasoning_does_not_wait_for_the_answer_nor_the_answer_for_it() {
    let thought =
        |text: &str| frame(&json!({ "choices": [{ "index": 0, "delta": { "reasoning_content": text } }] }));
    let frames = [thought("hm"), said("so "), said("it is ")];
    let out = sent(&[PERSONAL], Door::Chat, &frames).unwrap();
    assert_eq!(out[0].len(), 0, "a word may go on");
    assert_eq!(out[1].len(), 2);
    assert_eq!(out[2].len(), 1);
}

#[test]
fn events_of_messages_are_looked_at_block_by_block() {
    let event = |kind: &str, mut data: Value| {
        data["type"] = json!(kind);
        format!("event: {kind}\ndata: {data}\n\n")
    };
    let delta =
        |index: u64, delta: Value| event("content_block_delta", json!({ "index": index, "delta": delta }));
    let frames = [
        event(
            "message_start",
            json!({ "message": { "id": "m", "content": [] } }),
        ),
        event(
            "content_block_start",
            json!({ "index": 0, "content_block": { "type": "text", "text": "" } }),
        ),
        delta(0, json!({ "type": "text_delta", "text": "ask bob@exa" })),
        delta(0, json!({ "type": "text_delta", "text": "mple.com" })),
        event("content_block_stop", json!({ "index": 0 })),
        event(
            "content_block_start",
            json!({ "index": 1, "content_block": { "type": "tool_use", "id": "t", "name": "f", "input": {} } }),
        ),
        delta(
            1,
            json!({ "type": "input_json_delta", "partial_json": "{\"to\":\"bob@exam" }),
        ),
        delta(
            1,
            json!({ "type": "input_json_delta", "partial_json": "ple.com\"}" }),
        ),
        event("content_block_stop", json!({ "index": 1 })),
        event("message_stop", json!({})),
    ];
    let steps = sent(&[PERSONAL], Door::Messages, &frames).unwrap();
    assert_eq!(steps[4].len(), 3, "the block's end lets its text go");
    let out = steps.concat();
    assert_eq!(out.len(), frames.len());
    let all = data(&out);
    let text: String = all
        .iter()
        .filter_map(|event| event["delta"]["text"].as_str())
        .collect();
    assert_eq!(text, "ask [EMAIL]");
    let json: String = all
        .iter()
        .filter_map(|event| event["delta"]["partial_json"].as_str())
        .collect();
    assert_eq!(json, "{\"to\":\"[EMAIL]\"}");
    assert_eq!(out[0], frames[0]);
}

#[test]
fn a_response_tells_no_more_at_its_end_than_in_its_pieces() {
    let event = |number: u64, kind: &str, mut data: Value| {
        data["type"] = json!(kind);
        data["sequence_number"] = json!(number);
        format!("event: {kind}\ndata: {data}\n\n")
    };
    let place = |mut more: Value| {
        more["output_index"] = json!(0);
        more["content_index"] = json!(0);
        more
    };
    let item =
        json!({ "type": "message", "content": [{ "type": "output_text", "text": "to bob@example.com." }] });
    let frames = [
        event(0, "response.created", json!({ "response": { "output": [] } })),
        event(
            1,
            "response.output_text.delta",
            place(json!({ "delta": "to bob@" })),
        ),
        event(
            2,
            "response.output_text.delta",
            place(json!({ "delta": "example.com." })),
        ),
        event(
            3,
            "response.output_text.done",
            place(json!({ "text": "to bob@example.com." })),
        ),
        event(
            4,
            "response.output_item.done",
            json!({ "output_index": 0, "item": item }),
        ),
        event(
            5,
            "response.completed",
            json!({ "response": { "output": [item] } }),
        ),
    ];
    let out = all(&[PERSONAL], Door::Responses, &frames);
    assert!(!out.concat().contains("example.com"), "{out:?}");
    let events = data(&out);
    let numbers: Vec<_> = events
        .iter()
        .map(|event| event["sequence_number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    assert_eq!(
        events[5]["response"]["output"][0]["content"][0]["text"],
        "to [EMAIL]."
    );
}

#[test]
fn a_block_lets_nothing_of_the_finding_out() {
    let rule = "name = \"secrets\"\ndetect = [\"secrets\"]";
    let frames: Vec<String> = pieces("the key is sk-proj-4fKx92hLmQpZ7vTn8RwYb3Cd okay", 3)
        .iter()
        .map(|piece| said(piece))
        .collect();
    let mut guard = StreamGuard::new(&plan(&[rule]), Door::Chat).unwrap();
    let mut out = Vec::new();
    let blocked = frames.iter().find_map(|frame| {
        let mut held = VecDeque::from([Bytes::from(frame.clone())]);
        let blocked = guard.pass(&mut held).err();
        out.extend(texts(held));
        blocked
    });
    assert_eq!(
        blocked.unwrap().to_string(),
        "the guardrail `secrets` refused the answer: api_key"
    );
    assert!("the key is ".starts_with(&content(&out)), "{out:?}");
}

#[test]
fn two_rules_share_a_stream_and_what_may_be_said_stays() {
    let words =
        "name = \"w\"\naction = \"redact\"\nwords = [\"falcon\"]\ntopics = { plan = [\"project blue\"] }";
    let mail = "name = \"m\"\naction = \"redact\"\ndetect = [\"email\"]\nallow = [\"*@ours.example\"]";
    let flag = "name = \"f\"\naction = \"flag\"\npatterns = { ticket = \"T-[0-9]+\" }";
    let text = "Falcon asks me@ours.example and you@theirs.example about Project  Blue, T-12.";
    let mut frames: Vec<String> = pieces(text, 4).iter().map(|piece| said(piece)).collect();
    frames.extend(ended());
    let out = all(&[words, mail, flag], Door::Chat, &frames);
    assert_eq!(
        content(&out),
        "[WORDS] asks me@ours.example and [EMAIL] about [PLAN], T-12."
    );
}

#[test]
fn a_rule_that_wants_the_whole_makes_it_wait() {
    let rule =
        "name = \"shape\"\nstage = \"output\"\njson_schema = '{\"type\":\"object\",\"required\":[\"a\"]}'";
    let plan = plan(&[rule]);
    let mut guard = StreamGuard::new(&plan, Door::Chat).unwrap();
    let mut held = VecDeque::from([said("{\"a\"").into(), said(":1}").into()]);
    guard.pass(&mut held).unwrap();
    assert_eq!(held.len(), 0);
    guard.finish(&mut held).unwrap();
    assert!(guard.waits_for_verdict());
    let texts = guard.said();
    assert_eq!(
        (texts[0].text.as_str(), texts[0].speaker),
        ("{\"a\":1}", Speaker::Assistant)
    );
    guard.let_go(texts, &mut held).unwrap();
    assert_eq!(held.len(), 2);
}

#[test]
fn sealed_reasoning_is_never_changed() {
    let event = |text: &str| {
        format!(
            "event: content_block_delta\ndata: {}\n\n",
            json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "thinking_delta", "thinking": text } })
        )
    };
    let frames = [event("mail bob@example.com "), event("now ")];
    assert_eq!(all(&[PERSONAL], Door::Messages, &frames), frames);
}
