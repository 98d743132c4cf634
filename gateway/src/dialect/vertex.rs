//! Google's Vertex AI: no format of its own, but three others' at its own addresses. Which one, the model's name says.
//! Facts: cloud.google.com, "Generative AI on Vertex AI".

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::config::Dialect;

/// What Claude's requests say in place of the version's header.
const ANTHROPIC_VERSION: &str = "vertex-2023-10-16";

/// The format in which Vertex serves `model`.
pub(crate) fn format_of(model: &str) -> Dialect {
    if model.starts_with("claude") {
        Dialect::Anthropic
    } else if model.contains('/') {
        // As `meta/llama-3.3-70b-instruct-maas`: partners' models, by the endpoint of OpenAI's format.
        Dialect::Openai
    } else {
        Dialect::Gemini
    }
}

/// The path of a call after the project's and location's.
pub(crate) fn path(model: &str, escaped: &str, stream: bool) -> String {
    match (format_of(model), stream) {
        (Dialect::Anthropic, true) => format!("/publishers/anthropic/models/{escaped}:streamRawPredict"),
        (Dialect::Anthropic, false) => format!("/publishers/anthropic/models/{escaped}:rawPredict"),
        (Dialect::Openai, _) => "/endpoints/openapi/chat/completions".to_owned(),
        (_, true) => format!("/publishers/google/models/{escaped}:streamGenerateContent?alt=sse"),
        (_, false) => format!("/publishers/google/models/{escaped}:generateContent"),
    }
}

/// A request in Anthropic's format as Vertex takes it: the model is in the address, the version in the body.
pub(crate) fn for_claude(body: &Bytes) -> Bytes {
    let Ok(mut fields) = serde_json::from_slice::<Map<String, Value>>(body) else {
        // Not ours to refuse.
        return body.clone();
    };
    fields.shift_remove("model");
    fields.insert("anthropic_version".to_owned(), json!(ANTHROPIC_VERSION));
    Bytes::from(Value::Object(fields).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_has_its_format_and_its_path() {
        for (model, format, stream, expected) in [
            (
                "gemini-3-pro",
                Dialect::Gemini,
                true,
                "/publishers/google/models/gemini-3-pro:streamGenerateContent?alt=sse",
            ),
            (
                "claude-opus-4-6@default",
                Dialect::Anthropic,
                false,
                "/publishers/anthropic/models/claude-opus-4-6@default:rawPredict",
            ),
            (
                "meta/llama-4",
                Dialect::Openai,
                true,
                "/endpoints/openapi/chat/completions",
            ),
        ] {
            assert_eq!(format_of(model), format);
            assert_eq!(path(model, model, stream), expected);
        }
    }

    #[test]
    fn claudes_requests_name_the_version_and_not_the_model() {
        let body = Bytes::from_static(br#"{"model":"claude-x","max_tokens":5,"stream":true}"#);
        assert_eq!(
            for_claude(&body),
            r#"{"max_tokens":5,"stream":true,"anthropic_version":"vertex-2023-10-16"}"#
        );
    }
}
