//! The parameters of a chat request that spans carry, and who the body says is calling.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::attributes::Attributes;

/// Longest identifier taken from a caller.
const IDENTIFIER_CHARS_MAX: usize = 200;

/// The scalar fields of a request. Each may have any shape; only the expected one is recorded.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    temperature: Option<Value>,
    top_p: Option<Value>,
    max_tokens: Option<Value>,
    max_completion_tokens: Option<Value>,
    frequency_penalty: Option<Value>,
    presence_penalty: Option<Value>,
    seed: Option<Value>,
    n: Option<Value>,
    stop: Option<Value>,
    reasoning_effort: Option<Value>,
    response_format: Option<Value>,
    user: Option<Value>,
    safety_identifier: Option<Value>,
    metadata: Option<Value>,
}

impl Parameters {
    pub(super) fn parse(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// The `gen_ai.request.*` attributes.
    pub(super) fn describe(&self, attributes: &mut Attributes<'_>) {
        attributes.number("gen_ai.request.temperature", self.temperature.as_ref());
        attributes.number("gen_ai.request.top_p", self.top_p.as_ref());
        let max_tokens = self.max_completion_tokens.as_ref().or(self.max_tokens.as_ref());
        attributes.json("gen_ai.request.max_tokens", max_tokens);
        attributes.number(
            "gen_ai.request.frequency_penalty",
            self.frequency_penalty.as_ref(),
        );
        attributes.number("gen_ai.request.presence_penalty", self.presence_penalty.as_ref());
        attributes.json("gen_ai.request.seed", self.seed.as_ref());
        if self
            .n
            .as_ref()
            .and_then(Value::as_u64)
            .is_some_and(|count| count != 1)
        {
            attributes.json("gen_ai.request.choice.count", self.n.as_ref());
        }
        match &self.stop {
            Some(Value::String(one)) => attributes.texts("gen_ai.request.stop_sequences", &[one]),
            several => attributes.json("gen_ai.request.stop_sequences", several.as_ref()),
        }
        attributes.json("brokle.request.reasoning_effort", self.reasoning_effort.as_ref());
        let format = self
            .response_format
            .as_ref()
            .and_then(|format| format.get("type"))
            .and_then(Value::as_str);
        attributes.text_if(
            "gen_ai.output.type",
            format.map(|format| {
                if format.starts_with("json") {
                    "json"
                } else {
                    format
                }
            }),
        );
    }

    /// The user that the body names.
    pub(super) fn user(&self) -> Option<String> {
        let named = self.metadata().and_then(|metadata| metadata.get("user_id"));
        [self.user.as_ref(), named, self.safety_identifier.as_ref()]
            .into_iter()
            .flatten()
            .find_map(identifier)
    }

    /// The session that the body names.
    pub(super) fn session(&self) -> Option<String> {
        let metadata = self.metadata()?;
        ["session_id", "conversation_id", "thread_id"]
            .into_iter()
            .find_map(|key| identifier(metadata.get(key)?))
    }

    /// The trace-level attributes that `metadata` carries.
    pub(super) fn describe_trace(&self, attributes: &mut Attributes<'_>) {
        let Some(metadata) = self.metadata() else { return };
        attributes.text_if(
            "brokle.trace.name",
            metadata.get("trace_name").and_then(identifier),
        );
        match metadata.get("tags") {
            Some(Value::String(list)) => {
                let tags: Vec<&str> = list.split(',').map(str::trim).collect();
                attributes.texts("brokle.trace.tags", &tags);
            }
            tags => attributes.json("brokle.trace.tags", tags),
        }
        let known = [
            "user_id",
            "session_id",
            "conversation_id",
            "thread_id",
            "trace_name",
            "tags",
        ];
        let rest: Map<String, Value> = metadata
            .iter()
            .filter(|(key, _)| !known.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !rest.is_empty() {
            attributes.text("brokle.trace.metadata", Value::Object(rest).to_string());
        }
    }

    fn metadata(&self) -> Option<&Map<String, Value>> {
        self.metadata.as_ref()?.as_object()
    }
}

fn identifier(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let text: String = text.trim().chars().take(IDENTIFIER_CHARS_MAX).collect();
    (!text.is_empty()).then_some(text)
}
