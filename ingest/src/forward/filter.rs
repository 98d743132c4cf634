//! What is meant for a destination: whole requests by their signal and tenant, and in them items by attributes.

use std::collections::BTreeSet;

use brokle_model::id::ProjectId;
use brokle_model::telemetry::Signal;
use bytes::Bytes;

use super::config::FilterConfig;
use crate::otlp::encode::Encoder;
use crate::otlp::wire::{Fields, WireError};
use crate::process::Glob;

/// A filter, ready to use.
#[derive(Debug)]
pub(crate) struct Filter {
    signals: Vec<Signal>,
    projects: BTreeSet<ProjectId>,
    environments: BTreeSet<String>,
    attributes: Vec<(String, Vec<Glob>)>,
}

/// A request, or what is meant of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selected {
    pub(crate) body: Bytes,
    pub(crate) items: u32,
}

impl Filter {
    pub(crate) fn new(config: &FilterConfig) -> Self {
        let attributes = config.attributes.iter();
        Self {
            signals: config
                .signals
                .iter()
                .filter_map(|name| Signal::from_name(name))
                .collect(),
            projects: config.projects.iter().copied().collect(),
            environments: config.environments.iter().cloned().collect(),
            attributes: attributes
                .map(|(key, values)| (key.clone(), values.iter().map(|value| Glob::new(value)).collect()))
                .collect(),
        }
    }

    /// Whether any item of such a request may be meant.
    pub(crate) fn concerns(&self, project: ProjectId, environment: &str, signal: Signal) -> bool {
        super::batch::path(signal).is_some()
            && (self.signals.is_empty() || self.signals.contains(&signal))
            && (self.projects.is_empty() || self.projects.contains(&project))
            && (self.environments.is_empty() || self.environments.contains(environment))
    }

    /// The items that are meant.
    pub(crate) fn select(&self, body: &Bytes, items: u32) -> Result<Selected, WireError> {
        if self.attributes.is_empty() {
            return Ok(Selected {
                body: body.clone(),
                items,
            });
        }
        let mut out = Encoder::with_capacity(body.len());
        let mut kept = 0;
        for field in Fields::new(body) {
            let resource = field?.bytes()?;
            let start = out.len();
            let before = kept;
            out.message(1, |out| self.resource(resource, out, &mut kept))?;
            if kept == before {
                out.remove(start, out.len());
            }
        }
        Ok(Selected {
            body: Bytes::from(out.into_bytes()),
            items: kept,
        })
    }

    fn resource(&self, message: &[u8], out: &mut Encoder, kept: &mut u32) -> Result<(), WireError> {
        let mut open = self.open();
        for field in Fields::new(message) {
            let field = field?;
            if field.number == 1 {
                self.close_matching(&mut open, field.bytes()?, 1)?;
            }
        }
        copy(message, out, |scope, out| {
            let start = out.len();
            let before = *kept;
            out.message(2, |out| {
                copy(scope, out, |item, out| {
                    if self.is_meant(&open, item)? {
                        *kept += 1;
                        out.bytes(2, item);
                    }
                    Ok(())
                })
            })?;
            if *kept == before {
                out.remove(start, out.len());
            }
            Ok(())
        })
    }

    /// Conditions that nothing has met yet: all of them.
    fn open(&self) -> Vec<bool> {
        vec![true; self.attributes.len()]
    }

    fn is_meant(&self, open: &[bool], item: &[u8]) -> Result<bool, WireError> {
        let mut open = open.to_vec();
        // A span has its attributes in field 9, a log record in 6. A metric's points have their own; metrics are
        // chosen by their resource.
        for attributes in [9, 6] {
            if open.contains(&true) {
                self.close_matching(&mut open, item, attributes)?;
            }
        }
        Ok(!open.contains(&true))
    }

    /// Closes the conditions that an attribute in field `number` of `message` meets.
    fn close_matching(&self, open: &mut [bool], message: &[u8], number: u32) -> Result<(), WireError> {
        for field in Fields::new(message) {
            let field = field?;
            // A field of this number in another message is something else.
            let (true, Ok(attribute)) = (field.number == number, field.bytes()) else {
                continue;
            };
            let Some((key, value)) = text_attribute(attribute) else {
                continue;
            };
            for (open, (known, globs)) in open.iter_mut().zip(&self.attributes) {
                if known.as_bytes() == key && globs.iter().any(|glob| glob.matches(value)) {
                    *open = false;
                }
            }
        }
        Ok(())
    }
}

/// Copies a message, except for its fields of number two.
fn copy(
    message: &[u8],
    out: &mut Encoder,
    mut each: impl FnMut(&[u8], &mut Encoder) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut fields = Fields::new(message);
    let mut start = 0;
    while let Some(field) = fields.next() {
        let end = message.len() - fields.remaining();
        let field = field?;
        if field.number == 2 {
            each(field.bytes()?, out)?;
        } else {
            out.raw(&message[start..end]);
        }
        start = end;
    }
    Ok(())
}

/// Key and text of an attribute, if it has one.
fn text_attribute(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
    for field in Fields::new(message) {
        let field = field.ok()?;
        match field.number {
            1 => key = field.bytes().ok()?,
            2 => value = field.bytes().ok()?,
            _ => {}
        }
    }
    let text = Fields::new(value)
        .next()?
        .ok()
        .filter(|field| field.number == 1)?;
    Some((key, text.bytes().ok()?))
}
