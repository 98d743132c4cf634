use super::*;
use crate::dialect::openai::chunk;

const REQUEST: &[u8] = br#"{"model":"m","messages":[
    {"role":"system","content":"be brief"},
    {"role":"user","content":[{"type":"text","text":"what is it?"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},
        {"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]},
    {"role":"assistant","content":null,"tool_calls":[
        {"id":"c1","type":"function","function":{"name":"look","arguments":"{\"at\":\"it\"}"}}]},
    {"role":"tool","tool_call_id":"c1","content":"a cat"}]}"#;

fn written(request: &RecordedRequest<'_>, budget: usize) -> String {
    let mut out = Vec::new();
    request.write_input_messages(budget, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_conversation_becomes_roles_and_parts() {
    let messages = RecordedRequest::parse(REQUEST)
        .map(|request| written(&request, 1000))
        .unwrap();
    let expected = concat!(
        r#"[{"role":"system","parts":[{"type":"text","content":"be brief"}]},"#,
        r#"{"role":"user","parts":[{"type":"text","content":"what is it?"},"#,
        r#"{"type":"blob","modality":"image","mime_type":"image/png","content":"AAAA"},"#,
        r#"{"type":"uri","modality":"image","uri":"https://example.com/a.png"}]},"#,
        r#"{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"look","arguments":{"at":"it"}}]},"#,
        r#"{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","result":"a cat"}]}]"#,
    );
    assert_eq!(messages, expected);
    assert_eq!(
        RecordedRequest::parse(REQUEST).unwrap().preview().unwrap(),
        "what is it?"
    );
}

#[test]
fn the_newest_messages_get_the_budget_and_the_rest_a_marker() {
    let body = r#"{"messages":[{"role":"user","content":"old words"},{"role":"user","content":"new"}]}"#;
    let messages = RecordedRequest::parse(body.as_bytes())
        .map(|request| written(&request, 6))
        .unwrap();
    assert!(messages.contains(r#""content":"new""#));
    assert!(messages.contains("old…[6 bytes not recorded]"), "{messages}");
}

#[test]
fn an_answer_becomes_reasoning_text_and_tool_calls() {
    let body = br#"{"choices":[{"message":{"role":"assistant","reasoning_content":"hm","content":"hi",
        "tool_calls":[{"id":"c","function":{"name":"f","arguments":"not json"}}]},"finish_reason":"stop"}]}"#;
    let reply = chunk::whole(body, 1000);
    let expected = concat!(
        r#"[{"role":"assistant","parts":[{"type":"reasoning","content":"hm"},{"type":"text","content":"hi"},"#,
        r#"{"type":"tool_call","id":"c","name":"f","arguments":"not json"}],"finish_reason":"stop"}]"#,
    );
    assert_eq!(reply.output_messages().unwrap(), expected);
}

#[test]
fn what_an_answer_lost_is_marked() {
    let reply = chunk::whole(br#"{"choices":[{"message":{"content":"0123456789"}}]}"#, 4);
    assert!(
        reply
            .output_messages()
            .unwrap()
            .contains("…[6 bytes not recorded]")
    );
}

#[test]
fn escapes_stay_as_they_were_written_and_a_broken_one_does_not_get_in() {
    let sent = |content: &str| {
        let body = format!(r#"{{"messages":[{{"role":"user","content":{content}}}]}}"#);
        written(&RecordedRequest::parse(body.as_bytes()).unwrap(), 1000)
    };
    assert!(sent(r#""a\/b\n\"c\"""#).contains(r#""content":"a\/b\n\"c\"""#));
    assert!(sent(r#""\u00e9""#).contains(r#""content":"é""#));
    // Half a character is no text; what was sent is recorded as the text that it is.
    let broken: serde_json::Value = serde_json::from_str(&sent(r#""\ud83d""#)).unwrap();
    assert_eq!(broken[0]["parts"][0]["content"], r#""\ud83d""#);
}

#[test]
fn a_preview_is_the_same_wherever_a_long_text_is_cut_for_it() {
    for unit in [
        "a",
        "\u{1f980}",
        "\\n",
        "\\\\",
        "\\\"",
        "\\ud83e\\udd80",
        "ab\\u00e9",
    ] {
        for shift in 0..14 {
            let content = format!("\"{}{}\"", "x".repeat(shift), unit.repeat(9_000));
            let body = format!(r#"{{"messages":[{{"role":"user","content":{content}}}]}}"#);
            let whole: String = serde_json::from_str(&content).unwrap();
            let expected: String = whole.chars().take(PREVIEW_CHARS_MAX).chain(['…']).collect();
            let preview = RecordedRequest::parse(body.as_bytes()).unwrap().preview();
            assert_eq!(preview.unwrap(), expected, "{unit} {shift}");
        }
    }
}
