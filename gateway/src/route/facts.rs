//! What is known of a call when it is decided where it goes. What the body says is read when something asks for
//! it, which most routes never do.

use std::cell::OnceCell;

use brokle_model::id::ProjectId;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::config::{Affinity, Need};
use crate::cost;
use crate::dialect::openai::request::ChatRequest;
use crate::record::CallRecord;

/// Of the conversation's beginning: as much as tells one prompt from another, and as little as stays the same
/// while a conversation grows.
const PREFIX_BYTES: usize = 1_024;
const SESSION_FIELDS: [&str; 3] = ["session_id", "conversation_id", "thread_id"];

/// The facts of one call.
pub(crate) struct Facts<'a> {
    pub(crate) project: ProjectId,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) stream: bool,
    pub(crate) environment: &'a str,
    /// From the headers.
    pub(crate) user: Option<&'a str>,
    /// From the headers.
    pub(crate) session: Option<&'a str>,
    /// The API key's id.
    pub(crate) key: String,
    read: OnceCell<BodyFacts>,
}

/// What the body says.
#[derive(Debug, Default)]
struct BodyFacts {
    metadata: serde_json::Map<String, Value>,
    user: Option<String>,
    tools: bool,
    vision: bool,
    json: bool,
    prefix: Vec<u8>,
}

#[derive(Deserialize)]
struct WireBody<'a> {
    #[serde(default)]
    metadata: Option<Value>,
    #[serde(default)]
    user: Option<Value>,
    #[serde(borrow, default)]
    tools: Option<&'a RawValue>,
    #[serde(borrow, default)]
    functions: Option<&'a RawValue>,
    #[serde(default)]
    response_format: Option<Value>,
    #[serde(default)]
    text: Option<Value>,
    #[serde(default)]
    output_config: Option<Value>,
    #[serde(borrow, default)]
    system: Option<&'a RawValue>,
    #[serde(borrow, default)]
    instructions: Option<&'a RawValue>,
    #[serde(borrow, default)]
    messages: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

impl<'a> Facts<'a> {
    pub(crate) fn new(headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        Self {
            project: ProjectId::from_u128(0),
            headers,
            body,
            stream: false,
            environment: "",
            user: None,
            session: None,
            key: String::new(),
            read: OnceCell::new(),
        }
    }

    /// The facts of a call whose body was read.
    pub(crate) fn of_call(call: &'a CallRecord, headers: &'a HeaderMap, request: &'a ChatRequest) -> Self {
        Self {
            project: call.project,
            stream: request.stream,
            environment: &call.environment,
            user: call.caller.user.as_deref(),
            session: call.caller.session.as_deref(),
            key: call.key.to_string(),
            ..Self::new(headers, &request.body)
        }
    }

    /// The request's length, estimated.
    pub(crate) fn input_tokens(&self) -> u64 {
        cost::assumed_tokens(self.body.len())
    }

    /// A header's text, empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A scalar of the body's `metadata`, as text.
    pub(crate) fn metadata(&self, field: &str) -> Option<String> {
        scalar(self.read().metadata.get(field)?)
    }

    /// Whether a field of the body's `metadata` matches: a scalar, or one entry of a list of them.
    pub(crate) fn metadata_matches(&self, field: &str, matches: impl Fn(&str) -> bool) -> bool {
        let holds = |value: &Value| scalar(value).is_some_and(|text| matches(&text));
        match self.read().metadata.get(field) {
            Some(Value::Array(entries)) => entries.iter().any(holds),
            Some(value) => holds(value),
            None => false,
        }
    }

    /// Who is behind the call, as the headers or the body say.
    pub(crate) fn user(&self) -> Option<String> {
        let said = || self.read().user.clone().or_else(|| self.metadata("user_id"));
        self.user.map(str::to_owned).or_else(said)
    }

    fn session(&self) -> Option<String> {
        let said = || SESSION_FIELDS.into_iter().find_map(|field| self.metadata(field));
        self.session.map(str::to_owned).or_else(said)
    }

    /// Whether the request needs it.
    pub(crate) fn needs(&self, need: Need) -> bool {
        match need {
            Need::Tools => self.read().tools,
            Need::Vision => self.read().vision,
            Need::Json => self.read().json,
            Need::Stream => self.stream,
        }
    }

    /// What calls share that belong together; nothing when each is for itself.
    pub(crate) fn shared(&self, by: Affinity) -> Option<Vec<u8>> {
        let user = || self.user().unwrap_or_else(|| self.key.clone());
        match by {
            Affinity::Session => Some(self.session().unwrap_or_else(user).into_bytes()),
            Affinity::User => Some(user().into_bytes()),
            Affinity::Key => Some(self.key.clone().into_bytes()),
            Affinity::Prefix => Some(self.read().prefix.clone()),
            Affinity::Call => None,
        }
    }

    fn read(&self) -> &BodyFacts {
        self.read.get_or_init(|| BodyFacts::of(self.body))
    }
}

impl BodyFacts {
    fn of(body: &[u8]) -> Self {
        let Ok(wire) = serde_json::from_slice::<WireBody<'_>>(body) else {
            return Self::default();
        };
        let listed = |list: Option<&RawValue>| list.is_some_and(|list| !matches!(list.get(), "[]" | "null"));
        let conversation: Vec<&str> = [wire.system, wire.instructions, wire.messages, wire.input]
            .into_iter()
            .flatten()
            .map(RawValue::get)
            .collect();
        let beginning = conversation.iter().flat_map(|part| part.bytes());
        Self {
            tools: listed(wire.tools) || listed(wire.functions),
            vision: conversation.iter().any(|part| shows_image(part)),
            json: demands_json(&wire),
            prefix: beginning.take(PREFIX_BYTES).collect(),
            user: wire.user.as_ref().and_then(scalar),
            metadata: match wire.metadata {
                Some(Value::Object(fields)) => fields,
                _ => serde_json::Map::new(),
            },
        }
    }
}

/// A quote within a text is escaped, so that these marks are only ever names and values of the format itself.
fn shows_image(conversation: &str) -> bool {
    ["\"image_url\"", "\"input_image\"", "\"image\""]
        .iter()
        .any(|mark| conversation.contains(mark))
}

fn demands_json(wire: &WireBody<'_>) -> bool {
    let formats = [
        wire.response_format.as_ref(),
        wire.text.as_ref().and_then(|text| text.get("format")),
        wire.output_config
            .as_ref()
            .and_then(|config| config.get("format")),
    ];
    let is_json = |format: &Value| {
        format
            .get("type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.starts_with("json"))
    };
    formats.into_iter().flatten().any(is_json)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number that is the same on every node and in every process, spread evenly over all numbers.
pub(crate) fn spread(parts: &[&[u8]]) -> u64 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(body: &str) -> [bool; 3] {
        let headers = HeaderMap::new();
        let facts = Facts::new(&headers, body.as_bytes());
        [Need::Tools, Need::Vision, Need::Json].map(|need| facts.needs(need))
    }

    #[test]
    fn what_a_request_needs_is_read_from_every_format() {
        for (body, expected) in [
            (
                r#"{"messages":[{"role":"user","content":"hi"}],"tools":[]}"#,
                [false; 3],
            ),
            (r#"{"tools":[{"type":"function"}]}"#, [true, false, false]),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}"#,
                [false, true, false],
            ),
            (
                r#"{"messages":[{"role":"user","content":[{"type": "image","source":{}}]}]}"#,
                [false, true, false],
            ),
            (
                r#"{"messages":[{"role":"user","content":"say \"image_url\""}]}"#,
                [false; 3],
            ),
            (
                r#"{"response_format":{"type":"json_schema"}}"#,
                [false, false, true],
            ),
            (
                r#"{"text":{"format":{"type":"json_object"}}}"#,
                [false, false, true],
            ),
            (r#"{"response_format":{"type":"text"}}"#, [false; 3]),
            ("not json", [false; 3]),
        ] {
            assert_eq!(needs(body), expected, "{body}");
        }
    }

    #[test]
    fn calls_belong_together_by_what_the_headers_or_the_body_say() {
        let headers = HeaderMap::new();
        let body = r#"{"user":"u1","metadata":{"session_id":7},"messages":"m"}"#;
        let mut facts = Facts::new(&headers, body.as_bytes());
        facts.key = "k".into();
        let shared = |by| String::from_utf8(facts.shared(by).unwrap()).unwrap();
        assert_eq!(shared(Affinity::Session), "7");
        assert_eq!(shared(Affinity::User), "u1");
        assert_eq!(shared(Affinity::Key), "k");
        assert_eq!(shared(Affinity::Prefix), "\"m\"");
        let mut bare = Facts::new(&headers, b"{}");
        bare.key = "k".into();
        assert_eq!(bare.shared(Affinity::Session), Some(b"k".to_vec()));
        bare.session = Some("s");
        assert_eq!(bare.shared(Affinity::Session), Some(b"s".to_vec()));
        assert_eq!(bare.shared(Affinity::Call), None);
    }
}
