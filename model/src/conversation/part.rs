//! One piece of a message, in any of its spellings.

use serde_json::{Map, Value};

use super::{Media, Part};

type Object = Map<String, Value>;

/// Reads each item; one of an unknown kind is kept as it is.
pub(super) fn list(items: &[Value]) -> Vec<Part> {
    items
        .iter()
        .map(|item| known(item).unwrap_or_else(|| Part::Other(item.clone())))
        .collect()
}

/// Reads the items if every one of them is of a known kind.
pub(super) fn every(items: &[Value]) -> Option<Vec<Part>> {
    items.iter().map(known).collect()
}

fn known(item: &Value) -> Option<Part> {
    let object = match item {
        Value::String(text) => {
            return Some(Part::Text {
                content: text.clone(),
            });
        }
        Value::Object(object) => object,
        _ => return None,
    };
    match object.get("type").and_then(Value::as_str) {
        Some(kind) => typed(kind, object),
        None => untyped(object),
    }
}

fn typed(kind: &str, object: &Object) -> Option<Part> {
    match kind {
        "text" | "input_text" | "output_text" => {
            string(object, &["content", "text"]).map(|content| Part::Text { content })
        }
        "refusal" => string(object, &["refusal"]).map(|content| Part::Text { content }),
        "reasoning" | "thinking" => Some(reasoning(object)),
        "redacted_thinking" => Some(Part::Reasoning {
            content: String::new(),
            signature: string(object, &["data"]),
        }),
        "tool_call" | "tool-call" | "tool_use" | "server_tool_use" | "function" | "function_call"
        | "custom_tool_call" => tool_call(object),
        "tool_call_response"
        | "tool-result"
        | "tool_result"
        | "function_call_output"
        | "custom_tool_call_output" => Some(tool_response(object)),
        "image" | "image_url" | "input_image" => media(object).map(Part::Image),
        "input_audio" | "audio" => media(object).map(Part::Audio),
        "video" | "video_url" => media(object).map(Part::Video),
        "document" | "input_file" => media(object).map(Part::File),
        "file" | "blob" | "uri" => media(object).map(|found| by_modality(object, found)),
        _ => None,
    }
}

/// Gemini's parts say what they are by the name of their field; so does a bare tool call.
fn untyped(object: &Object) -> Option<Part> {
    let inner = |names: [&str; 2]| {
        names
            .iter()
            .find_map(|name| object.get(*name))
            .and_then(Value::as_object)
    };
    if let Some(content) = string(object, &["text"]) {
        let is_thought = object.get("thought").and_then(Value::as_bool).unwrap_or(false);
        return Some(if is_thought {
            Part::Reasoning {
                content,
                signature: signature(object),
            }
        } else {
            Part::Text { content }
        });
    }
    if let Some(call) = inner(["functionCall", "function_call"]) {
        return function(call);
    }
    if let Some(response) = inner(["functionResponse", "function_response"]) {
        return Some(tool_response(response));
    }
    if let Some(blob) = inner(["inlineData", "inline_data"]).or_else(|| inner(["fileData", "file_data"])) {
        return media(blob).map(|found| by_modality(blob, found));
    }
    let is_call = ["function", "toolName", "args", "arguments"]
        .iter()
        .any(|name| object.contains_key(*name));
    if is_call { tool_call(object) } else { None }
}

fn reasoning(object: &Object) -> Part {
    let summary = || {
        let items = object.get("summary")?.as_array()?;
        let texts: Vec<&str> = items
            .iter()
            .filter_map(|item| item.get("text")?.as_str())
            .collect();
        Some(texts.join("\n\n"))
    };
    let content = string(object, &["content", "text", "thinking"])
        .or_else(summary)
        .unwrap_or_default();
    Part::Reasoning {
        content,
        signature: signature(object),
    }
}

/// A thought that came as bare text.
pub(super) fn thought(text: &str) -> Part {
    Part::Reasoning {
        content: text.to_owned(),
        signature: None,
    }
}

/// Anthropic's signature, Gemini's, or OpenAI's encrypted thoughts; Vercel's SDK keeps it under its provider.
fn signature(object: &Object) -> Option<String> {
    let names = [
        "signature",
        "thoughtSignature",
        "thought_signature",
        "encrypted_content",
    ];
    let nested = || {
        let of_provider = object
            .get("providerOptions")
            .or_else(|| object.get("providerMetadata"))?;
        let mut providers = of_provider.as_object()?.values().filter_map(Value::as_object);
        providers.find_map(|fields| {
            string(
                fields,
                &["signature", "thoughtSignature", "reasoningEncryptedContent"],
            )
        })
    };
    string(object, &names)
        .or_else(nested)
        .filter(|text| !text.is_empty())
}

fn tool_call(object: &Object) -> Option<Part> {
    if let Some(inner) = object.get("function").and_then(Value::as_object) {
        let id = string(object, &["id"]);
        return function(inner).map(|call| with_id(call, id));
    }
    function(object)
}

/// The name and arguments of a call, under whichever names.
pub(super) fn function(object: &Object) -> Option<Part> {
    let name = string(object, &["name", "toolName", "tool_name"])?;
    let id = string(object, &["call_id", "id", "toolCallId", "tool_call_id"]);
    let names = ["arguments", "args", "input", "parameters"];
    let arguments = names
        .iter()
        .find_map(|name| object.get(*name))
        .map_or(Value::Null, json_within);
    Some(Part::ToolCall { id, name, arguments })
}

fn with_id(part: Part, outer: Option<String>) -> Part {
    match part {
        Part::ToolCall { id, name, arguments } => Part::ToolCall {
            id: outer.or(id),
            name,
            arguments,
        },
        other => other,
    }
}

fn tool_response(object: &Object) -> Part {
    let id = string(
        object,
        &["tool_use_id", "toolCallId", "tool_call_id", "call_id", "id"],
    );
    let names = ["response", "result", "output", "content"];
    let result = names
        .iter()
        .find_map(|name| object.get(*name))
        .map_or(Value::Null, vercel_output);
    Part::ToolCallResponse {
        id,
        name: string(object, &["name", "toolName"]),
        result: json_within(&texts_joined(&result)),
    }
}

/// Vercel wraps a result as `{"type":"json"|"text","value":...}`.
fn vercel_output(value: &Value) -> Value {
    let is_wrapped = value
        .as_object()
        .is_some_and(|object| object.len() == 2 && object.contains_key("type"));
    value.get("value").filter(|_| is_wrapped).unwrap_or(value).clone()
}

/// A list of nothing but text parts is their text.
pub(super) fn texts_joined(value: &Value) -> Value {
    let text = |item: &Value| match known(item) {
        Some(Part::Text { content }) => Some(content),
        _ => None,
    };
    let texts: Option<Vec<String>> = value
        .as_array()
        .filter(|items| !items.is_empty())
        .and_then(|items| items.iter().map(text).collect());
    texts.map_or_else(|| value.clone(), |texts| Value::String(texts.join("\n")))
}

/// A string that holds a JSON object or array is that; any other value is itself.
pub(super) fn json_within(value: &Value) -> Value {
    let parsed = value
        .as_str()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    parsed
        .filter(|inner| inner.is_object() || inner.is_array())
        .unwrap_or_else(|| value.clone())
}

fn media(object: &Object) -> Option<Media> {
    let names = ["source", "image_url", "input_audio", "video_url", "file", "image"];
    let nested = names
        .iter()
        .find_map(|name| object.get(*name))
        .and_then(Value::as_object);
    let any = |keys: &[&str]| string(object, keys).or_else(|| nested.and_then(|inner| string(inner, keys)));
    let (uri, inline) = address_or_data(any(&["uri", "url", "image_url", "fileUri", "file_uri", "image"]));
    let bytes = any(&["data", "file_data"]).or_else(|| string(object, &["content"]));
    let found = Media {
        uri,
        data: bytes.or(inline),
        file_id: any(&["file_id"]),
        mime_type: any(&["mime_type", "mimeType", "media_type", "mediaType"]).or_else(|| audio_type(nested)),
        name: any(&["filename", "name"]),
    };
    (found.uri.is_some() || found.data.is_some() || found.file_id.is_some()).then_some(found)
}

/// Some fields hold either an address or the bytes themselves.
fn address_or_data(text: Option<String>) -> (Option<String>, Option<String>) {
    match text {
        Some(text) if text.contains("://") || text.starts_with("data:") => (Some(text), None),
        other => (None, other),
    }
}

fn audio_type(nested: Option<&Object>) -> Option<String> {
    string(nested?, &["format"]).map(|format| format!("audio/{format}"))
}

fn by_modality(object: &Object, media: Media) -> Part {
    let modality = string(object, &["modality"]);
    let mime_type = media.mime_type.clone().unwrap_or_default();
    match modality
        .as_deref()
        .unwrap_or_else(|| mime_type.split('/').next().unwrap_or_default())
    {
        "image" => Part::Image(media),
        "audio" => Part::Audio(media),
        "video" => Part::Video(media),
        _ => Part::File(media),
    }
}

fn string(object: &Object, names: &[&str]) -> Option<String> {
    names
        .iter()
        .find_map(|name| object.get(*name)?.as_str())
        .map(str::to_owned)
}
