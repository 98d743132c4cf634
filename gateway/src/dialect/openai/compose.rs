//! A chat request for a provider of `OpenAI`'s format, from a caller of another: the pivot without the fields
//! that only translators know.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::dialect::{Fields, Translated};
use crate::route::Target;

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
    if let Some(bound) = fields.remove("max_completion_tokens") {
        let name = if is_openai {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        fields.insert(name.to_owned(), bound);
    }
    let messages = fields.get_mut("messages").and_then(Value::as_array_mut);
    if messages.is_some_and(|messages| strip(messages)) {
        adapted.push("thinking");
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
        let parts = message.get_mut("content").and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten().filter_map(Value::as_object_mut) {
            part.remove("cache_control");
        }
    }
    found
}
