//! Turns of blocks as messages: `system` becomes one of them, and results of tools leave the user's turn.

use serde_json::{Map, Value, json};

use crate::dialect::Untranslatable;
use crate::dialect::request_fields::RequestFields;

/// The messages of a chat request.
pub(super) fn translate(
    system: Option<Value>,
    turns: Vec<Value>,
    fields: &mut RequestFields,
) -> Result<Vec<Value>, Untranslatable> {
    let mut messages = Vec::with_capacity(turns.len() + 1);
    if let Some(system) = system {
        messages.push(json!({ "role": "system", "content": plain(blocks(system)) }));
    }
    for (index, mut turn) in turns.into_iter().enumerate() {
        let content = blocks(turn["content"].take());
        match turn["role"].as_str() {
            Some("user") => user(index, content, &mut messages, fields)?,
            Some("assistant") => messages.push(assistant(content)),
            Some("system") => messages.push(json!({ "role": "system", "content": plain(content) })),
            _ => return Err(at(index, "has a role that is neither `user` nor `assistant`")),
        }
    }
    Ok(messages)
}

/// Content as a list of blocks; text is one block.
fn blocks(content: Value) -> Vec<Value> {
    match content {
        Value::String(text) => vec![json!({ "type": "text", "text": text })],
        Value::Array(blocks) => blocks,
        _ => Vec::new(),
    }
}

/// Text alone, as providers that know no parts take it; parts as soon as one says more than its text.
fn plain(mut parts: Vec<Value>) -> Value {
    let is_text = |part: &Value| part["type"] == "text" && part.get("cache_control").is_none();
    if parts.len() == 1 && is_text(&parts[0]) {
        return parts[0]["text"].take();
    }
    Value::Array(parts)
}

fn user(
    index: usize,
    blocks: Vec<Value>,
    messages: &mut Vec<Value>,
    fields: &mut RequestFields,
) -> Result<(), Untranslatable> {
    let mut parts = Vec::new();
    for block in blocks {
        if block["type"] == "tool_result" {
            result(index, block, messages, &mut parts, fields)?;
        } else {
            parts.push(part(index, block)?);
        }
    }
    if !parts.is_empty() {
        messages.push(json!({ "role": "user", "content": plain(parts) }));
    }
    Ok(())
}

/// A tool's result: its text is a message of its own; what is not text cannot be in it, and follows as the
/// user's.
fn result(
    index: usize,
    mut block: Value,
    messages: &mut Vec<Value>,
    parts: &mut Vec<Value>,
    fields: &mut RequestFields,
) -> Result<(), Untranslatable> {
    let mut text = String::new();
    for piece in blocks(block["content"].take()) {
        if piece["type"] == "text" {
            text.push_str(piece["text"].as_str().unwrap_or_default());
        } else {
            parts.push(part(index, piece)?);
            fields.adapt("tool_result.content");
        }
    }
    if block["is_error"] == true {
        fields.adapt("tool_result.is_error");
    }
    messages.push(json!({ "role": "tool", "tool_call_id": block["tool_use_id"], "content": text }));
    Ok(())
}

/// A block as a part, with its mark on what to cache.
fn part(index: usize, mut block: Value) -> Result<Value, Untranslatable> {
    let control = block.get_mut("cache_control").map(Value::take);
    let mut part = bare_part(index, block)?;
    if let Some(control) = control.filter(|control| !control.is_null()) {
        part["cache_control"] = control;
    }
    Ok(part)
}

fn bare_part(index: usize, mut block: Value) -> Result<Value, Untranslatable> {
    let source = block["source"].take();
    match (block["type"].as_str(), source["type"].as_str()) {
        (Some("text"), _) => Ok(json!({ "type": "text", "text": block["text"].take() })),
        (Some("image"), Some("base64")) => {
            Ok(json!({ "type": "image_url", "image_url": { "url": data_url(&source) } }))
        }
        (Some("image"), Some("url")) => {
            Ok(json!({ "type": "image_url", "image_url": { "url": source["url"] } }))
        }
        (Some("document"), Some("base64")) => {
            let name = block["title"].as_str().unwrap_or("document.pdf");
            Ok(json!({ "type": "file", "file": { "filename": name, "file_data": data_url(&source) } }))
        }
        (Some("document"), Some("text")) => Ok(json!({ "type": "text", "text": source["data"] })),
        (kind, _) => Err(at(
            index,
            &format!(
                "has a block of type `{}` that only Anthropic's format has",
                kind.unwrap_or("?")
            ),
        )),
    }
}

fn data_url(source: &Value) -> String {
    let text = |name: &str| source[name].as_str().unwrap_or_default().to_owned();
    format!("data:{};base64,{}", text("media_type"), text("data"))
}

fn assistant(blocks: Vec<Value>) -> Value {
    let mut text = String::new();
    let mut details = Vec::new();
    let mut calls = Vec::new();
    for mut block in blocks {
        match block["type"].as_str() {
            Some("text") => text.push_str(block["text"].as_str().unwrap_or_default()),
            // What no model signed says nothing to any.
            Some("thinking")
                if block["signature"]
                    .as_str()
                    .is_some_and(|signature| !signature.is_empty()) =>
            {
                details.push(
                    json!({ "type": "reasoning.text", "text": block["thinking"].take(),
                    "signature": block["signature"].take(), "index": details.len() }),
                );
            }
            Some("redacted_thinking") => details.push(json!({
                "type": "reasoning.encrypted", "data": block["data"].take(), "index": details.len() })),
            Some("tool_use") => calls.push(json!({ "id": block["id"].take(), "type": "function",
                "function": { "name": block["name"].take(), "arguments": block["input"].to_string() } })),
            _ => {}
        }
    }
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    let content = if text.is_empty() && !calls.is_empty() {
        Value::Null
    } else {
        json!(text)
    };
    message.insert("content".to_owned(), content);
    for (name, list) in [("reasoning_details", details), ("tool_calls", calls)] {
        if !list.is_empty() {
            message.insert(name.to_owned(), Value::Array(list));
        }
    }
    Value::Object(message)
}

fn at(index: usize, what: &str) -> Untranslatable {
    Untranslatable::new(format!("`messages[{index}]` {what}"))
}
