//! One pass over a validated request: items that the sample leaves out are left out, values are redacted and cut,
//! and everything else is copied. Where nothing changes, the request stays the one that came.

use brokle_model::telemetry_settings::TraceFate;
use bytes::Bytes;

use super::keys::Verdict;
use super::redact::{Outcome, Redactor, Work};
use super::shape::{Part, Shape};
use crate::otlp::encode::Encoder;
use crate::otlp::wire::{Field, Fields, WireError};
use value::{Fresh, New};

mod value;

/// Attributes that say how long a value was before it was cut begin like this; the value's key follows.
pub(super) const TRUE_LENGTH: &str = "brokle.truncated_bytes.";
/// The key of what is no attribute: a log's body.
const BODY: &str = "body";
/// The field of an `AnyValue` that holds text, and the one that holds an integer.
const TEXT: u32 = 1;
const INTEGER: u32 = 3;

/// What is to be done.
#[derive(Debug)]
pub(super) struct Steps {
    pub(super) redactor: Option<Redactor>,
    pub(super) value_bytes_max: Option<usize>,
}

/// One request on its way.
pub(super) struct Rewrite<'a> {
    pub(super) steps: &'a Steps,
    /// The share of traces that is kept of this signal.
    pub(super) rate: Option<f64>,
    pub(super) work: &'a mut Work,
    pub(super) changed: bool,
}

type Written = Result<(), WireError>;

impl Rewrite<'_> {
    /// The request as it is to be logged.
    pub(super) fn request(mut self, shape: &Shape, body: &Bytes) -> Result<Bytes, WireError> {
        let mut out = Encoder::with_capacity(body.len() + 64);
        self.message(shape, body, &mut out)?;
        if self.changed {
            Ok(Bytes::from(out.into_bytes()))
        } else {
            Ok(body.clone())
        }
    }

    fn message(&mut self, shape: &Shape, message: &[u8], out: &mut Encoder) -> Written {
        let mut fields = Fields::new(message);
        let mut start = 0;
        while let Some(field) = fields.next() {
            let end = message.len() - fields.remaining();
            let field = field?;
            match shape.part(field.number) {
                None => out.raw(&message[start..end]),
                Some(part) => self.part(part, &field, &message[start..end], out)?,
            }
            start = end;
        }
        Ok(())
    }

    fn part(&mut self, part: Part, field: &Field<'_>, raw: &[u8], out: &mut Encoder) -> Written {
        match part {
            Part::Message(shape) => out.message(field.number, |out| self.message(shape, field.bytes()?, out)),
            Part::Item(shape) => {
                let item = field.bytes()?;
                if !self.is_kept(shape, item)? {
                    self.work.sampled += 1;
                    self.changed = true;
                    return Ok(());
                }
                if self.leaves_values() {
                    out.raw(raw);
                    return Ok(());
                }
                out.message(field.number, |out| self.message(shape, item, out))
            }
            _ if self.leaves_values() => {
                out.raw(raw);
                Ok(())
            }
            Part::Attribute => self.attribute(field, raw, out),
            Part::Value { attributes } => self.body(field, raw, attributes, out),
            Part::Text => self.text(field, raw, out),
        }
    }

    fn leaves_values(&self) -> bool {
        self.steps.redactor.is_none() && self.steps.value_bytes_max.is_none()
    }

    fn is_kept(&self, shape: &Shape, item: &[u8]) -> Result<bool, WireError> {
        let Some(rate) = self.rate.filter(|_| shape.trace_id != 0) else {
            return Ok(true);
        };
        let mut trace_id: &[u8] = &[];
        for field in Fields::new(item) {
            let field = field?;
            if field.number == shape.trace_id {
                trace_id = field.bytes()?;
                // Senders write it first; a message that names it twice means the last.
                if shape.trace_id == 1 && field.number == 1 {
                    break;
                }
            }
        }
        // What belongs to no trace is not for this sample to decide.
        let fate = <[u8; 16]>::try_from(trace_id).ok().filter(|id| *id != [0; 16]);
        Ok(fate.is_none_or(|id| TraceFate::of(id).is_within(rate)))
    }

    /// A `KeyValue`, with the true length of a value that was cut behind it.
    fn attribute(&mut self, field: &Field<'_>, raw: &[u8], out: &mut Encoder) -> Written {
        let message = field.bytes()?;
        let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
        for part in Fields::new(message) {
            let part = part?;
            match part.number {
                1 => key = part.bytes()?,
                2 => value = part.bytes()?,
                _ => {}
            }
        }
        let mut fresh = Fresh::default();
        let new = match self.verdict(key) {
            Verdict {
                whole: Some(rule), ..
            } => self.whole(rule, value)?,
            verdict => self.value(verdict, value, 0, &mut fresh)?,
        };
        let value = match new {
            New::Same => {
                out.raw(raw);
                return Ok(());
            }
            New::Dropped => {
                self.changed = true;
                return Ok(());
            }
            New::Value(value) => value,
        };
        self.changed = true;
        out.message(field.number, |out| {
            out.bytes(1, key);
            out.bytes(2, &value);
        });
        self.note_length(&fresh, key, field.number, out);
        Ok(())
    }

    /// The body of a log record.
    fn body(&mut self, field: &Field<'_>, raw: &[u8], attributes: u32, out: &mut Encoder) -> Written {
        let mut fresh = Fresh::default();
        let new = match self.verdict(BODY.as_bytes()) {
            Verdict {
                whole: Some(rule), ..
            } => self.whole(rule, field.bytes()?)?,
            verdict => self.value(verdict, field.bytes()?, 0, &mut fresh)?,
        };
        match new {
            New::Same => out.raw(raw),
            New::Dropped => {
                self.changed = true;
                out.message(field.number, |out| out.bytes(TEXT, b""));
            }
            New::Value(value) => {
                self.changed = true;
                out.bytes(field.number, &value);
                self.note_length(&fresh, BODY.as_bytes(), attributes, out);
            }
        }
        Ok(())
    }

    fn text(&mut self, field: &Field<'_>, raw: &[u8], out: &mut Encoder) -> Written {
        let bytes = field.bytes()?;
        let outcome = match (&self.steps.redactor, std::str::from_utf8(bytes)) {
            (Some(redactor), Ok(text)) => redactor.text(Verdict::default(), text, self.work),
            _ => Outcome::Kept,
        };
        match outcome {
            Outcome::Kept => {
                out.raw(raw);
                return Ok(());
            }
            Outcome::Text(text) => out.bytes(field.number, text.as_bytes()),
            Outcome::Dropped => out.bytes(field.number, b""),
        }
        self.changed = true;
        Ok(())
    }

    fn note_length(&mut self, fresh: &Fresh, key: &[u8], attributes: u32, out: &mut Encoder) {
        let Some(length) = fresh.true_bytes else { return };
        self.work.truncated += 1;
        let name = [TRUE_LENGTH.as_bytes(), key].concat();
        out.message(attributes, |out| {
            out.bytes(1, &name);
            out.message(2, |out| out.varint(INTEGER, length as u64));
        });
    }

    fn verdict(&self, key: &[u8]) -> Verdict {
        let redactor = self.steps.redactor.as_ref();
        redactor.map_or_else(Verdict::default, |redactor| redactor.verdict(key))
    }
}
