//! A chat request: read once, for four fields, and then edited as bytes. Whatever else is in it, in whatever
//! order and spacing, reaches the provider as it came.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use self::envelope::Envelope;
use super::form::Form;
use crate::dialect::door::Door;

mod envelope;

/// Longer than any name or resource path in use.
const MODEL_BYTES_MAX: usize = 512;

/// Why a body is not a chat request. Written for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("the body is not valid JSON: {0}")]
    Json(String),
    #[error("you must provide a model parameter")]
    ModelMissing,
    #[error("`model` must be a string of 1 to 512 bytes")]
    ModelType,
    #[error("`stream` must be a boolean")]
    StreamType,
    #[error("{0}")]
    Form(&'static str),
}

impl RequestError {
    /// The field at fault, for the error's `param`.
    pub(crate) const fn param(&self) -> Option<&'static str> {
        match self {
            Self::Json(_) | Self::Form(_) => None,
            Self::ModelMissing | Self::ModelType => Some("model"),
            Self::StreamType => Some("stream"),
        }
    }
}

/// A parsed chat request.
#[derive(Debug, Clone)]
pub(crate) struct ChatRequest {
    /// The format that it is in.
    pub(crate) door: Door,
    pub(crate) body: Bytes,
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// Whether the caller itself asked for the usage chunk.
    pub(crate) wants_usage: bool,
    /// The type of a body that is a form; nothing of one that is JSON.
    pub(crate) form: Option<HeaderValue>,
    /// The most tokens that the answer may have, when the caller says.
    pub(crate) output_tokens_max: Option<u64>,
    /// Where the conversation is in the body; empty when that is not known.
    pub(crate) messages_at: Range<usize>,
    model_at: Range<usize>,
    usage_edit: Option<Edit>,
}

/// One replacement of bytes.
#[derive(Debug, Clone)]
struct Edit {
    at: Range<usize>,
    with: &'static str,
}

#[derive(Deserialize)]
struct StreamOptions<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    include_usage: Option<&'a RawValue>,
}

/// Keeps `null` apart from absence.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl ChatRequest {
    /// Reads the fields that decide where the call goes and how.
    pub(crate) fn parse(door: Door, body: Bytes) -> Result<Self, RequestError> {
        let text = std::str::from_utf8(&body).map_err(|error| RequestError::Json(error.to_string()))?;
        let envelope: Envelope<'_> =
            serde_json::from_str(text).map_err(|error| RequestError::Json(error.to_string()))?;
        let raw_model = envelope.model.ok_or(RequestError::ModelMissing)?;
        let model: Cow<'_, str> = string(raw_model).ok_or(RequestError::ModelType)?;
        if model.is_empty() || model.len() > MODEL_BYTES_MAX {
            return Err(RequestError::ModelType);
        }
        let model = model.into_owned();
        let model_at = range(text, raw_model.get());
        let stream = match envelope.stream.map(RawValue::get) {
            None | Some("null" | "false") => false,
            Some("true") => true,
            Some(_) => return Err(RequestError::StreamType),
        };
        let (wants_usage, usage_edit) = match door {
            door if door.streams_chunks() => usage_request(text, &envelope, stream),
            _ => (true, None),
        };
        let output_tokens_max = envelope.output_tokens_max();
        let messages_at = envelope.messages.map(|raw| range(text, raw.get()));
        let messages_at = messages_at.unwrap_or_default();
        Ok(Self {
            door,
            body,
            model,
            stream,
            wants_usage,
            form: None,
            output_tokens_max,
            messages_at,
            model_at,
            usage_edit,
        })
    }

    /// The same, of a body of whichever kind the door takes.
    pub(crate) fn read(door: Door, headers: &HeaderMap, body: Bytes) -> Result<Self, RequestError> {
        if !door.takes_form() {
            return Self::parse(door, body);
        }
        let content_type = headers.get(CONTENT_TYPE).cloned();
        let content_type = content_type.unwrap_or(HeaderValue::from_static(""));
        let form =
            Form::parse(content_type.to_str().unwrap_or_default(), &body).map_err(RequestError::Form)?;
        let (model, model_at) = form.field(&body, "model").ok_or(RequestError::ModelMissing)?;
        if model.is_empty() || model.len() > MODEL_BYTES_MAX {
            return Err(RequestError::ModelType);
        }
        let stream = match form.field(&body, "stream").map(|(value, _)| value) {
            None | Some("" | "false" | "False" | "0") => false,
            Some("true" | "True" | "1") => true,
            Some(_) => return Err(RequestError::StreamType),
        };
        Ok(Self {
            door,
            model: model.to_owned(),
            stream,
            wants_usage: true,
            form: Some(content_type),
            output_tokens_max: None,
            messages_at: 0..0,
            model_at,
            usage_edit: None,
            body,
        })
    }

    /// A call that names no model, about what a provider keeps.
    pub(crate) fn modelless(door: Door, body: Bytes) -> Self {
        Self {
            door,
            body,
            model: String::new(),
            stream: false,
            wants_usage: true,
            form: None,
            output_tokens_max: None,
            messages_at: 0..0,
            model_at: 0..0,
            usage_edit: None,
        }
    }

    /// The body for a provider: `model` as that provider calls it, and the usage chunk asked for. The very
    /// same bytes when neither needs a change.
    pub(crate) fn for_upstream(&self, model: &str, ask_usage: bool) -> Bytes {
        let renamed = (model != self.model).then(|| match self.form {
            Some(_) => model.to_owned(),
            None => serde_json::Value::from(model).to_string(),
        });
        let mut edits: Vec<(Range<usize>, &str)> = Vec::with_capacity(2);
        if let Some(renamed) = &renamed {
            edits.push((self.model_at.clone(), renamed));
        }
        if let Some(edit) = self.usage_edit.as_ref().filter(|_| ask_usage) {
            edits.push((edit.at.clone(), edit.with));
        }
        splice(&self.body, edits)
    }
}

/// Whether the caller asks for usage, and the edit that asks when it does not.
fn usage_request(text: &str, envelope: &Envelope<'_>, stream: bool) -> (bool, Option<Edit>) {
    let Some(stream_field) = envelope.stream.filter(|_| stream) else {
        return (false, None);
    };
    let Some(options) = envelope.stream_options else {
        let end = range(text, stream_field.get()).end;
        return (
            false,
            Some(Edit {
                at: end..end,
                with: r#","stream_options":{"include_usage":true}"#,
            }),
        );
    };
    if options.get() == "null" {
        return (
            false,
            Some(Edit {
                at: range(text, options.get()),
                with: r#"{"include_usage":true}"#,
            }),
        );
    }
    // Anything but an object is the provider's to refuse.
    let Ok(parsed) = serde_json::from_str::<StreamOptions<'_>>(options.get()) else {
        return (false, None);
    };
    match parsed.include_usage {
        Some(asked) if asked.get() == "true" => (true, None),
        Some(refused) => (
            false,
            Some(Edit {
                at: range(text, refused.get()),
                with: "true",
            }),
        ),
        None => {
            let inside = range(text, options.get()).start + 1;
            let empty = options.get()[1..].trim_start().starts_with('}');
            let with = if empty {
                r#""include_usage":true"#
            } else {
                r#""include_usage":true,"#
            };
            (
                false,
                Some(Edit {
                    at: inside..inside,
                    with,
                }),
            )
        }
    }
}

/// Where `part`, a slice of `whole`, lies in it.
fn range(whole: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

fn splice(body: &Bytes, mut edits: Vec<(Range<usize>, &str)>) -> Bytes {
    if edits.is_empty() {
        return body.clone();
    }
    edits.sort_by_key(|(at, _)| at.start);
    let added: usize = edits.iter().map(|(_, with)| with.len()).sum();
    let mut out = Vec::with_capacity(body.len() + added);
    let mut copied = 0;
    for (at, with) in edits {
        out.extend_from_slice(&body[copied..at.start]);
        out.extend_from_slice(with.as_bytes());
        copied = at.end;
    }
    out.extend_from_slice(&body[copied..]);
    Bytes::from(out)
}

/// The string that a raw value is, if it is one.
pub(crate) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    if let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'))
        && memchr::memchr(b'\\', inner.as_bytes()).is_none()
    {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str::<String>(text).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &'static str) -> ChatRequest {
        ChatRequest::parse(Door::Chat, Bytes::from_static(body.as_bytes())).unwrap()
    }

    fn upstream(body: &'static str, model: &str) -> String {
        String::from_utf8(parse(body).for_upstream(model, true).to_vec()).unwrap()
    }

    #[test]
    fn a_body_that_needs_no_change_is_the_same_allocation() {
        let request = parse("{ \"model\" : \"m\",\"x\":1.50 }");
        assert_eq!(request.for_upstream("m", true).as_ptr(), request.body.as_ptr());
    }

    #[test]
    fn only_the_model_changes_and_every_other_byte_stays() {
        let body =
            "{\n \"z\": [1, 2.50, {\"model\":\"inner\"}],\t\"model\" : \"fa\\u0073t\" ,\"é\":\"🦀\"}\n";
        let expected =
            "{\n \"z\": [1, 2.50, {\"model\":\"inner\"}],\t\"model\" : \"gpt \\\"4\\\"\" ,\"é\":\"🦀\"}\n";
        assert_eq!(parse(body).model, "fast");
        assert_eq!(upstream(body, "gpt \"4\""), expected);
    }

    #[test]
    fn usage_is_asked_for_in_every_shape_of_stream_options() {
        let cases = [
            (
                r#"{"stream":true,"model":"m"}"#,
                r#"{"stream":true,"stream_options":{"include_usage":true},"model":"n"}"#,
            ),
            (
                r#"{"model":"m","stream_options":null,"stream":true}"#,
                r#"{"model":"n","stream_options":{"include_usage":true},"stream":true}"#,
            ),
            (
                r#"{"model":"m","stream":true,"stream_options":{ }}"#,
                r#"{"model":"n","stream":true,"stream_options":{"include_usage":true }}"#,
            ),
            (
                r#"{"model":"m","stream":true,"stream_options":{"a":1}}"#,
                r#"{"model":"n","stream":true,"stream_options":{"include_usage":true,"a":1}}"#,
            ),
            (
                r#"{"model":"m","stream":true,"stream_options":{"include_usage": false}}"#,
                r#"{"model":"n","stream":true,"stream_options":{"include_usage": true}}"#,
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(upstream(body, "n"), expected);
            assert!(!parse(body).wants_usage);
        }
        let asked = parse(r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#);
        assert!(asked.wants_usage);
        assert_eq!(asked.for_upstream("m", true), asked.body);
    }

    #[test]
    fn nothing_is_asked_for_when_the_call_is_not_streamed() {
        assert_eq!(
            upstream(r#"{"model":"m","stream":false}"#, "n"),
            r#"{"model":"n","stream":false}"#
        );
    }

    #[test]
    fn what_else_decides_is_found_in_the_same_pass() {
        let request = parse(r#"{"model":"m","messages":[{"role":"user"}],"max_tokens":5,"max_tokens":7}"#);
        assert_eq!(
            &request.body[request.messages_at.clone()],
            br#"[{"role":"user"}]"#
        );
        assert_eq!(request.output_tokens_max, Some(7));
        let newest = parse(r#"{"model":"m","max_tokens":7,"max_completion_tokens":9}"#);
        assert_eq!((newest.output_tokens_max, newest.messages_at), (Some(9), 0..0));
        assert_eq!(
            parse(r#"{"model":"m","max_tokens":"many"}"#).output_tokens_max,
            None
        );
    }

    #[test]
    fn bodies_that_are_no_request_are_refused_with_the_field() {
        let refused = |body: &'static str| {
            ChatRequest::parse(Door::Chat, Bytes::from_static(body.as_bytes())).unwrap_err()
        };
        assert_eq!(refused("{}"), RequestError::ModelMissing);
        assert_eq!(refused(r#"{"model":7}"#), RequestError::ModelType);
        assert_eq!(refused(r#"{"model":""}"#), RequestError::ModelType);
        assert_eq!(
            refused(r#"{"model":"m","stream":"yes"}"#),
            RequestError::StreamType
        );
        assert!(matches!(refused("{\"model\":\"m\""), RequestError::Json(_)));
        assert!(matches!(
            refused(r#"{"model":"m","model":"n"}"#),
            RequestError::Json(_)
        ));
    }
}
