//! When two requests get the same answer: every field of the body that can change it, in whatever order and
//! spacing, the door, where the call would go, and the headers that change what a provider does.
//!
//! A field that is not known is taken for one that matters.

use http::HeaderMap;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::semantic::Question;
use crate::dialect::door::Door;
use crate::dialect::openai::request::ChatRequest;
use crate::route::Target;

/// Fields that say who asks, or how the answer is to be kept or counted, and not what is to be answered.
const IGNORED: [&str; 7] = [
    "stream_options",
    "user",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
];
/// Fields by which a request leans on what lives at the provider: the same body need not mean the same.
const STATEFUL: [&str; 4] = ["previous_response_id", "conversation", "background", "container"];
/// Headers that reach the provider and change what it does.
const HEADERS: [&str; 3] = ["anthropic-beta", "anthropic-version", "openai-beta"];

/// The key of a request, in hexadecimal; nothing when its answer must not be given again.
pub(crate) fn fingerprint(
    request: &ChatRequest,
    targets: &[Target],
    headers: &HeaderMap,
    namespace: &str,
) -> Option<String> {
    digest(request, fields(request)?, (targets, headers), namespace)
}

/// The request's question apart from everything else; nothing when it has none that stands alone, or when its answer must
/// not be given again.
pub(crate) fn question(
    request: &ChatRequest,
    targets: &[Target],
    headers: &HeaderMap,
    namespace: &str,
) -> Option<Question> {
    let mut fields = fields(request)?;
    let text = take_question(request.door, &mut fields)?;
    let namespace = format!("question\n{namespace}");
    let context = digest(request, fields, (targets, headers), &namespace)?;
    Question::new(context, text)
}

/// Takes the text of the last message out, when that is a user's and holds one text and nothing else.
fn take_question(door: Door, fields: &mut Fields) -> Option<String> {
    let name = match door {
        Door::Chat | Door::Messages => "messages",
        Door::Responses => "input",
        Door::Other(_) => return None,
    };
    let asked = fields.get_mut(name)?;
    let text = if asked.is_string() {
        asked
    } else {
        let last = asked.as_array_mut()?.last_mut()?.as_object_mut()?;
        if last.get("role")? != "user" {
            return None;
        }
        let content = last.get_mut("content")?;
        if content.is_string() {
            content
        } else {
            let [part] = content.as_array_mut()?.as_mut_slice() else {
                return None;
            };
            part.get_mut("text")?
        }
    };
    match text.take() {
        Value::String(text) => Some(text),
        _ => None,
    }
}

type Fields = serde_json::Map<String, Value>;

fn fields(request: &ChatRequest) -> Option<Fields> {
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

fn digest(
    request: &ChatRequest,
    mut fields: Fields,
    (targets, headers): (&[Target], &HeaderMap),
    namespace: &str,
) -> Option<String> {
    if STATEFUL
        .iter()
        .any(|name| fields.get(*name).is_some_and(says_something))
    {
        return None;
    }
    if request.door == Door::Chat {
        fields.remove("store");
    }
    for name in IGNORED {
        fields.remove(name);
    }
    let mut hash = Hash(Sha256::new());
    hash.text("brokle-answer-1");
    hash.text(namespace);
    hash.text(request.door.path());
    hash.text(if request.wants_usage { "usage" } else { "" });
    for name in HEADERS {
        hash.bytes(
            headers
                .get(name)
                .map(http::HeaderValue::as_bytes)
                .unwrap_or_default(),
        );
    }
    // The order of a route's targets changes from call to call; which they are does not.
    let mut leads_to: Vec<(&str, &str)> = targets
        .iter()
        .map(|target| (target.provider.name.as_str(), target.model.as_str()))
        .collect();
    leads_to.sort_unstable();
    for (provider, model) in leads_to {
        hash.text(provider);
        hash.text(model);
    }
    hash.value(&Value::Object(fields));
    Some(hex(&hash.0.finalize()))
}

fn says_something(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Every part with its length before it, so that no two sequences run together.
struct Hash(Sha256);

impl Hash {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.text("n"),
            Value::Bool(flag) => self.text(if *flag { "t" } else { "f" }),
            Value::Number(number) => {
                self.text("#");
                self.text(&number.to_string());
            }
            Value::String(text) => {
                self.text("s");
                self.text(text);
            }
            Value::Array(items) => {
                self.text("[");
                self.0.update((items.len() as u64).to_le_bytes());
                for item in items {
                    self.value(item);
                }
            }
            Value::Object(fields) => {
                self.text("{");
                self.0.update((fields.len() as u64).to_le_bytes());
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_unstable_by_key(|(name, _)| *name);
                for (name, value) in fields {
                    self.text(name);
                    self.value(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn key_at(door: Door, body: &str, namespace: &str) -> Option<String> {
        let request = ChatRequest::parse(door, Bytes::from(body.to_owned())).unwrap();
        fingerprint(&request, &[], &HeaderMap::new(), namespace)
    }

    fn key(body: &str) -> String {
        key_at(Door::Chat, body, "").unwrap()
    }

    const PLAIN: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0.5}"#;

    #[test]
    fn order_and_spacing_do_not_matter() {
        let other =
            r#"{ "temperature": 0.5, "messages": [ {"content": "hi", "role": "user"} ], "model": "m" }"#;
        assert_eq!(key(PLAIN), key(other));
    }

    #[test]
    fn who_asks_does_not_matter() {
        let other = PLAIN.replace("\"model\"", "\"user\":\"u-1\",\"metadata\":{\"a\":1},\"model\"");
        assert_eq!(key(PLAIN), key(&other));
    }

    #[test]
    fn whatever_changes_the_answer_matters() {
        let others = [
            PLAIN.replace("0.5", "0.6"),
            PLAIN.replace("hi", "ho"),
            PLAIN.replace("\"m\"", "\"n\""),
            PLAIN.replace("\"model\"", "\"seed\":1,\"model\""),
            PLAIN.replace("\"model\"", "\"a_field_of_tomorrow\":1,\"model\""),
            PLAIN.replace("\"model\"", "\"stream\":true,\"model\""),
            PLAIN.replace("\"hi\"", "[\"hi\"]"),
        ];
        for other in others {
            assert_ne!(key(PLAIN), key(&other), "{other}");
        }
        assert_ne!(key_at(Door::Chat, PLAIN, ""), key_at(Door::Chat, PLAIN, "other"));
        assert_ne!(key_at(Door::Chat, PLAIN, ""), key_at(Door::Messages, PLAIN, ""));
    }

    #[test]
    fn a_request_that_leans_on_the_provider_has_no_key() {
        let body = r#"{"model":"m","input":"hi","previous_response_id":"resp_1"}"#;
        assert_eq!(key_at(Door::Responses, body, ""), None);
        let body = r#"{"model":"m","input":"hi","previous_response_id":null,"background":false}"#;
        assert!(key_at(Door::Responses, body, "").is_some());
    }
}
