//! The one walk that decides what of a request is promised: it reads every field that a view will read later
//! and finds what must be refused while the sender is still listening.
//!
//! A body that is not the protobuf message it claims to be is refused whole. An item (span, log record, data
//! point) that is well-formed but cannot be stored is refused alone: its batch is rewritten without it and the
//! sender is told which and why. What hangs on a resource, scope or metric that cannot be stored is refused with it.
//!
//! The signals differ only in what their items are, so there is one walk for all of them.

use brokle_model::telemetry::Signal;
use bytes::Bytes;

use super::check;
use super::encode::Encoder;
use super::fault::Fault;
use super::metric::MetricKind;
use super::rejections::Rejections;
use super::wire::{Field, Fields, WireError};

/// Attribute values nested deeper than this are refused: every later stage recurses over them.
pub const VALUE_DEPTH_MAX: usize = 32;

/// What makes an item storable, as far as it depends on the moment.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// An item of before this is refused: storage would drop it as expired, without a word, after we had
    /// acknowledged it.
    pub earliest_unix_nano: u64,
    /// An item of after this is refused: it would never expire and open a partition of its own.
    pub latest_unix_nano: u64,
}

/// A request that may be written to the log.
#[derive(Debug, Clone)]
pub struct Validated {
    /// The body, without the items that were refused; empty when none is left.
    pub body: Bytes,
    /// Items in `body`.
    pub accepted: u32,
    /// What was refused.
    pub rejections: Rejections,
}

/// Checks the body of an `ExportTraceServiceRequest`, `ExportLogsServiceRequest` or
/// `ExportMetricsServiceRequest`.
pub fn validate(signal: Signal, body: &Bytes, limits: Limits) -> Result<Validated, WireError> {
    let mut walk = Walk {
        signal,
        limits,
        seen: 0,
        has_faulty_envelope: false,
        rejections: Rejections::none(signal),
    };
    for field in Fields::new(body) {
        let field = field?;
        if field.number == 1 {
            walk.resource(field.bytes()?)?;
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
        _ => Bytes::from(Rewrite { signal, limits }.request(body)?),
    };
    Ok(Validated {
        body,
        accepted,
        rejections,
    })
}

struct Walk {
    signal: Signal,
    limits: Limits,
    seen: u32,
    /// Whether a resource, scope or metric is at fault; it may have no items.
    has_faulty_envelope: bool,
    rejections: Rejections,
}

impl Walk {
    fn resource(&mut self, message: &[u8]) -> Result<(), WireError> {
        let fault = check::resource_envelope(message)?;
        self.has_faulty_envelope |= fault.is_some();
        for field in Fields::new(message) {
            let field = field?;
            if field.number == 2 {
                self.scope(field.bytes()?, fault)?;
            }
        }
        Ok(())
    }

    fn scope(&mut self, message: &[u8], above: Option<Fault>) -> Result<(), WireError> {
        let fault = above.or(check::scope_envelope(message)?);
        self.has_faulty_envelope |= fault.is_some();
        for field in Fields::new(message) {
            let field = field?;
            if field.number == 2 {
                let message = field.bytes()?;
                match self.signal {
                    Signal::Traces => self.item(fault, check::span::span(message, self.limits)?),
                    Signal::Logs => self.item(fault, check::log_record::log_record(message, self.limits)?),
                    Signal::Metrics => self.metric(message, fault)?,
                    // Not OTLP: nothing of it is an item.
                    Signal::Changes => {}
                }
            }
        }
        Ok(())
    }

    fn metric(&mut self, message: &[u8], above: Option<Fault>) -> Result<(), WireError> {
        let fault = above.or(check::metric::metric_envelope(message)?);
        self.has_faulty_envelope |= fault.is_some();
        for field in Fields::new(message) {
            let field = field?;
            let Some(kind) = MetricKind::of_field(field.number) else {
                continue;
            };
            for field in Fields::new(field.bytes()?) {
                let field = field?;
                if field.number == 1 {
                    let own = check::metric::point(kind, field.bytes()?, self.limits)?;
                    self.item(fault, own);
                }
            }
        }
        Ok(())
    }

    fn item(&mut self, above: Option<Fault>, own: Option<Fault>) {
        if let Some(fault) = above.or(own) {
            self.rejections.add(self.seen, fault);
        }
        self.seen += 1;
    }
}

/// Writes a request again, leaving out what [`Walk`] counted as refused.
#[derive(Clone, Copy)]
struct Rewrite {
    signal: Signal,
    limits: Limits,
}

impl Rewrite {
    fn request(self, body: &[u8]) -> Result<Vec<u8>, WireError> {
        let mut out = Encoder::with_capacity(body.len());
        copy_fields(body, &mut out, |field, out| {
            if field.number != 1 {
                return Ok(false);
            }
            let message = field.bytes()?;
            if check::resource_envelope(message)?.is_none() {
                out.message(1, |out| self.resource(message, out))?;
            }
            Ok(true)
        })?;
        Ok(out.into_bytes())
    }

    fn resource(self, message: &[u8], out: &mut Encoder) -> Result<(), WireError> {
        copy_fields(message, out, |field, out| {
            if field.number != 2 {
                return Ok(false);
            }
            let message = field.bytes()?;
            if check::scope_envelope(message)?.is_none() {
                out.message(2, |out| self.scope(message, out))?;
            }
            Ok(true)
        })
    }

    fn scope(self, message: &[u8], out: &mut Encoder) -> Result<(), WireError> {
        copy_fields(message, out, |field, out| {
            if field.number != 2 {
                return Ok(false);
            }
            let message = field.bytes()?;
            match self.signal {
                Signal::Changes => Ok(true),
                Signal::Traces => Ok(check::span::span(message, self.limits)?.is_some()),
                Signal::Logs => Ok(check::log_record::log_record(message, self.limits)?.is_some()),
                Signal::Metrics => {
                    if check::metric::metric_envelope(message)?.is_none() {
                        out.message(2, |out| self.metric(message, out))?;
                    }
                    Ok(true)
                }
            }
        })
    }

    fn metric(self, message: &[u8], out: &mut Encoder) -> Result<(), WireError> {
        copy_fields(message, out, |field, out| {
            let Some(kind) = MetricKind::of_field(field.number) else {
                return Ok(false);
            };
            let message = field.bytes()?;
            out.message(field.number, |out| {
                copy_fields(message, out, |field, _| {
                    let is_point = field.number == 1;
                    Ok(is_point && check::metric::point(kind, field.bytes()?, self.limits)?.is_some())
                })
            })?;
            Ok(true)
        })
    }
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
