//! Messages in Anthropic's terms: turns of blocks. System messages leave for a field of their own, results of
//! tools are the user's to give, and neighbours of one role are one turn.

use serde_json::{Map, Value, json};

use crate::dialect::Untranslatable;
use crate::dialect::media::{arguments_object, data_url};
use crate::dialect::request_fields::wrong;

/// A conversation taken apart.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Blocks of the `system` field.
    pub(super) system: Vec<Value>,
    /// The `messages`.
    pub(super) turns: Vec<Value>,
}

/// Reads `OpenAI`'s messages.
pub(super) fn conversation(messages: Vec<Value>) -> Result<Conversation, Untranslatable> {
    let mut conversation = Conversation::default();
    for (index, message) in messages.into_iter().enumerate() {
        let Value::Object(message) = message else {
            return Err(at(index, "is not an object"));
        };
        conversation.add(index, message)?;
    }
    Ok(conversation)
}

impl Conversation {
    fn add(&mut self, index: usize, mut message: Map<String, Value>) -> Result<(), Untranslatable> {
        let role = message.remove("role");
        let content = message.remove("content").unwrap_or(Value::Null);
        match role.as_ref().and_then(Value::as_str) {
            Some("system" | "developer") => self.system.extend(blocks(index, content)?),
            Some("user") => {
                let blocks = blocks(index, content)?;
                self.turn("user", blocks);
            }
            Some("assistant") => {
                let blocks = spoken(index, content, &mut message)?;
                self.turn("assistant", blocks);
            }
            Some("tool") => {
                let Some(Value::String(call)) = message.remove("tool_call_id") else {
                    return Err(at(index, "has no `tool_call_id`"));
                };
                let result = blocks(index, content)?;
                let result = json!({ "type": "tool_result", "tool_use_id": call, "content": result });
                self.turn("user", vec![result]);
            }
            _ => {
                return Err(at(
                    index,
                    "has a role that cannot be expressed in Anthropic's format",
                ));
            }
        }
        Ok(())
    }

    /// Adds to the last turn when it is of the same role.
    fn turn(&mut self, role: &str, mut blocks: Vec<Value>) {
        if blocks.is_empty() {
            return;
        }
        if let Some(last) = self.turns.last_mut().filter(|turn| turn["role"] == role)
            && let Some(content) = last["content"].as_array_mut()
        {
            content.append(&mut blocks);
            return;
        }
        self.turns.push(json!({ "role": role, "content": blocks }));
    }
}

/// What the assistant thought, said and called, in the order in which the API wants it back.
fn spoken(
    index: usize,
    content: Value,
    message: &mut Map<String, Value>,
) -> Result<Vec<Value>, Untranslatable> {
    let mut spoken = thoughts(message);
    spoken.extend(blocks(index, content)?);
    if let Some(refusal) = message.get("refusal").and_then(Value::as_str) {
        spoken.extend(text_block(refusal));
    }
    let Some(calls) = message.remove("tool_calls").filter(|calls| !calls.is_null()) else {
        return Ok(spoken);
    };
    let Value::Array(calls) = calls else {
        return Err(at(index, "has `tool_calls` that are no array"));
    };
    for call in calls {
        let function = &call["function"];
        let (Some(id), Some(name)) = (call["id"].as_str(), function["name"].as_str()) else {
            return Err(at(index, "has a tool call without an id or a function's name"));
        };
        let arguments = function["arguments"].as_str().unwrap_or_default();
        let input = arguments_object(arguments)
            .ok_or_else(|| at(index, "has a tool call whose arguments are not a JSON object"))?;
        spoken.push(json!({ "type": "tool_use", "id": id, "name": name, "input": input }));
    }
    Ok(spoken)
}

/// Thinking with its signatures, as the answer gave it: in `reasoning_details`, or in `thinking_blocks`,
/// which are Anthropic's own. Thinking without a signature cannot be given back, and is not.
fn thoughts(message: &mut Map<String, Value>) -> Vec<Value> {
    if let Some(Value::Array(blocks)) = message.remove("thinking_blocks") {
        return blocks;
    }
    let Some(Value::Array(details)) = message.remove("reasoning_details") else {
        return Vec::new();
    };
    let block = |detail: &Value| match detail["type"].as_str() {
        Some("reasoning.text") => {
            let signature = detail["signature"].as_str()?;
            let text = detail["text"].as_str().unwrap_or_default();
            Some(json!({ "type": "thinking", "thinking": text, "signature": signature }))
        }
        Some("reasoning.encrypted") => {
            Some(json!({ "type": "redacted_thinking", "data": detail["data"].as_str()? }))
        }
        _ => None,
    };
    details.iter().filter_map(block).collect()
}

/// A message's content as blocks.
fn blocks(index: usize, content: Value) -> Result<Vec<Value>, Untranslatable> {
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(text_block(&text).into_iter().collect()),
        Value::Array(parts) => {
            let mut blocks = Vec::with_capacity(parts.len());
            for part in parts {
                blocks.extend(block(index, part)?);
            }
            Ok(blocks)
        }
        _ => Err(at(index, "has a `content` that is neither text nor parts")),
    }
}

/// The API refuses empty text.
fn text_block(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!({ "type": "text", "text": text }))
}

fn block(index: usize, mut part: Value) -> Result<Option<Value>, Untranslatable> {
    let cache_control = part.get_mut("cache_control").map(Value::take);
    let block = match part["type"].as_str() {
        Some("text") => text_block(part["text"].as_str().ok_or_else(|| wrong("text", "a string"))?),
        Some("refusal") => text_block(part["refusal"].as_str().unwrap_or_default()),
        Some("image_url") => Some(image(index, &part["image_url"])?),
        Some("file") => Some(document(index, &part["file"])?),
        // Anthropic's own blocks, for callers who know where the call goes.
        Some("image" | "document" | "search_result") => Some(part),
        _ => {
            return Err(at(
                index,
                "has a part that cannot be expressed in Anthropic's format (text, image_url and file can)",
            ));
        }
    };
    Ok(block.map(|mut block| {
        if let Some(control) = cache_control.filter(|control| !control.is_null()) {
            block["cache_control"] = control;
        }
        block
    }))
}

fn image(index: usize, image: &Value) -> Result<Value, Untranslatable> {
    let url = image.as_str().or_else(|| image["url"].as_str());
    let url = url.ok_or_else(|| at(index, "has an image without a URL"))?;
    let source = match data_url(url) {
        Some((media_type, data)) => json!({ "type": "base64", "media_type": media_type, "data": data }),
        None if url.starts_with("data:") => return Err(at(index, "has a data URL that is not base64")),
        None => json!({ "type": "url", "url": url }),
    };
    Ok(json!({ "type": "image", "source": source }))
}

fn document(index: usize, file: &Value) -> Result<Value, Untranslatable> {
    let mut document = if let Some(id) = file["file_id"].as_str() {
        json!({ "type": "document", "source": { "type": "file", "file_id": id } })
    } else {
        let data = file["file_data"].as_str().and_then(data_url);
        let (media_type, data) = data.ok_or_else(|| {
            at(
                index,
                "has a file without `file_id` and without base64 `file_data`",
            )
        })?;
        json!({ "type": "document", "source": { "type": "base64", "media_type": media_type, "data": data } })
    };
    if let Some(name) = file["filename"].as_str() {
        document["title"] = json!(name);
    }
    Ok(document)
}

fn at(index: usize, what: &str) -> Untranslatable {
    Untranslatable::new(format!("`messages[{index}]` {what}"))
}
