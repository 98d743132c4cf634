//! A provider's stream on its way to the pivot format, whatever the provider speaks.

use std::collections::VecDeque;

use bytes::Bytes;

use super::door::Door;
use super::openai::typed;
use super::{anthropic, bedrock, cohere, gemini, responses};
use crate::config::Dialect;

/// A frame as the gateway reads it, and as it came. One frame of a provider's may be several here, of which
/// the first has it, or none, of which there is then one that has nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    /// In the pivot format.
    pub(crate) pivot: Option<Bytes>,
    /// As the provider sent it.
    pub(crate) sent: Option<Bytes>,
}

impl Piece {
    /// What it takes of memory.
    pub(crate) fn bytes(&self) -> usize {
        self.pivot.as_ref().map_or(0, Bytes::len) + self.sent.as_ref().map_or(0, Bytes::len)
    }
}

/// Turns a provider's frames into pieces.
#[derive(Debug)]
pub(crate) enum Translator {
    /// The provider speaks the pivot format.
    Same,
    Anthropic(Box<anthropic::stream::Stream>),
    Bedrock(Box<bedrock::stream::Stream>),
    Gemini(Box<gemini::stream::Stream>),
    Cohere(Box<cohere::stream::Stream>),
    Responses(Box<responses::stream::Stream>),
    /// Another of `OpenAI`'s calls.
    Typed(Box<typed::Stream>),
}

impl Translator {
    /// `model` is the one asked for; `created` is in seconds since 1970.
    pub(crate) fn new((door, dialect): (Door, Dialect), model: &str, created: i64) -> Self {
        match dialect {
            _ if door.streams_typed() => Self::Typed(Box::new(typed::Stream::new(model, created))),
            Dialect::Anthropic => Self::Anthropic(Box::new(anthropic::stream::Stream::new(model, created))),
            Dialect::Bedrock => Self::Bedrock(Box::new(bedrock::stream::Stream::new(model, created))),
            Dialect::Gemini => Self::Gemini(Box::new(gemini::stream::Stream::new(model, created))),
            Dialect::Cohere => Self::Cohere(Box::new(cohere::stream::Stream::new(model, created))),
            Dialect::Responses => Self::Responses(Box::new(responses::stream::Stream::new(model, created))),
            _ => Self::Same,
        }
    }

    /// Whether the provider's frames are messages of AWS's event stream, and not server-sent events.
    pub(crate) const fn is_binary(&self) -> bool {
        matches!(self, Self::Bedrock(_))
    }

    /// Adds what `frame` says to `out`: at least one piece.
    pub(crate) fn push(&mut self, frame: Bytes, out: &mut VecDeque<Piece>) {
        let mut frames = VecDeque::new();
        match self {
            Self::Same => {
                out.push_back(Piece {
                    pivot: Some(frame),
                    sent: None,
                });
                return;
            }
            Self::Anthropic(stream) => stream.push(&frame, &mut frames),
            Self::Bedrock(stream) => stream.push(&frame, &mut frames),
            Self::Gemini(stream) => stream.push(&frame, &mut frames),
            Self::Cohere(stream) => stream.push(&frame, &mut frames),
            Self::Responses(stream) => stream.push(&frame, &mut frames),
            Self::Typed(stream) => stream.push(&frame, &mut frames),
        }
        let mut sent = Some(frame);
        out.push_back(Piece {
            pivot: frames.pop_front(),
            sent: sent.take(),
        });
        out.extend(frames.into_iter().map(|pivot| Piece {
            pivot: Some(pivot),
            sent: None,
        }));
    }
}
