//! Conversations that producers take apart, put together again: one attribute per message field
//! (`gen_ai.prompt.0.content`), or one span event per message. The result is for searching and showing; the
//! attributes and events stay. What the fields mean is [`brokle_model::conversation`]'s business.

use std::borrow::Cow;

use brokle_model::conversation;
use serde_json::Value;

use super::attribute_map::{AttributeMap, Side};
use super::convert::{entry_text, plain_json};
use crate::otlp::span::EventView;
use crate::otlp::value::AnyValueView;
use crate::otlp::view::Text;

/// One field of one message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) rank: u8,
    key: Text<'a>,
    value: AnyValueView<'a>,
}

impl<'a> Part<'a> {
    /// A part of a message, if the name goes on with an index after the prefix: `gen_ai.prompt.name` does not.
    pub(super) fn parse(
        rank: u8,
        prefix_bytes: usize,
        key: Text<'a>,
        value: AnyValueView<'a>,
    ) -> Option<Self> {
        let path = key.as_bytes().get(prefix_bytes..)?;
        let dot = memchr::memchr(b'.', path)?;
        let is_index = dot > 0 && path[..dot].iter().all(u8::is_ascii_digit);
        is_index.then_some(Self { rank, key, value })
    }
}

/// Writes the messages that `parts` make up, if they do.
pub(super) fn compose<'p, 'a: 'p>(
    side: Side,
    prefix: &str,
    parts: impl Iterator<Item = &'p Part<'a>>,
    out: &mut Vec<u8>,
) -> bool {
    let fields: Vec<(&str, Cow<'_, str>)> = parts.map(|part| (part.key.as_str(), text(part.value))).collect();
    let fields = fields.iter().map(|(key, value)| (*key, &**value));
    let Some(messages) = conversation::compose(fields, prefix, side.into()) else {
        return false;
    };
    serde_json::to_writer(out, &messages).is_ok()
}

/// Writes the messages that a span's events carry, as they were; `false` when none does.
pub(crate) fn compose_events<'a>(
    map: &AttributeMap,
    side: Side,
    events: impl Iterator<Item = EventView<'a>>,
    out: &mut Vec<u8>,
) -> bool {
    let mut messages = Vec::new();
    for event in events.filter(|event| map.event_side(event.name.as_bytes()) == Some(side)) {
        let attributes = event.attributes();
        let fields = attributes.map(|field| (field.key.as_str().to_owned(), structure(field.value)));
        conversation::event_messages(event.name.as_str(), side.into(), fields, &mut messages);
    }
    !messages.is_empty() && serde_json::to_writer(out, &messages).is_ok()
}

/// The JSON of an attribute: of its structure, or of its text when that is an object or a list.
fn structure(value: AnyValueView<'_>) -> Value {
    if let AnyValueView::String(text) = value {
        return match serde_json::from_str(text.as_str()) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => value,
            _ => Value::from(text.as_str()),
        };
    }
    let mut json = Vec::new();
    plain_json(value, &mut json);
    serde_json::from_slice(&json).unwrap_or_default()
}

fn text(value: AnyValueView<'_>) -> Cow<'_, str> {
    match entry_text(value) {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

impl From<Side> for conversation::Side {
    fn from(side: Side) -> Self {
        match side {
            Side::Input => Self::Input,
            Side::Output => Self::Output,
        }
    }
}
