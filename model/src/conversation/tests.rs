use serde_json::{Value, json};

use super::*;

fn shape(text: &str, source: &str, side: Side) -> Value {
    serde_json::to_value(read(text, source, side)).unwrap()
}

fn input(value: &Value) -> Value {
    shape(&value.to_string(), "input.value", Side::Input)
}

fn output(value: &Value) -> Value {
    shape(&value.to_string(), "output.value", Side::Output)
}

fn said(role: &str, content: &str) -> Value {
    json!({"role": role, "parts": [{"type": "text", "content": content}]})
}

#[test]
fn opentelemetry_messages_keep_their_parts() {
    let sent = json!([
        {"role": "user", "parts": [
            {"type": "text", "content": "weather?"},
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "iVBOR"},
            {"type": "uri", "modality": "audio", "uri": "https://x/a.wav"},
        ]},
        {"role": "assistant", "parts": [
            {"type": "reasoning", "content": "look it up"},
            {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Oslo"}},
        ], "finish_reason": "tool_call"},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": {"c": -3}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c2", "result": "ok"}]},
    ]);
    assert_eq!(
        shape(&sent.to_string(), "gen_ai.input.messages", Side::Input),
        json!([
            {"role": "user", "parts": [
                {"type": "text", "content": "weather?"},
                {"type": "image", "data": "iVBOR", "mime_type": "image/png"},
                {"type": "audio", "uri": "https://x/a.wav"},
            ]},
            {"role": "assistant", "parts": [
                {"type": "reasoning", "content": "look it up"},
                {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Oslo"}},
            ], "finish_reason": "tool_call"},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "result": {"c": -3}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c2", "result": "ok"}]},
        ])
    );
}

#[test]
fn system_instructions_come_first() {
    let content = read(
        r#"[{"role":"user","content":"hi"}]"#,
        "gen_ai.input.messages",
        Side::Input,
    );
    let content = with_instructions(content, r#"[{"type":"text","content":"be brief"}]"#);
    assert_eq!(
        serde_json::to_value(content).unwrap(),
        json!([said("system", "be brief"), said("user", "hi")])
    );
    let value = with_instructions(Content::Value(json!(5)), "be brief");
    assert_eq!(value, Content::Value(json!(5)));
}

#[test]
fn openai_chat_requests_and_responses_are_conversations() {
    let request = json!({"model": "gpt-4o", "messages": [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "name": "ada", "content": [
            {"type": "text", "text": "what is this?"},
            {"type": "image_url", "image_url": {"url": "https://x/cat.png", "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        ]},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{\"zoom\":2}"}},
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": "{\"seen\":\"cat\"}"},
    ]});
    assert_eq!(
        input(&request),
        json!([
            said("developer", "be brief"),
            {"role": "user", "name": "ada", "parts": [
                {"type": "text", "content": "what is this?"},
                {"type": "image", "uri": "https://x/cat.png"},
                {"type": "audio", "data": "UklG", "mime_type": "audio/wav"},
            ]},
            {"role": "assistant", "parts": [
                {"type": "tool_call", "id": "call_1", "name": "look", "arguments": {"zoom": 2}},
            ]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "result": {"seen": "cat"}}]},
        ])
    );
    let response = json!({"id": "x", "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "a cat", "refusal": null}},
    ]});
    assert_eq!(
        output(&response),
        json!([{"role": "assistant", "parts": [{"type": "text", "content": "a cat"}], "finish_reason": "stop"}])
    );
}

#[test]
fn openai_responses_items_are_conversations() {
    let request = json!({"instructions": "be brief", "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "weather?"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "look"}]},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "cold"},
    ]});
    assert_eq!(
        input(&request),
        json!([
            said("system", "be brief"),
            said("user", "weather?"),
            {"role": "assistant", "parts": [{"type": "reasoning", "content": "look"}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "weather", "arguments": {}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "result": "cold"}]},
        ])
    );
    let response = json!({"output": [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "cold"}]},
    ]});
    assert_eq!(output(&response), json!([said("assistant", "cold")]));
}

#[test]
fn anthropic_messages_are_conversations() {
    let request = json!({"system": [{"type": "text", "text": "be brief"}], "messages": [
        {"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/"}},
            {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}},
        ]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": 1}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "seen"}]},
        ]},
    ]});
    assert_eq!(
        input(&request),
        json!([
            said("system", "be brief"),
            {"role": "user", "parts": [
                {"type": "image", "data": "/9j/", "mime_type": "image/jpeg"},
                {"type": "file", "uri": "https://x/a.pdf"},
            ]},
            {"role": "assistant", "parts": [
                {"type": "reasoning", "content": "hm", "signature": "s"},
                {"type": "tool_call", "id": "t1", "name": "look", "arguments": {"a": 1}},
            ]},
            {"role": "user", "parts": [{"type": "tool_call_response", "id": "t1", "result": "seen"}]},
        ])
    );
    let response =
        json!({"type": "message", "role": "assistant", "content": [{"type": "text", "text": "done"}]});
    assert_eq!(output(&response), json!([said("assistant", "done")]));
}

#[test]
fn gemini_contents_are_conversations() {
    let request = json!({"systemInstruction": {"parts": [{"text": "be brief"}]}, "contents": [
        {"role": "user", "parts": [{"text": "hi"}, {"inlineData": {"mimeType": "image/png", "data": "iVBOR"}}]},
        {"role": "model", "parts": [{"text": "hm", "thought": true}, {"functionCall": {"name": "f", "args": {"a": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"b": 2}}}]},
    ]});
    assert_eq!(
        input(&request),
        json!([
            said("system", "be brief"),
            {"role": "user", "parts": [
                {"type": "text", "content": "hi"},
                {"type": "image", "data": "iVBOR", "mime_type": "image/png"},
            ]},
            {"role": "assistant", "parts": [
                {"type": "reasoning", "content": "hm"},
                {"type": "tool_call", "id": null, "name": "f", "arguments": {"a": 1}},
            ]},
            {"role": "user", "parts": [{"type": "tool_call_response", "id": null, "name": "f", "result": {"b": 2}}]},
        ])
    );
    let response = json!({"candidates": [
        {"finishReason": "STOP", "content": {"role": "model", "parts": [{"text": "hello"}]}},
    ]});
    assert_eq!(
        output(&response),
        json!([{"role": "assistant", "parts": [{"type": "text", "content": "hello"}], "finish_reason": "STOP"}])
    );
}

#[test]
fn vercel_prompts_and_answers_are_conversations() {
    let prompt = json!([
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "weather?"}]},
        {"role": "assistant", "content": [
            {"type": "tool-call", "toolCallId": "c1", "toolName": "weather", "input": {"city": "Oslo"}},
        ]},
        {"role": "tool", "content": [
            {"type": "tool-result", "toolCallId": "c1", "toolName": "weather", "output": {"type": "json", "value": {"c": -3}}},
        ]},
    ]);
    assert_eq!(
        shape(&prompt.to_string(), "ai.prompt.messages", Side::Input),
        json!([
            said("system", "be brief"),
            said("user", "weather?"),
            {"role": "assistant", "parts": [
                {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Oslo"}},
            ]},
            {"role": "tool", "parts": [
                {"type": "tool_call_response", "id": "c1", "name": "weather", "result": {"c": -3}},
            ]},
        ])
    );
    assert_eq!(
        shape("it is cold", "ai.response.text", Side::Output),
        json!([said("assistant", "it is cold")])
    );
    assert_eq!(shape("42", "ai.response.object", Side::Output), json!(42));
    let calls = r#"[{"toolCallType":"function","toolCallId":"c1","toolName":"weather","args":"{\"city\":\"Oslo\"}"}]"#;
    assert_eq!(
        shape(calls, "ai.response.toolCalls", Side::Output),
        json!([{"role": "assistant", "parts": [
            {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Oslo"}},
        ]}])
    );
}

#[test]
fn langchain_messages_are_conversations() {
    let plain =
        json!({"messages": [[{"type": "human", "content": "hi"}, {"type": "ai", "content": "hello"}]]});
    assert_eq!(
        input(&plain),
        json!([said("user", "hi"), said("assistant", "hello")])
    );
    let serialised = json!([
        {"lc": 1, "type": "constructor", "id": ["x", "HumanMessage"], "kwargs": {"type": "human", "content": "hi"}},
    ]);
    assert_eq!(input(&serialised), json!([said("user", "hi")]));
}

#[test]
fn a_single_message_object_is_a_conversation_of_one() {
    assert_eq!(
        output(&json!({"role": "assistant", "content": "hello"})),
        json!([said("assistant", "hello")])
    );
}

#[test]
fn what_is_not_a_conversation_stays_as_it_was_sent() {
    for value in [
        json!({"query": "cats", "role": "admin"}),
        json!([]),
        json!([1, 2]),
        json!([{"role": "user", "content": "hi"}, {"score": 1}]),
        json!({"messages": "three"}),
        json!("text"),
        json!(null),
        json!({"type": "text", "text": "no role"}),
    ] {
        assert_eq!(input(&value), value, "{value}");
    }
    assert_eq!(
        shape("plain words", "input.value", Side::Input),
        json!("plain words")
    );
    assert_eq!(shape("{\"cut\":", "input.value", Side::Input), json!("{\"cut\":"));
}

#[test]
fn an_unknown_part_is_kept_inside_a_known_message() {
    let sent = json!([{"role": "user", "content": [{"type": "hologram", "depth": 3}]}]);
    assert_eq!(
        input(&sent),
        json!([{"role": "user", "parts": [{"type": "hologram", "depth": 3}]}])
    );
}

#[test]
fn flattened_attributes_are_put_together() {
    let old = [
        ("gen_ai.prompt.0.role", "system"),
        ("gen_ai.prompt.0.content", "be brief"),
        ("gen_ai.prompt.1.role", "user"),
        ("gen_ai.prompt.1.content", r#"[{"type":"text","text":"hi"}]"#),
        ("gen_ai.prompt.2.role", "assistant"),
        ("gen_ai.prompt.2.tool_calls.0.id", "c1"),
        ("gen_ai.prompt.2.tool_calls.0.name", "weather"),
        ("gen_ai.prompt.2.tool_calls.0.arguments", "{\"city\":\"Oslo\"}"),
        ("gen_ai.completion.0.role", "assistant"),
        ("gen_ai.prompt.10.role", "user"),
        ("gen_ai.prompt.10.content", "last"),
    ];
    assert_eq!(
        serde_json::to_value(compose(old, "gen_ai.prompt.", Side::Input)).unwrap(),
        json!([
            said("system", "be brief"),
            said("user", "hi"),
            {"role": "assistant", "parts": [
                {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Oslo"}},
            ]},
            said("user", "last"),
        ])
    );
    let openinference = [
        ("llm.input_messages.0.message.role", "user"),
        (
            "llm.input_messages.0.message.contents.0.message_content.type",
            "text",
        ),
        (
            "llm.input_messages.0.message.contents.0.message_content.text",
            "what?",
        ),
        (
            "llm.input_messages.0.message.contents.1.message_content.type",
            "image",
        ),
        (
            "llm.input_messages.0.message.contents.1.message_content.image.image.url",
            "https://x/c.png",
        ),
        ("llm.input_messages.1.message.role", "assistant"),
        ("llm.input_messages.1.message.tool_calls.0.tool_call.id", "c1"),
        (
            "llm.input_messages.1.message.tool_calls.0.tool_call.function.name",
            "look",
        ),
        (
            "llm.input_messages.1.message.tool_calls.0.tool_call.function.arguments",
            "{}",
        ),
    ];
    assert_eq!(
        serde_json::to_value(compose(openinference, "llm.input_messages.", Side::Input)).unwrap(),
        json!([
            {"role": "user", "parts": [
                {"type": "text", "content": "what?"},
                {"type": "image", "uri": "https://x/c.png"},
            ]},
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "look", "arguments": {}}]},
        ])
    );
    assert_eq!(compose([("other", "x")], "gen_ai.prompt.", Side::Input), None);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}", source in "(\\+)?(ai.response.text|input.value)") {
        let content = read(&text, &source, Side::Input);
        proptest::prop_assert!(serde_json::to_string(&content).is_ok());
    }
}

#[test]
fn thoughts_keep_the_signature_by_which_their_provider_knows_them() {
    let signatures = |parts: Value| {
        let text = json!([{"role": "assistant", "content": parts}]).to_string();
        let Content::Messages(messages) = read(&text, "input.value", Side::Input) else {
            panic!("a conversation")
        };
        let signature = |part: &Part| match part {
            Part::Reasoning { signature, .. } => signature.clone().unwrap_or_default(),
            _ => panic!("a thought"),
        };
        messages[0].parts.iter().map(signature).collect::<Vec<_>>()
    };
    assert_eq!(
        signatures(json!([
            {"type": "thinking", "thinking": "hm", "signature": "anthropic"},
            {"type": "redacted_thinking", "data": "redacted"},
            {"text": "hm", "thought": true, "thoughtSignature": "gemini"},
            {"type": "reasoning", "summary": [], "encrypted_content": "openai"},
            {"type": "reasoning", "text": "hm", "providerOptions": {"anthropic": {"signature": "vercel"}}},
            {"type": "reasoning", "content": "hm"},
        ])),
        ["anthropic", "redacted", "gemini", "openai", "vercel", ""]
    );
}

#[test]
fn what_vercels_sdk_spread_over_attributes_is_one_answer() {
    let calls = r#"[{"toolCallId":"c","toolName":"weather","input":"{\"city\":\"Paris\"}"}]"#;
    let attribute = |name: &str| match name {
        "ai.response.reasoning" => Some("hm"),
        "ai.response.toolCalls" => Some(calls),
        _ => None,
    };
    let source = "ai.response.text";
    let answer = complete(
        read("Let me see.", source, Side::Output),
        source,
        Side::Output,
        attribute,
    );
    assert_eq!(
        serde_json::to_value(answer).unwrap(),
        json!([{"role": "assistant", "parts": [
            {"type": "reasoning", "content": "hm"},
            {"type": "text", "content": "Let me see."},
            {"type": "tool_call", "id": "c", "name": "weather", "arguments": {"city": "Paris"}},
        ]}])
    );
}

#[test]
fn prompts_and_instructions_are_conversations_too() {
    let shown = |content: Content| serde_json::to_value(content).unwrap();
    let user = json!({"role": "user", "parts": [{"type": "text", "content": "Hi"}]});
    let system = json!({"role": "system", "parts": [{"type": "text", "content": "be brief"}]});
    let prompt = r#"{"system":"be brief","prompt":"Hi"}"#;
    assert_eq!(
        shown(read(prompt, "ai.prompt", Side::Input)),
        json!([system, user])
    );
    assert_eq!(
        shown(read(prompt, "input.value", Side::Input)),
        json!({"system": "be brief", "prompt": "Hi"}),
        "anywhere else these are just two fields"
    );
    let messages = read(&json!([user]).to_string(), "gen_ai.input.messages", Side::Input);
    let instructions = r#"[{"role":"system","content":"be brief"}]"#;
    assert_eq!(
        shown(with_instructions(messages, instructions)),
        json!([system, user])
    );
}

#[test]
fn log_records_say_what_was_said() {
    let said = |name: &str, attributes: Value, body: Value| {
        let Value::Object(attributes) = attributes else {
            panic!("an object")
        };
        let said = from_log(name, &attributes, &body);
        json!([said.input, said.output])
    };
    let text =
        |role: &str, content: &str| json!({"role": role, "parts": [{"type": "text", "content": content}]});
    assert_eq!(
        said(
            "gen_ai.user.message",
            json!({"gen_ai.system": "openai"}),
            json!({"content": "Hi"})
        ),
        json!([[text("user", "Hi")], []])
    );
    assert_eq!(
        said(
            "gen_ai.tool.message",
            json!({}),
            json!({"content": "21", "id": "c"})
        ),
        json!([[{"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "result": "21"}]}], []])
    );
    let mut answer = text("assistant", "Hello");
    answer["finish_reason"] = json!("stop");
    let choice =
        json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}});
    assert_eq!(said("gen_ai.choice", json!({}), choice), json!([[], [answer]]));
    let details = json!({
        "gen_ai.input.messages": [text("user", "Hi")],
        "gen_ai.output.messages": json!([text("assistant", "Hello")]).to_string(),
        "gen_ai.system_instructions": [{"type": "text", "content": "be brief"}],
    });
    assert_eq!(
        said("gen_ai.client.inference.operation.details", details, Value::Null),
        json!([
            [text("system", "be brief"), text("user", "Hi")],
            [text("assistant", "Hello")]
        ])
    );
    assert_eq!(
        said("device.app.crash", json!({}), json!({"content": "boom"})),
        json!([[], []])
    );
}
