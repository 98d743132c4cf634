//! Conversations that producers take apart, put together again as OpenTelemetry's
//! `[{"role": ..., "parts": [...]}]`: one attribute per message field (`gen_ai.prompt.0.content`,
//! `llm.input_messages.0.message.content`), or one span event per message.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::attribute_map::{AttributeMap, Side};
use super::convert::{entry_text, plain_json};
use super::document::Form;
use crate::otlp::span::EventView;
use crate::otlp::value::AnyValueView;

/// One field of one message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) rank: u8,
    form: Form,
    message: u32,
    /// Below the message's index.
    path: &'a [u8],
    value: AnyValueView<'a>,
}

impl<'a> Part<'a> {
    /// Reads `0.content`; a name that does not start with an index is no part of a message.
    pub(super) fn parse(form: Form, rank: u8, path: &'a [u8], value: AnyValueView<'a>) -> Option<Self> {
        let (message, path) = split_index(path)?;
        Some(Self {
            rank,
            form,
            message,
            path,
            value,
        })
    }
}

/// `3.rest` to 3 and `rest`.
fn split_index(path: &[u8]) -> Option<(u32, &[u8])> {
    let dot = memchr::memchr(b'.', path)?;
    let index = std::str::from_utf8(&path[..dot]).ok()?.parse().ok()?;
    Some((index, &path[dot + 1..]))
}

#[derive(Default)]
struct Message {
    role: Option<String>,
    content: Option<String>,
    reasoning: Option<String>,
    finish_reason: Option<String>,
    answers_call: Option<String>,
    contents: BTreeMap<u32, Map<String, Value>>,
    calls: BTreeMap<u32, ToolCall>,
}

#[derive(Default)]
struct ToolCall {
    id: Option<String>,
    name: Option<String>,
    arguments: Option<String>,
}

/// Writes the messages that `parts` make up.
pub(super) fn compose<'p, 'a: 'p>(parts: impl Iterator<Item = &'p Part<'a>>, out: &mut Vec<u8>) {
    let mut messages: BTreeMap<u32, Message> = BTreeMap::new();
    for part in parts {
        messages
            .entry(part.message)
            .or_default()
            .set(part.form, part.path, part.value);
    }
    write(messages.into_values().map(Message::into_json).collect(), out);
}

/// Writes the messages that a span's events carry; `false` when none does.
pub(crate) fn compose_events<'a>(
    map: &AttributeMap,
    side: Side,
    events: impl Iterator<Item = EventView<'a>>,
    out: &mut Vec<u8>,
) -> bool {
    let messages: Vec<Value> = events
        .filter(|event| map.event_side(event.name.as_bytes()) == Some(side))
        .map(|event| event_message(side, event))
        .collect();
    let found = !messages.is_empty();
    if found {
        write(messages, out);
    }
    found
}

fn write(messages: Vec<Value>, out: &mut Vec<u8>) {
    out.extend_from_slice(Value::Array(messages).to_string().as_bytes());
}

impl Message {
    fn set(&mut self, form: Form, path: &[u8], value: AnyValueView<'_>) {
        let path = if form == Form::OpenInference {
            path.strip_prefix(b"message.").unwrap_or(path)
        } else {
            path
        };
        let text = || Some(string(&entry_text(value)));
        match path {
            b"role" => self.role = text(),
            b"content" => self.content = text(),
            b"reasoning" | b"reasoning_content" => self.reasoning = text(),
            b"finish_reason" => self.finish_reason = text(),
            b"tool_call_id" => self.answers_call = text(),
            _ => self.set_nested(path, value),
        }
    }

    fn set_nested(&mut self, path: &[u8], value: AnyValueView<'_>) {
        let text = string(&entry_text(value));
        if let Some((index, field)) = path.strip_prefix(b"tool_calls.").and_then(split_index) {
            let call = self.calls.entry(index).or_default();
            match field.strip_prefix(b"tool_call.").unwrap_or(field) {
                b"id" => call.id = Some(text),
                b"name" | b"function.name" => call.name = Some(text),
                b"arguments" | b"function.arguments" => call.arguments = Some(text),
                _ => {}
            }
        } else if let Some((index, field)) = path.strip_prefix(b"contents.").and_then(split_index) {
            let field = field.strip_prefix(b"message_content.").unwrap_or(field);
            self.contents
                .entry(index)
                .or_default()
                .insert(string(field), Value::String(text));
        }
    }

    fn into_json(self) -> Value {
        let mut parts = Vec::new();
        if let Some(reasoning) = self.reasoning.filter(|text| !text.is_empty()) {
            parts.push(json!({"type": "reasoning", "content": reasoning}));
        }
        match (self.content.filter(|text| !text.is_empty()), self.answers_call) {
            (content, Some(id)) => parts.push(json!({
                "type": "tool_call_response", "id": id, "result": content.map(parsed),
            })),
            (Some(content), None) => parts.extend(content_parts(&content)),
            (None, None) => {}
        }
        parts.extend(self.contents.into_values().map(open_inference_part));
        parts.extend(self.calls.into_values().map(ToolCall::into_json));
        message(self.role.unwrap_or_default(), parts, self.finish_reason)
    }
}

impl ToolCall {
    fn into_json(self) -> Value {
        let arguments = self.arguments.map(parsed);
        json!({"type": "tool_call", "id": self.id, "name": self.name, "arguments": arguments})
    }
}

fn message(role: String, parts: Vec<Value>, finish_reason: Option<String>) -> Value {
    let mut object = Map::new();
    object.insert("role".to_owned(), Value::String(role));
    object.insert("parts".to_owned(), Value::Array(parts));
    if let Some(reason) = finish_reason {
        object.insert("finish_reason".to_owned(), Value::String(reason));
    }
    Value::Object(object)
}

/// Content is text, or JSON text of a list of typed parts.
fn content_parts(content: &str) -> Vec<Value> {
    if content.starts_with('[')
        && let Ok(Value::Array(items)) = serde_json::from_str::<Value>(content)
        && items
            .iter()
            .all(|item| item.get("type").is_some_and(Value::is_string))
    {
        return items.into_iter().map(typed_part).collect();
    }
    vec![json!({"type": "text", "content": content})]
}

/// `{"type":"text","text":"..."}` is OpenAI's spelling of a text part; other types stay as they are.
fn typed_part(item: Value) -> Value {
    match item.get("text") {
        Some(text @ Value::String(_)) => json!({"type": "text", "content": text}),
        _ => item,
    }
}

fn open_inference_part(mut fields: Map<String, Value>) -> Value {
    if let Some(text) = fields.remove("text") {
        return json!({"type": "text", "content": text});
    }
    let image = fields.remove("image.image.url");
    let mut part = json!({"type": fields.remove("type")});
    if let Some(object) = part.as_object_mut() {
        object.extend(image.map(|url| ("uri".to_owned(), url)));
        object.extend(fields);
    }
    part
}

/// The JSON that a text holds, or the text.
fn parsed(text: String) -> Value {
    match serde_json::from_str(&text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => value,
        _ => Value::String(text),
    }
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn event_message(side: Side, event: EventView<'_>) -> Value {
    let mut found = Message::default();
    let mut whole = None;
    for attribute in event.attributes() {
        match attribute.key.as_bytes() {
            b"message" | b"gen_ai.event.content" | b"gen_ai.prompt" | b"gen_ai.completion" => {
                whole = Some(structure(attribute.value));
            }
            b"tool_calls" => {
                if let Value::Array(calls) = structure(attribute.value) {
                    found.calls = calls
                        .into_iter()
                        .zip(0..)
                        .map(|(call, index)| (index, open_ai_call(&call)))
                        .collect();
                }
            }
            b"id" => found.answers_call = Some(string(&entry_text(attribute.value))),
            path => found.set(Form::Indexed, path, attribute.value),
        }
    }
    // `gen_ai.user.message` names the role; a choice is the assistant's.
    let name = event.name.as_str();
    let named = name
        .strip_prefix("gen_ai.")
        .and_then(|rest| rest.strip_suffix(".message"));
    let role = named.unwrap_or(if side == Side::Output { "assistant" } else { "user" });
    if let Some(whole) = whole {
        return open_ai_message(role, &whole, found.finish_reason);
    }
    found.role.get_or_insert_with(|| role.to_owned());
    found.into_json()
}

/// A message in OpenAI's form, or whatever else stands in its place.
fn open_ai_message(role: &str, value: &Value, finish_reason: Option<String>) -> Value {
    let Value::Object(object) = value else {
        let content = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return message(role.to_owned(), content_parts(&content), finish_reason);
    };
    let inner = object.get("message").and_then(Value::as_object).unwrap_or(object);
    let text = |key: &str| {
        inner
            .get(key)
            .filter(|value| !value.is_null())
            .map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
    };
    let calls = inner
        .get("tool_calls")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let found = Message {
        role: text("role").or_else(|| Some(role.to_owned())),
        content: text("content"),
        finish_reason: finish_reason.or_else(|| object.get("finish_reason")?.as_str().map(str::to_owned)),
        answers_call: text("tool_call_id"),
        calls: calls
            .zip(0..)
            .map(|(call, index)| (index, open_ai_call(call)))
            .collect(),
        ..Message::default()
    };
    found.into_json()
}

fn open_ai_call(call: &Value) -> ToolCall {
    let text = |value: Option<&Value>| {
        value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let function = call.get("function").unwrap_or(call);
    ToolCall {
        id: text(call.get("id")),
        name: text(function.get("name")),
        arguments: text(function.get("arguments")),
    }
}

/// JSON of an attribute: parsed from text, or of its structure.
fn structure(value: AnyValueView<'_>) -> Value {
    if let AnyValueView::String(text) = value {
        return parsed(text.as_str().to_owned());
    }
    let mut json = Vec::new();
    plain_json(value, &mut json);
    serde_json::from_slice(&json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::view::Text;

    fn composed(form: Form, parts: &[(&'static str, &'static str)]) -> Value {
        let parts: Vec<Part<'_>> = parts
            .iter()
            .filter_map(|(path, value)| {
                Part::parse(
                    form,
                    0,
                    path.as_bytes(),
                    AnyValueView::String(Text(value.as_bytes())),
                )
            })
            .collect();
        let mut out = Vec::new();
        compose(parts.iter(), &mut out);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn indexed_attributes_become_messages_in_order() {
        let messages = composed(
            Form::Indexed,
            &[
                ("10.role", "tool"),
                ("10.content", "{\"celsius\":21}"),
                ("10.tool_call_id", "call_1"),
                ("0.content", "You are terse."),
                ("0.role", "system"),
                ("2.role", "assistant"),
                ("2.tool_calls.0.name", "weather"),
                ("2.tool_calls.0.id", "call_1"),
                ("2.tool_calls.0.arguments", "{\"city\":\"Paris\"}"),
                ("2.finish_reason", "tool_calls"),
                ("name", "not a message"),
            ],
        );
        let expected = json!([
            {"role": "system", "parts": [{"type": "text", "content": "You are terse."}]},
            {"role": "assistant", "finish_reason": "tool_calls", "parts": [
                {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Paris"}}]},
            {"role": "tool", "parts": [
                {"type": "tool_call_response", "id": "call_1", "result": {"celsius": 21}}]},
        ]);
        assert_eq!(messages, expected);
    }

    #[test]
    fn open_inference_attributes_become_messages() {
        let messages = composed(
            Form::OpenInference,
            &[
                ("0.message.role", "user"),
                ("0.message.contents.0.message_content.type", "text"),
                ("0.message.contents.0.message_content.text", "What is this?"),
                ("0.message.contents.1.message_content.type", "image"),
                (
                    "0.message.contents.1.message_content.image.image.url",
                    "https://example.com/a.png",
                ),
                ("1.message.role", "assistant"),
                ("1.message.tool_calls.0.tool_call.function.name", "look"),
                ("1.message.tool_calls.0.tool_call.function.arguments", "{}"),
            ],
        );
        let expected = json!([
            {"role": "user", "parts": [
                {"type": "text", "content": "What is this?"},
                {"type": "image", "uri": "https://example.com/a.png"}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "id": null, "name": "look", "arguments": {}}]},
        ]);
        assert_eq!(messages, expected);
    }
}
