//! A provider's stream on its way to the pivot format, whatever the provider speaks.

use std::collections::VecDeque;

use bytes::Bytes;

use super::anthropic;
use crate::config::Dialect;

/// Turns a provider's frames into chunks of the pivot format.
#[derive(Debug)]
pub(crate) enum Translator {
    /// The provider speaks it: frames stay as they came.
    Same,
    Anthropic(Box<anthropic::stream::Stream>),
}

impl Translator {
    /// `model` is the one asked for; `created` is in seconds since 1970.
    pub(crate) fn new(dialect: Dialect, model: &str, created: i64) -> Self {
        match dialect {
            Dialect::Anthropic => Self::Anthropic(Box::new(anthropic::stream::Stream::new(model, created))),
            _ => Self::Same,
        }
    }

    /// Adds what `frame` says to `out`: any number of frames.
    pub(crate) fn push(&mut self, frame: Bytes, out: &mut VecDeque<Bytes>) {
        match self {
            Self::Same => out.push_back(frame),
            Self::Anthropic(stream) => stream.push(&frame, out),
        }
    }
}
