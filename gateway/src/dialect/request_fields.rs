//! A chat request taken apart field by field. A translator takes the fields that it can express; what is left
//! at the end is reported, so that a field which nobody thought of is never dropped silently.

use serde_json::Value;

use super::{Fields, Untranslatable};

/// Fields that steer the gateway and not the model; every translation has them settled elsewhere.
const SETTLED: [&str; 4] = ["model", "stream", "stream_options", "store"];

/// Fields that only tell a provider how to serve: an answer without them is the same answer.
const HINTS: [&str; 8] = [
    "prompt_cache_key",
    "prompt_cache_retention",
    "prediction",
    "verbosity",
    "logit_bias",
    "frequency_penalty",
    "presence_penalty",
    "seed",
];

/// Fields that ask for something that must then be in the answer.
const DEMANDS: [&str; 6] = [
    "audio",
    "logprobs",
    "top_logprobs",
    "web_search_options",
    "functions",
    "function_call",
];

/// The fields of one request.
pub(super) struct RequestFields {
    fields: Fields,
    adapted: Vec<&'static str>,
}

impl RequestFields {
    /// Takes apart what an earlier translation has put together, and changed.
    pub(super) fn new(fields: Fields, adapted: Vec<&'static str>) -> Self {
        Self { fields, adapted }
    }

    /// Reads a body.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Untranslatable> {
        let fields: Fields = serde_json::from_slice(body)
            .map_err(|error| Untranslatable::new(format!("the body is not a JSON object: {error}")))?;
        Ok(Self::new(fields, Vec::new()))
    }

    /// Takes a field; `null` is absence.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a field that must be a number.
    pub(super) fn take_number(&mut self, name: &'static str) -> Result<Option<Value>, Untranslatable> {
        match self.take(name) {
            Some(value) if !value.is_number() => Err(wrong(name, "a number")),
            other => Ok(other),
        }
    }

    /// Takes a field that must be text.
    pub(super) fn take_text(&mut self, name: &'static str) -> Result<Option<String>, Untranslatable> {
        match self.take(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "a string")),
            None => Ok(None),
        }
    }

    /// Takes a field that must be a list.
    pub(super) fn take_list(&mut self, name: &'static str) -> Result<Option<Vec<Value>>, Untranslatable> {
        match self.take(name) {
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(wrong(name, "an array")),
            None => Ok(None),
        }
    }

    /// Takes `stop`: one text or several.
    pub(super) fn take_stop(&mut self) -> Result<Option<Vec<Value>>, Untranslatable> {
        match self.take("stop") {
            None => Ok(None),
            Some(one @ Value::String(_)) => Ok(Some(vec![one])),
            Some(Value::Array(several)) if several.iter().all(Value::is_string) => Ok(Some(several)),
            Some(_) => Err(wrong("stop", "a string or an array of strings")),
        }
    }

    /// Takes the bound on the answer's tokens, by its current name or the old one.
    pub(super) fn take_max_tokens(&mut self) -> Result<Option<Value>, Untranslatable> {
        let old = self.take_number("max_tokens")?;
        Ok(self.take_number("max_completion_tokens")?.or(old))
    }

    /// Notes a change that the format forces.
    pub(super) fn adapt(&mut self, what: &'static str) {
        self.adapted.push(what);
    }

    /// Ends the translation: a demand that nobody took is refused, a hint or an unknown field is noted.
    pub(super) fn finish(
        mut self,
        provider_format: &'static str,
    ) -> Result<Vec<&'static str>, Untranslatable> {
        for name in SETTLED {
            self.fields.remove(name);
        }
        self.check_choices(provider_format)?;
        for name in DEMANDS {
            let asked = self.take(name).is_some_and(|value| !is_off(&value));
            if asked {
                return Err(Untranslatable::new(format!(
                    "`{name}` cannot be expressed in {provider_format}: leave it out, or use a provider that has it"
                )));
            }
        }
        for name in HINTS {
            if self.take(name).is_some_and(|value| !is_off(&value)) {
                self.adapted.push(name);
            }
        }
        if self.fields.values().any(|value| !is_off(value)) {
            self.adapted.push("unknown_fields");
        }
        Ok(self.adapted)
    }

    fn check_choices(&mut self, provider_format: &'static str) -> Result<(), Untranslatable> {
        let several = self.take("n").is_some_and(|count| count.as_u64() != Some(1));
        let spoken = self
            .take("modalities")
            .is_some_and(|kinds| kinds != serde_json::json!(["text"]));
        if several || spoken {
            let name = if several { "n" } else { "modalities" };
            return Err(Untranslatable::new(format!(
                "`{name}` cannot be expressed in {provider_format}: it gives one answer, of text"
            )));
        }
        Ok(())
    }
}

/// Takes Anthropic's marks on what to cache out of parts and tools: other formats cache by themselves, or have no
/// place for it. Returns whether there were any.
pub(super) fn strip_cache_control(fields: &mut Fields) -> bool {
    fn strip(items: Option<&mut Value>, found: &mut bool) {
        let items = items.and_then(Value::as_array_mut).into_iter().flatten();
        for item in items.filter_map(Value::as_object_mut) {
            *found |= item.shift_remove("cache_control").is_some();
            strip(item.get_mut("content"), found);
        }
    }
    let mut found = false;
    strip(fields.get_mut("messages"), &mut found);
    strip(fields.get_mut("tools"), &mut found);
    found |= fields.shift_remove("cache_control").is_some();
    found
}

/// Whether a message gives back thinking that only Anthropic's models, which signed it, can read.
pub(super) fn has_signed_thinking(fields: &Fields) -> bool {
    let messages = fields.get("messages").and_then(Value::as_array);
    let mut messages = messages.into_iter().flatten();
    messages.any(|message| {
        let mut details = message["reasoning_details"].as_array().into_iter().flatten();
        message["thinking_blocks"].is_array() || details.any(|detail| detail["type"] == "reasoning.text")
    })
}

/// Whether a value asks for nothing.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

pub(super) fn wrong(name: &str, expected: &str) -> Untranslatable {
    Untranslatable::new(format!("`{name}` must be {expected}"))
}
