//! The one walk that decides what of a request is promised: it reads every field that a view will read later
//! and finds what must be refused while the sender is still listening.
//!
//! A body that is not the protobuf message it claims to be is refused whole. A span that is well-formed but
//! cannot be stored is refused alone: its batch is rewritten without it and the sender is told which and why.
//! What hangs on a resource or scope that cannot be stored is refused with it.

use bytes::Bytes;

use super::check::{self, Fault};
use super::encode::Encoder;
use super::wire::{Field, Fields, WireError};

/// Attribute values nested deeper than this are refused: every later stage recurses over them.
pub const VALUE_DEPTH_MAX: usize = 32;

/// What makes a span storable, as far as it depends on the moment.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A span that starts earlier than this is refused: storage would drop it as expired, without a word,
    /// after we had acknowledged it.
    pub earliest_start_unix_nano: u64,
    /// A span that starts later than this is refused: it would never expire and open a partition of its own.
    pub latest_start_unix_nano: u64,
}

/// A request that may be written to the log.
#[derive(Debug, Clone)]
pub struct Validated {
    /// The body, without the spans that were refused; empty when no span is left.
    pub body: Bytes,
    /// Spans in `body`.
    pub accepted: u32,
    /// What was refused.
    pub rejections: Rejections,
}

/// The spans of a request that were refused, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejections {
    counts: [u32; Fault::ALL.len()],
    first: Option<(u32, Fault)>,
}

impl Rejections {
    /// How many spans were refused.
    pub fn total(&self) -> u32 {
        self.counts.iter().sum()
    }

    /// Each reason that occurred, with its number of spans.
    pub fn reasons(&self) -> impl Iterator<Item = (Fault, u32)> + '_ {
        Fault::ALL
            .into_iter()
            .zip(self.counts)
            .filter(|(_, count)| *count > 0)
    }

    /// A sentence for the sender.
    pub fn message(&self) -> String {
        let reasons: Vec<String> = self
            .reasons()
            .map(|(fault, count)| format!("{count} because {fault}"))
            .collect();
        let first = self.first.map_or(0, |(index, _)| index);
        format!(
            "{} spans rejected: {}; the first is span {first} of the request",
            self.total(),
            reasons.join(", ")
        )
    }

    fn add(&mut self, index: u32, fault: Fault, spans: u32) {
        if spans > 0 {
            self.counts[fault as usize] += spans;
            self.first.get_or_insert((index, fault));
        }
    }
}

/// Checks the body of an `ExportTraceServiceRequest`.
pub fn validate_traces(body: &Bytes, limits: Limits) -> Result<Validated, WireError> {
    let mut walk = Walk {
        limits,
        seen: 0,
        has_faulty_envelope: false,
        rejections: Rejections::default(),
    };
    for field in Fields::new(body) {
        let field = field?;
        if field.number == 1 {
            walk.resource_spans(field.bytes()?)?;
        }
    }
    let Walk {
        seen,
        has_faulty_envelope,
        rejections,
        ..
    } = walk;
    let accepted = seen - rejections.total();
    let body = match (accepted, rejections.total()) {
        (0, _) => Bytes::new(),
        (_, 0) if !has_faulty_envelope => body.clone(),
        _ => Bytes::from(without_refused(body, limits)?),
    };
    Ok(Validated {
        body,
        accepted,
        rejections,
    })
}

struct Walk {
    limits: Limits,
    seen: u32,
    /// Whether a resource or scope is at fault; it may have no spans.
    has_faulty_envelope: bool,
    rejections: Rejections,
}

impl Walk {
    fn resource_spans(&mut self, message: &[u8]) -> Result<(), WireError> {
        let fault = check::resource_envelope(message)?;
        self.has_faulty_envelope |= fault.is_some();
        for field in Fields::new(message) {
            let field = field?;
            if field.number == 2 {
                self.scope_spans(field.bytes()?, fault)?;
            }
        }
        Ok(())
    }

    fn scope_spans(&mut self, message: &[u8], above: Option<Fault>) -> Result<(), WireError> {
        let fault = above.or(check::scope_envelope(message)?);
        self.has_faulty_envelope |= fault.is_some();
        for field in Fields::new(message) {
            let field = field?;
            if field.number == 2 {
                let own = check::span(field.bytes()?, self.limits)?;
                if let Some(fault) = fault.or(own) {
                    self.rejections.add(self.seen, fault, 1);
                }
                self.seen += 1;
            }
        }
        Ok(())
    }
}

/// Writes the request again, leaving out what [`Walk`] counted as refused.
fn without_refused(body: &[u8], limits: Limits) -> Result<Vec<u8>, WireError> {
    let mut out = Encoder::with_capacity(body.len());
    copy_fields(body, &mut out, |field, out| {
        if field.number != 1 {
            return Ok(false);
        }
        let message = field.bytes()?;
        if check::resource_envelope(message)?.is_none() {
            out.message(1, |out| copy_resource_spans(message, out, limits))?;
        }
        Ok(true)
    })?;
    Ok(out.into_bytes())
}

fn copy_resource_spans(message: &[u8], out: &mut Encoder, limits: Limits) -> Result<(), WireError> {
    copy_fields(message, out, |field, out| {
        if field.number != 2 {
            return Ok(false);
        }
        let message = field.bytes()?;
        if check::scope_envelope(message)?.is_none() {
            out.message(2, |out| copy_scope_spans(message, out, limits))?;
        }
        Ok(true)
    })
}

fn copy_scope_spans(message: &[u8], out: &mut Encoder, limits: Limits) -> Result<(), WireError> {
    copy_fields(message, out, |field, _| {
        Ok(field.number == 2 && check::span(field.bytes()?, limits)?.is_some())
    })
}

/// Copies the fields of a message, except those that `handled` takes care of.
fn copy_fields(
    message: &[u8],
    out: &mut Encoder,
    mut handled: impl FnMut(Field<'_>, &mut Encoder) -> Result<bool, WireError>,
) -> Result<(), WireError> {
    let mut fields = Fields::new(message);
    let mut start = 0;
    while let Some(field) = fields.next() {
        let end = message.len() - fields.remaining();
        if !handled(field?, out)? {
            out.raw(&message[start..end]);
        }
        start = end;
    }
    Ok(())
}
