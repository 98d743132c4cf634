//! Messages in Converse's terms: turns of blocks. System messages leave for a field of their own, results of tools are
//! the user's to give, neighbours of one role are one turn, and a cache point follows what is to be cached.

use serde_json::{Map, Value, json};

use crate::dialect::Untranslatable;
use crate::dialect::media::{arguments_object, data_url};
use crate::dialect::request_fields::wrong;

/// The longest name that a document may have.
const NAME_CHARS_MAX: usize = 200;

/// A conversation taken apart.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Blocks of the `system` field.
    pub(super) system: Vec<Value>,
    /// The `messages`.
    pub(super) turns: Vec<Value>,
    /// Names of tools that were called: with any, the API insists on a list of tools.
    pub(super) called: Vec<String>,
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
                let blocks = self.spoken(index, content, &mut message)?;
                self.turn("assistant", blocks);
            }
            Some("tool") => {
                let Some(Value::String(call)) = message.remove("tool_call_id") else {
                    return Err(at(index, "has no `tool_call_id`"));
                };
                let (result, after) = result(index, content)?;
                let mut turn = vec![json!({ "toolResult": { "toolUseId": call, "content": result } })];
                turn.extend(after);
                self.turn("user", turn);
            }
            _ => {
                return Err(at(
                    index,
                    "has a role that cannot be expressed in Converse's format",
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

    /// What the assistant thought, said and called, in the order in which the API wants it back.
    fn spoken(
        &mut self,
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
            if !self.called.iter().any(|known| known == name) {
                self.called.push(name.to_owned());
            }
            spoken.push(json!({ "toolUse": { "toolUseId": id, "name": name, "input": input } }));
        }
        Ok(spoken)
    }
}

/// Thinking with its signatures, as the answer gave it: in `reasoning_details`, or in `thinking_blocks`, which are
/// Anthropic's own. Thinking without a signature cannot be given back, and is not.
fn thoughts(message: &mut Map<String, Value>) -> Vec<Value> {
    let list = |value: Option<Value>| match value {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    let said = |text: &Value, signature: &Value| {
        let signature = signature.as_str().filter(|signature| !signature.is_empty())?;
        let text = text.as_str().unwrap_or_default();
        Some(json!({ "reasoningContent": { "reasoningText": { "text": text, "signature": signature } } }))
    };
    let sealed = |data: &Value| Some(json!({ "reasoningContent": { "redactedContent": data.as_str()? } }));
    let blocks = list(message.remove("thinking_blocks"));
    let details = list(message.remove("reasoning_details"));
    let from_block = |block: &Value| match block["type"].as_str() {
        Some("thinking") => said(&block["thinking"], &block["signature"]),
        Some("redacted_thinking") => sealed(&block["data"]),
        _ => None,
    };
    let from_detail = |detail: &Value| match detail["type"].as_str() {
        Some("reasoning.text") => said(&detail["text"], &detail["signature"]),
        Some("reasoning.encrypted") => sealed(&detail["data"]),
        _ => None,
    };
    if blocks.is_empty() {
        details.iter().filter_map(from_detail).collect()
    } else {
        blocks.iter().filter_map(from_block).collect()
    }
}

/// A message's content as blocks.
fn blocks(index: usize, content: Value) -> Result<Vec<Value>, Untranslatable> {
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(text_block(&text).into_iter().collect()),
        Value::Array(parts) => {
            let mut blocks = Vec::with_capacity(parts.len());
            for part in parts {
                let control = cache_point(&part["cache_control"]);
                blocks.extend(block(index, part)?);
                blocks.extend(control);
            }
            Ok(blocks)
        }
        _ => Err(at(index, "has a `content` that is neither text nor parts")),
    }
}

/// A result's content, and the cache point that is to follow it.
fn result(index: usize, content: Value) -> Result<(Vec<Value>, Vec<Value>), Untranslatable> {
    let blocks = blocks(index, content)?;
    let (after, mut content): (Vec<_>, Vec<_>) = blocks
        .into_iter()
        .partition(|block| block.get("cachePoint").is_some());
    if content.is_empty() {
        content.push(json!({ "text": "" }));
    }
    Ok((content, after))
}

/// Anthropic's mark on what is to be cached, as the block that stands behind it here.
pub(super) fn cache_point(control: &Value) -> Option<Value> {
    let mut point = json!({ "type": "default" });
    match (control["type"].as_str()?, control["ttl"].as_str()) {
        ("ephemeral", Some(ttl @ ("5m" | "1h"))) => point["ttl"] = json!(ttl),
        ("ephemeral", _) => {}
        _ => return None,
    }
    Some(json!({ "cachePoint": point }))
}

/// The API refuses empty text.
fn text_block(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!({ "text": text }))
}

fn block(index: usize, part: Value) -> Result<Option<Value>, Untranslatable> {
    match part["type"].as_str() {
        Some("text") => Ok(text_block(
            part["text"].as_str().ok_or_else(|| wrong("text", "a string"))?,
        )),
        Some("refusal") => Ok(text_block(part["refusal"].as_str().unwrap_or_default())),
        Some("image_url") => image(index, &part["image_url"]).map(Some),
        Some("input_audio") => {
            let audio = &part["input_audio"];
            let format = audio["format"].as_str().unwrap_or("wav");
            Ok(Some(
                json!({ "audio": { "format": format, "source": { "bytes": audio["data"] } } }),
            ))
        }
        Some("file") => document(index, &part["file"]).map(Some),
        // Converse's own blocks, for callers who know where the call goes.
        None if part.as_object().is_some_and(|fields| fields.len() == 1) => Ok(Some(part)),
        _ => Err(at(
            index,
            "has a part that cannot be expressed in Converse's format (text, image_url, input_audio and file can)",
        )),
    }
}

fn image(index: usize, image: &Value) -> Result<Value, Untranslatable> {
    let url = image.as_str().or_else(|| image["url"].as_str());
    let url = url.ok_or_else(|| at(index, "has an image without a URL"))?;
    if let Some((media_type, data)) = data_url(url) {
        let format = media_type.strip_prefix("image/").unwrap_or(media_type);
        let format = if format == "jpg" { "jpeg" } else { format };
        return Ok(json!({ "image": { "format": format, "source": { "bytes": data } } }));
    }
    if url.starts_with("s3://") {
        let ending = url.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let format = if ending == "jpg" { "jpeg" } else { ending.as_str() };
        return Ok(json!({ "image": { "format": format, "source": { "s3Location": { "uri": url } } } }));
    }
    Err(at(
        index,
        "has an image by its address, which Converse does not fetch: send it as a base64 data URL",
    ))
}

fn document(index: usize, file: &Value) -> Result<Value, Untranslatable> {
    let filename = file["filename"].as_str().unwrap_or("document");
    let (stem, ending) = filename.rsplit_once('.').unwrap_or((filename, ""));
    let (media_type, source) = match file["file_data"].as_str().and_then(data_url) {
        Some((media_type, data)) => (media_type, json!({ "bytes": data })),
        None => match file["file_id"].as_str().filter(|id| id.starts_with("s3://")) {
            Some(uri) => ("", json!({ "s3Location": { "uri": uri } })),
            None => {
                return Err(at(
                    index,
                    "has a file without base64 `file_data`, which is all that Converse takes",
                ));
            }
        },
    };
    let format = format_of(media_type).or_else(|| format_of_ending(ending));
    let format = format.ok_or_else(|| {
        at(
            index,
            "has a file of a kind that Converse does not take (pdf, csv, doc, docx, xls, xlsx, html, txt and md it does)",
        )
    })?;
    Ok(json!({ "document": { "format": format, "name": neutral(stem), "source": source } }))
}

fn format_of(media_type: &str) -> Option<&'static str> {
    match media_type {
        "application/pdf" => Some("pdf"),
        "text/csv" => Some("csv"),
        "application/msword" => Some("doc"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => Some("docx"),
        "application/vnd.ms-excel" => Some("xls"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Some("xlsx"),
        "text/html" => Some("html"),
        "text/markdown" => Some("md"),
        "text/plain" => Some("txt"),
        _ => None,
    }
}

fn format_of_ending(ending: &str) -> Option<&'static str> {
    ["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(ending))
}

/// A name as the API takes it: letters, digits, single spaces, hyphens, parentheses and brackets.
fn neutral(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars().take(NAME_CHARS_MAX) {
        let allowed = character.is_ascii_alphanumeric() || matches!(character, '-' | '(' | ')' | '[' | ']');
        if allowed {
            out.push(character);
        } else if !out.ends_with(' ') && !out.is_empty() {
            out.push(' ');
        }
    }
    let out = out.trim_end();
    if out.is_empty() {
        "document".to_owned()
    } else {
        out.to_owned()
    }
}

fn at(index: usize, what: &str) -> Untranslatable {
    Untranslatable::new(format!("`messages[{index}]` {what}"))
}
