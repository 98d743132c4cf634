//! Google's Gemini API (`generateContent`) as a provider speaks it: requests into it, answers and streams out
//! of it. Facts: ai.google.dev, "Generating content" and "Thought signatures".

pub(crate) mod answer;
mod content;
pub(crate) mod request;
pub(crate) mod stream;

use serde_json::Value;

/// The method, and its query, for a call.
pub(crate) const fn method(stream: bool) -> &'static str {
    if stream {
        "streamGenerateContent?alt=sse"
    } else {
        "generateContent"
    }
}

/// Where a tool call carries the signature of the thought that led to it, in the form of Google's own
/// `OpenAI`-compatible API.
fn signature_of(call: &Value) -> Option<&str> {
    call["extra_content"]["google"]["thought_signature"].as_str()
}
