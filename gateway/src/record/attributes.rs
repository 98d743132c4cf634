//! Attributes, written where they belong as they are told: what is absent is left out.

use super::wire;

/// Fields of OTLP's `KeyValue` and `AnyValue`.
const KEY: u32 = 1;
const VALUE: u32 = 2;
const TEXT: u32 = 1;
const FLAG: u32 = 2;
const INTEGER: u32 = 3;
const DOUBLE: u32 = 4;
const LIST: u32 = 5;
const ENTRY: u32 = 1;

/// Attributes of a span or an event, at the end of what is written of it.
pub(super) struct Attributes<'o> {
    out: &'o mut Vec<u8>,
    /// The field that holds them.
    field: u32,
}

impl<'o> Attributes<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>, field: u32) -> Self {
        Self { out, field }
    }

    pub(super) fn text(&mut self, key: &str, value: impl AsRef<str>) {
        let text = value.as_ref().as_bytes();
        let value_bytes = 1 + wire::varint_bytes(text.len()) + text.len();
        let head = wire::varint_bytes(key.len()) + wire::varint_bytes(value_bytes);
        let all = 2 + head + key.len() + value_bytes;
        self.out.reserve(all + 8);
        wire::length(self.out, self.field, all);
        wire::bytes(self.out, KEY, key.as_bytes());
        wire::length(self.out, VALUE, value_bytes);
        wire::bytes(self.out, TEXT, text);
    }

    pub(super) fn text_if(&mut self, key: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    /// A text that is written in place; what was written of it is taken back when there is none.
    pub(super) fn text_by(&mut self, key: &str, write: impl FnOnce(&mut Vec<u8>) -> Option<()>) {
        let before = self.out.len();
        let all = wire::begin(self.out, self.field);
        wire::bytes(self.out, KEY, key.as_bytes());
        let value = wire::begin(self.out, VALUE);
        let text = wire::begin(self.out, TEXT);
        if write(self.out).is_none() {
            return self.out.truncate(before);
        }
        for begun in [text, value, all] {
            wire::end(self.out, begun);
        }
    }

    pub(super) fn int(&mut self, key: &str, value: u64) {
        self.integer(key, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn integer(&mut self, key: &str, value: i64) {
        self.put(key, |out| wire::number(out, INTEGER, value.cast_unsigned()));
    }

    pub(super) fn double(&mut self, key: &str, value: f64) {
        self.put(key, |out| wire::fixed64(out, DOUBLE, value.to_bits()));
    }

    pub(super) fn flag(&mut self, key: &str, value: bool) {
        self.put(key, |out| wire::number(out, FLAG, value.into()));
    }

    pub(super) fn texts<T: AsRef<str>>(&mut self, key: &str, values: &[T]) {
        if values.is_empty() {
            return;
        }
        self.put(key, |out| {
            let list = wire::begin(out, LIST);
            for value in values {
                let entry = wire::begin(out, ENTRY);
                wire::bytes(out, TEXT, value.as_ref().as_bytes());
                wire::end(out, entry);
            }
            wire::end(out, list);
        });
    }

    /// A JSON scalar, or list of strings, in the type that it has.
    pub(super) fn json(&mut self, key: &str, value: Option<&serde_json::Value>) {
        use serde_json::Value as Json;
        match value {
            Some(Json::String(text)) => self.text(key, text),
            Some(Json::Bool(flag)) => self.flag(key, *flag),
            Some(Json::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => self.integer(key, integer),
                (None, Some(float)) => self.double(key, float),
                (None, None) => {}
            },
            Some(Json::Array(values)) => {
                let texts: Vec<&str> = values.iter().filter_map(Json::as_str).collect();
                self.texts(key, &texts);
            }
            Some(Json::Null | Json::Object(_)) | None => {}
        }
    }

    /// A JSON number as a double, as the conventions want some of them.
    pub(super) fn number(&mut self, key: &str, value: Option<&serde_json::Value>) {
        if let Some(value) = value.and_then(serde_json::Value::as_f64) {
            self.double(key, value);
        }
    }

    fn put(&mut self, key: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let all = wire::begin(self.out, self.field);
        wire::bytes(self.out, KEY, key.as_bytes());
        let value = wire::begin(self.out, VALUE);
        write(self.out);
        wire::end(self.out, value);
        wire::end(self.out, all);
    }
}
