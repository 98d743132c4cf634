//! A chat request for a provider of `OpenAI`'s format, from a caller of another: the pivot without the fields
//! that only translators know.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::dialect::door::Door;
use crate::dialect::openai::request::ChatRequest;
use crate::dialect::{Fields, Translated};
use crate::route::Target;

/// Whether a provider that speaks the caller's format would still not understand the request: it knows only the old
/// name of the answer's bound, or content as text alone.
pub(crate) fn is_needed(request: &ChatRequest, target: &Target) -> bool {
    let traits = target.provider.traits;
    if request.door != Door::Chat || !(traits.max_tokens_only || traits.text_only) {
        return false;
    }
    let newer = || memchr::memmem::find(&request.body, b"\"max_completion_tokens\"").is_some();
    let parts = || memchr::memmem::find(&request.body, b"\"type\"").is_some();
    (traits.max_tokens_only && newer()) || (traits.text_only && parts())
}

/// Puts the request into words. `adapted` is what the way to the pivot has changed already.
pub(crate) fn compose(
    mut fields: Fields,
    mut adapted: Vec<&'static str>,
    target: &Target,
    stream: bool,
) -> Translated {
    fields.insert("model".to_owned(), json!(target.model));
    if stream && target.provider.asks_usage() {
        fields.insert("stream_options".to_owned(), json!({ "include_usage": true }));
    }
    let is_openai = target.provider.vendor == "openai";
    if is_openai && fields.remove("top_k").is_some() {
        adapted.push("top_k");
    }
    // Only OpenAI itself insists on the newer name; some others know only the old one.
    if let Some(bound) = fields.shift_remove("max_completion_tokens") {
        let name = if is_openai {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        fields.insert(name.to_owned(), bound);
    }
    let messages = fields.get_mut("messages").and_then(Value::as_array_mut);
    if let Some(messages) = messages {
        if strip(messages) {
            adapted.push("thinking");
        }
        if target.provider.traits.text_only {
            messages.iter_mut().for_each(join_text);
        }
    }
    Translated {
        body: Bytes::from(Value::Object(fields).to_string()),
        adapted,
    }
}

/// Takes out what another provider thought and signed. Returns whether there was any.
fn strip(messages: &mut [Value]) -> bool {
    let mut found = false;
    for message in messages.iter_mut().filter_map(Value::as_object_mut) {
        found |= message.remove("reasoning_details").is_some();
        found |= message.remove("thinking_blocks").is_some();
    }
    found
}

/// Content of text parts alone as one text.
fn join_text(message: &mut Value) {
    let Some(parts) = message["content"].as_array() else {
        return;
    };
    if parts.iter().all(|part| part["type"] == "text") {
        let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
        message["content"] = json!(texts.join("\n"));
    }
}
