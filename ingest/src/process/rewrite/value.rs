//! Values: an `AnyValue` after rules, patterns and caps, lists and maps included.

use super::super::cap;
use super::super::keys::Verdict;
use super::super::redact::Outcome;
use super::{INTEGER, Rewrite, TEXT};
use crate::otlp::encode::Encoder;
use crate::otlp::wire::{Field, Fields, Value, WireError};

/// Values nested deeper were refused.
const DEPTH_MAX: usize = crate::otlp::validate::VALUE_DEPTH_MAX;

impl Rewrite<'_> {
    /// A value that a rule means whatever it is.
    pub(super) fn whole(&mut self, rule: u8, value: &[u8]) -> Result<New, WireError> {
        let Some(redactor) = &self.steps.redactor else {
            return Ok(New::Same);
        };
        let text = Fields::new(value)
            .next()
            .transpose()?
            .map(|field| spelled(&field));
        Ok(match redactor.whole(rule, &text.unwrap_or_default(), self.work) {
            Outcome::Kept => New::Same,
            Outcome::Dropped => New::Dropped,
            Outcome::Text(text) => New::text(&text),
        })
    }

    /// An `AnyValue`.
    pub(super) fn value(
        &mut self,
        verdict: Verdict,
        value: &[u8],
        depth: usize,
        fresh: &mut Fresh,
    ) -> Result<New, WireError> {
        // Fields of no meaning, which readers skip, must not hide the value before them.
        let own = Fields::new(value).filter(|field| !matches!(field, Ok(Field { number: 8.., .. })));
        let Some(field) = own.last().transpose()? else {
            return Ok(New::Same);
        };
        match (field.number, field.value) {
            (TEXT, Value::Bytes(bytes)) => Ok(self.text_value(verdict, bytes, fresh)),
            (INTEGER, Value::Varint(number)) => Ok(self.number_value(verdict, number)),
            (5, Value::Bytes(list)) if depth < DEPTH_MAX => self.list(verdict, list, depth, fresh),
            (6, Value::Bytes(map)) if depth < DEPTH_MAX => self.map(verdict, map, depth, fresh),
            _ => Ok(New::Same),
        }
    }

    fn text_value(&mut self, verdict: Verdict, bytes: &[u8], fresh: &mut Fresh) -> New {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return New::Same;
        };
        let outcome = match &self.steps.redactor {
            Some(redactor) => redactor.text(verdict, text, self.work),
            None => Outcome::Kept,
        };
        let redacted = match &outcome {
            Outcome::Dropped => return New::Dropped,
            Outcome::Text(text) => Some(text.as_str()),
            Outcome::Kept => None,
        };
        let current = redacted.unwrap_or(text);
        let cut = self
            .steps
            .value_bytes_max
            .and_then(|bytes_max| cap::cut(current, bytes_max));
        if cut.is_some() {
            fresh.true_bytes = Some(fresh.true_bytes.unwrap_or(0).max(text.len()));
        }
        match cut.as_deref().or(redacted) {
            Some(text) => New::text(text),
            None => New::Same,
        }
    }

    /// A number may be one that a pattern knows; then a text stands in its place.
    fn number_value(&mut self, verdict: Verdict, number: u64) -> New {
        /// Shorter numbers are none that a pattern knows.
        const LEAST: u64 = 10_000_000;
        let Some(redactor) = &self.steps.redactor else {
            return New::Same;
        };
        if number < LEAST && !redactor.looks_into(verdict) {
            return New::Same;
        }
        let mut buffer = itoa::Buffer::new();
        match redactor.text(verdict, buffer.format(number.cast_signed()), self.work) {
            Outcome::Kept => New::Same,
            Outcome::Text(text) => New::text(&text),
            Outcome::Dropped => New::Dropped,
        }
    }

    fn list(
        &mut self,
        verdict: Verdict,
        list: &[u8],
        depth: usize,
        fresh: &mut Fresh,
    ) -> Result<New, WireError> {
        let mut out = Encoder::with_capacity(list.len());
        let mut is_same = true;
        for field in Fields::new(list) {
            let field = field?;
            let element = field.bytes()?;
            match self.value(verdict, element, depth + 1, fresh)? {
                New::Same => out.bytes(1, element),
                New::Value(value) => {
                    is_same = false;
                    out.bytes(1, &value);
                }
                // The others keep their places.
                New::Dropped => {
                    is_same = false;
                    out.bytes(1, b"");
                }
            }
        }
        Ok(New::wrapped(is_same, 5, out))
    }

    fn map(
        &mut self,
        verdict: Verdict,
        map: &[u8],
        depth: usize,
        fresh: &mut Fresh,
    ) -> Result<New, WireError> {
        let mut out = Encoder::with_capacity(map.len());
        let mut is_same = true;
        for field in Fields::new(map) {
            let entry = field?.bytes()?;
            let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
            for part in Fields::new(entry) {
                let part = part?;
                match part.number {
                    1 => key = part.bytes()?,
                    2 => value = part.bytes()?,
                    _ => {}
                }
            }
            let own = self.verdict(key);
            let new = if let Some(rule) = own.whole {
                self.whole(rule, value)?
            } else {
                let parts = own.parts | verdict.parts;
                self.value(Verdict { whole: None, parts }, value, depth + 1, fresh)?
            };
            match new {
                New::Same => out.bytes(1, entry),
                New::Dropped => is_same = false,
                New::Value(value) => {
                    is_same = false;
                    out.message(1, |out| {
                        out.bytes(1, key);
                        out.bytes(2, &value);
                    });
                }
            }
        }
        Ok(New::wrapped(is_same, 6, out))
    }
}

/// What is found out about a value on the way.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    /// How long its longest text was that was cut.
    pub(super) true_bytes: Option<usize>,
}

/// What becomes of an `AnyValue`.
pub(super) enum New {
    Same,
    /// Another one, encoded.
    Value(Vec<u8>),
    Dropped,
}

impl New {
    fn text(text: &str) -> Self {
        let mut out = Encoder::with_capacity(text.len() + 4);
        out.bytes(TEXT, text.as_bytes());
        Self::Value(out.into_bytes())
    }

    fn wrapped(is_same: bool, number: u32, content: Encoder) -> Self {
        if is_same {
            return Self::Same;
        }
        let content = content.into_bytes();
        let mut out = Encoder::with_capacity(content.len() + 8);
        out.bytes(number, &content);
        Self::Value(out.into_bytes())
    }
}

/// A value in letters, for a hash.
fn spelled(field: &Field<'_>) -> String {
    match (field.number, field.value) {
        (TEXT, Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        (_, Value::Bytes(bytes)) => hex::encode(bytes),
        (4, Value::Fixed64(bits)) => f64::from_bits(bits).to_string(),
        (2, Value::Varint(bit)) => (bit != 0).to_string(),
        (_, Value::Varint(number)) => number.cast_signed().to_string(),
        (_, Value::Fixed64(number)) => number.to_string(),
        (_, Value::Fixed32(number)) => number.to_string(),
        // What is in a group has no meaning here.
        (_, Value::Group) => String::new(),
    }
}
