//! Messages in Gemini's terms: turns of parts, a result of a tool named by the function and not by the call.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::signature_of;
use crate::dialect::Untranslatable;
use crate::dialect::media::{self, data_url};

/// What the API takes in place of a signature that the caller has not kept.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// A conversation taken apart.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) system: Vec<Value>,
    pub(super) turns: Vec<Value>,
    /// Whether a signature had to be replaced.
    pub(super) lacks_signature: bool,
    /// The function of each call made so far.
    names: HashMap<String, String>,
}

/// Reads `OpenAI`'s messages.
pub(super) fn conversation(messages: Vec<Value>) -> Result<Conversation, Untranslatable> {
    let mut conversation = Conversation::default();
    for (index, message) in messages.into_iter().enumerate() {
        conversation.add(index, message)?;
    }
    Ok(conversation)
}

impl Conversation {
    fn add(&mut self, index: usize, mut message: Value) -> Result<(), Untranslatable> {
        let content = message.get_mut("content").map(Value::take).unwrap_or_default();
        match message["role"].as_str() {
            Some("system" | "developer") => self.system.extend(parts(index, content)?),
            Some("user") => {
                let parts = parts(index, content)?;
                self.turn("user", parts);
            }
            Some("assistant") => {
                let mut said = parts(index, content)?;
                self.calls(index, &message, &mut said)?;
                self.turn("model", said);
            }
            Some("tool") => {
                let part = self.result(index, &message, &content)?;
                self.turn("user", vec![part]);
            }
            _ => {
                return Err(at(
                    index,
                    "has a role that cannot be expressed in Gemini's format",
                ));
            }
        }
        Ok(())
    }

    fn calls(&mut self, index: usize, message: &Value, said: &mut Vec<Value>) -> Result<(), Untranslatable> {
        for (number, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let function = &call["function"];
            let name = function["name"].as_str();
            let name = name.ok_or_else(|| at(index, "has a tool call without a function's name"))?;
            let arguments = media::arguments_object(function["arguments"].as_str().unwrap_or_default());
            let arguments = arguments
                .ok_or_else(|| at(index, "has a tool call whose arguments are not a JSON object"))?;
            if let Some(id) = call["id"].as_str() {
                self.names.insert(id.to_owned(), name.to_owned());
            }
            let mut part = json!({ "functionCall": { "name": name, "args": arguments } });
            // Of parallel calls, the first alone is signed.
            match signature_of(call) {
                Some(signature) => part["thoughtSignature"] = json!(signature),
                None if number == 0 => {
                    self.lacks_signature = true;
                    part["thoughtSignature"] = json!(NO_SIGNATURE);
                }
                None => {}
            }
            said.push(part);
        }
        Ok(())
    }

    fn result(&self, index: usize, message: &Value, content: &Value) -> Result<Value, Untranslatable> {
        let id = message["tool_call_id"].as_str().unwrap_or_default();
        let name = self
            .names
            .get(id)
            .map(String::as_str)
            .or(message["name"].as_str());
        let name = name.ok_or_else(|| at(index, "answers a tool call that no message before it has made"))?;
        let text = media::text_of(content);
        let response = serde_json::from_str(&text).ok().filter(Value::is_object);
        let response = response.unwrap_or_else(|| json!({ "result": text }));
        Ok(json!({ "functionResponse": { "name": name, "response": response } }))
    }

    /// Adds to the last turn when it is of the same role.
    fn turn(&mut self, role: &str, mut parts: Vec<Value>) {
        if parts.is_empty() {
            return;
        }
        if let Some(last) = self.turns.last_mut().filter(|turn| turn["role"] == role)
            && let Some(before) = last["parts"].as_array_mut()
        {
            before.append(&mut parts);
            return;
        }
        self.turns.push(json!({ "role": role, "parts": parts }));
    }
}

fn parts(index: usize, content: Value) -> Result<Vec<Value>, Untranslatable> {
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(vec![json!({ "text": text })]),
        Value::Array(parts) => parts.iter().map(|piece| part(index, piece)).collect(),
        _ => Err(at(index, "has a `content` that is neither text nor parts")),
    }
}

fn part(index: usize, part: &Value) -> Result<Value, Untranslatable> {
    match part["type"].as_str() {
        Some("text") => Ok(json!({ "text": part["text"] })),
        Some("refusal") => Ok(json!({ "text": part["refusal"] })),
        Some("image_url") => {
            let url = part["image_url"].as_str().or(part["image_url"]["url"].as_str());
            located(url.ok_or_else(|| at(index, "has an image without a URL"))?)
                .ok_or_else(|| at(index, "has a data URL that is not base64"))
        }
        Some("input_audio") => {
            let audio = &part["input_audio"];
            let kind = format!("audio/{}", audio["format"].as_str().unwrap_or("wav"));
            Ok(json!({ "inlineData": { "mimeType": kind, "data": audio["data"] } }))
        }
        Some("file") => {
            let file = &part["file"];
            let place = file["file_data"].as_str().or(file["file_id"].as_str());
            place.and_then(located).ok_or_else(|| {
                at(
                    index,
                    "has a file without `file_id` and without base64 `file_data`",
                )
            })
        }
        _ => Err(at(
            index,
            "has a part that cannot be expressed in Gemini's format (text, image_url, input_audio and file can)",
        )),
    }
}

/// Data by itself, or where it is.
fn located(url: &str) -> Option<Value> {
    if let Some((kind, data)) = data_url(url) {
        return Some(json!({ "inlineData": { "mimeType": kind, "data": data } }));
    }
    let mut file = json!({ "fileUri": url });
    if let Some(kind) = media::type_of_address(url) {
        file["mimeType"] = json!(kind);
    }
    (!url.starts_with("data:")).then(|| json!({ "fileData": file }))
}

fn at(index: usize, what: &str) -> Untranslatable {
    Untranslatable::new(format!("`messages[{index}]` {what}"))
}
